/// @file filters_text.c
/// Filters over texts: case, trimming, wrapping, escaping. Layer: jinja. Source: Jinja2 3.1.6.

#include "base/utf8.h"
#include "jinja/filters.h"
#include "jinja/throw.h"

rc soft_str(struct render *r, struct value value, struct value *ret_text, struct err *err)
{
    struct str text;
    if (value.kind == VALUE_STR) {
        *ret_text = value;
        return RC_OK;
    }
    TRY(value_to_str(r, r->arena, value, &text, err));
    *ret_text = value_str(text);
    return RC_OK;
}

static struct value like(struct value self, struct str text)
{
    struct value value = value_str(text);
    value.flags = self.flags;
    return value;
}

// ---------------------------------------------------------------- case and shape

FILTER(filter_upper)
{
    BIND(v, "do_upper", 1, "s");
    TRY(soft_str(r, v[0], &v[0], err));
    *ret_value = like(v[0], utf8_upper(r->arena, value_text(v[0])));
    return spend(r, v[0].length / 16, err);
}

FILTER(filter_lower)
{
    BIND(v, "do_lower", 1, "s");
    TRY(soft_str(r, v[0], &v[0], err));
    *ret_value = like(v[0], utf8_lower(r->arena, value_text(v[0])));
    return spend(r, v[0].length / 16, err);
}

FILTER(filter_capitalize)
{
    BIND(v, "do_capitalize", 1, "s");
    TRY(soft_str(r, v[0], &v[0], err));
    static const struct arguments none = {0};
    return call_method(r, v[0], method_number(STR("capitalize")), &none, ret_value, err);
}

/// Words begin behind white space, hyphens and opening brackets.
FILTER(filter_title)
{
    BIND(v, "do_title", 1, "s");
    TRY(soft_str(r, v[0], &v[0], err));
    struct str rest = value_text(v[0]);
    struct buf buf;
    uint32_t code;
    bool starts = true;
    buf_init(&buf, UINT32_MAX / 4);
    while (utf8_next(&rest, &code)) {
        const bool is_break =
            utf8_is_space(code) || (code < 0x80 && strchr("-({[<", (int)code) && code != 0);
        utf8_append(&buf, starts ? utf8_upper_of(code) : utf8_lower_of(code));
        starts = is_break;
    }
    *ret_value = like(v[0], buf_take(r->arena, &buf));
    return RC_OK;
}

FILTER(filter_center)
{
    BIND(v, "do_center", 1, "value", "width");
    TRY(soft_str(r, v[0], &v[0], err));
    const struct value width = v[1].kind == VALUE_MISSING ? value_int(80) : v[1];
    const struct arguments one = {&width, 1, NULL, 0};
    return call_method(r, v[0], method_number(STR("center")), &one, ret_value, err);
}

FILTER(filter_trim)
{
    BIND(v, "do_trim", 1, "value", "chars");
    TRY(soft_str(r, v[0], &v[0], err));
    struct str set;
    const bool has_set = v[1].kind != VALUE_MISSING && v[1].kind != VALUE_NONE;
    if (has_set)
        TRY(text_argument(v[1], "strip", &set, err));
    *ret_value = like(v[0], text_strip(value_text(v[0]), has_set ? &set : NULL, true, true));
    return RC_OK;
}

FILTER(filter_replace)
{
    BIND(v, "do_replace", 3, "s", "old", "new", "count");
    const bool escapes = r->autoescape && (v[0].flags & VALUE_FLAG_MARKUP) == 0 &&
                         ((v[1].flags | v[2].flags) & VALUE_FLAG_MARKUP) != 0;
    if (escapes)
        TRY(escape_value(r, v[0], &v[0], err));
    for (size_t i = 0; i < 3; i++)
        TRY(soft_str(r, v[i], &v[i], err));
    struct value rest[3] = {v[1], v[2], value_int(-1)};
    if (r->autoescape && (v[0].flags & VALUE_FLAG_MARKUP) != 0)
        TRY(escape_value(r, v[2], &rest[1], err));
    if (v[3].kind != VALUE_MISSING && v[3].kind != VALUE_NONE)
        rest[2] = v[3];
    const struct arguments three = {rest, 3, NULL, 0};
    return call_method(r, v[0], method_number(STR("replace")), &three, ret_value, err);
}

FILTER(filter_string)
{
    BIND(v, "soft_str", 1, "s");
    return soft_str(r, v[0], ret_value, err);
}

FILTER(filter_format)
{
    (void)self;
    if (a->count == 0)
        return throw_error(err, "TypeError", "format() needs a value");
    if (a->count > 1 && a->keyword_count > 0)
        return throw_error(err, "FilterArgumentError",
                           "can't handle positional and keyword arguments at the same time");
    struct value text, argument;
    TRY(soft_str(r, a->items[0], &text, err));
    if (a->keyword_count > 0) {
        argument = value_dict_new(r->arena);
        for (size_t i = 0; i < a->keyword_count; i++)
            dict_set_str(argument, a->keywords[i].name, a->keywords[i].value);
    } else {
        argument = value_tuple_of(r->arena, a->items + 1, a->count - 1);
    }
    return format_percent(r, text, argument, ret_value, err);
}

FILTER(filter_indent)
{
    BIND(v, "do_indent", 1, "s", "width", "first", "blank");
    int64_t width = 4;
    struct str indentation = {0}, line;
    if (v[0].kind == VALUE_UNDEFINED)
        return undefined_fail(v[0], err);
    if (v[0].kind != VALUE_STR)
        return throw_error(err, "TypeError", "unsupported operand type(s) for +=: '%s' and 'str'",
                           value_type_name(v[0]));
    if (v[1].kind == VALUE_STR) {
        indentation = value_text(v[1]);
    } else {
        TRY(int_argument(v[1], 4, &width, err));
        if (width > 10000)
            return err_set(err, RC_LIMIT, "indent() of more than 10,000 columns");
        indentation = arena_printf(r->arena, "%*s", width > 0 ? (int)width : 0, "");
    }
    struct buf buf;
    buf_init(&buf, UINT32_MAX / 4);
    // a newline is added behind, so that a last empty line counts as one
    struct str rest = str_concat(r->arena, value_text(v[0]), STR("\n"));
    bool is_first = true;
    while (rest.length > 0) {
        const size_t at = str_find_byte(rest, '\n');
        line = str_slice(rest, 0, at);
        rest = str_slice(rest, at + 1, SIZE_MAX);
        if (!is_first)
            buf_append_byte(&buf, '\n');
        const bool indents =
            is_first ? value_flag(v[2], false) : line.length > 0 || value_flag(v[3], false);
        if (indents)
            buf_append_str(&buf, indentation);
        buf_append_str(&buf, line);
        is_first = false;
    }
    const rc code = buf_check(&buf, err, "the result of indent");
    *ret_value = like(v[0], buf_take(r->arena, &buf));
    TRY(code);
    return spend(r, ret_value->length / 16, err);
}

FILTER(filter_truncate)
{
    BIND(v, "do_truncate", 1, "s", "length", "killwords", "end", "leeway");
    int64_t length, leeway;
    struct value end = VALUE_STR_LITERAL("...");
    size_t items = 0;
    if (v[0].kind != VALUE_STR)
        TRY(value_length(r, v[0], &items, err));
    TRY(int_argument(v[1], 255, &length, err));
    if (v[4].kind == VALUE_NONE)
        v[4] = value_missing();
    TRY(int_argument(v[4], 5, &leeway, err));
    if (v[3].kind != VALUE_MISSING)
        TRY(soft_str(r, v[3], &end, err));
    const int64_t end_length = (int64_t)utf8_count(value_text(end));
    if (length < end_length)
        return throw_error(err, "AssertionError", "expected length >= %lld, got %lld",
                           (long long)end_length, (long long)length);
    if (leeway < 0)
        return throw_error(err, "AssertionError", "expected leeway >= 0, got %lld",
                           (long long)leeway);
    *ret_value = v[0];
    if (v[0].kind != VALUE_STR && (int64_t)items <= length + leeway)
        return RC_OK;
    if (v[0].kind != VALUE_STR)
        return throw_error(err, "TypeError", "truncate needs a text, not %s",
                           value_type_name(v[0]));
    const struct str text = value_text(v[0]);
    if ((int64_t)utf8_count(text) <= length + leeway)
        return RC_OK;
    struct str kept = utf8_slice(text, 0, (size_t)(length - end_length));
    if (!value_flag(v[2], false)) {
        const size_t blank = str_find_last_byte(kept, ' ');
        kept = blank != SIZE_MAX ? str_slice(kept, 0, blank) : kept;
    }
    *ret_value = like(v[0], str_concat(r->arena, kept, value_text(end)));
    return RC_OK;
}

FILTER(filter_wordcount)
{
    BIND(v, "do_wordcount", 1, "s");
    TRY(soft_str(r, v[0], &v[0], err));
    struct str rest = value_text(v[0]);
    uint32_t code;
    int64_t count = 0;
    bool is_inside = false;
    while (utf8_next(&rest, &code)) {
        const bool is_word = code == '_' || utf8_is_alnum(code);
        count += is_word && !is_inside;
        is_inside = is_word;
    }
    *ret_value = value_int(count);
    return RC_OK;
}

// ---------------------------------------------------------------- wrapping

/// One paragraph broken into lines, as Python's textwrap with its defaults.
struct wrapper {
    size_t width;
    bool breaks_words, breaks_hyphens;
    struct str separator;
    struct buf *to;
    size_t line_length; // characters on the current line
    bool has_line;      // something was written for this paragraph
    struct str pending; // white space that is dropped at a line's end
};

static void wrap_newline(struct wrapper *w)
{
    buf_append_str(w->to, w->separator);
    w->line_length = 0;
    w->pending = (struct str){0};
}

static void wrap_chunk(struct wrapper *w, struct str chunk, bool is_space)
{
    size_t length = utf8_count(chunk);
    if (is_space) {
        if (w->line_length == 0 && w->has_line)
            return; // no white space at a line's beginning, the first one excepted
        w->pending = chunk;
        return;
    }
    const size_t blank = utf8_count(w->pending);
    if (w->line_length > 0 && w->line_length + blank + length > w->width &&
        !(w->breaks_words && length > w->width)) {
        wrap_newline(w);
    }
    while (w->breaks_words && length > w->width) {
        const size_t used = w->line_length + utf8_count(w->pending);
        size_t room = w->width > used ? w->width - used : 0;
        if (room == 0) {
            wrap_newline(w);
            room = w->width > 0 ? w->width : 1;
        }
        buf_append_str(w->to, w->pending);
        w->pending = (struct str){0};
        const struct str head = utf8_slice(chunk, 0, room);
        buf_append_str(w->to, head);
        w->has_line = true;
        w->line_length = w->width;
        chunk = str_slice(chunk, head.length, SIZE_MAX);
        length = utf8_count(chunk);
        if (length > 0)
            wrap_newline(w);
    }
    if (length == 0)
        return;
    buf_append_str(w->to, w->pending);
    w->line_length += utf8_count(w->pending) + length;
    w->pending = (struct str){0};
    buf_append_str(w->to, chunk);
    w->has_line = true;
}

static void wrap_paragraph(struct wrapper *w, struct str line)
{
    w->line_length = 0;
    w->has_line = false;
    w->pending = (struct str){0};
    for (size_t at = 0; at < line.length;) {
        size_t end = at;
        const bool is_space = line.bytes[at] == ' ' || line.bytes[at] == '\t';
        while (end < line.length && (line.bytes[end] == ' ' || line.bytes[end] == '\t') == is_space)
            end++;
        struct str word = str_slice(line, at, end - at);
        at = end;
        while (!is_space && w->breaks_hyphens && word.length > 0) {
            // a hyphen between letters ends a chunk
            size_t cut = 1;
            while (cut + 1 < word.length &&
                   !(word.bytes[cut] == '-' && (word.bytes[cut - 1] | 0x20) >= 'a' &&
                     (word.bytes[cut + 1] | 0x20) >= 'a'))
                cut++;
            if (cut + 1 >= word.length)
                break;
            wrap_chunk(w, str_slice(word, 0, cut + 1), false);
            word = str_slice(word, cut + 1, SIZE_MAX);
        }
        wrap_chunk(w, word, is_space);
    }
}

FILTER(filter_wordwrap)
{
    BIND(v, "do_wordwrap", 1, "s", "width", "break_long_words", "wrapstring", "break_on_hyphens");
    int64_t width;
    if (v[0].kind == VALUE_UNDEFINED)
        return undefined_fail(v[0], err);
    if (v[0].kind != VALUE_STR)
        return throw_error(err, "AttributeError", "'%s' object has no attribute 'splitlines'",
                           value_type_name(v[0]));
    TRY(int_argument(v[1], 79, &width, err));
    if (width <= 0)
        return throw_error(err, "ValueError", "invalid width %lld (must be > 0)", (long long)width);
    struct buf buf;
    struct value lines, separator = VALUE_STR_LITERAL("\n");
    static const struct arguments none = {0};
    if (v[3].kind != VALUE_MISSING && v[3].kind != VALUE_NONE)
        TRY(soft_str(r, v[3], &separator, err));
    TRY(call_method(r, v[0], method_number(STR("splitlines")), &none, &lines, err));
    buf_init(&buf, UINT32_MAX / 4);
    struct wrapper w = {.width = (size_t)width,
                        .breaks_words = value_flag(v[2], true),
                        .breaks_hyphens = value_flag(v[4], true),
                        .separator = value_text(separator),
                        .to = &buf};
    for (uint32_t i = 0; i < lines.list->count; i++) {
        if (i > 0)
            buf_append_str(&buf, w.separator);
        wrap_paragraph(&w, value_text(lines.list->items[i]));
    }
    *ret_value = like(v[0], buf_take(r->arena, &buf));
    return spend(r, v[0].length / 8, err);
}

// ---------------------------------------------------------------- HTML

FILTER(filter_escape)
{
    BIND(v, "escape", 1, "s");
    return escape_value(r, v[0], ret_value, err);
}

FILTER(filter_forceescape)
{
    BIND(v, "do_forceescape", 1, "value");
    TRY(soft_str(r, v[0], &v[0], err));
    v[0].flags = 0;
    return escape_value(r, v[0], ret_value, err);
}

FILTER(filter_safe)
{
    BIND(v, "do_mark_safe", 1, "value");
    TRY(soft_str(r, v[0], ret_value, err));
    ret_value->flags = VALUE_FLAG_MARKUP;
    return RC_OK;
}

/// Markup without its tags and comments, white space folded, entities read.
FILTER(filter_striptags)
{
    BIND(v, "do_striptags", 1, "value");
    TRY(soft_str(r, v[0], &v[0], err));
    static const struct {
        const char *entity, *text;
    } entities[] = {{"&amp;", "&"}, {"&lt;", "<"},    {"&gt;", ">"},         {"&#34;", "\""},
                    {"&#39;", "'"}, {"&quot;", "\""}, {"&nbsp;", "\xc2\xa0"}};
    struct buf plain, folded;
    const struct str text = value_text(v[0]);
    buf_init(&plain, UINT32_MAX / 4);
    buf_init(&folded, UINT32_MAX / 4);
    for (size_t i = 0; i < text.length; i++) {
        const struct str rest = str_slice(text, i, SIZE_MAX);
        if (str_has_prefix(rest, STR("<!--"))) {
            const size_t end = str_find(rest, STR("-->"));
            if (end != SIZE_MAX) {
                i += end + 2;
                continue;
            }
        }
        const size_t end = text.bytes[i] == '<' ? str_find_byte(rest, '>') : SIZE_MAX;
        if (end != SIZE_MAX)
            i += end;
        else
            buf_append_byte(&plain, text.bytes[i]);
    }
    bool is_blank = true;
    for (size_t i = 0; i < plain.length; i++) {
        const char c = plain.bytes[i];
        const bool space = c == ' ' || (c >= '\t' && c <= '\r');
        const struct str rest = {plain.bytes + i, plain.length - i};
        if (space) {
            if (!is_blank)
                buf_append_byte(&folded, ' ');
            is_blank = true;
            continue;
        }
        is_blank = false;
        size_t e = 0;
        while (c == '&' && e < sizeof entities / sizeof entities[0] &&
               !str_has_prefix(rest, str_of(entities[e].entity)))
            e++;
        if (c == '&' && e < sizeof entities / sizeof entities[0]) {
            buf_append_cstr(&folded, entities[e].text);
            i += strlen(entities[e].entity) - 1;
        } else {
            buf_append_byte(&folded, c);
        }
    }
    if (folded.length > 0 && folded.bytes[folded.length - 1] == ' ')
        buf_truncate(&folded, folded.length - 1);
    buf_done(&plain);
    *ret_value = value_str(buf_take(r->arena, &folded));
    return RC_OK;
}

FILTER(filter_xmlattr)
{
    BIND(v, "do_xmlattr", 1, "d", "autospace");
    struct dict_entry *entry;
    struct buf buf;
    rc code = RC_OK;
    if (v[0].kind == VALUE_UNDEFINED)
        return undefined_fail(v[0], err);
    if (v[0].kind != VALUE_DICT)
        return throw_error(err, "AttributeError", "'%s' object has no attribute 'items'",
                           value_type_name(v[0]));
    buf_init(&buf, UINT32_MAX / 4);
    for (size_t at = 0; code == RC_OK && dict_next(v[0], &at, &entry);) {
        struct value key, value;
        if (entry->value.kind == VALUE_NONE || entry->value.kind == VALUE_UNDEFINED)
            continue;
        code = soft_str(r, entry->key, &key, err);
        if (code != RC_OK)
            break;
        for (uint32_t i = 0; code == RC_OK && i < key.length; i++) {
            const char c = key.bytes[i];
            if (c != '/' && c != '>' && c != '=' && c != ' ' && !(c >= '\t' && c <= '\r'))
                continue;
            struct buf shown;
            buf_init(&shown, 400);
            code = value_repr(r, key, &shown, err);
            const struct str words = buf_take(r->arena, &shown);
            if (code == RC_OK)
                code = throw_error(err, "ValueError", "Invalid character in attribute name: %.*s",
                                   STR_ARGS(words));
        }
        if (code == RC_OK)
            code = escape_value(r, entry->value, &value, err);
        if (code == RC_OK)
            code = escape_value(r, key, &key, err);
        if (code == RC_OK)
            buf_printf(&buf, "%s%.*s=\"%.*s\"", buf.length > 0 || value_flag(v[1], true) ? " " : "",
                       STR_ARGS(value_text(key)), STR_ARGS(value_text(value)));
    }
    *ret_value = value_str(buf_take(r->arena, &buf));
    ret_value->flags = r->autoescape ? VALUE_FLAG_MARKUP : 0;
    return code;
}

// ---------------------------------------------------------------- URLs and JSON

static void quote_url(struct str text, bool is_query, struct buf *to)
{
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || (c != 0 && strchr("_.-~", c) != NULL) ||
                              (c == '/' && !is_query);
        if (is_plain)
            buf_append_byte(to, c);
        else if (c == ' ' && is_query)
            buf_append_byte(to, '+');
        else
            buf_printf(to, "%%%02X", (unsigned char)c);
    }
}

FILTER(filter_urlencode)
{
    BIND(v, "do_urlencode", 1, "value");
    struct buf buf;
    const struct value *pairs, *pair;
    size_t count, length;
    struct value text;
    buf_init(&buf, UINT32_MAX / 4);
    if (v[0].kind == VALUE_DICT) {
        v[0] = view_value(r->arena, VIEW_ITEMS, v[0]);
    } else if (v[0].kind == VALUE_STR || value_items(r, v[0], &pairs, &count, err) != RC_OK) {
        TRY(soft_str(r, v[0], &text, err));
        quote_url(value_text(text), false, &buf);
        *ret_value = value_str(buf_take(r->arena, &buf));
        if (err != NULL)
            *err = (struct err){0};
        return RC_OK;
    }
    TRY(value_items(r, v[0], &pairs, &count, err));
    for (size_t i = 0; i < count; i++) {
        TRY(value_items(r, pairs[i], &pair, &length, err));
        if (length != 2)
            return throw_error(err, "ValueError", "urlencode needs pairs");
        for (size_t k = 0; k < 2; k++) {
            if (k == 1 || i > 0)
                buf_append_byte(&buf, k == 1 ? '=' : '&');
            TRY(soft_str(r, pair[k], &text, err));
            quote_url(value_text(text), true, &buf);
        }
    }
    *ret_value = value_str(buf_take(r->arena, &buf));
    return RC_OK;
}

static void json_sorted(struct json *json)
{
    for (size_t i = 0; json->kind == JSON_ARRAY && i < json->count; i++)
        json_sorted(&json->items[i]);
    if (json->kind != JSON_OBJECT)
        return;
    for (size_t i = 0; i < json->count; i++)
        json_sorted(&json->members[i].value);
    for (size_t i = 1; i < json->count; i++) {
        const struct json_member member = json->members[i];
        size_t at = i;
        for (; at > 0 && str_compare(json->members[at - 1].key, member.key) > 0; at--)
            json->members[at] = json->members[at - 1];
        json->members[at] = member;
    }
}

static void put_json_text(struct str text, bool is_html, struct buf *to)
{
    static const char special[] = "\"\\\n\r\t\b\f", letters[] = "\"\\nrtbf";
    uint32_t code;
    buf_append_byte(to, '"');
    while (utf8_next(&text, &code)) {
        const char *simple = code < 0x80 && code != 0 ? strchr(special, (int)code) : NULL;
        if (is_html && (code == '<' || code == '>' || code == '&' || code == '\''))
            buf_printf(to, "\\u%04x", code);
        else if (simple != NULL)
            buf_printf(to, "\\%c", letters[simple - special]);
        else if (code >= 0x20 && code <= 0x7f)
            buf_append_byte(to, (char)code);
        else if (code < 0x10000)
            buf_printf(to, "\\u%04x", code);
        else
            buf_printf(to, "\\u%04x\\u%04x", 0xD800 + ((code - 0x10000) >> 10),
                       0xDC00 + ((code - 0x10000) & 0x3FF));
    }
    buf_append_byte(to, '"');
}

static void put_indent(struct buf *to, int indent, int depth)
{
    buf_append_byte(to, '\n');
    for (int i = 0; i < indent * depth; i++)
        buf_append_byte(to, ' ');
}

/// As Python's json.dumps: ", " and ": ", ASCII only.
void python_json(const struct json *json, bool is_html, int indent, int depth, struct buf *to)
{
    const char *comma = indent >= 0 ? "," : ", ";
    switch (json->kind) {
    case JSON_NULL:
        buf_append_cstr(to, "null");
        return;
    case JSON_BOOL:
        buf_append_cstr(to, json->boolean ? "true" : "false");
        return;
    case JSON_NUMBER:
        buf_append_str(to, json->text);
        return;
    case JSON_STRING:
        put_json_text(json->text, is_html, to);
        return;
    default:
        break;
    }
    const bool is_array = json->kind == JSON_ARRAY;
    buf_append_byte(to, is_array ? '[' : '{');
    for (size_t i = 0; i < json->count; i++) {
        if (i > 0)
            buf_append_cstr(to, comma);
        if (indent >= 0)
            put_indent(to, indent, depth + 1);
        if (!is_array) {
            put_json_text(json->members[i].key, is_html, to);
            buf_append_cstr(to, ": ");
        }
        python_json(is_array ? &json->items[i] : &json->members[i].value, is_html, indent,
                    depth + 1, to);
    }
    if (json->count > 0 && indent >= 0)
        put_indent(to, indent, depth);
    buf_append_byte(to, is_array ? ']' : '}');
}

FILTER(filter_tojson)
{
    BIND(v, "do_tojson", 1, "value", "indent");
    struct json json;
    struct buf buf;
    int64_t indent = -1;
    if (v[1].kind != VALUE_MISSING && v[1].kind != VALUE_NONE)
        TRY(int_argument(v[1], -1, &indent, err));
    if (v[0].kind == VALUE_UNDEFINED)
        return throw_error(err, "TypeError", "Object of type Undefined is not JSON serializable");
    TRY(value_to_json(r, r->arena, v[0], false, &json, err));
    json_sorted(&json);
    buf_init(&buf, UINT32_MAX / 4);
    python_json(&json, true, indent > 100 ? 100 : (int)indent, 0, &buf);
    *ret_value = markup_value(buf_take(r->arena, &buf));
    return spend(r, ret_value->length / 16, err);
}

// ---------------------------------------------------------------- pprint

/// pprint.pformat with width 80: what does not fit on a line is broken, one item per line.
static rc pretty(struct render *r, struct value value, int indent, int allowance, struct buf *to,
                 int depth, struct err *err)
{
    struct buf flat;
    buf_init(&flat, UINT32_MAX / 4);
    rc code = value_repr(r, value, &flat, err);
    const bool is_dict = value.kind == VALUE_DICT;
    const bool is_list = value.kind == VALUE_LIST || value.kind == VALUE_TUPLE;
    const int room = 80 - indent - allowance;
    if (code != RC_OK || depth > 50 || (!is_dict && !is_list) ||
        (int)utf8_count(buf_str(&flat)) <= room) {
        if (code == RC_OK)
            buf_append_str(to, buf_str(&flat));
        buf_done(&flat);
        return code;
    }
    buf_done(&flat);
    const struct value *items;
    size_t count;
    struct value keys = value;
    TRY(value_items(r, value, &items, &count, err));
    if (is_dict) { // by key, as pprint
        keys = value_tuple_of(r->arena, items, count);
        const struct sort_options options = {0};
        struct err ignored;
        if (sort_values(r, keys.list->items, count, &options, &ignored) != RC_OK)
            memcpy(keys.list->items, items, count * sizeof items[0]);
        items = keys.list->items;
    }
    buf_append_byte(to, is_dict ? '{' : value.kind == VALUE_LIST ? '[' : '(');
    for (size_t i = 0; i < count; i++) {
        const bool is_last = i + 1 == count;
        if (i > 0)
            buf_printf(to, ",\n%*s", indent + 1, "");
        struct value item = items[i];
        int at = indent + 1;
        if (is_dict) {
            const size_t mark = to->length;
            TRY(value_repr(r, items[i], to, err));
            buf_append_cstr(to, ": ");
            at += (int)(to->length - mark);
            TRY(dict_get(value, items[i], &item, err));
        }
        TRY(pretty(r, item, at, is_last ? allowance + 1 : 1, to, depth + 1, err));
    }
    if (value.kind == VALUE_TUPLE && count == 1)
        buf_append_byte(to, ',');
    buf_append_byte(to, is_dict ? '}' : value.kind == VALUE_LIST ? ']' : ')');
    return RC_OK;
}

FILTER(filter_pprint)
{
    BIND(v, "do_pprint", 1, "value");
    struct buf buf;
    buf_init(&buf, UINT32_MAX / 4);
    const rc code = pretty(r, v[0], 0, 0, &buf, 0, err);
    *ret_value = value_str(buf_take(r->arena, &buf));
    return code;
}

const struct builtin text_filters[] = {{"capitalize", filter_capitalize, false},
                                       {"center", filter_center, false},
                                       {"e", filter_escape, true},
                                       {"escape", filter_escape, true},
                                       {"forceescape", filter_forceescape, true},
                                       {"format", filter_format, false},
                                       {"indent", filter_indent, false},
                                       {"lower", filter_lower, false},
                                       {"pprint", filter_pprint, false},
                                       {"replace", filter_replace, true},
                                       {"safe", filter_safe, true},
                                       {"string", filter_string, false},
                                       {"striptags", filter_striptags, false},
                                       {"title", filter_title, false},
                                       {"tojson", filter_tojson, true},
                                       {"trim", filter_trim, false},
                                       {"truncate", filter_truncate, false},
                                       {"upper", filter_upper, false},
                                       {"urlencode", filter_urlencode, false},
                                       {"wordcount", filter_wordcount, false},
                                       {"wordwrap", filter_wordwrap, false},
                                       {"xmlattr", filter_xmlattr, true},
                                       {NULL, NULL, false}};
