// The rows of a seed file as one SELECT over VALUES, typed as dbt types seeds. Layer: transform.

#include "base/fs.h"
#include "transform/seed.h"
#include "transform/session.h"

static const char *const seed_sql_types[] = {
    [SEED_NUMBER] = "DOUBLE",          [SEED_DATE] = "DATE",       [SEED_DATETIME] = "TIMESTAMP",
    [SEED_ISO_DATETIME] = "TIMESTAMP", [SEED_BOOLEAN] = "BOOLEAN", [SEED_TEXT] = "VARCHAR"};

static bool fits_32_bits(const struct seed_column *column, size_t rows, bool *ret_fits_64)
{
    bool fits = true;
    *ret_fits_64 = true;
    for (size_t i = 0; i < rows; i++) {
        int64_t number;
        struct str text = column->values[i].text;
        if (column->values[i].is_null)
            continue;
        const size_t point = str_find_byte(text, '.');
        text = point == SIZE_MAX ? text : str_slice(text, 0, point);
        *ret_fits_64 &= str_to_int64(text, &number);
        fits &= *ret_fits_64 && number >= INT32_MIN && number <= INT32_MAX;
    }
    return fits;
}

// As dbt types seeds: whole numbers are integers, wider ones where they need it.
static struct str seed_type_of(const struct seed_column *column, size_t rows)
{
    bool fits_64;
    if (column->type != SEED_NUMBER || column->has_decimals)
        return str_of(seed_sql_types[column->type]);
    if (fits_32_bits(column, rows, &fits_64))
        return STR("INTEGER");
    return fits_64 ? STR("BIGINT") : STR("DOUBLE");
}

static struct str column_type_of(const struct node *node, const struct seed_column *column,
                                 size_t rows)
{
    const struct value types = dict_get_str(node->config, STR("column_types"));
    const struct value given =
        types.kind == VALUE_DICT ? dict_get_str(types, column->name) : value_missing();
    return given.kind == VALUE_STR ? value_text(given) : seed_type_of(column, rows);
}

static void append_literal(struct arena *arena, struct buf *sql, const struct seed_cell *cell,
                           struct str type)
{
    if (cell->is_null) {
        buf_printf(sql, "NULL");
        return;
    }
    struct str text = cell->text;
    const bool is_whole = str_is(type, "INTEGER") || str_is(type, "BIGINT");
    const size_t point = is_whole ? str_find_byte(text, '.') : SIZE_MAX;
    text = point == SIZE_MAX ? text : str_slice(text, 0, point);
    buf_append_str(sql, duck_quote_literal(arena, text));
}

static void seed_sql(struct scope *scope, const struct seed_table *table, struct buf *sql)
{
    struct arena *arena = scope->arena;
    buf_append_cstr(sql, "SELECT ");
    for (size_t c = 0; c < table->column_count; c++) {
        const struct str type = column_type_of(scope->node, &table->columns[c], table->row_count);
        const struct str name = duck_quote_identifier(arena, table->columns[c].name);
        buf_printf(sql, "%sCAST(c%zu AS %.*s) AS %.*s", c > 0 ? ", " : "", c, STR_ARGS(type),
                   STR_ARGS(name));
    }
    buf_append_cstr(sql, "\nFROM (VALUES ");
    const bool is_empty = table->row_count == 0;
    for (size_t r = 0; r < (is_empty ? 1 : table->row_count); r++) {
        buf_append_cstr(sql, r > 0 ? ",\n(" : "\n(");
        for (size_t c = 0; c < table->column_count; c++) {
            const struct seed_cell none = {.is_null = true};
            const struct seed_cell *cell = is_empty ? &none : &table->columns[c].values[r];
            const struct str type =
                column_type_of(scope->node, &table->columns[c], table->row_count);
            buf_append_cstr(sql, c > 0 ? ", " : "");
            append_literal(arena, sql, cell, type);
        }
        buf_append_byte(sql, ')');
    }
    buf_append_cstr(sql, ") AS seed (");
    for (size_t c = 0; c < table->column_count; c++)
        buf_printf(sql, "%sc%zu", c > 0 ? ", " : "", c);
    buf_append_cstr(sql, is_empty ? ") WHERE false" : ")");
}

rc session_seed_query(struct scope *scope, struct str *ret_sql, struct err *err)
{
    const struct node *node = scope->node;
    struct str path, text;
    TRY(fs_join(scope->arena, node->package->folder, node->original_path, &path, err));
    TRY(fs_read(scope->arena, path, TRANSFORM_MAX_FILE_BYTES, &text, err));
    str_vec as_text = {0};
    const struct value types = dict_get_str(node->config, STR("column_types"));
    size_t at = 0;
    struct dict_entry *entry;
    while (types.kind == VALUE_DICT && dict_next(types, &at, &entry))
        if (entry->key.kind == VALUE_STR)
            *vec_push(scope->arena, &as_text) = value_text(entry->key);
    const struct str delimiter = config_str(node, "delimiter");
    struct seed_table table;
    TRY(seed_read(scope->arena, text, arena_cstr(scope->arena, node->original_path),
                  delimiter.length > 0 ? delimiter.bytes[0] : ',', &as_text, &table, err));
    if (table.row_count == 0 && table.column_count == 0)
        return err_set(err, RC_INVALID, "%.*s is empty", STR_ARGS(node->original_path));
    struct buf sql;
    buf_init(&sql, 8 * (size_t)TRANSFORM_MAX_FILE_BYTES);
    seed_sql(scope, &table, &sql);
    const rc result = buf_check(&sql, err, "the SQL of a seed");
    if (result == RC_OK)
        *ret_sql = arena_str(scope->arena, buf_str(&sql));
    buf_done(&sql);
    return result;
}
