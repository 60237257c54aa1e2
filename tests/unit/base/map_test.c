// What base/map.h promises: lookups after growth and removal, order of insertion.

#include "unit_test.h"

#include "base/arena.h"
#include "base/map.h"

static void test_thousand_keys_are_found_again_in_order(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct map map;
    map_init(&map, arena);
    static int values[1000];
    for (int i = 0; i < 1000; i++)
        map_set(&map, arena_printf(arena, "key-%d", i), &values[i]);
    for (int i = 0; i < 1000; i++) {
        assert_ptr_equal(map_get(&map, arena_printf(arena, "key-%d", i)), &values[i]);
        assert_ptr_equal(map.entries[i].value, &values[i]);
    }
    assert_null(map_get(&map, STR("key-1000")));
    assert_false(map_has(&map, STR("")));
    arena_close(arena);
}

static void test_replacing_keeps_the_place_and_removing_keeps_the_order(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct map map;
    map_init(&map, arena);
    static int one, two, three, four;
    map_set(&map, STR("a"), &one);
    map_set(&map, STR("b"), &two);
    map_set(&map, STR("c"), &three);
    map_set(&map, STR("a"), &four);
    assert_ptr_equal(map.entries[0].value, &four);
    assert_true(map_remove(&map, STR("b")));
    assert_false(map_remove(&map, STR("b")));
    assert_int_equal(map.count, 2);
    assert_ptr_equal(map_get(&map, STR("c")), &three);
    assert_true(str_equal(map.entries[1].key, STR("c")));
    map_set(&map, STR("null"), NULL);
    assert_true(map_has(&map, STR("null")));
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thousand_keys_are_found_again_in_order),
        cmocka_unit_test(test_replacing_keeps_the_place_and_removing_keeps_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
