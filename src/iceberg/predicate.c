#include "iceberg/predicate.h"

/// What a condition is asked about: bounds and counts of one column (or partition field).
struct range {
    bool has_lower, has_upper;
    struct value lower, upper;
    bool may_be_null, may_be_not_null, may_be_nan;
};

typedef bool (*leaf_function)(const struct predicate *leaf, const void *context);

static bool evaluate(const struct predicate *predicate, leaf_function leaf, const void *context)
{
    if (predicate == NULL || predicate->kind == PREDICATE_TRUE)
        return true;
    if (predicate->kind != PREDICATE_AND && predicate->kind != PREDICATE_OR)
        return leaf(predicate, context);
    const bool is_and = predicate->kind == PREDICATE_AND;
    for (size_t i = 0; i < predicate->child_count; i++)
        if (evaluate(&predicate->children[i], leaf, context) != is_and)
            return !is_and;
    return is_and;
}

/// Whether a value in [low, high] (ends that are NULL are open) may lie in the range.
static bool overlaps(const struct range *range, const struct value *low, const struct value *high)
{
    if (low != NULL && range->has_upper && value_order(range->upper, *low) < 0)
        return false;
    return !(high != NULL && range->has_lower && value_order(range->lower, *high) > 0);
}

static bool starts_with_may_match(const struct range *range, struct value prefix)
{
    if (prefix.type != TYPE_STRING)
        return true;
    // Bounds are cut to the prefix's length before they are compared.
    const size_t length = prefix.bytes.length;
    if (range->has_lower && str_compare(str_slice(range->lower.bytes, 0, length), prefix.bytes) > 0)
        return false;
    return !(range->has_upper &&
             str_compare(str_slice(range->upper.bytes, 0, length), prefix.bytes) < 0);
}

static bool equals_may_match(const struct predicate *leaf, const struct range *range)
{
    for (size_t i = 0; i < leaf->value_count; i++)
        if (value_is_nan(leaf->values[i]) || overlaps(range, &leaf->values[i], &leaf->values[i]))
            return true;
    return leaf->value_count == 0;
}

static bool range_may_match(const struct predicate *leaf, const struct range *range)
{
    if (leaf->kind == PREDICATE_IS_NULL)
        return range->may_be_null;
    if (!range->may_be_not_null)
        return false;
    if (leaf->value_count == 0 || leaf->kind == PREDICATE_NOT_NULL)
        return true;
    const struct value *value = &leaf->values[0];
    switch (leaf->kind) {
    case PREDICATE_EQUAL:
    case PREDICATE_IN:
        return equals_may_match(leaf, range);
    case PREDICATE_LESS:
    case PREDICATE_LESS_OR_EQUAL:
        return value_is_nan(*value) || overlaps(range, NULL, value);
    case PREDICATE_GREATER:
    case PREDICATE_GREATER_OR_EQUAL:
        // NaN is greater than every number to the engine, and no bound tells of it.
        return range->may_be_nan || value_is_nan(*value) || overlaps(range, value, NULL);
    case PREDICATE_STARTS_WITH:
        return starts_with_may_match(range, *value);
    default:
        return true;
    }
}

static bool count_of(const struct column_counts *counts, int32_t field_id, int64_t *ret_count)
{
    for (size_t i = 0; i < counts->count; i++)
        if (counts->items[i].field_id == field_id) {
            *ret_count = counts->items[i].count;
            return true;
        }
    return false;
}

static bool bound_of(const struct column_bounds *bounds, const struct field *field,
                     struct value *ret_value)
{
    for (size_t i = 0; i < bounds->count; i++)
        if (bounds->items[i].field_id == field->id)
            return value_decode(&field->type, bounds->items[i].bytes, ret_value, NULL) == RC_OK &&
                   !value_is_nan(*ret_value);
    return false;
}

struct metrics_context {
    const struct schema *schema;
    const struct data_file *file;
};

static bool is_floating(enum type_id type)
{
    return type == TYPE_FLOAT || type == TYPE_DOUBLE;
}

static bool metrics_leaf(const struct predicate *leaf, const void *context)
{
    const struct metrics_context *metrics = context;
    const struct data_file *file = metrics->file;
    const struct field *field = schema_field_by_id(metrics->schema, leaf->field_id);
    if (field == NULL || type_is_nested(field->type.id))
        return true;
    struct range range = {.may_be_null = true, .may_be_not_null = true};
    int64_t values, nulls, nans = 0;
    const bool has_nulls = count_of(&file->null_value_counts, field->id, &nulls);
    // A count of no nulls is not believed: files without field ids are read through the name
    // mapping of today, which may not find the column that was counted. may_be_null stays true.
    if (has_nulls && count_of(&file->value_counts, field->id, &values))
        range.may_be_not_null = nulls < values;
    range.may_be_nan = is_floating(field->type.id) &&
                       (!count_of(&file->nan_value_counts, field->id, &nans) || nans > 0);
    range.has_lower = bound_of(&file->lower_bounds, field, &range.lower);
    range.has_upper = bound_of(&file->upper_bounds, field, &range.upper);
    return range_may_match(leaf, &range);
}

bool predicate_may_match_metrics(const struct predicate *predicate, const struct schema *schema,
                                 const struct data_file *file)
{
    return evaluate(predicate, metrics_leaf, &(struct metrics_context){schema, file});
}

/// A condition on the source column, as a condition on the partition value: ends only widen.
static bool projected_may_match(const struct predicate *leaf, struct transform transform,
                                const struct range *range)
{
    if (leaf->kind == PREDICATE_IS_NULL || leaf->kind == PREDICATE_NOT_NULL ||
        transform.kind == TRANSFORM_IDENTITY)
        return range_may_match(leaf, range);
    if (!range->may_be_not_null)
        return leaf->kind == PREDICATE_TRUE; // all null: no comparison holds
    const bool is_equality = leaf->kind == PREDICATE_EQUAL || leaf->kind == PREDICATE_IN;
    if (transform.kind == TRANSFORM_BUCKET && !is_equality)
        return true;
    if (leaf->kind == PREDICATE_NOT_EQUAL || leaf->kind == PREDICATE_STARTS_WITH)
        return true;
    for (size_t i = 0; i < leaf->value_count; i++) {
        struct value low, high;
        if (transform_apply(transform, leaf->values[i], &low, NULL) != RC_OK)
            return true;
        high = low;
        // Old writers rounded times before 1970 towards zero: one unit too high.
        if (transform.kind >= TRANSFORM_YEAR && transform.kind <= TRANSFORM_HOUR && low.integer < 0)
            high.integer++;
        const bool is_less = leaf->kind == PREDICATE_LESS || leaf->kind == PREDICATE_LESS_OR_EQUAL;
        const bool is_greater =
            leaf->kind == PREDICATE_GREATER || leaf->kind == PREDICATE_GREATER_OR_EQUAL;
        if (overlaps(range, is_less ? NULL : &low, is_greater ? NULL : &high))
            return true;
    }
    return leaf->value_count == 0;
}

struct partition_context {
    const struct partition_spec *spec;
    const struct type *types;
    const struct data_file *file;         // one of
    const struct manifest_file *manifest; // these two
};

static bool is_projectable(struct transform transform)
{
    return transform.kind != TRANSFORM_VOID && transform.kind != TRANSFORM_UNKNOWN;
}

static bool tuple_range(const struct partition_context *context, size_t at, struct range *ret_range)
{
    if (at >= context->file->partition_count)
        return false;
    const struct value value = context->file->partition[at];
    *ret_range = (struct range){.may_be_null = value.is_null, .may_be_not_null = !value.is_null};
    if (!value.is_null && value_is_nan(value)) {
        ret_range->may_be_nan = true;
    } else if (!value.is_null) {
        ret_range->has_lower = ret_range->has_upper = true;
        ret_range->lower = ret_range->upper = value;
    }
    return true;
}

static bool summary_range(const struct partition_context *context, size_t at,
                          struct range *ret_range)
{
    if (at >= context->manifest->partition_count)
        return false;
    const struct field_summary *summary = &context->manifest->partitions[at];
    const struct type *type = &context->types[at];
    struct range range = {.may_be_null = summary->contains_null, .may_be_not_null = true};
    range.may_be_nan =
        is_floating(type->id) && (!summary->has_contains_nan || summary->contains_nan);
    range.has_lower =
        summary->has_lower && value_decode(type, summary->lower_bound, &range.lower, NULL) == RC_OK;
    range.has_upper =
        summary->has_upper && value_decode(type, summary->upper_bound, &range.upper, NULL) == RC_OK;
    // No bounds and nulls: nothing but nulls (or NaN).
    if (summary->contains_null && !summary->has_lower && !summary->has_upper && !range.may_be_nan)
        range.may_be_not_null = false;
    *ret_range = range;
    return true;
}

static bool partition_leaf(const struct predicate *leaf, const void *opaque)
{
    const struct partition_context *context = opaque;
    for (size_t i = 0; i < context->spec->field_count; i++) {
        const struct partition_field *field = &context->spec->fields[i];
        struct range range;
        if (field->source_id != leaf->field_id || !is_projectable(field->transform) ||
            context->types[i].id == TYPE_UNKNOWN)
            continue;
        const bool has_range = context->file != NULL ? tuple_range(context, i, &range)
                                                     : summary_range(context, i, &range);
        // A value of another type than the tuple's (after a promotion) is not compared.
        if (has_range && leaf->value_count > 0 && field->transform.kind == TRANSFORM_IDENTITY &&
            leaf->values[0].type != context->types[i].id)
            continue;
        if (has_range && !projected_may_match(leaf, field->transform, &range))
            return false;
    }
    return true;
}

bool predicate_may_match_partition(const struct predicate *predicate,
                                   const struct partition_spec *spec, const struct type *types,
                                   const struct data_file *file)
{
    const struct partition_context context = {.spec = spec, .types = types, .file = file};
    return evaluate(predicate, partition_leaf, &context);
}

bool predicate_may_match_manifest(const struct predicate *predicate,
                                  const struct partition_spec *spec, const struct type *types,
                                  const struct manifest_file *manifest)
{
    const struct partition_context context = {.spec = spec, .types = types, .manifest = manifest};
    return evaluate(predicate, partition_leaf, &context);
}
