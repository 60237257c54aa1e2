/// @file lambda_api.h
/// The four calls of the Lambda runtime API. Layer: cli. Source of truth: "Using the Lambda runtime
/// API", version 2018-06-01. Threads: a lambda_api belongs to one thread.

#ifndef CLI_LAMBDA_API_H
#define CLI_LAMBDA_API_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct lambda_api;

/// One event and what Lambda says about it.
struct lambda_event {
    struct str request_id;
    struct str body;
    struct str trace_id; // "" = none
    struct str function_arn;
    int64_t deadline_ms; // Unix time; 0 = none was said
};

/// @param address  host:port, from AWS_LAMBDA_RUNTIME_API
CHECK rc lambda_api_open(struct arena *arena, struct str address, struct lambda_api **ret_api,
                         struct err *err);

/// Waits for the next event, as long as it takes: the process is frozen meanwhile.
/// @param ret_event  lives in `arena`
CHECK rc lambda_api_next(struct lambda_api *api, struct arena *arena,
                         struct lambda_event *ret_event, struct err *err);

/// @return RC_OK | RC_LIMIT (Lambda finds the answer too large: send an error instead)
///   | RC_FAILED (the container is broken: end the process) | RC_NETWORK
CHECK rc lambda_api_respond(struct lambda_api *api, struct str request_id, struct str body,
                            struct err *err);

/// @param request_id  "" = the process could not even start (init error)
/// @param error_type  "Moulin.Network"
CHECK rc lambda_api_fail(struct lambda_api *api, struct str request_id, struct str error_type,
                         struct str message, struct err *err);

#endif
