/// @file map.h
/// Map from text to pointer that remembers the order of insertion. Layer: base.
/// Keys are borrowed (put them into the arena first when they may go away). Hash: wyhash-like,
/// seeded per process, so that hostile keys cannot pile up.
///
///     struct map map;
///     map_init(&map, arena);
///     map_set(&map, STR("a"), thing);
///     for (size_t i = 0; i < map.count; i++) use(map.entries[i].key, map.entries[i].value);

#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdint.h>

#include "base/str.h"

struct map_entry {
    struct str key;
    void *value;
    uint64_t hash;
};

struct map {
    struct arena *arena;       // borrowed; holds the tables
    struct map_entry *entries; // in order of insertion
    size_t count, capacity;
    uint32_t *slots; // entry number + 1, 0 = free; a power of two of them
    size_t slot_count;
};

void map_init(struct map *map, struct arena *arena);
/// @return the value, NULL when absent (or when NULL was stored: see map_has)
void *map_get(const struct map *map, struct str key);
bool map_has(const struct map *map, struct str key);
/// Sets or replaces. A replaced key keeps its place in the order.
void map_set(struct map *map, struct str key, void *value);
/// The entry, made with value NULL when absent. Valid until the next insertion.
struct map_entry *map_entry_of(struct map *map, struct str key);
/// Removes and keeps the order of the others; O(n). @return false when absent
bool map_remove(struct map *map, struct str key);

#endif
