/// @file coerce.h
/// Fitting a value into a column of another type. Layer: ingest. Source: dlt's coercion table; a
/// failure means that the value goes to a variant column. Pure functions.

#ifndef INGEST_COERCE_H
#define INGEST_COERCE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "ingest/detect.h"

/// A value of one of dlt's types. Which member counts depends on the type.
struct cell {
    enum data_type type;
    bool boolean;   // BOOL
    bool is_big;    // BIGINT beyond 64 bits: the digits are in `text`
    bool has_zone;  // TIMESTAMP: the text said its offset (else UTC is assumed)
    int64_t number; // BIGINT; DATE: days; TIME: us of the day; TIMESTAMP: us since the epoch, UTC
    int offset_seconds; // TIMESTAMP: as it was written
    double real;        // DOUBLE
    struct str text;    // TEXT; BINARY: bytes; DECIMAL, WEI, big BIGINT: the number as Python's
                        // decimal prints it ("1E+5", "NaN")
    const struct json *json; // JSON
};

/// The value as JSON has it, with JSON's own type (integers: BIGINT; objects and lists: JSON).
/// @param value  not null; borrowed
struct cell cell_of_json(const struct json *value);

/// Converts `from` to `type`.
/// @param ret_cell  may borrow from `from` and `arena`
/// @return false when it cannot be
bool coerce(struct arena *arena, const struct cell *from, enum data_type type,
            struct cell *ret_cell);

/// Number text as Python's decimal prints it. @return false when the text is no number
bool decimal_text_normalize(struct arena *arena, struct str text, struct str *ret_text);

/// Python's str() of a double: 1.5, 1e-07, 1e+16, inf, nan.
struct str double_text(struct arena *arena, double number);

#endif
