/// @file ids.c
/// See ids.h. Layer: ingest.

#include "ingest/ids.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/hash.h"

enum { CANONICAL_MAX_BYTES = 256 << 20, ID_TEXT_BYTES = 1024 };

static void encode_id(const unsigned char bytes[ROW_ID_BYTES], char ret_id[ROW_ID_LENGTH])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t out = 0;
    uint32_t bits = 0;
    int bit_count = 0;
    for (size_t i = 0; i < ROW_ID_BYTES; i++) {
        bits = bits << 8 | bytes[i];
        for (bit_count += 8; bit_count >= 6; bit_count -= 6)
            ret_id[out++] = alphabet[bits >> (bit_count - 6) & 63];
    }
    ret_id[out] = alphabet[bits << (6 - bit_count) & 63];
}

void ids_random(struct id_source *source, char ret_id[ROW_ID_LENGTH])
{
    if (source->left < ROW_ID_BYTES) {
        size_t have = 0;
        while (have < sizeof source->bytes) {
            const ssize_t got = getrandom(source->bytes + have, sizeof source->bytes - have, 0);
            if (got > 0)
                have += (size_t)got;
        }
        source->left = sizeof source->bytes;
    }
    encode_id(source->bytes + sizeof source->bytes - source->left, ret_id);
    source->left -= ROW_ID_BYTES;
}

void ids_nested_row(struct str parent_id, struct str table, size_t index,
                    char ret_id[ROW_ID_LENGTH])
{
    struct buf text;
    char fixed[ID_TEXT_BYTES];
    unsigned char digest[ROW_ID_BYTES];
    if (parent_id.length + table.length + 24 <= sizeof fixed) {
        const int length = snprintf(fixed, sizeof fixed, "%.*s_%.*s_%zu", STR_ARGS(parent_id),
                                    STR_ARGS(table), index);
        hash_shake128((struct str){fixed, (size_t)length}, digest, sizeof digest);
    } else { // an id of the user's own may be long
        buf_init(&text, parent_id.length + table.length + 64);
        buf_append_str(&text, parent_id);
        buf_append_byte(&text, '_');
        buf_append_str(&text, table);
        buf_printf(&text, "_%zu", index);
        hash_shake128(buf_str(&text), digest, sizeof digest);
        buf_done(&text);
    }
    encode_id(digest, ret_id);
}

struct str ids_digest(struct arena *arena, struct str text, size_t bytes)
{
    unsigned char *digest = arena_alloc(arena, bytes + 1);
    hash_shake128(text, digest, bytes);
    return base64_encode(arena, digest, bytes, BASE64_STANDARD);
}

/// A number without fraction and exponent keeps its digits; others are printed as the shortest text
/// that reads back, in the notation of Rust's ryu, which orjson uses: 1e16, 1.5e-7, 0.00001.
static void write_number(struct buf *to, struct str text)
{
    bool is_integer = true;
    for (size_t i = 0; i < text.length; i++)
        if (text.bytes[i] == '.' || text.bytes[i] == 'e' || text.bytes[i] == 'E')
            is_integer = false;
    double number = 0;
    if (is_integer || !str_to_double(text, &number) || !isfinite(number)) {
        buf_append_str(to, is_integer && str_is(text, "-0") ? STR("0") : text);
        return;
    }
    char shortest[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(shortest, sizeof shortest, "%.*e", digits - 1, number);
        double again = 0;
        if (str_to_double(str_of(shortest), &again) && memcmp(&again, &number, sizeof again) == 0)
            break;
    }
    // "-d.ddde[+-]xx" -> sign, digits, exponent
    const bool is_negative = shortest[0] == '-';
    char digits[24];
    size_t count = 0;
    const char *at = shortest + is_negative;
    for (; *at != 'e'; at++)
        if (*at != '.')
            digits[count++] = *at;
    const int exponent = (int)strtol(at + 1, NULL, 10);
    if (is_negative)
        buf_append_byte(to, '-');
    if (exponent < -5 || exponent >= 16) {
        buf_append_byte(to, digits[0]);
        if (count > 1) {
            buf_append_byte(to, '.');
            buf_append(to, digits + 1, count - 1);
        }
        buf_printf(to, "e%d", exponent);
        return;
    }
    if (exponent < 0) {
        buf_append_cstr(to, "0.");
        for (int i = exponent + 1; i < 0; i++)
            buf_append_byte(to, '0');
        buf_append(to, digits, count);
        return;
    }
    for (size_t i = 0; i < count || i <= (size_t)exponent; i++) {
        if (i == (size_t)exponent + 1)
            buf_append_byte(to, '.');
        buf_append_byte(to, i < count ? digits[i] : '0');
    }
    if (count <= (size_t)exponent + 1)
        buf_append_cstr(to, ".0");
}

static int compare_members(const void *a, const void *b)
{
    return str_compare(((const struct row_member *)a)->key, ((const struct row_member *)b)->key);
}

static void write_members(struct buf *to, struct arena *scratch, struct row_member *members,
                          size_t count)
{
    qsort(members, count, sizeof *members, compare_members);
    buf_append_byte(to, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_byte(to, ',');
        json_write_string(to, members[i].key);
        buf_append_byte(to, ':');
        if (members[i].value == NULL)
            buf_append_cstr(to, "null");
        else
            ids_write_canonical(to, scratch, members[i].value);
    }
    buf_append_byte(to, '}');
}

/// Members of an object, the last one of each name.
static size_t members_of(struct arena *scratch, const struct json *object, bool is_row,
                         struct row_member **ret_members)
{
    struct row_member *members = ARENA_ARRAY(scratch, struct row_member, object->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < object->count; i++) {
        const struct str key = object->members[i].key;
        if (is_row && str_has_prefix(key, STR("_dlt")))
            continue;
        if (json_get(object, key) != &object->members[i].value && object->count < 4096)
            continue;
        members[count++] = (struct row_member){key, &object->members[i].value};
    }
    *ret_members = members;
    return count;
}

void ids_write_canonical(struct buf *to, struct arena *scratch, const struct json *value)
{
    struct row_member *members;
    switch (value->kind) { // depth is capped by the reader (JSON_MAX_DEPTH)
    case JSON_OBJECT: {
        const size_t count = members_of(scratch, value, false, &members);
        write_members(to, scratch, members, count);
        break;
    }
    case JSON_ARRAY:
        buf_append_byte(to, '[');
        for (size_t i = 0; i < value->count; i++) {
            if (i > 0)
                buf_append_byte(to, ',');
            ids_write_canonical(to, scratch, &value->items[i]);
        }
        buf_append_byte(to, ']');
        break;
    case JSON_NUMBER:
        write_number(to, value->text);
        break;
    default:
        json_write(to, value, JSON_COMPACT);
        break;
    }
}

void ids_row(struct arena *scratch, struct row_member *members, size_t count,
             char ret_id[ROW_ID_LENGTH])
{
    struct buf text;
    unsigned char digest[ROW_ID_BYTES];
    buf_init(&text, CANONICAL_MAX_BYTES);
    write_members(&text, scratch, members, count);
    hash_shake128(buf_str(&text), digest, sizeof digest);
    buf_done(&text);
    encode_id(digest, ret_id);
}

void ids_row_of_object(struct arena *scratch, const struct json *object, char ret_id[ROW_ID_LENGTH])
{
    struct row_member *members;
    const size_t count = members_of(scratch, object, true, &members);
    ids_row(scratch, members, count, ret_id);
}
