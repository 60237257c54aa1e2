// HTTP client: redirects, retries, recordings around the transfers of curl.c. Layer: net.
// Threads: a client belongs to one thread at a time. Source: RFC 9110 (redirects: 15.4,
// Retry-After: 10.2.3). Limits: struct http_options.

#include "net/http.h"

#include <errno.h>
#include <poll.h>

#include "base/json.h"
#include "base/log.h"
#include "base/runtime.h"
#include "base/time.h"
#include "net/curl.intern.h"
#include "net/recording.h"
#include "net/url.h"

enum { MAX_CAUSES = 6, CAUSE_BYTES = 160 };

struct http_client {
    struct arena *arena;
    struct http_options options; // every default filled in
    struct curl_handle *curl;    // opened by the first transfer
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

// --- one exchange ------------------------------------------------------------------------------

static void free_body(void *body)
{
    buf_done(body);
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
              STR_ARGS(url_redact(arena, step.url)), ret_response->status,
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
                "the redirect of %.*s", STR_ARGS(url_redact(arena, transfer->url)));
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
                           STR_ARGS(url_redact(arena, request->url)),
                           client->options.max_redirects);
        TRY(follow(arena, location, ret_response->status, &transfer, err));
    }
}

// --- retries -----------------------------------------------------------------------------------

// What went wrong in the attempts so far: each distinct cause with its count.
struct causes {
    struct {
        char text[CAUSE_BYTES];
        int count;
    } items[MAX_CAUSES];
    size_t count;
};

static void add_cause(struct causes *causes, const char *text)
{
    char cut[CAUSE_BYTES];
    struct str short_text = str_slice(str_of(text), 0, sizeof cut - 1);
    memcpy(cut, short_text.bytes, short_text.length);
    cut[short_text.length] = '\0';
    for (size_t i = 0; i < causes->count; i++) {
        if (strcmp(causes->items[i].text, cut) == 0) {
            causes->items[i].count++;
            return;
        }
    }
    if (causes->count == MAX_CAUSES)
        return;
    memcpy(causes->items[causes->count].text, cut, sizeof cut);
    causes->items[causes->count++].count = 1;
}

static bool is_retryable_status(int status)
{
    return status == 429 || (status >= 500 && status <= 599);
}

// Exponential with full jitter on its upper half, so that many clients do not come back together.
static int64_t backoff_ms(const struct http_options *options, int attempts_done)
{
    int64_t delay = options->base_delay_ms;
    for (int i = 1; i < attempts_done && delay < options->max_delay_ms; i++)
        delay *= 2;
    if (delay > options->max_delay_ms)
        delay = options->max_delay_ms;
    const int64_t half = delay / 2;
    return half + (half > 0 ? time_monotonic_us() % half : 0);
}

static rc wait_ms(struct http_client *client, int64_t delay_ms, struct err *err)
{
    const struct http_options *options = &client->options;
    if (options->sleep_ms != NULL)
        return options->sleep_ms(options->sleep_ctx, delay_ms, err);
    if (recording_is_replay(options->recording))
        return RC_OK; // the past does not get ready by waiting
    const int64_t until_us = time_monotonic_us() + delay_ms * 1000;
    struct pollfd stop = {.fd = runtime_stop_fd(), .events = POLLIN};
    for (int64_t left_us = delay_ms * 1000; left_us > 0; left_us = until_us - time_monotonic_us()) {
        const int64_t step_ms = (left_us + 999) / 1000;
        const int got = poll(&stop, 1, (int)(step_ms < 60000 ? step_ms : 60000));
        if (options->is_interrupted != NULL && options->is_interrupted())
            return err_set(err, RC_INTERRUPTED, "interrupted while waiting for another attempt");
        TRY(runtime_check(err));
        if (got < 0 && errno != EINTR)
            return err_system(err, errno, "cannot wait");
    }
    return RC_OK;
}

// How long to wait before the next attempt. A server that names a time beyond the cap is given up.
static int64_t delay_after(const struct http_client *client, const struct http_response *response,
                           int attempts_done)
{
    int64_t asked_ms = 0;
    if (response != NULL) {
        const struct str header = http_header_get(&response->headers, STR("retry-after"));
        if (header.bytes != NULL && http_retry_after(header, time_now_us(), &asked_ms) &&
            asked_ms > 0)
            return asked_ms < client->options.max_delay_ms ? asked_ms
                                                           : client->options.max_delay_ms;
    }
    return backoff_ms(&client->options, attempts_done);
}

static rc with_causes(const struct causes *causes, int attempts, rc code, struct err *err)
{
    if (attempts <= 1 || err == NULL)
        return code;
    char list[ERR_MESSAGE_BYTES];
    struct buf out;
    buf_init(&out, sizeof list);
    for (size_t i = 0; i < causes->count; i++)
        buf_printf(&out, "%s%s (%d times)", i > 0 ? "; " : "", causes->items[i].text,
                   causes->items[i].count);
    if (causes->count > 1)
        err_context(err, "gave up after %d attempts (%.*s)", attempts, STR_ARGS(buf_str(&out)));
    else
        err_context(err, "gave up after %d attempts", attempts);
    buf_done(&out);
    return code;
}

rc http_send(struct http_client *client, struct arena *arena, const struct http_request *request,
             struct http_response *ret_response, struct err *err)
{
    struct url checked;
    TRY(url_parse(request->url, &checked, err));
    struct buf *body = ARENA_NEW(arena, struct buf);
    buf_init(body, client->options.max_body_bytes);
    arena_defer(arena, free_body, body);
    struct causes causes = {0};
    struct err local = {0};
    struct err *failure = err != NULL ? err : &local;
    const int max_attempts = request->must_not_retry ? 1 : client->options.max_attempts;
    for (int done = 1;; done++) {
        struct http_response response = {0};
        const rc code = attempt(client, arena, request, body, &response, failure);
        if (code != RC_OK && (!failure->is_retryable || done >= max_attempts)) {
            add_cause(&causes, failure->message);
            return with_causes(&causes, done, code, err);
        }
        response.attempts = done;
        const bool is_accepted = code == RC_OK && request->is_accepted != NULL &&
                                 request->is_accepted(request->accept_ctx, &response);
        if (code == RC_OK &&
            (is_accepted || !is_retryable_status(response.status) || done >= max_attempts)) {
            *ret_response = response;
            return RC_OK;
        }
        char status_text[32];
        const struct str text = arena_printf(arena, "HTTP %d", response.status);
        memcpy(status_text, text.bytes, text.length + 1);
        add_cause(&causes, code != RC_OK ? failure->message : status_text);
        const int64_t delay_ms = delay_after(client, code == RC_OK ? &response : NULL, done);
        log_debug("attempt %d of %d for %.*s failed (%s), next in %lld ms", done, max_attempts,
                  STR_ARGS(url_redact(arena, request->url)),
                  code != RC_OK ? failure->message : status_text, (long long)delay_ms);
        TRY(wait_ms(client, delay_ms, err));
        if (err != NULL)
            *err = (struct err){0};
    }
}
