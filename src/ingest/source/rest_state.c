// The state of a rest_api resource: {"incremental": {"<cursor_path>": {...}},
// "time_partition": {"<key>": [...]}}. Layer: ingest. Source: dlt's resource state; `per` keeps one
// cursor for each value under {"<cursor_path>": {"per": {"<value>": {...}}}}.

#include "ingest/source/rest.intern.h"

bool rest_has_state(const struct rest_resource *resource)
{
    return (resource->has_incremental && resource->incremental.end_value == NULL) ||
           resource->has_partition;
}

rc rest_state_read(struct rest_resource *resource, struct arena *arena, const struct json *state,
                   struct err *err)
{
    map_init(&resource->cursors, arena);
    resource->saved_cursors = (struct json){.kind = JSON_OBJECT};
    if (state != NULL && state->kind != JSON_OBJECT)
        return err_set(err, RC_INVALID, "the stored state of resource '%.*s' is no object",
                       STR_ARGS(resource->resource->name));
    const struct json *cursor =
        json_get(json_get(state, STR("incremental")), resource->incremental.cursor_path);
    if (resource->per.count > 0)
        cursor = json_get(cursor, STR("per"));
    if (cursor != NULL && resource->has_incremental && resource->per.count > 0)
        resource->saved_cursors = *cursor;
    else if (cursor != NULL && resource->has_incremental)
        *json_object_set(arena, &resource->saved_cursors, STR("")) = *cursor;
    return time_partition_set_read(
        &resource->closed, arena, resource->partition.unit,
        resource->has_partition ? json_get(state, STR("time_partition")) : NULL, err);
}

rc rest_cursor(struct rest_resource *resource, struct arena *arena, struct str key,
               struct incremental **ret_cursor, struct err *err)
{
    *ret_cursor = map_get(&resource->cursors, key);
    if (*ret_cursor != NULL)
        return RC_OK;
    TRY(incremental_open(arena, &resource->incremental, json_get(&resource->saved_cursors, key),
                         ret_cursor, err));
    map_set(&resource->cursors, arena_str(arena, key), *ret_cursor);
    return RC_OK;
}

struct json rest_state_write(const struct rest_resource *resource, struct arena *arena)
{
    struct json state = {.kind = JSON_OBJECT};
    if (resource->has_incremental && resource->incremental.end_value == NULL) {
        // Cursors of parents that this run has not met stay as they were.
        struct json all = {.kind = JSON_OBJECT};
        for (size_t i = 0; i < resource->saved_cursors.count; i++)
            *json_object_set(arena, &all, resource->saved_cursors.members[i].key) =
                resource->saved_cursors.members[i].value;
        for (size_t i = 0; i < resource->cursors.count; i++)
            if (resource->cursors.entries[i].value != NULL) // else its chain was cut short
                *json_object_set(arena, &all, resource->cursors.entries[i].key) =
                    incremental_state(resource->cursors.entries[i].value, arena);
        struct json cursor = {.kind = JSON_OBJECT};
        if (resource->per.count > 0)
            *json_object_set(arena, &cursor, STR("per")) = all;
        else if (all.count > 0)
            cursor = all.members[0].value;
        struct json *incremental = json_object_set(arena, &state, STR("incremental"));
        *incremental = (struct json){.kind = JSON_OBJECT};
        if (cursor.count > 0)
            *json_object_set(arena, incremental, resource->incremental.cursor_path) = cursor;
    }
    if (resource->has_partition)
        *json_object_set(arena, &state, STR("time_partition")) =
            time_partition_set_state(&resource->closed, arena);
    return state;
}

rc rest_per_key(const struct rest_resource *resource, struct arena *arena,
                const struct json *parent_record, struct str *ret_key, struct err *err)
{
    *ret_key = STR("");
    struct json values = {.kind = JSON_ARRAY};
    for (size_t i = 0; i < resource->per.count; i++) {
        const struct str field = resource->per.items[i];
        const struct json *value = json_get(parent_record, field);
        if (parent_record->kind != JSON_OBJECT && str_is(field, "value"))
            value = parent_record;
        if (value == NULL || value->kind == JSON_NULL)
            return err_set(err, RC_INVALID, "per: a record of '%.*s' has no '%.*s'",
                           STR_ARGS(resource->parent->resource->name), STR_ARGS(field));
        if (resource->per.count == 1 && value->kind == JSON_STRING) {
            *ret_key = arena_str(arena, value->text);
            return RC_OK;
        }
        *json_array_push(arena, &values) = *value;
    }
    if (resource->per.count == 1)
        *ret_key = json_print(arena, &values.items[0], JSON_COMPACT);
    else if (resource->per.count > 1)
        *ret_key = json_print(arena, &values, JSON_COMPACT);
    return RC_OK;
}
