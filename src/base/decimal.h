/// @file decimal.h
/// Decimal numbers of up to 38 digits: value = unscaled / 10^scale. Layer: base. Pure functions.
/// Source: Iceberg and Parquet decimal(p, s); rounding where it happens is half to even, as
/// Python's decimal does by default. Limits: |unscaled| < 10^38, scale 0..38 (negative scales of
/// texts like 1e3 are multiplied out).

#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { DECIMAL_MAX_DIGITS = 38, DECIMAL_TEXT_BYTES = 48 };

struct decimal {
    __int128 unscaled;
    int scale; // digits behind the point, 0..38
};

/// Reads -12.50, +3, .5, 5., 1.5e3, 1E-4; the whole text. Zeros behind the point are kept in the
/// scale ("1.10" has scale 2).
/// @return RC_OK | RC_INVALID (no number; also NaN and Infinity) | RC_LIMIT (more than 38 digits)
CHECK rc decimal_parse(struct str text, struct decimal *ret_decimal, struct err *err);
/// Shortest decimal text of the double, read back. @return RC_INVALID for NaN and infinities
CHECK rc decimal_of_double(double number, struct decimal *ret_decimal, struct err *err);

/// Plain notation with exactly `scale` digits behind the point. @return length, without the NUL
size_t decimal_write(struct decimal decimal, char to[DECIMAL_TEXT_BYTES]);
struct str decimal_print(struct arena *arena, struct decimal decimal);
double decimal_to_double(struct decimal decimal);
/// @return false when it has a fraction or does not fit
bool decimal_to_int64(struct decimal decimal, int64_t *ret_number);

/// Digits of the unscaled value; 1 for zero.
int decimal_precision(struct decimal decimal);
/// The same value with another scale. @return RC_OK | RC_LIMIT (more than 38 digits)
/// @param may_round  half to even; when false a lost digit is RC_INVALID
struct decimal_rescale_options {
    bool may_round;
};
CHECK rc decimal_rescale(struct decimal decimal, int scale, struct decimal_rescale_options options,
                         struct decimal *ret_decimal, struct err *err);
/// Fits decimal(precision, scale) without losing a digit?
bool decimal_fits(struct decimal decimal, int precision, int scale);
/// Drops zeros behind the point.
struct decimal decimal_normalize(struct decimal decimal);

int decimal_compare(struct decimal a, struct decimal b); // by value; never fails
/// Exact; the scale is the larger one (add, subtract) or the sum (multiply, rounded above 38).
CHECK rc decimal_add(struct decimal a, struct decimal b, struct decimal *ret, struct err *err);
CHECK rc decimal_subtract(struct decimal a, struct decimal b, struct decimal *ret, struct err *err);
CHECK rc decimal_multiply(struct decimal a, struct decimal b, struct decimal *ret, struct err *err);

/// The fewest bytes of two's complement, big-endian, as Iceberg stores decimals. @return 1..16
size_t decimal_to_bytes(__int128 unscaled, unsigned char to[16]);
/// @param length  1..16
__int128 decimal_of_bytes(const unsigned char *bytes, size_t length);
/// 10^exponent for 0..38.
__int128 decimal_power_of_ten(int exponent);

#endif
