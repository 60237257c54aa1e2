// What flow/execution.h promises beyond the recorded executions: delays of retries, counters,
// catchers, variables, time limits, interruption, a sink that fails.

#include "unit_test.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/pool.h"
#include "flow/execution.h"
#include "flow/machine.h"

/// A world in which tasks fail so many times, and waiting only moves the clock.
struct world {
    struct arena *arena;
    int64_t now_us;
    int64_t waits_s[16];
    size_t wait_count;
    int failures_left;
    const char *error;
    int tasks, events;
    int interrupt_at_wait; // 0 = never
    int fail_at_event;     // 0 = never
    struct pool *pool;     // NULL = one after another
    int meeting;           // so many tasks must be there at the same time before one of them ends
    pthread_mutex_t lock;
    pthread_cond_t arrived;
};

static int64_t now(void *context)
{
    const struct world *w = context;
    return w->now_us;
}

static rc wait_until(void *context, int64_t time_us, struct err *err)
{
    struct world *w = context;
    assert_true(w->wait_count < 16);
    w->waits_s[w->wait_count++] = (time_us - w->now_us) / 1000000;
    if ((int)w->wait_count == w->interrupt_at_wait)
        return err_set(err, RC_INTERRUPTED, "interrupted");
    w->now_us = time_us;
    return RC_OK;
}

/// Counts the task, and waits until the others that must run at the same time have come too.
static bool meet(struct world *w)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 30; // only a broken program waits that long
    int waited = 0;
    pthread_mutex_lock(&w->lock);
    w->tasks++;
    pthread_cond_broadcast(&w->arrived);
    while (w->tasks < w->meeting && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&w->arrived, &w->lock, &limit);
    const bool has_met = w->tasks >= w->meeting;
    pthread_mutex_unlock(&w->lock);
    return has_met;
}

static rc run_task(void *context, const struct flow_task *task, struct arena *arena,
                   struct flow_outcome *ret_outcome, struct err *err)
{
    struct world *w = context;
    (void)err;
    const bool has_met = meet(w);
    if (!has_met || str_is(json_str(json_get(&task->parameters, STR("v")), STR("")), "fails")) {
        ret_outcome->error = has_met ? STR("Asked") : STR("Alone");
        return RC_OK;
    }
    if (w->failures_left > 0) {
        w->failures_left--;
        ret_outcome->error = str_of(w->error);
        ret_outcome->cause = STR("cause");
        return RC_OK;
    }
    ret_outcome->is_success = true;
    ret_outcome->output = (struct json){.kind = JSON_OBJECT};
    *json_object_set(arena, &ret_outcome->output, STR("in")) = task->parameters;
    *json_object_set(arena, &ret_outcome->output, STR("attempt")) =
        json_of_int64(arena, task->attempt);
    return RC_OK;
}

static rc count_event(void *context, const struct flow_event *event, struct err *err)
{
    struct world *w = context;
    (void)event;
    if (++w->events == w->fail_at_event)
        return err_set(err, RC_NO_SPACE, "the disk is full");
    return RC_OK;
}

static rc execute(struct world *w, const char *definition_text, const char *input_text,
                  struct flow_result *ret_result, struct err *err)
{
    struct json definition, input;
    machine_problem_vec problems = {0};
    assert_int_equal(json_parse(w->arena, str_of(definition_text), "t", &definition, err), RC_OK);
    assert_int_equal(json_parse(w->arena, str_of(input_text), "t", &input, err), RC_OK);
    machine_check(w->arena, &definition, (struct machine_check_options){0}, &problems);
    if (problems.count > 0)
        print_message("%.*s\n", STR_ARGS(problems.items[0].message));
    assert_int_equal(problems.count, 0);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->arrived, NULL);
    const struct flow_options options = {.pool = w->pool,
                                         .definition = &definition,
                                         .input = &input,
                                         .name = STR("e"),
                                         .id = STR("e"),
                                         .machine_name = STR("m"),
                                         .machine_id = STR("m"),
                                         .role = STR("r"),
                                         .region = STR("local"),
                                         .executor = {run_task, w},
                                         .clock = {now, wait_until, w},
                                         .sink = {count_event, w}};
    return flow_execute(w->arena, &options, ret_result, err);
}

#define TASK(more)                                                                                 \
    "{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"r\"," more             \
    ",\"Next\":\"Z\"},\"Z\":{\"Type\":\"Succeed\"},\"C\":{\"Type\":\"Pass\",\"End\":true}}}"
#define CATCH_ALL                                                                                  \
    "\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"ResultPath\":\"$.e\",\"Next\":\"C\"}]"

static void test_retries_wait_longer_each_time_up_to_the_limit(void **state)
{
    (void)state;
    struct world w = {.arena = arena_open(NULL), .failures_left = 4, .error = "Net"};
    struct flow_result result;
    struct err err;
    const int64_t waits[] = {2, 6, 18, 20};
    assert_int_equal(
        execute(&w,
                TASK("\"Retry\":[{\"ErrorEquals\":[\"Other\"]},{\"ErrorEquals\":[\"Net\"],"
                     "\"IntervalSeconds\":2,\"BackoffRate\":3,\"MaxAttempts\":5,"
                     "\"MaxDelaySeconds\":20}]," CATCH_ALL),
                "{}", &result, &err),
        RC_OK);
    assert_int_equal(result.status, FLOW_SUCCEEDED);
    assert_int_equal(w.wait_count, 4);
    assert_memory_equal(w.waits_s, waits, sizeof waits);
    assert_int_equal(json_int64(json_get(&result.output, STR("attempt")), -1), 4);
    arena_close(w.arena);
}

static void test_a_catcher_takes_what_retries_could_not_mend(void **state)
{
    (void)state;
    static const struct {
        const char *error;
        bool is_caught;
    } cases[] = {{"Net", true}, {"States.Timeout", true}, {"States.Runtime", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world w = {.arena = arena_open(NULL), .failures_left = 9, .error = cases[i].error};
        struct flow_result result;
        struct err err;
        assert_int_equal(execute(&w,
                                 TASK("\"Retry\":[{\"ErrorEquals\":[\"States.TaskFailed\"],"
                                      "\"MaxAttempts\":1}]," CATCH_ALL),
                                 "{\"a\":1}", &result, &err),
                         RC_OK);
        // States.TaskFailed is every failure of a task but a timeout.
        assert_int_equal(w.tasks, strcmp(cases[i].error, "Net") == 0 ? 2 : 1);
        assert_int_equal(result.status, cases[i].is_caught ? FLOW_SUCCEEDED : FLOW_FAILED);
        if (cases[i].is_caught) {
            const struct json *error = json_path(&result.output, "e", "Error");
            assert_true(str_is(json_str(error, STR("")), cases[i].error));
            assert_int_equal(json_int64(json_get(&result.output, STR("a")), 0), 1);
        }
        arena_close(w.arena);
    }
}

static void test_branches_and_iterations_see_outer_variables_and_keep_theirs(void **state)
{
    (void)state;
    struct world w = {.arena = arena_open(NULL)};
    struct flow_result result;
    struct err err;
    assert_int_equal(
        execute(
            &w,
            "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"Assign\":{\"x\":1},"
            "\"Next\":\"M\"},\"M\":{\"Type\":\"Map\",\"ItemsPath\":\"$.items\",\"ItemSelector\":"
            "{\"v.$\":\"$$.Map.Item.Value\",\"i.$\":\"$$.Map.Item.Index\",\"x.$\":\"$x\"},"
            "\"ItemProcessor\":{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"Assign\":"
            "{\"x\":2},\"Next\":\"Q\"},\"Q\":{\"Type\":\"Pass\",\"Parameters\":{\"in.$\":\"$\","
            "\"x.$\":\"$x\"},\"End\":true}}},\"ResultPath\":\"$.out\",\"Next\":\"L\"},\"L\":{"
            "\"Type\":\"Parallel\",\"Branches\":[{\"StartAt\":\"B1\",\"States\":{\"B1\":{\"Type\":"
            "\"Pass\",\"Parameters\":{\"x.$\":\"$x\"},\"End\":true}}}],\"ResultPath\":\"$.par\","
            "\"End\":true}}}",
            "{\"items\":[\"a\",\"b\"]}", &result, &err),
        RC_OK);
    const struct str text = json_print(w.arena, &result.output, JSON_COMPACT);
    assert_string_equal(
        arena_cstr(w.arena, text),
        "{\"items\":[\"a\",\"b\"],\"out\":[{\"in\":{\"v\":\"a\",\"i\":0,\"x\":1},"
        "\"x\":2},{\"in\":{\"v\":\"b\",\"i\":1,\"x\":1},\"x\":2}],\"par\":[{\"x\":1}]}");
    arena_close(w.arena);
}

static void test_the_time_limit_of_the_machine_ends_a_loop(void **state)
{
    (void)state;
    struct world w = {.arena = arena_open(NULL)};
    struct flow_result result;
    struct err err;
    assert_int_equal(execute(&w,
                             "{\"StartAt\":\"W\",\"TimeoutSeconds\":25,\"States\":{\"W\":{\"Type\":"
                             "\"Wait\",\"Seconds\":10,\"Next\":\"W\"}}}",
                             "{}", &result, &err),
                     RC_OK);
    assert_int_equal(result.status, FLOW_TIMED_OUT);
    assert_int_equal(w.wait_count, 3);
    arena_close(w.arena);
}

static void test_the_time_limit_of_the_machine_cuts_waits_short(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int wait_count;
        int64_t last_wait_s;
    } cases[] = {
        {"{\"StartAt\":\"W\",\"TimeoutSeconds\":25,\"States\":{\"W\":{\"Type\":\"Wait\","
         "\"Seconds\":"
         "100,\"End\":true}}}",
         1, 25},
        // The second attempt would come after the end: nobody may catch that.
        {"{\"StartAt\":\"T\",\"TimeoutSeconds\":25,\"States\":{\"T\":{\"Type\":\"Task\","
         "\"Resource\":"
         "\"r\",\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"],\"IntervalSeconds\":20}],\"Catch\":[{"
         "\"ErrorEquals\":[\"States.ALL\"],\"Next\":\"S\"}],\"End\":true},\"S\":{\"Type\":"
         "\"Succeed\"}}}",
         2, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w = {.arena = arena_open(NULL), .failures_left = 9, .error = "Net"};
        struct flow_result result;
        struct err err;
        assert_int_equal(execute(&w, cases[i].text, "{}", &result, &err), RC_OK);
        assert_int_equal(result.status, FLOW_TIMED_OUT);
        assert_int_equal(w.wait_count, cases[i].wait_count);
        assert_int_equal(w.waits_s[w.wait_count - 1], cases[i].last_wait_s);
        arena_close(w.arena);
    }
}

static void test_a_loop_without_end_stops_at_the_limit_of_events(void **state)
{
    (void)state;
    struct world w = {.arena = arena_open(NULL)};
    struct flow_result result;
    struct err err;
    assert_int_equal(
        execute(&w, "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"Next\":\"P\"}}}",
                "{}", &result, &err),
        RC_LIMIT);
    arena_close(w.arena);
}

static void test_an_interruption_ends_it_as_aborted(void **state)
{
    (void)state;
    struct world w = {.arena = arena_open(NULL), .interrupt_at_wait = 1};
    struct flow_result result;
    struct err err;
    assert_int_equal(
        execute(&w,
                "{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Wait\",\"Seconds\":10,"
                "\"End\":true}}}",
                "{}", &result, &err),
        RC_INTERRUPTED);
    assert_int_equal(result.status, FLOW_ABORTED);
    assert_int_equal(w.events, 3); // started, entered, aborted
    arena_close(w.arena);
}

static void test_an_error_of_the_sink_ends_the_execution_wherever_it_comes(void **state)
{
    (void)state;
    for (int at = 1; at <= 8; at++) {
        struct world w = {.arena = arena_open(NULL), .fail_at_event = at};
        struct flow_result result;
        struct err err;
        assert_int_equal(execute(&w, TASK(CATCH_ALL), "{}", &result, &err), RC_NO_SPACE);
        arena_close(w.arena);
    }
}

static void test_too_much_data_is_an_error_as_in_the_cloud(void **state)
{
    (void)state;
    struct world w = {.arena = arena_open(NULL)};
    struct flow_result result;
    struct err err;
    char *filler = arena_alloc(w.arena, 300 * 1024);
    memset(filler, 'x', 300 * 1024 - 1);
    const char *big = arena_printf(w.arena, "{\"a\":\"%s\"}", filler).bytes;
    assert_int_equal(execute(&w, TASK(CATCH_ALL), "{}", &result, &err), RC_OK);
    assert_int_equal(execute(&w, TASK(CATCH_ALL), big, &result, &err), RC_OK);
    // The task's answer holds its input, so it is too big; the catcher's output still is the input.
    const struct json *error = json_path(&result.output, "e", "Error");
    assert_true(str_is(json_str(error, STR("")), "States.DataLimitExceeded"));
    arena_close(w.arena);
}

static void test_with_a_pool_branches_run_at_the_same_time(void **state)
{
    (void)state;
    struct world w = {.arena = arena_open(NULL), .meeting = 3};
    struct flow_result result;
    struct err err;
    w.pool = pool_open(w.arena, 4);
    assert_int_equal(
        execute(&w,
                "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Parallel\",\"Branches\":[{"
                "\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"r\","
                "\"ResultSelector\":{\"a\":1},\"End\":true}}},{\"StartAt\":\"B\",\"States\":{"
                "\"B\":{\"Type\":\"Task\",\"Resource\":\"r\",\"ResultSelector\":{\"b\":1},"
                "\"End\":true}}},{\"StartAt\":\"C\",\"States\":{\"C\":{\"Type\":\"Task\","
                "\"Resource\":\"r\",\"ResultSelector\":{\"c\":1},\"End\":true}}}],\"End\":true}}}",
                "{}", &result, &err),
        RC_OK);
    const struct str text = json_print(w.arena, &result.output, JSON_COMPACT);
    assert_string_equal(arena_cstr(w.arena, text), "[{\"a\":1},{\"b\":1},{\"c\":1}]");
    arena_close(w.arena);
}

#define MAP(more)                                                                                  \
    "{\"StartAt\":\"M\",\"States\":{\"M\":{\"Type\":\"Map\",\"ItemSelector\":{\"v.$\":"            \
    "\"$$.Map.Item.Value\"}," more "\"ItemProcessor\":{\"StartAt\":\"T\",\"States\":{\"T\":{"      \
    "\"Type\":\"Task\",\"Resource\":\"r\",\"OutputPath\":\"$.in.v\",\"End\":true}}},\"End\":true}" \
    "}}"

static void test_with_a_pool_iterations_keep_their_order_and_the_first_failure_counts(void **state)
{
    (void)state;
    struct flow_result result;
    struct err err;
    struct world w = {.arena = arena_open(NULL), .meeting = 4};
    struct buf input;
    buf_init(&input, 10000);
    for (int i = 0; i < 100; i++)
        buf_printf(&input, "%c\"%d\"", i == 0 ? '[' : ',', i);
    buf_append_cstr(&input, "]");
    const char *items = arena_cstr(w.arena, buf_str(&input));
    w.pool = pool_open(w.arena, 8);
    assert_int_equal(execute(&w, MAP("\"MaxConcurrency\":4,"), items, &result, &err), RC_OK);
    assert_int_equal(result.status, FLOW_SUCCEEDED);
    const struct str text = json_print(w.arena, &result.output, JSON_COMPACT);
    assert_string_equal(arena_cstr(w.arena, text), items);
    assert_int_equal(w.tasks, 100);
    assert_int_equal(execute(&w, MAP(""), "[\"a\",\"fails\",\"b\",\"fails\"]", &result, &err),
                     RC_OK);
    assert_int_equal(result.status, FLOW_FAILED);
    assert_true(str_is(result.error, "Asked"));
    buf_done(&input);
    arena_close(w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retries_wait_longer_each_time_up_to_the_limit),
        cmocka_unit_test(test_a_catcher_takes_what_retries_could_not_mend),
        cmocka_unit_test(test_branches_and_iterations_see_outer_variables_and_keep_theirs),
        cmocka_unit_test(test_the_time_limit_of_the_machine_ends_a_loop),
        cmocka_unit_test(test_the_time_limit_of_the_machine_cuts_waits_short),
        cmocka_unit_test(test_a_loop_without_end_stops_at_the_limit_of_events),
        cmocka_unit_test(test_an_interruption_ends_it_as_aborted),
        cmocka_unit_test(test_an_error_of_the_sink_ends_the_execution_wherever_it_comes),
        cmocka_unit_test(test_too_much_data_is_an_error_as_in_the_cloud),
        cmocka_unit_test(test_with_a_pool_branches_run_at_the_same_time),
        cmocka_unit_test(test_with_a_pool_iterations_keep_their_order_and_the_first_failure_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
