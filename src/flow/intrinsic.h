/// @file intrinsic.h
/// The 18 intrinsic functions: "States.Format('{}', $.a)". Layer: flow.
/// Source: Amazon States Language "Intrinsic functions"; edge cases as recorded from AWS.
/// Pure but for States.UUID and States.MathRandom without a seed.

#ifndef FLOW_INTRINSIC_H
#define FLOW_INTRINSIC_H

#include "flow/path.h"

enum {
    INTRINSIC_MAX_DEPTH = 10,
    INTRINSIC_MAX_ARGUMENTS = 64,
    INTRINSIC_MAX_RANGE = 1000, // items of States.ArrayRange
    INTRINSIC_MAX_BASE64 = 10000,
};

/// True for a text that calls a function (starts with "States.").
bool intrinsic_is_call(struct str text);

/// Checks names, argument counts and paths without values.
/// @return RC_OK | RC_INVALID | RC_LIMIT
CHECK rc intrinsic_check(struct str text, struct err *err);

/// @return RC_OK | RC_INVALID (a wrong call or argument: States.IntrinsicFailure) | RC_NOT_FOUND (a
///   path names nothing) | RC_LIMIT
CHECK rc intrinsic_eval(struct arena *arena, struct str text, const struct flow_scope *scope,
                        struct json *ret_value, struct err *err);

#endif
