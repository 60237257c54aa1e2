/// @file sts.h
/// Security Token Service: who am I, and taking a role. Layer: aws.
/// Threads: as aws_call. Source: botocore's model of STS 2011-06-15 (query protocol).

#ifndef AWS_STS_H
#define AWS_STS_H

#include "aws/session.h"

struct sts_role {
    struct str role_arn;
    struct str session_name; // "" = "moulin"
    struct str external_id;  // "" = none
    int64_t duration_s;      // 0 = the role's default (1 h)
    struct str region;       // of the STS that is asked; "" = the session's, else us-east-1
};

/// @param base  signs the call
/// @return as aws_call; RC_DENIED names sts:AssumeRole and the role
CHECK rc sts_assume_role(struct aws_session *session, struct arena *arena,
                         const struct aws_credentials *base, const struct sts_role *role,
                         struct aws_credentials *ret_credentials, struct err *err);

/// Unsigned: the token speaks for itself.
CHECK rc sts_assume_role_with_web_identity(struct aws_session *session, struct arena *arena,
                                           struct str token, const struct sts_role *role,
                                           struct aws_credentials *ret_credentials,
                                           struct err *err);

struct sts_identity {
    struct str account, arn, user_id;
};
/// Who the session's credentials are. Needs no permission.
CHECK rc sts_caller_identity(struct aws_session *session, struct arena *arena,
                             struct sts_identity *ret_identity, struct err *err);

#endif
