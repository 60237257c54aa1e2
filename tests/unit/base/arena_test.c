// What base/arena.h promises: order of finalizers, alignment, children, room after a reset.

#include "unit_test.h"

#include "base/arena.h"

static char order[8];
static size_t order_length;

static void note(void *object)
{
    order[order_length++] = *(const char *)object;
}

static void test_close_runs_finalizers_last_first_and_children_before_parents(void **state)
{
    (void)state;
    static char a = 'a', b = 'b', c = 'c';
    order_length = 0;
    struct arena *parent = arena_open(NULL), *child = arena_open(parent);
    arena_defer(parent, note, &a);
    arena_defer(parent, note, &b);
    arena_defer(child, note, &c);
    arena_close(parent);
    assert_int_equal(order_length, 3);
    assert_memory_equal(order, "cba", 3);
}

static void test_memory_is_zeroed_aligned_and_kept_apart(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    char *previous = NULL;
    for (size_t size = 1; size < 300000; size = size * 3 + 1) {
        char *memory = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0x5a, size);
        if (previous != NULL)
            assert_int_equal(*previous, 0x5a);
        previous = memory;
    }
    arena_close(arena);
}

static void test_reset_reuses_the_room(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < 100; i++)
            arena_alloc(arena, 500);
        arena_reset(arena);
    }
    assert_true(arena_bytes(arena) <= 1 << 17);
    arena_close(arena);
}

static void test_printf_takes_texts_longer_than_its_stack_buffer(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct str text = arena_printf(arena, "%0600d|", 7);
    assert_int_equal(text.length, 601);
    assert_int_equal(text.bytes[599], '7');
    assert_int_equal(text.bytes[601], '\0');
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_runs_finalizers_last_first_and_children_before_parents),
        cmocka_unit_test(test_memory_is_zeroed_aligned_and_kept_apart),
        cmocka_unit_test(test_reset_reuses_the_room),
        cmocka_unit_test(test_printf_takes_texts_longer_than_its_stack_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
