/// @file cte.h
/// Puts the SQL of ephemeral models in front of a statement as common table expressions.
/// Layer: transform. Source: behaviour of dbt (the dbt-ctes vectors): only the first statement of a
/// text is kept, an existing WITH is extended, else one is added before the first token.

#ifndef TRANSFORM_CTE_H
#define TRANSFORM_CTE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

/// @param ctes  each as " name as (\n...\n)", in the order of their dependencies
/// @return RC_OK (without ctes the text is returned as it is) | RC_INVALID (no statement in `sql`)
CHECK rc cte_inject(struct arena *arena, struct str sql, const struct str *ctes, size_t count,
                    struct str *ret_sql, struct err *err);

/// Length of the comment, string or quoted identifier that starts at `at`; 0 when none does.
/// An unclosed one reaches to the end of the text.
size_t cte_skip_quoted(struct str sql, size_t at);

#endif
