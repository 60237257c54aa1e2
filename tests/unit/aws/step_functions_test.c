// Proves: executions are started, read page by page and stopped as Step Functions wants it, and its
// times and missing values are understood.

#include "fake_aws.h"

#include "aws/step_functions.h"

#define MACHINE "arn:aws:states:eu-west-1:42:stateMachine:dev-chess_pipeline"
#define EXECUTION "arn:aws:states:eu-west-1:42:execution:dev-chess_pipeline:one"

static void a_name_becomes_the_arn_of_the_callers_account(void **state)
{
    (void)state;
    struct aws_session *session = fake_session_with_keys();
    struct str arn;
    fake_answer(200, "",
                "<GetCallerIdentityResponse><GetCallerIdentityResult>"
                "<Arn>arn:aws-cn:sts::42:assumed-role/r/s</Arn><Account>42</Account>"
                "</GetCallerIdentityResult></GetCallerIdentityResponse>");
    assert_int_equal(
        step_functions_machine_arn(session, fake.arena, STR("dev-x_pipeline"), &arn, NULL), RC_OK);
    assert_true(str_is(arn, "arn:aws-cn:states:eu-west-1:42:stateMachine:dev-x_pipeline"));
    assert_int_equal(step_functions_machine_arn(session, fake.arena, STR(MACHINE), &arn, NULL),
                     RC_OK);
    assert_true(str_is(arn, MACHINE));
    assert_int_equal(fake.asked, 1);
}

static void an_execution_is_started_described_and_stopped(void **state)
{
    (void)state;
    struct aws_session *session = fake_session_with_keys();
    struct step_functions_execution execution;
    struct str arn;
    fake_answer(200, "", "{\"executionArn\":\"" EXECUTION "\",\"startDate\":1767323045.5}");
    assert_int_equal(step_functions_start(session, fake.arena, STR(MACHINE), STR("one"),
                                          STR("{\"a\":1}"), &arn, NULL),
                     RC_OK);
    assert_true(str_is(arn, EXECUTION));
    assert_true(str_is(fake.requests[0].body, "{\"stateMachineArn\":\"" MACHINE
                                              "\",\"name\":\"one\",\"input\":\"{\\\"a\\\":1}\"}"));
    assert_true(str_contains(fake.requests[0].headers,
                             STR("X-Amz-Target: AWSStepFunctions.StartExecution\n")));
    assert_true(
        str_contains(fake.requests[0].headers, STR("Content-Type: application/x-amz-json-1.0\n")));
    fake_answer(200, "",
                "{\"executionArn\":\"" EXECUTION "\",\"name\":\"one\",\"status\":\"FAILED\","
                "\"startDate\":1767323045.5,\"stopDate\":\"2026-01-02T03:04:07Z\","
                "\"error\":\"E\",\"input\":\"{}\"}");
    assert_int_equal(step_functions_describe(session, fake.arena, STR(EXECUTION), &execution, NULL),
                     RC_OK);
    assert_true(str_is(execution.status, "FAILED"));
    assert_true(str_is(execution.error, "E"));
    assert_null(execution.output.bytes);
    assert_int_equal(execution.started_us, FAKE_NOW_US + TIME_US_PER_SECOND / 2);
    assert_int_equal(execution.stopped_us, FAKE_NOW_US + 2 * TIME_US_PER_SECOND);
    fake_answer(200, "", "{\"stopDate\":1}");
    assert_int_equal(step_functions_stop(session, fake.arena, STR(EXECUTION), STR("why"), NULL),
                     RC_OK);
    assert_true(
        str_is(fake.requests[2].body, "{\"executionArn\":\"" EXECUTION "\",\"cause\":\"why\"}"));
}

static void lists_and_histories_come_by_pages(void **state)
{
    (void)state;
    struct aws_session *session = fake_session_with_keys();
    step_functions_execution_vec executions;
    fake_answer(200, "",
                "{\"executions\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"nextToken\":\"n\"}");
    fake_answer(200, "",
                "{\"executions\":[{\"name\":\"c\"},{\"name\":\"d\"}],\"nextToken\":\"m\"}");
    assert_int_equal(step_functions_list(session, fake.arena, STR(MACHINE), 3, &executions, NULL),
                     RC_OK);
    assert_int_equal(executions.count, 3);
    assert_true(str_is(executions.items[2].name, "c"));
    assert_true(str_contains(fake.requests[1].body, STR("\"nextToken\":\"n\",\"maxResults\":1")));
    struct json events;
    struct str next;
    fake_answer(200, "", "{\"events\":[{\"id\":1}],\"nextToken\":\"p2\"}");
    fake_answer(200, "", "{\"events\":[]}");
    assert_int_equal(
        step_functions_history(session, fake.arena, STR(EXECUTION), STR(""), &events, &next, NULL),
        RC_OK);
    assert_int_equal(events.count, 1);
    assert_true(str_is(next, "p2"));
    assert_int_equal(
        step_functions_history(session, fake.arena, STR(EXECUTION), next, &events, &next, NULL),
        RC_OK);
    assert_int_equal(events.count, 0);
    assert_int_equal(next.length, 0);
    assert_true(str_contains(fake.requests[3].body, STR("\"nextToken\":\"p2\"")));
}

static void a_machine_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct str arn;
    struct err err = {0};
    fake_answer(400, "", "{\"__type\":\"StateMachineDoesNotExist\",\"message\":\"no\"}");
    assert_int_equal(step_functions_start(fake_session_with_keys(), fake.arena, STR(MACHINE),
                                          STR("one"), STR("{}"), &arn, &err),
                     RC_NOT_FOUND);
    assert_non_null(strstr(err.message, "states:StartExecution, state machine dev-chess_pipeline: "
                                        "StateMachineDoesNotExist"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(a_name_becomes_the_arn_of_the_callers_account),
        FAKE_TEST(an_execution_is_started_described_and_stopped),
        FAKE_TEST(lists_and_histories_come_by_pages),
        FAKE_TEST(a_machine_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
