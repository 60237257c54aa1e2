// What base/random.h promises.

#include "unit_test.h"

#include "base/random.h"

static void test_uuid_is_version_4_and_new_each_time(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct str a = random_uuid(arena), b = random_uuid(arena);
    assert_int_equal(a.length, 36);
    assert_int_equal(a.bytes[14], '4');
    assert_non_null(strchr("89ab", a.bytes[19]));
    assert_false(str_equal(a, b));
    assert_true(random_uint64() != random_uint64());
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uuid_is_version_4_and_new_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
