/// @file session.intern.h
/// What the files of a session share. Internal to aws. Layer: aws.
/// Threads: `lock` guards what may change after aws_session_open.

#ifndef AWS_SESSION_INTERN_H
#define AWS_SESSION_INTERN_H

#include <pthread.h>

#include "aws/session.h"
#include "net/http.h"

enum { AWS_MAX_IDLE_CONNECTIONS = 16 };

struct aws_session {
    struct arena *arena;
    struct aws_options options; // texts are copies
    struct retry_budget budget;
    pthread_mutex_t pool_lock; // of `idle`
    struct http_client *idle[AWS_MAX_IDLE_CONNECTIONS];
    size_t idle_count;
    int64_t clock_offset_us; // atomic
    pthread_mutex_t lock;    // of what follows
    struct arena *credentials_arena;
    struct aws_credentials credentials; // in credentials_arena; .access_key_id "" = none yet
};

/// A variable of the (injected) environment; .bytes NULL when it is not set, "" when it is empty.
struct str aws_session_variable(const struct aws_session *session, const char *name);

/// Copies credentials into an arena that overwrites them when it is closed.
struct aws_credentials aws_credentials_copy(struct arena *arena,
                                            const struct aws_credentials *credentials);

/// Asks the chain; called with the lock held.
CHECK rc aws_credentials_find(struct aws_session *session, struct arena *arena,
                              struct aws_credentials *ret_credentials, struct err *err);

#endif
