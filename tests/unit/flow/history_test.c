// What flow/history.h promises: executions and events come back; names are unique; dead runs are
// told.

#include "unit_test.h"

#include "flow/history.h"

static struct arena *arena;
static struct history *history;

static int open_history(void **state)
{
    (void)state;
    struct err err;
    arena = arena_open(NULL);
    assert_int_equal(history_open(arena, STR(":memory:"), &history, &err), RC_OK);
    return 0;
}

static int close_history(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

static rc start(const char *id, int64_t started_us, struct err *err)
{
    const struct history_execution execution = {.id = str_of(id),
                                                .workflow = STR("w"),
                                                .environment = STR("local"),
                                                .input = STR("{}"),
                                                .started_us = started_us};
    return history_start(history, &execution, err);
}

static void test_executions_are_listed_latest_first_and_found_by_their_beginning(void **state)
{
    (void)state;
    struct err err;
    history_execution_vec list = {0};
    struct history_execution found;
    assert_int_equal(start("chess-1", 10, &err), RC_OK);
    assert_int_equal(start("chess-2", 20, &err), RC_OK);
    assert_int_equal(start("other", 15, &err), RC_OK);
    assert_int_equal(start("other", 30, &err), RC_EXISTS);
    const struct flow_result failed = {
        .status = FLOW_FAILED, .error = STR("E"), .cause = STR("because")};
    assert_int_equal(history_finish(history, STR("other"), &failed, 40, &err), RC_OK);
    assert_int_equal(history_list(history, arena, 2, &list, &err), RC_OK);
    assert_int_equal(list.count, 2);
    assert_true(str_is(list.items[0].id, "chess-2"));
    assert_true(str_is(list.items[0].status, "RUNNING")); // this process lives
    assert_int_equal(history_find(history, arena, STR("oth"), &found, &err), RC_OK);
    assert_true(str_is(found.status, "FAILED"));
    assert_true(str_is(found.cause, "because"));
    assert_null(found.output.bytes);
    assert_int_equal(found.ended_us, 40);
    assert_int_equal(history_find(history, arena, STR("chess"), &found, &err), RC_USAGE);
    assert_int_equal(history_find(history, arena, STR("chess-1"), &found, &err), RC_OK);
    assert_int_equal(history_find(history, arena, STR("chess-11"), &found, &err), RC_NOT_FOUND);
    assert_non_null(strstr(err.hint, "chess-1"));
}

static void test_events_come_back_in_order_with_their_details(void **state)
{
    (void)state;
    struct err err;
    struct json details;
    history_event_vec events = {0};
    assert_int_equal(start("e", 1, &err), RC_OK);
    assert_int_equal(json_parse(arena, STR("{\"name\":\"A\"}"), "t", &details, &err), RC_OK);
    const struct flow_event second = {.id = 2,
                                      .previous_id = 1,
                                      .time_us = 6,
                                      .type = "PassStateEntered",
                                      .details_name = "stateEnteredEventDetails",
                                      .details = details,
                                      .state = STR("A")};
    const struct flow_event first = {.id = 1, .time_us = 5, .type = "ExecutionStarted"};
    assert_int_equal(history_add_event(history, STR("e"), &second, &err), RC_OK);
    assert_int_equal(history_add_event(history, STR("e"), &first, &err), RC_OK);
    assert_int_equal(history_add_event(history, STR("e"), &first, &err), RC_EXISTS);
    assert_int_equal(history_events(history, arena, STR("e"), &events, &err), RC_OK);
    assert_int_equal(events.count, 2);
    assert_true(str_is(events.items[0].type, "ExecutionStarted"));
    assert_int_equal(events.items[0].details.length, 0);
    assert_true(str_is(events.items[1].details, "{\"name\":\"A\"}"));
    assert_true(str_is(events.items[1].state, "A"));
    assert_int_equal(events.items[1].previous_id, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_executions_are_listed_latest_first_and_found_by_their_beginning, open_history,
            close_history),
        cmocka_unit_test_setup_teardown(test_events_come_back_in_order_with_their_details,
                                        open_history, close_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
