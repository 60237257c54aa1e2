#include "project/render.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/yaml.h"

enum call_kind { CALL_ENV_VAR, CALL_VAR, CALL_SECRET };
enum filter_kind { FILTER_NONE, FILTER_TEXT, FILTER_NUMBER, FILTER_BOOL, FILTER_NATIVE };

static const char *const call_names[] = {"env_var", "var", "secret"};
static const char *const filter_names[] = {"", "as_text", "as_number", "as_bool", "as_native"};

struct call {
    enum call_kind kind;
    enum filter_kind filter;
    struct str name;
    bool has_fallback, is_fallback_quoted;
    struct str fallback;
    size_t length; // of the call with its braces
};

struct scanner {
    struct arena *arena;
    const struct yaml *node;
    struct str text; // from the opening braces on
    size_t at;
    struct err *err;
};

bool render_is_needed(struct str text)
{
    return str_contains(text, STR("{{"));
}

static rc scan_error(struct scanner *s, const char *what)
{
    const size_t end = str_find(s->text, STR("}}"));
    const struct str shown = str_slice(s->text, 0, end == SIZE_MAX ? 60 : end + 2);
    yaml_error(s->err, s->node, RC_CONFIG, "%s in %.*s", what, STR_ARGS(shown));
    return err_hint(s->err, "{{ env_var('NAME', 'default') }}, {{ var('name') }} and {{ "
                            "secret('a/b') }} are what can stand in double braces");
}

static void skip_blanks(struct scanner *s)
{
    while (s->at < s->text.length && strchr(" \t\r\n", s->text.bytes[s->at]) != NULL)
        s->at++;
}

static bool take(struct scanner *s, const char *word)
{
    skip_blanks(s);
    if (!str_has_prefix(str_slice(s->text, s->at, SIZE_MAX), str_of(word)))
        return false;
    s->at += strlen(word);
    return true;
}

static struct str take_word(struct scanner *s)
{
    skip_blanks(s);
    const size_t start = s->at;
    while (s->at < s->text.length) {
        const char c = s->text.bytes[s->at];
        const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
        if (!is_word)
            break;
        s->at++;
    }
    return str_slice(s->text, start, s->at - start);
}

static bool take_quoted(struct scanner *s, struct str *ret_text)
{
    skip_blanks(s);
    const char quote = s->at < s->text.length ? s->text.bytes[s->at] : '\0';
    if (quote != '\'' && quote != '"')
        return false;
    const struct str rest = str_slice(s->text, s->at + 1, SIZE_MAX);
    const size_t length = str_find_byte(rest, quote);
    if (length == SIZE_MAX)
        return false;
    *ret_text = str_slice(rest, 0, length);
    s->at += length + 2;
    return true;
}

static rc scan_filter(struct scanner *s, struct call *call)
{
    const struct str word = take_word(s);
    for (int i = FILTER_TEXT; i <= FILTER_NATIVE; i++)
        if (str_is(word, filter_names[i])) {
            call->filter = (enum filter_kind)i;
            return RC_OK;
        }
    return scan_error(s, "unknown filter (there is as_text, as_number, as_bool, as_native)");
}

/// One call with its braces, from the start of s->text.
static rc scan_call(struct scanner *s, struct call *call)
{
    *call = (struct call){0};
    s->at = 2;
    if (s->at < s->text.length && s->text.bytes[s->at] == '-')
        s->at++;
    const struct str word = take_word(s);
    int kind = -1;
    for (int i = 0; i < 3; i++)
        if (str_is(word, call_names[i]))
            kind = i;
    if (kind < 0 || !take(s, "("))
        return scan_error(s, "unknown expression");
    call->kind = (enum call_kind)kind;
    if (!take_quoted(s, &call->name))
        return scan_error(s, "a name in quotes is missing");
    if (take(s, ",")) {
        call->has_fallback = true;
        call->is_fallback_quoted = take_quoted(s, &call->fallback);
        if (!call->is_fallback_quoted)
            call->fallback = take_word(s);
        if (call->kind == CALL_SECRET || (!call->is_fallback_quoted && call->fallback.length == 0))
            return scan_error(s, "wrong default");
    }
    if (!take(s, ")"))
        return scan_error(s, ") is missing");
    if (take(s, "|"))
        TRY(scan_filter(s, call));
    if (!take(s, "-}}") && !take(s, "}}"))
        return scan_error(s, "}} is missing");
    call->length = s->at;
    return RC_OK;
}

static rc missing_variable(struct scanner *s, const struct call *call)
{
    yaml_error(s->err, s->node, RC_CONFIG, "the environment variable '%.*s' is not set",
               STR_ARGS(call->name));
    return err_hint(s->err, "set it, or give a default: {{ env_var('%.*s', 'default') }}",
                    STR_ARGS(call->name));
}

static rc fallback_of(struct scanner *s, const struct call *call, const struct yaml **ret_value)
{
    if (!call->is_fallback_quoted)
        return yaml_new_plain(s->arena, s->node, call->fallback, ret_value, s->err);
    *ret_value = yaml_new_str(s->arena, s->node, call->fallback);
    return RC_OK;
}

static rc value_of_var(struct scanner *s, const struct project *project, const struct call *call,
                       const struct yaml **ret_value)
{
    const struct json *value = json_get(&project->vars, call->name);
    if (value != NULL) {
        *ret_value = yaml_of_json(s->arena, value, s->node->place);
        return RC_OK;
    }
    if (call->has_fallback)
        return fallback_of(s, call, ret_value);
    yaml_error(s->err, s->node, RC_CONFIG, "there is no variable '%.*s'", STR_ARGS(call->name));
    return err_hint(s->err, "put it under vars: in moulin.yml, or pass --var %.*s=...",
                    STR_ARGS(call->name));
}

static rc value_of(struct scanner *s, const struct project *project, const struct call *call,
                   const struct yaml **ret_value)
{
    struct str text;
    if (call->kind == CALL_VAR)
        return value_of_var(s, project, call, ret_value);
    if (call->kind == CALL_SECRET) {
        const rc code = project_secret(project, s->arena, call->name, &text, s->err);
        if (code == RC_NOT_FOUND) {
            const struct err cause = *s->err;
            yaml_error(s->err, s->node, RC_CONFIG, "%s", cause.message);
            return err_hint(s->err, "%s", cause.hint);
        }
        TRY(code);
        *ret_value = yaml_new_str(s->arena, s->node, text);
        return RC_OK;
    }
    const char *variable = getenv(arena_cstr(s->arena, call->name));
    if (variable == NULL)
        return call->has_fallback ? fallback_of(s, call, ret_value) : missing_variable(s, call);
    *ret_value = yaml_new_str(s->arena, s->node, arena_str(s->arena, str_of(variable)));
    return RC_OK;
}

static rc apply_filter(struct scanner *s, const struct call *call, const struct yaml **value)
{
    struct str text;
    const struct yaml *plain = *value;
    if (call->filter == FILTER_NONE)
        return RC_OK;
    TRY(yaml_to_text(*value, "the value", &text, s->err));
    if (call->filter == FILTER_TEXT) {
        *value = yaml_new_str(s->arena, s->node, text);
        return RC_OK;
    }
    TRY(yaml_new_plain(s->arena, s->node, str_trim(text), &plain, s->err));
    const bool is_number = plain->kind == YAML_INT || plain->kind == YAML_FLOAT;
    if ((call->filter == FILTER_NUMBER && !is_number) ||
        (call->filter == FILTER_BOOL && plain->kind != YAML_BOOL))
        return scan_error(s, call->filter == FILTER_NUMBER ? "the value is no number"
                                                           : "the value is not true or false");
    *value = plain;
    return RC_OK;
}

/// A text with something around its calls stays text.
static rc append_value(struct scanner *s, struct buf *to, const struct yaml *value)
{
    struct str text;
    if (yaml_is_null(value))
        return RC_OK;
    TRY(yaml_to_text(value, "a value inside a text", &text, s->err));
    buf_append_str(to, text);
    return RC_OK;
}

/// @param project  NULL: only check
static rc render(const struct project *project, struct scanner *s, struct buf *to,
                 const struct yaml **ret_node)
{
    const struct str text = s->node->text;
    size_t at = 0;
    while (at < text.length) {
        const struct str rest = str_slice(text, at, SIZE_MAX);
        const size_t open = str_find(rest, STR("{{"));
        const size_t plain = open == SIZE_MAX ? rest.length : open;
        buf_append(to, rest.bytes, plain);
        at += plain;
        if (open == SIZE_MAX)
            break;
        struct call call;
        const struct yaml *value = NULL;
        s->text = str_slice(text, at, SIZE_MAX);
        TRY(scan_call(s, &call));
        at += call.length;
        if (project == NULL)
            continue;
        TRY(value_of(s, project, &call, &value));
        TRY(apply_filter(s, &call, &value));
        if (call.length == str_trim(text).length && plain == text.length - str_trim(text).length) {
            *ret_node = value; // nothing but the call: its value's own type
            return RC_OK;
        }
        TRY(append_value(s, to, value));
    }
    TRY(buf_check(to, s->err, "a rendered text"));
    *ret_node = yaml_new_str(s->arena, s->node, arena_str(s->arena, buf_str(to)));
    return RC_OK;
}

rc render_text(const struct project *project, struct arena *arena, const struct yaml *node,
               const struct yaml **ret_node, struct err *err)
{
    struct scanner s = {.arena = arena, .node = node, .err = err};
    struct buf to;
    buf_init(&to, RENDER_MAX_BYTES);
    const rc code = render(project, &s, &to, ret_node);
    buf_done(&to);
    return code;
}

rc render_check(struct arena *arena, const struct yaml *node, struct err *err)
{
    const struct yaml *ignored;
    return render_text(NULL, arena, node, &ignored, err);
}

// ---- trees --------------------------------------------------------------------------------------

struct tree {
    const struct project *project;
    struct arena *arena;
    const char *const *placeholder_keys;
    struct err *err;
};

static bool is_placeholder_key(const struct tree *t, const struct yaml *key)
{
    for (const char *const *k = t->placeholder_keys; k != NULL && *k != NULL; k++)
        if (key->kind == YAML_STR && str_is(key->text, *k))
            return true;
    return false;
}

/// Below placeholder keys only texts that are one of our calls are rendered.
static rc render_node(const struct tree *t, const struct yaml *node, bool is_lenient,
                      const struct yaml **ret_node);

static rc render_members(const struct tree *t, const struct yaml *node, bool is_lenient,
                         const struct yaml **ret_node)
{
    struct yaml *copy = arena_copy(t->arena, node, sizeof *node);
    copy->index = NULL;
    copy->members = ARENA_ARRAY(t->arena, struct yaml_member, node->count);
    for (size_t i = 0; i < node->count; i++) {
        copy->members[i] = node->members[i];
        TRY(render_node(t, node->members[i].value,
                        is_lenient || is_placeholder_key(t, node->members[i].key),
                        &copy->members[i].value));
    }
    *ret_node = copy;
    return RC_OK;
}

static rc render_node(const struct tree *t, const struct yaml *node, bool is_lenient,
                      const struct yaml **ret_node)
{
    *ret_node = node;
    if (node->kind == YAML_STR && render_is_needed(node->text)) {
        const rc code = render_text(t->project, t->arena, node, ret_node, t->err);
        if (code == RC_OK || !is_lenient)
            return code;
        // Someone else's braces, as in GraphQL bodies: a missing secret is an error all the same.
        struct err ignored;
        *ret_node = node;
        return render_check(t->arena, node, &ignored) == RC_OK ? code : RC_OK;
    }
    if (node->kind == YAML_MAP || node->kind == YAML_OMAP || node->kind == YAML_PAIRS)
        return render_members(t, node, is_lenient, ret_node);
    if (node->kind != YAML_SEQ)
        return RC_OK;
    struct yaml *copy = arena_copy(t->arena, node, sizeof *node);
    copy->items = ARENA_ARRAY(t->arena, const struct yaml *, node->count);
    for (size_t i = 0; i < node->count; i++)
        TRY(render_node(t, node->items[i], is_lenient, &copy->items[i]));
    *ret_node = copy;
    return RC_OK;
}

rc project_render(const struct project *project, struct arena *arena, const struct yaml *root,
                  const char *const *placeholder_keys, const struct yaml **ret_root,
                  struct err *err)
{
    const struct tree t = {project, arena, placeholder_keys, err};
    return render_node(&t, root, false, ret_root);
}
