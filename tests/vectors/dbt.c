/// @file dbt.c
/// Suites of the transform engine: blocks of files, injected CTEs, types of seeds, and one-line
/// templates compiled in a project, all recorded from dbt.

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "transform/blocks.h"
#include "transform/cte.h"
#include "transform/seed.h"
#include "transform/transform.h"
#include "vectors.h"

static struct str text_of(const struct json *line, const char *key)
{
    return json_str(json_get(line, str_of(key)), STR(""));
}

// ---- dbt-blocks

static bool block_differs(struct vectors *v, size_t i, const struct block *block,
                          const struct json *expected)
{
    const struct str type = block->type.length > 0 ? block->type : STR("__dbt__data");
    if (str_equal(type, text_of(expected, "type")) &&
        str_equal(block->name, text_of(expected, "name")) &&
        str_equal(block->contents, text_of(expected, "contents")) &&
        str_equal(block->full, text_of(expected, "full")))
        return false;
    vectors_fail(v, "block %zu is %.*s %.*s '%.*s'", i, STR_ARGS(type), STR_ARGS(block->name),
                 STR_ARGS(block->contents));
    return true;
}

static void run_block_line(struct vectors *v, const struct json *line)
{
    const struct json *allowed = json_get(line, STR("allowed"));
    const struct json *expected = json_get(line, STR("blocks"));
    const char **names = ARENA_ARRAY(v->scratch, const char *, allowed->count + 1);
    for (size_t i = 0; i < allowed->count; i++)
        names[i] = arena_cstr(v->scratch, allowed->items[i].text);
    block_vec blocks = {0};
    struct err err = {0};
    const rc result =
        blocks_extract(v->scratch, text_of(line, "text"), "vector", names, &blocks, &err);
    if (expected == NULL) {
        if (result == RC_OK)
            vectors_fail(v, "expected an error");
        else
            vectors_pass(v);
        return;
    }
    if (result != RC_OK || blocks.count != expected->count) {
        vectors_fail(v, "expected %zu blocks, found %zu: %s", expected->count, blocks.count,
                     err.message);
        return;
    }
    for (size_t i = 0; i < blocks.count; i++)
        if (block_differs(v, i, &blocks.items[i], &expected->items[i]))
            return;
    vectors_pass(v);
}

static void run_blocks(struct vectors *v)
{
    vectors_each_line(v, "block_extraction.jsonl", run_block_line);
}

// ---- dbt-ctes

static void run_cte_line(struct vectors *v, const struct json *line)
{
    const struct json *list = json_get(line, STR("ctes"));
    struct str *ctes = ARENA_ARRAY(v->scratch, struct str, list->count);
    for (size_t i = 0; i < list->count; i++)
        ctes[i] = list->items[i].text;
    struct str sql = STR("");
    struct err err = {0};
    const rc result = cte_inject(v->scratch, text_of(line, "sql"), ctes, list->count, &sql, &err);
    const bool wants_error = json_get(line, STR("error")) != NULL;
    if (wants_error != (result != RC_OK))
        vectors_fail(v, "%s", wants_error ? "expected an error" : err.message);
    else if (!wants_error && !str_equal(sql, text_of(line, "expected")))
        vectors_fail(v, "found: %.*s", STR_ARGS(sql));
    else
        vectors_pass(v);
}

static void run_ctes(struct vectors *v)
{
    vectors_each_line(v, "cte_injection.jsonl", run_cte_line);
}

// ---- dbt-seeds

static void run_seed_line(struct vectors *v, const struct json *line)
{
    const struct json *values = json_get(line, STR("values"));
    const struct json *parsed = json_get(line, STR("parsed"));
    struct seed_cell *cells = ARENA_ARRAY(v->scratch, struct seed_cell, values->count);
    for (size_t i = 0; i < values->count; i++)
        cells[i] = (struct seed_cell){.text = json_str(&values->items[i], STR("")),
                                      .is_null = values->items[i].kind == JSON_NULL};
    struct seed_column column = {0};
    seed_infer(v->scratch, cells, values->count, false, &column);
    const struct str type = str_of(seed_type_names[column.type]);
    if (!str_equal(type, text_of(line, "agate_type"))) {
        vectors_fail(v, "type %.*s", STR_ARGS(type));
        return;
    }
    for (size_t i = 0; i < parsed->count; i++) {
        const bool is_null = parsed->items[i].kind == JSON_NULL;
        if (column.values[i].is_null != is_null ||
            (!is_null && !str_equal(column.values[i].text, parsed->items[i].text))) {
            vectors_fail(v, "value %zu is %.*s", i, STR_ARGS(column.values[i].text));
            return;
        }
    }
    vectors_pass(v);
}

static void run_seeds(struct vectors *v)
{
    vectors_each_line(v, "seeds_agate_inference.jsonl", run_seed_line);
}

// ---- dbt-inline

struct inline_project {
    struct str folder; // a copy that may be written to
};

static rc copy_folder(struct arena *arena, struct str from, struct str to, int depth,
                      struct err *err)
{
    enum { MAX_DEPTH = 16, MAX_BYTES = 1 << 20 };
    if (depth > MAX_DEPTH)
        return err_set(err, RC_LIMIT, "%.*s is too deep", STR_ARGS(from));
    str_vec names = {0};
    TRY(fs_make_folders(to, err));
    TRY(fs_list(arena, from, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        struct str source, target, text;
        TRY(fs_join(arena, from, names.items[i], &source, err));
        TRY(fs_join(arena, to, names.items[i], &target, err));
        if (fs_is_folder(source)) {
            TRY(copy_folder(arena, source, target, depth + 1, err));
            continue;
        }
        TRY(fs_read(arena, source, MAX_BYTES, &text, err));
        TRY(fs_write(target, text, (struct fs_write_options){0}, err));
    }
    return RC_OK;
}

static rc prepare(struct vectors *v, struct inline_project *project, struct err *err)
{
    const char *temp = getenv("TMPDIR");
    project->folder =
        arena_printf(v->arena, "%s/dbt-inline-%d", temp != NULL ? temp : "/tmp", (int)getpid());
    TRY(copy_folder(v->arena, vectors_path(v, "inline_project"), project->folder, 0, err));
    struct str path;
    TRY(fs_join(v->arena, project->folder, STR("profiles.yml"), &path, err));
    TRY(fs_write(path,
                 STR("default: {target: dev, outputs: {dev: {type: duckdb, path: golden.duckdb, "
                     "schema: main}}}\n"),
                 (struct fs_write_options){0}, err));
    // The relations that some templates ask for.
    struct arena *arena = arena_open(NULL);
    struct transform_options options = {.project_folder = project->folder};
    struct transform *t;
    struct run_summary summary;
    rc result = transform_open(arena, &options, &t, err);
    if (result == RC_OK)
        result = transform_run(t, VERB_RUN, &summary, err);
    arena_close(arena);
    return result;
}

static bool same_list(const struct json *expected, size_t count,
                      struct str (*item)(const struct node *, size_t), const struct node *node)
{
    if (expected == NULL)
        return true; // not recorded
    if (expected->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!str_equal(expected->items[i].text, item(node, i)))
            return false;
    return true;
}

static struct str ref_at(const struct node *node, size_t i)
{
    return node->refs.items[i].name;
}

static struct str parent_at(const struct node *node, size_t i)
{
    return node->parents.items[i]->unique_id;
}

static struct str macro_at(const struct node *node, size_t i)
{
    return node->macro_names.entries[i].key;
}

static void compare_inline(struct vectors *v, const struct json *line, const struct node *node)
{
    if (!str_equal(node->compiled_code, text_of(line, "compiled")))
        vectors_fail(v, "found: %.*s", STR_ARGS(node->compiled_code));
    else if (!same_list(json_get(line, STR("refs")), node->refs.count, ref_at, node))
        vectors_fail(v, "other refs: %zu", node->refs.count);
    else if (!same_list(json_get(line, STR("depends_on")), node->parents.count, parent_at, node))
        vectors_fail(v, "depends on %zu other nodes", node->parents.count);
    else if (!same_list(json_get(line, STR("depends_on_macros")), node->macro_names.count, macro_at,
                        node))
        vectors_fail(v, "other macros: %zu, the first %.*s", node->macro_names.count,
                     STR_ARGS(node->macro_names.count > 0 ? macro_at(node, 0) : STR("none")));
    else
        vectors_pass(v);
}

static void run_inline_line(struct vectors *v, const struct json *line)
{
    const struct inline_project *project = v->context;
    struct arena *arena = arena_open(NULL);
    struct transform_options options = {.project_folder = project->folder};
    struct transform *t;
    struct node *node = NULL;
    struct err err = {0};
    rc result = transform_open(arena, &options, &t, &err);
    if (result == RC_OK)
        result = transform_add_inline(t, text_of(line, "inline"), &node, &err);
    if (result == RC_OK)
        result = transform_compile_node(t, node, &err);
    const bool wants_error = json_get(line, STR("error")) != NULL;
    if (wants_error != (result != RC_OK))
        vectors_fail(v, "%s%s", wants_error ? "expected an error" : "error: ", err.message);
    else if (wants_error)
        vectors_pass(v);
    else
        compare_inline(v, line, node);
    arena_close(arena);
}

static void run_inline(struct vectors *v)
{
    struct inline_project project;
    struct err err = {0};
    log_configure((struct log_options){.level = LOG_LEVEL_OFF});
    if (prepare(v, &project, &err) != RC_OK) {
        v->case_name = STR("inline_project");
        vectors_fail(v, "%s", err.message);
        return;
    }
    v->context = &project;
    vectors_each_line(v, "inline_semantics.jsonl", run_inline_line);
    if (fs_remove_tree(project.folder, &err) != RC_OK)
        printf("%s\n", err.message);
}

int main(int argc, char **argv)
{
    static const struct vectors_suite suites[] = {
        {"dbt-blocks", run_blocks}, {"dbt-ctes", run_ctes}, {"dbt-seeds", run_seeds},
        {"dbt-inline", run_inline}, {NULL, NULL},
    };
    return vectors_main(argc, argv, suites);
}
