// What base/time.h promises. Zones, local times and strftime: the values of Python's zoneinfo and
// datetime.

#include "unit_test.h"

#include "base/time.h"

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

static void test_dates_and_days_go_both_ways_over_400_years(void **state)
{
    (void)state;
    assert_int_equal(time_days_of_date(1970, 1, 1), 0);
    assert_int_equal(time_days_of_date(2000, 3, 1), 11017);
    assert_int_equal(time_days_of_date(1, 1, 1), -719162);
    int64_t previous_year = 0;
    int previous_day = 0, previous_month = 0;
    for (int64_t days = -200000; days < 200000; days++) {
        int64_t year;
        int month, day;
        time_date_of_days(days, &year, &month, &day);
        assert_int_equal(time_days_of_date(year, month, day), days);
        assert_in_range(day, 1, time_days_in_month(year, month));
        if (days > -200000 && day != previous_day + 1) {
            assert_int_equal(day, 1);
            assert_int_equal(previous_day, time_days_in_month(previous_year, previous_month));
        }
        previous_year = year;
        previous_month = month;
        previous_day = day;
    }
    assert_int_equal(time_weekday(0), 3);
    assert_int_equal(time_weekday(-4), 6);
}

static const struct {
    const char *text;
    int64_t us;
    bool has_time, has_offset;
    int offset_seconds;
} iso[] = {
    {"1970-01-01", 0, false, false, 0},
    {"2024-01-31T10:20:30Z", 1706696430000000, true, true, 0},
    {"2024-01-31 10:20:30.123456789+02:00", 1706689230123456, true, true, 7200},
    {"20240131T102030Z", 1706696430000000, true, true, 0},
    {"2024-01-31T10:20", 1706696400000000, true, false, 0},
    {"2024-01-31T10", 1706695200000000, true, false, 0},
    {"2024-01-31T24:00:00Z", 1706745600000000, true, true, 0},
    {"2024-01-31T10:20:30,5-0330", 1706709030500000, true, true, -12600},
    {"2024-W05-3", 1706659200000000, false, false, 0},
    {"2024W053", 1706659200000000, false, false, 0},
    {"2024-031", 1706659200000000, false, false, 0},
    {"2024-02", 1706745600000000, false, false, 0},
    {"10:20:30", 37230000000, true, false, 0},
    {"1969-12-31T23:59:59.999999Z", -1, true, true, 0},
    {"0001-01-01T00:00:00Z", -62135596800000000, true, true, 0},
};

static void test_iso_8601_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof iso / sizeof iso[0]; i++) {
        struct time_text time;
        struct err err;
        if (time_parse_iso(str_of(iso[i].text), &time, &err) != RC_OK)
            fail_msg("%s", err.message);
        if (time.us != iso[i].us)
            fail_msg("%s: %lld", iso[i].text, (long long)time.us);
        assert_int_equal(time.has_time, iso[i].has_time);
        assert_int_equal(time.has_offset, iso[i].has_offset);
        assert_int_equal(time.offset_seconds, iso[i].offset_seconds);
    }
}

static void test_what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "2024",
        "202401",
        "2024-13-01",
        "2024-02-30",
        "2024-1-1",
        "2024-01-31T",
        "2024-01-31 ",
        "2024-01-31T25:00",
        "2024-01-31T10:60",
        "2024-W54-1",
        "2023-366",
        "hello",
        "2024-01-31T10:20:30+24:00",
        "2024-01-31T10:20:30.Z",
        "2024-01-31x",
        "12",
        "2024-01-31T24:00:01",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct time_text time;
        if (time_parse_iso(str_of(texts[i]), &time, NULL) != RC_INVALID)
            fail_msg("%s was read", texts[i]);
    }
    int64_t us;
    assert_int_equal(time_parse_rfc3339(STR("2024-01-31T10:20:30"), &us, NULL), RC_INVALID);
    assert_int_equal(time_parse_rfc3339(STR("20240131T102030Z"), &us, NULL), RC_INVALID);
    assert_int_equal(time_parse_rfc3339(STR("2024-01-31T10:20:30.25Z"), &us, NULL), RC_OK);
    assert_int_equal(us, 1706696430250000);
}

static void test_the_three_http_dates_are_one_time(void **state)
{
    (void)state;
    static const char *const texts[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    int64_t us;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(time_parse_http_date(str_of(texts[i]), &us, NULL), RC_OK);
        assert_int_equal(us, 784111777000000);
    }
    assert_true(str_is(time_format(arena, us, TIME_HTTP_DATE), texts[0]));
    assert_int_equal(time_parse_http_date(STR("Sun, 31 Feb 1994 08:49:37 GMT"), &us, NULL),
                     RC_INVALID);
    assert_int_equal(time_parse_http_date(STR("120"), &us, NULL), RC_INVALID);
}

static void test_times_are_written(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        enum time_style style;
        const char *text;
    } cases[] = {
        {1706696430500000, TIME_ISO_Z, "2024-01-31T10:20:30.5Z"},
        {1706696430000000, TIME_ISO_Z, "2024-01-31T10:20:30Z"},
        {1706696430500000, TIME_ISO_MICROS, "2024-01-31T10:20:30.500000+00:00"},
        {1706696430000000, TIME_ISO_PYTHON, "2024-01-31T10:20:30+00:00"},
        {1706696430000001, TIME_ISO_PYTHON, "2024-01-31T10:20:30.000001+00:00"},
        {-1, TIME_ISO_NAIVE, "1969-12-31T23:59:59.999999"},
        {-62135596800000000, TIME_DATE, "0001-01-01"},
        {1706696430500000, TIME_COMPACT, "20240131T102030Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(arena_cstr(arena, time_format(arena, cases[i].us, cases[i].style)),
                            cases[i].text);
}

static void test_strftime_writes_what_python_writes(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *format, *text;
    } cases[] = {
        {1706696430123456LL, "%Y-%m-%d %H:%M:%S.%f %j %a %A %b %B %p %I %y %%",
         "2024-01-31 10:20:30.123456 031 Wed Wednesday Jan January AM 10 24 %"},
        {-1LL, "%Y-%m-%dT%H:%M:%S.%f", "1969-12-31T23:59:59.999999"},
        {1704067200000000LL, "%G-W%V-%u %U %W %w", "2024-W01-1 00 01 1"},
        {1735603200000000LL, "%G-W%V-%u %U %W %w", "2025-W01-2 52 53 2"},
        {0LL, "%D %T %R %F %e %C", "01/01/70 00:00:00 00:00 1970-01-01  1 19"},
        {951782400000000LL, "%c|%x|%X", "Tue Feb 29 00:00:00 2000|02/29/00|00:00:00"},
        {1706696430000000, "%-d.%-m. %s", "31.1. 1706696430"},
        {1706696430000000, "%z|%:z|%Z|%Q", "+0530|+05:30|IST|%Q"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const bool has_zone = strstr(cases[i].format, "%z") != NULL;
        const struct time_strftime_options options = {
            .has_offset = has_zone,
            .offset_seconds = has_zone ? 19800 : 0,
            .zone_name = has_zone ? STR("IST") : STR(""),
        };
        assert_string_equal(
            arena_cstr(arena, time_strftime(arena, cases[i].us, str_of(cases[i].format), options)),
            cases[i].text);
    }
}

static void test_strptime_reads_what_python_reads(void **state)
{
    (void)state;
    static const struct {
        const char *text, *format;
        int64_t us; // -1: refused
    } cases[] = {
        {"2024-01-31", "%Y-%m-%d", 1706659200000000},
        {"31/Jan/2024 10:20:30 PM", "%d/%b/%Y %I:%M:%S %p", 1706739630000000},
        {"Wednesday, January 31, 24", "%A, %B %d, %y", 1706659200000000},
        {"2024-01-31T10:20:30.25+02:00", "%Y-%m-%dT%H:%M:%S.%f%z", 1706689230250000},
        {"2024-031", "%Y-%j", 1706659200000000},
        {"1706696430", "%s", 1706696430000000},
        {"2024-02-30", "%Y-%m-%d", -1},
        {"2024-01-31x", "%Y-%m-%d", -1},
        {"2024", "%Y-%m", -1},
        {"13", "%m", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct time_text time = {.us = -1};
        const rc code = time_strptime(str_of(cases[i].text), str_of(cases[i].format), &time, NULL);
        assert_int_equal(code, cases[i].us == -1 ? RC_INVALID : RC_OK);
        assert_int_equal(time.us, cases[i].us);
    }
}

static const struct {
    const char *zone;
    int64_t seconds;
    int offset_seconds;
    const char *abbreviation;
} offsets[] = {
    {"Europe/Berlin", 1942859575, 7200, "CEST"},
    {"Europe/Berlin", -204257712, 3600, "CET"},
    {"Europe/Berlin", -698404309, 3600, "CET"},
    {"Europe/Berlin", 7160556536, 3600, "CET"},
    {"Europe/Berlin", -820580107, 3600, "CET"},
    {"America/Los_Angeles", -2838957352, -28378, "LMT"},
    {"America/Los_Angeles", 3157461338, -28800, "PST"},
    {"America/Los_Angeles", -2699973233, -28800, "PST"},
    {"America/Los_Angeles", 5979544025, -25200, "PDT"},
    {"America/Los_Angeles", -1176703962, -28800, "PST"},
    {"America/New_York", 6548738649, -14400, "EDT"},
    {"America/New_York", 1070378921, -18000, "EST"},
    {"America/New_York", -1296270316, -18000, "EST"},
    {"America/New_York", 1192983756, -14400, "EDT"},
    {"America/New_York", 5790005680, -14400, "EDT"},
    {"Asia/Kolkata", 687093963, 19800, "IST"},
    {"Asia/Kolkata", 2538829718, 19800, "IST"},
    {"Asia/Kolkata", 6209505444, 19800, "IST"},
    {"Asia/Kolkata", 6095848384, 19800, "IST"},
    {"Asia/Kolkata", 6914853944, 19800, "IST"},
    {"Australia/Lord_Howe", -2223786101, 36000, "AEST"},
    {"Australia/Lord_Howe", -255887545, 36000, "AEST"},
    {"Australia/Lord_Howe", -1400564733, 36000, "AEST"},
    {"Australia/Lord_Howe", 7942479145, 37800, "+1030"},
    {"Australia/Lord_Howe", 5859611191, 37800, "+1030"},
    {"America/Sao_Paulo", 5845919668, -10800, "-03"},
    {"America/Sao_Paulo", 2179553247, -10800, "-03"},
    {"America/Sao_Paulo", 2644219119, -10800, "-03"},
    {"America/Sao_Paulo", 3241379376, -10800, "-03"},
    {"America/Sao_Paulo", -1712510547, -10800, "-03"},
    {"Africa/Casablanca", 411833895, 0, "+00"},
    {"Africa/Casablanca", -1951613445, -1820, "LMT"},
    {"Africa/Casablanca", 3762098351, 3600, "+01"},
    {"Africa/Casablanca", 3550669089, 3600, "+01"},
    {"Africa/Casablanca", 5053654215, 3600, "+01"},
    {"Pacific/Apia", 4427910944, 46800, "+13"},
    {"Pacific/Apia", 6826617864, 46800, "+13"},
    {"Pacific/Apia", 1209818936, -39600, "-11"},
    {"Pacific/Apia", 6097023248, 46800, "+13"},
    {"Pacific/Apia", -1204176152, -41400, "-1130"},
    {"Europe/Dublin", 4546862847, 0, "GMT"},
    {"Europe/Dublin", 3395047810, 3600, "IST"},
    {"Europe/Dublin", -130034736, 0, "GMT"},
    {"Europe/Dublin", 2642502604, 3600, "IST"},
    {"Europe/Dublin", 4281238159, 3600, "IST"},
    {"Asia/Tehran", 3847766477, 12600, "+0330"},
    {"Asia/Tehran", -1040613014, 12600, "+0330"},
    {"Asia/Tehran", 607634174, 12600, "+0330"},
    {"Asia/Tehran", 5352341718, 12600, "+0330"},
    {"Asia/Tehran", 7626171433, 12600, "+0330"},
    {"Antarctica/Troll", -147487974, 0, "-00"},
    {"Antarctica/Troll", 5850507787, 7200, "+02"},
    {"Antarctica/Troll", 4307852598, 7200, "+02"},
    {"Antarctica/Troll", 4825107365, 0, "+00"},
    {"Antarctica/Troll", 6812263087, 0, "+00"},
    {"UTC", 4166808862, 0, "UTC"},
    {"UTC", 3277933458, 0, "UTC"},
    {"UTC", 6311696870, 0, "UTC"},
    {"UTC", 1797889912, 0, "UTC"},
    {"UTC", -2746792704, 0, "UTC"},
    // The second before each change and the change itself, also far behind the last one in the
    // file.
    {"Europe/Berlin", 1711846799, 3600, "CET"},
    {"Europe/Berlin", 1711846800, 7200, "CEST"},
    {"Europe/Berlin", 1729990799, 7200, "CEST"},
    {"Europe/Berlin", 1729990800, 3600, "CET"},
    {"Europe/Berlin", 2311203599, 3600, "CET"},
    {"Europe/Berlin", 2311203600, 7200, "CEST"},
    {"Europe/Berlin", 2329347599, 7200, "CEST"},
    {"Europe/Berlin", 2329347600, 3600, "CET"},
    {"Europe/Berlin", 2342653199, 3600, "CET"},
    {"Europe/Berlin", 2342653200, 7200, "CEST"},
    {"Europe/Berlin", 2361401999, 7200, "CEST"},
    {"Europe/Berlin", 2361402000, 3600, "CET"},
    {"Europe/Berlin", 2531955599, 3600, "CET"},
    {"Europe/Berlin", 2531955600, 7200, "CEST"},
    {"Europe/Berlin", 2550704399, 7200, "CEST"},
    {"Europe/Berlin", 2550704400, 3600, "CET"},
    {"Europe/Berlin", 2689808399, 3600, "CET"},
    {"Europe/Berlin", 2689808400, 7200, "CEST"},
    {"Europe/Berlin", 2708557199, 7200, "CEST"},
    {"Europe/Berlin", 2708557200, 3600, "CET"},
    {"Europe/Berlin", 2879110799, 3600, "CET"},
    {"Europe/Berlin", 2879110800, 7200, "CEST"},
    {"Europe/Berlin", 2897859599, 7200, "CEST"},
    {"Europe/Berlin", 2897859600, 3600, "CET"},
    {"America/New_York", 1173596399, -18000, "EST"},
    {"America/New_York", 1173596400, -14400, "EDT"},
    {"America/New_York", 1194155999, -14400, "EDT"},
    {"America/New_York", 1194156000, -18000, "EST"},
    {"America/New_York", 2372914799, -18000, "EST"},
    {"America/New_York", 2372914800, -14400, "EDT"},
    {"America/New_York", 2393474399, -14400, "EDT"},
    {"America/New_York", 2393474400, -18000, "EST"},
    {"America/New_York", 2846473199, -18000, "EST"},
    {"America/New_York", 2846473200, -14400, "EDT"},
    {"America/New_York", 2867032799, -14400, "EDT"},
    {"America/New_York", 2867032800, -18000, "EST"},
    {"Australia/Sydney", 2501078399, 39600, "AEDT"},
    {"Australia/Sydney", 2501078400, 36000, "AEST"},
    {"Australia/Sydney", 2516803199, 36000, "AEST"},
    {"Australia/Sydney", 2516803200, 39600, "AEDT"},
};

static const struct time_zone *zone_of(const char *name)
{
    const struct time_zone *zone = NULL;
    struct err err;
    if (time_zone_load(str_of(name), &zone, &err) != RC_OK)
        fail_msg("%s", err.message);
    return zone;
}

static void test_offsets_are_those_of_zoneinfo(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        const struct time_zone_offset found =
            time_zone_offset_at(zone_of(offsets[i].zone), offsets[i].seconds * TIME_US_PER_SECOND);
        if (found.offset_seconds != offsets[i].offset_seconds ||
            strcmp(found.abbreviation, offsets[i].abbreviation) != 0)
            fail_msg("%s at %lld: %d %s", offsets[i].zone, (long long)offsets[i].seconds,
                     found.offset_seconds, found.abbreviation);
    }
}

static void test_local_times_in_gaps_and_repeated_hours(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t local, first, second;
        enum time_local_kind kind;
    } cases[] = {
        {"Europe/Berlin", 1711852200, 1711848600, 1711845000, TIME_LOCAL_GAP},
        {"Europe/Berlin", 1729996200, 1729989000, 1729992600, TIME_LOCAL_REPEATED},
        {"Europe/Berlin", 1717243200, 1717236000, 1717236000, TIME_LOCAL_NORMAL},
        {"America/Los_Angeles", 1793495700, 1793520900, 1793524500, TIME_LOCAL_REPEATED},
        {"America/Los_Angeles", 1772937900, 1772966700, 1772963100, TIME_LOCAL_GAP},
        {"Australia/Lord_Howe", 1743903900, 1743864300, 1743866100, TIME_LOCAL_REPEATED},
        {"America/Los_Angeles", 2551310100, 2551335300, 2551338900, TIME_LOCAL_REPEATED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us;
        const struct time_zone *zone = zone_of(cases[i].zone);
        const int64_t local = cases[i].local * TIME_US_PER_SECOND;
        assert_int_equal(time_zone_us_of_local(zone, local, 0, &us), cases[i].kind);
        assert_int_equal(us / TIME_US_PER_SECOND, cases[i].first);
        assert_int_equal(time_zone_us_of_local(zone, local, 1, &us), cases[i].kind);
        assert_int_equal(us / TIME_US_PER_SECOND, cases[i].second);
    }
}

static void test_what_is_no_zone_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Nowhere", "", "../etc/passwd", "/etc/passwd",
                                        "a b"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct time_zone *zone;
        assert_int_equal(time_zone_load(str_of(names[i]), &zone, NULL), RC_NOT_FOUND);
    }
    const struct time_zone *zone;
    assert_int_equal(time_zone_load(STR("zone.tab"), &zone, NULL), RC_NOT_FOUND);
    assert_int_equal(time_zone_load(STR("leapseconds"), &zone, NULL), RC_CORRUPT);
}

static void test_durations_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us; // -1: refused
    } cases[] = {
        {"90", 90000000},
        {"90s", 90000000},
        {"1h30m", 5400000000},
        {"250ms", 250000},
        {"1.5h", 5400000000},
        {"2d", 172800000000},
        {"1w", 604800000000},
        {"PT1H30M", 5400000000},
        {"P1DT12H", 129600000000},
        {"5 min", 300000000},
        {"", -1},
        {"h", -1},
        {"3x", -1},
        {"P1M", -1},
        {"1h 30", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us = -1;
        const rc code = time_parse_duration(str_of(cases[i].text), &us, NULL);
        if (us != cases[i].us || (code == RC_OK) != (us != -1))
            fail_msg("%s: %d %lld", cases[i].text, code, (long long)us);
    }
    assert_true(str_is(time_format_duration(arena, 250000), "250 ms"));
    assert_true(str_is(time_format_duration(arena, 3249999), "3.2 s"));
    assert_true(str_is(time_format_duration(arena, 245000000), "4 min 05 s"));
    assert_true(str_is(time_format_duration(arena, 7800000000), "2 h 10 min"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates_and_days_go_both_ways_over_400_years),
        cmocka_unit_test(test_iso_8601_is_read),
        cmocka_unit_test(test_what_is_no_time_is_refused),
        cmocka_unit_test(test_the_three_http_dates_are_one_time),
        cmocka_unit_test(test_times_are_written),
        cmocka_unit_test(test_strftime_writes_what_python_writes),
        cmocka_unit_test(test_strptime_reads_what_python_reads),
        cmocka_unit_test(test_offsets_are_those_of_zoneinfo),
        cmocka_unit_test(test_local_times_in_gaps_and_repeated_hours),
        cmocka_unit_test(test_what_is_no_zone_is_refused),
        cmocka_unit_test(test_durations_are_read_and_written),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
