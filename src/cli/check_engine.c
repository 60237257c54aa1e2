// `moulin check --engine athena`: what of the dbt project's SQL will not carry over, file by file.
// Layer: cli. Only files of the project itself are looked at, not those of installed packages.

#include <stdio.h>

#include "base/fs.h"
#include "cli/check.h"
#include "transform/portable.h"
#include "transform/transform.h"

static void check_text(struct check *c, const char *folder, struct str path, struct str text,
                       struct str engine)
{
    portable_problem_vec found = {0};
    portable_find(c->arena, text, &found);
    const struct str place = arena_printf(c->arena, "%s/%.*s", folder, STR_ARGS(path));
    for (size_t i = 0; i < found.count; i++) {
        const struct portable_problem *p = &found.items[i];
        check_add(c, place, p->line, p->column,
                  arena_printf(c->arena, "%.*s does not carry over to %.*s", STR_ARGS(p->what),
                               STR_ARGS(engine)),
                  arena_printf(c->arena, "write %.*s", STR_ARGS(p->instead)));
    }
}

// A model's strategy that the engine does not have is a matter of its configuration.
static void check_configuration(struct check *c, const char *folder, const struct node *node,
                                struct str engine)
{
    const struct str type = config_str(node, "table_type");
    const struct str place =
        arena_printf(c->arena, "%s/%.*s", folder, STR_ARGS(node->original_path));
    if (str_is(engine, "athena") && type.length > 0 && !str_is(type, "iceberg"))
        check_add(
            c, place, 0, 0,
            arena_printf(c->arena, "table_type '%.*s': tables are Iceberg tables", STR_ARGS(type)),
            STR("remove table_type"));
    if (str_is(engine, "athena") &&
        dict_get_str(node->config, STR("properties")).kind == VALUE_DICT)
        check_add(c, place, 0, 0, STR("`properties` are Trino's, and Athena does not read them"),
                  STR("write partitioned_by, format, table_properties"));
    if (str_is(engine, "trino") && config_str(node, "s3_data_dir").length > 0)
        check_add(c, place, 0, 0, STR("`s3_data_dir` is Athena's, and Trino does not read it"),
                  STR("write properties: {location: ...}"))
            ->is_warning = true;
}

void check_engine(struct check *c, const struct transform *t, const char *folder, struct str engine)
{
    struct map seen;
    map_init(&seen, c->arena);
    for (size_t i = 0; i < t->manifest.nodes.count; i++) {
        const struct node *node = t->manifest.nodes.items[i];
        const bool has_sql = node->type == NODE_MODEL || node->type == NODE_ANALYSIS ||
                             (node->type == NODE_TEST && !node->is_generic);
        if (!node->package->is_root || !has_sql)
            continue;
        check_configuration(c, folder, node, engine);
        if (!map_has(&seen, node->original_path))
            check_text(c, folder, node->original_path, node->raw_code, engine);
        map_set(&seen, node->original_path, c);
    }
    for (size_t i = 0; i < t->root->macros.count; i++) {
        const struct macro_entry *macro = t->root->macros.entries[i].value;
        struct str path, text;
        struct err ignored;
        if (map_has(&seen, macro->path))
            continue;
        map_set(&seen, macro->path, c);
        if (fs_join(c->arena, t->folder, macro->path, &path, &ignored) == RC_OK &&
            fs_read(c->arena, path, TRANSFORM_MAX_FILE_BYTES, &text, &ignored) == RC_OK)
            check_text(c, folder, macro->path, text, engine);
    }
}
