/// @file load.intern.h
/// What the files of a load share. load.c runs it: from the first look to the last commit;
/// load_state.c keeps cursors; load_commit.c settles and commits; load_repair.c mends what a commit
/// that ended half-way left. Layer: ingest. Internal to load*.c.

#ifndef INGEST_LOAD_INTERN_H
#define INGEST_LOAD_INTERN_H

#include "ingest/lease.h"
#include "ingest/load.h"

// What snapshots say about the load that made them.
static const struct str load_state_key = STR_INIT("moulin.state");
static const struct str load_id_key = STR_INIT("moulin.load-id");
static const struct str load_run_id_key = STR_INIT("moulin.run-id");
static const struct str load_lease_key = STR_INIT("moulin.lease");
static const struct str load_source_key = STR_INIT("moulin.source");
static const struct str load_complete_key = STR_INIT("moulin.complete");

/// A resource that takes part in the run.
struct load_resource {
    const struct resource *resource;
    struct normal_table *normal;
    struct landing_table *table;
    struct merge_rule rule;
    struct json state; // newest; valid when has_state
    bool has_state, has_base_state;
    struct str base_state;     // text of the resource's state at the start; "" = none
    bool has_open_unit;        // records since the last unit_end
    bool is_landed;            // by an earlier try of this run: what comes is not taken again
    int64_t read, read_before; // in the run; of these before the last commit
    // Of the last moment at which everything that its state passes over was complete.
    struct json safe_state;
    bool has_safe_state;
    int64_t safe_read;
};

struct load {
    struct arena *arena;
    const struct load_options *options;
    struct load_settings settings;
    struct normalizer *normalizer;
    struct landing *landing;
    struct lease *lease;
    struct load_resource *resources; // by resource->index
    size_t resource_count;
    struct str run_id, run_tag, load_id;
    int64_t now_us, last_commit_us, bytes_since_commit;
    int64_t load_number;
    struct load_report report;
    bool is_outcome_unknown;
    bool is_committing;           // a commit has begun and not ended
    struct str committed_load_id; // of the last commit
    const struct resource *shown; // whose name the progress line shows
};

// Cursors

CHECK rc load_read_state(struct load *load, struct load_resource *r, struct err *err);
bool load_has_new_state(const struct load *load, const struct load_resource *r);
/// The whole `moulin.state` of a root table: what it had, with the resources of this run.
CHECK rc load_state_text(struct load *load, const struct landing_table *table, struct str *ret_text,
                         struct err *err);
/// What a summary or property holds: the text, or for a long one a reference to a file of its own.
CHECK rc load_store_state(struct load *load, struct str text, struct str *ret_text,
                          struct err *err);
/// Table property that keeps a copy of a resource's state.
struct str load_state_property(const struct load *load, const struct resource *resource);

// Commits

void load_new_id(struct load *load);
/// Commits what is complete: all tables of the resources that need not wait, if any has changed.
/// @param is_final  false: a checkpoint of a run that goes on, as the next load
CHECK rc load_commit(struct load *load, bool is_final, struct err *err);
/// What the run has to say about one table, in its snapshot summary.
CHECK rc load_describe(struct load *load, struct landing_table *table, bool is_complete,
                       struct err *err);
/// The line of this load in dlt's own table of loads, `_dlt_loads`.
CHECK rc load_add_row(struct load *load, struct landing_table **ret_table, struct err *err);

bool load_must_wait(const struct load_resource *r, bool is_final);

// Runs that stop early (load_partial.c)

/// Whether this run may have to stop before it has read everything.
bool load_may_stop_early(const struct load *load);
/// A unit of `r` has ended, r->state is its newest: marks what could be committed now.
CHECK rc load_unit_ended(struct load *load, struct load_resource *r, struct err *err);
/// Commits what is complete and lets go of the rest.
/// @return RC_OK | RC_TIMEOUT (nothing that a next run could go on from) | RC_LIMIT (a full refresh
///   did not fit) | as load_commit
CHECK rc load_commit_partial(struct load *load, struct err *err);

// Half-done commits

/// Takes back what a commit that failed half-way put into child tables whose root it did not reach.
/// Best effort: what stays is taken back by the next run.
void load_undo_half_commit(struct load *load);
/// Where tables are committed one after another, an earlier run may have died in between.
CHECK rc load_repair_children(struct load *load, const struct load_resource *r, struct err *err);
/// Whether an earlier try of this run has landed the table for good, and died before it was done
/// with the others.
bool load_was_landed(const struct load *load, const struct landing_table *table);
/// Writes the lines that `_dlt_loads` lacks because their runs died before they wrote them.
CHECK rc load_record_missing(struct load *load, struct err *err);

#endif
