// What transform/views.h promises: the same views for whoever opens the warehouse, no change lost
// between two who change them at once, the file of projects of before read and then left.

#include "unit_test.h"

#include <stdlib.h>

#include "base/fs.h"
#include "transform/views.h"

struct house {
    struct arena *arena;
    struct str folder;
    struct err err;
};

static void assert_ok(struct house *h, rc code)
{
    if (code != RC_OK)
        fail_msg("%s: %s", rc_class_of(code)->name, h->err.message);
}

static void write_file(struct house *h, const char *name, const char *text)
{
    struct str path;
    assert_ok(h, fs_join(h->arena, h->folder, str_of(name), &path, &h->err));
    assert_ok(h, fs_make_folders(fs_parent(path), &h->err));
    assert_ok(h, fs_write(path, str_of(text), (struct fs_write_options){0}, &h->err));
}

static int open_house(void **state)
{
    char folder[] = "/tmp/moulin-views-XXXXXX";
    struct arena *arena = arena_open(NULL);
    struct house *h = ARENA_NEW(arena, struct house);
    assert_non_null(mkdtemp(folder));
    h->arena = arena;
    h->folder = arena_str(arena, str_of(folder));
    write_file(h, "moulin.yml", "name: a\nenvironments: {l: {warehouse: ./w}}\n");
    *state = h;
    return 0;
}

static int close_house(void **state)
{
    struct house *h = *state;
    assert_int_equal(fs_remove_tree(h->folder, &h->err), RC_OK);
    arena_close(h->arena);
    return 0;
}

/// As another process would.
static struct views *open_views(struct house *h)
{
    struct project *project;
    struct views *views;
    assert_ok(h, project_open(h->arena, (struct project_options){.folder = h->folder}, &project,
                              &h->err));
    assert_ok(h, views_open(h->arena, project, &views, &h->err));
    return views;
}

static const char *names(struct house *h)
{
    const view_vec *list = views_list(open_views(h));
    str_vec texts = {0};
    for (size_t i = 0; i < list->count; i++)
        *vec_push(h->arena, &texts) =
            arena_printf(h->arena, "%.*s.%.*s=%.*s", STR_ARGS(list->items[i].schema),
                         STR_ARGS(list->items[i].name), STR_ARGS(list->items[i].sql));
    return arena_cstr(h->arena, str_join(h->arena, texts.items, texts.count, STR(" ")));
}

static size_t file_count(struct house *h)
{
    struct str path;
    str_vec files = {0};
    assert_ok(h, fs_join(h->arena, h->folder, STR("w/_moulin/views/l"), &path, &h->err));
    assert_ok(h, fs_list(h->arena, path, &files, &h->err));
    return files.count;
}

static void test_changes_are_kept_and_old_versions_go(void **state)
{
    struct house *h = *state;
    struct views *views = open_views(h);
    size_t count = 0;
    assert_string_equal(names(h), "");
    for (int i = 0; i < 12; i++)
        assert_ok(h, views_set(views, STR("s"), STR("v"), arena_printf(h->arena, "select %d", i),
                               &h->err));
    assert_ok(h, views_set(views, STR("s"), STR("V"), STR("select 11"), &h->err)); // no change
    assert_ok(h, views_set(views, STR("t"), STR("x"), STR("1"), &h->err));
    assert_string_equal(names(h), "s.v=select 11 t.x=1");
    assert_int_equal(file_count(h), 2); // the newest, and the one that may still be being read
    assert_non_null(views_find(views, STR("S"), STR("V")));
    assert_ok(h, views_remove(views, STR("s"), STR("absent"), &h->err));
    assert_ok(h, views_remove(views, STR("s"), STR("v"), &h->err));
    assert_string_equal(names(h), "t.x=1");
    assert_ok(h, views_remove_prefix(views, STR("t"), &count, &h->err));
    assert_int_equal(count, 1);
    assert_string_equal(names(h), "");
}

static void test_of_two_who_change_at_once_none_loses(void **state)
{
    struct house *h = *state;
    struct views *one = open_views(h), *other = open_views(h);
    for (int i = 0; i < 5; i++) {
        assert_ok(h, views_set(one, STR("s"), arena_printf(h->arena, "a%d", i), STR("1"), &h->err));
        assert_ok(h,
                  views_set(other, STR("s"), arena_printf(h->arena, "b%d", i), STR("2"), &h->err));
    }
    assert_ok(h, views_remove(one, STR("s"), STR("b0"), &h->err));
    assert_string_equal(names(h), "s.a0=1 s.a1=1 s.b1=2 s.a2=1 s.b2=2 s.a3=1 s.b3=2 s.a4=1 s.b4=2");
    assert_null(views_find(one, STR("s"), STR("b0")));
}

static void test_the_file_of_before_is_read_and_left_at_the_first_change(void **state)
{
    struct house *h = *state;
    struct str path;
    write_file(h, ".moulin/views/l.json",
               "{\"views\": [{\"namespace\": \"s\", \"name\": \"old\", \"sql\": \"0\"}]}");
    assert_string_equal(names(h), "s.old=0");
    assert_ok(h, views_set(open_views(h), STR("s"), STR("new"), STR("1"), &h->err));
    assert_string_equal(names(h), "s.old=0 s.new=1");
    assert_ok(h, fs_join(h->arena, h->folder, STR(".moulin/views/l.json"), &path, &h->err));
    assert_false(fs_exists(path));
}

static void test_a_damaged_list_is_named(void **state)
{
    struct house *h = *state;
    struct project *project;
    struct views *views;
    write_file(h, "w/_moulin/views/l/v3.json", "{");
    write_file(h, "w/_moulin/views/l/note.txt", "no version");
    assert_ok(h, project_open(h->arena, (struct project_options){.folder = h->folder}, &project,
                              &h->err));
    assert_int_equal(views_open(h->arena, project, &views, &h->err), RC_INVALID);
    assert_non_null(strstr(h->err.place, "v3.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_changes_are_kept_and_old_versions_go, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(test_of_two_who_change_at_once_none_loses, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(
            test_the_file_of_before_is_read_and_left_at_the_first_change, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_a_damaged_list_is_named, open_house, close_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
