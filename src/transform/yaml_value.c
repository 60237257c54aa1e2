#include "transform/yaml_value.h"

#include "base/time.h"

static struct value moment(struct arena *arena, const struct yaml *node)
{
    const int64_t local = node->time_us + node->offset_seconds * TIME_US_PER_SECOND;
    const struct time_parts parts = time_parts_of_us(local);
    if (node->kind == YAML_DATE)
        return value_date(arena, (int)parts.year, parts.month, parts.day);
    const struct date_value date = {
        .year = (int32_t)parts.year,
        .month = (uint8_t)parts.month,
        .day = (uint8_t)parts.day,
        .hour = (uint8_t)parts.hour,
        .minute = (uint8_t)parts.minute,
        .second = (uint8_t)parts.second,
        .microsecond = (uint32_t)parts.microsecond,
        .has_offset = node->has_offset,
        .offset_seconds = node->offset_seconds,
        .tzinfo = value_none(),
    };
    return value_datetime(arena, &date);
}

static struct value scalar(struct arena *arena, const struct yaml *node)
{
    switch (node->kind) {
    case YAML_BOOL:
        return value_bool(node->boolean);
    case YAML_INT:
        return value_int_of_digits(arena, node->text);
    case YAML_FLOAT:
        return value_float(node->number);
    case YAML_STR:
        return value_str(node->text);
    case YAML_TIMESTAMP:
    case YAML_DATE:
        return moment(arena, node);
    default:
        return value_none();
    }
}

static bool is_map(const struct yaml *node)
{
    return node->kind == YAML_MAP || node->kind == YAML_SET || node->kind == YAML_OMAP;
}

struct value yaml_value(struct arena *arena, const struct yaml *node)
{
    if (node == NULL)
        return value_none();
    if (node->kind == YAML_SEQ) {
        const struct value list = value_list_new(arena, node->count);
        for (size_t i = 0; i < node->count; i++)
            list_push(list, yaml_value(arena, node->items[i]));
        return list;
    }
    if (!is_map(node))
        return scalar(arena, node);
    const struct value dict = value_dict_new(arena);
    for (size_t i = 0; i < node->count; i++) {
        // A key that cannot be hashed (a list) is left out: no dbt file has any use for one.
        struct err ignored;
        const rc result = dict_set(dict, yaml_value(arena, node->members[i].key),
                                   yaml_value(arena, node->members[i].value), &ignored);
        (void)result;
    }
    return dict;
}

static bool is_skipped(const struct yaml *key, const char *const *skip)
{
    for (; skip != NULL && *skip != NULL; skip++)
        if (key->kind == YAML_STR && str_is(key->text, *skip))
            return true;
    return false;
}

rc yaml_value_rendered(struct scope *scope, const struct yaml *node, const char *const *skip,
                       struct value *ret_value, struct err *err)
{
    struct arena *arena = scope->arena;
    if (node == NULL || (node->kind != YAML_SEQ && node->kind != YAML_STR && !is_map(node))) {
        *ret_value = yaml_value(arena, node);
        return RC_OK;
    }
    if (node->kind == YAML_STR) {
        const rc result =
            scope_render_native(scope, node->text, str_of(node->place), ret_value, err);
        if (result != RC_OK && err != NULL && err->line == 0)
            err->line = node->line;
        return result;
    }
    struct value value;
    if (node->kind == YAML_SEQ) {
        const struct value list = value_list_new(arena, node->count);
        for (size_t i = 0; i < node->count; i++) {
            TRY(yaml_value_rendered(scope, node->items[i], skip, &value, err));
            list_push(list, value);
        }
        *ret_value = list;
        return RC_OK;
    }
    const struct value dict = value_dict_new(arena);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_member *member = &node->members[i];
        if (is_skipped(member->key, skip))
            value = yaml_value(arena, member->value);
        else
            TRY(yaml_value_rendered(scope, member->value, skip, &value, err));
        TRY(dict_set(dict, yaml_value(arena, member->key), value, err));
    }
    *ret_value = dict;
    return RC_OK;
}

rc yaml_text_rendered(struct scope *scope, const struct yaml *node, struct str fallback,
                      struct str *ret_text, struct err *err)
{
    if (yaml_is_null(node)) {
        *ret_text = fallback;
        return RC_OK;
    }
    struct value value;
    TRY(yaml_value_rendered(scope, node, NULL, &value, err));
    if (node->kind != YAML_STR && node->kind < YAML_SEQ && node->source.length > 0) {
        *ret_text = node->source; // "1.10" stays "1.10"
        return RC_OK;
    }
    return value_to_str(NULL, scope->arena, value, ret_text, err);
}

// ---- values as YAML, as PyYAML's default style writes them

static bool needs_quotes(struct str text)
{
    if (text.length == 0 || str_trim(text).length != text.length)
        return true;
    static const char *const words[] = {"true", "false", "yes", "no", "on",  "off",
                                        "null", "~",     "y",   "n",  "none"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_equal_ignore_case(text, str_of(words[i])))
            return !str_is(text, "none") && !str_is(text, "None");
    double number;
    if (str_to_double(text, &number))
        return true;
    if (strchr("-?:,[]{}#&*!|>'\"%@`", text.bytes[0]) != NULL)
        return true;
    return str_contains(text, STR(": ")) || str_contains(text, STR(" #")) ||
           str_find_byte(text, '\n') != SIZE_MAX || text.bytes[text.length - 1] == ':';
}

static void yaml_scalar(struct render *render, struct value value, struct buf *to)
{
    struct err ignored;
    if (value.kind == VALUE_NONE) {
        buf_append_cstr(to, "null");
    } else if (value.kind == VALUE_BOOL) {
        buf_append_cstr(to, value_is_true(value) ? "true" : "false");
    } else if (value.kind == VALUE_STR && needs_quotes(value_text(value))) {
        buf_append_byte(to, '\'');
        for (uint32_t i = 0; i < value.length; i++) {
            if (value.bytes[i] == '\'')
                buf_append_byte(to, '\'');
            buf_append_byte(to, value.bytes[i]);
        }
        buf_append_byte(to, '\'');
    } else if (value_print(render, value, to, &ignored) != RC_OK) {
        buf_append_cstr(to, "null");
    }
}

static bool is_flat(struct value value)
{
    if (value.kind == VALUE_LIST || value.kind == VALUE_TUPLE)
        return value.list->count == 0;
    return value.kind != VALUE_DICT || dict_count(value) == 0;
}

static void yaml_flat(struct render *render, struct value value, struct buf *to)
{
    if (value.kind == VALUE_LIST || value.kind == VALUE_TUPLE)
        buf_append_cstr(to, "[]");
    else if (value.kind == VALUE_DICT)
        buf_append_cstr(to, "{}");
    else
        yaml_scalar(render, value, to);
    buf_append_byte(to, '\n');
}

static void indent(struct buf *to, int level)
{
    for (int i = 0; i < level; i++)
        buf_append_cstr(to, "  ");
}

enum { YAML_WRITE_DEPTH = 100 };

static void yaml_block(struct render *render, struct value value, int level, bool is_inline,
                       struct buf *to)
{
    if (is_flat(value) || level > YAML_WRITE_DEPTH) {
        yaml_flat(render, is_flat(value) ? value : value_none(), to);
        return;
    }
    if (value.kind == VALUE_DICT) {
        size_t at = 0;
        struct dict_entry *entry;
        for (bool is_first = true; dict_next(value, &at, &entry); is_first = false) {
            if (!is_first || !is_inline)
                indent(to, level);
            yaml_scalar(render, entry->key, to);
            const bool is_list =
                entry->value.kind == VALUE_LIST || entry->value.kind == VALUE_TUPLE;
            buf_append_cstr(to, is_flat(entry->value) ? ": " : ":\n");
            yaml_block(render, entry->value, is_list ? level : level + 1, false, to);
        }
        return;
    }
    for (uint32_t i = 0; i < value.list->count; i++) {
        if (i > 0 || !is_inline)
            indent(to, level);
        buf_append_cstr(to, "- ");
        yaml_block(render, value.list->items[i], level + 1, true, to);
    }
}

void value_to_yaml(struct render *render, struct value value, struct buf *to)
{
    yaml_block(render, value, 0, false, to);
}
