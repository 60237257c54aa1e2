/// @file naming.h
/// Naming conventions: how a name of the source becomes the name of a table or column.
/// Layer: ingest. Source: dlt's conventions (snake_case is its default); results are equal to
/// dlt's, byte for byte, because existing models select from these names. Pure functions, any
/// thread.

#ifndef INGEST_NAMING_H
#define INGEST_NAMING_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum naming_convention {
    NAMING_SNAKE_CASE, // lower case, ASCII letters and any digits, the default
    NAMING_SQL_CS_V1,  // as written, reduced to letters, digits and underscores
    NAMING_SQL_CI_V1,  // the same, lower case
    NAMING_DUCK_CASE,  // all of Unicode but line ends and double quotes
    NAMING_DIRECT,     // all of Unicode but line ends and quotes; separator U+25B6
    NAMING_S3_TABLES,  // snake_case, at most 255, tables without a leading underscore
};

struct naming {
    enum naming_convention convention;
    size_t max_length; // code points; 0 = no limit (s3_tables: 255)
};

/// @param name  "snake_case", "sql_cs_v1", ...
/// @return RC_OK | RC_CONFIG (an unknown name; the hint says the nearest)
CHECK rc naming_of(struct str name, struct naming *ret_naming, struct err *err);

/// Between the parts of a path: "__", for `direct` U+25B6.
struct str naming_separator(const struct naming *naming);

/// One name, normalized and shortened.
/// @return RC_OK | RC_INVALID (nothing but white space)
CHECK rc naming_identifier(const struct naming *naming, struct arena *arena, struct str name,
                           struct str *ret_name, struct err *err);
/// The same for the name of a table, schema or namespace.
CHECK rc naming_table_identifier(const struct naming *naming, struct arena *arena, struct str name,
                                 struct str *ret_name, struct err *err);

/// Splits at the separator, normalizes each part that is not blank, joins and shortens the whole.
/// A name without any part gives an empty text.
CHECK rc naming_path(const struct naming *naming, struct arena *arena, struct str path,
                     struct str *ret_path, struct err *err);
CHECK rc naming_tables_path(const struct naming *naming, struct arena *arena, struct str path,
                            struct str *ret_path, struct err *err);

/// Joins names that are normalized already (blank ones are left out) and shortens the whole.
struct str naming_join(const struct naming *naming, struct arena *arena, const struct str *parts,
                       size_t count);

/// The tag that keeps shortened names apart: of the original name, 6 characters at the default
/// collision probability of 0.001.
struct str naming_tag(struct arena *arena, struct str original, double collision_probability);

/// Whether the text is empty or nothing but (Unicode) white space.
bool naming_is_blank(struct str text);

#endif
