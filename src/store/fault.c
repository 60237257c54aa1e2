/// @file fault.c
/// A store that fails on purpose: wraps another, counts the operations and fails those that a test
/// names. Layer: store. Threads: one.

#include "store/driver.h"

const char *const store_operation_names[STORE_OPERATION_COUNT] = {
    [STORE_PUT] = "put",
    [STORE_GET] = "get",
    [STORE_HEAD] = "head",
    [STORE_LIST] = "list",
    [STORE_REMOVE] = "remove",
    [STORE_WRITER_OPEN] = "writer open",
    [STORE_WRITER_WRITE] = "writer write",
    [STORE_WRITER_FINISH] = "writer finish",
};

struct fault_store {
    const struct store_driver *inner;
    void *inner_self;
    struct store_fault *fault;
};

struct fault_writer {
    struct arena *arena;
    struct str uri;
    void *inner;
};

static bool is_counted(const struct store_fault *fault, enum store_operation operation)
{
    const bool is_reading =
        operation == STORE_GET || operation == STORE_HEAD || operation == STORE_LIST;
    return !(fault->is_writing_only && is_reading);
}

/// @param ret_is_failing  whether this operation has to be reported as failed
static rc before(struct fault_store *store, enum store_operation operation, struct str uri,
                 bool *ret_is_failing, struct err *err)
{
    struct store_fault *fault = store->fault;
    *ret_is_failing = false;
    if (!is_counted(fault, operation))
        return RC_OK;
    const int64_t number = ++fault->operation_count;
    if (fault->before != NULL)
        TRY(fault->before(fault->context, operation, uri, err));
    *ret_is_failing = fault->fail_at > 0 &&
                      (number == fault->fail_at || (fault->is_for_ever && number > fault->fail_at));
    return RC_OK;
}

static rc injected(const struct fault_store *store, enum store_operation operation, struct str uri,
                   struct err *err)
{
    const struct store_fault *fault = store->fault;
    return err_set(err, fault->code != RC_OK ? fault->code : RC_IO,
                   "injected failure of operation %lld (%s %.*s)",
                   (long long)fault->operation_count, store_operation_names[operation],
                   STR_ARGS(uri));
}

static rc after(struct fault_store *store, enum store_operation operation, struct str uri,
                bool is_failing, rc result, struct err *err)
{
    struct store_fault *fault = store->fault;
    if (is_failing && result == RC_OK)
        result = injected(store, operation, uri, err);
    if (fault->after != NULL && is_counted(fault, operation))
        fault->after(fault->context, operation, uri, result);
    return result;
}

/// Wraps one call of the inner driver.
#define AROUND(operation, uri, call)                                                               \
    do {                                                                                           \
        bool is_failing;                                                                           \
        TRY(before(store, (operation), (uri), &is_failing, err));                                  \
        const rc result = is_failing && !store->fault->is_done_first ? RC_OK : (call);             \
        return after(store, (operation), (uri), is_failing, result, err);                          \
    } while (0)

static rc fault_put(void *self, struct str uri, struct str bytes, struct store_put_options options,
                    struct err *err)
{
    struct fault_store *store = self;
    AROUND(STORE_PUT, uri, store->inner->put(store->inner_self, uri, bytes, options, err));
}

static rc fault_get(void *self, struct arena *arena, struct str uri, int64_t offset,
                    size_t max_bytes, bool is_range, struct str *ret_bytes, struct err *err)
{
    struct fault_store *store = self;
    AROUND(STORE_GET, uri,
           store->inner->get(store->inner_self, arena, uri, offset, max_bytes, is_range, ret_bytes,
                             err));
}

static rc fault_head(void *self, struct str uri, struct store_object *ret_object, struct err *err)
{
    struct fault_store *store = self;
    AROUND(STORE_HEAD, uri, store->inner->head(store->inner_self, uri, ret_object, err));
}

static rc fault_list(void *self, struct str prefix, store_list_callback callback, void *context,
                     struct err *err)
{
    struct fault_store *store = self;
    AROUND(STORE_LIST, prefix,
           store->inner->list(store->inner_self, prefix, callback, context, err));
}

static rc fault_remove(void *self, struct str uri, struct err *err)
{
    struct fault_store *store = self;
    AROUND(STORE_REMOVE, uri, store->inner->remove(store->inner_self, uri, err));
}

static rc fault_writer_open(void *self, struct str uri, struct store_put_options options,
                            void **ret_writer, struct err *err)
{
    struct fault_store *store = self;
    bool is_failing;
    TRY(before(store, STORE_WRITER_OPEN, uri, &is_failing, err));
    void *inner = NULL;
    rc result = RC_OK;
    if (!is_failing)
        result = store->inner->writer_open(store->inner_self, uri, options, &inner, err);
    TRY(after(store, STORE_WRITER_OPEN, uri, is_failing, result, err));
    struct arena *arena = arena_open(NULL);
    struct fault_writer *writer = ARENA_NEW(arena, struct fault_writer);
    *writer = (struct fault_writer){arena, arena_str(arena, uri), inner};
    *ret_writer = writer;
    return RC_OK;
}

static rc fault_writer_write(void *self, void *handle, struct str bytes, struct err *err)
{
    struct fault_store *store = self;
    struct fault_writer *writer = handle;
    AROUND(STORE_WRITER_WRITE, writer->uri,
           store->inner->writer_write(store->inner_self, writer->inner, bytes, err));
}

static void fault_writer_abort(void *self, void *handle)
{
    struct fault_store *store = self;
    struct fault_writer *writer = handle;
    if (writer->inner != NULL)
        store->inner->writer_abort(store->inner_self, writer->inner);
    arena_close(writer->arena);
}

static rc finish_inner(struct fault_store *store, struct fault_writer *writer, struct err *err)
{
    bool is_failing;
    TRY(before(store, STORE_WRITER_FINISH, writer->uri, &is_failing, err));
    rc result = RC_OK;
    if (!is_failing || store->fault->is_done_first) {
        result = store->inner->writer_finish(store->inner_self, writer->inner, err);
        writer->inner = NULL;
    }
    return after(store, STORE_WRITER_FINISH, writer->uri, is_failing, result, err);
}

static rc fault_writer_finish(void *self, void *handle, struct err *err)
{
    const rc result = finish_inner(self, handle, err);
    fault_writer_abort(self, handle); // what is left of it
    return result;
}

static struct str fault_local_path(void *self, struct arena *arena, struct str uri)
{
    struct fault_store *store = self;
    return store->inner->local_path(store->inner_self, arena, uri);
}

static rc fault_reader_path(void *self, struct arena *arena, struct str uri, struct str *ret_path,
                            struct err *err)
{
    struct fault_store *store = self;
    if (store->inner->reader_path != NULL)
        return store->inner->reader_path(store->inner_self, arena, uri, ret_path, err);
    if (!store->inner->is_local)
        return err_set(err, RC_UNSUPPORTED, "the engine cannot read \"%.*s\"", STR_ARGS(uri));
    *ret_path = store->inner->local_path(store->inner_self, arena, uri);
    return RC_OK;
}

#define FAULT_DRIVER(is_local_, local_path_)                                                       \
    {                                                                                              \
        .name = "fault", .is_local = (is_local_), .has_must_be_new = true, .put = fault_put,       \
        .get = fault_get, .head = fault_head, .list = fault_list, .remove = fault_remove,          \
        .writer_open = fault_writer_open, .writer_write = fault_writer_write,                      \
        .writer_finish = fault_writer_finish, .writer_abort = fault_writer_abort,                  \
        .local_path = (local_path_), .reader_path = fault_reader_path,                             \
    }
static const struct store_driver fault_driver = FAULT_DRIVER(false, NULL);
static const struct store_driver fault_local_driver = FAULT_DRIVER(true, fault_local_path);

struct store *store_open_fault(struct arena *arena, struct store *inner, struct store_fault *fault)
{
    struct fault_store *store = ARENA_NEW(arena, struct fault_store);
    *store = (struct fault_store){store_driver_of(inner), store_self(inner), fault};
    return store_of_driver(arena, store->inner->is_local ? &fault_local_driver : &fault_driver,
                           store);
}
