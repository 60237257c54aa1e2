// Taking values out of a YAML tree: lookups, typed reads with good messages, rewriting, JSON.
// Recursion is bounded by YAML_MAX_DEPTH, which counts through aliases.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/time.h"
#include "base/yaml.h"
#include "base/yaml.intern.h"

static const char *const kind_names[YAML_KIND_COUNT] = {
    [YAML_NULL] = "null",
    [YAML_BOOL] = "a boolean",
    [YAML_INT] = "an integer",
    [YAML_FLOAT] = "a number",
    [YAML_STR] = "a string",
    [YAML_TIMESTAMP] = "a timestamp",
    [YAML_DATE] = "a date",
    [YAML_BINARY] = "binary data",
    [YAML_SEQ] = "a list",
    [YAML_MAP] = "a mapping",
    [YAML_SET] = "a set",
    [YAML_OMAP] = "an ordered mapping",
    [YAML_PAIRS] = "a list of pairs",
};

const char *yaml_kind_name(enum yaml_kind kind)
{
    return kind_names[kind];
}

struct str yaml_describe(struct arena *arena, const struct yaml *node)
{
    if (node == NULL || (node->kind == YAML_NULL && node->source.length == 0))
        return STR("nothing");
    const char *name = kind_names[node->kind];
    if (node->kind == YAML_NULL || node->kind >= YAML_BINARY)
        return str_of(name);
    const char *word = strchr(name, ' ') + 1;
    const int shown = node->source.length > 40 ? 40 : (int)node->source.length;
    const char *cut = node->source.length > 40 ? "..." : "";
    const char *quote = node->kind == YAML_STR ? "'" : "";
    return arena_printf(arena, "%s %s%.*s%s%s", word, quote, shown, node->source.bytes, cut, quote);
}

// --- Lookups -------------------------------------------------------------------------------------

const struct yaml_member *yaml_member_of(const struct yaml *map, struct str key)
{
    if (map == NULL || map->kind < YAML_MAP)
        return NULL;
    if (map->index != NULL)
        return map_get(map->index, key);
    for (size_t i = 0; i < map->count; i++)
        if (map->members[i].key->kind == YAML_STR && str_equal(map->members[i].key->text, key))
            return &map->members[i];
    return NULL;
}

const struct yaml *yaml_get(const struct yaml *map, struct str key)
{
    const struct yaml_member *member = yaml_member_of(map, key);
    return member != NULL ? member->value : NULL;
}

const struct yaml *yaml_path_of(const struct yaml *value, const char *const *keys)
{
    for (; *keys != NULL && value != NULL; keys++)
        value = yaml_get(value, str_of(*keys));
    return value;
}

struct str yaml_str(const struct yaml *node, struct str fallback)
{
    return node != NULL && node->kind == YAML_STR ? node->text : fallback;
}

int64_t yaml_int64(const struct yaml *node, int64_t fallback)
{
    int64_t number;
    if (node == NULL || node->kind != YAML_INT || !str_to_int64(node->text, &number))
        return fallback;
    return number;
}

bool yaml_bool(const struct yaml *node, bool fallback)
{
    return node != NULL && node->kind == YAML_BOOL ? node->boolean : fallback;
}

// --- Typed reads ---------------------------------------------------------------------------------

rc yaml_error(struct err *err, const struct yaml *node, rc code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_set_v(err, code, format, args);
    va_end(args);
    if (err != NULL && node != NULL) {
        snprintf(err->place, sizeof err->place, "%s", node->place != NULL ? node->place : "");
        err->line = node->line;
        err->column = node->column;
    }
    return code;
}

static rc expected(const struct yaml *node, const char *what, const char *wanted, struct err *err)
{
    struct arena *arena = arena_open(NULL);
    const struct str found = yaml_describe(arena, node);
    const rc code = yaml_error(err, node, RC_CONFIG, "expected %s for '%s', found %.*s", wanted,
                               what, STR_ARGS(found));
    arena_close(arena);
    return code;
}

rc yaml_to_str(const struct yaml *node, const char *what, struct str *ret, struct err *err)
{
    if (node == NULL || node->kind != YAML_STR) {
        const rc code = expected(node, what, "a string", err);
        if (node != NULL && node->kind < YAML_STR && node->kind != YAML_NULL)
            err_hint(err, "put the value into quotes");
        return code;
    }
    *ret = node->text;
    return RC_OK;
}

rc yaml_to_text(const struct yaml *node, const char *what, struct str *ret, struct err *err)
{
    if (node == NULL || node->kind == YAML_NULL || node->kind >= YAML_BINARY)
        return expected(node, what, "a string or a number", err);
    *ret = node->source;
    return RC_OK;
}

rc yaml_to_int64(const struct yaml *node, const char *what, int64_t *ret, struct err *err)
{
    if (node == NULL || node->kind != YAML_INT)
        return expected(node, what, "an integer", err);
    int64_t number;
    if (!str_to_int64(node->text, &number))
        return yaml_error(err, node, RC_CONFIG, "the integer for '%s' is too large: %.*s", what,
                          node->text.length > 40 ? 40 : (int)node->text.length, node->text.bytes);
    *ret = number;
    return RC_OK;
}

rc yaml_to_bool(const struct yaml *node, const char *what, bool *ret, struct err *err)
{
    if (node == NULL || node->kind != YAML_BOOL)
        return expected(node, what, "a boolean", err);
    *ret = node->boolean;
    return RC_OK;
}

rc yaml_to_seq(const struct yaml *node, const char *what, const struct yaml **ret, struct err *err)
{
    if (node == NULL || node->kind != YAML_SEQ)
        return expected(node, what, "a list", err);
    *ret = node;
    return RC_OK;
}

rc yaml_to_map(const struct yaml *node, const char *what, const struct yaml **ret, struct err *err)
{
    if (node == NULL || node->kind != YAML_MAP)
        return expected(node, what, "a mapping", err);
    *ret = node;
    return RC_OK;
}

rc yaml_require(const struct yaml *map, const char *key, const struct yaml **ret, struct err *err)
{
    const struct yaml *value = yaml_get(map, str_of(key));
    if (yaml_is_null(value))
        return yaml_error(err, value != NULL ? value : map, RC_CONFIG, "the key '%s' is missing",
                          key);
    *ret = value;
    return RC_OK;
}

rc yaml_check_keys(const struct yaml *map, const struct str *keys, size_t key_count,
                   struct err *err)
{
    if (map == NULL || map->kind != YAML_MAP)
        return expected(map, "this", "a mapping", err);
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml *key = map->members[i].key;
        bool is_known = false;
        for (size_t k = 0; k < key_count && !is_known; k++)
            is_known = key->kind == YAML_STR && str_equal(key->text, keys[k]);
        if (is_known)
            continue;
        const rc code =
            yaml_error(err, key, RC_CONFIG, "unknown key '%.*s'",
                       key->source.length > 80 ? 80 : (int)key->source.length, key->source.bytes);
        const size_t near = str_nearest(key->source, keys, key_count);
        if (near != SIZE_MAX)
            err_hint(err, "did you mean '%.*s'?", STR_ARGS(keys[near]));
        return code;
    }
    return RC_OK;
}

// --- New nodes and rewriting ---------------------------------------------------------------------

static struct yaml *node_at(struct arena *arena, const struct yaml *at)
{
    struct yaml *node = ARENA_NEW(arena, struct yaml);
    if (at != NULL) {
        node->place = at->place;
        node->line = at->line;
        node->column = at->column;
    }
    return node;
}

const struct yaml *yaml_new_str(struct arena *arena, const struct yaml *at, struct str text)
{
    struct yaml *node = node_at(arena, at);
    node->kind = YAML_STR;
    node->is_quoted = true;
    node->text = node->source = text;
    return node;
}

const struct yaml *yaml_new_int64(struct arena *arena, const struct yaml *at, int64_t number)
{
    struct yaml *node = node_at(arena, at);
    node->kind = YAML_INT;
    node->text = node->source = arena_printf(arena, "%lld", (long long)number);
    node->number = (double)number;
    return node;
}

rc yaml_new_plain(struct arena *arena, const struct yaml *at, struct str text,
                  const struct yaml **ret_node, struct err *err)
{
    struct yaml *node = node_at(arena, at);
    TRY(yaml_construct_scalar(arena, yaml_resolve_plain(text), text, node, err));
    *ret_node = node;
    return RC_OK;
}

struct rewriter {
    struct arena *arena;
    rc (*change)(void *context, const struct yaml *string, const struct yaml **ret_node,
                 struct err *err);
    void *context;
};

static rc rewrite(struct rewriter *r, const struct yaml *node, const struct yaml **ret,
                  struct err *err);

static rc rewrite_items(struct rewriter *r, const struct yaml *node, const struct yaml **ret,
                        struct err *err)
{
    struct yaml *copy = NULL;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml *item;
        TRY(rewrite(r, node->items[i], &item, err));
        if (item == node->items[i])
            continue;
        if (copy == NULL) {
            copy = arena_copy(r->arena, node, sizeof *node);
            copy->items =
                arena_copy(r->arena, (const void *)node->items, node->count * sizeof *node->items);
        }
        copy->items[i] = item;
    }
    *ret = copy != NULL ? copy : node;
    return RC_OK;
}

static rc rewrite_members(struct rewriter *r, const struct yaml *node, const struct yaml **ret,
                          struct err *err)
{
    struct yaml *copy = NULL;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml *value;
        TRY(rewrite(r, node->members[i].value, &value, err));
        if (value == node->members[i].value)
            continue;
        if (copy == NULL) {
            copy = arena_copy(r->arena, node, sizeof *node);
            copy->members =
                arena_copy(r->arena, node->members, node->count * sizeof *node->members);
        }
        copy->members[i].value = value;
    }
    if (copy != NULL && node->index != NULL) {
        copy->index = ARENA_NEW(r->arena, struct map);
        map_init(copy->index, r->arena);
        for (size_t i = 0; i < copy->count; i++)
            map_set(copy->index, yaml_key_text(r->arena, copy->members[i].key), &copy->members[i]);
    }
    *ret = copy != NULL ? copy : node;
    return RC_OK;
}

static rc rewrite(struct rewriter *r, const struct yaml *node, const struct yaml **ret,
                  struct err *err)
{
    if (node->kind == YAML_SEQ)
        return rewrite_items(r, node, ret, err);
    if (node->kind >= YAML_MAP)
        return rewrite_members(r, node, ret, err);
    *ret = node;
    if (node->kind != YAML_STR)
        return RC_OK;
    const struct yaml *changed = NULL;
    TRY(r->change(r->context, node, &changed, err));
    if (changed != NULL)
        *ret = changed;
    return RC_OK;
}

rc yaml_rewrite(struct arena *arena, const struct yaml *root,
                rc (*change)(void *context, const struct yaml *string, const struct yaml **ret_node,
                             struct err *err),
                void *context, const struct yaml **ret_root, struct err *err)
{
    struct rewriter r = {.arena = arena, .change = change, .context = context};
    const struct yaml *changed;
    TRY(rewrite(&r, root, &changed, err));
    *ret_root = changed;
    return RC_OK;
}

// --- JSON ----------------------------------------------------------------------------------------

// isoformat() of the local time that was written.
static struct str time_text(struct arena *arena, const struct yaml *node)
{
    if (node->kind == YAML_DATE)
        return time_format(arena, node->time_us, TIME_DATE);
    const int64_t local = node->time_us + node->offset_seconds * TIME_US_PER_SECOND;
    const struct str naive = time_format(arena, local, TIME_ISO_NAIVE);
    if (!node->has_offset)
        return naive;
    const int minutes = abs(node->offset_seconds) / 60;
    return arena_printf(arena, "%.*s%c%02d:%02d", STR_ARGS(naive),
                        node->offset_seconds < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static struct json float_to_json(struct arena *arena, double number)
{
    if (isnan(number))
        return json_of_str(STR("nan"));
    if (isinf(number))
        return json_of_str(number > 0 ? STR("inf") : STR("-inf"));
    return json_of_double(arena, number);
}

static struct json scalar_to_json(struct arena *arena, const struct yaml *node)
{
    switch (node->kind) {
    case YAML_BOOL:
        return json_of_bool(node->boolean);
    case YAML_INT:
        return (struct json){.kind = JSON_NUMBER, .text = node->text};
    case YAML_FLOAT:
        return float_to_json(arena, node->number);
    case YAML_STR:
        return json_of_str(node->text);
    case YAML_TIMESTAMP:
    case YAML_DATE:
        return json_of_str(time_text(arena, node));
    case YAML_BINARY:
        return json_of_str(
            base64_encode(arena, node->text.bytes, node->text.length, BASE64_STANDARD));
    default:
        return (struct json){.kind = JSON_NULL};
    }
}

static struct str key_to_json(struct arena *arena, const struct yaml *key)
{
    const struct json value = scalar_to_json(arena, key);
    if (value.kind == JSON_STRING || value.kind == JSON_NUMBER)
        return value.text;
    return value.kind == JSON_NULL ? STR("null") : value.boolean ? STR("true") : STR("false");
}

static struct json map_to_json(struct arena *arena, const struct yaml *node)
{
    struct json object = {.kind = JSON_OBJECT};
    for (size_t i = 0; i < node->count; i++)
        *json_object_set(arena, &object, key_to_json(arena, node->members[i].key)) =
            yaml_to_json(arena, node->members[i].value);
    return object;
}

static struct json list_to_json(struct arena *arena, const struct yaml *node)
{
    struct json array = {.kind = JSON_ARRAY};
    for (size_t i = 0; i < node->count; i++) {
        struct json *item = json_array_push(arena, &array);
        if (node->kind == YAML_SEQ) {
            *item = yaml_to_json(arena, node->items[i]);
        } else if (node->kind == YAML_SET) {
            *item = scalar_to_json(arena, node->members[i].key);
        } else {
            *item = (struct json){.kind = JSON_ARRAY};
            *json_array_push(arena, item) = scalar_to_json(arena, node->members[i].key);
            *json_array_push(arena, item) = yaml_to_json(arena, node->members[i].value);
        }
    }
    return array;
}

struct json yaml_to_json(struct arena *arena, const struct yaml *node)
{
    if (node->kind == YAML_MAP)
        return map_to_json(arena, node);
    return node->kind >= YAML_SEQ ? list_to_json(arena, node) : scalar_to_json(arena, node);
}

static struct yaml *number_of_json(struct arena *arena, const struct json *value)
{
    struct yaml *node = ARENA_NEW(arena, struct yaml);
    node->source = value->text;
    json_to_double(value, &node->number);
    node->kind = YAML_INT;
    for (size_t i = 0; i < value->text.length; i++)
        if (strchr(".eE", value->text.bytes[i]) != NULL)
            node->kind = YAML_FLOAT;
    if (node->kind == YAML_INT)
        node->text = value->text;
    return node;
}

const struct yaml *yaml_of_json(struct arena *arena, const struct json *value, const char *place)
{
    struct yaml *node;
    switch (value->kind) {
    case JSON_NUMBER:
        node = number_of_json(arena, value);
        break;
    case JSON_ARRAY:
        node = ARENA_NEW(arena, struct yaml);
        node->kind = YAML_SEQ;
        node->count = value->count;
        node->items = ARENA_ARRAY(arena, const struct yaml *, value->count);
        for (size_t i = 0; i < value->count; i++)
            node->items[i] = yaml_of_json(arena, &value->items[i], place);
        break;
    case JSON_OBJECT:
        node = ARENA_NEW(arena, struct yaml);
        node->kind = YAML_MAP;
        node->count = value->count;
        node->members = ARENA_ARRAY(arena, struct yaml_member, value->count);
        for (size_t i = 0; i < value->count; i++) {
            struct yaml *key = ARENA_NEW(arena, struct yaml);
            key->kind = YAML_STR;
            key->place = place;
            key->text = key->source = value->members[i].key;
            node->members[i].key = key;
            node->members[i].value = yaml_of_json(arena, &value->members[i].value, place);
        }
        break;
    default:
        node = ARENA_NEW(arena, struct yaml);
        node->kind = value->kind == JSON_NULL   ? YAML_NULL
                     : value->kind == JSON_BOOL ? YAML_BOOL
                                                : YAML_STR;
        node->boolean = value->boolean;
        node->text = node->source = value->text;
        if (value->kind == JSON_BOOL)
            node->source = value->boolean ? STR("true") : STR("false");
        node->is_quoted = value->kind == JSON_STRING;
        break;
    }
    node->place = place;
    return node;
}

// --- Comparing -----------------------------------------------------------------------------------

static bool members_equal(const struct yaml *a, const struct yaml *b)
{
    for (size_t i = 0; i < a->count; i++) {
        bool is_found = false;
        for (size_t k = 0; k < b->count && !is_found; k++) {
            // Where order counts, only the same place may match.
            const size_t at = a->kind >= YAML_OMAP ? i : (i + k) % b->count;
            is_found = yaml_equal(a->members[i].key, b->members[at].key) &&
                       yaml_equal(a->members[i].value, b->members[at].value);
        }
        if (!is_found)
            return false;
    }
    return true;
}

bool yaml_equal(const struct yaml *a, const struct yaml *b)
{
    const bool is_a_number = a->kind == YAML_INT || a->kind == YAML_FLOAT;
    const bool is_b_number = b->kind == YAML_INT || b->kind == YAML_FLOAT;
    if (is_a_number && is_b_number)
        return a->kind == YAML_INT && b->kind == YAML_INT ? str_equal(a->text, b->text)
                                                          : a->number == b->number;
    if (a->kind != b->kind || a->count != b->count)
        return false;
    if (a->kind >= YAML_MAP)
        return members_equal(a, b);
    if (a->kind == YAML_SEQ) {
        for (size_t i = 0; i < a->count; i++)
            if (!yaml_equal(a->items[i], b->items[i]))
                return false;
        return true;
    }
    if (a->kind == YAML_TIMESTAMP || a->kind == YAML_DATE)
        return a->time_us == b->time_us && a->has_offset == b->has_offset;
    return a->boolean == b->boolean && str_equal(a->text, b->text);
}
