/// @file athena_csv.h
/// The result file of an Athena query, read by ranges: what GetQueryResults gives in pages of 1,000
/// rows lies there whole. Layer: engine, internal to athena.c. Source: Athena user guide "Working
/// with query results": every value in double quotes, doubled inside; NULL is nothing at all.
/// Threads: one. Limits: a record has ATHENA_CSV_MAX_RECORD_BYTES.

#ifndef ENGINE_ATHENA_CSV_H
#define ENGINE_ATHENA_CSV_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { ATHENA_CSV_MAX_RECORD_BYTES = 64 << 20, ATHENA_CSV_CHUNK_ROWS = 2048 };

/// One field: .bytes NULL = NULL.
/// @param fields  row by row, `field_count` each, valid during the call
typedef rc (*athena_csv_rows)(void *context, const struct str *fields, size_t row_count,
                              struct err *err);

struct athena_csv {
    size_t field_count;
    athena_csv_rows on_rows;
    void *context;
    struct arena *arena; // of the chunk
    struct str rest;     // bytes of a record that has not ended
    struct arena *rest_arena;
    bool has_header; // it was read
};

void athena_csv_init(struct athena_csv *csv, size_t field_count, athena_csv_rows on_rows,
                     void *context);
void athena_csv_done(struct athena_csv *csv);
/// The next bytes of the file. @param is_last  what is left is a record too
/// @return RC_OK | RC_CORRUPT (a record with another number of fields) | RC_LIMIT | what on_rows
/// says
CHECK rc athena_csv_feed(struct athena_csv *csv, struct str bytes, bool is_last, struct err *err);

#endif
