#include "transform/parse.h"

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "transform/blocks.h"
#include "transform/config.h"
#include "transform/contract.h"
#include "transform/transform.h"

static const char *const macro_blocks[] = {
    "macro", "materialization", "test", "data_test", "snapshot", "docs", NULL};

// ---- files

static rc find_below(struct transform *t, struct package *package, struct str folder,
                     struct str below, struct str ending, int depth, source_file_vec *files,
                     struct err *err)
{
    if (depth > TRANSFORM_MAX_FOLDER_DEPTH)
        return err_set(err, RC_LIMIT, "%.*s: folders are nested more than %d deep",
                       STR_ARGS(folder), TRANSFORM_MAX_FOLDER_DEPTH);
    struct str full;
    TRY(fs_join(t->arena, package->folder, folder, &full, err));
    if (below.length > 0)
        TRY(fs_join(t->arena, full, below, &full, err));
    if (!fs_is_folder(full))
        return RC_OK;
    str_vec names = {0};
    TRY(fs_list(t->arena, full, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        const struct str name = names.items[i];
        const struct str path =
            below.length > 0 ? arena_printf(t->arena, "%.*s/%.*s", STR_ARGS(below), STR_ARGS(name))
                             : name;
        struct source_file file = {.package = package, .path = path};
        TRY(fs_join(t->arena, full, name, &file.full, err));
        if (name.length > 0 && name.bytes[0] == '.')
            continue;
        if (str_has_suffix(name, ending)) {
            file.original = arena_printf(t->arena, "%.*s/%.*s", STR_ARGS(folder), STR_ARGS(path));
            *vec_push(t->arena, files) = file;
        } else if (fs_is_folder(file.full)) {
            TRY(find_below(t, package, folder, path, ending, depth + 1, files, err));
        }
    }
    return RC_OK;
}

rc parse_find_files(struct transform *t, struct package *package, const str_vec *folders,
                    struct str ending, source_file_vec *files, struct err *err)
{
    for (size_t i = 0; i < folders->count; i++)
        TRY(find_below(t, package, folders->items[i], STR(""), ending, 0, files, err));
    return RC_OK;
}

static rc read_file(struct transform *t, const struct source_file *file, struct str *ret_text,
                    struct err *err)
{
    TRY(fs_read(t->arena, file->full, TRANSFORM_MAX_FILE_BYTES, ret_text, err));
    return RC_OK;
}

// ---- macros

static struct str macro_name(struct arena *arena, const struct macro_info *info)
{
    if (info->statement == NULL)
        return info->name;
    if (str_is(str_of(info->statement->name), "materialization")) {
        struct str adapter = STR("default");
        for (size_t i = 0; i < info->option_count; i++)
            if (str_is(info->options[i].name, "adapter") &&
                info->options[i].value.kind == VALUE_STR)
                adapter = value_text(info->options[i].value);
        return arena_printf(arena, "materialization_%.*s_%.*s", STR_ARGS(info->name),
                            STR_ARGS(adapter));
    }
    return arena_printf(arena, "test_%.*s", STR_ARGS(info->name));
}

static rc add_macro(struct transform *t, struct package *package, const struct macro_info *info,
                    struct str sql, struct str path, struct err *err)
{
    struct macro_entry *entry = ARENA_NEW(t->arena, struct macro_entry);
    entry->name = macro_name(t->arena, info);
    entry->package = package;
    entry->path = path;
    entry->sql = sql;
    entry->info = info;
    entry->unique_id =
        arena_printf(t->arena, "macro.%.*s.%.*s", STR_ARGS(package->name), STR_ARGS(entry->name));
    const struct macro_entry *other = map_get(&package->macros, entry->name);
    if (other != NULL)
        return err_set_at(err, RC_CONFIG, arena_cstr(t->arena, path), info->line, 0,
                          "macro '%.*s' is also in %.*s", STR_ARGS(entry->name),
                          STR_ARGS(other->path));
    map_set(&package->macros, entry->name, entry);
    map_set(&t->manifest.macros, entry->unique_id, entry);
    return RC_OK;
}

static rc add_doc(struct transform *t, struct package *package, const struct block *block,
                  struct str path)
{
    struct doc_entry *doc = ARENA_NEW(t->arena, struct doc_entry);
    doc->name = block->name;
    doc->package = package;
    doc->path = path;
    doc->contents = str_trim(block->contents);
    doc->unique_id =
        arena_printf(t->arena, "doc.%.*s.%.*s", STR_ARGS(package->name), STR_ARGS(block->name));
    map_set(&t->manifest.docs, doc->unique_id, doc);
    return RC_OK;
}

static rc parse_macro_block(struct transform *t, struct package *package, const struct block *block,
                            struct str path, struct err *err)
{
    struct template *template;
    rc result = template_parse(t->env, t->arena, block->full, path, &template, err);
    if (result != RC_OK) {
        // The template begins inside of the file.
        if (err != NULL && err->line > 0)
            err->line += block->line - 1;
        return result;
    }
    const struct macro_info *infos;
    const size_t count = template_macros(template, &infos);
    for (size_t i = 0; i < count; i++)
        TRY(add_macro(t, package, &infos[i], block->full, path, err));
    return RC_OK;
}

rc parse_macros(struct transform *t, struct package *package, struct str text, struct str path,
                struct err *err)
{
    block_vec blocks = {0};
    TRY(blocks_extract(t->arena, text, arena_cstr(t->arena, path), macro_blocks, &blocks, err));
    for (size_t i = 0; i < blocks.count; i++) {
        const struct block *block = &blocks.items[i];
        if (str_is(block->type, "docs"))
            TRY(add_doc(t, package, block, path));
        else if (str_is(block->type, "snapshot"))
            return err_set_at(err, RC_UNSUPPORTED, arena_cstr(t->arena, path), block->line, 1,
                              "snapshots cannot be built yet: '%.*s'", STR_ARGS(block->name));
        else if (block->type.length > 0)
            TRY(parse_macro_block(t, package, block, path, err));
    }
    return RC_OK;
}

static rc parse_package_macros(struct transform *t, struct package *package, struct err *err)
{
    source_file_vec files = {0};
    TRY(parse_find_files(t, package, &package->macro_paths, STR(".sql"), &files, err));
    str_vec generic = {0};
    for (size_t i = 0; i < package->test_paths.count; i++)
        *vec_push(t->arena, &generic) =
            arena_printf(t->arena, "%.*s/generic", STR_ARGS(package->test_paths.items[i]));
    TRY(parse_find_files(t, package, &generic, STR(".sql"), &files, err));
    for (size_t i = 0; i < files.count; i++) {
        struct str text;
        TRY(fs_read(t->arena, files.items[i].full, TRANSFORM_MAX_FILE_BYTES, &text, err));
        TRY(parse_macros(t, package, text, files.items[i].original, err));
    }
    files.count = 0;
    const str_vec *folders[] = {&package->model_paths, &package->seed_paths, &package->macro_paths,
                                &package->test_paths};
    static const char *const docs_only[] = {"docs", NULL};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        TRY(parse_find_files(t, package, folders[i], STR(".md"), &files, err));
    for (size_t i = 0; i < files.count; i++) {
        struct str text;
        block_vec blocks = {0};
        TRY(fs_read(t->arena, files.items[i].full, TRANSFORM_MAX_FILE_BYTES, &text, err));
        TRY(blocks_extract(t->arena, text, arena_cstr(t->arena, files.items[i].original), docs_only,
                           &blocks, err));
        for (size_t b = 0; b < blocks.count; b++)
            if (blocks.items[b].type.length > 0)
                TRY(add_doc(t, package, &blocks.items[b], files.items[i].original));
    }
    return RC_OK;
}

// ---- nodes

static struct str without_ending(struct str name)
{
    const size_t point = str_find_last_byte(name, '.');
    return point == SIZE_MAX ? name : str_slice(name, 0, point);
}

struct node *parse_new_node(struct transform *t, enum node_type type,
                            const struct source_file *file, struct str name)
{
    struct node *node = ARENA_NEW(t->arena, struct node);
    node->type = type;
    node->package = file->package;
    node->name = node->alias = name;
    node->path = file->path;
    node->original_path = file->original;
    node->is_enabled = true;
    node->hides_database = t->profile.is_moulin && !t->profile.class->sends_sql;
    node->level = SIZE_MAX;
    node->unique_id = arena_printf(t->arena, "%s.%.*s.%.*s", node_type_names[type],
                                   STR_ARGS(file->package->name), STR_ARGS(name));
    map_init(&node->macro_names, t->arena);
    *vec_push(t->arena, &node->fqn) = file->package->name;
    struct str rest = fs_parent(file->path), part;
    while (!str_is(rest, ".") && str_split_next(&rest, '/', &part))
        *vec_push(t->arena, &node->fqn) = part;
    *vec_push(t->arena, &node->fqn) = name;
    node->build_path = arena_printf(t->arena, "%.*s/run/%.*s/%.*s", STR_ARGS(t->root->target_path),
                                    STR_ARGS(file->package->name), STR_ARGS(file->original));
    return node;
}

// A generate_*_name macro of the user is called; the built-in one is done here, as it is asked for
// every node.
static rc generated(struct transform *t, struct node *node, const char *macro, struct value custom,
                    struct str fallback, struct str *ret_text, struct err *err)
{
    struct macro_entry *entry = scope_find_macro(t, node->package, str_of(macro));
    if (entry == NULL || entry->package->is_builtin) {
        *ret_text = fallback;
        return RC_OK;
    }
    struct scope scope;
    scope_init(&scope, t, t->arena, PHASE_PARSE, node);
    const struct value node_dict = node_as_dict(t, t->arena, node);
    const struct value items[] = {custom, node_dict};
    const struct arguments arguments = {.items = items, .count = 2};
    struct value value;
    TRY_CONTEXT(scope_call(&scope, entry, &arguments, &value, err), err, "%s for %.*s", macro,
                STR_ARGS(node->unique_id));
    struct str text;
    TRY(value_to_str(NULL, t->arena, value, &text, err));
    *ret_text = value.kind == VALUE_NONE ? STR("") : str_trim(text);
    return RC_OK;
}

static struct value config_value(const struct node *node, const char *key)
{
    const struct value value = dict_get_str(node->config, str_of(key));
    return value.kind == VALUE_MISSING ? value_none() : value;
}

static bool config_flag(const struct node *node, const char *key, bool fallback)
{
    const struct value value = dict_get_str(node->config, str_of(key));
    return value.kind == VALUE_BOOL ? value_is_true(value) : fallback;
}

rc parse_names(struct transform *t, struct node *node, struct err *err)
{
    const struct value schema = config_value(node, "schema"), alias = config_value(node, "alias"),
                       database = config_value(node, "database");
    struct str fallback = t->profile.schema;
    if (schema.kind == VALUE_STR && schema.length > 0)
        fallback = arena_printf(t->arena, "%.*s_%.*s", STR_ARGS(t->profile.schema), schema.length,
                                schema.bytes);
    // `{{ this }}` inside of the macros: something sensible must stand there.
    node->schema = t->profile.schema;
    node->database = t->profile.database;
    TRY(generated(t, node, "generate_schema_name", schema, fallback, &node->schema, err));
    // A project's own generate_schema_name may leave target.schema out: nothing may be built
    // outside of the throw-away schemas for that.
    const struct str throw_away = t->options->namespace_prefix;
    if (throw_away.length > 0 && !str_has_prefix(node->schema, throw_away) &&
        !str_has_prefix(node->schema, transform_schema(t, throw_away)))
        node->schema = str_concat(t->arena, throw_away, node->schema);
    node->schema = transform_schema(t, node->schema);
    fallback = database.kind == VALUE_STR ? str_trim(value_text(database)) : t->profile.database;
    TRY(generated(t, node, "generate_database_name", database, fallback, &node->database, err));
    fallback = alias.kind == VALUE_STR ? str_trim(value_text(alias)) : node->name;
    TRY(generated(t, node, "generate_alias_name", alias, fallback, &node->alias, err));
    const bool has_relation =
        node_is_refable(node) && !str_is(node_materialized(node), "ephemeral");
    node->relation_name = STR("");
    if (has_relation)
        node->relation_name = relation_render(t->arena, relation_of_node(t->arena, node));
    return RC_OK;
}

static void add_tag(struct transform *t, struct node *node, struct str tag)
{
    for (size_t i = 0; i < node->tags.count; i++)
        if (str_equal(node->tags.items[i], tag))
            return;
    *vec_push(t->arena, &node->tags) = tag;
}

// Settings of the configuration that the node itself carries too.
static void lift_config(struct transform *t, struct node *node)
{
    const struct value tags = dict_get_str(node->config, STR("tags"));
    node->tags.count = 0;
    for (uint32_t i = 0; tags.kind == VALUE_LIST && i < tags.list->count; i++)
        if (tags.list->items[i].kind == VALUE_STR)
            add_tag(t, node, value_text(tags.list->items[i]));
    node->meta = dict_get_str(node->config, STR("meta"));
    node->group = config_str(node, "group");
    node->is_enabled = config_flag(node, "enabled", true);
}

static rc render_hooks(struct transform *t, struct scope *scope, struct node *node, struct err *err)
{
    static const char *const keys[] = {"pre-hook", "post-hook"};
    for (size_t k = 0; k < 2; k++) {
        const struct value hooks = dict_get_str(node->config, str_of(keys[k]));
        for (uint32_t i = 0; hooks.kind == VALUE_LIST && i < hooks.list->count; i++) {
            const struct value hook = hooks.list->items[i];
            const struct value sql =
                hook.kind == VALUE_DICT ? dict_get_str(hook, STR("sql")) : hook;
            struct str ignored;
            if (sql.kind == VALUE_STR)
                TRY_CONTEXT(
                    scope_render_text(scope, value_text(sql), node->original_path, &ignored, err),
                    err, "%s of %.*s", keys[k], STR_ARGS(node->unique_id));
        }
    }
    (void)t;
    return RC_OK;
}

rc parse_sql_node(struct transform *t, struct node *node, struct value patch_config,
                  struct err *err)
{
    TRY(config_resolve(t, node, patch_config, err));
    node->schema = t->profile.schema;
    node->database = t->profile.database;
    struct scope scope;
    scope_init(&scope, t, t->arena, PHASE_PARSE, node);
    rc result = RC_OK;
    if (has_template_marks(node->raw_code)) {
        struct template *template = NULL;
        struct str ignored;
        result =
            template_parse(t->env, t->arena, node->raw_code, node->original_path, &template, err);
        node->template = template;
        if (result == RC_OK && node->is_generic)
            result = generic_test_bind(&scope, node, err);
        if (result == RC_OK && config_flag(node, "enabled", true))
            result = scope_render_template(&scope, template, &ignored, err);
    }
    if (result == RC_OK && node->config_calls.count > 0)
        result = config_resolve(t, node, patch_config, err);
    if (result == RC_OK)
        result = render_hooks(t, &scope, node, err);
    if (result != RC_OK) {
        if (err != NULL && err->place[0] == '\0')
            err_context(err, "%.*s", STR_ARGS(node->original_path));
        return result;
    }
    lift_config(t, node);
    return parse_names(t, node, err);
}

// dbt hashes a text with every run of white space made one blank, so that layout does not count.
static void set_checksum(struct transform *t, struct node *node, struct str text)
{
    struct buf compact;
    buf_init(&compact, TRANSFORM_MAX_FILE_BYTES + 1);
    text = str_trim(text);
    for (size_t i = 0; i < text.length; i++) {
        const bool is_space =
            text.bytes[i] == ' ' || (text.bytes[i] >= '\t' && text.bytes[i] <= '\r');
        if (!is_space)
            buf_append_byte(&compact, text.bytes[i]);
        else if (compact.length > 0 && compact.bytes[compact.length - 1] != ' ')
            buf_append_byte(&compact, ' ');
    }
    node->checksum = hash_hex(t->arena, hash_of(HASH_SHA256, buf_str(&compact)));
    buf_done(&compact);
}

static rc parse_models(struct transform *t, struct package *package, const str_vec *folders,
                       enum node_type type, struct properties *properties, struct err *err)
{
    source_file_vec files = {0};
    TRY(parse_find_files(t, package, folders, STR(".py"), &files, err));
    if (files.count > 0 && type == NODE_MODEL)
        return err_set_at(err, RC_UNSUPPORTED, arena_cstr(t->arena, files.items[0].original), 0, 0,
                          "python models cannot be run");
    files.count = 0;
    TRY(parse_find_files(t, package, folders, STR(".sql"), &files, err));
    for (size_t i = 0; i < files.count; i++) {
        const struct source_file *file = &files.items[i];
        if (type == NODE_TEST && str_has_prefix(file->path, STR("generic/")))
            continue;
        // dbt gives analyses a folder of their own name.
        struct source_file placed = *file;
        if (type == NODE_ANALYSIS)
            placed.path = arena_printf(t->arena, "analysis/%.*s", STR_ARGS(file->path));
        struct node *node =
            parse_new_node(t, type, &placed, without_ending(fs_base_name(file->path)));
        struct str text;
        TRY(read_file(t, file, &text, err));
        node->raw_code = str_trim(text);
        set_checksum(t, node, text);
        node->compiled_path =
            arena_printf(t->arena, "%.*s/compiled/%.*s/%.*s", STR_ARGS(t->root->target_path),
                         STR_ARGS(package->name), STR_ARGS(file->original));
        const char *kind = type == NODE_MODEL  ? "models"
                           : type == NODE_TEST ? "data_tests"
                                               : "analyses";
        struct patch *patch = properties_find(properties, kind, node);
        struct value patch_config = value_missing();
        if (patch != NULL)
            TRY(properties_config(t, patch->node, &patch_config, err));
        TRY(parse_sql_node(t, node, patch_config, err));
        if (patch != NULL)
            TRY(properties_apply(t, node, patch, err));
        if (node->is_enabled) {
            TRY(config_check(t, node, err));
            TRY(contract_check(t, node, err));
        }
        TRY(manifest_add(t, node, err));
    }
    return RC_OK;
}

static rc parse_seeds(struct transform *t, struct package *package, struct properties *properties,
                      struct err *err)
{
    source_file_vec files = {0};
    TRY(parse_find_files(t, package, &package->seed_paths, STR(".csv"), &files, err));
    for (size_t i = 0; i < files.count; i++) {
        const struct source_file *file = &files.items[i];
        struct node *node =
            parse_new_node(t, NODE_SEED, file, without_ending(fs_base_name(file->path)));
        struct str text;
        TRY(read_file(t, file, &text, err));
        node->checksum = hash_hex(t->arena, hash_of(HASH_SHA256, str_trim(text)));
        struct patch *patch = properties_find(properties, "seeds", node);
        struct value patch_config = value_missing();
        if (patch != NULL)
            TRY(properties_config(t, patch->node, &patch_config, err));
        TRY(config_resolve(t, node, patch_config, err));
        lift_config(t, node);
        TRY(parse_names(t, node, err));
        if (patch != NULL)
            TRY(properties_apply(t, node, patch, err));
        TRY(manifest_add(t, node, err));
    }
    return RC_OK;
}

// ---- edges

static void add_parent(struct transform *t, struct node *node, struct node *parent)
{
    for (size_t i = 0; i < node->parents.count; i++)
        if (node->parents.items[i] == parent)
            return;
    *vec_push(t->arena, &node->parents) = parent;
}

static rc missing(struct transform *t, struct node *node, const char *what, struct str name,
                  bool is_disabled, struct err *err)
{
    err_set_at(err, RC_CONFIG, arena_cstr(t->arena, node->original_path), 0, 0,
               "%.*s depends on a %s '%.*s', which %s", STR_ARGS(node->unique_id), what,
               STR_ARGS(name), is_disabled ? "is disabled" : "was not found");
    str_vec names = {0};
    for (size_t i = 0; i < t->manifest.nodes.count; i++) {
        const struct node *other = t->manifest.nodes.items[i];
        if (str_is(str_of(what), "source") && other->type == NODE_SOURCE)
            *vec_push(t->arena, &names) = arena_printf(
                t->arena, "%.*s.%.*s", STR_ARGS(other->source_name), STR_ARGS(other->name));
        else if (!str_is(str_of(what), "source") && node_is_refable(other))
            *vec_push(t->arena, &names) = other->name;
    }
    const size_t near = str_nearest(name, names.items, names.count);
    return near == SIZE_MAX ? RC_CONFIG
                            : err_hint(err, "did you mean '%.*s'?", STR_ARGS(names.items[near]));
}

static bool is_disabled_ref(const struct transform *t, struct str name)
{
    for (size_t i = 0; i < t->manifest.disabled.count; i++) {
        const struct node *node = t->manifest.disabled.entries[i].value;
        if (node_is_refable(node) && str_equal(node->name, name))
            return true;
    }
    return false;
}

rc parse_edges(struct transform *t, struct node *node, struct err *err)
{
    for (size_t i = 0; i < node->refs.count; i++) {
        const struct node_ref *ref = &node->refs.items[i];
        struct node *parent = manifest_ref(t, node->package, ref->package, ref->name, ref->version);
        if (parent != NULL) {
            add_parent(t, node, parent);
            continue;
        }
        const bool is_disabled = is_disabled_ref(t, ref->name);
        if (is_disabled && node->type == NODE_TEST) {
            node->is_enabled = false;
            continue;
        }
        return missing(t, node, "node", ref->name, is_disabled, err);
    }
    for (size_t i = 0; i < node->sources.count; i++) {
        const struct source_ref *ref = &node->sources.items[i];
        struct node *parent = manifest_source(t, ref->source, ref->table);
        if (parent == NULL)
            return missing(
                t, node, "source",
                arena_printf(t->arena, "%.*s.%.*s", STR_ARGS(ref->source), STR_ARGS(ref->table)),
                false, err);
        add_parent(t, node, parent);
    }
    return RC_OK;
}

static rc connect(struct transform *t, struct err *err)
{
    node_vec *nodes = &t->manifest.nodes;
    size_t kept = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        struct node *node = nodes->items[i];
        TRY(parse_edges(t, node, err));
        if (!node->is_enabled) {
            map_remove(&t->manifest.by_id, node->unique_id);
            map_set(&t->manifest.disabled, node->unique_id, node);
            continue;
        }
        node->number = kept;
        nodes->items[kept++] = node;
        for (size_t p = 0; p < node->parents.count; p++)
            *vec_push(t->arena, &node->parents.items[p]->children) = node;
    }
    nodes->count = kept;
    return RC_OK;
}

static rc parse_package(struct transform *t, struct package *package, struct properties *properties,
                        struct err *err)
{
    TRY(parse_models(t, package, &package->model_paths, NODE_MODEL, properties, err));
    TRY(parse_seeds(t, package, properties, err));
    TRY(parse_models(t, package, &package->analysis_paths, NODE_ANALYSIS, properties, err));
    return parse_models(t, package, &package->test_paths, NODE_TEST, properties, err);
}

static void warn_unused(struct transform *t, const struct properties *properties)
{
    for (size_t i = 0; i < properties->patches.count; i++) {
        const struct patch *patch = properties->patches.entries[i].value;
        if (patch->is_used)
            continue;
        t->warning_count++;
        log_warn("%.*s:%d: no resource for the properties of '%.*s'", STR_ARGS(patch->path),
                 patch->node->line, STR_ARGS(properties->patches.entries[i].key));
    }
}

static rc parse_tests(struct transform *t, struct properties *properties, struct err *err)
{
    const size_t count = t->manifest.nodes.count;
    for (size_t i = 0; i < count; i++) {
        struct node *node = t->manifest.nodes.items[i];
        if (!node_is_refable(node))
            continue;
        const char *kind = node->type == NODE_SEED ? "seeds" : "models";
        const struct patch *patch = properties_find(properties, kind, node);
        if (patch != NULL)
            TRY(generic_tests_of(t, node, patch, kind, err));
    }
    return RC_OK;
}

rc parse_project(struct transform *t, struct err *err)
{
    struct properties properties = {0};
    for (size_t i = 0; i < t->packages.count; i++)
        if (!t->packages.items[i]->is_builtin)
            TRY(parse_package_macros(t, t->packages.items[i], err));
    TRY(properties_read(t, &properties, err));
    for (size_t i = 0; i < t->packages.count; i++)
        if (!t->packages.items[i]->is_builtin)
            TRY(parse_package(t, t->packages.items[i], &properties, err));
    TRY(properties_sources(t, &properties, err));
    TRY(parse_tests(t, &properties, err));
    warn_unused(t, &properties);
    return connect(t, err);
}
