/// Snappy: a length, then literals and copies of what was already written.

#include "format/snappy.h"

struct snappy {
    const unsigned char *at, *end;
    unsigned char *out;
    size_t written, size;
};

static bool read_size(struct snappy *s)
{
    uint64_t size = 0;
    for (int shift = 0; shift < 35; shift += 7) {
        if (s->at == s->end)
            return false;
        const unsigned char byte = *s->at++;
        size |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            s->size = (size_t)size;
            return true;
        }
    }
    return false;
}

/// Little-endian number of `bytes` bytes.
static bool read_number(struct snappy *s, size_t bytes, size_t *ret_number)
{
    if ((size_t)(s->end - s->at) < bytes)
        return false;
    size_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number |= (size_t)*s->at++ << (8 * i);
    *ret_number = number;
    return true;
}

static bool literal(struct snappy *s, unsigned tag)
{
    size_t length = tag >> 2;
    if (length >= 60 && !read_number(s, length - 59, &length))
        return false;
    length++;
    if (length > (size_t)(s->end - s->at) || length > s->size - s->written)
        return false;
    memcpy(s->out + s->written, s->at, length);
    s->at += length;
    s->written += length;
    return true;
}

static bool copy(struct snappy *s, unsigned tag)
{
    size_t offset, length = (tag >> 2) + 1;
    switch (tag & 3) {
    case 1:
        if (!read_number(s, 1, &offset))
            return false;
        length = (tag >> 2 & 7) + 4;
        offset |= (size_t)(tag >> 5) << 8;
        break;
    case 2:
        if (!read_number(s, 2, &offset))
            return false;
        break;
    default:
        if (!read_number(s, 4, &offset))
            return false;
        break;
    }
    if (offset == 0 || offset > s->written || length > s->size - s->written)
        return false;
    // byte by byte: source and target may overlap, which repeats a pattern
    for (; length > 0; length--, s->written++)
        s->out[s->written] = s->out[s->written - offset];
    return true;
}

rc snappy_expand(struct arena *arena, struct str input, size_t max_bytes, struct str *ret_bytes,
                 struct err *err)
{
    const unsigned char *start = (const unsigned char *)input.bytes;
    struct snappy s = {.at = start, .end = start + input.length};
    if (!read_size(&s))
        return err_set(err, RC_CORRUPT, "damaged snappy data");
    if (s.size > max_bytes)
        return err_set(err, RC_LIMIT, "snappy data expands to %zu bytes, at most %zu are read",
                       s.size, max_bytes);
    s.out = arena_alloc(arena, s.size);
    while (s.at < s.end) {
        const unsigned tag = *s.at++;
        if (!((tag & 3) == 0 ? literal(&s, tag) : copy(&s, tag)))
            return err_set(err, RC_CORRUPT, "damaged snappy data");
    }
    if (s.written != s.size)
        return err_set(err, RC_CORRUPT, "snappy data ends early");
    *ret_bytes = (struct str){(const char *)s.out, s.size};
    return RC_OK;
}
