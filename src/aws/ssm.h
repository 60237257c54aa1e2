/// @file ssm.h
/// Reads parameters of AWS Systems Manager. Layer: aws. Threads: as aws_call.
/// Source: botocore's model of ssm 2014-11-06.

#ifndef AWS_SSM_H
#define AWS_SSM_H

#include "aws/session.h"
#include "base/secret.h"

/// The value of a parameter, decrypted.
/// @param name        "/dev/chess/api_key"
/// @param ret_secret  in `arena`, overwritten when it is closed
/// @return RC_OK | RC_NOT_FOUND | as aws_call
CHECK rc ssm_get(struct aws_session *session, struct arena *arena, struct str name,
                 struct secret **ret_secret, struct err *err);

#endif
