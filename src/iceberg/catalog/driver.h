/// @file driver.h
/// What a kind of catalog has to offer. Layer: iceberg; for catalog.c, catalog_commit.c and the
/// drivers.
/// The life of a commit: begin, locate each table, (metadata files are written), swap. Between
/// begin and swap or cancel a driver may hold a lock.
///
/// A driver is a file of this folder, named at the end of this header, in `drivers` of catalog.c,
/// in meson.build, in `types` of tests/unit/iceberg/catalog_test.c (and commit_fault_test.c) and in
/// the enum of docs/schema/moulin.schema.json. It is closed with the catalog's arena (arena_defer).
/// The interface is that of catalogs where the client writes the metadata file. A catalog whose
/// server writes it (Iceberg REST) does not fit as it is: it wants the requirements and updates of
/// a transaction, which transaction_attempt() has applied to the metadata by then.

#ifndef ICEBERG_CATALOG_DRIVER_H
#define ICEBERG_CATALOG_DRIVER_H

#include "base/map.h"
#include "iceberg/catalog.h"

struct catalog_driver;

struct catalog {
    struct arena *arena; // of the catalog itself
    const struct catalog_driver *driver;
    void *self; // the driver's own
    struct store *store;
    struct str name;
    struct str warehouse;                     // URI without trailing slash
    const struct catalog_location *locations; // of the options, copied, without trailing slash
    size_t location_count;
    bool is_read_only;
    int64_t busy_timeout_ms;
};

/// What swap is to do with one table: compare the location, then replace it.
struct catalog_change {
    struct str namespace_name, name;
    struct str old_location; // empty = create the table
    struct str new_location;
    const struct table_metadata *metadata; // in the new file
};

struct catalog_driver {
    struct str type;
    bool can_commit_many; // swap takes several changes, all or nothing
    bool put_decides;     // writing the metadata file (which must be new) is the commit itself
    bool is_remote; // a conflict may be with a try of ours whose answer was lost: ask the table

    /// Fills `self`. @return RC_OK | RC_CONFIG | RC_NOT_FOUND (read-only and absent) | RC_IO |
    /// RC_BUSY
    rc (*open)(struct catalog *catalog, const struct catalog_options *options, struct err *err);
    rc (*list_namespaces)(struct catalog *catalog, struct arena *arena, str_vec *ret_names,
                          struct err *err);
    /// @return RC_NOT_FOUND when there is no such namespace
    rc (*namespace_properties)(struct catalog *catalog, struct arena *arena, struct str name,
                               struct properties *ret_properties, struct err *err);
    /// @param properties  may be NULL. @return RC_EXISTS when it is there
    rc (*create_namespace)(struct catalog *catalog, struct str name,
                           const struct properties *properties, struct err *err);
    /// @return RC_NOT_FOUND | RC_REFUSED (it has tables)
    rc (*drop_namespace)(struct catalog *catalog, struct str name, struct err *err);
    rc (*list_tables)(struct catalog *catalog, struct arena *arena, struct str namespace_name,
                      str_vec *ret_names, struct err *err);
    /// @param ret_location  of the current metadata file, empty when there is no such table
    rc (*locate)(struct catalog *catalog, struct arena *arena, struct str namespace_name,
                 struct str name, struct str *ret_location, struct err *err);
    /// Forgets the table, keeps its files. @return RC_NOT_FOUND when there is none
    rc (*drop_table)(struct catalog *catalog, struct str namespace_name, struct str name,
                     struct err *err);
    /// @return RC_NOT_FOUND | RC_EXISTS (the new name) | RC_UNSUPPORTED
    rc (*rename_table)(struct catalog *catalog, struct str namespace_name, struct str name,
                       struct str new_namespace, struct str new_name, struct err *err);
    /// Name of the next metadata file. @param version  of the next one, from 0
    struct str (*metadata_name)(struct arena *arena, int64_t version);

    /// @return RC_BUSY when another writer holds the lock for too long
    rc (*begin)(struct catalog *catalog, struct err *err);
    /// @return RC_OK | RC_CONFLICT (lost the race: nothing changed) | RC_EXISTS (create)
    ///   | RC_UNKNOWN (may still happen: unless locate shows it, nothing is deleted)
    ///   | anything else: the outcome must be looked up with locate
    rc (*swap)(struct catalog *catalog, const struct catalog_change *changes, size_t count,
               struct err *err);
    void (*cancel)(struct catalog *catalog); // ends begin without changes
};

/// The newest metadata file of a table folder with version numbers; empty when there is none.
CHECK rc filesystem_current_metadata(struct store *store, struct arena *arena, struct str folder,
                                     struct str *ret_location, struct err *err);

/// Turns the error into that of a commit which may have happened. @return RC_UNKNOWN
rc catalog_outcome_unknown(struct err *err);

extern const struct catalog_driver catalog_driver_sql, catalog_driver_filesystem,
    catalog_driver_glue;

#endif
