// Proves: object storage is asked for only when it is needed, its credentials are set again when
// they changed or grew old, SQL neither sees them nor reaches anything that was not named.

#include "unit_test.h"

#include "duck/duck.h"

static struct buckets {
    int64_t generation, good_until_us;
    int asked;
} buckets;

static int64_t generation(void *context)
{
    return ((struct buckets *)context)->generation;
}

static rc describe(void *context, struct arena *arena, const struct duck_remote **ret_remotes,
                   size_t *ret_count, int64_t *ret_good_until_us, struct err *err)
{
    (void)err;
    struct buckets *b = context;
    struct duck_remote *remote = ARENA_NEW(arena, struct duck_remote);
    *remote = (struct duck_remote){.scope = STR("s3://bucket/"),
                                   .key_id = arena_printf(arena, "KEY%d", ++b->asked),
                                   .secret = STR("it's secret"),
                                   .session_token = STR("tok-123"),
                                   .region = STR("eu-west-1"),
                                   .endpoint = STR("127.0.0.1:9"),
                                   .is_path_style = true,
                                   .is_plain_http = true};
    *ret_remotes = remote;
    *ret_count = 1;
    *ret_good_until_us = b->good_until_us;
    return RC_OK;
}

static const struct duck_remotes source = {generation, describe, &buckets};

static struct str ask(struct arena *arena, struct duck_connection *connection, const char *sql)
{
    struct duck_rows rows;
    struct err err = {0};
    if (duck_query(connection, arena, str_of(sql), NULL, &rows, &err) != RC_OK)
        fail_msg("%s: %s", sql, err.message);
    return rows.row_count > 0 ? duck_cell(&rows, 0, 0)->text : STR("");
}

#define SECRETS "SELECT secret_string FROM duckdb_secrets()"

static void credentials_are_set_when_they_are_needed(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct duck_options options = {.is_unlocked = true, .remotes = source};
    struct duck *duck;
    struct duck_connection *connection;
    struct err err;
    buckets = (struct buckets){0};
    assert_int_equal(duck_open(arena, &options, &duck, &err), RC_OK);
    assert_int_equal(duck_connect(duck, arena, &connection, &err), RC_OK);
    assert_true(str_is(ask(arena, connection,
                           "SELECT count(*) FROM duckdb_extensions() WHERE loaded AND "
                           "extension_name = 'httpfs'"),
                       "0"));
    assert_int_equal(buckets.asked, 0);
    buckets.generation = 1;
    assert_true(str_contains(ask(arena, connection, SECRETS), STR("KEY1")));
    ask(arena, connection, "SELECT 1");
    assert_int_equal(buckets.asked, 1);
    buckets.generation = 2; // another bucket
    assert_true(str_contains(ask(arena, connection, SECRETS), STR("KEY2")));
    // behind the lock, and old at once
    assert_int_equal(duck_restrict(connection, NULL, &err), RC_OK);
    buckets.good_until_us = 1;
    buckets.generation = 3;
    ask(arena, connection, "SELECT 1");
    const struct str shown = ask(arena, connection, SECRETS);
    assert_true(buckets.asked >= 4);
    assert_false(str_contains(shown, STR("it's secret")) || str_contains(shown, STR("tok-123")));
    arena_close(arena);
}

static void a_locked_engine_has_it_from_the_start_and_takes_no_setting(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "SET enable_server_cert_verification=false", "SET ca_cert_file='/tmp/x'",
        "SET enable_global_s3_configuration=true", "SET s3_endpoint='elsewhere'"};
    struct arena *arena = arena_open(NULL);
    const struct duck_options options = {.remotes = source};
    struct duck *duck;
    struct duck_connection *connection;
    struct err err;
    buckets = (struct buckets){0};
    assert_int_equal(duck_open(arena, &options, &duck, &err), RC_OK);
    assert_int_equal(duck_connect(duck, arena, &connection, &err), RC_OK);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_not_equal(duck_execute(connection, str_of(refused[i]), NULL, NULL, &err), RC_OK);
    assert_true(
        str_is(ask(arena, connection, "SELECT current_setting('enable_server_cert_verification')"),
               "true"));
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_set_when_they_are_needed),
        cmocka_unit_test(a_locked_engine_has_it_from_the_start_and_takes_no_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
