/// @file table.h
/// A table as a catalog hands it out: its name, where its metadata is, and the metadata.
/// Layer: iceberg. Threads: read-only; belongs to the arena it was loaded into.

#ifndef ICEBERG_TABLE_H
#define ICEBERG_TABLE_H

#include "iceberg/manifest.h"

struct catalog;

struct table {
    struct catalog *catalog;   // borrowed; NULL when loaded from a metadata file
    struct store *store;       // borrowed: reads the table's files
    struct arena *arena;       // holds the metadata
    struct str namespace_name; // levels joined by dots
    struct str name;
    struct str metadata_location; // empty: not created yet
    const struct table_metadata *metadata;
};

/// Opens a table from a metadata file, without a catalog (read-only).
/// @param location  of a .metadata.json file (also .gz), or of a table folder with a version hint
CHECK rc table_open(struct store *store, struct arena *arena, struct str location,
                    struct table *ret_table, struct err *err);

/// Reads and parses a metadata file, also a compressed one (.gz.metadata.json).
CHECK rc table_read_metadata(struct store *store, struct arena *arena, struct str location,
                             struct table_metadata *ret_metadata, struct err *err);

/// "namespace.name"
struct str table_full_name(struct arena *arena, const struct table *table);
/// Folder of data files: write.data.path or <location>/data.
struct str table_data_location(struct arena *arena, const struct table_metadata *metadata);
struct str table_metadata_folder(struct arena *arena, const struct table_metadata *metadata);

/// Where a new data file belongs: <data>/<partition>/<name>, or with write.object-storage.enabled
/// behind folders of a hash of its name, so that an object store can spread the load.
/// @param partition  as partition_path() gives it; may be empty
/// @source Java's LocationProviders
struct str table_data_file_location(struct arena *arena, const struct table_metadata *metadata,
                                    struct str partition, struct str name);

/// Calls `visit` for every live file of a snapshot; stops at the first failure.
/// @param file  valid during the call only
CHECK rc table_visit_files(const struct table *table, const struct snapshot *snapshot,
                           struct manifest_read_options options,
                           rc (*visit)(void *context, const struct manifest_entry *entry,
                                       struct err *err),
                           void *context, struct err *err);

#endif
