#include "base/compress.h"

#include <zlib.h>
#include <zstd.h>

enum { CHUNK_BYTES = 64 << 10 };

struct compress_stream {
    enum compress_format format;
    const char *what;
    bool is_writer;
    bool is_open;     // the coder's state is alive
    bool is_complete; // a reader: behind the end of a frame
    bool has_input;   // a reader: at least one byte came
    z_stream zlib;
    ZSTD_DCtx *expander;
    ZSTD_CCtx *packer;
};

static const char *const format_names[COMPRESS_FORMAT_COUNT] = {
    [COMPRESS_NONE] = "plain",      [COMPRESS_GZIP] = "gzip", [COMPRESS_ZLIB] = "zlib",
    [COMPRESS_DEFLATE] = "deflate", [COMPRESS_ZSTD] = "zstd",
};
static const int window_bits[COMPRESS_FORMAT_COUNT] = {
    [COMPRESS_GZIP] = 15 + 16, [COMPRESS_ZLIB] = 15, [COMPRESS_DEFLATE] = -15};

enum compress_format compress_detect(const void *bytes, size_t length)
{
    if (length >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0)
        return COMPRESS_GZIP;
    if (length >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0)
        return COMPRESS_ZSTD;
    return COMPRESS_NONE;
}

void compress_close(struct compress_stream *stream)
{
    if (!stream->is_open)
        return;
    stream->is_open = false;
    ZSTD_freeDCtx(stream->expander);
    ZSTD_freeCCtx(stream->packer);
    if (stream->format != COMPRESS_NONE && stream->format != COMPRESS_ZSTD) {
        if (stream->is_writer)
            deflateEnd(&stream->zlib);
        else
            inflateEnd(&stream->zlib);
    }
}

static void close_finalizer(void *object)
{
    compress_close(object);
}

static rc stream_open(struct arena *arena, struct compress_stream *stream, bool is_ready,
                      struct compress_stream **ret_stream, struct err *err)
{
    if (!is_ready)
        return err_set(err, RC_LIMIT, "no memory for a %s stream", format_names[stream->format]);
    stream->is_open = true;
    arena_defer(arena, close_finalizer, stream);
    *ret_stream = stream;
    return RC_OK;
}

rc compress_reader_open(struct arena *arena, enum compress_format format, const char *what,
                        struct compress_stream **ret_stream, struct err *err)
{
    struct compress_stream *stream = ARENA_NEW(arena, struct compress_stream);
    stream->format = format;
    stream->what = what;
    bool is_ready = true;
    if (format == COMPRESS_ZSTD)
        is_ready = (stream->expander = ZSTD_createDCtx()) != NULL;
    else if (format != COMPRESS_NONE)
        is_ready = inflateInit2(&stream->zlib, window_bits[format]) == Z_OK;
    return stream_open(arena, stream, is_ready, ret_stream, err);
}

rc compress_writer_open(struct arena *arena, enum compress_format format, int level,
                        struct compress_stream **ret_stream, struct err *err)
{
    struct compress_stream *stream = ARENA_NEW(arena, struct compress_stream);
    stream->format = format;
    stream->what = "the output";
    stream->is_writer = true;
    bool is_ready = true;
    if (format == COMPRESS_ZSTD) {
        is_ready = (stream->packer = ZSTD_createCCtx()) != NULL;
        if (is_ready && level != 0)
            ZSTD_CCtx_setParameter(stream->packer, ZSTD_c_compressionLevel, level);
    } else if (format != COMPRESS_NONE) {
        is_ready = deflateInit2(&stream->zlib, level != 0 ? level : Z_DEFAULT_COMPRESSION,
                                Z_DEFLATED, window_bits[format], 8, Z_DEFAULT_STRATEGY) == Z_OK;
    }
    return stream_open(arena, stream, is_ready, ret_stream, err);
}

// --- One coder each: takes from `input`, appends to `to` -----------------------------------------

static rc corrupt(const struct compress_stream *stream, const char *why, struct err *err)
{
    return err_set(err, RC_CORRUPT, "%s is damaged %s data: %s", stream->what,
                   format_names[stream->format], why != NULL ? why : "unknown");
}

// Room for output: as much as the cap leaves, at most a chunk; at least one byte, so that the
// coder can show that there is more.
static unsigned room_of(const struct buf *to)
{
    const size_t left = to->max_bytes > to->length ? to->max_bytes - to->length : 0;
    return left == 0 ? 1 : left < CHUNK_BYTES ? (unsigned)left : CHUNK_BYTES;
}

static rc append(const struct compress_stream *stream, struct buf *to, const void *bytes,
                 size_t length, struct err *err)
{
    buf_append(to, bytes, length);
    return buf_check(to, err, stream->what);
}

static rc inflate_all(struct compress_stream *stream, struct str input, bool is_end, struct buf *to,
                      struct err *err)
{
    unsigned char chunk[CHUNK_BYTES];
    z_stream *z = &stream->zlib;
    while (true) {
        if (z->avail_in == 0) {
            const size_t taken = input.length < UINT32_MAX / 2 ? input.length : UINT32_MAX / 2;
            z->next_in = (z_const Bytef *)(uintptr_t)input.bytes;
            z->avail_in = (unsigned)taken;
            input = str_slice(input, taken, SIZE_MAX);
        }
        if (stream->is_complete) {
            if (z->avail_in == 0)
                return RC_OK;
            // Avro writers in Python cut zlib's header but leave part of its checksum.
            if (stream->format == COMPRESS_DEFLATE)
                return RC_OK;
            if (stream->format != COMPRESS_GZIP)
                return corrupt(stream, "there is something behind its end", err);
            inflateReset(z); // the next member
            stream->is_complete = false;
        }
        z->next_out = chunk;
        z->avail_out = room_of(to);
        const unsigned room = z->avail_out;
        const int code = inflate(z, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return corrupt(stream, z->msg, err);
        TRY(append(stream, to, chunk, room - z->avail_out, err));
        stream->is_complete = code == Z_STREAM_END;
        if (!stream->is_complete && z->avail_in == 0 && input.length == 0 && z->avail_out > 0)
            return is_end ? corrupt(stream, "it is cut off", err) : RC_OK;
    }
}

static rc deflate_all(struct compress_stream *stream, struct str input, bool is_end, struct buf *to,
                      struct err *err)
{
    unsigned char chunk[CHUNK_BYTES];
    z_stream *z = &stream->zlib;
    int code;
    do {
        if (z->avail_in == 0) {
            const size_t taken = input.length < UINT32_MAX / 2 ? input.length : UINT32_MAX / 2;
            z->next_in = (z_const Bytef *)(uintptr_t)input.bytes;
            z->avail_in = (unsigned)taken;
            input = str_slice(input, taken, SIZE_MAX);
        }
        z->next_out = chunk;
        z->avail_out = sizeof chunk;
        code = deflate(z, is_end && input.length == 0 ? Z_FINISH : Z_NO_FLUSH);
        if (code == Z_STREAM_ERROR)
            return err_set(err, RC_INTERNAL, "deflate was fed after its end");
        TRY(append(stream, to, chunk, sizeof chunk - z->avail_out, err));
    } while (is_end ? code != Z_STREAM_END
                    : z->avail_in > 0 || input.length > 0 || z->avail_out == 0);
    return RC_OK;
}

static rc zstd_expand_all(struct compress_stream *stream, struct str input, bool is_end,
                          struct buf *to, struct err *err)
{
    char chunk[CHUNK_BYTES];
    ZSTD_inBuffer in = {input.bytes, input.length, 0};
    while (true) {
        ZSTD_outBuffer out = {chunk, room_of(to), 0};
        if (in.pos == in.size && stream->is_complete)
            return RC_OK;
        const size_t left = ZSTD_decompressStream(stream->expander, &out, &in);
        if (ZSTD_isError(left))
            return corrupt(stream, ZSTD_getErrorName(left), err);
        TRY(append(stream, to, chunk, out.pos, err));
        stream->is_complete = left == 0;
        if (!stream->is_complete && in.pos == in.size && out.pos < out.size)
            return is_end ? corrupt(stream, "it is cut off", err) : RC_OK;
    }
}

static rc zstd_pack_all(struct compress_stream *stream, struct str input, bool is_end,
                        struct buf *to, struct err *err)
{
    char chunk[CHUNK_BYTES];
    ZSTD_inBuffer in = {input.bytes, input.length, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {chunk, sizeof chunk, 0};
        left =
            ZSTD_compressStream2(stream->packer, &out, &in, is_end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return err_set(err, RC_INTERNAL, "zstd: %s", ZSTD_getErrorName(left));
        TRY(append(stream, to, chunk, out.pos, err));
    } while (is_end ? left != 0 : in.pos < in.size);
    return RC_OK;
}

rc compress_feed(struct compress_stream *stream, const void *input, size_t length, bool is_end,
                 struct buf *to, struct err *err)
{
    const struct str text = {input, length};
    if (!stream->is_open)
        return err_set(err, RC_INTERNAL, "a closed %s stream was fed",
                       format_names[stream->format]);
    stream->has_input = stream->has_input || length > 0;
    if (stream->format == COMPRESS_NONE)
        return append(stream, to, input, length, err);
    if (stream->is_writer)
        return stream->format == COMPRESS_ZSTD ? zstd_pack_all(stream, text, is_end, to, err)
                                               : deflate_all(stream, text, is_end, to, err);
    if (!stream->has_input)
        return is_end ? corrupt(stream, "it is empty", err) : RC_OK;
    return stream->format == COMPRESS_ZSTD ? zstd_expand_all(stream, text, is_end, to, err)
                                           : inflate_all(stream, text, is_end, to, err);
}

// --- Whole texts ---------------------------------------------------------------------------------

static rc feed_whole(struct arena *arena, struct compress_stream *stream, struct str input,
                     size_t max_bytes, struct str *ret, struct err *err)
{
    struct buf out;
    buf_init(&out, max_bytes);
    const rc code = compress_feed(stream, input.bytes, input.length, true, &out, err);
    if (code == RC_OK)
        *ret = arena_str(arena, buf_str(&out));
    buf_done(&out);
    compress_close(stream);
    return code;
}

rc compress_expand(struct arena *arena, enum compress_format format, struct str input,
                   size_t max_bytes, const char *what, struct str *ret_text, struct err *err)
{
    struct compress_stream *stream;
    TRY(compress_reader_open(arena, format, what, &stream, err));
    return feed_whole(arena, stream, input, max_bytes, ret_text, err);
}

rc compress_pack(struct arena *arena, enum compress_format format, struct str input, int level,
                 struct str *ret_bytes, struct err *err)
{
    struct compress_stream *stream;
    TRY(compress_writer_open(arena, format, level, &stream, err));
    return feed_whole(arena, stream, input, input.length + input.length / 8 + CHUNK_BYTES,
                      ret_bytes, err);
}
