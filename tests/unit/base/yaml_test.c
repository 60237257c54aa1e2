// What base/yaml.h promises beyond PyYAML's values (those are proven by the suites yaml-scalars and
// yaml-documents): places, limits, messages, rewriting, JSON.

#include "unit_test.h"

#include "base/yaml.h"

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

static const struct yaml *parse(const char *text)
{
    const struct yaml *root = NULL;
    struct err err = {0};
    if (yaml_parse(arena, str_of(text), "f.yml", &root, &err) != RC_OK)
        fail_msg("%d:%d: %s", err.line, err.column, err.message);
    return root;
}

static const char *json_of(const char *text)
{
    const struct json value = yaml_to_json(arena, parse(text));
    return arena_cstr(arena, json_print(arena, &value, JSON_COMPACT));
}

static void test_every_node_knows_its_place(void **state)
{
    (void)state;
    const struct yaml *root = parse("# head\na: 1\nb:\n  - \xc3\xa9: x\n    y: z\n");
    assert_int_equal(yaml_get(root, STR("a"))->line, 2);
    assert_int_equal(yaml_get(root, STR("a"))->column, 4);
    const struct yaml *item = yaml_get(root, STR("b"))->items[0];
    assert_int_equal(item->line, 4);
    assert_int_equal(item->column, 5);
    assert_int_equal(item->members[0].value->column, 8); // code points, not bytes
    assert_int_equal(yaml_member_of(item, STR("y"))->key->line, 5);
    assert_string_equal(item->place, "f.yml");
}

static const struct {
    const char *yaml, *json;
} values[] = {
    {"0x1_FFFF_FFFF_FFFF_FFFF", "36893488147419103231"},
    {"-0b11", "-3"},
    {"+12345678901234567890123", "12345678901234567890123"},
    {"1:00:00:00", "216000"},
    {"0777", "511"},
    {"1.5e+3", "1500.0"},
    {"1e3", "\"1e3\""},
    {"-.5", "\"-.5\""},
    {"1:30.5", "90.5"},
    {"-.INF", "\"-inf\""},
    {"2024-02-29", "\"2024-02-29\""},
    {"2024-1-2 3:04:05.5 +5:30", "\"2024-01-02T03:04:05.500000+05:30\""},
    {"2001-12-14t21:59:43.10-05:00", "\"2001-12-14T21:59:43.100000-05:00\""},
    {"!!binary aGVs bG8=", "\"aGVsbG8=\""},
    {"!!float 3", "3.0"},
    {"!!float 1e3", "1000.0"},
    {"! 12", "12"},
    {"!!str 12", "\"12\""},
    {"!!set {b, a}", "[\"b\",\"a\"]"},
    {"!!omap [a: 1, b: 2]", "[[\"a\",1],[\"b\",2]]"},
    {"{1: a, true: b, 1.0: c}", "{\"1\":\"c\"}"}, // one key, as in a dict
    {"{=: 1}", "{\"=\":1}"},
    {"a: &x [1]\nb: *x", "{\"a\":[1],\"b\":[1]}"},
    {"a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a}", "{\"a\":{\"x\":1,\"y\":2},\"b\":{\"x\":1,\"y\":3}}"},
    {"x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y], c: 3}",
     "{\"x\":{\"a\":1},\"y\":{\"a\":2,\"b\":2},\"z\":{\"a\":1,\"b\":2,\"c\":3}}"},
    {"b: {<<: {<<: {a: 1}, b: 2}, c: 3}", "{\"b\":{\"a\":1,\"b\":2,\"c\":3}}"},
    {"\"\\u00e9\\x41\"", "\"\xc3\xa9"
                         "A\""},
    {"\xef\xbb\xbf"
     "a: 1",
     "{\"a\":1}"},
};

static void test_values_are_those_of_python(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_string_equal(json_of(values[i].yaml), values[i].json);
}

static const struct {
    const char *yaml;
    rc code;
    int line, column;
    const char *part; // of the message
} refused[] = {
    {"a: 1\nb: [1, 2\nc: 3", RC_INVALID, 3, 2, "did not find expected ',' or ']'"},
    {"a: b: c", RC_INVALID, 1, 5, "mapping values are not allowed"},
    {"a: &x [*x]", RC_INVALID, 1, 8, "cannot hold itself"},
    {"a: *x", RC_INVALID, 1, 4, "no anchor has the name x"},
    {"a: &x 1\nb: &x 2", RC_INVALID, 2, 4, "this anchor is used twice: x"},
    {"? [a]\n: 1", RC_INVALID, 1, 3, "a list cannot be the key"},
    {"a: 2024-02-30", RC_INVALID, 1, 4, "expected a date that exists"},
    {"a: !!int x", RC_INVALID, 1, 4, "expected an integer, found 'x'"},
    {"a: 0x_", RC_INVALID, 1, 4, "expected an integer"},
    {"a: !!seq {}", RC_INVALID, 1, 4, "cannot have the tag"},
    {"a: {<<: 3}", RC_INVALID, 1, 9, "expected a mapping (or a list of mappings) to merge"},
    {"--- 1\n--- 2", RC_INVALID, 2, 1, "expected one document"},
    {"a: \"x\xff\"", RC_INVALID, 1, 6, "invalid leading UTF-8"},
    {"a: 'x", RC_INVALID, 1, 6, "unexpected end of stream"},
};

static void test_wrong_texts_are_refused_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const struct yaml *root = NULL;
        struct err err = {0};
        assert_int_equal(yaml_parse(arena, str_of(refused[i].yaml), "f.yml", &root, &err),
                         refused[i].code);
        if (err.line != refused[i].line || err.column != refused[i].column ||
            strstr(err.message, refused[i].part) == NULL)
            fail_msg("%s: %d:%d: %s", refused[i].yaml, err.line, err.column, err.message);
        assert_null(root);
    }
}

static void test_common_mistakes_get_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *part;
    } cases[] = {
        {"a:\n\tb: 1", "not with tabs"},     {"a: @x", "put the value into quotes"},
        {"a: b: c", "put text that holds"},  {"a: 1\n b: 2", "indentation"},
        {"a:\n  - b\n c: 1", "indentation"}, {"a: 1\nb\nc: 2", "missing colon"},
        {"a: [1, 2\nb: 3", "not closed"},    {"a: 'x", "a quote is not closed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct yaml *root;
        struct err err = {0};
        assert_int_equal(yaml_parse(arena, str_of(cases[i].yaml), "f.yml", &root, &err),
                         RC_INVALID);
        if (strstr(err.hint, cases[i].part) == NULL)
            fail_msg("%s: %s | %s", cases[i].yaml, err.message, err.hint);
    }
}

static void test_hostile_texts_end_at_a_limit(void **state)
{
    (void)state;
    struct err err;
    const struct yaml *root;
    char deep[2000];
    memset(deep, '[', sizeof deep);
    assert_int_equal(yaml_parse(arena, (struct str){deep, sizeof deep}, "f", &root, &err),
                     RC_LIMIT);
    // A billion laughs: each level holds the one before ten times.
    struct str bomb = STR("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 9; i++) {
        bomb = arena_printf(arena, "%.*sa%d: &a%d [", STR_ARGS(bomb), i, i);
        for (int k = 0; k < 10; k++)
            bomb = arena_printf(arena, "%.*s*a%d,", STR_ARGS(bomb), i - 1);
        bomb = arena_printf(arena, "%.*s]\n", STR_ARGS(bomb));
    }
    assert_int_equal(yaml_parse(arena, bomb, "f", &root, &err), RC_LIMIT);
    // A chain of aliases is deep without being nested in the text.
    struct str chain = STR("- &a0 []\n");
    for (int i = 1; i < 300; i++)
        chain = arena_printf(arena, "%.*s- &a%d [*a%d]\n", STR_ARGS(chain), i, i - 1);
    assert_int_equal(yaml_parse(arena, chain, "f", &root, &err), RC_LIMIT);
    char digits[YAML_MAX_INTEGER_DIGITS + 2];
    memset(digits, '9', sizeof digits);
    assert_int_equal(yaml_parse(arena, (struct str){digits, sizeof digits}, "f", &root, &err),
                     RC_LIMIT);
}

static void test_large_mappings_keep_order_and_the_last_of_equal_keys(void **state)
{
    (void)state;
    struct str text = STR("");
    for (int i = 0; i < 100; i++)
        text = arena_printf(arena, "%.*sk%d: %d\n", STR_ARGS(text), i, i);
    text = arena_printf(arena, "%.*sk7: x\n7: y\n", STR_ARGS(text));
    const struct yaml *root = parse(arena_cstr(arena, text));
    assert_int_equal(root->count, 101);
    assert_true(str_is(root->members[7].key->text, "k7"));
    assert_true(str_is(yaml_str(yaml_get(root, STR("k7")), STR("")), "x"));
    assert_null(yaml_get(root, STR("7"))); // the key is the integer
    assert_int_equal(yaml_int64(yaml_get(root, STR("k99")), 0), 99);
}

static void test_typed_reads_say_what_was_wanted_and_found(void **state)
{
    (void)state;
    const struct yaml *root = parse("n: four\nbig: 99999999999999999999\nl: [1]\nz:\ns: 3");
    struct err err;
    int64_t number = 5;
    struct str text;
    assert_int_equal(yaml_to_int64(yaml_get(root, STR("n")), "n", &number, &err), RC_CONFIG);
    assert_string_equal(err.message, "expected an integer for 'n', found string 'four'");
    assert_int_equal(number, 5);
    assert_int_equal(yaml_to_int64(yaml_get(root, STR("big")), "big", &number, &err), RC_CONFIG);
    assert_int_equal(err.line, 2);
    assert_int_equal(yaml_to_str(yaml_get(root, STR("l")), "l", &text, &err), RC_CONFIG);
    assert_string_equal(err.message, "expected a string for 'l', found a list");
    assert_int_equal(yaml_to_text(yaml_get(root, STR("s")), "s", &text, &err), RC_OK);
    assert_true(str_is(text, "3"));
    const struct yaml *value;
    assert_int_equal(yaml_require(root, "z", &value, &err), RC_CONFIG);
    assert_string_equal(err.message, "the key 'z' is missing");
    static const struct str keys[] = {STR_INIT("nn"), STR_INIT("bigg"), STR_INIT("ll")};
    assert_int_equal(yaml_check_keys(root, keys, 3, &err), RC_CONFIG);
    assert_string_equal(err.message, "unknown key 'n'");
}

static rc fill(void *context, const struct yaml *string, const struct yaml **ret, struct err *err)
{
    (void)context;
    if (str_is(string->text, "bad"))
        return yaml_error(err, string, RC_CONFIG, "no");
    if (str_is(string->text, "{{ 3 }}"))
        *ret = yaml_new_int64(arena, string, 3);
    return RC_OK;
}

static void test_rewriting_shares_what_stays_and_keeps_places(void **state)
{
    (void)state;
    const struct yaml *root = parse("a: [x, '{{ 3 }}']\nb: {c: d}"), *changed;
    struct err err;
    assert_int_equal(yaml_rewrite(arena, root, fill, NULL, &changed, &err), RC_OK);
    const struct json value = yaml_to_json(arena, changed);
    assert_string_equal(arena_cstr(arena, json_print(arena, &value, JSON_COMPACT)),
                        "{\"a\":[\"x\",3],\"b\":{\"c\":\"d\"}}");
    assert_int_equal(yaml_get(changed, STR("a"))->items[1]->column, 8);
    assert_ptr_equal(yaml_get(changed, STR("b")), yaml_get(root, STR("b")));
    assert_true(str_is(yaml_get(root, STR("a"))->items[1]->text, "{{ 3 }}"));
    assert_int_equal(yaml_rewrite(arena, parse("a: {b: bad}"), fill, NULL, &changed, &err),
                     RC_CONFIG);
    assert_int_equal(err.column, 8);
}

static void test_json_becomes_the_same_tree_as_its_yaml(void **state)
{
    (void)state;
    struct json value;
    const struct str text = STR("{\"a\":[1,2.5,\"x\",null,true],\"b\":{}}");
    assert_int_equal(json_parse(arena, text, "x", &value, NULL), RC_OK);
    assert_true(yaml_equal(yaml_of_json(arena, &value, "x"), parse(text.bytes)));
    assert_false(yaml_equal(parse("{a: 1}"), parse("{a: '1'}")));
    assert_true(yaml_equal(parse("{a: 1, b: 2}"), parse("{b: 2.0, a: 1}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_node_knows_its_place),
        cmocka_unit_test(test_values_are_those_of_python),
        cmocka_unit_test(test_wrong_texts_are_refused_with_their_place),
        cmocka_unit_test(test_common_mistakes_get_a_hint),
        cmocka_unit_test(test_hostile_texts_end_at_a_limit),
        cmocka_unit_test(test_large_mappings_keep_order_and_the_last_of_equal_keys),
        cmocka_unit_test(test_typed_reads_say_what_was_wanted_and_found),
        cmocka_unit_test(test_rewriting_shares_what_stays_and_keeps_places),
        cmocka_unit_test(test_json_becomes_the_same_tree_as_its_yaml),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
