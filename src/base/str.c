#include "base/str.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"

int str_compare(struct str a, struct str b)
{
    const size_t common = a.length < b.length ? a.length : b.length;
    const int order = common > 0 ? memcmp(a.bytes, b.bytes, common) : 0;
    if (order != 0)
        return order;
    return a.length < b.length ? -1 : a.length > b.length;
}

static char lower_of(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static char upper_of(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

bool str_equal_ignore_case(struct str a, struct str b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        if (lower_of(a.bytes[i]) != lower_of(b.bytes[i]))
            return false;
    return true;
}

size_t str_find(struct str s, struct str needle)
{
    if (needle.length == 0)
        return 0;
    const char *hit = s.length > 0 ? memmem(s.bytes, s.length, needle.bytes, needle.length) : NULL;
    return hit != NULL ? (size_t)(hit - s.bytes) : SIZE_MAX;
}

size_t str_find_byte(struct str s, char byte)
{
    const char *hit = s.length > 0 ? memchr(s.bytes, byte, s.length) : NULL;
    return hit != NULL ? (size_t)(hit - s.bytes) : SIZE_MAX;
}

size_t str_find_last_byte(struct str s, char byte)
{
    const char *hit = s.length > 0 ? memrchr(s.bytes, byte, s.length) : NULL;
    return hit != NULL ? (size_t)(hit - s.bytes) : SIZE_MAX;
}

bool str_contains(struct str s, struct str needle)
{
    return str_find(s, needle) != SIZE_MAX;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.length > 0 && is_space(s.bytes[0])) {
        s.bytes++;
        s.length--;
    }
    while (s.length > 0 && is_space(s.bytes[s.length - 1]))
        s.length--;
    return s;
}

bool str_split_next(struct str *rest, char separator, struct str *ret_part)
{
    if (rest->bytes == NULL)
        return false;
    const size_t at = str_find_byte(*rest, separator);
    if (at == SIZE_MAX) {
        *ret_part = *rest;
        *rest = (struct str){NULL, 0};
        return true;
    }
    *ret_part = (struct str){rest->bytes, at};
    *rest = (struct str){rest->bytes + at + 1, rest->length - at - 1};
    return true;
}

bool str_to_int64(struct str s, int64_t *ret_number)
{
    size_t i = 0;
    const bool is_negative = s.length > 0 && s.bytes[0] == '-';
    if (s.length > 0 && (s.bytes[0] == '-' || s.bytes[0] == '+'))
        i = 1;
    if (i == s.length)
        return false;
    int64_t number = 0;
    for (; i < s.length; i++) {
        const int digit = s.bytes[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_sub_overflow(number, digit, &number)) // negative: INT64_MIN has no opposite
            return false;
    }
    if (!is_negative && __builtin_sub_overflow(0, number, &number))
        return false;
    *ret_number = number;
    return true;
}

bool str_to_double(struct str s, double *ret_number)
{
    // strtod wants a terminator and takes more than decimal numbers (hex, inf, nan, blanks).
    char text[512];
    if (s.length == 0 || s.length >= sizeof text)
        return false;
    for (size_t i = 0; i < s.length; i++)
        if (memchr("0123456789+-.eE", s.bytes[i], 15) == NULL)
            return false;
    memcpy(text, s.bytes, s.length);
    text[s.length] = '\0';
    char *end;
    const double number = strtod(text, &end);
    if (end != text + s.length || !isfinite(number))
        return false;
    *ret_number = number;
    return true;
}

static struct str map_bytes(struct arena *arena, struct str s, char (*change)(char))
{
    char *bytes = arena_cstr(arena, s);
    for (size_t i = 0; i < s.length; i++)
        bytes[i] = change(bytes[i]);
    return (struct str){bytes, s.length};
}

struct str str_lower(struct arena *arena, struct str s)
{
    return map_bytes(arena, s, lower_of);
}

struct str str_upper(struct arena *arena, struct str s)
{
    return map_bytes(arena, s, upper_of);
}

struct str str_replace(struct arena *arena, struct str s, struct str from, struct str to)
{
    if (from.length == 0)
        return s;
    size_t hits = 0;
    for (struct str rest = s; str_find(rest, from) != SIZE_MAX; hits++)
        rest = str_slice(rest, str_find(rest, from) + from.length, SIZE_MAX);
    if (hits == 0)
        return s;

    const size_t length = s.length - hits * from.length + hits * to.length;
    char *bytes = arena_alloc(arena, length + 1), *end = bytes;
    struct str rest = s;
    for (size_t at; (at = str_find(rest, from)) != SIZE_MAX;
         rest = str_slice(rest, at + from.length, SIZE_MAX)) {
        memcpy(end, rest.bytes, at);
        end += at;
        if (to.length > 0)
            memcpy(end, to.bytes, to.length);
        end += to.length;
    }
    if (rest.length > 0)
        memcpy(end, rest.bytes, rest.length);
    return (struct str){bytes, length};
}

struct str str_join(struct arena *arena, const struct str *parts, size_t count,
                    struct str separator)
{
    size_t length = count > 1 ? (count - 1) * separator.length : 0;
    for (size_t i = 0; i < count; i++)
        length += parts[i].length;
    char *bytes = arena_alloc(arena, length + 1), *end = bytes;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && separator.length > 0)
            end = mempcpy(end, separator.bytes, separator.length);
        if (parts[i].length > 0)
            end = mempcpy(end, parts[i].bytes, parts[i].length);
    }
    return (struct str){bytes, length};
}

struct str str_concat(struct arena *arena, struct str a, struct str b)
{
    return str_join(arena, (struct str[]){a, b}, 2, STR(""));
}

enum { NEAREST_MAX_BYTES = 64 };

static size_t least(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

// Optimal string alignment: insert, delete, replace, swap of neighbours, one each.
static size_t distance_of(struct str a, struct str b)
{
    size_t rows[3][NEAREST_MAX_BYTES + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.length; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            const bool is_same = lower_of(a.bytes[i - 1]) == lower_of(b.bytes[j - 1]);
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + (is_same ? 0 : 1));
            if (i > 1 && j > 1 && a.bytes[i - 1] == b.bytes[j - 2] &&
                a.bytes[i - 2] == b.bytes[j - 1] && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.length];
}

size_t str_nearest(struct str word, const struct str *candidates, size_t count)
{
    size_t best = SIZE_MAX;
    size_t best_distance = word.length / 3 < 3 ? word.length / 3 + 1 : 4; // must be below
    if (best_distance < 2)
        best_distance = 2;
    for (size_t i = 0; i < count; i++) {
        if (word.length > NEAREST_MAX_BYTES || candidates[i].length > NEAREST_MAX_BYTES)
            continue;
        const size_t distance = distance_of(word, candidates[i]);
        if (distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    return best;
}
