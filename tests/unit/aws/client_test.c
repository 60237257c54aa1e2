// Proves: a call is signed and sent to the right place, tried again only when that may help, and
// refusals name call, resource and permission.

#include "fake_aws.h"

static struct aws_client *client_of(const struct aws_service *service)
{
    struct aws_client *client;
    assert_int_equal(aws_client_open(fake.arena, fake_session_with_keys(), service, &client, NULL),
                     RC_OK);
    return client;
}

static const struct aws_call get_table = {
    .action = "GetTable", .resource = STR_INIT("table t"), .body = STR_INIT("{\"Name\":\"t\"}")};

static void a_json_call_names_its_target_and_is_signed(void **state)
{
    (void)state;
    struct aws_client *client = client_of(&aws_glue);
    fake_answer(200, "", "{\"Table\":{\"Name\":\"t\"}}");
    struct json answer;
    assert_int_equal(aws_call_json(client, fake.arena, &get_table, &answer, NULL, NULL), RC_OK);
    assert_true(str_is(json_str(json_path(&answer, "Table", "Name"), STR("")), "t"));
    const struct fake_request *request = &fake.requests[0];
    assert_true(str_is(request->method, "POST"));
    assert_true(str_is(request->url, "https://glue.eu-west-1.amazonaws.com/"));
    assert_true(str_is(request->body, "{\"Name\":\"t\"}"));
    assert_true(str_contains(request->headers, STR("X-Amz-Target: AWSGlue.GetTable\n")));
    assert_true(str_contains(request->headers, STR("Content-Type: application/x-amz-json-1.1\n")));
    assert_true(str_contains(
        request->headers,
        STR("Credential=AKIDEXAMPLE/20260102/eu-west-1/glue/aws4_request, SignedHeaders="
            "amz-sdk-invocation-id;amz-sdk-request;content-type;host;x-amz-date;x-amz-target, ")));
    assert_false(str_contains(request->headers, STR("very-secret")));
}

static void a_custom_endpoint_keeps_its_port_and_path(void **state)
{
    (void)state;
    fake_set("AWS_ENDPOINT_URL=http://127.0.0.1:4566/prefix/");
    struct aws_client *client = client_of(&aws_sts);
    fake_answer(200, "", "<R/>");
    struct http_response response;
    assert_int_equal(aws_call(client, fake.arena, &(struct aws_call){.action = "GetCallerIdentity"},
                              &response, NULL, NULL),
                     RC_OK);
    assert_true(str_is(fake.requests[0].url, "http://127.0.0.1:4566/prefix/"));
    assert_true(str_contains(fake.requests[0].headers, STR("Host: 127.0.0.1:4566\n")));
    assert_true(str_is(fake.requests[0].body, "Action=GetCallerIdentity&Version=2011-06-15"));
}

static void what_may_help_is_tried_again(void **state)
{
    (void)state;
    struct aws_client *client = client_of(&aws_glue);
    fake_answer(503, "", "");
    fake_answer(400, "", "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}");
    fake_fail(RC_NETWORK);
    fake_answer(200, "", "{}");
    struct json answer;
    assert_int_equal(aws_call_json(client, fake.arena, &get_table, &answer, NULL, NULL), RC_OK);
    assert_int_equal(fake.asked, 4);
    // the attempts of one call are known as one
    const char *const name = "amz-sdk-invocation-id: ";
    const struct str first = fake.requests[0].headers, last = fake.requests[3].headers;
    const size_t at = str_find(first, str_of(name));
    assert_true(at != SIZE_MAX && str_contains(last, str_slice(first, at, strlen(name) + 36)));
}

static void what_is_final_is_not(void **state)
{
    (void)state;
    struct aws_client *client = client_of(&aws_glue);
    fake_answer(400, "x-amzn-requestid: r-1",
                "{\"__type\":\"com.amazonaws.glue#EntityNotFoundException\",\"Message\":\"Table t "
                "not found.\"}");
    struct json answer;
    struct aws_failure failure;
    struct err err = {0};
    assert_int_equal(aws_call_json(client, fake.arena, &get_table, &answer, &failure, &err),
                     RC_NOT_FOUND);
    assert_int_equal(fake.asked, 1);
    assert_string_equal(failure.code, "EntityNotFoundException");
    assert_string_equal(err.message, "glue:GetTable, table t: EntityNotFoundException: Table t not "
                                     "found. (request id r-1)");
    assert_non_null(strstr(err.hint, "eu-west-1"));
}

static void a_denial_names_the_permission(void **state)
{
    (void)state;
    struct aws_client *client = client_of(&aws_glue);
    fake_answer(400, "",
                "{\"__type\":\"AccessDeniedException\",\"Message\":\"User: "
                "arn:aws:sts::1:assumed-role/r/s is not authorized to perform: glue:GetTable on "
                "resource: arn:aws:glue:eu-west-1:1:catalog because no identity-based policy "
                "allows the glue:GetTable action\"}");
    struct json answer;
    struct err err = {0};
    assert_int_equal(aws_call_json(client, fake.arena, &get_table, &answer, NULL, &err), RC_DENIED);
    assert_string_equal(err.hint, "allow glue:GetTable on arn:aws:glue:eu-west-1:1:catalog in a "
                                  "policy of arn:aws:sts::1:assumed-role/r/s");
}

static void a_wrong_clock_is_corrected_once(void **state)
{
    (void)state;
    struct aws_client *client = client_of(&aws_glue);
    static const char skewed[] =
        "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature "
        "expired: 20260102T030405Z is now earlier\"}";
    fake_answer(403, "Date: Fri, 02 Jan 2026 05:04:05 GMT", skewed);
    fake_answer(200, "", "{}");
    struct json answer;
    assert_int_equal(aws_call_json(client, fake.arena, &get_table, &answer, NULL, NULL), RC_OK);
    assert_true(str_contains(fake.requests[1].headers, STR("X-Amz-Date: 20260102T050405Z\n")));
    // Now the clocks agree: the same refusal means something else.
    fake_answer(403, "Date: Fri, 02 Jan 2026 05:04:05 GMT", skewed);
    assert_int_equal(aws_call_json(client, fake.arena, &get_table, &answer, NULL, NULL), RC_DENIED);
    assert_int_equal(fake.asked, 3);
}

static void attempts_end_and_tell_their_causes(void **state)
{
    (void)state;
    fake_set("AWS_MAX_ATTEMPTS=3");
    struct aws_client *client = client_of(&aws_glue);
    for (int i = 0; i < 3; i++)
        fake_answer(500, "", "");
    struct json answer;
    struct aws_failure failure;
    struct err err = {0};
    assert_int_equal(aws_call_json(client, fake.arena, &get_table, &answer, &failure, &err),
                     RC_HTTP);
    assert_int_equal(fake.asked, 3);
    assert_true(failure.is_unknown);
    assert_non_null(strstr(err.message, "gave up after 3 attempts"));
    assert_non_null(strstr(err.message, "3 x glue:GetTable, table t: InternalError"));
}

static void an_address_where_nobody_is_is_given_up_soon(void **state)
{
    (void)state;
    struct aws_client *client = client_of(&aws_glue);
    for (int i = 0; i < 10; i++) {
        fake_fail(RC_NETWORK);
        fake.answers[i].is_unsent = true;
    }
    struct json answer;
    struct aws_failure failure;
    struct err err = {0};
    assert_int_equal(aws_call_json(client, fake.arena, &get_table, &answer, &failure, &err),
                     RC_NETWORK);
    assert_int_equal(fake.asked, 4);
    assert_false(failure.is_unknown); // nothing was carried out
    assert_non_null(strstr(err.hint, "is eu-west-1 a region"));
}

static void a_lost_answer_may_have_been_carried_out(void **state)
{
    (void)state;
    struct aws_client *client = client_of(&aws_glue);
    fake_fail(RC_NETWORK);
    struct json answer;
    struct aws_failure failure;
    const struct aws_call once = {.action = "UpdateTable", .must_not_retry = true};
    assert_int_equal(aws_call_json(client, fake.arena, &once, &answer, &failure, NULL), RC_NETWORK);
    assert_int_equal(fake.asked, 1);
    assert_true(failure.is_unknown);
    // Tried again, the service refuses what it did the first time.
    fake_fail(RC_NETWORK);
    fake_answer(400, "", "{\"__type\":\"AlreadyExistsException\"}");
    const struct aws_call create = {.action = "CreateTable"};
    assert_int_equal(aws_call_json(client, fake.arena, &create, &answer, &failure, NULL),
                     RC_EXISTS);
    assert_true(failure.is_unknown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(a_json_call_names_its_target_and_is_signed),
        FAKE_TEST(a_custom_endpoint_keeps_its_port_and_path),
        FAKE_TEST(what_may_help_is_tried_again),
        FAKE_TEST(what_is_final_is_not),
        FAKE_TEST(a_denial_names_the_permission),
        FAKE_TEST(a_wrong_clock_is_corrected_once),
        FAKE_TEST(an_address_where_nobody_is_is_given_up_soon),
        FAKE_TEST(a_lost_answer_may_have_been_carried_out),
        FAKE_TEST(attempts_end_and_tell_their_causes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
