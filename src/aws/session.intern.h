/// @file session.intern.h
/// What the files of a session share. Internal to aws. Layer: aws.
/// Threads: each lock guards what follows it. `lock` is held while credentials are looked for, so
/// what the providers call must not ask the session for credentials.

#ifndef AWS_SESSION_INTERN_H
#define AWS_SESSION_INTERN_H

#include <pthread.h>

#include "aws/config.h"
#include "aws/session.h"
#include "net/http.h"

enum { AWS_MAX_IDLE_CONNECTIONS = 16 };

struct aws_session {
    struct arena *arena;
    struct aws_options options; // texts are copies
    struct retry_budget budget;
    int64_t clock_offset_us; // atomic
    pthread_mutex_t pool_lock;
    struct http_client *idle[AWS_MAX_IDLE_CONNECTIONS];
    size_t idle_count;
    pthread_mutex_t config_lock;
    struct arena *config_arena; // NULL = the files are not read yet
    struct aws_config config;
    pthread_mutex_t lock;
    struct arena *credentials_arena;
    struct aws_credentials credentials; // in credentials_arena; .access_key_id "" = none yet
    int64_t next_refresh_us;            // after a refresh that failed while the old ones are good
};

/// A variable of the (injected) environment; .bytes NULL when it is not set, "" when it is empty.
struct str aws_session_variable(const struct aws_session *session, const char *name);
/// Reads a file; "~/" is the home folder. @return RC_OK | as fs_read
CHECK rc aws_session_read_file(const struct aws_session *session, struct arena *arena,
                               struct str path, size_t max_bytes, struct str *ret_text,
                               struct err *err);
/// "~/x" as "/home/of/user/x"; .bytes NULL when no home is known.
struct str aws_session_expand(const struct aws_session *session, struct arena *arena,
                              struct str path);

/// The shared files, read on the first call. Absent files are empty.
CHECK rc aws_session_config(struct aws_session *session, const struct aws_config **ret_config,
                            struct err *err);
/// The name of the profile that counts: options, AWS_PROFILE, AWS_DEFAULT_PROFILE, "default".
struct str aws_session_profile_name(const struct aws_session *session, bool *ret_is_named);
/// The region of options, environment and profile, without asking IMDS; "" = none.
CHECK rc aws_session_configured_region(struct aws_session *session, struct arena *arena,
                                       struct str *ret_region, struct err *err);

/// As aws_session_send for the metadata services of this machine: no proxy, short timeout.
CHECK rc aws_session_send_metadata(struct aws_session *session, struct arena *arena,
                                   const struct http_request *request, int64_t timeout_ms,
                                   struct http_response *ret_response, struct err *err);

/// Copies credentials into an arena that overwrites them when it is closed.
struct aws_credentials aws_credentials_copy(struct arena *arena,
                                            const struct aws_credentials *credentials);

/// Asks the chain; called with the lock held.
CHECK rc aws_credentials_find(struct aws_session *session, struct arena *arena,
                              struct aws_credentials *ret_credentials, struct err *err);

#endif
