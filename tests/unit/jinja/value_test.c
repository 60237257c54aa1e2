// Python's values: numbers, texts, collections, as expressions give them.

#include "unit_test.h"

#include "jinja/jinja.h"

static const char *const cases[][2] = {
    {"7 // 2", "3"},
    {"-7 // 2", "-4"},
    {"-7 % 3", "2"},
    {"7 % -3", "-2"},
    {"2 ** 100", "1267650600228229401496703205376"},
    {"(2 ** 100) // (2 ** 98)", "4"},
    {"-(2 ** 70) % 1000", "576"},
    {"9223372036854775807 + 1", "9223372036854775808"},
    {"0.1 + 0.2", "0.30000000000000004"},
    {"1e20", "1e+20"},
    {"1e15", "1000000000000000.0"},
    {"1.0e-5", "1e-05"},
    {"7 / 2", "3.5"},
    {"1 == 1.0 and {1: 'a'}[1.0] == 'a'", "True"},
    {"[1, 'a', (1,), {'b': none}, \"it's\"]", "[1, 'a', (1,), {'b': None}, \"it's\"]"},
    {"'a\\n\\t\\\\é'|pprint", "'a\\n\\t\\\\é'"},
    {"'%05.1f|%-4s|%+d|%x' % (3.14159, 'ab', 5, 255)", "003.1|ab  |+5|ff"},
    {"'{:>6}|{:,}|{:.2%}|{!r}|{a[0]}'.format('x', 1234567, 0.5, 'q', a=[9])",
     "     x|1,234,567|50.00%|'q'|9"},
    {"'a,b,,c'.split(',')", "['a', 'b', '', 'c']"},
    {"' a  b '.split()", "['a', 'b']"},
    {"'a b c'.rsplit(' ', 1)", "['a b', 'c']"},
    {"'abc'[::-1] ~ 'äbc'[0] ~ 'abc'[-2:]", "cbaäbc"},
    {"'Straße'.upper() ~ 'aXb'.swapcase()", "STRASSEAxB"},
    {"'a'.center(5, '*') ~ 'abc'.zfill(5) ~ '-7'.zfill(4)", "**a**00abc-007"},
    {"[3, 1, 2]|sort|join(',')", "1,2,3"},
    {"['b', 'A']|sort|join", "Ab"},
    {"[1, 2, 3, 4]|batch(3)|list", "[[1, 2, 3], [4]]"},
    {"{'b': 1, 'a': 2}|tojson", "{\"a\": 2, \"b\": 1}"},
    {"2.5|round ~ '' ~ 3.5|round ~ '' ~ 2.675|round(2)", "2.04.02.67"},
    {"'1e3'|int ~ '|' ~ '0x1f'|int(0, 16) ~ '|' ~ 'x'|int(7)", "1000|31|7"},
    {"[1, 2] + [3]", "[1, 2, 3]"},
    {"'ab' * 2 ~ [0] * 2", "abab[0, 0]"},
    {"1 < 2 < 3 and not 1 < 3 < 2", "True"},
    {"dict(a=1, b=2).items()|list", "[('a', 1), ('b', 2)]"},
    {"{'items': 1}.items is callable and {'items': 1}['items'] == 1", "True"},
    {"range(3)|list ~ range(5, 0, -2)|list", "[0, 1, 2][5, 3, 1]"},
    {"[1, 1.0, true]|unique|list", "[1]"},
    {"'x' in 'axb' and 2 not in [1] and 'a' in {'a': 1}", "True"},
    {"[{'a': 1}, {'a': 3}]|sum(attribute='a')", "4"},
    {"[{'a': 1}, {'a': 3}]|selectattr('a', '>', 1)|map(attribute='a')|list", "[3]"},
    {"'hello world foo'|truncate(11, leeway=0)", "hello..."},
    {"'a b'|urlencode ~ '<'|escape", "a%20b&lt;"},
    {"none ~ true ~ ()", "NoneTrue()"},
};

static void expressions_give_what_python_gives(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct environment *env = environment_new(arena, &(struct environment_options){0});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct render_options options = {.arena = arena};
        struct err err = {0};
        struct value value;
        struct str text = STR("");
        rc code = expression_evaluate(env, str_of(cases[i][0]), &options, &value, &err);
        if (code == RC_OK)
            code = value_to_str(NULL, arena, value, &text, &err);
        if (code != RC_OK || !str_is(text, cases[i][1]))
            fail_msg("%s: expected %s, found %.*s %s", cases[i][0], cases[i][1], STR_ARGS(text),
                     err.message);
    }
    arena_close(arena);
}

static void dicts_keep_order_and_grow(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct value dict = value_dict_new(arena);
    struct err err;
    for (int64_t i = 0; i < 1000; i++)
        assert_int_equal(dict_set(dict, value_int(i * 7), value_int(i), &err), RC_OK);
    bool was_there;
    for (int64_t i = 0; i < 1000; i += 2)
        assert_int_equal(dict_remove(dict, value_int(i * 7), &was_there, &err), RC_OK);
    assert_int_equal(dict_count(dict), 500);
    struct dict_entry *entry;
    int64_t wanted = 1;
    for (size_t at = 0; dict_next(dict, &at, &entry); wanted += 2)
        assert_int_equal(entry->value.integer, wanted);
    struct value found;
    assert_int_equal(dict_get(dict, value_float(7.0), &found, &err), RC_OK);
    assert_int_equal(found.integer, 1);
    assert_int_equal(dict_set(dict, value_list_new(arena, 0), value_none(), &err), RC_FAILED);
    arena_close(arena);
}

static void dates_count_and_print(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct environment *env = environment_new(arena, &(struct environment_options){0});
    const struct context context = {.values = value_dict_new(arena)};
    dict_set_str(context.values, STR("d"), value_date(arena, 2020, 1, 31));
    dict_set_str(context.values, STR("day"), value_timedelta(arena, 1, 0, 0));
    const struct render_options options = {.arena = arena, .context = &context};
    struct err err = {0};
    struct value value;
    struct str text;
    assert_int_equal(
        expression_evaluate(env,
                            STR("[d + day, d.year, d - day == d, (d - (d - day * 3)).days, "
                                "d.strftime('%d.%m.%y'), d.isoformat()]"),
                            &options, &value, &err),
        RC_OK);
    assert_int_equal(value_to_str(NULL, arena, value, &text, &err), RC_OK);
    assert_true(str_is(text, "[datetime.date(2020, 2, 1), 2020, False, 3, '31.01.20', "
                             "'2020-01-31']"));
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_give_what_python_gives),
        cmocka_unit_test(dicts_keep_order_and_grow),
        cmocka_unit_test(dates_count_and_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
