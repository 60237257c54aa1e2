/// @file filters_list.c
/// Filters over sequences: batch, sort, map, select, groupby ... Layer: jinja.
/// Source: Jinja2 3.1.6. Where it gives a generator, ours holds its items already.

#include "base/random.h"
#include "base/utf8.h"
#include "jinja/filters.h"
#include "jinja/throw.h"

bool value_flag(struct value value, bool fallback)
{
    return value.kind == VALUE_MISSING ? fallback : value_is_true(value);
}

struct value ignore_case(struct render *r, struct value value)
{
    if (value.kind != VALUE_STR)
        return value;
    return value_str(utf8_lower(r->arena, value_text(value)));
}

rc get_by_path(struct render *r, struct value item, struct value path, struct value fallback,
               struct value *ret_value, struct err *err)
{
    if (path.kind == VALUE_MISSING || path.kind == VALUE_NONE) {
        *ret_value = item;
        return RC_OK;
    }
    if (path.kind != VALUE_STR) {
        TRY(render_get_item(r, item, path, &item, err));
    } else {
        struct str rest = value_text(path), part;
        while (str_split_next(&rest, '.', &part)) {
            int64_t index;
            const bool is_index = part.length > 0 && part.bytes[0] != '-' && part.bytes[0] != '+' &&
                                  str_to_int64(part, &index);
            TRY(render_get_item(r, item, is_index ? value_int(index) : value_str(part), &item,
                                err));
            if (item.kind == VALUE_UNDEFINED && fallback.kind != VALUE_MISSING)
                item = fallback;
        }
    }
    if (item.kind == VALUE_UNDEFINED && fallback.kind != VALUE_MISSING)
        item = fallback;
    *ret_value = item;
    return RC_OK;
}

/// A fresh list with the items of any iterable.
static rc copy_items(struct render *r, struct value value, struct value *ret_list, struct err *err)
{
    const struct value *items;
    size_t count;
    TRY(value_items(r, value, &items, &count, err));
    TRY(spend(r, count / 4, err));
    *ret_list = value_tuple_of(r->arena, items, count);
    ret_list->kind = VALUE_LIST;
    return RC_OK;
}

// ---------------------------------------------------------------- whole sequences

FILTER(filter_list)
{
    BIND(v, "do_list", 1, "value");
    return copy_items(r, v[0], ret_value, err);
}

FILTER(filter_length)
{
    BIND(v, "len", 1, "obj");
    size_t length;
    TRY(value_length(r, v[0], &length, err));
    *ret_value = value_int((int64_t)length);
    return RC_OK;
}

FILTER(filter_first)
{
    BIND(v, "do_first", 1, "seq");
    if (value_is_generator(v[0])) {
        *ret_value = generator_next(v[0]);
    } else {
        const struct value *items;
        size_t count;
        TRY(value_items(r, v[0], &items, &count, err));
        *ret_value = count > 0 ? items[0] : value_missing();
    }
    if (ret_value->kind == VALUE_MISSING)
        *ret_value = undefined_hint(r, (struct str){0}, "No first item, sequence was empty.");
    return RC_OK;
}

FILTER(filter_last)
{
    BIND(v, "do_last", 1, "seq");
    const struct value *items;
    size_t count;
    if (value_is_generator(v[0]))
        return throw_error(err, "TypeError", "'generator' object is not reversible");
    if (value_is_number(v[0]) || v[0].kind == VALUE_NONE)
        return throw_error(err, "TypeError", "'%s' object is not reversible",
                           value_type_name(v[0]));
    TRY(value_items(r, v[0], &items, &count, err));
    *ret_value = count > 0
                     ? items[count - 1]
                     : undefined_hint(r, (struct str){0}, "No last item, sequence was empty.");
    return RC_OK;
}

FILTER(filter_random)
{
    BIND(v, "do_random", 1, "seq");
    const struct value *items;
    size_t count;
    uint64_t number = 0;
    TRY(value_items(r, v[0], &items, &count, err));
    if (count == 0) {
        *ret_value = undefined_hint(r, (struct str){0}, "No random item, sequence was empty.");
        return RC_OK;
    }
    random_bytes(&number, sizeof number);
    *ret_value = items[number % count];
    return RC_OK;
}

FILTER(filter_reverse)
{
    BIND(v, "do_reverse", 1, "value");
    if (v[0].kind == VALUE_STR) {
        TRY(value_slice(r, v[0], value_none(), value_none(), value_int(-1), ret_value, err));
        return RC_OK;
    }
    struct value list;
    const rc code = copy_items(r, v[0], &list, err);
    if (code != RC_OK && throw_is(err, "TypeError"))
        return throw_error(err, "FilterArgumentError", "argument must be iterable");
    TRY(code);
    for (uint32_t i = 0, j = list.list->count; i + 1 < j; i++) {
        const struct value swap = list.list->items[i];
        list.list->items[i] = list.list->items[--j];
        list.list->items[j] = swap;
    }
    *ret_value = generator_value(
        r->arena, v[0].kind == VALUE_LIST ? "list_reverseiterator object" : "reversed object",
        list);
    return RC_OK;
}

FILTER(filter_items)
{
    BIND(v, "do_items", 1, "value");
    struct value list;
    if (v[0].kind == VALUE_UNDEFINED) {
        *ret_value =
            generator_value(r->arena, "generator object do_items", value_list_new(r->arena, 0));
        return RC_OK;
    }
    if (v[0].kind != VALUE_DICT)
        return throw_error(err, "TypeError", "Can only get item pairs from a mapping.");
    TRY(copy_items(r, view_value(r->arena, VIEW_ITEMS, v[0]), &list, err));
    *ret_value = generator_value(r->arena, "generator object do_items", list);
    return RC_OK;
}

FILTER(filter_batch)
{
    BIND(v, "do_batch", 2, "value", "linecount", "fill_with");
    const struct value *items;
    size_t count;
    int64_t size;
    TRY(value_items(r, v[0], &items, &count, err));
    TRY(int_argument(v[1], 0, &size, err));
    const struct value rows = value_list_new(r->arena, 0);
    struct value row = value_list_new(r->arena, 0);
    TRY(spend(r, count, err));
    for (size_t i = 0; i < count; i++) {
        if ((int64_t)row.list->count == size) {
            list_push(rows, row);
            row = value_list_new(r->arena, 0);
        }
        list_push(row, items[i]);
    }
    if (row.list->count > 0) {
        const bool fills = v[2].kind != VALUE_MISSING && v[2].kind != VALUE_NONE;
        while (fills && (int64_t)row.list->count < size) {
            TRY(spend(r, 1, err));
            list_push(row, v[2]);
        }
        list_push(rows, row);
    }
    *ret_value = generator_value(r->arena, "generator object do_batch", rows);
    return RC_OK;
}

FILTER(filter_slice)
{
    BIND(v, "sync_do_slice", 2, "value", "slices", "fill_with");
    const struct value *items;
    size_t count, at = 0;
    int64_t slices;
    TRY(value_items(r, v[0], &items, &count, err));
    TRY(int_argument(v[1], 0, &slices, err));
    if (slices == 0)
        return throw_error(err, "ZeroDivisionError", "integer division or modulo by zero");
    const int64_t per_slice = (int64_t)count / slices, with_extra = (int64_t)count % slices;
    const struct value rows = value_list_new(r->arena, 0);
    const bool fills = v[2].kind != VALUE_MISSING && v[2].kind != VALUE_NONE;
    for (int64_t i = 0; i < slices; i++) {
        TRY(spend(r, (uint64_t)per_slice + 1, err));
        const struct value row = value_list_new(r->arena, 0);
        for (int64_t n = per_slice + (i < with_extra); n > 0; n--)
            list_push(row, items[at++]);
        if (fills && i >= with_extra)
            list_push(row, v[2]);
        list_push(rows, row);
    }
    *ret_value = generator_value(r->arena, "generator object sync_do_slice", rows);
    return RC_OK;
}

// ---------------------------------------------------------------- order

/// The keys that items are compared by: attributes (several, by commas), without case.
static rc sort_keys(struct render *r, struct value list, struct value attribute, bool keeps_case,
                    struct value fallback, struct value *ret_keys, struct err *err)
{
    *ret_keys = value_list_new(r->arena, list.list->count);
    const bool has_several =
        attribute.kind == VALUE_STR && str_find_byte(value_text(attribute), ',') != SIZE_MAX;
    for (uint32_t i = 0; i < list.list->count; i++) {
        struct value key, item = list.list->items[i];
        if (!has_several) {
            TRY(get_by_path(r, item, attribute, fallback, &key, err));
            key = keeps_case ? key : ignore_case(r, key);
        } else {
            key = value_list_new(r->arena, 0);
            struct str rest = value_text(attribute), part;
            while (str_split_next(&rest, ',', &part)) {
                struct value one;
                TRY(get_by_path(r, item, value_str(part), fallback, &one, err));
                list_push(key, keeps_case ? one : ignore_case(r, one));
            }
        }
        list_push(*ret_keys, key);
    }
    return RC_OK;
}

/// Comparing an undefined key fails with its own words.
static rc refuse_undefined_keys(struct value keys, struct err *err)
{
    if (keys.list->count > 1)
        for (uint32_t i = 0; i < keys.list->count; i++)
            if (keys.list->items[i].kind == VALUE_UNDEFINED)
                return undefined_fail(keys.list->items[i], err);
    return RC_OK;
}

/// Every key becomes a list of one, as Jinja compares them.
static rc wrap_keys(struct render *r, struct value keys, struct err *err)
{
    for (uint32_t i = 0; i < keys.list->count; i++) {
        if (keys.list->items[i].kind == VALUE_LIST)
            return RC_OK; // by several attributes, or wrapped already
        const struct value list = value_list_new(r->arena, 1);
        list_push(list, keys.list->items[i]);
        keys.list->items[i] = list;
    }
    return spend(r, keys.list->count, err);
}

FILTER(filter_sort)
{
    BIND(v, "do_sort", 1, "value", "reverse", "case_sensitive", "attribute");
    struct value keys;
    TRY(copy_items(r, v[0], ret_value, err));
    TRY(sort_keys(r, *ret_value, v[3], value_flag(v[2], false), value_missing(), &keys, err));
    for (uint32_t i = 0; i < keys.list->count; i++) // as lists, two undefined ones are equal
        if (keys.list->items[i].kind == VALUE_UNDEFINED)
            TRY(wrap_keys(r, keys, err));
    const struct sort_options options = {.keys = keys.list->items,
                                         .is_reverse = value_flag(v[1], false)};
    return sort_values(r, ret_value->list->items, ret_value->list->count, &options, err);
}

FILTER(filter_dictsort)
{
    BIND(v, "do_dictsort", 1, "value", "case_sensitive", "by", "reverse");
    int64_t at = 0;
    if (v[2].kind == VALUE_STR && str_is(value_text(v[2]), "value"))
        at = 1;
    else if (v[2].kind != VALUE_MISSING && !str_is(value_text(v[2]), "key"))
        return throw_error(err, "FilterArgumentError",
                           "You can only sort by either \"key\" or \"value\"");
    struct value keys, pairs = v[0];
    if (v[0].kind == VALUE_UNDEFINED)
        return undefined_fail(v[0], err);
    if (v[0].kind == VALUE_DICT)
        pairs = view_value(r->arena, VIEW_ITEMS, v[0]);
    else if (v[0].kind != VALUE_OBJECT)
        return throw_error(err, "AttributeError", "'%s' object has no attribute 'items'",
                           value_type_name(v[0]));
    TRY(copy_items(r, pairs, ret_value, err));
    TRY(sort_keys(r, *ret_value, value_int(at), value_flag(v[1], false), value_missing(), &keys,
                  err));
    const struct sort_options options = {.keys = keys.list->items,
                                         .is_reverse = value_flag(v[3], false)};
    return sort_values(r, ret_value->list->items, ret_value->list->count, &options, err);
}

FILTER(filter_unique)
{
    BIND(v, "do_unique", 1, "value", "case_sensitive", "attribute");
    const struct value *items;
    size_t count;
    TRY(value_items(r, v[0], &items, &count, err));
    const struct value seen = value_set_new(r->arena), kept = value_list_new(r->arena, 0);
    for (size_t i = 0; i < count; i++) {
        struct value key, found;
        TRY(get_by_path(r, items[i], v[2], value_missing(), &key, err));
        key = value_flag(v[1], false) ? key : ignore_case(r, key);
        TRY(dict_get(seen, key, &found, err));
        if (found.kind != VALUE_MISSING)
            continue;
        TRY(dict_set(seen, key, value_none(), err));
        list_push(kept, items[i]);
    }
    *ret_value = generator_value(r->arena, "generator object do_unique", kept);
    return spend(r, count, err);
}

/// min and max: the first of the smallest or largest.
static rc extreme(struct render *r, const struct value *v, bool wants_max, struct value *ret_value,
                  struct err *err)
{
    const struct value *items;
    size_t count, best = 0;
    TRY(value_items(r, v[0], &items, &count, err));
    TRY(spend(r, count, err));
    if (count == 0) {
        *ret_value = undefined_hint(r, (struct str){0}, "No aggregated item, sequence was empty.");
        return RC_OK;
    }
    struct value best_key = value_none();
    for (size_t i = 0; i < count; i++) {
        struct value key;
        int order = -1;
        TRY(get_by_path(r, items[i], v[2], value_missing(), &key, err));
        key = value_flag(v[1], false) ? key : ignore_case(r, key);
        if (i > 0) {
            if (key.kind == VALUE_UNDEFINED)
                return undefined_fail(key, err);
            TRY(value_compare(key, best_key, wants_max ? ">" : "<", &order, err));
            order = wants_max ? -order : order;
        }
        if (order < 0) {
            best = i;
            best_key = key;
        }
    }
    *ret_value = items[best];
    return RC_OK;
}

FILTER(filter_min)
{
    BIND(v, "do_min", 1, "value", "case_sensitive", "attribute");
    return extreme(r, v, false, ret_value, err);
}

FILTER(filter_max)
{
    BIND(v, "do_max", 1, "value", "case_sensitive", "attribute");
    return extreme(r, v, true, ret_value, err);
}

FILTER(filter_sum)
{
    BIND(v, "sync_do_sum", 1, "iterable", "attribute", "start");
    const struct value *items;
    size_t count;
    TRY(value_items(r, v[0], &items, &count, err));
    struct value sum = v[2].kind == VALUE_MISSING ? value_int(0) : v[2];
    for (size_t i = 0; i < count; i++) {
        struct value item;
        TRY(get_by_path(r, items[i], v[1], value_missing(), &item, err));
        TRY(binary_operation(r, OP_ADD, sum, item, &sum, err));
    }
    *ret_value = sum;
    return spend(r, count, err);
}

// ---------------------------------------------------------------- groups

struct group {
    struct object object;
    struct value key, list;
};

static rc group_attribute(struct render *r, struct object *object, struct str name,
                          struct value *ret_value, struct err *err)
{
    const struct group *group = (const struct group *)object;
    (void)r, (void)err;
    if (str_is(name, "grouper"))
        *ret_value = group->key;
    else if (str_is(name, "list"))
        *ret_value = group->list;
    return RC_OK;
}

static rc group_iterate(struct render *r, struct object *object, struct value *ret_list,
                        struct err *err)
{
    const struct group *group = (const struct group *)object;
    const struct value pair[2] = {group->key, group->list};
    (void)err;
    *ret_list = value_tuple_of(r->arena, pair, 2);
    return RC_OK;
}

static rc group_item(struct render *r, struct object *object, struct value key,
                     struct value *ret_value, struct err *err)
{
    struct value pair;
    TRY(group_iterate(r, object, &pair, err));
    return value_get_item(r, pair, key, ret_value, err);
}

static rc group_length(struct render *r, struct object *object, size_t *ret_length, struct err *err)
{
    (void)r, (void)object, (void)err;
    *ret_length = 2;
    return RC_OK;
}

static rc group_repr(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    const struct group *group = (const struct group *)object;
    buf_append_byte(to, '(');
    TRY(value_repr(r, group->key, to, err));
    buf_append_cstr(to, ", ");
    TRY(value_repr(r, group->list, to, err));
    buf_append_byte(to, ')');
    return RC_OK;
}

static const struct object_class group_class = {.name = "_GroupTuple",
                                                .get_attribute = group_attribute,
                                                .get_item = group_item,
                                                .iterate = group_iterate,
                                                .length = group_length,
                                                .repr = group_repr,
                                                .is_sequence = true};

FILTER(filter_groupby)
{
    BIND(v, "sync_do_groupby", 2, "value", "attribute", "default", "case_sensitive");
    struct value list, keys;
    const bool keeps_case = value_flag(v[3], false);
    const struct value fallback = v[2].kind == VALUE_NONE ? value_missing() : v[2];
    TRY(copy_items(r, v[0], &list, err));
    TRY(sort_keys(r, list, v[1], keeps_case, fallback, &keys, err));
    TRY(refuse_undefined_keys(keys, err));
    const struct sort_options options = {.keys = keys.list->items};
    TRY(sort_values(r, list.list->items, list.list->count, &options, err));
    const struct value groups = value_list_new(r->arena, 0);
    struct group *group = NULL;
    struct value group_key = value_none();
    for (uint32_t i = 0; i < list.list->count; i++) {
        struct value shown, key;
        TRY(get_by_path(r, list.list->items[i], v[1], fallback, &shown, err));
        key = keeps_case ? shown : ignore_case(r, shown);
        if (group == NULL || !value_equal(key, group_key)) {
            group = ARENA_NEW(r->arena, struct group);
            *group = (struct group){{&group_class}, shown, value_list_new(r->arena, 0)};
            group_key = key;
            list_push(groups, value_object(&group->object));
        }
        list_push(group->list, list.list->items[i]);
    }
    *ret_value = groups;
    return RC_OK;
}

// ---------------------------------------------------------------- map and select

/// Calls a filter or test by name with a value and further arguments.
static rc call_named(struct render *r, const struct filter_entry *entry, struct value value,
                     const struct arguments *rest, struct value *ret_value, struct err *err)
{
    struct value items[8], *all = items;
    if (rest->count + 1 > 8)
        all = ARENA_ARRAY(r->arena, struct value, rest->count + 1);
    all[0] = value;
    if (rest->count > 0)
        memcpy(all + 1, rest->items, rest->count * sizeof all[0]);
    const struct arguments arguments = {all, rest->count + 1, rest->keywords, rest->keyword_count};
    TRY(spend(r, 1, err));
    return entry->function(r, entry->self, &arguments, ret_value, err);
}

static rc find_named(struct render *r, const char *type, const struct map *map, struct value name,
                     const struct filter_entry **ret_entry, struct err *err)
{
    const struct filter_entry *entry =
        name.kind == VALUE_STR ? map_get(map, value_text(name)) : NULL;
    struct str words;
    if (entry == NULL) {
        TRY(value_to_str(r, r->arena, name, &words, err));
        return throw_error(err, "TemplateRuntimeError", "No %s named '%.*s'.", type,
                           STR_ARGS(words));
    }
    *ret_entry = entry;
    return RC_OK;
}

static struct arguments without_first(const struct arguments *a, size_t count)
{
    if (count > a->count)
        count = a->count;
    return (struct arguments){a->items + count, a->count - count, a->keywords, a->keyword_count};
}

static rc map_attribute(struct render *r, const struct arguments *a, struct value list,
                        struct err *err)
{
    struct value attribute = value_missing(), fallback = value_missing();
    const struct value *items;
    size_t count;
    for (size_t i = 0; i < a->keyword_count; i++) {
        if (str_is(a->keywords[i].name, "attribute"))
            attribute = a->keywords[i].value;
        else if (str_is(a->keywords[i].name, "default"))
            fallback = a->keywords[i].value;
        else
            return throw_error(err, "FilterArgumentError", "Unexpected keyword argument '%.*s'",
                               STR_ARGS(a->keywords[i].name));
    }
    if (attribute.kind == VALUE_MISSING)
        return throw_error(err, "FilterArgumentError", "map requires a filter argument");
    TRY(value_items(r, a->items[0], &items, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct value item;
        TRY(get_by_path(r, items[i], attribute, fallback, &item, err));
        list_push(list, item);
    }
    return spend(r, count, err);
}

FILTER(filter_map)
{
    const struct value list = value_list_new(r->arena, 0);
    (void)self;
    *ret_value = generator_value(r->arena, "generator object sync_do_map", list);
    if (a->count == 0)
        return throw_error(err, "TypeError", "map() needs a value");
    if (!value_is_true(a->items[0]) && a->items[0].kind != VALUE_OBJECT)
        return RC_OK; // nothing to map: not even none is refused
    if (a->count == 1)
        return map_attribute(r, a, list, err);
    const struct filter_entry *entry;
    const struct value *items;
    size_t count;
    TRY(find_named(r, "filter", &r->env->filters, a->items[1], &entry, err));
    TRY(value_items(r, a->items[0], &items, &count, err));
    const struct arguments rest = without_first(a, 2);
    for (size_t i = 0; i < count; i++) {
        struct value item;
        TRY(call_named(r, entry, items[i], &rest, &item, err));
        list_push(list, item);
    }
    return RC_OK;
}

struct selection {
    const char *type;
    bool keeps, has_attribute;
};

static rc run_selection(struct render *r, const struct selection *s, const struct arguments *a,
                        struct value *ret_value, struct err *err)
{
    const struct value list = value_list_new(r->arena, 0);
    const size_t skip = s->has_attribute ? 2 : 1;
    *ret_value = generator_value(r->arena, s->type, list);
    if (a->count == 0 || (!value_is_true(a->items[0]) && a->items[0].kind != VALUE_OBJECT))
        return RC_OK;
    if (a->count < skip)
        return throw_error(err, "FilterArgumentError", "Missing parameter for attribute name");
    const struct filter_entry *test = NULL;
    if (a->count > skip)
        TRY(find_named(r, "test", &r->env->tests, a->items[skip], &test, err));
    const struct arguments rest = without_first(a, skip + 1);
    const struct value *items;
    size_t count;
    TRY(value_items(r, a->items[0], &items, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct value value = items[i], result;
        TRY(spend(r, 1, err));
        if (s->has_attribute)
            TRY(get_by_path(r, value, a->items[1], value_missing(), &value, err));
        result = value;
        if (test != NULL)
            TRY(call_named(r, test, value, &rest, &result, err));
        if (value_is_true(result) == s->keeps)
            list_push(list, items[i]);
    }
    return RC_OK;
}

#define SELECTION(name, words, keeps_it, by_attribute)                                             \
    FILTER(name)                                                                                   \
    {                                                                                              \
        static const struct selection selection = {"generator object " words, keeps_it,            \
                                                   by_attribute};                                  \
        (void)self;                                                                                \
        return run_selection(r, &selection, a, ret_value, err);                                    \
    }
SELECTION(filter_select, "sync_do_select", true, false)
SELECTION(filter_reject, "sync_do_reject", false, false)
SELECTION(filter_selectattr, "sync_do_selectattr", true, true)
SELECTION(filter_rejectattr, "sync_do_rejectattr", false, true)

FILTER(filter_join)
{
    BIND(v, "sync_do_join", 1, "value", "d", "attribute");
    const struct value *items;
    size_t count;
    struct buf buf;
    struct value separator = v[1].kind == VALUE_MISSING ? VALUE_STR_LITERAL("") : v[1];
    TRY(value_items(r, v[0], &items, &count, err));
    TRY(soft_str(r, separator, &separator, err));
    bool is_markup = r->autoescape && (separator.flags & VALUE_FLAG_MARKUP) != 0;
    for (size_t i = 0; r->autoescape && i < count; i++)
        is_markup = is_markup || (items[i].flags & VALUE_FLAG_MARKUP) != 0;
    if (is_markup)
        TRY(escape_value(r, separator, &separator, err));
    buf_init(&buf, UINT32_MAX / 4);
    rc code = RC_OK;
    for (size_t i = 0; i < count && code == RC_OK; i++) {
        struct value item;
        code = get_by_path(r, items[i], v[2], value_missing(), &item, err);
        if (i > 0)
            buf_append_str(&buf, value_text(separator));
        if (code == RC_OK && is_markup) {
            code = escape_value(r, item, &item, err);
            if (code == RC_OK)
                buf_append_str(&buf, value_text(item));
        } else if (code == RC_OK) {
            code = value_print(r, item, &buf, err);
        }
    }
    if (code == RC_OK)
        code = buf_check(&buf, err, "the result of join");
    *ret_value = value_str(buf_take(r->arena, &buf));
    ret_value->flags = is_markup ? VALUE_FLAG_MARKUP : 0;
    TRY(code);
    return spend(r, ret_value->length / 16 + count, err);
}

const struct builtin list_filters[] = {{"batch", filter_batch, false},
                                       {"count", filter_length, false},
                                       {"dictsort", filter_dictsort, false},
                                       {"first", filter_first, false},
                                       {"groupby", filter_groupby, false},
                                       {"items", filter_items, false},
                                       {"join", filter_join, false},
                                       {"last", filter_last, false},
                                       {"length", filter_length, false},
                                       {"list", filter_list, false},
                                       {"map", filter_map, true},
                                       {"max", filter_max, false},
                                       {"min", filter_min, false},
                                       {"random", filter_random, true},
                                       {"reject", filter_reject, true},
                                       {"rejectattr", filter_rejectattr, true},
                                       {"reverse", filter_reverse, false},
                                       {"select", filter_select, true},
                                       {"selectattr", filter_selectattr, true},
                                       {"slice", filter_slice, false},
                                       {"sort", filter_sort, false},
                                       {"sum", filter_sum, false},
                                       {"unique", filter_unique, false},
                                       {NULL, NULL, false}};
