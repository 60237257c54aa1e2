/// @file key_range.h
/// Which landed files can hold the keys of staged rows: a condition for planning a scan, from the
/// smallest and the largest value of every key column. Layer: ingest. Threads: as the connection.
/// A file that is left out holds none of the keys; one that stays may hold none either.

#ifndef INGEST_KEY_RANGE_H
#define INGEST_KEY_RANGE_H

#include "duck/duck.h"
#include "iceberg/scan.h"

/// The condition that every row fulfils whose `columns` equal those of a row of `relation`: each
/// column lies between the relation's ends. Columns whose order here may not be the engine's
/// (floating point, UUIDs, ...) ask nothing. No row in the relation: nothing fulfils it.
/// @param relation  name of a table or view, quoted where needed
/// @param columns   names as they are, in the schema and in the relation
CHECK rc key_range_of(struct duck_connection *connection, struct arena *arena,
                      const struct schema *schema, struct str relation, const struct str *columns,
                      size_t column_count, struct predicate *ret_predicate, struct err *err);

#endif
