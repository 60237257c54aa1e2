// What base/json.h promises: exact numbers, strict text, positions in errors, round trips.

#include "unit_test.h"

#include "base/json.h"

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

static void test_documents_survive_a_round_trip(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "9007199254740993",
        "1.10",
        "1e400",
        "-0",
        "[]",
        "{}",
        "[1,[2,{\"a\":null}],true,false]",
        "{\"a\":\"\xc3\xa9\xe6\x9d\xb1\",\"b\":\"\\\"\\\\\\n\\u0001\"}",
        "\"\\u0000\"",
    };
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        struct json value;
        struct err err;
        assert_int_equal(json_parse(arena, str_of(documents[i]), "test", &value, &err), RC_OK);
        assert_true(str_is(json_print(arena, &value, JSON_COMPACT), documents[i]));
    }
}

static void test_escapes_become_utf8(void **state)
{
    (void)state;
    struct json value;
    const struct str text = STR("\"\\u00e9\\ud83d\\ude00\\ud800\\/\"");
    assert_int_equal(json_parse(arena, text, "test", &value, NULL), RC_OK);
    assert_true(str_is(value.text, "\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd/"));
}

static const struct {
    const char *text;
    int line, column;
    const char *message;
} refused[] = {
    {"{\n  \"a\": 1,\n}", 3, 1, "expected a key in quotes, found '}'"},
    {"[1,]", 1, 4, "expected a value, found ']'"},
    {"[1]x", 1, 4, "expected the end of the text, found 'x'"},
    {"", 1, 1, "expected a value, found the end of the text"},
    {"<html>", 1, 1, "expected a value, found '<'"},
    {"01", 1, 2, "expected the end of the text, found '1'"},
    {"1.", 1, 3, "expected a digit, found the end of the text"},
    {"NaN", 1, 1, "expected a value, found 'N'"},
    {"\"\xc3\"", 1, 2, "invalid UTF-8 in a string"},
    {"\"\xed\xa0\x80\"", 1, 2, "invalid UTF-8 in a string"},
    {"\"a\tb\"", 1, 3, "a control character in a string must be escaped"},
    {"\"abc", 1, 5, "the string is not closed"},
    {"{\"a\" 1}", 1, 6, "expected ':', found '1'"},
};

static void test_wrong_documents_are_refused_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct json value;
        struct err err;
        assert_int_equal(json_parse(arena, str_of(refused[i].text), "x", &value, &err), RC_INVALID);
        assert_string_equal(err.message, refused[i].message);
        assert_int_equal(err.line, refused[i].line);
        assert_int_equal(err.column, refused[i].column);
    }
}

static void test_depth_is_limited(void **state)
{
    (void)state;
    char text[1000];
    memset(text, '[', sizeof text);
    struct json value;
    struct err err;
    assert_int_equal(json_parse(arena, (struct str){text, sizeof text}, "x", &value, &err),
                     RC_LIMIT);
}

static void test_the_last_of_equal_keys_wins(void **state)
{
    (void)state;
    struct json value;
    assert_int_equal(json_parse(arena, STR("{\"a\":1,\"b\":2,\"a\":3}"), "x", &value, NULL), RC_OK);
    assert_int_equal(value.count, 2);
    assert_int_equal(json_int64(json_get(&value, STR("a")), 0), 3);
}

static void test_the_last_of_equal_keys_wins_in_large_objects_too(void **state)
{
    (void)state;
    struct str text = STR("{");
    for (int i = 0; i < 300; i++)
        text = arena_printf(arena, "%.*s\"k%d\":%d,", STR_ARGS(text), i % 100, i);
    text = arena_printf(arena, "%.*s\"z\":0}", STR_ARGS(text));
    struct json value;
    assert_int_equal(json_parse(arena, text, "x", &value, NULL), RC_OK);
    assert_int_equal(value.count, 101);
    for (int i = 0; i < 100; i++) {
        assert_true(str_equal(value.members[i].key, arena_printf(arena, "k%d", i)));
        assert_int_equal(json_int64(&value.members[i].value, -1), 200 + i);
    }
}

// Every length and every place of a special byte around the eight that are looked at together.
static void test_strings_of_any_length_end_where_they_should(void **state)
{
    (void)state;
    for (size_t length = 0; length < 40; length++)
        for (size_t at = 0; at <= length; at++) {
            char text[64] = "\"", *to = text + 1;
            for (size_t i = 0; i < length; i++) {
                if (i == at) {
                    memcpy(to, "\\\"", 2);
                    to += 2;
                } else {
                    *to++ = (char)('!' + (i % 2) * ('#' - '!')); // the neighbours of the quote
                }
            }
            memcpy(to, "\",", 2);
            struct json_reader reader = {.text = {text, (size_t)(to + 1 - text)}, .place = "x"};
            struct json value;
            assert_int_equal(json_next(&reader, arena, &value, NULL), RC_OK);
            assert_int_equal(value.text.length, length);
            if (at < length)
                assert_int_equal(value.text.bytes[at], '"');
            text[1 + at] = '\x1f';
            struct err err;
            reader.at = 0;
            if (at < length) {
                assert_int_equal(json_next(&reader, arena, &value, &err), RC_INVALID);
                assert_int_equal(err.column, 2 + (int)at);
            }
        }
}

static void test_reader_takes_documents_one_by_one(void **state)
{
    (void)state;
    struct json_reader reader = {.text = STR("{\"a\":1}\n[2]\n\n3 "), .place = "lines"};
    struct json value;
    for (int i = 0; i < 3; i++)
        assert_int_equal(json_next(&reader, arena, &value, NULL), RC_OK);
    assert_int_equal(json_int64(&value, 0), 3);
    assert_int_equal(json_next(&reader, arena, &value, NULL), RC_EOF);
}

static void test_built_values_grow_also_after_a_copy(void **state)
{
    (void)state;
    struct json object = {.kind = JSON_OBJECT};
    for (int i = 0; i < 5; i++)
        *json_object_set(arena, &object, arena_printf(arena, "k%d", i)) = json_of_int64(arena, i);
    struct json copy = json_copy(arena, &object);
    for (int i = 5; i < 20; i++)
        *json_object_set(arena, &copy, arena_printf(arena, "k%d", i)) =
            json_of_double(arena, i / 4.0);
    assert_int_equal(copy.count, 20);
    assert_int_equal(object.count, 5);
    assert_true(str_is(json_get(&copy, STR("k8"))->text, "2.0"));
    assert_true(str_is(json_get(&copy, STR("k9"))->text, "2.25"));
}

static void test_writer_prints_pretty_and_compact(void **state)
{
    (void)state;
    struct json value;
    assert_int_equal(json_parse(arena, STR("{\"a\":[1,{}],\"b\":[]}"), "x", &value, NULL), RC_OK);
    assert_true(str_is(json_print(arena, &value, JSON_PRETTY),
                       "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}"));
}

static void test_doubles_are_written_as_python_writes_them(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *text;
    } doubles[] = {
        {0.1, "0.1"},
        {100, "100.0"},
        {-0.0, "-0.0"},
        {1500, "1500.0"},
        {123456.789, "123456.789"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {-1e-5, "-1e-05"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.0 / 3, "0.6666666666666666"},
    };
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++)
        assert_string_equal(arena_cstr(arena, json_of_double(arena, doubles[i].number).text),
                            doubles[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents_survive_a_round_trip),
        cmocka_unit_test(test_doubles_are_written_as_python_writes_them),
        cmocka_unit_test(test_escapes_become_utf8),
        cmocka_unit_test(test_wrong_documents_are_refused_with_their_place),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_the_last_of_equal_keys_wins),
        cmocka_unit_test(test_the_last_of_equal_keys_wins_in_large_objects_too),
        cmocka_unit_test(test_strings_of_any_length_end_where_they_should),
        cmocka_unit_test(test_reader_takes_documents_one_by_one),
        cmocka_unit_test(test_built_values_grow_also_after_a_copy),
        cmocka_unit_test(test_writer_prints_pretty_and_compact),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
