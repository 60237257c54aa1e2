// The adapter for Athena: dbt-athena's names and habits on Iceberg tables. Layer: transform.
// Source: dbt-athena 1.11 (settings, macros), Athena user guide "Using Iceberg tables". What exists
// is asked of Glue, which Athena's information_schema is a slow picture of. Statements that Athena
// runs in Hive's grammar (ALTER, DROP TABLE, CREATE SCHEMA) take backticks and two-part names.

#include <stdlib.h>

#include "aws/client.h"
#include "project/project.h"
#include "transform/adapter/sql_engine.h"
#include "transform/transform.h"

struct athena_state {
    struct aws_client *glue;
};

// ---- the session

struct static_keys {
    struct str id, secret, token;
    struct arena *arena;
};

// dbt's profiles may hold keys; the chain reads them as if they stood in the environment.
static const char *key_of(void *context, const char *name)
{
    struct static_keys *keys = context;
    if (str_is(STR("AWS_ACCESS_KEY_ID"), name))
        return arena_cstr(keys->arena, keys->id);
    if (str_is(STR("AWS_SECRET_ACCESS_KEY"), name))
        return arena_cstr(keys->arena, keys->secret);
    if (str_is(STR("AWS_SESSION_TOKEN"), name))
        return keys->token.length > 0 ? arena_cstr(keys->arena, keys->token) : NULL;
    return getenv(name);
}

static struct str setting(const struct adapter *adapter, const char *key)
{
    const struct value value = dict_get_str(adapter->t->profile.settings, str_of(key));
    return value.kind == VALUE_STR ? value_text(value) : STR("");
}

static rc open_session(struct adapter *adapter, struct aws_session **ret_session, struct err *err)
{
    const struct transform *t = adapter->t;
    if (t->profile.is_moulin)
        return project_aws(t->options->project, ret_session, err);
    struct aws_options options = {.region = setting(adapter, "region_name"),
                                  .profile = setting(adapter, "aws_profile_name"),
                                  .endpoint_url = setting(adapter, "endpoint_url"),
                                  .role_arn = setting(adapter, "assume_role_arn"),
                                  .role_external_id = setting(adapter, "assume_role_external_id"),
                                  .role_session_name =
                                      setting(adapter, "assume_role_session_name")};
    struct static_keys *keys = ARENA_NEW(adapter->arena, struct static_keys);
    *keys = (struct static_keys){.id = setting(adapter, "aws_access_key_id"),
                                 .secret = setting(adapter, "aws_secret_access_key"),
                                 .token = setting(adapter, "aws_session_token"),
                                 .arena = adapter->arena};
    if (keys->id.length > 0) {
        options.environment = key_of;
        options.environment_context = keys;
    }
    return aws_session_open(adapter->arena, &options, ret_session, err);
}

static rc open_athena(struct adapter *adapter, struct err *err)
{
    struct aws_session *aws;
    struct athena_state *state = ARENA_NEW(adapter->arena, struct athena_state);
    TRY(open_session(adapter, &aws, err));
    TRY(sql_engine_open(adapter, aws, err));
    TRY(aws_client_open(adapter->arena, aws, &aws_glue, &state->glue, err));
    adapter->driver = state;
    return RC_OK;
}

// ---- Glue

static rc ask_glue(struct session *session, const char *action, struct str what,
                   const struct json *body, struct json *ret_answer, struct err *err)
{
    const struct athena_state *state = session->adapter->driver;
    const struct aws_call call = {
        .action = action, .resource = what, .body = json_print(session->arena, body, JSON_COMPACT)};
    return aws_call_json(state->glue, session->arena, &call, ret_answer, NULL, err);
}

static void put(struct session *session, struct json *object, const char *key, struct str text)
{
    *json_object_set(session->arena, object, str_of(key)) = json_of_str(text);
}

static rc get_table(struct session *session, const struct relation *relation,
                    const struct json **ret_table, struct err *err)
{
    struct json body = {.kind = JSON_OBJECT}, *answer = ARENA_NEW(session->arena, struct json);
    put(session, &body, "DatabaseName", relation->schema);
    put(session, &body, "Name", relation->identifier);
    struct err failed = {0};
    const rc code =
        ask_glue(session, "GetTable",
                 arena_printf(session->arena, "table %.*s.%.*s", STR_ARGS(relation->schema),
                              STR_ARGS(relation->identifier)),
                 &body, answer, &failed);
    *ret_table = NULL;
    if (code == RC_NOT_FOUND)
        return RC_OK;
    if (code != RC_OK && err != NULL)
        *err = failed;
    if (code == RC_OK)
        *ret_table = json_get(answer, STR("Table"));
    return code;
}

static enum relation_type type_of(const struct json *table)
{
    const struct str type = json_str(json_get(table, STR("TableType")), STR(""));
    return str_is(type, "VIRTUAL_VIEW") ? RELATION_VIEW : RELATION_TABLE;
}

static rc find(struct session *session, const struct relation *relation,
               struct relation_info *ret_info, struct err *err)
{
    const struct json *table;
    TRY(get_table(session, relation, &table, err));
    *ret_info = (struct relation_info){.exists = table != NULL,
                                       .type = table != NULL ? type_of(table) : RELATION_UNKNOWN};
    return RC_OK;
}

static rc list(struct session *session, struct str schema, struct value list, struct err *err)
{
    struct str token = STR("");
    do {
        struct json body = {.kind = JSON_OBJECT}, answer;
        put(session, &body, "DatabaseName", schema);
        if (token.length > 0)
            put(session, &body, "NextToken", token);
        TRY(ask_glue(session, "GetTables",
                     arena_printf(session->arena, "database %.*s", STR_ARGS(schema)), &body,
                     &answer, err));
        const struct json *tables = json_get(&answer, STR("TableList"));
        for (size_t i = 0; tables != NULL && i < tables->count; i++)
            list_push(list, relation_value(relation_new(
                                session->arena, session->adapter->t->profile.database, schema,
                                json_str(json_get(&tables->items[i], STR("Name")), STR("")),
                                type_of(&tables->items[i]))));
        token = json_str(json_get(&answer, STR("NextToken")), STR(""));
    } while (token.length > 0);
    return RC_OK;
}

static rc has_schema(struct session *session, struct str schema, bool *ret_has, struct err *err)
{
    struct json body = {.kind = JSON_OBJECT}, answer;
    put(session, &body, "Name", schema);
    struct err failed = {0};
    const rc code = ask_glue(session, "GetDatabase",
                             arena_printf(session->arena, "database %.*s", STR_ARGS(schema)), &body,
                             &answer, &failed);
    *ret_has = code == RC_OK;
    if (code != RC_OK && code != RC_NOT_FOUND && err != NULL)
        *err = failed;
    return code == RC_NOT_FOUND ? RC_OK : code;
}

// ---- statements of Hive's grammar

static struct str hive_name(struct session *session, struct str schema, struct str name)
{
    const struct str plain_schema = str_replace(session->arena, schema, STR("`"), STR(""));
    if (name.length == 0)
        return arena_printf(session->arena, "`%.*s`", STR_ARGS(plain_schema));
    return arena_printf(session->arena, "`%.*s`.`%.*s`", STR_ARGS(plain_schema),
                        STR_ARGS(str_replace(session->arena, name, STR("`"), STR(""))));
}

static rc create_schema(struct session *session, struct str schema, struct err *err)
{
    bool is_there = false;
    TRY(has_schema(session, schema, &is_there, err)); // asking needs fewer rights than creating
    if (is_there)
        return RC_OK;
    const struct str location = sql_engine_location(session->adapter->t, session->arena, schema);
    struct str where = STR("");
    if (location.length > 0)
        where = arena_printf(session->arena, " LOCATION %.*s/'",
                             STR_ARGS(str_slice(duck_quote_literal(session->arena, location), 0,
                                                location.length + 1)));
    return sql_engine_say(session, err, "CREATE SCHEMA IF NOT EXISTS %.*s%.*s",
                          STR_ARGS(hive_name(session, schema, STR(""))), STR_ARGS(where));
}

static rc drop(struct session *session, const struct relation *relation, struct err *err)
{
    struct relation_info info;
    TRY(find(session, relation, &info, err));
    if (!info.exists)
        return RC_OK;
    if (info.type == RELATION_VIEW)
        return sql_engine_say(session, err, "DROP VIEW IF EXISTS %.*s",
                              STR_ARGS(relation_render(session->arena, relation)));
    return sql_engine_say(session, err, "DROP TABLE IF EXISTS %.*s",
                          STR_ARGS(hive_name(session, relation->schema, relation->identifier)));
}

static rc rename_athena(struct session *session, const struct relation *from,
                        const struct relation *to, struct err *err)
{
    struct relation_info info;
    TRY(find(session, from, &info, err));
    if (info.type == RELATION_VIEW) {
        err_set(err, RC_UNSUPPORTED, "Athena does not rename views: %.*s",
                STR_ARGS(relation_render(session->arena, from)));
        return err_hint(err, "drop it and create it under its new name");
    }
    return sql_engine_say(session, err, "ALTER TABLE %.*s RENAME TO %.*s",
                          STR_ARGS(hive_name(session, from->schema, from->identifier)),
                          STR_ARGS(hive_name(session, to->schema, to->identifier)));
}

// ---- descriptions

// GetTable's answer has fields that UpdateTable does not take.
static struct json table_input(struct session *session, const struct json *table)
{
    static const char *const fields[] = {
        "Name",      "Description",       "Owner",         "LastAccessTime",   "LastAnalyzedTime",
        "Retention", "StorageDescriptor", "PartitionKeys", "ViewOriginalText", "ViewExpandedText",
        "TableType", "Parameters",        "TargetTable"};
    struct json input = {.kind = JSON_OBJECT};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct json *value = json_get(table, str_of(fields[i]));
        if (value != NULL)
            *json_object_set(session->arena, &input, str_of(fields[i])) =
                json_copy(session->arena, value);
    }
    return input;
}

static void document_columns(struct session *session, struct json *input,
                             const struct relation_docs *docs)
{
    const struct json *storage = json_get(input, STR("StorageDescriptor"));
    const struct json *columns = json_get(storage, STR("Columns"));
    for (size_t i = 0; columns != NULL && columns->kind == JSON_ARRAY && i < columns->count; i++)
        for (size_t k = 0; k < docs->count; k++) {
            struct json *column = &columns->items[i];
            if (str_equal_ignore_case(json_str(json_get(column, STR("Name")), STR("")),
                                      docs->names[k]))
                put(session, column, "Comment", str_slice(docs->docs[k], 0, 255)); // Glue's limit
        }
}

static rc document(struct session *session, const struct relation *relation,
                   const struct relation_docs *docs, struct err *err)
{
    const struct json *table;
    TRY(get_table(session, relation, &table, err));
    if (table == NULL)
        return RC_OK;
    struct json input = table_input(session, table), body = {.kind = JSON_OBJECT}, answer;
    if (docs->comment.length > 0) {
        put(session, &input, "Description", str_slice(docs->comment, 0, 2048));
        struct json *parameters = json_object_set(session->arena, &input, STR("Parameters"));
        const struct json *before = json_get(table, STR("Parameters"));
        *parameters =
            before != NULL ? json_copy(session->arena, before) : (struct json){.kind = JSON_OBJECT};
        put(session, parameters, "comment", docs->comment);
    }
    document_columns(session, &input, docs);
    put(session, &body, "DatabaseName", relation->schema);
    *json_object_set(session->arena, &body, STR("TableInput")) = input;
    *json_object_set(session->arena, &body, STR("SkipArchive")) = json_of_bool(true);
    const struct str version = json_str(json_get(table, STR("VersionId")), STR(""));
    if (version.length > 0) // a commit in between must not be taken back
        put(session, &body, "VersionId", version);
    return ask_glue(session, "UpdateTable",
                    arena_printf(session->arena, "table %.*s.%.*s", STR_ARGS(relation->schema),
                                 STR_ARGS(relation->identifier)),
                    &body, &answer, err);
}

const struct adapter_class adapter_athena = {
    .name = "athena",
    .type = "athena",
    .package = "dbt_athena",
    .sends_sql = true,
    .open = open_athena,
    .connect = sql_engine_connect,
    .disconnect = sql_engine_disconnect,
    .query = sql_engine_query,
    .describe = sql_engine_describe,
    .has_schema = has_schema,
    .list = list,
    .find = find,
    .create_schema = create_schema,
    .drop = drop,
    .rename = rename_athena,
    .document = document,
    .check_statement = sql_engine_allow,
};
