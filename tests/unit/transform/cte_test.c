// What transform/cte.h promises: where CTEs go, and what does not count as a WITH.

#include "unit_test.h"

#include "base/arena.h"
#include "transform/cte.h"

static void test_ctes_go_before_the_first_statement_or_behind_its_with(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *expected;
    } cases[] = {
        {"select 1", "with e as (x) select 1"},
        {"with a as (b) select 1", "with  e as (x), a as (b) select 1"},
        {"-- with\nselect ';'; select 2", "with e as (x) -- with\nselect ';'; "},
        {"(with a as (b) select 1)", "with e as (x) (with a as (b) select 1)"},
        {"select x::timestamp with time zone", "with e as (x) select x::timestamp with time zone"},
        {"WITH recursive t as (b) select 1", "WITH recursive  e as (x), t as (b) select 1"},
        {"select 'it''s -- with a'", "with e as (x) select 'it''s -- with a'"},
    };
    const struct str cte = STR(" e as (x)");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = arena_open(NULL);
        struct str sql = {0};
        struct err err = {0};
        assert_int_equal(cte_inject(arena, str_of(cases[i].sql), &cte, 1, &sql, &err), RC_OK);
        assert_string_equal(arena_cstr(arena, sql), cases[i].expected);
        arena_close(arena);
    }
}

static void test_an_empty_text_is_refused(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct str cte = STR(" e as (x)");
    struct str sql = {0};
    struct err err = {0};
    assert_int_equal(cte_inject(arena, STR(" \n"), &cte, 1, &sql, &err), RC_INVALID);
    assert_int_equal(cte_inject(arena, STR(""), NULL, 0, &sql, &err), RC_OK);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ctes_go_before_the_first_statement_or_behind_its_with),
        cmocka_unit_test(test_an_empty_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
