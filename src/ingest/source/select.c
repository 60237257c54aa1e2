// Choosing values of a JSON document by a path. Layer: ingest. Source: the part of JSONPath that
// dlt's configurations use (jsonpath-ng): $, a.b, a['b'], "b", [n], [*], .*, ..b.
// Threads: a compiled selector is read-only. Limits: SELECTOR_MAX_STEPS; descents go as deep as the
// JSON reader lets documents be.

#include "ingest/source/select.h"

enum { SELECTOR_MAX_STEPS = 64 };

enum step_kind { STEP_FIELD, STEP_INDEX, STEP_ALL, STEP_DESCEND };

struct step {
    enum step_kind kind;
    struct str field;
    int64_t index;
};

struct selector {
    struct str text;
    struct step steps[SELECTOR_MAX_STEPS];
    size_t count;
};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '@' || c == '#' || c == ':' || (unsigned char)c >= 0x80;
}

bool selector_is_field(struct str path)
{
    for (size_t i = 0; i < path.length; i++)
        if (!is_word(path.bytes[i]))
            return false;
    return path.length > 0;
}

static rc path_error(struct str path, size_t at, struct err *err)
{
    err_set(err, RC_CONFIG, "'%.*s' is no JSONPath: cannot read on at character %zu",
            STR_ARGS(path), at + 1);
    return err_hint(err, "examples: data.items, $.a['b c'], results[*].name, items[0]");
}

static rc add_step(struct selector *selector, struct step step, struct err *err)
{
    if (selector->count == SELECTOR_MAX_STEPS)
        return err_set(err, RC_LIMIT, "the path '%.*s' has more than %d steps",
                       STR_ARGS(selector->text), SELECTOR_MAX_STEPS);
    selector->steps[selector->count++] = step;
    return RC_OK;
}

// [0], [-1], [*], ['a b'], ["a b"]; `*at` stands behind the bracket.
static rc read_bracket(struct selector *selector, size_t *at, struct err *err)
{
    const struct str text = selector->text;
    const char first = *at < text.length ? text.bytes[*at] : '\0';
    size_t end;
    struct step step = {.kind = STEP_FIELD};
    if (first == '\'' || first == '"') {
        const struct str rest = str_slice(text, *at + 1, text.length);
        const size_t quote = str_find_byte(rest, first);
        if (quote == SIZE_MAX)
            return path_error(text, *at, err);
        step.field = str_slice(rest, 0, quote);
        end = *at + 1 + quote + 1;
    } else {
        const struct str rest = str_slice(text, *at, text.length);
        const size_t close = str_find_byte(rest, ']');
        if (close == SIZE_MAX)
            return path_error(text, *at, err);
        const struct str inner = str_trim(str_slice(rest, 0, close));
        step.kind = str_is(inner, "*") ? STEP_ALL : STEP_INDEX;
        if (step.kind == STEP_INDEX && !str_to_int64(inner, &step.index))
            return path_error(text, *at, err);
        end = *at + close;
    }
    if (end >= text.length || text.bytes[end] != ']')
        return path_error(text, end, err);
    *at = end + 1;
    return add_step(selector, step, err);
}

static rc read_name(struct selector *selector, size_t *at, struct err *err)
{
    const struct str text = selector->text;
    if (*at < text.length && text.bytes[*at] == '*') {
        ++*at;
        return add_step(selector, (struct step){.kind = STEP_ALL}, err);
    }
    if (*at < text.length && (text.bytes[*at] == '\'' || text.bytes[*at] == '"')) {
        const struct str rest = str_slice(text, *at + 1, text.length);
        const size_t quote = str_find_byte(rest, text.bytes[*at]);
        if (quote == SIZE_MAX)
            return path_error(text, *at, err);
        *at += quote + 2;
        return add_step(selector,
                        (struct step){.kind = STEP_FIELD, .field = str_slice(rest, 0, quote)}, err);
    }
    size_t end = *at;
    while (end < text.length && is_word(text.bytes[end]))
        end++;
    if (end == *at)
        return path_error(text, *at, err);
    const struct step step = {.kind = STEP_FIELD, .field = str_slice(text, *at, end - *at)};
    *at = end;
    return add_step(selector, step, err);
}

rc selector_compile(struct arena *arena, struct str path, const struct selector **ret,
                    struct err *err)
{
    struct selector *selector = ARENA_NEW(arena, struct selector);
    selector->text = arena_str(arena, str_trim(path));
    const struct str text = selector->text;
    size_t at = 0;
    if (text.length == 0)
        return err_set(err, RC_CONFIG, "a path is empty");
    if (text.bytes[0] == '$')
        at = 1;
    else if (text.bytes[0] != '[')
        TRY(read_name(selector, &at, err));
    while (at < text.length) {
        if (text.bytes[at] == '[') {
            at++;
            TRY(read_bracket(selector, &at, err));
            continue;
        }
        if (text.bytes[at] != '.')
            return path_error(text, at, err);
        at++;
        if (at < text.length && text.bytes[at] == '.') {
            at++;
            TRY(add_step(selector, (struct step){.kind = STEP_DESCEND}, err));
        }
        if (at < text.length && text.bytes[at] == '[')
            continue;
        TRY(read_name(selector, &at, err));
    }
    *ret = selector;
    return RC_OK;
}

struct str selector_text(const struct selector *selector)
{
    return selector->text;
}

struct search {
    struct arena *arena; // NULL: stop at the first match
    json_ref_vec *all;
    const struct json *first;
};

static bool walk(struct search *search, const struct step *steps, size_t count,
                 const struct json *value);

static bool walk_children(struct search *search, const struct step *steps, size_t count,
                          const struct json *value)
{
    for (size_t i = 0; i < value->count; i++) {
        const struct json *child = value->kind == JSON_ARRAY    ? &value->items[i]
                                   : value->kind == JSON_OBJECT ? &value->members[i].value
                                                                : NULL;
        if (child == NULL || walk(search, steps, count, child))
            return child != NULL;
    }
    return false;
}

// True ends the search. Depth is bounded by the path and by the JSON reader's own limit.
static bool walk(struct search *search, const struct step *steps, size_t count,
                 const struct json *value)
{
    if (count == 0) {
        if (search->first == NULL)
            search->first = value;
        if (search->arena == NULL)
            return true;
        *vec_push(search->arena, search->all) = value;
        return false;
    }
    const bool is_array = value->kind == JSON_ARRAY, is_object = value->kind == JSON_OBJECT;
    switch (steps->kind) {
    case STEP_FIELD: {
        const struct json *member = is_object ? json_get(value, steps->field) : NULL;
        return member != NULL && walk(search, steps + 1, count - 1, member);
    }
    case STEP_INDEX: {
        const int64_t index =
            steps->index < 0 ? steps->index + (int64_t)value->count : steps->index;
        return is_array && index >= 0 && (uint64_t)index < value->count &&
               walk(search, steps + 1, count - 1, &value->items[index]);
    }
    case STEP_ALL:
        return (is_array || is_object) && walk_children(search, steps + 1, count - 1, value);
    case STEP_DESCEND:
        return walk(search, steps + 1, count - 1, value) ||
               ((is_array || is_object) && walk_children(search, steps, count, value));
    }
    return false;
}

rc selector_all(const struct selector *selector, struct arena *arena, const struct json *value,
                json_ref_vec *ret_values, struct err *err)
{
    (void)err;
    json_ref_vec all = {0};
    struct search search = {.arena = arena, .all = &all};
    (void)walk(&search, selector->steps, selector->count, value);
    *ret_values = all;
    return RC_OK;
}

const struct json *selector_first(const struct selector *selector, const struct json *value)
{
    struct search search = {0};
    (void)walk(&search, selector->steps, selector->count, value);
    return search.first;
}
