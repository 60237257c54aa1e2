/// @file lambda.h
/// The program as a Lambda runtime: asks for events, runs one ingestion per event, answers.
/// Layer: cli. Source of truth: the Lambda runtime API, version 2018-06-01. Threads: one; several
/// processes may serve one function.
/// Limits: an answer of LAMBDA_MAX_ANSWER_BYTES (a state machine takes 256 KiB), an event of 6 MiB.

#ifndef CLI_LAMBDA_H
#define CLI_LAMBDA_H

#include <stdbool.h>

enum { LAMBDA_MAX_ANSWER_BYTES = 200 << 10, LAMBDA_MAX_PAYLOAD_BYTES = 6 << 20 };

/// Whether Lambda has started this process (AWS_LAMBDA_RUNTIME_API).
bool lambda_is_runtime(void);

/// The loop. Ends when Lambda ends the process, when somebody asks it to stop, or when the runtime
/// API fails. @return the exit code
int lambda_main(void);

#endif
