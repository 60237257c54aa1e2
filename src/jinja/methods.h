/// @file methods.h
/// The built-in methods, by the type that has them. Layer: jinja, private.

#ifndef JINJA_METHODS_H
#define JINJA_METHODS_H

#include "jinja/render.h"

typedef rc (*method_function)(struct render *r, struct value self,
                              const struct arguments *arguments, struct value *ret_value,
                              struct err *err);

struct method {
    const char *name;
    method_function call;
};
extern const struct method str_methods[], list_methods[], tuple_methods[], dict_methods[],
    set_methods[], date_methods[], delta_methods[], int_methods[], float_methods[], bytes_methods[];

/// str arguments by position or name, optional ones as VALUE_MISSING.
CHECK rc text_argument(struct value value, const char *function, struct str *ret_text,
                       struct err *err);
CHECK rc int_argument(struct value value, int64_t fallback, int64_t *ret_number, struct err *err);
CHECK rc no_keywords(const struct arguments *arguments, const char *function, size_t least,
                     size_t most, struct err *err);

/// Sorts in place, stably. @param key  NULL, or gives what is compared
struct sort_options {
    const struct value *keys; // as many as items; NULL = the items themselves
    bool is_reverse;
};
CHECK rc sort_values(struct render *r, struct value *items, size_t count,
                     const struct sort_options *options, struct err *err);

/// Without the characters of `set` (NULL: white space) at the ends.
struct str text_strip(struct str text, const struct str *set, bool left, bool right);
/// dict.update(mapping or pairs, **more).
CHECK rc dict_update_from(struct render *r, struct value dict, const struct arguments *a,
                          struct err *err);
/// Adds every item of an iterable.
CHECK rc set_add_items(struct render *r, struct value set, struct value iterable, struct err *err);

#endif
