// What format/avro.h and format/snappy.h promise: what is written is read back, what is damaged is
// refused, whatever the codec.

#include "unit_test.h"

#include "format/avro.h"
#include "format/snappy.h"

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
    "{\"name\":\"n\",\"type\":\"long\",\"field-id\":1},"
    "{\"name\":\"t\",\"type\":[\"null\",\"string\"],\"field-id\":2},"
    "{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":\"int\",\"element-id\":4},\"field-id\":"
    "3},"
    "{\"name\":\"d\",\"type\":\"double\",\"field-id\":5},"
    "{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"x\",\"size\":3},\"field-id\":6}]}";
enum { RECORDS = 3000 };

static struct str write_sample(struct arena *arena, enum avro_codec codec)
{
    static const struct avro_pair pairs[] = {{STR_INIT("greeting"), STR_INIT("hello")}};
    struct avro_writer *writer =
        avro_writer_open(arena, (struct avro_writer_options){.schema = str_of(schema_text),
                                                             .metadata = pairs,
                                                             .metadata_count = 1,
                                                             .codec = codec,
                                                             .max_bytes = 1 << 24});
    struct err err;
    for (int i = 0; i < RECORDS; i++) {
        struct buf *to = avro_writer_record(writer);
        avro_put_long(to, i - RECORDS / 2);
        avro_put_long(to, i % 2);
        if (i % 2 == 1)
            avro_put_bytes(to, STR("a text of some length, so that there are several blocks"));
        if (i % 3 > 0)
            avro_put_long(to, i % 3);
        for (int k = 0; k < i % 3; k++)
            avro_put_long(to, k * 1000);
        avro_put_long(to, 0);
        avro_put_double(to, i / 4.0);
        buf_append_cstr(to, "abc");
        assert_int_equal(avro_writer_end_record(writer, &err), RC_OK);
    }
    struct buf file;
    buf_init(&file, 1 << 24);
    assert_int_equal(avro_writer_finish(writer, &file, &err), RC_OK);
    const struct str bytes = arena_str(arena, buf_str(&file));
    buf_done(&file);
    return bytes;
}

static void check_record(struct avro_cursor *cursor, const struct avro_type *record, int i)
{
    assert_int_equal(avro_read_long(cursor), i - RECORDS / 2);
    const struct avro_type *branch = avro_read_branch(cursor, record->fields[1].type);
    assert_int_equal(branch->kind, i % 2 == 1 ? AVRO_STRING : AVRO_NULL);
    avro_skip(cursor, branch);
    int64_t items = 0;
    for (int64_t count; (count = avro_read_items(cursor)) > 0; items += count)
        for (int64_t k = 0; k < count; k++)
            assert_int_equal(avro_read_long(cursor), (items + k) * 1000);
    assert_int_equal(items, i % 3);
    assert_true(avro_read_double(cursor) == i / 4.0);
    avro_skip(cursor, record->fields[4].type);
}

static void test_what_is_written_is_read_back(void **state)
{
    (void)state;
    for (int codec = AVRO_CODEC_NULL; codec <= AVRO_CODEC_DEFLATE; codec++) {
        struct arena *arena = arena_open(NULL);
        struct avro_reader *reader;
        struct avro_cursor cursor;
        struct err err;
        int64_t count;
        int i = 0, blocks = 0;
        const struct str bytes = write_sample(arena, (enum avro_codec)codec);
        assert_int_equal(avro_reader_open(arena, bytes, "sample", &reader, &err), RC_OK);
        assert_true(str_is(avro_reader_metadata(reader, STR("greeting")), "hello"));
        const struct avro_type *record = avro_reader_schema(reader);
        assert_int_equal(record->fields[2].field_id, 3);
        for (; avro_reader_block(reader, &cursor, &count, &err) == RC_OK; blocks++) {
            for (; count > 0; count--, i++)
                check_record(&cursor, record, i);
            assert_int_equal(avro_reader_block_end(reader, &cursor, &err), RC_OK);
        }
        assert_int_equal(i, RECORDS);
        assert_true(blocks > 1);
        arena_close(arena);
    }
}

/// Reads everything by skipping. @return RC_EOF when the file is whole
static rc read_through(struct str bytes)
{
    struct arena *arena = arena_open(NULL);
    struct avro_reader *reader;
    struct avro_cursor cursor;
    struct err err;
    int64_t count;
    rc code = avro_reader_open(arena, bytes, "damaged", &reader, &err);
    while (code == RC_OK && (code = avro_reader_block(reader, &cursor, &count, &err)) == RC_OK) {
        for (; count > 0 && !cursor.is_bad; count--)
            avro_skip(&cursor, avro_reader_schema(reader));
        code = avro_reader_block_end(reader, &cursor, &err);
    }
    arena_close(arena);
    return code;
}

static void test_damaged_files_are_refused_or_read_but_never_crash(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct str bytes = write_sample(arena, AVRO_CODEC_NULL);
    assert_int_equal(read_through(bytes), RC_EOF);
    // the header, and a part of the first block; a cut right behind the header is an empty file
    int whole = 0;
    for (size_t at = 0; at < 900; at++) {
        whole += read_through(str_slice(bytes, 0, at)) == RC_EOF ? 1 : 0;
        for (int bit = 0; bit < 8; bit++) {
            char *flipped = arena_copy(arena, bytes.bytes, 4000);
            flipped[at] = (char)(flipped[at] ^ 1 << bit);
            (void)!read_through((struct str){flipped, 4000});
        }
    }
    assert_int_equal(whole, 1);
    arena_close(arena);
}

static void test_counts_that_the_file_cannot_hold_are_refused(void **state)
{
    (void)state;
    static const unsigned char huge[] = {0xff, 0xff, 0xff, 0xff, 0x0f, 0x02};
    struct avro_cursor cursor = {.at = huge, .end = huge + sizeof huge};
    assert_int_equal(avro_read_items(&cursor), 0);
    assert_true(cursor.is_bad);
}

static void test_schemas_that_contain_themselves_are_refused(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct json json;
    struct err err;
    const struct avro_type *type;
    const struct str text =
        STR("{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"next\","
            "\"type\":[\"null\",\"r\"]}]}");
    assert_int_equal(json_parse(arena, text, "schema", &json, &err), RC_OK);
    assert_int_equal(avro_schema_parse(arena, &json, &type, &err), RC_UNSUPPORTED);
    arena_close(arena);
}

static void test_snappy_expands_literals_and_copies(void **state)
{
    (void)state;
    // "abcabcabcabc!": a literal of 3, a copy of 9 from 3 back, a literal of 1
    static const char packed[] = {13, 2 << 2, 'a', 'b', 'c', (char)((9 - 1) << 2 | 2),
                                  3,  0,      0,   '!'};
    struct arena *arena = arena_open(NULL);
    struct str text;
    struct err err;
    const struct str input = {packed, sizeof packed};
    assert_int_equal(snappy_expand(arena, input, 100, &text, &err), RC_OK);
    assert_true(str_is(text, "abcabcabcabc!"));
    assert_int_equal(snappy_expand(arena, input, 12, &text, &err), RC_LIMIT);
    for (size_t cut = 0; cut < input.length; cut++)
        assert_int_equal(snappy_expand(arena, str_slice(input, 0, cut), 100, &text, &err),
                         RC_CORRUPT);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read_back),
        cmocka_unit_test(test_damaged_files_are_refused_or_read_but_never_crash),
        cmocka_unit_test(test_counts_that_the_file_cannot_hold_are_refused),
        cmocka_unit_test(test_schemas_that_contain_themselves_are_refused),
        cmocka_unit_test(test_snappy_expands_literals_and_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
