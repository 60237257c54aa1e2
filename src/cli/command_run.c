// moulin run: starts a workflow, shows what its states do, keeps the history; --list and --show
// read it.

#include <stdio.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/time.h"
#include "cli/command.h"
#include "cli/commands.gen.h"
#include "flow/history.h"
#include "flow/workflow.h"

enum { MAX_INPUT_BYTES = 256 * 1024, MAX_SHOWN_CHARACTERS = 300 };

struct run_watch {
    struct command_context *context;
    struct history *history;
    struct str execution_id;
    struct map entered; // state -> int64_t *: when it was entered
};

static rc open_history(struct command_context *context, struct project *project, bool must_exist,
                       struct history **ret_history, struct err *err)
{
    struct str path;
    TRY(fs_join(context->arena, project->state_folder, STR("history.db"), &path, err));
    if (must_exist && !fs_exists(path)) {
        *ret_history = NULL;
        return RC_OK;
    }
    TRY(fs_make_folders(project->state_folder, err));
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

static struct str detail(const struct flow_event *event, const char *key)
{
    return json_str(json_get(&event->details, str_of(key)), STR(""));
}

/// The cause for a person: the message inside a function's cause, else the text itself.
static struct str readable_cause(struct arena *arena, struct str cause)
{
    struct json value;
    struct err ignored;
    if (cause.length == 0 || json_parse(arena, cause, "cause", &value, &ignored) != RC_OK)
        return cause;
    const struct json *containers = json_get(&value, STR("Containers"));
    const struct str message = json_str(json_get(&value, STR("errorMessage")), STR(""));
    if (containers != NULL && containers->kind == JSON_ARRAY && containers->count > 0)
        return json_str(json_get(&containers->items[0], STR("Reason")),
                        STR("the task ended with an error"));
    return message.length > 0 ? message : cause;
}

static void show_exit(struct run_watch *watch, const struct flow_event *event)
{
    const int64_t *entered = map_get(&watch->entered, event->state);
    struct arena *scratch = arena_open(NULL);
    const struct str duration =
        time_format_duration(scratch, entered != NULL ? event->time_us - *entered : 0);
    log_info("%.*s: done in %.*s", STR_ARGS(event->state), STR_ARGS(duration));
    arena_close(scratch);
}

/// One line per state that a person wants to see; the rest is in the history.
static void show_event(struct run_watch *watch, const struct flow_event *event)
{
    const struct str type = str_of(event->type);
    if (str_has_suffix(type, STR("StateEntered"))) {
        struct map_entry *entry =
            map_entry_of(&watch->entered, arena_str(watch->context->arena, event->state));
        if (entry->value == NULL)
            entry->value = ARENA_NEW(watch->context->arena, int64_t);
        *(int64_t *)entry->value = event->time_us;
        log_info("%.*s: started", STR_ARGS(event->state));
    } else if (str_has_suffix(type, STR("StateExited"))) {
        show_exit(watch, event);
    } else if (str_is(type, "TaskFailed") || str_is(type, "TaskTimedOut")) {
        struct arena *scratch = arena_open(NULL);
        const struct str cause =
            str_slice(readable_cause(scratch, detail(event, "cause")), 0, MAX_SHOWN_CHARACTERS);
        log_warn("%.*s: %.*s%s%.*s", STR_ARGS(event->state), STR_ARGS(detail(event, "error")),
                 cause.length > 0 ? ": " : "", STR_ARGS(cause));
        arena_close(scratch);
    }
}

static rc watch_event(void *context, const struct flow_event *event, struct err *err)
{
    struct run_watch *watch = context;
    show_event(watch, event);
    return history_add_event(watch->history, watch->execution_id, event, err);
}

/// --input: JSON, or @FILE.
static rc read_input(struct command_context *context, struct json *ret_input, struct err *err)
{
    struct str text = command_text(context, "input");
    const char *place = "--input";
    if (str_has_prefix(text, STR("@"))) {
        const struct str path = str_slice(text, 1, SIZE_MAX);
        place = arena_cstr(context->arena, path);
        TRY(fs_read(context->arena, path, MAX_INPUT_BYTES, &text, err));
    }
    if (text.length > MAX_INPUT_BYTES)
        return err_set(err, RC_LIMIT, "the input is bigger than %d KiB", MAX_INPUT_BYTES / 1024);
    const rc code = json_parse(context->arena, text, place, ret_input, err);
    if (code == RC_INVALID)
        err->code = RC_USAGE;
    return code == RC_INVALID ? RC_USAGE : code;
}

/// chess-20200531-235959-1f2e
static rc execution_name(struct command_context *context, struct str workflow, int64_t now_us,
                         struct str *ret_name, struct err *err)
{
    const struct str given = command_text(context, "name");
    for (size_t i = 0; i < given.length; i++) {
        const char c = given.bytes[i];
        const bool is_right = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!is_right || given.length > 80)
            return command_usage_error(context, err,
                                       "--name must be at most 80 letters, digits, - _ or .");
    }
    const struct time_parts t = time_parts_of_us(now_us);
    *ret_name = given.length > 0
                    ? given
                    : arena_printf(context->arena, "%.*s-%04d%02d%02d-%02d%02d%02d-%04x",
                                   STR_ARGS(workflow), (int)t.year, t.month, t.day, t.hour,
                                   t.minute, t.second, (unsigned)(random_uint64() & 0xffff));
    return RC_OK;
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

static rc print_result(struct command_context *context, struct str id, struct str status,
                       const struct flow_result *result, struct err *err)
{
    struct arena *arena = context->arena;
    struct json answer = {.kind = JSON_OBJECT};
    if (output_format_of(context->output) == OUTPUT_TEXT)
        return result->status == FLOW_SUCCEEDED ? output_json(context->output, &result->output, err)
                                                : RC_OK;
    *json_object_set(arena, &answer, STR("id")) = json_of_str(id);
    *json_object_set(arena, &answer, STR("status")) = json_of_str(status);
    if (result->status == FLOW_SUCCEEDED)
        *json_object_set(arena, &answer, STR("output")) = result->output;
    if (result->error.length > 0)
        *json_object_set(arena, &answer, STR("error")) = json_of_str(result->error);
    if (result->cause.length > 0)
        *json_object_set(arena, &answer, STR("cause")) = json_of_str(result->cause);
    return output_json(context->output, &answer, err);
}

static rc report_end(struct command_context *context, struct str id,
                     const struct flow_result *result, rc code, struct err *err)
{
    const struct str status = str_of(flow_status_name(result->status));
    struct err print_err;
    if (code != RC_OK) {
        if (code == RC_INTERRUPTED)
            err_hint(err, "moulin run --show %.*s tells how far it came", STR_ARGS(id));
        return code;
    }
    const rc printed = print_result(context, id, status, result, &print_err);
    if (result->status == FLOW_SUCCEEDED) {
        log_info("%.*s: succeeded", STR_ARGS(id));
        if (printed != RC_OK)
            *err = print_err;
        return printed;
    }
    const struct str cause = readable_cause(context->arena, result->cause);
    err_set(err, RC_FAILED, "the execution %.*s %s: %.*s%s%.*s", STR_ARGS(id),
            result->status == FLOW_TIMED_OUT ? "timed out" : "failed", STR_ARGS(result->error),
            cause.length > 0 ? ": " : "", STR_ARGS(str_slice(cause, 0, 600)));
    return err_hint(err, "moulin run --show %.*s shows its states", STR_ARGS(id));
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
    struct run_watch watch = {.context = context};
    struct json input;
    struct flow_result result = {0};
    const int64_t started = time_now_us();
    struct err finish_err;
    map_init(&watch.entered, context->arena);
    TRY(read_input(context, &input, err));
    TRY(execution_name(context, workflow->name, started, &watch.execution_id, err));
    TRY(open_history(context, project, false, &watch.history, err));
    const struct history_execution execution = {
        .id = watch.execution_id,
        .workflow = workflow->name,
        .environment = project->environment->name,
        .input = json_print(context->arena, &input, JSON_COMPACT),
        .started_us = started};
    TRY(history_start(watch.history, &execution, err));
    log_info("%.*s: started in the environment %.*s", STR_ARGS(watch.execution_id),
             STR_ARGS(project->environment->name));
    const struct flow_options options = {
        .definition = &workflow->definition,
        .input = &input,
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
    return report_end(context, watch.execution_id, &result, code, err);
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

static struct output_cell text_cell(struct str text)
{
    return (struct output_cell){.text = text, .is_null = text.bytes == NULL};
}

static struct output_cell time_cell(struct arena *arena, int64_t us)
{
    return us == 0 ? (struct output_cell){.is_null = true}
                   : text_cell(time_format(arena, us, TIME_ISO_Z));
}

static rc list_executions(struct command_context *context, struct project *project, struct err *err)
{
    static const struct output_column columns[] = {
        {STR_INIT("id"), OUTPUT_STRING},          {STR_INIT("workflow"), OUTPUT_STRING},
        {STR_INIT("environment"), OUTPUT_STRING}, {STR_INIT("status"), OUTPUT_STRING},
        {STR_INIT("started"), OUTPUT_STRING},     {STR_INIT("seconds"), OUTPUT_NUMBER},
        {STR_INIT("error"), OUTPUT_STRING}};
    struct history *history;
    history_execution_vec executions = {0};
    TRY(open_history(context, project, true, &history, err));
    if (history != NULL)
        TRY(history_list(history, context->arena, command_int(context, "limit"), &executions, err));
    TRY(output_table_begin(context->output, columns, sizeof columns / sizeof columns[0],
                           "no execution yet", err));
    for (size_t i = 0; i < executions.count; i++) {
        const struct history_execution *e = &executions.items[i];
        const struct output_cell seconds =
            e->ended_us == 0 ? (struct output_cell){.is_null = true}
                             : text_cell(arena_printf(context->arena, "%.1f",
                                                      (double)(e->ended_us - e->started_us) / 1e6));
        const struct output_cell cells[] = {text_cell(e->id),
                                            text_cell(e->workflow),
                                            text_cell(e->environment),
                                            text_cell(e->status),
                                            time_cell(context->arena, e->started_us),
                                            seconds,
                                            text_cell(e->error)};
        TRY(output_row(context->output, cells, err));
    }
    return output_table_end(context->output, err);
}

static struct json json_or_text(struct arena *arena, struct str text)
{
    struct json value;
    struct err ignored;
    if (text.bytes == NULL)
        return (struct json){.kind = JSON_NULL};
    return json_parse(arena, text, "history", &value, &ignored) == RC_OK ? value
                                                                         : json_of_str(text);
}

static rc show_as_json(struct command_context *context, const struct history_execution *e,
                       const history_event_vec *events, struct err *err)
{
    struct arena *arena = context->arena;
    struct json answer = {.kind = JSON_OBJECT}, list = {.kind = JSON_ARRAY};
    const struct {
        const char *name;
        struct str text;
    } texts[] = {{"id", e->id},         {"workflow", e->workflow}, {"environment", e->environment},
                 {"status", e->status}, {"error", e->error},       {"cause", e->cause}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *json_object_set(arena, &answer, str_of(texts[i].name)) =
            texts[i].text.bytes != NULL ? json_of_str(texts[i].text)
                                        : (struct json){.kind = JSON_NULL};
    *json_object_set(arena, &answer, STR("started")) =
        json_of_str(time_format(arena, e->started_us, TIME_ISO_Z));
    *json_object_set(arena, &answer, STR("ended")) =
        e->ended_us == 0 ? (struct json){.kind = JSON_NULL}
                         : json_of_str(time_format(arena, e->ended_us, TIME_ISO_Z));
    *json_object_set(arena, &answer, STR("input")) = json_or_text(arena, e->input);
    *json_object_set(arena, &answer, STR("output")) = json_or_text(arena, e->output);
    for (size_t i = 0; i < events->count; i++) {
        const struct history_event *event = &events->items[i];
        struct json *item = json_array_push(arena, &list);
        *item = (struct json){.kind = JSON_OBJECT};
        *json_object_set(arena, item, STR("id")) = json_of_int64(arena, event->id);
        *json_object_set(arena, item, STR("previousEventId")) =
            json_of_int64(arena, event->previous_id);
        *json_object_set(arena, item, STR("timestamp")) =
            json_of_str(time_format(arena, event->time_us, TIME_ISO_Z));
        *json_object_set(arena, item, STR("type")) = json_of_str(event->type);
        *json_object_set(arena, item, STR("state")) = json_of_str(event->state);
        if (event->details.length > 0)
            *json_object_set(arena, item, STR("details")) = json_or_text(arena, event->details);
    }
    *json_object_set(arena, &answer, STR("events")) = list;
    return output_json(context->output, &answer, err);
}

/// What an event carries that fits on a line.
static struct str summary_of(struct arena *arena, struct str details)
{
    const struct json value = json_or_text(arena, details);
    static const char *const keys[] = {"error", "cause", "output", "input", "parameters"};
    struct str text = STR("");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct str part = json_str(json_get(&value, str_of(keys[i])), STR(""));
        if (part.length == 0)
            continue;
        text = text.length == 0 ? part
                                : arena_printf(arena, "%.*s: %.*s", STR_ARGS(text), STR_ARGS(part));
        if (i >= 1)
            break;
    }
    return text;
}

static rc show_as_text(struct command_context *context, const struct history_execution *e,
                       const history_event_vec *events, struct err *err)
{
    static const struct output_column columns[] = {{STR_INIT("id"), OUTPUT_NUMBER},
                                                   {STR_INIT("time"), OUTPUT_STRING},
                                                   {STR_INIT("state"), OUTPUT_STRING},
                                                   {STR_INIT("event"), OUTPUT_STRING},
                                                   {STR_INIT("what"), OUTPUT_STRING}};
    struct arena *arena = context->arena;
    TRY(output_text(context->output, err, "%.*s  %.*s  %.*s\n\n", STR_ARGS(e->id),
                    STR_ARGS(e->status), STR_ARGS(time_format(arena, e->started_us, TIME_ISO_Z))));
    TRY(output_table_begin(context->output, columns, sizeof columns / sizeof columns[0],
                           "no events", err));
    for (size_t i = 0; i < events->count; i++) {
        const struct history_event *event = &events->items[i];
        const struct output_cell cells[] = {
            text_cell(arena_printf(arena, "%lld", (long long)event->id)),
            time_cell(arena, event->time_us), text_cell(event->state), text_cell(event->type),
            text_cell(summary_of(arena, event->details))};
        TRY(output_row(context->output, cells, err));
    }
    return output_table_end(context->output, err);
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
    return output_format_of(context->output) == OUTPUT_TEXT
               ? show_as_text(context, &execution, &events, err)
               : show_as_json(context, &execution, &events, err);
}

rc command_run(struct command_context *context, struct err *err)
{
    struct project *project;
    const bool is_list = command_flag(context, "list"), is_show = command_has(context, "show");
    if ((is_list || is_show) + context->argument_count != 1)
        return command_usage_error(context, err,
                                   "name a workflow, or give one of --list and --show ID");
    TRY(command_project(context, &project, err));
    if (is_list)
        return list_executions(context, project, err);
    return is_show ? show_execution(context, project, err) : run_workflow(context, project, err);
}
