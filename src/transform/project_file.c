#include "transform/project_file.h"

#include <stdlib.h>

#include "base/fs.h"
#include "project/project.h"
#include "transform/session.h"
#include "transform/yaml_value.h"

static const char *const not_rendered[] = {
    "vars",      "on-run-start", "on-run-end", "query-comment", "pre-hook",
    "post-hook", "pre_hook",     "post_hook",  "+pre-hook",     "+post-hook",
    "+pre_hook", "+post_hook",   NULL};

static const char *const known_keys[] = {"name",
                                         "config-version",
                                         "version",
                                         "profile",
                                         "model-paths",
                                         "macro-paths",
                                         "seed-paths",
                                         "test-paths",
                                         "analysis-paths",
                                         "docs-paths",
                                         "asset-paths",
                                         "function-paths",
                                         "osi-paths",
                                         "snapshot-paths",
                                         "target-path",
                                         "log-path",
                                         "packages-install-path",
                                         "clean-targets",
                                         "quoting",
                                         "on-run-start",
                                         "on-run-end",
                                         "require-dbt-version",
                                         "dispatch",
                                         "models",
                                         "seeds",
                                         "snapshots",
                                         "analyses",
                                         "sources",
                                         "tests",
                                         "data_tests",
                                         "unit_tests",
                                         "metrics",
                                         "semantic-models",
                                         "saved-queries",
                                         "exposures",
                                         "functions",
                                         "vars",
                                         "query-comment",
                                         "restrict-access",
                                         "dbt-cloud",
                                         "flags",
                                         "packages",
                                         "source-paths",
                                         "data-paths"};

static rc check_keys(const struct yaml *root, struct err *err)
{
    struct str names[sizeof known_keys / sizeof *known_keys];
    const size_t count = sizeof known_keys / sizeof *known_keys;
    for (size_t i = 0; i < count; i++)
        names[i] = str_of(known_keys[i]);
    return yaml_check_keys(root, names, count, err);
}

// A list of texts; one text counts as a list of one.
static rc text_list(struct scope *scope, const struct yaml *node, const char *fallback,
                    str_vec *ret_list, struct err *err)
{
    str_vec list = {0};
    if (yaml_is_null(node)) {
        if (fallback != NULL)
            *vec_push(scope->t->arena, &list) = str_of(fallback);
    } else if (node->kind == YAML_SEQ) {
        for (size_t i = 0; i < node->count; i++) {
            struct str text;
            TRY(yaml_to_text(node->items[i], "a list of texts", &text, err));
            TRY(scope_render_text(scope, text, str_of(node->place), &text, err));
            *vec_push(scope->t->arena, &list) = text;
        }
    } else {
        struct str text;
        TRY(yaml_text_rendered(scope, node, STR(""), &text, err));
        *vec_push(scope->t->arena, &list) = text;
    }
    *ret_list = list;
    return RC_OK;
}

static rc hook_list(struct arena *arena, const struct yaml *node, str_vec *ret_list,
                    struct err *err)
{
    str_vec list = {0};
    if (!yaml_is_null(node) && node->kind == YAML_SEQ) {
        for (size_t i = 0; i < node->count; i++)
            TRY(yaml_to_str(node->items[i], "a hook", vec_push(arena, &list), err));
    } else if (!yaml_is_null(node)) {
        TRY(yaml_to_str(node, "a hook", vec_push(arena, &list), err));
    }
    *ret_list = list;
    return RC_OK;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.length; i++) {
        const unsigned char c = (unsigned char)name.bytes[i];
        const bool is_digit = c >= '0' && c <= '9';
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80 ||
              (is_digit && i > 0)))
            return false;
    }
    return name.length > 0;
}

static struct value tree(struct value root, const char *key, const char *other)
{
    struct value value = dict_get_str(root, str_of(key));
    if (value.kind != VALUE_DICT && other != NULL)
        value = dict_get_str(root, str_of(other));
    return value.kind == VALUE_DICT ? value : value_missing();
}

static rc read_paths(struct scope *scope, const struct yaml *root, struct package *package,
                     struct err *err)
{
    const struct {
        const char *key, *fallback;
        str_vec *list;
    } paths[] = {{"model-paths", "models", &package->model_paths},
                 {"seed-paths", "seeds", &package->seed_paths},
                 {"test-paths", "tests", &package->test_paths},
                 {"analysis-paths", "analyses", &package->analysis_paths},
                 {"macro-paths", "macros", &package->macro_paths},
                 {"clean-targets", NULL, &package->clean_targets}};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        TRY(text_list(scope, yaml_get(root, str_of(paths[i].key)), paths[i].fallback, paths[i].list,
                      err));
    TRY(yaml_text_rendered(scope, yaml_get(root, STR("target-path")), STR("target"),
                           &package->target_path, err));
    return yaml_text_rendered(scope, yaml_get(root, STR("packages-install-path")),
                              STR("dbt_packages"), &package->packages_path, err);
}

static rc read_trees(struct scope *scope, const struct yaml *root, struct package *package,
                     struct err *err)
{
    struct value all;
    TRY(yaml_value_rendered(scope, root, not_rendered, &all, err));
    package->configs[NODE_MODEL] = tree(all, "models", NULL);
    package->configs[NODE_SEED] = tree(all, "seeds", NULL);
    package->configs[NODE_TEST] = tree(all, "data_tests", "tests");
    package->configs[NODE_ANALYSIS] = tree(all, "analyses", NULL);
    package->configs[NODE_SOURCE] = tree(all, "sources", NULL);
    package->quoting = tree(all, "quoting", NULL);
    package->vars = tree(all, "vars", NULL);
    const struct value dispatch = dict_get_str(all, STR("dispatch"));
    package->dispatch = dispatch.kind == VALUE_LIST ? dispatch : value_list_new(scope->arena, 0);
    return RC_OK;
}

static rc read_project(struct transform *t, struct str folder, bool is_root,
                       struct package **ret_package, struct err *err)
{
    struct str path;
    TRY(fs_join(t->arena, folder, STR("dbt_project.yml"), &path, err));
    if (!fs_exists(path)) {
        err_set(err, RC_NOT_FOUND, "%.*s has no dbt_project.yml", STR_ARGS(folder));
        return err_hint(err, "give the folder of a dbt project with --project-dir");
    }
    const struct yaml *root;
    TRY(yaml_load(t->arena, path, &root, err));
    if (root->kind != YAML_MAP)
        return yaml_error(err, root, RC_CONFIG, "expected a mapping, found %s",
                          yaml_kind_name(root->kind));
    TRY(check_keys(root, err));
    struct package *package = ARENA_NEW(t->arena, struct package);
    package->is_root = is_root;
    package->folder = folder;
    map_init(&package->macros, t->arena);
    struct scope scope;
    scope_init(&scope, t, t->arena, PHASE_YAML, NULL);
    scope.package = package;
    const struct yaml *name;
    TRY(yaml_require(root, "name", &name, err));
    TRY(yaml_text_rendered(&scope, name, STR(""), &package->name, err));
    if (!is_name(package->name))
        return yaml_error(err, name, RC_CONFIG,
                          "a project's name has letters, digits and _ only, found '%.*s'",
                          STR_ARGS(package->name));
    TRY(yaml_text_rendered(&scope, yaml_get(root, STR("version")), STR(""), &package->version,
                           err));
    TRY(yaml_text_rendered(&scope, yaml_get(root, STR("profile")), STR(""), &package->profile_name,
                           err));
    TRY(read_paths(&scope, root, package, err));
    TRY(hook_list(t->arena, yaml_get(root, STR("on-run-start")), &package->on_run_start, err));
    TRY(hook_list(t->arena, yaml_get(root, STR("on-run-end")), &package->on_run_end, err));
    // Vars must stand before anything that may call var() is rendered.
    package->vars = yaml_value(t->arena, yaml_get(root, STR("vars")));
    TRY(read_trees(&scope, root, package, err));
    *ret_package = package;
    return RC_OK;
}

// ---- profiles.yml

static struct str profiles_folder(const struct transform *t)
{
    if (t->options->profiles_folder.length > 0)
        return t->options->profiles_folder;
    const char *env = getenv("DBT_PROFILES_DIR");
    if (env != NULL && *env != '\0')
        return str_of(env);
    struct err ignored;
    struct str path;
    if (fs_join(t->arena, t->folder, STR("profiles.yml"), &path, &ignored) == RC_OK &&
        fs_exists(path))
        return t->folder;
    if (fs_exists(STR("profiles.yml")))
        return STR(".");
    const char *home = getenv("HOME");
    return home != NULL ? arena_printf(t->arena, "%s/.dbt", home) : STR(".");
}

static rc find_profile(struct transform *t, const struct yaml *root, struct str name,
                       const struct yaml **ret_profile, struct err *err)
{
    const struct yaml *profile = yaml_get(root, name);
    if (profile != NULL) {
        *ret_profile = profile;
        return RC_OK;
    }
    err_set_at(err, RC_CONFIG, root->place, 0, 0, "there is no profile '%.*s'", STR_ARGS(name));
    str_vec names = {0};
    for (size_t i = 0; root->kind == YAML_MAP && i < root->count; i++)
        *vec_push(t->arena, &names) = root->members[i].key->text;
    const struct str list = str_join(t->arena, names.items, names.count, STR(", "));
    return err_hint(err, "profiles in that file: %.*s", STR_ARGS(list));
}

static struct str setting(struct value settings, const char *key, const char *other)
{
    struct value value = dict_get_str(settings, str_of(key));
    if (value.kind != VALUE_STR && other != NULL)
        value = dict_get_str(settings, str_of(other));
    return value.kind == VALUE_STR ? value_text(value) : STR("");
}

// dbt-duckdb calls the database by the file's name without its folder and ending.
static struct str database_of(struct str path)
{
    if (path.length == 0 || str_is(path, ":memory:"))
        return STR("memory");
    struct str name = fs_base_name(path);
    const size_t point = str_find_byte(name, '.');
    return point == SIZE_MAX || point == 0 ? name : str_slice(name, 0, point);
}

// `type: moulin`: the engine of the environment, its settings over those of the output.
static rc take_environment(struct transform *t, const struct yaml *output, struct err *err)
{
    struct profile *profile = &t->profile;
    if (t->options->project == NULL)
        return yaml_error(err, output, RC_CONFIG,
                          "type moulin needs a moulin.yml in this folder or above it");
    const struct project_environment *environment = t->options->project->environment;
    profile->class = adapter_class_of(environment->engine.type);
    if (profile->class == NULL)
        return yaml_error(err, output, RC_CONFIG, "no adapter for an engine of type '%.*s'",
                          STR_ARGS(environment->engine.type));
    if (!profile->class->sends_sql)
        return RC_OK;
    const struct value merged = value_dict_new(t->arena);
    // Tables that change at once, and the same strategies as on the embedded engine.
    dict_set_str(merged, STR("on_table_exists"), VALUE_STR_LITERAL("replace"));
    dict_set_str(merged, STR("incremental_strategy"), VALUE_STR_LITERAL("by_key"));
    size_t at = 0;
    struct dict_entry *entry;
    while (profile->settings.kind == VALUE_DICT && dict_next(profile->settings, &at, &entry))
        dict_set_str(merged, value_text(entry->key), entry->value);
    const struct json *engine = &environment->engine.properties;
    for (size_t i = 0; i < engine->count; i++)
        dict_set_str(merged, engine->members[i].key,
                     value_of_json(t->arena, &engine->members[i].value));
    profile->settings = merged;
    return RC_OK;
}

static struct str default_schema(const struct profile *profile)
{
    return profile->is_moulin ? STR("analytics") : STR("main");
}

static struct str default_database(const struct profile *profile)
{
    if (str_is(profile->type, "trino"))
        return STR("iceberg");
    if (str_is(profile->type, "athena"))
        return STR("awsdatacatalog");
    return profile->is_moulin ? STR("lake") : database_of(profile->path);
}

static rc fill_profile(struct transform *t, const struct yaml *output, struct value settings,
                       struct err *err)
{
    struct profile *profile = &t->profile;
    profile->settings = settings;
    const struct str type = setting(settings, "type", NULL);
    profile->is_moulin = str_is(type, "moulin");
    if (profile->is_moulin)
        TRY(take_environment(t, output, err));
    else
        profile->class = adapter_class_of(type);
    if (profile->class == NULL || (!profile->is_moulin && str_is(type, "embedded"))) {
        yaml_error(err, output, RC_CONFIG, "no adapter for a profile of type '%.*s'",
                   STR_ARGS(type));
        return err_hint(err, "types: moulin (the engine of moulin.yml), duckdb, trino, athena");
    }
    settings = profile->settings;
    profile->type = str_of(profile->class->type);
    profile->path = setting(settings, "path", NULL);
    profile->schema = setting(settings, "schema", "dataset");
    if (profile->schema.length == 0 && profile->class->sends_sql && !profile->is_moulin)
        return yaml_error(err, output, RC_CONFIG, "an output of type %.*s needs the key 'schema'",
                          STR_ARGS(type));
    if (profile->schema.length == 0)
        profile->schema = default_schema(profile);
    // what is built goes to throw-away schemas; macros that look at target.schema see that too
    profile->schema = str_concat(t->arena, t->options->namespace_prefix, profile->schema);
    profile->schema = transform_schema(t, profile->schema);
    profile->database = setting(settings, "database", "catalog");
    if (profile->database.length == 0)
        profile->database = default_database(profile);
    const struct value threads = dict_get_str(settings, STR("threads"));
    profile->threads = threads.kind == VALUE_INT && threads.integer > 0 ? threads.integer : 1;
    if (t->options->threads > 0)
        profile->threads = t->options->threads;
    profile->place =
        arena_printf(t->arena, "%s, target %.*s", output->place, STR_ARGS(profile->target_name));
    return RC_OK;
}

static rc read_profile(struct transform *t, struct err *err)
{
    const struct str folder = profiles_folder(t);
    struct str path;
    TRY(fs_join(t->arena, folder, STR("profiles.yml"), &path, err));
    if (!fs_exists(path)) {
        err_set(err, RC_NOT_FOUND, "no profiles.yml in %.*s", STR_ARGS(folder));
        return err_hint(err, "give its folder with --profiles-dir or DBT_PROFILES_DIR");
    }
    const struct yaml *root, *profile, *output;
    TRY(yaml_load(t->arena, path, &root, err));
    struct str name = t->options->profile;
    if (name.length == 0)
        name = t->root->profile_name;
    if (name.length == 0)
        return err_set_at(err, RC_CONFIG, "dbt_project.yml", 0, 0, "the key 'profile' is missing");
    TRY(find_profile(t, root, name, &profile, err));
    struct scope scope;
    scope_init(&scope, t, t->arena, PHASE_YAML, NULL);
    struct str target = t->options->target;
    if (target.length == 0)
        TRY(yaml_text_rendered(&scope, yaml_get(profile, STR("target")), STR("default"), &target,
                               err));
    const struct yaml *outputs;
    TRY(yaml_require(profile, "outputs", &outputs, err));
    output = yaml_get(outputs, target);
    // In a moulin.yml project its environment is a target, named in the profile or not.
    if (output == NULL && t->options->project != NULL && outputs->count > 0 &&
        str_equal(t->options->project->environment->name, target) &&
        str_is(yaml_str(yaml_get(outputs->members[0].value, STR("type")), STR("")), "moulin"))
        output = outputs->members[0].value;
    if (output == NULL || output->kind != YAML_MAP) {
        yaml_error(err, outputs, RC_CONFIG, "profile '%.*s' has no output '%.*s'", STR_ARGS(name),
                   STR_ARGS(target));
        return err_hint(err, "a target is an output of profiles.yml or, with type moulin, an "
                             "environment of moulin.yml");
    }
    struct value settings;
    TRY(yaml_value_rendered(&scope, output, NULL, &settings, err));
    t->profile.name = name;
    t->profile.target_name = target;
    return fill_profile(t, output, settings, err);
}

// ---- packages

static rc add_package(struct transform *t, struct str folder, struct err *err)
{
    struct package *package;
    TRY(read_project(t, folder, false, &package, err));
    for (size_t i = 0; i < t->packages.count; i++)
        if (str_equal(t->packages.items[i]->name, package->name))
            return err_set(err, RC_CONFIG, "two packages are called '%.*s': %.*s and %.*s",
                           STR_ARGS(package->name), STR_ARGS(t->packages.items[i]->folder),
                           STR_ARGS(folder));
    *vec_push(t->arena, &t->packages) = package;
    return RC_OK;
}

// Local packages of packages.yml need no installation: they are read where they are.
static rc add_local_packages(struct transform *t, size_t *ret_listed, struct err *err)
{
    *ret_listed = 0;
    static const char *const files[] = {"packages.yml", "dependencies.yml"};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        struct str path;
        TRY(fs_join(t->arena, t->folder, str_of(files[f]), &path, err));
        if (!fs_exists(path))
            continue;
        const struct yaml *root;
        TRY(yaml_load(t->arena, path, &root, err));
        const struct yaml *list = yaml_get(root, STR("packages"));
        for (size_t i = 0; list != NULL && list->kind == YAML_SEQ && i < list->count; i++) {
            ++*ret_listed;
            const struct str local = yaml_str(yaml_get(list->items[i], STR("local")), STR(""));
            if (local.length == 0)
                continue;
            struct str folder = local;
            if (local.bytes[0] != '/')
                folder = arena_printf(t->arena, "%.*s/%.*s", STR_ARGS(t->folder), STR_ARGS(local));
            TRY_CONTEXT(add_package(t, folder, err), err, "package %.*s", STR_ARGS(local));
        }
    }
    return RC_OK;
}

static rc read_packages(struct transform *t, struct err *err)
{
    size_t listed;
    TRY(add_local_packages(t, &listed, err));
    struct str folder;
    TRY(fs_join(t->arena, t->folder, t->root->packages_path, &folder, err));
    const size_t local = t->packages.count - 1;
    if (fs_is_folder(folder)) {
        str_vec names = {0};
        TRY(fs_list(t->arena, folder, &names, err));
        for (size_t i = 0; i < names.count; i++) {
            struct str package, file;
            TRY(fs_join(t->arena, folder, names.items[i], &package, err));
            TRY(fs_join(t->arena, package, STR("dbt_project.yml"), &file, err));
            if (!fs_exists(file))
                continue;
            // What `dbt deps` linked for a local package is the same package again.
            struct package *found;
            TRY(read_project(t, package, false, &found, err));
            if (transform_package(t, found->name) == NULL)
                *vec_push(t->arena, &t->packages) = found;
        }
    }
    if (listed > local && t->packages.count - 1 < listed) {
        err_set(err, RC_CONFIG, "packages.yml lists %zu packages, %zu are installed in %.*s",
                listed, t->packages.count - 1, STR_ARGS(folder));
        return err_hint(err, "install them with dbt deps, or copy them there");
    }
    return RC_OK;
}

static rc read_cli_vars(struct transform *t, struct err *err)
{
    t->cli_vars = value_dict_new(t->arena);
    if (t->options->vars.length == 0)
        return RC_OK;
    const struct yaml *root;
    TRY(yaml_parse(t->arena, t->options->vars, "--vars", &root, err));
    if (root->kind != YAML_MAP) {
        yaml_error(err, root, RC_USAGE, "expected a mapping, found %s", yaml_kind_name(root->kind));
        return err_hint(err, "for example --vars '{start: 2020-01-01}'");
    }
    t->cli_vars = yaml_value(t->arena, root);
    return RC_OK;
}

static struct value make_target(struct transform *t)
{
    const struct profile *profile = &t->profile;
    const struct value target = value_dict_new(t->arena);
    size_t at = 0;
    struct dict_entry *entry;
    while (profile->settings.kind == VALUE_DICT && dict_next(profile->settings, &at, &entry)) {
        const struct str key = value_text(entry->key);
        static const char *const secrets[] = {"password",
                                              "pass",
                                              "token",
                                              "jwt_token",
                                              "http_headers",
                                              "aws_secret_access_key",
                                              "aws_session_token",
                                              NULL};
        bool is_secret = false;
        for (const char *const *secret = secrets; *secret != NULL; secret++)
            is_secret |= str_is(key, *secret);
        if (!is_secret)
            dict_set_str(target, key, entry->value);
    }
    dict_set_str(target, STR("name"), value_str(profile->target_name));
    dict_set_str(target, STR("target_name"), value_str(profile->target_name));
    dict_set_str(target, STR("profile_name"), value_str(profile->name));
    dict_set_str(target, STR("type"), value_str(profile->type));
    dict_set_str(target, STR("database"), value_str(profile->database));
    dict_set_str(target, STR("schema"), value_str(profile->schema));
    dict_set_str(target, STR("threads"), value_int(profile->threads));
    return target;
}

rc project_file_load(struct transform *t, struct err *err)
{
    TRY(read_cli_vars(t, err));
    t->target = value_dict_new(t->arena);
    // The project's own `{{ target.name }}` needs the profile, whose name stands in the project:
    // the profile's name is read first, without rendering.
    struct str path;
    TRY(fs_join(t->arena, t->folder, STR("dbt_project.yml"), &path, err));
    if (fs_exists(path)) {
        const struct yaml *root;
        TRY(yaml_load(t->arena, path, &root, err));
        struct package early = {.profile_name = yaml_str(yaml_get(root, STR("profile")), STR(""))};
        struct scope scope;
        scope_init(&scope, t, t->arena, PHASE_YAML, NULL);
        TRY(scope_render_text(&scope, early.profile_name, str_of(root->place), &early.profile_name,
                              err));
        t->root = &early;
        const rc result = read_profile(t, err);
        t->root = NULL;
        if (result != RC_OK)
            return result;
        t->target = make_target(t);
    }
    TRY(read_project(t, t->folder, true, &t->root, err));
    *vec_push(t->arena, &t->packages) = t->root;
    return read_packages(t, err);
}

static bool var_in(struct value vars, struct str section, struct str name, struct value *ret_value)
{
    if (vars.kind != VALUE_DICT)
        return false;
    if (section.length > 0) {
        const struct value own = dict_get_str(vars, section);
        if (own.kind != VALUE_DICT)
            return false;
        *ret_value = dict_get_str(own, name);
    } else {
        *ret_value = dict_get_str(vars, name);
    }
    return ret_value->kind != VALUE_MISSING;
}

bool project_var(const struct transform *t, const struct package *package, struct str name,
                 struct value *ret_value)
{
    if (var_in(t->cli_vars, STR(""), name, ret_value))
        return true;
    const struct package *own = package != NULL ? package : t->root;
    if (t->root != NULL && own != NULL &&
        (var_in(t->root->vars, own->name, name, ret_value) ||
         var_in(t->root->vars, STR(""), name, ret_value)))
        return true;
    return own != NULL && (var_in(own->vars, own->name, name, ret_value) ||
                           var_in(own->vars, STR(""), name, ret_value));
}
