/// Ordered text map on a vector.

#include "iceberg/properties.h"

static struct property *find(const struct properties *properties, struct str key)
{
    for (size_t i = 0; i < properties->count; i++)
        if (str_equal(properties->items[i].key, key))
            return &properties->items[i];
    return NULL;
}

struct str properties_get(const struct properties *properties, struct str key, struct str fallback)
{
    const struct property *found = find(properties, key);
    return found != NULL ? found->value : fallback;
}

bool properties_has(const struct properties *properties, struct str key)
{
    return find(properties, key) != NULL;
}

int64_t properties_int64(const struct properties *properties, struct str key, int64_t fallback)
{
    const struct property *found = find(properties, key);
    int64_t number;
    return found != NULL && str_to_int64(found->value, &number) ? number : fallback;
}

bool properties_bool(const struct properties *properties, struct str key, bool fallback)
{
    const struct property *found = find(properties, key);
    return found != NULL ? str_equal_ignore_case(found->value, STR("true")) : fallback;
}

void properties_set(struct arena *arena, struct properties *properties, struct str key,
                    struct str value)
{
    struct property *found = find(properties, key);
    if (found == NULL) {
        found = vec_push(arena, properties);
        found->key = arena_str(arena, key);
    }
    found->value = arena_str(arena, value);
}

void properties_set_int64(struct arena *arena, struct properties *properties, struct str key,
                          int64_t value)
{
    properties_set(arena, properties, key, arena_printf(arena, "%lld", (long long)value));
}

bool properties_remove(struct properties *properties, struct str key)
{
    struct property *found = find(properties, key);
    if (found == NULL)
        return false;
    const size_t at = (size_t)(found - properties->items);
    memmove(found, found + 1, (properties->count - at - 1) * sizeof *found);
    properties->count--;
    return true;
}

struct properties properties_copy(struct arena *arena, const struct properties *from)
{
    struct properties copy = {0};
    for (size_t i = 0; i < from->count; i++)
        *vec_push(arena, &copy) = (struct property){arena_str(arena, from->items[i].key),
                                                    arena_str(arena, from->items[i].value)};
    return copy;
}

rc properties_parse(struct arena *arena, const struct json *json, struct properties *ret_properties,
                    struct err *err)
{
    struct properties found = {0};
    if (json != NULL && json->kind == JSON_OBJECT) {
        for (size_t i = 0; i < json->count; i++) {
            const struct json_member *member = &json->members[i];
            // null is written by some tools for "not set"
            if (member->value.kind == JSON_NULL)
                continue;
            if (member->value.kind != JSON_STRING)
                return err_set(err, RC_INVALID, "expected a text for property \"%.*s\"",
                               STR_ARGS(member->key));
            properties_set(arena, &found, member->key, member->value.text);
        }
    } else if (json != NULL && json->kind != JSON_NULL) {
        return err_set(err, RC_INVALID, "expected an object of texts");
    }
    *ret_properties = found;
    return RC_OK;
}

void properties_write(struct json_writer *writer, const struct properties *properties)
{
    json_begin_object(writer);
    for (size_t i = 0; i < properties->count; i++) {
        json_key(writer, properties->items[i].key);
        json_put_str(writer, properties->items[i].value);
    }
    json_end_object(writer);
}
