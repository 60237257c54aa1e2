/// @file value_text.c
/// str() and repr() of values; JSON. Layer: jinja. Source: CPython 3.11.
/// Limits: nesting of 100 levels in repr and JSON (deeper is an error; Python prints "...").

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "jinja/big_int.h"
#include "jinja/date.h"
#include "jinja/render.h"
#include "jinja/throw.h"

enum { PRINT_DEPTH_MAX = 100 };

static rc repr_at(struct render *render, struct value value, struct buf *to, int depth,
                  struct err *err);

void float_repr(double number, struct buf *to)
{
    char text[40];
    if (isnan(number)) {
        buf_append_cstr(to, "nan");
        return;
    }
    if (isinf(number)) {
        buf_append_cstr(to, number < 0 ? "-inf" : "inf");
        return;
    }
    int digits = 15;
    do {
        snprintf(text, sizeof text, "%.*e", digits - 1, number);
    } while (digits++ < 17 && strtod(text, NULL) != number);
    digits--;
    // text is [-]d.ddde[+-]xx; Python writes an exponent below 1e-4 and from 1e16 on
    char *e = strchr(text, 'e');
    const int exponent = (int)strtol(e + 1, NULL, 10);
    if (exponent < -4 || exponent >= 16) {
        char *last = e;
        while (last[-1] == '0')
            last--;
        if (last[-1] == '.')
            last--;
        buf_append(to, text, (size_t)(last - text));
        buf_printf(to, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        return;
    }
    const int decimals = digits - 1 - exponent;
    snprintf(text, sizeof text, "%.*f", decimals > 0 ? decimals : 0, number);
    size_t length = strlen(text);
    if (strchr(text, '.') != NULL) {
        while (text[length - 1] == '0')
            length--;
        if (text[length - 1] == '.')
            length--;
    }
    buf_append(to, text, length);
    if (memchr(text, '.', length) == NULL)
        buf_append_cstr(to, ".0");
}

static void decimal_print(const struct decimal_value *decimal, struct buf *to)
{
    char digits[48];
    size_t at = sizeof digits;
    const bool is_negative = decimal->unscaled < 0;
    unsigned __int128 size = is_negative
                                 ? (unsigned __int128)0 - (unsigned __int128)decimal->unscaled
                                 : (unsigned __int128)decimal->unscaled;
    do {
        digits[--at] = (char)('0' + (int)(size % 10));
        size /= 10;
    } while (size != 0);
    const int32_t count = (int32_t)(sizeof digits - at);
    if (is_negative)
        buf_append_byte(to, '-');
    const int32_t point = count - decimal->scale; // digits before the point
    if (decimal->scale < 0 || point < -5) {
        buf_append(to, digits + at, 1);
        if (count > 1) {
            buf_append_byte(to, '.');
            buf_append(to, digits + at + 1, (size_t)count - 1);
        }
        buf_printf(to, "E%+d", point - 1);
        return;
    }
    if (decimal->scale == 0) {
        buf_append(to, digits + at, (size_t)count);
        return;
    }
    if (point <= 0)
        buf_append_cstr(to, "0.");
    else
        buf_append(to, digits + at, (size_t)point);
    if (point > 0)
        buf_append_byte(to, '.');
    for (int32_t i = point; i < 0; i++)
        buf_append_byte(to, '0');
    buf_append(to, digits + at + (point > 0 ? point : 0),
               (size_t)(count - (point > 0 ? point : 0)));
}

// ---------------------------------------------------------------- repr

static void repr_text(struct str text, struct buf *to)
{
    const bool has_single = str_find_byte(text, '\'') != SIZE_MAX;
    const char quote = has_single && str_find_byte(text, '"') == SIZE_MAX ? '"' : '\'';
    buf_append_byte(to, quote);
    struct str rest = text;
    uint32_t code;
    while (utf8_next(&rest, &code)) {
        if (code == (uint32_t)quote || code == '\\')
            buf_printf(to, "\\%c", (char)code);
        else if (code == '\n')
            buf_append_cstr(to, "\\n");
        else if (code == '\r')
            buf_append_cstr(to, "\\r");
        else if (code == '\t')
            buf_append_cstr(to, "\\t");
        else if (code >= 0x20 && (code < 0x7f || utf8_is_printable(code)))
            utf8_append(to, code);
        else if (code < 0x100)
            buf_printf(to, "\\x%02x", code);
        else
            buf_printf(to, code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
    }
    buf_append_byte(to, quote);
}

static void repr_bytes(struct str bytes, struct buf *to)
{
    buf_append_cstr(to, "b'");
    for (size_t i = 0; i < bytes.length; i++) {
        const unsigned char c = (unsigned char)bytes.bytes[i];
        if (c == '\'' || c == '\\')
            buf_printf(to, "\\%c", c);
        else if (c == '\n' || c == '\r' || c == '\t')
            buf_printf(to, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else if (c < 0x20 || c >= 0x7f)
            buf_printf(to, "\\x%02x", c);
        else
            buf_append_byte(to, (char)c);
    }
    buf_append_byte(to, '\'');
}

static rc repr_list(struct render *render, struct value value, struct buf *to, int depth,
                    struct err *err)
{
    const bool is_tuple = value.kind == VALUE_TUPLE;
    buf_append_byte(to, is_tuple ? '(' : '[');
    for (uint32_t i = 0; i < value.list->count; i++) {
        if (i > 0)
            buf_append_cstr(to, ", ");
        TRY(repr_at(render, value.list->items[i], to, depth + 1, err));
    }
    if (is_tuple && value.list->count == 1)
        buf_append_byte(to, ',');
    buf_append_byte(to, is_tuple ? ')' : ']');
    return RC_OK;
}

static rc repr_dict(struct render *render, struct value value, struct buf *to, int depth,
                    struct err *err)
{
    const bool is_set = value.kind == VALUE_SET;
    if (is_set && dict_count(value) == 0) {
        buf_append_cstr(to, "set()");
        return RC_OK;
    }
    buf_append_byte(to, '{');
    struct dict_entry *entry;
    bool is_first = true;
    for (size_t at = 0; dict_next(value, &at, &entry); is_first = false) {
        if (!is_first)
            buf_append_cstr(to, ", ");
        TRY(repr_at(render, entry->key, to, depth + 1, err));
        if (is_set)
            continue;
        buf_append_cstr(to, ": ");
        TRY(repr_at(render, entry->value, to, depth + 1, err));
    }
    buf_append_byte(to, '}');
    return RC_OK;
}

static rc repr_object(struct render *render, struct object *object, struct buf *to, struct err *err)
{
    const struct object_class *class = object->class;
    if (class->repr != NULL)
        return class->repr(render, object, to, err);
    if (class->print != NULL)
        return class->print(render, object, to, err);
    buf_printf(to, "<%s object at 0x%012llx>", class->name, (unsigned long long)(uintptr_t)object);
    return RC_OK;
}

static rc repr_at(struct render *render, struct value value, struct buf *to, int depth,
                  struct err *err)
{
    if (depth > PRINT_DEPTH_MAX)
        return err_set(err, RC_LIMIT, "printing a value nested over %d deep", PRINT_DEPTH_MAX);
    if (to->is_over_limit)
        return err_set(err, RC_LIMIT, "printing a value of more than %zu bytes", to->max_bytes);
    switch ((enum value_kind)value.kind) {
    case VALUE_MISSING:
        buf_append_cstr(to, "missing");
        break;
    case VALUE_UNDEFINED:
        if (value.undefined->kind == UNDEFINED_STRICT)
            return undefined_fail(value, err);
        buf_append_cstr(to, "Undefined");
        break;
    case VALUE_NONE:
        buf_append_cstr(to, "None");
        break;
    case VALUE_BOOL:
        buf_append_cstr(to, value.integer != 0 ? "True" : "False");
        break;
    case VALUE_INT:
        buf_printf(to, "%lld", (long long)value.integer);
        break;
    case VALUE_BIG_INT:
        big_int_write(value.big, 10, to);
        break;
    case VALUE_FLOAT:
        float_repr(value.number, to);
        break;
    case VALUE_DECIMAL:
        buf_append_cstr(to, "Decimal('");
        decimal_print(value.decimal, to);
        buf_append_cstr(to, "')");
        break;
    case VALUE_STR:
        if ((value.flags & VALUE_FLAG_MARKUP) != 0)
            buf_append_cstr(to, "Markup(");
        repr_text(value_text(value), to);
        if ((value.flags & VALUE_FLAG_MARKUP) != 0)
            buf_append_byte(to, ')');
        break;
    case VALUE_BYTES:
        repr_bytes(value_text(value), to);
        break;
    case VALUE_LIST:
    case VALUE_TUPLE:
        return repr_list(render, value, to, depth, err);
    case VALUE_DICT:
    case VALUE_SET:
        return repr_dict(render, value, to, depth, err);
    case VALUE_RANGE:
        buf_printf(to, "range(%lld, %lld", (long long)value.range->start,
                   (long long)value.range->stop);
        if (value.range->step != 1)
            buf_printf(to, ", %lld", (long long)value.range->step);
        buf_append_byte(to, ')');
        break;
    case VALUE_DATETIME:
    case VALUE_DATE:
    case VALUE_TIME:
    case VALUE_TIMEDELTA:
        date_repr(value, to);
        break;
    case VALUE_OBJECT:
        return repr_object(render, value.object, to, err);
    }
    return RC_OK;
}

rc value_repr(struct render *render, struct value value, struct buf *to, struct err *err)
{
    return repr_at(render, value, to, 0, err);
}

rc value_print(struct render *render, struct value value, struct buf *to, struct err *err)
{
    switch ((enum value_kind)value.kind) {
    case VALUE_STR:
        buf_append_str(to, value_text(value));
        return RC_OK;
    case VALUE_INT:
        if (value.integer >= 0 && value.integer < 10) {
            buf_append_byte(to, (char)('0' + value.integer));
            return RC_OK;
        }
        break;
    case VALUE_DECIMAL:
        decimal_print(value.decimal, to);
        return RC_OK;
    case VALUE_DATETIME:
    case VALUE_DATE:
    case VALUE_TIME:
    case VALUE_TIMEDELTA:
        date_print(value, to);
        return RC_OK;
    case VALUE_UNDEFINED: {
        if (value.undefined->kind == UNDEFINED_STRICT)
            return undefined_fail(value, err);
        if (value.undefined->kind == UNDEFINED_DEBUG) {
            if (value.undefined->hint.length > 0)
                buf_printf(to, "{{ undefined value printed: %.*s }}",
                           STR_ARGS(value.undefined->hint));
            else
                buf_printf(to, "{{ %.*s }}", STR_ARGS(value.undefined->name));
        }
        return RC_OK;
    }
    case VALUE_OBJECT:
        if (value.object->class->print != NULL)
            return value.object->class->print(render, value.object, to, err);
        break;
    default:
        break;
    }
    return repr_at(render, value, to, 0, err);
}

rc value_to_str(struct render *render, struct arena *arena, struct value value,
                struct str *ret_text, struct err *err)
{
    if (value.kind == VALUE_STR) {
        *ret_text = value_text(value);
        return RC_OK;
    }
    struct buf buf;
    buf_init(&buf, (size_t)256 << 20);
    rc code = value_print(render, value, &buf, err);
    if (code == RC_OK)
        code = buf_check(&buf, err, "the text of a value");
    if (code == RC_OK)
        *ret_text = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return code;
}

// ---------------------------------------------------------------- JSON

struct value value_of_json(struct arena *arena, const struct json *json)
{
    switch (json->kind) {
    case JSON_NULL:
        return value_none();
    case JSON_BOOL:
        return value_bool(json->boolean);
    case JSON_STRING:
        return value_str(json->text);
    case JSON_NUMBER: {
        double number = 0;
        if (str_find_byte(json->text, '.') == SIZE_MAX &&
            str_find_byte(json->text, 'e') == SIZE_MAX &&
            str_find_byte(json->text, 'E') == SIZE_MAX)
            return value_int_of_digits(arena, json->text);
        return number_parse_float(json->text, &number) ? value_float(number)
                                                       : value_float(HUGE_VAL);
    }
    case JSON_ARRAY: {
        const struct value list = value_list_new(arena, json->count);
        for (size_t i = 0; i < json->count; i++)
            list_push(list, value_of_json(arena, &json->items[i]));
        return list;
    }
    default: {
        const struct value dict = value_dict_new(arena);
        for (size_t i = 0; i < json->count; i++)
            dict_set_str(dict, json->members[i].key, value_of_json(arena, &json->members[i].value));
        return dict;
    }
    }
}

static rc json_at(struct render *render, struct arena *arena, struct value value, bool is_lenient,
                  struct json *ret_json, int depth, struct err *err);

static rc json_key_text(struct render *render, struct arena *arena, struct value key,
                        bool is_lenient, struct str *ret_text, struct err *err)
{
    if (key.kind == VALUE_NONE)
        *ret_text = STR("null");
    else if (key.kind == VALUE_BOOL)
        *ret_text = key.integer != 0 ? STR("true") : STR("false");
    else if (is_lenient || key.kind == VALUE_STR || value_is_number(key))
        return value_to_str(render, arena, key, ret_text, err);
    else
        return throw_error(err, "TypeError", "keys must be str, int, float, bool or None, not %s",
                           value_type_name(key));
    return RC_OK;
}

static rc json_items(struct render *render, struct arena *arena, const struct value *items,
                     size_t count, bool is_lenient, struct json *ret_json, int depth,
                     struct err *err)
{
    ret_json->kind = JSON_ARRAY;
    ret_json->count = count;
    ret_json->items = ARENA_ARRAY(arena, struct json, count);
    for (size_t i = 0; i < count; i++)
        TRY(json_at(render, arena, items[i], is_lenient, &ret_json->items[i], depth + 1, err));
    return RC_OK;
}

static rc json_dict(struct render *render, struct arena *arena, struct value value, bool is_lenient,
                    struct json *ret_json, int depth, struct err *err)
{
    ret_json->kind = JSON_OBJECT;
    ret_json->members = ARENA_ARRAY(arena, struct json_member, dict_count(value));
    struct dict_entry *entry;
    for (size_t at = 0; dict_next(value, &at, &entry);) {
        struct json_member *member = &ret_json->members[ret_json->count++];
        TRY(json_key_text(render, arena, entry->key, is_lenient, &member->key, err));
        TRY(json_at(render, arena, entry->value, is_lenient, &member->value, depth + 1, err));
    }
    return RC_OK;
}

static rc json_at(struct render *render, struct arena *arena, struct value value, bool is_lenient,
                  struct json *ret_json, int depth, struct err *err)
{
    struct str text;
    if (depth > PRINT_DEPTH_MAX)
        return err_set(err, RC_LIMIT, "JSON of a value nested over %d deep", PRINT_DEPTH_MAX);
    *ret_json = (struct json){.kind = JSON_NULL};
    switch ((enum value_kind)value.kind) {
    case VALUE_NONE:
        return RC_OK;
    case VALUE_BOOL:
        *ret_json = json_of_bool(value.integer != 0);
        return RC_OK;
    case VALUE_INT:
    case VALUE_BIG_INT:
    case VALUE_FLOAT:
        TRY(value_to_str(render, arena, value, &text, err));
        if (value.kind == VALUE_FLOAT && !isfinite(value.number))
            text = isnan(value.number) ? STR("NaN")
                   : value.number < 0  ? STR("-Infinity")
                                       : STR("Infinity");
        *ret_json = (struct json){.kind = JSON_NUMBER, .text = text};
        return RC_OK;
    case VALUE_STR:
        *ret_json = json_of_str(value_text(value));
        return RC_OK;
    case VALUE_LIST:
    case VALUE_TUPLE:
        return json_items(render, arena, value.list->items, value.list->count, is_lenient, ret_json,
                          depth, err);
    case VALUE_DICT:
        return json_dict(render, arena, value, is_lenient, ret_json, depth, err);
    default:
        break;
    }
    const struct value *items;
    size_t count;
    if (is_lenient && (value.kind == VALUE_SET || value.kind == VALUE_RANGE)) {
        TRY(value_items(render, value, &items, &count, err));
        return json_items(render, arena, items, count, is_lenient, ret_json, depth, err);
    }
    if (!is_lenient)
        return throw_error(err, "TypeError", "Object of type %s is not JSON serializable",
                           strrchr(value_type_name(value), '.') != NULL
                               ? strrchr(value_type_name(value), '.') + 1
                               : value_type_name(value));
    TRY(value_to_str(render, arena, value, &text, err));
    *ret_json = json_of_str(text);
    return RC_OK;
}

rc value_to_json(struct render *render, struct arena *arena, struct value value, bool is_lenient,
                 struct json *ret_json, struct err *err)
{
    return json_at(render, arena, value, is_lenient, ret_json, 0, err);
}

static struct value copy_at(struct arena *arena, struct value value, int depth)
{
    if (value.kind == VALUE_STR || value.kind == VALUE_BYTES) {
        struct value copy = value_copy_str(arena, value_text(value));
        copy.kind = value.kind;
        copy.flags = value.flags;
        return copy;
    }
    if (depth > PRINT_DEPTH_MAX)
        return value_none();
    if (value.kind == VALUE_LIST || value.kind == VALUE_TUPLE) {
        struct value copy = value_list_new(arena, value.list->count);
        copy.kind = value.kind;
        for (uint32_t i = 0; i < value.list->count; i++)
            list_push(copy, copy_at(arena, value.list->items[i], depth + 1));
        return copy;
    }
    if (value.kind == VALUE_DICT || value.kind == VALUE_SET) {
        struct value copy = value_dict_new(arena);
        copy.kind = value.kind;
        struct dict_entry *entry;
        for (size_t at = 0; dict_next(value, &at, &entry);)
            if (dict_set(copy, copy_at(arena, entry->key, depth + 1),
                         copy_at(arena, entry->value, depth + 1), NULL) != RC_OK)
                break; // cannot be: the key was in a dict
        return copy;
    }
    if (value.kind == VALUE_BIG_INT)
        value.big = arena_copy(arena, value.big,
                               sizeof *value.big + value.big->count * sizeof value.big->limbs[0]);
    else if (value.kind == VALUE_DECIMAL)
        value.decimal = arena_copy(arena, value.decimal, sizeof *value.decimal);
    else if (value.kind >= VALUE_DATETIME && value.kind <= VALUE_TIME)
        value.date = arena_copy(arena, value.date, sizeof *value.date);
    else if (value.kind == VALUE_TIMEDELTA)
        value.delta = arena_copy(arena, value.delta, sizeof *value.delta);
    else if (value.kind == VALUE_RANGE)
        value.range = arena_copy(arena, value.range, sizeof *value.range);
    return value;
}

struct value value_copy(struct arena *arena, struct value value)
{
    return copy_at(arena, value, 0);
}
