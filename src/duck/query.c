/// @file query.c
/// Running statements: prepare, bind, execute, fetch; DuckDB's errors in our classes. Layer: duck.

#include <stdio.h>

#include "base/json.h"
#include "base/runtime.h"
#include "duck/internal.h"

struct prefix_code {
    const char *prefix;
    rc code;
    const char *hint;
};

static const struct prefix_code prefixes[] = {
    {"INTERRUPT Error", RC_INTERRUPTED, ""},
    {"Parser Error", RC_INVALID, ""},
    {"Syntax Error", RC_INVALID, ""},
    {"Binder Error", RC_INVALID, ""},
    {"Catalog Error", RC_NOT_FOUND, ""},
    {"Conversion Error", RC_INVALID, ""},
    {"Invalid Input Error", RC_INVALID, ""},
    {"Invalid Error", RC_INVALID, ""},
    {"Out of Range Error", RC_INVALID, ""},
    {"Mismatch Type Error", RC_INVALID, ""},
    {"Constraint Error", RC_INVALID, ""},
    {"Out of Memory Error", RC_LIMIT, "give the engine more memory, or fewer threads"},
    {"Permission Error", RC_DENIED, ""},
    {"Not implemented Error", RC_UNSUPPORTED, ""},
    {"Missing Extension Error", RC_UNSUPPORTED, ""},
    {"HTTP Error", RC_HTTP, ""},
    {"IO Error", RC_IO, ""},
    {"INTERNAL Error", RC_INTERNAL, ""},
    {"FATAL Error", RC_INTERNAL, ""},
};

/// IO errors carry the system's words.
static const struct prefix_code io_words[] = {
    {"No space left", RC_NO_SPACE, ""},           {"Disk quota", RC_NO_SPACE, ""},
    {"max_temp_directory_size", RC_NO_SPACE, ""}, {"Permission denied", RC_DENIED, ""},
    {"Read-only file system", RC_DENIED, ""},     {"No such file", RC_NOT_FOUND, ""},
    {"No files found", RC_NOT_FOUND, ""},         {"Conflicting lock", RC_BUSY, ""},
    {"Could not set lock", RC_BUSY, ""},
};

static const struct prefix_code *code_of(struct str message)
{
    static const struct prefix_code other = {"", RC_FAILED, ""};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (!str_has_prefix(message, str_of(prefixes[i].prefix)))
            continue;
        if (prefixes[i].code == RC_IO)
            for (size_t j = 0; j < sizeof io_words / sizeof io_words[0]; j++)
                if (str_contains(message, str_of(io_words[j].prefix)))
                    return &io_words[j];
        return &prefixes[i];
    }
    return &other;
}

rc duck_fail(struct duck_connection *connection, const char *message, struct err *err)
{
    if (message == NULL)
        message = "no message";
    if (connection != NULL) {
        const rc result = feeds_failure(connection->duck->feeds, message, err);
        if (result != RC_OK)
            return result;
    }
    const struct prefix_code *found = code_of(str_of(message));
    if (found->code == RC_INTERRUPTED)
        return err_set(err, RC_INTERRUPTED, "the query was interrupted");
    // The class is in the code; what people need is the rest.
    struct str text = str_of(message);
    const size_t colon = str_find(text, STR(" Error: "));
    if (colon < 32 && (found->code == RC_INVALID || found->code == RC_NOT_FOUND))
        text = str_slice(text, colon + sizeof " Error: " - 1, SIZE_MAX);
    err_set(err, found->code, "%.*s", STR_ARGS(str_trim(text)));
    if (found->hint[0] != '\0')
        err_hint(err, "%s", found->hint);
    return found->code;
}

static duckdb_state bind_one(duckdb_prepared_statement statement, idx_t index,
                             const struct duck_value *value)
{
    if (value->is_null)
        return duck_library->bind_null(statement, index);
    switch (value->kind) {
    case DUCK_BOOL:
        return duck_library->bind_boolean(statement, index, value->boolean);
    case DUCK_INT:
        return duck_library->bind_int64(statement, index, value->integer);
    case DUCK_DOUBLE:
        return duck_library->bind_double(statement, index, value->real);
    case DUCK_DATE:
        return duck_library->bind_date(statement, index, (duckdb_date){(int32_t)value->integer});
    case DUCK_TIME:
        return duck_library->bind_time(statement, index, (duckdb_time){value->integer});
    case DUCK_TIMESTAMP:
        return duck_library->bind_timestamp(statement, index, (duckdb_timestamp){value->integer});
    case DUCK_TIMESTAMPTZ:
        return duck_library->bind_timestamp_tz(statement, index,
                                               (duckdb_timestamp){value->integer});
    case DUCK_BLOB:
        return duck_library->bind_blob(statement, index, value->text.bytes, value->text.length);
    default:
        return duck_library->bind_varchar_length(statement, index, value->text.bytes,
                                                 value->text.length);
    }
}

static rc bind_all(duckdb_prepared_statement statement, const struct duck_params *params,
                   struct err *err)
{
    const size_t given = params != NULL ? params->count : 0;
    const size_t wanted = duck_library->nparams(statement);
    if (given != wanted)
        return err_set(err, RC_INVALID, "the statement has %zu parameters, %zu values were given",
                       wanted, given);
    for (size_t i = 0; i < given; i++)
        if (bind_one(statement, i + 1, &params->items[i]) != DuckDBSuccess)
            return err_set(err, RC_INVALID, "parameter %zu of the statement cannot be bound",
                           i + 1);
    return RC_OK;
}

static rc execute(struct duck_connection *connection, duckdb_prepared_statement statement,
                  bool is_streaming, duckdb_result *ret_result, struct err *err)
{
    const duckdb_state state = is_streaming
                                   ? duck_library->execute_prepared_streaming(statement, ret_result)
                                   : duck_library->execute_prepared(statement, ret_result);
    if (state == DuckDBSuccess)
        return RC_OK;
    const rc result = duck_fail(connection, duck_library->result_error(ret_result), err);
    duck_library->destroy_result(ret_result);
    return result;
}

/// @param ret_statement  must outlive a streaming result
static rc run(struct duck_connection *connection, struct str sql, const struct duck_params *params,
              bool is_streaming, duckdb_prepared_statement *ret_statement,
              duckdb_result *ret_result, struct err *err)
{
    TRY(runtime_check(err));
    TRY(remotes_refresh(connection->duck->remotes, err));
    struct arena *scratch = arena_open(NULL);
    duckdb_prepared_statement statement = NULL;
    const duckdb_state prepared =
        duck_library->prepare(connection->handle, arena_cstr(scratch, sql), &statement);
    arena_close(scratch);
    rc result = prepared == DuckDBSuccess
                    ? bind_all(statement, params, err)
                    : duck_fail(connection, duck_library->prepare_error(statement), err);
    if (result == RC_OK)
        result = execute(connection, statement, is_streaming, ret_result, err);
    if (result != RC_OK) {
        duck_library->destroy_prepare(&statement);
        return result;
    }
    *ret_statement = statement;
    return RC_OK;
}

rc duck_execute(struct duck_connection *connection, struct str sql,
                const struct duck_params *params, int64_t *ret_changes, struct err *err)
{
    duckdb_prepared_statement statement;
    duckdb_result result;
    TRY(run(connection, sql, params, false, &statement, &result, err));
    if (ret_changes != NULL)
        *ret_changes = (int64_t)duck_library->rows_changed(&result);
    duck_library->destroy_result(&result);
    duck_library->destroy_prepare(&statement);
    return RC_OK;
}

rc duck_script(struct duck_connection *connection, struct str sql, struct err *err)
{
    TRY(runtime_check(err));
    TRY(remotes_refresh(connection->duck->remotes, err));
    struct arena *scratch = arena_open(NULL);
    duckdb_result result;
    const duckdb_state state =
        duck_library->query(connection->handle, arena_cstr(scratch, sql), &result);
    arena_close(scratch);
    const rc code = state == DuckDBSuccess
                        ? RC_OK
                        : duck_fail(connection, duck_library->result_error(&result), err);
    duck_library->destroy_result(&result);
    return code;
}

struct duck_stream {
    struct duck_connection *connection;
    struct arena *scratch; // rows of the current chunk
    duckdb_prepared_statement statement;
    duckdb_result result;
    bool is_open;
    struct duck_column *columns;
    struct value_reader **readers;
    size_t column_count;
};

static void close_deferred(void *object)
{
    duck_stream_close(object);
}

static void describe(struct duck_stream *stream, struct arena *arena)
{
    stream->column_count = duck_library->column_count(&stream->result);
    stream->columns = ARENA_ARRAY(arena, struct duck_column, stream->column_count);
    stream->readers = ARENA_ARRAY(arena, struct value_reader *, stream->column_count);
    for (size_t i = 0; i < stream->column_count; i++) {
        duckdb_logical_type type = duck_library->column_logical_type(&stream->result, i);
        stream->readers[i] = value_reader_open(arena, type);
        duck_library->destroy_logical_type(&type);
        const char *name = duck_library->column_name(&stream->result, i);
        stream->columns[i] =
            value_reader_column(stream->readers[i], arena_str(arena, str_of(name)));
    }
}

static rc stream_open(struct duck_connection *connection, struct arena *arena, struct str sql,
                      const struct duck_params *params, bool is_streaming,
                      struct duck_stream **ret_stream, struct err *err)
{
    struct duck_stream *stream = ARENA_NEW(arena, struct duck_stream);
    stream->connection = connection;
    TRY(run(connection, sql, params, is_streaming, &stream->statement, &stream->result, err));
    stream->is_open = true;
    stream->scratch = arena_open(arena);
    describe(stream, arena);
    arena_defer(arena, close_deferred, stream);
    *ret_stream = stream;
    return RC_OK;
}

rc duck_stream_open(struct duck_connection *connection, struct arena *arena, struct str sql,
                    const struct duck_params *params, struct duck_stream **ret_stream,
                    struct err *err)
{
    return stream_open(connection, arena, sql, params, true, ret_stream, err);
}

const struct duck_column *duck_stream_columns(const struct duck_stream *stream, size_t *ret_count)
{
    *ret_count = stream->column_count;
    return stream->columns;
}

static rc read_chunk(struct duck_stream *stream, duckdb_data_chunk chunk, size_t row_count,
                     struct arena *arena, struct duck_value *values, struct err *err)
{
    for (size_t column = 0; column < stream->column_count; column++) {
        struct value_reader *reader = stream->readers[column];
        value_reader_set_vector(reader, duck_library->data_chunk_get_vector(chunk, column));
        for (size_t row = 0; row < row_count; row++)
            TRY_CONTEXT(
                value_read(reader, row, arena, &values[row * stream->column_count + column], err),
                err, "column %.*s", STR_ARGS(stream->columns[column].name));
    }
    return RC_OK;
}

/// @return the next chunk with rows in it; NULL with RC_EOF at the end
static rc fetch(struct duck_stream *stream, duckdb_data_chunk *ret_chunk, size_t *ret_rows,
                struct err *err)
{
    for (;;) {
        TRY(runtime_check(err));
        duckdb_data_chunk chunk = duck_library->fetch_chunk(stream->result);
        if (chunk == NULL) {
            const char *message = duck_library->result_error(&stream->result);
            return message != NULL && *message != '\0' ? duck_fail(stream->connection, message, err)
                                                       : RC_EOF;
        }
        *ret_rows = duck_library->data_chunk_get_size(chunk);
        *ret_chunk = chunk;
        if (*ret_rows > 0)
            return RC_OK;
        duck_library->destroy_data_chunk(&chunk);
    }
}

rc duck_stream_next(struct duck_stream *stream, struct duck_rows *ret_rows, struct err *err)
{
    duckdb_data_chunk chunk;
    size_t row_count;
    TRY(fetch(stream, &chunk, &row_count, err));
    arena_reset(stream->scratch);
    struct duck_value *values =
        ARENA_ARRAY(stream->scratch, struct duck_value, row_count * stream->column_count);
    const rc result = read_chunk(stream, chunk, row_count, stream->scratch, values, err);
    duck_library->destroy_data_chunk(&chunk);
    if (result == RC_OK)
        *ret_rows = (struct duck_rows){stream->columns, stream->column_count, values, row_count};
    return result;
}

void duck_stream_close(struct duck_stream *stream)
{
    if (stream == NULL || !stream->is_open)
        return;
    stream->is_open = false;
    duck_library->destroy_result(&stream->result);
    duck_library->destroy_prepare(&stream->statement);
}

static rc read_all(struct duck_stream *stream, struct arena *arena, struct duck_rows *ret_rows,
                   struct err *err)
{
    VEC(struct duck_value) values = {0};
    size_t total = 0;
    for (;;) {
        duckdb_data_chunk chunk;
        size_t row_count;
        const rc fetched = fetch(stream, &chunk, &row_count, err);
        if (fetched == RC_EOF)
            break;
        TRY(fetched);
        if (total + row_count > DUCK_MAX_ROWS) {
            duck_library->destroy_data_chunk(&chunk);
            return err_set(err, RC_LIMIT, "the answer has more than %d rows", DUCK_MAX_ROWS);
        }
        struct duck_value *some =
            ARENA_ARRAY(arena, struct duck_value, row_count * stream->column_count);
        const rc result = read_chunk(stream, chunk, row_count, arena, some, err);
        duck_library->destroy_data_chunk(&chunk);
        TRY(result);
        for (size_t i = 0; i < row_count * stream->column_count; i++)
            *vec_push(arena, &values) = some[i];
        total += row_count;
    }
    *ret_rows = (struct duck_rows){stream->columns, stream->column_count, values.items, total};
    return RC_OK;
}

rc duck_query(struct duck_connection *connection, struct arena *arena, struct str sql,
              const struct duck_params *params, struct duck_rows *ret_rows, struct err *err)
{
    struct duck_stream *stream;
    TRY(stream_open(connection, arena, sql, params, false, &stream, err));
    const rc result = read_all(stream, arena, ret_rows, err);
    duck_stream_close(stream);
    return result;
}

static rc count_statements(struct duck_connection *connection, struct str sql, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    duckdb_extracted_statements statements = NULL;
    const idx_t count =
        duck_library->extract_statements(connection->handle, arena_cstr(scratch, sql), &statements);
    rc result = RC_OK;
    if (count == 0) {
        const char *message = duck_library->extract_statements_error(statements);
        result = message != NULL && *message != '\0'
                     ? duck_fail(connection, message, err)
                     : err_set(err, RC_INVALID, "there is no statement");
        if (result == RC_FAILED) // syntax errors come without their class here
            result = err != NULL ? (err->code = RC_INVALID) : RC_INVALID;
    } else if (count > 1) {
        result = err_set(err, RC_INVALID, "%llu statements were given, one is wanted",
                         (unsigned long long)count);
    }
    duck_library->destroy_extracted(&statements);
    arena_close(scratch);
    return result;
}

rc duck_parse_select(struct duck_connection *connection, struct arena *arena, struct str sql,
                     struct json *ret_tree, struct err *err)
{
    const struct duck_value param = duck_text(sql);
    struct duck_rows rows;
    TRY(duck_query(connection, arena,
                   STR("SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)"),
                   &(struct duck_params){&param, 1}, &rows, err));
    return json_parse(arena, duck_cell(&rows, 0, 0)->text, "the parsed statement", ret_tree, err);
}

static rc is_select(struct duck_connection *connection, struct arena *arena, struct str sql,
                    bool *ret_is_select, struct err *err)
{
    struct json tree;
    const rc result = duck_parse_select(connection, arena, sql, &tree, err);
    if (result == RC_LIMIT) { // nested deeper than JSON may be, so it is a tree at all
        *ret_is_select = true;
        return RC_OK;
    }
    TRY(result);
    *ret_is_select = !json_bool(json_get(&tree, STR("error")), true);
    return RC_OK;
}

/// What EXPLAIN explains: behind the word, ANALYZE and the options in parentheses.
static bool explained(struct str sql, struct str *ret_inner)
{
    struct str rest = str_trim(sql);
    if (!str_equal_ignore_case(str_slice(rest, 0, 7), STR("EXPLAIN")))
        return false;
    rest = str_trim(str_slice(rest, 7, SIZE_MAX));
    if (str_equal_ignore_case(str_slice(rest, 0, 7), STR("ANALYZE")))
        rest = str_trim(str_slice(rest, 7, SIZE_MAX));
    if (rest.length > 0 && rest.bytes[0] == '(') {
        const size_t end = str_find_byte(rest, ')');
        if (end != SIZE_MAX)
            rest = str_trim(str_slice(rest, end + 1, SIZE_MAX));
    }
    *ret_inner = rest;
    return true;
}

rc duck_statement_kind(struct duck_connection *connection, struct str sql,
                       enum duck_statement *ret_kind, struct err *err)
{
    TRY(count_statements(connection, sql, err));
    struct arena *scratch = arena_open(NULL);
    bool is_reading = false, is_explain = false;
    rc result = is_select(connection, scratch, sql, &is_reading, err);
    struct str inner;
    if (result == RC_OK && !is_reading && explained(sql, &inner)) {
        result = is_select(connection, scratch, inner, &is_explain, err);
    }
    arena_close(scratch);
    if (result == RC_OK)
        *ret_kind = is_reading   ? DUCK_STATEMENT_SELECT
                    : is_explain ? DUCK_STATEMENT_EXPLAIN
                                 : DUCK_STATEMENT_OTHER;
    return result;
}

/// Takes the next part of a dotted, quoted name.
static struct str next_part(struct arena *arena, struct str *rest)
{
    struct buf part;
    buf_init(&part, 65536);
    size_t i = 0;
    const bool is_quoted = rest->length > 0 && rest->bytes[0] == '"';
    for (i = is_quoted; i < rest->length; i++) {
        const char byte = rest->bytes[i];
        if (is_quoted && byte == '"') {
            if (i + 1 >= rest->length || rest->bytes[i + 1] != '"') {
                i++;
                break;
            }
            i++;
        } else if (!is_quoted && (byte == '.' || byte == ' ')) {
            break;
        }
        buf_append_byte(&part, byte);
    }
    // What follows the last part is the alias: "landing.games AS g".
    const bool has_more = i < rest->length && rest->bytes[i] == '.';
    *rest = has_more ? str_slice(*rest, i + 1, SIZE_MAX) : (struct str){"", 0};
    const struct str text = arena_str(arena, buf_str(&part));
    buf_done(&part);
    return text;
}

static struct duck_table_name split_name(struct arena *arena, struct str text)
{
    struct str parts[3] = {{0}};
    size_t count = 0;
    while (text.length > 0 && count < 3)
        parts[count++] = next_part(arena, &text);
    struct duck_table_name name = {.name = count > 0 ? parts[count - 1] : STR("")};
    if (count > 1)
        name.schema = parts[count - 2];
    if (count > 2)
        name.catalog = parts[0];
    return name;
}

/// Names of WITH clauses around the place that is looked at.
struct scope {
    const struct scope *outer;
    const struct json *map; // of entries {"key": name, "value": ...}
};

static bool is_in_scope(const struct scope *scope, struct str name)
{
    for (; scope != NULL; scope = scope->outer)
        for (size_t i = 0; i < scope->map->count; i++)
            if (str_equal_ignore_case(
                    json_str(json_get(&scope->map->items[i], STR("key")), STR("")), name))
                return true;
    return false;
}

static void add_table(struct arena *arena, const struct json *node, const struct scope *scope,
                      duck_table_names *names)
{
    const struct duck_table_name name = {
        .catalog = json_str(json_get(node, STR("catalog_name")), STR("")),
        .schema = json_str(json_get(node, STR("schema_name")), STR("")),
        .name = json_str(json_get(node, STR("table_name")), STR(""))};
    if (name.schema.length == 0 && is_in_scope(scope, name.name))
        return;
    for (size_t i = 0; i < names->count; i++)
        if (str_equal_ignore_case(names->items[i].catalog, name.catalog) &&
            str_equal_ignore_case(names->items[i].schema, name.schema) &&
            str_equal_ignore_case(names->items[i].name, name.name))
            return;
    *vec_push(arena, names) = name;
}

/// Collects the tables below a node. The depth is that of the JSON, which has its cap.
static void collect_tables(struct arena *arena, const struct json *node, const struct scope *scope,
                           duck_table_names *names)
{
    if (node->kind == JSON_ARRAY)
        for (size_t i = 0; i < node->count; i++)
            collect_tables(arena, &node->items[i], scope, names);
    if (node->kind != JSON_OBJECT)
        return;
    const struct json *map = json_path(node, "cte_map", "map");
    const struct scope inner = {.outer = scope, .map = map};
    if (map != NULL && map->count > 0)
        scope = &inner;
    if (str_is(json_str(json_get(node, STR("type")), STR("")), "BASE_TABLE"))
        add_table(arena, node, scope, names);
    for (size_t i = 0; i < node->count; i++)
        collect_tables(arena, &node->members[i].value, scope, names);
}

/// The engine's own list, for trees that are too deep for JSON. It cannot do JOIN ... USING.
static rc list_tables(struct duck_connection *connection, struct arena *arena, struct str sql,
                      duck_table_names *ret_names, struct err *err)
{
    duckdb_value list =
        duck_library->get_table_names(connection->handle, arena_cstr(arena, sql), true);
    if (list == NULL)
        return err_set(err, RC_LIMIT, "the query is nested too deep to tell its tables");
    duck_table_names names = {0};
    const idx_t count = duck_library->get_list_size(list);
    for (idx_t i = 0; i < count; i++) {
        duckdb_value item = duck_library->get_list_child(list, i);
        char *text = duck_library->get_varchar(item);
        *vec_push(arena, &names) = split_name(arena, str_of(text));
        duck_library->free(text);
        duck_library->destroy_value(&item);
    }
    duck_library->destroy_value(&list);
    *ret_names = names;
    return RC_OK;
}

rc duck_tables_of(struct duck_connection *connection, struct arena *arena, struct str sql,
                  duck_table_names *ret_names, struct err *err)
{
    TRY(count_statements(connection, sql, err));
    struct str inner;
    if (explained(sql, &inner))
        sql = inner;
    struct json tree;
    const rc parsed = duck_parse_select(connection, arena, sql, &tree, err);
    if (parsed == RC_LIMIT)
        return list_tables(connection, arena, sql, ret_names, err);
    TRY(parsed);
    if (json_bool(json_get(&tree, STR("error")), true))
        return err_set(err, RC_INVALID, "only the tables of a SELECT can be told");
    duck_table_names names = {0};
    collect_tables(arena, &tree, NULL, &names);
    *ret_names = names;
    return RC_OK;
}
