/// @file project_file.h
/// dbt_project.yml, profiles.yml, packages.yml and the installed packages. Layer: transform.
/// Source: dbt-core 1.12 (project keys, search order of profiles, rendering rules).

#ifndef TRANSFORM_PROJECT_FILE_H
#define TRANSFORM_PROJECT_FILE_H

#include "transform/transform.h"

/// Reads the root project, the profile and the packages into `t`.
CHECK rc project_file_load(struct transform *t, struct err *err);

/// The value of var(): command line, then root project (the package's own section first), then the
/// package. @return false when no one defines it
bool project_var(const struct transform *t, const struct package *package, struct str name,
                 struct value *ret_value);

#endif
