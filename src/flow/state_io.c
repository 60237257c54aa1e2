// Input and output processing of JSONPath states. Source: Amazon States Language "Input and Output
// Processing".

#include "flow/frame.h"
#include "flow/intrinsic.h"

rc visit_path(struct visit *visit, struct str path, const struct json *input,
              struct json *ret_value, struct err *err)
{
    const struct flow_scope scope = visit_scope(visit, input);
    const rc code = path_eval(visit->frame->arena, path, &scope, ret_value, err);
    if (code == RC_OK)
        return RC_OK;
    return visit_runtime_error(visit, "Invalid path '%.*s' : %s", STR_ARGS(path), err->message);
}

rc visit_take_input(struct visit *visit, struct err *err)
{
    const struct json *path = json_get(visit->state, STR("InputPath"));
    visit->effective = *visit->input;
    if (path != NULL && path->kind == JSON_NULL)
        visit->effective = (struct json){.kind = JSON_OBJECT};
    else if (path != NULL)
        return visit_path(visit, path->text, visit->input, &visit->effective, err);
    return RC_OK;
}

/// The value of a key that ends in ".$".
static rc evaluate_expression(struct visit *visit, struct str key, struct str text,
                              const struct json *input, struct json *ret_value, struct err *err)
{
    struct arena *arena = visit->frame->arena;
    const struct flow_scope scope = visit_scope(visit, input);
    if (intrinsic_is_call(text)) {
        if (intrinsic_eval(arena, text, &scope, ret_value, err) == RC_OK)
            return RC_OK;
        const struct str cause = arena_printf(
            arena,
            "An error occurred while executing the state '%.*s' (entered at the event id #%lld). "
            "The function '%.*s' had the following error: %s",
            STR_ARGS(visit->name), (long long)visit->entered_id, STR_ARGS(text), err->message);
        return frame_fail(visit->frame, STR("States.IntrinsicFailure"), cause);
    }
    if (path_eval(arena, text, &scope, ret_value, err) == RC_OK)
        return RC_OK;
    return visit_runtime_error(
        visit,
        "The JSONPath '%.*s' specified for the field '%.*s' could not be found in the input '%.*s'",
        STR_ARGS(text), STR_ARGS(key), STR_ARGS(json_print(arena, input, JSON_COMPACT)));
}

rc visit_evaluate(struct visit *visit, const struct json *template, const struct json *input,
                  struct json *ret_value, struct err *err)
{
    struct arena *arena = visit->frame->arena;
    struct json value = {.kind = template->kind};
    if (template->kind == JSON_ARRAY) {
        for (size_t i = 0; i < template->count; i++)
            TRY(visit_evaluate(visit, &template->items[i], input, json_array_push(arena, &value),
                               err));
    } else if (template->kind == JSON_OBJECT) {
        for (size_t i = 0; i < template->count; i++) {
            const struct json_member *member = &template->members[i];
            struct json item;
            struct str key = member->key;
            if (str_has_suffix(key, STR(".$"))) {
                TRY(evaluate_expression(visit, key, json_str(&member->value, STR("")), input, &item,
                                        err));
                key.length -= 2;
            } else {
                TRY(visit_evaluate(visit, &member->value, input, &item, err));
            }
            *json_object_set(arena, &value, key) = item;
        }
    } else {
        value = *template;
    }
    *ret_value = value;
    return RC_OK;
}

rc visit_template(struct visit *visit, const char *field, const struct json *input,
                  struct json *ret_value, struct err *err)
{
    const struct json *template = json_get(visit->state, str_of(field));
    if (template != NULL)
        return visit_evaluate(visit, template, input, ret_value, err);
    *ret_value = *input;
    return RC_OK;
}

rc visit_put_output(struct visit *visit, const struct json *value, struct err *err)
{
    const struct json *path = json_get(visit->state, STR("OutputPath"));
    visit->output = *value;
    if (path != NULL && path->kind == JSON_NULL)
        visit->output = (struct json){.kind = JSON_OBJECT};
    else if (path != NULL)
        return visit_path(visit, path->text, value, &visit->output, err);
    return RC_OK;
}

/// `owner` has the ResultPath: the state, or a catcher.
static rc apply_result_path(struct visit *visit, const struct json *owner, struct json *ret_value,
                            struct err *err)
{
    struct arena *arena = visit->frame->arena;
    const struct json *text = json_get(owner, STR("ResultPath"));
    const struct path *path;
    *ret_value = visit->result;
    if (text != NULL && text->kind == JSON_NULL)
        *ret_value = *visit->input;
    if (text == NULL || text->kind != JSON_STRING)
        return RC_OK;
    if (path_parse(arena, text->text, &path, err) == RC_OK &&
        path_set(arena, path, visit->input, &visit->result, ret_value, err) == RC_OK)
        return RC_OK;
    const struct str cause =
        arena_printf(arena, "Unable to apply step \"%.*s\" to input %.*s", STR_ARGS(text->text),
                     STR_ARGS(json_print(arena, visit->input, JSON_COMPACT)));
    return frame_fail(visit->frame, STR("States.ResultPathMatchFailure"), cause);
}

rc visit_put_result(struct visit *visit, const struct json *owner, struct err *err)
{
    struct json combined;
    TRY(apply_result_path(visit, owner, &combined, err));
    // A catcher's output goes on as it is: OutputPath belongs to the state's own result.
    if (owner != visit->state) {
        visit->output = combined;
        return RC_OK;
    }
    return visit_put_output(visit, &combined, err);
}

rc visit_assign(struct visit *visit, struct json *ret_assigned, struct err *err)
{
    struct frame *frame = visit->frame;
    *ret_assigned = (struct json){.kind = JSON_NULL};
    if (visit->assign == NULL)
        return RC_OK;
    struct json values;
    TRY(visit_evaluate(visit, visit->assign, &visit->result, &values, err));
    for (size_t i = 0; i < values.count; i++)
        map_set(&frame->variables.values, values.members[i].key,
                arena_copy(frame->arena, &values.members[i].value, sizeof(struct json)));
    *ret_assigned = values;
    return RC_OK;
}
