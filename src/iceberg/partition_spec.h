/// @file partition_spec.h
/// How a table's files are divided: partition fields with their transforms.
/// Layer: iceberg. Source: Iceberg spec "Partitioning", "Partition Evolution".

#ifndef ICEBERG_PARTITION_SPEC_H
#define ICEBERG_PARTITION_SPEC_H

#include "iceberg/schema.h"
#include "iceberg/transform.h"

enum { PARTITION_FIELD_FIRST_ID = 1000, PARTITION_MAX_FIELDS = 1000 };

struct partition_field {
    int32_t source_id; // field of the schema
    int32_t field_id;  // of the partition value, from 1000
    struct str name;
    struct transform transform;
};

struct partition_spec {
    int32_t spec_id;
    const struct partition_field *fields; // none = unpartitioned
    size_t field_count;
};

/// @param json  object of metadata's "partition-specs"
CHECK rc partition_spec_parse(struct arena *arena, const struct json *json,
                              struct partition_spec *ret_spec, struct err *err);
/// @param fields  array of partition fields alone (v1 "partition-spec", manifest metadata)
CHECK rc partition_spec_parse_fields(struct arena *arena, const struct json *fields,
                                     struct partition_spec *ret_spec, struct err *err);
void partition_spec_write(struct json_writer *writer, const struct partition_spec *spec);
void partition_spec_write_fields(struct json_writer *writer, const struct partition_spec *spec);

/// Same fields: source, transform, name, in order. Ids do not count.
bool partition_spec_equal(const struct partition_spec *a, const struct partition_spec *b);
static inline bool partition_spec_is_unpartitioned(const struct partition_spec *spec)
{
    for (size_t i = 0; i < spec->field_count; i++)
        if (spec->fields[i].transform.kind != TRANSFORM_VOID)
            return false;
    return true;
}

/// Result types of the fields, in order: the type of the partition tuple.
/// A field whose source column is gone or whose transform is unknown gets TYPE_UNKNOWN.
struct type *partition_spec_types(struct arena *arena, const struct partition_spec *spec,
                                  const struct schema *schema);

/// "category=beta/ts_day=2017-12-01"; empty for unpartitioned. Names and values URL-encoded.
struct str partition_path(struct arena *arena, const struct partition_spec *spec,
                          const struct value *values);

/// Builds a spec from texts of a schema file ("month(end_time)", "bucket(16, id)"). field_id 0 =
/// given on commit. @return RC_OK | RC_INVALID
CHECK rc partition_spec_of_calls(struct arena *arena, const struct schema *schema,
                                 const struct str *calls, size_t count,
                                 struct partition_spec *ret_spec, struct err *err);

#endif
