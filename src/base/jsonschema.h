/// @file jsonschema.h
/// Checks a YAML tree against a JSON Schema and reports every problem with its file, line, column
/// and, for a mistyped key or word, the one that was probably meant. Layer: base.
/// Source: JSON Schema 2020-12, the part that configuration files need: type, enum, const,
/// properties, patternProperties, propertyNames, additionalProperties, unevaluatedProperties
/// (false), required, dependentRequired, minProperties, maxProperties, items, prefixItems,
/// minItems, maxItems, uniqueItems, anyOf, oneOf, allOf, not, if/then/else, $ref (into the same
/// document), pattern, minLength, maxLength, minimum, maximum, exclusiveMinimum,
/// exclusiveMaximum. Any other keyword is an error of the schema; title, description, default,
/// examples, deprecated, $schema, $id, $comment, $defs and format are only notes.
/// Of several alternatives (anyOf, oneOf) the one that the user meant is reported: the one with
/// his `type` (any property that is a const in the alternatives), else the one that fits the kind
/// of value, else the one with the fewest problems.
/// YAML's dates and timestamps count as strings. Threads: a schema is read-only once compiled.
/// Limits: problems (the rest is dropped), steps of work (RC_LIMIT).

#ifndef BASE_JSONSCHEMA_H
#define BASE_JSONSCHEMA_H

#include "base/vec.h"
#include "base/yaml.h"

enum { JSONSCHEMA_MAX_PROBLEMS = 100, JSONSCHEMA_MAX_STEPS = 2000000, JSONSCHEMA_MAX_DEPTH = 400 };

struct jsonschema;

/// @param text   the schema's JSON; borrowed, must live as long as the schema
/// @param place  names the schema in errors: these are mistakes of the program, not of its user
/// @return RC_OK | RC_INVALID (no JSON, an unknown keyword, a $ref that leads nowhere)
CHECK rc jsonschema_compile(struct arena *arena, struct str text, const char *place,
                            const struct jsonschema **ret_schema, struct err *err);

struct jsonschema_problem {
    const char *place;  // the YAML file
    int line, column;   // of the value, or of the unknown key
    struct str path;    // "environments.local.catalog", "columns[2].type"; "" = the root
    struct str message; // as err.message
    struct str hint;    // "did you mean 'resources'?", or what the schema says of it; "" = none
};
VEC_TYPE(jsonschema_problem_vec, struct jsonschema_problem);

struct jsonschema_options {
    /// Strings with "{{" are filled in later: they fit everywhere, their value is not looked at.
    bool accepts_templates;
};

/// Finds all problems, in the order of the text. None: an empty list.
/// @return RC_OK (also with problems) | RC_LIMIT
CHECK rc jsonschema_validate(const struct jsonschema *schema, struct arena *arena,
                             const struct yaml *root, struct jsonschema_options options,
                             jsonschema_problem_vec *ret_problems, struct err *err);
/// The same for callers that stop at the first one. @return RC_OK | RC_CONFIG (the first problem,
/// with its place; its message tells how many more there are) | RC_LIMIT
CHECK rc jsonschema_check(const struct jsonschema *schema, const struct yaml *root,
                          struct jsonschema_options options, struct err *err);

#endif
