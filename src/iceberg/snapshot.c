/// Snapshots: JSON.

#include "iceberg/snapshot.h"

static rc parse_manifests(struct arena *arena, const struct json *json, struct snapshot *snapshot,
                          struct err *err)
{
    if (json == NULL || json->kind != JSON_ARRAY)
        return err_set(err, RC_INVALID, "expected \"manifest-list\" or \"manifests\"");
    struct str *manifests = ARENA_ARRAY(arena, struct str, json->count);
    for (size_t i = 0; i < json->count; i++) {
        if (json->items[i].kind != JSON_STRING)
            return err_set(err, RC_INVALID, "expected texts in \"manifests\"");
        manifests[i] = json->items[i].text;
    }
    snapshot->manifests = manifests;
    snapshot->manifest_count = json->count;
    return RC_OK;
}

static rc parse_summary(struct arena *arena, const struct json *json, struct snapshot *snapshot,
                        struct err *err)
{
    TRY_CONTEXT(properties_parse(arena, json, &snapshot->summary, err), err, "summary");
    // the reference implementation takes a missing operation for the widest one
    snapshot->operation = properties_get(&snapshot->summary, STR("operation"), STR("overwrite"));
    properties_remove(&snapshot->summary, STR("operation"));
    return RC_OK;
}

rc snapshot_parse(struct arena *arena, const struct json *json, struct snapshot *ret_snapshot,
                  struct err *err)
{
    struct snapshot snapshot = {0};
    if (!json_to_int64(json_get(json, STR("snapshot-id")), &snapshot.snapshot_id))
        return err_set(err, RC_INVALID, "expected a number for \"snapshot-id\" of a snapshot");
    if (!json_to_int64(json_get(json, STR("timestamp-ms")), &snapshot.timestamp_ms))
        return err_set(err, RC_INVALID, "snapshot %lld: expected a number for \"timestamp-ms\"",
                       (long long)snapshot.snapshot_id);
    snapshot.parent_id = json_int64(json_get(json, STR("parent-snapshot-id")), SNAPSHOT_NONE);
    snapshot.sequence_number = json_int64(json_get(json, STR("sequence-number")), 0);
    snapshot.schema_id = (int32_t)json_int64(json_get(json, STR("schema-id")), -1);
    snapshot.first_row_id = json_int64(json_get(json, STR("first-row-id")), -1);
    snapshot.added_rows = json_int64(json_get(json, STR("added-rows")), -1);
    snapshot.manifest_list = json_str(json_get(json, STR("manifest-list")), (struct str){0});
    rc code = parse_summary(arena, json_get(json, STR("summary")), &snapshot, err);
    if (code == RC_OK && snapshot.manifest_list.length == 0)
        code = parse_manifests(arena, json_get(json, STR("manifests")), &snapshot, err);
    if (code != RC_OK) {
        err_context(err, "snapshot %lld", (long long)snapshot.snapshot_id);
        return code;
    }
    *ret_snapshot = snapshot;
    return RC_OK;
}

static void write_summary(struct json_writer *w, const struct snapshot *snapshot)
{
    json_key(w, STR("summary"));
    json_begin_object(w);
    json_field_str(w, "operation", snapshot->operation);
    for (size_t i = 0; i < snapshot->summary.count; i++) {
        json_key(w, snapshot->summary.items[i].key);
        json_put_str(w, snapshot->summary.items[i].value);
    }
    json_end_object(w);
}

void snapshot_write(struct json_writer *w, const struct snapshot *snapshot, int format_version)
{
    json_begin_object(w);
    json_field_int64(w, "snapshot-id", snapshot->snapshot_id);
    if (snapshot->parent_id != SNAPSHOT_NONE)
        json_field_int64(w, "parent-snapshot-id", snapshot->parent_id);
    if (format_version > 1)
        json_field_int64(w, "sequence-number", snapshot->sequence_number);
    json_field_int64(w, "timestamp-ms", snapshot->timestamp_ms);
    write_summary(w, snapshot);
    if (snapshot->manifest_list.length > 0) {
        json_field_str(w, "manifest-list", snapshot->manifest_list);
    } else {
        json_key(w, STR("manifests"));
        json_begin_array(w);
        for (size_t i = 0; i < snapshot->manifest_count; i++)
            json_put_str(w, snapshot->manifests[i]);
        json_end_array(w);
    }
    if (snapshot->schema_id >= 0)
        json_field_int64(w, "schema-id", snapshot->schema_id);
    if (snapshot->first_row_id >= 0)
        json_field_int64(w, "first-row-id", snapshot->first_row_id);
    if (snapshot->added_rows >= 0)
        json_field_int64(w, "added-rows", snapshot->added_rows);
    json_end_object(w);
}
