/// @file big_int.c
/// Schoolbook arithmetic on 32-bit limbs. Layer: jinja. Source: Knuth, TAOCP volume 2, 4.3.1.

#include "jinja/big_int.h"

#include <math.h>

static struct big_int *new_big(struct arena *arena, uint32_t count)
{
    struct big_int *big = arena_alloc(arena, sizeof *big + count * sizeof big->limbs[0]);
    big->count = count;
    return big;
}

static const struct big_int *trim(struct big_int *big)
{
    while (big->count > 0 && big->limbs[big->count - 1] == 0)
        big->count--;
    if (big->count == 0)
        big->is_negative = false;
    return big;
}

const struct big_int *big_int_of(struct arena *arena, struct value value)
{
    if (value.kind == VALUE_BIG_INT)
        return value.big;
    struct big_int *big = new_big(arena, 2);
    const uint64_t size =
        value.integer < 0 ? (uint64_t)0 - (uint64_t)value.integer : (uint64_t)value.integer;
    big->is_negative = value.integer < 0;
    big->limbs[0] = (uint32_t)size;
    big->limbs[1] = (uint32_t)(size >> 32);
    return trim(big);
}

struct value big_int_value(const struct big_int *big)
{
    if (big->count <= 2) {
        uint64_t size = big->count > 0 ? big->limbs[0] : 0;
        if (big->count > 1)
            size |= (uint64_t)big->limbs[1] << 32;
        if (!big->is_negative && size <= INT64_MAX)
            return value_int((int64_t)size);
        if (big->is_negative && size <= (uint64_t)INT64_MAX + 1)
            return value_int((int64_t)((uint64_t)0 - size));
    }
    return (struct value){.kind = VALUE_BIG_INT, .big = big};
}

static int compare_size(const struct big_int *a, const struct big_int *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (uint32_t i = a->count; i-- > 0;)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

int big_int_compare(const struct big_int *a, const struct big_int *b)
{
    if (a->is_negative != b->is_negative)
        return a->is_negative ? -1 : 1;
    const int order = compare_size(a, b);
    return a->is_negative ? -order : order;
}

static struct big_int *add_sizes(struct arena *arena, const struct big_int *a,
                                 const struct big_int *b)
{
    const uint32_t count = (a->count > b->count ? a->count : b->count) + 1;
    struct big_int *sum = new_big(arena, count);
    uint64_t carry = 0;
    for (uint32_t i = 0; i < count; i++) {
        carry += i < a->count ? a->limbs[i] : 0;
        carry += i < b->count ? b->limbs[i] : 0;
        sum->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return sum;
}

static struct big_int *subtract_sizes(struct arena *arena, const struct big_int *large,
                                      const struct big_int *small)
{
    struct big_int *difference = new_big(arena, large->count);
    int64_t borrow = 0;
    for (uint32_t i = 0; i < large->count; i++) {
        int64_t limb = (int64_t)large->limbs[i] - (i < small->count ? small->limbs[i] : 0) + borrow;
        borrow = limb < 0 ? -1 : 0;
        difference->limbs[i] = (uint32_t)limb;
    }
    return difference;
}

const struct big_int *big_int_add(struct arena *arena, const struct big_int *a,
                                  const struct big_int *b, bool is_subtraction)
{
    if (a->count >= BIG_INT_MAX_LIMBS || b->count >= BIG_INT_MAX_LIMBS)
        return NULL;
    const bool b_is_negative = b->is_negative != is_subtraction;
    struct big_int *result;
    if (a->is_negative == b_is_negative) {
        result = add_sizes(arena, a, b);
        result->is_negative = a->is_negative;
    } else if (compare_size(a, b) >= 0) {
        result = subtract_sizes(arena, a, b);
        result->is_negative = a->is_negative;
    } else {
        result = subtract_sizes(arena, b, a);
        result->is_negative = b_is_negative;
    }
    return trim(result);
}

const struct big_int *big_int_multiply(struct arena *arena, const struct big_int *a,
                                       const struct big_int *b)
{
    if (a->count + b->count > BIG_INT_MAX_LIMBS)
        return NULL;
    struct big_int *product = new_big(arena, a->count + b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        uint64_t carry = 0;
        for (uint32_t j = 0; j < b->count; j++) {
            carry += (uint64_t)a->limbs[i] * b->limbs[j] + product->limbs[i + j];
            product->limbs[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        product->limbs[i + b->count] = (uint32_t)carry;
    }
    product->is_negative = a->is_negative != b->is_negative;
    return trim(product);
}

/// Long division of sizes, bit by bit over limbs of the dividend: O(n^2) with a small constant for
/// the sizes that the limit allows.
static void divide_sizes(struct arena *arena, const struct big_int *a, const struct big_int *b,
                         struct big_int **ret_quotient, struct big_int **ret_remainder)
{
    struct big_int *quotient = new_big(arena, a->count);
    struct big_int *remainder = new_big(arena, b->count + 1);
    if (b->count == 1) {
        uint64_t rest = 0;
        for (uint32_t i = a->count; i-- > 0;) {
            rest = rest << 32 | a->limbs[i];
            quotient->limbs[i] = (uint32_t)(rest / b->limbs[0]);
            rest %= b->limbs[0];
        }
        remainder->limbs[0] = (uint32_t)rest;
    } else {
        for (uint32_t bit = a->count * 32; bit-- > 0;) {
            uint32_t carry = a->limbs[bit / 32] >> (bit % 32) & 1;
            for (uint32_t i = 0; i < remainder->count; i++) {
                const uint32_t top = remainder->limbs[i] >> 31;
                remainder->limbs[i] = remainder->limbs[i] << 1 | carry;
                carry = top;
            }
            bool fits = remainder->limbs[b->count] != 0;
            for (uint32_t i = b->count; !fits && i-- > 0;) {
                if (remainder->limbs[i] != b->limbs[i] || i == 0) {
                    fits = remainder->limbs[i] >= b->limbs[i];
                    break;
                }
            }
            if (!fits)
                continue;
            int64_t borrow = 0;
            for (uint32_t i = 0; i < remainder->count; i++) {
                const int64_t limb =
                    (int64_t)remainder->limbs[i] - (i < b->count ? b->limbs[i] : 0) + borrow;
                borrow = limb < 0 ? -1 : 0;
                remainder->limbs[i] = (uint32_t)limb;
            }
            quotient->limbs[bit / 32] |= (uint32_t)1 << (bit % 32);
        }
    }
    *ret_quotient = quotient;
    *ret_remainder = remainder;
}

void big_int_divide(struct arena *arena, const struct big_int *a, const struct big_int *b,
                    const struct big_int **ret_quotient, const struct big_int **ret_remainder)
{
    struct big_int *quotient, *remainder;
    divide_sizes(arena, a, b, &quotient, &remainder);
    const bool signs_differ = a->is_negative != b->is_negative;
    quotient->is_negative = signs_differ;
    remainder->is_negative = a->is_negative;
    *ret_quotient = trim(quotient);
    *ret_remainder = trim(remainder);
    if (signs_differ && (*ret_remainder)->count > 0) { // floor, not truncation
        static const struct value one = {.kind = VALUE_INT, .integer = 1};
        *ret_quotient = big_int_add(arena, *ret_quotient, big_int_of(arena, one), true);
        *ret_remainder = big_int_add(arena, *ret_remainder, b, false);
    }
}

double big_int_to_double(const struct big_int *big)
{
    double number = 0;
    for (uint32_t i = big->count; i-- > 0;)
        number = number * 4294967296.0 + big->limbs[i];
    return big->is_negative ? -number : number;
}

const struct big_int *big_int_of_double(struct arena *arena, double number)
{
    int exponent;
    double fraction = frexp(fabs(trunc(number)), &exponent); // 0.5 <= fraction < 1
    const uint32_t count = exponent > 0 ? (uint32_t)exponent / 32 + 1 : 1;
    struct big_int *big = new_big(arena, count);
    fraction = ldexp(fraction, exponent - (int)(count - 1) * 32);
    for (uint32_t i = count; i-- > 0;) {
        const double limb = floor(fraction);
        big->limbs[i] = (uint32_t)limb;
        fraction = (fraction - limb) * 4294967296.0;
    }
    big->is_negative = number < 0;
    return trim(big);
}

const struct big_int *big_int_parse(struct arena *arena, struct str digits, unsigned base,
                                    bool is_negative)
{
    if (digits.length / 6 > BIG_INT_MAX_LIMBS) // base 36: 5.2 bits a digit
        return NULL;
    const uint32_t count = (uint32_t)(digits.length * 6 / 32 + 1);
    struct big_int *big = new_big(arena, count);
    uint32_t used = 0;
    for (size_t i = 0; i < digits.length; i++) {
        const char c = digits.bytes[i];
        uint64_t carry = (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        for (uint32_t j = 0; j < used; j++) {
            carry += (uint64_t)big->limbs[j] * base;
            big->limbs[j] = (uint32_t)carry;
            carry >>= 32;
        }
        if (carry != 0)
            big->limbs[used++] = (uint32_t)carry;
    }
    big->is_negative = is_negative;
    return trim(big);
}

void big_int_write(const struct big_int *big, unsigned base, struct buf *to)
{
    struct arena *scratch = arena_open(NULL);
    const size_t room = (size_t)big->count * 32 + 2;
    char *digits = arena_alloc(scratch, room);
    uint32_t *limbs = arena_copy(scratch, big->limbs, big->count * sizeof limbs[0]);
    uint32_t count = big->count;
    size_t at = room;
    while (count > 0) {
        uint64_t rest = 0;
        for (uint32_t i = count; i-- > 0;) {
            rest = rest << 32 | limbs[i];
            limbs[i] = (uint32_t)(rest / base);
            rest %= base;
        }
        digits[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[rest];
        while (count > 0 && limbs[count - 1] == 0)
            count--;
    }
    if (at == room)
        digits[--at] = '0';
    if (big->is_negative)
        digits[--at] = '-';
    buf_append(to, digits + at, room - at);
    arena_close(scratch);
}
