#include "base/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"

VEC_TYPE(item_vec, struct json);
VEC_TYPE(member_vec, struct json_member);

struct parser {
    struct arena *arena;
    const char *start, *at, *end;
    const char *place;
    struct err *err;
};

// ---- errors -------------------------------------------------------------------------------------

static rc fail_at(struct parser *p, const char *where, rc code, const char *message)
{
    int line = 1;
    const char *line_start = p->start;
    for (const char *c = p->start; c < where; c++) {
        if (*c == '\n') {
            line++;
            line_start = c + 1;
        }
    }
    return err_set_at(p->err, code, p->place, line, (int)(where - line_start) + 1, "%s", message);
}

static rc fail_expected(struct parser *p, const char *expected)
{
    char message[160];
    if (p->at >= p->end)
        snprintf(message, sizeof message, "expected %s, found the end of the text", expected);
    else if ((unsigned char)*p->at < 0x20 || (unsigned char)*p->at >= 0x7f)
        snprintf(message, sizeof message, "expected %s, found byte 0x%02x", expected,
                 (unsigned)(unsigned char)*p->at);
    else
        snprintf(message, sizeof message, "expected %s, found '%c'", expected, *p->at);
    return fail_at(p, p->at, RC_INVALID, message);
}

// ---- reading ------------------------------------------------------------------------------------

static void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t'))
        p->at++;
}

static bool is_digit(const struct parser *p)
{
    return p->at < p->end && *p->at >= '0' && *p->at <= '9';
}

static rc parse_digits(struct parser *p)
{
    if (!is_digit(p))
        return fail_expected(p, "a digit");
    while (is_digit(p))
        p->at++;
    return RC_OK;
}

static rc parse_number(struct parser *p, struct json *value)
{
    const char *start = p->at;
    if (*p->at == '-')
        p->at++;
    if (p->at < p->end && *p->at == '0')
        p->at++;
    else
        TRY(parse_digits(p));
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        TRY(parse_digits(p));
    }
    if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
        p->at++;
        if (p->at < p->end && (*p->at == '+' || *p->at == '-'))
            p->at++;
        TRY(parse_digits(p));
    }
    *value = (struct json){.kind = JSON_NUMBER, .text = {start, (size_t)(p->at - start)}};
    return RC_OK;
}

// Length of the well-formed UTF-8 sequence at `at` (not ASCII), 0 when there is none.
// Source: Unicode 15, table 3-7.
static size_t utf8_sequence(const unsigned char *at, size_t left)
{
    const unsigned char lead = at[0];
    const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || length > left)
        return 0;
    const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static bool parse_hex4(struct parser *p, unsigned *ret_unit)
{
    if (p->end - p->at < 4)
        return false;
    unsigned unit = 0;
    for (int i = 0; i < 4; i++) {
        const char c = p->at[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return false;
        unit = unit * 16 + (unsigned)digit;
    }
    p->at += 4;
    *ret_unit = unit;
    return true;
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

// Behind a backslash. A lone surrogate becomes U+FFFD: UTF-8 cannot hold it.
static rc parse_escape(struct parser *p, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    if (p->at >= p->end)
        return fail_expected(p, "an escape");
    const char *known = *p->at != '\0' ? strchr(from, *p->at) : NULL;
    if (known != NULL) {
        *(*to)++ = into[known - from];
        p->at++;
        return RC_OK;
    }
    if (*p->at != 'u')
        return fail_expected(p, "an escape (one of \"\\/bfnrtu)");
    p->at++;
    unsigned unit;
    if (!parse_hex4(p, &unit))
        return fail_expected(p, "four hexadecimal digits behind \\u");
    if (unit >= 0xd800 && unit < 0xdc00 && p->end - p->at >= 6 && p->at[0] == '\\' &&
        p->at[1] == 'u') {
        const char *second = p->at;
        unsigned low;
        p->at += 2;
        if (parse_hex4(p, &low) && low >= 0xdc00 && low < 0xe000)
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        else
            p->at = second;
    }
    if (unit >= 0xd800 && unit < 0xe000)
        unit = 0xfffd;
    *to = put_utf8(*to, unit);
    return RC_OK;
}

// True for every byte of a string that needs no look: not a quote, backslash, control or UTF-8.
static inline bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

// The high bit of each of eight bytes that is not plain. The borrow of a subtraction can mark the
// byte above a marked one too; only the lowest mark is used.
static inline uint64_t marks_of(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    uint64_t word;
    memcpy(&word, at, sizeof word);
    const uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
    const uint64_t controls = (word - ones * 0x20) & ~word;
    const uint64_t quotes = (quote - ones) & ~quote, backslashes = (backslash - ones) & ~backslash;
    return (word | controls | quotes | backslashes) & highs;
}

// @return the first byte that is not plain, or `end`
static inline const char *skip_plain(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        const uint64_t marks = marks_of(at);
        if (marks != 0)
            return at + __builtin_ctzll(marks) / 8;
    }
    while (at < end && is_plain(*at))
        at++;
    return at;
}

// Finds the closing quote, checking bytes on the way. *ret_has_escape tells whether to decode.
static rc scan_string(struct parser *p, bool *ret_has_escape)
{
    *ret_has_escape = false;
    for (;;) {
        p->at = skip_plain(p->at, p->end);
        if (p->at >= p->end)
            return fail_at(p, p->at, RC_INVALID, "the string is not closed");
        const unsigned char byte = (unsigned char)*p->at;
        if (byte == '"')
            return RC_OK;
        if (byte < 0x20)
            return fail_at(p, p->at, RC_INVALID, "a control character in a string must be escaped");
        if (byte == '\\') {
            *ret_has_escape = true;
            p->at += p->end - p->at >= 2 ? 2 : 1;
            continue;
        }
        const size_t length = utf8_sequence((const unsigned char *)p->at, (size_t)(p->end - p->at));
        if (length == 0)
            return fail_at(p, p->at, RC_INVALID, "invalid UTF-8 in a string");
        p->at += length;
    }
}

static rc parse_string(struct parser *p, struct str *ret_text)
{
    const char *start = ++p->at;
    bool has_escape;
    TRY(scan_string(p, &has_escape));
    const char *end = p->at;
    if (!has_escape) {
        *ret_text = (struct str){start, (size_t)(end - start)};
        p->at++;
        return RC_OK;
    }

    // Decoding never makes a string longer.
    char *decoded = arena_alloc(p->arena, (size_t)(end - start)), *to = decoded;
    p->at = start;
    while (p->at < end) {
        const char *escape = memchr(p->at, '\\', (size_t)(end - p->at));
        const size_t plain = (size_t)((escape != NULL ? escape : end) - p->at);
        memcpy(to, p->at, plain);
        to += plain;
        p->at += plain;
        if (escape == NULL)
            break;
        p->at++;
        TRY(parse_escape(p, &to));
    }
    p->at = end + 1;
    *ret_text = (struct str){decoded, (size_t)(to - decoded)};
    return RC_OK;
}

static rc parse_word(struct parser *p, const char *word, struct json word_value, struct json *value)
{
    const size_t length = strlen(word);
    if ((size_t)(p->end - p->at) < length || memcmp(p->at, word, length) != 0)
        return fail_expected(p, "a value");
    p->at += length;
    *value = word_value;
    return RC_OK;
}

static rc parse_value(struct parser *p, int depth, struct json *value);

static rc parse_array(struct parser *p, int depth, struct json *value)
{
    item_vec items = {0};
    p->at++;
    skip_space(p);
    for (bool is_first = true; p->at >= p->end || *p->at != ']'; is_first = false) {
        if (!is_first) {
            if (p->at >= p->end || *p->at != ',')
                return fail_expected(p, "',' or ']'");
            p->at++;
        }
        TRY(parse_value(p, depth + 1, vec_push(p->arena, &items)));
        skip_space(p);
    }
    p->at++;
    *value = (struct json){.kind = JSON_ARRAY, .count = items.count, .items = items.items};
    return RC_OK;
}

enum { SMALL_OBJECT_MEMBERS = 32 };

// The last of equal keys wins, at the place of the first. Large objects are searched by `index`,
// which holds numbers of members, counted from 1.
static struct json_member *member_add(struct parser *p, member_vec *members, struct map *index,
                                      struct str key)
{
    if (members->count < SMALL_OBJECT_MEMBERS) {
        for (size_t i = 0; i < members->count; i++)
            if (str_equal(members->items[i].key, key))
                return &members->items[i];
    } else {
        if (index->arena == NULL)
            map_init(index, p->arena);
        for (size_t i = index->count; i < members->count; i++)
            map_set(index, members->items[i].key, (void *)(uintptr_t)(i + 1));
        const size_t known = (size_t)(uintptr_t)map_get(index, key);
        if (known > 0)
            return &members->items[known - 1];
    }
    struct json_member *member = vec_push(p->arena, members);
    member->key = key;
    return member;
}

static rc parse_object(struct parser *p, int depth, struct json *value)
{
    member_vec members = {0};
    struct map index = {0};
    p->at++;
    skip_space(p);
    for (bool is_first = true; p->at >= p->end || *p->at != '}'; is_first = false) {
        if (!is_first) {
            if (p->at >= p->end || *p->at != ',')
                return fail_expected(p, "',' or '}'");
            p->at++;
            skip_space(p);
        }
        if (p->at >= p->end || *p->at != '"')
            return fail_expected(p, is_first ? "a key in quotes or '}'" : "a key in quotes");
        struct str key;
        TRY(parse_string(p, &key));
        skip_space(p);
        if (p->at >= p->end || *p->at != ':')
            return fail_expected(p, "':'");
        p->at++;
        // The value goes aside first: the vector may move while nested members are read.
        struct json member_value;
        TRY(parse_value(p, depth + 1, &member_value));
        member_add(p, &members, &index, key)->value = member_value;
        skip_space(p);
    }
    p->at++;
    *value = (struct json){.kind = JSON_OBJECT, .count = members.count, .members = members.items};
    return RC_OK;
}

static rc parse_value(struct parser *p, int depth, struct json *value)
{
    skip_space(p);
    if (depth > JSON_MAX_DEPTH)
        return fail_at(p, p->at, RC_LIMIT, "nested deeper than 256 levels");
    const char first = p->at < p->end ? *p->at : '\0';
    struct json parsed = {0};
    if (first == '{')
        TRY(parse_object(p, depth, &parsed));
    else if (first == '[')
        TRY(parse_array(p, depth, &parsed));
    else if (first == '"') {
        parsed.kind = JSON_STRING;
        TRY(parse_string(p, &parsed.text));
    } else if (first == '-' || (first >= '0' && first <= '9'))
        TRY(parse_number(p, &parsed));
    else if (first == 't')
        TRY(parse_word(p, "true", (struct json){.kind = JSON_BOOL, .boolean = true}, &parsed));
    else if (first == 'f')
        TRY(parse_word(p, "false", (struct json){.kind = JSON_BOOL}, &parsed));
    else
        TRY(parse_word(p, "null", (struct json){.kind = JSON_NULL}, &parsed));
    *value = parsed;
    return RC_OK;
}

rc json_parse(struct arena *arena, struct str text, const char *place, struct json *ret_value,
              struct err *err)
{
    struct parser p = {arena, text.bytes, text.bytes, text.bytes + text.length, place, err};
    if (str_has_prefix(text, STR("\xef\xbb\xbf"))) // a byte order mark is allowed, as by dlt
        p.at += 3;
    struct json value;
    TRY(parse_value(&p, 0, &value));
    skip_space(&p);
    if (p.at < p.end)
        return fail_expected(&p, "the end of the text");
    *ret_value = value;
    return RC_OK;
}

rc json_next(struct json_reader *reader, struct arena *arena, struct json *ret_value,
             struct err *err)
{
    const struct str text = reader->text;
    struct parser p = {arena,         text.bytes, text.bytes + reader->at, text.bytes + text.length,
                       reader->place, err};
    skip_space(&p);
    if (p.at >= p.end) {
        reader->at = text.length;
        return RC_EOF;
    }
    struct json value;
    TRY(parse_value(&p, 0, &value));
    reader->at = (size_t)(p.at - p.start);
    *ret_value = value;
    return RC_OK;
}

// ---- looking up ---------------------------------------------------------------------------------

const struct json *json_get(const struct json *value, struct str key)
{
    if (value == NULL || value->kind != JSON_OBJECT)
        return NULL;
    for (size_t i = value->count; i > 0; i--)
        if (str_equal(value->members[i - 1].key, key))
            return &value->members[i - 1].value;
    return NULL;
}

const struct json *json_path_of(const struct json *value, const char *const *keys)
{
    for (; *keys != NULL && value != NULL; keys++)
        value = json_get(value, str_of(*keys));
    return value;
}

struct str json_str(const struct json *value, struct str fallback)
{
    return value != NULL && value->kind == JSON_STRING ? value->text : fallback;
}

bool json_to_int64(const struct json *value, int64_t *ret_number)
{
    return value != NULL && value->kind == JSON_NUMBER && str_to_int64(value->text, ret_number);
}

bool json_to_double(const struct json *value, double *ret_number)
{
    return value != NULL && value->kind == JSON_NUMBER && str_to_double(value->text, ret_number);
}

int64_t json_int64(const struct json *value, int64_t fallback)
{
    int64_t number = fallback;
    return json_to_int64(value, &number) ? number : fallback;
}

bool json_bool(const struct json *value, bool fallback)
{
    return value != NULL && value->kind == JSON_BOOL ? value->boolean : fallback;
}

bool json_equal(const struct json *a, const struct json *b)
{
    if (a->kind != b->kind || a->count != b->count)
        return false;
    switch (a->kind) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->boolean == b->boolean;
    case JSON_NUMBER:
    case JSON_STRING:
        return str_equal(a->text, b->text);
    case JSON_ARRAY:
        for (size_t i = 0; i < a->count; i++)
            if (!json_equal(&a->items[i], &b->items[i]))
                return false;
        return true;
    case JSON_OBJECT:
        for (size_t i = 0; i < a->count; i++) {
            const struct json *other = json_get(b, a->members[i].key);
            if (other == NULL || !json_equal(&a->members[i].value, other))
                return false;
        }
        return true;
    }
    return false;
}

// ---- building -----------------------------------------------------------------------------------

struct json json_of_str(struct str text)
{
    return (struct json){.kind = JSON_STRING, .text = text};
}

struct json json_of_int64(struct arena *arena, int64_t number)
{
    return (struct json){.kind = JSON_NUMBER,
                         .text = arena_printf(arena, "%lld", (long long)number)};
}

struct json json_of_bool(bool boolean)
{
    return (struct json){.kind = JSON_BOOL, .boolean = boolean};
}

// The fewest digits that read back to the same number, in the notation "d.ddde+xx". 15 digits never
// lie for normal numbers, and their zeros are dropped; tiny ones have fewer digits to give.
static void print_scientific(char *to, size_t to_bytes, double number)
{
    const int fewest = fabs(number) < DBL_MIN ? 1 : 15;
    for (int digits = fewest; digits <= 17; digits++) {
        snprintf(to, to_bytes, "%.*e", digits - 1, number);
        if (strtod(to, NULL) == number)
            return;
    }
}

// As Python's repr(): plain between 1e-4 and 1e16, else with an exponent; ".0" when it would look
// like an integer.
static int print_double(char *to, size_t to_bytes, double number)
{
    char text[40], digits[20];
    print_scientific(text, sizeof text, number);
    const char *at = text + (text[0] == '-');
    int count = 0;
    for (; *at != 'e'; at++)
        if (*at != '.')
            digits[count++] = *at;
    const int exponent = (int)strtol(at + 1, NULL, 10);
    while (count > 1 && digits[count - 1] == '0')
        count--;
    const char *sign = text[0] == '-' ? "-" : "";
    if (exponent < -4 || exponent >= 16)
        return snprintf(to, to_bytes, "%s%c%s%.*se%c%02d", sign, digits[0], count > 1 ? "." : "",
                        count - 1, digits + 1, exponent < 0 ? '-' : '+', abs(exponent));
    if (exponent < 0)
        return snprintf(to, to_bytes, "%s0.%.*s%.*s", sign, -exponent - 1, "000", count, digits);
    if (count <= exponent + 1)
        return snprintf(to, to_bytes, "%s%.*s%.*s.0", sign, count, digits, exponent + 1 - count,
                        "0000000000000000");
    return snprintf(to, to_bytes, "%s%.*s.%.*s", sign, exponent + 1, digits, count - exponent - 1,
                    digits + exponent + 1);
}

struct json json_of_double(struct arena *arena, double number)
{
    if (!isfinite(number))
        return (struct json){.kind = JSON_NULL};
    char text[40];
    const int length = print_double(text, sizeof text, number);
    return (struct json){.kind = JSON_NUMBER,
                         .text = arena_str(arena, (struct str){text, (size_t)length})};
}

// Room doubles at powers of two, so no capacity has to be stored.
static void *grow_by_one(struct arena *arena, void *items, size_t count, size_t item_size)
{
    const bool is_full = count == 0 || (count >= 4 && (count & (count - 1)) == 0);
    if (!is_full)
        return items;
    void *wider = arena_alloc_array(arena, count < 4 ? 4 : count * 2, item_size);
    if (count > 0)
        memcpy(wider, items, count * item_size);
    return wider;
}

struct json *json_array_push(struct arena *arena, struct json *array)
{
    array->kind = JSON_ARRAY;
    array->items = grow_by_one(arena, array->items, array->count, sizeof *array->items);
    array->items[array->count] = (struct json){0};
    return &array->items[array->count++];
}

struct json *json_object_set(struct arena *arena, struct json *object, struct str key)
{
    object->kind = JSON_OBJECT;
    for (size_t i = 0; i < object->count; i++)
        if (str_equal(object->members[i].key, key))
            return &object->members[i].value;
    object->members = grow_by_one(arena, object->members, object->count, sizeof *object->members);
    object->members[object->count] = (struct json_member){.key = key};
    return &object->members[object->count++].value;
}

struct json json_copy(struct arena *arena, const struct json *value)
{
    struct json copy = *value;
    if (value->kind == JSON_NUMBER || value->kind == JSON_STRING)
        copy.text = arena_str(arena, value->text);
    // Built values grow in place by powers of two, so copies keep that much room.
    size_t room = 4;
    while (room < value->count)
        room *= 2;
    if (value->kind == JSON_ARRAY) {
        copy.items = ARENA_ARRAY(arena, struct json, room);
        for (size_t i = 0; i < value->count; i++)
            copy.items[i] = json_copy(arena, &value->items[i]);
    } else if (value->kind == JSON_OBJECT) {
        copy.members = ARENA_ARRAY(arena, struct json_member, room);
        for (size_t i = 0; i < value->count; i++)
            copy.members[i] = (struct json_member){arena_str(arena, value->members[i].key),
                                                   json_copy(arena, &value->members[i].value)};
    }
    return copy;
}

// ---- writing ------------------------------------------------------------------------------------

void json_write_string(struct buf *to, struct str text)
{
    buf_append_byte(to, '"');
    size_t start = 0;
    for (size_t i = 0; i < text.length; i++) {
        const unsigned char byte = (unsigned char)text.bytes[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        buf_append(to, text.bytes + start, i - start);
        start = i + 1;
        static const char names[] = "btn\0fr";
        if (byte == '"' || byte == '\\')
            buf_printf(to, "\\%c", byte);
        else if (byte >= '\b' && byte <= '\r' && byte != '\v')
            buf_printf(to, "\\%c", names[byte - '\b']);
        else
            buf_printf(to, "\\u%04x", byte);
    }
    if (start < text.length)
        buf_append(to, text.bytes + start, text.length - start);
    buf_append_byte(to, '"');
}

void json_writer_init(struct json_writer *w, struct buf *to, enum json_style style)
{
    *w = (struct json_writer){.to = to, .style = style, .is_first = {true}};
}

static void new_line(struct json_writer *w)
{
    if (w->style != JSON_PRETTY)
        return;
    buf_append_byte(w->to, '\n');
    for (int i = 0; i < w->depth; i++)
        buf_append_cstr(w->to, "  ");
}

static void before_value(struct json_writer *w)
{
    if (w->has_key) {
        w->has_key = false;
        return;
    }
    if (!w->is_first[w->depth])
        buf_append_byte(w->to, ',');
    w->is_first[w->depth] = false;
    if (w->depth > 0)
        new_line(w);
}

static void begin(struct json_writer *w, char bracket)
{
    before_value(w);
    buf_append_byte(w->to, bracket);
    if (w->depth + 1 < JSON_MAX_DEPTH)
        w->depth++;
    w->is_first[w->depth] = true;
}

static void end(struct json_writer *w, char bracket)
{
    const bool is_empty = w->is_first[w->depth];
    w->depth--;
    if (!is_empty)
        new_line(w);
    buf_append_byte(w->to, bracket);
}

void json_begin_object(struct json_writer *w)
{
    begin(w, '{');
}

void json_end_object(struct json_writer *w)
{
    end(w, '}');
}

void json_begin_array(struct json_writer *w)
{
    begin(w, '[');
}

void json_end_array(struct json_writer *w)
{
    end(w, ']');
}

void json_key(struct json_writer *w, struct str key)
{
    before_value(w);
    json_write_string(w->to, key);
    buf_append_cstr(w->to, w->style == JSON_PRETTY ? ": " : ":");
    w->has_key = true;
}

void json_put_str(struct json_writer *w, struct str text)
{
    before_value(w);
    json_write_string(w->to, text);
}

void json_put_int64(struct json_writer *w, int64_t number)
{
    before_value(w);
    buf_printf(w->to, "%lld", (long long)number);
}

void json_put_bool(struct json_writer *w, bool boolean)
{
    before_value(w);
    buf_append_cstr(w->to, boolean ? "true" : "false");
}

void json_put_null(struct json_writer *w)
{
    before_value(w);
    buf_append_cstr(w->to, "null");
}

void json_put_raw(struct json_writer *w, struct str text)
{
    before_value(w);
    buf_append_str(w->to, text);
}

void json_put(struct json_writer *w, const struct json *value)
{
    switch (value->kind) {
    case JSON_NULL:
        json_put_null(w);
        break;
    case JSON_BOOL:
        json_put_bool(w, value->boolean);
        break;
    case JSON_NUMBER:
        before_value(w);
        buf_append_str(w->to, value->text);
        break;
    case JSON_STRING:
        json_put_str(w, value->text);
        break;
    case JSON_ARRAY:
        json_begin_array(w);
        for (size_t i = 0; i < value->count; i++)
            json_put(w, &value->items[i]);
        json_end_array(w);
        break;
    case JSON_OBJECT:
        json_begin_object(w);
        for (size_t i = 0; i < value->count; i++) {
            json_key(w, value->members[i].key);
            json_put(w, &value->members[i].value);
        }
        json_end_object(w);
        break;
    }
}

void json_write(struct buf *to, const struct json *value, enum json_style style)
{
    struct json_writer w;
    json_writer_init(&w, to, style);
    json_put(&w, value);
}

struct str json_print(struct arena *arena, const struct json *value, enum json_style style)
{
    struct buf buf;
    buf_init(&buf, SIZE_MAX / 2);
    json_write(&buf, value, style);
    const struct str text = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return text;
}

void json_field_str(struct json_writer *w, const char *key, struct str text)
{
    json_key(w, str_of(key));
    json_put_str(w, text);
}

void json_field_int64(struct json_writer *w, const char *key, int64_t number)
{
    json_key(w, str_of(key));
    json_put_int64(w, number);
}

void json_field_bool(struct json_writer *w, const char *key, bool boolean)
{
    json_key(w, str_of(key));
    json_put_bool(w, boolean);
}
