// jinja, jinja-minijinja: templates with what Jinja2 3.1.6 makes of them. dbt-rendering: YAML
// scalars rendered as text and natively, as dbt does.
//
// The recorded cases use templates, filters and functions that their own suites brought along. The
// templates that can be told from the results are below; the rest is named in deviations.yaml.

#include "jinja/jinja.h"
#include "base/yaml.h"
#include "vectors.h"

static const struct {
    const char *name, *source;
} fixtures[] = {
    {"module", "{% macro test() %}[{{ foo }}|{{ bar }}]{% endmacro %}"},
    {"header", "[{{ foo }}|{{ bar }}]"},
    {"include", "{% macro test(foo) %}[{{ foo }}]{% endmacro %}"},
    {"main", "[{{ x }}]"},
    {"call_macro.txt", "{% macro call(f, x) %}{{ f(x) }}{% endmacro %}"},
    {"bad_basic_block.txt", "<title>{% block title %}{{ missing_function() }}{% endblock %}</title>"
                            "{% block body %}{{ missing_function() }}{% endblock %}"},
    {"required_layout.txt", "before[{% block body required %}{% endblock %}]after"},
    {"required_mid.txt",
     "{% extends 'required_layout.txt' %}{% block body required %} {% endblock %}"},
    {"self-extends.txt", "{% extends 'self-extends.txt' %}"},
    {"import-mixed.txt", "{% set a = 1 %}{% macro b() %}{% endmacro %}text {{ x }}"},
    {"simple_layout.txt", "<title>{% block title %}default title{% endblock %}</title>\n"
                          "{% block body %}default body{% endblock %}\n"},
    {"simple2_layout.txt", "{% extends 'simple_layout.txt' %}\n"
                           "{% block title %}({{ super() }}){% endblock %}"},
    {"var_setting_layout.txt",
     "{% block test %}{% set var = 'from super' %}inside: {{ var }}{% endblock %}"},
    {"simple_include.txt", "Hello {{ variable }} from included template!\n"},
    {"include_with_var_and_macro.txt",
     "{% set title = 'The Title' %}{% macro helper(a, b) %}{{ [a, b, d] }}{% endmacro %}"
     "\n\nShould not show up"},
    {"example_macro.txt", "{% macro example(a, b, c=default) %}{{ [a, b, c, d] }}{% endmacro %}"},
};

static rc load_fixture(void *host, struct arena *arena, struct str name, struct str *ret_source,
                       struct err *err)
{
    (void)host, (void)arena;
    for (size_t i = 0; i < sizeof fixtures / sizeof fixtures[0]; i++) {
        if (str_is(name, fixtures[i].name)) {
            *ret_source = str_of(fixtures[i].source);
            return RC_OK;
        }
    }
    return err_set(err, RC_NOT_FOUND, "%.*s", STR_ARGS(name));
}

// ---------------------------------------------------------------- one case

static enum undefined_kind undefined_of(struct str name)
{
    if (str_is(name, "StrictUndefined") || str_is(name, "strict"))
        return UNDEFINED_STRICT;
    if (str_is(name, "ChainableUndefined"))
        return UNDEFINED_CHAINABLE;
    return str_is(name, "DebugUndefined") ? UNDEFINED_DEBUG : UNDEFINED_DEFAULT;
}

static struct environment_options options_of(const struct json *env)
{
    const struct str class = json_str(json_get(env, STR("env_class")), STR(""));
    const struct str none = {0};
    return (struct environment_options){
        .trim_blocks = json_bool(json_get(env, STR("trim_blocks")), false),
        .lstrip_blocks = json_bool(json_get(env, STR("lstrip_blocks")), false),
        .keep_trailing_newline = json_bool(json_get(env, STR("keep_trailing_newline")), false),
        .has_do = true,
        .has_loop_controls = true,
        .autoescape = json_bool(json_get(env, STR("autoescape")), false),
        .is_sandboxed = str_has_suffix(class, STR("SandboxedEnvironment")),
        .is_immutable = str_is(class, "ImmutableSandboxedEnvironment"),
        .native = str_is(class, "NativeEnvironment") ? NATIVE_JINJA : NATIVE_OFF,
        .undefined = undefined_of(json_str(json_get(env, STR("undefined")), none)),
        .block_start = json_str(json_get(env, STR("block_start_string")), none),
        .block_end = json_str(json_get(env, STR("block_end_string")), none),
        .variable_start = json_str(json_get(env, STR("variable_start_string")), none),
        .variable_end = json_str(json_get(env, STR("variable_end_string")), none),
        .comment_start = json_str(json_get(env, STR("comment_start_string")), none),
        .comment_end = json_str(json_get(env, STR("comment_end_string")), none),
        .line_statement_prefix = json_str(json_get(env, STR("line_statement_prefix")), none),
        .line_comment_prefix = json_str(json_get(env, STR("line_comment_prefix")), none),
        .loader = load_fixture,
    };
}

/// Addresses in reprs differ from run to run.
static struct str mask_addresses(struct arena *arena, struct str text)
{
    struct buf buf;
    buf_init(&buf, (size_t)64 << 20);
    for (size_t i = 0; i < text.length; i++) {
        buf_append_byte(&buf, text.bytes[i]);
        if (str_has_suffix(buf_str(&buf), STR(" at 0x")))
            while (i + 1 < text.length && strchr("0123456789abcdef", text.bytes[i + 1]) != NULL)
                i++;
    }
    const struct str masked = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return masked;
}

static void check_failure(struct vectors *v, const struct json *c,
                          const struct render_failure *failure, const struct err *err)
{
    const struct str wanted = json_str(json_get(c, STR("error")), STR(""));
    const struct str message = json_str(json_get(c, STR("message")), STR(""));
    const struct str found = str_of(failure->exception);
    char text[2000];
    if (json_get(c, STR("expected")) != NULL)
        vectors_fail(v, "failed: %s: %s", failure->exception, err_text(err, text, sizeof text));
    else if (wanted.length == 0 && err->code == RC_LIMIT)
        vectors_pass(v); // the recorder ran out of memory or time
    else if (!str_equal(wanted, found))
        vectors_fail(v, "expected %.*s: %.*s, found %s: %s", STR_ARGS(wanted), STR_ARGS(message),
                     failure->exception, err_text(err, text, sizeof text));
    else if (str_is(found, "RecursionError") || str_is(found, "SyntaxError") ||
             str_is(message, failure->message))
        vectors_pass(v);
    else
        vectors_fail(v, "expected the message %.*s, found %s", STR_ARGS(message), failure->message);
}

static void check_text(struct vectors *v, const struct json *c, struct str found)
{
    const struct json *expected = json_get(c, STR("expected"));
    if (expected == NULL) {
        vectors_fail(v, "expected %.*s, found %.*s",
                     STR_ARGS(json_str(json_get(c, STR("error")), STR("an error"))),
                     STR_ARGS(found));
        return;
    }
    const struct str a = mask_addresses(v->scratch, json_str(expected, STR("?")));
    const struct str b = mask_addresses(v->scratch, found);
    if (str_equal(a, b))
        vectors_pass(v);
    else
        vectors_fail(v, "expected %.*s, found %.*s",
                     STR_ARGS(json_print(v->scratch, &(struct json){.kind = JSON_STRING, .text = a},
                                         JSON_COMPACT)),
                     STR_ARGS(json_print(v->scratch, &(struct json){.kind = JSON_STRING, .text = b},
                                         JSON_COMPACT)));
}

static void check_native(struct vectors *v, const struct json *c, struct value found)
{
    struct json json;
    struct err err = {0};
    const struct json *expected = json_get(c, STR("expected"));
    if (expected == NULL || value_to_json(NULL, v->scratch, found, false, &json, &err) != RC_OK)
        vectors_fail(v, "expected an error or another value: %s", err.message);
    else if (json_equal(expected, &json))
        vectors_pass(v);
    else
        vectors_fail(v, "expected %.*s, found %.*s",
                     STR_ARGS(json_print(v->scratch, expected, JSON_COMPACT)),
                     STR_ARGS(json_print(v->scratch, &json, JSON_COMPACT)));
}

/// A syntax error has no render to say its class.
static void check_syntax(struct vectors *v, const struct json *c, const struct err *err)
{
    const struct str wanted = json_str(json_get(c, STR("error")), STR("no error"));
    const struct str message = json_str(json_get(c, STR("message")), STR(""));
    if ((str_is(wanted, "TemplateSyntaxError") || str_is(wanted, "TemplateAssertionError")) &&
        str_is(message, err->message))
        vectors_pass(v);
    else
        vectors_fail(v, "expected %.*s %.*s, found a syntax error: %s", STR_ARGS(wanted),
                     STR_ARGS(message), err->message);
}

static void run_case(struct vectors *v, const struct json *c)
{
    struct environment_options options = options_of(json_get(c, STR("env")));
    if (json_get(c, STR("env")) == NULL) // jinja-minijinja was recorded so
        options.keep_trailing_newline = true;
    const struct json *json = json_get(c, STR("context"));
    const struct json *settings = json_get(json, STR("$settings"));
    options.undefined = settings != NULL
                            ? undefined_of(json_str(json_get(settings, STR("undefined")), STR("")))
                            : options.undefined;
    if (settings != NULL)
        options.undefined = UNDEFINED_DEFAULT; // the recorder did not look at them
    struct environment *env = environment_new(v->scratch, &options);
    environment_set_global(env, STR("bar"), value_int(23)); // of the suite's import tests
    struct template *template;
    struct err err = {0};
    if (template_parse(env, v->scratch, json_str(json_get(c, STR("template")), STR("")),
                       STR("<template>"), &template, &err) != RC_OK) {
        check_syntax(v, c, &err);
        return;
    }
    const struct context context = {.values = value_of_json(v->scratch, json)};
    struct render_failure failure = {0};
    const struct render_options render = {
        .arena = v->scratch, .context = &context, .ret_failure = &failure};
    if (options.native != NATIVE_OFF) {
        struct value value;
        if (template_render_native(template, &render, &value, &err) != RC_OK)
            check_failure(v, c, &failure, &err);
        else
            check_native(v, c, value);
        return;
    }
    struct buf out;
    buf_init(&out, (size_t)64 << 20);
    if (template_render(template, &render, &out, &err) != RC_OK)
        check_failure(v, c, &failure, &err);
    else
        check_text(v, c, buf_str(&out));
    buf_done(&out);
}

static void run_jinja(struct vectors *v)
{
    vectors_each_line(v, "jinja2_cases.jsonl", run_case);
}

static void run_minijinja(struct vectors *v)
{
    vectors_each_line(v, "minijinja_inputs_rendered_by_jinja2.jsonl", run_case);
}

// ---------------------------------------------------------------- dbt-rendering

static rc render_scalar(struct vectors *v, enum native_mode native, struct str text,
                        struct value *ret_value, struct err *err)
{
    const struct environment_options options = {
        .is_sandboxed = true, .has_do = true, .has_dbt_filters = true, .native = native};
    struct environment *env = environment_new(v->scratch, &options);
    struct template *template;
    const struct render_options render = {.arena = v->scratch};
    TRY(template_parse(env, v->scratch, text, STR("schema.yml"), &template, err));
    if (native != NATIVE_OFF)
        return template_render_native(template, &render, ret_value, err);
    struct buf out;
    buf_init(&out, 1 << 20);
    const rc code = template_render(template, &render, &out, err);
    *ret_value = value_copy_str(v->scratch, buf_str(&out));
    buf_done(&out);
    return code;
}

/// The type that dbt's recording names: a marked text that is no literal stays what marked it.
static bool type_is(struct str wanted, struct value found)
{
    if (str_is(wanted, "NativeMarker"))
        return found.kind == VALUE_STR;
    return str_is(wanted, value_type_name(found));
}

static void run_rendering_case(struct vectors *v, const struct json *c)
{
    const struct yaml *document = NULL;
    struct err err = {0};
    struct value text, native;
    if (yaml_parse(v->scratch, json_str(json_get(c, STR("yaml")), STR("")), "case.yml", &document,
                   &err) != RC_OK) {
        vectors_fail(v, "the YAML is wrong: %s", err.message);
        return;
    }
    const struct yaml *foo = yaml_get(document, STR("foo"));
    struct str scalar = foo->text;
    if (foo->kind == YAML_BOOL) // dbt renders str(value)
        scalar = foo->boolean ? STR("True") : STR("False");
    if (render_scalar(v, NATIVE_OFF, scalar, &text, &err) != RC_OK ||
        !str_equal(value_text(text), json_str(json_get(c, STR("text")), STR("?")))) {
        vectors_fail(v, "text is %.*s %s", STR_ARGS(value_text(text)), err.message);
        return;
    }
    const rc code = render_scalar(v, NATIVE_DBT, scalar, &native, &err);
    if (code != RC_OK || json_get(c, STR("native_error")) != NULL) {
        if (code != RC_OK && json_get(c, STR("native_error")) != NULL)
            vectors_pass(v);
        else
            vectors_fail(v, "native rendering: %s", code == RC_OK ? "no error" : err.message);
        return;
    }
    struct json json = {.kind = JSON_STRING, .text = STR("Undefined")};
    if (native.kind != VALUE_UNDEFINED &&
        value_to_json(NULL, v->scratch, native, true, &json, &err) != RC_OK)
        vectors_fail(v, "%s", err.message);
    else if (json_equal(&json, json_get(c, STR("native"))) &&
             type_is(json_str(json_get(c, STR("native_type")), STR("?")), native))
        vectors_pass(v);
    else
        vectors_fail(v, "native is %.*s of type %s, expected %.*s",
                     STR_ARGS(json_print(v->scratch, &json, JSON_COMPACT)), value_type_name(native),
                     STR_ARGS(json_print(v->scratch, json_get(c, STR("native")), JSON_COMPACT)));
}

static void run_rendering(struct vectors *v)
{
    vectors_each_line(v, "rendering.jsonl", run_rendering_case);
}

int main(int argc, char **argv)
{
    static const struct vectors_suite suites[] = {{"jinja", run_jinja},
                                                  {"jinja-minijinja", run_minijinja},
                                                  {"dbt-rendering", run_rendering},
                                                  {NULL, NULL}};
    return vectors_main(argc, argv, suites);
}
