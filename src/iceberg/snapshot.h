/// @file snapshot.h
/// A snapshot: the state of a table at one time, and what its summary counts.
/// Layer: iceberg. Source: Iceberg spec "Snapshots", "Snapshot References", Appendix F summary.

#ifndef ICEBERG_SNAPSHOT_H
#define ICEBERG_SNAPSHOT_H

#include "iceberg/properties.h"

enum { SNAPSHOT_NONE = -1 }; // "no snapshot" where an id is expected

struct snapshot {
    int64_t snapshot_id;
    int64_t parent_id;       // SNAPSHOT_NONE = first
    int64_t sequence_number; // 0 in v1
    int64_t timestamp_ms;
    struct str operation; // append | replace | overwrite | delete; "overwrite" when not written
    struct properties summary;   // everything else, without "operation"
    struct str manifest_list;    // location; empty = v1 `manifests`
    const struct str *manifests; // v1 only: locations
    size_t manifest_count;
    int32_t schema_id;    // -1 = not said
    int64_t first_row_id; // v3; -1 = not said
    int64_t added_rows;   // v3; -1 = not said
};

/// A branch or tag.
struct snapshot_ref {
    struct str name;
    int64_t snapshot_id;
    bool is_tag;
    int64_t min_snapshots_to_keep; // 0 = not set
    int64_t max_snapshot_age_ms;   // 0 = not set
    int64_t max_ref_age_ms;        // 0 = not set
};

#define REF_MAIN "main"

CHECK rc snapshot_parse(struct arena *arena, const struct json *json, struct snapshot *ret_snapshot,
                        struct err *err);
void snapshot_write(struct json_writer *writer, const struct snapshot *snapshot,
                    int format_version);

#endif
