/// @file render.h
/// {{ env_var('X'[, 'default']) }}, {{ var('x'[, default]) }} and {{ secret('a/b') }} in the text
/// of YAML values. Layer: project. Source: dbt's env_var and var, its native rendering of YAML: a
/// text that is one call alone has the type of the call's value, `| as_number`, `| as_bool`, `|
/// as_native` and `| as_text` turn it into another. One scanner knows exactly these calls.

#ifndef PROJECT_RENDER_H
#define PROJECT_RENDER_H

#include "base/arena.h"
#include "base/err.h"
#include "project/project.h"

struct yaml;

enum { RENDER_MAX_BYTES = 1 << 20 }; // of one rendered text

/// Whether a text has double braces at all.
bool render_is_needed(struct str text);

/// Renders the text of one node.
/// @param project  may have no secrets and vars yet (they are then not found)
/// @return RC_OK | RC_CONFIG (what stands in the braces is none of the three)
CHECK rc render_text(const struct project *project, struct arena *arena, const struct yaml *node,
                     const struct yaml **ret_node, struct err *err);

/// Checks the calls without looking anything up.
CHECK rc render_check(struct arena *arena, const struct yaml *node, struct err *err);

#endif
