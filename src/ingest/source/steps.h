/// @file steps.h
/// processing_steps: filters and maps over raw records, as Jinja expressions, before anything else
/// sees them. Layer: ingest. Source: dlt's processing_steps (filter, map), whose Python functions
/// are expressions here: `record` is the record. Threads: belongs to one source run.

#ifndef INGEST_SOURCE_STEPS_H
#define INGEST_SOURCE_STEPS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

struct steps;

/// @param config  a list of {filter: EXPRESSION} and {map: {field: EXPRESSION, ...}}
/// @return RC_OK | RC_CONFIG
CHECK rc steps_open(struct arena *arena, const struct json *config, struct steps **ret_steps,
                    struct err *err);

/// @param arena       of the page; the new record lives there
/// @param ret_record  NULL = filtered out
CHECK rc steps_apply(struct steps *steps, struct arena *arena, const struct json *record,
                     const struct json **ret_record, struct err *err);

#endif
