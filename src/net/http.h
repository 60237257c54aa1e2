/// @file http.h
/// HTTP client: one place that talks to servers. Layer: net. Third party: libcurl, loaded on first
/// use. TLS certificates are always verified. Connections are kept and used again; answers may be
/// gzip, deflate or zstd (what the libcurl at hand can decode). The proxy variables of the
/// environment (https_proxy, http_proxy, no_proxy, all_proxy) are honoured.
/// Threads: a client belongs to one thread at a time.
/// Limits: body and header bytes of an answer, redirects, attempts (see struct http_options).

#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

struct http_client;
struct recording;

struct http_header {
    struct str name, value;
};
VEC_TYPE(http_header_vec, struct http_header);

/// Zero = the default that the comment gives.
struct http_options {
    struct str user_agent;       // "moulin/<version>"
    int64_t connect_timeout_ms;  // 30 s
    int64_t total_timeout_ms;    // of one attempt; 30 min
    int64_t idle_timeout_ms;     // no byte for so long; 60 s
    bool has_no_timeout;         // waits for the answer for ever (a queue that is asked for work)
    size_t max_body_bytes;       // of one decoded answer; 256 MiB
    size_t max_header_bytes;     // of one answer, all header lines; 256 KiB
    int max_redirects;           // 20
    int max_attempts;            // per request; 5
    int64_t base_delay_ms;       // before the second attempt, doubled each time; 1 s
    int64_t max_delay_ms;        // cap of one delay, also of Retry-After; 5 min
    struct recording *recording; // NULL, or open: answers come from it or are written to it
    struct str ca_file; // authorities that are trusted; "" = the system's (or SSL_CERT_FILE)
    struct str client_certificate, client_key; // PEM files, to log in with; "" = none
    /// Waits between attempts; NULL = really waits (interruptible). Tests put their own.
    rc (*wait)(void *ctx, int64_t delay_us, struct err *err);
    void *wait_ctx;
};

/// Loads libcurl at the first call of the process (not when every answer comes from a recording).
/// @return RC_OK | RC_UNSUPPORTED (no libcurl on this machine; the hint names the package)
CHECK rc http_open(const struct http_options *options, struct http_client **ret_client,
                   struct err *err);
void http_close(struct http_client *client);

/// When this client must be done (time_monotonic_us()): no transfer and no wait for another try
/// goes beyond it; the request then fails with RC_TIMEOUT. 0 = no such time.
void http_set_deadline(struct http_client *client, int64_t deadline_us);
/// Whether the last request failed because of that time.
bool http_is_out_of_time(const struct http_client *client);

struct http_response;

struct http_request {
    struct str method; // "" = GET
    struct str url;    // absolute
    const struct http_header *headers;
    size_t header_count;
    struct str body; // sent when .bytes is not NULL
    /// Headers that must not follow a redirect to another origin, nor appear in recordings, beside
    /// Authorization, Cookie and Proxy-Authorization. Names only.
    const struct str *secret_headers;
    size_t secret_header_count;
    const struct str *secret_parameters; // query parameters that recordings must not show
    size_t secret_parameter_count;
    bool has_secret_bodies; // a token exchange: recordings blank credentials in both bodies
    bool must_not_redirect; // 3xx is returned as it is
    bool must_not_retry;    // nor does libcurl send the body twice when a kept connection dies
    /// The URL's path is sent as it is written ("/a/../b"), the body handed on as it came (no
    /// Accept-Encoding): for requests whose text is signed.
    bool is_verbatim;
    bool must_not_proxy;   // link-local services (instance metadata) are behind no proxy
    bool ignores_stop;     // also sent after a request to stop: for cleaning up
    size_t max_body_bytes; // of this answer; 0 = the client's
    /// Asked for each answer before a retry is considered: true = this answer is fine as it is.
    bool (*is_accepted)(void *ctx, const struct http_response *response);
    void *accept_ctx;
};

/// An answer. Everything lives in the arena of the request.
struct http_response {
    int status;
    struct str url;  // of the last request, after redirects
    struct str body; // decoded
    http_header_vec headers;
    int attempts;       // 1 = no retry was needed
    bool is_replayed;   // it comes from a recording
    int64_t elapsed_ms; // of the last attempt
};

/// Sends and waits for the whole answer. 429, 5xx, and failures of the connection are tried again
/// (also for POST: a data source is read, not changed); Retry-After in seconds or as a date is
/// obeyed. Any status is an answer: see http_check.
/// @return RC_OK | RC_INVALID (URL) | RC_NETWORK | RC_TIMEOUT | RC_LIMIT (names the cap)
///         | RC_INTERRUPTED | RC_NOT_FOUND (replay: no recording of this request)
CHECK rc http_send(struct http_client *client, struct arena *arena,
                   const struct http_request *request, struct http_response *ret_response,
                   struct err *err);

/// Turns a status of 400 and above into RC_HTTP: status, URL without credentials, the first bytes
/// of a text answer (an HTML page's title), a hint for 401, 403, 404, 407, 429.
CHECK rc http_check(const struct http_response *response, struct err *err);

/// Parses the body as JSON. An HTML page is named as such (title, User-Agent hint).
/// @return RC_OK | RC_INVALID (not JSON, truncated, no UTF-8; line and column) | RC_LIMIT
struct json;
CHECK rc http_json(const struct http_response *response, struct arena *arena,
                   struct json *ret_value, struct err *err);

/// First header of that name (any case); .bytes NULL when absent.
struct str http_header_get(const http_header_vec *headers, struct str name);
/// All values of a header, joined by ", " (how lists of one header are spelled).
struct str http_header_join(struct arena *arena, const http_header_vec *headers, struct str name);

/// The target of a relation in Link headers (RFC 8288); .bytes NULL when absent.
struct str http_link(struct arena *arena, const http_header_vec *headers, struct str relation);

/// Retry-After in seconds or as an HTTP date. @return false when the text is neither
bool http_retry_after(struct str text, int64_t now_us, int64_t *ret_delay_ms);

/// "Basic dXNlcjpwYXNz"
struct str http_basic(struct arena *arena, struct str username, struct str password);

#endif
