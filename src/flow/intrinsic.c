#include "flow/intrinsic.h"

#include "base/vec.h"
#include "flow/intrinsic_functions.h"

struct call_parser {
    struct arena *arena;
    struct str text;
    size_t at;
    int depth;
    const struct flow_scope *scope; // NULL: only check
    struct err *err;
};

static rc parse_call(struct call_parser *p, struct json *ret_value);

bool intrinsic_is_call(struct str text)
{
    return str_has_prefix(str_trim(text), STR("States."));
}

static rc call_error(struct call_parser *p, const char *what)
{
    return err_set(p->err, RC_INVALID, "the intrinsic function %.*s is wrong at character %zu: %s",
                   STR_ARGS(p->text), p->at + 1, what);
}

static char peek(const struct call_parser *p)
{
    return p->at < p->text.length ? p->text.bytes[p->at] : '\0';
}

static void skip_blanks(struct call_parser *p)
{
    while (p->at < p->text.length && strchr(" \t\r\n", peek(p)) != NULL)
        p->at++;
}

/// 'text' with \' \{ \} \\; braces keep their backslash, which States.Format takes away.
static rc parse_text(struct call_parser *p, struct json *ret_value)
{
    char *to = arena_alloc(p->arena, p->text.length + 1);
    size_t length = 0;
    p->at++;
    while (p->at < p->text.length && peek(p) != '\'') {
        if (peek(p) == '\\' && p->at + 1 < p->text.length) {
            const char next = p->text.bytes[p->at + 1];
            if (next == '{' || next == '}' || next == '\\')
                to[length++] = '\\';
            p->at++;
        }
        to[length++] = p->text.bytes[p->at++];
    }
    if (p->at >= p->text.length)
        return call_error(p, "the quote is not closed");
    p->at++;
    *ret_value = json_of_str((struct str){to, length});
    return RC_OK;
}

/// Takes the backslashes of \{ \} \\ out of a literal that is not the template of States.Format.
static void unescape(struct arena *arena, struct json *value)
{
    char *to = arena_alloc(arena, value->text.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < value->text.length; i++) {
        const char c = value->text.bytes[i];
        if (c == '\\' && i + 1 < value->text.length)
            i++;
        to[length++] = value->text.bytes[i];
    }
    value->text = (struct str){to, length};
}

/// The end of a path: the next comma or parenthesis outside of brackets and quotes.
static size_t path_end(const struct call_parser *p)
{
    int depth = 0;
    char quote = '\0';
    size_t at = p->at;
    for (; at < p->text.length; at++) {
        const char c = p->text.bytes[at];
        if (quote != '\0')
            quote = c == quote ? '\0' : quote;
        else if (depth > 0 && (c == '\'' || c == '"'))
            quote = c;
        else if (c == '[')
            depth++;
        else if (c == ']')
            depth--;
        else if (depth <= 0 && (c == ',' || c == ')' || c == ' '))
            break;
    }
    return at;
}

static rc parse_path(struct call_parser *p, struct json *ret_value)
{
    const size_t end = path_end(p);
    const struct str text = str_trim(str_slice(p->text, p->at, end - p->at));
    const struct path *path;
    TRY(path_parse(p->arena, text, &path, p->err));
    p->at = end;
    return p->scope == NULL ? RC_OK : path_get(p->arena, path, p->scope, ret_value, p->err);
}

static rc parse_literal(struct call_parser *p, struct json *ret_value)
{
    const size_t start = p->at;
    while (p->at < p->text.length && strchr(",) \t\r\n", peek(p)) == NULL)
        p->at++;
    struct err ignored;
    const struct str word = str_slice(p->text, start, p->at - start);
    if (json_parse(p->arena, word, "argument", ret_value, &ignored) == RC_OK &&
        ret_value->kind <= JSON_NUMBER)
        return RC_OK;
    p->at = start;
    return call_error(p,
                      "a path, a 'text', a number, true, false, null or a function was expected");
}

static rc parse_argument(struct call_parser *p, struct json *ret_value, bool *ret_is_literal)
{
    *ret_is_literal = peek(p) == '\'';
    if (peek(p) == '\'')
        return parse_text(p, ret_value);
    if (peek(p) == '$')
        return parse_path(p, ret_value);
    if (str_has_prefix(str_slice(p->text, p->at, SIZE_MAX), STR("States.")))
        return parse_call(p, ret_value);
    return parse_literal(p, ret_value);
}

static rc parse_arguments(struct call_parser *p, const struct intrinsic_function *function,
                          struct json *arguments, size_t *ret_count)
{
    size_t count = 0;
    skip_blanks(p);
    while (peek(p) != ')') {
        if (count >= INTRINSIC_MAX_ARGUMENTS)
            return err_set(p->err, RC_LIMIT, "more than %d arguments", INTRINSIC_MAX_ARGUMENTS);
        bool is_literal;
        TRY(parse_argument(p, &arguments[count], &is_literal));
        const bool is_template = function->takes_template && count == 0;
        if (is_literal && !is_template)
            unescape(p->arena, &arguments[count]);
        count++;
        skip_blanks(p);
        if (peek(p) == ',') {
            p->at++;
            skip_blanks(p);
            if (peek(p) == ')')
                return call_error(p, "an argument was expected");
        } else if (peek(p) != ')') {
            return call_error(p, ", or ) was expected");
        }
    }
    p->at++;
    *ret_count = count;
    return RC_OK;
}

static rc unknown_function(struct call_parser *p, struct str name)
{
    str_vec names = {0};
    for (size_t i = 0; i < intrinsic_function_count; i++)
        *vec_push(p->arena, &names) = str_of(intrinsic_functions[i].name);
    err_set(p->err, RC_INVALID, "there is no intrinsic function %.*s", STR_ARGS(name));
    const size_t near = str_nearest(name, names.items, names.count);
    if (near != SIZE_MAX)
        return err_hint(p->err, "did you mean %.*s?", STR_ARGS(names.items[near]));
    return RC_INVALID;
}

static rc parse_call(struct call_parser *p, struct json *ret_value)
{
    if (++p->depth > INTRINSIC_MAX_DEPTH)
        return err_set(p->err, RC_LIMIT, "intrinsic functions are nested deeper than %d",
                       INTRINSIC_MAX_DEPTH);
    const size_t start = p->at;
    while (p->at < p->text.length && strchr("( \t,)", peek(p)) == NULL)
        p->at++;
    const struct str name = str_slice(p->text, start, p->at - start);
    const struct intrinsic_function *function = NULL;
    for (size_t i = 0; i < intrinsic_function_count; i++)
        if (str_is(name, intrinsic_functions[i].name))
            function = &intrinsic_functions[i];
    if (function == NULL)
        return unknown_function(p, name);
    skip_blanks(p);
    if (peek(p) != '(')
        return call_error(p, "( was expected");
    p->at++;
    struct json arguments[INTRINSIC_MAX_ARGUMENTS];
    memset(arguments, 0, sizeof arguments);
    size_t count = 0;
    TRY(parse_arguments(p, function, arguments, &count));
    if (count < function->min_arguments || count > function->max_arguments)
        return err_set(p->err, RC_INVALID, "%s takes %zu to %zu arguments, not %zu", function->name,
                       function->min_arguments, function->max_arguments, count);
    p->depth--;
    if (p->scope == NULL)
        return RC_OK;
    TRY_CONTEXT(function->call(p->arena, arguments, count, ret_value, p->err), p->err, "%s",
                function->name);
    return RC_OK;
}

static rc run(struct call_parser *p, struct json *ret_value)
{
    skip_blanks(p);
    TRY(parse_call(p, ret_value));
    skip_blanks(p);
    if (p->at < p->text.length)
        return call_error(p, "nothing was expected behind the function");
    return RC_OK;
}

rc intrinsic_check(struct str text, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct call_parser p = {.arena = scratch, .text = text, .err = err};
    struct json ignored;
    const rc code = run(&p, &ignored);
    arena_close(scratch);
    return code;
}

rc intrinsic_eval(struct arena *arena, struct str text, const struct flow_scope *scope,
                  struct json *ret_value, struct err *err)
{
    struct call_parser p = {.arena = arena, .text = text, .scope = scope, .err = err};
    struct json value = {0};
    TRY(run(&p, &value));
    *ret_value = value;
    return RC_OK;
}
