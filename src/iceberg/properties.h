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
struct properties {
    struct property *items;
    size_t count, capacity; // grown by vec_push
};

/// @return the value, or `fallback` when absent
struct str properties_get(const struct properties *properties, struct str key, struct str fallback);
bool properties_has(const struct properties *properties, struct str key);
/// The value as a number; `fallback` when absent or no number.
int64_t properties_int64(const struct properties *properties, struct str key, int64_t fallback);
bool properties_bool(const struct properties *properties, struct str key, bool fallback);
/// Adds or replaces; texts are copied into `arena`.
void properties_set(struct arena *arena, struct properties *properties, struct str key,
                    struct str value);
void properties_set_int64(struct arena *arena, struct properties *properties, struct str key,
                          int64_t value);
bool properties_remove(struct properties *properties, struct str key);
struct properties properties_copy(struct arena *arena, const struct properties *from);
/// @return RC_OK | RC_INVALID (no object, or a value that is no text)
CHECK rc properties_parse(struct arena *arena, const struct json *json,
                          struct properties *ret_properties, struct err *err);
void properties_write(struct json_writer *writer, const struct properties *properties);

#endif
