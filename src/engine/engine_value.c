// Values of Trino's and Athena's answers as DuckDB would hold them. Layer: engine.
// Source: Trino's client protocol (values are JSON by the type of their column), Athena's
// GetQueryResults (every value is text). Threads: pure. Limits: types nest MAX_TYPE_DEPTH deep.

#include <inttypes.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/time.h"
#include "engine/engine.intern.h"

enum { MAX_TYPE_DEPTH = 64, MAX_NESTED_BYTES = 16 << 20 };

static struct str base_of(struct str type)
{
    const size_t open = str_find_byte(type, '(');
    return open == SIZE_MAX ? type : str_trim(str_slice(type, 0, open));
}

enum duck_kind engine_kind(struct str type)
{
    static const struct {
        const char *name;
        enum duck_kind kind;
    } kinds[] = {{"boolean", DUCK_BOOL},    {"tinyint", DUCK_INT},    {"smallint", DUCK_INT},
                 {"integer", DUCK_INT},     {"int", DUCK_INT},        {"bigint", DUCK_INT},
                 {"real", DUCK_DOUBLE},     {"float", DUCK_DOUBLE},   {"double", DUCK_DOUBLE},
                 {"decimal", DUCK_DECIMAL}, {"date", DUCK_DATE},      {"time", DUCK_TIME},
                 {"varchar", DUCK_TEXT},    {"char", DUCK_TEXT},      {"string", DUCK_TEXT},
                 {"json", DUCK_TEXT},       {"varbinary", DUCK_BLOB}, {"array", DUCK_NESTED},
                 {"map", DUCK_NESTED},      {"row", DUCK_NESTED}};
    const struct str base = base_of(type);
    if (str_has_prefix(type, STR("timestamp")))
        return str_has_suffix(type, STR("with time zone")) ? DUCK_TIMESTAMPTZ : DUCK_TIMESTAMP;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_is(base, kinds[i].name))
            return str_has_suffix(type, STR("with time zone")) ? DUCK_OTHER : kinds[i].kind;
    return DUCK_OTHER;
}

// ---- times

static struct str timestamp_text(struct arena *arena, int64_t us, const char *zone)
{
    int64_t days = us / 86400000000, rest = us % 86400000000;
    if (rest < 0) {
        rest += 86400000000;
        days--;
    }
    const int64_t seconds = rest / 1000000;
    int64_t fraction = rest % 1000000;
    int digits = 6;
    for (; fraction != 0 && fraction % 10 == 0; digits--)
        fraction /= 10;
    const struct str date = time_format_date(arena, days);
    const struct str second = arena_printf(arena, "%02" PRId64 ":%02" PRId64 ":%02" PRId64,
                                           seconds / 3600, seconds / 60 % 60, seconds % 60);
    const struct str part =
        fraction == 0 ? STR("") : arena_printf(arena, ".%0*" PRId64, digits, fraction);
    return arena_printf(arena, "%.*s %.*s%.*s%s", STR_ARGS(date), STR_ARGS(second), STR_ARGS(part),
                        zone);
}

// "2020-01-01 10:00:00.500 UTC", "... +02:00", "... Europe/Berlin"
static bool instant_of(struct str text, int64_t *ret_us)
{
    struct time_text parsed;
    struct err ignored;
    const size_t blank = str_find_last_byte(text, ' ');
    if (blank == SIZE_MAX || blank < 11)
        return false;
    const struct str zone_name = str_slice(text, blank + 1, SIZE_MAX);
    if (time_parse_iso(str_slice(text, 0, blank), &parsed, &ignored) != RC_OK ||
        parsed.nanosecond != 0)
        return false;
    *ret_us = parsed.us;
    if (str_is(zone_name, "UTC") || str_is(zone_name, "Z"))
        return true;
    if (zone_name.bytes[0] == '+' || zone_name.bytes[0] == '-') {
        const struct str moment = {text.bytes, blank};
        struct arena *scratch = arena_open(NULL);
        const bool is_good =
            time_parse_iso(arena_printf(scratch, "%.*s%.*s", STR_ARGS(moment), STR_ARGS(zone_name)),
                           &parsed, &ignored) == RC_OK;
        arena_close(scratch);
        *ret_us = parsed.us;
        return is_good;
    }
    const struct time_zone *zone;
    if (time_zone_load(zone_name, &zone, &ignored) != RC_OK)
        return false;
    (void)time_zone_us_of_local(zone, parsed.us, 0, ret_us);
    return true;
}

// Times that this program cannot hold (picoseconds, years before Christ) stay the engine's text.
static void set_time(struct arena *arena, struct str text, struct duck_value *value)
{
    struct time_text parsed;
    struct err ignored;
    int64_t us;
    value->text = arena_str(arena, text);
    if (value->kind == DUCK_TIMESTAMPTZ && instant_of(text, &us)) {
        value->integer = us;
        value->text = timestamp_text(arena, us, "+00");
    } else if (value->kind != DUCK_TIMESTAMPTZ &&
               time_parse_iso(text, &parsed, &ignored) == RC_OK && parsed.nanosecond == 0) {
        value->integer = value->kind == DUCK_DATE ? time_days_of_us(parsed.us) : parsed.us;
        if (value->kind == DUCK_TIMESTAMP)
            value->text = timestamp_text(arena, parsed.us, "");
        else if (value->kind == DUCK_TIME)
            value->text = str_slice(timestamp_text(arena, parsed.us, ""), 11, SIZE_MAX);
    } else {
        value->kind = DUCK_OTHER;
    }
}

// ---- arrays, maps, rows

static struct str arguments_of(struct str type)
{
    const size_t open = str_find_byte(type, '(');
    if (open == SIZE_MAX || type.bytes[type.length - 1] != ')')
        return STR("");
    return str_slice(type, open + 1, type.length - open - 2);
}

// Cuts the next argument of a type off: "a integer, b row(c date)" gives "a integer".
static bool next_argument(struct str *rest, struct str *ret_argument)
{
    if (rest->length == 0)
        return false;
    size_t depth = 0, i = 0;
    bool is_quoted = false;
    for (; i < rest->length; i++) {
        const char c = rest->bytes[i];
        if (c == '"')
            is_quoted = !is_quoted;
        if (is_quoted)
            continue;
        depth += c == '(';
        depth -= c == ')' && depth > 0;
        if (c == ',' && depth == 0)
            break;
    }
    *ret_argument = str_trim(str_slice(*rest, 0, i));
    *rest = str_slice(*rest, i + 1, SIZE_MAX);
    return true;
}

// "name type" of a row; names may be quoted, or missing.
static void split_field(struct arena *arena, struct str field, size_t number, struct str *ret_name,
                        struct str *ret_type)
{
    size_t end = str_find_byte(field, ' ');
    if (field.length > 0 && field.bytes[0] == '"') {
        end = 1;
        while (end < field.length && field.bytes[end] != '"')
            end++;
        *ret_name = str_slice(field, 1, end - 1);
        *ret_type = str_trim(str_slice(field, end + 1, SIZE_MAX));
        return;
    }
    const bool is_type_alone = end == SIZE_MAX || engine_kind(field) != DUCK_OTHER;
    *ret_name = is_type_alone ? arena_printf(arena, "field%zu", number) : str_slice(field, 0, end);
    *ret_type = is_type_alone ? field : str_trim(str_slice(field, end + 1, SIZE_MAX));
}

static void append_typed(struct arena *arena, struct buf *to, struct str type,
                         const struct json *value, int depth);

static void append_row(struct arena *arena, struct buf *to, struct str type,
                       const struct json *value, int depth)
{
    struct str rest = arguments_of(type), field, name, field_type;
    buf_append_byte(to, '{');
    for (size_t i = 0; i < value->count && next_argument(&rest, &field); i++) {
        split_field(arena, field, i, &name, &field_type);
        if (i > 0)
            buf_append_cstr(to, ", ");
        json_write_string(to, name);
        buf_append_cstr(to, ": ");
        append_typed(arena, to, field_type, &value->items[i], depth + 1);
    }
    buf_append_byte(to, '}');
}

static void append_list(struct arena *arena, struct buf *to, struct str type,
                        const struct json *value, int depth)
{
    const struct str element = arguments_of(type);
    buf_append_byte(to, '[');
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0)
            buf_append_cstr(to, ", ");
        append_typed(arena, to, element, &value->items[i], depth + 1);
    }
    buf_append_byte(to, ']');
}

static void append_map(struct arena *arena, struct buf *to, struct str type,
                       const struct json *value, int depth)
{
    struct str rest = arguments_of(type), key = STR(""), element = STR("");
    (void)(next_argument(&rest, &key) && next_argument(&rest, &element));
    buf_append_byte(to, '{');
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0)
            buf_append_cstr(to, ", ");
        json_write_string(to, value->members[i].key);
        buf_append_cstr(to, ": ");
        append_typed(arena, to, element, &value->members[i].value, depth + 1);
    }
    buf_append_byte(to, '}');
}

static void append_typed(struct arena *arena, struct buf *to, struct str type,
                         const struct json *value, int depth)
{
    const struct str base = base_of(type);
    const bool is_deep = depth < MAX_TYPE_DEPTH;
    if (is_deep && value->kind == JSON_ARRAY && str_is(base, "row"))
        append_row(arena, to, type, value, depth);
    else if (is_deep && value->kind == JSON_ARRAY)
        append_list(arena, to, type, value, depth);
    else if (is_deep && value->kind == JSON_OBJECT)
        append_map(arena, to, type, value, depth);
    else if (value->kind == JSON_STRING && str_is(base, "decimal"))
        buf_append_str(to, value->text);
    else
        json_write(to, value, JSON_COMPACT);
}

static rc set_nested(struct arena *arena, struct str type, const struct json *json,
                     struct duck_value *value, struct err *err)
{
    struct buf text;
    buf_init(&text, MAX_NESTED_BYTES);
    append_typed(arena, &text, type, json, 0);
    const rc result = buf_check(&text, err, "a nested value");
    if (result == RC_OK)
        value->text = arena_str(arena, buf_str(&text));
    buf_done(&text);
    return result;
}

// ---- one value

static rc set_scalar(struct arena *arena, struct str text, struct duck_value *value,
                     struct err *err)
{
    value->text = text;
    switch (value->kind) {
    case DUCK_BOOL:
        value->boolean = str_is(text, "true");
        return RC_OK;
    case DUCK_INT:
        if (!str_to_int64(text, &value->integer))
            return err_set(err, RC_INVALID, "'%.*s' is no integer", STR_ARGS(text));
        return RC_OK;
    case DUCK_DOUBLE: // NaN and Infinity are texts that strtod does not have to know
        if (!str_to_double(text, &value->real))
            value->kind = DUCK_OTHER;
        return RC_OK;
    case DUCK_DATE:
    case DUCK_TIME:
    case DUCK_TIMESTAMP:
    case DUCK_TIMESTAMPTZ:
        set_time(arena, text, value);
        return RC_OK;
    default:
        return RC_OK;
    }
}

rc engine_value(struct arena *arena, struct str type, enum duck_kind kind, const struct json *json,
                struct duck_value *ret_value, struct err *err)
{
    struct duck_value value = {.kind = kind};
    if (json == NULL || json->kind == JSON_NULL) {
        value.is_null = true;
        *ret_value = value;
        return RC_OK;
    }
    const bool is_nested = json->kind == JSON_ARRAY || json->kind == JSON_OBJECT;
    if (is_nested) {
        value.kind = DUCK_NESTED;
        TRY(set_nested(arena, type, json, &value, err));
    } else if (json->kind == JSON_BOOL) {
        value.boolean = json->boolean;
        value.text = json->boolean ? STR("true") : STR("false");
    } else if (kind == DUCK_BLOB) {
        TRY(base64_decode(arena, json->text, BASE64_STANDARD, &value.text, err));
    } else {
        TRY(set_scalar(arena, json->text, &value, err));
    }
    *ret_value = value;
    return RC_OK;
}
