/// @file rest.intern.h
/// What the files of the rest_api driver share: the configuration as it was understood, and the
/// state of a run. Layer: ingest. Internal to source/rest_*.c.

#ifndef INGEST_SOURCE_REST_INTERN_H
#define INGEST_SOURCE_REST_INTERN_H

#include "ingest/source/auth.h"
#include "ingest/source/incremental.h"
#include "ingest/source/paginator.h"
#include "ingest/source/select.h"
#include "ingest/source/source.h"
#include "ingest/source/steps.h"
#include "ingest/source/time_partition.h"

enum {
    REST_MAX_RESOURCES = 10000,
    REST_MAX_DEPTH = 16, // of parents and children
    REST_MAX_PAGES = 100000,
    REST_MAX_SAME_PAGES = 10, // equal pages one after another: the API does not page
};

/// Where a placeholder's value comes from.
struct rest_binding {
    struct str name;                 // "resources.posts.id", or "post_id" of the path
    struct str field;                // as written, for messages
    const struct selector *selector; // in the parent's record; NULL = `constant`
    const struct json *constant;
};

struct rest_action {
    bool has_status;
    int status;
    struct str content; // must be part of the body; .bytes NULL = any
};

struct rest_resource {
    struct resource *resource;
    const struct json *rows; // constant records; NULL = requests
    struct str path, method;
    const struct json *params, *json, *data, *headers; // NULL = none
    const struct json *paginator;                      // NULL = auto
    const struct selector *data_selector;              // NULL = detected
    VEC(struct rest_action) actions;
    struct auth *auth;
    VEC(struct rest_binding) bindings;
    struct rest_resource *parent;
    VEC(struct rest_resource *) children;
    str_vec include_from_parent;
    str_vec per; // one cursor per value of these fields of the parent's record
    bool has_incremental, has_partition;
    struct incremental_config incremental;
    struct str start_param, end_param; // "" = none
    struct time_partition_config partition;
    struct steps *steps; // NULL = none
    int64_t max_pages;
    bool is_needed; // it or a descendant is selected
    // Of the running run.
    struct map cursors; // key ("" without `per`) -> struct incremental
    struct json saved_cursors;
    struct time_partition_set closed;
    bool was_noted;     // the detected paginator was told
    int64_t page_count; // read by this run
};

struct rest_source {
    struct source *source;
    struct str base_url;
    const struct json *headers; // of the client
    const struct json *paginator;
    struct auth *auth;                // of the client; NULL = none
    struct http_options http_options; // of an own client
    struct http_client *http;         // opened by the first run when none was given
    struct recording *recording;
    bool owns_http;
    struct rest_resource *resources;
    size_t count;
};

CHECK rc rest_open(struct source *source, const struct json *config,
                   const struct source_options *options, struct err *err);
CHECK rc rest_run(struct source *source, const struct source_run *run,
                  const struct record_sink *sink, struct source_report *report, struct err *err);

/// Reads the configuration into `rest` (rest_config.c).
CHECK rc rest_config_read(struct rest_source *rest, const struct json *config,
                          const struct source_options *options, struct err *err);

/// What a request is built for.
struct rest_call {
    struct rest_source *rest;
    struct rest_resource *resource;
    const struct json *parent_record; // NULL = none
    const struct incremental *cursor; // NULL = none
};
/// Fills url, params and body (rest_request.c). @param arena of the chain
CHECK rc rest_request_build(const struct rest_call *call, struct arena *arena,
                            struct page_request *ret_request, struct err *err);
/// Sends the request of one page with headers and credentials. `ret_is_ignored`: an action says so.
CHECK rc rest_request_send(const struct rest_call *call, struct arena *arena,
                           const struct page_request *request, struct str first_url,
                           struct http_response *ret_response, bool *ret_is_ignored,
                           struct err *err);
/// Expands placeholders of a text that belongs to the call.
CHECK rc rest_expand_text(const struct rest_call *call, struct arena *arena, struct str text,
                          struct str *ret_text, struct err *err);
/// The value of a parent's field; scalar records answer to "value" and "$".
const struct json *rest_parent_value(const struct rest_binding *binding, const struct json *record);

/// State of a resource: reading at the start of a run, writing at the end of a unit (rest_state.c).
CHECK rc rest_state_read(struct rest_resource *resource, struct arena *arena,
                         const struct json *state, struct err *err);
bool rest_has_state(const struct rest_resource *resource);
struct json rest_state_write(const struct rest_resource *resource, struct arena *arena);
CHECK rc rest_cursor(struct rest_resource *resource, struct arena *arena, struct str key,
                     struct incremental **ret_cursor, struct err *err);
CHECK rc rest_per_key(const struct rest_resource *resource, struct arena *arena,
                      const struct json *parent_record, struct str *ret_key, struct err *err);

#endif
