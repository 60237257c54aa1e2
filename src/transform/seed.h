/// @file seed.h
/// Seed files: CSV text -> rows -> a type per column and its values in normal form.
/// Layer: transform. Source: behaviour of agate as dbt sets it up (the dbt-seeds vectors): a column
/// has the first type in the order of enum seed_type that all its values have; "" is NULL, and so
/// is "null" but in texts; numbers may carry a sign, thousands commas, a currency symbol or a per
/// cent sign. Limits: SEED_MAX_COLUMNS; the size of a file is capped by whoever read it.

#ifndef TRANSFORM_SEED_H
#define TRANSFORM_SEED_H

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

enum { SEED_MAX_COLUMNS = 10000 };

enum seed_type {
    SEED_NUMBER,
    SEED_DATE,
    SEED_DATETIME,     // with a blank between date and time
    SEED_ISO_DATETIME, // with a T, and perhaps an offset
    SEED_BOOLEAN,
    SEED_TEXT,
};
extern const char *const seed_type_names[]; // as agate calls them

struct seed_cell {
    struct str text; // as in the file
    bool is_null;    // an empty cell that was not there at all
};

struct seed_column {
    struct str name;
    enum seed_type type;
    bool has_decimals;        // a number with digits behind the point
    struct seed_cell *values; // in normal form: "1000" for "$1,000"; one per row
};

struct seed_table {
    struct seed_column *columns;
    size_t column_count, row_count;
};

VEC_TYPE(seed_row_vec, str_vec);

/// Reads CSV: RFC 4180, blank lines skipped, a byte order mark dropped.
/// @return RC_OK | RC_INVALID (unclosed quote; err has the line)
CHECK rc seed_csv(struct arena *arena, struct str text, const char *place, char delimiter,
                  seed_row_vec *ret_rows, struct err *err);

/// The value of one cell as `type`; in normal form.
/// @return false when the text is no such value
bool seed_cast(struct arena *arena, enum seed_type type, struct seed_cell cell,
               struct seed_cell *ret_value);

/// The type of a column and its values.
void seed_infer(struct arena *arena, const struct seed_cell *cells, size_t count, bool is_text,
                struct seed_column *column);

/// @param text_columns  names that the user typed himself (`column_types`): read as text
CHECK rc seed_read(struct arena *arena, struct str text, const char *place, char delimiter,
                   const str_vec *text_columns, struct seed_table *ret_table, struct err *err);

#endif
