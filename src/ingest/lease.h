/// @file lease.h
/// A run's claim on the files that it stages: a small file below <warehouse>/_moulin/leases that is
/// locked as long as the run lives. A lease whose lock can be taken belongs to a dead run; its
/// staged files are then removed. Layer: ingest. Threads: one.
/// Only for warehouses on this machine (flock); elsewhere a lease does nothing.

#ifndef INGEST_LEASE_H
#define INGEST_LEASE_H

#include "iceberg/catalog.h"

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
/// Whether a run with this tag lives. Where that cannot be known, it is taken to be over.
CHECK rc lease_is_living(struct lease *lease, struct str run_tag, bool *ret_is_living,
                         struct err *err);
/// The run is over and owns no staged file any more.
void lease_release(struct lease *lease);
/// The run is over, but its outcome is unknown: the file stays, the lock goes.
void lease_abandon(struct lease *lease);

#endif
