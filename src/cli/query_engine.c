// `moulin query` where the environment's engine is one that SQL is sent to: the text goes out as it
// is, rows are printed as they come. Layer: cli. Time travel is the engine's own (FOR VERSION AS
// OF, FOR TIMESTAMP AS OF, "table$snapshots"), so the options for it are refused by name.

#include "aws/session.h"
#include "base/log.h"
#include "cli/query.h"
#include "engine/engine.h"
#include "project/project.h"
#include "transform/cte.h"

struct printer {
    struct command_context *context;
    struct arena *scratch;
    int64_t left; // rows that may still be printed; -1 = all
    bool has_begun;
};

// ---- what may be sent

static struct str next_word(struct str sql, size_t *at)
{
    while (*at < sql.length) {
        const size_t quoted = cte_skip_quoted(sql, *at);
        const char c = sql.bytes[*at];
        if (quoted > 0)
            *at += quoted;
        else if (c == ' ' || (c >= '\t' && c <= '\r') || c == '(')
            ++*at;
        else
            break;
    }
    const size_t start = *at;
    while (*at < sql.length && ((sql.bytes[*at] >= 'a' && sql.bytes[*at] <= 'z') ||
                                (sql.bytes[*at] >= 'A' && sql.bytes[*at] <= 'Z')))
        ++*at;
    return str_slice(sql, start, *at - start);
}

static rc check_is_reading(struct str sql, const char *engine, struct err *err)
{
    static const char *const reading[] = {"select", "with",     "values", "table",
                                          "show",   "describe", "desc",   "explain"};
    size_t at = 0;
    struct str word = next_word(sql, &at);
    bool is_reading = false;
    for (size_t i = 0; i < sizeof reading / sizeof *reading; i++)
        is_reading |= str_equal_ignore_case(word, str_of(reading[i]));
    if (str_equal_ignore_case(word, STR("explain"))) {
        // EXPLAIN ANALYZE runs what it explains.
        word = next_word(sql, &at);
        if (str_equal_ignore_case(word, STR("analyze"))) {
            word = next_word(sql, &at);
            if (str_equal_ignore_case(word, STR("verbose")))
                word = next_word(sql, &at);
            is_reading = str_equal_ignore_case(word, STR("select")) ||
                         str_equal_ignore_case(word, STR("with")) ||
                         str_equal_ignore_case(word, STR("values"));
        }
    }
    if (is_reading)
        return RC_OK;
    err_set(
        err, RC_USAGE,
        "query only reads, and %s is sent: SELECT, WITH, VALUES, TABLE, SHOW, DESCRIBE, EXPLAIN",
        engine);
    return err_hint(err, "tables are written by moulin ingest and moulin transform");
}

static rc check_options(const struct query_options *options, const char *engine, struct err *err)
{
    if (options->snapshot_count == 0 && options->as_of_ms == 0)
        return RC_OK;
    err_set(err, RC_USAGE, "--%s is for the embedded engine; %s reads the past by its own SQL",
            options->as_of_ms != 0 ? "as-of" : "snapshot", engine);
    return err_hint(err, "FROM t FOR VERSION AS OF 4213, or FOR TIMESTAMP AS OF TIMESTAMP "
                         "'2020-05-31 00:00:00 UTC'");
}

// ---- rows

static rc print_columns(void *context, const struct duck_column *columns, size_t count,
                        struct err *err)
{
    struct printer *p = context;
    struct output_column *shown = ARENA_ARRAY(p->context->arena, struct output_column, count + 1);
    for (size_t i = 0; i < count; i++)
        shown[i] = (struct output_column){columns[i].name, query_output_kind(columns[i].kind)};
    p->has_begun = true;
    return output_table_begin(p->context->output, shown, count, NULL, err);
}

static rc print_rows(void *context, const struct duck_rows *rows, struct err *err)
{
    struct printer *p = context;
    arena_reset(p->scratch);
    TRY(query_print_rows(p->context->output, rows, p->scratch, &p->left, err));
    return p->left == 0 ? RC_EOF : RC_OK;
}

static rc open_engine(struct command_context *context, struct project *project,
                      struct engine **ret_engine, struct err *err)
{
    const struct project_environment *environment = project->environment;
    struct engine_options options = {
        .type = environment->engine.type,
        .settings = environment->engine.properties,
        .place = arena_printf(context->arena, "%.*s, environment %.*s", STR_ARGS(project->file),
                              STR_ARGS(environment->name))
                     .bytes,
        .catalog = engine_setting(&environment->engine.properties, "catalog"),
        .schema = project->landing.namespace_name,
        .source = STR("moulin query")};
    if (str_is(options.type, "athena"))
        TRY(project_aws(project, &options.aws, err));
    return engine_open(context->arena, &options, ret_engine, err);
}

static void tell_cost(const struct engine *engine, const struct engine_answer *answer)
{
    if (answer->cost_usd >= 0)
        log_info("%s: query %.*s scanned %lld bytes, about $%.4f", engine_name(engine),
                 STR_ARGS(answer->query_id), (long long)answer->scanned_bytes, answer->cost_usd);
    else
        log_debug("%s: query %.*s scanned %lld bytes", engine_name(engine),
                  STR_ARGS(answer->query_id), (long long)answer->scanned_bytes);
}

rc query_run_engine(struct command_context *context, struct project *project, struct str sql,
                    const struct query_options *options, struct err *err)
{
    struct engine *engine;
    struct engine_answer answer;
    const struct str prefix = project->environment->namespace_prefix;
    TRY(open_engine(context, project, &engine, err));
    TRY(check_options(options, engine_name(engine), err));
    TRY(check_is_reading(sql, engine_name(engine), err));
    struct printer printer = {
        .context = context, .scratch = arena_open(context->arena), .left = options->limit};
    const struct engine_sink sink = {print_columns, print_rows, &printer};
    const rc code = engine_run(engine, context->arena, sql, &sink, &answer, NULL, err);
    if (code == RC_NOT_FOUND && prefix.length > 0)
        return err_hint(err, "namespaces have the prefix %.*s there: %.*s.a_table",
                        STR_ARGS(prefix), STR_ARGS(project->landing.namespace_name));
    TRY(code);
    tell_cost(engine, &answer);
    return printer.has_begun ? output_table_end(context->output, err) : RC_OK;
}
