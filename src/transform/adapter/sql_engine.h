/// @file sql_engine.h
/// What the adapters share that send SQL to an engine (Trino, Athena). Layer: transform.

#ifndef TRANSFORM_ADAPTER_SQL_ENGINE_H
#define TRANSFORM_ADAPTER_SQL_ENGINE_H

#include "engine/engine.h"
#include "transform/session.h"

struct aws_session;

/// Opens the engine from the profile's settings (those of `engine:` over them).
/// @param aws  NULL = the engine needs none
CHECK rc sql_engine_open(struct adapter *adapter, struct aws_session *aws, struct err *err);
struct engine *sql_engine_of(const struct session *session);

CHECK rc sql_engine_connect(struct session *session, struct err *err);
void sql_engine_disconnect(struct session *session);
/// One statement, or several with `;` between them when no rows are wanted.
CHECK rc sql_engine_query(struct session *session, struct arena *arena, struct str sql,
                          struct duck_rows *ret_rows, struct err *err);
CHECK rc sql_engine_describe(struct session *session, struct arena *arena, struct str from,
                             struct duck_rows *ret_rows, struct err *err);
/// Runs one statement and counts it. @param ret_failure  may be NULL
CHECK rc sql_engine_execute(struct session *session, struct arena *arena, struct str sql,
                            struct duck_rows *ret_rows, struct engine_failure *ret_failure,
                            struct err *err);
/// A statement without rows, from a format.
CHECK rc sql_engine_say(struct session *session, struct err *err, const char *format, ...)
    PRINTF_LIKE(3, 4);
CHECK rc sql_engine_allow(struct session *session, struct str sql, struct err *err);

/// How a type of a query is stored in an Iceberg table: varchar(3) is varchar, timestamp(3) is
/// timestamp(6), smallint is integer.
struct str sql_engine_stored_type(struct arena *arena, struct str type);

/// Where tables of a schema lie: its own location in moulin.yml, else below the warehouse; "" when
/// the profile is not moulin's.
struct str sql_engine_location(const struct transform *t, struct arena *arena, struct str schema);

/// Cuts a text into statements at `;` outside of strings, names and comments.
void sql_engine_split(struct arena *arena, struct str sql, str_vec *ret_statements);

#endif
