// Requests that each read one span of time. Layer: ingest. Threads: pure functions on the caller's
// data. Limits: years 1..9999.

#include "ingest/source/time_partition.h"

#include "base/time.h"
#include "base/vec.h"

struct range {
    int64_t first, last; // both included
};

struct ranges {
    VEC(struct range) list; // ascending, never touching
};

// --- numbers of units --------------------------------------------------------------------------

struct fields {
    int64_t year;
    int month, day, hour;
};

static int64_t number_of(enum time_unit unit, struct fields f)
{
    switch (unit) {
    case TIME_UNIT_YEAR:
        return f.year - 1970;
    case TIME_UNIT_MONTH:
        return (f.year - 1970) * 12 + f.month - 1;
    case TIME_UNIT_DAY:
        return time_days_of_date(f.year, f.month, f.day);
    default:
        return time_days_of_date(f.year, f.month, f.day) * 24 + f.hour;
    }
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static struct fields fields_of(enum time_unit unit, int64_t number)
{
    struct fields f = {1970, 1, 1, 0};
    if (unit == TIME_UNIT_YEAR) {
        f.year += number;
    } else if (unit == TIME_UNIT_MONTH) {
        f.year += floor_divide(number, 12);
        f.month = (int)(number - floor_divide(number, 12) * 12) + 1;
    } else {
        const int64_t days = unit == TIME_UNIT_DAY ? number : floor_divide(number, 24);
        time_date_of_days(days, &f.year, &f.month, &f.day);
        if (unit == TIME_UNIT_HOUR)
            f.hour = (int)(number - days * 24);
    }
    return f;
}

struct str time_partition_name(struct arena *arena, enum time_unit unit, int64_t number)
{
    const struct fields f = fields_of(unit, number);
    switch (unit) {
    case TIME_UNIT_YEAR:
        return arena_printf(arena, "%04lld", (long long)f.year);
    case TIME_UNIT_MONTH:
        return arena_printf(arena, "%04lld-%02d", (long long)f.year, f.month);
    case TIME_UNIT_DAY:
        return arena_printf(arena, "%04lld-%02d-%02d", (long long)f.year, f.month, f.day);
    default:
        return arena_printf(arena, "%04lld-%02d-%02dT%02d", (long long)f.year, f.month, f.day,
                            f.hour);
    }
}

static const char *const name_formats[] = {"%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H"};

// --- reading texts -----------------------------------------------------------------------------

static bool read_digits(struct str text, size_t *at, size_t count, int64_t *ret)
{
    int64_t number = 0;
    for (size_t i = 0; i < count; i++, ++*at) {
        if (*at >= text.length || text.bytes[*at] < '0' || text.bytes[*at] > '9')
            return false;
        number = number * 10 + (text.bytes[*at] - '0');
    }
    *ret = number;
    return true;
}

// Fits `format` at `at`? Digits must not go on behind it ("2009/105" is no month).
static bool match_at(struct str text, size_t at, struct str format, struct fields *ret)
{
    struct fields f = {1970, 1, 1, 0};
    for (size_t i = 0; i < format.length; i++) {
        if (format.bytes[i] != '%') {
            if (at >= text.length || text.bytes[at++] != format.bytes[i])
                return false;
            continue;
        }
        int64_t number;
        const char field = format.bytes[++i]; // the format was checked: a letter follows
        if (!read_digits(text, &at, field == 'Y' ? 4 : 2, &number))
            return false;
        if (field == 'Y')
            f.year = number;
        else
            *(field == 'm' ? &f.month : field == 'd' ? &f.day : &f.hour) = (int)number;
    }
    if (at < text.length && text.bytes[at] >= '0' && text.bytes[at] <= '9')
        return false;
    if (f.year < 1 || f.month < 1 || f.month > 12 || f.day < 1 ||
        f.day > time_days_in_month(f.year, f.month) || f.hour > 23)
        return false;
    *ret = f;
    return true;
}

rc time_partition_find(const struct time_partition_config *config, struct str text,
                       struct time_partition *ret_partition, struct err *err)
{
    for (size_t at = text.length; at-- > 0;) {
        struct fields f;
        const bool goes_on = at > 0 && text.bytes[at - 1] >= '0' && text.bytes[at - 1] <= '9';
        if (goes_on || !match_at(text, at, config->format, &f))
            continue;
        *ret_partition =
            (struct time_partition){number_of(config->unit, f), str_slice(text, 0, at)};
        return RC_OK;
    }
    err_set(err, RC_INVALID, "time_partition: '%.*s' holds nothing of the format '%.*s'",
            STR_ARGS(text), STR_ARGS(config->format));
    return err_hint(err, "time_partition.value must name the span that a request reads");
}

// --- configuration -----------------------------------------------------------------------------

static rc read_format(struct time_partition_config *out, struct err *err)
{
    static const char letters[] = "YmdH"; // coarse to fine, as enum time_unit
    int finest = -1;
    unsigned seen = 0;
    for (size_t i = 0; i < out->format.length; i++) {
        if (out->format.bytes[i] != '%')
            continue;
        const char letter = i + 1 < out->format.length ? out->format.bytes[i + 1] : '\0';
        const char *place = letter != '\0' ? strchr(letters, letter) : NULL;
        if (place == NULL)
            return err_set(err, RC_CONFIG,
                           "time_partition.format '%.*s': only %%Y, %%m, %%d and %%H are known",
                           STR_ARGS(out->format));
        seen |= 1u << (place - letters);
        if (place - letters > finest)
            finest = (int)(place - letters);
        i++;
    }
    if (finest < 0 || seen != (1u << (finest + 1)) - 1)
        return err_set(err, RC_CONFIG,
                       "time_partition.format '%.*s' must name the year and every finer field down "
                       "to the shortest",
                       STR_ARGS(out->format));
    out->unit = (enum time_unit)finest;
    return RC_OK;
}

// "2009/10" as the format has it, or "2009-10".
static rc read_limit(const struct time_partition_config *config, const struct json *value,
                     const char *name, bool *ret_given, int64_t *ret_number, struct err *err)
{
    *ret_given = false;
    if (value == NULL || value->kind == JSON_NULL)
        return RC_OK;
    const struct str text =
        value->kind == JSON_NUMBER || value->kind == JSON_STRING ? str_trim(value->text) : STR("?");
    if (text.length == 0)
        return RC_OK;
    struct fields f;
    // A date names the partition that it lies in: "2009-10-15" is October.
    const bool is_name = match_at(text, 0, config->format, &f) ||
                         match_at(text, 0, str_of(name_formats[config->unit]), &f);
    if (!is_name) {
        err_set(err, RC_CONFIG, "time_partition.%s '%.*s' is not of the format '%.*s'", name,
                STR_ARGS(text), STR_ARGS(config->format));
        return err_hint(err, "write it like %s",
                        config->unit == TIME_UNIT_MONTH ? "2024-01" : "the format says");
    }
    *ret_given = true;
    *ret_number = number_of(config->unit, f);
    return RC_OK;
}

rc time_partition_config_read(struct arena *arena, const struct json *config,
                              struct time_partition_config *ret_config, struct err *err)
{
    struct time_partition_config out = {0};
    out.value = arena_str(arena, json_str(json_get(config, STR("value")), STR("")));
    out.format = arena_str(arena, json_str(json_get(config, STR("format")), STR("")));
    if (out.value.length == 0 || out.format.length == 0)
        return err_set(err, RC_CONFIG, "time_partition wants value and format");
    TRY(read_format(&out, err));
    const struct str zone = json_str(json_get(config, STR("timezone")), STR("UTC"));
    const rc code = time_zone_load(zone, &out.zone, err);
    if (code != RC_OK && err != NULL) {
        err_context(err, "time_partition.timezone");
        err->code = code == RC_NOT_FOUND ? RC_CONFIG : code;
    }
    if (code != RC_OK)
        return code == RC_NOT_FOUND ? RC_CONFIG : code;
    double lag_s = 0;
    const struct json *lag = json_get(config, STR("lag"));
    if (lag != NULL && lag->kind != JSON_NULL && (!json_to_double(lag, &lag_s) || lag_s < 0))
        return err_set(err, RC_CONFIG, "time_partition.lag wants a number of seconds");
    out.lag_us = (int64_t)(lag_s * 1e6);
    TRY(read_limit(&out, json_get(config, STR("start")), "start", &out.has_start, &out.start, err));
    TRY(read_limit(&out, json_get(config, STR("end")), "end", &out.has_end, &out.end, err));
    if (out.has_start && out.has_end && out.start > out.end)
        return err_set(err, RC_CONFIG, "time_partition.start lies behind its end");
    *ret_config = out;
    return RC_OK;
}

// --- open and closed ---------------------------------------------------------------------------

int64_t time_partition_start_us(const struct time_partition_config *config, int64_t number)
{
    const struct fields f = fields_of(config->unit, number);
    const struct time_parts parts = {
        .year = f.year, .month = f.month, .day = f.day, .hour = f.hour};
    int64_t us;
    (void)time_zone_us_of_local(config->zone, time_us_of_parts(&parts), 0, &us);
    return us;
}

bool time_partition_is_wanted(const struct time_partition_config *config, int64_t number,
                              int64_t now_us)
{
    return (!config->has_start || number >= config->start) &&
           (!config->has_end || number <= config->end) &&
           time_partition_start_us(config, number) <= now_us;
}

bool time_partition_is_closed(const struct time_partition_config *config, int64_t number,
                              int64_t now_us)
{
    return time_partition_start_us(config, number + 1) + config->lag_us <= now_us;
}

// --- the set of closed ones --------------------------------------------------------------------

static struct ranges *ranges_of(struct time_partition_set *set, struct str key)
{
    struct map_entry *entry = map_has(&set->ranges, key)
                                  ? map_entry_of(&set->ranges, key)
                                  : map_entry_of(&set->ranges, arena_str(set->arena, key));
    if (entry->value == NULL)
        entry->value = ARENA_NEW(set->arena, struct ranges);
    return entry->value;
}

bool time_partition_set_has(const struct time_partition_set *set, struct str key, int64_t number)
{
    const struct ranges *ranges = map_get(&set->ranges, key);
    for (size_t i = 0; ranges != NULL && i < ranges->list.count; i++)
        if (number >= ranges->list.items[i].first && number <= ranges->list.items[i].last)
            return true;
    return false;
}

void time_partition_set_add(struct time_partition_set *set, struct str key, int64_t number)
{
    struct ranges *ranges = ranges_of(set, key);
    size_t at = 0; // the first range that does not end before the number
    while (at < ranges->list.count && ranges->list.items[at].last + 1 < number)
        at++;
    if (at < ranges->list.count && ranges->list.items[at].first <= number + 1) {
        struct range *range = &ranges->list.items[at];
        range->first = number < range->first ? number : range->first;
        range->last = number > range->last ? number : range->last;
        const size_t next = at + 1; // the gap to the next may have been that number
        if (next < ranges->list.count && ranges->list.items[next].first <= range->last + 1) {
            range->last = ranges->list.items[next].last;
            memmove(&ranges->list.items[next], &ranges->list.items[next + 1],
                    (ranges->list.count - next - 1) * sizeof *range);
            ranges->list.count--;
        }
        return;
    }
    (void)vec_push(set->arena, &ranges->list);
    memmove(&ranges->list.items[at + 1], &ranges->list.items[at],
            (ranges->list.count - 1 - at) * sizeof(struct range));
    ranges->list.items[at] = (struct range){number, number};
}

static rc read_range(struct time_partition_set *set, struct str key, struct str text,
                     struct err *err)
{
    const struct str format = str_of(name_formats[set->unit]);
    const size_t slash = str_find_byte(text, '/');
    const struct str first = str_slice(text, 0, slash == SIZE_MAX ? text.length : slash);
    const struct str last = slash == SIZE_MAX ? first : str_slice(text, slash + 1, text.length);
    struct fields a, b;
    if (!match_at(first, 0, format, &a) || !match_at(last, 0, format, &b))
        return err_set(err, RC_INVALID, "the state names no time partition with '%.*s'",
                       STR_ARGS(text));
    struct ranges *ranges = ranges_of(set, key);
    *vec_push(set->arena, &ranges->list) =
        (struct range){number_of(set->unit, a), number_of(set->unit, b)};
    return RC_OK;
}

rc time_partition_set_read(struct time_partition_set *set, struct arena *arena, enum time_unit unit,
                           const struct json *state, struct err *err)
{
    *set = (struct time_partition_set){.arena = arena, .unit = unit};
    map_init(&set->ranges, arena);
    for (size_t i = 0; state != NULL && state->kind == JSON_OBJECT && i < state->count; i++) {
        const struct json *list = &state->members[i].value;
        for (size_t k = 0; list->kind == JSON_ARRAY && k < list->count; k++)
            TRY(read_range(set, state->members[i].key, json_str(&list->items[k], STR("")), err));
    }
    return RC_OK;
}

struct json time_partition_set_state(const struct time_partition_set *set, struct arena *arena)
{
    struct json state = {.kind = JSON_OBJECT};
    for (size_t i = 0; i < set->ranges.count; i++) {
        const struct ranges *ranges = set->ranges.entries[i].value;
        struct json list = {.kind = JSON_ARRAY};
        for (size_t k = 0; k < ranges->list.count; k++) {
            const struct range range = ranges->list.items[k];
            struct str text = time_partition_name(arena, set->unit, range.first);
            if (range.last > range.first) {
                const struct str last = time_partition_name(arena, set->unit, range.last);
                text = arena_printf(arena, "%.*s/%.*s", STR_ARGS(text), STR_ARGS(last));
            }
            *json_array_push(arena, &list) = json_of_str(text);
        }
        *json_object_set(arena, &state, set->ranges.entries[i].key) = list;
    }
    return state;
}
