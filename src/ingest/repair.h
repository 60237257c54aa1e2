/// @file repair.h
/// Loads that ended between the commits of their tables. Layer: ingest. Threads: one.
///
/// Where a catalog cannot commit several tables at once, a load commits the child tables of a
/// resource first and its root table, which carries the cursor, last. A load id that a child's
/// history has and the root's lacks is therefore a load that never became true: its run died in
/// between, or lost the race for the root. Before the next load goes on, such rows are taken back:
/// main returns to the snapshot before, or, where others have committed since, a new snapshot
/// removes the files that the load added and brings back those that it removed.

#ifndef INGEST_REPAIR_H
#define INGEST_REPAIR_H

#include "iceberg/catalog.h"
#include "ingest/lease.h"

struct repair_options {
    struct catalog *catalog;
    struct lease *lease;    // asked which runs live
    struct str source;      // whose loads
    struct str root;        // name of the root table, in the child's namespace
    struct str own_load_id; // of the run that asks, after it failed; else empty
};

/// Takes back what unfinished loads put into a child table. A load of a run that lives is waited
/// for.
/// @param root   as loaded; NULL when it does not exist
/// @param child  as loaded
/// @param ret_is_changed  true: load the child again
/// @return RC_OK | RC_BUSY (another run is committing and does not end) | RC_REFUSED (others
/// rewrote
///         the rows: the message says what to do) | as catalog_commit
CHECK rc repair_child(struct arena *arena, const struct repair_options *options,
                      const struct table *root, const struct table *child, bool *ret_is_changed,
                      struct err *err);

/// Whether a load that `snapshot` of one table carries must be, but is not, in the history of
/// `table`. False also when the history was expired so far that nobody can say.
/// @param table  NULL when it does not exist
bool repair_is_missing(const struct table *table, const struct snapshot *snapshot);

#endif
