/// @file operators.c
/// Binary operators, comparison, membership, items and slices of values.
/// Layer: jinja. Source: CPython 3.11.

#include <math.h>

#include "base/utf8.h"
#include "jinja/render.h"
#include "jinja/throw.h"

enum { REPEAT_MAX = 100000000 };

// ---------------------------------------------------------------- arithmetic

static bool is_sequence(struct value value)
{
    return value.kind == VALUE_STR || value.kind == VALUE_LIST || value.kind == VALUE_TUPLE;
}

static rc unsupported(enum binary_operator op, struct value a, struct value b, struct err *err)
{
    if (op == OP_ADD && a.kind == VALUE_STR)
        return throw_error(err, "TypeError", "can only concatenate str (not \"%s\") to str",
                           value_type_name(b));
    if (op == OP_ADD && (a.kind == VALUE_LIST || a.kind == VALUE_TUPLE))
        return throw_error(err, "TypeError", "can only concatenate %s (not \"%s\") to %s",
                           value_type_name(a), value_type_name(b), value_type_name(a));
    if (op == OP_MULTIPLY && is_sequence(a))
        return throw_error(err, "TypeError", "can't multiply sequence by non-int of type '%s'",
                           value_type_name(b));
    if (op == OP_MULTIPLY && is_sequence(b))
        return throw_error(err, "TypeError", "can't multiply sequence by non-int of type '%s'",
                           value_type_name(a));
    return throw_error(err, "TypeError", "unsupported operand type(s) for %s: '%s' and '%s'",
                       binary_operator_texts[op], value_type_name(a), value_type_name(b));
}

static rc repeat(struct render *r, struct value sequence, int64_t times, struct value *ret_value,
                 struct err *err)
{
    if (times < 0)
        times = 0;
    const size_t length = sequence.kind == VALUE_STR ? sequence.length : sequence.list->count;
    const uint64_t most = sequence.kind == VALUE_STR ? REPEAT_MAX : ITEMS_MAX;
    if (length > 0 && (uint64_t)times > most / length)
        return err_set(err, RC_LIMIT, "repeating a sequence to more than %llu items",
                       (unsigned long long)most);
    TRY(spend(r, length * (uint64_t)times / 16, err));
    if (sequence.kind == VALUE_STR) {
        char *text = arena_alloc(r->arena, length * (size_t)times + 1);
        for (int64_t i = 0; i < times && length > 0; i++)
            memcpy(text + (size_t)i * length, sequence.bytes, length);
        *ret_value = value_str((struct str){text, length * (size_t)times});
        ret_value->flags = sequence.flags;
        return RC_OK;
    }
    *ret_value = value_list_new(r->arena, length * (size_t)times);
    ret_value->kind = sequence.kind;
    for (int64_t i = 0; i < times; i++)
        for (size_t k = 0; k < length; k++)
            list_push(*ret_value, sequence.list->items[k]);
    return RC_OK;
}

static rc add_sequences(struct render *r, struct value a, struct value b, struct value *ret_value,
                        struct err *err)
{
    if (a.kind == VALUE_STR) {
        if (((a.flags | b.flags) & VALUE_FLAG_MARKUP) != 0) {
            TRY(escape_value(r, a, &a, err));
            TRY(escape_value(r, b, &b, err));
        }
        TRY(spend(r, (a.length + (uint64_t)b.length) / 64, err));
        if ((uint64_t)a.length + b.length > UINT32_MAX / 2)
            return err_set(err, RC_LIMIT, "a text of more than 2 GiB");
        *ret_value = value_str(str_concat(r->arena, value_text(a), value_text(b)));
        ret_value->flags = a.flags;
        return RC_OK;
    }
    TRY(spend(r, (a.list->count + (uint64_t)b.list->count) / 4, err));
    *ret_value = value_list_new(r->arena, a.list->count + b.list->count);
    ret_value->kind = a.kind;
    for (uint32_t i = 0; i < a.list->count; i++)
        list_push(*ret_value, a.list->items[i]);
    for (uint32_t i = 0; i < b.list->count; i++)
        list_push(*ret_value, b.list->items[i]);
    return RC_OK;
}

/// set - set; the other set operators are methods.
static rc subtract_sets(struct render *r, struct value a, struct value b, struct value *ret_value,
                        struct err *err)
{
    *ret_value = value_set_new(r->arena);
    struct dict_entry *entry;
    for (size_t at = 0; dict_next(a, &at, &entry);) {
        struct value found;
        TRY(dict_get(b, entry->key, &found, err));
        if (found.kind == VALUE_MISSING)
            TRY(dict_set(*ret_value, entry->key, value_none(), err));
    }
    return RC_OK;
}

rc binary_operation(struct render *r, enum binary_operator op, struct value a, struct value b,
                    struct value *ret_value, struct err *err)
{
    if (value_is_number(a) && value_is_number(b))
        return number_binary(r->arena, op, a, b, ret_value, err);
    if (a.kind == VALUE_UNDEFINED)
        return undefined_fail(a, err);
    if (op == OP_MODULO && a.kind == VALUE_STR)
        return format_percent(r, a, b, ret_value, err);
    if (b.kind == VALUE_UNDEFINED)
        return undefined_fail(b, err);
    if (op == OP_ADD && a.kind == b.kind && is_sequence(a))
        return add_sequences(r, a, b, ret_value, err);
    if (op == OP_MULTIPLY && is_sequence(a) && value_is_integer(b))
        return repeat(r, a, b.integer, ret_value, err);
    if (op == OP_MULTIPLY && is_sequence(b) && value_is_integer(a))
        return repeat(r, b, a.integer, ret_value, err);
    if (op == OP_SUBTRACT && a.kind == VALUE_SET && b.kind == VALUE_SET)
        return subtract_sets(r, a, b, ret_value, err);
    bool is_date;
    TRY(date_binary(r->arena, op, a, b, ret_value, &is_date, err));
    return is_date ? RC_OK : unsupported(op, a, b, err);
}

// ---------------------------------------------------------------- comparison

rc value_contains(struct render *r, struct value container, struct value item, bool *ret_result,
                  struct err *err)
{
    struct value found;
    switch ((enum value_kind)container.kind) {
    case VALUE_STR:
        if (item.kind != VALUE_STR)
            return throw_error(err, "TypeError",
                               "'in <string>' requires string as left operand, not %s",
                               value_type_name(item));
        *ret_result = str_contains(value_text(container), value_text(item));
        return RC_OK;
    case VALUE_DICT:
    case VALUE_SET:
        TRY(dict_get(container, item, &found, err));
        *ret_result = found.kind != VALUE_MISSING;
        return RC_OK;
    case VALUE_RANGE: {
        const struct value_range *range = container.range;
        *ret_result = false;
        if (item.kind == VALUE_FLOAT && item.number == floor(item.number) && item.number > -1e15 &&
            item.number < 1e15)
            item = value_int((int64_t)item.number);
        if (!value_is_integer(item))
            return RC_OK;
        const bool is_inside = range->step > 0
                                   ? item.integer >= range->start && item.integer < range->stop
                                   : item.integer <= range->start && item.integer > range->stop;
        *ret_result = is_inside && (item.integer - range->start) % range->step == 0;
        return RC_OK;
    }
    default:
        break;
    }
    const struct value *items;
    size_t count;
    const rc code = value_items(r, container, &items, &count, err);
    if (code != RC_OK && throw_is(err, "TypeError"))
        return throw_error(err, "TypeError", "argument of type '%s' is not iterable",
                           value_type_name(container));
    TRY(code);
    TRY(spend(r, count / 4, err));
    *ret_result = false;
    for (size_t i = 0; i < count && !*ret_result; i++)
        *ret_result = value_equal(items[i], item);
    return RC_OK;
}

static rc refuse_strict(struct value value, struct err *err)
{
    if (value.kind == VALUE_UNDEFINED && value.undefined->kind == UNDEFINED_STRICT)
        return undefined_fail(value, err);
    return RC_OK;
}

rc compare_operation(struct render *r, enum compare_operator op, struct value a, struct value b,
                     bool *ret_result, struct err *err)
{
    static const char *const texts[] = {
        [COMPARE_LT] = "<", [COMPARE_LE] = "<=", [COMPARE_GT] = ">", [COMPARE_GE] = ">="};
    int order = 0;
    TRY(refuse_strict(a, err));
    TRY(refuse_strict(b, err));
    switch (op) {
    case COMPARE_EQ:
        *ret_result = value_equal(a, b);
        return RC_OK;
    case COMPARE_NE:
        *ret_result = !value_equal(a, b);
        return RC_OK;
    case COMPARE_IN:
        return value_contains(r, b, a, ret_result, err);
    case COMPARE_NOT_IN:
        TRY(value_contains(r, b, a, ret_result, err));
        *ret_result = !*ret_result;
        return RC_OK;
    default:
        break;
    }
    if (a.kind == VALUE_UNDEFINED)
        return undefined_fail(a, err);
    if (b.kind == VALUE_UNDEFINED)
        return undefined_fail(b, err);
    const bool is_nan = (a.kind == VALUE_FLOAT && a.number != a.number) ||
                        (b.kind == VALUE_FLOAT && b.number != b.number);
    TRY(value_compare(a, b, texts[op], &order, err));
    *ret_result = !is_nan && (op == COMPARE_LT   ? order < 0
                              : op == COMPARE_LE ? order <= 0
                              : op == COMPARE_GT ? order > 0
                                                 : order >= 0);
    return RC_OK;
}

// ---------------------------------------------------------------- items and slices

static rc index_of(struct value key, struct value owner, int64_t *ret_index, struct err *err)
{
    if (!value_is_integer(key))
        return throw_error(err, "TypeError", "%s indices must be integers or slices, not %s",
                           owner.kind == VALUE_STR ? "string" : value_type_name(owner),
                           value_type_name(key));
    *ret_index = key.integer;
    return RC_OK;
}

rc value_get_item(struct render *r, struct value value, struct value key, struct value *ret_value,
                  struct err *err)
{
    int64_t index;
    switch ((enum value_kind)value.kind) {
    case VALUE_DICT:
        return dict_get(value, key, ret_value, err);
    case VALUE_LIST:
    case VALUE_TUPLE:
        TRY(index_of(key, value, &index, err));
        if (index < 0)
            index += value.list->count;
        if (index >= 0 && index < value.list->count)
            *ret_value = value.list->items[index];
        return RC_OK;
    case VALUE_STR: {
        TRY(index_of(key, value, &index, err));
        const struct str text = value_text(value);
        const size_t count = utf8_count(text);
        if (index < 0)
            index += (int64_t)count;
        if (index < 0 || (uint64_t)index >= count)
            return RC_OK;
        *ret_value = value_str(utf8_slice(text, (size_t)index, 1));
        ret_value->flags = value.flags;
        return RC_OK;
    }
    case VALUE_RANGE: {
        TRY(index_of(key, value, &index, err));
        const int64_t count = (int64_t)value_range_length(value.range);
        if (index < 0)
            index += count;
        if (index >= 0 && index < count)
            *ret_value = value_int(value.range->start + index * value.range->step);
        return RC_OK;
    }
    case VALUE_OBJECT:
        if (value.object->class->get_item != NULL)
            return value.object->class->get_item(r, value.object, key, ret_value, err);
        break;
    default:
        break;
    }
    return throw_error(err, "TypeError", "'%s' object is not subscriptable",
                       value_type_name(value));
}

static rc slice_bound(struct value bound, int64_t fallback, int64_t *ret_bound, struct err *err)
{
    if (bound.kind == VALUE_NONE) {
        *ret_bound = fallback;
        return RC_OK;
    }
    if (!value_is_integer(bound))
        return throw_error(err, "TypeError",
                           "slice indices must be integers or None or have an __index__ method");
    *ret_bound = bound.integer;
    return RC_OK;
}

/// Python's slice.indices(count).
static rc slice_indices(struct value start, struct value stop, struct value step, int64_t count,
                        int64_t *ret_start, int64_t *ret_stop, int64_t *ret_step, struct err *err)
{
    TRY(slice_bound(step, 1, ret_step, err));
    if (*ret_step == 0)
        return throw_error(err, "ValueError", "slice step cannot be zero");
    const bool is_backward = *ret_step < 0;
    TRY(slice_bound(start, is_backward ? INT64_MAX : 0, ret_start, err));
    TRY(slice_bound(stop, is_backward ? INT64_MIN : INT64_MAX, ret_stop, err));
    const int64_t low = is_backward ? -1 : 0, high = is_backward ? count - 1 : count;
    int64_t *bounds[2] = {ret_start, ret_stop};
    for (size_t i = 0; i < 2; i++) {
        int64_t bound = *bounds[i];
        if (i == 1 && stop.kind == VALUE_NONE && is_backward)
            bound = -1;
        else if (bound < 0)
            bound = bound < -count ? low : bound + count;
        *bounds[i] = bound < low ? low : bound > high ? high : bound;
    }
    return RC_OK;
}

static rc slice_text(struct render *r, struct str text, int64_t start, int64_t stop, int64_t step,
                     struct value *ret_value)
{
    if (step == 1) {
        *ret_value =
            value_str(utf8_slice(text, (size_t)start, stop > start ? (size_t)(stop - start) : 0));
        return RC_OK;
    }
    struct buf buf;
    buf_init(&buf, UINT32_MAX / 2);
    for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step)
        buf_append_str(&buf, utf8_slice(text, (size_t)i, 1));
    *ret_value = value_str(buf_take(r->arena, &buf));
    return RC_OK;
}

rc value_slice(struct render *r, struct value value, struct value start, struct value stop,
               struct value step, struct value *ret_value, struct err *err)
{
    if (value.kind == VALUE_UNDEFINED)
        return undefined_fail(value, err);
    int64_t first, last, stride;
    if (value.kind == VALUE_STR) {
        const struct str text = value_text(value);
        TRY(slice_indices(start, stop, step, (int64_t)utf8_count(text), &first, &last, &stride,
                          err));
        TRY(spend(r, text.length / 16, err));
        TRY(slice_text(r, text, first, last, stride, ret_value));
        ret_value->flags = value.flags;
        return RC_OK;
    }
    if (value.kind != VALUE_LIST && value.kind != VALUE_TUPLE && value.kind != VALUE_RANGE)
        return throw_error(err, "TypeError", "'%s' object is not subscriptable",
                           value_type_name(value));
    const struct value *items;
    size_t count;
    TRY(value_items(r, value, &items, &count, err));
    TRY(slice_indices(start, stop, step, (int64_t)count, &first, &last, &stride, err));
    if (value.kind == VALUE_RANGE) {
        struct value_range *range = ARENA_NEW(r->arena, struct value_range);
        const struct value_range *old = value.range;
        *range = (struct value_range){old->start + first * old->step, old->start + last * old->step,
                                      old->step * stride};
        *ret_value = (struct value){.kind = VALUE_RANGE, .range = range};
        return RC_OK;
    }
    *ret_value = value_list_new(r->arena, 0);
    ret_value->kind = value.kind;
    for (int64_t i = first; stride > 0 ? i < last : i > last; i += stride)
        list_push(*ret_value, items[i]);
    return spend(r, ret_value->list->count / 4, err);
}
