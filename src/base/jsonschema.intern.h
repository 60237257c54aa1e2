/// @file jsonschema.intern.h
/// Between the files of the schema checker. Layer: base.

#ifndef BASE_JSONSCHEMA_INTERN_H
#define BASE_JSONSCHEMA_INTERN_H

#include "base/jsonschema.h"
#include "base/map.h"
#include "base/regex.h"

struct jsonschema {
    struct json root;
    const char *place;
    struct map patterns; // text -> struct regex
};

/// One walk over one tree.
struct check {
    const struct jsonschema *schema;
    struct arena *arena;
    struct jsonschema_options options;
    jsonschema_problem_vec *problems; // of the alternative that is tried
    size_t steps;
    int depth;
    bool is_over_limit;
};

/// A value with the way to it, for messages.
struct spot {
    const struct yaml *node;
    struct str path;
};

/// Follows $ref until there is none; NULL when it leads nowhere.
const struct json *jsonschema_target(const struct jsonschema *schema, const struct json *node);
bool jsonschema_matches(const struct jsonschema *schema, struct str pattern, struct str text);
/// Does the YAML kind fit JSON Schema's type name?
bool jsonschema_is_type(struct str type, const struct yaml *node);
/// Does the schema (its `type`) leave room for this kind of value?
bool jsonschema_fits_kind(const struct check *c, const struct json *schema,
                          const struct yaml *node);
/// Equal as JSON values.
bool jsonschema_equal(struct arena *arena, const struct json *wanted, const struct yaml *node);
bool jsonschema_is_template(const struct check *c, const struct yaml *node);

void jsonschema_report(struct check *c, const struct yaml *at, struct str path, struct str message,
                       struct str hint);
/// "'a.b'" or "the file".
struct str jsonschema_label(struct arena *arena, struct str path);
/// Checks one value against one schema.
void jsonschema_walk(struct check *c, const struct json *schema, struct spot spot);
/// anyOf and oneOf.
void jsonschema_walk_alternatives(struct check *c, const struct json *alternatives,
                                  struct spot spot, bool is_one_of);
/// "a, b or c" of JSON texts; with quotes around strings.
struct str jsonschema_list_words(struct arena *arena, const struct json *values, size_t count);
/// Says that a value is none of the allowed ones, with a suggestion.
void jsonschema_report_not_in(struct check *c, struct spot spot, const struct json *values,
                              size_t count, const struct json *schema);

#endif
