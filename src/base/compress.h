/// @file compress.h
/// gzip, zlib, raw deflate, zstd: streams in both directions and whole texts. Layer: base.
/// Threads: a stream belongs to one thread. Limits: everything that expands input takes the cap of
/// its output (RC_LIMIT), so that a small bomb cannot fill the memory.

#ifndef BASE_COMPRESS_H
#define BASE_COMPRESS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum compress_format {
    COMPRESS_NONE,
    COMPRESS_GZIP,    // also several members one after another
    COMPRESS_ZLIB,    // HTTP calls it deflate
    COMPRESS_DEFLATE, // without any frame, as Avro blocks
    COMPRESS_ZSTD,
    COMPRESS_FORMAT_COUNT,
};

/// What the first bytes say: gzip and zstd have a mark, others give COMPRESS_NONE.
enum compress_format compress_detect(const void *bytes, size_t length);

/// Expands a whole text. @param what  names it in errors
/// @return RC_OK | RC_CORRUPT | RC_LIMIT
CHECK rc compress_expand(struct arena *arena, enum compress_format format, struct str input,
                         size_t max_bytes, const char *what, struct str *ret_text, struct err *err);
/// Compresses a whole text. @param level  0 = the format's default
CHECK rc compress_pack(struct arena *arena, enum compress_format format, struct str input,
                       int level, struct str *ret_bytes, struct err *err);

/// Streaming. The stream is closed by its arena, or earlier by compress_close().
struct compress_stream;
CHECK rc compress_reader_open(struct arena *arena, enum compress_format format, const char *what,
                              struct compress_stream **ret_stream, struct err *err);
CHECK rc compress_writer_open(struct arena *arena, enum compress_format format, int level,
                              struct compress_stream **ret_stream, struct err *err);
/// Feeds input and appends what comes out to `to` (whose own cap bounds it: RC_LIMIT).
/// `is_end` says that no input follows: a reader then checks that the data is complete, a writer
/// finishes its frame.
CHECK rc compress_feed(struct compress_stream *stream, const void *input, size_t length,
                       bool is_end, struct buf *to, struct err *err);
void compress_close(struct compress_stream *stream);

#endif
