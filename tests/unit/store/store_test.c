#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "store_contract.h"

static void open_posix(struct fixture *f)
{
    char folder[] = "/tmp/moulin-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    f->arena = arena_open(NULL);
    f->store = store_open_posix(f->arena);
    f->root = arena_printf(f->arena, "file://%s", folder);
}

static void open_memory(struct fixture *f)
{
    f->arena = arena_open(NULL);
    f->store = store_open_memory(f->arena);
    f->root = STR("memory://bucket");
}

static void close_fixture(struct fixture *f)
{
    struct str path;
    if (store_local_path(f->store, f->arena, f->root, &path, NULL) == RC_OK)
        assert_int_equal(fs_remove_tree(path, NULL), RC_OK);
    arena_close(f->arena);
}

static void test_posix_keeps_the_contract(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        struct fixture f = {0};
        open_posix(&f);
        checks[i](&f);
        close_fixture(&f);
    }
}

static void test_memory_keeps_the_contract(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        struct fixture f = {0};
        open_memory(&f);
        checks[i](&f);
        close_fixture(&f);
    }
}

static void test_fault_without_a_fault_keeps_the_contract(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        struct fixture f = {0};
        struct store_fault fault = {0};
        open_posix(&f);
        f.store = store_open_fault(f.arena, f.store, &fault);
        checks[i](&f);
        close_fixture(&f);
    }
}

static void test_local_names_of_all_writers_mean_the_same_file(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *path;
    } cases[] = {{"file:///wh/a b%20c", "/wh/a b%20c"},
                 {"file:/wh/x", "/wh/x"},
                 {"file://localhost/wh/x", "/wh/x"},
                 {"/wh/x", "/wh/x"},
                 {"file://host/x", NULL},
                 {"s3://bucket/x", NULL}};
    struct fixture f = {0};
    open_posix(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str path;
        const rc result = store_local_path(f.store, f.arena, str_of(cases[i].uri), &path, &f.err);
        assert_int_equal(result, cases[i].path != NULL ? RC_OK : RC_INVALID);
        if (cases[i].path != NULL)
            assert_true(str_is(path, cases[i].path));
    }
    close_fixture(&f);
}

static void test_an_unknown_scheme_is_refused(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct store *store = NULL;
    struct err err;
    assert_int_equal(store_open(arena, STR("gs://x/y"), &store, &err), RC_UNSUPPORTED);
    assert_int_equal(store_open(arena, STR("memory://x"), &store, &err), RC_OK);
    assert_string_equal(store_driver_of(store)->name, "memory");
    assert_int_equal(store_open(arena, STR("file:///x"), &store, &err), RC_OK);
    assert_string_equal(store_driver_of(store)->name, "posix");
    arena_close(arena);
}

static void test_a_denied_folder_is_named(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip(); // root may write anywhere
    struct fixture f = {0};
    open_posix(&f);
    assert_int_equal(
        store_put(f.store, STR("/proc/moulin/x"), STR("x"), (struct store_put_options){0}, &f.err),
        RC_DENIED);
    close_fixture(&f);
}

static void test_faults_hit_the_named_operation_once_or_for_ever(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_memory(&f);
    struct store_fault fault = {.fail_at = 2, .code = RC_NO_SPACE, .is_writing_only = true};
    f.store = store_open_fault(f.arena, f.store, &fault);
    const struct store_put_options options = {0};
    struct store_object object;
    assert_int_equal(store_put(f.store, name(&f, "a"), STR("1"), options, &f.err), RC_OK);
    assert_int_equal(store_head(f.store, name(&f, "a"), &object, &f.err), RC_OK); // not counted
    assert_int_equal(store_put(f.store, name(&f, "b"), STR("1"), options, &f.err), RC_NO_SPACE);
    assert_int_equal(store_put(f.store, name(&f, "c"), STR("1"), options, &f.err), RC_OK);
    assert_list(&f, "", "a c");

    fault = (struct store_fault){.fail_at = 1, .is_for_ever = true, .is_done_first = true};
    assert_int_equal(store_put(f.store, name(&f, "d"), STR("1"), options, &f.err), RC_IO);
    assert_int_equal(store_remove(f.store, name(&f, "a"), &f.err), RC_IO);
    fault = (struct store_fault){0};
    assert_list(&f, "", "c d");
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_posix_keeps_the_contract),
        cmocka_unit_test(test_memory_keeps_the_contract),
        cmocka_unit_test(test_fault_without_a_fault_keeps_the_contract),
        cmocka_unit_test(test_local_names_of_all_writers_mean_the_same_file),
        cmocka_unit_test(test_an_unknown_scheme_is_refused),
        cmocka_unit_test(test_a_denied_folder_is_named),
        cmocka_unit_test(test_faults_hit_the_named_operation_once_or_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
