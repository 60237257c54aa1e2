// Throw-away schemas (--namespace-prefix): what a run does not build there is read where the
// environment has it. Layer: transform. Source: dbt's --defer, whose rule this is: a node that is
// not selected and does not exist in the target's schema is taken from elsewhere; here elsewhere is
// the same schema without the prefix, so no manifest of another run is needed.

#include "base/log.h"
#include "transform/session.h"
#include "transform/transform.h"

struct str transform_own_schema(const struct transform *t, const struct node *node)
{
    const struct str given = t->options->namespace_prefix, prefix = transform_schema(t, given);
    return node->type != NODE_SOURCE && given.length > 0 && str_has_prefix(node->schema, prefix)
               ? transform_schema(t, str_slice(node->schema, prefix.length, SIZE_MAX))
               : node->schema;
}

static rc defer(struct session *session, struct node *node, struct err *err)
{
    struct transform *t = session->adapter->t;
    const struct relation *relation = relation_of_node(session->arena, node);
    struct relation_info info = {0};
    TRY_CONTEXT(session->adapter->class->find(session, relation, &info, err), err,
                "looking for %.*s.%.*s", STR_ARGS(node->schema), STR_ARGS(node->alias));
    if (info.exists)
        return RC_OK;
    node->schema = transform_own_schema(t, node);
    node->relation_name = relation_render(t->arena, relation_of_node(t->arena, node));
    node->as_dict = value_missing();
    log_debug("%.*s is read from %.*s", STR_ARGS(node->unique_id), STR_ARGS(node->schema));
    return RC_OK;
}

/// Parents that are not built by this run; those behind ephemeral ones too, whose SQL is taken in.
static void collect_parents(struct transform *t, struct arena *scratch, const node_vec *nodes,
                            node_vec *found)
{
    bool *seen = ARENA_ARRAY(scratch, bool, t->manifest.nodes.count + nodes->count + 1);
    node_vec open = {0};
    for (size_t i = 0; i < nodes->count; i++)
        *vec_push(scratch, &open) = nodes->items[i];
    while (open.count > 0) {
        const struct node *node = open.items[--open.count];
        for (size_t i = 0; i < node->parents.count; i++) {
            struct node *parent = node->parents.items[i];
            if (parent->is_selected || !node_is_refable(parent) || seen[parent->number])
                continue;
            seen[parent->number] = true;
            const bool is_ephemeral = str_is(node_materialized(parent), "ephemeral");
            *vec_push(scratch, is_ephemeral ? &open : found) = parent;
        }
    }
}

rc transform_defer(struct transform *t, const node_vec *nodes, struct err *err)
{
    if (t->options->namespace_prefix.length == 0)
        return RC_OK;
    struct arena *scratch = arena_open(NULL);
    struct session *session = NULL;
    node_vec found = {0};
    collect_parents(t, scratch, nodes, &found);
    rc result = found.count > 0 ? session_open(t, scratch, &session, err) : RC_OK;
    for (size_t i = 0; result == RC_OK && i < found.count; i++)
        result = defer(session, found.items[i], err);
    session_close(session);
    arena_close(scratch);
    return result;
}
