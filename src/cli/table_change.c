#include "cli/table_change.h"

#include <stdio.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/runtime.h"
#include "base/time.h"
#include "cli/inspect.h"
#include "cli/table_name.h"
#include "iceberg/maintenance.h"
#include "ingest/lease.h"
#include "store/store.h"

// ---------------------------------------------------------------- rollback

#define STATE_PROPERTY_PREFIX "moulin.state."
#define LOAD_ID_KEY "moulin.load-id"

static rc find_target(struct command_context *context, const struct table *table,
                      const struct snapshot **ret_target, struct err *err)
{
    const struct str id = command_text(context, "snapshot");
    const struct str as_of = command_text(context, "as-of");
    if ((id.length > 0) == (as_of.length > 0))
        return command_usage_error(context, err, "give either --snapshot or --as-of");
    if (id.length > 0)
        return table_snapshot_find(table, id, ret_target, err);
    int64_t ms;
    TRY(table_time_parse(as_of, &ms, err));
    const struct snapshot *target = metadata_snapshot_as_of(table->metadata, ms);
    if (target == NULL)
        return err_set(err, RC_NOT_FOUND, "the table had no snapshot at %.*s", STR_ARGS(as_of));
    *ret_target = target;
    return RC_OK;
}

/// Whether a load that a state property copies is undone by going back to `target`: its snapshot is
/// known and no ancestor of the target.
static bool is_undone(const struct table_metadata *metadata, const struct snapshot *target,
                      struct str load_id)
{
    for (size_t i = 0; load_id.length > 0 && i < metadata->snapshot_count; i++) {
        const struct snapshot *snapshot = &metadata->snapshots[i];
        if (str_equal(properties_get(&snapshot->summary, STR(LOAD_ID_KEY), STR("")), load_id) &&
            !metadata_is_ancestor(metadata, snapshot->snapshot_id, target->snapshot_id))
            return true;
    }
    return false;
}

/// The cursor lies in the snapshots' summaries and so goes back by itself; only the copies in the
/// properties must not outlive their rows.
static rc drop_undone_state(struct transaction *tx, struct arena *arena, const struct table *table,
                            const struct snapshot *target, struct err *err)
{
    const struct properties *properties = &table->metadata->properties;
    for (size_t i = 0; i < properties->count; i++) {
        const struct property *property = &properties->items[i];
        struct json copy;
        if (!str_has_prefix(property->key, STR(STATE_PROPERTY_PREFIX)))
            continue;
        // A copy that is kept in a file cannot be told here: the next run writes it anew.
        const bool is_readable =
            json_parse(arena, property->value, "the state", &copy, NULL) == RC_OK;
        const struct str load_id =
            is_readable ? json_str(json_get(&copy, STR("load_id")), STR("")) : STR("");
        if (load_id.length == 0 || is_undone(table->metadata, target, load_id))
            TRY(transaction_remove_property(tx, property->key, err));
    }
    return RC_OK;
}

/// A snapshot of a child table that belongs to what is left of its root: the newest whose load is
/// in the root's remaining history, or that is not newer than the target.
static const struct snapshot *child_target(const struct table *root, const struct snapshot *target,
                                           const struct table *child)
{
    const struct snapshot *at = metadata_current_snapshot(child->metadata);
    for (; at != NULL; at = metadata_parent(child->metadata, at)) {
        const struct str load = properties_get(&at->summary, STR(LOAD_ID_KEY), STR(""));
        if (load.length == 0 && at->timestamp_ms <= target->timestamp_ms)
            return at;
        for (const struct snapshot *kept = target; load.length > 0 && kept != NULL;
             kept = metadata_parent(root->metadata, kept))
            if (str_equal(properties_get(&kept->summary, STR(LOAD_ID_KEY), STR("")), load))
                return at;
    }
    return NULL;
}

static rc add_rollback(struct arena *arena, const struct table *table,
                       const struct snapshot *target, struct transaction **ret_tx, struct err *err)
{
    TRY(transaction_open(arena, table, ret_tx, err));
    TRY(drop_undone_state(*ret_tx, arena, table, target, err));
    return transaction_set_ref(*ret_tx, STR(REF_MAIN), target->snapshot_id,
                               (struct transaction_ref_options){.must_be_ancestor = true}, err);
}

struct rollback {
    VEC(struct transaction *) transactions;
    VEC(struct output_cell) cells;
};

static void report(struct rollback *r, struct arena *arena, const struct table *table,
                   const struct snapshot *target)
{
    const struct str texts[] = {
        table_full_name(arena, table),
        arena_printf(arena, "%lld", (long long)table->metadata->current_snapshot_id),
        arena_printf(arena, "%lld", (long long)target->snapshot_id),
        time_format(arena, target->timestamp_ms * 1000, TIME_ISO_Z)};
    for (size_t i = 0; i < 4; i++)
        *vec_push(arena, &r->cells) = (struct output_cell){.text = texts[i]};
}

/// Child tables of a landing table are called <table>__<column>: their rows go back with it.
static rc add_children(struct command_context *context, struct rollback *r,
                       const struct table *root, const struct snapshot *target, struct err *err)
{
    str_vec names;
    TRY(catalog_list_tables(root->catalog, context->arena, root->namespace_name, &names, err));
    const struct str prefix = arena_printf(context->arena, "%.*s__", STR_ARGS(root->name));
    for (size_t i = 0; i < names.count; i++) {
        struct table child;
        if (!str_has_prefix(names.items[i], prefix))
            continue;
        TRY(catalog_load_table(root->catalog, root->namespace_name, names.items[i], context->arena,
                               &child, err));
        const struct snapshot *to = child_target(root, target, &child);
        if (to == NULL && child.metadata->current_snapshot_id != SNAPSHOT_NONE) {
            err_set(err, RC_REFUSED,
                    "its child table %.*s has no snapshot to go back to: all its loads are undone",
                    STR_ARGS(table_full_name(context->arena, &child)));
            return err_hint(err, "drop the child table first: the next ingest makes it again");
        }
        if (to == NULL || to->snapshot_id == child.metadata->current_snapshot_id)
            continue;
        TRY(add_rollback(context->arena, &child, to, vec_push(context->arena, &r->transactions),
                         err));
        report(r, context->arena, &child, to);
    }
    return RC_OK;
}

rc table_rollback(struct command_context *context, struct err *err)
{
    struct table table;
    const struct snapshot *target;
    struct rollback r = {0};
    TRY(table_name_load(context, context->arguments[0], &table, err));
    TRY(find_target(context, &table, &target, err));
    if (target->snapshot_id == table.metadata->current_snapshot_id) {
        log_info("snapshot %lld is the current one already: nothing to do",
                 (long long)target->snapshot_id);
        return RC_OK;
    }
    TRY(add_rollback(context->arena, &table, target, vec_push(context->arena, &r.transactions),
                     err));
    report(&r, context->arena, &table, target);
    TRY(add_children(context, &r, &table, target, err));
    TRY(catalog_commit(table.catalog, r.transactions.items, r.transactions.count, err));
    static const struct output_column columns[] = {{STR_INIT("table"), OUTPUT_STRING},
                                                   {STR_INIT("from_snapshot"), OUTPUT_NUMBER},
                                                   {STR_INIT("to_snapshot"), OUTPUT_NUMBER},
                                                   {STR_INIT("committed_at"), OUTPUT_STRING}};
    TRY(output_table_begin(context->output, columns, 4, NULL, err));
    for (size_t i = 0; i < r.cells.count; i += 4)
        TRY(output_row(context->output, &r.cells.items[i], err));
    return output_table_end(context->output, err);
}

// ---------------------------------------------------------------- paths as an answer

static rc print_paths(struct command_context *context, const char *first_name,
                      const struct str *first, const str_vec *paths, const char *empty_text,
                      struct err *err)
{
    const struct output_column columns[] = {{str_of(first_name), OUTPUT_STRING},
                                            {STR("file"), OUTPUT_STRING}};
    TRY(output_table_begin(context->output, columns, 2, empty_text, err));
    for (size_t i = 0; i < paths->count; i++) {
        const struct output_cell cells[] = {{.text = first[i]}, {.text = paths->items[i]}};
        TRY(output_row(context->output, cells, err));
    }
    return output_table_end(context->output, err);
}

// ---------------------------------------------------------------- expire

static int64_t now_ms(const struct command_context *context, struct err *err, rc *ret_result)
{
    int64_t ms = time_now_us() / 1000;
    *ret_result = RC_OK;
    if (command_has(context, "now"))
        *ret_result = table_time_parse(command_text(context, "now"), &ms, err);
    return ms;
}

static rc cutoff_ms(const struct command_context *context, int64_t now, int64_t *ret_ms,
                    struct err *err)
{
    int64_t us;
    TRY_CONTEXT(time_parse_duration(command_text(context, "older-than"), &us, err), err,
                "--older-than");
    *ret_ms = now - us / 1000;
    return RC_OK;
}

rc table_expire_verb(struct command_context *context, struct err *err)
{
    struct table table;
    rc result;
    struct expire_options options = {.is_dry_run = command_flag(context, "dry-run")};
    options.now_ms = now_ms(context, err, &result);
    TRY(result);
    if (command_has(context, "older-than"))
        TRY(cutoff_ms(context, options.now_ms, &options.older_than_ms, err));
    options.min_snapshots = command_has(context, "keep") ? command_int(context, "keep") : 0;
    TRY(table_name_load(context, context->arguments[0], &table, err));
    struct expire_result expired;
    TRY(table_expire(table.catalog, &table, context->arena, options, &expired, err));
    log_info("%s %zu %s and %zu %s", options.is_dry_run ? "would remove" : "removed",
             expired.snapshot_count, expired.snapshot_count == 1 ? "snapshot" : "snapshots",
             expired.files.count, expired.files.count == 1 ? "file" : "files");
    struct str *names = ARENA_ARRAY(context->arena, struct str, expired.files.count + 1);
    for (size_t i = 0; i < expired.files.count; i++)
        names[i] = table_full_name(context->arena, &table);
    return print_paths(context, "table", names, &expired.files, "no file went away", err);
}

// ---------------------------------------------------------------- orphans

struct orphan_search {
    struct command_context *context;
    struct arena *arena;
    VEC(struct orphan_candidate) candidates;
    lease_claims claims;
    str_vec names, paths; // what was found
    int64_t older_than_ms;
};

static rc add_candidate(void *opaque, const struct store_object *object, struct err *err)
{
    (void)err;
    struct orphan_search *search = opaque;
    *vec_push(search->arena, &search->candidates) = (struct orphan_candidate){
        arena_str(search->arena, object->uri), object->modified_us / 1000};
    return runtime_check(err);
}

static bool has_tag(const struct orphan_search *search, struct str path, bool is_live)
{
    const struct str file = fs_base_name(path);
    for (size_t i = 0; i < search->claims.count; i++) {
        const struct lease_claim *claim = &search->claims.items[i];
        if (claim->is_live == is_live && claim->tag.length > 0 && str_contains(file, claim->tag))
            return true;
    }
    return false;
}

static void found(struct orphan_search *search, struct str name, struct str path)
{
    for (size_t i = 0; i < search->paths.count; i++)
        if (str_equal(search->paths.items[i], path))
            return;
    *vec_push(search->arena, &search->paths) = path;
    *vec_push(search->arena, &search->names) = name;
}

/// Files of dead runs are taken at any age, others only when no writer can still be about to commit
/// them.
static rc judge(struct orphan_search *search, const struct table *table, struct err *err)
{
    const struct str name = table_full_name(search->arena, table);
    const int64_t cutoffs[] = {search->older_than_ms, INT64_MAX};
    for (size_t pass = 0; pass < 2; pass++) {
        str_vec paths;
        TRY(table_orphans(table, search->arena, search->candidates.items, search->candidates.count,
                          (struct orphan_options){cutoffs[pass]}, &paths, err));
        for (size_t i = 0; i < paths.count; i++)
            if (!has_tag(search, paths.items[i], true) &&
                (pass == 0 || has_tag(search, paths.items[i], false)))
                found(search, name, paths.items[i]);
    }
    return RC_OK;
}

static rc search_table(struct orphan_search *search, struct catalog *catalog,
                       struct table_name name, struct err *err)
{
    // The listing comes before the metadata: what is committed in between is then known.
    struct table before, table;
    TRY(catalog_load_table(catalog, name.namespace_name, name.name, search->arena, &before, err));
    search->candidates.count = 0;
    const struct str folder =
        arena_printf(search->arena, "%.*s/", STR_ARGS(before.metadata->location));
    TRY(store_list(before.store, folder, add_candidate, search, err));
    TRY(catalog_load_table(catalog, name.namespace_name, name.name, search->arena, &table, err));
    return judge(search, &table, err);
}

/// Whether a table of the catalog, or a run that lives, uses a folder.
static rc is_used(struct orphan_search *search, struct catalog *catalog, const table_names *names,
                  struct str location, bool *ret_is_used, struct err *err)
{
    *ret_is_used = true;
    for (size_t i = 0; i < search->claims.count; i++)
        for (size_t j = 0; j < search->claims.items[i].locations.count; j++)
            if (search->claims.items[i].is_live &&
                str_equal(search->claims.items[i].locations.items[j], location))
                return RC_OK;
    for (size_t i = 0; i < names->count; i++) {
        struct table table;
        struct arena *scratch = arena_open(search->arena);
        TRY(catalog_load_table(catalog, names->items[i].namespace_name, names->items[i].name,
                               scratch, &table, err));
        const bool is_inside = str_has_prefix(location, table.metadata->location);
        arena_close(scratch);
        if (is_inside)
            return RC_OK;
    }
    *ret_is_used = false;
    return RC_OK;
}

/// A run that died before its commit leaves folders of tables that were never made.
static rc search_dead_claims(struct orphan_search *search, struct catalog *catalog,
                             const table_names *names, struct err *err)
{
    for (size_t i = 0; i < search->claims.count; i++) {
        const struct lease_claim *claim = &search->claims.items[i];
        for (size_t j = 0; !claim->is_live && j < claim->locations.count; j++) {
            bool used;
            TRY(is_used(search, catalog, names, claim->locations.items[j], &used, err));
            if (used)
                continue;
            search->candidates.count = 0;
            TRY(store_list(
                catalog_store(catalog),
                arena_printf(search->arena, "%.*s/", STR_ARGS(claim->locations.items[j])),
                add_candidate, search, err));
            for (size_t k = 0; k < search->candidates.count; k++)
                found(search, claim->tables.items[j], search->candidates.items[k].location);
        }
    }
    return RC_OK;
}

static rc remove_found(struct orphan_search *search, struct store *store, bool is_whole,
                       struct err *err)
{
    TRY(store_remove_many(store, search->paths.items, search->paths.count, err));
    // Only when all tables were looked at has a dead run nothing left to be found by its lease.
    for (size_t i = 0; is_whole && i < search->claims.count; i++)
        if (!search->claims.items[i].is_live)
            TRY(store_remove(store, search->claims.items[i].uri, err));
    log_info("removed %zu %s", search->paths.count, search->paths.count == 1 ? "file" : "files");
    return RC_OK;
}

rc table_orphans_verb(struct command_context *context, struct err *err)
{
    struct orphan_search search = {.context = context, .arena = context->arena};
    struct project *project;
    struct catalog *catalog;
    rc result;
    const int64_t now = now_ms(context, err, &result);
    TRY(result);
    TRY(cutoff_ms(context, now, &search.older_than_ms, err));
    TRY(command_project(context, &project, err));
    TRY(project_catalog(project, &catalog, err));
    TRY(lease_read_claims(search.arena, catalog_store(catalog), catalog_warehouse(catalog),
                          &search.claims, err));
    const bool is_whole = context->argument_count == 0;
    if (!is_whole) {
        struct table table;
        TRY(table_name_load(context, context->arguments[0], &table, err));
        TRY(search_table(&search, catalog, (struct table_name){table.namespace_name, table.name},
                         err));
    } else {
        table_names names;
        TRY(table_names_list(catalog, context->arena, &names, err));
        for (size_t i = 0; i < names.count; i++)
            TRY(search_table(&search, catalog, names.items[i], err));
        TRY(search_dead_claims(&search, catalog, &names, err));
    }
    if (command_flag(context, "delete"))
        TRY(remove_found(&search, catalog_store(catalog), is_whole, err));
    return print_paths(context, "table", search.names.items, &search.paths,
                       "no file without an owner", err);
}

// ---------------------------------------------------------------- drop

rc table_drop(struct command_context *context, struct err *err)
{
    struct table table;
    if (context->namespace_prefix.length > 0)
        return table_drop_throw_away(context, err);
    if (context->argument_count == 0)
        return command_usage_error(context, err, "name a TABLE, or --namespace-prefix");
    TRY(table_name_load(context, context->arguments[0], &table, err));
    const struct str name = table_full_name(context->arena, &table);
    const struct snapshot *current = metadata_current_snapshot(table.metadata);
    if (!command_flag(context, "force")) {
        err_set(err, RC_REFUSED, "table %.*s would be lost, with %.*s rows in %zu snapshots",
                STR_ARGS(name),
                STR_ARGS(current != NULL
                             ? properties_get(&current->summary, STR("total-records"), STR("its"))
                             : STR("0")),
                table.metadata->snapshot_count);
        return err_hint(err, "--force drops it from the catalog, with --purge its files too");
    }
    TRY(catalog_drop_table(table.catalog, table.namespace_name, table.name,
                           (struct catalog_drop_options){.purge = command_flag(context, "purge")},
                           err));
    log_info("dropped table %.*s%s", STR_ARGS(name),
             command_flag(context, "purge") ? " and its files" : "; its files stay");
    return RC_OK;
}
