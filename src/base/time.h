/// @file time.h
/// Points in time, civil dates, time zones, durations. Layer: base.
/// A point in time is an int64 of microseconds since 1970-01-01T00:00:00Z without leap seconds
/// (`_us`); a date is days since 1970-01-01 (`days`). Proleptic Gregorian calendar, years -9999 to
/// 9999 in texts. Sources: ISO 8601, RFC 3339, RFC 9110 (HTTP-date), RFC 9636 (TZif), POSIX TZ.
/// Nothing here reads or sets the process's own time zone. Zones are cached per process (locked).

#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define TIME_US_PER_SECOND INT64_C(1000000)
#define TIME_US_PER_DAY (INT64_C(86400) * TIME_US_PER_SECOND)

int64_t time_now_us(void);       // the wall clock
int64_t time_monotonic_us(void); // for durations and deadlines; its zero means nothing

/// Any year; month 1..12; day may lie outside the month and counts on.
int64_t time_days_of_date(int64_t year, int month, int day);
void time_date_of_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);
/// 0 = Monday ... 6 = Sunday.
int time_weekday(int64_t days);
bool time_is_leap_year(int64_t year);
int time_days_in_month(int64_t year, int month);
/// Floor division, so that times before 1970 fall on the right day.
int64_t time_days_of_us(int64_t us);

struct time_parts {
    int64_t year;
    int month, day; // from 1
    int hour, minute, second, microsecond;
    int weekday;     // 0 = Monday
    int day_of_year; // from 1
};
struct time_parts time_parts_of_us(int64_t us);
/// Fields may lie outside their range and count on ("minute 90"); weekday and day_of_year are not
/// read.
int64_t time_us_of_parts(const struct time_parts *parts);

/// What a text said.
struct time_text {
    int64_t us; // the point in time; without an offset: as if it were UTC
    bool has_time;
    bool has_offset;
    int offset_seconds;
    bool is_time_only; // "10:30:00": us is within the first day
    int nanosecond;    // 0..999: digits behind the microseconds
};

/// Reads ISO 8601: 2024-01-31, 2024-01-31T10:20:30.123456789+02:00, blank instead of T, Z,
/// +hhmm, +hh, basic forms (20240131, 20240131T102030Z), week (2024-W05-3), ordinal (2024-031)
/// and month (2024-01) dates, hh:mm without seconds, 24:00, a comma for the decimal point. Digits
/// beyond nanoseconds are dropped.
/// @return RC_OK | RC_INVALID
CHECK rc time_parse_iso(struct str text, struct time_text *ret_time, struct err *err);
/// Only RFC 3339 with an offset (T or t or a blank between date and time).
CHECK rc time_parse_rfc3339(struct str text, int64_t *ret_us, struct err *err);
/// The three forms of HTTP-date: "Sun, 06 Nov 1994 08:49:37 GMT", RFC 850, asctime.
CHECK rc time_parse_http_date(struct str text, int64_t *ret_us, struct err *err);

enum time_style {
    TIME_ISO_Z,      // 2024-01-31T10:20:30.5Z: no zeros behind, no fraction when it is 0
    TIME_ISO_MICROS, // 2024-01-31T10:20:30.500000+00:00
    TIME_ISO_PYTHON, // isoformat(): 2024-01-31T10:20:30+00:00 or with six digits
    TIME_ISO_NAIVE,  // isoformat() without offset
    TIME_HTTP_DATE,
    TIME_DATE,    // 2024-01-31
    TIME_COMPACT, // 20240131T102030Z
};
struct str time_format(struct arena *arena, int64_t us, enum time_style style);
struct str time_format_date(struct arena *arena, int64_t days); // 2024-01-31

/// As C and Python strftime in the C locale; `parts` are local, `offset_seconds` and `zone_name`
/// are for %z and %Z (`zone_name` "" and has_offset false print nothing). Also %f, %:z, %s, %G,
/// %V, %u, %-d (no zero in front).
struct time_strftime_options {
    bool has_offset;
    int offset_seconds;
    struct str zone_name;
};
struct str time_strftime(struct arena *arena, int64_t local_us, struct str format,
                         struct time_strftime_options options);
/// As Python's strptime: %Y %m %d %H %I %M %S %f %p %y %b %B %a %A %j %z %Z %s %T %D %F %R %%.
/// @return RC_OK | RC_INVALID (names what was expected where)
CHECK rc time_strptime(struct str text, struct str format, struct time_text *ret_time,
                       struct err *err);

/// A zone of the IANA database.
struct time_zone;
/// @param name  "Europe/Berlin", "UTC"; "local" is not one
/// @return RC_OK | RC_NOT_FOUND | RC_CORRUPT | RC_IO
CHECK rc time_zone_load(struct str name, const struct time_zone **ret_zone, struct err *err);
/// Where the zone files lie; for tests and packages. NULL = $TZDIR, else /usr/share/zoneinfo.
void time_zone_set_folder(const char *folder);

struct time_zone_offset {
    int offset_seconds; // east of UTC
    bool is_dst;
    const char *abbreviation; // "CEST"; lives as long as the process
};
struct time_zone_offset time_zone_offset_at(const struct time_zone *zone, int64_t us);
struct str time_zone_name(const struct time_zone *zone);

enum time_local_kind { TIME_LOCAL_NORMAL, TIME_LOCAL_GAP, TIME_LOCAL_REPEATED };
/// The point in time of a local one. In a repeated hour `fold` chooses (0 = the earlier instant);
/// in a gap the offset before it (fold 0) or behind it (fold 1) is applied, as Python's zoneinfo
/// does.
enum time_local_kind time_zone_us_of_local(const struct time_zone *zone, int64_t local_us, int fold,
                                           int64_t *ret_us);
static inline int64_t time_zone_local_us(const struct time_zone *zone, int64_t us)
{
    return us + time_zone_offset_at(zone, us).offset_seconds * TIME_US_PER_SECOND;
}

/// "90s", "1h30m", "250ms", "2d", "1w", "1.5h", a bare number (seconds), ISO 8601 "PT1H30M".
/// @return RC_OK | RC_INVALID | RC_LIMIT (beyond int64)
CHECK rc time_parse_duration(struct str text, int64_t *ret_us, struct err *err);
/// For people: "250 ms", "3.2 s", "4 min 05 s", "2 h 10 min".
struct str time_format_duration(struct arena *arena, int64_t us);

#endif
