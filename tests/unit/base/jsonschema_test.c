// What base/jsonschema.h promises: every problem with its place, and messages about the alternative
// that the user meant.

#include "unit_test.h"

#include "base/jsonschema.h"

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

// Compiles, parses, validates and prints the problems, one a line: "line:column: message | hint".
static struct str problems_of(const char *schema_text, const char *yaml_text)
{
    struct err err = {0};
    const struct jsonschema *schema;
    const struct yaml *root;
    jsonschema_problem_vec problems;
    if (jsonschema_compile(arena, str_of(schema_text), "schema", &schema, &err) != RC_OK ||
        yaml_parse(arena, str_of(yaml_text), "f.yml", &root, &err) != RC_OK)
        fail_msg("%s", err.message);
    const struct jsonschema_options options = {.accepts_templates = true};
    assert_int_equal(jsonschema_validate(schema, arena, root, options, &problems, &err), RC_OK);
    struct str text = STR("");
    for (size_t i = 0; i < problems.count; i++) {
        const struct jsonschema_problem *p = &problems.items[i];
        assert_string_equal(p->place, "f.yml");
        text = arena_printf(arena, "%.*s%s%d:%d: %.*s%s%.*s", STR_ARGS(text), i > 0 ? "\n" : "",
                            p->line, p->column, STR_ARGS(p->message),
                            p->hint.length > 0 ? " | " : "", STR_ARGS(p->hint));
    }
    return text;
}

static const char project[] =
    "{\"type\":\"object\",\"required\":[\"name\",\"environments\"],\"additionalProperties\":false,"
    "\"properties\":{"
    "\"name\":{\"type\":\"string\",\"pattern\":\"^[a-z_]+$\",\"description\":\"lower case\"},"
    "\"threads\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":64},"
    "\"since\":{\"type\":\"string\"},"
    "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,"
    "\"uniqueItems\":true},"
    "\"level\":{\"enum\":[\"debug\",\"info\",\"warn\"]},"
    "\"environments\":{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#/$defs/env\"}}},"
    "\"$defs\":{\"env\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"warehouse\":{\"type\":\"string\"},\"catalog\":{\"$ref\":\"#/$defs/catalog\"}}},"
    "\"catalog\":{\"oneOf\":[{\"$ref\":\"#/$defs/sql\",\"description\":\"a file\"},"
    "{\"$ref\":\"#/$defs/glue\"},{\"type\":\"string\"}]},"
    "\"sql\":{\"type\":\"object\",\"required\":[\"type\",\"uri\"],\"additionalProperties\":false,"
    "\"properties\":{\"type\":{\"const\":\"sql\"},\"uri\":{\"type\":\"string\"}}},"
    "\"glue\":{\"type\":\"object\",\"required\":[\"type\"],\"additionalProperties\":false,"
    "\"properties\":{\"type\":{\"const\":\"glue\"},\"region\":{\"type\":\"string\"},"
    "\"retries\":{\"type\":\"integer\"}}}}}";

static const struct {
    const char *yaml, *problems;
} cases[] = {
    {"name: a\nenvironments: {local: {warehouse: ./w, catalog: {type: sql, uri: x}}}", ""},
    {"name: a\nenvironments: {l: {catalog: by_name}}", ""},
    {"name: a\nenvironments: {}\nsince: 2024-01-01", ""},
    {"name: a\nenvironments: {}\nthreads: \"{{ env_var('N') }}\"", ""},
    {"name: a\nenvironments: {l: {catalog: {type: \"{{ var('t') }}\", uri: x}}}", ""},
    // One mistake, one problem: 'name' is not told to be missing too.
    {"nmae: a\nenvironments: {}", "1:1: unknown key 'nmae' | did you mean 'name'?"},
    {"name: 3\nenvironments: []\nthreads: 0",
     "1:7: expected a string for 'name', found integer 3 | put the value into quotes\n"
     "2:15: expected a mapping for 'environments', found a list\n"
     "3:10: expected at least 1 for 'threads', found 0"},
    {"name: A b\nenvironments: {}",
     "1:7: string 'A b' for 'name' does not have the form ^[a-z_]+$ | lower case"},
    {"name: a\nenvironments: {}\nlevel: inof",
     "3:8: expected one of 'debug', 'info' or 'warn' for 'level', found string 'inof' | did you "
     "mean 'info'?"},
    {"name: a\nenvironments: {}\ntags: [x, 1, x]",
     "3:11: expected a string for 'tags[1]', found integer 1 | put the value into quotes\n"
     "3:14: string 'x' is twice in 'tags'"},
    {"name: a\nenvironments: {}\ntags: []", "3:7: expected at least 1 items in 'tags', found 0"},
    // The discriminator chooses the alternative, so the message is about that one.
    {"name: a\nenvironments:\n  l:\n    catalog: {type: glue, regoin: eu, retries: x}",
     "4:27: unknown key 'regoin' in 'environments.l.catalog' | did you mean 'region'?\n"
     "4:48: expected an integer for 'environments.l.catalog.retries', found string 'x'"},
    {"name: a\nenvironments: {l: {catalog: {type: sql}}}",
     "2:29: the key 'uri' is missing in 'environments.l.catalog'"},
    {"name: a\nenvironments: {l: {catalog: {type: gleu}}}",
     "2:36: expected one of 'sql' or 'glue' for 'environments.l.catalog.type', found string "
     "'gleu' | did you mean 'glue'?"},
    {"name: a\nenvironments: {l: {catalog: {uri: x}}}",
     "2:29: the key 'type' is missing in 'environments.l.catalog' | it says which kind this is: "
     "'sql' or 'glue'"},
    {"name: a\nenvironments: {l: {catalog: [1]}}",
     "2:29: expected a mapping or a string for 'environments.l.catalog', found a list"},
    {"", "1:1: expected a mapping for the file, found nothing"},
};

static void test_problems_are_told_with_place_and_suggestion(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(arena_cstr(arena, problems_of(project, cases[i].yaml)),
                            cases[i].problems);
}

static const struct {
    const char *schema, *yaml, *problems;
} rules[] = {
    {"{\"type\":[\"integer\",\"null\"]}", "~", ""},
    {"{\"type\":[\"integer\",\"null\"]}", "x",
     "1:1: expected an integer or null for the file, found string 'x'"},
    {"{\"type\":\"integer\"}", "3.0", ""},
    {"{\"exclusiveMinimum\":0}", "0", "1:1: expected more than 0 for the file, found 0"},
    {"{\"maximum\":10}", "11", "1:1: expected at most 10 for the file, found 11"},
    {"{\"patternProperties\":{\"^x-\":{\"type\":\"integer\"}},\"additionalProperties\":false}",
     "{x-a: 1, y: 2, x-b: c}",
     "1:10: unknown key 'y'\n1:21: expected an integer for 'x-b', found string 'c'"},
    {"{\"allOf\":[{\"properties\":{\"a\":{}}},{\"required\":[\"b\"]}],"
     "\"unevaluatedProperties\":false,\"properties\":{\"b\":{}}}",
     "{a: 1, cde: 2}", "1:1: the key 'b' is missing\n1:8: unknown key 'cde' | known keys: b, a"},
    {"{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]},\"else\":{\"required\":[\"c\"]"
     "}}",
     "{a: 1}", "1:1: the key 'b' is missing"},
    {"{\"dependentRequired\":{\"a\":[\"b\"]}}", "{a: 1}",
     "1:1: the key 'b' is missing, which 'a' needs"},
    {"{\"not\":{\"required\":[\"a\"]}}", "{a: 1}", "1:1: the file must not be so"},
    {"{\"anyOf\":[{\"const\":\"all\"},{\"enum\":[\"one\",\"two\"]}]}", "al",
     "1:1: expected one of 'all', 'one' or 'two' for the file, found string 'al' | did you mean "
     "'all'?"},
    {"{\"anyOf\":[{\"enum\":[\"auto\"]},{\"oneOf\":[{\"properties\":{\"type\":{\"const\":"
     "\"offset\"}}"
     ",\"required\":[\"type\"]},{\"properties\":{\"type\":{\"const\":\"cursor\"}},\"required\":["
     "\"type\"]}]}]}",
     "{type: ofset}",
     "1:8: expected one of 'offset' or 'cursor' for 'type', found string 'ofset' | did you mean "
     "'offset'?"},
    {"{\"anyOf\":[{\"enum\":[\"auto\"]},{\"properties\":{\"a\":{}}}]}", "[]",
     "1:1: expected a string or a mapping for the file, found a list"},
    {"{\"oneOf\":[{\"minimum\":1},{\"minimum\":2}]}", "3",
     "1:1: the file can be read in 2 ways: say more"},
    // Without a discriminator the alternative with the fewest problems was meant, wherever it
    // stands.
    {"{\"oneOf\":[{\"required\":[\"x\",\"y\",\"z\"]},{\"required\":[\"a\",\"b\"]},{\"required\":["
     "\"v\",\"w\"]}]}",
     "{a: 1}", "1:1: the key 'b' is missing"},
    {"{\"minItems\":2,\"maxItems\":2}", "[1, 2]", ""},
    {"{\"maxItems\":2}", "[1, 2, 3]", "1:1: expected at most 2 items in the file, found 3"},
    {"{\"minLength\":2,\"maxLength\":3}", "\"\\u00e9\\u00e9\\u00e9\"", ""},
    {"{\"minProperties\":1}", "{}", "1:1: expected at least 1 keys in the file, found 0"},
    {"{\"properties\":{\"a\":false}}", "{a: 1}", "1:5: 'a' is not allowed here"},
    {"{\"prefixItems\":[{\"type\":\"string\"}],\"items\":{\"type\":\"integer\"}}", "[a, b]",
     "1:5: expected an integer for '[1]', found string 'b'"},
    {"{\"propertyNames\":{\"pattern\":\"^[a-z]$\"}}", "{ab: 1}",
     "1:2: string 'ab' for 'ab' does not have the form ^[a-z]$"},
    {"{\"$defs\":{\"t\":{\"properties\":{\"next\":{\"$ref\":\"#/$defs/t\"}},"
     "\"additionalProperties\":false}},\"$ref\":\"#/$defs/t\"}",
     "{next: {next: {nxet: {}}}}",
     "1:16: unknown key 'nxet' in 'next.next' | did you mean 'next'?"},
};

static void test_each_keyword_is_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        assert_string_equal(arena_cstr(arena, problems_of(rules[i].schema, rules[i].yaml)),
                            rules[i].problems);
}

static void test_wrong_schemas_are_refused(void **state)
{
    (void)state;
    static const char *const schemas[] = {
        "{\"typ\":\"string\"}",
        "{\"$ref\":\"#/$defs/none\"}",
        "{\"pattern\":\"(\"}",
        "{\"properties\":[]}",
        "{\"items\":3}",
        "[",
        "{\"$ref\":\"#/a\",\"$defs\":{\"a\":{\"$ref\":\"#/$defs/a\"}}}",
    };
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        const struct jsonschema *schema;
        struct err err;
        assert_int_equal(jsonschema_compile(arena, str_of(schemas[i]), "s", &schema, &err),
                         RC_INVALID);
    }
}

static void test_a_schema_that_never_ends_stops_at_the_limit(void **state)
{
    (void)state;
    const struct jsonschema *schema;
    const struct yaml *root;
    jsonschema_problem_vec problems;
    struct err err;
    const struct str text = STR("{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}");
    assert_int_equal(jsonschema_compile(arena, text, "s", &schema, &err), RC_OK);
    assert_int_equal(yaml_parse(arena, STR("1"), "f", &root, &err), RC_OK);
    const struct jsonschema_options options = {0};
    assert_int_equal(jsonschema_validate(schema, arena, root, options, &problems, &err), RC_LIMIT);
}

static void test_check_gives_the_first_problem_and_counts_the_others(void **state)
{
    (void)state;
    const struct jsonschema *schema;
    const struct yaml *root;
    struct err err;
    assert_int_equal(jsonschema_compile(arena, str_of(project), "s", &schema, &err), RC_OK);
    assert_int_equal(yaml_parse(arena, STR("nam: a\nthreads: x"), "f.yml", &root, &err), RC_OK);
    const struct jsonschema_options options = {0};
    assert_int_equal(jsonschema_check(schema, root, options, &err), RC_CONFIG);
    assert_string_equal(err.message, "the key 'environments' is missing (and 2 more problems)");
    assert_int_equal(err.line, 1);
    assert_int_equal(err.column, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problems_are_told_with_place_and_suggestion),
        cmocka_unit_test(test_each_keyword_is_understood),
        cmocka_unit_test(test_wrong_schemas_are_refused),
        cmocka_unit_test(test_a_schema_that_never_ends_stops_at_the_limit),
        cmocka_unit_test(test_check_gives_the_first_problem_and_counts_the_others),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
