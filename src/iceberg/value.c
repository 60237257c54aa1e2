/// Values of primitive types: binary, JSON, SQL and human forms.

#include "iceberg/value.h"

#include <math.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "base/hash.h"
#include "base/time.h"
#include "base/utf8.h"

enum { UUID_BYTES = 16, UUID_TEXT = 36, MAX_CODE_POINT = 0x10FFFF };
static const int64_t NS_PER_US = 1000;

static bool is_text_like(enum type_id type)
{
    return type == TYPE_STRING || type == TYPE_UUID || type == TYPE_FIXED || type == TYPE_BINARY;
}

// Binary

static rc wrong_length(const struct type *type, struct str bytes, struct err *err)
{
    return err_set(err, RC_CORRUPT, "a value of type %s cannot have %zu bytes", type_name(type->id),
                   bytes.length);
}

static rc decode_real(const struct type *type, struct str bytes, struct value *value,
                      struct err *err)
{
    float single;
    if (bytes.length == sizeof single) {
        memcpy(&single, bytes.bytes, sizeof single);
        value->real = (double)single;
        return RC_OK;
    }
    if (bytes.length != sizeof value->real || type->id != TYPE_DOUBLE)
        return wrong_length(type, bytes, err);
    memcpy(&value->real, bytes.bytes, sizeof value->real);
    return RC_OK;
}

static rc decode_integer(const struct type *type, struct str bytes, struct value *value,
                         struct err *err)
{
    const bool is_narrow = type->id == TYPE_INT || type->id == TYPE_DATE;
    int32_t narrow;
    if (bytes.length == sizeof narrow) {
        memcpy(&narrow, bytes.bytes, sizeof narrow);
        value->integer = narrow;
        // bounds of a date column that became a timestamp (v3)
        if (type->id == TYPE_TIMESTAMP)
            value->integer = narrow * TIME_US_PER_DAY;
        else if (type->id == TYPE_TIMESTAMP_NS)
            value->integer = narrow * TIME_US_PER_DAY * NS_PER_US;
        return RC_OK;
    }
    if (bytes.length != sizeof value->integer || is_narrow)
        return wrong_length(type, bytes, err);
    memcpy(&value->integer, bytes.bytes, sizeof value->integer);
    return RC_OK;
}

rc value_decode(const struct type *type, struct str bytes, struct value *ret_value, struct err *err)
{
    struct value value = {.type = type->id, .precision = type->precision, .scale = type->scale};
    switch (type->id) {
    case TYPE_BOOLEAN:
        if (bytes.length != 1)
            return wrong_length(type, bytes, err);
        value.boolean = bytes.bytes[0] != 0;
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        TRY(decode_real(type, bytes, &value, err));
        break;
    case TYPE_DECIMAL:
        if (bytes.length < 1 || bytes.length > 16)
            return wrong_length(type, bytes, err);
        value.unscaled = decimal_of_bytes((const unsigned char *)bytes.bytes, bytes.length);
        break;
    case TYPE_UUID:
        if (bytes.length != UUID_BYTES)
            return wrong_length(type, bytes, err);
        value.bytes = bytes;
        break;
    case TYPE_STRING:
    case TYPE_FIXED:
    case TYPE_BINARY:
        value.bytes = bytes;
        break;
    case TYPE_INT:
    case TYPE_LONG:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_TIMESTAMP_NS:
    case TYPE_TIMESTAMPTZ_NS:
        TRY(decode_integer(type, bytes, &value, err));
        break;
    default:
        return err_set(err, RC_UNSUPPORTED, "type %s has no binary values", type_name(type->id));
    }
    *ret_value = value;
    return RC_OK;
}

struct str value_encode(struct arena *arena, struct value value)
{
    const struct str none = {0};
    if (value.is_null)
        return none;
    if (is_text_like(value.type))
        return value.bytes.length > 0 ? arena_str(arena, value.bytes) : STR("");
    char *to = arena_alloc(arena, 16);
    size_t length = 8;
    if (value.type == TYPE_BOOLEAN) {
        to[0] = value.boolean ? 1 : 0;
        length = 1;
    } else if (value.type == TYPE_INT || value.type == TYPE_DATE) {
        const int32_t narrow = (int32_t)value.integer;
        memcpy(to, &narrow, length = sizeof narrow);
    } else if (value.type == TYPE_FLOAT) {
        const float single = (float)value.real;
        memcpy(to, &single, length = sizeof single);
    } else if (value.type == TYPE_DOUBLE) {
        memcpy(to, &value.real, length);
    } else if (value.type == TYPE_DECIMAL) {
        length = decimal_to_bytes(value.unscaled, (unsigned char *)to);
    } else {
        memcpy(to, &value.integer, length);
    }
    return (struct str){to, length};
}

// Order

bool value_is_nan(struct value value)
{
    return !value.is_null && (value.type == TYPE_FLOAT || value.type == TYPE_DOUBLE) &&
           isnan(value.real);
}

static int compare_real(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (int)isnan(a) - (int)isnan(b);
    if (a == 0 && b == 0)
        return (int)signbit(b) - (int)signbit(a);
    return (a > b) - (a < b);
}

int value_order(struct value a, struct value b)
{
    if (is_text_like(a.type))
        return str_compare(a.bytes, b.bytes);
    switch (a.type) {
    case TYPE_BOOLEAN:
        return (int)a.boolean - (int)b.boolean;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return compare_real(a.real, b.real);
    case TYPE_DECIMAL:
        return (a.unscaled > b.unscaled) - (a.unscaled < b.unscaled);
    default:
        return (a.integer > b.integer) - (a.integer < b.integer);
    }
}

bool value_same(struct value a, struct value b)
{
    if (a.is_null || b.is_null)
        return a.is_null && b.is_null;
    return a.type == b.type && value_order(a, b) == 0;
}

// Text

/// ".5" for 500000 of 1000000; empty for 0.
static struct str print_fraction(struct arena *arena, int64_t fraction, int digits)
{
    if (fraction == 0)
        return STR("");
    for (; fraction % 10 == 0; digits--)
        fraction /= 10;
    return arena_printf(arena, ".%0*lld", digits, (long long)fraction);
}

static struct str print_clock(struct arena *arena, int64_t units, int64_t units_per_second,
                              int digits)
{
    const int64_t seconds = units / units_per_second;
    const struct str fraction = print_fraction(arena, units % units_per_second, digits);
    return arena_printf(arena, "%02d:%02d:%02d%.*s", (int)(seconds / 3600),
                        (int)(seconds / 60 % 60), (int)(seconds % 60), STR_ARGS(fraction));
}

static struct str print_timestamp(struct arena *arena, struct value value)
{
    const bool is_nano = value.type == TYPE_TIMESTAMP_NS || value.type == TYPE_TIMESTAMPTZ_NS;
    const bool has_zone = value.type == TYPE_TIMESTAMPTZ || value.type == TYPE_TIMESTAMPTZ_NS;
    const int64_t per_second = is_nano ? 1000000000 : 1000000;
    const int64_t per_day = per_second * 86400;
    int64_t days = value.integer / per_day, rest = value.integer % per_day;
    if (rest < 0) {
        rest += per_day;
        days--;
    }
    const struct str date = time_format_date(arena, days);
    const struct str clock = print_clock(arena, rest, per_second, is_nano ? 9 : 6);
    return arena_printf(arena, "%.*sT%.*s%s", STR_ARGS(date), STR_ARGS(clock),
                        has_zone ? "+00:00" : "");
}

static struct str print_uuid(struct arena *arena, struct str bytes)
{
    const struct str hex = hex_encode(arena, bytes.bytes, bytes.length);
    return arena_printf(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex.bytes, hex.bytes + 8,
                        hex.bytes + 12, hex.bytes + 16, hex.bytes + 20);
}

/// Shortest text that reads back as the same number, of the type's own width.
static struct str print_real(struct arena *arena, struct value value)
{
    if (isnan(value.real))
        return STR("NaN");
    if (isinf(value.real))
        return value.real > 0 ? STR("Infinity") : STR("-Infinity");
    if (value.type == TYPE_DOUBLE)
        return json_of_double(arena, value.real).text;
    struct str text = {0};
    for (int digits = 6; digits <= 9; digits++) {
        text = arena_printf(arena, "%.*g", digits, value.real);
        double back;
        if (str_to_double(text, &back) && (float)back == (float)value.real)
            break;
    }
    return str_find_byte(text, '.') == SIZE_MAX && str_find_byte(text, 'e') == SIZE_MAX
               ? arena_printf(arena, "%.*s.0", STR_ARGS(text))
               : text;
}

static struct str print_decimal(struct arena *arena, struct value value)
{
    return decimal_print(arena, (struct decimal){.unscaled = value.unscaled, .scale = value.scale});
}

struct str value_show(struct arena *arena, struct value value)
{
    if (value.is_null)
        return STR("null");
    switch (value.type) {
    case TYPE_BOOLEAN:
        return value.boolean ? STR("true") : STR("false");
    case TYPE_INT:
    case TYPE_LONG:
        return arena_printf(arena, "%lld", (long long)value.integer);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return print_real(arena, value);
    case TYPE_DECIMAL:
        return print_decimal(arena, value);
    case TYPE_DATE:
        return time_format_date(arena, value.integer);
    case TYPE_TIME:
        return print_clock(arena, value.integer, 1000000, 6);
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_TIMESTAMP_NS:
    case TYPE_TIMESTAMPTZ_NS:
        return print_timestamp(arena, value);
    case TYPE_STRING:
        return value.bytes;
    case TYPE_UUID:
        return print_uuid(arena, value.bytes);
    default:
        return base64_encode(arena, value.bytes.bytes, value.bytes.length, BASE64_STANDARD);
    }
}

static const char *const sql_types[TYPE_COUNT] = {
    [TYPE_BOOLEAN] = "BOOLEAN",
    [TYPE_INT] = "INTEGER",
    [TYPE_LONG] = "BIGINT",
    [TYPE_FLOAT] = "FLOAT",
    [TYPE_DOUBLE] = "DOUBLE",
    [TYPE_DATE] = "DATE",
    [TYPE_TIME] = "TIME",
    [TYPE_TIMESTAMP] = "TIMESTAMP",
    [TYPE_TIMESTAMPTZ] = "TIMESTAMPTZ",
    [TYPE_TIMESTAMP_NS] = "TIMESTAMP_NS",
    [TYPE_TIMESTAMPTZ_NS] = "TIMESTAMPTZ",
    [TYPE_STRING] = "VARCHAR",
    [TYPE_UUID] = "UUID",
};

struct str value_sql(struct arena *arena, struct value value)
{
    if (value.is_null)
        return STR("NULL");
    if (value.type == TYPE_FIXED || value.type == TYPE_BINARY) {
        const struct str hex = hex_encode(arena, value.bytes.bytes, value.bytes.length);
        return arena_printf(arena, "unhex('%.*s')", STR_ARGS(hex));
    }
    const struct str text = str_replace(arena, value_show(arena, value), STR("'"), STR("''"));
    if (value.type == TYPE_DECIMAL)
        return arena_printf(arena, "CAST('%.*s' AS DECIMAL(%d,%d))", STR_ARGS(text),
                            value.precision, value.scale);
    return arena_printf(arena, "CAST('%.*s' AS %s)", STR_ARGS(text), sql_types[value.type]);
}

// JSON

void value_write(struct json_writer *writer, struct value value)
{
    struct arena *scratch = arena_open(NULL);
    if (value.is_null)
        json_put_null(writer);
    else if (value.type == TYPE_BOOLEAN)
        json_put_bool(writer, value.boolean);
    else if (value.type == TYPE_INT || value.type == TYPE_LONG)
        json_put_int64(writer, value.integer);
    else if ((value.type == TYPE_FLOAT || value.type == TYPE_DOUBLE) && isfinite(value.real)) {
        const struct json number = {.kind = JSON_NUMBER, .text = print_real(scratch, value)};
        json_put(writer, &number);
    } else if (value.type == TYPE_FIXED || value.type == TYPE_BINARY)
        json_put_str(writer, hex_encode(scratch, value.bytes.bytes, value.bytes.length));
    else
        json_put_str(writer, value_show(scratch, value));
    arena_close(scratch);
}

static rc not_a(const struct type *type, struct str text, struct err *err)
{
    return err_set(err, RC_INVALID, "expected a value of type %s, found \"%.*s\"",
                   type_name(type->id), STR_ARGS(text));
}

static rc parse_decimal_text(const struct type *type, struct str text, struct value *value,
                             struct err *err)
{
    struct decimal decimal;
    if (decimal_parse(text, &decimal, NULL) != RC_OK ||
        !decimal_fits(decimal, type->precision, type->scale) ||
        decimal_rescale(decimal, type->scale, (struct decimal_rescale_options){0}, &decimal,
                        NULL) != RC_OK)
        return err_set(err, RC_INVALID, "expected a value of decimal(%d, %d), found \"%.*s\"",
                       type->precision, type->scale, STR_ARGS(text));
    value->unscaled = decimal.unscaled;
    return RC_OK;
}

static rc parse_time_text(const struct type *type, struct str text, struct value *value,
                          struct err *err)
{
    struct time_text time;
    if (time_parse_iso(text, &time, NULL) != RC_OK)
        return not_a(type, text, err);
    const bool has_zone = type->id == TYPE_TIMESTAMPTZ || type->id == TYPE_TIMESTAMPTZ_NS;
    if (time.is_time_only != (type->id == TYPE_TIME) || (type->id == TYPE_DATE && time.has_time) ||
        (!has_zone && time.has_offset))
        return not_a(type, text, err);
    if (type->id == TYPE_DATE)
        value->integer = time_days_of_us(time.us);
    else if (type->id == TYPE_TIMESTAMP_NS || type->id == TYPE_TIMESTAMPTZ_NS)
        value->integer = time.us * NS_PER_US + time.nanosecond;
    else
        value->integer = time.us;
    return RC_OK;
}

static rc parse_uuid_text(struct arena *arena, const struct type *type, struct str text,
                          struct value *value, struct err *err)
{
    const struct str hex = str_replace(arena, text, STR("-"), STR(""));
    if (text.length != UUID_TEXT || hex.length != (size_t)UUID_BYTES * 2 ||
        hex_decode(arena, hex, &value->bytes, NULL) != RC_OK)
        return not_a(type, text, err);
    return RC_OK;
}

static rc parse_real_text(const struct type *type, struct str text, struct value *value,
                          struct err *err)
{
    if (str_is(text, "NaN"))
        value->real = (double)NAN;
    else if (str_is(text, "Infinity"))
        value->real = (double)INFINITY;
    else if (str_is(text, "-Infinity"))
        value->real = -(double)INFINITY;
    else if (!str_to_double(text, &value->real))
        return not_a(type, text, err);
    if (type->id == TYPE_FLOAT)
        value->real = (double)(float)value->real;
    return RC_OK;
}

static rc parse_integer_text(const struct type *type, struct str text, struct value *value,
                             struct err *err)
{
    if (!str_to_int64(text, &value->integer) ||
        (type->id == TYPE_INT && (value->integer < INT32_MIN || value->integer > INT32_MAX)))
        return not_a(type, text, err);
    return RC_OK;
}

rc value_parse_text(struct arena *arena, const struct type *type, struct str text,
                    struct value *ret_value, struct err *err)
{
    struct value value = {.type = type->id, .precision = type->precision, .scale = type->scale};
    switch (type->id) {
    case TYPE_BOOLEAN:
        if (!str_is(text, "true") && !str_is(text, "false"))
            return not_a(type, text, err);
        value.boolean = str_is(text, "true");
        break;
    case TYPE_INT:
    case TYPE_LONG:
        TRY(parse_integer_text(type, text, &value, err));
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        TRY(parse_real_text(type, text, &value, err));
        break;
    case TYPE_DECIMAL:
        TRY(parse_decimal_text(type, text, &value, err));
        break;
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_TIMESTAMP_NS:
    case TYPE_TIMESTAMPTZ_NS:
        TRY(parse_time_text(type, text, &value, err));
        break;
    case TYPE_UUID:
        TRY(parse_uuid_text(arena, type, text, &value, err));
        break;
    case TYPE_STRING:
        value.bytes = arena_str(arena, text);
        break;
    case TYPE_FIXED:
    case TYPE_BINARY:
        if (hex_decode(arena, text, &value.bytes, NULL) != RC_OK ||
            (type->id == TYPE_FIXED && value.bytes.length != (size_t)type->length))
            return not_a(type, text, err);
        break;
    default:
        return err_set(err, RC_UNSUPPORTED, "type %s has no single values", type_name(type->id));
    }
    *ret_value = value;
    return RC_OK;
}

rc value_parse(struct arena *arena, const struct type *type, const struct json *json,
               struct value *ret_value, struct err *err)
{
    if (json == NULL || json->kind == JSON_NULL) {
        *ret_value = value_null(type);
        return RC_OK;
    }
    const enum json_kind wanted = type->id == TYPE_BOOLEAN                            ? JSON_BOOL
                                  : type->id == TYPE_INT || type->id == TYPE_LONG     ? JSON_NUMBER
                                  : type->id == TYPE_FLOAT || type->id == TYPE_DOUBLE ? JSON_NUMBER
                                                                                      : JSON_STRING;
    if (json->kind != wanted)
        return not_a(type, json->kind == JSON_BOOL ? STR("a boolean") : json->text, err);
    const struct str text =
        json->kind == JSON_BOOL ? (json->boolean ? STR("true") : STR("false")) : json->text;
    return value_parse_text(arena, type, text, ret_value, err);
}

static rc check_struct_json(struct arena *arena, const struct type *type, const struct json *json,
                            int depth, struct err *err);

static rc check_json(struct arena *arena, const struct type *type, const struct json *json,
                     int depth, struct err *err)
{
    struct value ignored;
    if (depth > TYPE_MAX_DEPTH)
        return err_set(err, RC_LIMIT, "a value is nested deeper than %d levels", TYPE_MAX_DEPTH);
    if (!type_is_nested(type->id))
        return value_parse(arena, type, json, &ignored, err);
    if (json == NULL || json->kind == JSON_NULL)
        return RC_OK;
    if (type->id == TYPE_STRUCT)
        return check_struct_json(arena, type, json, depth, err);
    // a list is an array; a map is two arrays of the same length
    const struct json *parts[2] = {json, NULL};
    if (type->id == TYPE_MAP) {
        parts[0] = json_get(json, STR("keys"));
        parts[1] = json_get(json, STR("values"));
    }
    for (size_t f = 0; f < type->field_count; f++) {
        if (parts[f] == NULL || parts[f]->kind != JSON_ARRAY || parts[f]->count != parts[0]->count)
            return err_set(err, RC_INVALID, "expected %s",
                           type->id == TYPE_MAP ? "arrays \"keys\" and \"values\" of one length"
                                                : "an array");
        for (size_t i = 0; i < parts[f]->count; i++)
            TRY(check_json(arena, &type->fields[f].type, &parts[f]->items[i], depth + 1, err));
    }
    return RC_OK;
}

static rc check_struct_json(struct arena *arena, const struct type *type, const struct json *json,
                            int depth, struct err *err)
{
    if (json->kind != JSON_OBJECT)
        return err_set(err, RC_INVALID, "expected an object keyed by field ids");
    for (size_t i = 0; i < type->field_count; i++) {
        const struct str key = arena_printf(arena, "%d", type->fields[i].id);
        TRY_CONTEXT(check_json(arena, &type->fields[i].type, json_get(json, key), depth + 1, err),
                    err, "field %d", type->fields[i].id);
    }
    return RC_OK;
}

rc value_check_json(struct arena *arena, const struct type *type, const struct json *json,
                    struct err *err)
{
    return check_json(arena, type, json, 0, err);
}

// Truncation of bounds

struct value value_truncate_lower(struct value value, int width)
{
    if (value.is_null)
        return value;
    if (value.type == TYPE_STRING)
        value.bytes.length = utf8_offset(value.bytes, (size_t)width);
    else if (value.type == TYPE_BINARY)
        value.bytes = str_slice(value.bytes, 0, (size_t)width);
    return value;
}

/// The next code point that is no surrogate; 0 = there is none.
static uint32_t next_code_point(uint32_t code_point)
{
    if (code_point >= MAX_CODE_POINT)
        return 0;
    return code_point + 1 == 0xD800 ? 0xE000 : code_point + 1;
}

/// Raises the last code point that can be raised and drops what is behind it.
static bool raise_text(struct arena *arena, struct str prefix, struct str *ret_text)
{
    while (prefix.length > 0) {
        const size_t last = utf8_offset(prefix, utf8_count(prefix) - 1);
        struct str rest = str_slice(prefix, last, SIZE_MAX);
        uint32_t code_point = 0;
        utf8_next(&rest, &code_point);
        const uint32_t next = next_code_point(code_point);
        prefix.length = last;
        if (next != 0) {
            char encoded[UTF8_MAX_BYTES];
            const size_t length = utf8_encode(next, encoded);
            *ret_text = str_concat(arena, prefix, (struct str){encoded, length});
            return true;
        }
    }
    return false;
}

static bool raise_bytes(struct arena *arena, struct str prefix, struct str *ret_bytes)
{
    while (prefix.length > 0 && (unsigned char)prefix.bytes[prefix.length - 1] == 0xFF)
        prefix.length--;
    if (prefix.length == 0)
        return false;
    char *raised = arena_copy(arena, prefix.bytes, prefix.length);
    raised[prefix.length - 1] = (char)((unsigned char)raised[prefix.length - 1] + 1);
    *ret_bytes = (struct str){raised, prefix.length};
    return true;
}

bool value_truncate_upper(struct arena *arena, struct value value, int width,
                          struct value *ret_value)
{
    const struct value prefix = value_truncate_lower(value, width);
    struct value raised = prefix;
    if (!value.is_null && is_text_like(value.type) && prefix.bytes.length < value.bytes.length) {
        const bool has_bound = value.type == TYPE_STRING
                                   ? raise_text(arena, prefix.bytes, &raised.bytes)
                                   : raise_bytes(arena, prefix.bytes, &raised.bytes);
        if (!has_bound)
            return false;
    }
    *ret_value = raised;
    return true;
}
