/// @file filters.h
/// What the files of built-in filters share. Layer: jinja, private.

#ifndef JINJA_FILTERS_H
#define JINJA_FILTERS_H

#include "jinja/methods.h"

#define FILTER(name)                                                                               \
    static rc name(struct render *r, void *self, const struct arguments *a,                        \
                   struct value *ret_value, struct err *err)

/// Binds a filter's arguments by the names in `...`; the first is the value.
#define BIND(v, function, required, ...)                                                           \
    static const char *const bind_names[] = {__VA_ARGS__};                                         \
    struct value v[sizeof bind_names / sizeof bind_names[0]];                                      \
    (void)self;                                                                                    \
    TRY(arguments_bind(r, function, a, bind_names, required,                                       \
                       sizeof bind_names / sizeof bind_names[0], v, err))

extern const struct builtin text_filters[], list_filters[], other_filters[];

/// str(value), keeping Markup.
CHECK rc soft_str(struct render *r, struct value value, struct value *ret_text, struct err *err);
/// `attribute`: dotted names and numbers, from an item. With a default for undefined ones.
CHECK rc get_by_path(struct render *r, struct value item, struct value path, struct value fallback,
                     struct value *ret_value, struct err *err);
/// Lower case for comparing without case; other values as they are.
struct value ignore_case(struct render *r, struct value value);
/// As json.dumps; indent < 0 = on one line.
void python_json(const struct json *json, bool is_html, int indent, int depth, struct buf *to);
bool value_flag(struct value value, bool fallback); // of a MISSING argument the fallback

#endif
