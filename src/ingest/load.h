/// @file load.h
/// A run: what a source reads goes through the normalizer into landing tables, and is committed
/// together with the source's cursors, all or nothing. Layer: ingest. Threads: one.
///
/// State: the snapshot summary of a resource's root table carries `moulin.state` (an object with
/// the state of each resource that lands there) and `moulin.load-id`; the table property
/// `moulin.state.<source>.<resource>` is a copy. Every commit requires the state from which the run
/// started to be the current one still.

#ifndef INGEST_LOAD_H
#define INGEST_LOAD_H

#include "base/progress.h"
#include "ingest/landing.h"
#include "ingest/merge.h"
#include "ingest/schema.h"

struct load_options {
    struct catalog *catalog;
    struct store *store;
    struct duck *duck;
    struct str warehouse; // URI
    struct str namespace_name;
    struct str source_name;
    struct source *source;       // open
    const struct json *settings; // keys of source.yml that are the landing's: see load_settings
    struct str run_id;           // "" = made up
    int64_t now_us;              // 0 = the clock
    int64_t max_pages;           // 0 = no limit
    int64_t stop_at_us;          // time_monotonic_us() at which to stop reading; 0 = none
    bool commits_when_stopped;   // a request to stop (SIGTERM) commits what is complete
    int format_version;
    bool is_full_refresh, is_dry_run;
    struct progress *progress; // counts records and bytes; NULL = nobody looks
    const struct landing_schema_file *const *schema_files;
    size_t schema_file_count;
};

/// What source.yml may say about landing.
///   naming: snake_case | ...          detect: [iso_timestamp, iso_date, timestamp]
///   on_type_change: variant | widen | text | fail
///   schema_contract: ...              json_columns: [table.column or column]
///   keep_null_columns: bool           checkpoint: {minutes, bytes}
///   memory_bytes: budget of the run
struct load_settings {
    struct naming naming;
    unsigned detectors;
    enum type_change type_change;
    struct contract contract;
    str_vec json_columns;
    bool keep_null_columns;
    int64_t checkpoint_us, checkpoint_bytes; // 0 = none
    int64_t budget_bytes;                    // 0 = LANDING_BUDGET_BYTES
};
CHECK rc load_settings_parse(struct arena *arena, const struct json *settings,
                             struct load_settings *ret_settings, struct err *err);

enum load_status {
    LOAD_DONE,        // committed
    LOAD_NOTHING_NEW, // nothing to commit
    LOAD_DRY_RUN,     // nothing was committed on request
    LOAD_WAS_DONE,    // this run id was loaded before
    LOAD_PARTIAL,     // stopped early: what was complete is committed, the next run goes on
};
const char *load_status_name(enum load_status status);

struct load_table_report {
    struct str table;
    int64_t read, inserted, updated, deleted, rejected, files;
    int64_t snapshot_id; // SNAPSHOT_NONE = nothing was committed
    str_vec schema_changes;
};
struct load_report {
    enum load_status status;
    struct str run_id, load_id;
    struct load_table_report *tables;
    size_t table_count;
    struct source_report source;
    int64_t commits, reaped_files, name_clashes;
};

/// @return RC_OK | RC_TIMEOUT (stop_at_us came before anything was complete) | RC_CONFLICT (another
/// run landed first) | RC_REFUSED (the table was rolled back
///   past its state) | RC_UNKNOWN (outcome of the commit unknown; nothing was deleted)
///   | whatever the source or the commit failed with: then nothing of the run is visible
CHECK rc load_run(struct arena *arena, const struct load_options *options,
                  struct load_report *ret_report, struct err *err);

#endif
