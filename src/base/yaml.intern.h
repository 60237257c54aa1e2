/// @file yaml.intern.h
/// Between the files of the YAML reader: composed nodes, and what scalars become. Layer: base.

#ifndef BASE_YAML_INTERN_H
#define BASE_YAML_INTERN_H

#include "base/yaml.h"

/// Tags that safe_load constructs, and those that only the resolver knows.
enum yaml_tag {
    YAML_TAG_UNKNOWN, // refused
    YAML_TAG_NULL,
    YAML_TAG_BOOL,
    YAML_TAG_INT,
    YAML_TAG_FLOAT,
    YAML_TAG_BINARY,
    YAML_TAG_TIMESTAMP,
    YAML_TAG_STR,
    YAML_TAG_SEQ,
    YAML_TAG_MAP,
    YAML_TAG_SET,
    YAML_TAG_OMAP,
    YAML_TAG_PAIRS,
    YAML_TAG_MERGE, // "<<": a key only
    YAML_TAG_VALUE, // "=": a key only
};

/// What an unquoted scalar is, by YAML 1.1's regular expressions as PyYAML has them.
enum yaml_tag yaml_resolve_plain(struct str text);

/// Fills kind and value of `node` from `text`; its place is set already.
/// @param tag  NULL to STR of enum yaml_tag
/// @return RC_OK | RC_INVALID
CHECK rc yaml_construct_scalar(struct arena *arena, enum yaml_tag tag, struct str text,
                               struct yaml *node, struct err *err);

/// What makes two keys one key, as in a Python dict: text keys are their text; others start with
/// the byte FF, which no UTF-8 text holds, and 1, 1.0 and true are the same.
struct str yaml_key_text(struct arena *arena, const struct yaml *key);

#endif
