/// @file detect.c
/// See detect.h. The two patterns of pendulum are matched by hand: first the ISO one, then, when
/// that fails or what it matched is no valid moment, the "common" one (2024/01/31, 10:30:00).
/// Layer: ingest.

#include "ingest/detect.h"

#include <math.h>

#include "base/time.h"

enum { ISO_MAX_LENGTH = 48, MAX_YEAR = 9999 };

static const struct str type_names[DATA_TYPE_COUNT] = {
    [DATA_NONE] = STR_INIT(""),
    [DATA_TEXT] = STR_INIT("text"),
    [DATA_DOUBLE] = STR_INIT("double"),
    [DATA_BOOL] = STR_INIT("bool"),
    [DATA_TIMESTAMP] = STR_INIT("timestamp"),
    [DATA_BIGINT] = STR_INIT("bigint"),
    [DATA_BINARY] = STR_INIT("binary"),
    [DATA_JSON] = STR_INIT("json"),
    [DATA_DECIMAL] = STR_INIT("decimal"),
    [DATA_WEI] = STR_INIT("wei"),
    [DATA_DATE] = STR_INIT("date"),
    [DATA_TIME] = STR_INIT("time"),
};

struct str data_type_name(enum data_type type)
{
    return type_names[type];
}

enum data_type data_type_of(struct str name)
{
    for (int type = DATA_TEXT; type < DATA_TYPE_COUNT; type++)
        if (str_equal(name, type_names[type]))
            return (enum data_type)type;
    if (str_is(name, "complex")) // dlt's older word for json
        return DATA_JSON;
    return DATA_NONE;
}

unsigned detector_of(struct str name)
{
    static const struct {
        struct str name;
        unsigned bit;
    } detectors[] = {
        {STR_INIT("iso_timestamp"), DETECT_ISO_TIMESTAMP},
        {STR_INIT("iso_date"), DETECT_ISO_DATE},
        {STR_INIT("timestamp"), DETECT_TIMESTAMP},
        {STR_INIT("large_integer"), DETECT_LARGE_INTEGER},
        {STR_INIT("hexbytes_to_text"), DETECT_HEXBYTES_TO_TEXT},
        {STR_INIT("wei_to_double"), DETECT_WEI_TO_DOUBLE},
    };
    for (size_t i = 0; i < sizeof detectors / sizeof detectors[0]; i++)
        if (str_equal(name, detectors[i].name))
            return detectors[i].bit;
    return 0;
}

/// Reads with bounds; past the end there are NULs, which match nothing.
struct scan {
    struct str text;
    size_t at;
};

static char peek(const struct scan *scan, size_t ahead)
{
    return scan->at + ahead < scan->text.length ? scan->text.bytes[scan->at + ahead] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool at_end(const struct scan *scan)
{
    return scan->at >= scan->text.length;
}

static bool take(struct scan *scan, char c)
{
    if (peek(scan, 0) != c || at_end(scan))
        return false;
    scan->at++;
    return true;
}

/// Exactly `count` digits.
static bool take_digits(struct scan *scan, size_t count, int *ret_number)
{
    int number = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(peek(scan, i)))
            return false;
        number = number * 10 + (peek(scan, i) - '0');
    }
    scan->at += count;
    *ret_number = number;
    return true;
}

/// One or two digits. @return how many, 0 = none
static int take_up_to_two(struct scan *scan, int *ret_number)
{
    if (take_digits(scan, 2, ret_number))
        return 2;
    return take_digits(scan, 1, ret_number) ? 1 : 0;
}

/// What a pattern matched, before it is checked for sense.
struct parts {
    bool has_date, has_time, has_offset;
    bool is_ambiguous; // yyyymm: no date, but hhmmss
    bool is_ordinal;   // day of the year in `day`
    bool is_week;
    bool is_broken; // the pattern matches, but pendulum rejects the combination
    int year, month, day, week, weekday;
    int hour, minute, second, microsecond, offset_seconds;
};

/// `.123456789` or `,5`: microseconds, digits beyond are dropped.
static bool take_fraction(struct scan *scan, int *ret_microsecond)
{
    int value = 0, count = 0;
    while (count < 9 && is_digit(peek(scan, 0))) {
        if (count < 6)
            value = value * 10 + (peek(scan, 0) - '0');
        count++;
        scan->at++;
    }
    for (int i = count; i < 6; i++)
        value *= 10;
    *ret_microsecond = value;
    return count > 0;
}

static bool take_offset(struct scan *scan, struct parts *parts)
{
    if (take(scan, 'Z')) {
        parts->has_offset = true;
        return true;
    }
    const char sign = peek(scan, 0);
    if (sign != '+' && sign != '-')
        return true; // none: whatever follows is checked by the caller
    scan->at++;
    int hours = 0, minutes = 0;
    if (!take_digits(scan, 2, &hours))
        return false;
    const bool has_colon = take(scan, ':');
    if (!take_digits(scan, 2, &minutes) && has_colon)
        parts->is_broken = true;
    parts->has_offset = true;
    parts->offset_seconds = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    return true;
}

/// The time part of the ISO pattern up to the end of the text.
static bool match_iso_time(struct scan scan, struct parts *parts)
{
    const bool has_separator = take(&scan, 'T') || take(&scan, ' ');
    if (take_up_to_two(&scan, &parts->hour) == 0)
        return false;
    const bool has_minute_separator = take(&scan, ':');
    const bool has_minute = take_up_to_two(&scan, &parts->minute) > 0;
    const bool has_second_separator = take(&scan, ':');
    const bool has_second = take_up_to_two(&scan, &parts->second) > 0;
    if ((peek(&scan, 0) == '.' || peek(&scan, 0) == ',') && !at_end(&scan)) {
        scan.at++;
        if (!take_fraction(&scan, &parts->microsecond))
            return false;
    }
    if (!take_offset(&scan, parts) || !at_end(&scan))
        return false;
    parts->has_time = true;
    if (parts->is_ambiguous || (parts->has_date && !has_separator) ||
        (!has_minute && has_minute_separator) ||
        (has_minute && has_second_separator && !has_minute_separator) ||
        (has_second ? !has_second_separator && has_minute_separator : has_second_separator))
        parts->is_broken = true;
    return true;
}

static bool match_rest(const struct scan *scan, const struct parts *date, struct parts *ret_parts)
{
    struct parts parts = *date;
    if (!at_end(scan) && !match_iso_time(*scan, &parts))
        return false;
    *ret_parts = parts;
    return true;
}

/// The forms of a calendar date behind the year, longest first, as the pattern tries them.
static bool match_calendar(struct scan scan, struct parts date, struct parts *ret_parts)
{
    const struct scan behind_year = scan;
    const bool has_dash = take(&scan, '-');
    if (take_digits(&scan, 2, &date.month)) {
        const struct scan behind_month = scan;
        struct parts with_day = date;
        const bool has_day_dash = take(&scan, '-');
        for (size_t digits = 2; digits >= 1; digits--) {
            struct scan day = scan;
            if (!take_digits(&day, digits, &with_day.day))
                continue;
            with_day.is_ordinal = digits == 1 && !has_day_dash;
            if (with_day.is_ordinal)
                with_day.day += date.month * 10;
            if (match_rest(&day, &with_day, ret_parts))
                return true;
        }
        struct parts month_only = date;
        month_only.day = 1;
        month_only.is_ambiguous = !has_dash;
        if (match_rest(&behind_month, &month_only, ret_parts))
            return true;
    }
    date.month = date.day = 1;
    return match_rest(&behind_year, &date, ret_parts);
}

static bool match_week(struct scan scan, struct parts date, struct parts *ret_parts)
{
    const bool has_dash = take(&scan, '-');
    if (!take(&scan, 'W') || !take_digits(&scan, 2, &date.week))
        return false;
    date.is_week = true;
    date.weekday = 1;
    const bool has_day_dash = take(&scan, '-');
    struct scan with_day = scan;
    struct parts day = date;
    if (take_digits(&with_day, 1, &day.weekday)) {
        day.is_broken = has_dash != has_day_dash;
        if (match_rest(&with_day, &day, ret_parts))
            return true;
    }
    date.is_broken = !has_dash && has_day_dash;
    return match_rest(&scan, &date, ret_parts);
}

static bool match_iso(struct str text, struct parts *ret_parts)
{
    struct scan scan = {text, 0};
    struct parts date = {.has_date = true};
    if (take_digits(&scan, 4, &date.year)) {
        if (match_calendar(scan, date, ret_parts) || match_week(scan, date, ret_parts))
            return true;
    }
    const struct scan start = {text, 0};
    *ret_parts = (struct parts){0};
    return match_iso_time(start, ret_parts);
}

/// yyyy, yyyy/mm/dd, yyyy:mm:dd, each with an optional time hh:mm[:ss[.f]]; or the time alone.
static bool match_common_time(struct scan scan, struct parts *parts)
{
    take(&scan, ' ');
    if (take_up_to_two(&scan, &parts->hour) == 0 || !take(&scan, ':'))
        return false;
    parts->is_broken = take_up_to_two(&scan, &parts->minute) == 0;
    const struct scan behind_minute = scan;
    if (take(&scan, ':') && take_up_to_two(&scan, &parts->second) == 0)
        scan = behind_minute;
    if (!at_end(&scan) && strchr(".|,", peek(&scan, 0)) != NULL) {
        scan.at++;
        if (!take_fraction(&scan, &parts->microsecond))
            return false;
    }
    parts->has_time = true;
    return at_end(&scan);
}

static bool match_common(struct str text, struct parts *ret_parts)
{
    struct scan scan = {text, 0};
    struct parts date = {.has_date = true};
    if (take_digits(&scan, 4, &date.year)) {
        struct scan day = scan;
        struct parts full = date;
        if (peek(&day, 0) == '/' || peek(&day, 0) == ':')
            day.at++;
        if (take_digits(&day, 2, &full.month)) {
            if (peek(&day, 0) == '/' || peek(&day, 0) == ':')
                day.at++;
            if (take_digits(&day, 2, &full.day)) {
                *ret_parts = full;
                if (at_end(&day) || match_common_time(day, ret_parts))
                    return true;
            }
        }
        date.month = date.day = 1;
        *ret_parts = date;
        if (at_end(&scan) || match_common_time(scan, ret_parts))
            return true;
    }
    const struct scan start = {text, 0};
    *ret_parts = (struct parts){0};
    return match_common_time(start, ret_parts);
}

static bool is_long_year(int year)
{
    // 53 ISO weeks: years that begin on a Thursday, or leap years that begin on a Wednesday
    const int weekday = time_weekday(time_days_of_date(year, 1, 1));
    return weekday == 3 || (weekday == 2 && time_is_leap_year(year));
}

/// Days since 1970-01-01. @return false when there is no such day
static bool days_of_parts(const struct parts *parts, int64_t *ret_days)
{
    if (parts->year < 1)
        return false;
    if (parts->is_week) {
        if (parts->week > 53 || (parts->week > 52 && !is_long_year(parts->year)) ||
            parts->weekday > 7)
            return false;
        const int64_t fourth = time_days_of_date(parts->year, 1, 4);
        const int64_t monday = fourth - time_weekday(fourth);
        *ret_days = monday + (parts->week - 1) * 7 + parts->weekday - 1;
        return true;
    }
    if (parts->is_ordinal) {
        const int year_days = time_is_leap_year(parts->year) ? 366 : 365;
        *ret_days = time_days_of_date(parts->year, 1, 1) + parts->day - 1;
        return parts->day >= 1 && parts->day <= year_days;
    }
    if (parts->month < 1 || parts->month > 12 || parts->day < 1 ||
        parts->day > time_days_in_month(parts->year, parts->month))
        return false;
    *ret_days = time_days_of_date(parts->year, parts->month, parts->day);
    return true;
}

static enum iso_kind moment_of_parts(const struct parts *parts, struct iso_moment *ret_moment)
{
    struct parts p = *parts;
    if (p.is_broken)
        return ISO_NONE;
    if (p.is_ambiguous && !p.has_time) {
        p = (struct parts){
            .has_time = true, .hour = p.year / 100, .minute = p.year % 100, .second = p.month};
    }
    int64_t days = 0;
    if (p.has_date && !days_of_parts(&p, &days))
        return ISO_NONE;
    if (p.hour > 23 || p.minute > 59 || p.second > 59)
        return ISO_NONE;
    const int64_t day_us =
        ((p.hour * 60 + p.minute) * 60 + p.second) * TIME_US_PER_SECOND + p.microsecond;
    *ret_moment = (struct iso_moment){
        .us = days * TIME_US_PER_DAY + day_us - p.offset_seconds * TIME_US_PER_SECOND,
        .offset_seconds = p.offset_seconds,
        .has_offset = p.has_offset,
    };
    return !p.has_date ? ISO_TIME : p.has_time ? ISO_DATETIME : ISO_DATE;
}

enum iso_kind detect_iso(struct str text, struct iso_moment *ret_moment)
{
    // Nearly every text is turned away here: all forms begin with a digit and are short.
    if (text.length == 0 || text.length > ISO_MAX_LENGTH || !is_digit(text.bytes[0]))
        return ISO_NONE;
    struct parts parts = {0};
    if (match_iso(text, &parts)) {
        const enum iso_kind kind = moment_of_parts(&parts, ret_moment);
        if (kind != ISO_NONE)
            return kind;
    }
    if (match_common(text, &parts))
        return moment_of_parts(&parts, ret_moment);
    return ISO_NONE;
}

enum data_type detect_text(struct str text, unsigned detectors)
{
    struct iso_moment moment;
    if ((detectors & (DETECT_ISO_TIMESTAMP | DETECT_ISO_DATE)) == 0)
        return DATA_NONE;
    const enum iso_kind kind = detect_iso(text, &moment);
    if (kind == ISO_DATETIME && (detectors & DETECT_ISO_TIMESTAMP))
        return DATA_TIMESTAMP;
    if (kind == ISO_DATE && (detectors & DETECT_ISO_DATE))
        return DATA_DATE;
    return DATA_NONE;
}

/// Compares an integer's digits with those of a bound, both without leading zeros.
static int compare_digits(struct str a, struct str b)
{
    if (a.length != b.length)
        return a.length < b.length ? -1 : 1;
    return str_compare(a, b);
}

static bool is_near(double seconds, int64_t now_us)
{
    const double range = 5 * 365 * 86400.0, now = (double)now_us / 1e6;
    return seconds >= now - range && seconds <= now + range;
}

enum data_type detect_integer(struct str digits, unsigned detectors, int64_t now_us)
{
    int64_t number = 0;
    const bool fits = str_to_int64(digits, &number);
    if ((detectors & DETECT_TIMESTAMP) && fits && is_near((double)number, now_us))
        return DATA_TIMESTAMP;
    if (!(detectors & DETECT_LARGE_INTEGER) || fits)
        return DATA_NONE;
    if (digits.length > 0 && digits.bytes[0] == '-')
        return DATA_NONE;
    return compare_digits(digits, STR("578960446186580977117854925043439539266")) > 0 ? DATA_TEXT
                                                                                      : DATA_WEI;
}

enum data_type detect_double(double number, unsigned detectors, int64_t now_us)
{
    if ((detectors & DETECT_TIMESTAMP) && isfinite(number) && is_near(number, now_us))
        return DATA_TIMESTAMP;
    return DATA_NONE;
}
