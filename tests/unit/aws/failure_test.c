// Proves: refusals of every protocol are read, classed, and told with what to do.

#include "fake_aws.h"

static struct aws_failure read_answer(enum aws_protocol protocol, int status, const char *header,
                                      const char *body)
{
    struct http_response response = {.status = status, .body = str_of(body)};
    struct str line = str_of(header);
    const size_t colon = str_find_byte(line, ':');
    if (colon != SIZE_MAX)
        *vec_push(fake.arena, &response.headers) = (struct http_header){
            str_slice(line, 0, colon), str_trim(str_slice(line, colon + 1, line.length))};
    struct aws_failure failure;
    aws_failure_read(protocol, &response, &failure);
    return failure;
}

static const struct row {
    enum aws_protocol protocol;
    int status;
    const char *header, *body;
    const char *code;
    rc class;
    enum aws_remedy remedy;
} rows[] = {
    {AWS_JSON_1_1, 400, "", "{\"__type\":\"a.b#EntityNotFoundException\"}",
     "EntityNotFoundException", RC_NOT_FOUND, AWS_REMEDY_NONE},
    {AWS_JSON_1_0, 400, "", "{\"__type\":\"a.b#StateMachineDoesNotExist\"}",
     "StateMachineDoesNotExist", RC_NOT_FOUND, AWS_REMEDY_NONE},
    {AWS_REST_JSON, 404, "x-amzn-errortype: ResourceNotFoundException:http://x/", "",
     "ResourceNotFoundException", RC_NOT_FOUND, AWS_REMEDY_NONE},
    {AWS_JSON_1_1, 400, "", "{\"__type\":\"ConcurrentModificationException\"}",
     "ConcurrentModificationException", RC_CONFLICT, AWS_REMEDY_NONE},
    {AWS_JSON_1_1, 400, "", "{\"__type\":\"AlreadyExistsException\"}", "AlreadyExistsException",
     RC_EXISTS, AWS_REMEDY_NONE},
    {AWS_JSON_1_1, 400, "", "{\"__type\":\"ValidationException\"}", "ValidationException",
     RC_INVALID, AWS_REMEDY_NONE},
    {AWS_JSON_1_1, 400, "", "{\"__type\":\"TooManyRequestsException\"}", "TooManyRequestsException",
     RC_HTTP, AWS_REMEDY_SLOW},
    {AWS_JSON_1_1, 400, "", "{\"__type\":\"LimitExceededException\"}", "LimitExceededException",
     RC_LIMIT, AWS_REMEDY_SLOW},
    {AWS_JSON_1_1, 400, "", "{\"__type\":\"ExpiredTokenException\"}", "ExpiredTokenException",
     RC_DENIED, AWS_REMEDY_REFRESH},
    {AWS_JSON_1_1, 403, "", "{\"__type\":\"UnrecognizedClientException\"}",
     "UnrecognizedClientException", RC_DENIED, AWS_REMEDY_NONE},
    {AWS_JSON_1_1, 500, "", "<html>oops", "InternalError", RC_HTTP, AWS_REMEDY_WAIT},
    {AWS_JSON_1_1, 502, "", "", "HTTP 502", RC_HTTP, AWS_REMEDY_WAIT},
    {AWS_JSON_1_1, 501, "", "", "HTTP 501", RC_HTTP, AWS_REMEDY_NONE},
    {AWS_QUERY, 403, "",
     "<ErrorResponse xmlns='x'><Error><Type>Sender</Type><Code>AccessDenied</Code></Error>"
     "</ErrorResponse>",
     "AccessDenied", RC_DENIED, AWS_REMEDY_NONE},
    {AWS_REST_XML, 404, "", "<Error><Code>NoSuchBucket</Code></Error>", "NoSuchBucket",
     RC_NOT_FOUND, AWS_REMEDY_NONE},
    {AWS_REST_XML, 404, "", "", "NotFound", RC_NOT_FOUND, AWS_REMEDY_NONE}, // HEAD
    {AWS_REST_XML, 412, "", "", "PreconditionFailed", RC_CONFLICT, AWS_REMEDY_NONE},
    {AWS_REST_XML, 403, "", "<Error><Code>RequestTimeTooSkewed</Code></Error>",
     "RequestTimeTooSkewed", RC_DENIED, AWS_REMEDY_CLOCK},
    {AWS_REST_XML, 503, "", "<Error><Code>SlowDown</Code></Error>", "SlowDown", RC_HTTP,
     AWS_REMEDY_SLOW},
    {AWS_REST_XML, 400, "", "<Error><Code>RequestTimeout</Code></Error>", "RequestTimeout", RC_HTTP,
     AWS_REMEDY_WAIT},
    {AWS_REST_XML, 200, "", "<Error><Code>InternalError</Code></Error>", "InternalError", RC_HTTP,
     AWS_REMEDY_WAIT},
    {AWS_QUERY, 400, "",
     "<Response><Errors><Error><Code>AuthFailure</Code></Error></Errors><RequestID>r</RequestID>"
     "</Response>",
     "AuthFailure", RC_DENIED, AWS_REMEDY_CLOCK},
};

static void answers_are_read_and_classed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        const struct aws_failure failure =
            read_answer(row->protocol, row->status, row->header, row->body);
        if (strcmp(failure.code, row->code) != 0 || failure.remedy != row->remedy ||
            aws_failure_class(&failure) != row->class)
            fail_msg("row %zu: %s, class %d, remedy %d", i, failure.code,
                     (int)aws_failure_class(&failure), (int)failure.remedy);
    }
}

static void a_5xx_may_have_been_carried_out_and_a_throttled_call_was_not(void **state)
{
    (void)state;
    assert_true(read_answer(AWS_JSON_1_1, 500, "", "").is_unknown);
    assert_false(
        read_answer(AWS_REST_XML, 503, "", "<Error><Code>SlowDown</Code></Error>").is_unknown);
    assert_false(read_answer(AWS_JSON_1_1, 400, "", "").is_unknown);
}

static void hints_say_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *code, *message, *hint;
    } cases[] = {
        {"AccessDeniedException", "",
         "allow glue:GetTable on table t in a policy of the role or "
         "user that runs this"},
        {"AccessDenied",
         "User: arn:u is not authorized to perform: glue:X on resource: arn:r with an explicit "
         "deny in a service control policy",
         "a policy denies glue:X explicitly: look for Deny in the policies of arn:u and of the "
         "organization"},
        {"ExpiredTokenException", "", "expired"},
        {"UnrecognizedClientException", "", "AWS_SESSION_TOKEN"},
        {"InvalidSignatureException", "", "clock"},
        {"EntityNotFoundException", "", "region eu-west-1"},
        {"ThrottlingException", "", "quota"},
    };
    const struct aws_asked asked = {.service = "glue",
                                    .action = "GetTable",
                                    .resource = STR("table t"),
                                    .region = STR("eu-west-1")};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct str body = arena_printf(fake.arena, "{\"__type\":\"%s\",\"message\":\"%s\"}",
                                             cases[i].code, cases[i].message);
        const struct aws_failure failure = read_answer(AWS_JSON_1_1, 400, "", body.bytes);
        struct err err = {0};
        (void)aws_failure_error(&failure, &asked, &err);
        if (strstr(err.hint, cases[i].hint) == NULL)
            fail_msg("%s: %s", cases[i].code, err.hint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(answers_are_read_and_classed),
        FAKE_TEST(a_5xx_may_have_been_carried_out_and_a_throttled_call_was_not),
        FAKE_TEST(hints_say_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
