/// @file properties.h
/// Ordered text -> text map: table properties, snapshot summaries, namespace properties.
/// Layer: iceberg. Small (tens of entries): lookups are linear.

#ifndef ICEBERG_PROPERTIES_H
#define ICEBERG_PROPERTIES_H

#include "base/json.h"
#include "base/vec.h"

struct property {
    struct str key, value;
};
VEC_TYPE(properties, struct property);

/// @return the value, or `fallback` when absent
struct str properties_get(const properties *properties, struct str key, struct str fallback);
bool properties_has(const properties *properties, struct str key);
/// The value as a number; `fallback` when absent or no number.
int64_t properties_int64(const properties *properties, struct str key, int64_t fallback);
bool properties_bool(const properties *properties, struct str key, bool fallback);
/// Adds or replaces; texts are copied into `arena`.
void properties_set(struct arena *arena, properties *properties, struct str key, struct str value);
void properties_set_int64(struct arena *arena, properties *properties, struct str key,
                          int64_t value);
bool properties_remove(properties *properties, struct str key);
properties properties_copy(struct arena *arena, const properties *from);
/// @return RC_OK | RC_INVALID (no object, or a value that is no text)
CHECK rc properties_parse(struct arena *arena, const struct json *json, properties *ret_properties,
                          struct err *err);
void properties_write(struct json_writer *writer, const properties *properties);

#endif
