// What ingest/normalize.h promises beyond dlt's recorded cases: exact numbers, options for changed
// types, contract messages, limits of what a record may do.

#include "unit_test.h"

#include "base/decimal.h"
#include "ingest/normalize.h"

struct fixture {
    struct arena *arena;
    struct normalizer *normalizer;
    struct resource resource;
    struct normal_table *table;
};

static void open_fixture(struct fixture *f, const char *resource_json, enum type_change change)
{
    struct err err = {0};
    *f = (struct fixture){.arena = arena_open(NULL)};
    struct json *json = ARENA_NEW(f->arena, struct json);
    assert_int_equal(json_parse(f->arena, str_of(resource_json), "resource", json, &err), RC_OK);
    f->resource = (struct resource){.name = STR("items"),
                                    .table_name = STR("items"),
                                    .max_table_nesting = -1,
                                    .is_selected = true,
                                    .columns = json_get(json, STR("columns")),
                                    .schema_contract = json_get(json, STR("schema_contract"))};
    const struct normalizer_options options = {.load_id = STR("L"), .type_change = change};
    assert_int_equal(normalizer_open(f->arena, &options, &f->normalizer, &err), RC_OK);
    assert_int_equal(normalizer_add_table(f->normalizer, &f->resource, &f->table, &err), RC_OK);
}

static rc add(struct fixture *f, const char *record, struct err *err)
{
    struct json json;
    TRY(json_parse(f->arena, str_of(record), "record", &json, err));
    return normalize_record(f->normalizer, f->table, &json, err);
}

static const struct normal_column *column(const struct fixture *f, const char *name)
{
    const struct normal_column *found = normal_table_find(f->table, str_of(name));
    assert_non_null(found);
    return found;
}

static void assert_type(const struct fixture *f, const char *name, enum data_type type)
{
    assert_string_equal(data_type_name(column(f, name)->type).bytes, data_type_name(type).bytes);
}

static void test_numbers_stay_exact(void **state)
{
    (void)state;
    struct fixture f;
    struct err err = {0};
    open_fixture(&f,
                 "{\"columns\": {\"d\": {\"data_type\": \"decimal\", \"precision\": 38, \"scale\": "
                 "18}}}",
                 TYPE_CHANGE_VARIANT);
    assert_int_equal(add(&f,
                         "{\"i\": 9007199254740993, \"d\": 0.100000000000000005, \"w\": "
                         "12345678901234567890123456789, \"min\": -9223372036854775808}",
                         &err),
                     RC_OK);
    assert_int_equal(column_values_number(&column(&f, "i")->values, 0), INT64_C(9007199254740993));
    assert_int_equal(column_values_number(&column(&f, "min")->values, 0), INT64_MIN);
    assert_type(&f, "w", DATA_WEI);
    const struct decimal d = {column_values_decimal(&column(&f, "d")->values, 0), 18};
    assert_true(str_is(decimal_print(f.arena, d), "0.100000000000000005"));
    arena_close(f.arena);
}

static void test_an_integer_beyond_64_bits_leaves_an_integer_column(void **state)
{
    (void)state;
    struct fixture f;
    struct err err = {0};
    open_fixture(&f, "{}", TYPE_CHANGE_VARIANT);
    assert_int_equal(add(&f, "{\"n\": 1}", &err), RC_OK);
    assert_int_equal(add(&f, "{\"n\": 18446744073709551616}", &err), RC_OK);
    assert_type(&f, "n", DATA_BIGINT);
    assert_type(&f, "n__v_bigint", DATA_WEI);
    arena_close(f.arena);
}

static void test_a_changed_type_follows_the_option(void **state)
{
    (void)state;
    static const struct {
        enum type_change change;
        enum data_type type;
        bool has_variant;
    } cases[] = {{TYPE_CHANGE_VARIANT, DATA_BIGINT, true},
                 {TYPE_CHANGE_WIDEN, DATA_DOUBLE, false},
                 {TYPE_CHANGE_TEXT, DATA_TEXT, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        struct err err = {0};
        open_fixture(&f, "{}", cases[i].change);
        assert_int_equal(add(&f, "{\"n\": 3}", &err), RC_OK);
        assert_int_equal(add(&f, "{\"n\": 1.5}", &err), RC_OK);
        assert_type(&f, "n", cases[i].type);
        assert_int_equal(normal_table_find(f.table, STR("n__v_double")) != NULL,
                         cases[i].has_variant);
        assert_int_equal(f.table->row_count, 2);
        arena_close(f.arena);
    }
}

static void test_on_type_change_fail_names_column_and_value(void **state)
{
    (void)state;
    struct fixture f;
    struct err err = {0};
    open_fixture(&f, "{}", TYPE_CHANGE_FAIL);
    assert_int_equal(add(&f, "{\"n\": 3}", &err), RC_OK);
    assert_int_equal(add(&f, "{\"n\": \"abc\"}", &err), RC_INVALID);
    assert_non_null(strstr(err.message, "column n of table items"));
    assert_non_null(strstr(err.message, "'abc'"));
    arena_close(f.arena);
}

static void test_a_frozen_contract_names_what_is_new(void **state)
{
    (void)state;
    struct fixture f;
    struct err err = {0};
    open_fixture(&f, "{\"schema_contract\": {\"columns\": \"freeze\"}}", TYPE_CHANGE_VARIANT);
    assert_int_equal(add(&f, "{\"a\": 1}", &err), RC_OK);
    f.table->evolves_once = false; // as in a later run
    assert_int_equal(add(&f, "{\"a\": 1, \"b\": \"new\"}", &err), RC_INVALID);
    assert_non_null(strstr(err.message, "new column b (text, value 'new') in table items"));
    assert_int_equal(f.table->row_count, 1);
    arena_close(f.arena);
}

static void test_wrong_hints_are_configuration_errors(void **state)
{
    (void)state;
    struct fixture f;
    struct err err = {0};
    open_fixture(&f, "{}", TYPE_CHANGE_VARIANT);
    struct json hints;
    assert_int_equal(
        json_parse(f.arena, STR("{\"x\": {\"data_type\": \"integer\"}}"), "hints", &hints, &err),
        RC_OK);
    struct resource other = f.resource;
    other.table_name = STR("other");
    other.columns = &hints;
    struct normal_table *table;
    assert_int_equal(normalizer_add_table(f.normalizer, &other, &table, &err), RC_CONFIG);
    assert_non_null(strstr(err.message, "unknown data_type 'integer'"));
    arena_close(f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_stay_exact),
        cmocka_unit_test(test_an_integer_beyond_64_bits_leaves_an_integer_column),
        cmocka_unit_test(test_a_changed_type_follows_the_option),
        cmocka_unit_test(test_on_type_change_fail_names_column_and_value),
        cmocka_unit_test(test_a_frozen_contract_names_what_is_new),
        cmocka_unit_test(test_wrong_hints_are_configuration_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
