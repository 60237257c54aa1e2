/// @file call.c
/// Calling: macros, functions in C, bound methods; binding of arguments. Layer: jinja.

#include "jinja/render.h"

#include <stdio.h>

#include "jinja/throw.h"

// ---------------------------------------------------------------- functions in C

struct function_object {
    struct object object;
    const char *name;
    native_function function;
    void *self;
};

static rc function_call(struct render *r, struct object *object, const struct arguments *arguments,
                        struct value *ret_value, struct err *err)
{
    const struct function_object *function = (const struct function_object *)object;
    return function->function(r, function->self, arguments, ret_value, err);
}

static rc function_repr(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    (void)r, (void)err;
    buf_printf(to, "<function %s at 0x%012llx>", ((const struct function_object *)object)->name,
               (unsigned long long)(uintptr_t)object);
    return RC_OK;
}

static const struct object_class function_class = {
    .name = "function", .call = function_call, .repr = function_repr};

struct value value_function(struct arena *arena, const char *name, native_function function,
                            void *self)
{
    struct function_object *object = ARENA_NEW(arena, struct function_object);
    *object = (struct function_object){{&function_class}, name, function, self};
    return value_object(&object->object);
}

// ---------------------------------------------------------------- bound methods

struct method_object {
    struct object object;
    struct value self;
    uint16_t method;
};

static rc method_call(struct render *r, struct object *object, const struct arguments *arguments,
                      struct value *ret_value, struct err *err)
{
    const struct method_object *method = (const struct method_object *)object;
    return call_method(r, method->self, method->method, arguments, ret_value, err);
}

static rc method_repr(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    const struct method_object *method = (const struct method_object *)object;
    (void)r, (void)err;
    buf_printf(to, "<built-in method %s of %s object at 0x%012llx>", method_name(method->method),
               value_type_name(method->self), (unsigned long long)(uintptr_t)object);
    return RC_OK;
}

static const struct object_class method_class = {
    .name = "builtin_function_or_method", .call = method_call, .repr = method_repr};

struct value bound_method(struct render *r, struct value self, uint16_t method)
{
    struct method_object *object = ARENA_NEW(r->arena, struct method_object);
    *object = (struct method_object){{&method_class}, self, method};
    return value_object(&object->object);
}

// ---------------------------------------------------------------- macros

struct value macro_value(struct render *r, const struct macro_node *node)
{
    struct macro_object *macro = ARENA_NEW(r->arena, struct macro_object);
    *macro = (struct macro_object){
        .object = {&macro_class}, .node = node, .closure = r->frame, .autoescape = r->autoescape};
    return value_object(&macro->object);
}

struct value value_macro(struct arena *arena, const struct macro_info *info,
                         const struct context *context, bool is_return_boundary)
{
    struct macro_object *macro = ARENA_NEW(arena, struct macro_object);
    *macro = (struct macro_object){.object = {&macro_class},
                                   .node = (const struct macro_node *)info->macro,
                                   .context = context,
                                   .is_return_boundary = is_return_boundary};
    return value_object(&macro->object);
}

/// The macro's name in messages: 'name', or None for a call block.
static const char *quoted_name(const struct macro_node *node, char *to, size_t to_bytes)
{
    if (node->target == NULL)
        return "None";
    snprintf(to, to_bytes, "'%.*s'", STR_ARGS(node->info.name));
    return to;
}

/// Keyword arguments that no parameter took yet.
struct keywords_left {
    const struct keyword_argument *items;
    size_t count;
    uint64_t taken; // bits; beyond 64 keywords a macro cannot take more
};

static struct value take_keyword(struct keywords_left *left, struct str name)
{
    for (size_t i = 0; i < left->count && i < 64; i++) {
        if ((left->taken >> i & 1) != 0 || !str_equal(left->items[i].name, name))
            continue;
        left->taken |= (uint64_t)1 << i;
        return left->items[i].value;
    }
    return value_missing();
}

static rc refuse_keywords(const struct macro_node *node, const struct keywords_left *left,
                          struct err *err)
{
    char name[200];
    const struct keyword_argument *first = NULL;
    for (size_t i = 0; i < left->count; i++) {
        if (i < 64 && (left->taken >> i & 1) != 0)
            continue;
        if (str_is(left->items[i].name, "caller"))
            return throw_error(err, "TypeError",
                               "macro %s was invoked with two values for the special caller "
                               "argument. This is most likely a bug.",
                               quoted_name(node, name, sizeof name));
        first = first != NULL ? first : &left->items[i];
    }
    if (first == NULL)
        return RC_OK;
    return throw_error(err, "TypeError", "macro %s takes no keyword argument '%.*s'",
                       quoted_name(node, name, sizeof name), STR_ARGS(first->name));
}

/// Puts the arguments into the slots of the new frame (r->frame).
static rc bind_arguments(struct render *r, const struct macro_node *node,
                         const struct arguments *arguments, struct err *err)
{
    struct value *slots = r->frame->slots;
    struct keywords_left left = {arguments->keywords, arguments->keyword_count, 0};
    const size_t parameter_count = node->info.parameter_count;
    char name[200];
    size_t i = 0;
    bool found_caller = false;
    for (const struct node *p = node->parameters; p != NULL; p = p->next, i++) {
        struct value value;
        if (i < arguments->count) {
            value = arguments->items[i];
        } else {
            value = take_keyword(&left, p->name.text);
        }
        found_caller = found_caller || str_is(p->name.text, "caller");
        slots[p->name.place.slot] = value;
    }
    if (node->caller_slot != UINT16_MAX && !found_caller) {
        struct value caller = take_keyword(&left, STR("caller"));
        if (caller.kind == VALUE_MISSING || caller.kind == VALUE_NONE)
            caller = undefined_hint(r, STR("caller"), "No caller defined");
        slots[node->caller_slot] = caller;
    }
    if (node->kwargs_slot != UINT16_MAX) {
        const struct value kwargs = value_dict_new(r->arena);
        for (size_t k = 0; k < left.count; k++)
            if (k >= 64 || (left.taken >> k & 1) == 0)
                dict_set_str(kwargs, left.items[k].name, left.items[k].value);
        slots[node->kwargs_slot] = kwargs;
    } else {
        TRY(refuse_keywords(node, &left, err));
    }
    if (node->varargs_slot != UINT16_MAX) {
        const size_t extra =
            arguments->count > parameter_count ? arguments->count - parameter_count : 0;
        slots[node->varargs_slot] =
            value_tuple_of(r->arena, arguments->items + (arguments->count - extra), extra);
    } else if (arguments->count > parameter_count) {
        return throw_error(err, "TypeError", "macro %s takes not more than %zu argument(s)",
                           quoted_name(node, name, sizeof name), parameter_count);
    }
    return RC_OK;
}

/// Defaults are evaluated at each call, in order, seeing the parameters before them.
static rc fill_defaults(struct render *r, const struct macro_node *node, struct err *err)
{
    size_t without = node->info.parameter_count - node->default_count, i = 0;
    const struct node *value = node->defaults;
    for (const struct node *p = node->parameters; p != NULL; p = p->next, i++) {
        struct value *slot = &r->frame->slots[p->name.place.slot];
        const struct node *expression = NULL;
        if (i >= without) {
            expression = value;
            value = value->next;
        }
        if (slot->kind != VALUE_MISSING)
            continue;
        if (expression != NULL)
            TRY(eval(r, expression, slot, err));
        else
            *slot = undefined_hint(r, p->name.text, "parameter '%.*s' was not provided",
                                   STR_ARGS(p->name.text));
    }
    return RC_OK;
}

static rc run_macro(struct render *r, const struct macro_node *node,
                    const struct arguments *arguments, struct err *err)
{
    TRY(bind_arguments(r, node, arguments, err));
    TRY(enter_scope(r, node->scope, err));
    TRY(fill_defaults(r, node, err));
    TRY(exec_body(r, node->body, err));
    r->flow = FLOW_NEXT;
    return RC_OK;
}

/// "in macro x (file:line)" behind the message, so that nested macros read like a stack.
static void add_macro_context(const struct macro_node *node, struct err *err)
{
    if (err == NULL || node->target == NULL || err->code == RC_OK)
        return;
    const size_t used = strlen(err->message);
    if (used + 200 < sizeof err->message)
        snprintf(err->message + used, sizeof err->message - used, "\n  in macro %.*s (%.*s:%d)",
                 STR_ARGS(node->info.name), STR_ARGS(node->template->name), node->info.line);
}

/// The frame around a macro: where it was defined, or one whose names all come from the context
/// that the host bound it to. That one is made at each call, so that the macro's value may outlive
/// the render and be called by several threads.
static struct frame *closure_of(struct render *r, const struct macro_object *macro)
{
    if (macro->closure != NULL)
        return macro->closure;
    const struct template *template = macro->node->template;
    struct variables *variables = ARENA_NEW(r->arena, struct variables);
    *variables = (struct variables){.template = template, .host = macro->context};
    struct frame *closure = frame_new(r, &template->function, NULL, variables);
    closure->asks_context = true;
    return closure;
}

static rc macro_call_object(struct render *r, struct object *object,
                            const struct arguments *arguments, struct value *ret_value,
                            struct err *err)
{
    const struct macro_object *macro = (const struct macro_object *)object;
    const struct macro_node *node = macro->node;
    struct frame *outer = r->frame;
    const bool autoescape = r->autoescape;
    const struct call_record record = {.name = node->info.name, .outer = r->calls};
    struct capture capture;
    TRY(enter_call(r, err));
    struct frame *closure = closure_of(r, macro);
    r->frame = frame_new(r, &node->function, closure, closure->variables);
    r->autoescape = macro->closure != NULL ? macro->autoescape : r->env->options.autoescape;
    const bool was_muted = r->is_muted;
    r->is_muted = false;
    if (node->target != NULL)
        r->calls = &record;
    capture_begin(r, &capture);
    rc code = run_macro(r, node, arguments, err);
    r->calls = record.outer;
    r->is_muted = was_muted;
    r->autoescape = autoescape; // the result is Markup when the caller escapes
    if (code == RC_OK) {
        frame_free(r, &node->function, r->frame);
        code = capture_end(r, &capture, ret_value, err);
    } else {
        capture_drop(r, &capture);
        if (r->is_returning && macro->is_return_boundary) {
            r->is_returning = false;
            r->flow = FLOW_NEXT;
            *ret_value = r->returned;
            if (err != NULL)
                *err = (struct err){0};
            code = RC_OK;
        } else if (!r->is_returning) {
            add_macro_context(node, err);
        }
    }
    r->frame = outer;
    leave_call(r);
    return code;
}

static rc macro_attribute(struct render *r, struct object *object, struct str name,
                          struct value *ret_value, struct err *err)
{
    const struct macro_node *node = ((const struct macro_object *)object)->node;
    (void)err;
    if (str_is(name, "name"))
        *ret_value = node->target != NULL ? value_str(node->info.name) : value_none();
    else if (str_is(name, "caller"))
        *ret_value = value_bool(node->info.uses_caller);
    else if (str_is(name, "catch_kwargs"))
        *ret_value = value_bool(node->info.uses_kwargs);
    else if (str_is(name, "catch_varargs"))
        *ret_value = value_bool(node->info.uses_varargs);
    if (!str_is(name, "arguments"))
        return RC_OK;
    *ret_value = value_tuple_new(r->arena, node->info.parameter_count);
    for (size_t i = 0; i < node->info.parameter_count; i++)
        list_push(*ret_value, value_str(node->info.parameters[i].name));
    return RC_OK;
}

static rc macro_repr(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    const struct macro_node *node = ((const struct macro_object *)object)->node;
    (void)r, (void)err;
    if (node->target == NULL)
        buf_append_cstr(to, "<Macro anonymous>");
    else
        buf_printf(to, "<Macro '%.*s'>", STR_ARGS(node->info.name));
    return RC_OK;
}

const struct object_class macro_class = {.name = "jinja2.runtime.Macro",
                                         .get_attribute = macro_attribute,
                                         .call = macro_call_object,
                                         .repr = macro_repr};

// ---------------------------------------------------------------- calling anything

bool value_is_callable(struct value value)
{
    return value.kind == VALUE_OBJECT &&
           (value.object->class->call != NULL || value.object->class->is_callable);
}

rc render_call(struct render *r, struct value callable, const struct arguments *arguments,
               struct value *ret_value, struct err *err)
{
    if (callable.kind == VALUE_UNDEFINED) {
        if (callable.undefined->kind != UNDEFINED_SILENT)
            return undefined_fail(callable, err);
        *ret_value = callable;
        return RC_OK;
    }
    if (callable.kind != VALUE_OBJECT || callable.object->class->call == NULL)
        return throw_error(err, "TypeError", "'%s' object is not callable",
                           value_type_name(callable));
    return callable.object->class->call(r, callable.object, arguments, ret_value, err);
}

static rc return_call(struct render *r, void *self, const struct arguments *arguments,
                      struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"data"};
    (void)self;
    struct value value;
    TRY(arguments_bind(r, "return", arguments, names, 0, 1, &value, err));
    r->returned = value.kind == VALUE_MISSING ? value_none() : value;
    r->is_returning = true;
    *ret_value = value_none();
    return throw_error(err, "MacroReturn", "return() was called outside of a macro");
}

struct value value_return_function(struct arena *arena)
{
    return value_function(arena, "return", return_call, NULL);
}

rc arguments_bind(struct render *r, const char *function, const struct arguments *arguments,
                  const char *const *names, size_t required, size_t count, struct value *ret_values,
                  struct err *err)
{
    (void)r;
    if (arguments->count > count && required < count)
        return throw_error(err, "TypeError",
                           "%s() takes from %zu to %zu positional arguments but %zu were given",
                           function, required, count, arguments->count);
    if (arguments->count > count)
        return throw_error(
            err, "TypeError", "%s() takes %zu positional argument%s but %zu %s given", function,
            count, count == 1 ? "" : "s", arguments->count, arguments->count == 1 ? "was" : "were");
    for (size_t i = 0; i < count; i++)
        ret_values[i] = i < arguments->count ? arguments->items[i] : value_missing();
    for (size_t k = 0; k < arguments->keyword_count; k++) {
        const struct keyword_argument *keyword = &arguments->keywords[k];
        size_t i = 0;
        while (i < count && !str_is(keyword->name, names[i]))
            i++;
        if (i == count)
            return throw_error(err, "TypeError", "%s() got an unexpected keyword argument '%.*s'",
                               function, STR_ARGS(keyword->name));
        if (ret_values[i].kind != VALUE_MISSING)
            return throw_error(err, "TypeError", "%s() got multiple values for argument '%s'",
                               function, names[i]);
        ret_values[i] = keyword->value;
    }
    for (size_t i = 0; i < required; i++)
        if (ret_values[i].kind == VALUE_MISSING)
            return throw_error(err, "TypeError",
                               "%s() missing 1 required positional argument: '%s'", function,
                               names[i]);
    return RC_OK;
}
