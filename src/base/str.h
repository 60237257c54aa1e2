/// @file str.h
/// A borrowed piece of text: pointer and length, not terminated, owned by someone else.
/// Layer: base. Small pure functions; everything that makes new text takes an arena.

#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

struct str {
    const char *bytes; // UTF-8 unless said otherwise; may be NULL when length is 0
    size_t length;     // bytes
};

/// A string literal as a str.
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/// The same where a constant initializer is needed (static tables).
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
/// For printf("%.*s", STR_ARGS(s)).
#define STR_ARGS(s) (int)(s).length, (s).bytes

static inline struct str str_of(const char *terminated)
{
    return (struct str){terminated, terminated != NULL ? strlen(terminated) : 0};
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static inline bool str_is(struct str a, const char *terminated)
{
    return str_equal(a, str_of(terminated));
}

static inline bool str_has_prefix(struct str s, struct str prefix)
{
    return s.length >= prefix.length &&
           (prefix.length == 0 || memcmp(s.bytes, prefix.bytes, prefix.length) == 0);
}

static inline bool str_has_suffix(struct str s, struct str suffix)
{
    return s.length >= suffix.length &&
           (suffix.length == 0 ||
            memcmp(s.bytes + s.length - suffix.length, suffix.bytes, suffix.length) == 0);
}

/// From `start`, at most `length` bytes; both are clipped to the text.
static inline struct str str_slice(struct str s, size_t start, size_t length)
{
    if (start > s.length)
        start = s.length;
    if (length > s.length - start)
        length = s.length - start;
    return (struct str){s.bytes != NULL ? s.bytes + start : NULL, length};
}

/// Byte-wise order, shorter first: <0, 0, >0. For UTF-8 this is the order of code points.
int str_compare(struct str a, struct str b);
/// ASCII letters only.
bool str_equal_ignore_case(struct str a, struct str b);
/// @return offset of the first hit, or SIZE_MAX
size_t str_find(struct str s, struct str needle);
size_t str_find_byte(struct str s, char byte);
size_t str_find_last_byte(struct str s, char byte);
bool str_contains(struct str s, struct str needle);
/// Without ASCII white space at both ends (space, \t \n \r \v \f).
struct str str_trim(struct str s);

/// Takes the part before the next `separator` from `rest`; false when nothing is left.
/// "a,,b" gives "a", "", "b"; "" gives nothing; "a," gives "a", "".
/// @param rest  the text still to split; set .bytes to NULL-terminated end by this function
bool str_split_next(struct str *rest, char separator, struct str *ret_part);

/// Decimal integer with optional sign, the whole text. @return false when it is none or overflows
bool str_to_int64(struct str s, int64_t *ret_number);
/// Finite decimal floating point number as strtod in the C locale reads it, the whole text.
bool str_to_double(struct str s, double *ret_number);

struct str str_lower(struct arena *arena, struct str s); // ASCII
struct str str_upper(struct arena *arena, struct str s); // ASCII
struct str str_replace(struct arena *arena, struct str s, struct str from, struct str to);
struct str str_join(struct arena *arena, const struct str *parts, size_t count,
                    struct str separator);
struct str str_concat(struct arena *arena, struct str a, struct str b);

/// The candidate that is nearest to a mistyped word, for "did you mean".
/// Distance: optimal string alignment, at most 1/3 of the word and at most 3.
/// @return index, or SIZE_MAX when none is near
size_t str_nearest(struct str word, const struct str *candidates, size_t count);

#endif
