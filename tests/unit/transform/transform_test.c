// What transform/transform.h promises of a parsed project: names and ids, configuration, the graph,
// selection, and how mistakes are told. Nothing here needs an engine.

#include "unit_test.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "transform/transform.h"

struct file {
    const char *path, *text;
};

#define PROFILE                                                                                    \
    {                                                                                              \
        "profiles.yml", "p: {target: dev, outputs: {dev: {type: duckdb, schema: main}}}"           \
    }

static const struct file project_files[] = {
    PROFILE,
    {"dbt_project.yml",
     "name: shop\nprofile: p\nvars: {days: 3}\n"
     "models:\n  shop:\n    +tags: base\n    marts: {+materialized: table, +schema: marts}\n"},
    {"models/raw.yml",
     "sources: [{name: app, schema: landing, tables: [{name: orders}]}]\n"
     "models:\n- name: orders\n  config: {meta: {owner: us}}\n"
     "  columns: [{name: id, data_tests: [unique, {not_null: {config: {severity: warn}}}]}]\n"},
    {"models/staging/orders.sql", "select * from {{ source('app', 'orders') }}"},
    {"models/staging/lines.sql", "{{ config(tags=['big']) }} select 1 from {{ ref('orders') }}"},
    {"models/marts/daily.sql",
     "select * from {{ ref('orders') }} join {{ ref('lines') }} using (id)\n"
     "-- {{ var('days') }} {% if execute %}{{ ref('never') }}{% endif %}"},
    {"seeds/codes.csv", "code\n1\n"},
    {"tests/no_loss.sql", "select 1 from {{ ref('daily') }} where false"},
    {NULL, NULL},
};

struct fixture {
    struct arena *arena;
    struct str folder;
    struct transform_options options;
    struct transform *t;
    struct err err;
};

static rc write_files(struct fixture *f, const struct file *files)
{
    for (; files->path != NULL; files++) {
        struct str path;
        TRY(fs_join(f->arena, f->folder, str_of(files->path), &path, &f->err));
        TRY(fs_make_folders(fs_parent(path), &f->err));
        TRY(fs_write(path, str_of(files->text), (struct fs_write_options){0}, &f->err));
    }
    return RC_OK;
}

static rc open_project(struct fixture *f, const struct file *files)
{
    *f = (struct fixture){.arena = arena_open(NULL)};
    char folder[] = "/tmp/transform-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    f->folder = arena_str(f->arena, str_of(folder));
    f->options.project_folder = f->folder;
    assert_int_equal(write_files(f, files), RC_OK);
    return transform_open(f->arena, &f->options, &f->t, &f->err);
}

static void close_project(struct fixture *f)
{
    struct err ignored;
    assert_int_equal(fs_remove_tree(f->folder, &ignored), RC_OK);
    arena_close(f->arena);
}

static const struct node *node_of(const struct fixture *f, const char *id)
{
    return map_get(&f->t->manifest.by_id, str_of(id));
}

static void test_nodes_have_dbts_ids_names_and_configuration(void **state)
{
    (void)state;
    struct fixture f;
    assert_int_equal(open_project(&f, project_files), RC_OK);
    const struct node *daily = node_of(&f, "model.shop.daily");
    assert_non_null(daily);
    assert_string_equal(arena_cstr(f.arena, daily->relation_name),
                        "\"memory\".\"main_marts\".\"daily\"");
    assert_true(str_is(node_materialized(daily), "table"));
    assert_int_equal(daily->parents.count, 2); // what only `execute` would show is no edge
    const struct node *lines = node_of(&f, "model.shop.lines");
    assert_int_equal(lines->tags.count, 2);
    assert_true(str_is(lines->tags.items[0], "base"));
    assert_true(str_is(lines->tags.items[1], "big"));
    // Computed with dbt-core 1.12.6.
    assert_non_null(node_of(&f, "test.shop.unique_orders_id.1360ecc70e"));
    assert_non_null(node_of(&f, "source.shop.app.orders"));
    assert_non_null(node_of(&f, "seed.shop.codes"));
    close_project(&f);
}

static size_t selected(struct fixture *f, const char *select, const char *exclude)
{
    const struct str words[] = {str_of(select), str_of(exclude)};
    f->options.select = &words[0];
    f->options.select_count = *select != '\0';
    f->options.exclude = &words[1];
    f->options.exclude_count = *exclude != '\0';
    node_vec nodes = {0};
    assert_int_equal(transform_select(f->t, VERB_LIST, &nodes, &f->err), RC_OK);
    return nodes.count;
}

static void test_selection_follows_the_grammar(void **state)
{
    (void)state;
    static const struct {
        const char *select, *exclude;
        size_t count;
    } cases[] = {
        {"", "", 8},
        {"orders", "resource_type:test", 2}, // the model, and the source of that name
        {"orders", "", 4},                   // with their tests
        {"+daily", "resource_type:test", 4}, // three models, one source
        {"1+daily", "resource_type:test", 3},
        {"orders+1", "", 7},
        {"tag:big", "", 1},
        {"path:models/staging", "", 4},
        {"config.materialized:table", "", 2},
        {"source:app", "test_type:generic", 1},
        {"tag:base,config.materialized:view", "resource_type:test", 2},
        {"daily codes", "", 3},
        {"shop.staging.*", "resource_type:test", 2},
        {"l*", "", 0}, // a pattern stands for the whole name with its folders
        {"@lines", "resource_type:test", 4},
        {"test_name:unique", "", 1},
        {"test_type:singular", "", 1},
    };
    struct fixture f;
    log_configure((struct log_options){.level = LOG_LEVEL_OFF});
    assert_int_equal(open_project(&f, project_files), RC_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t count = selected(&f, cases[i].select, cases[i].exclude);
        if (count != cases[i].count)
            print_error("--select '%s' --exclude '%s'\n", cases[i].select, cases[i].exclude);
        assert_int_equal(count, cases[i].count);
    }
    const struct str wrong = STR("tags:x");
    f.options.select = &wrong;
    f.options.select_count = 1;
    node_vec nodes;
    assert_int_equal(transform_select(f.t, VERB_LIST, &nodes, &f.err), RC_USAGE);
    assert_string_equal(f.err.hint, "did you mean 'tag'?");
    close_project(&f);
}

static void test_mistakes_are_told_with_place_and_proposal(void **state)
{
    (void)state;
    static const struct {
        struct file files[4];
        rc code;
        const char *message, *hint;
    } cases[] = {
        {{PROFILE,
          {"dbt_project.yml", "name: shop\nprofile: p"},
          {"models/a.sql", "select * from {{ ref('b') }}"},
          {"models/b.sql", "select * from {{ ref('a') }}"}},
         RC_CONFIG,
         "model.shop.b -> model.shop.a -> model.shop.b",
         ""},
        {{PROFILE,
          {"dbt_project.yml", "name: shop\nprofile: p"},
          {"models/orders.sql", "select 1"},
          {"models/b.sql", "select * from {{ ref('oders') }}"}},
         RC_CONFIG,
         "depends on a node 'oders', which was not found",
         "did you mean 'orders'?"},
        {{PROFILE, {"dbt_project.yml", "name: shop\nprofile: p\nmodel-path: [x]"}},
         RC_CONFIG,
         "model-path",
         "model-paths"},
        {{PROFILE, {"dbt_project.yml", "name: 1shop\nprofile: p"}}, RC_CONFIG, "1shop", ""},
        {{PROFILE,
          {"dbt_project.yml", "name: shop\nprofile: p"},
          {"models/a.sql", "select {{ 1 + }}"}},
         RC_CONFIG,
         "",
         ""},
        {{PROFILE,
          {"dbt_project.yml", "name: shop\nprofile: p"},
          {"models/a.sql", "select {{ exceptions.raise_compiler_error('not so') }}"}},
         RC_CONFIG,
         "not so",
         ""},
        {{PROFILE,
          {"dbt_project.yml", "name: shop\nprofile: p"},
          {"models/a.yml", "models: [{name: a"}},
         RC_CONFIG,
         "",
         "not closed"},
        {{{"profiles.yml", "q: {}"}, {"dbt_project.yml", "name: shop\nprofile: p"}},
         RC_CONFIG,
         "no profile 'p'",
         "q"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct file files[5] = {{NULL, NULL}};
        for (size_t k = 0; k < 4; k++)
            files[k] = cases[i].files[k];
        struct fixture f;
        const rc result = open_project(&f, files);
        if (result != cases[i].code || strstr(f.err.message, cases[i].message) == NULL)
            print_error("case %zu: %s\n", i, f.err.message);
        assert_int_equal(result, cases[i].code);
        assert_non_null(strstr(f.err.message, cases[i].message));
        assert_non_null(strstr(f.err.hint, cases[i].hint));
        close_project(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_have_dbts_ids_names_and_configuration),
        cmocka_unit_test(test_selection_follows_the_grammar),
        cmocka_unit_test(test_mistakes_are_told_with_place_and_proposal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
