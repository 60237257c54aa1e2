#include "flow/intrinsic_functions.h"

#include <math.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/hash.h"
#include "flow/intrinsic.h"

enum { FORMAT_MAX_BYTES = 1 << 20 };

#define INTRINSIC(name)                                                                            \
    static rc name(struct arena *arena, const struct json *arguments, size_t count,                \
                   struct json *ret_value, struct err *err)

static rc expect(const struct json *value, enum json_kind kind, const char *what, struct err *err)
{
    if (value->kind == kind)
        return RC_OK;
    return err_set(err, RC_INVALID, "%s was expected", what);
}

/// Integers as they are, others rounded half up, as AWS does.
static rc expect_integer(const struct json *value, int64_t *ret_number, struct err *err)
{
    double number;
    if (json_to_int64(value, ret_number))
        return RC_OK;
    if (value->kind != JSON_NUMBER || !json_to_double(value, &number) || !(fabs(number) < 9e18))
        return err_set(err, RC_INVALID, "a whole number was expected");
    *ret_number = (int64_t)floor(number + 0.5);
    return RC_OK;
}

static struct str as_text(struct arena *arena, const struct json *value)
{
    return value->kind == JSON_STRING ? value->text : json_print(arena, value, JSON_COMPACT);
}

/// Replaces each {} of the template; \{ \} \\ are the characters themselves.
INTRINSIC(call_format)
{
    TRY(expect(&arguments[0], JSON_STRING, "a template text", err));
    const struct str template = arguments[0].text;
    struct buf to;
    buf_init(&to, FORMAT_MAX_BYTES);
    size_t used = 1;
    rc code = RC_OK;
    for (size_t i = 0; i < template.length && code == RC_OK; i++) {
        const char c = template.bytes[i];
        const char next = i + 1 < template.length ? template.bytes[i + 1] : '\0';
        if (c == '\\' && (next == '{' || next == '}' || next == '\\')) {
            buf_append_byte(&to, next);
            i++;
        } else if (c == '{' && next == '}') {
            if (used < count)
                buf_append_str(&to, as_text(arena, &arguments[used]));
            used++;
            i++;
        } else {
            buf_append_byte(&to, c);
        }
    }
    if (used != count)
        code = err_set(err, RC_INVALID, "the template has %zu places for %zu arguments", used - 1,
                       count - 1);
    if (code == RC_OK)
        code = buf_check(&to, err, "the formatted text");
    if (code == RC_OK)
        *ret_value = json_of_str(arena_str(arena, buf_str(&to)));
    buf_done(&to);
    return code;
}

INTRINSIC(call_string_to_json)
{
    (void)count;
    TRY(expect(&arguments[0], JSON_STRING, "a text", err));
    if (str_trim(arguments[0].text).length == 0) {
        *ret_value = (struct json){.kind = JSON_NULL};
        return RC_OK;
    }
    return json_parse(arena, arguments[0].text, "the text", ret_value, err);
}

INTRINSIC(call_json_to_string)
{
    (void)count;
    (void)err;
    *ret_value = json_of_str(json_print(arena, &arguments[0], JSON_COMPACT));
    return RC_OK;
}

INTRINSIC(call_array)
{
    (void)err;
    *ret_value = (struct json){.kind = JSON_ARRAY};
    for (size_t i = 0; i < count; i++)
        *json_array_push(arena, ret_value) = arguments[i];
    return RC_OK;
}

INTRINSIC(call_array_partition)
{
    (void)count;
    int64_t size;
    TRY(expect(&arguments[0], JSON_ARRAY, "an array", err));
    TRY(expect_integer(&arguments[1], &size, err));
    if (size <= 0)
        return err_set(err, RC_INVALID, "the size of a part must be above 0");
    struct json parts = {.kind = JSON_ARRAY};
    struct json *part = NULL;
    for (size_t i = 0; i < arguments[0].count; i++) {
        if (i % (size_t)size == 0) {
            part = json_array_push(arena, &parts);
            *part = (struct json){.kind = JSON_ARRAY};
        }
        *json_array_push(arena, part) = arguments[0].items[i];
    }
    *ret_value = parts;
    return RC_OK;
}

static bool contains(const struct json *array, const struct json *value)
{
    for (size_t i = 0; i < array->count; i++)
        if (json_equal(&array->items[i], value))
            return true;
    return false;
}

INTRINSIC(call_array_contains)
{
    (void)count;
    (void)arena;
    TRY(expect(&arguments[0], JSON_ARRAY, "an array", err));
    *ret_value = json_of_bool(contains(&arguments[0], &arguments[1]));
    return RC_OK;
}

INTRINSIC(call_array_range)
{
    (void)count;
    int64_t from, to, step;
    TRY(expect_integer(&arguments[0], &from, err));
    TRY(expect_integer(&arguments[1], &to, err));
    TRY(expect_integer(&arguments[2], &step, err));
    if (step == 0)
        return err_set(err, RC_INVALID, "the step must not be 0");
    *ret_value = (struct json){.kind = JSON_ARRAY};
    for (__int128 number = from; step > 0 ? number <= to : number >= to; number += step) {
        if (ret_value->count >= INTRINSIC_MAX_RANGE)
            return err_set(err, RC_INVALID, "the range has more than %d items",
                           INTRINSIC_MAX_RANGE);
        *json_array_push(arena, ret_value) = json_of_int64(arena, (int64_t)number);
    }
    return RC_OK;
}

INTRINSIC(call_array_get_item)
{
    (void)count;
    (void)arena;
    int64_t index;
    TRY(expect(&arguments[0], JSON_ARRAY, "an array", err));
    TRY(expect_integer(&arguments[1], &index, err));
    if (index < 0 || (uint64_t)index >= arguments[0].count)
        return err_set(err, RC_INVALID, "the array has no item %lld", (long long)index);
    *ret_value = arguments[0].items[index];
    return RC_OK;
}

INTRINSIC(call_array_length)
{
    (void)count;
    TRY(expect(&arguments[0], JSON_ARRAY, "an array", err));
    *ret_value = json_of_int64(arena, (int64_t)arguments[0].count);
    return RC_OK;
}

INTRINSIC(call_array_unique)
{
    (void)count;
    TRY(expect(&arguments[0], JSON_ARRAY, "an array", err));
    *ret_value = (struct json){.kind = JSON_ARRAY};
    for (size_t i = 0; i < arguments[0].count; i++)
        if (!contains(ret_value, &arguments[0].items[i]))
            *json_array_push(arena, ret_value) = arguments[0].items[i];
    return RC_OK;
}

static rc expect_short_text(const struct json *value, struct err *err)
{
    TRY(expect(value, JSON_STRING, "a text", err));
    if (value->text.length > INTRINSIC_MAX_BASE64)
        return err_set(err, RC_INVALID, "the text is longer than %d characters",
                       INTRINSIC_MAX_BASE64);
    return RC_OK;
}

INTRINSIC(call_base64_encode)
{
    (void)count;
    TRY(expect_short_text(&arguments[0], err));
    *ret_value = json_of_str(
        base64_encode(arena, arguments[0].text.bytes, arguments[0].text.length, BASE64_STANDARD));
    return RC_OK;
}

INTRINSIC(call_base64_decode)
{
    (void)count;
    struct str bytes;
    TRY(expect_short_text(&arguments[0], err));
    TRY(base64_decode(arena, arguments[0].text, BASE64_STANDARD, &bytes, err));
    *ret_value = json_of_str(bytes);
    return RC_OK;
}

INTRINSIC(call_hash)
{
    (void)count;
    static const struct {
        const char *name;
        enum hash_algorithm algorithm;
    } algorithms[] = {{"MD5", HASH_MD5},
                      {"SHA-1", HASH_SHA1},
                      {"SHA-256", HASH_SHA256},
                      {"SHA-384", HASH_SHA384},
                      {"SHA-512", HASH_SHA512}};
    TRY(expect(&arguments[1], JSON_STRING, "the name of an algorithm", err));
    const struct str text = as_text(arena, &arguments[0]);
    if (text.length > INTRINSIC_MAX_BASE64)
        return err_set(err, RC_INVALID, "the value is longer than %d characters",
                       INTRINSIC_MAX_BASE64);
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
        if (str_is(arguments[1].text, algorithms[i].name)) {
            *ret_value = json_of_str(hash_hex(arena, hash_of(algorithms[i].algorithm, text)));
            return RC_OK;
        }
    return err_set(err, RC_INVALID,
                   "the algorithm %.*s is none of MD5, SHA-1, SHA-256, SHA-384, SHA-512",
                   STR_ARGS(arguments[1].text));
}

INTRINSIC(call_json_merge)
{
    (void)count;
    TRY(expect(&arguments[0], JSON_OBJECT, "an object", err));
    TRY(expect(&arguments[1], JSON_OBJECT, "an object", err));
    TRY(expect(&arguments[2], JSON_BOOL, "true or false", err));
    if (arguments[2].boolean)
        return err_set(err, RC_INVALID, "deep merging (true) is not offered by Step Functions");
    *ret_value = (struct json){.kind = JSON_OBJECT};
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < arguments[i].count; k++)
            *json_object_set(arena, ret_value, arguments[i].members[k].key) =
                arguments[i].members[k].value;
    return RC_OK;
}

static rc random_bytes(void *to, size_t length, struct err *err)
{
    if (getrandom(to, length, 0) != (ssize_t)length)
        return err_set(err, RC_IO, "the system gave no random bytes");
    return RC_OK;
}

/// A number from `from` to `to` - 1; the same for the same seed.
INTRINSIC(call_math_random)
{
    int64_t from, to, seed;
    uint64_t random;
    TRY(expect_integer(&arguments[0], &from, err));
    TRY(expect_integer(&arguments[1], &to, err));
    if (from >= to)
        return err_set(err, RC_INVALID, "the first number must be below the second");
    if (count == 3) {
        TRY(expect_integer(&arguments[2], &seed, err));
        const struct hash hash =
            hash_of(HASH_SHA256, (struct str){(const char *)&seed, sizeof seed});
        memcpy(&random, hash.bytes, sizeof random);
    } else {
        TRY(random_bytes(&random, sizeof random, err));
    }
    const unsigned __int128 width = (unsigned __int128)((__int128)to - from);
    const __int128 number = (__int128)from + (__int128)((random * width) >> 64);
    *ret_value = json_of_int64(arena, (int64_t)number);
    return RC_OK;
}

INTRINSIC(call_math_add)
{
    (void)count;
    int64_t a, b, sum;
    TRY(expect_integer(&arguments[0], &a, err));
    TRY(expect_integer(&arguments[1], &b, err));
    if (__builtin_add_overflow(a, b, &sum))
        return err_set(err, RC_INVALID, "the sum is too big");
    *ret_value = json_of_int64(arena, sum);
    return RC_OK;
}

/// Cut at each character of the second text; empty pieces are dropped.
INTRINSIC(call_string_split)
{
    (void)count;
    TRY(expect(&arguments[0], JSON_STRING, "a text", err));
    TRY(expect(&arguments[1], JSON_STRING, "a text of separators", err));
    const struct str text = arguments[0].text, separators = arguments[1].text;
    *ret_value = (struct json){.kind = JSON_ARRAY};
    size_t start = 0;
    for (size_t i = 0; i <= text.length; i++) {
        if (i < text.length && str_find_byte(separators, text.bytes[i]) == SIZE_MAX)
            continue;
        if (i > start)
            *json_array_push(arena, ret_value) = json_of_str(str_slice(text, start, i - start));
        start = i + 1;
    }
    return RC_OK;
}

INTRINSIC(call_uuid)
{
    (void)arguments;
    (void)count;
    unsigned char b[16];
    TRY(random_bytes(b, sizeof b, err));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    const struct str hex = hex_encode(arena, b, sizeof b);
    *ret_value =
        json_of_str(arena_printf(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex.bytes, hex.bytes + 8,
                                 hex.bytes + 12, hex.bytes + 16, hex.bytes + 20));
    return RC_OK;
}

const struct intrinsic_function intrinsic_functions[] = {
    {"States.Format", 1, INTRINSIC_MAX_ARGUMENTS, true, call_format},
    {"States.StringToJson", 1, 1, false, call_string_to_json},
    {"States.JsonToString", 1, 1, false, call_json_to_string},
    {"States.Array", 0, INTRINSIC_MAX_ARGUMENTS, false, call_array},
    {"States.ArrayPartition", 2, 2, false, call_array_partition},
    {"States.ArrayContains", 2, 2, false, call_array_contains},
    {"States.ArrayRange", 3, 3, false, call_array_range},
    {"States.ArrayGetItem", 2, 2, false, call_array_get_item},
    {"States.ArrayLength", 1, 1, false, call_array_length},
    {"States.ArrayUnique", 1, 1, false, call_array_unique},
    {"States.Base64Encode", 1, 1, false, call_base64_encode},
    {"States.Base64Decode", 1, 1, false, call_base64_decode},
    {"States.Hash", 2, 2, false, call_hash},
    {"States.JsonMerge", 3, 3, false, call_json_merge},
    {"States.MathRandom", 2, 3, false, call_math_random},
    {"States.MathAdd", 2, 2, false, call_math_add},
    {"States.StringSplit", 2, 2, false, call_string_split},
    {"States.UUID", 0, 0, false, call_uuid},
};
const size_t intrinsic_function_count = sizeof intrinsic_functions / sizeof intrinsic_functions[0];
