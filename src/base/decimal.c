#include "base/decimal.h"

#include <stdio.h>
#include <stdlib.h>

__int128 decimal_power_of_ten(int exponent)
{
    static const int64_t small[] = {1,
                                    10,
                                    100,
                                    1000,
                                    10000,
                                    100000,
                                    1000000,
                                    10000000,
                                    100000000,
                                    1000000000,
                                    10000000000,
                                    100000000000,
                                    1000000000000,
                                    10000000000000,
                                    100000000000000,
                                    1000000000000000,
                                    10000000000000000,
                                    100000000000000000,
                                    1000000000000000000};
    return exponent <= 18   ? small[exponent]
           : exponent <= 36 ? (__int128)small[exponent - 18] * small[18]
                            : (__int128)small[exponent - 36] * small[18] * small[18];
}

static __int128 absolute(__int128 number)
{
    return number < 0 ? -number : number;
}

static rc too_long(struct err *err)
{
    return err_set(err, RC_LIMIT, "a decimal of more than %d digits", DECIMAL_MAX_DIGITS);
}

static bool is_in_range(__int128 unscaled)
{
    return absolute(unscaled) < decimal_power_of_ten(DECIMAL_MAX_DIGITS);
}

// --- Reading -------------------------------------------------------------------------------------

static rc refuse(struct str text, struct err *err)
{
    return err_set(err, RC_INVALID, "expected a decimal number, found '%.*s'",
                   text.length > 60 ? 60 : (int)text.length, text.bytes);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Zeros at the end are counted before they are multiplied in, so that 1.000...0 (50 zeros) fails by
// its digits and 0e50 does not.
struct digits {
    __int128 unscaled;
    int64_t scale;
    bool is_over, has_any;
};

static void digits_add(struct digits *d, char c)
{
    d->has_any = true;
    if (d->unscaled >= decimal_power_of_ten(DECIMAL_MAX_DIGITS - 1)) {
        d->is_over = true;
        return;
    }
    d->unscaled = d->unscaled * 10 + (c - '0');
}

static bool read_exponent(struct str text, int64_t *ret)
{
    const char sign = text.length > 0 ? text.bytes[0] : '\0';
    if (sign == '+' || sign == '-')
        text = str_slice(text, 1, SIZE_MAX);
    if (text.length == 0)
        return false;
    int64_t number = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.bytes[i]))
            return false;
        if (number < 1000000)
            number = number * 10 + (text.bytes[i] - '0');
    }
    *ret = sign == '-' ? -number : number;
    return true;
}

rc decimal_parse(struct str text, struct decimal *ret_decimal, struct err *err)
{
    struct digits d = {0};
    size_t at = 0;
    const bool is_negative = text.length > 0 && text.bytes[0] == '-';
    if (is_negative || (text.length > 0 && text.bytes[0] == '+'))
        at++;
    bool is_behind_point = false;
    for (; at < text.length; at++) {
        const char c = text.bytes[at];
        if (c == '.' && !is_behind_point) {
            is_behind_point = true;
            continue;
        }
        if (!is_digit(c))
            break;
        digits_add(&d, c);
        d.scale += is_behind_point;
    }
    int64_t exponent = 0;
    if (!d.has_any ||
        (at < text.length && ((text.bytes[at] | 0x20) != 'e' ||
                              !read_exponent(str_slice(text, at + 1, SIZE_MAX), &exponent))))
        return refuse(text, err);
    if (d.is_over)
        return too_long(err);
    d.scale -= exponent;
    if (d.unscaled == 0 && d.scale < 0)
        d.scale = 0;
    for (; d.scale < 0; d.scale++) {
        if (absolute(d.unscaled) >= decimal_power_of_ten(DECIMAL_MAX_DIGITS - 1))
            return too_long(err);
        d.unscaled *= 10;
    }
    for (; d.scale > DECIMAL_MAX_DIGITS && d.unscaled % 10 == 0; d.scale--) {
        d.unscaled /= 10;
        if (d.unscaled == 0)
            d.scale = DECIMAL_MAX_DIGITS + 1;
    }
    if (d.scale > DECIMAL_MAX_DIGITS)
        return too_long(err);
    *ret_decimal = (struct decimal){is_negative ? -d.unscaled : d.unscaled, (int)d.scale};
    return RC_OK;
}

rc decimal_of_double(double number, struct decimal *ret_decimal, struct err *err)
{
    char text[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, number);
        if (strtod(text, NULL) == number)
            break;
    }
    return decimal_parse(str_of(text), ret_decimal, err);
}

// --- Writing -------------------------------------------------------------------------------------

size_t decimal_write(struct decimal decimal, char to[DECIMAL_TEXT_BYTES])
{
    char reversed[DECIMAL_TEXT_BYTES];
    size_t count = 0;
    __int128 rest = absolute(decimal.unscaled);
    for (int digit = 0; rest > 0 || digit <= decimal.scale; digit++, rest /= 10) {
        if (digit == decimal.scale && digit > 0)
            reversed[count++] = '.';
        reversed[count++] = (char)('0' + (int)(rest % 10));
    }
    size_t length = 0;
    if (decimal.unscaled < 0)
        to[length++] = '-';
    while (count > 0)
        to[length++] = reversed[--count];
    to[length] = '\0';
    return length;
}

struct str decimal_print(struct arena *arena, struct decimal decimal)
{
    char text[DECIMAL_TEXT_BYTES];
    const size_t length = decimal_write(decimal, text);
    return arena_str(arena, (struct str){text, length});
}

double decimal_to_double(struct decimal decimal)
{
    // Through the text, so that the result is the nearest double and not that of two roundings.
    char text[DECIMAL_TEXT_BYTES];
    decimal_write(decimal, text);
    return strtod(text, NULL);
}

bool decimal_to_int64(struct decimal decimal, int64_t *ret_number)
{
    const __int128 factor = decimal_power_of_ten(decimal.scale);
    const __int128 whole = decimal.unscaled / factor;
    if (decimal.unscaled % factor != 0 || whole > INT64_MAX || whole < INT64_MIN)
        return false;
    *ret_number = (int64_t)whole;
    return true;
}

// --- Scales --------------------------------------------------------------------------------------

int decimal_precision(struct decimal decimal)
{
    const __int128 number = absolute(decimal.unscaled);
    int digits = 1;
    while (digits < DECIMAL_MAX_DIGITS && number >= decimal_power_of_ten(digits))
        digits++;
    return digits;
}

static __int128 divide_half_even(__int128 number, __int128 divisor)
{
    const __int128 quotient = number / divisor;
    const __int128 rest = absolute(number % divisor), other = divisor - rest;
    const bool rounds_away = rest > other || (rest == other && quotient % 2 != 0);
    return rounds_away ? quotient + (number < 0 ? -1 : 1) : quotient;
}

rc decimal_rescale(struct decimal decimal, int scale, struct decimal_rescale_options options,
                   struct decimal *ret_decimal, struct err *err)
{
    if (scale < 0 || scale > DECIMAL_MAX_DIGITS)
        return err_set(err, RC_LIMIT, "a decimal scale of %d is outside 0..%d", scale,
                       DECIMAL_MAX_DIGITS);
    __int128 unscaled = decimal.unscaled;
    if (scale < decimal.scale) {
        const __int128 factor = decimal_power_of_ten(decimal.scale - scale);
        if (!options.may_round && unscaled % factor != 0)
            return err_set(err, RC_INVALID, "the decimal has more than %d digits behind the point",
                           scale);
        unscaled = divide_half_even(unscaled, factor);
    } else if (scale > decimal.scale && unscaled != 0) {
        const int shift = scale - decimal.scale;
        if (decimal_precision(decimal) + shift > DECIMAL_MAX_DIGITS)
            return too_long(err);
        unscaled *= decimal_power_of_ten(shift);
    }
    *ret_decimal = (struct decimal){unscaled, scale};
    return RC_OK;
}

bool decimal_fits(struct decimal decimal, int precision, int scale)
{
    struct decimal scaled;
    const struct decimal_rescale_options exact = {0};
    return decimal_rescale(decimal, scale, exact, &scaled, NULL) == RC_OK &&
           (scaled.unscaled == 0 || decimal_precision(scaled) <= precision);
}

struct decimal decimal_normalize(struct decimal decimal)
{
    while (decimal.scale > 0 && decimal.unscaled % 10 == 0) {
        decimal.unscaled /= 10;
        decimal.scale--;
    }
    return decimal;
}

// --- Arithmetic ----------------------------------------------------------------------------------

int decimal_compare(struct decimal a, struct decimal b)
{
    const __int128 factor_a = decimal_power_of_ten(a.scale);
    const __int128 factor_b = decimal_power_of_ten(b.scale);
    const __int128 whole_a = a.unscaled / factor_a, whole_b = b.unscaled / factor_b;
    if (whole_a != whole_b)
        return whole_a < whole_b ? -1 : 1;
    // The fractions have at most 38 digits, so they can be brought to one scale.
    __int128 rest_a = a.unscaled % factor_a, rest_b = b.unscaled % factor_b;
    if (a.scale < b.scale)
        rest_a *= decimal_power_of_ten(b.scale - a.scale);
    else
        rest_b *= decimal_power_of_ten(a.scale - b.scale);
    return rest_a < rest_b ? -1 : rest_a > rest_b;
}

rc decimal_add(struct decimal a, struct decimal b, struct decimal *ret, struct err *err)
{
    const int scale = a.scale > b.scale ? a.scale : b.scale;
    const struct decimal_rescale_options exact = {0};
    TRY(decimal_rescale(a, scale, exact, &a, err));
    TRY(decimal_rescale(b, scale, exact, &b, err));
    const __int128 sum = a.unscaled + b.unscaled; // below 2 * 10^38: no overflow
    if (!is_in_range(sum))
        return too_long(err);
    *ret = (struct decimal){sum, scale};
    return RC_OK;
}

rc decimal_subtract(struct decimal a, struct decimal b, struct decimal *ret, struct err *err)
{
    b.unscaled = -b.unscaled;
    return decimal_add(a, b, ret, err);
}

rc decimal_multiply(struct decimal a, struct decimal b, struct decimal *ret, struct err *err)
{
    a = decimal_normalize(a);
    b = decimal_normalize(b);
    __int128 product;
    if (__builtin_mul_overflow(a.unscaled, b.unscaled, &product) || !is_in_range(product))
        return too_long(err);
    int scale = a.scale + b.scale;
    if (scale > DECIMAL_MAX_DIGITS) {
        const int lost = scale - DECIMAL_MAX_DIGITS;
        product = divide_half_even(product, decimal_power_of_ten(lost));
        scale = DECIMAL_MAX_DIGITS;
    }
    *ret = (struct decimal){product, scale};
    return RC_OK;
}

// --- Bytes ---------------------------------------------------------------------------------------

size_t decimal_to_bytes(__int128 unscaled, unsigned char to[16])
{
    size_t length = 1;
    while (length < 16 && (unscaled >> (8 * length - 1)) != 0 &&
           (unscaled >> (8 * length - 1)) != -1)
        length++;
    for (size_t i = 0; i < length; i++)
        to[i] = (unsigned char)(unscaled >> (8 * (length - 1 - i)));
    return length;
}

__int128 decimal_of_bytes(const unsigned char *bytes, size_t length)
{
    unsigned __int128 number = length > 0 && bytes[0] >= 0x80 ? ~(unsigned __int128)0 : 0;
    for (size_t i = 0; i < length; i++)
        number = number << 8 | bytes[i];
    return (__int128)number;
}
