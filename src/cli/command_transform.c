// moulin transform VERB: the dbt project, by dbt's own verbs.

#include "base/fs.h"
#include "base/log.h"
#include "base/time.h"
#include "cli/command.h"
#include "cli/commands.gen.h"
#include "transform/compile.h"
#include "transform/transform.h"

struct transform_call {
    struct command_context *context;
    struct transform_options options;
    struct transform *transform;
};

static void log_progress(void *context, struct str line)
{
    (void)context;
    log_info("%.*s", STR_ARGS(line));
}

static bool holds(struct arena *arena, struct str folder, const char *file)
{
    struct str path;
    struct err ignored;
    return fs_join(arena, folder, str_of(file), &path, &ignored) == RC_OK && fs_exists(path);
}

// The folder itself, or pipelines/transform of a project; moulin.yml may lie above either.
static rc find_folders(struct transform_call *call, struct str *ret_moulin, struct err *err)
{
    struct command_context *context = call->context;
    struct arena *arena = context->arena;
    struct str folder;
    TRY(fs_absolute(arena, context->project_folder, &folder, err));
    call->options.project_folder = context->project_folder;
    if (!holds(arena, folder, "dbt_project.yml")) {
        struct str inner;
        TRY(fs_join(arena, context->project_folder, STR("pipelines/transform"), &inner, err));
        if (holds(arena, inner, "dbt_project.yml"))
            call->options.project_folder = inner;
    }
    *ret_moulin = STR("");
    TRY(fs_absolute(arena, call->options.project_folder, &folder, err));
    for (;;) {
        if (holds(arena, folder, "moulin.yml")) {
            *ret_moulin = folder;
            return RC_OK;
        }
        const struct str parent = fs_parent(folder);
        if (str_equal(parent, folder))
            return RC_OK;
        folder = parent;
    }
}

static rc open_project(struct transform_call *call, struct err *err)
{
    struct command_context *context = call->context;
    struct str folder;
    TRY(find_folders(call, &folder, err));
    if (folder.length == 0)
        return RC_OK;
    // --target names an environment of moulin.yml, as --env does.
    const struct str environment =
        call->options.target.length > 0 ? call->options.target : context->environment;
    const struct project_options options = {.folder = folder, .environment = environment};
    struct err failure = {0};
    rc code = project_open(context->arena, options, &call->options.project, &failure);
    if (code == RC_CONFIG && context->environment.length == 0 && call->options.target.length > 0) {
        // A target of profiles.yml that is no environment: the default one then stays in force.
        const struct project_options fallback = {.folder = folder};
        code = project_open(context->arena, fallback, &call->options.project, err);
    } else if (code != RC_OK && err != NULL) {
        *err = failure;
    }
    if (code == RC_OK && call->options.target.length == 0)
        call->options.target = context->environment;
    return code;
}

static rc read_options(struct transform_call *call, struct err *err)
{
    struct command_context *context = call->context;
    struct transform_options *o = &call->options;
    const struct str verb = str_of(context->verb);
    const bool is_plain = str_is(verb, "parse") || str_is(verb, "debug") || str_is(verb, "clean");
    const bool builds = str_is(verb, "run") || str_is(verb, "test") || str_is(verb, "seed") ||
                        str_is(verb, "build");
    o->vars = command_text(context, "vars");
    o->target = command_text(context, "target");
    o->profiles_folder = command_text(context, "profiles-dir");
    o->target_path = command_text(context, "target-path");
    o->namespace_prefix = context->namespace_prefix;
    if (!is_plain) {
        o->select_count = command_list(context, "select", &o->select);
        o->exclude_count = command_list(context, "exclude", &o->exclude);
    }
    if (builds) {
        o->full_refresh = command_flag(context, "full-refresh");
        o->fail_fast = command_flag(context, "fail-fast");
        o->empty = command_flag(context, "empty");
        o->threads = command_has(context, "threads") ? command_int(context, "threads") : 0;
    }
    if (str_is(verb, "compile"))
        o->full_refresh = command_flag(context, "full-refresh");
    if (str_is(verb, "compile") || str_is(verb, "show"))
        o->inline_sql = command_text(context, "inline");
    if (str_is(verb, "show"))
        o->limit = command_int(context, "limit");
    if (str_is(verb, "ls") || str_is(verb, "build"))
        o->resource_type_count = command_list(context, "resource-type", &o->resource_types);
    if (!str_is(verb, "debug") && !str_is(verb, "clean") && command_has(context, "now")) {
        struct time_text now;
        TRY_CONTEXT(time_parse_iso(command_text(context, "now"), &now, err), err, "--now");
        o->now_us = now.us;
    }
    o->progress = log_progress;
    return RC_OK;
}

// ---- answers

static struct output_cell text_cell(struct str text)
{
    return (struct output_cell){.text = text, .is_null = text.length == 0};
}

static rc print_results(struct command_context *context, const struct run_summary *summary,
                        struct err *err)
{
    static const struct output_column columns[] = {{STR_INIT("unique_id"), OUTPUT_STRING},
                                                   {STR_INIT("status"), OUTPUT_STRING},
                                                   {STR_INIT("seconds"), OUTPUT_NUMBER},
                                                   {STR_INIT("failures"), OUTPUT_NUMBER},
                                                   {STR_INIT("message"), OUTPUT_STRING}};
    TRY(output_table_begin(context->output, columns, sizeof columns / sizeof *columns, NULL, err));
    for (size_t i = 0; i < summary->results.count; i++) {
        const struct run_result *r = &summary->results.items[i];
        const double seconds =
            r->execute_end_us > 0 ? (double)(r->execute_end_us - r->compile_start_us) / 1e6 : 0;
        const struct output_cell cells[] = {
            {.text = r->node->unique_id},
            {.text = str_of(run_status_names[r->status])},
            {.text = arena_printf(context->arena, "%.3f", seconds)},
            text_cell(r->failures < 0
                          ? STR("")
                          : arena_printf(context->arena, "%lld", (long long)r->failures)),
            text_cell(r->message)};
        TRY(output_row(context->output, cells, err));
    }
    return output_table_end(context->output, err);
}

static rc do_nodes(struct transform_call *call, enum transform_verb verb, struct err *err)
{
    struct run_summary summary = {0};
    const rc code = transform_run(call->transform, verb, &summary, err);
    if (code != RC_OK)
        return code;
    TRY(transform_write_manifest(call->transform, err));
    TRY(transform_write_results(call->transform, verb, &summary, err));
    if (output_format_of(call->context->output) != OUTPUT_TEXT)
        TRY(print_results(call->context, &summary, err));
    else
        TRY(output_text(call->context->output, err, "%.*s\n",
                        STR_ARGS(transform_summary_line(call->context->arena, &summary))));
    const size_t bad = summary.counts[STATUS_ERROR] + summary.counts[STATUS_FAIL];
    if (bad == 0)
        return RC_OK;
    err_set(err, RC_FAILED, "%zu of %zu nodes failed, %zu were skipped", bad, summary.results.count,
            summary.counts[STATUS_SKIPPED]);
    return err_hint(err, "what each said is above and in %.*s/run_results.json",
                    STR_ARGS(call->transform->root->target_path));
}

static void put(struct arena *arena, struct json *object, const char *key, struct str text)
{
    *json_object_set(arena, object, str_of(key)) = json_of_str(text);
}

static rc compile_inline(struct transform_call *call, struct err *err)
{
    struct command_context *context = call->context;
    struct node *node;
    TRY(transform_add_inline(call->transform, call->options.inline_sql, &node, err));
    const node_vec inline_nodes = {.items = &node, .count = 1};
    TRY(transform_defer(call->transform, &inline_nodes, err));
    TRY(transform_compile_node(call->transform, node, err));
    if (output_format_of(context->output) == OUTPUT_TEXT)
        return output_text(context->output, err, "%.*s\n", STR_ARGS(node->compiled_code));
    struct arena *arena = context->arena;
    struct json answer = {.kind = JSON_OBJECT}, refs = {.kind = JSON_ARRAY},
                nodes = {.kind = JSON_ARRAY}, macros = {.kind = JSON_ARRAY};
    for (size_t i = 0; i < node->refs.count; i++)
        *json_array_push(arena, &refs) = json_of_str(node->refs.items[i].name);
    for (size_t i = 0; i < node->parents.count; i++)
        *json_array_push(arena, &nodes) = json_of_str(node->parents.items[i]->unique_id);
    for (size_t i = 0; i < node->macro_names.count; i++)
        *json_array_push(arena, &macros) = json_of_str(node->macro_names.entries[i].key);
    put(arena, &answer, "compiled", node->compiled_code);
    *json_object_set(arena, &answer, STR("refs")) = refs;
    *json_object_set(arena, &answer, STR("depends_on")) = nodes;
    *json_object_set(arena, &answer, STR("depends_on_macros")) = macros;
    return output_json(context->output, &answer, err);
}

static rc do_compile(struct transform_call *call, struct err *err)
{
    return call->options.inline_sql.length > 0 ? compile_inline(call, err)
                                               : do_nodes(call, VERB_COMPILE, err);
}

static rc do_run(struct transform_call *call, struct err *err)
{
    return do_nodes(call, VERB_RUN, err);
}

static rc do_test(struct transform_call *call, struct err *err)
{
    return do_nodes(call, VERB_TEST, err);
}

static rc do_seed(struct transform_call *call, struct err *err)
{
    return do_nodes(call, VERB_SEED, err);
}

static rc do_build(struct transform_call *call, struct err *err)
{
    return do_nodes(call, VERB_BUILD, err);
}

static rc do_parse(struct transform_call *call, struct err *err)
{
    TRY(transform_write_manifest(call->transform, err));
    size_t counts[NODE_TYPE_COUNT] = {0};
    const struct transform *t = call->transform;
    for (size_t i = 0; i < t->manifest.nodes.count; i++)
        counts[t->manifest.nodes.items[i]->type]++;
    if (output_format_of(call->context->output) == OUTPUT_TEXT)
        return output_text(call->context->output, err,
                           "%zu models, %zu seeds, %zu tests, %zu sources, %zu macros: "
                           "%.*s/manifest.json\n",
                           counts[NODE_MODEL], counts[NODE_SEED], counts[NODE_TEST],
                           counts[NODE_SOURCE], t->manifest.macros.count,
                           STR_ARGS(t->root->target_path));
    struct json answer = {.kind = JSON_OBJECT};
    for (int i = 0; i < NODE_TYPE_COUNT; i++)
        *json_object_set(call->context->arena, &answer, str_of(node_type_names[i])) =
            json_of_int64(call->context->arena, (int64_t)counts[i]);
    return output_json(call->context->output, &answer, err);
}

static struct str listed_name(struct arena *arena, const struct node *node)
{
    const struct str fqn = str_join(arena, node->fqn.items, node->fqn.count, STR("."));
    return node->type == NODE_SOURCE ? arena_printf(arena, "source:%.*s", STR_ARGS(fqn)) : fqn;
}

static rc do_list(struct transform_call *call, struct err *err)
{
    struct command_context *context = call->context;
    node_vec nodes;
    TRY(transform_select(call->transform, VERB_LIST, &nodes, err));
    const bool is_text = output_format_of(context->output) == OUTPUT_TEXT;
    static const struct output_column columns[] = {
        {STR_INIT("unique_id"), OUTPUT_STRING},    {STR_INIT("resource_type"), OUTPUT_STRING},
        {STR_INIT("name"), OUTPUT_STRING},         {STR_INIT("package_name"), OUTPUT_STRING},
        {STR_INIT("materialized"), OUTPUT_STRING}, {STR_INIT("original_file_path"), OUTPUT_STRING}};
    if (!is_text)
        TRY(output_table_begin(context->output, columns, sizeof columns / sizeof *columns, NULL,
                               err));
    for (size_t i = 0; i < nodes.count; i++) {
        const struct node *node = nodes.items[i];
        if (is_text) {
            const struct str name = listed_name(context->arena, node);
            TRY(output_text(context->output, err, "%.*s\n", STR_ARGS(name)));
            continue;
        }
        const struct output_cell cells[] = {{.text = node->unique_id},
                                            {.text = str_of(node_type_names[node->type])},
                                            {.text = node->name},
                                            {.text = node->package->name},
                                            text_cell(node_materialized(node)),
                                            {.text = node->original_path}};
        TRY(output_row(context->output, cells, err));
    }
    return is_text ? RC_OK : output_table_end(context->output, err);
}

static rc print_rows(struct command_context *context, const struct duck_rows *rows, struct err *err)
{
    struct output_column *columns =
        ARENA_ARRAY(context->arena, struct output_column, rows->column_count);
    struct output_cell *cells = ARENA_ARRAY(context->arena, struct output_cell, rows->column_count);
    for (size_t c = 0; c < rows->column_count; c++) {
        const enum duck_kind kind = rows->columns[c].kind;
        columns[c].name = rows->columns[c].name;
        columns[c].kind = kind == DUCK_INT || kind == DUCK_DOUBLE || kind == DUCK_DECIMAL
                              ? OUTPUT_NUMBER
                          : kind == DUCK_BOOL   ? OUTPUT_BOOL
                          : kind == DUCK_NESTED ? OUTPUT_VALUE
                                                : OUTPUT_STRING;
    }
    TRY(output_table_begin(context->output, columns, rows->column_count, NULL, err));
    for (size_t r = 0; r < rows->row_count; r++) {
        for (size_t c = 0; c < rows->column_count; c++)
            cells[c] =
                (struct output_cell){duck_cell(rows, r, c)->text, duck_cell(rows, r, c)->is_null};
        TRY(output_row(context->output, cells, err));
    }
    return output_table_end(context->output, err);
}

static rc shown_node(struct transform_call *call, struct node **ret_node, struct err *err)
{
    if (call->options.inline_sql.length > 0)
        return transform_add_inline(call->transform, call->options.inline_sql, ret_node, err);
    node_vec nodes;
    if (call->options.select_count == 0)
        return command_usage_error(call->context, err, "give --select MODEL or --inline SQL");
    TRY(transform_select(call->transform, VERB_COMPILE, &nodes, err));
    for (size_t i = 0; i < nodes.count; i++)
        if (nodes.items[i]->type == NODE_MODEL || nodes.count == 1) {
            *ret_node = nodes.items[i];
            return RC_OK;
        }
    return err_set(err, RC_USAGE, "the selection has no model to show");
}

static rc do_show(struct transform_call *call, struct err *err)
{
    struct command_context *context = call->context;
    struct node *node;
    TRY(shown_node(call, &node, err));
    const node_vec nodes = {.items = &node, .count = 1};
    TRY(transform_defer(call->transform, &nodes, err));
    TRY(transform_compile_node(call->transform, node, err));
    struct session *session;
    struct duck_rows rows;
    TRY(session_open(call->transform, context->arena, &session, err));
    const rc code =
        session_rows(session, context->arena,
                     arena_printf(context->arena, "SELECT * FROM (%.*s\n) LIMIT %lld",
                                  STR_ARGS(node->compiled_code), (long long)call->options.limit),
                     &rows, err);
    session_close(session);
    return code == RC_OK ? print_rows(context, &rows, err) : code;
}

static rc do_debug(struct transform_call *call, struct err *err)
{
    struct command_context *context = call->context;
    const struct transform *t = call->transform;
    struct session *session;
    TRY(session_open(call->transform, context->arena, &session, err));
    const struct str engine = str_of(t->adapter->class->name);
    struct duck_rows one;
    const rc code = session_rows(session, context->arena, STR("SELECT 1"), &one, err);
    session_close(session);
    TRY_CONTEXT(code, err, "connection");
    const struct {
        const char *key;
        struct str value;
    } facts[] = {{"project", t->root->name},
                 {"folder", t->folder},
                 {"profile", t->profile.name},
                 {"target", t->profile.target_name},
                 {"engine", engine},
                 {"database", t->profile.database},
                 {"schema", t->profile.schema},
                 {"connection", STR("ok")}};
    struct json answer = {.kind = JSON_OBJECT};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        put(context->arena, &answer, facts[i].key, facts[i].value);
        if (output_format_of(context->output) == OUTPUT_TEXT)
            TRY(output_text(context->output, err, "%-12s%.*s\n", facts[i].key,
                            STR_ARGS(facts[i].value)));
    }
    return output_format_of(context->output) == OUTPUT_TEXT
               ? RC_OK
               : output_json(context->output, &answer, err);
}

static rc do_clean(struct transform_call *call, struct err *err)
{
    struct command_context *context = call->context;
    const struct transform *t = call->transform;
    str_vec targets = t->root->clean_targets;
    if (targets.count == 0)
        *vec_push(context->arena, &targets) = t->root->target_path;
    struct json removed = {.kind = JSON_ARRAY};
    for (size_t i = 0; i < targets.count; i++) {
        struct str path;
        // fs_join refuses whatever leads out of the project.
        TRY_CONTEXT(fs_join(context->arena, t->folder, targets.items[i], &path, err), err,
                    "clean-targets");
        if (!fs_is_folder(path))
            continue;
        TRY(fs_remove_tree(path, err));
        *json_array_push(context->arena, &removed) = json_of_str(targets.items[i]);
        if (output_format_of(context->output) == OUTPUT_TEXT)
            TRY(output_text(context->output, err, "removed %.*s\n", STR_ARGS(targets.items[i])));
    }
    return output_format_of(context->output) == OUTPUT_TEXT
               ? RC_OK
               : output_json(context->output, &removed, err);
}

static const struct {
    const char *verb;
    rc (*run)(struct transform_call *call, struct err *err);
} verbs[] = {{"parse", do_parse}, {"compile", do_compile}, {"ls", do_list},     {"run", do_run},
             {"test", do_test},   {"seed", do_seed},       {"build", do_build}, {"show", do_show},
             {"debug", do_debug}, {"clean", do_clean}};

rc command_transform(struct command_context *context, struct err *err)
{
    struct transform_call call = {.context = context};
    TRY(read_options(&call, err));
    TRY(open_project(&call, err));
    TRY(transform_open(context->arena, &call.options, &call.transform, err));
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (str_is(str_of(context->verb), verbs[i].verb))
            return verbs[i].run(&call, err);
    return err_set(err, RC_INTERNAL, "transform has no verb %s", context->verb);
}
