// anyOf and oneOf: which alternative did the user mean? First the one that his discriminator names
// (`type: offset`), then those that fit the kind of the value, then the one with the fewest
// problems.

#include "base/jsonschema.intern.h"

enum { MAX_ALTERNATIVES = 64 };

struct alternative {
    const struct json *schema; // $ref followed
    bool is_meant;             // still in the choice
};

struct choice {
    struct alternative items[MAX_ALTERNATIVES];
    size_t count;
};

static size_t meant_count(const struct choice *choice)
{
    size_t count = 0;
    for (size_t i = 0; i < choice->count; i++)
        count += choice->items[i].is_meant;
    return count;
}

// --- By the discriminator ------------------------------------------------------------------------

// The const (or one-word enum) that an alternative wants for a key, or NULL.
static const struct json *const_of(const struct check *c, const struct alternative *alternative,
                                   struct str key)
{
    const struct json *of_key = json_get(json_get(alternative->schema, STR("properties")), key);
    of_key = jsonschema_target(c->schema, of_key);
    return of_key != NULL ? json_get(of_key, STR("const")) : NULL;
}

// A key is a discriminator when at least two alternatives have a const for it.
static bool is_discriminator(const struct check *c, const struct choice *choice, struct str key)
{
    size_t count = 0;
    for (size_t i = 0; i < choice->count; i++)
        count += const_of(c, &choice->items[i], key) != NULL;
    return count >= 2;
}

static struct str discriminator_of(const struct check *c, const struct choice *choice)
{
    for (size_t i = 0; i < choice->count; i++) {
        const struct json *properties = json_get(choice->items[i].schema, STR("properties"));
        for (size_t k = 0; properties != NULL && k < properties->count; k++)
            if (is_discriminator(c, choice, properties->members[k].key))
                return properties->members[k].key;
    }
    return (struct str){NULL, 0};
}

static bool is_required(const struct alternative *alternative, struct str key)
{
    const struct json *required = json_get(alternative->schema, STR("required"));
    for (size_t i = 0; required != NULL && i < required->count; i++)
        if (str_equal(required->items[i].text, key))
            return true;
    return false;
}

static void report_no_such(struct check *c, const struct choice *choice, struct spot spot,
                           struct str key, const struct yaml *value)
{
    VEC(struct json) words = {0};
    for (size_t i = 0; i < choice->count; i++) {
        const struct json *wanted = const_of(c, &choice->items[i], key);
        if (wanted != NULL)
            *vec_push(c->arena, &words) = *wanted;
    }
    const struct str path = spot.path.length > 0 ? arena_printf(c->arena, "%.*s.%.*s",
                                                                STR_ARGS(spot.path), STR_ARGS(key))
                                                 : key;
    if (value != NULL) {
        jsonschema_report_not_in(c, (struct spot){value, path}, words.items, words.count,
                                 &(struct json){.kind = JSON_NULL});
        return;
    }
    jsonschema_report(
        c, spot.node, spot.path,
        arena_printf(c->arena, "the key '%.*s' is missing in %.*s", STR_ARGS(key),
                     STR_ARGS(jsonschema_label(c->arena, spot.path))),
        arena_printf(c->arena, "it says which kind this is: %.*s",
                     STR_ARGS(jsonschema_list_words(c->arena, words.items, words.count))));
}

// Keeps the alternatives whose const is the value's; those without a const for the key stay when
// none has it. @return false when the problem was reported
static bool choose_by_discriminator(struct check *c, struct choice *choice, struct spot spot)
{
    const struct str key = discriminator_of(c, choice);
    if (spot.node->kind != YAML_MAP || key.bytes == NULL)
        return true;
    const struct yaml *value = yaml_get(spot.node, key);
    if (value != NULL && jsonschema_is_template(c, value))
        return true;
    size_t named = 0, open = 0, optional = 0;
    for (size_t i = 0; i < choice->count; i++) {
        struct alternative *alternative = &choice->items[i];
        const struct json *wanted = const_of(c, alternative, key);
        const bool is_map = jsonschema_fits_kind(c, alternative->schema, spot.node);
        open += wanted == NULL && is_map;
        optional += wanted != NULL && !is_required(alternative, key);
        alternative->is_meant =
            value != NULL && wanted != NULL && jsonschema_equal(c->arena, wanted, value);
        named += alternative->is_meant;
    }
    if (named > 0)
        return true;
    if (open == 0 && (value != NULL || optional == 0)) {
        report_no_such(c, choice, spot, key, value);
        return false;
    }
    for (size_t i = 0; i < choice->count; i++) {
        const struct json *wanted = const_of(c, &choice->items[i], key);
        choice->items[i].is_meant =
            wanted == NULL || (value == NULL && !is_required(&choice->items[i], key));
    }
    return true;
}

// --- By the kind ---------------------------------------------------------------------------------

static void add_type(struct check *c, struct json *types, struct str type)
{
    for (size_t i = 0; i < types->count; i++)
        if (str_equal(types->items[i].text, type))
            return;
    *json_array_push(c->arena, types) = json_of_str(type);
}

// All kinds that the alternatives take, as if the schema had a list of types.
static void collect_types(struct check *c, const struct json *schema, struct json *types, int depth)
{
    schema = jsonschema_target(c->schema, schema);
    const struct json *type = json_get(schema, STR("type"));
    const size_t count = type == NULL ? 0 : type->kind == JSON_ARRAY ? type->count : 1;
    for (size_t i = 0; i < count; i++)
        add_type(c, types, type->kind == JSON_ARRAY ? type->items[i].text : type->text);
    if (type == NULL &&
        (json_get(schema, STR("enum")) != NULL || json_get(schema, STR("const")) != NULL))
        add_type(c, types, STR("string"));
    if (type == NULL && json_get(schema, STR("properties")) != NULL)
        add_type(c, types, STR("object"));
    const struct json *inner = json_get(schema, STR("anyOf"));
    if (inner == NULL)
        inner = json_get(schema, STR("oneOf"));
    for (size_t i = 0; type == NULL && inner != NULL && i < inner->count && depth < 8; i++)
        collect_types(c, &inner->items[i], types, depth + 1);
}

static void report_kind(struct check *c, const struct choice *choice, struct spot spot)
{
    struct json types = {.kind = JSON_ARRAY};
    for (size_t i = 0; i < choice->count; i++)
        collect_types(c, choice->items[i].schema, &types, 0);
    struct json schema = {.kind = JSON_OBJECT};
    *json_object_set(c->arena, &schema, STR("type")) = types;
    jsonschema_walk(c, &schema, spot);
}

static bool choose_by_kind(struct check *c, struct choice *choice, struct spot spot)
{
    if (jsonschema_is_template(c, spot.node))
        return true;
    for (size_t i = 0; i < choice->count; i++)
        choice->items[i].is_meant = choice->items[i].is_meant &&
                                    jsonschema_fits_kind(c, choice->items[i].schema, spot.node);
    if (meant_count(choice) > 0)
        return true;
    report_kind(c, choice, spot);
    return false;
}

// --- By the number of problems -------------------------------------------------------------------

// A problem further down means that more of the way there was right.
static size_t weight_of(const jsonschema_problem_vec *problems, struct spot spot)
{
    size_t weight = 0;
    for (size_t i = 0; i < problems->count; i++)
        weight += problems->items[i].path.length > spot.path.length ? 2 : 3;
    return weight;
}

// Values of the same kind with different enums ("one of these words, or a mapping"): one list.
static bool report_words(struct check *c, const struct choice *choice, struct spot spot)
{
    VEC(struct json) words = {0};
    for (size_t i = 0; i < choice->count; i++) {
        if (!choice->items[i].is_meant)
            continue;
        const struct json *wanted = json_get(choice->items[i].schema, STR("const"));
        const struct json *allowed = json_get(choice->items[i].schema, STR("enum"));
        if (wanted == NULL && allowed == NULL)
            return false;
        if (wanted != NULL)
            *vec_push(c->arena, &words) = *wanted;
        for (size_t k = 0; allowed != NULL && k < allowed->count; k++)
            *vec_push(c->arena, &words) = allowed->items[k];
    }
    if (words.count == 0)
        return false;
    jsonschema_report_not_in(c, spot, words.items, words.count, &(struct json){.kind = JSON_NULL});
    return true;
}

static void choose_by_problems(struct check *c, const struct choice *choice, struct spot spot,
                               bool is_one_of)
{
    jsonschema_problem_vec *all = c->problems, best = {0};
    size_t least = SIZE_MAX, fitting = 0;
    for (size_t i = 0; i < choice->count; i++) {
        if (!choice->items[i].is_meant)
            continue;
        jsonschema_problem_vec found = {0};
        c->problems = &found;
        jsonschema_walk(c, choice->items[i].schema, spot);
        fitting += found.count == 0;
        const size_t weight = weight_of(&found, spot);
        if (weight < least) {
            least = weight;
            best = found;
        }
    }
    c->problems = all;
    if (fitting > 1 && is_one_of && !jsonschema_is_template(c, spot.node))
        jsonschema_report(c, spot.node, spot.path,
                          arena_printf(c->arena, "%.*s can be read in %zu ways: say more",
                                       STR_ARGS(jsonschema_label(c->arena, spot.path)), fitting),
                          STR(""));
    if (fitting > 0 || report_words(c, choice, spot))
        return;
    for (size_t i = 0; i < best.count; i++)
        *vec_push(c->arena, c->problems) = best.items[i];
}

void jsonschema_walk_alternatives(struct check *c, const struct json *alternatives,
                                  struct spot spot, bool is_one_of)
{
    struct choice choice = {0};
    for (size_t i = 0; i < alternatives->count && i < MAX_ALTERNATIVES; i++)
        choice.items[choice.count++] = (struct alternative){
            .schema = jsonschema_target(c->schema, &alternatives->items[i]), .is_meant = true};
    if (choose_by_discriminator(c, &choice, spot) && choose_by_kind(c, &choice, spot))
        choose_by_problems(c, &choice, spot, is_one_of);
}
