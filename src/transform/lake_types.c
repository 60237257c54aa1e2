// DuckDB's types as Iceberg's. Layer: transform. Source: Iceberg spec "Primitive Types"; what has
// no counterpart goes to the nearest type that holds every value of it, or is refused.

#include "transform/lake_types.h"

#include "base/vec.h"

enum { LAKE_TYPE_DEPTH = 64 };

static const struct {
    const char *name;
    enum type_id id;
} plain_types[] = {
    {"BOOLEAN", TYPE_BOOLEAN},
    {"TINYINT", TYPE_INT},
    {"SMALLINT", TYPE_INT},
    {"INTEGER", TYPE_INT},
    {"UTINYINT", TYPE_INT},
    {"USMALLINT", TYPE_INT},
    {"\"NULL\"", TYPE_INT},
    {"BIGINT", TYPE_LONG},
    {"UINTEGER", TYPE_LONG},
    {"FLOAT", TYPE_FLOAT},
    {"DOUBLE", TYPE_DOUBLE},
    {"DATE", TYPE_DATE},
    {"TIME", TYPE_TIME},
    {"TIMESTAMP", TYPE_TIMESTAMP},
    {"TIMESTAMP_S", TYPE_TIMESTAMP},
    {"TIMESTAMP_MS", TYPE_TIMESTAMP},
    {"TIMESTAMP_NS", TYPE_TIMESTAMP},
    {"TIMESTAMP WITH TIME ZONE", TYPE_TIMESTAMPTZ},
    {"VARCHAR", TYPE_STRING},
    {"JSON", TYPE_STRING},
    {"UUID", TYPE_UUID},
    {"BLOB", TYPE_BINARY},
    {"BIT", TYPE_STRING},
};

// Splits "a INTEGER, b DECIMAL(9,2)" at commas outside of brackets and quotes.
static bool next_part(struct str *rest, struct str *ret_part)
{
    if (rest->length == 0)
        return false;
    int depth = 0;
    bool is_quoted = false;
    size_t i = 0;
    for (; i < rest->length; i++) {
        const char c = rest->bytes[i];
        if (c == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && (c == '(' || c == '['))
            depth++;
        else if (!is_quoted && (c == ')' || c == ']'))
            depth--;
        else if (!is_quoted && c == ',' && depth == 0)
            break;
    }
    *ret_part = str_trim(str_slice(*rest, 0, i));
    *rest = str_slice(*rest, i + 1, SIZE_MAX);
    return true;
}

static struct str inside(struct str text, size_t prefix)
{
    return str_slice(text, prefix, text.length - prefix - 1);
}

static struct str unquoted(struct arena *arena, struct str name)
{
    if (name.length < 2 || name.bytes[0] != '"')
        return name;
    return str_replace(arena, str_slice(name, 1, name.length - 2), STR("\"\""), STR("\""));
}

// The name in front of a member's type ends at the first blank outside of quotes.
static size_t name_end(struct str member)
{
    bool is_quoted = false;
    for (size_t i = 0; i < member.length; i++) {
        is_quoted ^= member.bytes[i] == '"';
        if (!is_quoted && member.bytes[i] == ' ')
            return i;
    }
    return member.length;
}

static rc type_at(struct arena *arena, struct str text, int depth, struct type *ret_type,
                  struct err *err);

static rc struct_type(struct arena *arena, struct str members, int depth, struct type *ret_type,
                      struct err *err)
{
    VEC(struct field) fields = {0};
    struct str member;
    while (next_part(&members, &member)) {
        const size_t end = name_end(member);
        struct field field = {.name = unquoted(arena, str_slice(member, 0, end))};
        TRY(type_at(arena, str_trim(str_slice(member, end, SIZE_MAX)), depth + 1, &field.type,
                    err));
        *vec_push(arena, &fields) = field;
    }
    *ret_type = type_struct(fields.items, fields.count);
    return RC_OK;
}

static rc decimal_type(struct str arguments, struct type *ret_type, struct err *err)
{
    struct str precision, scale;
    int64_t p, s;
    if (!next_part(&arguments, &precision) || !next_part(&arguments, &scale) ||
        !str_to_int64(precision, &p) || !str_to_int64(scale, &s))
        return err_set(err, RC_INTERNAL, "a decimal without precision and scale");
    *ret_type = type_decimal((int)p, (int)s);
    return RC_OK;
}

static rc map_type(struct arena *arena, struct str arguments, int depth, struct type *ret_type,
                   struct err *err)
{
    struct str key, value;
    struct type key_type, value_type;
    if (!next_part(&arguments, &key) || !next_part(&arguments, &value))
        return err_set(err, RC_INTERNAL, "a map without key and value");
    TRY(type_at(arena, key, depth + 1, &key_type, err));
    TRY(type_at(arena, value, depth + 1, &value_type, err));
    *ret_type = type_map(arena, 0, key_type, 0, value_type, false);
    return RC_OK;
}

static rc type_at(struct arena *arena, struct str text, int depth, struct type *ret_type,
                  struct err *err)
{
    if (depth > LAKE_TYPE_DEPTH)
        return err_set(err, RC_LIMIT, "a type is nested more than %d deep", LAKE_TYPE_DEPTH);
    if (str_has_suffix(text, STR("]"))) { // T[] and T[3]
        struct type element;
        const size_t open = str_find_last_byte(text, '[');
        TRY(type_at(arena, str_slice(text, 0, open), depth + 1, &element, err));
        *ret_type = type_list(arena, 0, element, false);
        return RC_OK;
    }
    if (str_has_prefix(text, STR("STRUCT(")))
        return struct_type(arena, inside(text, 7), depth, ret_type, err);
    if (str_has_prefix(text, STR("MAP(")))
        return map_type(arena, inside(text, 4), depth, ret_type, err);
    if (str_has_prefix(text, STR("DECIMAL(")))
        return decimal_type(inside(text, 8), ret_type, err);
    if (str_has_prefix(text, STR("ENUM("))) {
        *ret_type = type_of(TYPE_STRING);
        return RC_OK;
    }
    // Sums of integers are HUGEINT; Iceberg's widest whole number has 38 digits.
    if (str_is(text, "HUGEINT") || str_is(text, "UBIGINT") || str_is(text, "UHUGEINT")) {
        *ret_type = type_decimal(38, 0);
        return RC_OK;
    }
    for (size_t i = 0; i < sizeof plain_types / sizeof *plain_types; i++)
        if (str_is(text, plain_types[i].name)) {
            *ret_type = type_of(plain_types[i].id);
            return RC_OK;
        }
    err_set(err, RC_UNSUPPORTED, "Iceberg has no type for %.*s", STR_ARGS(text));
    return err_hint(err, "cast the column to another type in the model");
}

rc lake_type(struct arena *arena, struct str text, struct type *ret_type, struct err *err)
{
    return type_at(arena, text, 0, ret_type, err);
}
