#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "db/sqlite.h"

struct fixture {
    struct arena *arena;
    struct str folder, path;
    struct err err;
};

static int set_up(void **state)
{
    char folder[] = "/tmp/moulin-sqlite-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct arena *arena = arena_open(NULL);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    f->arena = arena;
    f->folder = arena_str(arena, str_of(folder));
    f->path = arena_printf(arena, "%s/catalog.db", folder);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fs_remove_tree(f->folder, NULL), RC_OK);
    arena_close(f->arena);
    return 0;
}

static struct sqlite *open_file(struct fixture *f, struct sqlite_options options)
{
    struct sqlite *sqlite = NULL;
    assert_int_equal(sqlite_open(f->arena, f->path, options, &sqlite, &f->err), RC_OK);
    return sqlite;
}

static void test_values_come_back_as_they_were_bound(void **state)
{
    struct fixture *f = *state;
    struct sqlite *sqlite = open_file(f, (struct sqlite_options){0});
    assert_int_equal(sqlite_exec(sqlite, "CREATE TABLE t(a, b, c, d, e)", &f->err), RC_OK);
    struct sqlite_statement *insert, *select;
    assert_int_equal(
        sqlite_prepare(sqlite, STR("INSERT INTO t VALUES (?,?,?,?,?)"), &insert, &f->err), RC_OK);
    sqlite_bind_text(insert, 1, STR("na\xc3\xafve"));
    sqlite_bind_int64(insert, 2, INT64_MIN);
    sqlite_bind_double(insert, 3, 0.1);
    sqlite_bind_blob(insert, 4, (struct str){"\0\1", 2});
    sqlite_bind_text(insert, 5, (struct str){NULL, 0});
    int64_t changes = 0;
    assert_int_equal(sqlite_run(insert, &changes, &f->err), RC_OK);
    assert_int_equal(changes, 1);

    assert_int_equal(sqlite_prepare(sqlite, STR("SELECT * FROM t"), &select, &f->err), RC_OK);
    assert_int_equal(sqlite_step(select, &f->err), RC_OK);
    assert_int_equal(sqlite_column_count(select), 5);
    assert_true(str_is(sqlite_column_name(select, 1), "b"));
    assert_true(str_is(sqlite_column_text(select, 0), "na\xc3\xafve"));
    assert_true(sqlite_column_int64(select, 1) == INT64_MIN);
    assert_true(sqlite_column_double(select, 2) == 0.1);
    assert_true(str_equal(sqlite_column_blob(select, 3), (struct str){"\0\1", 2}));
    assert_true(sqlite_column_is_null(select, 4));
    assert_null(sqlite_column_text(select, 4).bytes);
    assert_int_equal(sqlite_step(select, &f->err), RC_EOF);
}

static void test_a_second_writer_is_told_that_it_is_busy(void **state)
{
    struct fixture *f = *state;
    const struct sqlite_options no_wait = {.busy_timeout_ms = -1};
    struct sqlite *first = open_file(f, no_wait), *second = open_file(f, no_wait);
    assert_int_equal(sqlite_exec(first, "CREATE TABLE t(a)", &f->err), RC_OK);
    assert_int_equal(sqlite_begin_immediate(first, &f->err), RC_OK);
    assert_int_equal(sqlite_begin_immediate(second, &f->err), RC_BUSY);
    assert_true(f->err.is_retryable);
    assert_int_equal(sqlite_commit(first, &f->err), RC_OK);
    assert_int_equal(sqlite_begin_immediate(second, &f->err), RC_OK);
    sqlite_rollback(second);
    sqlite_rollback(second);
    assert_false(sqlite_is_in_transaction(second));
}

static void test_a_taken_key_is_told_from_other_constraints(void **state)
{
    struct fixture *f = *state;
    struct sqlite *sqlite = open_file(f, (struct sqlite_options){0});
    assert_int_equal(sqlite_exec(sqlite,
                                 "CREATE TABLE t(a PRIMARY KEY, b NOT NULL);"
                                 "INSERT INTO t VALUES (1, 1)",
                                 &f->err),
                     RC_OK);
    assert_int_equal(sqlite_exec(sqlite, "INSERT INTO t VALUES (1, 1)", &f->err), RC_EXISTS);
    assert_int_equal(sqlite_exec(sqlite, "INSERT INTO t VALUES (2, NULL)", &f->err), RC_INVALID);
}

static void test_damaged_missing_and_full_files_have_their_own_codes(void **state)
{
    struct fixture *f = *state;
    struct sqlite *sqlite = NULL;
    assert_int_equal(sqlite_open(f->arena, f->path, (struct sqlite_options){.must_exist = true},
                                 &sqlite, &f->err),
                     RC_NOT_FOUND);
    const struct str below = arena_printf(f->arena, "%.*s/none/x.db", STR_ARGS(f->folder));
    assert_int_equal(sqlite_open(f->arena, below, (struct sqlite_options){0}, &sqlite, &f->err),
                     RC_NOT_FOUND);

    const struct str noise = arena_printf(f->arena, "%01000d", 7);
    assert_int_equal(fs_write(f->path, noise, (struct fs_write_options){0}, &f->err), RC_OK);
    rc result = sqlite_open(f->arena, f->path, (struct sqlite_options){0}, &sqlite, &f->err);
    if (result == RC_OK)
        result = sqlite_exec(sqlite, "CREATE TABLE t(a)", &f->err);
    assert_int_equal(result, RC_CORRUPT);
    assert_null(sqlite);

    assert_int_equal(fs_remove(f->path, &f->err), RC_OK);
    sqlite = open_file(f, (struct sqlite_options){0});
    assert_int_equal(sqlite_exec(sqlite,
                                 "CREATE TABLE t(a); PRAGMA max_page_count=3;"
                                 "INSERT INTO t VALUES (zeroblob(100000))",
                                 &f->err),
                     RC_NO_SPACE);
}

static void test_a_read_only_connection_is_denied_writing(void **state)
{
    struct fixture *f = *state;
    struct sqlite *sqlite = open_file(f, (struct sqlite_options){0});
    assert_int_equal(sqlite_exec(sqlite, "CREATE TABLE t(a)", &f->err), RC_OK);
    sqlite_close(sqlite);
    sqlite = open_file(f, (struct sqlite_options){.is_read_only = true});
    assert_int_equal(sqlite_exec(sqlite, "INSERT INTO t VALUES (1)", &f->err), RC_DENIED);
}

static void test_a_wrong_parameter_is_reported_by_the_step(void **state)
{
    struct fixture *f = *state;
    struct sqlite *sqlite = open_file(f, (struct sqlite_options){0});
    struct sqlite_statement *statement;
    assert_int_equal(sqlite_prepare(sqlite, STR("SELECT ?"), &statement, &f->err), RC_OK);
    sqlite_bind_int64(statement, 2, 7);
    assert_int_equal(sqlite_step(statement, &f->err), RC_INTERNAL);
    sqlite_reset(statement);
    sqlite_bind_int64(statement, 1, 7);
    assert_int_equal(sqlite_step(statement, &f->err), RC_OK);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_values_come_back_as_they_were_bound),
        CASE(test_a_second_writer_is_told_that_it_is_busy),
        CASE(test_a_taken_key_is_told_from_other_constraints),
        CASE(test_damaged_missing_and_full_files_have_their_own_codes),
        CASE(test_a_read_only_connection_is_denied_writing),
        CASE(test_a_wrong_parameter_is_reported_by_the_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
