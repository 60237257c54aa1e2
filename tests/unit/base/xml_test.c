// Proves: answers of services are read whatever their prefixes and white space, and hostile
// documents are refused.

#include "unit_test.h"

#include "base/buf.h"
#include "base/xml.h"

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

static const struct xml *parse(const char *text)
{
    const struct xml *root = NULL;
    assert_int_equal(xml_parse(arena, str_of(text), "test", &root, NULL), RC_OK);
    return root;
}

static void finds_elements_without_their_prefix(void **state)
{
    (void)state;
    const struct xml *root = parse(
        "<?xml version=\"1.0\"?>\n<s:List xmlns:s='http://x'>\n <s:Key>a &amp;&#32;b</s:Key>\n"
        " <Empty/><Owner><ID> 7 </ID></Owner> <s:Key><![CDATA[<c>]]></s:Key>\n</s:List>\n");
    assert_true(str_is(root->name, "List"));
    const struct xml *key = xml_get(root, "Key");
    assert_true(str_is(key->text, "a & b"));
    assert_true(str_is(xml_again(key)->text, "<c>"));
    assert_null(xml_again(xml_again(key)));
    assert_true(str_is(xml_text(root, "Empty"), ""));
    assert_true(str_is(xml_text(root, "Nothing"), ""));
    assert_true(str_is(xml_path(root, "Owner", "ID")->text, " 7 "));
    assert_null(xml_path(root, "Owner", "Name", "x"));
    assert_true(str_is(xml_get(root, "Owner")->text, ""));
    assert_null(xml_get(NULL, "x"));
}

static void refuses_what_is_broken_or_hostile(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        rc code;
        int line;
    } cases[] = {
        {"", RC_INVALID, 1},
        {"<a>\n<b></a>", RC_INVALID, 2},
        {"<a/><b/>", RC_INVALID, 1},
        {"<a>\xff</a>", RC_INVALID, 1},
        {"<!DOCTYPE a [<!ENTITY e \"x\">]>\n<a>&e;</a>", RC_INVALID, 1},
        {"<a>&e;</a>", RC_INVALID, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct xml *root;
        struct err err = {0};
        assert_int_equal(xml_parse(arena, str_of(cases[i].text), "test", &root, &err),
                         cases[i].code);
        assert_int_equal(err.line, cases[i].line);
    }
}

static void depth_has_a_cap(void **state)
{
    (void)state;
    struct buf text;
    const struct xml *root;
    buf_init(&text, 1 << 20);
    for (int i = 0; i <= XML_MAX_DEPTH; i++)
        buf_append_cstr(&text, "<a>");
    assert_int_equal(xml_parse(arena, buf_str(&text), "test", &root, NULL), RC_LIMIT);
    buf_done(&text);
}

static void what_is_escaped_reads_back(void **state)
{
    (void)state;
    const struct str odd = STR("a<b>&\"'\n\tä");
    const struct str text = arena_printf(arena, "<a>%.*s</a>", STR_ARGS(xml_escape(arena, odd)));
    assert_true(str_equal(parse(text.bytes)->text, odd));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(finds_elements_without_their_prefix),
        TEST(refuses_what_is_broken_or_hostile),
        TEST(depth_has_a_cap),
        TEST(what_is_escaped_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
