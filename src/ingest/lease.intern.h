/// @file lease.intern.h
/// What leases on files and on object storage share. Layer: ingest, internal to lease*.c.

#ifndef INGEST_LEASE_INTERN_H
#define INGEST_LEASE_INTERN_H

#include "ingest/lease.h"

struct object_lease;

struct lease {
    struct arena *arena;
    struct lease_options options;
    struct str path;             // of the file; empty: the warehouse is not on this machine
    int fd;                      // -1: not held
    struct object_lease *object; // on object storage; NULL: not held
};

struct leased_table {
    struct str table, location;
};
VEC_TYPE(leased_tables, struct leased_table);

/// One line of a lease, with its line break: who runs, or where a table's files lie.
struct str lease_first_line(struct arena *arena, const struct lease_options *options);
struct str lease_table_line(struct arena *arena, struct str table, struct str location);
/// Reads the lines; one that was cut off by the end of its run ends the reading.
void lease_parse(struct arena *arena, struct str text, struct str *ret_tag,
                 leased_tables *ret_tables);
/// Whether a run that lives uses the folder as well.
bool lease_names_location(const leased_tables *tables, struct str location);

/// Adds a claim with the tables of its lease.
void lease_claim_add(struct arena *arena, lease_claims *claims, const struct lease_claim *claim,
                     const leased_tables *tables);

/// Removes what a dead run staged in a table's folder.
/// @param is_shared  a run that lives writes there too
CHECK rc lease_reap_table(const struct lease_options *options, struct arena *arena, struct str tag,
                          const struct leased_table *leased, bool is_shared, int64_t *reaped,
                          struct err *err);

// --- on object storage (lease_object.c) ---------------------------------------------------------

CHECK rc object_lease_open(struct lease *lease, int64_t *ret_reaped, struct err *err);
CHECK rc object_lease_add(struct lease *lease, struct str line, struct err *err);
CHECK rc object_lease_confirm(struct lease *lease, struct err *err);
CHECK rc object_lease_is_living(struct lease *lease, struct str run_tag, bool *ret_is_living,
                                struct err *err);
void object_lease_end(struct lease *lease, bool is_removed);
CHECK rc object_lease_claims(struct arena *arena, struct store *store, struct str folder,
                             lease_claims *ret_claims, struct err *err);

#endif
