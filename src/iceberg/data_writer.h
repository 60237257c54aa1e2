/// @file data_writer.h
/// Writes the rows of a query as data files of an Iceberg table: Parquet, zstd, with field ids.
/// Layer: iceberg. Threads: one call per connection. Nothing is committed: hand the files to a
/// transaction. A failed call removes what it wrote.
/// Source: Iceberg spec "Parquet" (Appendix A), "Column Projection", "Partitioning".

#ifndef ICEBERG_DATA_WRITER_H
#define ICEBERG_DATA_WRITER_H

#include "duck/duck.h"
#include "iceberg/manifest.h"

struct data_writer_options {
    struct str run_id;         // goes into the file names, so that leftovers have an owner
    int64_t target_file_bytes; // roll to a next file; 0 = property write.target-file-size-bytes,
                               // else 512 MiB
    int64_t row_group_bytes;   // uncompressed; 0 = 16 MiB
    bool keep_sort;            // order rows by the table's sort order (costs memory); default when
                               // the table has one
    bool skip_sort;            // do not, although the table has one
};

/// Runs `sql` and writes what it gives into files below the table's data folder.
/// Columns are matched by name (exact, else ignoring case) with the schema's top-level columns and
/// cast to their types; columns that the query lacks become NULL (or their write default); columns
/// that the schema lacks are an error. A required column with a NULL is RC_INVALID and names the
/// column.
/// @param metadata   of the table as it will be at the commit: current schema, default spec and
/// order
/// @param ret_files  with partition, metrics, split offsets, sort order id; in `arena`. No rows:
/// none
/// @return RC_OK | RC_INVALID | RC_NO_SPACE | RC_DENIED | RC_INTERRUPTED | as duck_query
CHECK rc data_writer_copy(struct duck_connection *connection, struct store *store,
                          const struct table_metadata *metadata, struct str sql,
                          const struct data_writer_options *options, struct arena *arena,
                          struct data_file **ret_files, size_t *ret_count, struct err *err);

/// Removes written files that will not be committed. Best effort.
void data_writer_discard(struct store *store, const struct data_file *files, size_t count);

/// DuckDB's spelling of a type: "BIGINT", "STRUCT(\"a\" INTEGER)[]".
struct str data_writer_sql_type(struct arena *arena, const struct type *type);

#endif
