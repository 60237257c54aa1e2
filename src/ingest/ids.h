/// @file ids.h
/// Identifiers of rows: random ones for root rows, hashes for rows that must get the same id again.
/// Layer: ingest. Source: dlt (`_dlt_id`); equal to dlt's byte for byte.
/// Threads: an id_source belongs to one thread; the rest is pure.

#ifndef INGEST_IDS_H
#define INGEST_IDS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

/// 10 bytes in base64 without the padding.
enum { ROW_ID_BYTES = 10, ROW_ID_LENGTH = 14 };

/// Random ids, drawn from the system in blocks.
struct id_source {
    unsigned char bytes[640];
    size_t left; // unused bytes at the end of `bytes`; 0 = draw again
};
/// @param ret_id  ROW_ID_LENGTH characters, not terminated
void ids_random(struct id_source *source, char ret_id[ROW_ID_LENGTH]);

/// Id of row `index` of a list: a hash of "{parent_id}_{table}_{index}".
void ids_nested_row(struct str parent_id, struct str table, size_t index,
                    char ret_id[ROW_ID_LENGTH]);

struct row_member {
    struct str key;
    const struct json *value; // NULL = null
};
/// Id of a row by its content: a hash of the members as compact JSON with sorted keys.
/// @param members  sorted by this function
void ids_row(struct arena *scratch, struct row_member *members, size_t count,
             char ret_id[ROW_ID_LENGTH]);
/// The same over all members of an object whose names do not start with "_dlt".
void ids_row_of_object(struct arena *scratch, const struct json *object,
                       char ret_id[ROW_ID_LENGTH]);

/// Base64 of the first `bytes` bytes of shake128.
struct str ids_digest(struct arena *arena, struct str text, size_t bytes);

/// The JSON text that hashes are made of: compact, keys sorted on every level, numbers as Python's
/// orjson prints them (1.50 is 1.5, 1e400 stays as written).
void ids_write_canonical(struct buf *to, struct arena *scratch, const struct json *value);

#endif
