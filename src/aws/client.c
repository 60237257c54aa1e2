// One signed call, tried again in standard mode. Layer: aws. Threads: a client may be shared.
// Sources: AWS SDKs and Tools Reference Guide ("Retry behavior"); botocore for the wire protocols.
// Limits: MAX_ANSWER_BYTES.

#include "aws/client.h"

#include <stdio.h>

#include "aws/sign.h"
#include "base/log.h"
#include "base/random.h"
#include "net/url.h"

enum {
    MAX_ANSWER_BYTES = 64 << 20,
    MAX_UNREACHED =
        4, // attempts when nobody answers at the address at all: it is most likely wrong
};

struct aws_client {
    struct aws_session *session;
    const struct aws_service *service;
};

rc aws_client_open(struct arena *arena, struct aws_session *session,
                   const struct aws_service *service, struct aws_client **ret_client,
                   struct err *err)
{
    (void)err;
    struct aws_client *client = ARENA_NEW(arena, struct aws_client);
    *client = (struct aws_client){session, service};
    *ret_client = client;
    return RC_OK;
}

// --- the request -------------------------------------------------------------------------------

// Where and what, the same for every attempt.
struct plan {
    struct aws_endpoint endpoint;
    struct str invocation_id; // of the call, by which its attempts are known as one
    struct str method, host, path, query, body;
    http_header_vec headers;
};

static void add_header(struct arena *arena, struct plan *plan, struct str name, struct str value)
{
    *vec_push(arena, &plan->headers) = (struct http_header){name, value};
}

static void add_protocol(struct arena *arena, const struct aws_service *service,
                         const struct aws_call *call, struct plan *plan)
{
    switch (service->protocol) {
    case AWS_JSON_1_0:
    case AWS_JSON_1_1:
        plan->method = STR("POST");
        plan->body = call->body.length > 0 ? call->body : STR("{}");
        add_header(arena, plan, STR("Content-Type"),
                   service->protocol == AWS_JSON_1_0 ? STR("application/x-amz-json-1.0")
                                                     : STR("application/x-amz-json-1.1"));
        add_header(arena, plan, STR("X-Amz-Target"),
                   arena_printf(arena, "%s.%s", service->target_prefix, call->action));
        return;
    case AWS_QUERY:
        plan->method = STR("POST");
        plan->body =
            arena_printf(arena, "Action=%s&Version=%s%s%.*s", call->action, service->version,
                         call->body.length > 0 ? "&" : "", STR_ARGS(call->body));
        add_header(arena, plan, STR("Content-Type"),
                   STR("application/x-www-form-urlencoded; charset=utf-8"));
        return;
    case AWS_REST_JSON:
    case AWS_REST_XML:
        plan->method = call->method.length > 0 ? call->method : STR("GET");
        plan->body = call->body;
        plan->query = call->query;
        return;
    }
}

static rc make_plan(struct arena *arena, const struct aws_client *client,
                    const struct aws_call *call, struct str invocation_id, struct plan *ret_plan,
                    struct err *err)
{
    struct plan plan = {.invocation_id = invocation_id};
    TRY(aws_session_endpoint(client->session, arena, client->service, call->region, &plan.endpoint,
                             err));
    struct url url;
    TRY(url_parse(plan.endpoint.url, &url, err));
    const bool is_usual_port =
        url.port.length == 0 ||
        str_is(url.port, str_equal_ignore_case(url.scheme, STR("https")) ? "443" : "80");
    const bool is_ipv6 = str_find_byte(url.host, ':') != SIZE_MAX;
    plan.host = arena_printf(arena, "%s%.*s%s%s%.*s", is_ipv6 ? "[" : "", STR_ARGS(url.host),
                             is_ipv6 ? "]" : "", is_usual_port ? "" : ":",
                             is_usual_port ? 0 : (int)url.port.length, url.port.bytes);
    plan.path = str_concat(arena, url.path, call->path.length > 0 ? call->path : STR("/"));
    add_protocol(arena, client->service, call, &plan);
    for (size_t i = 0; i < call->header_count; i++)
        add_header(arena, &plan, call->headers[i].name, call->headers[i].value);
    *ret_plan = plan;
    return RC_OK;
}

static rc sign_plan(struct arena *arena, const struct aws_client *client,
                    const struct aws_call *call, const struct plan *plan, http_header_vec *headers,
                    struct err *err)
{
    struct aws_credentials credentials;
    if (call->credentials != NULL)
        credentials = *call->credentials;
    else
        TRY(aws_session_credentials(client->session, arena, &credentials, err));
    const struct aws_signing signing = {
        .credentials = &credentials,
        .region = plan->endpoint.signing_region,
        .service = str_of(client->service->signing_name),
        .now_us = aws_session_now_us(client->session),
    };
    const struct aws_request request = {
        .method = plan->method,
        .host = plan->host,
        .path = plan->path,
        .query = plan->query,
        .headers = headers->items,
        .header_count = headers->count,
        .body = plan->body,
    };
    struct aws_signature signature;
    aws_sign(arena, &signing, &request, &signature);
    for (size_t i = 0; i < signature.header_count; i++)
        *vec_push(arena, headers) = signature.headers[i];
    return RC_OK;
}

// Signs and sends once. The answer lives in `arena`, the rest in `scratch`.
static rc send_once(const struct aws_client *client, struct arena *arena, struct arena *scratch,
                    const struct aws_call *call, const struct plan *plan, int attempt,
                    int max_attempts, struct http_response *ret_response, struct err *err)
{
    http_header_vec headers = {0};
    *vec_push(scratch, &headers) = (struct http_header){STR("Host"), plan->host};
    for (size_t i = 0; i < plan->headers.count; i++)
        *vec_push(scratch, &headers) = plan->headers.items[i];
    *vec_push(scratch, &headers) =
        (struct http_header){STR("amz-sdk-invocation-id"), plan->invocation_id};
    *vec_push(scratch, &headers) = (struct http_header){
        STR("amz-sdk-request"), arena_printf(scratch, "attempt=%d; max=%d", attempt, max_attempts)};
    if (!call->is_unsigned)
        TRY(sign_plan(scratch, client, call, plan, &headers, err));
    const struct str secret_header = STR("X-Amz-Security-Token");
    const struct http_request request = {
        .method = plan->method,
        .url = arena_printf(arena, "%.*s%.*s%s%.*s", STR_ARGS(plan->endpoint.url),
                            STR_ARGS(call->path.length > 0 ? call->path : STR("/")),
                            plan->query.length > 0 ? "?" : "", STR_ARGS(plan->query)),
        .headers = headers.items,
        .header_count = headers.count,
        .body = plan->body,
        .secret_headers = &secret_header,
        .secret_header_count = 1,
        .has_secret_bodies = true,
        .ignores_stop = call->ignores_stop,
        .max_body_bytes = MAX_ANSWER_BYTES,
    };
    return aws_session_send(client->session, arena, &request, ret_response, err);
}

// --- answers -----------------------------------------------------------------------------------

static struct aws_asked asked_of(const struct aws_client *client, const struct aws_call *call,
                                 struct str region)
{
    return (struct aws_asked){client->service->name, call->action, call->permission, call->resource,
                              region};
}

static rc tell_network_error(const struct aws_client *client, const struct aws_call *call,
                             const struct plan *plan, struct err *err)
{
    if (err != NULL && err->is_unsent && plan->endpoint.url.length > 0 && !plan->endpoint.is_custom)
        err_hint(err, "is %.*s a region with this service, and does this network reach AWS?",
                 STR_ARGS(plan->endpoint.signing_region));
    return err_context(err, "%s:%s%s%.*s", client->service->name, call->action,
                       call->resource.length > 0 ? ", " : "", STR_ARGS(call->resource));
}

// The answer as a failure, or RC_OK.
static rc judge(const struct aws_client *client, const struct aws_call *call,
                const struct plan *plan, const struct http_response *response,
                struct aws_failure *failure, struct err *err)
{
    if (response->status < 300)
        return RC_OK;
    aws_failure_read(client->service->protocol, response, failure);
    int64_t delay_ms;
    const struct str retry_after = http_header_get(&response->headers, STR("retry-after"));
    const struct aws_asked asked = asked_of(client, call, plan->endpoint.signing_region);
    const rc code = aws_failure_error(failure, &asked, err);
    if (retry_after.bytes != NULL && err != NULL &&
        http_retry_after(retry_after, aws_session_now_us(client->session), &delay_ms))
        err->retry_after_ms = delay_ms;
    return code;
}

// What was refused for a reason that we can mend ourselves, once each.
struct mended {
    bool clock, credentials;
};

static bool mends(const struct aws_client *client, const struct aws_call *call,
                  const struct aws_failure *failure, const struct http_response *response,
                  struct mended *mended)
{
    if (failure->remedy == AWS_REMEDY_CLOCK && !mended->clock) {
        mended->clock = true;
        return aws_session_corrects_clock(client->session, response);
    }
    if (failure->remedy == AWS_REMEDY_REFRESH && !mended->credentials &&
        call->credentials == NULL) {
        mended->credentials = true;
        aws_session_expire(client->session);
        return true;
    }
    return false;
}

// --- the call ----------------------------------------------------------------------------------

static rc try_once(const struct aws_client *client, struct arena *arena, struct arena *scratch,
                   const struct aws_call *call, struct str invocation_id, int attempt,
                   int max_attempts, struct http_response *ret_response,
                   struct aws_failure *failure, struct err *err)
{
    struct plan plan = {0};
    rc code = make_plan(scratch, client, call, invocation_id, &plan, err);
    if (code == RC_OK)
        code = send_once(client, arena, scratch, call, &plan, attempt, max_attempts, ret_response,
                         err);
    if (code == RC_OK)
        return judge(client, call, &plan, ret_response, failure, err);
    aws_failure_of_error(err, failure);
    failure->is_unknown &= code == RC_NETWORK || code == RC_TIMEOUT || code == RC_INTERRUPTED;
    (void)tell_network_error(client, call, &plan, err);
    return code;
}

rc aws_call(struct aws_client *client, struct arena *arena, const struct aws_call *call,
            struct http_response *ret_response, struct aws_failure *ret_failure, struct err *err)
{
    struct err local = {0};
    struct err *failure_err = err != NULL ? err : &local;
    struct arena *scratch = arena_open(NULL);
    const struct str invocation_id = random_uuid(arena);
    struct mended mended = {0};
    bool was_unknown = false;
    struct retry retry;
    char what[160];
    snprintf(what, sizeof what, "%s:%s", client->service->name, call->action);
    struct retry_policy policy = aws_session_retry_policy(client->session, what);
    if (call->must_not_retry)
        policy.max_attempts = 1;
    retry_init(&retry, policy);
    rc code;
    for (int attempt = 1;; attempt++) {
        struct http_response response = {0};
        struct aws_failure failure = {0};
        *failure_err = (struct err){0};
        arena_reset(scratch);
        code = try_once(client, arena, scratch, call, invocation_id, attempt, policy.max_attempts,
                        &response, &failure, failure_err);
        if (code == RC_OK) {
            retry_succeeded(&retry);
            *ret_response = response;
            break;
        }
        // A refusal after a lost answer may be the answer to ourselves.
        failure.is_unknown = was_unknown |= failure.is_unknown;
        if (failure_err->is_unsent && retry.policy.max_attempts > MAX_UNREACHED)
            retry.policy.max_attempts = MAX_UNREACHED;
        if (ret_failure != NULL)
            *ret_failure = failure;
        if (mends(client, call, &failure, &response, &mended))
            continue;
        if (!retry_again(&retry, failure_err)) {
            code = failure_err->code;
            break;
        }
    }
    if (code == RC_OK) {
        if (ret_failure != NULL)
            *ret_failure = (struct aws_failure){0};
        *failure_err = (struct err){0};
    }
    arena_close(scratch);
    return code;
}

rc aws_call_json(struct aws_client *client, struct arena *arena, const struct aws_call *call,
                 struct json *ret_answer, struct aws_failure *ret_failure, struct err *err)
{
    struct http_response response;
    TRY(aws_call(client, arena, call, &response, ret_failure, err));
    if (str_trim(response.body).length == 0) {
        *ret_answer = (struct json){.kind = JSON_OBJECT};
        return RC_OK;
    }
    TRY_CONTEXT(json_parse(arena, response.body, "the answer", ret_answer, err), err, "%s:%s",
                client->service->name, call->action);
    return RC_OK;
}
