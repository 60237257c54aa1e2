/// @file placeholder.h
/// Placeholders of requests: {resources.<parent>.<path>} and {incremental.<name>} in texts and in
/// whole JSON trees. Layer: ingest. Source: dlt (Python's format strings without conversions and
/// format specs; {{ and }} are braces). Threads: pure functions.

#ifndef INGEST_SOURCE_PLACEHOLDER_H
#define INGEST_SOURCE_PLACEHOLDER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/vec.h"

/// Adds the names of the placeholders in every text of `value` (keys too).
/// @return RC_OK | RC_CONFIG (a single brace, a format spec)
CHECK rc placeholder_find(struct arena *arena, const struct json *value, str_vec *names,
                          struct err *err);

/// Gives the value of a placeholder; `*ret_value` NULL = there is none (the text gets nothing).
typedef rc (*placeholder_lookup)(void *ctx, struct str name, const struct json **ret_value,
                                 struct err *err);

struct placeholder_options {
    placeholder_lookup lookup;
    void *ctx;
    bool keeps_type; // a text that is one placeholder becomes the value itself (JSON bodies)
};

CHECK rc placeholder_expand_text(struct arena *arena, struct str text,
                                 const struct placeholder_options *options, struct str *ret_text,
                                 struct err *err);
/// A new tree; a member of an object whose text is one placeholder without value becomes null.
CHECK rc placeholder_expand(struct arena *arena, const struct json *value,
                            const struct placeholder_options *options, struct json *ret_value,
                            struct err *err);

/// A value as it stands in a URL or form: True/False as dlt spells booleans, numbers as written.
struct str placeholder_text_of(struct arena *arena, const struct json *value);

#endif
