/// @file path.h
/// JSONPath as state machines use it: "$.a.b[0]", "$$.Execution.Id", "$variable.x". Layer: flow.
/// Source: Amazon States Language "Paths" and "Reference Paths"; results as AWS gives them: a path
/// without wildcard, slice, filter or ".." names one value or none, every other path gives the
/// array of its hits (maybe empty). Pure; depth and step count are limited.

#ifndef FLOW_PATH_H
#define FLOW_PATH_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"

enum { PATH_MAX_STEPS = 256, PATH_MAX_HITS = 1000000, PATH_MAX_FILTER_DEPTH = 32 };

/// Variables of a state machine; an inner scope reads the outer ones and cannot assign them.
struct flow_variables {
    const struct flow_variables *outer; // NULL = the execution's
    struct map values;                  // name -> struct json *
};
const struct json *flow_variable_get(const struct flow_variables *variables, struct str name);

/// What paths look at.
struct flow_scope {
    const struct json *input;               // $
    const struct json *context;             // $$
    const struct flow_variables *variables; // $name; may be NULL
};

struct path;

/// Compiles a path.
/// @param ret_path  borrows `text`
/// @return RC_OK | RC_INVALID (says what is wrong at which character) | RC_LIMIT
CHECK rc path_parse(struct arena *arena, struct str text, const struct path **ret_path,
                    struct err *err);
/// Names one place: only names and numbers ("a reference path").
bool path_is_reference(const struct path *path);
/// "$['a']['b'][0]"
struct str path_canonical(struct arena *arena, const struct path *path);

/// @param ret_value  shares memory with the scope's values; arrays of hits live in `arena`
/// @return RC_OK | RC_NOT_FOUND (err says what is missing) | RC_LIMIT
CHECK rc path_get(struct arena *arena, const struct path *path, const struct flow_scope *scope,
                  struct json *ret_value, struct err *err);
/// Parses and looks up.
CHECK rc path_eval(struct arena *arena, struct str text, const struct flow_scope *scope,
                   struct json *ret_value, struct err *err);

/// `target` with `value` put at the place of a reference path; missing objects on the way are made.
/// @param ret_value  a new value that shares what did not change
/// @return RC_OK | RC_INVALID (the place cannot be made: an array index that is not there, or a
///   scalar on the way)
CHECK rc path_set(struct arena *arena, const struct path *path, const struct json *target,
                  const struct json *value, struct json *ret_value, struct err *err);

#endif
