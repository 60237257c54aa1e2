/// @file snappy.h
/// Expands Snappy's raw format (Avro blocks of some writers). Layer: format. Pure.
/// Source: google/snappy format_description.txt.

#ifndef FORMAT_SNAPPY_H
#define FORMAT_SNAPPY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/// @param max_bytes  RC_LIMIT when the text says that it expands to more
/// @return RC_OK | RC_CORRUPT | RC_LIMIT
CHECK rc snappy_expand(struct arena *arena, struct str input, size_t max_bytes,
                       struct str *ret_bytes, struct err *err);

#endif
