/// @file value.h
/// One value of a primitive Iceberg type: bounds, partition values, defaults.
/// Layer: iceberg. Threads: plain values, pure functions.
/// Source: Iceberg spec Appendix D "Single-value serialization" (binary and JSON).

#ifndef ICEBERG_VALUE_H
#define ICEBERG_VALUE_H

#include "iceberg/types.h"

/// One value of a primitive type, or null.
struct value {
    enum type_id type;
    bool is_null;
    int precision, scale; // TYPE_DECIMAL
    union {
        bool boolean;
        int64_t integer;   // INT, LONG; DATE: days; TIME, TIMESTAMP(TZ): microseconds;
                           // TIMESTAMP(TZ)_NS: nanoseconds; all since 1970-01-01 UTC / midnight
        double real;       // FLOAT (exactly a float), DOUBLE
        __int128 unscaled; // DECIMAL
        struct str bytes;  // STRING (UTF-8), UUID (16 bytes, big-endian), FIXED, BINARY; borrowed
    };
};

static inline struct value value_null(const struct type *type)
{
    return (struct value){
        .type = type->id, .is_null = true, .precision = type->precision, .scale = type->scale};
}
static inline struct value value_int(enum type_id type, int64_t integer)
{
    return (struct value){.type = type, .integer = integer};
}
static inline struct value value_text(struct str text)
{
    return (struct value){.type = TYPE_STRING, .bytes = text};
}

/// Reads a bound as manifests store it. Bounds from before a promotion have the narrower width:
/// the length decides.
/// @param bytes  borrowed by text-like results
/// @return RC_OK | RC_CORRUPT (length does not fit the type) | RC_UNSUPPORTED (type has no bounds)
CHECK rc value_decode(const struct type *type, struct str bytes, struct value *ret_value,
                      struct err *err);
/// @return the binary form, in `arena`; empty for null
struct str value_encode(struct arena *arena, struct value value);

/// Order within one type: <0, 0, >0. -0.0 < 0.0; NaN behind everything. Not for nulls.
int value_order(struct value a, struct value b);
/// Nulls equal each other; doubles by bits except that all NaN are one.
bool value_same(struct value a, struct value b);
bool value_is_nan(struct value value);

/// For people and partition paths: "2017-12-01", "14.20", "null", base64 for binary.
struct str value_show(struct arena *arena, struct value value);
/// SQL literal of DuckDB with a cast: DATE '2017-12-01', CAST('...' AS TIMESTAMPTZ), 'it''s', NULL.
struct str value_sql(struct arena *arena, struct value value);

/// Appendix D JSON form (defaults, REST): dates as text, binary as hex.
void value_write(struct json_writer *writer, struct value value);
CHECK rc value_parse(struct arena *arena, const struct type *type, const struct json *json,
                     struct value *ret_value, struct err *err);
/// Reads what a person writes ("2017-12-01", "14.20", "abc") as a value of `type`.
CHECK rc value_parse_text(struct arena *arena, const struct type *type, struct str text,
                          struct value *ret_value, struct err *err);

/// Checks a JSON value against any type, nested ones included (structs are keyed by field id, maps
/// are {"keys": [], "values": []}).
CHECK rc value_check_json(struct arena *arena, const struct type *type, const struct json *json,
                          struct err *err);

/// Bounds of strings and bytes are cut to `width` code points or bytes.
/// @return the prefix for a lower bound
struct value value_truncate_lower(struct value value, int width);
/// @return false when no upper bound of that width exists: leave the bound out
bool value_truncate_upper(struct arena *arena, struct value value, int width,
                          struct value *ret_value);

#endif
