/// @file internal.h
/// What the files of this module share. Layer: duck, internal.

#ifndef DUCK_INTERNAL_H
#define DUCK_INTERNAL_H

#include "base/buf.h"
#include "duck/duck.h"
#include "duck/library.h"

struct feeds;
struct remotes;
struct paces;

struct duck {
    duckdb_database handle; // NULL once closed
    struct feeds *feeds;
    struct remotes *remotes;
    struct paces *paces;
    char temp_folder[256]; // to be removed at the end; "" = none
};

struct duck_connection {
    duckdb_connection handle; // NULL once closed
    struct duck *duck;
    int stop_token; // runtime_on_stop
};

/// Maps an error message of DuckDB to our classes: "Parser Error: ..." is RC_INVALID.
rc duck_fail(struct duck_connection *connection, const char *message, struct err *err);

/// Feeds. @return what the feed failed with whose mark the message carries, or RC_OK
struct feeds *feeds_open(struct duck *duck, struct arena *arena);
void feeds_close(struct feeds *feeds);
CHECK rc feeds_install(struct feeds *feeds, duckdb_connection connection, struct err *err);
rc feeds_failure(struct feeds *feeds, const char *message, struct err *err);

/// Object storage. Loading ends with lock_configuration; secrets can be set at any time.
struct remotes *remotes_open(struct duck *duck, struct arena *arena,
                             const struct duck_remotes *source);
CHECK rc remotes_load(struct remotes *remotes, struct err *err);
/// Before a statement: sets what became known or grew old since the last one.
CHECK rc remotes_refresh(struct remotes *remotes, struct err *err);

struct paces *paces_open(struct arena *arena);
CHECK rc paces_install(struct paces *paces, duckdb_connection connection, struct err *err);

/// Scalar functions that SQL of ours needs. Layer: duck.
CHECK rc functions_install(duckdb_connection connection, struct err *err);

/// The parser's tree of a SELECT (or a form of it: VALUES, FROM, DESCRIBE, WITH, EXPLAIN of one) as
/// JSON; its member "error" is true for every other statement.
/// @return RC_OK | RC_LIMIT (nested deeper than JSON may be) | ...
struct json;
CHECK rc duck_parse_select(struct duck_connection *connection, struct arena *arena, struct str sql,
                           struct json *ret_tree, struct err *err);

/// Reads values out of vectors.
struct value_reader;
struct value_reader *value_reader_open(struct arena *arena, duckdb_logical_type type);
struct duck_column value_reader_column(const struct value_reader *reader, struct str name);
/// Before the rows of a chunk are read.
void value_reader_set_vector(struct value_reader *reader, duckdb_vector vector);
CHECK rc value_read(const struct value_reader *reader, size_t row, struct arena *arena,
                    struct duck_value *ret_value, struct err *err);

#endif
