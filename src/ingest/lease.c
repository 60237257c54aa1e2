/// @file lease.c
/// See lease.h. The file holds one JSON object per line: first who runs, then a line per table.
/// Layer: ingest.

#include "ingest/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/time.h"
#include "iceberg/maintenance.h"
#include "store/store.h"

enum { LEASE_MAX_BYTES = 4 << 20 };

struct lease {
    struct arena *arena;
    struct lease_options options;
    struct str path; // of the file; empty: the warehouse is not on this machine
    int fd;
};

struct leased_table {
    struct str table, location;
};
VEC_TYPE(leased_tables, struct leased_table);

static rc write_line(int fd, struct str path, const struct json *line, struct arena *arena,
                     struct err *err)
{
    const struct str text = str_concat(arena, json_print(arena, line, JSON_COMPACT), STR("\n"));
    size_t written = 0;
    while (written < text.length) {
        const ssize_t count = write(fd, text.bytes + written, text.length - written);
        if (count < 0 && errno != EINTR)
            return err_system(err, errno, "cannot write the lease %.*s", STR_ARGS(path));
        written += count > 0 ? (size_t)count : 0;
    }
    if (fsync(fd) != 0)
        return err_system(err, errno, "cannot write the lease %.*s", STR_ARGS(path));
    return RC_OK;
}

static rc read_lease(struct arena *arena, struct str path, struct str *ret_tag,
                     leased_tables *ret_tables, struct err *err)
{
    struct str text;
    TRY(fs_read(arena, path, LEASE_MAX_BYTES, &text, err));
    struct json_reader reader = {.text = text, .place = "a lease"};
    struct json line;
    // A line that was cut off by the end of its run ends the reading: no file came after it.
    while (json_next(&reader, arena, &line, NULL) == RC_OK) {
        const struct str tag = json_str(json_get(&line, STR("run")), STR(""));
        if (tag.length > 0) {
            *ret_tag = tag;
            continue;
        }
        *vec_push(arena, ret_tables) =
            (struct leased_table){json_str(json_get(&line, STR("table")), STR("")),
                                  json_str(json_get(&line, STR("location")), STR(""))};
    }
    return RC_OK;
}

// ---------------------------------------------------------------- dead runs

struct reaper {
    const struct lease_options *options;
    struct arena *arena;
    struct str tag;
    bool takes_all;        // the table was never created: nothing there is anybody's
    struct map referenced; // locations that the table needs
    str_vec victims;
};

static rc find_victim(void *context, const struct store_object *object, struct err *err)
{
    struct reaper *reaper = context;
    (void)err;
    const struct str name = fs_base_name(object->uri);
    if (!reaper->takes_all && !str_contains(name, reaper->tag))
        return RC_OK;
    const struct str uri = arena_str(reaper->arena, object->uri);
    if (map_has(&reaper->referenced, uri))
        return RC_OK;
    *vec_push(reaper->arena, &reaper->victims) = uri;
    return RC_OK;
}

static rc reap_table(const struct lease_options *options, struct arena *arena, struct str tag,
                     const struct leased_table *leased, bool is_shared, int64_t *reaped,
                     struct err *err)
{
    struct reaper reaper = {.options = options, .arena = arena, .tag = tag};
    map_init(&reaper.referenced, arena);
    bool exists = false;
    struct table table;
    TRY(catalog_table_exists(options->catalog, options->namespace_name, leased->table, &exists,
                             err));
    if (exists) {
        TRY(catalog_load_table(options->catalog, options->namespace_name, leased->table, arena,
                               &table, err));
        TRY(table_reachable_files(&table, arena, &reaper.referenced, err));
    }
    reaper.takes_all = !exists && !is_shared;
    const struct str prefix = str_concat(arena, leased->location, STR("/"));
    TRY(store_list(options->store, prefix, find_victim, &reaper, err));
    for (size_t i = 0; i < reaper.victims.count; i++) {
        TRY(store_remove(options->store, reaper.victims.items[i], err));
        (*reaped)++;
    }
    return RC_OK;
}

static bool names_location(const leased_tables *tables, struct str location)
{
    for (size_t i = 0; i < tables->count; i++)
        if (str_equal(tables->items[i].location, location))
            return true;
    return false;
}

/// Removes the staged files of every lease that nobody holds.
static rc reap(const struct lease_options *options, struct arena *arena, struct str folder,
               int64_t *ret_reaped, struct err *err)
{
    str_vec names = {0};
    TRY(fs_list(arena, folder, &names, err));
    leased_tables living = {0};
    VEC(int) dead_fds = {0};
    str_vec dead = {0};
    for (size_t i = 0; i < names.count; i++) {
        struct str path, tag = {0};
        if (!str_has_suffix(names.items[i], STR(".lease")))
            continue;
        TRY(fs_join(arena, folder, names.items[i], &path, err));
        const int fd = open(arena_cstr(arena, path), O_RDWR | O_CLOEXEC);
        if (fd < 0)
            continue; // its run has just ended
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            *vec_push(arena, &dead_fds) = fd;
            *vec_push(arena, &dead) = path;
            continue;
        }
        close(fd);
        struct err gone = {0};
        if (read_lease(arena, path, &tag, &living, &gone) != RC_OK)
            log_debug("a lease could not be read: %s", gone.message);
    }
    rc code = RC_OK;
    for (size_t i = 0; i < dead.count; i++) {
        struct str tag = {0};
        leased_tables tables = {0};
        if (code == RC_OK)
            code = read_lease(arena, dead.items[i], &tag, &tables, err);
        for (size_t t = 0; code == RC_OK && tag.length > 0 && t < tables.count; t++)
            code = reap_table(options, arena, tag, &tables.items[t],
                              names_location(&living, tables.items[t].location), ret_reaped, err);
        if (code == RC_OK)
            code = fs_remove(dead.items[i], err);
        close(dead_fds.items[i]);
    }
    return code;
}

// ---------------------------------------------------------------- the own lease

static void close_lease(void *object)
{
    struct lease *lease = object;
    if (lease->fd >= 0)
        close(lease->fd);
    lease->fd = -1;
}

static rc claim(struct lease *lease, struct err *err)
{
    struct arena *arena = lease->arena;
    lease->fd = open(arena_cstr(arena, lease->path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (lease->fd < 0)
        return err_system(err, errno, "cannot write the lease %.*s", STR_ARGS(lease->path));
    if (flock(lease->fd, LOCK_EX | LOCK_NB) != 0)
        return err_system(err, errno, "cannot lock the lease %.*s", STR_ARGS(lease->path));
    struct json line = {.kind = JSON_OBJECT};
    *json_object_set(arena, &line, STR("run")) = json_of_str(lease->options.run_tag);
    *json_object_set(arena, &line, STR("source")) = json_of_str(lease->options.source);
    *json_object_set(arena, &line, STR("pid")) = json_of_int64(arena, getpid());
    *json_object_set(arena, &line, STR("started")) =
        json_of_str(time_format(arena, time_now_us(), TIME_ISO_Z));
    return write_line(lease->fd, lease->path, &line, arena, err);
}

rc lease_open(struct arena *arena, const struct lease_options *options, struct lease **ret_lease,
              int64_t *ret_reaped, struct err *err)
{
    struct lease *lease = ARENA_NEW(arena, struct lease);
    *lease = (struct lease){.arena = arena, .options = *options, .fd = -1};
    arena_defer(arena, close_lease, lease);
    if (store_driver_of(options->store)->is_local) {
        struct str uri, folder;
        TRY(store_join(arena, options->warehouse, STR("_moulin/leases"), &uri, err));
        TRY(store_local_path(options->store, arena, uri, &folder, err));
        TRY(fs_make_folders(folder, err));
        TRY(reap(options, arena, folder, ret_reaped, err));
        const struct str name = str_concat(arena, options->run_tag, STR(".lease"));
        TRY(fs_join(arena, folder, name, &lease->path, err));
        TRY(claim(lease, err));
    }
    *ret_lease = lease;
    return RC_OK;
}

rc lease_add_location(struct lease *lease, struct str table, struct str location, struct err *err)
{
    if (lease->fd < 0)
        return RC_OK;
    struct json line = {.kind = JSON_OBJECT};
    *json_object_set(lease->arena, &line, STR("table")) = json_of_str(table);
    *json_object_set(lease->arena, &line, STR("location")) = json_of_str(location);
    return write_line(lease->fd, lease->path, &line, lease->arena, err);
}

rc lease_is_living(struct lease *lease, struct str run_tag, bool *ret_is_living, struct err *err)
{
    *ret_is_living = false;
    if (lease->fd < 0 || run_tag.length == 0)
        return RC_OK;
    struct str path;
    TRY(fs_join(lease->arena, fs_parent(lease->path),
                str_concat(lease->arena, run_tag, STR(".lease")), &path, err));
    const int fd = open(arena_cstr(lease->arena, path), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return RC_OK;
    *ret_is_living = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd); // gives the lock back
    return RC_OK;
}

void lease_release(struct lease *lease)
{
    struct err err = {0};
    if (lease == NULL || lease->fd < 0)
        return;
    if (fs_remove(lease->path, &err) != RC_OK)
        log_warn("the lease of this run stays: %s", err.message);
    close_lease(lease);
}

void lease_abandon(struct lease *lease)
{
    if (lease != NULL)
        close_lease(lease);
}
