/// @file load_partial.c
/// A run that must stop before it has read everything: near its time limit, or because its
/// container is taken away. What is complete is committed with the cursors that pass over it, the
/// rest is let go, and the next run reads on from there. Layer: ingest.
///
/// Rows may be committed when some state says that nobody needs to read them again: the resource's
/// own, else that of the nearest parent that keeps one, its guard. A parent's state passes over its
/// children too, so it counts only from moments at which none of them has a unit at hand. Resources
/// without a guard, and those whose table is replaced as a whole, wait for a run that reaches the
/// end.

#include "ingest/load.intern.h"

bool load_may_stop_early(const struct load *load)
{
    return load->options->stop_at_us > 0 || load->options->commits_when_stopped;
}

static bool is_loaded(const struct load_resource *r)
{
    return r->table != NULL && !r->is_landed;
}

static bool can_guard(const struct load_resource *r)
{
    return r->table != NULL && r->resource->keeps_state && !load_must_wait(r, false);
}

/// @return NULL when there is none
static const struct load_resource *guard_of(const struct load *load, const struct load_resource *r)
{
    for (const struct resource *at = r->resource; at != NULL; at = at->parent)
        if (can_guard(&load->resources[at->index]))
            return &load->resources[at->index];
    return NULL;
}

static bool is_below(const struct resource *resource, const struct resource *above)
{
    for (const struct resource *at = resource->parent; at != NULL; at = at->parent)
        if (at == above)
            return true;
    return false;
}

/// Calls `visit` for the table of a resource and its children, which may hold rows already without
/// being known to the landing.
static rc for_each_table(struct load *load, const struct load_resource *r,
                         rc (*visit)(struct landing *landing, struct landing_table *table,
                                     struct err *err),
                         struct err *err)
{
    for (size_t i = 0; i < load->normalizer->tables.count; i++) {
        struct landing_table *table;
        if (load->normalizer->tables.items[i]->root != r->normal)
            continue;
        TRY(landing_table_of(load->landing, load->normalizer->tables.items[i], &table, err));
        TRY(visit(load->landing, table, err));
    }
    return RC_OK;
}

static rc mark(struct landing *landing, struct landing_table *table, struct err *err)
{
    (void)landing, (void)err;
    landing_mark(table);
    return RC_OK;
}

static rc unmark(struct landing *landing, struct landing_table *table, struct err *err)
{
    table->marked_rows = table->marked_files = 0;
    table->marked_total_rows = table->marked_discarded_rows = 0;
    return landing_keep_marked(landing, table, err);
}

rc load_unit_ended(struct load *load, struct load_resource *r, struct err *err)
{
    if (!load_may_stop_early(load) || !can_guard(r))
        return RC_OK;
    for (size_t i = 0; i < load->resource_count; i++)
        if (is_below(load->resources[i].resource, r->resource) && load->resources[i].has_open_unit)
            return RC_OK;
    for (size_t i = 0; i < load->resource_count; i++)
        if (is_loaded(&load->resources[i]) && guard_of(load, &load->resources[i]) == r) {
            load->resources[i].safe_read = load->resources[i].read;
            TRY(for_each_table(load, &load->resources[i], mark, err));
        }
    r->safe_state = r->state;
    r->has_safe_state = r->has_state;
    return RC_OK;
}

/// Rows of two resources in one table can only be told apart when one guard covers both.
static bool has_mixed_table(const struct load *load)
{
    for (size_t i = 0; i < load->resource_count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct load_resource *a = &load->resources[i], *b = &load->resources[j];
            if (is_loaded(a) && is_loaded(b) && a->table == b->table &&
                guard_of(load, a) != guard_of(load, b))
                return true;
        }
    return false;
}

static rc let_go(struct load *load, struct load_resource *r, struct err *err)
{
    const bool is_kept = guard_of(load, r) != NULL && !load_must_wait(r, false);
    TRY(for_each_table(load, r, is_kept ? landing_keep_marked : unmark, err));
    r->read = is_kept ? r->safe_read : r->read_before;
    r->has_state = is_kept && r->has_safe_state;
    r->state = r->safe_state;
    r->is_landed = !is_kept; // not in this run
    return RC_OK;
}

static rc out_of_time(struct load *load, struct err *err)
{
    const struct str source = load->options->source_name;
    if (load->options->is_full_refresh) {
        err_set(err, RC_LIMIT,
                "the time is over before the full refresh of %.*s was whole, so nothing of it was "
                "committed",
                STR_ARGS(source));
        return err_hint(err, "give it more time, or run it where there is no limit: as a container "
                             "task or with moulin ingest from a machine");
    }
    err_set(
        err, RC_TIMEOUT,
        "the time is over before anything of %.*s was complete that a next run could go on from",
        STR_ARGS(source));
    return err_hint(err,
                    "give it more time, or make its steps smaller: an incremental with row_order: "
                    "asc or per, or a time_partition");
}

rc load_commit_partial(struct load *load, struct err *err)
{
    bool has_progress = load->report.commits > 0;
    if (load->options->is_full_refresh || has_mixed_table(load))
        return out_of_time(load, err);
    for (size_t i = 0; i < load->resource_count; i++) {
        struct load_resource *r = &load->resources[i];
        if (!is_loaded(r))
            continue;
        TRY(let_go(load, r, err));
        has_progress = has_progress || (!r->is_landed && load_has_new_state(load, r));
    }
    if (!has_progress)
        return out_of_time(load, err);
    TRY(load_commit(load, false, err));
    if (load->report.commits == 0)
        return out_of_time(load, err);
    landing_discard_all(load->landing); // tables that wait
    load->report.status = LOAD_PARTIAL;
    return RC_OK;
}
