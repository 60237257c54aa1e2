/// @file graph.h
/// The order of the nodes. Layer: transform.

#ifndef TRANSFORM_GRAPH_H
#define TRANSFORM_GRAPH_H

#include "transform/manifest.h"

/// Gives every node its level: 0 without parents, else one above the highest parent.
/// @return RC_OK | RC_CONFIG (a cycle: the message has its path)
CHECK rc graph_levels(struct transform *t, struct err *err);

enum { GRAPH_ALL_LEVELS = -1 };
/// Marks (as selected[number] = true) what can be reached within `depth` steps.
void graph_reach(const struct transform *t, const bool *from, bool upwards, int depth,
                 bool *selected);

/// Sorts by level; tests right behind the level of what they test.
void graph_sort(node_vec *nodes);

#endif
