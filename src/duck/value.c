/// @file value.c
/// From DuckDB's vectors to values: typed, as text, nested ones as JSON. Layer: duck.
/// Texts look as DuckDB prints them. Threads: a reader belongs to one thread.
/// Limits: nesting VALUE_MAX_DEPTH, the JSON of one value VALUE_MAX_BYTES (RC_LIMIT).

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "duck/internal.h"

enum { VALUE_MAX_DEPTH = 64, VALUE_MAX_BYTES = 256 << 20 };

struct value_reader {
    duckdb_type type;
    duckdb_type stored; // how decimals and enums lie in the vector
    enum duck_kind kind;
    struct str type_text;
    int scale;
    struct str *words; // enum
    size_t array_length;
    struct value_reader *children;
    struct str *child_names; // struct
    size_t child_count;
    // The vector at hand.
    const void *data;
    const uint64_t *validity;
};

static const struct {
    duckdb_type type;
    enum duck_kind kind;
    const char *text;
} kinds[] = {
    {DUCKDB_TYPE_BOOLEAN, DUCK_BOOL, "BOOLEAN"},
    {DUCKDB_TYPE_TINYINT, DUCK_INT, "TINYINT"},
    {DUCKDB_TYPE_SMALLINT, DUCK_INT, "SMALLINT"},
    {DUCKDB_TYPE_INTEGER, DUCK_INT, "INTEGER"},
    {DUCKDB_TYPE_BIGINT, DUCK_INT, "BIGINT"},
    {DUCKDB_TYPE_UTINYINT, DUCK_INT, "UTINYINT"},
    {DUCKDB_TYPE_USMALLINT, DUCK_INT, "USMALLINT"},
    {DUCKDB_TYPE_UINTEGER, DUCK_INT, "UINTEGER"},
    {DUCKDB_TYPE_UBIGINT, DUCK_DECIMAL, "UBIGINT"},
    {DUCKDB_TYPE_HUGEINT, DUCK_DECIMAL, "HUGEINT"},
    {DUCKDB_TYPE_UHUGEINT, DUCK_DECIMAL, "UHUGEINT"},
    {DUCKDB_TYPE_FLOAT, DUCK_DOUBLE, "FLOAT"},
    {DUCKDB_TYPE_DOUBLE, DUCK_DOUBLE, "DOUBLE"},
    {DUCKDB_TYPE_DECIMAL, DUCK_DECIMAL, "DECIMAL"},
    {DUCKDB_TYPE_DATE, DUCK_DATE, "DATE"},
    {DUCKDB_TYPE_TIME, DUCK_TIME, "TIME"},
    {DUCKDB_TYPE_TIMESTAMP, DUCK_TIMESTAMP, "TIMESTAMP"},
    {DUCKDB_TYPE_TIMESTAMP_TZ, DUCK_TIMESTAMPTZ, "TIMESTAMP WITH TIME ZONE"},
    {DUCKDB_TYPE_TIMESTAMP_S, DUCK_OTHER, "TIMESTAMP_S"},
    {DUCKDB_TYPE_TIMESTAMP_MS, DUCK_OTHER, "TIMESTAMP_MS"},
    {DUCKDB_TYPE_TIMESTAMP_NS, DUCK_OTHER, "TIMESTAMP_NS"},
    {DUCKDB_TYPE_INTERVAL, DUCK_OTHER, "INTERVAL"},
    {DUCKDB_TYPE_VARCHAR, DUCK_TEXT, "VARCHAR"},
    {DUCKDB_TYPE_BLOB, DUCK_BLOB, "BLOB"},
    {DUCKDB_TYPE_UUID, DUCK_OTHER, "UUID"},
    {DUCKDB_TYPE_ENUM, DUCK_OTHER, "ENUM"},
    {DUCKDB_TYPE_LIST, DUCK_NESTED, "LIST"},
    {DUCKDB_TYPE_ARRAY, DUCK_NESTED, "ARRAY"},
    {DUCKDB_TYPE_STRUCT, DUCK_NESTED, "STRUCT"},
    {DUCKDB_TYPE_MAP, DUCK_NESTED, "MAP"},
    {DUCKDB_TYPE_SQLNULL, DUCK_OTHER, "NULL"},
};

static void reader_fill(struct value_reader *reader, struct arena *arena, duckdb_logical_type type,
                        int depth);

static void add_child(struct value_reader *reader, struct arena *arena, size_t index,
                      duckdb_logical_type type, int depth)
{
    reader_fill(&reader->children[index], arena, type, depth + 1);
    duck_library->destroy_logical_type(&type);
}

static void fill_struct(struct value_reader *reader, struct arena *arena, duckdb_logical_type type,
                        int depth)
{
    reader->child_count = duck_library->struct_type_child_count(type);
    reader->children = ARENA_ARRAY(arena, struct value_reader, reader->child_count);
    reader->child_names = ARENA_ARRAY(arena, struct str, reader->child_count);
    struct buf text;
    buf_init(&text, VALUE_MAX_BYTES);
    buf_append_cstr(&text, "STRUCT(");
    for (size_t i = 0; i < reader->child_count; i++) {
        char *name = duck_library->struct_type_child_name(type, i);
        reader->child_names[i] = arena_str(arena, str_of(name));
        duck_library->free(name);
        add_child(reader, arena, i, duck_library->struct_type_child_type(type, i), depth);
        buf_printf(&text, "%s%.*s %.*s", i > 0 ? ", " : "",
                   STR_ARGS(duck_quote_identifier(arena, reader->child_names[i])),
                   STR_ARGS(reader->children[i].type_text));
    }
    buf_append_byte(&text, ')');
    reader->type_text = arena_str(arena, buf_str(&text));
    buf_done(&text);
}

static void fill_enum(struct value_reader *reader, struct arena *arena, duckdb_logical_type type)
{
    const size_t count = duck_library->enum_dictionary_size(type);
    reader->stored = duck_library->enum_internal_type(type);
    reader->words = ARENA_ARRAY(arena, struct str, count);
    for (size_t i = 0; i < count; i++) {
        char *word = duck_library->enum_dictionary_value(type, i);
        reader->words[i] = arena_str(arena, str_of(word));
        duck_library->free(word);
    }
}

static void fill_nested(struct value_reader *reader, struct arena *arena, duckdb_logical_type type,
                        int depth)
{
    if (reader->type == DUCKDB_TYPE_STRUCT) {
        fill_struct(reader, arena, type, depth);
        return;
    }
    reader->child_count = reader->type == DUCKDB_TYPE_MAP ? 2 : 1;
    reader->children = ARENA_ARRAY(arena, struct value_reader, reader->child_count);
    if (reader->type == DUCKDB_TYPE_MAP) {
        add_child(reader, arena, 0, duck_library->map_type_key_type(type), depth);
        add_child(reader, arena, 1, duck_library->map_type_value_type(type), depth);
        reader->type_text =
            arena_printf(arena, "MAP(%.*s, %.*s)", STR_ARGS(reader->children[0].type_text),
                         STR_ARGS(reader->children[1].type_text));
    } else if (reader->type == DUCKDB_TYPE_ARRAY) {
        reader->array_length = duck_library->array_type_array_size(type);
        add_child(reader, arena, 0, duck_library->array_type_child_type(type), depth);
        reader->type_text = arena_printf(
            arena, "%.*s[%zu]", STR_ARGS(reader->children[0].type_text), reader->array_length);
    } else {
        add_child(reader, arena, 0, duck_library->list_type_child_type(type), depth);
        reader->type_text = arena_printf(arena, "%.*s[]", STR_ARGS(reader->children[0].type_text));
    }
}

static void reader_fill(struct value_reader *reader, struct arena *arena, duckdb_logical_type type,
                        int depth)
{
    reader->type = reader->stored = duck_library->get_type_id(type);
    reader->kind = DUCK_OTHER;
    reader->type_text = STR("UNKNOWN");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].type == reader->type) {
            reader->kind = kinds[i].kind;
            reader->type_text = str_of(kinds[i].text);
        }
    char *alias = duck_library->logical_type_get_alias(type);
    if (alias != NULL) {
        reader->type_text = arena_str(arena, str_of(alias)); // JSON is a VARCHAR with a name
        duck_library->free(alias);
    }
    if (reader->type == DUCKDB_TYPE_DECIMAL) {
        reader->stored = duck_library->decimal_internal_type(type);
        reader->scale = duck_library->decimal_scale(type);
        reader->type_text =
            arena_printf(arena, "DECIMAL(%d,%d)", duck_library->decimal_width(type), reader->scale);
    } else if (reader->type == DUCKDB_TYPE_ENUM) {
        fill_enum(reader, arena, type);
    } else if (reader->kind == DUCK_NESTED && depth < VALUE_MAX_DEPTH) {
        fill_nested(reader, arena, type, depth);
    }
}

struct value_reader *value_reader_open(struct arena *arena, duckdb_logical_type type)
{
    struct value_reader *reader = ARENA_NEW(arena, struct value_reader);
    reader_fill(reader, arena, type, 0);
    return reader;
}

struct duck_column value_reader_column(const struct value_reader *reader, struct str name)
{
    return (struct duck_column){name, reader->kind, reader->type_text};
}

void value_reader_set_vector(struct value_reader *reader, duckdb_vector vector)
{
    reader->data = duck_library->vector_get_data(vector);
    reader->validity = duck_library->vector_get_validity(vector);
    if (reader->child_count == 0)
        return;
    if (reader->type == DUCKDB_TYPE_STRUCT) {
        for (size_t i = 0; i < reader->child_count; i++)
            value_reader_set_vector(&reader->children[i],
                                    duck_library->struct_vector_get_child(vector, i));
    } else if (reader->type == DUCKDB_TYPE_ARRAY) {
        value_reader_set_vector(&reader->children[0], duck_library->array_vector_get_child(vector));
    } else {
        duckdb_vector child = duck_library->list_vector_get_child(vector);
        if (reader->type != DUCKDB_TYPE_MAP) {
            value_reader_set_vector(&reader->children[0], child);
            return;
        }
        // A map is a list of structs of key and value.
        for (size_t i = 0; i < 2; i++)
            value_reader_set_vector(&reader->children[i],
                                    duck_library->struct_vector_get_child(child, i));
    }
}

static bool is_valid(const struct value_reader *reader, size_t row)
{
    return reader->validity == NULL || (reader->validity[row / 64] >> (row % 64) & 1) != 0;
}

static __int128 read_huge(const struct value_reader *reader, size_t row)
{
    const duckdb_hugeint value = ((const duckdb_hugeint *)reader->data)[row];
    return (__int128)(((unsigned __int128)(uint64_t)value.upper << 64) | value.lower);
}

static int64_t read_integer(const struct value_reader *reader, duckdb_type type, size_t row)
{
    switch (type) {
    case DUCKDB_TYPE_TINYINT:
        return ((const int8_t *)reader->data)[row];
    case DUCKDB_TYPE_SMALLINT:
        return ((const int16_t *)reader->data)[row];
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE:
        return ((const int32_t *)reader->data)[row];
    case DUCKDB_TYPE_UTINYINT:
        return ((const uint8_t *)reader->data)[row];
    case DUCKDB_TYPE_USMALLINT:
        return ((const uint16_t *)reader->data)[row];
    case DUCKDB_TYPE_UINTEGER:
        return ((const uint32_t *)reader->data)[row];
    default:
        return ((const int64_t *)reader->data)[row];
    }
}

/// Digits of an unscaled decimal with its point. @return length
static size_t print_decimal(char *to, unsigned __int128 magnitude, bool is_negative, int scale)
{
    char digits[48];
    size_t count = 0;
    while (magnitude > 0 || (int)count <= scale) {
        digits[count++] = (char)('0' + (int)(magnitude % 10));
        magnitude /= 10;
    }
    size_t at = 0;
    if (is_negative)
        to[at++] = '-';
    while (count > 0) {
        if ((int)count == scale)
            to[at++] = '.';
        to[at++] = digits[--count];
    }
    return at;
}

static struct str decimal_text(struct arena *arena, const struct value_reader *reader, size_t row)
{
    char text[64];
    __int128 value;
    if (reader->type == DUCKDB_TYPE_UBIGINT)
        value = (__int128)((const uint64_t *)reader->data)[row];
    else if (reader->stored == DUCKDB_TYPE_HUGEINT || reader->stored == DUCKDB_TYPE_UHUGEINT)
        value = read_huge(reader, row);
    else
        value = read_integer(reader, reader->stored, row);
    const bool is_negative = reader->type != DUCKDB_TYPE_UHUGEINT && value < 0;
    const unsigned __int128 magnitude =
        is_negative ? -(unsigned __int128)value : (unsigned __int128)value;
    const size_t length = print_decimal(text, magnitude, is_negative, reader->scale);
    return arena_str(arena, (struct str){text, length});
}

static void append_date(struct buf *to, int64_t days)
{
    int64_t year;
    int month, day;
    time_date_of_days(days, &year, &month, &day);
    buf_printf(to, "%04" PRId64 "-%02d-%02d%s", year > 0 ? year : 1 - year, month, day,
               year > 0 ? "" : " (BC)");
}

/// @param digits  of the fraction that `units` counts: 6 = microseconds
static void append_time(struct buf *to, int64_t units, int digits)
{
    int64_t per_second = 1;
    for (int i = 0; i < digits; i++)
        per_second *= 10;
    const int64_t seconds = units / per_second;
    int64_t fraction = units % per_second;
    buf_printf(to, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, seconds / 3600, seconds / 60 % 60,
               seconds % 60);
    if (fraction == 0)
        return;
    for (; fraction % 10 == 0; digits--)
        fraction /= 10;
    buf_printf(to, ".%0*" PRId64, digits, fraction);
}

static void append_timestamp(struct buf *to, int64_t units, int digits, const char *zone)
{
    if (units == INT64_MAX || units == -INT64_MAX) {
        buf_append_cstr(to, units > 0 ? "infinity" : "-infinity");
        return;
    }
    int64_t per_day = 86400;
    for (int i = 0; i < digits; i++)
        per_day *= 10;
    int64_t days = units / per_day, rest = units % per_day;
    if (rest < 0) {
        rest += per_day;
        days--;
    }
    append_date(to, days);
    buf_append_byte(to, ' ');
    append_time(to, rest, digits);
    buf_append_cstr(to, zone);
}

static void append_uuid(struct buf *to, __int128 value)
{
    // The sign bit is flipped, so that the order of numbers is that of the texts.
    const unsigned __int128 bits = (unsigned __int128)value ^ ((unsigned __int128)1 << 127);
    for (int i = 31; i >= 0; i--) {
        buf_append_byte(to, "0123456789abcdef"[(int)(bits >> (i * 4) & 15)]);
        if (i == 24 || i == 20 || i == 16 || i == 12)
            buf_append_byte(to, '-');
    }
}

static void append_interval(struct buf *to, duckdb_interval interval)
{
    const char *separator = "";
    const struct {
        int64_t count;
        const char *word;
    } parts[] = {
        {interval.months / 12, "year"}, {interval.months % 12, "month"}, {interval.days, "day"}};
    for (size_t i = 0; i < 3; i++) {
        if (parts[i].count == 0)
            continue;
        buf_printf(to, "%s%" PRId64 " %s%s", separator, parts[i].count, parts[i].word,
                   parts[i].count == 1 || parts[i].count == -1 ? "" : "s");
        separator = " ";
    }
    if (interval.micros == 0 && *separator != '\0')
        return;
    buf_append_cstr(to, separator);
    if (interval.micros < 0)
        buf_append_byte(to, '-');
    append_time(to, interval.micros < 0 ? -interval.micros : interval.micros, 6);
}

/// The shortest digits that read back as the same number; 1.0 keeps its point.
static void append_real(struct buf *to, double value, bool is_float)
{
    if (!isfinite(value)) {
        buf_append_cstr(to, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    char text[64];
    const int most = is_float ? 9 : 17;
    for (int precision = is_float ? 6 : 15; precision <= most; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, value);
        const bool is_same =
            is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
        if (is_same)
            break;
    }
    buf_append_cstr(to, text);
    if (strpbrk(text, ".e") == NULL)
        buf_append_cstr(to, ".0");
}

static void append_blob(struct buf *to, struct str bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        const unsigned char byte = (unsigned char)bytes.bytes[i];
        if (byte >= 32 && byte < 127 && byte != '\\' && byte != '\'' && byte != '"')
            buf_append_byte(to, (char)byte);
        else
            buf_printf(to, "\\x%02X", byte);
    }
}

static struct str read_text(const struct value_reader *reader, size_t row)
{
    const duckdb_string_t *text = &((const duckdb_string_t *)reader->data)[row];
    const uint32_t length = text->value.inlined.length;
    return length <= sizeof text->value.inlined.inlined
               ? (struct str){text->value.inlined.inlined, length}
               : (struct str){text->value.pointer.ptr, length};
}

/// Text of every kind but nested ones, plain.
static rc append_plain(struct buf *to, const struct value_reader *reader, size_t row,
                       struct err *err)
{
    switch (reader->type) {
    case DUCKDB_TYPE_DATE:
        append_date(to, read_integer(reader, DUCKDB_TYPE_DATE, row));
        return RC_OK;
    case DUCKDB_TYPE_TIME:
        append_time(to, read_integer(reader, DUCKDB_TYPE_BIGINT, row), 6);
        return RC_OK;
    case DUCKDB_TYPE_TIMESTAMP:
        append_timestamp(to, read_integer(reader, DUCKDB_TYPE_BIGINT, row), 6, "");
        return RC_OK;
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        append_timestamp(to, read_integer(reader, DUCKDB_TYPE_BIGINT, row), 6, "+00");
        return RC_OK;
    case DUCKDB_TYPE_TIMESTAMP_S:
        append_timestamp(to, read_integer(reader, DUCKDB_TYPE_BIGINT, row), 0, "");
        return RC_OK;
    case DUCKDB_TYPE_TIMESTAMP_MS:
        append_timestamp(to, read_integer(reader, DUCKDB_TYPE_BIGINT, row), 3, "");
        return RC_OK;
    case DUCKDB_TYPE_TIMESTAMP_NS:
        append_timestamp(to, read_integer(reader, DUCKDB_TYPE_BIGINT, row), 9, "");
        return RC_OK;
    case DUCKDB_TYPE_UUID:
        append_uuid(to, read_huge(reader, row));
        return RC_OK;
    case DUCKDB_TYPE_INTERVAL:
        append_interval(to, ((const duckdb_interval *)reader->data)[row]);
        return RC_OK;
    case DUCKDB_TYPE_ENUM: {
        const size_t word =
            reader->stored == DUCKDB_TYPE_UTINYINT    ? ((const uint8_t *)reader->data)[row]
            : reader->stored == DUCKDB_TYPE_USMALLINT ? ((const uint16_t *)reader->data)[row]
                                                      : ((const uint32_t *)reader->data)[row];
        buf_append_str(to, reader->words[word]);
        return RC_OK;
    }
    case DUCKDB_TYPE_SQLNULL:
        return RC_OK;
    default:
        err_set(err, RC_UNSUPPORTED, "values of type %.*s cannot be read",
                STR_ARGS(reader->type_text));
        return err_hint(err, "cast it in the query: CAST(... AS VARCHAR)");
    }
}

static rc append_json(struct buf *to, const struct value_reader *reader, size_t row,
                      struct arena *arena, int depth, struct err *err);

static rc append_items(struct buf *to, const struct value_reader *reader, size_t first,
                       size_t count, struct arena *arena, int depth, struct err *err)
{
    buf_append_byte(to, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_byte(to, ',');
        TRY(append_json(to, &reader->children[0], first + i, arena, depth + 1, err));
    }
    buf_append_byte(to, ']');
    return RC_OK;
}

static rc append_map(struct buf *to, const struct value_reader *reader, duckdb_list_entry entry,
                     struct arena *arena, int depth, struct err *err)
{
    const struct value_reader *keys = &reader->children[0], *values = &reader->children[1];
    const bool has_text_keys = keys->kind == DUCK_TEXT;
    buf_append_byte(to, has_text_keys ? '{' : '[');
    for (size_t i = entry.offset; i < entry.offset + entry.length; i++) {
        if (i > entry.offset)
            buf_append_byte(to, ',');
        if (!has_text_keys)
            buf_append_cstr(to, "{\"key\":");
        TRY(append_json(to, keys, i, arena, depth + 1, err));
        buf_append_cstr(to, has_text_keys ? ":" : ",\"value\":");
        TRY(append_json(to, values, i, arena, depth + 1, err));
        if (!has_text_keys)
            buf_append_byte(to, '}');
    }
    buf_append_byte(to, has_text_keys ? '}' : ']');
    return RC_OK;
}

static rc append_nested(struct buf *to, const struct value_reader *reader, size_t row,
                        struct arena *arena, int depth, struct err *err)
{
    if (depth >= VALUE_MAX_DEPTH || reader->child_count == 0)
        return err_set(err, RC_LIMIT, "a value is nested deeper than %d levels", VALUE_MAX_DEPTH);
    if (reader->type == DUCKDB_TYPE_ARRAY)
        return append_items(to, reader, row * reader->array_length, reader->array_length, arena,
                            depth, err);
    if (reader->type != DUCKDB_TYPE_STRUCT) {
        const duckdb_list_entry entry = ((const duckdb_list_entry *)reader->data)[row];
        return reader->type == DUCKDB_TYPE_MAP
                   ? append_map(to, reader, entry, arena, depth, err)
                   : append_items(to, reader, entry.offset, entry.length, arena, depth, err);
    }
    buf_append_byte(to, '{');
    for (size_t i = 0; i < reader->child_count; i++) {
        if (i > 0)
            buf_append_byte(to, ',');
        json_write_string(to, reader->child_names[i]);
        buf_append_byte(to, ':');
        TRY(append_json(to, &reader->children[i], row, arena, depth + 1, err));
    }
    buf_append_byte(to, '}');
    return RC_OK;
}

static rc append_json(struct buf *to, const struct value_reader *reader, size_t row,
                      struct arena *arena, int depth, struct err *err)
{
    if (!is_valid(reader, row)) {
        buf_append_cstr(to, "null");
        return RC_OK;
    }
    if (reader->kind == DUCK_NESTED)
        return append_nested(to, reader, row, arena, depth, err);
    struct duck_value value;
    TRY(value_read(reader, row, arena, &value, err));
    const bool is_number = value.kind == DUCK_INT || value.kind == DUCK_DECIMAL ||
                           value.kind == DUCK_BOOL ||
                           (value.kind == DUCK_DOUBLE && isfinite(value.real));
    if (is_number) {
        buf_append_str(to, value.text);
    } else if (value.kind == DUCK_BLOB) {
        struct buf text;
        buf_init(&text, VALUE_MAX_BYTES);
        append_blob(&text, value.text);
        json_write_string(to, buf_str(&text));
        buf_done(&text);
    } else {
        json_write_string(to, value.text);
    }
    return RC_OK;
}

static rc read_printed(const struct value_reader *reader, size_t row, struct arena *arena,
                       struct duck_value *value, struct err *err)
{
    struct buf text;
    buf_init(&text, VALUE_MAX_BYTES);
    rc result = RC_OK;
    if (reader->kind == DUCK_NESTED)
        result = append_nested(&text, reader, row, arena, 0, err);
    else if (reader->kind == DUCK_DOUBLE)
        append_real(&text, value->real, reader->type == DUCKDB_TYPE_FLOAT);
    else
        result = append_plain(&text, reader, row, err);
    if (result == RC_OK)
        result = buf_check(&text, err, "a value");
    if (result == RC_OK)
        value->text = arena_str(arena, buf_str(&text));
    buf_done(&text);
    return result;
}

static struct str integer_text(struct arena *arena, int64_t integer)
{
    char text[24];
    const int length = snprintf(text, sizeof text, "%" PRId64, integer);
    return arena_str(arena, (struct str){text, (size_t)length});
}

rc value_read(const struct value_reader *reader, size_t row, struct arena *arena,
              struct duck_value *ret_value, struct err *err)
{
    struct duck_value value = {.kind = reader->kind, .is_null = !is_valid(reader, row)};
    if (value.is_null || reader->type == DUCKDB_TYPE_SQLNULL) {
        value.is_null = true;
        *ret_value = value;
        return RC_OK;
    }
    switch (reader->kind) {
    case DUCK_BOOL:
        value.boolean = ((const bool *)reader->data)[row];
        value.text = value.boolean ? STR("true") : STR("false");
        break;
    case DUCK_INT:
        value.integer = read_integer(reader, reader->type, row);
        value.text = integer_text(arena, value.integer);
        break;
    case DUCK_DECIMAL:
        value.text = decimal_text(arena, reader, row);
        break;
    case DUCK_TEXT:
    case DUCK_BLOB:
        value.text = arena_str(arena, read_text(reader, row));
        break;
    case DUCK_DOUBLE:
        value.real = reader->type == DUCKDB_TYPE_FLOAT ? (double)((const float *)reader->data)[row]
                                                       : ((const double *)reader->data)[row];
        TRY(read_printed(reader, row, arena, &value, err));
        break;
    case DUCK_DATE:
    case DUCK_TIME:
    case DUCK_TIMESTAMP:
    case DUCK_TIMESTAMPTZ:
        value.integer = read_integer(reader, reader->type, row);
        TRY(read_printed(reader, row, arena, &value, err));
        break;
    default:
        TRY(read_printed(reader, row, arena, &value, err));
        break;
    }
    *ret_value = value;
    return RC_OK;
}
