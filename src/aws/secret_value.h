/// @file secret_value.h
/// Reads secret texts of an account: Secrets Manager's secrets, Systems Manager's parameters.
/// Layer: aws. Threads: as aws_call.
/// Source: botocore's models of secretsmanager 2017-10-17 and ssm 2014-11-06.

#ifndef AWS_SECRET_VALUE_H
#define AWS_SECRET_VALUE_H

#include "aws/session.h"
#include "base/secret.h"

enum aws_secret_keeper {
    AWS_KEEPER_SECRETS_MANAGER, // the current text of a secret: name or ARN
    AWS_KEEPER_SSM,             // a parameter, decrypted: "/dev/chess/api_key"
};

/// @param ret_secret  in `arena`, overwritten when it is closed
/// @return RC_OK | RC_NOT_FOUND (none of that name, or no value in it) | RC_UNSUPPORTED (a secret
///         that is binary) | RC_INVALID (an answer of another shape) | as aws_call
CHECK rc aws_secret_value(struct aws_session *session, struct arena *arena,
                          enum aws_secret_keeper keeper, struct str name,
                          struct secret **ret_secret, struct err *err);

#endif
