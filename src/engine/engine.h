/// @file engine.h
/// SQL engines that run elsewhere: a statement goes out, rows come back. Layer: engine (project
/// below). Drivers: trino.c, athena.c. What is common is here: statement size, retries of whole
/// statements by error class, cancel when somebody asks to stop, statistics.
/// Threads: an engine belongs to one thread at a time. Limits: a row is capped by the page that
/// brings it (64 MiB), rows kept in memory by DUCK_MAX_ROWS.
/// Rows are held as struct duck_rows: values and their kinds as if DuckDB had computed them, so
/// that the same query prints the same text on every engine.

#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/json.h"
#include "duck/duck.h"

struct aws_session;
struct engine;

/// Settings of every engine; what a driver wants beyond them is in `settings` (dbt's words).
struct engine_options {
    struct str type;         // "trino", "athena"
    struct json settings;    // object: keys of the profile's output or of `engine:`
    const char *place;       // where they were written: "moulin.yml, environment dev"
    struct str catalog;      // of names without one; "" = the driver's default
    struct str schema;       // likewise
    struct aws_session *aws; // athena
    struct str source;       // who asks, for the engine's query list; "" = moulin
    /// Waits between polls and attempts; NULL = really waits (tests).
    rc (*wait)(void *context, int64_t delay_us, struct err *err);
    void *wait_context;
};

/// Checks the settings; no network. Released with `arena`.
/// @return RC_OK | RC_CONFIG (a setting is missing, wrong or not known)
CHECK rc engine_open(struct arena *arena, const struct engine_options *options,
                     struct engine **ret_engine, struct err *err);

/// Where rows go while they come. Both may be NULL.
struct engine_sink {
    rc (*on_columns)(void *context, const struct duck_column *columns, size_t count,
                     struct err *err);
    /// Rows in scratch memory. RC_EOF = enough: the statement is cancelled and that is no error.
    rc (*on_rows)(void *context, const struct duck_rows *rows, struct err *err);
    void *context;
};

/// How a statement ended.
struct engine_answer {
    struct str query_id;
    struct str kind;       // "CREATE TABLE", "MERGE"; "" = a query, or the engine does not say
    int64_t rows;          // written; -1 = none, or the engine does not say
    int64_t scanned_bytes; // -1 = the engine does not say
    double cost_usd;       // -1 = the engine has no price
    int64_t elapsed_ms;    // as the engine measured it; -1
    int attempts;          // of the whole statement
};

/// Why one failed, in the engine's words.
struct engine_failure {
    char name[96];               // "ICEBERG_COMMIT_ERROR", "TABLE_NOT_FOUND"; "" = none
    bool is_repeatable;          // nothing of it is there: somebody else committed first
    bool is_too_many_partitions; // one statement may write only so many (100) at once
};

/// Runs one statement (a `;` at its end is cut off). Commit conflicts are tried again, unless the
/// engine does not know whether its commit happened.
/// @param sink         NULL = rows are not wanted
/// @param ret_answer   may be NULL; texts live in `arena`
/// @param ret_failure  may be NULL; filled when the statement failed
/// @return RC_OK | RC_LIMIT (longer than the engine takes) | RC_INVALID (syntax, types)
///   | RC_NOT_FOUND (table, schema, column) | RC_DENIED | RC_CONFLICT | RC_FAILED (others)
///   | RC_NETWORK, RC_TIMEOUT, RC_HTTP | RC_INTERRUPTED (it was cancelled in the engine too)
///   | what the sink said
CHECK rc engine_run(struct engine *engine, struct arena *arena, struct str sql,
                    const struct engine_sink *sink, struct engine_answer *ret_answer,
                    struct engine_failure *ret_failure, struct err *err);
/// The same with all rows in `arena`. @return also RC_LIMIT (more than DUCK_MAX_ROWS)
CHECK rc engine_query(struct engine *engine, struct arena *arena, struct str sql,
                      struct duck_rows *ret_rows, struct engine_answer *ret_answer,
                      struct engine_failure *ret_failure, struct err *err);

const char *engine_name(const struct engine *engine);
/// Longest statement in bytes.
size_t engine_statement_bytes(const struct engine *engine);

/// Text of `settings`; numbers and booleans are spelled out. @return "" when there is none
struct str engine_setting(const struct json *settings, const char *key);

#endif
