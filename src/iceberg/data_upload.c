// Uploading in the background; see data_upload.h. Layer: iceberg.

#include "iceberg/data_upload.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/runtime.h"
#include "base/time.h"
#include "iceberg/footer_read.h"

enum { PIECE_BYTES = 1 << 20, EVENT_BYTES = 64 << 10 };
static const struct str folder_mark = STR_INIT("moulin-upload-");

/// A file that was closed, or is asked for.
struct entry {
    struct str name; // below the folder
    bool is_done;
    struct uploaded_file file;
};

struct watch {
    int id;
    struct str subfolder;
};

struct data_upload {
    struct arena *arena; // of the writing thread
    struct data_upload_options options;
    struct str folder;
    int lock_fd; // a living process holds its lock
    int events_fd, wake_fd;
    struct duck_pace *pace;
    struct arena *pool_arena; // joins the thread
    pthread_mutex_t lock;     // of all below
    pthread_cond_t has_changed;
    struct arena *shared; // names, entries, watches
    VEC(struct watch) watches;
    VEC(struct entry *) entries; // in the order of their arrival
    size_t next;                 // the first that is not done
    bool is_stopping, is_busy, is_open;
    rc code;
    struct err err;
    struct arena *footers; // of the uploading thread
};

// --- the temp folder ---------------------------------------------------------------------------

static struct str temp_folder(void)
{
    const char *temp = getenv("TMPDIR");
    return str_of(temp != NULL && *temp != '\0' ? temp : "/tmp");
}

/// Opens and locks the mark of a folder. @return -1 when somebody holds it, or it is not there
static int lock_folder(struct arena *arena, struct str folder, int flags)
{
    const struct str path = str_concat(arena, folder, STR("/.lock"));
    const int fd = open(path.bytes, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/// A killed process could not clean up; where /tmp outlives it (Lambda), that would fill the disk.
static void remove_dead_folders(struct arena *arena)
{
    str_vec names;
    if (fs_list(arena, temp_folder(), &names, NULL) != RC_OK)
        return;
    for (size_t i = 0; i < names.count; i++) {
        struct str path;
        if (!str_has_prefix(names.items[i], folder_mark) ||
            fs_join(arena, temp_folder(), names.items[i], &path, NULL) != RC_OK)
            continue;
        const int fd = lock_folder(arena, path, 0);
        if (fd < 0)
            continue;
        if (fs_remove_tree(path, NULL) == RC_OK)
            log_debug("%.*s of a process that is gone was removed", STR_ARGS(path));
        close(fd);
    }
}

static rc make_folder(struct data_upload *upload, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    remove_dead_folders(scratch);
    arena_close(scratch);
    const struct str name = str_concat(upload->arena, folder_mark, upload->options.name);
    TRY(fs_join(upload->arena, temp_folder(), name, &upload->folder, err));
    TRY(fs_make_folders(upload->folder, err));
    TRY(fs_absolute(upload->arena, upload->folder, &upload->folder, err));
    upload->lock_fd = lock_folder(upload->arena, upload->folder, O_CREAT);
    return upload->lock_fd >= 0 ? RC_OK
                                : err_system(err, errno, "cannot use the temp folder %.*s",
                                             STR_ARGS(upload->folder));
}

struct str data_upload_folder(const struct data_upload *upload)
{
    return upload->folder;
}

int64_t data_upload_room(const struct data_upload *upload)
{
    struct statvfs status;
    if (statvfs(upload->folder.bytes, &status) != 0)
        return INT64_MAX;
    return (int64_t)status.f_bavail * (int64_t)status.f_frsize;
}

// --- sending, in the thread --------------------------------------------------------------------

static rc send_file(struct data_upload *upload, struct str local, struct str uri,
                    int64_t *ret_bytes, struct err *err)
{
    struct arena *arena = arena_open(NULL);
    struct store *posix = store_open_posix(arena);
    struct store_writer *to = NULL;
    rc code = store_writer_open(upload->options.store, arena, uri,
                                (struct store_put_options){.must_be_new = true}, &to, err);
    struct arena *piece_arena = arena_open(arena);
    int64_t at = 0;
    while (code == RC_OK) {
        struct str piece;
        arena_reset(piece_arena);
        code = store_get_range(posix, piece_arena, local, at, PIECE_BYTES, &piece, err);
        if (code != RC_OK || piece.length == 0)
            break;
        at += (int64_t)piece.length;
        code = store_write(to, piece.bytes, piece.length, err);
    }
    if (code == RC_OK)
        code = store_writer_finish(to, err);
    arena_close(arena); // aborts what was not finished
    *ret_bytes = at;
    return code;
}

/// The footer is read before the file goes: that spares two requests.
static rc carry(struct data_upload *upload, struct entry *entry, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    const struct str local =
        arena_printf(scratch, "%.*s/%.*s", STR_ARGS(upload->folder), STR_ARGS(entry->name));
    const struct str uri = arena_printf(scratch, "%.*s/%.*s", STR_ARGS(upload->options.uri_folder),
                                        STR_ARGS(entry->name));
    struct store *posix = store_open_posix(scratch);
    rc code = footer_read(posix, upload->footers, local, &entry->file.footer, err);
    if (code == RC_OK)
        code = send_file(upload, local, uri, &entry->file.size_bytes, err);
    if (code == RC_OK)
        code = fs_remove(local, err);
    arena_close(scratch);
    return code;
}

/// Carries what waits. With the lock held, which is given up meanwhile.
static void carry_all(struct data_upload *upload)
{
    while (upload->next < upload->entries.count && upload->code == RC_OK && !upload->is_stopping) {
        struct entry *entry = upload->entries.items[upload->next];
        struct err err = {0};
        upload->is_busy = true;
        pthread_mutex_unlock(&upload->lock);
        const rc code = carry(upload, entry, &err);
        pthread_mutex_lock(&upload->lock);
        upload->is_busy = false;
        upload->next++;
        entry->is_done = code == RC_OK;
        if (code != RC_OK) {
            upload->code = code;
            upload->err = err;
            if (upload->options.connection != NULL)
                duck_interrupt(upload->options.connection);
        }
        pthread_cond_broadcast(&upload->has_changed);
    }
}

/// With the lock held.
static struct entry *entry_of(struct data_upload *upload, struct str name)
{
    for (size_t i = upload->entries.count; i-- > 0;)
        if (str_equal(upload->entries.items[i]->name, name))
            return upload->entries.items[i];
    struct entry *entry = ARENA_NEW(upload->shared, struct entry);
    entry->name = arena_str(upload->shared, name);
    *vec_push(upload->shared, &upload->entries) = entry;
    return entry;
}

static void note_event(struct data_upload *upload, const struct inotify_event *event)
{
    const struct str name = event->len > 0 ? str_of(event->name) : STR("");
    // DuckDB writes under a name of its own first where it can rename afterwards.
    if (!str_has_suffix(name, STR(".parquet")) || str_has_prefix(name, STR("tmp_")))
        return;
    for (size_t i = 0; i < upload->watches.count; i++)
        if (upload->watches.items[i].id == event->wd)
            (void)entry_of(upload,
                           str_concat(upload->shared, upload->watches.items[i].subfolder, name));
}

/// Takes the events that there are. With the lock held.
static void take_events(struct data_upload *upload)
{
    char bytes[EVENT_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
    for (;;) {
        const ssize_t length = read(upload->events_fd, bytes, sizeof bytes);
        if (length <= 0)
            return;
        for (ssize_t at = 0; at < length;) {
            const struct inotify_event *event = (const void *)(bytes + at);
            note_event(upload, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
}

static void run(void *object)
{
    struct data_upload *upload = object;
    pthread_mutex_lock(&upload->lock);
    while (!upload->is_stopping) {
        take_events(upload);
        carry_all(upload);
        if (upload->is_stopping)
            break;
        if (upload->next < upload->entries.count && upload->code == RC_OK)
            continue;
        pthread_mutex_unlock(&upload->lock);
        struct pollfd files[] = {{upload->events_fd, POLLIN, 0}, {upload->wake_fd, POLLIN, 0}};
        if (poll(files, 2, -1) > 0 && (files[1].revents & POLLIN) != 0) {
            uint64_t ignored;
            const ssize_t got = read(upload->wake_fd, &ignored, sizeof ignored);
            (void)got;
        }
        pthread_mutex_lock(&upload->lock);
    }
    pthread_mutex_unlock(&upload->lock);
}

// --- holding the query up ----------------------------------------------------------------------

static int64_t bytes_below(struct arena *arena, struct str folder)
{
    str_vec names;
    int64_t bytes = 0;
    if (fs_list(arena, folder, &names, NULL) != RC_OK)
        return 0;
    for (size_t i = 0; i < names.count; i++) {
        struct stat status;
        const struct str path =
            arena_printf(arena, "%.*s/%.*s", STR_ARGS(folder), STR_ARGS(names.items[i]));
        if (stat(path.bytes, &status) == 0 && S_ISREG(status.st_mode))
            bytes += status.st_size;
    }
    return bytes;
}

static int64_t waiting_bytes(struct data_upload *upload)
{
    struct arena *scratch = arena_open(NULL);
    int64_t bytes = 0;
    for (size_t i = 0; i < upload->watches.count; i++)
        bytes += bytes_below(scratch, arena_printf(scratch, "%.*s/%.*s", STR_ARGS(upload->folder),
                                                   STR_ARGS(upload->watches.items[i].subfolder)));
    arena_close(scratch);
    return bytes;
}

/// Called by DuckDB's threads now and then. Nothing is waited for that would not come: only an
/// upload that runs ends the wait, and each one that ends is a reason to look again.
static void hold_up(void *context)
{
    struct data_upload *upload = context;
    pthread_mutex_lock(&upload->lock);
    while (upload->is_busy && upload->code == RC_OK && !runtime_is_stopping() &&
           waiting_bytes(upload) > upload->options.max_waiting_bytes) {
        struct timespec until; // for the request to stop, which wakes nobody
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1;
        pthread_cond_timedwait(&upload->has_changed, &upload->lock, &until);
    }
    pthread_mutex_unlock(&upload->lock);
}

struct str data_upload_pace_sql(const struct data_upload *upload, struct arena *arena)
{
    return duck_pace_sql(upload->pace, arena);
}

// --- the writing thread ------------------------------------------------------------------------

static void close_upload(void *object)
{
    data_upload_close(object);
}

rc data_upload_open(struct arena *arena, const struct data_upload_options *options,
                    struct data_upload **ret_upload, struct err *err)
{
    struct data_upload *upload = ARENA_NEW(arena, struct data_upload);
    *upload = (struct data_upload){.arena = arena,
                                   .options = *options,
                                   .lock_fd = -1,
                                   .events_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
                                   .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
                                   .shared = arena_open(NULL),
                                   .footers = arena_open(NULL),
                                   .pool_arena = arena_open(NULL),
                                   .is_open = true};
    pthread_mutex_init(&upload->lock, NULL);
    pthread_cond_init(&upload->has_changed, NULL);
    arena_defer(arena, close_upload, upload);
    rc code = upload->events_fd < 0 || upload->wake_fd < 0
                  ? err_system(err, errno, "cannot watch the temp folder")
                  : make_folder(upload, err);
    if (code == RC_OK && options->connection != NULL)
        upload->pace = duck_pace_open(options->connection, hold_up, upload);
    if (code != RC_OK) {
        data_upload_close(upload);
        return code;
    }
    pool_submit(pool_open(upload->pool_arena, 1), run, upload);
    *ret_upload = upload;
    return RC_OK;
}

static void wake(struct data_upload *upload)
{
    const uint64_t one = 1;
    const ssize_t written = write(upload->wake_fd, &one, sizeof one);
    (void)written; // full means that it is awake
}

/// Ends the thread; what it carries is brought to its end.
static void stop(struct data_upload *upload)
{
    pthread_mutex_lock(&upload->lock);
    upload->is_stopping = true;
    pthread_cond_broadcast(&upload->has_changed);
    pthread_mutex_unlock(&upload->lock);
    if (upload->wake_fd >= 0)
        wake(upload);
    arena_close(upload->pool_arena);
    upload->pool_arena = NULL;
}

void data_upload_close(struct data_upload *upload)
{
    if (upload == NULL || !upload->is_open)
        return;
    stop(upload);
    upload->is_open = false;
    duck_pace_close(upload->pace);
    if (upload->folder.length > 0 && fs_remove_tree(upload->folder, NULL) != RC_OK)
        log_debug("%.*s stays; the next run removes it", STR_ARGS(upload->folder));
    const int fds[] = {upload->lock_fd, upload->events_fd, upload->wake_fd};
    for (size_t i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    pthread_cond_destroy(&upload->has_changed);
    pthread_mutex_destroy(&upload->lock);
    arena_close(upload->footers);
    arena_close(upload->shared);
}

rc data_upload_watch(struct data_upload *upload, struct str subfolder, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    const struct str path =
        arena_printf(scratch, "%.*s/%.*s", STR_ARGS(upload->folder), STR_ARGS(subfolder));
    rc code = fs_make_folders(path, err);
    pthread_mutex_lock(&upload->lock);
    const int id = code == RC_OK ? inotify_add_watch(upload->events_fd, path.bytes,
                                                     IN_CLOSE_WRITE | IN_MOVED_TO)
                                 : -1;
    if (code == RC_OK && id < 0)
        code = err_system(err, errno, "cannot watch the temp folder %.*s", STR_ARGS(path));
    bool is_known = false;
    for (size_t i = 0; i < upload->watches.count; i++)
        is_known |= upload->watches.items[i].id == id;
    if (code == RC_OK && !is_known)
        *vec_push(upload->shared, &upload->watches) =
            (struct watch){id, arena_str(upload->shared, subfolder)};
    pthread_mutex_unlock(&upload->lock);
    arena_close(scratch);
    return code;
}

rc data_upload_wait(struct data_upload *upload, struct str name,
                    const struct uploaded_file **ret_file, struct err *err)
{
    pthread_mutex_lock(&upload->lock);
    // Its event came before, if events come here at all (some file systems have none).
    struct entry *entry = entry_of(upload, name);
    wake(upload);
    while (!entry->is_done && upload->code == RC_OK)
        pthread_cond_wait(&upload->has_changed, &upload->lock);
    const rc code = entry->is_done ? RC_OK : upload->code;
    if (code == RC_OK)
        *ret_file = &entry->file;
    else if (err != NULL)
        *err = upload->err;
    pthread_mutex_unlock(&upload->lock);
    return code;
}

rc data_upload_failure(struct data_upload *upload, struct err *err)
{
    pthread_mutex_lock(&upload->lock);
    const rc code = upload->code;
    if (code != RC_OK && err != NULL)
        *err = upload->err;
    pthread_mutex_unlock(&upload->lock);
    return code;
}

void data_upload_discard(struct data_upload *upload)
{
    stop(upload);
    struct arena *scratch = arena_open(NULL);
    str_vec names = {0};
    // The one that failed too: its outcome may be unknown.
    for (size_t i = 0; i < upload->next; i++)
        *vec_push(scratch, &names) =
            arena_printf(scratch, "%.*s/%.*s", STR_ARGS(upload->options.uri_folder),
                         STR_ARGS(upload->entries.items[i]->name));
    struct err err = {0};
    if (store_remove_many(upload->options.store, names.items, names.count, &err) != RC_OK)
        log_debug("staged files stay until table orphans removes them: %s", err.message);
    arena_close(scratch);
}
