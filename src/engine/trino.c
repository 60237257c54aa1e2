// Trino by its client protocol: POST /v1/statement, then GET nextUri until there is none.
// Layer: engine. Source: trino.io/docs "Trino client REST API"; settings as dbt-trino's profile.
// A statement begins at the first GET of its nextUri, so a lost answer to the POST can be asked for
// again; every nextUri may be fetched twice. Threads: one at a time. Limits: a page has 64 MiB.

#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"
#include "base/runtime.h"
#include "base/time.h"
#include "engine/engine.intern.h"
#include "net/http.h"
#include "net/url.h"

enum {
    MAX_STATEMENT_BYTES = 1000000, // query.max-length
    MAX_PAGE_BYTES = 64 << 20,
    MAX_BUSY_ATTEMPTS = 100, // answers 502, 503, 504 in a row
    MAX_LOST_ATTEMPTS = 5,   // connections in a row
    BUSY_WAIT_US = 50000,
};

static const char *const keys[] = {"host",
                                   "port",
                                   "user",
                                   "password",
                                   "method",
                                   "http_scheme",
                                   "http_headers",
                                   "session_properties",
                                   "roles",
                                   "cert",
                                   "jwt_token",
                                   "client_certificate",
                                   "client_private_key",
                                   "timezone",
                                   "client_tags",
                                   "prepared_statements_enabled",
                                   "suppress_cert_warning",
                                   "on_table_exists",
                                   "incremental_strategy",
                                   NULL};

struct trino {
    struct http_client *http;
    struct str url; // https://host:port
    http_header_vec headers;
    http_header_vec session; // what answers set: X-Trino-Session, X-Trino-Role, ...
};

static struct str setting(const struct engine *engine, const char *key)
{
    return engine_setting(&engine->options.settings, key);
}

static void add_header(struct engine *engine, http_header_vec *headers, const char *name,
                       struct str value)
{
    if (value.length > 0)
        *vec_push(engine->arena, headers) = (struct http_header){str_of(name), value};
}

// ---- who asks

static rc need(const struct engine *engine, const char *key, const char *why, struct str *ret_value,
               struct err *err)
{
    *ret_value = setting(engine, key);
    if (ret_value->length > 0)
        return RC_OK;
    return err_set(err, RC_CONFIG, "%s: %s needs the setting '%s'", engine->options.place, why,
                   key);
}

static rc password_header(struct engine *engine, struct str user, struct err *err)
{
    struct trino *trino = engine->state;
    struct str password;
    TRY(need(engine, "password", "method ldap", &password, err));
    add_header(engine, &trino->headers, "Authorization", http_basic(engine->arena, user, password));
    return RC_OK;
}

static rc token_header(struct engine *engine, struct err *err)
{
    struct trino *trino = engine->state;
    struct str token;
    TRY(need(engine, "jwt_token", "method jwt", &token, err));
    add_header(engine, &trino->headers, "Authorization",
               arena_printf(engine->arena, "Bearer %.*s", STR_ARGS(token)));
    return RC_OK;
}

static rc authenticate(struct engine *engine, struct http_options *http, struct err *err)
{
    struct str user = setting(engine, "user");
    struct str method = setting(engine, "method");
    if (method.length == 0)
        method = setting(engine, "password").length > 0    ? STR("ldap")
                 : setting(engine, "jwt_token").length > 0 ? STR("jwt")
                                                           : STR("none");
    const bool is_open = str_is(method, "none");
    const bool is_secure = str_is(setting(engine, "http_scheme"), "https") ||
                           (setting(engine, "http_scheme").length == 0 && !is_open);
    if (!is_open && !is_secure) {
        err_set(err, RC_CONFIG, "%s: method %.*s sends credentials, and http_scheme is http",
                engine->options.place, STR_ARGS(method));
        return err_hint(err, "set http_scheme: https");
    }
    if (user.length == 0 && (is_open || str_is(method, "ldap")))
        return need(engine, "user", "Trino", &user, err);
    struct trino *trino = engine->state;
    add_header(engine, &trino->headers, "X-Trino-User", user);
    if (is_open)
        return RC_OK;
    if (str_is(method, "ldap"))
        return password_header(engine, user, err);
    if (str_is(method, "jwt"))
        return token_header(engine, err);
    if (str_is(method, "certificate")) {
        TRY(need(engine, "client_certificate", "method certificate", &http->client_certificate,
                 err));
        return need(engine, "client_private_key", "method certificate", &http->client_key, err);
    }
    err_set(err, RC_CONFIG, "%s: no method '%.*s' to log in to Trino", engine->options.place,
            STR_ARGS(method));
    return err_hint(err, "methods: none, ldap (user and password), jwt, certificate");
}

// ---- session

// {"k": v} as "k=v,k2=v2", values percent-encoded.
static struct str pairs(struct engine *engine, const char *key)
{
    const struct json *value = json_get(&engine->options.settings, str_of(key));
    str_vec parts = {0};
    for (size_t i = 0; value != NULL && value->kind == JSON_OBJECT && i < value->count; i++) {
        const struct json one = value->members[i].value;
        const struct str text =
            one.kind == JSON_BOOL ? one.boolean ? STR("true") : STR("false") : one.text;
        const struct str encoded = url_encode(engine->arena, text, STR(""));
        *vec_push(engine->arena, &parts) = arena_printf(
            engine->arena, "%.*s=%.*s", STR_ARGS(value->members[i].key), STR_ARGS(encoded));
    }
    return str_join(engine->arena, parts.items, parts.count, STR(","));
}

static struct str words(struct engine *engine, const char *key)
{
    const struct json *value = json_get(&engine->options.settings, str_of(key));
    str_vec parts = {0};
    for (size_t i = 0; value != NULL && value->kind == JSON_ARRAY && i < value->count; i++)
        *vec_push(engine->arena, &parts) = value->items[i].text;
    return str_join(engine->arena, parts.items, parts.count, STR(","));
}

static void add_headers(struct engine *engine)
{
    struct trino *trino = engine->state;
    http_header_vec *headers = &trino->headers;
    const struct str zone = setting(engine, "timezone");
    add_header(engine, headers, "X-Trino-Source",
               engine->options.source.length > 0 ? engine->options.source : STR("moulin"));
    add_header(engine, headers, "X-Trino-Catalog", engine->catalog);
    add_header(engine, headers, "X-Trino-Schema", engine->options.schema);
    add_header(engine, headers, "X-Trino-Time-Zone", zone.length > 0 ? zone : STR("UTC"));
    // Without it every timestamp is cut to milliseconds.
    add_header(engine, headers, "X-Trino-Client-Capabilities", STR("PARAMETRIC_DATETIME"));
    add_header(engine, headers, "X-Trino-Client-Tags", words(engine, "client_tags"));
    const struct json *extra = json_get(&engine->options.settings, STR("http_headers"));
    for (size_t i = 0; extra != NULL && extra->kind == JSON_OBJECT && i < extra->count; i++)
        *vec_push(engine->arena, headers) =
            (struct http_header){extra->members[i].key, extra->members[i].value.text};
    add_header(engine, &trino->session, "X-Trino-Session", pairs(engine, "session_properties"));
    const struct json *roles = json_get(&engine->options.settings, STR("roles"));
    for (size_t i = 0; roles != NULL && roles->kind == JSON_OBJECT && i < roles->count; i++)
        add_header(engine, &trino->session, "X-Trino-Role",
                   arena_printf(
                       engine->arena, "%.*s=ROLE%%7B%.*s%%7D", STR_ARGS(roles->members[i].key),
                       STR_ARGS(url_encode(engine->arena, roles->members[i].value.text, STR("")))));
}

static void close_http(void *object)
{
    http_close(((struct trino *)object)->http);
}

static rc open_trino(struct engine *engine, struct err *err)
{
    struct trino *trino = ARENA_NEW(engine->arena, struct trino);
    struct str host, scheme = setting(engine, "http_scheme"), port = setting(engine, "port");
    engine->state = trino;
    engine->catalog = engine->options.catalog.length > 0 ? engine->options.catalog : STR("iceberg");
    TRY(need(engine, "host", "Trino", &host, err));
    struct http_options http = {.max_body_bytes = MAX_PAGE_BYTES, .max_redirects = 5};
    TRY(authenticate(engine, &http, err));
    const bool has_credentials =
        trino->headers.count > 0 &&
        str_is(trino->headers.items[trino->headers.count - 1].name, "Authorization");
    if (scheme.length == 0)
        scheme = has_credentials || http.client_certificate.length > 0 ? STR("https") : STR("http");
    if (port.length == 0)
        port = str_is(scheme, "https") ? STR("443") : STR("8080");
    const struct str cert = setting(engine, "cert");
    if (str_is(cert, "false")) {
        err_set(err, RC_CONFIG, "%s: cert: false would not verify the server",
                engine->options.place);
        return err_hint(err, "cert names the file of the authority that signed its certificate");
    }
    if (cert.length > 0 && !str_is(cert, "true"))
        http.ca_file = cert;
    trino->url = arena_printf(engine->arena, "%.*s://%.*s:%.*s", STR_ARGS(scheme), STR_ARGS(host),
                              STR_ARGS(port));
    add_headers(engine);
    TRY(http_open(&http, &trino->http, err));
    arena_defer(engine->arena, close_http, trino);
    return RC_OK;
}

// ---- requests

struct statement {
    struct engine *engine;
    struct trino *trino;
    const struct engine_sink *sink;
    struct engine_answer *answer;
    struct engine_failure *failure;
    struct arena *arena;
    struct str next_uri;
    const struct duck_column *columns;
    size_t column_count;
    bool has_told_columns;
};

static bool take_any(void *context, const struct http_response *response)
{
    (void)context, (void)response;
    return true; // waiting is done here
}

static void keep_session_header(struct statement *s, const char *name, struct str value)
{
    struct trino *trino = s->trino;
    for (size_t i = 0; i < trino->session.count; i++)
        if (str_is(trino->session.items[i].name, name)) {
            trino->session.items[i].value = arena_str(s->engine->arena, value);
            return;
        }
    add_header(s->engine, &trino->session, name, arena_str(s->engine->arena, value));
}

// SET SESSION, USE and SET ROLE hold for the statements that follow: the answer says so in headers.
static void follow_session(struct statement *s, const struct http_response *response)
{
    static const char *const plain[][2] = {{"X-Trino-Set-Role", "X-Trino-Role"},
                                           {"X-Trino-Set-Path", "X-Trino-Path"}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        const struct str value = http_header_get(&response->headers, str_of(plain[i][0]));
        if (value.length > 0)
            keep_session_header(s, plain[i][1], value);
    }
    const struct str set =
        http_header_join(s->arena, &response->headers, STR("X-Trino-Set-Session"));
    if (set.length > 0) {
        struct str before = STR("");
        for (size_t i = 0; i < s->trino->session.count; i++)
            if (str_is(s->trino->session.items[i].name, "X-Trino-Session"))
                before = s->trino->session.items[i].value;
        keep_session_header(
            s, "X-Trino-Session",
            before.length > 0 ? arena_printf(s->arena, "%.*s,%.*s", STR_ARGS(before), STR_ARGS(set))
                              : set);
    }
}

static bool is_busy(int status)
{
    return status == 502 || status == 503 || status == 504;
}

static rc refused(const struct http_response *response, struct err *err)
{
    const rc code = http_check(response, err);
    if (code == RC_OK)
        return err_set(err, RC_HTTP, "Trino answered with status %d", response->status);
    if (response->status == 401 || response->status == 403) {
        if (err != NULL)
            err->code = RC_DENIED;
        err_context(err, "Trino");
        err_hint(err, "see user, password, jwt_token or certificate of the engine");
        return RC_DENIED;
    }
    err_context(err, "Trino");
    return code;
}

// One request, repeated while the server is busy or the connection breaks. Any other status than
// 200 is a failure.
static rc ask(struct statement *s, struct arena *arena, const struct http_request *request,
              struct json *ret_answer, struct err *err)
{
    for (int busy = 0, lost = 0;;) {
        struct http_response response;
        struct err failed = {0};
        const rc code = http_send(s->trino->http, arena, request, &response, &failed);
        if (code == RC_OK && response.status == 200) {
            follow_session(s, &response);
            return http_json(&response, arena, ret_answer, err);
        }
        if (code == RC_OK && (!is_busy(response.status) || ++busy >= MAX_BUSY_ATTEMPTS))
            return refused(&response, err);
        const bool is_lost = code == RC_NETWORK || code == RC_TIMEOUT;
        if (code != RC_OK && (!is_lost || !failed.is_retryable || ++lost >= MAX_LOST_ATTEMPTS)) {
            if (err != NULL)
                *err = failed;
            return code;
        }
        const int64_t delay = is_lost ? (int64_t)BUSY_WAIT_US << (2 * lost) : BUSY_WAIT_US;
        log_debug("trino: %s, trying again", is_lost ? failed.message : "the server is busy");
        TRY(engine_wait(s->engine, delay + (int64_t)(random_uint64() % BUSY_WAIT_US), err));
    }
}

static rc start(struct statement *s, struct str sql, struct arena *arena, struct json *ret_answer,
                struct err *err)
{
    http_header_vec headers = {0};
    for (size_t i = 0; i < s->trino->headers.count; i++)
        *vec_push(arena, &headers) = s->trino->headers.items[i];
    for (size_t i = 0; i < s->trino->session.count; i++)
        *vec_push(arena, &headers) = s->trino->session.items[i];
    const struct http_request request = {
        .method = STR("POST"),
        .url = arena_printf(arena, "%.*s/v1/statement", STR_ARGS(s->trino->url)),
        .headers = headers.items,
        .header_count = headers.count,
        .body = sql,
        .must_not_retry = true,
        .is_accepted = take_any};
    return ask(s, arena, &request, ret_answer, err);
}

// The answer names where to ask next; the credentials go with it only to the same server.
static rc follow(struct statement *s, struct arena *arena, const char *method, bool ignores_stop,
                 struct http_request *ret_request, struct err *err)
{
    struct url own, next;
    TRY(url_parse(s->trino->url, &own, err));
    TRY(url_parse(s->next_uri, &next, err));
    const bool is_own = url_same_origin(&own, &next);
    http_header_vec headers = {0};
    for (size_t i = 0; is_own && i < s->trino->headers.count; i++)
        *vec_push(arena, &headers) = s->trino->headers.items[i];
    *ret_request = (struct http_request){.method = str_of(method),
                                         .url = s->next_uri,
                                         .headers = headers.items,
                                         .header_count = headers.count,
                                         .must_not_retry = true,
                                         .ignores_stop = ignores_stop,
                                         .is_accepted = take_any};
    return RC_OK;
}

// Tells the server to forget the statement. What it says to that changes nothing any more.
static void cancel(struct statement *s, bool is_wanted)
{
    struct arena *scratch = arena_open(NULL);
    struct http_request request;
    struct http_response response;
    struct err ignored = {0};
    if (s->next_uri.length > 0 && follow(s, scratch, "DELETE", true, &request, &ignored) == RC_OK &&
        http_send(s->trino->http, scratch, &request, &response, &ignored) == RC_OK)
        log_write(is_wanted ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "trino: query %.*s was cancelled",
                  STR_ARGS(s->answer->query_id));
    s->next_uri = STR("");
    arena_close(scratch);
}

// ---- answers

static void read_columns(struct statement *s, const struct json *answer)
{
    const struct json *list = json_get(answer, STR("columns"));
    if (s->columns != NULL || list == NULL || list->kind != JSON_ARRAY)
        return;
    struct duck_column *columns = ARENA_ARRAY(s->arena, struct duck_column, list->count + 1);
    for (size_t i = 0; i < list->count; i++) {
        columns[i].name =
            arena_str(s->arena, json_str(json_get(&list->items[i], STR("name")), STR("")));
        columns[i].type =
            arena_str(s->arena, json_str(json_get(&list->items[i], STR("type")), STR("")));
        columns[i].kind = engine_kind(columns[i].type);
    }
    s->columns = columns;
    s->column_count = list->count;
}

static rc tell_rows(struct statement *s, const struct json *data, struct arena *arena,
                    struct err *err)
{
    if (s->columns != NULL && !s->has_told_columns && s->sink->on_columns != NULL)
        TRY(s->sink->on_columns(s->sink->context, s->columns, s->column_count, err));
    s->has_told_columns |= s->columns != NULL;
    if (data == NULL || data->count == 0 || s->sink->on_rows == NULL)
        return RC_OK;
    struct duck_value *values =
        ARENA_ARRAY(arena, struct duck_value, data->count * s->column_count + 1);
    for (size_t r = 0; r < data->count; r++) {
        const struct json *row = &data->items[r];
        if (row->kind != JSON_ARRAY || row->count != s->column_count)
            return err_set(err, RC_INVALID, "Trino sent a row of %zu values for %zu columns",
                           row->count, s->column_count);
        for (size_t c = 0; c < s->column_count; c++)
            TRY(engine_value(arena, s->columns[c].type, s->columns[c].kind, &row->items[c],
                             &values[r * s->column_count + c], err));
    }
    const struct duck_rows rows = {.columns = s->columns,
                                   .column_count = s->column_count,
                                   .values = values,
                                   .row_count = data->count};
    return s->sink->on_rows(s->sink->context, &rows, err);
}

static rc failed(struct statement *s, const struct json *error, struct err *err)
{
    struct str message = json_str(json_get(error, STR("message")), STR("no message"));
    const struct str name = json_str(json_get(error, STR("errorName")), STR(""));
    const struct json *cause = json_get(error, STR("failureInfo"));
    for (int depth = 0; cause != NULL && depth < 16; depth++) {
        // The message of the cause says what the commit failed at, and whether that is known.
        const struct str type = json_str(json_get(cause, STR("type")), STR(""));
        if (str_contains(type, STR("CommitStateUnknown")))
            message = arena_printf(s->arena, "%.*s: CommitStateUnknown", STR_ARGS(message));
        cause = json_get(cause, STR("cause"));
    }
    return engine_error(s->engine, name, message, s->answer->query_id, s->failure, err);
}

static rc read_answer(struct statement *s, const struct json *answer, struct arena *arena,
                      struct err *err)
{
    struct engine_answer *to = s->answer;
    if (to->query_id.length == 0)
        to->query_id = arena_str(s->arena, json_str(json_get(answer, STR("id")), STR("")));
    s->next_uri = arena_str(s->arena, json_str(json_get(answer, STR("nextUri")), STR("")));
    const struct json *error = json_get(answer, STR("error"));
    if (error != NULL && error->kind == JSON_OBJECT)
        return failed(s, error, err);
    const struct json *stats = json_get(answer, STR("stats"));
    to->scanned_bytes = json_int64(json_get(stats, STR("physicalInputBytes")), to->scanned_bytes);
    to->elapsed_ms = json_int64(json_get(stats, STR("elapsedTimeMillis")), to->elapsed_ms);
    to->rows = json_int64(json_get(answer, STR("updateCount")), to->rows);
    const struct str kind = json_str(json_get(answer, STR("updateType")), STR(""));
    if (kind.length > 0)
        to->kind = arena_str(s->arena, kind);
    read_columns(s, answer);
    return tell_rows(s, json_get(answer, STR("data")), arena, err);
}

static rc run(struct engine *engine, struct arena *arena, struct str sql,
              const struct engine_sink *sink, struct engine_answer *answer,
              struct engine_failure *failure, struct err *err)
{
    struct statement s = {.engine = engine,
                          .trino = engine->state,
                          .sink = sink,
                          .answer = answer,
                          .failure = failure,
                          .arena = arena,
                          .next_uri = STR("")};
    struct arena *page = arena_open(NULL);
    struct json json;
    rc code = runtime_check(err);
    if (code == RC_OK)
        code = start(&s, sql, page, &json, err);
    while (code == RC_OK) {
        code = read_answer(&s, &json, page, err);
        if (code != RC_OK || s.next_uri.length == 0)
            break;
        arena_reset(page);
        struct http_request request;
        code = runtime_check(err);
        if (code == RC_OK)
            code = follow(&s, page, "GET", false, &request, err);
        if (code == RC_OK)
            code = ask(&s, page, &request, &json, err);
    }
    if (code != RC_OK && s.next_uri.length > 0)
        cancel(&s, code == RC_EOF);
    arena_close(page);
    return code == RC_EOF ? RC_OK : code;
}

const struct engine_class engine_class_trino = {
    .name = "trino",
    .max_statement_bytes = MAX_STATEMENT_BYTES,
    .keys = keys,
    .open = open_trino,
    .run = run,
};
