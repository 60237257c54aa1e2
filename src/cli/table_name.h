/// @file table_name.h
/// Finds the tables that people name: "landing.games", or "games" where only one table has that
/// name. Layer: cli. Threads: the main thread.

#ifndef CLI_TABLE_NAME_H
#define CLI_TABLE_NAME_H

#include "cli/command.h"
#include "iceberg/catalog.h"

struct table_name {
    struct str namespace_name, name;
};
VEC_TYPE(table_names, struct table_name);

/// All tables of a catalog, sorted.
CHECK rc table_names_list(struct catalog *catalog, struct arena *arena, table_names *ret_names,
                          struct err *err);

/// Finds a table by its parts.
/// @param project         for the environment's namespace prefix; NULL = none
/// @param namespace_name  empty = any namespace
/// @return RC_OK | RC_NOT_FOUND (with the nearest name) | RC_INVALID (several tables match)
CHECK rc table_name_find(const struct project *project, struct catalog *catalog,
                         struct arena *arena, struct str namespace_name, struct str name,
                         struct table_name *ret_name, struct err *err);

/// The table that a command's argument names, loaded.
CHECK rc table_name_load(struct command_context *context, struct str text, struct table *ret_table,
                         struct err *err);

/// A snapshot as people name it: an id, or the name of a branch or tag.
CHECK rc table_snapshot_find(const struct table *table, struct str text,
                             const struct snapshot **ret_snapshot, struct err *err);
/// Milliseconds of an ISO 8601 text; without an offset it is UTC.
CHECK rc table_time_parse(struct str text, int64_t *ret_ms, struct err *err);

#endif
