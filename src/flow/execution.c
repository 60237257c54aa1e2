#include "flow/execution.h"

#include <errno.h>
#include <poll.h>

#include "base/runtime.h"
#include "base/time.h"
#include "flow/choice.h"
#include "flow/frame.h"
#include "flow/intrinsic.h"
#include "flow/machine.h"

const char *flow_status_name(enum flow_status status)
{
    static const char *const names[] = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"};
    return names[status];
}

static int64_t system_now(void *context)
{
    (void)context;
    return time_now_us();
}

static rc system_wait(void *context, int64_t time_us, struct err *err)
{
    (void)context;
    struct pollfd stop = {.fd = runtime_stop_fd(), .events = POLLIN};
    for (int64_t left = time_us - time_now_us(); left > 0; left = time_us - time_now_us()) {
        TRY(runtime_check(err));
        const int64_t ms = left / 1000 + 1;
        if (poll(&stop, 1, ms > 60000 ? 60000 : (int)ms) < 0 && errno != EINTR)
            return err_system(err, errno, "waiting");
    }
    return runtime_check(err);
}

struct flow_clock flow_system_clock(void)
{
    return (struct flow_clock){system_now, system_wait, NULL};
}

void put_text(struct arena *arena, struct json *details, const char *name, struct str text)
{
    if (text.bytes != NULL)
        *json_object_set(arena, details, str_of(name)) = json_of_str(text);
}

void put_details(struct arena *arena, struct json *details, const char *name,
                 const struct json *value)
{
    struct json companion = {.kind = JSON_OBJECT};
    put_text(arena, details, name, json_print(arena, value, JSON_COMPACT));
    *json_object_set(arena, &companion, STR("truncated")) = json_of_bool(false);
    *json_object_set(arena, details, arena_printf(arena, "%sDetails", name)) = companion;
}

/// Numbers the event and hands it over; the caller holds the lock.
static rc write_event(struct frame *frame, const char *type, const char *details_name,
                      struct json *details, struct str state, int64_t *ret_id, struct err *err)
{
    struct run *run = frame->run;
    if (run->next_event_id > EXECUTION_MAX_EVENTS)
        return err_set(err, RC_LIMIT, "the execution has more than %d events",
                       EXECUTION_MAX_EVENTS);
    struct flow_event event = {.id = run->next_event_id++,
                               .previous_id = frame->previous_id,
                               .time_us = run->clock.now_us(run->clock.context),
                               .type = type,
                               .details_name = details_name,
                               .state = state};
    if (details != NULL)
        event.details = *details;
    if (ret_id != NULL)
        *ret_id = event.id;
    const struct flow_sink *sink = &run->options->sink;
    return sink->event == NULL ? RC_OK : sink->event(sink->context, &event, err);
}

rc frame_side_event(struct frame *frame, const char *type, const char *details_name,
                    struct json *details, struct str state, int64_t *ret_id, struct err *err)
{
    struct run *run = frame->run;
    if (frame->is_silent) {
        if (ret_id != NULL)
            *ret_id = frame->previous_id;
        return RC_OK;
    }
    pthread_mutex_lock(&run->lock);
    const rc code = write_event(frame, type, details_name, details, state, ret_id, err);
    pthread_mutex_unlock(&run->lock);
    return code;
}

rc frame_event(struct frame *frame, const char *type, const char *details_name,
               struct json *details, struct str state, int64_t *ret_id, struct err *err)
{
    int64_t id = frame->previous_id;
    TRY(frame_side_event(frame, type, details_name, details, state, &id, err));
    frame->previous_id = id;
    if (ret_id != NULL)
        *ret_id = id;
    return RC_OK;
}

rc frame_fail(struct frame *frame, struct str error, struct str cause)
{
    frame->failure = (struct flow_failure){error, cause};
    return RC_FAILED;
}

rc visit_runtime_error(struct visit *visit, const char *format, ...)
{
    struct arena *arena = visit->frame->arena;
    va_list args;
    va_start(args, format);
    const struct str what = arena_vprintf(arena, format, args);
    va_end(args);
    const struct str cause = arena_printf(
        arena,
        "An error occurred while executing the state '%.*s' (entered at the event id #%lld). %.*s",
        STR_ARGS(visit->name), (long long)visit->entered_id, STR_ARGS(what));
    return frame_fail(visit->frame, STR("States.Runtime"), cause);
}

struct flow_scope visit_scope(const struct visit *visit, const struct json *input)
{
    return (struct flow_scope){
        .input = input, .context = &visit->context, .variables = &visit->frame->variables};
}

void visit_update_context(struct visit *visit)
{
    struct frame *frame = visit->frame;
    struct arena *arena = frame->arena;
    struct json context = {.kind = JSON_OBJECT}, state = {.kind = JSON_OBJECT};
    for (size_t i = 0; i < frame->run->context.count; i++)
        *json_object_set(arena, &context, frame->run->context.members[i].key) =
            frame->run->context.members[i].value;
    put_text(arena, &state, "Name", visit->name);
    put_text(arena, &state, "EnteredTime", time_format(arena, visit->entered_us, TIME_ISO_Z));
    if (strcmp(visit->type, "Task") == 0 || visit->retry_count > 0)
        *json_object_set(arena, &state, STR("RetryCount")) =
            json_of_int64(arena, visit->retry_count);
    *json_object_set(arena, &context, STR("State")) = state;
    if (visit->token.length > 0) {
        struct json task = {.kind = JSON_OBJECT};
        put_text(arena, &task, "Token", visit->token);
        *json_object_set(arena, &context, STR("Task")) = task;
    }
    if (frame->map_item != NULL) {
        struct json map = {.kind = JSON_OBJECT};
        *json_object_set(arena, &map, STR("Item")) = *frame->map_item;
        *json_object_set(arena, &context, STR("Map")) = map;
    }
    visit->context = context;
}

// ---- the simple states ------------------------------------------------------------------------

static rc state_pass(struct visit *visit, struct err *err)
{
    const struct json *result = json_get(visit->state, STR("Result"));
    TRY(visit_take_input(visit, err));
    TRY(visit_template(visit, "Parameters", &visit->effective, &visit->result, err));
    if (result != NULL)
        visit->result = *result;
    return visit_put_result(visit, visit->state, err);
}

static rc state_succeed(struct visit *visit, struct err *err)
{
    TRY(visit_take_input(visit, err));
    return visit_put_output(visit, &visit->effective, err);
}

/// Error or ErrorPath, Cause or CausePath.
static rc take_fail_text(struct visit *visit, const char *name, const char *path_name,
                         struct str *ret_text, struct err *err)
{
    const struct json *text = json_get(visit->state, str_of(name));
    const struct json *path = json_get(visit->state, str_of(path_name));
    struct json value;
    *ret_text = (struct str){0};
    if (text != NULL)
        *ret_text = json_str(text, STR(""));
    if (path == NULL)
        return RC_OK;
    const struct str expression = json_str(path, STR(""));
    const struct flow_scope scope = visit_scope(visit, visit->input);
    struct arena *arena = visit->frame->arena;
    const rc code = intrinsic_is_call(expression)
                        ? intrinsic_eval(arena, expression, &scope, &value, err)
                        : path_eval(arena, expression, &scope, &value, err);
    if (code != RC_OK)
        return visit_runtime_error(visit, "Invalid path '%.*s' : %s", STR_ARGS(expression),
                                   err->message);
    if (value.kind != JSON_STRING)
        return visit_runtime_error(visit, "The %s field does not refer to a string: %.*s",
                                   path_name, STR_ARGS(expression));
    *ret_text = value.text;
    return RC_OK;
}

static rc state_fail(struct visit *visit, struct err *err)
{
    struct str error, cause;
    TRY(take_fail_text(visit, "Error", "ErrorPath", &error, err));
    TRY(take_fail_text(visit, "Cause", "CausePath", &cause, err));
    return frame_fail(visit->frame, error, cause);
}

static rc state_choice(struct visit *visit, struct err *err)
{
    const struct json *rules = json_get(visit->state, STR("Choices"));
    const struct json *fallback = json_get(visit->state, STR("Default"));
    TRY(visit_take_input(visit, err));
    const struct flow_scope scope = visit_scope(visit, &visit->effective);
    visit->result = visit->effective;
    for (size_t i = 0; i < rules->count; i++) {
        bool holds = false;
        if (choice_eval(visit->frame->arena, &rules->items[i], &scope, &holds, err) != RC_OK)
            return visit_runtime_error(visit, "Invalid path: %s", err->message);
        if (!holds)
            continue;
        visit->next = json_str(json_get(&rules->items[i], STR("Next")), STR(""));
        visit->assign = json_get(&rules->items[i], STR("Assign"));
        return visit_put_output(visit, &visit->effective, err);
    }
    if (fallback == NULL)
        return frame_fail(
            visit->frame, STR("States.NoChoiceMatched"),
            arena_printf(visit->frame->arena,
                         "Failed to transition out of the state '%.*s' (entered at "
                         "the event id #%lld): no rule matched and there is no Default",
                         STR_ARGS(visit->name), (long long)visit->entered_id));
    visit->next = json_str(fallback, STR(""));
    return visit_put_output(visit, &visit->effective, err);
}

/// The number of seconds that SecondsPath names.
static rc take_wait_seconds(struct visit *visit, struct str path, int64_t *ret_us, struct err *err)
{
    struct json value;
    int64_t seconds;
    TRY(visit_path(visit, path, &visit->effective, &value, err));
    const struct str shown = json_print(visit->frame->arena, &value, JSON_COMPACT);
    if (!json_to_int64(&value, &seconds))
        return visit_runtime_error(
            visit, "The SecondsPath parameter cannot be parsed as a long value: %.*s == %.*s",
            STR_ARGS(path), STR_ARGS(shown));
    if (seconds < 0)
        return visit_runtime_error(
            visit, "The SecondsPath parameter references a negative value: %.*s == %.*s",
            STR_ARGS(path), STR_ARGS(shown));
    *ret_us = seconds;
    return RC_OK;
}

static rc take_wait_time(struct visit *visit, struct str path, int64_t *ret_us, struct err *err)
{
    struct json value;
    TRY(visit_path(visit, path, &visit->effective, &value, err));
    const struct str text = json_str(&value, STR(""));
    if (choice_is_timestamp(text))
        return time_parse_rfc3339(text, ret_us, err);
    return visit_runtime_error(
        visit,
        "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time "
        "format string: %.*s == %.*s",
        STR_ARGS(path),
        STR_ARGS(value.kind == JSON_STRING
                     ? value.text
                     : json_print(visit->frame->arena, &value, JSON_COMPACT)));
}

rc frame_wait(struct frame *frame, int64_t until_us, struct err *err)
{
    struct run *run = frame->run;
    const bool is_over = until_us >= run->deadline_us;
    TRY(run->clock.wait_until(run->clock.context, is_over ? run->deadline_us : until_us, err));
    return is_over ? frame_fail(frame, STR("States.Timeout"), (struct str){0}) : RC_OK;
}

static rc state_wait(struct visit *visit, struct err *err)
{
    struct run *run = visit->frame->run;
    const int64_t now = run->clock.now_us(run->clock.context);
    const struct json *seconds = json_get(visit->state, STR("Seconds"));
    const struct json *seconds_path = json_get(visit->state, STR("SecondsPath"));
    const struct json *timestamp = json_get(visit->state, STR("Timestamp"));
    const struct json *timestamp_path = json_get(visit->state, STR("TimestampPath"));
    int64_t delay = json_int64(seconds, 0), until = INT64_MIN;
    TRY(visit_take_input(visit, err));
    if (seconds_path != NULL)
        TRY(take_wait_seconds(visit, seconds_path->text, &delay, err));
    if (timestamp != NULL)
        TRY(time_parse_rfc3339(timestamp->text, &until, err));
    if (timestamp_path != NULL)
        TRY(take_wait_time(visit, timestamp_path->text, &until, err));
    if (until == INT64_MIN && __builtin_mul_overflow(delay, TIME_US_PER_SECOND, &delay))
        return visit_runtime_error(visit, "the wait is longer than can be counted");
    if (until == INT64_MIN && __builtin_add_overflow(now, delay, &until))
        return visit_runtime_error(visit, "the wait is longer than can be counted");
    TRY(frame_wait(visit->frame, until, err));
    visit->result = visit->effective;
    return visit_put_output(visit, &visit->effective, err);
}

// ---- one state after another ------------------------------------------------------------------

static const struct state_kind {
    const char *type, *entered, *exited;
    rc (*run)(struct visit *visit, struct err *err);
} state_kinds[] = {
    {"Task", "TaskStateEntered", "TaskStateExited", state_task},
    {"Pass", "PassStateEntered", "PassStateExited", state_pass},
    {"Wait", "WaitStateEntered", "WaitStateExited", state_wait},
    {"Choice", "ChoiceStateEntered", "ChoiceStateExited", state_choice},
    {"Succeed", "SucceedStateEntered", "SucceedStateExited", state_succeed},
    {"Fail", "FailStateEntered", NULL, state_fail},
    {"Parallel", "ParallelStateEntered", "ParallelStateExited", state_parallel},
    {"Map", "MapStateEntered", "MapStateExited", state_map},
};

static const struct state_kind *kind_of(const struct json *state)
{
    const struct str type = json_str(json_get(state, STR("Type")), STR(""));
    for (size_t i = 0; i < sizeof state_kinds / sizeof state_kinds[0]; i++)
        if (str_is(type, state_kinds[i].type))
            return &state_kinds[i];
    return NULL;
}

static rc announce_exit(struct visit *visit, const struct state_kind *kind, struct err *err)
{
    struct arena *arena = visit->frame->arena;
    struct json details = {.kind = JSON_OBJECT}, assigned;
    TRY(visit_assign(visit, &assigned, err));
    put_text(arena, &details, "name", visit->name);
    put_details(arena, &details, "output", &visit->output);
    if (assigned.kind == JSON_OBJECT) {
        struct json texts = {.kind = JSON_OBJECT}, companion = {.kind = JSON_OBJECT};
        for (size_t i = 0; i < assigned.count; i++)
            *json_object_set(arena, &texts, assigned.members[i].key) =
                json_of_str(json_print(arena, &assigned.members[i].value, JSON_COMPACT));
        *json_object_set(arena, &companion, STR("truncated")) = json_of_bool(false);
        *json_object_set(arena, &details, STR("assignedVariables")) = texts;
        *json_object_set(arena, &details, STR("assignedVariablesDetails")) = companion;
    }
    return frame_event(visit->frame, kind->exited, "stateExitedEventDetails", &details, visit->name,
                       NULL, err);
}

static rc run_state(struct visit *visit, const struct state_kind *kind, struct err *err)
{
    struct frame *frame = visit->frame;
    struct run *run = frame->run;
    struct json details = {.kind = JSON_OBJECT};
    visit->entered_us = run->clock.now_us(run->clock.context);
    put_text(frame->arena, &details, "name", visit->name);
    put_details(frame->arena, &details, "input", visit->input);
    TRY(frame_event(frame, kind->entered, "stateEnteredEventDetails", &details, visit->name,
                    &visit->entered_id, err));
    visit_update_context(visit);
    visit->next = json_str(json_get(visit->state, STR("Next")), STR(""));
    visit->assign = json_get(visit->state, STR("Assign"));
    TRY(kind->run(visit, err));
    return announce_exit(visit, kind, err);
}

rc frame_run_machine(struct frame *frame, const struct json *machine, const struct json *input,
                     struct json *ret_output, struct err *err)
{
    const struct json *states = json_get(machine, STR("States"));
    struct str name = json_str(json_get(machine, STR("StartAt")), STR(""));
    struct json value = *input;
    if (frame->depth > MACHINE_MAX_DEPTH)
        return err_set(err, RC_LIMIT, "state machines are nested deeper than %d",
                       MACHINE_MAX_DEPTH);
    while (name.length > 0) {
        TRY(runtime_check(err));
        struct run *run = frame->run;
        if (run->clock.now_us(run->clock.context) >= run->deadline_us)
            return frame_fail(frame, STR("States.Timeout"), (struct str){0});
        const struct json *state = json_get(states, name);
        const struct state_kind *kind = state != NULL ? kind_of(state) : NULL;
        if (kind == NULL)
            return err_set(err, RC_INTERNAL, "the state %.*s has not been checked", STR_ARGS(name));
        const struct json *state_input = arena_copy(frame->arena, &value, sizeof value);
        struct visit visit = {
            .frame = frame, .name = name, .state = state, .type = kind->type, .input = state_input};
        TRY(run_state(&visit, kind, err));
        value = visit.output;
        name = visit.next;
    }
    *ret_output = value;
    return RC_OK;
}

// ---- the whole execution ----------------------------------------------------------------------

static void make_context(struct run *run, struct arena *arena)
{
    const struct flow_options *options = run->options;
    struct json execution = {.kind = JSON_OBJECT}, machine = {.kind = JSON_OBJECT};
    put_text(arena, &execution, "Id", options->id);
    *json_object_set(arena, &execution, STR("Input")) = *options->input;
    put_text(arena, &execution, "StartTime", time_format(arena, run->start_us, TIME_ISO_Z));
    put_text(arena, &execution, "Name", options->name);
    put_text(arena, &execution, "RoleArn", options->role);
    *json_object_set(arena, &execution, STR("RedriveCount")) = json_of_int64(arena, 0);
    put_text(arena, &machine, "Id", options->machine_id);
    put_text(arena, &machine, "Name", options->machine_name);
    run->context = (struct json){.kind = JSON_OBJECT};
    *json_object_set(arena, &run->context, STR("Execution")) = execution;
    *json_object_set(arena, &run->context, STR("StateMachine")) = machine;
}

static rc announce_start(struct frame *frame, struct err *err)
{
    const struct flow_options *options = frame->run->options;
    struct json details = {.kind = JSON_OBJECT};
    put_details(frame->arena, &details, "input", options->input);
    put_text(frame->arena, &details, "roleArn", options->role);
    // The first state has no event before it, so this one does not count as its predecessor.
    return frame_side_event(frame, "ExecutionStarted", "executionStartedEventDetails", &details,
                            STR(""), NULL, err);
}

static rc announce_failure(struct frame *frame, struct flow_result *result, struct err *err)
{
    struct json details = {.kind = JSON_OBJECT};
    const bool is_timeout =
        frame->run->clock.now_us(frame->run->clock.context) >= frame->run->deadline_us &&
        str_is(frame->failure.error, "States.Timeout");
    result->status = is_timeout ? FLOW_TIMED_OUT : FLOW_FAILED;
    result->error = frame->failure.error;
    result->cause = frame->failure.cause;
    if (is_timeout)
        return frame_event(frame, "ExecutionTimedOut", NULL, NULL, STR(""), NULL, err);
    put_text(frame->arena, &details, "error", frame->failure.error);
    put_text(frame->arena, &details, "cause", frame->failure.cause);
    return frame_event(frame, "ExecutionFailed", "executionFailedEventDetails", &details, STR(""),
                       NULL, err);
}

static rc finish(struct frame *frame, rc code, struct flow_result *result, struct err *err)
{
    struct json details = {.kind = JSON_OBJECT};
    struct err event_err;
    if (code == RC_FAILED)
        return announce_failure(frame, result, err);
    if (code == RC_OK) {
        result->status = FLOW_SUCCEEDED;
        put_details(frame->arena, &details, "output", &result->output);
        return frame_event(frame, "ExecutionSucceeded", "executionSucceededEventDetails", &details,
                           STR(""), NULL, err);
    }
    // Interrupted, or our own machinery failed: the history must not end in the middle.
    result->status = code == RC_INTERRUPTED ? FLOW_ABORTED : FLOW_FAILED;
    frame->previous_id = 0;
    const rc event_code = frame_event(
        frame, code == RC_INTERRUPTED ? "ExecutionAborted" : "ExecutionFailed",
        code == RC_INTERRUPTED ? "executionAbortedEventDetails" : "executionFailedEventDetails",
        &details, STR(""), NULL, &event_err);
    (void)event_code; // the first error is the one to report
    return code;
}

rc flow_execute(struct arena *arena, const struct flow_options *options,
                struct flow_result *ret_result, struct err *err)
{
    struct run run = {.options = options,
                      .clock = options->clock.now_us != NULL ? options->clock : flow_system_clock(),
                      .next_event_id = 1,
                      .deadline_us = INT64_MAX};
    struct frame frame = {.run = &run, .arena = arena};
    pthread_mutex_init(&run.lock, NULL);
    struct flow_result result = {0};
    map_init(&frame.variables.values, arena);
    run.start_us = run.clock.now_us(run.clock.context);
    run.random = run.start_us;
    const struct json *timeout = json_get(options->definition, STR("TimeoutSeconds"));
    if (timeout != NULL)
        run.deadline_us = run.start_us + json_int64(timeout, 0) * TIME_US_PER_SECOND;
    make_context(&run, arena);
    rc code = announce_start(&frame, err);
    if (code == RC_OK) {
        code = frame_run_machine(&frame, options->definition, options->input, &result.output, err);
        code = finish(&frame, code, &result, err);
        *ret_result = result;
    }
    pthread_mutex_destroy(&run.lock);
    return code;
}
