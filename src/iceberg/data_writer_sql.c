#include "iceberg/data_writer_sql.h"

#include <string.h>

#include "iceberg/data_writer.h"

static const char *const sql_types[TYPE_COUNT] = {
    [TYPE_BOOLEAN] = "BOOLEAN",
    [TYPE_INT] = "INTEGER",
    [TYPE_LONG] = "BIGINT",
    [TYPE_FLOAT] = "FLOAT",
    [TYPE_DOUBLE] = "DOUBLE",
    [TYPE_DATE] = "DATE",
    [TYPE_TIME] = "TIME",
    [TYPE_TIMESTAMP] = "TIMESTAMP",
    [TYPE_TIMESTAMPTZ] = "TIMESTAMPTZ",
    [TYPE_TIMESTAMP_NS] = "TIMESTAMP_NS",
    [TYPE_TIMESTAMPTZ_NS] = "TIMESTAMPTZ", // read only: DuckDB has no type for it
    [TYPE_STRING] = "VARCHAR",
    [TYPE_UUID] = "UUID",
    [TYPE_FIXED] = "BLOB",
    [TYPE_BINARY] = "BLOB",
    [TYPE_UNKNOWN] = "INTEGER", // always NULL
};

static void append_type(struct buf *to, struct arena *arena, const struct type *type)
{
    switch (type->id) {
    case TYPE_DECIMAL:
        buf_printf(to, "DECIMAL(%d,%d)", type->precision, type->scale);
        return;
    case TYPE_LIST:
        append_type(to, arena, &type->fields[0].type);
        buf_append_cstr(to, "[]");
        return;
    case TYPE_MAP:
        buf_append_cstr(to, "MAP(");
        append_type(to, arena, &type->fields[0].type);
        buf_append_cstr(to, ", ");
        append_type(to, arena, &type->fields[1].type);
        buf_append_byte(to, ')');
        return;
    case TYPE_STRUCT:
        buf_append_cstr(to, "STRUCT(");
        for (size_t i = 0; i < type->field_count; i++) {
            if (i > 0)
                buf_append_cstr(to, ", ");
            buf_append_str(to, duck_quote_identifier(arena, type->fields[i].name));
            buf_append_byte(to, ' ');
            append_type(to, arena, &type->fields[i].type);
        }
        buf_append_byte(to, ')');
        return;
    default:
        buf_append_cstr(to, sql_types[type->id] != NULL ? sql_types[type->id] : "BLOB");
    }
}

struct str data_writer_sql_type(struct arena *arena, const struct type *type)
{
    struct buf sql;
    buf_init(&sql, WRITER_SQL_MAX_BYTES);
    append_type(&sql, arena, type);
    const struct str text = arena_str(arena, buf_str(&sql));
    buf_done(&sql);
    return text;
}

rc writer_check_type(const struct field *field, struct err *err)
{
    const enum type_id id = field->type.id;
    const bool is_foreign = id == TYPE_FIXED || id == TYPE_TIMESTAMPTZ_NS || id == TYPE_UNKNOWN ||
                            id == TYPE_VARIANT || id == TYPE_GEOMETRY || id == TYPE_GEOGRAPHY;
    if (is_foreign) {
        err_set(err, RC_UNSUPPORTED, "column %.*s of type %s cannot be written",
                STR_ARGS(field->name), type_name(id));
        return id == TYPE_FIXED ? err_hint(err, "use binary instead of fixed") : RC_UNSUPPORTED;
    }
    for (size_t i = 0; i < field->type.field_count; i++)
        TRY(writer_check_type(&field->type.fields[i], err));
    return RC_OK;
}

/// The query's column for a field: the same name, else the only one that differs in case.
static struct str find_column(const str_vec *available, struct str name)
{
    for (size_t i = 0; i < available->count; i++)
        if (str_equal(available->items[i], name))
            return available->items[i];
    for (size_t i = 0; i < available->count; i++)
        if (str_equal_ignore_case(available->items[i], name))
            return available->items[i];
    return (struct str){NULL, 0};
}

static rc check_no_extra(const struct schema *schema, const str_vec *available, struct err *err)
{
    for (size_t i = 0; i < available->count; i++) {
        bool is_known = false;
        for (size_t j = 0; j < schema->root.field_count && !is_known; j++)
            is_known = str_equal_ignore_case(available->items[i], schema->root.fields[j].name);
        if (!is_known) {
            err_set(err, RC_INVALID, "the query gives a column %.*s that the table does not have",
                    STR_ARGS(available->items[i]));
            return err_hint(err, "add the column to the table first, or leave it out of the query");
        }
    }
    return RC_OK;
}

static rc append_column(struct buf *sql, struct arena *arena, const struct field *field,
                        struct str column, struct err *err)
{
    const struct str type = data_writer_sql_type(arena, &field->type);
    const struct str quoted = duck_quote_identifier(arena, field->name);
    if (column.bytes != NULL) {
        buf_printf(sql, "CAST(q.%.*s AS %.*s) AS %.*s",
                   STR_ARGS(duck_quote_identifier(arena, column)), STR_ARGS(type),
                   STR_ARGS(quoted));
        return RC_OK;
    }
    struct str literal = STR("NULL");
    if (field->write_default != NULL && !type_is_nested(field->type.id)) {
        struct value value;
        TRY_CONTEXT(value_parse(arena, &field->type, field->write_default, &value, err), err,
                    "default of column %.*s", STR_ARGS(field->name));
        literal = value_sql(arena, value);
    }
    buf_printf(sql, "CAST(%.*s AS %.*s) AS %.*s", STR_ARGS(literal), STR_ARGS(type),
               STR_ARGS(quoted));
    return RC_OK;
}

rc writer_select_list(struct arena *arena, const struct schema *schema, const str_vec *available,
                      struct str *ret_sql, struct err *err)
{
    TRY(check_no_extra(schema, available, err));
    struct buf sql;
    buf_init(&sql, WRITER_SQL_MAX_BYTES);
    rc result = RC_OK;
    for (size_t i = 0; i < schema->root.field_count && result == RC_OK; i++) {
        const struct field *field = &schema->root.fields[i];
        if (i > 0)
            buf_append_cstr(&sql, ", ");
        result = writer_check_type(field, err);
        if (result == RC_OK)
            result = append_column(&sql, arena, field, find_column(available, field->name), err);
    }
    if (result == RC_OK)
        result = buf_check(&sql, err, "the statement");
    if (result == RC_OK)
        *ret_sql = arena_str(arena, buf_str(&sql));
    buf_done(&sql);
    return result;
}

static void append_ids(struct buf *to, struct arena *arena, const struct type *type)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        // DuckDB's names for what is inside lists and maps are those of the format.
        const struct str name = type->id == TYPE_LIST  ? STR("element")
                                : type->id == TYPE_MAP ? (i == 0 ? STR("key") : STR("value"))
                                                       : field->name;
        if (i > 0)
            buf_append_byte(to, ',');
        buf_append_str(to, duck_quote_literal(arena, name));
        buf_append_byte(to, ':');
        if (type_is_nested(field->type.id)) {
            buf_printf(to, "{'__duckdb_field_id':%d,", field->id);
            append_ids(to, arena, &field->type);
            buf_append_byte(to, '}');
        } else {
            buf_printf(to, "%d", field->id);
        }
    }
}

rc writer_field_ids(struct arena *arena, const struct schema *schema, struct str *ret_sql,
                    struct err *err)
{
    struct buf sql;
    buf_init(&sql, WRITER_SQL_MAX_BYTES);
    buf_append_byte(&sql, '{');
    append_ids(&sql, arena, &schema->root);
    buf_append_byte(&sql, '}');
    const rc result = buf_check(&sql, err, "the list of field ids");
    if (result == RC_OK)
        *ret_sql = arena_str(arena, buf_str(&sql));
    buf_done(&sql);
    return result;
}

static bool find_path(struct arena *arena, const struct type *type, int32_t field_id,
                      struct str prefix, struct str *ret_sql)
{
    if (type->id != TYPE_STRUCT)
        return false;
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        const struct str quoted = duck_quote_identifier(arena, field->name);
        const struct str path =
            prefix.length == 0
                ? quoted
                : arena_printf(arena, "%.*s.%.*s", STR_ARGS(prefix), STR_ARGS(quoted));
        if (field->id == field_id) {
            *ret_sql = path;
            return true;
        }
        if (find_path(arena, &field->type, field_id, path, ret_sql))
            return true;
    }
    return false;
}

struct str writer_column(struct arena *arena, const struct schema *schema, int32_t field_id)
{
    struct str path = STR("");
    return find_path(arena, &schema->root, field_id, (struct str){"", 0}, &path) ? path : STR("");
}

/// The hash of the bucket transform (spec, appendix B), by functions that src/duck registers.
static rc bucket_hash(struct arena *arena, const struct field *source, struct str column,
                      struct str *ret_sql, struct err *err)
{
    static const char *const formats[TYPE_COUNT] = {
        [TYPE_INT] = "murmur3_32_long(",
        [TYPE_LONG] = "murmur3_32_long(",

        [TYPE_TIME] = "murmur3_32_long(epoch_us(",
        [TYPE_TIMESTAMP] = "murmur3_32_long(epoch_us(",
        [TYPE_TIMESTAMPTZ] = "murmur3_32_long(epoch_us(",
        [TYPE_TIMESTAMP_NS] = "murmur3_32_long(epoch_us(",
        [TYPE_STRING] = "murmur3_32_text(",
        [TYPE_BINARY] = "murmur3_32_blob(",
    };
    if (source->type.id == TYPE_DATE) // days, not microseconds
        *ret_sql = arena_printf(arena, "murmur3_32_long(CAST(%.*s - DATE '1970-01-01' AS BIGINT))",
                                STR_ARGS(column));
    else if (source->type.id == TYPE_DECIMAL)
        *ret_sql = arena_printf(
            arena, "murmur3_32_huge(CAST(replace(CAST(%.*s AS VARCHAR), '.', '') AS HUGEINT))",
            STR_ARGS(column));
    else if (source->type.id == TYPE_UUID)
        *ret_sql =
            arena_printf(arena, "murmur3_32_blob(unhex(replace(CAST(%.*s AS VARCHAR), '-', '')))",
                         STR_ARGS(column));
    else if (formats[source->type.id] != NULL)
        *ret_sql = arena_printf(arena, "%s%.*s%s", formats[source->type.id], STR_ARGS(column),
                                strchr(formats[source->type.id], 'e') != NULL &&
                                        strstr(formats[source->type.id], "epoch") != NULL
                                    ? "))"
                                    : ")");
    else
        return err_set(err, RC_INVALID, "bucket of %s is not defined", type_name(source->type.id));
    return RC_OK;
}

rc writer_transform(struct arena *arena, struct transform transform, const struct field *source,
                    struct str column, struct str *ret_sql, struct err *err)
{
    if (transform.kind == TRANSFORM_BUCKET) {
        struct str hash;
        TRY(bucket_hash(arena, source, column, &hash, err));
        *ret_sql =
            arena_printf(arena, "((%.*s & 2147483647) %% %d)", STR_ARGS(hash), transform.parameter);
        return RC_OK;
    }
    if (transform.kind == TRANSFORM_TRUNCATE && source->type.id == TYPE_BINARY) {
        *ret_sql = arena_printf(arena, "unhex(substring(hex(%.*s), 1, %lld))", STR_ARGS(column),
                                (long long)transform.parameter * 2);
        return RC_OK;
    }
    return transform_sql(arena, transform, &source->type, column, ret_sql, err);
}
