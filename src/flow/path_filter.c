#include "flow/path_filter.h"

#include "flow/path.h"

enum filter_kind {
    FILTER_AND,
    FILTER_OR,
    FILTER_NOT,
    FILTER_EXISTS,
    FILTER_EQUAL,
    FILTER_NOT_EQUAL,
    FILTER_LESS,
    FILTER_LESS_EQUAL,
    FILTER_GREATER,
    FILTER_GREATER_EQUAL,
};

/// A literal, or the place that @... names.
struct operand {
    bool is_path;
    struct json literal;
    const struct path *path; // with $ for @
};

struct path_filter {
    enum filter_kind kind;
    const struct path_filter *left, *right;
    struct operand a, b;
};

struct filter_parser {
    struct arena *arena;
    struct str text;
    size_t at;
    int depth;
    struct err *err;
};

static rc parse_or(struct filter_parser *p, const struct path_filter **ret);

static void skip_blanks(struct filter_parser *p)
{
    while (p->at < p->text.length && (p->text.bytes[p->at] == ' ' || p->text.bytes[p->at] == '\t'))
        p->at++;
}

static bool take(struct filter_parser *p, const char *word)
{
    skip_blanks(p);
    if (!str_has_prefix(str_slice(p->text, p->at, SIZE_MAX), str_of(word)))
        return false;
    p->at += strlen(word);
    return true;
}

static rc filter_error(struct filter_parser *p, const char *what)
{
    return err_set(p->err, RC_INVALID, "the path %.*s is wrong at character %zu: %s",
                   STR_ARGS(p->text), p->at + 1, what);
}

/// The end of a path or literal word inside a condition: brackets and quotes are skipped whole.
static size_t word_end(struct str text, size_t at)
{
    int depth = 0;
    char quote = '\0';
    for (; at < text.length; at++) {
        const char c = text.bytes[at];
        if (quote != '\0') {
            if (c == quote)
                quote = '\0';
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '[') {
            depth++;
        } else if (c == ']' && depth > 0) {
            depth--;
        } else if (depth == 0 && strchr(" \t()]=!<>&|,", c) != NULL) {
            break;
        }
    }
    return at;
}

static rc take_path(struct filter_parser *p, struct operand *operand)
{
    const size_t end = word_end(p->text, p->at);
    const struct str rest = str_slice(p->text, p->at + 1, end - p->at - 1);
    p->at = end;
    operand->is_path = true;
    return path_parse(p->arena, str_concat(p->arena, STR("$"), rest), &operand->path, p->err);
}

static rc take_operand(struct filter_parser *p, struct operand *operand)
{
    skip_blanks(p);
    const char first = p->at < p->text.length ? p->text.bytes[p->at] : '\0';
    if (first == '@')
        return take_path(p, operand);
    if (first == '\'') {
        const struct str rest = str_slice(p->text, p->at + 1, SIZE_MAX);
        const size_t length = str_find_byte(rest, '\'');
        if (length == SIZE_MAX)
            return filter_error(p, "the quote is not closed");
        operand->literal = json_of_str(str_slice(rest, 0, length));
        p->at += length + 2;
        return RC_OK;
    }
    const size_t end = word_end(p->text, p->at);
    struct err ignored;
    const struct str word = str_slice(p->text, p->at, end - p->at);
    if (json_parse(p->arena, word, "filter", &operand->literal, &ignored) != RC_OK)
        return filter_error(p, "a value or @ was expected");
    p->at = end;
    return RC_OK;
}

static rc parse_comparison(struct filter_parser *p, struct path_filter *filter)
{
    static const struct {
        const char *text;
        enum filter_kind kind;
    } operators[] = {{"==", FILTER_EQUAL},      {"!=", FILTER_NOT_EQUAL},
                     {"<=", FILTER_LESS_EQUAL}, {">=", FILTER_GREATER_EQUAL},
                     {"<", FILTER_LESS},        {">", FILTER_GREATER}};
    TRY(take_operand(p, &filter->a));
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (take(p, operators[i].text)) {
            filter->kind = operators[i].kind;
            return take_operand(p, &filter->b);
        }
    filter->kind = FILTER_EXISTS;
    return filter->a.is_path ? RC_OK : filter_error(p, "a comparison was expected");
}

static rc parse_unary(struct filter_parser *p, const struct path_filter **ret)
{
    struct path_filter *filter = ARENA_NEW(p->arena, struct path_filter);
    if (++p->depth > PATH_MAX_FILTER_DEPTH)
        return err_set(p->err, RC_LIMIT, "the condition of the path is nested too deep");
    *ret = filter;
    rc code = RC_OK;
    if (take(p, "(")) {
        code = parse_or(p, ret);
        if (code == RC_OK && !take(p, ")"))
            code = filter_error(p, ") was expected");
    } else if (take(p, "!")) {
        filter->kind = FILTER_NOT;
        code = parse_unary(p, &filter->left);
    } else {
        code = parse_comparison(p, filter);
    }
    p->depth--;
    return code;
}

static rc parse_chain(struct filter_parser *p, const char *word, enum filter_kind kind,
                      rc (*parse_part)(struct filter_parser *p, const struct path_filter **ret),
                      const struct path_filter **ret)
{
    TRY(parse_part(p, ret));
    int length = 0;
    while (take(p, word)) {
        if (++length > PATH_MAX_STEPS)
            return err_set(p->err, RC_LIMIT, "the condition of the path has too many parts");
        struct path_filter *filter = ARENA_NEW(p->arena, struct path_filter);
        filter->kind = kind;
        filter->left = *ret;
        TRY(parse_part(p, &filter->right));
        *ret = filter;
    }
    return RC_OK;
}

static rc parse_and(struct filter_parser *p, const struct path_filter **ret)
{
    return parse_chain(p, "&&", FILTER_AND, parse_unary, ret);
}

static rc parse_or(struct filter_parser *p, const struct path_filter **ret)
{
    return parse_chain(p, "||", FILTER_OR, parse_and, ret);
}

rc path_filter_parse(struct arena *arena, struct str text, size_t *at,
                     const struct path_filter **ret_filter, struct err *err)
{
    struct filter_parser p = {.arena = arena, .text = text, .at = *at, .err = err};
    TRY(parse_or(&p, ret_filter));
    *at = p.at;
    return RC_OK;
}

static bool value_of(struct arena *arena, const struct operand *operand, const struct json *item,
                     struct json *ret_value)
{
    if (!operand->is_path) {
        *ret_value = operand->literal;
        return true;
    }
    struct err ignored;
    const struct flow_scope scope = {.input = item};
    return path_get(arena, operand->path, &scope, ret_value, &ignored) == RC_OK;
}

static bool are_equal(const struct json *a, const struct json *b)
{
    double x, y;
    if (a->kind == JSON_NUMBER && b->kind == JSON_NUMBER && json_to_double(a, &x) &&
        json_to_double(b, &y))
        return x == y;
    return json_equal(a, b);
}

/// <0, 0, >0; false when the two have no order.
static bool compare(const struct json *a, const struct json *b, int *ret_order)
{
    double x, y;
    if (a->kind == JSON_NUMBER && b->kind == JSON_NUMBER && json_to_double(a, &x) &&
        json_to_double(b, &y))
        *ret_order = x < y ? -1 : x > y;
    else if (a->kind == JSON_STRING && b->kind == JSON_STRING)
        *ret_order = str_compare(a->text, b->text);
    else
        return false;
    return true;
}

static bool holds(enum filter_kind kind, const struct json *a, const struct json *b)
{
    int order = 0;
    if (kind == FILTER_EQUAL)
        return are_equal(a, b);
    if (kind == FILTER_NOT_EQUAL)
        return !are_equal(a, b);
    if (!compare(a, b, &order))
        return false;
    return kind == FILTER_LESS         ? order < 0
           : kind == FILTER_LESS_EQUAL ? order <= 0
           : kind == FILTER_GREATER    ? order > 0
                                       : order >= 0;
}

static bool takes(struct arena *arena, const struct path_filter *filter, const struct json *item)
{
    struct json a, b;
    switch (filter->kind) {
    case FILTER_AND:
        return takes(arena, filter->left, item) && takes(arena, filter->right, item);
    case FILTER_OR:
        return takes(arena, filter->left, item) || takes(arena, filter->right, item);
    case FILTER_NOT:
        return !takes(arena, filter->left, item);
    case FILTER_EXISTS:
        return value_of(arena, &filter->a, item, &a);
    default:
        return value_of(arena, &filter->a, item, &a) && value_of(arena, &filter->b, item, &b) &&
               holds(filter->kind, &a, &b);
    }
}

bool path_filter_takes(const struct path_filter *filter, const struct json *value)
{
    struct arena *scratch = arena_open(NULL);
    const bool is_taken = takes(scratch, filter, value);
    arena_close(scratch);
    return is_taken;
}
