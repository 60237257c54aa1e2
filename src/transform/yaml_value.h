/// @file yaml_value.h
/// YAML trees as template values, rendered or as they are. Layer: transform.
/// Source: dbt's native rendering of YAML files.

#ifndef TRANSFORM_YAML_VALUE_H
#define TRANSFORM_YAML_VALUE_H

#include "transform/scope.h"

/// The tree as Python's yaml.safe_load would give it.
struct value yaml_value(struct arena *arena, const struct yaml *node);

/// The same with every string rendered, except below the keys in `skip` (NULL-terminated).
CHECK rc yaml_value_rendered(struct scope *scope, const struct yaml *node, const char *const *skip,
                             struct value *ret_value, struct err *err);

/// One string setting, rendered; the fallback when it is absent or null.
CHECK rc yaml_text_rendered(struct scope *scope, const struct yaml *node, struct str fallback,
                            struct str *ret_text, struct err *err);

/// JSON and YAML of a value: for toyaml().
void value_to_yaml(struct render *render, struct value value, struct buf *to);

#endif
