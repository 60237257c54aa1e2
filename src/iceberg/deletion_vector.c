#include "iceberg/deletion_vector.h"

#include "base/hash.h"
#include "base/vec.h"

enum {
    FRAME_BYTES = 12, // length, magic, checksum
    COOKIE_WITH_RUNS = 12347,
    COOKIE_WITHOUT_RUNS = 12346,
    OFFSETS_FROM_CONTAINERS = 4, // with runs, fewer containers have no offset table
    ARRAY_MAX_VALUES = 4096,
    BITMAP_BYTES = 8192,
};

struct cursor {
    const unsigned char *at;
    size_t left;
    const char *place;
};

VEC_TYPE(position_vec, int64_t);

static rc short_of(const struct cursor *cursor, struct err *err)
{
    return err_set(err, RC_CORRUPT, "%s: the deletion vector ends too early", cursor->place);
}

static rc take(struct cursor *cursor, size_t length, const unsigned char **ret_bytes,
               struct err *err)
{
    if (length > cursor->left)
        return short_of(cursor, err);
    *ret_bytes = cursor->at;
    cursor->at += length;
    cursor->left -= length;
    return RC_OK;
}

static uint64_t little(const unsigned char *bytes, size_t length)
{
    uint64_t number = 0;
    for (size_t i = length; i-- > 0;)
        number = number << 8 | bytes[i];
    return number;
}

static uint32_t big32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static rc take_number(struct cursor *cursor, size_t length, uint64_t *ret_number, struct err *err)
{
    const unsigned char *bytes;
    TRY(take(cursor, length, &bytes, err));
    *ret_number = little(bytes, length);
    return RC_OK;
}

static rc add(struct arena *arena, position_vec *to, uint64_t position, const char *place,
              struct err *err)
{
    if (to->count >= DELETION_VECTOR_MAX_POSITIONS)
        return err_set(err, RC_LIMIT, "%s: the deletion vector has more than %d positions", place,
                       DELETION_VECTOR_MAX_POSITIONS);
    *vec_push(arena, to) = (int64_t)position;
    return RC_OK;
}

static rc read_runs(struct cursor *cursor, struct arena *arena, uint64_t base, position_vec *to,
                    struct err *err)
{
    uint64_t count, start, extra;
    TRY(take_number(cursor, 2, &count, err));
    for (uint64_t i = 0; i < count; i++) {
        TRY(take_number(cursor, 2, &start, err));
        TRY(take_number(cursor, 2, &extra, err));
        for (uint64_t j = 0; j <= extra; j++)
            TRY(add(arena, to, base + start + j, cursor->place, err));
    }
    return RC_OK;
}

static rc read_array(struct cursor *cursor, struct arena *arena, uint64_t base, size_t count,
                     position_vec *to, struct err *err)
{
    const unsigned char *bytes;
    TRY(take(cursor, count * 2, &bytes, err));
    for (size_t i = 0; i < count; i++)
        TRY(add(arena, to, base + little(bytes + i * 2, 2), cursor->place, err));
    return RC_OK;
}

static rc read_bitmap(struct cursor *cursor, struct arena *arena, uint64_t base, position_vec *to,
                      struct err *err)
{
    const unsigned char *bytes;
    TRY(take(cursor, BITMAP_BYTES, &bytes, err));
    for (size_t i = 0; i < (size_t)BITMAP_BYTES * 8; i++)
        if ((bytes[i / 8] >> (i % 8) & 1) != 0)
            TRY(add(arena, to, base + i, cursor->place, err));
    return RC_OK;
}

/// One 32-bit bitmap in the portable format; `high` are the upper 32 bits of its positions.
static rc read_roaring(struct cursor *cursor, struct arena *arena, uint64_t high, position_vec *to,
                       struct err *err)
{
    uint64_t cookie, count;
    const unsigned char *runs = NULL, *header, *offsets;
    TRY(take_number(cursor, 4, &cookie, err));
    if ((cookie & 0xffff) == COOKIE_WITH_RUNS) {
        count = (cookie >> 16) + 1;
        TRY(take(cursor, (count + 7) / 8, &runs, err));
    } else if (cookie == COOKIE_WITHOUT_RUNS) {
        TRY(take_number(cursor, 4, &count, err));
    } else {
        return err_set(err, RC_CORRUPT, "%s: the deletion vector is no roaring bitmap",
                       cursor->place);
    }
    if (count > 65536)
        return err_set(err, RC_CORRUPT, "%s: a bitmap has %llu containers", cursor->place,
                       (unsigned long long)count);
    TRY(take(cursor, count * 4, &header, err));
    if (runs == NULL || count >= OFFSETS_FROM_CONTAINERS)
        TRY(take(cursor, count * 4, &offsets, err)); // containers follow in order anyway
    for (size_t i = 0; i < count; i++) {
        const uint64_t base = high << 32 | little(header + i * 4, 2) << 16;
        const size_t values = little(header + i * 4 + 2, 2) + 1;
        if (runs != NULL && (runs[i / 8] >> (i % 8) & 1) != 0)
            TRY(read_runs(cursor, arena, base, to, err));
        else if (values <= ARRAY_MAX_VALUES)
            TRY(read_array(cursor, arena, base, values, to, err));
        else
            TRY(read_bitmap(cursor, arena, base, to, err));
    }
    return RC_OK;
}

rc deletion_vector_decode(struct arena *arena, struct str blob, const char *place,
                          int64_t **ret_positions, size_t *ret_count, struct err *err)
{
    static const unsigned char magic[4] = {0xD1, 0xD3, 0x39, 0x64};
    struct cursor cursor = {(const unsigned char *)blob.bytes, blob.length, place};
    if (blob.length < FRAME_BYTES || big32(cursor.at) != blob.length - 8 ||
        memcmp(cursor.at + 4, magic, sizeof magic) != 0)
        return err_set(err, RC_CORRUPT, "%s: there is no deletion vector where the manifest says",
                       place);
    const struct str checked = str_slice(blob, 4, blob.length - 8);
    if (hash_crc32(0, checked.bytes, checked.length) != big32(cursor.at + blob.length - 4))
        return err_set(err, RC_CORRUPT, "%s: the deletion vector's checksum is wrong", place);
    cursor.at += 8;
    cursor.left -= FRAME_BYTES;
    position_vec positions = {0};
    uint64_t count, high;
    TRY(take_number(&cursor, 8, &count, err));
    for (uint64_t i = 0; i < count; i++) {
        TRY(take_number(&cursor, 4, &high, err));
        if (high > INT32_MAX)
            return err_set(err, RC_CORRUPT, "%s: a deleted position is negative", place);
        TRY(read_roaring(&cursor, arena, high, &positions, err));
    }
    *ret_positions = positions.items;
    *ret_count = positions.count;
    return RC_OK;
}
