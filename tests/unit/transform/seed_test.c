// What transform/seed.h promises: CSV rules, the type of a column, the normal form of values.

#include "unit_test.h"

#include "base/arena.h"
#include "transform/seed.h"

static void test_types_follow_all_values_of_a_column(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        enum seed_type type;
        const char *first;
    } cases[] = {
        {"$1,000.50", "5%", SEED_NUMBER, "1000.50"},
        {"007", "-1", SEED_NUMBER, "7"},
        {"1e5", ".5", SEED_NUMBER, "1e5"},
        {"2020-02-29", "2021-1-1", SEED_DATE, "2020-02-29"},
        {"2021-02-29", "2021-01-01", SEED_TEXT, "2021-02-29"},
        {"2020-01-01 1:02:03", "null", SEED_DATETIME, "2020-01-01T01:02:03"},
        {"2020-01-01T01:02:03.5Z", "", SEED_ISO_DATETIME, "2020-01-01T01:02:03.5+00:00"},
        {"TRUE", "false", SEED_BOOLEAN, "true"},
        {"yes", "1", SEED_TEXT, "yes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = arena_open(NULL);
        const struct seed_cell cells[] = {{.text = str_of(cases[i].a)},
                                          {.text = str_of(cases[i].b)}};
        struct seed_column column = {0};
        seed_infer(arena, cells, 2, false, &column);
        assert_int_equal(column.type, cases[i].type);
        assert_string_equal(arena_cstr(arena, column.values[0].text), cases[i].first);
        arena_close(arena);
    }
}

static void test_csv_keeps_quoted_text_and_pads_short_rows(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct seed_table table = {0};
    struct err err = {0};
    str_vec as_text = {0};
    *vec_push(arena, &as_text) = STR("code");
    const struct str fixed = STR("\xEF\xBB\xBF"
                                 "id,name,code\r\n1,\"a \"\"b\"\",\nc\""
                                 "\r\n\r\n2,x,007\r\n");
    assert_int_equal(seed_read(arena, fixed, "s.csv", ',', &as_text, &table, &err), RC_OK);
    assert_int_equal(table.row_count, 2);
    assert_int_equal(table.column_count, 3);
    assert_true(str_is(table.columns[0].name, "id"));
    assert_true(str_is(table.columns[1].values[0].text, "a \"b\",\nc"));
    assert_true(table.columns[2].values[0].is_null);
    assert_true(str_is(table.columns[2].values[1].text, "007"));
    arena_close(arena);
}

static void test_bad_csv_is_refused_with_its_line(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct seed_table table = {0};
    struct err err = {0};
    assert_int_equal(seed_read(arena, STR("a\n\"x"), "s.csv", ',', NULL, &table, &err), RC_INVALID);
    assert_int_equal(err.line, 2);
    assert_int_equal(seed_read(arena, STR("a\n1,2"), "s.csv", ',', NULL, &table, &err), RC_INVALID);
    assert_int_equal(seed_read(arena, STR(""), "s.csv", ',', NULL, &table, &err), RC_INVALID);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_follow_all_values_of_a_column),
        cmocka_unit_test(test_csv_keeps_quoted_text_and_pads_short_rows),
        cmocka_unit_test(test_bad_csv_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
