/// Transactions: collecting changes. What becomes of them: transaction_apply.c, snapshot_produce.c.

#include "base/random.h"
#include "base/time.h"
#include "iceberg/catalog/driver.h"
#include "iceberg/transaction.intern.h"

static struct transaction *make(struct arena *arena, struct catalog *catalog)
{
    struct transaction *tx = ARENA_NEW(arena, struct transaction);
    tx->arena = arena;
    tx->catalog = catalog;
    tx->branch = STR(REF_MAIN);
    tx->snapshot_id = SNAPSHOT_NONE;
    tx->commit_uuid = random_uuid(arena);
    map_init(&tx->deleted, arena);
    return tx;
}

rc transaction_open(struct arena *arena, const struct table *table,
                    struct transaction **ret_transaction, struct err *err)
{
    if (table->metadata->format_version != METADATA_WRITE_VERSION) {
        err_set(err, RC_UNSUPPORTED,
                "the table \"%.*s\" has format version %d, this program changes tables of version "
                "%d",
                STR_ARGS(table->name), table->metadata->format_version, METADATA_WRITE_VERSION);
        return err_hint(err, "it can be read; to change it use the program that made it");
    }
    struct transaction *tx = make(arena, table->catalog);
    tx->table = *table;
    tx->table.arena = arena;
    tx->base = *table->metadata;
    *ret_transaction = tx;
    return RC_OK;
}

rc transaction_create_table(struct arena *arena, struct catalog *catalog, struct str namespace_name,
                            struct str name, const struct table_definition *definition,
                            struct transaction **ret_transaction, struct err *err)
{
    struct transaction *tx = make(arena, catalog);
    struct str location = definition->location;
    if (namespace_name.length == 0 || name.length == 0)
        return err_set(err, RC_INVALID, "a table needs a namespace and a name");
    if (location.length == 0)
        TRY(catalog_table_location(catalog, arena, namespace_name, name, &location, err));
    tx->is_new = true;
    TRY_CONTEXT(metadata_create(arena, definition, location, random_uuid(arena),
                                time_now_us() / 1000, &tx->base, err),
                err, "table %.*s.%.*s", STR_ARGS(namespace_name), STR_ARGS(name));
    tx->table = (struct table){.catalog = catalog,
                               .store = catalog->store,
                               .arena = arena,
                               .namespace_name = arena_str(arena, namespace_name),
                               .name = arena_str(arena, name),
                               .metadata = &tx->base};
    *ret_transaction = tx;
    return RC_OK;
}

const struct table *transaction_table(const struct transaction *transaction)
{
    return &transaction->table;
}

bool transaction_is_committed(const struct transaction *transaction)
{
    return transaction->is_committed;
}

int64_t transaction_snapshot_id(const struct transaction *transaction)
{
    return transaction->made_snapshot ? transaction->snapshot_id : SNAPSHOT_NONE;
}

bool transaction_has_changes(const struct transaction *tx)
{
    return tx->is_new || tx->kind != TRANSACTION_NO_FILES || tx->forces_snapshot ||
           tx->schema != NULL || tx->spec != NULL || tx->order != NULL ||
           tx->property_changes.count > 0 || tx->ref_changes.count > 0 ||
           tx->removed_snapshots.count > 0;
}

// Files

static void add_files(struct transaction *tx, data_file_vec *to, const struct data_file *files,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        *vec_push(tx->arena, to) = data_file_copy(tx->arena, &files[i]);
}

/// One snapshot has one operation: kinds that remove nothing may be followed by any other.
static rc set_kind(struct transaction *tx, enum transaction_kind kind, struct err *err)
{
    if (tx->kind == kind || tx->kind == TRANSACTION_NO_FILES || tx->kind == TRANSACTION_APPEND) {
        tx->kind = kind;
        return RC_OK;
    }
    if (kind == TRANSACTION_APPEND)
        return RC_OK; // more files for what is going on
    return err_set(err, RC_INTERNAL, "a transaction cannot mix two kinds of removing files");
}

static rc add_deleted(struct transaction *tx, const struct str *paths, size_t count,
                      struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (map_has(&tx->deleted, paths[i]))
            return err_set(err, RC_INTERNAL, "the file %.*s is removed twice", STR_ARGS(paths[i]));
        const struct str path = arena_str(tx->arena, paths[i]);
        *vec_push(tx->arena, &tx->deleted_paths) = path;
        map_set(&tx->deleted, path, tx);
    }
    return RC_OK;
}

rc transaction_append(struct transaction *transaction, const struct data_file *files, size_t count,
                      struct err *err)
{
    if (count == 0)
        return RC_OK;
    TRY(set_kind(transaction, TRANSACTION_APPEND, err));
    add_files(transaction, &transaction->data_files, files, count);
    return RC_OK;
}

rc transaction_overwrite(struct transaction *transaction, const struct str *deleted_paths,
                         size_t deleted_count, const struct data_file *added, size_t added_count,
                         struct err *err)
{
    if (deleted_count == 0)
        return transaction_append(transaction, added, added_count, err);
    TRY(set_kind(transaction, TRANSACTION_OVERWRITE, err));
    TRY(add_deleted(transaction, deleted_paths, deleted_count, err));
    add_files(transaction, &transaction->data_files, added, added_count);
    return RC_OK;
}

rc transaction_replace_all(struct transaction *transaction, const struct data_file *added,
                           size_t added_count, struct err *err)
{
    TRY(set_kind(transaction, TRANSACTION_REPLACE_ALL, err));
    add_files(transaction, &transaction->data_files, added, added_count);
    return RC_OK;
}

rc transaction_row_delta(struct transaction *transaction, const struct data_file *added,
                         size_t added_count, const struct data_file *deletes, size_t delete_count,
                         const struct str *required_paths, size_t required_count, struct err *err)
{
    if (delete_count == 0 && required_count == 0)
        return transaction_append(transaction, added, added_count, err);
    TRY(set_kind(transaction, TRANSACTION_ROW_DELTA, err));
    add_files(transaction, &transaction->data_files, added, added_count);
    add_files(transaction, &transaction->delete_files, deletes, delete_count);
    for (size_t i = 0; i < required_count; i++)
        *vec_push(transaction->arena, &transaction->required_paths) =
            arena_str(transaction->arena, required_paths[i]);
    return RC_OK;
}

rc transaction_rewrite(struct transaction *transaction, const struct str *deleted_paths,
                       size_t deleted_count, const struct data_file *added, size_t added_count,
                       struct err *err)
{
    TRY(set_kind(transaction, TRANSACTION_REWRITE, err));
    TRY(add_deleted(transaction, deleted_paths, deleted_count, err));
    add_files(transaction, &transaction->data_files, added, added_count);
    return RC_OK;
}

void transaction_require_no_new_data(struct transaction *transaction)
{
    transaction->requires_no_new_data = true;
}

void transaction_force_snapshot(struct transaction *transaction)
{
    transaction->forces_snapshot = true;
}

rc transaction_set_branch(struct transaction *transaction, struct str branch, struct err *err)
{
    const struct snapshot_ref *ref = metadata_ref(&transaction->base, branch);
    if (branch.length == 0 || (ref != NULL && ref->is_tag))
        return err_set(err, RC_INVALID, "\"%.*s\" is no branch: a commit needs one",
                       STR_ARGS(branch));
    transaction->branch = arena_str(transaction->arena, branch);
    return RC_OK;
}

// Schema, spec, order, properties

/// What the table will look like, for whoever writes files before the commit.
static rc preview(struct transaction *tx, struct err *err)
{
    struct table_metadata *metadata = ARENA_NEW(tx->arena, struct table_metadata);
    TRY(transaction_apply_changes(tx, tx->arena, &tx->base, false, metadata, err));
    tx->table.metadata = metadata;
    return RC_OK;
}

rc transaction_update_schema(struct transaction *transaction, const struct schema *schema,
                             int32_t last_column_id, struct err *err)
{
    struct arena *arena = transaction->arena;
    TRY(schema_validate(schema, transaction->base.format_version, err));
    if (last_column_id < transaction->base.last_column_id ||
        schema_max_field_id(schema) > last_column_id)
        return err_set(err, RC_INTERNAL, "the schema's field ids do not continue the table's");
    struct schema *copy = ARENA_NEW(arena, struct schema);
    *copy = *schema;
    copy->root = type_copy(arena, &schema->root);
    if (schema->identifier_count > 0)
        copy->identifier_ids =
            arena_copy(arena, schema->identifier_ids,
                       schema->identifier_count * sizeof *schema->identifier_ids);
    transaction->schema = copy;
    transaction->last_column_id = last_column_id;
    return preview(transaction, err);
}

rc transaction_update_spec(struct transaction *transaction, const struct partition_spec *spec,
                           struct err *err)
{
    struct arena *arena = transaction->arena;
    struct partition_spec *copy = ARENA_NEW(arena, struct partition_spec);
    struct partition_field *fields = ARENA_ARRAY(arena, struct partition_field, spec->field_count);
    for (size_t i = 0; i < spec->field_count; i++) {
        fields[i] = spec->fields[i];
        fields[i].name = arena_str(arena, fields[i].name);
    }
    *copy = (struct partition_spec){.fields = fields, .field_count = spec->field_count};
    transaction->spec = copy;
    return preview(transaction, err);
}

rc transaction_update_sort(struct transaction *transaction, const struct sort_order *order,
                           struct err *err)
{
    struct arena *arena = transaction->arena;
    struct sort_order *copy = ARENA_NEW(arena, struct sort_order);
    *copy = *order;
    if (order->field_count > 0)
        copy->fields = arena_copy(arena, order->fields, order->field_count * sizeof *order->fields);
    transaction->order = copy;
    return preview(transaction, err);
}

/// Names that the format keeps for fields of the metadata itself.
static bool is_reserved(struct str key)
{
    static const char *const names[] = {"format-version",      "uuid",
                                        "snapshot-count",      "current-snapshot-summary",
                                        "current-snapshot-id", "current-snapshot-timestamp-ms",
                                        "current-schema",      "default-partition-spec",
                                        "default-sort-order"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_is(key, names[i]))
            return true;
    return false;
}

rc transaction_set_property(struct transaction *transaction, struct str key, struct str value,
                            struct err *err)
{
    if (is_reserved(key))
        return err_set(err, RC_INVALID, "the property \"%.*s\" is reserved", STR_ARGS(key));
    *vec_push(transaction->arena, &transaction->property_changes) = (struct property_change){
        .key = arena_str(transaction->arena, key), .value = arena_str(transaction->arena, value)};
    return preview(transaction, err);
}

rc transaction_remove_property(struct transaction *transaction, struct str key, struct err *err)
{
    *vec_push(transaction->arena, &transaction->property_changes) =
        (struct property_change){.is_removal = true, .key = arena_str(transaction->arena, key)};
    return preview(transaction, err);
}

rc transaction_set_summary(struct transaction *transaction, struct str key, struct str value,
                           struct err *err)
{
    if (str_is(key, "operation"))
        return err_set(err, RC_INVALID, "the summary's \"operation\" cannot be set");
    properties_set(transaction->arena, &transaction->summary, key, value);
    return RC_OK;
}

// Requirements

static rc require(struct transaction *tx, bool is_summary, struct str key, struct str value)
{
    struct requirement *requirement = vec_push(tx->arena, &tx->requirements);
    requirement->kind = is_summary ? REQUIRE_SUMMARY : REQUIRE_PROPERTY;
    requirement->key = arena_str(tx->arena, key);
    requirement->value = value.bytes == NULL ? (struct str){0} : arena_str(tx->arena, value);
    return RC_OK;
}

rc transaction_require_property(struct transaction *transaction, struct str key, struct str value,
                                struct err *err)
{
    (void)err;
    return require(transaction, false, key, value);
}

rc transaction_require_summary(struct transaction *transaction, struct str key, struct str value,
                               struct err *err)
{
    (void)err;
    return require(transaction, true, key, value);
}

rc transaction_require_snapshot(struct transaction *transaction, int64_t snapshot_id,
                                struct err *err)
{
    (void)err;
    *vec_push(transaction->arena, &transaction->requirements) =
        (struct requirement){.kind = REQUIRE_SNAPSHOT, .snapshot_id = snapshot_id};
    return RC_OK;
}

// Refs and snapshots

rc transaction_set_ref(struct transaction *transaction, struct str ref, int64_t snapshot_id,
                       struct transaction_ref_options options, struct err *err)
{
    if (ref.length == 0)
        return err_set(err, RC_INVALID, "a branch or tag needs a name");
    if (options.is_tag && str_is(ref, REF_MAIN))
        return err_set(err, RC_INVALID, "main must be a branch");
    *vec_push(transaction->arena, &transaction->ref_changes) = (struct ref_change){
        .name = arena_str(transaction->arena, ref), .snapshot_id = snapshot_id, .options = options};
    return RC_OK;
}

rc transaction_remove_ref(struct transaction *transaction, struct str ref, struct err *err)
{
    if (str_is(ref, REF_MAIN))
        return err_set(err, RC_INVALID, "main cannot be removed");
    *vec_push(transaction->arena, &transaction->ref_changes) =
        (struct ref_change){.is_removal = true, .name = arena_str(transaction->arena, ref)};
    return RC_OK;
}

rc transaction_remove_snapshots(struct transaction *transaction, const int64_t *ids, size_t count,
                                struct err *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++)
        *vec_push(transaction->arena, &transaction->removed_snapshots) = ids[i];
    return RC_OK;
}

static struct str newest_summary(const struct table_metadata *metadata, struct str key)
{
    const struct snapshot *at = metadata_current_snapshot(metadata);
    for (size_t steps = 0; at != NULL && steps <= metadata->snapshot_count; steps++) {
        if (properties_has(&at->summary, key))
            return properties_get(&at->summary, key, (struct str){0});
        at = metadata_parent(metadata, at);
    }
    return (struct str){0};
}

struct str table_summary_value(const struct table *table, struct str key)
{
    return newest_summary(table->metadata, key);
}

static rc check_snapshot(const struct transaction *tx, const struct requirement *r,
                         const struct table_metadata *metadata, struct err *err)
{
    if (metadata->current_snapshot_id == r->snapshot_id)
        return RC_OK;
    err_set(err, RC_CONFLICT, "somebody else committed to the table \"%.*s.%.*s\" meanwhile",
            STR_ARGS(tx->table.namespace_name), STR_ARGS(tx->table.name));
    return final_conflict(err);
}

rc transaction_check_requirements(const struct transaction *tx,
                                  const struct table_metadata *metadata, struct err *err)
{
    for (size_t i = 0; i < tx->requirements.count; i++) {
        const struct requirement *r = &tx->requirements.items[i];
        if (r->kind == REQUIRE_SNAPSHOT) {
            TRY(check_snapshot(tx, r, metadata, err));
            continue;
        }
        const struct str found =
            r->kind == REQUIRE_SUMMARY
                ? newest_summary(metadata, r->key)
                : properties_get(&metadata->properties, r->key, (struct str){0});
        const bool holds = r->value.bytes == NULL
                               ? found.bytes == NULL
                               : found.bytes != NULL && str_equal(found, r->value);
        if (!holds) {
            err_set(err, RC_CONFLICT,
                    "the table \"%.*s.%.*s\" was changed by another run: its %s \"%.*s\" is not "
                    "what this run started from",
                    STR_ARGS(tx->table.namespace_name), STR_ARGS(tx->table.name),
                    r->kind == REQUIRE_SUMMARY ? "stored state" : "property", STR_ARGS(r->key));
            err_hint(err, "run it again: it will start from the new state");
            return final_conflict(err);
        }
    }
    return RC_OK;
}
