/// @file maintenance.h
/// Keeping tables small: expiring snapshots with their files, finding files nobody owns.
/// Layer: iceberg. Source: Iceberg spec "Snapshot Retention Policy", Java RemoveSnapshots,
/// DeleteOrphanFiles.

#ifndef ICEBERG_MAINTENANCE_H
#define ICEBERG_MAINTENANCE_H

#include "base/map.h"
#include "iceberg/catalog.h"

struct expire_options {
    int64_t now_ms;              // wall clock
    int64_t older_than_ms;       // cutoff as a time; 0 = now - history.expire.max-snapshot-age-ms
    int64_t min_snapshots;       // to keep per branch; 0 = history.expire.min-snapshots-to-keep
    const int64_t *snapshot_ids; // these too, whatever their age
    size_t snapshot_id_count;
    bool is_dry_run;
};
struct expire_result {
    int64_t *snapshot_ids; // that went (would go)
    size_t snapshot_count;
    str_vec files; // locations that were (would be) deleted: data, manifests, lists, statistics
};
/// Expires snapshots in one commit, then deletes the files that only they used.
/// @return RC_OK | RC_REFUSED (gc.enabled = false; a given id is referenced) | as catalog_commit
CHECK rc table_expire(struct catalog *catalog, const struct table *table, struct arena *arena,
                      struct expire_options options, struct expire_result *ret_result,
                      struct err *err);

/// Every location that a table needs: keys of the map, the value is not NULL.
CHECK rc table_reachable_files(const struct table *table, struct arena *arena,
                               struct map *ret_locations, struct err *err);

struct orphan_candidate {
    struct str location;
    int64_t modified_ms;
};
struct orphan_options {
    int64_t older_than_ms; // files modified later are left alone
};
/// Which of the listed files no snapshot, metadata file or statistics of the table names.
/// @param candidates  a listing of the table's folder, taken before `table` was loaded
CHECK rc table_orphans(const struct table *table, struct arena *arena,
                       const struct orphan_candidate *candidates, size_t count,
                       struct orphan_options options, str_vec *ret_locations, struct err *err);

#endif
