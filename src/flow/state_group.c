// Parallel and Map states: machines inside a state, each with its own variables.

#include "flow/frame.h"

/// A frame for a machine inside this one; its variables see the outer ones.
static struct frame inner_frame(struct visit *visit)
{
    struct frame *outer = visit->frame;
    struct frame inner = {.run = outer->run,
                          .arena = outer->arena,
                          .previous_id = outer->previous_id,
                          .is_silent = outer->is_silent,
                          .map_item = outer->map_item,
                          .depth = outer->depth + 1};
    inner.variables.outer = &outer->variables;
    map_init(&inner.variables.values, outer->arena);
    return inner;
}

static rc attempt_parallel(struct visit *visit, struct err *err)
{
    struct frame *frame = visit->frame;
    const struct json *branches = json_get(visit->state, STR("Branches"));
    struct json input, results = {.kind = JSON_ARRAY};
    int64_t last_id;
    TRY(visit_template(visit, "Parameters", &visit->effective, &input, err));
    TRY(frame_event(frame, "ParallelStateStarted", NULL, NULL, visit->name, &last_id, err));
    for (size_t i = 0; i < branches->count; i++) {
        struct frame branch = inner_frame(visit);
        struct json output;
        const rc code = frame_run_machine(&branch, &branches->items[i], &input, &output, err);
        last_id = branch.previous_id;
        if (code == RC_FAILED) {
            frame->failure = branch.failure;
            frame->previous_id = last_id;
        }
        TRY(code);
        *json_array_push(frame->arena, &results) = output;
    }
    frame->previous_id = last_id;
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

struct map_settings {
    const struct json *processor;
    struct json items;
    bool is_distributed;
    double tolerated_count;      // of failed iterations
    double tolerated_percentage; // of all
};

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

/// @param ret_end_id  the id of the iteration's closing event
static rc run_iteration(struct visit *visit, const struct map_settings *map, size_t index,
                        struct json *ret_output, int64_t *ret_end_id, struct err *err)
{
    struct frame *outer = visit->frame;
    struct arena *arena = outer->arena;
    struct json item = {.kind = JSON_OBJECT}, input;
    *json_object_set(arena, &item, STR("Index")) = json_of_int64(arena, (int64_t)index);
    *json_object_set(arena, &item, STR("Value")) = map->items.items[index];
    const struct json *outer_item = outer->map_item;
    outer->map_item = &item;
    visit_update_context(visit);
    const rc input_code = item_input(visit, &map->items.items[index], &input, err);
    struct frame inner = inner_frame(visit);
    outer->map_item = outer_item;
    TRY(input_code);
    inner.is_silent = outer->is_silent || map->is_distributed;
    TRY(iteration_event(visit, &inner, "MapIterationStarted", "mapIterationStartedEventDetails",
                        index, false, NULL, err));
    const rc code = frame_run_machine(&inner, map->processor, &input, ret_output, err);
    outer->previous_id = inner.previous_id;
    if (code == RC_FAILED) {
        outer->failure = inner.failure;
        TRY(iteration_event(visit, &inner, "MapIterationFailed", "mapIterationFailedEventDetails",
                            index, true, ret_end_id, err));
    } else if (code == RC_OK) {
        TRY(iteration_event(visit, &inner, "MapIterationSucceeded",
                            "mapIterationSucceededEventDetails", index, true, ret_end_id, err));
    }
    return code;
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
    int64_t last_id = frame->previous_id;
    double failures = 0;
    struct json results = {.kind = JSON_ARRAY};
    for (size_t i = 0; i < map->items.count; i++) {
        struct json output;
        const rc code = run_iteration(visit, map, i, &output, &last_id, err);
        if (code == RC_OK)
            *json_array_push(frame->arena, &results) = output;
        else if (code != RC_FAILED || !map->is_distributed)
            return code;
        else
            failures++;
    }
    const double percentage = map->items.count > 0 ? failures * 100 / (double)map->items.count : 0;
    if (failures > map->tolerated_count && percentage > map->tolerated_percentage)
        return too_many_failures(visit, err);
    if (!map->is_distributed)
        frame->previous_id = last_id;
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
    TRY(start_map(visit, &map, err));
    TRY(take_tolerance(visit, &map, err));
    if (map.is_distributed)
        TRY(start_map_run(visit, err));
    TRY(run_iterations(visit, &map, &results, err));
    if (map.is_distributed)
        TRY(frame_event(frame, "MapRunSucceeded", NULL, NULL, visit->name, NULL, err));
    TRY(frame_side_event(frame, "MapStateSucceeded", NULL, NULL, visit->name, NULL, err));
    visit_update_context(visit);
    TRY(visit_template(visit, "ResultSelector", &results, &visit->result, err));
    return visit_put_result(visit, visit->state, err);
}

rc state_map(struct visit *visit, struct err *err)
{
    return run_group(visit, attempt_map, "MapStateFailed", err);
}
