// Proves: leases on storage without locks: what a living run owns is seen by others, goes with its
// end, and a run whose files were taken away finds that out before it commits.

#include "unit_test.h"

#include "ingest/lease.h"
#include "store/store.h"

struct fixture {
    struct arena *arena;
    struct store *store;
    struct lease_options options;
    struct err err;
};

static int set_up(void **state)
{
    struct arena *arena = arena_open(NULL);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    f->arena = arena;
    f->store = store_open_memory(arena);
    const struct str warehouse = STR("memory://warehouse");
    const struct catalog_options options = {
        .type = STR("filesystem"), .warehouse = warehouse, .store = f->store};
    f->options = (struct lease_options){.store = f->store,
                                        .warehouse = warehouse,
                                        .namespace_name = STR("landing"),
                                        .run_tag = STR("run1"),
                                        .source = STR("chess")};
    assert_int_equal(catalog_open(&options, &f->options.catalog, &f->err), RC_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    catalog_close(f->options.catalog);
    arena_close(f->arena);
    return 0;
}

static struct lease *open_lease(struct fixture *f, const char *tag)
{
    struct lease *lease;
    int64_t reaped = 0;
    f->options.run_tag = str_of(tag);
    if (lease_open(f->arena, &f->options, &lease, &reaped, &f->err) != RC_OK)
        fail_msg("%s", f->err.message);
    assert_int_equal(reaped, 0);
    return lease;
}

static lease_claims claims_of(struct fixture *f)
{
    lease_claims claims;
    assert_int_equal(lease_read_claims(f->arena, f->store, f->options.warehouse, &claims, &f->err),
                     RC_OK);
    return claims;
}

static void others_see_what_a_living_run_owns(void **state)
{
    struct fixture *f = *state;
    struct lease *first = open_lease(f, "run1"), *second = open_lease(f, "run2");
    bool is_living = false;
    assert_int_equal(
        lease_add_location(first, STR("games"), STR("memory://warehouse/landing/games"), &f->err),
        RC_OK);
    assert_int_equal(lease_is_living(second, STR("run1"), &is_living, &f->err), RC_OK);
    assert_true(is_living);
    assert_int_equal(lease_is_living(second, STR("run0"), &is_living, &f->err), RC_OK);
    assert_false(is_living);
    const lease_claims claims = claims_of(f);
    assert_int_equal(claims.count, 2);
    assert_true(str_is(claims.items[0].tag, "run1") && claims.items[0].is_live);
    assert_true(str_is(claims.items[0].locations.items[0], "memory://warehouse/landing/games"));
    assert_int_equal(lease_confirm(first, &f->err), RC_OK);
    lease_release(first);
    assert_int_equal(lease_is_living(second, STR("run1"), &is_living, &f->err), RC_OK);
    assert_false(is_living);
    lease_abandon(second); // its outcome is unknown: the lease stays
    assert_int_equal(claims_of(f).count, 1);
}

static void a_run_that_was_taken_for_dead_must_not_commit(void **state)
{
    struct fixture *f = *state;
    struct lease *lease = open_lease(f, "run1");
    assert_int_equal(lease_confirm(lease, &f->err), RC_OK);
    // What a reaper leaves, even when the run has written its lease anew meanwhile.
    assert_int_equal(store_put(f->store, STR("memory://warehouse/_moulin/leases/run1.reaped"),
                               STR("run2"), (struct store_put_options){.must_be_new = true},
                               &f->err),
                     RC_OK);
    assert_int_equal(lease_confirm(lease, &f->err), RC_CONFLICT);
    assert_non_null(strstr(f->err.message, "another one took its files away"));
    lease_release(lease);
    assert_int_equal(claims_of(f).count, 0); // the mark is no lease
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(others_see_what_a_living_run_owns),
        CASE(a_run_that_was_taken_for_dead_must_not_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
