/// @file source.h
/// A source of records: what it offers (resources), and a run that hands over its records one by
/// one together with the state from which the next run goes on. Layer: ingest.
/// Threads: a source belongs to one thread.
///
/// The order of calls in a run, per resource: record* unit_end record* unit_end ... A unit is what
/// may be committed by itself: the records since the last unit_end of that resource and the state
/// that unit_end carries belong together. A parent's records come before its children's; several
/// resources may take turns.

#ifndef INGEST_SOURCE_SOURCE_H
#define INGEST_SOURCE_SOURCE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/vec.h"

struct source;
struct recording;
struct http_client;
struct yaml;

enum write_disposition { WRITE_APPEND, WRITE_REPLACE, WRITE_MERGE, WRITE_SKIP };
enum merge_strategy { MERGE_DELETE_INSERT, MERGE_UPSERT, MERGE_INSERT_ONLY, MERGE_SCD2 };

/// One stream of records and how it is to be loaded. Lives as long as its source.
struct resource {
    size_t index;          // in the source
    struct str name;       // as in the configuration
    struct str table_name; // not normalized; the resource's name when none was given
    enum write_disposition write_disposition;
    enum merge_strategy merge_strategy; // with WRITE_MERGE
    str_vec primary_key, merge_key;     // as written (not normalized)
    int max_table_nesting;              // -1 = not given (dlt: 1000)
    bool keeps_state;                   // its units carry a state from which a next run goes on
    bool is_selected;                   // false: read for its children, not loaded
    const struct json *columns;         // dlt's column hints: list or {name: hints}; NULL = none
    const struct json *schema_contract; // string or {tables, columns, data_type}; NULL = none
    const struct json *config;          // the whole resource entry, placeholders filled in
    const struct resource *parent;      // whose records make its requests; NULL = none
};

/// Where a run's records go. Any failure ends the run with that code.
struct record_sink {
    void *ctx;
    /// One record (object, or a scalar/array where the API lists such); borrowed until return.
    /// Only resources with .is_selected are handed over.
    rc (*record)(void *ctx, const struct resource *resource, const struct json *record,
                 struct err *err);
    /// A unit of progress is complete.
    /// @param state  the resource's whole new state, an object; borrowed until return; NULL when
    ///               the resource keeps none
    rc (*unit_end)(void *ctx, const struct resource *resource, const struct json *state,
                   struct err *err);
};

/// How a source is opened. Everything is borrowed until source_close().
struct source_options {
    struct str name;          // "chess": folder and table prefix
    const str_vec *selected;  // names of resources; NULL or empty = those the source selects
    struct http_client *http; // NULL = the source opens its own with the next two
    struct recording *recording;
    struct str user_agent;   // "" = the source's own headers, else moulin's
    const struct yaml *tree; // of the file that the configuration came from, for places in errors
};

/// Where a run starts.
struct source_run {
    /// State per resource, in the order of the resources; NULL = first run. The pointer itself may
    /// be NULL when no resource has any.
    const struct json *const *states;
    int64_t now_us; // the current time of this run
    struct str run_id;
    int64_t stop_at_us; // time_monotonic_us() at which to stop reading; 0 = none. The unit at hand
                        // is then not ended, and no other is begun
    int64_t max_pages; // stop each resource after so many pages; 0 = all. A cursor whose records
                       // come in no order stays where it was then
};

/// What the run read, for the report.
struct source_report {
    int64_t requests, retries, bytes;
    int64_t records; // handed over
    int64_t skipped; // requests not made because their time partition is closed
    int64_t ignored; // answers that response_actions ignored
    bool is_partial; // stopped because of the time, with requests left to make
    str_vec notes;   // what a person should know: detected paginators, ...; live with the source
};

size_t source_resource_count(const struct source *source);
const struct resource *source_resource(const struct source *source, size_t index);
/// @return NULL when there is none of that name
const struct resource *source_find_resource(const struct source *source, struct str name);

/// Reads everything. @return RC_OK | the sink's code | RC_HTTP | RC_NETWORK | RC_INVALID | RC_LIMIT
CHECK rc source_run(struct source *source, const struct source_run *run,
                    const struct record_sink *sink, struct source_report *ret_report,
                    struct err *err);
void source_close(struct source *source);

/// What a driver (rest_api, ...) must offer; generic code owns resources and rules. `open` fills
/// resources and driver_data; `close` is called also after a failed `open`.
struct source_driver {
    const char *type; // of source.yml
    rc (*open)(struct source *source, const struct json *config,
               const struct source_options *options, struct err *err);
    rc (*run)(struct source *source, const struct source_run *run, const struct record_sink *sink,
              struct source_report *report, struct err *err);
    void (*close)(struct source *source);
};

/// What every driver's source starts with.
struct source {
    const struct source_driver *driver;
    struct arena *arena;
    struct str name;
    struct resource *resources;
    size_t resource_count;
    struct secret_list secrets; // never shown: errors of a run are cleaned of them
    void *driver_data;
};

/// Adds a text that errors must not show, in the spellings that a URL gives it too.
void source_hide(struct source *source, struct str secret);

/// Reads a source configuration that has been rendered to JSON (tests, other programs).
/// For a file of a project see source_file.h. Touches no network.
/// @return RC_OK | RC_CONFIG | RC_USAGE (an unknown resource was selected) | RC_LIMIT
CHECK rc source_open_json(const struct json *config, const struct source_options *options,
                          struct source **ret_source, struct err *err);

#endif
