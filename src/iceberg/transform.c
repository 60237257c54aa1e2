/// Transforms: one table row holds all that is known about each.

#include "iceberg/transform.h"

#include <limits.h>

#include "base/decimal.h"
#include "base/hash.h"
#include "base/time.h"
#include "base/utf8.h"

enum { MONTHS_PER_YEAR = 12, EPOCH_YEAR = 1970, HOURS_PER_DAY = 24 };
static const int64_t US_PER_HOUR = TIME_US_PER_DAY / 24;
static const int64_t NS_PER_US = 1000;

/// Quotient rounded towards minus infinity; C rounds towards zero. divisor > 0.
static int64_t floor_div(int64_t dividend, int64_t divisor)
{
    const int64_t quotient = dividend / divisor;
    return dividend % divisor < 0 ? quotient - 1 : quotient;
}

/// Microseconds of any timestamp.
static int64_t us_of(struct value value)
{
    const bool is_nano = value.type == TYPE_TIMESTAMP_NS || value.type == TYPE_TIMESTAMPTZ_NS;
    return is_nano ? floor_div(value.integer, NS_PER_US) : value.integer;
}

static int64_t days_of(struct value value)
{
    return value.type == TYPE_DATE ? value.integer : floor_div(us_of(value), TIME_US_PER_DAY);
}

static int64_t months_since_epoch(int64_t days)
{
    int64_t year;
    int month, day;
    time_date_of_days(days, &year, &month, &day);
    return (year - EPOCH_YEAR) * MONTHS_PER_YEAR + month - 1;
}

// One function per transform: source value (not null, of an accepted type) to result

static struct value apply_identity(struct value value, int32_t parameter)
{
    (void)parameter;
    return value;
}

uint32_t transform_hash(struct value value)
{
    unsigned char unscaled[16];
    switch (value.type) {
    case TYPE_STRING:
    case TYPE_UUID:
    case TYPE_FIXED:
    case TYPE_BINARY:
        return hash_murmur3_32(value.bytes.bytes, value.bytes.length);
    case TYPE_DECIMAL:
        return hash_murmur3_32(unscaled, decimal_to_bytes(value.unscaled, unscaled));
    case TYPE_FLOAT:
    case TYPE_DOUBLE: {
        const double real = value.real == 0 ? 0.0 : value.real; // both zeros are one
        return hash_murmur3_32(&real, sizeof real);
    }
    default: {
        // int and long agree, so that columns can be widened; nanoseconds count as microseconds
        const int64_t integer = value.type == TYPE_BOOLEAN ? value.boolean : us_of(value);
        return hash_murmur3_32(&integer, sizeof integer);
    }
    }
}

static struct value apply_bucket(struct value value, int32_t buckets)
{
    return value_int(TYPE_INT, (int64_t)(transform_hash(value) & INT32_MAX) % buckets);
}

static struct value apply_truncate(struct value value, int32_t width)
{
    if (value.type == TYPE_STRING) {
        value.bytes.length = utf8_offset(value.bytes, (size_t)width);
    } else if (value.type == TYPE_BINARY) {
        value.bytes = str_slice(value.bytes, 0, (size_t)width);
    } else if (value.type == TYPE_DECIMAL) {
        const __int128 rest = value.unscaled % width;
        value.unscaled -= rest < 0 ? rest + width : rest;
    } else {
        // unsigned, because near the smallest number the result wraps, as the reference
        // implementation's does
        const uint64_t multiple = (uint64_t)floor_div(value.integer, width) * (uint64_t)width;
        value.integer = value.type == TYPE_INT ? (int32_t)multiple : (int64_t)multiple;
    }
    return value;
}

static struct value apply_year(struct value value, int32_t parameter)
{
    (void)parameter;
    return value_int(TYPE_INT, floor_div(months_since_epoch(days_of(value)), MONTHS_PER_YEAR));
}

static struct value apply_month(struct value value, int32_t parameter)
{
    (void)parameter;
    return value_int(TYPE_INT, months_since_epoch(days_of(value)));
}

static struct value apply_day(struct value value, int32_t parameter)
{
    (void)parameter;
    return value_int(TYPE_DATE, days_of(value));
}

static struct value apply_hour(struct value value, int32_t parameter)
{
    (void)parameter;
    return value_int(TYPE_INT, floor_div(us_of(value), US_PER_HOUR));
}

static struct value apply_void(struct value value, int32_t parameter)
{
    (void)parameter;
    value.is_null = true;
    return value;
}

// Partition values for people; the value is of the result type

static struct str print_value(struct arena *arena, struct value value)
{
    return value_show(arena, value);
}

static struct str print_year(struct arena *arena, struct value value)
{
    return arena_printf(arena, "%04lld", (long long)(value.integer + EPOCH_YEAR));
}

static struct str print_month(struct arena *arena, struct value value)
{
    const int64_t year = floor_div(value.integer, MONTHS_PER_YEAR);
    return arena_printf(arena, "%04lld-%02d", (long long)(year + EPOCH_YEAR),
                        (int)(value.integer - year * MONTHS_PER_YEAR) + 1);
}

static struct str print_day(struct arena *arena, struct value value)
{
    return time_format_date(arena, value.integer);
}

static struct str print_hour(struct arena *arena, struct value value)
{
    const int64_t day = floor_div(value.integer, HOURS_PER_DAY);
    const struct str date = time_format_date(arena, day);
    return arena_printf(arena, "%.*s-%02d", STR_ARGS(date),
                        (int)(value.integer - day * HOURS_PER_DAY));
}

// The table: everything the rest of this file knows about a transform

#define BIT(type) (1u << (type))
enum {
    PRIMITIVE = BIT(TYPE_STRUCT) - 1,
    TIMESTAMPS = BIT(TYPE_TIMESTAMP) | BIT(TYPE_TIMESTAMPTZ) | BIT(TYPE_TIMESTAMP_NS) |
                 BIT(TYPE_TIMESTAMPTZ_NS),
    NOT_IDENTITY = BIT(TYPE_VARIANT) | BIT(TYPE_GEOMETRY) | BIT(TYPE_GEOGRAPHY),
    TRUNCATED =
        BIT(TYPE_INT) | BIT(TYPE_LONG) | BIT(TYPE_DECIMAL) | BIT(TYPE_STRING) | BIT(TYPE_BINARY),
    HASHED = BIT(TYPE_INT) | BIT(TYPE_LONG) | BIT(TYPE_DECIMAL) | BIT(TYPE_DATE) | BIT(TYPE_TIME) |
             TIMESTAMPS | BIT(TYPE_STRING) | BIT(TYPE_UUID) | BIT(TYPE_FIXED) | BIT(TYPE_BINARY),
    SAME_AS_SOURCE = TYPE_COUNT,
};

static const struct transform_class {
    struct str name, plural, suffix; // suffix: of the default field name
    bool has_parameter;
    unsigned sources; // bit set of type_id
    unsigned result;  // type_id or SAME_AS_SOURCE
    struct value (*apply)(struct value value, int32_t parameter);
    struct str (*print)(struct arena *arena, struct value value);
    const char *sql; // %.*s = the column; NULL = see transform_sql
} classes[] = {
    [TRANSFORM_IDENTITY] = {STR_INIT("identity"), STR_INIT("identity"), STR_INIT(""), false,
                            PRIMITIVE & ~(unsigned)NOT_IDENTITY, SAME_AS_SOURCE, apply_identity,
                            print_value, NULL},
    [TRANSFORM_BUCKET] = {STR_INIT("bucket"), STR_INIT("bucket"), STR_INIT("_bucket"), true, HASHED,
                          TYPE_INT, apply_bucket, print_value, NULL},
    [TRANSFORM_TRUNCATE] = {STR_INIT("truncate"), STR_INIT("truncate"), STR_INIT("_trunc"), true,
                            TRUNCATED, SAME_AS_SOURCE, apply_truncate, print_value, NULL},
    [TRANSFORM_YEAR] = {STR_INIT("year"), STR_INIT("years"), STR_INIT("_year"), false,
                        BIT(TYPE_DATE) | TIMESTAMPS, TYPE_INT, apply_year, print_year,
                        "CAST(date_part('year', %.*s) - 1970 AS INTEGER)"},
    [TRANSFORM_MONTH] = {STR_INIT("month"), STR_INIT("months"), STR_INIT("_month"), false,
                         BIT(TYPE_DATE) | TIMESTAMPS, TYPE_INT, apply_month, print_month,
                         "CAST(datediff('month', DATE '1970-01-01', CAST(%.*s AS DATE)) AS "
                         "INTEGER)"},
    [TRANSFORM_DAY] = {STR_INIT("day"), STR_INIT("days"), STR_INIT("_day"), false,
                       BIT(TYPE_DATE) | TIMESTAMPS, TYPE_DATE, apply_day, print_day,
                       "CAST(%.*s AS DATE)"},
    [TRANSFORM_HOUR] = {STR_INIT("hour"), STR_INIT("hours"), STR_INIT("_hour"), false, TIMESTAMPS,
                        TYPE_INT, apply_hour, print_hour,
                        "CAST(floor(epoch(%.*s) / 3600) AS INTEGER)"},
    [TRANSFORM_VOID] = {STR_INIT("void"), STR_INIT("void"), STR_INIT("_null"), false, PRIMITIVE,
                        SAME_AS_SOURCE, apply_void, print_value, "NULL"},
};
enum { CLASS_COUNT = sizeof classes / sizeof classes[0] };

static rc parse_parameter(struct str number, struct str text, int32_t *ret_parameter,
                          struct err *err)
{
    int64_t parameter = 0;
    const bool is_plain = number.length > 0 && number.bytes[0] >= '0' && number.bytes[0] <= '9';
    if (!is_plain || !str_to_int64(number, &parameter) || parameter < 1 || parameter > INT32_MAX)
        return err_set(err, RC_INVALID,
                       "transform \"%.*s\": expected a number from 1 to %d, found \"%.*s\"",
                       STR_ARGS(text), INT32_MAX, STR_ARGS(number));
    *ret_parameter = (int32_t)parameter;
    return RC_OK;
}

/// Number of the class with this name, CLASS_COUNT when there is none.
static unsigned class_of(struct str name)
{
    unsigned kind = 0;
    while (kind < CLASS_COUNT && !str_equal(name, classes[kind].name) &&
           !str_equal(name, classes[kind].plural))
        kind++;
    return kind;
}

rc transform_parse(struct str text, struct transform *ret_transform, struct err *err)
{
    const size_t bracket = str_find_byte(text, '[');
    const struct str name = str_slice(text, 0, bracket);
    const unsigned kind = class_of(name);
    if (kind == CLASS_COUNT || !str_equal(name, classes[kind].name) ||
        (bracket != SIZE_MAX && !classes[kind].has_parameter)) {
        *ret_transform = (struct transform){TRANSFORM_UNKNOWN, 0, text};
        return RC_OK;
    }
    int32_t parameter = 0;
    if (classes[kind].has_parameter) {
        struct str number = {0};
        if (bracket != SIZE_MAX && str_has_suffix(text, STR("]")))
            number = str_slice(text, bracket + 1, text.length - bracket - 2);
        TRY(parse_parameter(number, text, &parameter, err));
    }
    *ret_transform = (struct transform){.kind = (enum transform_kind)kind, .parameter = parameter};
    return RC_OK;
}

rc transform_parse_call(struct str text, struct transform *ret_transform, struct str *ret_source,
                        struct err *err)
{
    text = str_trim(text);
    const size_t open = str_find_byte(text, '(');
    if (open == SIZE_MAX && text.length > 0) {
        *ret_transform = (struct transform){.kind = TRANSFORM_IDENTITY};
        *ret_source = text;
        return RC_OK;
    }
    const unsigned kind = class_of(str_trim(str_slice(text, 0, open)));
    if (kind == CLASS_COUNT || !str_has_suffix(text, STR(")"))) {
        err_set(err, RC_INVALID,
                "expected a column, or a transform of one like month(created_at), found \"%.*s\"",
                STR_ARGS(text));
        err_hint(err, "transforms: identity, bucket(N, column), truncate(N, column), year, month, "
                      "day, hour");
        return RC_INVALID;
    }
    struct str source = str_trim(str_slice(text, open + 1, text.length - open - 2));
    int32_t parameter = 0;
    if (classes[kind].has_parameter) {
        // both orders are in use: Spark writes bucket(16, id), PyIceberg's and Trino's users the
        // other one
        const size_t comma = str_find_byte(source, ',');
        const struct str first = str_trim(str_slice(source, 0, comma));
        const struct str second =
            comma == SIZE_MAX ? (struct str){0} : str_trim(str_slice(source, comma + 1, SIZE_MAX));
        int64_t number;
        const bool is_number_first = str_to_int64(first, &number);
        TRY(parse_parameter(is_number_first ? first : second, text, &parameter, err));
        source = is_number_first ? second : first;
    }
    if (source.length == 0)
        return err_set(err, RC_INVALID, "\"%.*s\" names no column", STR_ARGS(text));
    *ret_transform = (struct transform){.kind = (enum transform_kind)kind, .parameter = parameter};
    *ret_source = source;
    return RC_OK;
}

struct str transform_print(struct arena *arena, struct transform transform)
{
    if (transform.kind == TRANSFORM_UNKNOWN)
        return transform.text;
    const struct transform_class *class = &classes[transform.kind];
    return class->has_parameter
               ? arena_printf(arena, "%s[%d]", class->name.bytes, transform.parameter)
               : class->name;
}

bool transform_equal(struct transform a, struct transform b)
{
    return a.kind == b.kind && a.parameter == b.parameter &&
           (a.kind != TRANSFORM_UNKNOWN || str_equal(a.text, b.text));
}

struct str transform_field_name(struct arena *arena, struct transform transform,
                                struct str source_name)
{
    if (transform.kind == TRANSFORM_UNKNOWN)
        return source_name;
    const struct transform_class *class = &classes[transform.kind];
    return class->has_parameter ? arena_printf(arena, "%.*s%s_%d", STR_ARGS(source_name),
                                               class->suffix.bytes, transform.parameter)
                                : str_concat(arena, source_name, class->suffix);
}

rc transform_result_type(struct transform transform, const struct type *source,
                         struct type *ret_type, struct err *err)
{
    if (transform.kind == TRANSFORM_UNKNOWN)
        return err_set(err, RC_UNSUPPORTED, "unknown transform \"%.*s\"", STR_ARGS(transform.text));
    const struct transform_class *class = &classes[transform.kind];
    if ((class->sources & BIT(source->id)) == 0)
        return err_set(err, RC_INVALID, "%s of %s is not defined", class->name.bytes,
                       type_name(source->id));
    *ret_type = class->result == SAME_AS_SOURCE ? *source : type_of((enum type_id) class->result);
    return RC_OK;
}

rc transform_apply(struct transform transform, struct value value, struct value *ret_value,
                   struct err *err)
{
    const struct type source = {
        .id = value.type, .precision = value.precision, .scale = value.scale};
    struct type result;
    TRY(transform_result_type(transform, &source, &result, err));
    *ret_value = value.is_null ? value_null(&result)
                               : classes[transform.kind].apply(value, transform.parameter);
    return RC_OK;
}

struct str transform_print_value(struct arena *arena, struct transform transform,
                                 struct value value)
{
    if (value.is_null || transform.kind == TRANSFORM_UNKNOWN)
        return value_show(arena, value);
    return classes[transform.kind].print(arena, value);
}

rc transform_sql(struct arena *arena, struct transform transform, const struct type *source,
                 struct str column, struct str *ret_sql, struct err *err)
{
    struct type result;
    TRY(transform_result_type(transform, source, &result, err));
    const int n = (int)column.length;
    const char *c = column.bytes;
    if (transform.kind == TRANSFORM_IDENTITY) {
        *ret_sql = arena_str(arena, column);
    } else if (transform.kind == TRANSFORM_BUCKET) {
        return err_set(err, RC_UNSUPPORTED, "bucket cannot be computed in SQL");
    } else if (transform.kind == TRANSFORM_TRUNCATE) {
        const int w = transform.parameter;
        if (source->id == TYPE_STRING)
            *ret_sql = arena_printf(arena, "substring(%.*s, 1, %d)", n, c, w);
        else if (source->id == TYPE_BINARY)
            return err_set(err, RC_UNSUPPORTED, "truncate of binary cannot be computed in SQL");
        else if (source->id == TYPE_DECIMAL) {
            const struct decimal step = {.unscaled = w, .scale = source->scale};
            const struct str s = decimal_print(arena, step);
            *ret_sql = arena_printf(arena, "(%.*s - (((%.*s %% %.*s) + %.*s) %% %.*s))", n, c, n, c,
                                    STR_ARGS(s), STR_ARGS(s), STR_ARGS(s));
        } else
            *ret_sql =
                arena_printf(arena, "(%.*s - (((%.*s %% %d) + %d) %% %d))", n, c, n, c, w, w, w);
    } else {
        // the formats are the literals of the table above
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        *ret_sql = transform.kind == TRANSFORM_VOID
                       ? STR("NULL")
                       : arena_printf(arena, classes[transform.kind].sql, n, c);
#pragma GCC diagnostic pop
    }
    return RC_OK;
}
