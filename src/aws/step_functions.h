/// @file step_functions.h
/// Executions of state machines in AWS Step Functions. Layer: aws. Threads: as aws_call.
/// Source: botocore's model of stepfunctions 2016-11-23.
/// Limits: a page of STEP_FUNCTIONS_PAGE events.

#ifndef AWS_STEP_FUNCTIONS_H
#define AWS_STEP_FUNCTIONS_H

#include "aws/session.h"
#include "base/json.h"
#include "base/vec.h"

enum { STEP_FUNCTIONS_PAGE = 1000 };

struct step_functions_execution {
    struct str arn, machine_arn, name;
    struct str status;              // RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED, ...
    struct str input, output;       // JSON text; bytes NULL = none (or not told by a list)
    struct str error, cause;        // bytes NULL = none
    int64_t started_us, stopped_us; // stopped 0 = not yet
};
VEC_TYPE(step_functions_execution_vec, struct step_functions_execution);

/// "arn:aws:states:eu-west-1:123456789012:stateMachine:name" of the session's account and region;
/// an ARN stays. Asks STS who the caller is.
CHECK rc step_functions_machine_arn(struct aws_session *session, struct arena *arena,
                                    struct str name, struct str *ret_arn, struct err *err);

/// Starts an execution. A second try with the same name and input finds the first one running.
/// @return RC_OK | RC_NOT_FOUND (no such machine) | RC_EXISTS (the name is taken) | as aws_call
CHECK rc step_functions_start(struct aws_session *session, struct arena *arena,
                              struct str machine_arn, struct str name, struct str input,
                              struct str *ret_arn, struct err *err);
/// @return RC_OK | RC_NOT_FOUND | as aws_call
CHECK rc step_functions_describe(struct aws_session *session, struct arena *arena, struct str arn,
                                 struct step_functions_execution *ret_execution, struct err *err);
CHECK rc step_functions_stop(struct aws_session *session, struct arena *arena, struct str arn,
                             struct str cause, struct err *err);
/// The latest first, at most `limit`.
CHECK rc step_functions_list(struct aws_session *session, struct arena *arena,
                             struct str machine_arn, int64_t limit,
                             step_functions_execution_vec *ret_executions, struct err *err);
/// A page of events in their order.
/// @param token       "" = the first page
/// @param ret_events  array of HistoryEvent objects; .timestamp: see step_functions_time_us
/// @param ret_next    "" = there are no more so far
CHECK rc step_functions_history(struct aws_session *session, struct arena *arena, struct str arn,
                                struct str token, struct json *ret_events, struct str *ret_next,
                                struct err *err);
/// Seconds since 1970 with a fraction (AWS), or RFC 3339 (emulators); 0 = neither.
int64_t step_functions_time_us(const struct json *value);

#endif
