// Secret texts of an account. The answer is parsed here and overwritten, so that it is neither
// shown in a message nor left in memory. Layer: aws.

#include "aws/secret_value.h"

#include "aws/client.h"

// How each keeper is asked, and where its answer has the text.
static const struct {
    const struct aws_service *service;
    const char *action, *what, *name_key;
    bool must_decrypt;
    const char *path[3];
} keepers[] = {
    [AWS_KEEPER_SECRETS_MANAGER] =
        {&aws_secrets_manager, "GetSecretValue", "secret", "SecretId", false, {"SecretString"}},
    [AWS_KEEPER_SSM] =
        {&aws_ssm, "GetParameter", "parameter", "Name", true, {"Parameter", "Value"}},
};

static void wipe(struct str text)
{
    secret_wipe((char *)(uintptr_t)text.bytes, text.length);
}

static rc tell_odd_answer(enum aws_secret_keeper keeper, struct str name, const struct json *answer,
                          struct err *err)
{
    if (json_get(answer, STR("SecretBinary")) == NULL)
        return err_set(err, RC_INVALID, "%s:%s, %s %.*s: the answer holds no text",
                       keepers[keeper].service->name, keepers[keeper].action, keepers[keeper].what,
                       STR_ARGS(name));
    err_set(err, RC_UNSUPPORTED, "the secret %.*s of Secrets Manager is binary", STR_ARGS(name));
    return err_hint(err, "store it as text: aws secretsmanager put-secret-value --secret-string");
}

rc aws_secret_value(struct aws_session *session, struct arena *arena, enum aws_secret_keeper keeper,
                    struct str name, struct secret **ret_secret, struct err *err)
{
    struct aws_client *client;
    struct http_response response = {0};
    struct json answer = {.kind = JSON_OBJECT}, body = {.kind = JSON_OBJECT};
    struct arena *scratch = arena_open(NULL);
    *json_object_set(scratch, &body, str_of(keepers[keeper].name_key)) = json_of_str(name);
    if (keepers[keeper].must_decrypt)
        *json_object_set(scratch, &body, STR("WithDecryption")) = json_of_bool(true);
    const struct aws_call call = {
        .action = keepers[keeper].action,
        .resource = arena_printf(scratch, "%s %.*s", keepers[keeper].what, STR_ARGS(name)),
        .body = json_print(scratch, &body, JSON_COMPACT),
    };
    rc code = aws_client_open(scratch, session, keepers[keeper].service, &client, err);
    if (code == RC_OK)
        code = aws_call(client, scratch, &call, &response, NULL, err);
    if (code == RC_OK) {
        const bool is_read = json_parse(scratch, response.body, "answer", &answer, NULL) == RC_OK;
        const struct json *text = is_read ? json_path_of(&answer, keepers[keeper].path) : NULL;
        if (text != NULL && text->kind == JSON_STRING) {
            *ret_secret = secret_new(arena, text->text);
            wipe(text->text);
        } else {
            code = tell_odd_answer(keeper, name, &answer, err);
        }
    }
    wipe(response.body);
    arena_close(scratch);
    return code;
}
