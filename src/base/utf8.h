/// @file utf8.h
/// UTF-8 by code points, and the Unicode tables. Layer: base. Source: RFC 3629; tables: utf8proc.
/// Decoding never reads past the end and never fails: a wrong byte is U+FFFD of length 1.

#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { UTF8_REPLACEMENT = 0xFFFD, UTF8_MAX_BYTES = 4 };

/// Offset of the first byte that is no valid UTF-8 (overlong, surrogate, above U+10FFFF, cut off),
/// or SIZE_MAX when all is valid.
size_t utf8_find_invalid(struct str text);
static inline bool utf8_is_valid(struct str text)
{
    return utf8_find_invalid(text) == SIZE_MAX;
}

/// Takes the next code point off the front. @return false at the end
bool utf8_next(struct str *rest, uint32_t *ret_code_point);
/// Writes one code point. @return 1..4; surrogates and values above U+10FFFF give U+FFFD
size_t utf8_encode(uint32_t code_point, char to[UTF8_MAX_BYTES]);
void utf8_append(struct buf *to, uint32_t code_point);

/// Code points in the text.
size_t utf8_count(struct str text);
/// Byte offset of code point number `index`; the text's length when there are fewer.
size_t utf8_offset(struct str text, size_t index);
/// Code points start..start+count, clipped.
struct str utf8_slice(struct str text, size_t start, size_t count);
/// Valid UTF-8: each wrong byte becomes U+FFFD. A text that is valid is returned as it is.
struct str utf8_repair(struct arena *arena, struct str text);

/// Columns on a terminal (wide characters count 2, combining ones 0).
size_t utf8_width(struct str text);

/// Unicode mappings of the whole text (one code point each, but Ss for upper-case ß as Python).
struct str utf8_lower(struct arena *arena, struct str text);
struct str utf8_upper(struct arena *arena, struct str text);
/// First letter of each word upper, others lower, as Python's str.title().
struct str utf8_title(struct arena *arena, struct str text);
/// For comparing without case: Python's str.casefold().
struct str utf8_case_fold(struct arena *arena, struct str text);

enum utf8_form { UTF8_NFC, UTF8_NFD, UTF8_NFKC, UTF8_NFKD };
/// @return RC_OK | RC_INVALID (no valid UTF-8)
CHECK rc utf8_normalize(struct arena *arena, struct str text, enum utf8_form form,
                        struct str *ret_text, struct err *err);

/// As Python's str methods of the same names on one character.
bool utf8_is_alpha(uint32_t code_point);
bool utf8_is_digit(uint32_t code_point); // decimal digits (Nd)
bool utf8_is_alnum(uint32_t code_point);
bool utf8_is_space(uint32_t code_point);
bool utf8_is_upper(uint32_t code_point);
bool utf8_is_lower(uint32_t code_point);
bool utf8_is_printable(uint32_t code_point);
uint32_t utf8_lower_of(uint32_t code_point);
uint32_t utf8_upper_of(uint32_t code_point);

#endif
