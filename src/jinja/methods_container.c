/// @file methods_container.c
/// The methods of list, tuple, dict and set; sorting. Layer: jinja. Source: CPython 3.11.

#include "jinja/methods.h"
#include "jinja/throw.h"

#define METHOD(name)                                                                               \
    static rc name(struct render *r, struct value self, const struct arguments *a,                 \
                   struct value *ret_value, struct err *err)

// ---------------------------------------------------------------- sorting

/// Merge sort of an index: stable, and a failing comparison ends it.
struct sorter {
    const struct value *keys;
    uint32_t *order, *scratch;
    bool is_reverse;
};

static rc merge_sort(struct render *r, struct sorter *s, size_t from, size_t to, struct err *err)
{
    if (to - from < 2)
        return RC_OK;
    const size_t middle = from + (to - from) / 2;
    TRY(merge_sort(r, s, from, middle, err));
    TRY(merge_sort(r, s, middle, to, err));
    TRY(spend(r, to - from, err));
    memcpy(s->scratch + from, s->order + from, (to - from) * sizeof s->order[0]);
    size_t left = from, right = middle;
    for (size_t at = from; at < to; at++) {
        bool takes_right = left >= middle;
        if (left < middle && right < to) {
            const struct value a = s->keys[s->scratch[right]], b = s->keys[s->scratch[left]];
            int order;
            TRY(value_compare(s->is_reverse ? b : a, s->is_reverse ? a : b, "<", &order, err));
            takes_right = order < 0;
        }
        s->order[at] = takes_right ? s->scratch[right++] : s->scratch[left++];
    }
    return RC_OK;
}

rc sort_values(struct render *r, struct value *items, size_t count,
               const struct sort_options *options, struct err *err)
{
    struct sorter s = {.keys = options->keys != NULL ? options->keys : items,
                       .order = ARENA_ARRAY(r->arena, uint32_t, count + 1),
                       .scratch = ARENA_ARRAY(r->arena, uint32_t, count + 1),
                       .is_reverse = options->is_reverse};
    for (size_t i = 0; i < count; i++)
        s.order[i] = (uint32_t)i;
    TRY(merge_sort(r, &s, 0, count, err));
    struct value *copy = ARENA_ARRAY(r->arena, struct value, count + 1);
    if (count > 0)
        memcpy(copy, items, count * sizeof items[0]);
    for (size_t i = 0; i < count; i++)
        items[i] = copy[s.order[i]];
    return RC_OK;
}

// ---------------------------------------------------------------- lists

static rc refuse_change(struct render *r, struct value self, const char *name, struct err *err)
{
    if (!r->env->options.is_immutable)
        return RC_OK;
    return throw_error(err, "SecurityError", "access to attribute '%s' of '%s' object is unsafe.",
                       name, value_type_name(self));
}

METHOD(list_append)
{
    TRY(refuse_change(r, self, "append", err));
    TRY(no_keywords(a, "list.append", 1, 1, err));
    list_push(self, a->items[0]);
    *ret_value = value_none();
    return RC_OK;
}

METHOD(list_extend)
{
    const struct value *items;
    size_t count;
    TRY(refuse_change(r, self, "extend", err));
    TRY(no_keywords(a, "list.extend", 1, 1, err));
    TRY(value_items(r, a->items[0], &items, &count, err));
    TRY(spend(r, count, err));
    for (size_t i = 0; i < count; i++) // growing moves the items, so the source stays as it was
        list_push(self, items[i]);
    *ret_value = value_none();
    return RC_OK;
}

METHOD(list_insert)
{
    int64_t at;
    TRY(refuse_change(r, self, "insert", err));
    TRY(no_keywords(a, "insert", 2, 2, err));
    TRY(int_argument(a->items[0], 0, &at, err));
    struct value_list *list = self.list;
    at = at < 0 ? at + list->count : at;
    at = at < 0 ? 0 : at > list->count ? list->count : at;
    list_push(self, value_none());
    memmove(list->items + at + 1, list->items + at,
            (list->count - 1 - (size_t)at) * sizeof list->items[0]);
    list->items[at] = a->items[1];
    *ret_value = value_none();
    return spend(r, list->count / 16, err);
}

static void remove_at(struct value_list *list, size_t at)
{
    memmove(list->items + at, list->items + at + 1, (list->count - at - 1) * sizeof list->items[0]);
    list->count--;
}

METHOD(list_pop)
{
    int64_t at;
    TRY(refuse_change(r, self, "pop", err));
    TRY(no_keywords(a, "pop", 0, 1, err));
    TRY(int_argument(a->count > 0 ? a->items[0] : value_missing(), -1, &at, err));
    struct value_list *list = self.list;
    if (list->count == 0)
        return throw_error(err, "IndexError", "pop from empty list");
    at = at < 0 ? at + list->count : at;
    if (at < 0 || at >= list->count)
        return throw_error(err, "IndexError", "pop index out of range");
    *ret_value = list->items[at];
    remove_at(list, (size_t)at);
    return RC_OK;
}

/// @return index or SIZE_MAX
static size_t find_item(struct value self, struct value item, size_t from, size_t to)
{
    for (size_t i = from; i < to && i < self.list->count; i++)
        if (value_equal(self.list->items[i], item))
            return i;
    return SIZE_MAX;
}

METHOD(list_remove)
{
    TRY(refuse_change(r, self, "remove", err));
    TRY(no_keywords(a, "list.remove", 1, 1, err));
    const size_t at = find_item(self, a->items[0], 0, SIZE_MAX);
    if (at == SIZE_MAX)
        return throw_error(err, "ValueError", "list.remove(x): x not in list");
    remove_at(self.list, at);
    *ret_value = value_none();
    return RC_OK;
}

METHOD(list_index)
{
    int64_t from, to;
    TRY(no_keywords(a, "index", 1, 3, err));
    TRY(int_argument(a->count > 1 ? a->items[1] : value_missing(), 0, &from, err));
    TRY(int_argument(a->count > 2 ? a->items[2] : value_missing(), INT64_MAX, &to, err));
    const int64_t count = self.list->count;
    from = from < 0 ? (from + count < 0 ? 0 : from + count) : from;
    to = to < 0 ? (to + count < 0 ? 0 : to + count) : to;
    const size_t at = find_item(self, a->items[0], (size_t)from, (size_t)to);
    if (at == SIZE_MAX) {
        struct buf buf;
        buf_init(&buf, 1 << 20);
        const rc code = value_repr(r, a->items[0], &buf, err);
        const struct str words = buf_take(r->arena, &buf);
        TRY(code);
        return self.kind == VALUE_TUPLE
                   ? throw_error(err, "ValueError", "tuple.index(x): x not in tuple")
                   : throw_error(err, "ValueError", "%.*s is not in list", STR_ARGS(words));
    }
    *ret_value = value_int((int64_t)at);
    return spend(r, at / 4, err);
}

METHOD(list_count)
{
    TRY(no_keywords(a, "count", 1, 1, err));
    int64_t count = 0;
    for (uint32_t i = 0; i < self.list->count; i++)
        count += value_equal(self.list->items[i], a->items[0]);
    *ret_value = value_int(count);
    return spend(r, self.list->count / 4, err);
}

METHOD(list_clear)
{
    TRY(refuse_change(r, self, "clear", err));
    TRY(no_keywords(a, "list.clear", 0, 0, err));
    self.list->count = 0;
    *ret_value = value_none();
    return RC_OK;
}

METHOD(list_copy)
{
    TRY(no_keywords(a, "list.copy", 0, 0, err));
    *ret_value = value_tuple_of(r->arena, self.list->items, self.list->count);
    ret_value->kind = VALUE_LIST;
    return spend(r, self.list->count / 4, err);
}

METHOD(list_reverse)
{
    TRY(refuse_change(r, self, "reverse", err));
    TRY(no_keywords(a, "list.reverse", 0, 0, err));
    struct value *items = self.list->items;
    for (uint32_t i = 0, j = self.list->count; i + 1 < j; i++) {
        const struct value swap = items[i];
        items[i] = items[--j];
        items[j] = swap;
    }
    *ret_value = value_none();
    return RC_OK;
}

METHOD(list_sort)
{
    struct value key = value_missing(), is_reverse = value_missing();
    TRY(refuse_change(r, self, "sort", err));
    if (a->count > 0)
        return throw_error(err, "TypeError", "sort() takes no positional arguments");
    for (size_t i = 0; i < a->keyword_count; i++) {
        if (str_is(a->keywords[i].name, "key"))
            key = a->keywords[i].value;
        else if (str_is(a->keywords[i].name, "reverse"))
            is_reverse = a->keywords[i].value;
        else
            return throw_error(err, "TypeError", "'%.*s' is an invalid keyword argument for sort()",
                               STR_ARGS(a->keywords[i].name));
    }
    struct sort_options options = {.is_reverse = value_is_true(is_reverse)};
    if (key.kind != VALUE_MISSING && key.kind != VALUE_NONE) {
        struct value *keys = ARENA_ARRAY(r->arena, struct value, self.list->count + 1);
        for (uint32_t i = 0; i < self.list->count; i++) {
            const struct arguments one = {&self.list->items[i], 1, NULL, 0};
            TRY(render_call(r, key, &one, &keys[i], err));
        }
        options.keys = keys;
    }
    *ret_value = value_none();
    return sort_values(r, self.list->items, self.list->count, &options, err);
}

// ---------------------------------------------------------------- dicts

METHOD(dict_get_method)
{
    TRY(no_keywords(a, "get", 1, 2, err));
    TRY(dict_get(self, a->items[0], ret_value, err));
    if (ret_value->kind == VALUE_MISSING)
        *ret_value = a->count > 1 ? a->items[1] : value_none();
    (void)r;
    return RC_OK;
}

METHOD(dict_keys)
{
    TRY(no_keywords(a, "dict.keys", 0, 0, err));
    *ret_value = view_value(r->arena, VIEW_KEYS, self);
    return RC_OK;
}

METHOD(dict_values)
{
    TRY(no_keywords(a, "dict.values", 0, 0, err));
    *ret_value = view_value(r->arena, VIEW_VALUES, self);
    return RC_OK;
}

METHOD(dict_items)
{
    TRY(no_keywords(a, "dict.items", 0, 0, err));
    *ret_value = view_value(r->arena, VIEW_ITEMS, self);
    return RC_OK;
}

METHOD(dict_pop)
{
    bool was_there;
    TRY(refuse_change(r, self, "pop", err));
    TRY(no_keywords(a, "pop", 1, 2, err));
    TRY(dict_get(self, a->items[0], ret_value, err));
    TRY(dict_remove(self, a->items[0], &was_there, err));
    if (was_there)
        return RC_OK;
    struct buf buf;
    if (a->count < 2) {
        buf_init(&buf, 400);
        rc code = value_repr(r, a->items[0], &buf, err);
        const struct str words = buf_take(r->arena, &buf);
        TRY(code);
        return throw_error(err, "KeyError", "%.*s", STR_ARGS(words));
    }
    *ret_value = a->items[1];
    return RC_OK;
}

METHOD(dict_popitem)
{
    bool was_there;
    TRY(refuse_change(r, self, "popitem", err));
    TRY(no_keywords(a, "dict.popitem", 0, 0, err));
    for (uint32_t i = self.dict->used; i-- > 0;) {
        const struct dict_entry entry = self.dict->entries[i];
        if (entry.key.kind == VALUE_MISSING)
            continue;
        const struct value pair[2] = {entry.key, entry.value};
        *ret_value = value_tuple_of(r->arena, pair, 2);
        return dict_remove(self, entry.key, &was_there, err);
    }
    return throw_error(err, "KeyError", "'popitem(): dictionary is empty'");
}

METHOD(dict_setdefault)
{
    TRY(refuse_change(r, self, "setdefault", err));
    TRY(no_keywords(a, "setdefault", 1, 2, err));
    TRY(dict_get(self, a->items[0], ret_value, err));
    if (ret_value->kind != VALUE_MISSING)
        return RC_OK;
    *ret_value = a->count > 1 ? a->items[1] : value_none();
    return dict_set(self, a->items[0], *ret_value, err);
}

/// dict.update(mapping or pairs, **more); also dict(...).
rc dict_update_from(struct render *r, struct value dict, const struct arguments *a, struct err *err)
{
    struct dict_entry *entry;
    if (a->count > 1)
        return throw_error(err, "TypeError", "dict expected at most 1 argument, got %zu", a->count);
    if (a->count == 1 && a->items[0].kind == VALUE_UNDEFINED)
        return undefined_fail(a->items[0], err);
    if (a->count == 1 && a->items[0].kind == VALUE_DICT) {
        for (size_t at = 0; dict_next(a->items[0], &at, &entry);)
            TRY(dict_set(dict, entry->key, entry->value, err));
    } else if (a->count == 1) {
        const struct value *items, *pair;
        size_t count, length;
        TRY(value_items(r, a->items[0], &items, &count, err));
        for (size_t i = 0; i < count; i++) {
            const rc code = value_items(r, items[i], &pair, &length, err);
            if (code != RC_OK && throw_is(err, "TypeError"))
                return throw_error(err, "TypeError",
                                   "cannot convert dictionary update sequence element #%zu to a "
                                   "sequence",
                                   i);
            TRY(code);
            if (length != 2)
                return throw_error(err, "ValueError",
                                   "dictionary update sequence element #%zu has length %zu; 2 is "
                                   "required",
                                   i, length);
            TRY(dict_set(dict, pair[0], pair[1], err));
        }
    }
    for (size_t i = 0; i < a->keyword_count; i++)
        dict_set_str(dict, a->keywords[i].name, a->keywords[i].value);
    return spend(r, dict_count(dict) / 4, err);
}

METHOD(dict_update)
{
    TRY(refuse_change(r, self, "update", err));
    *ret_value = value_none();
    return dict_update_from(r, self, a, err);
}

METHOD(dict_clear)
{
    TRY(refuse_change(r, self, "clear", err));
    TRY(no_keywords(a, "clear", 0, 0, err));
    struct arena *arena = self.dict->arena;
    *self.dict = (struct value_dict){.arena = arena};
    *ret_value = value_none();
    return RC_OK;
}

METHOD(dict_copy)
{
    TRY(no_keywords(a, "copy", 0, 0, err));
    *ret_value = self.kind == VALUE_DICT ? value_dict_new(r->arena) : value_set_new(r->arena);
    struct dict_entry *entry;
    for (size_t at = 0; dict_next(self, &at, &entry);)
        TRY(dict_set(*ret_value, entry->key, entry->value, err));
    return spend(r, dict_count(self) / 4, err);
}

METHOD(dict_fromkeys)
{
    const struct value *items;
    size_t count;
    (void)self;
    TRY(no_keywords(a, "fromkeys", 1, 2, err));
    TRY(value_items(r, a->items[0], &items, &count, err));
    *ret_value = value_dict_new(r->arena);
    for (size_t i = 0; i < count; i++)
        TRY(dict_set(*ret_value, items[i], a->count > 1 ? a->items[1] : value_none(), err));
    return RC_OK;
}

// ---------------------------------------------------------------- sets

/// Adds every item of an iterable.
rc set_add_items(struct render *r, struct value set, struct value iterable, struct err *err)
{
    const struct value *items;
    size_t count;
    TRY(value_items(r, iterable, &items, &count, err));
    TRY(spend(r, count, err));
    for (size_t i = 0; i < count; i++)
        TRY(dict_set(set, items[i], value_none(), err));
    return RC_OK;
}

METHOD(set_add)
{
    TRY(refuse_change(r, self, "add", err));
    TRY(no_keywords(a, "set.add", 1, 1, err));
    *ret_value = value_none();
    return dict_set(self, a->items[0], value_none(), err);
}

METHOD(set_update)
{
    TRY(refuse_change(r, self, "update", err));
    for (size_t i = 0; i < a->count; i++)
        TRY(set_add_items(r, self, a->items[i], err));
    *ret_value = value_none();
    return RC_OK;
}

METHOD(set_remove)
{
    bool was_there;
    struct str words;
    TRY(refuse_change(r, self, "remove", err));
    TRY(no_keywords(a, "set.remove", 1, 1, err));
    TRY(dict_remove(self, a->items[0], &was_there, err));
    *ret_value = value_none();
    if (was_there)
        return RC_OK;
    TRY(value_to_str(r, r->arena, a->items[0], &words, err));
    return throw_error(err, "KeyError", "%.*s", STR_ARGS(words));
}

METHOD(set_discard)
{
    bool was_there;
    TRY(refuse_change(r, self, "discard", err));
    TRY(no_keywords(a, "set.discard", 1, 1, err));
    *ret_value = value_none();
    return dict_remove(self, a->items[0], &was_there, err);
}

METHOD(set_pop)
{
    struct dict_entry *entry;
    bool was_there;
    size_t at = 0;
    TRY(refuse_change(r, self, "pop", err));
    TRY(no_keywords(a, "set.pop", 0, 0, err));
    if (!dict_next(self, &at, &entry))
        return throw_error(err, "KeyError", "'pop from an empty set'");
    *ret_value = entry->key;
    return dict_remove(self, entry->key, &was_there, err);
}

METHOD(set_union)
{
    *ret_value = value_set_new(r->arena);
    TRY(set_add_items(r, *ret_value, self, err));
    for (size_t i = 0; i < a->count; i++)
        TRY(set_add_items(r, *ret_value, a->items[i], err));
    return RC_OK;
}

/// Items of `self` that are (or are not) in the set of the other iterable.
static rc set_filter(struct render *r, struct value self, struct value other, bool keeps_common,
                     struct value *ret_value, struct err *err)
{
    const struct value set = value_set_new(r->arena);
    TRY(set_add_items(r, set, other, err));
    const struct value result = value_set_new(r->arena);
    struct dict_entry *entry;
    for (size_t at = 0; dict_next(self, &at, &entry);) {
        struct value found;
        TRY(dict_get(set, entry->key, &found, err));
        if ((found.kind != VALUE_MISSING) == keeps_common)
            TRY(dict_set(result, entry->key, value_none(), err));
    }
    *ret_value = result;
    return RC_OK;
}

METHOD(set_intersection)
{
    *ret_value = self;
    for (size_t i = 0; i < a->count; i++)
        TRY(set_filter(r, *ret_value, a->items[i], true, ret_value, err));
    return RC_OK;
}

METHOD(set_difference)
{
    *ret_value = self;
    for (size_t i = 0; i < a->count; i++)
        TRY(set_filter(r, *ret_value, a->items[i], false, ret_value, err));
    return RC_OK;
}

METHOD(set_symmetric_difference)
{
    struct value other = value_set_new(r->arena), rest;
    TRY(no_keywords(a, "symmetric_difference", 1, 1, err));
    TRY(set_add_items(r, other, a->items[0], err));
    TRY(set_filter(r, self, other, false, ret_value, err));
    TRY(set_filter(r, other, self, false, &rest, err));
    return set_add_items(r, *ret_value, rest, err);
}

METHOD(set_issubset)
{
    struct value left;
    TRY(no_keywords(a, "issubset", 1, 1, err));
    TRY(set_filter(r, self, a->items[0], false, &left, err));
    *ret_value = value_bool(dict_count(left) == 0);
    return RC_OK;
}

METHOD(set_issuperset)
{
    struct value other = value_set_new(r->arena), left;
    TRY(no_keywords(a, "issuperset", 1, 1, err));
    TRY(set_add_items(r, other, a->items[0], err));
    TRY(set_filter(r, other, self, false, &left, err));
    *ret_value = value_bool(dict_count(left) == 0);
    return RC_OK;
}

METHOD(set_isdisjoint)
{
    struct value common;
    TRY(no_keywords(a, "isdisjoint", 1, 1, err));
    TRY(set_filter(r, self, a->items[0], true, &common, err));
    *ret_value = value_bool(dict_count(common) == 0);
    return RC_OK;
}

const struct method list_methods[] = {
    {"append", list_append},   {"clear", list_clear},   {"copy", list_copy},
    {"count", list_count},     {"extend", list_extend}, {"index", list_index},
    {"insert", list_insert},   {"pop", list_pop},       {"remove", list_remove},
    {"reverse", list_reverse}, {"sort", list_sort},     {NULL, NULL}};

const struct method tuple_methods[] = {{"count", list_count}, {"index", list_index}, {NULL, NULL}};

const struct method dict_methods[] = {
    {"clear", dict_clear},    {"copy", dict_copy},       {"fromkeys", dict_fromkeys},
    {"get", dict_get_method}, {"items", dict_items},     {"keys", dict_keys},
    {"pop", dict_pop},        {"popitem", dict_popitem}, {"setdefault", dict_setdefault},
    {"update", dict_update},  {"values", dict_values},   {NULL, NULL}};

const struct method set_methods[] = {{"add", set_add},
                                     {"clear", dict_clear},
                                     {"copy", dict_copy},
                                     {"difference", set_difference},
                                     {"discard", set_discard},
                                     {"intersection", set_intersection},
                                     {"isdisjoint", set_isdisjoint},
                                     {"issubset", set_issubset},
                                     {"issuperset", set_issuperset},
                                     {"pop", set_pop},
                                     {"remove", set_remove},
                                     {"symmetric_difference", set_symmetric_difference},
                                     {"union", set_union},
                                     {"update", set_update},
                                     {NULL, NULL}};
