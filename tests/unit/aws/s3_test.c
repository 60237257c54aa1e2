// Proves: where S3's requests go, what they carry, and what is made of answers that servers on this
// machine never give: regions, lost answers, errors inside of a 200, checksums that do not fit.

#include "fake_aws.h"

#include "aws/s3.intern.h"
#include "store/store.h"

static struct s3_client *client;
static struct store *store;

static void open_s3(void)
{
    struct err err = {0};
    struct aws_session *session = fake_session((struct aws_options){0});
    assert_int_equal(s3_client_open(fake.arena, session, &client, &err), RC_OK);
    assert_int_equal(store_open_s3(fake.arena, session, &store, &err), RC_OK);
}

static int setup(void **state)
{
    fake_setup(state);
    fake_set("AWS_ACCESS_KEY_ID=AKID");
    fake_set("AWS_SECRET_ACCESS_KEY=secret");
    fake_set("AWS_REGION=eu-west-1");
    open_s3();
    return 0;
}

static const struct s3_name object = {STR_INIT("bucket"), STR_INIT("a/b c")};

static struct str header_of(size_t request, const char *name)
{
    struct str rest = fake.requests[request].headers, line;
    while (str_split_next(&rest, '\n', &line)) {
        const size_t colon = str_find_byte(line, ':');
        if (colon != SIZE_MAX && str_equal_ignore_case(str_slice(line, 0, colon), str_of(name)))
            return str_trim(str_slice(line, colon + 1, line.length));
    }
    return STR("");
}

static void names_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *bucket, *key;
    } good[] = {{"s3://b-1.x/k/l", "b-1.x", "k/l"},
                {"s3a://b/k%20", "b", "k%20"},
                {"s3n://b/", "b", ""},
                {"s3://b", "b", ""}};
    static const char *const bad[] = {"s3:///k", "s3://",      "gs://b/k",
                                      "/b/k",    "s3://a@b/k", "s3://b?x/k"};
    struct s3_name name;
    struct err err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(s3_name_parse(str_of(good[i].uri), &name, &err), RC_OK);
        assert_true(str_is(name.bucket, good[i].bucket) && str_is(name.key, good[i].key));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(s3_name_parse(str_of(bad[i]), &name, &err), RC_INVALID);
    char *long_uri = arena_alloc(fake.arena, 1100);
    memset(long_uri, 'k', 1099);
    memcpy(long_uri, "s3://b/", 7);
    assert_int_equal(s3_name_parse(str_of(long_uri), &name, &err), RC_LIMIT);
}

static void checksums_are_those_of_the_catalogue(void **state)
{
    (void)state;
    assert_true(s3_crc64(0, "123456789", 9) == 0xAE8B14860A799888);
    assert_int_equal(s3_crc32c(0, "123456789", 9), 0xE3069283);
    char bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    const uint64_t whole = s3_crc64(0, bytes, sizeof bytes);
    assert_true(s3_crc64(s3_crc64(0, bytes, 333), bytes + 333, 667) == whole);
}

static void the_bucket_stands_in_the_host_or_in_the_path(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *bucket, *url;
    } cases[] = {
        {"X=", "bucket", "https://bucket.s3.eu-west-1.amazonaws.com/a/b%20c"},
        {"X=", "dotted.bucket", "https://s3.eu-west-1.amazonaws.com/dotted.bucket/a/b%20c"},
        {"X=", "UPPER", "https://s3.eu-west-1.amazonaws.com/UPPER/a/b%20c"},
        {"AWS_ENDPOINT_URL_S3=http://127.0.0.1:9000/", "bucket",
         "http://127.0.0.1:9000/bucket/a/b%20c"},
        {"AWS_ENDPOINT_URL=http://store.example/base", "bucket",
         "http://store.example/base/bucket/a/b%20c"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct s3_address address;
        struct err err = {0};
        const size_t before = fake.environment_count;
        fake_set(cases[i].setting);
        assert_int_equal(s3_address_of(client, fake.arena, str_of(cases[i].bucket), &address, &err),
                         RC_OK);
        fake_answer(200, "content-length: 1", "");
        struct s3_object head;
        assert_int_equal(s3_head(client, fake.arena,
                                 (struct s3_name){str_of(cases[i].bucket), object.key}, &head,
                                 &err),
                         RC_OK);
        assert_string_equal(arena_cstr(fake.arena, fake.requests[fake.asked - 1].url),
                            cases[i].url);
        fake.environment_count = before;
    }
    fake_set("AWS_ENDPOINT_URL=http://store.example");
    fake_set("AWS_S3_ADDRESSING_STYLE=virtual");
    struct s3_address address;
    assert_int_equal(s3_address_of(client, fake.arena, STR("bucket"), &address, NULL), RC_OK);
    assert_true(str_is(address.host, "bucket.store.example"));
}

static void a_region_is_learned_once(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers, *body;
    } ways[] = {
        {301, "x-amz-bucket-region: us-east-2", ""},
        {307, "x-amz-bucket-region: us-east-2\nLocation: https://elsewhere", ""},
        {400, "",
         "<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-east-2</Region></Error>"},
        {301, "", "<Error><Code>PermanentRedirect</Code><Region>us-east-2</Region></Error>"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct err err = {0};
        struct str bytes;
        open_s3();
        fake_answer(ways[i].status, ways[i].headers, ways[i].body);
        fake_answer(200, "", "x");
        fake_answer(200, "", "y");
        const struct s3_get_options options = {.max_bytes = 10};
        const size_t first = fake.asked;
        assert_int_equal(s3_get(client, fake.arena, object, &options, &bytes, NULL, &err), RC_OK);
        assert_int_equal(s3_get(client, fake.arena, object, &options, &bytes, NULL, &err), RC_OK);
        assert_int_equal(fake.asked - first, 3);
        assert_true(str_contains(fake.requests[first + 1].url, STR("s3.us-east-2.amazonaws.com")));
        assert_true(str_contains(header_of(first + 2, "authorization"), STR("/us-east-2/s3/")));
        assert_int_equal(fake.waited_us, 0);
    }
    // A region that would become part of a host name is looked at first, and one that is no news
    // ends.
    struct err err = {0};
    struct s3_object head;
    fake_answer(301, "x-amz-bucket-region: evil.example/", "");
    assert_int_equal(
        s3_head(client, fake.arena, (struct s3_name){STR("other"), STR("k")}, &head, &err),
        RC_HTTP);
}

static void put(rc expected)
{
    struct err err = {0};
    const rc code = s3_put(client, object, STR("content"), true, &err);
    if (code != expected)
        fail_msg("%s: %s", rc_class_of(code)->name, err.message);
}

static void a_write_carries_condition_checksum_and_mark(void **state)
{
    (void)state;
    fake_answer(200, "ETag: \"1\"", "");
    put(RC_OK);
    assert_true(str_is(header_of(0, "if-none-match"), "*"));
    assert_true(str_is(header_of(0, "x-amz-checksum-crc32"), "/sUwqQ=="));
    assert_int_equal(header_of(0, "x-amz-meta-moulin-write").length, S3_MARK_BYTES);
    assert_true(str_contains(header_of(0, "authorization"), STR("if-none-match")));
    fake_set("AWS_REQUEST_CHECKSUM_CALCULATION=when_required");
    fake_answer(200, "", "");
    put(RC_OK);
    assert_int_equal(header_of(1, "x-amz-checksum-crc32").length, 0);
}

/// What the object's mark is, as a HEAD tells it: of the first request, or somebody else's.
static const char *mark_header(bool is_mine)
{
    return is_mine ? arena_printf(fake.arena, "x-amz-meta-moulin-write: %.*s",
                                  STR_ARGS(header_of(0, "x-amz-meta-moulin-write")))
                         .bytes
                   : "x-amz-meta-moulin-write: 0123456789abcdef0123456789abcdef";
}

// The answers after the first are known only when the first request was seen: the wait gives room.
static bool answers_mine;
static rc add_answers(void *context, int64_t us, struct err *err)
{
    (void)context, (void)us, (void)err;
    fake_answer(412, "", "<Error><Code>PreconditionFailed</Code></Error>");
    fake_answer(200, mark_header(answers_mine), "");
    return RC_OK;
}

static void a_lost_answer_is_read_back_before_it_is_a_conflict(void **state)
{
    (void)state;
    for (int mine = 0; mine < 2; mine++) {
        for (int lost = 0; lost < 2; lost++) {
            const struct aws_options options = {.environment = fake_environment,
                                                .now_us = fake_now,
                                                .wait = add_answers,
                                                .send = fake_send};
            struct aws_session *session;
            struct err err = {0};
            fake.answer_count = fake.asked = 0;
            answers_mine = mine == 1;
            assert_int_equal(aws_session_open(fake.arena, &options, &session, &err), RC_OK);
            assert_int_equal(s3_client_open(fake.arena, session, &client, &err), RC_OK);
            if (lost)
                fake_fail(RC_NETWORK);
            else
                fake_answer(500, "", "");
            put(mine ? RC_OK : RC_EXISTS);
            assert_int_equal(fake.asked, 3);
            assert_true(str_is(fake.requests[2].method, "HEAD"));
        }
    }
}

static void a_refusal_at_once_is_a_conflict(void **state)
{
    (void)state;
    fake_answer(412, "", "<Error><Code>PreconditionFailed</Code></Error>");
    put(RC_EXISTS);
    fake_answer(503, "", "<Error><Code>SlowDown</Code></Error>"); // refused: nothing was done
    fake_answer(412, "", "<Error><Code>PreconditionFailed</Code></Error>");
    put(RC_EXISTS);
    fake_answer(409, "", "<Error><Code>ConditionalRequestConflict</Code></Error>");
    fake_answer(200, "", "");
    put(RC_OK);
    assert_int_equal(fake.asked, 5); // no HEAD among them
}

static void answers_are_checked(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers;
        rc code;
    } cases[] = {
        {200, "x-amz-checksum-crc32: /sUwqQ==", RC_OK},
        {200, "x-amz-checksum-crc32: AAAAAA==", RC_CORRUPT},
        {200, "x-amz-checksum-crc64nvme: AAAAAAAAAAA=", RC_CORRUPT},
        {200, "x-amz-checksum-sha256: 7XACtDnprIRfIjV9giusFERzD7+jbkYjV/q/QM9JlzM=", RC_CORRUPT},
        {200, "x-amz-checksum-crc32: AAAAAA==-3", RC_OK}, // of parts
        {200, "x-amz-checksum-crc32: AAAAAA==\nx-amz-checksum-type: COMPOSITE", RC_OK},
        {206, "x-amz-checksum-crc32: AAAAAA==", RC_OK}, // of the whole
        {200, "x-amz-checksum-crc31: x", RC_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct http_response response = {.status = cases[i].status, .body = STR("content")};
        struct http_response with = response;
        struct str rest = str_of(cases[i].headers), line;
        while (str_split_next(&rest, '\n', &line)) {
            const size_t colon = str_find_byte(line, ':');
            *vec_push(fake.arena, &with.headers) = (struct http_header){
                str_slice(line, 0, colon), str_trim(str_slice(line, colon + 1, line.length))};
        }
        struct err err = {0};
        assert_int_equal(s3_verify(fake.arena, &with, &err), cases[i].code);
    }
    // Once damaged is asked again.
    struct str bytes;
    struct err err = {0};
    fake_answer(200, "x-amz-checksum-crc32: AAAAAA==", "content");
    fake_answer(200, "x-amz-checksum-crc32: /sUwqQ==", "content");
    const struct s3_get_options options = {.max_bytes = 100};
    assert_int_equal(s3_get(client, fake.arena, object, &options, &bytes, NULL, &err), RC_OK);
    assert_true(str_is(bytes, "content"));
}

static void ranges_work_without_the_servers_help(void **state)
{
    (void)state;
    struct str bytes;
    struct err err = {0};
    fake_answer(200, "", "0123456789"); // a server that knows no ranges
    assert_int_equal(store_get_range(store, fake.arena, STR("s3://b/k"), -4, 2, &bytes, &err),
                     RC_OK);
    assert_true(str_is(bytes, "67"));
    assert_true(str_is(header_of(0, "range"), "bytes=-4"));
    fake_answer(416, "", "<Error><Code>InvalidRange</Code></Error>");
    assert_int_equal(store_get_range(store, fake.arena, STR("s3://b/k"), 99, 5, &bytes, &err),
                     RC_OK);
    assert_int_equal(bytes.length, 0);
    assert_true(str_is(header_of(1, "range"), "bytes=99-103"));
    fake_answer(200, "", "0123456789");
    assert_int_equal(store_get(store, fake.arena, STR("s3://b/k"), 9, &bytes, &err), RC_LIMIT);
    fake_answer(412, "", "<Error><Code>PreconditionFailed</Code></Error>");
    const struct s3_get_options options = {.max_bytes = 9, .if_match = STR("\"1\"")};
    assert_int_equal(s3_get(client, fake.arena, object, &options, &bytes, NULL, &err), RC_CONFLICT);
    assert_true(str_is(header_of(3, "if-match"), "\"1\""));
}

static rc keep(void *context, const struct store_object *found, struct err *err)
{
    (void)err;
    *vec_push(fake.arena, (str_vec *)context) = arena_str(fake.arena, found->uri);
    return RC_OK;
}

static void a_listing_goes_on_and_decodes(void **state)
{
    (void)state;
    fake_answer(200, "",
                "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
                "<NextContinuationToken>to ken</NextContinuationToken>"
                "<Contents><Key>a%26b+c%2Bd</Key><Size>3</Size>"
                "<LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>"
                "<Contents><Key>folder/</Key><Size>0</Size></Contents></ListBucketResult>");
    fake_answer(200, "",
                "<ListBucketResult><IsTruncated>false</IsTruncated>"
                "<Contents><Key>plain+%41</Key><Size>0</Size></Contents></ListBucketResult>");
    str_vec names = {0};
    struct err err = {0};
    assert_int_equal(store_list(store, STR("s3a://b/a b"), keep, &names, &err), RC_OK);
    assert_int_equal(names.count, 2);
    assert_true(str_is(names.items[0], "s3a://b/a&b c+d"));
    assert_true(str_is(names.items[1], "s3a://b/plain+%41"));
    assert_true(str_contains(fake.requests[0].url, STR("prefix=a%20b")));
    assert_true(str_contains(fake.requests[1].url, STR("continuation-token=to%20ken")));
    fake_answer(200, "", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>");
    assert_int_equal(store_list(store, STR("s3://b/a"), keep, &names, &err), RC_HTTP);
    fake_answer(200, "", "<html/>");
    assert_int_equal(store_list(store, STR("s3://b/a"), keep, &names, &err), RC_HTTP);
}

static void a_batch_tells_which_keys_stayed(void **state)
{
    (void)state;
    const struct str keys[] = {STR("a&b"), STR("denied"), STR("busy"), STR("gone")};
    struct err err = {0};
    fake_answer(200, "",
                "<DeleteResult><Error><Key>denied</Key><Code>AccessDenied</Code><Message>no"
                "</Message></Error><Error><Key>busy</Key><Code>InternalError</Code></Error>"
                "<Error><Key>gone</Key><Code>NoSuchKey</Code></Error></DeleteResult>");
    fake_answer(200, "", "<DeleteResult/>");
    assert_int_equal(s3_delete_many(client, STR("bucket"), keys, 4, &err), RC_DENIED);
    assert_non_null(strstr(err.message, "s3://bucket/denied"));
    assert_non_null(strstr(err.hint, "s3:DeleteObject"));
    assert_true(str_contains(fake.requests[0].body, STR("<Key>a&#38;b</Key>")));
    assert_true(str_contains(fake.requests[1].body, STR("<Key>busy</Key>")));
    assert_false(str_contains(fake.requests[1].body, STR("denied")));
    assert_true(header_of(0, "x-amz-checksum-crc32").length > 0);
    // a server without the call
    fake_answer(501, "", "<Error><Code>NotImplemented</Code></Error>");
    fake_answer(204, "", "");
    fake_answer(404, "", "");
    assert_int_equal(s3_delete_many(client, STR("bucket"), keys, 2, &err), RC_OK);
    assert_true(str_is(fake.requests[4].method, "DELETE"));
}

static void a_missing_bucket_is_a_wrong_setting(void **state)
{
    (void)state;
    struct err err = {0};
    struct str bytes;
    fake_answer(404, "", "<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>");
    assert_int_equal(store_get(store, fake.arena, STR("s3://nowhere/k"), 9, &bytes, &err),
                     RC_CONFIG);
    assert_non_null(strstr(err.message, "s3:GetObject"));
    assert_non_null(strstr(err.hint, "nowhere"));
    fake_answer(404, "", "<Error><Code>NoSuchKey</Code></Error>");
    assert_int_equal(store_get(store, fake.arena, STR("s3://b/k"), 9, &bytes, &err), RC_NOT_FOUND);
}

static void a_silent_refusal_of_a_head_is_asked_again(void **state)
{
    (void)state;
    struct err err = {0};
    struct s3_object head;
    fake_answer(400, "", "");
    fake_answer(400, "", "");
    fake_answer(200, "content-length: 5\nlast-modified: Fri, 02 Jan 2026 03:04:05 GMT", "");
    assert_int_equal(s3_head(client, fake.arena, object, &head, &err), RC_OK);
    assert_int_equal(head.size_bytes, 5);
    assert_int_equal(head.modified_us, FAKE_NOW_US);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        CASE(names_are_taken_apart),
        CASE(checksums_are_those_of_the_catalogue),
        CASE(the_bucket_stands_in_the_host_or_in_the_path),
        CASE(a_region_is_learned_once),
        CASE(a_write_carries_condition_checksum_and_mark),
        CASE(a_lost_answer_is_read_back_before_it_is_a_conflict),
        CASE(a_refusal_at_once_is_a_conflict),
        CASE(answers_are_checked),
        CASE(ranges_work_without_the_servers_help),
        CASE(a_listing_goes_on_and_decodes),
        CASE(a_batch_tells_which_keys_stayed),
        CASE(a_missing_bucket_is_a_wrong_setting),
        CASE(a_silent_refusal_of_a_head_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
