// target/manifest.json (v12) and target/run_results.json (v6). Layer: transform.
// Source: the artifacts that dbt-core 1.12.6 writes; it loads this manifest back.

#include "base/fs.h"
#include "base/hash.h"
#include "base/time.h"
#include "transform/scope.h"
#include "transform/transform.h"

static struct value text(struct arena *arena, struct str s)
{
    (void)arena;
    return value_str(s);
}

static void put(struct value dict, const char *key, struct value value)
{
    dict_set_str(dict, str_of(key), value);
}

static struct value quoting(struct arena *arena)
{
    const struct value dict = value_dict_new(arena);
    put(dict, "database", value_bool(true));
    put(dict, "schema", value_bool(true));
    put(dict, "identifier", value_bool(true));
    put(dict, "column", value_none());
    return dict;
}

static struct value metadata(struct transform *t, struct arena *arena, const char *schema)
{
    const struct value dict = value_dict_new(arena);
    const struct str url = arena_printf(arena, "https://schemas.getdbt.com/dbt/%s.json", schema);
    put(dict, "dbt_schema_version", text(arena, url));
    put(dict, "dbt_version", VALUE_STR_LITERAL("1.12.6"));
    put(dict, "generated_at", text(arena, time_format(arena, time_now_us(), TIME_ISO_Z)));
    put(dict, "invocation_id", text(arena, t->invocation_id));
    put(dict, "invocation_started_at", text(arena, time_format(arena, t->started_us, TIME_ISO_Z)));
    put(dict, "env", value_dict_new(arena));
    return dict;
}

static struct value macro_dict(struct transform *t, struct arena *arena,
                               const struct macro_entry *macro)
{
    const struct value dict = value_dict_new(arena), depends = value_dict_new(arena),
                       docs = value_dict_new(arena), config = value_dict_new(arena);
    put(docs, "show", value_bool(true));
    put(docs, "node_color", value_none());
    put(config, "meta", value_dict_new(arena));
    put(config, "docs", docs);
    put(depends, "macros", value_list_new(arena, 0));
    put(dict, "name", text(arena, macro->name));
    put(dict, "resource_type", VALUE_STR_LITERAL("macro"));
    put(dict, "package_name", text(arena, macro->package->name));
    put(dict, "path", text(arena, macro->path));
    put(dict, "original_file_path", text(arena, macro->path));
    put(dict, "unique_id", text(arena, macro->unique_id));
    put(dict, "macro_sql", text(arena, macro->sql));
    put(dict, "depends_on", depends);
    put(dict, "description", text(arena, macro->description));
    put(dict, "meta", value_dict_new(arena));
    put(dict, "docs", docs);
    put(dict, "config", config);
    put(dict, "patch_path", value_none());
    const struct value arguments = value_list_new(arena, macro->info->parameter_count);
    for (size_t i = 0; i < macro->info->parameter_count; i++) {
        const struct value argument = value_dict_new(arena);
        put(argument, "name", text(arena, macro->info->parameters[i].name));
        put(argument, "type",
            macro->info->parameters[i].type.length > 0
                ? text(arena, macro->info->parameters[i].type)
                : value_none());
        put(argument, "description", VALUE_STR_LITERAL(""));
        list_push(arguments, argument);
    }
    put(dict, "arguments", arguments);
    put(dict, "created_at", value_float((double)t->started_us / 1e6));
    const bool is_materialization = macro->info->statement != NULL &&
                                    str_is(str_of(macro->info->statement->name), "materialization");
    const struct value languages = value_list_new(arena, 1);
    list_push(languages, VALUE_STR_LITERAL("sql"));
    put(dict, "supported_languages", is_materialization ? languages : value_none());
    return dict;
}

static struct value ids(struct arena *arena, const node_vec *nodes)
{
    const struct value list = value_list_new(arena, nodes->count);
    for (size_t i = 0; i < nodes->count; i++)
        list_push(list, text(arena, nodes->items[i]->unique_id));
    return list;
}

static void put_nodes(struct transform *t, struct arena *arena, struct value root)
{
    const struct value nodes = value_dict_new(arena), sources = value_dict_new(arena),
                       parents = value_dict_new(arena), children = value_dict_new(arena);
    for (size_t i = 0; i < t->manifest.nodes.count; i++) {
        struct node *node = t->manifest.nodes.items[i];
        dict_set_str(node->type == NODE_SOURCE ? sources : nodes, node->unique_id,
                     node_as_dict(t, arena, node));
        dict_set_str(parents, node->unique_id, ids(arena, &node->parents));
        dict_set_str(children, node->unique_id, ids(arena, &node->children));
    }
    put(root, "nodes", nodes);
    put(root, "sources", sources);
    put(root, "parent_map", parents);
    put(root, "child_map", children);
}

static void put_macros_and_docs(struct transform *t, struct arena *arena, struct value root)
{
    const struct value macros = value_dict_new(arena), docs = value_dict_new(arena);
    for (size_t i = 0; i < t->manifest.macros.count; i++) {
        const struct macro_entry *macro = t->manifest.macros.entries[i].value;
        // dbt brings its own built-in macros; ours are of no use to it.
        if (!macro->package->is_builtin)
            dict_set_str(macros, macro->unique_id, macro_dict(t, arena, macro));
    }
    for (size_t i = 0; i < t->manifest.docs.count; i++) {
        const struct doc_entry *doc = t->manifest.docs.entries[i].value;
        const struct value dict = value_dict_new(arena);
        put(dict, "name", text(arena, doc->name));
        put(dict, "resource_type", VALUE_STR_LITERAL("doc"));
        put(dict, "package_name", text(arena, doc->package->name));
        put(dict, "path", text(arena, doc->path));
        put(dict, "original_file_path", text(arena, doc->path));
        put(dict, "unique_id", text(arena, doc->unique_id));
        put(dict, "block_contents", text(arena, doc->contents));
        dict_set_str(docs, doc->unique_id, dict);
    }
    put(root, "macros", macros);
    put(root, "docs", docs);
}

rc transform_manifest_json(struct transform *t, struct arena *arena, struct json *ret_json,
                           struct err *err)
{
    const struct value root = value_dict_new(arena), head = metadata(t, arena, "manifest/v12");
    put(head, "project_name", text(arena, t->root->name));
    put(head, "project_id", text(arena, hash_hex(arena, hash_of(HASH_MD5, t->root->name))));
    put(head, "user_id", value_none());
    put(head, "send_anonymous_usage_stats", value_bool(false));
    put(head, "adapter_type", text(arena, t->profile.type));
    put(head, "quoting", quoting(arena));
    put(head, "run_started_at", text(arena, time_format(arena, t->started_us, TIME_ISO_MICROS)));
    put(root, "metadata", head);
    put_nodes(t, arena, root);
    put_macros_and_docs(t, arena, root);
    static const char *const empty[] = {"exposures",       "metrics",    "groups",
                                        "selectors",       "group_map",  "saved_queries",
                                        "semantic_models", "unit_tests", "functions"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        put(root, empty[i], value_dict_new(arena));
    const struct value disabled = value_dict_new(arena);
    for (size_t i = 0; i < t->manifest.disabled.count; i++) {
        struct node *node = t->manifest.disabled.entries[i].value;
        const struct value list = value_list_new(arena, 1);
        list_push(list, node_as_dict(t, arena, node));
        dict_set_str(disabled, node->unique_id, list);
    }
    put(root, "disabled", disabled);
    return value_to_json(NULL, arena, root, true, ret_json, err);
}

enum { ARTIFACT_MAX_BYTES = 1 << 30 };

static rc write_json(struct transform *t, const char *name, const struct json *json,
                     struct err *err)
{
    struct str folder, path;
    TRY(transform_path(t, t->arena, t->root->target_path, &folder, err));
    TRY(fs_make_folders(folder, err));
    TRY(fs_join(t->arena, folder, str_of(name), &path, err));
    struct buf out;
    buf_init(&out, ARTIFACT_MAX_BYTES);
    json_write(&out, json, JSON_COMPACT);
    rc result = buf_check(&out, err, name);
    if (result == RC_OK)
        result = fs_write(path, buf_str(&out), (struct fs_write_options){0}, err);
    buf_done(&out);
    return result;
}

rc transform_write_manifest(struct transform *t, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct json json;
    rc result = transform_manifest_json(t, scratch, &json, err);
    if (result == RC_OK)
        result = write_json(t, "manifest.json", &json, err);
    arena_close(scratch);
    return result;
}

static struct value timing(struct arena *arena, const char *name, int64_t start, int64_t end)
{
    const struct value dict = value_dict_new(arena);
    put(dict, "name", value_str(str_of(name)));
    put(dict, "started_at", text(arena, time_format(arena, start, TIME_ISO_Z)));
    put(dict, "completed_at", text(arena, time_format(arena, end, TIME_ISO_Z)));
    return dict;
}

static struct value result_dict(struct arena *arena, const struct run_result *r)
{
    const struct value dict = value_dict_new(arena), timings = value_list_new(arena, 2);
    const bool ran = r->execute_end_us > 0;
    if (ran) {
        list_push(timings, timing(arena, "compile", r->compile_start_us, r->compile_end_us));
        list_push(timings, timing(arena, "execute", r->execute_start_us, r->execute_end_us));
    }
    const bool has_code = r->node->is_compiled && r->node->type != NODE_SEED;
    put(dict, "status", value_str(str_of(run_status_names[r->status])));
    put(dict, "timing", timings);
    put(dict, "thread_id",
        value_str(r->node->type == NODE_OPERATION ? STR("main") : STR("Thread-1")));
    put(dict, "execution_time",
        value_float(ran ? (double)(r->execute_end_us - r->compile_start_us) / 1e6 : 0));
    put(dict, "adapter_response",
        r->response.kind == VALUE_DICT ? r->response : value_dict_new(arena));
    put(dict, "message", r->message.length > 0 ? value_str(r->message) : value_none());
    put(dict, "failures", r->failures < 0 ? value_none() : value_int(r->failures));
    put(dict, "unique_id", text(arena, r->node->unique_id));
    put(dict, "compiled", has_code ? value_bool(true) : value_none());
    put(dict, "compiled_code", has_code ? text(arena, r->node->compiled_code) : value_none());
    put(dict, "relation_name",
        has_code && r->node->relation_name.length > 0 ? text(arena, r->node->relation_name)
                                                      : value_none());
    put(dict, "batch_results", value_none());
    put(dict, "overload_results", value_none());
    return dict;
}

rc transform_write_results(struct transform *t, enum transform_verb verb,
                           const struct run_summary *summary, struct err *err)
{
    (void)verb;
    struct arena *scratch = arena_open(NULL);
    const struct value root = value_dict_new(scratch),
                       list = value_list_new(scratch, summary->results.count),
                       args = value_dict_new(scratch);
    for (size_t i = 0; i < summary->results.count; i++)
        list_push(list, result_dict(scratch, &summary->results.items[i]));
    put(args, "which", value_str(str_of(t->which != NULL ? t->which : "")));
    put(args, "project_dir", text(scratch, t->folder));
    put(args, "target", text(scratch, t->profile.target_name));
    put(root, "metadata", metadata(t, scratch, "run-results/v6"));
    put(root, "results", list);
    put(root, "elapsed_time", value_float((double)summary->elapsed_us / 1e6));
    put(root, "args", args);
    struct json json;
    rc result = value_to_json(NULL, scratch, root, true, &json, err);
    if (result == RC_OK)
        result = write_json(t, "run_results.json", &json, err);
    arena_close(scratch);
    return result;
}
