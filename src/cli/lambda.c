// The loop of a Lambda function: next event -> words of a command -> run it here -> answer or
// error. Everything of an invocation lives in its own arena; what stays between two of them is what
// may: DuckDB and libcurl, once loaded.

#include "cli/lambda.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/runtime.h"
#include "base/time.h"
#include "cli/invoke.h"
#include "cli/lambda_answer.h"
#include "cli/lambda_api.h"
#include "cli/package_words.h"
#include "duck/duck.h"
#include "flow/payload.h"
#include "project/project.h"

enum {
    // Kept free at the end for the commit: a tenth of the time, within these.
    MIN_RESERVE_MS = 2000,
    MAX_RESERVE_MS = 60000,
    MAX_MESSAGE_BYTES = ERR_MESSAGE_BYTES + ERR_PLACE_BYTES + ERR_HINT_BYTES + 100,
};

struct lambda {
    struct arena *arena;
    struct lambda_api *api;
    struct str source; // "transform" = the dbt project
};

/// One event being worked on.
struct invocation_state {
    struct lambda *lambda;
    struct arena *arena;
    struct lambda_event event;
    int64_t started_us; // monotonic
    struct buf output;
    str_vec words;
    struct str run_id;
};

bool lambda_is_runtime(void)
{
    const char *address = getenv("AWS_LAMBDA_RUNTIME_API");
    return address != NULL && *address != '\0';
}

// ---- start --------------------------------------------------------------------------------------

/// Everything that is wrong with the package or its configuration is said before the first event.
static rc prepare(struct lambda *lambda, struct err *err)
{
    const char *package = runtime_package_folder(), *source = getenv("MOULIN_SOURCE");
    const char *folder = getenv("MOULIN_PROJECT_DIR"), *environment = getenv("ENVIRONMENT");
    struct project *project;
    struct str version, path;
    if (package != NULL) {
        TRY(package_source(lambda->arena, package, &lambda->source, err));
    } else if (source != NULL && *source != '\0') {
        lambda->source = str_of(source);
    } else {
        err_set(err, RC_CONFIG, "this function does not know what to ingest");
        return err_hint(err, "deploy what moulin package writes, or set MOULIN_SOURCE");
    }
    struct arena *scratch = arena_open(NULL);
    const struct project_options options = {.folder = str_of(folder != NULL ? folder : ""),
                                            .environment =
                                                str_of(environment != NULL ? environment : "")};
    const rc code = project_open(scratch, options, &project, err);
    arena_close(scratch);
    TRY(code);
    // Loading takes time that Lambda gives at full speed now.
    return duck_library_version(&version, &path, err);
}

static void set_environment(void)
{
    unsetenv("AWS_LAMBDA_RUNTIME_API"); // children are command lines
    setenv("MOULIN_LOG_FORMAT", "json", 0);
    setenv("TMPDIR", "/tmp", 0);
    log_configure((struct log_options){.level = LOG_LEVEL_INFO, .format = LOG_FORMAT_JSON});
}

// ---- one event ----------------------------------------------------------------------------------

static void add_word(struct invocation_state *state, struct str word)
{
    *vec_push(state->arena, &state->words) = word;
}

static int64_t remaining_ms(const struct invocation_state *state)
{
    return state->event.deadline_ms - time_now_us() / 1000;
}

/// How long may be read: the rest of the time is for the commit.
static void add_time_limit(struct invocation_state *state)
{
    if (state->event.deadline_ms == 0)
        return;
    const int64_t total = remaining_ms(state);
    int64_t reserve = total / 10;
    if (reserve < MIN_RESERVE_MS)
        reserve = MIN_RESERVE_MS;
    if (reserve > MAX_RESERVE_MS)
        reserve = MAX_RESERVE_MS;
    if (reserve > total / 2)
        reserve = total / 2;
    const int64_t limit = total - reserve > 1 ? total - reserve : 1;
    add_word(state, arena_printf(state->arena, "--max-runtime=%lldms", (long long)limit));
}

static rc read_ingest_event(struct invocation_state *state, const struct json *event,
                            struct err *err)
{
    struct payload payload;
    TRY(payload_read(state->arena, event, &payload, err));
    state->run_id = payload.run_id.length > 0 ? payload.run_id : state->event.request_id;
    add_word(state, STR("ingest"));
    add_word(state, STR("--output=json"));
    add_word(state, arena_printf(state->arena, "--run-id=%.*s", STR_ARGS(state->run_id)));
    add_time_limit(state);
    for (size_t i = 0; i < payload.options.count; i++)
        add_word(state, payload.options.items[i]);
    add_word(state, STR("--"));
    add_word(state, state->lambda->source);
    return RC_OK;
}

/// {"run_id": "...", "command": ["build", "--select", "x"]}: as the container's command.
static rc read_transform_event(struct invocation_state *state, const struct json *event,
                               struct err *err)
{
    const struct json *command = json_get(event, STR("command"));
    for (size_t i = 0; event->kind == JSON_OBJECT && i < event->count; i++)
        if (!str_is(event->members[i].key, "command") && !str_is(event->members[i].key, "run_id"))
            return err_set(err, RC_USAGE,
                           "the event's key %.*s is unknown (there is run_id and command)",
                           STR_ARGS(event->members[i].key));
    if (command != NULL && command->kind != JSON_ARRAY)
        return err_set(err, RC_USAGE, "the event's command must be a list of words");
    state->run_id = json_str(json_get(event, STR("run_id")), state->event.request_id);
    static const char *const leading[] = {"moulin", "dbt", "transform"};
    const size_t count = command != NULL ? command->count : 0;
    size_t at = 0;
    for (size_t i = 0; i < sizeof leading / sizeof leading[0]; i++)
        if (at < count && str_is(json_str(&command->items[at], STR("")), leading[i]))
            at++;
    add_word(state, STR("transform"));
    if (at == count)
        add_word(state, STR("build"));
    for (; at < count; at++)
        add_word(state, json_str(&command->items[at], STR("")));
    return RC_OK;
}

static rc read_event(struct invocation_state *state, struct err *err)
{
    struct json event = {.kind = JSON_NULL};
    if (state->event.body.length > 0) {
        const rc code = json_parse(state->arena, state->event.body, "event", &event, err);
        if (code == RC_INVALID && err != NULL)
            err->code = RC_USAGE;
        TRY(code == RC_INVALID ? RC_USAGE : code);
    }
    return str_is(state->lambda->source, "transform") ? read_transform_event(state, &event, err)
                                                      : read_ingest_event(state, &event, err);
}

static rc run_words(struct invocation_state *state, struct err *err)
{
    const char **words = ARENA_ARRAY(state->arena, const char *, state->words.count + 1);
    for (size_t i = 0; i < state->words.count; i++)
        words[i] = arena_cstr(state->arena, state->words.items[i]);
    const struct invocation invocation = {.words = words,
                                          .word_count = state->words.count,
                                          .program = "moulin",
                                          .output = &state->output};
    struct arena *arena = arena_open(NULL); // of the command: closed before the answer is sent
    const rc code = invoke(arena, &invocation, err);
    arena_close(arena);
    return code;
}

static rc work(struct invocation_state *state, struct lambda_answer *ret_answer, struct err *err)
{
    TRY(read_event(state, err));
    TRY(run_words(state, err));
    const struct lambda_answer_options options = {
        .source = state->lambda->source,
        .run_id = state->run_id,
        .output = buf_str(&state->output),
        .remaining_ms = state->event.deadline_ms > 0 ? remaining_ms(state) : -1,
        .duration_ms = (time_monotonic_us() - state->started_us) / 1000};
    return lambda_answer_make(state->arena, &options, ret_answer, err);
}

// ---- answers ------------------------------------------------------------------------------------

/// "place: message (hint)", as a person reads it in the execution's cause.
static struct str failure_text(struct arena *arena, const struct err *failure)
{
    char text[MAX_MESSAGE_BYTES];
    const char *hint = failure->hint[0] != '\0' ? failure->hint : rc_class_of(failure->code)->hint;
    const struct str message = str_of(err_text(failure, text, sizeof text));
    return hint[0] == '\0' ? arena_str(arena, message)
                           : arena_printf(arena, "%.*s (%s)", STR_ARGS(message), hint);
}

static rc send_failure(struct lambda *lambda, struct arena *arena, struct str request_id, rc code,
                       const struct err *failure, struct err *err)
{
    const struct str type = payload_error_name(arena, str_of(rc_class_of(code)->name));
    log_error(failure);
    return lambda_api_fail(lambda->api, request_id, type, failure_text(arena, failure), err);
}

static void print_metrics(struct str line)
{
    struct str rest = line;
    while (rest.length > 0) {
        const ssize_t written = write(STDOUT_FILENO, rest.bytes, rest.length);
        if (written <= 0)
            return; // metrics are no reason to fail
        rest = str_slice(rest, (size_t)written, SIZE_MAX);
    }
}

/// @return RC_OK also when the event's work failed: then that is what was answered
static rc handle(struct invocation_state *state, struct err *err)
{
    struct lambda *lambda = state->lambda;
    struct lambda_answer answer;
    struct err failure = {0};
    rc code = work(state, &answer, &failure);
    if (code == RC_OK) {
        print_metrics(answer.metrics);
        code = lambda_api_respond(lambda->api, state->event.request_id, answer.body, &failure);
        if (code == RC_OK)
            return RC_OK;
        if (code != RC_LIMIT) { // nobody listens any more
            *err = failure;
            return code;
        }
    }
    return send_failure(lambda, state->arena, state->event.request_id, code, &failure, err);
}

static rc serve_one(struct lambda *lambda, struct err *err)
{
    struct arena *arena = arena_open(NULL);
    struct invocation_state state = {.lambda = lambda, .arena = arena};
    rc code = lambda_api_next(lambda->api, arena, &state.event, err);
    if (code == RC_OK) {
        state.started_us = time_monotonic_us();
        buf_init(&state.output, 64 << 20);
        log_set_context("requestId", state.event.request_id);
        if (state.event.trace_id.length > 0)
            setenv("_X_AMZN_TRACE_ID", arena_cstr(arena, state.event.trace_id), 1);
        code = handle(&state, err);
        log_set_context("requestId", STR(""));
        buf_done(&state.output);
    }
    arena_close(arena);
    return code;
}

static rc serve(struct lambda *lambda, struct err *err)
{
    const struct str address = arena_str(lambda->arena, str_of(getenv("AWS_LAMBDA_RUNTIME_API")));
    set_environment();
    TRY(lambda_api_open(lambda->arena, address, &lambda->api, err));
    struct err failure = {0};
    const rc code = prepare(lambda, &failure);
    if (code != RC_OK) {
        TRY(send_failure(lambda, lambda->arena, STR(""), code, &failure, err));
        *err = failure;
        return code;
    }
    while (!runtime_is_stopping())
        TRY(serve_one(lambda, err));
    return RC_OK;
}

int lambda_main(void)
{
    struct err err = {0};
    struct lambda lambda = {.arena = arena_open(NULL)};
    rc code = serve(&lambda, &err);
    if (code == RC_INTERRUPTED && runtime_is_stopping())
        code = RC_OK; // Lambda takes the process away
    if (code != RC_OK)
        log_error(&err);
    arena_close(lambda.arena);
    return rc_class_of(code)->exit_code;
}
