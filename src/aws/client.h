/// @file client.h
/// One signed call to an AWS service, tried again as the SDKs' "standard" mode does.
/// Layer: aws. Threads: a client may be shared; each call takes an HTTP connection of its pool.
/// Sources: AWS SDKs and Tools Reference Guide ("Retry behavior"), botocore's models for protocols.
/// Limits: request and answer bodies 64 MiB (S3 transfers have their own in s3.h).

#ifndef AWS_CLIENT_H
#define AWS_CLIENT_H

#include "aws/failure.h"
#include "aws/session.h"
#include "base/json.h"
#include "net/http.h"

struct aws_service {
    const char *name;            // as messages and IAM name it: "glue", "states", "sts"
    const char *endpoint_id;     // of AWS_ENDPOINT_URL_<id> and the services section: "SFN"
    const char *endpoint_prefix; // host: "<prefix>.<region>.amazonaws.com"
    const char *signing_name;
    const char *target_prefix; // X-Amz-Target: "AWSGlue"; "" = none
    const char *version;       // query protocol: "2011-06-15"
    enum aws_protocol protocol;
};
extern const struct aws_service aws_s3, aws_sts, aws_glue, aws_athena, aws_secrets_manager, aws_ssm,
    aws_step_functions, aws_ecs, aws_sns, aws_lambda, aws_logs, aws_ecr, aws_iam, aws_sso,
    aws_sso_oidc;

struct aws_client;

/// Opens lazily: no network. Released with `arena`.
CHECK rc aws_client_open(struct arena *arena, struct aws_session *session,
                         const struct aws_service *service, struct aws_client **ret_client,
                         struct err *err);

struct aws_call {
    const char *action;  // "GetTable": X-Amz-Target, Action=, and "glue:GetTable" in messages
    struct str resource; // what it is about, for messages: "table dev_landing.chess_players"
    struct str body;     // JSON text, or the encoded form of AWS_QUERY without Action and Version
    // REST protocols only:
    struct str method, path, query; // path percent-encoded, query without ?
    const struct http_header *headers;
    size_t header_count;
    const char *permission; // where IAM's name is not "<service>:<action>": "lambda:InvokeFunction"
    bool must_not_retry;    // the caller decides about unknown outcomes itself
    bool ignores_stop;      // also sent after a request to stop: StopExecution, releasing a lease
    bool is_unsigned;       // AssumeRoleWithWebIdentity
    const struct aws_credentials *credentials; // NULL = the session's
    struct str region;                         // \"\" = the session's
};

/// Sends, signs again for every attempt, corrects the clock, refreshes expired credentials once.
/// Failure classes: RC_DENIED (AccessDenied..., Unrecognized..., expired, no credentials; the hint
/// names the permission: "allow glue:GetTable on ..."), RC_NOT_FOUND (...NotFound...,
/// ResourceNotFoundException, NoSuch...), RC_EXISTS (AlreadyExists...), RC_CONFLICT
/// (ConcurrentModification..., PreconditionFailed, ConflictException), RC_INVALID
/// (Validation...), RC_LIMIT (quota), RC_HTTP (others), RC_NETWORK, RC_TIMEOUT.
/// The message reads "glue:GetTable, table x: Code: what the service said (request id ...)".
/// @param ret_failure  may be NULL; filled when the result is not RC_OK
CHECK rc aws_call(struct aws_client *client, struct arena *arena, const struct aws_call *call,
                  struct http_response *ret_response, struct aws_failure *ret_failure,
                  struct err *err);

/// aws_call for the JSON protocols: parses the answer ({} when the body is empty).
CHECK rc aws_call_json(struct aws_client *client, struct arena *arena, const struct aws_call *call,
                       struct json *ret_answer, struct aws_failure *ret_failure, struct err *err);

#endif
