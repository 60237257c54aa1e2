// What base/str.h promises, the corners first.

#include "unit_test.h"

#include "base/arena.h"
#include "base/str.h"

static void test_split_gives_every_part_and_ends(void **state)
{
    (void)state;
    struct str rest = STR("a,,b,"), part;
    const char *const expected[] = {"a", "", "b", ""};
    for (size_t i = 0; i < 4; i++) {
        assert_true(str_split_next(&rest, ',', &part));
        assert_true(str_is(part, expected[i]));
    }
    assert_false(str_split_next(&rest, ',', &part));
}

static void test_integers_are_read_to_their_limits_and_not_beyond(void **state)
{
    (void)state;
    int64_t number = 0;
    assert_true(str_to_int64(STR("-9223372036854775808"), &number) && number == INT64_MIN);
    assert_true(str_to_int64(STR("9223372036854775807"), &number) && number == INT64_MAX);
    assert_true(str_to_int64(STR("+7"), &number) && number == 7);
    static const char *const wrong[] = {
        "9223372036854775808", "-9223372036854775809", "", "-", "1 ", "0x1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(str_to_int64(str_of(wrong[i]), &number));
}

static void test_nearest_finds_typing_slips_only(void **state)
{
    (void)state;
    const struct str words[] = {STR_INIT("ingest"), STR_INIT("query"), STR_INIT("schema")};
    assert_int_equal(str_nearest(STR("ingets"), words, 3), 0);
    assert_int_equal(str_nearest(STR("qery"), words, 3), 1);
    assert_int_equal(str_nearest(STR("shcema"), words, 3), 2);
    assert_int_equal(str_nearest(STR("deploy"), words, 3), SIZE_MAX);
}

static void test_replace_handles_growth_and_absence(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    assert_true(str_is(str_replace(arena, STR("a.b.c"), STR("."), STR("--")), "a--b--c"));
    assert_true(str_is(str_replace(arena, STR("abc"), STR("x"), STR("y")), "abc"));
    assert_true(str_is(str_replace(arena, STR("aaa"), STR("a"), STR("")), ""));
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_gives_every_part_and_ends),
        cmocka_unit_test(test_integers_are_read_to_their_limits_and_not_beyond),
        cmocka_unit_test(test_nearest_finds_typing_slips_only),
        cmocka_unit_test(test_replace_handles_growth_and_absence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
