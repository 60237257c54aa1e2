#include "cli/yaml_patch.h"

#include "base/yaml.h"
#include "unit_test.h"

// What is added to the value of `key`, and what comes of it; NULL = it is refused.
static const struct {
    const char *text, *line, *expected;
} cases[] = {
    {"key:\n  a: 1\n", "b: 2", "key:\n  a: 1\n  b: 2\n"},
    {"key:\n  a: 1", "b: 2", "key:\n  a: 1\n  b: 2\n"},
    {"key:\n  a: 1\nnext: 1\n", "b: 2", "key:\n  a: 1\n  b: 2\nnext: 1\n"},
    {"key:\n  a: 1\n\n# of next\nnext: 1\n", "b: 2",
     "key:\n  a: 1\n  b: 2\n\n# of next\nnext: 1\n"},
    {"key:\n  a: 1\n  # still of key\nnext: 1\n", "b: 2",
     "key:\n  a: 1\n  # still of key\n  b: 2\nnext: 1\n"},
    {"key:\n    a: 1 # first\n    c: {d: 1,\n      e: 2}\n", "b: 2",
     "key:\n    a: 1 # first\n    c: {d: 1,\n      e: 2}\n    b: 2\n"},
    {"key:\n  - a: 1\n    b: 2\nnext: 1\n", "- a: 2",
     "key:\n  - a: 1\n    b: 2\n  - a: 2\nnext: 1\n"},
    {"key:\n- a\nnext: 1\n", "- b", "key:\n- a\n- b\nnext: 1\n"},
    {"key:\n  a: |\n    text\n\n    more\nnext: 1\n", "b: 2",
     "key:\n  a: |\n    text\n\n    more\n  b: 2\nnext: 1\n"},
    {"key: {a: 1}\n", "b: 2", NULL},
    {"key: [a]\n", "- b", NULL},
    {"key: {}\n", "b: 2", NULL},
    {"key: text\n", "b: 2", NULL},
};

static void lines_are_added_behind_the_last_of_the_block(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena = arena_open(NULL);
        const struct yaml *root;
        const struct str text = str_of(cases[i].text), line = str_of(cases[i].line);
        struct str patched = STR("untouched");
        struct err err = {0};
        assert_int_equal(yaml_parse(arena, text, "file.yml", &root, &err), RC_OK);
        const rc code = yaml_patch_append(arena, text, "file.yml", yaml_get(root, STR("key")),
                                          &line, 1, &patched, &err);
        if (cases[i].expected == NULL) {
            assert_int_equal(code, RC_REFUSED);
            assert_true(str_is(patched, "untouched"));
            assert_string_equal(err.place, "file.yml");
        } else {
            assert_int_equal(code, RC_OK);
            assert_true(str_is(patched, cases[i].expected));
        }
        arena_close(arena);
    }
}

static void rows_are_added_behind_the_last_of_their_kind(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct str text = STR("untouched");
    assert_true(text_insert_behind(arena, STR("a\n| x\n| y\nb"), STR("| "), STR("| z"), &text));
    assert_true(str_is(text, "a\n| x\n| y\n| z\nb"));
    assert_true(text_insert_behind(arena, STR("| x"), STR("| "), STR("| z"), &text));
    assert_true(str_is(text, "| x\n| z\n"));
    text = STR("untouched");
    assert_false(text_insert_behind(arena, STR("a\nb\n"), STR("| "), STR("| z"), &text));
    assert_true(str_is(text, "untouched"));
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_added_behind_the_last_of_the_block),
        cmocka_unit_test(rows_are_added_behind_the_last_of_their_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
