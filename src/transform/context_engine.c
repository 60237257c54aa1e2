// `adapter.*` of engines that are sent SQL: what the macros of sql_engine.sql ask for.
// Layer: transform. Source: dbt-athena's and dbt-trino's adapters for the names that those have.

#include "base/log.h"
#include "base/random.h"
#include "transform/adapter/duckdb.h"
#include "transform/adapter/sql_engine.h"
#include "transform/adapter_method.h"
#include "transform/transform.h"

enum {
    SEED_ROWS = 1000,         // of one INSERT, as dbt-trino has it
    SEED_SPARE_BYTES = 16384, // for what stands around the rows
};

static rc text_of(struct render *render, struct value value, struct str *ret_text, struct err *err)
{
    if (value.kind == VALUE_MISSING || value.kind == VALUE_NONE || value.kind == VALUE_UNDEFINED) {
        *ret_text = STR("");
        return RC_OK;
    }
    return value_to_str(render, render_arena(render), value, ret_text, err);
}

static rc relation_argument(struct render *render, const char *function, struct value value,
                            struct relation **ret_relation, struct err *err)
{
    *ret_relation = relation_of_value(value);
    if (*ret_relation == NULL)
        return render_throw(render, err, "TypeError", "adapter.%s wants a relation, found %s",
                            function, value_type_name(value));
    return RC_OK;
}

// try_execute(sql): the response, with `too_many_partitions` true when the engine wants fewer at
// once; every other failure ends the node.
static rc call_try_execute(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"sql"};
    struct value v;
    TRY(arguments_bind(render, "try_execute", arguments, names, 1, 1, &v, err));
    struct str sql;
    TRY(text_of(render, v, &sql, err));
    struct session *session;
    TRY(session_of(scope, &session, err));
    struct engine_failure failure = {.name = ""};
    struct err local = {0}, *failed = err != NULL ? err : &local;
    const rc code = sql_engine_execute(session, scope->arena, sql, NULL, &failure, failed);
    if (code != RC_OK && !failure.is_too_many_partitions)
        return code;
    const struct value response = value_dict_new(scope->arena);
    dict_set_str(response, STR("_message"), VALUE_STR_LITERAL("OK"));
    session_respond(session, scope->arena, response);
    dict_set_str(response, STR("too_many_partitions"), value_bool(code != RC_OK));
    if (code != RC_OK) {
        log_info("%s: more partitions than one statement writes, in batches now",
                 session->adapter->class->name);
        *failed = (struct err){0};
    }
    *ret_value = response;
    return RC_OK;
}

// last_response(): of the session's statements so far.
static rc call_last_response(struct render *render, void *self, const struct arguments *arguments,
                             struct value *ret_value, struct err *err)
{
    (void)render, (void)arguments;
    struct scope *scope = self;
    struct session *session;
    TRY(session_of(scope, &session, err));
    *ret_value = value_dict_new(scope->arena);
    dict_set_str(*ret_value, STR("_message"), VALUE_STR_LITERAL("OK"));
    session_respond(session, scope->arena, *ret_value);
    return RC_OK;
}

// ---- columns of an incremental model

static const struct duck_value *row_of(const struct duck_rows *rows, struct str name)
{
    for (size_t i = 0; i < rows->row_count; i++)
        if (str_equal_ignore_case(duck_cell(rows, i, 0)->text, name))
            return duck_cell(rows, i, 0);
    return NULL;
}

struct plan {
    struct duck_rows query, table;
    column_change_vec changes;
    struct value columns; // that both have after the changes
    bool adds, syncs;
};

static void push_change(struct arena *arena, struct plan *plan, const struct duck_value *cell,
                        enum column_change_kind kind)
{
    *vec_push(arena, &plan->changes) =
        (struct column_change){.name = cell[0].text, .type = cell[1].text, .kind = kind};
}

static void compare(struct arena *arena, struct plan *plan)
{
    for (size_t i = 0; i < plan->query.row_count; i++) {
        const struct duck_value *cell = duck_cell(&plan->query, i, 0);
        const struct duck_value *before = row_of(&plan->table, cell->text);
        const struct str type = sql_engine_stored_type(arena, cell[1].text);
        const struct duck_value stored[] = {cell[0], duck_text(type)};
        if (before == NULL)
            push_change(arena, plan, arena_copy(arena, stored, sizeof stored), COLUMN_ADDED);
        else if (!str_equal(sql_engine_stored_type(arena, before[1].text), type))
            push_change(arena, plan, arena_copy(arena, stored, sizeof stored), COLUMN_RETYPED);
        if (before != NULL || plan->adds || plan->syncs)
            list_push(plan->columns, column_value(arena, cell[0].text, type));
    }
    for (size_t i = 0; i < plan->table.row_count; i++) {
        const struct duck_value *cell = duck_cell(&plan->table, i, 0);
        if (row_of(&plan->query, cell->text) == NULL)
            push_change(arena, plan, cell, COLUMN_REMOVED);
    }
}

static struct value changes_value(struct arena *arena, const struct plan *plan)
{
    static const char *const kinds[] = {"add", "remove", "retype"};
    const struct value list = value_list_new(arena, plan->changes.count);
    for (size_t i = 0; i < plan->changes.count; i++) {
        const struct column_change *change = &plan->changes.items[i];
        const bool applies = change->kind == COLUMN_ADDED ? plan->adds || plan->syncs : plan->syncs;
        if (!applies)
            continue;
        const struct duck_value *before = row_of(&plan->table, change->name);
        const struct value dict = value_dict_new(arena);
        dict_set_str(dict, STR("kind"), value_str(str_of(kinds[change->kind])));
        dict_set_str(dict, STR("name"), value_str(change->name));
        dict_set_str(dict, STR("type"), value_str(change->type));
        dict_set_str(dict, STR("old_type"),
                     before != NULL ? value_str(sql_engine_stored_type(arena, before[1].text))
                                    : value_none());
        list_push(list, dict);
    }
    return list;
}

// incremental_plan(relation, sql, on_schema_change): {columns, changes}. With `fail` a difference
// ends the node; with `ignore` what only one side has is left out.
static rc call_incremental_plan(struct render *render, void *self,
                                const struct arguments *arguments, struct value *ret_value,
                                struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"relation", "sql", "on_schema_change"};
    struct value v[3];
    struct relation *relation;
    struct str sql, mode;
    struct session *session;
    struct arena *arena = scope->arena;
    TRY(arguments_bind(render, "incremental_plan", arguments, names, 3, 3, v, err));
    TRY(relation_argument(render, "incremental_plan", v[0], &relation, err));
    TRY(text_of(render, v[1], &sql, err));
    TRY(text_of(render, v[2], &mode, err));
    TRY(session_of(scope, &session, err));
    struct plan plan = {.columns = value_list_new(arena, 8),
                        .adds = str_is(mode, "append_new_columns"),
                        .syncs = str_is(mode, "sync_all_columns")};
    TRY(session_describe(session, arena, arena_printf(arena, "(%.*s\n)", STR_ARGS(sql)),
                         &plan.query, err));
    TRY(session_describe(session, arena, relation_render(arena, relation), &plan.table, err));
    compare(arena, &plan);
    const struct commit_options options = {.on_schema_change = mode};
    TRY(duckdb_check_changes(session, &options, relation, &plan.changes, err));
    *ret_value = value_dict_new(arena);
    dict_set_str(*ret_value, STR("columns"), plan.columns);
    dict_set_str(*ret_value, STR("changes"), changes_value(arena, &plan));
    return RC_OK;
}

// ---- seeds and places

static rc call_seed_queries(struct render *render, void *self, const struct arguments *arguments,
                            struct value *ret_value, struct err *err)
{
    (void)arguments;
    struct scope *scope = self;
    if (scope->node == NULL || scope->node->type != NODE_SEED)
        return render_throw(render, err, "CompilationError", "seed_queries() is for seeds");
    struct session *session;
    TRY(session_of(scope, &session, err));
    const struct seed_limits limits = {.rows = SEED_ROWS,
                                       .bytes = engine_statement_bytes(sql_engine_of(session)) -
                                                SEED_SPARE_BYTES,
                                       .sends_sql = true};
    str_vec queries;
    TRY(session_seed_queries(scope, &limits, &queries, err));
    *ret_value = value_list_new(scope->arena, queries.count);
    for (size_t i = 0; i < queries.count; i++)
        list_push(*ret_value, value_str(queries.items[i]));
    return RC_OK;
}

static struct str without_slash(struct str uri)
{
    while (uri.length > 0 && uri.bytes[uri.length - 1] == '/')
        uri.length--;
    return uri;
}

static rc place_of(struct arena *arena, struct str folder, struct str naming,
                   const struct relation *relation, struct str *ret_place, struct err *err)
{
    const struct str unique = random_uuid(arena);
    const struct {
        const char *name;
        struct str parts[3];
    } namings[] = {
        {"unique", {unique}},
        {"table", {relation->identifier}},
        {"table_unique", {relation->identifier, unique}},
        {"schema_table", {relation->schema, relation->identifier}},
        {"schema_table_unique", {relation->schema, relation->identifier, unique}},
    };
    for (size_t i = 0; i < sizeof namings / sizeof *namings; i++) {
        if (!str_is(naming, namings[i].name))
            continue;
        struct str place = without_slash(folder);
        for (size_t p = 0; p < 3 && namings[i].parts[p].length > 0; p++)
            place =
                arena_printf(arena, "%.*s/%.*s", STR_ARGS(place), STR_ARGS(namings[i].parts[p]));
        *ret_place = place;
        return RC_OK;
    }
    err_set(err, RC_CONFIG, "s3_data_naming is '%.*s'", STR_ARGS(naming));
    return err_hint(err, "namings: unique, table, table_unique, schema_table, schema_table_unique");
}

// generate_s3_location(relation, s3_data_dir, s3_data_naming, s3_tmp_table_dir, external_location,
// is_temporary_table), as dbt-athena's.
static rc call_location(struct render *render, void *self, const struct arguments *arguments,
                        struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"relation",          "s3_data_dir",
                                        "s3_data_naming",    "s3_tmp_table_dir",
                                        "external_location", "is_temporary_table"};
    struct value v[6];
    struct relation *relation;
    struct str folder, naming, temporary, external, place;
    TRY(arguments_bind(render, "generate_s3_location", arguments, names, 1, 6, v, err));
    TRY(relation_argument(render, "generate_s3_location", v[0], &relation, err));
    TRY(text_of(render, v[1], &folder, err));
    TRY(text_of(render, v[2], &naming, err));
    TRY(text_of(render, v[3], &temporary, err));
    TRY(text_of(render, v[4], &external, err));
    const bool is_temporary = v[5].kind == VALUE_BOOL && value_is_true(v[5]);
    if (external.length > 0 && !is_temporary) {
        *ret_value = value_str(without_slash(external));
        return RC_OK;
    }
    if (is_temporary && temporary.length > 0)
        folder = temporary;
    if (folder.length == 0) {
        folder = sql_engine_location(scope->t, scope->arena, relation->schema);
        naming = naming.length > 0 ? naming : STR("table_unique");
    }
    if (folder.length == 0) {
        const struct value staging =
            dict_get_str(scope->t->profile.settings, STR("s3_staging_dir"));
        if (staging.kind != VALUE_STR) {
            render_throw(render, err, "CompilationError", "where do the files of %.*s go?",
                         STR_ARGS(relation_render(scope->arena, relation)));
            return err_hint(err, "set s3_data_dir (or s3_staging_dir) in the profile");
        }
        folder =
            arena_printf(scope->arena, "%.*s/tables", STR_ARGS(without_slash(value_text(staging))));
    }
    TRY(place_of(scope->arena, folder, naming.length > 0 ? naming : STR("schema_table_unique"),
                 relation, &place, err));
    *ret_value = value_str(place);
    return RC_OK;
}

const struct adapter_method adapter_engine_methods[] = {
    {"try_execute", call_try_execute, STUB_NONE},
    {"last_response", call_last_response, STUB_NONE},
    {"incremental_plan", call_incremental_plan, STUB_NONE},
    {"seed_queries", call_seed_queries, STUB_LIST},
    {"generate_s3_location", call_location, STUB_NONE},
    {NULL, NULL, STUB_NONE},
};
