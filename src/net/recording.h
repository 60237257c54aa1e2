/// @file recording.h
/// Recorded HTTP exchanges in HAR 1.2 files: written while a client works, or served instead of the
/// network. Layer: net. Source: HAR 1.2 (log.entries[].request/response).
/// Written entries hold no credentials: Authorization, Proxy-Authorization, Cookie and Set-Cookie
/// headers, what the request names as secret, and parameters whose names look like credentials are
/// replaced by "REDACTED"; served entries are looked up with the same replacements, so that a
/// recording works with and without the secret.
/// Threads: an open recording belongs to one thread at a time.
/// Limits: a HAR file of 512 MiB, 100,000 entries.

#ifndef NET_RECORDING_H
#define NET_RECORDING_H

#include "base/arena.h"
#include "base/err.h"
#include "net/http.h"

struct recording;

/// Serves answers from a HAR file, or from all *.har files of a folder in the order of their names.
/// A request is found by method, URL and body. Several answers to one request are served in their
/// order, the last one again and again.
/// @return RC_OK | RC_NOT_FOUND | RC_INVALID (no HAR; file:line:column) | RC_LIMIT
CHECK rc recording_open_replay(struct str path, struct recording **ret_recording, struct err *err);

/// Writes every exchange to a new HAR file (beside it first; it appears when the recording is
/// closed). An existing file is replaced.
CHECK rc recording_open_record(struct str path, struct recording **ret_recording, struct err *err);

/// Texts that must never appear in the file (values of secrets); replaced wherever they stand.
void recording_add_secret(struct recording *recording, struct str value);

/// Calls `see` with every request that a replay looks up, as it would have been sent (for tests).
void recording_on_request(struct recording *recording,
                          void (*see)(void *ctx, const struct http_request *request), void *ctx);

/// Ends a recording; in record mode the file appears now. NULL is allowed.
CHECK rc recording_close(struct recording *recording, struct err *err);
/// Closes without keeping what was recorded.
void recording_abandon(struct recording *recording);

bool recording_is_replay(const struct recording *recording);

/// Replay: finds the answer. @return RC_OK | RC_NOT_FOUND (names the request and the nearest one)
CHECK rc recording_find(struct recording *recording, struct arena *arena,
                        const struct http_request *request, struct http_response *ret_response,
                        struct err *err);

/// Record: appends an exchange. `started_us`: when the request was sent.
CHECK rc recording_add(struct recording *recording, const struct http_request *request,
                       const struct http_response *response, int64_t started_us, struct err *err);

#endif
