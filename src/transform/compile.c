// From a node's template to SQL that can be sent: the second rendering, with `execute`, and the SQL
// of ephemeral models in front. Layer: transform. Source: dbt-core 1.12's compiler.

#include "transform/compile.h"
#include "base/fs.h"
#include "transform/cte.h"
#include "transform/parse.h"

enum { EPHEMERAL_MAX_DEPTH = 200 };

static bool has_cte(const struct node *node, struct str id)
{
    for (size_t i = 0; i < node->cte_ids.count; i++)
        if (str_equal(node->cte_ids.items[i], id))
            return true;
    return false;
}

static void add_cte(struct transform *t, struct node *node, struct str id, struct str sql)
{
    if (has_cte(node, id))
        return;
    *vec_push(t->arena, &node->cte_ids) = id;
    *vec_push(t->arena, &node->cte_sqls) = sql;
}

static rc compile_at(struct transform *t, struct node *node, struct scope *scope, int depth,
                     struct err *err);

// An ephemeral parent and, before it, its own ephemeral parents.
static rc add_ephemeral(struct transform *t, struct node *node, struct node *parent, int depth,
                        struct err *err)
{
    if (!parent->is_compiled) {
        struct scope scope;
        scope_init(&scope, t, t->arena, PHASE_RUN, parent);
        const rc result = compile_at(t, parent, &scope, depth + 1, err);
        session_close(scope.session);
        if (result != RC_OK)
            return result;
    }
    for (size_t i = 0; i < parent->cte_ids.count; i++)
        add_cte(t, node, parent->cte_ids.items[i], parent->cte_sqls.items[i]);
    add_cte(t, node, parent->unique_id,
            arena_printf(t->arena, " __dbt__cte__%.*s as (\n%.*s\n)", STR_ARGS(parent->alias),
                         STR_ARGS(parent->rendered_code)));
    return RC_OK;
}

static rc render_node(struct scope *scope, struct node *node, struct str *ret_text, struct err *err)
{
    if (node->is_generic)
        TRY(generic_test_bind(scope, node, err));
    if (node->template == NULL) {
        *ret_text = node->raw_code;
        return RC_OK;
    }
    return scope_render_template(scope, node->template, ret_text, err);
}

static rc compile_at(struct transform *t, struct node *node, struct scope *scope, int depth,
                     struct err *err)
{
    if (depth > EPHEMERAL_MAX_DEPTH)
        return err_set(err, RC_LIMIT, "ephemeral models are nested more than %d deep",
                       EPHEMERAL_MAX_DEPTH);
    struct str text;
    TRY(render_node(scope, node, &text, err));
    node->rendered_code = arena_str(t->arena, text);
    node->cte_ids.count = node->cte_sqls.count = 0;
    for (size_t i = 0; i < scope->ephemerals.count; i++)
        TRY(add_ephemeral(t, node, scope->ephemerals.items[i], depth, err));
    TRY(cte_inject(t->arena, node->rendered_code, node->cte_sqls.items, node->cte_sqls.count,
                   &node->compiled_code, err));
    node->is_compiled = true;
    return RC_OK;
}

rc compile_node(struct transform *t, struct node *node, struct scope *scope, struct err *err)
{
    TRY(compile_at(t, node, scope, 0, err));
    if (node->compiled_path.length == 0 || node->type == NODE_SQL_OPERATION)
        return RC_OK;
    struct str path;
    TRY(transform_path(t, t->arena, node->compiled_path, &path, err));
    TRY(fs_make_folders(fs_parent(path), err));
    return fs_write(path, node->compiled_code, (struct fs_write_options){0}, err);
}

rc transform_compile_node(struct transform *t, struct node *node, struct err *err)
{
    struct scope scope;
    scope_init(&scope, t, t->arena, PHASE_RUN, node);
    const rc result = compile_node(t, node, &scope, err);
    session_close(scope.session);
    return result;
}
