/// @file curl.intern.h
/// One HTTP transfer over libcurl. Internal to net: http.c is the caller. Layer: net.
/// Threads: a handle belongs to one thread; loading is done once per process.

#ifndef NET_CURL_INTERN_H
#define NET_CURL_INTERN_H

#include "base/buf.h"
#include "net/http.h"

struct curl_handle;

/// Loads libcurl when it is not loaded yet, and opens an easy handle, which keeps its connections.
CHECK rc curl_handle_open(struct curl_handle **ret_handle, struct err *err);
void curl_handle_close(struct curl_handle *handle);

struct curl_transfer {
    const struct http_options *options; // all filled in
    const struct http_request *request;
    struct str method, url; // of this step; differ from the request's after a redirect
    bool drops_secrets;     // another origin: no credentials
    bool drops_body;
    struct buf *body;    // filled; its cap is options->max_body_bytes
    int64_t deadline_us; // time_monotonic_us() at which the transfer ends; 0 = none
};

/// One request, one answer, no retries, no redirects. Header texts live in `arena`.
CHECK rc curl_handle_perform(struct curl_handle *handle, struct arena *arena,
                             const struct curl_transfer *transfer,
                             struct http_response *ret_response, struct err *err);

#endif
