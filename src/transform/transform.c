#include "transform/transform.h"

#include "base/fs.h"
#include "base/random.h"
#include "base/time.h"
#include "project/project.h"
#include "transform/graph.h"
#include "transform/macros_athena.gen.h"
#include "transform/macros_core.gen.h"
#include "transform/macros_cross_database.gen.h"
#include "transform/macros_duckdb.gen.h"
#include "transform/macros_materializations.gen.h"
#include "transform/macros_sql_engine.gen.h"
#include "transform/macros_tests.gen.h"
#include "transform/macros_trino.gen.h"
#include "transform/parse.h"
#include "transform/project_file.h"
#include "transform/session.h"

static const struct statement_class statements[] = {
    {"materialization", "endmaterialization", HEADER_OPTIONS},
    {"test", "endtest", HEADER_SIGNATURE},
    {"data_test", "enddata_test", HEADER_SIGNATURE},
    {"docs", "enddocs", HEADER_NAME},
    {"snapshot", "endsnapshot", HEADER_NAME},
};

static void make_environments(struct transform *t)
{
    struct environment_options options = {
        .has_do = true,
        .has_loop_controls = true,
        .is_sandboxed = true,
        .has_typed_macros = true,
        .has_dbt_filters = true,
        .statements = statements,
        .statement_count = sizeof statements / sizeof *statements,
    };
    t->env = environment_new(t->arena, &options);
    options.native = NATIVE_DBT;
    t->native = environment_new(t->arena, &options);
}

static struct package *builtin_package(struct transform *t, const char *name)
{
    struct package *package = ARENA_NEW(t->arena, struct package);
    package->name = str_of(name);
    package->is_builtin = true;
    package->dispatch = value_list_new(t->arena, 0);
    map_init(&package->macros, t->arena);
    return package;
}

// The macros of an engine stand in the package of its adapter; what Trino and Athena have in common
// in both.
static rc load_builtins(struct transform *t, struct err *err)
{
    t->builtin = builtin_package(t, "dbt");
    t->builtin_adapter = builtin_package(t, t->profile.class->package);
    const struct {
        const char *package, *text;
        size_t length;
        const char *path;
    } files[] = {
        {"dbt", macros_core, macros_core_length, "dbt/macros/core.sql"},
        {"dbt", macros_materializations, macros_materializations_length,
         "dbt/macros/materializations.sql"},
        {"dbt", macros_tests, macros_tests_length, "dbt/macros/tests.sql"},
        {"dbt", macros_cross_database, macros_cross_database_length,
         "dbt/macros/cross_database.sql"},
        {"dbt_duckdb", macros_duckdb, macros_duckdb_length, "dbt/macros/duckdb.sql"},
        {"dbt_trino", macros_sql_engine, macros_sql_engine_length, "dbt/macros/sql_engine.sql"},
        {"dbt_trino", macros_trino, macros_trino_length, "dbt/macros/trino.sql"},
        {"dbt_athena", macros_sql_engine, macros_sql_engine_length, "dbt/macros/sql_engine.sql"},
        {"dbt_athena", macros_athena, macros_athena_length, "dbt/macros/athena.sql"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const bool is_core = str_is(STR("dbt"), files[i].package);
        if (!is_core && !str_is(t->builtin_adapter->name, files[i].package))
            continue;
        TRY_CONTEXT(parse_macros(t, is_core ? t->builtin : t->builtin_adapter,
                                 (struct str){files[i].text, files[i].length},
                                 str_of(files[i].path), err),
                    err, "built-in macros");
    }
    return RC_OK;
}

static void close_transform(void *object)
{
    transform_close(object);
}

// Whatever is wrong with a file of the project, a template's syntax or its YAML: the project is
// wrong and nothing was done. What the machine failed at stays what it is.
static rc as_mistake_of_the_project(rc code, struct err *err)
{
    const bool is_content = code == RC_INVALID || code == RC_FAILED;
    if (is_content && err != NULL)
        err->code = RC_CONFIG;
    return is_content ? RC_CONFIG : code;
}

/// target/ of the call; of a project that cannot be written (an image) it lies beside this
/// machine's notes about it.
static rc choose_target(struct transform *t, struct err *err)
{
    const struct transform_options *options = t->options;
    struct str folder;
    if (options->target_path.length > 0) {
        t->root->target_path = options->target_path;
        return RC_OK;
    }
    if (options->project == NULL || project_is_writable(options->project))
        return RC_OK;
    TRY(project_state_folder(options->project, t->arena, &folder, err));
    return fs_join(t->arena, folder, STR("target"), &t->root->target_path, err);
}

rc transform_open(struct arena *arena, struct transform_options *options,
                  struct transform **ret_transform, struct err *err)
{
    struct transform *t = ARENA_NEW(arena, struct transform);
    t->arena = arena;
    t->options = options;
    t->folder = options->project_folder.length > 0 ? options->project_folder : STR(".");
    t->started_us = options->now_us > 0 ? options->now_us : time_now_us();
    t->is_full_refresh = options->full_refresh;
    t->is_empty = options->empty;
    t->invocation_id = random_uuid(arena);
    map_init(&t->manifest.by_id, arena);
    map_init(&t->manifest.by_name, arena);
    map_init(&t->manifest.sources, arena);
    map_init(&t->manifest.disabled, arena);
    map_init(&t->manifest.docs, arena);
    map_init(&t->manifest.macros, arena);
    make_environments(t);
    TRY(as_mistake_of_the_project(project_file_load(t, err), err));
    TRY(load_builtins(t, err));
    TRY(choose_target(t, err));
    TRY(as_mistake_of_the_project(parse_project(t, err), err));
    TRY(graph_levels(t, err));
    arena_defer(arena, close_transform, t);
    *ret_transform = t;
    return RC_OK;
}

void transform_close(struct transform *t)
{
    if (t->adapter != NULL && t->adapter->class->close != NULL)
        t->adapter->class->close(t->adapter);
    t->adapter = NULL;
}

rc transform_add_inline(struct transform *t, struct str sql, struct node **ret_node,
                        struct err *err)
{
    const struct source_file file = {.package = t->root,
                                     .path = STR("from remote system.sql"),
                                     .original = STR("from remote system.sql")};
    struct node *node = parse_new_node(t, NODE_SQL_OPERATION, &file, STR("inline_query"));
    node->raw_code = sql;
    TRY(parse_sql_node(t, node, value_missing(), err));
    TRY(parse_edges(t, node, err));
    *ret_node = node;
    return RC_OK;
}

struct str transform_schema(const struct transform *t, struct str schema)
{
    const struct profile *profile = &t->profile;
    if (!profile->is_moulin || !profile->class->sends_sql)
        return schema;
    const struct str prefix = t->options->project->environment->namespace_prefix;
    return str_has_prefix(schema, prefix) ? schema : str_concat(t->arena, prefix, schema);
}

rc transform_path(const struct transform *t, struct arena *arena, struct str name,
                  struct str *ret_path, struct err *err)
{
    const struct str target = t->root->target_path;
    if (target.length == 0 || target.bytes[0] != '/' || !str_has_prefix(name, target))
        return fs_join(arena, t->folder, name, ret_path, err);
    const struct str below = str_slice(name, target.length, SIZE_MAX);
    if (below.length == 0) {
        *ret_path = target;
        return RC_OK;
    }
    return fs_join(arena, target, str_slice(below, 1, SIZE_MAX), ret_path, err);
}
