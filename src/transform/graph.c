#include "transform/graph.h"

#include <stdlib.h>

// Follows parents that are in no level yet until a node comes again: that is a cycle.
static rc report_cycle(struct transform *t, struct node *start, struct err *err)
{
    node_vec path = {0};
    for (struct node *node = start; node != NULL;) {
        for (size_t i = 0; i < path.count; i++) {
            if (path.items[i] != node)
                continue;
            str_vec names = {0};
            for (size_t k = path.count; k > i; k--)
                *vec_push(t->arena, &names) = path.items[k - 1]->unique_id;
            *vec_push(t->arena, &names) = names.items[0];
            const struct str text = str_join(t->arena, names.items, names.count, STR(" -> "));
            return err_set(err, RC_CONFIG, "nodes depend on each other in a circle: %.*s",
                           STR_ARGS(text));
        }
        *vec_push(t->arena, &path) = node;
        struct node *next = NULL;
        for (size_t i = 0; i < node->parents.count && next == NULL; i++)
            if (node->parents.items[i]->level == SIZE_MAX)
                next = node->parents.items[i];
        node = next;
    }
    return err_set(err, RC_INTERNAL, "the graph has no order");
}

rc graph_levels(struct transform *t, struct err *err)
{
    const node_vec *nodes = &t->manifest.nodes;
    size_t *waiting = ARENA_ARRAY(t->arena, size_t, nodes->count);
    struct node **ready = ARENA_ARRAY(t->arena, struct node *, nodes->count);
    size_t ready_count = 0, done = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        struct node *node = nodes->items[i];
        node->level = SIZE_MAX;
        waiting[node->number] = node->parents.count;
        if (node->parents.count == 0) {
            node->level = 0;
            ready[ready_count++] = node;
        }
    }
    while (done < ready_count) {
        const struct node *node = ready[done++];
        for (size_t i = 0; i < node->children.count; i++) {
            struct node *child = node->children.items[i];
            if (--waiting[child->number] > 0)
                continue;
            size_t level = 0;
            for (size_t p = 0; p < child->parents.count; p++)
                if (child->parents.items[p]->level >= level)
                    level = child->parents.items[p]->level + 1;
            child->level = level;
            ready[ready_count++] = child;
        }
    }
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i]->level == SIZE_MAX)
            return report_cycle(t, nodes->items[i], err);
    return RC_OK;
}

void graph_reach(const struct transform *t, const bool *from, bool upwards, int depth,
                 bool *selected)
{
    const node_vec *nodes = &t->manifest.nodes;
    struct arena *scratch = arena_open(NULL);
    struct node **queue = ARENA_ARRAY(scratch, struct node *, nodes->count);
    int *distance = ARENA_ARRAY(scratch, int, nodes->count);
    bool *seen = ARENA_ARRAY(scratch, bool, nodes->count);
    size_t count = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        if (!from[i])
            continue;
        seen[i] = true;
        queue[count++] = nodes->items[i];
    }
    for (size_t done = 0; done < count; done++) {
        const struct node *node = queue[done];
        selected[node->number] = true;
        if (depth != GRAPH_ALL_LEVELS && distance[node->number] >= depth)
            continue;
        const node_vec *next = upwards ? &node->parents : &node->children;
        for (size_t i = 0; i < next->count; i++) {
            struct node *other = next->items[i];
            if (seen[other->number])
                continue;
            seen[other->number] = true;
            distance[other->number] = distance[node->number] + 1;
            queue[count++] = other;
        }
    }
    arena_close(scratch);
}

static size_t rank_of(const struct node *node)
{
    return node->type == NODE_TEST && node->level > 0 ? 2 * (node->level - 1) + 1 : 2 * node->level;
}

static int compare(const void *a, const void *b)
{
    const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
    const size_t rank_x = rank_of(x), rank_y = rank_of(y);
    if (rank_x != rank_y)
        return rank_x < rank_y ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

void graph_sort(node_vec *nodes)
{
    if (nodes->count > 1)
        qsort(nodes->items, nodes->count, sizeof *nodes->items, compare);
}
