/// @file scan.h
/// Which files a read of a snapshot needs, and which deletes apply to each.
/// Layer: iceberg. Threads: one per plan; the result is read-only.
/// Source: Iceberg spec "Scan Planning", Java's DeleteFileIndex and InclusiveMetricsEvaluator.

#ifndef ICEBERG_SCAN_H
#define ICEBERG_SCAN_H

#include "iceberg/table.h"

/// A condition on columns, for leaving out files that cannot hold matching rows. Rows are filtered
/// by the engine: a predicate here may only be wider than the engine's, never narrower.
enum predicate_kind {
    PREDICATE_TRUE,
    PREDICATE_AND, // .children
    PREDICATE_OR,  // .children
    PREDICATE_EQUAL,
    PREDICATE_NOT_EQUAL, // prunes nothing but all-null files
    PREDICATE_LESS,
    PREDICATE_LESS_OR_EQUAL,
    PREDICATE_GREATER,
    PREDICATE_GREATER_OR_EQUAL,
    PREDICATE_IN,          // .values
    PREDICATE_STARTS_WITH, // .values[0], text
    PREDICATE_IS_NULL,
    PREDICATE_NOT_NULL,
};
struct predicate {
    enum predicate_kind kind;
    int32_t field_id;           // comparisons
    const struct value *values; // of the field's type, not null
    size_t value_count;
    const struct predicate *children; // AND, OR
    size_t child_count;
};

struct scan_delete_file {
    struct data_file file;
    int64_t sequence_number;
};
/// A data file with what has to be taken out of it.
struct scan_file {
    struct data_file file;
    int64_t sequence_number;
    const struct scan_delete_file *const *deletes; // position, equality, deletion vector
    size_t delete_count;
};
struct scan_plan {
    const struct table_metadata *metadata;
    const struct snapshot *snapshot; // NULL = the table is empty
    const struct schema *schema;     // to read with
    const struct scan_file *files;
    size_t file_count;
    size_t manifest_count, skipped_manifest_count; // of data manifests
    size_t skipped_file_count;
    int64_t record_count; // rows of the files, before deletes
    bool has_deletes;
};

struct scan_options {
    int64_t snapshot_id;               // 0 = the current one
    const struct predicate *predicate; // NULL = all
    const struct schema
        *schema;       // to read with; NULL = the snapshot's (current for the current one)
    bool with_metrics; // keep counts and bounds of the files in the plan
};

/// @return RC_OK | RC_NOT_FOUND (no such snapshot) | RC_CORRUPT | RC_IO | RC_UNSUPPORTED (a file
///   format other than Parquet)
CHECK rc scan_plan(const struct table *table, struct arena *arena,
                   const struct scan_options *options, struct scan_plan *ret_plan, struct err *err);

/// The id of the snapshot that was current at a time.
/// @return RC_OK | RC_NOT_FOUND (says when the table began)
CHECK rc scan_snapshot_as_of(const struct table *table, int64_t timestamp_ms,
                             int64_t *ret_snapshot_id, struct err *err);

#endif
