#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
    void (*run)(void *job);
    void *job;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t has_work, has_room, is_idle;
    struct job queue[POOL_MAX_QUEUE]; // a ring
    size_t first, queued;
    size_t running;
    bool is_closing;
    int thread_count;
    pthread_t threads[POOL_MAX_THREADS];
};

static struct job take(struct pool *pool)
{
    const struct job job = pool->queue[pool->first];
    pool->first = (pool->first + 1) % POOL_MAX_QUEUE;
    pool->queued--;
    pool->running++;
    pthread_cond_signal(&pool->has_room);
    return job;
}

static void *work(void *object)
{
    struct pool *pool = object;
    pthread_mutex_lock(&pool->lock);
    while (true) {
        while (pool->queued == 0 && !pool->is_closing)
            pthread_cond_wait(&pool->has_work, &pool->lock);
        if (pool->queued == 0)
            break;
        const struct job job = take(pool);
        pthread_mutex_unlock(&pool->lock);
        job.run(job.job);
        pthread_mutex_lock(&pool->lock);
        if (--pool->running == 0 && pool->queued == 0)
            pthread_cond_broadcast(&pool->is_idle);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void pool_close(void *object)
{
    struct pool *pool = object;
    pthread_mutex_lock(&pool->lock);
    pool->is_closing = true;
    pthread_cond_broadcast(&pool->has_work);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->is_idle);
    pthread_cond_destroy(&pool->has_room);
    pthread_cond_destroy(&pool->has_work);
    pthread_mutex_destroy(&pool->lock);
}

static int processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return CPU_COUNT(&set);
}

// A signal that comes to a worker would interrupt its work; with all blocked it goes to the caller.
static void start_threads(struct pool *pool, int threads)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->thread_count < threads &&
           pthread_create(&pool->threads[pool->thread_count], NULL, work, pool) == 0)
        pool->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pool->thread_count == 0) {
        fprintf(stderr, "error: no thread can be started\n");
        abort();
    }
}

struct pool *pool_open(struct arena *arena, int threads)
{
    struct pool *pool = ARENA_NEW(arena, struct pool);
    if (threads <= 0)
        threads = processors();
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->has_work, NULL);
    pthread_cond_init(&pool->has_room, NULL);
    pthread_cond_init(&pool->is_idle, NULL);
    start_threads(pool, threads > POOL_MAX_THREADS ? POOL_MAX_THREADS : threads);
    arena_defer(arena, pool_close, pool);
    return pool;
}

int pool_threads(const struct pool *pool)
{
    return pool != NULL ? pool->thread_count : 1;
}

static void put(struct pool *pool, void (*run)(void *job), void *job)
{
    pool->queue[(pool->first + pool->queued) % POOL_MAX_QUEUE] = (struct job){run, job};
    pool->queued++;
    pthread_cond_signal(&pool->has_work);
}

void pool_submit(struct pool *pool, void (*run)(void *job), void *job)
{
    if (pool == NULL) {
        run(job);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    while (pool->queued == POOL_MAX_QUEUE)
        pthread_cond_wait(&pool->has_room, &pool->lock);
    put(pool, run, job);
    pthread_mutex_unlock(&pool->lock);
}

// As pool_submit up to `count` times, but only where there is room. @return how many
static size_t offer(struct pool *pool, size_t count, void (*run)(void *job), void *job)
{
    pthread_mutex_lock(&pool->lock);
    size_t put_count = 0;
    for (; put_count < count && pool->queued < POOL_MAX_QUEUE; put_count++)
        put(pool, run, job);
    pthread_mutex_unlock(&pool->lock);
    return put_count;
}

// Takes back what was offered and is not begun. @return how many
static size_t withdraw(struct pool *pool, const void *job)
{
    pthread_mutex_lock(&pool->lock);
    size_t kept = 0;
    const size_t queued = pool->queued;
    for (size_t i = 0; i < queued; i++) {
        const struct job item = pool->queue[(pool->first + i) % POOL_MAX_QUEUE];
        if (item.job != job)
            pool->queue[(pool->first + kept++) % POOL_MAX_QUEUE] = item;
    }
    pool->queued = kept;
    if (kept < queued) {
        pthread_cond_broadcast(&pool->has_room);
        if (kept == 0 && pool->running == 0)
            pthread_cond_broadcast(&pool->is_idle);
    }
    pthread_mutex_unlock(&pool->lock);
    return queued - kept;
}

void pool_wait(struct pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    while (pool->queued > 0 || pool->running > 0)
        pthread_cond_wait(&pool->is_idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

// --- Each ----------------------------------------------------------------------------------------

struct each {
    rc (*run)(void *context, size_t index, struct err *err);
    void *context;
    size_t count;
    size_t next; // atomic
    pthread_mutex_t lock;
    pthread_cond_t is_done;
    size_t takers;    // jobs that still run
    rc code;          // of failed_at
    size_t failed_at; // lowest index that failed, SIZE_MAX = none
    struct err err;
};

static void note_failure(struct each *each, size_t index, rc code, const struct err *err)
{
    pthread_mutex_lock(&each->lock);
    if (index < each->failed_at) {
        each->failed_at = index;
        each->code = code;
        each->err = *err;
    }
    pthread_mutex_unlock(&each->lock);
    // Indexes are given out in order: all below this one have begun, none above shall.
    __atomic_store_n(&each->next, each->count, __ATOMIC_RELAXED);
}

static void take_indexes(struct each *each)
{
    while (true) {
        const size_t index = __atomic_fetch_add(&each->next, 1, __ATOMIC_RELAXED);
        if (index >= each->count)
            return;
        struct err err = {0};
        const rc code = each->run(each->context, index, &err);
        if (code != RC_OK)
            note_failure(each, index, code, &err);
    }
}

static void each_job(void *object)
{
    struct each *each = object;
    take_indexes(each);
    pthread_mutex_lock(&each->lock);
    if (--each->takers == 0)
        pthread_cond_signal(&each->is_done);
    pthread_mutex_unlock(&each->lock);
}

rc pool_each(struct pool *pool, size_t count,
             rc (*run)(void *context, size_t index, struct err *err), void *context,
             struct err *err)
{
    struct each each = {.run = run, .context = context, .count = count, .failed_at = SIZE_MAX};
    pthread_mutex_init(&each.lock, NULL);
    pthread_cond_init(&each.is_done, NULL);
    const size_t threads = (size_t)pool_threads(pool);
    // The caller takes indexes too, and never waits for a job that has not begun: so a job may call
    // pool_each of the pool that runs it.
    each.takers = pool == NULL || count < 2 ? 0 : (count - 1 < threads ? count - 1 : threads);
    const size_t wanted = each.takers;
    size_t missing = wanted > 0 ? wanted - offer(pool, wanted, each_job, &each) : 0;
    take_indexes(&each);
    if (wanted > 0)
        missing += withdraw(pool, &each);
    pthread_mutex_lock(&each.lock);
    each.takers -= missing;
    while (each.takers > 0)
        pthread_cond_wait(&each.is_done, &each.lock);
    pthread_mutex_unlock(&each.lock);
    pthread_cond_destroy(&each.is_done);
    pthread_mutex_destroy(&each.lock);
    if (each.failed_at == SIZE_MAX)
        return RC_OK;
    if (err != NULL)
        *err = each.err;
    return each.code;
}
