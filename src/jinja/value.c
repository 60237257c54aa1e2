/// @file value.c
/// Making values, lists, dicts and sets; truth, equality, order and hash.
/// Layer: jinja. Source: CPython 3.11's data model.

#include "jinja/value.h"

#include <math.h>
#include <stdio.h>

#include "jinja/big_int.h"
#include "jinja/number.h"
#include "jinja/render.h"
#include "jinja/throw.h"

enum { DICT_LINEAR_MAX = 8, COMPARE_DEPTH_MAX = 200 };

// ---------------------------------------------------------------- scalars

struct value value_copy_str(struct arena *arena, struct str text)
{
    return value_str(arena_str(arena, text));
}

struct value value_int128(struct arena *arena, __int128 integer)
{
    if (integer >= INT64_MIN && integer <= INT64_MAX)
        return value_int((int64_t)integer);
    struct big_int *big = arena_alloc(arena, sizeof *big + 4 * sizeof big->limbs[0]);
    unsigned __int128 size = integer < 0 ? (unsigned __int128)0 - (unsigned __int128)integer
                                         : (unsigned __int128)integer;
    big->is_negative = integer < 0;
    for (; size != 0; size >>= 32)
        big->limbs[big->count++] = (uint32_t)size;
    return (struct value){.kind = VALUE_BIG_INT, .big = big};
}

struct value value_int_of_digits(struct arena *arena, struct str digits)
{
    int64_t integer;
    if (str_to_int64(digits, &integer))
        return value_int(integer);
    const bool is_negative = digits.length > 0 && digits.bytes[0] == '-';
    if (is_negative || (digits.length > 0 && digits.bytes[0] == '+'))
        digits = str_slice(digits, 1, SIZE_MAX);
    const struct big_int *big = big_int_parse(arena, digits, 10, is_negative);
    return big != NULL ? big_int_value(big) : value_float(is_negative ? -INFINITY : INFINITY);
}

struct value value_decimal(struct arena *arena, __int128 unscaled, int32_t scale)
{
    struct decimal_value *decimal = ARENA_NEW(arena, struct decimal_value);
    *decimal = (struct decimal_value){.unscaled = unscaled, .scale = scale};
    return (struct value){.kind = VALUE_DECIMAL, .decimal = decimal};
}

struct value value_undefined(struct arena *arena, enum undefined_kind kind, struct str name)
{
    struct undefined_info *info = ARENA_NEW(arena, struct undefined_info);
    *info = (struct undefined_info){.kind = kind, .name = name};
    return (struct value){.kind = VALUE_UNDEFINED, .undefined = info};
}

static struct value date_like(struct arena *arena, uint8_t kind, const struct date_value *parts)
{
    struct date_value *date = ARENA_NEW(arena, struct date_value);
    *date = *parts;
    return (struct value){.kind = kind, .date = date};
}

struct value value_date(struct arena *arena, int year, int month, int day)
{
    const struct date_value parts = {
        .year = year, .month = (uint8_t)month, .day = (uint8_t)day, .tzinfo = {.kind = VALUE_NONE}};
    return date_like(arena, VALUE_DATE, &parts);
}

struct value value_datetime(struct arena *arena, const struct date_value *parts)
{
    return date_like(arena, VALUE_DATETIME, parts);
}

struct value value_time(struct arena *arena, const struct date_value *parts)
{
    return date_like(arena, VALUE_TIME, parts);
}

struct value value_timedelta(struct arena *arena, int64_t days, int64_t seconds,
                             int64_t microseconds)
{
    const __int128 total =
        ((__int128)days * 86400 + seconds) * 1000000 + microseconds; // cannot overflow 128 bits
    const __int128 per_day = (__int128)86400 * 1000000;
    __int128 whole = total / per_day;
    __int128 rest = total % per_day;
    if (rest < 0) {
        whole--;
        rest += per_day;
    }
    struct delta_value *delta = ARENA_NEW(arena, struct delta_value);
    *delta = (struct delta_value){.days = (int64_t)whole,
                                  .seconds = (int32_t)(rest / 1000000),
                                  .microseconds = (int32_t)(rest % 1000000)};
    return (struct value){.kind = VALUE_TIMEDELTA, .delta = delta};
}

// ---------------------------------------------------------------- lists

static struct value list_like(struct arena *arena, uint8_t kind, size_t capacity)
{
    struct value_list *list = ARENA_NEW(arena, struct value_list);
    list->arena = arena;
    if (capacity > 0) {
        list->items = ARENA_ARRAY(arena, struct value, capacity);
        list->capacity = (uint32_t)capacity;
    }
    return (struct value){.kind = kind, .list = list};
}

struct value value_list_new(struct arena *arena, size_t capacity)
{
    return list_like(arena, VALUE_LIST, capacity);
}

struct value value_tuple_new(struct arena *arena, size_t capacity)
{
    return list_like(arena, VALUE_TUPLE, capacity);
}

struct value value_tuple_of(struct arena *arena, const struct value *items, size_t count)
{
    const struct value tuple = value_tuple_new(arena, count);
    if (count > 0)
        memcpy(tuple.list->items, items, count * sizeof items[0]);
    tuple.list->count = (uint32_t)count;
    return tuple;
}

void list_push(struct value value, struct value item)
{
    struct value_list *list = value.list;
    if (list->count == list->capacity) {
        const uint32_t capacity = list->capacity > 0 ? list->capacity * 2 : 4;
        struct value *items = ARENA_ARRAY(list->arena, struct value, capacity);
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof items[0]);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

// ---------------------------------------------------------------- hash and equality

static uint64_t mix(uint64_t hash, uint64_t word)
{
    const unsigned __int128 product =
        (unsigned __int128)(hash ^ word) * (unsigned __int128)0x9E3779B97F4A7C15u;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_text(struct str text)
{
    uint64_t hash = 0x2545F4914F6CDD1Du ^ text.length;
    size_t at = 0;
    for (; at + 8 <= text.length; at += 8) {
        uint64_t word;
        memcpy(&word, text.bytes + at, 8);
        hash = mix(hash, word);
    }
    uint64_t last = 0;
    if (at < text.length)
        memcpy(&last, text.bytes + at, text.length - at);
    return mix(hash, last) | 1;
}

static uint64_t hash_double(double number)
{
    if (number == floor(number) && number >= -9.2e18 && number <= 9.2e18)
        return mix(1, (uint64_t)(int64_t)number);
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return mix(2, bits);
}

static bool hash_at(struct value value, uint64_t *ret_hash, int depth);

static bool hash_items(const struct value *items, size_t count, uint64_t *ret_hash, int depth)
{
    uint64_t hash = count + 77;
    if (depth > COMPARE_DEPTH_MAX) // tuples in tuples: what lies deeper does not count
        count = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t item;
        if (!hash_at(items[i], &item, depth + 1))
            return false;
        hash = mix(hash, item);
    }
    *ret_hash = hash;
    return true;
}

static bool hash_at(struct value value, uint64_t *ret_hash, int depth)
{
    switch ((enum value_kind)value.kind) {
    case VALUE_STR:
    case VALUE_BYTES:
        *ret_hash = hash_text(value_text(value));
        return true;
    case VALUE_BOOL:
    case VALUE_INT:
        *ret_hash = mix(1, (uint64_t)value.integer);
        return true;
    case VALUE_BIG_INT:
        *ret_hash = hash_double(big_int_to_double(value.big));
        return true;
    case VALUE_FLOAT:
        *ret_hash = hash_double(value.number);
        return true;
    case VALUE_DECIMAL:
        *ret_hash = hash_double(number_to_double(value));
        return true;
    case VALUE_TUPLE:
        return hash_items(value.list->items, value.list->count, ret_hash, depth);
    case VALUE_LIST:
    case VALUE_DICT:
    case VALUE_SET:
        return false;
    case VALUE_DATETIME:
    case VALUE_DATE:
    case VALUE_TIME:
        *ret_hash =
            mix((uint64_t)value.date->year * 512 + value.date->month * 32u + value.date->day,
                value.date->hour * 3600u + value.date->minute * 60u + value.date->second);
        if (value.date->has_offset) // equal moments hash alike
            *ret_hash = 5;
        return true;
    case VALUE_TIMEDELTA:
        *ret_hash = mix((uint64_t)value.delta->days, (uint64_t)value.delta->seconds);
        return true;
    case VALUE_OBJECT:
        *ret_hash = value.object->class->hash != NULL ? value.object->class->hash(value.object)
                                                      : mix(3, (uint64_t)(uintptr_t)value.object);
        return true;
    case VALUE_RANGE:
        *ret_hash = mix((uint64_t)value.range->start, (uint64_t)value.range->stop);
        return true;
    case VALUE_NONE:
    case VALUE_MISSING:
    case VALUE_UNDEFINED:
        break;
    }
    *ret_hash = mix(4, value.kind);
    return true;
}

bool value_hash(struct value value, uint64_t *ret_hash)
{
    return hash_at(value, ret_hash, 0);
}

static bool equal_at(struct value a, struct value b, int depth);

static bool lists_equal(const struct value_list *a, const struct value_list *b, int depth)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!equal_at(a->items[i], b->items[i], depth))
            return false;
    return true;
}

static struct dict_entry *find_entry(const struct value_dict *dict, struct value key,
                                     uint64_t hash);

static bool dicts_equal(const struct value_dict *a, const struct value_dict *b, bool is_set,
                        int depth)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->used; i++) {
        if (a->entries[i].key.kind == VALUE_MISSING)
            continue;
        const struct dict_entry *other = find_entry(b, a->entries[i].key, a->entries[i].hash);
        if (other == NULL || (!is_set && !equal_at(a->entries[i].value, other->value, depth)))
            return false;
    }
    return true;
}

static uint64_t range_length(const struct value_range *range)
{
    if (range->step > 0)
        return range->start < range->stop
                   ? ((uint64_t)range->stop - (uint64_t)range->start - 1) / (uint64_t)range->step +
                         1
                   : 0;
    return range->start > range->stop ? ((uint64_t)range->start - (uint64_t)range->stop - 1) /
                                                ((uint64_t)0 - (uint64_t)range->step) +
                                            1
                                      : 0;
}

static bool ranges_equal(const struct value_range *a, const struct value_range *b)
{
    const uint64_t length = range_length(a);
    return length == range_length(b) &&
           (length == 0 || (a->start == b->start && (length == 1 || a->step == b->step)));
}

static bool equal_at(struct value a, struct value b, int depth)
{
    if (depth > COMPARE_DEPTH_MAX)
        return false;
    if (value_is_number(a) && value_is_number(b))
        return number_equal(a, b);
    if (a.kind == VALUE_OBJECT && a.object->class->equals != NULL)
        return a.object->class->equals(a.object, b);
    if (b.kind == VALUE_OBJECT && b.object->class->equals != NULL)
        return b.object->class->equals(b.object, a);
    if (a.kind != b.kind)
        return false;
    switch ((enum value_kind)a.kind) {
    case VALUE_STR:
    case VALUE_BYTES:
        return str_equal(value_text(a), value_text(b));
    case VALUE_LIST:
    case VALUE_TUPLE:
        return a.list == b.list || lists_equal(a.list, b.list, depth + 1);
    case VALUE_DICT:
    case VALUE_SET:
        return a.dict == b.dict || dicts_equal(a.dict, b.dict, a.kind == VALUE_SET, depth + 1);
    case VALUE_RANGE:
        return ranges_equal(a.range, b.range);
    case VALUE_DATETIME:
    case VALUE_DATE:
    case VALUE_TIME:
        return a.date->has_offset == b.date->has_offset && date_order(a, b) == 0;
    case VALUE_TIMEDELTA:
        return delta_microseconds(a.delta) == delta_microseconds(b.delta);
    case VALUE_OBJECT:
        return a.object == b.object;
    default:
        return true; // none, undefined, missing
    }
}

bool value_equal(struct value a, struct value b)
{
    return equal_at(a, b, 0);
}

// ---------------------------------------------------------------- dicts

static struct value dict_like(struct arena *arena, uint8_t kind)
{
    struct value_dict *dict = ARENA_NEW(arena, struct value_dict);
    dict->arena = arena;
    return (struct value){.kind = kind, .dict = dict};
}

struct value value_dict_new(struct arena *arena)
{
    return dict_like(arena, VALUE_DICT);
}

struct value value_set_new(struct arena *arena)
{
    return dict_like(arena, VALUE_SET);
}

static bool key_is(const struct dict_entry *entry, struct value key, uint64_t hash)
{
    if (entry->hash != hash || entry->key.kind == VALUE_MISSING)
        return false;
    if (entry->key.kind == VALUE_STR && key.kind == VALUE_STR)
        return str_equal(value_text(entry->key), value_text(key));
    return value_equal(entry->key, key);
}

static struct dict_entry *find_entry(const struct value_dict *dict, struct value key, uint64_t hash)
{
    if (dict->slots == NULL) {
        for (uint32_t i = 0; i < dict->used; i++)
            if (key_is(&dict->entries[i], key, hash))
                return &dict->entries[i];
        return NULL;
    }
    for (uint32_t at = (uint32_t)(hash >> 7) & dict->slot_mask; dict->slots[at] != 0;
         at = (at + 1) & dict->slot_mask)
        if (key_is(&dict->entries[dict->slots[at] - 1], key, hash))
            return &dict->entries[dict->slots[at] - 1];
    return NULL;
}

static void place(struct value_dict *dict, uint32_t entry)
{
    uint32_t at = (uint32_t)(dict->entries[entry].hash >> 7) & dict->slot_mask;
    while (dict->slots[at] != 0)
        at = (at + 1) & dict->slot_mask;
    dict->slots[at] = entry + 1;
}

/// Drops removed entries, grows when the live ones need it, and makes the slots anew.
static void rebuild(struct value_dict *dict)
{
    const uint32_t capacity = dict->count >= DICT_LINEAR_MAX ? dict->count * 2 : DICT_LINEAR_MAX;
    struct dict_entry *entries = ARENA_ARRAY(dict->arena, struct dict_entry, capacity);
    uint32_t used = 0;
    for (uint32_t i = 0; i < dict->used; i++)
        if (dict->entries[i].key.kind != VALUE_MISSING)
            entries[used++] = dict->entries[i];
    dict->entries = entries;
    dict->used = used;
    dict->capacity = capacity;
    if (capacity <= DICT_LINEAR_MAX) {
        dict->slots = NULL;
        return;
    }
    uint32_t slot_count = 16;
    while (slot_count < capacity * 2)
        slot_count *= 2;
    dict->slots = ARENA_ARRAY(dict->arena, uint32_t, slot_count);
    dict->slot_mask = slot_count - 1;
    for (uint32_t i = 0; i < used; i++)
        place(dict, i);
}

static void set_hashed(struct value_dict *dict, struct value key, uint64_t hash, struct value value)
{
    struct dict_entry *entry = find_entry(dict, key, hash);
    if (entry != NULL) {
        entry->value = value;
        return;
    }
    if (dict->used == dict->capacity)
        rebuild(dict);
    dict->entries[dict->used] = (struct dict_entry){.key = key, .value = value, .hash = hash};
    dict->used++;
    dict->count++;
    if (dict->slots != NULL)
        place(dict, dict->used - 1);
}

struct value dict_get_str(struct value dict, struct str key)
{
    if (dict.dict->count == 0)
        return value_missing();
    const struct dict_entry *entry = find_entry(dict.dict, value_str(key), hash_text(key));
    return entry != NULL ? entry->value : value_missing();
}

void dict_set_str(struct value dict, struct str key, struct value value)
{
    set_hashed(dict.dict, value_str(key), hash_text(key), value);
}

static rc hash_key(struct value key, uint64_t *ret_hash, struct err *err)
{
    if (value_hash(key, ret_hash))
        return RC_OK;
    return throw_error(err, "TypeError", "unhashable type: '%s'", value_type_name(key));
}

rc dict_set(struct value dict, struct value key, struct value value, struct err *err)
{
    uint64_t hash;
    TRY(hash_key(key, &hash, err));
    set_hashed(dict.dict, key, hash, value);
    return RC_OK;
}

rc dict_get(struct value dict, struct value key, struct value *ret_value, struct err *err)
{
    uint64_t hash;
    TRY(hash_key(key, &hash, err));
    const struct dict_entry *entry = find_entry(dict.dict, key, hash);
    *ret_value = entry != NULL ? entry->value : value_missing();
    return RC_OK;
}

rc dict_remove(struct value dict, struct value key, bool *ret_was_there, struct err *err)
{
    uint64_t hash;
    TRY(hash_key(key, &hash, err));
    struct dict_entry *entry = find_entry(dict.dict, key, hash);
    *ret_was_there = entry != NULL;
    if (entry != NULL) { // the slot stays and finds a key that equals nothing
        entry->key = value_missing();
        dict.dict->count--;
    }
    return RC_OK;
}

bool dict_next(struct value dict, size_t *at, struct dict_entry **ret_entry)
{
    while (*at < dict.dict->used) {
        struct dict_entry *entry = &dict.dict->entries[(*at)++];
        if (entry->key.kind != VALUE_MISSING) {
            *ret_entry = entry;
            return true;
        }
    }
    return false;
}

// ---------------------------------------------------------------- kinds, truth, order

const char *value_type_name(struct value value)
{
    static const char *const names[] = {
        [VALUE_MISSING] = "missing",
        [VALUE_UNDEFINED] = "Undefined",
        [VALUE_NONE] = "NoneType",
        [VALUE_BOOL] = "bool",
        [VALUE_INT] = "int",
        [VALUE_BIG_INT] = "int",
        [VALUE_FLOAT] = "float",
        [VALUE_DECIMAL] = "decimal.Decimal",
        [VALUE_STR] = "str",
        [VALUE_BYTES] = "bytes",
        [VALUE_LIST] = "list",
        [VALUE_TUPLE] = "tuple",
        [VALUE_DICT] = "dict",
        [VALUE_SET] = "set",
        [VALUE_RANGE] = "range",
        [VALUE_DATETIME] = "datetime.datetime",
        [VALUE_DATE] = "datetime.date",
        [VALUE_TIME] = "datetime.time",
        [VALUE_TIMEDELTA] = "datetime.timedelta",
    };
    if (value.kind == VALUE_OBJECT)
        return value.object->class->name;
    if (value.kind == VALUE_STR && (value.flags & VALUE_FLAG_MARKUP) != 0)
        return "Markup";
    return names[value.kind];
}

bool value_is_number(struct value value)
{
    return value.kind >= VALUE_BOOL && value.kind <= VALUE_DECIMAL;
}

bool value_is_integer(struct value value)
{
    return value.kind == VALUE_INT || value.kind == VALUE_BOOL;
}

bool value_is_true(struct value value)
{
    switch ((enum value_kind)value.kind) {
    case VALUE_MISSING:
    case VALUE_UNDEFINED:
    case VALUE_NONE:
        return false;
    case VALUE_BOOL:
    case VALUE_INT:
        return value.integer != 0;
    case VALUE_FLOAT:
        return value.number != 0;
    case VALUE_DECIMAL:
        return value.decimal->unscaled != 0;
    case VALUE_STR:
    case VALUE_BYTES:
        return value.length > 0;
    case VALUE_LIST:
    case VALUE_TUPLE:
        return value.list->count > 0;
    case VALUE_DICT:
    case VALUE_SET:
        return value.dict->count > 0;
    case VALUE_RANGE:
        return range_length(value.range) > 0;
    case VALUE_TIMEDELTA:
        return delta_microseconds(value.delta) != 0;
    case VALUE_OBJECT:
        return value.object->class->is_true == NULL || value.object->class->is_true(value.object);
    default:
        return true;
    }
}

static rc compare_at(struct value a, struct value b, const char *operator_text, int *ret_order,
                     int depth, struct err *err);

static rc compare_lists(const struct value_list *a, const struct value_list *b,
                        const char *operator_text, int *ret_order, int depth, struct err *err)
{
    for (uint32_t i = 0; i < a->count && i < b->count; i++) {
        if (value_equal(a->items[i], b->items[i]))
            continue;
        return compare_at(a->items[i], b->items[i], operator_text, ret_order, depth, err);
    }
    *ret_order = (a->count > b->count) - (a->count < b->count);
    return RC_OK;
}

static rc compare_at(struct value a, struct value b, const char *operator_text, int *ret_order,
                     int depth, struct err *err)
{
    if (depth > COMPARE_DEPTH_MAX)
        return err_set(err, RC_LIMIT, "comparing values nested over %d deep", COMPARE_DEPTH_MAX);
    if (value_is_number(a) && value_is_number(b)) {
        *ret_order = number_compare(a, b);
        return RC_OK;
    }
    if (a.kind == VALUE_UNDEFINED || b.kind == VALUE_UNDEFINED)
        return undefined_fail(a.kind == VALUE_UNDEFINED ? a : b, err);
    if (a.kind == b.kind) {
        switch ((enum value_kind)a.kind) {
        case VALUE_STR:
        case VALUE_BYTES:
            *ret_order = str_compare(value_text(a), value_text(b));
            return RC_OK;
        case VALUE_LIST:
        case VALUE_TUPLE:
            return compare_lists(a.list, b.list, operator_text, ret_order, depth + 1, err);
        case VALUE_DATETIME:
        case VALUE_TIME:
            if (a.date->has_offset != b.date->has_offset)
                return throw_error(err, "TypeError",
                                   "can't compare offset-naive and offset-aware datetimes");
            *ret_order = date_order(a, b);
            return RC_OK;
        case VALUE_DATE:
            *ret_order = date_order(a, b);
            return RC_OK;
        case VALUE_TIMEDELTA: {
            const __int128 x = delta_microseconds(a.delta), y = delta_microseconds(b.delta);
            *ret_order = (x > y) - (x < y);
            return RC_OK;
        }
        default:
            break;
        }
    }
    return throw_error(err, "TypeError", "'%s' not supported between instances of '%s' and '%s'",
                       operator_text, value_type_name(a), value_type_name(b));
}

rc value_compare(struct value a, struct value b, const char *operator_text, int *ret_order,
                 struct err *err)
{
    return compare_at(a, b, operator_text, ret_order, 0, err);
}

uint64_t value_range_length(const struct value_range *range)
{
    return range_length(range);
}
