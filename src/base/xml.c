// XML answers as a small tree, over expat. Layer: base; the only includer of expat.
// Threads: pure functions. Source: XML 1.0; expat's reference manual. Limits: see the header.

#include "base/xml.h"

#include <expat.h>
#include <limits.h>

#include "base/buf.h"

enum { MAX_TEXT_BYTES = 64 << 20 };

struct frame {
    struct xml *element;
    struct xml *last; // child
};

struct reader {
    struct arena *arena;
    XML_Parser parser;
    const char *place;
    struct frame open[XML_MAX_DEPTH];
    size_t depth, element_count;
    struct xml *root;
    struct buf text; // since the last tag
    rc code;
    struct err *err;
};

static void fail(struct reader *r, rc code, const char *what)
{
    if (r->code != RC_OK)
        return;
    r->code = err_set_at(r->err, code, r->place, (int)XML_GetCurrentLineNumber(r->parser),
                         (int)XML_GetCurrentColumnNumber(r->parser) + 1, "%s", what);
    XML_StopParser(r->parser, XML_FALSE);
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct reader *r = user;
    if (r->depth == XML_MAX_DEPTH) {
        fail(r, RC_LIMIT, "XML elements are nested too deeply");
        return;
    }
    if (++r->element_count > XML_MAX_ELEMENTS) {
        fail(r, RC_LIMIT, "the XML document has too many elements");
        return;
    }
    const struct str full = str_of(name);
    const size_t colon = str_find_last_byte(full, ':');
    struct xml *element = ARENA_NEW(r->arena, struct xml);
    element->name =
        arena_str(r->arena, colon == SIZE_MAX ? full : str_slice(full, colon + 1, full.length));
    if (r->depth == 0) {
        r->root = element;
    } else {
        struct frame *parent = &r->open[r->depth - 1];
        if (parent->last != NULL)
            parent->last->next = element;
        else
            parent->element->first = element;
        parent->last = element;
    }
    r->open[r->depth++] = (struct frame){.element = element};
    buf_clear(&r->text);
}

static void on_end(void *user, const XML_Char *name)
{
    (void)name;
    struct reader *r = user;
    const struct frame *top = &r->open[--r->depth];
    if (top->last == NULL)
        top->element->text = arena_str(r->arena, buf_str(&r->text));
    buf_clear(&r->text);
}

static void on_text(void *user, const XML_Char *bytes, int length)
{
    struct reader *r = user;
    buf_append(&r->text, bytes, (size_t)length);
    if (r->text.is_over_limit)
        fail(r, RC_LIMIT, "a text of the XML document is too long");
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int has_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_subset;
    fail(user, RC_INVALID, "the XML document has a DOCTYPE, which no service sends");
}

static rc parse(struct reader *r, struct str text)
{
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    if (text.length > INT_MAX)
        return err_set(r->err, RC_LIMIT, "%s: the XML document is larger than 2 GiB", r->place);
    if (XML_Parse(r->parser, text.length > 0 ? text.bytes : "", (int)text.length, XML_TRUE) ==
        XML_STATUS_ERROR) {
        const enum XML_Error code = XML_GetErrorCode(r->parser);
        fail(r, RC_INVALID, XML_ErrorString(code));
    }
    return r->code;
}

rc xml_parse(struct arena *arena, struct str text, const char *place, const struct xml **ret_root,
             struct err *err)
{
    struct reader *r = ARENA_NEW(arena, struct reader);
    *r = (struct reader){.arena = arena, .place = place, .err = err};
    r->parser = XML_ParserCreate(NULL);
    if (r->parser == NULL)
        return err_set(err, RC_INTERNAL, "expat gives no parser");
    buf_init(&r->text, MAX_TEXT_BYTES);
    const rc code = parse(r, text);
    XML_ParserFree(r->parser);
    buf_done(&r->text);
    if (code == RC_OK)
        *ret_root = r->root;
    return code;
}

// --- looking up --------------------------------------------------------------------------------

static const struct xml *named(const struct xml *element, struct str name)
{
    while (element != NULL && !str_equal(element->name, name))
        element = element->next;
    return element;
}

const struct xml *xml_get(const struct xml *element, const char *name)
{
    return element == NULL ? NULL : named(element->first, str_of(name));
}

const struct xml *xml_again(const struct xml *element)
{
    return element == NULL ? NULL : named(element->next, element->name);
}

const struct xml *xml_path_of(const struct xml *element, const char *const *names)
{
    for (; *names != NULL && element != NULL; names++)
        element = xml_get(element, *names);
    return element;
}

struct str xml_text(const struct xml *element, const char *name)
{
    const struct xml *child = xml_get(element, name);
    return child != NULL ? child->text : STR("");
}

struct str xml_escape(struct arena *arena, struct str text)
{
    struct buf out;
    buf_init(&out, MAX_TEXT_BYTES);
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        if (strchr("&<>\"'", c) != NULL || (c > 0 && c < ' '))
            buf_printf(&out, "&#%d;", c);
        else
            buf_append_byte(&out, c);
    }
    const struct str result = arena_str(arena, buf_str(&out));
    buf_done(&out);
    return result;
}
