// Reads parameters of AWS Systems Manager. Layer: aws. Threads: as aws_call.
// Source: botocore's model of ssm 2014-11-06.

#include "aws/ssm.h"

#include "aws/client.h"

static void wipe(struct str text)
{
    secret_wipe((char *)(uintptr_t)text.bytes, text.length);
}

rc ssm_get(struct aws_session *session, struct arena *arena, struct str name,
           struct secret **ret_secret, struct err *err)
{
    struct aws_client *client;
    struct http_response response = {0};
    struct json answer, body = {.kind = JSON_OBJECT};
    struct arena *scratch = arena_open(NULL);
    *json_object_set(scratch, &body, STR("Name")) = json_of_str(name);
    *json_object_set(scratch, &body, STR("WithDecryption")) = json_of_bool(true);
    const struct aws_call call = {
        .action = "GetParameter",
        .resource = arena_printf(scratch, "parameter %.*s", STR_ARGS(name)),
        .body = json_print(scratch, &body, JSON_COMPACT),
    };
    rc code = aws_client_open(scratch, session, &aws_ssm, &client, err);
    if (code == RC_OK)
        code = aws_call(client, scratch, &call, &response, NULL, err);
    if (code == RC_OK) {
        const bool is_read = json_parse(scratch, response.body, "answer", &answer, NULL) == RC_OK;
        const struct json *value = is_read ? json_path(&answer, "Parameter", "Value") : NULL;
        if (value == NULL || value->kind != JSON_STRING) {
            code = err_set(err, RC_INVALID,
                           "ssm:GetParameter, parameter %.*s: the answer holds no value",
                           STR_ARGS(name));
        } else {
            *ret_secret = secret_new(arena, value->text);
            wipe(value->text);
        }
    }
    wipe(response.body);
    arena_close(scratch);
    return code;
}
