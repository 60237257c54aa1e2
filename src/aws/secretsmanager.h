/// @file secretsmanager.h
/// Reads secrets of AWS Secrets Manager. Layer: aws. Threads: as aws_call.
/// Source: botocore's model of secretsmanager 2017-10-17.

#ifndef AWS_SECRETSMANAGER_H
#define AWS_SECRETSMANAGER_H

#include "aws/session.h"
#include "base/secret.h"

/// The current text of a secret.
/// @param name        name or ARN
/// @param ret_secret  in `arena`, overwritten when it is closed
/// @return RC_OK | RC_NOT_FOUND (no such secret, or no value in it) | RC_UNSUPPORTED (it is binary)
///         | as aws_call
CHECK rc secretsmanager_get(struct aws_session *session, struct arena *arena, struct str name,
                            struct secret **ret_secret, struct err *err);

#endif
