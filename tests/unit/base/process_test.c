// What base/process.h promises: arguments as given, output as written, an end in time.

#include "unit_test.h"

#include <signal.h>
#include <unistd.h>

#include "base/process.h"
#include "base/runtime.h"
#include "base/time.h"
#include "base/vec.h"

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

static struct process_options shell(const char *script)
{
    struct str *arguments = ARENA_ARRAY(arena, struct str, 3);
    arguments[0] = STR("sh");
    arguments[1] = STR("-c");
    arguments[2] = str_of(script);
    return (struct process_options){.arguments = arguments,
                                    .argument_count = 3,
                                    .captures_output = true,
                                    .captures_errors = true,
                                    .grace_us = 200000};
}

static struct process_result run(struct process_options options)
{
    struct process_result result;
    struct err err;
    if (process_run(arena, &options, &result, &err) != RC_OK)
        fail_msg("%s", err.message);
    return result;
}

static void test_output_errors_and_exit_code_come_back(void **state)
{
    (void)state;
    const struct process_result result = run(shell("echo out; echo err >&2; exit 7"));
    assert_true(str_is(result.output, "out\n"));
    assert_true(str_is(result.errors, "err\n"));
    assert_int_equal(result.exit_code, 7);
    const struct process_result killed = run(shell("kill -9 $$"));
    assert_int_equal(killed.signal, SIGKILL);
    assert_int_equal(killed.exit_code, 128 + SIGKILL);
}

static void test_arguments_environment_folder_and_input_are_given(void **state)
{
    (void)state;
    static const struct str environment[] = {STR_INIT("MOULIN_TEST=a b"), STR_INIT("HOME=/none")};
    struct process_options options = shell("echo \"$MOULIN_TEST|$HOME|$PATH\" | cut -c1-10; pwd; "
                                           "cat");
    options.environment = environment;
    options.environment_count = 2;
    options.folder = STR("/");
    options.input = STR("typed $HOME");
    assert_true(str_is(run(options).output, "a b|/none|\n/\ntyped $HOME"));
    const struct str arguments[] = {STR("printf"), STR("%s"), STR("a  'b\" $x;")};
    const struct process_options exact = {
        .arguments = arguments, .argument_count = 3, .captures_output = true};
    assert_true(str_is(run(exact).output, "a  'b\" $x;"));
    assert_true(str_is(run(shell("cat")).output, "")); // stdin is empty
}

static void test_large_input_and_output_do_not_block_each_other(void **state)
{
    (void)state;
    struct process_options options = shell("cat");
    const struct str text = {arena_alloc(arena, 3 << 20), 3 << 20};
    options.input = text;
    assert_int_equal(run(options).output.length, text.length);
    options = shell("exit 0"); // does not read its input
    options.input = text;
    assert_int_equal(run(options).exit_code, 0);
}

static void test_what_cannot_start_is_told(void **state)
{
    (void)state;
    struct process_result result;
    struct err err;
    const struct str none[] = {STR("/no/such/program")};
    struct process_options options = {.arguments = none, .argument_count = 1};
    assert_int_equal(process_run(arena, &options, &result, &err), RC_NOT_FOUND);
    assert_non_null(strstr(err.message, "cannot start '/no/such/program'"));
    const struct str denied[] = {STR("/etc/passwd")};
    options.arguments = denied;
    assert_int_equal(process_run(arena, &options, &result, &err), RC_DENIED);
    options = shell("true");
    options.folder = STR("/no/such/folder");
    assert_int_equal(process_run(arena, &options, &result, &err), RC_NOT_FOUND);
}

static void test_the_whole_group_ends_at_the_timeout_even_if_it_ignores_sigterm(void **state)
{
    (void)state;
    struct process_result result;
    struct err err;
    struct process_options options =
        shell("trap '' TERM; sleep 1000 & echo $!; wait; while true; do sleep 1000; done");
    options.timeout_us = 300000;
    const int64_t start = time_monotonic_us();
    assert_int_equal(process_run(arena, &options, &result, &err), RC_TIMEOUT);
    assert_true(time_monotonic_us() - start < 60 * TIME_US_PER_SECOND);
}

static void test_output_over_the_cap_ends_the_child(void **state)
{
    (void)state;
    struct process_result result;
    struct err err;
    struct process_options options = shell("while true; do echo xxxxxxxxxxxxxxxxxxxxxxxxxx; done");
    options.max_output_bytes = 100000;
    assert_int_equal(process_run(arena, &options, &result, &err), RC_LIMIT);
}

VEC_TYPE(line_vec, struct str);

static rc note_line(void *context, int fd, struct str line, struct err *err)
{
    if (str_is(line, "stop"))
        return err_set(err, RC_FAILED, "told to stop");
    *vec_push(arena, (line_vec *)context) = arena_printf(arena, "%d:%.*s", fd, STR_ARGS(line));
    return RC_OK;
}

static void test_lines_come_one_by_one_and_can_end_the_child(void **state)
{
    (void)state;
    line_vec lines = {0};
    struct process_options options = shell("printf 'a\\n\\nb\\nlast'");
    options.on_line = note_line;
    options.context = &lines;
    run(options);
    assert_int_equal(lines.count, 4);
    assert_true(str_is(lines.items[1], "1:"));
    assert_true(str_is(lines.items[3], "1:last"));
    options.arguments = shell("echo stop; sleep 1000").arguments;
    struct process_result result;
    struct err err;
    assert_int_equal(process_run(arena, &options, &result, &err), RC_FAILED);
    assert_string_equal(err.message, "told to stop");
}

static rc stop_at_line(void *context, int fd, struct str line, struct err *err)
{
    (void)context;
    (void)fd;
    (void)line;
    (void)err;
    runtime_request_stop();
    return RC_OK;
}

static void test_a_request_to_stop_ends_the_child(void **state)
{
    (void)state;
    struct process_options options = shell("echo ready; sleep 1000");
    options.on_line = stop_at_line;
    struct process_result result;
    struct err err;
    assert_int_equal(process_run(arena, &options, &result, &err), RC_INTERRUPTED);
    runtime_reset();
}

int main(void)
{
    runtime_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_errors_and_exit_code_come_back),
        cmocka_unit_test(test_arguments_environment_folder_and_input_are_given),
        cmocka_unit_test(test_large_input_and_output_do_not_block_each_other),
        cmocka_unit_test(test_what_cannot_start_is_told),
        cmocka_unit_test(test_the_whole_group_ends_at_the_timeout_even_if_it_ignores_sigterm),
        cmocka_unit_test(test_output_over_the_cap_ends_the_child),
        cmocka_unit_test(test_lines_come_one_by_one_and_can_end_the_child),
        cmocka_unit_test(test_a_request_to_stop_ends_the_child),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
