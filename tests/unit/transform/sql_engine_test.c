// What transform/adapter/sql_engine.h promises without an engine.

#include "unit_test.h"

#include "base/arena.h"
#include "transform/adapter/sql_engine.h"

static void test_types_are_compared_as_they_are_stored(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"varchar(3)", "varchar"},
        {"char(2)", "varchar"},
        {"timestamp(3)", "timestamp(6)"},
        {"timestamp", "timestamp(6)"},
        {"timestamp(3) with time zone", "timestamp(6) with time zone"},
        {"time(3)", "time(6)"},
        {"smallint", "integer"},
        {"int", "integer"},
        {"float", "real"},
        {"decimal(9, 2)", "decimal(9,2)"},
        {"BIGINT", "bigint"},
        {"row(a integer, b varchar)", "row(a integer,b varchar)"},
    };
    struct arena *arena = arena_open(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(arena_cstr(arena, sql_engine_stored_type(arena, str_of(cases[i][0]))),
                            cases[i][1]);
    arena_close(arena);
}

static void test_statements_are_cut_outside_of_texts(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    str_vec parts;
    sql_engine_split(arena, STR(" a ';' ; -- x;y\n b /* ; */ ;; \";\" c;"), &parts);
    const struct str joined = str_join(arena, parts.items, parts.count, STR("|"));
    assert_string_equal(arena_cstr(arena, joined), "a ';'|-- x;y\n b /* ; */|\";\" c");
    sql_engine_split(arena, STR(" ;; "), &parts);
    assert_int_equal(parts.count, 0);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_are_compared_as_they_are_stored),
        cmocka_unit_test(test_statements_are_cut_outside_of_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
