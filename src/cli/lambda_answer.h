/// @file lambda_answer.h
/// What a Lambda function answers after an ingestion, and the metrics that it leaves in the log.
/// Layer: cli. Source of truth: the answer of `moulin ingest` (docs/package.md); CloudWatch's
/// embedded metric format. Pure functions.

#ifndef CLI_LAMBDA_ANSWER_H
#define CLI_LAMBDA_ANSWER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct lambda_answer_options {
    struct str source, run_id;
    struct str output;    // of the command: one JSON document; of transform: text
    int64_t remaining_ms; // until the deadline; -1 = there is none
    int64_t duration_ms;
};

struct lambda_answer {
    struct str body;    // JSON, at most LAMBDA_MAX_ANSWER_BYTES
    struct str metrics; // one line of the embedded metric format
};

/// The command's answer with the time that is left; lists that make it too long are cut, and
/// `is_cut` says so. @return RC_OK | RC_INVALID (the command's answer is no JSON)
CHECK rc lambda_answer_make(struct arena *arena, const struct lambda_answer_options *options,
                            struct lambda_answer *ret_answer, struct err *err);

#endif
