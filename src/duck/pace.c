/// @file pace.c
/// The scalar function moulin_pace(number): calls back now and then from the threads that run a
/// query, so that its owner can hold it up; it is always true. Layer: duck.
/// Threads: the list is guarded; the callback must be safe in any thread and must not call DuckDB.

#include <pthread.h>

#include "base/vec.h"
#include "duck/internal.h"

struct duck_pace {
    struct paces *paces;
    int64_t number;
    void (*hold_up)(void *context);
    void *context; // NULL hold_up: closed
};

struct paces {
    pthread_rwlock_t lock;
    struct arena *arena; // of its own: connections of several threads add to it
    VEC(struct duck_pace *) all;
};

static void close_paces(void *object)
{
    struct paces *paces = object;
    pthread_rwlock_destroy(&paces->lock);
}

struct paces *paces_open(struct arena *arena)
{
    struct paces *paces = ARENA_NEW(arena, struct paces);
    pthread_rwlock_init(&paces->lock, NULL);
    paces->arena = arena_open(arena);
    arena_defer(arena, close_paces, paces);
    return paces;
}

struct duck_pace *duck_pace_open(struct duck_connection *connection, void (*hold_up)(void *context),
                                 void *context)
{
    struct paces *paces = connection->duck->paces;
    pthread_rwlock_wrlock(&paces->lock);
    struct duck_pace *pace = ARENA_NEW(paces->arena, struct duck_pace);
    *pace = (struct duck_pace){paces, (int64_t)paces->all.count, hold_up, context};
    *vec_push(paces->arena, &paces->all) = pace;
    pthread_rwlock_unlock(&paces->lock);
    return pace;
}

void duck_pace_close(struct duck_pace *pace)
{
    if (pace == NULL)
        return;
    pthread_rwlock_wrlock(&pace->paces->lock); // waits for callbacks that run
    pace->hold_up = NULL;
    pthread_rwlock_unlock(&pace->paces->lock);
}

struct str duck_pace_sql(const struct duck_pace *pace, struct arena *arena)
{
    return arena_printf(arena, "moulin_pace(%lld)", (long long)pace->number);
}

/// One call per chunk of rows. Any number may be given by SQL of users: unknown ones mean nothing.
static void pace_chunk(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct paces *paces = duck_library->scalar_function_get_extra_info(info);
    const size_t count = duck_library->data_chunk_get_size(input);
    const int64_t *numbers =
        duck_library->vector_get_data(duck_library->data_chunk_get_vector(input, 0));
    bool *to = duck_library->vector_get_data(output);
    for (size_t row = 0; row < count; row++)
        to[row] = true;
    if (count == 0)
        return;
    pthread_rwlock_rdlock(&paces->lock);
    const int64_t number = numbers[0];
    if (number >= 0 && (size_t)number < paces->all.count) {
        const struct duck_pace *pace = paces->all.items[number];
        if (pace->hold_up != NULL)
            pace->hold_up(pace->context);
    }
    pthread_rwlock_unlock(&paces->lock);
}

rc paces_install(struct paces *paces, duckdb_connection connection, struct err *err)
{
    duckdb_scalar_function function = duck_library->create_scalar_function();
    duckdb_logical_type parameter = duck_library->create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_logical_type result = duck_library->create_logical_type(DUCKDB_TYPE_BOOLEAN);
    duck_library->scalar_function_set_name(function, "moulin_pace");
    duck_library->scalar_function_add_parameter(function, parameter);
    duck_library->scalar_function_set_return_type(function, result);
    duck_library->scalar_function_set_volatile(function); // else it is called once
    duck_library->scalar_function_set_extra_info(function, paces, NULL);
    duck_library->scalar_function_set_function(function, pace_chunk);
    const duckdb_state state = duck_library->register_scalar_function(connection, function);
    duck_library->destroy_logical_type(&parameter);
    duck_library->destroy_logical_type(&result);
    duck_library->destroy_scalar_function(&function);
    return state == DuckDBSuccess
               ? RC_OK
               : err_set(err, RC_INTERNAL, "the function moulin_pace is not taken");
}
