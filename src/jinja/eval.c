/// @file eval.c
/// Expressions. Layer: jinja. Source: what the code that Jinja2 3.1.6 generates does.

#include "jinja/render.h"

#include "jinja/throw.h"

// ---------------------------------------------------------------- limits

rc spend(struct render *r, uint64_t fuel, struct err *err)
{
    if (r->fuel < fuel) {
        r->fuel = 0;
        return err_set(err, RC_LIMIT, "the template does more work than its limit of steps allows");
    }
    // memory is looked at now and then, and always before something large is made
    const bool looks = r->fuel / 1024 != (r->fuel - fuel) / 1024;
    r->fuel -= fuel;
    if (looks && arena_bytes(r->arena) + (fuel > 1024 ? fuel * 64 : 0) > r->memory_max)
        return err_set(err, RC_LIMIT, "the template's values need more than %zu MiB",
                       r->memory_max >> 20);
    return RC_OK;
}

static rc too_deep(struct err *err)
{
    return throw_error(err, "RecursionError", "maximum recursion depth exceeded");
}

static bool is_stack_spent(const struct render *r)
{
    const char *here = __builtin_frame_address(0);
    return here < r->stack_start && (size_t)(r->stack_start - here) > STACK_BYTES_MAX;
}

rc enter_call(struct render *r, struct err *err)
{
    if (r->depth >= r->depth_max || is_stack_spent(r))
        return too_deep(err);
    r->depth++;
    return RC_OK;
}

void leave_call(struct render *r)
{
    r->depth--;
}

// ---------------------------------------------------------------- names

rc resolve_name(struct render *r, struct variables *variables, struct str name,
                struct value *ret_value, struct err *err)
{
    *ret_value = value_missing();
    const struct context *host = NULL;
    for (const struct variables *v = variables; v != NULL; v = v->outer) {
        if (v->assigned.kind == VALUE_DICT)
            *ret_value = dict_get_str(v->assigned, name);
        if (ret_value->kind == VALUE_MISSING && v->locals.kind == VALUE_DICT)
            *ret_value = dict_get_str(v->locals, name);
        if (ret_value->kind != VALUE_MISSING)
            return RC_OK;
        host = v->host;
    }
    for (; host != NULL; host = host->parent) {
        if (host->values.kind == VALUE_DICT)
            *ret_value = dict_get_str(host->values, name);
        if (ret_value->kind == VALUE_MISSING && host->lookup != NULL)
            TRY(host->lookup(r, host->host, name, ret_value, err));
        if (ret_value->kind != VALUE_MISSING)
            return RC_OK;
    }
    *ret_value = dict_get_str(r->env->globals, name);
    return RC_OK;
}

rc load_place(struct render *r, struct name_place place, struct str name, struct value *ret_value,
              struct err *err)
{
    struct frame *frame = r->frame;
    for (uint16_t i = 0; i < place.depth; i++)
        frame = frame->outer;
    struct value *slot = &frame->slots[place.slot];
    if (slot->kind == VALUE_MISSING && slot->flags == 0 && (place.is_lazy || frame->asks_context)) {
        TRY(resolve_name(r, frame->variables, name, slot, err));
        if (slot->kind == VALUE_MISSING)
            slot->flags = 1; // looked up already
    }
    *ret_value = *slot;
    return RC_OK;
}

static rc eval_name(struct render *r, const struct node *node, struct value *ret_value,
                    struct err *err)
{
    const struct name_place place = node->name.place;
    if (place.depth == 0) { // the common case, without a call
        *ret_value = r->frame->slots[place.slot];
        if (ret_value->kind != VALUE_MISSING)
            return RC_OK;
    }
    TRY(load_place(r, place, node->name.text, ret_value, err));
    if (ret_value->kind == VALUE_MISSING)
        *ret_value = undefined_name(r, node->name.text);
    return RC_OK;
}

static rc store_place(struct render *r, const struct node *target, struct value value)
{
    struct frame *frame = r->frame;
    for (uint16_t i = 0; i < target->name.place.depth; i++)
        frame = frame->outer;
    frame->slots[target->name.place.slot] = value;
    return RC_OK;
}

static rc assign_items(struct render *r, const struct node *target, struct value value,
                       struct err *err)
{
    const struct value *items;
    size_t count;
    const rc code = value_items(r, value, &items, &count, err);
    if (code != RC_OK && throw_is(err, "TypeError"))
        return throw_error(err, "TypeError", "cannot unpack non-iterable %s object",
                           value_type_name(value));
    TRY(code);
    const uint32_t wanted = target->list.count;
    if (count > wanted)
        return throw_error(err, "ValueError", "too many values to unpack (expected %u)", wanted);
    if (count < wanted)
        return throw_error(err, "ValueError", "not enough values to unpack (expected %u, got %zu)",
                           wanted, count);
    for (const struct node *item = target->list.items; item != NULL; item = item->next)
        TRY(assign(r, item, *items++, err));
    return RC_OK;
}

rc assign(struct render *r, const struct node *target, struct value value, struct err *err)
{
    if (target->type == NODE_NAME)
        return store_place(r, target, value);
    if (target->type == NODE_TUPLE)
        return assign_items(r, target, value, err);
    struct value object; // namespace.attribute
    TRY(eval(r, target->reference.name, &object, err));
    if (!value_is_namespace(object))
        return throw_error(err, "TemplateRuntimeError",
                           "cannot assign attribute on non-namespace object");
    return object.object->class->set_attribute(r, object.object, target->reference.attribute, value,
                                               err);
}

// ---------------------------------------------------------------- attributes and items

static bool is_private(struct render *r, struct str name)
{
    return r->env->options.is_sandboxed && name.length > 0 && name.bytes[0] == '_';
}

/// Without the fallback to an item.
static rc plain_attribute(struct render *r, struct value value, struct str name, uint16_t method,
                          struct value *ret_value, struct err *err)
{
    *ret_value = value_missing();
    if (value.kind == VALUE_OBJECT) {
        if (value.object->class->get_attribute != NULL)
            TRY(value.object->class->get_attribute(r, value.object, name, ret_value, err));
    } else if (method != 0 && has_method(value, method)) {
        *ret_value = bound_method(r, value, method);
    }
    if (ret_value->kind == VALUE_MISSING)
        *ret_value = builtin_attribute(r, value, name);
    return RC_OK;
}

static rc undefined_member(struct value value, struct value *ret_value, struct err *err)
{
    if (value.undefined->kind != UNDEFINED_CHAINABLE && value.undefined->kind != UNDEFINED_SILENT)
        return undefined_fail(value, err);
    *ret_value = value;
    return RC_OK;
}

static rc get_attribute(struct render *r, struct value value, struct str name, uint16_t method,
                        struct value *ret_value, struct err *err)
{
    if (value.kind == VALUE_UNDEFINED)
        return undefined_member(value, ret_value, err);
    const bool private = is_private(r, name);
    if (!private)
        TRY(plain_attribute(r, value, name, method, ret_value, err));
    else
        *ret_value = value_missing();
    if (ret_value->kind == VALUE_MISSING) {
        const rc code = value_get_item(r, value, value_str(name), ret_value, err);
        if (code != RC_OK && !throw_is(err, "TypeError"))
            return code;
    }
    if (ret_value->kind == VALUE_MISSING)
        *ret_value = undefined_attribute(r, value, name);
    return RC_OK;
}

rc render_get_attribute(struct render *r, struct value value, struct str name,
                        struct value *ret_value, struct err *err)
{
    return get_attribute(r, value, name, method_number(name), ret_value, err);
}

rc render_get_item(struct render *r, struct value value, struct value key, struct value *ret_value,
                   struct err *err)
{
    if (value.kind == VALUE_UNDEFINED)
        return undefined_member(value, ret_value, err);
    *ret_value = value_missing();
    const rc code = value_get_item(r, value, key, ret_value, err);
    if (code != RC_OK && !throw_is(err, "TypeError"))
        return code;
    if (code != RC_OK)
        *ret_value = value_missing();
    if (ret_value->kind == VALUE_MISSING && key.kind == VALUE_STR &&
        !is_private(r, value_text(key)))
        TRY(plain_attribute(r, value, value_text(key), method_number(value_text(key)), ret_value,
                            err));
    if (ret_value->kind != VALUE_MISSING)
        return RC_OK;
    if (key.kind == VALUE_STR) {
        *ret_value = undefined_attribute(r, value, value_text(key));
        return RC_OK;
    }
    struct str words;
    TRY(value_to_str(r, r->arena, key, &words, err));
    *ret_value =
        undefined_hint(r, words, "%s has no element %.*s", owner_words(r, value), STR_ARGS(words));
    return RC_OK;
}

static rc eval_item(struct render *r, const struct node *node, struct value *ret_value,
                    struct err *err)
{
    struct value object, key;
    TRY(eval(r, node->pair.left, &object, err));
    const struct node *index = node->pair.right;
    if (index->type != NODE_SLICE) {
        TRY(eval(r, index, &key, err));
        return render_get_item(r, object, key, ret_value, err);
    }
    struct value parts[3] = {value_none(), value_none(), value_none()};
    const struct node *nodes[3] = {index->slice.start, index->slice.stop, index->slice.step};
    for (size_t i = 0; i < 3; i++)
        if (nodes[i] != NULL)
            TRY(eval(r, nodes[i], &parts[i], err));
    return value_slice(r, object, parts[0], parts[1], parts[2], ret_value, err);
}

// ---------------------------------------------------------------- calls

enum { ARGUMENTS_INLINE = 6 };

/// Evaluated arguments, small numbers of them without an allocation.
struct argument_room {
    struct value items[ARGUMENTS_INLINE];
    struct keyword_argument keywords[ARGUMENTS_INLINE];
    struct arguments arguments;
};

static rc star_items(struct render *r, struct value star, struct value **items, size_t *count,
                     struct err *err)
{
    const struct value *more;
    size_t more_count;
    const rc code = value_items(r, star, &more, &more_count, err);
    if (code != RC_OK && throw_is(err, "TypeError"))
        return throw_error(err, "TypeError",
                           "jinja2.runtime.Context.call() argument after * must be an iterable, "
                           "not %s",
                           value_type_name(star));
    TRY(code);
    struct value *all = ARENA_ARRAY(r->arena, struct value, *count + more_count + 1);
    memcpy(all, *items, *count * sizeof all[0]);
    if (more_count > 0)
        memcpy(all + *count, more, more_count * sizeof all[0]);
    *items = all;
    *count += more_count;
    return RC_OK;
}

static rc star_keywords(struct render *r, struct value star, struct keyword_argument **keywords,
                        size_t *count, struct err *err)
{
    if (star.kind == VALUE_UNDEFINED)
        return undefined_fail(star, err);
    if (star.kind != VALUE_DICT)
        return throw_error(err, "TypeError",
                           "jinja2.runtime.Context.call() argument after ** must be a mapping, "
                           "not %s",
                           value_type_name(star));
    struct keyword_argument *all =
        ARENA_ARRAY(r->arena, struct keyword_argument, *count + dict_count(star) + 1);
    memcpy(all, *keywords, *count * sizeof all[0]);
    struct dict_entry *entry;
    for (size_t at = 0; dict_next(star, &at, &entry);) {
        if (entry->key.kind != VALUE_STR)
            return throw_error(err, "TypeError", "keywords must be strings");
        for (size_t i = 0; i < *count; i++)
            if (str_equal(all[i].name, value_text(entry->key)))
                return throw_error(err, "TypeError",
                                   "jinja2.runtime.Context.call() got multiple values for keyword "
                                   "argument '%.*s'",
                                   STR_ARGS(all[i].name));
        all[(*count)++] = (struct keyword_argument){value_text(entry->key), entry->value};
    }
    *keywords = all;
    return RC_OK;
}

/// @param first   the filter's or test's input, or NULL
/// @param caller  of a call block, or NULL
static rc eval_arguments(struct render *r, const struct node_arguments *arguments,
                         const struct value *first, const struct value *caller,
                         struct argument_room *room, struct err *err)
{
    struct value *items = room->items;
    struct keyword_argument *keywords = room->keywords;
    size_t count = 0, keyword_count = 0;
    static const struct node_arguments none = {0};
    const struct node_arguments *a = arguments != NULL ? arguments : &none;
    if (a->count + 1 > ARGUMENTS_INLINE)
        items = ARENA_ARRAY(r->arena, struct value, a->count + 1);
    if (a->keyword_count + 1 > ARGUMENTS_INLINE)
        keywords = ARENA_ARRAY(r->arena, struct keyword_argument, a->keyword_count + 1);
    if (first != NULL)
        items[count++] = *first;
    for (const struct node *item = a->items; item != NULL; item = item->next)
        TRY(eval(r, item, &items[count++], err));
    struct value star;
    for (uint32_t i = 0; i < a->keyword_count; i++) {
        keywords[keyword_count].name = a->keywords[i].name;
        TRY(eval(r, a->keywords[i].value, &keywords[keyword_count++].value, err));
    }
    if (caller != NULL)
        keywords[keyword_count++] = (struct keyword_argument){STR("caller"), *caller};
    if (a->star != NULL) {
        TRY(eval(r, a->star, &star, err));
        TRY(star_items(r, star, &items, &count, err));
    }
    if (a->double_star != NULL) {
        TRY(eval(r, a->double_star, &star, err));
        TRY(star_keywords(r, star, &keywords, &keyword_count, err));
    }
    room->arguments = (struct arguments){items, count, keywords, keyword_count};
    return RC_OK;
}

rc eval_call(struct render *r, const struct node *node, const struct value *caller,
             struct value *ret_value, struct err *err)
{
    struct argument_room room;
    const struct node *callee = node->call.callee;
    TRY(spend(r, 1, err));
    if (callee->type == NODE_GET_ATTRIBUTE && callee->method != 0) {
        // a method of a built-in value, without a bound method in between
        struct value self;
        TRY(eval(r, callee->attribute.object, &self, err));
        if (self.kind != VALUE_OBJECT && self.kind != VALUE_UNDEFINED &&
            has_method(self, callee->method)) {
            TRY(eval_arguments(r, node->call.arguments, NULL, caller, &room, err));
            return call_method(r, self, callee->method, &room.arguments, ret_value, err);
        }
        struct value function;
        TRY(get_attribute(r, self, callee->attribute.name, callee->method, &function, err));
        TRY(eval_arguments(r, node->call.arguments, NULL, caller, &room, err));
        return render_call(r, function, &room.arguments, ret_value, err);
    }
    struct value function;
    TRY(eval(r, callee, &function, err));
    TRY(eval_arguments(r, node->call.arguments, NULL, caller, &room, err));
    return render_call(r, function, &room.arguments, ret_value, err);
}

rc eval_filter(struct render *r, const struct node *node, const struct value *input,
               struct value *ret_value, struct err *err)
{
    struct value value;
    struct argument_room room;
    if (node->filter.input != NULL && node->filter.input->type == NODE_FILTER && input != NULL)
        TRY(eval_filter(r, node->filter.input, input, &value, err));
    else if (node->filter.input != NULL)
        TRY(eval(r, node->filter.input, &value, err));
    else
        value = *input;
    const struct filter_entry *entry = node->filter.entry;
    if (entry == NULL)
        return throw_error(err, "TemplateRuntimeError", "No %s named '%.*s' found.",
                           node->type == NODE_TEST ? "test" : "filter",
                           STR_ARGS(node->filter.name));
    TRY(spend(r, 1, err));
    TRY(eval_arguments(r, node->filter.arguments, &value, NULL, &room, err));
    return entry->function(r, entry->self, &room.arguments, ret_value, err);
}

// ---------------------------------------------------------------- collections and operators

static rc eval_list(struct render *r, const struct node *node, struct value *ret_value,
                    struct err *err)
{
    const struct value list = node->type == NODE_TUPLE ? value_tuple_new(r->arena, node->list.count)
                                                       : value_list_new(r->arena, node->list.count);
    for (const struct node *item = node->list.items; item != NULL; item = item->next) {
        struct value value;
        TRY(eval(r, item, &value, err));
        list_push(list, value);
    }
    *ret_value = list;
    return spend(r, node->list.count, err);
}

static rc eval_dict(struct render *r, const struct node *node, struct value *ret_value,
                    struct err *err)
{
    const struct value dict = value_dict_new(r->arena);
    for (const struct node *item = node->list.items; item != NULL; item = item->next->next) {
        struct value key, value;
        TRY(eval(r, item, &key, err));
        TRY(eval(r, item->next, &value, err));
        TRY(dict_set(dict, key, value, err));
    }
    *ret_value = dict;
    return spend(r, node->list.count, err);
}

static rc eval_concat(struct render *r, const struct node *node, struct value *ret_value,
                      struct err *err)
{
    struct value parts[8], *values = parts;
    size_t count = 0, length = 0;
    bool has_markup = false;
    if (node->list.count > 8)
        values = ARENA_ARRAY(r->arena, struct value, node->list.count);
    for (const struct node *item = node->list.items; item != NULL; item = item->next) {
        TRY(eval(r, item, &values[count], err));
        has_markup = has_markup || (values[count].flags & VALUE_FLAG_MARKUP) != 0;
        count++;
    }
    has_markup = has_markup && r->autoescape;
    for (size_t i = 0; i < count; i++) {
        if (has_markup) {
            TRY(escape_value(r, values[i], &values[i], err));
        } else if (values[i].kind != VALUE_STR) {
            struct str text;
            TRY(value_to_str(r, r->arena, values[i], &text, err));
            values[i] = value_str(text);
        }
        length += values[i].length;
    }
    TRY(spend(r, length / 64, err));
    if (length > UINT32_MAX / 2)
        return err_set(err, RC_LIMIT, "a text of %zu bytes", length);
    char *text = arena_alloc(r->arena, length + 1), *to = text;
    for (size_t i = 0; i < count; i++) {
        if (values[i].length > 0)
            memcpy(to, values[i].bytes, values[i].length);
        to += values[i].length;
    }
    *ret_value = value_str((struct str){text, length});
    ret_value->flags = has_markup ? VALUE_FLAG_MARKUP : 0;
    return RC_OK;
}

static rc truth(struct value value, bool *ret_truth, struct err *err)
{
    if (value.kind == VALUE_UNDEFINED && value.undefined->kind == UNDEFINED_STRICT)
        return undefined_fail(value, err);
    *ret_truth = value_is_true(value);
    return RC_OK;
}

static rc eval_compare(struct render *r, const struct node *node, struct value *ret_value,
                       struct err *err)
{
    struct value left, right;
    const struct node *item = node->list.items;
    TRY(eval(r, item, &left, err));
    bool result = true;
    for (item = item->next; item != NULL && result; item = item->next) {
        TRY(eval(r, item->pair.left, &right, err));
        TRY(compare_operation(r, (enum compare_operator)item->op, left, right, &result, err));
        left = right;
    }
    *ret_value = value_bool(result);
    return RC_OK;
}

static rc eval_condition(struct render *r, const struct node *node, struct value *ret_value,
                         struct err *err)
{
    struct value test;
    bool result;
    TRY(eval(r, node->condition.test, &test, err));
    TRY(truth(test, &result, err));
    if (result)
        return eval(r, node->condition.then, ret_value, err);
    if (node->condition.otherwise != NULL)
        return eval(r, node->condition.otherwise, ret_value, err);
    *ret_value =
        undefined_hint(r, (struct str){0},
                       "the inline if-expression on line %d evaluated to false and no else section "
                       "was defined.",
                       node->line);
    struct undefined_info *info = ARENA_NEW(r->arena, struct undefined_info);
    *info = *ret_value->undefined;
    info->kind = UNDEFINED_DEFAULT; // whatever the environment's kind is
    ret_value->undefined = info;
    return RC_OK;
}

static rc eval_and_or(struct render *r, const struct node *node, struct value *ret_value,
                      struct err *err)
{
    bool result;
    TRY(eval(r, node->pair.left, ret_value, err));
    TRY(truth(*ret_value, &result, err));
    if (result == (node->type == NODE_AND))
        return eval(r, node->pair.right, ret_value, err);
    return RC_OK;
}

static rc eval_unary(struct render *r, const struct node *node, struct value *ret_value,
                     struct err *err)
{
    struct value value;
    TRY(eval(r, node->pair.left, &value, err));
    if (node->type == NODE_NOT) {
        bool result;
        TRY(truth(value, &result, err));
        *ret_value = value_bool(!result);
        return RC_OK;
    }
    const bool is_negation = node->type == NODE_NEGATE;
    if (value.kind == VALUE_UNDEFINED)
        return undefined_fail(value, err);
    if (value_is_number(value)) {
        if (is_negation)
            return number_negate(r->arena, value, ret_value, err);
        *ret_value = value.kind == VALUE_BOOL ? value_int(value.integer) : value;
        return RC_OK;
    }
    if (value.kind == VALUE_TIMEDELTA) {
        *ret_value = is_negation
                         ? value_timedelta(r->arena, -value.delta->days, -value.delta->seconds,
                                           -value.delta->microseconds)
                         : value;
        return RC_OK;
    }
    return throw_error(err, "TypeError", "bad operand type for unary %c: '%s'",
                       is_negation ? '-' : '+', value_type_name(value));
}

static rc eval_other(struct render *r, const struct node *node, struct value *ret_value,
                     struct err *err)
{
    struct value a, b;
    switch ((enum node_type)node->type) {
    case NODE_BINARY:
        TRY(eval(r, node->pair.left, &a, err));
        TRY(eval(r, node->pair.right, &b, err));
        return binary_operation(r, (enum binary_operator)node->op, a, b, ret_value, err);
    case NODE_GET_ITEM:
        return eval_item(r, node, ret_value, err);
    case NODE_LIST:
    case NODE_TUPLE:
        return eval_list(r, node, ret_value, err);
    case NODE_DICT:
        return eval_dict(r, node, ret_value, err);
    case NODE_CONCAT:
        return eval_concat(r, node, ret_value, err);
    case NODE_COMPARE:
        return eval_compare(r, node, ret_value, err);
    case NODE_CONDITION:
        return eval_condition(r, node, ret_value, err);
    case NODE_AND:
    case NODE_OR:
        return eval_and_or(r, node, ret_value, err);
    case NODE_NOT:
    case NODE_NEGATE:
    case NODE_POSITIVE:
        return eval_unary(r, node, ret_value, err);
    case NODE_SLICE: // obj[1:2, 3]: a tuple with a slice is no key of anything here
        return throw_error(err, "TypeError", "a slice is no value");
    default:
        return err_set(err, RC_INTERNAL, "node %d is no expression", node->type);
    }
}

rc eval(struct render *r, const struct node *node, struct value *ret_value, struct err *err)
{
    struct value value;
    switch ((enum node_type)node->type) {
    case NODE_CONSTANT:
        *ret_value = node->constant;
        return RC_OK;
    case NODE_NAME:
        return eval_name(r, node, ret_value, err);
    default:
        break;
    }
    if (is_stack_spent(r))
        return too_deep(err);
    switch ((enum node_type)node->type) {
    case NODE_GET_ATTRIBUTE:
        TRY(eval(r, node->attribute.object, &value, err));
        return get_attribute(r, value, node->attribute.name, node->method, ret_value, err);
    case NODE_CALL:
        return eval_call(r, node, NULL, ret_value, err);
    case NODE_FILTER:
        return eval_filter(r, node, NULL, ret_value, err);
    case NODE_TEST:
        TRY(eval_filter(r, node, NULL, ret_value, err));
        *ret_value = value_bool(value_is_true(*ret_value));
        return RC_OK;
    default:
        return eval_other(r, node, ret_value, err);
    }
}
