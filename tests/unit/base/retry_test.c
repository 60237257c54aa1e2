// What base/retry.h promises: when to try again, how long to wait, what is told at the end.

#include "unit_test.h"

#include "base/retry.h"
#include "base/runtime.h"
#include "base/time.h"

static int64_t waits[16];
static size_t wait_count;
static double share = 1;

static rc note_wait(void *context, int64_t us, struct err *err)
{
    (void)context;
    (void)err;
    waits[wait_count++] = us;
    return RC_OK;
}

static double fixed_share(void *context)
{
    (void)context;
    return share;
}

static struct retry_policy policy_of(int attempts)
{
    wait_count = 0;
    share = 1;
    return (struct retry_policy){.max_attempts = attempts,
                                 .first_delay_us = 100,
                                 .max_delay_us = 500,
                                 .wait = note_wait,
                                 .random = fixed_share};
}

static void fail_with(struct err *err, rc code, const char *message)
{
    err_set(err, code, "%s", message);
}

static void test_waits_double_up_to_the_bound_and_are_random(void **state)
{
    (void)state;
    struct retry retry;
    struct err err;
    retry_init(&retry, policy_of(6));
    for (int i = 0; i < 5; i++) {
        fail_with(&err, RC_NETWORK, "down");
        share = i == 4 ? 0.5 : 1;
        assert_true(retry_again(&retry, &err));
    }
    const int64_t expected[] = {100, 200, 400, 500, 250};
    assert_memory_equal(waits, expected, sizeof expected);
    fail_with(&err, RC_NETWORK, "down");
    assert_false(retry_again(&retry, &err));
    assert_int_equal(err.code, RC_NETWORK);
    assert_string_equal(err.message, "gave up after 6 attempts (the limit of attempts): 6 x down");
}

static void test_all_causes_are_told_with_their_counts(void **state)
{
    (void)state;
    static const char *const causes[] = {"a", "b", "a", "c", "d", "e", "f"};
    struct retry retry;
    struct err err;
    retry_init(&retry, policy_of(10));
    for (size_t i = 0; i < 7; i++) {
        fail_with(&err, RC_TIMEOUT, causes[i]);
        assert_true(retry_again(&retry, &err));
    }
    fail_with(&err, RC_DENIED, "a");
    assert_false(retry_again(&retry, &err));
    assert_int_equal(err.code, RC_DENIED);
    assert_string_equal(err.message,
                        "gave up after 8 attempts (the last error is not one to try again after): "
                        "3 x a, 1 x b, 1 x c, 1 x d, 2 x other causes");
}

static void test_one_final_failure_speaks_for_itself(void **state)
{
    (void)state;
    struct retry retry;
    struct err err;
    retry_init(&retry, policy_of(5));
    fail_with(&err, RC_INVALID, "wrong");
    assert_false(retry_again(&retry, &err));
    assert_string_equal(err.message, "wrong");
    assert_int_equal(wait_count, 0);
}

static void test_retry_after_is_the_least_wait_and_may_be_too_long(void **state)
{
    (void)state;
    struct retry retry;
    struct err err;
    retry_init(&retry, policy_of(5));
    fail_with(&err, RC_NETWORK, "slow down");
    err.retry_after_ms = 7;
    assert_true(retry_again(&retry, &err));
    assert_int_equal(waits[0], 7000);
    fail_with(&err, RC_NETWORK, "slow down");
    err.retry_after_ms = 3600 * 1000;
    assert_false(retry_again(&retry, &err));
    assert_non_null(strstr(err.message, "asks to wait too long"));
}

static void test_the_deadline_and_the_budget_end_it(void **state)
{
    (void)state;
    struct retry retry;
    struct err err;
    struct retry_policy policy = policy_of(100);
    policy.deadline_us = time_monotonic_us() + 50;
    retry_init(&retry, policy);
    fail_with(&err, RC_NETWORK, "down");
    assert_false(retry_again(&retry, &err));
    assert_int_equal(wait_count, 0);

    struct retry_budget budget;
    retry_budget_init(&budget, 2);
    policy = policy_of(100);
    policy.budget = &budget;
    retry_init(&retry, policy);
    for (int i = 0; i < 2; i++) {
        fail_with(&err, RC_NETWORK, "down");
        assert_true(retry_again(&retry, &err));
    }
    fail_with(&err, RC_NETWORK, "down");
    assert_false(retry_again(&retry, &err));
    retry_succeeded(&retry);
    fail_with(&err, RC_NETWORK, "down");
    assert_true(retry_again(&retry, &err));
}

static void test_a_request_to_stop_ends_the_wait(void **state)
{
    (void)state;
    struct err err;
    runtime_request_stop();
    assert_int_equal(retry_sleep(3600 * TIME_US_PER_SECOND, &err), RC_INTERRUPTED);
    struct retry retry;
    struct retry_policy policy = policy_of(5);
    policy.wait = NULL;
    retry_init(&retry, policy);
    fail_with(&err, RC_NETWORK, "down");
    assert_false(retry_again(&retry, &err));
    assert_int_equal(err.code, RC_INTERRUPTED);
    runtime_reset();
}

int main(void)
{
    runtime_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_double_up_to_the_bound_and_are_random),
        cmocka_unit_test(test_all_causes_are_told_with_their_counts),
        cmocka_unit_test(test_one_final_failure_speaks_for_itself),
        cmocka_unit_test(test_retry_after_is_the_least_wait_and_may_be_too_long),
        cmocka_unit_test(test_the_deadline_and_the_budget_end_it),
        cmocka_unit_test(test_a_request_to_stop_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
