/// @file lease.h
/// A run's claim on the files that it stages: a small file below <warehouse>/_moulin/leases. The
/// staged files of a dead run are removed by the next one. Layer: ingest. Threads: one.
/// On this machine the file is locked (flock) as long as the run lives: a lock that can be taken
/// belongs to a dead run. On object storage the run writes its lease anew every LEASE_BEAT_S, by a
/// thread of its own; one that has not changed for LEASE_DEAD_S, by the storage's own clock,
/// belongs to a dead run. Who removes its files first leaves a mark, and the run, should it only
/// have been held up, looks for the mark before it commits: so no commit names files that were
/// removed.

#ifndef INGEST_LEASE_H
#define INGEST_LEASE_H

#include "iceberg/catalog.h"

enum { LEASE_BEAT_S = 5, LEASE_DEAD_S = 30 };

struct lease;

struct lease_options {
    struct catalog *catalog;
    struct store *store;
    struct str warehouse; // URI
    struct str namespace_name;
    struct str run_tag; // in the names of the run's staged files
    struct str source;
};

/// Removes what dead runs left, then claims `run_tag`.
/// @param ret_lease  released together with `arena`, or by lease_release
/// @param ret_reaped files of dead runs that were removed
/// @return RC_OK | RC_DENIED | RC_NO_SPACE | RC_IO
CHECK rc lease_open(struct arena *arena, const struct lease_options *options,
                    struct lease **ret_lease, int64_t *ret_reaped, struct err *err);
/// Writes down where a table's files will lie, durably, before the first is written.
CHECK rc lease_add_location(struct lease *lease, struct str table, struct str location,
                            struct err *err);
/// Before a commit: the run still owns what it staged.
/// @return RC_OK | RC_CONFLICT (it was taken for dead) | RC_NETWORK ...
CHECK rc lease_confirm(struct lease *lease, struct err *err);
/// Whether a run with this tag lives.
CHECK rc lease_is_living(struct lease *lease, struct str run_tag, bool *ret_is_living,
                         struct err *err);
/// The run is over and owns no staged file any more.
void lease_release(struct lease *lease);
/// The run is over, but its outcome is unknown: the file stays, the lock goes.
void lease_abandon(struct lease *lease);

/// The leases of a warehouse, for whoever looks for files without an owner.
struct lease_claim {
    struct str uri; // of the lease
    struct str tag; // in the names of the files that the run staged
    bool is_live;
    str_vec tables, locations; // where its files lie
};
VEC_TYPE(lease_claims, struct lease_claim);
CHECK rc lease_read_claims(struct arena *arena, struct store *store, struct str warehouse,
                           lease_claims *ret_claims, struct err *err);

#endif
