// Zones of the IANA database: TZif files (RFC 9636, version 2 and above, with the POSIX TZ rule for
// what lies behind the last transition). Loaded zones stay for the life of the process.

#include <pthread.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/time.h"

enum {
    ZONE_FILE_MAX_BYTES = 1 << 20,
    HEADER_BYTES = 44,
    SECONDS_PER_DAY = 86400,
    MAX_TYPES = 256,
};

struct zone_type {
    int offset_seconds;
    bool is_dst;
    char abbreviation[12];
};

// When a half of the year begins: "M3.2.0/2", "J60", "59".
struct zone_rule_date {
    enum { RULE_JULIAN, RULE_DAY, RULE_MONTH } form;
    int day, week, month; // month form: weekday 0 = Sunday in .day
    int seconds;          // of the local day; may be negative or above a day
};

struct zone_rule {
    bool is_there, has_dst;
    struct zone_type standard, daylight;
    struct zone_rule_date start, end;
};

struct time_zone {
    struct str name;
    int64_t *times; // seconds since 1970, ascending
    unsigned char *types_at;
    size_t time_count;
    struct zone_type *types;
    size_t type_count;
    struct zone_rule rule;
    struct time_zone *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct time_zone *loaded;
static struct arena *zone_arena; // lives as long as the process
static const char *zone_folder;

void time_zone_set_folder(const char *folder)
{
    pthread_mutex_lock(&lock);
    zone_folder = folder;
    loaded = NULL;
    pthread_mutex_unlock(&lock);
}

// --- The POSIX rule ------------------------------------------------------------------------------

static char peek(const struct str *s)
{
    return s->length > 0 ? s->bytes[0] : '\0';
}

static bool take(struct str *s, char byte)
{
    if (peek(s) != byte)
        return false;
    *s = str_slice(*s, 1, SIZE_MAX);
    return true;
}

static bool take_int(struct str *s, int least, int most, int *ret)
{
    int number = 0, digits = 0;
    for (; digits < 4 && peek(s) >= '0' && peek(s) <= '9'; digits++) {
        number = number * 10 + (peek(s) - '0');
        *s = str_slice(*s, 1, SIZE_MAX);
    }
    *ret = number;
    return digits > 0 && number >= least && number <= most;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool take_name(struct str *s, struct zone_type *type)
{
    const bool is_quoted = take(s, '<');
    size_t length = 0;
    while (s->length > 0 && (is_quoted ? peek(s) != '>' : is_letter(peek(s)))) {
        if (length + 1 >= sizeof type->abbreviation)
            return false;
        type->abbreviation[length++] = peek(s);
        *s = str_slice(*s, 1, SIZE_MAX);
    }
    type->abbreviation[length] = '\0';
    return length > 0 && (!is_quoted || take(s, '>'));
}

// [+-]hh[:mm[:ss]]
static bool take_clock(struct str *s, int *ret_seconds)
{
    const bool is_negative = take(s, '-');
    if (!is_negative)
        take(s, '+');
    int hour, minute = 0, second = 0;
    if (!take_int(s, 0, 167, &hour))
        return false;
    if (take(s, ':') &&
        (!take_int(s, 0, 59, &minute) || (take(s, ':') && !take_int(s, 0, 59, &second))))
        return false;
    const int seconds = hour * 3600 + minute * 60 + second;
    *ret_seconds = is_negative ? -seconds : seconds;
    return true;
}

static bool take_rule_date(struct str *s, struct zone_rule_date *date)
{
    *date = (struct zone_rule_date){.seconds = 2 * 3600};
    if (take(s, 'M')) {
        date->form = RULE_MONTH;
        if (!take_int(s, 1, 12, &date->month) || !take(s, '.') || !take_int(s, 1, 5, &date->week) ||
            !take(s, '.') || !take_int(s, 0, 6, &date->day))
            return false;
    } else {
        date->form = take(s, 'J') ? RULE_JULIAN : RULE_DAY;
        if (!take_int(s, date->form == RULE_JULIAN ? 1 : 0, 365, &date->day))
            return false;
    }
    return !take(s, '/') || take_clock(s, &date->seconds);
}

static bool parse_rule(struct str s, struct zone_rule *rule)
{
    if (s.length == 0)
        return true;
    int west;
    if (!take_name(&s, &rule->standard) || !take_clock(&s, &west))
        return false;
    rule->standard.offset_seconds = -west;
    rule->is_there = true;
    if (s.length == 0)
        return true;

    rule->has_dst = true;
    rule->daylight.is_dst = true;
    if (!take_name(&s, &rule->daylight))
        return false;
    rule->daylight.offset_seconds = rule->standard.offset_seconds + 3600;
    if (peek(&s) != ',') {
        if (!take_clock(&s, &west))
            return false;
        rule->daylight.offset_seconds = -west;
    }
    return take(&s, ',') && take_rule_date(&s, &rule->start) && take(&s, ',') &&
           take_rule_date(&s, &rule->end) && s.length == 0;
}

// The local second (since 1970) at which the date falls in a year.
static int64_t rule_date_at(const struct zone_rule_date *date, int64_t year)
{
    int64_t days = time_days_of_date(year, 1, 1);
    if (date->form == RULE_DAY) {
        days += date->day;
    } else if (date->form == RULE_JULIAN) { // 29 February is never counted
        days += date->day - 1 + (time_is_leap_year(year) && date->day >= 60);
    } else {
        days = time_days_of_date(year, date->month, 1);
        const int first_weekday = (time_weekday(days) + 1) % 7; // 0 = Sunday
        int day = (date->day - first_weekday + 7) % 7 + (date->week - 1) * 7;
        if (day >= time_days_in_month(year, date->month)) // week 5 is the last one
            day -= 7;
        days += day;
    }
    return days * SECONDS_PER_DAY + date->seconds;
}

static const struct zone_type *rule_type_at(const struct zone_rule *rule, int64_t seconds)
{
    if (!rule->has_dst)
        return &rule->standard;
    const int64_t local_us = (seconds + rule->standard.offset_seconds) * TIME_US_PER_SECOND;
    const int64_t year = time_parts_of_us(local_us).year;
    const int64_t start = rule_date_at(&rule->start, year) - rule->standard.offset_seconds;
    const int64_t end = rule_date_at(&rule->end, year) - rule->daylight.offset_seconds;
    const bool is_dst =
        start < end ? seconds >= start && seconds < end : seconds >= start || seconds < end;
    return is_dst ? &rule->daylight : &rule->standard;
}

// --- The file ------------------------------------------------------------------------------------

static uint32_t read_u32(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t read_i64(const char *at)
{
    return (int64_t)((uint64_t)read_u32(at) << 32 | read_u32(at + 4));
}

struct counts {
    size_t is_ut, is_std, leaps, times, types, characters;
};

static bool read_header(struct str file, struct counts *counts)
{
    if (file.length < HEADER_BYTES || !str_has_prefix(file, STR("TZif")) || file.bytes[4] < '2')
        return false;
    size_t *const fields[] = {&counts->is_ut, &counts->is_std, &counts->leaps,
                              &counts->times, &counts->types,  &counts->characters};
    for (size_t i = 0; i < 6; i++)
        *fields[i] = read_u32(file.bytes + 20 + 4 * i);
    return counts->times < ZONE_FILE_MAX_BYTES && counts->types <= MAX_TYPES &&
           counts->characters < ZONE_FILE_MAX_BYTES && counts->leaps < ZONE_FILE_MAX_BYTES &&
           counts->is_std <= MAX_TYPES && counts->is_ut <= MAX_TYPES;
}

static size_t block_bytes(const struct counts *c, size_t time_bytes)
{
    return c->times * (time_bytes + 1) + c->types * 6 + c->characters +
           c->leaps * (time_bytes + 4) + c->is_std + c->is_ut;
}

static bool read_types(struct time_zone *zone, const char *types, struct str characters)
{
    for (size_t i = 0; i < zone->type_count; i++) {
        struct zone_type *type = &zone->types[i];
        type->offset_seconds = (int)(int32_t)read_u32(types + 6 * i);
        type->is_dst = types[6 * i + 4] != 0;
        const size_t start = (unsigned char)types[6 * i + 5];
        if (start >= characters.length || abs(type->offset_seconds) > 7 * SECONDS_PER_DAY)
            return false;
        for (size_t c = 0; c + 1 < sizeof type->abbreviation && start + c < characters.length; c++)
            if ((type->abbreviation[c] = characters.bytes[start + c]) == '\0')
                break;
    }
    return zone->type_count > 0;
}

static bool read_block(struct time_zone *zone, struct str block, const struct counts *counts)
{
    const char *types_at = block.bytes + counts->times * 8;
    const char *types = types_at + counts->times;
    zone->time_count = counts->times;
    zone->type_count = counts->types;
    zone->times = ARENA_ARRAY(zone_arena, int64_t, counts->times);
    zone->types_at = arena_copy(zone_arena, types_at, counts->times);
    zone->types = ARENA_ARRAY(zone_arena, struct zone_type, counts->types);
    for (size_t i = 0; i < counts->times; i++) {
        zone->times[i] = read_i64(block.bytes + 8 * i);
        if (zone->types_at[i] >= counts->types || (i > 0 && zone->times[i] <= zone->times[i - 1]))
            return false;
    }
    return read_types(zone, types, (struct str){types + counts->types * 6, counts->characters});
}

static bool read_file(struct time_zone *zone, struct str file)
{
    struct counts counts;
    if (!read_header(file, &counts))
        return false;
    file = str_slice(file, HEADER_BYTES + block_bytes(&counts, 4), SIZE_MAX);
    if (!read_header(file, &counts))
        return false;
    file = str_slice(file, HEADER_BYTES, SIZE_MAX);
    const size_t bytes = block_bytes(&counts, 8);
    if (file.length < bytes || !read_block(zone, file, &counts))
        return false;
    struct str footer = str_slice(file, bytes, SIZE_MAX);
    if (!take(&footer, '\n') || str_find_byte(footer, '\n') == SIZE_MAX)
        return false;
    return parse_rule(str_slice(footer, 0, str_find_byte(footer, '\n')), &zone->rule);
}

static bool is_zone_name(struct str name)
{
    if (name.length == 0 || name.length > 100)
        return false;
    for (size_t i = 0; i < name.length; i++) {
        const char c = name.bytes[i];
        if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '/' && c != '_' && c != '+' &&
            c != '-')
            return false;
    }
    return name.bytes[0] != '/';
}

static rc load(struct str name, struct time_zone **ret_zone, struct err *err)
{
    struct time_zone *zone = ARENA_NEW(zone_arena, struct time_zone);
    zone->name = arena_str(zone_arena, name);
    if (str_is(name, "UTC") || str_is(name, "Z")) { // needs no files
        zone->rule.is_there = true;
        memcpy(zone->rule.standard.abbreviation, "UTC", 4);
        *ret_zone = zone;
        return RC_OK;
    }
    if (!is_zone_name(name))
        return err_set(err, RC_NOT_FOUND, "'%.*s' is no name of a time zone", STR_ARGS(name));
    const char *folder = zone_folder != NULL ? zone_folder : getenv("TZDIR");
    if (folder == NULL || folder[0] == '\0')
        folder = "/usr/share/zoneinfo";

    struct arena *scratch = arena_open(NULL);
    struct str path, file;
    rc code = fs_join(scratch, str_of(folder), name, &path, err);
    if (code == RC_OK)
        code = fs_read(scratch, path, ZONE_FILE_MAX_BYTES, &file, err);
    if (code == RC_NOT_FOUND) {
        code = err_set(err, RC_NOT_FOUND, "there is no time zone '%.*s' in %s", STR_ARGS(name),
                       folder);
        err_hint(err, "zones have names like Europe/Berlin or UTC");
    } else if (code == RC_OK && !read_file(zone, file)) {
        code = err_set(err, RC_CORRUPT, "%s/%.*s is no time zone file", folder, STR_ARGS(name));
    }
    arena_close(scratch);
    if (code == RC_OK)
        *ret_zone = zone;
    return code;
}

rc time_zone_load(struct str name, const struct time_zone **ret_zone, struct err *err)
{
    pthread_mutex_lock(&lock);
    if (zone_arena == NULL)
        zone_arena = arena_open(NULL);
    struct time_zone *zone = loaded;
    while (zone != NULL && !str_equal(zone->name, name))
        zone = zone->next;
    rc code = RC_OK;
    if (zone == NULL && (code = load(name, &zone, err)) == RC_OK) {
        zone->next = loaded;
        loaded = zone;
    }
    pthread_mutex_unlock(&lock);
    if (code == RC_OK)
        *ret_zone = zone;
    return code;
}

// --- Asking --------------------------------------------------------------------------------------

static const struct zone_type *type_at(const struct time_zone *zone, int64_t seconds)
{
    const bool is_behind = zone->time_count == 0 || seconds >= zone->times[zone->time_count - 1];
    if (is_behind && zone->rule.is_there)
        return rule_type_at(&zone->rule, seconds);
    size_t low = 0, high = zone->time_count; // transitions at or before `seconds`
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (zone->times[middle] <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    return &zone->types[low > 0 ? zone->types_at[low - 1] : 0];
}

struct time_zone_offset time_zone_offset_at(const struct time_zone *zone, int64_t us)
{
    const int64_t seconds = us / TIME_US_PER_SECOND - (us % TIME_US_PER_SECOND < 0); // rounded down
    const struct zone_type *type = type_at(zone, seconds);
    return (struct time_zone_offset){type->offset_seconds, type->is_dst, type->abbreviation};
}

struct str time_zone_name(const struct time_zone *zone)
{
    return zone->name;
}

enum time_local_kind time_zone_us_of_local(const struct time_zone *zone, int64_t local_us, int fold,
                                           int64_t *ret_us)
{
    // Offsets are less than a day and change far less often than once in two days.
    const int64_t day = TIME_US_PER_DAY;
    const int64_t before = time_zone_offset_at(zone, local_us - day).offset_seconds;
    const int64_t after = time_zone_offset_at(zone, local_us + day).offset_seconds;
    const int64_t us_before = local_us - before * TIME_US_PER_SECOND;
    const int64_t us_after = local_us - after * TIME_US_PER_SECOND;
    const bool fits_before = time_zone_offset_at(zone, us_before).offset_seconds == before;
    const bool fits_after = time_zone_offset_at(zone, us_after).offset_seconds == after;
    if (before != after && fits_before == fits_after) {
        *ret_us = fold == 0 ? us_before : us_after;
        return fits_before ? TIME_LOCAL_REPEATED : TIME_LOCAL_GAP;
    }
    *ret_us = fits_before ? us_before : us_after;
    return TIME_LOCAL_NORMAL;
}
