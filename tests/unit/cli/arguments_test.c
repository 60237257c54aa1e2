// What cli/arguments.h promises: options of all kinds, suggestions, limits of words, environment.

#include "unit_test.h"

#include "cli/arguments.h"
#include "cli/help.h"

static const char *const formats[] = {"text", "json", NULL};
static const struct option_spec globals[] = {
    {"help", 'h', OPTION_FLAG, "", "", "", "help", NULL, 0, 0},
    {"output", 'o', OPTION_CHOICE, "FORMAT", "text", "", "form", formats, 0, 0},
    {"env", 'e', OPTION_TEXT, "NAME", "", "TEST_ENV", "environment", NULL, 0, 0},
};
static const struct option_spec load_options[] = {
    {"resource", 'r', OPTION_LIST, "NAME", "", "", "resource", NULL, 0, 0},
    {"limit", 0, OPTION_INT, "N", "7", "", "limit", NULL, 1, 100},
    {"select", 's', OPTION_WORDS, "SELECTOR", "", "", "select", NULL, 0, 0},
    {"force", 'f', OPTION_FLAG, "", "", "", "force", NULL, 0, 0},
    {"var", 0, OPTION_KEY_VALUE, "NAME=VALUE", "", "", "var", NULL, 0, 0},
};
static const struct command_example examples[] = {{"moulin load chess", "an example"}};
static const struct command_spec specs[] = {
    {"load", "", "SOURCE", 1, 1, "load it", "", load_options, 5, examples, 1, NULL},
    {"table", "ls", "", 0, 0, "list", "", NULL, 0, examples, 1, NULL},
    {"table", "show", "TABLE", 1, -1, "show", "", NULL, 0, examples, 1, NULL},
};
static const struct command_group groups[] = {{"load", "load it", ""}, {"table", "tables", ""}};
static const struct exit_code_spec exit_codes[] = {{0, "fine"}};
static const struct command_table table = {specs, 3, groups, 2, globals, 3, exit_codes, 1};

static const char *environment(const char *name)
{
    return strcmp(name, "TEST_ENV") == 0 ? "from-env" : NULL;
}

/// Words separated by blanks.
static rc parse(struct arena *arena, const char *line, struct command_line *call, struct err *err)
{
    const char *words[32];
    size_t count = 0;
    struct str rest = str_of(line), word;
    while (str_split_next(&rest, ' ', &word))
        if (word.length > 0)
            words[count++] = arena_cstr(arena, word);
    return arguments_parse(arena, &table, words, count, environment, call, err);
}

static struct str value_of(const struct command_line *call, const char *name, size_t index)
{
    const struct option_value *value = arguments_option(call, name);
    assert_non_null(value);
    assert_true(index < value->values.count);
    return value->values.items[index];
}

static void test_options_may_stand_anywhere_and_in_every_form(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "load chess --resource a --resource b --limit 5 --force --output json --env dev",
        "--output=json --env=dev load --resource=a -r b --limit=5 -f chess",
        "-ojson -edev load -ra -fr b chess --limit 5",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct arena *arena = arena_open(NULL);
        struct command_line call;
        struct err err;
        assert_int_equal(parse(arena, lines[i], &call, &err), RC_OK);
        assert_string_equal(call.spec->name, "load");
        assert_int_equal(call.words.count, 1);
        assert_true(str_is(call.words.items[0], "chess"));
        assert_true(str_is(value_of(&call, "resource", 0), "a"));
        assert_true(str_is(value_of(&call, "resource", 1), "b"));
        assert_true(str_is(value_of(&call, "output", 0), "json"));
        assert_true(str_is(value_of(&call, "env", 0), "dev"));
        assert_int_equal(arguments_option(&call, "limit")->number, 5);
        assert_true(arguments_option(&call, "force")->is_given);
        arena_close(arena);
    }
}

static void test_words_go_up_to_the_next_option_and_the_last_value_wins(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct command_line call;
    struct err err;
    assert_int_equal(parse(arena, "load x --select a +b --limit 1 --limit 2 -s c", &call, &err),
                     RC_OK);
    assert_int_equal(arguments_option(&call, "select")->values.count, 3);
    assert_true(str_is(value_of(&call, "select", 1), "+b"));
    assert_int_equal(arguments_option(&call, "limit")->number, 2);
    assert_int_equal(parse(arena, "load -- --limit", &call, &err), RC_OK);
    assert_true(str_is(call.words.items[0], "--limit"));
    arena_close(arena);
}

static void test_the_environment_fills_in_what_the_line_leaves_open(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    struct command_line call;
    struct err err;
    assert_int_equal(parse(arena, "table ls", &call, &err), RC_OK);
    assert_true(str_is(value_of(&call, "env", 0), "from-env"));
    assert_string_equal(call.spec->verb, "ls");
    arena_close(arena);
}

static void test_mistakes_are_usage_errors_with_a_suggestion(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message, *hint;
    } cases[] = {
        {"laod x", "unknown command laod", "load"},
        {"table sl", "sl", "ls"},
        {"table", "needs one of ls, show", "--help"},
        {"load x --resorce a", "--resorce", "--resource"},
        {"load x --output jsn", "must be one of text, json", "json"},
        {"load x --limit 0", "from 1 to 100", ""},
        {"load x --limit 5x", "from 1 to 100", ""},
        {"load x --limit", "needs a value", ""},
        {"load x --force=yes", "takes no value", ""},
        {"load x --var ab", "name=value", ""},
        {"load x --var =b", "name=value", ""},
        {"load", "SOURCE is missing", "usage: moulin load SOURCE"},
        {"load x y", "unexpected word y", "usage"},
        {"load -q", "-q", ""},
        {"--limit 5 load x", "--limit", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena = arena_open(NULL);
        struct command_line call;
        struct err err = {0};
        assert_int_equal(parse(arena, cases[i].line, &call, &err), RC_USAGE);
        assert_non_null(strstr(err.message, cases[i].message));
        assert_non_null(strstr(err.hint, cases[i].hint));
        arena_close(arena);
    }
}

static void test_help_is_given_for_the_program_a_group_and_a_command(void **state)
{
    (void)state;
    static const struct {
        const char *line, *part;
    } cases[] = {{"--help", "Exit codes:"},
                 {"", "Commands:"},
                 {"help", "Commands:"},
                 {"table --help", "show"},
                 {"load -h", "moulin load SOURCE [options]"},
                 {"load --help", "# an example"},
                 {"load --help", "[7]"},
                 {"load --help", "--select SELECTOR..."}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena = arena_open(NULL);
        struct command_line call;
        struct err err;
        assert_int_equal(parse(arena, cases[i].line, &call, &err), RC_OK);
        assert_true(call.wants_help);
        assert_true(str_contains(help_text(arena, &call), str_of(cases[i].part)));
        arena_close(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_may_stand_anywhere_and_in_every_form),
        cmocka_unit_test(test_words_go_up_to_the_next_option_and_the_last_value_wins),
        cmocka_unit_test(test_the_environment_fills_in_what_the_line_leaves_open),
        cmocka_unit_test(test_mistakes_are_usage_errors_with_a_suggestion),
        cmocka_unit_test(test_help_is_given_for_the_program_a_group_and_a_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
