/// @file session.h
/// The engine behind `adapter.*`: connections, relations, and the one operation that writes.
/// Layer: transform. Threads: an adapter may be shared; a session belongs to one thread.
/// Drivers: adapter/duckdb.c (a DuckDB file, as dbt-duckdb), adapter/embedded.c (DuckDB computes,
/// results are Iceberg commits), adapter/trino.c and adapter/athena.c (SQL is sent to an engine).
/// Rows are held as struct duck_rows, whoever computed them.

#ifndef TRANSFORM_SESSION_H
#define TRANSFORM_SESSION_H

#include "duck/duck.h"
#include "transform/scope.h"

enum commit_mode {
    COMMIT_REPLACE,       // the table is what the query gives; history kept
    COMMIT_APPEND,        // its rows are added
    COMMIT_MERGE,         // rows with equal keys are updated, others added
    COMMIT_DELETE_INSERT, // rows with equal keys are deleted, then all are added
    COMMIT_MODE_COUNT,
};
extern const char *const commit_mode_names[COMMIT_MODE_COUNT];

struct commit_options {
    enum commit_mode mode;
    const struct str *keys; // merge, delete+insert: column names
    size_t key_count;
    struct str predicates;     // SQL condition on the target's rows that may match; "" = none
    const struct str *updates; // merge: columns to update; NULL = all
    size_t update_count;
    struct str on_schema_change; // "ignore", "fail", "append_new_columns", "sync_all_columns"
};

/// What properties say of a relation, to be kept beside its rows (persist_docs).
struct relation_docs {
    struct str comment;             // "" = leave what is there
    const struct str *names, *docs; // of columns; "" takes a text away
    size_t count;
};

/// What a relation's name stands for.
struct relation_info {
    bool exists;
    enum relation_type type;
};

/// What the statements of one session cost. -1 = the engine does not say.
struct session_statistics {
    int64_t statements;
    int64_t scanned_bytes;
    double cost_usd;
    int64_t rows;        // written by the last statement that wrote any
    struct str query_id; // of the last statement
    const char *code;    // of adapter_response.code: "MERGE", "CREATE TABLE"; NULL = none
};

struct adapter;
struct session {
    struct adapter *adapter;
    struct duck_connection *connection; // engines that are DuckDB
    struct arena *arena;
    struct session_statistics statistics;
};

struct adapter_class {
    const char *name;
    const char *type;    // to macros and packages: target.type, the prefix of dispatch
    const char *package; // of its built-in macros: "dbt_duckdb"
    bool sends_sql; // materializations are statements, not commits: commit and create_view are NULL
    CHECK rc (*open)(struct adapter *adapter, struct err *err);
    void (*close)(struct adapter *adapter); // NULL = nothing to close
    CHECK rc (*connect)(struct session *session, struct err *err);
    void (*disconnect)(struct session *session);
    /// Runs SQL. @param ret_rows  NULL = they are not wanted, and there may be several statements
    CHECK rc (*query)(struct session *session, struct arena *arena, struct str sql,
                      struct duck_rows *ret_rows, struct err *err);
    /// Name and type of each column of a relation or "(query)", without computing it.
    CHECK rc (*describe)(struct session *session, struct arena *arena, struct str from,
                         struct duck_rows *ret_rows, struct err *err);
    CHECK rc (*has_schema)(struct session *session, struct str schema, bool *ret_has,
                           struct err *err);
    /// Tables and views of a schema as relation values.
    CHECK rc (*list)(struct session *session, struct str schema, struct value list,
                     struct err *err);
    CHECK rc (*find)(struct session *session, const struct relation *relation,
                     struct relation_info *ret_info, struct err *err);
    CHECK rc (*create_schema)(struct session *session, struct str schema, struct err *err);
    CHECK rc (*drop)(struct session *session, const struct relation *relation, struct err *err);
    CHECK rc (*rename)(struct session *session, const struct relation *from,
                       const struct relation *to, struct err *err);
    CHECK rc (*create_view)(struct session *session, const struct relation *relation,
                            struct str sql, struct err *err);
    /// @param ret_rows  rows written
    CHECK rc (*commit)(struct session *session, const struct relation *relation, struct str sql,
                       const struct commit_options *options, int64_t *ret_rows, struct err *err);
    /// Comments of the relation and of those of its columns that exist.
    CHECK rc (*document)(struct session *session, const struct relation *relation,
                         const struct relation_docs *docs, struct err *err);
    /// Statements of hooks and operations: refuses those that would write past the commits.
    CHECK rc (*check_statement)(struct session *session, struct str sql, struct err *err);
};

struct adapter {
    const struct adapter_class *class;
    struct transform *t;
    struct arena *arena;
    struct duck *duck;
    void *state;  // the lake, the SQL engine
    void *driver; // what only the driver knows
    bool has_warned_of_docs;
};

/// Opens the adapter of the profile, once. @return RC_OK | what the engine says
CHECK rc adapter_open(struct transform *t, struct err *err);
extern const struct adapter_class adapter_duckdb, adapter_embedded, adapter_trino, adapter_athena;
/// The class of a profile's type, before anything is opened. @return NULL when there is none
const struct adapter_class *adapter_class_of(struct str type);

/// A connection for a scope, opened when first needed.
CHECK rc session_of(struct scope *scope, struct session **ret_session, struct err *err);
CHECK rc session_open(struct transform *t, struct arena *arena, struct session **ret_session,
                      struct err *err);
void session_close(struct session *session);

/// Runs SQL. @param ret_table  its rows as an agate table; NULL = not wanted
/// @param ret_response  dict: _message, code, rows_affected
CHECK rc session_query(struct session *session, struct arena *arena, struct str sql,
                       struct table_object **ret_table, struct value *ret_response,
                       struct err *err);
/// Name and type of each column of a query or relation, without running it.
CHECK rc session_describe(struct session *session, struct arena *arena, struct str from,
                          struct duck_rows *ret_rows, struct err *err);
/// The queries that give the rows of the scope's seed: one, or as many as the limits want.
struct seed_limits {
    size_t rows, bytes; // of one query; 0 = no limit
    bool sends_sql;     // types and times as Trino and Athena spell them
};
CHECK rc session_seed_queries(struct scope *scope, const struct seed_limits *limits,
                              str_vec *ret_queries, struct err *err);
/// Puts what the session's statements said and cost into an adapter_response.
void session_respond(const struct session *session, struct arena *arena, struct value response);
/// The sums alone: bytes, price, number of statements.
void session_total(const struct session *session, struct value response);
/// Rows of a query, for callers outside the template language.
CHECK rc session_rows(struct session *session, struct arena *arena, struct str sql,
                      struct duck_rows *ret_rows, struct err *err);
struct value session_value(struct arena *arena, const struct duck_value *value);

/// Columns for what differs between query and table, for on_schema_change.
enum column_change_kind { COLUMN_ADDED, COLUMN_REMOVED, COLUMN_RETYPED };
struct column_change {
    struct str name, type; // of the query
    enum column_change_kind kind;
};
VEC_TYPE(column_change_vec, struct column_change);
CHECK rc session_changes(struct session *session, struct arena *arena, struct str query,
                         const struct relation *relation, column_change_vec *ret_changes,
                         struct err *err);

#endif
