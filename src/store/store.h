/// @file store.h
/// Object storage behind one vtable: whole objects under absolute names, written atomically.
/// Layer: store (base below). Threads: a store may be used by many threads at once, a writer by
/// one.
///
/// Names are what table metadata holds: `file:///folder/name`, `file:/folder/name` or a plain
/// absolute path for posix, `memory://name` for memory. They are literal: nothing is
/// percent-decoded (neither Java's Iceberg nor PyIceberg does). `..` and NUL are refused. Drivers:
/// posix, memory, fault (here); others (S3) live in higher modules and fill the same vtable.

#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct store;
struct store_writer;

/// What is known of an object without reading it.
struct store_object {
    struct str uri;      // in lists: borrowed until the callback returns
    int64_t size_bytes;  // >= 0
    int64_t modified_us; // microseconds since 1970-01-01 UTC
};

struct store_put_options {
    bool must_be_new; // RC_EXISTS instead of replacing; decided atomically among all writers
    bool is_secret;   // readable by the owner only, where the driver has such a thing
};

/// @return RC_OK to go on, anything else ends the listing with that code
typedef rc (*store_list_callback)(void *context, const struct store_object *object,
                                  struct err *err);

/// What a driver does. Names are checked already; `self` is the driver's own object.
struct store_driver {
    const char *name;     // "posix"
    bool is_local;        // local_path works: other programs may open the objects by path
    bool has_must_be_new; // put and writers honour must_be_new atomically
    rc (*put)(void *self, struct str uri, struct str bytes, struct store_put_options options,
              struct err *err);
    rc (*get)(void *self, struct arena *arena, struct str uri, int64_t offset, size_t max_bytes,
              bool is_range, struct str *ret_bytes, struct err *err);
    rc (*head)(void *self, struct str uri, struct store_object *ret_object, struct err *err);
    rc (*list)(void *self, struct str prefix, store_list_callback callback, void *context,
               struct err *err);
    rc (*remove)(void *self, struct str uri, struct err *err);
    /// All of them, as far as possible; the first failure counts. NULL = one after another.
    rc (*remove_many)(void *self, const struct str *uris, size_t count, struct err *err);
    rc (*writer_open)(void *self, struct str uri, struct store_put_options options,
                      void **ret_writer, struct err *err);
    rc (*writer_write)(void *self, void *writer, struct str bytes, struct err *err);
    rc (*writer_finish)(void *self, void *writer, struct err *err); // releases it in any case
    void (*writer_abort)(void *self, void *writer);                 // releases it
    struct str (*local_path)(void *self, struct arena *arena, struct str uri); // is_local only
    /// What DuckDB opens. NULL = local_path; neither = it cannot read here.
    rc (*reader_path)(void *self, struct arena *arena, struct str uri, struct str *ret_path,
                      struct err *err);
    void (*close)(void *self);
};

/// Makes a store of a driver. The store is closed together with `arena`.
/// @param driver  static  @param self  the driver's object, released by driver->close
struct store *store_of_driver(struct arena *arena, const struct store_driver *driver, void *self);

/// Local files. Puts are durable: temp file in the same folder, fsync, rename, fsync of the folder.
/// Missing folders are made.
struct store *store_open_posix(struct arena *arena);
/// Objects in this process, for tests.
struct store *store_open_memory(struct arena *arena);
/// Picks posix or memory by the scheme of `uri`.
/// @return RC_OK | RC_UNSUPPORTED (another scheme)
CHECK rc store_open(struct arena *arena, struct str uri, struct store **ret_store, struct err *err);

const struct store_driver *store_driver_of(const struct store *store);

/// Writes a whole object. Readers see the old one or the new one, never a part.
/// @return RC_OK | RC_EXISTS | RC_NO_SPACE | RC_DENIED | RC_IO | RC_INVALID (name)
CHECK rc store_put(struct store *store, struct str uri, struct str bytes,
                   struct store_put_options options, struct err *err);

/// Reads a whole object.
/// @param max_bytes  RC_LIMIT above it  @param ret_bytes  in the arena, NUL behind it
/// @return RC_OK | RC_NOT_FOUND | RC_LIMIT | RC_DENIED | RC_IO
CHECK rc store_get(struct store *store, struct arena *arena, struct str uri, size_t max_bytes,
                   struct str *ret_bytes, struct err *err);

/// Reads `length` bytes from `offset`; shorter only where the object ends. A negative offset counts
/// from the end (-8 = the last 8 bytes).
CHECK rc store_get_range(struct store *store, struct arena *arena, struct str uri, int64_t offset,
                         size_t length, struct str *ret_bytes, struct err *err);

/// @param ret_object  .uri is the one given
/// @return RC_OK | RC_NOT_FOUND | ...
CHECK rc store_head(struct store *store, struct str uri, struct store_object *ret_object,
                    struct err *err);

/// Calls back for every object whose name starts with `prefix`, in the order of the names' bytes
/// within one folder. No object: no call. Names keep the form (scheme) of the prefix.
CHECK rc store_list(struct store *store, struct str prefix, store_list_callback callback,
                    void *context, struct err *err);

/// Removes an object; absent is RC_OK.
CHECK rc store_remove(struct store *store, struct str uri, struct err *err);

/// Removes many objects; absent ones are fine. What can be removed is, also behind a failure.
/// @return RC_OK, or the first failure with the number of objects that stayed
CHECK rc store_remove_many(struct store *store, const struct str *uris, size_t count,
                           struct err *err);

/// Writes an object piece by piece; it appears when finished. The writer lives until finish, abort
/// or the end of `arena` (which aborts it).
CHECK rc store_writer_open(struct store *store, struct arena *arena, struct str uri,
                           struct store_put_options options, struct store_writer **ret_writer,
                           struct err *err);
CHECK rc store_write(struct store_writer *writer, const void *bytes, size_t length,
                     struct err *err);
/// Publishes the object, as store_put. The writer is gone afterwards, also on failure.
CHECK rc store_writer_finish(struct store_writer *writer, struct err *err);
/// Drops what was written. NULL and a finished writer are allowed.
void store_writer_abort(struct store_writer *writer);

/// The path under which other programs (DuckDB) open the object.
/// @return RC_OK | RC_UNSUPPORTED (the store is not local) | RC_INVALID
CHECK rc store_local_path(struct store *store, struct arena *arena, struct str uri,
                          struct str *ret_path, struct err *err);

/// What DuckDB opens to read the object: a local path, or the URI of an object storage that it
/// reads by range (duck.h, struct duck_remotes, has the credentials for it).
/// @return RC_OK | RC_UNSUPPORTED (DuckDB cannot read this storage) | RC_INVALID
CHECK rc store_reader_path(struct store *store, struct arena *arena, struct str uri,
                           struct str *ret_path, struct err *err);

/// Makes an object that some other program wrote to local_path durable (fsync of file and folder);
/// nothing to do where the store is not local.
CHECK rc store_sync_local(struct store *store, struct str uri, struct err *err);

/// Makes the folder of a name, where the store has folders, so that another program may write
/// there.
CHECK rc store_make_folder_of(struct store *store, struct str uri, struct err *err);

/// "folder" + "name" with exactly one slash between; `name` may hold slashes, but no "..".
CHECK rc store_join(struct arena *arena, struct str folder, struct str name, struct str *ret_uri,
                    struct err *err);

/// Fault injection for tests: wraps a store and fails operations, or calls a hook around them.
enum store_operation {
    STORE_PUT,
    STORE_GET,
    STORE_HEAD,
    STORE_LIST,
    STORE_REMOVE,
    STORE_WRITER_OPEN,
    STORE_WRITER_WRITE,
    STORE_WRITER_FINISH,
    STORE_OPERATION_COUNT,
};
extern const char *const store_operation_names[STORE_OPERATION_COUNT];

struct store_fault {
    int64_t fail_at;      // the operation (from 1) that fails; 0 = none
    bool is_for_ever;     // and all behind it
    bool is_done_first;   // the operation is carried out, then reported as failed (outcome unknown)
    bool is_writing_only; // count only put, remove and writer operations
    rc code;              // RC_OK = RC_IO
    /// Called around each counted operation; a code other than RC_OK from `before` fails it.
    rc (*before)(void *context, enum store_operation operation, struct str uri, struct err *err);
    void (*after)(void *context, enum store_operation operation, struct str uri, rc result);
    void *context;
    int64_t operation_count; // how many were counted; the caller may set it back to 0
};
/// @param inner  borrowed, must live as long  @param fault  borrowed: change it while tests run
struct store *store_open_fault(struct arena *arena, struct store *inner, struct store_fault *fault);

#endif
