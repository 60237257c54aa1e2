/// @file number.h
/// Arithmetic of Python's numbers and dates. Layer: jinja, private.

#ifndef JINJA_NUMBER_H
#define JINJA_NUMBER_H

#include "jinja/value.h"

enum binary_operator {
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_FLOOR_DIVIDE,
    OP_MODULO,
    OP_POWER,
};
extern const char *const binary_operator_texts[]; // "+", "-" ...

/// Both are numbers (bool, int, float, Decimal). NaN is unequal to everything.
bool number_equal(struct value a, struct value b);
int number_compare(struct value a, struct value b);
double number_to_double(struct value value);

/// a OP b for two numbers. @return RC_OK | RC_FAILED (ZeroDivisionError, OverflowError) | RC_LIMIT
CHECK rc number_binary(struct arena *arena, enum binary_operator op, struct value a, struct value b,
                       struct value *ret_value, struct err *err);
CHECK rc number_negate(struct arena *arena, struct value value, struct value *ret_value,
                       struct err *err);
/// int(number), toward zero. OverflowError / ValueError for inf and nan.
CHECK rc number_truncate(struct arena *arena, struct value value, struct value *ret_value,
                         struct err *err);
/// Python's int(text, base) for a text: sign, underscores, prefix, white space around.
/// @return false when it is no such number
bool number_parse_int(struct arena *arena, struct str text, unsigned base, struct value *ret_value);
/// Python's float(text): also inf, nan, underscores.
bool number_parse_float(struct str text, double *ret_number);
/// round(number, digits), half to even as Python does on the exact binary value.
double number_round(double number, int digits);

/// Order of two dates, datetimes or times of one kind and awareness.
int date_order(struct value a, struct value b);
__int128 delta_microseconds(const struct delta_value *delta);
/// + and - of dates and deltas, * and / of deltas. *ret_handled is false for other kinds.
CHECK rc date_binary(struct arena *arena, enum binary_operator op, struct value a, struct value b,
                     struct value *ret_value, bool *ret_handled, struct err *err);

uint64_t value_range_length(const struct value_range *range);

#endif
