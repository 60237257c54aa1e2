/// @file transaction.h
/// Changes to one table that are committed together; catalog_commit() commits one or more of them.
/// Layer: iceberg. Threads: a transaction belongs to one thread and one arena.
/// Source: Iceberg spec "Optimistic Concurrency", Java's SnapshotProducer and RewriteFiles rules.
///
///     struct transaction *tx;
///     TRY(transaction_open(arena, &table, &tx, err));
///     TRY(transaction_append(tx, files, count, err));
///     transaction_set_summary(tx, STR("moulin.load-id"), load_id);
///     TRY(catalog_commit(catalog, &tx, 1, err));
///     // tx->table now is the committed table
///
/// Everything given to a transaction is kept and applied again when somebody else committed in
/// between. Files of one transaction form one snapshot.

#ifndef ICEBERG_TRANSACTION_H
#define ICEBERG_TRANSACTION_H

#include "iceberg/table.h"

struct transaction;

/// Begins changes to a loaded table. Texts and arrays given later are copied.
CHECK rc transaction_open(struct arena *arena, const struct table *table,
                          struct transaction **ret_transaction, struct err *err);
/// Begins with a table that does not exist; it is created by the commit, which fails with RC_EXISTS
/// when somebody made it meanwhile. The namespace must exist.
/// transaction_table() gives its future metadata (ids assigned, location chosen), so that data
/// files can be written before the commit.
CHECK rc transaction_create_table(struct arena *arena, struct catalog *catalog,
                                  struct str namespace_name, struct str name,
                                  const struct table_definition *definition,
                                  struct transaction **ret_transaction, struct err *err);
/// The table with the changes of schema, spec and properties so far; after catalog_commit() the
/// committed table. Borrowed; the metadata may move with every change.
const struct table *transaction_table(const struct transaction *transaction);

/// Adds data files.
CHECK rc transaction_append(struct transaction *transaction, const struct data_file *files,
                            size_t count, struct err *err);
/// Removes files by location and adds others. Fails the commit (RC_CONFLICT, final) when a file to
/// be removed is gone by then.
CHECK rc transaction_overwrite(struct transaction *transaction, const struct str *deleted_paths,
                               size_t deleted_count, const struct data_file *added,
                               size_t added_count, struct err *err);
/// Removes every file that is live at the commit, delete files too, and adds others.
CHECK rc transaction_replace_all(struct transaction *transaction, const struct data_file *added,
                                 size_t added_count, struct err *err);
/// Adds data files and delete files (position or equality deletes).
/// @param required_paths  data files that must still be live at the commit, else RC_CONFLICT
CHECK rc transaction_row_delta(struct transaction *transaction, const struct data_file *added,
                               size_t added_count, const struct data_file *deletes,
                               size_t delete_count, const struct str *required_paths,
                               size_t required_count, struct err *err);
/// As overwrite, but says that the rows are the same (compaction): operation "replace".
CHECK rc transaction_rewrite(struct transaction *transaction, const struct str *deleted_paths,
                             size_t deleted_count, const struct data_file *added,
                             size_t added_count, struct err *err);
/// No commit by others that touched data may have happened since the table was loaded
/// (copy-on-write rewrites that read the whole table): else RC_CONFLICT.
void transaction_require_no_new_data(struct transaction *transaction);
/// Makes a snapshot even when no file changes (state that must be recorded with no rows).
void transaction_force_snapshot(struct transaction *transaction);
/// Commits to a branch other than main (made from the current snapshot when it does not exist).
CHECK rc transaction_set_branch(struct transaction *transaction, struct str branch,
                                struct err *err);

/// The new current schema. On a retry over somebody else's schema change the commit fails with
/// RC_CONFLICT.
/// @param last_column_id  as schema_update_finish() gave it
CHECK rc transaction_update_schema(struct transaction *transaction, const struct schema *schema,
                                   int32_t last_column_id, struct err *err);
/// The new default spec; field ids are given here (equal fields of older specs keep theirs).
CHECK rc transaction_update_spec(struct transaction *transaction, const struct partition_spec *spec,
                                 struct err *err);
CHECK rc transaction_update_sort(struct transaction *transaction, const struct sort_order *order,
                                 struct err *err);
CHECK rc transaction_set_property(struct transaction *transaction, struct str key, struct str value,
                                  struct err *err);
CHECK rc transaction_remove_property(struct transaction *transaction, struct str key,
                                     struct err *err);

/// Extra line of the new snapshot's summary.
CHECK rc transaction_set_summary(struct transaction *transaction, struct str key, struct str value,
                                 struct err *err);

/// At every attempt the table's property must have this value (NULL bytes = must be absent), else
/// the commit ends with RC_CONFLICT.
CHECK rc transaction_require_property(struct transaction *transaction, struct str key,
                                      struct str value, struct err *err);
/// At every attempt, the newest ancestor of main whose summary has `key` must carry this value
/// (NULL bytes = no ancestor may have it).
CHECK rc transaction_require_summary(struct transaction *transaction, struct str key,
                                     struct str value, struct err *err);

/// At every attempt main must point to this snapshot, else RC_CONFLICT.
CHECK rc transaction_require_snapshot(struct transaction *transaction, int64_t snapshot_id,
                                      struct err *err);

/// main (or another branch) points to an existing snapshot. For rollback: `must_be_ancestor`.
struct transaction_ref_options {
    bool is_tag;
    bool must_be_ancestor; // of the ref's present snapshot
    int64_t min_snapshots_to_keep, max_snapshot_age_ms, max_ref_age_ms; // 0 = not set
};
CHECK rc transaction_set_ref(struct transaction *transaction, struct str ref, int64_t snapshot_id,
                             struct transaction_ref_options options, struct err *err);
CHECK rc transaction_remove_ref(struct transaction *transaction, struct str ref, struct err *err);
/// Takes snapshots out of the metadata (expiry). Those that a ref points to are refused.
CHECK rc transaction_remove_snapshots(struct transaction *transaction, const int64_t *ids,
                                      size_t count, struct err *err);

/// Whether its commit happened: of several, committed one after another, some may have.
bool transaction_is_committed(const struct transaction *transaction);
/// After the commit: id of the snapshot that was made, SNAPSHOT_NONE when none.
int64_t transaction_snapshot_id(const struct transaction *transaction);
/// After the commit: the newest summary value of `key` on main's history, empty when none.
struct str table_summary_value(const struct table *table, struct str key);

#endif
