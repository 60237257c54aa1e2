/// @file landing.h
/// Landing tables: Iceberg tables that hold what was ingested. Rows that the normalizer collected
/// are written out as Parquet files while a run goes on and stay invisible until one commit over
/// all tables of the run. Layer: ingest. Threads: one.
/// Limits: the byte budget of the run decides when a table is written out.

#ifndef INGEST_LANDING_H
#define INGEST_LANDING_H

#include "duck/duck.h"
#include "iceberg/catalog.h"
#include "iceberg/data_writer.h"
#include "ingest/normalize.h"

struct landing_schema_file;

VEC_TYPE(landing_files, struct data_file);

/// A table of the run.
struct landing_table {
    struct str name;             // in the namespace: "chess_players_games"
    struct normal_table *normal; // its rows; NULL for tables that are only emptied or read
    bool exists;                 // in the catalog, as of the last load or commit
    bool is_child;
    struct table table;     // when it exists
    struct transaction *tx; // of the commit to come; NULL = nothing to change yet
    size_t schema_columns;  // how many of normal->columns the transaction's schema has
    landing_files files;    // staged
    int64_t staged_rows;
    // What complete units have given (landing_mark): the first rows of those in memory, the first
    // of the staged files, and the counts of the normalizer then.
    size_t marked_rows, marked_files;
    int64_t marked_total_rows, marked_discarded_rows;
    bool is_committing;  // takes part in the commit at hand
    struct arena *arena; // of tx and files; closed after the commit
    // of the run, for reports; written_before: rows that earlier commits of the run wrote
    int64_t inserted_rows, updated_rows, deleted_rows, written_before;
    int64_t committed_files, snapshot_id;
    str_vec schema_changes; // "create", "add end_time timestamptz"
};

struct landing_options {
    struct catalog *catalog;
    struct store *store;
    struct duck *duck;
    struct str namespace_name;
    struct str source;      // prefix of the tables: "chess"
    struct str run_tag;     // in the names of staged files
    int64_t budget_bytes;   // 0 = LANDING_BUDGET_BYTES
    int format_version;     // of new tables; 0 = 2
    bool keeps_units_apart; // so that landing_keep_marked can be called
    /// What new tables are to look like: schema files by table name; may be NULL.
    const struct landing_schema_file *const *schema_files;
    size_t schema_file_count;
    /// Told where staged files of a table will lie, before the first one is written.
    rc (*on_location)(void *context, struct str table, struct str location, struct err *err);
    void *on_location_context;
};
enum { LANDING_BUDGET_BYTES = 64 << 20 };

struct landing {
    struct arena *arena;
    struct landing_options options;
    struct duck_connection *connection;
    struct landing_table **tables;
    size_t table_count, table_capacity;
    struct normalizer *normalizer;
    int64_t feed_number;
};

CHECK rc landing_open(struct arena *arena, const struct landing_options *options,
                      struct normalizer *normalizer, struct landing **ret_landing, struct err *err);

/// Name of a table in the namespace: "<source>_<table>"; dlt's own tables keep their names.
struct str landing_table_name(const struct landing *landing, struct arena *arena, struct str table);

/// Finds what exists in the namespace for a root table: the table itself and its children, and
/// tells the normalizer their columns.
CHECK rc landing_load_existing(struct landing *landing, struct normal_table *root, struct err *err);
/// The landing table of a normalizer's table, made (not created) at the first call.
CHECK rc landing_table_of(struct landing *landing, struct normal_table *normal,
                          struct landing_table **ret_table, struct err *err);
/// Looks at the catalog again.
CHECK rc landing_reload(struct landing *landing, struct landing_table *table, struct err *err);

/// Writes out the largest tables when the run holds more than its budget.
CHECK rc landing_relieve(struct landing *landing, struct err *err);
/// Writes out the rows that a table holds.
CHECK rc landing_flush(struct landing *landing, struct landing_table *table, struct err *err);
/// All rows so far belong to complete units.
void landing_mark(struct landing_table *table);
/// Forgets the rows behind the last mark, and removes their staged files.
CHECK rc landing_keep_marked(struct landing *landing, struct landing_table *table, struct err *err);
/// Opens the table's transaction, with a schema that has all columns of its normal table.
CHECK rc landing_prepare(struct landing *landing, struct landing_table *table, struct err *err);
/// Metadata as it will be after the commit.
const struct table_metadata *landing_metadata(const struct landing_table *table);

/// Writes what a query gives as files of the table.
CHECK rc landing_write_sql(struct landing *landing, struct landing_table *table, struct str sql,
                           landing_files *ret_files, int64_t *ret_rows, struct err *err);
/// Removes files that were written but will not be committed.
void landing_discard(struct landing *landing, landing_files *files);
/// Drops what was to be changed in one table, staged files included.
void landing_forget_transaction(struct landing *landing, struct landing_table *table);
/// Removes all staged files. After a failed run.
void landing_discard_all(struct landing *landing);
/// After a commit: tables are as committed, nothing is staged.
CHECK rc landing_committed(struct landing *landing, struct err *err);

/// SELECT over staged files, with "m_file_no" and "file_row_number".
struct str landing_staged_sql(const struct landing *landing, struct arena *arena,
                              const struct landing_table *table, struct err *err);

/// Iceberg type of a column of dlt's.
struct type landing_type(const struct normal_column *column);

#endif
