// What transform/lake_types.h promises: DuckDB's spellings as Iceberg types, and what is refused.

#include "unit_test.h"

#include "base/arena.h"
#include "transform/lake_types.h"

static void test_types_become_the_nearest_iceberg_type(void **state)
{
    (void)state;
    static const struct {
        const char *duck, *iceberg;
    } cases[] = {
        {"TINYINT", "int"},
        {"UINTEGER", "long"},
        {"HUGEINT", "decimal(38, 0)"},
        {"DECIMAL(18,3)", "decimal(18, 3)"},
        {"TIMESTAMP WITH TIME ZONE", "timestamptz"},
        {"ENUM('a', 'b')", "string"},
        {"VARCHAR[][]", "list<list<string>>"},
        {"INTEGER[3]", "list<int>"},
        {"MAP(VARCHAR, DECIMAL(9,2)[])", "map<string, list<decimal(9, 2)>>"},
        {"STRUCT(a INTEGER, \"b, (c)\" STRUCT(x DATE)[])",
         "struct<a: int, b, (c): list<struct<x: date>>>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = arena_open(NULL);
        struct type type;
        struct err err = {0};
        assert_int_equal(lake_type(arena, str_of(cases[i].duck), &type, &err), RC_OK);
        assert_string_equal(arena_cstr(arena, type_print(arena, &type)), cases[i].iceberg);
        arena_close(arena);
    }
}

static void test_types_without_counterpart_are_refused_with_a_hint(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct type type;
    struct err err = {0};
    assert_int_equal(lake_type(arena, STR("STRUCT(a INTERVAL)"), &type, &err), RC_UNSUPPORTED);
    assert_non_null(strstr(err.message, "INTERVAL"));
    assert_true(err.hint[0] != '\0');
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_become_the_nearest_iceberg_type),
        cmocka_unit_test(test_types_without_counterpart_are_refused_with_a_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
