// Compiling a schema: every keyword is known, every $ref leads somewhere, every pattern compiles.

#include "base/jsonschema.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/jsonschema.intern.h"

// How the value of a keyword is looked into when the schema is compiled.
enum keyword_shape {
    SHAPE_VALUE,       // not looked into
    SHAPE_SCHEMA,      // a schema
    SHAPE_SCHEMAS,     // a list of schemas
    SHAPE_SCHEMA_MAP,  // name -> schema
    SHAPE_PATTERN_MAP, // pattern -> schema
    SHAPE_PATTERN,
    SHAPE_REF,
};

static const struct {
    const char *name;
    enum keyword_shape shape;
} keywords[] = {
    {"$schema", SHAPE_VALUE},
    {"$id", SHAPE_VALUE},
    {"$comment", SHAPE_VALUE},
    {"title", SHAPE_VALUE},
    {"description", SHAPE_VALUE},
    {"default", SHAPE_VALUE},
    {"examples", SHAPE_VALUE},
    {"deprecated", SHAPE_VALUE},
    {"format", SHAPE_VALUE},
    {"markdownDescription", SHAPE_VALUE},
    {"type", SHAPE_VALUE},
    {"enum", SHAPE_VALUE},
    {"const", SHAPE_VALUE},
    {"required", SHAPE_VALUE},
    {"dependentRequired", SHAPE_VALUE},
    {"minProperties", SHAPE_VALUE},
    {"maxProperties", SHAPE_VALUE},
    {"minItems", SHAPE_VALUE},
    {"maxItems", SHAPE_VALUE},
    {"uniqueItems", SHAPE_VALUE},
    {"minLength", SHAPE_VALUE},
    {"maxLength", SHAPE_VALUE},
    {"minimum", SHAPE_VALUE},
    {"maximum", SHAPE_VALUE},
    {"exclusiveMinimum", SHAPE_VALUE},
    {"exclusiveMaximum", SHAPE_VALUE},
    {"unevaluatedProperties", SHAPE_VALUE},
    {"additionalProperties", SHAPE_SCHEMA},
    {"propertyNames", SHAPE_SCHEMA},
    {"items", SHAPE_SCHEMA},
    {"not", SHAPE_SCHEMA},
    {"if", SHAPE_SCHEMA},
    {"then", SHAPE_SCHEMA},
    {"else", SHAPE_SCHEMA},
    {"prefixItems", SHAPE_SCHEMAS},
    {"anyOf", SHAPE_SCHEMAS},
    {"oneOf", SHAPE_SCHEMAS},
    {"allOf", SHAPE_SCHEMAS},
    {"properties", SHAPE_SCHEMA_MAP},
    {"$defs", SHAPE_SCHEMA_MAP},
    {"patternProperties", SHAPE_PATTERN_MAP},
    {"pattern", SHAPE_PATTERN},
    {"$ref", SHAPE_REF},
};

struct compiler {
    struct arena *arena;
    struct jsonschema *schema;
    struct err *err;
};

static rc compile_schema(struct compiler *c, const struct json *schema);

static rc mistake(struct compiler *c, const char *what, struct str which)
{
    return err_set(c->err, RC_INVALID, "schema %s: %s '%.*s'", c->schema->place, what,
                   STR_ARGS(which));
}

static rc compile_pattern(struct compiler *c, struct str pattern)
{
    if (map_has(&c->schema->patterns, pattern))
        return RC_OK;
    const struct regex *regex;
    TRY_CONTEXT(regex_compile(c->arena, pattern, (struct regex_options){0}, &regex, c->err), c->err,
                "schema %s", c->schema->place);
    map_set(&c->schema->patterns, pattern, (void *)(uintptr_t)regex);
    return RC_OK;
}

static rc compile_list(struct compiler *c, const struct json *list, struct str keyword)
{
    if (list->kind != JSON_ARRAY)
        return mistake(c, "expected a list for", keyword);
    for (size_t i = 0; i < list->count; i++)
        TRY(compile_schema(c, &list->items[i]));
    return RC_OK;
}

static rc compile_map(struct compiler *c, const struct json *map, struct str keyword,
                      bool has_patterns)
{
    if (map->kind != JSON_OBJECT)
        return mistake(c, "expected an object for", keyword);
    for (size_t i = 0; i < map->count; i++) {
        if (has_patterns)
            TRY(compile_pattern(c, map->members[i].key));
        TRY(compile_schema(c, &map->members[i].value));
    }
    return RC_OK;
}

static rc compile_keyword(struct compiler *c, const struct json_member *member, size_t known)
{
    const struct json *value = &member->value;
    switch (keywords[known].shape) {
    case SHAPE_SCHEMA:
        return compile_schema(c, value);
    case SHAPE_SCHEMAS:
        return compile_list(c, value, member->key);
    case SHAPE_SCHEMA_MAP:
    case SHAPE_PATTERN_MAP:
        return compile_map(c, value, member->key, keywords[known].shape == SHAPE_PATTERN_MAP);
    case SHAPE_PATTERN:
        return compile_pattern(c, json_str(value, STR("")));
    case SHAPE_REF:
        if (jsonschema_target(c->schema, value) == NULL)
            return mistake(c, "nothing is at", json_str(value, STR("?")));
        return RC_OK;
    default:
        return RC_OK;
    }
}

// Recursion: the depth of JSON text is limited by its parser.
static rc compile_schema(struct compiler *c, const struct json *schema)
{
    if (schema->kind == JSON_BOOL)
        return RC_OK;
    if (schema->kind != JSON_OBJECT)
        return mistake(c, "expected a schema, found", json_str(schema, STR("another value")));
    for (size_t i = 0; i < schema->count; i++) {
        size_t known = 0;
        while (known < sizeof keywords / sizeof keywords[0] &&
               !str_is(schema->members[i].key, keywords[known].name))
            known++;
        if (known == sizeof keywords / sizeof keywords[0])
            return mistake(c, "unknown keyword", schema->members[i].key);
        TRY(compile_keyword(c, &schema->members[i], known));
    }
    return RC_OK;
}

rc jsonschema_compile(struct arena *arena, struct str text, const char *place,
                      const struct jsonschema **ret_schema, struct err *err)
{
    struct jsonschema *schema = ARENA_NEW(arena, struct jsonschema);
    schema->place = place;
    map_init(&schema->patterns, arena);
    TRY(json_parse(arena, text, place, &schema->root, err));
    struct compiler c = {.arena = arena, .schema = schema, .err = err};
    TRY(compile_schema(&c, &schema->root));
    *ret_schema = schema;
    return RC_OK;
}

// --- Following references ------------------------------------------------------------------------

enum { MAX_REFERENCES = 32 }; // a longer chain turns in a circle

// @param ref  the text value of a $ref: "#", "#/$defs/name"
static const struct json *resolve(const struct jsonschema *schema, struct str ref)
{
    if (!str_has_prefix(ref, STR("#")))
        return NULL;
    const struct json *at = &schema->root;
    struct str rest = str_slice(ref, 1, SIZE_MAX), part;
    if (rest.length > 0 && rest.bytes[0] == '/')
        rest = str_slice(rest, 1, SIZE_MAX);
    while (at != NULL && rest.length > 0 && str_split_next(&rest, '/', &part))
        at = json_get(at, part);
    return at;
}

// Is there nothing but the $ref and notes? Then the schema is a mere name for another.
static bool is_mere_reference(const struct json *schema)
{
    static const char *const notes[] = {
        "$ref",       "title",    "description",         "default", "examples",
        "deprecated", "$comment", "markdownDescription", NULL};
    for (size_t i = 0; i < schema->count; i++) {
        size_t at = 0;
        while (notes[at] != NULL && !str_is(schema->members[i].key, notes[at]))
            at++;
        if (notes[at] == NULL)
            return false;
    }
    return true;
}

// Given a schema or the value of a $ref itself.
const struct json *jsonschema_target(const struct jsonschema *schema, const struct json *node)
{
    for (int i = 0; i < MAX_REFERENCES && node != NULL; i++) {
        const struct json *ref = node->kind == JSON_STRING ? node : json_get(node, STR("$ref"));
        if (ref == NULL || (node->kind == JSON_OBJECT && !is_mere_reference(node)))
            return node;
        node = resolve(schema, json_str(ref, STR("")));
    }
    return NULL;
}

bool jsonschema_matches(const struct jsonschema *schema, struct str pattern, struct str text)
{
    const struct regex *regex = map_get(&schema->patterns, pattern);
    bool is_match = false;
    return regex != NULL && regex_search(regex, text, 0, &is_match, NULL, NULL) == RC_OK &&
           is_match;
}

// --- Entry ---------------------------------------------------------------------------------------

static int by_place(const void *a, const void *b)
{
    const struct jsonschema_problem *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return str_compare(x->message, y->message);
}

// Equal problems come from the same rule met on two ways (allOf and a $ref, for example).
static void sort_and_unite(jsonschema_problem_vec *problems)
{
    if (problems->count == 0)
        return;
    qsort(problems->items, problems->count, sizeof *problems->items, by_place);
    size_t kept = 1;
    for (size_t i = 1; i < problems->count; i++)
        if (by_place(&problems->items[kept - 1], &problems->items[i]) != 0)
            problems->items[kept++] = problems->items[i];
    problems->count = kept < JSONSCHEMA_MAX_PROBLEMS ? kept : JSONSCHEMA_MAX_PROBLEMS;
}

rc jsonschema_validate(const struct jsonschema *schema, struct arena *arena,
                       const struct yaml *root, struct jsonschema_options options,
                       jsonschema_problem_vec *ret_problems, struct err *err)
{
    jsonschema_problem_vec problems = {0};
    struct check c = {.schema = schema, .arena = arena, .options = options, .problems = &problems};
    jsonschema_walk(&c, &schema->root, (struct spot){root, STR("")});
    if (c.is_over_limit)
        return yaml_error(err, root, RC_LIMIT, "the file is too large or too deep to be checked");
    sort_and_unite(&problems);
    *ret_problems = problems;
    return RC_OK;
}

rc jsonschema_check(const struct jsonschema *schema, const struct yaml *root,
                    struct jsonschema_options options, struct err *err)
{
    struct arena *arena = arena_open(NULL);
    jsonschema_problem_vec problems;
    rc code = jsonschema_validate(schema, arena, root, options, &problems, err);
    if (code == RC_OK && problems.count > 0) {
        const struct jsonschema_problem *first = &problems.items[0];
        code = err_set_at(err, RC_CONFIG, first->place, first->line, first->column, "%.*s",
                          STR_ARGS(first->message));
        if (problems.count > 1)
            code = err_set_at(err, RC_CONFIG, first->place, first->line, first->column,
                              "%.*s (and %zu more problems)", STR_ARGS(first->message),
                              problems.count - 1);
        if (first->hint.length > 0)
            err_hint(err, "%.*s", STR_ARGS(first->hint));
    }
    arena_close(arena);
    return code;
}
