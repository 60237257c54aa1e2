// What base/progress.h promises: the texts, and that a log line and the live line do not mix.

#include "unit_test.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/progress.h"
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

static void test_numbers_read_well(void **state)
{
    (void)state;
    assert_true(str_is(progress_count(arena, 0), "0"));
    assert_true(str_is(progress_count(arena, 999), "999"));
    assert_true(str_is(progress_count(arena, 1234567), "1,234,567"));
    assert_true(str_is(progress_count(arena, -1000), "-1,000"));
    assert_true(str_is(progress_size(arena, 999), "999 B"));
    assert_true(str_is(progress_size(arena, 4300000), "4.3 MB"));
    assert_true(str_is(progress_size(arena, 999990), "1.0 MB"));
    assert_true(str_is(progress_size(arena, 1234567890123456), "1.2 PB"));
}

static void test_the_line_tells_what_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        struct progress_numbers numbers;
        const char *line;
    } cases[] = {
        {"", {.rows = 12, .bytes = 3400}, "chess: 12 rows, 3.4 kB"},
        {"games",
         {.rows = 5000, .bytes = 1000000, .elapsed_us = 2000000},
         "chess: games: 5,000 rows, 1.0 MB, 2,500 rows/s"},
        {"",
         {.rows = 100, .total_rows = 400, .elapsed_us = 50000000},
         "chess: 100 of 400 rows, 0 B, 2 rows/s, 2 min 30 s left"},
        {"",
         {.rows = 400, .total_rows = 400, .elapsed_us = 50000000},
         "chess: 400 of 400 rows, 0 B, 8 rows/s"},
        {"",
         {.rows = 500, .total_rows = 400, .elapsed_us = 50000000},
         "chess: 500 of 400 rows, 0 B, 10 rows/s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(arena_cstr(arena, progress_line(arena, "chess", str_of(cases[i].label),
                                                            cases[i].numbers)),
                            cases[i].line);
}

static const char *read_all(int fd)
{
    static char text[8192];
    const ssize_t length = read(fd, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void test_a_log_line_wipes_the_live_line_and_it_is_drawn_again(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    const struct log_options log = {.level = LOG_LEVEL_INFO, .fd = ends[1]};
    log_configure(log);
    const struct progress_options options = {
        .what = "chess", .fd = ends[1], .is_terminal = true, .interval_us = 1};
    struct progress *progress = progress_open(arena, options);
    while (time_monotonic_us() % 10 != 0)
        ;
    progress_add(progress, 3, 100);
    assert_non_null(strstr(read_all(ends[0]), "chess: 3 rows, 100 B"));
    log_info("hello");
    assert_non_null(strstr(read_all(ends[0]), "\r\033[Khello\nchess: 3 rows"));
    progress_close(progress);
    assert_string_equal(read_all(ends[0]), "\r\033[K");
    progress_add(progress, 1, 0);
    log_info("behind");
    assert_string_equal(read_all(ends[0]), "behind\n");
    assert_int_equal(progress_rows(progress), 4);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_read_well),
        cmocka_unit_test(test_the_line_tells_what_is_known),
        cmocka_unit_test(test_a_log_line_wipes_the_live_line_and_it_is_drawn_again),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
