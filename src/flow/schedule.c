#include "flow/schedule.h"

#include "base/time.h"

struct cron_field {
    const char *name;
    int64_t min, max;
    const char *const *words; // names for min, min + 1, ...; NULL = none
    bool may_be_unset;        // "?"
    bool is_day_of_month, is_day_of_week;
};

static const char *const months[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
                                     "AUG", "SEP", "OCT", "NOV", "DEC", NULL};
static const char *const weekdays[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL};

static const struct cron_field cron_fields[] = {
    {"minute", 0, 59, NULL, false, false, false},
    {"hour", 0, 23, NULL, false, false, false},
    {"day of month", 1, 31, NULL, true, true, false},
    {"month", 1, 12, months, false, false, false},
    {"day of week", 1, 7, weekdays, true, false, true},
    {"year", 1970, 2199, NULL, false, false, false},
};
enum { CRON_FIELD_COUNT = sizeof cron_fields / sizeof cron_fields[0] };

static rc field_error(const struct cron_field *field, struct str text, struct err *err)
{
    err_set(err, RC_INVALID, "the %s of the cron expression is %.*s", field->name, STR_ARGS(text));
    return err_hint(err, "%s goes from %lld to %lld%s", field->name, (long long)field->min,
                    (long long)field->max,
                    field->words != NULL ? ", or a name like MON or JAN" : "");
}

static bool read_number(const struct cron_field *field, struct str text, int64_t *ret_number)
{
    if (str_to_int64(text, ret_number))
        return *ret_number >= field->min && *ret_number <= field->max;
    for (int i = 0; field->words != NULL && field->words[i] != NULL; i++)
        if (str_equal_ignore_case(text, str_of(field->words[i]))) {
            *ret_number = field->min + i;
            return true;
        }
    return false;
}

/// "5", "1-5", "*", with "/step" behind; "L", "15W", "LW", "6L", "3#2" in the days.
static bool is_right_part(const struct cron_field *field, struct str part)
{
    int64_t number, last;
    const size_t slash = str_find_byte(part, '/');
    if (slash != SIZE_MAX) {
        if (!str_to_int64(str_slice(part, slash + 1, SIZE_MAX), &number) || number <= 0)
            return false;
        part = str_slice(part, 0, slash);
    }
    if (str_is(part, "*"))
        return true;
    if ((field->is_day_of_month || field->is_day_of_week) && str_is(part, "L"))
        return true;
    if (field->is_day_of_month && str_is(part, "LW"))
        return true;
    if (field->is_day_of_month && str_has_suffix(part, STR("W")))
        return read_number(field, str_slice(part, 0, part.length - 1), &number);
    if (field->is_day_of_week && str_has_suffix(part, STR("L")))
        return read_number(field, str_slice(part, 0, part.length - 1), &number);
    const size_t hash = str_find_byte(part, '#');
    if (field->is_day_of_week && hash != SIZE_MAX)
        return read_number(field, str_slice(part, 0, hash), &number) &&
               str_to_int64(str_slice(part, hash + 1, SIZE_MAX), &last) && last >= 1 && last <= 5;
    const size_t dash = str_find_byte(part, '-');
    if (dash != SIZE_MAX)
        return read_number(field, str_slice(part, 0, dash), &number) &&
               read_number(field, str_slice(part, dash + 1, SIZE_MAX), &last) && number <= last;
    return read_number(field, part, &number);
}

static rc check_field(const struct cron_field *field, struct str text, struct err *err)
{
    struct str rest = text, part;
    if (field->may_be_unset && str_is(text, "?"))
        return RC_OK;
    while (str_split_next(&rest, ',', &part))
        if (!is_right_part(field, part))
            return field_error(field, text, err);
    return RC_OK;
}

static rc check_cron(struct str text, struct err *err)
{
    struct str fields[CRON_FIELD_COUNT + 1], rest = text, part;
    size_t count = 0;
    while (str_split_next(&rest, ' ', &part))
        if (part.length > 0 && count <= CRON_FIELD_COUNT)
            fields[count++] = part;
    if (count != CRON_FIELD_COUNT) {
        err_set(err, RC_INVALID, "the cron expression has %zu fields instead of 6", count);
        return err_hint(err, "cron(minute hour day-of-month month day-of-week year)");
    }
    for (size_t i = 0; i < CRON_FIELD_COUNT; i++)
        TRY(check_field(&cron_fields[i], fields[i], err));
    if (str_is(fields[2], "?") == str_is(fields[4], "?")) {
        err_set(err, RC_INVALID, "exactly one of day of month and day of week must be ?");
        return err_hint(err, "every day: cron(0 6 * * ? *); Mondays: cron(0 6 ? * MON *)");
    }
    return RC_OK;
}

static rc check_rate(struct str text, struct err *err)
{
    static const char *const units[] = {"minute", "minutes", "hour", "hours", "day", "days"};
    const size_t blank = str_find_byte(text, ' ');
    const struct str unit =
        blank == SIZE_MAX ? STR("") : str_trim(str_slice(text, blank, SIZE_MAX));
    int64_t number;
    bool is_unit = false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        is_unit |= str_is(unit, units[i]);
    if (blank != SIZE_MAX && is_unit && str_to_int64(str_slice(text, 0, blank), &number) &&
        number > 0)
        return RC_OK;
    err_set(err, RC_INVALID, "the rate is %.*s", STR_ARGS(text));
    return err_hint(err, "rate(5 minutes), rate(1 hour), rate(2 days)");
}

static rc check_at(struct str text, struct err *err)
{
    struct time_text time;
    struct err ignored;
    if (text.length == strlen("2024-01-31T10:20:30") &&
        time_parse_iso(text, &time, &ignored) == RC_OK && !time.has_offset)
        return RC_OK;
    err_set(err, RC_INVALID, "the time is %.*s", STR_ARGS(text));
    return err_hint(err, "at(2024-01-31T10:20:30), without a time zone");
}

rc schedule_check(struct str expression, struct err *err)
{
    static const struct {
        const char *name;
        rc (*check)(struct str text, struct err *err);
    } kinds[] = {{"cron(", check_cron}, {"rate(", check_rate}, {"at(", check_at}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const size_t length = strlen(kinds[i].name);
        if (str_has_prefix(expression, str_of(kinds[i].name)) &&
            str_has_suffix(expression, STR(")")))
            return kinds[i].check(str_slice(expression, length, expression.length - length - 1),
                                  err);
    }
    err_set(err, RC_INVALID, "the expression %.*s is none of cron(...), rate(...), at(...)",
            STR_ARGS(expression));
    return err_hint(err, "every day at six: cron(0 6 * * ? *)");
}
