/// @file failure.h
/// What a service means when it refuses: the code and text of its answer, whether another attempt
/// may help, and the error for the person. Layer: aws. Threads: pure functions.
/// Sources: botocore's parsers and its "standard" retry mode (which codes are throttling,
/// transient, clock skew); AWS SDKs and Tools Reference Guide.

#ifndef AWS_FAILURE_H
#define AWS_FAILURE_H

#include "base/arena.h"
#include "base/err.h"
#include "net/http.h"

enum aws_protocol { AWS_JSON_1_0, AWS_JSON_1_1, AWS_QUERY, AWS_REST_JSON, AWS_REST_XML };

/// What may help.
enum aws_remedy {
    AWS_REMEDY_NONE,    // final
    AWS_REMEDY_WAIT,    // transient: the service or the network failed
    AWS_REMEDY_SLOW,    // throttled: too much was asked
    AWS_REMEDY_CLOCK,   // our clock is wrong: aws_session_corrects_clock, then sign again
    AWS_REMEDY_REFRESH, // the credentials are expired: aws_session_expire, then sign again
};

struct aws_failure {
    char code[96]; // "ConcurrentModificationException", without namespace; "" = no answer came
    char message[600];
    char request_id[128]; // for AWS's support
    int status;           // 0 = no answer
    enum aws_remedy remedy;
    bool is_unknown; // the call may have been carried out (lost answer, 5xx), in aws_call also by
                     // an earlier attempt than the one that this tells of
};

/// Reads an answer of status 300 and above (also S3's 200 with an <Error> body). A body that says
/// nothing gets a code from the status: "NotFound", "Forbidden", "HTTP 502".
/// @param method  "HEAD" answers have no body
void aws_failure_read(enum aws_protocol protocol, const struct http_response *response,
                      struct aws_failure *ret_failure);
/// Of a failed aws_session_send. Remedy WAIT when `err` is retryable; unknown unless nobody was
/// reached.
void aws_failure_of_error(const struct err *err, struct aws_failure *ret_failure);

/// The class of an error code: RC_NOT_FOUND, RC_CONFLICT, ... (client.h, aws_call, lists them).
rc aws_failure_class(const struct aws_failure *failure);

/// What was asked, for the message.
struct aws_asked {
    const char *service, *action; // "glue", "GetTable"
    const char *permission;       // "glue:GetTable"; NULL = "<service>:<action>"
    struct str resource;          // "table dev_landing.chess_players"
    struct str region;            // "" = do not mention it
};
/// "glue:GetTable, table x: Code: text (request id ...)", with a hint that names the permission to
/// add, the region that was asked, or what is wrong with the credentials.
rc aws_failure_error(const struct aws_failure *failure, const struct aws_asked *asked,
                     struct err *err);

/// "Access Denied" and the like: also for codes of other services than AWS's.
bool aws_failure_is(const struct aws_failure *failure, const char *code);

#endif
