#include "project/project.h"

#include <ctype.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/jsonschema.h"
#include "base/yaml.h"
#include "project/moulin_schema.gen.h"
#include "project/project_check.h"
#include "project/render.h"
#include "project/secrets.h"

// moulin.yml is read in three steps: the whole file against its schema (templates fit everywhere),
// then the parts of the chosen environment rendered and checked again, then made into structs. So
// an environment that is not used needs neither its variables nor its secrets.

struct reader {
    struct arena *arena;
    struct project *project;
    const struct jsonschema *schema;
    const struct yaml *root;
    struct err *err;
};

static rc find_file(struct reader *r, struct str folder)
{
    struct project *project = r->project;
    TRY(fs_absolute(r->arena, folder.length > 0 ? folder : STR("."), &project->folder, r->err));
    TRY(fs_join(r->arena, project->folder, STR("moulin.yml"), &project->file, r->err));
    TRY(fs_join(r->arena, project->folder, STR(".moulin"), &project->state_folder, r->err));
    // Messages show the path as the person would type it.
    if (folder.length == 0 || str_is(folder, "."))
        project->file = STR("moulin.yml");
    else
        TRY(fs_join(r->arena, folder, STR("moulin.yml"), &project->file, r->err));
    return RC_OK;
}

static rc load_file(struct reader *r)
{
    struct str path, text;
    TRY(fs_join(r->arena, r->project->folder, STR("moulin.yml"), &path, r->err));
    rc code = fs_read(r->arena, path, PROJECT_MAX_FILE_BYTES, &text, r->err);
    if (code == RC_NOT_FOUND) {
        err_set(r->err, RC_NOT_FOUND, "there is no moulin.yml in %.*s",
                STR_ARGS(r->project->folder));
        return err_hint(r->err, "go to the project's folder, name it with --project-dir, or make "
                                "one with moulin init");
    }
    TRY(code);
    code = yaml_parse(r->arena, text, arena_cstr(r->arena, r->project->file), &r->root, r->err);
    if (code == RC_INVALID)
        r->err->code = code = RC_CONFIG;
    TRY(code);
    return jsonschema_compile(r->arena, (struct str){moulin_schema, moulin_schema_length},
                              "moulin.schema.json", &r->schema, r->err);
}

static rc unknown_environment(struct reader *r, const struct yaml *environments, struct str name,
                              const struct yaml *at)
{
    str_vec names = {0};
    for (size_t i = 0; i < environments->count; i++)
        *vec_push(r->arena, &names) = environments->members[i].key->text;
    const struct str list = str_join(r->arena, names.items, names.count, STR(", "));
    yaml_error(r->err, at != NULL ? at : environments, RC_CONFIG,
               "there is no environment '%.*s' (there is %.*s)", STR_ARGS(name), STR_ARGS(list));
    const size_t near = str_nearest(name, names.items, names.count);
    if (near != SIZE_MAX)
        return err_hint(r->err, "did you mean %.*s?", STR_ARGS(names.items[near]));
    return RC_CONFIG;
}

/// The environment of the call, else default_environment, else the only one.
static rc choose_environment(struct reader *r, struct str wanted, struct str *ret_name)
{
    const struct yaml *environments = yaml_get(r->root, STR("environments"));
    const struct yaml *fallback = yaml_get(r->root, STR("default_environment"));
    struct str name = wanted.length > 0 ? wanted : yaml_str(fallback, STR(""));
    if (name.length == 0 && environments->count == 1)
        name = environments->members[0].key->text;
    if (name.length == 0)
        return yaml_error(r->err, environments, RC_CONFIG,
                          "moulin.yml has no default_environment: name one with --env");
    if (yaml_get(environments, name) == NULL)
        return unknown_environment(r, environments, name, wanted.length > 0 ? NULL : fallback);
    *ret_name = name;
    return RC_OK;
}

/// A copy of the root whose `environments` holds only the chosen one.
static const struct yaml *root_of_environment(struct reader *r, struct str name)
{
    struct yaml *root = arena_copy(r->arena, r->root, sizeof *r->root);
    root->index = NULL;
    root->members = ARENA_ARRAY(r->arena, struct yaml_member, r->root->count);
    for (size_t i = 0; i < root->count; i++) {
        root->members[i] = r->root->members[i];
        if (!str_is(root->members[i].key->text, "environments"))
            continue;
        struct yaml *only = arena_copy(r->arena, root->members[i].value, sizeof *only);
        only->index = NULL;
        only->members = ARENA_NEW(r->arena, struct yaml_member);
        only->members[0] = *yaml_member_of(root->members[i].value, name);
        only->count = 1;
        root->members[i].value = only;
    }
    return root;
}

/// vars of the file (rendered, so they may use env_var), those of the command line over them.
static rc take_vars(struct reader *r, const struct project_options *options)
{
    struct project *project = r->project;
    const struct yaml *node = yaml_get(r->root, STR("vars"));
    project->vars = (struct json){.kind = JSON_OBJECT};
    if (!yaml_is_null(node)) {
        const struct yaml *rendered;
        TRY(project_render(project, r->arena, node, NULL, &rendered, r->err));
        project->vars = yaml_to_json(r->arena, rendered);
    }
    for (size_t i = 0; i < options->var_count; i++) {
        const struct yaml *value;
        const struct str_pair *var = &options->vars[i];
        TRY_CONTEXT(yaml_new_plain(r->arena, NULL, var->value, &value, r->err), r->err,
                    "--var %.*s", STR_ARGS(var->name));
        *json_object_set(r->arena, &project->vars, var->name) = yaml_to_json(r->arena, value);
    }
    return RC_OK;
}

static struct str without_slash(struct str text)
{
    while (text.length > 1 && text.bytes[text.length - 1] == '/')
        text.length--;
    return text;
}

/// A path relative to the project's folder as a file URI; URIs stay.
static rc as_uri(struct reader *r, struct str text, struct str *ret_uri)
{
    struct str path = text;
    if (str_find(text, STR("://")) != SIZE_MAX && !str_has_prefix(text, STR("file://"))) {
        *ret_uri = without_slash(text);
        return RC_OK;
    }
    if (str_has_prefix(text, STR("file://")))
        path = str_slice(text, strlen("file://"), SIZE_MAX);
    if (path.length == 0 || path.bytes[0] != '/')
        path = arena_printf(r->arena, "%.*s/%.*s", STR_ARGS(r->project->folder), STR_ARGS(path));
    TRY(fs_absolute(r->arena, path, &path, r->err));
    *ret_uri = str_concat(r->arena, STR("file://"), without_slash(path));
    return RC_OK;
}

/// "sqlite:///relative" -> "sqlite:////absolute", as SQLAlchemy counts slashes.
static rc as_catalog_uri(struct reader *r, struct str text, struct str *ret_uri)
{
    const struct str prefix = STR("sqlite:///");
    *ret_uri = text;
    if (!str_has_prefix(text, prefix))
        return RC_OK;
    struct str path = str_slice(text, prefix.length, SIZE_MAX);
    if (path.length == 0 || path.bytes[0] != '/')
        path = arena_printf(r->arena, "%.*s/%.*s", STR_ARGS(r->project->folder), STR_ARGS(path));
    TRY(fs_absolute(r->arena, path, &path, r->err));
    *ret_uri = str_concat(r->arena, prefix, path);
    return RC_OK;
}

static rc take_catalog(struct reader *r, const struct yaml *node,
                       struct project_environment *environment)
{
    const struct yaml *catalog = yaml_get(node, STR("catalog"));
    const struct str fallback = STR("sqlite:///warehouse/catalog.db");
    environment->catalog.type = yaml_str(yaml_get(catalog, STR("type")), STR("sql"));
    environment->catalog.name = yaml_str(yaml_get(catalog, STR("name")), STR("default"));
    environment->catalog.id = yaml_str(yaml_get(catalog, STR("catalog_id")), STR(""));
    environment->catalog.properties = (struct json){.kind = JSON_OBJECT};
    if (catalog != NULL)
        environment->catalog.properties = yaml_to_json(r->arena, catalog);
    const struct str uri = yaml_str(yaml_get(catalog, STR("uri")),
                                    str_is(environment->catalog.type, "sql") ? fallback : STR(""));
    return as_catalog_uri(r, uri, &environment->catalog.uri);
}

/// "2GB", "512 MiB" -> bytes. The schema has checked the form.
static int64_t bytes_of(struct str text)
{
    static const struct {
        const char *unit;
        int64_t bytes;
    } units[] = {{"KIB", INT64_C(1) << 10},
                 {"MIB", INT64_C(1) << 20},
                 {"GIB", INT64_C(1) << 30},
                 {"TIB", INT64_C(1) << 40},
                 {"KB", 1000},
                 {"MB", 1000000},
                 {"GB", 1000000000},
                 {"TB", 1000000000000}};
    size_t digits = 0;
    int64_t number = 0, product;
    while (digits < text.length && isdigit((unsigned char)text.bytes[digits]))
        digits++;
    if (!str_to_int64(str_slice(text, 0, digits), &number))
        return 0;
    const struct str unit = str_trim(str_slice(text, digits, SIZE_MAX));
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (str_equal_ignore_case(unit, str_of(units[i].unit)))
            return __builtin_mul_overflow(number, units[i].bytes, &product) ? INT64_MAX : product;
    return number;
}

static void take_engine(struct reader *r, const struct yaml *node,
                        struct project_environment *environment)
{
    const struct yaml *engine = yaml_get(node, STR("engine"));
    environment->engine.type = yaml_str(yaml_get(engine, STR("type")), STR("embedded"));
    environment->engine.threads = yaml_int64(yaml_get(engine, STR("threads")), 0);
    environment->engine.memory_bytes =
        bytes_of(yaml_str(yaml_get(engine, STR("memory_limit")), STR("")));
    environment->engine.properties = (struct json){.kind = JSON_OBJECT};
    if (engine != NULL)
        environment->engine.properties = yaml_to_json(r->arena, engine);
}

/// Where the catalog is Glue's, functions and tasks are in that account too.
static void take_workflows(struct reader *r, const struct yaml *node,
                           struct project_environment *environment)
{
    const struct yaml *workflows = yaml_get(node, STR("workflows"));
    const bool is_glue = str_is(environment->catalog.type, "glue");
    environment->workflows.type =
        yaml_str(yaml_get(workflows, STR("type")), is_glue ? STR("step_functions") : STR("local"));
    environment->workflows.state_machine =
        yaml_str(yaml_get(workflows, STR("state_machine")),
                 arena_printf(r->arena, "%.*s-{workflow}_pipeline", STR_ARGS(environment->name)));
}

static void take_secrets(struct reader *r, const struct yaml *node,
                         struct project_environment *environment)
{
    const struct yaml *secrets = yaml_get(node, STR("secrets"));
    environment->secrets.type = yaml_str(yaml_get(secrets, STR("type")), STR(""));
    const struct yaml *prefix = yaml_get(secrets, STR("prefix"));
    environment->secrets.prefix =
        prefix != NULL ? yaml_str(prefix, STR(""))
                       : arena_printf(r->arena, "%.*s-", STR_ARGS(environment->name));
}

/// `http: {replay: path}`: sources of this environment read recorded answers.
static rc take_http(struct reader *r, const struct yaml *node,
                    struct project_environment *environment)
{
    const struct str path = yaml_str(yaml_get(yaml_get(node, STR("http")), STR("replay")), STR(""));
    if (path.length == 0 || path.bytes[0] == '/') {
        environment->http.replay = path;
        return RC_OK;
    }
    return fs_join(r->arena, r->project->folder, path, &environment->http.replay, r->err);
}

static rc take_namespaces(struct reader *r, const struct yaml *node,
                          struct project_environment *environment)
{
    const struct yaml *map = yaml_get(node, STR("namespaces"));
    if (yaml_is_null(map))
        return RC_OK;
    environment->namespaces = ARENA_ARRAY(r->arena, struct project_namespace, map->count);
    for (size_t i = 0; i < map->count; i++) {
        struct project_namespace *entry = &environment->namespaces[i];
        entry->name = map->members[i].key->text;
        TRY(as_uri(r, yaml_str(yaml_get(map->members[i].value, STR("location")), STR("")),
                   &entry->location));
    }
    environment->namespace_count = map->count;
    return RC_OK;
}

/// `names:` of the file with those of the environment over them, and ${environment}.
static void take_names(struct reader *r, const struct yaml *root, const struct yaml *node,
                       struct project_environment *environment)
{
    const struct yaml *const maps[] = {yaml_get(root, STR("names")), yaml_get(node, STR("names"))};
    environment->names = (struct json){.kind = JSON_OBJECT};
    *json_object_set(r->arena, &environment->names, STR("environment")) =
        json_of_str(environment->name);
    for (size_t m = 0; m < 2; m++)
        for (size_t i = 0; maps[m] != NULL && i < maps[m]->count; i++)
            *json_object_set(r->arena, &environment->names, maps[m]->members[i].key->text) =
                yaml_to_json(r->arena, maps[m]->members[i].value);
}

/// Types that the schema knows, so that a project can describe its cloud environments, but that
/// nothing here can open: refused when such an environment is chosen, not when it is checked.
static rc check_type(struct reader *r, const struct yaml *node, const char *key, struct str type,
                     const char *const *known, const char *hint)
{
    for (; *known != NULL; known++)
        if (str_is(type, *known))
            return RC_OK;
    yaml_error(r->err, yaml_get(yaml_get(node, str_of(key)), STR("type")), RC_CONFIG,
               "%s of type '%.*s' cannot be used by this version", key, STR_ARGS(type));
    return err_hint(r->err, "%s", hint);
}

static rc check_lower(struct reader *r, const struct yaml *at, struct str name)
{
    const struct str lower = str_lower(r->arena, name);
    if (str_equal(lower, name))
        return RC_OK;
    yaml_error(r->err, at, RC_CONFIG,
               "'%.*s' cannot be part of a name in Glue, which keeps names in lower case",
               STR_ARGS(name));
    return err_hint(r->err, "write '%.*s'", STR_ARGS(lower));
}

/// Names of databases come from here, so a capital is a mistake of this file.
static rc check_glue_names(struct reader *r, const struct yaml *root, const struct yaml *node)
{
    const struct yaml *prefix = yaml_get(node, STR("namespace_prefix"));
    const struct yaml *landing = yaml_get(yaml_get(root, STR("landing")), STR("namespace"));
    const struct yaml *namespaces = yaml_get(node, STR("namespaces"));
    TRY(check_lower(r, prefix, yaml_str(prefix, STR(""))));
    TRY(check_lower(r, landing, yaml_str(landing, STR(""))));
    for (size_t i = 0; namespaces != NULL && i < namespaces->count; i++)
        TRY(check_lower(r, namespaces->members[i].key, namespaces->members[i].key->text));
    return RC_OK;
}

static rc check_types(struct reader *r, const struct yaml *node,
                      const struct project_environment *environment)
{
    static const char *const catalogs[] = {"sql", "filesystem", "glue", NULL};
    static const char *const engines[] = {"embedded", "athena", "trino", NULL};
    TRY(check_type(r, node, "catalog", environment->catalog.type, catalogs,
                   "types: sql, filesystem, glue"));
    return check_type(r, node, "engine", environment->engine.type, engines,
                      "types: embedded, athena, trino; a DuckDB file is named in profiles.yml with "
                      "type: duckdb");
}

static rc take_environment(struct reader *r, const struct yaml *root, struct str name)
{
    struct project *project = r->project;
    const struct yaml *node = yaml_get(yaml_get(root, STR("environments")), name);
    struct project_environment *environment = ARENA_NEW(r->arena, struct project_environment);
    environment->name = name;
    environment->region = yaml_str(yaml_get(node, STR("region")), STR(""));
    environment->profile = yaml_str(yaml_get(node, STR("profile")), STR(""));
    environment->endpoint_url = yaml_str(yaml_get(node, STR("endpoint_url")), STR(""));
    environment->role_arn = yaml_str(yaml_get(node, STR("role_arn")), STR(""));
    environment->namespace_prefix = yaml_str(yaml_get(node, STR("namespace_prefix")), STR(""));
    TRY(as_uri(r, yaml_str(yaml_get(node, STR("warehouse")), STR("")), &environment->warehouse));
    TRY(take_catalog(r, node, environment));
    take_engine(r, node, environment);
    take_secrets(r, node, environment);
    take_workflows(r, node, environment);
    TRY(take_http(r, node, environment));
    TRY(take_namespaces(r, node, environment));
    TRY(check_types(r, node, environment));
    if (str_is(environment->catalog.type, "glue"))
        TRY(check_glue_names(r, root, node));
    take_names(r, root, node, environment);
    project->environment = environment;
    return RC_OK;
}

/// The other environments are known by name only.
static void list_environments(struct reader *r)
{
    const struct yaml *map = yaml_get(r->root, STR("environments"));
    r->project->environments = ARENA_ARRAY(r->arena, struct project_environment, map->count);
    r->project->environment_count = map->count;
    for (size_t i = 0; i < map->count; i++)
        r->project->environments[i].name = map->members[i].key->text;
}

static void take_locals(struct reader *r, const struct yaml *root)
{
    const struct yaml *map = yaml_get(root, STR("local"));
    if (yaml_is_null(map))
        return;
    r->project->locals = ARENA_ARRAY(r->arena, struct project_local, map->count);
    r->project->local_count = map->count;
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml *result = yaml_get(map->members[i].value, STR("result"));
        r->project->locals[i].resource = map->members[i].key->text;
        r->project->locals[i].result =
            result != NULL ? yaml_to_json(r->arena, result) : (struct json){.kind = JSON_NULL};
    }
}

static void take_landing(struct reader *r, const struct yaml *root)
{
    struct project *project = r->project;
    const struct yaml *landing = yaml_get(root, STR("landing"));
    const struct str name = yaml_str(yaml_get(landing, STR("namespace")), STR("landing"));
    project->landing.namespace_name = project_namespace_of(project, r->arena, name);
    project->landing.format_version = (int)yaml_int64(yaml_get(landing, STR("format_version")), 2);
}

rc project_open(struct arena *arena, struct project_options options, struct project **ret_project,
                struct err *err)
{
    struct project *project = ARENA_NEW(arena, struct project);
    struct reader r = {.arena = arena, .project = project, .err = err};
    const struct yaml *root;
    struct str name;
    project->arena = arena;
    TRY(find_file(&r, options.folder));
    TRY(load_file(&r));
    TRY(jsonschema_check(r.schema, r.root, (struct jsonschema_options){.accepts_templates = true},
                         err));
    TRY(secrets_load(arena, project->folder, &project->secrets, err));
    project->secrets->project = project;
    TRY(take_vars(&r, &options));
    TRY(choose_environment(&r, options.environment, &name));
    TRY(project_render(project, arena, root_of_environment(&r, name), NULL, &root, err));
    TRY(jsonschema_check(r.schema, root, (struct jsonschema_options){0}, err));
    project->name = yaml_str(yaml_get(root, STR("name")), STR(""));
    list_environments(&r);
    TRY(take_environment(&r, root, name));
    take_locals(&r, root);
    take_landing(&r, root);
    *ret_project = project;
    return RC_OK;
}

rc project_path(const struct project *project, struct arena *arena, struct str name,
                struct str *ret_path, struct err *err)
{
    return fs_join(arena, project->folder, name, ret_path, err);
}

struct str project_namespace_of(const struct project *project, struct arena *arena, struct str name)
{
    return str_concat(arena, project->environment->namespace_prefix, name);
}

// ---- for `moulin check` -----------------------------------------------------------------------

static void find_wrong_templates(struct reader *r, const struct yaml *node,
                                 jsonschema_problem_vec *problems)
{
    struct err err;
    if (node->kind == YAML_STR && render_is_needed(node->text) &&
        render_check(r->arena, node, &err) != RC_OK && problems->count < JSONSCHEMA_MAX_PROBLEMS)
        *vec_push(r->arena, problems) = (struct jsonschema_problem){
            .place = node->place,
            .line = node->line,
            .column = node->column,
            .message = arena_str(r->arena, str_of(err.message)),
            .hint = arena_str(r->arena, str_of(err.hint)),
        };
    // Depth: yaml_parse has limited it.
    for (size_t i = 0; node->kind == YAML_MAP && i < node->count; i++)
        find_wrong_templates(r, node->members[i].value, problems);
    for (size_t i = 0; node->kind == YAML_SEQ && i < node->count; i++)
        find_wrong_templates(r, node->items[i], problems);
}

rc project_problems(struct arena *arena, struct str folder, jsonschema_problem_vec *ret_problems,
                    struct err *err)
{
    struct project *project = ARENA_NEW(arena, struct project);
    struct reader r = {.arena = arena, .project = project, .err = err};
    TRY(find_file(&r, folder));
    TRY(load_file(&r));
    TRY(jsonschema_validate(r.schema, arena, r.root,
                            (struct jsonschema_options){.accepts_templates = true}, ret_problems,
                            err));
    find_wrong_templates(&r, r.root, ret_problems);
    return RC_OK;
}

bool project_has_readable_secrets(const struct project *project)
{
    return project->secrets->root != NULL && project->secrets->is_readable_by_others;
}
