// moulin ingest SOURCE: one run of a source into its landing tables.

#include <unistd.h>

#include "base/log.h"
#include "base/progress.h"
#include "base/runtime.h"
#include "base/time.h"
#include "cli/command.h"
#include "cli/commands.gen.h"
#include "flow/payload.h"
#include "ingest/load.h"
#include "ingest/source/source_file.h"
#include "net/recording.h"

// One thread compresses faster than the source delivers; a second one costs half as much again in
// processor time and 50 MB.
enum { ENGINE_MEMORY_BYTES = 256 << 20, ENGINE_THREADS = 1 };

/// What the command opened and must close, whatever happens.
struct ingest_call {
    struct command_context *context;
    struct project *project;
    struct recording *recording;
    struct source_file file;
    struct load_options options;
    landing_schema_files schema_files;
    struct payload input; // what --input says
};

// ---------------------------------------------------------------- the call

/// The next value that --input gives an option, from `*at` on; .bytes NULL = none.
static struct str next_of_input(const struct ingest_call *call, const char *option, size_t *at)
{
    const str_vec *options = &call->input.options;
    for (; *at < options->count; (*at)++) {
        const struct str text = str_slice(options->items[*at], 2, SIZE_MAX); // without --
        const size_t equals = str_find_byte(text, '=');
        if (str_is(str_slice(text, 0, equals), option)) {
            (*at)++;
            return equals == SIZE_MAX ? STR("true") : str_slice(text, equals + 1, SIZE_MAX);
        }
    }
    return (struct str){NULL, 0};
}

/// The option as it was given, else as --input has it; "" = neither.
static struct str call_text(const struct ingest_call *call, const char *option)
{
    size_t at = 0;
    if (command_has(call->context, option))
        return command_text(call->context, option);
    return next_of_input(call, option, &at);
}

static bool call_flag(const struct ingest_call *call, const char *option)
{
    size_t at = 0;
    return command_flag(call->context, option) || next_of_input(call, option, &at).bytes != NULL;
}

static rc read_input(struct ingest_call *call, struct err *err)
{
    struct arena *arena = call->context->arena;
    struct json event = {.kind = JSON_OBJECT}, input;
    if (!command_has(call->context, "input"))
        return RC_OK;
    const rc code = json_parse(arena, command_text(call->context, "input"), "--input", &input, err);
    if (code == RC_INVALID && err != NULL)
        err->code = RC_USAGE;
    TRY(code == RC_INVALID ? RC_USAGE : code);
    *json_object_set(arena, &event, STR("input")) = input;
    return payload_read(arena, &event, &call->input, err);
}

/// Variables of --input, under those of --var.
static void set_variables(struct ingest_call *call)
{
    struct project *project = call->project;
    const struct str *given = NULL;
    const size_t given_count = command_list(call->context, "var", &given);
    for (size_t at = 0;;) {
        const struct str text = next_of_input(call, "var", &at);
        if (text.bytes == NULL)
            return;
        const size_t equals = str_find_byte(text, '=');
        bool is_given = false;
        for (size_t i = 0; i < given_count; i++)
            is_given = is_given || str_has_prefix(given[i], str_slice(text, 0, equals + 1));
        if (!is_given)
            *json_object_set(project->arena, &project->vars, str_slice(text, 0, equals)) =
                json_of_str(str_slice(text, equals + 1, SIZE_MAX));
    }
}

static rc open_recording(struct ingest_call *call, struct err *err)
{
    const struct str record = command_text(call->context, "record");
    const struct str replay = call_text(call, "replay");
    if (record.length > 0 && replay.length > 0)
        return command_usage_error(call->context, err, "--record and --replay exclude each other");
    if (record.length > 0)
        return recording_open_record(record, &call->recording, err);
    if (replay.length > 0)
        return recording_open_replay(replay, &call->recording, err);
    const struct str of_environment = call->project->environment->http.replay;
    return of_environment.length > 0 ? recording_open_replay(of_environment, &call->recording, err)
                                     : RC_OK;
}

/// --start-month and --end-month are variables that the source's file reads.
static void set_limits(struct ingest_call *call)
{
    static const struct {
        const char *option, *variable;
    } limits[] = {{"start-month", "start_month"}, {"end-month", "end_month"}};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct str text = call_text(call, limits[i].option);
        if (text.length > 0)
            *json_object_set(call->project->arena, &call->project->vars,
                             str_of(limits[i].variable)) = json_of_str(text);
    }
}

static rc open_source(struct ingest_call *call, struct err *err)
{
    struct command_context *context = call->context;
    str_vec selected = {0};
    const struct str *names = NULL;
    const size_t count = command_list(context, "resource", &names);
    for (size_t i = 0; i < count; i++)
        *vec_push(context->arena, &selected) = names[i];
    for (size_t at = 0; count == 0;) {
        const struct str name = next_of_input(call, "resource", &at);
        if (name.bytes == NULL)
            break;
        *vec_push(context->arena, &selected) = name;
    }
    const struct source_options options = {
        .name = call->options.source_name, .selected = &selected, .recording = call->recording};
    return source_file_open(call->project, context->arena, &options, &call->file, err);
}

static rc read_schemas(struct ingest_call *call, struct err *err)
{
    struct arena *arena = call->context->arena;
    const struct str folder =
        arena_printf(arena, "pipelines/ingest/%.*s-schema", STR_ARGS(call->options.source_name));
    struct str path;
    TRY(project_path(call->project, arena, folder, &path, err));
    return schema_folder_read(arena, path, &call->schema_files, err);
}

static rc read_time(struct ingest_call *call, struct err *err)
{
    const struct str text = call_text(call, "now");
    struct time_text now;
    if (text.length == 0)
        return RC_OK;
    TRY_CONTEXT(time_parse_iso(text, &now, err), err, "--now");
    call->options.now_us = now.us;
    return RC_OK;
}

/// --max-runtime counts from here: what opens the project and the catalog is part of it.
static rc read_max_runtime(struct ingest_call *call, struct err *err)
{
    int64_t us = 0;
    if (!command_has(call->context, "max-runtime"))
        return RC_OK;
    TRY_CONTEXT(time_parse_duration(command_text(call->context, "max-runtime"), &us, err), err,
                "--max-runtime");
    if (us <= 0)
        return command_usage_error(call->context, err, "--max-runtime must be above 0");
    call->options.stop_at_us = time_monotonic_us() + us;
    return RC_OK;
}

static rc open_engine(struct ingest_call *call, struct err *err)
{
    struct duck_options options;
    TRY(project_duck_options(call->project, &options, err));
    if (options.memory_bytes <= 0)
        options.memory_bytes = ENGINE_MEMORY_BYTES;
    if (options.threads <= 0)
        options.threads = ENGINE_THREADS;
    options.is_unlocked = true; // no SQL of users runs here, and most loads read no bucket
    return duck_open(call->context->arena, &options, &call->options.duck, err);
}

static rc open_all(struct ingest_call *call, struct err *err)
{
    struct command_context *context = call->context;
    struct load_options *options = &call->options;
    TRY(read_max_runtime(call, err));
    TRY(read_input(call, err));
    TRY(command_project(context, &call->project, err));
    set_variables(call);
    options->source_name = context->arguments[0];
    TRY(read_time(call, err));
    TRY(open_recording(call, err));
    set_limits(call);
    TRY(open_source(call, err));
    TRY(read_schemas(call, err));
    TRY(project_catalog(call->project, &options->catalog, err));
    TRY(project_store(call->project, &options->store, err));
    TRY(open_engine(call, err));
    options->source = call->file.source;
    options->settings = call->file.config;
    options->warehouse = call->project->environment->warehouse;
    options->namespace_name = call->project->landing.namespace_name;
    options->format_version = call->project->landing.format_version;
    options->run_id = command_text(context, "run-id");
    if (!str_to_int64(call_text(call, "limit"), &options->max_pages))
        options->max_pages = 0;
    options->is_full_refresh = call_flag(call, "full-refresh");
    options->is_dry_run = command_flag(context, "dry-run");
    // A container that is taken away is told so; at a keyboard, Ctrl-C takes everything back.
    options->commits_when_stopped = runtime_package_folder() != NULL;
    options->schema_files = call->schema_files.items;
    options->schema_file_count = call->schema_files.count;
    return RC_OK;
}

// ---------------------------------------------------------------- the answer

static void put_number(struct arena *arena, struct json *object, const char *key, int64_t number)
{
    *json_object_set(arena, object, str_of(key)) = json_of_int64(arena, number);
}

static struct json table_json(struct arena *arena, const struct load_table_report *table)
{
    struct json object = {.kind = JSON_OBJECT};
    *json_object_set(arena, &object, STR("name")) = json_of_str(table->table);
    put_number(arena, &object, "rows_read", table->read);
    put_number(arena, &object, "rows_written", table->inserted + table->updated);
    put_number(arena, &object, "rows_rejected", table->rejected);
    put_number(arena, &object, "inserted", table->inserted);
    put_number(arena, &object, "updated", table->updated);
    put_number(arena, &object, "deleted", table->deleted);
    put_number(arena, &object, "files", table->files);
    struct json *snapshot = json_object_set(arena, &object, STR("snapshot_id"));
    if (table->snapshot_id != SNAPSHOT_NONE)
        *snapshot = json_of_int64(arena, table->snapshot_id);
    return object;
}

/// [{"table": "chess_players", "change": "add title string"}]
static struct json changes_json(struct arena *arena, const struct load_report *report)
{
    struct json list = {.kind = JSON_ARRAY};
    for (size_t i = 0; i < report->table_count; i++) {
        const struct load_table_report *table = &report->tables[i];
        for (size_t k = 0; k < table->schema_changes.count; k++) {
            struct json *change = json_array_push(arena, &list);
            *change = (struct json){.kind = JSON_OBJECT};
            *json_object_set(arena, change, STR("table")) = json_of_str(table->table);
            *json_object_set(arena, change, STR("change")) =
                json_of_str(table->schema_changes.items[k]);
        }
    }
    return list;
}

static rc print_json(struct ingest_call *call, const struct load_report *report, struct err *err)
{
    struct arena *arena = call->context->arena;
    struct json answer = {.kind = JSON_OBJECT};
    *json_object_set(arena, &answer, STR("source")) = json_of_str(call->options.source_name);
    *json_object_set(arena, &answer, STR("status")) =
        json_of_str(str_of(load_status_name(report->status)));
    if (report->status == LOAD_WAS_DONE) // by an earlier try of this run
        *json_object_set(arena, &answer, STR("was_loaded_before")) = json_of_bool(true);
    *json_object_set(arena, &answer, STR("run_id")) = json_of_str(report->run_id);
    *json_object_set(arena, &answer, STR("load_id")) = json_of_str(report->load_id);
    put_number(arena, &answer, "commits", report->commits);
    put_number(arena, &answer, "requests", report->source.requests);
    put_number(arena, &answer, "bytes", report->source.bytes);
    put_number(arena, &answer, "records", report->source.records);
    put_number(arena, &answer, "skipped_requests", report->source.skipped);
    put_number(arena, &answer, "removed_files_of_dead_runs", report->reaped_files);
    struct json *tables = json_object_set(arena, &answer, STR("tables"));
    *tables = (struct json){.kind = JSON_ARRAY};
    for (size_t i = 0; i < report->table_count; i++)
        *json_array_push(arena, tables) = table_json(arena, &report->tables[i]);
    *json_object_set(arena, &answer, STR("schema_changes")) = changes_json(arena, report);
    return output_json(call->context->output, &answer, err);
}

static rc print_tables(struct ingest_call *call, const struct load_report *report, struct err *err)
{
    static const struct output_column columns[] = {
        {STR_INIT("table"), OUTPUT_STRING},    {STR_INIT("read"), OUTPUT_NUMBER},
        {STR_INIT("inserted"), OUTPUT_NUMBER}, {STR_INIT("updated"), OUTPUT_NUMBER},
        {STR_INIT("deleted"), OUTPUT_NUMBER},  {STR_INIT("rejected"), OUTPUT_NUMBER},
        {STR_INIT("files"), OUTPUT_NUMBER},    {STR_INIT("snapshot"), OUTPUT_NUMBER}};
    struct arena *arena = call->context->arena;
    struct output *output = call->context->output;
    TRY(output_table_begin(output, columns, sizeof columns / sizeof columns[0], NULL, err));
    for (size_t i = 0; i < report->table_count; i++) {
        const struct load_table_report *table = &report->tables[i];
        const int64_t numbers[] = {table->read,    table->inserted, table->updated,
                                   table->deleted, table->rejected, table->files};
        struct output_cell cells[8] = {{.text = table->table}};
        for (size_t n = 0; n < 6; n++)
            cells[n + 1].text = arena_printf(arena, "%lld", (long long)numbers[n]);
        cells[7].text = table->snapshot_id == SNAPSHOT_NONE
                            ? STR("-")
                            : arena_printf(arena, "%lld", (long long)table->snapshot_id);
        TRY(output_row(output, cells, err));
    }
    return output_table_end(output, err);
}

static rc print_text(struct ingest_call *call, const struct load_report *report, struct err *err)
{
    struct output *output = call->context->output;
    const struct str source = call->options.source_name;
    if (report->table_count > 0 && report->status != LOAD_WAS_DONE)
        TRY(print_tables(call, report, err));
    for (size_t i = 0; i < report->table_count; i++)
        for (size_t c = 0; c < report->tables[i].schema_changes.count; c++)
            TRY(output_text(output, err, "schema: %.*s: %.*s\n", STR_ARGS(report->tables[i].table),
                            STR_ARGS(report->tables[i].schema_changes.items[c])));
    if (report->reaped_files > 0)
        TRY(output_text(output, err, "removed %lld files that dead runs left\n",
                        (long long)report->reaped_files));
    switch (report->status) {
    case LOAD_DONE:
        return output_text(output, err, "%.*s: loaded as %.*s, %lld requests, %lld skipped\n",
                           STR_ARGS(source), STR_ARGS(report->load_id),
                           (long long)report->source.requests, (long long)report->source.skipped);
    case LOAD_NOTHING_NEW:
        return output_text(output, err,
                           "%.*s: nothing is new, nothing was committed (%lld records read, %lld "
                           "requests, %lld skipped)\n",
                           STR_ARGS(source), (long long)report->source.records,
                           (long long)report->source.requests, (long long)report->source.skipped);
    case LOAD_DRY_RUN:
        return output_text(output, err,
                           "%.*s: dry run, nothing was committed (%lld records read)\n",
                           STR_ARGS(source), (long long)report->source.records);
    case LOAD_WAS_DONE:
        return output_text(output, err, "%.*s: run %.*s was loaded before as %.*s\n",
                           STR_ARGS(source), STR_ARGS(report->run_id), STR_ARGS(report->load_id));
    case LOAD_PARTIAL:
        return output_text(
            output, err,
            "%.*s: the time is over; what was complete is loaded as %.*s, run it again "
            "to go on (%lld requests)\n",
            STR_ARGS(source), STR_ARGS(report->load_id), (long long)report->source.requests);
    }
    return RC_OK;
}

// The live line on a terminal is drawn over itself; elsewhere a line now and then is enough.
static rc run(struct ingest_call *call, struct load_report *ret_report, struct err *err)
{
    struct arena *arena = call->context->arena;
    call->options.progress = progress_open(
        arena, (struct progress_options){.what = arena_cstr(arena, call->options.source_name),
                                         .is_silent = !log_is_on(LOG_LEVEL_INFO),
                                         .is_terminal = call->context->has_terminal &&
                                                        progress_is_terminal(STDERR_FILENO)});
    const rc code = load_run(arena, &call->options, ret_report, err);
    progress_close(call->options.progress);
    return code;
}

rc command_ingest(struct command_context *context, struct err *err)
{
    struct ingest_call call = {.context = context};
    struct load_report report = {0};
    rc code = open_all(&call, err);
    if (code == RC_OK)
        code = run(&call, &report, err);
    // The notes live with the source.
    for (size_t i = 0; code == RC_OK && i < report.source.notes.count; i++)
        log_info("%.*s", STR_ARGS(report.source.notes.items[i]));
    if (call.file.source != NULL)
        source_close(call.file.source);
    if (code != RC_OK) {
        recording_abandon(call.recording);
        return code;
    }
    TRY(recording_close(call.recording, err));
    if (report.name_clashes > 0)
        log_warn("%lld times two keys of one record had the same name in the table: the last won",
                 (long long)report.name_clashes);
    return output_format_of(context->output) == OUTPUT_TEXT ? print_text(&call, &report, err)
                                                            : print_json(&call, &report, err);
}
