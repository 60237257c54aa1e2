// What base/utf8.h promises: exactly the valid sequences, and Python's answers for characters.

#include "unit_test.h"

#include "base/utf8.h"

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

static void test_invalid_sequences_are_found_at_their_byte(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {
        {"", SIZE_MAX},
        {"plain ascii, longer than eight bytes", SIZE_MAX},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", SIZE_MAX},
        {"\xef\xbf\xbf\xf4\x8f\xbf\xbf", SIZE_MAX},
        {"abcdefgh\xc3", 8},
        {"a\xff", 1},
        {"\xc0\x80", 0},         // overlong NUL
        {"\xe0\x9f\xbf", 0},     // overlong
        {"\xed\xa0\x80", 0},     // surrogate
        {"\xf4\x90\x80\x80", 0}, // above U+10FFFF
        {"\xf0\x8f\xbf\xbf", 0},
        {"x\xe2\x82", 1},
        {"\x80", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(utf8_find_invalid(str_of(cases[i].text)), cases[i].at);
}

static void test_every_code_point_survives_a_round_trip(void **state)
{
    (void)state;
    for (uint32_t code_point = 1; code_point <= 0x10ffff; code_point += 7) {
        char bytes[UTF8_MAX_BYTES];
        struct str text = {bytes, utf8_encode(code_point, bytes)};
        uint32_t back;
        const bool is_surrogate = code_point >= 0xd800 && code_point < 0xe000;
        assert_true(utf8_next(&text, &back));
        assert_int_equal(back, is_surrogate ? UTF8_REPLACEMENT : code_point);
        assert_int_equal(text.length, 0);
    }
}

static void test_code_points_are_counted_and_cut(void **state)
{
    (void)state;
    const struct str text = STR("a\xc3\xa9\xe6\x9d\xb1z");
    assert_int_equal(utf8_count(text), 4);
    assert_true(str_is(utf8_slice(text, 1, 2), "\xc3\xa9\xe6\x9d\xb1"));
    assert_true(str_is(utf8_slice(text, 3, 9), "z"));
    assert_true(str_is(utf8_slice(text, 9, 1), ""));
    assert_int_equal(utf8_width(text), 5);
    assert_true(str_is(utf8_repair(arena, STR("a\xff\xc3z")), "a\xef\xbf\xbd\xef\xbf\xbdz"));
    assert_ptr_equal(utf8_repair(arena, text).bytes, text.bytes);
}

static void test_case_is_mapped_as_python_does(void **state)
{
    (void)state;
    assert_true(str_is(utf8_lower(arena, STR("\xc3\x84\xce\xa3X")), "\xc3\xa4\xcf\x83x"));
    assert_true(str_is(utf8_upper(arena, STR("stra\xc3\x9f"
                                             "e \xc3\xa9")),
                       "STRASSE \xc3\x89"));
    assert_true(str_is(utf8_title(arena, STR("hello wORLD's \xc3\xa9t\xc3\xa9")),
                       "Hello World'S \xc3\x89t\xc3\xa9"));
    assert_true(str_is(utf8_case_fold(arena, STR("Stra\xc3\x9f"
                                                 "e")),
                       "strasse"));
    assert_true(str_is(utf8_lower(arena, STR("\xc4\xb0")), "i\xcc\x87"));
}

static void test_forms_are_normalized(void **state)
{
    (void)state;
    struct str text;
    const struct str composed = STR("\xc3\xa9"), decomposed = STR("e\xcc\x81");
    assert_int_equal(utf8_normalize(arena, decomposed, UTF8_NFC, &text, NULL), RC_OK);
    assert_true(str_equal(text, composed));
    assert_int_equal(utf8_normalize(arena, composed, UTF8_NFD, &text, NULL), RC_OK);
    assert_true(str_equal(text, decomposed));
    assert_int_equal(utf8_normalize(arena, STR("\xef\xac\x81"), UTF8_NFKC, &text, NULL), RC_OK);
    assert_true(str_is(text, "fi"));
    assert_int_equal(utf8_normalize(arena, STR("\xff\xff"), UTF8_NFC, &text, NULL), RC_INVALID);
}

static void test_characters_have_pythons_classes(void **state)
{
    (void)state;
    assert_true(utf8_is_alpha(0xe9) && utf8_is_alpha(0x6771) && !utf8_is_alpha('1'));
    assert_true(utf8_is_digit('7') && utf8_is_digit(0x667) && !utf8_is_digit(0xb2));
    assert_true(utf8_is_alnum(0xb2) && !utf8_is_alnum('_'));
    assert_true(utf8_is_space(0xa0) && utf8_is_space(0x85) && utf8_is_space(0x2028) &&
                !utf8_is_space(0x200b));
    assert_true(utf8_is_upper(0xc9) && utf8_is_lower(0xe9) && !utf8_is_lower('1'));
    assert_true(utf8_is_printable(' ') && !utf8_is_printable(0xa0) && !utf8_is_printable('\n') &&
                !utf8_is_printable(0xe000) && utf8_is_printable(0x6771));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invalid_sequences_are_found_at_their_byte),
        cmocka_unit_test(test_every_code_point_survives_a_round_trip),
        cmocka_unit_test(test_code_points_are_counted_and_cut),
        cmocka_unit_test(test_case_is_mapped_as_python_does),
        cmocka_unit_test(test_forms_are_normalized),
        cmocka_unit_test(test_characters_have_pythons_classes),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
