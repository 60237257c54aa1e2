#include "transform/manifest.h"

#include "transform/scope.h"
#include "transform/transform.h"

const char *const node_type_names[NODE_TYPE_COUNT] = {
    "model", "seed", "test", "analysis", "source", "operation", "sql_operation"};

bool node_is_refable(const struct node *node)
{
    return node->type == NODE_MODEL || node->type == NODE_SEED;
}

struct str config_str(const struct node *node, const char *key)
{
    if (node->config.kind != VALUE_DICT)
        return STR("");
    const struct value value = dict_get_str(node->config, str_of(key));
    return value.kind == VALUE_STR ? value_text(value) : STR("");
}

struct str node_materialized(const struct node *node)
{
    return config_str(node, "materialized");
}

struct package *transform_package(const struct transform *t, struct str name)
{
    for (size_t i = 0; i < t->packages.count; i++)
        if (str_equal(t->packages.items[i]->name, name))
            return t->packages.items[i];
    return NULL;
}

static struct str source_key(struct arena *arena, struct str source, struct str table)
{
    return arena_printf(arena, "%.*s.%.*s", STR_ARGS(source), STR_ARGS(table));
}

static void index_node(struct transform *t, struct node *node)
{
    if (node->type == NODE_SOURCE)
        map_set(&t->manifest.sources, source_key(t->arena, node->source_name, node->name), node);
    if (!node_is_refable(node))
        return;
    struct map_entry *entry = map_entry_of(&t->manifest.by_name, node->name);
    if (entry->value == NULL)
        entry->value = ARENA_NEW(t->arena, node_vec);
    *vec_push(t->arena, (node_vec *)entry->value) = node;
}

rc manifest_add(struct transform *t, struct node *node, struct err *err)
{
    struct manifest *manifest = &t->manifest;
    const struct node *other = map_get(&manifest->by_id, node->unique_id);
    if (other != NULL && node->is_enabled)
        return err_set(err, RC_CONFIG, "two resources are called '%.*s': %.*s and %.*s",
                       STR_ARGS(node->unique_id), STR_ARGS(other->original_path),
                       STR_ARGS(node->original_path));
    if (!node->is_enabled) {
        map_set(&manifest->disabled, node->unique_id, node);
        return RC_OK;
    }
    if (manifest->nodes.count >= TRANSFORM_MAX_NODES)
        return err_set(err, RC_LIMIT, "more than %d nodes", TRANSFORM_MAX_NODES);
    node->number = manifest->nodes.count;
    *vec_push(t->arena, &manifest->nodes) = node;
    map_set(&manifest->by_id, node->unique_id, node);
    index_node(t, node);
    return RC_OK;
}

// dbt looks in the package of the caller first, then in the root project, then anywhere.
struct node *manifest_ref(const struct transform *t, const struct package *from, struct str package,
                          struct str name, struct str version)
{
    (void)version;
    const node_vec *nodes = map_get(&t->manifest.by_name, name);
    if (nodes == NULL)
        return NULL;
    struct node *best = NULL;
    int best_rank = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        struct node *node = nodes->items[i];
        if (package.length > 0 && !str_equal(node->package->name, package))
            continue;
        const int rank = node->package == from ? 3 : node->package->is_root ? 2 : 1;
        if (rank > best_rank) {
            best = node;
            best_rank = rank;
        }
    }
    return best;
}

struct node *manifest_source(const struct transform *t, struct str source, struct str table)
{
    char key[512];
    if (source.length + table.length + 1 > sizeof key)
        return NULL;
    memcpy(key, source.bytes, source.length);
    key[source.length] = '.';
    memcpy(key + source.length + 1, table.bytes, table.length);
    return map_get(&t->manifest.sources, (struct str){key, source.length + table.length + 1});
}

// ---- a node as a dict

static void put_str(struct value dict, const char *key, struct str text)
{
    dict_set_str(dict, str_of(key), value_str(text));
}

static void put_str_or_none(struct value dict, const char *key, struct str text)
{
    dict_set_str(dict, str_of(key), text.length > 0 ? value_str(text) : value_none());
}

static void put(struct value dict, const char *key, struct value value)
{
    dict_set_str(dict, str_of(key), value.kind == VALUE_MISSING ? value_none() : value);
}

static struct value str_list(struct arena *arena, const str_vec *texts)
{
    const struct value list = value_list_new(arena, texts->count);
    for (size_t i = 0; i < texts->count; i++)
        list_push(list, value_str(texts->items[i]));
    return list;
}

static struct value refs_list(struct arena *arena, const struct node *node)
{
    const struct value list = value_list_new(arena, node->refs.count);
    for (size_t i = 0; i < node->refs.count; i++) {
        const struct value ref = value_dict_new(arena);
        put_str(ref, "name", node->refs.items[i].name);
        put_str_or_none(ref, "package", node->refs.items[i].package);
        put_str_or_none(ref, "version", node->refs.items[i].version);
        list_push(list, ref);
    }
    return list;
}

static struct value sources_list(struct arena *arena, const struct node *node)
{
    const struct value list = value_list_new(arena, node->sources.count);
    for (size_t i = 0; i < node->sources.count; i++) {
        const struct value pair = value_list_new(arena, 2);
        list_push(pair, value_str(node->sources.items[i].source));
        list_push(pair, value_str(node->sources.items[i].table));
        list_push(list, pair);
    }
    return list;
}

static struct value depends_on(struct arena *arena, const struct node *node)
{
    const struct value dict = value_dict_new(arena);
    const struct value macros = value_list_new(arena, node->macro_names.count);
    for (size_t i = 0; i < node->macro_names.count; i++)
        list_push(macros, value_str(node->macro_names.entries[i].key));
    put(dict, "macros", macros);
    if (node->type == NODE_SEED)
        return dict;
    const struct value nodes = value_list_new(arena, node->parents.count);
    for (size_t i = 0; i < node->parents.count; i++)
        list_push(nodes, value_str(node->parents.items[i]->unique_id));
    put(dict, "nodes", nodes);
    return dict;
}

static struct value checksum(struct arena *arena, const struct node *node)
{
    const struct value dict = value_dict_new(arena);
    put_str(dict, "name", node->checksum.length > 0 ? STR("sha256") : STR("none"));
    put_str(dict, "checksum", node->checksum);
    return dict;
}

static struct value quoting_of(struct arena *arena, const struct node *node)
{
    static const char *const keys[] = {"database", "schema", "identifier", "column"};
    const struct value dict = value_dict_new(arena);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        put(dict, keys[i],
            node->quoting.kind == VALUE_DICT ? dict_get_str(node->quoting, str_of(keys[i]))
                                             : value_none());
    return dict;
}

static void put_source(struct arena *arena, struct value dict, const struct node *node)
{
    put_str(dict, "source_name", node->source_name);
    put_str(dict, "source_description", node->source_description);
    put_str(dict, "loader", node->loader);
    put_str(dict, "identifier", node->identifier);
    put(dict, "quoting", quoting_of(arena, node));
    put(dict, "loaded_at_field", dict_get_str(node->config, STR("loaded_at_field")));
    put(dict, "loaded_at_query", dict_get_str(node->config, STR("loaded_at_query")));
    put(dict, "freshness", dict_get_str(node->config, STR("freshness")));
    put(dict, "external", node->external);
    put(dict, "source_meta", node->source_meta);
}

static void put_test(struct arena *arena, struct value dict, const struct node *node)
{
    put_str_or_none(dict, "column_name", node->column_name);
    put_str_or_none(dict, "file_key_name", node->file_key_name);
    put(dict, "attached_node",
        node->attached != NULL ? value_str(node->attached->unique_id) : value_none());
    if (!node->is_generic)
        return;
    const struct value metadata = value_dict_new(arena);
    put_str(metadata, "name", node->test_name);
    put(metadata, "kwargs", node->test_kwargs);
    put_str_or_none(metadata, "namespace", node->test_namespace);
    put(dict, "test_metadata", metadata);
}

static void put_sql(struct arena *arena, struct value dict, const struct node *node)
{
    put_str(dict, "language", STR("sql"));
    put(dict, "refs", refs_list(arena, node));
    put(dict, "sources", sources_list(arena, node));
    put(dict, "metrics", value_list_new(arena, 0));
    put(dict, "functions", value_list_new(arena, 0));
    put_str_or_none(dict, "compiled_path", node->compiled_path);
    put(dict, "compiled", value_bool(node->is_compiled));
    if (node->is_compiled)
        put_str(dict, "compiled_code", node->compiled_code);
    put(dict, "extra_ctes_injected", value_bool(node->is_compiled));
    const struct value ctes = value_list_new(arena, node->cte_ids.count);
    for (size_t i = 0; i < node->cte_ids.count; i++) {
        const struct value cte = value_dict_new(arena);
        put_str(cte, "id", node->cte_ids.items[i]);
        put_str(cte, "sql", node->cte_sqls.items[i]);
        list_push(ctes, cte);
    }
    put(dict, "extra_ctes", ctes);
    const struct value contract = value_dict_new(arena);
    const struct value given = dict_get_str(node->config, STR("contract"));
    const struct value enforced =
        given.kind == VALUE_DICT ? dict_get_str(given, STR("enforced")) : value_missing();
    put(contract, "enforced", enforced.kind == VALUE_BOOL ? enforced : value_bool(false));
    put(contract, "alias_types", value_bool(true));
    put(contract, "checksum", value_none());
    put(dict, "contract", contract);
}

static void put_model(struct arena *arena, struct value dict, const struct node *node)
{
    const struct value access = dict_get_str(node->config, STR("access"));
    put(dict, "access", access.kind == VALUE_STR ? access : VALUE_STR_LITERAL("protected"));
    put(dict, "constraints",
        node->constraints.kind == VALUE_LIST ? node->constraints : value_list_new(arena, 0));
    put(dict, "version", value_none());
    put(dict, "latest_version", value_none());
    put(dict, "deprecation_date", value_none());
    put(dict, "primary_key", value_list_new(arena, 0));
    put(dict, "time_spine", value_none());
}

static void put_common(struct transform *t, struct arena *arena, struct value dict,
                       const struct node *node)
{
    put_str(dict, "database", node->database);
    put_str(dict, "schema", node->schema);
    put_str(dict, "name", node->name);
    put_str(dict, "resource_type", str_of(node_type_names[node->type]));
    put_str(dict, "package_name", node->package->name);
    put_str(dict, "path", node->path);
    put_str(dict, "original_file_path", node->original_path);
    put_str(dict, "unique_id", node->unique_id);
    put(dict, "fqn", str_list(arena, &node->fqn));
    put(dict, "config", node->config);
    put(dict, "tags", str_list(arena, &node->tags));
    put_str(dict, "description", node->description);
    put(dict, "columns", node->columns.kind == VALUE_DICT ? node->columns : value_dict_new(arena));
    put(dict, "meta", node->meta.kind == VALUE_DICT ? node->meta : value_dict_new(arena));
    put_str_or_none(dict, "patch_path", node->patch_path);
    put(dict, "unrendered_config",
        node->unrendered_config.kind == VALUE_DICT ? node->unrendered_config
                                                   : value_dict_new(arena));
    put_str_or_none(dict, "relation_name", node->relation_name);
    put(dict, "doc_blocks", value_list_new(arena, 0));
    put(dict, "created_at", value_float((double)t->started_us / 1e6));
}

struct value node_as_dict(struct transform *t, struct arena *arena, struct node *node)
{
    const struct value dict = value_dict_new(arena);
    put_common(t, arena, dict, node);
    if (node->type == NODE_SOURCE) {
        put_source(arena, dict, node);
        return dict;
    }
    put_str(dict, "alias", node->alias);
    put(dict, "checksum", checksum(arena, node));
    put_str_or_none(dict, "group", node->group);
    put(dict, "docs", dict_get_str(node->config, STR("docs")));
    if (dict_get_str(dict, STR("docs")).kind != VALUE_DICT) {
        const struct value docs = value_dict_new(arena);
        put(docs, "show", value_bool(true));
        put(docs, "node_color", value_none());
        put(dict, "docs", docs);
    }
    put_str_or_none(dict, "build_path", node->build_path);
    put_str(dict, "raw_code", node->raw_code);
    put(dict, "depends_on", depends_on(arena, node));
    if (node->type == NODE_SEED) {
        put_str(dict, "root_path", t->folder);
        return dict;
    }
    put_sql(arena, dict, node);
    if (node->type == NODE_TEST)
        put_test(arena, dict, node);
    if (node->type == NODE_MODEL)
        put_model(arena, dict, node);
    return dict;
}
