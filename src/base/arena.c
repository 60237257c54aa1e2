#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_BLOCK_BYTES = 4096, LARGEST_BLOCK_BYTES = 1 << 20, ALIGNMENT = 16 };

struct block {
    struct block *next;
    size_t capacity, used; // bytes behind the header
    char *bytes;
};

struct finalizer {
    struct finalizer *next;
    void (*finalize)(void *object);
    void *object;
};

struct arena {
    struct block *blocks; // newest first
    size_t next_capacity;
    size_t held_bytes;
    struct finalizer *finalizers; // newest first
    struct arena *parent, *first_child, *next_sibling, *previous_sibling;
};

static _Noreturn void out_of_memory(void)
{
    static const char message[] = "moulin: out of memory\n";
    ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
    (void)written;
    _exit(1);
}

void *mem_alloc(size_t size)
{
    void *memory = malloc(size > 0 ? size : 1);
    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *mem_grow(void *old, size_t size)
{
    void *memory = realloc(old, size > 0 ? size : 1);
    if (memory == NULL)
        out_of_memory();
    return memory;
}

void mem_free(void *memory)
{
    free(memory);
}

struct arena *arena_open(struct arena *parent)
{
    struct arena *arena = mem_alloc(sizeof *arena);
    *arena = (struct arena){.next_capacity = FIRST_BLOCK_BYTES, .parent = parent};
    if (parent != NULL) {
        arena->next_sibling = parent->first_child;
        if (parent->first_child != NULL)
            parent->first_child->previous_sibling = arena;
        parent->first_child = arena;
    }
    return arena;
}

static void run_finalizers(struct arena *arena)
{
    while (arena->first_child != NULL)
        arena_close(arena->first_child);
    while (arena->finalizers != NULL) {
        struct finalizer *finalizer = arena->finalizers;
        arena->finalizers = finalizer->next; // a finalizer may defer another one
        finalizer->finalize(finalizer->object);
    }
}

static void free_blocks(struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;
        mem_free(block);
        block = next;
    }
}

static void leave_parent(struct arena *arena)
{
    if (arena->previous_sibling != NULL)
        arena->previous_sibling->next_sibling = arena->next_sibling;
    else if (arena->parent != NULL)
        arena->parent->first_child = arena->next_sibling;
    if (arena->next_sibling != NULL)
        arena->next_sibling->previous_sibling = arena->previous_sibling;
}

void arena_close(struct arena *arena)
{
    if (arena == NULL)
        return;
    run_finalizers(arena);
    free_blocks(arena->blocks);
    leave_parent(arena);
    mem_free(arena);
}

void arena_reset(struct arena *arena)
{
    run_finalizers(arena);
    struct block *kept = arena->blocks;
    if (kept == NULL)
        return;
    // The newest block is the largest of the ordinary ones: the next round fits into it.
    free_blocks(kept->next);
    kept->next = NULL;
    kept->used = 0;
    arena->held_bytes = kept->capacity;
}

static struct block *block_add(struct arena *arena, size_t size)
{
    const size_t capacity = size > arena->next_capacity ? size : arena->next_capacity;
    if (capacity > SIZE_MAX - sizeof(struct block) - ALIGNMENT)
        out_of_memory();
    struct block *block = mem_alloc(sizeof *block + ALIGNMENT + capacity);
    const uintptr_t start = (uintptr_t)(block + 1);
    const size_t padding = (ALIGNMENT - start % ALIGNMENT) % ALIGNMENT;
    *block = (struct block){.capacity = capacity, .bytes = (char *)(block + 1) + padding};
    if (arena->next_capacity < LARGEST_BLOCK_BYTES)
        arena->next_capacity *= 2;
    arena->held_bytes += capacity;

    // A block made for one large object goes behind the current one, whose room is still good.
    struct block *current = arena->blocks;
    const bool is_oversized = current != NULL && size > LARGEST_BLOCK_BYTES / 4;
    if (is_oversized) {
        block->next = current->next;
        current->next = block;
    } else {
        block->next = current;
        arena->blocks = block;
    }
    return block;
}

static void *arena_take(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT)
        out_of_memory();
    const size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct block *block = arena->blocks;
    if (block == NULL || block->capacity - block->used < rounded)
        block = block_add(arena, rounded);
    void *memory = block->bytes + block->used;
    block->used += rounded;
    return memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *memory = arena_take(arena, size);
    memset(memory, 0, size);
    return memory;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t item_size)
{
    size_t size;
    if (__builtin_mul_overflow(count, item_size, &size))
        out_of_memory();
    return arena_alloc(arena, size);
}

void arena_defer(struct arena *arena, void (*finalize)(void *object), void *object)
{
    struct finalizer *finalizer = ARENA_NEW(arena, struct finalizer);
    *finalizer = (struct finalizer){arena->finalizers, finalize, object};
    arena->finalizers = finalizer;
}

void *arena_copy(struct arena *arena, const void *bytes, size_t length)
{
    void *copy = arena_take(arena, length);
    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

char *arena_cstr(struct arena *arena, struct str text)
{
    char *copy = arena_take(arena, text.length + 1);
    if (text.length > 0)
        memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    return copy;
}

struct str arena_str(struct arena *arena, struct str text)
{
    return (struct str){arena_cstr(arena, text), text.length};
}

struct str arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    char small[256];
    const int length = vsnprintf(small, sizeof small, format, args);
    struct str text = {"", 0};
    if (length >= 0 && (size_t)length < sizeof small) {
        text = arena_str(arena, (struct str){small, (size_t)length});
    } else if (length >= 0) {
        char *bytes = arena_take(arena, (size_t)length + 1);
        vsnprintf(bytes, (size_t)length + 1, format, again);
        text = (struct str){bytes, (size_t)length};
    }
    va_end(again);
    return text;
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct str text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

size_t arena_bytes(const struct arena *arena)
{
    return arena->held_bytes;
}
