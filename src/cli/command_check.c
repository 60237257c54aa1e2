// moulin check: every file of the project, all problems at once, no network. Each kind of file has
// a function here; what is right or wrong says the module that reads the file.

#include "base/fs.h"
#include "base/jsonschema.h"
#include "base/time.h"
#include "base/yaml.h"
#include "cli/check.h"
#include "cli/command.h"
#include "cli/commands.gen.h"
#include "flow/schedule.h"
#include "flow/schedule_schema.gen.h"
#include "flow/workflow.h"
#include "ingest/schema.h"
#include "ingest/source/source_file.h"
#include "project/project_check.h"

struct check_problem *check_add(struct check *c, struct str place, int line, int column,
                                struct str message, struct str hint)
{
    struct check_problem *problem = vec_push(c->arena, &c->problems);
    *problem = (struct check_problem){.place = arena_str(c->arena, place),
                                      .line = line,
                                      .column = column,
                                      .message = arena_str(c->arena, message),
                                      .hint = arena_str(c->arena, hint)};
    return problem;
}

void check_add_err(struct check *c, const char *fallback_place, const struct err *err)
{
    const char *hint = err->hint[0] != '\0' ? err->hint : rc_class_of(err->code)->hint;
    // "run moulin check" is what the person is doing.
    const bool is_pointless = err->hint[0] == '\0' && err->code == RC_CONFIG;
    check_add(c, str_of(err->place[0] != '\0' ? err->place : fallback_place), err->line,
              err->column, str_of(err->message), str_of(is_pointless ? "" : hint));
}

static void add_schema_problems(struct check *c, const jsonschema_problem_vec *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct jsonschema_problem *p = &problems->items[i];
        check_add(c, str_of(p->place), p->line, p->column, p->message, p->hint);
    }
}

/// moulin.yml in every environment, as far as it can be known without values.
static rc check_moulin_yml(struct check *c, struct command_context *context, struct err *err)
{
    jsonschema_problem_vec problems = {0};
    c->file_count++;
    const rc code = project_problems(c->arena, context->project_folder, &problems, err);
    add_schema_problems(c, &problems);
    if (code == RC_NOT_FOUND) { // not a project at all: the call is wrong
        if (err != NULL)
            err->code = RC_CONFIG;
        return RC_CONFIG;
    }
    if (code != RC_OK)
        check_add_err(c, "moulin.yml", err);
    if (c->problems.count > 0)
        return RC_OK;
    if (command_project(context, &c->project, err) != RC_OK)
        check_add_err(c, "moulin.yml", err);
    else if (project_has_readable_secrets(c->project))
        check_add(c, STR("secrets.yml"), 0, 0, STR("others may read this file"),
                  STR("chmod 600 secrets.yml"))
            ->is_warning = true;
    return RC_OK;
}

static rc check_sources(struct check *c, struct err *err)
{
    str_vec names = {0};
    TRY(source_file_names(c->project, c->arena, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        jsonschema_problem_vec problems = {0};
        struct source_file file;
        const struct source_options options = {.name = names.items[i]};
        const char *place = arena_printf(c->arena, "pipelines/ingest/%.*s-ingestion/source.yml",
                                         STR_ARGS(names.items[i]))
                                .bytes;
        c->file_count++;
        const rc code = source_file_problems(c->project, c->arena, names.items[i], &problems, err);
        add_schema_problems(c, &problems);
        if (code != RC_OK)
            check_add_err(c, place, err);
        else if (problems.count == 0 &&
                 source_file_open(c->project, c->arena, &options, &file, err) != RC_OK)
            check_add_err(c, place, err);
        else if (problems.count == 0)
            source_close(file.source);
    }
    return RC_OK;
}

static rc check_schema_folder(struct check *c, struct str folder_name, struct err *err)
{
    struct str folder, path;
    str_vec files = {0};
    TRY(project_path(c->project, c->arena, folder_name, &folder, err));
    TRY(fs_list(c->arena, folder, &files, err));
    for (size_t i = 0; i < files.count; i++) {
        struct landing_schema_file file;
        if (!str_has_suffix(files.items[i], STR(".yml")))
            continue;
        TRY(fs_join(c->arena, folder, files.items[i], &path, err));
        c->file_count++;
        if (schema_file_read(c->arena, path, &file, err) != RC_OK)
            check_add_err(c, arena_cstr(c->arena, path), err);
    }
    return RC_OK;
}

static rc check_landing_schemas(struct check *c, struct err *err)
{
    struct str folder;
    str_vec names = {0};
    TRY(project_path(c->project, c->arena, STR("pipelines/ingest"), &folder, err));
    if (!fs_is_folder(folder))
        return RC_OK;
    TRY(fs_list(c->arena, folder, &names, err));
    for (size_t i = 0; i < names.count; i++)
        if (str_has_suffix(names.items[i], STR("-schema")))
            TRY(check_schema_folder(
                c, str_concat(c->arena, STR("pipelines/ingest/"), names.items[i]), err));
    return RC_OK;
}

static rc check_workflows(struct check *c, struct err *err)
{
    str_vec names = {0};
    struct local_tasks *tasks =
        local_tasks_open(c->arena, (struct local_tasks_options){.project = c->project});
    TRY(workflow_list(c->project, c->arena, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        struct workflow workflow = {0};
        workflow_problem_vec problems = {0};
        c->file_count++;
        if (workflow_load(c->project, tasks, c->arena, names.items[i], &workflow, &problems, err) !=
            RC_OK)
            check_add_err(c, "pipelines/orchestrate", err);
        for (size_t k = 0; k < problems.count; k++)
            check_add(c, workflow.place, problems.items[k].line, problems.items[k].column,
                      problems.items[k].message, problems.items[k].hint);
    }
    return RC_OK;
}

static void check_schedule(struct check *c, const struct yaml *schedule)
{
    const struct yaml *expression = yaml_get(schedule, STR("expression"));
    const struct yaml *workflow = yaml_get(schedule, STR("workflow"));
    const struct yaml *zone_name = yaml_get(schedule, STR("timezone"));
    const struct time_zone *zone;
    struct str path;
    struct err err;
    const struct str file = arena_printf(c->arena, "pipelines/orchestrate/%.*s.asl.json",
                                         STR_ARGS(yaml_str(workflow, STR(""))));
    if (schedule_check(yaml_str(expression, STR("")), &err) != RC_OK)
        check_add(c, str_of(expression->place), expression->line, expression->column,
                  str_of(err.message), str_of(err.hint));
    if (project_path(c->project, c->arena, file, &path, &err) != RC_OK || !fs_exists(path))
        check_add(c, str_of(workflow->place), workflow->line, workflow->column,
                  arena_printf(c->arena, "there is no workflow %.*s: %.*s is missing",
                               STR_ARGS(yaml_str(workflow, STR(""))), STR_ARGS(file)),
                  STR(""));
    if (zone_name != NULL && time_zone_load(yaml_str(zone_name, STR("")), &zone, &err) != RC_OK)
        check_add(c, str_of(zone_name->place), zone_name->line, zone_name->column,
                  str_of(err.message), STR("names look like Europe/Berlin or UTC"));
}

static rc check_schedules(struct check *c, struct err *err)
{
    static const char place[] = "pipelines/orchestrate/schedule.yml";
    struct str path, text;
    const struct yaml *root;
    const struct jsonschema *schema;
    jsonschema_problem_vec problems = {0};
    TRY(project_path(c->project, c->arena, str_of(place), &path, err));
    if (!fs_exists(path))
        return RC_OK;
    c->file_count++;
    TRY(fs_read(c->arena, path, PROJECT_MAX_FILE_BYTES, &text, err));
    if (yaml_parse(c->arena, text, place, &root, err) != RC_OK) {
        check_add_err(c, place, err);
        return RC_OK;
    }
    TRY(jsonschema_compile(c->arena, (struct str){schedule_schema, schedule_schema_length},
                           "schedule.schema.json", &schema, err));
    TRY(jsonschema_validate(schema, c->arena, root,
                            (struct jsonschema_options){.accepts_templates = true}, &problems,
                            err));
    add_schema_problems(c, &problems);
    const struct yaml *list = yaml_get(root, STR("schedules"));
    for (size_t i = 0; problems.count == 0 && i < list->count; i++)
        check_schedule(c, list->items[i]);
    return RC_OK;
}

static rc print_json(struct command_context *context, const struct check *c, struct err *err)
{
    struct arena *arena = context->arena;
    struct json answer = {.kind = JSON_OBJECT}, list = {.kind = JSON_ARRAY};
    for (size_t i = 0; i < c->problems.count; i++) {
        const struct check_problem *p = &c->problems.items[i];
        struct json *item = json_array_push(arena, &list);
        *item = (struct json){.kind = JSON_OBJECT};
        *json_object_set(arena, item, STR("file")) = json_of_str(p->place);
        *json_object_set(arena, item, STR("line")) = json_of_int64(arena, p->line);
        *json_object_set(arena, item, STR("column")) = json_of_int64(arena, p->column);
        *json_object_set(arena, item, STR("severity")) =
            json_of_str(p->is_warning ? STR("warning") : STR("error"));
        *json_object_set(arena, item, STR("message")) = json_of_str(p->message);
        if (p->hint.length > 0)
            *json_object_set(arena, item, STR("hint")) = json_of_str(p->hint);
    }
    *json_object_set(arena, &answer, STR("files")) = json_of_int64(arena, c->file_count);
    *json_object_set(arena, &answer, STR("problems")) = list;
    return output_json(context->output, &answer, err);
}

static rc print_text(struct command_context *context, const struct check *c, struct err *err)
{
    for (size_t i = 0; i < c->problems.count; i++) {
        const struct check_problem *p = &c->problems.items[i];
        TRY(output_str(context->output, p->place, err));
        if (p->line > 0)
            TRY(output_text(context->output, err, ":%d:%d", p->line, p->column));
        TRY(output_text(context->output, err, ": %s%.*s\n", p->is_warning ? "warning: " : "",
                        STR_ARGS(p->message)));
        if (p->hint.length > 0)
            TRY(output_text(context->output, err, "    %.*s\n", STR_ARGS(p->hint)));
    }
    if (c->problems.count == 0)
        return output_text(context->output, err, "%lld files checked, no problem\n",
                           (long long)c->file_count);
    return RC_OK;
}

rc command_check(struct command_context *context, struct err *err)
{
    static rc (*const checks[])(struct check * c, struct err * err) = {
        check_sources, check_landing_schemas, check_workflows, check_schedules, check_transform};
    struct check c = {.arena = context->arena, .engine = command_text(context, "engine")};
    size_t errors = 0;
    TRY(check_moulin_yml(&c, context, err));
    for (size_t i = 0; c.project != NULL && i < sizeof checks / sizeof checks[0]; i++)
        TRY(checks[i](&c, err));
    TRY(output_format_of(context->output) == OUTPUT_TEXT ? print_text(context, &c, err)
                                                         : print_json(context, &c, err));
    for (size_t i = 0; i < c.problems.count; i++)
        errors += !c.problems.items[i].is_warning;
    if (errors == 0)
        return RC_OK;
    err_set(err, RC_CONFIG, "%zu %s in %lld files", errors, errors == 1 ? "problem" : "problems",
            (long long)c.file_count);
    return err_hint(err, "mend what is listed above");
}
