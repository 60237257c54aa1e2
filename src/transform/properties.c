// Property files (schema.yml): patches of models, seeds and macros; sources; generic tests.
// Layer: transform. Source: dbt-core 1.12's schema parser.

#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "transform/config.h"
#include "transform/parse.h"
#include "transform/transform.h"
#include "transform/yaml_value.h"

static const char *const patch_kinds[] = {"models", "seeds", "analyses", "macros", "data_tests"};
// What is read by name alone, and what that means to the user.
static const struct {
    const char *kind, *meaning;
} ignored_kinds[] = {
    {"unit_tests", "they are not run"},
    {"exposures", "they are neither in the graph nor in manifest.json"},
    {"groups", "who may refer to their models is not checked"},
    {"metrics", "nothing computes them"},
    {"semantic_models", "nothing queries them"},
    {"saved_queries", "they are not run"},
    {"functions", "they are not created"},
};
static const char *const other_kinds[] = {"version", "sources", "snapshots", "tests", "anchors"};

static struct str patch_key(struct arena *arena, const char *kind, struct str package,
                            struct str name)
{
    return arena_printf(arena, "%s.%.*s.%.*s", kind, STR_ARGS(package), STR_ARGS(name));
}

static rc read_name(const struct yaml *item, struct str *ret_name, struct err *err)
{
    if (item->kind != YAML_MAP)
        return yaml_error(err, item, RC_CONFIG, "expected a mapping with a name, found %s",
                          yaml_kind_name(item->kind));
    const struct yaml *name;
    TRY(yaml_require(item, "name", &name, err));
    return yaml_to_text(name, "name", ret_name, err);
}

static rc add_patches(struct transform *t, struct properties *properties,
                      const struct source_file *file, const char *kind, const struct yaml *list,
                      struct err *err)
{
    if (yaml_is_null(list))
        return RC_OK;
    TRY(yaml_to_seq(list, kind, &list, err));
    for (size_t i = 0; i < list->count; i++) {
        struct str name;
        TRY(read_name(list->items[i], &name, err));
        const struct yaml *versions = yaml_get(list->items[i], STR("versions"));
        if (!yaml_is_null(versions))
            return yaml_error(err, versions, RC_UNSUPPORTED, "model versions cannot be built yet");
        const struct str key = patch_key(t->arena, kind, file->package->name, name);
        const struct patch *other = map_get(&properties->patches, key);
        if (other != NULL)
            return yaml_error(err, list->items[i], RC_CONFIG,
                              "'%.*s' has properties in %.*s:%d already", STR_ARGS(name),
                              STR_ARGS(other->path), other->node->line);
        struct patch *patch = ARENA_NEW(t->arena, struct patch);
        *patch = (struct patch){.package = file->package,
                                .node = list->items[i],
                                .path = file->original,
                                .is_used = str_is(str_of(kind), "macros")};
        map_set(&properties->patches, key, patch);
    }
    return RC_OK;
}

// One warning for all of a kind in a file.
static rc warn_ignored(struct transform *t, const struct yaml *list, struct str path, size_t kind,
                       struct err *err)
{
    const char *name = ignored_kinds[kind].kind;
    TRY(yaml_to_seq(list, name, &list, err));
    if (list->count == 0)
        return RC_OK;
    struct arena *scratch = arena_open(NULL);
    str_vec names = {0};
    rc result = RC_OK;
    for (size_t i = 0; result == RC_OK && i < list->count; i++)
        result = read_name(list->items[i], vec_push(scratch, &names), err);
    if (result == RC_OK) {
        const struct str joined = str_join(scratch, names.items, names.count, STR(", "));
        t->warning_count++;
        log_warn("%.*s:%d: %s are left out by this version, %s: %.*s", STR_ARGS(path),
                 list->items[0]->line, name, ignored_kinds[kind].meaning, STR_ARGS(joined));
    }
    arena_close(scratch);
    return result;
}

static rc check_top_keys(struct transform *t, const struct yaml *root, struct str path,
                         struct err *err)
{
    struct str names[32];
    size_t count = 0;
    for (size_t i = 0; i < sizeof patch_kinds / sizeof *patch_kinds; i++)
        names[count++] = str_of(patch_kinds[i]);
    for (size_t i = 0; i < sizeof ignored_kinds / sizeof *ignored_kinds; i++) {
        names[count++] = str_of(ignored_kinds[i].kind);
        const struct yaml *node = yaml_get(root, str_of(ignored_kinds[i].kind));
        if (!yaml_is_null(node))
            TRY(warn_ignored(t, node, path, i, err));
    }
    for (size_t i = 0; i < sizeof other_kinds / sizeof *other_kinds; i++)
        names[count++] = str_of(other_kinds[i]);
    return yaml_check_keys(root, names, count, err);
}

static rc read_properties_file(struct transform *t, struct properties *properties,
                               const struct source_file *file, struct err *err)
{
    struct str text;
    TRY(fs_read(t->arena, file->full, TRANSFORM_MAX_FILE_BYTES, &text, err));
    const struct yaml *root;
    TRY(yaml_parse(t->arena, text, arena_cstr(t->arena, file->original), &root, err));
    if (yaml_is_null(root))
        return RC_OK;
    if (root->kind != YAML_MAP)
        return yaml_error(err, root, RC_CONFIG, "expected a mapping, found %s",
                          yaml_kind_name(root->kind));
    TRY(check_top_keys(t, root, file->original, err));
    for (size_t i = 0; i < sizeof patch_kinds / sizeof *patch_kinds; i++)
        TRY(add_patches(t, properties, file, patch_kinds[i], yaml_get(root, str_of(patch_kinds[i])),
                        err));
    const struct yaml *snapshots = yaml_get(root, STR("snapshots"));
    if (!yaml_is_null(snapshots))
        return yaml_error(err, snapshots, RC_UNSUPPORTED, "snapshots cannot be built yet");
    const struct yaml *sources = yaml_get(root, STR("sources"));
    if (yaml_is_null(sources))
        return RC_OK;
    TRY(yaml_to_seq(sources, "sources", &sources, err));
    for (size_t i = 0; i < sources->count; i++)
        *vec_push(t->arena, &properties->sources) = (struct patch){
            .package = file->package, .node = sources->items[i], .path = file->original};
    return RC_OK;
}

rc properties_read(struct transform *t, struct properties *properties, struct err *err)
{
    map_init(&properties->patches, t->arena);
    for (size_t p = 0; p < t->packages.count; p++) {
        struct package *package = t->packages.items[p];
        if (package->is_builtin)
            continue;
        const str_vec *folders[] = {&package->model_paths, &package->seed_paths,
                                    &package->macro_paths, &package->analysis_paths,
                                    &package->test_paths};
        source_file_vec files = {0};
        for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
            TRY(parse_find_files(t, package, folders[i], STR(".yml"), &files, err));
            TRY(parse_find_files(t, package, folders[i], STR(".yaml"), &files, err));
        }
        for (size_t i = 0; i < files.count; i++)
            TRY(read_properties_file(t, properties, &files.items[i], err));
    }
    return RC_OK;
}

struct patch *properties_find(const struct properties *properties, const char *kind,
                              const struct node *node)
{
    const struct str key =
        patch_key(properties->patches.arena, kind, node->package->name, node->name);
    struct patch *patch = map_get(&properties->patches, key);
    if (patch != NULL)
        patch->is_used = true;
    return patch;
}

// ---- text with {{ doc('name') }}

static rc doc_function(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"package", "name"};
    struct value values[2];
    TRY(arguments_bind(render, "doc", arguments, names, 1, 2, values, err));
    struct value name = values[0], package = value_missing();
    if (values[1].kind == VALUE_STR) {
        package = values[0];
        name = values[1];
    }
    if (name.kind != VALUE_STR)
        return render_throw(render, err, "CompilationError",
                            "doc() wants the name of a docs block");
    const struct str packages[] = {
        package.kind == VALUE_STR
            ? value_text(package)
            : (scope->package != NULL ? scope->package : scope->t->root)->name,
        package.kind == VALUE_STR ? value_text(package) : scope->t->root->name};
    for (size_t i = 0; i < 2; i++) {
        const struct str id = arena_printf(scope->arena, "doc.%.*s.%.*s", STR_ARGS(packages[i]),
                                           STR_ARGS(value_text(name)));
        const struct doc_entry *doc = map_get(&scope->t->manifest.docs, id);
        if (doc != NULL) {
            *ret_value = value_str(doc->contents);
            return RC_OK;
        }
    }
    return render_throw(render, err, "CompilationError", "there is no docs block '%.*s'",
                        STR_ARGS(value_text(name)));
}

rc properties_render_doc(struct transform *t, struct package *package, const struct yaml *node,
                         struct str *ret_text, struct err *err)
{
    *ret_text = STR("");
    if (yaml_is_null(node))
        return RC_OK;
    TRY(yaml_to_text(node, "description", ret_text, err));
    if (!has_template_marks(*ret_text))
        return RC_OK;
    struct scope scope;
    scope_init(&scope, t, t->arena, PHASE_YAML, NULL);
    scope.package = package;
    scope_set(&scope, "doc", value_function(t->arena, "doc", doc_function, &scope));
    return scope_render_text(&scope, *ret_text, str_of(node->place), ret_text, err);
}

// ---- patches

static const char *const skipped[] = {"description", "tests",    "data_tests",
                                      "pre-hook",    "pre_hook", "post-hook",
                                      "post_hook",   "columns",  NULL};

rc properties_config(struct transform *t, const struct yaml *patch, struct value *ret_config,
                     struct err *err)
{
    struct scope scope;
    scope_init(&scope, t, t->arena, PHASE_YAML, NULL);
    struct value config = value_dict_new(t->arena);
    static const char *const lifted[] = {"tags", "meta", "docs", "group", "access"};
    for (size_t i = 0; i < sizeof lifted / sizeof *lifted; i++) {
        const struct yaml *node = yaml_get(patch, str_of(lifted[i]));
        struct value value;
        if (yaml_is_null(node))
            continue;
        TRY(yaml_value_rendered(&scope, node, NULL, &value, err));
        dict_set_str(config, str_of(lifted[i]), value);
    }
    const struct yaml *node = yaml_get(patch, STR("config"));
    if (!yaml_is_null(node)) {
        struct value own;
        TRY(yaml_to_map(node, "config", &node, err));
        TRY(yaml_value_rendered(&scope, node, skipped, &own, err));
        TRY(config_merge_dict(t->arena, config, own, err));
    }
    *ret_config = config;
    return RC_OK;
}

static rc column_dict(struct transform *t, struct package *package, const struct yaml *column,
                      struct value *ret_name, struct value *ret_dict, struct err *err)
{
    struct str name, description;
    TRY(read_name(column, &name, err));
    TRY(properties_render_doc(t, package, yaml_get(column, STR("description")), &description, err));
    struct scope scope;
    scope_init(&scope, t, t->arena, PHASE_YAML, NULL);
    struct value all;
    TRY(yaml_value_rendered(&scope, column, skipped, &all, err));
    const struct value dict = value_dict_new(t->arena);
    static const struct {
        const char *key, *json;
    } keys[] = {{"meta", "{}"},
                {"data_type", "null"},
                {"constraints", "[]"},
                {"quote", "null"},
                {"config", "{\"meta\":{},\"tags\":[]}"},
                {"tags", "[]"},
                {"granularity", "null"},
                {"dimension", "null"},
                {"entity", "null"},
                {"doc_blocks", "[]"}};
    dict_set_str(dict, STR("name"), value_str(name));
    dict_set_str(dict, STR("description"), value_str(description));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct value value = dict_get_str(all, str_of(keys[i].key));
        struct json json;
        struct err ignored;
        if (value.kind == VALUE_MISSING &&
            json_parse(t->arena, str_of(keys[i].json), "", &json, &ignored) == RC_OK)
            value = value_of_json(t->arena, &json);
        if (str_is(str_of(keys[i].key), "tags") && value.kind == VALUE_STR) {
            const struct value list = value_list_new(t->arena, 1);
            list_push(list, value);
            value = list;
        }
        dict_set_str(dict, str_of(keys[i].key), value);
    }
    *ret_name = value_str(name);
    *ret_dict = dict;
    return RC_OK;
}

static rc read_columns(struct transform *t, struct package *package, const struct yaml *columns,
                       struct value *ret_columns, struct err *err)
{
    const struct value dict = value_dict_new(t->arena);
    if (!yaml_is_null(columns))
        TRY(yaml_to_seq(columns, "columns", &columns, err));
    for (size_t i = 0; columns != NULL && columns->kind == YAML_SEQ && i < columns->count; i++) {
        struct value name, column;
        TRY(column_dict(t, package, columns->items[i], &name, &column, err));
        TRY(dict_set(dict, name, column, err));
    }
    *ret_columns = dict;
    return RC_OK;
}

rc properties_apply(struct transform *t, struct node *node, const struct patch *patch,
                    struct err *err)
{
    node->patch = patch->node;
    node->patch_path = arena_printf(t->arena, "%.*s://%.*s", STR_ARGS(patch->package->name),
                                    STR_ARGS(patch->path));
    TRY(properties_render_doc(t, patch->package, yaml_get(patch->node, STR("description")),
                              &node->description, err));
    const struct yaml *constraints = yaml_get(patch->node, STR("constraints"));
    if (!yaml_is_null(constraints)) {
        struct scope scope;
        scope_init(&scope, t, t->arena, PHASE_YAML, NULL);
        TRY(yaml_to_seq(constraints, "constraints", &constraints, err));
        TRY(yaml_value_rendered(&scope, constraints, NULL, &node->constraints, err));
    }
    return read_columns(t, patch->package, yaml_get(patch->node, STR("columns")), &node->columns,
                        err);
}

// ---- sources

struct source_defaults {
    const struct yaml *source;
    struct str name, schema, database, loader, description;
    struct value config, meta, quoting;
};

static struct value text_or(struct value dict, const char *key, struct str fallback)
{
    const struct value value =
        dict.kind == VALUE_DICT ? dict_get_str(dict, str_of(key)) : value_missing();
    return value.kind == VALUE_MISSING || value.kind == VALUE_NONE ? value_str(fallback) : value;
}

static rc value_as_text(struct transform *t, struct value value, struct str *ret_text,
                        struct err *err)
{
    return value_to_str(NULL, t->arena, value, ret_text, err);
}

static rc make_source(struct transform *t, const struct patch *patch,
                      const struct source_defaults *defaults, const struct yaml *table,
                      struct node **ret_node, struct err *err)
{
    struct str name;
    TRY(read_name(table, &name, err));
    struct scope scope;
    scope_init(&scope, t, t->arena, PHASE_YAML, NULL);
    struct value all;
    TRY(yaml_value_rendered(&scope, table, skipped, &all, err));
    const struct source_file file = {
        .package = patch->package, .path = patch->path, .original = patch->path};
    struct node *node = parse_new_node(t, NODE_SOURCE, &file, name);
    // fqn: the folders of the file below its resource folder, then source and table.
    struct str folder = fs_parent(patch->path), part;
    node->fqn.count = 1;
    bool is_first = true;
    while (!str_is(folder, ".") && str_split_next(&folder, '/', &part)) {
        if (!is_first)
            *vec_push(t->arena, &node->fqn) = part;
        is_first = false;
    }
    *vec_push(t->arena, &node->fqn) = defaults->name;
    *vec_push(t->arena, &node->fqn) = name;
    node->source_name = defaults->name;
    node->unique_id =
        arena_printf(t->arena, "source.%.*s.%.*s.%.*s", STR_ARGS(patch->package->name),
                     STR_ARGS(defaults->name), STR_ARGS(name));
    node->database = defaults->database;
    node->schema = str_equal(node->database, t->profile.database)
                       ? transform_schema(t, defaults->schema)
                       : defaults->schema;
    TRY(value_as_text(t, text_or(all, "loader", defaults->loader), &node->loader, err));
    TRY(value_as_text(t, text_or(all, "identifier", name), &node->identifier, err));
    node->alias = node->identifier;
    node->source_description = defaults->description;
    node->source_meta = defaults->meta;
    node->external = dict_get_str(all, STR("external"));
    node->quoting = value_dict_new(t->arena);
    TRY(config_merge_dict(t->arena, node->quoting, defaults->quoting, err));
    TRY(config_merge_dict(t->arena, node->quoting, dict_get_str(all, STR("quoting")), err));
    struct value own;
    TRY(properties_config(t, table, &own, err));
    const struct value config = value_dict_new(t->arena);
    TRY(config_merge_dict(t->arena, config, defaults->config, err));
    TRY(config_merge_dict(t->arena, config, own, err));
    TRY(config_resolve(t, node, config, err));
    const struct value tags = dict_get_str(node->config, STR("tags"));
    for (uint32_t i = 0; tags.kind == VALUE_LIST && i < tags.list->count; i++)
        if (tags.list->items[i].kind == VALUE_STR)
            *vec_push(t->arena, &node->tags) = value_text(tags.list->items[i]);
    node->meta = dict_get_str(node->config, STR("meta"));
    const struct value enabled = dict_get_str(node->config, STR("enabled"));
    node->is_enabled = enabled.kind != VALUE_BOOL || value_is_true(enabled);
    TRY(properties_render_doc(t, patch->package, yaml_get(table, STR("description")),
                              &node->description, err));
    TRY(read_columns(t, patch->package, yaml_get(table, STR("columns")), &node->columns, err));
    node->relation_name = relation_render(t->arena, relation_of_node(t->arena, node));
    *ret_node = node;
    return RC_OK;
}

static rc read_source(struct transform *t, const struct patch *patch, struct err *err)
{
    struct source_defaults defaults = {.source = patch->node};
    TRY(read_name(patch->node, &defaults.name, err));
    struct scope scope;
    scope_init(&scope, t, t->arena, PHASE_YAML, NULL);
    scope.package = patch->package;
    static const char *const not_here[] = {"description", "tests", "data_tests", "tables", NULL};
    struct value all;
    TRY(yaml_value_rendered(&scope, patch->node, not_here, &all, err));
    TRY(value_as_text(t, text_or(all, "schema", defaults.name), &defaults.schema, err));
    TRY(value_as_text(t, text_or(all, "database", t->profile.database), &defaults.database, err));
    TRY(value_as_text(t, text_or(all, "loader", STR("")), &defaults.loader, err));
    defaults.quoting = dict_get_str(all, STR("quoting"));
    defaults.meta = dict_get_str(all, STR("meta"));
    if (defaults.meta.kind != VALUE_DICT)
        defaults.meta = value_dict_new(t->arena);
    TRY(properties_render_doc(t, patch->package, yaml_get(patch->node, STR("description")),
                              &defaults.description, err));
    TRY(properties_config(t, patch->node, &defaults.config, err));
    const struct yaml *tables = yaml_get(patch->node, STR("tables"));
    if (yaml_is_null(tables))
        return RC_OK;
    TRY(yaml_to_seq(tables, "tables", &tables, err));
    for (size_t i = 0; i < tables->count; i++) {
        struct node *node;
        TRY(make_source(t, patch, &defaults, tables->items[i], &node, err));
        TRY(manifest_add(t, node, err));
        const struct patch table = {
            .package = patch->package, .node = tables->items[i], .path = patch->path};
        if (node->is_enabled)
            TRY(generic_tests_of(t, node, &table, "sources", err));
    }
    return RC_OK;
}

rc properties_sources(struct transform *t, struct properties *properties, struct err *err)
{
    for (size_t i = 0; i < properties->sources.count; i++)
        TRY(read_source(t, &properties->sources.items[i], err));
    return RC_OK;
}
