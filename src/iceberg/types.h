/// @file types.h
/// Iceberg's types, nested ones included, and how metadata spells them.
/// Layer: iceberg. Depends on: base. Threads: types are plain values, read-only once built.
/// Source: Iceberg spec "Schemas and Data Types", Appendix C "Schemas".
/// Limits: nesting TYPE_MAX_DEPTH, TYPE_MAX_FIELDS fields in one type, decimal precision 38.

#ifndef ICEBERG_TYPES_H
#define ICEBERG_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum { TYPE_MAX_DEPTH = 64, TYPE_MAX_FIELDS = 100000, TYPE_MAX_DECIMAL_PRECISION = 38 };

/// Field ids above this are reserved for metadata columns (spec "Reserved Field IDs").
enum {
    FIELD_ID_MAX_USER = 2147483447,
    FIELD_ID_LAST_UPDATED_SEQUENCE = 2147483539,
    FIELD_ID_ROW_ID = 2147483540,
    FIELD_ID_DELETE_POS = 2147483545,
    FIELD_ID_DELETE_PATH = 2147483546,
};

enum type_id {
    TYPE_BOOLEAN,
    TYPE_INT,
    TYPE_LONG,
    TYPE_FLOAT,
    TYPE_DOUBLE,
    TYPE_DECIMAL,
    TYPE_DATE,
    TYPE_TIME,
    TYPE_TIMESTAMP,
    TYPE_TIMESTAMPTZ,
    TYPE_TIMESTAMP_NS,
    TYPE_TIMESTAMPTZ_NS,
    TYPE_STRING,
    TYPE_UUID,
    TYPE_FIXED,
    TYPE_BINARY,
    TYPE_UNKNOWN,
    TYPE_VARIANT,
    TYPE_GEOMETRY,
    TYPE_GEOGRAPHY,
    TYPE_STRUCT,
    TYPE_LIST,
    TYPE_MAP,
    TYPE_COUNT
};

struct field;

/// One type. Nested types are uniform: a struct has its members in `fields`, a list has one field
/// "element", a map two: "key" and "value".
struct type {
    enum type_id id;
    int precision, scale;  // TYPE_DECIMAL
    int32_t length;        // TYPE_FIXED: bytes
    struct str parameters; // TYPE_GEOMETRY, TYPE_GEOGRAPHY: the text in parentheses, as written
    const struct field *fields; // nested types
    size_t field_count;
};

/// A named, numbered member of a struct (or the element, key or value of a list or map).
struct field {
    int32_t id; // unique in the table for ever; 0 = not given yet (schema_assign_ids)
    struct str name;
    bool is_required;
    struct type type;
    struct str doc;                     // length 0 = none
    const struct json *initial_default; // value of rows written before the field existed; or NULL
    const struct json *write_default;   // value of new rows that do not give one; or NULL
};

/// "long", "struct": the bare name, without parameters.
const char *type_name(enum type_id id);
static inline bool type_is_nested(enum type_id id)
{
    return id == TYPE_STRUCT || id == TYPE_LIST || id == TYPE_MAP;
}

/// Building.
static inline struct type type_of(enum type_id primitive)
{
    return (struct type){.id = primitive};
}
static inline struct type type_decimal(int precision, int scale)
{
    return (struct type){.id = TYPE_DECIMAL, .precision = precision, .scale = scale};
}
static inline struct type type_fixed(int32_t length_bytes)
{
    return (struct type){.id = TYPE_FIXED, .length = length_bytes};
}
/// @param fields  borrowed
static inline struct type type_struct(const struct field *fields, size_t field_count)
{
    return (struct type){.id = TYPE_STRUCT, .fields = fields, .field_count = field_count};
}
struct type type_list(struct arena *arena, int32_t element_id, struct type element,
                      bool is_element_required);
struct type type_map(struct arena *arena, int32_t key_id, struct type key, int32_t value_id,
                     struct type value, bool is_value_required);

/// Reads a type as metadata spells it: "long", "decimal(9, 2)", {"type": "list", ...}.
/// @param ret_type  lives in `arena`; its texts may borrow from `json`
/// @return RC_OK | RC_INVALID | RC_UNSUPPORTED (a name that no version of the format knows)
///         | RC_LIMIT
CHECK rc type_parse(struct arena *arena, const struct json *json, struct type *ret_type,
                    struct err *err);

/// Reads a type as a person writes it: a primitive's name, or "list<string>", "map<string, long>",
/// "struct<a: int, b: list<string>>" (all members optional, ids 0). Case does not matter.
CHECK rc type_parse_text(struct arena *arena, struct str text, struct type *ret_type,
                         struct err *err);

/// Primitives as in metadata: "decimal(9, 2)". Nested as type_parse_text reads them.
struct str type_print(struct arena *arena, const struct type *type);
/// As metadata wants it, ids included.
void type_write(struct json_writer *writer, const struct type *type);

/// The member "fields" of a struct alone, into an open object.
void type_write_fields(struct json_writer *writer, const struct type *type);

/// Same type in every respect, ids, names, docs and defaults of nested fields included.
bool type_equal(const struct type *a, const struct type *b);
/// Same shape: as type_equal but ids and docs do not count.
bool type_equal_but_ids(const struct type *a, const struct type *b);

/// Whether a column of type `from` may become `to` without rewriting files (spec "Schema
/// Evolution"): int -> long, float -> double, decimal(P, S) -> decimal(P' > P, S); same is true.
bool type_can_promote(const struct type *from, const struct type *to, int format_version);

/// Deep copy with all texts.
struct type type_copy(struct arena *arena, const struct type *type);
struct field field_copy(struct arena *arena, const struct field *field);

#endif
