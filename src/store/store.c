#include "store/store.h"

#include <stdio.h>

#include "store/driver.h"

struct store {
    const struct store_driver *driver;
    void *self;
};

struct store_writer {
    struct store *store;
    void *handle; // NULL once finished or aborted
};

static void close_store(void *object)
{
    struct store *store = object;
    if (store->driver->close != NULL)
        store->driver->close(store->self);
}

struct store *store_of_driver(struct arena *arena, const struct store_driver *driver, void *self)
{
    struct store *store = ARENA_NEW(arena, struct store);
    *store = (struct store){.driver = driver, .self = self};
    arena_defer(arena, close_store, store);
    return store;
}

const struct store_driver *store_driver_of(const struct store *store)
{
    return store->driver;
}

void *store_self(const struct store *store)
{
    return store->self;
}

rc store_open(struct arena *arena, struct str uri, struct store **ret_store, struct err *err)
{
    if (str_has_prefix(uri, STR("memory:")))
        *ret_store = store_open_memory(arena);
    else if (str_has_prefix(uri, STR("file:")) || !str_contains(uri, STR("://")))
        *ret_store = store_open_posix(arena);
    else
        return err_set(err, RC_UNSUPPORTED, "no storage is known for \"%.*s\"", STR_ARGS(uri));
    return RC_OK;
}

enum { URI_MAX_BYTES = 4000 };

static rc check_name(struct str uri, struct err *err)
{
    if (uri.length == 0)
        return err_set(err, RC_INVALID, "the name of a stored object is empty");
    if (uri.length > URI_MAX_BYTES)
        return err_set(err, RC_LIMIT, "the name of a stored object is longer than %d bytes",
                       URI_MAX_BYTES);
    if (memchr(uri.bytes, '\0', uri.length) != NULL)
        return err_set(err, RC_INVALID, "the name of a stored object holds a NUL byte");
    struct str rest = uri, part;
    while (str_split_next(&rest, '/', &part))
        if (str_equal(part, STR("..")))
            return err_set(err, RC_INVALID, "\"%.*s\": .. is not allowed in the name of an object",
                           STR_ARGS(uri));
    return RC_OK;
}

rc store_put(struct store *store, struct str uri, struct str bytes,
             struct store_put_options options, struct err *err)
{
    TRY(check_name(uri, err));
    return store->driver->put(store->self, uri, bytes, options, err);
}

rc store_get(struct store *store, struct arena *arena, struct str uri, size_t max_bytes,
             struct str *ret_bytes, struct err *err)
{
    TRY(check_name(uri, err));
    return store->driver->get(store->self, arena, uri, 0, max_bytes, false, ret_bytes, err);
}

rc store_get_range(struct store *store, struct arena *arena, struct str uri, int64_t offset,
                   size_t length, struct str *ret_bytes, struct err *err)
{
    TRY(check_name(uri, err));
    return store->driver->get(store->self, arena, uri, offset, length, true, ret_bytes, err);
}

rc store_head(struct store *store, struct str uri, struct store_object *ret_object, struct err *err)
{
    TRY(check_name(uri, err));
    struct store_object object = {0};
    TRY(store->driver->head(store->self, uri, &object, err));
    object.uri = uri;
    *ret_object = object;
    return RC_OK;
}

rc store_list(struct store *store, struct str prefix, store_list_callback callback, void *context,
              struct err *err)
{
    TRY(check_name(prefix, err));
    return store->driver->list(store->self, prefix, callback, context, err);
}

rc store_remove(struct store *store, struct str uri, struct err *err)
{
    TRY(check_name(uri, err));
    return store->driver->remove(store->self, uri, err);
}

rc store_remove_many(struct store *store, const struct str *uris, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        TRY(check_name(uris[i], err));
    if (count == 0)
        return RC_OK;
    if (store->driver->remove_many != NULL)
        return store->driver->remove_many(store->self, uris, count, err);
    rc result = RC_OK;
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        struct err local = {0};
        const rc removed = store->driver->remove(store->self, uris[i], &local);
        failed += removed != RC_OK;
        if (result != RC_OK || removed == RC_OK)
            continue;
        result = removed;
        if (err != NULL)
            *err = local;
    }
    if (failed > 1)
        err_context(err, "%zu of %zu objects were not removed, the first", failed, count);
    return result;
}

static void abort_writer(void *object)
{
    store_writer_abort(object);
}

rc store_writer_open(struct store *store, struct arena *arena, struct str uri,
                     struct store_put_options options, struct store_writer **ret_writer,
                     struct err *err)
{
    TRY(check_name(uri, err));
    void *handle;
    TRY(store->driver->writer_open(store->self, uri, options, &handle, err));
    struct store_writer *writer = ARENA_NEW(arena, struct store_writer);
    *writer = (struct store_writer){.store = store, .handle = handle};
    arena_defer(arena, abort_writer, writer);
    *ret_writer = writer;
    return RC_OK;
}

rc store_write(struct store_writer *writer, const void *bytes, size_t length, struct err *err)
{
    if (writer->handle == NULL)
        return err_set(err, RC_INTERNAL, "a closed object was written to");
    return writer->store->driver->writer_write(writer->store->self, writer->handle,
                                               (struct str){bytes, length}, err);
}

rc store_writer_finish(struct store_writer *writer, struct err *err)
{
    if (writer->handle == NULL)
        return err_set(err, RC_INTERNAL, "an object was finished twice");
    void *handle = writer->handle;
    writer->handle = NULL;
    return writer->store->driver->writer_finish(writer->store->self, handle, err);
}

void store_writer_abort(struct store_writer *writer)
{
    if (writer == NULL || writer->handle == NULL)
        return;
    void *handle = writer->handle;
    writer->handle = NULL;
    writer->store->driver->writer_abort(writer->store->self, handle);
}

rc store_local_path(struct store *store, struct arena *arena, struct str uri, struct str *ret_path,
                    struct err *err)
{
    TRY(check_name(uri, err));
    if (!store->driver->is_local)
        return err_set(err, RC_UNSUPPORTED, "\"%.*s\" is no local file: storage %s has no paths",
                       STR_ARGS(uri), store->driver->name);
    const struct str path = store->driver->local_path(store->self, arena, uri);
    if (path.length == 0)
        return err_set(err, RC_INVALID, "\"%.*s\" is no absolute local path", STR_ARGS(uri));
    *ret_path = path;
    return RC_OK;
}

rc store_reader_path(struct store *store, struct arena *arena, struct str uri, struct str *ret_path,
                     struct err *err)
{
    TRY(check_name(uri, err));
    if (store->driver->reader_path != NULL)
        return store->driver->reader_path(store->self, arena, uri, ret_path, err);
    if (store->driver->is_local)
        return store_local_path(store, arena, uri, ret_path, err);
    return err_set(err, RC_UNSUPPORTED,
                   "the engine cannot read \"%.*s\": storage %s is not open to it", STR_ARGS(uri),
                   store->driver->name);
}

rc store_join(struct arena *arena, struct str folder, struct str name, struct str *ret_uri,
              struct err *err)
{
    while (folder.length > 0 && folder.bytes[folder.length - 1] == '/')
        folder.length--;
    while (name.length > 0 && name.bytes[0] == '/')
        name = str_slice(name, 1, SIZE_MAX);
    const struct str joined = arena_printf(arena, "%.*s/%.*s", STR_ARGS(folder), STR_ARGS(name));
    TRY(check_name(joined, err));
    *ret_uri = joined;
    return RC_OK;
}
