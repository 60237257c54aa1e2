/// @file filters_other.c
/// Filters over numbers and any value, urlize, and dbt's marks. Layer: jinja.
/// Source: Jinja2 3.1.6; dbt's as_* filters by their recorded behaviour.

#include <math.h>

#include "base/regex.h"
#include "base/utf8.h"
#include "jinja/filters.h"
#include "jinja/throw.h"

FILTER(filter_abs)
{
    BIND(v, "abs", 1, "x");
    if (!value_is_number(v[0]))
        return throw_error(err, "TypeError", "bad operand type for abs(): '%s'",
                           value_type_name(v[0]));
    *ret_value = v[0].kind == VALUE_BOOL ? value_int(v[0].integer) : v[0];
    if (v[0].kind == VALUE_FLOAT)
        *ret_value = value_float(fabs(v[0].number));
    else if (number_compare(v[0], value_int(0)) < 0)
        return number_negate(r->arena, v[0], ret_value, err);
    return RC_OK;
}

FILTER(filter_attr)
{
    BIND(v, "do_attr", 2, "obj", "name");
    struct str name;
    struct value text;
    TRY(soft_str(r, v[1], &text, err));
    name = value_text(text);
    *ret_value = value_missing();
    const bool is_private = r->env->options.is_sandboxed && name.length > 0 && name.bytes[0] == '_';
    if (v[0].kind == VALUE_UNDEFINED && !is_private)
        return render_get_attribute(r, v[0], name, ret_value, err);
    const uint16_t method = method_number(name);
    if (is_private) {
        // stays undefined
    } else if (v[0].kind == VALUE_OBJECT) {
        if (v[0].object->class->get_attribute != NULL)
            TRY(v[0].object->class->get_attribute(r, v[0].object, name, ret_value, err));
    } else if (method != 0 && has_method(v[0], method)) {
        *ret_value = bound_method(r, v[0], method);
    }
    if (ret_value->kind == VALUE_MISSING && !is_private)
        *ret_value = builtin_attribute(r, v[0], name);
    if (ret_value->kind == VALUE_MISSING)
        *ret_value = undefined_attribute(r, v[0], name);
    return RC_OK;
}

FILTER(filter_default)
{
    BIND(v, "do_default", 1, "value", "default_value", "boolean");
    (void)r;
    const bool is_gone =
        v[0].kind == VALUE_UNDEFINED || (value_flag(v[2], false) && !value_is_true(v[0]));
    *ret_value = !is_gone ? v[0] : v[1].kind == VALUE_MISSING ? VALUE_STR_LITERAL("") : v[1];
    return RC_OK;
}

FILTER(filter_float)
{
    BIND(v, "do_float", 1, "value", "default");
    double number;
    (void)r;
    *ret_value = v[1].kind == VALUE_MISSING ? value_float(0.0) : v[1];
    if (value_is_number(v[0]))
        *ret_value = value_float(number_to_double(v[0]));
    else if (v[0].kind == VALUE_STR && number_parse_float(value_text(v[0]), &number))
        *ret_value = value_float(number);
    else if (v[0].kind == VALUE_UNDEFINED)
        return undefined_fail(v[0], err);
    return RC_OK;
}

FILTER(filter_int)
{
    BIND(v, "do_int", 1, "value", "default", "base");
    int64_t base;
    double number;
    TRY(int_argument(v[2], 10, &base, err));
    *ret_value = v[1].kind == VALUE_MISSING ? value_int(0) : v[1];
    if (v[0].kind == VALUE_UNDEFINED)
        return undefined_fail(v[0], err);
    if (value_is_number(v[0])) {
        struct err ignored;
        struct value truncated;
        if (number_truncate(r->arena, v[0], &truncated, &ignored) == RC_OK)
            *ret_value = truncated;
        return RC_OK;
    }
    if (v[0].kind != VALUE_STR || base < 0 || base > 36 || base == 1)
        return RC_OK;
    struct value read;
    if (number_parse_int(r->arena, value_text(v[0]), (unsigned)base, &read)) {
        *ret_value = read;
    } else if (number_parse_float(value_text(v[0]), &number) && isfinite(number)) {
        return number_truncate(r->arena, value_float(number), ret_value, err);
    }
    return RC_OK;
}

FILTER(filter_round)
{
    BIND(v, "do_round", 1, "value", "precision", "method");
    int64_t precision;
    TRY(int_argument(v[1], 0, &precision, err));
    const struct str method = v[2].kind == VALUE_STR ? value_text(v[2]) : STR("common");
    const bool is_common = str_is(method, "common"), is_ceil = str_is(method, "ceil");
    if (!is_common && !is_ceil && !str_is(method, "floor"))
        return throw_error(err, "FilterArgumentError", "method must be common, ceil or floor");
    if (v[0].kind == VALUE_UNDEFINED && !is_common)
        return undefined_fail(v[0], err);
    if (!value_is_number(v[0]))
        return throw_error(err, "TypeError", "type %s doesn't define __round__ method",
                           value_type_name(v[0]));
    if (precision > 400 || precision < -400)
        precision = precision > 0 ? 400 : -400;
    const bool is_integer = value_is_integer(v[0]);
    if (is_common && v[0].kind == VALUE_BIG_INT && precision >= 0) {
        *ret_value = v[0];
        return RC_OK;
    }
    if (is_common && is_integer) {
        *ret_value = value_int(v[0].integer);
        if (precision < 0)
            *ret_value = value_int((int64_t)number_round((double)v[0].integer, (int)precision));
        return RC_OK;
    }
    const double number = number_to_double(v[0]);
    if (is_common) {
        *ret_value = value_float(number_round(number, (int)precision));
        return RC_OK;
    }
    const double scale = pow(10, (double)precision);
    // + 0.0: Python's floor() and ceil() give integers, which have no negative zero
    *ret_value =
        value_float(((is_ceil ? ceil(number * scale) : floor(number * scale)) + 0.0) / scale);
    (void)r;
    return RC_OK;
}

FILTER(filter_filesizeformat)
{
    BIND(v, "do_filesizeformat", 1, "value", "binary");
    static const char *const decimal[] = {"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    static const char *const binary[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"};
    double bytes = 0;
    if (v[0].kind == VALUE_UNDEFINED)
        return undefined_fail(v[0], err);
    if (value_is_number(v[0]))
        bytes = number_to_double(v[0]);
    else if (v[0].kind != VALUE_STR || !number_parse_float(value_text(v[0]), &bytes))
        return v[0].kind == VALUE_STR
                   ? throw_error(err, "ValueError", "could not convert string to float: '%.*s'",
                                 STR_ARGS(value_text(v[0])))
                   : throw_error(err, "TypeError",
                                 "float() argument must be a string or a real number, not '%s'",
                                 value_type_name(v[0]));
    const bool is_binary = value_flag(v[1], false);
    const double base = is_binary ? 1024 : 1000;
    if (bytes == 1) {
        *ret_value = VALUE_STR_LITERAL("1 Byte");
        return RC_OK;
    }
    if (bytes < base) {
        *ret_value = value_str(arena_printf(r->arena, "%lld Bytes", (long long)bytes));
        return RC_OK;
    }
    double unit = base;
    size_t i = 0;
    while (i < 7 && bytes >= unit * base) {
        unit *= base;
        i++;
    }
    *ret_value = value_str(
        arena_printf(r->arena, "%.1f %s", bytes / unit, is_binary ? binary[i] : decimal[i]));
    return RC_OK;
}

// ---------------------------------------------------------------- urlize

static const char url_pattern[] =
    "^((https?://|www\\.)(([\\w%-]+\\.)+)?([a-z]{2,63}|xn--[\\w%]{2,59})|"
    "([\\w%-]{2,63}\\.)+(com|net|int|edu|gov|org|info|mil)|"
    "(https?://)((([\\d]{1,3})(\\.[\\d]{1,3}){3})|"
    "(\\[([\\da-f]{0,4}:){2}([\\da-f]{0,4}:?){1,6}\\])))(?::[\\d]{1,5})?(?:[/?#]\\S*)?$";

struct urlizer {
    struct render *r;
    const struct regex *url, *mail;
    struct str rel, target;
    int64_t limit; // of the text shown; -1 = none
    struct value schemes;
};

static bool matches(const struct regex *regex, struct str text)
{
    bool is_match = false;
    struct err ignored;
    return regex_match(regex, text, 0, &is_match, NULL, &ignored) == RC_OK && is_match;
}

static void put_link(const struct urlizer *u, const char *prefix, struct str url, struct str shown,
                     bool has_attributes, struct buf *to)
{
    buf_printf(to, "<a href=\"%s%.*s\"", prefix, STR_ARGS(url));
    if (has_attributes && u->rel.length > 0)
        buf_printf(to, " rel=\"%.*s\"", STR_ARGS(u->rel));
    if (has_attributes && u->target.length > 0)
        buf_printf(to, " target=\"%.*s\"", STR_ARGS(u->target));
    buf_append_byte(to, '>');
    const bool is_cut = has_attributes && u->limit >= 0 && (int64_t)utf8_count(shown) > u->limit;
    buf_append_str(to, is_cut ? utf8_slice(shown, 0, (size_t)u->limit) : shown);
    buf_append_cstr(to, is_cut ? "...</a>" : "</a>");
}

static void put_linked(const struct urlizer *u, struct str word, struct buf *to)
{
    if (matches(u->url, word)) {
        const bool has_scheme =
            str_has_prefix(word, STR("https://")) || str_has_prefix(word, STR("http://"));
        put_link(u, has_scheme ? "" : "https://", word, word, true, to);
        return;
    }
    if (str_has_prefix(word, STR("mailto:")) && matches(u->mail, str_slice(word, 7, SIZE_MAX))) {
        put_link(u, "", word, str_slice(word, 7, SIZE_MAX), false, to);
        return;
    }
    if (str_find_byte(word, '@') != SIZE_MAX && !str_has_prefix(word, STR("www.")) &&
        word.bytes[0] != '@' && str_find_byte(word, ':') == SIZE_MAX && matches(u->mail, word)) {
        put_link(u, "mailto:", word, word, false, to);
        return;
    }
    if (u->schemes.kind == VALUE_LIST || u->schemes.kind == VALUE_TUPLE) {
        for (uint32_t i = 0; i < u->schemes.list->count; i++) {
            const struct value scheme = u->schemes.list->items[i];
            if (scheme.kind == VALUE_STR && word.length > scheme.length &&
                str_has_prefix(word, value_text(scheme))) {
                put_link(u, "", word, word, true, to);
                return;
            }
        }
    }
    buf_append_str(to, word);
}

/// Length of the trailing piece that ends `word`: one of ) > . , newline or &gt;.
static size_t tail_piece(struct str word)
{
    if (str_has_suffix(word, STR("&gt;")))
        return 4;
    return word.length > 0 && strchr(")>.,\n", word.bytes[word.length - 1]) != NULL ? 1 : 0;
}

static size_t count_of(struct str text, struct str needle)
{
    size_t count = 0;
    for (size_t at; (at = str_find(text, needle)) != SIZE_MAX; count++)
        text = str_slice(text, at + needle.length, SIZE_MAX);
    return count;
}

static void put_word(const struct urlizer *u, struct str word, struct buf *to)
{
    static const struct str open[] = {STR_INIT("("), STR_INIT("<"), STR_INIT("&lt;")};
    static const struct str close[] = {STR_INIT(")"), STR_INIT(">"), STR_INIT("&gt;")};
    size_t head = 0, tail = 0, piece;
    for (;;) {
        const struct str rest = str_slice(word, head, SIZE_MAX);
        if (str_has_prefix(rest, STR("&lt;")))
            head += 4;
        else if (rest.length > 0 && (rest.bytes[0] == '(' || rest.bytes[0] == '<'))
            head++;
        else
            break;
    }
    const struct str body = str_slice(word, head, SIZE_MAX);
    while ((piece = tail_piece(str_slice(body, 0, body.length - tail))) != 0)
        tail += piece;
    size_t middle = body.length - tail;
    for (size_t i = 0; i < 3; i++) {
        const struct str inside = str_slice(body, 0, middle),
                         behind = str_slice(body, middle, tail);
        const size_t opened = count_of(inside, open[i]), closed = count_of(inside, close[i]);
        if (opened <= closed)
            continue;
        size_t moves = count_of(behind, close[i]);
        for (moves = moves < opened ? moves : opened; moves > 0; moves--) {
            const size_t end = str_find(str_slice(body, middle, tail), close[i]) + close[i].length;
            middle += end;
            tail -= end;
        }
    }
    buf_append_str(to, str_slice(word, 0, head));
    if (middle > 0)
        put_linked(u, str_slice(body, 0, middle), to);
    buf_append_str(to, str_slice(body, middle, SIZE_MAX));
}

/// `rel` words, sorted and without doubles.
static rc rel_words(struct render *r, struct value rel, bool nofollow, struct str *ret_rel,
                    struct err *err)
{
    struct value words, space = VALUE_STR_LITERAL(" ");
    static const struct arguments none = {0};
    struct value text = rel.kind == VALUE_STR ? rel : VALUE_STR_LITERAL("");
    TRY(call_method(r, text, method_number(STR("split")), &none, &words, err));
    list_push(words, VALUE_STR_LITERAL("noopener"));
    if (nofollow)
        list_push(words, VALUE_STR_LITERAL("nofollow"));
    const struct value set = value_set_new(r->arena);
    TRY(set_add_items(r, set, words, err));
    const struct value *items;
    size_t count;
    TRY(value_items(r, set, &items, &count, err));
    struct value sorted = value_tuple_of(r->arena, items, count);
    TRY(sort_values(r, sorted.list->items, count, &(struct sort_options){0}, err));
    const struct arguments one = {&sorted, 1, NULL, 0};
    TRY(call_method(r, space, method_number(STR("join")), &one, &text, err));
    *ret_rel = value_text(text);
    return RC_OK;
}

FILTER(filter_urlize)
{
    BIND(v, "do_urlize", 1, "value", "trim_url_limit", "nofollow", "target", "rel",
         "extra_schemes");
    struct urlizer u = {.r = r, .limit = -1, .schemes = v[5]};
    struct value text;
    struct buf buf;
    const struct regex_options options = {.ignores_case = true};
    if (v[1].kind != VALUE_NONE)
        TRY(int_argument(v[1], -1, &u.limit, err));
    if (v[3].kind == VALUE_STR)
        u.target = value_text(v[3]);
    TRY(rel_words(r, v[4], value_flag(v[2], false), &u.rel, err));
    TRY(regex_compile(r->arena, STR(url_pattern), options, &u.url, err));
    TRY(regex_compile(r->arena, STR("^\\S+@\\w[\\w.-]*\\.\\w+$"), (struct regex_options){0},
                      &u.mail, err));
    TRY(escape_value(r, v[0], &text, err));
    buf_init(&buf, UINT32_MAX / 4);
    const struct str all = value_text(text);
    for (size_t at = 0; at < all.length;) {
        size_t end = at;
        const bool is_space =
            all.bytes[at] == ' ' || (all.bytes[at] >= '\t' && all.bytes[at] <= '\r');
        while (end < all.length && (all.bytes[end] == ' ' ||
                                    (all.bytes[end] >= '\t' && all.bytes[end] <= '\r')) == is_space)
            end++;
        if (is_space)
            buf_append(&buf, all.bytes + at, end - at);
        else
            put_word(&u, str_slice(all, at, end - at), &buf);
        at = end;
    }
    *ret_value = value_str(buf_take(r->arena, &buf));
    ret_value->flags = r->autoescape ? VALUE_FLAG_MARKUP : 0;
    return RC_OK;
}

// ---------------------------------------------------------------- dbt

static rc mark(struct render *r, const struct arguments *a, char sign, struct value *ret_value,
               struct err *err)
{
    if (a->count != 1)
        return throw_error(err, "TypeError", "as_* filters take no arguments");
    *ret_value = a->items[0];
    if (r->nodes.kind == VALUE_LIST)
        *ret_value = mark_value(r->arena, a->items[0], sign);
    return RC_OK;
}

FILTER(filter_as_text)
{
    (void)self;
    return mark(r, a, 't', ret_value, err);
}

FILTER(filter_as_bool)
{
    (void)self;
    return mark(r, a, 'b', ret_value, err);
}

FILTER(filter_as_number)
{
    (void)self;
    return mark(r, a, 'd', ret_value, err);
}

FILTER(filter_as_native)
{
    (void)self;
    return mark(r, a, 'n', ret_value, err);
}

FILTER(filter_is_list)
{
    BIND(v, "is_list", 1, "value");
    (void)r;
    *ret_value = value_bool(v[0].kind == VALUE_LIST);
    return RC_OK;
}

const struct builtin other_filters[] = {{"abs", filter_abs, false},
                                        {"attr", filter_attr, true},
                                        {"d", filter_default, false},
                                        {"default", filter_default, false},
                                        {"filesizeformat", filter_filesizeformat, false},
                                        {"float", filter_float, false},
                                        {"int", filter_int, false},
                                        {"round", filter_round, false},
                                        {"urlize", filter_urlize, true},
                                        {NULL, NULL, false}};

static const struct builtin dbt_filters[] = {
    {"as_text", filter_as_text, false},     {"as_bool", filter_as_bool, false},
    {"as_number", filter_as_number, false}, {"as_native", filter_as_native, false},
    {"is_list", filter_is_list, false},     {NULL, NULL, false}};

static void add_all(struct environment *env, const struct builtin *table)
{
    for (; table->name != NULL; table++) {
        struct filter_entry *entry = ARENA_NEW(env->arena, struct filter_entry);
        *entry =
            (struct filter_entry){str_of(table->name), table->function, NULL, table->is_volatile};
        map_set(&env->filters, entry->name, entry);
    }
}

void environment_add_filters(struct environment *env)
{
    add_all(env, text_filters);
    add_all(env, list_filters);
    add_all(env, other_filters);
    if (env->options.has_dbt_filters)
        add_all(env, dbt_filters);
}
