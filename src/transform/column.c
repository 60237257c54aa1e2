// Column objects and tables of results, as dbt's macros use them. Layer: transform.
// Source: dbt-adapters' Column, agate's Table.

#include "transform/session.h"

static const struct object_class column_class;

// "DECIMAL(18,3)" -> DECIMAL, 18, 3; "VARCHAR(10)" -> VARCHAR, 10.
struct value column_value(struct arena *arena, struct str name, struct str type)
{
    struct column_object *column = ARENA_NEW(arena, struct column_object);
    column->object.class = &column_class;
    column->name = name;
    column->char_size = column->precision = column->scale = -1;
    column->dtype = column->base = type;
    const size_t open = str_find_byte(type, '(');
    const bool is_nested = str_find_byte(type, '[') != SIZE_MAX ||
                           str_has_prefix(type, STR("STRUCT")) || str_has_prefix(type, STR("MAP"));
    if (open != SIZE_MAX && !is_nested && type.bytes[type.length - 1] == ')') {
        struct str rest = str_slice(type, open + 1, type.length - open - 2), part;
        int64_t numbers[2] = {-1, -1};
        for (size_t i = 0; i < 2 && str_split_next(&rest, ',', &part); i++)
            if (!str_to_int64(str_trim(part), &numbers[i]))
                numbers[i] = -1;
        column->base = str_slice(type, 0, open);
        const bool is_decimal = str_equal_ignore_case(column->base, STR("decimal")) ||
                                str_equal_ignore_case(column->base, STR("numeric"));
        column->precision = is_decimal ? numbers[0] : -1;
        column->scale = is_decimal ? numbers[1] : -1;
        column->char_size = is_decimal ? -1 : numbers[0];
    }
    return value_object(&column->object);
}

static bool is_type(const struct column_object *column, const char *const *names)
{
    for (; *names != NULL; names++)
        if (str_equal_ignore_case(column->base, str_of(*names)))
            return true;
    return false;
}

static const char *const string_types[] = {
    "text", "character varying", "character", "varchar", "string", NULL};
static const char *const integer_types[] = {"smallint", "integer",  "bigint",    "tinyint", "int",
                                            "hugeint",  "utinyint", "ubigint",   "int8",    "int4",
                                            "int2",     "uinteger", "usmallint", NULL};
static const char *const float_types[] = {"real",   "float4", "float", "double precision",
                                          "float8", "double", NULL};
static const char *const numeric_types[] = {"numeric", "decimal", NULL};

#define COLUMN_TEST(function, names)                                                               \
    static rc function(struct render *render, void *self, const struct arguments *arguments,       \
                       struct value *ret_value, struct err *err)                                   \
    {                                                                                              \
        (void)render, (void)arguments, (void)err;                                                  \
        *ret_value = value_bool(is_type(self, names));                                             \
        return RC_OK;                                                                              \
    }
COLUMN_TEST(call_is_string, string_types)
COLUMN_TEST(call_is_integer, integer_types)
COLUMN_TEST(call_is_float, float_types)
COLUMN_TEST(call_is_numeric, numeric_types)

static rc call_is_number(struct render *render, void *self, const struct arguments *arguments,
                         struct value *ret_value, struct err *err)
{
    (void)render, (void)arguments, (void)err;
    *ret_value = value_bool(is_type(self, integer_types) || is_type(self, float_types) ||
                            is_type(self, numeric_types));
    return RC_OK;
}

static rc call_string_size(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    (void)render, (void)arguments, (void)err;
    const struct column_object *column = self;
    *ret_value = value_int(column->char_size > 0 ? column->char_size : 256);
    return RC_OK;
}

static rc call_never(struct render *render, void *self, const struct arguments *arguments,
                     struct value *ret_value, struct err *err)
{
    (void)render, (void)self, (void)arguments, (void)err;
    *ret_value = value_bool(false); // DuckDB's texts have no length that could grow
    return RC_OK;
}

static rc column_attribute(struct render *render, struct object *object, struct str name,
                           struct value *ret_value, struct err *err)
{
    (void)err;
    static const struct {
        const char *name;
        native_function function;
    } methods[] = {{"is_string", call_is_string}, {"is_integer", call_is_integer},
                   {"is_float", call_is_float},   {"is_numeric", call_is_numeric},
                   {"is_number", call_is_number}, {"string_size", call_string_size},
                   {"can_expand_to", call_never}};
    struct column_object *column = (struct column_object *)object;
    struct arena *arena = render_arena(render);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (str_is(name, methods[i].name)) {
            *ret_value = bound(arena, methods[i].name, methods[i].function, column);
            return RC_OK;
        }
    if (str_is(name, "name") || str_is(name, "column"))
        *ret_value = value_str(column->name);
    else if (str_is(name, "dtype"))
        *ret_value = value_str(column->dtype);
    else if (str_is(name, "data_type"))
        *ret_value = value_str(column->dtype);
    else if (str_is(name, "quoted"))
        *ret_value = value_str(arena_printf(arena, "\"%.*s\"", STR_ARGS(column->name)));
    else if (str_is(name, "char_size"))
        *ret_value = column->char_size < 0 ? value_none() : value_int(column->char_size);
    else if (str_is(name, "numeric_precision"))
        *ret_value = column->precision < 0 ? value_none() : value_int(column->precision);
    else if (str_is(name, "numeric_scale"))
        *ret_value = column->scale < 0 ? value_none() : value_int(column->scale);
    return RC_OK;
}

static rc column_print(struct render *render, struct object *object, struct buf *to,
                       struct err *err)
{
    (void)err;
    const struct column_object *column = (struct column_object *)object;
    (void)render;
    buf_printf(to, "<Column %.*s (%.*s)>", STR_ARGS(column->name), STR_ARGS(column->dtype));
    return RC_OK;
}

static bool column_equals(const struct object *a, struct value b)
{
    const struct column_object *own = (const struct column_object *)a;
    if (b.kind != VALUE_OBJECT || b.object->class != &column_class)
        return false;
    const struct column_object *other = (const struct column_object *)b.object;
    return str_equal(own->name, other->name) && str_equal(own->dtype, other->dtype);
}

static const struct object_class column_class = {.name = "Column",
                                                 .get_attribute = column_attribute,
                                                 .print = column_print,
                                                 .equals = column_equals};

// ---- api.Column

static rc translate_type(struct render *render, void *self, const struct arguments *arguments,
                         struct value *ret_value, struct err *err)
{
    // Words of dbt, DuckDB's and those of the engines that are sent SQL.
    static const struct {
        const char *from, *to[2];
    } types[] = {{"STRING", {"TEXT", "VARCHAR"}},
                 {"TIMESTAMP", {"TIMESTAMP", "TIMESTAMP"}},
                 {"FLOAT", {"FLOAT", "DOUBLE"}},
                 {"INTEGER", {"INT", "INTEGER"}},
                 {"BOOLEAN", {"BOOLEAN", "BOOLEAN"}}};
    const struct transform *t = self;
    const size_t dialect = t->profile.class != NULL && t->profile.class->sends_sql;
    static const char *const names[] = {"dtype"};
    struct value type;
    TRY(arguments_bind(render, "translate_type", arguments, names, 1, 1, &type, err));
    *ret_value = type;
    for (size_t i = 0; type.kind == VALUE_STR && i < sizeof types / sizeof *types; i++)
        if (str_equal_ignore_case(value_text(type), str_of(types[i].from)))
            *ret_value = value_str(str_of(types[i].to[dialect]));
    return RC_OK;
}

static rc numeric_type(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    (void)self;
    static const char *const names[] = {"dtype", "precision", "scale"};
    struct value v[3];
    TRY(arguments_bind(render, "numeric_type", arguments, names, 1, 3, v, err));
    *ret_value = v[0];
    if (v[1].kind == VALUE_INT && v[2].kind == VALUE_INT && v[0].kind == VALUE_STR)
        *ret_value =
            value_str(arena_printf(render_arena(render), "%.*s(%lld,%lld)", v[0].length, v[0].bytes,
                                   (long long)v[1].integer, (long long)v[2].integer));
    return RC_OK;
}

static rc string_type(struct render *render, void *self, const struct arguments *arguments,
                      struct value *ret_value, struct err *err)
{
    (void)self;
    static const char *const names[] = {"size"};
    struct value size;
    TRY(arguments_bind(render, "string_type", arguments, names, 1, 1, &size, err));
    *ret_value = value_str(arena_printf(render_arena(render), "character varying(%lld)",
                                        (long long)(size.kind == VALUE_INT ? size.integer : 256)));
    return RC_OK;
}

static rc create_column(struct render *render, void *self, const struct arguments *arguments,
                        struct value *ret_value, struct err *err)
{
    (void)self;
    static const char *const names[] = {"name", "label_or_dtype"};
    struct value v[2];
    TRY(arguments_bind(render, "create", arguments, names, 2, 2, v, err));
    if (v[0].kind != VALUE_STR || v[1].kind != VALUE_STR)
        return render_throw(render, err, "TypeError", "Column.create wants a name and a type");
    *ret_value = column_value(render_arena(render), value_text(v[0]), value_text(v[1]));
    return RC_OK;
}

struct value column_api(struct arena *arena, struct transform *t)
{
    const struct value dict = value_dict_new(arena);
    dict_set_str(dict, STR("translate_type"), bound(arena, "translate_type", translate_type, t));
    dict_set_str(dict, STR("numeric_type"), bound(arena, "numeric_type", numeric_type, NULL));
    dict_set_str(dict, STR("string_type"), bound(arena, "string_type", string_type, NULL));
    dict_set_str(dict, STR("create"), bound(arena, "create", create_column, NULL));
    return dict;
}

// ---- tables of results

static const struct object_class table_class;

struct table_object *table_object_new(struct arena *arena, size_t columns, size_t rows)
{
    struct table_object *table = ARENA_NEW(arena, struct table_object);
    table->object.class = &table_class;
    table->names = ARENA_ARRAY(arena, struct value, columns);
    table->cells = ARENA_ARRAY(arena, struct value, columns * rows);
    table->column_count = columns;
    table->row_count = rows;
    return table;
}

struct table_object *table_object_of(struct value value)
{
    return value.kind == VALUE_OBJECT && value.object->class == &table_class
               ? (struct table_object *)value.object
               : NULL;
}

struct value empty_table(struct arena *arena)
{
    return value_object(&table_object_new(arena, 0, 0)->object);
}

// A row or a column: values by number, rows also by column name.
struct series {
    struct object object;
    struct table_object *table;
    size_t number;
    bool is_row;
};
// All rows or all columns.
struct series_list {
    struct object object;
    struct table_object *table;
    bool is_rows;
};
static const struct object_class series_class, series_list_class;

static struct value series_value(struct arena *arena, struct table_object *table, size_t number,
                                 bool is_row)
{
    struct series *series = ARENA_NEW(arena, struct series);
    *series = (struct series){{&series_class}, table, number, is_row};
    return value_object(&series->object);
}

static size_t series_count(const struct series *series)
{
    return series->is_row ? series->table->column_count : series->table->row_count;
}

static struct value series_at(const struct series *series, size_t i)
{
    const struct table_object *table = series->table;
    return series->is_row ? table->cells[series->number * table->column_count + i]
                          : table->cells[i * table->column_count + series->number];
}

static struct value series_tuple(struct arena *arena, const struct series *series)
{
    const struct value tuple = value_tuple_new(arena, series_count(series));
    for (size_t i = 0; i < series_count(series); i++)
        list_push(tuple, series_at(series, i));
    return tuple;
}

static rc call_series_values(struct render *render, void *self, const struct arguments *arguments,
                             struct value *ret_value, struct err *err)
{
    (void)arguments, (void)err;
    *ret_value = series_tuple(render_arena(render), self);
    return RC_OK;
}

static struct value names_tuple(struct arena *arena, const struct table_object *table)
{
    return value_tuple_of(arena, table->names, table->column_count);
}

static rc call_series_keys(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    (void)arguments, (void)err;
    *ret_value = names_tuple(render_arena(render), ((struct series *)self)->table);
    return RC_OK;
}

static struct value series_dict(struct arena *arena, const struct series *series)
{
    const struct value dict = value_dict_new(arena);
    for (size_t i = 0; series->is_row && i < series_count(series); i++)
        dict_set_str(dict, value_text(series->table->names[i]), series_at(series, i));
    return dict;
}

static rc call_series_dict(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    (void)arguments, (void)err;
    *ret_value = series_dict(render_arena(render), self);
    return RC_OK;
}

static rc call_series_items(struct render *render, void *self, const struct arguments *arguments,
                            struct value *ret_value, struct err *err)
{
    (void)arguments, (void)err;
    const struct series *series = self;
    const struct value list = value_list_new(render_arena(render), series_count(series));
    for (size_t i = 0; series->is_row && i < series_count(series); i++) {
        const struct value pair[] = {series->table->names[i], series_at(series, i)};
        list_push(list, value_tuple_of(render_arena(render), pair, 2));
    }
    *ret_value = list;
    return RC_OK;
}

static bool column_number(const struct table_object *table, struct str name, size_t *ret_number)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (str_equal(value_text(table->names[i]), name)) {
            *ret_number = i;
            return true;
        }
    return false;
}

static bool index_of(struct value key, size_t count, size_t *ret_index)
{
    if (key.kind != VALUE_INT)
        return false;
    const int64_t index = key.integer < 0 ? key.integer + (int64_t)count : key.integer;
    if (index < 0 || index >= (int64_t)count)
        return false;
    *ret_index = (size_t)index;
    return true;
}

static rc series_item(struct render *render, struct object *object, struct value key,
                      struct value *ret_value, struct err *err)
{
    (void)render, (void)err;
    const struct series *series = (struct series *)object;
    size_t i;
    if (index_of(key, series_count(series), &i) ||
        (series->is_row && key.kind == VALUE_STR &&
         column_number(series->table, value_text(key), &i)))
        *ret_value = series_at(series, i);
    return RC_OK;
}

static rc series_attribute(struct render *render, struct object *object, struct str name,
                           struct value *ret_value, struct err *err)
{
    struct series *series = (struct series *)object;
    struct arena *arena = render_arena(render);
    if (str_is(name, "values"))
        *ret_value = bound(arena, "values", call_series_values, series);
    else if (str_is(name, "keys"))
        *ret_value = bound(arena, "keys", call_series_keys, series);
    else if (str_is(name, "dict"))
        *ret_value = bound(arena, "dict", call_series_dict, series);
    else if (str_is(name, "items"))
        *ret_value = bound(arena, "items", call_series_items, series);
    else if (str_is(name, "name") && !series->is_row)
        *ret_value = series->table->names[series->number];
    else if (series->is_row)
        return series_item(render, object, value_str(name), ret_value, err);
    return RC_OK;
}

static rc series_iterate(struct render *render, struct object *object, struct value *ret_list,
                         struct err *err)
{
    (void)err;
    *ret_list = series_tuple(render_arena(render), (struct series *)object);
    return RC_OK;
}

static rc series_length(struct render *render, struct object *object, size_t *ret_length,
                        struct err *err)
{
    (void)render, (void)err;
    *ret_length = series_count((struct series *)object);
    return RC_OK;
}

static rc series_print(struct render *render, struct object *object, struct buf *to,
                       struct err *err)
{
    struct arena *arena = render != NULL ? render_arena(render) : arena_open(NULL);
    const struct series *series = (struct series *)object;
    buf_append_cstr(to, series->is_row ? "<agate.Row: " : "<agate.Column: ");
    const rc result = value_repr(render, series_tuple(arena, series), to, err);
    buf_append_byte(to, '>');
    if (render == NULL)
        arena_close(arena);
    return result;
}

static const struct object_class series_class = {.name = "Row",
                                                 .get_item = series_item,
                                                 .get_attribute = series_attribute,
                                                 .iterate = series_iterate,
                                                 .length = series_length,
                                                 .print = series_print,
                                                 .is_sequence = true};

static size_t list_count(const struct series_list *list)
{
    return list->is_rows ? list->table->row_count : list->table->column_count;
}

static rc list_item(struct render *render, struct object *object, struct value key,
                    struct value *ret_value, struct err *err)
{
    (void)err;
    const struct series_list *list = (struct series_list *)object;
    size_t i;
    if (index_of(key, list_count(list), &i) || (!list->is_rows && key.kind == VALUE_STR &&
                                                column_number(list->table, value_text(key), &i)))
        *ret_value = series_value(render_arena(render), list->table, i, list->is_rows);
    return RC_OK;
}

static rc list_iterate(struct render *render, struct object *object, struct value *ret_list,
                       struct err *err)
{
    (void)err;
    const struct series_list *list = (struct series_list *)object;
    const struct value items = value_list_new(render_arena(render), list_count(list));
    for (size_t i = 0; i < list_count(list); i++)
        list_push(items, series_value(render_arena(render), list->table, i, list->is_rows));
    *ret_list = items;
    return RC_OK;
}

static rc call_list_values(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    (void)arguments;
    return list_iterate(render, self, ret_value, err);
}

static rc list_attribute(struct render *render, struct object *object, struct str name,
                         struct value *ret_value, struct err *err)
{
    const struct series_list *list = (struct series_list *)object;
    struct arena *arena = render_arena(render);
    if (str_is(name, "values"))
        *ret_value = bound(arena, "values", call_list_values, object);
    else if (str_is(name, "keys") && !list->is_rows)
        *ret_value = bound(arena, "keys", call_series_keys,
                           series_value(arena, list->table, 0, false).object);
    else if (!list->is_rows)
        return list_item(render, object, value_str(name), ret_value, err);
    return RC_OK;
}

static rc list_length(struct render *render, struct object *object, size_t *ret_length,
                      struct err *err)
{
    (void)render, (void)err;
    *ret_length = list_count((struct series_list *)object);
    return RC_OK;
}

static const struct object_class series_list_class = {.name = "MappedSequence",
                                                      .get_item = list_item,
                                                      .get_attribute = list_attribute,
                                                      .iterate = list_iterate,
                                                      .length = list_length,
                                                      .is_sequence = true};

static struct value list_value(struct arena *arena, struct table_object *table, bool is_rows)
{
    struct series_list *list = ARENA_NEW(arena, struct series_list);
    *list = (struct series_list){{&series_list_class}, table, is_rows};
    return value_object(&list->object);
}

static rc call_print_table(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    (void)render, (void)self, (void)arguments, (void)err;
    *ret_value = value_none();
    return RC_OK;
}

static rc table_attribute(struct render *render, struct object *object, struct str name,
                          struct value *ret_value, struct err *err)
{
    (void)err;
    struct table_object *table = (struct table_object *)object;
    struct arena *arena = render_arena(render);
    if (str_is(name, "columns"))
        *ret_value = list_value(arena, table, false);
    else if (str_is(name, "rows"))
        *ret_value = list_value(arena, table, true);
    else if (str_is(name, "column_names"))
        *ret_value = names_tuple(arena, table);
    else if (str_is(name, "print_table"))
        *ret_value = bound(arena, "print_table", call_print_table, table);
    return RC_OK;
}

static rc table_iterate(struct render *render, struct object *object, struct value *ret_list,
                        struct err *err)
{
    struct series_list rows = {{&series_list_class}, (struct table_object *)object, true};
    return list_iterate(render, &rows.object, ret_list, err);
}

static rc table_length(struct render *render, struct object *object, size_t *ret_length,
                       struct err *err)
{
    (void)render, (void)err;
    *ret_length = ((struct table_object *)object)->row_count;
    return RC_OK;
}

static const struct object_class table_class = {.name = "Table",
                                                .get_attribute = table_attribute,
                                                .iterate = table_iterate,
                                                .length = table_length};
