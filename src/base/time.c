// The calendar, and the plain texts of time. Zones are in time_zone.c, strftime in time_format.c.

#include "base/time.h"

#include <stdio.h>
#include <time.h>

int64_t time_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * TIME_US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t time_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * TIME_US_PER_SECOND + now.tv_nsec / 1000;
}

// --- Calendar ------------------------------------------------------------------------------------

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

// The year is taken to begin in March, so that the leap day is its last; 400 years are 146097 days.
int64_t time_days_of_date(int64_t year, int month, int day)
{
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t era = floor_div(y, 400);
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468 + day - 1;
}

void time_date_of_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    const int64_t shifted = days + 719468;
    const int64_t era = floor_div(shifted, 146097);
    const int64_t day_of_era = shifted - era * 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *ret_month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

int time_weekday(int64_t days)
{
    const int64_t weekday = (days + 3) % 7; // 1970-01-01 was a Thursday
    return (int)(weekday < 0 ? weekday + 7 : weekday);
}

bool time_is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int time_days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && time_is_leap_year(year) ? 29 : days[month - 1];
}

int64_t time_days_of_us(int64_t us)
{
    return floor_div(us, TIME_US_PER_DAY);
}

struct time_parts time_parts_of_us(int64_t us)
{
    struct time_parts parts;
    const int64_t days = time_days_of_us(us);
    int64_t rest = us - days * TIME_US_PER_DAY;
    time_date_of_days(days, &parts.year, &parts.month, &parts.day);
    parts.weekday = time_weekday(days);
    parts.day_of_year = (int)(days - time_days_of_date(parts.year, 1, 1)) + 1;
    parts.microsecond = (int)(rest % TIME_US_PER_SECOND);
    rest /= TIME_US_PER_SECOND;
    parts.second = (int)(rest % 60);
    parts.minute = (int)(rest / 60 % 60);
    parts.hour = (int)(rest / 3600);
    return parts;
}

int64_t time_us_of_parts(const struct time_parts *parts)
{
    const int64_t months = parts->year * 12 + parts->month - 1;
    const int64_t year = floor_div(months, 12);
    const int64_t days = time_days_of_date(year, (int)(months - year * 12) + 1, parts->day);
    return ((days * 24 + parts->hour) * 60 + parts->minute) * 60 * TIME_US_PER_SECOND +
           parts->second * TIME_US_PER_SECOND + parts->microsecond;
}

// --- Reading -------------------------------------------------------------------------------------

struct cursor {
    struct str text;
    size_t at;
};

static char peek(const struct cursor *c)
{
    return c->at < c->text.length ? c->text.bytes[c->at] : '\0';
}

static bool take(struct cursor *c, char byte)
{
    if (c->at >= c->text.length || c->text.bytes[c->at] != byte)
        return false;
    c->at++;
    return true;
}

static size_t count_digits(const struct cursor *c)
{
    size_t count = 0;
    while (c->at + count < c->text.length && c->text.bytes[c->at + count] >= '0' &&
           c->text.bytes[c->at + count] <= '9')
        count++;
    return count;
}

static bool take_digits(struct cursor *c, size_t count, int *ret)
{
    if (count_digits(c) < count)
        return false;
    int number = 0;
    for (size_t i = 0; i < count; i++)
        number = number * 10 + (c->text.bytes[c->at + i] - '0');
    c->at += count;
    *ret = number;
    return true;
}

static bool take_two(struct cursor *c, int most, int *ret)
{
    return take_digits(c, 2, ret) && *ret <= most;
}

// W05, W05-3, W053 behind the year.
static bool take_week(struct cursor *c, int year, bool has_dashes, int64_t *ret_days)
{
    int week, weekday = 1;
    if (!take_two(c, 53, &week) || week < 1)
        return false;
    if (has_dashes ? take(c, '-') : count_digits(c) > 0)
        if (!take_digits(c, 1, &weekday) || weekday < 1 || weekday > 7)
            return false;
    // 4 January is always in week 1.
    const int64_t fourth = time_days_of_date(year, 1, 4);
    *ret_days = fourth - time_weekday(fourth) + (week - 1) * 7 + weekday - 1;
    return true;
}

static bool take_day_of_year(struct cursor *c, int year, int64_t *ret_days)
{
    int day;
    if (!take_digits(c, 3, &day) || day < 1 || day > (time_is_leap_year(year) ? 366 : 365))
        return false;
    *ret_days = time_days_of_date(year, 1, day);
    return true;
}

static bool take_date(struct cursor *c, int64_t *ret_days)
{
    int year, month, day = 1;
    if (!take_digits(c, 4, &year))
        return false;
    const bool has_dashes = take(c, '-');
    if (take(c, 'W'))
        return take_week(c, year, has_dashes, ret_days);
    const size_t digits = count_digits(c);
    if (digits == 3)
        return take_day_of_year(c, year, ret_days);
    if (!has_dashes && digits < 4)
        return false; // 202401 would be ambiguous
    if (!take_two(c, 12, &month) || month < 1)
        return false;
    if (has_dashes ? take(c, '-') : true)
        if (!take_two(c, 31, &day) || day < 1 || day > time_days_in_month(year, month))
            return false;
    *ret_days = time_days_of_date(year, month, day);
    return true;
}

static void take_fraction(struct cursor *c, int64_t *us, int *nanosecond)
{
    int nanos = 0, unit = 100000000;
    for (; peek(c) >= '0' && peek(c) <= '9'; c->at++, unit /= 10)
        nanos += (peek(c) - '0') * unit;
    *us += nanos / 1000;
    *nanosecond = nanos % 1000;
}

// hh, hh:mm, hh:mm:ss.fff or hhmm, hhmmss; 24:00:00 is the end of the day.
static bool take_clock(struct cursor *c, int64_t *ret_us, int *ret_nanosecond)
{
    int hour, minute = 0, second = 0;
    if (!take_two(c, 24, &hour))
        return false;
    const bool has_colons = take(c, ':');
    bool has_seconds = false;
    if (has_colons || count_digits(c) >= 2) {
        if (!take_two(c, 59, &minute))
            return false;
        has_seconds = has_colons ? take(c, ':') : count_digits(c) >= 2;
        if (has_seconds && !take_two(c, 60, &second))
            return false;
    }
    if (second == 60) // a leap second is the last moment of its minute
        second = 59;
    int64_t us = ((int64_t)hour * 3600 + minute * 60 + second) * TIME_US_PER_SECOND;
    *ret_nanosecond = 0;
    if (has_seconds && (peek(c) == '.' || peek(c) == ',')) {
        c->at++;
        if (count_digits(c) == 0)
            return false;
        take_fraction(c, &us, ret_nanosecond);
    }
    if (us > TIME_US_PER_DAY)
        return false;
    *ret_us = us;
    return true;
}

static bool take_offset(struct cursor *c, struct time_text *to)
{
    while (peek(c) == ' ')
        c->at++;
    if (take(c, 'Z') || take(c, 'z')) {
        to->has_offset = true;
        return true;
    }
    const char sign = peek(c);
    if (sign != '+' && sign != '-')
        return false;
    c->at++;
    int hour, minute = 0, second = 0;
    if (!take_two(c, 23, &hour))
        return false;
    if (take(c, ':') || count_digits(c) >= 2)
        if (!take_two(c, 59, &minute))
            return false;
    if (take(c, ':') && !take_two(c, 59, &second))
        return false;
    to->has_offset = true;
    to->offset_seconds = (sign == '-' ? -1 : 1) * (hour * 3600 + minute * 60 + second);
    return true;
}

static bool is_time_only(struct str text)
{
    return text.length >= 5 && text.bytes[2] == ':';
}

static bool parse_iso(struct cursor *c, struct time_text *to)
{
    int64_t days = 0, clock_us = 0;
    to->is_time_only = is_time_only(c->text);
    if (to->is_time_only || take(c, 'T')) {
        to->is_time_only = to->has_time = true;
        if (!take_clock(c, &clock_us, &to->nanosecond))
            return false;
    } else {
        if (!take_date(c, &days))
            return false;
        if (take(c, 'T') || take(c, 't') || (peek(c) == ' ' && c->at + 1 < c->text.length)) {
            if (peek(c) == ' ')
                c->at++;
            to->has_time = true;
            if (!take_clock(c, &clock_us, &to->nanosecond))
                return false;
        }
    }
    if (to->has_time && c->at < c->text.length && !take_offset(c, to))
        return false;
    to->us = days * TIME_US_PER_DAY + clock_us - to->offset_seconds * TIME_US_PER_SECOND;
    return c->at == c->text.length;
}

static rc refuse(struct str text, const char *wanted, struct err *err)
{
    return err_set(err, RC_INVALID, "expected %s, found '%.*s'", wanted,
                   text.length > 60 ? 60 : (int)text.length, text.bytes);
}

rc time_parse_iso(struct str text, struct time_text *ret_time, struct err *err)
{
    struct cursor c = {.text = text};
    struct time_text time = {0};
    if (!parse_iso(&c, &time))
        return refuse(text, "an ISO 8601 date or time", err);
    *ret_time = time;
    return RC_OK;
}

rc time_parse_rfc3339(struct str text, int64_t *ret_us, struct err *err)
{
    struct time_text time;
    const bool is_extended = text.length >= 20 && text.bytes[4] == '-' && text.bytes[7] == '-' &&
                             text.bytes[13] == ':' && text.bytes[16] == ':';
    if (!is_extended || time_parse_iso(text, &time, NULL) != RC_OK || !time.has_offset)
        return refuse(text, "a timestamp like 2024-01-31T10:20:30Z", err);
    *ret_us = time.us;
    return RC_OK;
}

static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char weekday_names[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static bool take_month(struct cursor *c, int *ret)
{
    for (int i = 0; i < 12; i++)
        if (str_equal_ignore_case(str_slice(c->text, c->at, 3), str_of(month_names[i]))) {
            c->at += 3;
            *ret = i + 1;
            return true;
        }
    return false;
}

static bool take_hms(struct cursor *c, struct time_parts *parts)
{
    return take_two(c, 23, &parts->hour) && take(c, ':') && take_two(c, 59, &parts->minute) &&
           take(c, ':') && take_two(c, 60, &parts->second);
}

// Sun, 06 Nov 1994 08:49:37 GMT | Sunday, 06-Nov-94 08:49:37 GMT
static bool take_http_comma_form(struct cursor *c, struct time_parts *parts)
{
    int year;
    c->at = str_find_byte(c->text, ',') + 1;
    if (!take(c, ' ') || !take_two(c, 31, &parts->day))
        return false;
    const char between = peek(c);
    if ((between != ' ' && between != '-') || !take(c, between) || !take_month(c, &parts->month) ||
        !take(c, between))
        return false;
    if (between == ' ') {
        if (!take_digits(c, 4, &year))
            return false;
    } else {
        if (!take_two(c, 99, &year))
            return false;
        year += year < 70 ? 2000 : 1900;
    }
    parts->year = year;
    return take(c, ' ') && take_hms(c, parts) &&
           str_is(str_slice(c->text, c->at, SIZE_MAX), " GMT");
}

// Sun Nov  6 08:49:37 1994
static bool take_http_asctime(struct cursor *c, struct time_parts *parts)
{
    int year;
    c->at = 4;
    if (!take_month(c, &parts->month) || !take(c, ' '))
        return false;
    if (take(c, ' ') ? !take_digits(c, 1, &parts->day) : !take_two(c, 31, &parts->day))
        return false;
    if (!take(c, ' ') || !take_hms(c, parts) || !take(c, ' ') || !take_digits(c, 4, &year))
        return false;
    parts->year = year;
    return c->at == c->text.length;
}

rc time_parse_http_date(struct str text, int64_t *ret_us, struct err *err)
{
    struct cursor c = {.text = str_trim(text)};
    struct time_parts parts = {0};
    const bool has_comma = str_find_byte(c.text, ',') != SIZE_MAX;
    if (!(has_comma ? take_http_comma_form(&c, &parts) : take_http_asctime(&c, &parts)) ||
        parts.day < 1 || parts.day > time_days_in_month(parts.year, parts.month))
        return refuse(text, "an HTTP date", err);
    *ret_us = time_us_of_parts(&parts);
    return RC_OK;
}

// --- Writing -------------------------------------------------------------------------------------

static struct str fraction_of(struct arena *arena, int microsecond, bool is_trimmed)
{
    struct str text = arena_printf(arena, ".%06d", microsecond);
    while (is_trimmed && text.bytes[text.length - 1] == '0')
        text.length--;
    return text;
}

struct str time_format(struct arena *arena, int64_t us, enum time_style style)
{
    const struct time_parts p = time_parts_of_us(us);
    const long long year = p.year;
    const struct str none = {"", 0};
    struct str fraction = none;
    switch (style) {
    case TIME_DATE:
        return arena_printf(arena, "%04lld-%02d-%02d", year, p.month, p.day);
    case TIME_COMPACT:
        return arena_printf(arena, "%04lld%02d%02dT%02d%02d%02dZ", year, p.month, p.day, p.hour,
                            p.minute, p.second);
    case TIME_HTTP_DATE:
        return arena_printf(arena, "%s, %02d %s %04lld %02d:%02d:%02d GMT",
                            weekday_names[p.weekday], p.day, month_names[p.month - 1], year, p.hour,
                            p.minute, p.second);
    case TIME_ISO_MICROS:
        fraction = fraction_of(arena, p.microsecond, false);
        break;
    case TIME_ISO_Z:
        fraction = p.microsecond != 0 ? fraction_of(arena, p.microsecond, true) : none;
        break;
    default:
        fraction = p.microsecond != 0 ? fraction_of(arena, p.microsecond, false) : none;
    }
    const char *offset = style == TIME_ISO_Z ? "Z" : style == TIME_ISO_NAIVE ? "" : "+00:00";
    return arena_printf(arena, "%04lld-%02d-%02dT%02d:%02d:%02d%.*s%s", year, p.month, p.day,
                        p.hour, p.minute, p.second, STR_ARGS(fraction), offset);
}

struct str time_format_date(struct arena *arena, int64_t days)
{
    return time_format(arena, days * TIME_US_PER_DAY, TIME_DATE);
}

// --- Durations -----------------------------------------------------------------------------------

static const struct {
    const char *name;
    int64_t us;
} units[] = {
    {"ms", 1000},
    {"us", 1},
    {"w", 7 * TIME_US_PER_DAY},
    {"d", TIME_US_PER_DAY},
    {"h", 3600 * TIME_US_PER_SECOND},
    {"min", 60 * TIME_US_PER_SECOND},
    {"m", 60 * TIME_US_PER_SECOND},
    {"s", TIME_US_PER_SECOND},
};

static int64_t take_unit(struct cursor *c)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (str_has_prefix(str_slice(c->text, c->at, SIZE_MAX), str_of(units[i].name))) {
            c->at += strlen(units[i].name);
            return units[i].us;
        }
    return 0;
}

// One number with its unit; a bare number is seconds.
static bool take_amount(struct cursor *c, double *ret_us)
{
    const size_t start = c->at;
    while ((peek(c) >= '0' && peek(c) <= '9') || peek(c) == '.')
        c->at++;
    double number;
    if (!str_to_double(str_slice(c->text, start, c->at - start), &number))
        return false;
    const bool is_bare = start == 0 && c->at == c->text.length;
    const int64_t unit = is_bare ? TIME_US_PER_SECOND : take_unit(c);
    *ret_us = number * (double)unit;
    return unit != 0;
}

// PT1H30M and P1DT12H are the same words in capitals with M for minutes behind the T; months and
// years have no fixed length and are refused.
static bool is_iso_duration(struct str text)
{
    return text.length > 2 && text.bytes[0] == 'P';
}

rc time_parse_duration(struct str text, int64_t *ret_us, struct err *err)
{
    char lower[64];
    const struct str trimmed = str_trim(text);
    size_t length = 0;
    const bool is_iso = is_iso_duration(trimmed);
    bool is_behind_t = !is_iso;
    for (size_t i = is_iso ? 1 : 0; i < trimmed.length; i++) {
        const char c = trimmed.bytes[i];
        if (length == sizeof lower || (is_iso && !is_behind_t && c == 'M'))
            return refuse(text, "a duration like 90s, 1h30m or 2d", err);
        if (is_iso && c == 'T')
            is_behind_t = true;
        else if (c != ' ')
            lower[length++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    struct cursor c = {.text = {lower, length}};
    double sum = 0;
    do {
        double amount;
        if (!take_amount(&c, &amount))
            return refuse(text, "a duration like 90s, 1h30m or 2d", err);
        sum += amount;
    } while (c.at < c.text.length);
    if (sum > 9e18)
        return err_set(err, RC_LIMIT, "the duration '%.*s' is too long", STR_ARGS(trimmed));
    *ret_us = (int64_t)(sum + 0.5);
    return RC_OK;
}

struct str time_format_duration(struct arena *arena, int64_t us)
{
    const long long seconds = us / TIME_US_PER_SECOND;
    if (us < TIME_US_PER_SECOND)
        return arena_printf(arena, "%lld ms", (long long)us / 1000);
    if (seconds < 60)
        return arena_printf(arena, "%lld.%lld s", seconds, (long long)us / 100000 % 10);
    if (seconds < 3600)
        return arena_printf(arena, "%lld min %02lld s", seconds / 60, seconds % 60);
    return arena_printf(arena, "%lld h %02lld min", seconds / 3600, seconds / 60 % 60);
}
