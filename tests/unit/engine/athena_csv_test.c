// What engine/athena_csv.h promises: the same records however the bytes are cut.

#include "unit_test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "engine/athena_csv.h"

static const char text[] =
    "\"n\",\"t\"\n\"1\",\"a\"\n\"2\",\n\"3\",\"\"\n,\"it \"\"is\"\",\nso\"\n\"5\",\"e\"\r\n\"6\",f";
static const char expected[] = "1|a;2|NULL;3|;NULL|it \"is\",\nso;5|e;6|f;";

static rc print(void *context, const struct str *fields, size_t row_count, struct err *err)
{
    struct buf *to = context;
    (void)err;
    for (size_t i = 0; i < 2 * row_count; i++) {
        buf_append_str(to, fields[i].bytes != NULL ? fields[i] : STR("NULL"));
        buf_append_byte(to, i % 2 == 0 ? '|' : ';');
    }
    return RC_OK;
}

static void test_records_are_the_same_however_the_bytes_are_cut(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        struct buf out;
        struct athena_csv csv;
        struct err err = {0};
        buf_init(&out, 1000);
        athena_csv_init(&csv, 2, print, &out);
        for (size_t at = 0; at < sizeof text - 1; at += piece)
            assert_int_equal(athena_csv_feed(&csv, str_slice(str_of(text), at, piece),
                                             at + piece >= sizeof text - 1, &err),
                             RC_OK);
        athena_csv_done(&csv);
        buf_append_byte(&out, '\0');
        assert_string_equal(buf_str(&out).bytes, expected);
        buf_done(&out);
    }
}

static void test_a_record_with_other_fields_is_damage(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\"a\"\n", "\"a\",\"b\",\"c\"\n", "\"n\",\"t\"\n\"1\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buf out;
        struct athena_csv csv;
        struct err err = {0};
        buf_init(&out, 1000);
        athena_csv_init(&csv, 2, print, &out);
        assert_int_equal(athena_csv_feed(&csv, str_of(wrong[i]), true, &err), RC_CORRUPT);
        athena_csv_done(&csv);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_are_the_same_however_the_bytes_are_cut),
        cmocka_unit_test(test_a_record_with_other_fields_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
