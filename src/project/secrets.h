/// @file secrets.h
/// The values of {{ secret('a/b') }}: environment variables, then secrets.yml, then Secrets Manager
/// or SSM. Layer: project. Threads: what is asked of AWS is kept behind a lock, the rest is
/// read-only after secrets_load. secrets.yml is ignored by git and should be mode 0600.

#ifndef PROJECT_SECRETS_H
#define PROJECT_SECRETS_H

#include <pthread.h>

#include "base/secret.h"
#include "project/project.h"

struct yaml;

struct project_secrets {
    const struct yaml *root; // NULL = there is no secrets.yml
    struct str path;
    bool is_readable_by_others;
    struct project *project; // whose session is asked
    pthread_mutex_t lock;    // of what follows
    struct arena *arena;     // overwritten at the end
    struct map asked;        // id in AWS -> struct secret
};

/// @return RC_OK (also without a file) | RC_CONFIG
CHECK rc secrets_load(struct arena *arena, struct str folder, struct project_secrets **ret_secrets,
                      struct err *err);

/// Asks AWS for a secret of the environment (whose `secrets:` is set).
/// @return RC_OK | RC_NOT_FOUND | RC_CONFIG | as aws_call
CHECK rc secrets_ask_aws(struct project_secrets *secrets, struct arena *arena, struct str name,
                         struct str *ret_secret, struct err *err);

/// "a/b-c" -> "MOULIN_SECRET_A_B_C"
struct str secrets_variable_name(struct arena *arena, struct str name);

#endif
