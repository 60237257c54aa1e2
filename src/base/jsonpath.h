/// @file jsonpath.h
/// JSONPath over struct json, compiled once. Layer: base.
/// Source: jsonpath-ng 1.16 with its extended parser (the one behind dlt's selectors), whose
/// meaning follows RFC 9535: $ @ .a .* .. ['a','b'] [0] [-1] [0,2] [1:9:2] [*] `parent` `this`
/// (a|b) `where` filters [?(@.a > 1 && !@.b || @.c =~ 'x')]. Not there, and refused by name:
/// arithmetic, sorting and `len` `keys` `path` `split()` `sub()` `str()`.
/// Threads: a compiled path is read-only and may be shared.
/// Limits: length of the path, its depth, number of matches (RC_LIMIT).

#ifndef BASE_JSONPATH_H
#define BASE_JSONPATH_H

#include "base/json.h"
#include "base/vec.h"

enum { JSONPATH_MAX_BYTES = 4096, JSONPATH_MAX_DEPTH = 100, JSONPATH_MAX_MATCHES = 1000000 };

struct jsonpath;

/// @return RC_OK | RC_INVALID (err names the character) | RC_UNSUPPORTED | RC_LIMIT
CHECK rc jsonpath_compile(struct arena *arena, struct str text, const struct jsonpath **ret_path,
                          struct err *err);
/// The text that was compiled.
struct str jsonpath_text(const struct jsonpath *path);
/// True when the path is one plain field of the root ("a", "$.a", "['a']").
bool jsonpath_is_field(const struct jsonpath *path, struct str *ret_name);

VEC_TYPE(json_match_vec, const struct json *);
/// Every match, in jsonpath-ng's order. None is RC_OK with an empty list.
/// @param ret_matches  point into `root`; the list lives in `arena`
CHECK rc jsonpath_find(const struct jsonpath *path, struct arena *arena, const struct json *root,
                       json_match_vec *ret_matches, struct err *err);
/// The first match, or NULL.
CHECK rc jsonpath_first(const struct jsonpath *path, struct arena *arena, const struct json *root,
                        const struct json **ret_match, struct err *err);

#endif
