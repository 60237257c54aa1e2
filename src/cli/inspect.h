/// @file inspect.h
/// What a table's metadata holds, as rows: snapshots, history, files, manifests, partitions, refs,
/// properties. Shown by `moulin table ...` and queried as `namespace.table$snapshots`.
/// Layer: cli. Threads: the main thread.

#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "cli/output.h"
#include "iceberg/table.h"

struct inspect_column {
    struct output_column shown;
    const char *sql_type;
};

struct inspect_rows {
    const struct inspect_column *columns;
    size_t column_count;
    const struct output_cell *cells; // row by row
    size_t row_count;
};

/// @param snapshot  NULL = the current one (of files, manifests and partitions)
/// @return RC_OK | RC_NOT_FOUND (no metadata table of this name) | as table_visit_files
CHECK rc inspect_table(const struct table *table, struct str what, const struct snapshot *snapshot,
                       struct arena *arena, struct inspect_rows *ret_rows, struct err *err);
bool inspect_has(struct str what);

CHECK rc inspect_print(struct output *output, const struct inspect_rows *rows,
                       const char *empty_text, struct err *err);
/// As a SELECT over VALUES.
struct str inspect_sql(struct arena *arena, const struct inspect_rows *rows);

#endif
