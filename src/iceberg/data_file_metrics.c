/// Parquet statistics to Iceberg metrics. Parquet's plain encoding equals Iceberg's binary form for
/// most types; what differs is converted by value.

#include "iceberg/data_file_metrics.h"

#include "base/decimal.h"
#include "base/vec.h"

enum { BOUND_WIDTH = 16 };

VEC_TYPE(count_vec, struct column_count);
VEC_TYPE(bound_vec, struct column_bound);

/// A leaf of the file with the column of the schema that it holds.
struct leaf_column {
    const struct field *field; // NULL = not in the schema
    bool is_repeated;          // inside a list or map: no bounds
    int64_t bytes, values, nulls;
    bool has_nulls;  // every row group says how many
    bool has_bounds; // every row group with values has both
    bool has_values; // a bound was seen
    struct value min, max;
};

struct metrics {
    struct arena *arena;
    const struct schema *schema;
    const struct parquet_footer *footer;
    const int32_t *ids; // field id per element of the footer, -1 = unknown
    struct leaf_column *leaves;
};

// Which column a leaf is

static bool is_annotated(const struct parquet_element *element)
{
    return element->logical == PARQUET_LOGICAL_LIST || element->logical == PARQUET_LOGICAL_MAP;
}

/// The repeated level of a list or map has no column of its own.
static bool is_repeated_wrapper(const struct parquet_footer *footer, int32_t at)
{
    const struct parquet_element *element = &footer->elements[at];
    return element->repetition == PARQUET_REPEATED && element->child_count > 0 &&
           element->parent >= 0 && is_annotated(&footer->elements[element->parent]);
}

/// Ids through the name mapping, for files without their own.
static int32_t *mapped_ids(struct arena *arena, const struct parquet_footer *footer,
                           const struct name_mapping *mapping)
{
    int32_t *ids = ARENA_ARRAY(arena, int32_t, footer->element_count);
    const struct name_mapping_entry **entries =
        (const struct name_mapping_entry **)arena_alloc_array(arena, footer->element_count,
                                                              sizeof *entries);
    for (size_t i = 0; i < footer->element_count; i++) {
        const struct parquet_element *element = &footer->elements[i];
        ids[i] = -1;
        if (i == 0)
            continue;
        const struct name_mapping_entry *parent = entries[element->parent];
        if (is_repeated_wrapper(footer, (int32_t)i)) {
            entries[i] = parent;
            continue;
        }
        const bool is_list_item =
            is_repeated_wrapper(footer, element->parent) &&
            footer->elements[footer->elements[element->parent].parent].logical ==
                PARQUET_LOGICAL_LIST;
        const struct str name = is_list_item ? STR("element") : element->name;
        if (element->parent == 0)
            entries[i] = name_mapping_find(mapping->entries, mapping->count, name);
        else if (parent != NULL)
            entries[i] = name_mapping_find(parent->children, parent->child_count, name);
        if (entries[i] != NULL)
            ids[i] = entries[i]->field_id;
    }
    return ids;
}

static int32_t *own_ids(struct arena *arena, const struct parquet_footer *footer)
{
    int32_t *ids = ARENA_ARRAY(arena, int32_t, footer->element_count);
    for (size_t i = 0; i < footer->element_count; i++)
        ids[i] = footer->elements[i].field_id;
    return ids;
}

static bool is_inside_repetition(const struct parquet_footer *footer, int32_t at)
{
    for (; at > 0; at = footer->elements[at].parent)
        if (footer->elements[at].repetition == PARQUET_REPEATED)
            return true;
    return false;
}

static void find_leaves(struct metrics *m)
{
    m->leaves = ARENA_ARRAY(m->arena, struct leaf_column, m->footer->leaf_count);
    for (size_t i = 0; i < m->footer->element_count; i++) {
        const struct parquet_element *element = &m->footer->elements[i];
        if (element->leaf < 0)
            continue;
        struct leaf_column *leaf = &m->leaves[element->leaf];
        leaf->field = m->ids[i] >= 0 ? schema_field_by_id(m->schema, m->ids[i]) : NULL;
        leaf->is_repeated = is_inside_repetition(m->footer, (int32_t)i);
        leaf->has_nulls = leaf->has_bounds = true;
    }
}

// Values

/// An integer of 4 or 8 bytes.
static bool plain_integer(struct str bytes, int64_t *ret_number)
{
    int32_t narrow;
    if (bytes.length == sizeof narrow) {
        memcpy(&narrow, bytes.bytes, sizeof narrow);
        *ret_number = narrow;
        return true;
    }
    if (bytes.length != sizeof *ret_number)
        return false;
    memcpy(ret_number, bytes.bytes, sizeof *ret_number);
    return true;
}

static bool decimal_value(const struct parquet_element *element, struct str bytes,
                          struct value *value)
{
    int64_t integer;
    if (element->type == PARQUET_INT32 || element->type == PARQUET_INT64) {
        if (!plain_integer(bytes, &integer))
            return false;
        value->unscaled = integer;
        return element->scale == value->scale;
    }
    // longer than 16 bytes only with leading sign bytes
    while (bytes.length > 16)
        bytes = str_slice(bytes, 1, SIZE_MAX);
    if (bytes.length == 0)
        return false;
    value->unscaled = decimal_of_bytes((const unsigned char *)bytes.bytes, bytes.length);
    return element->scale == value->scale;
}

/// Timestamps and times in the unit of the column.
static bool time_value(const struct parquet_element *element, struct str bytes, struct value *value)
{
    if (!plain_integer(bytes, &value->integer))
        return false;
    const bool is_nano = value->type == TYPE_TIMESTAMP_NS || value->type == TYPE_TIMESTAMPTZ_NS;
    if (element->unit == PARQUET_NANOS && !is_nano)
        return false; // rounding would make a bound too narrow
    const int64_t factor = (element->unit == PARQUET_MILLIS ? 1000 : 1) *
                           (is_nano && element->unit != PARQUET_NANOS ? 1000 : 1);
    return !__builtin_mul_overflow(value->integer, factor, &value->integer);
}

/// A statistic of the file as a value of the column; false when it says nothing usable.
static bool value_of_statistic(const struct type *type, const struct parquet_element *element,
                               struct str bytes, struct value *ret_value)
{
    struct value value = {.type = type->id, .precision = type->precision, .scale = type->scale};
    bool is_usable;
    switch (type->id) {
    case TYPE_DECIMAL:
        is_usable = decimal_value(element, bytes, &value);
        break;
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_TIMESTAMP_NS:
    case TYPE_TIMESTAMPTZ_NS:
        is_usable = element->type != PARQUET_INT96 && time_value(element, bytes, &value);
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
    case TYPE_FIXED:
    case TYPE_UUID:
        value.bytes = bytes;
        is_usable = true;
        break;
    default:
        is_usable = value_decode(type, bytes, &value, NULL) == RC_OK && !value_is_nan(value);
    }
    // a zero's sign is not kept by every writer: the bounds must hold both zeros
    *ret_value = value;
    return is_usable;
}

static void merge_bounds(struct leaf_column *leaf, const struct parquet_element *element,
                         const struct parquet_column *column)
{
    struct value min, max;
    const bool is_all_null = column->has_null_count && column->null_count == column->value_count;
    if (is_all_null || !leaf->has_bounds)
        return;
    if (!column->has_min || !column->has_max ||
        !value_of_statistic(&leaf->field->type, element, column->min, &min) ||
        !value_of_statistic(&leaf->field->type, element, column->max, &max)) {
        leaf->has_bounds = false;
        return;
    }
    if (!leaf->has_values || value_order(min, leaf->min) < 0)
        leaf->min = min;
    if (!leaf->has_values || value_order(max, leaf->max) > 0)
        leaf->max = max;
    leaf->has_values = true;
}

static void add_row_groups(struct metrics *m)
{
    for (size_t g = 0; g < m->footer->row_group_count; g++) {
        const struct parquet_row_group *group = &m->footer->row_groups[g];
        for (size_t c = 0; c < group->column_count; c++) {
            const struct parquet_column *column = &group->columns[c];
            struct leaf_column *leaf = &m->leaves[c];
            leaf->bytes += column->compressed_bytes;
            leaf->values += column->value_count;
            leaf->nulls += column->null_count;
            leaf->has_nulls = leaf->has_nulls && column->has_null_count;
            if (leaf->field != NULL && !leaf->is_repeated)
                merge_bounds(leaf, &m->footer->elements[column->element], column);
        }
    }
}

// Result

static void add_bounds(struct metrics *m, const struct leaf_column *leaf, bound_vec *lowers,
                       bound_vec *uppers)
{
    struct value lower = leaf->min, upper = leaf->max;
    const bool is_real = lower.type == TYPE_FLOAT || lower.type == TYPE_DOUBLE;
    if (is_real && lower.real == 0)
        lower.real = -0.0;
    if (is_real && upper.real == 0)
        upper.real = 0.0;
    const int32_t id = leaf->field->id;
    *vec_push(m->arena, lowers) =
        (struct column_bound){id, value_encode(m->arena, value_truncate_lower(lower, BOUND_WIDTH))};
    if (value_truncate_upper(m->arena, upper, BOUND_WIDTH, &upper))
        *vec_push(m->arena, uppers) = (struct column_bound){id, value_encode(m->arena, upper)};
}

static void set_metrics(struct metrics *m, struct data_file *file)
{
    count_vec sizes = {0}, values = {0}, nulls = {0};
    bound_vec lowers = {0}, uppers = {0};
    for (size_t i = 0; i < m->footer->leaf_count; i++) {
        const struct leaf_column *leaf = &m->leaves[i];
        if (leaf->field == NULL)
            continue;
        const int32_t id = leaf->field->id;
        *vec_push(m->arena, &sizes) = (struct column_count){id, leaf->bytes};
        *vec_push(m->arena, &values) = (struct column_count){id, leaf->values};
        if (leaf->has_nulls)
            *vec_push(m->arena, &nulls) = (struct column_count){id, leaf->nulls};
        if (leaf->has_bounds && leaf->has_values && !leaf->is_repeated)
            add_bounds(m, leaf, &lowers, &uppers);
    }
    file->column_sizes = (struct column_counts){sizes.items, sizes.count, true};
    file->value_counts = (struct column_counts){values.items, values.count, true};
    file->null_value_counts = (struct column_counts){nulls.items, nulls.count, true};
    file->lower_bounds = (struct column_bounds){lowers.items, lowers.count, true};
    file->upper_bounds = (struct column_bounds){uppers.items, uppers.count, true};
}

static rc set_offsets(struct metrics *m, struct data_file *file, struct err *err)
{
    const size_t count = m->footer->row_group_count;
    int64_t *offsets = ARENA_ARRAY(m->arena, int64_t, count);
    int64_t rows = 0;
    bool is_ascending = true;
    for (size_t g = 0; g < count; g++) {
        offsets[g] = m->footer->row_groups[g].file_offset;
        rows += m->footer->row_groups[g].row_count;
        is_ascending = is_ascending && offsets[g] > (g > 0 ? offsets[g - 1] : 0);
    }
    if (rows != m->footer->row_count)
        return err_set(err, RC_CORRUPT, "%.*s: the row groups have %lld rows, the file says %lld",
                       STR_ARGS(file->path), (long long)rows, (long long)m->footer->row_count);
    // offsets only help to split the reading: wrong ones are worse than none
    file->split_offsets = is_ascending ? offsets : NULL;
    file->split_offset_count = is_ascending ? count : 0;
    return RC_OK;
}

rc data_file_metrics(struct arena *arena, const struct schema *schema,
                     const struct name_mapping *mapping, const struct parquet_footer *footer,
                     struct data_file *file, struct err *err)
{
    struct metrics metrics = {.arena = arena, .schema = schema, .footer = footer};
    metrics.ids = !footer->has_field_ids && mapping != NULL ? mapped_ids(arena, footer, mapping)
                                                            : own_ids(arena, footer);
    find_leaves(&metrics);
    add_row_groups(&metrics);
    struct data_file filled = *file;
    TRY(set_offsets(&metrics, &filled, err));
    set_metrics(&metrics, &filled);
    filled.record_count = footer->row_count;
    *file = filled;
    return RC_OK;
}
