#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

rc fs_join(struct arena *arena, struct str folder, struct str name, struct str *ret_path,
           struct err *err)
{
    struct str rest = name, part;
    if (name.length == 0 || name.bytes[0] == '/' || memchr(name.bytes, '\0', name.length) != NULL)
        return err_set(err, RC_INVALID, "\"%.*s\" is no relative path", STR_ARGS(name));
    while (str_split_next(&rest, '/', &part))
        if (str_equal(part, STR("..")))
            return err_set(err, RC_INVALID, "\"%.*s\" leaves its folder: .. is not allowed",
                           STR_ARGS(name));
    const bool has_slash = str_has_suffix(folder, STR("/"));
    *ret_path = folder.length == 0 ? arena_str(arena, name)
                                   : arena_printf(arena, "%.*s%s%.*s", STR_ARGS(folder),
                                                  has_slash ? "" : "/", STR_ARGS(name));
    return RC_OK;
}

static rc read_all(struct arena *arena, int fd, const char *path, size_t max_bytes,
                   struct str *ret_text, struct err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return err_system(err, errno, "cannot read %s", path);
    if (S_ISDIR(status.st_mode))
        return err_set(err, RC_INVALID, "cannot read %s: it is a folder", path);
    struct buf buf;
    buf_init(&buf, max_bytes);
    char chunk[65536];
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        buf_append(&buf, chunk, (size_t)got);
    rc result =
        got < 0 ? err_system(err, errno, "cannot read %s", path) : buf_check(&buf, err, path);
    if (result == RC_OK)
        *ret_text = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return result;
}

rc fs_read(struct arena *arena, struct str path, size_t max_bytes, struct str *ret_text,
           struct err *err)
{
    const char *name = arena_cstr(arena, path);
    const int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_system(err, errno, "cannot read %s", name);
    const rc result = read_all(arena, fd, name, max_bytes, ret_text, err);
    close(fd);
    return result;
}

static rc write_and_sync(int fd, struct str text, const char *path, struct err *err)
{
    while (text.length > 0) {
        const ssize_t written = write(fd, text.bytes, text.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return err_system(err, errno, "cannot write %s", path);
        text = str_slice(text, (size_t)written, SIZE_MAX);
    }
    if (fsync(fd) != 0)
        return err_system(err, errno, "cannot write %s to disk", path);
    return RC_OK;
}

static rc sync_folder(const char *folder, struct err *err)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_system(err, errno, "cannot open folder %s", folder);
    const bool is_synced = fsync(fd) == 0 || errno == EINVAL;
    const int error_number = errno;
    close(fd);
    return is_synced ? RC_OK : err_system(err, error_number, "cannot sync folder %s", folder);
}

static rc write_temp(const char *temp, const char *path, struct str text,
                     struct fs_write_options options, struct err *err)
{
    const int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                        options.is_secret ? 0600 : 0644);
    if (fd < 0)
        return err_system(err, errno, "cannot write %s", path);
    rc result = write_and_sync(fd, text, path, err);
    if (close(fd) != 0 && result == RC_OK)
        result = err_system(err, errno, "cannot write %s", path);
    return result;
}

rc fs_write(struct str path, struct str text, struct fs_write_options options, struct err *err)
{
    static unsigned serial;
    struct arena *arena = arena_open(NULL);
    const char *name = arena_cstr(arena, path);
    const char *temp = arena_printf(arena, "%s.%d-%u.tmp", name, (int)getpid(),
                                    __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED))
                           .bytes;
    rc result = write_temp(temp, name, text, options, err);
    if (result == RC_OK) {
        // link() fails when the name is taken, rename() replaces it.
        const int failed = options.must_be_new ? link(temp, name) : rename(temp, name);
        if (failed != 0)
            result = err_system(err, errno, "cannot write %s", name);
    }
    if (result != RC_OK || options.must_be_new)
        unlink(temp);
    if (result == RC_OK)
        result = sync_folder(arena_cstr(arena, fs_parent(path)), err);
    arena_close(arena);
    return result;
}

rc fs_make_folders(struct str path, struct err *err)
{
    struct arena *arena = arena_open(NULL);
    char *name = arena_cstr(arena, path);
    rc result = RC_OK;
    for (size_t i = 1; i <= path.length && result == RC_OK; i++) {
        if (i < path.length && name[i] != '/')
            continue;
        name[i] = '\0';
        struct stat status;
        if (mkdir(name, 0755) != 0) {
            const int error_number = errno;
            if (stat(name, &status) != 0 || !S_ISDIR(status.st_mode))
                result = err_system(err, error_number, "cannot make folder %s", name);
        }
        if (i < path.length)
            name[i] = '/';
    }
    arena_close(arena);
    return result;
}

static bool stat_of(struct str path, struct stat *ret_status)
{
    char name[PATH_MAX];
    if (path.length >= sizeof name)
        return false;
    memcpy(name, path.bytes, path.length);
    name[path.length] = '\0';
    return stat(name, ret_status) == 0;
}

bool fs_exists(struct str path)
{
    struct stat status;
    return stat_of(path, &status);
}

bool fs_is_folder(struct str path)
{
    struct stat status;
    return stat_of(path, &status) && S_ISDIR(status.st_mode);
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

rc fs_list(struct arena *arena, struct str folder, str_vec *ret_names, struct err *err)
{
    const char *name = arena_cstr(arena, folder);
    DIR *dir = opendir(name);
    if (dir == NULL)
        return err_system(err, errno, "cannot list %s", name);
    str_vec names = {0};
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            *vec_push(arena, &names) = arena_str(arena, str_of(entry->d_name));
    closedir(dir);
    if (names.count > 1)
        qsort(names.items, names.count, sizeof *names.items, compare_names);
    *ret_names = names;
    return RC_OK;
}

rc fs_remove(struct str path, struct err *err)
{
    struct arena *arena = arena_open(NULL);
    const char *name = arena_cstr(arena, path);
    const rc result = unlink(name) == 0 || errno == ENOENT
                          ? RC_OK
                          : err_system(err, errno, "cannot remove %s", name);
    arena_close(arena);
    return result;
}

enum { TREE_MAX_DEPTH = 200 };

static rc remove_tree(struct arena *arena, struct str path, int depth, struct err *err)
{
    const char *name = arena_cstr(arena, path);
    struct stat status;
    if (lstat(name, &status) != 0)
        return errno == ENOENT ? RC_OK : err_system(err, errno, "cannot remove %s", name);
    if (!S_ISDIR(status.st_mode))
        return fs_remove(path, err);
    if (depth > TREE_MAX_DEPTH)
        return err_set(err, RC_LIMIT, "cannot remove %s: nested too deep", name);
    str_vec names;
    TRY(fs_list(arena, path, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        struct str child;
        TRY(fs_join(arena, path, names.items[i], &child, err));
        TRY(remove_tree(arena, child, depth + 1, err));
    }
    if (rmdir(name) != 0)
        return err_system(err, errno, "cannot remove folder %s", name);
    return RC_OK;
}

rc fs_remove_tree(struct str path, struct err *err)
{
    struct arena *arena = arena_open(NULL);
    const rc result = remove_tree(arena, path, 0, err);
    arena_close(arena);
    return result;
}

rc fs_absolute(struct arena *arena, struct str path, struct str *ret_path, struct err *err)
{
    char resolved[PATH_MAX];
    struct str tail = {"", 0}, head = path;
    for (;;) {
        const char *name = arena_cstr(arena, head.length > 0 ? head : STR("."));
        if (realpath(name, resolved) != NULL)
            break;
        if (errno != ENOENT || head.length == 0 || str_equal(head, STR("/")))
            return err_system(err, errno, "cannot resolve %.*s", STR_ARGS(path));
        const struct str base = fs_base_name(head);
        if (str_equal(base, STR("..")))
            return err_set(err, RC_NOT_FOUND, "cannot resolve %.*s", STR_ARGS(path));
        if (base.length > 0 && !str_equal(base, STR(".")))
            tail = tail.length > 0
                       ? arena_printf(arena, "%.*s/%.*s", STR_ARGS(base), STR_ARGS(tail))
                       : base;
        head = fs_parent(head);
    }
    *ret_path = tail.length > 0
                    ? arena_printf(arena, "%s/%.*s", strcmp(resolved, "/") == 0 ? "" : resolved,
                                   STR_ARGS(tail))
                    : arena_str(arena, str_of(resolved));
    return RC_OK;
}

static struct str without_last_slashes(struct str path)
{
    while (path.length > 1 && path.bytes[path.length - 1] == '/')
        path.length--;
    return path;
}

struct str fs_parent(struct str path)
{
    path = without_last_slashes(path);
    const size_t slash = str_find_last_byte(path, '/');
    if (slash == SIZE_MAX)
        return STR(".");
    return slash == 0 ? STR("/") : without_last_slashes(str_slice(path, 0, slash));
}

struct str fs_base_name(struct str path)
{
    path = without_last_slashes(path);
    const size_t slash = str_find_last_byte(path, '/');
    return slash == SIZE_MAX || path.length == 1 ? path : str_slice(path, slash + 1, SIZE_MAX);
}
