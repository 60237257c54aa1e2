// What the recorded suites do not show: limits, errors with their place, calls between host and
// template, and dbt's additions.

#include "unit_test.h"

#include "jinja/jinja.h"

struct fixture {
    struct arena *arena;
    struct environment *env;
    struct context context;
    struct render_failure failure;
    struct err err;
};

static const struct statement_class statements[] = {
    {"materialization", "endmaterialization", HEADER_OPTIONS},
    {"test", "endtest", HEADER_SIGNATURE},
    {"docs", "enddocs", HEADER_NAME},
};

static void open_fixture(struct fixture *f)
{
    const struct environment_options options = {.has_do = true,
                                                .has_loop_controls = true,
                                                .is_sandboxed = true,
                                                .has_typed_macros = true,
                                                .statements = statements,
                                                .statement_count = 3};
    *f = (struct fixture){.arena = arena_open(NULL)};
    f->env = environment_new(f->arena, &options);
    f->context.values = value_dict_new(f->arena);
    environment_set_global(f->env, STR("return"), value_return_function(f->arena));
}

static rc render_with(struct fixture *f, const char *text, struct render_limits limits,
                      struct str *ret_text)
{
    struct template *template;
    struct buf out;
    f->err = (struct err){0};
    const rc parsed =
        template_parse(f->env, f->arena, str_of(text), STR("m.sql"), &template, &f->err);
    if (parsed != RC_OK)
        return parsed;
    const struct render_options options = {
        .arena = f->arena, .context = &f->context, .limits = limits, .ret_failure = &f->failure};
    buf_init(&out, 1 << 24);
    const rc code = template_render(template, &options, &out, &f->err);
    *ret_text = arena_str(f->arena, buf_str(&out));
    buf_done(&out);
    return code;
}

static void expect(struct fixture *f, const char *text, const char *wanted)
{
    struct str found = STR("");
    const rc code = render_with(f, text, (struct render_limits){0}, &found);
    if (code != RC_OK)
        fail_msg("%s: %s", text, f->err.message);
    if (!str_is(found, wanted))
        fail_msg("%s: expected %s, found %.*s", text, wanted, STR_ARGS(found));
}

static void return_keeps_the_type_and_unwinds(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    const char *library = "{% macro r() %}text{% for i in [1, 2] %}{% set x %}{{ return([i]) }}"
                          "{% endset %}{% endfor %}{% endmacro %}"
                          "{% macro n() %}a{% endmacro %}";
    struct template *template;
    const struct macro_info *macros;
    assert_int_equal(
        template_parse(f.env, f.arena, str_of(library), STR("l.sql"), &template, &f.err), RC_OK);
    assert_int_equal(template_macros(template, &macros), 2);
    dict_set_str(f.context.values, STR("r"), value_macro(f.arena, &macros[0], &f.context, true));
    dict_set_str(f.context.values, STR("n"), value_macro(f.arena, &macros[1], &f.context, true));
    expect(&f, "{{ r()[0] + 1 }}|{{ n() ~ 'b' }}", "2|ab");
    expect(&f, "x{% set a = r() %}{{ a }}y", "x[1]y");
    arena_close(f.arena);
}

static void bound_macros_find_each_other_in_the_context(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    struct template *template;
    const struct macro_info *macros;
    const char *library = "{% macro down(n) %}{{ n }}{{ down(n - 1) if n > 0 else other() }}"
                          "{% endmacro %}{% macro other() %}wrong{% endmacro %}";
    assert_int_equal(
        template_parse(f.env, f.arena, str_of(library), STR("l.sql"), &template, &f.err), RC_OK);
    template_macros(template, &macros);
    dict_set_str(f.context.values, STR("down"), value_macro(f.arena, &macros[0], &f.context, true));
    dict_set_str(f.context.values, STR("other"), value_return_function(f.arena));
    for (int round = 0; round < 2; round++) { // the value outlives the memory of a render
        struct arena *scratch = arena_open(NULL);
        struct render_options options = {.arena = scratch, .context = &f.context};
        struct value value;
        assert_int_equal(
            expression_evaluate(f.env, STR("down(1) == '1None'"), &options, &value, &f.err), RC_OK);
        assert_true(value.integer != 0);
        arena_close(scratch);
    }
    arena_close(f.arena);
}

static void return_outside_of_a_macro_is_an_error(void **state)
{
    (void)state;
    struct fixture f;
    struct str text;
    open_fixture(&f);
    assert_int_equal(render_with(&f, "{{ return(1) }}", (struct render_limits){0}, &text),
                     RC_FAILED);
    arena_close(f.arena);
}

static void host_statements_become_macros(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    struct template *template;
    const struct macro_info *m;
    const char *text = "{% materialization view, adapter='duckdb', supported_languages=['sql'] %}"
                       "body{% endmaterialization %}{% test positive(model, n: int = 3) %}{{ n }}"
                       "{% endtest %}{% docs a %} raw {{ x }} {% enddocs %}";
    assert_int_equal(template_parse(f.env, f.arena, str_of(text), STR("m.sql"), &template, &f.err),
                     RC_OK);
    assert_int_equal(template_macros(template, &m), 3);
    assert_true(str_is(m[0].name, "view") && m[0].option_count == 2);
    assert_true(str_is(value_text(m[0].options[0].value), "duckdb"));
    assert_true(m[1].parameter_count == 2 && str_is(m[1].parameters[1].type, "int"));
    assert_true(str_is(m[2].body, " raw {{ x }} "));
    const struct render_options options = {.arena = f.arena, .context = &f.context};
    const struct arguments none = {0};
    struct value result;
    assert_int_equal(macro_call(f.env, &m[1], &options, &none, &result, &f.err), RC_OK);
    assert_true(str_is(value_text(result), "3"));
    arena_close(f.arena);
}

static void errors_say_place_and_exception(void **state)
{
    (void)state;
    static const struct {
        const char *text, *exception, *message;
        int line;
    } cases[] = {
        {"a\n\n{{ nope.x }}", "UndefinedError", "'nope' is undefined", 3},
        {"{{ 1 +\n 'a' }}", "TypeError", "unsupported operand type(s) for +: 'int' and 'str'", 1},
        {"\n{% macro m() %}\n{{ 1 // 0 }}{% endmacro %}\n{{ m() }}", "ZeroDivisionError",
         "integer division or modulo by zero", 3},
        {"{{ {}.a.b }}", "UndefinedError", "'dict object' has no attribute 'a'", 1},
        {"{{ range(100001) }}", "OverflowError",
         "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).", 1},
        {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "RecursionError",
         "maximum recursion depth exceeded", 1},
    };
    struct fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str text;
        assert_int_equal(render_with(&f, cases[i].text, (struct render_limits){0}, &text),
                         RC_FAILED);
        assert_string_equal(f.failure.exception, cases[i].exception);
        assert_string_equal(f.failure.message, cases[i].message);
        assert_int_equal(f.err.line, cases[i].line);
        assert_string_equal(f.err.place, "m.sql");
    }
    arena_close(f.arena);
}

static void syntax_errors_have_a_line(void **state)
{
    (void)state;
    static const char *const texts[] = {"\n{% if %}{% endif %}",
                                        "\n{{ a b }}",
                                        "\n{% foo %}",
                                        "\n{% for x in y %}",
                                        "\n{{ 'a }}",
                                        "\n{{ (1] }}",
                                        "\n{# open",
                                        "\n{{ a|nofilter }}"};
    struct fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str text;
        assert_int_equal(render_with(&f, texts[i], (struct render_limits){0}, &text), RC_INVALID);
        assert_int_equal(f.err.line, 2);
        assert_true(f.err.message[0] >= ' '); // the mark of the exception is gone
    }
    arena_close(f.arena);
}

static void limits_end_endless_work(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct render_limits limits;
    } cases[] = {
        {"{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
         {.fuel = 100000}},
        {"{% for i in range(9999) %}0123456789{% endfor %}", {.output_bytes = 1000}},
        {"{{ 'x' * 1000000000 }}", {0}},
        {"{% set l = [] %}{% for i in range(99999) %}{% do l.extend(range(99999)) %}{% endfor %}",
         {.fuel = 1000000}},
        {"{{ 10 ** 100000 }}", {0}},
        {"{{ '%99999999d' % 1 }}", {0}},
        {"{% set n = namespace(t='x') %}{% for i in range(40) %}{% set n.t = n.t ~ n.t %}"
         "{% endfor %}",
         {.memory_bytes = 1 << 22}},
        {"{% set l = [[0] * 1000] %}{% for i in range(99) %}{% do l.append(l[0] * 1000) %}"
         "{% endfor %}",
         {.memory_bytes = 1 << 24}},
    };
    struct fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str text;
        assert_int_equal(render_with(&f, cases[i].text, cases[i].limits, &text), RC_LIMIT);
        assert_int_equal(text.length, 0);
    }
    arena_close(f.arena);
}

static void values_nested_without_end_do_not_crash(void **state)
{
    (void)state;
    struct fixture f;
    struct str text;
    open_fixture(&f);
    const char *source = "{% set n = namespace(t=()) %}{% for i in range(50000) %}"
                         "{% set n.t = (n.t,) %}{% endfor %}{% set d = {n.t: 1} %}{{ n.t == n.t }}"
                         "{{ n.t in d }}";
    assert_int_equal(render_with(&f, source, (struct render_limits){0}, &text), RC_OK);
    assert_int_equal(render_with(&f, "{% set l = [] %}{% do l.append(l) %}{{ l }}",
                                 (struct render_limits){0}, &text),
                     RC_LIMIT);
    arena_close(f.arena);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct str text;
    open_fixture(&f);
    static const struct {
        const char *start, *piece;
    } cases[] = {{"{{ ", "("},       {"{{ a", ".b"},     {"{{ 1", " + 1"},
                 {"{{ ", "not "},    {"", "{% if a %}"}, {"{{ ", "-"},
                 {"{{ a", "|upper"}, {"{{ ", "[{'a': "}, {"{{ a ", "if b else c "}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf source;
        buf_init(&source, 1 << 22);
        buf_append_cstr(&source, cases[i].start);
        for (int n = 0; n < 100000; n++)
            buf_append_cstr(&source, cases[i].piece);
        buf_append_cstr(&source, cases[i].start[0] != '\0' ? " }}" : "");
        const char *all = arena_cstr(f.arena, buf_str(&source));
        assert_int_equal(render_with(&f, all, (struct render_limits){0}, &text), RC_LIMIT);
        buf_done(&source);
    }
    arena_close(f.arena);
}

static void scoping_is_jinjas(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}", "21"},
        {"{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "2"},
        {"{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% endfor %}"
         "{{ ns.n }}",
         "3"},
        {"{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(1) }}", "1"},
        {"{% macro m(l=[]) %}{% do l.append(1) %}{{ l }}{% endmacro %}{{ m() }}{{ m() }}",
         "[1][1]"},
        {"{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, a=2) }}", "(1,){'a': 2}"},
        {"{% macro w() %}[{{ caller(1) }}]{% endmacro %}{% call(x) w() %}{{ x }}{% endcall %}",
         "[1]"},
        {"{% for x in [1, 2, 3] if x != 2 %}{{ loop.index }}{{ x }}{{ loop.last }} {% endfor %}",
         "11False 23True "},
        {"{% for x in [1, 2, 3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
         "13"},
        {"{% with a = 1, b = a %}{{ b }}{% endwith %}", ""},
        {"{% set x | upper %}a{% set y = 1 %}{% endset %}{{ x }}{{ y }}", "A"},
        {"{{ (x is defined) if true else 'no' }}", "False"},
        {"{% set a, (b, c) = 1, (2, 3) %}{{ a }}{{ b }}{{ c }}", "123"},
    };
    struct fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(&f, cases[i][0], cases[i][1]);
    arena_close(f.arena);
}

static void collect_call(void *host, const struct call_site *site)
{
    struct buf *to = host;
    for (size_t i = 0; i < site->path_length; i++)
        buf_printf(to, "%s%.*s", i > 0 ? "." : "", STR_ARGS(site->path[i]));
    if (site->argument_count > 0 && site->arguments[0].value.kind == VALUE_STR)
        buf_printf(to, "(%.*s)", STR_ARGS(value_text(site->arguments[0].value)));
    buf_append_byte(to, ' ');
}

static void calls_are_found_statically(void **state)
{
    (void)state;
    struct fixture f;
    struct template *template;
    struct buf found;
    open_fixture(&f);
    buf_init(&found, 1000);
    const char *text = "{% if x %}{{ ref('a') }}{% endif %}{% for i in run(q(1)) %}"
                       "{% do adapter.dispatch('m', 'p')(ref(y)) %}{% endfor %}";
    assert_int_equal(template_parse(f.env, f.arena, str_of(text), STR("m.sql"), &template, &f.err),
                     RC_OK);
    template_visit_calls(template, f.arena, collect_call, &found);
    assert_true(str_is(buf_str(&found), "ref(a) run q adapter.dispatch(m) ref "));
    buf_done(&found);
    arena_close(f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(return_keeps_the_type_and_unwinds),
        cmocka_unit_test(bound_macros_find_each_other_in_the_context),
        cmocka_unit_test(return_outside_of_a_macro_is_an_error),
        cmocka_unit_test(host_statements_become_macros),
        cmocka_unit_test(errors_say_place_and_exception),
        cmocka_unit_test(syntax_errors_have_a_line),
        cmocka_unit_test(limits_end_endless_work),
        cmocka_unit_test(values_nested_without_end_do_not_crash),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(scoping_is_jinjas),
        cmocka_unit_test(calls_are_found_statically),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
