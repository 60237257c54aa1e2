// What transform/blocks.h promises: what is cut out, what hides a tag, what is refused where.

#include "unit_test.h"

#include "base/arena.h"
#include "transform/blocks.h"

static const char *const allowed[] = {"macro", "test", "data_test", "docs", NULL};

static void test_blocks_and_the_data_between_them_are_cut(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    block_vec blocks = {0};
    struct err err = {0};
    const struct str text =
        STR("x\n{% macro a(b='%}') -%} {{ '{% endmacro %}' }} "
            "{%- endmacro %}\n{# {% macro no() %} #}{% docs d %}t{% enddocs %}");
    assert_int_equal(blocks_extract(arena, text, "f.sql", allowed, &blocks, &err), RC_OK);
    assert_int_equal(blocks.count, 4);
    assert_true(str_is(blocks.items[0].contents, "x\n"));
    assert_true(str_is(blocks.items[1].name, "a"));
    assert_int_equal(blocks.items[1].line, 2);
    assert_true(str_is(blocks.items[1].contents, "{{ '{% endmacro %}' }}"));
    assert_true(str_is(blocks.items[3].type, "docs"));
    assert_true(str_is(blocks.items[3].contents, "t"));
    arena_close(arena);
}

static void test_a_raw_section_hides_tags(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    block_vec blocks = {0};
    struct err err = {0};
    const struct str text = STR("{% raw %}{% macro a() %}{% endraw %}");
    assert_int_equal(blocks_extract(arena, text, "f.sql", allowed, &blocks, &err), RC_OK);
    assert_int_equal(blocks.count, 1);
    assert_int_equal(blocks.items[0].type.length, 0);
    arena_close(arena);
}

static void test_wrong_nesting_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line, column;
    } cases[] = {
        {"{% macro a() %}\n{% macro b() %}{% endmacro %}{% endmacro %}", 2, 1},
        {"{% if x %}{% macro b() %}{% endmacro %}{% endif %}", 1, 11},
        {"a\n {% macro a() %}", 2, 2},
        {"{% endif %}", 1, 1},
        {"{{ a", 1, 1},
        {"{# a", 1, 1},
        {"{% macro a('", 1, 1},
        {"{% raw %}", 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = arena_open(NULL);
        block_vec blocks = {0};
        struct err err = {0};
        assert_int_equal(
            blocks_extract(arena, str_of(cases[i].text), "f.sql", allowed, &blocks, &err),
            RC_INVALID);
        assert_int_equal(err.line, cases[i].line);
        assert_int_equal(err.column, cases[i].column);
        arena_close(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_and_the_data_between_them_are_cut),
        cmocka_unit_test(test_a_raw_section_hides_tags),
        cmocka_unit_test(test_wrong_nesting_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
