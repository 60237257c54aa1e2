// Archives are checked with the eyes of another reader in tests/interop/package.py; here their
// rules.
#include "unit_test.h"

#include "base/zip.h"

static struct str archive_of(struct arena *arena, const char *content)
{
    struct err err;
    struct str bytes;
    struct zip_writer *zip = zip_writer_open(arena, 1 << 20);
    assert_int_equal(zip_add(zip, STR("bin/a"), str_of(content), true, &err), RC_OK);
    assert_int_equal(zip_add(zip, STR("empty"), STR(""), false, &err), RC_OK);
    assert_int_equal(zip_finish(zip, &bytes, &err), RC_OK);
    return bytes;
}

static void the_same_content_is_the_same_bytes(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const char *text =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const struct str one = archive_of(arena, text), two = archive_of(arena, text);
    assert_true(str_equal(one, two));
    assert_false(str_equal(one, archive_of(arena, "b")));
    assert_true(str_has_prefix(one, STR("PK\003\004")));
    assert_int_equal(one.bytes[8], 8);                    // it was worth deflating
    assert_int_equal(archive_of(arena, "b").bytes[8], 0); // and this was not
    const size_t end = one.length - 22;
    assert_memory_equal(one.bytes + end, "PK\005\006", 4);
    assert_int_equal(one.bytes[end + 8], 2); // entries
    arena_close(arena);
}

static void names_that_leave_the_folder_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"", "/a", "a/../b", "..", "a//b", "./a", "a\\b"};
    struct arena *arena = arena_open(NULL);
    struct zip_writer *zip = zip_writer_open(arena, 1000);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct err err;
        assert_int_equal(zip_add(zip, str_of(names[i]), STR("x"), false, &err), RC_INVALID);
    }
    arena_close(arena);
}

static void the_cap_holds(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct zip_writer *zip = zip_writer_open(arena, 60);
    struct err err;
    assert_int_equal(zip_add(zip, STR("a"), STR("0123456789"), false, &err), RC_OK);
    assert_int_equal(zip_add(zip, STR("b"), STR("0123456789"), false, &err), RC_LIMIT);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_content_is_the_same_bytes),
        cmocka_unit_test(names_that_leave_the_folder_are_refused),
        cmocka_unit_test(the_cap_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
