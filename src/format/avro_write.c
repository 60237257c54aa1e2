/// Avro container files: writing.

#include "base/compress.h"
#include "base/random.h"
#include "format/avro.h"

enum { BLOCK_BYTES = 64 << 10, DEFLATE_LEVEL = 6 };

struct avro_writer {
    struct arena *arena;
    struct avro_writer_options options;
    struct buf file, block;
    int64_t block_records;
    unsigned char sync[AVRO_SYNC_BYTES];
};

void avro_put_long(struct buf *to, int64_t number)
{
    char bytes[10];
    size_t length = 0;
    uint64_t raw = ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);
    for (; raw >= 0x80; raw >>= 7)
        bytes[length++] = (char)(raw | 0x80);
    bytes[length++] = (char)raw;
    buf_append(to, bytes, length);
}

void avro_put_bytes(struct buf *to, struct str bytes)
{
    avro_put_long(to, (int64_t)bytes.length);
    buf_append(to, bytes.bytes, bytes.length);
}

void avro_put_double(struct buf *to, double number)
{
    buf_append(to, &number, sizeof number);
}

void avro_put_float(struct buf *to, float number)
{
    buf_append(to, &number, sizeof number);
}

static void release(void *object)
{
    struct avro_writer *w = object;
    buf_done(&w->file);
    buf_done(&w->block);
}

static void write_header(struct avro_writer *w)
{
    buf_append(&w->file, "Obj\1", 4);
    avro_put_long(&w->file, (int64_t)w->options.metadata_count + 2);
    avro_put_bytes(&w->file, STR("avro.schema"));
    avro_put_bytes(&w->file, w->options.schema);
    avro_put_bytes(&w->file, STR("avro.codec"));
    avro_put_bytes(&w->file, w->options.codec == AVRO_CODEC_DEFLATE ? STR("deflate") : STR("null"));
    for (size_t i = 0; i < w->options.metadata_count; i++) {
        avro_put_bytes(&w->file, w->options.metadata[i].key);
        avro_put_bytes(&w->file, w->options.metadata[i].value);
    }
    avro_put_long(&w->file, 0);
    buf_append(&w->file, w->sync, sizeof w->sync);
}

struct avro_writer *avro_writer_open(struct arena *arena, struct avro_writer_options options)
{
    struct avro_writer *w = ARENA_NEW(arena, struct avro_writer);
    w->arena = arena;
    w->options = options;
    buf_init(&w->file, options.max_bytes);
    buf_init(&w->block, options.max_bytes);
    arena_defer(arena, release, w);
    random_bytes(w->sync, sizeof w->sync);
    write_header(w);
    return w;
}

struct buf *avro_writer_record(struct avro_writer *writer)
{
    return &writer->block;
}

static rc flush_block(struct avro_writer *w, struct err *err)
{
    if (w->block_records == 0)
        return RC_OK;
    TRY(buf_check(&w->block, err, "an Avro block"));
    struct arena *scratch = arena_open(NULL);
    struct str packed = buf_str(&w->block);
    rc code = RC_OK;
    if (w->options.codec == AVRO_CODEC_DEFLATE)
        code = compress_pack(scratch, COMPRESS_DEFLATE, packed, DEFLATE_LEVEL, &packed, err);
    if (code == RC_OK) {
        avro_put_long(&w->file, w->block_records);
        avro_put_bytes(&w->file, packed);
        buf_append(&w->file, w->sync, sizeof w->sync);
        buf_clear(&w->block);
        w->block_records = 0;
        code = buf_check(&w->file, err, "an Avro file");
    }
    arena_close(scratch);
    return code;
}

rc avro_writer_end_record(struct avro_writer *writer, struct err *err)
{
    writer->block_records++;
    return writer->block.length >= BLOCK_BYTES ? flush_block(writer, err) : RC_OK;
}

size_t avro_writer_bytes(const struct avro_writer *writer)
{
    // what deflate makes of metadata, roughly
    const size_t open = writer->options.codec == AVRO_CODEC_DEFLATE ? writer->block.length / 4
                                                                    : writer->block.length;
    return writer->file.length + open;
}

rc avro_writer_finish(struct avro_writer *writer, struct buf *to, struct err *err)
{
    TRY(flush_block(writer, err));
    buf_append_str(to, buf_str(&writer->file));
    buf_done(&writer->file);
    buf_done(&writer->block);
    return buf_check(to, err, "an Avro file");
}
