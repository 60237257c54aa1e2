/// @file scan_sql.h
/// A snapshot as SQL: one SELECT over the planned files that gives the table's columns as they are
/// now, whatever the files look like. Layer: iceberg. Threads: one per call.
/// Files are grouped by their physical schema; each group gets a SELECT that renames, casts, fills
/// defaults and rebuilds nested values by field id; deletes are taken out.
/// Source: Iceberg spec "Column Projection", "Schema Evolution", "Delete Formats".

#ifndef ICEBERG_SCAN_SQL_H
#define ICEBERG_SCAN_SQL_H

#include "iceberg/scan.h"

struct scan_sql_options {
    struct scan_options scan;
    const struct str *columns; // top-level columns wanted, in this order; NULL = all
    size_t column_count;
};

/// @param ret_sql  "SELECT ... UNION ALL ...", for CREATE VIEW or a subquery; no semicolon. An
/// empty
///   table gives its columns, typed, and no row
/// @param ret_plan the plan behind it; may be NULL
/// @return as scan_plan | RC_NOT_FOUND (unknown column; a file is missing: says when the folder was
///   moved)
CHECK rc scan_sql(const struct table *table, struct arena *arena,
                  const struct scan_sql_options *options, struct str *ret_sql,
                  struct scan_plan *ret_plan, struct err *err);

/// CREATE OR REPLACE TEMP VIEW-less form for callers that hold a plan already.
CHECK rc scan_sql_of_plan(const struct table *table, struct arena *arena,
                          const struct scan_plan *plan, const struct str *columns,
                          size_t column_count, struct str *ret_sql, struct err *err);

/// Number of rows of a snapshot from its metadata alone.
/// @return RC_OK | RC_UNSUPPORTED (deletes apply: the rows have to be counted)
CHECK rc scan_row_count(const struct table *table, int64_t snapshot_id, int64_t *ret_rows,
                        struct err *err);

#endif
