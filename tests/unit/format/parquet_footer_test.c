// What format/parquet_footer.h promises, on a footer that pyarrow wrote, whole and damaged.

#include "unit_test.h"

#include "format/parquet_footer.h"
#include "parquet_footer_sample.h"

static const struct str sample = {parquet_sample, PARQUET_SAMPLE_BYTES};

static void test_schema_has_types_ids_and_structure(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct parquet_footer footer;
    struct err err;
    static const struct {
        const char *path;
        enum parquet_type type;
        enum parquet_logical logical;
        int32_t field_id;
    } expected[] = {
        {"id", PARQUET_INT64, PARQUET_LOGICAL_NONE, 1},
        {"name", PARQUET_BYTE_ARRAY, PARQUET_LOGICAL_STRING, 2},
        {"price", PARQUET_FIXED_LEN_BYTE_ARRAY, PARQUET_LOGICAL_DECIMAL, 3},
        {"at", PARQUET_INT64, PARQUET_LOGICAL_TIMESTAMP, 4},
        {"tags", PARQUET_NO_TYPE, PARQUET_LOGICAL_LIST, 5},
        {"tags.list", PARQUET_NO_TYPE, PARQUET_LOGICAL_NONE, -1},
        {"tags.list.element", PARQUET_BYTE_ARRAY, PARQUET_LOGICAL_STRING, 6},
        {"ratio", PARQUET_DOUBLE, PARQUET_LOGICAL_NONE, 7},
    };
    assert_int_equal(parquet_footer_of_file(arena, sample, "sample", &footer, &err), RC_OK);
    assert_int_equal(footer.element_count, 9);
    assert_int_equal(footer.leaf_count, 6);
    assert_true(footer.has_field_ids);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct parquet_element *element = &footer.elements[i + 1];
        const struct str path = parquet_path(arena, &footer, (int32_t)i + 1);
        assert_true(str_is(path, expected[i].path));
        assert_int_equal(element->type, expected[i].type);
        assert_int_equal(element->logical, expected[i].logical);
        assert_int_equal(element->field_id, expected[i].field_id);
    }
    assert_int_equal(footer.elements[1].repetition, PARQUET_REQUIRED);
    assert_int_equal(footer.elements[3].precision, 9);
    assert_int_equal(footer.elements[3].scale, 2);
    assert_true(footer.elements[4].is_utc);
    assert_int_equal(footer.elements[4].unit, PARQUET_MICROS);
    arena_close(arena);
}

static void test_row_groups_have_statistics_and_offsets(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct parquet_footer footer;
    struct err err;
    int64_t number;
    assert_int_equal(parquet_footer_of_file(arena, sample, "sample", &footer, &err), RC_OK);
    assert_int_equal(footer.row_count, 3);
    assert_int_equal(footer.row_group_count, 2);
    assert_int_equal(footer.row_groups[0].row_count, 2);
    assert_int_equal(footer.row_groups[0].file_offset, 4);
    const struct parquet_column *id = &footer.row_groups[0].columns[0];
    assert_int_equal(id->value_count, 2);
    assert_int_equal(id->compressed_bytes, 114);
    assert_true(id->has_min && id->has_max && id->has_null_count);
    memcpy(&number, id->max.bytes, sizeof number);
    assert_int_equal(number, 2);
    const struct parquet_column *name = &footer.row_groups[0].columns[1];
    assert_int_equal(name->null_count, 1);
    assert_true(str_is(name->min, "a very long name beyond sixteen"));
    arena_close(arena);
}

static void test_damaged_footers_are_refused_or_read_but_never_crash(void **state)
{
    (void)state;
    char bytes[PARQUET_SAMPLE_BYTES];
    for (size_t cut = 0; cut < sample.length; cut++) {
        struct arena *arena = arena_open(NULL);
        struct parquet_footer footer;
        struct err err;
        assert_int_not_equal(
            parquet_footer_of_file(arena, str_slice(sample, 0, cut), "cut", &footer, &err), RC_OK);
        // without the part in front the footer is shorter than the tail says
        if (cut > 0)
            assert_int_not_equal(parquet_footer_of_file(arena, str_slice(sample, cut, SIZE_MAX),
                                                        "cut", &footer, &err),
                                 RC_OK);
        arena_close(arena);
    }
    for (size_t at = 0; at < sample.length; at++) {
        for (int bit = 0; bit < 8; bit++) {
            struct arena *arena = arena_open(NULL);
            struct parquet_footer footer;
            struct err err;
            memcpy(bytes, parquet_sample, sizeof bytes);
            bytes[at] = (char)(bytes[at] ^ 1 << bit);
            (void)!parquet_footer_of_file(arena, (struct str){bytes, sizeof bytes}, "flipped",
                                          &footer, &err);
            arena_close(arena);
        }
    }
}

static void test_what_is_no_parquet_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *tail;
        rc code;
    } cases[] = {
        {"xxxxPAR2", RC_CORRUPT},
        {"\x10\0\0\0PARE", RC_UNSUPPORTED},
        {"\xff\xff\xff\xffPAR1", RC_LIMIT},
    };
    uint32_t length;
    struct err err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(parquet_footer_length((struct str){cases[i].tail, 8}, "x", &length, &err),
                         cases[i].code);
    assert_int_equal(parquet_footer_length(STR("PAR1"), "x", &length, &err), RC_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_has_types_ids_and_structure),
        cmocka_unit_test(test_row_groups_have_statistics_and_offsets),
        cmocka_unit_test(test_damaged_footers_are_refused_or_read_but_never_crash),
        cmocka_unit_test(test_what_is_no_parquet_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
