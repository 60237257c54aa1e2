/// @file xml.h
/// XML answers of services as a small tree: element names without their namespace prefix, the text
/// of elements that hold no others. Attributes, comments and processing instructions are dropped.
/// Layer: base. Third party: expat. Source: XML 1.0.
/// A document with a DOCTYPE is refused, so no entity can grow or name a file.
/// Limits: depth XML_MAX_DEPTH, XML_MAX_ELEMENTS; the size of the text is capped by who fetched it.

#ifndef BASE_XML_H
#define BASE_XML_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { XML_MAX_DEPTH = 64, XML_MAX_ELEMENTS = 1000000 };

struct xml {
    struct str name;                // "Contents", also for <s3:Contents>
    struct str text;                // decoded; "" for an element with children
    const struct xml *first, *next; // first child, next sibling; NULL = none
};

/// @param place     named in errors: file or URL
/// @param ret_root  the root element, in `arena` with all below it; nothing borrows from `text`
/// @return RC_OK | RC_INVALID (err has line and column) | RC_LIMIT
CHECK rc xml_parse(struct arena *arena, struct str text, const char *place,
                   const struct xml **ret_root, struct err *err);

/// The first child of that name; NULL when there is none or `element` is NULL.
const struct xml *xml_get(const struct xml *element, const char *name);
/// The next sibling of the same name, for lists: for (c = xml_get(l, "Contents"); c; c =
/// xml_again(c)).
const struct xml *xml_again(const struct xml *element);
/// As xml_get with a chain: xml_path(root, "Error", "Code").
#define xml_path(element, ...) xml_path_of((element), (const char *const[]){__VA_ARGS__, NULL})
const struct xml *xml_path_of(const struct xml *element, const char *const *names);
/// The text of a child; "" when there is no such child.
struct str xml_text(const struct xml *element, const char *name);

/// The text with & < > " ' and control characters that XML can carry as references.
struct str xml_escape(struct arena *arena, struct str text);

#endif
