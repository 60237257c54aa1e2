#include "base/utf8.h"

#include <stdlib.h>
#include <utf8proc.h>

// --- Decoding ------------------------------------------------------------------------------------

// Length of the valid sequence at the front, 0 when it is none. Table 3-7 of the Unicode standard:
// the second byte's range depends on the first.
static size_t sequence_length(const unsigned char *at, size_t left)
{
    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    const size_t length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (left < length)
        return 0;
    const unsigned char least = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    const unsigned char most = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < least || at[1] > most)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

size_t utf8_find_invalid(struct str text)
{
    const unsigned char *bytes = (const unsigned char *)text.bytes;
    for (size_t at = 0; at < text.length;) {
        uint64_t word;
        if (text.length - at >= sizeof word) { // most text is ASCII
            memcpy(&word, bytes + at, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof word;
                continue;
            }
        }
        const size_t length = sequence_length(bytes + at, text.length - at);
        if (length == 0)
            return at;
        at += length;
    }
    return SIZE_MAX;
}

bool utf8_next(struct str *rest, uint32_t *ret_code_point)
{
    if (rest->length == 0)
        return false;
    const unsigned char *at = (const unsigned char *)rest->bytes;
    const size_t length = sequence_length(at, rest->length);
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code_point = length == 0 ? UTF8_REPLACEMENT : at[0] & masks[length];
    for (size_t i = 1; i < length; i++)
        code_point = code_point << 6 | (at[i] & 0x3f);
    *ret_code_point = code_point;
    *rest = str_slice(*rest, length == 0 ? 1 : length, SIZE_MAX);
    return true;
}

size_t utf8_encode(uint32_t code_point, char to[UTF8_MAX_BYTES])
{
    if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point < 0xe000))
        code_point = UTF8_REPLACEMENT;
    if (code_point < 0x80) {
        to[0] = (char)code_point;
        return 1;
    }
    const size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--, code_point >>= 6)
        to[i] = (char)(0x80 | (code_point & 0x3f));
    to[0] = (char)(marks[length] | code_point);
    return length;
}

void utf8_append(struct buf *to, uint32_t code_point)
{
    char bytes[UTF8_MAX_BYTES];
    buf_append(to, bytes, utf8_encode(code_point, bytes));
}

size_t utf8_count(struct str text)
{
    size_t count = 0;
    uint32_t code_point;
    while (utf8_next(&text, &code_point))
        count++;
    return count;
}

size_t utf8_offset(struct str text, size_t index)
{
    struct str rest = text;
    uint32_t code_point;
    while (index > 0 && utf8_next(&rest, &code_point))
        index--;
    return text.length - rest.length;
}

struct str utf8_slice(struct str text, size_t start, size_t count)
{
    const struct str rest = str_slice(text, utf8_offset(text, start), SIZE_MAX);
    return str_slice(rest, 0, utf8_offset(rest, count));
}

struct str utf8_repair(struct arena *arena, struct str text)
{
    if (utf8_is_valid(text))
        return text;
    char *to = arena_alloc(arena, text.length * 3 + 1); // U+FFFD is three bytes
    size_t length = 0;
    uint32_t code_point;
    while (utf8_next(&text, &code_point))
        length += utf8_encode(code_point, to + length);
    return (struct str){to, length};
}

// --- Unicode's tables ----------------------------------------------------------------------------

static utf8proc_category_t category_of(uint32_t code_point)
{
    return utf8proc_category((utf8proc_int32_t)code_point);
}

size_t utf8_width(struct str text)
{
    size_t width = 0;
    uint32_t code_point;
    while (utf8_next(&text, &code_point)) {
        const int columns = utf8proc_charwidth((utf8proc_int32_t)code_point);
        width += columns > 0 ? (size_t)columns : 0;
    }
    return width;
}

uint32_t utf8_lower_of(uint32_t code_point)
{
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)code_point);
}

uint32_t utf8_upper_of(uint32_t code_point)
{
    return (uint32_t)utf8proc_toupper((utf8proc_int32_t)code_point);
}

bool utf8_is_alpha(uint32_t code_point)
{
    const utf8proc_category_t category = category_of(code_point);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool utf8_is_digit(uint32_t code_point)
{
    return category_of(code_point) == UTF8PROC_CATEGORY_ND;
}

bool utf8_is_alnum(uint32_t code_point)
{
    const utf8proc_category_t category = category_of(code_point);
    return utf8_is_alpha(code_point) ||
           (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

bool utf8_is_space(uint32_t code_point)
{
    if ((code_point >= '\t' && code_point <= '\r') || (code_point >= 0x1c && code_point <= 0x1f) ||
        code_point == 0x85)
        return true;
    const utf8proc_category_t category = category_of(code_point);
    return category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_ZP;
}

bool utf8_is_upper(uint32_t code_point)
{
    return category_of(code_point) == UTF8PROC_CATEGORY_LU;
}

bool utf8_is_lower(uint32_t code_point)
{
    return category_of(code_point) == UTF8PROC_CATEGORY_LL;
}

bool utf8_is_printable(uint32_t code_point)
{
    if (code_point == ' ')
        return true;
    const utf8proc_category_t category = category_of(code_point);
    return category != UTF8PROC_CATEGORY_CN &&
           (category < UTF8PROC_CATEGORY_ZS || category > UTF8PROC_CATEGORY_CO);
}

// --- Whole texts ---------------------------------------------------------------------------------

static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.bytes[i] >= 0x80)
            return false;
    return true;
}

struct str utf8_lower(struct arena *arena, struct str text)
{
    if (is_ascii(text))
        return str_lower(arena, text);
    char *to = arena_alloc(arena, text.length * 3 + 1);
    size_t length = 0;
    uint32_t code_point;
    while (utf8_next(&text, &code_point)) {
        length += utf8_encode(utf8_lower_of(code_point), to + length);
        if (code_point == 0x130) // capital I with a dot becomes i and a dot above
            length += utf8_encode(0x307, to + length);
    }
    return (struct str){to, length};
}

static size_t put_upper(uint32_t code_point, char *to)
{
    if (code_point == 0xdf) { // the letter has no capital of one character
        memcpy(to, "SS", 2);
        return 2;
    }
    return utf8_encode(utf8_upper_of(code_point), to);
}

struct str utf8_upper(struct arena *arena, struct str text)
{
    if (is_ascii(text))
        return str_upper(arena, text);
    char *to = arena_alloc(arena, text.length * 3 + 1);
    size_t length = 0;
    uint32_t code_point;
    while (utf8_next(&text, &code_point))
        length += put_upper(code_point, to + length);
    return (struct str){to, length};
}

struct str utf8_title(struct arena *arena, struct str text)
{
    char *to = arena_alloc(arena, text.length * 3 + 1);
    size_t length = 0;
    uint32_t code_point;
    bool is_in_word = false;
    while (utf8_next(&text, &code_point)) {
        const uint32_t mapped = is_in_word
                                    ? utf8_lower_of(code_point)
                                    : (uint32_t)utf8proc_totitle((utf8proc_int32_t)code_point);
        length += utf8_encode(mapped, to + length);
        is_in_word = utf8_is_upper(code_point) || utf8_is_lower(code_point) ||
                     category_of(code_point) == UTF8PROC_CATEGORY_LT;
    }
    return (struct str){to, length};
}

static rc map_text(struct arena *arena, struct str text, utf8proc_option_t options,
                   struct str *ret_text, struct err *err)
{
    utf8proc_uint8_t *mapped = NULL;
    const utf8proc_ssize_t length =
        utf8proc_map((const utf8proc_uint8_t *)(text.bytes != NULL ? text.bytes : ""),
                     (utf8proc_ssize_t)text.length, &mapped, options);
    if (length < 0)
        return err_set(err, RC_INVALID, "the text is no valid UTF-8: %s", utf8proc_errmsg(length));
    *ret_text = arena_str(arena, (struct str){(char *)mapped, (size_t)length});
    free(mapped);
    return RC_OK;
}

struct str utf8_case_fold(struct arena *arena, struct str text)
{
    if (is_ascii(text))
        return str_lower(arena, text);
    struct str folded;
    if (map_text(arena, utf8_repair(arena, text), UTF8PROC_CASEFOLD, &folded, NULL) != RC_OK)
        return text;
    return folded;
}

rc utf8_normalize(struct arena *arena, struct str text, enum utf8_form form, struct str *ret_text,
                  struct err *err)
{
    static const utf8proc_option_t options[] = {
        [UTF8_NFC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE,
        [UTF8_NFD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
        [UTF8_NFKC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
        [UTF8_NFKD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT,
    };
    if (is_ascii(text)) {
        *ret_text = text;
        return RC_OK;
    }
    return map_text(arena, text, options[form], ret_text, err);
}
