/// @file vec.h
/// A growing array of any type, in an arena: struct { type *items; size_t count, capacity; }.
/// Layer: base. Zero-initialise to start. Old arrays stay in the arena until it is closed, so the
/// cost of growing is at most the final size again.
///
///     VEC_TYPE(column_vec, struct column);           // typedef at file level
///     column_vec columns = {0};
///     *vec_push(arena, &columns) = (struct column){...};

#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stddef.h>

#include "base/arena.h"

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count, capacity;                                                                    \
    }
#define VEC_TYPE(name, type) typedef VEC(type) name

/// Adds a zeroed item. @return pointer to it, valid until the next push
#define vec_push(arena, vec)                                                                       \
    (vec_grow((arena), (void **)&(vec)->items, (vec)->count, &(vec)->capacity,                     \
              sizeof *(vec)->items),                                                               \
     &(vec)->items[(vec)->count++])

/// Makes room for one more item and zeroes it. For vec_push.
void vec_grow(struct arena *arena, void **items, size_t count, size_t *capacity, size_t item_size);

VEC_TYPE(str_vec, struct str);

#endif
