// What base/runtime.h promises: the first signal asks, the second ends.

#include "unit_test.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/runtime.h"

static int stops;

static void count_stop(void *object)
{
    stops += *(int *)object;
}

static void test_a_signal_sets_the_mark_the_fd_and_calls_everybody(void **state)
{
    (void)state;
    int one = 1;
    struct err err;
    struct pollfd fd = {.fd = runtime_stop_fd(), .events = POLLIN};
    assert_int_equal(runtime_check(&err), RC_OK);
    assert_int_equal(poll(&fd, 1, 0), 0);
    const int token = runtime_on_stop(count_stop, &one);
    const int forgotten = runtime_on_stop(count_stop, &one);
    runtime_forget_stop(forgotten);
    raise(SIGTERM);
    assert_int_equal(stops, 1);
    assert_true(runtime_is_stopping());
    assert_int_equal(runtime_check(&err), RC_INTERRUPTED);
    assert_int_equal(poll(&fd, 1, 0), 1);
    const int late = runtime_on_stop(count_stop, &one); // is called at once
    assert_int_equal(stops, 2);
    runtime_forget_stop(token);
    runtime_forget_stop(late);
    runtime_reset();
    assert_int_equal(poll(&fd, 1, 0), 0);
    assert_false(runtime_is_stopping());
}

static void test_the_second_request_ends_the_process(void **state)
{
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        raise(SIGINT);
        raise(SIGINT);      // the same request: sent to the process and to its group
        poll(NULL, 0, 250); // a later signal is another one
        raise(SIGINT);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + SIGINT);
}

static void test_a_doubled_signal_does_not_end_the_process(void **state)
{
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        raise(SIGINT);
        raise(SIGINT);
        _exit(7);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void test_places_for_stop_calls_are_limited(void **state)
{
    (void)state;
    int tokens[RUNTIME_MAX_STOP_CALLS], none = 0;
    for (int i = 0; i < RUNTIME_MAX_STOP_CALLS; i++)
        assert_true((tokens[i] = runtime_on_stop(count_stop, &none)) >= 0);
    assert_int_equal(runtime_on_stop(count_stop, &none), -1);
    for (int i = 0; i < RUNTIME_MAX_STOP_CALLS; i++)
        runtime_forget_stop(tokens[i]);
}

int main(void)
{
    runtime_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_signal_sets_the_mark_the_fd_and_calls_everybody),
        cmocka_unit_test(test_the_second_request_ends_the_process),
        cmocka_unit_test(test_a_doubled_signal_does_not_end_the_process),
        cmocka_unit_test(test_places_for_stop_calls_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
