/// @file loop.c
/// `for` loops and the object `loop`. Layer: jinja. Source: Jinja2 3.1.6's LoopContext.

#include "jinja/render.h"

#include "jinja/throw.h"

struct loop_object {
    struct object object;
    const struct node *node;
    const struct value *items;
    size_t count, at;          // items; the current one
    size_t depth;              // from 0
    struct value last_changed; // VALUE_LIST of what changed() saw
    struct frame *frame;       // around the loop, for a recursive call
    struct value self;
};

static rc run_recursive(struct render *r, const struct node *node, struct frame *outer,
                        struct value iterable, size_t depth, struct err *err);

// ---------------------------------------------------------------- the object

static struct value loop_undefined(struct render *r, const char *words)
{
    return undefined_hint(r, (struct str){0}, "%s", words);
}

/// A method of the loop, bound to it.
static rc loop_cycle(struct render *r, void *self, const struct arguments *arguments,
                     struct value *ret_value, struct err *err)
{
    const struct loop_object *loop = self;
    (void)r;
    if (arguments->count == 0)
        return throw_error(err, "TypeError", "no items for cycling given");
    *ret_value = arguments->items[loop->at % arguments->count];
    return RC_OK;
}

static rc loop_changed(struct render *r, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    struct loop_object *loop = self;
    const struct value now = value_tuple_of(r->arena, arguments->items, arguments->count);
    const bool is_same =
        loop->last_changed.kind != VALUE_MISSING && value_equal(loop->last_changed, now);
    (void)err;
    loop->last_changed = now;
    *ret_value = value_bool(!is_same);
    return RC_OK;
}

static rc loop_attribute(struct render *r, struct object *object, struct str name,
                         struct value *ret_value, struct err *err)
{
    struct loop_object *loop = (struct loop_object *)object;
    (void)err;
    if (str_is(name, "index"))
        *ret_value = value_int((int64_t)loop->at + 1);
    else if (str_is(name, "index0"))
        *ret_value = value_int((int64_t)loop->at);
    else if (str_is(name, "last"))
        *ret_value = value_bool(loop->at + 1 == loop->count);
    else if (str_is(name, "first"))
        *ret_value = value_bool(loop->at == 0);
    else if (str_is(name, "length"))
        *ret_value = value_int((int64_t)loop->count);
    else if (str_is(name, "revindex"))
        *ret_value = value_int((int64_t)(loop->count - loop->at));
    else if (str_is(name, "revindex0"))
        *ret_value = value_int((int64_t)(loop->count - loop->at) - 1);
    else if (str_is(name, "depth"))
        *ret_value = value_int((int64_t)loop->depth + 1);
    else if (str_is(name, "depth0"))
        *ret_value = value_int((int64_t)loop->depth);
    else if (str_is(name, "previtem"))
        *ret_value = loop->at > 0 ? loop->items[loop->at - 1]
                                  : loop_undefined(r, "there is no previous item");
    else if (str_is(name, "nextitem"))
        *ret_value = loop->at + 1 < loop->count ? loop->items[loop->at + 1]
                                                : loop_undefined(r, "there is no next item");
    else if (str_is(name, "cycle"))
        *ret_value = value_function(r->arena, "cycle", loop_cycle, loop);
    else if (str_is(name, "changed"))
        *ret_value = value_function(r->arena, "changed", loop_changed, loop);
    return RC_OK;
}

static rc loop_print(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    const struct loop_object *loop = (const struct loop_object *)object;
    (void)r, (void)err;
    buf_printf(to, "<LoopContext %zu/%zu>", loop->at + 1, loop->count);
    return RC_OK;
}

static rc loop_call(struct render *r, struct object *object, const struct arguments *arguments,
                    struct value *ret_value, struct err *err)
{
    struct loop_object *loop = (struct loop_object *)object;
    if (!loop->node->loop->is_recursive)
        return throw_error(err, "TypeError",
                           "The loop must have the 'recursive' marker to be called recursively.");
    if (arguments->count != 1 || arguments->keyword_count != 0)
        return throw_error(err, "TypeError", "loop() takes 1 argument, the items");
    struct capture capture;
    TRY(enter_call(r, err));
    capture_begin(r, &capture);
    const rc code =
        run_recursive(r, loop->node, loop->frame, arguments->items[0], loop->depth + 1, err);
    if (code != RC_OK) {
        capture_drop(r, &capture);
        return code;
    }
    leave_call(r);
    return capture_end(r, &capture, ret_value, err);
}

/// What is still to come, as LoopContext is its own iterator: dict(loop) takes it.
static rc loop_iterate(struct render *r, struct object *object, struct value *ret_list,
                       struct err *err)
{
    struct loop_object *loop = (struct loop_object *)object;
    const struct value list = value_list_new(r->arena, loop->count - loop->at);
    (void)err;
    for (; loop->at + 1 < loop->count; loop->at++) {
        const struct value pair[2] = {loop->items[loop->at + 1], loop->self};
        list_push(list, value_tuple_of(r->arena, pair, 2));
    }
    *ret_list = list;
    return RC_OK;
}

static rc loop_length(struct render *r, struct object *object, size_t *ret_length, struct err *err)
{
    (void)r, (void)err;
    *ret_length = ((const struct loop_object *)object)->count;
    return RC_OK;
}

static const struct object_class loop_class = {.name = "jinja2.runtime.LoopContext",
                                               .get_attribute = loop_attribute,
                                               .call = loop_call,
                                               .iterate = loop_iterate,
                                               .length = loop_length,
                                               .repr = loop_print};

// ---------------------------------------------------------------- running

/// Keeps the items that the loop's condition lets through.
static rc filter_items(struct render *r, const struct for_node *loop, const struct value **items,
                       size_t *count, struct err *err)
{
    const struct value kept = value_list_new(r->arena, 0);
    for (size_t i = 0; i < *count; i++) {
        struct value test;
        TRY(enter_scope(r, loop->test_scope, err));
        TRY(assign(r, loop->target, (*items)[i], err));
        TRY(eval(r, loop->test, &test, err));
        TRY(spend(r, 1, err));
        if (value_is_true(test))
            list_push(kept, (*items)[i]);
    }
    *items = kept.list->items;
    *count = kept.list->count;
    return RC_OK;
}

/// One item of a plain loop. *ret_stop is set by `break`.
static rc run_item(struct render *r, const struct for_node *loop, struct value item, bool *ret_stop,
                   struct err *err)
{
    TRY(spend(r, 1, err));
    if (loop->scope->load_count > 0)
        TRY(enter_scope(r, loop->scope, err));
    TRY(assign(r, loop->target, item, err));
    TRY(exec_body(r, loop->body, err));
    *ret_stop = r->flow == FLOW_BREAK;
    r->flow = FLOW_NEXT;
    return RC_OK;
}

/// A loop whose body does not ask for `loop`: a list may grow while it runs, and the condition is
/// asked item by item.
static rc run_plain(struct render *r, const struct for_node *loop, struct value iterable,
                    bool *ret_had_items, struct err *err)
{
    const struct value *items;
    size_t count;
    bool stops = false;
    TRY(value_items(r, iterable, &items, &count, err));
    const bool is_live = iterable.kind == VALUE_LIST;
    for (size_t i = 0; !stops; i++) {
        if (is_live) {
            items = iterable.list->items;
            count = iterable.list->count;
        }
        if (i >= count)
            break;
        const struct value item = items[i];
        if (loop->test != NULL) {
            struct value test;
            TRY(enter_scope(r, loop->test_scope, err));
            TRY(assign(r, loop->target, item, err));
            TRY(eval(r, loop->test, &test, err));
            if (!value_is_true(test))
                continue;
        }
        *ret_had_items = true;
        TRY(run_item(r, loop, item, &stops, err));
    }
    return RC_OK;
}

static rc run_extended(struct render *r, const struct node *node, struct value iterable,
                       size_t depth, struct frame *around, bool *ret_had_items, struct err *err)
{
    const struct for_node *loop = node->loop;
    struct loop_object *object = ARENA_NEW(r->arena, struct loop_object);
    *object = (struct loop_object){
        .object = {&loop_class}, .node = node, .depth = depth, .frame = around};
    object->self = value_object(&object->object);
    TRY(value_items(r, iterable, &object->items, &object->count, err));
    if (loop->test != NULL)
        TRY(filter_items(r, loop, &object->items, &object->count, err));
    bool stops = false;
    *ret_had_items = object->count > 0;
    for (object->at = 0; object->at < object->count && !stops; object->at++) {
        r->frame->slots[loop->loop_slot] = object->self;
        TRY(run_item(r, loop, object->items[object->at], &stops, err));
    }
    r->frame->slots[loop->loop_slot] = value_missing();
    return RC_OK;
}

static rc run_else(struct render *r, const struct for_node *loop, bool had_items, struct err *err)
{
    if (had_items || !loop->has_otherwise)
        return RC_OK;
    TRY(enter_scope(r, loop->else_scope, err));
    return exec_body(r, loop->otherwise, err);
}

/// The body of a recursive loop is a function: each level has its own frame.
static rc run_recursive(struct render *r, const struct node *node, struct frame *outer,
                        struct value iterable, size_t depth, struct err *err)
{
    struct frame *caller = r->frame;
    bool had_items = false;
    r->frame = frame_new(r, &node->loop->function, outer, outer->variables);
    rc code = run_extended(r, node, iterable, depth, outer, &had_items, err);
    if (code == RC_OK)
        code = run_else(r, node->loop, had_items, err);
    r->frame = caller;
    return code;
}

rc exec_for(struct render *r, const struct node *node, struct err *err)
{
    const struct for_node *loop = node->loop;
    struct value iterable;
    bool had_items = false;
    TRY(eval(r, loop->iterable, &iterable, err));
    if (loop->is_recursive)
        return run_recursive(r, node, r->frame, iterable, 0, err);
    if (loop->has_loop_object)
        TRY(run_extended(r, node, iterable, 0, r->frame, &had_items, err));
    else
        TRY(run_plain(r, loop, iterable, &had_items, err));
    return run_else(r, loop, had_items, err);
}
