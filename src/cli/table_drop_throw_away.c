// moulin table drop --namespace-prefix: the end of throw-away namespaces. Layer: cli.
// What may be dropped is told by names alone: the prefix starts with ci_ or tmp_ (command.c), the
// namespace with the environment's own prefix and then this one, and it is none that moulin.yml
// names. So neither the environment's tables nor those of another environment are in reach.

#include "aws/client.h"
#include "base/log.h"
#include "cli/table_change.h"
#include "iceberg/catalog.h"
#include "transform/views.h"

struct throw_away {
    struct command_context *context;
    struct project *project;
    struct catalog *catalog;
    str_vec namespaces;
    size_t table_count;
};

/// A namespace of the project that happens to be called so: ci_results, say.
static bool is_of_project(const struct project *project, struct str name)
{
    const struct project_environment *environment = project->environment;
    bool is_known = str_equal(name, project->landing.namespace_name);
    for (size_t i = 0; i < environment->namespace_count && !is_known; i++)
        is_known = str_equal(
            name, project_namespace_of(project, project->arena, environment->namespaces[i].name));
    return is_known;
}

static rc find_namespaces(struct throw_away *t, struct err *err)
{
    str_vec all;
    struct arena *arena = t->context->arena;
    const struct str prefix = project_namespace_of(t->project, arena, t->context->namespace_prefix);
    TRY(catalog_list_namespaces(t->catalog, arena, &all, err));
    for (size_t i = 0; i < all.count; i++) {
        str_vec tables;
        if (!str_has_prefix(all.items[i], prefix))
            continue;
        if (is_of_project(t->project, all.items[i])) {
            err_set(err, RC_REFUSED, "%.*s is a namespace of moulin.yml, not a throw-away one",
                    STR_ARGS(all.items[i]));
            return err_hint(err, "take another prefix");
        }
        *vec_push(arena, &t->namespaces) = all.items[i];
        TRY(catalog_list_tables(t->catalog, arena, all.items[i], &tables, err));
        t->table_count += tables.count;
    }
    return RC_OK;
}

static rc say(struct throw_away *t, struct str namespace_name, struct str table, struct err *err)
{
    const struct output_cell cells[] = {{.text = namespace_name},
                                        {.text = table, .is_null = table.length == 0}};
    return output_row(t->context->output, cells, err);
}

// ---- what is no Iceberg table: views that Athena made, tables of packages

enum { MAX_PAGES = 1000 };

static rc call_glue(struct throw_away *t, struct arena *arena, const char *action,
                    struct str resource, const struct json *body, struct json *ret_answer,
                    struct err *err)
{
    struct aws_session *session;
    struct aws_client *client;
    const struct aws_call call = {
        .action = action, .resource = resource, .body = json_print(arena, body, JSON_COMPACT)};
    TRY(project_aws(t->project, &session, err));
    TRY(aws_client_open(arena, session, &aws_glue, &client, err));
    return aws_call_json(client, arena, &call, ret_answer, NULL, err);
}

static struct json glue_body(struct throw_away *t, struct arena *arena, struct str database)
{
    struct json body = {.kind = JSON_OBJECT};
    const struct str id = t->project->environment->catalog.id;
    if (id.length > 0)
        *json_object_set(arena, &body, STR("CatalogId")) = json_of_str(id);
    *json_object_set(arena, &body, STR("DatabaseName")) = json_of_str(database);
    return body;
}

static rc list_others(struct throw_away *t, struct arena *arena, struct str database,
                      str_vec *ret_names, struct err *err)
{
    struct json body = glue_body(t, arena, database), answer;
    for (int page = 0; page < MAX_PAGES; page++) {
        TRY(call_glue(t, arena, "GetTables", database, &body, &answer, err));
        const struct json *list = json_get(&answer, STR("TableList"));
        for (size_t i = 0; list != NULL && list->kind == JSON_ARRAY && i < list->count; i++)
            *vec_push(arena, ret_names) = json_str(json_get(&list->items[i], STR("Name")), STR(""));
        const struct str token = json_str(json_get(&answer, STR("NextToken")), STR(""));
        if (token.length == 0)
            return RC_OK;
        *json_object_set(arena, &body, STR("NextToken")) = json_of_str(token);
    }
    return err_set(err, RC_LIMIT, "the database %.*s has too many tables", STR_ARGS(database));
}

static rc drop_others(struct throw_away *t, struct arena *arena, struct str database,
                      struct err *err)
{
    str_vec names = {0};
    if (!str_is(t->project->environment->catalog.type, "glue"))
        return RC_OK;
    TRY(list_others(t, arena, database, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        struct json body = glue_body(t, arena, database), answer;
        *json_object_set(arena, &body, STR("Name")) = json_of_str(names.items[i]);
        TRY(call_glue(
            t, arena, "DeleteTable",
            arena_printf(arena, "table %.*s.%.*s", STR_ARGS(database), STR_ARGS(names.items[i])),
            &body, &answer, err));
        TRY(say(t, database, names.items[i], err));
    }
    return RC_OK;
}

static rc drop_namespace(struct throw_away *t, struct str name, struct err *err)
{
    struct arena *scratch = arena_open(t->context->arena);
    str_vec tables;
    rc result = catalog_list_tables(t->catalog, scratch, name, &tables, err);
    for (size_t i = 0; result == RC_OK && i < tables.count; i++) {
        result = catalog_drop_table(t->catalog, name, tables.items[i],
                                    (struct catalog_drop_options){.purge = true}, err);
        if (result == RC_OK)
            result = say(t, name, tables.items[i], err);
    }
    if (result == RC_OK)
        result = drop_others(t, scratch, name, err);
    if (result == RC_OK)
        result = catalog_drop_namespace(t->catalog, name, err);
    if (result == RC_OK)
        result = say(t, name, STR(""), err);
    arena_close(scratch);
    return result;
}

rc table_drop_throw_away(struct command_context *context, struct err *err)
{
    static const struct output_column columns[] = {{STR_INIT("namespace"), OUTPUT_STRING},
                                                   {STR_INIT("table"), OUTPUT_STRING}};
    struct throw_away t = {.context = context};
    const struct str prefix = context->namespace_prefix;
    struct views *kept;
    size_t views = 0;
    if (context->argument_count > 0)
        return command_usage_error(context, err,
                                   "TABLE and --namespace-prefix do not go together: a table is "
                                   "dropped, or all of a prefix");
    TRY(command_project(context, &t.project, err));
    TRY(project_catalog(t.project, &t.catalog, err));
    TRY(find_namespaces(&t, err));
    if (!command_flag(context, "force") && t.namespaces.count > 0) {
        err_set(
            err, RC_REFUSED, "%zu namespaces with %zu tables would be lost, and their files: %.*s",
            t.namespaces.count, t.table_count,
            STR_ARGS(str_join(context->arena, t.namespaces.items, t.namespaces.count, STR(", "))));
        return err_hint(err, "--force drops them");
    }
    TRY(output_table_begin(context->output, columns, 2, "there is no such namespace", err));
    for (size_t i = 0; i < t.namespaces.count; i++)
        TRY(drop_namespace(&t, t.namespaces.items[i], err));
    TRY(views_open(context->arena, t.project, &kept, err));
    TRY(views_remove_prefix(kept, prefix, &views, err));
    TRY(output_table_end(context->output, err));
    log_info("dropped %zu namespaces, %zu tables, %zu views", t.namespaces.count, t.table_count,
             views);
    return RC_OK;
}
