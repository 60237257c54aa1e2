// Amazon Athena over aws_call_json. Layer: aws. See athena.h.

#include "aws/athena.h"

enum { MAX_BODY_BYTES = 1 << 20 };

static const char *const state_names[] = {"QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"};

static struct str body_text(struct arena *arena, struct buf *body)
{
    const struct str text = arena_str(arena, buf_str(body));
    buf_done(body);
    return text;
}

static void put(struct json_writer *w, const char *key, struct str value)
{
    if (value.length > 0)
        json_field_str(w, key, value);
}

rc athena_start(struct aws_client *client, struct arena *arena,
                const struct athena_statement *statement, struct str *ret_id,
                struct aws_failure *ret_failure, struct err *err)
{
    struct buf body;
    struct json_writer w;
    buf_init(&body, MAX_BODY_BYTES);
    json_writer_init(&w, &body, JSON_COMPACT);
    json_begin_object(&w);
    json_field_str(&w, "QueryString", statement->sql);
    put(&w, "ClientRequestToken", statement->token);
    put(&w, "WorkGroup", statement->work_group);
    if (statement->catalog.length + statement->database.length > 0) {
        json_key(&w, STR("QueryExecutionContext"));
        json_begin_object(&w);
        put(&w, "Catalog", statement->catalog);
        put(&w, "Database", statement->database);
        json_end_object(&w);
    }
    if (statement->output_location.length > 0) {
        json_key(&w, STR("ResultConfiguration"));
        json_begin_object(&w);
        put(&w, "OutputLocation", statement->output_location);
        json_end_object(&w);
    }
    if (statement->reuse_minutes > 0) {
        json_key(&w, STR("ResultReuseConfiguration"));
        json_begin_object(&w);
        json_key(&w, STR("ResultReuseByAgeConfiguration"));
        json_begin_object(&w);
        json_field_bool(&w, "Enabled", true);
        json_field_int64(&w, "MaxAgeInMinutes", statement->reuse_minutes);
        json_end_object(&w);
        json_end_object(&w);
    }
    json_end_object(&w);
    TRY(buf_check(&body, err, "a call of Athena"));
    const struct aws_call call = {
        .action = "StartQueryExecution",
        .resource = arena_printf(
            arena, "work group %.*s",
            STR_ARGS(statement->work_group.length > 0 ? statement->work_group : STR("primary"))),
        .body = body_text(arena, &body)};
    struct json answer;
    TRY(aws_call_json(client, arena, &call, &answer, ret_failure, err));
    *ret_id = json_str(json_get(&answer, STR("QueryExecutionId")), STR(""));
    if (ret_id->length == 0)
        return err_set(err, RC_INVALID, "athena:StartQueryExecution gave no QueryExecutionId");
    return RC_OK;
}

static struct aws_call call_of(struct arena *arena, const char *action, struct str id)
{
    struct json body = {.kind = JSON_OBJECT};
    *json_object_set(arena, &body, STR("QueryExecutionId")) = json_of_str(id);
    return (struct aws_call){.action = action,
                             .resource = arena_printf(arena, "query %.*s", STR_ARGS(id)),
                             .body = json_print(arena, &body, JSON_COMPACT)};
}

rc athena_execution(struct aws_client *client, struct arena *arena, struct str id,
                    struct athena_execution *ret_execution, struct err *err)
{
    const struct aws_call call = call_of(arena, "GetQueryExecution", id);
    struct json answer;
    TRY(aws_call_json(client, arena, &call, &answer, NULL, err));
    const struct json *execution = json_get(&answer, STR("QueryExecution"));
    const struct json *status = json_get(execution, STR("Status"));
    const struct json *error = json_get(status, STR("AthenaError"));
    const struct json *statistics = json_get(execution, STR("Statistics"));
    const struct str state = json_str(json_get(status, STR("State")), STR(""));
    struct athena_execution e = {
        .state = ATHENA_CANCELLED + 1,
        .reason = json_str(json_get(status, STR("StateChangeReason")), STR("")),
        .kind = json_str(json_get(execution, STR("StatementType")), STR("")),
        .subkind = json_str(json_get(execution, STR("SubstatementType")), STR("")),
        .output_location =
            json_str(json_path(execution, "ResultConfiguration", "OutputLocation"), STR("")),
        .error_category = (int)json_int64(json_get(error, STR("ErrorCategory")), 0),
        .is_retryable = json_bool(json_get(error, STR("Retryable")), false),
        .scanned_bytes = json_int64(json_get(statistics, STR("DataScannedInBytes")), -1),
        .elapsed_ms = json_int64(json_get(statistics, STR("TotalExecutionTimeInMillis")), -1)};
    if (e.reason.length == 0)
        e.reason = json_str(json_get(error, STR("ErrorMessage")), STR(""));
    for (int i = 0; i <= ATHENA_CANCELLED; i++)
        if (str_is(state, state_names[i]))
            e.state = (enum athena_state)i;
    if (e.state > ATHENA_CANCELLED)
        return err_set(err, RC_INVALID, "athena:GetQueryExecution, query %.*s: state '%.*s'",
                       STR_ARGS(id), STR_ARGS(state));
    *ret_execution = e;
    return RC_OK;
}

rc athena_results(struct aws_client *client, struct arena *arena, struct str id,
                  struct str next_token, struct json *ret_answer, struct str *ret_next_token,
                  struct err *err)
{
    struct json body = {.kind = JSON_OBJECT};
    *json_object_set(arena, &body, STR("QueryExecutionId")) = json_of_str(id);
    *json_object_set(arena, &body, STR("MaxResults")) = json_of_int64(arena, ATHENA_PAGE_ROWS);
    if (next_token.length > 0)
        *json_object_set(arena, &body, STR("NextToken")) = json_of_str(next_token);
    struct aws_call call = call_of(arena, "GetQueryResults", id);
    call.body = json_print(arena, &body, JSON_COMPACT);
    TRY(aws_call_json(client, arena, &call, ret_answer, NULL, err));
    *ret_next_token = json_str(json_get(ret_answer, STR("NextToken")), STR(""));
    return RC_OK;
}

rc athena_stop(struct aws_client *client, struct arena *arena, struct str id, struct err *err)
{
    struct aws_call call = call_of(arena, "StopQueryExecution", id);
    call.ignores_stop = true;
    struct json answer;
    return aws_call_json(client, arena, &call, &answer, NULL, err);
}

int64_t athena_billed_bytes(const struct athena_execution *execution)
{
    const int64_t mb = INT64_C(1) << 20, least = 10 * mb;
    if (execution->scanned_bytes <= 0 || str_is(execution->kind, "DDL"))
        return 0;
    const int64_t rounded = (execution->scanned_bytes + mb - 1) / mb * mb;
    return rounded < least ? least : rounded;
}
