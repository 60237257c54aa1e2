// The grammar of jsonpath-ng's extended parser by precedence climbing. Its order of binding, from
// loose to tight: `..`, `.`, `|`, `where` and `wherenot`, brackets. All bind to the left.

#include "base/jsonpath.intern.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,   // .text
    TOKEN_QUOTED, // .text
    TOKEN_NUMBER, // .number, .text
    TOKEN_FLOAT,  // .text
    TOKEN_NAMED,  // `...`: .text
    TOKEN_SIGN,   // .text is one or two characters
};

struct token {
    enum token_kind kind;
    struct str text;
    int64_t number;
    size_t at; // offset of its first byte
};

struct parser {
    struct arena *arena;
    struct str text;
    size_t at;
    struct token token; // the current one
    int depth;
    struct err *err;
};

static rc refuse(struct parser *p, const char *wanted)
{
    if (p->token.kind == TOKEN_END)
        return err_set(p->err, RC_INVALID, "JSONPath '%.*s': expected %s at its end",
                       STR_ARGS(p->text), wanted);
    return err_set(p->err, RC_INVALID,
                   "JSONPath '%.*s': expected %s at character %zu, found '%.*s'", STR_ARGS(p->text),
                   wanted, p->token.at + 1, STR_ARGS(p->token.text));
}

// --- Tokens --------------------------------------------------------------------------------------

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char byte_at(const struct parser *p, size_t at)
{
    return at < p->text.length ? p->text.bytes[at] : '\0';
}

static rc scan_quoted(struct parser *p, char quote)
{
    char *to = arena_alloc(p->arena, p->text.length + 1);
    size_t length = 0, at = p->at + 1;
    for (; at < p->text.length && p->text.bytes[at] != quote; at++) {
        if (p->text.bytes[at] == '\\' && at + 1 < p->text.length)
            at++;
        to[length++] = p->text.bytes[at];
    }
    if (at >= p->text.length)
        return err_set(p->err, RC_INVALID, "JSONPath '%.*s': the %c at character %zu is not closed",
                       STR_ARGS(p->text), quote, p->at + 1);
    p->token.kind = quote == '`' ? TOKEN_NAMED : TOKEN_QUOTED;
    p->token.text = (struct str){to, length};
    p->at = at + 1;
    return RC_OK;
}

static rc scan_number(struct parser *p)
{
    const size_t start = p->at;
    p->at++;
    while (is_digit(byte_at(p, p->at)))
        p->at++;
    p->token.kind = TOKEN_NUMBER;
    if (byte_at(p, p->at) == '.' && is_digit(byte_at(p, p->at + 1))) {
        p->token.kind = TOKEN_FLOAT;
        p->at++;
        while (is_digit(byte_at(p, p->at)))
            p->at++;
    }
    p->token.text = str_slice(p->text, start, p->at - start);
    if (p->token.kind == TOKEN_NUMBER && !str_to_int64(p->token.text, &p->token.number))
        return refuse(p, "a smaller number");
    return RC_OK;
}

static size_t sign_length(const struct parser *p)
{
    static const char *const pairs[] = {"..", "==", "!=", "<=", ">=", "=~", "&&", "||"};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (str_has_prefix(str_slice(p->text, p->at, 2), str_of(pairs[i])))
            return 2;
    return 1;
}

static rc next(struct parser *p)
{
    while (byte_at(p, p->at) == ' ' || byte_at(p, p->at) == '\t')
        p->at++;
    p->token = (struct token){.at = p->at};
    const char c = byte_at(p, p->at);
    if (p->at >= p->text.length)
        return RC_OK;
    if (c == '\'' || c == '"' || c == '`')
        return scan_quoted(p, c);
    if (is_digit(c) || (c == '-' && is_digit(byte_at(p, p->at + 1))))
        return scan_number(p);
    size_t length = 0;
    if (is_name_start(c) || (c == '@' && is_name_start(byte_at(p, p->at + 1)))) {
        p->token.kind = TOKEN_NAME;
        do
            length++;
        while (is_name_start(byte_at(p, p->at + length)) || is_digit(byte_at(p, p->at + length)) ||
               (byte_at(p, p->at + length) != '\0' &&
                strchr("@-", byte_at(p, p->at + length)) != NULL));
    } else {
        p->token.kind = TOKEN_SIGN;
        length = sign_length(p);
    }
    p->token.text = str_slice(p->text, p->at, length);
    p->at += length;
    return RC_OK;
}

static bool is_sign(const struct parser *p, const char *sign)
{
    return p->token.kind == TOKEN_SIGN && str_is(p->token.text, sign);
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->token.kind == TOKEN_NAME && str_is(p->token.text, word);
}

static rc expect_sign(struct parser *p, const char *sign)
{
    if (!is_sign(p, sign))
        return refuse(p, sign);
    return next(p);
}

// --- Steps ---------------------------------------------------------------------------------------

static rc parse_path(struct parser *p, int binding, struct step **ret);
static rc parse_conditions(struct parser *p, struct condition **ret);

static struct step *step_new(struct parser *p, enum step_kind kind)
{
    struct step *step = ARENA_NEW(p->arena, struct step);
    step->kind = kind;
    return step;
}

static struct step *step_join(struct parser *p, enum step_kind kind, struct step *left,
                              struct step *right)
{
    struct step *step = step_new(p, kind);
    step->left = left;
    step->right = right;
    return step;
}

static rc parse_fields(struct parser *p, struct step **ret)
{
    struct step *step = step_new(p, STEP_FIELDS);
    while (true) {
        if (p->token.kind != TOKEN_NAME && p->token.kind != TOKEN_QUOTED)
            return refuse(p, "a field");
        *vec_push(p->arena, &step->names) = p->token.text;
        TRY(next(p));
        if (!is_sign(p, ","))
            break;
        TRY(next(p));
    }
    *ret = step;
    return RC_OK;
}

static rc parse_bound(struct parser *p, bool *ret_has, int64_t *ret)
{
    *ret_has = p->token.kind == TOKEN_NUMBER;
    if (!*ret_has)
        return RC_OK;
    *ret = p->token.number;
    return next(p);
}

static rc parse_slice(struct parser *p, struct step **ret)
{
    struct step *step = step_new(p, STEP_SLICE);
    struct slice *slice = &step->slice;
    TRY(parse_bound(p, &slice->has_start, &slice->start));
    if (slice->has_start && (is_sign(p, ",") || is_sign(p, "]"))) {
        step->kind = STEP_INDEX;
        *vec_push(p->arena, &step->indexes) = slice->start;
        while (is_sign(p, ",")) {
            TRY(next(p));
            if (p->token.kind != TOKEN_NUMBER)
                return refuse(p, "a number");
            *vec_push(p->arena, &step->indexes) = p->token.number;
            TRY(next(p));
        }
    } else {
        TRY(expect_sign(p, ":"));
        TRY(parse_bound(p, &slice->has_end, &slice->end));
        if (is_sign(p, ":")) {
            TRY(next(p));
            TRY(parse_bound(p, &slice->has_step, &slice->step));
        }
    }
    *ret = step;
    return RC_OK;
}

// Behind "[": up to and with "]".
static rc parse_brackets(struct parser *p, struct step **ret)
{
    struct step *step = NULL;
    if (is_sign(p, "*")) {
        step = step_new(p, STEP_WILDCARD);
        TRY(next(p));
    } else if (is_sign(p, "?")) {
        TRY(next(p));
        struct condition *condition;
        TRY(parse_conditions(p, &condition));
        step = step_new(p, STEP_FILTER);
        step->condition = condition;
    } else if (p->token.kind == TOKEN_NUMBER || is_sign(p, ":")) {
        TRY(parse_slice(p, &step));
    } else if (is_sign(p, "/") || is_sign(p, "\\")) {
        return err_set(p->err, RC_UNSUPPORTED, "JSONPath '%.*s': sorting is not supported",
                       STR_ARGS(p->text));
    } else {
        TRY(parse_fields(p, &step));
    }
    *ret = step;
    return expect_sign(p, "]");
}

static rc parse_named(struct parser *p, struct step **ret)
{
    if (str_is(p->token.text, "this"))
        *ret = step_new(p, STEP_THIS);
    else if (str_is(p->token.text, "parent"))
        *ret = step_new(p, STEP_PARENT);
    else
        return err_set(p->err, RC_UNSUPPORTED,
                       "JSONPath '%.*s': `%.*s` is not supported, only `this` and `parent`",
                       STR_ARGS(p->text), STR_ARGS(p->token.text));
    return next(p);
}

static rc parse_sign(struct parser *p, struct step **ret)
{
    if (is_sign(p, "(")) {
        TRY(next(p));
        TRY(parse_path(p, 0, ret));
        return expect_sign(p, ")");
    }
    if (is_sign(p, "[")) {
        TRY(next(p));
        return parse_brackets(p, ret);
    }
    static const struct {
        const char *sign;
        enum step_kind kind;
    } signs[] = {{"$", STEP_ROOT}, {"@", STEP_THIS}, {"*", STEP_WILDCARD}};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (is_sign(p, signs[i].sign)) {
            *ret = step_new(p, signs[i].kind);
            return next(p);
        }
    return refuse(p, "a field, '$', '*' or '['");
}

static rc parse_one(struct parser *p, struct step **ret)
{
    switch (p->token.kind) {
    case TOKEN_NAMED:
        return parse_named(p, ret);
    case TOKEN_NUMBER: // a field whose name is a number
        *ret = step_new(p, STEP_FIELDS);
        *vec_push(p->arena, &(*ret)->names) = p->token.text;
        return next(p);
    case TOKEN_NAME:
    case TOKEN_QUOTED:
        return parse_fields(p, ret);
    case TOKEN_SIGN:
        return parse_sign(p, ret);
    default:
        return refuse(p, "a field, '$', '*' or '['");
    }
}

static rc parse_with_brackets(struct parser *p, struct step **ret)
{
    TRY(parse_one(p, ret));
    while (is_sign(p, "[")) {
        struct step *right;
        TRY(next(p));
        TRY(parse_brackets(p, &right));
        *ret = step_join(p, STEP_CHILD, *ret, right);
    }
    return RC_OK;
}

// @return how tight the operator binds, -1 when the token is none
static int binding_of(const struct parser *p, enum step_kind *ret_kind)
{
    static const struct {
        const char *sign;
        enum step_kind kind;
        bool is_word;
    } operators[] = {{"..", STEP_DESCENDANTS, false},
                     {".", STEP_CHILD, false},
                     {"|", STEP_UNION, false},
                     {"where", STEP_WHERE, true},
                     {"wherenot", STEP_WHERE_NOT, true}};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (operators[i].is_word ? is_word(p, operators[i].sign) : is_sign(p, operators[i].sign)) {
            *ret_kind = operators[i].kind;
            return (int)i;
        }
    return -1;
}

static rc parse_path_inner(struct parser *p, int binding, struct step **ret)
{
    TRY(parse_with_brackets(p, ret));
    enum step_kind kind;
    for (int found = binding_of(p, &kind); found >= binding; found = binding_of(p, &kind)) {
        struct step *right;
        TRY(next(p));
        TRY(parse_path(p, found + 1, &right));
        *ret = step_join(p, kind, *ret, right);
    }
    return RC_OK;
}

static rc parse_path(struct parser *p, int binding, struct step **ret)
{
    if (p->depth >= JSONPATH_MAX_DEPTH)
        return err_set(p->err, RC_LIMIT, "JSONPath nested deeper than %d", JSONPATH_MAX_DEPTH);
    p->depth++;
    const rc code = parse_path_inner(p, binding, ret);
    p->depth--;
    return code;
}

// --- Conditions ----------------------------------------------------------------------------------

static struct condition *condition_join(struct parser *p, enum test_kind kind,
                                        struct condition *left, struct condition *right)
{
    struct condition *condition = ARENA_NEW(p->arena, struct condition);
    condition->kind = kind;
    condition->left = left;
    condition->right = right;
    return condition;
}

static bool op_of(const struct parser *p, enum compare_op *ret)
{
    static const struct {
        const char *sign;
        enum compare_op op;
    } ops[] = {{"==", OP_EQUAL},      {"=", OP_EQUAL}, {"!=", OP_NOT_EQUAL},
               {"<=", OP_LESS_EQUAL}, {"<", OP_LESS},  {">=", OP_GREATER_EQUAL},
               {">", OP_GREATER}};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (is_sign(p, ops[i].sign)) {
            *ret = ops[i].op;
            return true;
        }
    return false;
}

static rc parse_operand(struct parser *p, struct condition *to)
{
    const struct token token = p->token;
    if (is_sign(p, "@") || is_sign(p, "$")) {
        struct step *other;
        TRY(parse_path(p, 0, &other));
        to->other = other;
        return RC_OK;
    }
    if (token.kind == TOKEN_NUMBER || token.kind == TOKEN_FLOAT)
        to->literal = (struct json){.kind = JSON_NUMBER, .text = token.text};
    else if (is_word(p, "true") || is_word(p, "false"))
        to->literal = json_of_bool(is_word(p, "true"));
    else if (is_word(p, "null"))
        to->literal = (struct json){.kind = JSON_NULL};
    else if (token.kind == TOKEN_NAME || token.kind == TOKEN_QUOTED)
        to->literal = json_of_str(token.text);
    else
        return refuse(p, "a value to compare with");
    return next(p);
}

static rc parse_comparison(struct parser *p, struct condition *to)
{
    if (is_sign(p, "!")) {
        TRY(next(p));
        to->kind = TEST_NOT;
    }
    struct step *path;
    TRY(parse_path(p, 0, &path));
    to->path = path;
    if (to->kind == TEST_NOT)
        return RC_OK;
    if (is_sign(p, "=~")) {
        TRY(next(p));
        if (p->token.kind != TOKEN_QUOTED && p->token.kind != TOKEN_NAME)
            return refuse(p, "a pattern in quotes");
        to->kind = TEST_MATCHES;
        TRY_CONTEXT(
            regex_compile(p->arena, p->token.text, (struct regex_options){0}, &to->pattern, p->err),
            p->err, "JSONPath '%.*s'", STR_ARGS(p->text));
        return next(p);
    }
    to->kind = TEST_EXISTS;
    if (!op_of(p, &to->op))
        return RC_OK;
    to->kind = TEST_COMPARE;
    TRY(next(p));
    return parse_operand(p, to);
}

// A parenthesis may hold conditions, "(@.a == 1 || @.b)", or a path, "(@.a)": both are conditions.
static rc parse_condition(struct parser *p, struct condition **ret)
{
    if (is_sign(p, "(")) {
        TRY(next(p));
        TRY(parse_conditions(p, ret));
        return expect_sign(p, ")");
    }
    *ret = ARENA_NEW(p->arena, struct condition);
    return parse_comparison(p, *ret);
}

static rc parse_all(struct parser *p, struct condition **ret)
{
    TRY(parse_condition(p, ret));
    while (is_sign(p, "&&") || is_sign(p, "&")) {
        struct condition *right;
        TRY(next(p));
        TRY(parse_condition(p, &right));
        *ret = condition_join(p, TEST_AND, *ret, right);
    }
    return RC_OK;
}

static rc parse_any(struct parser *p, struct condition **ret)
{
    TRY(parse_all(p, ret));
    while (is_sign(p, "||")) {
        struct condition *right;
        TRY(next(p));
        TRY(parse_all(p, &right));
        *ret = condition_join(p, TEST_OR, *ret, right);
    }
    return RC_OK;
}

static rc parse_conditions(struct parser *p, struct condition **ret)
{
    if (p->depth >= JSONPATH_MAX_DEPTH)
        return err_set(p->err, RC_LIMIT, "JSONPath nested deeper than %d", JSONPATH_MAX_DEPTH);
    p->depth++;
    const rc code = parse_any(p, ret);
    p->depth--;
    return code;
}

rc jsonpath_compile(struct arena *arena, struct str text, const struct jsonpath **ret_path,
                    struct err *err)
{
    if (text.length > JSONPATH_MAX_BYTES)
        return err_set(err, RC_LIMIT, "a JSONPath of %zu bytes is over the limit of %d",
                       text.length, JSONPATH_MAX_BYTES);
    const struct str kept = arena_str(arena, text);
    struct parser p = {.arena = arena, .text = kept, .err = err};
    struct step *step;
    TRY(next(&p));
    TRY(parse_path(&p, 0, &step));
    if (p.token.kind != TOKEN_END)
        return refuse(&p, "the end");
    struct jsonpath *path = ARENA_NEW(arena, struct jsonpath);
    path->text = kept;
    path->step = step;
    *ret_path = path;
    return RC_OK;
}

struct str jsonpath_text(const struct jsonpath *path)
{
    return path->text;
}

bool jsonpath_is_field(const struct jsonpath *path, struct str *ret_name)
{
    const struct step *step = path->step;
    if (step->kind == STEP_CHILD && step->left->kind == STEP_ROOT)
        step = step->right;
    if (step->kind != STEP_FIELDS || step->names.count != 1)
        return false;
    *ret_name = step->names.items[0];
    return true;
}
