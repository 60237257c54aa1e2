// Parallel and Map states: machines inside a state, each with its own variables.

#include "flow/frame.h"

#include "base/pool.h"

struct map_settings {
    const struct json *processor;
    struct json items;
    bool is_distributed;
    size_t concurrency;          // 0 = no limit
    double tolerated_count;      // of failed iterations
    double tolerated_percentage; // of all
};

/// One branch or iteration. Branches that run at the same time have an arena of their own, because
/// an arena belongs to one thread; what they give is copied when all have ended.
struct branch {
    struct visit *visit; // the state that it belongs to; read only
    const struct map_settings *map;
    const struct json *machine;
    const struct json *input;
    size_t index;
    struct arena *arena;
    bool is_in_pool;
    int64_t start_id; // the event before its first
    int64_t last_id;  // its own last event
    int64_t end_id;   // of the event that closes an iteration
    struct json output;
    struct flow_failure failure;
    rc code;
};

typedef rc (*branch_function)(struct branch *branch, struct err *err);

/// A frame for a machine inside this one; its variables see the outer ones.
static struct frame inner_frame(const struct branch *branch, const struct frame *outer)
{
    struct frame inner = {.run = outer->run,
                          .arena = branch->arena,
                          .previous_id = branch->start_id,
                          .is_silent = outer->is_silent,
                          .is_in_pool = branch->is_in_pool,
                          .map_item = outer->map_item,
                          .depth = outer->depth + 1};
    inner.variables.outer = &outer->variables;
    map_init(&inner.variables.values, branch->arena);
    return inner;
}

static rc run_parallel_branch(struct branch *branch, struct err *err)
{
    struct frame inner = inner_frame(branch, branch->visit->frame);
    branch->code = frame_run_machine(&inner, branch->machine, branch->input, &branch->output, err);
    branch->last_id = branch->end_id = inner.previous_id;
    branch->failure = inner.failure;
    return branch->code;
}

struct wave {
    struct branch *branches;
    branch_function run;
    bool goes_on; // after the failure of a branch
};

static rc run_in_pool(void *context, size_t index, struct err *err)
{
    const struct wave *wave = context;
    struct branch *branch = &wave->branches[index];
    const rc code = wave->run(branch, err);
    return code == RC_FAILED && wave->goes_on ? RC_OK : code;
}

/// Moves what a branch gave into the arena of the state.
static void adopt(struct branch *branch, struct arena *arena)
{
    if (branch->code == RC_OK)
        branch->output = json_copy(arena, &branch->output);
    if (branch->failure.error.bytes != NULL)
        branch->failure.error = arena_str(arena, branch->failure.error);
    if (branch->failure.cause.bytes != NULL)
        branch->failure.cause = arena_str(arena, branch->failure.cause);
    arena_close(branch->arena);
    branch->arena = arena;
}

/// `width` branches at a time.
static rc run_together(struct visit *visit, struct branch *branches, size_t count, size_t width,
                       struct wave wave, struct err *err)
{
    struct frame *frame = visit->frame;
    rc code = RC_OK;
    for (size_t start = 0; start < count && code == RC_OK; start += width) {
        const size_t size = count - start < width ? count - start : width;
        wave.branches = branches + start;
        for (size_t i = 0; i < size; i++) {
            wave.branches[i].arena = arena_open(NULL);
            wave.branches[i].is_in_pool = true;
            wave.branches[i].start_id = frame->previous_id;
        }
        code = pool_each(frame->run->options->pool, size, run_in_pool, &wave, err);
        for (size_t i = 0; i < size; i++)
            adopt(&wave.branches[i], frame->arena);
    }
    return code;
}

static rc run_in_turn(struct visit *visit, struct branch *branches, size_t count, bool is_chained,
                      struct wave wave, struct err *err)
{
    int64_t previous_id = visit->frame->previous_id;
    for (size_t i = 0; i < count; i++) {
        struct branch *branch = &branches[i];
        branch->arena = visit->frame->arena;
        branch->is_in_pool = visit->frame->is_in_pool;
        branch->start_id = previous_id;
        const rc code = wave.run(branch, err);
        if (is_chained)
            previous_id = branch->last_id;
        if (code != RC_OK && (code != RC_FAILED || !wave.goes_on))
            return code;
    }
    return RC_OK;
}

/// Runs all; the failure of the first one that failed becomes the state's.
/// @param width       at a time; 0 = as many as there are
/// @param is_chained  each one's first event follows the last one of the one before
static rc run_branches(struct visit *visit, struct branch *branches, size_t count, size_t width,
                       bool is_chained, struct wave wave, struct err *err)
{
    struct frame *frame = visit->frame;
    const int threads = pool_threads(frame->run->options->pool);
    if (width == 0 || width > EXECUTION_MAX_CONCURRENCY)
        width = EXECUTION_MAX_CONCURRENCY;
    // Inside of a branch the pool's threads are taken: waiting for them there could last for ever.
    const bool is_together = frame->run->options->pool != NULL && threads > 1 &&
                             !frame->is_in_pool && count > 1 && width > 1;
    const rc code = is_together ? run_together(visit, branches, count, width, wave, err)
                                : run_in_turn(visit, branches, count, is_chained, wave, err);
    for (size_t i = 0; i < count; i++) {
        if (branches[i].last_id > frame->previous_id)
            frame->previous_id = branches[i].last_id;
        if (branches[i].code != RC_FAILED || code != RC_FAILED)
            continue;
        frame->failure = branches[i].failure;
        frame->previous_id = branches[i].last_id;
        break;
    }
    return code;
}

static rc attempt_parallel(struct visit *visit, struct err *err)
{
    struct frame *frame = visit->frame;
    const struct json *machines = json_get(visit->state, STR("Branches"));
    struct branch *branches = ARENA_ARRAY(frame->arena, struct branch, machines->count);
    struct json input, results = {.kind = JSON_ARRAY};
    TRY(visit_template(visit, "Parameters", &visit->effective, &input, err));
    TRY(frame_event(frame, "ParallelStateStarted", NULL, NULL, visit->name, NULL, err));
    for (size_t i = 0; i < machines->count; i++)
        branches[i] =
            (struct branch){.visit = visit, .machine = &machines->items[i], .input = &input};
    TRY(run_branches(visit, branches, machines->count, 0, false,
                     (struct wave){.run = run_parallel_branch}, err));
    for (size_t i = 0; i < machines->count; i++)
        *json_array_push(frame->arena, &results) = branches[i].output;
    TRY(frame_side_event(frame, "ParallelStateSucceeded", NULL, NULL, visit->name, NULL, err));
    TRY(visit_template(visit, "ResultSelector", &results, &visit->result, err));
    return visit_put_result(visit, visit->state, err);
}

static rc run_group(struct visit *visit, attempt_function attempt, const char *failed_event,
                    struct err *err)
{
    bool is_caught;
    TRY(visit_take_input(visit, err));
    const rc code = visit_attempts(visit, attempt, &is_caught, err);
    // States.Runtime means that the state itself could not work: Step Functions writes no such
    // event.
    if (code == RC_FAILED && !str_is(visit->frame->failure.error, "States.Runtime"))
        TRY(frame_event(visit->frame, failed_event, NULL, NULL, visit->name, NULL, err));
    return code;
}

rc state_parallel(struct visit *visit, struct err *err)
{
    return run_group(visit, attempt_parallel, "ParallelStateFailed", err);
}

/// The array that the map goes over.
static rc take_items(struct visit *visit, struct json *ret_items, struct err *err)
{
    const struct json *path = json_get(visit->state, STR("ItemsPath"));
    *ret_items = visit->effective;
    if (path != NULL && path->kind == JSON_STRING)
        TRY(visit_path(visit, path->text, &visit->effective, ret_items, err));
    if (ret_items->kind == JSON_ARRAY)
        return RC_OK;
    return visit_runtime_error(visit, "Reference path \"%.*s\" must point to array.",
                               STR_ARGS(json_str(path, STR("$"))));
}

/// The number of `name`, or what the path of `path_name` names.
static rc take_number(struct visit *visit, const char *name, const char *path_name, bool is_integer,
                      double *ret_number, struct err *err)
{
    const struct json *literal = json_get(visit->state, str_of(name));
    const struct json *path = json_get(visit->state, str_of(path_name));
    struct json value;
    int64_t whole;
    if (literal != NULL && json_to_double(literal, ret_number))
        return RC_OK;
    if (path == NULL)
        return RC_OK;
    const struct str text = json_str(path, STR(""));
    TRY(visit_path(visit, text, &visit->effective, &value, err));
    if (is_integer ? json_to_int64(&value, &whole)
                   : value.kind == JSON_NUMBER && json_to_double(&value, ret_number)) {
        if (is_integer)
            *ret_number = (double)whole;
        return RC_OK;
    }
    const struct str shown = value.kind == JSON_STRING
                                 ? value.text
                                 : json_print(visit->frame->arena, &value, JSON_COMPACT);
    return visit_runtime_error(
        visit, "The %s field refers to value \"%.*s\" which is not a valid %s: %.*s", path_name,
        STR_ARGS(shown), is_integer ? "integer" : "float", STR_ARGS(text));
}

static rc take_tolerance(struct visit *visit, struct map_settings *map, struct err *err)
{
    TRY(take_number(visit, "ToleratedFailureCount", "ToleratedFailureCountPath", true,
                    &map->tolerated_count, err));
    TRY(take_number(visit, "ToleratedFailurePercentage", "ToleratedFailurePercentagePath", false,
                    &map->tolerated_percentage, err));
    if (map->tolerated_percentage < 0 || map->tolerated_percentage > 100)
        return visit_runtime_error(visit, "ToleratedFailurePercentage must be between 0 and 100.");
    if (map->tolerated_count < 0)
        return visit_runtime_error(visit, "ToleratedFailureCount cannot be negative.");
    return RC_OK;
}

static rc iteration_event(struct visit *visit, struct frame *frame, const char *type,
                          const char *details_name, size_t index, bool is_side, int64_t *ret_id,
                          struct err *err)
{
    struct json details = {.kind = JSON_OBJECT};
    put_text(frame->arena, &details, "name", visit->name);
    *json_object_set(frame->arena, &details, STR("index")) =
        json_of_int64(frame->arena, (int64_t)index);
    return is_side ? frame_side_event(frame, type, details_name, &details, visit->name, ret_id, err)
                   : frame_event(frame, type, details_name, &details, visit->name, ret_id, err);
}

/// What the iteration gets: ItemSelector (or the old Parameters) over the state's input, else the
/// item.
static rc item_input(struct visit *visit, const struct json *item, struct json *ret_input,
                     struct err *err)
{
    const char *field =
        json_get(visit->state, STR("ItemSelector")) != NULL ? "ItemSelector" : "Parameters";
    if (json_get(visit->state, str_of(field)) == NULL) {
        *ret_input = *item;
        return RC_OK;
    }
    return visit_template(visit, field, &visit->effective, ret_input, err);
}

/// The iteration's own view of the state: the context object names its item.
static rc run_iteration(struct branch *branch, struct err *err)
{
    const struct map_settings *map = branch->map;
    struct arena *arena = branch->arena;
    struct frame outer = *branch->visit->frame;
    struct visit visit = *branch->visit;
    struct json item = {.kind = JSON_OBJECT}, input;
    *json_object_set(arena, &item, STR("Index")) = json_of_int64(arena, (int64_t)branch->index);
    *json_object_set(arena, &item, STR("Value")) = map->items.items[branch->index];
    outer.arena = arena;
    outer.map_item = &item;
    outer.is_silent |= map->is_distributed;
    visit.frame = &outer;
    branch->last_id = branch->end_id = branch->start_id;
    visit_update_context(&visit);
    branch->code = item_input(&visit, &map->items.items[branch->index], &input, err);
    branch->failure = outer.failure;
    TRY(branch->code);
    struct frame inner = inner_frame(branch, &outer);
    TRY(iteration_event(&visit, &inner, "MapIterationStarted", "mapIterationStartedEventDetails",
                        branch->index, false, NULL, err));
    branch->code = frame_run_machine(&inner, map->processor, &input, &branch->output, err);
    branch->last_id = inner.previous_id;
    branch->failure = inner.failure;
    if (branch->code == RC_FAILED)
        TRY(iteration_event(&visit, &inner, "MapIterationFailed", "mapIterationFailedEventDetails",
                            branch->index, true, &branch->end_id, err));
    if (branch->code == RC_OK)
        TRY(iteration_event(&visit, &inner, "MapIterationSucceeded",
                            "mapIterationSucceededEventDetails", branch->index, true,
                            &branch->end_id, err));
    return branch->code;
}

static rc too_many_failures(struct visit *visit, struct err *err)
{
    TRY(frame_event(visit->frame, "MapRunFailed", NULL, NULL, visit->name, NULL, err));
    return frame_fail(visit->frame, STR("States.ExceedToleratedFailureThreshold"),
                      STR("The specified tolerated failure threshold was exceeded"));
}

static rc run_iterations(struct visit *visit, const struct map_settings *map,
                         struct json *ret_results, struct err *err)
{
    struct frame *frame = visit->frame;
    const size_t count = map->items.count;
    struct branch *branches = ARENA_ARRAY(frame->arena, struct branch, count);
    const int64_t start_id = frame->previous_id;
    int64_t end_id = start_id;
    double failures = 0;
    struct json results = {.kind = JSON_ARRAY};
    for (size_t i = 0; i < count; i++)
        branches[i] = (struct branch){.visit = visit, .map = map, .index = i};
    TRY(run_branches(visit, branches, count, map->concurrency, true,
                     (struct wave){.run = run_iteration, .goes_on = map->is_distributed}, err));
    for (size_t i = 0; i < count; i++) {
        if (branches[i].code == RC_OK)
            *json_array_push(frame->arena, &results) = branches[i].output;
        failures += branches[i].code == RC_FAILED;
        end_id = branches[i].end_id > end_id ? branches[i].end_id : end_id;
    }
    frame->previous_id = map->is_distributed ? start_id : end_id;
    const double percentage = count > 0 ? failures * 100 / (double)count : 0;
    if (failures > map->tolerated_count && percentage > map->tolerated_percentage)
        return too_many_failures(visit, err);
    *ret_results = results;
    return RC_OK;
}

static rc start_map(struct visit *visit, const struct map_settings *map, struct err *err)
{
    struct arena *arena = visit->frame->arena;
    struct json details = {.kind = JSON_OBJECT};
    *json_object_set(arena, &details, STR("length")) =
        json_of_int64(arena, (int64_t)map->items.count);
    return frame_event(visit->frame, "MapStateStarted", "mapStateStartedEventDetails", &details,
                       visit->name, NULL, err);
}

static rc start_map_run(struct visit *visit, struct err *err)
{
    struct arena *arena = visit->frame->arena;
    struct json details = {.kind = JSON_OBJECT};
    put_text(arena, &details, "mapRunArn",
             arena_printf(arena, "%.*s/%.*s", STR_ARGS(visit->frame->run->options->id),
                          STR_ARGS(visit->name)));
    return frame_event(visit->frame, "MapRunStarted", "mapRunStartedEventDetails", &details,
                       visit->name, NULL, err);
}

static rc attempt_map(struct visit *visit, struct err *err)
{
    struct frame *frame = visit->frame;
    struct map_settings map = {0};
    struct json results;
    double concurrency = 0;
    map.processor = json_get(visit->state, STR("ItemProcessor"));
    if (map.processor == NULL)
        map.processor = json_get(visit->state, STR("Iterator"));
    const struct json *mode = json_path(map.processor, "ProcessorConfig", "Mode");
    map.is_distributed = str_is(json_str(mode, STR("INLINE")), "DISTRIBUTED");
    TRY(take_items(visit, &map.items, err));
    TRY(take_number(visit, "MaxConcurrency", "MaxConcurrencyPath", true, &concurrency, err));
    if (concurrency < 0)
        return visit_runtime_error(visit, "MaxConcurrency cannot be negative.");
    map.concurrency = concurrency > 1e6 ? 0 : (size_t)concurrency;
    TRY(start_map(visit, &map, err));
    TRY(take_tolerance(visit, &map, err));
    if (map.is_distributed)
        TRY(start_map_run(visit, err));
    TRY(run_iterations(visit, &map, &results, err));
    if (map.is_distributed)
        TRY(frame_event(frame, "MapRunSucceeded", NULL, NULL, visit->name, NULL, err));
    TRY(frame_side_event(frame, "MapStateSucceeded", NULL, NULL, visit->name, NULL, err));
    TRY(visit_template(visit, "ResultSelector", &results, &visit->result, err));
    return visit_put_result(visit, visit->state, err);
}

rc state_map(struct visit *visit, struct err *err)
{
    return run_group(visit, attempt_map, "MapStateFailed", err);
}
