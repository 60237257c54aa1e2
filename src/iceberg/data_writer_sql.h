/// @file data_writer_sql.h
/// The SQL of the data writer: casts to the table's types, field ids, partition values.
/// Layer: iceberg, internal to the data writer.

#ifndef ICEBERG_DATA_WRITER_SQL_H
#define ICEBERG_DATA_WRITER_SQL_H

#include "base/buf.h"
#include "base/vec.h"
#include "iceberg/partition_spec.h"

enum { WRITER_SQL_MAX_BYTES = 64 << 20 };

/// Whether a column of this type can be written as the table says.
CHECK rc writer_check_type(const struct field *field, struct err *err);

/// "CAST(q."a" AS BIGINT) AS "a", ..." for all columns of the schema.
/// @param available  names that the query gives
CHECK rc writer_select_list(struct arena *arena, const struct schema *schema,
                            const str_vec *available, struct str *ret_sql, struct err *err);

/// {"a":1,"s":{"__duckdb_field_id":2,"x":3}}
CHECK rc writer_field_ids(struct arena *arena, const struct schema *schema, struct str *ret_sql,
                          struct err *err);

/// A column, also within structs: "s"."x".
struct str writer_column(struct arena *arena, const struct schema *schema, int32_t field_id);

/// Expression of a partition value; its result type is in partition_spec_types.
CHECK rc writer_transform(struct arena *arena, struct transform transform,
                          const struct field *source, struct str column, struct str *ret_sql,
                          struct err *err);

#endif
