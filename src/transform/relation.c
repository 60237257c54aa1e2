// Relation and Column objects, as dbt's macros use them. Layer: transform.
// Source: dbt-adapters' BaseRelation and Column.

#include "transform/scope.h"

static const char *const type_names[] = {"", "table", "view", "cte", "external"};

struct relation *relation_new(struct arena *arena, struct str database, struct str schema,
                              struct str identifier, enum relation_type type)
{
    struct relation *relation = ARENA_NEW(arena, struct relation);
    relation->object.class = &relation_class;
    relation->database = database;
    relation->schema = schema;
    relation->identifier = identifier;
    relation->type = type;
    relation->quotes_database = relation->quotes_schema = relation->quotes_identifier = true;
    return relation;
}

static bool quote_flag(const struct node *node, const char *key)
{
    const struct value quoting = node->type == NODE_SOURCE ? node->quoting
                                 : node->config.kind == VALUE_DICT
                                     ? dict_get_str(node->config, STR("quoting"))
                                     : value_missing();
    const struct value value =
        quoting.kind == VALUE_DICT ? dict_get_str(quoting, str_of(key)) : value_missing();
    if (value.kind == VALUE_BOOL)
        return value_is_true(value);
    const struct value project = node->package->quoting.kind == VALUE_DICT
                                     ? dict_get_str(node->package->quoting, str_of(key))
                                     : value_missing();
    return project.kind != VALUE_BOOL || value_is_true(project);
}

struct relation *relation_of_node(struct arena *arena, const struct node *node)
{
    const struct str materialized = node_materialized(node);
    const enum relation_type type = str_is(materialized, "view")        ? RELATION_VIEW
                                    : str_is(materialized, "ephemeral") ? RELATION_CTE
                                                                        : RELATION_TABLE;
    struct relation *relation = relation_new(arena, node->database, node->schema, node->alias,
                                             node->type == NODE_SOURCE ? RELATION_UNKNOWN : type);
    relation->hides_database = node->hides_database;
    relation->quotes_database = quote_flag(node, "database");
    relation->quotes_schema = quote_flag(node, "schema");
    relation->quotes_identifier = quote_flag(node, "identifier");
    return relation;
}

struct relation *relation_of_value(struct value value)
{
    return value.kind == VALUE_OBJECT && value.object->class == &relation_class
               ? (struct relation *)value.object
               : NULL;
}

struct value relation_value(struct relation *relation)
{
    return value_object(&relation->object);
}

static void append_part(struct buf *to, struct str part, bool quotes)
{
    if (to->length > 0)
        buf_append_byte(to, '.');
    if (!quotes) {
        buf_append_str(to, part);
        return;
    }
    buf_append_byte(to, '"');
    for (size_t i = 0; i < part.length; i++) {
        if (part.bytes[i] == '"')
            buf_append_byte(to, '"');
        buf_append_byte(to, part.bytes[i]);
    }
    buf_append_byte(to, '"');
}

enum { RELATION_MAX_BYTES = 64 << 10 };

struct str relation_render(struct arena *arena, const struct relation *relation)
{
    if (relation->type == RELATION_CTE)
        return relation->identifier;
    struct buf text;
    buf_init(&text, RELATION_MAX_BYTES);
    if (!relation->hides_database && relation->database.length > 0)
        append_part(&text, relation->database, relation->quotes_database);
    if (!relation->hides_schema && relation->schema.length > 0)
        append_part(&text, relation->schema, relation->quotes_schema);
    if (!relation->hides_identifier && relation->identifier.length > 0)
        append_part(&text, relation->identifier, relation->quotes_identifier);
    struct str result = arena_str(arena, buf_str(&text));
    buf_done(&text);
    if (relation->is_empty)
        result = arena_printf(arena, "(select * from %.*s where false limit 0)", STR_ARGS(result));
    return result;
}

static struct relation *copy_of(struct render *render, const struct relation *relation)
{
    struct relation *copy = ARENA_NEW(render_arena(render), struct relation);
    *copy = *relation;
    return copy;
}

static rc relation_print(struct render *render, struct object *object, struct buf *to,
                         struct err *err)
{
    (void)err;
    struct arena *scratch = render != NULL ? render_arena(render) : arena_open(NULL);
    buf_append_str(to, relation_render(scratch, (struct relation *)object));
    if (render == NULL)
        arena_close(scratch);
    return RC_OK;
}

static rc relation_repr(struct render *render, struct object *object, struct buf *to,
                        struct err *err)
{
    buf_append_cstr(to, "<DuckDBRelation ");
    TRY(relation_print(render, object, to, err));
    buf_append_byte(to, '>');
    return RC_OK;
}

static bool relation_equals(const struct object *a, struct value b)
{
    const struct relation *other = relation_of_value(b), *own = (const struct relation *)a;
    return other != NULL && str_equal(own->database, other->database) &&
           str_equal(own->schema, other->schema) && str_equal(own->identifier, other->identifier);
}

// ---- methods

static rc call_render(struct render *render, void *self, const struct arguments *arguments,
                      struct value *ret_value, struct err *err)
{
    (void)arguments, (void)err;
    *ret_value = value_str(relation_render(render_arena(render), self));
    return RC_OK;
}

// Hive's grammar (Athena's DDL): backticks, without the catalog.
static rc call_render_hive(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    (void)arguments, (void)err;
    const struct relation *relation = self;
    struct arena *arena = render_arena(render);
    const struct str schema = str_replace(arena, relation->schema, STR("`"), STR("")),
                     name = str_replace(arena, relation->identifier, STR("`"), STR(""));
    *ret_value =
        value_str(name.length > 0 && !relation->hides_identifier
                      ? arena_printf(arena, "`%.*s`.`%.*s`", STR_ARGS(schema), STR_ARGS(name))
                      : arena_printf(arena, "`%.*s`", STR_ARGS(schema)));
    return RC_OK;
}

static void set_flag(bool *flag, struct value value, bool is_inverted)
{
    if (value.kind != VALUE_MISSING && value.kind != VALUE_NONE)
        *flag = value_is_true(value) != is_inverted;
}

static rc call_include(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"database", "schema", "identifier"};
    struct value values[3];
    TRY(arguments_bind(render, "include", arguments, names, 0, 3, values, err));
    struct relation *copy = copy_of(render, self);
    set_flag(&copy->hides_database, values[0], true);
    set_flag(&copy->hides_schema, values[1], true);
    set_flag(&copy->hides_identifier, values[2], true);
    *ret_value = relation_value(copy);
    return RC_OK;
}

static rc call_quote(struct render *render, void *self, const struct arguments *arguments,
                     struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"database", "schema", "identifier"};
    struct value values[3];
    TRY(arguments_bind(render, "quote", arguments, names, 0, 3, values, err));
    struct relation *copy = copy_of(render, self);
    set_flag(&copy->quotes_database, values[0], false);
    set_flag(&copy->quotes_schema, values[1], false);
    set_flag(&copy->quotes_identifier, values[2], false);
    *ret_value = relation_value(copy);
    return RC_OK;
}

static rc set_text(struct render *render, struct str *to, struct value value, struct err *err)
{
    if (value.kind == VALUE_MISSING || value.kind == VALUE_UNDEFINED)
        return RC_OK;
    if (value.kind == VALUE_NONE) {
        *to = STR("");
        return RC_OK;
    }
    return value_to_str(render, render_arena(render), value, to, err);
}

static enum relation_type type_of(struct value value, enum relation_type fallback)
{
    if (value.kind != VALUE_STR)
        return fallback;
    for (size_t i = 1; i < sizeof type_names / sizeof *type_names; i++)
        if (str_is(value_text(value), type_names[i]))
            return (enum relation_type)i;
    return RELATION_OTHER;
}

static rc set_parts(struct render *render, struct relation *relation, struct value parts,
                    struct err *err)
{
    if (parts.kind != VALUE_DICT)
        return RC_OK;
    TRY(set_text(render, &relation->database, dict_get_str(parts, STR("database")), err));
    TRY(set_text(render, &relation->schema, dict_get_str(parts, STR("schema")), err));
    return set_text(render, &relation->identifier, dict_get_str(parts, STR("identifier")), err);
}

static rc call_incorporate(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"path", "type", "quote_policy", "include_policy"};
    struct value values[4];
    TRY(arguments_bind(render, "incorporate", arguments, names, 0, 4, values, err));
    struct relation *copy = copy_of(render, self);
    TRY(set_parts(render, copy, values[0], err));
    copy->type = type_of(values[1], copy->type);
    *ret_value = relation_value(copy);
    return RC_OK;
}

static rc call_matches(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"database", "schema", "identifier"};
    const struct relation *relation = self;
    const struct str parts[] = {relation->database, relation->schema, relation->identifier};
    struct value values[3];
    TRY(arguments_bind(render, "matches", arguments, names, 0, 3, values, err));
    bool is_match = true;
    for (size_t i = 0; i < 3; i++)
        if (values[i].kind == VALUE_STR)
            is_match &= str_equal_ignore_case(value_text(values[i]), parts[i]);
    *ret_value = value_bool(is_match);
    return RC_OK;
}

static rc call_without_identifier(struct render *render, void *self,
                                  const struct arguments *arguments, struct value *ret_value,
                                  struct err *err)
{
    (void)arguments, (void)err;
    struct relation *copy = copy_of(render, self);
    copy->hides_identifier = true;
    copy->identifier = STR("");
    *ret_value = relation_value(copy);
    return RC_OK;
}

static rc call_information_schema(struct render *render, void *self,
                                  const struct arguments *arguments, struct value *ret_value,
                                  struct err *err)
{
    static const char *const names[] = {"view_name"};
    struct value view;
    TRY(arguments_bind(render, "information_schema", arguments, names, 0, 1, &view, err));
    struct relation *copy = copy_of(render, self);
    copy->schema = STR("information_schema");
    copy->quotes_schema = copy->quotes_identifier = false;
    copy->identifier = view.kind == VALUE_STR ? value_text(view) : STR("");
    *ret_value = relation_value(copy);
    return RC_OK;
}

struct relation_method {
    const char *name;
    native_function function;
};
static const struct relation_method relation_methods[] = {
    {"render", call_render},
    {"render_hive", call_render_hive},
    {"render_pure", call_render_hive},
    {"include", call_include},
    {"quote", call_quote},
    {"incorporate", call_incorporate},
    {"matches", call_matches},
    {"without_identifier", call_without_identifier},
    {"information_schema", call_information_schema},
};

static struct value text_or_none(struct str text)
{
    return text.length > 0 ? value_str(text) : value_none();
}

static struct value path_dict(struct arena *arena, const struct relation *relation)
{
    const struct value dict = value_dict_new(arena);
    dict_set_str(dict, STR("database"), text_or_none(relation->database));
    dict_set_str(dict, STR("schema"), text_or_none(relation->schema));
    dict_set_str(dict, STR("identifier"), text_or_none(relation->identifier));
    return dict;
}

static rc relation_attribute(struct render *render, struct object *object, struct str name,
                             struct value *ret_value, struct err *err)
{
    (void)err;
    struct relation *relation = (struct relation *)object;
    struct arena *arena = render_arena(render);
    for (size_t i = 0; i < sizeof relation_methods / sizeof *relation_methods; i++)
        if (str_is(name, relation_methods[i].name)) {
            *ret_value =
                bound(arena, relation_methods[i].name, relation_methods[i].function, relation);
            return RC_OK;
        }
    if (str_is(name, "database"))
        *ret_value = text_or_none(relation->database);
    else if (str_is(name, "schema"))
        *ret_value = text_or_none(relation->schema);
    else if (str_is(name, "identifier") || str_is(name, "name") || str_is(name, "table"))
        *ret_value = text_or_none(relation->identifier);
    else if (str_is(name, "type"))
        *ret_value = text_or_none(str_of(type_names[relation->type]));
    else if (str_is(name, "is_table"))
        *ret_value = value_bool(relation->type == RELATION_TABLE);
    else if (str_is(name, "is_view"))
        *ret_value = value_bool(relation->type == RELATION_VIEW);
    else if (str_is(name, "is_cte"))
        *ret_value = value_bool(relation->type == RELATION_CTE);
    else if (str_is(name, "is_materialized_view") || str_is(name, "is_pointer"))
        *ret_value = value_bool(false);
    else if (str_is(name, "can_be_renamed") || str_is(name, "can_be_replaced"))
        *ret_value =
            value_bool(relation->type == RELATION_TABLE || relation->type == RELATION_VIEW);
    else if (str_is(name, "path"))
        *ret_value = path_dict(arena, relation);
    else if (str_is(name, "View"))
        *ret_value = VALUE_STR_LITERAL("view");
    else if (str_is(name, "Table"))
        *ret_value = VALUE_STR_LITERAL("table");
    return RC_OK;
}

const struct object_class relation_class = {.name = "DuckDBRelation",
                                            .get_attribute = relation_attribute,
                                            .print = relation_print,
                                            .repr = relation_repr,
                                            .equals = relation_equals};

// ---- api.Relation

static rc create_relation(struct render *render, void *self, const struct arguments *arguments,
                          struct value *ret_value, struct err *err)
{
    (void)self;
    static const char *const names[] = {"database",     "schema",         "identifier", "type",
                                        "quote_policy", "include_policy", "limit"};
    struct value values[7];
    TRY(arguments_bind(render, "create", arguments, names, 0, 7, values, err));
    struct relation *relation = relation_new(render_arena(render), STR(""), STR(""), STR(""),
                                             type_of(values[3], RELATION_UNKNOWN));
    TRY(set_text(render, &relation->database, values[0], err));
    TRY(set_text(render, &relation->schema, values[1], err));
    TRY(set_text(render, &relation->identifier, values[2], err));
    *ret_value = relation_value(relation);
    return RC_OK;
}

struct value relation_api(struct arena *arena)
{
    const struct value dict = value_dict_new(arena);
    dict_set_str(dict, STR("create"), bound(arena, "create", create_relation, NULL));
    dict_set_str(dict, STR("Table"), VALUE_STR_LITERAL("table"));
    dict_set_str(dict, STR("View"), VALUE_STR_LITERAL("view"));
    dict_set_str(dict, STR("CTE"), VALUE_STR_LITERAL("cte"));
    dict_set_str(dict, STR("External"), VALUE_STR_LITERAL("external"));
    return dict;
}
