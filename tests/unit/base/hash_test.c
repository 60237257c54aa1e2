// What base/hash.h promises: the values of the specifications, and codings that go both ways.

#include "unit_test.h"

#include "base/hash.h"

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

static void test_murmur3_gives_the_values_of_the_iceberg_specification(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        int32_t hash;
    } cases[] = {
        {"iceberg", 7, 1210000089},
        {"\x22\0\0\0\0\0\0\0", 8, 2017239379},
        {"\x05\x8c", 2, -500754589},
        {"\0\1\2\3", 4, -188683207},
        {"", 0, 0},
        {"\xf0\x9f\x98\x80", 4, (int32_t)0x5b1e2c0c},
    };
    for (size_t i = 0; i + 1 < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal((int32_t)hash_murmur3_32(cases[i].bytes, cases[i].length), cases[i].hash);
}

static void test_digests_of_abc_are_those_of_the_standards(void **state)
{
    (void)state;
    static const struct {
        enum hash_algorithm algorithm;
        const char *hex;
    } cases[] = {
        {HASH_MD5, "900150983cd24fb0d6963f7d28e17f72"},
        {HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {HASH_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e"
                      "7cc2358baeca134c825a7"},
        {HASH_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274"
                      "fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
        {HASH_SHA3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct hash hash = hash_of(cases[i].algorithm, STR("abc"));
        assert_string_equal(arena_cstr(arena, hash_hex(arena, hash)), cases[i].hex);
        struct hash_stream *stream = hash_stream_open(arena, cases[i].algorithm);
        hash_stream_add(stream, "a", 1);
        hash_stream_add(stream, "bc", 2);
        const struct hash again = hash_stream_finish(stream);
        assert_memory_equal(again.bytes, hash.bytes, hash.length);
    }
}

static void test_hmac_shake_and_crc(void **state)
{
    (void)state;
    const struct hash hmac =
        hash_hmac(HASH_SHA256, STR("key"), STR("The quick brown fox jumps over the lazy dog"));
    assert_string_equal(arena_cstr(arena, hash_hex(arena, hmac)),
                        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
    unsigned char bytes[16];
    hash_shake128(STR(""), bytes, sizeof bytes);
    assert_string_equal(arena_cstr(arena, hex_encode(arena, bytes, sizeof bytes)),
                        "7f9c2ba4e88f827d616045507605853e");
    assert_int_equal(hash_crc32(0, "123456789", 9), 0xcbf43926u);
    assert_int_equal(hash_crc32(hash_crc32(0, "1234", 4), "56789", 5), 0xcbf43926u);
}

static void test_base64_goes_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *standard, *url;
    } cases[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct str bytes = str_of(cases[i].bytes);
        struct str back;
        assert_true(str_is(base64_encode(arena, bytes.bytes, bytes.length, BASE64_STANDARD),
                           cases[i].standard));
        assert_true(
            str_is(base64_encode(arena, bytes.bytes, bytes.length, BASE64_URL), cases[i].url));
        assert_int_equal(
            base64_decode(arena, str_of(cases[i].standard), BASE64_STANDARD, &back, NULL), RC_OK);
        assert_true(str_equal(back, bytes));
        assert_int_equal(base64_decode(arena, str_of(cases[i].url), BASE64_URL, &back, NULL),
                         RC_OK);
        assert_true(str_equal(back, bytes));
    }
}

static void test_wrong_codings_are_refused(void **state)
{
    (void)state;
    static const char *const base64[] = {"Z", "Zg=", "Zg===", "Z!==", "Zg==Zg==", "Zg=a", "-_-_"};
    struct str bytes;
    for (size_t i = 0; i < sizeof base64 / sizeof base64[0]; i++)
        assert_int_equal(base64_decode(arena, str_of(base64[i]), BASE64_STANDARD, &bytes, NULL),
                         RC_INVALID);
    assert_int_equal(hex_decode(arena, STR("0aFf"), &bytes, NULL), RC_OK);
    assert_memory_equal(bytes.bytes, "\x0a\xff", 2);
    assert_int_equal(hex_decode(arena, STR("0g"), &bytes, NULL), RC_INVALID);
    assert_int_equal(hex_decode(arena, STR("0"), &bytes, NULL), RC_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_murmur3_gives_the_values_of_the_iceberg_specification),
        cmocka_unit_test(test_digests_of_abc_are_those_of_the_standards),
        cmocka_unit_test(test_hmac_shake_and_crc),
        cmocka_unit_test(test_base64_goes_both_ways),
        cmocka_unit_test(test_wrong_codings_are_refused),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
