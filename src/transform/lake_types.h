/// @file lake_types.h
/// DuckDB's types as Iceberg's. Layer: transform. Threads: pure.

#ifndef TRANSFORM_LAKE_TYPES_H
#define TRANSFORM_LAKE_TYPES_H

#include "iceberg/types.h"

/// @param text  as DESCRIBE spells it: "DECIMAL(9,2)", "STRUCT(a INTEGER, b VARCHAR[])"
/// @return RC_OK (ids are 0, everything optional) | RC_UNSUPPORTED (INTERVAL, ...) | RC_LIMIT
CHECK rc lake_type(struct arena *arena, struct str text, struct type *ret_type, struct err *err);

#endif
