/// @file load_state.c
/// The cursors of resources: in the summaries of a root table's snapshots, and as properties.
/// Layer: ingest.

#include "base/hash.h"
#include "ingest/load.intern.h"
#include "store/store.h"

enum { STATE_INLINE_BYTES = 32 << 10, STATE_MAX_BYTES = 64 << 20 };

/// State texts that are too long for a summary lie in a file of their own.
rc load_store_state(struct load *load, struct str text, struct str *ret_text, struct err *err)
{
    if (text.length <= STATE_INLINE_BYTES) {
        *ret_text = text;
        return RC_OK;
    }
    struct arena *arena = load->arena;
    const struct str name = arena_printf(arena, "_moulin/state/%.*s.json",
                                         STR_ARGS(hash_hex(arena, hash_of(HASH_SHA256, text))));
    struct str uri;
    TRY(store_join(arena, load->options->warehouse, name, &uri, err));
    TRY(store_put(load->options->store, uri, text, (struct store_put_options){0}, err));
    struct json reference = {.kind = JSON_OBJECT};
    *json_object_set(arena, &reference, STR("$ref")) = json_of_str(name);
    *ret_text = json_print(arena, &reference, JSON_COMPACT);
    return RC_OK;
}

static rc state_parse(struct load *load, struct str text, const char *place, struct json *ret_state,
                      struct err *err)
{
    struct json state;
    TRY_CONTEXT(json_parse(load->arena, text, place, &state, err), err, "the stored state");
    const struct json *reference = json_get(&state, STR("$ref"));
    if (reference == NULL) {
        *ret_state = state;
        return RC_OK;
    }
    struct str uri, long_text;
    TRY(store_join(load->arena, load->options->warehouse, json_str(reference, STR("")), &uri, err));
    TRY_CONTEXT(store_get(load->options->store, load->arena, uri, STATE_MAX_BYTES, &long_text, err),
                err, "the stored state");
    return json_parse(load->arena, long_text, place, ret_state, err);
}

struct str load_state_property(const struct load *load, const struct resource *resource)
{
    return arena_printf(load->arena, "moulin.state.%.*s.%.*s", STR_ARGS(load->options->source_name),
                        STR_ARGS(resource->name));
}

/// The state kept as a property, for tables whose snapshots with state have expired.
static rc state_of_property(struct load *load, struct load_resource *r, struct err *err)
{
    const struct table_metadata *metadata = r->table->table.metadata;
    const struct str name = load_state_property(load, r->resource);
    const struct str text = properties_get(&metadata->properties, name, STR(""));
    if (text.length == 0)
        return RC_OK;
    struct json copy;
    TRY(state_parse(load, text, "table property", &copy, err));
    const struct str load_id = json_str(json_get(&copy, STR("load_id")), STR(""));
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        const struct snapshot *snapshot = &metadata->snapshots[i];
        if (!str_equal(properties_get(&snapshot->summary, load_id_key, STR("")), load_id) ||
            metadata_is_ancestor(metadata, snapshot->snapshot_id, metadata->current_snapshot_id))
            continue;
        err_set(err, RC_REFUSED,
                "table %.*s was rolled back to before every snapshot that carries the cursor of "
                "resource %.*s",
                STR_ARGS(r->table->name), STR_ARGS(r->resource->name));
        return err_hint(err,
                        "to load everything again: ingest --full-refresh; to keep the cursor: roll "
                        "forward to snapshot %lld",
                        (long long)snapshot->snapshot_id);
    }
    const struct json *state = json_get(&copy, STR("state"));
    if (state != NULL) {
        r->state = *state;
        r->has_state = true;
    }
    return RC_OK;
}

rc load_read_state(struct load *load, struct load_resource *r, struct err *err)
{
    if (!r->table->exists)
        return RC_OK;
    const struct str text = table_summary_value(&r->table->table, load_state_key);
    if (text.length > 0) {
        struct json all;
        TRY_CONTEXT(state_parse(load, text, "snapshot summary", &all, err), err, "table %.*s",
                    STR_ARGS(r->table->name));
        const struct json *state = json_get(&all, r->resource->name);
        if (state != NULL) {
            r->state = *state;
            r->has_state = true;
        }
    } else if (!load->options->is_full_refresh) {
        TRY(state_of_property(load, r, err));
    }
    if (r->has_state)
        r->base_state = json_print(load->arena, &r->state, JSON_COMPACT);
    if (load->options->is_full_refresh)
        r->has_state = false;
    return RC_OK;
}

bool load_has_new_state(const struct load *load, const struct load_resource *r)
{
    if (!r->has_state)
        return false;
    return !str_equal(json_print(load->arena, &r->state, JSON_COMPACT), r->base_state);
}

/// The whole `moulin.state` of a root table: what it had, with the resources of this run.
rc load_state_text(struct load *load, const struct landing_table *table, struct str *ret_text,
                   struct err *err)
{
    struct json all = {.kind = JSON_OBJECT};
    if (table->exists) {
        const struct str old = table_summary_value(&table->table, load_state_key);
        if (old.length > 0)
            TRY(state_parse(load, old, "snapshot summary", &all, err));
    }
    for (size_t i = 0; i < load->resource_count; i++) {
        const struct load_resource *r = &load->resources[i];
        if (r->table == table && r->has_state)
            *json_object_set(load->arena, &all, r->resource->name) = r->state;
    }
    *ret_text = STR("");
    return all.count == 0
               ? RC_OK
               : load_store_state(load, json_print(load->arena, &all, JSON_COMPACT), ret_text, err);
}
