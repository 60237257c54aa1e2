// Proves: recordings are written without credentials, and answer in the order they were made.

#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "net/recording.h"

static struct arena *arena;
static struct str path;

static int setup(void **state)
{
    (void)state;
    arena = arena_open(NULL);
    path = arena_printf(arena, "%s/moulin-recording-%ld.har", P_tmpdir, (long)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(arena_cstr(arena, path));
    arena_close(arena);
    return 0;
}

static struct str written(void)
{
    struct str text;
    assert_int_equal(fs_read(arena, path, 1 << 20, &text, NULL), RC_OK);
    return text;
}

static void add(struct recording *recording, struct http_request request, int status,
                const char *body)
{
    struct http_response response = {.status = status, .body = str_of(body)};
    *vec_push(arena, &response.headers) =
        (struct http_header){STR("Set-Cookie"), STR("sid=c00kie")};
    *vec_push(arena, &response.headers) = (struct http_header){STR("X-Page"), STR("1")};
    assert_int_equal(recording_add(recording, &request, &response, 0, NULL), RC_OK);
}

static void credentials_are_not_written(void **state)
{
    (void)state;
    struct recording *recording;
    assert_int_equal(recording_open_record(path, &recording, NULL), RC_OK);
    recording_add_secret(recording, STR("s3cret value"));
    const struct http_header headers[] = {{STR("Authorization"), STR("Bearer t0ken")},
                                          {STR("X-Mine"), STR("h1dden")},
                                          {STR("Accept"), STR("s3cret value")}};
    const struct str mine = STR("X-Mine"), pass = STR("pw2");
    add(recording,
        (struct http_request){.url = STR("http://u:p4ss@h/x?api_key=k3y&pw2=p4ss&q=s3cret+value"),
                              .headers = headers,
                              .header_count = 3,
                              .secret_headers = &mine,
                              .secret_header_count = 1,
                              .secret_parameters = &pass,
                              .secret_parameter_count = 1},
        200, "{\"echo\":\"s3cret value\"}");
    add(recording,
        (struct http_request){.method = STR("POST"),
                              .url = STR("http://h/token"),
                              .body = STR("client_id=1d&client_secret=t0ken&scope=read"),
                              .has_secret_bodies = true},
        200, "{\"access_token\":\"t0ken\",\"expires_in\":60}");
    assert_int_equal(recording_close(recording, NULL), RC_OK);
    const struct str text = written();
    static const char *const secrets[] = {"t0ken",  "h1dden", "k3y", "p4ss",
                                          "s3cret", "c00kie", "=1d"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        assert_false(str_contains(text, str_of(secrets[i])));
    assert_true(str_contains(text, STR("scope=read")));
    assert_true(str_contains(text, STR("\\\"expires_in\\\":60")));
}

static void nothing_appears_before_it_is_closed(void **state)
{
    (void)state;
    struct recording *recording;
    assert_int_equal(recording_open_record(path, &recording, NULL), RC_OK);
    add(recording, (struct http_request){.url = STR("http://h/x")}, 200, "1");
    assert_false(fs_exists(path));
    recording_abandon(recording);
    assert_false(fs_exists(path));
}

static struct http_response replay(struct recording *recording, struct http_request request)
{
    struct http_response response = {0};
    assert_int_equal(recording_find(recording, arena, &request, &response, NULL), RC_OK);
    return response;
}

static void answers_come_in_order_and_the_last_one_stays(void **state)
{
    (void)state;
    struct recording *recording;
    assert_int_equal(recording_open_record(path, &recording, NULL), RC_OK);
    const struct http_request x = {.url = STR("http://h/x?token=a")};
    const struct http_request post = {
        .method = STR("POST"), .url = STR("http://h/x"), .body = STR("{\"a\":1}")};
    add(recording, x, 503, "first");
    add(recording, x, 200, "second");
    add(recording, post, 200, "posted \xff\xfe"); // not UTF-8: goes as base64
    assert_int_equal(recording_close(recording, NULL), RC_OK);

    assert_int_equal(recording_open_replay(path, &recording, NULL), RC_OK);
    // The secret is another one now: the recording does not know it anyway.
    const struct http_request again = {.url = STR("http://h/x?token=b")};
    struct http_response response = replay(recording, again);
    assert_int_equal(response.status, 503);
    assert_true(response.is_replayed);
    assert_true(str_is(http_header_get(&response.headers, STR("x-page")), "1"));
    assert_true(str_is(replay(recording, again).body, "second"));
    assert_true(str_is(replay(recording, again).body, "second"));
    assert_true(str_is(replay(recording, post).body, "posted \xff\xfe"));
    recording_abandon(recording);
}

static void what_was_not_recorded_is_told_with_the_nearest(void **state)
{
    (void)state;
    struct recording *recording;
    struct http_response response;
    struct err err = {0};
    assert_int_equal(recording_open_record(path, &recording, NULL), RC_OK);
    add(recording, (struct http_request){.url = STR("http://h/games/2009/10")}, 200, "1");
    assert_int_equal(recording_close(recording, NULL), RC_OK);
    assert_int_equal(recording_open_replay(path, &recording, NULL), RC_OK);
    const struct http_request request = {.url = STR("http://h/games/2009/11")};
    assert_int_equal(recording_find(recording, arena, &request, &response, &err), RC_NOT_FOUND);
    assert_non_null(strstr(err.message, "http://h/games/2009/11"));
    assert_non_null(strstr(err.hint, "GET http://h/games/2009/10"));
    recording_abandon(recording);
}

static void refuses_what_is_no_recording(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        rc code;
    } cases[] = {
        {"{", RC_INVALID},
        {"[]", RC_INVALID},
        {"{\"log\": {}}", RC_INVALID},
        {"{\"log\": {\"entries\": [{}]}}", RC_INVALID},
        {"{\"log\": {\"entries\": [{\"request\": {\"method\": \"GET\", \"url\": \"x\"}}]}}",
         RC_INVALID}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct recording *recording;
        struct err err = {0};
        assert_int_equal(fs_write(path, str_of(cases[i].text), (struct fs_write_options){0}, NULL),
                         RC_OK);
        assert_int_equal(recording_open_replay(path, &recording, &err), cases[i].code);
        assert_true(err.message[0] != '\0');
    }
    struct recording *recording;
    assert_int_equal(recording_open_replay(STR("/nowhere/x.har"), &recording, NULL), RC_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(credentials_are_not_written),
        TEST(nothing_appears_before_it_is_closed),
        TEST(answers_come_in_order_and_the_last_one_stays),
        TEST(what_was_not_recorded_is_told_with_the_nearest),
        TEST(refuses_what_is_no_recording),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
