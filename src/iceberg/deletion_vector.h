/// @file deletion_vector.h
/// Reads a deletion vector: positions of deleted rows as a 64-bit roaring bitmap.
/// Layer: iceberg. Threads: pure. Source: Puffin spec "deletion-vector-v1", RoaringFormatSpec.
/// Limits: DELETION_VECTOR_MAX_POSITIONS (RC_LIMIT).

#ifndef ICEBERG_DELETION_VECTOR_H
#define ICEBERG_DELETION_VECTOR_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { DELETION_VECTOR_MAX_POSITIONS = 5000000 };

/// @param blob           the bytes at the file's content offset: length, magic, bitmap, checksum
/// @param ret_positions  ascending, in `arena`
/// @return RC_OK | RC_CORRUPT | RC_LIMIT
CHECK rc deletion_vector_decode(struct arena *arena, struct str blob, const char *place,
                                int64_t **ret_positions, size_t *ret_count, struct err *err);

#endif
