/// @file transform.h
/// Partition transforms: the function that turns a column's value into a partition value.
/// Layer: iceberg. Depends on: base. Threads: transforms are plain values; every function is pure.
/// Source: Iceberg spec "Partition Transforms" and Appendix B.
/// Limits: bucket count and truncate width 1 .. 2^31-1 (RC_INVALID outside).

#ifndef ICEBERG_TRANSFORM_H
#define ICEBERG_TRANSFORM_H

#include "iceberg/value.h"

enum transform_kind {
    TRANSFORM_IDENTITY,
    TRANSFORM_BUCKET,
    TRANSFORM_TRUNCATE,
    TRANSFORM_YEAR,
    TRANSFORM_MONTH,
    TRANSFORM_DAY,
    TRANSFORM_HOUR,
    TRANSFORM_VOID,
    TRANSFORM_UNKNOWN, // read without pruning, kept as written, never written through
};

struct transform {
    enum transform_kind kind;
    int32_t parameter; // bucket: number of buckets; truncate: width; else 0
    struct str text;   // TRANSFORM_UNKNOWN: as written
};

/// Reads a transform as table metadata spells it: "identity", "bucket[16]", "truncate[4]", "day".
/// An unknown name gives TRANSFORM_UNKNOWN (such a table can be read, but not written).
/// @param ret_transform  borrows from `text` when unknown
/// @return RC_OK | RC_INVALID (parameter missing, not a number or out of range)
CHECK rc transform_parse(struct str text, struct transform *ret_transform, struct err *err);

/// Reads what a schema file says: "end_time", "month(end_time)", "bucket(16, id)",
/// "truncate(4, name)". Also plural "days(...)" as Spark spells them.
/// @param ret_source  name of the column, borrowed from `text`
/// @return RC_OK | RC_INVALID
CHECK rc transform_parse_call(struct str text, struct transform *ret_transform,
                              struct str *ret_source, struct err *err);

/// The 32-bit hash that bucket takes, also of the types that cannot be bucketed (spec Appendix B).
uint32_t transform_hash(struct value value);

/// "bucket[16]"
struct str transform_print(struct arena *arena, struct transform transform);
bool transform_equal(struct transform a, struct transform b);
/// Default name of a partition field: "ts_day", "id_bucket_16", "name_trunc_4", "id".
struct str transform_field_name(struct arena *arena, struct transform transform,
                                struct str source_name);

/// Says whether the transform is defined for columns of `source`, and what type it produces.
/// @return RC_OK | RC_INVALID ("hour of date is not defined")
CHECK rc transform_result_type(struct transform transform, const struct type *source,
                               struct type *ret_type, struct err *err);

/// Applies the transform. Null gives null; void always gives null.
/// @param value          of a type that transform_result_type accepts; else RC_INVALID
/// @param ret_value      text results borrow from value.bytes
/// @note times round towards minus infinity: hour of 1969-12-31T23:59 is -1
CHECK rc transform_apply(struct transform transform, struct value value, struct value *ret_value,
                         struct err *err);

/// Partition values for people and paths: month 575 is "2017-12", hour 420034 is "2017-12-01-10".
struct str transform_print_value(struct arena *arena, struct transform transform,
                                 struct value value);

/// SQL expression of DuckDB that computes the transform of `column` (already quoted): for files
/// clustered by partition. bucket is not expressible: RC_UNSUPPORTED.
CHECK rc transform_sql(struct arena *arena, struct transform transform, const struct type *source,
                       struct str column, struct str *ret_sql, struct err *err);

#endif
