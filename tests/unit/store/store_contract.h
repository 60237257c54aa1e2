/// @file store_contract.h
/// What every store must keep, whatever it stands on: included by the tests of the drivers.

#ifndef TESTS_STORE_CONTRACT_H
#define TESTS_STORE_CONTRACT_H

#include "unit_test.h"

#include "base/vec.h"
#include "store/store.h"

struct fixture {
    struct arena *arena;
    struct store *store;
    struct str root; // ends without a slash
    struct err err;
};

static struct str name(struct fixture *f, const char *relative)
{
    struct str uri;
    assert_int_equal(store_join(f->arena, f->root, str_of(relative), &uri, &f->err), RC_OK);
    return uri;
}

static void assert_content(struct fixture *f, const char *relative, const char *expected)
{
    struct str got;
    assert_int_equal(store_get(f->store, f->arena, name(f, relative), 1000, &got, &f->err), RC_OK);
    assert_string_equal(got.bytes, expected);
}

static rc collect(void *context, const struct store_object *object, struct err *err)
{
    (void)err;
    struct fixture *f = ((void **)context)[0];
    str_vec *names = ((void **)context)[1];
    *vec_push(f->arena, names) = arena_str(f->arena, object->uri);
    return RC_OK;
}

static void assert_list(struct fixture *f, const char *prefix, const char *expected)
{
    str_vec names = {0};
    void *context[] = {f, &names};
    const struct str uri = arena_printf(f->arena, "%.*s/%s", STR_ARGS(f->root), prefix);
    assert_int_equal(store_list(f->store, uri, collect, context, &f->err), RC_OK);
    struct str text = {"", 0};
    for (size_t i = 0; i < names.count; i++) {
        const struct str relative = str_slice(names.items[i], f->root.length + 1, SIZE_MAX);
        assert_true(str_has_prefix(names.items[i], f->root));
        text = arena_printf(f->arena, "%.*s%s%.*s", STR_ARGS(text), i > 0 ? " " : "",
                            STR_ARGS(relative));
    }
    assert_string_equal(arena_cstr(f->arena, text), expected);
}

static void put(struct fixture *f, const char *relative, const char *text)
{
    assert_int_equal(store_put(f->store, name(f, relative), str_of(text),
                               (struct store_put_options){0}, &f->err),
                     RC_OK);
}

static void check_put_get_head_remove(struct fixture *f)
{
    put(f, "a/b/c", "hello");
    assert_content(f, "a/b/c", "hello");
    put(f, "a/b/c", "again");
    assert_content(f, "a/b/c", "again");
    put(f, "a/empty", "");
    assert_content(f, "a/empty", "");

    struct store_object object;
    assert_int_equal(store_head(f->store, name(f, "a/b/c"), &object, &f->err), RC_OK);
    assert_int_equal(object.size_bytes, 5);
    assert_true(object.modified_us > 0);

    assert_int_equal(store_remove(f->store, name(f, "a/b/c"), &f->err), RC_OK);
    assert_int_equal(store_remove(f->store, name(f, "a/b/c"), &f->err), RC_OK);
    struct str got = STR("untouched");
    assert_int_equal(store_get(f->store, f->arena, name(f, "a/b/c"), 9, &got, &f->err),
                     RC_NOT_FOUND);
    assert_true(str_is(got, "untouched"));
    assert_int_equal(store_head(f->store, name(f, "a/b/c"), &object, &f->err), RC_NOT_FOUND);
}

static void check_must_be_new(struct fixture *f)
{
    const struct store_put_options options = {.must_be_new = true};
    const struct str uri = name(f, "v1.json");
    assert_int_equal(store_put(f->store, uri, STR("first"), options, &f->err), RC_OK);
    assert_int_equal(store_put(f->store, uri, STR("second"), options, &f->err), RC_EXISTS);
    assert_content(f, "v1.json", "first");
    assert_list(f, "", "v1.json"); // no temp file stays
}

static void check_ranges(struct fixture *f)
{
    static const struct {
        int64_t offset;
        size_t length;
        const char *expected;
    } cases[] = {{0, 3, "012"},   {7, 10, "789"}, {10, 1, ""},    {99, 1, ""},
                 {-4, 4, "6789"}, {-4, 2, "67"},  {-99, 2, "01"}, {0, 0, ""}};
    put(f, "digits", "0123456789");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str got;
        assert_int_equal(store_get_range(f->store, f->arena, name(f, "digits"), cases[i].offset,
                                         cases[i].length, &got, &f->err),
                         RC_OK);
        assert_string_equal(got.bytes, cases[i].expected);
    }
    struct str got;
    assert_int_equal(store_get(f->store, f->arena, name(f, "digits"), 9, &got, &f->err), RC_LIMIT);
    assert_int_equal(store_get(f->store, f->arena, name(f, "digits"), 10, &got, &f->err), RC_OK);
}

static void check_list(struct fixture *f)
{
    put(f, "t/data/b", "1");
    put(f, "t/data/a", "1");
    put(f, "t/data/k=1/x", "1");
    put(f, "t/database", "1");
    put(f, "t/metadata/v1", "1");
    assert_list(f, "t/data/", "t/data/a t/data/b t/data/k=1/x");
    assert_list(f, "t/data/a", "t/data/a");
    assert_list(f, "t/dat", "t/data/a t/data/b t/data/k=1/x t/database");
    assert_list(f, "none/", "");
}

static void check_writer(struct fixture *f)
{
    struct store_writer *writer;
    const struct store_put_options options = {.must_be_new = true};
    assert_int_equal(
        store_writer_open(f->store, f->arena, name(f, "w/x"), options, &writer, &f->err), RC_OK);
    assert_int_equal(store_write(writer, "hel", 3, &f->err), RC_OK);
    assert_int_equal(store_write(writer, "lo", 2, &f->err), RC_OK);
    struct store_object object;
    assert_int_equal(store_head(f->store, name(f, "w/x"), &object, &f->err), RC_NOT_FOUND);
    assert_int_equal(store_writer_finish(writer, &f->err), RC_OK);
    assert_content(f, "w/x", "hello");

    assert_int_equal(
        store_writer_open(f->store, f->arena, name(f, "w/x"), options, &writer, &f->err), RC_OK);
    assert_int_equal(store_writer_finish(writer, &f->err), RC_EXISTS);

    struct arena *inner = arena_open(f->arena);
    assert_int_equal(store_writer_open(f->store, inner, name(f, "w/y"), options, &writer, &f->err),
                     RC_OK);
    assert_int_equal(store_write(writer, "part", 4, &f->err), RC_OK);
    arena_close(inner); // aborts
    assert_list(f, "w/", "w/x");
}

static void check_names_are_guarded(struct fixture *f)
{
    static const char *const bad[] = {"a/../../b", "..", "a/.."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct str uri = arena_printf(f->arena, "%.*s/%s", STR_ARGS(f->root), bad[i]);
        assert_int_equal(store_put(f->store, uri, STR("x"), (struct store_put_options){0}, &f->err),
                         RC_INVALID);
        assert_int_equal(store_remove(f->store, uri, &f->err), RC_INVALID);
    }
    const struct str with_nul = {"file:///tmp/a\0b", 15};
    assert_int_equal(
        store_put(f->store, with_nul, STR("x"), (struct store_put_options){0}, &f->err),
        RC_INVALID);
}

static void check_remove_many(struct fixture *f)
{
    put(f, "m/a", "1");
    put(f, "m/b c+&<d>", "1");
    put(f, "m/keep", "1");
    const struct str names[] = {name(f, "m/a"), name(f, "m/never was"), name(f, "m/b c+&<d>")};
    assert_int_equal(store_remove_many(f->store, names, 3, &f->err), RC_OK);
    assert_list(f, "m/", "m/keep");
    assert_int_equal(store_remove_many(f->store, names, 0, &f->err), RC_OK);
}

static void (*const checks[])(struct fixture *) = {
    check_put_get_head_remove, check_must_be_new,       check_ranges, check_list, check_writer,
    check_remove_many,         check_names_are_guarded,
};

#endif
