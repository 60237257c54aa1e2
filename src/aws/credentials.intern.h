/// @file credentials.intern.h
/// The providers of the credentials chain. Internal to aws. Layer: aws.
/// Threads: called with the session's lock held. Results live in `arena`.

#ifndef AWS_CREDENTIALS_INTERN_H
#define AWS_CREDENTIALS_INTERN_H

#include "aws/session.intern.h"
#include "base/json.h"

/// Where a setting stands, for errors: "profile 'x' (~/.aws/config:7)".
struct str aws_place_of(struct arena *arena, const struct aws_section *profile, const char *key);

/// sso_session, or sso_start_url with sso_region; the token comes from ~/.aws/sso/cache and is
/// refreshed when it can be.
/// @return RC_OK | RC_CONFIG | RC_DENIED (log in again) | RC_NETWORK | RC_TIMEOUT
CHECK rc aws_credentials_sso(struct aws_session *session, struct arena *arena,
                             const struct aws_config *config, const struct aws_section *profile,
                             struct aws_credentials *ret_credentials, struct err *err);

/// Runs credential_process, without a shell.
/// @return RC_OK | RC_CONFIG (the command) | RC_DENIED (it failed or gave none)
CHECK rc aws_credentials_process(struct aws_session *session, struct arena *arena,
                                 const struct aws_section *profile,
                                 struct aws_credentials *ret_credentials, struct err *err);
/// Splits a command line as a shell does, without its expansions: quotes and backslashes.
/// @return RC_OK | RC_CONFIG (a quote is not closed)
CHECK rc aws_process_arguments(struct arena *arena, struct str command, str_vec *ret_arguments,
                               struct err *err);

/// Whether AWS_CONTAINER_CREDENTIALS_..._URI is set.
bool aws_container_is_set(const struct aws_session *session);
/// ECS, EKS Pod Identity, Greengrass.
CHECK rc aws_credentials_container(struct aws_session *session, struct arena *arena,
                                   struct aws_credentials *ret_credentials, struct err *err);

/// IMDSv2. @return RC_OK | RC_NOT_FOUND (no such service here, switched off, no role) | RC_DENIED
CHECK rc aws_credentials_instance(struct aws_session *session, struct arena *arena,
                                  struct aws_credentials *ret_credentials, struct err *err);
/// The region of the machine, of IMDSv2.
CHECK rc aws_instance_region(struct aws_session *session, struct arena *arena,
                             struct str *ret_region, struct err *err);

/// What the providers' JSON answers have in common.
struct aws_credentials_keys {
    const char *key_id, *secret, *token, *account_id, *expiration; // names of members
};
/// Copies the credentials, then overwrites the answer. Expiration is RFC 3339.
/// @return RC_OK | RC_INVALID (`what` says whose answer it is)
CHECK rc aws_credentials_of_json(struct arena *arena, struct str text, const char *what,
                                 const struct aws_credentials_keys *keys,
                                 struct aws_credentials *ret_credentials, struct err *err);

#endif
