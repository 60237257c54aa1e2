/// @file duck.h
/// DuckDB, the engine that computes: opening, querying, streaming results, feeding rows from C.
/// The only module that knows DuckDB's header. Layer: duck (base below).
/// libduckdb is loaded by the first duck_open(): beside the program (`lib/`, `../lib`), from
/// $MOULIN_DUCKDB (file or folder), from `.cache/duckdb` of the source tree, or from the system.
/// Its version must be DUCK_VERSION. Only functions of the C API that no release has changed are
/// used. Threads: a duck may be shared; a connection and its results belong to one thread at a
/// time. Feed callbacks run in DuckDB's threads, one call at a time per feed. Stopping: when the
/// process is asked to stop (base/runtime.h), running queries end with RC_INTERRUPTED.

#ifndef DUCK_DUCK_H
#define DUCK_DUCK_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

#define DUCK_VERSION "v1.5.5"

struct duck;
struct duck_connection;
struct duck_stream;

/// A bucket that SQL may read by range through the httpfs extension.
struct duck_remote {
    struct str scope; // "s3://bucket"
    struct str key_id, secret, session_token;
    struct str region, endpoint; // "127.0.0.1:8333" or "s3.eu-west-1.amazonaws.com"
    bool is_path_style, is_plain_http;
};
/// Who knows the buckets. Asked before statements, in the thread that runs them.
struct duck_remotes {
    /// Changes when another bucket is to be read or credentials were replaced; 0 = nothing is to be
    /// read yet: the extension is then not even loaded. Must be cheap.
    int64_t (*generation)(void *context);
    /// @param ret_good_until_us  wall clock from which on the credentials are to be asked for
    /// again; 0 = for ever
    rc (*describe)(void *context, struct arena *arena, const struct duck_remote **ret_remotes,
                   size_t *ret_count, int64_t *ret_good_until_us, struct err *err);
    void *context;
};

/// The settings that every database gets; zero is the default of each.
struct duck_options {
    struct str path;      // database file; empty = in memory
    bool is_read_only;    // of the file
    int64_t memory_bytes; // 0 = half of the machine's (or the container's), at most 4 GiB
    int threads;          // 0 = the CPUs this process may use
    struct str
        temp_folder;      // where large sorts spill; empty = $TMPDIR or /tmp, a folder per process
    struct str time_zone; // of texts with a time zone; empty = UTC
    bool keep_order;      // results and files keep the order of the input: costs memory
    const str_vec *allowed_paths;   // with is_closed: files that may be read all the same
    const str_vec *allowed_folders; // with is_closed: and everything below these folders
    bool is_closed;                 // no files, no network, no extensions from SQL
    bool is_unlocked;               // the caller ends the set-up himself, with duck_restrict
    /// Object storage; zero = none. With is_unlocked its extension is loaded when the first bucket
    /// is to be read, else at once (its settings are locked with the others).
    struct duck_remotes remotes;
};

/// Opens a database. Time zone UTC; extensions are neither installed nor loaded by themselves; with
/// the last setting the configuration is locked, so SQL of users cannot undo any of it.
/// @param ret_duck  closed together with `arena`, or by duck_close
/// @return RC_OK | RC_NOT_FOUND (library or file) | RC_UNSUPPORTED (version) | RC_INVALID | RC_BUSY
CHECK rc duck_open(struct arena *arena, const struct duck_options *options, struct duck **ret_duck,
                   struct err *err);
/// Ends the set-up of a database opened with is_unlocked: from now on only the named files can be
/// read, and no setting can be changed.
CHECK rc duck_restrict(struct duck_connection *connection, const str_vec *allowed_paths,
                       struct err *err);
void duck_close(struct duck *duck); // NULL and a closed one are allowed
/// "v1.5.5"; the library is loaded when it was not yet.
CHECK rc duck_library_version(struct str *ret_version, struct str *ret_path, struct err *err);

/// @param ret_connection  closed together with `arena`, or by duck_disconnect
CHECK rc duck_connect(struct duck *duck, struct arena *arena,
                      struct duck_connection **ret_connection, struct err *err);
void duck_disconnect(struct duck_connection *connection);
/// Ends what the connection runs, with RC_INTERRUPTED. Callable from other threads and from signal
/// handlers.
void duck_interrupt(struct duck_connection *connection);

/// How a value is held here.
enum duck_kind {
    DUCK_BOOL,        // .boolean
    DUCK_INT,         // .integer: all integers that fit into 64 bits
    DUCK_DOUBLE,      // .real; also FLOAT
    DUCK_DECIMAL,     // .text, digits exact: decimals, HUGEINT, unsigned 64 bit
    DUCK_DATE,        // .integer days since 1970-01-01; .text "2017-12-01"
    DUCK_TIME,        // .integer microseconds; .text "22:31:08.5"
    DUCK_TIMESTAMP,   // .integer microseconds since 1970; .text "2017-12-01 10:00:00"
    DUCK_TIMESTAMPTZ, // likewise, .text "2017-12-01 10:00:00+00"
    DUCK_TEXT,        // .text
    DUCK_BLOB,        // .text: the bytes
    DUCK_NESTED, // .text: JSON of lists, structs and maps ({"key": value} when keys are texts, else
                 //        [{"key": ..., "value": ...}])
    DUCK_OTHER,  // .text: what has no kind of its own (UUID, INTERVAL, ENUM, nanoseconds, ...)
};
struct duck_value {
    enum duck_kind kind;
    bool is_null;
    union {
        bool boolean;
        int64_t integer;
        double real;
    };
    struct str text; // in results always set, whatever the kind (not for NULL)
};
struct duck_column {
    struct str name;
    enum duck_kind kind;
    struct str type; // as DuckDB spells it: "DECIMAL(9,2)", "STRUCT(a INTEGER)"
};

static inline struct duck_value duck_text(struct str text)
{
    return (struct duck_value){.kind = DUCK_TEXT, .text = text};
}
static inline struct duck_value duck_int(int64_t integer)
{
    return (struct duck_value){.kind = DUCK_INT, .integer = integer};
}

/// Values for the `?` of a statement. They are bound, never pasted into the SQL.
struct duck_params {
    const struct duck_value *items;
    size_t count;
};

/// A whole answer in memory.
struct duck_rows {
    const struct duck_column *columns;
    size_t column_count;
    const struct duck_value *values; // row by row: values[row * column_count + column]
    size_t row_count;
};
enum { DUCK_MAX_ROWS = 1000000 }; // of duck_query; larger answers are to be streamed

/// Runs one statement and copies its answer into `arena`.
/// @param params  NULL = none
/// @return RC_OK | RC_INVALID (parser, binder, conversion: DuckDB's message with the marked line)
///   | RC_NOT_FOUND (unknown table or column: with DuckDB's proposals) | RC_LIMIT (memory, rows)
///   | RC_NO_SPACE | RC_DENIED | RC_IO | RC_INTERRUPTED | whatever a feed failed with
CHECK rc duck_query(struct duck_connection *connection, struct arena *arena, struct str sql,
                    const struct duck_params *params, struct duck_rows *ret_rows, struct err *err);
/// The same for statements whose rows do not matter.
/// @param ret_changes  rows inserted, updated, deleted or copied; may be NULL
CHECK rc duck_execute(struct duck_connection *connection, struct str sql,
                      const struct duck_params *params, int64_t *ret_changes, struct err *err);
/// Runs several statements, separated by semicolons.
CHECK rc duck_script(struct duck_connection *connection, struct str sql, struct err *err);

static inline const struct duck_value *duck_cell(const struct duck_rows *rows, size_t row,
                                                 size_t column)
{
    return &rows->values[row * rows->column_count + column];
}

/// Runs one statement and fetches its rows in pieces of up to 2,048, while the engine goes on.
/// @param ret_stream  closed together with `arena`, or by duck_stream_close
CHECK rc duck_stream_open(struct duck_connection *connection, struct arena *arena, struct str sql,
                          const struct duck_params *params, struct duck_stream **ret_stream,
                          struct err *err);
const struct duck_column *duck_stream_columns(const struct duck_stream *stream, size_t *ret_count);
/// The next rows, valid until the next call (scratch memory of the stream).
/// @return RC_OK | RC_EOF | as duck_query
CHECK rc duck_stream_next(struct duck_stream *stream, struct duck_rows *ret_rows, struct err *err);
void duck_stream_close(struct duck_stream *stream);

/// What kind of statement a text is, without running it.
enum duck_statement { DUCK_STATEMENT_SELECT, DUCK_STATEMENT_EXPLAIN, DUCK_STATEMENT_OTHER };
/// @return RC_OK | RC_INVALID (syntax; none; more than one statement)
CHECK rc duck_statement_kind(struct duck_connection *connection, struct str sql,
                             enum duck_statement *ret_kind, struct err *err);
/// The tables that a SELECT (or EXPLAIN of one) names, not those of its WITH clauses. Each as its
/// parts, unquoted, and once.
struct duck_table_name {
    struct str catalog, schema, name; // catalog and schema may be empty
};
VEC_TYPE(duck_table_names, struct duck_table_name);
CHECK rc duck_tables_of(struct duck_connection *connection, struct arena *arena, struct str sql,
                        duck_table_names *ret_names, struct err *err);

/// What a WHERE clause asks of single columns, as far as it is told here. Readers use it to leave
/// out files; the engine filters all the same.
enum duck_filter_kind {
    DUCK_FILTER_ANY, // nothing that is known here
    DUCK_FILTER_AND, // .children
    DUCK_FILTER_OR,  // .children
    DUCK_FILTER_EQUAL,
    DUCK_FILTER_NOT_EQUAL,
    DUCK_FILTER_LESS,
    DUCK_FILTER_LESS_OR_EQUAL,
    DUCK_FILTER_GREATER,
    DUCK_FILTER_GREATER_OR_EQUAL,
    DUCK_FILTER_IN, // .values
    DUCK_FILTER_STARTS_WITH,
    DUCK_FILTER_IS_NULL,
    DUCK_FILTER_NOT_NULL,
};
struct duck_filter {
    enum duck_filter_kind kind;
    struct str column;               // top-level column, as written
    const struct duck_value *values; // .kind and .text: BOOL, INT, DECIMAL, DOUBLE, TEXT, DATE, ...
    size_t value_count;
    const struct duck_filter *children;
    size_t child_count;
};
/// The WHERE clause that applies to all that a query reads of a table: when the table is named
/// once, and alone in its FROM. Else, or without a WHERE, DUCK_FILTER_ANY.
CHECK rc duck_filter_of(struct duck_connection *connection, struct arena *arena, struct str sql,
                        const struct duck_table_name *table, struct duck_filter *ret_filter,
                        struct err *err);

/// "name" with quotes doubled: every name that goes into SQL passes here.
struct str duck_quote_identifier(struct arena *arena, struct str name);
/// 'text' with quotes doubled. NUL cannot be written in SQL: bind such text.
struct str duck_quote_literal(struct arena *arena, struct str text);

/// Rows that come from C: `FROM feed('name')` calls back for one chunk of column values after
/// another. One pass: a feed is read once.
enum feed_type {
    FEED_BOOL,        // bool
    FEED_INT,         // int32_t
    FEED_LONG,        // int64_t
    FEED_FLOAT,       // float
    FEED_DOUBLE,      // double
    FEED_DECIMAL,     // feed_set_decimal
    FEED_DATE,        // int32_t days since 1970-01-01
    FEED_TIME,        // int64_t microseconds since midnight
    FEED_TIMESTAMP,   // int64_t microseconds since 1970-01-01
    FEED_TIMESTAMPTZ, // int64_t microseconds since 1970-01-01 UTC
    FEED_TEXT,        // feed_set_text, valid UTF-8
    FEED_BLOB,        // feed_set_text
};
struct feed_column {
    struct str name;
    enum feed_type type;
    int precision, scale; // FEED_DECIMAL
};

enum { FEED_CHUNK_ROWS = 2048 };

/// The vector of one column in the chunk that is being filled.
struct feed_vector {
    enum feed_type type;
    int precision;
    void *values;       // FEED_CHUNK_ROWS of the C type
    uint64_t *validity; // NULL until the first NULL
    void *handle;       // DuckDB's
};
struct feed_chunk {
    struct feed_vector *columns;
    size_t column_count;
    size_t row_count; // set by the source: how many rows it filled, 0 = no more
};

struct feed_source {
    const struct feed_column *columns;
    size_t column_count;
    /// Fills up to FEED_CHUNK_ROWS rows; every value not set must be set NULL.
    /// @return RC_OK, or an error that ends the query with exactly that err
    rc (*next)(void *context, struct feed_chunk *chunk, struct err *err);
    void *context;
};

/// Makes `feed('name')` known. The source is borrowed until duck_feed_forget.
/// @return RC_OK | RC_EXISTS
CHECK rc duck_feed_register(struct duck *duck, struct str name, const struct feed_source *source,
                            struct err *err);
void duck_feed_forget(struct duck *duck, struct str name);

/// Holding a query up: its owner is called back from the threads that run it, about once per 2,048
/// rows, and may wait there. Close before `context` ends.
struct duck_pace;
struct duck_pace *duck_pace_open(struct duck_connection *connection, void (*hold_up)(void *context),
                                 void *context);
void duck_pace_close(struct duck_pace *pace); // NULL is allowed
/// A condition that is always true: `SELECT ... WHERE <it>`.
struct str duck_pace_sql(const struct duck_pace *pace, struct arena *arena);

/// Setters for sources.
void feed_set_null(struct feed_chunk *chunk, size_t column, size_t row);
/// FEED_TEXT and FEED_BLOB; the bytes are copied.
void feed_set_text(struct feed_chunk *chunk, size_t column, size_t row, struct str text);
void feed_set_decimal(struct feed_chunk *chunk, size_t column, size_t row, __int128 unscaled);
static inline void feed_set_bool(struct feed_chunk *chunk, size_t column, size_t row, bool value)
{
    ((bool *)chunk->columns[column].values)[row] = value;
}
static inline void feed_set_int(struct feed_chunk *chunk, size_t column, size_t row, int32_t value)
{
    ((int32_t *)chunk->columns[column].values)[row] = value;
}
static inline void feed_set_long(struct feed_chunk *chunk, size_t column, size_t row, int64_t value)
{
    ((int64_t *)chunk->columns[column].values)[row] = value;
}
static inline void feed_set_float(struct feed_chunk *chunk, size_t column, size_t row, float value)
{
    ((float *)chunk->columns[column].values)[row] = value;
}
static inline void feed_set_double(struct feed_chunk *chunk, size_t column, size_t row,
                                   double value)
{
    ((double *)chunk->columns[column].values)[row] = value;
}

#endif
