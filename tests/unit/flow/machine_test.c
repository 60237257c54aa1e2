// What flow/machine.h promises: every problem with its state and keys; ${name} filled in.

#include "unit_test.h"

#include "flow/machine.h"

static rc refuse_sns(void *context, struct str state, const struct json *task, struct err *err)
{
    (void)context;
    (void)state;
    if (!str_contains(json_get(task, STR("Resource"))->text, STR("sns")))
        return RC_OK;
    err_set(err, RC_UNSUPPORTED, "sns cannot be run here");
    return err_hint(err, "a hint");
}

static void test_problems_name_the_state_the_place_and_what_was_meant(void **state)
{
    (void)state;
    static const struct {
        const char *definition, *where, *message, *hint;
    } cases[] = {
        {"[]", "", "must be an object", ""},
        {"{\"StartAt\":\"A\",\"States\":{}}", "", "no state A", ""},
        {"{\"StartAt\":\"B\",\"States\":{\"Bb\":{\"Type\":\"Succeed\"}}}", "StartAt", "no state B",
         "Bb"},
        {"{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pas\",\"End\":true}}}", "States A",
         "\"Pas\"", "Pass"},
        {"{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\"}}}", "States A", "needs one of",
         ""},
        {"{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"End\":true,\"Nextt\":\"A\"}}}",
         "States A Nextt", "no field \"Nextt\"", "Next"},
        {"{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"Next\":\"A\",\"End\":true}}}",
         "States A Next", "only one of", ""},
        {"{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"sns\",\"End\":"
         "true}"
         "}}",
         "States A Resource", "sns cannot", "a hint"},
        {"{\"StartAt\":\"A\",\"QueryLanguage\":\"JSONata\",\"States\":{\"A\":{\"Type\":\"Succeed\"}"
         "}"
         "}",
         "QueryLanguage", "JSONata", "JSONPath"},
        {"{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Succeed\"},\"B\":{\"Type\":\"Succeed\"}}"
         "}",
         "States B", "nothing leads", ""},
        {"{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":"
         "\"$.a\",\"StringEqual\":\"x\",\"Next\":\"A\"}]}}}",
         "States A Choices 0", "StringEqual is no comparison", ""},
        {"{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Parallel\",\"End\":true,\"Branches\":[{"
         "\"StartAt\":\"B\",\"States\":{\"B\":{\"Type\":\"Pass\",\"Next\":\"A\"}}}]}}}",
         "States A Branches 0 States B Next", "no state A", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena = arena_open(NULL);
        struct json definition;
        struct err err;
        machine_problem_vec problems = {0};
        assert_int_equal(json_parse(arena, str_of(cases[i].definition), "t", &definition, &err),
                         RC_OK);
        machine_check(arena, &definition,
                      (struct machine_check_options){.check_resource = refuse_sns}, &problems);
        assert_true(problems.count >= 1);
        const struct machine_problem *p = &problems.items[0];
        const struct str keys = str_join(arena, p->keys.items, p->keys.count, STR(" "));
        assert_true(str_contains(p->message, str_of(cases[i].message)));
        assert_true(str_contains(p->hint, str_of(cases[i].hint)));
        if (cases[i].where[0] != '\0')
            assert_string_equal(arena_cstr(arena, keys), cases[i].where);
        arena_close(arena);
    }
}

static void test_machines_nested_too_deep_are_a_problem_and_no_crash(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct str text = STR("{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Succeed\"}}}");
    for (int i = 0; i < 40; i++)
        text = arena_printf(arena,
                            "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Parallel\",\"End\":"
                            "true,\"Branches\":[%.*s]}}}",
                            STR_ARGS(text));
    struct json definition;
    struct err err;
    machine_problem_vec problems = {0};
    assert_int_equal(json_parse(arena, text, "t", &definition, &err), RC_OK);
    machine_check(arena, &definition, (struct machine_check_options){0}, &problems);
    assert_int_equal(problems.count, 1);
    assert_true(str_contains(problems.items[0].message, STR("deeper")));
    arena_close(arena);
}

static void test_names_are_filled_in_and_missing_ones_are_placed(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct json names;
    struct str text;
    struct err err;
    assert_int_equal(json_parse(arena, STR("{\"fn\":\"dev-x\",\"n\":3}"), "t", &names, &err),
                     RC_OK);
    assert_int_equal(
        machine_substitute(arena, STR("a ${fn} ${n} $${fn} $.x"), "f", &names, &text, &err), RC_OK);
    assert_string_equal(arena_cstr(arena, text), "a dev-x 3 ${fn} $.x");
    assert_int_equal(machine_substitute(arena, STR("a\n  ${fm}"), "f", &names, &text, &err),
                     RC_CONFIG);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 3);
    assert_non_null(strstr(err.hint, "${fn}"));
    assert_int_equal(machine_substitute(arena, STR("${fn"), "f", &names, &text, &err), RC_CONFIG);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problems_name_the_state_the_place_and_what_was_meant),
        cmocka_unit_test(test_machines_nested_too_deep_are_a_problem_and_no_crash),
        cmocka_unit_test(test_names_are_filled_in_and_missing_ones_are_placed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
