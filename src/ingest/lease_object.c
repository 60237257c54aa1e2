/// @file lease_object.c
/// Leases on object storage; lease.h says how they work. Layer: ingest.
/// Threads: the beating thread and the run's share `text` under a lock.
///
/// A run writes its lease, then looks for the mark of a reaper; a reaper writes the mark, then
/// looks whether the lease has changed. Storage is consistent, so at least one of them sees the
/// other.

#include <pthread.h>
#include <time.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/time.h"
#include "ingest/lease.intern.h"
#include "store/store.h"

enum { LEASE_MAX_BYTES = 4 << 20, MARK_KEPT_DAYS = 7 };

struct object_lease {
    struct store *store;
    struct str uri, mark_uri;
    struct arena *pool_arena; // joins the thread; NULL: it has ended
    pthread_mutex_t lock;     // of all below
    pthread_cond_t has_changed;
    struct buf text;
    bool is_stopping;
};

static struct str lease_uri(struct arena *arena, struct str folder, struct str tag)
{
    return arena_printf(arena, "%.*s/%.*s.lease", STR_ARGS(folder), STR_ARGS(tag));
}

static struct str mark_uri(struct arena *arena, struct str folder, struct str tag)
{
    return arena_printf(arena, "%.*s/%.*s.reaped", STR_ARGS(folder), STR_ARGS(tag));
}

// ---------------------------------------------------------------- beating

static rc write_lease(struct object_lease *object, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    pthread_mutex_lock(&object->lock);
    const struct str text = arena_str(scratch, buf_str(&object->text));
    pthread_mutex_unlock(&object->lock);
    const rc code = store_put(object->store, object->uri, text, (struct store_put_options){0}, err);
    arena_close(scratch);
    return code;
}

/// Waits one beat. @return false when the run ends
static bool wait_a_beat(struct object_lease *object)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LEASE_BEAT_S;
    pthread_mutex_lock(&object->lock);
    while (!object->is_stopping &&
           pthread_cond_timedwait(&object->has_changed, &object->lock, &until) == 0)
        ;
    const bool goes_on = !object->is_stopping;
    pthread_mutex_unlock(&object->lock);
    return goes_on;
}

static void beat(void *opaque)
{
    struct object_lease *object = opaque;
    while (wait_a_beat(object)) {
        struct err err = {0};
        if (write_lease(object, &err) != RC_OK) // the next may come through; confirm decides
            log_debug("the lease was not renewed: %s", err.message);
    }
}

// ---------------------------------------------------------------- the leases that there are

struct found {
    struct str uri, tag;
    int64_t modified_us;
    bool is_mark;
};

struct listing {
    struct arena *arena;
    VEC(struct found) items;
};

static rc note(void *context, const struct store_object *object, struct err *err)
{
    (void)err;
    static const struct str endings[] = {STR_INIT(".lease"), STR_INIT(".reaped")};
    struct listing *listing = context;
    const struct str name = fs_base_name(object->uri);
    for (size_t i = 0; i < 2; i++)
        if (str_has_suffix(name, endings[i]))
            *vec_push(listing->arena, &listing->items) = (struct found){
                arena_str(listing->arena, object->uri),
                arena_str(listing->arena, str_slice(name, 0, name.length - endings[i].length)),
                object->modified_us, i == 1};
    return RC_OK;
}

/// @param own  the lease just written: its time is the storage's now; "" = this machine's clock
static rc list_leases(struct arena *arena, struct store *store, struct str folder, struct str own,
                      struct listing *ret_listing, int64_t *ret_now_us, struct err *err)
{
    struct listing listing = {.arena = arena};
    int64_t now_us = time_now_us();
    TRY(store_list(store, str_concat(arena, folder, STR("/")), note, &listing, err));
    for (size_t i = 0; i < listing.items.count; i++)
        if (own.length > 0 && str_equal(listing.items.items[i].uri, own))
            now_us = listing.items.items[i].modified_us;
    *ret_listing = listing;
    *ret_now_us = now_us;
    return RC_OK;
}

static bool is_dead(int64_t modified_us, int64_t now_us)
{
    return now_us - modified_us > LEASE_DEAD_S * TIME_US_PER_SECOND;
}

/// @param ret_exists  false: its run has ended meanwhile
static rc read_object(struct arena *arena, struct store *store, struct str uri, struct str *ret_tag,
                      leased_tables *ret_tables, bool *ret_exists, struct err *err)
{
    struct str text;
    const rc code = store_get(store, arena, uri, LEASE_MAX_BYTES, &text, err);
    *ret_exists = code == RC_OK;
    if (code == RC_NOT_FOUND)
        return RC_OK;
    TRY(code);
    lease_parse(arena, text, ret_tag, ret_tables);
    return RC_OK;
}

// ---------------------------------------------------------------- dead runs

/// Marks a run as reaped. @return by ret_is_dead: it did not move meanwhile
static rc mark(struct lease *lease, struct arena *arena, struct str folder,
               const struct found *found, bool *ret_is_dead, struct err *err)
{
    struct store *store = lease->options.store;
    const struct str uri = mark_uri(arena, folder, found->tag);
    const rc put = store_put(store, uri, lease->options.run_tag,
                             (struct store_put_options){.must_be_new = true}, err);
    if (put != RC_OK && put != RC_EXISTS) // that of a reaper that died over it counts as well
        return put;
    struct store_object now;
    const rc head = store_head(store, found->uri, &now, err);
    // Heads tell whole seconds, lists more.
    *ret_is_dead = head == RC_OK &&
                   now.modified_us / TIME_US_PER_SECOND == found->modified_us / TIME_US_PER_SECOND;
    if (head == RC_NOT_FOUND || *ret_is_dead)
        return RC_OK; // ended, or dead
    TRY(head);
    return put == RC_OK ? store_remove(store, uri, err) : RC_OK;
}

static rc reap_one(struct lease *lease, struct str folder, const struct found *found,
                   const leased_tables *living, int64_t *reaped, struct err *err)
{
    struct arena *arena = arena_open(NULL);
    struct str tag = {0};
    leased_tables tables = {0};
    bool exists = false, dead = false;
    rc code = read_object(arena, lease->options.store, found->uri, &tag, &tables, &exists, err);
    if (code == RC_OK && exists)
        code = mark(lease, arena, folder, found, &dead, err);
    for (size_t i = 0; code == RC_OK && dead && tag.length > 0 && i < tables.count; i++)
        code =
            lease_reap_table(&lease->options, arena, tag, &tables.items[i],
                             lease_names_location(living, tables.items[i].location), reaped, err);
    if (code == RC_OK && dead)
        code = store_remove(lease->options.store, found->uri, err);
    arena_close(arena);
    return code;
}

static rc reap(struct lease *lease, struct str folder, int64_t *reaped, struct err *err)
{
    struct arena *arena = lease->arena;
    struct store *store = lease->options.store;
    struct listing listing;
    leased_tables living = {0};
    int64_t now_us;
    TRY(list_leases(arena, store, folder, lease->object->uri, &listing, &now_us, err));
    for (size_t i = 0; i < listing.items.count; i++) {
        const struct found *found = &listing.items.items[i];
        struct str tag;
        bool exists;
        if (!found->is_mark && !is_dead(found->modified_us, now_us))
            TRY(read_object(arena, store, found->uri, &tag, &living, &exists, err));
    }
    for (size_t i = 0; i < listing.items.count; i++) {
        const struct found *found = &listing.items.items[i];
        const int64_t age_us = now_us - found->modified_us;
        if (found->is_mark && age_us > MARK_KEPT_DAYS * 24 * 3600 * TIME_US_PER_SECOND)
            TRY(store_remove(store, found->uri, err));
        else if (!found->is_mark && is_dead(found->modified_us, now_us))
            TRY(reap_one(lease, folder, found, &living, reaped, err));
    }
    return RC_OK;
}

// ---------------------------------------------------------------- the own lease

static rc claim(struct lease *lease, struct err *err)
{
    struct object_lease *object = lease->object;
    buf_append_str(&object->text, lease_first_line(lease->arena, &lease->options));
    TRY_CONTEXT(write_lease(object, err), err, "the lease of this run");
    return RC_OK;
}

rc object_lease_open(struct lease *lease, int64_t *ret_reaped, struct err *err)
{
    struct arena *arena = lease->arena;
    struct str folder;
    TRY(store_join(arena, lease->options.warehouse, STR("_moulin/leases"), &folder, err));
    struct object_lease *object = ARENA_NEW(arena, struct object_lease);
    *object = (struct object_lease){.store = lease->options.store,
                                    .uri = lease_uri(arena, folder, lease->options.run_tag),
                                    .mark_uri = mark_uri(arena, folder, lease->options.run_tag),
                                    .pool_arena = arena_open(NULL)};
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&object->has_changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&object->lock, NULL);
    buf_init(&object->text, LEASE_MAX_BYTES);
    lease->object = object; // from here on close_lease ends it
    TRY(claim(lease, err));
    pool_submit(pool_open(object->pool_arena, 1), beat, object);
    return reap(lease, folder, ret_reaped, err);
}

rc object_lease_add(struct lease *lease, struct str line, struct err *err)
{
    struct object_lease *object = lease->object;
    pthread_mutex_lock(&object->lock);
    buf_append_str(&object->text, line);
    const rc code = buf_check(&object->text, err, "the lease of this run");
    pthread_mutex_unlock(&object->lock);
    TRY(code);
    return write_lease(object, err);
}

rc object_lease_confirm(struct lease *lease, struct err *err)
{
    struct object_lease *object = lease->object;
    struct store_object ignored;
    struct err failure = {0};
    TRY_CONTEXT(write_lease(object, err), err, "the lease of this run");
    const rc code = store_head(object->store, object->mark_uri, &ignored, &failure);
    if (code == RC_NOT_FOUND)
        return RC_OK;
    if (code != RC_OK) {
        if (err != NULL)
            *err = failure;
        return code;
    }
    err_set(
        err, RC_CONFLICT,
        "this run was silent for more than %d s, and another one took its files away as those of "
        "a dead run",
        LEASE_DEAD_S);
    err_hint(err, "nothing of it was committed: run the command again");
    return RC_CONFLICT;
}

rc object_lease_is_living(struct lease *lease, struct str run_tag, bool *ret_is_living,
                          struct err *err)
{
    struct object_lease *object = lease->object;
    struct arena *scratch = arena_open(NULL);
    struct store_object own, other = {0};
    const struct str folder = fs_parent(object->uri);
    rc code = store_head(object->store, lease_uri(scratch, folder, run_tag), &other, err);
    *ret_is_living = false;
    if (code == RC_NOT_FOUND) {
        code = RC_OK;
    } else if (code == RC_OK) {
        code = write_lease(object, err);
        if (code == RC_OK)
            code = store_head(object->store, object->uri, &own, err);
        if (code == RC_OK)
            *ret_is_living = !is_dead(other.modified_us, own.modified_us);
    }
    arena_close(scratch);
    return code;
}

void object_lease_end(struct lease *lease, bool is_removed)
{
    struct object_lease *object = lease->object;
    struct err err = {0};
    lease->object = NULL;
    pthread_mutex_lock(&object->lock);
    object->is_stopping = true;
    pthread_cond_broadcast(&object->has_changed);
    pthread_mutex_unlock(&object->lock);
    arena_close(object->pool_arena);
    if (is_removed && store_remove(object->store, object->uri, &err) != RC_OK)
        log_warn("the lease of this run stays: %s", err.message);
    buf_done(&object->text);
    pthread_cond_destroy(&object->has_changed);
    pthread_mutex_destroy(&object->lock);
}

// ---------------------------------------------------------------- the leases of others

rc object_lease_claims(struct arena *arena, struct store *store, struct str folder,
                       lease_claims *ret_claims, struct err *err)
{
    struct listing listing;
    int64_t now_us;
    TRY(list_leases(arena, store, folder, STR(""), &listing, &now_us, err));
    for (size_t i = 0; i < listing.items.count; i++) {
        const struct found *found = &listing.items.items[i];
        struct lease_claim claim = {.uri = found->uri,
                                    .is_live = !is_dead(found->modified_us, now_us)};
        leased_tables tables = {0};
        bool exists = false;
        if (!found->is_mark)
            TRY(read_object(arena, store, found->uri, &claim.tag, &tables, &exists, err));
        if (exists)
            lease_claim_add(arena, ret_claims, &claim, &tables);
    }
    return RC_OK;
}
