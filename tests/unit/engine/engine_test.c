// What engine.h promises without a server: settings, sizes, classes of errors.

#include "unit_test.h"

#include "base/arena.h"
#include "engine/engine.intern.h"

static rc open_with(struct arena *arena, const char *settings, struct engine **ret_engine,
                    struct err *err)
{
    struct engine_options options = {.type = STR("trino"), .place = "moulin.yml"};
    assert_int_equal(json_parse(arena, str_of(settings), "test", &options.settings, err), RC_OK);
    return engine_open(arena, &options, ret_engine, err);
}

static void test_settings_are_checked_before_anything_is_asked(void **state)
{
    (void)state;
    static const struct {
        const char *settings, *message;
    } cases[] = {
        {"{}", "Trino needs the setting 'host'"},
        {"{\"host\": \"h\"}", "needs the setting 'user'"},
        {"{\"host\": \"h\", \"user\": \"u\", \"hots\": 1}", "has no setting 'hots'"},
        {"{\"host\": \"h\", \"user\": \"u\", \"method\": \"kerberos\"}", "no method 'kerberos'"},
        {"{\"host\": \"h\", \"user\": \"u\", \"password\": \"secret\", \"http_scheme\": \"http\"}",
         "http_scheme is http"},
        {"{\"host\": \"h\", \"user\": \"u\", \"cert\": false}", "would not verify"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = arena_open(NULL);
        struct engine *engine = NULL;
        struct err err = {0};
        assert_int_equal(open_with(arena, cases[i].settings, &engine, &err), RC_CONFIG);
        assert_non_null(strstr(err.message, cases[i].message));
        assert_null(strstr(err.message, "secret"));
        arena_close(arena);
    }
}

static void test_statements_have_a_size(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct engine *engine = NULL;
    struct err err = {0};
    assert_int_equal(open_with(arena, "{\"host\": \"h\", \"user\": \"u\"}", &engine, &err), RC_OK);
    char *sql = arena_alloc(arena, engine_statement_bytes(engine) + 1);
    memset(sql, 'x', engine_statement_bytes(engine) + 1);
    const struct str large = {sql, engine_statement_bytes(engine) + 1};
    assert_int_equal(engine_run(engine, arena, large, NULL, NULL, NULL, &err), RC_LIMIT);
    assert_int_equal(engine_run(engine, arena, STR(" ; \n;"), NULL, NULL, NULL, &err), RC_INVALID);
    arena_close(arena);
}

static void test_errors_have_a_class_and_say_whether_to_try_again(void **state)
{
    (void)state;
    static const struct {
        const char *name, *message;
        rc code;
        bool is_repeatable, is_too_many;
    } cases[] = {
        {"TABLE_NOT_FOUND", "no table", RC_NOT_FOUND, false, false},
        {"SYNTAX_ERROR", "mismatched", RC_INVALID, false, false},
        {"PERMISSION_DENIED", "no", RC_DENIED, false, false},
        {"ICEBERG_COMMIT_ERROR", "Failed to commit", RC_CONFLICT, true, false},
        {"ICEBERG_COMMIT_ERROR", "Failed: CommitStateUnknownException", RC_UNKNOWN, false, false},
        {"ICEBERG_TOO_MANY_OPEN_PARTITIONS", "Exceeded limit", RC_LIMIT, false, true},
        {"", "Exceeded limit of 100 open writers for partitions", RC_FAILED, false, true},
        {"SOMETHING_NEW", "odd", RC_FAILED, false, false},
    };
    struct arena *arena = arena_open(NULL);
    struct engine *engine = NULL;
    struct err opened = {0};
    assert_int_equal(open_with(arena, "{\"host\": \"h\", \"user\": \"u\"}", &engine, &opened),
                     RC_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct engine_failure failure = {.name = ""};
        struct err err = {0};
        assert_int_equal(engine_error(engine, str_of(cases[i].name), str_of(cases[i].message),
                                      STR("q1"), &failure, &err),
                         cases[i].code);
        assert_int_equal(failure.is_repeatable, cases[i].is_repeatable);
        assert_int_equal(failure.is_too_many_partitions, cases[i].is_too_many);
        assert_non_null(strstr(err.message, cases[i].message));
        assert_non_null(strstr(err.message, "query q1"));
    }
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_are_checked_before_anything_is_asked),
        cmocka_unit_test(test_statements_have_a_size),
        cmocka_unit_test(test_errors_have_a_class_and_say_whether_to_try_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
