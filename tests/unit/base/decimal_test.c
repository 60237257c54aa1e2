// What base/decimal.h promises: exact digits, half-even rounding, the edges at 38 digits.

#include "unit_test.h"

#include "base/decimal.h"

static const char nines[] = "99999999999999999999999999999999999999"; // 38

static const char *text_of(struct decimal decimal)
{
    static char text[4][DECIMAL_TEXT_BYTES];
    static int next;
    next = (next + 1) % 4;
    decimal_write(decimal, text[next]);
    return text[next];
}

static struct decimal parse(const char *text)
{
    struct decimal decimal = {0};
    struct err err;
    if (decimal_parse(str_of(text), &decimal, &err) != RC_OK)
        fail_msg("%s: %s", text, err.message);
    return decimal;
}

static void test_numbers_are_read_with_their_scale(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed;
    } cases[] = {
        {"0", "0"},
        {"-0.0", "0.0"},
        {"1.10", "1.10"},
        {"+3", "3"},
        {".5", "0.5"},
        {"5.", "5"},
        {"1e3", "1000"},
        {"1.5E-3", "0.0015"},
        {"-12.50", "-12.50"},
        {"0e50", "0"},
        {"000123", "123"},
        {nines, nines},
        {"0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001"},
        {"100e-40", "0.00000000000000000000000000000000000001"},
        {"-0.05", "-0.05"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(text_of(parse(cases[i].text)), cases[i].printed);
}

static void test_what_is_no_decimal_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        rc code;
    } cases[] = {
        {"", RC_INVALID},
        {"-", RC_INVALID},
        {".", RC_INVALID},
        {"1.2.3", RC_INVALID},
        {"1e", RC_INVALID},
        {"1e+", RC_INVALID},
        {"NaN", RC_INVALID},
        {"Infinity", RC_INVALID},
        {"1 ", RC_INVALID},
        {"0x1", RC_INVALID},
        {"1e38", RC_LIMIT},
        {"1e-39", RC_LIMIT},
        {"1e999999999999999999999", RC_LIMIT},
        {"100000000000000000000000000000000000000", RC_LIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct decimal decimal;
        if (decimal_parse(str_of(cases[i].text), &decimal, NULL) != cases[i].code)
            fail_msg("%s", cases[i].text);
    }
}

static void test_rescaling_rounds_half_to_even_or_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int scale;
        const char *rounded;
    } cases[] = {
        {"1.25", 1, "1.2"},    {"1.35", 1, "1.4"},   {"-1.25", 1, "-1.2"},
        {"-1.251", 1, "-1.3"}, {"0.5", 0, "0"},      {"1.5", 0, "2"},
        {"2.5", 0, "2"},       {"1.2", 4, "1.2000"}, {"0.0005", 3, "0.000"},
    };
    struct decimal_rescale_options rounding = {.may_round = true}, exact = {0};
    struct decimal result;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct decimal decimal = parse(cases[i].text);
        assert_int_equal(decimal_rescale(decimal, cases[i].scale, rounding, &result, NULL), RC_OK);
        assert_string_equal(text_of(result), cases[i].rounded);
    }
    assert_int_equal(decimal_rescale(parse("1.25"), 1, exact, &result, NULL), RC_INVALID);
    assert_int_equal(decimal_rescale(parse("1.20"), 1, exact, &result, NULL), RC_OK);
    assert_int_equal(decimal_rescale(parse(nines), 1, exact, &result, NULL), RC_LIMIT);
    assert_int_equal(decimal_rescale(parse("12"), 36, exact, &result, NULL), RC_OK); // 38 digits
    assert_int_equal(decimal_rescale(parse("12"), 37, exact, &result, NULL), RC_LIMIT);
    assert_int_equal(decimal_rescale(parse("0"), 38, exact, &result, NULL), RC_OK);
    assert_true(decimal_fits(parse("123.40"), 4, 1));
    assert_false(decimal_fits(parse("1234.5"), 4, 1));
    assert_false(decimal_fits(parse("1.25"), 4, 1));
    assert_true(decimal_fits(parse("0.00"), 1, 0));
}

static void test_values_are_compared_across_scales(void **state)
{
    (void)state;
    assert_int_equal(decimal_compare(parse("1.10"), parse("1.1")), 0);
    assert_int_equal(decimal_compare(parse("-1.1"), parse("-1.10001")), 1);
    assert_int_equal(decimal_compare(parse("-0.1"), parse("0.1")), -1);
    assert_int_equal(decimal_compare(parse(nines), parse("0.00000000000000000000000000000001")), 1);
    assert_int_equal(
        decimal_compare(parse("0.5"), parse("0.49999999999999999999999999999999999999")), 1);
}

static void test_arithmetic_is_exact_and_ends_at_38_digits(void **state)
{
    (void)state;
    struct decimal sum;
    assert_int_equal(decimal_add(parse("0.1"), parse("0.25"), &sum, NULL), RC_OK);
    assert_string_equal(text_of(sum), "0.35");
    assert_int_equal(decimal_subtract(parse("1"), parse("0.001"), &sum, NULL), RC_OK);
    assert_string_equal(text_of(sum), "0.999");
    assert_int_equal(decimal_multiply(parse("-1.50"), parse("0.04"), &sum, NULL), RC_OK);
    assert_string_equal(text_of(sum), "-0.060");
    assert_int_equal(decimal_add(parse(nines), parse("1"), &sum, NULL), RC_LIMIT);
    assert_int_equal(decimal_multiply(parse(nines), parse("2"), &sum, NULL), RC_LIMIT);
    assert_int_equal(decimal_multiply(parse(nines), parse(nines), &sum, NULL), RC_LIMIT);
}

static void test_bytes_are_the_fewest_of_twos_complement(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        const char *bytes;
        size_t length;
    } cases[] = {
        {0, "\0", 1},    {1, "\1", 1},      {127, "\x7f", 1},      {128, "\0\x80", 2},
        {-1, "\xff", 1}, {-128, "\x80", 1}, {-129, "\xff\x7f", 2}, {1420, "\x05\x8c", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char bytes[16];
        assert_int_equal(decimal_to_bytes(cases[i].number, bytes), cases[i].length);
        assert_memory_equal(bytes, cases[i].bytes, cases[i].length);
        assert_true(decimal_of_bytes(bytes, cases[i].length) == cases[i].number);
    }
    unsigned char bytes[16];
    const struct decimal largest = parse(nines);
    assert_int_equal(decimal_to_bytes(-largest.unscaled, bytes), 16);
    assert_true(decimal_of_bytes(bytes, 16) == -largest.unscaled);
}

static void test_doubles_and_integers_go_both_ways(void **state)
{
    (void)state;
    struct decimal decimal;
    assert_int_equal(decimal_of_double(0.1, &decimal, NULL), RC_OK);
    assert_string_equal(text_of(decimal), "0.1");
    assert_true(decimal_to_double(parse("0.3")) == 0.3);
    assert_int_equal(decimal_of_double(__builtin_nan(""), &decimal, NULL), RC_INVALID);
    int64_t number;
    assert_true(decimal_to_int64(parse("-9223372036854775808.0"), &number));
    assert_true(number == INT64_MIN);
    assert_false(decimal_to_int64(parse("9223372036854775808"), &number));
    assert_false(decimal_to_int64(parse("1.5"), &number));
    assert_int_equal(decimal_precision(parse("0")), 1);
    assert_int_equal(decimal_precision(parse(nines)), 38);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_read_with_their_scale),
        cmocka_unit_test(test_what_is_no_decimal_is_refused),
        cmocka_unit_test(test_rescaling_rounds_half_to_even_or_refuses),
        cmocka_unit_test(test_values_are_compared_across_scales),
        cmocka_unit_test(test_arithmetic_is_exact_and_ends_at_38_digits),
        cmocka_unit_test(test_bytes_are_the_fewest_of_twos_complement),
        cmocka_unit_test(test_doubles_and_integers_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
