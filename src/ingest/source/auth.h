/// @file auth.h
/// Credentials of an API: bearer, api_key, http_basic, oauth2_client_credentials. Layer: ingest.
/// Source: dlt's REST client (names, arguments, defaults). A new kind is a row in auth.c.
/// Threads: an auth belongs to one source run.

#ifndef INGEST_SOURCE_AUTH_H
#define INGEST_SOURCE_AUTH_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "net/http.h"

struct auth;

/// @param config  a mapping; without "type" it is bearer. NULL or null = no credentials
/// @param ret_auth  NULL when there are none
/// @return RC_OK | RC_CONFIG
CHECK rc auth_open(struct arena *arena, const struct json *config, struct auth **ret_auth,
                   struct err *err);

/// Adds the credentials to a request: a header to `headers`, or a parameter to its URL; names what
/// is secret. Fetches a token first where one is needed (and tells `recording` to hide it).
/// @param auth  NULL = nothing is added
CHECK rc auth_apply(struct auth *auth, struct arena *arena, struct http_client *http,
                    struct recording *recording, struct http_request *request,
                    http_header_vec *headers, struct err *err);

/// Calls `hide` with every secret text of the configuration (for recordings).
void auth_secrets(const struct auth *auth, void (*hide)(void *ctx, struct str secret), void *ctx);

#endif
