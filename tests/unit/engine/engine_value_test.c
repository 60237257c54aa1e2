// What engine.intern.h promises of values: whatever engine computed them, they read as DuckDB's.

#include "unit_test.h"

#include "base/arena.h"
#include "engine/engine.intern.h"

struct value_case {
    const char *type, *json;
    enum duck_kind kind;
    const char *text; // NULL = NULL
};

static const struct value_case cases[] = {
    {"boolean", "true", DUCK_BOOL, "true"},
    {"boolean", "\"false\"", DUCK_BOOL, "false"}, // Athena
    {"bigint", "-42", DUCK_INT, "-42"},
    {"smallint", "\"7\"", DUCK_INT, "7"},
    {"double", "1.5", DUCK_DOUBLE, "1.5"},
    {"double", "\"NaN\"", DUCK_OTHER, "NaN"},
    {"real", "\"-Infinity\"", DUCK_OTHER, "-Infinity"},
    {"decimal(9, 2)", "\"1.50\"", DUCK_DECIMAL, "1.50"},
    {"varchar(3)", "\"a\\u00e9\"", DUCK_TEXT, "a\xc3\xa9"},
    {"varchar", "null", DUCK_TEXT, NULL},
    {"varbinary", "\"AGFi\"", DUCK_BLOB, NULL}, // bytes 0, a, b: looked at below
    {"date", "\"2020-02-29\"", DUCK_DATE, "2020-02-29"},
    {"time(3)", "\"10:00:00.250\"", DUCK_TIME, "10:00:00.25"},
    {"timestamp(3)", "\"2020-01-01 10:00:00.500\"", DUCK_TIMESTAMP, "2020-01-01 10:00:00.5"},
    {"timestamp(6)", "\"1969-12-31 23:59:59.999999\"", DUCK_TIMESTAMP,
     "1969-12-31 23:59:59.999999"},
    {"timestamp(9)", "\"2020-01-01 10:00:00.123456789\"", DUCK_OTHER,
     "2020-01-01 10:00:00.123456789"},
    {"timestamp(6) with time zone", "\"2020-01-01 10:00:00.000000 UTC\"", DUCK_TIMESTAMPTZ,
     "2020-01-01 10:00:00+00"},
    {"timestamp(3) with time zone", "\"2020-01-01 10:00:00.000 +02:00\"", DUCK_TIMESTAMPTZ,
     "2020-01-01 08:00:00+00"},
    {"timestamp(3) with time zone", "\"2020-07-01 10:00:00.000 Europe/Berlin\"", DUCK_TIMESTAMPTZ,
     "2020-07-01 08:00:00+00"},
    {"timestamp with time zone", "\"nonsense\"", DUCK_OTHER, "nonsense"},
    {"array(integer)", "[1, null]", DUCK_NESTED, "[1, null]"},
    {"map(varchar(1), decimal(3, 1))", "{\"k\": \"1.5\"}", DUCK_NESTED, "{\"k\": 1.5}"},
    {"row(a integer, \"b c\" row(d date), varchar(2))", "[1, [\"2020-01-01\"], \"x\"]", DUCK_NESTED,
     "{\"a\": 1, \"b c\": {\"d\": \"2020-01-01\"}, \"field2\": \"x\"}"},
    {"array(row(a integer))", "[[1], [2]]", DUCK_NESTED, "[{\"a\": 1}, {\"a\": 2}]"},
    {"row(a integer", "[1, 2, 3]", DUCK_NESTED, "{}"}, // a broken type ends quietly
    {"uuid", "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"", DUCK_OTHER,
     "f79c3e09-677c-4bbd-a479-3f349cb785e7"},
    {"interval year to month", "\"1-2\"", DUCK_OTHER, "1-2"},
};

static struct duck_value value_of(struct arena *arena, const struct value_case *c)
{
    struct json json;
    struct duck_value value = {0};
    struct err err = {0};
    assert_int_equal(json_parse(arena, str_of(c->json), "test", &json, &err), RC_OK);
    const struct str type = str_of(c->type);
    assert_int_equal(engine_value(arena, type, engine_kind(type), &json, &value, &err), RC_OK);
    return value;
}

static void test_values_have_duckdbs_kinds_and_texts(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct duck_value value = value_of(arena, &cases[i]);
        assert_int_equal(value.is_null, str_is(str_of(cases[i].json), "null"));
        assert_int_equal(value.kind, cases[i].kind);
        if (cases[i].text != NULL)
            assert_string_equal(arena_cstr(arena, value.text), cases[i].text);
    }
    arena_close(arena);
}

static void test_bytes_are_bytes_and_times_are_numbers(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    static const struct value_case bytes = {"varbinary", "\"AGFi\"", DUCK_BLOB, NULL};
    static const struct value_case instant = {"timestamp(6) with time zone",
                                              "\"1970-01-01 00:00:01.000002 UTC\"",
                                              DUCK_TIMESTAMPTZ, NULL};
    const struct duck_value value = value_of(arena, &bytes);
    assert_int_equal(value.text.length, 3);
    assert_memory_equal(value.text.bytes, "\0ab", 3);
    assert_int_equal(value_of(arena, &instant).integer, 1000002);
    arena_close(arena);
}

static void test_what_is_no_value_of_its_type_is_an_error(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    static const char *const wrong[][2] = {{"integer", "\"x\""}, {"varbinary", "\"?\""}};
    for (size_t i = 0; i < 2; i++) {
        struct json json;
        struct duck_value value = {0};
        struct err err = {0};
        assert_int_equal(json_parse(arena, str_of(wrong[i][1]), "test", &json, &err), RC_OK);
        const struct str type = str_of(wrong[i][0]);
        assert_int_equal(engine_value(arena, type, engine_kind(type), &json, &value, &err),
                         RC_INVALID);
    }
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_have_duckdbs_kinds_and_texts),
        cmocka_unit_test(test_bytes_are_bytes_and_times_are_numbers),
        cmocka_unit_test(test_what_is_no_value_of_its_type_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
