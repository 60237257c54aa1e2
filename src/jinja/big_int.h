/// @file big_int.h
/// Integers beyond 64 bits, as Python has them. Layer: jinja, private.
/// Immutable, in an arena. Limit: BIG_INT_MAX_LIMBS; the caller's render turns it into an error.

#ifndef JINJA_BIG_INT_H
#define JINJA_BIG_INT_H

#include "jinja/value.h"

enum { BIG_INT_MAX_LIMBS = 2048 }; // 65,536 bits, 19,728 decimal digits

struct big_int {
    bool is_negative;
    uint32_t count;   // of limbs; the highest is not 0
    uint32_t limbs[]; // least significant first
};

/// The parts of an integer value (bool, int or big int) as a big int.
const struct big_int *big_int_of(struct arena *arena, struct value value);
/// The smallest value that holds the number: VALUE_INT where it fits.
struct value big_int_value(const struct big_int *big);

/// NULL when the result is over the limit.
const struct big_int *big_int_add(struct arena *arena, const struct big_int *a,
                                  const struct big_int *b, bool is_subtraction);
const struct big_int *big_int_multiply(struct arena *arena, const struct big_int *a,
                                       const struct big_int *b);
/// Quotient and remainder as Python's // and %: the remainder has the divisor's sign. @pre b != 0
void big_int_divide(struct arena *arena, const struct big_int *a, const struct big_int *b,
                    const struct big_int **ret_quotient, const struct big_int **ret_remainder);
int big_int_compare(const struct big_int *a, const struct big_int *b);
double big_int_to_double(const struct big_int *big);
/// @pre finite
const struct big_int *big_int_of_double(struct arena *arena, double number);
/// Digits in a base from 2 to 36, letters in lower case. NULL when over the limit.
const struct big_int *big_int_parse(struct arena *arena, struct str digits, unsigned base,
                                    bool is_negative);
/// Appends the number in base 10, 2, 8 or 16, with its sign.
void big_int_write(const struct big_int *big, unsigned base, struct buf *to);

#endif
