/// @file memory.c
/// Storage in this process, for tests. Layer: store. Threads: any (one lock).
/// Replaced and removed objects keep their memory until the store is closed.

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "store/driver.h"

enum { MEMORY_OBJECT_MAX_BYTES = 1 << 30 };

struct memory_object {
    struct str bytes;
    int64_t modified_us;
};

struct memory_store {
    pthread_mutex_t lock;
    struct arena *arena;
    struct map objects; // name -> struct memory_object
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static rc memory_put(void *self, struct str uri, struct str bytes, struct store_put_options options,
                     struct err *err)
{
    struct memory_store *memory = self;
    rc result = RC_OK;
    pthread_mutex_lock(&memory->lock);
    if (options.must_be_new && map_has(&memory->objects, uri)) {
        result = err_set(err, RC_EXISTS, "cannot write %.*s: it exists", STR_ARGS(uri));
    } else {
        struct memory_object *object = ARENA_NEW(memory->arena, struct memory_object);
        *object = (struct memory_object){arena_str(memory->arena, bytes), now_us()};
        map_set(&memory->objects, arena_str(memory->arena, uri), object);
    }
    pthread_mutex_unlock(&memory->lock);
    return result;
}

static const struct memory_object *find(struct memory_store *memory, struct str uri)
{
    pthread_mutex_lock(&memory->lock);
    const struct memory_object *object = map_get(&memory->objects, uri);
    pthread_mutex_unlock(&memory->lock);
    return object; // stays valid: nothing is freed before the end
}

static rc memory_get(void *self, struct arena *arena, struct str uri, int64_t offset,
                     size_t max_bytes, bool is_range, struct str *ret_bytes, struct err *err)
{
    const struct memory_object *object = find(self, uri);
    if (object == NULL)
        return err_set(err, RC_NOT_FOUND, "cannot read %.*s: there is none", STR_ARGS(uri));
    if (!is_range && object->bytes.length > max_bytes)
        return err_set(err, RC_LIMIT, "%.*s has %zu bytes: more than the %zu allowed here",
                       STR_ARGS(uri), object->bytes.length, max_bytes);
    const int64_t size = (int64_t)object->bytes.length;
    if (offset < 0)
        offset = size + offset < 0 ? 0 : size + offset;
    *ret_bytes = arena_str(arena, str_slice(object->bytes, (size_t)offset, max_bytes));
    return RC_OK;
}

static rc memory_head(void *self, struct str uri, struct store_object *ret_object, struct err *err)
{
    const struct memory_object *object = find(self, uri);
    if (object == NULL)
        return err_set(err, RC_NOT_FOUND, "cannot find %.*s", STR_ARGS(uri));
    *ret_object = (struct store_object){.size_bytes = (int64_t)object->bytes.length,
                                        .modified_us = object->modified_us};
    return RC_OK;
}

static int compare_objects(const void *a, const void *b)
{
    return str_compare(((const struct store_object *)a)->uri,
                       ((const struct store_object *)b)->uri);
}

static rc memory_list(void *self, struct str prefix, store_list_callback callback, void *context,
                      struct err *err)
{
    struct memory_store *memory = self;
    struct arena *arena = arena_open(NULL);
    VEC(struct store_object) found = {0};
    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < memory->objects.count; i++) {
        const struct map_entry *entry = &memory->objects.entries[i];
        const struct memory_object *object = entry->value;
        if (str_has_prefix(entry->key, prefix))
            *vec_push(arena, &found) = (struct store_object){
                entry->key, (int64_t)object->bytes.length, object->modified_us};
    }
    pthread_mutex_unlock(&memory->lock);
    if (found.count > 1)
        qsort(found.items, found.count, sizeof *found.items, compare_objects);
    rc result = RC_OK;
    for (size_t i = 0; i < found.count && result == RC_OK; i++)
        result = callback(context, &found.items[i], err);
    arena_close(arena);
    return result;
}

static rc memory_remove(void *self, struct str uri, struct err *err)
{
    (void)err;
    struct memory_store *memory = self;
    pthread_mutex_lock(&memory->lock);
    map_remove(&memory->objects, uri);
    pthread_mutex_unlock(&memory->lock);
    return RC_OK;
}

struct memory_writer {
    struct arena *arena;
    struct str uri;
    struct store_put_options options;
    struct buf bytes;
};

static rc memory_writer_open(void *self, struct str uri, struct store_put_options options,
                             void **ret_writer, struct err *err)
{
    (void)self;
    (void)err;
    struct arena *arena = arena_open(NULL);
    struct memory_writer *writer = ARENA_NEW(arena, struct memory_writer);
    *writer =
        (struct memory_writer){.arena = arena, .uri = arena_str(arena, uri), .options = options};
    buf_init(&writer->bytes, MEMORY_OBJECT_MAX_BYTES);
    *ret_writer = writer;
    return RC_OK;
}

static rc memory_writer_write(void *self, void *handle, struct str bytes, struct err *err)
{
    (void)self;
    struct memory_writer *writer = handle;
    buf_append_str(&writer->bytes, bytes);
    return buf_check(&writer->bytes, err, "an object in memory");
}

static void memory_writer_abort(void *self, void *handle)
{
    (void)self;
    struct memory_writer *writer = handle;
    buf_done(&writer->bytes);
    arena_close(writer->arena);
}

static rc memory_writer_finish(void *self, void *handle, struct err *err)
{
    struct memory_writer *writer = handle;
    const rc result = memory_put(self, writer->uri, buf_str(&writer->bytes), writer->options, err);
    memory_writer_abort(self, handle);
    return result;
}

static void memory_close(void *self)
{
    struct memory_store *memory = self;
    pthread_mutex_destroy(&memory->lock);
}

static const struct store_driver memory_driver = {
    .name = "memory",
    .has_must_be_new = true,
    .put = memory_put,
    .get = memory_get,
    .head = memory_head,
    .list = memory_list,
    .remove = memory_remove,
    .writer_open = memory_writer_open,
    .writer_write = memory_writer_write,
    .writer_finish = memory_writer_finish,
    .writer_abort = memory_writer_abort,
    .close = memory_close,
};

struct store *store_open_memory(struct arena *arena)
{
    struct memory_store *memory = ARENA_NEW(arena, struct memory_store);
    pthread_mutex_init(&memory->lock, NULL);
    memory->arena = arena_open(arena); // of its own: callers may use theirs in another thread
    map_init(&memory->objects, memory->arena);
    return store_of_driver(arena, &memory_driver, memory);
}
