/// @file path_filter.h
/// The condition in brackets of a JSONPath: [?(@.status == 0 && @.name)]. Layer: flow, internal to
/// path.c. Operators: == != < <= > >= && || !, parentheses, existence; values: numbers, 'text',
/// true, false, null, and paths that start with @.

#ifndef FLOW_PATH_FILTER_H
#define FLOW_PATH_FILTER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

struct path_filter;

/// @param at  offset behind the "?"; set to the offset behind the condition
CHECK rc path_filter_parse(struct arena *arena, struct str text, size_t *at,
                           const struct path_filter **ret_filter, struct err *err);
bool path_filter_takes(const struct path_filter *filter, const struct json *value);

#endif
