/// @file avro.h
/// Avro object container files: reading by the writer's schema, writing with our own.
/// Layer: format. Depends on: base. Threads: a reader or writer belongs to one thread.
/// Source: Avro 1.11 specification "Binary Encoding", "Object Container Files".
/// Codecs: null, deflate, zstandard, snappy (reading); null, deflate (writing).
/// Limits: schema depth AVRO_MAX_DEPTH, AVRO_MAX_TYPES types, a block AVRO_MAX_BLOCK_BYTES
/// expanded. Every read is checked against the end of the block: a damaged file is RC_CORRUPT,
/// never a crash.

#ifndef FORMAT_AVRO_H
#define FORMAT_AVRO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum {
    AVRO_MAX_DEPTH = 64,
    AVRO_MAX_TYPES = 100000,
    AVRO_MAX_BLOCK_BYTES = 512 << 20,
    AVRO_SYNC_BYTES = 16,
};

enum avro_kind {
    AVRO_NULL,
    AVRO_BOOLEAN,
    AVRO_INT,
    AVRO_LONG,
    AVRO_FLOAT,
    AVRO_DOUBLE,
    AVRO_BYTES,
    AVRO_STRING,
    AVRO_FIXED,
    AVRO_ENUM,
    AVRO_RECORD,
    AVRO_ARRAY,
    AVRO_MAP,
    AVRO_UNION,
};

struct avro_type;

struct avro_field {
    struct str name;
    int32_t field_id; // Iceberg's "field-id"; -1 = none
    const struct avro_type *type;
};

struct avro_type {
    enum avro_kind kind;
    struct str name;    // records, enums, fixed
    struct str logical; // "logicalType": "date", "decimal", "map"; may be empty
    int precision, scale;
    bool adjust_to_utc;
    size_t size;                     // fixed: bytes
    const struct avro_field *fields; // records
    size_t field_count;
    const struct avro_type *const *branches; // unions; arrays and maps have one: the items
    size_t branch_count;
};

/// Reads a schema. Named types may be used again; recursive ones are refused (RC_UNSUPPORTED).
CHECK rc avro_schema_parse(struct arena *arena, const struct json *json,
                           const struct avro_type **ret_type, struct err *err);

/// A place in a block. Reading past the end sets `is_bad` and gives zeros: check once per record.
struct avro_cursor {
    const unsigned char *at, *end;
    bool is_bad;
};

int64_t avro_read_long_slow(struct avro_cursor *cursor);

/// int and long: zigzag varint.
static inline int64_t avro_read_long(struct avro_cursor *cursor)
{
    if (cursor->at < cursor->end && *cursor->at < 0x80) {
        const uint64_t raw = *cursor->at++;
        return (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
    }
    return avro_read_long_slow(cursor);
}
bool avro_read_boolean(struct avro_cursor *cursor);
double avro_read_float(struct avro_cursor *cursor);
double avro_read_double(struct avro_cursor *cursor);
/// bytes and string, borrowed from the block.
struct str avro_read_bytes(struct avro_cursor *cursor);
struct str avro_read_fixed(struct avro_cursor *cursor, size_t size);
/// The next chunk of an array or map: number of items, 0 at the end. Items of a chunk follow.
int64_t avro_read_items(struct avro_cursor *cursor);
/// The branch of a union that follows; other types are returned as they are. Never NULL: a wrong
/// branch number marks the cursor and gives the null type.
const struct avro_type *avro_read_branch(struct avro_cursor *cursor, const struct avro_type *type);
void avro_skip(struct avro_cursor *cursor, const struct avro_type *type);

struct avro_reader;

/// @param bytes  the whole file, borrowed  @param place  named in errors, borrowed
/// @return RC_OK | RC_CORRUPT | RC_UNSUPPORTED (codec) | RC_LIMIT
CHECK rc avro_reader_open(struct arena *arena, struct str bytes, const char *place,
                          struct avro_reader **ret_reader, struct err *err);
const struct avro_type *avro_reader_schema(const struct avro_reader *reader);
/// A value of the header's metadata; empty when absent.
struct str avro_reader_metadata(const struct avro_reader *reader, struct str key);
/// The next block.
/// @param ret_cursor  its records, valid until the next call
/// @param ret_count   number of records, > 0
/// @return RC_OK | RC_EOF | RC_CORRUPT | RC_LIMIT
CHECK rc avro_reader_block(struct avro_reader *reader, struct avro_cursor *ret_cursor,
                           int64_t *ret_count, struct err *err);
/// After the records of a block: RC_CORRUPT when the cursor is bad or bytes are left.
CHECK rc avro_reader_block_end(const struct avro_reader *reader, const struct avro_cursor *cursor,
                               struct err *err);

enum avro_codec { AVRO_CODEC_NULL, AVRO_CODEC_DEFLATE };

struct avro_pair {
    struct str key, value;
};

struct avro_writer_options {
    struct str schema; // JSON
    const struct avro_pair *metadata;
    size_t metadata_count;
    enum avro_codec codec;
    size_t max_bytes; // cap of the file
};
struct avro_writer;

struct avro_writer *avro_writer_open(struct arena *arena, struct avro_writer_options options);
/// Where the next record is to be appended.
struct buf *avro_writer_record(struct avro_writer *writer);
/// Ends a record; a full block is written.
CHECK rc avro_writer_end_record(struct avro_writer *writer, struct err *err);
/// Size of the file so far, compressed as far as blocks are complete.
size_t avro_writer_bytes(const struct avro_writer *writer);
/// Ends the file and appends it to `to`; the writer must not be used again.
CHECK rc avro_writer_finish(struct avro_writer *writer, struct buf *to, struct err *err);

void avro_put_long(struct buf *to, int64_t number);
void avro_put_bytes(struct buf *to, struct str bytes); // bytes and string
void avro_put_double(struct buf *to, double number);
void avro_put_float(struct buf *to, float number);

#endif
