/// @file glue_input.h
/// What Glue is told of an Iceberg table: the TableInput of CreateTable and UpdateTable.
/// Layer: iceberg; for catalog/glue.c. Source: Java's IcebergToGlueConverter, the Glue API
/// reference
/// ("TableInput", "Column" and their size limits).
///
/// Glue's copy of the columns is for people: Athena's and Glue's pages show it, engines read the
/// metadata file. So where a table is larger than Glue takes, the copy loses detail: first the
/// columns of the past, then comments, then the types' insides; the commit itself never fails over
/// it. Table properties (and with them the state of ingestion) are not copied at all.

#ifndef ICEBERG_CATALOG_GLUE_INPUT_H
#define ICEBERG_CATALOG_GLUE_INPUT_H

#include "iceberg/metadata.h"

enum {
    GLUE_MAX_TYPE_BYTES = 131072,
    GLUE_MAX_COMMENT_BYTES = 255,
    GLUE_MAX_DESCRIPTION_BYTES = 2048,
    GLUE_MAX_COLUMN_NAME_BYTES = 255,
    GLUE_INPUT_BUDGET_BYTES = 350 << 10, // all of it; Glue's own limit is not documented
};

struct glue_input {
    struct str name;
    const struct json *table; // as GetTable gave it: all that is not ours is kept; NULL = a new one
    const struct table_metadata *metadata; // NULL = columns and location as in `table`
    struct str metadata_location;          // of the new current file; empty = as in `table`
    struct str previous_location;          // empty = there was none, or as in `table`
};

/// The JSON object of a TableInput.
/// @param ret_text  in `arena`
/// @return RC_OK | RC_LIMIT (what others stored with the table is too large)
CHECK rc glue_input_print(struct arena *arena, const struct glue_input *input, struct str *ret_text,
                          struct err *err);

/// Hive's name of a type: "bigint", "array<struct<a:int>>".
struct str glue_type_print(struct arena *arena, const struct type *type);

#endif
