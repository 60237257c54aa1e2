/// @file sqlite.h
/// SQLite databases: the catalog file and the program's own state. The only includer of sqlite3.h.
/// Layer: db (base below). Threads: a connection and its statements belong to one thread at a time.
/// Waiting for a lock is bounded by busy_timeout_ms and ends as RC_BUSY; a full disk is
/// RC_NO_SPACE, a read-only file or folder RC_DENIED, a file that is no database RC_CORRUPT.

#ifndef DB_SQLITE_H
#define DB_SQLITE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct sqlite;
struct sqlite_statement;

struct sqlite_options {
    bool is_read_only; // fails when the file is missing
    bool must_exist;   // do not make the file
    bool is_own;       // a file of ours alone: WAL and synchronous=NORMAL instead of a rollback
                       // journal and synchronous=FULL (which catalog files must have)
    int64_t busy_timeout_ms; // 0 = 30,000; negative = do not wait
};

/// Opens or makes a database file. Foreign keys are enforced, triggers and views of the file are
/// not trusted with unsafe functions.
/// @param path        file name, or ":memory:"
/// @param ret_sqlite  closed together with `arena` (its statements first)
/// @return RC_OK | RC_NOT_FOUND | RC_DENIED | RC_BUSY | RC_CORRUPT | RC_NO_SPACE | RC_IO
CHECK rc sqlite_open(struct arena *arena, struct str path, struct sqlite_options options,
                     struct sqlite **ret_sqlite, struct err *err);
/// Closes early; open transactions are rolled back. NULL and a closed one are allowed.
void sqlite_close(struct sqlite *sqlite);

/// Runs one or more statements without parameters and drops their rows.
CHECK rc sqlite_exec(struct sqlite *sqlite, const char *sql, struct err *err);

/// Takes the write lock at once, so that writers queue here instead of failing at commit.
CHECK rc sqlite_begin_immediate(struct sqlite *sqlite, struct err *err);
/// @return RC_OK | RC_BUSY (still open: try again or roll back) | ...
CHECK rc sqlite_commit(struct sqlite *sqlite, struct err *err);
/// Never fails: without an open transaction nothing happens.
void sqlite_rollback(struct sqlite *sqlite);
bool sqlite_is_in_transaction(const struct sqlite *sqlite);

/// Compiles one statement.
/// @param ret_statement  finalized with the connection, or by sqlite_finalize
CHECK rc sqlite_prepare(struct sqlite *sqlite, struct str sql,
                        struct sqlite_statement **ret_statement, struct err *err);
void sqlite_finalize(struct sqlite_statement *statement);
/// Back to before the first row; bindings are cleared.
void sqlite_reset(struct sqlite_statement *statement);

/// Parameters count from 1. Text and blobs are copied. A str whose bytes are NULL binds NULL. A
/// wrong index is remembered and reported by the next step as RC_INTERNAL.
void sqlite_bind_text(struct sqlite_statement *statement, int index, struct str text);
void sqlite_bind_blob(struct sqlite_statement *statement, int index, struct str bytes);
void sqlite_bind_int64(struct sqlite_statement *statement, int index, int64_t number);
void sqlite_bind_double(struct sqlite_statement *statement, int index, double number);

/// Goes to the next row.
/// @return RC_OK (a row is there) | RC_EOF (no further row; err untouched) | RC_BUSY | RC_EXISTS (a
///   unique or primary key is taken) | RC_INVALID (another constraint) | RC_NO_SPACE | RC_DENIED |
///   ...
CHECK rc sqlite_step(struct sqlite_statement *statement, struct err *err);
/// For statements without rows: steps to the end and resets.
/// @param ret_changes  rows inserted, updated or deleted; may be NULL
CHECK rc sqlite_run(struct sqlite_statement *statement, int64_t *ret_changes, struct err *err);

/// Columns count from 0. Text and blobs are borrowed until the next step, reset or finalize; NULL
/// is {NULL, 0}, an empty text has bytes.
int sqlite_column_count(const struct sqlite_statement *statement);
struct str sqlite_column_name(const struct sqlite_statement *statement, int column);
bool sqlite_column_is_null(const struct sqlite_statement *statement, int column);
struct str sqlite_column_text(const struct sqlite_statement *statement, int column);
struct str sqlite_column_blob(const struct sqlite_statement *statement, int column);
int64_t sqlite_column_int64(const struct sqlite_statement *statement, int column);
double sqlite_column_double(const struct sqlite_statement *statement, int column);

#endif
