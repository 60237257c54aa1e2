/// @file format.c
/// Python's three ways to format: str.format, the % operator, format(value, spec).
/// Layer: jinja. Source: CPython 3.11's format specification. Attributes in replacement fields go
/// through the sandbox's rules. Limit: widths and precisions up to 10,000.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "jinja/big_int.h"
#include "jinja/date.h"
#include "jinja/render.h"
#include "jinja/throw.h"

enum { WIDTH_MAX = 10000 };

struct spec {
    char fill[UTF8_MAX_BYTES];
    size_t fill_bytes;
    char align; // < > = ^ or 0
    char sign;  // + - blank
    bool is_alternate, has_zero;
    int width, precision; // -1 = none
    char grouping;        // , _ or 0
    char type;            // 0 = none
};

// ---------------------------------------------------------------- format(value, spec)

static bool is_align(char c)
{
    return c == '<' || c == '>' || c == '=' || c == '^';
}

static bool read_number(struct str text, size_t *at, int *ret_number)
{
    if (*at >= text.length || text.bytes[*at] < '0' || text.bytes[*at] > '9')
        return false;
    int number = 0;
    for (; *at < text.length && text.bytes[*at] >= '0' && text.bytes[*at] <= '9'; ++*at)
        if (number <= WIDTH_MAX)
            number = number * 10 + (text.bytes[*at] - '0');
    *ret_number = number;
    return true;
}

static rc parse_spec(struct str text, struct spec *s, struct err *err)
{
    *s = (struct spec){.fill = " ", .fill_bytes = 1, .sign = '-', .width = -1, .precision = -1};
    size_t at = 0;
    struct str rest = text;
    uint32_t code;
    if (utf8_next(&rest, &code) && rest.length > 0 && is_align(rest.bytes[0])) {
        s->fill_bytes = text.length - rest.length;
        memcpy(s->fill, text.bytes, s->fill_bytes);
        s->align = rest.bytes[0];
        at = s->fill_bytes + 1;
    } else if (text.length > 0 && is_align(text.bytes[0])) {
        s->align = text.bytes[at++];
    }
    if (at < text.length &&
        (text.bytes[at] == '+' || text.bytes[at] == '-' || text.bytes[at] == ' '))
        s->sign = text.bytes[at++];
    if (at < text.length && text.bytes[at] == '#')
        s->is_alternate = true, at++;
    if (at < text.length && text.bytes[at] == '0') {
        s->has_zero = true;
        at++;
        if (s->align == 0) {
            s->align = '=';
            s->fill[0] = '0';
        }
    }
    read_number(text, &at, &s->width);
    if (at < text.length && (text.bytes[at] == ',' || text.bytes[at] == '_'))
        s->grouping = text.bytes[at++];
    if (at < text.length && text.bytes[at] == '.') {
        at++;
        if (!read_number(text, &at, &s->precision))
            return throw_error(err, "ValueError", "Format specifier missing precision");
    }
    if (at < text.length)
        s->type = text.bytes[at++];
    if (at < text.length)
        return throw_error(err, "ValueError", "Invalid format specifier");
    if (s->width > WIDTH_MAX || s->precision > WIDTH_MAX)
        return err_set(err, RC_LIMIT, "a width of more than %d", WIDTH_MAX);
    return RC_OK;
}

static void pad(const struct spec *s, struct buf *to, int count)
{
    for (int i = 0; i < count; i++)
        buf_append(to, s->fill, s->fill_bytes);
}

/// prefix (sign, 0x) and body, filled up to the width.
static void put_aligned(const struct spec *s, char default_align, struct str prefix,
                        struct str body, struct buf *to)
{
    const char align = s->align != 0 ? s->align : default_align;
    const int length = (int)(utf8_count(prefix) + utf8_count(body));
    const int missing = s->width > length ? s->width - length : 0;
    const int before = align == '>' ? missing : align == '^' ? missing / 2 : 0;
    pad(s, to, before);
    buf_append_str(to, prefix);
    pad(s, to, align == '=' ? missing : 0);
    buf_append_str(to, body);
    pad(s, to, align == '=' ? 0 : missing - before);
}

/// Thousands separators into the digits before the point.
static void put_grouped(struct str digits, char grouping, unsigned step, struct buf *to)
{
    size_t whole = str_find_byte(digits, '.');
    if (whole == SIZE_MAX) {
        whole = 0;
        while (whole < digits.length &&
               ((digits.bytes[whole] >= '0' && digits.bytes[whole] <= '9') ||
                (step == 4 && digits.bytes[whole] >= 'a')))
            whole++;
    }
    for (size_t i = 0; i < digits.length; i++) {
        if (i > 0 && i < whole && (whole - i) % step == 0)
            buf_append_byte(to, grouping);
        buf_append_byte(to, digits.bytes[i]);
    }
}

static struct str sign_of(const struct spec *s, bool is_negative)
{
    return is_negative ? STR("-") : s->sign == '+' ? STR("+") : s->sign == ' ' ? STR(" ") : STR("");
}

static rc put_integer(struct render *r, const struct spec *s, struct value value, struct buf *to,
                      struct err *err)
{
    static const struct {
        char type;
        unsigned base;
        const char *prefix;
    } bases[] = {{'d', 10, ""},   {0, 10, ""},    {'n', 10, ""}, {'x', 16, "0x"},
                 {'X', 16, "0X"}, {'o', 8, "0o"}, {'b', 2, "0b"}};
    if (s->precision >= 0)
        return throw_error(err, "ValueError", "Precision not allowed in integer format specifier");
    if (s->type == 'c') {
        char text[UTF8_MAX_BYTES];
        const size_t length = utf8_encode((uint32_t)value.integer, text);
        put_aligned(s, '<', STR(""), (struct str){text, length}, to);
        return RC_OK;
    }
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        if (bases[i].type != s->type)
            continue;
        struct buf digits, grouped;
        buf_init(&digits, 1 << 20);
        buf_init(&grouped, 1 << 20);
        big_int_write(big_int_of(r->arena, value), bases[i].base, &digits);
        struct str text = buf_str(&digits);
        const bool is_negative = text.bytes[0] == '-';
        text = str_slice(text, is_negative, SIZE_MAX);
        if (s->type == 'X')
            text = str_upper(r->arena, text);
        if (s->grouping != 0) {
            put_grouped(text, s->grouping, bases[i].base == 10 ? 3 : 4, &grouped);
            text = buf_str(&grouped);
        }
        const struct str prefix =
            arena_printf(r->arena, "%.*s%s", STR_ARGS(sign_of(s, is_negative)),
                         s->is_alternate ? bases[i].prefix : "");
        put_aligned(s, '>', prefix, text, to);
        buf_done(&digits);
        buf_done(&grouped);
        return RC_OK;
    }
    return throw_error(err, "ValueError", "Unknown format code '%c' for object of type 'int'",
                       s->type);
}

static rc put_float(struct render *r, const struct spec *s, double number, const char *type_name,
                    struct buf *to, struct err *err)
{
    const bool is_negative = signbit(number) != 0 && !isnan(number);
    char type = s->type == 'n' ? 'g' : s->type;
    if (type != 0 && strchr("eEfFgG%", type) == NULL)
        return throw_error(err, "ValueError", "Unknown format code '%c' for object of type '%s'",
                           s->type, type_name);
    double size = fabs(number);
    if (type == '%')
        size *= 100;
    struct buf text, grouped;
    buf_init(&text, 1 << 20);
    buf_init(&grouped, 1 << 20);
    if (!isfinite(number)) {
        buf_append_cstr(&text, isnan(number) ? "nan" : "inf");
    } else if (type == 0 && s->precision < 0) {
        float_repr(size, &text);
    } else {
        const int precision = s->precision >= 0 ? s->precision : 6;
        switch (type) {
        case 'e':
            buf_printf(&text, "%.*e", precision, size);
            break;
        case 'E':
            buf_printf(&text, "%.*E", precision, size);
            break;
        case 'f':
        case 'F':
        case '%':
            buf_printf(&text, s->is_alternate ? "%#.*f" : "%.*f", precision, size);
            break;
        case 'G':
            buf_printf(&text, s->is_alternate ? "%#.*G" : "%.*G", precision, size);
            break;
        default:
            buf_printf(&text, s->is_alternate ? "%#.*g" : "%.*g", precision, size);
            if (type == 0 && str_find_byte(buf_str(&text), '.') == SIZE_MAX &&
                str_find_byte(buf_str(&text), 'e') == SIZE_MAX)
                buf_append_cstr(&text, ".0");
            break;
        }
    }
    if (type == '%')
        buf_append_byte(&text, '%');
    struct str body = buf_str(&text);
    if (s->grouping != 0) {
        put_grouped(body, s->grouping, 3, &grouped);
        body = buf_str(&grouped);
    }
    put_aligned(s, '>', sign_of(s, is_negative), body, to);
    buf_done(&text);
    buf_done(&grouped);
    (void)r;
    return RC_OK;
}

static rc put_text(struct render *r, const struct spec *s, struct value value, struct buf *to,
                   struct err *err)
{
    struct str text;
    if (s->type != 0 && s->type != 's')
        return throw_error(err, "ValueError", "Unknown format code '%c' for object of type '%s'",
                           s->type, value_type_name(value));
    if (s->align == '=' && !s->has_zero)
        return throw_error(err, "ValueError",
                           "'=' alignment not allowed in string format specifier");
    TRY(value_to_str(r, r->arena, value, &text, err));
    if (s->precision >= 0)
        text = utf8_slice(text, 0, (size_t)s->precision);
    struct spec plain = *s;
    if (plain.align == '=')
        plain.align = '<';
    put_aligned(&plain, '<', STR(""), text, to);
    return RC_OK;
}

rc format_spec(struct render *r, struct value value, struct str text, struct buf *to,
               struct err *err)
{
    struct spec s;
    if (text.length == 0)
        return value_print(r, value, to, err);
    if (value.kind >= VALUE_DATETIME && value.kind <= VALUE_TIME)
        return date_strftime(value, text, to, err);
    TRY(parse_spec(text, &s, err));
    const bool wants_float = s.type != 0 && strchr("eEfFgG%", s.type) != NULL;
    if ((value_is_integer(value) || value.kind == VALUE_BIG_INT) && !wants_float)
        return put_integer(r, &s, value, to, err);
    if (value_is_number(value)) {
        if (value.kind == VALUE_DECIMAL && !wants_float && s.grouping == 0)
            return put_text(r, &s, value, to, err);
        return put_float(r, &s, number_to_double(value), value_type_name(value), to, err);
    }
    if (value.kind == VALUE_STR)
        return put_text(r, &s, value, to, err);
    return throw_error(err, "TypeError", "unsupported format string passed to %s.__format__",
                       value_type_name(value));
}

// ---------------------------------------------------------------- str.format

struct braces {
    struct render *r;
    const struct arguments *arguments;
    const struct value *mapping; // format_map
    bool is_markup;
    int64_t next_index; // -1: numbered by hand
    int depth;
};

static rc format_fields(struct braces *b, struct str text, struct buf *to, struct err *err);

/// The value that a field's first name stands for.
static rc field_base(struct braces *b, struct str name, struct value *ret_value, struct err *err)
{
    int64_t index = 0;
    if (name.length == 0 || (str_to_int64(name, &index) && name.bytes[0] != '-')) {
        if (name.length == 0) {
            if (b->next_index < 0)
                return throw_error(err, "ValueError",
                                   "cannot switch from manual field specification to automatic "
                                   "field numbering");
            index = b->next_index++;
        } else {
            b->next_index = -1;
        }
        if (b->mapping != NULL)
            return throw_error(err, "ValueError", "Format string contains positional fields");
        if ((uint64_t)index >= b->arguments->count)
            return throw_error(err, "IndexError",
                               "Replacement index %lld out of range for positional args tuple",
                               (long long)index);
        *ret_value = b->arguments->items[index];
        return RC_OK;
    }
    *ret_value = value_missing();
    if (b->mapping != NULL)
        TRY(value_get_item(b->r, *b->mapping, value_str(name), ret_value, err));
    for (size_t i = 0; b->mapping == NULL && i < b->arguments->keyword_count; i++)
        if (str_equal(b->arguments->keywords[i].name, name))
            *ret_value = b->arguments->keywords[i].value;
    if (ret_value->kind == VALUE_MISSING)
        return throw_error(err, "KeyError", "'%.*s'", STR_ARGS(name));
    return RC_OK;
}

/// `name.attribute[item]`
static rc field_value(struct braces *b, struct str path, struct value *ret_value, struct err *err)
{
    size_t at = 0;
    while (at < path.length && path.bytes[at] != '.' && path.bytes[at] != '[')
        at++;
    TRY(field_base(b, str_slice(path, 0, at), ret_value, err));
    while (at < path.length) {
        const bool is_item = path.bytes[at] == '[';
        size_t end = ++at;
        while (end < path.length && (is_item ? path.bytes[end] != ']'
                                             : path.bytes[end] != '.' && path.bytes[end] != '['))
            end++;
        const struct str name = str_slice(path, at, end - at);
        at = is_item ? end + 1 : end;
        int64_t index;
        if (is_item && str_to_int64(name, &index)) {
            TRY(render_get_item(b->r, *ret_value, value_int(index), ret_value, err));
        } else if (is_item) {
            TRY(render_get_item(b->r, *ret_value, value_copy_str(b->r->arena, name), ret_value,
                                err));
        } else {
            if (b->r->env->options.is_sandboxed && name.length > 0 && name.bytes[0] == '_') {
                if (ret_value->kind == VALUE_UNDEFINED)
                    return throw_error(err, "SecurityError",
                                       "access to attribute '%.*s' of '%s' object is unsafe.",
                                       STR_ARGS(name), value_type_name(*ret_value));
                *ret_value = undefined_hint(b->r, name,
                                            "access to attribute '%.*s' of '%s' object is unsafe.",
                                            STR_ARGS(name), value_type_name(*ret_value));
                continue;
            }
            TRY(render_get_attribute(b->r, *ret_value, arena_str(b->r->arena, name), ret_value,
                                     err));
        }
    }
    return RC_OK;
}

static rc convert(struct braces *b, char conversion, struct value *value, struct err *err)
{
    struct buf buf;
    if (conversion == 0)
        return RC_OK;
    if (conversion != 'r' && conversion != 's' && conversion != 'a')
        return throw_error(err, "ValueError", "Unknown conversion specifier '%c'", conversion);
    buf_init(&buf, UINT32_MAX / 4);
    const rc code = conversion == 's' ? value_print(b->r, *value, &buf, err)
                                      : value_repr(b->r, *value, &buf, err);
    *value = value_str(buf_take(b->r->arena, &buf));
    return code;
}

static rc format_field(struct braces *b, struct str field, struct buf *to, struct err *err)
{
    size_t colon = 0, open = 0;
    while (colon < field.length && (field.bytes[colon] != ':' || open > 0)) {
        open += field.bytes[colon] == '[';
        open -= field.bytes[colon] == ']' && open > 0;
        colon++;
    }
    struct str path = str_slice(field, 0, colon), spec = str_slice(field, colon + 1, SIZE_MAX);
    char conversion = 0;
    if (path.length >= 2 && path.bytes[path.length - 2] == '!') {
        conversion = path.bytes[path.length - 1];
        path.length -= 2;
    }
    struct value value;
    struct buf inner, shown;
    TRY(field_value(b, path, &value, err));
    TRY(convert(b, conversion, &value, err));
    buf_init(&inner, 1 << 16);
    buf_init(&shown, UINT32_MAX / 4);
    rc code = b->depth < 2 ? format_fields(b, spec, &inner, err)
                           : throw_error(err, "ValueError", "Max string recursion exceeded");
    if (code == RC_OK)
        code = format_spec(b->r, value, arena_str(b->r->arena, buf_str(&inner)), &shown, err);
    if (code == RC_OK && b->is_markup && (value.flags & VALUE_FLAG_MARKUP) == 0)
        html_escape(buf_str(&shown), to);
    else if (code == RC_OK)
        buf_append_str(to, buf_str(&shown));
    buf_done(&inner);
    buf_done(&shown);
    return code;
}

static rc format_fields(struct braces *b, struct str text, struct buf *to, struct err *err)
{
    b->depth++;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        const bool is_double = i + 1 < text.length && text.bytes[i + 1] == c;
        if ((c == '{' || c == '}') && is_double) {
            buf_append_byte(to, c);
            i++;
        } else if (c == '}') {
            return throw_error(err, "ValueError", "Single '}' encountered in format string");
        } else if (c == '{') {
            size_t end = i + 1, open = 1;
            for (; end < text.length; end++) {
                open += text.bytes[end] == '{';
                open -= text.bytes[end] == '}';
                if (open == 0)
                    break;
            }
            if (end >= text.length)
                return throw_error(err, "ValueError",
                                   end == i + 1 ? "Single '{' encountered in format string"
                                                : "expected '}' before end of string");
            TRY(format_field(b, str_slice(text, i + 1, end - i - 1), to, err));
            i = end;
        } else {
            buf_append_byte(to, c);
        }
    }
    b->depth--;
    return RC_OK;
}

rc format_braces(struct render *r, struct value text, const struct arguments *arguments,
                 const struct value *mapping, struct value *ret_value, struct err *err)
{
    struct buf buf;
    struct braces b = {.r = r,
                       .arguments = arguments,
                       .mapping = mapping,
                       .is_markup = (text.flags & VALUE_FLAG_MARKUP) != 0};
    buf_init(&buf, UINT32_MAX / 4);
    rc code = format_fields(&b, value_text(text), &buf, err);
    if (code == RC_OK)
        code = buf_check(&buf, err, "the result of format()");
    *ret_value = value_str(buf_take(r->arena, &buf));
    ret_value->flags = text.flags;
    return code;
}

// ---------------------------------------------------------------- %

struct percent {
    struct render *r;
    struct value argument;
    size_t next;
    bool is_mapping, is_markup;
};

static rc next_argument(struct percent *p, struct value *ret_value, struct err *err)
{
    if (p->argument.kind == VALUE_TUPLE) {
        if (p->next >= p->argument.list->count)
            return throw_error(err, "TypeError", "not enough arguments for format string");
        *ret_value = p->argument.list->items[p->next++];
        return RC_OK;
    }
    if (p->next++ > 0)
        return throw_error(err, "TypeError", "not enough arguments for format string");
    *ret_value = p->argument;
    return RC_OK;
}

/// The argument of `%(name)s`, or the next one.
static rc percent_argument(struct percent *p, struct str text, size_t *at, struct value *ret_value,
                           bool *ret_has_value, struct err *err)
{
    *ret_has_value = *at < text.length && text.bytes[*at] == '(';
    if (!*ret_has_value)
        return RC_OK;
    size_t end = *at;
    while (end < text.length && text.bytes[end] != ')')
        end++;
    if (end >= text.length)
        return throw_error(err, "ValueError", "incomplete format key");
    const struct str name = str_slice(text, *at + 1, end - *at - 1);
    if (p->argument.kind != VALUE_DICT)
        return throw_error(err, "TypeError", "format requires a mapping");
    *ret_value = dict_get_str(p->argument, name);
    if (ret_value->kind == VALUE_MISSING)
        return throw_error(err, "KeyError", "'%.*s'", STR_ARGS(name));
    p->is_mapping = true;
    *at = end + 1;
    return RC_OK;
}

static rc percent_number(struct percent *p, struct str text, size_t *at, int *number,
                         struct err *err)
{
    if (*at < text.length && text.bytes[*at] == '*') {
        struct value value;
        ++*at;
        TRY(next_argument(p, &value, err));
        if (!value_is_integer(value))
            return throw_error(err, "TypeError", "* wants int");
        *number = value.integer > WIDTH_MAX ? WIDTH_MAX + 1 : (int)value.integer;
    } else {
        read_number(text, at, number);
    }
    return *number > WIDTH_MAX ? err_set(err, RC_LIMIT, "a width of more than %d", WIDTH_MAX)
                               : RC_OK;
}

static rc percent_integer(struct percent *p, struct spec *s, struct value value, struct buf *to,
                          struct err *err)
{
    const char type = s->type;
    if (!value_is_number(value) ||
        (type != 'd' && (value.kind == VALUE_FLOAT || value.kind == VALUE_DECIMAL)))
        return throw_error(err, "TypeError", "%%%c format: %s is required, not %s", type,
                           type == 'd' ? "a real number" : "an integer", value_type_name(value));
    TRY(number_truncate(p->r->arena, value, &value, err));
    s->precision = -1;
    return put_integer(p->r, s, value, to, err);
}

static rc percent_value(struct percent *p, struct spec *s, struct value value, struct buf *to,
                        struct err *err)
{
    struct str text;
    if (value.kind == VALUE_UNDEFINED && strchr("sra", s->type) == NULL)
        return undefined_fail(value, err);
    switch (s->type) {
    case 's':
    case 'r':
    case 'a': {
        struct buf buf;
        buf_init(&buf, UINT32_MAX / 4);
        const rc code = s->type == 's' ? value_print(p->r, value, &buf, err)
                                       : value_repr(p->r, value, &buf, err);
        text = buf_take(p->r->arena, &buf);
        TRY(code);
        if (p->is_markup && (value.flags & VALUE_FLAG_MARKUP) == 0) {
            buf_init(&buf, UINT32_MAX / 4);
            html_escape(text, &buf);
            text = buf_take(p->r->arena, &buf);
        }
        if (s->precision >= 0)
            text = utf8_slice(text, 0, (size_t)s->precision);
        put_aligned(s, '>', STR(""), text, to);
        return RC_OK;
    }
    case 'd':
    case 'i':
    case 'u':
        s->type = 'd';
        return percent_integer(p, s, value, to, err);
    case 'x':
    case 'X':
    case 'o':
        return percent_integer(p, s, value, to, err);
    case 'c':
        if (value.kind == VALUE_STR) {
            put_aligned(s, '>', STR(""), value_text(value), to);
            return RC_OK;
        }
        return percent_integer(p, s, value, to, err);
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
        if (!value_is_number(value))
            return throw_error(err, "TypeError", "must be real number, not %s",
                               value_type_name(value));
        return put_float(p->r, s, number_to_double(value), "float", to, err);
    default:
        return throw_error(err, "ValueError", "unsupported format character '%c' (0x%x)", s->type,
                           (unsigned char)s->type);
    }
}

static rc percent_field(struct percent *p, struct str text, size_t *at, struct buf *to,
                        struct err *err)
{
    struct spec s = {.fill = " ", .fill_bytes = 1, .sign = '-', .width = -1, .precision = -1};
    struct value value = value_missing();
    bool has_value;
    TRY(percent_argument(p, text, at, &value, &has_value, err));
    for (; *at < text.length && strchr("-+ #0", text.bytes[*at]) != NULL; ++*at) {
        const char flag = text.bytes[*at];
        if (flag == '-')
            s.align = '<';
        else if (flag == '#')
            s.is_alternate = true;
        else if (flag == '0')
            s.has_zero = true;
        else if (flag == '+' || s.sign != '+')
            s.sign = flag;
    }
    TRY(percent_number(p, text, at, &s.width, err));
    if (*at < text.length && text.bytes[*at] == '.') {
        ++*at;
        s.precision = 0;
        TRY(percent_number(p, text, at, &s.precision, err));
    }
    while (*at < text.length && strchr("hlL", text.bytes[*at]) != NULL)
        ++*at;
    if (*at >= text.length)
        return throw_error(err, "ValueError", "incomplete format");
    s.type = text.bytes[(*at)++];
    if (s.type == '%') {
        buf_append_byte(to, '%');
        return RC_OK;
    }
    if (s.has_zero && s.align == 0 && strchr("srac", s.type) == NULL) {
        s.align = '=';
        s.fill[0] = '0';
    }
    if (!has_value)
        TRY(next_argument(p, &value, err));
    return percent_value(p, &s, value, to, err);
}

rc format_percent(struct render *r, struct value text, struct value argument,
                  struct value *ret_value, struct err *err)
{
    struct percent p = {
        .r = r, .argument = argument, .is_markup = (text.flags & VALUE_FLAG_MARKUP) != 0};
    const struct str source = value_text(text);
    struct buf buf;
    rc code = RC_OK;
    buf_init(&buf, UINT32_MAX / 4);
    for (size_t at = 0; at < source.length && code == RC_OK;) {
        if (source.bytes[at] != '%') {
            buf_append_byte(&buf, source.bytes[at++]);
            continue;
        }
        at++;
        code = percent_field(&p, source, &at, &buf, err);
    }
    const size_t given = argument.kind == VALUE_TUPLE ? argument.list->count : 1;
    // what has items counts as a mapping, which may have more than is asked for
    const bool has_items =
        argument.kind == VALUE_DICT || argument.kind == VALUE_LIST ||
        argument.kind == VALUE_RANGE || argument.kind == VALUE_UNDEFINED ||
        (argument.kind == VALUE_OBJECT && argument.object->class->get_item != NULL);
    if (code == RC_OK && !p.is_mapping && !has_items && p.next < given)
        code =
            throw_error(err, "TypeError", "not all arguments converted during string formatting");
    if (code == RC_OK)
        code = buf_check(&buf, err, "a formatted text");
    *ret_value = value_str(buf_take(r->arena, &buf));
    ret_value->flags = text.flags;
    return code;
}
