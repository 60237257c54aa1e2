// What base/pool.h promises: every job once, the lowest failure, nothing begun after it.

#include "unit_test.h"

#include "base/pool.h"

static struct arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = arena_open(NULL);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

enum { JOBS = 5000 };
static int runs[JOBS];

static rc count_run(void *context, size_t index, struct err *err)
{
    (void)context;
    (void)err;
    __atomic_add_fetch(&runs[index], 1, __ATOMIC_RELAXED);
    return RC_OK;
}

static rc fail_some(void *context, size_t index, struct err *err)
{
    count_run(context, index, err);
    if (index == 70 || index == 33)
        return err_set(err, RC_FAILED, "job %zu", index);
    return RC_OK;
}

static struct pool *pool_of(int threads)
{
    return threads > 0 ? pool_open(arena, threads) : NULL;
}

static void test_each_index_runs_once_with_any_number_of_threads(void **state)
{
    (void)state;
    for (int threads = 0; threads <= 4; threads += 2) {
        memset(runs, 0, sizeof runs);
        assert_int_equal(pool_each(pool_of(threads), JOBS, count_run, NULL, NULL), RC_OK);
        for (size_t i = 0; i < JOBS; i++)
            assert_int_equal(runs[i], 1);
    }
}

static void test_the_lowest_failure_is_told_and_later_jobs_are_not_begun(void **state)
{
    (void)state;
    for (int threads = 0; threads <= 4; threads += 4) {
        struct err err = {0};
        memset(runs, 0, sizeof runs);
        assert_int_equal(pool_each(pool_of(threads), JOBS, fail_some, NULL, &err), RC_FAILED);
        assert_string_equal(err.message, "job 33");
        int sum = 0;
        for (size_t i = 0; i < JOBS; i++)
            sum += runs[i];
        assert_true(sum < JOBS);
    }
}

static bool has_second_failed; // atomic

// The first job ends only when the second has failed.
static rc fail_in_reverse(void *context, size_t index, struct err *err)
{
    (void)context;
    while (index == 0 && !__atomic_load_n(&has_second_failed, __ATOMIC_ACQUIRE)) {
    }
    const rc code = err_set(err, RC_FAILED, "job %zu", index);
    if (index == 1)
        __atomic_store_n(&has_second_failed, true, __ATOMIC_RELEASE);
    return code;
}

static void test_the_lowest_failure_is_told_also_when_it_comes_last(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(pool_each(pool_of(2), 2, fail_in_reverse, NULL, &err), RC_FAILED);
    assert_string_equal(err.message, "job 0");
}

static rc nest(void *context, size_t index, struct err *err)
{
    (void)index;
    return pool_each(context, 10, count_run, NULL, err);
}

static void test_jobs_may_use_the_pool_that_runs_them(void **state)
{
    (void)state;
    memset(runs, 0, sizeof runs);
    struct pool *pool = pool_of(2);
    assert_int_equal(pool_each(pool, 20, nest, pool, NULL), RC_OK);
    assert_int_equal(runs[9], 20);
}

static void bump(void *job)
{
    __atomic_add_fetch((int *)job, 1, __ATOMIC_RELAXED);
}

static void test_submitted_jobs_are_done_when_waited_for_or_closed(void **state)
{
    (void)state;
    int count = 0;
    struct arena *short_lived = arena_open(NULL);
    struct pool *pool = pool_open(short_lived, 3);
    assert_int_equal(pool_threads(pool), 3);
    for (int i = 0; i < 1000; i++)
        pool_submit(pool, bump, &count);
    pool_wait(pool);
    assert_int_equal(count, 1000);
    for (int i = 0; i < 100; i++)
        pool_submit(pool, bump, &count);
    arena_close(short_lived);
    assert_int_equal(count, 1100);
    pool_submit(NULL, bump, &count);
    pool_wait(NULL);
    assert_int_equal(count, 1101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_index_runs_once_with_any_number_of_threads),
        cmocka_unit_test(test_the_lowest_failure_is_told_and_later_jobs_are_not_begun),
        cmocka_unit_test(test_the_lowest_failure_is_told_also_when_it_comes_last),
        cmocka_unit_test(test_jobs_may_use_the_pool_that_runs_them),
        cmocka_unit_test(test_submitted_jobs_are_done_when_waited_for_or_closed),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
