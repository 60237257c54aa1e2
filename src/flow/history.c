#include "flow/history.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "db/sqlite.h"

struct history {
    struct sqlite *sqlite;
    struct sqlite_statement *add_event; // compiled once: it runs for every event
};

// user_version of the file; a later version of the program migrates from it.
enum { HISTORY_VERSION = 1 };

static const char schema_sql[] =
    "CREATE TABLE IF NOT EXISTS executions ("
    " id TEXT PRIMARY KEY, workflow TEXT NOT NULL, environment TEXT NOT NULL, status TEXT NOT NULL,"
    " input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT,"
    " started_us INTEGER NOT NULL, ended_us INTEGER, process INTEGER NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS executions_by_start ON executions (started_us);"
    "CREATE TABLE IF NOT EXISTS events ("
    " execution TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE, id INTEGER NOT NULL,"
    " previous_id INTEGER NOT NULL, time_us INTEGER NOT NULL, type TEXT NOT NULL,"
    " state TEXT NOT NULL, details TEXT NOT NULL, PRIMARY KEY (execution, id))"
    " STRICT, WITHOUT ROWID;";

static const char columns_sql[] =
    "SELECT id, workflow, environment, status, input, output, error, cause, started_us,"
    " ifnull(ended_us, 0), process FROM executions ";

static rc prepare_schema(struct sqlite *sqlite, struct err *err)
{
    struct sqlite_statement *statement;
    TRY(sqlite_prepare(sqlite, STR("PRAGMA user_version"), &statement, err));
    TRY(sqlite_step(statement, err));
    const int64_t version = sqlite_column_int64(statement, 0);
    sqlite_finalize(statement);
    if (version == HISTORY_VERSION)
        return RC_OK;
    if (version > HISTORY_VERSION)
        return err_set(err, RC_UNSUPPORTED,
                       "the run history was written by a newer version of the program");
    TRY(sqlite_begin_immediate(sqlite, err));
    TRY(sqlite_exec(sqlite, schema_sql, err));
    TRY(sqlite_exec(sqlite, "PRAGMA user_version = 1", err));
    return sqlite_commit(sqlite, err);
}

rc history_open(struct arena *arena, struct str path, struct history **ret_history, struct err *err)
{
    struct history *history = ARENA_NEW(arena, struct history);
    TRY(sqlite_open(arena, path, (struct sqlite_options){.is_own = true}, &history->sqlite, err));
    TRY_CONTEXT(prepare_schema(history->sqlite, err), err, "the run history %.*s", STR_ARGS(path));
    TRY(sqlite_prepare(history->sqlite,
                       STR("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
                       &history->add_event, err));
    *ret_history = history;
    return RC_OK;
}

rc history_start(struct history *history, const struct history_execution *execution,
                 struct err *err)
{
    struct sqlite_statement *insert;
    TRY(sqlite_prepare(history->sqlite,
                       STR("INSERT INTO executions (id, workflow, environment, status, input,"
                           " started_us, process) VALUES (?1, ?2, ?3, 'RUNNING', ?4, ?5, ?6)"),
                       &insert, err));
    sqlite_bind_text(insert, 1, execution->id);
    sqlite_bind_text(insert, 2, execution->workflow);
    sqlite_bind_text(insert, 3, execution->environment);
    sqlite_bind_text(insert, 4, execution->input);
    sqlite_bind_int64(insert, 5, execution->started_us);
    sqlite_bind_int64(insert, 6, getpid());
    const rc code = sqlite_run(insert, NULL, err);
    sqlite_finalize(insert);
    if (code != RC_EXISTS)
        return code;
    err_set(err, RC_EXISTS, "there is an execution named %.*s already", STR_ARGS(execution->id));
    return err_hint(err, "leave --name away, and a new name is made up");
}

rc history_add_event(struct history *history, struct str execution_id,
                     const struct flow_event *event, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct sqlite_statement *insert = history->add_event;
    sqlite_bind_text(insert, 1, execution_id);
    sqlite_bind_int64(insert, 2, event->id);
    sqlite_bind_int64(insert, 3, event->previous_id);
    sqlite_bind_int64(insert, 4, event->time_us);
    sqlite_bind_text(insert, 5, str_of(event->type));
    sqlite_bind_text(insert, 6, event->state.bytes != NULL ? event->state : STR(""));
    sqlite_bind_text(
        insert, 7,
        event->details_name != NULL ? json_print(scratch, &event->details, JSON_COMPACT) : STR(""));
    const rc code = sqlite_run(insert, NULL, err);
    arena_close(scratch);
    return code;
}

rc history_finish(struct history *history, struct str execution_id,
                  const struct flow_result *result, int64_t ended_us, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct sqlite_statement *update;
    rc code = sqlite_prepare(history->sqlite,
                             STR("UPDATE executions SET status = ?2, output = ?3, error = ?4,"
                                 " cause = ?5, ended_us = ?6 WHERE id = ?1"),
                             &update, err);
    if (code == RC_OK) {
        sqlite_bind_text(update, 1, execution_id);
        sqlite_bind_text(update, 2, str_of(flow_status_name(result->status)));
        if (result->status == FLOW_SUCCEEDED)
            sqlite_bind_text(update, 3, json_print(scratch, &result->output, JSON_COMPACT));
        sqlite_bind_text(update, 4, result->error);
        sqlite_bind_text(update, 5, result->cause);
        sqlite_bind_int64(update, 6, ended_us);
        code = sqlite_run(update, NULL, err);
        sqlite_finalize(update);
    }
    arena_close(scratch);
    return code;
}

/// A text column, copied; NULL stays {NULL, 0}.
static struct str text_of(struct arena *arena, struct sqlite_statement *statement, int column)
{
    if (sqlite_column_is_null(statement, column))
        return (struct str){0};
    return arena_str(arena, sqlite_column_text(statement, column));
}

static struct history_execution read_execution(struct arena *arena, struct sqlite_statement *row)
{
    struct history_execution execution = {.id = text_of(arena, row, 0),
                                          .workflow = text_of(arena, row, 1),
                                          .environment = text_of(arena, row, 2),
                                          .status = text_of(arena, row, 3),
                                          .input = text_of(arena, row, 4),
                                          .output = text_of(arena, row, 5),
                                          .error = text_of(arena, row, 6),
                                          .cause = text_of(arena, row, 7),
                                          .started_us = sqlite_column_int64(row, 8),
                                          .ended_us = sqlite_column_int64(row, 9)};
    const pid_t process = (pid_t)sqlite_column_int64(row, 10);
    if (str_is(execution.status, "RUNNING") && process > 0 && kill(process, 0) != 0 &&
        errno == ESRCH)
        execution.status = STR("DIED");
    return execution;
}

static rc read_executions(struct sqlite_statement *statement, struct arena *arena,
                          history_execution_vec *executions, struct err *err)
{
    rc code;
    while ((code = sqlite_step(statement, err)) == RC_OK)
        *vec_push(arena, executions) = read_execution(arena, statement);
    sqlite_finalize(statement);
    return code == RC_EOF ? RC_OK : code;
}

rc history_list(struct history *history, struct arena *arena, int64_t limit,
                history_execution_vec *ret_executions, struct err *err)
{
    struct sqlite_statement *statement;
    const struct str sql =
        arena_printf(arena, "%s ORDER BY started_us DESC, id LIMIT ?1", columns_sql);
    TRY(sqlite_prepare(history->sqlite, sql, &statement, err));
    sqlite_bind_int64(statement, 1, limit);
    return read_executions(statement, arena, ret_executions, err);
}

static rc no_execution(struct history *history, struct arena *arena, struct str id, struct err *err)
{
    history_execution_vec known = {0};
    str_vec names = {0};
    TRY(history_list(history, arena, 1000, &known, err));
    for (size_t i = 0; i < known.count; i++)
        *vec_push(arena, &names) = known.items[i].id;
    const size_t near = str_nearest(id, names.items, names.count);
    err_set(err, RC_NOT_FOUND, "there is no execution %.*s", STR_ARGS(id));
    if (near != SIZE_MAX)
        return err_hint(err, "did you mean %.*s?", STR_ARGS(names.items[near]));
    return err_hint(err, "moulin run --list shows the executions");
}

rc history_find(struct history *history, struct arena *arena, struct str id,
                struct history_execution *ret_execution, struct err *err)
{
    history_execution_vec found = {0};
    struct sqlite_statement *statement;
    const struct str sql = arena_printf(
        arena, "%s WHERE id = ?1 OR substr(id, 1, length(?1)) = ?1 ORDER BY id <> ?1 LIMIT 2",
        columns_sql);
    TRY(sqlite_prepare(history->sqlite, sql, &statement, err));
    sqlite_bind_text(statement, 1, id);
    TRY(read_executions(statement, arena, &found, err));
    if (found.count == 0)
        return no_execution(history, arena, id, err);
    if (found.count > 1 && !str_equal(found.items[0].id, id))
        return err_set(err, RC_USAGE, "more than one execution begins with %.*s: %.*s, %.*s",
                       STR_ARGS(id), STR_ARGS(found.items[0].id), STR_ARGS(found.items[1].id));
    *ret_execution = found.items[0];
    return RC_OK;
}

rc history_events(struct history *history, struct arena *arena, struct str execution_id,
                  history_event_vec *ret_events, struct err *err)
{
    struct sqlite_statement *row;
    rc code;
    TRY(sqlite_prepare(history->sqlite,
                       STR("SELECT id, previous_id, time_us, type, state, details FROM events"
                           " WHERE execution = ?1 ORDER BY id"),
                       &row, err));
    sqlite_bind_text(row, 1, execution_id);
    while ((code = sqlite_step(row, err)) == RC_OK)
        *vec_push(arena, ret_events) = (struct history_event){
            .id = sqlite_column_int64(row, 0),
            .previous_id = sqlite_column_int64(row, 1),
            .time_us = sqlite_column_int64(row, 2),
            .type = text_of(arena, row, 3),
            .state = text_of(arena, row, 4),
            .details = text_of(arena, row, 5),
        };
    sqlite_finalize(row);
    return code == RC_EOF ? RC_OK : code;
}
