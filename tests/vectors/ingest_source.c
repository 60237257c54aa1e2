// The suites of the sources: the declarative REST source against recorded exchanges, its detector,
// the incremental cursor and its lag.
//
// ingest-rest runs the configuration over a replayed recording made of the case's exchanges, with
// the base URL http://vectors.invalid, and compares tables (after normalizing the rows), the
// cursor's state, and, through the recording, method, target and body of every request. Recorded
// request headers are compared by a second recording that lists what was sent.

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vectors.h"

#include "base/fs.h"
#include "base/time.h"
#include "ingest/source/detector.h"
#include "ingest/source/incremental.h"
#include "ingest/source/source.h"
#include "net/recording.h"

#define BASE "http://vectors.invalid"

// --- lag ---------------------------------------------------------------------------------------

static const struct json *given(const struct json *object, const char *key)
{
    const struct json *value = json_get(object, str_of(key));
    return value == NULL || value->kind == JSON_NULL ? NULL : value;
}

// Numbers by value: 99.0 and 99 are the same cursor.
static bool same(const struct json *a, const struct json *b)
{
    double x, y;
    if (a->kind == JSON_NUMBER && b->kind == JSON_NUMBER && json_to_double(a, &x) &&
        json_to_double(b, &y))
        return x == y;
    return json_equal(a, b);
}

static void run_lag_line(struct vectors *v, const struct json *c)
{
    struct json got;
    struct err err = {0};
    double lag = 0;
    (void)json_to_double(json_get(c, STR("lag")), &lag);
    const bool is_min = str_is(json_str(json_get(c, STR("last_value_func")), STR("")), "min");
    const rc code = incremental_apply_lag(v->scratch, lag, is_min, given(c, "initial_value"),
                                          json_get(c, STR("last_value")), &got, &err);
    const struct json *wanted = json_get(c, STR("out"));
    if (wanted == NULL) {
        if (code == RC_OK)
            vectors_fail(v, "wanted an error");
        else
            vectors_pass(v);
        return;
    }
    const struct str text = json_print(v->scratch, wanted, JSON_COMPACT);
    if (code != RC_OK)
        vectors_fail(v, "wanted %.*s, got the error %s", STR_ARGS(text), err.message);
    else if (!same(&got, wanted))
        vectors_fail(v, "wanted %.*s, got %.*s", STR_ARGS(text),
                     STR_ARGS(json_print(v->scratch, &got, JSON_COMPACT)));
    else
        vectors_pass(v);
}

static void run_lag(struct vectors *v)
{
    vectors_each_line(v, "lag.jsonl", run_lag_line);
}

// --- detector ----------------------------------------------------------------------------------

static bool same_path(const struct json *wanted, const struct detected *found, bool is_records)
{
    if (wanted == NULL || wanted->kind == JSON_NULL)
        return found->value == NULL;
    if (is_records && wanted->count == 1 && str_is(wanted->items[0].text, "$"))
        return found->path.count == 0;
    if (found->value == NULL || wanted->count != found->path.count)
        return false;
    for (size_t i = 0; i < wanted->count; i++)
        if (!str_equal(wanted->items[i].text, found->path.items[i]))
            return false;
    return true;
}

static void run_detector_line(struct vectors *v, const struct json *c)
{
    const struct json *response = json_get(c, STR("response"));
    if (response == NULL) {
        const bool wanted = json_bool(json_get(c, STR("single_entity_path")), false);
        if (detect_single_entity(json_str(json_get(c, STR("path")), STR(""))) == wanted)
            vectors_pass(v);
        else
            vectors_fail(v, "single_entity_path: wanted %s", wanted ? "true" : "false");
        return;
    }
    const struct detected records = detect_records(v->scratch, response);
    const struct detected next = detect_next_page(v->scratch, response);
    const struct detected pages = detect_total_pages(v->scratch, response);
    const struct json *value = given(c, "next_value");
    if (!same_path(json_get(c, STR("records_path")), &records, true))
        vectors_fail(v, "records_path: got %.*s",
                     STR_ARGS(detected_path_text(v->scratch, &records)));
    else if (!same_path(json_get(c, STR("next_path")), &next, false) ||
             (value != NULL && !json_equal(value, next.value)))
        vectors_fail(v, "next_path: got %.*s", STR_ARGS(detected_path_text(v->scratch, &next)));
    else if (!same_path(json_get(c, STR("total_pages_path")), &pages, false))
        vectors_fail(v, "total_pages_path: got %.*s",
                     STR_ARGS(detected_path_text(v->scratch, &pages)));
    else
        vectors_pass(v);
}

static void run_detector(struct vectors *v)
{
    vectors_each_line(v, "rest_detector.jsonl", run_detector_line);
}

// --- rows as the tables show them --------------------------------------------------------------

static void set_column(struct arena *arena, struct json *row, struct str name,
                       const struct json *value)
{
    struct time_text time;
    struct json text = *value;
    if (value->kind == JSON_NULL)
        return;
    // A text that is a date with time lands as a timestamp.
    if (value->kind == JSON_STRING && value->text.length > 10 && value->text.bytes[4] == '-' &&
        time_parse_iso(value->text, &time, NULL) == RC_OK && time.has_time && time.has_offset)
        text = json_of_str(time_format(arena, time.us, TIME_ISO_PYTHON));
    *json_object_set(arena, row, name) = text;
}

static void flatten(struct arena *arena, struct json *row, struct str prefix,
                    const struct json *value)
{
    for (size_t i = 0; i < value->count; i++) {
        const struct json_member *member = &value->members[i];
        const struct str name =
            prefix.length == 0
                ? member->key
                : arena_printf(arena, "%.*s__%.*s", STR_ARGS(prefix), STR_ARGS(member->key));
        if (member->value.kind == JSON_OBJECT)
            flatten(arena, row, name, &member->value);
        else
            set_column(arena, row, name, &member->value);
    }
}

static struct json row_of(struct arena *arena, const struct json *record)
{
    struct json row = {.kind = JSON_OBJECT};
    if (record->kind == JSON_OBJECT)
        flatten(arena, &row, STR(""), record);
    else
        set_column(arena, &row, STR("value"), record);
    return json_copy(arena, &row);
}

// --- incremental -------------------------------------------------------------------------------

struct incremental_case {
    struct vectors *v;
    const struct json *c;
    struct incremental_config config;
    struct json rows;  // all that were kept
    struct json state; // of the cursor; JSON_NULL = none
    int64_t pages;
};

static rc run_rows(struct incremental_case *t, const struct json *in, struct err *err)
{
    struct arena *arena = t->v->arena;
    const size_t page_size = (size_t)json_int64(json_get(t->c, STR("page_size")), 1);
    struct incremental *cursor;
    TRY(incremental_open(arena, &t->config, t->state.kind == JSON_OBJECT ? &t->state : NULL,
                         &cursor, err));
    incremental_begin_chain(cursor);
    t->pages = 0;
    for (size_t at = 0; at < in->count && !incremental_can_stop(cursor); at += page_size) {
        t->pages++;
        for (size_t i = at; i < in->count && i < at + page_size; i++) {
            bool keeps;
            TRY(incremental_filter(cursor, &in->items[i], &keeps, err));
            if (keeps)
                *json_array_push(arena, &t->rows) = row_of(arena, &in->items[i]);
        }
        TRY(incremental_end_page(cursor, err));
    }
    if (incremental_has_state(cursor))
        t->state = incremental_state(cursor, arena);
    return RC_OK;
}

// Without the hashes, which may differ; their number may not.
static bool same_state(struct arena *arena, const struct json *wanted, const struct json *got)
{
    static const char *const keys[] = {"initial_value", "last_value", "start_value"};
    (void)arena;
    if (got->kind != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < 3; i++) {
        const struct json *a = json_get(wanted, str_of(keys[i])),
                          *b = json_get(got, str_of(keys[i]));
        if (a == NULL || b == NULL || !same(a, b))
            return false;
    }
    return json_get(wanted, STR("unique_hashes"))->count ==
           json_get(got, STR("unique_hashes"))->count;
}

static const char *check_run(struct incremental_case *t, const struct json *run, rc code)
{
    const bool wants_error = given(run, "error") != NULL;
    if (wants_error != (code != RC_OK))
        return wants_error ? "wanted an error" : "failed";
    if (json_int64(json_get(run, STR("pages_pulled")), 0) != t->pages)
        return "another number of pages was pulled";
    if (wants_error)
        return NULL;
    const struct json *rows = json_get(run, STR("total_rows_after_run"));
    if (!json_equal(rows, &t->rows))
        return "other rows were kept";
    const struct json *state = given(run, "state");
    if (state == NULL)
        return t->state.kind == JSON_NULL ? NULL : "wanted no state";
    return same_state(t->v->arena, &state->members[0].value, &t->state) ? NULL : "other state";
}

static void run_incremental_line(struct vectors *v, const struct json *c)
{
    struct incremental_case t = {.v = v, .c = c, .rows = {.kind = JSON_ARRAY}};
    struct err err = {0};
    str_vec key = {0};
    const struct json *primary_key = given(c, "primary_key");
    const size_t count = primary_key == NULL               ? 0
                         : primary_key->kind == JSON_ARRAY ? primary_key->count
                                                           : 1;
    for (size_t i = 0; i < count; i++)
        *vec_push(v->arena, &key) =
            primary_key->kind == JSON_ARRAY ? primary_key->items[i].text : primary_key->text;
    if (incremental_config_read(v->arena, json_get(c, STR("incremental")), &key, &t.config, &err) !=
        RC_OK) {
        vectors_fail(v, "%s", err.message);
        return;
    }
    const struct json *runs = json_get(c, STR("runs"));
    for (size_t i = 0; i < runs->count; i++) {
        err = (struct err){0};
        const rc code = run_rows(&t, json_get(&runs->items[i], STR("in")), &err);
        const char *problem = check_run(&t, &runs->items[i], code);
        if (problem != NULL) {
            vectors_fail(v, "run %zu: %s %s; pages %lld, state %.*s, rows %.*s", i + 1, problem,
                         err.message, (long long)t.pages,
                         STR_ARGS(json_print(v->arena, &t.state, JSON_COMPACT)),
                         STR_ARGS(json_print(v->arena, &t.rows, JSON_COMPACT)));
            return;
        }
        if (code != RC_OK)
            break;
    }
    vectors_pass(v);
}

static void run_incremental(struct vectors *v)
{
    vectors_each_line(v, "incremental.jsonl", run_incremental_line);
}

// --- rest --------------------------------------------------------------------------------------

static struct str with_base(struct arena *arena, struct str text)
{
    return str_replace(arena, text, STR("{BASE}"), STR(BASE));
}

// The case's exchanges as a HAR file. Bodies are compared as JSON, so both sides write them alike.
static struct str har_of(struct arena *arena, const struct json *http)
{
    struct json har = {.kind = JSON_OBJECT}, log = {.kind = JSON_OBJECT};
    struct json entries = {.kind = JSON_ARRAY};
    for (size_t i = 0; i < http->count; i++) {
        const struct json *in = json_get(&http->items[i], STR("request"));
        const struct json *out = json_get(&http->items[i], STR("response"));
        struct json request = {.kind = JSON_OBJECT}, response = {.kind = JSON_OBJECT};
        *json_object_set(arena, &request, STR("method")) = *json_get(in, STR("method"));
        *json_object_set(arena, &request, STR("url")) = json_of_str(
            str_concat(arena, STR(BASE), json_str(json_get(in, STR("target")), STR(""))));
        const struct json *body = given(in, "body");
        struct json parsed;
        if (body != NULL) {
            struct json post = {.kind = JSON_OBJECT};
            struct str text = body->text;
            if (json_parse(arena, text, "", &parsed, NULL) == RC_OK)
                text = json_print(arena, &parsed, JSON_COMPACT);
            *json_object_set(arena, &post, STR("text")) = json_of_str(text);
            *json_object_set(arena, &request, STR("postData")) = post;
        }
        *json_object_set(arena, &response, STR("status")) = *json_get(out, STR("status"));
        struct json headers = {.kind = JSON_ARRAY}, content = {.kind = JSON_OBJECT};
        const struct json *given_headers = json_get(out, STR("headers"));
        for (size_t k = 0; k < given_headers->count; k++) {
            struct json header = {.kind = JSON_OBJECT};
            *json_object_set(arena, &header, STR("name")) =
                json_of_str(given_headers->members[k].key);
            *json_object_set(arena, &header, STR("value")) =
                json_of_str(with_base(arena, given_headers->members[k].value.text));
            *json_array_push(arena, &headers) = header;
        }
        const struct json *answer = json_get(out, STR("body"));
        const struct str text =
            answer->kind == JSON_STRING ? answer->text : json_print(arena, answer, JSON_COMPACT);
        *json_object_set(arena, &content, STR("text")) = json_of_str(with_base(arena, text));
        *json_object_set(arena, &response, STR("headers")) = headers;
        *json_object_set(arena, &response, STR("content")) = content;
        struct json entry = {.kind = JSON_OBJECT};
        *json_object_set(arena, &entry, STR("request")) = request;
        *json_object_set(arena, &entry, STR("response")) = response;
        *json_array_push(arena, &entries) = entry;
    }
    *json_object_set(arena, &log, STR("entries")) = entries;
    *json_object_set(arena, &har, STR("log")) = log;
    return json_print(arena, &har, JSON_COMPACT);
}

struct rest_case {
    struct vectors *v;
    struct json tables; // name -> rows of all runs
    struct json states; // resource -> state
    struct str problem; // of the sent headers
    const struct json *http;
    size_t request_count;
};

static rc on_record(void *ctx, const struct resource *resource, const struct json *record,
                    struct err *err)
{
    struct rest_case *t = ctx;
    (void)err;
    struct json *rows = NULL;
    for (size_t i = 0; i < t->tables.count; i++)
        if (str_equal(t->tables.members[i].key, resource->name))
            rows = &t->tables.members[i].value;
    if (rows == NULL) {
        rows = json_object_set(t->v->arena, &t->tables, arena_str(t->v->arena, resource->name));
        *rows = (struct json){.kind = JSON_ARRAY};
    }
    const struct json row = row_of(t->v->arena, record);
    const struct str key =
        resource->primary_key.count == 1 ? resource->primary_key.items[0] : STR("");
    // Merging as a table with a key does it.
    for (size_t i = 0; resource->write_disposition == WRITE_MERGE && i < rows->count; i++) {
        const struct json *a = json_get(&rows->items[i], key), *b = json_get(&row, key);
        if (a != NULL && b != NULL && json_equal(a, b)) {
            rows->items[i] = row;
            return RC_OK;
        }
    }
    *json_array_push(t->v->arena, rows) = row;
    return RC_OK;
}

static rc on_unit_end(void *ctx, const struct resource *resource, const struct json *state,
                      struct err *err)
{
    struct rest_case *t = ctx;
    (void)err;
    if (state != NULL)
        *json_object_set(t->v->arena, &t->states, arena_str(t->v->arena, resource->name)) =
            json_copy(t->v->arena, state);
    return RC_OK;
}

// Compares what was sent with the next exchange of the case.
static void on_request(void *ctx, const struct http_request *request)
{
    struct rest_case *t = ctx;
    struct arena *arena = t->v->arena;
    if (t->problem.length > 0)
        return;
    if (t->request_count >= t->http->count) {
        t->problem = arena_printf(arena, "one request too many: %.*s", STR_ARGS(request->url));
        return;
    }
    const struct json *wanted = json_get(&t->http->items[t->request_count++], STR("request"));
    const struct str target = json_str(json_get(wanted, STR("target")), STR(""));
    const struct str url = str_concat(arena, STR(BASE), target);
    if (!str_equal(url, request->url))
        t->problem = arena_printf(arena, "request %zu: wanted %.*s, sent %.*s", t->request_count,
                                  STR_ARGS(url), STR_ARGS(request->url));
    const struct json *headers = json_get(wanted, STR("headers"));
    for (size_t i = 0; i < headers->count; i++) {
        struct str sent = STR("(nothing)");
        for (size_t k = 0; k < request->header_count; k++)
            if (str_equal_ignore_case(request->headers[k].name, headers->members[i].key))
                sent = request->headers[k].value;
        if (!str_equal(sent, headers->members[i].value.text))
            t->problem = arena_printf(arena, "request %zu: header %.*s is %.*s", t->request_count,
                                      STR_ARGS(headers->members[i].key), STR_ARGS(sent));
    }
}

static rc run_once(struct rest_case *t, const struct json *config, struct err *err)
{
    struct arena *arena = t->v->arena;
    const struct str path = arena_printf(arena, P_tmpdir "/moulin-vectors-%ld.har", (long)getpid());
    TRY(fs_write(path, har_of(arena, t->http), (struct fs_write_options){0}, err));
    struct recording *recording;
    rc code = recording_open_replay(path, &recording, err);
    unlink(arena_cstr(arena, path));
    TRY(code);
    recording_on_request(recording, on_request, t);
    struct source *source;
    const struct source_options options = {.name = STR("vectors"), .recording = recording};
    code = source_open_json(config, &options, &source, err);
    if (code == RC_OK) {
        const struct json **states =
            ARENA_ARRAY(arena, const struct json *, source_resource_count(source));
        for (size_t i = 0; i < source_resource_count(source); i++)
            states[i] = json_get(&t->states, source_resource(source, i)->name);
        const struct source_run run = {.states = states, .now_us = time_now_us()};
        const struct record_sink sink = {t, on_record, on_unit_end};
        code = source_run(source, &run, &sink, NULL, err);
        source_close(source);
    }
    recording_abandon(recording);
    return code;
}

static struct str check_rest_run(struct rest_case *t, const struct json *run, rc code,
                                 const struct err *err)
{
    struct arena *arena = t->v->arena;
    const bool wants_error = given(run, "error") != NULL;
    if (wants_error)
        return code != RC_OK ? STR("") : STR("wanted an error");
    if (code != RC_OK)
        return arena_printf(arena, "failed: %s", err->message);
    if (t->problem.length > 0)
        return t->problem;
    if (t->request_count != t->http->count)
        return arena_printf(arena, "%zu requests instead of %zu", t->request_count, t->http->count);
    const struct json *tables = json_get(run, STR("tables_after_run"));
    for (size_t i = 0; i < tables->count; i++) {
        const struct json *got = json_get(&t->tables, tables->members[i].key);
        static const struct json none = {.kind = JSON_ARRAY};
        if (!json_equal(&tables->members[i].value, got != NULL ? got : &none))
            return arena_printf(
                arena, "table %.*s: wanted %.*s, got %.*s", STR_ARGS(tables->members[i].key),
                STR_ARGS(json_print(arena, &tables->members[i].value, JSON_COMPACT)),
                STR_ARGS(json_print(arena, got != NULL ? got : &none, JSON_COMPACT)));
    }
    const struct json *states = given(run, "incremental_state");
    for (size_t i = 0; states != NULL && i < states->count; i++) {
        const struct json *cursor = &states->members[i].value.members[0].value;
        const struct json *got =
            json_get(json_get(json_get(&t->states, states->members[i].key), STR("incremental")),
                     states->members[i].value.members[0].key);
        if (got == NULL || !same_state(arena, cursor, got))
            return arena_printf(arena, "state: wanted %.*s",
                                STR_ARGS(json_print(arena, cursor, JSON_COMPACT)));
    }
    return STR("");
}

static void run_rest_case(struct vectors *v, const struct json *c)
{
    struct rest_case t = {.v = v, .tables = {.kind = JSON_OBJECT}, .states = {.kind = JSON_OBJECT}};
    const struct str text =
        with_base(v->arena, json_print(v->arena, json_get(c, STR("config")), JSON_COMPACT));
    struct json config;
    struct err err = {0};
    if (json_parse(v->arena, text, "config", &config, &err) != RC_OK) {
        vectors_fail(v, "%s", err.message);
        return;
    }
    const struct json *runs = json_get(c, STR("runs"));
    for (size_t i = 0; i < runs->count; i++) {
        t.http = json_get(&runs->items[i], STR("http"));
        t.request_count = 0;
        t.problem = STR("");
        err = (struct err){0};
        const rc code = run_once(&t, &config, &err);
        const struct str problem = check_rest_run(&t, &runs->items[i], code, &err);
        if (problem.length > 0) {
            vectors_fail(v, "run %zu: %.*s", i + 1, STR_ARGS(problem));
            return;
        }
    }
    vectors_pass(v);
}

static void run_rest(struct vectors *v)
{
    const struct json cases = vectors_json(v, "rest_api_transcripts.json");
    for (size_t i = 0; i < cases.count; i++) {
        v->case_name = json_str(json_get(&cases.items[i], STR("case")), STR("?"));
        run_rest_case(v, &cases.items[i]);
    }
}

int main(int argc, char **argv)
{
    static const struct vectors_suite suites[] = {{"ingest-rest", run_rest},
                                                  {"ingest-rest-detector", run_detector},
                                                  {"ingest-incremental", run_incremental},
                                                  {"ingest-lag", run_lag},
                                                  {NULL, NULL}};
    return vectors_main(argc, argv, suites);
}
