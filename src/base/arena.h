/// @file arena.h
/// Memory for one unit of work (a command, a run, a request, a commit attempt): many small
/// allocations, freed together. Layer: base. Threads: an arena belongs to one thread.
/// Running out of memory ends the process, so nothing here fails; whoever lets input decide a size
/// caps it first (RC_LIMIT).

#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/str.h"

struct arena;

/// Opens an arena; with a parent it is closed, at the latest, together with it.
/// @param parent  NULL or an open arena of the same thread
/// @return never NULL; ends with arena_close()
struct arena *arena_open(struct arena *parent);

/// Runs the finalizers in reverse order, closes the children, frees all memory. NULL is allowed.
void arena_close(struct arena *arena);

/// As close and open again, but keeps the first block: for the scratch arena of a long loop.
void arena_reset(struct arena *arena);

/// Zeroed memory, aligned for any type, valid until the arena is closed or reset.
/// @param size  bytes; 0 gives a pointer that must not be read
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));

/// Room for `count` items, zeroed. Ends the process when the product overflows.
void *arena_alloc_array(struct arena *arena, size_t count, size_t item_size)
    __attribute__((returns_nonnull));

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc_array((arena), (count), sizeof(type)))

/// Calls `finalize(object)` when the arena is closed or reset.
void arena_defer(struct arena *arena, void (*finalize)(void *object), void *object);

/// Copies text; the copy has a NUL behind it, which the length does not count.
struct str arena_str(struct arena *arena, struct str text);
/// Copies text and returns it terminated (for system calls).
char *arena_cstr(struct arena *arena, struct str text);
void *arena_copy(struct arena *arena, const void *bytes, size_t length);

struct str arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct str arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/// Bytes that the arena holds from the system, its children not counted.
size_t arena_bytes(const struct arena *arena);

/// malloc that ends the process when there is no memory. For base/ only; everybody else uses an
/// arena, a buf or a vec.
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_grow(void *old, size_t size) __attribute__((returns_nonnull));
void mem_free(void *memory);

#endif
