#include "db/sqlite.h"

#include <sqlite3.h>
#include <stdio.h>

enum { BUSY_TIMEOUT_MS = 30000, PATH_MAX_BYTES = 4000 };

struct sqlite {
    sqlite3 *handle; // NULL once closed
    struct arena *arena;
    char path[PATH_MAX_BYTES + 1];
    struct sqlite_statement *statements; // open ones
};

struct sqlite_statement {
    sqlite3_stmt *handle; // NULL once finalized
    struct sqlite *sqlite;
    struct sqlite_statement *next, *previous;
    int bind_error; // first failed bind since the last reset
};

static const struct {
    int sqlite_code; // extended where it has more than 8 bits
    rc code;
} codes[] = {
    {SQLITE_CONSTRAINT_UNIQUE, RC_EXISTS},
    {SQLITE_CONSTRAINT_PRIMARYKEY, RC_EXISTS},
    {SQLITE_CONSTRAINT_ROWID, RC_EXISTS},
    {SQLITE_IOERR_NOMEM, RC_LIMIT},
    {SQLITE_BUSY, RC_BUSY},
    {SQLITE_LOCKED, RC_BUSY},
    {SQLITE_FULL, RC_NO_SPACE},
    {SQLITE_READONLY, RC_DENIED},
    {SQLITE_PERM, RC_DENIED},
    {SQLITE_AUTH, RC_DENIED},
    {SQLITE_CORRUPT, RC_CORRUPT},
    {SQLITE_NOTADB, RC_CORRUPT},
    {SQLITE_CONSTRAINT, RC_INVALID},
    {SQLITE_TOOBIG, RC_LIMIT},
    {SQLITE_NOMEM, RC_LIMIT},
    {SQLITE_INTERRUPT, RC_INTERRUPTED},
    {SQLITE_CANTOPEN, RC_NOT_FOUND},
    {SQLITE_IOERR, RC_IO},
    {SQLITE_MISUSE, RC_INTERNAL},
    {SQLITE_ERROR, RC_INVALID},
};

static rc code_of(int sqlite_code)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].sqlite_code == sqlite_code)
            return codes[i].code;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].sqlite_code == (sqlite_code & 0xff))
            return codes[i].code;
    return RC_IO;
}

static rc fail(struct sqlite *sqlite, int sqlite_code, const char *what, struct err *err)
{
    const int error_number = sqlite->handle != NULL ? sqlite3_system_errno(sqlite->handle) : 0;
    const rc code = code_of(sqlite_code);
    // A missing folder and a forbidden one are both "unable to open" to SQLite.
    if ((sqlite_code & 0xff) == SQLITE_CANTOPEN && error_number != 0)
        return err_system(err, error_number, "%s: cannot %s", sqlite->path, what);
    err_set(err, code, "%s: cannot %s: %s", sqlite->path, what,
            sqlite->handle != NULL ? sqlite3_errmsg(sqlite->handle) : sqlite3_errstr(sqlite_code));
    if (code == RC_BUSY)
        err_hint(err, "another process is writing to it: wait for it to finish, then try again");
    return code;
}

static void close_deferred(void *object)
{
    sqlite_close(object);
}

static rc configure(struct sqlite *sqlite, struct sqlite_options options, struct err *err)
{
    const int64_t timeout =
        options.busy_timeout_ms == 0 ? BUSY_TIMEOUT_MS : options.busy_timeout_ms;
    sqlite3_busy_timeout(sqlite->handle, timeout < 0 ? 0 : (int)timeout);
    sqlite3_extended_result_codes(sqlite->handle, 1);
    sqlite3_db_config(sqlite->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(sqlite->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (options.is_own && !options.is_read_only)
        return sqlite_exec(sqlite,
                           "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                           "PRAGMA foreign_keys=ON",
                           err);
    return sqlite_exec(sqlite, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", err);
}

rc sqlite_open(struct arena *arena, struct str path, struct sqlite_options options,
               struct sqlite **ret_sqlite, struct err *err)
{
    if (path.length == 0 || path.length > PATH_MAX_BYTES)
        return err_set(err, RC_INVALID, "the path of a database has 1 to %d bytes, this one %zu",
                       PATH_MAX_BYTES, path.length);
    struct sqlite *sqlite = ARENA_NEW(arena, struct sqlite);
    sqlite->arena = arena;
    memcpy(sqlite->path, path.bytes, path.length);
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= options.is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (!options.is_read_only && !options.must_exist)
        flags |= SQLITE_OPEN_CREATE;
    const int opened = sqlite3_open_v2(sqlite->path, &sqlite->handle, flags, NULL);
    rc result = opened == SQLITE_OK ? configure(sqlite, options, err)
                                    : fail(sqlite, opened, "open the database", err);
    if (result != RC_OK) {
        sqlite_close(sqlite);
        return result;
    }
    arena_defer(arena, close_deferred, sqlite);
    *ret_sqlite = sqlite;
    return RC_OK;
}

void sqlite_close(struct sqlite *sqlite)
{
    if (sqlite == NULL || sqlite->handle == NULL)
        return;
    while (sqlite->statements != NULL)
        sqlite_finalize(sqlite->statements);
    sqlite3_close(sqlite->handle);
    sqlite->handle = NULL;
}

rc sqlite_exec(struct sqlite *sqlite, const char *sql, struct err *err)
{
    const int code = sqlite3_exec(sqlite->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? RC_OK : fail(sqlite, code, "run a statement", err);
}

rc sqlite_begin_immediate(struct sqlite *sqlite, struct err *err)
{
    const int code = sqlite3_exec(sqlite->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    return code == SQLITE_OK ? RC_OK : fail(sqlite, code, "begin to write", err);
}

rc sqlite_commit(struct sqlite *sqlite, struct err *err)
{
    const int code = sqlite3_exec(sqlite->handle, "COMMIT", NULL, NULL, NULL);
    return code == SQLITE_OK ? RC_OK : fail(sqlite, code, "commit", err);
}

void sqlite_rollback(struct sqlite *sqlite)
{
    if (sqlite_is_in_transaction(sqlite))
        sqlite3_exec(sqlite->handle, "ROLLBACK", NULL, NULL, NULL);
}

bool sqlite_is_in_transaction(const struct sqlite *sqlite)
{
    return sqlite->handle != NULL && sqlite3_get_autocommit(sqlite->handle) == 0;
}

rc sqlite_prepare(struct sqlite *sqlite, struct str sql, struct sqlite_statement **ret_statement,
                  struct err *err)
{
    if (sql.length > INT32_MAX)
        return err_set(err, RC_LIMIT, "%s: a statement has %zu bytes", sqlite->path, sql.length);
    sqlite3_stmt *handle = NULL;
    const int code = sqlite3_prepare_v2(sqlite->handle, sql.bytes, (int)sql.length, &handle, NULL);
    if (code != SQLITE_OK)
        return fail(sqlite, code, "understand a statement", err);
    if (handle == NULL)
        return err_set(err, RC_INVALID, "%s: a statement is empty", sqlite->path);
    struct sqlite_statement *statement = ARENA_NEW(sqlite->arena, struct sqlite_statement);
    *statement =
        (struct sqlite_statement){.handle = handle, .sqlite = sqlite, .next = sqlite->statements};
    if (sqlite->statements != NULL)
        sqlite->statements->previous = statement;
    sqlite->statements = statement;
    *ret_statement = statement;
    return RC_OK;
}

void sqlite_finalize(struct sqlite_statement *statement)
{
    if (statement == NULL || statement->handle == NULL)
        return;
    sqlite3_finalize(statement->handle);
    statement->handle = NULL;
    if (statement->previous != NULL)
        statement->previous->next = statement->next;
    else
        statement->sqlite->statements = statement->next;
    if (statement->next != NULL)
        statement->next->previous = statement->previous;
}

void sqlite_reset(struct sqlite_statement *statement)
{
    sqlite3_reset(statement->handle);
    sqlite3_clear_bindings(statement->handle);
    statement->bind_error = SQLITE_OK;
}

static void note_bind(struct sqlite_statement *statement, int code)
{
    if (code != SQLITE_OK && statement->bind_error == SQLITE_OK)
        statement->bind_error = code;
}

void sqlite_bind_text(struct sqlite_statement *statement, int index, struct str text)
{
    note_bind(statement, sqlite3_bind_text64(statement->handle, index, text.bytes, text.length,
                                             SQLITE_TRANSIENT, SQLITE_UTF8));
}

void sqlite_bind_blob(struct sqlite_statement *statement, int index, struct str bytes)
{
    note_bind(statement, sqlite3_bind_blob64(statement->handle, index, bytes.bytes, bytes.length,
                                             SQLITE_TRANSIENT));
}

void sqlite_bind_int64(struct sqlite_statement *statement, int index, int64_t number)
{
    note_bind(statement, sqlite3_bind_int64(statement->handle, index, number));
}

void sqlite_bind_double(struct sqlite_statement *statement, int index, double number)
{
    note_bind(statement, sqlite3_bind_double(statement->handle, index, number));
}

rc sqlite_step(struct sqlite_statement *statement, struct err *err)
{
    if (statement->bind_error != SQLITE_OK)
        return err_set(err, RC_INTERNAL, "%s: a parameter of \"%s\" cannot be bound",
                       statement->sqlite->path, sqlite3_sql(statement->handle));
    const int code = sqlite3_step(statement->handle);
    if (code == SQLITE_ROW)
        return RC_OK;
    if (code == SQLITE_DONE)
        return RC_EOF;
    const rc result = fail(statement->sqlite, code, "run a statement", err);
    sqlite3_reset(statement->handle);
    return result;
}

rc sqlite_run(struct sqlite_statement *statement, int64_t *ret_changes, struct err *err)
{
    rc result;
    do
        result = sqlite_step(statement, err);
    while (result == RC_OK);
    const int64_t changes = sqlite3_changes(statement->sqlite->handle);
    sqlite_reset(statement);
    if (result != RC_EOF)
        return result;
    if (ret_changes != NULL)
        *ret_changes = changes;
    return RC_OK;
}

int sqlite_column_count(const struct sqlite_statement *statement)
{
    return sqlite3_column_count(statement->handle);
}

struct str sqlite_column_name(const struct sqlite_statement *statement, int column)
{
    return str_of(sqlite3_column_name(statement->handle, column));
}

bool sqlite_column_is_null(const struct sqlite_statement *statement, int column)
{
    return sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
}

struct str sqlite_column_text(const struct sqlite_statement *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement->handle, column);
    return (struct str){text, (size_t)sqlite3_column_bytes(statement->handle, column)};
}

struct str sqlite_column_blob(const struct sqlite_statement *statement, int column)
{
    if (sqlite_column_is_null(statement, column))
        return (struct str){NULL, 0};
    const char *bytes = sqlite3_column_blob(statement->handle, column);
    const size_t length = (size_t)sqlite3_column_bytes(statement->handle, column);
    return (struct str){bytes != NULL ? bytes : "", length};
}

int64_t sqlite_column_int64(const struct sqlite_statement *statement, int column)
{
    return sqlite3_column_int64(statement->handle, column);
}

double sqlite_column_double(const struct sqlite_statement *statement, int column)
{
    return sqlite3_column_double(statement->handle, column);
}
