/// @file travel.h
/// Time travel and metadata tables in SQL: rewrites what DuckDB's grammar does not know into names
/// that the query command resolves. Layer: cli. Pure functions.
///
///   landing.games FOR VERSION AS OF 4213        -> "landing"."games@version=4213" AS "games"
///   landing.games AT (TIMESTAMP => '2020-05-31') -> "landing"."games@timestamp=2020-05-31" AS ...
///   FROM landing.games.snapshots                -> "landing"."games$snapshots" AS "snapshots"
/// VERSION takes a snapshot id or the quoted name of a branch or tag. SYSTEM_VERSION, SYSTEM_TIME
/// and the forms without FOR (Spark's) are taken as well.

#ifndef CLI_TRAVEL_H
#define CLI_TRAVEL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { TRAVEL_MAX_SQL_BYTES = 4 << 20 };

/// @param ret_sql  the same text when there is nothing to rewrite
/// @return RC_OK | RC_INVALID (names the part that is not understood) | RC_LIMIT
CHECK rc travel_rewrite(struct arena *arena, struct str sql, struct str *ret_sql, struct err *err);

enum travel_kind { TRAVEL_NONE, TRAVEL_VERSION, TRAVEL_TIMESTAMP };
/// The parts of a rewritten name: "games$files@version=7" -> games, files, version, 7.
struct travel_name {
    struct str table;
    struct str metadata; // "" = the table's rows
    enum travel_kind kind;
    struct str at;
};
struct travel_name travel_split(struct str name);

#endif
