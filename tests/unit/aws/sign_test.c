// Proves: the examples of S3's own documentation get its signatures, and nothing of the secret
// stands in what is sent. (The suite aws-sigv4 and botocore have the rest.)

#include "fake_aws.h"

#include "aws/sign.h"
#include "base/hash.h"

static const struct aws_credentials credentials = {
    .access_key_id = STR_INIT("AKIAIOSFODNN7EXAMPLE"),
    .secret_access_key = STR_INIT("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
};

static struct aws_signing signing_of_s3(void)
{
    return (struct aws_signing){
        .credentials = &credentials,
        .region = STR("us-east-1"),
        .service = STR("s3"),
        .now_us = INT64_C(1369353600) * TIME_US_PER_SECOND, // 2013-05-24
        .path_style = AWS_PATH_AS_IS,
        .sends_payload_hash = true,
    };
}

static struct aws_request request_of(const char *method, const char *path, const char *query)
{
    return (struct aws_request){.method = str_of(method),
                                .host = STR("examplebucket.s3.amazonaws.com"),
                                .path = str_of(path),
                                .query = str_of(query)};
}

static void assert_signature(const struct aws_signature *signature, const char *wanted)
{
    assert_string_equal(arena_cstr(fake.arena, signature->signature), wanted);
}

static void the_examples_of_s3(void **state)
{
    (void)state;
    const struct aws_signing signing = signing_of_s3();
    struct aws_signature signature;
    const struct http_header range = {STR("Range"), STR("bytes=0-9")};
    struct aws_request get = request_of("GET", "/test.txt", "");
    get.headers = &range;
    get.header_count = 1;
    aws_sign(fake.arena, &signing, &get, &signature);
    assert_signature(&signature,
                     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

    const struct http_header headers[] = {{STR("Date"), STR("Fri, 24 May 2013 00:00:00 GMT")},
                                          {STR("x-amz-storage-class"), STR("REDUCED_REDUNDANCY")}};
    struct aws_request put = request_of("PUT", "/test%24file.text", "");
    put.headers = headers;
    put.header_count = 2;
    put.body = STR("Welcome to Amazon S3.");
    aws_sign(fake.arena, &signing, &put, &signature);
    assert_signature(&signature,
                     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");

    const struct aws_request lifecycle = request_of("GET", "/", "lifecycle");
    aws_sign(fake.arena, &signing, &lifecycle, &signature);
    assert_signature(&signature,
                     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");

    const struct aws_request list = request_of("GET", "/", "max-keys=2&prefix=J");
    aws_sign(fake.arena, &signing, &list, &signature);
    assert_signature(&signature,
                     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void the_presigned_example_of_s3(void **state)
{
    (void)state;
    struct aws_signing signing = signing_of_s3();
    struct aws_signature signature;
    signing.payload = AWS_PAYLOAD_UNSIGNED;
    signing.expires_s = 86400;
    const struct aws_request get = request_of("GET", "/test.txt", "");
    aws_sign_query(fake.arena, &signing, &get, &signature);
    assert_signature(&signature,
                     "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    assert_true(str_has_suffix(signature.query, signature.signature));
    signing.expires_s = INT64_C(100) * 24 * 3600;
    aws_sign_query(fake.arena, &signing, &get, &signature);
    assert_true(str_contains(signature.query, STR("X-Amz-Expires=604800&"))); // AWS's longest
}

static void what_is_sent_does_not_hold_the_secret(void **state)
{
    (void)state;
    const struct aws_signing signing = signing_of_s3();
    struct aws_signature signature;
    const struct aws_request get = request_of("GET", "/test.txt", "");
    aws_sign(fake.arena, &signing, &get, &signature);
    for (size_t i = 0; i < signature.header_count; i++)
        assert_false(str_contains(signature.headers[i].value, credentials.secret_access_key));
    assert_false(str_contains(signature.canonical_request, credentials.secret_access_key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(the_examples_of_s3),
        FAKE_TEST(the_presigned_example_of_s3),
        FAKE_TEST(what_is_sent_does_not_hold_the_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
