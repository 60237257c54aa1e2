/// @file portable.h
/// SQL that DuckDB takes and Trino or Athena do not, found in the text of models, tests and macros.
/// Layer: transform. Threads: pure. It looks at words, not at meaning: what macros produce, names
/// that packages build and functions that differ in a corner are not seen; the engine decides.

#ifndef TRANSFORM_PORTABLE_H
#define TRANSFORM_PORTABLE_H

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"

struct portable_problem {
    int line, column;
    struct str what;    // "string_agg(...)", "the cast ::"
    struct str instead; // "array_join(array_agg(x), ',')"
};
VEC_TYPE(portable_problem_vec, struct portable_problem);

/// @param text  of a file, with its Jinja: expressions, tags and comments are passed over, and so
///              are macros named duckdb__*
void portable_find(struct arena *arena, struct str text, portable_problem_vec *problems);

#endif
