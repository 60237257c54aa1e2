// Proves: what the client does with real connections: keeps them, decodes, caps, retries, follows
// redirects without credentials, and says in words what went wrong.

#include "unit_test.h"

#include "base/compress.h"
#include "base/json.h"
#include "base/time.h"
#include "net/http.h"
#include "test_server.h"

static struct arena *arena;
static struct test_server server;
static int64_t waits_us[16];
static size_t wait_count;

static rc remember_wait(void *ctx, int64_t delay_us, struct err *err)
{
    (void)ctx, (void)err;
    if (wait_count < 16)
        waits_us[wait_count++] = delay_us;
    return RC_OK;
}

static int setup(void **state)
{
    (void)state;
    arena = arena_open(NULL);
    wait_count = 0;
    static const char *const proxies[] = {"http_proxy", "all_proxy", "ALL_PROXY", "no_proxy",
                                          "NO_PROXY"};
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
        unsetenv(proxies[i]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

static struct str url_of(const struct test_server *s, const char *path)
{
    return arena_printf(arena, "http://127.0.0.1:%d%s", s->port, path);
}

static rc get(struct http_options options, const struct http_request *request,
              struct http_response *ret_response, struct err *err)
{
    struct http_client *client;
    options.wait = remember_wait;
    assert_int_equal(http_open(&options, &client, err), RC_OK);
    const rc code = http_send(client, arena, request, ret_response, err);
    http_close(client);
    return code;
}

static void keeps_the_connection(void **state)
{
    (void)state;
    static const struct test_answer answers[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n[]"},
        {.bytes = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n[1]"}};
    test_server_start(&server, answers, 2);
    struct http_client *client;
    struct http_response response;
    const struct http_options options = {.user_agent = STR("test/1 (mail)")};
    const struct http_request request = {.url = url_of(&server, "/a?b=1")};
    assert_int_equal(http_open(&options, &client, NULL), RC_OK);
    assert_int_equal(http_send(client, arena, &request, &response, NULL), RC_OK);
    assert_int_equal(http_send(client, arena, &request, &response, NULL), RC_OK);
    assert_true(str_is(response.body, "[1]"));
    assert_int_equal(response.status, 200);
    http_close(client);
    test_server_stop(&server);
    assert_int_equal(server.connections, 1);
    assert_non_null(strstr(server.requests[0], "GET /a?b=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(server.requests[0], "User-Agent: test/1 (mail)\r\n"));
    assert_non_null(strstr(server.requests[0], "Accept-Encoding:"));
}

static void sends_methods_headers_and_bodies(void **state)
{
    (void)state;
    static const struct test_answer answers[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n"}};
    test_server_start(&server, answers, 1);
    struct http_response response;
    const struct http_header headers[] = {{STR("X-Custom"), STR("v")}, {STR("X-Empty"), STR("")}};
    const struct http_request request = {.method = STR("put"),
                                         .url = url_of(&server, "/"),
                                         .headers = headers,
                                         .header_count = 2,
                                         .body = STR("{\"q\":1}")};
    assert_int_equal(get((struct http_options){0}, &request, &response, NULL), RC_OK);
    test_server_stop(&server);
    assert_non_null(strstr(server.requests[0], "PUT / HTTP/1.1\r\n"));
    assert_non_null(strstr(server.requests[0], "X-Custom: v\r\n"));
    assert_non_null(strstr(server.requests[0], "X-Empty:"));
    assert_non_null(strstr(server.requests[0], "\r\n\r\n{\"q\":1}"));
    assert_true(str_is(http_header_join(arena, &response.headers, STR("X-A")), "1, 2"));
}

static void a_body_is_not_sent_twice_behind_our_back(void **state)
{
    (void)state;
    static const struct test_answer answers[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"},
        {.bytes = "", .resets = true}, // taken, perhaps carried out, never answered
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}};
    test_server_start(&server, answers, 3);
    struct http_client *client;
    struct http_response response;
    const struct http_options options = {0};
    const struct http_request request = {.method = STR("PUT"),
                                         .url = url_of(&server, "/a/../b"),
                                         .body = STR("row"),
                                         .is_verbatim = true,
                                         .must_not_retry = true};
    assert_int_equal(http_open(&options, &client, NULL), RC_OK);
    assert_int_equal(http_send(client, arena, &request, &response, NULL), RC_OK);
    assert_int_equal(http_send(client, arena, &request, &response, NULL), RC_NETWORK);
    http_close(client);
    test_server_stop(&server);
    assert_int_equal(server.request_count, 2);
    assert_non_null(strstr(server.requests[1], "PUT /a/../b HTTP/1.1\r\n"));
    assert_non_null(strstr(server.requests[1], "Content-Length: 3\r\n"));
    assert_null(strstr(server.requests[1], "Accept-Encoding"));
    assert_non_null(strstr(server.requests[1], "\r\n\r\nrow"));
}

static void refuses_headers_with_line_breaks(void **state)
{
    (void)state;
    struct http_response response;
    struct err err = {0};
    const struct http_header header = {STR("X-A"), STR("v\r\nX-Evil: 1")};
    const struct http_request request = {
        .url = STR("http://127.0.0.1:1/"), .headers = &header, .header_count = 1};
    assert_int_equal(get((struct http_options){0}, &request, &response, &err), RC_INVALID);
    assert_non_null(strstr(err.message, "line break"));
}

static void decodes_gzip(void **state)
{
    (void)state;
    struct str packed;
    const struct str text = STR("[{\"id\":1},{\"id\":2}]");
    assert_int_equal(compress_pack(arena, COMPRESS_GZIP, text, 0, &packed, NULL), RC_OK);
    const struct str head = arena_printf(
        arena, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
        packed.length);
    const struct str whole = str_concat(arena, head, packed);
    const struct test_answer answer = {.bytes = whole.bytes, .length = whole.length};
    test_server_start(&server, &answer, 1);
    struct http_response response;
    const struct http_request request = {.url = url_of(&server, "/")};
    assert_int_equal(get((struct http_options){0}, &request, &response, NULL), RC_OK);
    test_server_stop(&server);
    assert_true(str_equal(response.body, text));
}

static void retries_and_obeys_retry_after(void **state)
{
    (void)state;
    static const struct test_answer answers[] = {
        {.bytes = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"},
        {.resets = true, .bytes = ""},
        {.bytes = "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n"},
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}};
    test_server_start(&server, answers, 4);
    struct http_response response;
    const struct http_request request = {.url = url_of(&server, "/")};
    assert_int_equal(get((struct http_options){0}, &request, &response, NULL), RC_OK);
    test_server_stop(&server);
    assert_int_equal(response.status, 200);
    assert_int_equal(response.attempts, 4);
    assert_int_equal(wait_count, 3);
    assert_true(waits_us[0] >= 7 * TIME_US_PER_SECOND);
    assert_true(waits_us[1] <= 2 * TIME_US_PER_SECOND);
}

static void gives_the_last_answer_when_tries_are_used_up(void **state)
{
    (void)state;
    static const struct test_answer answer = {
        .bytes = "HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
                 "{\"error\":\"sql\"}"};
    const struct test_answer answers[] = {answer, answer, answer};
    test_server_start(&server, answers, 3);
    struct http_response response;
    struct err err = {0};
    const struct http_request request = {.url = url_of(&server, "/x?token=hidden&a=1")};
    assert_int_equal(get((struct http_options){.max_attempts = 3}, &request, &response, &err),
                     RC_OK);
    test_server_stop(&server);
    assert_int_equal(response.attempts, 3);
    assert_int_equal(http_check(&response, &err), RC_HTTP);
    assert_int_equal(err.http_status, 500);
    assert_non_null(strstr(err.message, "gave up after 3 attempts"));
    assert_non_null(strstr(err.message, "{\"error\":\"sql\"}"));
    assert_null(strstr(err.message, "hidden"));
}

static bool accept_503(void *ctx, const struct http_response *response)
{
    (void)ctx;
    return response->status == 503;
}

static void does_not_retry_what_is_accepted(void **state)
{
    (void)state;
    static const struct test_answer answers[] = {
        {.bytes = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"}};
    test_server_start(&server, answers, 1);
    struct http_response response;
    const struct http_request request = {.url = url_of(&server, "/"), .is_accepted = accept_503};
    assert_int_equal(get((struct http_options){0}, &request, &response, NULL), RC_OK);
    test_server_stop(&server);
    assert_int_equal(response.status, 503);
    assert_int_equal(wait_count, 0);
}

static void tells_every_cause_when_nobody_answers(void **state)
{
    (void)state;
    static const struct test_answer answers[] = {{.resets = true, .bytes = ""},
                                                 {.resets = true, .bytes = ""}};
    test_server_start(&server, answers, 2);
    struct http_response response;
    struct err err = {0};
    const struct http_request request = {.url = url_of(&server, "/")};
    assert_int_equal(get((struct http_options){.max_attempts = 2}, &request, &response, &err),
                     RC_NETWORK);
    test_server_stop(&server);
    assert_non_null(strstr(err.message, "127.0.0.1"));
    assert_non_null(strstr(err.message, "2"));
}

static void a_truncated_body_is_an_error(void **state)
{
    (void)state;
    static const struct test_answer answers[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{\"id\":1},"}};
    test_server_start(&server, answers, 1);
    struct http_response response;
    struct err err = {0};
    const struct http_request request = {.url = url_of(&server, "/")};
    assert_int_equal(get((struct http_options){.max_attempts = 1}, &request, &response, &err),
                     RC_NETWORK);
    test_server_stop(&server);
}

static void caps_body_and_headers(void **state)
{
    (void)state;
    const struct str head = STR("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
    char *bytes = arena_alloc(arena, head.length + 5000);
    memcpy(bytes, head.bytes, head.length);
    memset(bytes + head.length, 'x', 5000);
    const struct test_answer answers[] = {{.bytes = bytes, .length = head.length + 5000},
                                          {.bytes = bytes, .length = head.length + 5000}};
    test_server_start(&server, answers, 2);
    struct http_response response;
    struct err err = {0};
    const struct http_request request = {.url = url_of(&server, "/")};
    assert_int_equal(get((struct http_options){.max_body_bytes = 4096}, &request, &response, &err),
                     RC_LIMIT);
    assert_non_null(strstr(err.message, "max_body_bytes"));
    assert_non_null(strstr(err.message, "4096"));
    assert_int_equal(get((struct http_options){.max_header_bytes = 16}, &request, &response, &err),
                     RC_LIMIT);
    assert_non_null(strstr(err.message, "max_header_bytes"));
    assert_int_equal(wait_count, 0);
    test_server_stop(&server);
}

static void a_silent_server_times_out(void **state)
{
    (void)state;
    static const struct test_answer answers[] = {{.hangs = true, .bytes = ""}};
    test_server_start(&server, answers, 1);
    struct http_response response;
    struct err err = {0};
    const struct http_request request = {.url = url_of(&server, "/")};
    const struct http_options options = {.max_attempts = 1, .total_timeout_ms = 50};
    assert_int_equal(get(options, &request, &response, &err), RC_TIMEOUT);
    test_server_stop(&server);
}

/// Sends with a client that must be done `left_us` from now.
static rc get_before(int64_t left_us, const char *path, struct err *err)
{
    struct http_client *client;
    struct http_response response;
    const struct http_options options = {.wait = remember_wait};
    const struct http_request request = {.url = url_of(&server, path)};
    assert_int_equal(http_open(&options, &client, err), RC_OK);
    http_set_deadline(client, time_monotonic_us() + left_us);
    const rc code = http_send(client, arena, &request, &response, err);
    assert_int_equal(http_is_out_of_time(client), code == RC_TIMEOUT);
    http_close(client);
    return code;
}

static void nothing_goes_beyond_the_deadline(void **state)
{
    (void)state;
    static const struct test_answer late[] = {
        {.bytes = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"}};
    static const struct test_answer silent[] = {{.hangs = true, .bytes = ""}};
    static const struct test_answer good[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}};
    struct err err = {0};
    // A wait that would pass it is not begun, also where the last answer would do else.
    test_server_start(&server, late, 1);
    assert_int_equal(get_before(5 * TIME_US_PER_SECOND, "/late", &err), RC_TIMEOUT);
    assert_int_equal(wait_count, 0);
    test_server_stop(&server);
    // An answer that does not come is not waited for.
    test_server_start(&server, silent, 1);
    assert_int_equal(get_before(100 * 1000, "/silent", &err), RC_TIMEOUT);
    test_server_stop(&server);
    // Behind it nothing is sent at all; before it everything is as ever.
    test_server_start(&server, good, 1);
    assert_int_equal(get_before(-1, "/behind", &err), RC_TIMEOUT);
    assert_int_equal(get_before(60 * TIME_US_PER_SECOND, "/before", &err), RC_OK);
    test_server_stop(&server);
    assert_non_null(strstr(server.requests[0], "GET /before "));
}

static void redirects_drop_credentials_elsewhere(void **state)
{
    (void)state;
    static struct test_server other;
    static const struct test_answer last[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}};
    test_server_start(&other, last, 1);
    const struct str first =
        arena_printf(arena, "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n");
    const struct str second = arena_printf(
        arena, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/c\r\nContent-Length: 0\r\n\r\n",
        other.port);
    const struct test_answer answers[] = {{.bytes = first.bytes}, {.bytes = second.bytes}};
    test_server_start(&server, answers, 2);
    const struct http_header headers[] = {{STR("Authorization"), STR("Bearer T")},
                                          {STR("X-Api-Key"), STR("K")},
                                          {STR("X-Plain"), STR("p")}};
    const struct str secret = STR("X-Api-Key");
    const struct http_request request = {.method = STR("POST"),
                                         .url = url_of(&server, "/a"),
                                         .headers = headers,
                                         .header_count = 3,
                                         .body = STR("x"),
                                         .secret_headers = &secret,
                                         .secret_header_count = 1};
    struct http_response response;
    assert_int_equal(get((struct http_options){0}, &request, &response, NULL), RC_OK);
    test_server_stop(&server);
    test_server_stop(&other);
    assert_true(str_is(response.body, "ok"));
    assert_non_null(strstr(server.requests[0], "POST /a "));
    assert_non_null(strstr(server.requests[1], "GET /b ")); // as every browser does on 302
    assert_non_null(strstr(server.requests[1], "Bearer T"));
    assert_null(strstr(other.requests[0], "Bearer T"));
    assert_null(strstr(other.requests[0], "X-Api-Key"));
    assert_non_null(strstr(other.requests[0], "X-Plain: p"));
}

static void stops_redirect_loops(void **state)
{
    (void)state;
    static const struct test_answer loop = {
        .bytes = "HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"};
    const struct test_answer answers[] = {loop, loop, loop};
    test_server_start(&server, answers, 3);
    struct http_response response;
    struct err err = {0};
    const struct http_request request = {.url = url_of(&server, "/")};
    assert_int_equal(get((struct http_options){.max_redirects = 2}, &request, &response, &err),
                     RC_LIMIT);
    assert_non_null(strstr(err.message, "max_redirects"));
    test_server_stop(&server);
}

static void honours_the_proxy(void **state)
{
    (void)state;
    static const struct test_answer answers[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}};
    test_server_start(&server, answers, 1);
    setenv("http_proxy", arena_printf(arena, "http://127.0.0.1:%d", server.port).bytes, 1);
    struct http_response response;
    const struct http_request request = {.url = STR("http://example.invalid/x")};
    assert_int_equal(get((struct http_options){0}, &request, &response, NULL), RC_OK);
    unsetenv("http_proxy");
    test_server_stop(&server);
    assert_non_null(strstr(server.requests[0], "GET http://example.invalid/x HTTP/1.1"));
}

static void an_html_page_is_named_by_its_title(void **state)
{
    (void)state;
    const struct http_header header = {STR("Content-Type"), STR("text/html; charset=UTF-8")};
    struct http_response response = {
        .status = 403,
        .url = STR("https://api.chess.com/pub/player/erik"),
        .attempts = 1,
        .body = STR("<!DOCTYPE html><html><head><TITLE>Just a\n moment...</TITLE></head>")};
    *vec_push(arena, &response.headers) = header;
    struct err err = {0};
    assert_int_equal(http_check(&response, &err), RC_HTTP);
    assert_string_equal(err.message, "https://api.chess.com/pub/player/erik answered 403 with an "
                                     "HTML page titled 'Just a moment...'");
    assert_non_null(strstr(err.hint, "User-Agent"));
    response.status = 200;
    struct json value;
    assert_int_equal(http_json(&response, arena, &value, &err), RC_INVALID);
    assert_non_null(strstr(err.message, "Just a moment..."));
}

static void broken_json_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int line;
    } cases[] = {
        {"[{\"id\": 1},\n {\"id\": ", 2}, {"\xff\xfe", 1}, {"{\"a\": \"\xc3\x28\"}", 1}, {"", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct http_response response = {
            .status = 200, .url = STR("http://h/x"), .body = str_of(cases[i].body)};
        struct json value;
        struct err err = {0};
        assert_int_equal(http_json(&response, arena, &value, &err), RC_INVALID);
        assert_int_equal(err.line, cases[i].line);
        char text[2048];
        assert_non_null(strstr(err_text(&err, text, sizeof text), "http://h/x"));
    }
}

static void reads_links_and_retry_after(void **state)
{
    (void)state;
    http_header_vec headers = {0};
    *vec_push(arena, &headers) = (struct http_header){
        STR("Link"),
        STR("<https://h/?page=1>; rel=first, <https://h/?a=1,2&page=3>; title=\"x;y\"; "
            "rel=\"prefetch next\"")};
    *vec_push(arena, &headers) = (struct http_header){STR("link"), STR("</last>; rel=\"last\"")};
    assert_true(str_is(http_link(arena, &headers, STR("next")), "https://h/?a=1,2&page=3"));
    assert_true(str_is(http_link(arena, &headers, STR("first")), "https://h/?page=1"));
    assert_true(str_is(http_link(arena, &headers, STR("last")), "/last"));
    assert_null(http_link(arena, &headers, STR("prev")).bytes);
    int64_t delay_ms;
    const int64_t now_us = INT64_C(784111777) * TIME_US_PER_SECOND; // Sun, 06 Nov 1994 08:49:37
    assert_true(http_retry_after(STR(" 12 "), now_us, &delay_ms));
    assert_int_equal(delay_ms, 12000);
    assert_true(http_retry_after(STR("Sun, 06 Nov 1994 08:50:37 GMT"), now_us, &delay_ms));
    assert_int_equal(delay_ms, 60000);
    assert_true(http_retry_after(STR("Sun, 06 Nov 1994 08:00:00 GMT"), now_us, &delay_ms));
    assert_int_equal(delay_ms, 0);
    assert_false(http_retry_after(STR("soon"), now_us, &delay_ms));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_the_connection),
        TEST(sends_methods_headers_and_bodies),
        TEST(a_body_is_not_sent_twice_behind_our_back),
        TEST(refuses_headers_with_line_breaks),
        TEST(decodes_gzip),
        TEST(retries_and_obeys_retry_after),
        TEST(gives_the_last_answer_when_tries_are_used_up),
        TEST(does_not_retry_what_is_accepted),
        TEST(tells_every_cause_when_nobody_answers),
        TEST(a_truncated_body_is_an_error),
        TEST(caps_body_and_headers),
        TEST(a_silent_server_times_out),
        TEST(redirects_drop_credentials_elsewhere),
        TEST(stops_redirect_loops),
        TEST(honours_the_proxy),
        TEST(an_html_page_is_named_by_its_title),
        TEST(broken_json_is_told_with_its_place),
        TEST(reads_links_and_retry_after),
        TEST(nothing_goes_beyond_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
