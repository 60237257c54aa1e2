// What src/aws signs and whom it asks, for botocore to compare: JSON lines in, JSON lines out.
//   {"sign": "header"|"query", "service", "region", "now", "key", "secret", "token", "method",
//    "host", "path", "query", "headers": [[name, value]...], "body": base64, "is_s3", "unsigned",
//    "expires"}  ->  {"signature", "authorization", "query", "canonical"}
//   {"endpoint": service, "region", "fips", "dual"}  ->  {"url", "signing_region"}
//   {"config": text, "credentials": text, "profile"}  ->  {key: value...} of the profile

#include <stdio.h>
#include <stdlib.h>

#include "aws/client.h"
#include "aws/config.h"
#include "aws/sign.h"
#include "base/hash.h"
#include "base/time.h"

static struct str text_of(const struct json *line, const char *key)
{
    return json_str(json_get(line, str_of(key)), STR(""));
}

static void must(rc code, const struct err *err)
{
    if (code == RC_OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static void put(struct arena *arena, struct json *to, const char *key, struct str text)
{
    *json_object_set(arena, to, str_of(key)) = json_of_str(text);
}

static struct json sign(struct arena *arena, const struct json *line)
{
    struct err err = {0};
    const bool is_s3 = json_bool(json_get(line, STR("is_s3")), false);
    const bool is_query = str_is(text_of(line, "sign"), "query");
    const bool is_unsigned = json_bool(json_get(line, STR("unsigned")), false);
    const struct aws_credentials credentials = {.access_key_id = text_of(line, "key"),
                                                .secret_access_key = text_of(line, "secret"),
                                                .session_token = text_of(line, "token")};
    struct aws_signing signing = {
        .credentials = &credentials,
        .region = text_of(line, "region"),
        .service = text_of(line, "service"),
        .path_style = is_s3 ? AWS_PATH_AS_IS : AWS_PATH_NORMALISED,
        .payload = is_unsigned ? AWS_PAYLOAD_UNSIGNED : AWS_PAYLOAD_HASHED,
        .sends_payload_hash = is_s3 || is_unsigned,
        .expires_s = json_int64(json_get(line, STR("expires")), 0),
    };
    must(time_parse_rfc3339(text_of(line, "now"), &signing.now_us, &err), &err);
    const struct json *pairs = json_get(line, STR("headers"));
    http_header_vec headers = {0};
    for (size_t i = 0; i < pairs->count; i++)
        *vec_push(arena, &headers) =
            (struct http_header){pairs->items[i].items[0].text, pairs->items[i].items[1].text};
    struct aws_request request = {
        .method = text_of(line, "method"),
        .host = text_of(line, "host"),
        .path = text_of(line, "path"),
        .query = text_of(line, "query"),
        .headers = headers.items,
        .header_count = headers.count,
    };
    must(base64_decode(arena, text_of(line, "body"), BASE64_STANDARD, &request.body, &err), &err);
    struct aws_signature signature;
    if (is_query)
        aws_sign_query(arena, &signing, &request, &signature);
    else
        aws_sign(arena, &signing, &request, &signature);
    struct json answer = {.kind = JSON_OBJECT};
    put(arena, &answer, "signature", signature.signature);
    put(arena, &answer, "canonical", signature.canonical_request);
    put(arena, &answer, "query", signature.query);
    if (!is_query)
        put(arena, &answer, "authorization", signature.headers[signature.header_count - 1].value);
    return answer;
}

static const char *variable(void *context, const char *name)
{
    const struct json *line = context;
    const bool is_fips = strcmp(name, "AWS_USE_FIPS_ENDPOINT") == 0;
    const bool is_dual = strcmp(name, "AWS_USE_DUALSTACK_ENDPOINT") == 0;
    if (!is_fips && !is_dual)
        return NULL;
    return json_bool(json_get(line, is_fips ? STR("fips") : STR("dual")), false) ? "true" : "false";
}

static struct json endpoint(struct arena *arena, const struct json *line)
{
    static const struct {
        const char *name; // of botocore's model
        const struct aws_service *service;
    } services[] = {
        {"s3", &aws_s3},
        {"sts", &aws_sts},
        {"glue", &aws_glue},
        {"athena", &aws_athena},
        {"ssm", &aws_ssm},
        {"secretsmanager", &aws_secrets_manager},
        {"ecs", &aws_ecs},
        {"stepfunctions", &aws_step_functions},
        {"sns", &aws_sns},
        {"lambda", &aws_lambda},
        {"logs", &aws_logs},
        {"ecr", &aws_ecr},
        {"iam", &aws_iam},
        {"sso", &aws_sso},
        {"sso-oidc", &aws_sso_oidc},
    };
    const struct aws_service *service = NULL;
    for (size_t i = 0; i < sizeof services / sizeof *services; i++)
        if (str_is(text_of(line, "endpoint"), services[i].name))
            service = services[i].service;
    struct err err = {0};
    struct aws_session *session;
    struct aws_endpoint found;
    struct json copy = *line;
    const struct aws_options options = {.environment = variable, .environment_context = &copy};
    must(aws_session_open(arena, &options, &session, &err), &err);
    must(aws_session_endpoint(session, arena, service, text_of(line, "region"), &found, &err),
         &err);
    struct json answer = {.kind = JSON_OBJECT};
    put(arena, &answer, "url", found.url);
    put(arena, &answer, "signing_region", found.signing_region);
    return answer;
}

static struct json config(struct arena *arena, const struct json *line)
{
    struct err err = {0};
    struct aws_config parsed = {0};
    struct json answer = {.kind = JSON_OBJECT};
    rc code = aws_config_parse(arena, text_of(line, "config"), AWS_CONFIG_FILE, STR("config"),
                               &parsed, &err);
    if (code == RC_OK)
        code = aws_config_parse(arena, text_of(line, "credentials"), AWS_CREDENTIALS_FILE,
                                STR("credentials"), &parsed, &err);
    if (code != RC_OK) {
        put(arena, &answer, "error", arena_printf(arena, "%s", err.message));
        return answer;
    }
    const struct aws_section *profile =
        aws_config_section(&parsed, AWS_SECTION_PROFILE, text_of(line, "profile"));
    for (size_t i = 0; profile != NULL && i < profile->properties.count; i++)
        *json_object_set(arena, &answer, profile->properties.items[i].key) =
            json_of_str(profile->properties.items[i].value);
    return answer;
}

int main(void)
{
    char *text = NULL;
    size_t capacity = 0;
    ssize_t length;
    while ((length = getline(&text, &capacity, stdin)) > 0) {
        struct arena *arena = arena_open(NULL);
        struct err err = {0};
        struct json line;
        must(json_parse(arena, (struct str){text, (size_t)length}, "stdin", &line, &err), &err);
        const struct json answer = json_get(&line, STR("sign")) != NULL ? sign(arena, &line)
                                   : json_get(&line, STR("endpoint")) != NULL
                                       ? endpoint(arena, &line)
                                       : config(arena, &line);
        const struct str printed = json_print(arena, &answer, JSON_COMPACT);
        printf("%.*s\n", STR_ARGS(printed));
        arena_close(arena);
    }
    free(text);
    return 0;
}
