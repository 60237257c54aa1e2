// What base/compress.h promises: round trips in any portions, damage and bombs are refused.

#include "unit_test.h"

#include "base/compress.h"

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

static struct str sample(size_t length)
{
    char *bytes = arena_alloc(arena, length);
    uint32_t state = 1;
    for (size_t i = 0; i < length; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (char)(state >> 30); // two bits a byte: it can be compressed
    }
    return (struct str){bytes, length};
}

static const enum compress_format formats[] = {COMPRESS_NONE, COMPRESS_GZIP, COMPRESS_ZLIB,
                                               COMPRESS_DEFLATE, COMPRESS_ZSTD};
enum { FORMATS = sizeof formats / sizeof formats[0] };

static void test_texts_survive_a_round_trip(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 65535, 65536, 65537, 1000000};
    for (size_t f = 0; f < FORMATS; f++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            const struct str text = sample(lengths[i]);
            struct str packed, back;
            struct err err;
            assert_int_equal(compress_pack(arena, formats[f], text, 0, &packed, &err), RC_OK);
            if (compress_expand(arena, formats[f], packed, 1000000, "test", &back, &err) != RC_OK)
                fail_msg("%d %zu: %s", formats[f], lengths[i], err.message);
            assert_true(str_equal(back, text));
            if (lengths[i] > 1000 && formats[f] != COMPRESS_NONE)
                assert_true(packed.length < text.length / 2);
        }
}

static void test_streams_take_any_portions(void **state)
{
    (void)state;
    const struct str text = sample(200000);
    for (size_t f = 0; f < FORMATS; f++) {
        struct compress_stream *writer, *reader;
        struct buf packed, back;
        buf_init(&packed, 1 << 20);
        buf_init(&back, 1 << 20);
        assert_int_equal(compress_writer_open(arena, formats[f], 0, &writer, NULL), RC_OK);
        for (size_t at = 0; at < text.length; at += 777) {
            const struct str part = str_slice(text, at, 777);
            assert_int_equal(compress_feed(writer, part.bytes, part.length, false, &packed, NULL),
                             RC_OK);
        }
        assert_int_equal(compress_feed(writer, NULL, 0, true, &packed, NULL), RC_OK);
        assert_int_equal(compress_reader_open(arena, formats[f], "test", &reader, NULL), RC_OK);
        for (size_t at = 0; at < packed.length; at += 13) {
            const struct str part = str_slice(buf_str(&packed), at, 13);
            assert_int_equal(compress_feed(reader, part.bytes, part.length, false, &back, NULL),
                             RC_OK);
        }
        assert_int_equal(compress_feed(reader, NULL, 0, true, &back, NULL), RC_OK);
        assert_true(str_equal(buf_str(&back), text));
        buf_done(&packed);
        buf_done(&back);
    }
}

static void test_members_of_gzip_and_zstd_are_joined(void **state)
{
    (void)state;
    static const enum compress_format joined[] = {COMPRESS_GZIP, COMPRESS_ZSTD};
    for (size_t i = 0; i < 2; i++) {
        struct str one, two, back;
        assert_int_equal(compress_pack(arena, joined[i], STR("one "), 0, &one, NULL), RC_OK);
        assert_int_equal(compress_pack(arena, joined[i], STR("two"), 0, &two, NULL), RC_OK);
        assert_int_equal(compress_expand(arena, joined[i], str_concat(arena, one, two), 100, "test",
                                         &back, NULL),
                         RC_OK);
        assert_true(str_is(back, "one two"));
        assert_int_equal(compress_detect(one.bytes, one.length), joined[i]);
    }
    assert_int_equal(compress_detect("{}", 2), COMPRESS_NONE);
}

static void test_damaged_and_cut_off_data_is_refused(void **state)
{
    (void)state;
    for (size_t f = 1; f < FORMATS; f++) {
        struct str packed, back;
        struct err err;
        assert_int_equal(compress_pack(arena, formats[f], sample(5000), 0, &packed, NULL), RC_OK);
        for (size_t cut = 0; cut < packed.length; cut += packed.length / 7 + 1)
            assert_int_equal(compress_expand(arena, formats[f], str_slice(packed, 0, cut), 100000,
                                             "the answer", &back, &err),
                             RC_CORRUPT);
        assert_non_null(strstr(err.message, "the answer is damaged"));
        assert_int_equal(compress_expand(arena, formats[f], STR("\xff\xff no such thing"), 100000,
                                         "x", &back, &err),
                         RC_CORRUPT);
    }
    struct str packed, back;
    assert_int_equal(compress_pack(arena, COMPRESS_ZLIB, STR("x"), 0, &packed, NULL), RC_OK);
    assert_int_equal(compress_expand(arena, COMPRESS_ZLIB, str_concat(arena, packed, STR("rest")),
                                     100, "x", &back, NULL),
                     RC_CORRUPT);
}

static void test_bombs_end_at_the_cap(void **state)
{
    (void)state;
    const struct str zeros = {arena_alloc(arena, 10 << 20), 10 << 20};
    for (size_t f = 1; f < FORMATS; f++) {
        struct str packed, back;
        struct err err;
        assert_int_equal(compress_pack(arena, formats[f], zeros, 0, &packed, NULL), RC_OK);
        assert_int_equal(
            compress_expand(arena, formats[f], packed, (10 << 20) - 1, "a body", &back, &err),
            RC_LIMIT);
        assert_int_equal(
            compress_expand(arena, formats[f], packed, 10 << 20, "a body", &back, &err), RC_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_survive_a_round_trip),
        cmocka_unit_test(test_streams_take_any_portions),
        cmocka_unit_test(test_members_of_gzip_and_zstd_are_joined),
        cmocka_unit_test(test_damaged_and_cut_off_data_is_refused),
        cmocka_unit_test(test_bombs_end_at_the_cap),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
