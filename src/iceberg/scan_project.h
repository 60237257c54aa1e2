/// @file scan_project.h
/// From the columns of one Parquet file to a table's fields, as SQL expressions.
/// Layer: iceberg, internal to scan_sql. Source: Iceberg spec "Column Projection".

#ifndef ICEBERG_SCAN_PROJECT_H
#define ICEBERG_SCAN_PROJECT_H

#include "format/parquet_footer.h"
#include "iceberg/manifest.h"

/// The columns of a file, as a tree.
struct physical {
    struct arena *arena;
    const struct parquet_footer *footer;
    int32_t *first_child, *next_sibling; // per element; -1 = none
    struct str *column_names;            // per element below the root: as DuckDB calls the column
    const struct name_mapping *mapping;  // for files without ids; NULL = by name
    const struct partition_spec *spec; // of the file: identity values stand in for missing columns
    const struct value *partition;
    const char *place; // path, for errors
};

/// @return RC_OK | RC_CORRUPT
CHECK rc physical_init(struct physical *physical, struct arena *arena,
                       const struct parquet_footer *footer, const struct name_mapping *mapping,
                       const struct data_file *file, const struct partition_spec *spec,
                       struct err *err);

/// What makes two files readable by the same SELECT.
struct str physical_signature(const struct physical *physical, const struct schema *schema);

/// Expression for a top-level field, of exactly its type, without an alias.
/// @param alias  of the relation that reads the file: "d"
CHECK rc project_field(const struct physical *physical, const struct field *field, struct str alias,
                       struct str *ret_sql, struct err *err);

/// The same for a field at any depth within structs (equality deletes).
CHECK rc physical_path_sql(const struct physical *physical, const struct schema *schema,
                           int32_t field_id, struct str alias, struct str *ret_sql,
                           struct err *err);

#endif
