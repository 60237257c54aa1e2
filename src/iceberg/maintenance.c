/// Expiry and orphans, both by what is reachable: a file is kept when any snapshot that stays has
/// it as live, or the metadata names it.

#include "iceberg/maintenance.h"

#include "base/log.h"
#include "store/store.h"

static const int64_t MAX_SNAPSHOT_AGE_MS = INT64_C(5) * 24 * 3600 * 1000;

VEC_TYPE(id_vec, int64_t);

// Reachable files

struct reach {
    const struct table *table;
    struct arena *arena;
    struct map *files;    // location -> table
    struct map manifests; // already read
    bool include_deleted; // also entries that a snapshot removed
};

static void note(struct reach *r, struct str location)
{
    if (location.length > 0 && !map_has(r->files, location))
        map_set(r->files, arena_str(r->arena, location), r->files);
}

static rc note_entries(struct reach *r, const struct manifest_file *file, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct manifest_reader *reader;
    struct manifest_entry entry;
    rc code = manifest_reader_open(
        r->table->store, scratch, file, r->table->metadata,
        (struct manifest_read_options){.include_deleted = r->include_deleted}, &reader, err);
    while (code == RC_OK && (code = manifest_next(reader, &entry, err)) == RC_OK)
        note(r, entry.file.path);
    arena_close(scratch);
    return code == RC_EOF ? RC_OK : code;
}

static rc note_snapshot(struct reach *r, const struct snapshot *snapshot, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct manifest_file *files;
    size_t count = 0;
    note(r, snapshot->manifest_list);
    rc code = manifest_list_read(r->table->store, scratch, snapshot, &files, &count, err);
    for (size_t i = 0; i < count && code == RC_OK; i++) {
        if (map_has(&r->manifests, files[i].path))
            continue;
        map_set(&r->manifests, arena_str(r->arena, files[i].path), r);
        note(r, files[i].path);
        code = note_entries(r, &files[i], err);
    }
    arena_close(scratch);
    return code;
}

static struct reach reach_open(const struct table *table, struct arena *arena, struct map *files)
{
    struct reach reach = {.table = table, .arena = arena, .files = files};
    map_init(files, arena);
    map_init(&reach.manifests, arena);
    return reach;
}

rc table_reachable_files(const struct table *table, struct arena *arena, struct map *ret_locations,
                         struct err *err)
{
    const struct table_metadata *m = table->metadata;
    struct reach reach = reach_open(table, arena, ret_locations);
    note(&reach, table->metadata_location);
    note(&reach, arena_printf(arena, "%.*s/metadata/version-hint.text", STR_ARGS(m->location)));
    for (size_t i = 0; i < m->metadata_log_count; i++)
        note(&reach, m->metadata_log[i].metadata_file);
    for (size_t i = 0; i < m->statistics_count; i++)
        note(&reach, m->statistics[i].path);
    for (size_t i = 0; i < m->partition_statistics_count; i++)
        note(&reach, m->partition_statistics[i].path);
    for (size_t i = 0; i < m->snapshot_count; i++)
        TRY(note_snapshot(&reach, &m->snapshots[i], err));
    return RC_OK;
}

// Orphans

/// "file:///a", "file:/a" and "/a" are one place; so are s3, s3a and s3n.
static struct str normal_location(struct str location)
{
    static const char *const local[] = {"file://", "file:"};
    for (size_t i = 0; i < 2; i++)
        if (str_has_prefix(location, str_of(local[i])))
            return str_slice(location, strlen(local[i]), SIZE_MAX);
    static const char *const s3[] = {"s3a://", "s3n://", "s3://"};
    for (size_t i = 0; i < 3; i++)
        if (str_has_prefix(location, str_of(s3[i])))
            return str_slice(location, strlen(s3[i]), SIZE_MAX);
    return location;
}

rc table_orphans(const struct table *table, struct arena *arena,
                 const struct orphan_candidate *candidates, size_t count,
                 struct orphan_options options, str_vec *ret_locations, struct err *err)
{
    struct map reachable, normal;
    str_vec orphans = {0};
    if (!properties_bool(&table->metadata->properties, STR("gc.enabled"), true))
        return err_set(err, RC_REFUSED,
                       "gc.enabled is false: files of \"%.*s\" may belong to other tables",
                       STR_ARGS(table->name));
    TRY(table_reachable_files(table, arena, &reachable, err));
    map_init(&normal, arena);
    for (size_t i = 0; i < reachable.count; i++)
        map_set(&normal, normal_location(reachable.entries[i].key), arena);
    for (size_t i = 0; i < count; i++)
        if (candidates[i].modified_ms <= options.older_than_ms &&
            !map_has(&normal, normal_location(candidates[i].location)))
            *vec_push(arena, &orphans) = arena_str(arena, candidates[i].location);
    *ret_locations = orphans;
    return RC_OK;
}

// Expiry: which snapshots

struct expiry {
    const struct table_metadata *metadata;
    struct expire_options options;
    struct arena *arena;
    bool *is_kept; // per snapshot
};

static size_t index_of(const struct table_metadata *m, const struct snapshot *snapshot)
{
    return (size_t)(snapshot - m->snapshots);
}

static void keep_branch(struct expiry *e, const struct snapshot_ref *ref, int64_t min_snapshots,
                        int64_t cutoff_ms)
{
    if (ref->min_snapshots_to_keep > 0)
        min_snapshots = ref->min_snapshots_to_keep;
    if (ref->max_snapshot_age_ms > 0)
        cutoff_ms = e->options.now_ms - ref->max_snapshot_age_ms;
    const struct snapshot *at = metadata_snapshot_by_id(e->metadata, ref->snapshot_id);
    for (int64_t n = 0; at != NULL && n <= (int64_t)e->metadata->snapshot_count; n++) {
        // the history is in the order of time: behind the first that goes, all go
        if (n >= min_snapshots && at->timestamp_ms < cutoff_ms)
            break;
        e->is_kept[index_of(e->metadata, at)] = true;
        at = metadata_parent(e->metadata, at);
    }
}

static bool is_referenced(const struct table_metadata *m, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < m->ref_count; i++)
        if (m->refs[i].is_tag
                ? m->refs[i].snapshot_id == snapshot->snapshot_id
                : metadata_is_ancestor(m, snapshot->snapshot_id, m->refs[i].snapshot_id))
            return true;
    return false;
}

static bool is_asked_for(const struct expiry *e, int64_t id)
{
    for (size_t i = 0; i < e->options.snapshot_id_count; i++)
        if (e->options.snapshot_ids[i] == id)
            return true;
    return false;
}

static id_vec expired_snapshots(struct expiry *e)
{
    const struct table_metadata *m = e->metadata;
    const struct properties *properties = &m->properties;
    id_vec ids = {0};
    int64_t min_snapshots = e->options.min_snapshots, cutoff = e->options.older_than_ms;
    if (min_snapshots == 0)
        min_snapshots =
            properties_int64(properties, STR("history.expire.min-snapshots-to-keep"), 1);
    if (cutoff == 0)
        cutoff = e->options.now_ms - properties_int64(properties,
                                                      STR("history.expire.max-snapshot-age-ms"),
                                                      MAX_SNAPSHOT_AGE_MS);
    if (min_snapshots < 1)
        min_snapshots = 1; // the head of a branch always stays
    e->is_kept = ARENA_ARRAY(e->arena, bool, m->snapshot_count);
    for (size_t i = 0; i < m->ref_count; i++) {
        const struct snapshot *head = metadata_snapshot_by_id(m, m->refs[i].snapshot_id);
        e->is_kept[index_of(m, head)] = true;
        if (!m->refs[i].is_tag)
            keep_branch(e, &m->refs[i], min_snapshots, cutoff);
    }
    for (size_t i = 0; i < m->snapshot_count; i++) {
        const struct snapshot *snapshot = &m->snapshots[i];
        const bool is_young = snapshot->timestamp_ms >= cutoff && !is_referenced(m, snapshot);
        if ((!e->is_kept[i] && !is_young) || is_asked_for(e, snapshot->snapshot_id))
            *vec_push(e->arena, &ids) = snapshot->snapshot_id;
    }
    return ids;
}

// Expiry: which files

static bool holds_id(const id_vec *ids, int64_t id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (ids->items[i] == id)
            return true;
    return false;
}

static rc files_of_expired(const struct table *table, struct arena *arena, const id_vec *ids,
                           str_vec *ret_files, struct err *err)
{
    const struct table_metadata *m = table->metadata;
    struct map kept, gone;
    struct reach kept_reach = reach_open(table, arena, &kept);
    struct reach gone_reach = reach_open(table, arena, &gone);
    gone_reach.include_deleted = true;
    for (size_t i = 0; i < m->snapshot_count; i++)
        if (!holds_id(ids, m->snapshots[i].snapshot_id))
            TRY(note_snapshot(&kept_reach, &m->snapshots[i], err));
    // manifests that stay were read above: what they hold as live stays
    gone_reach.manifests = kept_reach.manifests;
    for (size_t i = 0; i < m->snapshot_count; i++)
        if (holds_id(ids, m->snapshots[i].snapshot_id))
            TRY(note_snapshot(&gone_reach, &m->snapshots[i], err));
    for (size_t i = 0; i < m->statistics_count; i++)
        note(holds_id(ids, m->statistics[i].snapshot_id) ? &gone_reach : &kept_reach,
             m->statistics[i].path);
    for (size_t i = 0; i < m->partition_statistics_count; i++)
        note(holds_id(ids, m->partition_statistics[i].snapshot_id) ? &gone_reach : &kept_reach,
             m->partition_statistics[i].path);
    str_vec files = {0};
    for (size_t i = 0; i < gone.count; i++)
        if (!map_has(&kept, gone.entries[i].key))
            *vec_push(arena, &files) = gone.entries[i].key;
    *ret_files = files;
    return RC_OK;
}

static rc remove_snapshots(struct catalog *catalog, const struct table *table, struct arena *arena,
                           const id_vec *ids, struct err *err)
{
    struct transaction *tx;
    TRY(transaction_open(arena, table, &tx, err));
    TRY(transaction_remove_snapshots(tx, ids->items, ids->count, err));
    return catalog_commit(catalog, &tx, 1, err);
}

rc table_expire(struct catalog *catalog, const struct table *table, struct arena *arena,
                struct expire_options options, struct expire_result *ret_result, struct err *err)
{
    struct expiry expiry = {.metadata = table->metadata, .options = options, .arena = arena};
    if (!properties_bool(&table->metadata->properties, STR("gc.enabled"), true))
        return err_set(err, RC_REFUSED, "gc.enabled is false: the snapshots of \"%.*s\" stay",
                       STR_ARGS(table->name));
    const id_vec ids = expired_snapshots(&expiry);
    struct expire_result result = {.snapshot_ids = ids.items, .snapshot_count = ids.count};
    if (ids.count > 0) {
        TRY(files_of_expired(table, arena, &ids, &result.files, err));
        if (!options.is_dry_run) {
            TRY(remove_snapshots(catalog, table, arena, &ids, err));
            struct err ignored = {0};
            // what stays behind is an orphan, which the next clean-up finds
            if (store_remove_many(table->store, result.files.items, result.files.count, &ignored) !=
                RC_OK)
                log_warn("not removed: %s", ignored.message);
        }
    }
    *ret_result = result;
    return RC_OK;
}
