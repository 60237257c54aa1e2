/// @file test_place.h
/// Where a suite's tables lie: on this machine, or, when MOULIN_TEST_STORE names a prefix
/// ("s3://bucket/prefix"), there, each fixture below a name of its own; AWS_ENDPOINT_URL and keys
/// say which server. tests/interop/s3_suites.py runs the suites so.

#ifndef TESTS_ICEBERG_TEST_PLACE_H
#define TESTS_ICEBERG_TEST_PLACE_H

#include <stdlib.h>

#include "aws/s3.h"
#include "base/random.h"
#include "duck/duck.h"
#include "store/store.h"

static inline bool place_is_remote(void)
{
    return getenv("MOULIN_TEST_STORE") != NULL;
}

/// @param ret_root  of the tables, no slash at the end
static inline struct store *place_open(struct arena *arena, const char *local_folder,
                                       struct str *ret_root)
{
    struct err err = {0};
    struct aws_session *session;
    struct store *store = NULL;
    const struct aws_options options = {0};
    if (!place_is_remote()) {
        *ret_root = arena_printf(arena, "file://%s", local_folder);
        return store_open_posix(arena);
    }
    *ret_root =
        arena_printf(arena, "%s/%.*s", getenv("MOULIN_TEST_STORE"), STR_ARGS(random_uuid(arena)));
    if (aws_session_open(arena, &options, &session, &err) != RC_OK ||
        store_open_s3(arena, session, &store, &err) != RC_OK)
        fail_msg("%s", err.message);
    return store;
}

static inline struct duck_options place_duck_options(struct store *store, int threads)
{
    struct duck_options options = {.threads = threads};
    s3_duck_remotes(store, &options.remotes);
    return options;
}

/// A case that is about this machine's files says so and ends.
#define PLACE_NEEDS_FILES()                                                                        \
    do {                                                                                           \
        if (place_is_remote())                                                                     \
            return;                                                                                \
    } while (0)

#endif
