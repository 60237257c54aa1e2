// What flow/path.h and flow/intrinsic.h promise: JSONPath as AWS reads it, the intrinsic functions.

#include "unit_test.h"

#include "flow/intrinsic.h"
#include "flow/path.h"

static struct arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = arena_open(NULL);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

static struct json json_of(const char *text)
{
    struct json value;
    struct err err;
    assert_int_equal(json_parse(arena, str_of(text), "test", &value, &err), RC_OK);
    return value;
}

static void assert_json(const struct json *value, const char *wanted)
{
    assert_string_equal(arena_cstr(arena, json_print(arena, value, JSON_COMPACT)), wanted);
}

static const char input_text[] =
    "{\"a\":{\"b\":[10,20,{\"c\":null}]},\"x y\":1,\"it's\":2,\"users\":[{\"n\":\"u\",\"s\":0},"
    "{\"n\":\"v\",\"s\":1},{\"s\":2}]}";

static void test_paths_find_what_aws_finds(void **state)
{
    (void)state;
    static const struct {
        const char *path, *wanted; // wanted NULL: nothing is found
    } cases[] = {
        {"$", input_text},
        {"$.a.b[0]", "10"},
        {"$.a.b[-1].c", "null"},
        {"$['a'][\"b\"][1]", "20"},
        {"$['x y']", "1"},
        {"$['it\\'s']", "2"},
        {"$.a.b[*]", "[10,20,{\"c\":null}]"},
        {"$.a.b[0:2]", "[10,20]"},
        {"$.a.b[-2:]", "[20,{\"c\":null}]"},
        {"$.a.b[::2]", "[10,{\"c\":null}]"},
        {"$.a.b[0,2]", "[10,{\"c\":null}]"},
        {"$.a['b','z']", "[[10,20,{\"c\":null}]]"},
        {"$..c", "[null]"},
        {"$.users[?(@.s == 0)].n", "[\"u\"]"},
        {"$.users[?(@.s >= 1 && @.n)].n", "[\"v\"]"},
        {"$.users[?(!(@.s < 2) || @.n == 'u')].s", "[0,2]"},
        {"$.users[?(@.z)]", "[]"},
        {"$$.Execution.Id", "\"e\""},
        {"$v.k", "5"},
        {"$.none", NULL},
        {"$.a.b[3]", NULL},
        {"$.a.b.c", NULL},
        {"$w", NULL},
    };
    const struct json input = json_of(input_text),
                      context = json_of("{\"Execution\":{\"Id\":\"e\"}}");
    struct json variable = json_of("{\"k\":5}");
    struct flow_variables outer = {0}, inner = {.outer = &outer};
    map_init(&outer.values, arena);
    map_init(&inner.values, arena);
    map_set(&outer.values, STR("v"), &variable);
    const struct flow_scope scope = {&input, &context, &inner};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json value;
        struct err err;
        const rc code = path_eval(arena, str_of(cases[i].path), &scope, &value, &err);
        assert_int_equal(code, cases[i].wanted != NULL ? RC_OK : RC_NOT_FOUND);
        if (code == RC_OK)
            assert_json(&value, cases[i].wanted);
    }
}

static void test_broken_paths_are_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {"",        "a",           "$.",           "$.a[",
                                        "$.a[x]",  "$a..",        "$.a['b]",      "$$23",
                                        "$[?(@.a", "$[?(@.a=1)]", "$[?(1)]",      "$.a[0:2:0]",
                                        "$[0",     "$ .a",        "$[?((((@.a)]", "$.a]"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct path *path;
        struct err err;
        assert_int_equal(path_parse(arena, str_of(paths[i]), &path, &err), RC_INVALID);
    }
}

static void test_deep_conditions_end_with_a_limit(void **state)
{
    (void)state;
    char text[4200] = "$[?";
    struct err err;
    const struct path *path;
    for (size_t i = 3; i < 4000; i++)
        text[i] = i % 2 == 0 ? '(' : '!';
    assert_int_equal(path_parse(arena, str_of(text), &path, &err), RC_LIMIT);
}

static void test_results_are_put_where_the_path_says(void **state)
{
    (void)state;
    static const struct {
        const char *input, *path, *wanted; // NULL: there is no place
    } cases[] = {
        {"{\"a\":1}", "$", "9"},
        {"{\"a\":1}", "$.b", "{\"a\":1,\"b\":9}"},
        {"{\"a\":{\"x\":1}}", "$.a.x", "{\"a\":{\"x\":9}}"},
        {"{}", "$.a.b.c", "{\"a\":{\"b\":{\"c\":9}}}"},
        {"{\"a\":[1,2]}", "$.a[1]", "{\"a\":[1,9]}"},
        {"{\"a\":[1,2]}", "$.a[2]", NULL},
        {"{\"a\":1}", "$.a.b", NULL},
        {"[1]", "$.a", NULL},
    };
    const struct json nine = json_of("9");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct json input = json_of(cases[i].input);
        const struct path *path;
        struct json value;
        struct err err;
        assert_int_equal(path_parse(arena, str_of(cases[i].path), &path, &err), RC_OK);
        const rc code = path_set(arena, path, &input, &nine, &value, &err);
        assert_int_equal(code, cases[i].wanted != NULL ? RC_OK : RC_INVALID);
        assert_json(&input, cases[i].input); // the input itself stays as it was
        if (code == RC_OK)
            assert_json(&value, cases[i].wanted);
    }
}

static void test_functions_give_values_or_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *call, *wanted; // NULL: RC_INVALID
    } cases[] = {
        {"States.Format('{} and \\{\\} it\\'s {}', 'a', $.a.b)",
         "\"a and {} it's [10,20,{\\\"c\\\":null}]\""},
        {"States.Format('{}')", NULL},
        {"States.Format('x', 1)", NULL},
        {"States.StringToJson('{\"a\": [1]}')", "{\"a\":[1]}"},
        {"States.StringToJson('{')", NULL},
        {"States.Array(1, 'b', null, true, States.Array())", "[1,\"b\",null,true,[]]"},
        {"States.ArrayPartition($.a.b, 2)", "[[10,20],[{\"c\":null}]]"},
        {"States.ArrayPartition($.a.b, 0)", NULL},
        {"States.ArrayRange(9, 1, -4)", "[9,5,1]"},
        {"States.ArrayRange(1, 9, 0)", NULL},
        {"States.ArrayRange(1, 100000, 1)", NULL},
        {"States.ArrayGetItem($.a.b, 1)", "20"},
        {"States.ArrayGetItem($.a.b, 3)", NULL},
        {"States.ArrayLength($.a.b)", "3"},
        {"States.ArrayUnique(States.Array(1, 1, 'a', 'a'))", "[1,\"a\"]"},
        {"States.ArrayContains($.a.b, 20)", "true"},
        {"States.Base64Encode('Data')", "\"RGF0YQ==\""},
        {"States.Base64Decode('RGF0YQ==')", "\"Data\""},
        {"States.Hash('abc', 'MD5')", "\"900150983cd24fb0d6963f7d28e17f72\""},
        {"States.Hash('abc', 'MD4')", NULL},
        {"States.JsonMerge($.a, $.users[0], false)",
         "{\"b\":[10,20,{\"c\":null}],\"n\":\"u\",\"s\":0}"},
        {"States.JsonMerge($.a, $.a, true)", NULL},
        {"States.MathAdd(9223372036854775807, 1)", NULL},
        {"States.MathAdd(1, -3)", "-2"},
        {"States.MathRandom(5, 6)", "5"},
        {"States.MathRandom(6, 6)", NULL},
        {"States.StringSplit('1,2;3', ',;')", "[\"1\",\"2\",\"3\"]"},
        {"States.Foo(1)", NULL},
        {"States.Format('a', )", NULL},
        {"States.Format('a'", NULL},
        {"States.Format('a') x", NULL},
        {"States.UUID(1)", NULL},
    };
    const struct json input = json_of(input_text);
    const struct flow_scope scope = {.input = &input};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json value;
        struct err err;
        const rc code = intrinsic_eval(arena, str_of(cases[i].call), &scope, &value, &err);
        assert_int_equal(code, cases[i].wanted != NULL ? RC_OK : RC_INVALID);
        if (code == RC_OK)
            assert_json(&value, cases[i].wanted);
    }
}

static void test_calls_nest_ten_deep_and_no_deeper(void **state)
{
    (void)state;
    for (int depth = 10; depth <= 11; depth++) {
        struct str call = STR("1");
        struct err err;
        for (int i = 0; i < depth; i++)
            call = arena_printf(arena, "States.Array(%.*s)", STR_ARGS(call));
        assert_int_equal(intrinsic_check(call, &err), depth == 10 ? RC_OK : RC_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_paths_find_what_aws_finds, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(test_broken_paths_are_refused, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(test_deep_conditions_end_with_a_limit, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(test_results_are_put_where_the_path_says, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(test_functions_give_values_or_say_what_is_wrong, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(test_calls_nest_ten_deep_and_no_deeper, open_arena,
                                        close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
