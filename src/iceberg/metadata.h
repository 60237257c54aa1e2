/// @file metadata.h
/// Table metadata: reading versions 1, 2 and 3, checking, looking up, writing.
/// Layer: iceberg. Threads: a parsed metadata is read-only; builders copy.
/// Source: Iceberg spec "Table Metadata", Appendix C.
/// Limits: METADATA_MAX_BYTES of JSON (RC_LIMIT); format versions above 3 are refused.

#ifndef ICEBERG_METADATA_H
#define ICEBERG_METADATA_H

#include "iceberg/partition_spec.h"
#include "iceberg/properties.h"
#include "iceberg/schema.h"
#include "iceberg/snapshot.h"
#include "iceberg/sort_order.h"

enum { METADATA_MAX_VERSION = 3, METADATA_WRITE_VERSION = 2, METADATA_MAX_BYTES = 512 << 20 };

struct snapshot_log_entry {
    int64_t timestamp_ms;
    int64_t snapshot_id;
};

struct metadata_log_entry {
    int64_t timestamp_ms;
    struct str metadata_file; // location
};

/// Statistics files are carried through unchanged; only what expiry needs is looked at.
struct statistics_file {
    int64_t snapshot_id;
    struct str path;
    const struct json *json; // the whole object
};

/// Mirrors the fields of the spec.
struct table_metadata {
    int format_version;
    struct str table_uuid; // may be empty in v1
    struct str location;   // without trailing slash
    int64_t last_sequence_number;
    int64_t last_updated_ms;
    int32_t last_column_id;
    const struct schema *schemas;
    size_t schema_count;
    int32_t current_schema_id;
    const struct partition_spec *specs;
    size_t spec_count;
    int32_t default_spec_id;
    int32_t last_partition_id; // 999 when there was never a field
    const struct sort_order *sort_orders;
    size_t sort_order_count;
    int32_t default_sort_order_id;
    struct properties properties;
    int64_t current_snapshot_id; // SNAPSHOT_NONE = empty table
    int64_t next_row_id;         // v3
    const struct snapshot *snapshots;
    size_t snapshot_count;
    const struct snapshot_ref *refs; // "main" is among them when there is a current snapshot
    size_t ref_count;
    const struct snapshot_log_entry *snapshot_log;
    size_t snapshot_log_count;
    const struct metadata_log_entry *metadata_log;
    size_t metadata_log_count;
    const struct statistics_file *statistics;
    size_t statistics_count;
    const struct statistics_file *partition_statistics;
    size_t partition_statistics_count;
    const struct json *encryption_keys; // v3, carried through; NULL = none
};

/// Parses metadata JSON and checks what the spec demands.
/// @param text   copied as far as needed
/// @param place  named in errors: the location
/// @return RC_OK | RC_INVALID | RC_UNSUPPORTED (format version) | RC_LIMIT
CHECK rc metadata_parse(struct arena *arena, struct str text, const char *place,
                        struct table_metadata *ret_metadata, struct err *err);
/// Writes JSON in the field order of the reference implementation, compact.
void metadata_write(struct buf *to, const struct table_metadata *metadata);

/// The current schema, default spec, default order. Never NULL on parsed metadata.
const struct schema *metadata_schema(const struct table_metadata *metadata);
const struct partition_spec *metadata_spec(const struct table_metadata *metadata);
const struct sort_order *metadata_sort_order(const struct table_metadata *metadata);
/// By id; NULL when absent.
const struct schema *metadata_schema_by_id(const struct table_metadata *metadata, int32_t id);
const struct partition_spec *metadata_spec_by_id(const struct table_metadata *metadata, int32_t id);
const struct sort_order *metadata_sort_order_by_id(const struct table_metadata *metadata,
                                                   int32_t id);
const struct snapshot *metadata_snapshot_by_id(const struct table_metadata *metadata, int64_t id);
/// @return NULL for an empty table
const struct snapshot *metadata_current_snapshot(const struct table_metadata *metadata);
const struct snapshot_ref *metadata_ref(const struct table_metadata *metadata, struct str name);
/// The snapshot that was current at `timestamp_ms`: last snapshot-log entry not after it.
/// @return NULL when the table had none then (or it expired)
const struct snapshot *metadata_snapshot_as_of(const struct table_metadata *metadata,
                                               int64_t timestamp_ms);
/// The schema that a snapshot is to be read with.
const struct schema *metadata_schema_of_snapshot(const struct table_metadata *metadata,
                                                 const struct snapshot *snapshot);
/// Whether `ancestor_id` is `snapshot_id` or one of its parents.
bool metadata_is_ancestor(const struct table_metadata *metadata, int64_t ancestor_id,
                          int64_t snapshot_id);
/// Parent that is still in the metadata, NULL at the end: walk with it.
const struct snapshot *metadata_parent(const struct table_metadata *metadata,
                                       const struct snapshot *snapshot);

/// What a new table is made of.
struct table_definition {
    struct schema schema;       // fresh ids are given; those here only link spec and order to it
    struct partition_spec spec; // source ids refer to `schema` as given; zero = unpartitioned
    struct sort_order order;    // likewise; zero = unsorted
    struct properties properties;
    struct str location; // empty = the catalog chooses
    int format_version;  // 0 = METADATA_WRITE_VERSION
};
/// Metadata of a new, empty table.
/// @param uuid    of the table, new
/// @param now_ms  wall clock
CHECK rc metadata_create(struct arena *arena, const struct table_definition *definition,
                         struct str location, struct str uuid, int64_t now_ms,
                         struct table_metadata *ret_metadata, struct err *err);

#endif
