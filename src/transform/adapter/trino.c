// The adapter for Trino: dbt-trino's names and habits on Iceberg tables. Layer: transform.
// Source: dbt-trino 1.11 (settings, macros), trino.io/docs (Iceberg connector). What exists is
// asked of information_schema, table by table: nothing is kept, so hooks may change anything.

#include "project/project.h"
#include "transform/adapter/sql_engine.h"
#include "transform/transform.h"

static rc open_trino(struct adapter *adapter, struct err *err)
{
    return sql_engine_open(adapter, NULL, err);
}

static struct str quoted(struct session *session, struct str name)
{
    return duck_quote_identifier(session->arena, name);
}

// Trino's names are in lower case, however they were written.
static struct str literal(struct session *session, struct str text)
{
    return duck_quote_literal(session->arena, str_lower(session->arena, text));
}

static struct str catalog_of(struct session *session, const struct relation *relation)
{
    return relation != NULL && relation->database.length > 0
               ? relation->database
               : session->adapter->t->profile.database;
}

static enum relation_type type_of(struct str table_type)
{
    return str_is(table_type, "VIEW") ? RELATION_VIEW : RELATION_TABLE;
}

static rc find(struct session *session, const struct relation *relation,
               struct relation_info *ret_info, struct err *err)
{
    struct duck_rows rows;
    const struct str catalog = quoted(session, catalog_of(session, relation));
    TRY(sql_engine_execute(
        session, session->arena,
        arena_printf(session->arena,
                     "SELECT table_type FROM %.*s.information_schema.tables WHERE "
                     "table_schema = %.*s AND table_name = %.*s",
                     STR_ARGS(catalog), STR_ARGS(literal(session, relation->schema)),
                     STR_ARGS(literal(session, relation->identifier))),
        &rows, NULL, err));
    struct relation_info info = {.exists = rows.row_count > 0};
    if (info.exists)
        info.type = type_of(duck_cell(&rows, 0, 0)->text);
    *ret_info = info;
    return RC_OK;
}

static rc list(struct session *session, struct str schema, struct value list, struct err *err)
{
    struct duck_rows rows;
    const struct str catalog = session->adapter->t->profile.database;
    TRY(sql_engine_execute(
        session, session->arena,
        arena_printf(session->arena,
                     "SELECT table_name, table_type FROM %.*s.information_schema.tables WHERE "
                     "table_schema = %.*s ORDER BY table_name",
                     STR_ARGS(quoted(session, catalog)), STR_ARGS(literal(session, schema))),
        &rows, NULL, err));
    for (size_t i = 0; i < rows.row_count; i++)
        list_push(list, relation_value(relation_new(session->arena, catalog, schema,
                                                    duck_cell(&rows, i, 0)->text,
                                                    type_of(duck_cell(&rows, i, 1)->text))));
    return RC_OK;
}

static rc has_schema(struct session *session, struct str schema, bool *ret_has, struct err *err)
{
    struct duck_rows rows;
    TRY(sql_engine_execute(
        session, session->arena,
        arena_printf(session->arena,
                     "SELECT 1 FROM %.*s.information_schema.schemata WHERE schema_name = %.*s",
                     STR_ARGS(quoted(session, session->adapter->t->profile.database)),
                     STR_ARGS(literal(session, schema))),
        &rows, NULL, err));
    *ret_has = rows.row_count > 0;
    return RC_OK;
}

// A namespace of moulin.yml with a location of its own keeps it here too.
static struct str location_of(struct session *session, struct str schema)
{
    const struct transform *t = session->adapter->t;
    const struct project *project = t->profile.is_moulin ? t->options->project : NULL;
    for (size_t i = 0; project != NULL && i < project->environment->namespace_count; i++) {
        const struct project_namespace *one = &project->environment->namespaces[i];
        if (str_equal(transform_schema(t, one->name), schema))
            return one->location;
    }
    return STR("");
}

static rc create_schema(struct session *session, struct str schema, struct err *err)
{
    bool is_there = false;
    TRY(has_schema(session, schema, &is_there, err)); // asking needs fewer rights than creating
    if (is_there)
        return RC_OK;
    const struct str location = location_of(session, schema);
    struct str with = STR("");
    if (location.length > 0)
        with = arena_printf(session->arena, " WITH (location = %.*s)",
                            STR_ARGS(duck_quote_literal(session->arena, location)));
    return sql_engine_say(session, err, "CREATE SCHEMA IF NOT EXISTS %.*s.%.*s%.*s",
                          STR_ARGS(quoted(session, session->adapter->t->profile.database)),
                          STR_ARGS(quoted(session, schema)), STR_ARGS(with));
}

static const char *kind_of(enum relation_type type)
{
    return type == RELATION_VIEW ? "VIEW" : "TABLE";
}

static rc drop(struct session *session, const struct relation *relation, struct err *err)
{
    struct relation_info info;
    TRY(find(session, relation, &info, err));
    if (!info.exists)
        return RC_OK;
    return sql_engine_say(session, err, "DROP %s IF EXISTS %.*s", kind_of(info.type),
                          STR_ARGS(relation_render(session->arena, relation)));
}

static rc rename_trino(struct session *session, const struct relation *from,
                       const struct relation *to, struct err *err)
{
    struct relation_info info;
    TRY(find(session, from, &info, err));
    return sql_engine_say(session, err, "ALTER %s %.*s RENAME TO %.*s", kind_of(info.type),
                          STR_ARGS(relation_render(session->arena, from)),
                          STR_ARGS(relation_render(session->arena, to)));
}

static struct str comment_text(struct session *session, struct str text)
{
    return text.length > 0 ? duck_quote_literal(session->arena, text) : STR("NULL");
}

static rc document(struct session *session, const struct relation *relation,
                   const struct relation_docs *docs, struct err *err)
{
    struct arena *arena = session->arena;
    struct relation_info info;
    struct duck_rows columns;
    TRY(find(session, relation, &info, err));
    const struct str name = relation_render(arena, relation);
    if (docs->comment.length > 0)
        TRY(sql_engine_say(session, err, "COMMENT ON %s %.*s IS %.*s", kind_of(info.type),
                           STR_ARGS(name), STR_ARGS(comment_text(session, docs->comment))));
    if (docs->count == 0)
        return RC_OK;
    TRY(sql_engine_describe(session, arena, name, &columns, err));
    for (size_t i = 0; i < columns.row_count; i++)
        for (size_t k = 0; k < docs->count; k++)
            if (str_equal_ignore_case(duck_cell(&columns, i, 0)->text, docs->names[k]))
                TRY(sql_engine_say(session, err, "COMMENT ON COLUMN %.*s.%.*s IS %.*s",
                                   STR_ARGS(name),
                                   STR_ARGS(quoted(session, duck_cell(&columns, i, 0)->text)),
                                   STR_ARGS(comment_text(session, docs->docs[k]))));
    return RC_OK;
}

const struct adapter_class adapter_trino = {
    .name = "trino",
    .type = "trino",
    .package = "dbt_trino",
    .sends_sql = true,
    .open = open_trino,
    .connect = sql_engine_connect,
    .disconnect = sql_engine_disconnect,
    .query = sql_engine_query,
    .describe = sql_engine_describe,
    .has_schema = has_schema,
    .list = list,
    .find = find,
    .create_schema = create_schema,
    .drop = drop,
    .rename = rename_trino,
    .document = document,
    .check_statement = sql_engine_allow,
};
