/// @file repair.c
/// See repair.h. Layer: ingest.

#include "ingest/repair.h"

#include "base/log.h"
#include "base/map.h"
#include "base/retry.h"
#include "base/time.h"

enum { MAX_TRIES = 10 };
static const int64_t WAIT_US = 200000, MAX_WAIT_US = 60000000;

static const struct str load_id_key = STR_INIT("moulin.load-id");
static const struct str undone_key = STR_INIT("moulin.undone-load");

VEC_TYPE(snapshot_vec, const struct snapshot *);
VEC_TYPE(restored_files, struct data_file);

/// A child table and what in its history never became true.
struct patient {
    struct arena *arena;
    const struct repair_options *options;
    struct table child, root;
    bool has_root;
    snapshot_vec line; // main's ancestors, newest first
    snapshot_vec torn; // of these, newest first
};

static struct str load_id_of(const struct snapshot *snapshot)
{
    return properties_get(&snapshot->summary, load_id_key, STR(""));
}

// ---------------------------------------------------------------- judging

bool repair_is_missing(const struct table *table, const struct snapshot *snapshot)
{
    const struct snapshot *at = NULL, *oldest = NULL;
    const struct str load_id = load_id_of(snapshot);
    if (table != NULL)
        at = metadata_current_snapshot(table->metadata);
    for (; at != NULL; at = metadata_parent(table->metadata, at)) {
        if (str_equal(load_id_of(at), load_id))
            return false;
        oldest = at;
    }
    // a history that begins with an expired parent says nothing about loads before it
    return oldest == NULL || oldest->parent_id == SNAPSHOT_NONE ||
           snapshot->timestamp_ms >= oldest->timestamp_ms;
}

/// Whether a child without a root was made by one load alone. Of several loads the root was there
/// and somebody dropped it: that is no accident of ours.
static bool is_of_one_load(const struct patient *p)
{
    for (size_t i = 1; i < p->line.count; i++)
        if (!str_equal(load_id_of(p->line.items[i]), load_id_of(p->line.items[0])))
            return false;
    return true;
}

static bool is_undone(const struct patient *p, struct str load_id)
{
    for (size_t i = 0; i < p->line.count; i++)
        if (str_equal(properties_get(&p->line.items[i]->summary, undone_key, STR("")), load_id))
            return true;
    return false;
}

static void find_torn(struct patient *p)
{
    const struct table_metadata *m = p->child.metadata;
    p->line = p->torn = (snapshot_vec){0};
    const struct snapshot *at = metadata_current_snapshot(m);
    for (; at != NULL; at = metadata_parent(m, at))
        *vec_push(p->arena, &p->line) = at;
    if (!p->has_root && !is_of_one_load(p))
        return;
    for (size_t i = 0; i < p->line.count; i++) {
        at = p->line.items[i];
        const struct str load_id = load_id_of(at);
        const struct str source = properties_get(&at->summary, STR("moulin.source"), STR(""));
        if (load_id.length > 0 && str_equal(source, p->options->source) &&
            repair_is_missing(p->has_root ? &p->root : NULL, at) && !is_undone(p, load_id))
            *vec_push(p->arena, &p->torn) = at;
    }
}

static rc load_again(struct patient *p, struct err *err)
{
    const struct table child = p->child;
    TRY(catalog_load_table(p->options->catalog, child.namespace_name, child.name, p->arena,
                           &p->child, err));
    if (!p->has_root)
        TRY(catalog_table_exists(p->options->catalog, child.namespace_name, p->options->root,
                                 &p->has_root, err));
    if (p->has_root)
        TRY(catalog_load_table(p->options->catalog, child.namespace_name, p->options->root,
                               p->arena, &p->root, err));
    find_torn(p);
    return RC_OK;
}

static rc is_in_flight(const struct patient *p, bool *ret_is, struct err *err)
{
    bool is_living = false;
    for (size_t i = 0; i < p->torn.count && !is_living; i++) {
        const struct snapshot *at = p->torn.items[i];
        if (!str_equal(load_id_of(at), p->options->own_load_id))
            TRY(lease_is_living(p->options->lease,
                                properties_get(&at->summary, STR("moulin.lease"), STR("")),
                                &is_living, err));
    }
    *ret_is = is_living;
    return RC_OK;
}

/// Between the commits of a living run the tables look torn: it is done in a moment.
static rc wait_for_others(struct patient *p, struct err *err)
{
    const int64_t deadline_us = time_monotonic_us() + MAX_WAIT_US;
    bool is_flying = false;
    TRY(is_in_flight(p, &is_flying, err));
    while (is_flying) {
        if (time_monotonic_us() > deadline_us)
            return err_set(err, RC_BUSY,
                           "another run of %.*s has committed table %.*s and goes on committing",
                           STR_ARGS(p->options->source), STR_ARGS(p->child.name));
        TRY(retry_sleep(WAIT_US, err));
        TRY(load_again(p, err));
        TRY(is_in_flight(p, &is_flying, err));
    }
    return RC_OK;
}

// ---------------------------------------------------------------- undoing

/// The snapshot to return to when nothing but torn loads stands above it; NULL when there is none.
static const struct snapshot *snapshot_before(const struct patient *p)
{
    const size_t count = p->torn.count;
    return count <= p->line.count && p->line.items[count - 1] == p->torn.items[count - 1]
               ? metadata_parent(p->child.metadata, p->torn.items[count - 1])
               : NULL;
}

/// What the torn snapshots did to the table's files, and whether it can be undone.
struct files {
    struct patient *p;
    struct arena *arena;
    const struct snapshot *snapshot; // that is being looked at
    struct map added, live;
    restored_files deleted;
    bool has_deletes; // delete files apply to the table
};

static rc note_change(void *context, const struct manifest_entry *entry, struct err *err)
{
    struct files *files = context;
    (void)err;
    if (entry->snapshot_id != files->snapshot->snapshot_id)
        return RC_OK;
    if (entry->status == ENTRY_ADDED)
        map_set(&files->added, arena_str(files->arena, entry->file.path), files);
    else if (entry->status == ENTRY_DELETED)
        *vec_push(files->arena, &files->deleted) = data_file_copy(files->arena, &entry->file);
    return RC_OK;
}

static rc note_live(void *context, const struct manifest_entry *entry, struct err *err)
{
    struct files *files = context;
    (void)err;
    files->has_deletes |= entry->file.content != CONTENT_DATA;
    if (map_has(&files->added, entry->file.path))
        map_set(&files->live, arena_str(files->arena, entry->file.path), files);
    return RC_OK;
}

static rc find_files(struct files *files, struct err *err)
{
    const struct patient *p = files->p;
    const struct manifest_read_options all = {.columns = MANIFEST_ALL, .include_deleted = true};
    map_init(&files->added, files->arena);
    map_init(&files->live, files->arena);
    for (size_t i = 0; i < p->torn.count; i++) {
        files->snapshot = p->torn.items[i];
        TRY(table_visit_files(&p->child, files->snapshot, all, note_change, files, err));
    }
    return table_visit_files(&p->child, p->line.items[0], (struct manifest_read_options){0},
                             note_live, files, err);
}

static rc cannot_undo(const struct patient *p, struct err *err)
{
    err_set(err, RC_REFUSED,
            "table %.*s holds rows of load %.*s, which ended before its last commit, and others "
            "rewrote them since",
            STR_ARGS(p->child.name), STR_ARGS(load_id_of(p->torn.items[0])));
    const struct snapshot *before =
        metadata_parent(p->child.metadata, p->torn.items[p->torn.count - 1]);
    if (before == NULL)
        return err_hint(err, "drop the table: the next load makes it again");
    return err_hint(
        err, "moulin table rollback %.*s.%.*s --snapshot %lld takes the table back to before it",
        STR_ARGS(p->child.namespace_name), STR_ARGS(p->child.name), (long long)before->snapshot_id);
}

/// A commit that takes the torn files out and puts what they replaced back in.
static rc take_files_out(struct patient *p, struct transaction *tx, struct err *err)
{
    struct files files = {.p = p, .arena = p->arena};
    str_vec out = {0};
    restored_files back = {0};
    struct map deleted;
    TRY(find_files(&files, err));
    map_init(&deleted, p->arena);
    for (size_t i = 0; i < files.deleted.count; i++) {
        map_set(&deleted, files.deleted.items[i].path, p);
        if (!map_has(&files.added, files.deleted.items[i].path))
            *vec_push(p->arena, &back) = files.deleted.items[i];
    }
    for (size_t i = 0; i < files.added.count; i++) {
        const struct str path = files.added.entries[i].key;
        if (map_has(&files.live, path))
            *vec_push(p->arena, &out) = path;
        else if (!map_has(&deleted, path))
            return cannot_undo(p, err); // compacted into other files, or changed
    }
    // a file that comes back is as new as this commit: older deletes would not hold any more
    if (back.count > 0 && files.has_deletes)
        return cannot_undo(p, err);
    TRY(transaction_overwrite(tx, out.items, out.count, back.items, back.count, err));
    transaction_force_snapshot(tx);
    for (size_t i = 0; i < p->torn.count; i++)
        TRY(transaction_set_summary(tx, undone_key, load_id_of(p->torn.items[i]), err));
    return RC_OK;
}

static rc undo(struct patient *p, struct err *err)
{
    struct transaction *tx;
    const struct snapshot *before = snapshot_before(p);
    const struct transaction_ref_options options = {.must_be_ancestor = true};
    TRY(transaction_open(p->arena, &p->child, &tx, err));
    TRY(transaction_require_snapshot(tx, p->line.items[0]->snapshot_id, err));
    if (before != NULL)
        TRY(transaction_set_ref(tx, STR(REF_MAIN), before->snapshot_id, options, err));
    else
        TRY(take_files_out(p, tx, err));
    return catalog_commit(p->options->catalog, &tx, 1, err);
}

/// Several loads at once happen only when the root was rolled back; where main cannot simply return
/// to before them, they are taken out one by one, the newest first.
static void keep_newest_torn(struct patient *p)
{
    if (snapshot_before(p) == NULL && p->torn.count > 1)
        p->torn.count = 1;
}

rc repair_child(struct arena *arena, const struct repair_options *options, const struct table *root,
                const struct table *child, bool *ret_is_changed, struct err *err)
{
    struct patient p = {
        .arena = arena, .options = options, .child = *child, .has_root = root != NULL};
    bool is_changed = false;
    if (root != NULL)
        p.root = *root;
    find_torn(&p);
    if (p.torn.count > 0)
        TRY(wait_for_others(&p, err));
    for (int conflicts = 0; p.torn.count > 0;) {
        keep_newest_torn(&p);
        const struct str load_id = load_id_of(p.torn.items[0]);
        const rc code = undo(&p, err);
        if (code != RC_OK && (code != RC_CONFLICT || ++conflicts == MAX_TRIES))
            return code;
        if (code == RC_OK) {
            is_changed = true;
            log_warn("table %.*s: load %.*s ended before its last commit; its rows were taken back",
                     STR_ARGS(p.child.name), STR_ARGS(load_id));
        }
        TRY(load_again(&p, err));
    }
    *ret_is_changed = is_changed;
    return RC_OK;
}
