/// @file filter.c
/// Conditions on single columns, out of the parser's tree of a query. Layer: duck.
/// What is not understood counts as "anything", so a filter is never narrower than the clause.

#include "base/decimal.h"
#include "base/json.h"
#include "duck/internal.h"

/// Where a table was found in the tree.
struct sighting {
    const struct duck_table_name *table;
    size_t count;            // how often it is named
    const struct json *node; // the SELECT that has it alone in its FROM
};

static struct str text_of(const struct json *node, const char *key)
{
    return json_str(json_get(node, str_of(key)), STR(""));
}

static bool is_table(const struct json *node, const struct duck_table_name *table)
{
    return node != NULL && str_is(text_of(node, "type"), "BASE_TABLE") &&
           str_equal_ignore_case(text_of(node, "catalog_name"), table->catalog) &&
           str_equal_ignore_case(text_of(node, "schema_name"), table->schema) &&
           str_equal_ignore_case(text_of(node, "table_name"), table->name);
}

/// The depth is that of the JSON, which has its cap.
static void look_for(struct sighting *sighting, const struct json *node)
{
    if (node->kind == JSON_ARRAY)
        for (size_t i = 0; i < node->count; i++)
            look_for(sighting, &node->items[i]);
    if (node->kind != JSON_OBJECT)
        return;
    if (is_table(node, sighting->table))
        sighting->count++;
    const struct json *from = json_get(node, STR("from_table"));
    if (is_table(from, sighting->table) && json_get(from, STR("sample"))->kind == JSON_NULL)
        sighting->node = node;
    for (size_t i = 0; i < node->count; i++)
        look_for(sighting, &node->members[i].value);
}

/// "a" or "t.a" where t is the table or its alias; anything else may be a member of a struct.
static bool column_of(const struct json *node, const struct json *from, struct str *ret_column)
{
    const struct json *names = json_get(node, STR("column_names"));
    if (!str_is(text_of(node, "class"), "COLUMN_REF") || names == NULL || names->count == 0 ||
        names->count > 2)
        return false;
    const struct str first = json_str(&names->items[0], STR(""));
    const struct str alias = text_of(from, "alias");
    const struct str table = alias.length > 0 ? alias : text_of(from, "table_name");
    if (names->count == 2 && !str_equal_ignore_case(first, table))
        return false;
    *ret_column = json_str(&names->items[names->count - 1], STR(""));
    return true;
}

static bool decimal_constant(struct arena *arena, const struct json *value, const struct json *type,
                             struct str *ret_text)
{
    int64_t unscaled;
    const int64_t scale = json_int64(json_path(type, "type_info", "scale"), -1);
    if (!json_to_int64(value, &unscaled) || scale < 0 || scale > 38)
        return false;
    *ret_text = decimal_print(arena, (struct decimal){.unscaled = unscaled, .scale = (int)scale});
    return true;
}

static bool constant_of(struct arena *arena, const struct json *node, struct duck_value *ret_value)
{
    static const struct {
        const char *id;
        enum duck_kind kind;
    } types[] = {{"TINYINT", DUCK_INT},    {"SMALLINT", DUCK_INT}, {"INTEGER", DUCK_INT},
                 {"BIGINT", DUCK_INT},     {"VARCHAR", DUCK_TEXT}, {"DOUBLE", DUCK_DOUBLE},
                 {"DECIMAL", DUCK_DECIMAL}};
    const struct json *value = json_get(node, STR("value"));
    if (!str_is(text_of(node, "class"), "CONSTANT") ||
        json_bool(json_get(value, STR("is_null")), true))
        return false;
    const struct json *type = json_get(value, STR("type")),
                      *content = json_get(value, STR("value"));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (content == NULL || !str_is(text_of(type, "id"), types[i].id))
            continue;
        struct duck_value result = {.kind = types[i].kind, .text = content->text};
        if (types[i].kind == DUCK_DECIMAL && !decimal_constant(arena, content, type, &result.text))
            return false;
        *ret_value = result;
        return content->kind == JSON_STRING || content->kind == JSON_NUMBER;
    }
    return false;
}

/// A constant, or a cast of a text: DATE '2020-01-01', true (which is CAST('t' AS BOOLEAN)).
static bool value_of(struct arena *arena, const struct json *node, struct duck_value *ret_value)
{
    static const struct {
        const char *id;
        enum duck_kind kind;
    } casts[] = {{"DATE", DUCK_DATE},
                 {"TIMESTAMP", DUCK_TIMESTAMP},
                 {"TIMESTAMP WITH TIME ZONE", DUCK_TIMESTAMPTZ},
                 {"BOOLEAN", DUCK_BOOL}};
    if (!str_is(text_of(node, "class"), "CAST"))
        return constant_of(arena, node, ret_value);
    struct duck_value inner;
    const struct json *child = json_get(node, STR("child"));
    if (child == NULL || !constant_of(arena, child, &inner) || inner.kind != DUCK_TEXT)
        return false;
    const struct str id = text_of(json_get(node, STR("cast_type")), "id");
    for (size_t i = 0; i < sizeof casts / sizeof casts[0]; i++) {
        if (!str_is(id, casts[i].id))
            continue;
        inner.kind = casts[i].kind;
        if (inner.kind == DUCK_BOOL)
            inner.text =
                str_is(inner.text, "t") || str_is(inner.text, "true") ? STR("true") : STR("false");
        *ret_value = inner;
        return true;
    }
    return false;
}

struct reader {
    struct arena *arena;
    const struct json *from;
};

static struct duck_filter read_filter(const struct reader *reader, const struct json *node);

static struct duck_filter leaf(const struct reader *reader, enum duck_filter_kind kind,
                               struct str column, struct duck_value value)
{
    struct duck_value *values = ARENA_NEW(reader->arena, struct duck_value);
    *values = value;
    return (struct duck_filter){.kind = kind, .column = column, .values = values, .value_count = 1};
}

static const struct {
    const char *type;
    enum duck_filter_kind kind, mirrored; // mirrored: 5 < a is a > 5
} comparisons[] = {
    {"COMPARE_EQUAL", DUCK_FILTER_EQUAL, DUCK_FILTER_EQUAL},
    {"COMPARE_NOTEQUAL", DUCK_FILTER_NOT_EQUAL, DUCK_FILTER_NOT_EQUAL},
    {"COMPARE_LESSTHAN", DUCK_FILTER_LESS, DUCK_FILTER_GREATER},
    {"COMPARE_LESSTHANOREQUALTO", DUCK_FILTER_LESS_OR_EQUAL, DUCK_FILTER_GREATER_OR_EQUAL},
    {"COMPARE_GREATERTHAN", DUCK_FILTER_GREATER, DUCK_FILTER_LESS},
    {"COMPARE_GREATERTHANOREQUALTO", DUCK_FILTER_GREATER_OR_EQUAL, DUCK_FILTER_LESS_OR_EQUAL},
};

static struct duck_filter read_comparison(const struct reader *reader, const struct json *node)
{
    const struct json *left = json_get(node, STR("left")), *right = json_get(node, STR("right"));
    const struct str type = text_of(node, "type");
    struct str column;
    struct duck_value value;
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        if (!str_is(type, comparisons[i].type))
            continue;
        if (column_of(left, reader->from, &column) && value_of(reader->arena, right, &value))
            return leaf(reader, comparisons[i].kind, column, value);
        if (column_of(right, reader->from, &column) && value_of(reader->arena, left, &value))
            return leaf(reader, comparisons[i].mirrored, column, value);
    }
    return (struct duck_filter){0};
}

static struct duck_filter read_between(const struct reader *reader, const struct json *node)
{
    struct str column;
    struct duck_value lower, upper;
    if (!column_of(json_get(node, STR("input")), reader->from, &column) ||
        !value_of(reader->arena, json_get(node, STR("lower")), &lower) ||
        !value_of(reader->arena, json_get(node, STR("upper")), &upper))
        return (struct duck_filter){0};
    struct duck_filter *children = ARENA_ARRAY(reader->arena, struct duck_filter, 2);
    children[0] = leaf(reader, DUCK_FILTER_GREATER_OR_EQUAL, column, lower);
    children[1] = leaf(reader, DUCK_FILTER_LESS_OR_EQUAL, column, upper);
    return (struct duck_filter){.kind = DUCK_FILTER_AND, .children = children, .child_count = 2};
}

static struct duck_filter read_operator(const struct reader *reader, const struct json *node)
{
    const struct json *children = json_get(node, STR("children"));
    const struct str type = text_of(node, "type");
    struct duck_filter filter = {0};
    if (children == NULL || children->count == 0 ||
        !column_of(&children->items[0], reader->from, &filter.column))
        return (struct duck_filter){0};
    if (str_is(type, "OPERATOR_IS_NULL"))
        filter.kind = DUCK_FILTER_IS_NULL;
    else if (str_is(type, "OPERATOR_IS_NOT_NULL"))
        filter.kind = DUCK_FILTER_NOT_NULL;
    else if (!str_is(type, "COMPARE_IN"))
        return (struct duck_filter){0};
    if (filter.kind != DUCK_FILTER_ANY)
        return filter;
    struct duck_value *values = ARENA_ARRAY(reader->arena, struct duck_value, children->count);
    for (size_t i = 1; i < children->count; i++)
        if (!value_of(reader->arena, &children->items[i], &values[i - 1]))
            return (struct duck_filter){0};
    filter.kind = DUCK_FILTER_IN;
    filter.values = values;
    filter.value_count = children->count - 1;
    return filter;
}

/// starts_with(a, 'x') and a LIKE 'x%'.
static struct duck_filter read_function(const struct reader *reader, const struct json *node)
{
    const struct json *children = json_get(node, STR("children"));
    const struct str name = text_of(node, "function_name");
    struct str column;
    struct duck_value value;
    if (children == NULL || children->count != 2 ||
        !column_of(&children->items[0], reader->from, &column) ||
        !value_of(reader->arena, &children->items[1], &value) || value.kind != DUCK_TEXT)
        return (struct duck_filter){0};
    if (str_is(name, "~~")) {
        size_t length = 0;
        while (length < value.text.length && strchr("%_\\", value.text.bytes[length]) == NULL)
            length++;
        value.text.length = length;
    } else if (!str_is(name, "starts_with") && !str_is(name, "prefix")) {
        return (struct duck_filter){0};
    }
    return leaf(reader, DUCK_FILTER_STARTS_WITH, column, value);
}

static struct duck_filter read_conjunction(const struct reader *reader, const struct json *node)
{
    const struct json *nodes = json_get(node, STR("children"));
    const bool is_and = str_is(text_of(node, "type"), "CONJUNCTION_AND");
    if (nodes == NULL)
        return (struct duck_filter){0};
    struct duck_filter *children = ARENA_ARRAY(reader->arena, struct duck_filter, nodes->count);
    size_t count = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        children[count] = read_filter(reader, &nodes->items[i]);
        if (children[count].kind != DUCK_FILTER_ANY)
            count++;
        else if (!is_and)
            return (struct duck_filter){0}; // one branch may give anything
    }
    if (count == 0)
        return (struct duck_filter){0};
    return (struct duck_filter){.kind = is_and ? DUCK_FILTER_AND : DUCK_FILTER_OR,
                                .children = children,
                                .child_count = count};
}

static struct duck_filter read_filter(const struct reader *reader, const struct json *node)
{
    static const struct {
        const char *class;
        struct duck_filter (*read)(const struct reader *reader, const struct json *node);
    } classes[] = {{"COMPARISON", read_comparison},
                   {"BETWEEN", read_between},
                   {"OPERATOR", read_operator},
                   {"FUNCTION", read_function},
                   {"CONJUNCTION", read_conjunction}};
    const struct str class = text_of(node, "class");
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (str_is(class, classes[i].class))
            return classes[i].read(reader, node);
    return (struct duck_filter){0};
}

rc duck_filter_of(struct duck_connection *connection, struct arena *arena, struct str sql,
                  const struct duck_table_name *table, struct duck_filter *ret_filter,
                  struct err *err)
{
    struct json tree;
    const rc parsed = duck_parse_select(connection, arena, sql, &tree, err);
    *ret_filter = (struct duck_filter){0};
    if (parsed == RC_LIMIT)
        return RC_OK; // too deep to be looked at
    TRY(parsed);
    struct sighting sighting = {.table = table};
    look_for(&sighting, &tree);
    const struct json *where =
        sighting.node != NULL ? json_get(sighting.node, STR("where_clause")) : NULL;
    if (sighting.count == 1 && where != NULL && where->kind == JSON_OBJECT)
        *ret_filter =
            read_filter(&(struct reader){arena, json_get(sighting.node, STR("from_table"))}, where);
    return RC_OK;
}
