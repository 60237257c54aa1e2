// Executions of state machines in AWS Step Functions. Layer: aws. Threads: as aws_call.
// Source: botocore's model of stepfunctions 2016-11-23 (protocol json 1.0).

#include "aws/step_functions.h"

#include <math.h>

#include "aws/client.h"
#include "aws/sts.h"
#include "base/time.h"

enum { MAX_LISTED_PER_CALL = 1000 };

static void put_text(struct arena *arena, struct json *body, const char *key, struct str text)
{
    if (text.length > 0)
        *json_object_set(arena, body, str_of(key)) = json_of_str(text);
}

static rc ask(struct aws_session *session, struct arena *arena, const char *action,
              struct str resource, const struct json *body, struct json *ret_answer,
              struct err *err)
{
    struct aws_client *client;
    const struct aws_call call = {
        .action = action,
        .resource = resource,
        .body = json_print(arena, body, JSON_COMPACT),
    };
    TRY(aws_client_open(arena, session, &aws_step_functions, &client, err));
    return aws_call_json(client, arena, &call, ret_answer, NULL, err);
}

// The name at the end of an ARN, for messages.
static struct str last_part(struct str arn)
{
    const size_t colon = str_find_last_byte(arn, ':');
    return colon == SIZE_MAX ? arn : str_slice(arn, colon + 1, arn.length);
}

static struct str machine_text(struct arena *arena, struct str arn)
{
    return arena_printf(arena, "state machine %.*s", STR_ARGS(last_part(arn)));
}

static struct str execution_text(struct arena *arena, struct str arn)
{
    return arena_printf(arena, "execution %.*s", STR_ARGS(last_part(arn)));
}

static struct str text_or_null(const struct json *object, const char *key)
{
    const struct json *value = json_get(object, str_of(key));
    return value != NULL && value->kind == JSON_STRING ? value->text : (struct str){0};
}

int64_t step_functions_time_us(const struct json *value)
{
    double seconds;
    int64_t us;
    if (value == NULL)
        return 0;
    if (json_to_double(value, &seconds) && seconds > 0 && seconds < 1e11)
        return (int64_t)llround(seconds * 1e6);
    if (value->kind == JSON_STRING && time_parse_rfc3339(value->text, &us, NULL) == RC_OK)
        return us;
    return 0;
}

rc step_functions_machine_arn(struct aws_session *session, struct arena *arena, struct str name,
                              struct str *ret_arn, struct err *err)
{
    struct sts_identity identity;
    struct str region, rest, partition = STR("aws");
    if (str_has_prefix(name, STR("arn:"))) {
        *ret_arn = name;
        return RC_OK;
    }
    TRY(aws_session_region(session, arena, &region, err));
    TRY(sts_caller_identity(session, arena, &identity, err));
    rest = identity.arn;
    for (int i = 0; i < 2 && str_split_next(&rest, ':', &partition); i++) {
    }
    *ret_arn =
        arena_printf(arena, "arn:%.*s:states:%.*s:%.*s:stateMachine:%.*s", STR_ARGS(partition),
                     STR_ARGS(region), STR_ARGS(identity.account), STR_ARGS(name));
    return RC_OK;
}

rc step_functions_start(struct aws_session *session, struct arena *arena, struct str machine_arn,
                        struct str name, struct str input, struct str *ret_arn, struct err *err)
{
    struct json answer, body = {.kind = JSON_OBJECT};
    put_text(arena, &body, "stateMachineArn", machine_arn);
    put_text(arena, &body, "name", name);
    put_text(arena, &body, "input", input);
    TRY(ask(session, arena, "StartExecution", machine_text(arena, machine_arn), &body, &answer,
            err));
    *ret_arn = json_str(json_get(&answer, STR("executionArn")), STR(""));
    if (ret_arn->length == 0)
        return err_set(err, RC_INVALID, "the answer of states:StartExecution names no execution");
    return RC_OK;
}

static struct step_functions_execution read_execution(const struct json *value)
{
    return (struct step_functions_execution){
        .arn = text_or_null(value, "executionArn"),
        .machine_arn = text_or_null(value, "stateMachineArn"),
        .name = text_or_null(value, "name"),
        .status = text_or_null(value, "status"),
        .input = text_or_null(value, "input"),
        .output = text_or_null(value, "output"),
        .error = text_or_null(value, "error"),
        .cause = text_or_null(value, "cause"),
        .started_us = step_functions_time_us(json_get(value, STR("startDate"))),
        .stopped_us = step_functions_time_us(json_get(value, STR("stopDate"))),
    };
}

rc step_functions_describe(struct aws_session *session, struct arena *arena, struct str arn,
                           struct step_functions_execution *ret_execution, struct err *err)
{
    struct json answer, body = {.kind = JSON_OBJECT};
    put_text(arena, &body, "executionArn", arn);
    TRY(ask(session, arena, "DescribeExecution", execution_text(arena, arn), &body, &answer, err));
    *ret_execution = read_execution(&answer);
    return RC_OK;
}

rc step_functions_stop(struct aws_session *session, struct arena *arena, struct str arn,
                       struct str cause, struct err *err)
{
    struct json answer, body = {.kind = JSON_OBJECT};
    put_text(arena, &body, "executionArn", arn);
    put_text(arena, &body, "cause", cause);
    return ask(session, arena, "StopExecution", execution_text(arena, arn), &body, &answer, err);
}

rc step_functions_list(struct aws_session *session, struct arena *arena, struct str machine_arn,
                       int64_t limit, step_functions_execution_vec *ret_executions, struct err *err)
{
    step_functions_execution_vec found = {0};
    struct str token = STR("");
    do {
        struct json answer, body = {.kind = JSON_OBJECT};
        const int64_t left = limit - (int64_t)found.count;
        put_text(arena, &body, "stateMachineArn", machine_arn);
        put_text(arena, &body, "nextToken", token);
        *json_object_set(arena, &body, STR("maxResults")) =
            json_of_int64(arena, left < MAX_LISTED_PER_CALL ? left : MAX_LISTED_PER_CALL);
        TRY(ask(session, arena, "ListExecutions", machine_text(arena, machine_arn), &body, &answer,
                err));
        const struct json *list = json_get(&answer, STR("executions"));
        for (size_t i = 0; list != NULL && i < list->count && (int64_t)found.count < limit; i++)
            *vec_push(arena, &found) = read_execution(&list->items[i]);
        token = json_str(json_get(&answer, STR("nextToken")), STR(""));
    } while (token.length > 0 && (int64_t)found.count < limit);
    *ret_executions = found;
    return RC_OK;
}

rc step_functions_history(struct aws_session *session, struct arena *arena, struct str arn,
                          struct str token, struct json *ret_events, struct str *ret_next,
                          struct err *err)
{
    struct json answer, body = {.kind = JSON_OBJECT};
    put_text(arena, &body, "executionArn", arn);
    put_text(arena, &body, "nextToken", token);
    *json_object_set(arena, &body, STR("maxResults")) = json_of_int64(arena, STEP_FUNCTIONS_PAGE);
    TRY(ask(session, arena, "GetExecutionHistory", execution_text(arena, arn), &body, &answer,
            err));
    const struct json *events = json_get(&answer, STR("events"));
    *ret_events = events != NULL ? *events : (struct json){.kind = JSON_ARRAY};
    *ret_next = json_str(json_get(&answer, STR("nextToken")), STR(""));
    return RC_OK;
}
