// The adapter for a DuckDB file: tables and views as dbt-duckdb makes them. Layer: transform.
// Every commit is one transaction of DuckDB, so readers see the old rows or the new ones.

#include "transform/adapter/duckdb.h"

#include "transform/transform.h"

static rc open_duckdb(struct adapter *adapter, struct err *err)
{
    const struct profile *profile = &adapter->t->profile;
    struct duck_options options = {.threads = (int)profile->threads};
    struct str path = profile->path;
    if (path.length > 0 && !str_is(path, ":memory:") && path.bytes[0] != '/')
        path =
            arena_printf(adapter->arena, "%.*s/%.*s", STR_ARGS(adapter->t->folder), STR_ARGS(path));
    if (!str_is(path, ":memory:"))
        options.path = path;
    return duck_open(adapter->arena, &options, &adapter->duck, err);
}

rc duckdb_connect(struct session *session, struct err *err)
{
    struct arena *arena = session->arena;
    TRY(duck_connect(session->adapter->duck, arena, &session->connection, err));
    const struct str database = duck_quote_identifier(arena, session->adapter->t->profile.database);
    return duck_execute(session->connection, arena_printf(arena, "USE %.*s", STR_ARGS(database)),
                        NULL, NULL, err);
}

void duckdb_disconnect(struct session *session)
{
    if (session->connection != NULL)
        duck_disconnect(session->connection);
    session->connection = NULL;
}

void duckdb_close(struct adapter *adapter)
{
    duck_close(adapter->duck);
    adapter->duck = NULL;
}

rc duckdb_query(struct session *session, struct arena *arena, struct str sql,
                struct duck_rows *ret_rows, struct err *err)
{
    return ret_rows == NULL ? duck_script(session->connection, sql, err)
                            : duck_query(session->connection, arena, sql, NULL, ret_rows, err);
}

rc duckdb_describe(struct session *session, struct arena *arena, struct str from,
                   struct duck_rows *ret_rows, struct err *err)
{
    return duck_query(session->connection, arena,
                      arena_printf(arena, "DESCRIBE SELECT * FROM %.*s", STR_ARGS(from)), NULL,
                      ret_rows, err);
}

rc duckdb_has_schema(struct session *session, struct str schema, bool *ret_has, struct err *err)
{
    const struct duck_value values[] = {duck_text(session->adapter->t->profile.database),
                                        duck_text(schema)};
    const struct duck_params params = {values, 2};
    struct duck_rows rows;
    TRY(duck_query(session->connection, session->arena,
                   STR("SELECT count(*) FROM duckdb_schemas() WHERE lower(database_name) = "
                       "lower(?) AND lower(schema_name) = lower(?)"),
                   &params, &rows, err));
    *ret_has = duck_cell(&rows, 0, 0)->integer > 0;
    return RC_OK;
}

rc duckdb_list(struct session *session, struct str schema, struct value list, struct err *err)
{
    const struct duck_value values[] = {duck_text(session->adapter->t->profile.database),
                                        duck_text(schema)};
    const struct duck_params params = {values, 2};
    struct duck_rows rows;
    TRY(duck_query(session->connection, session->arena,
                   STR("SELECT table_name, table_type FROM information_schema.tables WHERE "
                       "lower(table_catalog) = lower(?) AND lower(table_schema) = lower(?) "
                       "ORDER BY table_name"),
                   &params, &rows, err));
    for (size_t i = 0; i < rows.row_count; i++) {
        const bool is_view = str_is(duck_cell(&rows, i, 1)->text, "VIEW");
        list_push(list,
                  relation_value(relation_new(session->arena, session->adapter->t->profile.database,
                                              schema, duck_cell(&rows, i, 0)->text,
                                              is_view ? RELATION_VIEW : RELATION_TABLE)));
    }
    return RC_OK;
}

rc duckdb_find(struct session *session, const struct relation *relation,
               struct relation_info *ret_info, struct err *err)
{
    const struct duck_value values[] = {
        duck_text(relation->database.length > 0 ? relation->database
                                                : session->adapter->t->profile.database),
        duck_text(relation->schema), duck_text(relation->identifier)};
    const struct duck_params params = {values, 3};
    struct duck_rows rows;
    TRY(duck_query(session->connection, session->arena,
                   STR("SELECT table_type FROM information_schema.tables WHERE "
                       "lower(table_catalog) = lower(?) AND lower(table_schema) = lower(?) AND "
                       "lower(table_name) = lower(?)"),
                   &params, &rows, err));
    struct relation_info info = {.exists = rows.row_count > 0};
    if (info.exists)
        info.type = str_is(duck_cell(&rows, 0, 0)->text, "VIEW") ? RELATION_VIEW : RELATION_TABLE;
    *ret_info = info;
    return RC_OK;
}

rc duckdb_create_schema(struct session *session, struct str schema, struct err *err)
{
    struct arena *arena = session->arena;
    const struct str database = duck_quote_identifier(arena, session->adapter->t->profile.database);
    const struct str name = duck_quote_identifier(arena, schema);
    return duck_execute(session->connection,
                        arena_printf(arena, "CREATE SCHEMA IF NOT EXISTS %.*s.%.*s",
                                     STR_ARGS(database), STR_ARGS(name)),
                        NULL, NULL, err);
}

static rc drop(struct session *session, const struct relation *relation, struct err *err)
{
    struct relation_info info;
    TRY(duckdb_find(session, relation, &info, err));
    if (!info.exists)
        return RC_OK;
    const struct str name = relation_render(session->arena, relation);
    return duck_execute(session->connection,
                        arena_printf(session->arena, "DROP %s %.*s",
                                     info.type == RELATION_VIEW ? "VIEW" : "TABLE", STR_ARGS(name)),
                        NULL, NULL, err);
}

static rc rename_duckdb(struct session *session, const struct relation *from,
                        const struct relation *to, struct err *err)
{
    struct relation_info info;
    TRY(duckdb_find(session, from, &info, err));
    const struct str name = relation_render(session->arena, from);
    const struct str target = duck_quote_identifier(session->arena, to->identifier);
    return duck_execute(session->connection,
                        arena_printf(session->arena, "ALTER %s %.*s RENAME TO %.*s",
                                     info.type == RELATION_VIEW ? "VIEW" : "TABLE", STR_ARGS(name),
                                     STR_ARGS(target)),
                        NULL, NULL, err);
}

static rc create_view(struct session *session, const struct relation *relation, struct str sql,
                      struct err *err)
{
    const struct str name = relation_render(session->arena, relation);
    return duck_execute(session->connection,
                        arena_printf(session->arena, "CREATE OR REPLACE VIEW %.*s AS (\n%.*s\n)",
                                     STR_ARGS(name), STR_ARGS(sql)),
                        NULL, NULL, err);
}

// ---- commits

struct str duckdb_column_list(struct arena *arena, const struct duck_rows *columns,
                              const char *prefix)
{
    str_vec names = {0};
    for (size_t i = 0; i < columns->row_count; i++) {
        const struct str name = duck_quote_identifier(arena, duck_cell(columns, i, 0)->text);
        *vec_push(arena, &names) = arena_printf(arena, "%s%.*s", prefix, STR_ARGS(name));
    }
    return str_join(arena, names.items, names.count, STR(", "));
}

struct str duckdb_key_condition(struct arena *arena, const struct commit_options *options)
{
    str_vec parts = {0};
    for (size_t i = 0; i < options->key_count; i++) {
        const struct str key = options->keys[i];
        // A key may be an expression of dbt users; a plain name is quoted.
        *vec_push(arena, &parts) =
            arena_printf(arena, "dbt_new.%.*s = dbt_old.%.*s", STR_ARGS(key), STR_ARGS(key));
    }
    if (options->predicates.length > 0)
        *vec_push(arena, &parts) =
            arena_printf(arena, "(%.*s)",
                         STR_ARGS(str_replace(arena,
                                              str_replace(arena, options->predicates,
                                                          STR("DBT_INTERNAL_DEST"), STR("dbt_old")),
                                              STR("DBT_INTERNAL_SOURCE"), STR("dbt_new"))));
    return str_join(arena, parts.items, parts.count, STR(" and "));
}

rc duckdb_check_changes(struct session *session, const struct commit_options *options,
                        const struct relation *relation, const column_change_vec *changes,
                        struct err *err)
{
    if (changes->count == 0 || !str_is(options->on_schema_change, "fail"))
        return RC_OK;
    static const char *const kinds[] = {"new", "missing", "of another type"};
    str_vec parts = {0};
    for (size_t i = 0; i < changes->count; i++)
        *vec_push(session->arena, &parts) =
            arena_printf(session->arena, "%.*s (%s)", STR_ARGS(changes->items[i].name),
                         kinds[changes->items[i].kind]);
    const struct str list = str_join(session->arena, parts.items, parts.count, STR(", "));
    const struct str name = relation_render(session->arena, relation);
    err_set(err, RC_FAILED, "the columns of the model and of %.*s differ: %.*s", STR_ARGS(name),
            STR_ARGS(list));
    return err_hint(err, "run once with --full-refresh, or choose another on_schema_change");
}

static rc alter(struct session *session, struct str table, const struct column_change *change,
                const struct commit_options *options, struct err *err)
{
    const bool syncs = str_is(options->on_schema_change, "sync_all_columns");
    const bool adds = syncs || str_is(options->on_schema_change, "append_new_columns");
    const struct str name = duck_quote_identifier(session->arena, change->name);
    struct str sql = STR("");
    if (change->kind == COLUMN_ADDED && adds)
        sql = arena_printf(session->arena, "ALTER TABLE %.*s ADD COLUMN %.*s %.*s", STR_ARGS(table),
                           STR_ARGS(name), STR_ARGS(change->type));
    else if (change->kind == COLUMN_REMOVED && syncs)
        sql = arena_printf(session->arena, "ALTER TABLE %.*s DROP COLUMN %.*s", STR_ARGS(table),
                           STR_ARGS(name));
    else if (change->kind == COLUMN_RETYPED && syncs)
        sql = arena_printf(session->arena, "ALTER TABLE %.*s ALTER COLUMN %.*s TYPE %.*s",
                           STR_ARGS(table), STR_ARGS(name), STR_ARGS(change->type));
    return sql.length == 0 ? RC_OK : duck_execute(session->connection, sql, NULL, NULL, err);
}

// Columns that both the query and the table have (after the schema change).
static rc common_columns(struct session *session, struct str table, struct str *ret_list,
                         struct duck_rows *ret_columns, struct err *err)
{
    struct duck_rows old, new;
    TRY(session_describe(session, session->arena, table, &old, err));
    TRY(session_describe(session, session->arena, STR("temp.dbt_new"), &new, err));
    struct duck_value *values = ARENA_ARRAY(session->arena, struct duck_value, new.row_count + 1);
    struct duck_rows common = {.columns = new.columns, .column_count = 1, .values = values};
    for (size_t i = 0; i < new.row_count; i++)
        for (size_t k = 0; k < old.row_count; k++)
            if (str_equal_ignore_case(duck_cell(&new, i, 0)->text, duck_cell(&old, k, 0)->text))
                values[common.row_count++] = *duck_cell(&new, i, 0);
    *ret_list = duckdb_column_list(session->arena, &common, "");
    *ret_columns = common;
    return RC_OK;
}

static rc merge_rows(struct session *session, struct str table, struct str columns,
                     const struct duck_rows *names, const struct commit_options *options,
                     int64_t *ret_rows, struct err *err)
{
    struct arena *arena = session->arena;
    str_vec sets = {0};
    for (size_t i = 0; i < names->row_count; i++) {
        bool is_wanted = options->updates == NULL;
        const struct str name = duck_cell(names, i, 0)->text;
        for (size_t u = 0; u < options->update_count && !is_wanted; u++)
            is_wanted = str_equal_ignore_case(options->updates[u], name);
        const struct str quoted = duck_quote_identifier(arena, name);
        if (is_wanted)
            *vec_push(arena, &sets) =
                arena_printf(arena, "%.*s = dbt_new.%.*s", STR_ARGS(quoted), STR_ARGS(quoted));
    }
    const struct str set_list = str_join(arena, sets.items, sets.count, STR(", "));
    const struct str condition = duckdb_key_condition(arena, options);
    const struct str values = duckdb_column_list(arena, names, "dbt_new.");
    return duck_execute(
        session->connection,
        arena_printf(arena,
                     "MERGE INTO %.*s AS dbt_old USING temp.dbt_new AS dbt_new ON (%.*s)\n"
                     "WHEN MATCHED THEN UPDATE SET %.*s\n"
                     "WHEN NOT MATCHED THEN INSERT (%.*s) VALUES (%.*s)",
                     STR_ARGS(table), STR_ARGS(condition), STR_ARGS(set_list), STR_ARGS(columns),
                     STR_ARGS(values)),
        NULL, ret_rows, err);
}

static rc insert_rows(struct session *session, struct str table, struct str columns,
                      const struct commit_options *options, int64_t *ret_rows, struct err *err)
{
    struct arena *arena = session->arena;
    if (options->mode == COMMIT_DELETE_INSERT && options->key_count > 0) {
        const struct str condition = duckdb_key_condition(arena, options);
        TRY(duck_execute(session->connection,
                         arena_printf(arena,
                                      "DELETE FROM %.*s AS dbt_old USING temp.dbt_new AS dbt_new "
                                      "WHERE %.*s",
                                      STR_ARGS(table), STR_ARGS(condition)),
                         NULL, NULL, err));
    }
    return duck_execute(session->connection,
                        arena_printf(arena, "INSERT INTO %.*s (%.*s) SELECT %.*s FROM temp.dbt_new",
                                     STR_ARGS(table), STR_ARGS(columns), STR_ARGS(columns)),
                        NULL, ret_rows, err);
}

static rc change_table(struct session *session, const struct relation *relation, struct str sql,
                       const struct commit_options *options, int64_t *ret_rows, struct err *err)
{
    struct arena *arena = session->arena;
    const struct str table = relation_render(arena, relation);
    if (options->mode == COMMIT_REPLACE) {
        TRY(duck_execute(session->connection,
                         arena_printf(arena, "CREATE OR REPLACE TABLE %.*s AS (\n%.*s\n)",
                                      STR_ARGS(table), STR_ARGS(sql)),
                         NULL, NULL, err));
        struct duck_rows count;
        TRY(duck_query(session->connection, arena,
                       arena_printf(arena, "SELECT count(*) FROM %.*s", STR_ARGS(table)), NULL,
                       &count, err));
        *ret_rows = duck_cell(&count, 0, 0)->integer;
        return RC_OK;
    }
    column_change_vec changes = {0};
    TRY(session_changes(session, arena, sql, relation, &changes, err));
    TRY(duckdb_check_changes(session, options, relation, &changes, err));
    TRY(duck_execute(
        session->connection,
        arena_printf(arena, "CREATE OR REPLACE TEMP TABLE dbt_new AS (\n%.*s\n)", STR_ARGS(sql)),
        NULL, NULL, err));
    for (size_t i = 0; i < changes.count; i++)
        TRY(alter(session, table, &changes.items[i], options, err));
    struct str columns;
    struct duck_rows names;
    TRY(common_columns(session, table, &columns, &names, err));
    if (options->mode == COMMIT_MERGE)
        return merge_rows(session, table, columns, &names, options, ret_rows, err);
    return insert_rows(session, table, columns, options, ret_rows, err);
}

static rc commit(struct session *session, const struct relation *relation, struct str sql,
                 const struct commit_options *options, int64_t *ret_rows, struct err *err)
{
    TRY(duck_execute(session->connection, STR("BEGIN"), NULL, NULL, err));
    rc result = change_table(session, relation, sql, options, ret_rows, err);
    struct err ignored;
    if (result == RC_OK)
        result = duck_execute(session->connection, STR("COMMIT"), NULL, NULL, err);
    if (result != RC_OK &&
        duck_execute(session->connection, STR("ROLLBACK"), NULL, NULL, &ignored) != RC_OK)
        return result; // the failed statement ended the transaction
    return result;
}

static rc comment(struct session *session, const char *kind, struct str name, struct str text,
                  struct err *err)
{
    const struct str literal = duck_quote_literal(session->arena, text);
    return duck_execute(session->connection,
                        arena_printf(session->arena, "COMMENT ON %s %.*s IS %.*s", kind,
                                     STR_ARGS(name), STR_ARGS(literal)),
                        NULL, NULL, err);
}

static rc document(struct session *session, const struct relation *relation,
                   const struct relation_docs *docs, struct err *err)
{
    struct arena *arena = session->arena;
    struct relation_info info;
    TRY(duckdb_find(session, relation, &info, err));
    const struct str name = relation_render(arena, relation);
    const char *kind = info.type == RELATION_VIEW ? "VIEW" : "TABLE";
    if (docs->comment.length > 0)
        TRY(comment(session, kind, name, docs->comment, err));
    struct duck_rows columns;
    TRY(session_describe(session, arena, name, &columns, err));
    for (size_t i = 0; i < columns.row_count; i++)
        for (size_t k = 0; k < docs->count; k++) {
            const struct str column = duck_cell(&columns, i, 0)->text;
            if (!str_equal_ignore_case(column, docs->names[k]))
                continue;
            const struct str quoted = duck_quote_identifier(arena, column);
            const struct str full =
                arena_printf(arena, "%.*s.%.*s", STR_ARGS(name), STR_ARGS(quoted));
            TRY(comment(session, "COLUMN", full, docs->docs[k], err));
        }
    return RC_OK;
}

static rc allow(struct session *session, struct str sql, struct err *err)
{
    (void)session, (void)sql, (void)err;
    return RC_OK;
}

const struct adapter_class adapter_duckdb = {
    .name = "duckdb",
    .type = "duckdb",
    .package = "dbt_duckdb",
    .open = open_duckdb,
    .close = duckdb_close,
    .connect = duckdb_connect,
    .disconnect = duckdb_disconnect,
    .query = duckdb_query,
    .describe = duckdb_describe,
    .has_schema = duckdb_has_schema,
    .list = duckdb_list,
    .find = duckdb_find,
    .create_schema = duckdb_create_schema,
    .drop = drop,
    .rename = rename_duckdb,
    .create_view = create_view,
    .commit = commit,
    .document = document,
    .check_statement = allow,
};
