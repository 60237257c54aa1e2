// The part of dbt's context that belongs to the node being rendered: ref, source, config, this ...
// Layer: transform. Source: dbt-core 1.12 (parse and runtime providers).

#include "base/fs.h"
#include "base/log.h"
#include "base/time.h"
#include "transform/config.h"
#include "transform/parse.h"
#include "transform/scope.h"
#include "transform/session.h"
#include "transform/transform.h"

enum { NODES = IN_PARSE | IN_RUN };

static struct str node_id(const struct scope *scope)
{
    return scope->node != NULL ? scope->node->unique_id : STR("the command line");
}

static struct relation *own_relation(struct scope *scope)
{
    if (scope->node == NULL)
        return relation_new(scope->arena, scope->t->profile.database, scope->t->profile.schema,
                            STR(""), RELATION_UNKNOWN);
    return relation_of_node(scope->arena, scope->node);
}

// ---- ref and source

static rc ref_arguments(struct render *render, const struct arguments *arguments,
                        struct node_ref *ret_ref, struct err *err)
{
    struct node_ref ref = {0};
    for (size_t i = 0; i < arguments->keyword_count; i++) {
        const struct str name = arguments->keywords[i].name;
        if (!str_is(name, "v") && !str_is(name, "version"))
            return render_throw(render, err, "CompilationError", "ref() has no argument '%.*s'",
                                STR_ARGS(name));
        TRY(value_to_str(render, render_arena(render), arguments->keywords[i].value, &ref.version,
                         err));
    }
    for (size_t i = 0; i < arguments->count; i++)
        if (arguments->items[i].kind != VALUE_STR)
            return render_throw(render, err, "CompilationError", "ref() wants texts, found %s",
                                value_type_name(arguments->items[i]));
    if (arguments->count == 1) {
        ref.name = value_text(arguments->items[0]);
    } else if (arguments->count == 2) {
        ref.package = value_text(arguments->items[0]);
        ref.name = value_text(arguments->items[1]);
    } else {
        return render_throw(render, err, "CompilationError",
                            "ref() takes a model, or a package and a model; found %zu arguments",
                            arguments->count);
    }
    *ret_ref = ref;
    return RC_OK;
}

static struct str kept(struct scope *scope, struct str text)
{
    return arena_str(scope->t->arena, text);
}

static bool is_parent(const struct node *node, const struct node *parent)
{
    for (size_t i = 0; i < node->parents.count; i++)
        if (node->parents.items[i] == parent)
            return true;
    return node == parent;
}

static void add_ephemeral(struct scope *scope, struct node *node)
{
    for (size_t i = 0; i < scope->ephemerals.count; i++)
        if (scope->ephemerals.items[i] == node)
            return;
    *vec_push(scope->arena, &scope->ephemerals) = node;
}

static rc resolve_ref(struct render *render, struct scope *scope, const struct node_ref *ref,
                      struct value *ret_value, struct err *err)
{
    struct node *target =
        manifest_ref(scope->t, scope->package, ref->package, ref->name, ref->version);
    const struct str own = node_id(scope);
    if (target == NULL)
        return render_throw(render, err, "CompilationError",
                            "%.*s depends on a node '%.*s', which was not found", STR_ARGS(own),
                            STR_ARGS(ref->name));
    const bool is_free = scope->node == NULL || scope->node->type == NODE_OPERATION;
    if (!is_free && !is_parent(scope->node, target)) {
        render_throw(render, err, "RefBadContextError",
                     "%.*s refers to '%.*s' only while it runs, so it was not known in time",
                     STR_ARGS(own), STR_ARGS(ref->name));
        return err_hint(err, "add the line: -- depends_on: {{ ref('%.*s') }}", STR_ARGS(ref->name));
    }
    struct relation *relation = relation_of_node(scope->arena, target);
    if (str_is(node_materialized(target), "ephemeral")) {
        add_ephemeral(scope, target);
        relation->identifier =
            arena_printf(scope->arena, "__dbt__cte__%.*s", STR_ARGS(target->alias));
    }
    relation->is_empty = scope->t->is_empty && relation->type != RELATION_CTE &&
                         scope->node != NULL && scope->node->type == NODE_MODEL;
    *ret_value = relation_value(relation);
    return RC_OK;
}

static rc call_ref(struct render *render, void *self, const struct arguments *arguments,
                   struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    struct node_ref ref;
    TRY(ref_arguments(render, arguments, &ref, err));
    if (scope->phase == PHASE_RUN)
        return resolve_ref(render, scope, &ref, ret_value, err);
    if (scope->node != NULL)
        *vec_push(scope->t->arena, &scope->node->refs) = (struct node_ref){
            kept(scope, ref.package), kept(scope, ref.name), kept(scope, ref.version)};
    *ret_value = relation_value(own_relation(scope));
    return RC_OK;
}

static rc call_source(struct render *render, void *self, const struct arguments *arguments,
                      struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"source_name", "table_name"};
    struct value v[2];
    TRY(arguments_bind(render, "source", arguments, names, 2, 2, v, err));
    if (v[0].kind != VALUE_STR || v[1].kind != VALUE_STR)
        return render_throw(render, err, "CompilationError", "source() wants two texts");
    const struct source_ref ref = {value_text(v[0]), value_text(v[1])};
    if (scope->phase == PHASE_PARSE) {
        if (scope->node != NULL)
            *vec_push(scope->t->arena, &scope->node->sources) =
                (struct source_ref){kept(scope, ref.source), kept(scope, ref.table)};
        *ret_value = relation_value(own_relation(scope));
        return RC_OK;
    }
    struct node *target = manifest_source(scope->t, ref.source, ref.table);
    if (target == NULL)
        return render_throw(render, err, "CompilationError", "there is no source '%.*s.%.*s'",
                            STR_ARGS(ref.source), STR_ARGS(ref.table));
    struct relation *relation = relation_of_node(scope->arena, target);
    relation->is_empty =
        scope->t->is_empty && scope->node != NULL && scope->node->type == NODE_MODEL;
    *ret_value = relation_value(relation);
    return RC_OK;
}

// ---- config

struct config_object {
    struct object object;
    struct scope *scope;
};

static rc config_call(struct render *render, struct object *object,
                      const struct arguments *arguments, struct value *ret_value, struct err *err)
{
    struct scope *scope = ((struct config_object *)object)->scope;
    *ret_value = VALUE_STR_LITERAL("");
    if (scope->phase != PHASE_PARSE || scope->node == NULL)
        return RC_OK;
    struct arena *arena = scope->t->arena;
    const struct value call = value_dict_new(arena);
    if (arguments->count == 1 && arguments->items[0].kind == VALUE_DICT)
        TRY(config_merge_dict(arena, call, value_copy(arena, arguments->items[0]), err));
    else if (arguments->count > 0)
        return render_throw(render, err, "CompilationError",
                            "config() takes names with values, or one dict");
    for (size_t i = 0; i < arguments->keyword_count; i++)
        dict_set_str(call, kept(scope, arguments->keywords[i].name),
                     value_copy(arena, arguments->keywords[i].value));
    *vec_push(arena, &scope->node->config_calls) = call;
    return RC_OK;
}

static struct value config_lookup(const struct scope *scope, struct str name)
{
    if (scope->node == NULL || scope->node->config.kind != VALUE_DICT)
        return value_missing();
    if (str_is(name, "pre_hook"))
        name = STR("pre-hook");
    if (str_is(name, "post_hook"))
        name = STR("post-hook");
    return dict_get_str(scope->node->config, name);
}

static rc call_config_get(struct render *render, void *self, const struct arguments *arguments,
                          struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"name", "default", "validator"};
    struct value v[3];
    TRY(arguments_bind(render, "config.get", arguments, names, 1, 3, v, err));
    if (scope->phase == PHASE_PARSE) {
        *ret_value = VALUE_STR_LITERAL("");
        return RC_OK;
    }
    struct value found =
        v[0].kind == VALUE_STR ? config_lookup(scope, value_text(v[0])) : value_missing();
    if (found.kind == VALUE_MISSING)
        found = v[1].kind == VALUE_MISSING ? value_none() : v[1];
    *ret_value = found;
    return RC_OK;
}

static rc call_config_require(struct render *render, void *self, const struct arguments *arguments,
                              struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"name", "validator"};
    struct value v[2];
    TRY(arguments_bind(render, "config.require", arguments, names, 1, 2, v, err));
    if (scope->phase == PHASE_PARSE) {
        *ret_value = VALUE_STR_LITERAL("");
        return RC_OK;
    }
    const struct value found =
        v[0].kind == VALUE_STR ? config_lookup(scope, value_text(v[0])) : value_missing();
    if (found.kind == VALUE_MISSING) {
        const struct str own = node_id(scope);
        return render_throw(render, err, "CompilationError",
                            "'%.*s' does not define the configuration '%.*s', which it must",
                            STR_ARGS(own), (int)v[0].length, v[0].bytes);
    }
    *ret_value = found;
    return RC_OK;
}

static rc persist_flag(struct scope *scope, const char *key, struct value *ret_value)
{
    const struct value docs = config_lookup(scope, STR("persist_docs"));
    const struct value flag =
        docs.kind == VALUE_DICT ? dict_get_str(docs, str_of(key)) : value_missing();
    *ret_value = value_bool(flag.kind == VALUE_BOOL && value_is_true(flag));
    return RC_OK;
}

static rc call_persist_relation(struct render *render, void *self,
                                const struct arguments *arguments, struct value *ret_value,
                                struct err *err)
{
    (void)render, (void)arguments, (void)err;
    return persist_flag(self, "relation", ret_value);
}

static rc call_persist_columns(struct render *render, void *self, const struct arguments *arguments,
                               struct value *ret_value, struct err *err)
{
    (void)render, (void)arguments, (void)err;
    return persist_flag(self, "columns", ret_value);
}

static rc config_attribute(struct render *render, struct object *object, struct str name,
                           struct value *ret_value, struct err *err)
{
    (void)err;
    struct scope *scope = ((struct config_object *)object)->scope;
    static const struct {
        const char *name;
        native_function function;
    } methods[] = {{"get", call_config_get},
                   {"require", call_config_require},
                   {"meta_get", call_config_get},
                   {"persist_relation_docs", call_persist_relation},
                   {"persist_column_docs", call_persist_columns}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (str_is(name, methods[i].name)) {
            *ret_value = bound(render_arena(render), methods[i].name, methods[i].function, scope);
            return RC_OK;
        }
    if (str_is(name, "model") && scope->node != NULL)
        *ret_value = node_as_dict(scope->t, scope->arena, scope->node);
    else
        *ret_value = config_lookup(scope, name);
    return RC_OK;
}

static const struct object_class config_class = {
    .name = "Config", .call = config_call, .get_attribute = config_attribute};

static struct value make_config(struct scope *scope)
{
    struct config_object *object = ARENA_NEW(scope->arena, struct config_object);
    *object = (struct config_object){{&config_class}, scope};
    return value_object(&object->object);
}

// ---- what the node is

static struct value make_this(struct scope *scope)
{
    return relation_value(own_relation(scope));
}

static struct value make_model(struct scope *scope)
{
    return scope->node != NULL ? node_as_dict(scope->t, scope->arena, scope->node)
                               : value_dict_new(scope->arena);
}

static struct value make_execute(struct scope *scope)
{
    return value_bool(scope->phase == PHASE_RUN);
}

static struct value make_database(struct scope *scope)
{
    return value_str(scope->node != NULL ? scope->node->database : scope->t->profile.database);
}

static struct value make_schema(struct scope *scope)
{
    return value_str(scope->node != NULL ? scope->node->schema : scope->t->profile.schema);
}

struct value graph_value(struct transform *t)
{
    if (t->graph.kind == VALUE_DICT)
        return t->graph;
    const struct value graph = value_dict_new(t->arena), nodes = value_dict_new(t->arena),
                       sources = value_dict_new(t->arena);
    for (size_t i = 0; i < t->manifest.nodes.count; i++) {
        struct node *node = t->manifest.nodes.items[i];
        dict_set_str(node->type == NODE_SOURCE ? sources : nodes, node->unique_id,
                     node_as_dict(t, t->arena, node));
    }
    dict_set_str(graph, STR("nodes"), nodes);
    dict_set_str(graph, STR("sources"), sources);
    static const char *const others[] = {"exposures",       "metrics",       "groups",
                                         "semantic_models", "saved_queries", "unit_tests"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        dict_set_str(graph, str_of(others[i]), value_dict_new(t->arena));
    t->graph = graph;
    return graph;
}

static struct value make_graph(struct scope *scope)
{
    return scope->phase == PHASE_RUN ? graph_value(scope->t) : value_dict_new(scope->arena);
}

static struct value make_selected(struct scope *scope)
{
    const struct value list = value_list_new(scope->arena, scope->t->selected.count);
    for (size_t i = 0; i < scope->t->selected.count; i++)
        list_push(list, value_str(scope->t->selected.items[i]->unique_id));
    return list;
}

static struct value make_empty_dict(struct scope *scope)
{
    return value_dict_new(scope->arena);
}

static struct value make_empty_text(struct scope *scope)
{
    (void)scope;
    return VALUE_STR_LITERAL("");
}

static rc call_macro_stack(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    (void)self, (void)arguments, (void)err;
    enum { MAX_NAMES = 64 };
    struct str names[MAX_NAMES];
    size_t count = render_macro_stack(render, names, MAX_NAMES);
    count = count > MAX_NAMES ? MAX_NAMES : count;
    const struct value list = value_list_new(render_arena(render), count);
    for (size_t i = 0; i < count; i++)
        list_push(list, value_str(names[i]));
    *ret_value = list;
    return RC_OK;
}

// ---- results of statements

static rc call_store_result(struct render *render, void *self, const struct arguments *arguments,
                            struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"name", "response", "agate_table"};
    struct value v[3];
    TRY(arguments_bind(render, "store_result", arguments, names, 2, 3, v, err));
    struct str name;
    TRY(value_to_str(render, scope->arena, v[0], &name, err));
    const struct value result = value_dict_new(scope->arena);
    struct table_object *table = table_object_of(v[2]);
    if (table == NULL)
        table = table_object_new(scope->arena, 0, 0);
    const struct value data = value_list_new(scope->arena, table->row_count);
    for (size_t r = 0; r < table->row_count; r++)
        list_push(data, value_tuple_of(scope->arena, &table->cells[r * table->column_count],
                                       table->column_count));
    dict_set_str(result, STR("response"), v[1]);
    dict_set_str(result, STR("data"), data);
    dict_set_str(result, STR("table"), value_object(&table->object));
    dict_set_str(scope->results, name, result);
    *ret_value = VALUE_STR_LITERAL("");
    return RC_OK;
}

static rc call_store_raw_result(struct render *render, void *self,
                                const struct arguments *arguments, struct value *ret_value,
                                struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"name", "message", "code", "rows_affected", "agate_table"};
    struct value v[5];
    TRY(arguments_bind(render, "store_raw_result", arguments, names, 1, 5, v, err));
    const struct value response = value_dict_new(scope->arena);
    dict_set_str(response, STR("_message"),
                 v[1].kind == VALUE_MISSING ? VALUE_STR_LITERAL("") : v[1]);
    if (v[2].kind != VALUE_MISSING)
        dict_set_str(response, STR("code"), v[2]);
    if (v[3].kind != VALUE_MISSING)
        dict_set_str(response, STR("rows_affected"), v[3]);
    const struct value items[] = {v[0], response, v[4]};
    const struct arguments call = {.items = items, .count = v[4].kind == VALUE_MISSING ? 2u : 3u};
    return call_store_result(render, self, &call, ret_value, err);
}

static rc call_load_result(struct render *render, void *self, const struct arguments *arguments,
                           struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"name"};
    struct value v;
    TRY(arguments_bind(render, "load_result", arguments, names, 1, 1, &v, err));
    if (v.kind != VALUE_STR) {
        *ret_value = value_none();
        return RC_OK;
    }
    const struct value found = dict_get_str(scope->results, value_text(v));
    if (found.kind == VALUE_NONE)
        return render_throw(render, err, "CompilationError",
                            "the result '%.*s' was loaded already: it can be loaded once",
                            (int)v.length, v.bytes);
    *ret_value = found.kind == VALUE_MISSING ? value_none() : found;
    if (found.kind == VALUE_DICT && !str_is(value_text(v), "main"))
        dict_set_str(scope->results, value_text(v), value_none());
    return RC_OK;
}

static rc call_write(struct render *render, void *self, const struct arguments *arguments,
                     struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"payload"};
    struct value v;
    TRY(arguments_bind(render, "write", arguments, names, 1, 1, &v, err));
    struct str text, path;
    TRY(value_to_str(render, scope->arena, v, &text, err));
    if (scope->phase == PHASE_RUN && scope->node != NULL && scope->node->build_path.length > 0) {
        TRY(transform_path(scope->t, scope->arena, scope->node->build_path, &path, err));
        TRY(fs_make_folders(fs_parent(path), err));
        TRY(fs_write(path, text, (struct fs_write_options){0}, err));
    }
    *ret_value = VALUE_STR_LITERAL("");
    return RC_OK;
}

static rc call_render(struct render *render, void *self, const struct arguments *arguments,
                      struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    static const char *const names[] = {"string"};
    struct value v;
    TRY(arguments_bind(render, "render", arguments, names, 1, 1, &v, err));
    struct str text;
    TRY(value_to_str(render, scope->arena, v, &text, err));
    TRY(scope_render_text(scope, text, node_id(scope), &text, err));
    *ret_value = value_str(text);
    return RC_OK;
}

static rc call_try_or_error(struct render *render, void *self, const struct arguments *arguments,
                            struct value *ret_value, struct err *err)
{
    (void)self;
    if (arguments->count < 2)
        return render_throw(render, err, "TypeError",
                            "try_or_compiler_error() wants a message and a function");
    const struct arguments call = {.items = arguments->items + 2,
                                   .count = arguments->count - 2,
                                   .keywords = arguments->keywords,
                                   .keyword_count = arguments->keyword_count};
    struct err ignored;
    if (render_call(render, arguments->items[1], &call, ret_value, &ignored) == RC_OK)
        return RC_OK;
    struct str text;
    TRY(value_to_str(render, render_arena(render), arguments->items[0], &text, err));
    return render_throw(render, err, "CompilationError", "%.*s", STR_ARGS(text));
}

static rc call_sql_now(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    (void)self, (void)arguments, (void)err;
    *ret_value = value_str(time_format(render_arena(render), time_now_us(), TIME_ISO_NAIVE));
    return RC_OK;
}

static rc call_refused(struct render *render, void *self, const struct arguments *arguments,
                       struct value *ret_value, struct err *err)
{
    (void)self, (void)arguments, (void)ret_value;
    return render_throw(render, err, "CompilationError",
                        "metric(), function() and python jobs are not offered by this version");
}

// ---- exceptions

static rc exception_text(struct render *render, const struct arguments *arguments,
                         struct str *ret_text, struct err *err)
{
    *ret_text = STR("");
    if (arguments->count > 0)
        return value_to_str(render, render_arena(render), arguments->items[0], ret_text, err);
    for (size_t i = 0; i < arguments->keyword_count; i++)
        if (str_is(arguments->keywords[i].name, "msg"))
            return value_to_str(render, render_arena(render), arguments->keywords[i].value,
                                ret_text, err);
    return RC_OK;
}

static rc call_raise(struct render *render, void *self, const struct arguments *arguments,
                     struct value *ret_value, struct err *err)
{
    (void)ret_value, (void)self;
    struct str text;
    TRY(exception_text(render, arguments, &text, err));
    return render_throw(render, err, "CompilationError", "%.*s", STR_ARGS(text));
}

static rc call_warn(struct render *render, void *self, const struct arguments *arguments,
                    struct value *ret_value, struct err *err)
{
    struct scope *scope = self;
    struct str text;
    TRY(exception_text(render, arguments, &text, err));
    scope->t->warning_count++;
    log_warn("%.*s", STR_ARGS(text));
    *ret_value = VALUE_STR_LITERAL("");
    return RC_OK;
}

static struct value make_exceptions(struct scope *scope)
{
    static const char *const raising[] = {"raise_compiler_error",
                                          "raise_not_implemented",
                                          "missing_config",
                                          "missing_materialization",
                                          "missing_relation",
                                          "raise_ambiguous_alias",
                                          "raise_cache_inconsistent",
                                          "raise_dataclass_not_dict",
                                          "raise_database_error",
                                          "raise_dep_not_found",
                                          "raise_dependency_error",
                                          "raise_duplicate_patch_name",
                                          "raise_duplicate_resource_name",
                                          "raise_invalid_property_yml_version",
                                          "raise_contract_error",
                                          "column_type_missing",
                                          "raise_fail_fast_error",
                                          "relation_wrong_type"};
    const struct value dict = value_dict_new(scope->arena);
    for (size_t i = 0; i < sizeof raising / sizeof *raising; i++)
        dict_set_str(dict, str_of(raising[i]), bound(scope->arena, raising[i], call_raise, scope));
    dict_set_str(dict, STR("warn"), bound(scope->arena, "warn", call_warn, scope));
    dict_set_str(dict, STR("warn_snapshot_timestamp_data_types"),
                 bound(scope->arena, "warn", call_warn, scope));
    return dict;
}

// validation.any[...] checks types of configurations; every check passes.
static rc any_item(struct render *render, struct object *object, struct value key,
                   struct value *ret_value, struct err *err)
{
    (void)render, (void)key, (void)err;
    *ret_value = value_object(object);
    return RC_OK;
}

static rc any_attribute(struct render *render, struct object *object, struct str name,
                        struct value *ret_value, struct err *err)
{
    (void)render, (void)name, (void)err;
    *ret_value = value_object(object);
    return RC_OK;
}

static const struct object_class any_class = {
    .name = "Validator", .get_item = any_item, .get_attribute = any_attribute};

static struct value make_validation(struct scope *scope)
{
    struct object *object = ARENA_NEW(scope->arena, struct object);
    object->class = &any_class;
    return value_object(object);
}

static struct value make_builtins(struct scope *scope)
{
    const struct value dict = value_dict_new(scope->arena);
    dict_set_str(dict, STR("ref"), bound(scope->arena, "ref", call_ref, scope));
    dict_set_str(dict, STR("source"), bound(scope->arena, "source", call_source, scope));
    dict_set_str(dict, STR("config"), make_config(scope));
    return dict;
}

const struct scope_name scope_node_names[] = {
    {"ref", call_ref, .phases = NODES},
    {"source", call_source, .phases = NODES},
    {"config", .make = make_config, .phases = NODES},
    {"this", .make = make_this, .phases = NODES},
    {"model", .make = make_model, .phases = NODES},
    {"execute", .make = make_execute, .phases = NODES},
    {"database", .make = make_database, .phases = NODES},
    {"schema", .make = make_schema, .phases = NODES},
    {"graph", .make = make_graph, .phases = NODES},
    {"selected_resources", .make = make_selected, .phases = NODES},
    {"invocation_args_dict", .make = make_empty_dict, .phases = NODES},
    {"dbt_metadata_envs", .make = make_empty_dict, .phases = NODES},
    {"sql", .make = make_empty_text, .phases = NODES},
    {"pre_hooks", .make = make_empty_text, .phases = IN_PARSE},
    {"post_hooks", .make = make_empty_text, .phases = IN_PARSE},
    {"context_macro_stack", call_macro_stack, .phases = NODES},
    {"store_result", call_store_result, .phases = NODES},
    {"store_raw_result", call_store_raw_result, .phases = NODES},
    {"load_result", call_load_result, .phases = NODES},
    {"write", call_write, .phases = NODES},
    {"render", call_render, .phases = NODES},
    {"try_or_compiler_error", call_try_or_error, .phases = NODES},
    {"sql_now", call_sql_now, .phases = NODES},
    {"metric", call_refused, .phases = NODES},
    {"function", call_refused, .phases = NODES},
    {"submit_python_job", call_refused, .phases = NODES},
    {"exceptions", .make = make_exceptions, .phases = NODES},
    {"validation", .make = make_validation, .phases = NODES},
    {"builtins", .make = make_builtins, .phases = NODES},
    {NULL, NULL, NULL, 0},
};
