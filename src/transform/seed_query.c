// The rows of a seed file as SELECTs over VALUES, typed as dbt types seeds. Layer: transform.

#include "base/fs.h"
#include "base/time.h"
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

struct seed_writer {
    struct arena *arena;
    const struct seed_table *table;
    struct str *types; // one per column
    struct buf *sql;
    size_t max_rows, max_bytes;
    bool sends_sql;
};

// Types as the engines that are sent SQL spell them.
static struct str type_for_sql(struct str type)
{
    static const char *const types[][2] = {
        {"DOUBLE", "double"},        {"VARCHAR", "varchar"},
        {"TEXT", "varchar"},         {"STRING", "varchar"},
        {"FLOAT", "real"},           {"TIMESTAMP", "timestamp(6)"},
        {"INTEGER", "integer"},      {"INT", "integer"},
        {"BIGINT", "bigint"},        {"DATE", "date"},
        {"BOOLEAN", "boolean"},      {"NUMERIC", "decimal"},
        {"DATETIME", "timestamp(6)"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_equal_ignore_case(type, str_of(types[i][0])))
            return str_of(types[i][1]);
    return type;
}

static struct str column_type_of(const struct seed_writer *w, const struct node *node,
                                 const struct seed_column *column)
{
    const struct value types = dict_get_str(node->config, STR("column_types"));
    const struct value given =
        types.kind == VALUE_DICT ? dict_get_str(types, column->name) : value_missing();
    const struct str type =
        given.kind == VALUE_STR ? value_text(given) : seed_type_of(column, w->table->row_count);
    return w->sends_sql ? type_for_sql(type) : type;
}

// Engines that are sent SQL read times only in their own form.
static struct str time_for_sql(struct arena *arena, struct str text)
{
    struct time_text parsed;
    struct err ignored;
    if (time_parse_iso(text, &parsed, &ignored) != RC_OK)
        return text;
    const struct str iso = time_format(arena, parsed.us, TIME_ISO_NAIVE);
    return str_replace(arena, iso, STR("T"), STR(" "));
}

static void append_literal(const struct seed_writer *w, const struct seed_cell *cell,
                           struct str type)
{
    if (cell->is_null) {
        buf_printf(w->sql, "NULL");
        return;
    }
    struct str text = cell->text;
    const bool is_whole =
        str_equal_ignore_case(type, STR("INTEGER")) || str_equal_ignore_case(type, STR("BIGINT"));
    const size_t point = is_whole ? str_find_byte(text, '.') : SIZE_MAX;
    text = point == SIZE_MAX ? text : str_slice(text, 0, point);
    if (w->sends_sql && str_has_prefix(str_lower(w->arena, type), STR("timestamp")))
        text = time_for_sql(w->arena, text);
    buf_append_str(w->sql, duck_quote_literal(w->arena, text));
}

static void append_head(const struct seed_writer *w)
{
    buf_append_cstr(w->sql, "SELECT ");
    for (size_t c = 0; c < w->table->column_count; c++) {
        const struct str name = duck_quote_identifier(w->arena, w->table->columns[c].name);
        buf_printf(w->sql, "%sCAST(c%zu AS %.*s) AS %.*s", c > 0 ? ", " : "", c,
                   STR_ARGS(w->types[c]), STR_ARGS(name));
    }
    buf_append_cstr(w->sql, "\nFROM (VALUES ");
}

// @param row  SIZE_MAX = a row of NULLs, which types the columns of an empty seed
static void append_row(const struct seed_writer *w, size_t row, bool is_first)
{
    static const struct seed_cell none = {.is_null = true};
    buf_append_cstr(w->sql, is_first ? "\n(" : ",\n(");
    for (size_t c = 0; c < w->table->column_count; c++) {
        buf_append_cstr(w->sql, c > 0 ? ", " : "");
        append_literal(w, row == SIZE_MAX ? &none : &w->table->columns[c].values[row], w->types[c]);
    }
    buf_append_byte(w->sql, ')');
}

static void append_tail(const struct seed_writer *w, bool is_empty)
{
    buf_append_cstr(w->sql, ") AS seed (");
    for (size_t c = 0; c < w->table->column_count; c++)
        buf_printf(w->sql, "%sc%zu", c > 0 ? ", " : "", c);
    buf_append_cstr(w->sql, is_empty ? ") WHERE false" : ")");
}

// As many rows as one statement takes.
static size_t append_query(const struct seed_writer *w, size_t first)
{
    const size_t rows = w->table->row_count;
    size_t row = first;
    append_head(w);
    if (rows == 0)
        append_row(w, SIZE_MAX, true);
    for (; row < rows && row - first < w->max_rows; row++) {
        const size_t before = w->sql->length;
        append_row(w, row, row == first);
        if (w->sql->length > w->max_bytes && row > first) {
            buf_truncate(w->sql, before);
            break;
        }
    }
    append_tail(w, rows == 0);
    return row;
}

static rc read_table(struct scope *scope, struct seed_table *ret_table, struct err *err)
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
    TRY(seed_read(scope->arena, text, arena_cstr(scope->arena, node->original_path),
                  delimiter.length > 0 ? delimiter.bytes[0] : ',', &as_text, ret_table, err));
    if (ret_table->row_count == 0 && ret_table->column_count == 0)
        return err_set(err, RC_INVALID, "%.*s is empty", STR_ARGS(node->original_path));
    return RC_OK;
}

rc session_seed_queries(struct scope *scope, const struct seed_limits *limits, str_vec *ret_queries,
                        struct err *err)
{
    struct seed_table table;
    struct buf sql;
    str_vec queries = {0};
    TRY(read_table(scope, &table, err));
    struct seed_writer w = {.arena = scope->arena,
                            .table = &table,
                            .sql = &sql,
                            .sends_sql = limits->sends_sql,
                            .max_rows = limits->rows > 0 ? limits->rows : SIZE_MAX,
                            .max_bytes = limits->bytes > 0 ? limits->bytes : SIZE_MAX};
    w.types = ARENA_ARRAY(scope->arena, struct str, table.column_count);
    for (size_t c = 0; c < table.column_count; c++)
        w.types[c] = column_type_of(&w, scope->node, &table.columns[c]);
    buf_init(&sql, 8 * (size_t)TRANSFORM_MAX_FILE_BYTES);
    rc result = RC_OK;
    for (size_t row = 0; result == RC_OK && (row < table.row_count || queries.count == 0);) {
        buf_clear(&sql);
        row = append_query(&w, row);
        result = buf_check(&sql, err, "the SQL of a seed");
        *vec_push(scope->arena, &queries) = arena_str(scope->arena, buf_str(&sql));
    }
    buf_done(&sql);
    *ret_queries = queries;
    return result;
}
