// Credentials that the machine hands out: of a container (ECS, EKS Pod Identity) and of an EC2
// instance (IMDSv2). Layer: aws. Threads: called with the session's lock held.
// Sources: AWS SDKs and Tools Reference Guide ("Container credential provider", "IMDS credential
// provider"); botocore utils.py for hosts, timeouts and tries.

#include "aws/credentials.intern.h"
#include "base/secret.h"
#include "base/time.h"
#include "net/url.h"

enum {
    INSTANCE_TIMEOUT_MS = 1000, // nobody waits longer on a machine that is none of AWS's
    CONTAINER_TIMEOUT_MS = 2000,
    TRIES = 3,
    MAX_ANSWER_BYTES = 64 << 10,
};

static const struct aws_credentials_keys keys = {
    .key_id = "AccessKeyId",
    .secret = "SecretAccessKey",
    .token = "Token",
    .account_id = "AccountId",
    .expiration = "Expiration",
};

// Asks, and asks again when the service is there and fails.
static rc ask(struct aws_session *session, struct arena *arena, struct http_request request,
              int64_t timeout_ms, bool retries_silence, struct http_response *ret_response,
              struct err *err)
{
    const struct aws_options *options = &session->options;
    request.has_secret_bodies = true;
    request.max_body_bytes = MAX_ANSWER_BYTES;
    for (int attempt = 1;; attempt++) {
        struct err why = {0};
        const rc code =
            aws_session_send_metadata(session, arena, &request, timeout_ms, ret_response, &why);
        const bool is_silent = code == RC_NETWORK || code == RC_TIMEOUT;
        const bool is_broken = code == RC_OK && ret_response->status >= 500;
        if (attempt == TRIES || !(is_broken || (is_silent && retries_silence))) {
            if (code != RC_OK && err != NULL)
                *err = why;
            return code;
        }
        const int64_t delay_us = attempt * TIME_US_PER_SECOND / 4;
        TRY(options->wait != NULL ? options->wait(options->wait_context, delay_us, err)
                                  : retry_sleep(delay_us, err));
    }
}

// --- containers --------------------------------------------------------------------------------

bool aws_container_is_set(const struct aws_session *session)
{
    return aws_session_variable(session, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").length > 0 ||
           aws_session_variable(session, "AWS_CONTAINER_CREDENTIALS_FULL_URI").length > 0;
}

// The credentials' address comes from outside: without TLS only hosts that no packet leaves for.
static bool is_local_host(struct str host)
{
    static const char *const hosts[] = {"localhost", "::1", "169.254.170.2", "169.254.170.23",
                                        "fd00:ec2::23"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (str_equal_ignore_case(host, str_of(hosts[i])))
            return true;
    if (!str_has_prefix(host, STR("127.")))
        return false;
    for (size_t i = 0; i < host.length; i++) // 127.example.com is no address
        if (host.bytes[i] != '.' && (host.bytes[i] < '0' || host.bytes[i] > '9'))
            return false;
    return true;
}

static rc container_url(const struct aws_session *session, struct arena *arena, struct str *ret_url,
                        struct err *err)
{
    const struct str relative =
        aws_session_variable(session, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    if (relative.length > 0) {
        *ret_url = arena_printf(arena, "http://169.254.170.2%s%.*s",
                                relative.bytes[0] == '/' ? "" : "/", STR_ARGS(relative));
        return RC_OK;
    }
    const struct str full = aws_session_variable(session, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct url url;
    if (full.length == 0)
        return err_set(err, RC_CONFIG,
                       "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set: is "
                       "this a container of ECS?");
    TRY_CONTEXT(url_parse(full, &url, err), err, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!str_equal_ignore_case(url.scheme, STR("https")) && !is_local_host(url.host))
        return err_set(err, RC_CONFIG,
                       "AWS_CONTAINER_CREDENTIALS_FULL_URI names '%.*s': without TLS it must be "
                       "this machine, 169.254.170.2, 169.254.170.23 or fd00:ec2::23",
                       STR_ARGS(url.host));
    *ret_url = full;
    return RC_OK;
}

static rc container_token(const struct aws_session *session, struct arena *arena,
                          struct str *ret_token, struct err *err)
{
    const struct str file = aws_session_variable(session, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    *ret_token = aws_session_variable(session, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (file.length > 0) {
        TRY_CONTEXT(aws_session_read_file(session, arena, file, MAX_ANSWER_BYTES, ret_token, err),
                    err, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        *ret_token = str_trim(*ret_token);
    }
    return RC_OK;
}

rc aws_credentials_container(struct aws_session *session, struct arena *arena,
                             struct aws_credentials *ret_credentials, struct err *err)
{
    struct str url, token;
    struct http_response response;
    TRY(container_url(session, arena, &url, err));
    TRY(container_token(session, arena, &token, err));
    const struct http_header headers[] = {{STR("Accept"), STR("application/json")},
                                          {STR("Authorization"), token}};
    const struct http_request request = {
        .url = url, .headers = headers, .header_count = token.length > 0 ? 2 : 1};
    TRY_CONTEXT(ask(session, arena, request, CONTAINER_TIMEOUT_MS, true, &response, err), err,
                "the container's credentials");
    if (response.status != 200) {
        err_set(err, RC_DENIED, "the container's credentials: %.*s answered %d", STR_ARGS(url),
                response.status);
        return err_hint(err, "does the task have a task role (taskRoleArn), the pod an association "
                             "with a role?");
    }
    TRY(aws_credentials_of_json(arena, response.body, "the answer of the container's credentials",
                                &keys, ret_credentials, err));
    ret_credentials->source = "container";
    return RC_OK;
}

// --- instances ---------------------------------------------------------------------------------

static rc instance_base(struct aws_session *session, struct arena *arena, struct str *ret_base,
                        struct err *err)
{
    struct str disabled, mode;
    TRY(aws_session_setting(session, arena, "AWS_EC2_METADATA_DISABLED", NULL, &disabled, err));
    if (str_equal_ignore_case(disabled, STR("true")))
        return err_set(err, RC_NOT_FOUND,
                       "the credential provider was not enabled: "
                       "AWS_EC2_METADATA_DISABLED is true");
    TRY(aws_session_setting(session, arena, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                            "ec2_metadata_service_endpoint", ret_base, err));
    TRY(aws_session_setting(session, arena, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                            "ec2_metadata_service_endpoint_mode", &mode, err));
    if (ret_base->length == 0)
        *ret_base = str_equal_ignore_case(mode, STR("ipv6")) ? STR("http://[fd00:ec2::254]")
                                                             : STR("http://169.254.169.254");
    while (str_has_suffix(*ret_base, STR("/")))
        ret_base->length--;
    return RC_OK;
}

static rc instance_token(struct aws_session *session, struct arena *arena, struct str base,
                         struct str *ret_token, struct err *err)
{
    const struct http_header header = {STR("x-aws-ec2-metadata-token-ttl-seconds"), STR("21600")};
    const struct http_request request = {
        .method = STR("PUT"),
        .url = arena_printf(arena, "%.*s/latest/api/token", STR_ARGS(base)),
        .headers = &header,
        .header_count = 1,
        .body = STR("")};
    struct http_response response;
    struct err why = {0};
    if (ask(session, arena, request, INSTANCE_TIMEOUT_MS, false, &response, &why) != RC_OK) {
        if (why.code == RC_INTERRUPTED)
            return err_set(err, RC_INTERRUPTED, "%s", why.message);
        return err_set(err, RC_NOT_FOUND, "no answer from %.*s", STR_ARGS(base));
    }
    if (response.status == 403)
        return err_set(err, RC_NOT_FOUND, "request forbidden: IMDS is disabled");
    if (response.status != 200)
        return err_set(err, RC_NOT_FOUND, "%.*s answered %d to the request for a token",
                       STR_ARGS(base), response.status);
    *ret_token = str_trim(response.body);
    return RC_OK;
}

// @return RC_OK | RC_NOT_FOUND (the service has no such entry)
static rc instance_get(struct aws_session *session, struct arena *arena, struct str base,
                       struct str token, struct str path, struct str *ret_text, struct err *err)
{
    const struct http_header header = {STR("x-aws-ec2-metadata-token"), token};
    const struct http_request request = {
        .url = arena_printf(arena, "%.*s/latest/meta-data/%.*s", STR_ARGS(base), STR_ARGS(path)),
        .headers = &header,
        .header_count = 1};
    struct http_response response;
    TRY(ask(session, arena, request, INSTANCE_TIMEOUT_MS, true, &response, err));
    if (response.status != 200)
        return err_set(err, response.status == 404 ? RC_NOT_FOUND : RC_DENIED, "%.*s answered %d",
                       STR_ARGS(request.url), response.status);
    *ret_text = response.body;
    return RC_OK;
}

rc aws_credentials_instance(struct aws_session *session, struct arena *arena,
                            struct aws_credentials *ret_credentials, struct err *err)
{
    static const struct str folder = STR_INIT("iam/security-credentials/");
    struct str base, token, role, line, text;
    TRY(instance_base(session, arena, &base, err));
    TRY(instance_token(session, arena, base, &token, err));
    const rc code = instance_get(session, arena, base, token, folder, &role, err);
    if (code == RC_NOT_FOUND)
        return err_set(err, RC_NOT_FOUND, "the instance has no role (instance profile)");
    TRY(code);
    role = str_trim(role);
    str_split_next(&role, '\n', &line);
    const struct str path =
        str_concat(arena, folder, url_encode(arena, str_trim(line), STR("+=,.@")));
    TRY(instance_get(session, arena, base, token, path, &text, err));
    TRY(aws_credentials_of_json(arena, text, "the answer of the instance metadata", &keys,
                                ret_credentials, err));
    ret_credentials->source = "instance metadata";
    return RC_OK;
}

rc aws_instance_region(struct aws_session *session, struct arena *arena, struct str *ret_region,
                       struct err *err)
{
    struct str base, token, text;
    TRY(instance_base(session, arena, &base, err));
    TRY(instance_token(session, arena, base, &token, err));
    TRY(instance_get(session, arena, base, token, STR("placement/region"), &text, err));
    *ret_region = str_trim(text);
    return RC_OK;
}
