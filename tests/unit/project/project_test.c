// What project/project.h promises: environments, paths, templates, secrets, and errors with a
// place.

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit_test.h"

#include "base/fs.h"
#include "base/yaml.h"
#include "project/project.h"

static struct arena *arena;
static struct str folder;

static int open_folder(void **state)
{
    (void)state;
    char path[] = "/tmp/moulin-project-XXXXXX";
    arena = arena_open(NULL);
    assert_non_null(mkdtemp(path));
    struct err err;
    // The folder's real name: it may lie behind a symbolic link.
    assert_int_equal(fs_absolute(arena, str_of(path), &folder, &err), RC_OK);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(fs_remove_tree(folder, &err), RC_OK);
    arena_close(arena);
    return 0;
}

static void write_file(const char *name, const char *text)
{
    struct str path;
    struct err err;
    assert_int_equal(fs_join(arena, folder, str_of(name), &path, &err), RC_OK);
    assert_int_equal(fs_write(path, str_of(text), (struct fs_write_options){0}, &err), RC_OK);
}

static rc open_project(const char *environment, struct project **ret_project, struct err *err)
{
    return project_open(
        arena, (struct project_options){.folder = folder, .environment = str_of(environment)},
        ret_project, err);
}

static void assert_str(struct str found, const char *wanted)
{
    assert_string_equal(arena_cstr(arena, found), wanted);
}

static const char two_environments[] = "name: demo\n"
                                       "default_environment: local\n"
                                       "environments:\n"
                                       "  local:\n"
                                       "    warehouse: ./warehouse/\n"
                                       "    engine: {type: embedded, memory_limit: 512MiB}\n"
                                       "  dev:\n"
                                       "    region: \"{{ env_var('MOULIN_TEST_UNSET') }}\"\n"
                                       "    warehouse: s3://bucket/prefix/\n"
                                       "    catalog: {type: sql}\n"
                                       "    namespace_prefix: dev_\n"
                                       "landing: {namespace: raw, format_version: 2}\n";

static void test_paths_become_absolute_and_an_unused_environment_needs_no_variables(void **state)
{
    (void)state;
    struct project *project;
    struct err err;
    write_file("moulin.yml", two_environments);
    assert_int_equal(open_project("", &project, &err), RC_OK);
    assert_str(project->name, "demo");
    assert_str(project->environment->name, "local");
    assert_str(project->environment->warehouse,
               arena_printf(arena, "file://%.*s/warehouse", STR_ARGS(folder)).bytes);
    assert_str(project->environment->catalog.uri,
               arena_printf(arena, "sqlite:///%.*s/warehouse/catalog.db", STR_ARGS(folder)).bytes);
    assert_int_equal(project->environment->engine.memory_bytes, 512 << 20);
    assert_str(project->landing.namespace_name, "raw");
    assert_int_equal(project->landing.format_version, 2);
    assert_int_equal(project->environment_count, 2);
}

static void test_the_chosen_environment_is_rendered_and_prefixes_namespaces(void **state)
{
    (void)state;
    struct project *project;
    struct err err;
    write_file("moulin.yml", two_environments);
    assert_int_equal(open_project("dev", &project, &err), RC_CONFIG);
    assert_non_null(strstr(err.message, "MOULIN_TEST_UNSET"));
    assert_int_equal(err.line, 8);
    assert_int_equal(setenv("MOULIN_TEST_UNSET", "eu-west-1", 1), 0);
    assert_int_equal(open_project("dev", &project, &err), RC_OK);
    assert_int_equal(unsetenv("MOULIN_TEST_UNSET"), 0);
    assert_str(project->environment->region, "eu-west-1");
    assert_str(project->environment->warehouse, "s3://bucket/prefix");
    assert_str(project->landing.namespace_name, "dev_raw");
}

static void test_mistakes_are_named_with_place_and_suggestion(void **state)
{
    (void)state;
    static const struct {
        const char *text, *environment, *message, *hint;
        int line;
    } cases[] = {
        {"name: a\nenvironments:\n  local: {warehouse: w, catalogue: {}}\n", "", "catalogue",
         "catalog", 3},
        {"name: a\nenvironments:\n  local: {warehouse: w}\n", "locl", "locl", "local", 3},
        {"name: a\nenvironments:\n  l: {warehouse: w, engine: {type: embeded}}\n", "", "type",
         "embedded", 3},
        {"name: a\nenvironments:\n  l: {warehouse: w, engine: {type: duckdb}}\n", "", "duckdb",
         "profiles.yml", 3},
        {"name: a\nenvironments:\n  l: {warehouse: w, catalog: {type: rest}}\n", "", "rest", "glue",
         3},
        {"name: a\nenvironments:\n  l: {warehouse: \"{{ now() }}\"}\n", "", "unknown expression",
         "env_var", 3},
        {"name: a\nenvironments:\n  l: {warehouse: \"{{ secret('x/y') }}\"}\n", "", "x/y",
         "MOULIN_SECRET_X_Y", 3},
        {"name: a\nenvironments:\n  l: {warehouse: w, catalog: {type: glue}, namespace_prefix: "
         "D_}\n",
         "", "D_", "d_", 3},
        {"name: a\nenvironments:\n  l: {warehouse: w, catalog: {type: glue}}\n"
         "landing: {namespace: Raw}\n",
         "", "lower case", "raw", 4},
        {"name: [\n", "", "", "", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct project *project = NULL;
        struct err err = {0};
        write_file("moulin.yml", cases[i].text);
        assert_int_equal(open_project(cases[i].environment, &project, &err), RC_CONFIG);
        assert_null(project);
        assert_non_null(strstr(err.message, cases[i].message));
        assert_non_null(strstr(err.hint, cases[i].hint));
        assert_int_equal(err.line, cases[i].line);
    }
}

static void test_a_cloud_environment_is_read_whole(void **state)
{
    (void)state;
    struct project *project;
    struct err err;
    write_file("moulin.yml", "name: demo\n"
                             "environments:\n"
                             "  dev:\n"
                             "    region: eu-west-1\n"
                             "    profile: team\n"
                             "    role_arn: arn:aws:iam::123456789012:role/r\n"
                             "    endpoint_url: http://localhost:4566\n"
                             "    warehouse: s3://landing\n"
                             "    catalog: {type: glue, catalog_id: \"123456789012\"}\n"
                             "    engine: {type: athena, work_group: w}\n"
                             "    namespace_prefix: dev_\n"
                             "    namespaces: {analytics: {location: s3://staging/}}\n");
    assert_int_equal(open_project("", &project, &err), RC_OK);
    const struct project_environment *dev = project->environment;
    assert_str(dev->profile, "team");
    assert_str(dev->role_arn, "arn:aws:iam::123456789012:role/r");
    assert_str(dev->endpoint_url, "http://localhost:4566");
    assert_str(dev->catalog.type, "glue");
    assert_str(dev->catalog.id, "123456789012");
    assert_int_equal(dev->namespace_count, 1);
    assert_str(dev->namespaces[0].name, "analytics");
    assert_str(dev->namespaces[0].location, "s3://staging");
}

static void test_a_folder_without_moulin_yml_says_what_to_do(void **state)
{
    (void)state;
    struct project *project;
    struct err err;
    assert_int_equal(open_project("", &project, &err), RC_NOT_FOUND);
    assert_non_null(strstr(err.hint, "moulin init"));
}

static void test_secrets_come_from_the_environment_then_from_the_file(void **state)
{
    (void)state;
    struct project *project;
    struct str secret;
    struct err err;
    write_file("moulin.yml", "name: a\nenvironments: {l: {warehouse: w}}\n");
    write_file("secrets.yml", "chess: {api_key: from-file}\nflat/name: 12\nlist: [1]\n");
    assert_int_equal(open_project("", &project, &err), RC_OK);
    assert_int_equal(project_secret(project, arena, STR("chess/api_key"), &secret, &err), RC_OK);
    assert_str(secret, "from-file");
    assert_int_equal(project_secret(project, arena, STR("flat/name"), &secret, &err), RC_OK);
    assert_str(secret, "12");
    assert_int_equal(project_secret(project, arena, STR("list"), &secret, &err), RC_CONFIG);
    assert_int_equal(project_secret(project, arena, STR("chess"), &secret, &err), RC_CONFIG);
    assert_null(strstr(err.message, "from-file"));
    assert_int_equal(project_secret(project, arena, STR("absent"), &secret, &err), RC_NOT_FOUND);
    assert_int_equal(setenv("MOULIN_SECRET_CHESS_API_KEY", "from-env", 1), 0);
    assert_int_equal(project_secret(project, arena, STR("chess/api_key"), &secret, &err), RC_OK);
    assert_int_equal(unsetenv("MOULIN_SECRET_CHESS_API_KEY"), 0);
    assert_str(secret, "from-env");
}

static void test_a_call_alone_keeps_its_type_and_inside_a_text_becomes_text(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *json;
    } cases[] = {
        {"{{ var('n') }}", "3"},
        {"{{ var(\"list\") }}", "[1,\"a\"]"},
        {"x{{ var('n') }}y", "\"x3y\""},
        {" {{ var('n') }}", "3"},
        {"{{ var('n') }}{{ var('n') }}", "\"33\""},
        {"{{ env_var('MOULIN_TEST_NUMBER') }}", "\"7\""},
        {"{{ env_var('MOULIN_TEST_NUMBER') | as_number }}", "7"},
        {"{{ env_var('MOULIN_TEST_NONE', 'x') }}", "\"x\""},
        {"{{ var('none', 5) }}", "5"},
        {"{{- var('n') -}}", "3"},
        {"{player}", "\"{player}\""},
        {"{{{{ graphql }}}}", NULL},
        {"{{ ref('x') }}", NULL},
        {"{{ var('n') ", NULL},
        {"{{ secret('x', 'default') }}", NULL},
        {"{{ env_var('MOULIN_TEST_NUMBER') | upper }}", NULL},
    };
    struct project *project;
    struct err err;
    write_file("moulin.yml", "name: a\nvars: {n: 3, list: [1, a]}\nenvironments: {l: {warehouse: "
                             "w}}\n");
    assert_int_equal(open_project("", &project, &err), RC_OK);
    assert_int_equal(setenv("MOULIN_TEST_NUMBER", "7", 1), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct yaml *node = yaml_new_str(arena, NULL, str_of(cases[i].yaml)), *value;
        const rc code = project_render(project, arena, node, NULL, &value, &err);
        assert_int_equal(code, cases[i].json != NULL ? RC_OK : RC_CONFIG);
        if (code != RC_OK)
            continue;
        const struct json json = yaml_to_json(arena, value);
        assert_str(json_print(arena, &json, JSON_COMPACT), cases[i].json);
    }
    assert_int_equal(unsetenv("MOULIN_TEST_NUMBER"), 0);
}

static void test_below_placeholder_keys_foreign_braces_are_text(void **state)
{
    (void)state;
    static const char *const keys[] = {"json", NULL};
    struct project *project;
    const struct yaml *root, *rendered;
    struct err err;
    write_file("moulin.yml", "name: a\nvars: {n: 3}\nenvironments: {l: {warehouse: w}}\n");
    assert_int_equal(open_project("", &project, &err), RC_OK);
    assert_int_equal(yaml_parse(arena,
                                STR("json: {q: \"query {{ players {{ id }} }}\", n: \"{{ var('n') "
                                    "}}\", m: \"{{ var('none') }}\"}"),
                                "t", &root, &err),
                     RC_OK);
    assert_int_equal(project_render(project, arena, root, keys, &rendered, &err), RC_CONFIG);
    assert_non_null(strstr(err.message, "none"));
    assert_int_equal(
        yaml_parse(arena, STR("json: {q: \"query {{ players {{ id }} }}\", n: \"{{ var('n') }}\"}"),
                   "t", &root, &err),
        RC_OK);
    assert_int_equal(project_render(project, arena, root, NULL, &rendered, &err), RC_CONFIG);
    assert_int_equal(project_render(project, arena, root, keys, &rendered, &err), RC_OK);
    const struct json json = yaml_to_json(arena, rendered);
    assert_str(json_print(arena, &json, JSON_COMPACT),
               "{\"json\":{\"q\":\"query {{ players {{ id }} }}\",\"n\":3}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_paths_become_absolute_and_an_unused_environment_needs_no_variables, open_folder,
            remove_folder),
        cmocka_unit_test_setup_teardown(
            test_the_chosen_environment_is_rendered_and_prefixes_namespaces, open_folder,
            remove_folder),
        cmocka_unit_test_setup_teardown(test_mistakes_are_named_with_place_and_suggestion,
                                        open_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_a_cloud_environment_is_read_whole, open_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_a_folder_without_moulin_yml_says_what_to_do,
                                        open_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_secrets_come_from_the_environment_then_from_the_file,
                                        open_folder, remove_folder),
        cmocka_unit_test_setup_teardown(
            test_a_call_alone_keeps_its_type_and_inside_a_text_becomes_text, open_folder,
            remove_folder),
        cmocka_unit_test_setup_teardown(test_below_placeholder_keys_foreign_braces_are_text,
                                        open_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
