// HTTP client: redirects, retries, recordings around the transfers of curl.c. Layer: net.
// Threads: a client belongs to one thread at a time. Source: RFC 9110 (redirects: 15.4,
// Retry-After: 10.2.3). Limits: struct http_options.

#include "net/http.h"

#include "base/json.h"
#include "base/log.h"
#include "base/retry.h"
#include "base/time.h"
#include "net/curl.intern.h"
#include "net/recording.h"
#include "net/url.h"

struct http_client {
    struct arena *arena;
    struct http_options options; // every default filled in
    struct curl_handle *curl;    // opened by the first transfer
    int64_t deadline_us;         // 0 = none
    bool is_out_of_time;
};

static void set_default(int64_t *value, int64_t fallback)
{
    if (*value <= 0)
        *value = fallback;
}

rc http_open(const struct http_options *options, struct http_client **ret_client, struct err *err)
{
    struct arena *arena = arena_open(NULL);
    struct http_client *client = ARENA_NEW(arena, struct http_client);
    client->arena = arena;
    struct http_options *o = &client->options;
    *o = *options;
    o->user_agent = o->user_agent.length > 0 ? arena_str(arena, o->user_agent) : STR("moulin/0.1");
    o->ca_file = arena_str(arena, o->ca_file); // terminated, as libcurl wants them
    o->client_certificate = arena_str(arena, o->client_certificate);
    o->client_key = arena_str(arena, o->client_key);
    set_default(&o->connect_timeout_ms, 30 * 1000);
    set_default(&o->total_timeout_ms, 30 * 60 * 1000);
    set_default(&o->idle_timeout_ms, 60 * 1000);
    set_default(&o->base_delay_ms, 1000);
    set_default(&o->max_delay_ms, 5 * 60 * 1000);
    o->max_body_bytes = o->max_body_bytes > 0 ? o->max_body_bytes : (size_t)256 << 20;
    o->max_header_bytes = o->max_header_bytes > 0 ? o->max_header_bytes : (size_t)256 << 10;
    o->max_redirects = o->max_redirects > 0 ? o->max_redirects : 20;
    o->max_attempts = o->max_attempts > 0 ? o->max_attempts : 5;
    if (!recording_is_replay(o->recording)) {
        const rc code = curl_handle_open(&client->curl, err);
        if (code != RC_OK) {
            arena_close(arena);
            return code;
        }
    }
    *ret_client = client;
    return RC_OK;
}

void http_close(struct http_client *client)
{
    if (client == NULL)
        return;
    curl_handle_close(client->curl);
    arena_close(client->arena);
}

void http_set_deadline(struct http_client *client, int64_t deadline_us)
{
    client->deadline_us = deadline_us;
}

bool http_is_out_of_time(const struct http_client *client)
{
    return client->is_out_of_time;
}

// --- one exchange ------------------------------------------------------------------------------

static void free_body(void *body)
{
    buf_done(body);
}

// The URL for logs and errors, without what this request names as secret.
static struct str shown(struct arena *arena, const struct http_request *request, struct str url)
{
    return url_redact_named(arena, url, request->secret_parameters,
                            request->secret_parameter_count);
}

// Asks the recording or the server; follows nothing, tries once.
static rc exchange(struct http_client *client, struct arena *arena,
                   const struct curl_transfer *transfer, struct http_response *ret_response,
                   struct err *err)
{
    struct http_request step = *transfer->request;
    step.method = transfer->method;
    step.url = transfer->url;
    if (transfer->drops_body)
        step.body = (struct str){0};
    struct recording *recording = client->options.recording;
    if (recording_is_replay(recording))
        return recording_find(recording, arena, &step, ret_response, err);
    const int64_t started_us = time_now_us();
    TRY(curl_handle_perform(client->curl, arena, transfer, ret_response, err));
    log_debug("%.*s %.*s: %d, %zu bytes, %lld ms", STR_ARGS(step.method),
              STR_ARGS(shown(arena, &step, step.url)), ret_response->status,
              ret_response->body.length, (long long)ret_response->elapsed_ms);
    if (recording != NULL)
        TRY(recording_add(recording, &step, ret_response, started_us, err));
    return RC_OK;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// The next step of a redirect: where to, and what must not travel there.
static rc follow(struct arena *arena, struct str location, int status,
                 struct curl_transfer *transfer, struct err *err)
{
    struct str next;
    TRY_CONTEXT(url_resolve(arena, transfer->url, location, &next, err), err,
                "the redirect of %.*s", STR_ARGS(shown(arena, transfer->request, transfer->url)));
    struct url from, to;
    TRY(url_parse(transfer->url, &from, err));
    TRY(url_parse(next, &to, err));
    if (!url_same_origin(&from, &to))
        transfer->drops_secrets = true; // and they stay away, also when it leads back
    const bool is_get = str_is(transfer->method, "GET") || str_is(transfer->method, "HEAD");
    if (status == 303 || (!is_get && (status == 301 || status == 302))) {
        if (!str_is(transfer->method, "HEAD"))
            transfer->method = STR("GET");
        transfer->drops_body = true;
    }
    transfer->url = next;
    return RC_OK;
}

// One attempt: the exchange and those that it redirects to.
static rc attempt(struct http_client *client, struct arena *arena,
                  const struct http_request *request, struct buf *body,
                  struct http_response *ret_response, struct err *err)
{
    struct curl_transfer transfer = {
        .options = &client->options,
        .request = request,
        .method = request->method.length > 0 ? str_upper(arena, request->method) : STR("GET"),
        .url = request->url,
        .body = body,
        .deadline_us = client->deadline_us,
    };
    for (int step = 0;; step++) {
        buf_clear(body);
        TRY(exchange(client, arena, &transfer, ret_response, err));
        const struct str location = http_header_get(&ret_response->headers, STR("location"));
        if (request->must_not_redirect || !is_redirect(ret_response->status) ||
            location.bytes == NULL)
            return RC_OK;
        if (step >= client->options.max_redirects)
            return err_set(err, RC_LIMIT, "%.*s redirects more than %d times (max_redirects)",
                           STR_ARGS(shown(arena, request, request->url)),
                           client->options.max_redirects);
        TRY(follow(arena, location, ret_response->status, &transfer, err));
    }
}

// --- retries -----------------------------------------------------------------------------------

static bool is_retryable_status(int status)
{
    return status == 429 || (status >= 500 && status <= 599);
}

// The past does not get ready by waiting.
static rc wait_not(void *ctx, int64_t delay_us, struct err *err)
{
    (void)ctx, (void)delay_us, (void)err;
    return RC_OK;
}

static struct retry_policy policy_of(const struct http_client *client,
                                     const struct http_request *request, const char *what)
{
    const struct http_options *options = &client->options;
    return (struct retry_policy){
        .max_attempts = request->must_not_retry ? 1 : options->max_attempts,
        .first_delay_us = options->base_delay_ms * 1000,
        .max_delay_us = options->max_delay_ms * 1000,
        .max_retry_after_us = options->max_delay_ms * 1000,
        .deadline_us = client->deadline_us,
        .what = what,
        .wait = options->wait != NULL                     ? options->wait
                : recording_is_replay(options->recording) ? wait_not
                                                          : NULL,
        .context = options->wait_ctx,
    };
}

// An answer that asks for another try, as an error for base/retry.
static void status_error(const struct http_response *response, struct err *err)
{
    int64_t delay_ms = 0;
    const struct str header = http_header_get(&response->headers, STR("retry-after"));
    err_set(err, RC_HTTP, "HTTP %d", response->status);
    err->is_retryable = true;
    err->http_status = response->status;
    if (header.bytes != NULL && http_retry_after(header, time_now_us(), &delay_ms))
        err->retry_after_ms = delay_ms;
}

static bool is_late(const struct http_client *client)
{
    return client->deadline_us > 0 && !recording_is_replay(client->options.recording) &&
           time_monotonic_us() >= client->deadline_us;
}

// The time that the caller has given is over: whatever the last attempt said, there is no other.
static rc out_of_time(struct http_client *client, struct arena *arena,
                      const struct http_request *request, struct err *err)
{
    client->is_out_of_time = true;
    return err_set(err, RC_TIMEOUT, "no time is left for %.*s",
                   STR_ARGS(shown(arena, request, request->url)));
}

rc http_send(struct http_client *client, struct arena *arena, const struct http_request *request,
             struct http_response *ret_response, struct err *err)
{
    struct url checked;
    TRY(url_parse(request->url, &checked, err));
    struct buf *body = ARENA_NEW(arena, struct buf);
    buf_init(body, request->max_body_bytes > 0 ? request->max_body_bytes
                                               : client->options.max_body_bytes);
    arena_defer(arena, free_body, body);
    struct err local = {0};
    struct err *failure = err != NULL ? err : &local;
    struct retry retry;
    client->is_out_of_time = false;
    if (is_late(client))
        return out_of_time(client, arena, request, err);
    retry_init(&retry,
               policy_of(client, request, arena_cstr(arena, shown(arena, request, request->url))));
    for (int attempts = 1;; attempts++) {
        struct http_response response = {0};
        const rc code = attempt(client, arena, request, body, &response, failure);
        response.attempts = attempts;
        const bool is_answer = code == RC_OK;
        if (is_answer && (!is_retryable_status(response.status) ||
                          (request->is_accepted != NULL &&
                           request->is_accepted(request->accept_ctx, &response)))) {
            *ret_response = response;
            return RC_OK;
        }
        if (is_answer)
            status_error(&response, failure);
        if (retry_again(&retry, failure)) {
            *failure = (struct err){0};
            continue;
        }
        if (failure->code == RC_INTERRUPTED)
            return RC_INTERRUPTED;
        if (retry.is_out_of_time || is_late(client))
            return out_of_time(client, arena, request, err);
        if (!is_answer)
            return failure->code;
        *failure = (struct err){0}; // the last answer tells more than the count of tries
        *ret_response = response;
        return RC_OK;
    }
}
