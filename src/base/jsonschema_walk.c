// Checking one value against one schema, keyword by keyword.

#include <math.h>

#include "base/jsonschema.intern.h"
#include "base/utf8.h"

// --- Values --------------------------------------------------------------------------------------

static const struct {
    const char *type, *words;
} type_names[] = {
    {"null", "null"},        {"boolean", "a boolean"}, {"integer", "an integer"},
    {"number", "a number"},  {"string", "a string"},   {"array", "a list"},
    {"object", "a mapping"},
};

bool jsonschema_is_type(struct str type, const struct yaml *node)
{
    switch (node->kind) {
    case YAML_NULL:
        return str_is(type, "null");
    case YAML_BOOL:
        return str_is(type, "boolean");
    case YAML_INT:
        return str_is(type, "integer") || str_is(type, "number");
    case YAML_FLOAT:
        return str_is(type, "number") ||
               (str_is(type, "integer") && node->number == trunc(node->number));
    case YAML_STR:
    case YAML_DATE:
    case YAML_TIMESTAMP:
        return str_is(type, "string");
    case YAML_SEQ:
        return str_is(type, "array");
    case YAML_MAP:
        return str_is(type, "object");
    default:
        return false;
    }
}

bool jsonschema_is_template(const struct check *c, const struct yaml *node)
{
    return c->options.accepts_templates && node->kind == YAML_STR &&
           str_contains(node->text, STR("{{"));
}

bool jsonschema_equal(struct arena *arena, const struct json *wanted, const struct yaml *node)
{
    return yaml_equal(yaml_of_json(arena, wanted, ""), node);
}

// --- Reporting -----------------------------------------------------------------------------------

struct str jsonschema_label(struct arena *arena, struct str path)
{
    return path.length > 0 ? arena_printf(arena, "'%.*s'", STR_ARGS(path)) : STR("the file");
}

void jsonschema_report(struct check *c, const struct yaml *at, struct str path, struct str message,
                       struct str hint)
{
    if (c->problems->count > JSONSCHEMA_MAX_PROBLEMS * 10)
        return;
    *vec_push(c->arena, c->problems) = (struct jsonschema_problem){
        .place = at->place != NULL ? at->place : "",
        .line = at->line,
        .column = at->column,
        .path = path,
        .message = message,
        .hint = hint,
    };
}

static struct str description_of(const struct json *schema)
{
    return json_str(json_get(schema, STR("description")), STR(""));
}

struct str jsonschema_list_words(struct arena *arena, const struct json *values, size_t count)
{
    struct str text = STR("");
    for (size_t i = 0; i < count; i++) {
        const char *between = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        const struct str value = values[i].kind == JSON_STRING
                                     ? arena_printf(arena, "'%.*s'", STR_ARGS(values[i].text))
                                     : json_print(arena, &values[i], JSON_COMPACT);
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARGS(text), between, STR_ARGS(value));
    }
    return text;
}

void jsonschema_report_not_in(struct check *c, struct spot spot, const struct json *values,
                              size_t count, const struct json *schema)
{
    const struct str message =
        arena_printf(c->arena, "expected %s%.*s for %.*s, found %.*s", count > 1 ? "one of " : "",
                     STR_ARGS(jsonschema_list_words(c->arena, values, count)),
                     STR_ARGS(jsonschema_label(c->arena, spot.path)),
                     STR_ARGS(yaml_describe(c->arena, spot.node)));
    struct str hint = description_of(schema);
    str_vec words = {0};
    for (size_t i = 0; i < count; i++)
        if (values[i].kind == JSON_STRING)
            *vec_push(c->arena, &words) = values[i].text;
    const size_t near = spot.node->kind == YAML_STR
                            ? str_nearest(spot.node->text, words.items, words.count)
                            : SIZE_MAX;
    if (near != SIZE_MAX)
        hint = arena_printf(c->arena, "did you mean '%.*s'?", STR_ARGS(words.items[near]));
    jsonschema_report(c, spot.node, spot.path, message, hint);
}

// --- Type, enum, const ---------------------------------------------------------------------------

static const struct json *types_of(const struct json *type, size_t *ret_count)
{
    *ret_count = type == NULL ? 0 : type->kind == JSON_ARRAY ? type->count : 1;
    return type != NULL && type->kind == JSON_ARRAY ? type->items : type;
}

static bool is_one_of_types(const struct json *type, const struct yaml *node)
{
    size_t count;
    const struct json *types = types_of(type, &count);
    for (size_t i = 0; i < count; i++)
        if (jsonschema_is_type(types[i].text, node))
            return true;
    return count == 0;
}

// Is a value of the list of the same kind as the node? A template may become any.
static bool is_kind_of_any(const struct json *values, size_t count, const struct yaml *node)
{
    static const char *const types[] = {
        [JSON_NULL] = "null",     [JSON_BOOL] = "boolean", [JSON_NUMBER] = "number",
        [JSON_STRING] = "string", [JSON_ARRAY] = "array",  [JSON_OBJECT] = "object",
    };
    for (size_t i = 0; i < count; i++)
        if (jsonschema_is_type(str_of(types[values[i].kind]), node))
            return true;
    return false;
}

enum { FITS_MAX_DEPTH = 16 };

static bool fits_kind(const struct check *c, const struct json *schema, const struct yaml *node,
                      int depth)
{
    schema = jsonschema_target(c->schema, schema);
    if (schema == NULL || schema->kind == JSON_BOOL)
        return schema != NULL && schema->boolean;
    const struct json *type = json_get(schema, STR("type"));
    const struct json *allowed = json_get(schema, STR("enum"));
    const struct json *wanted = json_get(schema, STR("const"));
    if (type != NULL)
        return is_one_of_types(type, node);
    if (allowed != NULL || wanted != NULL)
        return allowed != NULL ? is_kind_of_any(allowed->items, allowed->count, node)
                               : is_kind_of_any(wanted, 1, node);
    if (json_get(schema, STR("properties")) != NULL)
        return node->kind == YAML_MAP;
    const struct json *alternatives = json_get(schema, STR("anyOf"));
    if (alternatives == NULL)
        alternatives = json_get(schema, STR("oneOf"));
    if (alternatives == NULL || depth >= FITS_MAX_DEPTH)
        return true;
    for (size_t i = 0; i < alternatives->count; i++)
        if (fits_kind(c, &alternatives->items[i], node, depth + 1))
            return true;
    return false;
}

bool jsonschema_fits_kind(const struct check *c, const struct json *schema, const struct yaml *node)
{
    return fits_kind(c, schema, node, 0);
}

static struct str words_of_types(struct arena *arena, const struct json *type)
{
    size_t count;
    const struct json *types = types_of(type, &count);
    struct str text = STR("");
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof type_names / sizeof type_names[0]; k++)
            if (str_is(types[i].text, type_names[k].type))
                text = arena_printf(arena, "%.*s%s%s", STR_ARGS(text),
                                    i == 0           ? ""
                                    : i + 1 == count ? " or "
                                                     : ", ",
                                    type_names[k].words);
    return text;
}

// @return false when the kind is wrong: nothing else of the schema is worth telling then
static bool walk_type(struct check *c, const struct json *schema, struct spot spot)
{
    const struct json *type = json_get(schema, STR("type"));
    if (is_one_of_types(type, spot.node) || jsonschema_is_template(c, spot.node))
        return true;
    const struct str message = arena_printf(c->arena, "expected %.*s for %.*s, found %.*s",
                                            STR_ARGS(words_of_types(c->arena, type)),
                                            STR_ARGS(jsonschema_label(c->arena, spot.path)),
                                            STR_ARGS(yaml_describe(c->arena, spot.node)));
    const bool wants_string = str_is(json_str(type, STR("")), "string");
    const bool is_scalar = spot.node->kind > YAML_NULL && spot.node->kind < YAML_BINARY;
    jsonschema_report(c, spot.node, spot.path, message,
                      wants_string && is_scalar ? STR("put the value into quotes")
                                                : description_of(schema));
    return false;
}

static void walk_values(struct check *c, const struct json *schema, struct spot spot)
{
    const struct json *allowed = json_get(schema, STR("enum"));
    const struct json *wanted = json_get(schema, STR("const"));
    if (jsonschema_is_template(c, spot.node))
        return;
    if (wanted != NULL && !jsonschema_equal(c->arena, wanted, spot.node))
        jsonschema_report_not_in(c, spot, wanted, 1, schema);
    if (allowed == NULL || allowed->kind != JSON_ARRAY)
        return;
    for (size_t i = 0; i < allowed->count; i++)
        if (jsonschema_equal(c->arena, &allowed->items[i], spot.node))
            return;
    jsonschema_report_not_in(c, spot, allowed->items, allowed->count, schema);
}

// --- Numbers and strings -------------------------------------------------------------------------

static void walk_bounds(struct check *c, const struct json *schema, struct spot spot)
{
    static const struct {
        const char *keyword, *words;
        int sign;      // which side is refused
        bool is_equal; // refused too
    } bounds[] = {{"minimum", "at least", -1, false},
                  {"maximum", "at most", 1, false},
                  {"exclusiveMinimum", "more than", -1, true},
                  {"exclusiveMaximum", "less than", 1, true}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        const struct json *bound = json_get(schema, str_of(bounds[i].keyword));
        double limit;
        if (bound == NULL || !json_to_double(bound, &limit))
            continue;
        const double difference = (spot.node->number - limit) * bounds[i].sign;
        if (difference < 0 || (difference == 0 && !bounds[i].is_equal))
            continue;
        jsonschema_report(c, spot.node, spot.path,
                          arena_printf(c->arena, "expected %s %.*s for %.*s, found %.*s",
                                       bounds[i].words, STR_ARGS(bound->text),
                                       STR_ARGS(jsonschema_label(c->arena, spot.path)),
                                       STR_ARGS(spot.node->source)),
                          description_of(schema));
    }
}

static void walk_count(struct check *c, const struct json *schema, struct spot spot,
                       const char *least, const char *most, const char *things, size_t count)
{
    const int64_t fewest = json_int64(json_get(schema, str_of(least)), 0);
    const int64_t largest = json_int64(json_get(schema, str_of(most)), INT64_MAX);
    const bool is_few = (int64_t)count < fewest;
    if (!is_few && (int64_t)count <= largest)
        return;
    jsonschema_report(c, spot.node, spot.path,
                      arena_printf(c->arena, "expected at %s %lld %s in %.*s, found %zu",
                                   is_few ? "least" : "most",
                                   (long long)(is_few ? fewest : largest), things,
                                   STR_ARGS(jsonschema_label(c->arena, spot.path)), count),
                      description_of(schema));
}

static void walk_string(struct check *c, const struct json *schema, struct spot spot)
{
    if (jsonschema_is_template(c, spot.node))
        return;
    walk_count(c, schema, spot, "minLength", "maxLength", "characters",
               utf8_count(spot.node->source));
    const struct json *pattern = json_get(schema, STR("pattern"));
    if (pattern == NULL || jsonschema_matches(c->schema, pattern->text, spot.node->source))
        return;
    jsonschema_report(c, spot.node, spot.path,
                      arena_printf(c->arena, "%.*s for %.*s does not have the form %.*s",
                                   STR_ARGS(yaml_describe(c->arena, spot.node)),
                                   STR_ARGS(jsonschema_label(c->arena, spot.path)),
                                   STR_ARGS(pattern->text)),
                      description_of(schema));
}

// --- Lists ---------------------------------------------------------------------------------------

static void walk_unique(struct check *c, struct spot spot)
{
    const struct yaml *list = spot.node;
    const size_t most = list->count < 1000 ? list->count : 1000; // the comparison is quadratic
    for (size_t i = 1; i < most; i++)
        for (size_t k = 0; k < i; k++)
            if (yaml_equal(list->items[i], list->items[k])) {
                jsonschema_report(c, list->items[i], spot.path,
                                  arena_printf(c->arena, "%.*s is twice in %.*s",
                                               STR_ARGS(yaml_describe(c->arena, list->items[i])),
                                               STR_ARGS(jsonschema_label(c->arena, spot.path))),
                                  STR(""));
                break;
            }
}

static void walk_list(struct check *c, const struct json *schema, struct spot spot)
{
    const struct json *first = json_get(schema, STR("prefixItems"));
    const struct json *rest = json_get(schema, STR("items"));
    for (size_t i = 0; i < spot.node->count; i++) {
        const struct json *of_item = first != NULL && i < first->count ? &first->items[i] : rest;
        const struct spot item = {spot.node->items[i],
                                  arena_printf(c->arena, "%.*s[%zu]", STR_ARGS(spot.path), i)};
        if (of_item != NULL)
            jsonschema_walk(c, of_item, item);
    }
    walk_count(c, schema, spot, "minItems", "maxItems", "items", spot.node->count);
    if (json_bool(json_get(schema, STR("uniqueItems")), false))
        walk_unique(c, spot);
}

// --- Mappings ------------------------------------------------------------------------------------

static struct spot member_spot(struct check *c, struct spot map, const struct yaml_member *member)
{
    const struct str key = member->key->source;
    return (struct spot){
        member->value, map.path.length > 0
                           ? arena_printf(c->arena, "%.*s.%.*s", STR_ARGS(map.path), STR_ARGS(key))
                           : key};
}

enum { KNOWN_MAX_DEPTH = 32 };

// The keys that a schema names, for suggestions and for unevaluatedProperties.
// @param follows  also those of allOf, anyOf, oneOf, then, else and $ref
static void known_keys(struct check *c, const struct json *schema, bool follows, int depth,
                       str_vec *names, str_vec *patterns, bool *ret_takes_all)
{
    if (schema == NULL || schema->kind != JSON_OBJECT || depth > KNOWN_MAX_DEPTH)
        return;
    const struct json *properties = json_get(schema, STR("properties"));
    for (size_t i = 0; properties != NULL && i < properties->count; i++)
        *vec_push(c->arena, names) = properties->members[i].key;
    const struct json *by_pattern = json_get(schema, STR("patternProperties"));
    for (size_t i = 0; by_pattern != NULL && i < by_pattern->count; i++)
        *vec_push(c->arena, patterns) = by_pattern->members[i].key;
    if (!follows)
        return;
    const struct json *more = json_get(schema, STR("additionalProperties"));
    if (more != NULL && (more->kind != JSON_BOOL || more->boolean))
        *ret_takes_all = true;
    if (json_get(schema, STR("$ref")) != NULL)
        known_keys(c, jsonschema_target(c->schema, json_get(schema, STR("$ref"))), true, depth + 1,
                   names, patterns, ret_takes_all);
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const struct json *list = json_get(schema, str_of(lists[i]));
        for (size_t k = 0; list != NULL && k < list->count; k++)
            known_keys(c, &list->items[k], true, depth + 1, names, patterns, ret_takes_all);
    }
    known_keys(c, json_get(schema, STR("then")), true, depth + 1, names, patterns, ret_takes_all);
    known_keys(c, json_get(schema, STR("else")), true, depth + 1, names, patterns, ret_takes_all);
}

static bool is_known_key(const struct check *c, struct str key, const str_vec *names,
                         const str_vec *patterns)
{
    for (size_t i = 0; i < names->count; i++)
        if (str_equal(names->items[i], key))
            return true;
    for (size_t i = 0; i < patterns->count; i++)
        if (jsonschema_matches(c->schema, patterns->items[i], key))
            return true;
    return false;
}

static void report_unknown_key(struct check *c, struct spot spot, const struct yaml *key,
                               const str_vec *names)
{
    const struct str message =
        spot.path.length > 0 ? arena_printf(c->arena, "unknown key '%.*s' in '%.*s'",
                                            STR_ARGS(key->source), STR_ARGS(spot.path))
                             : arena_printf(c->arena, "unknown key '%.*s'", STR_ARGS(key->source));
    struct str hint = STR("");
    const size_t near = str_nearest(key->source, names->items, names->count);
    if (near != SIZE_MAX) {
        hint = arena_printf(c->arena, "did you mean '%.*s'?", STR_ARGS(names->items[near]));
    } else if (names->count > 0 && names->count <= 24) {
        hint = arena_printf(c->arena, "known keys: %.*s",
                            STR_ARGS(str_join(c->arena, names->items, names->count, STR(", "))));
    }
    jsonschema_report(c, key, spot.path, message, hint);
}

static void walk_unknown(struct check *c, const struct json *schema, struct spot spot)
{
    const struct json *additional = json_get(schema, STR("additionalProperties"));
    const struct json *unevaluated = json_get(schema, STR("unevaluatedProperties"));
    const bool follows = additional == NULL && unevaluated != NULL;
    if (follows ? json_bool(unevaluated, true) : additional == NULL || json_bool(additional, false))
        return;
    str_vec names = {0}, patterns = {0};
    bool takes_all = false;
    known_keys(c, schema, follows, 0, &names, &patterns, &takes_all);
    for (size_t i = 0; i < spot.node->count && !takes_all; i++) {
        const struct yaml_member *member = &spot.node->members[i];
        const bool is_text = member->key->kind == YAML_STR;
        if (is_text && is_known_key(c, member->key->text, &names, &patterns))
            continue;
        if (!follows && additional->kind == JSON_OBJECT)
            jsonschema_walk(c, additional, member_spot(c, spot, member));
        else
            report_unknown_key(c, spot, member->key, &names);
    }
}

// Was an unknown key of the same mapping already told to be this one mistyped?
static bool is_told(const struct check *c, struct spot spot, struct str key)
{
    const struct str hint = arena_printf(c->arena, "did you mean '%.*s'?", STR_ARGS(key));
    for (size_t i = 0; i < c->problems->count; i++)
        if (str_equal(c->problems->items[i].path, spot.path) &&
            str_equal(c->problems->items[i].hint, hint))
            return true;
    return false;
}

static void report_missing(struct check *c, struct spot spot, struct str key, struct str because)
{
    if (is_told(c, spot, key))
        return;
    const struct str in =
        spot.path.length > 0 ? arena_printf(c->arena, " in '%.*s'", STR_ARGS(spot.path)) : STR("");
    jsonschema_report(c, spot.node, spot.path,
                      arena_printf(c->arena, "the key '%.*s' is missing%.*s%.*s", STR_ARGS(key),
                                   STR_ARGS(in), STR_ARGS(because)),
                      STR(""));
}

static void walk_required(struct check *c, const struct json *schema, struct spot spot)
{
    const struct json *required = json_get(schema, STR("required"));
    for (size_t i = 0; required != NULL && i < required->count; i++)
        if (yaml_get(spot.node, required->items[i].text) == NULL)
            report_missing(c, spot, required->items[i].text, STR(""));
    const struct json *dependent = json_get(schema, STR("dependentRequired"));
    for (size_t i = 0; dependent != NULL && i < dependent->count; i++) {
        const struct json_member *member = &dependent->members[i];
        if (yaml_get(spot.node, member->key) == NULL)
            continue;
        for (size_t k = 0; k < member->value.count; k++)
            if (yaml_get(spot.node, member->value.items[k].text) == NULL)
                report_missing(
                    c, spot, member->value.items[k].text,
                    arena_printf(c->arena, ", which '%.*s' needs", STR_ARGS(member->key)));
    }
}

static void walk_members(struct check *c, const struct json *schema, struct spot spot)
{
    const struct json *properties = json_get(schema, STR("properties"));
    const struct json *by_pattern = json_get(schema, STR("patternProperties"));
    const struct json *names = json_get(schema, STR("propertyNames"));
    for (size_t i = 0; i < spot.node->count; i++) {
        const struct yaml_member *member = &spot.node->members[i];
        if (names != NULL)
            jsonschema_walk(c, names, (struct spot){member->key, member->key->source});
        if (member->key->kind != YAML_STR)
            continue;
        const struct json *of_member = json_get(properties, member->key->text);
        if (of_member != NULL)
            jsonschema_walk(c, of_member, member_spot(c, spot, member));
        for (size_t k = 0; by_pattern != NULL && k < by_pattern->count; k++)
            if (jsonschema_matches(c->schema, by_pattern->members[k].key, member->key->text))
                jsonschema_walk(c, &by_pattern->members[k].value, member_spot(c, spot, member));
    }
}

static void walk_map(struct check *c, const struct json *schema, struct spot spot)
{
    walk_members(c, schema, spot);
    walk_unknown(c, schema, spot);
    walk_required(c, schema, spot);
    walk_count(c, schema, spot, "minProperties", "maxProperties", "keys", spot.node->count);
}

// --- Combinations --------------------------------------------------------------------------------

// Does the value fit, without telling why not?
static bool is_fitting(struct check *c, const struct json *schema, struct spot spot)
{
    jsonschema_problem_vec aside = {0}, *before = c->problems;
    c->problems = &aside;
    jsonschema_walk(c, schema, spot);
    c->problems = before;
    return aside.count == 0;
}

static void walk_combinations(struct check *c, const struct json *schema, struct spot spot)
{
    const struct json *all = json_get(schema, STR("allOf"));
    for (size_t i = 0; all != NULL && i < all->count; i++)
        jsonschema_walk(c, &all->items[i], spot);
    const struct json *any = json_get(schema, STR("anyOf"));
    if (any != NULL)
        jsonschema_walk_alternatives(c, any, spot, false);
    const struct json *one = json_get(schema, STR("oneOf"));
    if (one != NULL)
        jsonschema_walk_alternatives(c, one, spot, true);
    const struct json *condition = json_get(schema, STR("if"));
    if (condition != NULL) {
        const bool holds = is_fitting(c, condition, spot);
        const struct json *then = json_get(schema, holds ? STR("then") : STR("else"));
        if (then != NULL)
            jsonschema_walk(c, then, spot);
    }
    const struct json *excluded = json_get(schema, STR("not"));
    if (excluded != NULL && is_fitting(c, excluded, spot))
        jsonschema_report(c, spot.node, spot.path,
                          arena_printf(c->arena, "%.*s must not be so",
                                       STR_ARGS(jsonschema_label(c->arena, spot.path))),
                          description_of(excluded));
}

static void walk_keywords(struct check *c, const struct json *schema, struct spot spot)
{
    const struct json *ref = json_get(schema, STR("$ref"));
    if (ref != NULL)
        jsonschema_walk(c, jsonschema_target(c->schema, ref), spot);
    if (!walk_type(c, schema, spot))
        return;
    walk_values(c, schema, spot);
    if (spot.node->kind == YAML_INT || spot.node->kind == YAML_FLOAT)
        walk_bounds(c, schema, spot);
    else if (spot.node->kind == YAML_MAP)
        walk_map(c, schema, spot);
    else if (spot.node->kind == YAML_SEQ)
        walk_list(c, schema, spot);
    else if (jsonschema_is_type(STR("string"), spot.node))
        walk_string(c, schema, spot);
    walk_combinations(c, schema, spot);
}

void jsonschema_walk(struct check *c, const struct json *schema, struct spot spot)
{
    if (++c->steps > JSONSCHEMA_MAX_STEPS || c->depth >= JSONSCHEMA_MAX_DEPTH)
        c->is_over_limit = true;
    if (c->is_over_limit || schema == NULL)
        return;
    c->depth++;
    if (schema->kind == JSON_OBJECT)
        walk_keywords(c, schema, spot);
    else if (!schema->boolean)
        jsonschema_report(c, spot.node, spot.path,
                          arena_printf(c->arena, "%.*s is not allowed here",
                                       STR_ARGS(jsonschema_label(c->arena, spot.path))),
                          STR(""));
    c->depth--;
}
