#include "iceberg/scan.h"

#include "base/map.h"
#include "base/runtime.h"
#include "base/time.h"
#include "iceberg/predicate.h"

VEC_TYPE(delete_vec, struct scan_delete_file *);

/// The deletes of a snapshot, by where they apply.
struct delete_index {
    struct map by_path; // location of a data file -> delete_vec of vectors and position deletes
    struct map by_partition; // spec and tuple -> delete_vec of position and equality deletes
    delete_vec global;       // equality deletes of unpartitioned specs
};

struct planner {
    const struct table *table;
    const struct table_metadata *metadata;
    const struct schema *schema;
    const struct scan_options *options;
    struct arena *arena, *scratch;
    struct delete_index deletes;
    VEC(struct scan_file) files;
    struct scan_plan plan;
};

static struct str partition_key(struct arena *arena, const struct data_file *file)
{
    struct str key = arena_printf(arena, "%d", file->spec_id);
    for (size_t i = 0; i < file->partition_count; i++) {
        const struct value value = file->partition[i];
        const struct str text = value.is_null ? STR("n") : value_encode(arena, value);
        key = arena_printf(arena, "%.*s|%c%zu:", STR_ARGS(key), value.is_null ? 'n' : 'v',
                           text.length);
        key = str_concat(arena, key, text);
    }
    return key;
}

static void index_add(struct planner *p, struct map *map, struct str key,
                      struct scan_delete_file *file)
{
    struct map_entry *entry = map_entry_of(map, arena_str(p->scratch, key));
    if (entry->value == NULL)
        entry->value = ARENA_NEW(p->scratch, delete_vec);
    *vec_push(p->scratch, (delete_vec *)entry->value) = file;
}

/// The only data file that a position delete file names, when its metadata says so.
static struct str referenced_path(const struct data_file *file)
{
    if (file->referenced_data_file.length > 0)
        return file->referenced_data_file;
    struct str lower = {0}, upper = {0};
    for (size_t i = 0; i < file->lower_bounds.count; i++)
        if (file->lower_bounds.items[i].field_id == FIELD_ID_DELETE_PATH)
            lower = file->lower_bounds.items[i].bytes;
    for (size_t i = 0; i < file->upper_bounds.count; i++)
        if (file->upper_bounds.items[i].field_id == FIELD_ID_DELETE_PATH)
            upper = file->upper_bounds.items[i].bytes;
    // A cut upper bound is greater than its lower one, so equal bounds are whole.
    return lower.length > 0 && str_equal(lower, upper) ? lower : (struct str){"", 0};
}

static bool is_vector(const struct data_file *file)
{
    return str_equal_ignore_case(file->file_format, STR("PUFFIN"));
}

static void index_delete(struct planner *p, const struct manifest_entry *entry)
{
    struct scan_delete_file *delete = ARENA_NEW(p->arena, struct scan_delete_file);
    *delete =
        (struct scan_delete_file){data_file_copy(p->arena, &entry->file), entry->sequence_number};
    const struct data_file *file = &delete->file;
    const struct partition_spec *spec = metadata_spec_by_id(p->metadata, file->spec_id);
    const struct str path =
        file->content == CONTENT_POSITION_DELETES ? referenced_path(file) : (struct str){"", 0};
    if (path.length > 0)
        index_add(p, &p->deletes.by_path, path, delete);
    else if (file->content == CONTENT_EQUALITY_DELETES &&
             (spec == NULL || partition_spec_is_unpartitioned(spec)))
        *vec_push(p->scratch, &p->deletes.global) = delete;
    else
        index_add(p, &p->deletes.by_partition, partition_key(p->scratch, file), delete);
}

static bool is_applicable(const struct scan_delete_file *delete, int64_t sequence_number)
{
    return delete->file.content == CONTENT_EQUALITY_DELETES
               ? sequence_number < delete->sequence_number
               : sequence_number <= delete->sequence_number;
}

static void take(struct planner *p, delete_vec *to, const delete_vec *from, int64_t sequence_number)
{
    for (size_t i = 0; from != NULL && i < from->count; i++)
        if (is_applicable(from->items[i], sequence_number))
            *vec_push(p->arena, to) = from->items[i];
}

static void match_deletes(struct planner *p, struct scan_file *file)
{
    delete_vec found = {0};
    const struct delete_index *index = &p->deletes;
    take(p, &found, map_get(&index->by_path, file->file.path), file->sequence_number);
    if (index->by_partition.count > 0)
        take(p, &found, map_get(&index->by_partition, partition_key(p->scratch, &file->file)),
             file->sequence_number);
    take(p, &found, &index->global, file->sequence_number);
    bool has_vector = false;
    for (size_t i = 0; i < found.count; i++)
        has_vector = has_vector || is_vector(&found.items[i]->file);
    // A deletion vector holds the position deletes of before: those are not applied twice.
    size_t kept = 0;
    for (size_t i = 0; i < found.count; i++)
        if (!has_vector || is_vector(&found.items[i]->file) ||
            found.items[i]->file.content == CONTENT_EQUALITY_DELETES)
            found.items[kept++] = found.items[i];
    file->deletes = (const struct scan_delete_file *const *)found.items;
    file->delete_count = kept;
    p->plan.has_deletes = p->plan.has_deletes || kept > 0;
}

static rc check_format(const struct data_file *file, bool is_delete, struct err *err)
{
    if (file->file_format.length == 0 || str_equal_ignore_case(file->file_format, STR("PARQUET")) ||
        (is_delete && is_vector(file)))
        return RC_OK;
    return err_set(err, RC_UNSUPPORTED, "%.*s: files of format %.*s cannot be read",
                   STR_ARGS(file->path), STR_ARGS(file->file_format));
}

static rc read_deletes(struct planner *p, const struct manifest_file *manifest, struct err *err)
{
    struct manifest_reader *reader;
    struct arena *arena = arena_open(p->scratch);
    TRY(manifest_reader_open(p->table->store, arena, manifest, p->metadata,
                             (struct manifest_read_options){.columns = MANIFEST_BOUNDS}, &reader,
                             err));
    for (;;) {
        struct manifest_entry entry;
        const rc result = manifest_next(reader, &entry, err);
        if (result == RC_EOF)
            break;
        TRY(result);
        TRY(check_format(&entry.file, true, err));
        index_delete(p, &entry);
    }
    arena_close(arena);
    return RC_OK;
}

static bool is_wanted(const struct planner *p, const struct partition_spec *spec,
                      const struct type *types, const struct data_file *file)
{
    const struct predicate *predicate = p->options->predicate;
    if (predicate == NULL)
        return true;
    if (spec != NULL && !predicate_may_match_partition(predicate, spec, types, file))
        return false;
    return predicate_may_match_metrics(predicate, p->schema, file);
}

static rc read_data(struct planner *p, const struct manifest_file *manifest, struct err *err)
{
    TRY(runtime_check(err));
    const struct partition_spec *spec = metadata_spec_by_id(p->metadata, manifest->spec_id);
    const struct type *types =
        spec != NULL ? partition_spec_types(p->scratch, spec, p->schema) : NULL;
    p->plan.manifest_count++;
    if (p->options->predicate != NULL && spec != NULL &&
        !predicate_may_match_manifest(p->options->predicate, spec, types, manifest)) {
        p->plan.skipped_manifest_count++;
        return RC_OK;
    }
    const bool needs_metrics = p->options->predicate != NULL || p->options->with_metrics;
    const unsigned columns = p->options->with_metrics ? MANIFEST_ALL
                             : needs_metrics          ? MANIFEST_COUNTS | MANIFEST_BOUNDS
                                                      : 0;
    struct manifest_reader *reader;
    struct arena *arena = arena_open(p->scratch);
    TRY(manifest_reader_open(p->table->store, arena, manifest, p->metadata,
                             (struct manifest_read_options){.columns = columns}, &reader, err));
    for (;;) {
        struct manifest_entry entry;
        const rc result = manifest_next(reader, &entry, err);
        if (result == RC_EOF)
            break;
        TRY(result);
        TRY(check_format(&entry.file, false, err));
        if (!is_wanted(p, spec, types, &entry.file)) {
            p->plan.skipped_file_count++;
            continue;
        }
        if (!p->options->with_metrics) { // bounds were only needed to decide
            entry.file.lower_bounds = entry.file.upper_bounds = (struct column_bounds){0};
            entry.file.value_counts = entry.file.null_value_counts = entry.file.nan_value_counts =
                (struct column_counts){0};
        }
        struct scan_file *file = vec_push(p->arena, &p->files);
        *file = (struct scan_file){.file = data_file_copy(p->arena, &entry.file),
                                   .sequence_number = entry.sequence_number};
        match_deletes(p, file);
        p->plan.record_count += entry.file.record_count;
    }
    arena_close(arena);
    return RC_OK;
}

static rc plan_snapshot(struct planner *p, const struct snapshot *snapshot, struct err *err)
{
    struct manifest_file *manifests;
    size_t count;
    TRY(manifest_list_read(p->table->store, p->scratch, snapshot, &manifests, &count, err));
    for (size_t i = 0; i < count; i++)
        if (manifests[i].is_deletes)
            TRY(read_deletes(p, &manifests[i], err));
    for (size_t i = 0; i < count; i++)
        if (!manifests[i].is_deletes)
            TRY(read_data(p, &manifests[i], err));
    p->plan.files = p->files.items;
    p->plan.file_count = p->files.count;
    return RC_OK;
}

static rc choose_snapshot(const struct table *table, int64_t snapshot_id,
                          const struct snapshot **ret_snapshot, struct err *err)
{
    const struct table_metadata *metadata = table->metadata;
    if (snapshot_id == 0) {
        *ret_snapshot = metadata_current_snapshot(metadata);
        return RC_OK;
    }
    const struct snapshot *snapshot = metadata_snapshot_by_id(metadata, snapshot_id);
    if (snapshot == NULL) {
        err_set(err, RC_NOT_FOUND, "table %.*s%s%.*s has no snapshot %lld",
                STR_ARGS(table->namespace_name), table->namespace_name.length > 0 ? "." : "",
                STR_ARGS(table->name), (long long)snapshot_id);
        return err_hint(err, "moulin table snapshots lists them; expired ones cannot be read");
    }
    *ret_snapshot = snapshot;
    return RC_OK;
}

rc scan_plan(const struct table *table, struct arena *arena, const struct scan_options *options,
             struct scan_plan *ret_plan, struct err *err)
{
    static const struct scan_options defaults;
    struct planner p = {.table = table,
                        .metadata = table->metadata,
                        .options = options != NULL ? options : &defaults,
                        .arena = arena,
                        .scratch = arena_open(NULL)};
    map_init(&p.deletes.by_path, p.scratch);
    map_init(&p.deletes.by_partition, p.scratch);
    const struct snapshot *snapshot = NULL;
    rc result = choose_snapshot(table, p.options->snapshot_id, &snapshot, err);
    if (result == RC_OK) {
        p.schema = p.options->schema != NULL ? p.options->schema
                   : p.options->snapshot_id == 0
                       ? metadata_schema(p.metadata)
                       : metadata_schema_of_snapshot(p.metadata, snapshot);
        p.plan.metadata = p.metadata;
        p.plan.snapshot = snapshot;
        p.plan.schema = p.schema;
        if (snapshot != NULL)
            result = plan_snapshot(&p, snapshot, err);
    }
    arena_close(p.scratch);
    if (result == RC_OK)
        *ret_plan = p.plan;
    return result;
}

rc scan_snapshot_as_of(const struct table *table, int64_t timestamp_ms, int64_t *ret_snapshot_id,
                       struct err *err)
{
    const struct snapshot *snapshot = metadata_snapshot_as_of(table->metadata, timestamp_ms);
    if (snapshot != NULL) {
        *ret_snapshot_id = snapshot->snapshot_id;
        return RC_OK;
    }
    struct arena *scratch = arena_open(NULL);
    const struct str asked = time_format(scratch, timestamp_ms * 1000, TIME_ISO_Z);
    rc result;
    if (table->metadata->snapshot_log_count == 0) {
        result = err_set(err, RC_NOT_FOUND, "table %.*s.%.*s had no snapshot at %.*s: it is empty",
                         STR_ARGS(table->namespace_name), STR_ARGS(table->name), STR_ARGS(asked));
    } else {
        const struct str first =
            time_format(scratch, table->metadata->snapshot_log[0].timestamp_ms * 1000, TIME_ISO_Z);
        result = err_set(err, RC_NOT_FOUND,
                         "table %.*s.%.*s had no snapshot at %.*s: its history begins at %.*s",
                         STR_ARGS(table->namespace_name), STR_ARGS(table->name), STR_ARGS(asked),
                         STR_ARGS(first));
    }
    arena_close(scratch);
    return result;
}
