// What base/regex.h promises: Python's answers, and an end for hostile patterns.

#include "unit_test.h"

#include "base/regex.h"

static struct arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = arena_open(NULL);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

static const struct regex *compile(const char *pattern)
{
    const struct regex *regex = NULL;
    struct err err;
    const struct regex_options options = {0};
    if (regex_compile(arena, str_of(pattern), options, &regex, &err) != RC_OK)
        fail_msg("%s", err.message);
    return regex;
}

static void test_search_match_and_fullmatch_differ_in_their_anchors(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool is_found, is_matched, is_full;
    } cases[] = {
        {"b", "abc", true, false, false},
        {"a", "abc", true, true, false},
        {"a.c", "abc", true, true, true},
        {"x|abc|ab", "abc", true, true, true},
        {"ab|abc", "abc", true, true, true},
        {"c$", "abc\n", true, false, false},
        {"c\\Z", "abc\n", false, false, false},
        {"\\u00e9", "\xc3\xa9", true, true, true},
        {"\\w+", "\xc3\xa9t\xc3\xa9", true, true, true},
        {"", "", true, true, true},
        {"(?P<y>\\d{4})-(?P=y)", "2024-2024", true, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct regex *regex = compile(cases[i].pattern);
        const struct str text = str_of(cases[i].text);
        bool is_match;
        assert_int_equal(regex_search(regex, text, 0, &is_match, NULL, NULL), RC_OK);
        assert_int_equal(is_match, cases[i].is_found);
        assert_int_equal(regex_match(regex, text, 0, &is_match, NULL, NULL), RC_OK);
        assert_int_equal(is_match, cases[i].is_matched);
        assert_int_equal(regex_fullmatch(regex, text, &is_match, NULL, NULL), RC_OK);
        assert_int_equal(is_match, cases[i].is_full);
    }
}

static void test_groups_are_slices_of_the_text(void **state)
{
    (void)state;
    const struct regex *regex = compile("(?P<key>\\w+)=(\\d+)?(x)?");
    struct regex_match match;
    bool is_match;
    const struct str text = STR("  a=12;");
    assert_int_equal(regex_search(regex, text, 0, &is_match, &match, NULL), RC_OK);
    assert_int_equal(match.start, 2);
    assert_int_equal(match.end, 6);
    assert_int_equal(match.count, 4);
    assert_int_equal(regex_group_of(regex, STR("key")), 1);
    assert_int_equal(regex_group_of(regex, STR("none")), SIZE_MAX);
    assert_true(str_is(match.groups[1], "a"));
    assert_true(str_is(match.groups[2], "12"));
    assert_null(match.groups[3].bytes);
}

// The matches joined by '|'.
static const char *all_of(const char *pattern, const char *text)
{
    regex_match_vec matches;
    struct str joined = STR("");
    assert_int_equal(regex_find_all(arena, compile(pattern), str_of(text), 100, &matches, NULL),
                     RC_OK);
    for (size_t i = 0; i < matches.count; i++)
        joined = arena_printf(arena, "%.*s%s%.*s", STR_ARGS(joined), i > 0 ? "|" : "",
                              STR_ARGS(matches.items[i].groups[0]));
    return arena_cstr(arena, joined);
}

static void test_all_matches_are_found_also_empty_ones(void **state)
{
    (void)state;
    assert_string_equal(all_of("\\d+", "1, 22 and 333"), "1|22|333");
    assert_string_equal(all_of("x*", "axb"), "|x||"); // as Python since 3.7
    assert_string_equal(all_of("", "\xc3\xa9z"), "||");
    assert_string_equal(all_of("\\b|:+", "a::bc"), "||::||");
    regex_match_vec matches;
    assert_int_equal(regex_find_all(arena, compile("a"), STR("aaaa"), 3, &matches, NULL), RC_LIMIT);
}

static void test_replacing_and_splitting_follow_python(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *replacement, *text;
        size_t max_count;
        const char *result;
    } cases[] = {
        {"(\\w+) (\\w+)", "\\2 \\1", "hello world", 0, "world hello"},
        {"(?P<a>\\d)", "<\\g<a>\\g<1>\\g<0>>", "1x2", 0, "<111>x<222>"},
        {"x*", "-", "abxd", 0, "-a-b--d-"},
        {"a", "\\n\\\\", "aa", 1, "\n\\a"},
        {"(a)|b", "[\\1]", "ab", 0, "[a][]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str result;
        assert_int_equal(regex_sub(arena, compile(cases[i].pattern), str_of(cases[i].replacement),
                                   str_of(cases[i].text), cases[i].max_count, &result, NULL),
                         RC_OK);
        assert_string_equal(arena_cstr(arena, result), cases[i].result);
    }
    struct str result;
    assert_int_equal(regex_sub(arena, compile("a"), STR("\\2"), STR("a"), 0, &result, NULL),
                     RC_INVALID);
    str_vec parts;
    assert_int_equal(regex_split(arena, compile("(,)|;"), STR("a,b;c"), 0, &parts, NULL), RC_OK);
    assert_int_equal(parts.count, 5);
    assert_true(str_is(parts.items[1], ","));
    assert_null(parts.items[3].bytes);
    assert_int_equal(regex_split(arena, compile(","), STR("a,b,c"), 1, &parts, NULL), RC_OK);
    assert_true(str_is(parts.items[1], "b,c"));
    assert_true(str_is(regex_escape(arena, STR("a.b*c d_e")), "a\\.b\\*c\\ d_e"));
}

static void test_options_are_those_of_re(void **state)
{
    (void)state;
    static const struct {
        struct regex_options options;
        const char *pattern, *text;
    } cases[] = {
        {{.ignores_case = true}, "^\xc3\x89$", "\xc3\xa9"},
        {{.is_multiline = true}, "^b$", "a\nb\nc"},
        {{.dot_is_all = true}, "a.b", "a\nb"},
        {{.is_verbose = true}, "a  b # comment", "ab"},
    };
    const struct regex_options none = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct regex *with, *without;
        bool is_match;
        const struct str pattern = str_of(cases[i].pattern), text = str_of(cases[i].text);
        assert_int_equal(regex_compile(arena, pattern, cases[i].options, &with, NULL), RC_OK);
        assert_int_equal(regex_compile(arena, pattern, none, &without, NULL), RC_OK);
        assert_int_equal(regex_search(with, text, 0, &is_match, NULL, NULL), RC_OK);
        assert_true(is_match);
        assert_int_equal(regex_search(without, text, 0, &is_match, NULL, NULL), RC_OK);
        assert_false(is_match);
    }
    const struct regex *ascii;
    bool is_match;
    const struct regex_options is_ascii = {.is_ascii = true};
    assert_int_equal(regex_compile(arena, STR("\\w"), is_ascii, &ascii, NULL), RC_OK);
    assert_int_equal(regex_search(ascii, STR("\xc3\xa9"), 0, &is_match, NULL, NULL), RC_OK);
    assert_false(is_match);
}

static void test_hostile_input_ends_with_an_error(void **state)
{
    (void)state;
    const struct regex_options none = {0};
    const struct regex *regex;
    struct err err;
    bool is_match;
    assert_int_equal(regex_compile(arena, STR("a(b"), none, &regex, &err), RC_INVALID);
    assert_non_null(strstr(err.message, "at character 4"));
    char many[400] = "";
    for (int i = 0; i < 70; i++)
        memcpy(many + 3 * i, "(a)", 4);
    assert_int_equal(regex_compile(arena, str_of(many), none, &regex, &err), RC_LIMIT);
    const struct str text = STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
    assert_int_equal(regex_search(compile("^(a+)+$"), text, 0, &is_match, NULL, &err), RC_LIMIT);
    assert_int_equal(regex_search(compile("a"), STR("\xff"), 0, &is_match, NULL, &err), RC_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_match_and_fullmatch_differ_in_their_anchors),
        cmocka_unit_test(test_groups_are_slices_of_the_text),
        cmocka_unit_test(test_all_matches_are_found_also_empty_ones),
        cmocka_unit_test(test_replacing_and_splitting_follow_python),
        cmocka_unit_test(test_options_are_those_of_re),
        cmocka_unit_test(test_hostile_input_ends_with_an_error),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
