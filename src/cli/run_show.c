// What `moulin run` shows of an execution. Layer: cli.

#include "cli/run_show.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/random.h"
#include "base/time.h"

enum { MAX_INPUT_BYTES = 256 * 1024, MAX_SHOWN_CHARACTERS = 300 };

// ---- how it starts ------------------------------------------------------------------------------

/// --input: JSON, or @FILE.
static rc read_input(struct command_context *context, struct json *ret_input, struct err *err)
{
    struct str text = command_text(context, "input");
    const char *place = "--input";
    if (str_has_prefix(text, STR("@"))) {
        const struct str path = str_slice(text, 1, SIZE_MAX);
        place = arena_cstr(context->arena, path);
        TRY(fs_read(context->arena, path, MAX_INPUT_BYTES, &text, err));
    }
    if (text.length > MAX_INPUT_BYTES)
        return err_set(err, RC_LIMIT, "the input is bigger than %d KiB", MAX_INPUT_BYTES / 1024);
    const rc code = json_parse(context->arena, text, place, ret_input, err);
    if (code == RC_INVALID)
        err->code = RC_USAGE;
    return code == RC_INVALID ? RC_USAGE : code;
}

/// chess-20200531-235959-1f2e
static rc execution_name(struct command_context *context, struct str workflow, int64_t now_us,
                         struct str *ret_name, struct err *err)
{
    const struct str given = command_text(context, "name");
    for (size_t i = 0; i < given.length; i++) {
        const char c = given.bytes[i];
        const bool is_right = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!is_right || given.length > 80)
            return command_usage_error(context, err,
                                       "--name must be at most 80 letters, digits, - _ or .");
    }
    const struct time_parts t = time_parts_of_us(now_us);
    *ret_name = given.length > 0
                    ? given
                    : arena_printf(context->arena, "%.*s-%04d%02d%02d-%02d%02d%02d-%04x",
                                   STR_ARGS(workflow), (int)t.year, t.month, t.day, t.hour,
                                   t.minute, t.second, (unsigned)(random_uint64() & 0xffff));
    return RC_OK;
}

rc run_read_start(struct command_context *context, struct str workflow, int64_t now_us,
                  struct run_start *ret_start, struct err *err)
{
    struct run_start start;
    TRY(read_input(context, &start.input, err));
    TRY(execution_name(context, workflow, now_us, &start.name, err));
    *ret_start = start;
    return RC_OK;
}

// ---- what happens -------------------------------------------------------------------------------

void run_lines_init(struct run_lines *lines, struct arena *arena)
{
    lines->arena = arena;
    map_init(&lines->entered, arena);
}

static struct str detail(const struct flow_event *event, const char *key)
{
    return json_str(json_get(&event->details, str_of(key)), STR(""));
}

/// The cause for a person: the message inside a function's cause, else the text itself.
static struct str readable_cause(struct arena *arena, struct str cause)
{
    struct json value;
    struct err ignored;
    if (cause.length == 0 || json_parse(arena, cause, "cause", &value, &ignored) != RC_OK)
        return cause;
    const struct json *containers = json_get(&value, STR("Containers"));
    const struct str message = json_str(json_get(&value, STR("errorMessage")), STR(""));
    if (containers != NULL && containers->kind == JSON_ARRAY && containers->count > 0)
        return json_str(json_get(&containers->items[0], STR("Reason")),
                        STR("the task ended with an error"));
    return message.length > 0 ? message : cause;
}

static void show_exit(const struct run_lines *lines, const struct flow_event *event)
{
    const int64_t *entered = map_get(&lines->entered, event->state);
    struct arena *scratch = arena_open(NULL);
    const struct str duration =
        time_format_duration(scratch, entered != NULL ? event->time_us - *entered : 0);
    log_info("%.*s: done in %.*s", STR_ARGS(event->state), STR_ARGS(duration));
    arena_close(scratch);
}

static bool is_failed_task(const char *type)
{
    static const char *const types[] = {"TaskFailed",           "TaskTimedOut",
                                        "TaskSubmitFailed",     "TaskStartFailed",
                                        "LambdaFunctionFailed", "LambdaFunctionTimedOut"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

void run_show_event(struct run_lines *lines, const struct flow_event *event)
{
    const struct str type = str_of(event->type);
    if (str_has_suffix(type, STR("StateEntered"))) {
        struct map_entry *entry =
            map_entry_of(&lines->entered, arena_str(lines->arena, event->state));
        if (entry->value == NULL)
            entry->value = ARENA_NEW(lines->arena, int64_t);
        *(int64_t *)entry->value = event->time_us;
        log_info("%.*s: started", STR_ARGS(event->state));
    } else if (str_has_suffix(type, STR("StateExited"))) {
        show_exit(lines, event);
    } else if (is_failed_task(event->type)) {
        struct arena *scratch = arena_open(NULL);
        const struct str cause =
            str_slice(readable_cause(scratch, detail(event, "cause")), 0, MAX_SHOWN_CHARACTERS);
        // Step Functions does not say in the event of a task which state it is of
        const struct str who = event->state.length > 0 ? event->state : STR("a task failed");
        log_warn("%.*s: %.*s%s%.*s", STR_ARGS(who), STR_ARGS(detail(event, "error")),
                 cause.length > 0 ? ": " : "", STR_ARGS(cause));
        arena_close(scratch);
    }
}

// ---- how it ends --------------------------------------------------------------------------------

static rc print_result(struct command_context *context, struct str id, struct str status,
                       const struct flow_result *result, struct err *err)
{
    struct arena *arena = context->arena;
    struct json answer = {.kind = JSON_OBJECT};
    if (output_format_of(context->output) == OUTPUT_TEXT)
        return result->status == FLOW_SUCCEEDED ? output_json(context->output, &result->output, err)
                                                : RC_OK;
    *json_object_set(arena, &answer, STR("id")) = json_of_str(id);
    *json_object_set(arena, &answer, STR("status")) = json_of_str(status);
    if (result->status == FLOW_SUCCEEDED)
        *json_object_set(arena, &answer, STR("output")) = result->output;
    if (result->error.length > 0)
        *json_object_set(arena, &answer, STR("error")) = json_of_str(result->error);
    if (result->cause.length > 0)
        *json_object_set(arena, &answer, STR("cause")) = json_of_str(result->cause);
    return output_json(context->output, &answer, err);
}

rc run_show_end(struct command_context *context, struct str name, const struct flow_result *result,
                struct str show, struct err *err)
{
    const struct str status = str_of(flow_status_name(result->status));
    struct err print_err;
    const rc printed = print_result(context, name, status, result, &print_err);
    if (result->status == FLOW_SUCCEEDED) {
        log_info("%.*s: succeeded", STR_ARGS(name));
        if (printed != RC_OK)
            *err = print_err;
        return printed;
    }
    const struct str cause = readable_cause(context->arena, result->cause);
    err_set(err, RC_FAILED, "the execution %.*s %s: %.*s%s%.*s", STR_ARGS(name),
            result->status == FLOW_TIMED_OUT ? "timed out"
            : result->status == FLOW_ABORTED ? "was stopped"
                                             : "failed",
            STR_ARGS(result->error), cause.length > 0 ? ": " : "",
            STR_ARGS(str_slice(cause, 0, 600)));
    return err_hint(err, "%.*s shows its states", STR_ARGS(show));
}

// ---- history ------------------------------------------------------------------------------------

static struct output_cell text_cell(struct str text)
{
    return (struct output_cell){.text = text, .is_null = text.bytes == NULL};
}

static struct output_cell time_cell(struct arena *arena, int64_t us)
{
    return us == 0 ? (struct output_cell){.is_null = true}
                   : text_cell(time_format(arena, us, TIME_ISO_Z));
}

rc run_show_list(struct command_context *context, const history_execution_vec *executions,
                 struct err *err)
{
    static const struct output_column columns[] = {
        {STR_INIT("id"), OUTPUT_STRING},          {STR_INIT("workflow"), OUTPUT_STRING},
        {STR_INIT("environment"), OUTPUT_STRING}, {STR_INIT("status"), OUTPUT_STRING},
        {STR_INIT("started"), OUTPUT_STRING},     {STR_INIT("seconds"), OUTPUT_NUMBER},
        {STR_INIT("error"), OUTPUT_STRING}};
    TRY(output_table_begin(context->output, columns, sizeof columns / sizeof columns[0],
                           "no execution yet", err));
    for (size_t i = 0; i < executions->count; i++) {
        const struct history_execution *e = &executions->items[i];
        const struct output_cell seconds =
            e->ended_us == 0 ? (struct output_cell){.is_null = true}
                             : text_cell(arena_printf(context->arena, "%.1f",
                                                      (double)(e->ended_us - e->started_us) / 1e6));
        const struct output_cell cells[] = {text_cell(e->id),
                                            text_cell(e->workflow),
                                            text_cell(e->environment),
                                            text_cell(e->status),
                                            time_cell(context->arena, e->started_us),
                                            seconds,
                                            text_cell(e->error)};
        TRY(output_row(context->output, cells, err));
    }
    return output_table_end(context->output, err);
}

static struct json json_or_text(struct arena *arena, struct str text)
{
    struct json value;
    struct err ignored;
    if (text.bytes == NULL)
        return (struct json){.kind = JSON_NULL};
    return json_parse(arena, text, "history", &value, &ignored) == RC_OK ? value
                                                                         : json_of_str(text);
}

static rc show_as_json(struct command_context *context, const struct history_execution *e,
                       const history_event_vec *events, struct err *err)
{
    struct arena *arena = context->arena;
    struct json answer = {.kind = JSON_OBJECT}, list = {.kind = JSON_ARRAY};
    const struct {
        const char *name;
        struct str text;
    } texts[] = {{"id", e->id},         {"workflow", e->workflow}, {"environment", e->environment},
                 {"status", e->status}, {"error", e->error},       {"cause", e->cause}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *json_object_set(arena, &answer, str_of(texts[i].name)) =
            texts[i].text.bytes != NULL ? json_of_str(texts[i].text)
                                        : (struct json){.kind = JSON_NULL};
    *json_object_set(arena, &answer, STR("started")) =
        json_of_str(time_format(arena, e->started_us, TIME_ISO_Z));
    *json_object_set(arena, &answer, STR("ended")) =
        e->ended_us == 0 ? (struct json){.kind = JSON_NULL}
                         : json_of_str(time_format(arena, e->ended_us, TIME_ISO_Z));
    *json_object_set(arena, &answer, STR("input")) = json_or_text(arena, e->input);
    *json_object_set(arena, &answer, STR("output")) = json_or_text(arena, e->output);
    for (size_t i = 0; i < events->count; i++) {
        const struct history_event *event = &events->items[i];
        struct json *item = json_array_push(arena, &list);
        *item = (struct json){.kind = JSON_OBJECT};
        *json_object_set(arena, item, STR("id")) = json_of_int64(arena, event->id);
        *json_object_set(arena, item, STR("previousEventId")) =
            json_of_int64(arena, event->previous_id);
        *json_object_set(arena, item, STR("timestamp")) =
            json_of_str(time_format(arena, event->time_us, TIME_ISO_Z));
        *json_object_set(arena, item, STR("type")) = json_of_str(event->type);
        *json_object_set(arena, item, STR("state")) = json_of_str(event->state);
        if (event->details.length > 0)
            *json_object_set(arena, item, STR("details")) = json_or_text(arena, event->details);
    }
    *json_object_set(arena, &answer, STR("events")) = list;
    return output_json(context->output, &answer, err);
}

/// What an event carries that fits on a line.
static struct str summary_of(struct arena *arena, struct str details)
{
    const struct json value = json_or_text(arena, details);
    static const char *const keys[] = {"error", "cause", "output", "input", "parameters"};
    struct str text = STR("");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct str part = json_str(json_get(&value, str_of(keys[i])), STR(""));
        if (part.length == 0)
            continue;
        text = text.length == 0 ? part
                                : arena_printf(arena, "%.*s: %.*s", STR_ARGS(text), STR_ARGS(part));
        if (i >= 1)
            break;
    }
    return text;
}

static rc show_as_text(struct command_context *context, const struct history_execution *e,
                       const history_event_vec *events, struct err *err)
{
    static const struct output_column columns[] = {{STR_INIT("id"), OUTPUT_NUMBER},
                                                   {STR_INIT("time"), OUTPUT_STRING},
                                                   {STR_INIT("state"), OUTPUT_STRING},
                                                   {STR_INIT("event"), OUTPUT_STRING},
                                                   {STR_INIT("what"), OUTPUT_STRING}};
    struct arena *arena = context->arena;
    TRY(output_text(context->output, err, "%.*s  %.*s  %.*s\n\n", STR_ARGS(e->id),
                    STR_ARGS(e->status), STR_ARGS(time_format(arena, e->started_us, TIME_ISO_Z))));
    TRY(output_table_begin(context->output, columns, sizeof columns / sizeof columns[0],
                           "no events", err));
    for (size_t i = 0; i < events->count; i++) {
        const struct history_event *event = &events->items[i];
        const struct output_cell cells[] = {
            text_cell(arena_printf(arena, "%lld", (long long)event->id)),
            time_cell(arena, event->time_us), text_cell(event->state), text_cell(event->type),
            text_cell(summary_of(arena, event->details))};
        TRY(output_row(context->output, cells, err));
    }
    return output_table_end(context->output, err);
}

rc run_show_history(struct command_context *context, const struct history_execution *e,
                    const history_event_vec *events, struct err *err)
{
    return output_format_of(context->output) == OUTPUT_TEXT ? show_as_text(context, e, events, err)
                                                            : show_as_json(context, e, events, err);
}
