/// @file select.h
/// Choosing values of a JSON document by a path, as dlt's data_selector and its relatives do.
/// Layer: ingest. Thin over base/jsonpath. Threads: a compiled selector is read-only.

#ifndef INGEST_SOURCE_SELECT_H
#define INGEST_SOURCE_SELECT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "base/vec.h"

struct selector;
VEC_TYPE(json_ref_vec, const struct json *);

/// True for a plain field name, which needs no path.
bool selector_is_field(struct str path);
/// @return RC_OK | RC_CONFIG (no valid path)
CHECK rc selector_compile(struct arena *arena, struct str path, const struct selector **ret,
                          struct err *err);
/// Every match, in document order.
CHECK rc selector_all(const struct selector *selector, struct arena *arena,
                      const struct json *value, json_ref_vec *ret_values, struct err *err);
/// The first match, or NULL.
const struct json *selector_first(const struct selector *selector, const struct json *value);
struct str selector_text(const struct selector *selector);

#endif
