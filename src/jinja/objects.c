/// @file objects.c
/// Objects that the language itself makes: iterators, dict views, namespaces, types; iterating and
/// measuring of any value. Layer: jinja. Source: CPython 3.11, Jinja2 3.1.6.

#include "base/utf8.h"
#include "jinja/render.h"
#include "jinja/throw.h"

// ---------------------------------------------------------------- iterators

struct generator {
    struct object object;
    const char *type;
    struct value list;
    uint32_t at;
};

static rc generator_iterate(struct render *r, struct object *object, struct value *ret_list,
                            struct err *err)
{
    struct generator *generator = (struct generator *)object;
    (void)err;
    if (generator->at == 0) {
        *ret_list = generator->list;
    } else {
        const uint32_t left = generator->list.list->count - generator->at;
        *ret_list = value_tuple_of(r->arena, generator->list.list->items + generator->at, left);
    }
    generator->at = generator->list.list->count; // an iterator is used up
    return RC_OK;
}

static rc generator_repr(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    const struct generator *generator = (const struct generator *)object;
    (void)r, (void)err;
    buf_printf(to, "<%s at 0x%012llx>", generator->type, (unsigned long long)(uintptr_t)object);
    return RC_OK;
}

static const struct object_class generator_class = {
    .name = "generator", .iterate = generator_iterate, .repr = generator_repr};

struct value generator_value(struct arena *arena, const char *type, struct value list)
{
    struct generator *generator = ARENA_NEW(arena, struct generator);
    *generator = (struct generator){.object = {&generator_class}, .type = type, .list = list};
    return value_object(&generator->object);
}

bool value_is_generator(struct value value)
{
    return value.kind == VALUE_OBJECT && value.object->class == &generator_class;
}

struct value generator_next(struct value value)
{
    struct generator *generator = (struct generator *)value.object;
    if (generator->at >= generator->list.list->count)
        return value_missing();
    return generator->list.list->items[generator->at++];
}

// ---------------------------------------------------------------- dict views

struct view {
    struct object object;
    enum view_kind kind;
    struct value dict;
};

static rc view_iterate(struct render *r, struct object *object, struct value *ret_list,
                       struct err *err)
{
    const struct view *view = (const struct view *)object;
    const struct value list = value_list_new(r->arena, dict_count(view->dict));
    struct dict_entry *entry;
    for (size_t at = 0; dict_next(view->dict, &at, &entry);) {
        const struct value pair[2] = {entry->key, entry->value};
        list_push(list, view->kind == VIEW_KEYS     ? entry->key
                        : view->kind == VIEW_VALUES ? entry->value
                                                    : value_tuple_of(r->arena, pair, 2));
    }
    *ret_list = list;
    return spend(r, dict_count(view->dict) / 4, err);
}

static rc view_length(struct render *r, struct object *object, size_t *ret_length, struct err *err)
{
    (void)r, (void)err;
    *ret_length = dict_count(((const struct view *)object)->dict);
    return RC_OK;
}

static rc view_repr(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    struct value list;
    struct arena *scratch = NULL;
    struct render plain = {.fuel = UINT64_MAX, .memory_max = SIZE_MAX};
    if (r == NULL) { // printed outside of a render
        scratch = arena_open(NULL);
        plain.arena = scratch;
    }
    rc code = view_iterate(r != NULL ? r : &plain, object, &list, err);
    if (code == RC_OK) {
        buf_printf(to, "%s(", object->class->name);
        code = value_repr(r, list, to, err);
        buf_append_byte(to, ')');
    }
    arena_close(scratch);
    return code;
}

static bool view_is_true(const struct object *object)
{
    return dict_count(((const struct view *)object)->dict) > 0;
}

#define VIEW_CLASS(name_text)                                                                      \
    {                                                                                              \
        .name = (name_text), .iterate = view_iterate, .length = view_length, .repr = view_repr,    \
        .is_true = view_is_true                                                                    \
    }
static const struct object_class view_classes[] = {[VIEW_KEYS] = VIEW_CLASS("dict_keys"),
                                                   [VIEW_VALUES] = VIEW_CLASS("dict_values"),
                                                   [VIEW_ITEMS] = VIEW_CLASS("dict_items")};

struct value view_value(struct arena *arena, enum view_kind kind, struct value dict)
{
    struct view *view = ARENA_NEW(arena, struct view);
    *view = (struct view){.object = {&view_classes[kind]}, .kind = kind, .dict = dict};
    return value_object(&view->object);
}

// ---------------------------------------------------------------- namespaces and types

struct namespace
{
    struct object object;
    struct value dict;
};

static rc namespace_get(struct render *r, struct object *object, struct str name,
                        struct value *ret_value, struct err *err)
{
    (void)r, (void)err;
    *ret_value = dict_get_str(((const struct namespace *)object)->dict, name);
    return RC_OK;
}

static rc namespace_set(struct render *r, struct object *object, struct str name,
                        struct value value, struct err *err)
{
    (void)r, (void)err;
    dict_set_str(((const struct namespace *)object)->dict, name, value);
    return RC_OK;
}

static rc namespace_repr(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    buf_append_cstr(to, "<Namespace ");
    TRY(value_repr(r, ((const struct namespace *)object)->dict, to, err));
    buf_append_byte(to, '>');
    return RC_OK;
}

static const struct object_class namespace_class = {.name = "jinja2.utils.Namespace",
                                                    .get_attribute = namespace_get,
                                                    .set_attribute = namespace_set,
                                                    .repr = namespace_repr};

struct value namespace_value(struct arena *arena, struct value dict)
{
    struct namespace *namespace = ARENA_NEW(arena, struct namespace);
    *namespace = (struct namespace){{&namespace_class}, dict};
    return value_object(&namespace->object);
}

bool value_is_namespace(struct value value)
{
    return value.kind == VALUE_OBJECT && value.object->class == &namespace_class;
}

struct type_object {
    struct object object;
    const char *name;
};

static rc type_repr(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    (void)r, (void)err;
    buf_printf(to, "<class '%s'>", ((const struct type_object *)object)->name);
    return RC_OK;
}

static rc type_attribute(struct render *r, struct object *object, struct str name,
                         struct value *ret_value, struct err *err)
{
    (void)r, (void)err;
    if (str_is(name, "__name__"))
        *ret_value = value_str(str_of(((const struct type_object *)object)->name));
    return RC_OK;
}

static bool type_equals(const struct object *a, struct value b)
{
    return b.kind == VALUE_OBJECT && b.object->class == a->class &&
           strcmp(((const struct type_object *)a)->name,
                  ((const struct type_object *)b.object)->name) == 0;
}

static const struct object_class type_class = {.name = "type",
                                               .repr = type_repr,
                                               .get_attribute = type_attribute,
                                               .equals = type_equals,
                                               .is_callable = true};

struct value type_value(struct arena *arena, const char *name)
{
    struct type_object *type = ARENA_NEW(arena, struct type_object);
    *type = (struct type_object){{&type_class}, name};
    return value_object(&type->object);
}

// ---------------------------------------------------------------- iterating anything

static rc items_of_text(struct render *r, struct value text, struct value *ret_list,
                        struct err *err)
{
    struct str rest = value_text(text);
    TRY(spend(r, rest.length, err));
    *ret_list = value_list_new(r->arena, rest.length);
    uint32_t code;
    for (;;) {
        const struct str before = rest;
        if (!utf8_next(&rest, &code))
            return RC_OK;
        struct value item = value_str((struct str){before.bytes, before.length - rest.length});
        item.flags = text.flags;
        list_push(*ret_list, item);
    }
}

static rc items_of_range(struct render *r, const struct value_range *range, struct value *ret_list,
                         struct err *err)
{
    const uint64_t count = value_range_length(range);
    if (count <= ITEMS_MAX)
        TRY(spend(r, count, err));
    if (count > ITEMS_MAX)
        return err_set(err, RC_LIMIT, "a range of %llu items", (unsigned long long)count);
    *ret_list = value_list_new(r->arena, count);
    for (uint64_t i = 0; i < count; i++)
        list_push(*ret_list, value_int(range->start + (int64_t)i * range->step));
    return RC_OK;
}

static rc items_of_bytes(struct render *r, struct str bytes, struct value *ret_list,
                         struct err *err)
{
    TRY(spend(r, bytes.length, err));
    *ret_list = value_list_new(r->arena, bytes.length);
    for (size_t i = 0; i < bytes.length; i++)
        list_push(*ret_list, value_int((unsigned char)bytes.bytes[i]));
    return RC_OK;
}

rc value_items(struct render *r, struct value value, const struct value **ret_items,
               size_t *ret_count, struct err *err)
{
    struct value list = value;
    switch ((enum value_kind)value.kind) {
    case VALUE_UNDEFINED:
        if (value.undefined->kind == UNDEFINED_STRICT)
            return undefined_fail(value, err);
        *ret_items = NULL;
        *ret_count = 0;
        return RC_OK;
    case VALUE_LIST:
    case VALUE_TUPLE:
        break;
    case VALUE_DICT:
    case VALUE_SET:
        list = value_list_new(r->arena, dict_count(value));
        struct dict_entry *entry;
        for (size_t at = 0; dict_next(value, &at, &entry);)
            list_push(list, entry->key);
        break;
    case VALUE_STR:
        TRY(items_of_text(r, value, &list, err));
        break;
    case VALUE_BYTES:
        TRY(items_of_bytes(r, value_text(value), &list, err));
        break;
    case VALUE_RANGE:
        TRY(items_of_range(r, value.range, &list, err));
        break;
    case VALUE_OBJECT:
        if (value.object->class->iterate != NULL) {
            TRY(value.object->class->iterate(r, value.object, &list, err));
            if (list.kind != VALUE_LIST && list.kind != VALUE_TUPLE)
                return value_items(r, list, ret_items, ret_count, err);
            break;
        }
        __attribute__((fallthrough));
    default:
        return throw_error(err, "TypeError", "'%s' object is not iterable", value_type_name(value));
    }
    *ret_items = list.list->items;
    *ret_count = list.list->count;
    return RC_OK;
}

rc value_length(struct render *r, struct value value, size_t *ret_length, struct err *err)
{
    switch ((enum value_kind)value.kind) {
    case VALUE_UNDEFINED:
        if (value.undefined->kind == UNDEFINED_STRICT)
            return undefined_fail(value, err);
        *ret_length = 0;
        return RC_OK;
    case VALUE_LIST:
    case VALUE_TUPLE:
        *ret_length = value.list->count;
        return RC_OK;
    case VALUE_DICT:
    case VALUE_SET:
        *ret_length = dict_count(value);
        return RC_OK;
    case VALUE_STR:
        *ret_length = utf8_count(value_text(value));
        return RC_OK;
    case VALUE_BYTES:
        *ret_length = value.length;
        return RC_OK;
    case VALUE_RANGE:
        *ret_length = value_range_length(value.range);
        return RC_OK;
    case VALUE_OBJECT:
        if (value.object->class->length != NULL)
            return value.object->class->length(r, value.object, ret_length, err);
        break;
    default:
        break;
    }
    return throw_error(err, "TypeError", "object of type '%s' has no len()",
                       value_type_name(value));
}
