/// Manifests: writing. The order of the puts is that of the tables in manifest_schema.c.

#include "base/decimal.h"
#include "format/avro.h"
#include "iceberg/manifest.h"
#include "iceberg/manifest_schema.h"

enum { V1_BLOCK_BYTES = 64 << 20, METADATA_PAIRS = 6, BRANCH_NULL = 0, BRANCH_VALUE = 1 };

/// What the manifest's partition summary needs of one partition field.
struct field_range {
    bool contains_null, contains_nan, has_bounds;
    struct value lower, upper;
};

struct manifest_writer {
    struct arena *arena;
    struct manifest_write_options options;
    const struct type *types; // of the partition fields
    struct field_range *ranges;
    struct avro_writer *avro;
    struct manifest_file totals;
};

static void put_branch(struct buf *to, bool is_set)
{
    avro_put_long(to, is_set ? BRANCH_VALUE : BRANCH_NULL);
}

static void put_optional_long(struct buf *to, bool is_set, int64_t number)
{
    put_branch(to, is_set);
    if (is_set)
        avro_put_long(to, number);
}

static void put_optional_bytes(struct buf *to, struct str bytes)
{
    put_branch(to, bytes.length > 0);
    if (bytes.length > 0)
        avro_put_bytes(to, bytes);
}

static void put_counts(struct buf *to, struct column_counts counts)
{
    put_branch(to, counts.is_set);
    if (!counts.is_set)
        return;
    if (counts.count > 0)
        avro_put_long(to, (int64_t)counts.count);
    for (size_t i = 0; i < counts.count; i++) {
        avro_put_long(to, counts.items[i].field_id);
        avro_put_long(to, counts.items[i].count);
    }
    avro_put_long(to, 0);
}

static void put_bounds(struct buf *to, struct column_bounds bounds)
{
    put_branch(to, bounds.is_set);
    if (!bounds.is_set)
        return;
    if (bounds.count > 0)
        avro_put_long(to, (int64_t)bounds.count);
    for (size_t i = 0; i < bounds.count; i++) {
        avro_put_long(to, bounds.items[i].field_id);
        avro_put_bytes(to, bounds.items[i].bytes);
    }
    avro_put_long(to, 0);
}

static void put_offsets(struct buf *to, const struct data_file *file)
{
    put_branch(to, file->split_offset_count > 0);
    if (file->split_offset_count == 0)
        return;
    avro_put_long(to, (int64_t)file->split_offset_count);
    for (size_t i = 0; i < file->split_offset_count; i++)
        avro_put_long(to, file->split_offsets[i]);
    avro_put_long(to, 0);
}

static void put_equality_ids(struct buf *to, const struct data_file *file)
{
    put_branch(to, file->equality_id_count > 0);
    if (file->equality_id_count == 0)
        return;
    avro_put_long(to, (int64_t)file->equality_id_count);
    for (size_t i = 0; i < file->equality_id_count; i++)
        avro_put_long(to, file->equality_ids[i]);
    avro_put_long(to, 0);
}

/// Two's complement, big-endian, of exactly the size in the schema.
static void put_decimal(struct buf *to, struct value value, int precision)
{
    char bytes[16];
    const int size = manifest_decimal_bytes(precision);
    for (int i = 0; i < size; i++)
        bytes[i] = (char)(unsigned char)(value.unscaled >> (8 * (size - 1 - i)) & 0xFF);
    buf_append(to, bytes, (size_t)size);
}

static void put_value(struct buf *to, struct value value, const struct type *type)
{
    put_branch(to, !value.is_null);
    if (value.is_null)
        return;
    switch (type->id) {
    case TYPE_BOOLEAN:
        buf_append_byte(to, value.boolean ? 1 : 0);
        break;
    case TYPE_FLOAT:
        avro_put_float(to, (float)value.real);
        break;
    case TYPE_DOUBLE:
        avro_put_double(to, value.real);
        break;
    case TYPE_DECIMAL:
        put_decimal(to, value, type->precision);
        break;
    case TYPE_UUID:
    case TYPE_FIXED:
        buf_append_str(to, value.bytes);
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        avro_put_bytes(to, value.bytes);
        break;
    default:
        avro_put_long(to, value.integer);
    }
}

static void put_file(struct manifest_writer *w, struct buf *to, const struct data_file *file)
{
    const int version = w->options.format_version;
    if (version > 1)
        avro_put_long(to, file->content);
    avro_put_bytes(to, file->path);
    avro_put_bytes(to, file->file_format.length > 0 ? file->file_format : STR("PARQUET"));
    for (size_t i = 0; i < w->options.spec->field_count; i++)
        put_value(to, file->partition[i], &w->types[i]);
    avro_put_long(to, file->record_count);
    avro_put_long(to, file->file_size_bytes);
    if (version == 1)
        avro_put_long(to, V1_BLOCK_BYTES);
    put_counts(to, file->column_sizes);
    put_counts(to, file->value_counts);
    put_counts(to, file->null_value_counts);
    put_counts(to, file->nan_value_counts);
    put_bounds(to, file->lower_bounds);
    put_bounds(to, file->upper_bounds);
    put_optional_bytes(to, file->key_metadata);
    put_offsets(to, file);
    if (version > 1)
        put_equality_ids(to, file);
    put_optional_long(to, file->has_sort_order_id, file->sort_order_id);
    if (version > 1)
        put_optional_bytes(to, file->referenced_data_file);
}

rc manifest_writer_open(struct arena *arena, struct manifest_write_options options,
                        struct manifest_writer **ret_writer, struct err *err)
{
    struct manifest_writer *w = ARENA_NEW(arena, struct manifest_writer);
    w->arena = arena;
    w->options = options;
    w->types = partition_spec_types(arena, options.spec, options.schema);
    w->ranges = ARENA_ARRAY(arena, struct field_range, options.spec->field_count);
    for (size_t i = 0; i < options.spec->field_count; i++)
        if (w->types[i].id == TYPE_UNKNOWN)
            return err_set(
                err, RC_UNSUPPORTED,
                "files cannot be written with partition field \"%.*s\": its transform or "
                "its source column is unknown",
                STR_ARGS(options.spec->fields[i].name));
    struct buf spec;
    buf_init(&spec, MANIFEST_MAX_BYTES);
    struct json_writer json;
    json_writer_init(&json, &spec, JSON_COMPACT);
    partition_spec_write_fields(&json, options.spec);
    const struct str spec_text = arena_str(arena, buf_str(&spec));
    buf_done(&spec);
    struct avro_pair *pairs = ARENA_ARRAY(arena, struct avro_pair, METADATA_PAIRS);
    size_t count = 0;
    pairs[count++] = (struct avro_pair){STR("schema"), schema_print(arena, options.schema)};
    pairs[count++] =
        (struct avro_pair){STR("schema-id"), arena_printf(arena, "%d", options.schema->schema_id)};
    pairs[count++] = (struct avro_pair){STR("partition-spec"), spec_text};
    pairs[count++] = (struct avro_pair){STR("partition-spec-id"),
                                        arena_printf(arena, "%d", options.spec->spec_id)};
    pairs[count++] = (struct avro_pair){STR("format-version"),
                                        arena_printf(arena, "%d", options.format_version)};
    if (options.format_version > 1)
        pairs[count++] =
            (struct avro_pair){STR("content"), options.is_deletes ? STR("deletes") : STR("data")};
    w->avro = avro_writer_open(
        arena,
        (struct avro_writer_options){
            .schema = manifest_entry_schema(arena, options.format_version, options.spec, w->types),
            .metadata = pairs,
            .metadata_count = count,
            .codec = AVRO_CODEC_DEFLATE,
            .max_bytes = MANIFEST_MAX_BYTES});
    w->totals = (struct manifest_file){.spec_id = options.spec->spec_id,
                                       .is_deletes = options.is_deletes,
                                       .sequence_number = -1,
                                       .min_sequence_number = -1,
                                       .added_snapshot_id = options.snapshot_id,
                                       .partition_count = options.spec->field_count};
    *ret_writer = w;
    return RC_OK;
}

/// Texts are copied, since bounds outlive the entry.
static struct value keep_value(struct arena *arena, struct value value)
{
    if (value.type == TYPE_STRING || value.type == TYPE_BINARY || value.type == TYPE_FIXED ||
        value.type == TYPE_UUID)
        value.bytes = arena_str(arena, value.bytes);
    return value;
}

static void widen_range(struct manifest_writer *w, struct field_range *range, struct value value)
{
    if (value.is_null) {
        range->contains_null = true;
    } else if (value_is_nan(value)) {
        range->contains_nan = true;
    } else if (!range->has_bounds) {
        range->lower = range->upper = keep_value(w->arena, value);
        range->has_bounds = true;
    } else if (value_order(value, range->lower) < 0) {
        range->lower = keep_value(w->arena, value);
    } else if (value_order(value, range->upper) > 0) {
        range->upper = keep_value(w->arena, value);
    }
}

static void count_entry(struct manifest_writer *w, const struct manifest_entry *entry)
{
    struct manifest_file *m = &w->totals;
    int64_t *files[] = {[ENTRY_EXISTING] = &m->existing_files_count,
                        [ENTRY_ADDED] = &m->added_files_count,
                        [ENTRY_DELETED] = &m->deleted_files_count};
    int64_t *rows[] = {[ENTRY_EXISTING] = &m->existing_rows_count,
                       [ENTRY_ADDED] = &m->added_rows_count,
                       [ENTRY_DELETED] = &m->deleted_rows_count};
    ++*files[entry->status];
    *rows[entry->status] += entry->file.record_count;
    const int64_t sequence = entry->sequence_number;
    if (entry->status != ENTRY_DELETED && sequence >= 0 &&
        (m->min_sequence_number < 0 || sequence < m->min_sequence_number))
        m->min_sequence_number = sequence;
    for (size_t i = 0; i < m->partition_count; i++)
        widen_range(w, &w->ranges[i], entry->file.partition[i]);
}

static rc check_entry(const struct manifest_writer *w, const struct manifest_entry *entry,
                      struct err *err)
{
    const struct data_file *file = &entry->file;
    if (file->partition_count != w->options.spec->field_count)
        return err_set(err, RC_INTERNAL,
                       "file %.*s has %zu partition values, its spec has %zu fields",
                       STR_ARGS(file->path), file->partition_count, w->options.spec->field_count);
    if ((file->content != CONTENT_DATA) != w->options.is_deletes)
        return err_set(err, RC_INTERNAL, "file %.*s does not belong into a manifest of %s",
                       STR_ARGS(file->path), w->options.is_deletes ? "deletes" : "data");
    if (entry->status != ENTRY_ADDED && w->options.format_version > 1 &&
        (entry->sequence_number < 0 || entry->file_sequence_number < 0))
        return err_set(err, RC_INTERNAL, "file %.*s has no sequence number", STR_ARGS(file->path));
    return RC_OK;
}

rc manifest_write_entry(struct manifest_writer *writer, const struct manifest_entry *entry,
                        struct err *err)
{
    TRY(check_entry(writer, entry, err));
    struct buf *to = avro_writer_record(writer->avro);
    avro_put_long(to, entry->status);
    put_optional_long(to, true, entry->snapshot_id);
    if (writer->options.format_version > 1) {
        put_optional_long(to, entry->sequence_number >= 0, entry->sequence_number);
        put_optional_long(to, entry->file_sequence_number >= 0, entry->file_sequence_number);
    }
    put_file(writer, to, &entry->file);
    count_entry(writer, entry);
    return avro_writer_end_record(writer->avro, err);
}

size_t manifest_writer_bytes(const struct manifest_writer *writer)
{
    return avro_writer_bytes(writer->avro);
}

rc manifest_writer_finish(struct manifest_writer *writer, struct buf *to,
                          struct manifest_file *ret_file, struct err *err)
{
    struct manifest_file *m = &writer->totals;
    struct field_summary *summaries =
        ARENA_ARRAY(writer->arena, struct field_summary, m->partition_count);
    for (size_t i = 0; i < m->partition_count; i++) {
        const struct field_range *range = &writer->ranges[i];
        const bool is_float =
            writer->types[i].id == TYPE_FLOAT || writer->types[i].id == TYPE_DOUBLE;
        summaries[i] = (struct field_summary){.contains_null = range->contains_null,
                                              .has_contains_nan = is_float,
                                              .contains_nan = range->contains_nan,
                                              .has_lower = range->has_bounds,
                                              .has_upper = range->has_bounds};
        if (range->has_bounds) {
            summaries[i].lower_bound = value_encode(writer->arena, range->lower);
            summaries[i].upper_bound = value_encode(writer->arena, range->upper);
        }
    }
    m->partitions = summaries;
    const size_t before = to->length;
    TRY(avro_writer_finish(writer->avro, to, err));
    m->length_bytes = (int64_t)(to->length - before);
    *ret_file = *m;
    return RC_OK;
}
