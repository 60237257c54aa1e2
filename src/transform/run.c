// run, test, seed, build, compile: the selected nodes in the order of the graph, each by its
// materialization. Layer: transform. Source: dbt-core 1.12 (order, skips, messages, statuses).

#include <inttypes.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/runtime.h"
#include "base/time.h"
#include "transform/compile.h"
#include "transform/graph.h"
#include "transform/parse.h"
#include "transform/session.h"
#include "transform/transform.h"

enum { PROGRESS_WIDTH = 80 };

const char *const run_status_names[STATUS_COUNT] = {"success", "pass",  "warn",
                                                    "fail",    "error", "skipped"};

static const char *const verb_names[] = {"parse", "compile", "list",  "run",
                                         "test",  "seed",    "build", "show"};

struct run {
    struct transform *t;
    enum transform_verb verb;
    struct run_summary *summary;
    size_t total;
    bool is_stopped;      // --fail-fast, or interrupted
    bool has_failed_hook; // of on-run-start: nothing is built
    struct err interruption;
    struct session_statistics statistics; // of engines that are sent SQL
};

// ---- progress lines

static void say(struct run *run, struct str line)
{
    const struct transform_options *o = run->t->options;
    if (o->progress != NULL)
        o->progress(o->progress_context, line);
}

static struct str describe(struct arena *arena, const struct node *node)
{
    if (node->type == NODE_TEST)
        return arena_printf(arena, "test %.*s", STR_ARGS(node->name));
    if (node->type == NODE_OPERATION)
        return arena_printf(arena, "hook: %.*s", STR_ARGS(node->alias));
    const struct str materialized = node_materialized(node);
    if (node->type == NODE_SEED)
        return arena_printf(arena, "seed file %.*s.%.*s", STR_ARGS(node->schema),
                            STR_ARGS(node->alias));
    return arena_printf(arena, "sql %.*s model %.*s.%.*s", STR_ARGS(materialized),
                        STR_ARGS(node->schema), STR_ARGS(node->alias));
}

static void progress(struct run *run, size_t number, const char *word, const struct node *node,
                     struct str status, int64_t elapsed_us)
{
    if (run->t->options->progress == NULL)
        return;
    struct arena *arena = arena_open(NULL);
    const struct str what = describe(arena, node);
    const struct str head =
        arena_printf(arena, "%zu of %zu %s %.*s ", number, run->total, word, STR_ARGS(what));
    const int dots = (int)head.length < PROGRESS_WIDTH ? PROGRESS_WIDTH - (int)head.length : 3;
    static const char line[PROGRESS_WIDTH + 1] =
        "................................................................................";
    const struct str time =
        elapsed_us < 0 ? STR("") : arena_printf(arena, " in %.2fs", (double)elapsed_us / 1e6);
    say(run, arena_printf(arena, "%.*s%.*s [%.*s%.*s]", STR_ARGS(head), dots, line,
                          STR_ARGS(status), STR_ARGS(time)));
    arena_close(arena);
}

// ---- one node

static struct macro_entry *find_materialization(struct transform *t, const struct node *node)
{
    const struct str materialized = node_materialized(node);
    const struct str names[] = {
        arena_printf(t->arena, "materialization_%.*s_%.*s", STR_ARGS(materialized),
                     STR_ARGS(t->profile.type)),
        arena_printf(t->arena, "materialization_%.*s_default", STR_ARGS(materialized))};
    // The root project, the node's own package, any other package, the built-in ones.
    for (size_t p = 0; p < t->packages.count + 2; p++) {
        const struct package *package = p < t->packages.count    ? t->packages.items[p]
                                        : p == t->packages.count ? t->builtin_adapter
                                                                 : t->builtin;
        for (size_t i = 0; i < 2; i++) {
            struct macro_entry *entry = map_get(&package->macros, names[i]);
            if (entry != NULL)
                return entry;
        }
    }
    return NULL;
}

static rc no_materialization(const struct node *node, struct err *err)
{
    const struct str materialized = node_materialized(node);
    err_set(err, RC_CONFIG, "there is no materialization '%.*s'", STR_ARGS(materialized));
    return err_hint(err, "materializations: view, table, incremental, ephemeral, and those of the "
                         "project's own macros");
}

static void set_hooks(struct scope *scope, const struct node *node)
{
    const struct value pre = dict_get_str(node->config, STR("pre-hook"));
    const struct value post = dict_get_str(node->config, STR("post-hook"));
    scope_set(scope, "pre_hooks", pre.kind == VALUE_LIST ? pre : value_list_new(scope->arena, 0));
    scope_set(scope, "post_hooks",
              post.kind == VALUE_LIST ? post : value_list_new(scope->arena, 0));
}

static rc materialize(struct scope *scope, struct node *node, struct err *err)
{
    struct transform *t = scope->t;
    struct macro_entry *entry = find_materialization(t, node);
    if (entry == NULL)
        return no_materialization(node, err);
    scope_set(scope, "sql", value_str(node->compiled_code));
    scope_set(scope, "compiled_code", value_str(node->compiled_code));
    set_hooks(scope, node);
    const struct arguments none = {0};
    struct value ignored;
    return scope_call(scope, entry, &none, &ignored, err);
}

static int64_t count_of(struct value value)
{
    if (value.kind == VALUE_INT || value.kind == VALUE_BOOL)
        return value.integer;
    if (value.kind == VALUE_FLOAT)
        return (int64_t)value.number;
    if (value.kind == VALUE_DECIMAL) {
        __int128 unscaled = value.decimal->unscaled;
        for (int32_t i = 0; i < value.decimal->scale; i++)
            unscaled /= 10;
        return (int64_t)unscaled;
    }
    return 0;
}

static rc read_test(struct scope *scope, struct node *node, struct run_result *result,
                    struct err *err)
{
    const struct value main_result = dict_get_str(scope->results, STR("main"));
    const struct table_object *table =
        main_result.kind == VALUE_DICT ? table_object_of(dict_get_str(main_result, STR("table")))
                                       : NULL;
    if (table == NULL || table->row_count != 1 || table->column_count < 3)
        return err_set(err, RC_FAILED,
                       "a test's query gives one row: failures, should_warn, should_error");
    struct arena *arena = scope->t->arena;
    result->failures = count_of(table->cells[0]);
    const bool warns = value_is_true(table->cells[1]), fails = value_is_true(table->cells[2]);
    const struct str severity = config_str(node, "severity");
    const bool is_error = !str_equal_ignore_case(severity, STR("warn"));
    const struct str error_if = config_str(node, "error_if"), warn_if = config_str(node, "warn_if");
    result->status = is_error && fails ? STATUS_FAIL : warns ? STATUS_WARN : STATUS_PASS;
    if (result->status == STATUS_PASS) {
        result->failures = 0; // too few to warn of
        return RC_OK;
    }
    const bool is_fail = result->status == STATUS_FAIL;
    const struct str condition = is_fail ? error_if : warn_if;
    result->message = arena_printf(arena, "Got %" PRId64 " result%s, configured to %s if %.*s",
                                   result->failures, result->failures == 1 ? "" : "s",
                                   is_fail ? "fail" : "warn", STR_ARGS(condition));
    return RC_OK;
}

static rc read_result(struct scope *scope, struct node *node, struct run_result *result,
                      struct err *err)
{
    struct arena *arena = scope->t->arena;
    result->response = value_dict_new(arena);
    if (node->type == NODE_TEST) {
        dict_set_str(result->response, STR("_message"), VALUE_STR_LITERAL("OK"));
        return read_test(scope, node, result, err);
    }
    result->status = STATUS_SUCCESS;
    result->message = STR("OK");
    const struct value main_result = dict_get_str(scope->results, STR("main"));
    if (main_result.kind != VALUE_DICT) {
        err_set(err, RC_FAILED, "the materialization stored no result 'main'");
        return err_hint(err, "a materialization runs {%% call statement('main') %%}, or stores the "
                             "answer of adapter.commit()");
    }
    const struct value response = dict_get_str(main_result, STR("response"));
    if (response.kind == VALUE_DICT) {
        result->response = value_copy(arena, response);
        const struct value message = dict_get_str(response, STR("_message"));
        if (message.kind == VALUE_STR)
            result->message = arena_str(arena, value_text(message));
    }
    return RC_OK;
}

static rc write_seed_paths(struct transform *t, struct node *node, struct err *err)
{
    (void)t, (void)err;
    node->is_compiled = true;
    return RC_OK;
}

// What the engine did for the node, also when it failed: it is paid for all the same.
static void add_statistics(struct run *run, const struct session *session,
                           struct run_result *result)
{
    const struct session_statistics *one = &session->statistics;
    struct session_statistics *all = &run->statistics;
    if (result->response.kind != VALUE_DICT)
        result->response = value_dict_new(run->t->arena);
    session_total(session, result->response);
    all->statements += one->statements;
    all->scanned_bytes += one->scanned_bytes > 0 ? one->scanned_bytes : 0;
    if (one->cost_usd >= 0)
        all->cost_usd = (all->cost_usd > 0 ? all->cost_usd : 0) + one->cost_usd;
}

static struct str bytes_text(struct arena *arena, int64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double number = (double)bytes;
    size_t unit = 0;
    for (; number >= 1000 && unit + 1 < sizeof units / sizeof *units; unit++)
        number /= 1000;
    return unit == 0 ? arena_printf(arena, "%lld B", (long long)bytes)
                     : arena_printf(arena, "%.1f %s", number, units[unit]);
}

// "34 rows", with what it cost where the engine says so.
static struct str status_text(struct arena *arena, const struct run_result *result)
{
    const bool has_text = result->message.length > 0 && result->node->type != NODE_OPERATION;
    struct str text = has_text ? result->message : STR("OK");
    const struct value bytes = result->response.kind == VALUE_DICT
                                   ? dict_get_str(result->response, STR("data_scanned_in_bytes"))
                                   : value_missing();
    const struct value cost = result->response.kind == VALUE_DICT
                                  ? dict_get_str(result->response, STR("cost_usd"))
                                  : value_missing();
    if (bytes.kind == VALUE_INT && bytes.integer > 0)
        text = arena_printf(arena, "%.*s, %.*s scanned", STR_ARGS(text),
                            STR_ARGS(bytes_text(arena, bytes.integer)));
    if (cost.kind == VALUE_FLOAT && cost.number > 0)
        text = arena_printf(arena, "%.*s, $%.4f", STR_ARGS(text), cost.number);
    return text;
}

static void say_statistics(struct run *run)
{
    const struct session_statistics *all = &run->statistics;
    if (all->statements == 0)
        return;
    struct arena *arena = run->t->arena;
    const struct str cost =
        all->cost_usd > 0 ? arena_printf(arena, ", about $%.4f", all->cost_usd) : STR("");
    say(run, STR(""));
    say(run, arena_printf(arena, "%s: %lld statements, %.*s scanned%.*s",
                          run->t->profile.class->name, (long long)all->statements,
                          STR_ARGS(bytes_text(arena, all->scanned_bytes)), STR_ARGS(cost)));
}

static rc execute(struct run *run, struct node *node, struct run_result *result, struct err *err)
{
    struct transform *t = run->t;
    struct arena *scratch = arena_open(NULL);
    struct scope scope;
    scope_init(&scope, t, scratch, PHASE_RUN, node);
    result->compile_start_us = time_now_us();
    rc code = node->type == NODE_SEED ? write_seed_paths(t, node, err)
                                      : compile_node(t, node, &scope, err);
    result->compile_end_us = result->execute_start_us = time_now_us();
    const bool runs = run->verb != VERB_COMPILE;
    if (code == RC_OK && runs)
        code = materialize(&scope, node, err);
    if (code == RC_OK && runs)
        code = read_result(&scope, node, result, err);
    if (code == RC_OK && !runs)
        result->status = STATUS_SUCCESS;
    result->execute_end_us = time_now_us();
    if (scope.session != NULL && t->profile.class->sends_sql)
        add_statistics(run, scope.session, result);
    session_close(scope.session);
    arena_close(scratch);
    return code;
}

// ---- what is skipped

static bool is_blocked(const struct node *node)
{
    for (size_t i = 0; i < node->parents.count; i++) {
        const struct node *parent = node->parents.items[i];
        if (parent->is_failed || (parent->is_gated && node->type != NODE_TEST))
            return true;
    }
    return false;
}

// A failed test stops whatever has all that it tests among its ancestors.
static void gate(struct run *run, const struct node *test)
{
    if (run->verb != VERB_BUILD || test->parents.count == 0)
        return;
    if (test->parents.count == 1) {
        test->parents.items[0]->is_gated = true;
        return;
    }
    const node_vec *nodes = &run->t->manifest.nodes;
    struct arena *scratch = arena_open(NULL);
    size_t *hits = ARENA_ARRAY(scratch, size_t, nodes->count);
    for (size_t p = 0; p < test->parents.count; p++) {
        bool *from = ARENA_ARRAY(scratch, bool, nodes->count);
        bool *reached = ARENA_ARRAY(scratch, bool, nodes->count);
        from[test->parents.items[p]->number] = true;
        graph_reach(run->t, from, false, GRAPH_ALL_LEVELS, reached);
        for (size_t i = 0; i < nodes->count; i++)
            hits[i] += reached[i];
    }
    for (size_t i = 0; i < nodes->count; i++) {
        struct node *node = nodes->items[i];
        const bool is_tested =
            node->level < test->level && node->children.count > 0 && hits[i] == test->parents.count;
        if (hits[i] == test->parents.count && node->type != NODE_TEST && !is_tested)
            node->is_failed = true; // so that it is skipped, with all behind it
        else if (is_tested)
            node->is_gated = true;
    }
    arena_close(scratch);
}

// ---- the loop

static const char *const ok_words[NODE_TYPE_COUNT] = {
    [NODE_MODEL] = "OK created", [NODE_SEED] = "OK loaded", [NODE_ANALYSIS] = "OK compiled"};

static void count_result(struct run *run, size_t number, struct run_result *result)
{
    struct node *node = result->node;
    const int64_t elapsed =
        result->execute_end_us > 0 ? result->execute_end_us - result->compile_start_us : -1;
    run->summary->counts[result->status]++;
    struct arena *arena = run->t->arena;
    switch (result->status) {
    case STATUS_SUCCESS:
        progress(run, number, ok_words[node->type] != NULL ? ok_words[node->type] : "OK", node,
                 status_text(arena, result), elapsed);
        break;
    case STATUS_PASS:
        progress(run, number, "PASS", node, STR("PASS"), elapsed);
        break;
    case STATUS_WARN:
        progress(run, number, "WARN", node, arena_printf(arena, "WARN %" PRId64, result->failures),
                 elapsed);
        break;
    case STATUS_FAIL:
        progress(run, number, "FAIL", node, arena_printf(arena, "FAIL %" PRId64, result->failures),
                 elapsed);
        break;
    case STATUS_ERROR:
        progress(run, number, "ERROR", node, STR("ERROR"), elapsed);
        break;
    default:
        progress(run, number, "SKIP", node, STR("SKIP"), -1);
        break;
    }
}

static void note_failure(struct run *run, struct node *node, struct run_result *result,
                         const struct err *failure)
{
    char text[ERR_MESSAGE_BYTES + ERR_PLACE_BYTES + 64];
    struct err shown = *failure;
    // A database's answer to a built-in macro is about the node's SQL, not about the macro.
    if (str_has_prefix(str_of(shown.place), STR("dbt/macros/")) && failure->code != RC_FAILED) {
        shown.place[0] = '\0';
        char *stack = strstr(shown.message, "\n  in macro ");
        if (stack != NULL)
            *stack = '\0';
    }
    err_text(&shown, text, sizeof text);
    result->status = STATUS_ERROR;
    result->message = arena_printf(run->t->arena, "%s%s%s", text,
                                   failure->hint[0] != '\0' ? "\nHINT: " : "", failure->hint);
    (void)node;
}

static void run_one(struct run *run, size_t number, struct node *node)
{
    struct run_result *result = vec_push(run->t->arena, &run->summary->results);
    *result = (struct run_result){.node = node, .failures = -1, .status = STATUS_SKIPPED};
    const bool is_test_of_failed = node->type == NODE_TEST && is_blocked(node);
    if (run->is_stopped || run->has_failed_hook || node->is_failed || is_blocked(node) ||
        is_test_of_failed) {
        node->is_failed = true;
        result->message = run->has_failed_hook ? STR("skipped: an on-run-start hook failed")
                          : run->is_stopped ? STR("skipped: an earlier node failed (--fail-fast)")
                                            : STR("skipped: something that it depends on failed");
        count_result(run, number, result);
        return;
    }
    progress(run, number, "START", node, STR("RUN"), -1);
    struct err failure = {0};
    const rc code = execute(run, node, result, &failure);
    if (code != RC_OK)
        note_failure(run, node, result, &failure);
    if (code == RC_INTERRUPTED) {
        run->interruption = failure;
        run->is_stopped = true;
    }
    const bool is_bad = result->status == STATUS_ERROR || result->status == STATUS_FAIL;
    if (is_bad && node->type == NODE_TEST)
        gate(run, node);
    else if (is_bad)
        node->is_failed = true;
    run->is_stopped |= is_bad && run->t->options->fail_fast;
    count_result(run, number, result);
}

// All nodes in the order of the graph: those that are not selected pass on what happened before
// them.
static void run_all(struct run *run)
{
    node_vec sorted = {0};
    struct arena *scratch = arena_open(NULL);
    for (size_t i = 0; i < run->t->manifest.nodes.count; i++)
        *vec_push(scratch, &sorted) = run->t->manifest.nodes.items[i];
    graph_sort(&sorted);
    size_t number = 0;
    for (size_t i = 0; i < sorted.count; i++) {
        struct node *node = sorted.items[i];
        if (!node->is_selected) {
            if (node->type != NODE_TEST && !node->is_failed)
                node->is_failed = is_blocked(node);
            continue;
        }
        if (runtime_is_stopping() && !run->is_stopped) {
            run->is_stopped = true;
            const rc ignored = runtime_check(&run->interruption);
            (void)ignored;
        }
        run_one(run, ++number, node);
    }
    arena_close(scratch);
}

static rc create_schemas(struct transform *t, const node_vec *nodes, struct err *err)
{
    struct session *session = NULL;
    struct arena *scratch = arena_open(NULL);
    str_vec done = {0};
    rc result = session_open(t, scratch, &session, err);
    for (size_t i = 0; result == RC_OK && i < nodes->count; i++) {
        const struct node *node = nodes->items[i];
        bool is_done = !node_is_refable(node);
        for (size_t k = 0; k < done.count && !is_done; k++)
            is_done = str_equal(done.items[k], node->schema);
        if (is_done)
            continue;
        *vec_push(scratch, &done) = node->schema;
        result = t->adapter->class->create_schema(session, node->schema, err);
    }
    session_close(session);
    arena_close(scratch);
    return result;
}

// ---- hooks of the project

static struct value results_value(struct run *run)
{
    struct arena *arena = run->t->arena;
    const struct value list = value_list_new(arena, run->summary->results.count);
    for (size_t i = 0; i < run->summary->results.count; i++) {
        const struct run_result *result = &run->summary->results.items[i];
        const struct value dict = value_dict_new(arena);
        dict_set_str(dict, STR("node"), node_as_dict(run->t, arena, result->node));
        dict_set_str(dict, STR("unique_id"), value_str(result->node->unique_id));
        dict_set_str(dict, STR("status"), value_str(str_of(run_status_names[result->status])));
        dict_set_str(dict, STR("message"), value_str(result->message));
        dict_set_str(dict, STR("failures"),
                     result->failures < 0 ? value_none() : value_int(result->failures));
        dict_set_str(
            dict, STR("execution_time"),
            value_float((double)(result->execute_end_us - result->compile_start_us) / 1e6));
        list_push(list, dict);
    }
    return list;
}

static struct value schemas_value(struct run *run)
{
    const struct value list = value_list_new(run->t->arena, 1);
    for (size_t i = 0; i < run->t->selected.count; i++) {
        const struct node *node = run->t->selected.items[i];
        bool is_there = !node_is_refable(node);
        for (uint32_t k = 0; k < list.list->count && !is_there; k++)
            is_there = str_equal(value_text(list.list->items[k]), node->schema);
        if (!is_there)
            list_push(list, value_str(node->schema));
    }
    return list;
}

// The text of a hook, rendered and run.
static rc execute_hook(struct run *run, struct node *node, struct str hook, struct err *err)
{
    struct transform *t = run->t;
    struct scope scope;
    scope_init(&scope, t, t->arena, PHASE_RUN, node);
    scope_set(&scope, "results", results_value(run));
    scope_set(&scope, "schemas", schemas_value(run));
    struct str sql = STR("");
    rc result = scope_render_text(&scope, hook, node->name, &sql, err);
    node->is_compiled = result == RC_OK;
    node->compiled_code = str_trim(sql);
    struct session *session = NULL;
    if (result == RC_OK && node->compiled_code.length > 0)
        result = session_of(&scope, &session, err);
    if (session != NULL && result == RC_OK)
        result = t->adapter->class->check_statement(session, sql, err);
    if (session != NULL && result == RC_OK)
        result = t->adapter->class->query(session, t->arena, sql, NULL, err);
    session_close(scope.session);
    return result;
}

static struct node *hook_node(struct run *run, struct package *package, const char *kind,
                              size_t number)
{
    struct transform *t = run->t;
    const struct source_file file = {
        .package = package, .path = STR("hooks"), .original = STR("dbt_project.yml")};
    struct node *node = parse_new_node(
        t, NODE_OPERATION, &file,
        arena_printf(t->arena, "%.*s-%s-%zu", STR_ARGS(package->name), kind, number));
    node->schema = t->profile.schema;
    node->database = t->profile.database;
    node->config = value_dict_new(t->arena);
    node->alias = arena_printf(t->arena, "%.*s.%s.%zu", STR_ARGS(package->name), kind, number);
    return node;
}

// @param is_skipped  an earlier hook of the same kind failed
static void run_hook(struct run *run, size_t number, struct node *node, struct str hook,
                     bool is_skipped)
{
    struct arena *arena = run->t->arena;
    // The hook sees the results that were there before it.
    struct run_result result = {.node = node, .failures = 0, .status = STATUS_SKIPPED};
    if (is_skipped) {
        result.message = arena_printf(arena, "%.*s skipped", STR_ARGS(node->alias));
    } else {
        progress(run, number, "START", node, STR("RUN"), -1);
        struct err failure = {0};
        result.compile_start_us = result.compile_end_us = result.execute_start_us = time_now_us();
        const rc code = execute_hook(run, node, hook, &failure);
        result.execute_end_us = time_now_us();
        result.status = STATUS_SUCCESS;
        result.message = arena_printf(arena, "%.*s passed", STR_ARGS(node->alias));
        if (code != RC_OK) {
            note_failure(run, node, &result, &failure);
            result.message = arena_printf(arena, "%.*s failed, error:\n %.*s",
                                          STR_ARGS(node->alias), STR_ARGS(result.message));
        }
        if (code == RC_INTERRUPTED) {
            run->interruption = failure;
            run->is_stopped = true;
        }
    }
    *vec_push(arena, &run->summary->results) = result;
    count_result(run, number, &result);
}

// @return false when one failed: the others of its kind are skipped
static bool run_hooks(struct run *run, bool is_start)
{
    const char *kind = is_start ? "on-run-start" : "on-run-end";
    const size_t node_total = run->total;
    bool is_good = true;
    size_t number = 0;
    run->total = 0;
    for (size_t p = 0; p < run->t->packages.count; p++) {
        const struct package *package = run->t->packages.items[p];
        run->total += is_start ? package->on_run_start.count : package->on_run_end.count;
    }
    for (size_t p = 0; p < run->t->packages.count; p++) {
        struct package *package = run->t->packages.items[p];
        const str_vec *hooks = is_start ? &package->on_run_start : &package->on_run_end;
        for (size_t i = 0; i < hooks->count; i++) {
            struct node *node = hook_node(run, package, kind, i);
            run_hook(run, ++number, node, hooks->items[i], !is_good);
            is_good &= run->summary->results.items[run->summary->results.count - 1].status ==
                       STATUS_SUCCESS;
        }
    }
    run->total = node_total;
    return is_good;
}

struct str transform_summary_line(struct arena *arena, const struct run_summary *summary)
{
    const size_t *c = summary->counts;
    return arena_printf(arena, "Done. PASS=%zu WARN=%zu ERROR=%zu SKIP=%zu TOTAL=%zu",
                        c[STATUS_SUCCESS] + c[STATUS_PASS], c[STATUS_WARN],
                        c[STATUS_ERROR] + c[STATUS_FAIL], c[STATUS_SKIPPED],
                        summary->results.count);
}

static void summarize(struct run *run)
{
    for (size_t i = 0; i < run->summary->results.count; i++) {
        const struct run_result *result = &run->summary->results.items[i];
        const bool is_bad = result->status == STATUS_ERROR || result->status == STATUS_FAIL;
        if (!is_bad && result->status != STATUS_WARN)
            continue;
        say(run, STR(""));
        say(run, arena_printf(run->t->arena, "%s in %s %.*s (%.*s)",
                              result->status == STATUS_FAIL   ? "Failure"
                              : result->status == STATUS_WARN ? "Warning"
                                                              : "Error",
                              node_type_names[result->node->type], STR_ARGS(result->node->name),
                              STR_ARGS(result->node->original_path)));
        say(run, arena_printf(run->t->arena, "  %.*s", STR_ARGS(result->message)));
        if (result->node->compiled_path.length > 0 && result->node->is_compiled)
            say(run, arena_printf(run->t->arena, "  compiled code at %.*s",
                                  STR_ARGS(result->node->compiled_path)));
    }
}

rc transform_run(struct transform *t, enum transform_verb verb, struct run_summary *ret_summary,
                 struct err *err)
{
    struct run_summary summary = {0};
    struct run run = {.t = t, .verb = verb, .summary = &summary};
    const int64_t start = time_monotonic_us();
    t->which = verb_names[verb];
    node_vec nodes;
    TRY(transform_select(t, verb, &nodes, err));
    run.total = nodes.count;
    if (nodes.count == 0)
        log_warn("nothing to do: the selection has no node that %s works on", verb_names[verb]);
    TRY(transform_defer(t, &nodes, err));
    if (nodes.count > 0 && verb != VERB_COMPILE) {
        TRY(create_schemas(t, &nodes, err));
        run.has_failed_hook = !run_hooks(&run, true);
    }
    run_all(&run);
    if (nodes.count > 0 && verb != VERB_COMPILE && run.interruption.code == RC_OK)
        (void)run_hooks(&run, false);
    summary.elapsed_us = time_monotonic_us() - start;
    summarize(&run);
    say_statistics(&run);
    *ret_summary = summary;
    if (run.interruption.code != RC_OK) {
        if (err != NULL)
            *err = run.interruption;
        return run.interruption.code;
    }
    return RC_OK;
}
