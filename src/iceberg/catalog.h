/// @file catalog.h
/// Catalogs: which tables exist and which metadata file is current; the commit of transactions.
/// Layer: iceberg. Threads: a catalog belongs to one thread; open one per thread.
/// Source: Iceberg spec "Metastore Tables", "File System Tables", PyIceberg's SQL catalog.
/// Generic code owns attempts, checks and messages; a driver (catalog/sql.c, filesystem.c, glue.c)
/// only says where the current metadata is and swaps it.

#ifndef ICEBERG_CATALOG_H
#define ICEBERG_CATALOG_H

#include "base/vec.h"
#include "iceberg/transaction.h"

struct aws_session;
struct catalog;

/// Where the tables of a namespace go when not below the warehouse.
struct catalog_location {
    struct str namespace_name;
    struct str location; // URI
};

struct catalog_options {
    struct str type;      // "sql" | "filesystem" | "glue"
    struct str uri;       // sql: "sqlite:////abs/catalog.db" or "sqlite:///rel.db"; else unused
    struct str name;      // sql: the catalog_name column; empty = "default"
    struct str warehouse; // URI or path under which new tables go; no trailing slash needed
    const struct catalog_location *locations; // of namespaces that have none in the catalog
    size_t location_count;
    struct aws_session *session; // glue: who calls; borrowed
    struct str catalog_id;       // glue: account whose catalog it is; empty = the caller's
    struct store *store;         // reads and writes all files; borrowed
    bool is_read_only;           // never creates the catalog file
    int64_t busy_timeout_ms;     // wait for another writer's lock; 0 = 30 s
};

/// @return RC_OK | RC_CONFIG (unknown type, bad URI) | RC_NOT_FOUND (read-only and absent) | RC_IO
///         | RC_BUSY
CHECK rc catalog_open(const struct catalog_options *options, struct catalog **ret_catalog,
                      struct err *err);
void catalog_close(struct catalog *catalog); // NULL is allowed

/// Namespaces, levels joined by dots, sorted.
CHECK rc catalog_list_namespaces(struct catalog *catalog, struct arena *arena, str_vec *ret_names,
                                 struct err *err);
CHECK rc catalog_namespace_properties(struct catalog *catalog, struct arena *arena,
                                      struct str namespace_name, struct properties *ret_properties,
                                      struct err *err);
/// The property `location` is that of the options when none is given.
/// @param properties  may be NULL
/// @return RC_OK | RC_EXISTS
CHECK rc catalog_create_namespace(struct catalog *catalog, struct str namespace_name,
                                  const struct properties *properties, struct err *err);
/// RC_OK also when it exists.
CHECK rc catalog_ensure_namespace(struct catalog *catalog, struct str namespace_name,
                                  struct err *err);
/// @return RC_OK | RC_NOT_FOUND | RC_REFUSED (it has tables)
CHECK rc catalog_drop_namespace(struct catalog *catalog, struct str namespace_name,
                                struct err *err);

/// Names of the tables of a namespace, sorted.
CHECK rc catalog_list_tables(struct catalog *catalog, struct arena *arena,
                             struct str namespace_name, str_vec *ret_names, struct err *err);
/// @return RC_OK | RC_NOT_FOUND (hint: nearest name) | RC_CORRUPT | RC_IO
CHECK rc catalog_load_table(struct catalog *catalog, struct str namespace_name, struct str name,
                            struct arena *arena, struct table *ret_table, struct err *err);
CHECK rc catalog_table_exists(struct catalog *catalog, struct str namespace_name, struct str name,
                              bool *ret_exists, struct err *err);
CHECK rc catalog_create_table(struct catalog *catalog, struct str namespace_name, struct str name,
                              const struct table_definition *definition, struct arena *arena,
                              struct table *ret_table, struct err *err);
struct catalog_drop_options {
    bool purge; // also delete every file of the table
};
CHECK rc catalog_drop_table(struct catalog *catalog, struct str namespace_name, struct str name,
                            struct catalog_drop_options options, struct err *err);
CHECK rc catalog_rename_table(struct catalog *catalog, struct str namespace_name, struct str name,
                              struct str new_namespace, struct str new_name, struct err *err);
/// Makes an existing metadata file a table of this catalog.
CHECK rc catalog_register_table(struct catalog *catalog, struct str namespace_name, struct str name,
                                struct str metadata_location, struct err *err);

/// Commits transactions, all or nothing where the catalog can (sql). Others commit one after
/// another in the given order. Each attempt: refresh, check requirements, write manifests, list and
/// metadata (durable), swap. Lost races are tried again (commit.retry.*); requirements that do not
/// hold end with RC_CONFLICT. Transactions without changes are skipped.
/// @return RC_OK | RC_CONFLICT | RC_BUSY (locked for too long) | RC_UNKNOWN (outcome unknown,
///         nothing was deleted) | RC_EXISTS (table to create) | RC_NOT_FOUND | RC_IO | RC_NO_SPACE
CHECK rc catalog_commit(struct catalog *catalog, struct transaction *const *transactions,
                        size_t count, struct err *err);
/// Whether several transactions are committed together, or else one after another.
bool catalog_commits_many(const struct catalog *catalog);
struct store *catalog_store(const struct catalog *catalog);
struct str catalog_warehouse(const struct catalog *catalog);
/// Where a new table would go: below the namespace's property `location`, else the location of the
/// options, else <warehouse>/<namespace>.
CHECK rc catalog_table_location(struct catalog *catalog, struct arena *arena,
                                struct str namespace_name, struct str name,
                                struct str *ret_location, struct err *err);

#endif
