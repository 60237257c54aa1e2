#include "iceberg/scan_filter.h"

#define KIND(kind) (1U << (kind))

/// The kinds of constants that the engine compares with a column as the text reads.
static unsigned comparable_kinds(enum type_id type)
{
    switch (type) {
    case TYPE_BOOLEAN:
        return KIND(DUCK_BOOL);
    case TYPE_INT:
    case TYPE_LONG:
        return KIND(DUCK_INT) | KIND(DUCK_TEXT);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return KIND(DUCK_INT) | KIND(DUCK_DECIMAL) | KIND(DUCK_DOUBLE);
    case TYPE_DECIMAL:
        return KIND(DUCK_INT) | KIND(DUCK_DECIMAL);
    case TYPE_DATE:
        return KIND(DUCK_DATE) | KIND(DUCK_TEXT);
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return KIND(DUCK_DATE) | KIND(DUCK_TIMESTAMP) | KIND(DUCK_TIMESTAMPTZ) | KIND(DUCK_TEXT);
    case TYPE_STRING:
    case TYPE_UUID:
        return KIND(DUCK_TEXT);
    default:
        return 0;
    }
}

static const enum predicate_kind kinds[] = {
    [DUCK_FILTER_ANY] = PREDICATE_TRUE,
    [DUCK_FILTER_AND] = PREDICATE_AND,
    [DUCK_FILTER_OR] = PREDICATE_OR,
    [DUCK_FILTER_EQUAL] = PREDICATE_EQUAL,
    [DUCK_FILTER_NOT_EQUAL] = PREDICATE_NOT_EQUAL,
    [DUCK_FILTER_LESS] = PREDICATE_LESS,
    [DUCK_FILTER_LESS_OR_EQUAL] = PREDICATE_LESS_OR_EQUAL,
    [DUCK_FILTER_GREATER] = PREDICATE_GREATER,
    [DUCK_FILTER_GREATER_OR_EQUAL] = PREDICATE_GREATER_OR_EQUAL,
    [DUCK_FILTER_IN] = PREDICATE_IN,
    [DUCK_FILTER_STARTS_WITH] = PREDICATE_STARTS_WITH,
    [DUCK_FILTER_IS_NULL] = PREDICATE_IS_NULL,
    [DUCK_FILTER_NOT_NULL] = PREDICATE_NOT_NULL,
};

static const struct field *column_named(const struct schema *schema, struct str name)
{
    for (size_t i = 0; i < schema->root.field_count; i++)
        if (str_equal_ignore_case(schema->root.fields[i].name, name))
            return &schema->root.fields[i];
    return NULL;
}

static struct predicate leaf_of(struct arena *arena, const struct schema *schema,
                                const struct duck_filter *filter)
{
    static const struct predicate anything = {.kind = PREDICATE_TRUE};
    const struct field *field = column_named(schema, filter->column);
    if (field == NULL || type_is_nested(field->type.id))
        return anything;
    struct value *values = ARENA_ARRAY(arena, struct value, filter->value_count);
    for (size_t i = 0; i < filter->value_count; i++) {
        const struct duck_value *value = &filter->values[i];
        if ((comparable_kinds(field->type.id) & KIND(value->kind)) == 0 ||
            value_parse_text(arena, &field->type, value->text, &values[i], NULL) != RC_OK)
            return anything;
    }
    return (struct predicate){.kind = kinds[filter->kind],
                              .field_id = field->id,
                              .values = values,
                              .value_count = filter->value_count};
}

struct predicate scan_filter_predicate(struct arena *arena, const struct schema *schema,
                                       const struct duck_filter *filter)
{
    if (filter->kind == DUCK_FILTER_ANY)
        return (struct predicate){.kind = PREDICATE_TRUE};
    if (filter->kind != DUCK_FILTER_AND && filter->kind != DUCK_FILTER_OR)
        return leaf_of(arena, schema, filter);
    struct predicate *children = ARENA_ARRAY(arena, struct predicate, filter->child_count);
    for (size_t i = 0; i < filter->child_count; i++)
        children[i] = scan_filter_predicate(arena, schema, &filter->children[i]);
    return (struct predicate){
        .kind = kinds[filter->kind], .children = children, .child_count = filter->child_count};
}
