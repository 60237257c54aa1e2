/// Avro schemas as tables of fields: one row per field, in the order in which they are written.

#include "iceberg/manifest_schema.h"

#include "base/buf.h"

/// A field of a record. `version` is the first format version that has it; with `only_v1` the
/// only one.
struct schema_row {
    const char *name;
    int id;
    const char *type; // JSON
    const char *doc;
    int version;
    bool only_v1;
    int required_from; // format version from which null is not allowed; 0 = always optional
};

#define LONG_MAP(key, value)                                                                       \
    "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"k" #key "_v" #value             \
    "\",\"fields\":[{\"name\":\"key\",\"type\":\"int\",\"field-id\":" #key                         \
    "},{\"name\":\"value\",\"type\":\"long\",\"field-id\":" #value "}]},\"logicalType\":\"map\"}"
#define BYTES_MAP(key, value)                                                                      \
    "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"k" #key "_v" #value             \
    "\",\"fields\":[{\"name\":\"key\",\"type\":\"int\",\"field-id\":" #key                         \
    "},{\"name\":\"value\",\"type\":\"bytes\",\"field-id\":" #value "}]},\"logicalType\":\"map\"}"

#define PARTITION_RECORD "r102" // replaced by the record of the spec

static const struct schema_row entry_rows[] = {
    {"status", 0, "\"int\"", NULL, 1, false, 1},
    {"snapshot_id", 1, "\"long\"", NULL, 1, false, 0},
    {"sequence_number", 3, "\"long\"", NULL, 2, false, 0},
    {"file_sequence_number", 4, "\"long\"", NULL, 2, false, 0},
};

static const struct schema_row file_rows[] = {
    {"content", 134, "\"int\"",
     "Contents of the file: 0=data, 1=position deletes, 2=equality deletes", 2, false, 2},
    {"file_path", 100, "\"string\"", "Location URI with FS scheme", 1, false, 1},
    {"file_format", 101, "\"string\"", "File format name: avro, orc, or parquet", 1, false, 1},
    {"partition", 102, PARTITION_RECORD, "Partition data tuple, schema based on the partition spec",
     1, false, 1},
    {"record_count", 103, "\"long\"", "Number of records in the file", 1, false, 1},
    {"file_size_in_bytes", 104, "\"long\"", "Total file size in bytes", 1, false, 1},
    {"block_size_in_bytes", 105, "\"long\"", NULL, 1, true, 1},
    {"column_sizes", 108, LONG_MAP(117, 118), "Map of column id to total size on disk", 1, false,
     0},
    {"value_counts", 109, LONG_MAP(119, 120),
     "Map of column id to total count, including null and NaN", 1, false, 0},
    {"null_value_counts", 110, LONG_MAP(121, 122), "Map of column id to null value count", 1, false,
     0},
    {"nan_value_counts", 137, LONG_MAP(138, 139),
     "Map of column id to number of NaN values in the column", 1, false, 0},
    {"lower_bounds", 125, BYTES_MAP(126, 127), "Map of column id to lower bound", 1, false, 0},
    {"upper_bounds", 128, BYTES_MAP(129, 130), "Map of column id to upper bound", 1, false, 0},
    {"key_metadata", 131, "\"bytes\"", "Encryption key metadata blob", 1, false, 0},
    {"split_offsets", 132, "{\"type\":\"array\",\"items\":\"long\",\"element-id\":133}",
     "Splittable offsets", 1, false, 0},
    {"equality_ids", 135, "{\"type\":\"array\",\"items\":\"int\",\"element-id\":136}",
     "Equality comparison field IDs", 2, false, 0},
    {"sort_order_id", 140, "\"int\"", "Sort order ID", 1, false, 0},
    {"referenced_data_file", 143, "\"string\"",
     "Fully qualified location (URI with FS scheme) of a data file that all deletes reference", 2,
     false, 0},
};

static const struct schema_row list_rows[] = {
    {"manifest_path", 500, "\"string\"", "Location URI with FS scheme", 1, false, 1},
    {"manifest_length", 501, "\"long\"", "Total file size in bytes", 1, false, 1},
    {"partition_spec_id", 502, "\"int\"", "Spec ID used to write", 1, false, 1},
    {"content", 517, "\"int\"", "Contents of the manifest: 0=data, 1=deletes", 2, false, 2},
    {"sequence_number", 515, "\"long\"", "Sequence number when the manifest was added", 2, false,
     2},
    {"min_sequence_number", 516, "\"long\"", "Lowest sequence number in the manifest", 2, false, 2},
    {"added_snapshot_id", 503, "\"long\"", "Snapshot ID that added the manifest", 1, false, 2},
    {"added_files_count", 504, "\"int\"", "Added entry count", 2, false, 2},
    {"existing_files_count", 505, "\"int\"", "Existing entry count", 2, false, 2},
    {"deleted_files_count", 506, "\"int\"", "Deleted entry count", 2, false, 2},
    // version 1 has other names and another order
    {"added_data_files_count", 504, "\"int\"", "Added entry count", 1, true, 0},
    {"existing_data_files_count", 505, "\"int\"", "Existing entry count", 1, true, 0},
    {"deleted_data_files_count", 506, "\"int\"", "Deleted entry count", 1, true, 0},
    {"added_rows_count", 512, "\"long\"", "Added rows count", 2, false, 2},
    {"existing_rows_count", 513, "\"long\"", "Existing rows count", 2, false, 2},
    {"deleted_rows_count", 514, "\"long\"", "Deleted rows count", 2, false, 2},
    {"partitions", 507,
     "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"r508\",\"fields\":["
     "{\"name\":\"contains_null\",\"type\":\"boolean\",\"doc\":\"True if any file has a null "
     "partition value\",\"field-id\":509},"
     "{\"name\":\"contains_nan\",\"type\":[\"null\",\"boolean\"],\"doc\":\"True if any file has a "
     "nan partition value\",\"default\":null,\"field-id\":518},"
     "{\"name\":\"lower_bound\",\"type\":[\"null\",\"bytes\"],\"doc\":\"Partition lower bound for "
     "all files\",\"default\":null,\"field-id\":510},"
     "{\"name\":\"upper_bound\",\"type\":[\"null\",\"bytes\"],\"doc\":\"Partition upper bound for "
     "all files\",\"default\":null,\"field-id\":511}]},\"element-id\":508}",
     "Summary for each partition", 1, false, 0},
    {"added_rows_count", 512, "\"long\"", "Added rows count", 1, true, 0},
    {"existing_rows_count", 513, "\"long\"", "Existing rows count", 1, true, 0},
    {"deleted_rows_count", 514, "\"long\"", "Deleted rows count", 1, true, 0},
    {"key_metadata", 519, "\"bytes\"", "Encryption key metadata blob", 2, false, 0},
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static bool row_applies(const struct schema_row *row, int format_version)
{
    return row->only_v1 ? format_version == 1 : format_version >= row->version;
}

static void write_field(struct buf *to, const struct schema_row *row, const char *type,
                        int format_version, bool is_first)
{
    const bool is_required = row->required_from > 0 && format_version >= row->required_from;
    buf_printf(to, "%s{\"name\":\"%s\",\"type\":", is_first ? "" : ",", row->name);
    if (is_required)
        buf_append_cstr(to, type);
    else
        buf_printf(to, "[\"null\",%s]", type);
    if (row->doc != NULL)
        buf_printf(to, ",\"doc\":\"%s\"", row->doc);
    buf_printf(to, "%s,\"field-id\":%d}", is_required ? "" : ",\"default\":null", row->id);
}

static void write_rows(struct buf *to, const struct schema_row *rows, size_t count,
                       int format_version, const char *partition_record)
{
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        if (!row_applies(&rows[i], format_version))
            continue;
        const bool is_partition = strcmp(rows[i].type, PARTITION_RECORD) == 0;
        write_field(to, &rows[i], is_partition ? partition_record : rows[i].type, format_version,
                    is_first);
        is_first = false;
    }
}

// Partition records

int manifest_decimal_bytes(int precision)
{
    // the fewest bytes whose largest two's complement number has that many nines
    int bytes = 1;
    __int128 nines = 9;
    for (int i = 1; i < precision; i++)
        nines = nines * 10 + 9;
    while (bytes < 16 && nines > ((__int128)1 << (8 * bytes - 1)) - 1)
        bytes++;
    return bytes;
}

static struct str avro_type_text(struct arena *arena, const struct type *type, int32_t field_id)
{
    switch (type->id) {
    case TYPE_DATE:
        return STR("{\"type\":\"int\",\"logicalType\":\"date\"}");
    case TYPE_TIME:
        return STR("{\"type\":\"long\",\"logicalType\":\"time-micros\"}");
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_TIMESTAMP_NS:
    case TYPE_TIMESTAMPTZ_NS:
        return arena_printf(
            arena, "{\"type\":\"long\",\"logicalType\":\"timestamp-%s\",\"adjust-to-utc\":%s}",
            type->id == TYPE_TIMESTAMP_NS || type->id == TYPE_TIMESTAMPTZ_NS ? "nanos" : "micros",
            type->id == TYPE_TIMESTAMPTZ || type->id == TYPE_TIMESTAMPTZ_NS ? "true" : "false");
    case TYPE_UUID:
        return arena_printf(arena,
                            "{\"type\":\"fixed\",\"name\":\"uuid_fixed_%d\",\"size\":16,"
                            "\"logicalType\":\"uuid\"}",
                            field_id);
    case TYPE_FIXED:
        return arena_printf(arena, "{\"type\":\"fixed\",\"name\":\"fixed_%d_%d\",\"size\":%d}",
                            type->length, field_id, type->length);
    case TYPE_DECIMAL:
        return arena_printf(arena,
                            "{\"type\":\"fixed\",\"name\":\"decimal_%d_%d_%d\",\"size\":%d,"
                            "\"logicalType\":\"decimal\",\"precision\":%d,\"scale\":%d}",
                            type->precision, type->scale, field_id,
                            manifest_decimal_bytes(type->precision), type->precision, type->scale);
    case TYPE_BINARY:
        return STR("\"bytes\"");
    default:
        return arena_printf(arena, "\"%s\"", type_name(type->id));
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// Avro names are letters, digits and underscores: others become _x and their number in hex, a
/// digit in front gets an underscore.
static struct str avro_name(struct arena *arena, struct str name)
{
    struct buf buf;
    buf_init(&buf, SIZE_MAX / 2);
    for (size_t i = 0; i < name.length; i++) {
        const char c = name.bytes[i];
        const bool is_digit = c >= '0' && c <= '9';
        if (is_letter(c) || (is_digit && i > 0))
            buf_append_byte(&buf, c);
        else if (is_digit)
            buf_printf(&buf, "_%c", c);
        else
            buf_printf(&buf, "_x%X", (unsigned)(unsigned char)c);
    }
    const struct str result = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return result;
}

static struct str partition_record(struct arena *arena, const struct partition_spec *spec,
                                   const struct type *types)
{
    struct buf buf;
    buf_init(&buf, SIZE_MAX / 2);
    buf_append_cstr(&buf, "{\"type\":\"record\",\"name\":\"r102\",\"fields\":[");
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct partition_field *field = &spec->fields[i];
        const struct str name = avro_name(arena, field->name);
        const struct str type = avro_type_text(arena, &types[i], field->field_id);
        buf_printf(&buf, "%s{\"name\":\"%.*s\",", i > 0 ? "," : "", STR_ARGS(name));
        if (!str_equal(name, field->name)) {
            buf_append_cstr(&buf, "\"iceberg-field-name\":");
            json_write_string(&buf, field->name);
            buf_append_byte(&buf, ',');
        }
        buf_printf(&buf, "\"type\":[\"null\",%.*s],\"default\":null,\"field-id\":%d}",
                   STR_ARGS(type), field->field_id);
    }
    buf_append_cstr(&buf, "]}");
    const struct str text = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return text;
}

// Whole schemas

struct str manifest_entry_schema(struct arena *arena, int format_version,
                                 const struct partition_spec *spec, const struct type *types)
{
    const char *partition = arena_cstr(arena, partition_record(arena, spec, types));
    struct buf buf;
    buf_init(&buf, SIZE_MAX / 2);
    buf_append_cstr(&buf, "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":[");
    write_rows(&buf, entry_rows, COUNT_OF(entry_rows), format_version, NULL);
    buf_append_cstr(&buf, ",{\"name\":\"data_file\",\"type\":{\"type\":\"record\",\"name\":\"r2\","
                          "\"fields\":[");
    write_rows(&buf, file_rows, COUNT_OF(file_rows), format_version, partition);
    buf_append_cstr(&buf, "]},\"field-id\":2}]}");
    const struct str text = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return text;
}

struct str manifest_list_schema(struct arena *arena, struct manifest_list_schema_options options)
{
    struct buf buf;
    buf_init(&buf, SIZE_MAX / 2);
    buf_append_cstr(&buf, "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":[");
    // the last row is key_metadata
    write_rows(&buf, list_rows, COUNT_OF(list_rows) - (options.has_key_metadata ? 0 : 1),
               options.format_version, NULL);
    buf_append_cstr(&buf, "]}");
    const struct str text = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return text;
}
