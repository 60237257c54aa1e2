#include "base/map.h"

#include <sys/random.h>

#include "base/arena.h"
#include "base/vec.h"

void vec_grow(struct arena *arena, void **items, size_t count, size_t *capacity, size_t item_size)
{
    if (count == *capacity) {
        const size_t wider = *capacity < 8 ? 8 : *capacity * 2;
        void *moved = arena_alloc_array(arena, wider, item_size);
        if (count > 0)
            memcpy(moved, *items, count * item_size);
        *items = moved;
        *capacity = wider;
    }
    memset((char *)*items + count * item_size, 0, item_size);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    const unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t process_seed(void)
{
    static uint64_t seed; // the same for every thread; a lost race only reads random bytes twice
    uint64_t value = __atomic_load_n(&seed, __ATOMIC_RELAXED);
    if (value == 0) {
        if (getrandom(&value, sizeof value, GRND_NONBLOCK) != sizeof value)
            value = (uint64_t)(uintptr_t)&seed;
        value |= 1;
        uint64_t none = 0;
        if (!__atomic_compare_exchange_n(&seed, &none, value, false, __ATOMIC_RELAXED,
                                         __ATOMIC_RELAXED))
            value = none;
    }
    return value;
}

static uint64_t hash_of(struct str key)
{
    uint64_t hash = process_seed() ^ mix(key.length + 1, 0x9e3779b97f4a7c15u);
    const char *at = key.bytes;
    size_t left = key.length;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        hash = mix(hash ^ word, 0xa0761d6478bd642fu);
    }
    uint64_t tail = 0;
    if (left > 0)
        memcpy(&tail, at, left);
    return mix(hash ^ tail, 0xe7037ed1a0b428dbu);
}

void map_init(struct map *map, struct arena *arena)
{
    *map = (struct map){.arena = arena};
}

static void slots_fill(struct map *map)
{
    memset(map->slots, 0, map->slot_count * sizeof *map->slots);
    for (size_t i = 0; i < map->count; i++) {
        size_t slot = map->entries[i].hash & (map->slot_count - 1);
        while (map->slots[slot] != 0)
            slot = (slot + 1) & (map->slot_count - 1);
        map->slots[slot] = (uint32_t)i + 1;
    }
}

static struct map_entry *find(const struct map *map, struct str key, uint64_t hash)
{
    if (map->slot_count == 0)
        return NULL;
    for (size_t slot = hash & (map->slot_count - 1); map->slots[slot] != 0;
         slot = (slot + 1) & (map->slot_count - 1)) {
        struct map_entry *entry = &map->entries[map->slots[slot] - 1];
        if (entry->hash == hash && str_equal(entry->key, key))
            return entry;
    }
    return NULL;
}

void *map_get(const struct map *map, struct str key)
{
    if (map->count == 0)
        return NULL;
    const struct map_entry *entry = find(map, key, hash_of(key));
    return entry != NULL ? entry->value : NULL;
}

bool map_has(const struct map *map, struct str key)
{
    return map->count > 0 && find(map, key, hash_of(key)) != NULL;
}

struct map_entry *map_entry_of(struct map *map, struct str key)
{
    const uint64_t hash = hash_of(key);
    struct map_entry *entry = find(map, key, hash);
    if (entry != NULL)
        return entry;

    vec_grow(map->arena, (void **)&map->entries, map->count, &map->capacity, sizeof *map->entries);
    map->entries[map->count] = (struct map_entry){.key = key, .hash = hash};
    map->count++;
    if (map->count * 4 > map->slot_count * 3) {
        map->slot_count = map->slot_count == 0 ? 16 : map->slot_count * 2;
        map->slots = ARENA_ARRAY(map->arena, uint32_t, map->slot_count);
        slots_fill(map);
    } else {
        size_t slot = hash & (map->slot_count - 1);
        while (map->slots[slot] != 0)
            slot = (slot + 1) & (map->slot_count - 1);
        map->slots[slot] = (uint32_t)map->count;
    }
    return &map->entries[map->count - 1];
}

void map_set(struct map *map, struct str key, void *value)
{
    map_entry_of(map, key)->value = value;
}

bool map_remove(struct map *map, struct str key)
{
    struct map_entry *entry = find(map, key, hash_of(key));
    if (entry == NULL)
        return false;
    const size_t at = (size_t)(entry - map->entries);
    memmove(entry, entry + 1, (map->count - at - 1) * sizeof *entry);
    map->count--;
    slots_fill(map);
    return true;
}
