// Workflows of an environment in AWS: start, watch, list, show, stop. Layer: cli.
// Source: Step Functions' GetExecutionHistory, whose events our own engine writes too.

#include "cli/run_remote.h"

#include <stdlib.h>

#include "aws/client.h"
#include "aws/step_functions.h"
#include "base/log.h"
#include "base/retry.h"
#include "base/time.h"
#include "cli/run_show.h"
#include "flow/workflow.h"

#define FIRST_WAIT_US (TIME_US_PER_SECOND / 2)
#define LONGEST_WAIT_US (5 * TIME_US_PER_SECOND)

enum {
    MAX_LISTED = 100,
    MAX_EVENTS = EXECUTION_MAX_EVENTS + 1000, // the last ones tell that there were too many
    QUIET_POLLS = 6,                          // without news; then the execution itself is asked
};

bool run_is_remote(const struct command_context *context, const struct project *project)
{
    if (command_flag(context, "local"))
        return false;
    return command_flag(context, "remote") ||
           str_is(project->environment->workflows.type, "step_functions");
}

// --- which machine -------------------------------------------------------------------------------

// A workflow of the project; one that it does not have is most likely mistyped.
static rc check_workflow(struct command_context *context, const struct project *project,
                         struct str name, struct err *err)
{
    str_vec names = {0};
    TRY(workflow_list(project, context->arena, &names, err));
    for (size_t i = 0; i < names.count; i++)
        if (str_equal(names.items[i], name))
            return RC_OK;
    err_set(err, RC_USAGE, "there is no workflow '%.*s' (pipelines/orchestrate/%.*s.asl.json)",
            STR_ARGS(name), STR_ARGS(name));
    const size_t near = str_nearest(name, names.items, names.count);
    if (near != SIZE_MAX)
        return err_hint(err, "did you mean %.*s?", STR_ARGS(names.items[near]));
    const struct str list = str_join(context->arena, names.items, names.count, STR(", "));
    return err_hint(err, "workflows: %.*s", STR_ARGS(names.count > 0 ? list : STR("none")));
}

static rc machine_arn(struct command_context *context, struct project *project,
                      struct aws_session *session, struct str workflow, struct str *ret_arn,
                      struct err *err)
{
    const struct str name = str_replace(
        context->arena, project->environment->workflows.state_machine, STR("{workflow}"), workflow);
    return step_functions_machine_arn(session, context->arena, name, ret_arn, err);
}

// What a start that failed wants.
static rc hint_not_started(const struct project *project, struct str name, rc code, struct err *err)
{
    const struct str e = project->environment->name;
    if (code == RC_NOT_FOUND)
        return err_hint(err,
                        "deploy it (make deploy ENVIRONMENT=%.*s), name it in moulin.yml "
                        "(workflows: {state_machine: ...}), or run it on this machine with --local",
                        STR_ARGS(e));
    if (code == RC_EXISTS)
        return err_hint(err, "an execution of that name ran with another input: choose another "
                             "--name");
    const bool is_lost = code == RC_NETWORK || code == RC_TIMEOUT || code == RC_INTERRUPTED ||
                         (code == RC_HTTP && err->http_status >= 500);
    if (is_lost && !err->is_unsent)
        return err_hint(err,
                        "it may have been started all the same: moulin run --env %.*s --show %.*s "
                        "tells, and the same call with --name %.*s goes on with it",
                        STR_ARGS(e), STR_ARGS(name), STR_ARGS(name));
    return code;
}

// --- events --------------------------------------------------------------------------------------

VEC_TYPE(state_vec, struct str);

// Reads the history of an execution from where it stopped reading.
struct remote_reader {
    struct aws_session *session;
    struct arena *arena; // of what is kept
    struct str arn;
    struct str token; // of the page that is read next (again: it may have grown)
    int64_t last_id;  // of the events that were seen
    state_vec states; // of each event, by its id
    bool is_over;
    void (*on_event)(void *user, const struct flow_event *event);
    void *user;
};

static const struct json *details_of(const struct json *event)
{
    for (size_t i = 0; i < event->count; i++)
        if (str_has_suffix(event->members[i].key, STR("EventDetails")))
            return &event->members[i].value;
    return NULL;
}

// The state that an event belongs to: an entered or left one names it, the others follow the one
// that came before them.
static struct str state_of(const struct remote_reader *reader, const struct flow_event *event)
{
    const struct str type = str_of(event->type);
    if (str_has_suffix(type, STR("StateEntered")) || str_has_suffix(type, STR("StateExited")))
        return json_str(json_get(&event->details, STR("name")), STR(""));
    if (event->previous_id > 0 && (size_t)event->previous_id < reader->states.count)
        return reader->states.items[event->previous_id];
    return STR("");
}

static void take_event(struct remote_reader *reader, struct arena *scratch,
                       const struct json *value)
{
    struct flow_event event = {
        .id = json_int64(json_get(value, STR("id")), 0),
        .previous_id = json_int64(json_get(value, STR("previousEventId")), 0),
        .time_us = step_functions_time_us(json_get(value, STR("timestamp"))),
        .type = arena_cstr(scratch, json_str(json_get(value, STR("type")), STR(""))),
    };
    if (event.id <= reader->last_id || event.id > MAX_EVENTS)
        return;
    const struct json *details = details_of(value);
    event.details = details != NULL ? *details : (struct json){.kind = JSON_OBJECT};
    event.state = arena_str(reader->arena, state_of(reader, &event));
    while (reader->states.count <= (size_t)event.id)
        *vec_push(reader->arena, &reader->states) = STR("");
    reader->states.items[event.id] = event.state;
    reader->last_id = event.id;
    static const char *const ends[] = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut",
                                       "ExecutionAborted"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        reader->is_over |= strcmp(event.type, ends[i]) == 0;
    reader->on_event(reader->user, &event);
}

// All events that are new.
static rc read_events(struct remote_reader *reader, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    rc code;
    for (;;) {
        struct json events;
        struct str next;
        arena_reset(scratch);
        code = step_functions_history(reader->session, scratch, reader->arn, reader->token, &events,
                                      &next, err);
        if (code != RC_OK)
            break;
        for (size_t i = 0; i < events.count; i++)
            take_event(reader, scratch, &events.items[i]);
        if (next.length == 0 || reader->is_over)
            break;
        reader->token = arena_str(reader->arena, next);
    }
    arena_close(scratch);
    return code;
}

// --- watching ------------------------------------------------------------------------------------

static void show_event(void *user, const struct flow_event *event)
{
    run_show_event(user, event);
}

// An execution whose last event never comes (its history was cut) has ended all the same.
static rc has_ended(struct remote_reader *reader, struct err *err)
{
    struct step_functions_execution execution;
    struct arena *scratch = arena_open(NULL);
    const rc code = step_functions_describe(reader->session, scratch, reader->arn, &execution, err);
    if (code == RC_OK)
        reader->is_over = !str_is(execution.status, "RUNNING");
    arena_close(scratch);
    return code;
}

static rc watch(struct remote_reader *reader, struct err *err)
{
    int64_t wait_us = FIRST_WAIT_US;
    for (int quiet = 0;;) {
        const int64_t before = reader->last_id;
        TRY(read_events(reader, err));
        quiet = reader->last_id > before ? 0 : quiet + 1;
        if (!reader->is_over && quiet > 0 && quiet % QUIET_POLLS == 0)
            TRY(has_ended(reader, err));
        if (reader->is_over)
            return RC_OK;
        // Quick while things happen, patient while a task works.
        wait_us = quiet == 0 ? FIRST_WAIT_US : wait_us * 3 / 2;
        if (wait_us > LONGEST_WAIT_US)
            wait_us = LONGEST_WAIT_US;
        TRY(retry_sleep(wait_us, err));
    }
}

static rc read_result(struct aws_session *session, struct arena *arena, struct str arn,
                      struct flow_result *ret_result, struct err *err)
{
    struct step_functions_execution execution;
    struct flow_result result = {.status = FLOW_FAILED, .output = {.kind = JSON_NULL}};
    TRY(step_functions_describe(session, arena, arn, &execution, err));
    for (int status = FLOW_SUCCEEDED; status <= FLOW_ABORTED; status++)
        if (str_is(execution.status, flow_status_name((enum flow_status)status)))
            result.status = (enum flow_status)status;
    result.error = execution.error;
    result.cause = execution.cause;
    if (execution.output.length > 0)
        TRY_CONTEXT(json_parse(arena, execution.output, "output", &result.output, err), err,
                    "the output of the execution %.*s", STR_ARGS(execution.name));
    *ret_result = result;
    return RC_OK;
}

// Where a browser shows it; of another server than AWS's only the ARN is known.
static struct str console_url(struct aws_session *session, struct arena *arena, struct str arn)
{
    struct aws_endpoint endpoint;
    struct err ignored = {0};
    struct str rest = arn, part = STR(""), region = STR("");
    for (int i = 0; i < 4 && str_split_next(&rest, ':', &part); i++)
        region = part;
    if (!str_has_prefix(arn, STR("arn:aws:")) ||
        aws_session_endpoint(session, arena, &aws_step_functions, STR(""), &endpoint, &ignored) !=
            RC_OK ||
        endpoint.is_custom)
        return arn;
    return arena_printf(arena,
                        "https://%.*s.console.aws.amazon.com/states/home?region=%.*s#/v2/"
                        "executions/details/%.*s",
                        STR_ARGS(region), STR_ARGS(region), STR_ARGS(arn));
}

static rc goes_on(const struct command_context *context, struct project *project, struct str name,
                  rc code, struct err *err)
{
    const struct str e = project->environment->name;
    (void)context;
    err_context(err, "the execution %.*s goes on in AWS, its watching ended", STR_ARGS(name));
    err_hint(err,
             "moulin run --env %.*s --show %.*s tells how far it came, moulin run --env %.*s "
             "--stop %.*s stops it",
             STR_ARGS(e), STR_ARGS(name), STR_ARGS(e), STR_ARGS(name));
    return code;
}

rc run_remote_workflow(struct command_context *context, struct project *project, struct err *err)
{
    const struct str workflow = context->arguments[0];
    struct arena *arena = context->arena;
    struct run_start start;
    struct run_lines lines;
    struct flow_result result;
    struct remote_reader reader = {.arena = arena, .on_event = show_event, .user = &lines};
    struct str machine;
    TRY(check_workflow(context, project, workflow, err));
    TRY(run_read_start(context, workflow, time_now_us(), &start, err));
    TRY(project_aws(project, &reader.session, err));
    TRY(machine_arn(context, project, reader.session, workflow, &machine, err));
    run_lines_init(&lines, arena);
    rc code = step_functions_start(reader.session, arena, machine, start.name,
                                   json_print(arena, &start.input, JSON_COMPACT), &reader.arn, err);
    if (code != RC_OK)
        return hint_not_started(project, start.name, code, err);
    log_info("%.*s: started in Step Functions, environment %.*s", STR_ARGS(start.name),
             STR_ARGS(project->environment->name));
    log_info("%.*s: %.*s", STR_ARGS(start.name),
             STR_ARGS(console_url(reader.session, arena, reader.arn)));
    code = watch(&reader, err);
    if (code == RC_OK)
        code = read_result(reader.session, arena, reader.arn, &result, err);
    if (code != RC_OK)
        return goes_on(context, project, start.name, code, err);
    const struct str show =
        arena_printf(arena, "moulin run --env %.*s --show %.*s",
                     STR_ARGS(project->environment->name), STR_ARGS(start.name));
    return run_show_end(context, start.name, &result, show, err);
}

// --- looking back --------------------------------------------------------------------------------

static struct history_execution as_history(const struct project *project, struct str workflow,
                                           const struct step_functions_execution *execution)
{
    return (struct history_execution){
        .id = execution->name,
        .workflow = workflow,
        .environment = project->environment->name,
        .status = execution->status,
        .input = execution->input,
        .output = execution->output,
        .error = execution->error,
        .cause = execution->cause,
        .started_us = execution->started_us,
        .ended_us = execution->stopped_us,
    };
}

static int latest_first(const void *a, const void *b)
{
    const struct history_execution *x = a, *y = b;
    return x->started_us > y->started_us ? -1 : x->started_us < y->started_us ? 1 : 0;
}

rc run_remote_list(struct command_context *context, struct project *project, struct err *err)
{
    struct arena *arena = context->arena;
    struct aws_session *session;
    history_execution_vec all = {0};
    str_vec names = {0};
    const int64_t limit = command_int(context, "limit");
    TRY(workflow_list(project, arena, &names, err));
    TRY(project_aws(project, &session, err));
    for (size_t i = 0; i < names.count; i++) {
        struct str machine;
        step_functions_execution_vec executions = {0};
        TRY(machine_arn(context, project, session, names.items[i], &machine, err));
        const rc code = step_functions_list(session, arena, machine, limit, &executions, err);
        if (code == RC_NOT_FOUND)
            log_info("the workflow %.*s is not deployed", STR_ARGS(names.items[i]));
        else
            TRY(code);
        for (size_t k = 0; k < executions.count; k++)
            *vec_push(arena, &all) = as_history(project, names.items[i], &executions.items[k]);
    }
    if (all.count > 1)
        qsort(all.items, all.count, sizeof *all.items, latest_first);
    if ((int64_t)all.count > limit)
        all.count = (size_t)limit;
    return run_show_list(context, &all, err);
}

// What --show and --stop mean: an ARN, a name, or the beginning of one.
struct found {
    struct str arn, workflow;
    size_t count;
};

static rc find_in_machine(struct arena *arena, struct aws_session *session, struct str machine,
                          struct str workflow, struct str id, struct found *found, struct err *err)
{
    step_functions_execution_vec executions;
    const rc code = step_functions_list(session, arena, machine, MAX_LISTED, &executions, err);
    if (code == RC_NOT_FOUND)
        return RC_OK; // not deployed
    TRY(code);
    for (size_t i = 0; i < executions.count; i++) {
        const struct step_functions_execution *e = &executions.items[i];
        if (!str_has_prefix(e->name, id))
            continue;
        const bool is_whole = str_equal(e->name, id);
        *found = (struct found){e->arn, workflow, is_whole ? 1 : found->count + 1};
        if (is_whole)
            return RC_EXISTS; // nothing nearer can come
    }
    return RC_OK;
}

// The machine's ARN with the name behind it, for executions that no list holds any more.
static rc find_by_name(struct arena *arena, struct aws_session *session, struct str machine,
                       struct str id, struct str *ret_arn)
{
    struct step_functions_execution execution;
    struct err ignored = {0};
    const struct str of_machine =
        str_replace(arena, machine, STR(":stateMachine:"), STR(":execution:"));
    const struct str arn = arena_printf(arena, "%.*s:%.*s", STR_ARGS(of_machine), STR_ARGS(id));
    TRY(step_functions_describe(session, arena, arn, &execution, &ignored));
    *ret_arn = arn;
    return RC_OK;
}

static rc find_execution(struct command_context *context, struct project *project,
                         struct aws_session *session, struct str id, struct found *ret_found,
                         struct err *err)
{
    struct arena *arena = context->arena;
    struct found found = {.workflow = STR("")};
    str_vec names = {0};
    if (str_has_prefix(id, STR("arn:"))) {
        *ret_found = (struct found){id, STR(""), 1};
        return RC_OK;
    }
    TRY(workflow_list(project, arena, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        struct str machine;
        TRY(machine_arn(context, project, session, names.items[i], &machine, err));
        const rc code = find_in_machine(arena, session, machine, names.items[i], id, &found, err);
        if (code != RC_OK && code != RC_EXISTS)
            return code;
        if (code == RC_EXISTS)
            break;
        if (found.count == 0 && find_by_name(arena, session, machine, id, &found.arn) == RC_OK) {
            found.count = 1;
            found.workflow = names.items[i];
        }
    }
    if (found.count > 1)
        return err_set(err, RC_USAGE, "%zu executions begin with '%.*s'", found.count,
                       STR_ARGS(id));
    if (found.count == 0) {
        err_set(err, RC_NOT_FOUND, "there is no execution '%.*s' in the environment %.*s",
                STR_ARGS(id), STR_ARGS(project->environment->name));
        return err_hint(err,
                        "moulin run --env %.*s --list has them; those of this machine: "
                        "--local",
                        STR_ARGS(project->environment->name));
    }
    *ret_found = found;
    return RC_OK;
}

struct collected {
    struct arena *arena;
    history_event_vec events;
};

static void collect_event(void *user, const struct flow_event *event)
{
    struct collected *collected = user;
    struct arena *arena = collected->arena;
    *vec_push(arena, &collected->events) = (struct history_event){
        .id = event->id,
        .previous_id = event->previous_id,
        .time_us = event->time_us,
        .type = arena_str(arena, str_of(event->type)),
        .state = event->state,
        .details =
            event->details.count > 0 ? json_print(arena, &event->details, JSON_COMPACT) : STR(""),
    };
}

rc run_remote_show(struct command_context *context, struct project *project, struct err *err)
{
    struct arena *arena = context->arena;
    struct collected collected = {.arena = arena};
    struct remote_reader reader = {.arena = arena, .on_event = collect_event, .user = &collected};
    struct step_functions_execution execution;
    struct found found;
    TRY(project_aws(project, &reader.session, err));
    TRY(find_execution(context, project, reader.session, command_text(context, "show"), &found,
                       err));
    reader.arn = found.arn;
    TRY(step_functions_describe(reader.session, arena, found.arn, &execution, err));
    TRY(read_events(&reader, err));
    const struct history_execution e = as_history(project, found.workflow, &execution);
    return run_show_history(context, &e, &collected.events, err);
}

rc run_remote_stop(struct command_context *context, struct project *project, struct err *err)
{
    struct aws_session *session;
    struct found found;
    TRY(project_aws(project, &session, err));
    TRY(find_execution(context, project, session, command_text(context, "stop"), &found, err));
    TRY(step_functions_stop(session, context->arena, found.arn, STR("moulin run --stop"), err));
    log_info("%.*s: stopped", STR_ARGS(found.arn));
    return RC_OK;
}
