/// @file columns.h
/// A column while it is being collected: append-only, typed, in memory that can be given back.
/// Layer: ingest. Threads: one. Limits: COLUMN_MAX_BYTES per buffer; the run's budget decides
/// earlier when a table is written out.

#ifndef INGEST_COLUMNS_H
#define INGEST_COLUMNS_H

#include "base/buf.h"
#include "ingest/coerce.h"

enum { COLUMN_MAX_BYTES = 1 << 30 };

/// Values of one column for rows 0 .. count-1. Rows that were skipped are NULL.
struct column_values {
    enum data_type type;
    int precision, scale; // DECIMAL and WEI: what is stored
    size_t count;         // rows so far
    size_t null_count;
    struct buf values; // bool 1 byte; decimals 16; texts: end offset in `heap` (8); else 8
    struct buf valid;  // one byte per row
    struct buf heap;   // bytes of texts
};

void column_values_init(struct column_values *values, enum data_type type, int precision,
                        int scale);
void column_values_done(struct column_values *values);
/// Forgets the rows, keeps the memory.
void column_values_clear(struct column_values *values);
/// Bytes held.
size_t column_values_bytes(const struct column_values *values);

/// Appends at `row`, which is not below the count; rows between become NULL.
/// @param cell  of the column's type
/// @return RC_OK | RC_LIMIT (the buffer, or a decimal with too many digits)
CHECK rc column_values_append(struct column_values *values, size_t row, const struct cell *cell,
                              struct err *err);
/// Appends text that is known to be of the column's type (ids).
CHECK rc column_values_append_text(struct column_values *values, size_t row, struct str text,
                                   struct err *err);
CHECK rc column_values_append_number(struct column_values *values, size_t row, int64_t number,
                                     struct err *err);
/// NULLs up to `rows`.
CHECK rc column_values_fill(struct column_values *values, size_t rows, struct err *err);

static inline bool column_values_is_null(const struct column_values *values, size_t row)
{
    return row >= values->count || !values->valid.bytes[row];
}
struct str column_values_text(const struct column_values *values, size_t row);
int64_t column_values_number(const struct column_values *values, size_t row);
double column_values_double(const struct column_values *values, size_t row);
__int128 column_values_decimal(const struct column_values *values, size_t row);
bool column_values_bool(const struct column_values *values, size_t row);

#endif
