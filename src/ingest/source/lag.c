// The lag of an incremental cursor: a later run looks back a little. Layer: ingest.
// Source: dlt's lag: seconds for times, days for dates, the number's unit for numbers; the text
// keeps its format (that is why a month steps back by a whole month when a second is taken off).

#include <math.h>

#include "base/time.h"
#include "ingest/source/incremental.h"

// In a pattern 9 stands for a digit, f for one or more, everything else for itself.
static const struct {
    const char *pattern;
    const char *format; // strftime
    bool is_date;       // the lag counts days
} shapes[] = {
    {"9999-99-99T99:99:99Z", "%Y-%m-%dT%H:%M:%SZ", false},
    {"9999-99-99T99:99:99.fZ", "%Y-%m-%dT%H:%M:%S.%fZ", false},
    {"9999-99-99T99:99:99+99:99", "%Y-%m-%dT%H:%M:%S%:z", false},
    {"9999-99-99T99:99:99-99:99", "%Y-%m-%dT%H:%M:%S%:z", false},
    {"9999-99-99T99:99:99+9999", "%Y-%m-%dT%H:%M:%S%z", false},
    {"9999-99-99T99:99:99-9999", "%Y-%m-%dT%H:%M:%S%z", false},
    {"9999-99-99T99:99:99.f+99:99", "%Y-%m-%dT%H:%M:%S.%f%:z", false},
    {"9999-99-99T99:99:99.f-99:99", "%Y-%m-%dT%H:%M:%S.%f%:z", false},
    {"9999-99-99T99:99:99.f+9999", "%Y-%m-%dT%H:%M:%S.%f%z", false},
    {"9999-99-99T99:99:99.f-9999", "%Y-%m-%dT%H:%M:%S.%f%z", false},
    {"9999-99-99T99:99:99", "%Y-%m-%dT%H:%M:%S", false},
    {"9999-99-99T99:99:99.f", "%Y-%m-%dT%H:%M:%S.%f", false},
    {"9999-99-99T99:99", "%Y-%m-%dT%H:%M", false},
    {"9999-99-99T99", "%Y-%m-%dT%H", false},
    {"9999-99-99", "%Y-%m-%d", true},
    {"99999999", "%Y%m%d", true},
    {"9999-99", "%Y-%m", false},
    {"9999", "%Y", false},
    {"9999-W99-9", "%G-W%V-%u", false},
    {"9999-W99", "%G-W%V", false},
    {"9999-999", "%Y-%j", false},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool matches(struct str text, const char *pattern)
{
    size_t at = 0;
    for (; *pattern != '\0'; pattern++) {
        if (at >= text.length)
            return false;
        if (*pattern == 'f') {
            if (!is_digit(text.bytes[at]))
                return false;
            while (at < text.length && is_digit(text.bytes[at]))
                at++;
        } else if (*pattern == '9' ? is_digit(text.bytes[at]) : text.bytes[at] == *pattern) {
            at++;
        } else {
            return false;
        }
    }
    return at == text.length;
}

// What the shorter shapes leave out, so that the ISO reader takes them.
static struct str complete(struct arena *arena, struct str text, const char *pattern)
{
    if (strcmp(pattern, "9999") == 0)
        return str_concat(arena, text, STR("-01-01"));
    if (strcmp(pattern, "9999-99") == 0)
        return str_concat(arena, text, STR("-01"));
    if (strcmp(pattern, "9999-W99") == 0)
        return str_concat(arena, text, STR("-1"));
    if (strcmp(pattern, "9999-99-99T99") == 0)
        return str_concat(arena, text, STR(":00"));
    return text;
}

static rc lag_text(struct arena *arena, double lag, struct str text, struct json *ret_value,
                   struct err *err)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (!matches(text, shapes[i].pattern))
            continue;
        struct time_text time;
        TRY(time_parse_iso(complete(arena, text, shapes[i].pattern), &time, err));
        // Whole days only: a date has no half ones.
        const int64_t shift_us =
            shapes[i].is_date ? (int64_t)floor(lag) * TIME_US_PER_DAY : (int64_t)llround(lag * 1e6);
        const int64_t local_us = time.us + shift_us + time.offset_seconds * TIME_US_PER_SECOND;
        const struct time_strftime_options options = {.has_offset = time.has_offset,
                                                      .offset_seconds = time.offset_seconds};
        *ret_value = json_of_str(time_strftime(arena, local_us, str_of(shapes[i].format), options));
        return RC_OK;
    }
    err_set(err, RC_INVALID, "lag needs a number, a date or a time as cursor, found '%.*s'",
            (int)(text.length < 80 ? text.length : 80), text.bytes);
    return err_hint(err, "leave lag out, or choose another cursor_path");
}

static rc lag_number(struct arena *arena, double lag, const struct json *value,
                     struct json *ret_value, struct err *err)
{
    int64_t integer;
    double number;
    if (json_to_int64(value, &integer)) {
        *ret_value = lag == trunc(lag) && fabs(lag) < 9e15
                         ? json_of_int64(arena, integer + (int64_t)lag)
                         : json_of_int64(arena, (int64_t)trunc((double)integer + lag));
        return RC_OK;
    }
    if (!json_to_double(value, &number))
        return err_set(err, RC_INVALID, "lag cannot be applied to the number %.*s",
                       STR_ARGS(value->text));
    *ret_value = json_of_double(arena, number + lag);
    return RC_OK;
}

rc incremental_apply_lag(struct arena *arena, double lag, bool is_min,
                         const struct json *initial_value, const struct json *last_value,
                         struct json *ret_value, struct err *err)
{
    struct json lagged;
    const double shift = is_min ? lag : -lag;
    if (last_value->kind == JSON_NUMBER)
        TRY(lag_number(arena, shift, last_value, &lagged, err));
    else if (last_value->kind == JSON_STRING)
        TRY(lag_text(arena, shift, last_value->text, &lagged, err));
    else
        return err_set(err, RC_INVALID, "lag needs a number, a date or a time as cursor");
    if (initial_value != NULL) {
        int order;
        TRY(incremental_compare(initial_value, &lagged, &order, err));
        if (is_min ? order <= 0 : order >= 0)
            lagged = *initial_value;
    }
    *ret_value = lagged;
    return RC_OK;
}
