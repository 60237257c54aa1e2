// What base/secret.h promises: nothing of it is shown, nothing of it stays.

#include "unit_test.h"

#include "base/secret.h"

static void test_secrets_are_compared_shown_as_stars_and_redacted(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct secret *secret = secret_new(arena, STR("s3cret"));
    const struct secret *tiny = secret_new(arena, STR("abc"));
    assert_string_equal(secret_text(secret), "***");
    assert_true(secret_equal(secret, STR("s3cret")));
    assert_false(secret_equal(secret, STR("s3creT")));
    assert_false(secret_equal(secret, STR("s3cre")));
    struct secret_list list = {0};
    secret_list_add(arena, &list, secret);
    secret_list_add(arena, &list, tiny);
    assert_true(str_is(secret_redact(arena, &list, STR("a s3cret, s3cret abc")), "a ***, *** abc"));
    const struct str clean = STR("nothing");
    assert_ptr_equal(secret_redact(arena, &list, clean).bytes, clean.bytes);
    arena_close(arena);
}

static char seen[7];

static void look(void *object)
{
    memcpy(seen, ((struct str *)object)->bytes, 6);
}

static void test_the_bytes_are_overwritten_before_they_are_freed(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    static struct str revealed;
    arena_defer(arena, look, &revealed); // runs behind the secret's own finalizer, before the free
    revealed = secret_reveal(secret_new(arena, STR("s3cret")));
    arena_close(arena);
    assert_memory_equal(seen, "\0\0\0\0\0\0", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_are_compared_shown_as_stars_and_redacted),
        cmocka_unit_test(test_the_bytes_are_overwritten_before_they_are_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
