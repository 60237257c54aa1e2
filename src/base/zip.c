#include "base/zip.h"

#include "base/buf.h"
#include "base/compress.h"
#include "base/hash.h"
#include "base/vec.h"

enum {
    LOCAL_HEADER = 0x04034b50,
    CENTRAL_HEADER = 0x02014b50,
    END_OF_CENTRAL = 0x06054b50,
    VERSION = 20,
    MADE_ON_UNIX = 3 << 8,
    NAMES_ARE_UTF8 = 1 << 11,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8,
    // 1 January 1980, midnight: the first moment that the format knows.
    FIRST_DATE = (1 << 5) | 1,
    DEFLATE_LEVEL = 6, // 9 takes three times as long for 1 % less
};

struct zip_entry {
    struct str name;
    uint32_t crc, packed_bytes, bytes, offset;
    uint16_t method;
    bool is_executable;
};
VEC_TYPE(zip_entry_vec, struct zip_entry);

struct zip_writer {
    struct arena *arena;
    struct buf buf;
    zip_entry_vec entries;
};

static void free_writer(void *object)
{
    struct zip_writer *zip = object;
    buf_done(&zip->buf);
}

struct zip_writer *zip_writer_open(struct arena *arena, size_t max_bytes)
{
    struct zip_writer *zip = ARENA_NEW(arena, struct zip_writer);
    zip->arena = arena;
    buf_init(&zip->buf, max_bytes < UINT32_MAX ? max_bytes : UINT32_MAX);
    arena_defer(arena, free_writer, zip);
    return zip;
}

static void put16(struct buf *to, uint32_t value)
{
    buf_append_byte(to, (char)(value & 0xff));
    buf_append_byte(to, (char)(value >> 8 & 0xff));
}

static void put32(struct buf *to, uint32_t value)
{
    put16(to, value & 0xffff);
    put16(to, value >> 16);
}

// What the local and the central header have in common.
static void put_common(struct buf *to, const struct zip_entry *entry)
{
    put16(to, VERSION);
    put16(to, NAMES_ARE_UTF8);
    put16(to, entry->method);
    put16(to, 0); // time
    put16(to, FIRST_DATE);
    put32(to, entry->crc);
    put32(to, entry->packed_bytes);
    put32(to, entry->bytes);
    put16(to, (uint32_t)entry->name.length);
    put16(to, 0); // extra field
}

static rc check_name(struct str name, struct err *err)
{
    struct str rest = name, part;
    bool is_bad = name.length == 0 || name.length > ZIP_MAX_NAME_BYTES || name.bytes[0] == '/' ||
                  str_find_byte(name, '\0') != SIZE_MAX || str_find_byte(name, '\\') != SIZE_MAX;
    while (!is_bad && str_split_next(&rest, '/', &part))
        is_bad = part.length == 0 || str_is(part, ".") || str_is(part, "..");
    return is_bad
               ? err_set(err, RC_INVALID, "'%.*s' cannot be a name in an archive", STR_ARGS(name))
               : RC_OK;
}

rc zip_add(struct zip_writer *zip, struct str name, struct str content, bool is_executable,
           struct err *err)
{
    TRY(check_name(name, err));
    if (zip->entries.count >= ZIP_MAX_ENTRIES || content.length >= UINT32_MAX)
        return err_set(err, RC_LIMIT,
                       "an archive holds at most %d files of less than 4 GiB (at %.*s)",
                       ZIP_MAX_ENTRIES, STR_ARGS(name));
    struct zip_entry entry = {.name = arena_str(zip->arena, name),
                              .crc = hash_crc32(0, content.bytes, content.length),
                              .bytes = (uint32_t)content.length,
                              .offset = (uint32_t)zip->buf.length,
                              .method = METHOD_DEFLATED,
                              .is_executable = is_executable};
    struct arena *scratch = arena_open(NULL);
    struct str packed;
    const rc code = compress_pack(scratch, COMPRESS_DEFLATE, content, DEFLATE_LEVEL, &packed, err);
    if (code == RC_OK) {
        if (packed.length >= content.length) {
            packed = content;
            entry.method = METHOD_STORED;
        }
        entry.packed_bytes = (uint32_t)packed.length;
        put32(&zip->buf, LOCAL_HEADER);
        put_common(&zip->buf, &entry);
        buf_append_str(&zip->buf, entry.name);
        buf_append_str(&zip->buf, packed);
        *vec_push(zip->arena, &zip->entries) = entry;
    }
    arena_close(scratch);
    TRY(code);
    return buf_check(&zip->buf, err, "the archive");
}

static void put_central(struct buf *to, const struct zip_entry *entry)
{
    const uint32_t mode = 0100000 | (entry->is_executable ? 0755 : 0644); // a regular file
    put32(to, CENTRAL_HEADER);
    put16(to, VERSION | MADE_ON_UNIX);
    put_common(to, entry);
    put16(to, 0); // comment
    put16(to, 0); // disk
    put16(to, 0); // internal attributes
    put32(to, mode << 16);
    put32(to, entry->offset);
    buf_append_str(to, entry->name);
}

rc zip_finish(struct zip_writer *zip, struct str *ret_bytes, struct err *err)
{
    struct buf *to = &zip->buf;
    const size_t start = to->length;
    for (size_t i = 0; i < zip->entries.count; i++)
        put_central(to, &zip->entries.items[i]);
    const size_t length = to->length - start;
    put32(to, END_OF_CENTRAL);
    put16(to, 0); // this disk
    put16(to, 0); // disk of the directory
    put16(to, (uint32_t)zip->entries.count);
    put16(to, (uint32_t)zip->entries.count);
    put32(to, (uint32_t)length);
    put32(to, (uint32_t)start);
    put16(to, 0); // comment
    TRY(buf_check(to, err, "the archive"));
    *ret_bytes = buf_str(to);
    return RC_OK;
}
