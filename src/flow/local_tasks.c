#include "flow/local_tasks.h"

#include <pthread.h>

#include "base/fs.h"
#include "base/map.h"
#include "base/process.h"
#include "base/vec.h"
#include "flow/payload.h"

enum { MAX_ARGUMENTS = 200, MAX_ANSWER_BYTES = 6 << 20 }; // Lambda's own limit of an answer

struct local_tasks {
    struct arena *arena;
    struct local_tasks_options options;
    pthread_mutex_t lock; // of starts and of the arena
    struct map starts;    // state -> number of starts: each child has a run id of its own
};

/// One child process: its command line, and what it said.
struct child {
    struct local_tasks *tasks;
    const struct flow_task *task;
    struct arena *arena;
    str_vec arguments, environment;
    struct buf output;
    struct str answer;                     // its whole stdout
    struct str error_class, error_message; // of its last error line
};

struct local_tasks *local_tasks_open(struct arena *arena, struct local_tasks_options options)
{
    struct local_tasks *tasks = ARENA_NEW(arena, struct local_tasks);
    tasks->arena = arena;
    tasks->options = options;
    map_init(&tasks->starts, arena);
    pthread_mutex_init(&tasks->lock, NULL);
    return tasks;
}

// ---- names of functions and task definitions --------------------------------------------------

static struct str mapped_text(struct arena *arena, const struct project *project,
                              const struct json *value)
{
    const struct json *ingest = json_get(value, STR("ingest"));
    const struct str environment = project->environment->name;
    if (ingest != NULL)
        return arena_printf(arena, "%.*s-%.*s-ingestion", STR_ARGS(environment),
                            STR_ARGS(json_str(ingest, STR(""))));
    return arena_printf(arena, "%.*s-dbt", STR_ARGS(environment));
}

struct json local_tasks_names(struct arena *arena, const struct project *project)
{
    const struct json *names = &project->environment->names;
    struct json texts = {.kind = JSON_OBJECT};
    for (size_t i = 0; i < names->count; i++) {
        const struct json *value = &names->members[i].value;
        *json_object_set(arena, &texts, names->members[i].key) =
            value->kind == JSON_OBJECT ? json_of_str(mapped_text(arena, project, value)) : *value;
    }
    return texts;
}

/// The last part of an ARN, without a version: "arn:...:function:dev-x:$LATEST" -> "dev-x".
static struct str name_of_arn(struct str name)
{
    const size_t function = str_find(name, STR(":function:"));
    const size_t definition = str_find(name, STR("task-definition/"));
    if (function != SIZE_MAX)
        name = str_slice(name, function + strlen(":function:"), SIZE_MAX);
    else if (definition != SIZE_MAX)
        name = str_slice(name, definition + strlen("task-definition/"), SIZE_MAX);
    const size_t colon = str_find_byte(name, ':');
    return colon == SIZE_MAX ? name : str_slice(name, 0, colon);
}

/// The entry of names: that stands for the function or task definition.
static const struct json *mapping_of(struct arena *arena, const struct project *project,
                                     struct str name, const char *kind)
{
    const struct json *names = &project->environment->names;
    for (size_t i = 0; i < names->count; i++) {
        const struct json *target = json_get(&names->members[i].value, str_of(kind));
        if (target != NULL &&
            str_equal(mapped_text(arena, project, &names->members[i].value), name))
            return target;
    }
    return NULL;
}

static bool has_source(struct arena *arena, const struct project *project, struct str source)
{
    struct str path;
    struct err ignored;
    const struct str name =
        arena_printf(arena, "pipelines/ingest/%.*s-ingestion/source.yml", STR_ARGS(source));
    return project_path(project, arena, name, &path, &ignored) == RC_OK && fs_exists(path);
}

/// "dev-chess-ingestion" -> "chess".
static bool source_of(struct arena *arena, const struct project *project, struct str function,
                      struct str *ret_source)
{
    const struct str name = name_of_arn(function), suffix = STR("-ingestion");
    const struct json *mapped = mapping_of(arena, project, name, "ingest");
    const struct str prefix = str_concat(arena, project->environment->name, STR("-"));
    if (mapped != NULL) {
        *ret_source = json_str(mapped, STR(""));
        return true;
    }
    if (!str_has_prefix(name, prefix) || !str_has_suffix(name, suffix) ||
        name.length <= prefix.length + suffix.length)
        return false;
    *ret_source = str_slice(name, prefix.length, name.length - prefix.length - suffix.length);
    return has_source(arena, project, *ret_source);
}

static bool is_dbt_task(struct arena *arena, const struct project *project, struct str definition)
{
    const struct str name = name_of_arn(definition);
    return mapping_of(arena, project, name, "transform") != NULL ||
           str_equal(name, arena_printf(arena, "%.*s-dbt", STR_ARGS(project->environment->name)));
}

static const struct project_local *stub_of(const struct project *project, struct str resource)
{
    for (size_t i = 0; i < project->local_count; i++)
        if (str_equal(project->locals[i].resource, resource))
            return &project->locals[i];
    return NULL;
}

enum resource_kind { RESOURCE_OTHER, RESOURCE_LAMBDA, RESOURCE_FUNCTION, RESOURCE_ECS };

static enum resource_kind kind_of(struct str resource)
{
    if (str_is(resource, "arn:aws:states:::lambda:invoke"))
        return RESOURCE_LAMBDA;
    if (str_has_prefix(resource, STR("arn:aws:lambda:")))
        return RESOURCE_FUNCTION;
    if (str_is(resource, "arn:aws:states:::ecs:runTask.sync") ||
        str_is(resource, "arn:aws:states:::ecs:runTask"))
        return RESOURCE_ECS;
    return RESOURCE_OTHER;
}

static rc check_function(const struct project *project, struct arena *arena, struct str function,
                         struct err *err)
{
    struct str source;
    const bool is_mapped = source_of(arena, project, function, &source);
    if (is_mapped && has_source(arena, project, source))
        return RC_OK;
    if (is_mapped) {
        err_set(err, RC_CONFIG, "the function %.*s runs the source %.*s, which is not there",
                STR_ARGS(function), STR_ARGS(source));
        return err_hint(err, "moulin new source %.*s makes pipelines/ingest/%.*s-ingestion",
                        STR_ARGS(source), STR_ARGS(source));
    }
    err_set(err, RC_CONFIG, "the function %.*s is no source of this project", STR_ARGS(function));
    return err_hint(err, "map it under names: in moulin.yml, as in "
                         "chess_ingestion_function: {ingest: chess}");
}

rc local_tasks_check(void *context, struct str state, const struct json *task, struct err *err)
{
    const struct local_tasks *tasks = context;
    const struct project *project = tasks->options.project;
    const struct str resource = json_str(json_get(task, STR("Resource")), STR(""));
    const struct json *function = json_path(task, "Parameters", "FunctionName");
    const struct json *definition = json_path(task, "Parameters", "TaskDefinition");
    (void)state;
    if (stub_of(project, resource) != NULL)
        return RC_OK;
    switch (kind_of(resource)) {
    case RESOURCE_LAMBDA: // FunctionName.$ is only known when the state runs
        return function == NULL
                   ? RC_OK
                   : check_function(project, tasks->arena, json_str(function, STR("")), err);
    case RESOURCE_FUNCTION:
        return check_function(project, tasks->arena, resource, err);
    case RESOURCE_ECS:
        if (definition == NULL || is_dbt_task(tasks->arena, project, json_str(definition, STR(""))))
            return RC_OK;
        err_set(err, RC_CONFIG, "the task definition %.*s is not this project's dbt task",
                STR_ARGS(json_str(definition, STR(""))));
        return err_hint(err, "map it under names: in moulin.yml, as in "
                             "dbt_task_definition: {transform: pipelines/transform}");
    case RESOURCE_OTHER:
        break;
    }
    err_set(err, RC_UNSUPPORTED, "the resource %.*s cannot be run on this machine",
            STR_ARGS(resource));
    return err_hint(err, "say in moulin.yml what it answers here: local: {\"%.*s\": {result: {}}}",
                    STR_ARGS(resource));
}

// ---- children -----------------------------------------------------------------------------------

static void add_argument(struct child *child, struct str text)
{
    *vec_push(child->arena, &child->arguments) = text;
}

static void add_option(struct child *child, const char *name, struct str value)
{
    add_argument(child, arena_printf(child->arena, "%s=%.*s", name, STR_ARGS(value)));
}

/// A line of the child's log (JSON) goes to the caller; its last error is kept.
static rc take_log_line(struct child *child, struct str line)
{
    const struct local_tasks_options *options = &child->tasks->options;
    struct json entry;
    struct err ignored;
    struct str level = STR("info"), message = line;
    struct arena *scratch = arena_open(NULL);
    if (json_parse(scratch, line, "log", &entry, &ignored) == RC_OK && entry.kind == JSON_OBJECT) {
        level = json_str(json_get(&entry, STR("level")), level);
        message = json_str(json_get(&entry, STR("message")), line);
        const struct json *error_class = json_get(&entry, STR("error"));
        const struct json *hint = json_get(&entry, STR("hint"));
        if (error_class != NULL) {
            child->error_class = arena_str(child->arena, json_str(error_class, STR("")));
            child->error_message =
                hint == NULL ? arena_str(child->arena, message)
                             : arena_printf(child->arena, "%.*s (%.*s)", STR_ARGS(message),
                                            STR_ARGS(json_str(hint, STR(""))));
        }
    }
    if (line.length > 0 && options->on_log != NULL)
        options->on_log(options->context, child->task->state, level, message);
    arena_close(scratch);
    return RC_OK;
}

static rc take_line(void *context, int fd, struct str line, struct err *err)
{
    struct child *child = context;
    if (fd != 1)
        return take_log_line(child, line);
    buf_append_str(&child->output, line);
    buf_append_byte(&child->output, '\n');
    return buf_check(&child->output, err, "the answer of the task");
}

/// program + command + the project's options; JSON in both streams so that it can be understood.
static void start_command(struct child *child, const char *command)
{
    const struct project *project = child->tasks->options.project;
    add_argument(child, child->tasks->options.program);
    add_argument(child, str_of(command));
    add_option(child, "--project-dir", project->folder);
    add_option(child, "--env", project->environment->name);
    add_option(child, "--output", STR("json"));
    add_option(child, "--log-format", STR("json"));
}

// The task's own limit or what is left of the machine's; 0 = none.
static int64_t child_timeout_us(const struct flow_task *task)
{
    const int64_t own_us = task->timeout_seconds * INT64_C(1000000);
    if (task->left_us == 0 || own_us == 0)
        return task->left_us == 0 ? own_us : task->left_us;
    return own_us < task->left_us ? own_us : task->left_us;
}

/// @param ret_code  the child's exit code
static rc run_child(struct child *child, int *ret_code, bool *ret_is_timeout, struct err *err)
{
    struct process_result result = {0};
    const struct process_options options = {
        .arguments = child->arguments.items,
        .argument_count = child->arguments.count,
        .environment = child->environment.items,
        .environment_count = child->environment.count,
        .folder = child->tasks->options.project->folder,
        .captures_output = true,
        .captures_errors = true,
        .timeout_us = child_timeout_us(child->task),
        .on_line = take_line,
        .context = child,
    };
    buf_init(&child->output, MAX_ANSWER_BYTES);
    const rc code = process_run(child->arena, &options, &result, err);
    child->answer = arena_str(child->arena, buf_str(&child->output));
    buf_done(&child->output);
    *ret_is_timeout = code == RC_TIMEOUT;
    *ret_code = result.exit_code;
    return code == RC_TIMEOUT ? RC_OK : code;
}

static void time_out(struct flow_outcome *outcome)
{
    outcome->is_timeout = true;
    outcome->error = STR("States.Timeout");
}

static void fail(struct arena *arena, struct flow_outcome *outcome, struct str error,
                 struct str message)
{
    struct json cause = {.kind = JSON_OBJECT};
    *json_object_set(arena, &cause, STR("errorMessage")) = json_of_str(message);
    *json_object_set(arena, &cause, STR("errorType")) = json_of_str(error);
    outcome->error = error;
    outcome->cause = json_print(arena, &cause, JSON_COMPACT);
}

static int count_start(struct local_tasks *tasks, struct str state)
{
    pthread_mutex_lock(&tasks->lock);
    struct map_entry *entry = map_entry_of(&tasks->starts, arena_str(tasks->arena, state));
    int *count = entry->value;
    if (count == NULL)
        entry->value = count = ARENA_NEW(tasks->arena, int);
    const int now = ++*count;
    pthread_mutex_unlock(&tasks->lock);
    return now;
}

/// execution-State, execution-State-2, ...: one id per start.
static struct str run_id(struct child *child)
{
    struct local_tasks *tasks = child->tasks;
    const struct flow_task *task = child->task;
    const int count = count_start(tasks, task->state);
    const struct str id = arena_printf(child->arena, "%.*s-%.*s", STR_ARGS(task->execution_name),
                                       STR_ARGS(task->state));
    char *text = arena_cstr(child->arena, id);
    for (size_t i = 0; i < id.length; i++) // it becomes part of file names
        if (strchr(" /\\:\"'*?<>|#%", text[i]) != NULL)
            text[i] = '_';
    return count == 1 ? str_of(text) : arena_printf(child->arena, "%s-%d", text, count);
}

// ---- lambda: ingest -----------------------------------------------------------------------------

/// The options that the payload asks for. false: the outcome says what is wrong with it.
static bool add_payload(struct child *child, const struct json *value, struct flow_outcome *outcome)
{
    struct payload payload;
    struct err problem;
    const rc code = payload_read(child->arena, value, &payload, &problem);
    if (code != RC_OK) {
        fail(child->arena, outcome,
             payload_error_name(child->arena, str_of(rc_class_of(code)->name)),
             arena_printf(child->arena, "%s (%s)", problem.message, problem.hint));
        return false;
    }
    add_option(child, "--run-id", payload.run_id.length > 0 ? payload.run_id : run_id(child));
    for (size_t i = 0; i < payload.options.count; i++)
        add_argument(child, payload.options.items[i]);
    return true;
}

/// The shape of lambda:invoke's result.
static struct json invoke_result(struct arena *arena, const struct json *payload)
{
    struct json result = {.kind = JSON_OBJECT};
    *json_object_set(arena, &result, STR("ExecutedVersion")) = json_of_str(STR("$LATEST"));
    *json_object_set(arena, &result, STR("Payload")) = *payload;
    *json_object_set(arena, &result, STR("StatusCode")) = json_of_int64(arena, 200);
    return result;
}

static rc take_answer(struct child *child, int exit_code, bool has_wrapper,
                      struct flow_outcome *outcome)
{
    struct json payload = {.kind = JSON_NULL};
    struct err parse_err;
    const struct str text = str_trim(child->answer);
    if (exit_code != 0) {
        const struct str message =
            child->error_message.length > 0
                ? child->error_message
                : arena_printf(child->arena, "the process ended with exit code %d", exit_code);
        fail(child->arena, outcome,
             child->error_class.length > 0 ? payload_error_name(child->arena, child->error_class)
                                           : STR("Runtime.ExitError"),
             message);
        return RC_OK;
    }
    if (text.length > 0 &&
        json_parse(child->arena, text, "the answer", &payload, &parse_err) != RC_OK) {
        fail(child->arena, outcome, STR("Runtime.MarshalError"), STR("the answer is no JSON"));
        return RC_OK;
    }
    outcome->is_success = true;
    outcome->output = has_wrapper ? invoke_result(child->arena, &payload) : payload;
    return RC_OK;
}

static rc run_function(struct child *child, struct str function, const struct json *payload,
                       bool has_wrapper, struct flow_outcome *outcome, struct err *err)
{
    const struct project *project = child->tasks->options.project;
    struct str source;
    int exit_code;
    bool is_timeout;
    if (!source_of(child->arena, project, function, &source)) {
        fail(child->arena, outcome, STR("Lambda.ResourceNotFoundException"),
             arena_printf(child->arena, "Function not found: %.*s", STR_ARGS(function)));
        return RC_OK;
    }
    start_command(child, "ingest");
    if (!add_payload(child, payload, outcome))
        return RC_OK;
    add_argument(child, STR("--"));
    add_argument(child, source);
    TRY(run_child(child, &exit_code, &is_timeout, err));
    if (is_timeout) {
        time_out(outcome);
        return RC_OK;
    }
    return take_answer(child, exit_code, has_wrapper, outcome);
}

// ---- ecs: transform -----------------------------------------------------------------------------

/// The first container's override, or NULL.
static const struct json *container_override(const struct flow_task *task)
{
    const struct json *list = json_path(&task->parameters, "Overrides", "ContainerOverrides");
    return list != NULL && list->kind == JSON_ARRAY && list->count > 0 ? &list->items[0] : NULL;
}

/// Command ["dbt", "build", "--select", "x"] -> build --select x; without one: build.
static void add_container_command(struct child *child)
{
    const struct json *command = json_get(container_override(child->task), STR("Command"));
    static const char *const skipped[] = {"moulin", "dbt", "transform"};
    size_t at = 0;
    if (command == NULL || command->kind != JSON_ARRAY || command->count == 0) {
        add_argument(child, STR("build"));
        return;
    }
    for (size_t i = 0; i < 3 && at + 1 < command->count; i++)
        if (str_is(json_str(&command->items[at], STR("")), skipped[i]))
            at++;
    for (; at < command->count && child->arguments.count < MAX_ARGUMENTS; at++)
        add_argument(child, json_str(&command->items[at], STR("")));
}

static void add_container_environment(struct child *child)
{
    const struct json *list = json_get(container_override(child->task), STR("Environment"));
    for (size_t i = 0; list != NULL && list->kind == JSON_ARRAY && i < list->count; i++) {
        const struct str name = json_str(json_get(&list->items[i], STR("Name")), STR(""));
        const struct str value = json_str(json_get(&list->items[i], STR("Value")), STR(""));
        if (name.length > 0)
            *vec_push(child->arena, &child->environment) =
                arena_printf(child->arena, "%.*s=%.*s", STR_ARGS(name), STR_ARGS(value));
    }
}

/// The description of a stopped task, as runTask.sync gives it (the part that machines use).
static struct json task_description(struct child *child, struct str definition, int exit_code)
{
    struct arena *arena = child->arena;
    const struct json *name = json_get(container_override(child->task), STR("Name"));
    struct json task = {.kind = JSON_OBJECT}, container = {.kind = JSON_OBJECT};
    struct json containers = {.kind = JSON_ARRAY};
    *json_object_set(arena, &container, STR("Name")) = json_of_str(json_str(name, STR("dbt")));
    *json_object_set(arena, &container, STR("LastStatus")) = json_of_str(STR("STOPPED"));
    *json_object_set(arena, &container, STR("ExitCode")) = json_of_int64(arena, exit_code);
    if (child->error_message.length > 0)
        *json_object_set(arena, &container, STR("Reason")) = json_of_str(child->error_message);
    *json_array_push(arena, &containers) = container;
    *json_object_set(arena, &task, STR("Containers")) = containers;
    *json_object_set(arena, &task, STR("LastStatus")) = json_of_str(STR("STOPPED"));
    *json_object_set(arena, &task, STR("StopCode")) = json_of_str(STR("EssentialContainerExited"));
    *json_object_set(arena, &task, STR("StoppedReason")) =
        json_of_str(STR("Essential container in task exited"));
    *json_object_set(arena, &task, STR("TaskDefinitionArn")) = json_of_str(definition);
    return task;
}

static rc run_container(struct child *child, struct flow_outcome *outcome, struct err *err)
{
    const struct str definition =
        json_str(json_get(&child->task->parameters, STR("TaskDefinition")), STR(""));
    int exit_code;
    bool is_timeout;
    if (!is_dbt_task(child->arena, child->tasks->options.project, definition)) {
        fail(child->arena, outcome, STR("ECS.ClientException"),
             arena_printf(child->arena, "TaskDefinition not found: %.*s", STR_ARGS(definition)));
        return RC_OK;
    }
    start_command(child, "transform");
    add_container_command(child);
    add_container_environment(child);
    TRY(run_child(child, &exit_code, &is_timeout, err));
    if (is_timeout) {
        time_out(outcome);
        return RC_OK;
    }
    const struct json task = task_description(child, definition, exit_code);
    outcome->is_success = exit_code == 0;
    outcome->output = task;
    if (exit_code != 0) {
        outcome->error = STR("States.TaskFailed");
        outcome->cause = json_print(child->arena, &task, JSON_COMPACT);
    }
    return RC_OK;
}

// ---- the executor -------------------------------------------------------------------------------

static rc run_task(void *context, const struct flow_task *task, struct arena *arena,
                   struct flow_outcome *ret_outcome, struct err *err)
{
    struct local_tasks *tasks = context;
    struct child child = {.tasks = tasks, .task = task, .arena = arena};
    const struct project_local *stub = stub_of(tasks->options.project, task->resource);
    const struct json *function = json_get(&task->parameters, STR("FunctionName"));
    if (stub != NULL) {
        ret_outcome->is_success = true;
        ret_outcome->output = stub->result.kind == JSON_NULL ? task->parameters : stub->result;
        return RC_OK;
    }
    switch (kind_of(task->resource)) {
    case RESOURCE_LAMBDA:
        return run_function(&child, json_str(function, STR("")),
                            json_get(&task->parameters, STR("Payload")), true, ret_outcome, err);
    case RESOURCE_FUNCTION:
        return run_function(&child, task->resource, &task->parameters, false, ret_outcome, err);
    case RESOURCE_ECS:
        return run_container(&child, ret_outcome, err);
    case RESOURCE_OTHER:
        break;
    }
    return err_set(err, RC_INTERNAL, "the resource %.*s has not been checked",
                   STR_ARGS(task->resource));
}

struct flow_executor local_tasks_executor(struct local_tasks *tasks)
{
    return (struct flow_executor){run_task, tasks};
}
