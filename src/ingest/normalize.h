/// @file normalize.h
/// From JSON records to rows of tables: objects become columns `a__b`, lists become child tables,
/// values get types, and what does not fit its column goes to a variant column.
/// Layer: ingest. Threads: one. Source: dlt's relational normalizer; names, ids and types are equal
/// to dlt's so that models written for it keep working.
///
///     TRY(normalizer_open(arena, &options, &normalizer));
///     TRY(normalizer_add_table(normalizer, resource, &table, err));
///     TRY(normalize_record(normalizer, table, record, err));   // many times
///     ... read table->columns[i]->values of all normalizer->tables, then normal_table_clear(table)

#ifndef INGEST_NORMALIZE_H
#define INGEST_NORMALIZE_H

#include "base/map.h"
#include "base/vec.h"
#include "ingest/columns.h"
#include "ingest/contract.h"
#include "ingest/ids.h"
#include "ingest/naming.h"
#include "ingest/source/source.h"

enum type_change { TYPE_CHANGE_VARIANT, TYPE_CHANGE_WIDEN, TYPE_CHANGE_TEXT, TYPE_CHANGE_FAIL };

enum row_id_kind {
    ROW_ID_RANDOM,
    ROW_ID_KEY,  // hash of the primary key: upsert, insert-only
    ROW_ID_HASH, // hash of the whole record: scd2
};

enum dedup_sort { DEDUP_SORT_NONE, DEDUP_SORT_ASC, DEDUP_SORT_DESC };

/// A column as dlt describes it.
struct normal_column {
    struct str name;
    enum data_type type; // DATA_NONE = hinted, but no value was seen yet
    int precision, scale;
    bool has_precision, has_scale;
    bool has_timezone, has_no_timezone; // hint `timezone`: given; and it was false
    bool is_required;                   // nullable: false
    bool has_nullable;                  // the hint was given
    bool is_variant, is_primary_key, is_merge_key, is_hard_delete;
    bool is_row_key, is_parent_key, is_root_key, is_unique;
    bool is_hinted; // by the resource
    bool is_landed; // the landing table has it
    enum dedup_sort dedup_sort;
    struct column_values values;
    bool has_values; // `values` is initialised
};

struct name_slot;
struct shape;

struct normal_table {
    struct str name; // dlt's, without the source's prefix
    struct normal_table *parent, *root;
    const struct resource *resource; // of the root
    struct normal_column **columns;  // in order of appearance
    size_t column_count, column_capacity;
    struct map slots; // name -> struct name_slot *
    size_t row_count; // rows since the last clear
    int64_t total_rows, discarded_rows;
    enum row_id_kind row_id_kind; // root tables
    bool has_root_id;             // children carry _dlt_root_id
    bool is_filtered;             // its rows are left out (contract)
    bool evolves_once;            // new in this run: may add columns whatever the contract says
    struct contract contract;     // of the root's resource
    // internal
    struct shape *shape;
    struct name_slot **touched; // of the row at hand, in order
    size_t touched_count, touched_capacity;
    struct name_slot *load_id, *row_id, *parent_id, *list_index, *root_id;
    int max_nesting;
};
VEC_TYPE(normal_tables, struct normal_table *);

struct normalizer_options {
    struct naming naming;
    unsigned detectors; // enum detector; 0 = iso_timestamp. Large integers are always told
    enum type_change type_change;
    struct contract contract; // of tables whose resource has none
    struct str load_id;
    int64_t now_us;
    /// For tests: the id of a root row instead of a random one.
    struct str (*root_id)(void *context, const struct json *record);
    void *root_id_context;
};

struct normalizer {
    struct arena *arena;
    struct arena *scratch; // of the record at hand
    struct normalizer_options options;
    normal_tables tables; // parents before children
    struct map by_name;
    struct id_source ids;
    size_t bytes;         // held by all columns, as of the last record
    uint64_t row_number;  // of the row at hand
    int64_t name_clashes; // source keys that met in one column of one row
};

/// @param arena  must live as long as the normalizer; its columns are freed with it
CHECK rc normalizer_open(struct arena *arena, const struct normalizer_options *options,
                         struct normalizer **ret_normalizer, struct err *err);

/// The root table of a resource, made at the first call: with the resource's hints.
/// @return RC_OK | RC_CONFIG (hints)
CHECK rc normalizer_add_table(struct normalizer *normalizer, const struct resource *resource,
                              struct normal_table **ret_table, struct err *err);
/// A table that exists in the landing zone already (also children).
/// @param parent  NULL for a root
struct normal_table *normalizer_table(struct normalizer *normalizer, struct str name,
                                      struct normal_table *parent);
/// NULL when there is none.
struct normal_table *normalizer_find(const struct normalizer *normalizer, struct str name);
/// The column, made when it is absent (type DATA_NONE).
struct normal_column *normal_table_column(struct normalizer *normalizer, struct normal_table *table,
                                          struct str name);
struct normal_column *normal_table_find(const struct normal_table *table, struct str name);

/// Adds a record and its nested rows.
/// @return RC_OK | RC_INVALID (contract freeze, NULL in a required column) | RC_LIMIT
CHECK rc normalize_record(struct normalizer *normalizer, struct normal_table *table,
                          const struct json *record, struct err *err);

/// Forgets the rows that were read out; columns stay.
void normal_table_clear(struct normalizer *normalizer, struct normal_table *table);
size_t normal_table_bytes(const struct normal_table *table);
/// Columns that had nothing but null become text columns (option keep_null_columns).
void normalizer_keep_nulls(struct normalizer *normalizer, struct normal_table *table);
/// Gives all columns the same number of rows. Before reading them.
CHECK rc normal_table_fill(struct normal_table *table, struct err *err);

#endif
