// What cli/output.h promises: tables as aligned text, JSON, JSON Lines and CSV; a reader that goes
// away.

#include <signal.h>
#include <unistd.h>

#include "unit_test.h"

#include "cli/output.h"

static const struct output_column columns[] = {{STR_INIT("name"), OUTPUT_STRING},
                                               {STR_INIT("n"), OUTPUT_NUMBER},
                                               {STR_INIT("more"), OUTPUT_VALUE}};

/// Writes a table through a pipe and returns what came out.
static struct str print_table(struct arena *arena, struct output_options options, size_t rows)
{
    static const struct output_cell cells[][3] = {
        {{STR_INIT("plain"), false}, {STR_INIT("1.10"), false}, {STR_INIT("[1]"), false}},
        {{STR_INIT("\xe6\x9d\xb1\xe4\xba\xac"), false}, {STR_INIT("200"), false}, {{0}, true}},
        {{STR_INIT("a,\"b\"\n\x1b[2J"), false}, {STR_INIT("inf"), false}, {STR_INIT(""), false}},
    };
    int ends[2];
    char bytes[8192];
    struct err err;
    assert_int_equal(pipe(ends), 0);
    options.fd = ends[1];
    struct output *output = output_open(arena, options);
    assert_int_equal(output_table_begin(output, columns, 3, "nothing", &err), RC_OK);
    for (size_t i = 0; i < rows; i++)
        assert_int_equal(output_row(output, cells[i], &err), RC_OK);
    assert_int_equal(output_table_end(output, &err), RC_OK);
    assert_int_equal(output_flush(output, &err), RC_OK);
    close(ends[1]);
    const ssize_t length = read(ends[0], bytes, sizeof bytes);
    close(ends[0]);
    assert_true(length >= 0);
    return arena_str(arena, (struct str){bytes, (size_t)length});
}

static void test_each_format_shows_the_same_rows(void **state)
{
    (void)state;
    static const struct {
        struct output_options options;
        size_t rows;
        const char *wanted;
    } cases[] = {
        {{.format = OUTPUT_TEXT}, 0, "nothing\n"},
        {{.format = OUTPUT_TEXT},
         2,
         "name      n  more\n"
         "-----  ----  ----\n"
         "plain  1.10  [1]\n"
         "\xe6\x9d\xb1\xe4\xba\xac    200  \n"},
        {{.format = OUTPUT_JSON}, 0, "[]\n"},
        {{.format = OUTPUT_JSON},
         3,
         "[\n  {\"name\": \"plain\", \"n\": 1.10, \"more\": [1]},\n"
         "  {\"name\": \"\xe6\x9d\xb1\xe4\xba\xac\", \"n\": 200, \"more\": null},\n"
         "  {\"name\": \"a,\\\"b\\\"\\n\\u001b[2J\", \"n\": \"inf\", \"more\": \"\"}\n]\n"},
        {{.format = OUTPUT_LINES}, 1, "{\"name\": \"plain\", \"n\": 1.10, \"more\": [1]}\n"},
        {{.format = OUTPUT_CSV},
         3,
         "name,n,more\r\nplain,1.10,[1]\r\n\xe6\x9d\xb1\xe4\xba\xac,200,\r\n"
         "\"a,\"\"b\"\"\n\x1b[2J\",inf,\"\"\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena = arena_open(NULL);
        const struct str found = print_table(arena, cases[i].options, cases[i].rows);
        assert_string_equal(arena_cstr(arena, found), cases[i].wanted);
        arena_close(arena);
    }
}

static void test_text_of_a_table_cannot_steer_the_terminal(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const struct str found = print_table(arena, (struct output_options){.format = OUTPUT_TEXT}, 3);
    assert_true(str_find_byte(found, '\x1b') == SIZE_MAX);
    assert_true(str_contains(found, STR("a,\"b\"\\n\\x1b[2J")));
    arena_close(arena);
}

static void test_on_a_terminal_wide_columns_are_cut_with_an_ellipsis(void **state)
{
    (void)state;
    static const struct output_column one[] = {{STR_INIT("text"), OUTPUT_STRING}};
    const struct output_cell cell = {.text = STR("0123456789012345678901234567890123456789")};
    struct arena *arena = arena_open(NULL);
    int ends[2];
    char bytes[512] = "";
    struct err err;
    assert_int_equal(pipe(ends), 0);
    struct output *output = output_open(arena, (struct output_options){.fd = ends[1], .width = 20});
    assert_int_equal(output_table_begin(output, one, 1, NULL, &err), RC_OK);
    assert_int_equal(output_row(output, &cell, &err), RC_OK);
    assert_int_equal(output_table_end(output, &err), RC_OK);
    assert_int_equal(output_flush(output, &err), RC_OK);
    close(ends[1]);
    assert_true(read(ends[0], bytes, sizeof bytes - 1) > 0);
    close(ends[0]);
    assert_non_null(strstr(bytes, "\n0123456789012345678\xe2\x80\xa6\n"));
    arena_close(arena);
}

static void test_a_reader_that_went_away_ends_the_writing(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    int ends[2];
    struct err err;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    struct output *output = output_open(arena, (struct output_options){.fd = ends[1]});
    assert_int_equal(output_text(output, &err, "text"), RC_OK);
    assert_int_equal(output_flush(output, &err), RC_EOF);
    assert_int_equal(output_flush(output, &err), RC_EOF);
    close(ends[1]);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_format_shows_the_same_rows),
        cmocka_unit_test(test_text_of_a_table_cannot_steer_the_terminal),
        cmocka_unit_test(test_on_a_terminal_wide_columns_are_cut_with_an_ellipsis),
        cmocka_unit_test(test_a_reader_that_went_away_ends_the_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
