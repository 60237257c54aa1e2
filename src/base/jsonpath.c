// Evaluating a JSONPath. Depth of recursion: that of the compiled path (JSONPATH_MAX_DEPTH) plus
// that of the value (JSON_MAX_DEPTH) for each `..` inside another.

#include "base/jsonpath.intern.h"

// A value with the way back up, for `parent` and for $ inside a filter.
struct match {
    const struct json *value;
    const struct match *parent; // NULL at the root
};

VEC_TYPE(match_vec, struct match *);

struct search {
    struct arena *arena;
    size_t matches;
    struct err *err;
};

static rc add(struct search *s, const struct json *value, const struct match *parent, match_vec *to)
{
    if (++s->matches > JSONPATH_MAX_MATCHES)
        return err_set(s->err, RC_LIMIT, "a JSONPath matches more than %d values",
                       JSONPATH_MAX_MATCHES);
    struct match *match = ARENA_NEW(s->arena, struct match);
    match->value = value;
    match->parent = parent;
    *vec_push(s->arena, to) = match;
    return RC_OK;
}

static rc find(struct search *s, const struct step *step, const struct match *at, match_vec *to);

// --- Comparing -----------------------------------------------------------------------------------

static bool by_order(enum compare_op op, int order)
{
    switch (op) {
    case OP_EQUAL:
        return order == 0;
    case OP_NOT_EQUAL:
        return order != 0;
    case OP_LESS:
        return order < 0;
    case OP_LESS_EQUAL:
        return order <= 0;
    case OP_GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

// Only numbers and texts have an order; for the rest <= and >= mean equal.
static bool by_equality(enum compare_op op, bool is_equal)
{
    return op == OP_NOT_EQUAL ? !is_equal : op != OP_LESS && op != OP_GREATER && is_equal;
}

static bool compare_numbers(const struct json *a, const struct json *b, enum compare_op op)
{
    int64_t whole_a, whole_b;
    if (json_to_int64(a, &whole_a) && json_to_int64(b, &whole_b))
        return by_order(op, whole_a < whole_b ? -1 : whole_a > whole_b);
    double number_a = 0, number_b = 0;
    if (!json_to_double(a, &number_a) || !json_to_double(b, &number_b))
        return by_equality(op, str_equal(a->text, b->text));
    return by_order(op, number_a < number_b ? -1 : number_a > number_b);
}

static bool compare(const struct json *a, const struct json *b, enum compare_op op)
{
    if (a->kind == JSON_NUMBER && b->kind == JSON_NUMBER)
        return compare_numbers(a, b, op);
    if (a->kind == JSON_STRING && b->kind == JSON_STRING)
        return by_order(op, str_compare(a->text, b->text));
    return by_equality(op, json_equal(a, b));
}

// --- Conditions ----------------------------------------------------------------------------------

static rc holds(struct search *s, const struct condition *c, const struct match *at, bool *ret);

static rc compare_holds(struct search *s, const struct condition *c, const struct match *at,
                        const match_vec *found, bool *ret)
{
    match_vec others = {0};
    struct match literal = {.value = &c->literal};
    if (c->other != NULL)
        TRY(find(s, c->other, at, &others));
    else
        *vec_push(s->arena, &others) = &literal;
    *ret = false;
    // Nothing is equal to nothing, and to nothing else.
    if (found->count == 0 || others.count == 0)
        *ret = by_equality(c->op, found->count == 0 && others.count == 0);
    for (size_t i = 0; i < found->count && !*ret; i++)
        for (size_t k = 0; k < others.count && !*ret; k++)
            *ret = compare(found->items[i]->value, others.items[k]->value, c->op);
    return RC_OK;
}

static rc matches_holds(struct search *s, const struct condition *c, const match_vec *found,
                        bool *ret)
{
    *ret = false;
    for (size_t i = 0; i < found->count && !*ret; i++)
        if (found->items[i]->value->kind == JSON_STRING)
            TRY(regex_search(c->pattern, found->items[i]->value->text, 0, ret, NULL, s->err));
    return RC_OK;
}

static rc holds(struct search *s, const struct condition *c, const struct match *at, bool *ret)
{
    if (c->kind == TEST_AND || c->kind == TEST_OR) {
        TRY(holds(s, c->left, at, ret));
        return *ret == (c->kind == TEST_AND) ? holds(s, c->right, at, ret) : RC_OK;
    }
    match_vec found = {0};
    TRY(find(s, c->path, at, &found));
    switch (c->kind) {
    case TEST_COMPARE:
        return compare_holds(s, c, at, &found, ret);
    case TEST_MATCHES:
        return matches_holds(s, c, &found, ret);
    default:
        *ret = (found.count > 0) == (c->kind == TEST_EXISTS);
        return RC_OK;
    }
}

// --- Steps ---------------------------------------------------------------------------------------

static const struct json *child_at(const struct json *value, size_t index)
{
    return value->kind == JSON_ARRAY ? &value->items[index] : &value->members[index].value;
}

static bool has_children(const struct json *value)
{
    return value->kind == JSON_ARRAY || value->kind == JSON_OBJECT;
}

static rc find_fields(struct search *s, const struct step *step, const struct match *at,
                      match_vec *to)
{
    for (size_t i = 0; i < step->names.count; i++) {
        const struct json *value = json_get(at->value, step->names.items[i]);
        if (value != NULL)
            TRY(add(s, value, at, to));
    }
    return RC_OK;
}

static rc find_children(struct search *s, const struct match *at, match_vec *to)
{
    if (has_children(at->value))
        for (size_t i = 0; i < at->value->count; i++)
            TRY(add(s, child_at(at->value, i), at, to));
    return RC_OK;
}

static rc find_indexes(struct search *s, const struct step *step, const struct match *at,
                       match_vec *to)
{
    if (at->value->kind != JSON_ARRAY)
        return RC_OK;
    const int64_t count = (int64_t)at->value->count;
    for (size_t i = 0; i < step->indexes.count; i++) {
        const int64_t index = step->indexes.items[i];
        if (index >= -count && index < count)
            TRY(add(s, &at->value->items[index < 0 ? index + count : index], at, to));
    }
    return RC_OK;
}

// A bound as Python's slice.indices() settles it.
static int64_t bound_of(bool is_given, int64_t bound, int64_t fallback, int64_t count, int64_t step)
{
    const int64_t least = step < 0 ? -1 : 0, most = step < 0 ? count - 1 : count;
    if (!is_given)
        return fallback;
    if (bound < 0)
        bound = bound < -count ? least : bound + count;
    return bound < least ? least : bound > most ? most : bound;
}

static rc find_slice(struct search *s, const struct step *step, const struct match *at,
                     match_vec *to)
{
    const struct slice *slice = &step->slice;
    const int64_t by = slice->has_step ? slice->step : 1;
    if (at->value->kind != JSON_ARRAY || by == 0)
        return RC_OK;
    const int64_t count = (int64_t)at->value->count;
    const int64_t start =
        bound_of(slice->has_start, slice->start, by < 0 ? count - 1 : 0, count, by);
    const int64_t end = bound_of(slice->has_end, slice->end, by < 0 ? -1 : count, count, by);
    for (int64_t i = start; by < 0 ? i > end : i < end;) {
        TRY(add(s, &at->value->items[i], at, to));
        if (__builtin_add_overflow(i, by, &i))
            break;
    }
    return RC_OK;
}

static rc find_filtered(struct search *s, const struct step *step, const struct match *at,
                        match_vec *to)
{
    if (!has_children(at->value))
        return RC_OK;
    for (size_t i = 0; i < at->value->count; i++) {
        struct match *child = ARENA_NEW(s->arena, struct match);
        child->value = child_at(at->value, i);
        child->parent = at;
        bool is_kept;
        TRY(holds(s, step->condition, child, &is_kept));
        if (is_kept)
            TRY(add(s, child->value, at, to));
    }
    return RC_OK;
}

// The value itself first, then what it holds, in the order of the text.
static rc find_below(struct search *s, const struct step *step, const struct match *at,
                     match_vec *to)
{
    TRY(find(s, step, at, to));
    match_vec children = {0};
    TRY(find_children(s, at, &children));
    for (size_t i = 0; i < children.count; i++)
        TRY(find_below(s, step, children.items[i], to));
    return RC_OK;
}

static rc find_joined(struct search *s, const struct step *step, const struct match *at,
                      match_vec *to)
{
    if (step->kind == STEP_UNION) {
        TRY(find(s, step->left, at, to));
        return find(s, step->right, at, to);
    }
    match_vec left = {0};
    TRY(find(s, step->left, at, &left));
    for (size_t i = 0; i < left.count; i++) {
        if (step->kind == STEP_CHILD) {
            TRY(find(s, step->right, left.items[i], to));
        } else if (step->kind == STEP_DESCENDANTS) {
            TRY(find_below(s, step->right, left.items[i], to));
        } else {
            match_vec right = {0};
            TRY(find(s, step->right, left.items[i], &right));
            if ((right.count > 0) == (step->kind == STEP_WHERE))
                *vec_push(s->arena, to) = left.items[i];
        }
    }
    return RC_OK;
}

static rc find(struct search *s, const struct step *step, const struct match *at, match_vec *to)
{
    switch (step->kind) {
    case STEP_ROOT:
        while (at->parent != NULL)
            at = at->parent;
        return add(s, at->value, NULL, to);
    case STEP_THIS:
        return add(s, at->value, at->parent, to);
    case STEP_PARENT:
        return at->parent != NULL ? add(s, at->parent->value, at->parent->parent, to) : RC_OK;
    case STEP_FIELDS:
        return find_fields(s, step, at, to);
    case STEP_WILDCARD:
        return find_children(s, at, to);
    case STEP_INDEX:
        return find_indexes(s, step, at, to);
    case STEP_SLICE:
        return find_slice(s, step, at, to);
    case STEP_FILTER:
        return find_filtered(s, step, at, to);
    default:
        return find_joined(s, step, at, to);
    }
}

rc jsonpath_find(const struct jsonpath *path, struct arena *arena, const struct json *root,
                 json_match_vec *ret_matches, struct err *err)
{
    json_match_vec matches = {0};
    struct str name;
    if (jsonpath_is_field(path, &name)) { // most paths; no way back up is needed
        const struct json *value = json_get(root, name);
        if (value != NULL)
            *vec_push(arena, &matches) = value;
        *ret_matches = matches;
        return RC_OK;
    }
    struct search s = {.arena = arena_open(NULL), .err = err};
    const struct match top = {.value = root};
    match_vec found = {0};
    const rc code = find(&s, path->step, &top, &found);
    for (size_t i = 0; i < found.count && code == RC_OK; i++)
        *vec_push(arena, &matches) = found.items[i]->value;
    arena_close(s.arena);
    if (code == RC_OK)
        *ret_matches = matches;
    return code;
}

rc jsonpath_first(const struct jsonpath *path, struct arena *arena, const struct json *root,
                  const struct json **ret_match, struct err *err)
{
    json_match_vec matches;
    TRY(jsonpath_find(path, arena, root, &matches, err));
    *ret_match = matches.count > 0 ? matches.items[0] : NULL;
    return RC_OK;
}
