/// @file yaml_patch.h
/// Adding lines to a YAML file that a person wrote, by the marks of its nodes, so that comments and
/// the order of things stay. Layer: cli. Threads: pure functions.
/// Limits: only mappings and lists in block style can be added to; the patched text is parsed
/// again.

#ifndef CLI_YAML_PATCH_H
#define CLI_YAML_PATCH_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct yaml;

/// Adds `lines` (each without indent and line end) behind the last line of `node`, a non-empty
/// mapping or list in block style, indented as its items are.
/// @param text   of the file that `node` was read from
/// @param place  of the file, for messages
/// @return RC_OK | RC_REFUSED (flow style, or the result would be no YAML: the message says where)
CHECK rc yaml_patch_append(struct arena *arena, struct str text, const char *place,
                           const struct yaml *node, const struct str *lines, size_t line_count,
                           struct str *ret_text, struct err *err);

/// Adds `line` behind the last line that starts with `prefix`. @return false when none does
bool text_insert_behind(struct arena *arena, struct str text, struct str prefix, struct str line,
                        struct str *ret_text);

#endif
