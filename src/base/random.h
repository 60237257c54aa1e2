/// @file random.h
/// Random bytes and identifiers. Layer: base. Threads: any. Source of the bytes: the kernel.

#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/arena.h"
#include "base/str.h"

/// Fills with bytes that cannot be guessed. Ends the process when the kernel has none.
void random_bytes(void *to, size_t length);
uint64_t random_uint64(void);
/// A random UUID (version 4): "f79c3e09-677c-4bbd-a479-3f349cb785e7".
struct str random_uuid(struct arena *arena);

#endif
