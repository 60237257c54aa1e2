/// @file transaction.intern.h
/// What catalog_commit() needs of a transaction. Layer: iceberg; not for other modules.

#ifndef ICEBERG_TRANSACTION_INTERN_H
#define ICEBERG_TRANSACTION_INTERN_H

#include "base/map.h"
#include "base/vec.h"
#include "iceberg/catalog.h"

VEC_TYPE(data_file_vec, struct data_file);
VEC_TYPE(manifest_vec, struct manifest_file);

enum transaction_kind {
    TRANSACTION_NO_FILES,
    TRANSACTION_APPEND,
    TRANSACTION_OVERWRITE,
    TRANSACTION_REPLACE_ALL,
    TRANSACTION_ROW_DELTA,
    TRANSACTION_REWRITE,
};

struct requirement {
    enum { REQUIRE_PROPERTY, REQUIRE_SUMMARY, REQUIRE_SNAPSHOT } kind;
    struct str key, value;
    int64_t snapshot_id;
};

struct ref_change {
    bool is_removal;
    struct str name;
    int64_t snapshot_id;
    struct transaction_ref_options options;
};

struct property_change {
    bool is_removal;
    struct str key, value;
};

struct transaction {
    struct arena *arena;
    struct catalog *catalog;
    bool is_new;                // the commit creates the table
    struct table table;         // base with the changes so far; after the commit: committed
    struct table_metadata base; // as loaded

    enum transaction_kind kind;
    data_file_vec data_files, delete_files; // to add
    str_vec deleted_paths;
    struct map deleted; // path -> this transaction, to look up
    str_vec required_paths;
    bool requires_no_new_data, forces_snapshot;
    struct str branch; // "main" or another

    const struct schema *schema; // NULL = no change
    int32_t last_column_id;
    const struct partition_spec *spec;
    const struct sort_order *order;
    VEC(struct property_change) property_changes;
    struct properties summary;
    VEC(struct requirement) requirements;
    VEC(struct ref_change) ref_changes;
    VEC(int64_t) removed_snapshots;

    // State of the commit
    int64_t snapshot_id; // kept over attempts; SNAPSHOT_NONE until one is made
    struct str commit_uuid;
    int attempt, manifest_number;
    manifest_vec added_manifests; // written once, used by every attempt
    str_vec own_files;            // those manifests: to delete when the commit certainly failed
    str_vec attempt_files;        // of this attempt alone
    str_vec superfluous;          // manifests that were merged into others: to delete at the end
    bool made_snapshot, is_committed;
};

/// Makes a conflict final: trying again would not help. @return RC_CONFLICT
static inline rc final_conflict(struct err *err)
{
    if (err != NULL)
        err->is_retryable = false;
    return RC_CONFLICT;
}

/// Something to commit?
bool transaction_has_changes(const struct transaction *tx);

/// The base with changes of schema, spec, order and properties. For previews and for attempts.
/// @param is_retry  `base` is not the one that the changes were made for: conflicts are RC_CONFLICT
CHECK rc transaction_apply_changes(const struct transaction *tx, struct arena *arena,
                                   const struct table_metadata *base, bool is_retry,
                                   struct table_metadata *ret_metadata, struct err *err);

/// Branches and tags. @return RC_OK | RC_NOT_FOUND | RC_INVALID | RC_EXISTS
CHECK rc transaction_apply_refs(const struct transaction *tx, struct arena *arena,
                                struct table_metadata *metadata, int64_t now_ms, struct err *err);
/// Expiry. @return RC_OK | RC_REFUSED (a ref points to one)
CHECK rc transaction_apply_removals(const struct transaction *tx, struct arena *arena,
                                    struct table_metadata *metadata, struct err *err);
/// Points a branch to a snapshot; for main the snapshot log gains a line.
void transaction_point_ref(struct arena *arena, struct table_metadata *metadata, struct str name,
                           int64_t snapshot_id, int64_t now_ms);
void transaction_move_main(struct arena *arena, struct table_metadata *metadata,
                           int64_t snapshot_id, int64_t now_ms);

/// Properties and summaries that must hold. @return RC_OK | RC_CONFLICT
CHECK rc transaction_check_requirements(const struct transaction *tx,
                                        const struct table_metadata *metadata, struct err *err);

/// Writes the manifests of added files, which do not depend on the base.
CHECK rc transaction_prepare(struct transaction *tx, struct err *err);

/// One attempt: the metadata that should become current, with its manifests written.
/// @param current  freshly read; NULL for a table to create
CHECK rc transaction_attempt(struct transaction *tx, struct arena *arena,
                             const struct table_metadata *current, struct str current_location,
                             int64_t now_ms, struct table_metadata *ret_metadata, struct err *err);

/// Builds and adds the new snapshot: manifests, manifest list, summary, ref, logs.
CHECK rc snapshot_produce(struct transaction *tx, struct arena *arena,
                          struct table_metadata *metadata, int64_t now_ms, struct err *err);

/// Deletes files that nobody can know of. Best effort.
void transaction_discard(struct transaction *tx, str_vec *files);

/// Id for a new snapshot: positive, unused.
int64_t snapshot_new_id(const struct table_metadata *metadata);

#endif
