/// @file session.h
/// Who calls AWS, from where, and to which address: region, credentials, endpoints.
/// Layer: aws (net and base below). Threads: a session may be shared by threads; each credentials
/// answer belongs to the arena that asked for it. Sources: the AWS SDKs and Tools Reference Guide
/// ("Standardized credential providers", "Service-specific endpoints"); botocore where it is
/// silent.
///
/// Opening a session reads no file and asks no server: that happens at the first question. The
/// chain: environment, a named profile (assume role, web identity, SSO cache, keys,
/// credential_process), web identity of the environment, the default profile, container, IMDSv2;
/// with what they give, options.role_arn is assumed. Answers are kept and refreshed before they
/// expire. A profile that the options name comes before the environment's keys where this machine
/// has it (a Lambda, which has keys and no profiles, takes its keys).

#ifndef AWS_SESSION_H
#define AWS_SESSION_H

#include "base/arena.h"
#include "base/err.h"
#include "base/retry.h"
#include "base/str.h"

struct aws_session;
struct aws_service;
struct http_request;
struct http_response;

/// Zero = what the environment and the shared files say.
struct aws_options {
    struct str region;       // of moulin.yml or the command line; before AWS_REGION
    struct str profile;      // before AWS_PROFILE
    struct str endpoint_url; // for every service; before AWS_ENDPOINT_URL and the profile
    struct str role_arn;     // assumed with what the chain gives
    struct str role_external_id, role_session_name;
    int64_t role_duration_s;
    int max_attempts; // of one call; 0 = AWS_MAX_ATTEMPTS, the profile's max_attempts, else 10
    /// Replaces getenv() (tests); NULL = the process's.
    const char *(*environment)(void *context, const char *name);
    void *environment_context;
    struct str root; // put before the path of every file that is read (tests)
    /// Replaces the clock, in microseconds since 1970 (tests); NULL = the machine's.
    int64_t (*now_us)(void *context);
    void *now_context;
    /// Waits between attempts; NULL = really waits (interruptible).
    rc (*wait)(void *context, int64_t delay_us, struct err *err);
    void *wait_context;
    /// Answers instead of the network (tests); NULL = the network.
    rc (*send)(void *context, struct arena *arena, const struct http_request *request,
               struct http_response *ret_response, struct err *err);
    void *send_context;
};

struct aws_credentials {
    struct str access_key_id;
    struct str secret_access_key; // never in messages; wiped with the arena
    struct str session_token;     // "" = none
    struct str account_id;        // "" = the provider does not say
    int64_t expires_us;           // since 1970; 0 = never
    const char *source; // "environment", "shared credentials file", "container", ... static
};

/// @param ret_session  released with `arena`
CHECK rc aws_session_open(struct arena *arena, const struct aws_options *options,
                          struct aws_session **ret_session, struct err *err);

/// Credentials that are good for some minutes more.
/// @param ret_credentials  in `arena`, which overwrites them when it is closed
/// @return RC_OK | RC_DENIED (nobody has any: the message lists what was looked at; or a provider
/// refused) | RC_CONFIG (a broken file, with file:line) | RC_NETWORK | RC_TIMEOUT
CHECK rc aws_session_credentials(struct aws_session *session, struct arena *arena,
                                 struct aws_credentials *ret_credentials, struct err *err);
/// Forgets cached credentials, after a server called them expired.
void aws_session_expire(struct aws_session *session);

/// options, AWS_REGION, AWS_DEFAULT_REGION, the profile, IMDS.
/// @return RC_OK | RC_CONFIG (no region anywhere; the hint says where to put it)
CHECK rc aws_session_region(struct aws_session *session, struct arena *arena,
                            struct str *ret_region, struct err *err);

struct aws_endpoint {
    struct str url;            // "https://glue.eu-west-1.amazonaws.com", no slash at the end
    struct str signing_region; // differs from the session's for global services
    bool is_custom;            // set by options, environment or profile: S3 then uses path style
};
/// AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's services section and endpoint_url,
/// AWS_IGNORE_CONFIGURED_ENDPOINT_URLS; else AWS's own address (FIPS, dual stack, partition).
/// @param region  "" = the session's
CHECK rc aws_session_endpoint(struct aws_session *session, struct arena *arena,
                              const struct aws_service *service, struct str region,
                              struct aws_endpoint *ret_endpoint, struct err *err);

/// A setting of the profile or of its environment variable ("s3_use_path_style",
/// "request_checksum_calculation", ...); "" = not set.
CHECK rc aws_session_setting(struct aws_session *session, struct arena *arena, const char *variable,
                             const char *key, struct str *ret_value, struct err *err);

/// Sends one request over one of the session's connections and waits for the answer: one attempt,
/// no redirect, path and body verbatim. For aws_call and for clients with a call loop of their own.
/// @return as http_send; any status is RC_OK
CHECK rc aws_session_send(struct aws_session *session, struct arena *arena,
                          const struct http_request *request, struct http_response *ret_response,
                          struct err *err);

/// How a call of this session is tried again: AWS's standard mode (up to 10 attempts here, full
/// jitter up to 20 s), with a budget that all calls of the session share.
/// @param what  for the debug log: "glue:GetTable"
struct retry_policy aws_session_retry_policy(struct aws_session *session, const char *what);

/// The machine's clock plus what servers taught us, in microseconds since 1970.
int64_t aws_session_now_us(const struct aws_session *session);
struct http_response;
/// Takes the time of the server when an answer's Date is minutes away from ours: from then on
/// requests are signed with it.
/// @return whether it was; false = the clock explains nothing
bool aws_session_corrects_clock(struct aws_session *session, const struct http_response *response);

#endif
