/// @file date.c
/// Dates, times and durations as Python's datetime shows and computes them. Layer: jinja.
/// Source: CPython 3.11's datetime; calendar and formats: base/time.h.

#include "jinja/date.h"

#include <stdio.h>

#include "base/time.h"
#include "jinja/throw.h"

int64_t date_days(const struct date_value *date)
{
    return time_days_of_date(date->year, date->month, date->day);
}

__int128 delta_microseconds(const struct delta_value *delta)
{
    return ((__int128)delta->days * 86400 + delta->seconds) * 1000000 + delta->microseconds;
}

/// Microseconds on one line for all dates of an awareness: local, or UTC when there is an offset.
static __int128 moment(const struct date_value *date)
{
    const int64_t seconds = date->hour * 3600 + date->minute * 60 + date->second;
    return ((__int128)(date->year != 0 ? date_days(date) : 0) * 86400 + seconds -
            (date->has_offset ? date->offset_seconds : 0)) *
               1000000 +
           date->microsecond;
}

int date_order(struct value a, struct value b)
{
    const __int128 x = moment(a.date), y = moment(b.date);
    return (x > y) - (x < y);
}

bool date_is_valid(int64_t year, int64_t month, int64_t day)
{
    return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           day <= time_days_in_month(year, (int)month);
}

// ---------------------------------------------------------------- arithmetic

/// date + microseconds. @return OverflowError beyond the years 1 to 9999
static rc shift(struct arena *arena, struct value value, __int128 microseconds,
                struct value *ret_value, struct err *err)
{
    const __int128 per_day = (__int128)86400 * 1000000;
    struct date_value date = *value.date;
    if (value.kind == VALUE_DATE) { // only whole days count
        microseconds = (microseconds - (((microseconds % per_day) + per_day) % per_day));
    }
    date.has_offset = false;
    __int128 local = moment(&date) + microseconds;
    __int128 days = local / per_day, rest = local % per_day;
    if (rest < 0) {
        days--;
        rest += per_day;
    }
    if (days < -719162 || days > 2932896)
        return throw_error(err, "OverflowError", "date value out of range");
    int64_t year;
    int month, day;
    time_date_of_days((int64_t)days, &year, &month, &day);
    const int64_t seconds = (int64_t)(rest / 1000000);
    date.has_offset = value.date->has_offset;
    date.year = (int32_t)year;
    date.month = (uint8_t)month;
    date.day = (uint8_t)day;
    date.hour = (uint8_t)(seconds / 3600);
    date.minute = (uint8_t)(seconds / 60 % 60);
    date.second = (uint8_t)(seconds % 60);
    date.microsecond = (uint32_t)(rest % 1000000);
    *ret_value = value.kind == VALUE_DATE ? value_date(arena, date.year, date.month, date.day)
                                          : value_datetime(arena, &date);
    return RC_OK;
}

static struct value delta_of(struct arena *arena, __int128 microseconds)
{
    const __int128 per_day = (__int128)86400 * 1000000;
    return value_timedelta(arena, (int64_t)(microseconds / per_day),
                           (int64_t)(microseconds % per_day / 1000000),
                           (int64_t)(microseconds % 1000000));
}

static __int128 divide_floor(__int128 a, __int128 b)
{
    const __int128 quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

static rc delta_binary(struct arena *arena, enum binary_operator op, struct value a, struct value b,
                       struct value *ret_value, bool *ret_handled, struct err *err)
{
    const bool both = a.kind == VALUE_TIMEDELTA && b.kind == VALUE_TIMEDELTA;
    *ret_handled = true;
    if (both) {
        const __int128 x = delta_microseconds(a.delta), y = delta_microseconds(b.delta);
        if (op == OP_ADD || op == OP_SUBTRACT) {
            *ret_value = delta_of(arena, op == OP_ADD ? x + y : x - y);
            return RC_OK;
        }
        if (op == OP_DIVIDE || op == OP_FLOOR_DIVIDE || op == OP_MODULO) {
            if (y == 0)
                return throw_error(err, "ZeroDivisionError", "integer division or modulo by zero");
            if (op == OP_DIVIDE)
                *ret_value = value_float((double)x / (double)y);
            else if (op == OP_FLOOR_DIVIDE)
                *ret_value = value_int128(arena, divide_floor(x, y));
            else
                *ret_value = delta_of(arena, x - divide_floor(x, y) * y);
            return RC_OK;
        }
    }
    if (op == OP_MULTIPLY && b.kind == VALUE_TIMEDELTA) { // 2 * delta
        const struct value swap = a;
        a = b;
        b = swap;
    }
    if (a.kind == VALUE_TIMEDELTA && value_is_integer(b)) {
        const __int128 x = delta_microseconds(a.delta);
        if (op == OP_MULTIPLY) {
            *ret_value = delta_of(arena, x * b.integer);
            return RC_OK;
        }
        if (op == OP_DIVIDE || op == OP_FLOOR_DIVIDE) {
            if (b.integer == 0)
                return throw_error(err, "ZeroDivisionError", "integer division or modulo by zero");
            *ret_value = delta_of(arena, divide_floor(x, b.integer));
            return RC_OK;
        }
    }
    *ret_handled = false;
    return RC_OK;
}

rc date_binary(struct arena *arena, enum binary_operator op, struct value a, struct value b,
               struct value *ret_value, bool *ret_handled, struct err *err)
{
    const bool a_is_date = a.kind == VALUE_DATE || a.kind == VALUE_DATETIME;
    const bool b_is_date = b.kind == VALUE_DATE || b.kind == VALUE_DATETIME;
    *ret_handled = true;
    if (a_is_date && b.kind == VALUE_TIMEDELTA && (op == OP_ADD || op == OP_SUBTRACT)) {
        const __int128 by = delta_microseconds(b.delta);
        return shift(arena, a, op == OP_ADD ? by : -by, ret_value, err);
    }
    if (op == OP_ADD && a.kind == VALUE_TIMEDELTA && b_is_date)
        return shift(arena, b, delta_microseconds(a.delta), ret_value, err);
    if (op == OP_SUBTRACT && a_is_date && a.kind == b.kind) {
        if (a.date->has_offset != b.date->has_offset)
            return throw_error(err, "TypeError",
                               "can't subtract offset-naive and offset-aware datetimes");
        *ret_value = delta_of(arena, moment(a.date) - moment(b.date));
        return RC_OK;
    }
    if (a.kind == VALUE_TIMEDELTA || b.kind == VALUE_TIMEDELTA)
        return delta_binary(arena, op, a, b, ret_value, ret_handled, err);
    *ret_handled = false;
    return RC_OK;
}

// ---------------------------------------------------------------- text

static void print_offset(const struct date_value *date, struct buf *to)
{
    if (!date->has_offset)
        return;
    const int size = date->offset_seconds < 0 ? -date->offset_seconds : date->offset_seconds;
    buf_printf(to, "%c%02d:%02d", date->offset_seconds < 0 ? '-' : '+', size / 3600,
               size / 60 % 60);
    if (size % 60 != 0)
        buf_printf(to, ":%02d", size % 60);
}

void date_iso(const struct date_value *date, uint8_t kind, char separator, struct buf *to)
{
    if (kind != VALUE_TIME)
        buf_printf(to, "%04d-%02u-%02u", date->year, date->month, date->day);
    if (kind == VALUE_DATETIME)
        buf_append_byte(to, separator);
    if (kind == VALUE_DATE)
        return;
    buf_printf(to, "%02u:%02u:%02u", date->hour, date->minute, date->second);
    if (date->microsecond != 0)
        buf_printf(to, ".%06u", date->microsecond);
    print_offset(date, to);
}

static void delta_print(const struct delta_value *delta, struct buf *to)
{
    if (delta->days != 0)
        buf_printf(to, "%lld day%s, ", (long long)delta->days,
                   delta->days == 1 || delta->days == -1 ? "" : "s");
    buf_printf(to, "%d:%02d:%02d", delta->seconds / 3600, delta->seconds / 60 % 60,
               delta->seconds % 60);
    if (delta->microseconds != 0)
        buf_printf(to, ".%06d", delta->microseconds);
}

void date_print(struct value value, struct buf *to)
{
    if (value.kind == VALUE_TIMEDELTA)
        delta_print(value.delta, to);
    else
        date_iso(value.date, value.kind, ' ', to);
}

static void delta_repr(const struct delta_value *delta, struct buf *to)
{
    const char *comma = "";
    buf_append_cstr(to, "datetime.timedelta(");
    if (delta->days != 0) {
        buf_printf(to, "days=%lld", (long long)delta->days);
        comma = ", ";
    }
    if (delta->seconds != 0) {
        buf_printf(to, "%sseconds=%d", comma, delta->seconds);
        comma = ", ";
    }
    if (delta->microseconds != 0)
        buf_printf(to, "%smicroseconds=%d", comma, delta->microseconds);
    else if (comma[0] == '\0')
        buf_append_byte(to, '0');
    buf_append_byte(to, ')');
}

void date_repr(struct value value, struct buf *to)
{
    const struct date_value *d = value.date;
    if (value.kind == VALUE_TIMEDELTA) {
        delta_repr(value.delta, to);
        return;
    }
    if (value.kind == VALUE_TIME)
        buf_printf(to, "datetime.time(%u, %u", d->hour, d->minute);
    else
        buf_printf(to, "datetime.%s(%d, %u, %u", value.kind == VALUE_DATE ? "date" : "datetime",
                   d->year, d->month, d->day);
    if (value.kind == VALUE_DATETIME)
        buf_printf(to, ", %u, %u", d->hour, d->minute);
    if (value.kind != VALUE_DATE && (d->second != 0 || d->microsecond != 0))
        buf_printf(to, ", %u", d->second);
    if (value.kind != VALUE_DATE && d->microsecond != 0)
        buf_printf(to, ", %u", d->microsecond);
    if (d->has_offset) {
        buf_append_cstr(to, ", tzinfo=");
        struct err ignored;
        if (d->tzinfo.kind != VALUE_OBJECT || value_repr(NULL, d->tzinfo, to, &ignored) != RC_OK)
            buf_append_cstr(to, "datetime.timezone.utc");
    }
    buf_append_byte(to, ')');
}

static int64_t local_us(const struct date_value *date)
{
    struct date_value plain = *date;
    plain.has_offset = false;
    if (plain.year == 0) // a time: Python formats it on 1900-01-01
        plain.year = 1900, plain.month = 1, plain.day = 1;
    return (int64_t)moment(&plain);
}

rc date_strftime(struct value value, struct str format, struct buf *to, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct time_strftime_options options = {.has_offset = value.date->has_offset,
                                            .offset_seconds = value.date->offset_seconds};
    struct str zone = {0};
    if (value.date->tzinfo.kind == VALUE_OBJECT)
        (void)(value_to_str(NULL, scratch, value.date->tzinfo, &zone, err) == RC_OK);
    options.zone_name = zone;
    buf_append_str(to, time_strftime(scratch, local_us(value.date), format, options));
    arena_close(scratch);
    return RC_OK;
}

static void fill_date(const struct time_text *text, struct date_value *ret_date)
{
    const struct time_parts parts = time_parts_of_us(
        text->us + (text->has_offset ? text->offset_seconds * TIME_US_PER_SECOND : 0));
    *ret_date = (struct date_value){.year = (int32_t)parts.year,
                                    .month = (uint8_t)parts.month,
                                    .day = (uint8_t)parts.day,
                                    .hour = (uint8_t)parts.hour,
                                    .minute = (uint8_t)parts.minute,
                                    .second = (uint8_t)parts.second,
                                    .microsecond = (uint32_t)parts.microsecond,
                                    .has_offset = text->has_offset,
                                    .offset_seconds = text->offset_seconds,
                                    .tzinfo = {.kind = VALUE_NONE}};
}

bool date_parse_iso(struct str text, uint8_t kind, struct date_value *ret_date)
{
    struct time_text read;
    struct err inner = {0};
    if (time_parse_iso(text, &read, &inner) != RC_OK || read.is_time_only ||
        (kind == VALUE_DATE && read.has_time))
        return false;
    fill_date(&read, ret_date);
    return true;
}
