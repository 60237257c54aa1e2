// What iceberg/transform.h, partition_spec.h and sort_order.h promise. Expected values are those of
// the Iceberg spec and of the reference implementation's unit tests, not of this program.

#include "unit_test.h"

#include "iceberg/partition_spec.h"
#include "iceberg/sort_order.h"

static struct err err;

// clang-format off
#define INT(type_, n) {.type = (type_), .integer = (n)}
#define TEXT(literal) {.type = TYPE_STRING, .bytes = {(literal), sizeof(literal) - 1}}
#define NULL_OF(type_) {.type = (type_), .is_null = true}
// clang-format on

static const struct {
    const char *transform;
    struct value in, out;
} applied[] = {
    {"identity", INT(TYPE_LONG, 7), INT(TYPE_LONG, 7)},
    {"bucket[2147483647]", INT(TYPE_INT, 34), INT(TYPE_INT, 2017239379)},
    {"bucket[2147483647]", INT(TYPE_LONG, 34), INT(TYPE_INT, 2017239379)},
    {"bucket[2147483647]", TEXT("iceberg"), INT(TYPE_INT, 1210000089)},
    {"truncate[10]", INT(TYPE_INT, -1), INT(TYPE_INT, -10)},
    {"truncate[10]", INT(TYPE_LONG, INT64_MIN), INT(TYPE_LONG, INT64_MAX - 1)}, // wraps, as in Java
    {"truncate[2]", TEXT("\xc3\xa9\xe6\x9d\xb1x"), TEXT("\xc3\xa9\xe6\x9d\xb1")},
    {"truncate[3]", TEXT("ab"), TEXT("ab")},
    {"year", INT(TYPE_DATE, 17501), INT(TYPE_INT, 47)}, // 2017-12-01
    {"month", INT(TYPE_DATE, 17501), INT(TYPE_INT, 575)},
    {"month", INT(TYPE_DATE, 18321), INT(TYPE_INT, 601)}, // 2020-02-29
    {"day", INT(TYPE_TIMESTAMP, 1512151975038194), INT(TYPE_DATE, 17501)},
    {"hour", INT(TYPE_TIMESTAMP_NS, 1512151975038194000), INT(TYPE_INT, 420042)},
    {"year", INT(TYPE_DATE, -1), INT(TYPE_INT, -1)}, // 1969-12-31: down, not towards zero
    {"month", INT(TYPE_DATE, -1), INT(TYPE_INT, -1)},
    {"hour", INT(TYPE_TIMESTAMPTZ, -1), INT(TYPE_INT, -1)},
    {"bucket[4]", NULL_OF(TYPE_STRING), NULL_OF(TYPE_INT)},
    {"void", INT(TYPE_LONG, 7), NULL_OF(TYPE_LONG)},
};

static void test_apply_gives_the_values_of_the_spec(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof applied / sizeof applied[0]; i++) {
        struct transform transform;
        struct value out;
        assert_int_equal(transform_parse(str_of(applied[i].transform), &transform, &err), RC_OK);
        assert_int_equal(transform_apply(transform, applied[i].in, &out, &err), RC_OK);
        assert_int_equal(out.type, applied[i].out.type);
        assert_true(value_same(out, applied[i].out));
    }
}

static void test_parse_refuses_wrong_parameters_and_keeps_unknown_names(void **state)
{
    (void)state;
    static const char *const refused[] = {"bucket[0]", "bucket", "bucket[99999999999999999999]",
                                          "truncate[-1]", "truncate[4"};
    struct transform transform;
    struct type result;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(transform_parse(str_of(refused[i]), &transform, &err), RC_INVALID);
    assert_int_equal(transform_parse(STR("zorder[a,b]"), &transform, &err), RC_OK);
    assert_int_equal(transform.kind, TRANSFORM_UNKNOWN);
    const struct type type = type_of(TYPE_INT);
    assert_int_equal(transform_result_type(transform, &type, &result, &err), RC_UNSUPPORTED);
    const struct transform hour = {.kind = TRANSFORM_HOUR};
    const struct type date = type_of(TYPE_DATE);
    assert_int_equal(transform_result_type(hour, &date, &result, &err), RC_INVALID);
    assert_string_equal(err.message, "hour of date is not defined");
}

static void test_specs_and_orders_are_read_from_texts(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct schema schema = {0};
    struct partition_spec spec;
    struct sort_order order;
    struct str sql;
    assert_int_equal(type_parse_text(arena, STR("struct<id: long, at: timestamptz, \"q\": string>"),
                                     &schema.root, &err),
                     RC_OK);
    schema = schema_assign_ids(arena, &schema, 0, NULL);
    const struct str calls[] = {STR("month(at)"), STR("bucket(16, id)"), STR("truncate(id, 10)"),
                                STR("id")};
    static const char *const names[] = {"at_month", "id_bucket_16", "id_trunc_10", "id"};
    assert_int_equal(partition_spec_of_calls(arena, &schema, calls, 4, &spec, &err), RC_OK);
    for (size_t i = 0; i < 4; i++)
        assert_true(str_is(spec.fields[i].name, names[i]));
    const struct str orders[] = {STR("at desc"), STR("id asc nulls last")};
    assert_int_equal(sort_order_of_calls(arena, &schema, orders, 2, &order, &err), RC_OK);
    assert_int_equal(sort_order_sql(arena, &order, &schema, &sql, &err), RC_OK);
    assert_true(str_is(sql, "\"at\" DESC NULLS LAST, \"id\" ASC NULLS LAST"));
    static const char *const wrong[] = {"nope", "hour(id)", "bucket(id)", "monht(at)", "month(at"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct str call = str_of(wrong[i]);
        assert_int_equal(partition_spec_of_calls(arena, &schema, &call, 1, &spec, &err),
                         RC_INVALID);
    }
    arena_close(arena);
}

static void test_values_keep_their_order_and_text(void **state)
{
    (void)state;
    static const struct {
        const char *type, *small, *large;
    } pairs[] = {
        {"int", "-5", "3"},
        {"double", "-0.0", "0.0"},
        {"double", "1.5", "NaN"},
        {"decimal(38, 2)", "-99999999999999999999999999999999.01", "0.01"},
        {"date", "1969-12-31", "2024-02-29"},
        {"time", "00:00:00.000001", "23:59:59"},
        {"timestamp_ns", "2024-01-01T00:00:00.000000001", "2024-01-01T00:00:00.000000002"},
        {"uuid", "00000000-0000-0000-0000-000000000001", "f79c3e09-677c-4bbd-a479-3f349cb785e7"},
        {"string", "a", "\xc3\xa9"},
    };
    struct arena *arena = arena_open(NULL);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct type type;
        struct value small, large;
        assert_int_equal(type_parse_text(arena, str_of(pairs[i].type), &type, &err), RC_OK);
        assert_int_equal(value_parse_text(arena, &type, str_of(pairs[i].small), &small, &err),
                         RC_OK);
        assert_int_equal(value_parse_text(arena, &type, str_of(pairs[i].large), &large, &err),
                         RC_OK);
        assert_true(value_order(small, large) < 0);
        assert_true(value_order(large, small) > 0);
        struct value back;
        const struct str bytes = value_encode(arena, small);
        assert_int_equal(value_decode(&type, bytes, &back, &err), RC_OK);
        assert_true(value_same(small, back));
        assert_true(str_is(value_show(arena, small), pairs[i].small));
    }
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apply_gives_the_values_of_the_spec),
        cmocka_unit_test(test_parse_refuses_wrong_parameters_and_keeps_unknown_names),
        cmocka_unit_test(test_specs_and_orders_are_read_from_texts),
        cmocka_unit_test(test_values_keep_their_order_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
