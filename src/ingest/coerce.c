/// @file coerce.c
/// See coerce.h: one table of functions, [to][from]. Layer: ingest.

#include "ingest/coerce.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "base/utf8.h"

enum { NUMBER_MAX_LENGTH = 4096, DOUBLE_EXACT_DIGITS = 800 };

/// First and last moment of the years 1 to 9999.
#define MIN_US INT64_C(-62135596800000000)
#define MAX_US INT64_C(253402300799999999)

static struct str trim_python(struct str text)
{
    while (text.length > 0) {
        struct str rest = text;
        uint32_t c = 0;
        if (!utf8_next(&rest, &c) || !utf8_is_space(c))
            break;
        text = rest;
    }
    while (text.length > 0) {
        size_t start = text.length - 1;
        while (start > 0 && ((unsigned char)text.bytes[start] & 0xc0) == 0x80)
            start--;
        struct str last = str_slice(text, start, text.length);
        uint32_t c = 0;
        if (!utf8_next(&last, &c) || !utf8_is_space(c))
            break;
        text.length = start;
    }
    return text;
}

/// Drops underscores that stand between digits (1_000), as Python's int() and float() allow.
/// @return false when one stands elsewhere
static bool drop_underscores(struct arena *arena, struct str text, struct str *ret_text)
{
    if (str_find_byte(text, '_') == SIZE_MAX) {
        *ret_text = text;
        return true;
    }
    char *bytes = arena_alloc(arena, text.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        if (c != '_') {
            bytes[length++] = c;
            continue;
        }
        const bool is_between = i > 0 && i + 1 < text.length && text.bytes[i - 1] >= '0' &&
                                text.bytes[i - 1] <= '9' && text.bytes[i + 1] >= '0' &&
                                text.bytes[i + 1] <= '9';
        if (!is_between)
            return false;
    }
    *ret_text = (struct str){bytes, length};
    return true;
}

static bool all_digits(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
    return text.length > 0;
}

/// Bigint from sign and digits; beyond 64 bits the digits are kept.
static struct cell integer_cell(struct arena *arena, bool is_negative, struct str digits)
{
    while (digits.length > 1 && digits.bytes[0] == '0')
        digits = str_slice(digits, 1, digits.length);
    const struct str text = is_negative ? str_concat(arena, STR("-"), digits) : digits;
    struct cell cell = {.type = DATA_BIGINT};
    if (!str_to_int64(text, &cell.number)) {
        cell.is_big = true;
        cell.text = text;
    }
    return cell;
}

/// Hexadecimal digits to decimal ones, of any length that is accepted.
static bool hex_to_digits(struct arena *arena, struct str hex, struct str *ret_digits)
{
    if (hex.length == 0 || hex.length > 256)
        return false;
    unsigned char decimal[320] = {0}; // little-endian digits
    size_t count = 1;
    for (size_t i = 0; i < hex.length; i++) {
        const char c = hex.bytes[i];
        int carry;
        if (c >= '0' && c <= '9')
            carry = c - '0';
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            carry = (c | 32) - 'a' + 10;
        else
            return false;
        for (size_t d = 0; d < count; d++) {
            carry += decimal[d] * 16;
            decimal[d] = (unsigned char)(carry % 10);
            carry /= 10;
        }
        for (; carry > 0 && count < sizeof decimal; carry /= 10)
            decimal[count++] = (unsigned char)(carry % 10);
    }
    char *text = arena_alloc(arena, count + 1);
    for (size_t d = 0; d < count; d++)
        text[d] = (char)('0' + decimal[count - 1 - d]);
    *ret_digits = (struct str){text, count};
    return true;
}

static bool has_hex_prefix(struct str text)
{
    return str_has_prefix(text, STR("0x"));
}

static bool text_to_bigint(struct arena *arena, const struct cell *from, struct cell *to)
{
    struct str text = trim_python(from->text);
    if (text.length > NUMBER_MAX_LENGTH)
        return false;
    if (has_hex_prefix(text)) {
        struct str digits;
        if (!hex_to_digits(arena, str_slice(text, 2, text.length), &digits))
            return false;
        *to = integer_cell(arena, false, digits);
        return true;
    }
    const bool is_negative = text.length > 0 && text.bytes[0] == '-';
    if (is_negative || (text.length > 0 && text.bytes[0] == '+'))
        text = str_slice(text, 1, text.length);
    if (!drop_underscores(arena, text, &text) || !all_digits(text))
        return false;
    *to = integer_cell(arena, is_negative, text);
    return true;
}

/// Python's float(): white space around, underscores, inf, nan, exponents.
static bool python_float(struct arena *arena, struct str text, double *ret_number)
{
    text = trim_python(text);
    if (text.length == 0 || text.length > NUMBER_MAX_LENGTH)
        return false;
    struct str word = text;
    const bool has_sign = word.bytes[0] == '-' || word.bytes[0] == '+';
    const double sign = word.bytes[0] == '-' ? -1 : 1;
    word = str_slice(word, has_sign, word.length);
    if (str_equal_ignore_case(word, STR("inf")) || str_equal_ignore_case(word, STR("infinity"))) {
        *ret_number = sign * INFINITY;
        return true;
    }
    if (str_equal_ignore_case(word, STR("nan"))) {
        *ret_number = NAN;
        return true;
    }
    if (!drop_underscores(arena, text, &text))
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (strchr("0123456789+-.eE", text.bytes[i]) == NULL || text.bytes[i] == '\0')
            return false;
    char *end = NULL;
    char *terminated = arena_cstr(arena, text);
    *ret_number = strtod(terminated, &end);
    return end == terminated + text.length;
}

static bool text_to_double(struct arena *arena, const struct cell *from, struct cell *to)
{
    struct str text = trim_python(from->text);
    double number = 0;
    if (has_hex_prefix(text)) {
        struct str digits;
        if (!hex_to_digits(arena, str_slice(text, 2, text.length), &digits))
            return false;
        text = digits;
    }
    if (!python_float(arena, text, &number))
        return false;
    *to = (struct cell){.type = DATA_DOUBLE, .real = number};
    return true;
}

/// Prints sign, digits and a power of ten as Python's decimal does.
static struct str print_scientific(struct arena *arena, bool is_negative, struct str digits,
                                   int64_t exponent)
{
    const char *sign = is_negative ? "-" : "";
    const int64_t count = (int64_t)digits.length;
    const int64_t adjusted = exponent + count - 1;
    if (exponent == 0)
        return arena_printf(arena, "%s%.*s", sign, STR_ARGS(digits));
    if (exponent < 0 && adjusted >= -6) {
        const int64_t point = count + exponent; // digits before the point
        if (point > 0)
            return arena_printf(arena, "%s%.*s.%.*s", sign, (int)point, digits.bytes,
                                (int)(count - point), digits.bytes + point);
        return arena_printf(arena, "%s0.%.*s%.*s", sign, (int)-point, "000000000000",
                            STR_ARGS(digits));
    }
    if (count == 1)
        return arena_printf(arena, "%s%cE%+lld", sign, digits.bytes[0], (long long)adjusted);
    return arena_printf(arena, "%s%c.%.*sE%+lld", sign, digits.bytes[0], (int)(count - 1),
                        digits.bytes + 1, (long long)adjusted);
}

bool decimal_text_normalize(struct arena *arena, struct str text, struct str *ret_text)
{
    text = trim_python(text);
    if (text.length == 0 || text.length > NUMBER_MAX_LENGTH)
        return false;
    text = str_replace(arena, text, STR("_"), STR(""));
    const bool is_negative = text.length > 0 && text.bytes[0] == '-';
    if (text.length > 0 && (text.bytes[0] == '-' || text.bytes[0] == '+'))
        text = str_slice(text, 1, text.length);
    static const struct {
        struct str word, name;
    } specials[] = {{STR_INIT("nan"), STR_INIT("NaN")},
                    {STR_INIT("snan"), STR_INIT("sNaN")},
                    {STR_INIT("inf"), STR_INIT("Infinity")},
                    {STR_INIT("infinity"), STR_INIT("Infinity")}};
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        if (str_equal_ignore_case(text, specials[i].word)) {
            *ret_text =
                is_negative ? str_concat(arena, STR("-"), specials[i].name) : specials[i].name;
            return true;
        }
    char *digits = arena_alloc(arena, text.length + 1);
    size_t count = 0, at = 0;
    int64_t exponent = 0;
    bool has_point = false;
    for (; at < text.length; at++) {
        const char c = text.bytes[at];
        if (c == '.' && !has_point) {
            has_point = true;
        } else if (c >= '0' && c <= '9') {
            digits[count++] = c;
            exponent -= has_point;
        } else {
            break;
        }
    }
    if (count == 0)
        return false;
    if (at < text.length) {
        int64_t written = 0;
        struct str rest = str_slice(text, at + 1, text.length);
        if ((text.bytes[at] | 32) != 'e' || !str_to_int64(rest, &written) || written > 1000000 ||
            written < -1000000)
            return false;
        exponent += written;
    }
    struct str kept = {digits, count};
    while (kept.length > 1 && kept.bytes[0] == '0')
        kept = str_slice(kept, 1, kept.length);
    *ret_text = print_scientific(arena, is_negative, kept, exponent);
    return true;
}

static bool text_to_decimal(struct arena *arena, const struct cell *from, struct cell *to)
{
    const struct str text = trim_python(from->text);
    *to = (struct cell){.type = DATA_DECIMAL};
    if (has_hex_prefix(text))
        return hex_to_digits(arena, str_slice(text, 2, text.length), &to->text);
    return decimal_text_normalize(arena, text, &to->text);
}

static bool text_to_wei(struct arena *arena, const struct cell *from, struct cell *to)
{
    const bool ok = text_to_decimal(arena, from, to);
    to->type = DATA_WEI;
    return ok;
}

static bool text_to_bool(struct arena *arena, const struct cell *from, struct cell *to)
{
    static const struct {
        struct str word;
        bool boolean;
    } words[] = {{STR_INIT("yes"), true},    {STR_INIT("true"), true}, {STR_INIT("t"), true},
                 {STR_INIT("y"), true},      {STR_INIT("1"), true},    {STR_INIT("no"), false},
                 {STR_INIT("false"), false}, {STR_INIT("f"), false},   {STR_INIT("n"), false},
                 {STR_INIT("0"), false}};
    (void)arena;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_equal_ignore_case(from->text, words[i].word)) {
            *to = (struct cell){.type = DATA_BOOL, .boolean = words[i].boolean};
            return true;
        }
    return false;
}

static bool text_to_binary(struct arena *arena, const struct cell *from, struct cell *to)
{
    *to = (struct cell){.type = DATA_BINARY};
    if (has_hex_prefix(from->text))
        return hex_decode(arena, str_slice(from->text, 2, from->text.length), &to->text, NULL) ==
               RC_OK;
    // Strict: no white space, and padding to a multiple of four.
    for (size_t i = 0; i < from->text.length; i++)
        if ((unsigned char)from->text.bytes[i] <= ' ')
            return false;
    return from->text.length % 4 == 0 &&
           base64_decode(arena, from->text, BASE64_STANDARD, &to->text, NULL) == RC_OK;
}

static bool text_to_json(struct arena *arena, const struct cell *from, struct cell *to)
{
    struct json *value = ARENA_NEW(arena, struct json);
    *to = (struct cell){.type = DATA_JSON, .json = value};
    if (json_parse(arena, from->text, "", value, NULL) == RC_OK)
        return true;
    // Python's reader also takes these three; they are kept as text, which JSON can hold.
    const struct str word = str_trim(from->text);
    if (!str_is(word, "NaN") && !str_is(word, "Infinity") && !str_is(word, "-Infinity"))
        return false;
    *value = json_of_str(word);
    return true;
}

/// Seconds since the epoch, rounded to microseconds half to even.
static bool seconds_to_us(double seconds, int64_t *ret_us)
{
    if (!isfinite(seconds) || fabs(seconds) > 1e12)
        return false;
    const double whole = floor(seconds);
    const int64_t us =
        (int64_t)whole * TIME_US_PER_SECOND + (int64_t)nearbyint((seconds - whole) * 1e6);
    *ret_us = us;
    return us >= MIN_US && us <= MAX_US;
}

static struct cell timestamp_cell(int64_t us)
{
    return (struct cell){.type = DATA_TIMESTAMP, .number = us, .has_zone = true};
}

static bool text_to_timestamp(struct arena *arena, const struct cell *from, struct cell *to)
{
    struct iso_moment moment;
    const enum iso_kind kind = detect_iso(from->text, &moment);
    if (kind == ISO_TIME)
        return false;
    if (kind != ISO_NONE) {
        if (moment.us < MIN_US || moment.us > MAX_US)
            return false;
        *to = (struct cell){.type = DATA_TIMESTAMP,
                            .number = moment.us,
                            .has_zone = moment.has_offset,
                            .offset_seconds = moment.offset_seconds};
        return true;
    }
    double seconds = 0;
    int64_t us = 0;
    if (!python_float(arena, from->text, &seconds) || !seconds_to_us(seconds, &us))
        return false;
    *to = timestamp_cell(us);
    return true;
}

static struct cell date_of_us(int64_t us)
{
    return (struct cell){.type = DATA_DATE, .number = time_days_of_us(us)};
}

static bool text_to_date(struct arena *arena, const struct cell *from, struct cell *to)
{
    struct cell timestamp;
    if (!text_to_timestamp(arena, from, &timestamp))
        return false;
    *to = date_of_us(timestamp.number);
    return true;
}

static bool text_to_time(struct arena *arena, const struct cell *from, struct cell *to)
{
    struct iso_moment moment;
    (void)arena;
    if (detect_iso(from->text, &moment) != ISO_TIME)
        return false;
    const int64_t us = (moment.us % TIME_US_PER_DAY + TIME_US_PER_DAY) % TIME_US_PER_DAY;
    *to = (struct cell){.type = DATA_TIME, .number = us};
    return true;
}

static struct str bigint_text(struct arena *arena, const struct cell *cell)
{
    return cell->is_big ? cell->text : arena_printf(arena, "%lld", (long long)cell->number);
}

static bool bigint_to_text(struct arena *arena, const struct cell *from, struct cell *to)
{
    *to = (struct cell){.type = DATA_TEXT, .text = bigint_text(arena, from)};
    return true;
}

static double bigint_double(const struct cell *from)
{
    double number = (double)from->number;
    if (from->is_big && !str_to_double(from->text, &number))
        number = from->text.bytes[0] == '-' ? -INFINITY : INFINITY;
    return number;
}

static bool bigint_to_double(struct arena *arena, const struct cell *from, struct cell *to)
{
    (void)arena;
    *to = (struct cell){.type = DATA_DOUBLE, .real = bigint_double(from)};
    return isfinite(to->real);
}

static bool bigint_to_decimal(struct arena *arena, const struct cell *from, struct cell *to)
{
    *to = (struct cell){.type = DATA_DECIMAL, .text = bigint_text(arena, from)};
    return true;
}

static bool bigint_to_wei(struct arena *arena, const struct cell *from, struct cell *to)
{
    *to = (struct cell){.type = DATA_WEI, .text = bigint_text(arena, from)};
    return true;
}

static bool bigint_to_bool(struct arena *arena, const struct cell *from, struct cell *to)
{
    (void)arena;
    *to = (struct cell){.type = DATA_BOOL, .boolean = from->is_big || from->number != 0};
    return true;
}

/// Little-endian bytes without zeros at the end, as int.to_bytes of the smallest length.
static bool bigint_to_binary(struct arena *arena, const struct cell *from, struct cell *to)
{
    unsigned char *bytes = arena_alloc(arena, 64);
    size_t length = 0;
    if (from->is_big) {
        if (from->text.bytes[0] == '-' || from->text.length > 38)
            return false;
        unsigned __int128 number = 0;
        for (size_t i = 0; i < from->text.length; i++)
            number = number * 10 + (unsigned)(from->text.bytes[i] - '0');
        for (; number > 0; number >>= 8)
            bytes[length++] = (unsigned char)number;
    } else {
        if (from->number < 0)
            return false;
        for (uint64_t number = (uint64_t)from->number; number > 0; number >>= 8)
            bytes[length++] = (unsigned char)number;
    }
    *to = (struct cell){.type = DATA_BINARY, .text = {(const char *)bytes, length}};
    return true;
}

static bool bigint_to_timestamp(struct arena *arena, const struct cell *from, struct cell *to)
{
    (void)arena;
    int64_t us = 0;
    if (from->is_big || __builtin_mul_overflow(from->number, TIME_US_PER_SECOND, &us) ||
        us < MIN_US || us > MAX_US)
        return false;
    *to = timestamp_cell(us);
    return true;
}

static bool bigint_to_date(struct arena *arena, const struct cell *from, struct cell *to)
{
    struct cell timestamp;
    if (!bigint_to_timestamp(arena, from, &timestamp))
        return false;
    *to = date_of_us(timestamp.number);
    return true;
}

struct str double_text(struct arena *arena, double number)
{
    if (isnan(number))
        return STR("nan");
    if (isinf(number))
        return number < 0 ? STR("-inf") : STR("inf");
    char shortest[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(shortest, sizeof shortest, "%.*e", digits - 1, number);
        if (strtod(shortest, NULL) == number)
            break;
    }
    const int exponent = (int)strtol(strchr(shortest, 'e') + 1, NULL, 10);
    if (exponent < -4 || exponent >= 16) {
        // 1e-07: C and Python write exponents alike
        return arena_str(arena, str_of(shortest));
    }
    int digits = 0;
    for (const char *at = shortest; *at != 'e'; at++)
        digits += *at >= '0' && *at <= '9';
    const int behind = digits - 1 - exponent > 1 ? digits - 1 - exponent : 1;
    return arena_printf(arena, "%.*f", behind, number);
}

static bool double_to_text(struct arena *arena, const struct cell *from, struct cell *to)
{
    *to = (struct cell){.type = DATA_TEXT, .text = double_text(arena, from->real)};
    return true;
}

/// All digits of the binary number: what Decimal(float) gives.
static bool double_to_decimal(struct arena *arena, const struct cell *from, struct cell *to)
{
    *to = (struct cell){.type = DATA_DECIMAL};
    if (isnan(from->real)) {
        to->text = STR("NaN");
        return true;
    }
    if (isinf(from->real)) {
        to->text = from->real < 0 ? STR("-Infinity") : STR("Infinity");
        return true;
    }
    char text[DOUBLE_EXACT_DIGITS + 16];
    snprintf(text, sizeof text, "%.*e", DOUBLE_EXACT_DIGITS - 1, fabs(from->real));
    int64_t exponent = strtol(strchr(text, 'e') + 1, NULL, 10);
    char *digits = arena_alloc(arena, DOUBLE_EXACT_DIGITS + 1);
    size_t count = 0;
    for (const char *at = text; *at != 'e'; at++)
        if (*at != '.')
            digits[count++] = *at;
    // Zeros behind the point go; those before it belong to the integer.
    while (count > 1 && (int64_t)count - 1 > exponent && digits[count - 1] == '0')
        count--;
    exponent -= (int64_t)count - 1;
    to->text = print_scientific(arena, from->real < 0, (struct str){digits, count}, exponent);
    return true;
}

static bool double_to_wei(struct arena *arena, const struct cell *from, struct cell *to)
{
    const bool ok = double_to_decimal(arena, from, to);
    to->type = DATA_WEI;
    return ok;
}

static bool double_to_bigint(struct arena *arena, const struct cell *from, struct cell *to)
{
    if (!isfinite(from->real) || from->real != floor(from->real))
        return false;
    char text[340];
    const int length = snprintf(text, sizeof text, "%.0f", fabs(from->real));
    *to = integer_cell(arena, from->real < 0, arena_str(arena, (struct str){text, (size_t)length}));
    return true;
}

static bool double_to_bool(struct arena *arena, const struct cell *from, struct cell *to)
{
    (void)arena;
    *to = (struct cell){.type = DATA_BOOL, .boolean = from->real != 0};
    return true;
}

static bool double_to_timestamp(struct arena *arena, const struct cell *from, struct cell *to)
{
    (void)arena;
    int64_t us = 0;
    if (!seconds_to_us(from->real, &us))
        return false;
    *to = timestamp_cell(us);
    return true;
}

static bool double_to_date(struct arena *arena, const struct cell *from, struct cell *to)
{
    struct cell timestamp;
    if (!double_to_timestamp(arena, from, &timestamp))
        return false;
    *to = date_of_us(timestamp.number);
    return true;
}

static bool bool_to_text(struct arena *arena, const struct cell *from, struct cell *to)
{
    (void)arena;
    *to = (struct cell){.type = DATA_TEXT, .text = from->boolean ? STR("True") : STR("False")};
    return true;
}

static bool json_to_text(struct arena *arena, const struct cell *from, struct cell *to)
{
    *to = (struct cell){.type = DATA_TEXT, .text = json_print(arena, from->json, JSON_COMPACT)};
    return true;
}

static bool number_text_to_double(struct arena *arena, const struct cell *from, struct cell *to)
{
    *to = (struct cell){.type = DATA_DOUBLE};
    return python_float(arena, from->text, &to->real);
}

static bool number_text_to_bigint(struct arena *arena, const struct cell *from, struct cell *to)
{
    struct str text = from->text;
    const bool is_negative = text.length > 0 && text.bytes[0] == '-';
    text = str_slice(text, is_negative, text.length);
    const size_t point = str_find_byte(text, '.');
    const struct str whole = str_slice(text, 0, point);
    for (size_t i = point; i != SIZE_MAX && i + 1 < text.length; i++)
        if (text.bytes[i + 1] != '0')
            return false;
    if (!all_digits(whole))
        return false;
    *to = integer_cell(arena, is_negative, whole);
    return true;
}

static bool number_text_to_text(struct arena *arena, const struct cell *from, struct cell *to)
{
    (void)arena;
    *to = (struct cell){.type = DATA_TEXT, .text = from->text};
    return true;
}

static bool number_text_to_bool(struct arena *arena, const struct cell *from, struct cell *to)
{
    struct cell number;
    if (!number_text_to_double(arena, from, &number))
        return false;
    return double_to_bool(arena, &number, to);
}

static bool number_text_to_decimal(struct arena *arena, const struct cell *from, struct cell *to)
{
    (void)arena;
    *to = (struct cell){.type = DATA_DECIMAL, .text = from->text};
    return true;
}

static bool number_text_to_wei(struct arena *arena, const struct cell *from, struct cell *to)
{
    (void)arena;
    *to = (struct cell){.type = DATA_WEI, .text = from->text};
    return true;
}

static bool date_to_timestamp(struct arena *arena, const struct cell *from, struct cell *to)
{
    (void)arena;
    *to = (struct cell){.type = DATA_TIMESTAMP, .number = from->number * TIME_US_PER_DAY};
    return true;
}

static bool timestamp_to_date(struct arena *arena, const struct cell *from, struct cell *to)
{
    (void)arena;
    *to = date_of_us(from->number);
    return true;
}

typedef bool (*coercer)(struct arena *arena, const struct cell *from, struct cell *to);

/// [to][from]; what is not listed cannot be converted.
static const coercer coercers[DATA_TYPE_COUNT][DATA_TYPE_COUNT] = {
    [DATA_TEXT] = {[DATA_BIGINT] = bigint_to_text,
                   [DATA_DOUBLE] = double_to_text,
                   [DATA_BOOL] = bool_to_text,
                   [DATA_JSON] = json_to_text,
                   [DATA_DECIMAL] = number_text_to_text,
                   [DATA_WEI] = number_text_to_text},
    [DATA_BINARY] = {[DATA_TEXT] = text_to_binary, [DATA_BIGINT] = bigint_to_binary},
    [DATA_BIGINT] = {[DATA_TEXT] = text_to_bigint,
                     [DATA_DOUBLE] = double_to_bigint,
                     [DATA_DECIMAL] = number_text_to_bigint,
                     [DATA_WEI] = number_text_to_bigint},
    [DATA_DOUBLE] = {[DATA_TEXT] = text_to_double,
                     [DATA_BIGINT] = bigint_to_double,
                     [DATA_DECIMAL] = number_text_to_double,
                     [DATA_WEI] = number_text_to_double},
    [DATA_DECIMAL] = {[DATA_TEXT] = text_to_decimal,
                      [DATA_BIGINT] = bigint_to_decimal,
                      [DATA_DOUBLE] = double_to_decimal,
                      [DATA_WEI] = number_text_to_decimal},
    [DATA_WEI] = {[DATA_TEXT] = text_to_wei,
                  [DATA_BIGINT] = bigint_to_wei,
                  [DATA_DOUBLE] = double_to_wei,
                  [DATA_DECIMAL] = number_text_to_wei},
    [DATA_BOOL] = {[DATA_TEXT] = text_to_bool,
                   [DATA_BIGINT] = bigint_to_bool,
                   [DATA_DOUBLE] = double_to_bool,
                   [DATA_DECIMAL] = number_text_to_bool,
                   [DATA_WEI] = number_text_to_bool},
    [DATA_JSON] = {[DATA_TEXT] = text_to_json},
    [DATA_TIMESTAMP] = {[DATA_TEXT] = text_to_timestamp,
                        [DATA_BIGINT] = bigint_to_timestamp,
                        [DATA_DOUBLE] = double_to_timestamp,
                        [DATA_DATE] = date_to_timestamp},
    [DATA_DATE] = {[DATA_TEXT] = text_to_date,
                   [DATA_BIGINT] = bigint_to_date,
                   [DATA_DOUBLE] = double_to_date,
                   [DATA_TIMESTAMP] = timestamp_to_date},
    [DATA_TIME] = {[DATA_TEXT] = text_to_time},
};

bool coerce(struct arena *arena, const struct cell *from, enum data_type type,
            struct cell *ret_cell)
{
    if (from->type == type) {
        *ret_cell = *from;
        return true;
    }
    const coercer function = coercers[type][from->type];
    struct cell cell = {0};
    if (function == NULL || !function(arena, from, &cell))
        return false;
    *ret_cell = cell;
    return true;
}

struct cell cell_of_json(const struct json *value)
{
    struct cell cell = {.text = value->text};
    switch (value->kind) {
    case JSON_STRING:
        cell.type = DATA_TEXT;
        return cell;
    case JSON_BOOL:
        return (struct cell){.type = DATA_BOOL, .boolean = value->boolean};
    case JSON_NUMBER:
        break;
    default:
        return (struct cell){.type = DATA_JSON, .json = value};
    }
    if (json_to_int64(value, &cell.number)) {
        cell.type = DATA_BIGINT;
        return cell;
    }
    for (size_t i = 0; i < value->text.length; i++) {
        const char c = value->text.bytes[i];
        if (c != '.' && c != 'e' && c != 'E')
            continue;
        cell.type = DATA_DOUBLE;
        if (!str_to_double(value->text, &cell.real)) // 1e400
            cell.real = value->text.bytes[0] == '-' ? -INFINITY : INFINITY;
        return cell;
    }
    cell.type = DATA_BIGINT;
    cell.is_big = true;
    return cell;
}
