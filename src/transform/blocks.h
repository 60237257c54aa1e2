/// @file blocks.h
/// Cuts a file into its top-level blocks ({% macro %}, {% test %}, {% docs %}, ...) before any of
/// it is compiled as a template. Layer: transform. Source: behaviour of dbt's block extractor (the
/// dbt-blocks vectors): text between blocks is kept as data, comments, expressions, strings and raw
/// sections hide tags, and a block may neither nest nor stand inside an if or a for.
/// Limits: BLOCKS_MAX blocks per file.

#ifndef TRANSFORM_BLOCKS_H
#define TRANSFORM_BLOCKS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

enum { BLOCKS_MAX = 100000 };

struct block {
    struct str type;     // "macro"; "" for the data between blocks
    struct str name;     // "" for data and for nameless blocks
    struct str contents; // between the tags; for data the data itself
    struct str full;     // tags included
    int line;            // of `full` in the file, from 1
};
VEC_TYPE(block_vec, struct block);

/// @param text     the file, borrowed: the blocks point into it
/// @param place    named in errors
/// @param allowed  block types to cut out ("macro", "docs", ...), NULL-terminated
/// @return RC_OK | RC_INVALID (nested, misplaced, unclosed; err has line and column) | RC_LIMIT
CHECK rc blocks_extract(struct arena *arena, struct str text, const char *place,
                        const char *const *allowed, block_vec *ret_blocks, struct err *err);

#endif
