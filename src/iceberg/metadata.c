/// Table metadata: reading with the checks of the spec, lookups, new tables. Writing:
/// metadata_write.c.

#include "iceberg/metadata.h"

enum { LOG_TOLERANCE_MS = 60 * 1000, MAX_ITEMS = 1000000 };

// Reading

struct metadata_reader {
    struct arena *arena;
    const struct json *json;
    struct table_metadata *metadata;
    struct err *err;
};

static rc need_int64(const struct metadata_reader *r, const char *key, int64_t *ret_number)
{
    if (json_to_int64(json_get(r->json, str_of(key)), ret_number))
        return RC_OK;
    return err_set(r->err, RC_INVALID, "expected a number for \"%s\"", key);
}

static rc need_int32(const struct metadata_reader *r, const char *key, int32_t *ret_number)
{
    int64_t number;
    TRY(need_int64(r, key, &number));
    if (number < INT32_MIN || number > INT32_MAX)
        return err_set(r->err, RC_INVALID, "\"%s\" is out of range: %lld", key, (long long)number);
    *ret_number = (int32_t)number;
    return RC_OK;
}

static rc need_text(const struct metadata_reader *r, const char *key, struct str *ret_text)
{
    const struct json *value = json_get(r->json, str_of(key));
    if (value == NULL || value->kind != JSON_STRING)
        return err_set(r->err, RC_INVALID, "expected a text for \"%s\"", key);
    *ret_text = value->text;
    return RC_OK;
}

/// @return an array's member or NULL when absent or null; another kind is an error
static rc get_array(const struct metadata_reader *r, const char *key, const struct json **ret_array)
{
    const struct json *value = json_get(r->json, str_of(key));
    if (value != NULL && value->kind == JSON_NULL)
        value = NULL;
    if (value != NULL && (value->kind != JSON_ARRAY || value->count > MAX_ITEMS))
        return err_set(r->err, RC_INVALID, "expected an array for \"%s\"", key);
    *ret_array = value;
    return RC_OK;
}

static rc need_array(const struct metadata_reader *r, const char *key,
                     const struct json **ret_array)
{
    TRY(get_array(r, key, ret_array));
    if (*ret_array == NULL || (*ret_array)->count == 0)
        return err_set(r->err, RC_INVALID, "expected a filled array for \"%s\"", key);
    return RC_OK;
}

static rc read_schemas(const struct metadata_reader *r)
{
    struct table_metadata *m = r->metadata;
    const struct json *list;
    TRY(get_array(r, "schemas", &list));
    if (m->format_version > 1 && (list == NULL || list->count == 0))
        return need_array(r, "schemas", &list);
    struct schema *schemas =
        ARENA_ARRAY(r->arena, struct schema, list != NULL && list->count > 0 ? list->count : 1);
    m->schemas = schemas;
    if (list == NULL || list->count == 0) { // v1: one schema, its id is 0 when it has none
        m->schema_count = 1;
        TRY_CONTEXT(schema_parse(r->arena, json_get(r->json, STR("schema")), schemas, r->err),
                    r->err, "schema");
        m->current_schema_id = schemas[0].schema_id;
        return RC_OK;
    }
    m->schema_count = list->count;
    for (size_t i = 0; i < list->count; i++)
        TRY_CONTEXT(schema_parse(r->arena, &list->items[i], &schemas[i], r->err), r->err,
                    "schema number %zu", i + 1);
    TRY(need_int32(r, "current-schema-id", &m->current_schema_id));
    if (metadata_schema_by_id(m, m->current_schema_id) == NULL)
        return err_set(r->err, RC_INVALID, "the current schema %d is not among the schemas",
                       m->current_schema_id);
    return RC_OK;
}

static int32_t max_partition_field_id(const struct table_metadata *m)
{
    int32_t max = PARTITION_FIELD_FIRST_ID - 1;
    for (size_t s = 0; s < m->spec_count; s++)
        for (size_t i = 0; i < m->specs[s].field_count; i++)
            if (m->specs[s].fields[i].field_id > max)
                max = m->specs[s].fields[i].field_id;
    return max;
}

static rc read_specs(const struct metadata_reader *r)
{
    struct table_metadata *m = r->metadata;
    const struct json *list;
    TRY(get_array(r, "partition-specs", &list));
    if (m->format_version > 1 && (list == NULL || list->count == 0))
        return need_array(r, "partition-specs", &list);
    const bool is_single = list == NULL || list->count == 0;
    m->spec_count = is_single ? 1 : list->count;
    struct partition_spec *specs = ARENA_ARRAY(r->arena, struct partition_spec, m->spec_count);
    m->specs = specs;
    if (is_single) {
        TRY_CONTEXT(partition_spec_parse_fields(r->arena, json_get(r->json, STR("partition-spec")),
                                                specs, r->err),
                    r->err, "partition-spec");
    } else {
        for (size_t i = 0; i < list->count; i++)
            TRY(partition_spec_parse(r->arena, &list->items[i], &specs[i], r->err));
        TRY(need_int32(r, "default-spec-id", &m->default_spec_id));
    }
    if (metadata_spec_by_id(m, m->default_spec_id) == NULL)
        return err_set(r->err, RC_INVALID, "the default partition spec %d is not among the specs",
                       m->default_spec_id);
    m->last_partition_id = max_partition_field_id(m);
    if (m->format_version > 1 || json_get(r->json, STR("last-partition-id")) != NULL)
        TRY(need_int32(r, "last-partition-id", &m->last_partition_id));
    return RC_OK;
}

static rc read_sort_orders(const struct metadata_reader *r)
{
    struct table_metadata *m = r->metadata;
    const struct json *list;
    TRY(get_array(r, "sort-orders", &list));
    if (m->format_version > 1 && list == NULL)
        return need_array(r, "sort-orders", &list);
    const bool is_absent = list == NULL || list->count == 0;
    m->sort_order_count = is_absent ? 1 : list->count;
    struct sort_order *orders = ARENA_ARRAY(r->arena, struct sort_order, m->sort_order_count);
    m->sort_orders = orders;
    if (is_absent)
        return RC_OK; // unsorted, id 0
    for (size_t i = 0; i < list->count; i++)
        TRY(sort_order_parse(r->arena, &list->items[i], &orders[i], r->err));
    TRY(need_int32(r, "default-sort-order-id", &m->default_sort_order_id));
    if (metadata_sort_order_by_id(m, m->default_sort_order_id) == NULL)
        return err_set(r->err, RC_INVALID, "the default sort order %d is not among the orders",
                       m->default_sort_order_id);
    return RC_OK;
}

static rc read_snapshots(const struct metadata_reader *r)
{
    struct table_metadata *m = r->metadata;
    const struct json *list;
    TRY(get_array(r, "snapshots", &list));
    m->snapshot_count = list != NULL ? list->count : 0;
    struct snapshot *snapshots = ARENA_ARRAY(r->arena, struct snapshot, m->snapshot_count);
    m->snapshots = snapshots;
    for (size_t i = 0; i < m->snapshot_count; i++)
        TRY(snapshot_parse(r->arena, &list->items[i], &snapshots[i], r->err));
    m->current_snapshot_id =
        json_int64(json_get(r->json, STR("current-snapshot-id")), SNAPSHOT_NONE);
    if (m->current_snapshot_id != SNAPSHOT_NONE &&
        metadata_snapshot_by_id(m, m->current_snapshot_id) == NULL)
        return err_set(r->err, RC_INVALID, "the current snapshot %lld is not among the snapshots",
                       (long long)m->current_snapshot_id);
    return RC_OK;
}

static rc read_ref(const struct metadata_reader *r, const struct json_member *member,
                   struct snapshot_ref *ref)
{
    const struct json *json = &member->value;
    const struct str type = json_str(json_get(json, STR("type")), (struct str){0});
    ref->name = member->key;
    ref->is_tag = str_is(type, "tag");
    if (!ref->is_tag && !str_is(type, "branch"))
        return err_set(r->err, RC_INVALID, "ref \"%.*s\": expected type branch or tag",
                       STR_ARGS(ref->name));
    if (!json_to_int64(json_get(json, STR("snapshot-id")), &ref->snapshot_id) ||
        metadata_snapshot_by_id(r->metadata, ref->snapshot_id) == NULL)
        return err_set(r->err, RC_INVALID, "ref \"%.*s\" names no snapshot of this table",
                       STR_ARGS(ref->name));
    ref->min_snapshots_to_keep = json_int64(json_get(json, STR("min-snapshots-to-keep")), 0);
    ref->max_snapshot_age_ms = json_int64(json_get(json, STR("max-snapshot-age-ms")), 0);
    ref->max_ref_age_ms = json_int64(json_get(json, STR("max-ref-age-ms")), 0);
    return RC_OK;
}

static rc read_refs(const struct metadata_reader *r)
{
    struct table_metadata *m = r->metadata;
    const struct json *json = json_get(r->json, STR("refs"));
    const size_t given = json != NULL && json->kind == JSON_OBJECT ? json->count : 0;
    struct snapshot_ref *refs = ARENA_ARRAY(r->arena, struct snapshot_ref, given + 1);
    m->refs = refs;
    for (size_t i = 0; i < given; i++)
        TRY(read_ref(r, &json->members[i], &refs[m->ref_count++]));
    const struct snapshot_ref *main = metadata_ref(m, STR(REF_MAIN));
    if (main != NULL && main->is_tag)
        return err_set(r->err, RC_INVALID, "ref main must be a branch, it is a tag");
    if (main == NULL && m->current_snapshot_id != SNAPSHOT_NONE)
        refs[m->ref_count++] =
            (struct snapshot_ref){.name = STR(REF_MAIN), .snapshot_id = m->current_snapshot_id};
    else if (main != NULL && main->snapshot_id != m->current_snapshot_id) {
        if (m->current_snapshot_id != SNAPSHOT_NONE)
            return err_set(r->err, RC_INVALID,
                           "ref main is at snapshot %lld, but the current snapshot is %lld",
                           (long long)main->snapshot_id, (long long)m->current_snapshot_id);
        m->current_snapshot_id = main->snapshot_id;
    }
    return RC_OK;
}

static rc read_logs(const struct metadata_reader *r)
{
    struct table_metadata *m = r->metadata;
    const struct json *list;
    TRY(get_array(r, "snapshot-log", &list));
    m->snapshot_log_count = list != NULL ? list->count : 0;
    struct snapshot_log_entry *log =
        ARENA_ARRAY(r->arena, struct snapshot_log_entry, m->snapshot_log_count);
    m->snapshot_log = log;
    for (size_t i = 0; i < m->snapshot_log_count; i++) {
        if (!json_to_int64(json_get(&list->items[i], STR("timestamp-ms")), &log[i].timestamp_ms) ||
            !json_to_int64(json_get(&list->items[i], STR("snapshot-id")), &log[i].snapshot_id))
            return err_set(r->err, RC_INVALID, "snapshot-log entry %zu is incomplete", i + 1);
        if (i > 0 && log[i].timestamp_ms < log[i - 1].timestamp_ms - LOG_TOLERANCE_MS)
            return err_set(r->err, RC_INVALID, "snapshot-log is not in the order of time");
    }
    TRY(get_array(r, "metadata-log", &list));
    m->metadata_log_count = list != NULL ? list->count : 0;
    struct metadata_log_entry *files =
        ARENA_ARRAY(r->arena, struct metadata_log_entry, m->metadata_log_count);
    m->metadata_log = files;
    for (size_t i = 0; i < m->metadata_log_count; i++) {
        const struct json *item = &list->items[i];
        files[i].metadata_file = json_str(json_get(item, STR("metadata-file")), (struct str){0});
        if (!json_to_int64(json_get(item, STR("timestamp-ms")), &files[i].timestamp_ms) ||
            files[i].metadata_file.length == 0)
            return err_set(r->err, RC_INVALID, "metadata-log entry %zu is incomplete", i + 1);
        if (i > 0 && files[i].timestamp_ms < files[i - 1].timestamp_ms - LOG_TOLERANCE_MS)
            return err_set(r->err, RC_INVALID, "metadata-log is not in the order of time");
    }
    return RC_OK;
}

static rc read_statistics(const struct metadata_reader *r, const char *key,
                          const struct statistics_file **ret_files, size_t *ret_count)
{
    const struct json *list;
    TRY(get_array(r, key, &list));
    const size_t count = list != NULL ? list->count : 0;
    struct statistics_file *files = ARENA_ARRAY(r->arena, struct statistics_file, count);
    for (size_t i = 0; i < count; i++) {
        files[i].json = &list->items[i];
        files[i].path = json_str(json_get(files[i].json, STR("statistics-path")), (struct str){0});
        if (!json_to_int64(json_get(files[i].json, STR("snapshot-id")), &files[i].snapshot_id) ||
            files[i].path.length == 0)
            return err_set(r->err, RC_INVALID, "%s entry %zu is incomplete", key, i + 1);
    }
    *ret_files = files;
    *ret_count = count;
    return RC_OK;
}

static rc read_head(const struct metadata_reader *r)
{
    struct table_metadata *m = r->metadata;
    int64_t version;
    TRY(need_int64(r, "format-version", &version));
    if (version < 1 || version > METADATA_MAX_VERSION)
        return err_set(r->err, RC_UNSUPPORTED,
                       "format version %lld is not known, this program reads versions 1 to %d",
                       (long long)version, METADATA_MAX_VERSION);
    m->format_version = (int)version;
    m->table_uuid = json_str(json_get(r->json, STR("table-uuid")), (struct str){0});
    if (version > 1)
        TRY(need_text(r, "table-uuid", &m->table_uuid));
    TRY(need_text(r, "location", &m->location));
    while (m->location.length > 1 && str_has_suffix(m->location, STR("/")))
        m->location.length--;
    if (version > 1)
        TRY(need_int64(r, "last-sequence-number", &m->last_sequence_number));
    // Some writers of early v3 tables left it out: nothing was numbered then.
    if (version > 2 && json_get(r->json, STR("next-row-id")) != NULL)
        TRY(need_int64(r, "next-row-id", &m->next_row_id));
    TRY(need_int64(r, "last-updated-ms", &m->last_updated_ms));
    return need_int32(r, "last-column-id", &m->last_column_id);
}

static rc read_all(const struct metadata_reader *r)
{
    struct table_metadata *m = r->metadata;
    if (r->json->kind != JSON_OBJECT)
        return err_set(r->err, RC_INVALID, "expected a JSON object");
    TRY(read_head(r));
    TRY(read_schemas(r));
    TRY(read_specs(r));
    TRY(read_sort_orders(r));
    TRY_CONTEXT(
        properties_parse(r->arena, json_get(r->json, STR("properties")), &m->properties, r->err),
        r->err, "properties");
    TRY(read_snapshots(r));
    TRY(read_refs(r));
    TRY(read_logs(r));
    TRY(read_statistics(r, "statistics", &m->statistics, &m->statistics_count));
    TRY(read_statistics(r, "partition-statistics", &m->partition_statistics,
                        &m->partition_statistics_count));
    m->encryption_keys = json_get(r->json, STR("encryption-keys"));
    return RC_OK;
}

rc metadata_parse(struct arena *arena, struct str text, const char *place,
                  struct table_metadata *ret_metadata, struct err *err)
{
    if (text.length > METADATA_MAX_BYTES)
        return err_set(err, RC_LIMIT, "%s: table metadata of %zu bytes, at most %d are read", place,
                       text.length, METADATA_MAX_BYTES);
    struct json *json = ARENA_NEW(arena, struct json);
    TRY(json_parse(arena, arena_str(arena, text), place, json, err));
    struct table_metadata metadata = {.current_snapshot_id = SNAPSHOT_NONE};
    const struct metadata_reader reader = {arena, json, &metadata, err};
    TRY_CONTEXT(read_all(&reader), err, "%s", place);
    *ret_metadata = metadata;
    return RC_OK;
}

// Lookups

const struct schema *metadata_schema_by_id(const struct table_metadata *m, int32_t id)
{
    for (size_t i = 0; i < m->schema_count; i++)
        if (m->schemas[i].schema_id == id)
            return &m->schemas[i];
    return NULL;
}

const struct partition_spec *metadata_spec_by_id(const struct table_metadata *m, int32_t id)
{
    for (size_t i = 0; i < m->spec_count; i++)
        if (m->specs[i].spec_id == id)
            return &m->specs[i];
    return NULL;
}

const struct sort_order *metadata_sort_order_by_id(const struct table_metadata *m, int32_t id)
{
    for (size_t i = 0; i < m->sort_order_count; i++)
        if (m->sort_orders[i].order_id == id)
            return &m->sort_orders[i];
    return NULL;
}

const struct schema *metadata_schema(const struct table_metadata *m)
{
    return metadata_schema_by_id(m, m->current_schema_id);
}

const struct partition_spec *metadata_spec(const struct table_metadata *m)
{
    return metadata_spec_by_id(m, m->default_spec_id);
}

const struct sort_order *metadata_sort_order(const struct table_metadata *m)
{
    return metadata_sort_order_by_id(m, m->default_sort_order_id);
}

const struct snapshot *metadata_snapshot_by_id(const struct table_metadata *m, int64_t id)
{
    // the wanted one is mostly among the newest
    for (size_t i = m->snapshot_count; i-- > 0;)
        if (m->snapshots[i].snapshot_id == id)
            return &m->snapshots[i];
    return NULL;
}

const struct snapshot *metadata_current_snapshot(const struct table_metadata *m)
{
    return m->current_snapshot_id == SNAPSHOT_NONE
               ? NULL
               : metadata_snapshot_by_id(m, m->current_snapshot_id);
}

const struct snapshot_ref *metadata_ref(const struct table_metadata *m, struct str name)
{
    for (size_t i = 0; i < m->ref_count; i++)
        if (str_equal(m->refs[i].name, name))
            return &m->refs[i];
    return NULL;
}

const struct snapshot *metadata_snapshot_as_of(const struct table_metadata *m, int64_t timestamp_ms)
{
    const struct snapshot_log_entry *found = NULL;
    for (size_t i = 0; i < m->snapshot_log_count; i++)
        if (m->snapshot_log[i].timestamp_ms <= timestamp_ms)
            found = &m->snapshot_log[i];
    return found == NULL ? NULL : metadata_snapshot_by_id(m, found->snapshot_id);
}

const struct schema *metadata_schema_of_snapshot(const struct table_metadata *m,
                                                 const struct snapshot *snapshot)
{
    const struct schema *schema =
        snapshot != NULL ? metadata_schema_by_id(m, snapshot->schema_id) : NULL;
    return schema != NULL ? schema : metadata_schema(m);
}

const struct snapshot *metadata_parent(const struct table_metadata *m,
                                       const struct snapshot *snapshot)
{
    return snapshot->parent_id == SNAPSHOT_NONE ? NULL
                                                : metadata_snapshot_by_id(m, snapshot->parent_id);
}

bool metadata_is_ancestor(const struct table_metadata *m, int64_t ancestor_id, int64_t snapshot_id)
{
    const struct snapshot *at = metadata_snapshot_by_id(m, snapshot_id);
    // a damaged history may go in circles
    for (size_t steps = 0; at != NULL && steps <= m->snapshot_count; steps++) {
        if (at->snapshot_id == ancestor_id)
            return true;
        at = metadata_parent(m, at);
    }
    return false;
}

// New tables

/// Where a field of the given schema went in the schema with fresh ids: both have the same paths.
static rc translate_id(struct arena *arena, const struct schema *given, const struct schema *fresh,
                       int32_t id, int32_t *ret_id, struct err *err)
{
    const struct str path = id > 0 ? schema_path_of(arena, given, id) : (struct str){0};
    const struct field *field = path.length > 0 ? schema_field_by_name(fresh, path) : NULL;
    if (field == NULL)
        return err_set(err, RC_INVALID, "no column of the new table has the id %d", id);
    *ret_id = field->id;
    return RC_OK;
}

static rc create_spec(struct arena *arena, const struct table_definition *definition,
                      struct table_metadata *m, struct err *err)
{
    struct partition_spec *spec = ARENA_NEW(arena, struct partition_spec);
    struct partition_field *fields =
        ARENA_ARRAY(arena, struct partition_field, definition->spec.field_count);
    m->last_partition_id = PARTITION_FIELD_FIRST_ID - 1;
    for (size_t i = 0; i < definition->spec.field_count; i++) {
        fields[i] = definition->spec.fields[i];
        fields[i].name = arena_str(arena, fields[i].name);
        fields[i].field_id = ++m->last_partition_id;
        TRY_CONTEXT(translate_id(arena, &definition->schema, &m->schemas[0], fields[i].source_id,
                                 &fields[i].source_id, err),
                    err, "partition field \"%.*s\"", STR_ARGS(fields[i].name));
        struct type result;
        TRY_CONTEXT(
            transform_result_type(fields[i].transform,
                                  &schema_field_by_id(&m->schemas[0], fields[i].source_id)->type,
                                  &result, err),
            err, "partition field \"%.*s\"", STR_ARGS(fields[i].name));
    }
    *spec = (struct partition_spec){
        .spec_id = 0, .fields = fields, .field_count = definition->spec.field_count};
    m->specs = spec;
    m->spec_count = 1;
    return RC_OK;
}

static rc create_sort_order(struct arena *arena, const struct table_definition *definition,
                            struct table_metadata *m, struct err *err)
{
    const size_t count = definition->order.field_count;
    struct sort_order *order = ARENA_NEW(arena, struct sort_order);
    struct sort_field *fields = ARENA_ARRAY(arena, struct sort_field, count);
    for (size_t i = 0; i < count; i++) {
        fields[i] = definition->order.fields[i];
        TRY_CONTEXT(translate_id(arena, &definition->schema, &m->schemas[0], fields[i].source_id,
                                 &fields[i].source_id, err),
                    err, "sort field %zu", i + 1);
    }
    *order =
        (struct sort_order){.order_id = count > 0 ? 1 : 0, .fields = fields, .field_count = count};
    m->sort_orders = order;
    m->sort_order_count = 1;
    m->default_sort_order_id = order->order_id;
    return RC_OK;
}

rc metadata_create(struct arena *arena, const struct table_definition *definition,
                   struct str location, struct str uuid, int64_t now_ms,
                   struct table_metadata *ret_metadata, struct err *err)
{
    struct table_metadata m = {.format_version = definition->format_version,
                               .table_uuid = arena_str(arena, uuid),
                               .location = arena_str(arena, location),
                               .last_updated_ms = now_ms,
                               .current_snapshot_id = SNAPSHOT_NONE};
    if (m.format_version == 0)
        m.format_version = METADATA_WRITE_VERSION;
    if (m.format_version != METADATA_WRITE_VERSION)
        return err_set(err, RC_UNSUPPORTED,
                       "tables of format version %d cannot be made, this program writes version %d",
                       m.format_version, METADATA_WRITE_VERSION);
    while (m.location.length > 1 && str_has_suffix(m.location, STR("/")))
        m.location.length--;
    struct schema *schema = ARENA_NEW(arena, struct schema);
    *schema = schema_assign_ids(arena, &definition->schema, 0, &m.last_column_id);
    schema->schema_id = 0;
    TRY(schema_validate(schema, m.format_version, err));
    m.schemas = schema;
    m.schema_count = 1;
    TRY(create_spec(arena, definition, &m, err));
    TRY(create_sort_order(arena, definition, &m, err));
    m.properties = properties_copy(arena, &definition->properties);
    // as the reference implementation does: the default without the property is gzip
    if (!properties_has(&m.properties, STR("write.parquet.compression-codec")))
        properties_set(arena, &m.properties, STR("write.parquet.compression-codec"), STR("zstd"));
    *ret_metadata = m;
    return RC_OK;
}
