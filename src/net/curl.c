// libcurl: found on first use, one transfer at a time. Layer: net; the only includer of curl.
// Threads: loading is guarded by pthread_once; a handle belongs to one thread.
// Source: libcurl's documentation of the easy interface (7.68 and newer).

#include "net/curl.intern.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/runtime.h"
#include "base/time.h"
#include "net/url.h"

// The functions of libcurl that we use, by their own names.
static struct {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *handle);
    CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
    void (*easy_cleanup)(CURL *handle);
    void (*easy_reset)(CURL *handle);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
} lib;

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static bool is_loaded;

static bool find(void *library, const char *name, void *to)
{
    void *symbol = dlsym(library, name);
    memcpy(to, &symbol, sizeof symbol); // ISO C has no cast from object to function pointer
    return symbol != NULL;
}

static void load(void)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so"};
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && library == NULL; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return;
    is_loaded = find(library, "curl_global_init", &lib.global_init) &&
                find(library, "curl_easy_init", &lib.easy_init) &&
                find(library, "curl_easy_setopt", &lib.easy_setopt) &&
                find(library, "curl_easy_perform", &lib.easy_perform) &&
                find(library, "curl_easy_getinfo", &lib.easy_getinfo) &&
                find(library, "curl_easy_cleanup", &lib.easy_cleanup) &&
                find(library, "curl_easy_reset", &lib.easy_reset) &&
                find(library, "curl_easy_strerror", &lib.easy_strerror) &&
                find(library, "curl_slist_append", &lib.slist_append) &&
                find(library, "curl_slist_free_all", &lib.slist_free_all) &&
                lib.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

struct curl_handle {
    struct arena *arena;
    CURL *easy;
    // Of the running transfer.
    struct arena *answer_arena;
    const struct http_options *options;
    const struct http_request *request;
    struct buf *body;
    size_t sent_bytes; // of the request's body, by on_read
    http_header_vec headers;
    size_t header_bytes;
    bool is_header_over, is_body_over, is_stopped;
    char message[CURL_ERROR_SIZE];
};

rc curl_handle_open(struct curl_handle **ret_handle, struct err *err)
{
    pthread_once(&load_once, load);
    if (!is_loaded) {
        err_set(err, RC_UNSUPPORTED, "cannot talk HTTP: libcurl is not on this machine");
        return err_hint(err, "install it: apt-get install libcurl4");
    }
    CURL *easy = lib.easy_init();
    if (easy == NULL)
        return err_set(err, RC_INTERNAL, "libcurl gives no handle");
    struct arena *arena = arena_open(NULL);
    struct curl_handle *handle = ARENA_NEW(arena, struct curl_handle);
    handle->arena = arena;
    handle->easy = easy;
    *ret_handle = handle;
    return RC_OK;
}

void curl_handle_close(struct curl_handle *handle)
{
    if (handle == NULL)
        return;
    lib.easy_cleanup(handle->easy);
    arena_close(handle->arena);
}

// --- what libcurl calls ------------------------------------------------------------------------

static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
    struct curl_handle *handle = user;
    buf_append(handle->body, bytes, size * count);
    handle->is_body_over = handle->body->is_over_limit;
    return handle->is_body_over ? 0 : size * count;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *user)
{
    struct curl_handle *handle = user;
    const size_t length = size * count;
    struct str line = {bytes, length};
    if (str_has_prefix(line, STR("HTTP/"))) { // of 100 Continue or the final answer: start anew
        handle->headers = (http_header_vec){0};
        handle->header_bytes = 0;
    }
    handle->header_bytes += length;
    if (handle->header_bytes > handle->options->max_header_bytes) {
        handle->is_header_over = true;
        return 0;
    }
    const size_t colon = str_find_byte(line, ':');
    if (colon != SIZE_MAX && !str_has_prefix(line, STR("HTTP/"))) {
        const struct str name = str_trim(str_slice(line, 0, colon));
        const struct str value = str_trim(str_slice(line, colon + 1, length));
        *vec_push(handle->answer_arena, &handle->headers) = (struct http_header){
            arena_str(handle->answer_arena, name), arena_str(handle->answer_arena, value)};
    }
    return length;
}

// Hands over the body of a request that must not be sent twice. There is no way back for libcurl,
// so when a kept connection dies it cannot start over behind our back.
static size_t on_read(char *to, size_t size, size_t count, void *user)
{
    struct curl_handle *handle = user;
    const struct str part = str_slice(handle->request->body, handle->sent_bytes, size * count);
    memcpy(to, part.bytes, part.length);
    handle->sent_bytes += part.length;
    return part.length;
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    struct curl_handle *handle = user;
    handle->is_stopped = !handle->request->ignores_stop && runtime_is_stopping();
    return handle->is_stopped ? 1 : 0;
}

// --- settings ----------------------------------------------------------------------------------

static bool is_credential(struct str name, const struct http_request *request)
{
    if (str_equal_ignore_case(name, STR("authorization")) ||
        str_equal_ignore_case(name, STR("cookie")) ||
        str_equal_ignore_case(name, STR("proxy-authorization")))
        return true;
    for (size_t i = 0; i < request->secret_header_count; i++)
        if (str_equal_ignore_case(name, request->secret_headers[i]))
            return true;
    return false;
}

static rc check_header(const struct http_header *header, struct err *err)
{
    for (size_t i = 0; i < header->name.length; i++)
        if (header->name.bytes[i] <= ' ' || header->name.bytes[i] == ':')
            return err_set(err, RC_INVALID, "'%.*s' is no header name", STR_ARGS(header->name));
    if (header->name.length == 0)
        return err_set(err, RC_INVALID, "a header has no name");
    // A line break would smuggle in further headers.
    for (size_t i = 0; i < header->value.length; i++)
        if (header->value.bytes[i] == '\n' || header->value.bytes[i] == '\r' ||
            header->value.bytes[i] == '\0')
            return err_set(err, RC_INVALID, "the value of header '%.*s' holds a line break",
                           STR_ARGS(header->name));
    return RC_OK;
}

static rc make_headers(struct arena *arena, const struct curl_transfer *transfer,
                       struct curl_slist **ret_list, bool *ret_has_agent, struct err *err)
{
    const struct http_request *request = transfer->request;
    struct curl_slist *list = lib.slist_append(NULL, "Expect:");
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        const rc code = check_header(header, err);
        if (code != RC_OK) {
            lib.slist_free_all(list);
            return code;
        }
        if (transfer->drops_secrets && is_credential(header->name, request))
            continue;
        if (transfer->drops_body && str_equal_ignore_case(header->name, STR("content-type")))
            continue;
        *ret_has_agent |= str_equal_ignore_case(header->name, STR("user-agent"));
        // "Name;" is how libcurl spells a header without a value.
        const struct str line =
            header->value.length > 0
                ? arena_printf(arena, "%.*s: %.*s", STR_ARGS(header->name), STR_ARGS(header->value))
                : arena_printf(arena, "%.*s;", STR_ARGS(header->name));
        list = lib.slist_append(list, line.bytes);
    }
    *ret_list = list;
    return RC_OK;
}

// What is left until the deadline, at least a moment: 0 would mean no limit.
static int64_t total_timeout_ms(const struct curl_transfer *transfer)
{
    const int64_t most = transfer->options->total_timeout_ms;
    if (transfer->deadline_us == 0)
        return most;
    const int64_t left = (transfer->deadline_us - time_monotonic_us()) / 1000;
    return left < 1 ? 1 : left < most ? left : most;
}

static void set_limits(CURL *easy, const struct curl_transfer *transfer)
{
    const struct http_options *options = transfer->options;
    lib.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    lib.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
    lib.easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    lib.easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L * 1024);
    if (options->has_no_timeout)
        return;
    lib.easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)total_timeout_ms(transfer));
    lib.easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    lib.easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((options->idle_timeout_ms + 999) / 1000));
}

static void set_security(CURL *easy, const struct http_options *options)
{
    lib.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    lib.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
#if LIBCURL_VERSION_NUM >= 0x075500
    lib.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    lib.easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    // The variables by which company networks name their own authority.
    static const char *const variables[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE",
                                            "REQUESTS_CA_BUNDLE"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *file = getenv(variables[i]);
        if (file != NULL && *file != '\0') {
            lib.easy_setopt(easy, CURLOPT_CAINFO, file);
            break;
        }
    }
    if (options->ca_file.length > 0)
        lib.easy_setopt(easy, CURLOPT_CAINFO, options->ca_file.bytes);
    if (options->client_certificate.length > 0) {
        lib.easy_setopt(easy, CURLOPT_SSLCERT, options->client_certificate.bytes);
        lib.easy_setopt(easy, CURLOPT_SSLKEY, options->client_key.bytes);
    }
}

static void set_method(struct curl_handle *handle, const struct curl_transfer *transfer,
                       const char *method)
{
    CURL *easy = handle->easy;
    const struct http_request *request = transfer->request;
    if (request->body.bytes != NULL && !transfer->drops_body) {
        lib.easy_setopt(easy, CURLOPT_POST, 1L);
        lib.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
        if (request->must_not_retry && request->body.length > 0) {
            lib.easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
            lib.easy_setopt(easy, CURLOPT_READDATA, handle);
        } else {
            lib.easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.bytes);
        }
    } else if (str_is(transfer->method, "HEAD")) {
        lib.easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else {
        lib.easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    lib.easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

// --- errors ------------------------------------------------------------------------------------

// How libcurl's codes are told; everything else is RC_NETWORK and worth another try.
static const struct {
    CURLcode code;
    rc rc;
    bool is_final; // a second try changes nothing
    const char *hint;
    bool is_unsent; // nobody was reached
} code_table[] = {
    {CURLE_URL_MALFORMAT, RC_INVALID, true, ""},
    {CURLE_UNSUPPORTED_PROTOCOL, RC_INVALID, true, "only http and https are spoken"},
    {CURLE_OPERATION_TIMEDOUT, RC_TIMEOUT, false, ""},
    {CURLE_COULDNT_RESOLVE_HOST, RC_NETWORK, false,
     "is the host spelled right, and the network up?", true},
    {CURLE_COULDNT_RESOLVE_PROXY, RC_NETWORK, true, "see https_proxy and http_proxy", true},
    {CURLE_COULDNT_CONNECT, RC_NETWORK, false, "is the server up, and the port right?", true},
    {CURLE_PEER_FAILED_VERIFICATION, RC_NETWORK, true,
     "is it the host that the certificate names? a private authority is named by SSL_CERT_FILE"},
    {CURLE_SSL_CACERT_BADFILE, RC_NETWORK, true,
     "the file of authorities is missing: apt-get install ca-certificates"},
    {CURLE_SSL_CERTPROBLEM, RC_NETWORK, true, ""},
    {CURLE_BAD_CONTENT_ENCODING, RC_INVALID, true,
     "the answer is compressed in a way that this libcurl cannot read, or damaged"},
};

// libcurl's words as ours: lower case first, and without "after 7 ms", so that equal causes of
// several attempts are equal texts.
static struct str plain_reason(struct arena *arena, struct str why)
{
    const size_t after = str_find(why, STR(" after "));
    if (after != SIZE_MAX) {
        const struct str tail = str_slice(why, after + 7, why.length);
        const size_t end = str_find(tail, STR(" ms"));
        if (end != SIZE_MAX && end < 12)
            why =
                str_concat(arena, str_slice(why, 0, after), str_slice(tail, end + 3, tail.length));
    }
    const struct str first = str_lower(arena, str_slice(why, 0, 1));
    const bool is_acronym = why.length > 1 && why.bytes[1] >= 'A' && why.bytes[1] <= 'Z';
    return is_acronym ? why : str_concat(arena, first, str_slice(why, 1, why.length));
}

static rc transfer_error(struct curl_handle *handle, CURLcode code,
                         const struct curl_transfer *transfer, struct err *err)
{
    const struct http_request *request = transfer->request;
    const struct str place =
        url_redact_named(handle->answer_arena, transfer->url, request->secret_parameters,
                         request->secret_parameter_count);
    const struct http_options *options = handle->options;
    if (handle->is_stopped)
        return err_set(err, RC_INTERRUPTED, "interrupted while reading %.*s", STR_ARGS(place));
    if (handle->is_body_over) {
        err_set(err, RC_LIMIT, "the answer of %.*s is larger than %zu bytes (max_body_bytes)",
                STR_ARGS(place), handle->body->max_bytes);
        return err_hint(err, "ask for smaller pages, or raise max_body_bytes");
    }
    if (handle->is_header_over)
        return err_set(err, RC_LIMIT,
                       "the headers of %.*s are larger than %zu bytes (max_header_bytes)",
                       STR_ARGS(place), options->max_header_bytes);
    const char *why = handle->message[0] != '\0' ? handle->message : lib.easy_strerror(code);
    rc result = RC_NETWORK;
    bool is_final = false, is_unsent = false;
    const char *hint = "";
    for (size_t i = 0; i < sizeof code_table / sizeof *code_table; i++) {
        if (code_table[i].code != code)
            continue;
        result = code_table[i].rc;
        is_final = code_table[i].is_final;
        is_unsent = code_table[i].is_unsent;
        hint = code_table[i].hint;
    }
    const struct str reason = plain_reason(handle->answer_arena, str_of(why));
    err_set(err, result, "%.*s (%.*s)", STR_ARGS(reason), STR_ARGS(place));
    if (err != NULL) {
        err->is_retryable = !is_final;
        err->is_unsent = is_unsent;
    }
    return hint[0] != '\0' ? err_hint(err, "%s", hint) : result;
}

// --- the transfer ------------------------------------------------------------------------------

static void begin(struct curl_handle *handle, struct arena *arena,
                  const struct curl_transfer *transfer)
{
    handle->answer_arena = arena;
    handle->options = transfer->options;
    handle->request = transfer->request;
    handle->sent_bytes = 0;
    handle->body = transfer->body;
    handle->headers = (http_header_vec){0};
    handle->header_bytes = 0;
    handle->is_header_over = handle->is_body_over = handle->is_stopped = false;
    handle->message[0] = '\0';
    lib.easy_reset(handle->easy); // keeps connections, sessions and the DNS cache
    lib.easy_setopt(handle->easy, CURLOPT_WRITEFUNCTION, on_body);
    lib.easy_setopt(handle->easy, CURLOPT_WRITEDATA, handle);
    lib.easy_setopt(handle->easy, CURLOPT_HEADERFUNCTION, on_header);
    lib.easy_setopt(handle->easy, CURLOPT_HEADERDATA, handle);
    lib.easy_setopt(handle->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    lib.easy_setopt(handle->easy, CURLOPT_XFERINFODATA, handle);
    lib.easy_setopt(handle->easy, CURLOPT_NOPROGRESS, 0L);
    lib.easy_setopt(handle->easy, CURLOPT_ERRORBUFFER, handle->message);
    lib.easy_setopt(handle->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

rc curl_handle_perform(struct curl_handle *handle, struct arena *arena,
                       const struct curl_transfer *transfer, struct http_response *ret_response,
                       struct err *err)
{
    struct curl_slist *headers = NULL;
    bool has_agent = false;
    TRY(make_headers(arena, transfer, &headers, &has_agent, err));
    begin(handle, arena, transfer);
    set_limits(handle->easy, transfer);
    set_security(handle->easy, transfer->options);
    set_method(handle, transfer, arena_cstr(arena, transfer->method));
    if (transfer->request->is_verbatim)
        lib.easy_setopt(handle->easy, CURLOPT_PATH_AS_IS, 1L);
    else
        lib.easy_setopt(handle->easy, CURLOPT_ACCEPT_ENCODING, ""); // all that it can decode
    if (transfer->request->must_not_proxy)
        lib.easy_setopt(handle->easy, CURLOPT_PROXY, "");
    lib.easy_setopt(handle->easy, CURLOPT_URL, arena_cstr(arena, transfer->url));
    lib.easy_setopt(handle->easy, CURLOPT_HTTPHEADER, headers);
    if (!has_agent)
        lib.easy_setopt(handle->easy, CURLOPT_USERAGENT,
                        arena_cstr(arena, transfer->options->user_agent));
    const int64_t started_us = time_monotonic_us();
    const CURLcode code = lib.easy_perform(handle->easy);
    lib.slist_free_all(headers);
    if (code != CURLE_OK)
        return transfer_error(handle, code, transfer, err);
    long status = 0;
    lib.easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &status);
    *ret_response = (struct http_response){
        .status = (int)status,
        .url = transfer->url,
        .body = buf_str(transfer->body),
        .headers = handle->headers,
        .elapsed_ms = (time_monotonic_us() - started_us) / 1000,
    };
    return RC_OK;
}
