/// Manifests: reading. The writer's schema is turned once into a list of steps, one per field, so
/// that an entry is decoded without looking at names or ids again.

#include "base/decimal.h"
#include "base/vec.h"
#include "format/avro.h"
#include "iceberg/manifest.h"
#include "store/store.h"

VEC_TYPE(count_vec, struct column_count);
VEC_TYPE(bound_vec, struct column_bound);
VEC_TYPE(offset_vec, int64_t);
VEC_TYPE(id_vec, int32_t);

struct manifest_reader;

/// Reads one field into the entry. The type is that of the branch that is there, never a union;
/// null is handled before.
typedef void (*read_field)(struct manifest_reader *r, const struct avro_type *type,
                           struct manifest_entry *entry);

struct step {
    const struct avro_type *type; // as written
    read_field read;              // NULL = skip
};

struct manifest_reader {
    struct arena *arena;
    const char *place;
    struct avro_reader *avro;
    struct avro_cursor cursor;
    int64_t left; // records in the open block
    struct manifest_file file;
    struct manifest_read_options options;
    const struct partition_spec *spec;
    const struct type *types; // results of the spec's fields
    struct step *steps;       // of the entry
    size_t step_count;
    struct step *file_steps; // of data_file
    size_t file_step_count;
    int32_t *partition_positions; // writer's partition field -> field of the spec; -1 = skip
    struct value *partition;
    struct value *nulls; // what the partition is before it is read
    bool has_snapshot_id, has_sequence, has_file_sequence;
    int64_t next_row_id;
    count_vec sizes, values, null_counts, nan_counts;
    bound_vec lowers, uppers;
    offset_vec offsets;
    id_vec equality_ids;
};

// Fields of the entry

static void read_status(struct manifest_reader *r, const struct avro_type *type,
                        struct manifest_entry *entry)
{
    (void)type;
    const int64_t status = avro_read_long(&r->cursor);
    if (status < ENTRY_EXISTING || status > ENTRY_DELETED)
        r->cursor.is_bad = true;
    else
        entry->status = (enum entry_status)status;
}

static void read_snapshot_id(struct manifest_reader *r, const struct avro_type *type,
                             struct manifest_entry *entry)
{
    (void)type;
    entry->snapshot_id = avro_read_long(&r->cursor);
    r->has_snapshot_id = true;
}

static void read_sequence(struct manifest_reader *r, const struct avro_type *type,
                          struct manifest_entry *entry)
{
    (void)type;
    entry->sequence_number = avro_read_long(&r->cursor);
    r->has_sequence = true;
}

static void read_file_sequence(struct manifest_reader *r, const struct avro_type *type,
                               struct manifest_entry *entry)
{
    (void)type;
    entry->file_sequence_number = avro_read_long(&r->cursor);
    r->has_file_sequence = true;
}

/// Runs the steps of a record. Null branches leave what the entry holds: nothing.
static inline void run_steps(struct manifest_reader *r, const struct step *steps, size_t count,
                             struct manifest_entry *entry)
{
    for (size_t i = 0; i < count; i++) {
        if (steps[i].read == NULL) {
            avro_skip(&r->cursor, steps[i].type);
            continue;
        }
        const struct avro_type *type = avro_read_branch(&r->cursor, steps[i].type);
        if (type->kind != AVRO_NULL)
            steps[i].read(r, type, entry);
    }
}

static void read_data_file(struct manifest_reader *r, const struct avro_type *type,
                           struct manifest_entry *entry)
{
    (void)type;
    run_steps(r, r->file_steps, r->file_step_count, entry);
}

// Fields of the data file

static void read_content(struct manifest_reader *r, const struct avro_type *type,
                         struct manifest_entry *entry)
{
    (void)type;
    const int64_t content = avro_read_long(&r->cursor);
    if (content < CONTENT_DATA || content > CONTENT_EQUALITY_DELETES)
        r->cursor.is_bad = true;
    else
        entry->file.content = (enum file_content)content;
}

#define TEXT_READER(function, member)                                                              \
    static void function(struct manifest_reader *r, const struct avro_type *type,                  \
                         struct manifest_entry *entry)                                             \
    {                                                                                              \
        (void)type;                                                                                \
        entry->file.member = avro_read_bytes(&r->cursor);                                          \
    }
#define LONG_READER(function, member, has_member)                                                  \
    static void function(struct manifest_reader *r, const struct avro_type *type,                  \
                         struct manifest_entry *entry)                                             \
    {                                                                                              \
        (void)type;                                                                                \
        entry->file.member = (typeof(entry->file.member))avro_read_long(&r->cursor);               \
        has_member;                                                                                \
    }
TEXT_READER(read_path, path)
TEXT_READER(read_format, file_format)
TEXT_READER(read_key_metadata, key_metadata)
TEXT_READER(read_referenced, referenced_data_file)
LONG_READER(read_record_count, record_count, (void)0)
LONG_READER(read_file_size, file_size_bytes, (void)0)
LONG_READER(read_sort_order_id, sort_order_id, entry->file.has_sort_order_id = true)
LONG_READER(read_first_row_id, first_row_id, entry->file.has_first_row_id = true)
LONG_READER(read_content_offset, content_offset, entry->file.has_content_range = true)
LONG_READER(read_content_size, content_size_bytes, entry->file.has_content_range = true)

/// A decimal may be written as fixed or as bytes.
static void read_decimal(struct manifest_reader *r, const struct avro_type *type,
                         struct value *value)
{
    const struct str bytes = type->kind == AVRO_FIXED ? avro_read_fixed(&r->cursor, type->size)
                                                      : avro_read_bytes(&r->cursor);
    if (bytes.length < 1 || bytes.length > 16)
        r->cursor.is_bad = true;
    else
        value->unscaled = decimal_of_bytes((const unsigned char *)bytes.bytes, bytes.length);
}

/// The value's type is already set; the writer's type must fit it.
static void read_value(struct manifest_reader *r, const struct avro_type *type, struct value *value)
{
    const bool is_text = value->type == TYPE_STRING || value->type == TYPE_BINARY ||
                         value->type == TYPE_UUID || value->type == TYPE_FIXED;
    const bool is_real = value->type == TYPE_FLOAT || value->type == TYPE_DOUBLE;
    value->is_null = false;
    if (value->type == TYPE_DECIMAL && (type->kind == AVRO_FIXED || type->kind == AVRO_BYTES))
        read_decimal(r, type, value);
    else if (is_text && (type->kind == AVRO_STRING || type->kind == AVRO_BYTES))
        value->bytes = avro_read_bytes(&r->cursor);
    else if (is_text && type->kind == AVRO_FIXED)
        value->bytes = avro_read_fixed(&r->cursor, type->size);
    else if (is_real && type->kind == AVRO_FLOAT)
        value->real = avro_read_float(&r->cursor);
    else if (is_real && type->kind == AVRO_DOUBLE)
        value->real = avro_read_double(&r->cursor);
    else if (value->type == TYPE_BOOLEAN && type->kind == AVRO_BOOLEAN)
        value->boolean = avro_read_boolean(&r->cursor);
    else if (!is_text && !is_real && value->type != TYPE_DECIMAL && value->type != TYPE_BOOLEAN &&
             (type->kind == AVRO_INT || type->kind == AVRO_LONG))
        value->integer = avro_read_long(&r->cursor);
    else
        r->cursor.is_bad = true;
}

/// When the source column is gone, the writer's own type says what the value is.
static enum type_id type_of_avro(const struct avro_type *type)
{
    switch (type->kind) {
    case AVRO_BOOLEAN:
        return TYPE_BOOLEAN;
    case AVRO_INT:
        return str_is(type->logical, "date") ? TYPE_DATE : TYPE_INT;
    case AVRO_LONG:
        return str_has_prefix(type->logical, STR("timestamp"))
                   ? (type->adjust_to_utc ? TYPE_TIMESTAMPTZ : TYPE_TIMESTAMP)
                   : TYPE_LONG;
    case AVRO_FLOAT:
        return TYPE_FLOAT;
    case AVRO_DOUBLE:
        return TYPE_DOUBLE;
    case AVRO_STRING:
        return TYPE_STRING;
    default:
        return str_is(type->logical, "decimal") ? TYPE_DECIMAL : TYPE_BINARY;
    }
}

static void read_partition(struct manifest_reader *r, const struct avro_type *type,
                           struct manifest_entry *entry)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const int32_t at = r->partition_positions[i];
        if (at < 0) {
            avro_skip(&r->cursor, type->fields[i].type);
            continue;
        }
        const struct avro_type *branch = avro_read_branch(&r->cursor, type->fields[i].type);
        struct value *value = &r->partition[at];
        if (branch->kind == AVRO_NULL)
            continue;
        if (value->type == TYPE_UNKNOWN) {
            value->type = type_of_avro(branch);
            value->precision = branch->precision;
            value->scale = branch->scale;
        }
        read_value(r, branch, value);
    }
    entry->file.partition = r->partition;
}

static void read_counts(struct manifest_reader *r, count_vec *to, struct column_counts *counts)
{
    to->count = 0;
    for (int64_t count; (count = avro_read_items(&r->cursor)) > 0;) {
        for (; count > 0 && !r->cursor.is_bad; count--) {
            struct column_count *item = vec_push(r->arena, to);
            item->field_id = (int32_t)avro_read_long(&r->cursor);
            item->count = avro_read_long(&r->cursor);
        }
    }
    *counts = (struct column_counts){to->items, to->count, true};
}

static void read_bounds(struct manifest_reader *r, bound_vec *to, struct column_bounds *bounds)
{
    to->count = 0;
    for (int64_t count; (count = avro_read_items(&r->cursor)) > 0;) {
        for (; count > 0 && !r->cursor.is_bad; count--) {
            struct column_bound *item = vec_push(r->arena, to);
            item->field_id = (int32_t)avro_read_long(&r->cursor);
            item->bytes = avro_read_bytes(&r->cursor);
        }
    }
    *bounds = (struct column_bounds){to->items, to->count, true};
}

#define COUNTS_READER(function, vector, member)                                                    \
    static void function(struct manifest_reader *r, const struct avro_type *type,                  \
                         struct manifest_entry *entry)                                             \
    {                                                                                              \
        (void)type;                                                                                \
        read_counts(r, &r->vector, &entry->file.member);                                           \
    }
COUNTS_READER(read_column_sizes, sizes, column_sizes)
COUNTS_READER(read_value_counts, values, value_counts)
COUNTS_READER(read_null_counts, null_counts, null_value_counts)
COUNTS_READER(read_nan_counts, nan_counts, nan_value_counts)

static void read_lower(struct manifest_reader *r, const struct avro_type *type,
                       struct manifest_entry *entry)
{
    (void)type;
    read_bounds(r, &r->lowers, &entry->file.lower_bounds);
}

static void read_upper(struct manifest_reader *r, const struct avro_type *type,
                       struct manifest_entry *entry)
{
    (void)type;
    read_bounds(r, &r->uppers, &entry->file.upper_bounds);
}

static void read_offsets(struct manifest_reader *r, const struct avro_type *type,
                         struct manifest_entry *entry)
{
    (void)type;
    r->offsets.count = 0;
    for (int64_t count; (count = avro_read_items(&r->cursor)) > 0;)
        for (; count > 0 && !r->cursor.is_bad; count--)
            *vec_push(r->arena, &r->offsets) = avro_read_long(&r->cursor);
    entry->file.split_offsets = r->offsets.items;
    entry->file.split_offset_count = r->offsets.count;
}

static void read_equality_ids(struct manifest_reader *r, const struct avro_type *type,
                              struct manifest_entry *entry)
{
    (void)type;
    r->equality_ids.count = 0;
    for (int64_t count; (count = avro_read_items(&r->cursor)) > 0;)
        for (; count > 0 && !r->cursor.is_bad; count--)
            *vec_push(r->arena, &r->equality_ids) = (int32_t)avro_read_long(&r->cursor);
    entry->file.equality_ids = r->equality_ids.items;
    entry->file.equality_id_count = r->equality_ids.count;
}

// Metrics that nobody wants are passed over without the general avro_skip()

static void skip_counts(struct manifest_reader *r, const struct avro_type *type,
                        struct manifest_entry *entry)
{
    (void)type;
    (void)entry;
    for (int64_t count; (count = avro_read_items(&r->cursor)) > 0;)
        for (; count > 0; count--) {
            (void)avro_read_long(&r->cursor);
            (void)avro_read_long(&r->cursor);
        }
}

static void skip_bounds(struct manifest_reader *r, const struct avro_type *type,
                        struct manifest_entry *entry)
{
    (void)type;
    (void)entry;
    for (int64_t count; (count = avro_read_items(&r->cursor)) > 0;)
        for (; count > 0; count--) {
            (void)avro_read_long(&r->cursor);
            (void)avro_read_bytes(&r->cursor);
        }
}

// The tables: field id -> how it is read, and what Avro kinds it may have

enum { NUMBER = 1 << AVRO_INT | 1 << AVRO_LONG, TEXT = 1 << AVRO_STRING | 1 << AVRO_BYTES };

struct field_class {
    int id;
    unsigned kinds;   // bit set of avro_kind
    unsigned columns; // enum manifest_columns of which one must be wanted; 0 = always
    read_field read;
    read_field skip; // NULL = avro_skip
};

static const struct field_class entry_fields[] = {
    {0, NUMBER, 0, read_status},
    {1, NUMBER, 0, read_snapshot_id},
    {3, NUMBER, 0, read_sequence},
    {4, NUMBER, 0, read_file_sequence},
    {2, 1 << AVRO_RECORD, 0, read_data_file},
};

static const struct field_class file_fields[] = {
    {134, NUMBER, 0, read_content},
    {100, TEXT, 0, read_path},
    {101, TEXT, 0, read_format},
    {102, 1 << AVRO_RECORD, 0, read_partition},
    {103, NUMBER, 0, read_record_count},
    {104, NUMBER, 0, read_file_size},
    {108, 1 << AVRO_ARRAY, MANIFEST_COLUMN_SIZES, read_column_sizes, skip_counts},
    {109, 1 << AVRO_ARRAY, MANIFEST_COUNTS, read_value_counts, skip_counts},
    {110, 1 << AVRO_ARRAY, MANIFEST_COUNTS, read_null_counts, skip_counts},
    {137, 1 << AVRO_ARRAY, MANIFEST_COUNTS, read_nan_counts, skip_counts},
    {125, 1 << AVRO_ARRAY, MANIFEST_BOUNDS, read_lower, skip_bounds},
    {128, 1 << AVRO_ARRAY, MANIFEST_BOUNDS, read_upper, skip_bounds},
    {131, TEXT, 0, read_key_metadata},
    {132, 1 << AVRO_ARRAY, MANIFEST_OFFSETS, read_offsets},
    {135, 1 << AVRO_ARRAY, 0, read_equality_ids},
    {140, NUMBER, 0, read_sort_order_id},
    {142, NUMBER, 0, read_first_row_id},
    {143, TEXT, 0, read_referenced},
    {144, NUMBER, 0, read_content_offset},
    {145, NUMBER, 0, read_content_size},
};
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/// The array's items must be {key, value} in that order, as every writer has them.
static bool is_key_value(const struct avro_type *array, bool is_bounds)
{
    const struct avro_type *item = array->branches[0];
    if (item->kind != AVRO_RECORD || item->field_count != 2)
        return false;
    const enum avro_kind key = item->fields[0].type->kind, value = item->fields[1].type->kind;
    return (key == AVRO_INT || key == AVRO_LONG) &&
           (is_bounds ? value == AVRO_BYTES || value == AVRO_STRING
                      : value == AVRO_INT || value == AVRO_LONG);
}

static bool is_numbers(const struct avro_type *array)
{
    return array->branches[0]->kind == AVRO_INT || array->branches[0]->kind == AVRO_LONG;
}

static bool fits_class(const struct field_class *class, const struct avro_type *type)
{
    if (type->kind == AVRO_NULL)
        return true;
    if ((class->kinds & 1u << type->kind) == 0)
        return false;
    if (type->kind != AVRO_ARRAY)
        return true;
    return class->id == 132 || class->id == 135
               ? is_numbers(type)
               : is_key_value(type, class->id == 125 || class->id == 128);
}

static rc check_class(const struct manifest_reader *r, const struct field_class *class,
                      const struct avro_field *field, struct err *err)
{
    const struct avro_type *const single = field->type;
    const bool is_union = field->type->kind == AVRO_UNION;
    const size_t count = is_union ? field->type->branch_count : 1;
    for (size_t i = 0; i < count; i++)
        if (!fits_class(class, is_union ? field->type->branches[i] : single))
            return err_set(err, RC_CORRUPT, "%s: field %d (\"%.*s\") has an unexpected type",
                           r->place, class->id, STR_ARGS(field->name));
    return RC_OK;
}

static rc make_steps(struct manifest_reader *r, const struct avro_type *record,
                     const struct field_class *classes, size_t class_count, struct step **ret_steps,
                     struct err *err)
{
    struct step *steps = ARENA_ARRAY(r->arena, struct step, record->field_count);
    for (size_t i = 0; i < record->field_count; i++) {
        const struct avro_field *field = &record->fields[i];
        steps[i].type = field->type;
        for (size_t c = 0; c < class_count; c++) {
            if (classes[c].id != field->field_id)
                continue;
            TRY(check_class(r, &classes[c], field, err));
            const bool is_wanted =
                classes[c].columns == 0 || (r->options.columns & classes[c].columns) != 0;
            steps[i].read = is_wanted ? classes[c].read : classes[c].skip;
        }
    }
    *ret_steps = steps;
    return RC_OK;
}

static const struct avro_field *field_with_id(const struct avro_type *record, int32_t id)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (record->fields[i].field_id == id)
            return &record->fields[i];
    return NULL;
}

/// Looks a record up behind an optional union.
static const struct avro_type *record_of(const struct avro_field *field)
{
    if (field == NULL)
        return NULL;
    if (field->type->kind == AVRO_RECORD)
        return field->type;
    for (size_t i = 0; field->type->kind == AVRO_UNION && i < field->type->branch_count; i++)
        if (field->type->branches[i]->kind == AVRO_RECORD)
            return field->type->branches[i];
    return NULL;
}

static void map_partition(struct manifest_reader *r, const struct avro_type *record)
{
    r->partition_positions = ARENA_ARRAY(r->arena, int32_t, record->field_count);
    for (size_t i = 0; i < record->field_count; i++) {
        r->partition_positions[i] = -1;
        for (size_t f = 0; f < r->spec->field_count; f++)
            if (r->spec->fields[f].field_id == record->fields[i].field_id)
                r->partition_positions[i] = (int32_t)f;
    }
}

static rc compile(struct manifest_reader *r, struct err *err)
{
    const struct avro_type *entry = avro_reader_schema(r->avro);
    if (entry->kind != AVRO_RECORD)
        return err_set(err, RC_CORRUPT, "%s: not a manifest", r->place);
    const struct avro_type *file = record_of(field_with_id(entry, 2));
    if (file == NULL || field_with_id(file, 100) == NULL)
        return err_set(err, RC_CORRUPT, "%s: not a manifest: it has no data files", r->place);
    const struct avro_type *partition = record_of(field_with_id(file, 102));
    if (partition != NULL)
        map_partition(r, partition);
    r->step_count = entry->field_count;
    r->file_step_count = file->field_count;
    TRY(make_steps(r, entry, entry_fields, COUNT_OF(entry_fields), &r->steps, err));
    return make_steps(r, file, file_fields, COUNT_OF(file_fields), &r->file_steps, err);
}

// Spec

/// The source column in the newest schema that has it: dropped columns still give their type.
static struct type *types_of_spec(struct arena *arena, const struct partition_spec *spec,
                                  const struct table_metadata *metadata)
{
    struct type *types = partition_spec_types(arena, spec, metadata_schema(metadata));
    for (size_t s = metadata->schema_count; s-- > 0;) {
        const struct type *older = NULL;
        for (size_t i = 0; i < spec->field_count; i++) {
            if (types[i].id != TYPE_UNKNOWN)
                continue;
            if (older == NULL)
                older = partition_spec_types(arena, spec, &metadata->schemas[s]);
            types[i] = older[i];
        }
    }
    return types;
}

/// The manifest's header holds the spec and schema that it was written with.
static rc spec_of_header(struct manifest_reader *r, struct err *err)
{
    struct json *json = ARENA_NEW(r->arena, struct json);
    struct partition_spec *spec = ARENA_NEW(r->arena, struct partition_spec);
    struct schema schema;
    TRY(json_parse(r->arena, avro_reader_metadata(r->avro, STR("partition-spec")), "partition-spec",
                   json, err));
    TRY(partition_spec_parse_fields(r->arena, json, spec, err));
    spec->spec_id = r->file.spec_id;
    json = ARENA_NEW(r->arena, struct json);
    TRY(json_parse(r->arena, avro_reader_metadata(r->avro, STR("schema")), "schema", json, err));
    TRY(schema_parse(r->arena, json, &schema, err));
    r->spec = spec;
    r->types = partition_spec_types(r->arena, spec, &schema);
    return RC_OK;
}

static rc find_spec(struct manifest_reader *r, const struct table_metadata *metadata,
                    struct err *err)
{
    r->spec = metadata != NULL ? metadata_spec_by_id(metadata, r->file.spec_id) : NULL;
    if (r->spec != NULL)
        r->types = types_of_spec(r->arena, r->spec, metadata);
    else
        TRY_CONTEXT(spec_of_header(r, err), err, "%s", r->place);
    r->partition = ARENA_ARRAY(r->arena, struct value, r->spec->field_count);
    r->nulls = ARENA_ARRAY(r->arena, struct value, r->spec->field_count);
    for (size_t i = 0; i < r->spec->field_count; i++)
        r->nulls[i] = value_null(&r->types[i]);
    return RC_OK;
}

// Reader

rc manifest_reader_open_bytes(struct arena *arena, struct str bytes,
                              const struct manifest_file *file,
                              const struct table_metadata *metadata,
                              struct manifest_read_options options,
                              struct manifest_reader **ret_reader, struct err *err)
{
    struct manifest_reader *r = ARENA_NEW(arena, struct manifest_reader);
    r->arena = arena;
    r->place = arena_cstr(arena, file->path);
    r->file = *file;
    r->options = options;
    r->next_row_id = file->first_row_id;
    TRY(avro_reader_open(arena, bytes, r->place, &r->avro, err));
    TRY(find_spec(r, metadata, err));
    TRY(compile(r, err));
    *ret_reader = r;
    return RC_OK;
}

rc manifest_reader_open(struct store *store, struct arena *arena, const struct manifest_file *file,
                        const struct table_metadata *metadata, struct manifest_read_options options,
                        struct manifest_reader **ret_reader, struct err *err)
{
    struct str bytes;
    TRY_CONTEXT(store_get(store, arena, file->path, MANIFEST_MAX_BYTES, &bytes, err), err,
                "manifest");
    return manifest_reader_open_bytes(arena, bytes, file, metadata, options, ret_reader, err);
}

const struct partition_spec *manifest_reader_spec(const struct manifest_reader *reader)
{
    return reader->spec;
}

void data_file_inherit_row_id(struct data_file *file, int64_t *next_row_id)
{
    if (file->has_first_row_id)
        return;
    file->first_row_id = *next_row_id;
    file->has_first_row_id = true;
    *next_row_id += file->record_count;
}

static void inherit(struct manifest_reader *r, struct manifest_entry *entry)
{
    if (!r->has_snapshot_id)
        entry->snapshot_id = r->file.added_snapshot_id;
    if (!r->has_sequence)
        entry->sequence_number = r->file.sequence_number;
    if (!r->has_file_sequence)
        entry->file_sequence_number = entry->status == ENTRY_ADDED || !r->has_sequence
                                          ? r->file.sequence_number
                                          : entry->sequence_number;
    if (r->file.has_first_row_id && !r->file.is_deletes && entry->status != ENTRY_DELETED)
        data_file_inherit_row_id(&entry->file, &r->next_row_id);
}

static rc read_entry(struct manifest_reader *r, struct manifest_entry *entry, struct err *err)
{
    *entry = (struct manifest_entry){.sequence_number = -1, .file_sequence_number = -1};
    r->has_snapshot_id = r->has_sequence = r->has_file_sequence = false;
    entry->file.spec_id = r->file.spec_id;
    entry->file.partition = r->partition;
    entry->file.partition_count = r->spec->field_count;
    if (r->spec->field_count > 0)
        memcpy(r->partition, r->nulls, r->spec->field_count * sizeof *r->partition);
    run_steps(r, r->steps, r->step_count, entry);
    r->left--;
    if (r->cursor.is_bad || entry->file.record_count < 0 || entry->file.path.length == 0)
        return err_set(err, RC_CORRUPT, "%s: an entry is damaged", r->place);
    if (r->left == 0)
        TRY(avro_reader_block_end(r->avro, &r->cursor, err));
    inherit(r, entry);
    return RC_OK;
}

rc manifest_next(struct manifest_reader *r, struct manifest_entry *ret_entry, struct err *err)
{
    struct manifest_entry entry;
    do {
        if (r->left == 0)
            TRY(avro_reader_block(r->avro, &r->cursor, &r->left, err));
        TRY(read_entry(r, &entry, err));
    } while (entry.status == ENTRY_DELETED && !r->options.include_deleted);
    *ret_entry = entry;
    return RC_OK;
}

// Copies

static struct column_counts copy_counts(struct arena *arena, struct column_counts counts)
{
    if (counts.count > 0)
        counts.items = arena_copy(arena, counts.items, counts.count * sizeof *counts.items);
    return counts;
}

static struct column_bounds copy_bounds(struct arena *arena, struct column_bounds bounds)
{
    struct column_bound *items = ARENA_ARRAY(arena, struct column_bound, bounds.count);
    for (size_t i = 0; i < bounds.count; i++)
        items[i] = (struct column_bound){bounds.items[i].field_id,
                                         arena_str(arena, bounds.items[i].bytes)};
    bounds.items = items;
    return bounds;
}

struct data_file data_file_copy(struct arena *arena, const struct data_file *file)
{
    struct data_file copy = *file;
    copy.path = arena_str(arena, file->path);
    copy.file_format = arena_str(arena, file->file_format);
    copy.key_metadata = arena_str(arena, file->key_metadata);
    copy.referenced_data_file = arena_str(arena, file->referenced_data_file);
    struct value *partition = ARENA_ARRAY(arena, struct value, file->partition_count);
    for (size_t i = 0; i < file->partition_count; i++) {
        partition[i] = file->partition[i];
        const enum type_id type = partition[i].type;
        if (!partition[i].is_null &&
            (type == TYPE_STRING || type == TYPE_BINARY || type == TYPE_FIXED || type == TYPE_UUID))
            partition[i].bytes = arena_str(arena, partition[i].bytes);
    }
    copy.partition = partition;
    copy.column_sizes = copy_counts(arena, file->column_sizes);
    copy.value_counts = copy_counts(arena, file->value_counts);
    copy.null_value_counts = copy_counts(arena, file->null_value_counts);
    copy.nan_value_counts = copy_counts(arena, file->nan_value_counts);
    copy.lower_bounds = copy_bounds(arena, file->lower_bounds);
    copy.upper_bounds = copy_bounds(arena, file->upper_bounds);
    if (file->split_offset_count > 0)
        copy.split_offsets = arena_copy(arena, file->split_offsets,
                                        file->split_offset_count * sizeof *file->split_offsets);
    if (file->equality_id_count > 0)
        copy.equality_ids = arena_copy(arena, file->equality_ids,
                                       file->equality_id_count * sizeof *file->equality_ids);
    return copy;
}
