/// @file html.c
/// HTML escaping and Markup. Layer: jinja. Source: markupsafe 3.

#include "jinja/render.h"
#include "jinja/throw.h"

struct str buf_take(struct arena *arena, struct buf *buf)
{
    const struct str text = arena_str(arena, buf_str(buf));
    buf_done(buf);
    return text;
}

void html_escape(struct str text, struct buf *to)
{
    for (size_t i = 0; i < text.length; i++) {
        switch (text.bytes[i]) {
        case '&':
            buf_append_cstr(to, "&amp;");
            break;
        case '<':
            buf_append_cstr(to, "&lt;");
            break;
        case '>':
            buf_append_cstr(to, "&gt;");
            break;
        case '\'':
            buf_append_cstr(to, "&#39;");
            break;
        case '"':
            buf_append_cstr(to, "&#34;");
            break;
        default:
            buf_append_byte(to, text.bytes[i]);
            break;
        }
    }
}

struct value markup_value(struct str text)
{
    struct value value = value_str(text);
    value.flags = VALUE_FLAG_MARKUP;
    return value;
}

rc escape_value(struct render *r, struct value value, struct value *ret_value, struct err *err)
{
    if (value.kind == VALUE_STR && (value.flags & VALUE_FLAG_MARKUP) != 0) {
        *ret_value = value;
        return RC_OK;
    }
    struct str text;
    struct buf buf;
    TRY(value_to_str(r, r->arena, value, &text, err));
    buf_init(&buf, UINT32_MAX / 4);
    html_escape(text, &buf);
    const rc code = buf_check(&buf, err, "an escaped text");
    *ret_value = markup_value(buf_take(r->arena, &buf));
    return code;
}
