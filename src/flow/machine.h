/// @file machine.h
/// A state machine's definition and everything that can be wrong with it. Layer: flow.
/// Source: Amazon States Language; rules and words of problems follow AWS's statelint.
/// Pure. JSONata states are refused by name: this interpreter speaks JSONPath.

#ifndef FLOW_MACHINE_H
#define FLOW_MACHINE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/vec.h"

enum {
    MACHINE_MAX_BYTES = 1 << 20, // as Step Functions
    MACHINE_MAX_PROBLEMS = 200,
    MACHINE_MAX_DEPTH = 20, // of maps and parallels in each other
    MACHINE_MAX_NAME_CHARACTERS = 80,
};

struct machine_problem {
    str_vec keys;       // from the root: "States", "Load", "Next"; numbers for list items
    struct str state;   // the state's name; "" = the machine
    struct str message; // lower case, no full stop
    struct str hint;    // "" = none
};
VEC_TYPE(machine_problem_vec, struct machine_problem);

/// Decides whether a task's resource can be run; sets err when it cannot.
typedef rc (*machine_resource_check)(void *context, struct str state, const struct json *task,
                                     struct err *err);

struct machine_check_options {
    machine_resource_check check_resource; // NULL = any resource is right
    void *context;
};

/// Finds all problems of a definition.
/// @param ret_problems  in the order of the text; lives in `arena`
void machine_check(struct arena *arena, const struct json *definition,
                   struct machine_check_options options, machine_problem_vec *ret_problems);

/// "state Load: Next: ..." for a log line.
struct str machine_problem_text(struct arena *arena, const struct machine_problem *problem);

/// Replaces each ${name} by names[name], as Terraform's templatefile does; $${ is a plain ${.
/// @param place  named in errors
/// @return RC_OK | RC_CONFIG (a name that `names` lacks, with line and column) | RC_LIMIT
CHECK rc machine_substitute(struct arena *arena, struct str text, const char *place,
                            const struct json *names, struct str *ret_text, struct err *err);

#endif
