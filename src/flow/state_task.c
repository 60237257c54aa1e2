// Task states: what is written around the executor's work.

#include "flow/frame.h"

#include "base/hash.h"

/// "arn:aws:states:::lambda:invoke" -> "lambda", "invoke"; "...aws-sdk:s3:getObject" ->
/// "aws-sdk:s3".
static void split_resource(struct str resource, struct str *ret_type, struct str *ret_name)
{
    const size_t start = str_find(resource, STR(":::"));
    const struct str tail = start == SIZE_MAX ? resource : str_slice(resource, start + 3, SIZE_MAX);
    const size_t colon = str_find_last_byte(tail, ':');
    *ret_type = colon == SIZE_MAX ? tail : str_slice(tail, 0, colon);
    *ret_name = colon == SIZE_MAX ? tail : str_slice(tail, colon + 1, SIZE_MAX);
}

/// TimeoutSeconds or the number that TimeoutSecondsPath names; 0 = none.
static rc take_seconds(struct visit *visit, const char *name, const char *path_name,
                       int64_t *ret_seconds, struct err *err)
{
    const struct json *number = json_get(visit->state, str_of(name));
    const struct json *path = json_get(visit->state, str_of(path_name));
    struct json value;
    *ret_seconds = json_int64(number, 0);
    if (path == NULL)
        return RC_OK;
    TRY(visit_path(visit, json_str(path, STR("")), &visit->effective, &value, err));
    if (json_to_int64(&value, ret_seconds) && *ret_seconds > 0)
        return RC_OK;
    return visit_runtime_error(
        visit, "The %s parameter does not reference a positive integer: %.*s == %.*s", path_name,
        STR_ARGS(json_str(path, STR(""))),
        STR_ARGS(json_print(visit->frame->arena, &value, JSON_COMPACT)));
}

static void put_resource(struct visit *visit, struct json *details, const struct flow_task *task)
{
    struct str type, name;
    split_resource(task->resource, &type, &name);
    put_text(visit->frame->arena, details, "resource", name);
    put_text(visit->frame->arena, details, "resourceType", type);
}

static rc announce(struct visit *visit, const struct flow_task *task, struct err *err)
{
    struct frame *frame = visit->frame;
    struct arena *arena = frame->arena;
    struct json scheduled = {.kind = JSON_OBJECT}, started = {.kind = JSON_OBJECT};
    put_resource(visit, &scheduled, task);
    put_text(arena, &scheduled, "region", frame->run->options->region);
    put_text(arena, &scheduled, "parameters", json_print(arena, &task->parameters, JSON_COMPACT));
    if (task->timeout_seconds > 0)
        *json_object_set(arena, &scheduled, STR("timeoutInSeconds")) =
            json_of_int64(arena, task->timeout_seconds);
    if (task->heartbeat_seconds > 0)
        *json_object_set(arena, &scheduled, STR("heartbeatInSeconds")) =
            json_of_int64(arena, task->heartbeat_seconds);
    TRY(frame_event(frame, "TaskScheduled", "taskScheduledEventDetails", &scheduled, visit->name,
                    NULL, err));
    put_resource(visit, &started, task);
    return frame_event(frame, "TaskStarted", "taskStartedEventDetails", &started, visit->name, NULL,
                       err);
}

static rc report(struct visit *visit, const struct flow_task *task, struct flow_outcome *outcome,
                 struct err *err)
{
    struct frame *frame = visit->frame;
    struct json details = {.kind = JSON_OBJECT};
    if (outcome->has_submitted) {
        struct json submitted = {.kind = JSON_OBJECT};
        put_resource(visit, &submitted, task);
        put_details(frame->arena, &submitted, "output", &outcome->submitted);
        TRY(frame_event(frame, "TaskSubmitted", "taskSubmittedEventDetails", &submitted,
                        visit->name, NULL, err));
    }
    put_resource(visit, &details, task);
    if (outcome->is_success) {
        put_details(frame->arena, &details, "output", &outcome->output);
        return frame_event(frame, "TaskSucceeded", "taskSucceededEventDetails", &details,
                           visit->name, NULL, err);
    }
    put_text(frame->arena, &details, "error", outcome->error);
    put_text(frame->arena, &details, "cause", outcome->cause);
    TRY(outcome->is_timeout ? frame_event(frame, "TaskTimedOut", "taskTimedOutEventDetails",
                                          &details, visit->name, NULL, err)
                            : frame_event(frame, "TaskFailed", "taskFailedEventDetails", &details,
                                          visit->name, NULL, err));
    return frame_fail(frame, outcome->error, outcome->cause);
}

/// Step Functions refuses answers that are too big, so ours must not pass here either.
static void limit_output(struct visit *visit, const struct flow_task *task,
                         struct flow_outcome *outcome)
{
    struct arena *arena = visit->frame->arena;
    if (!outcome->is_success ||
        json_print(arena, &outcome->output, JSON_COMPACT).length <= EXECUTION_MAX_DATA_BYTES)
        return;
    outcome->is_success = false;
    outcome->error = STR("States.DataLimitExceeded");
    outcome->cause = arena_printf(arena,
                                  "The state/task '%.*s' returned a result with a size exceeding "
                                  "the maximum number of bytes service limit.",
                                  STR_ARGS(task->resource));
}

/// A token that names this attempt; nobody outside can guess it.
static struct str make_token(struct visit *visit)
{
    struct arena *arena = visit->frame->arena;
    struct run *run = visit->frame->run;
    const struct str seed = arena_printf(arena, "%.*s/%lld/%lld/%lld", STR_ARGS(run->options->id),
                                         (long long)visit->entered_id,
                                         (long long)visit->retry_count, (long long)run->random);
    return hash_hex(arena, hash_of(HASH_SHA256, seed));
}

static rc attempt_task(struct visit *visit, struct err *err)
{
    struct frame *frame = visit->frame;
    const struct flow_options *options = frame->run->options;
    visit->token = make_token(visit);
    visit_update_context(visit);
    struct flow_task task = {.execution_name = options->name,
                             .state = visit->name,
                             .resource = json_str(json_get(visit->state, STR("Resource")), STR("")),
                             .definition = visit->state,
                             .attempt = visit->retry_count,
                             .token = visit->token};
    const struct run *run = frame->run;
    if (run->deadline_us != INT64_MAX) {
        const int64_t left_us = run->deadline_us - run->clock.now_us(run->clock.context);
        task.left_us = left_us > 0 ? left_us : 1;
    }
    TRY(take_seconds(visit, "TimeoutSeconds", "TimeoutSecondsPath", &task.timeout_seconds, err));
    TRY(take_seconds(visit, "HeartbeatSeconds", "HeartbeatSecondsPath", &task.heartbeat_seconds,
                     err));
    TRY(visit_template(visit, "Parameters", &visit->effective, &task.parameters, err));
    TRY(announce(visit, &task, err));
    struct flow_outcome outcome = {0};
    TRY(options->executor.run(options->executor.context, &task, frame->arena, &outcome, err));
    limit_output(visit, &task, &outcome);
    TRY(report(visit, &task, &outcome, err));
    TRY(visit_template(visit, "ResultSelector", &outcome.output, &visit->result, err));
    return visit_put_result(visit, visit->state, err);
}

rc state_task(struct visit *visit, struct err *err)
{
    bool is_caught;
    TRY(visit_take_input(visit, err));
    return visit_attempts(visit, attempt_task, &is_caught, err);
}
