#include "base/buf.h"

#include <stdio.h>

#include "base/arena.h"

void buf_init(struct buf *buf, size_t max_bytes)
{
    *buf = (struct buf){.max_bytes = max_bytes};
}

void buf_done(struct buf *buf)
{
    mem_free(buf->bytes);
    buf_init(buf, buf->max_bytes);
}

void buf_clear(struct buf *buf)
{
    buf->length = 0;
    buf->is_over_limit = false;
}

// Room for `length` more bytes; false (and the mark) when that is over the cap.
static bool buf_reserve(struct buf *buf, size_t length)
{
    if (buf->is_over_limit || length > buf->max_bytes - buf->length) {
        buf->is_over_limit = true;
        return false;
    }
    const size_t needed = buf->length + length;
    if (needed <= buf->capacity)
        return true;
    size_t capacity = buf->capacity < 64 ? 64 : buf->capacity;
    while (capacity < needed)
        capacity += capacity / 2 + 1;
    if (capacity > buf->max_bytes)
        capacity = buf->max_bytes;
    buf->bytes = mem_grow(buf->bytes, capacity);
    buf->capacity = capacity;
    return true;
}

char *buf_extend(struct buf *buf, size_t length)
{
    if (!buf_reserve(buf, length))
        return NULL;
    char *room = buf->bytes + buf->length;
    buf->length += length;
    return room;
}

void buf_append(struct buf *buf, const void *bytes, size_t length)
{
    if (length > 0 && buf_reserve(buf, length)) {
        memcpy(buf->bytes + buf->length, bytes, length);
        buf->length += length;
    }
}

void buf_append_str(struct buf *buf, struct str text)
{
    buf_append(buf, text.bytes, text.length);
}

void buf_append_byte(struct buf *buf, char byte)
{
    buf_append(buf, &byte, 1);
}

void buf_append_cstr(struct buf *buf, const char *terminated)
{
    buf_append(buf, terminated, strlen(terminated));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    char small[256];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int length = vsnprintf(small, sizeof small, format, args);
    if (length >= 0 && (size_t)length < sizeof small) {
        buf_append(buf, small, (size_t)length);
    } else if (length >= 0 && buf_reserve(buf, (size_t)length + 1)) {
        vsnprintf(buf->bytes + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
    va_end(args);
}

void buf_truncate(struct buf *buf, size_t length)
{
    if (length < buf->length)
        buf->length = length;
}

rc buf_check(const struct buf *buf, struct err *err, const char *what)
{
    if (!buf->is_over_limit)
        return RC_OK;
    return err_set(err, RC_LIMIT, "%s is larger than %zu bytes", what, buf->max_bytes);
}
