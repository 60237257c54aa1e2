/// @file check.h
/// What the parts of `moulin check` share. Layer: cli, internal to command_check.c and
/// check_transform*.c.

#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "base/vec.h"
#include "project/project.h"

struct check_problem {
    struct str place;
    int line, column; // 0 = unknown
    struct str message, hint;
    bool is_warning;
};
VEC_TYPE(check_problem_vec, struct check_problem);

struct check {
    struct arena *arena;
    struct project *project; // NULL = moulin.yml is broken
    check_problem_vec problems;
    int64_t file_count;
    struct str engine; // --engine: what the dbt project is to run on as well; "" = none
};

struct check_problem *check_add(struct check *c, struct str place, int line, int column,
                                struct str message, struct str hint);
/// @param fallback_place  the file, when the error names none
void check_add_err(struct check *c, const char *fallback_place, const struct err *err);

/// The dbt project.
CHECK rc check_transform(struct check *c, struct err *err);

struct transform;
/// SQL of the dbt project that `engine` (trino, athena) does not take, as problems.
/// @param folder  of the dbt project, as messages name it
void check_engine(struct check *c, const struct transform *t, const char *folder,
                  struct str engine);

#endif
