/// @file pool.h
/// Threads that work off jobs. Layer: base. Libraries start no threads of their own: whoever owns
/// the command opens a pool and passes it down. A NULL pool is allowed everywhere and means: in the
/// caller's thread. Signals are blocked in the workers, so the main thread gets them.

#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/arena.h"
#include "base/err.h"

enum { POOL_MAX_THREADS = 64 };

struct pool;

/// @param threads  0 = one per processor that this process may use
/// @return ends, after all jobs, with its arena
struct pool *pool_open(struct arena *arena, int threads);
int pool_threads(const struct pool *pool); // 1 for NULL

/// Calls `run(context, i, err)` for every i below `count` from the workers, each i once; returns
/// when all are done. After a failure no further ones are begun.
/// @return RC_OK, or the failure of the lowest i, with its err
CHECK rc pool_each(struct pool *pool, size_t count,
                   rc (*run)(void *context, size_t index, struct err *err), void *context,
                   struct err *err);

/// One job in the background; blocks while POOL_MAX_QUEUE jobs wait.
enum { POOL_MAX_QUEUE = 256 };
void pool_submit(struct pool *pool, void (*run)(void *job), void *job);
/// Returns when every submitted job is done.
void pool_wait(struct pool *pool);

#endif
