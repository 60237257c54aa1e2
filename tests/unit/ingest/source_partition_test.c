// Proves: time partitions are found in texts, end by the clock of their zone, and are remembered as
// exact ranges.

#include "unit_test.h"

#include "base/time.h"
#include "ingest/source/time_partition.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_open(NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

static struct time_partition_config config_of(const char *format, const char *zone)
{
    struct json config = {.kind = JSON_OBJECT};
    struct time_partition_config out;
    struct err err = {0};
    *json_object_set(arena, &config, STR("value")) = json_of_str(STR("x"));
    *json_object_set(arena, &config, STR("format")) = json_of_str(str_of(format));
    *json_object_set(arena, &config, STR("timezone")) = json_of_str(str_of(zone));
    if (time_partition_config_read(arena, &config, &out, &err) != RC_OK)
        fail_msg("%s", err.message);
    return out;
}

static void the_last_fit_of_a_text_counts(void **state)
{
    (void)state;
    static const struct {
        const char *format, *text, *name, *rest; // name NULL: nothing fits
    } cases[] = {
        {"%Y/%m", "https://h/2001/02/games/2009/10", "2009-10", "https://h/2001/02/games/"},
        {"%Y/%m", "h/2009/10?page=1", "2009-10", "h/"},
        {"%Y/%m", "h/2009/13", NULL, NULL},
        {"%Y/%m", "h/2009/105", NULL, NULL},
        {"%Y/%m", "h/12009/10", NULL, NULL},
        {"%Y/%m", "h/209/10", NULL, NULL},
        {"%Y", "year-2024", "2024", "year-"},
        {"%Y-%m-%d", "day=2024-02-29", "2024-02-29", "day="},
        {"%Y-%m-%d", "day=2023-02-29", NULL, NULL},
        {"%d.%m.%Y", "24.12.2024", "2024-12-24", ""},
        {"%Y%m%dT%H", "20240131T23", "2024-01-31T23", ""},
        {"%Y%m%dT%H", "20240131T24", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct time_partition_config config = config_of(cases[i].format, "UTC");
        struct time_partition partition;
        struct err err = {0};
        const rc code = time_partition_find(&config, str_of(cases[i].text), &partition, &err);
        if (cases[i].name == NULL) {
            assert_int_equal(code, RC_INVALID);
            continue;
        }
        assert_int_equal(code, RC_OK);
        const struct str name = time_partition_name(arena, config.unit, partition.number);
        assert_string_equal(arena_cstr(arena, name), cases[i].name);
        assert_string_equal(arena_cstr(arena, partition.rest), cases[i].rest);
    }
}

static void they_end_by_the_clock_of_their_zone(void **state)
{
    (void)state;
    static const struct {
        const char *format, *zone, *text, *end; // the first instant behind it
    } cases[] = {
        {"%Y/%m", "America/Los_Angeles", "2024/01", "2024-02-01T08:00:00Z"},
        {"%Y/%m", "America/Los_Angeles", "2024/03", "2024-04-01T07:00:00Z"}, // summer time began
        {"%Y/%m", "UTC", "2024/12", "2025-01-01T00:00:00Z"},
        {"%Y-%m-%d", "Europe/Berlin", "2024-03-31", "2024-03-31T22:00:00Z"}, // 23 hours long
        {"%Y", "Asia/Tokyo", "1969", "1969-12-31T15:00:00Z"},
        {"%Y%m%d%H", "UTC", "2024022923", "2024-03-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct time_partition_config config = config_of(cases[i].format, cases[i].zone);
        struct time_partition partition;
        struct time_text end;
        assert_int_equal(time_partition_find(&config, str_of(cases[i].text), &partition, NULL),
                         RC_OK);
        assert_int_equal(time_parse_iso(str_of(cases[i].end), &end, NULL), RC_OK);
        assert_false(time_partition_is_closed(&config, partition.number, end.us - 1));
        assert_true(time_partition_is_closed(&config, partition.number, end.us));
    }
}

static void ranges_stay_exact(void **state)
{
    (void)state;
    // Any order, with a gap that closes: months as numbers from 1970-01 on.
    static const int64_t added[] = {5, 3, 9, 4, 3, 1, 8, 20};
    struct time_partition_set set, again;
    const struct str key = STR("erik");
    assert_int_equal(time_partition_set_read(&set, arena, TIME_UNIT_MONTH, NULL, NULL), RC_OK);
    for (size_t i = 0; i < sizeof added / sizeof *added; i++)
        time_partition_set_add(&set, key, added[i]);
    const struct json state_json = time_partition_set_state(&set, arena);
    assert_string_equal(
        arena_cstr(arena, json_print(arena, &state_json, JSON_COMPACT)),
        "{\"erik\":[\"1970-02\",\"1970-04/1970-06\",\"1970-09/1970-10\",\"1971-09\"]}");
    assert_int_equal(time_partition_set_read(&again, arena, TIME_UNIT_MONTH, &state_json, NULL),
                     RC_OK);
    for (int64_t n = -3; n < 25; n++) {
        bool is_added = false;
        for (size_t i = 0; i < sizeof added / sizeof *added; i++)
            is_added |= added[i] == n;
        assert_int_equal(time_partition_set_has(&set, key, n), is_added);
        assert_int_equal(time_partition_set_has(&again, key, n), is_added);
        assert_false(time_partition_set_has(&set, STR("other"), n));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_fit_of_a_text_counts),
        TEST(they_end_by_the_clock_of_their_zone),
        TEST(ranges_stay_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
