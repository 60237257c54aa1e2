/// @file load_repair.c
/// Where a catalog commits one table after another: what is done about loads that ended in between
/// (repair.h). Layer: ingest.

#include "base/log.h"
#include "ingest/load.intern.h"
#include "ingest/repair.h"

/// Takes back what a commit that failed half-way put into child tables whose root it did not reach.
/// Best effort: what stays is taken back by the next run.
void load_undo_half_commit(struct load *load)
{
    const struct landing *landing = load->landing;
    for (size_t i = 0; i < landing->table_count; i++) {
        struct landing_table *child = landing->tables[i], *root;
        bool is_changed = false;
        struct err failure = {0};
        if (!child->is_committing || !transaction_is_committed(child->tx))
            continue;
        child->files = (landing_files){0}; // a snapshot names them
        if (!child->is_child ||
            landing_table_of(load->landing, child->normal->root, &root, &failure) != RC_OK ||
            transaction_is_committed(root->tx))
            continue;
        const struct repair_options options = {.catalog = load->options->catalog,
                                               .lease = load->lease,
                                               .source = load->options->source_name,
                                               .root = root->name,
                                               .own_load_id = load->load_id};
        if (repair_child(load->arena, &options, root->exists ? &root->table : NULL,
                         transaction_table(child->tx), &is_changed, &failure) != RC_OK)
            log_warn("table %.*s: rows of this load could not be taken back now, the next run does "
                     "it: %s",
                     STR_ARGS(child->name), failure.message);
    }
}

/// Where tables are committed one after another, an earlier run may have died in between.
rc load_repair_children(struct load *load, const struct load_resource *r, struct err *err)
{
    const struct landing *landing = load->landing;
    const struct repair_options options = {.catalog = load->options->catalog,
                                           .lease = load->lease,
                                           .source = load->options->source_name,
                                           .root = r->table->name};
    for (size_t i = 0; i < landing->table_count; i++) {
        struct landing_table *child = landing->tables[i];
        bool is_changed = false;
        if (!child->is_child || !child->exists || child->normal->root != r->normal)
            continue;
        TRY(repair_child(load->arena, &options, r->table->exists ? &r->table->table : NULL,
                         &child->table, &is_changed, err));
        if (is_changed)
            TRY(landing_reload(load->landing, child, err));
    }
    return RC_OK;
}

/// Whether an earlier try of this run has landed the table for good, and died before it was done
/// with the others.
bool load_was_landed(const struct load *load, const struct landing_table *table)
{
    if (load->options->run_id.length == 0 || !table->exists)
        return false;
    const struct table_metadata *metadata = table->table.metadata;
    const struct snapshot *at = metadata_current_snapshot(metadata);
    for (; at != NULL; at = metadata_parent(metadata, at)) {
        const struct properties *summary = &at->summary;
        if (str_equal(properties_get(summary, load_run_id_key, STR("")), load->run_id) &&
            str_equal(properties_get(summary, load_source_key, STR("")),
                      load->options->source_name) &&
            str_is(properties_get(summary, load_complete_key, STR("")), "true"))
            return true;
    }
    return false;
}

/// The newest load of this source that a root table carries, if `_dlt_loads` lacks it because its
/// run died in between; NULL when there is none.
static const struct snapshot *unrecorded_load(const struct load *load,
                                              const struct landing_table *root,
                                              const struct landing_table *loads)
{
    const struct table_metadata *metadata = root->table.metadata;
    const struct snapshot *at = metadata_current_snapshot(metadata);
    while (at != NULL && !properties_has(&at->summary, load_id_key))
        at = metadata_parent(metadata, at);
    const bool is_ours =
        at != NULL && str_equal(properties_get(&at->summary, load_source_key, STR("")),
                                load->options->source_name);
    return is_ours && repair_is_missing(loads->exists ? &loads->table : NULL, at) ? at : NULL;
}

/// Writes the missing line of a load into `_dlt_loads`. Whether the load was whole nobody knows.
static rc record_load(struct load *load, const struct snapshot *snapshot, struct err *err)
{
    const struct str load_id = load->load_id, run_id = load->run_id;
    const int64_t now_us = load->now_us;
    struct landing_table *loads;
    load->load_id = properties_get(&snapshot->summary, load_id_key, STR(""));
    load->run_id = properties_get(&snapshot->summary, load_run_id_key, STR(""));
    load->now_us = snapshot->timestamp_ms * 1000;
    rc code = load_add_row(load, &loads, err);
    if (code == RC_OK)
        code = load_describe(load, loads, false, err);
    if (code == RC_OK && loads->exists &&
        loads->table.metadata->current_snapshot_id != SNAPSHOT_NONE)
        code = transaction_require_snapshot(loads->tx, loads->table.metadata->current_snapshot_id,
                                            err);
    if (code == RC_OK)
        code = catalog_commit(load->options->catalog, &loads->tx, 1, err);
    if (code == RC_OK) {
        loads->is_committing = true;
        code = landing_committed(load->landing, err);
    }
    load->load_id = load_id;
    load->run_id = run_id;
    load->now_us = now_us;
    return code;
}

rc load_record_missing(struct load *load, struct err *err)
{
    struct normal_table *normal = normalizer_table(load->normalizer, STR("_dlt_loads"), NULL);
    struct landing_table *loads;
    TRY(landing_table_of(load->landing, normal, &loads, err));
    for (size_t i = 0; i < load->resource_count; i++) {
        const struct load_resource *r = &load->resources[i];
        bool is_living = false;
        if (r->table == NULL || !r->table->exists)
            continue;
        const struct snapshot *snapshot = unrecorded_load(load, r->table, loads);
        if (snapshot == NULL)
            continue;
        TRY(lease_is_living(load->lease,
                            properties_get(&snapshot->summary, load_lease_key, STR("")), &is_living,
                            err));
        if (!is_living)
            TRY(record_load(load, snapshot, err));
    }
    return RC_OK;
}
