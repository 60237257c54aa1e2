/// @file secrets.h
/// The values of {{ secret('a/b') }}: environment variables, then secrets.yml. Layer: project.
/// Threads: read-only after secrets_load. secrets.yml is ignored by git and should be mode 0600.

#ifndef PROJECT_SECRETS_H
#define PROJECT_SECRETS_H

#include "base/secret.h"
#include "project/project.h"

struct yaml;

struct project_secrets {
    const struct yaml *root; // NULL = there is no secrets.yml
    struct str path;
    bool is_readable_by_others;
};

/// @return RC_OK (also without a file) | RC_CONFIG
CHECK rc secrets_load(struct arena *arena, struct str folder, struct project_secrets **ret_secrets,
                      struct err *err);

/// "a/b-c" -> "MOULIN_SECRET_A_B_C"
struct str secrets_variable_name(struct arena *arena, struct str name);

#endif
