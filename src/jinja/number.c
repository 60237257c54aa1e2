/// @file number.c
/// Python's arithmetic on bool, int, float and Decimal. Layer: jinja. Source: CPython 3.11.
/// Decimals keep up to 38 digits; a product or quotient beyond is rounded half to even at 28.

#include "jinja/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "jinja/big_int.h"
#include "jinja/throw.h"

const char *const binary_operator_texts[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};

enum { DECIMAL_DIGITS = 28, POWER_MAX_BITS = BIG_INT_MAX_LIMBS * 32 };

static const __int128 int128_max = (__int128)(~(unsigned __int128)0 >> 1);

// ---------------------------------------------------------------- comparison

static double decimal_to_double(const struct decimal_value *decimal)
{
    char text[64];
    struct buf buf;
    buf_init(&buf, sizeof text);
    __int128 unscaled = decimal->unscaled;
    const bool is_negative = unscaled < 0;
    unsigned __int128 size = is_negative ? (unsigned __int128)0 - (unsigned __int128)unscaled
                                         : (unsigned __int128)unscaled;
    char digits[48];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + (int)(size % 10));
        size /= 10;
    } while (size != 0);
    snprintf(text, sizeof text, "%s%se%d", is_negative ? "-" : "", digits + at, -decimal->scale);
    buf_done(&buf);
    return strtod(text, NULL);
}

double number_to_double(struct value value)
{
    switch ((enum value_kind)value.kind) {
    case VALUE_BOOL:
    case VALUE_INT:
        return (double)value.integer;
    case VALUE_BIG_INT:
        return big_int_to_double(value.big);
    case VALUE_FLOAT:
        return value.number;
    default:
        return decimal_to_double(value.decimal);
    }
}

static bool is_small(struct value value)
{
    return value.kind == VALUE_INT || value.kind == VALUE_BOOL;
}

static bool is_integer(struct value value)
{
    return is_small(value) || value.kind == VALUE_BIG_INT;
}

/// Brings both to one scale. @return false when that overflows
static bool align(struct decimal_value *a, struct decimal_value *b)
{
    while (a->scale < b->scale) {
        if (__builtin_mul_overflow(a->unscaled, (__int128)10, &a->unscaled))
            return false;
        a->scale++;
    }
    while (b->scale < a->scale) {
        if (__builtin_mul_overflow(b->unscaled, (__int128)10, &b->unscaled))
            return false;
        b->scale++;
    }
    return true;
}

static bool to_decimal(struct value value, struct decimal_value *ret_decimal)
{
    if (value.kind == VALUE_DECIMAL) {
        *ret_decimal = *value.decimal;
        return true;
    }
    if (!is_small(value))
        return false;
    *ret_decimal = (struct decimal_value){.unscaled = value.integer};
    return true;
}

int number_compare(struct value a, struct value b)
{
    if (is_small(a) && is_small(b))
        return (a.integer > b.integer) - (a.integer < b.integer);
    if (is_integer(a) && is_integer(b)) {
        struct arena *scratch = arena_open(NULL);
        const int order = big_int_compare(big_int_of(scratch, a), big_int_of(scratch, b));
        arena_close(scratch);
        return order;
    }
    struct decimal_value x, y;
    if (to_decimal(a, &x) && to_decimal(b, &y) && align(&x, &y))
        return (x.unscaled > y.unscaled) - (x.unscaled < y.unscaled);
    const double p = number_to_double(a), q = number_to_double(b);
    if (p == q && is_small(a) != is_small(b) && (is_small(a) || is_small(b)) && fabs(p) < 9.2e18) {
        // the integer may have lost digits on its way to double
        const int64_t i = is_small(a) ? a.integer : (int64_t)p;
        const int64_t j = is_small(b) ? b.integer : (int64_t)q;
        return (i > j) - (i < j);
    }
    return (p > q) - (p < q);
}

bool number_equal(struct value a, struct value b)
{
    if ((a.kind == VALUE_FLOAT && isnan(a.number)) || (b.kind == VALUE_FLOAT && isnan(b.number)))
        return false;
    return number_compare(a, b) == 0;
}

// ---------------------------------------------------------------- integers

static rc too_large(struct err *err)
{
    return err_set(err, RC_LIMIT, "an integer of more than %d bits", POWER_MAX_BITS);
}

static rc floats(enum binary_operator op, double a, double b, struct value *ret_value,
                 struct err *err);

static rc divide_by_zero(enum binary_operator op, bool is_float, struct err *err)
{
    const char *words = op == OP_DIVIDE ? (is_float ? "float division by zero" : "division by zero")
                        : !is_float     ? "integer division or modulo by zero"
                        : op == OP_MODULO ? "float modulo"
                                          : "float floor division by zero";
    if (op == OP_MODULO && !is_float)
        words = "integer modulo by zero";
    return throw_error(err, "ZeroDivisionError", "%s", words);
}

static rc power(struct arena *arena, struct value a, struct value b, struct value *ret_value,
                struct err *err)
{
    if (b.kind == VALUE_BIG_INT)
        return too_large(err);
    if (b.integer < 0) {
        if (number_to_double(a) == 0)
            return throw_error(err, "ZeroDivisionError",
                               "0.0 cannot be raised to a negative power");
        *ret_value = value_float(pow(number_to_double(a), (double)b.integer));
        return RC_OK;
    }
    const struct big_int *result = big_int_of(arena, value_int(1));
    const struct big_int *base = big_int_of(arena, a);
    for (int64_t exponent = b.integer; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0)
            result = big_int_multiply(arena, result, base);
        if (result == NULL)
            return too_large(err);
        if (exponent > 1)
            base = big_int_multiply(arena, base, base);
        if (base == NULL)
            return too_large(err);
    }
    *ret_value = big_int_value(result);
    return RC_OK;
}

static rc big_integers(struct arena *arena, enum binary_operator op, struct value a, struct value b,
                       struct value *ret_value, struct err *err)
{
    const struct big_int *x = big_int_of(arena, a), *y = big_int_of(arena, b);
    const struct big_int *result = NULL, *rest = NULL;
    switch (op) {
    case OP_ADD:
    case OP_SUBTRACT:
        result = big_int_add(arena, x, y, op == OP_SUBTRACT);
        break;
    case OP_MULTIPLY:
        result = big_int_multiply(arena, x, y);
        break;
    default:
        if (y->count == 0)
            return divide_by_zero(op, false, err);
        big_int_divide(arena, x, y, &result, &rest);
        if (op == OP_MODULO)
            result = rest;
        break;
    }
    if (result == NULL)
        return too_large(err);
    *ret_value = big_int_value(result);
    return RC_OK;
}

static rc integers(struct arena *arena, enum binary_operator op, struct value a, struct value b,
                   struct value *ret_value, struct err *err)
{
    if (op == OP_POWER)
        return power(arena, a, b, ret_value, err);
    if (op == OP_DIVIDE) {
        if (number_to_double(b) == 0)
            return divide_by_zero(op, false, err);
        *ret_value = value_float(number_to_double(a) / number_to_double(b));
        return RC_OK;
    }
    if (!is_small(a) || !is_small(b))
        return big_integers(arena, op, a, b, ret_value, err);
    int64_t result = 0;
    bool overflows = false;
    switch (op) {
    case OP_ADD:
        overflows = __builtin_add_overflow(a.integer, b.integer, &result);
        break;
    case OP_SUBTRACT:
        overflows = __builtin_sub_overflow(a.integer, b.integer, &result);
        break;
    case OP_MULTIPLY:
        overflows = __builtin_mul_overflow(a.integer, b.integer, &result);
        break;
    default:
        if (b.integer == 0)
            return divide_by_zero(op, false, err);
        if (b.integer == -1) {
            overflows = a.integer == INT64_MIN && op == OP_FLOOR_DIVIDE;
            result = op == OP_MODULO || overflows ? 0 : -a.integer;
            break;
        }
        const int64_t rest = a.integer % b.integer;
        const bool adjust = rest != 0 && (rest < 0) != (b.integer < 0);
        result = op == OP_MODULO ? rest + (adjust ? b.integer : 0) : a.integer / b.integer - adjust;
        break;
    }
    if (overflows)
        return big_integers(arena, op, a, b, ret_value, err);
    *ret_value = value_int(result);
    return RC_OK;
}

// ---------------------------------------------------------------- floats and decimals

static rc floats(enum binary_operator op, double a, double b, struct value *ret_value,
                 struct err *err)
{
    double result = 0;
    switch (op) {
    case OP_ADD:
        result = a + b;
        break;
    case OP_SUBTRACT:
        result = a - b;
        break;
    case OP_MULTIPLY:
        result = a * b;
        break;
    case OP_POWER:
        if (a == 0 && b < 0)
            return throw_error(err, "ZeroDivisionError",
                               "0.0 cannot be raised to a negative power");
        result = pow(a, b);
        if (isinf(result) && isfinite(a) && isfinite(b))
            return throw_error(err, "OverflowError", "(34, 'Numerical result out of range')");
        break;
    default:
        if (b == 0)
            return divide_by_zero(op, true, err);
        if (op == OP_DIVIDE) {
            result = a / b;
            break;
        }
        double rest = fmod(a, b);
        if (rest != 0 && (rest < 0) != (b < 0))
            rest += b;
        else if (rest == 0)
            rest = copysign(0.0, b);
        result = op == OP_MODULO ? rest : round((a - rest) / b);
        if (result == 0 && op == OP_FLOOR_DIVIDE)
            result = copysign(0.0, a / b);
        break;
    }
    *ret_value = value_float(result);
    return RC_OK;
}

/// a / b with DECIMAL_DIGITS significant digits, half to even, without trailing zeros beyond the
/// ideal scale.
static struct decimal_value divide_decimals(struct decimal_value a, struct decimal_value b)
{
    int32_t scale = a.scale - b.scale;
    const int32_t ideal = scale > 0 ? scale : 0;
    __int128 limit = 1;
    for (int i = 0; i < DECIMAL_DIGITS; i++)
        limit *= 10;
    __int128 quotient = a.unscaled / b.unscaled, rest = a.unscaled % b.unscaled;
    while (rest != 0 && quotient < limit / 10 && quotient > -(limit / 10) &&
           rest < int128_max / 10 && rest > -(int128_max / 10)) {
        rest *= 10;
        quotient = quotient * 10 + rest / b.unscaled;
        rest %= b.unscaled;
        scale++;
    }
    const __int128 twice = rest * 2, divisor = b.unscaled < 0 ? -b.unscaled : b.unscaled;
    const __int128 size = twice < 0 ? -twice : twice;
    if (size > divisor || (size == divisor && (quotient & 1) != 0))
        quotient += (a.unscaled < 0) == (b.unscaled < 0) ? 1 : -1;
    while (scale > ideal && quotient % 10 == 0) {
        quotient /= 10;
        scale--;
    }
    return (struct decimal_value){.unscaled = quotient, .scale = scale};
}

static rc decimals(struct arena *arena, enum binary_operator op, struct value a, struct value b,
                   struct value *ret_value, struct err *err)
{
    struct decimal_value x, y;
    const bool is_exact = to_decimal(a, &x) && to_decimal(b, &y);
    if (!is_exact && (a.kind == VALUE_FLOAT || b.kind == VALUE_FLOAT))
        return throw_error(err, "TypeError", "unsupported operand type(s) for %s: '%s' and '%s'",
                           binary_operator_texts[op], value_type_name(a), value_type_name(b));
    if (!is_exact)
        return floats(op, number_to_double(a), number_to_double(b), ret_value, err);
    if (op != OP_ADD && op != OP_SUBTRACT && op != OP_MULTIPLY && op != OP_POWER && y.unscaled == 0)
        return throw_error(err, "decimal.DivisionByZero", "[<class 'decimal.DivisionByZero'>]");
    __int128 result = 0;
    bool fits = true;
    int32_t scale = x.scale;
    switch (op) {
    case OP_ADD:
    case OP_SUBTRACT:
        fits = align(&x, &y);
        scale = x.scale;
        if (fits)
            fits = op == OP_ADD ? !__builtin_add_overflow(x.unscaled, y.unscaled, &result)
                                : !__builtin_sub_overflow(x.unscaled, y.unscaled, &result);
        break;
    case OP_MULTIPLY:
        fits = !__builtin_mul_overflow(x.unscaled, y.unscaled, &result);
        scale = x.scale + y.scale;
        break;
    case OP_DIVIDE: {
        const struct decimal_value quotient = divide_decimals(x, y);
        result = quotient.unscaled;
        scale = quotient.scale;
        break;
    }
    case OP_FLOOR_DIVIDE:
    case OP_MODULO: // Decimal's // truncates; % has the dividend's sign
        fits = align(&x, &y);
        if (fits)
            result = op == OP_MODULO ? x.unscaled % y.unscaled : x.unscaled / y.unscaled;
        scale = op == OP_MODULO ? x.scale : 0;
        break;
    case OP_POWER:
        fits = false;
        break;
    }
    if (!fits) // beyond 38 digits: what remains is the nearest double
        return floats(op, number_to_double(a), number_to_double(b), ret_value, err);
    *ret_value = value_decimal(arena, result, scale);
    return RC_OK;
}

rc number_binary(struct arena *arena, enum binary_operator op, struct value a, struct value b,
                 struct value *ret_value, struct err *err)
{
    if (is_integer(a) && is_integer(b))
        return integers(arena, op, a, b, ret_value, err);
    if (a.kind == VALUE_DECIMAL || b.kind == VALUE_DECIMAL)
        return decimals(arena, op, a, b, ret_value, err);
    return floats(op, number_to_double(a), number_to_double(b), ret_value, err);
}

rc number_negate(struct arena *arena, struct value value, struct value *ret_value, struct err *err)
{
    if (value.kind == VALUE_FLOAT) {
        *ret_value = value_float(-value.number);
        return RC_OK;
    }
    if (value.kind == VALUE_DECIMAL) {
        *ret_value = value_decimal(arena, -value.decimal->unscaled, value.decimal->scale);
        return RC_OK;
    }
    return integers(arena, OP_SUBTRACT, value_int(0), value, ret_value, err);
}

rc number_truncate(struct arena *arena, struct value value, struct value *ret_value,
                   struct err *err)
{
    if (value.kind == VALUE_FLOAT) {
        if (isnan(value.number))
            return throw_error(err, "ValueError", "cannot convert float NaN to integer");
        if (isinf(value.number))
            return throw_error(err, "OverflowError", "cannot convert float infinity to integer");
        *ret_value = big_int_value(big_int_of_double(arena, value.number));
        return RC_OK;
    }
    if (value.kind == VALUE_DECIMAL) {
        __int128 unscaled = value.decimal->unscaled;
        for (int32_t scale = value.decimal->scale; scale > 0; scale--)
            unscaled /= 10;
        *ret_value = value_int128(arena, unscaled);
        return RC_OK;
    }
    *ret_value = value.kind == VALUE_BOOL ? value_int(value.integer) : value;
    return RC_OK;
}

// ---------------------------------------------------------------- reading and rounding

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

static bool has_prefix(struct str text, char letter)
{
    return text.length > 2 && text.bytes[0] == '0' && (text.bytes[1] | 0x20) == letter;
}

bool number_parse_int(struct arena *arena, struct str text, unsigned base, struct value *ret_value)
{
    text = str_trim(text);
    bool is_negative = false;
    if (text.length > 0 && (text.bytes[0] == '-' || text.bytes[0] == '+')) {
        is_negative = text.bytes[0] == '-';
        text = str_slice(text, 1, SIZE_MAX);
    }
    const char letters[] = {'x', 'o', 'b'};
    const unsigned bases[] = {16, 8, 2};
    bool is_prefixed = false;
    for (size_t i = 0; i < 3 && !is_prefixed; i++) {
        if (has_prefix(text, letters[i]) && (base == bases[i] || base == 0)) {
            base = bases[i];
            is_prefixed = true;
        }
    }
    if (is_prefixed)
        text = str_slice(text, text.bytes[2] == '_' ? 3 : 2, SIZE_MAX);
    const bool is_literal = base == 0;
    if (base == 0)
        base = 10;
    char *digits = arena_alloc(arena, text.length + 1);
    size_t count = 0;
    bool last_was_digit = false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '_' && last_was_digit) {
            last_was_digit = false;
            continue;
        }
        if (digit_of(text.bytes[i]) >= (int)base)
            return false;
        digits[count++] = text.bytes[i];
        last_was_digit = true;
    }
    if (!last_was_digit)
        return false;
    if (is_literal && count > 1 && digits[0] == '0') // 012 is no literal, 00 is
        for (size_t i = 0; i < count; i++)
            if (digits[i] != '0')
                return false;
    const struct big_int *big =
        big_int_parse(arena, (struct str){digits, count}, base, is_negative);
    if (big == NULL)
        return false;
    *ret_value = big_int_value(big);
    return true;
}

bool number_parse_float(struct str text, double *ret_number)
{
    text = str_trim(text);
    if (text.length == 0 || text.length > 400)
        return false;
    char plain[408];
    size_t count = 0;
    bool has_digit = false;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        const bool is_digit = c >= '0' && c <= '9';
        if (c == '_') {
            if (!has_digit || i + 1 == text.length || text.bytes[i - 1] < '0' ||
                text.bytes[i - 1] > '9' || text.bytes[i + 1] < '0' || text.bytes[i + 1] > '9')
                return false;
            continue;
        }
        if (c == 'x' || c == 'X' || c == 'p' || c == 'P' || c == '(' || c == '\0')
            return false; // strtod's hexadecimal and nan(...) forms
        has_digit = has_digit || is_digit;
        plain[count++] = c;
    }
    plain[count] = '\0';
    char *end;
    *ret_number = strtod(plain, &end);
    return end == plain + count;
}

double number_round(double number, int digits)
{
    if (!isfinite(number) || digits > 300)
        return number;
    if (digits < -308)
        return 0;
    if (digits >= 0) { // printf rounds the exact binary value half to even
        char text[700];
        snprintf(text, sizeof text, "%.*f", digits, number);
        return strtod(text, NULL);
    }
    const double unit = pow(10, -digits);
    return nearbyint(number / unit) * unit;
}
