/// @file intrinsic_functions.h
/// The table of intrinsic functions. Layer: flow, internal to intrinsic.c.

#ifndef FLOW_INTRINSIC_FUNCTIONS_H
#define FLOW_INTRINSIC_FUNCTIONS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

struct intrinsic_function {
    const char *name;
    size_t min_arguments, max_arguments;
    bool takes_template; // the first literal keeps its escapes
    rc (*call)(struct arena *arena, const struct json *arguments, size_t count,
               struct json *ret_value, struct err *err);
};

extern const struct intrinsic_function intrinsic_functions[];
extern const size_t intrinsic_function_count;

#endif
