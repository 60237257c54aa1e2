/// @file value.h
/// The values that templates compute with: Python's objects, as far as Jinja and dbt show them.
/// Layer: jinja. Source: the data model of CPython 3.11 (truth, equality, order, hash, str, repr).
/// Threads: a value belongs to the thread of its arena; immutable ones may be shared for reading.
///
/// A value is 16 bytes, passed by value. Scalars and the bytes of a string need no header;
/// lists, dicts and sets are shared by reference, as in Python, and live in an arena.
/// Everything that a host wants to show (Relation, adapter, config ...) is an object with a class
/// of function pointers.

#ifndef JINJA_VALUE_H
#define JINJA_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "base/vec.h"

struct render;

enum value_kind {
    VALUE_MISSING,   // no value at all: an argument that was not given. Templates never see it
    VALUE_UNDEFINED, // jinja's Undefined: .undefined says why
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INT,     // fits int64
    VALUE_BIG_INT, // does not fit int64
    VALUE_FLOAT,
    VALUE_DECIMAL, // decimal.Decimal, as query results carry it
    VALUE_STR,     // UTF-8
    VALUE_BYTES,
    VALUE_LIST,
    VALUE_TUPLE,
    VALUE_DICT,
    VALUE_SET,
    VALUE_RANGE,
    VALUE_DATETIME,
    VALUE_DATE,
    VALUE_TIME,
    VALUE_TIMEDELTA,
    VALUE_OBJECT, // everything else: .object->class
};

enum {
    VALUE_FLAG_MARKUP = 1, // str: markupsafe.Markup, escaping leaves it alone
};

/// What an undefined value does when it is used. Printing: "" except STRICT (error) and DEBUG.
enum undefined_kind {
    UNDEFINED_DEFAULT,   // attribute, item, call, arithmetic: UndefinedError; print, iterate: empty
    UNDEFINED_CHAINABLE, // attribute and item give undefined again
    UNDEFINED_DEBUG,     // prints as {{ name }}
    UNDEFINED_STRICT,    // everything but `is defined` and default() fails
    UNDEFINED_SILENT,    // attribute, item and call give undefined again: dbt while it parses
};

struct undefined_info {
    enum undefined_kind kind;
    bool is_attribute;      // of `owner_type`, else a variable
    struct str name;        // variable or attribute
    const char *owner_type; // "dict object", "None" ...
    struct str hint;        // the whole message instead of the usual words; empty = none
};

struct value_list;
struct value_dict;
struct value_range;
struct big_int;
struct decimal_value;
struct date_value;
struct delta_value;
struct object;

struct value {
    uint8_t kind; // enum value_kind
    uint8_t flags;
    uint16_t reserved;
    uint32_t length; // VALUE_STR, VALUE_BYTES: bytes
    union {
        bool boolean;
        int64_t integer;
        double number;
        const char *bytes; // VALUE_STR, VALUE_BYTES
        const struct undefined_info *undefined;
        struct value_list *list;   // VALUE_LIST, VALUE_TUPLE
        struct value_dict *dict;   // VALUE_DICT, VALUE_SET
        struct value_range *range; // VALUE_RANGE
        const struct big_int *big;
        const struct decimal_value *decimal;
        const struct date_value *date; // VALUE_DATETIME, VALUE_DATE, VALUE_TIME
        const struct delta_value *delta;
        struct object *object;
    };
};

struct value_list {
    struct value *items;
    uint32_t count, capacity;
    struct arena *arena; // where it grows
};

struct dict_entry {
    struct value key; // VALUE_MISSING: removed
    struct value value;
    uint64_t hash;
};

/// Ordered by insertion, as Python's dict. A set uses the keys alone.
struct value_dict {
    struct arena *arena;
    struct dict_entry *entries;
    uint32_t *slots;    // entry number + 1; NULL while small
    uint32_t used;      // entries in use, removed ones counted
    uint32_t count;     // live ones
    uint32_t capacity;  // of entries
    uint32_t slot_mask; // slots - 1
};

struct value_range {
    int64_t start, stop, step;
};

/// A point of the proleptic Gregorian calendar as datetime.datetime, date or time hold it.
struct date_value {
    int32_t year;
    uint8_t month, day, hour, minute, second;
    uint32_t microsecond;
    bool has_offset;        // aware
    int32_t offset_seconds; // from UTC, with has_offset
    struct value tzinfo;    // the object it came from; VALUE_NONE when naive
};

struct delta_value {
    int64_t days; // any sign; then 0 <= seconds < 86400, 0 <= microseconds < 1000000
    int32_t seconds, microseconds;
};

/// unscaled / 10^scale.
struct decimal_value {
    __int128 unscaled;
    int32_t scale;
};

// ---------------------------------------------------------------- arguments and host objects

struct keyword_argument {
    struct str name;
    struct value value;
};

struct arguments {
    const struct value *items;
    size_t count;
    const struct keyword_argument *keywords;
    size_t keyword_count;
};

/// A function in C. `self` is what value_function() was given. Throw with render_throw().
typedef rc (*native_function)(struct render *render, void *self, const struct arguments *arguments,
                              struct value *ret_value, struct err *err);

/// What a kind of host object can do. Every pointer may be NULL; then Python's default for a plain
/// object holds: no attributes, no items, not callable, true, printed as <name object>.
struct object_class {
    const char *name; // Python's type name, shown in messages: "Relation"
    /// @return RC_OK, with *ret_value left VALUE_MISSING when there is no such attribute
    rc (*get_attribute)(struct render *render, struct object *object, struct str name,
                        struct value *ret_value, struct err *err);
    /// @return as get_attribute, for object[key]
    rc (*get_item)(struct render *render, struct object *object, struct value key,
                   struct value *ret_value, struct err *err);
    rc (*set_attribute)(struct render *render, struct object *object, struct str name,
                        struct value value, struct err *err);
    rc (*set_item)(struct render *render, struct object *object, struct value key,
                   struct value value, struct err *err);
    rc (*call)(struct render *render, struct object *object, const struct arguments *arguments,
               struct value *ret_value, struct err *err);
    /// str(object); NULL: as repr
    rc (*print)(struct render *render, struct object *object, struct buf *to, struct err *err);
    rc (*repr)(struct render *render, struct object *object, struct buf *to, struct err *err);
    /// The items as a list (or another iterable builtin value).
    rc (*iterate)(struct render *render, struct object *object, struct value *ret_list,
                  struct err *err);
    rc (*length)(struct render *render, struct object *object, size_t *ret_length, struct err *err);
    bool (*is_true)(const struct object *object);
    bool (*equals)(const struct object *a, struct value b);
    uint64_t (*hash)(const struct object *object); // NULL: identity
    bool is_mapping;                               // `is mapping`
    bool is_sequence;                              // `is sequence`
    bool is_callable;                              // `is callable`; implied by .call
};

/// The head of every host object: embed it as the first member.
struct object {
    const struct object_class *class;
};

// ---------------------------------------------------------------- making values

#define VALUE_MISSING_INIT ((struct value){.kind = VALUE_MISSING})
static inline struct value value_missing(void)
{
    return (struct value){.kind = VALUE_MISSING};
}
static inline struct value value_none(void)
{
    return (struct value){.kind = VALUE_NONE};
}
static inline struct value value_bool(bool boolean)
{
    return (struct value){.kind = VALUE_BOOL, .integer = boolean};
}
static inline struct value value_int(int64_t integer)
{
    return (struct value){.kind = VALUE_INT, .integer = integer};
}
static inline struct value value_float(double number)
{
    return (struct value){.kind = VALUE_FLOAT, .number = number};
}
/// Borrows the text: it must live as long as the value. At most 4 GiB.
static inline struct value value_str(struct str text)
{
    return (struct value){.kind = VALUE_STR, .length = (uint32_t)text.length, .bytes = text.bytes};
}
static inline struct value value_object(struct object *object)
{
    return (struct value){.kind = VALUE_OBJECT, .object = object};
}
static inline struct str value_text(struct value value) // of VALUE_STR and VALUE_BYTES
{
    return (struct str){value.bytes, value.length};
}
#define VALUE_STR_LITERAL(literal) value_str(STR(literal))

struct value value_copy_str(struct arena *arena, struct str text);
struct value value_int128(struct arena *arena, __int128 integer);
/// An integer of any size from decimal digits with an optional sign. @pre text is such a number
struct value value_int_of_digits(struct arena *arena, struct str digits);
struct value value_decimal(struct arena *arena, __int128 unscaled, int32_t scale);
struct value value_date(struct arena *arena, int year, int month, int day);
struct value value_datetime(struct arena *arena, const struct date_value *parts);
struct value value_time(struct arena *arena, const struct date_value *parts);
struct value value_timedelta(struct arena *arena, int64_t days, int64_t seconds,
                             int64_t microseconds);
struct value value_function(struct arena *arena, const char *name, native_function function,
                            void *self);
/// `name` is borrowed. Prints as `kind` asks; used up in messages: "'name' is undefined".
struct value value_undefined(struct arena *arena, enum undefined_kind kind, struct str name);
/// JSON to none, bool, int, float, str, list and dict; numbers exact where Python's json is.
struct value value_of_json(struct arena *arena, const struct json *json);

struct value value_list_new(struct arena *arena, size_t capacity);
struct value value_tuple_new(struct arena *arena, size_t capacity);
struct value value_tuple_of(struct arena *arena, const struct value *items, size_t count);
struct value value_dict_new(struct arena *arena);
struct value value_set_new(struct arena *arena);

void list_push(struct value list, struct value item); // also for a tuple that is being made
/// The entry of a str key; VALUE_MISSING when absent.
struct value dict_get_str(struct value dict, struct str key);
/// Sets a str key; the key's bytes are borrowed.
void dict_set_str(struct value dict, struct str key, struct value value);
/// Any hashable key. @return RC_OK | RC_FAILED (unhashable: err says "unhashable type: 'list'")
CHECK rc dict_set(struct value dict, struct value key, struct value value, struct err *err);
/// @return RC_OK with VALUE_MISSING when absent | RC_FAILED (unhashable)
CHECK rc dict_get(struct value dict, struct value key, struct value *ret_value, struct err *err);
CHECK rc dict_remove(struct value dict, struct value key, bool *ret_was_there, struct err *err);
/// Walks live entries: `size_t at = 0; while (dict_next(d, &at, &entry))`.
bool dict_next(struct value dict, size_t *at, struct dict_entry **ret_entry);
static inline size_t dict_count(struct value dict)
{
    return dict.dict->count;
}

// ---------------------------------------------------------------- Python's protocols

/// "int", "str", "dict", or the name of the object's class.
const char *value_type_name(struct value value);
bool value_is_true(struct value value);
bool value_equal(struct value a, struct value b);
bool value_is_number(struct value value);  // bool, int, float, Decimal
bool value_is_integer(struct value value); // int and bool that fit int64, in .integer
/// Python's `<`: *ret_order is <0, 0, >0. @return RC_FAILED with TypeError's words otherwise
CHECK rc value_compare(struct value a, struct value b, const char *operator_text, int *ret_order,
                       struct err *err);
/// @return false when it is unhashable (list, dict, set)
bool value_hash(struct value value, uint64_t *ret_hash);

/// Appends str(value), repr(value). `render` may be NULL when no host object is inside.
CHECK rc value_print(struct render *render, struct value value, struct buf *to, struct err *err);
CHECK rc value_repr(struct render *render, struct value value, struct buf *to, struct err *err);
/// str(value) in the arena.
CHECK rc value_to_str(struct render *render, struct arena *arena, struct value value,
                      struct str *ret_text, struct err *err);
/// Appends the float as Python's repr writes it: 0.1, 1e+20, inf, 3.0.
void float_repr(double number, struct buf *to);

/// The items of any iterable as an array (borrowed where the value holds one).
/// @return RC_OK | RC_FAILED (TypeError: 'int' object is not iterable)
CHECK rc value_items(struct render *render, struct value value, const struct value **ret_items,
                     size_t *ret_count, struct err *err);
CHECK rc value_length(struct render *render, struct value value, size_t *ret_length,
                      struct err *err);

/// JSON from a value: str, numbers, bool, none, lists, tuples, dicts. Dates and other values as
/// str() when `is_lenient`, else TypeError.
CHECK rc value_to_json(struct render *render, struct arena *arena, struct value value,
                       bool is_lenient, struct json *ret_json, struct err *err);
/// Deep copy into another arena (lists, dicts, strings); host objects stay the same.
struct value value_copy(struct arena *arena, struct value value);

#endif
