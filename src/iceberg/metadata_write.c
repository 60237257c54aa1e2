/// Table metadata: writing, in the field order of the reference implementation.

#include "iceberg/metadata.h"

static void write_schemas(struct json_writer *w, const struct table_metadata *m)
{
    if (m->format_version == 1) {
        json_key(w, STR("schema"));
        schema_write(w, metadata_schema(m));
    }
    json_field_int64(w, "current-schema-id", m->current_schema_id);
    json_key(w, STR("schemas"));
    json_begin_array(w);
    for (size_t i = 0; i < m->schema_count; i++)
        schema_write(w, &m->schemas[i]);
    json_end_array(w);
}

static void write_specs(struct json_writer *w, const struct table_metadata *m)
{
    if (m->format_version == 1) {
        json_key(w, STR("partition-spec"));
        partition_spec_write_fields(w, metadata_spec(m));
    }
    json_field_int64(w, "default-spec-id", m->default_spec_id);
    json_key(w, STR("partition-specs"));
    json_begin_array(w);
    for (size_t i = 0; i < m->spec_count; i++)
        partition_spec_write(w, &m->specs[i]);
    json_end_array(w);
    json_field_int64(w, "last-partition-id", m->last_partition_id);
}

static void write_sort_orders(struct json_writer *w, const struct table_metadata *m)
{
    json_field_int64(w, "default-sort-order-id", m->default_sort_order_id);
    json_key(w, STR("sort-orders"));
    json_begin_array(w);
    for (size_t i = 0; i < m->sort_order_count; i++)
        sort_order_write(w, &m->sort_orders[i]);
    json_end_array(w);
}

static void write_ref(struct json_writer *w, const struct snapshot_ref *ref)
{
    json_key(w, ref->name);
    json_begin_object(w);
    json_field_int64(w, "snapshot-id", ref->snapshot_id);
    json_field_str(w, "type", ref->is_tag ? STR("tag") : STR("branch"));
    if (ref->min_snapshots_to_keep > 0)
        json_field_int64(w, "min-snapshots-to-keep", ref->min_snapshots_to_keep);
    if (ref->max_snapshot_age_ms > 0)
        json_field_int64(w, "max-snapshot-age-ms", ref->max_snapshot_age_ms);
    if (ref->max_ref_age_ms > 0)
        json_field_int64(w, "max-ref-age-ms", ref->max_ref_age_ms);
    json_end_object(w);
}

static void write_snapshots(struct json_writer *w, const struct table_metadata *m)
{
    // "none" is -1 up to version 2 and null in version 3
    if (m->format_version > 2 && m->current_snapshot_id == SNAPSHOT_NONE) {
        json_key(w, STR("current-snapshot-id"));
        json_put_null(w);
    } else {
        json_field_int64(w, "current-snapshot-id", m->current_snapshot_id);
    }
    if (m->format_version > 2)
        json_field_int64(w, "next-row-id", m->next_row_id);
    if (m->encryption_keys != NULL) {
        json_key(w, STR("encryption-keys"));
        json_put(w, m->encryption_keys);
    }
    json_key(w, STR("refs"));
    json_begin_object(w);
    for (size_t i = 0; i < m->ref_count; i++)
        write_ref(w, &m->refs[i]);
    json_end_object(w);
    json_key(w, STR("snapshots"));
    json_begin_array(w);
    for (size_t i = 0; i < m->snapshot_count; i++)
        snapshot_write(w, &m->snapshots[i], m->format_version);
    json_end_array(w);
}

static void write_statistics(struct json_writer *w, const char *key,
                             const struct statistics_file *files, size_t count)
{
    json_key(w, str_of(key));
    json_begin_array(w);
    for (size_t i = 0; i < count; i++)
        json_put(w, files[i].json);
    json_end_array(w);
}

static void write_logs(struct json_writer *w, const struct table_metadata *m)
{
    json_key(w, STR("snapshot-log"));
    json_begin_array(w);
    for (size_t i = 0; i < m->snapshot_log_count; i++) {
        json_begin_object(w);
        json_field_int64(w, "timestamp-ms", m->snapshot_log[i].timestamp_ms);
        json_field_int64(w, "snapshot-id", m->snapshot_log[i].snapshot_id);
        json_end_object(w);
    }
    json_end_array(w);
    json_key(w, STR("metadata-log"));
    json_begin_array(w);
    for (size_t i = 0; i < m->metadata_log_count; i++) {
        json_begin_object(w);
        json_field_int64(w, "timestamp-ms", m->metadata_log[i].timestamp_ms);
        json_field_str(w, "metadata-file", m->metadata_log[i].metadata_file);
        json_end_object(w);
    }
    json_end_array(w);
}

void metadata_write(struct buf *to, const struct table_metadata *m)
{
    struct json_writer writer, *w = &writer;
    json_writer_init(w, to, JSON_COMPACT);
    json_begin_object(w);
    json_field_int64(w, "format-version", m->format_version);
    if (m->table_uuid.length > 0)
        json_field_str(w, "table-uuid", m->table_uuid);
    json_field_str(w, "location", m->location);
    if (m->format_version > 1)
        json_field_int64(w, "last-sequence-number", m->last_sequence_number);
    json_field_int64(w, "last-updated-ms", m->last_updated_ms);
    json_field_int64(w, "last-column-id", m->last_column_id);
    write_schemas(w, m);
    write_specs(w, m);
    write_sort_orders(w, m);
    json_key(w, STR("properties"));
    properties_write(w, &m->properties);
    write_snapshots(w, m);
    write_statistics(w, "statistics", m->statistics, m->statistics_count);
    write_statistics(w, "partition-statistics", m->partition_statistics,
                     m->partition_statistics_count);
    write_logs(w, m);
    json_end_object(w);
}
