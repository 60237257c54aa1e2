// Weak stand-ins for base/utf8 until its file is there; then this file goes.

#include <wchar.h>

#include "base/utf8.h"

__attribute__((weak)) bool utf8_next(struct str *rest, uint32_t *ret_code_point)
{
    if (rest->length == 0)
        return false;
    const unsigned char *b = (const unsigned char *)rest->bytes;
    const size_t size = b[0] < 0x80 ? 1 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    uint32_t c = size == 1 ? b[0] : b[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size && i < rest->length; i++)
        c = (c << 6) | (b[i] & 0x3fu);
    *ret_code_point = c;
    *rest = str_slice(*rest, size, SIZE_MAX);
    return true;
}

__attribute__((weak)) void utf8_append(struct buf *to, uint32_t code_point)
{
    buf_printf(to, "%lc", (wint_t)code_point);
}

__attribute__((weak)) size_t utf8_width(struct str text)
{
    size_t width = 0;
    uint32_t c;
    while (utf8_next(&text, &c))
        width++;
    return width;
}

__attribute__((weak)) struct str utf8_repair(struct arena *arena, struct str text)
{
    (void)arena;
    return text;
}
