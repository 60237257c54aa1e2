// What base/fs.h promises: no way out of a folder, whole files or none, clear errors.

#include "unit_test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

static struct arena *arena;
static struct str folder; // of this test

static int open_folder(void **state)
{
    (void)state;
    arena = arena_open(NULL);
    const char *root = getenv("TMPDIR");
    char *name =
        arena_cstr(arena, arena_printf(arena, "%s/fs_test.XXXXXX", root != NULL ? root : "/tmp"));
    folder = str_of(mkdtemp(name));
    assert_non_null(folder.bytes);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    assert_int_equal(fs_remove_tree(folder, NULL), RC_OK);
    assert_false(fs_exists(folder));
    arena_close(arena);
    return 0;
}

static struct str in_folder(const char *name)
{
    struct str path;
    assert_int_equal(fs_join(arena, folder, str_of(name), &path, NULL), RC_OK);
    return path;
}

static void test_no_name_leaves_its_folder(void **state)
{
    (void)state;
    struct str path;
    assert_int_equal(fs_join(arena, STR("a/"), STR("b/c..d"), &path, NULL), RC_OK);
    assert_true(str_is(path, "a/b/c..d"));
    static const struct str names[] = {STR_INIT(""),       STR_INIT("/etc"), STR_INIT(".."),
                                       STR_INIT("a/../b"), STR_INIT("a/.."), STR_INIT("a\0b")};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(fs_join(arena, STR("a"), names[i], &path, NULL), RC_INVALID);
}

static void test_files_are_replaced_whole_and_leave_nothing_beside_them(void **state)
{
    (void)state;
    const struct str path = in_folder("x/y/file");
    const struct fs_write_options plain = {0}, is_new = {.must_be_new = true},
                                  is_secret = {.is_secret = true};
    struct str text;
    struct err err;
    assert_int_equal(fs_write(path, STR("one"), plain, &err), RC_NOT_FOUND);
    assert_int_equal(fs_make_folders(fs_parent(path), &err), RC_OK);
    assert_int_equal(fs_write(path, STR("one"), plain, &err), RC_OK);
    assert_int_equal(fs_write(path, STR("two"), is_new, &err), RC_EXISTS);
    assert_int_equal(fs_write(path, STR("three"), is_secret, &err), RC_OK);
    assert_int_equal(fs_read(arena, path, 5, &text, &err), RC_OK);
    assert_true(str_is(text, "three"));
    assert_int_equal(fs_read(arena, path, 4, &text, &err), RC_LIMIT);
    struct stat status;
    assert_int_equal(stat(arena_cstr(arena, path), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    str_vec names;
    assert_int_equal(fs_list(arena, fs_parent(path), &names, &err), RC_OK);
    assert_int_equal(names.count, 1);
}

static void test_wrong_paths_say_what_is_wrong(void **state)
{
    (void)state;
    struct str text;
    struct err err;
    assert_int_equal(fs_read(arena, in_folder("none"), 10, &text, &err), RC_NOT_FOUND);
    assert_non_null(strstr(err.message, "none: No such file or directory"));
    assert_int_equal(fs_read(arena, folder, 10, &text, &err), RC_INVALID);
    assert_non_null(strstr(err.message, "it is a folder"));
    const struct fs_write_options plain = {0};
    assert_int_equal(fs_write(in_folder("f"), STR("x"), plain, &err), RC_OK);
    assert_int_equal(fs_make_folders(in_folder("f/g"), &err), RC_EXISTS); // a file is in the way
    assert_int_equal(fs_remove(in_folder("none"), &err), RC_OK);
}

static void test_names_are_listed_in_order_and_links_are_not_followed(void **state)
{
    (void)state;
    const struct fs_write_options plain = {0};
    assert_int_equal(fs_make_folders(in_folder("tree/inner"), NULL), RC_OK);
    assert_int_equal(fs_make_folders(in_folder("kept"), NULL), RC_OK);
    assert_int_equal(fs_write(in_folder("kept/file"), STR("x"), plain, NULL), RC_OK);
    assert_int_equal(fs_write(in_folder("tree/b"), STR("x"), plain, NULL), RC_OK);
    assert_int_equal(fs_write(in_folder("tree/B"), STR("x"), plain, NULL), RC_OK);
    assert_int_equal(
        symlink(arena_cstr(arena, in_folder("kept")), arena_cstr(arena, in_folder("tree/link"))),
        0);
    str_vec names;
    assert_int_equal(fs_list(arena, in_folder("tree"), &names, NULL), RC_OK);
    assert_int_equal(names.count, 4);
    assert_true(str_is(names.items[0], "B") && str_is(names.items[3], "link"));
    assert_int_equal(fs_remove_tree(in_folder("tree"), NULL), RC_OK);
    assert_true(fs_exists(in_folder("kept/file")));
    assert_true(fs_is_folder(in_folder("kept")));
    assert_false(fs_is_folder(in_folder("kept/file")));
}

static void test_paths_are_taken_apart_and_made_absolute(void **state)
{
    (void)state;
    static const struct {
        const char *path, *parent, *base;
    } cases[] = {{"a/b", "a", "b"}, {"a", ".", "a"}, {"/a", "/", "a"}, {"/a/b/c", "/a/b", "c"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(str_is(fs_parent(str_of(cases[i].path)), cases[i].parent));
        assert_true(str_is(fs_base_name(str_of(cases[i].path)), cases[i].base));
    }
    struct str path;
    assert_int_equal(fs_absolute(arena, STR("/usr/./lib/../none/x"), &path, NULL), RC_OK);
    assert_true(str_is(path, "/usr/none/x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_name_leaves_its_folder),
        cmocka_unit_test(test_files_are_replaced_whole_and_leave_nothing_beside_them),
        cmocka_unit_test(test_wrong_paths_say_what_is_wrong),
        cmocka_unit_test(test_names_are_listed_in_order_and_links_are_not_followed),
        cmocka_unit_test(test_paths_are_taken_apart_and_made_absolute),
    };
    return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
