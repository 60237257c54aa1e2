// moulin schema plan|apply|pull [SOURCE]: the declared schemas of landing tables.

#include "base/fs.h"
#include "cli/command.h"
#include "cli/commands.gen.h"
#include "ingest/schema.h"
#include "ingest/source/source_file.h"

/// A source's schema files.
struct schema_call {
    struct command_context *context;
    struct project *project;
    struct catalog *catalog;
    struct json answer; // OUTPUT_JSON
    int64_t changed, refused;
    bool has_files;
};

static rc source_names(struct schema_call *call, str_vec *ret_names, struct err *err)
{
    if (call->context->argument_count == 0)
        return source_file_names(call->project, call->context->arena, ret_names, err);
    *vec_push(call->context->arena, ret_names) = call->context->arguments[0];
    return RC_OK;
}

static rc schema_folder(struct schema_call *call, struct str source, struct str *ret_folder,
                        struct err *err)
{
    struct arena *arena = call->context->arena;
    const struct str name = arena_printf(arena, "pipelines/ingest/%.*s-schema", STR_ARGS(source));
    TRY(project_path(call->project, arena, name, ret_folder, err));
    if (fs_is_folder(*ret_folder) || call->context->argument_count == 0)
        return RC_OK;
    err_set(err, RC_NOT_FOUND, "source %.*s has no schema folder %.*s", STR_ARGS(source),
            STR_ARGS(name));
    return err_hint(err, "moulin ingest makes tables without one; moulin schema pull writes files "
                         "for them into an existing folder");
}

// ---------------------------------------------------------------- plan, apply

static struct json change_json(struct arena *arena, const struct schema_change *change)
{
    struct json object = {.kind = JSON_OBJECT};
    *json_object_set(arena, &object, STR("change")) =
        json_of_str(str_of(schema_change_name(change->kind)));
    if (change->column.length > 0)
        *json_object_set(arena, &object, STR("column")) = json_of_str(change->column);
    *json_object_set(arena, &object, STR("text")) = json_of_str(change->text);
    return object;
}

static rc report_plan(struct schema_call *call, const struct schema_plan *plan, struct err *err)
{
    struct arena *arena = call->context->arena;
    struct output *output = call->context->output;
    if (output_format_of(output) != OUTPUT_TEXT) {
        struct json *table = json_array_push(arena, &call->answer);
        *table = (struct json){.kind = JSON_OBJECT};
        *json_object_set(arena, table, STR("table")) = json_of_str(plan->table);
        struct json *changes = json_object_set(arena, table, STR("changes"));
        *changes = (struct json){.kind = JSON_ARRAY};
        for (size_t i = 0; i < plan->changes.count; i++)
            *json_array_push(arena, changes) = change_json(arena, &plan->changes.items[i]);
        return RC_OK;
    }
    if (plan->changes.count == 0)
        return output_text(output, err, "%.*s: as declared\n", STR_ARGS(plan->table));
    for (size_t i = 0; i < plan->changes.count; i++) {
        const struct schema_change *change = &plan->changes.items[i];
        TRY(output_text(output, err, "%.*s: %s%s%.*s: %.*s\n", STR_ARGS(plan->table),
                        schema_change_name(change->kind), change->column.length > 0 ? " " : "",
                        STR_ARGS(change->column), STR_ARGS(change->text)));
    }
    return RC_OK;
}

static void count_changes(struct schema_call *call, const struct schema_plan *plan)
{
    for (size_t i = 0; i < plan->changes.count; i++) {
        call->changed += schema_change_is_effective(plan->changes.items[i].kind);
        call->refused += plan->changes.items[i].kind == SCHEMA_REFUSED;
    }
}

static rc plan_folder(struct schema_call *call, struct str folder, bool is_apply, struct err *err)
{
    struct arena *arena = call->context->arena;
    landing_schema_files files = {0};
    TRY(schema_folder_read(arena, folder, &files, err));
    const struct schema_plan_options options = {
        .catalog = call->catalog,
        .namespace_name = call->project->landing.namespace_name,
        .format_version = call->project->landing.format_version,
        .allow_drop = command_flag(call->context, "allow-drop")};
    struct schema_plan *plans = ARENA_ARRAY(arena, struct schema_plan, files.count + 1);
    if (is_apply && files.count > 0)
        TRY(catalog_ensure_namespace(call->catalog, options.namespace_name, err));
    for (size_t i = 0; i < files.count; i++) {
        call->has_files = true;
        TRY(schema_plan_make(arena, &options, files.items[i], &plans[i], err));
        TRY(report_plan(call, &plans[i], err));
        count_changes(call, &plans[i]);
    }
    // All plans are made before the first is done: a refusal leaves every table as it was.
    for (size_t i = 0; is_apply && call->refused > 0 && i < files.count; i++)
        TRY(schema_plan_apply(
            &(struct schema_plan){.table = plans[i].table, .changes = plans[i].changes},
            call->catalog, err));
    for (size_t i = 0; is_apply && i < files.count; i++)
        TRY(schema_plan_apply(&plans[i], call->catalog, err));
    return RC_OK;
}

// ---------------------------------------------------------------- pull

static rc pull_file(struct schema_call *call, const struct landing_schema_file *file,
                    struct err *err)
{
    struct arena *arena = call->context->arena;
    struct table table;
    bool exists = false;
    const struct str namespace_name = call->project->landing.namespace_name;
    TRY(catalog_table_exists(call->catalog, namespace_name, file->table, &exists, err));
    if (!exists)
        return RC_OK;
    TRY(catalog_load_table(call->catalog, namespace_name, file->table, arena, &table, err));
    struct str text;
    size_t added = 0;
    TRY(schema_file_pull(arena, file, table.metadata, &text, &added, err));
    if (added == 0)
        return RC_OK;
    TRY(fs_write(file->path, text, (struct fs_write_options){0}, err));
    call->changed += (int64_t)added;
    return output_format_of(call->context->output) != OUTPUT_TEXT
               ? RC_OK
               : output_text(call->context->output, err, "%.*s: added %zu columns\n",
                             STR_ARGS(file->path), added);
}

static bool has_file(const landing_schema_files *files, struct str table)
{
    for (size_t i = 0; i < files->count; i++)
        if (str_equal(files->items[i]->table, table))
            return true;
    return false;
}

/// Tables of the source that no file describes get one.
static rc write_new_files(struct schema_call *call, struct str source, struct str folder,
                          const landing_schema_files *files, struct err *err)
{
    struct arena *arena = call->context->arena;
    const struct str namespace_name = call->project->landing.namespace_name;
    const struct str prefix = str_concat(arena, source, STR("_"));
    str_vec tables = {0};
    struct err absent = {0};
    if (catalog_list_tables(call->catalog, arena, namespace_name, &tables, &absent) != RC_OK)
        return RC_OK; // no namespace yet: nothing was landed
    for (size_t i = 0; i < tables.count; i++) {
        if (!str_has_prefix(tables.items[i], prefix) || has_file(files, tables.items[i]))
            continue;
        struct table table;
        struct str path;
        TRY(catalog_load_table(call->catalog, namespace_name, tables.items[i], arena, &table, err));
        TRY(fs_join(arena, folder, str_concat(arena, tables.items[i], STR(".yml")), &path, err));
        TRY(fs_write(path, schema_file_of_table(arena, tables.items[i], table.metadata),
                     (struct fs_write_options){.must_be_new = true}, err));
        call->changed++;
        if (output_format_of(call->context->output) == OUTPUT_TEXT)
            TRY(output_text(call->context->output, err, "%.*s: written\n", STR_ARGS(path)));
    }
    return RC_OK;
}

static rc pull_folder(struct schema_call *call, struct str source, struct str folder,
                      struct err *err)
{
    landing_schema_files files = {0};
    TRY(fs_make_folders(folder, err));
    TRY(schema_folder_read(call->context->arena, folder, &files, err));
    for (size_t i = 0; i < files.count; i++)
        TRY(pull_file(call, files.items[i], err));
    return write_new_files(call, source, folder, &files, err);
}

// ---------------------------------------------------------------- the command

static rc finish(struct schema_call *call, const char *verb, struct err *err)
{
    struct output *output = call->context->output;
    if (output_format_of(output) != OUTPUT_TEXT) {
        if (str_is(str_of(verb), "pull")) {
            struct json answer = {.kind = JSON_OBJECT};
            *json_object_set(call->context->arena, &answer, STR("changed")) =
                json_of_int64(call->context->arena, call->changed);
            return output_json(output, &answer, err);
        }
        return output_json(output, &call->answer, err);
    }
    if (str_is(str_of(verb), "pull"))
        return call->changed > 0 ? RC_OK
                                 : output_text(output, err, "the files name every column\n");
    if (!call->has_files)
        return output_text(output, err, "there are no schema files\n");
    if (call->refused > 0)
        return output_text(output, err, "%lld changes are refused: apply would do nothing\n",
                           (long long)call->refused);
    if (str_is(str_of(verb), "plan"))
        return call->changed > 0
                   ? output_text(output, err, "%lld changes to apply\n", (long long)call->changed)
                   : output_text(output, err, "nothing to apply\n");
    return call->changed > 0
               ? output_text(output, err, "%lld changes applied\n", (long long)call->changed)
               : output_text(output, err, "nothing to apply\n");
}

rc command_schema(struct command_context *context, struct err *err)
{
    struct schema_call call = {.context = context, .answer = {.kind = JSON_ARRAY}};
    str_vec sources = {0};
    TRY(command_project(context, &call.project, err));
    TRY(project_catalog(call.project, &call.catalog, err));
    TRY(source_names(&call, &sources, err));
    for (size_t i = 0; i < sources.count; i++) {
        struct str folder;
        if (str_is(str_of(context->verb), "pull")) {
            const struct str name = arena_printf(context->arena, "pipelines/ingest/%.*s-schema",
                                                 STR_ARGS(sources.items[i]));
            TRY(project_path(call.project, context->arena, name, &folder, err));
            TRY(pull_folder(&call, sources.items[i], folder, err));
            continue;
        }
        TRY(schema_folder(&call, sources.items[i], &folder, err));
        TRY(plan_folder(&call, folder, str_is(str_of(context->verb), "apply"), err));
    }
    return finish(&call, context->verb, err);
}
