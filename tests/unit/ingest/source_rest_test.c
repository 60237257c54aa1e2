// Proves: what the rest_api driver does beyond the recorded suites: loops and endless paging are
// told, cursors per parent, units and their state, limits, credentials, wrong configurations.
// A case is a configuration and the answers of a server, both as JSON.

#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "ingest/source/source.h"
#include "net/recording.h"

static struct arena *arena;
static struct json states;

struct seen {
    str_vec urls;    // requested
    str_vec auths;   // Authorization headers, "" = none
    str_vec records; // "resource {json}"
    str_vec units;   // "resource state"
    struct source_report report;
};
static struct seen seen;
static struct source_run *running; // the run at hand
static size_t stop_after;          // with which request its time is over; 0 = never

static int setup(void **state)
{
    (void)state;
    arena = arena_open(NULL);
    states = (struct json){.kind = JSON_OBJECT};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

static rc on_record(void *ctx, const struct resource *resource, const struct json *record,
                    struct err *err)
{
    (void)ctx, (void)err;
    const struct str text = json_print(arena, record, JSON_COMPACT);
    *vec_push(arena, &seen.records) =
        arena_printf(arena, "%.*s %.*s", STR_ARGS(resource->name), STR_ARGS(text));
    return RC_OK;
}

static rc on_unit(void *ctx, const struct resource *resource, const struct json *state,
                  struct err *err)
{
    (void)ctx, (void)err;
    const struct str text = state == NULL ? STR("-") : json_print(arena, state, JSON_COMPACT);
    *vec_push(arena, &seen.units) =
        arena_printf(arena, "%.*s %.*s", STR_ARGS(resource->name), STR_ARGS(text));
    if (state != NULL)
        *json_object_set(arena, &states, arena_str(arena, resource->name)) =
            json_copy(arena, state);
    return RC_OK;
}

static void on_request(void *ctx, const struct http_request *request)
{
    (void)ctx;
    *vec_push(arena, &seen.urls) = arena_str(arena, request->url);
    struct str auth = STR("");
    for (size_t i = 0; i < request->header_count; i++)
        if (str_is(request->headers[i].name, "Authorization"))
            auth = arena_str(arena, request->headers[i].value);
    *vec_push(arena, &seen.auths) = auth;
    if (seen.urls.count == stop_after)
        running->stop_at_us = 1; // long ago
}

static void write_headers(struct buf *har, const struct json *headers)
{
    for (size_t i = 0; headers != NULL && i < headers->count; i++) {
        buf_printf(har, "%s{\"name\":", i > 0 ? "," : "");
        json_write_string(har, headers->members[i].key);
        buf_append_cstr(har, ",\"value\":");
        json_write_string(har, headers->members[i].value.text);
        buf_append_byte(har, '}');
    }
}

// {"/path": answer, ...} where an answer is a body, or {"$status", "$headers", "$post", "body"}
// ($post: the body of the request), as a HAR file.
static struct str har_of(const struct json *answers)
{
    struct buf har;
    struct json_writer w;
    buf_init(&har, 1 << 20);
    json_writer_init(&w, &har, JSON_COMPACT);
    buf_append_cstr(&har, "{\"log\":{\"entries\":[");
    for (size_t i = 0; i < answers->count; i++) {
        const struct json *answer = &answers->members[i].value;
        const struct json *status = json_get(answer, STR("$status"));
        const struct json *body = status != NULL ? json_get(answer, STR("body")) : answer;
        const struct str key = answers->members[i].key;
        const struct str url =
            str_has_prefix(key, STR("http")) ? key : str_concat(arena, STR("http://h"), key);
        const struct str text =
            body->kind == JSON_STRING ? body->text : json_print(arena, body, JSON_COMPACT);
        const struct json *post = json_get(answer, STR("$post"));
        buf_printf(&har, "%s{\"request\":{\"method\":\"%s\",\"url\":", i > 0 ? "," : "",
                   post != NULL ? "POST" : "GET");
        json_write_string(&har, url);
        if (post != NULL) {
            buf_append_cstr(&har, ",\"postData\":{\"text\":");
            json_write_string(&har, post->text);
            buf_append_byte(&har, '}');
        }
        buf_printf(&har, "},\"response\":{\"status\":%lld,\"headers\":[",
                   (long long)json_int64(status, 200));
        write_headers(&har, json_get(answer, STR("$headers")));
        buf_append_cstr(&har, "],\"content\":{\"text\":");
        json_write_string(&har, text);
        buf_append_cstr(&har, "}}}");
    }
    buf_append_cstr(&har, "]}}");
    const struct str text = arena_str(arena, buf_str(&har));
    buf_done(&har);
    return text;
}

static struct json parse(const char *text)
{
    struct json value;
    struct err err = {0};
    // Single quotes keep the cases readable.
    const struct str single = str_replace(arena, str_of(text), STR("'"), STR("\""));
    const struct str quoted = str_replace(arena, single, STR("`"), STR("'"));
    if (json_parse(arena, quoted, "case", &value, &err) != RC_OK)
        fail_msg("%s in %s", err.message, text);
    return value;
}

static rc run_with(const char *config_text, const char *answers_text, struct source_run run,
                   struct err *err)
{
    const struct json config = parse(config_text), answers = parse(answers_text);
    const struct str path = arena_printf(arena, "%s/moulin-rest-%ld.har", P_tmpdir, (long)getpid());
    assert_int_equal(fs_write(path, har_of(&answers), (struct fs_write_options){0}, NULL), RC_OK);
    struct recording *recording;
    assert_int_equal(recording_open_replay(path, &recording, err), RC_OK);
    unlink(arena_cstr(arena, path));
    seen = (struct seen){0};
    recording_on_request(recording, on_request, NULL);
    const struct source_options options = {.name = STR("t"), .recording = recording};
    struct source *source;
    rc code = source_open_json(&config, &options, &source, err);
    if (code == RC_OK) {
        const struct json **from =
            ARENA_ARRAY(arena, const struct json *, source_resource_count(source));
        for (size_t i = 0; i < source_resource_count(source); i++)
            from[i] = json_get(&states, source_resource(source, i)->name);
        run.states = from;
        running = &run;
        const struct record_sink sink = {NULL, on_record, on_unit};
        code = source_run(source, &run, &sink, &seen.report, err);
        const str_vec notes = seen.report.notes; // they live with the source
        seen.report.notes = (str_vec){0};
        for (size_t i = 0; i < notes.count; i++)
            *vec_push(arena, &seen.report.notes) = arena_str(arena, notes.items[i]);
        source_close(source);
    }
    recording_abandon(recording);
    return code;
}

static void run_ok(const char *config, const char *answers)
{
    struct err err = {0};
    if (run_with(config, answers, (struct source_run){0}, &err) != RC_OK)
        fail_msg("%s", err.message);
}

static void assert_list(const str_vec *got, const char *wanted)
{
    const struct str text = str_join(arena, got->items, got->count, STR("\n"));
    const struct str quoted = str_replace(arena, str_of(wanted), STR("'"), STR("\""));
    assert_string_equal(arena_cstr(arena, text), arena_cstr(arena, quoted));
}

// Every paginator from its first request to its last; a new one gets a row here.
static void paginators_lead_to_the_last_page(void **state)
{
    (void)state;
    static const struct {
        const char *paginator, *answers, *urls;
    } cases[] = {
        {"'single_page'", "{'/a': {'items': [1], 'next': '/b'}}", "/a"},
        {"{'type': 'json_link', 'next_url_path': 'links.next'}",
         "{'/a': {'items': [1], 'links': {'next': '/b'}}, '/b': {'items': [2], 'links': {}}}",
         "/a\n/b"},
        {"'header_link'",
         "{'/a': {'$status': 200, '$headers': {'Link': '</b>; rel=next'}, 'body': {'items': [1]}},"
         " '/b': {'items': [2]}}",
         "/a\n/b"},
        {"{'type': 'header_cursor', 'cursor_key': 'X-Next'}",
         "{'/a': {'$status': 200, '$headers': {'X-Next': 'q'}, 'body': {'items': [1]}},"
         " '/a?cursor=q': {'items': [2]}}",
         "/a\n/a?cursor=q"},
        {"{'type': 'cursor', 'cursor_path': 'c', 'cursor_param': 'at'}",
         "{'/a': {'items': [1], 'c': 'q'}, '/a?at=q': {'items': [2], 'c': null}}", "/a\n/a?at=q"},
        {"{'type': 'offset', 'limit': 2, 'total_path': 'n'}",
         "{'/a?offset=0&limit=2': {'items': [1, 2], 'n': 3},"
         " '/a?offset=2&limit=2': {'items': [3], 'n': 3}}",
         "/a?offset=0&limit=2\n/a?offset=2&limit=2"},
        {"{'type': 'page_number', 'base_page': 1, 'total_path': 'n'}",
         "{'/a?page=1': {'items': [1], 'n': 2}, '/a?page=2': {'items': [2], 'n': 2}}",
         "/a?page=1\n/a?page=2"},
        {"{'type': 'page_number', 'total_path': null}",
         "{'/a?page=0': {'items': [1]}, '/a?page=1': {'items': []}}", "/a?page=0\n/a?page=1"},
        {"'auto'", "{'/a': {'items': [1], 'next': '/b'}, '/b': {'items': [2]}}", "/a\n/b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct str config =
            arena_printf(arena,
                         "{'client': {'base_url': 'http://h', 'paginator': %s}, 'resources': ["
                         "{'name': 'a', 'endpoint': {'data_selector': 'items'}}]}",
                         cases[i].paginator);
        run_ok(config.bytes, cases[i].answers);
        const struct str urls = str_join(arena, seen.urls.items, seen.urls.count, STR("\n"));
        assert_string_equal(arena_cstr(arena, str_replace(arena, urls, STR("http://h"), STR(""))),
                            cases[i].urls);
    }
}

static void a_paginator_that_lacks_what_it_needs_is_named(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(run_with("{'client': {'base_url': 'http://h', 'paginator': {'type': 'cursor', "
                              "'cursor_path': 'c', 'has_more_path': 'more'}}, 'resources': ['a']}",
                              "{'/a': {'items': [1], 'c': 'q'}}", (struct source_run){0}, &err),
                     RC_INVALID);
    assert_non_null(strstr(err.message, "paginator cursor: has_more_path 'more'"));
    assert_int_equal(run_with("{'client': {'base_url': 'http://h', 'paginator': 'zzzzzzzzz'}, "
                              "'resources': ['a']}",
                              "{}", (struct source_run){0}, &err),
                     RC_CONFIG);
    assert_non_null(strstr(err.hint, "there are auto, single_page"));
}

static void endless_paging_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *config, *answers, *wanted;
    } cases[] = {
        // A link that leads back.
        {"{'client': {'base_url': 'http://h'}, 'resources': ['a']}",
         "{'/a': {'items': [1], 'next': '/b'}, '/b': {'items': [2], 'next': '/a'}}", "in a circle"},
        // A cursor that stays.
        {"{'client': {'base_url': 'http://h', 'paginator': {'type': 'cursor', 'cursor_path': 'c'}},"
         " 'resources': ['a']}",
         "{'/a': {'items': [1], 'c': 'x'}, '/a?cursor=x': {'items': [2], 'c': 'x'}}",
         "in a circle"},
        // An API that does not know the page parameter.
        {"{'client': {'base_url': 'http://h', 'paginator': {'type': 'page_number', 'total_path': "
         "null}}, 'resources': ['a']}",
         "{'/a?page=0': [1], '/a?page=1': [1], '/a?page=2': [1], '/a?page=3': [1], '/a?page=4': "
         "[1],"
         " '/a?page=5': [1], '/a?page=6': [1], '/a?page=7': [1], '/a?page=8': [1], '/a?page=9': "
         "[1],"
         " '/a?page=10': [1], '/a?page=11': [1]}",
         "pages for ever"},
        // Ever new pages, with a cap of its own.
        {"{'client': {'base_url': 'http://h'}, 'resources': [{'name': 'a', 'endpoint': "
         "{'max_pages':"
         " 2, 'paginator': {'type': 'page_number', 'total_path': null}}}]}",
         "{'/a?page=0': [0], '/a?page=1': [1], '/a?page=2': [2]}", "more than 2 pages"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        assert_int_equal(run_with(cases[i].config, cases[i].answers, (struct source_run){0}, &err),
                         RC_LIMIT);
        if (strstr(err.message, cases[i].wanted) == NULL)
            fail_msg("case %zu: %s", i, err.message);
        assert_true(err.hint[0] != '\0');
    }
}

#define PER                                                                                        \
    "{'client': {'base_url': 'http://h', 'paginator': 'single_page'}, 'resources': ["              \
    " {'name': 'users', 'selected': false, 'rows': ['ann', 'bob']},"                               \
    " {'name': 'events', 'primary_key': 'id', 'endpoint': {'path': 'e/{resources.users.value}',"   \
    "  'data_selector': '$', 'params': {'since': '{incremental.start_value}'},"                    \
    "  'incremental': {'cursor_path': 'at', 'per': 'value', 'initial_value': 0}}}]}"

static void cursors_per_parent_are_independent(void **state)
{
    (void)state;
    run_ok(PER,
           "{'/e/ann?since=0': [{'id': 1, 'at': 90}], '/e/bob?since=0': [{'id': 2, 'at': 10}]}");
    assert_list(&seen.records, "events {'id':1,'at':90}\nevents {'id':2,'at':10}");
    // One unit per parent's record, and the end.
    assert_int_equal(seen.units.count, 3);
    run_ok(PER, "{'/e/ann?since=90': [{'id': 1, 'at': 90}, {'id': 3, 'at': 95}],"
                " '/e/bob?since=10': [{'id': 2, 'at': 10}, {'id': 4, 'at': 11}]}");
    assert_list(&seen.records, "events {'id':3,'at':95}\nevents {'id':4,'at':11}");
    const struct json *per = json_path(&states, "events", "incremental", "at", "per");
    assert_int_equal(json_int64(json_path(per, "ann", "last_value"), 0), 95);
    assert_int_equal(json_int64(json_path(per, "bob", "last_value"), 0), 11);
}

// A parent that goes away keeps its cursor; one that comes later starts at the beginning.
static void a_new_parent_gets_its_whole_history(void **state)
{
    (void)state;
    run_ok(PER, "{'/e/ann?since=0': [{'id': 1, 'at': 90}], '/e/bob?since=0': []}");
    run_ok(PER, "{'/e/ann?since=90': [], '/e/bob?since=0': [{'id': 2, 'at': 5}]}");
    assert_list(&seen.records, "events {'id':2,'at':5}");
}

static void one_cursor_over_many_parents_moves_at_the_end(void **state)
{
    (void)state;
    const char *config =
        "{'client': {'base_url': 'http://h', 'paginator': 'single_page'}, 'resources': ["
        " {'name': 'users', 'selected': false, 'rows': ['ann', 'bob']},"
        " {'name': 'events', 'endpoint': {'path': 'e/{resources.users.value}',"
        "  'data_selector': '$', 'incremental': {'cursor_path': 'at'}}}]}";
    struct err err = {0};
    assert_int_equal(run_with(config, "{'/e/ann': [{'at': 90}]}", (struct source_run){0}, &err),
                     RC_NOT_FOUND);
    assert_int_equal(seen.units.count, 0); // bob is missing: nothing may be remembered yet
    run_ok(config, "{'/e/ann': [{'at': 90}], '/e/bob': [{'at': 10}]}");
    assert_int_equal(seen.records.count, 2);
    assert_int_equal(seen.units.count, 1);
}

static void pages_without_cursor_are_units(void **state)
{
    (void)state;
    run_ok("{'client': {'base_url': 'http://h'}, 'resources': ['a']}",
           "{'/a': {'items': [1, 2], 'next': '/a?p=2'}, '/a?p=2': {'items': [3], 'next': null}}");
    assert_list(&seen.units, "a -\na -\na -");
    assert_list(&seen.records, "a 1\na 2\na 3");
    assert_int_equal(seen.report.notes.count, 1);
    assert_true(str_contains(seen.report.notes.items[0], STR("json_link")));
}

static void a_limited_run_does_not_skip_rows_later(void **state)
{
    (void)state;
    const char *config = "{'client': {'base_url': 'http://h'}, 'resources': [{'name': 'a',"
                         " 'endpoint': {'incremental': {'cursor_path': 'at'}}}]}";
    const char *answers =
        "{'/a': {'items': [{'at': 9}], 'next': '/a?p=2'}, '/a?p=2': {'items': [{'at': 3}]}}";
    struct err err = {0};
    assert_int_equal(run_with(config, answers, (struct source_run){.max_pages = 1}, &err), RC_OK);
    assert_list(&seen.records, "a {'at':9}");
    run_ok(config, answers);
    assert_list(&seen.records, "a {'at':9}\na {'at':3}");
}

static void ignored_answers_end_their_request(void **state)
{
    (void)state;
    run_ok("{'client': {'base_url': 'http://h'}, 'resources': ["
           " {'name': 'u', 'selected': false, 'rows': [{'id': 1}, {'id': 2}, {'id': 3}]},"
           " {'name': 'a', 'endpoint': {'path': 'a/{resources.u.id}', 'response_actions': ["
           "  {'status_code': 404, 'action': 'ignore'},"
           "  {'content': 'locked', 'action': 'ignore'}]}}]}",
           "{'/a/1': {'$status': 404, 'body': 'no'}, '/a/2': {'$status': 403, 'body': 'locked'},"
           " '/a/3': {'x': 1}}");
    assert_list(&seen.records, "a {'x':1}");
    assert_int_equal(seen.report.ignored, 2);
}

static void credentials_stay_with_their_host(void **state)
{
    (void)state;
    run_ok("{'client': {'base_url': 'http://h', 'auth': {'token': 'T'}}, 'resources': ['a']}",
           "{'/a': {'items': [1], 'next': '/b'}, '/b': {'items': [2], 'next': 'http://other/c'},"
           " 'http://other/c': {'items': [3]}}");
    assert_list(&seen.auths, "Bearer T\nBearer T\n");
    assert_list(&seen.records, "a 1\na 2\na 3");
}

static void an_api_key_is_not_added_twice(void **state)
{
    (void)state;
    run_ok(
        "{'client': {'base_url': 'http://h', 'auth': {'type': 'api_key', 'name': 'k', 'api_key': "
        "'a b', 'location': 'query'}}, 'resources': ['a']}",
        "{'/a?k=REDACTED': {'items': [1], 'next': '/a?p=2&k=a+b'},"
        " '/a?p=2&k=REDACTED': {'items': [2]}}");
    assert_list(&seen.urls, "http://h/a?k=a+b\nhttp://h/a?p=2&k=a+b");
}

static void an_oauth2_token_is_fetched_once(void **state)
{
    (void)state;
    run_ok(
        "{'client': {'base_url': 'http://h', 'auth': {'type': 'oauth2_client_credentials', "
        "'access_token_url': 'http://auth/token', 'client_id': 'me', 'client_secret': 'hush', "
        "'access_token_request_data': {'scope': 'read all'}}}, 'resources': ['a', 'b']}",
        "{'http://auth/token': {'$status': 200, '$post': 'client_id=REDACTED&client_secret="
        "REDACTED&grant_type=client_credentials&scope=read+all', 'body': {'access_token': 'T1', "
        "'expires_in': 3600}}, '/a': {'items': [1], 'next': '/a?p=2'}, '/a?p=2': {'items': [2]}, "
        "'/b': [3]}");
    assert_list(&seen.records, "a 1\na 2\nb 3");
    assert_list(&seen.auths, "\nBearer T1\nBearer T1\nBearer T1");
}

static void rows_of_plain_texts_answer_to_dollar(void **state)
{
    (void)state;
    run_ok("{'client': {'base_url': 'http://h', 'paginator': 'single_page'}, 'resources': ["
           " {'name': 'l', 'endpoint': {'data_selector': 'list'}},"
           " {'name': 'd', 'endpoint': {'path': '{resources.l.$}', 'data_selector': '$'},"
           "  'include_from_parent': ['value']}]}",
           "{'/l': {'list': ['http://h/x', 'http://h/y']}, '/x': [7], '/y': [{'n': 8}]}");
    assert_list(&seen.records, "l 'http://h/x'\nd {'value':7,'_l_value':'http://h/x'}\n"
                               "l 'http://h/y'\nd {'n':8,'_l_value':'http://h/y'}");
}

static void wrong_configurations_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *resource, *wanted;
    } cases[] = {
        {"{'name': 'a', 'endpoint': {'paginator': 'cursr'}}", "no paginator 'cursr'"},
        {"{'name': 'a', 'endpoint': {'paginator': {'type': 'offset'}}}", "wants a limit"},
        {"{'name': 'a', 'endpoint': {'paginator': {'type': 'cursor', 'cursor_param': 'x', "
         "'cursor_body_path': 'y'}}}",
         "not both"},
        {"{'name': 'a', 'endpoint': {'paginator': {'type': 'page_number', 'total_path': null, "
         "'stop_after_empty_page': false}}}",
         "where the last page is"},
        {"{'name': 'a', 'endpoint': {'auth': {'type': 'api_key', 'api_key': 'k', 'location': "
         "'cookie'}}}",
         "location 'cookie'"},
        {"{'name': 'a', 'endpoint': {'path': 'x/{resources.b.id}'}}", "parent resource 'b'"},
        {"{'name': 'a', 'endpoint': {'path': 'x/{id}'}}", "nothing is known as {id}"},
        {"{'name': 'a', 'endpoint': {'path': 'x/{'}}", "single brace"},
        {"{'name': 'a', 'endpoint': {'data_selector': 'a[['}}", "data_selector"},
        {"{'name': 'a', 'endpoint': {'json': {}, 'data': {}}}", "not both"},
        {"{'name': 'a', 'endpoint': {'incremental': {}}}", "cursor_path"},
        {"{'name': 'a', 'endpoint': {'incremental': {'cursor_path': 'x', 'end_value': 3}}}",
         "initial_value"},
        {"{'name': 'a', 'selected': false, 'endpoint': {'incremental': {'cursor_path': 'x'}}}",
         "not loaded"},
        {"{'name': 'a', 'endpoint': {'path': 'x/{resources.a.id}'}}", "its own ancestor"},
        {"{'name': 'a', 'include_from_parent': ['x']}", "no parent"},
        {"{'name': 'a', 'write_disposition': 'overwrite'}", "write_disposition"},
        {"{'name': 'a', 'rows': [1], 'endpoint': 'x'}", "rows and an endpoint"},
        {"{'name': 'a', 'endpoint': {'time_partition': {'value': 'x', 'format': '%m'}}}", "year"},
        {"{'name': 'a', 'endpoint': {'time_partition': {'value': 'x', 'format': '%Y', 'timezone': "
         "'Mars'}}}",
         "timezone"},
        {"{'name': 'a', 'endpoint': {'response_actions': [{'status_code': 404, 'action': "
         "'retry'}]}}",
         "action 'retry'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        const struct str config = arena_printf(
            arena, "{'client': {'base_url': 'http://h'}, 'resources': [%s]}", cases[i].resource);
        const rc code = run_with(config.bytes, "{}", (struct source_run){0}, &err);
        if (code != RC_CONFIG || strstr(err.message, cases[i].wanted) == NULL ||
            strstr(err.message, "resource 'a'") == NULL)
            fail_msg("case %zu (%s): %d %s", i, cases[i].resource, code, err.message);
    }
}

static void what_the_data_lacks_is_told(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(run_with("{'client': {'base_url': 'http://h'}, 'resources': ["
                              " {'name': 'p', 'rows': [{'name': 'x', 'age': 3}]},"
                              " {'name': 'c', 'endpoint': 'c/{resources.p.id}'}]}",
                              "{}", (struct source_run){0}, &err),
                     RC_INVALID);
    assert_non_null(strstr(err.message, "a record of 'p' has no 'id'"));
    assert_non_null(strstr(err.hint, "name, age"));
    assert_int_equal(run_with("{'client': {'base_url': 'http://h', 'paginator': {'type': 'offset', "
                              "'limit': 1}}, 'resources': ['a']}",
                              "{'/a?offset=0&limit=1': {'items': [1]}}", (struct source_run){0},
                              &err),
                     RC_INVALID);
    assert_non_null(strstr(err.message, "total_path 'total'"));
    assert_int_equal(run_with("{'client': {'base_url': 'http://h'}, 'resources': ['a']}",
                              "{'/a': '<!DOCTYPE html><title>Sign in</title>'}",
                              (struct source_run){0}, &err),
                     RC_INVALID);
    assert_non_null(strstr(err.message, "titled 'Sign in'"));
}

static void steps_filter_and_map_raw_records(void **state)
{
    (void)state;
    run_ok("{'client': {'base_url': 'http://h'}, 'resources': [{'name': 'a', 'processing_steps': ["
           " {'filter': 'record.n > 1 and record.tags'},"
           " {'map': {'id': 'record.id ~ `-` ~ record.n', 'half': 'record.n / 2', 'zip': "
           "'record.zip', 'tags': null, 'first': 'record.tags[0]', 'none': 'record.nothing'}},"
           " {'map': 'dict(record, last=true)'}]}]}",
           "{'/a': [{'id': 'x', 'n': 1, 'tags': ['t']}, {'id': 'y', 'n': 2, 'tags': []},"
           " {'id': 'z', 'n': 3, 'zip': '01234', 'tags': [{'k': 9007199254740993}]}]}");
    assert_list(&seen.records, "a {'id':'z-3','n':3,'zip':'01234','half':1.5,"
                               "'first':{'k':9007199254740993},'none':null,'last':true}");
}

static void filtered_records_take_their_children_along(void **state)
{
    (void)state;
    run_ok("{'client': {'base_url': 'http://h', 'paginator': 'single_page'}, 'resources': ["
           " {'name': 'p', 'rows': [{'id': 1}, {'id': 2}],"
           "  'processing_steps': [{'filter': 'record.id == 2'}]},"
           " {'name': 'c', 'endpoint': 'c/{resources.p.id}'}]}",
           "{'/c/2': {'x': 5}}");
    assert_list(&seen.records, "p {'id':2}\nc {'x':5}");
}

static void wrong_steps_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *step, *wanted;
        rc code;
    } cases[] = {
        {"{'filter': 'record.'}", "filter 'record.'", RC_CONFIG},
        {"{'filter': '{{ record.x }}'}", "no braces", RC_CONFIG},
        {"{'yield_map': 'x'}", "{filter: ...}", RC_CONFIG},
        {"{'map': '1'}", "must give a mapping", RC_INVALID},
        {"{'filter': 'record.x.y.z'}", "processing_steps", RC_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        const struct str config = arena_printf(
            arena, "{'resources': [{'name': 'a', 'rows': [{'id': 1}], 'processing_steps': [%s]}]}",
            cases[i].step);
        const rc code = run_with(config.bytes, "{}", (struct source_run){0}, &err);
        if (code != cases[i].code || strstr(err.message, cases[i].wanted) == NULL)
            fail_msg("case %zu (%s): %d %s", i, cases[i].step, code, err.message);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void nothing_ends_behind_the_time_limit(void **state)
{
    (void)state;
    static const char *const config =
        "{'client':{'base_url':'http://h/"
        "'},'resource_defaults':{'endpoint':{'data_selector':'items',"
        "'paginator':{'type':'json_link','next_url_path':'next'}}},'resources':["
        "{'name':'p','endpoint':{'path':'p'}},"
        "{'name':'c','endpoint':{'path':'c/{resources.p.id}'}},"
        "{'name':'z','endpoint':{'path':'z'}}]}";
    static const char *const answers =
        "{'/p':{'items':[{'id':1},{'id':2}],'next':'http://h/p2'},'/p2':{'items':[{'id':3}]},"
        "'/c/1':{'items':[{'v':1}]},'/c/2':{'items':[{'v':2}],'next':'http://h/c2b'},"
        "'/c2b':{'items':[{'v':3}]},'/c/3':{'items':[{'v':4}]},'/z':{'items':[{'v':5}]}}";
    static const struct {
        size_t stop_after, requests;
        const char *records, *units;
        bool is_partial;
    } cases[] = {
        // A chain with a page left does not end, nor does the page of its parent.
        {3, 3, "p c p c", "c", true},
        // When its last page came in time, it does; the parent's next page is not asked for.
        {4, 4, "p c p c c", "c c p", true},
        {5, 5, "p c p c c p", "c c p", true},
        {6, 6, "p c p c c p c", "c c p c p", true},
        {7, 7, "p c p c c p c z", "c c p c p z", false},
        {0, 7, "p c p c c p c z", "c c p c p z", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct texts {
            char records[100], units[100];
        } found = {"", ""};
        stop_after = cases[i].stop_after;
        assert_int_equal(run_with(config, answers, (struct source_run){0}, &err), RC_OK);
        stop_after = 0;
        for (size_t k = 0; k < seen.records.count; k++)
            snprintf(found.records + strlen(found.records),
                     sizeof found.records - strlen(found.records), "%s%.1s", k > 0 ? " " : "",
                     seen.records.items[k].bytes);
        // The end of the run ends every resource once more; here only what came before counts.
        for (size_t k = 0; k < seen.units.count; k++)
            snprintf(found.units + strlen(found.units), sizeof found.units - strlen(found.units),
                     "%s%.1s", k > 0 ? " " : "", seen.units.items[k].bytes);
        assert_string_equal(found.records, cases[i].records);
        if (cases[i].is_partial)
            assert_string_equal(found.units, cases[i].units);
        else
            assert_true(str_has_prefix(str_of(found.units), str_of(cases[i].units)));
        assert_int_equal(seen.urls.count, cases[i].requests);
        assert_int_equal(seen.report.is_partial, cases[i].is_partial);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paginators_lead_to_the_last_page),
        TEST(a_paginator_that_lacks_what_it_needs_is_named),
        TEST(endless_paging_is_told),
        TEST(cursors_per_parent_are_independent),
        TEST(a_new_parent_gets_its_whole_history),
        TEST(one_cursor_over_many_parents_moves_at_the_end),
        TEST(pages_without_cursor_are_units),
        TEST(a_limited_run_does_not_skip_rows_later),
        TEST(ignored_answers_end_their_request),
        TEST(credentials_stay_with_their_host),
        TEST(an_api_key_is_not_added_twice),
        TEST(an_oauth2_token_is_fetched_once),
        TEST(rows_of_plain_texts_answer_to_dollar),
        TEST(wrong_configurations_are_refused),
        TEST(what_the_data_lacks_is_told),
        TEST(steps_filter_and_map_raw_records),
        TEST(filtered_records_take_their_children_along),
        TEST(wrong_steps_are_told),
        TEST(nothing_ends_behind_the_time_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
