// --select and --exclude: dbt's selection grammar. Layer: transform.
// Source: dbt-core 1.12 (selector_spec, selector_methods): `[@][N+][method:]value[+N]`, blanks are
// unions, commas intersections; tests come along when any of their parents is selected.

#include <fnmatch.h>
#include <stdlib.h>

#include "base/log.h"
#include "transform/graph.h"
#include "transform/transform.h"

struct criterion {
    struct str method, value;
    struct str arguments; // of the method: "materialized" in config.materialized:view
    bool is_childrens_parents, has_parents, has_children;
    int parent_depth, child_depth;
    struct str text;
};

static int depth_of(struct str digits)
{
    int64_t number;
    return digits.length > 0 && str_to_int64(digits, &number) && number >= 0 && number < 1000000
               ? (int)number
               : GRAPH_ALL_LEVELS;
}

static size_t digit_count(struct str s)
{
    size_t i = 0;
    while (i < s.length && s.bytes[i] >= '0' && s.bytes[i] <= '9')
        i++;
    return i;
}

static struct str default_method(struct str value)
{
    if (str_find_byte(value, '/') != SIZE_MAX)
        return STR("path");
    if (str_has_suffix(value, STR(".sql")) || str_has_suffix(value, STR(".csv")) ||
        str_has_suffix(value, STR(".py")))
        return STR("file");
    return STR("fqn");
}

static rc parse_criterion(struct str text, struct criterion *ret_criterion, struct err *err)
{
    struct criterion c = {.text = text};
    struct str rest = text;
    if (rest.length > 0 && rest.bytes[0] == '@') {
        c.is_childrens_parents = true;
        rest = str_slice(rest, 1, SIZE_MAX);
    }
    const size_t digits = digit_count(rest);
    if (digits < rest.length && rest.bytes[digits] == '+') {
        c.has_parents = true;
        c.parent_depth = depth_of(str_slice(rest, 0, digits));
        rest = str_slice(rest, digits + 1, SIZE_MAX);
    }
    const size_t plus = str_find_last_byte(rest, '+');
    if (plus != SIZE_MAX) {
        const struct str behind = str_slice(rest, plus + 1, SIZE_MAX);
        if (digit_count(behind) == behind.length) {
            c.has_children = true;
            c.child_depth = depth_of(behind);
            rest = str_slice(rest, 0, plus);
        }
    }
    const size_t colon = str_find_byte(rest, ':');
    if (colon != SIZE_MAX) {
        c.method = str_slice(rest, 0, colon);
        c.value = str_slice(rest, colon + 1, SIZE_MAX);
        const size_t point = str_find_byte(c.method, '.');
        if (point != SIZE_MAX) {
            c.arguments = str_slice(c.method, point + 1, SIZE_MAX);
            c.method = str_slice(c.method, 0, point);
        }
    } else {
        c.value = rest;
        c.method = default_method(rest);
    }
    if (c.value.length == 0)
        return err_set(err, RC_USAGE, "the selection '%.*s' selects nothing: it has no value",
                       STR_ARGS(text));
    if (c.is_childrens_parents && c.has_children)
        return err_set(err, RC_USAGE, "the selection '%.*s' has both @ and a + behind it",
                       STR_ARGS(text));
    *ret_criterion = c;
    return RC_OK;
}

// ---- methods

static bool matches(struct arena *arena, struct str pattern, struct str text)
{
    return fnmatch(arena_cstr(arena, pattern), arena_cstr(arena, text), 0) == 0;
}

static struct str join_from(struct arena *arena, const str_vec *parts, size_t from)
{
    return str_join(arena, parts->items + from, parts->count - from, STR("."));
}

static void split_points(struct arena *arena, struct str text, str_vec *parts)
{
    struct str part;
    while (str_split_next(&text, '.', &part))
        *vec_push(arena, parts) = part;
}

static bool has_glob(struct str text)
{
    return str_find_byte(text, '*') != SIZE_MAX || str_find_byte(text, '?') != SIZE_MAX ||
           str_find_byte(text, '[') != SIZE_MAX;
}

static bool fqn_part_matches(struct arena *arena, const str_vec *wanted, const str_vec *fqn,
                             size_t skip)
{
    if (wanted->count > fqn->count - skip)
        return false;
    for (size_t i = 0; i < wanted->count; i++) {
        if (has_glob(wanted->items[i]))
            return matches(arena, join_from(arena, wanted, i), join_from(arena, fqn, i + skip));
        if (!str_equal(wanted->items[i], fqn->items[i + skip]))
            return false;
    }
    return true;
}

static bool match_fqn(struct arena *arena, const struct criterion *c, const struct node *node)
{
    if (str_equal(node->fqn.items[node->fqn.count - 1], c->value))
        return true;
    str_vec wanted = {0}, fqn = {0};
    split_points(arena, c->value, &wanted);
    for (size_t i = 0; i < node->fqn.count; i++)
        split_points(arena, node->fqn.items[i], &fqn);
    return fqn_part_matches(arena, &wanted, &fqn, 0) ||
           (fqn.count > 1 && fqn_part_matches(arena, &wanted, &fqn, 1));
}

static bool match_tag(struct arena *arena, const struct criterion *c, const struct node *node)
{
    for (size_t i = 0; i < node->tags.count; i++)
        if (matches(arena, c->value, node->tags.items[i]))
            return true;
    return false;
}

static bool match_source(struct arena *arena, const struct criterion *c, const struct node *node)
{
    str_vec parts = {0};
    split_points(arena, c->value, &parts);
    if (node->type != NODE_SOURCE || parts.count == 0 || parts.count > 3)
        return false;
    struct str package = STR("*"), table = STR("*"), source = parts.items[0];
    if (parts.count == 2)
        table = parts.items[1];
    if (parts.count == 3) {
        package = parts.items[0];
        source = parts.items[1];
        table = parts.items[2];
    }
    return matches(arena, package, node->package->name) &&
           matches(arena, source, node->source_name) && matches(arena, table, node->name);
}

static bool match_path(struct arena *arena, const struct criterion *c, const struct node *node)
{
    struct str wanted = c->value;
    while (wanted.length > 1 && wanted.bytes[wanted.length - 1] == '/')
        wanted.length--;
    if (str_has_prefix(wanted, STR("./")))
        wanted = str_slice(wanted, 2, SIZE_MAX);
    const char *pattern = arena_cstr(arena, wanted);
    // The file itself, or any folder it is in.
    for (struct str path = node->original_path; path.length > 0;) {
        if (fnmatch(pattern, arena_cstr(arena, path), FNM_PATHNAME) == 0)
            return true;
        const size_t slash = str_find_last_byte(path, '/');
        path = slash == SIZE_MAX ? STR("") : str_slice(path, 0, slash);
    }
    return false;
}

static bool match_file(struct arena *arena, const struct criterion *c, const struct node *node)
{
    const size_t slash = str_find_last_byte(node->original_path, '/');
    const struct str name = slash == SIZE_MAX ? node->original_path
                                              : str_slice(node->original_path, slash + 1, SIZE_MAX);
    const size_t point = str_find_last_byte(name, '.');
    return matches(arena, c->value, name) ||
           (point != SIZE_MAX && matches(arena, c->value, str_slice(name, 0, point)));
}

static bool match_package(struct arena *arena, const struct criterion *c, const struct node *node)
{
    if (str_is(c->value, "this"))
        return node->package->is_root;
    return matches(arena, c->value, node->package->name);
}

static bool value_matches(struct arena *arena, struct str wanted, struct value value)
{
    if (value.kind == VALUE_LIST) {
        for (uint32_t i = 0; i < value.list->count; i++)
            if (value_matches(arena, wanted, value.list->items[i]))
                return true;
        return false;
    }
    if (value.kind == VALUE_BOOL)
        return str_equal_ignore_case(wanted, value_is_true(value) ? STR("true") : STR("false"));
    struct str text;
    struct err ignored;
    return value_to_str(NULL, arena, value, &text, &ignored) == RC_OK &&
           matches(arena, wanted, text);
}

static bool match_config(struct arena *arena, const struct criterion *c, const struct node *node)
{
    struct value value = node->config;
    struct str rest = c->arguments, part;
    while (str_split_next(&rest, '.', &part)) {
        if (value.kind != VALUE_DICT)
            return false;
        value = dict_get_str(value, part);
    }
    if (value.kind == VALUE_DICT)
        return dict_get_str(value, c->value).kind != VALUE_MISSING;
    return value.kind != VALUE_MISSING && value_matches(arena, c->value, value);
}

static bool match_test_name(struct arena *arena, const struct criterion *c, const struct node *node)
{
    return node->type == NODE_TEST && node->is_generic && matches(arena, c->value, node->test_name);
}

static bool match_test_type(struct arena *arena, const struct criterion *c, const struct node *node)
{
    (void)arena;
    if (node->type != NODE_TEST)
        return false;
    return str_is(c->value, "data") || (str_is(c->value, "generic") && node->is_generic) ||
           (str_is(c->value, "singular") && !node->is_generic);
}

static bool match_type(struct arena *arena, const struct criterion *c, const struct node *node)
{
    (void)arena;
    return str_is(c->value, node_type_names[node->type]);
}

static bool match_group(struct arena *arena, const struct criterion *c, const struct node *node)
{
    return node->group.length > 0 && matches(arena, c->value, node->group);
}

static bool match_access(struct arena *arena, const struct criterion *c, const struct node *node)
{
    return node->type == NODE_MODEL && matches(arena, c->value, config_str(node, "access"));
}

struct method {
    const char *name;
    bool (*matches)(struct arena *, const struct criterion *, const struct node *);
};
static const struct method methods[] = {
    {"fqn", match_fqn},
    {"tag", match_tag},
    {"source", match_source},
    {"path", match_path},
    {"file", match_file},
    {"package", match_package},
    {"config", match_config},
    {"test_name", match_test_name},
    {"test_type", match_test_type},
    {"resource_type", match_type},
    {"group", match_group},
    {"access", match_access},
};

static rc find_method(const struct criterion *c, const struct method **ret_method, struct err *err)
{
    struct str names[sizeof methods / sizeof *methods];
    const size_t count = sizeof methods / sizeof *methods;
    for (size_t i = 0; i < count; i++) {
        names[i] = str_of(methods[i].name);
        if (str_equal(c->method, names[i])) {
            *ret_method = &methods[i];
            return RC_OK;
        }
    }
    static const char *const later[] = {"state",     "result",   "source_status",  "exposure",
                                        "metric",    "selector", "semantic_model", "saved_query",
                                        "unit_test", "version"};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (str_is(c->method, later[i]))
            return err_set(err, RC_USAGE,
                           "the selection method '%s' is not offered by this version", later[i]);
    err_set(err, RC_USAGE, "there is no selection method '%.*s'", STR_ARGS(c->method));
    const size_t near = str_nearest(c->method, names, count);
    return near == SIZE_MAX ? RC_USAGE : err_hint(err, "did you mean '%s'?", methods[near].name);
}

// ---- sets

static void add_tests(const struct transform *t, bool *set)
{
    const node_vec *nodes = &t->manifest.nodes;
    for (size_t i = 0; i < nodes->count; i++) {
        const struct node *node = nodes->items[i];
        for (size_t p = 0; node->type == NODE_TEST && p < node->parents.count; p++)
            set[i] |= set[node->parents.items[p]->number];
    }
}

static rc select_one(struct transform *t, struct arena *arena, struct str text, bool *set,
                     struct err *err)
{
    struct criterion c;
    const struct method *method;
    TRY(parse_criterion(text, &c, err));
    TRY(find_method(&c, &method, err));
    const node_vec *nodes = &t->manifest.nodes;
    bool *direct = ARENA_ARRAY(arena, bool, nodes->count);
    bool has_any = false;
    for (size_t i = 0; i < nodes->count; i++) {
        direct[i] = method->matches(arena, &c, nodes->items[i]);
        has_any |= direct[i];
        set[i] = direct[i];
    }
    if (!has_any) {
        t->warning_count++;
        log_warn("the selection '%.*s' matches no enabled node", STR_ARGS(text));
    }
    if (c.has_parents)
        graph_reach(t, direct, true, c.parent_depth, set);
    if (c.has_children)
        graph_reach(t, direct, false, c.child_depth, set);
    if (c.is_childrens_parents) {
        bool *children = ARENA_ARRAY(arena, bool, nodes->count);
        graph_reach(t, direct, false, GRAPH_ALL_LEVELS, children);
        graph_reach(t, children, true, GRAPH_ALL_LEVELS, set);
    }
    add_tests(t, set);
    return RC_OK;
}

// One word: an intersection of criteria.
static rc select_word(struct transform *t, struct arena *arena, struct str word, bool *set,
                      struct err *err)
{
    const size_t count = t->manifest.nodes.count;
    struct str part;
    for (bool is_first = true; str_split_next(&word, ',', &part); is_first = false) {
        bool *one = ARENA_ARRAY(arena, bool, count);
        TRY(select_one(t, arena, str_trim(part), one, err));
        for (size_t i = 0; i < count; i++)
            set[i] = one[i] && (is_first || set[i]);
    }
    return RC_OK;
}

static rc select_union(struct transform *t, struct arena *arena, const struct str *words,
                       size_t word_count, bool *set, struct err *err)
{
    const size_t count = t->manifest.nodes.count;
    for (size_t w = 0; w < word_count; w++) {
        struct str rest = words[w], word;
        while (str_split_next(&rest, ' ', &word)) {
            if (word.length == 0)
                continue;
            bool *one = ARENA_ARRAY(arena, bool, count);
            TRY(select_word(t, arena, word, one, err));
            for (size_t i = 0; i < count; i++)
                set[i] |= one[i];
        }
    }
    return RC_OK;
}

static bool verb_takes(enum transform_verb verb, const struct node *node)
{
    const bool is_ephemeral = str_is(node_materialized(node), "ephemeral");
    switch (verb) {
    case VERB_RUN:
        return node->type == NODE_MODEL && !is_ephemeral;
    case VERB_SEED:
        return node->type == NODE_SEED;
    case VERB_TEST:
        return node->type == NODE_TEST;
    case VERB_BUILD:
        return (node->type == NODE_MODEL && !is_ephemeral) || node->type == NODE_SEED ||
               node->type == NODE_TEST;
    case VERB_COMPILE:
        return node->type == NODE_MODEL || node->type == NODE_TEST || node->type == NODE_ANALYSIS;
    default:
        return node->type != NODE_OPERATION && node->type != NODE_SQL_OPERATION;
    }
}

static bool type_wanted(const struct transform *t, const struct node *node)
{
    const struct transform_options *o = t->options;
    for (size_t i = 0; i < o->resource_type_count; i++)
        if (str_is(o->resource_types[i], node_type_names[node->type]) ||
            str_is(o->resource_types[i], "all"))
            return true;
    return o->resource_type_count == 0;
}

rc transform_select(struct transform *t, enum transform_verb verb, node_vec *ret_nodes,
                    struct err *err)
{
    const node_vec *nodes = &t->manifest.nodes;
    struct arena *scratch = arena_open(NULL);
    bool *wanted = ARENA_ARRAY(scratch, bool, nodes->count);
    bool *excluded = ARENA_ARRAY(scratch, bool, nodes->count);
    for (size_t i = 0; i < nodes->count && t->options->select_count == 0; i++)
        wanted[i] = true;
    rc result = select_union(t, scratch, t->options->select, t->options->select_count, wanted, err);
    if (result == RC_OK)
        result =
            select_union(t, scratch, t->options->exclude, t->options->exclude_count, excluded, err);
    node_vec selected = {0};
    for (size_t i = 0; result == RC_OK && i < nodes->count; i++) {
        struct node *node = nodes->items[i];
        node->is_selected =
            wanted[i] && !excluded[i] && verb_takes(verb, node) && type_wanted(t, node);
        if (node->is_selected)
            *vec_push(t->arena, &selected) = node;
    }
    arena_close(scratch);
    if (result != RC_OK)
        return result;
    graph_sort(&selected);
    t->selected = selected;
    *ret_nodes = selected;
    return RC_OK;
}
