/// Avro container files: header, blocks, decoding.

#include "base/compress.h"
#include "base/hash.h"
#include "base/map.h"
#include "format/avro.h"
#include "format/snappy.h"

enum { MAX_METADATA_ENTRIES = 10000, CRC_BYTES = 4 };

enum read_codec { READ_NULL, READ_DEFLATE, READ_ZSTANDARD, READ_SNAPPY, READ_CODEC_COUNT };
static const struct str codec_names[READ_CODEC_COUNT] = {STR_INIT("null"), STR_INIT("deflate"),
                                                         STR_INIT("zstandard"), STR_INIT("snappy")};

struct avro_reader {
    struct arena *arena, *block_arena;
    const char *place;
    struct avro_cursor file;
    struct map metadata; // key -> struct str *
    const struct avro_type *schema;
    enum read_codec codec;
    unsigned char sync[AVRO_SYNC_BYTES];
    size_t block_number; // from 1, of the block that is open
};

// Decoding

int64_t avro_read_long_slow(struct avro_cursor *cursor)
{
    uint64_t raw = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (cursor->at == cursor->end)
            break;
        const unsigned char byte = *cursor->at++;
        raw |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
    }
    cursor->is_bad = true;
    return 0;
}

struct str avro_read_fixed(struct avro_cursor *cursor, size_t size)
{
    if (size > (size_t)(cursor->end - cursor->at)) {
        cursor->is_bad = true;
        cursor->at = cursor->end;
        return (struct str){0};
    }
    const struct str bytes = {(const char *)cursor->at, size};
    cursor->at += size;
    return bytes;
}

struct str avro_read_bytes(struct avro_cursor *cursor)
{
    const int64_t length = avro_read_long(cursor);
    return avro_read_fixed(cursor, length < 0 ? SIZE_MAX : (size_t)length);
}

bool avro_read_boolean(struct avro_cursor *cursor)
{
    const struct str byte = avro_read_fixed(cursor, 1);
    return byte.length == 1 && byte.bytes[0] != 0;
}

double avro_read_float(struct avro_cursor *cursor)
{
    float number = 0;
    const struct str bytes = avro_read_fixed(cursor, sizeof number);
    if (bytes.length == sizeof number)
        memcpy(&number, bytes.bytes, sizeof number);
    return (double)number;
}

double avro_read_double(struct avro_cursor *cursor)
{
    double number = 0;
    const struct str bytes = avro_read_fixed(cursor, sizeof number);
    if (bytes.length == sizeof number)
        memcpy(&number, bytes.bytes, sizeof number);
    return number;
}

int64_t avro_read_items(struct avro_cursor *cursor)
{
    int64_t count = avro_read_long(cursor);
    if (count < 0) { // a size in bytes follows, for skipping
        (void)avro_read_long(cursor);
        count = count == INT64_MIN ? INT64_MAX : -count;
    }
    // null items take no bytes, but nobody has arrays of nulls: so each item is a byte at least,
    // and no count can ask for more work than the file is long
    if (cursor->is_bad || count > cursor->end - cursor->at) {
        cursor->is_bad = true;
        return 0;
    }
    return count;
}

const struct avro_type *avro_read_branch(struct avro_cursor *cursor, const struct avro_type *type)
{
    static const struct avro_type null_type = {.kind = AVRO_NULL};
    if (type->kind != AVRO_UNION)
        return type;
    const int64_t branch = avro_read_long(cursor);
    if (branch < 0 || (size_t)branch >= type->branch_count) {
        cursor->is_bad = true;
        return &null_type;
    }
    return type->branches[branch];
}

static void skip_items(struct avro_cursor *cursor, const struct avro_type *type)
{
    for (int64_t count; (count = avro_read_long(cursor)) != 0 && !cursor->is_bad;) {
        if (count < 0) {
            const int64_t bytes = avro_read_long(cursor);
            (void)avro_read_fixed(cursor, bytes < 0 ? SIZE_MAX : (size_t)bytes);
            continue;
        }
        for (; count > 0 && !cursor->is_bad; count--) {
            if (type->kind == AVRO_MAP)
                (void)avro_read_bytes(cursor);
            avro_skip(cursor, type->branches[0]);
            if (cursor->at == cursor->end && count > 1)
                cursor->is_bad = true;
        }
    }
}

void avro_skip(struct avro_cursor *cursor, const struct avro_type *type)
{
    type = avro_read_branch(cursor, type);
    switch (type->kind) {
    case AVRO_BOOLEAN:
        (void)avro_read_fixed(cursor, 1);
        break;
    case AVRO_INT:
    case AVRO_LONG:
    case AVRO_ENUM:
        (void)avro_read_long(cursor);
        break;
    case AVRO_FLOAT:
        (void)avro_read_fixed(cursor, sizeof(float));
        break;
    case AVRO_DOUBLE:
        (void)avro_read_fixed(cursor, sizeof(double));
        break;
    case AVRO_BYTES:
    case AVRO_STRING:
        (void)avro_read_bytes(cursor);
        break;
    case AVRO_FIXED:
        (void)avro_read_fixed(cursor, type->size);
        break;
    case AVRO_RECORD:
        for (size_t i = 0; i < type->field_count; i++)
            avro_skip(cursor, type->fields[i].type);
        break;
    case AVRO_ARRAY:
    case AVRO_MAP:
        skip_items(cursor, type);
        break;
    case AVRO_NULL:
    case AVRO_UNION: // a union in a union does not exist
        break;
    }
}

// The file

static rc read_metadata(struct avro_reader *r, struct err *err)
{
    map_init(&r->metadata, r->arena);
    for (int64_t count; (count = avro_read_items(&r->file)) > 0;) {
        for (; count > 0 && !r->file.is_bad; count--) {
            const struct str key = avro_read_bytes(&r->file);
            struct str *value = ARENA_NEW(r->arena, struct str);
            *value = avro_read_bytes(&r->file);
            map_set(&r->metadata, key, value);
            if (r->metadata.count > MAX_METADATA_ENTRIES)
                return err_set(err, RC_LIMIT, "%s: too many header entries", r->place);
        }
    }
    const struct str sync = avro_read_fixed(&r->file, AVRO_SYNC_BYTES);
    if (r->file.is_bad)
        return err_set(err, RC_CORRUPT, "%s: the Avro header is cut off", r->place);
    memcpy(r->sync, sync.bytes, AVRO_SYNC_BYTES);
    return RC_OK;
}

static rc read_codec(struct avro_reader *r, struct err *err)
{
    const struct str name = avro_reader_metadata(r, STR("avro.codec"));
    if (name.length == 0)
        return RC_OK;
    for (int i = 0; i < READ_CODEC_COUNT; i++) {
        if (str_equal(name, codec_names[i])) {
            r->codec = (enum read_codec)i;
            return RC_OK;
        }
    }
    return err_set(err, RC_UNSUPPORTED, "%s: unknown Avro codec \"%.*s\"", r->place,
                   STR_ARGS(name));
}

rc avro_reader_open(struct arena *arena, struct str bytes, const char *place,
                    struct avro_reader **ret_reader, struct err *err)
{
    static const char magic[4] = {'O', 'b', 'j', 1};
    if (bytes.length < sizeof magic || memcmp(bytes.bytes, magic, sizeof magic) != 0)
        return err_set(err, RC_CORRUPT, "%s: not an Avro file", place);
    struct avro_reader *r = ARENA_NEW(arena, struct avro_reader);
    r->arena = arena;
    r->block_arena = arena_open(arena);
    r->place = place;
    r->file.at = (const unsigned char *)bytes.bytes + sizeof magic;
    r->file.end = (const unsigned char *)bytes.bytes + bytes.length;
    TRY(read_metadata(r, err));
    TRY(read_codec(r, err));
    const struct str text = avro_reader_metadata(r, STR("avro.schema"));
    struct json *json = ARENA_NEW(arena, struct json);
    TRY_CONTEXT(json_parse(arena, text, "avro.schema", json, err), err, "%s", place);
    TRY_CONTEXT(avro_schema_parse(arena, json, &r->schema, err), err, "%s", place);
    *ret_reader = r;
    return RC_OK;
}

const struct avro_type *avro_reader_schema(const struct avro_reader *reader)
{
    return reader->schema;
}

struct str avro_reader_metadata(const struct avro_reader *reader, struct str key)
{
    const struct str *value = map_get(&reader->metadata, key);
    return value != NULL ? *value : (struct str){0};
}

static rc expand_snappy(struct avro_reader *r, struct str input, struct str *ret_bytes,
                        struct err *err)
{
    if (input.length < CRC_BYTES)
        return err_set(err, RC_CORRUPT, "the block has no checksum");
    const struct str packed = str_slice(input, 0, input.length - CRC_BYTES);
    const unsigned char *crc = (const unsigned char *)input.bytes + packed.length;
    TRY(snappy_expand(r->block_arena, packed, AVRO_MAX_BLOCK_BYTES, ret_bytes, err));
    const uint32_t wanted =
        (uint32_t)crc[0] << 24 | (uint32_t)crc[1] << 16 | (uint32_t)crc[2] << 8 | (uint32_t)crc[3];
    if (hash_crc32(0, ret_bytes->bytes, ret_bytes->length) != wanted)
        return err_set(err, RC_CORRUPT, "the checksum is wrong");
    return RC_OK;
}

static rc expand_block(struct avro_reader *r, struct str input, struct str *ret_bytes,
                       struct err *err)
{
    if (r->codec == READ_NULL) {
        *ret_bytes = input;
        return RC_OK;
    }
    if (r->codec == READ_SNAPPY)
        return expand_snappy(r, input, ret_bytes, err);
    return compress_expand(r->block_arena,
                           r->codec == READ_DEFLATE ? COMPRESS_DEFLATE : COMPRESS_ZSTD, input,
                           AVRO_MAX_BLOCK_BYTES, "an Avro block", ret_bytes, err);
}

rc avro_reader_block(struct avro_reader *r, struct avro_cursor *ret_cursor, int64_t *ret_count,
                     struct err *err)
{
    int64_t count = 0;
    struct str packed, bytes;
    do { // empty blocks are legal
        if (r->file.at == r->file.end)
            return RC_EOF;
        r->block_number++;
        count = avro_read_long(&r->file);
        packed = avro_read_bytes(&r->file);
        const struct str sync = avro_read_fixed(&r->file, AVRO_SYNC_BYTES);
        if (r->file.is_bad || count < 0 || memcmp(sync.bytes, r->sync, AVRO_SYNC_BYTES) != 0)
            return err_set(err, RC_CORRUPT, "%s: block %zu is damaged or cut off", r->place,
                           r->block_number);
    } while (count == 0);
    arena_reset(r->block_arena);
    TRY_CONTEXT(expand_block(r, packed, &bytes, err), err, "%s: block %zu", r->place,
                r->block_number);
    const unsigned char *start = (const unsigned char *)bytes.bytes;
    *ret_cursor = (struct avro_cursor){.at = start, .end = start + bytes.length};
    *ret_count = count;
    return RC_OK;
}

rc avro_reader_block_end(const struct avro_reader *r, const struct avro_cursor *cursor,
                         struct err *err)
{
    if (cursor->is_bad || cursor->at != cursor->end)
        return err_set(err, RC_CORRUPT, "%s: the records of block %zu do not fit its size",
                       r->place, r->block_number);
    return RC_OK;
}
