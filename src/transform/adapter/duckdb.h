/// @file duckdb.h
/// What the adapters share that compute with DuckDB. Layer: transform.

#ifndef TRANSFORM_ADAPTER_DUCKDB_H
#define TRANSFORM_ADAPTER_DUCKDB_H

#include "transform/session.h"

CHECK rc duckdb_connect(struct session *session, struct err *err);
void duckdb_disconnect(struct session *session);
void duckdb_close(struct adapter *adapter);
CHECK rc duckdb_query(struct session *session, struct arena *arena, struct str sql,
                      struct duck_rows *ret_rows, struct err *err);
CHECK rc duckdb_describe(struct session *session, struct arena *arena, struct str from,
                         struct duck_rows *ret_rows, struct err *err);
CHECK rc duckdb_has_schema(struct session *session, struct str schema, bool *ret_has,
                           struct err *err);
CHECK rc duckdb_list(struct session *session, struct str schema, struct value list,
                     struct err *err);
CHECK rc duckdb_find(struct session *session, const struct relation *relation,
                     struct relation_info *ret_info, struct err *err);
CHECK rc duckdb_create_schema(struct session *session, struct str schema, struct err *err);

/// Names of the first column of `columns`, quoted, with a prefix, joined by commas.
struct str duckdb_column_list(struct arena *arena, const struct duck_rows *columns,
                              const char *prefix);
/// dbt_new.k = dbt_old.k and ... and (predicates)
struct str duckdb_key_condition(struct arena *arena, const struct commit_options *options);
/// on_schema_change: fail. @return RC_FAILED with the list of differences
CHECK rc duckdb_check_changes(struct session *session, const struct commit_options *options,
                              const struct relation *relation, const column_change_vec *changes,
                              struct err *err);

#endif
