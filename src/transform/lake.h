/// @file lake.h
/// Iceberg tables as DuckDB views, and the writes of models as Iceberg commits: what the embedded
/// engine stands on. Layer: transform. It speaks in texts alone, so that the template language and
/// the table format need not meet. Threads: a lake belongs to one thread at a time.
/// Views of models are kept beside the tables (views.h).

#ifndef TRANSFORM_LAKE_H
#define TRANSFORM_LAKE_H

#include "base/map.h"
#include "base/vec.h"
#include "duck/duck.h"
#include "project/project.h"

struct lake;

/// @param database  name that SQL uses in front of schemas: an empty in-memory database of `duck`
///                  gets it
CHECK rc lake_open(struct arena *arena, struct project *project, struct duck *duck,
                   struct str database, struct lake **ret_lake, struct err *err);
/// Makes a schema and a view over the current snapshot of each of its tables, once.
CHECK rc lake_mount(struct lake *lake, struct duck_connection *connection, struct str schema,
                    struct err *err);
/// Makes the stored views of all mounted schemas; those that do not bind yet are left out.
CHECK rc lake_mount_views(struct lake *lake, struct duck_connection *connection, struct err *err);

enum lake_kind { LAKE_NOTHING, LAKE_TABLE, LAKE_VIEW };
CHECK rc lake_find(struct lake *lake, struct str schema, struct str name, enum lake_kind *ret_kind,
                   struct err *err);
/// Names of tables and views, and the kind of each.
struct lake_entry {
    struct str name;
    enum lake_kind kind;
};
VEC_TYPE(lake_entry_vec, struct lake_entry);
CHECK rc lake_list(struct lake *lake, struct arena *arena, struct str schema,
                   lake_entry_vec *ret_entries, struct err *err);

CHECK rc lake_create_namespace(struct lake *lake, struct duck_connection *connection,
                               struct str schema, struct err *err);
CHECK rc lake_create_view(struct lake *lake, struct duck_connection *connection, struct str schema,
                          struct str name, struct str sql, struct err *err);
/// Drops a table (its files stay until they are reaped) or a view. RC_OK when there is none.
CHECK rc lake_drop(struct lake *lake, struct duck_connection *connection, struct str schema,
                   struct str name, struct err *err);
CHECK rc lake_rename(struct lake *lake, struct duck_connection *connection, struct str schema,
                     struct str name, struct str new_name, struct err *err);

enum lake_mode { LAKE_REPLACE, LAKE_APPEND, LAKE_REWRITE };
struct lake_write {
    enum lake_mode mode;
    struct str schema, name;
    struct str sql;                   // the rows
    const struct duck_rows *columns;  // DESCRIBE of them: name, type
    bool adds_columns, syncs_columns; // on_schema_change
    // LAKE_REWRITE: the rows are in temp.dbt_new
    struct str condition;      // over dbt_new and dbt_old: which rows belong together
    bool is_merge;             // matched rows are updated; else deleted, and all new rows inserted
    const struct str *updates; // merge: columns to take from dbt_new; NULL = all
    size_t update_count;
    struct str run_id;
};
/// One commit. Afterwards the view of the table shows the new snapshot.
/// @param ret_rows  rows of the query
/// @return RC_OK | RC_CONFLICT | RC_UNSUPPORTED (a type that Iceberg lacks) | as data_writer_copy
CHECK rc lake_commit(struct lake *lake, struct duck_connection *connection,
                     const struct lake_write *write, int64_t *ret_rows, struct err *err);

/// Keeps descriptions in a table: property `comment` and the doc of its columns. No commit when
/// they are there already. @param comment  "" = leave it  @param docs  one per name; "" takes it
/// away
CHECK rc lake_document(struct lake *lake, struct str schema, struct str name, struct str comment,
                       const struct str *names, const struct str *docs, size_t count,
                       struct err *err);

#endif
