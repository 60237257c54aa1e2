/// @file payload.h
/// The event of an ingestion function, as a state machine sends it and a person may:
///     {"run_id": "...", "input": {"resources": [...], "full_refresh": true, ...}}
/// run_id names the run, so that a retry is the same run; input says what to load. Layer: flow.
/// Pure functions. The same text is understood by a Lambda function (cli/lambda.c) and by a child
/// process on this machine (local_tasks.c). Unknown keys are refused: a mistyped limit would load
/// everything.

#ifndef FLOW_PAYLOAD_H
#define FLOW_PAYLOAD_H

#include "base/json.h"
#include "base/vec.h"

struct payload {
    struct str run_id; // "" = none was given
    str_vec options;   // of moulin ingest: "--resource=players"
};

/// @param value  NULL or null: nothing was sent
/// @return RC_OK | RC_USAGE (names the key and what there is)
CHECK rc payload_read(struct arena *arena, const struct json *value, struct payload *ret_payload,
                      struct err *err);

/// The error name that a state machine sees: "not_found" -> "Moulin.NotFound".
struct str payload_error_name(struct arena *arena, struct str error_class);

#endif
