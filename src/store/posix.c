/// @file posix.c
/// Storage in local files. Every write goes to a temp file in the target's folder and is renamed
/// when it is on disk, so that a killed process leaves at most a `*.tmp` file, which
/// `moulin table orphans` finds. Layer: store. Threads: any.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/vec.h"
#include "store/driver.h"

/// The path of a name: file:///a, file:/a, file://localhost/a and /a mean /a. Empty = it has none.
static struct str path_of(struct str uri)
{
    if (str_has_prefix(uri, STR("file://localhost/")))
        return str_slice(uri, sizeof "file://localhost" - 1, SIZE_MAX);
    if (str_has_prefix(uri, STR("file:///")))
        return str_slice(uri, sizeof "file://" - 1, SIZE_MAX);
    if (str_has_prefix(uri, STR("file:/")) && !str_has_prefix(uri, STR("file://")))
        return str_slice(uri, sizeof "file:" - 1, SIZE_MAX);
    return str_contains(uri, STR("://")) ? (struct str){"", 0} : uri;
}

/// A terminated path on the stack: names are capped at 4,000 bytes before a driver is called.
struct path {
    char text[PATH_MAX];
};

static rc path_from(struct str uri, struct path *ret_path, struct err *err)
{
    const struct str path = path_of(uri);
    if (path.length == 0 || path.length >= sizeof ret_path->text)
        return err_set(err, RC_INVALID, "\"%.*s\" is no local file name", STR_ARGS(uri));
    memcpy(ret_path->text, path.bytes, path.length);
    ret_path->text[path.length] = '\0';
    return RC_OK;
}

static rc sync_folder(const char *folder, struct err *err)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_system(err, errno, "cannot open folder %s", folder);
    const bool is_synced = fsync(fd) == 0 || errno == EINVAL; // some file systems cannot
    const int error_number = errno;
    close(fd);
    return is_synced ? RC_OK : err_system(err, error_number, "cannot sync folder %s", folder);
}

static rc sync_parent(const char *path, struct err *err)
{
    struct path folder;
    const struct str parent = fs_parent(str_of(path));
    memcpy(folder.text, parent.bytes, parent.length);
    folder.text[parent.length] = '\0';
    return sync_folder(folder.text, err);
}

/// Makes the folders above `path`. The entry of a new folder must be on disk before a file in it
/// counts as kept, so each parent that got one is synced.
static rc make_folders_of(const char *path, struct err *err)
{
    struct path folder;
    const struct str parent = fs_parent(str_of(path));
    memcpy(folder.text, parent.bytes, parent.length);
    folder.text[parent.length] = '\0';
    struct stat status;
    if (stat(folder.text, &status) == 0)
        return S_ISDIR(status.st_mode)
                   ? RC_OK
                   : err_system(err, ENOTDIR, "cannot write below %s", folder.text);
    for (size_t i = 1; i <= parent.length; i++) {
        if (i < parent.length && folder.text[i] != '/')
            continue;
        folder.text[i] = '\0';
        if (mkdir(folder.text, 0755) == 0)
            TRY(sync_parent(folder.text, err));
        else if (errno != EEXIST && (stat(folder.text, &status) != 0 || !S_ISDIR(status.st_mode)))
            return err_system(err, errno, "cannot make folder %s", folder.text);
        if (i < parent.length)
            folder.text[i] = '/';
    }
    return RC_OK;
}

struct posix_writer {
    int fd;
    struct store_put_options options;
    struct path path, temp;
};

static rc open_temp(struct posix_writer *writer, struct err *err)
{
    static unsigned serial;
    const int length =
        snprintf(writer->temp.text, sizeof writer->temp.text, "%s.%d-%u.tmp", writer->path.text,
                 (int)getpid(), __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
    if (length < 0 || (size_t)length >= sizeof writer->temp.text)
        return err_set(err, RC_LIMIT, "the path %.200s... is too long", writer->path.text);
    writer->fd = open(writer->temp.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                      writer->options.is_secret ? 0600 : 0644);
    return writer->fd >= 0 ? RC_OK : err_system(err, errno, "cannot write %s", writer->path.text);
}

static rc posix_writer_init(struct posix_writer *writer, struct str uri,
                            struct store_put_options options, struct err *err)
{
    writer->options = options;
    TRY(path_from(uri, &writer->path, err));
    TRY(make_folders_of(writer->path.text, err));
    return open_temp(writer, err);
}

static rc posix_writer_write(void *self, void *handle, struct str bytes, struct err *err)
{
    (void)self;
    struct posix_writer *writer = handle;
    while (bytes.length > 0) {
        const ssize_t written = write(writer->fd, bytes.bytes, bytes.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return err_system(err, errno, "cannot write %s", writer->path.text);
        bytes = str_slice(bytes, (size_t)written, SIZE_MAX);
    }
    return RC_OK;
}

/// Gives the temp file its name. renameat2 decides atomically who was first; file systems that do
/// not have it have link().
static rc publish(struct posix_writer *writer, struct err *err)
{
    const char *temp = writer->temp.text, *path = writer->path.text;
    if (!writer->options.must_be_new)
        return rename(temp, path) == 0 ? RC_OK : err_system(err, errno, "cannot write %s", path);
    if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return RC_OK;
    if (errno != EINVAL && errno != ENOSYS)
        return err_system(err, errno, "cannot write %s", path);
    if (link(temp, path) != 0)
        return err_system(err, errno, "cannot write %s", path);
    unlink(temp);
    return RC_OK;
}

static void writer_drop(struct posix_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    unlink(writer->temp.text);
}

static rc writer_publish(struct posix_writer *writer, struct err *err)
{
    if (fsync(writer->fd) != 0) {
        const int error_number = errno;
        writer_drop(writer);
        return err_system(err, error_number, "cannot write %s to disk", writer->path.text);
    }
    const bool is_closed = close(writer->fd) == 0;
    const int error_number = errno;
    writer->fd = -1;
    const rc result = is_closed
                          ? publish(writer, err)
                          : err_system(err, error_number, "cannot write %s", writer->path.text);
    if (result != RC_OK) {
        writer_drop(writer);
        return result;
    }
    return sync_parent(writer->path.text, err);
}

static rc posix_put(void *self, struct str uri, struct str bytes, struct store_put_options options,
                    struct err *err)
{
    struct posix_writer writer;
    TRY(posix_writer_init(&writer, uri, options, err));
    const rc result = posix_writer_write(self, &writer, bytes, err);
    if (result != RC_OK) {
        writer_drop(&writer);
        return result;
    }
    return writer_publish(&writer, err);
}

static rc posix_writer_open(void *self, struct str uri, struct store_put_options options,
                            void **ret_writer, struct err *err)
{
    (void)self;
    // In an arena of its own, since only base/ frees.
    struct arena *arena = arena_open(NULL);
    struct {
        struct posix_writer writer;
        struct arena *arena;
    } *box = arena_alloc(arena, sizeof *box);
    box->arena = arena;
    const rc result = posix_writer_init(&box->writer, uri, options, err);
    if (result != RC_OK)
        arena_close(arena);
    else
        *ret_writer = box;
    return result;
}

static void writer_release(void *handle)
{
    struct {
        struct posix_writer writer;
        struct arena *arena;
    } *box = handle;
    arena_close(box->arena);
}

static rc posix_writer_finish(void *self, void *handle, struct err *err)
{
    (void)self;
    const rc result = writer_publish(handle, err);
    writer_release(handle);
    return result;
}

static void posix_writer_abort(void *self, void *handle)
{
    (void)self;
    writer_drop(handle);
    writer_release(handle);
}

static rc read_exactly(int fd, const char *path, int64_t offset, char *to, size_t length,
                       struct err *err)
{
    for (size_t done = 0; done < length;) {
        const ssize_t got = pread(fd, to + done, length - done, (off_t)(offset + (int64_t)done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_system(err, errno, "cannot read %s", path);
        if (got == 0)
            return err_set(err, RC_IO, "cannot read %s: it became shorter meanwhile", path);
        done += (size_t)got;
    }
    return RC_OK;
}

static rc read_opened(struct arena *arena, int fd, const char *path, int64_t offset,
                      size_t max_bytes, bool is_range, struct str *ret_bytes, struct err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return err_system(err, errno, "cannot read %s", path);
    if (!S_ISREG(status.st_mode))
        return err_set(err, RC_INVALID, "cannot read %s: it is no file", path);
    const int64_t size = status.st_size;
    if (!is_range && (uint64_t)size > max_bytes)
        return err_set(err, RC_LIMIT, "%s has %lld bytes: more than the %zu allowed here", path,
                       (long long)size, max_bytes);
    if (offset < 0)
        offset = size + offset < 0 ? 0 : size + offset;
    const size_t left = offset < size ? (size_t)(size - offset) : 0;
    const size_t length = left < max_bytes ? left : max_bytes;
    char *bytes = arena_alloc(arena, length + 1);
    TRY(read_exactly(fd, path, offset, bytes, length, err));
    bytes[length] = '\0';
    *ret_bytes = (struct str){bytes, length};
    return RC_OK;
}

static rc posix_get(void *self, struct arena *arena, struct str uri, int64_t offset,
                    size_t max_bytes, bool is_range, struct str *ret_bytes, struct err *err)
{
    (void)self;
    struct path path;
    TRY(path_from(uri, &path, err));
    const int fd = open(path.text, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_system(err, errno, "cannot read %s", path.text);
    const rc result =
        read_opened(arena, fd, path.text, offset, max_bytes, is_range, ret_bytes, err);
    close(fd);
    return result;
}

static struct store_object object_of(const struct stat *status)
{
    return (struct store_object){.size_bytes = status->st_size,
                                 .modified_us = (int64_t)status->st_mtim.tv_sec * 1000000 +
                                                status->st_mtim.tv_nsec / 1000};
}

static rc posix_head(void *self, struct str uri, struct store_object *ret_object, struct err *err)
{
    (void)self;
    struct path path;
    TRY(path_from(uri, &path, err));
    struct stat status;
    if (stat(path.text, &status) != 0)
        return err_system(err, errno, "cannot find %s", path.text);
    if (!S_ISREG(status.st_mode))
        return err_set(err, RC_NOT_FOUND, "%s is no file", path.text);
    *ret_object = object_of(&status);
    return RC_OK;
}

/// A listing walks folders from a stack of names still to visit, the smallest on top.
struct listing {
    struct arena *arena;
    struct str uri_head; // the scheme as the caller wrote it
    struct str prefix;   // path
    store_list_callback callback;
    void *context;
    str_vec pending;
};

static int compare_down(const void *a, const void *b)
{
    return -str_compare(*(const struct str *)a, *(const struct str *)b);
}

static rc push_folder(struct listing *listing, struct str folder, struct err *err)
{
    const char *name = arena_cstr(listing->arena, folder);
    DIR *dir = opendir(name);
    if (dir == NULL)
        return errno == ENOENT || errno == ENOTDIR
                   ? RC_OK // gone meanwhile, or nothing was ever stored below this prefix
                   : err_system(err, errno, "cannot list %s", name);
    const size_t first = listing->pending.count;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        const bool has_slash = str_has_suffix(folder, STR("/"));
        const struct str path = arena_printf(listing->arena, "%.*s%s%s", STR_ARGS(folder),
                                             has_slash ? "" : "/", entry->d_name);
        const size_t common =
            path.length < listing->prefix.length ? path.length : listing->prefix.length;
        if (str_equal(str_slice(path, 0, common), str_slice(listing->prefix, 0, common)))
            *vec_push(listing->arena, &listing->pending) = path;
    }
    closedir(dir);
    if (listing->pending.count > first + 1)
        qsort(listing->pending.items + first, listing->pending.count - first,
              sizeof *listing->pending.items, compare_down);
    return RC_OK;
}

static rc visit(struct listing *listing, struct str path, struct err *err)
{
    const char *name = arena_cstr(listing->arena, path);
    struct stat status;
    if (lstat(name, &status) != 0)
        return errno == ENOENT ? RC_OK : err_system(err, errno, "cannot read %s", name);
    if (S_ISDIR(status.st_mode))
        return push_folder(listing, path, err);
    // Links to folders are not followed: they could go round in a circle.
    if (S_ISLNK(status.st_mode) && (stat(name, &status) != 0 || !S_ISREG(status.st_mode)))
        return RC_OK;
    if (!S_ISREG(status.st_mode) || !str_has_prefix(path, listing->prefix))
        return RC_OK;
    struct store_object object = object_of(&status);
    object.uri = str_concat(listing->arena, listing->uri_head, path);
    return listing->callback(listing->context, &object, err);
}

static rc posix_list(void *self, struct str prefix, store_list_callback callback, void *context,
                     struct err *err)
{
    (void)self;
    const struct str path = path_of(prefix);
    if (path.length == 0)
        return err_set(err, RC_INVALID, "\"%.*s\" is no local folder name", STR_ARGS(prefix));
    struct arena *arena = arena_open(NULL);
    struct listing listing = {.arena = arena,
                              .uri_head = str_slice(prefix, 0, prefix.length - path.length),
                              .prefix = path,
                              .callback = callback,
                              .context = context};
    const size_t slash = str_find_last_byte(path, '/');
    const struct str folder = slash == SIZE_MAX ? STR(".")
                              : slash == 0      ? STR("/")
                                                : str_slice(path, 0, slash);
    rc result = push_folder(&listing, folder, err);
    while (result == RC_OK && listing.pending.count > 0)
        result = visit(&listing, listing.pending.items[--listing.pending.count], err);
    arena_close(arena);
    return result;
}

static rc posix_remove(void *self, struct str uri, struct err *err)
{
    (void)self;
    struct path path;
    TRY(path_from(uri, &path, err));
    if (unlink(path.text) != 0 && errno != ENOENT)
        return err_system(err, errno, "cannot remove %s", path.text);
    return RC_OK;
}

static struct str posix_local_path(void *self, struct arena *arena, struct str uri)
{
    (void)self;
    return arena_str(arena, path_of(uri));
}

static const struct store_driver posix_driver = {
    .name = "posix",
    .is_local = true,
    .has_must_be_new = true,
    .put = posix_put,
    .get = posix_get,
    .head = posix_head,
    .list = posix_list,
    .remove = posix_remove,
    .writer_open = posix_writer_open,
    .writer_write = posix_writer_write,
    .writer_finish = posix_writer_finish,
    .writer_abort = posix_writer_abort,
    .local_path = posix_local_path,
};

struct store *store_open_posix(struct arena *arena)
{
    return store_of_driver(arena, &posix_driver, NULL);
}

rc store_sync_local(struct store *store, struct str uri, struct err *err)
{
    if (!store_driver_of(store)->is_local)
        return RC_OK;
    struct path path;
    TRY(path_from(uri, &path, err));
    const int fd = open(path.text, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_system(err, errno, "cannot open %s", path.text);
    const bool is_synced = fsync(fd) == 0;
    const int error_number = errno;
    close(fd);
    if (!is_synced)
        return err_system(err, error_number, "cannot write %s to disk", path.text);
    return sync_parent(path.text, err);
}

rc store_make_folder_of(struct store *store, struct str uri, struct err *err)
{
    if (!store_driver_of(store)->is_local)
        return RC_OK;
    struct path path;
    TRY(path_from(uri, &path, err));
    return make_folders_of(path.text, err);
}
