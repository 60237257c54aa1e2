/// @file lease.c
/// See lease.h. The file holds one JSON object per line: first who runs, then a line per table.
/// Layer: ingest.

#include "ingest/lease.intern.h"

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

struct str lease_first_line(struct arena *arena, const struct lease_options *options)
{
    struct json line = {.kind = JSON_OBJECT};
    *json_object_set(arena, &line, STR("run")) = json_of_str(options->run_tag);
    *json_object_set(arena, &line, STR("source")) = json_of_str(options->source);
    *json_object_set(arena, &line, STR("pid")) = json_of_int64(arena, getpid());
    *json_object_set(arena, &line, STR("started")) =
        json_of_str(time_format(arena, time_now_us(), TIME_ISO_Z));
    return str_concat(arena, json_print(arena, &line, JSON_COMPACT), STR("\n"));
}

struct str lease_table_line(struct arena *arena, struct str table, struct str location)
{
    struct json line = {.kind = JSON_OBJECT};
    *json_object_set(arena, &line, STR("table")) = json_of_str(table);
    *json_object_set(arena, &line, STR("location")) = json_of_str(location);
    return str_concat(arena, json_print(arena, &line, JSON_COMPACT), STR("\n"));
}

void lease_parse(struct arena *arena, struct str text, struct str *ret_tag,
                 leased_tables *ret_tables)
{
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
}

void lease_claim_add(struct arena *arena, lease_claims *claims, const struct lease_claim *claim,
                     const leased_tables *tables)
{
    struct lease_claim *to = vec_push(arena, claims);
    *to = *claim;
    for (size_t i = 0; i < tables->count; i++) {
        *vec_push(arena, &to->tables) = tables->items[i].table;
        *vec_push(arena, &to->locations) = tables->items[i].location;
    }
}

static rc append(int fd, struct str path, struct str text, struct err *err)
{
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
    lease_parse(arena, text, ret_tag, ret_tables);
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

rc lease_reap_table(const struct lease_options *options, struct arena *arena, struct str tag,
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
    TRY(store_remove_many(options->store, reaper.victims.items, reaper.victims.count, err));
    *reaped += (int64_t)reaper.victims.count;
    return RC_OK;
}

bool lease_names_location(const leased_tables *tables, struct str location)
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
            code = lease_reap_table(options, arena, tag, &tables.items[t],
                                    lease_names_location(&living, tables.items[t].location),
                                    ret_reaped, err);
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
    if (lease->object != NULL)
        object_lease_end(lease, false);
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
    return append(lease->fd, lease->path, lease_first_line(arena, &lease->options), err);
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
    } else if (store_driver_of(options->store)->has_must_be_new) {
        TRY(object_lease_open(lease, ret_reaped, err));
    }
    *ret_lease = lease;
    return RC_OK;
}

rc lease_add_location(struct lease *lease, struct str table, struct str location, struct err *err)
{
    const struct str line = lease_table_line(lease->arena, table, location);
    if (lease->object != NULL)
        return object_lease_add(lease, line, err);
    return lease->fd < 0 ? RC_OK : append(lease->fd, lease->path, line, err);
}

rc lease_confirm(struct lease *lease, struct err *err)
{
    // A lock on this machine cannot be lost while the process lives.
    return lease != NULL && lease->object != NULL ? object_lease_confirm(lease, err) : RC_OK;
}

rc lease_is_living(struct lease *lease, struct str run_tag, bool *ret_is_living, struct err *err)
{
    *ret_is_living = false;
    if (lease->object != NULL && run_tag.length > 0)
        return object_lease_is_living(lease, run_tag, ret_is_living, err);
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
    if (lease != NULL && lease->object != NULL)
        object_lease_end(lease, true);
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

// ---------------------------------------------------------------- the leases of others

static void read_claim(struct arena *arena, struct str path, lease_claims *claims)
{
    const int fd = open(path.bytes, O_RDONLY | O_CLOEXEC);
    struct lease_claim claim = {.uri = path};
    leased_tables tables = {0};
    struct err gone = {0};
    if (fd < 0)
        return; // its run has just ended
    claim.is_live = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    const rc code = read_lease(arena, path, &claim.tag, &tables, &gone);
    close(fd);
    if (code != RC_OK)
        return;
    lease_claim_add(arena, claims, &claim, &tables);
}

rc lease_read_claims(struct arena *arena, struct store *store, struct str warehouse,
                     lease_claims *ret_claims, struct err *err)
{
    struct str uri, folder;
    str_vec names;
    *ret_claims = (lease_claims){0};
    TRY(store_join(arena, warehouse, STR("_moulin/leases"), &uri, err));
    if (!store_driver_of(store)->is_local)
        return object_lease_claims(arena, store, uri, ret_claims, err);
    TRY(store_local_path(store, arena, uri, &folder, err));
    if (!fs_is_folder(folder))
        return RC_OK;
    TRY(fs_list(arena, folder, &names, err));
    for (size_t i = 0; i < names.count; i++)
        if (str_has_suffix(names.items[i], STR(".lease")))
            read_claim(arena,
                       arena_printf(arena, "%.*s/%.*s", STR_ARGS(folder), STR_ARGS(names.items[i])),
                       ret_claims);
    return RC_OK;
}
