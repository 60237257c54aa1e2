/// @file compile.h
/// A node as SQL, rendered in a scope that the caller keeps. Layer: transform.

#ifndef TRANSFORM_COMPILE_H
#define TRANSFORM_COMPILE_H

#include "transform/session.h"
#include "transform/transform.h"

/// Renders the node, puts ephemeral parents in front, and writes target/compiled/...
CHECK rc compile_node(struct transform *t, struct node *node, struct scope *scope, struct err *err);

#endif
