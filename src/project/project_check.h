/// @file project_check.h
/// All problems of moulin.yml, for `moulin check`. Layer: project.

#ifndef PROJECT_PROJECT_CHECK_H
#define PROJECT_PROJECT_CHECK_H

#include "base/jsonschema.h"
#include "project/project.h"

/// Checks all environments against the schema, and what stands in double braces, without values.
/// @return RC_OK | RC_NOT_FOUND (no moulin.yml) | RC_CONFIG (no YAML)
CHECK rc project_problems(struct arena *arena, struct str folder,
                          jsonschema_problem_vec *ret_problems, struct err *err);

/// secrets.yml is there and not for its owner's eyes only.
bool project_has_readable_secrets(const struct project *project);

#endif
