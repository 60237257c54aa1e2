// Reads secrets of AWS Secrets Manager. Layer: aws. Threads: as aws_call.
// Source: botocore's model of secretsmanager 2017-10-17.

#include "aws/secretsmanager.h"

#include "aws/client.h"

static void wipe(struct str text)
{
    secret_wipe((char *)(uintptr_t)text.bytes, text.length);
}

static rc read_answer(struct arena *arena, struct str name, const struct json *answer,
                      struct secret **ret_secret, struct err *err)
{
    const struct json *text = json_get(answer, STR("SecretString"));
    if (text == NULL || text->kind != JSON_STRING) {
        err_set(err, RC_UNSUPPORTED, "the secret %.*s of Secrets Manager is binary",
                STR_ARGS(name));
        return err_hint(err, "store it as text: aws secretsmanager put-secret-value "
                             "--secret-string");
    }
    *ret_secret = secret_new(arena, text->text);
    wipe(text->text);
    return RC_OK;
}

rc secretsmanager_get(struct aws_session *session, struct arena *arena, struct str name,
                      struct secret **ret_secret, struct err *err)
{
    struct aws_client *client;
    struct http_response response = {0};
    struct json answer, body = {.kind = JSON_OBJECT};
    struct arena *scratch = arena_open(NULL);
    *json_object_set(scratch, &body, STR("SecretId")) = json_of_str(name);
    const struct aws_call call = {
        .action = "GetSecretValue",
        .resource = arena_printf(scratch, "secret %.*s", STR_ARGS(name)),
        .body = json_print(scratch, &body, JSON_COMPACT),
    };
    rc code = aws_client_open(scratch, session, &aws_secrets_manager, &client, err);
    if (code == RC_OK)
        code = aws_call(client, scratch, &call, &response, NULL, err);
    if (code == RC_OK && json_parse(scratch, response.body, "answer", &answer, NULL) != RC_OK)
        code = err_set(err, RC_INVALID,
                       "secretsmanager:GetSecretValue, secret %.*s: the answer "
                       "is no JSON", // its text is not shown
                       STR_ARGS(name));
    if (code == RC_OK)
        code = read_answer(arena, name, &answer, ret_secret, err);
    wipe(response.body);
    arena_close(scratch);
    return code;
}
