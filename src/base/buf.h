/// @file buf.h
/// A byte string that grows up to a cap that its owner names. Layer: base.
/// Appending never fails at the call: the first append over the cap marks the buffer, further ones
/// do nothing, and buf_check() turns the mark into RC_LIMIT. So writers stay free of error paths.

#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

struct buf {
    char *bytes; // NULL while empty; not terminated
    size_t length, capacity;
    size_t max_bytes;
    bool is_over_limit;
};

/// @param max_bytes  the cap, > 0
void buf_init(struct buf *buf, size_t max_bytes);
/// Frees the bytes; the buffer is empty and may be used again.
void buf_done(struct buf *buf);
/// Forgets the content and the mark, keeps the memory.
void buf_clear(struct buf *buf);

void buf_append(struct buf *buf, const void *bytes, size_t length);
void buf_append_str(struct buf *buf, struct str text);
void buf_append_byte(struct buf *buf, char byte);
void buf_append_cstr(struct buf *buf, const char *terminated);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/// Room for `length` more bytes at the end, uninitialised, counted as content; NULL over the cap.
char *buf_extend(struct buf *buf, size_t length);
/// Drops everything behind `length`.
void buf_truncate(struct buf *buf, size_t length);

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->bytes, buf->length};
}

/// @param what  names the content: "the answer of https://..."
/// @return RC_OK | RC_LIMIT (message names `what` and the cap)
CHECK rc buf_check(const struct buf *buf, struct err *err, const char *what);

#endif
