/// @file manifest_schema.h
/// The Avro schemas of manifests and manifest lists, with Iceberg's field ids.
/// Layer: iceberg, for the manifest writers and their tests. Source: Iceberg spec "Manifests",
/// "Manifest Lists", Appendix A "Avro".

#ifndef ICEBERG_MANIFEST_SCHEMA_H
#define ICEBERG_MANIFEST_SCHEMA_H

#include "iceberg/partition_spec.h"

/// @param types  results of the spec's fields (partition_spec_types)
/// @return JSON text of record manifest_entry
struct str manifest_entry_schema(struct arena *arena, int format_version,
                                 const struct partition_spec *spec, const struct type *types);
/// JSON text of record manifest_file.
struct manifest_list_schema_options {
    int format_version;
    bool has_key_metadata; // some manifest is encrypted
};
struct str manifest_list_schema(struct arena *arena, struct manifest_list_schema_options options);

/// Bytes of the fixed type that holds a decimal of this precision.
int manifest_decimal_bytes(int precision);

#endif
