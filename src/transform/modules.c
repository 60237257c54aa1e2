// `modules`: the pieces of Python's datetime, pytz and re that templates use. Layer: transform.
// Source: behaviour of CPython 3.11 and pytz.

#include "base/regex.h"
#include "base/time.h"
#include "transform/scope.h"

enum { MAX_MATCHES = 1000000 };

// ---- datetime

static struct value datetime_at(struct arena *arena, int64_t us, bool has_offset)
{
    const struct time_parts p = time_parts_of_us(us);
    const struct date_value date = {.year = (int32_t)p.year,
                                    .month = (uint8_t)p.month,
                                    .day = (uint8_t)p.day,
                                    .hour = (uint8_t)p.hour,
                                    .minute = (uint8_t)p.minute,
                                    .second = (uint8_t)p.second,
                                    .microsecond = (uint32_t)p.microsecond,
                                    .has_offset = has_offset,
                                    .tzinfo = value_none()};
    return value_datetime(arena, &date);
}

static rc integers(struct render *render, const char *function, const struct arguments *arguments,
                   const char *const *names, size_t required, size_t count, int64_t *ret_numbers,
                   struct err *err)
{
    struct value v[8];
    TRY(arguments_bind(render, function, arguments, names, required, count, v, err));
    for (size_t i = 0; i < count; i++) {
        ret_numbers[i] = 0;
        if (v[i].kind == VALUE_MISSING || v[i].kind == VALUE_NONE)
            continue;
        if (v[i].kind != VALUE_INT)
            return render_throw(render, err, "TypeError",
                                "'%s' object cannot be interpreted as an integer",
                                value_type_name(v[i]));
        ret_numbers[i] = v[i].integer;
    }
    return RC_OK;
}

static rc check_date(struct render *render, const int64_t *n, struct err *err)
{
    if (n[0] < 1 || n[0] > 9999)
        return render_throw(render, err, "ValueError", "year %lld is out of range",
                            (long long)n[0]);
    if (n[1] < 1 || n[1] > 12)
        return render_throw(render, err, "ValueError", "month must be in 1..12");
    if (n[2] < 1 || n[2] > time_days_in_month(n[0], (int)n[1]))
        return render_throw(render, err, "ValueError", "day is out of range for month");
    if (n[3] < 0 || n[3] > 23 || n[4] < 0 || n[4] > 59 || n[5] < 0 || n[5] > 59 || n[6] < 0 ||
        n[6] > 999999)
        return render_throw(render, err, "ValueError", "time is out of range");
    return RC_OK;
}

static struct date_value date_of(const int64_t *n)
{
    return (struct date_value){.year = (int32_t)n[0],
                               .month = (uint8_t)n[1],
                               .day = (uint8_t)n[2],
                               .hour = (uint8_t)n[3],
                               .minute = (uint8_t)n[4],
                               .second = (uint8_t)n[5],
                               .microsecond = (uint32_t)n[6],
                               .tzinfo = value_none()};
}

static rc new_datetime(struct render *render, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"year",   "month",  "day",        "hour",
                                        "minute", "second", "microsecond"};
    int64_t n[7];
    TRY(integers(render, "datetime", arguments, names, 3, 7, n, err));
    TRY(check_date(render, n, err));
    const struct date_value date = date_of(n);
    *ret_value = value_datetime(render_arena(render), &date);
    return RC_OK;
}

static rc new_date(struct render *render, const struct arguments *arguments,
                   struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"year", "month", "day"};
    int64_t n[7] = {0};
    TRY(integers(render, "date", arguments, names, 3, 3, n, err));
    TRY(check_date(render, n, err));
    *ret_value = value_date(render_arena(render), (int)n[0], (int)n[1], (int)n[2]);
    return RC_OK;
}

static rc new_time(struct render *render, const struct arguments *arguments,
                   struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"hour", "minute", "second", "microsecond"};
    int64_t n[7] = {1, 1, 1};
    TRY(integers(render, "time", arguments, names, 0, 4, &n[3], err));
    TRY(check_date(render, n, err));
    const struct date_value date = date_of(n);
    *ret_value = value_time(render_arena(render), &date);
    return RC_OK;
}

static rc new_timedelta(struct render *render, const struct arguments *arguments,
                        struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"days",    "seconds", "microseconds", "milliseconds",
                                        "minutes", "hours",   "weeks"};
    struct value v[7];
    TRY(arguments_bind(render, "timedelta", arguments, names, 0, 7, v, err));
    static const double us[] = {86400e6, 1e6, 1, 1e3, 60e6, 3600e6, 7 * 86400e6};
    __int128 total = 0;
    for (size_t i = 0; i < 7; i++) {
        if (v[i].kind == VALUE_INT)
            total += (__int128)v[i].integer * (int64_t)us[i];
        else if (v[i].kind == VALUE_FLOAT)
            total += (int64_t)(v[i].number * us[i]);
        else if (v[i].kind != VALUE_MISSING)
            return render_throw(render, err, "TypeError", "unsupported type for timedelta: %s",
                                value_type_name(v[i]));
    }
    const __int128 day = 86400000000;
    __int128 days = total / day, rest = total % day;
    if (rest < 0) {
        rest += day;
        days--;
    }
    if (days > 999999999 || days < -999999999)
        return render_throw(render, err, "OverflowError",
                            "days=%lld; must have magnitude <= "
                            "999999999",
                            (long long)days);
    *ret_value = value_timedelta(render_arena(render), (int64_t)days, (int64_t)(rest / 1000000),
                                 (int64_t)(rest % 1000000));
    return RC_OK;
}

static bool names_utc(struct value tz)
{
    return tz.kind != VALUE_MISSING && tz.kind != VALUE_NONE;
}

static rc call_now(struct render *render, void *self, const struct arguments *arguments,
                   struct value *ret_value, struct err *err)
{
    (void)self;
    static const char *const names[] = {"tz"};
    struct value tz;
    TRY(arguments_bind(render, "now", arguments, names, 0, 1, &tz, err));
    *ret_value = datetime_at(render_arena(render), time_now_us(), names_utc(tz));
    if (!names_utc(tz))
        return RC_OK;
    struct value convert;
    TRY(render_get_attribute(render, tz, STR("normalize"), &convert, err));
    const struct arguments call = {.items = ret_value, .count = 1};
    struct value result;
    TRY(render_call(render, convert, &call, &result, err));
    *ret_value = result;
    return RC_OK;
}

static rc call_today(struct render *render, void *self, const struct arguments *arguments,
                     struct value *ret_value, struct err *err)
{
    (void)self, (void)arguments, (void)err;
    const struct time_parts p = time_parts_of_us(time_now_us());
    *ret_value = value_date(render_arena(render), (int)p.year, p.month, p.day);
    return RC_OK;
}

static rc one_text(struct render *render, const char *function, const struct arguments *arguments,
                   struct str *ret_text, struct err *err)
{
    static const char *const names[] = {"text"};
    struct value v;
    TRY(arguments_bind(render, function, arguments, names, 1, 1, &v, err));
    return value_to_str(render, render_arena(render), v, ret_text, err);
}

static struct value of_time_text(struct arena *arena, const struct time_text *time, bool is_date)
{
    const int64_t local = time->us + time->offset_seconds * TIME_US_PER_SECOND;
    const struct time_parts p = time_parts_of_us(local);
    if (is_date)
        return value_date(arena, (int)p.year, p.month, p.day);
    const struct date_value date = {.year = (int32_t)p.year,
                                    .month = (uint8_t)p.month,
                                    .day = (uint8_t)p.day,
                                    .hour = (uint8_t)p.hour,
                                    .minute = (uint8_t)p.minute,
                                    .second = (uint8_t)p.second,
                                    .microsecond = (uint32_t)p.microsecond,
                                    .has_offset = time->has_offset,
                                    .offset_seconds = time->offset_seconds,
                                    .tzinfo = value_none()};
    return value_datetime(arena, &date);
}

static rc from_iso(struct render *render, const struct arguments *arguments, bool is_date,
                   struct value *ret_value, struct err *err)
{
    struct str text;
    TRY(one_text(render, "fromisoformat", arguments, &text, err));
    struct time_text time;
    struct err ignored;
    if (time_parse_iso(text, &time, &ignored) != RC_OK)
        return render_throw(render, err, "ValueError", "Invalid isoformat string: '%.*s'",
                            STR_ARGS(text));
    *ret_value = of_time_text(render_arena(render), &time, is_date);
    return RC_OK;
}

static rc call_datetime_from_iso(struct render *render, void *self,
                                 const struct arguments *arguments, struct value *ret_value,
                                 struct err *err)
{
    (void)self;
    return from_iso(render, arguments, false, ret_value, err);
}

static rc call_date_from_iso(struct render *render, void *self, const struct arguments *arguments,
                             struct value *ret_value, struct err *err)
{
    (void)self;
    return from_iso(render, arguments, true, ret_value, err);
}

static rc call_strptime(struct render *render, void *self, const struct arguments *arguments,
                        struct value *ret_value, struct err *err)
{
    (void)self;
    static const char *const names[] = {"date_string", "format"};
    struct value v[2];
    TRY(arguments_bind(render, "strptime", arguments, names, 2, 2, v, err));
    if (v[0].kind != VALUE_STR || v[1].kind != VALUE_STR)
        return render_throw(render, err, "TypeError", "strptime() arguments must be str");
    struct time_text time;
    struct err ignored;
    if (time_strptime(value_text(v[0]), value_text(v[1]), &time, &ignored) != RC_OK)
        return render_throw(render, err, "ValueError",
                            "time data '%.*s' does not match format '%.*s'", (int)v[0].length,
                            v[0].bytes, (int)v[1].length, v[1].bytes);
    *ret_value = of_time_text(render_arena(render), &time, false);
    return RC_OK;
}

static rc call_fromtimestamp(struct render *render, void *self, const struct arguments *arguments,
                             struct value *ret_value, struct err *err)
{
    (void)self;
    static const char *const names[] = {"timestamp", "tz"};
    struct value v[2];
    TRY(arguments_bind(render, "fromtimestamp", arguments, names, 1, 2, v, err));
    const double seconds = v[0].kind == VALUE_FLOAT ? v[0].number : (double)v[0].integer;
    *ret_value = datetime_at(render_arena(render), (int64_t)(seconds * 1e6), names_utc(v[1]));
    return RC_OK;
}

// A class: called it makes an object, its attributes are class methods.
struct python_class {
    struct object object;
    rc (*make)(struct render *, const struct arguments *, struct value *, struct err *);
    const struct class_method {
        const char *name;
        native_function function;
    } * methods;
};

static rc class_call(struct render *render, struct object *object,
                     const struct arguments *arguments, struct value *ret_value, struct err *err)
{
    return ((struct python_class *)object)->make(render, arguments, ret_value, err);
}

static rc class_attribute(struct render *render, struct object *object, struct str name,
                          struct value *ret_value, struct err *err)
{
    (void)err;
    const struct class_method *method = ((struct python_class *)object)->methods;
    for (; method != NULL && method->name != NULL; method++)
        if (str_is(name, method->name)) {
            *ret_value = bound(render_arena(render), method->name, method->function, object);
            return RC_OK;
        }
    return RC_OK;
}

static const struct object_class python_class_class = {
    .name = "type", .call = class_call, .get_attribute = class_attribute};

static const struct class_method datetime_methods[] = {{"now", call_now},
                                                       {"utcnow", call_now},
                                                       {"today", call_now},
                                                       {"fromisoformat", call_datetime_from_iso},
                                                       {"strptime", call_strptime},
                                                       {"fromtimestamp", call_fromtimestamp},
                                                       {"utcfromtimestamp", call_fromtimestamp},
                                                       {NULL, NULL}};
static const struct class_method date_methods[] = {
    {"today", call_today}, {"fromisoformat", call_date_from_iso}, {NULL, NULL}};

static struct value class_value(struct arena *arena,
                                rc (*make)(struct render *, const struct arguments *,
                                           struct value *, struct err *),
                                const struct class_method *methods)
{
    struct python_class *object = ARENA_NEW(arena, struct python_class);
    *object = (struct python_class){{&python_class_class}, make, methods};
    return value_object(&object->object);
}

// ---- pytz

struct zone_object {
    struct object object;
    const struct time_zone *zone;
    struct str name;
};

static int64_t local_us(const struct date_value *date)
{
    const struct time_parts parts = {.year = date->year,
                                     .month = date->month,
                                     .day = date->day,
                                     .hour = date->hour,
                                     .minute = date->minute,
                                     .second = date->second,
                                     .microsecond = (int)date->microsecond};
    return time_us_of_parts(&parts);
}

static rc datetime_argument(struct render *render, const char *function,
                            const struct arguments *arguments, const struct date_value **ret_date,
                            struct err *err)
{
    if (arguments->count < 1 || arguments->items[0].kind != VALUE_DATETIME)
        return render_throw(render, err, "TypeError", "%s() wants a datetime", function);
    *ret_date = arguments->items[0].date;
    return RC_OK;
}

static struct value in_zone(struct arena *arena, struct zone_object *zone, int64_t us)
{
    const struct time_zone_offset offset = time_zone_offset_at(zone->zone, us);
    const struct value naive =
        datetime_at(arena, us + offset.offset_seconds * TIME_US_PER_SECOND, true);
    struct date_value date = *naive.date;
    date.offset_seconds = offset.offset_seconds;
    date.tzinfo = value_object(&zone->object);
    return value_datetime(arena, &date);
}

static rc call_localize(struct render *render, void *self, const struct arguments *arguments,
                        struct value *ret_value, struct err *err)
{
    struct zone_object *zone = self;
    const struct date_value *date;
    TRY(datetime_argument(render, "localize", arguments, &date, err));
    if (date->has_offset)
        return render_throw(render, err, "ValueError",
                            "Not naive datetime (tzinfo is already set)");
    int64_t us;
    // pytz takes the standard time, that is the later instant, of a repeated hour.
    time_zone_us_of_local(zone->zone, local_us(date), 1, &us);
    *ret_value = in_zone(render_arena(render), zone, us);
    return RC_OK;
}

static rc call_normalize(struct render *render, void *self, const struct arguments *arguments,
                         struct value *ret_value, struct err *err)
{
    const struct date_value *date;
    TRY(datetime_argument(render, "normalize", arguments, &date, err));
    *ret_value = in_zone(render_arena(render), self,
                         local_us(date) - date->offset_seconds * TIME_US_PER_SECOND);
    return RC_OK;
}

static rc zone_attribute(struct render *render, struct object *object, struct str name,
                         struct value *ret_value, struct err *err)
{
    (void)err;
    if (str_is(name, "localize"))
        *ret_value = bound(render_arena(render), "localize", call_localize, object);
    else if (str_is(name, "normalize") || str_is(name, "fromutc"))
        *ret_value = bound(render_arena(render), "normalize", call_normalize, object);
    else if (str_is(name, "zone"))
        *ret_value = value_str(((struct zone_object *)object)->name);
    return RC_OK;
}

static rc zone_print(struct render *render, struct object *object, struct buf *to, struct err *err)
{
    (void)render, (void)err;
    buf_append_str(to, ((struct zone_object *)object)->name);
    return RC_OK;
}

static const struct object_class zone_class = {
    .name = "DstTzInfo", .get_attribute = zone_attribute, .print = zone_print};

static rc call_timezone(struct render *render, void *self, const struct arguments *arguments,
                        struct value *ret_value, struct err *err)
{
    (void)self;
    struct str name;
    TRY(one_text(render, "timezone", arguments, &name, err));
    struct zone_object *zone = ARENA_NEW(render_arena(render), struct zone_object);
    zone->object.class = &zone_class;
    zone->name = name;
    struct err ignored;
    if (time_zone_load(name, &zone->zone, &ignored) != RC_OK)
        return render_throw(render, err, "UnknownTimeZoneError", "'%.*s'", STR_ARGS(name));
    *ret_value = value_object(&zone->object);
    return RC_OK;
}

static struct value utc_zone(struct arena *arena)
{
    struct zone_object *zone = ARENA_NEW(arena, struct zone_object);
    zone->object.class = &zone_class;
    zone->name = STR("UTC");
    struct err ignored;
    return time_zone_load(STR("UTC"), &zone->zone, &ignored) == RC_OK ? value_object(&zone->object)
                                                                      : value_none();
}

// ---- re

enum { FLAG_IGNORECASE = 2, FLAG_MULTILINE = 8, FLAG_DOTALL = 16, FLAG_VERBOSE = 64 };

struct match_object {
    struct object object;
    const struct regex *regex;
    struct regex_match match;
};

struct pattern_object {
    struct object object;
    const struct regex *regex;
    struct str pattern;
};

static const struct object_class match_class, pattern_class;

static struct value group_value(const struct match_object *match, size_t i)
{
    return match->match.groups[i].bytes == NULL ? value_none() : value_str(match->match.groups[i]);
}

static bool group_number(const struct match_object *match, struct value key, size_t *ret_number)
{
    if (key.kind == VALUE_INT && key.integer >= 0 && (size_t)key.integer < match->match.count)
        *ret_number = (size_t)key.integer;
    else if (key.kind == VALUE_STR)
        *ret_number = regex_group_of(match->regex, value_text(key));
    else
        return false;
    return *ret_number != SIZE_MAX;
}

static rc call_group(struct render *render, void *self, const struct arguments *arguments,
                     struct value *ret_value, struct err *err)
{
    const struct match_object *match = self;
    const struct value result = value_tuple_new(render_arena(render), arguments->count);
    for (size_t i = 0; i < arguments->count; i++) {
        size_t number;
        if (!group_number(match, arguments->items[i], &number))
            return render_throw(render, err, "IndexError", "no such group");
        list_push(result, group_value(match, number));
    }
    *ret_value = arguments->count == 0   ? group_value(match, 0)
                 : arguments->count == 1 ? result.list->items[0]
                                         : result;
    return RC_OK;
}

static rc call_groups(struct render *render, void *self, const struct arguments *arguments,
                      struct value *ret_value, struct err *err)
{
    (void)arguments, (void)err;
    const struct match_object *match = self;
    *ret_value = value_tuple_new(render_arena(render), match->match.count);
    for (size_t i = 1; i < match->match.count; i++)
        list_push(*ret_value, group_value(match, i));
    return RC_OK;
}

static rc call_start(struct render *render, void *self, const struct arguments *arguments,
                     struct value *ret_value, struct err *err)
{
    (void)render, (void)arguments, (void)err;
    *ret_value = value_int((int64_t)((struct match_object *)self)->match.start);
    return RC_OK;
}

static rc call_end(struct render *render, void *self, const struct arguments *arguments,
                   struct value *ret_value, struct err *err)
{
    (void)render, (void)arguments, (void)err;
    *ret_value = value_int((int64_t)((struct match_object *)self)->match.end);
    return RC_OK;
}

static rc match_attribute(struct render *render, struct object *object, struct str name,
                          struct value *ret_value, struct err *err)
{
    (void)err;
    static const struct class_method match_methods[] = {
        {"group", call_group}, {"groups", call_groups}, {"start", call_start}, {"end", call_end}};
    for (size_t i = 0; i < sizeof match_methods / sizeof *match_methods; i++)
        if (str_is(name, match_methods[i].name))
            *ret_value = bound(render_arena(render), match_methods[i].name,
                               match_methods[i].function, object);
    return RC_OK;
}

static rc match_item(struct render *render, struct object *object, struct value key,
                     struct value *ret_value, struct err *err)
{
    (void)render, (void)err;
    size_t number;
    if (group_number((struct match_object *)object, key, &number))
        *ret_value = group_value((struct match_object *)object, number);
    return RC_OK;
}

static const struct object_class match_class = {
    .name = "re.Match", .get_attribute = match_attribute, .get_item = match_item};

// The pattern of a call: of the compiled object (self), else the first argument.
static rc pattern_of(struct render *render, struct value value, int64_t flags,
                     const struct regex **ret_regex, struct err *err)
{
    if (value.kind == VALUE_OBJECT && value.object->class == &pattern_class) {
        *ret_regex = ((struct pattern_object *)value.object)->regex;
        return RC_OK;
    }
    if (value.kind != VALUE_STR)
        return render_throw(render, err, "TypeError", "first argument must be string or pattern");
    const struct regex_options options = {.ignores_case = (flags & FLAG_IGNORECASE) != 0,
                                          .is_multiline = (flags & FLAG_MULTILINE) != 0,
                                          .dot_is_all = (flags & FLAG_DOTALL) != 0,
                                          .is_verbose = (flags & FLAG_VERBOSE) != 0};
    return regex_compile(render_arena(render), value_text(value), options, ret_regex, err);
}

struct re_call {
    const struct regex *regex;
    struct str text, replacement;
    size_t max_count;
};

// Binds (pattern, [replacement,] string, [count,] flags); a pattern object gives the first itself.
static rc bind_re(struct render *render, const char *function, void *self,
                  const struct arguments *arguments, const char *const *names, size_t required,
                  size_t count, struct value *v, struct err *err)
{
    if (self == NULL)
        return arguments_bind(render, function, arguments, names, required, count, v, err);
    v[0] = value_object(self);
    return arguments_bind(render, function, arguments, names + 1, required - 1, count - 1, v + 1,
                          err);
}

static rc text_argument(struct render *render, struct value value, struct str *ret_text,
                        struct err *err)
{
    if (value.kind != VALUE_STR)
        return render_throw(render, err, "TypeError",
                            "expected string or bytes-like object, got '%s'",
                            value_type_name(value));
    *ret_text = value_text(value);
    return RC_OK;
}

static int64_t flags_of(struct value value)
{
    return value.kind == VALUE_INT ? value.integer : 0;
}

static rc match_with(struct render *render, const char *function, void *self,
                     const struct arguments *arguments, struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"pattern", "string", "flags"};
    struct value v[3];
    TRY(bind_re(render, function, self, arguments, names, 2, 3, v, err));
    struct match_object *match = ARENA_NEW(render_arena(render), struct match_object);
    match->object.class = &match_class;
    struct str text;
    bool is_match;
    TRY(text_argument(render, v[1], &text, err));
    TRY(pattern_of(render, v[0], flags_of(v[2]), &match->regex, err));
    if (str_is(str_of(function), "search"))
        TRY(regex_search(match->regex, text, 0, &is_match, &match->match, err));
    else if (str_is(str_of(function), "match"))
        TRY(regex_match(match->regex, text, 0, &is_match, &match->match, err));
    else
        TRY(regex_fullmatch(match->regex, text, &is_match, &match->match, err));
    *ret_value = is_match ? value_object(&match->object) : value_none();
    return RC_OK;
}

#define RE_MATCH(name)                                                                             \
    static rc call_##name(struct render *render, void *self, const struct arguments *arguments,    \
                          struct value *ret_value, struct err *err)                                \
    {                                                                                              \
        return match_with(render, #name, self, arguments, ret_value, err);                         \
    }
RE_MATCH(search)
RE_MATCH(match)
RE_MATCH(fullmatch)

static rc call_sub(struct render *render, void *self, const struct arguments *arguments,
                   struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"pattern", "repl", "string", "count", "flags"};
    struct value v[5];
    TRY(bind_re(render, "sub", self, arguments, names, 3, 5, v, err));
    const struct regex *regex;
    struct str text, replacement;
    TRY(text_argument(render, v[1], &replacement, err));
    TRY(text_argument(render, v[2], &text, err));
    TRY(pattern_of(render, v[0], flags_of(v[4]), &regex, err));
    TRY(regex_sub(render_arena(render), regex, replacement, text, (size_t)flags_of(v[3]), &text,
                  err));
    *ret_value = value_str(text);
    return RC_OK;
}

static rc call_findall(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"pattern", "string", "flags"};
    struct value v[3];
    TRY(bind_re(render, "findall", self, arguments, names, 2, 3, v, err));
    const struct regex *regex;
    struct str text;
    regex_match_vec matches = {0};
    struct arena *arena = render_arena(render);
    TRY(text_argument(render, v[1], &text, err));
    TRY(pattern_of(render, v[0], flags_of(v[2]), &regex, err));
    TRY(regex_find_all(arena, regex, text, MAX_MATCHES, &matches, err));
    const struct value list = value_list_new(arena, matches.count);
    for (size_t i = 0; i < matches.count; i++) {
        const struct regex_match *match = &matches.items[i];
        if (match->count <= 2) {
            const struct str whole = match->groups[match->count - 1];
            list_push(list, value_str(whole.bytes == NULL ? STR("") : whole));
            continue;
        }
        const struct value tuple = value_tuple_new(arena, match->count);
        for (size_t g = 1; g < match->count; g++)
            list_push(tuple,
                      value_str(match->groups[g].bytes == NULL ? STR("") : match->groups[g]));
        list_push(list, tuple);
    }
    *ret_value = list;
    return RC_OK;
}

static rc call_split(struct render *render, void *self, const struct arguments *arguments,
                     struct value *ret_value, struct err *err)
{
    static const char *const names[] = {"pattern", "string", "maxsplit", "flags"};
    struct value v[4];
    TRY(bind_re(render, "split", self, arguments, names, 2, 4, v, err));
    const struct regex *regex;
    struct str text;
    str_vec parts = {0};
    TRY(text_argument(render, v[1], &text, err));
    TRY(pattern_of(render, v[0], flags_of(v[3]), &regex, err));
    TRY(regex_split(render_arena(render), regex, text, (size_t)flags_of(v[2]), &parts, err));
    *ret_value = value_list_new(render_arena(render), parts.count);
    for (size_t i = 0; i < parts.count; i++)
        list_push(*ret_value,
                  parts.items[i].bytes == NULL ? value_none() : value_str(parts.items[i]));
    return RC_OK;
}

static rc call_escape(struct render *render, void *self, const struct arguments *arguments,
                      struct value *ret_value, struct err *err)
{
    (void)self;
    struct str text;
    TRY(one_text(render, "escape", arguments, &text, err));
    *ret_value = value_str(regex_escape(render_arena(render), text));
    return RC_OK;
}

static const struct class_method pattern_methods[] = {
    {"sub", call_sub},         {"match", call_match}, {"search", call_search},
    {"findall", call_findall}, {"split", call_split}, {"fullmatch", call_fullmatch}};

static rc pattern_attribute(struct render *render, struct object *object, struct str name,
                            struct value *ret_value, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < sizeof pattern_methods / sizeof *pattern_methods; i++)
        if (str_is(name, pattern_methods[i].name))
            *ret_value = bound(render_arena(render), pattern_methods[i].name,
                               pattern_methods[i].function, object);
    if (str_is(name, "pattern"))
        *ret_value = value_str(((struct pattern_object *)object)->pattern);
    return RC_OK;
}

static const struct object_class pattern_class = {.name = "re.Pattern",
                                                  .get_attribute = pattern_attribute};

static rc call_compile(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    (void)self;
    static const char *const names[] = {"pattern", "flags"};
    struct value v[2];
    TRY(arguments_bind(render, "compile", arguments, names, 1, 2, v, err));
    struct pattern_object *object = ARENA_NEW(render_arena(render), struct pattern_object);
    object->object.class = &pattern_class;
    TRY(text_argument(render, v[0], &object->pattern, err));
    TRY(pattern_of(render, v[0], flags_of(v[1]), &object->regex, err));
    *ret_value = value_object(&object->object);
    return RC_OK;
}

static void add_flag(struct value re, const char *name, const char *letter, int64_t flag)
{
    dict_set_str(re, str_of(name), value_int(flag));
    dict_set_str(re, str_of(letter), value_int(flag));
}

struct value modules_value(struct arena *arena)
{
    const struct value modules = value_dict_new(arena), datetime = value_dict_new(arena),
                       pytz = value_dict_new(arena), re = value_dict_new(arena);
    dict_set_str(datetime, STR("datetime"), class_value(arena, new_datetime, datetime_methods));
    dict_set_str(datetime, STR("date"), class_value(arena, new_date, date_methods));
    dict_set_str(datetime, STR("time"), class_value(arena, new_time, NULL));
    dict_set_str(datetime, STR("timedelta"), class_value(arena, new_timedelta, NULL));
    dict_set_str(pytz, STR("timezone"), bound(arena, "timezone", call_timezone, NULL));
    dict_set_str(pytz, STR("utc"), utc_zone(arena));
    dict_set_str(pytz, STR("UTC"), utc_zone(arena));
    for (size_t i = 0; i < sizeof pattern_methods / sizeof *pattern_methods; i++)
        dict_set_str(re, str_of(pattern_methods[i].name),
                     bound(arena, pattern_methods[i].name, pattern_methods[i].function, NULL));
    dict_set_str(re, STR("compile"), bound(arena, "compile", call_compile, NULL));
    dict_set_str(re, STR("escape"), bound(arena, "escape", call_escape, NULL));
    add_flag(re, "IGNORECASE", "I", FLAG_IGNORECASE);
    add_flag(re, "MULTILINE", "M", FLAG_MULTILINE);
    add_flag(re, "DOTALL", "S", FLAG_DOTALL);
    add_flag(re, "VERBOSE", "X", FLAG_VERBOSE);
    dict_set_str(modules, STR("datetime"), datetime);
    dict_set_str(modules, STR("pytz"), pytz);
    dict_set_str(modules, STR("re"), re);
    return modules;
}
