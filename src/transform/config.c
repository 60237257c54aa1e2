#include "transform/config.h"

#include <string.h>

#include "base/log.h"

struct config_default {
    const char *key;
    const char *json; // value
    unsigned types;   // of nodes that have it
};

enum {
    M = 1 << NODE_MODEL | 1 << NODE_ANALYSIS | 1 << NODE_OPERATION | 1 << NODE_SQL_OPERATION,
    S = 1 << NODE_SEED,
    T = 1 << NODE_TEST,
    R = 1 << NODE_SOURCE,
};

static const struct config_default defaults[] = {
    {"enabled", "true", M | S | T | R},
    {"alias", "null", M | S | T},
    {"schema", "null", M | S},
    {"schema", "\"dbt_test__audit\"", T},
    {"database", "null", M | S | T},
    {"tags", "[]", M | S | T | R},
    {"meta", "{}", M | S | T | R},
    {"group", "null", M | S | T},
    {"static_analysis", "null", M | S | T},
    {"materialized", "\"view\"", M},
    {"materialized", "\"seed\"", S},
    {"materialized", "\"test\"", T},
    {"severity", "\"ERROR\"", T},
    {"store_failures", "null", T},
    {"store_failures_as", "null", T},
    {"sql_header", "null", T},
    {"where", "null", T},
    {"limit", "null", T},
    {"fail_calc", "\"count(*)\"", T},
    {"warn_if", "\"!= 0\"", T},
    {"error_if", "\"!= 0\"", T},
    {"incremental_strategy", "null", M | S},
    {"batch_size", "null", M | S},
    {"lookback", "1", M | S},
    {"begin", "null", M | S},
    {"persist_docs", "{}", M | S},
    {"post-hook", "[]", M | S},
    {"pre-hook", "[]", M | S},
    {"quoting", "{}", M | S},
    {"column_types", "{}", M | S},
    {"full_refresh", "null", M | S},
    {"unique_key", "null", M | S},
    {"on_schema_change", "\"ignore\"", M | S},
    {"on_configuration_change", "\"apply\"", M | S},
    {"grants", "{}", M | S},
    {"packages", "[]", M | S},
    {"docs", "{\"show\":true,\"node_color\":null}", M | S},
    {"contract", "{\"enforced\":false,\"alias_types\":true}", M | S},
    {"event_time", "null", M | S | R},
    {"concurrent_batches", "null", M | S},
    {"delimiter", "\",\"", S},
    {"quote_columns", "null", S},
    {"access", "\"protected\"", M},
    {"freshness", "null", M | R},
    {"on_error", "null", 1 << NODE_MODEL},
    {"latest_version_pointer", "{\"enabled\":null,\"alias\":null}", 1 << NODE_MODEL},
    {"loaded_at_field", "null", R},
    {"loaded_at_query", "null", R},
};

struct value config_defaults(struct arena *arena, enum node_type type)
{
    const struct value config = value_dict_new(arena);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        if ((defaults[i].types & 1u << type) == 0)
            continue;
        struct json json = {.kind = JSON_NULL};
        struct err ignored;
        if (json_parse(arena, str_of(defaults[i].json), "defaults", &json, &ignored) == RC_OK)
            dict_set_str(config, str_of(defaults[i].key), value_of_json(arena, &json));
    }
    return config;
}

static bool is_one_of(struct str key, const char *const *keys)
{
    for (; *keys != NULL; keys++)
        if (str_is(key, *keys))
            return true;
    return false;
}

static struct value as_list(struct arena *arena, struct value value)
{
    if (value.kind == VALUE_LIST || value.kind == VALUE_TUPLE)
        return value;
    const struct value list = value_list_new(arena, 1);
    if (value.kind != VALUE_NONE && value.kind != VALUE_MISSING)
        list_push(list, value);
    return list;
}

// A hook may be text, a dict with sql and transaction, or a text that is such a dict as JSON.
static struct value hook_of(struct arena *arena, struct value value)
{
    if (value.kind == VALUE_STR && value.length > 0 && value.bytes[0] == '{' &&
        !str_has_prefix(value_text(value), STR("{{")) &&
        !str_has_prefix(value_text(value), STR("{%"))) {
        struct json json;
        struct err ignored;
        if (json_parse(arena, value_text(value), "hook", &json, &ignored) == RC_OK &&
            json.kind == JSON_OBJECT)
            value = value_of_json(arena, &json);
    }
    const struct value hook = value_dict_new(arena);
    const bool is_dict = value.kind == VALUE_DICT;
    const struct value sql = is_dict ? dict_get_str(value, STR("sql")) : value;
    struct value transaction = is_dict ? dict_get_str(value, STR("transaction")) : value_bool(true);
    if (transaction.kind == VALUE_MISSING)
        transaction = value_bool(true);
    dict_set_str(hook, STR("sql"), sql.kind == VALUE_MISSING ? VALUE_STR_LITERAL("") : sql);
    dict_set_str(hook, STR("transaction"), transaction);
    dict_set_str(hook, STR("index"), value_none());
    return hook;
}

static struct value appended(struct arena *arena, struct value old, struct value new, bool is_hook)
{
    old = as_list(arena, old);
    new = as_list(arena, new);
    const struct value list = value_list_new(arena, old.list->count + new.list->count);
    for (uint32_t i = 0; i < old.list->count; i++)
        list_push(list, old.list->items[i]);
    for (uint32_t i = 0; i < new.list->count; i++)
        list_push(list, is_hook ? hook_of(arena, new.list->items[i]) : new.list->items[i]);
    return list;
}

static rc updated(struct arena *arena, struct value old, struct value new, struct value *ret_value,
                  struct err *err)
{
    if (new.kind != VALUE_DICT || old.kind != VALUE_DICT) {
        *ret_value = new;
        return RC_OK;
    }
    const struct value dict = value_dict_new(arena);
    const struct value both[] = {old, new};
    for (size_t i = 0; i < 2; i++) {
        size_t at = 0;
        struct dict_entry *entry;
        while (dict_next(both[i], &at, &entry))
            TRY(dict_set(dict, entry->key, entry->value, err));
    }
    *ret_value = dict;
    return RC_OK;
}

// grants: {select: [a]} replaces, {+select: [a]} extends.
static struct value granted(struct arena *arena, struct value old, struct value new)
{
    if (new.kind != VALUE_DICT)
        return new;
    const struct value dict = value_dict_new(arena);
    size_t at = 0;
    struct dict_entry *entry;
    while (old.kind == VALUE_DICT && dict_next(old, &at, &entry))
        dict_set_str(dict, value_text(entry->key), entry->value);
    at = 0;
    while (dict_next(new, &at, &entry)) {
        if (entry->key.kind != VALUE_STR)
            continue;
        struct str key = value_text(entry->key);
        const bool extends = key.length > 0 && key.bytes[0] == '+';
        key = extends ? str_slice(key, 1, SIZE_MAX) : key;
        const struct value before = extends ? dict_get_str(dict, key) : value_missing();
        dict_set_str(dict, key, appended(arena, before, entry->value, false));
    }
    return dict;
}

static struct str key_of(struct str key)
{
    if (str_is(key, "pre_hook"))
        return STR("pre-hook");
    if (str_is(key, "post_hook"))
        return STR("post-hook");
    if (str_is(key, "dataset"))
        return STR("schema");
    if (str_is(key, "project") || str_is(key, "catalog"))
        return STR("database");
    return key;
}

rc config_merge(struct arena *arena, struct value config, struct str key, struct value value,
                struct err *err)
{
    static const char *const appends[] = {"tags", "packages", NULL};
    static const char *const hooks[] = {"pre-hook", "post-hook", NULL};
    static const char *const updates[] = {"meta",         "docs",     "quoting",
                                          "column_types", "contract", NULL};
    key = key_of(key);
    const struct value old = dict_get_str(config, key);
    struct value new = value;
    if (is_one_of(key, appends))
        new = appended(arena, old, value, false);
    else if (is_one_of(key, hooks))
        new = appended(arena, old, value, true);
    else if (is_one_of(key, updates))
        TRY(updated(arena, old, value, &new, err));
    else if (str_is(key, "grants"))
        new = granted(arena, old, value);
    dict_set_str(config, key, new);
    return RC_OK;
}

rc config_merge_dict(struct arena *arena, struct value config, struct value from, struct err *err)
{
    if (from.kind != VALUE_DICT)
        return RC_OK;
    size_t at = 0;
    struct dict_entry *entry;
    while (dict_next(from, &at, &entry))
        if (entry->key.kind == VALUE_STR)
            TRY(config_merge(arena, config, value_text(entry->key), entry->value, err));
    return RC_OK;
}

// One level of a tree: keys with a plus, and keys whose value is no folder.
static rc merge_level(struct arena *arena, struct value config, struct value unrendered,
                      struct value level, struct err *err)
{
    size_t at = 0;
    struct dict_entry *entry;
    while (dict_next(level, &at, &entry)) {
        if (entry->key.kind != VALUE_STR)
            continue;
        struct str key = value_text(entry->key);
        const bool has_plus = key.length > 0 && key.bytes[0] == '+';
        if (has_plus)
            key = str_trim(str_slice(key, 1, SIZE_MAX));
        else if (entry->value.kind == VALUE_DICT)
            continue;
        TRY(config_merge(arena, config, key, entry->value, err));
        if (unrendered.kind == VALUE_DICT)
            dict_set_str(unrendered, key_of(key), entry->value);
    }
    return RC_OK;
}

static rc merge_tree(struct arena *arena, const struct node *node, struct value config,
                     struct value unrendered, struct value tree, struct err *err)
{
    if (tree.kind != VALUE_DICT)
        return RC_OK;
    TRY(merge_level(arena, config, unrendered, tree, err));
    for (size_t i = 0; i < node->fqn.count; i++) {
        tree = dict_get_str(tree, node->fqn.items[i]);
        if (tree.kind != VALUE_DICT)
            return RC_OK;
        TRY(merge_level(arena, config, unrendered, tree, err));
    }
    return RC_OK;
}

// What dbt_project.yml says under `models:` also holds for other nodes made of SQL.
static enum node_type tree_type(enum node_type type)
{
    return type == NODE_OPERATION || type == NODE_SQL_OPERATION || type == NODE_ANALYSIS
               ? NODE_MODEL
               : type;
}

rc config_resolve(struct transform *t, struct node *node, struct value patch_config,
                  struct err *err)
{
    struct arena *arena = t->arena;
    const struct value config = config_defaults(arena, node->type);
    node->unrendered_config = value_dict_new(arena);
    const enum node_type type = tree_type(node->type);
    TRY(merge_tree(arena, node, config, node->unrendered_config, node->package->configs[type],
                   err));
    TRY(config_merge_dict(arena, config, patch_config, err));
    TRY(config_merge_dict(arena, node->unrendered_config, patch_config, err));
    for (size_t i = 0; i < node->config_calls.count; i++) {
        TRY(config_merge_dict(arena, config, node->config_calls.items[i], err));
        TRY(config_merge_dict(arena, node->unrendered_config, node->config_calls.items[i], err));
    }
    if (!node->package->is_root && t->root != NULL)
        TRY(merge_tree(arena, node, config, node->unrendered_config, t->root->configs[type], err));
    node->config = config;
    return RC_OK;
}

// Options of dbt and its adapters that would otherwise be taken and forgotten.
static const struct {
    const char *key;
    bool is_refused; // rows or SQL would be others than meant; else only layout or rights are
} left_out[] = {
    {"sql_header", true},    {"grants", false},    {"indexes", false}, {"partitioned_by", false},
    {"partition_by", false}, {"sorted_by", false}, {"sort_by", false},
};

rc config_check(struct transform *t, const struct node *node, struct err *err)
{
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        const struct value value = dict_get_str(node->config, str_of(left_out[i].key));
        if (value.kind == VALUE_MISSING || !value_is_true(value))
            continue;
        if (left_out[i].is_refused)
            return err_set(err, RC_UNSUPPORTED,
                           "%.*s: the option %s is not offered by this version",
                           STR_ARGS(node->original_path), left_out[i].key);
        t->warning_count++;
        log_warn("%.*s: the option %s has no effect in this version", STR_ARGS(node->original_path),
                 left_out[i].key);
    }
    return RC_OK;
}
