// strftime and strptime of the C locale, with the words that Python adds. One table of directives
// serves both: how a number is printed, how it is read, and what a composed one stands for.

#include <stdio.h>

#include "base/buf.h"
#include "base/time.h"

enum { FORMAT_MAX_BYTES = 1 << 16 };

static const char *const month_names[12] = {"January",   "February", "March",    "April",
                                            "May",       "June",     "July",     "August",
                                            "September", "October",  "November", "December"};
static const char *const weekday_names[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                             "Friday", "Saturday", "Sunday"};

// What a directive of several parts is written as.
static const struct {
    char directive;
    const char *meaning;
} composed[] = {
    {'D', "%m/%d/%y"},    {'F', "%Y-%m-%d"}, {'T', "%H:%M:%S"}, {'R', "%H:%M"},
    {'r', "%I:%M:%S %p"}, {'x', "%m/%d/%y"}, {'X', "%H:%M:%S"}, {'c', "%a %b %e %H:%M:%S %Y"},
};

static const char *meaning_of(char directive)
{
    for (size_t i = 0; i < sizeof composed / sizeof composed[0]; i++)
        if (composed[i].directive == directive)
            return composed[i].meaning;
    return NULL;
}

// --- Writing -------------------------------------------------------------------------------------

struct printer {
    struct buf *to;
    struct time_parts parts;
    int64_t local_us;
    struct time_strftime_options options;
    bool has_no_padding; // %-d
};

static void put_number(struct printer *p, int64_t number, int width, char padding)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number);
    for (; length < width && !p->has_no_padding; length++)
        buf_append_byte(p->to, padding);
    buf_append_cstr(p->to, digits);
}

// Year and week of ISO 8601: the week belongs to the year that holds its Thursday.
static void iso_week(const struct time_parts *parts, int64_t *ret_year, int *ret_week)
{
    const int64_t days = time_days_of_date(parts->year, parts->month, parts->day);
    int month, day;
    time_date_of_days(days - parts->weekday + 3, ret_year, &month, &day);
    *ret_week = (int)((days - parts->weekday + 3 - time_days_of_date(*ret_year, 1, 1)) / 7) + 1;
}

static void put_offset(struct printer *p, bool has_colon)
{
    if (!p->options.has_offset)
        return;
    const int seconds =
        p->options.offset_seconds < 0 ? -p->options.offset_seconds : p->options.offset_seconds;
    buf_printf(p->to, "%c%02d%s%02d", p->options.offset_seconds < 0 ? '-' : '+', seconds / 3600,
               has_colon ? ":" : "", seconds / 60 % 60);
    if (seconds % 60 != 0)
        buf_printf(p->to, "%s%02d", has_colon ? ":" : "", seconds % 60);
}

static void put_name(struct printer *p, const char *name, bool is_short)
{
    buf_append(p->to, name, is_short ? 3 : strlen(name));
}

static bool put_clock(struct printer *p, char directive)
{
    const struct time_parts *t = &p->parts;
    const int hour12 = t->hour % 12 == 0 ? 12 : t->hour % 12;
    switch (directive) {
    case 'H':
        put_number(p, t->hour, 2, '0');
        return true;
    case 'I':
        put_number(p, hour12, 2, '0');
        return true;
    case 'k':
        put_number(p, t->hour, 2, ' ');
        return true;
    case 'l':
        put_number(p, hour12, 2, ' ');
        return true;
    case 'M':
        put_number(p, t->minute, 2, '0');
        return true;
    case 'S':
        put_number(p, t->second, 2, '0');
        return true;
    case 'f':
        put_number(p, t->microsecond, 6, '0');
        return true;
    case 'p':
        buf_append_cstr(p->to, t->hour < 12 ? "AM" : "PM");
        return true;
    case 's':
        put_number(
            p, (p->local_us - p->options.offset_seconds * TIME_US_PER_SECOND) / TIME_US_PER_SECOND,
            1, '0');
        return true;
    case 'z':
        put_offset(p, false);
        return true;
    case 'Z':
        buf_append_str(p->to, p->options.zone_name);
        return true;
    default:
        return false;
    }
}

static bool put_week(struct printer *p, char directive)
{
    const struct time_parts *t = &p->parts;
    int64_t iso_year;
    int week;
    iso_week(t, &iso_year, &week);
    const int sunday_based = (t->weekday + 1) % 7;
    switch (directive) {
    case 'G':
        put_number(p, iso_year, 4, '0');
        return true;
    case 'g':
        put_number(p, iso_year % 100, 2, '0');
        return true;
    case 'V':
        put_number(p, week, 2, '0');
        return true;
    case 'u':
        put_number(p, t->weekday + 1, 1, '0');
        return true;
    case 'w':
        put_number(p, sunday_based, 1, '0');
        return true;
    case 'U':
        put_number(p, (t->day_of_year + 6 - sunday_based) / 7, 2, '0');
        return true;
    case 'W':
        put_number(p, (t->day_of_year + 6 - t->weekday) / 7, 2, '0');
        return true;
    default:
        return false;
    }
}

static bool put_date(struct printer *p, char directive)
{
    const struct time_parts *t = &p->parts;
    switch (directive) {
    case 'Y':
        put_number(p, t->year, 4, '0');
        return true;
    case 'y':
        put_number(p, (t->year % 100 + 100) % 100, 2, '0');
        return true;
    case 'C':
        put_number(p, t->year / 100, 2, '0');
        return true;
    case 'm':
        put_number(p, t->month, 2, '0');
        return true;
    case 'd':
        put_number(p, t->day, 2, '0');
        return true;
    case 'e':
        put_number(p, t->day, 2, ' ');
        return true;
    case 'j':
        put_number(p, t->day_of_year, 3, '0');
        return true;
    case 'b':
    case 'h':
    case 'B':
        put_name(p, month_names[t->month - 1], directive != 'B');
        return true;
    case 'a':
    case 'A':
        put_name(p, weekday_names[t->weekday], directive == 'a');
        return true;
    default:
        return false;
    }
}

static void print_format(struct printer *p, struct str format);

static void print_directive(struct printer *p, char directive)
{
    const char *meaning = meaning_of(directive);
    if (meaning != NULL)
        print_format(p, str_of(meaning)); // one level: no meaning holds a composed directive
    else if (directive == '%' || directive == 'n' || directive == 't')
        buf_append_byte(p->to, directive == '%' ? '%' : directive == 'n' ? '\n' : '\t');
    else if (!put_date(p, directive) && !put_clock(p, directive) && !put_week(p, directive))
        buf_printf(p->to, "%%%c", directive);
}

static void print_format(struct printer *p, struct str format)
{
    for (size_t i = 0; i < format.length; i++) {
        if (format.bytes[i] != '%' || i + 1 == format.length) {
            buf_append_byte(p->to, format.bytes[i]);
            continue;
        }
        i++;
        p->has_no_padding = format.bytes[i] == '-' && i + 1 < format.length;
        if (p->has_no_padding)
            i++;
        if (str_has_prefix(str_slice(format, i, SIZE_MAX), STR(":z"))) {
            put_offset(p, true);
            i++;
        } else {
            print_directive(p, format.bytes[i]);
        }
        p->has_no_padding = false;
    }
}

struct str time_strftime(struct arena *arena, int64_t local_us, struct str format,
                         struct time_strftime_options options)
{
    struct buf to;
    buf_init(&to, FORMAT_MAX_BYTES);
    struct printer printer = {
        .to = &to, .parts = time_parts_of_us(local_us), .local_us = local_us, .options = options};
    print_format(&printer, format);
    const struct str text = arena_str(arena, buf_str(&to));
    buf_done(&to);
    return text;
}

// --- Reading -------------------------------------------------------------------------------------

struct scanner {
    struct str text;
    size_t at;
    struct time_text *to;
    int64_t year;
    int month, day, day_of_year;
    int hour, minute, second, microsecond;
    bool is_12_hours, is_pm;
    int64_t epoch_seconds;
    bool has_epoch;
};

static bool scan_number(struct scanner *s, int most_digits, int64_t least, int64_t most,
                        int64_t *ret)
{
    int64_t number = 0;
    int digits = 0;
    for (; digits < most_digits && s->at < s->text.length; digits++, s->at++) {
        const char c = s->text.bytes[s->at];
        if (c < '0' || c > '9')
            break;
        number = number * 10 + (c - '0');
    }
    *ret = number;
    return digits > 0 && number >= least && number <= most;
}

static bool scan_int(struct scanner *s, int most_digits, int least, int most, int *ret)
{
    int64_t number;
    if (!scan_number(s, most_digits, least, most, &number))
        return false;
    *ret = (int)number;
    return true;
}

// The longest name is tried first, so that %B reads "June" and not "Jun".
static bool scan_name(struct scanner *s, const char *const *names, size_t count, bool is_short,
                      int *ret)
{
    for (size_t i = 0; i < count; i++) {
        const size_t length = is_short ? 3 : strlen(names[i]);
        const struct str found = str_slice(s->text, s->at, length);
        if (str_equal_ignore_case(found, (struct str){names[i], length})) {
            s->at += length;
            *ret = (int)i;
            return true;
        }
    }
    return false;
}

static bool scan_fraction(struct scanner *s)
{
    int unit = 100000, digits = 0;
    for (; digits < 6 && s->at < s->text.length; digits++, s->at++, unit /= 10) {
        const char c = s->text.bytes[s->at];
        if (c < '0' || c > '9')
            break;
        s->microsecond += (c - '0') * unit;
    }
    return digits > 0;
}

static bool scan_offset(struct scanner *s)
{
    const char sign = s->at < s->text.length ? s->text.bytes[s->at] : '\0';
    s->at++;
    s->to->has_offset = true;
    if (sign == 'Z')
        return true;
    int hour, minute;
    if ((sign != '+' && sign != '-') || !scan_int(s, 2, 0, 23, &hour))
        return false;
    if (s->at < s->text.length && s->text.bytes[s->at] == ':')
        s->at++;
    if (!scan_int(s, 2, 0, 59, &minute))
        return false;
    s->to->offset_seconds = (sign == '-' ? -1 : 1) * (hour * 3600 + minute * 60);
    return true;
}

static bool scan_zone_name(struct scanner *s)
{
    static const char *const names[] = {"UTC", "GMT"};
    int index;
    if (!scan_name(s, names, 2, true, &index))
        return false;
    s->to->has_offset = true;
    return true;
}

static bool scan_clock(struct scanner *s, char directive)
{
    static const char *const halves[] = {"AM ", "PM "};
    int index = 0;
    s->to->has_time = true;
    switch (directive) {
    case 'H':
        return scan_int(s, 2, 0, 23, &s->hour);
    case 'I':
        s->is_12_hours = true;
        return scan_int(s, 2, 1, 12, &s->hour);
    case 'M':
        return scan_int(s, 2, 0, 59, &s->minute);
    case 'S':
        return scan_int(s, 2, 0, 61, &s->second);
    case 'f':
        return scan_fraction(s);
    case 'p':
        for (; index < 2; index++)
            if (str_equal_ignore_case(str_slice(s->text, s->at, 2),
                                      (struct str){halves[index], 2})) {
                s->at += 2;
                s->is_pm = index == 1;
                return true;
            }
        return false;
    case 's':
        s->has_epoch = true;
        return scan_number(s, 12, 0, INT64_MAX, &s->epoch_seconds);
    case 'z':
        return scan_offset(s);
    case 'Z':
        return scan_zone_name(s);
    default:
        return false;
    }
}

static bool scan_directive(struct scanner *s, char directive)
{
    int index = 0;
    switch (directive) {
    case 'Y':
        return scan_number(s, 4, 0, 9999, &s->year);
    case 'y':
        if (!scan_number(s, 2, 0, 99, &s->year))
            return false;
        s->year += s->year < 69 ? 2000 : 1900;
        return true;
    case 'm':
        return scan_int(s, 2, 1, 12, &s->month);
    case 'e':
    case 'd':
        return scan_int(s, 2, 1, 31, &s->day);
    case 'j':
        return scan_int(s, 3, 1, 366, &s->day_of_year);
    case 'b':
    case 'h':
    case 'B':
        if (!scan_name(s, month_names, 12, directive != 'B', &index))
            return false;
        s->month = index + 1;
        return true;
    case 'a':
    case 'A':
        return scan_name(s, weekday_names, 7, directive == 'a', &index);
    case '%':
        return s->at < s->text.length && s->text.bytes[s->at++] == '%';
    default:
        return scan_clock(s, directive);
    }
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool scan_format(struct scanner *s, struct str format)
{
    for (size_t i = 0; i < format.length; i++) {
        const char c = format.bytes[i];
        if (c == '%' && i + 1 < format.length) {
            i++;
            if (format.bytes[i] == '-' && i + 1 < format.length)
                i++;
            const char *meaning = meaning_of(format.bytes[i]);
            if (meaning != NULL ? !scan_format(s, str_of(meaning))
                                : !scan_directive(s, format.bytes[i]))
                return false;
        } else if (is_blank(c)) {
            if (s->at == s->text.length || !is_blank(s->text.bytes[s->at]))
                return false;
            while (s->at < s->text.length && is_blank(s->text.bytes[s->at]))
                s->at++;
        } else if (s->at == s->text.length || s->text.bytes[s->at++] != c) {
            return false;
        }
    }
    return true;
}

static bool settle(struct scanner *s)
{
    if (s->has_epoch) {
        s->to->has_offset = true;
        s->to->us = s->epoch_seconds * TIME_US_PER_SECOND + s->microsecond;
        return true;
    }
    if (s->day > time_days_in_month(s->year, s->month))
        return false;
    if (s->day_of_year > 0) {
        s->month = 1;
        s->day = s->day_of_year;
    }
    if (s->is_12_hours)
        s->hour = s->hour % 12 + (s->is_pm ? 12 : 0);
    s->to->us = time_us_of_parts(&(struct time_parts){.year = s->year,
                                                      .month = s->month,
                                                      .day = s->day,
                                                      .hour = s->hour,
                                                      .minute = s->minute,
                                                      .second = s->second,
                                                      .microsecond = s->microsecond}) -
                s->to->offset_seconds * TIME_US_PER_SECOND;
    return true;
}

rc time_strptime(struct str text, struct str format, struct time_text *ret_time, struct err *err)
{
    struct time_text time = {0};
    struct scanner s = {.text = text, .to = &time, .year = 1900, .month = 1, .day = 1};
    if (!scan_format(&s, format) || s.at != text.length || !settle(&s))
        return err_set(err, RC_INVALID, "time '%.*s' does not match the format '%.*s'",
                       text.length > 60 ? 60 : (int)text.length, text.bytes,
                       format.length > 60 ? 60 : (int)format.length, format.bytes);
    *ret_time = time;
    return RC_OK;
}
