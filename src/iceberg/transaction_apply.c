/// Applying a transaction's changes to metadata: schema, spec, order, properties, refs, expiry.
/// Everything here is pure: old metadata in, new metadata out.

#include "iceberg/transaction.intern.h"

/// A changed schema, spec or order was made for the base; over another one it may not fit.
static rc changed_meanwhile(const struct transaction *tx, const char *what, struct err *err)
{
    err_set(err, RC_CONFLICT,
            "the %s of the table \"%.*s.%.*s\" was changed by somebody else at the same time", what,
            STR_ARGS(tx->table.namespace_name), STR_ARGS(tx->table.name));
    return final_conflict(err);
}

// Schema

static rc apply_schema(const struct transaction *tx, struct arena *arena,
                       const struct table_metadata *base, bool is_retry, struct table_metadata *m,
                       struct err *err)
{
    if (tx->schema == NULL || schema_equal(tx->schema, metadata_schema(base)))
        return RC_OK;
    if (is_retry && (base->current_schema_id != tx->base.current_schema_id ||
                     base->last_column_id != tx->base.last_column_id))
        return changed_meanwhile(tx, "schema", err);
    int32_t id = -1, next = 0;
    for (size_t i = 0; i < base->schema_count; i++) {
        if (schema_equal(tx->schema, &base->schemas[i]))
            id = base->schemas[i].schema_id;
        if (base->schemas[i].schema_id >= next)
            next = base->schemas[i].schema_id + 1;
    }
    if (id < 0) {
        struct schema *schemas = ARENA_ARRAY(arena, struct schema, base->schema_count + 1);
        memcpy(schemas, base->schemas, base->schema_count * sizeof *schemas);
        schemas[base->schema_count] = *tx->schema;
        schemas[base->schema_count].schema_id = id = next;
        m->schemas = schemas;
        m->schema_count = base->schema_count + 1;
    }
    m->current_schema_id = id;
    if (tx->last_column_id > m->last_column_id)
        m->last_column_id = tx->last_column_id;
    return RC_OK;
}

/// A column that the spec or order uses must stay.
static rc check_sources(const struct table_metadata *m, struct err *err)
{
    const struct schema *schema = metadata_schema(m);
    const struct partition_spec *spec = metadata_spec(m);
    const struct sort_order *order = metadata_sort_order(m);
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct field *source = schema_field_by_id(schema, spec->fields[i].source_id);
        struct type result;
        if (spec->fields[i].transform.kind == TRANSFORM_VOID)
            continue;
        if (source == NULL)
            return err_set(err, RC_INVALID,
                           "a column cannot be dropped: partition field \"%.*s\" needs it",
                           STR_ARGS(spec->fields[i].name));
        TRY_CONTEXT(transform_result_type(spec->fields[i].transform, &source->type, &result, err),
                    err, "partition field \"%.*s\"", STR_ARGS(spec->fields[i].name));
    }
    for (size_t i = 0; i < order->field_count; i++)
        if (schema_field_by_id(schema, order->fields[i].source_id) == NULL)
            return err_set(err, RC_INVALID, "a column cannot be dropped: the sort order needs it");
    return RC_OK;
}

// Spec

/// A field of an older spec with the same source and transform keeps its id.
static int32_t known_field_id(const struct table_metadata *m, const struct partition_field *field)
{
    for (size_t s = m->spec_count; s-- > 0;)
        for (size_t i = 0; i < m->specs[s].field_count; i++) {
            const struct partition_field *old = &m->specs[s].fields[i];
            if (old->source_id == field->source_id &&
                transform_equal(old->transform, field->transform))
                return old->field_id;
        }
    return 0;
}

static rc apply_spec(const struct transaction *tx, struct arena *arena,
                     const struct table_metadata *base, bool is_retry, struct table_metadata *m,
                     struct err *err)
{
    if (tx->spec == NULL || partition_spec_equal(tx->spec, metadata_spec(base)))
        return RC_OK;
    if (is_retry && (base->default_spec_id != tx->base.default_spec_id ||
                     base->last_partition_id != tx->base.last_partition_id))
        return changed_meanwhile(tx, "partition spec", err);
    int32_t next = 0;
    for (size_t i = 0; i < base->spec_count; i++) {
        if (partition_spec_equal(tx->spec, &base->specs[i])) {
            m->default_spec_id = base->specs[i].spec_id;
            return RC_OK;
        }
        if (base->specs[i].spec_id >= next)
            next = base->specs[i].spec_id + 1;
    }
    const size_t count = tx->spec->field_count;
    struct partition_field *fields = ARENA_ARRAY(arena, struct partition_field, count);
    for (size_t i = 0; i < count; i++) {
        fields[i] = tx->spec->fields[i];
        fields[i].field_id = known_field_id(base, &fields[i]);
        if (fields[i].field_id == 0)
            fields[i].field_id = ++m->last_partition_id;
    }
    struct partition_spec *specs = ARENA_ARRAY(arena, struct partition_spec, base->spec_count + 1);
    memcpy(specs, base->specs, base->spec_count * sizeof *specs);
    specs[base->spec_count] =
        (struct partition_spec){.spec_id = next, .fields = fields, .field_count = count};
    m->specs = specs;
    m->spec_count = base->spec_count + 1;
    m->default_spec_id = next;
    return RC_OK;
}

// Order

static rc apply_order(const struct transaction *tx, struct arena *arena,
                      const struct table_metadata *base, bool is_retry, struct table_metadata *m,
                      struct err *err)
{
    if (tx->order == NULL || sort_order_equal(tx->order, metadata_sort_order(base)))
        return RC_OK;
    if (is_retry && base->default_sort_order_id != tx->base.default_sort_order_id)
        return changed_meanwhile(tx, "sort order", err);
    int32_t next = 1;
    for (size_t i = 0; i < base->sort_order_count; i++) {
        if (sort_order_equal(tx->order, &base->sort_orders[i])) {
            m->default_sort_order_id = base->sort_orders[i].order_id;
            return RC_OK;
        }
        if (base->sort_orders[i].order_id >= next)
            next = base->sort_orders[i].order_id + 1;
    }
    struct sort_order *orders = ARENA_ARRAY(arena, struct sort_order, base->sort_order_count + 1);
    memcpy(orders, base->sort_orders, base->sort_order_count * sizeof *orders);
    orders[base->sort_order_count] = *tx->order;
    // 0 is kept for "unsorted"
    orders[base->sort_order_count].order_id = tx->order->field_count == 0 ? 0 : next;
    m->sort_orders = orders;
    m->sort_order_count = base->sort_order_count + 1;
    m->default_sort_order_id = orders[base->sort_order_count].order_id;
    return RC_OK;
}

/// A table that reads files without field ids must know its new columns by name.
static rc update_name_mapping(struct arena *arena, struct table_metadata *m, struct err *err)
{
    const struct str key = STR("schema.name-mapping.default");
    struct str text = properties_get(&m->properties, key, (struct str){0});
    if (text.length == 0)
        return RC_OK;
    TRY(name_mapping_update(arena, text, metadata_schema(m), &text, err));
    properties_set(arena, &m->properties, key, text);
    return RC_OK;
}

rc transaction_apply_changes(const struct transaction *tx, struct arena *arena,
                             const struct table_metadata *base, bool is_retry,
                             struct table_metadata *ret_metadata, struct err *err)
{
    struct table_metadata m = *base;
    TRY(apply_schema(tx, arena, base, is_retry, &m, err));
    TRY(apply_spec(tx, arena, base, is_retry, &m, err));
    TRY(apply_order(tx, arena, base, is_retry, &m, err));
    if (tx->schema != NULL || tx->spec != NULL || tx->order != NULL)
        TRY(check_sources(&m, err));
    m.properties = properties_copy(arena, &base->properties);
    for (size_t i = 0; i < tx->property_changes.count; i++) {
        const struct property_change *change = &tx->property_changes.items[i];
        if (change->is_removal)
            (void)properties_remove(&m.properties, change->key);
        else
            properties_set(arena, &m.properties, change->key, change->value);
    }
    if (m.current_schema_id != base->current_schema_id)
        TRY(update_name_mapping(arena, &m, err));
    *ret_metadata = m;
    return RC_OK;
}

// Refs

static void put_ref(struct arena *arena, struct table_metadata *m, struct snapshot_ref ref)
{
    struct snapshot_ref *refs = ARENA_ARRAY(arena, struct snapshot_ref, m->ref_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < m->ref_count; i++)
        if (!str_equal(m->refs[i].name, ref.name))
            refs[count++] = m->refs[i];
    refs[count++] = ref;
    m->refs = refs;
    m->ref_count = count;
}

void transaction_move_main(struct arena *arena, struct table_metadata *m, int64_t snapshot_id,
                           int64_t now_ms)
{
    struct snapshot_log_entry *log =
        ARENA_ARRAY(arena, struct snapshot_log_entry, m->snapshot_log_count + 1);
    if (m->snapshot_log_count > 0)
        memcpy(log, m->snapshot_log, m->snapshot_log_count * sizeof *log);
    log[m->snapshot_log_count++] = (struct snapshot_log_entry){now_ms, snapshot_id};
    m->snapshot_log = log;
    m->current_snapshot_id = snapshot_id;
}

void transaction_point_ref(struct arena *arena, struct table_metadata *m, struct str name,
                           int64_t snapshot_id, int64_t now_ms)
{
    const struct snapshot_ref *old = metadata_ref(m, name);
    struct snapshot_ref ref = old != NULL ? *old : (struct snapshot_ref){.name = name};
    ref.snapshot_id = snapshot_id;
    put_ref(arena, m, ref);
    if (str_is(name, REF_MAIN))
        transaction_move_main(arena, m, snapshot_id, now_ms);
}

static rc set_ref(const struct transaction *tx, struct arena *arena, struct table_metadata *m,
                  const struct ref_change *change, int64_t now_ms, struct err *err)
{
    const struct transaction_ref_options *o = &change->options;
    const struct snapshot_ref *old = metadata_ref(m, change->name);
    if (metadata_snapshot_by_id(m, change->snapshot_id) == NULL)
        return err_set(err, RC_NOT_FOUND, "the table \"%.*s\" has no snapshot %lld",
                       STR_ARGS(tx->table.name), (long long)change->snapshot_id);
    if (o->must_be_ancestor && old != NULL &&
        !metadata_is_ancestor(m, change->snapshot_id, old->snapshot_id))
        return err_set(err, RC_INVALID, "snapshot %lld is not in the history of %.*s",
                       (long long)change->snapshot_id, STR_ARGS(change->name));
    if (old != NULL && old->is_tag != o->is_tag)
        return err_set(err, RC_EXISTS, "\"%.*s\" is a %s already", STR_ARGS(change->name),
                       old->is_tag ? "tag" : "branch");
    const bool is_same = old != NULL && old->snapshot_id == change->snapshot_id;
    put_ref(arena, m,
            (struct snapshot_ref){.name = change->name,
                                  .snapshot_id = change->snapshot_id,
                                  .is_tag = o->is_tag,
                                  .min_snapshots_to_keep = o->min_snapshots_to_keep,
                                  .max_snapshot_age_ms = o->max_snapshot_age_ms,
                                  .max_ref_age_ms = o->max_ref_age_ms});
    if (str_is(change->name, REF_MAIN) && !is_same)
        transaction_move_main(arena, m, change->snapshot_id, now_ms);
    return RC_OK;
}

static rc remove_ref(struct arena *arena, struct table_metadata *m, struct str name,
                     struct err *err)
{
    struct snapshot_ref *refs = ARENA_ARRAY(arena, struct snapshot_ref, m->ref_count);
    size_t count = 0;
    for (size_t i = 0; i < m->ref_count; i++)
        if (!str_equal(m->refs[i].name, name))
            refs[count++] = m->refs[i];
    if (count == m->ref_count)
        return err_set(err, RC_NOT_FOUND, "there is no branch or tag \"%.*s\"", STR_ARGS(name));
    m->refs = refs;
    m->ref_count = count;
    return RC_OK;
}

rc transaction_apply_refs(const struct transaction *tx, struct arena *arena,
                          struct table_metadata *m, int64_t now_ms, struct err *err)
{
    for (size_t i = 0; i < tx->ref_changes.count; i++) {
        const struct ref_change *change = &tx->ref_changes.items[i];
        if (change->is_removal)
            TRY(remove_ref(arena, m, change->name, err));
        else
            TRY(set_ref(tx, arena, m, change, now_ms, err));
    }
    return RC_OK;
}

// Expiry

static bool is_removed(const struct transaction *tx, int64_t snapshot_id)
{
    for (size_t i = 0; i < tx->removed_snapshots.count; i++)
        if (tx->removed_snapshots.items[i] == snapshot_id)
            return true;
    return false;
}

/// The log keeps only what is continuous up to now: everything before a removed snapshot goes too.
static void trim_snapshot_log(const struct transaction *tx, struct table_metadata *m)
{
    size_t first = 0;
    for (size_t i = 0; i < m->snapshot_log_count; i++)
        if (is_removed(tx, m->snapshot_log[i].snapshot_id))
            first = i + 1;
    m->snapshot_log += first;
    m->snapshot_log_count -= first;
}

static const struct statistics_file *keep_statistics(const struct transaction *tx,
                                                     struct arena *arena,
                                                     const struct statistics_file *files,
                                                     size_t *count)
{
    struct statistics_file *kept = ARENA_ARRAY(arena, struct statistics_file, *count);
    size_t kept_count = 0;
    for (size_t i = 0; i < *count; i++)
        if (!is_removed(tx, files[i].snapshot_id))
            kept[kept_count++] = files[i];
    *count = kept_count;
    return kept;
}

rc transaction_apply_removals(const struct transaction *tx, struct arena *arena,
                              struct table_metadata *m, struct err *err)
{
    if (tx->removed_snapshots.count == 0)
        return RC_OK;
    for (size_t i = 0; i < m->ref_count; i++)
        if (is_removed(tx, m->refs[i].snapshot_id))
            return err_set(err, RC_REFUSED,
                           "snapshot %lld cannot be removed: the %s \"%.*s\" points to it",
                           (long long)m->refs[i].snapshot_id, m->refs[i].is_tag ? "tag" : "branch",
                           STR_ARGS(m->refs[i].name));
    struct snapshot *snapshots = ARENA_ARRAY(arena, struct snapshot, m->snapshot_count);
    size_t count = 0;
    for (size_t i = 0; i < m->snapshot_count; i++)
        if (!is_removed(tx, m->snapshots[i].snapshot_id))
            snapshots[count++] = m->snapshots[i];
    m->snapshots = snapshots;
    m->snapshot_count = count;
    trim_snapshot_log(tx, m);
    m->statistics = keep_statistics(tx, arena, m->statistics, &m->statistics_count);
    m->partition_statistics =
        keep_statistics(tx, arena, m->partition_statistics, &m->partition_statistics_count);
    return RC_OK;
}
