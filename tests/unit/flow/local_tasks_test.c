// What flow/local_tasks.h promises: child processes in the place of Lambda and ECS, with the shapes
// of their answers and errors; what cannot be run here is refused when the machine is checked.

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "unit_test.h"

#include "base/fs.h"
#include "flow/local_tasks.h"

static struct arena *arena;
static struct str folder;
static struct project *project;
static struct local_tasks *tasks;
static int log_lines;
static char last_log[200];

static void write_file(const char *name, const char *text)
{
    struct str path;
    struct err err;
    assert_int_equal(fs_join(arena, folder, str_of(name), &path, &err), RC_OK);
    assert_int_equal(fs_make_folders(fs_parent(path), &err), RC_OK);
    assert_int_equal(fs_write(path, str_of(text), (struct fs_write_options){0}, &err), RC_OK);
}

static void keep_log(void *context, struct str state, struct str level, struct str message)
{
    (void)context;
    log_lines++;
    snprintf(last_log, sizeof last_log, "%.*s %.*s %.*s", STR_ARGS(state), STR_ARGS(level),
             STR_ARGS(message));
}

/// A project whose "program" is a script that tells its arguments.
static int open_tasks(void **state)
{
    (void)state;
    char path[] = "/tmp/moulin-tasks-XXXXXX";
    struct err err;
    arena = arena_open(NULL);
    assert_non_null(mkdtemp(path));
    assert_int_equal(fs_absolute(arena, str_of(path), &folder, &err), RC_OK);
    write_file("moulin.yml", "name: t\n"
                             "environments: {dev: {warehouse: w}}\n"
                             "names:\n"
                             "  fn: {ingest: chess}\n"
                             "  dbt: {transform: pipelines/transform}\n"
                             "  plain: value\n"
                             "local:\n"
                             "  \"arn:aws:states:::sns:publish\": {result: {MessageId: m}}\n"
                             "  \"arn:aws:states:::sqs:sendMessage\": {}\n");
    write_file("pipelines/ingest/chess-ingestion/source.yml", "type: rest_api\n");
    assert_int_equal(
        project_open(arena, (struct project_options){.folder = folder}, &project, &err), RC_OK);
    log_lines = 0;
    return 0;
}

static int remove_tasks(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(fs_remove_tree(folder, &err), RC_OK);
    arena_close(arena);
    return 0;
}

static void use_program(const char *script)
{
    struct str path;
    struct err err;
    write_file("program", script);
    assert_int_equal(fs_join(arena, folder, STR("program"), &path, &err), RC_OK);
    assert_int_equal(chmod(arena_cstr(arena, path), 0755), 0);
    tasks = local_tasks_open(arena, (struct local_tasks_options){
                                        .project = project, .program = path, .on_log = keep_log});
}

static struct flow_outcome run_for(const char *resource, const char *parameters, int64_t timeout,
                                   int64_t left_us)
{
    struct flow_outcome outcome = {0};
    struct err err;
    struct flow_task task = {.execution_name = STR("exec"),
                             .state = STR("Load it"),
                             .resource = str_of(resource),
                             .timeout_seconds = timeout,
                             .left_us = left_us};
    assert_int_equal(json_parse(arena, str_of(parameters), "t", &task.parameters, &err), RC_OK);
    const struct flow_executor executor = local_tasks_executor(tasks);
    assert_int_equal(executor.run(executor.context, &task, arena, &outcome, &err), RC_OK);
    return outcome;
}

static struct flow_outcome run(const char *resource, const char *parameters, int64_t timeout)
{
    return run_for(resource, parameters, timeout, 0);
}

static const char *text_of(const struct json *value)
{
    return arena_cstr(arena, json_print(arena, value, JSON_COMPACT));
}

#define INVOKE "arn:aws:states:::lambda:invoke"
#define RUN_TASK "arn:aws:states:::ecs:runTask.sync"
// Prints its arguments as a JSON list, without those that hold the folder.
#define ECHO_SCRIPT                                                                                \
    "#!/bin/sh\nprintf '['\nfor a in \"$@\"; do case \"$a\" in --project-dir=*) ;; *) printf "     \
    "'\"%s\",' \"$a\";; esac; done\nprintf '\"%s\"]' \"$EXTRA\"\n"

static void test_a_function_is_an_ingest_with_the_payload_as_options(void **state)
{
    (void)state;
    use_program(ECHO_SCRIPT);
    const char *parameters = "{\"FunctionName\":\"dev-chess-ingestion\",\"Payload\":{\"input\":{"
                             "\"resources\":[\"a\",\"b\"],"
                             "\"start_month\":\"2020/01\",\"full_refresh\":true}}}";
    struct flow_outcome outcome = run(INVOKE, parameters, 0);
    assert_true(outcome.is_success);
    assert_string_equal(text_of(json_get(&outcome.output, STR("Payload"))),
                        "[\"ingest\",\"--env=dev\",\"--output=json\",\"--log-format=json\",\"--run-"
                        "id=exec-Load_it\","
                        "\"--resource=a\",\"--resource=b\",\"--start-month=2020/"
                        "01\",\"--full-refresh\",\"--\",\"chess\","
                        "\"\"]");
    assert_int_equal(json_int64(json_get(&outcome.output, STR("StatusCode")), 0), 200);
    // The payload may name the run.
    outcome = run(INVOKE,
                  "{\"FunctionName\":\"dev-chess-ingestion\",\"Payload\":{\"run_id\":\"e-1\"}}", 0);
    assert_non_null(strstr(text_of(&outcome.output), "--run-id=e-1"));
    // A second start of the same state has a run id of its own.
    outcome =
        run(INVOKE, "{\"FunctionName\":\"arn:aws:lambda:eu:1:function:dev-chess-ingestion:7\"}", 0);
    assert_non_null(strstr(text_of(&outcome.output), "--run-id=exec-Load_it-2"));
}

static void test_wrong_calls_of_functions_fail_as_lambda_does(void **state)
{
    (void)state;
    static const struct {
        const char *script, *parameters, *error, *cause;
    } cases[] = {
        {ECHO_SCRIPT, "{\"FunctionName\":\"dev-other-ingestion\"}",
         "Lambda.ResourceNotFoundException", "dev-other-ingestion"},
        {ECHO_SCRIPT,
         "{\"FunctionName\":\"dev-chess-ingestion\",\"Payload\":{\"input\":{\"resorces\":[]}}}",
         "Moulin.Usage", "resorces"},
        {"#!/bin/sh\necho '{\"level\":\"error\",\"message\":\"no host\",\"error\":\"not_found\","
         "\"hint\":\"look\"}' >&2\nexit 1\n",
         "{\"FunctionName\":\"dev-chess-ingestion\"}", "Moulin.NotFound", "no host (look)"},
        {"#!/bin/sh\nkill -9 $$\n", "{\"FunctionName\":\"dev-chess-ingestion\"}",
         "Runtime.ExitError", "137"},
        {"#!/bin/sh\necho no json\n", "{\"FunctionName\":\"dev-chess-ingestion\"}",
         "Runtime.MarshalError", "no JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        use_program(cases[i].script);
        const struct flow_outcome outcome = run(INVOKE, cases[i].parameters, 0);
        assert_false(outcome.is_success);
        assert_string_equal(arena_cstr(arena, outcome.error), cases[i].error);
        assert_true(str_contains(outcome.cause, str_of(cases[i].cause)));
    }
    assert_string_equal(last_log, "Load it error no host");
}

static void test_a_task_is_a_transform_with_the_containers_command(void **state)
{
    (void)state;
    use_program("#!/bin/sh\necho \"$*:$EXTRA\" >&2\nexit 3\n");
    struct flow_outcome outcome = run(
        RUN_TASK,
        "{\"TaskDefinition\":\"arn:aws:ecs:eu:1:task-definition/dev-dbt:4\",\"Overrides\":{"
        "\"ContainerOverrides\":[{\"Name\":\"c\",\"Command\":[\"dbt\",\"run\",\"--select\",\"x\"],"
        "\"Environment\":[{\"Name\":\"EXTRA\",\"Value\":\"e\"}]}]}}",
        0);
    assert_false(outcome.is_success);
    assert_true(str_is(outcome.error, "States.TaskFailed"));
    assert_true(str_contains(outcome.cause, STR("\"ExitCode\":3")));
    assert_non_null(strstr(last_log, " run --select x:e"));
    assert_non_null(strstr(last_log, "transform --project-dir="));
    use_program("#!/bin/sh\nexit 0\n");
    outcome = run(RUN_TASK, "{\"TaskDefinition\":\"dev-dbt\"}", 0);
    assert_true(outcome.is_success);
    assert_non_null(strstr(text_of(&outcome.output), "\"ExitCode\":0"));
}

static void test_a_task_that_takes_too_long_is_ended(void **state)
{
    (void)state;
    use_program("#!/bin/sh\nexec sleep 60\n");
    struct flow_outcome outcome = run(RUN_TASK, "{\"TaskDefinition\":\"dev-dbt\"}", 1);
    assert_true(outcome.is_timeout);
    assert_true(str_is(outcome.error, "States.Timeout"));
    outcome = run_for(RUN_TASK, "{\"TaskDefinition\":\"dev-dbt\"}", 50, 100000);
    assert_true(outcome.is_timeout); // by what is left of the machine's time
}

static void test_stubs_answer_what_moulin_yml_says(void **state)
{
    (void)state;
    use_program("#!/bin/sh\nexit 9\n");
    struct flow_outcome outcome = run("arn:aws:states:::sns:publish", "{\"a\":1}", 0);
    assert_string_equal(text_of(&outcome.output), "{\"MessageId\":\"m\"}");
    outcome = run("arn:aws:states:::sqs:sendMessage", "{\"a\":1}", 0);
    assert_string_equal(text_of(&outcome.output), "{\"a\":1}");
}

static void test_what_cannot_be_run_here_is_refused_with_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *task;
        rc code;
        const char *hint;
    } cases[] = {
        {"{\"Resource\":\"arn:aws:states:::sns:publish\"}", RC_OK, ""},
        {"{\"Resource\":\"arn:aws:states:::dynamodb:putItem\"}", RC_UNSUPPORTED, "local:"},
        {"{\"Resource\":\"" INVOKE "\",\"Parameters\":{\"FunctionName\":\"dev-chess-ingestion\"}}",
         RC_OK, ""},
        {"{\"Resource\":\"" INVOKE "\",\"Parameters\":{\"FunctionName.$\":\"$.f\"}}", RC_OK, ""},
        {"{\"Resource\":\"" INVOKE "\",\"Parameters\":{\"FunctionName\":\"other\"}}", RC_CONFIG,
         "names:"},
        {"{\"Resource\":\"" RUN_TASK "\",\"Parameters\":{\"TaskDefinition\":\"dev-dbt\"}}", RC_OK,
         ""},
        {"{\"Resource\":\"" RUN_TASK "\",\"Parameters\":{\"TaskDefinition\":\"x\"}}", RC_CONFIG,
         "names:"},
    };
    use_program("#!/bin/sh\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json task;
        struct err err = {0};
        assert_int_equal(json_parse(arena, str_of(cases[i].task), "t", &task, &err), RC_OK);
        assert_int_equal(local_tasks_check(tasks, STR("S"), &task, &err), cases[i].code);
        assert_non_null(strstr(err.hint, cases[i].hint));
    }
    const struct json names = local_tasks_names(arena, project);
    assert_string_equal(text_of(&names), "{\"environment\":\"dev\",\"fn\":\"dev-chess-ingestion\","
                                         "\"dbt\":\"dev-dbt\",\"plain\":\"value\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_function_is_an_ingest_with_the_payload_as_options,
                                        open_tasks, remove_tasks),
        cmocka_unit_test_setup_teardown(test_wrong_calls_of_functions_fail_as_lambda_does,
                                        open_tasks, remove_tasks),
        cmocka_unit_test_setup_teardown(test_a_task_is_a_transform_with_the_containers_command,
                                        open_tasks, remove_tasks),
        cmocka_unit_test_setup_teardown(test_a_task_that_takes_too_long_is_ended, open_tasks,
                                        remove_tasks),
        cmocka_unit_test_setup_teardown(test_stubs_answer_what_moulin_yml_says, open_tasks,
                                        remove_tasks),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_run_here_is_refused_with_a_hint,
                                        open_tasks, remove_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
