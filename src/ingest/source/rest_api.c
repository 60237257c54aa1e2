// The rest_api driver: walks the tree of resources, asks page by page, hands over records.
// Layer: ingest. Source: dlt's REST client for the order of things in a page: records are selected,
// joined with the parent's fields, run through the steps, then through the cursor.
//
// A parent's record makes its children's requests at once, before the parent's next record. So what
// is in memory is one page per level. A unit ends with a page (no cursor, or ascending records),
// with a chain of pages (a cursor whose records come in any order, or one cursor per parent's
// record), or with the run (one cursor over many parents: only then is it known to have passed all
// of them). Threads: a source belongs to one thread. Limits: REST_MAX_*.

#include "base/log.h"
#include "base/map.h"
#include "base/runtime.h"
#include "base/time.h"
#include "ingest/source/detector.h"
#include "ingest/source/rest.intern.h"
#include "net/recording.h"
#include "net/url.h"

struct rest_run {
    struct rest_source *rest;
    const struct source_run *run;
    const struct record_sink *sink;
    struct source_report *report;
    struct arena *arena; // of the run
    bool is_out_of_time; // nothing more is requested, and no unit ends any more
};

// One request chain: the pages of one resource for one parent's record.
struct chain {
    struct rest_run *run;
    struct rest_resource *resource;
    const struct json *parent_record;
    struct arena *arena; // of the chain
    struct arena *page;  // of one page
    struct incremental *cursor;
    const struct selector *selector;       // detected on the first page when none was given
    struct json first_record, last_record; // of the page before, to see that nothing moves on
    size_t last_count, same_pages;
    bool is_cut; // pages were left unread because the run is limited
};

static rc run_resource(struct rest_run *run, struct rest_resource *resource,
                       const struct json *parent_record, struct err *err);

// --- units -------------------------------------------------------------------------------------

enum unit_scope { UNIT_PAGE, UNIT_CHAIN, UNIT_RUN };

static enum unit_scope unit_scope_of(const struct rest_resource *resource)
{
    if (!resource->has_incremental || resource->incremental.end_value != NULL)
        return resource->parent != NULL ? UNIT_CHAIN : UNIT_PAGE;
    if (resource->parent != NULL)
        return resource->per.count > 0 ? UNIT_CHAIN : UNIT_RUN;
    return resource->incremental.row_order == ROW_ORDER_ASC ? UNIT_PAGE : UNIT_CHAIN;
}

static rc end_unit(struct rest_run *run, struct rest_resource *resource, struct err *err)
{
    if (!resource->resource->is_selected || run->is_out_of_time)
        return RC_OK;
    if (!rest_has_state(resource))
        return run->sink->unit_end(run->sink->ctx, resource->resource, NULL, err);
    struct arena *scratch = arena_open(NULL);
    const struct json state = rest_state_write(resource, scratch);
    const rc code = run->sink->unit_end(run->sink->ctx, resource->resource, &state, err);
    arena_close(scratch);
    return code;
}

// --- records -----------------------------------------------------------------------------------

// The record with the parent's fields behind its own: _<parent>_<field>.
static rc add_parent_fields(struct chain *chain, const struct json *record,
                            const struct json **ret_record, struct err *err)
{
    const struct rest_resource *resource = chain->resource;
    const str_vec *names = &resource->include_from_parent;
    struct json *out = ARENA_NEW(chain->page, struct json);
    out->kind = JSON_OBJECT;
    if (record->kind == JSON_OBJECT) {
        out->count = record->count;
        out->members = ARENA_ARRAY(chain->page, struct json_member, record->count + names->count);
        memcpy(out->members, record->members, record->count * sizeof *record->members);
    } else {
        out->members = ARENA_ARRAY(chain->page, struct json_member, 1 + names->count);
        out->members[out->count++] = (struct json_member){STR("value"), *record};
    }
    for (size_t i = 0; i < names->count; i++) {
        const struct json *value = json_get(chain->parent_record, names->items[i]);
        if (chain->parent_record->kind != JSON_OBJECT && str_is(names->items[i], "value"))
            value = chain->parent_record;
        if (value == NULL)
            return err_set(err, RC_INVALID,
                           "include_from_parent: a record of '%.*s' has no field '%.*s'",
                           STR_ARGS(resource->parent->resource->name), STR_ARGS(names->items[i]));
        out->members[out->count++] = (struct json_member){
            arena_printf(chain->page, "_%.*s_%.*s", STR_ARGS(resource->parent->resource->name),
                         STR_ARGS(names->items[i])),
            *value};
    }
    *ret_record = out;
    return RC_OK;
}

static rc take_record(struct chain *chain, const struct json *record, struct err *err)
{
    struct rest_run *run = chain->run;
    struct rest_resource *resource = chain->resource;
    if (resource->include_from_parent.count > 0)
        TRY(add_parent_fields(chain, record, &record, err));
    if (resource->steps != NULL) {
        TRY(steps_apply(resource->steps, chain->page, record, &record, err));
        if (record == NULL)
            return RC_OK;
    }
    if (chain->cursor != NULL) {
        bool keeps;
        TRY(incremental_filter(chain->cursor, record, &keeps, err));
        if (!keeps)
            return RC_OK;
    }
    if (resource->resource->is_selected) {
        run->report->records++;
        TRY(run->sink->record(run->sink->ctx, resource->resource, record, err));
    }
    for (size_t i = 0; i < resource->children.count; i++)
        if (resource->children.items[i]->is_needed)
            TRY(run_resource(run, resource->children.items[i], record, err));
    return RC_OK;
}

// --- pages -------------------------------------------------------------------------------------

// The records of an answer: `count` values behind `items`, or pointers to them behind `refs`.
struct records {
    const struct json *items;       // an array of the document
    const struct json *const *refs; // or single matches of the selector
    size_t count;
};

// Where the records are, guessed from the first answer when the configuration does not say.
static rc detect_selector(struct chain *chain, const struct json *document, struct err *err)
{
    const struct detected detected = detect_records(chain->arena, document);
    const struct str path = detected_path_text(chain->arena, &detected);
    log_debug("resource %.*s: records were found at %.*s",
              STR_ARGS(chain->resource->resource->name), STR_ARGS(path));
    return detected_selector(chain->arena, &detected, &chain->selector, err);
}

static rc find_records(struct chain *chain, const struct json *document, struct records *ret,
                       struct err *err)
{
    *ret = (struct records){0};
    if (chain->selector == NULL)
        TRY(detect_selector(chain, document, err));
    json_ref_vec matches = {0};
    TRY(selector_all(chain->selector, chain->page, document, &matches, err));
    if (matches.count != 1) {
        ret->refs = matches.items;
        ret->count = matches.count;
        return RC_OK;
    }
    const struct json *only = matches.items[0];
    if (only->kind == JSON_ARRAY) {
        ret->items = only->items;
        ret->count = only->count;
    } else if (only->kind != JSON_NULL) {
        ret->items = only;
        ret->count = 1;
    }
    return RC_OK;
}

static const struct json *record_at(const struct records *records, size_t index)
{
    return records->items != NULL ? &records->items[index] : records->refs[index];
}

static rc take_records(struct chain *chain, const struct records *records, struct err *err)
{
    // A parent whose children were not all read is not complete: its page stops with them.
    for (size_t i = 0; i < records->count && !chain->run->is_out_of_time; i++)
        TRY(take_record(chain, record_at(records, i), err));
    if (chain->cursor != NULL)
        TRY(incremental_end_page(chain->cursor, err));
    return RC_OK;
}

// Refuses to go on with an API that ignores the page parameter and answers one page for ever.
static rc check_progress(struct chain *chain, const struct records *records, struct str url,
                         struct err *err)
{
    if (records->count == 0)
        return RC_OK;
    const struct json *first = record_at(records, 0);
    const struct json *last = record_at(records, records->count - 1);
    const bool is_same = records->count == chain->last_count &&
                         json_equal(first, &chain->first_record) &&
                         json_equal(last, &chain->last_record);
    chain->same_pages = is_same ? chain->same_pages + 1 : 1;
    if (!is_same) {
        chain->last_count = records->count;
        chain->first_record = json_copy(chain->arena, first);
        chain->last_record = json_copy(chain->arena, last);
    }
    if (chain->same_pages <= REST_MAX_SAME_PAGES)
        return RC_OK;
    err_set(err, RC_LIMIT, "%.*s and the pages before it are all the same: the API pages for ever",
            STR_ARGS(url_redact(chain->page, url)));
    return err_hint(err, "is the paginator right, and does the API know its parameter?");
}

static struct str request_text(struct arena *arena, const struct page_request *request)
{
    const struct str params = json_print(arena, &request->params, JSON_COMPACT);
    const struct str body = json_print(arena, &request->body, JSON_COMPACT);
    return arena_printf(arena, "%.*s %.*s %.*s", STR_ARGS(request->url), STR_ARGS(params),
                        STR_ARGS(body));
}

// Refuses a request that this chain has made before, and more pages than are allowed.
static rc check_loop(struct chain *chain, struct map *seen, const struct page_request *request,
                     size_t page_count, struct err *err)
{
    const int64_t own = chain->resource->max_pages;
    const int64_t max_pages = own > 0 ? own : REST_MAX_PAGES;
    const struct str key = request_text(chain->arena, request);
    const struct str url = url_redact(chain->page, request->url);
    if (map_has(seen, key)) {
        err_set(err, RC_LIMIT, "the API pages in a circle: the next page of %.*s was read before",
                STR_ARGS(url));
        return err_hint(err, "is the paginator right?");
    }
    map_set(seen, key, chain);
    if ((int64_t)page_count < max_pages)
        return RC_OK;
    err_set(err, RC_LIMIT, "%.*s has more than %lld pages (endpoint.max_pages)", STR_ARGS(url),
            (long long)max_pages);
    return err_hint(err, "does the API page for ever? else raise endpoint.max_pages");
}

// Tells once per resource which paginator was detected, or that there may be pages left.
static void note_paginator(struct chain *chain, const struct paginator *paginator,
                           const struct records *records, bool has_next)
{
    struct rest_resource *resource = chain->resource;
    struct arena *arena = chain->run->rest->source->arena;
    if (resource->was_noted || !paginator_was_detected(paginator))
        return;
    resource->was_noted = true;
    const struct str name = resource->resource->name;
    const struct str what = paginator_describe(paginator, arena);
    struct str note = arena_printf(arena, "resource %.*s: the paginator %.*s was detected",
                                   STR_ARGS(name), STR_ARGS(what));
    // Round page sizes without a way on look like a page that was cut off.
    if (!has_next && records->count >= 10 && records->count % 10 == 0)
        note = arena_printf(arena,
                            "resource %.*s: %zu records and no paginator was detected; if there "
                            "are more pages, name the paginator",
                            STR_ARGS(name), records->count);
    log_debug("%.*s", STR_ARGS(note));
    *vec_push(arena, &chain->run->report->notes) = note;
}

// One page: request, answer, records. `*ret_has_next` says whether to go on; then `request` asks
// for the next page.
static rc run_page(struct chain *chain, struct paginator *paginator, struct page_request *request,
                   struct str first_url, bool *ret_has_next, struct err *err)
{
    const struct rest_call call = {chain->run->rest, chain->resource, chain->parent_record,
                                   chain->cursor};
    struct source_report *report = chain->run->report;
    struct http_response response;
    bool is_ignored;
    *ret_has_next = false;
    TRY(runtime_check(err));
    TRY(rest_request_send(&call, chain->page, request, first_url, &response, &is_ignored, err));
    report->requests++;
    report->retries += response.attempts - 1;
    report->bytes += (int64_t)response.body.length;
    if (is_ignored)
        report->ignored++;
    if (is_ignored || response.status == 204)
        return RC_OK;
    struct json document;
    struct records records;
    TRY(http_json(&response, chain->page, &document, err));
    TRY(find_records(chain, &document, &records, err));
    TRY(check_progress(chain, &records, request->url, err));
    const struct page_answer answer = {&response, &document, records.count};
    TRY(paginator_next(paginator, &answer, request, ret_has_next, err));
    note_paginator(chain, paginator, &records, *ret_has_next);
    TRY(take_records(chain, &records, err));
    if (chain->cursor != NULL && incremental_can_stop(chain->cursor))
        *ret_has_next = false;
    return RC_OK;
}

static bool is_time_over(struct rest_run *run)
{
    if (run->run->stop_at_us > 0 && time_monotonic_us() >= run->run->stop_at_us)
        run->is_out_of_time = true;
    return run->is_out_of_time;
}

static bool is_limit_reached(const struct chain *chain)
{
    const int64_t limit = chain->run->run->max_pages;
    return limit > 0 && chain->resource->page_count >= limit;
}

static rc run_pages(struct chain *chain, struct err *err)
{
    const struct rest_call call = {chain->run->rest, chain->resource, chain->parent_record,
                                   chain->cursor};
    struct page_request request;
    struct paginator *paginator;
    struct map seen;
    map_init(&seen, chain->arena);
    TRY(rest_request_build(&call, chain->arena, &request, err));
    TRY(paginator_open(chain->arena, chain->resource->paginator, &paginator, err));
    TRY(paginator_start(paginator, &request, err));
    const struct str first_url = request.url;
    bool has_next = true;
    for (size_t page = 1; has_next; page++) {
        if (is_limit_reached(chain) || is_time_over(chain->run)) {
            chain->is_cut = true;
            return RC_OK;
        }
        chain->resource->page_count++;
        TRY(check_loop(chain, &seen, &request, page - 1, err));
        rc code = run_page(chain, paginator, &request, first_url, &has_next, err);
        if (code == RC_TIMEOUT && http_is_out_of_time(chain->run->rest->http)) {
            chain->run->is_out_of_time = true; // a request that had no time is as good as none
            has_next = false;
            code = RC_OK;
        }
        chain->is_cut |= chain->run->is_out_of_time;
        arena_reset(chain->page);
        TRY(code);
        if (unit_scope_of(chain->resource) == UNIT_PAGE)
            TRY(end_unit(chain->run, chain->resource, err));
    }
    return RC_OK;
}

static rc run_rows(struct chain *chain, struct err *err)
{
    const struct json *rows = chain->resource->rows;
    const struct records records = {.items = rows->items, .count = rows->count};
    TRY(take_records(chain, &records, err));
    return unit_scope_of(chain->resource) == UNIT_PAGE ? end_unit(chain->run, chain->resource, err)
                                                       : RC_OK;
}

// --- chains ------------------------------------------------------------------------------------

// Which time partition the chain reads, and whether it is worth a request.
struct partition_place {
    struct str key;
    struct time_partition partition;
    bool is_wanted, is_closed;
};

static rc place_partition(struct chain *chain, struct partition_place *ret, struct err *err)
{
    struct rest_resource *resource = chain->resource;
    const struct rest_call call = {chain->run->rest, resource, chain->parent_record, chain->cursor};
    const int64_t now_us = chain->run->run->now_us;
    struct str text;
    TRY(rest_expand_text(&call, chain->arena, resource->partition.value, &text, err));
    TRY(time_partition_find(&resource->partition, text, &ret->partition, err));
    TRY(rest_per_key(resource, chain->arena, chain->parent_record, &ret->key, err));
    if (resource->per.count == 0)
        ret->key = ret->partition.rest;
    const int64_t number = ret->partition.number;
    ret->is_closed = time_partition_is_closed(&resource->partition, number, now_us);
    ret->is_wanted = time_partition_is_wanted(&resource->partition, number, now_us) &&
                     !time_partition_set_has(&resource->closed, ret->key, number);
    return RC_OK;
}

static rc run_chain(struct chain *chain, struct err *err)
{
    struct rest_resource *resource = chain->resource;
    struct rest_run *run = chain->run;
    struct partition_place place = {.is_wanted = true};
    if (resource->has_partition)
        TRY(place_partition(chain, &place, err));
    if (!place.is_wanted) {
        run->report->skipped++;
        return RC_OK;
    }
    struct str key = STR("");
    if (resource->has_incremental) {
        TRY(rest_per_key(resource, chain->arena, chain->parent_record, &key, err));
        TRY(rest_cursor(resource, run->arena, key, &chain->cursor, err));
        incremental_begin_chain(chain->cursor);
    }
    TRY(resource->rows != NULL ? run_rows(chain, err) : run_pages(chain, err));
    // What was not read must be read by the next run, unless the records came in order.
    if (chain->is_cut && resource->incremental.row_order != ROW_ORDER_ASC)
        map_set(&resource->cursors, key, NULL);
    if (place.is_closed && !chain->is_cut)
        time_partition_set_add(&resource->closed, place.key, place.partition.number);
    return unit_scope_of(resource) == UNIT_CHAIN ? end_unit(run, resource, err) : RC_OK;
}

// The depth is bounded: check_tree() refuses more than REST_MAX_DEPTH ancestors.
static rc run_resource(struct rest_run *run, struct rest_resource *resource,
                       const struct json *parent_record, struct err *err)
{
    struct arena *arena = arena_open(NULL);
    struct chain chain = {
        .run = run,
        .resource = resource,
        .parent_record = parent_record,
        .arena = arena,
        .page = arena_open(arena),
        .selector = resource->data_selector,
    };
    const rc code = run_chain(&chain, err);
    // Only the innermost resource is named: its parents did nothing wrong.
    if (code != RC_OK && err != NULL && !str_has_prefix(str_of(err->message), STR("resource '")))
        err_context(err, "resource '%.*s'", STR_ARGS(resource->resource->name));
    arena_close(arena);
    return code;
}

// Children first: a parent's cursor must not pass rows whose children are not loaded.
static rc end_run(struct rest_run *run, struct err *err)
{
    for (size_t depth = REST_MAX_DEPTH + 1; depth-- > 0;) {
        for (size_t i = 0; i < run->rest->count; i++) {
            struct rest_resource *resource = &run->rest->resources[i];
            size_t own_depth = 0;
            for (const struct rest_resource *at = resource->parent; at != NULL; at = at->parent)
                own_depth++;
            if (own_depth == depth && resource->is_needed)
                TRY(end_unit(run, resource, err));
        }
    }
    return RC_OK;
}

rc rest_run(struct source *source, const struct source_run *source_run,
            const struct record_sink *sink, struct source_report *report, struct err *err)
{
    struct rest_source *rest = source->driver_data;
    if (rest->http == NULL) {
        TRY(http_open(&rest->http_options, &rest->http, err));
        rest->owns_http = true;
    }
    struct rest_run run = {
        .rest = rest, .run = source_run, .sink = sink, .report = report, .arena = arena_open(NULL)};
    rc code = RC_OK;
    for (size_t i = 0; i < rest->count && code == RC_OK; i++)
        code = rest_state_read(&rest->resources[i], run.arena,
                               source_run->states != NULL ? source_run->states[i] : NULL, err);
    http_set_deadline(rest->http, source_run->stop_at_us);
    for (size_t i = 0; i < rest->count && code == RC_OK && !run.is_out_of_time; i++)
        if (rest->resources[i].parent == NULL && rest->resources[i].is_needed)
            code = run_resource(&run, &rest->resources[i], NULL, err);
    http_set_deadline(rest->http, 0);
    if (code == RC_OK)
        code = end_run(&run, err);
    report->is_partial = run.is_out_of_time;
    arena_close(run.arena);
    return code;
}

// --- opening -----------------------------------------------------------------------------------

static void hide_secret(void *ctx, struct str secret)
{
    struct rest_source *rest = ctx;
    source_hide(rest->source, secret);
    if (rest->recording != NULL)
        recording_add_secret(rest->recording, secret);
}

// client.session has the names of dlt's runtime configuration; seconds there, milliseconds here.
static rc read_session(const struct json *session, struct http_options *options, struct err *err)
{
    const struct {
        const char *name;
        int64_t *milliseconds;
    } times[] = {
        {"connect_timeout", &options->connect_timeout_ms},
        {"request_timeout", &options->idle_timeout_ms},
        {"total_timeout", &options->total_timeout_ms},
        {"request_backoff_factor", &options->base_delay_ms},
        {"request_max_retry_delay", &options->max_delay_ms},
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        const struct json *value = json_get(session, str_of(times[i].name));
        double seconds;
        if (value == NULL || value->kind == JSON_NULL)
            continue;
        if (!json_to_double(value, &seconds) || seconds <= 0 || seconds > 86400)
            return err_set(err, RC_CONFIG,
                           "client.session.%s wants seconds, above 0, at most 86400",
                           times[i].name);
        const int64_t milliseconds = (int64_t)(seconds * 1000);
        *times[i].milliseconds = milliseconds > 0 ? milliseconds : 1;
    }
    options->max_attempts =
        (int)json_int64(json_get(session, STR("request_max_attempts")), options->max_attempts);
    options->max_body_bytes = (size_t)json_int64(json_get(session, STR("max_body_bytes")),
                                                 (int64_t)options->max_body_bytes);
    return RC_OK;
}

rc rest_open(struct source *source, const struct json *config, const struct source_options *options,
             struct err *err)
{
    struct rest_source *rest = ARENA_NEW(source->arena, struct rest_source);
    rest->source = source;
    source->driver_data = rest;
    TRY(rest_config_read(rest, config, options, err));
    for (size_t i = 0; i < rest->count; i++)
        rest->resources[i].resource->keeps_state = rest_has_state(&rest->resources[i]);
    rest->http = options->http;
    rest->recording = options->recording;
    for (size_t i = 0; i < rest->count; i++)
        auth_secrets(rest->resources[i].auth, hide_secret, rest);
    struct http_options http = {.recording = options->recording, .user_agent = options->user_agent};
    rest->http_options = http;
    return read_session(json_path(config, "client", "session"), &rest->http_options, err);
}
