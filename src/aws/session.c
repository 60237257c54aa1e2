// A session: options, environment, connections, clock, kept credentials. Layer: aws.
// Threads: shared; see session.intern.h. Source: AWS SDKs and Tools Reference Guide.

#include "aws/session.h"

#include <stdlib.h>

#include "aws/session.intern.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/time.h"

// Refreshed so long before they expire.
#define REFRESH_BEFORE_US (INT64_C(10) * 60 * TIME_US_PER_SECOND)
#define RETRY_REFRESH_US (INT64_C(60) * TIME_US_PER_SECOND)

enum { RETRY_BUDGET = 100, DEFAULT_ATTEMPTS = 10, CONNECT_TIMEOUT_MS = 10 * 1000 };

// --- open, close -------------------------------------------------------------------------------

static void close_session(void *object)
{
    struct aws_session *session = object;
    for (size_t i = 0; i < session->idle_count; i++)
        http_close(session->idle[i]);
    arena_close(session->credentials_arena);
    arena_close(session->config_arena);
    pthread_mutex_destroy(&session->lock);
    pthread_mutex_destroy(&session->config_lock);
    pthread_mutex_destroy(&session->pool_lock);
}

rc aws_session_open(struct arena *arena, const struct aws_options *options,
                    struct aws_session **ret_session, struct err *err)
{
    (void)err;
    struct aws_session *session = ARENA_NEW(arena, struct aws_session);
    session->arena = arena;
    session->options = *options;
    struct aws_options *o = &session->options;
    struct str *const texts[] = {&o->region,   &o->profile,          &o->endpoint_url,
                                 &o->role_arn, &o->role_external_id, &o->role_session_name,
                                 &o->root};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_str(arena, *texts[i]);
    retry_budget_init(&session->budget, RETRY_BUDGET);
    pthread_mutex_init(&session->lock, NULL);
    pthread_mutex_init(&session->config_lock, NULL);
    pthread_mutex_init(&session->pool_lock, NULL);
    arena_defer(arena, close_session, session);
    *ret_session = session;
    return RC_OK;
}

struct str aws_session_variable(const struct aws_session *session, const char *name)
{
    const struct aws_options *options = &session->options;
    return str_of(options->environment != NULL
                      ? options->environment(options->environment_context, name)
                      : getenv(name));
}

// --- shared files ------------------------------------------------------------------------------

struct str aws_session_expand(const struct aws_session *session, struct arena *arena,
                              struct str path)
{
    if (!str_has_prefix(path, STR("~/")))
        return path;
    const struct str home = aws_session_variable(session, "HOME");
    if (home.length == 0)
        return (struct str){0};
    return str_concat(arena, home, str_slice(path, 1, path.length));
}

rc aws_session_read_file(const struct aws_session *session, struct arena *arena, struct str path,
                         size_t max_bytes, struct str *ret_text, struct err *err)
{
    const struct str expanded = aws_session_expand(session, arena, path);
    if (expanded.bytes == NULL)
        return err_set(err, RC_NOT_FOUND, "%.*s: HOME is not set", STR_ARGS(path));
    return fs_read(arena, str_concat(arena, session->options.root, expanded), max_bytes, ret_text,
                   err);
}

static rc read_shared_file(struct aws_session *session, struct arena *arena, const char *variable,
                           const char *usual, enum aws_config_kind kind, struct aws_config *config,
                           struct err *err)
{
    struct err why = {0};
    struct str text, path = aws_session_variable(session, variable);
    if (path.length == 0)
        path = str_of(usual);
    const rc code = aws_session_read_file(session, arena, path, AWS_CONFIG_MAX_BYTES, &text, &why);
    if (code != RC_OK) {
        if (code != RC_NOT_FOUND)
            log_warn("%s: it is passed over", why.message);
        return RC_OK;
    }
    return aws_config_parse(arena, text, kind, arena_str(arena, path), config, err);
}

// With the lock held.
static rc read_config(struct aws_session *session, struct err *err)
{
    if (session->config_arena != NULL)
        return RC_OK;
    struct arena *arena = arena_open(NULL);
    struct aws_config config = {0};
    rc code = read_shared_file(session, arena, "AWS_CONFIG_FILE", "~/.aws/config", AWS_CONFIG_FILE,
                               &config, err);
    if (code == RC_OK)
        code = read_shared_file(session, arena, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials",
                                AWS_CREDENTIALS_FILE, &config, err);
    if (code != RC_OK) {
        arena_close(arena);
        return code;
    }
    session->config = config;
    session->config_arena = arena;
    return RC_OK;
}

rc aws_session_config(struct aws_session *session, const struct aws_config **ret_config,
                      struct err *err)
{
    pthread_mutex_lock(&session->config_lock);
    const rc code = read_config(session, err);
    pthread_mutex_unlock(&session->config_lock);
    if (code == RC_OK)
        *ret_config = &session->config;
    return code;
}

struct str aws_session_profile_name(const struct aws_session *session, bool *ret_is_named)
{
    const struct str names[] = {session->options.profile,
                                aws_session_variable(session, "AWS_PROFILE"),
                                aws_session_variable(session, "AWS_DEFAULT_PROFILE")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].length > 0) {
            *ret_is_named = true;
            return names[i];
        }
    *ret_is_named = false;
    return STR("default");
}

// --- clock -------------------------------------------------------------------------------------

static int64_t machine_now_us(const struct aws_session *session)
{
    const struct aws_options *options = &session->options;
    return options->now_us != NULL ? options->now_us(options->now_context) : time_now_us();
}

int64_t aws_session_now_us(const struct aws_session *session)
{
    return machine_now_us(session) + __atomic_load_n(&session->clock_offset_us, __ATOMIC_RELAXED);
}

// A clock that is off by less is not what a service complains about.
#define CLOCK_SKEW_US (INT64_C(4) * 60 * TIME_US_PER_SECOND)

bool aws_session_corrects_clock(struct aws_session *session, const struct http_response *response)
{
    int64_t server_us;
    const struct str date = http_header_get(&response->headers, STR("date"));
    if (date.bytes == NULL || time_parse_http_date(date, &server_us, NULL) != RC_OK)
        return false;
    const int64_t skew_us = server_us - aws_session_now_us(session);
    if (skew_us > -CLOCK_SKEW_US && skew_us < CLOCK_SKEW_US)
        return false;
    const int64_t offset_us = server_us - machine_now_us(session);
    __atomic_store_n(&session->clock_offset_us, offset_us, __ATOMIC_RELAXED);
    log_warn("this machine's clock is %lld s %s AWS's: requests are signed with AWS's time, but "
             "set the clock",
             (long long)((offset_us > 0 ? offset_us : -offset_us) / TIME_US_PER_SECOND),
             offset_us > 0 ? "behind" : "ahead of");
    return true;
}

// --- credentials -------------------------------------------------------------------------------

static void wipe_text(void *object)
{
    const struct str *text = object;
    secret_wipe((char *)(uintptr_t)text->bytes, text->length);
}

static struct str secret_copy(struct arena *arena, struct str text)
{
    struct str *copy = ARENA_NEW(arena, struct str);
    *copy = arena_str(arena, text);
    arena_defer(arena, wipe_text, copy);
    return *copy;
}

struct aws_credentials aws_credentials_copy(struct arena *arena,
                                            const struct aws_credentials *credentials)
{
    struct aws_credentials copy = *credentials;
    copy.access_key_id = arena_str(arena, credentials->access_key_id);
    copy.secret_access_key = secret_copy(arena, credentials->secret_access_key);
    copy.session_token = secret_copy(arena, credentials->session_token);
    copy.account_id = arena_str(arena, credentials->account_id);
    return copy;
}

static void forget_credentials(struct aws_session *session)
{
    arena_close(session->credentials_arena);
    session->credentials_arena = NULL;
    session->credentials = (struct aws_credentials){0};
    session->next_refresh_us = 0;
}

static bool are_good(const struct aws_session *session)
{
    const struct aws_credentials *kept = &session->credentials;
    const int64_t now_us = aws_session_now_us(session);
    return kept->access_key_id.length > 0 &&
           (kept->expires_us == 0 || now_us < kept->expires_us - REFRESH_BEFORE_US ||
            (now_us < session->next_refresh_us && now_us < kept->expires_us));
}

// While the old ones are good, a refresh that fails is tried again later.
static bool can_wait(struct aws_session *session, const struct err *why)
{
    const int64_t now_us = aws_session_now_us(session);
    if (session->credentials.access_key_id.length == 0 || !why->is_retryable ||
        now_us >= session->credentials.expires_us)
        return false;
    session->next_refresh_us = now_us + RETRY_REFRESH_US;
    log_warn("AWS credentials were not refreshed, the old ones are used on: %s", why->message);
    return true;
}

// With the lock held.
static rc find_credentials(struct aws_session *session, struct err *err)
{
    if (are_good(session))
        return RC_OK;
    struct arena *arena = arena_open(NULL);
    struct aws_credentials found;
    struct err why = {0};
    rc code = aws_credentials_find(session, arena, &found, &why);
    if (code == RC_OK) {
        forget_credentials(session);
        session->credentials_arena = arena_open(NULL);
        session->credentials = aws_credentials_copy(session->credentials_arena, &found);
        log_debug("AWS credentials of %s", found.source);
    } else if (can_wait(session, &why)) {
        code = RC_OK;
    } else if (err != NULL) {
        *err = why;
    }
    arena_close(arena);
    return code;
}

rc aws_session_credentials(struct aws_session *session, struct arena *arena,
                           struct aws_credentials *ret_credentials, struct err *err)
{
    pthread_mutex_lock(&session->lock);
    const rc code = find_credentials(session, err);
    if (code == RC_OK)
        *ret_credentials = aws_credentials_copy(arena, &session->credentials);
    pthread_mutex_unlock(&session->lock);
    return code;
}

void aws_session_expire(struct aws_session *session)
{
    pthread_mutex_lock(&session->lock);
    forget_credentials(session);
    pthread_mutex_unlock(&session->lock);
}

// --- connections -------------------------------------------------------------------------------

static rc take_client(struct aws_session *session, struct http_client **ret_client, struct err *err)
{
    struct http_client *client = NULL;
    pthread_mutex_lock(&session->pool_lock);
    if (session->idle_count > 0)
        client = session->idle[--session->idle_count];
    pthread_mutex_unlock(&session->pool_lock);
    if (client != NULL) {
        *ret_client = client;
        return RC_OK;
    }
    struct arena *arena = arena_open(NULL);
    struct http_options options = {.connect_timeout_ms = CONNECT_TIMEOUT_MS};
    rc code =
        aws_session_setting(session, arena, "AWS_CA_BUNDLE", "ca_bundle", &options.ca_file, err);
    if (code == RC_OK) {
        options.ca_file = aws_session_expand(session, arena, options.ca_file);
        code = http_open(&options, ret_client, err);
    }
    arena_close(arena);
    return code;
}

static void give_client(struct aws_session *session, struct http_client *client)
{
    pthread_mutex_lock(&session->pool_lock);
    if (session->idle_count < AWS_MAX_IDLE_CONNECTIONS) {
        session->idle[session->idle_count++] = client;
        client = NULL;
    }
    pthread_mutex_unlock(&session->pool_lock);
    http_close(client);
}

rc aws_session_send(struct aws_session *session, struct arena *arena,
                    const struct http_request *request, struct http_response *ret_response,
                    struct err *err)
{
    const struct aws_options *options = &session->options;
    struct http_request verbatim = *request;
    verbatim.is_verbatim = verbatim.must_not_redirect = verbatim.must_not_retry = true;
    if (options->send != NULL)
        return options->send(options->send_context, arena, &verbatim, ret_response, err);
    struct http_client *client;
    TRY(take_client(session, &client, err));
    const rc code = http_send(client, arena, &verbatim, ret_response, err);
    give_client(session, client);
    return code;
}

rc aws_session_send_metadata(struct aws_session *session, struct arena *arena,
                             const struct http_request *request, int64_t timeout_ms,
                             struct http_response *ret_response, struct err *err)
{
    const struct aws_options *options = &session->options;
    struct http_request direct = *request;
    direct.is_verbatim = direct.must_not_redirect = true;
    direct.must_not_retry = direct.must_not_proxy = true;
    if (options->send != NULL)
        return options->send(options->send_context, arena, &direct, ret_response, err);
    const struct http_options short_of_time = {.connect_timeout_ms = timeout_ms,
                                               .total_timeout_ms = timeout_ms};
    struct http_client *client;
    TRY(http_open(&short_of_time, &client, err));
    const rc code = http_send(client, arena, &direct, ret_response, err);
    http_close(client);
    return code;
}

struct retry_policy aws_session_retry_policy(struct aws_session *session, const char *what)
{
    const struct aws_options *options = &session->options;
    int64_t attempts = options->max_attempts;
    struct arena *arena = arena_open(NULL);
    struct str text = STR("");
    if (attempts <= 0 && aws_session_setting(session, arena, "AWS_MAX_ATTEMPTS", "max_attempts",
                                             &text, NULL) != RC_OK)
        text = STR(""); // a broken file is told by the question for credentials
    if (attempts <= 0 && (!str_to_int64(text, &attempts) || attempts <= 0))
        attempts = DEFAULT_ATTEMPTS;
    arena_close(arena);
    return (struct retry_policy){
        .max_attempts = (int)(attempts < 100 ? attempts : 100),
        .first_delay_us = TIME_US_PER_SECOND,
        .max_delay_us = 20 * TIME_US_PER_SECOND,
        .budget = &session->budget,
        .what = what,
        .wait = options->wait,
        .context = options->wait_context,
    };
}
