// Proves: URLs are taken apart, resolved (RFC 3986 5.4), joined, encoded and redacted.

#include "unit_test.h"

#include "net/url.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_open(NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

static void assert_text(struct str got, const char *wanted)
{
    assert_string_equal(arena_cstr(arena, got), wanted);
}

static void takes_urls_apart(void **state)
{
    (void)state;
    struct url url;
    assert_int_equal(url_parse(STR("https://me:pw@[::1]:8443/a/b?x=1&y#frag"), &url, NULL), RC_OK);
    assert_text(url.scheme, "https");
    assert_text(url.userinfo, "me:pw");
    assert_text(url.host, "::1");
    assert_text(url.port, "8443");
    assert_text(url.path, "/a/b");
    assert_text(url.query, "x=1&y");
    assert_text(url.fragment, "frag");
}

static void refuses_what_is_no_url(void **state)
{
    (void)state;
    static const char *const wrong[] = {"ftp://a/b", "http://",      "/only/path",
                                        "",          "http://a/b c", "http://a/\nb",
                                        "httpx://a", "http:///x",    "http://a/\x7f/b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct url url;
        struct err err = {0};
        assert_int_equal(url_parse(str_of(wrong[i]), &url, &err), RC_INVALID);
        assert_true(err.message[0] != '\0');
    }
}

// The examples of RFC 3986 5.4.1 and 5.4.2.
static void resolves_references_as_the_rfc_does(void **state)
{
    (void)state;
    static const struct {
        const char *reference, *wanted;
    } cases[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"https://other/x", "https://other/x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str got;
        assert_int_equal(
            url_resolve(arena, STR("http://a/b/c/d;p?q"), str_of(cases[i].reference), &got, NULL),
            RC_OK);
        assert_text(got, cases[i].wanted);
    }
}

static void joins_with_one_slash(void **state)
{
    (void)state;
    assert_text(url_join(arena, STR("https://h/v1/"), STR("/posts")), "https://h/v1/posts");
    assert_text(url_join(arena, STR("https://h/v1"), STR("posts")), "https://h/v1/posts");
    assert_text(url_join(arena, STR("https://h/v1/"), STR("")), "https://h/v1/");
    assert_text(url_join(arena, STR("https://h/v1/"), STR("http://x/y")), "http://x/y");
}

static void encodes_parameters_as_forms_do(void **state)
{
    (void)state;
    struct str url = url_add_parameter(arena, STR("http://h/p#f"), STR("a b"), STR("\xc3\xa9 &="));
    assert_text(url, "http://h/p?a+b=%C3%A9+%26%3D#f");
    assert_text(url_add_parameter(arena, STR("http://h/p?x=1"), STR("y"), STR("2")),
                "http://h/p?x=1&y=2");
    assert_text(url_decode(arena, STR("a+b%20c%zz%4"), true), "a b c%zz%4");
    assert_text(url_requote(arena, STR("http://h/a b/\xc3\xa9?x=%41%zz#y")),
                "http://h/a%20b/%C3%A9?x=%41%25zz#y");
}

static void hides_credentials(void **state)
{
    (void)state;
    assert_text(url_redact(arena, STR("https://u:p@h/x?api_key=abc&page=2&token=t&keyword=k")),
                "https://h/x?api_key=***&page=2&token=***&keyword=k");
    const struct str named = STR("k");
    assert_text(url_redact_named(arena, STR("https://h/x?K=abc&page=2&token=t"), &named, 1),
                "https://h/x?K=***&page=2&token=***");
    assert_true(url_is_secret_name(STR("X-API-Key")));
    assert_true(url_is_secret_name(STR("client_secret")));
    assert_false(url_is_secret_name(STR("next_page_token")));
    assert_false(url_is_secret_name(STR("monkey")));
}

static void compares_origins(void **state)
{
    (void)state;
    struct url a, b, c;
    assert_int_equal(url_parse(STR("https://Host/x"), &a, NULL), RC_OK);
    assert_int_equal(url_parse(STR("https://host:443/y"), &b, NULL), RC_OK);
    assert_int_equal(url_parse(STR("http://host/y"), &c, NULL), RC_OK);
    assert_true(url_same_origin(&a, &b));
    assert_false(url_same_origin(&a, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_urls_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_url, setup, teardown),
        cmocka_unit_test_setup_teardown(resolves_references_as_the_rfc_does, setup, teardown),
        cmocka_unit_test_setup_teardown(joins_with_one_slash, setup, teardown),
        cmocka_unit_test_setup_teardown(encodes_parameters_as_forms_do, setup, teardown),
        cmocka_unit_test_setup_teardown(hides_credentials, setup, teardown),
        cmocka_unit_test_setup_teardown(compares_origins, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
