/// Making a snapshot: which manifests it keeps, rewrites, merges and adds, its manifest list and
/// summary. Source: Iceberg spec "Snapshots", "Sequence Numbers"; Java's SnapshotProducer,
/// ManifestFilterManager, ManifestMergeManager, SnapshotSummary.

#include "base/log.h"
#include "base/random.h"
#include "iceberg/transaction.intern.h"
#include "store/store.h"

enum {
    TARGET_MANIFEST_BYTES = 8 << 20,
    MIN_COUNT_TO_MERGE = 100,
};

/// What the summary counts, added and removed apart.
struct file_counts {
    int64_t data_files, records, bytes;
    int64_t delete_files, position_files, equality_files, position_deletes, equality_deletes;
};

struct producer {
    struct transaction *tx;
    struct arena *arena;
    const struct table_metadata *metadata; // with schema, spec and properties of the new state
    const struct snapshot *parent;         // of the branch; NULL = first
    manifest_vec manifests;                // of the new snapshot
    size_t found_paths;                    // of tx->deleted_paths
    struct map partitions;                 // that changed
    struct file_counts added, removed;
};

int64_t snapshot_new_id(const struct table_metadata *metadata)
{
    int64_t id;
    do
        id = (int64_t)(random_uint64() & INT64_MAX);
    while (id == 0 || metadata_snapshot_by_id(metadata, id) != NULL);
    return id;
}

// Counting

static void count_file(struct producer *p, struct file_counts *counts, const struct data_file *file,
                       const struct partition_spec *spec)
{
    counts->bytes += file->file_size_bytes;
    if (file->content == CONTENT_DATA) {
        counts->data_files++;
        counts->records += file->record_count;
    } else {
        const bool is_position = file->content == CONTENT_POSITION_DELETES;
        counts->delete_files++;
        *(is_position ? &counts->position_files : &counts->equality_files) += 1;
        *(is_position ? &counts->position_deletes : &counts->equality_deletes) +=
            file->record_count;
    }
    const struct str path = partition_path(p->arena, spec, file->partition);
    map_set(&p->partitions, arena_printf(p->arena, "%d/%.*s", spec->spec_id, STR_ARGS(path)), p);
}

static void set_count(struct producer *p, struct properties *summary, const char *key,
                      int64_t count)
{
    if (count > 0)
        properties_set_int64(p->arena, summary, str_of(key), count);
}

/// Totals go on from the parent's; one that the parent lacks stays unknown.
static void set_total(struct producer *p, struct properties *summary, const char *key,
                      int64_t added, int64_t removed)
{
    int64_t total = 0;
    if (p->parent != NULL)
        total = properties_int64(&p->parent->summary, str_of(key), -1);
    if (total >= 0 && total + added - removed >= 0)
        properties_set_int64(p->arena, summary, str_of(key), total + added - removed);
}

static struct properties make_summary(struct producer *p)
{
    const struct file_counts *a = &p->added, *r = &p->removed;
    struct properties summary = properties_copy(p->arena, &p->tx->summary);
    set_count(p, &summary, "added-files-size", a->bytes);
    set_count(p, &summary, "removed-files-size", r->bytes);
    set_count(p, &summary, "added-data-files", a->data_files);
    set_count(p, &summary, "deleted-data-files", r->data_files);
    set_count(p, &summary, "added-delete-files", a->delete_files);
    set_count(p, &summary, "removed-delete-files", r->delete_files);
    set_count(p, &summary, "added-position-delete-files", a->position_files);
    set_count(p, &summary, "removed-position-delete-files", r->position_files);
    set_count(p, &summary, "added-equality-delete-files", a->equality_files);
    set_count(p, &summary, "removed-equality-delete-files", r->equality_files);
    set_count(p, &summary, "added-records", a->records);
    set_count(p, &summary, "deleted-records", r->records);
    set_count(p, &summary, "added-position-deletes", a->position_deletes);
    set_count(p, &summary, "removed-position-deletes", r->position_deletes);
    set_count(p, &summary, "added-equality-deletes", a->equality_deletes);
    set_count(p, &summary, "removed-equality-deletes", r->equality_deletes);
    set_count(p, &summary, "changed-partition-count", (int64_t)p->partitions.count);
    set_total(p, &summary, "total-records", a->records, r->records);
    set_total(p, &summary, "total-files-size", a->bytes, r->bytes);
    set_total(p, &summary, "total-data-files", a->data_files, r->data_files);
    set_total(p, &summary, "total-delete-files", a->delete_files, r->delete_files);
    set_total(p, &summary, "total-position-deletes", a->position_deletes, r->position_deletes);
    set_total(p, &summary, "total-equality-deletes", a->equality_deletes, r->equality_deletes);
    return summary;
}

static struct str operation_of(const struct producer *p)
{
    const struct file_counts *a = &p->added, *r = &p->removed;
    if (p->tx->kind == TRANSACTION_REWRITE)
        return STR("replace");
    const bool removes = r->data_files > 0 || r->delete_files > 0 || a->delete_files > 0;
    if (!removes)
        return p->tx->kind == TRANSACTION_REPLACE_ALL ? STR("overwrite") : STR("append");
    return a->data_files > 0 ? STR("overwrite") : STR("delete");
}

// Writing manifests

static rc put_file(struct transaction *tx, struct str uri, const struct buf *bytes, str_vec *owned,
                   struct err *err)
{
    // noted first: when the outcome is unknown, the file may be there
    *vec_push(tx->arena, owned) = arena_str(tx->arena, uri);
    return store_put(tx->table.store, uri, buf_str(bytes),
                     (struct store_put_options){.must_be_new = true}, err);
}

static rc finish_manifest(struct transaction *tx, struct arena *arena,
                          const struct table_metadata *metadata, struct manifest_writer *writer,
                          str_vec *owned, struct manifest_file *ret_file, struct err *err)
{
    struct buf buf;
    struct manifest_file file;
    buf_init(&buf, MANIFEST_MAX_BYTES);
    const struct str folder = table_metadata_folder(arena, metadata);
    const struct str uri = arena_printf(tx->arena, "%.*s/%.*s-m%d.avro", STR_ARGS(folder),
                                        STR_ARGS(tx->commit_uuid), tx->manifest_number++);
    rc code = manifest_writer_finish(writer, &buf, &file, err);
    if (code == RC_OK)
        code = put_file(tx, uri, &buf, owned, err);
    buf_done(&buf);
    if (code != RC_OK)
        return code;
    file.path = uri;
    *ret_file = file;
    return RC_OK;
}

static int64_t target_bytes(const struct table_metadata *metadata)
{
    return properties_int64(&metadata->properties, STR("commit.manifest.target-size-bytes"),
                            TARGET_MANIFEST_BYTES);
}

/// Writes files of one spec, rolling to a next manifest at the target size.
static rc write_added(struct transaction *tx, const data_file_vec *files, int32_t spec_id,
                      struct err *err)
{
    const struct table_metadata *m = tx->table.metadata;
    const struct partition_spec *spec = metadata_spec_by_id(m, spec_id);
    if (spec == NULL)
        return err_set(err, RC_INTERNAL, "files were written for the unknown partition spec %d",
                       spec_id);
    const bool is_deletes = files == &tx->delete_files;
    const struct manifest_write_options options = {.format_version = m->format_version,
                                                   .schema = metadata_schema(m),
                                                   .spec = spec,
                                                   .is_deletes = is_deletes,
                                                   .snapshot_id = tx->snapshot_id};
    // rows that were only moved are as old as the snapshot they came from: later deletes still hold
    const struct snapshot *base = metadata_current_snapshot(&tx->base);
    const int64_t sequence =
        tx->kind == TRANSACTION_REWRITE && base != NULL ? base->sequence_number : -1;
    struct manifest_writer *writer = NULL;
    for (size_t i = 0; i < files->count; i++) {
        if (files->items[i].spec_id != spec_id)
            continue;
        if (writer == NULL)
            TRY(manifest_writer_open(tx->arena, options, &writer, err));
        const struct manifest_entry entry = {.status = ENTRY_ADDED,
                                             .snapshot_id = tx->snapshot_id,
                                             .sequence_number = sequence,
                                             .file_sequence_number = -1,
                                             .file = files->items[i]};
        TRY(manifest_write_entry(writer, &entry, err));
        if ((int64_t)manifest_writer_bytes(writer) >= target_bytes(m)) {
            TRY(finish_manifest(tx, tx->arena, m, writer, &tx->own_files,
                                vec_push(tx->arena, &tx->added_manifests), err));
            writer = NULL;
        }
    }
    if (writer != NULL)
        TRY(finish_manifest(tx, tx->arena, m, writer, &tx->own_files,
                            vec_push(tx->arena, &tx->added_manifests), err));
    return RC_OK;
}

static rc write_added_of_all_specs(struct transaction *tx, const data_file_vec *files,
                                   struct err *err)
{
    for (size_t i = 0; i < files->count; i++) {
        bool is_first = true; // of its spec
        for (size_t before = 0; before < i && is_first; before++)
            is_first = files->items[before].spec_id != files->items[i].spec_id;
        // thousands of files have a handful of specs; stop looking when the first one has all
        if (is_first)
            TRY(write_added(tx, files, files->items[i].spec_id, err));
    }
    return RC_OK;
}

rc transaction_prepare(struct transaction *tx, struct err *err)
{
    if (tx->snapshot_id == SNAPSHOT_NONE)
        tx->snapshot_id = snapshot_new_id(&tx->base);
    if (tx->added_manifests.count > 0)
        return RC_OK;
    TRY(write_added_of_all_specs(tx, &tx->data_files, err));
    return write_added_of_all_specs(tx, &tx->delete_files, err);
}

// Removing files

/// Whether the new snapshot no longer has the file.
static bool is_removed(const struct producer *p, const struct manifest_entry *entry)
{
    const struct transaction *tx = p->tx;
    if (tx->kind == TRANSACTION_REPLACE_ALL)
        return true;
    return map_has(&tx->deleted, entry->file.path) ||
           (entry->file.referenced_data_file.length > 0 &&
            map_has(&tx->deleted, entry->file.referenced_data_file));
}

static bool has_live_files(const struct manifest_file *file)
{
    return file->added_files_count != 0 || file->existing_files_count != 0;
}

static rc holds_removed(struct producer *p, const struct manifest_file *file, bool *ret_holds,
                        struct err *err)
{
    if (p->tx->kind == TRANSACTION_REPLACE_ALL) {
        *ret_holds = true;
        return RC_OK;
    }
    struct arena *scratch = arena_open(NULL);
    struct manifest_reader *reader;
    struct manifest_entry entry;
    bool holds = false;
    rc code = manifest_reader_open(p->tx->table.store, scratch, file, p->metadata,
                                   (struct manifest_read_options){0}, &reader, err);
    while (code == RC_OK && !holds && (code = manifest_next(reader, &entry, err)) == RC_OK)
        holds = is_removed(p, &entry);
    arena_close(scratch);
    if (code != RC_OK && code != RC_EOF)
        return code;
    *ret_holds = holds;
    return RC_OK;
}

static rc mark_entry(struct producer *p, const struct partition_spec *spec,
                     struct manifest_entry *entry)
{
    if (!is_removed(p, entry)) {
        entry->status = ENTRY_EXISTING;
        return RC_OK;
    }
    entry->status = ENTRY_DELETED;
    entry->snapshot_id = p->tx->snapshot_id;
    count_file(p, &p->removed, &entry->file, spec);
    if (map_has(&p->tx->deleted, entry->file.path))
        p->found_paths++;
    return RC_OK;
}

/// Copies a manifest with the removed files marked as deleted.
static rc rewrite_manifest(struct producer *p, struct arena *scratch,
                           const struct manifest_file *file, struct err *err)
{
    struct manifest_reader *reader;
    struct manifest_writer *writer;
    struct manifest_entry entry;
    TRY(manifest_reader_open(p->tx->table.store, scratch, file, p->metadata,
                             (struct manifest_read_options){.columns = MANIFEST_ALL}, &reader,
                             err));
    const struct partition_spec *spec = manifest_reader_spec(reader);
    const struct manifest_write_options options = {.format_version = p->metadata->format_version,
                                                   .schema = metadata_schema(p->metadata),
                                                   .spec = spec,
                                                   .is_deletes = file->is_deletes,
                                                   .snapshot_id = p->tx->snapshot_id};
    TRY(manifest_writer_open(p->arena, options, &writer, err));
    rc code;
    while ((code = manifest_next(reader, &entry, err)) == RC_OK) {
        TRY(mark_entry(p, spec, &entry));
        TRY(manifest_write_entry(writer, &entry, err));
    }
    if (code != RC_EOF)
        return code;
    return finish_manifest(p->tx, p->arena, p->metadata, writer, &p->tx->attempt_files,
                           vec_push(p->arena, &p->manifests), err);
}

static rc keep_or_rewrite(struct producer *p, const struct manifest_file *file, struct err *err)
{
    const bool removes = p->tx->kind == TRANSACTION_REPLACE_ALL || p->tx->deleted.count > 0;
    bool holds = false;
    if (!has_live_files(file))
        return RC_OK; // its deletions belong to an older snapshot
    if (removes)
        TRY(holds_removed(p, file, &holds, err));
    if (!holds) {
        *vec_push(p->arena, &p->manifests) = *file;
        return RC_OK;
    }
    struct arena *scratch = arena_open(NULL);
    const rc code = rewrite_manifest(p, scratch, file, err);
    arena_close(scratch);
    return code;
}

static rc take_over(struct producer *p, struct err *err)
{
    struct manifest_file *files;
    size_t count = 0;
    if (p->parent != NULL)
        TRY(manifest_list_read(p->tx->table.store, p->arena, p->parent, &files, &count, err));
    for (size_t i = 0; i < count; i++)
        TRY(keep_or_rewrite(p, &files[i], err));
    if (p->found_paths == p->tx->deleted_paths.count)
        return RC_OK;
    err_set(err, RC_CONFLICT,
            "%zu of %zu files that were to be replaced in \"%.*s.%.*s\" are gone: somebody "
            "else removed them at the same time",
            p->tx->deleted_paths.count - p->found_paths, p->tx->deleted_paths.count,
            STR_ARGS(p->tx->table.namespace_name), STR_ARGS(p->tx->table.name));
    return final_conflict(err);
}

// Merging

struct bin {
    size_t first, count; // of a list of manifests with one spec and content
    int64_t bytes;
};
VEC_TYPE(bin_vec, struct bin);

static rc merge_entries(struct producer *p, struct arena *scratch, const struct manifest_file *file,
                        struct manifest_writer *writer, struct err *err)
{
    struct manifest_reader *reader;
    struct manifest_entry entry;
    TRY(manifest_reader_open(p->tx->table.store, scratch, file, p->metadata,
                             (struct manifest_read_options){MANIFEST_ALL, true}, &reader, err));
    const bool is_ours = file->added_snapshot_id == p->tx->snapshot_id;
    rc code;
    while ((code = manifest_next(reader, &entry, err)) == RC_OK) {
        const bool is_of_snapshot = is_ours && entry.snapshot_id == p->tx->snapshot_id;
        if (entry.status == ENTRY_DELETED && !is_of_snapshot)
            continue;
        if (entry.status == ENTRY_ADDED && !is_of_snapshot)
            entry.status = ENTRY_EXISTING;
        TRY(manifest_write_entry(writer, &entry, err));
    }
    return code == RC_EOF ? RC_OK : code;
}

static rc merge_bin(struct producer *p, const manifest_vec *group, struct bin bin,
                    struct manifest_file *ret_file, struct err *err)
{
    const struct manifest_file *first = &group->items[bin.first];
    const struct manifest_write_options options = {
        .format_version = p->metadata->format_version,
        .schema = metadata_schema(p->metadata),
        .spec = metadata_spec_by_id(p->metadata, first->spec_id),
        .is_deletes = first->is_deletes,
        .snapshot_id = p->tx->snapshot_id};
    struct manifest_writer *writer;
    TRY(manifest_writer_open(p->arena, options, &writer, err));
    for (size_t i = 0; i < bin.count; i++) {
        struct arena *scratch = arena_open(NULL);
        const rc code = merge_entries(p, scratch, &group->items[bin.first + i], writer, err);
        arena_close(scratch);
        TRY(code);
    }
    return finish_manifest(p->tx, p->arena, p->metadata, writer, &p->tx->attempt_files, ret_file,
                           err);
}

/// Bins of at most the target size, filled from the oldest manifest on, so that the newest ones are
/// in the bin that still has room.
static bin_vec pack(struct producer *p, const manifest_vec *group)
{
    bin_vec bins = {0};
    for (size_t i = group->count; i-- > 0;) {
        struct bin *last = bins.count > 0 ? &bins.items[bins.count - 1] : NULL;
        const int64_t bytes = group->items[i].length_bytes;
        if (last == NULL || last->bytes + bytes > target_bytes(p->metadata)) {
            last = vec_push(p->arena, &bins);
            last->first = i;
        }
        last->first = i;
        last->count++;
        last->bytes += bytes;
    }
    return bins;
}

static rc merge_group(struct producer *p, const manifest_vec *group, manifest_vec *to,
                      struct err *err)
{
    const int64_t min_count = properties_int64(
        &p->metadata->properties, STR("commit.manifest.min-count-to-merge"), MIN_COUNT_TO_MERGE);
    const struct partition_spec *spec = metadata_spec_by_id(p->metadata, group->items[0].spec_id);
    bool can_merge = spec != NULL;
    for (size_t i = 0; can_merge && i < spec->field_count; i++)
        can_merge = spec->fields[i].transform.kind != TRANSFORM_UNKNOWN;
    const bin_vec bins = pack(p, group);
    for (size_t b = bins.count; b-- > 0;) {
        const struct bin bin = bins.items[b];
        const bool is_newest = bin.first == 0;
        if (can_merge && bin.count > 1 && (!is_newest || (int64_t)bin.count >= min_count)) {
            TRY(merge_bin(p, group, bin, vec_push(p->arena, to), err));
            continue;
        }
        for (size_t i = 0; i < bin.count; i++)
            *vec_push(p->arena, to) = group->items[bin.first + i];
    }
    return RC_OK;
}

/// Manifests of one spec and content are merged among themselves, newest first.
static rc merge_manifests(struct producer *p, struct err *err)
{
    if (!properties_bool(&p->metadata->properties, STR("commit.manifest-merge.enabled"), true))
        return RC_OK;
    const manifest_vec all = p->manifests;
    bool *is_done = ARENA_ARRAY(p->arena, bool, all.count);
    manifest_vec merged = {0};
    for (size_t i = 0; i < all.count; i++) {
        manifest_vec group = {0};
        for (size_t k = i; k < all.count; k++) {
            if (is_done[k] || all.items[k].spec_id != all.items[i].spec_id ||
                all.items[k].is_deletes != all.items[i].is_deletes)
                continue;
            is_done[k] = true;
            *vec_push(p->arena, &group) = all.items[k];
        }
        if (group.count > 0)
            TRY(merge_group(p, &group, &merged, err));
    }
    p->manifests = merged;
    return RC_OK;
}

// Conflicts with snapshots that others made since the table was loaded

struct history {
    const struct snapshot *const *items; // newest first
    size_t count;
};

static int64_t head_of(const struct table_metadata *m, struct str branch)
{
    const struct snapshot_ref *ref = metadata_ref(m, branch);
    return ref != NULL ? ref->snapshot_id : m->current_snapshot_id;
}

static rc changed_meanwhile(const struct producer *p, const char *what, struct err *err)
{
    err_set(err, RC_CONFLICT, "the table \"%.*s.%.*s\" %s at the same time",
            STR_ARGS(p->tx->table.namespace_name), STR_ARGS(p->tx->table.name), what);
    err_hint(err, "run it again: it will work on the new state");
    return final_conflict(err);
}

/// One snapshot of somebody else, between ours and what it was planned on.
static rc check_snapshot(const struct producer *p, const struct snapshot *snapshot, struct err *err)
{
    const struct transaction *tx = p->tx;
    const bool adds_deletes =
        properties_int64(&snapshot->summary, STR("added-delete-files"), 0) > 0;
    if (tx->requires_no_new_data && !str_is(snapshot->operation, "replace"))
        return changed_meanwhile(p, "was changed by somebody else", err);
    if ((tx->kind == TRANSACTION_OVERWRITE || tx->kind == TRANSACTION_REWRITE) && adds_deletes)
        return changed_meanwhile(p, "got deletes from somebody else", err);
    return RC_OK;
}

/// Looks for the paths among live files, since a head that moved may have lost them.
static rc check_required_paths(struct producer *p, struct err *err)
{
    struct map wanted;
    size_t found = 0;
    map_init(&wanted, p->arena);
    for (size_t i = 0; i < p->tx->required_paths.count; i++)
        map_set(&wanted, p->tx->required_paths.items[i], p);
    for (size_t i = 0; i < p->manifests.count && found < wanted.count; i++) {
        if (p->manifests.items[i].is_deletes)
            continue;
        struct arena *scratch = arena_open(NULL);
        struct manifest_reader *reader;
        struct manifest_entry entry;
        rc code =
            manifest_reader_open(p->tx->table.store, scratch, &p->manifests.items[i], p->metadata,
                                 (struct manifest_read_options){0}, &reader, err);
        while (code == RC_OK && (code = manifest_next(reader, &entry, err)) == RC_OK)
            found += map_has(&wanted, entry.file.path) ? 1 : 0;
        arena_close(scratch);
        if (code != RC_EOF)
            return code;
    }
    return found == wanted.count
               ? RC_OK
               : changed_meanwhile(p, "lost files that this change refers to", err);
}

static rc check_conflicts(struct producer *p, struct err *err)
{
    const struct transaction *tx = p->tx;
    const int64_t base = head_of(&tx->base, tx->branch);
    const int64_t head = p->parent != NULL ? p->parent->snapshot_id : SNAPSHOT_NONE;
    if (tx->is_new || head == base)
        return RC_OK;
    if (tx->kind <= TRANSACTION_APPEND && !tx->requires_no_new_data)
        return RC_OK;
    const struct snapshot *at = p->parent;
    for (size_t steps = 0; at != NULL && steps <= p->metadata->snapshot_count; steps++) {
        if (at->snapshot_id == base)
            break;
        TRY(check_snapshot(p, at, err));
        at = metadata_parent(p->metadata, at);
    }
    const bool is_rolled_back = base != SNAPSHOT_NONE && at == NULL;
    if (is_rolled_back && tx->kind != TRANSACTION_REPLACE_ALL)
        return changed_meanwhile(p, "was rolled back, or its history expired,", err);
    return tx->required_paths.count > 0 ? check_required_paths(p, err) : RC_OK;
}

// The snapshot

static rc write_list(struct producer *p, int64_t sequence_number, struct str *ret_uri,
                     struct err *err)
{
    struct transaction *tx = p->tx;
    struct buf buf;
    buf_init(&buf, MANIFEST_MAX_BYTES);
    const struct str folder = table_metadata_folder(p->arena, p->metadata);
    const struct str uri =
        arena_printf(tx->arena, "%.*s/snap-%lld-%d-%.*s.avro", STR_ARGS(folder),
                     (long long)tx->snapshot_id, tx->attempt, STR_ARGS(tx->commit_uuid));
    rc code = manifest_list_encode(
        &buf,
        (struct manifest_list_options){.format_version = p->metadata->format_version,
                                       .snapshot_id = tx->snapshot_id,
                                       .parent_id = p->parent != NULL ? p->parent->snapshot_id
                                                                      : SNAPSHOT_NONE,
                                       .sequence_number = sequence_number},
        p->manifests.items, p->manifests.count, err);
    if (code == RC_OK)
        code = put_file(tx, uri, &buf, &tx->attempt_files, err);
    buf_done(&buf);
    if (code == RC_OK)
        *ret_uri = uri;
    return code;
}

static void add_snapshot(struct producer *p, struct table_metadata *m, struct snapshot snapshot)
{
    struct snapshot *snapshots = ARENA_ARRAY(p->arena, struct snapshot, m->snapshot_count + 1);
    if (m->snapshot_count > 0)
        memcpy(snapshots, m->snapshots, m->snapshot_count * sizeof *snapshots);
    snapshots[m->snapshot_count++] = snapshot;
    m->snapshots = snapshots;
    m->last_sequence_number = snapshot.sequence_number;
    transaction_point_ref(p->arena, m, p->tx->branch, snapshot.snapshot_id, snapshot.timestamp_ms);
}

static void count_added(struct producer *p)
{
    const data_file_vec *const lists[] = {&p->tx->data_files, &p->tx->delete_files};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < lists[l]->count; i++) {
            const struct data_file *file = &lists[l]->items[i];
            count_file(p, &p->added, file, metadata_spec_by_id(p->metadata, file->spec_id));
        }
}

/// Manifests that this commit wrote and that are merged into others by now.
static void note_superfluous(struct producer *p)
{
    struct transaction *tx = p->tx;
    const str_vec *const lists[] = {&tx->own_files, &tx->attempt_files};
    tx->superfluous.count = 0;
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < lists[l]->count; i++) {
            bool is_used = false;
            for (size_t k = 0; k < p->manifests.count && !is_used; k++)
                is_used = str_equal(p->manifests.items[k].path, lists[l]->items[i]);
            if (!is_used)
                *vec_push(tx->arena, &tx->superfluous) = lists[l]->items[i];
        }
}

static bool is_empty_change(const struct producer *p)
{
    const struct transaction *tx = p->tx;
    return !tx->forces_snapshot && p->added.data_files + p->added.delete_files == 0 &&
           p->removed.data_files + p->removed.delete_files == 0;
}

rc snapshot_produce(struct transaction *tx, struct arena *arena, struct table_metadata *metadata,
                    int64_t now_ms, struct err *err)
{
    struct producer producer = {.tx = tx, .arena = arena, .metadata = metadata};
    struct producer *p = &producer;
    const int64_t head = head_of(metadata, tx->branch);
    map_init(&p->partitions, arena);
    p->parent = head != SNAPSHOT_NONE ? metadata_snapshot_by_id(metadata, head) : NULL;
    for (size_t i = 0; i < tx->added_manifests.count; i++)
        *vec_push(arena, &p->manifests) = tx->added_manifests.items[i];
    TRY(take_over(p, err));
    TRY(check_conflicts(p, err));
    count_added(p);
    if (is_empty_change(p))
        return RC_OK;
    TRY(merge_manifests(p, err));
    note_superfluous(p);

    struct snapshot snapshot = {.snapshot_id = tx->snapshot_id,
                                .parent_id = head,
                                .sequence_number = metadata->last_sequence_number + 1,
                                .timestamp_ms = now_ms,
                                .operation = operation_of(p),
                                .summary = make_summary(p),
                                .schema_id = metadata->current_schema_id,
                                .first_row_id = -1,
                                .added_rows = -1};
    TRY(write_list(p, snapshot.sequence_number, &snapshot.manifest_list, err));
    add_snapshot(p, metadata, snapshot);
    tx->made_snapshot = true;
    return RC_OK;
}

void transaction_discard(struct transaction *tx, str_vec *files)
{
    struct err ignored = {0};
    if (store_remove_many(tx->table.store, files->items, files->count, &ignored) != RC_OK)
        log_debug("not removed: %s", ignored.message);
    files->count = 0;
}
