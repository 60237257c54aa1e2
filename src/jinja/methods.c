/// @file methods.c
/// Which type has which method; the methods and attributes of dates and numbers. Layer: jinja.
/// Method names are numbered, so that a template's `x.append` is found without comparing text.

#include "jinja/methods.h"

#include "base/time.h"
#include "jinja/date.h"
#include "jinja/throw.h"

#define METHOD(name)                                                                               \
    static rc name(struct render *r, struct value self, const struct arguments *a,                 \
                   struct value *ret_value, struct err *err)

// ---------------------------------------------------------------- dates

METHOD(date_strftime_method)
{
    static const char *const names[] = {"format"};
    struct value format;
    struct str text;
    struct buf buf;
    TRY(arguments_bind(r, "strftime", a, names, 1, 1, &format, err));
    TRY(text_argument(format, "strftime", &text, err));
    buf_init(&buf, 1 << 16);
    const rc code = date_strftime(self, text, &buf, err);
    *ret_value = value_str(buf_take(r->arena, &buf));
    return code;
}

METHOD(date_isoformat)
{
    static const char *const names[] = {"sep", "timespec"};
    struct value arguments[2];
    struct buf buf;
    TRY(arguments_bind(r, "isoformat", a, names, 0, 2, arguments, err));
    char separator = 'T';
    if (arguments[0].kind == VALUE_STR && arguments[0].length == 1)
        separator = arguments[0].bytes[0];
    buf_init(&buf, 100);
    date_iso(self.date, self.kind, separator, &buf);
    *ret_value = value_str(buf_take(r->arena, &buf));
    return RC_OK;
}

METHOD(date_weekday)
{
    TRY(no_keywords(a, "weekday", 0, 0, err));
    (void)r;
    *ret_value = value_int(time_weekday(date_days(self.date)));
    return RC_OK;
}

METHOD(date_isoweekday)
{
    TRY(no_keywords(a, "isoweekday", 0, 0, err));
    (void)r;
    *ret_value = value_int(time_weekday(date_days(self.date)) + 1);
    return RC_OK;
}

METHOD(date_toordinal)
{
    TRY(no_keywords(a, "toordinal", 0, 0, err));
    (void)r;
    *ret_value = value_int(date_days(self.date) + 719163);
    return RC_OK;
}

METHOD(date_date)
{
    TRY(no_keywords(a, "date", 0, 0, err));
    *ret_value = value_date(r->arena, self.date->year, self.date->month, self.date->day);
    return RC_OK;
}

METHOD(date_time)
{
    TRY(no_keywords(a, "time", 0, 0, err));
    struct date_value time = *self.date;
    time.year = 0;
    time.month = time.day = 0;
    time.has_offset = false;
    time.tzinfo = value_none();
    *ret_value = value_time(r->arena, &time);
    return RC_OK;
}

METHOD(date_timestamp)
{
    TRY(no_keywords(a, "timestamp", 0, 0, err));
    (void)r;
    const struct date_value *d = self.date;
    const int64_t seconds = date_days(d) * 86400 + d->hour * 3600 + d->minute * 60 + d->second -
                            (d->has_offset ? d->offset_seconds : 0);
    *ret_value = value_float((double)seconds + d->microsecond / 1e6);
    return RC_OK;
}

METHOD(date_utcoffset)
{
    TRY(no_keywords(a, "utcoffset", 0, 0, err));
    *ret_value = self.date->has_offset ? value_timedelta(r->arena, 0, self.date->offset_seconds, 0)
                                       : value_none();
    return RC_OK;
}

METHOD(date_replace)
{
    static const char *const names[] = {"year",   "month",  "day",         "hour",
                                        "minute", "second", "microsecond", "tzinfo"};
    struct value v[8];
    int64_t n[7];
    const struct date_value *d = self.date;
    const int64_t old[7] = {d->year,   d->month,  d->day,        d->hour,
                            d->minute, d->second, d->microsecond};
    const size_t most = self.kind == VALUE_DATE ? 3 : 8;
    TRY(arguments_bind(r, "replace", a, names, 0, most, v, err));
    for (size_t i = 0; i < 7; i++)
        TRY(int_argument(i < most ? v[i] : value_missing(), old[i], &n[i], err));
    if (!date_is_valid(n[0], n[1], n[2]))
        return throw_error(err, "ValueError", "day is out of range for month");
    if (n[3] < 0 || n[3] > 23 || n[4] < 0 || n[4] > 59 || n[5] < 0 || n[5] > 59 || n[6] < 0 ||
        n[6] > 999999)
        return throw_error(err, "ValueError", "hour must be in 0..23");
    struct date_value date = *d;
    date.year = (int32_t)n[0];
    date.month = (uint8_t)n[1];
    date.day = (uint8_t)n[2];
    date.hour = (uint8_t)n[3];
    date.minute = (uint8_t)n[4];
    date.second = (uint8_t)n[5];
    date.microsecond = (uint32_t)n[6];
    if (most == 8 && v[7].kind == VALUE_NONE) {
        date.has_offset = false;
        date.tzinfo = value_none();
    } else if (most == 8 && v[7].kind == VALUE_OBJECT) { // the zone says its offset for that time
        struct value localize, result;
        const struct value naive = value_datetime(r->arena, &date);
        TRY(render_get_attribute(r, v[7], STR("localize"), &localize, err));
        const struct arguments one = {&naive, 1, NULL, 0};
        date.has_offset = false;
        TRY(render_call(r, localize, &one, &result, err));
        *ret_value = result;
        return RC_OK;
    }
    *ret_value = self.kind == VALUE_DATE ? value_date(r->arena, date.year, date.month, date.day)
                                         : value_datetime(r->arena, &date);
    return RC_OK;
}

METHOD(date_astimezone)
{
    TRY(no_keywords(a, "astimezone", 0, 1, err));
    if (a->count == 0) {
        *ret_value = self;
        return RC_OK;
    }
    struct value normalize; // zones convert: zone.fromutc-like function of the zone object
    TRY(render_get_attribute(r, a->items[0], STR("normalize"), &normalize, err));
    const struct arguments one = {&self, 1, NULL, 0};
    return render_call(r, normalize, &one, ret_value, err);
}

METHOD(delta_total_seconds)
{
    TRY(no_keywords(a, "total_seconds", 0, 0, err));
    (void)r;
    *ret_value = value_float((double)delta_microseconds(self.delta) / 1e6);
    return RC_OK;
}

// ---------------------------------------------------------------- numbers

METHOD(number_bit_length)
{
    TRY(no_keywords(a, "bit_length", 0, 0, err));
    (void)r;
    const uint64_t size =
        self.integer < 0 ? (uint64_t)0 - (uint64_t)self.integer : (uint64_t)self.integer;
    *ret_value = value_int(size == 0 ? 0 : 64 - __builtin_clzll(size));
    return RC_OK;
}

METHOD(number_is_integer)
{
    TRY(no_keywords(a, "is_integer", 0, 0, err));
    (void)r;
    const double number = number_to_double(self);
    *ret_value = value_bool(number == (double)(int64_t)number);
    return RC_OK;
}

const struct method date_methods[] = {{"astimezone", date_astimezone},
                                      {"date", date_date},
                                      {"isoformat", date_isoformat},
                                      {"isoweekday", date_isoweekday},
                                      {"replace", date_replace},
                                      {"strftime", date_strftime_method},
                                      {"time", date_time},
                                      {"timestamp", date_timestamp},
                                      {"toordinal", date_toordinal},
                                      {"utcoffset", date_utcoffset},
                                      {"weekday", date_weekday},
                                      {NULL, NULL}};
const struct method delta_methods[] = {{"total_seconds", delta_total_seconds}, {NULL, NULL}};
const struct method int_methods[] = {{"bit_length", number_bit_length}, {NULL, NULL}};
const struct method float_methods[] = {{"is_integer", number_is_integer}, {NULL, NULL}};

// ---------------------------------------------------------------- tables

static const struct method *const method_tables[] = {
    [VALUE_BOOL] = int_methods,        [VALUE_INT] = int_methods,     [VALUE_FLOAT] = float_methods,
    [VALUE_STR] = str_methods,         [VALUE_BYTES] = bytes_methods, [VALUE_LIST] = list_methods,
    [VALUE_TUPLE] = tuple_methods,     [VALUE_DICT] = dict_methods,   [VALUE_SET] = set_methods,
    [VALUE_DATETIME] = date_methods,   [VALUE_DATE] = date_methods,   [VALUE_TIME] = date_methods,
    [VALUE_TIMEDELTA] = delta_methods, [VALUE_OBJECT] = NULL};

/// Every method's name, in order; a name's number is its place + 1.
static const char *const method_names[] = {"add",           "append",
                                           "astimezone",    "bit_length",
                                           "capitalize",    "casefold",
                                           "center",        "clear",
                                           "copy",          "count",
                                           "date",          "decode",
                                           "difference",    "discard",
                                           "encode",        "endswith",
                                           "expandtabs",    "extend",
                                           "find",          "format",
                                           "format_map",    "fromkeys",
                                           "get",           "hex",
                                           "index",         "insert",
                                           "intersection",  "is_integer",
                                           "isalnum",       "isalpha",
                                           "isascii",       "isdecimal",
                                           "isdigit",       "isdisjoint",
                                           "isidentifier",  "islower",
                                           "isnumeric",     "isoformat",
                                           "isoweekday",    "isprintable",
                                           "isspace",       "issubset",
                                           "issuperset",    "istitle",
                                           "isupper",       "items",
                                           "join",          "keys",
                                           "ljust",         "lower",
                                           "lstrip",        "partition",
                                           "pop",           "popitem",
                                           "remove",        "removeprefix",
                                           "removesuffix",  "replace",
                                           "reverse",       "rfind",
                                           "rindex",        "rjust",
                                           "rpartition",    "rsplit",
                                           "rstrip",        "setdefault",
                                           "sort",          "split",
                                           "splitlines",    "startswith",
                                           "strftime",      "strip",
                                           "swapcase",      "symmetric_difference",
                                           "time",          "timestamp",
                                           "title",         "toordinal",
                                           "total_seconds", "union",
                                           "update",        "upper",
                                           "utcoffset",     "values",
                                           "weekday",       "zfill"};
enum { METHOD_COUNT = sizeof method_names / sizeof method_names[0] };

uint16_t method_number(struct str name)
{
    size_t low = 0, high = METHOD_COUNT;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int order = str_compare(name, str_of(method_names[middle]));
        if (order == 0)
            return (uint16_t)(middle + 1);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return 0;
}

const char *method_name(uint16_t method)
{
    return method_names[method - 1];
}

static const struct method *find_method(struct value self, uint16_t method)
{
    const struct method *table = method_tables[self.kind];
    const char *name = method_names[method - 1];
    for (; table != NULL && table->name != NULL; table++)
        if (table->name[0] == name[0] && strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

bool has_method(struct value self, uint16_t method)
{
    if (self.kind == VALUE_DATE && strcmp(method_names[method - 1], "time") == 0)
        return false;
    return self.kind < sizeof method_tables / sizeof method_tables[0] &&
           find_method(self, method) != NULL;
}

rc call_method(struct render *r, struct value self, uint16_t method,
               const struct arguments *arguments, struct value *ret_value, struct err *err)
{
    return find_method(self, method)->call(r, self, arguments, ret_value, err);
}

// ---------------------------------------------------------------- attributes

static struct value date_attribute(const struct date_value *d, uint8_t kind, struct str name)
{
    const struct {
        const char *name;
        int64_t number;
        bool of_date, of_time;
    } attributes[] = {{"year", d->year, true, false},
                      {"month", d->month, true, false},
                      {"day", d->day, true, false},
                      {"hour", d->hour, false, true},
                      {"minute", d->minute, false, true},
                      {"second", d->second, false, true},
                      {"microsecond", d->microsecond, false, true}};
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
        if (str_is(name, attributes[i].name) && ((attributes[i].of_date && kind != VALUE_TIME) ||
                                                 (attributes[i].of_time && kind != VALUE_DATE)))
            return value_int(attributes[i].number);
    if (str_is(name, "tzinfo") && kind != VALUE_DATE)
        return d->tzinfo;
    return value_missing();
}

struct value builtin_attribute(struct render *r, struct value value, struct str name)
{
    if (str_is(name, "__class__"))
        return type_value(r->arena, value_type_name(value));
    switch ((enum value_kind)value.kind) {
    case VALUE_DATETIME:
    case VALUE_DATE:
    case VALUE_TIME:
        return date_attribute(value.date, value.kind, name);
    case VALUE_TIMEDELTA:
        if (str_is(name, "days"))
            return value_int(value.delta->days);
        if (str_is(name, "seconds"))
            return value_int(value.delta->seconds);
        if (str_is(name, "microseconds"))
            return value_int(value.delta->microseconds);
        break;
    case VALUE_RANGE:
        if (str_is(name, "start"))
            return value_int(value.range->start);
        if (str_is(name, "stop"))
            return value_int(value.range->stop);
        if (str_is(name, "step"))
            return value_int(value.range->step);
        break;
    case VALUE_BOOL:
    case VALUE_INT:
        if (str_is(name, "real") || str_is(name, "numerator"))
            return value_int(value.integer);
        break;
    default:
        break;
    }
    return value_missing();
}
