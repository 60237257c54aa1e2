// asl-lint and asl-recorded: definitions with their problems, and executions recorded from AWS. A
// recorded execution is run again with an executor that answers each task as the recording says,
// and a clock that does not wait; then the events are compared one by one.

#include <stdio.h>

#include "base/fs.h"
#include "base/vec.h"
#include "flow/choice.h"
#include "flow/execution.h"
#include "flow/machine.h"
#include "vectors.h"

// ---- asl-lint ---------------------------------------------------------------------------------

static struct str lint_path(struct vectors *v, struct str file)
{
    return arena_printf(v->arena, "statelint/%.*s", STR_ARGS(fs_base_name(file)));
}

static bool has_message(const machine_problem_vec *problems, struct str fragment)
{
    for (size_t i = 0; i < problems->count; i++)
        if (str_contains(problems->items[i].message, fragment))
            return true;
    return false;
}

static void run_lint_case(struct vectors *v, const struct json *c)
{
    const struct str path = lint_path(v, json_str(json_get(c, STR("file")), STR("")));
    const struct json definition = vectors_json(v, path.bytes);
    const int64_t wanted = json_int64(json_get(c, STR("problems")), -1);
    const struct json *messages = json_get(c, STR("messages"));
    machine_problem_vec problems = {0};
    v->case_name = fs_base_name(path);
    machine_check(v->arena, &definition, (struct machine_check_options){0}, &problems);
    if ((int64_t)problems.count != wanted) {
        vectors_fail(
            v, "expected %lld problems, found %zu: %.*s", (long long)wanted, problems.count,
            STR_ARGS(problems.count > 0 ? machine_problem_text(v->arena, &problems.items[0])
                                        : STR("")));
        return;
    }
    for (size_t i = 0; i < messages->count; i++)
        if (!has_message(&problems, messages->items[i].text)) {
            vectors_fail(v, "no problem says %.*s; the first says %.*s",
                         STR_ARGS(messages->items[i].text), STR_ARGS(problems.items[0].message));
            return;
        }
    vectors_pass(v);
}

static void run_lint(struct vectors *v)
{
    const struct json cases = vectors_json(v, "statelint_expectations.json");
    for (size_t i = 0; i < cases.count; i++)
        run_lint_case(v, &cases.items[i]);
}

// ---- asl-recorded: comparisons ------------------------------------------------------------------

static void run_comparison(struct vectors *v, const struct json *c)
{
    struct json rule = {.kind = JSON_OBJECT}, input = {.kind = JSON_OBJECT};
    const struct str operator_name = json_str(json_get(c, STR("operator")), STR(""));
    const bool is_path = str_has_suffix(operator_name, STR("Path"));
    bool holds = false;
    struct err err;
    *json_object_set(v->scratch, &input, STR("Variable")) = *json_get(c, STR("variable"));
    *json_object_set(v->scratch, &input, STR("Value")) = *json_get(c, STR("value"));
    *json_object_set(v->scratch, &rule, STR("Variable")) = json_of_str(STR("$.Variable"));
    *json_object_set(v->scratch, &rule, operator_name) =
        is_path ? json_of_str(STR("$.Value")) : *json_get(c, STR("value"));
    const struct flow_scope scope = {.input = &input};
    const bool wanted = json_bool(json_get(c, STR("result")), false);
    if (choice_eval(v->scratch, &rule, &scope, &holds, &err) != RC_OK)
        vectors_fail(v, "%s", err.message);
    else if (holds != wanted)
        vectors_fail(v, "expected %d, found %d", wanted, holds);
    else
        vectors_pass(v);
}

// ---- asl-recorded: executions -------------------------------------------------------------------

VEC_TYPE(event_vec, struct json);

struct replay {
    struct vectors *v;
    struct arena *arena;
    const struct json *events; // the recording
    size_t at;                 // of the next event to look for a task's end
    bool is_aborted;
    int64_t now_us;
    event_vec found; // ours, as the recording writes them
};

static struct str type_of(const struct json *event)
{
    return json_str(json_get(event, STR("type")), STR(""));
}

/// The member whose key ends in EventDetails.
static const struct json *details_of(const struct json *event)
{
    for (size_t i = 0; i < event->count; i++)
        if (str_has_suffix(event->members[i].key, STR("EventDetails")))
            return &event->members[i].value;
    return NULL;
}

/// The recording holds JSON texts that are objects as objects, others as texts.
static struct json decoded(struct arena *arena, const struct json *value)
{
    struct json parsed;
    struct err ignored;
    if (value != NULL && value->kind == JSON_STRING &&
        json_parse(arena, value->text, "recorded", &parsed, &ignored) == RC_OK)
        return parsed;
    return value != NULL ? *value : (struct json){.kind = JSON_NULL};
}

static struct str cause_of(struct arena *arena, const struct json *value)
{
    if (value == NULL)
        return (struct str){0};
    return value->kind == JSON_STRING ? value->text : json_print(arena, value, JSON_COMPACT);
}

/// Answers a task with what the recording has next.
static rc replay_task(void *context, const struct flow_task *task, struct arena *arena,
                      struct flow_outcome *ret_outcome, struct err *err)
{
    struct replay *r = context;
    for (; r->at < r->events->count; r->at++) {
        const struct json *event = &r->events->items[r->at], *details = details_of(event);
        const struct str type = type_of(event);
        if (str_is(type, "TaskSubmitted")) {
            ret_outcome->has_submitted = true;
            ret_outcome->submitted = decoded(arena, json_get(details, STR("output")));
        }
        if (!str_is(type, "TaskSucceeded") && !str_is(type, "TaskFailed") &&
            !str_is(type, "TaskTimedOut"))
            continue;
        ret_outcome->is_success = str_is(type, "TaskSucceeded");
        ret_outcome->is_timeout = str_is(type, "TaskTimedOut");
        ret_outcome->output = decoded(arena, json_get(details, STR("output")));
        ret_outcome->error = json_str(json_get(details, STR("error")), (struct str){0});
        ret_outcome->cause = cause_of(arena, json_get(details, STR("cause")));
        r->at++;
        return RC_OK;
    }
    return err_set(err, RC_INTERNAL, "the recording has no answer for the task %.*s",
                   STR_ARGS(task->state));
}

static int64_t replay_now(void *context)
{
    struct replay *r = context;
    return r->now_us;
}

static rc replay_wait(void *context, int64_t time_us, struct err *err)
{
    struct replay *r = context;
    if (r->is_aborted)
        return err_set(err, RC_INTERRUPTED, "interrupted");
    if (time_us > r->now_us)
        r->now_us = time_us;
    return RC_OK;
}

static rc keep_event(void *context, const struct flow_event *event, struct err *err)
{
    struct replay *r = context;
    struct json kept = {.kind = JSON_OBJECT};
    (void)err;
    if (strcmp(event->type, "ParallelStateSucceeded") == 0)
        return RC_OK; // the recordings leave it out, but count its id
    *json_object_set(r->arena, &kept, STR("id")) = json_of_int64(r->arena, event->id);
    *json_object_set(r->arena, &kept, STR("previousEventId")) =
        json_of_int64(r->arena, event->previous_id);
    *json_object_set(r->arena, &kept, STR("type")) = json_of_str(str_of(event->type));
    if (event->details_name != NULL)
        *json_object_set(r->arena, &kept, str_of(event->details_name)) =
            json_copy(r->arena, &event->details);
    *vec_push(r->arena, &r->found) = kept;
    return RC_OK;
}

/// Texts that the recorder put in the place of what differs from run to run.
static bool is_mask(struct str text)
{
    static const char *const masks[] = {"timestamp",      "start-time",   "entered-time",
                                        "uuid",           "a_task_token", "RandomNumberGenerated",
                                        "generated-uuid", "task_token",   "date",
                                        "version"};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++)
        if (str_is(text, masks[i]))
            return true;
    return text.length > 2 && text.bytes[0] == '<' && text.bytes[text.length - 1] == '>';
}

static bool has_mask_inside(struct str text)
{
    const size_t open = str_find_byte(text, '<');
    return open != SIZE_MAX && str_find_byte(str_slice(text, open, SIZE_MAX), '>') != SIZE_MAX &&
           str_has_prefix(text, STR("arn:"));
}

static bool same(struct arena *arena, const struct json *wanted, const struct json *found);

static bool same_object(struct arena *arena, const struct json *wanted, const struct json *found)
{
    if (found->kind != JSON_OBJECT || wanted->count != found->count)
        return false;
    for (size_t i = 0; i < wanted->count; i++) {
        const struct json *other = json_get(found, wanted->members[i].key);
        if (other == NULL || !same(arena, &wanted->members[i].value, other))
            return false;
    }
    return true;
}

static bool same(struct arena *arena, const struct json *wanted, const struct json *found)
{
    double a, b;
    struct json parsed;
    if (wanted->kind == JSON_STRING && (is_mask(wanted->text) || has_mask_inside(wanted->text)))
        return true;
    if (wanted->kind != JSON_STRING && found->kind == JSON_STRING) {
        parsed = decoded(arena, found);
        found = &parsed;
    }
    if (wanted->kind != found->kind)
        return false;
    if (wanted->kind == JSON_OBJECT)
        return same_object(arena, wanted, found);
    if (wanted->kind == JSON_ARRAY) {
        bool is_same = wanted->count == found->count;
        for (size_t i = 0; is_same && i < wanted->count; i++)
            is_same = same(arena, &wanted->items[i], &found->items[i]);
        return is_same;
    }
    if (wanted->kind == JSON_NUMBER && json_to_double(wanted, &a) && json_to_double(found, &b))
        return a == b;
    if (wanted->kind == JSON_STRING && !str_equal(wanted->text, found->text)) {
        const struct json x = decoded(arena, wanted), y = decoded(arena, found);
        return x.kind != JSON_STRING && same(arena, &x, &y);
    }
    return json_equal(wanted, found);
}

/// Without what the recorder masks in every event.
static bool same_event(struct arena *arena, const struct json *wanted, const struct json *found)
{
    struct json copy = {.kind = JSON_OBJECT};
    const struct json *id = json_get(wanted, STR("id"));
    const bool is_unordered = id != NULL && id->kind == JSON_ARRAY;
    for (size_t i = 0; i < wanted->count; i++) {
        const struct str key = wanted->members[i].key;
        if (str_is(key, "timestamp"))
            continue;
        const bool is_id = str_is(key, "id") || str_is(key, "previousEventId");
        *json_object_set(arena, &copy, key) =
            is_id && is_unordered ? *json_get(found, key) : wanted->members[i].value;
    }
    return same(arena, &copy, found);
}

/// Every expected event has its own; those whose order was free may stand elsewhere.
static void compare_events(struct vectors *v, struct replay *r)
{
    bool *is_used = ARENA_ARRAY(r->arena, bool, r->found.count + 1);
    for (size_t i = 0; i < r->events->count; i++) {
        const struct json *wanted = &r->events->items[i];
        const struct json *id = json_get(wanted, STR("id"));
        const bool is_unordered = id != NULL && id->kind == JSON_ARRAY;
        size_t hit = is_unordered ? 0 : i;
        while (is_unordered && hit < r->found.count &&
               (is_used[hit] || !same_event(r->arena, wanted, &r->found.items[hit])))
            hit++;
        if (hit >= r->found.count) {
            vectors_fail(v, "event %zu is missing: %.*s", i + 1,
                         STR_ARGS(str_slice(json_print(r->arena, wanted, JSON_COMPACT), 0, 400)));
            return;
        }
        is_used[hit] = true;
        if (!same_event(r->arena, wanted, &r->found.items[hit])) {
            vectors_fail(v, "event %zu: expected %.*s, found %.*s", i + 1,
                         STR_ARGS(str_slice(json_print(r->arena, wanted, JSON_COMPACT), 0, 600)),
                         STR_ARGS(str_slice(
                             json_print(r->arena, &r->found.items[hit], JSON_COMPACT), 0, 600)));
            return;
        }
    }
    // A recording that was taken in the middle of a run has no last event.
    const struct str last = type_of(&r->events->items[r->events->count - 1]);
    if (str_has_prefix(last, STR("Execution")) && !str_is(last, "ExecutionStarted") &&
        r->found.count != r->events->count)
        vectors_fail(v, "expected %zu events, found %zu", r->events->count, r->found.count);
    else
        vectors_pass(v);
}

static void run_execution(struct vectors *v, const struct json *c)
{
    struct replay r = {.v = v, .arena = v->scratch, .events = json_get(c, STR("events"))};
    const struct json *definition = json_get(c, STR("definition"));
    const struct json input = decoded(v->scratch, json_get(c, STR("input")));
    const struct json *started = details_of(&r.events->items[0]);
    machine_problem_vec problems = {0};
    struct flow_result result;
    struct err err;
    r.now_us = INT64_C(1700000000) * 1000000;
    r.is_aborted = str_is(type_of(&r.events->items[r.events->count - 1]), "ExecutionAborted");
    machine_check(v->scratch, definition, (struct machine_check_options){0}, &problems);
    if (problems.count > 0) {
        vectors_fail(v, "refused: %.*s",
                     STR_ARGS(machine_problem_text(v->scratch, &problems.items[0])));
        return;
    }
    const struct flow_options options = {
        .definition = definition,
        .input = &input,
        .name = STR("run"),
        .id = STR("run-id"),
        .machine_name = STR("machine"),
        .machine_id = STR("machine-id"),
        .role = json_str(json_get(started, STR("roleArn")), STR("")),
        .region = STR("<region>"),
        .executor = {replay_task, &r},
        .clock = {replay_now, replay_wait, &r},
        .sink = {keep_event, &r},
    };
    const rc code = flow_execute(v->scratch, &options, &result, &err);
    if (code != RC_OK && code != RC_INTERRUPTED)
        vectors_fail(v, "%s", err.message);
    else
        compare_events(v, &r);
}

static void run_recorded_case(struct vectors *v, const struct json *c)
{
    if (json_get(c, STR("operator")) != NULL)
        run_comparison(v, c);
    else
        run_execution(v, c);
}

static void run_recorded(struct vectors *v)
{
    str_vec names = {0};
    struct err err;
    if (fs_list(v->arena, v->dir, &names, &err) != RC_OK) {
        vectors_fail(v, "%s", err.message);
        return;
    }
    for (size_t i = 0; i < names.count; i++)
        if (str_has_suffix(names.items[i], STR(".jsonl")))
            vectors_each_line(v, arena_cstr(v->arena, names.items[i]), run_recorded_case);
}

int main(int argc, char **argv)
{
    static const struct vectors_suite suites[] = {
        {"asl-lint", run_lint}, {"asl-recorded", run_recorded}, {NULL, NULL}};
    return vectors_main(argc, argv, suites);
}
