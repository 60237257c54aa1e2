// moulin run: starts a workflow, shows what its states do, keeps the history; --list and --show
// read it.

#include <stdio.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/time.h"
#include "cli/command.h"
#include "cli/commands.gen.h"
#include "cli/run_remote.h"
#include "cli/run_show.h"
#include "flow/workflow.h"

struct run_watch {
    struct history *history;
    struct str execution_id;
    struct run_lines lines;
};

static rc open_history(struct command_context *context, struct project *project, bool must_exist,
                       struct history **ret_history, struct err *err)
{
    struct str folder, path;
    TRY(project_state_folder(project, context->arena, &folder, err));
    TRY(fs_join(context->arena, folder, STR("history.db"), &path, err));
    if (must_exist && !fs_exists(path)) {
        *ret_history = NULL;
        return RC_OK;
    }
    return history_open(context->arena, path, ret_history, err);
}

// ---- running ------------------------------------------------------------------------------------

static void show_child_log(void *context, struct str state, struct str level, struct str message)
{
    (void)context;
    const enum log_level levels = str_is(level, "error")  ? LOG_LEVEL_ERROR
                                  : str_is(level, "warn") ? LOG_LEVEL_WARN
                                                          : LOG_LEVEL_INFO;
    if (log_is_on(levels))
        log_write(levels, "%.*s | %.*s", STR_ARGS(state), STR_ARGS(message));
}

static rc watch_event(void *context, const struct flow_event *event, struct err *err)
{
    struct run_watch *watch = context;
    run_show_event(&watch->lines, event);
    return history_add_event(watch->history, watch->execution_id, event, err);
}

/// All problems of the machine in one message would be too long: each is a line of the log.
static rc refuse(const struct workflow *workflow, const workflow_problem_vec *problems,
                 struct err *err)
{
    for (size_t i = 1; i < problems->count; i++) {
        const struct workflow_problem *p = &problems->items[i];
        log_warn("%.*s:%d:%d: %.*s", STR_ARGS(workflow->place), p->line, p->column,
                 STR_ARGS(p->message));
    }
    const struct workflow_problem *first = &problems->items[0];
    char place[ERR_PLACE_BYTES];
    snprintf(place, sizeof place, "%.*s", STR_ARGS(workflow->place));
    err_set_at(err, RC_CONFIG, place, first->line, first->column, "%.*s", STR_ARGS(first->message));
    return first->hint.length > 0 ? err_hint(err, "%.*s", STR_ARGS(first->hint)) : RC_CONFIG;
}

/// Threads only for machines that have something to do at the same time.
static struct pool *open_pool(struct arena *arena, const struct json *definition)
{
    const struct json *states = json_get(definition, STR("States"));
    for (size_t i = 0; i < states->count; i++) {
        const struct str type = json_str(json_get(&states->members[i].value, STR("Type")), STR(""));
        if (str_is(type, "Parallel") || str_is(type, "Map"))
            return pool_open(arena, EXECUTION_MAX_CONCURRENCY);
    }
    return NULL;
}

static rc execute(struct command_context *context, struct project *project,
                  const struct workflow *workflow, struct local_tasks *tasks, struct err *err)
{
    struct run_watch watch = {0};
    struct run_start start;
    struct flow_result result = {0};
    const int64_t started = time_now_us();
    struct err finish_err;
    TRY(run_read_start(context, workflow->name, started, &start, err));
    watch.execution_id = start.name;
    run_lines_init(&watch.lines, context->arena);
    TRY(open_history(context, project, false, &watch.history, err));
    const struct history_execution execution = {
        .id = watch.execution_id,
        .workflow = workflow->name,
        .environment = project->environment->name,
        .input = json_print(context->arena, &start.input, JSON_COMPACT),
        .started_us = started};
    TRY(history_start(watch.history, &execution, err));
    log_info("%.*s: started in the environment %.*s", STR_ARGS(watch.execution_id),
             STR_ARGS(project->environment->name));
    const struct flow_options options = {
        .definition = &workflow->definition,
        .input = &start.input,
        .name = watch.execution_id,
        .id = watch.execution_id,
        .machine_name = workflow->name,
        .machine_id = workflow->name,
        .role = STR("local"),
        .region =
            project->environment->region.length > 0 ? project->environment->region : STR("local"),
        .executor = local_tasks_executor(tasks),
        .sink = {watch_event, &watch},
        .pool = open_pool(context->arena, &workflow->definition),
    };
    const rc code = flow_execute(context->arena, &options, &result, err);
    const rc finished = history_finish(watch.history, watch.execution_id, &result, time_now_us(),
                                       code == RC_OK ? err : &finish_err);
    if (code == RC_OK)
        TRY(finished);
    const struct str show =
        arena_printf(context->arena, "moulin run --show %.*s", STR_ARGS(start.name));
    if (code == RC_INTERRUPTED)
        return err_hint(err, "%.*s tells how far it came", STR_ARGS(show));
    return code != RC_OK ? code : run_show_end(context, start.name, &result, show, err);
}

static rc run_workflow(struct command_context *context, struct project *project, struct err *err)
{
    struct workflow workflow;
    workflow_problem_vec problems = {0};
    struct local_tasks *tasks =
        local_tasks_open(context->arena, (struct local_tasks_options){.project = project,
                                                                      .program = context->program,
                                                                      .on_log = show_child_log});
    const rc code = workflow_load(project, tasks, context->arena, context->arguments[0], &workflow,
                                  &problems, err);
    if (code == RC_NOT_FOUND)
        err->code = RC_USAGE; // a name that was mistyped
    TRY(code == RC_NOT_FOUND ? RC_USAGE : code);
    if (problems.count > 0)
        return refuse(&workflow, &problems, err);
    return execute(context, project, &workflow, tasks, err);
}

// ---- history ------------------------------------------------------------------------------------

static rc list_executions(struct command_context *context, struct project *project, struct err *err)
{
    struct history *history;
    history_execution_vec executions = {0};
    TRY(open_history(context, project, true, &history, err));
    if (history != NULL)
        TRY(history_list(history, context->arena, command_int(context, "limit"), &executions, err));
    return run_show_list(context, &executions, err);
}

static rc show_execution(struct command_context *context, struct project *project, struct err *err)
{
    struct history *history;
    struct history_execution execution;
    history_event_vec events = {0};
    const struct str id = command_text(context, "show");
    TRY(open_history(context, project, true, &history, err));
    if (history == NULL)
        return err_set(err, RC_NOT_FOUND, "there is no execution %.*s: nothing ran here yet",
                       STR_ARGS(id));
    TRY(history_find(history, context->arena, id, &execution, err));
    TRY(history_events(history, context->arena, execution.id, &events, err));
    return run_show_history(context, &execution, &events, err);
}

static rc refuse_stop(struct command_context *context, struct str environment, struct err *err)
{
    err_set(err, RC_USAGE,
            "the workflows of the environment %.*s run on this machine: end "
            "moulin run itself (Ctrl-C, or kill) to stop one",
            STR_ARGS(environment));
    return err_hint(err, "moulin run --stop %.*s --env NAME stops one in AWS",
                    STR_ARGS(command_text(context, "stop")));
}

rc command_run(struct command_context *context, struct err *err)
{
    struct project *project;
    const bool is_list = command_flag(context, "list"), is_show = command_has(context, "show");
    const bool is_stop = command_has(context, "stop");
    if ((is_list || is_show || is_stop) + context->argument_count != 1 ||
        is_list + is_show + is_stop > 1)
        return command_usage_error(context, err,
                                   "name a workflow, or give one of --list, --show "
                                   "ID and --stop ID");
    if (command_flag(context, "local") && command_flag(context, "remote"))
        return command_usage_error(context, err, "--local and --remote exclude each other");
    TRY(command_project(context, &project, err));
    const bool is_remote = run_is_remote(context, project);
    if (is_stop)
        return is_remote ? run_remote_stop(context, project, err)
                         : refuse_stop(context, project->environment->name, err);
    if (is_list)
        return is_remote ? run_remote_list(context, project, err)
                         : list_executions(context, project, err);
    if (is_show)
        return is_remote ? run_remote_show(context, project, err)
                         : show_execution(context, project, err);
    return is_remote ? run_remote_workflow(context, project, err)
                     : run_workflow(context, project, err);
}
