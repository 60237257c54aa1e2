/// @file fake_aws.h
/// A session without machine: environment, clock, waits and answers come from the test.

#ifndef TESTS_FAKE_AWS_H
#define TESTS_FAKE_AWS_H

#include "unit_test.h"

#include "aws/client.h"
#include "base/buf.h"
#include "base/time.h"

enum { FAKE_MAX = 64 };
static struct str fake_root; // of files; "" = the machine's own, which have HOME unset

struct fake_answer {
    int status;
    const char *headers; // "Date: ...\nx-amzn-requestid: 7"
    const char *body;
    rc code; // not RC_OK: the network fails with it
    bool is_unsent;
};

struct fake_request {
    struct str method, url, body, headers; // "Name: value\n..."
};

static struct fake {
    struct arena *arena;
    const char *environment[FAKE_MAX]; // "NAME=value"
    size_t environment_count;
    int64_t now_us;
    int64_t waited_us;
    struct fake_answer answers[FAKE_MAX];
    size_t answer_count, asked;
    struct fake_request requests[FAKE_MAX];
} fake;

static const char *fake_environment(void *context, const char *name)
{
    (void)context;
    const size_t length = strlen(name);
    for (size_t i = 0; i < fake.environment_count; i++)
        if (strncmp(fake.environment[i], name, length) == 0 && fake.environment[i][length] == '=')
            return fake.environment[i] + length + 1;
    return NULL;
}

static int64_t fake_now(void *context)
{
    (void)context;
    return fake.now_us;
}

static rc fake_wait(void *context, int64_t us, struct err *err)
{
    (void)context, (void)err;
    fake.waited_us += us;
    return RC_OK;
}

static rc fake_send(void *context, struct arena *arena, const struct http_request *request,
                    struct http_response *ret_response, struct err *err)
{
    (void)context;
    if (fake.asked == fake.answer_count)
        return err_set(err, RC_INTERNAL, "nobody expected the request %.*s %.*s",
                       STR_ARGS(request->method), STR_ARGS(request->url));
    struct fake_request *seen = &fake.requests[fake.asked];
    seen->method = arena_str(fake.arena, request->method);
    seen->url = arena_str(fake.arena, request->url);
    seen->body = arena_str(fake.arena, request->body);
    seen->headers = STR("");
    for (size_t i = 0; i < request->header_count; i++)
        seen->headers =
            arena_printf(fake.arena, "%.*s%.*s: %.*s\n", STR_ARGS(seen->headers),
                         STR_ARGS(request->headers[i].name), STR_ARGS(request->headers[i].value));
    const struct fake_answer *answer = &fake.answers[fake.asked++];
    if (answer->code != RC_OK) {
        err_set(err, answer->code, "connection reset (%.*s)", STR_ARGS(request->url));
        err->is_unsent = answer->is_unsent;
        return answer->code;
    }
    struct http_response response = {
        .status = answer->status,
        .url = arena_str(arena, request->url),
        .body = arena_str(arena, str_of(answer->body)), // credentials in it are overwritten
        .attempts = 1,
    };
    struct str rest = str_of(answer->headers), line;
    while (str_split_next(&rest, '\n', &line)) {
        const size_t colon = str_find_byte(line, ':');
        if (colon != SIZE_MAX)
            *vec_push(arena, &response.headers) = (struct http_header){
                str_slice(line, 0, colon), str_trim(str_slice(line, colon + 1, line.length))};
    }
    *ret_response = response;
    return RC_OK;
}

__attribute__((unused)) static void fake_set(const char *assignment)
{
    fake.environment[fake.environment_count++] = assignment;
}

__attribute__((unused)) static void fake_answer(int status, const char *headers, const char *body)
{
    fake.answers[fake.answer_count++] =
        (struct fake_answer){.status = status, .headers = headers, .body = body};
}

__attribute__((unused)) static void fake_fail(rc code)
{
    fake.answers[fake.answer_count++] = (struct fake_answer){.code = code};
}

/// 2026-01-02T03:04:05Z
#define FAKE_NOW_US (INT64_C(1767323045) * TIME_US_PER_SECOND)

__attribute__((unused)) static int fake_setup(void **state)
{
    (void)state;
    fake = (struct fake){.arena = arena_open(NULL), .now_us = FAKE_NOW_US};
    return 0;
}

__attribute__((unused)) static int fake_teardown(void **state)
{
    (void)state;
    arena_close(fake.arena);
    return 0;
}

__attribute__((unused)) static struct aws_session *fake_session(struct aws_options options)
{
    struct aws_session *session;
    options.environment = fake_environment;
    options.now_us = fake_now;
    options.wait = fake_wait;
    options.send = fake_send;
    options.root = fake_root;
    assert_int_equal(aws_session_open(fake.arena, &options, &session, NULL), RC_OK);
    return session;
}

/// With keys in the environment and a region.
__attribute__((unused)) static struct aws_session *fake_session_with_keys(void)
{
    fake_set("AWS_ACCESS_KEY_ID=AKIDEXAMPLE");
    fake_set("AWS_SECRET_ACCESS_KEY=very-secret");
    fake_set("AWS_REGION=eu-west-1");
    return fake_session((struct aws_options){0});
}

#define FAKE_TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

#endif
