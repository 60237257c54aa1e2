#include "flow/workflow.h"

#include "base/fs.h"
#include "base/yaml.h"

static const char folder_name[] = "pipelines/orchestrate";
static const char suffix[] = ".asl.json";

rc workflow_list(const struct project *project, struct arena *arena, str_vec *ret_names,
                 struct err *err)
{
    struct str folder;
    str_vec files = {0};
    TRY(project_path(project, arena, str_of(folder_name), &folder, err));
    if (!fs_is_folder(folder))
        return RC_OK;
    TRY(fs_list(arena, folder, &files, err));
    for (size_t i = 0; i < files.count; i++)
        if (str_has_suffix(files.items[i], str_of(suffix)))
            *vec_push(arena, ret_names) =
                str_slice(files.items[i], 0, files.items[i].length - strlen(suffix));
    return RC_OK;
}

static rc no_workflow(const struct project *project, struct arena *arena, struct str name,
                      struct err *err)
{
    str_vec names = {0};
    TRY(workflow_list(project, arena, &names, err));
    err_set(err, RC_NOT_FOUND, "there is no workflow %.*s: %s/%.*s%s is missing", STR_ARGS(name),
            folder_name, STR_ARGS(name), suffix);
    const size_t near = str_nearest(name, names.items, names.count);
    if (near != SIZE_MAX)
        return err_hint(err, "did you mean %.*s?", STR_ARGS(names.items[near]));
    if (names.count == 0)
        return err_hint(err, "the project has no workflow yet");
    return err_hint(err, "there is %.*s",
                    STR_ARGS(str_join(arena, names.items, names.count, STR(", "))));
}

static rc read_text(const struct project *project, struct arena *arena, struct workflow *workflow,
                    struct str *ret_text, struct err *err)
{
    struct str path;
    const struct str file =
        arena_printf(arena, "%s/%.*s%s", folder_name, STR_ARGS(workflow->name), suffix);
    if (str_find_byte(workflow->name, '/') != SIZE_MAX)
        return no_workflow(project, arena, workflow->name, err);
    TRY(project_path(project, arena, file, &path, err));
    workflow->place = file;
    if (!fs_exists(path))
        return no_workflow(project, arena, workflow->name, err);
    return fs_read(arena, path, MACHINE_MAX_BYTES, ret_text, err);
}

/// The node that a problem's keys lead to: JSON is YAML enough for its places to be found there.
static void locate(const struct yaml *root, const struct machine_problem *problem,
                   struct workflow_problem *located)
{
    const struct yaml *node = root, *at = root;
    for (size_t i = 0; node != NULL && i < problem->keys.count; i++) {
        const struct str key = problem->keys.items[i];
        int64_t index;
        if (node->kind == YAML_SEQ) {
            const bool is_there =
                str_to_int64(key, &index) && index >= 0 && (size_t)index < node->count;
            node = at = is_there ? node->items[index] : NULL;
        } else {
            const struct yaml_member *member = yaml_member_of(node, key);
            at = member != NULL ? member->key : at;
            node = member != NULL ? member->value : NULL;
        }
    }
    if (at != NULL) {
        located->line = at->line;
        located->column = at->column;
    }
}

rc workflow_load(const struct project *project, struct local_tasks *tasks, struct arena *arena,
                 struct str name, struct workflow *ret_workflow, workflow_problem_vec *ret_problems,
                 struct err *err)
{
    struct workflow workflow = {.name = name};
    struct str text;
    const struct yaml *root = NULL;
    machine_problem_vec problems = {0};
    TRY(read_text(project, arena, &workflow, &text, err));
    const struct json names = local_tasks_names(arena, project);
    const char *place = arena_cstr(arena, workflow.place);
    TRY(machine_substitute(arena, text, place, &names, &text, err));
    const rc code = json_parse(arena, text, place, &workflow.definition, err);
    if (code == RC_INVALID)
        err->code = RC_CONFIG;
    TRY(code == RC_INVALID ? RC_CONFIG : code);
    const struct machine_check_options options = {local_tasks_check, tasks};
    machine_check(arena, &workflow.definition, options, &problems);
    struct err ignored;
    if (problems.count > 0 && yaml_parse(arena, text, place, &root, &ignored) != RC_OK)
        root = NULL; // then the problems are shown without their places
    for (size_t i = 0; i < problems.count; i++) {
        struct workflow_problem *problem = vec_push(arena, ret_problems);
        problem->message = machine_problem_text(arena, &problems.items[i]);
        problem->hint = problems.items[i].hint;
        locate(root, &problems.items[i], problem);
    }
    *ret_workflow = workflow;
    return RC_OK;
}
