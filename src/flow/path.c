#include "flow/path.h"

#include "base/vec.h"
#include "flow/path_filter.h"

enum step_kind { STEP_NAME, STEP_INDEX, STEP_SLICE, STEP_WILDCARD, STEP_UNION, STEP_FILTER };

struct step {
    enum step_kind kind;
    bool is_deep;    // behind "..": applies to the value and all below it
    struct str name; // NAME
    int64_t index;   // INDEX; from the end when negative
    bool has_start, has_end;
    int64_t start, end, stride; // SLICE
    struct step *parts;         // UNION: names and indexes
    size_t part_count;
    const struct path_filter *filter;
};
VEC_TYPE(step_vec, struct step);
VEC_TYPE(hit_vec, const struct json *);

struct path {
    struct str text;
    enum { ROOT_INPUT, ROOT_CONTEXT, ROOT_VARIABLE } root;
    struct str variable;
    step_vec steps;
};

struct path_parser {
    struct arena *arena;
    struct str text;
    size_t at;
    struct err *err;
};

static rc syntax_error(struct path_parser *p, const char *what)
{
    return err_set(p->err, RC_INVALID, "the path %.*s is wrong at character %zu: %s",
                   STR_ARGS(p->text), p->at + 1, what);
}

static char peek(const struct path_parser *p)
{
    return p->at < p->text.length ? p->text.bytes[p->at] : '\0';
}

static void skip_blanks(struct path_parser *p)
{
    while (peek(p) == ' ' || peek(p) == '\t')
        p->at++;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '@' || c == ':' || (unsigned char)c >= 0x80;
}

static struct str take_name(struct path_parser *p)
{
    const size_t start = p->at;
    while (is_name_byte(peek(p)))
        p->at++;
    return str_slice(p->text, start, p->at - start);
}

static rc take_number(struct path_parser *p, int64_t *ret_number)
{
    const size_t start = p->at;
    if (peek(p) == '-')
        p->at++;
    while (peek(p) >= '0' && peek(p) <= '9')
        p->at++;
    if (!str_to_int64(str_slice(p->text, start, p->at - start), ret_number))
        return syntax_error(p, "a number was expected");
    return RC_OK;
}

/// 'text' or "text"; a backslash hides the quote and itself, before others it is plain.
static rc take_quoted(struct path_parser *p, struct str *ret_text)
{
    const char quote = peek(p);
    struct str text = {0};
    char *to = arena_alloc(p->arena, p->text.length);
    p->at++;
    while (p->at < p->text.length && peek(p) != quote) {
        const char next = p->at + 1 < p->text.length ? p->text.bytes[p->at + 1] : '\0';
        if (peek(p) == '\\' && (next == quote || next == '\\'))
            p->at++;
        to[text.length++] = p->text.bytes[p->at++];
    }
    if (p->at >= p->text.length)
        return syntax_error(p, "the quote is not closed");
    p->at++;
    text.bytes = to;
    *ret_text = text;
    return RC_OK;
}

static bool starts_number(char c)
{
    return (c >= '0' && c <= '9') || c == '-';
}

/// "1", "1:", ":2", "1:2:3" inside brackets.
static rc take_index_or_slice(struct path_parser *p, struct step *step)
{
    step->stride = 1;
    if (starts_number(peek(p))) {
        TRY(take_number(p, &step->start));
        step->has_start = true;
    }
    skip_blanks(p);
    if (peek(p) != ':') {
        step->kind = STEP_INDEX;
        step->index = step->start;
        return step->has_start ? RC_OK : syntax_error(p, "a name, a number or * was expected");
    }
    step->kind = STEP_SLICE;
    p->at++;
    skip_blanks(p);
    if (starts_number(peek(p))) {
        TRY(take_number(p, &step->end));
        step->has_end = true;
    }
    skip_blanks(p);
    if (peek(p) == ':') {
        p->at++;
        TRY(take_number(p, &step->stride));
        if (step->stride <= 0)
            return syntax_error(p, "the step of a slice must be above 0");
    }
    return RC_OK;
}

static rc take_union_part(struct path_parser *p, struct step *step)
{
    if (peek(p) == '\'' || peek(p) == '"') {
        step->kind = STEP_NAME;
        return take_quoted(p, &step->name);
    }
    return take_index_or_slice(p, step);
}

/// What stands in brackets; p->at is behind the "[".
static rc take_bracket(struct path_parser *p, struct step *step)
{
    step_vec parts = {0};
    skip_blanks(p);
    if (peek(p) == '*') {
        p->at++;
        step->kind = STEP_WILDCARD;
    } else if (peek(p) == '?') {
        p->at++;
        step->kind = STEP_FILTER;
        TRY(path_filter_parse(p->arena, p->text, &p->at, &step->filter, p->err));
    } else {
        bool is_more = true;
        while (is_more) {
            struct step part = {0};
            TRY(take_union_part(p, &part));
            *vec_push(p->arena, &parts) = part;
            skip_blanks(p);
            is_more = peek(p) == ',';
            if (is_more) {
                p->at++;
                skip_blanks(p);
            }
        }
        const bool is_deep = step->is_deep;
        if (parts.count == 1)
            *step = parts.items[0];
        else
            *step =
                (struct step){.kind = STEP_UNION, .parts = parts.items, .part_count = parts.count};
        step->is_deep = is_deep;
    }
    skip_blanks(p);
    if (peek(p) != ']')
        return syntax_error(p, "] was expected");
    p->at++;
    return RC_OK;
}

static rc take_step(struct path_parser *p, struct step *step)
{
    if (peek(p) == '[') {
        p->at++;
        return take_bracket(p, step);
    }
    if (peek(p) != '.')
        return syntax_error(p, ". or [ was expected");
    p->at++;
    if (peek(p) == '.') {
        p->at++;
        step->is_deep = true;
    }
    if (step->is_deep && peek(p) == '[') {
        p->at++;
        return take_bracket(p, step);
    }
    if (peek(p) == '*') {
        p->at++;
        step->kind = STEP_WILDCARD;
        return RC_OK;
    }
    step->kind = STEP_NAME;
    step->name = take_name(p);
    return step->name.length > 0 ? RC_OK : syntax_error(p, "a name was expected");
}

rc path_parse(struct arena *arena, struct str text, const struct path **ret_path, struct err *err)
{
    struct path_parser p = {.arena = arena, .text = text, .err = err};
    struct path *path = ARENA_NEW(arena, struct path);
    path->text = text;
    if (peek(&p) != '$')
        return syntax_error(&p, "a path starts with $");
    p.at++;
    if (peek(&p) == '$') {
        p.at++;
        path->root = ROOT_CONTEXT;
    } else if (is_name_byte(peek(&p))) {
        path->root = ROOT_VARIABLE;
        path->variable = take_name(&p);
    }
    while (p.at < text.length) {
        if (path->steps.count >= PATH_MAX_STEPS)
            return err_set(err, RC_LIMIT, "the path has more than %d steps", PATH_MAX_STEPS);
        struct step step = {0};
        TRY(take_step(&p, &step));
        *vec_push(arena, &path->steps) = step;
    }
    *ret_path = path;
    return RC_OK;
}

bool path_is_reference(const struct path *path)
{
    for (size_t i = 0; i < path->steps.count; i++) {
        const struct step *step = &path->steps.items[i];
        if (step->is_deep || (step->kind != STEP_NAME && step->kind != STEP_INDEX))
            return false;
    }
    return true;
}

struct str path_canonical(struct arena *arena, const struct path *path)
{
    struct str text = path->root == ROOT_CONTEXT    ? STR("$$")
                      : path->root == ROOT_VARIABLE ? str_concat(arena, STR("$"), path->variable)
                                                    : STR("$");
    for (size_t i = 0; i < path->steps.count; i++) {
        const struct step *step = &path->steps.items[i];
        const char *deep = step->is_deep ? ".." : "";
        struct str part = STR("[...]");
        if (step->kind == STEP_NAME)
            part = arena_printf(arena, "%s['%.*s']", deep, STR_ARGS(step->name));
        else if (step->kind == STEP_INDEX)
            part = arena_printf(arena, "%s[%lld]", deep, (long long)step->index);
        else if (step->kind == STEP_WILDCARD)
            part = arena_printf(arena, "%s[*]", deep);
        text = str_concat(arena, text, part);
    }
    return text;
}

static rc add_hit(struct arena *arena, hit_vec *hits, const struct json *value, struct err *err)
{
    if (hits->count >= PATH_MAX_HITS)
        return err_set(err, RC_LIMIT, "the path has more than %d results", PATH_MAX_HITS);
    *vec_push(arena, hits) = value;
    return RC_OK;
}

static const struct json *item_at(const struct json *value, int64_t index)
{
    if (value->kind != JSON_ARRAY)
        return NULL;
    if (index < 0)
        index += (int64_t)value->count;
    return index >= 0 && (uint64_t)index < value->count ? &value->items[index] : NULL;
}

static int64_t clip(int64_t index, int64_t count)
{
    if (index < 0)
        index += count;
    return index < 0 ? 0 : index > count ? count : index;
}

static rc hit_slice(struct arena *arena, const struct step *step, const struct json *value,
                    hit_vec *hits, struct err *err)
{
    if (value->kind != JSON_ARRAY)
        return RC_OK;
    const int64_t count = (int64_t)value->count;
    const int64_t start = step->has_start ? clip(step->start, count) : 0;
    const int64_t end = step->has_end ? clip(step->end, count) : count;
    for (int64_t i = start; i < end; i += step->stride) {
        TRY(add_hit(arena, hits, &value->items[i], err));
        if (step->stride > count)
            break;
    }
    return RC_OK;
}

/// Every child, or those that the filter takes.
static rc hit_children(struct arena *arena, const struct step *step, const struct json *value,
                       hit_vec *hits, struct err *err)
{
    if (value->kind != JSON_ARRAY && value->kind != JSON_OBJECT)
        return RC_OK;
    for (size_t i = 0; i < value->count; i++) {
        const struct json *child =
            value->kind == JSON_ARRAY ? &value->items[i] : &value->members[i].value;
        if (step->kind == STEP_WILDCARD || path_filter_takes(step->filter, child))
            TRY(add_hit(arena, hits, child, err));
    }
    return RC_OK;
}

static rc hit_step(struct arena *arena, const struct step *step, const struct json *value,
                   hit_vec *hits, struct err *err)
{
    const struct json *found = NULL;
    switch (step->kind) {
    case STEP_NAME:
        found = json_get(value, step->name);
        break;
    case STEP_INDEX:
        found = item_at(value, step->index);
        break;
    case STEP_SLICE:
        return hit_slice(arena, step, value, hits, err);
    case STEP_WILDCARD:
    case STEP_FILTER:
        return hit_children(arena, step, value, hits, err);
    case STEP_UNION:
        for (size_t i = 0; i < step->part_count; i++)
            TRY(hit_step(arena, &step->parts[i], value, hits, err));
        return RC_OK;
    }
    return found != NULL ? add_hit(arena, hits, found, err) : RC_OK;
}

/// The step on the value and on all below it. The depth is that of a parsed JSON text, hence
/// bounded.
static rc hit_deep(struct arena *arena, const struct step *step, const struct json *value,
                   hit_vec *hits, struct err *err)
{
    TRY(hit_step(arena, step, value, hits, err));
    if (value->kind == JSON_ARRAY || value->kind == JSON_OBJECT)
        for (size_t i = 0; i < value->count; i++)
            TRY(hit_deep(arena, step,
                         value->kind == JSON_ARRAY ? &value->items[i] : &value->members[i].value,
                         hits, err));
    return RC_OK;
}

static rc root_of(const struct path *path, const struct flow_scope *scope,
                  const struct json **ret_root, struct err *err)
{
    *ret_root = path->root == ROOT_INPUT     ? scope->input
                : path->root == ROOT_CONTEXT ? scope->context
                                             : flow_variable_get(scope->variables, path->variable);
    if (*ret_root == NULL)
        return err_set(err, RC_NOT_FOUND, "No results for path: %s%.*s",
                       path->root == ROOT_CONTEXT ? "$$" : "$", STR_ARGS(path->variable));
    return RC_OK;
}

rc path_get(struct arena *arena, const struct path *path, const struct flow_scope *scope,
            struct json *ret_value, struct err *err)
{
    const struct json *root;
    TRY(root_of(path, scope, &root, err));
    hit_vec hits = {0};
    *vec_push(arena, &hits) = root;
    for (size_t i = 0; i < path->steps.count; i++) {
        const struct step *step = &path->steps.items[i];
        hit_vec next = {0};
        for (size_t k = 0; k < hits.count; k++)
            TRY(step->is_deep ? hit_deep(arena, step, hits.items[k], &next, err)
                              : hit_step(arena, step, hits.items[k], &next, err));
        hits = next;
    }
    if (!path_is_reference(path)) {
        struct json list = {.kind = JSON_ARRAY};
        for (size_t i = 0; i < hits.count; i++)
            *json_array_push(arena, &list) = *hits.items[i];
        *ret_value = list;
        return RC_OK;
    }
    if (hits.count == 0)
        return err_set(err, RC_NOT_FOUND, "No results for path: %.*s",
                       STR_ARGS(path_canonical(arena, path)));
    *ret_value = *hits.items[0];
    return RC_OK;
}

rc path_eval(struct arena *arena, struct str text, const struct flow_scope *scope,
             struct json *ret_value, struct err *err)
{
    const struct path *path;
    TRY(path_parse(arena, text, &path, err));
    return path_get(arena, path, scope, ret_value, err);
}

const struct json *flow_variable_get(const struct flow_variables *variables, struct str name)
{
    for (; variables != NULL; variables = variables->outer)
        if (map_has(&variables->values, name))
            return map_get(&variables->values, name);
    return NULL;
}

/// A copy of one level whose child can be replaced without touching the original.
static struct json copy_level(struct arena *arena, const struct json *value)
{
    struct json copy = *value;
    if (value->kind == JSON_OBJECT) {
        copy = (struct json){.kind = JSON_OBJECT};
        for (size_t i = 0; i < value->count; i++)
            *json_object_set(arena, &copy, value->members[i].key) = value->members[i].value;
    }
    if (value->kind == JSON_ARRAY) {
        copy.items = ARENA_ARRAY(arena, struct json, value->count + 1);
        memcpy(copy.items, value->items, value->count * sizeof *copy.items);
    }
    return copy;
}

rc path_set(struct arena *arena, const struct path *path, const struct json *target,
            const struct json *value, struct json *ret_value, struct err *err)
{
    if (path->steps.count == 0) {
        *ret_value = *value;
        return RC_OK;
    }
    struct json root = copy_level(arena, target);
    struct json *place = &root;
    for (size_t i = 0; i < path->steps.count; i++) {
        const struct step *step = &path->steps.items[i];
        struct json *next = NULL;
        if (step->kind == STEP_NAME) {
            if (place->kind == JSON_NULL && i > 0)
                *place = (struct json){.kind = JSON_OBJECT};
            if (place->kind == JSON_OBJECT)
                next = json_object_set(arena, place, step->name);
        } else if (step->kind == STEP_INDEX && place->kind == JSON_ARRAY && step->index >= 0 &&
                   (uint64_t)step->index < place->count) {
            next = &place->items[step->index];
        }
        if (next == NULL)
            return err_set(err, RC_INVALID, "there is no place for %.*s in the input",
                           STR_ARGS(path->text));
        if (i + 1 < path->steps.count)
            *next = copy_level(arena, next);
        place = next;
    }
    *place = *value;
    *ret_value = root;
    return RC_OK;
}
