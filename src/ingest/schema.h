/// @file schema.h
/// Schema files: what a landing table is to look like (pipelines/ingest/<source>-schema/*.yml),
/// and the plan that brings a table there. Layer: ingest.
/// Source of truth for the files: docs/schema/landing_table.schema.json.

#ifndef INGEST_SCHEMA_H
#define INGEST_SCHEMA_H

#include "base/yaml.h"
#include "iceberg/catalog.h"

/// One file.
struct landing_schema_file {
    struct str path;                    // as shown in messages
    struct str table;                   // "chess_players_games"
    struct table_definition definition; // ids are positions, from 1
    const struct str *renamed_from;     // per column; empty = not renamed
    size_t column_count;
    bool has_partition, has_sort, has_identifiers; // the file says so
    const struct yaml *yaml;                       // the document, for marks
    struct str text;
};

/// Reads one file.
/// @return RC_OK | RC_CONFIG (file:line:column)
CHECK rc schema_file_read(struct arena *arena, struct str path,
                          struct landing_schema_file *ret_file, struct err *err);
VEC_TYPE(landing_schema_files, const struct landing_schema_file *);
/// All *.yml files of a folder, by name; an absent folder has none.
CHECK rc schema_folder_read(struct arena *arena, struct str folder, landing_schema_files *ret_files,
                            struct err *err);

enum schema_change_kind {
    SCHEMA_CREATE,
    SCHEMA_ADD,
    SCHEMA_RENAME,
    SCHEMA_WIDEN,
    SCHEMA_OPTIONAL,
    SCHEMA_DOC,
    SCHEMA_MOVE,
    SCHEMA_IDENTIFIERS,
    SCHEMA_PARTITION,
    SCHEMA_SORT,
    SCHEMA_PROPERTY,
    SCHEMA_DROP,    // needs allow_drop
    SCHEMA_DRIFT,   // in the table, in no file: nothing is done
    SCHEMA_REFUSED, // what Iceberg cannot do
};
struct schema_change {
    enum schema_change_kind kind;
    struct str column; // or property; empty = the table
    struct str text;   // "long -> decimal(38, 0)", the reason of a refusal
};
VEC_TYPE(schema_changes, struct schema_change);

struct schema_plan {
    struct str table;
    const struct landing_schema_file *file;
    bool exists;
    schema_changes changes;
    struct transaction *tx; // does exactly the changes; NULL = none
};

struct schema_plan_options {
    struct catalog *catalog;
    struct str namespace_name;
    int format_version; // of new tables
    bool allow_drop;    // columns that the file does not name are dropped
};

const char *schema_change_name(enum schema_change_kind kind);
/// Whether a change alters the table (drift and refusals do not).
bool schema_change_is_effective(enum schema_change_kind kind);

/// Compares a file with its table.
CHECK rc schema_plan_make(struct arena *arena, const struct schema_plan_options *options,
                          const struct landing_schema_file *file, struct schema_plan *ret_plan,
                          struct err *err);
/// Does what the plan says, in one commit.
/// @return RC_OK | RC_REFUSED (a refusal is among the changes) | as catalog_commit
CHECK rc schema_plan_apply(const struct schema_plan *plan, struct catalog *catalog,
                           struct err *err);

/// The file's text with the columns that the table has in addition; comments and order stay.
/// @param ret_text  equal to the file's text when nothing is to add
/// @param ret_added how many columns were added
CHECK rc schema_file_pull(struct arena *arena, const struct landing_schema_file *file,
                          const struct table_metadata *metadata, struct str *ret_text,
                          size_t *ret_added, struct err *err);
/// A new file for a table that has none.
struct str schema_file_of_table(struct arena *arena, struct str table,
                                const struct table_metadata *metadata);

#endif
