/// Manifest lists: reading by field id, writing, row ids of format version 3.

#include "base/vec.h"
#include "format/avro.h"
#include "iceberg/manifest.h"
#include "iceberg/manifest_schema.h"
#include "store/store.h"

VEC_TYPE(manifest_vec, struct manifest_file);
VEC_TYPE(summary_vec, struct field_summary);

// Reading

enum field_kind { FIELD_LONG, FIELD_TEXT, FIELD_PARTITIONS, FIELD_SKIP };

/// Where a field id goes. Numbers are int64_t members of struct manifest_file, or small ones that
/// set_small() handles.
static const struct list_field {
    int id;
    enum field_kind kind;
    size_t offset; // SIZE_MAX = see set_small
} list_fields[] = {
    {500, FIELD_TEXT, offsetof(struct manifest_file, path)},
    {501, FIELD_LONG, offsetof(struct manifest_file, length_bytes)},
    {502, FIELD_LONG, SIZE_MAX},
    {517, FIELD_LONG, SIZE_MAX},
    {515, FIELD_LONG, offsetof(struct manifest_file, sequence_number)},
    {516, FIELD_LONG, offsetof(struct manifest_file, min_sequence_number)},
    {503, FIELD_LONG, offsetof(struct manifest_file, added_snapshot_id)},
    {504, FIELD_LONG, offsetof(struct manifest_file, added_files_count)},
    {505, FIELD_LONG, offsetof(struct manifest_file, existing_files_count)},
    {506, FIELD_LONG, offsetof(struct manifest_file, deleted_files_count)},
    {512, FIELD_LONG, offsetof(struct manifest_file, added_rows_count)},
    {513, FIELD_LONG, offsetof(struct manifest_file, existing_rows_count)},
    {514, FIELD_LONG, offsetof(struct manifest_file, deleted_rows_count)},
    {507, FIELD_PARTITIONS, 0},
    {519, FIELD_TEXT, offsetof(struct manifest_file, key_metadata)},
    {520, FIELD_LONG, SIZE_MAX},
};
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static void set_small(struct manifest_file *file, int id, int64_t number)
{
    if (id == 502)
        file->spec_id = (int32_t)number;
    else if (id == 517)
        file->is_deletes = number == 1;
    else {
        file->first_row_id = number;
        file->has_first_row_id = true;
    }
}

static void read_summary(struct avro_cursor *cursor, const struct avro_type *record,
                         struct field_summary *summary)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct avro_type *type = avro_read_branch(cursor, record->fields[i].type);
        const int id = record->fields[i].field_id;
        if (id == 509 && type->kind == AVRO_BOOLEAN) {
            summary->contains_null = avro_read_boolean(cursor);
        } else if (id == 518 && type->kind == AVRO_BOOLEAN) {
            summary->contains_nan = avro_read_boolean(cursor);
            summary->has_contains_nan = true;
        } else if (id == 510 && type->kind == AVRO_BYTES) {
            summary->lower_bound = avro_read_bytes(cursor);
            summary->has_lower = true;
        } else if (id == 511 && type->kind == AVRO_BYTES) {
            summary->upper_bound = avro_read_bytes(cursor);
            summary->has_upper = true;
        } else {
            avro_skip(cursor, type);
        }
    }
}

static void read_partitions(struct arena *arena, struct avro_cursor *cursor,
                            const struct avro_type *array, struct manifest_file *file)
{
    summary_vec summaries = {0};
    const struct avro_type *record = array->branches[0];
    for (int64_t count; (count = avro_read_items(cursor)) > 0;) {
        for (; count > 0 && !cursor->is_bad; count--) {
            struct field_summary *summary = vec_push(arena, &summaries);
            if (record->kind != AVRO_RECORD) {
                cursor->is_bad = true;
                break;
            }
            read_summary(cursor, record, summary);
            // the block is gone when the list is used
            summary->lower_bound = arena_str(arena, summary->lower_bound);
            summary->upper_bound = arena_str(arena, summary->upper_bound);
        }
    }
    file->partitions = summaries.items;
    file->partition_count = summaries.count;
}

static void read_list_field(struct arena *arena, struct avro_cursor *cursor,
                            const struct avro_field *field, struct manifest_file *file)
{
    const struct list_field *known = NULL;
    for (size_t i = 0; i < COUNT_OF(list_fields); i++)
        if (list_fields[i].id == field->field_id)
            known = &list_fields[i];
    const struct avro_type *type = avro_read_branch(cursor, field->type);
    const bool is_number = type->kind == AVRO_INT || type->kind == AVRO_LONG;
    const bool is_text = type->kind == AVRO_STRING || type->kind == AVRO_BYTES;
    char *base = (char *)file;
    if (known == NULL || type->kind == AVRO_NULL)
        avro_skip(cursor, type);
    else if (known->kind == FIELD_LONG && is_number && known->offset != SIZE_MAX) {
        const int64_t number = avro_read_long(cursor);
        memcpy(base + known->offset, &number, sizeof number);
    } else if (known->kind == FIELD_LONG && is_number)
        set_small(file, known->id, avro_read_long(cursor));
    else if (known->kind == FIELD_TEXT && is_text) {
        const struct str text = arena_str(arena, avro_read_bytes(cursor));
        memcpy(base + known->offset, &text, sizeof text);
    } else if (known->kind == FIELD_PARTITIONS && type->kind == AVRO_ARRAY)
        read_partitions(arena, cursor, type, file);
    else
        cursor->is_bad = true;
}

static void read_manifest_file(struct arena *arena, struct avro_cursor *cursor,
                               const struct avro_type *record, struct manifest_file *file)
{
    // version 1 has no sequence numbers: 0; and may lack counts: not said
    *file = (struct manifest_file){.added_files_count = -1,
                                   .existing_files_count = -1,
                                   .deleted_files_count = -1,
                                   .added_rows_count = -1,
                                   .existing_rows_count = -1,
                                   .deleted_rows_count = -1};
    for (size_t i = 0; i < record->field_count && !cursor->is_bad; i++)
        read_list_field(arena, cursor, &record->fields[i], file);
}

rc manifest_list_decode(struct arena *arena, struct str bytes, const char *place,
                        struct manifest_file **ret_files, size_t *ret_count, struct err *err)
{
    struct avro_reader *reader;
    manifest_vec files = {0};
    TRY(avro_reader_open(arena, bytes, place, &reader, err));
    const struct avro_type *record = avro_reader_schema(reader);
    if (record->kind != AVRO_RECORD)
        return err_set(err, RC_CORRUPT, "%s: not a manifest list", place);
    for (;;) {
        struct avro_cursor cursor;
        int64_t count;
        const rc code = avro_reader_block(reader, &cursor, &count, err);
        if (code == RC_EOF)
            break;
        TRY(code);
        for (; count > 0 && !cursor.is_bad; count--) {
            struct manifest_file *file = vec_push(arena, &files);
            read_manifest_file(arena, &cursor, record, file);
            if (!cursor.is_bad && file->path.length == 0)
                return err_set(err, RC_CORRUPT, "%s: a manifest has no path", place);
        }
        TRY(avro_reader_block_end(reader, &cursor, err));
    }
    *ret_files = files.items;
    *ret_count = files.count;
    return RC_OK;
}

/// Version 1 snapshots may name manifests directly; what the list would say is then unknown.
static void inline_manifests(struct arena *arena, const struct snapshot *snapshot,
                             struct manifest_file **ret_files, size_t *ret_count)
{
    struct manifest_file *files =
        ARENA_ARRAY(arena, struct manifest_file, snapshot->manifest_count);
    for (size_t i = 0; i < snapshot->manifest_count; i++)
        files[i] = (struct manifest_file){.path = snapshot->manifests[i],
                                          .added_snapshot_id = snapshot->snapshot_id,
                                          .added_files_count = -1,
                                          .existing_files_count = -1,
                                          .deleted_files_count = -1,
                                          .added_rows_count = -1,
                                          .existing_rows_count = -1,
                                          .deleted_rows_count = -1};
    *ret_files = files;
    *ret_count = snapshot->manifest_count;
}

rc manifest_list_read(struct store *store, struct arena *arena, const struct snapshot *snapshot,
                      struct manifest_file **ret_files, size_t *ret_count, struct err *err)
{
    if (snapshot->manifest_list.length == 0) {
        inline_manifests(arena, snapshot, ret_files, ret_count);
        return RC_OK;
    }
    struct arena *scratch = arena_open(NULL);
    struct str bytes;
    rc code = store_get(store, scratch, snapshot->manifest_list, MANIFEST_MAX_BYTES, &bytes, err);
    if (code == RC_OK)
        code = manifest_list_decode(arena, arena_str(arena, bytes),
                                    arena_cstr(arena, snapshot->manifest_list), ret_files,
                                    ret_count, err);
    arena_close(scratch);
    if (code != RC_OK)
        err_context(err, "manifest list of snapshot %lld", (long long)snapshot->snapshot_id);
    return code;
}

// Writing

static void put_optional_bytes(struct buf *to, bool is_set, struct str bytes)
{
    avro_put_long(to, is_set ? 1 : 0);
    if (is_set)
        avro_put_bytes(to, bytes);
}

static void put_summaries(struct buf *to, const struct manifest_file *file)
{
    avro_put_long(to, 1);
    if (file->partition_count > 0)
        avro_put_long(to, (int64_t)file->partition_count);
    for (size_t i = 0; i < file->partition_count; i++) {
        const struct field_summary *summary = &file->partitions[i];
        buf_append_byte(to, summary->contains_null ? 1 : 0);
        avro_put_long(to, summary->has_contains_nan ? 1 : 0);
        if (summary->has_contains_nan)
            buf_append_byte(to, summary->contains_nan ? 1 : 0);
        put_optional_bytes(to, summary->has_lower, summary->lower_bound);
        put_optional_bytes(to, summary->has_upper, summary->upper_bound);
    }
    avro_put_long(to, 0);
}

static void put_counts(struct buf *to, const int64_t *counts, size_t count, bool is_optional)
{
    for (size_t i = 0; i < count; i++) {
        if (is_optional)
            avro_put_long(to, counts[i] >= 0 ? 1 : 0);
        if (!is_optional || counts[i] >= 0)
            avro_put_long(to, counts[i] >= 0 ? counts[i] : 0);
    }
}

static void put_manifest(struct buf *to, const struct manifest_file *file,
                         struct manifest_list_options options, bool has_key_metadata)
{
    const bool is_v1 = options.format_version == 1;
    const int64_t sequence =
        file->sequence_number >= 0 ? file->sequence_number : options.sequence_number;
    const int64_t min_sequence =
        file->min_sequence_number >= 0 ? file->min_sequence_number : sequence;
    const int64_t files[] = {file->added_files_count, file->existing_files_count,
                             file->deleted_files_count};
    const int64_t rows[] = {file->added_rows_count, file->existing_rows_count,
                            file->deleted_rows_count};
    avro_put_bytes(to, file->path);
    avro_put_long(to, file->length_bytes);
    avro_put_long(to, file->spec_id);
    if (is_v1) {
        avro_put_long(to, 1); // branch of the optional snapshot id
        avro_put_long(to, file->added_snapshot_id);
        put_counts(to, files, COUNT_OF(files), true);
        put_summaries(to, file);
        put_counts(to, rows, COUNT_OF(rows), true);
        return;
    }
    avro_put_long(to, file->is_deletes ? 1 : 0);
    avro_put_long(to, sequence);
    avro_put_long(to, min_sequence);
    avro_put_long(to, file->added_snapshot_id);
    put_counts(to, files, COUNT_OF(files), false);
    put_counts(to, rows, COUNT_OF(rows), false);
    put_summaries(to, file);
    if (has_key_metadata)
        put_optional_bytes(to, file->key_metadata.length > 0, file->key_metadata);
}

rc manifest_list_encode(struct buf *to, struct manifest_list_options options,
                        const struct manifest_file *files, size_t count, struct err *err)
{
    struct arena *arena = arena_open(NULL);
    struct manifest_list_schema_options schema = {.format_version = options.format_version};
    for (size_t i = 0; i < count; i++)
        schema.has_key_metadata = schema.has_key_metadata || files[i].key_metadata.length > 0;
    struct avro_pair pairs[4];
    size_t pair_count = 0;
    pairs[pair_count++] = (struct avro_pair){
        STR("snapshot-id"), arena_printf(arena, "%lld", (long long)options.snapshot_id)};
    pairs[pair_count++] = (struct avro_pair){
        STR("parent-snapshot-id"), options.parent_id == SNAPSHOT_NONE
                                       ? STR("null")
                                       : arena_printf(arena, "%lld", (long long)options.parent_id)};
    if (options.format_version > 1)
        pairs[pair_count++] =
            (struct avro_pair){STR("sequence-number"),
                               arena_printf(arena, "%lld", (long long)options.sequence_number)};
    pairs[pair_count++] = (struct avro_pair){STR("format-version"),
                                             arena_printf(arena, "%d", options.format_version)};
    struct avro_writer *writer = avro_writer_open(
        arena, (struct avro_writer_options){.schema = manifest_list_schema(arena, schema),
                                            .metadata = pairs,
                                            .metadata_count = pair_count,
                                            .codec = AVRO_CODEC_DEFLATE,
                                            .max_bytes = MANIFEST_MAX_BYTES});
    rc code = RC_OK;
    for (size_t i = 0; i < count && code == RC_OK; i++) {
        put_manifest(avro_writer_record(writer), &files[i], options, schema.has_key_metadata);
        code = avro_writer_end_record(writer, err);
    }
    if (code == RC_OK)
        code = avro_writer_finish(writer, to, err);
    arena_close(arena);
    return code;
}

// Version 3

int64_t manifest_list_assign_row_ids(struct manifest_file *files, size_t count, int64_t next_row_id)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i].is_deletes || files[i].has_first_row_id)
            continue;
        files[i].first_row_id = next_row_id;
        files[i].has_first_row_id = true;
        next_row_id += (files[i].existing_rows_count > 0 ? files[i].existing_rows_count : 0) +
                       (files[i].added_rows_count > 0 ? files[i].added_rows_count : 0);
    }
    return next_row_id;
}
