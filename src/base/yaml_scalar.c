// What an unquoted scalar is (the resolver of YAML 1.1 as PyYAML has it) and what value it becomes.
// The matchers below follow PyYAML's regular expressions one by one, its gaps included: "1e3" and
// "-.5" are text, "0x_" is a number without digits (an error).

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "base/yaml.intern.h"

// --- Matching ------------------------------------------------------------------------------------

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_octal_or_line(char c)
{
    return (c >= '0' && c <= '7') || c == '_';
}

static bool is_binary_or_line(char c)
{
    return c == '0' || c == '1' || c == '_';
}

static bool is_digit_or_line(char c)
{
    return is_digit(c) || c == '_';
}

static bool is_hex_or_line(char c)
{
    return is_digit_or_line(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static char byte_at(struct str text, size_t at)
{
    return at < text.length ? text.bytes[at] : '\0';
}

static size_t skip_while(struct str text, size_t at, bool (*is_wanted)(char c))
{
    while (at < text.length && is_wanted(text.bytes[at]))
        at++;
    return at;
}

static size_t skip_sign(struct str text)
{
    return byte_at(text, 0) == '-' || byte_at(text, 0) == '+' ? 1 : 0;
}

static bool is_word_of(struct str text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (str_is(text, *words))
            return true;
    return false;
}

// (?::[0-5]?[0-9])+ from `at`; SIZE_MAX when there is none.
static size_t skip_sixties(struct str text, size_t at)
{
    const size_t start = at;
    while (byte_at(text, at) == ':' && is_digit(byte_at(text, at + 1))) {
        const bool has_two = byte_at(text, at + 1) <= '5' && is_digit(byte_at(text, at + 2));
        at += has_two ? 3 : 2;
    }
    return at == start ? SIZE_MAX : at;
}

static bool is_integer_text(struct str text)
{
    const size_t start = skip_sign(text);
    const char first = byte_at(text, start);
    if (first == '0') {
        const char second = byte_at(text, start + 1);
        if (second == 'b' || second == 'x') {
            const size_t digits = start + 2;
            return digits < text.length &&
                   skip_while(text, digits, second == 'b' ? is_binary_or_line : is_hex_or_line) ==
                       text.length;
        }
        return skip_while(text, start + 1, is_octal_or_line) == text.length;
    }
    if (first < '1' || first > '9')
        return false;
    const size_t end = skip_while(text, start, is_digit_or_line);
    return end == text.length || skip_sixties(text, end) == text.length;
}

// (?:[eE][-+][0-9]+)? to the end of the text.
static bool is_exponent_or_end(struct str text, size_t at)
{
    if (at == text.length)
        return true;
    if (byte_at(text, at) != 'e' && byte_at(text, at) != 'E')
        return false;
    if (byte_at(text, at + 1) != '-' && byte_at(text, at + 1) != '+')
        return false;
    return at + 2 < text.length && skip_while(text, at + 2, is_digit) == text.length;
}

static bool is_float_text(struct str text)
{
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const not_numbers[] = {".nan", ".NaN", ".NAN", NULL};
    const size_t start = skip_sign(text);
    if (is_word_of(str_slice(text, start, SIZE_MAX), infinities) || is_word_of(text, not_numbers))
        return true;
    if (byte_at(text, 0) == '.')
        return is_digit(byte_at(text, 1)) &&
               is_exponent_or_end(text, skip_while(text, 1, is_digit_or_line));
    if (!is_digit(byte_at(text, start)))
        return false;
    size_t end = skip_while(text, start, is_digit_or_line);
    if (byte_at(text, end) == '.')
        return is_exponent_or_end(text, skip_while(text, end + 1, is_digit_or_line));
    end = skip_sixties(text, end);
    return end != SIZE_MAX && byte_at(text, end) == '.' &&
           skip_while(text, end + 1, is_digit_or_line) == text.length;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// The parts of a timestamp; -1 = not there.
struct timestamp_text {
    int year, month, day, hour, minute, second, microsecond;
    bool has_time, has_offset;
    int offset_sign, offset_hour, offset_minute;
};

static bool take_number(struct str text, size_t *at, int least, int most, int *ret)
{
    int number = 0, digits = 0;
    while (digits < most && is_digit(byte_at(text, *at))) {
        number = number * 10 + (text.bytes[*at] - '0');
        (*at)++;
        digits++;
    }
    *ret = number;
    return digits >= least;
}

static bool take_byte(struct str text, size_t *at, char byte)
{
    if (byte_at(text, *at) != byte)
        return false;
    (*at)++;
    return true;
}

static void take_fraction(struct str text, size_t *at, struct timestamp_text *parts)
{
    if (!take_byte(text, at, '.'))
        return;
    int unit = 100000;
    for (; is_digit(byte_at(text, *at)); (*at)++, unit /= 10)
        parts->microsecond += (text.bytes[*at] - '0') * unit;
}

// [ \t]*(Z|[-+]hh?(:mm)?)? to the end of the text.
static bool take_offset(struct str text, size_t at, struct timestamp_text *parts)
{
    if (at == text.length)
        return true;
    at = skip_while(text, at, is_blank);
    parts->has_offset = true;
    if (take_byte(text, &at, 'Z'))
        return at == text.length;
    const char sign = byte_at(text, at);
    if (sign != '-' && sign != '+')
        return false;
    at++;
    parts->offset_sign = sign == '-' ? -1 : 1;
    if (!take_number(text, &at, 1, 2, &parts->offset_hour))
        return false;
    if (take_byte(text, &at, ':') && !take_number(text, &at, 2, 2, &parts->offset_minute))
        return false;
    return at == text.length;
}

// @param is_lenient  the constructor's expression: a bare date may have one-digit parts
static bool match_timestamp(struct str text, bool is_lenient, struct timestamp_text *parts)
{
    *parts = (struct timestamp_text){0};
    size_t at = 0;
    if (!take_number(text, &at, 4, 4, &parts->year) || !take_byte(text, &at, '-') ||
        !take_number(text, &at, 1, 2, &parts->month) || !take_byte(text, &at, '-') ||
        !take_number(text, &at, 1, 2, &parts->day))
        return false;
    if (at == text.length)
        return is_lenient || text.length == 10;

    const size_t behind_date = at;
    if (byte_at(text, at) == 'T' || byte_at(text, at) == 't')
        at++;
    else
        at = skip_while(text, at, is_blank);
    if (at == behind_date)
        return false;
    parts->has_time = true;
    if (!take_number(text, &at, 1, 2, &parts->hour) || !take_byte(text, &at, ':') ||
        !take_number(text, &at, 2, 2, &parts->minute) || !take_byte(text, &at, ':') ||
        !take_number(text, &at, 2, 2, &parts->second))
        return false;
    take_fraction(text, &at, parts);
    return take_offset(text, at, parts);
}

enum yaml_tag yaml_resolve_plain(struct str text)
{
    static const char *const booleans[] = {"yes",  "Yes",  "YES",   "no",    "No",    "NO", "true",
                                           "True", "TRUE", "false", "False", "FALSE", "on", "On",
                                           "ON",   "off",  "Off",   "OFF",   NULL};
    static const char *const nulls[] = {"~", "null", "Null", "NULL", "", NULL};

    if (text.length <= 5 && is_word_of(text, booleans))
        return YAML_TAG_BOOL;
    if (text.length <= 4 && is_word_of(text, nulls))
        return YAML_TAG_NULL;
    if (str_is(text, "<<"))
        return YAML_TAG_MERGE;
    if (str_is(text, "="))
        return YAML_TAG_VALUE;
    const char first = byte_at(text, 0);
    if (!is_digit(first) && first != '-' && first != '+' && first != '.')
        return YAML_TAG_STR;
    if (is_float_text(text))
        return YAML_TAG_FLOAT;
    if (first != '.' && is_integer_text(text))
        return YAML_TAG_INT;
    struct timestamp_text parts;
    if (is_digit(first) && match_timestamp(text, false, &parts))
        return YAML_TAG_TIMESTAMP;
    return YAML_TAG_STR;
}

// --- Constructing --------------------------------------------------------------------------------

static rc refuse(const struct yaml *node, struct str text, const char *wanted, struct err *err)
{
    return err_set_at(err, RC_INVALID, node->place, node->line, node->column,
                      "expected %s, found '%.*s'", wanted, text.length > 60 ? 60 : (int)text.length,
                      text.bytes);
}

static struct str without_lines(struct arena *arena, struct str text)
{
    char *to = arena_alloc(arena, text.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++)
        if (text.bytes[i] != '_')
            to[length++] = text.bytes[i];
    return (struct str){to, length};
}

static int digit_value(char c)
{
    if (is_digit(c))
        return c - '0';
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

// An unsigned integer of any size, as groups of nine decimal digits, lowest first.
struct big {
    uint32_t *groups;
    size_t count;
};

static void big_multiply_add(struct big *big, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (size_t i = 0; i < big->count; i++) {
        const uint64_t value = (uint64_t)big->groups[i] * factor + carry;
        big->groups[i] = (uint32_t)(value % 1000000000u);
        carry = value / 1000000000u;
    }
    if (carry > 0)
        big->groups[big->count++] = (uint32_t)carry;
}

static struct str big_print(struct arena *arena, const struct big *big, bool is_negative)
{
    char *to = arena_alloc(arena, big->count * 9 + 3);
    size_t length = 0;
    if (is_negative && big->count > 0)
        to[length++] = '-';
    if (big->count == 0)
        to[length++] = '0';
    for (size_t i = big->count; i > 0; i--) {
        uint32_t rest = big->groups[i - 1];
        char digits[9];
        for (int d = 8; d >= 0; d--, rest /= 10)
            digits[d] = (char)('0' + rest % 10);
        size_t skip = 0; // no zeros in front of the number
        while (i == big->count && skip < 8 && digits[skip] == '0')
            skip++;
        memcpy(to + length, digits + skip, 9 - skip);
        length += 9 - skip;
    }
    return (struct str){to, length};
}

static bool big_add_digits(struct big *big, struct str digits, unsigned base)
{
    if (digits.length == 0)
        return false;
    for (size_t i = 0; i < digits.length; i++) {
        const int value = digit_value(digits.bytes[i]);
        if (value >= (int)base)
            return false;
        big_multiply_add(big, base, (uint32_t)value);
    }
    return true;
}

// a:b:c in sixties. Only the first part may be larger than 59, and by much.
static bool big_add_sixties(struct big *big, struct str digits)
{
    struct str part;
    bool is_first = true;
    while (str_split_next(&digits, ':', &part)) {
        int64_t number;
        if (is_first) {
            if (!big_add_digits(big, part, 10))
                return false;
        } else if (!str_to_int64(part, &number) || number < 0 || number > UINT32_MAX) {
            return false;
        } else {
            big_multiply_add(big, 60, (uint32_t)number);
        }
        is_first = false;
    }
    return !is_first;
}

static rc construct_int(struct arena *arena, struct str text, struct yaml *node, struct err *err)
{
    if (text.length > YAML_MAX_INTEGER_DIGITS)
        return err_set_at(err, RC_LIMIT, node->place, node->line, node->column,
                          "an integer of %zu characters is over the limit of %d", text.length,
                          YAML_MAX_INTEGER_DIGITS);
    struct str digits = str_trim(without_lines(arena, text));
    const bool is_negative = byte_at(digits, 0) == '-';
    digits = str_slice(digits, skip_sign(digits), SIZE_MAX);

    struct big big = {.groups = ARENA_ARRAY(arena, uint32_t, digits.length / 4 + 4)};
    bool is_right;
    if (str_has_prefix(digits, STR("0b")))
        is_right = big_add_digits(&big, str_slice(digits, 2, SIZE_MAX), 2);
    else if (str_has_prefix(digits, STR("0x")))
        is_right = big_add_digits(&big, str_slice(digits, 2, SIZE_MAX), 16);
    else if (byte_at(digits, 0) == '0')
        is_right = big_add_digits(&big, digits, 8);
    else if (str_find_byte(digits, ':') != SIZE_MAX)
        is_right = big_add_sixties(&big, digits);
    else
        is_right = big_add_digits(&big, digits, 10);
    if (!is_right)
        return refuse(node, text, "an integer", err);

    node->kind = YAML_INT;
    node->text = big_print(arena, &big, is_negative);
    node->number = strtod(node->text.bytes, NULL);
    return RC_OK;
}

static bool float_sixties(struct str text, double *ret)
{
    double number = 0;
    struct str part;
    while (str_split_next(&text, ':', &part)) {
        double value;
        if (!str_to_double(part, &value))
            return false;
        number = number * 60 + value;
    }
    *ret = number;
    return true;
}

// What Python's float() reads besides numbers.
static bool is_float_word(struct str lower, double *ret)
{
    if (str_is(lower, ".inf") || str_is(lower, "inf") || str_is(lower, "infinity"))
        *ret = __builtin_inf();
    else if (str_is(lower, ".nan") || str_is(lower, "nan"))
        *ret = __builtin_nan("");
    else
        return false;
    return true;
}

static rc construct_float(struct arena *arena, struct str text, struct yaml *node, struct err *err)
{
    struct str lower = str_trim(str_lower(arena, without_lines(arena, text)));
    const bool is_negative = byte_at(lower, 0) == '-';
    lower = str_slice(lower, skip_sign(lower), SIZE_MAX);
    double number;
    if (!is_float_word(lower, &number)) {
        // strtod would read 0x1p3, which is no float here; an overflow is an infinity in Python.
        const struct str terminated = arena_str(arena, lower);
        char *end = NULL;
        if (str_find_byte(lower, ':') != SIZE_MAX) {
            if (!float_sixties(lower, &number))
                return refuse(node, text, "a number", err);
        } else {
            if (lower.length == 0 || str_find_byte(lower, 'x') != SIZE_MAX ||
                (!is_digit(lower.bytes[0]) && lower.bytes[0] != '.'))
                return refuse(node, text, "a number", err);
            number = strtod(terminated.bytes, &end);
            if (end != terminated.bytes + terminated.length)
                return refuse(node, text, "a number", err);
        }
    }
    node->kind = YAML_FLOAT;
    node->number = is_negative ? -number : number;
    return RC_OK;
}

static rc construct_bool(struct arena *arena, struct str text, struct yaml *node, struct err *err)
{
    static const char *const yes[] = {"yes", "true", "on", NULL};
    static const char *const no[] = {"no", "false", "off", NULL};
    const struct str lower = str_lower(arena, text);
    node->boolean = is_word_of(lower, yes);
    if (!node->boolean && !is_word_of(lower, no))
        return refuse(node, text, "a boolean", err);
    node->kind = YAML_BOOL;
    return RC_OK;
}

static rc construct_timestamp(struct str text, struct yaml *node, struct err *err)
{
    struct timestamp_text parts;
    if (!match_timestamp(text, true, &parts))
        return refuse(node, text, "a date or timestamp", err);
    if (parts.year < 1 || parts.month < 1 || parts.month > 12 || parts.day < 1 ||
        parts.day > time_days_in_month(parts.year, parts.month) || parts.hour > 23 ||
        parts.minute > 59 || parts.second > 59 ||
        parts.offset_hour * 60 + parts.offset_minute >= 24 * 60)
        return refuse(node, text, "a date that exists", err);

    node->kind = parts.has_time ? YAML_TIMESTAMP : YAML_DATE;
    node->has_offset = parts.has_offset;
    node->offset_seconds =
        parts.offset_sign * (parts.offset_hour * 3600 + parts.offset_minute * 60);
    node->time_us = time_us_of_parts(&(struct time_parts){.year = parts.year,
                                                          .month = parts.month,
                                                          .day = parts.day,
                                                          .hour = parts.hour,
                                                          .minute = parts.minute,
                                                          .second = parts.second,
                                                          .microsecond = parts.microsecond}) -
                    node->offset_seconds * TIME_US_PER_SECOND;
    return RC_OK;
}

rc yaml_construct_scalar(struct arena *arena, enum yaml_tag tag, struct str text, struct yaml *node,
                         struct err *err)
{
    node->source = text;
    switch (tag) {
    case YAML_TAG_NULL:
        node->kind = YAML_NULL;
        return RC_OK;
    case YAML_TAG_BOOL:
        return construct_bool(arena, text, node, err);
    case YAML_TAG_INT:
        return construct_int(arena, text, node, err);
    case YAML_TAG_FLOAT:
        return construct_float(arena, text, node, err);
    case YAML_TAG_TIMESTAMP:
        return construct_timestamp(text, node, err);
    case YAML_TAG_BINARY:
        node->kind = YAML_BINARY;
        if (base64_decode(arena, text, BASE64_STANDARD, &node->text, NULL) != RC_OK)
            return refuse(node, text, "base64 text", err);
        return RC_OK;
    case YAML_TAG_STR:
        node->kind = YAML_STR;
        node->text = text;
        return RC_OK;
    default:
        return refuse(node, text, "a value ('<<' and '=' are only keys)", err);
    }
}
