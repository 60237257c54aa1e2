// Placeholders of requests. Layer: ingest. Source: dlt's use of Python format strings.
// Threads: pure functions. Limits: PLACEHOLDER_MAX_BYTES of one expanded text; trees are as deep as
// the readers of YAML and JSON allow.

#include "ingest/source/placeholder.h"

enum { PLACEHOLDER_MAX_BYTES = 16 << 20 };

// One piece of a format string.
struct piece {
    struct str literal; // with {{ and }} already single
    struct str name;    // .bytes NULL: no placeholder behind the literal
};

static rc bad_brace(struct str text, struct err *err)
{
    err_set(err, RC_CONFIG, "a single brace stands in '%.*s'",
            (int)(text.length < 200 ? text.length : 200), text.bytes);
    return err_hint(err, "write {{ and }} for braces, {resources.<parent>.<field>} for a value");
}

// Takes the next piece off the text. @param ret_is_end  nothing was left
static rc next_piece(struct arena *arena, struct str whole, size_t *at, struct piece *ret,
                     bool *ret_is_end, struct err *err)
{
    *ret_is_end = *at >= whole.length;
    char *literal = arena_alloc(arena, whole.length - *at + 1);
    size_t length = 0;
    *ret = (struct piece){0};
    while (*at < whole.length) {
        const char c = whole.bytes[*at];
        const char next = *at + 1 < whole.length ? whole.bytes[*at + 1] : '\0';
        if ((c == '{' || c == '}') && next == c) {
            literal[length++] = c;
            *at += 2;
            continue;
        }
        if (c == '}')
            return bad_brace(whole, err);
        if (c != '{') {
            literal[length++] = c;
            ++*at;
            continue;
        }
        const struct str rest = str_slice(whole, *at + 1, whole.length);
        const size_t close = str_find_byte(rest, '}');
        if (close == SIZE_MAX || close == 0)
            return bad_brace(whole, err);
        ret->name = str_slice(rest, 0, close);
        if (str_find_byte(ret->name, '!') != SIZE_MAX ||
            str_find_byte(ret->name, '{') != SIZE_MAX || str_find_byte(ret->name, ':') != SIZE_MAX)
            return bad_brace(whole, err);
        *at += close + 2;
        break;
    }
    ret->literal = (struct str){literal, length};
    return RC_OK;
}

static bool has_brace(struct str text)
{
    return text.length > 0 && (memchr(text.bytes, '{', text.length) != NULL ||
                               memchr(text.bytes, '}', text.length) != NULL);
}

static rc find_in_text(struct arena *arena, struct str text, str_vec *names, struct err *err)
{
    if (!has_brace(text))
        return RC_OK;
    size_t at = 0;
    for (;;) {
        struct piece piece;
        bool is_end;
        TRY(next_piece(arena, text, &at, &piece, &is_end, err));
        if (is_end)
            return RC_OK;
        if (piece.name.bytes != NULL)
            *vec_push(arena, names) = piece.name;
    }
}

rc placeholder_find(struct arena *arena, const struct json *value, str_vec *names, struct err *err)
{
    if (value == NULL)
        return RC_OK;
    if (value->kind == JSON_STRING)
        return find_in_text(arena, value->text, names, err);
    if (value->kind == JSON_ARRAY)
        for (size_t i = 0; i < value->count; i++)
            TRY(placeholder_find(arena, &value->items[i], names, err));
    if (value->kind == JSON_OBJECT)
        for (size_t i = 0; i < value->count; i++) {
            TRY(find_in_text(arena, value->members[i].key, names, err));
            TRY(placeholder_find(arena, &value->members[i].value, names, err));
        }
    return RC_OK;
}

struct str placeholder_text_of(struct arena *arena, const struct json *value)
{
    switch (value->kind) {
    case JSON_NULL:
        return STR("None");
    case JSON_BOOL:
        return value->boolean ? STR("True") : STR("False");
    case JSON_NUMBER:
    case JSON_STRING:
        return value->text;
    default:
        return json_print(arena, value, JSON_COMPACT);
    }
}

rc placeholder_expand_text(struct arena *arena, struct str text,
                           const struct placeholder_options *options, struct str *ret_text,
                           struct err *err)
{
    if (!has_brace(text)) {
        *ret_text = text;
        return RC_OK;
    }
    struct buf out;
    buf_init(&out, PLACEHOLDER_MAX_BYTES);
    size_t at = 0;
    bool is_end = false;
    rc code = RC_OK;
    while (code == RC_OK && !is_end) {
        struct piece piece;
        const struct json *value = NULL;
        code = next_piece(arena, text, &at, &piece, &is_end, err);
        if (code != RC_OK || is_end)
            break;
        buf_append_str(&out, piece.literal);
        if (piece.name.bytes != NULL)
            code = options->lookup(options->ctx, piece.name, &value, err);
        if (code == RC_OK && value != NULL)
            buf_append_str(&out, placeholder_text_of(arena, value));
    }
    if (code == RC_OK)
        code = buf_check(&out, err, "a text with placeholders");
    if (code == RC_OK)
        *ret_text = arena_str(arena, buf_str(&out));
    buf_done(&out);
    return code;
}

// A text that is one placeholder and nothing else.
static rc single_placeholder(struct arena *arena, struct str text, struct str *ret_name,
                             struct err *err)
{
    struct piece piece;
    bool is_end;
    size_t at = 0;
    *ret_name = (struct str){0};
    TRY(next_piece(arena, text, &at, &piece, &is_end, err));
    if (piece.literal.length == 0 && at == text.length)
        *ret_name = piece.name;
    return RC_OK;
}

static rc expand_string(struct arena *arena, const struct json *value,
                        const struct placeholder_options *options, struct json *ret_value,
                        struct err *err)
{
    *ret_value = *value;
    if (!has_brace(value->text))
        return RC_OK;
    struct str name;
    TRY(single_placeholder(arena, value->text, &name, err));
    if (name.bytes != NULL) {
        const struct json *found;
        TRY(options->lookup(options->ctx, name, &found, err));
        if (found == NULL || found->kind == JSON_NULL) {
            *ret_value = (struct json){.kind = JSON_NULL};
            return RC_OK;
        }
        *ret_value = options->keeps_type ? *found : json_of_str(placeholder_text_of(arena, found));
        return RC_OK;
    }
    struct str text;
    TRY(placeholder_expand_text(arena, value->text, options, &text, err));
    *ret_value = json_of_str(text);
    return RC_OK;
}

rc placeholder_expand(struct arena *arena, const struct json *value,
                      const struct placeholder_options *options, struct json *ret_value,
                      struct err *err)
{
    if (value->kind == JSON_STRING)
        return expand_string(arena, value, options, ret_value, err);
    struct json out = *value;
    if (value->kind == JSON_ARRAY) {
        out = (struct json){.kind = JSON_ARRAY};
        for (size_t i = 0; i < value->count; i++) {
            struct json item;
            TRY(placeholder_expand(arena, &value->items[i], options, &item, err));
            *json_array_push(arena, &out) = item;
        }
    } else if (value->kind == JSON_OBJECT) {
        out = (struct json){.kind = JSON_OBJECT};
        for (size_t i = 0; i < value->count; i++) {
            struct json item;
            struct str key;
            TRY(placeholder_expand_text(arena, value->members[i].key, options, &key, err));
            TRY(placeholder_expand(arena, &value->members[i].value, options, &item, err));
            *json_object_set(arena, &out, key) = item;
        }
    }
    *ret_value = out;
    return RC_OK;
}
