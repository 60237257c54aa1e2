// What base/jsonpath.h promises. The expected matches are those of jsonpath-ng 1.16.

#include "unit_test.h"

#include "base/jsonpath.h"

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

static const char document[] =
    "{\"a\":{\"b\":[{\"c\":1,\"d\":\"x\"},{\"c\":2},{\"c\":null},{\"e\":true}],\"z\":{\"c\":9}},"
    "\"n\":[0,1,2,3,4],\"s\":\"t\",\"items\":[{\"id\":1,\"tags\":[\"p\",\"q\"]},{\"id\":2,\"tags\":"
    "[]},{\"id\":\"3\"}],\"dot.key\":5,\"*\":7,\"7\":8}";

static const struct {
    const char *path, *matches;
} cases[] = {
    {"$", "[{\"a\":{\"b\":[{\"c\":1,\"d\":\"x\"},{\"c\":2},{\"c\":null},{\"e\":true}],\"z\":{\"c\":"
          "9}},\"n\":[0,1,2,3,4],\"s\":\"t\",\"items\":[{\"id\":1,\"tags\":[\"p\",\"q\"]},{\"id\":"
          "2,\"tags\":[]},{\"id\":\"3\"}],\"dot.key\":5,\"*\":7,\"7\":8}]"},
    {"a", "[{\"b\":[{\"c\":1,\"d\":\"x\"},{\"c\":2},{\"c\":null},{\"e\":true}],\"z\":{\"c\":9}}]"},
    {"$.a.b", "[[{\"c\":1,\"d\":\"x\"},{\"c\":2},{\"c\":null},{\"e\":true}]]"},
    {"$.a.b[0]", "[{\"c\":1,\"d\":\"x\"}]"},
    {"$.a.b[-1]", "[{\"e\":true}]"},
    {"$.a.b[9]", "[]"},
    {"$.n[-5]", "[0]"},
    {"$.n[-6]", "[]"},
    {"$.n[4]", "[4]"},
    {"$.n[5]", "[]"},
    {"$.a.b[*].c", "[1,2,null]"},
    {"$.a.b.c", "[]"},
    {"$.a.*", "[[{\"c\":1,\"d\":\"x\"},{\"c\":2},{\"c\":null},{\"e\":true}],{\"c\":9}]"},
    {"$.*.b", "[[{\"c\":1,\"d\":\"x\"},{\"c\":2},{\"c\":null},{\"e\":true}]]"},
    {"$..c", "[1,2,null,9]"},
    {"$..b[*].c", "[1,2,null]"},
    {"a..c", "[1,2,null,9]"},
    {"$.n[1:3]", "[1,2]"},
    {"$.n[-2:]", "[3,4]"},
    {"$.n[:2]", "[0,1]"},
    {"$.n[::2]", "[0,2,4]"},
    {"$.n[::-1]", "[4,3,2,1,0]"},
    {"$.n[3:1:-1]", "[3,2]"},
    {"$.n[0,2,9]", "[0,2]"},
    {"$.n[::0]", "[]"},
    {"$.s[0]", "[]"},
    {"$.n.x", "[]"},
    {"$['a']['b'][1]", "[{\"c\":2}]"},
    {"$[\"dot.key\"]", "[5]"},
    {"'dot.key'", "[5]"},
    {"$['a','s']",
     "[{\"b\":[{\"c\":1,\"d\":\"x\"},{\"c\":2},{\"c\":null},{\"e\":true}],\"z\":{\"c\":9}},\"t\"]"},
    {"a,s",
     "[{\"b\":[{\"c\":1,\"d\":\"x\"},{\"c\":2},{\"c\":null},{\"e\":true}],\"z\":{\"c\":9}},\"t\"]"},
    {"$['*']", "[7]"},
    {"$.*[0]", "[0,{\"id\":1,\"tags\":[\"p\",\"q\"]}]"},
    {"$[*]",
     "[{\"b\":[{\"c\":1,\"d\":\"x\"},{\"c\":2},{\"c\":null},{\"e\":true}],\"z\":{\"c\":9}},[0,1,2,"
     "3,4],\"t\",[{\"id\":1,\"tags\":[\"p\",\"q\"]},{\"id\":2,\"tags\":[]},{\"id\":\"3\"}],5,7,8]"},
    {"$.7", "[8]"},
    {"$.items[?(@.id > 1)].id", "[2]"},
    {"$.items[?(@.id == 1)]", "[{\"id\":1,\"tags\":[\"p\",\"q\"]}]"},
    {"$.items[?id == '3'].id", "[\"3\"]"},
    {"$.items[?(@.tags)].id", "[1,2]"},
    {"$.items[?(!@.tags)].id", "[\"3\"]"},
    {"$.items[?(@.id == 1 || @.id == 2)].id", "[1,2]"},
    {"$.items[?(@.id >= 1 && @.tags[0] == 'p')].id", "[1]"},
    {"$.items[?(@.id != 1)].id", "[2,\"3\"]"},
    {"$.items[?@.id =~ '^[0-9]$'].id", "[\"3\"]"},
    {"$.items[?(@.missing == null)].id", "[]"},
    {"$.a.b[?(@.c == null)]", "[{\"c\":null}]"},
    {"$.a.b[?(@.e == true)]", "[{\"e\":true}]"},
    {"$.a.b[?(@.e == 1)]", "[]"},
    {"$.a[?(@.c == 9)]", "[{\"c\":9}]"},
    {"$.items[?(@.id == $.n[2])].id", "[2]"},
    {"$.a.b[0].`parent`[1]", "[{\"c\":2}]"},
    {"$.a.z.c.`parent`", "[{\"c\":9}]"},
    {"$.s.`this`", "[\"t\"]"},
    {"($.s|$.n[0])", "[0]"},
    {"$..tags[*]", "[\"p\",\"q\"]"},
    {"$..[?(@.c == 2)]", "[{\"c\":2}]"},
    {"$.items[*].tags[0]", "[\"p\"]"},
    {"a where z",
     "[{\"b\":[{\"c\":1,\"d\":\"x\"},{\"c\":2},{\"c\":null},{\"e\":true}],\"z\":{\"c\":9}}]"},
    {"s where z", "[]"},
    {"items[*] where tags", "[{\"id\":1,\"tags\":[\"p\",\"q\"]},{\"id\":2,\"tags\":[]}]"},
    {"items[*] wherenot tags", "[{\"id\":\"3\"}]"},
    {"$.a[z,b]", "[{\"c\":9},[{\"c\":1,\"d\":\"x\"},{\"c\":2},{\"c\":null},{\"e\":true}]]"},
    {"$.null", "[]"},
    {"@.s", "[\"t\"]"},
    {"$.n[?(@ > 2)]", "[3,4]"},
    {"(a).z", "[{\"c\":9}]"},
    {"$.items[?(@.id < 2 & @.tags)].id", "[1]"},
};

static const char *find(const char *path_text, const char *json_text)
{
    struct err err = {0};
    const struct jsonpath *path;
    struct json root;
    json_match_vec matches;
    if (jsonpath_compile(arena, str_of(path_text), &path, &err) != RC_OK ||
        json_parse(arena, str_of(json_text), "doc", &root, &err) != RC_OK ||
        jsonpath_find(path, arena, &root, &matches, &err) != RC_OK)
        fail_msg("%s: %s", path_text, err.message);
    struct json list = {.kind = JSON_ARRAY};
    for (size_t i = 0; i < matches.count; i++)
        *json_array_push(arena, &list) = *matches.items[i];
    return arena_cstr(arena, json_print(arena, &list, JSON_COMPACT));
}

static void test_matches_are_those_of_jsonpath_ng(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found = find(cases[i].path, document);
        if (strcmp(found, cases[i].matches) != 0)
            fail_msg("%s: expected %s, found %s", cases[i].path, cases[i].matches, found);
    }
}

static const struct {
    const char *path;
    rc code;
    const char *message;
} refused[] = {
    {"", RC_INVALID, "JSONPath '': expected a field, '$', '*' or '[' at its end"},
    {"$.", RC_INVALID, "JSONPath '$.': expected a field, '$', '*' or '[' at its end"},
    {"$[", RC_INVALID, "JSONPath '$[': expected a field at its end"},
    {"a b", RC_INVALID, "JSONPath 'a b': expected the end at character 3, found 'b'"},
    {"$.a[?(@.x ==)]", RC_INVALID,
     "JSONPath '$.a[?(@.x ==)]': expected a value to compare with at character 13, found ')'"},
    {"$.a['x", RC_INVALID, "JSONPath '$.a['x': the ' at character 5 is not closed"},
    {"$.a[1:2:3:4]", RC_INVALID, "JSONPath '$.a[1:2:3:4]': expected ] at character 10, found ':'"},
    {"$.items[/id]", RC_UNSUPPORTED, "JSONPath '$.items[/id]': sorting is not supported"},
    {"$.`len`", RC_UNSUPPORTED,
     "JSONPath '$.`len`': `len` is not supported, only `this` and `parent`"},
    {"$.a[?(@.x =~ '(')]", RC_INVALID, NULL},
};

static void test_wrong_paths_are_refused_with_the_character(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const struct jsonpath *path;
        struct err err;
        assert_int_equal(jsonpath_compile(arena, str_of(refused[i].path), &path, &err),
                         refused[i].code);
        if (refused[i].message != NULL)
            assert_string_equal(err.message, refused[i].message);
    }
}

static void test_paths_that_explode_stop_at_the_limit(void **state)
{
    (void)state;
    struct str text = STR("1");
    for (int i = 0; i < 40; i++)
        text = arena_printf(arena, "[%.*s,0,0]", STR_ARGS(text));
    struct err err;
    struct json root;
    json_match_vec matches;
    const struct jsonpath *path;
    assert_int_equal(json_parse(arena, text, "x", &root, &err), RC_OK);
    assert_int_equal(jsonpath_compile(arena, STR("$..*..*..*..*..*"), &path, &err), RC_OK);
    assert_int_equal(jsonpath_find(path, arena, &root, &matches, &err), RC_LIMIT);
    char parentheses[JSONPATH_MAX_BYTES];
    memset(parentheses, '(', sizeof parentheses);
    assert_int_equal(
        jsonpath_compile(arena, (struct str){parentheses, sizeof parentheses}, &path, &err),
        RC_LIMIT);
}

static void test_a_plain_field_is_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *path, *name; // NULL: it is none
    } fields[] = {{"a", "a"},       {"$.a", "a"},  {"$['a b']", "a b"}, {"a.b", NULL},
                  {"$.a[0]", NULL}, {"a,b", NULL}, {"$", NULL},         {"..a", NULL}};
    for (size_t i = 0; i + 1 < sizeof fields / sizeof fields[0]; i++) {
        const struct jsonpath *path;
        struct str name;
        assert_int_equal(jsonpath_compile(arena, str_of(fields[i].path), &path, NULL), RC_OK);
        assert_int_equal(jsonpath_is_field(path, &name), fields[i].name != NULL);
        if (fields[i].name != NULL)
            assert_true(str_is(name, fields[i].name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches_are_those_of_jsonpath_ng),
        cmocka_unit_test(test_wrong_paths_are_refused_with_the_character),
        cmocka_unit_test(test_paths_that_explode_stop_at_the_limit),
        cmocka_unit_test(test_a_plain_field_is_recognised),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
