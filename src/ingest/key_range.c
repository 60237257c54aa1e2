#include "ingest/key_range.h"

/// The end of a range as a value of the field's type, where both sides order such values alike.
static bool end_of(struct arena *arena, const struct type *type, const struct duck_value *cell,
                   struct value *ret_value)
{
    static const struct {
        enum type_id type;
        enum duck_kind kind;
    } ordered_alike[] = {
        {TYPE_INT, DUCK_INT},
        {TYPE_LONG, DUCK_INT},
        {TYPE_DECIMAL, DUCK_DECIMAL},
        {TYPE_DATE, DUCK_DATE},
        {TYPE_TIMESTAMP, DUCK_TIMESTAMP},
        {TYPE_TIMESTAMPTZ, DUCK_TIMESTAMPTZ},
        {TYPE_STRING, DUCK_TEXT},
    };
    for (size_t i = 0; i < sizeof ordered_alike / sizeof ordered_alike[0]; i++) {
        if (ordered_alike[i].type != type->id || ordered_alike[i].kind != cell->kind)
            continue;
        if (type->id == TYPE_DECIMAL)
            return value_parse_text(arena, type, cell->text, ret_value, NULL) == RC_OK;
        *ret_value =
            type->id == TYPE_STRING ? value_text(cell->text) : value_int(type->id, cell->integer);
        return true;
    }
    return false;
}

VEC_TYPE(predicate_vec, struct predicate);

/// Adds "lower <= column AND column <= upper".
static void add_column(struct arena *arena, const struct field *field,
                       const struct duck_value *lower, const struct duck_value *upper,
                       predicate_vec *both)
{
    static const enum predicate_kind kinds[2] = {PREDICATE_GREATER_OR_EQUAL,
                                                 PREDICATE_LESS_OR_EQUAL};
    struct value *ends = ARENA_ARRAY(arena, struct value, 2);
    if (!end_of(arena, &field->type, lower, &ends[0]) ||
        !end_of(arena, &field->type, upper, &ends[1]))
        return;
    for (size_t i = 0; i < 2; i++)
        *vec_push(arena, both) = (struct predicate){
            .kind = kinds[i], .field_id = field->id, .values = &ends[i], .value_count = 1};
}

static rc query_ends(struct duck_connection *connection, struct arena *arena, struct str relation,
                     const struct str *columns, size_t column_count, struct duck_rows *ret_rows,
                     struct err *err)
{
    str_vec items = {0};
    for (size_t i = 0; i < column_count; i++) {
        const struct str name = duck_quote_identifier(arena, columns[i]);
        *vec_push(arena, &items) =
            arena_printf(arena, "min(%.*s), max(%.*s)", STR_ARGS(name), STR_ARGS(name));
    }
    const struct str list = str_join(arena, items.items, items.count, STR(", "));
    return duck_query(
        connection, arena,
        arena_printf(arena, "SELECT count(*), %.*s FROM %.*s", STR_ARGS(list), STR_ARGS(relation)),
        NULL, ret_rows, err);
}

rc key_range_of(struct duck_connection *connection, struct arena *arena,
                const struct schema *schema, struct str relation, const struct str *columns,
                size_t column_count, struct predicate *ret_predicate, struct err *err)
{
    struct duck_rows rows;
    TRY(query_ends(connection, arena, relation, columns, column_count, &rows, err));
    if (duck_cell(&rows, 0, 0)->integer == 0) {
        *ret_predicate = (struct predicate){.kind = PREDICATE_OR}; // of nothing: never true
        return RC_OK;
    }
    predicate_vec both = {0};
    for (size_t i = 0; i < column_count; i++) {
        const struct field *field = schema_field_by_name(schema, columns[i]);
        const struct duck_value *lower = duck_cell(&rows, 0, 1 + 2 * i);
        const struct duck_value *upper = duck_cell(&rows, 0, 2 + 2 * i);
        // Keys without a value are refused before; here they match nothing and widen nothing.
        if (field != NULL && !lower->is_null && !upper->is_null)
            add_column(arena, field, lower, upper, &both);
    }
    *ret_predicate = (struct predicate){
        .kind = PREDICATE_AND, .children = both.items, .child_count = both.count};
    return RC_OK;
}
