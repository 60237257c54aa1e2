// The adapter of the embedded engine: DuckDB computes over views of Iceberg tables, every write is
// one Iceberg commit. To macros and packages it is `duckdb`. Layer: transform. Source: DESIGN 3.5.

#include <stdlib.h>

#include "base/log.h"
#include "base/random.h"
#include "transform/adapter/duckdb.h"
#include "transform/cte.h"
#include "transform/lake.h"
#include "transform/transform.h"

static struct lake *lake_of(const struct session *session)
{
    return session->adapter->state;
}

// Every schema that the project reads or writes.
static rc mount_schemas(struct adapter *adapter, struct duck_connection *connection,
                        struct err *err)
{
    const struct transform *t = adapter->t;
    struct lake *lake = adapter->state;
    TRY(lake_mount(lake, connection, t->profile.schema, err));
    for (size_t i = 0; i < t->manifest.nodes.count; i++) {
        const struct node *node = t->manifest.nodes.items[i];
        if (node_is_refable(node) || node->type == NODE_SOURCE)
            TRY(lake_mount(lake, connection, node->schema, err));
        // what is not built into throw-away schemas is read there
        if (node_is_refable(node))
            TRY(lake_mount(lake, connection, transform_own_schema(t, node), err));
    }
    return lake_mount_views(lake, connection, err);
}

static rc open_embedded(struct adapter *adapter, struct err *err)
{
    const struct transform *t = adapter->t;
    struct duck_options options;
    TRY(project_duck_options(t->options->project, &options, err));
    if (t->options->threads > 0)
        options.threads = (int)t->options->threads;
    TRY(duck_open(adapter->arena, &options, &adapter->duck, err));
    struct lake *lake;
    TRY(lake_open(adapter->arena, t->options->project, adapter->duck, t->profile.database, &lake,
                  err));
    adapter->state = lake;
    struct duck_connection *connection;
    TRY(duck_connect(adapter->duck, adapter->arena, &connection, err));
    const rc result = mount_schemas(adapter, connection, err);
    duck_disconnect(connection);
    return result;
}

static enum relation_type type_of_kind(enum lake_kind kind)
{
    return kind == LAKE_VIEW ? RELATION_VIEW : RELATION_TABLE;
}

static rc find(struct session *session, const struct relation *relation,
               struct relation_info *ret_info, struct err *err)
{
    enum lake_kind kind;
    TRY(lake_find(lake_of(session), relation->schema, relation->identifier, &kind, err));
    if (kind == LAKE_NOTHING)
        return duckdb_find(session, relation, ret_info, err); // temporary tables
    *ret_info = (struct relation_info){.exists = true, .type = type_of_kind(kind)};
    return RC_OK;
}

static rc list(struct session *session, struct str schema, struct value values, struct err *err)
{
    lake_entry_vec entries = {0};
    TRY(lake_list(lake_of(session), session->arena, schema, &entries, err));
    for (size_t i = 0; i < entries.count; i++)
        list_push(values, relation_value(relation_new(
                              session->arena, session->adapter->t->profile.database, schema,
                              entries.items[i].name, type_of_kind(entries.items[i].kind))));
    return RC_OK;
}

static rc create_schema(struct session *session, struct str schema, struct err *err)
{
    return lake_create_namespace(lake_of(session), session->connection, schema, err);
}

static rc drop(struct session *session, const struct relation *relation, struct err *err)
{
    return lake_drop(lake_of(session), session->connection, relation->schema, relation->identifier,
                     err);
}

static rc rename_embedded(struct session *session, const struct relation *from,
                          const struct relation *to, struct err *err)
{
    return lake_rename(lake_of(session), session->connection, from->schema, from->identifier,
                       to->identifier, err);
}

static rc create_view(struct session *session, const struct relation *relation, struct str sql,
                      struct err *err)
{
    return lake_create_view(lake_of(session), session->connection, relation->schema,
                            relation->identifier, sql, err);
}

static rc keep_new_rows(struct session *session, struct str sql, struct err *err)
{
    return duck_execute(session->connection,
                        arena_printf(session->arena,
                                     "CREATE OR REPLACE TEMP TABLE dbt_new AS (\n%.*s\n)",
                                     STR_ARGS(sql)),
                        NULL, NULL, err);
}

static rc commit(struct session *session, const struct relation *relation, struct str sql,
                 const struct commit_options *options, int64_t *ret_rows, struct err *err)
{
    struct arena *arena = session->arena;
    struct duck_rows columns;
    TRY(session_describe(session, arena, arena_printf(arena, "(%.*s\n)", STR_ARGS(sql)), &columns,
                         err));
    const bool has_keys = options->key_count > 0 || options->predicates.length > 0;
    const bool rewrites =
        options->mode == COMMIT_MERGE || (options->mode == COMMIT_DELETE_INSERT && has_keys);
    struct lake_write write = {
        .mode = options->mode == COMMIT_REPLACE ? LAKE_REPLACE
                : rewrites                      ? LAKE_REWRITE
                                                : LAKE_APPEND,
        .schema = relation->schema,
        .name = relation->identifier,
        .sql = sql,
        .columns = &columns,
        .syncs_columns = str_is(options->on_schema_change, "sync_all_columns"),
        .adds_columns = str_is(options->on_schema_change, "append_new_columns"),
        .condition = duckdb_key_condition(arena, options),
        .is_merge = options->mode == COMMIT_MERGE,
        .updates = options->updates,
        .update_count = options->update_count,
        .run_id = session->adapter->t->invocation_id,
    };
    if (options->mode != COMMIT_REPLACE && str_is(options->on_schema_change, "fail")) {
        column_change_vec changes = {0};
        TRY(session_changes(session, arena, sql, relation, &changes, err));
        TRY(duckdb_check_changes(session, options, relation, &changes, err));
    }
    if (rewrites)
        TRY(keep_new_rows(session, sql, err));
    return lake_commit(lake_of(session), session->connection, &write, ret_rows, err);
}

// A view is a text beside the catalog: there is no place for comments that a client would find.
static rc document(struct session *session, const struct relation *relation,
                   const struct relation_docs *docs, struct err *err)
{
    struct relation_info info;
    TRY(find(session, relation, &info, err));
    if (info.exists && info.type == RELATION_TABLE)
        return lake_document(lake_of(session), relation->schema, relation->identifier,
                             docs->comment, docs->names, docs->docs, docs->count, err);
    if (!session->adapter->has_warned_of_docs) {
        session->adapter->has_warned_of_docs = true;
        session->adapter->t->warning_count++;
        log_warn("persist_docs: %.*s.%.*s is a view, and views of the embedded engine keep no "
                 "descriptions; further views are not named",
                 STR_ARGS(relation->schema), STR_ARGS(relation->identifier));
    }
    return RC_OK;
}

// ---- statements of hooks

static struct str first_word(struct str sql)
{
    size_t at = 0;
    while (at < sql.length) {
        const size_t quoted = cte_skip_quoted(sql, at);
        const char c = sql.bytes[at];
        if (quoted > 0)
            at += quoted;
        else if (c == ' ' || (c >= '\t' && c <= '\r') || c == ';' || c == '(')
            at++;
        else
            break;
    }
    size_t end = at;
    while (end < sql.length && ((sql.bytes[end] >= 'a' && sql.bytes[end] <= 'z') ||
                                (sql.bytes[end] >= 'A' && sql.bytes[end] <= 'Z')))
        end++;
    return str_slice(sql, at, end - at);
}

// What would change rows behind the catalog's back is refused; reading, settings and temporary
// tables are free.
static rc check_statement(struct session *session, struct str sql, struct err *err)
{
    static const char *const refused[] = {"insert", "update", "delete",  "merge",  "truncate",
                                          "drop",   "alter",  "copy",    "attach", "detach",
                                          "export", "import", "install", "load",   "vacuum"};
    const struct str word = first_word(sql);
    bool is_refused = false;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        is_refused |= str_equal_ignore_case(word, str_of(refused[i]));
    if (str_equal_ignore_case(word, STR("create"))) {
        const struct str lower = str_lower(session->arena, sql);
        is_refused = !str_contains(lower, STR("temp")) && !str_contains(lower, STR("macro")) &&
                     !str_contains(lower, STR("schema"));
    }
    if (!is_refused)
        return RC_OK;
    err_set(err, RC_UNSUPPORTED,
            "the embedded engine does not run %.*s statements of hooks and "
            "macros: tables change by commits of models alone",
            STR_ARGS(word));
    return err_hint(err, "make it a model, or use an engine of type duckdb");
}

const struct adapter_class adapter_embedded = {
    .name = "embedded",
    .type = "duckdb",
    .package = "dbt_duckdb",
    .open = open_embedded,
    .close = duckdb_close,
    .connect = duckdb_connect,
    .disconnect = duckdb_disconnect,
    .query = duckdb_query,
    .describe = duckdb_describe,
    .has_schema = duckdb_has_schema,
    .list = list,
    .find = find,
    .create_schema = create_schema,
    .drop = drop,
    .rename = rename_embedded,
    .create_view = create_view,
    .commit = commit,
    .document = document,
    .check_statement = check_statement,
};
