// What Trino and Athena have in common behind `adapter.*`. Layer: transform. Materializations are
// macros (macros/sql_engine.sql): here is what they cannot do themselves.

#include "transform/adapter/sql_engine.h"

#include "base/log.h"
#include "project/project.h"
#include "transform/cte.h"
#include "transform/transform.h"

struct engine *sql_engine_of(const struct session *session)
{
    return session->adapter->state;
}

rc sql_engine_open(struct adapter *adapter, struct aws_session *aws, struct err *err)
{
    const struct transform *t = adapter->t;
    struct engine_options options = {.type = str_of(adapter->class->name),
                                     .place = arena_cstr(adapter->arena, t->profile.place),
                                     .catalog = t->profile.database,
                                     .schema = t->profile.schema,
                                     .aws = aws,
                                     .source = STR("moulin transform")};
    TRY(value_to_json(NULL, adapter->arena, t->profile.settings, false, &options.settings, err));
    struct engine *engine;
    TRY(engine_open(adapter->arena, &options, &engine, err));
    adapter->state = engine;
    return RC_OK;
}

rc sql_engine_connect(struct session *session, struct err *err)
{
    (void)session, (void)err; // the first statement shows whether anybody is there
    return RC_OK;
}

void sql_engine_disconnect(struct session *session)
{
    (void)session;
}

rc sql_engine_allow(struct session *session, struct str sql, struct err *err)
{
    (void)session, (void)sql, (void)err;
    return RC_OK;
}

// ---- statements

static void count(struct session *session, const struct engine_answer *answer)
{
    struct session_statistics *s = &session->statistics;
    s->statements += answer->attempts;
    s->query_id = arena_str(session->arena, answer->query_id);
    if (answer->scanned_bytes >= 0)
        s->scanned_bytes = (s->scanned_bytes < 0 ? 0 : s->scanned_bytes) + answer->scanned_bytes;
    if (answer->cost_usd >= 0)
        s->cost_usd = (s->cost_usd < 0 ? 0 : s->cost_usd) + answer->cost_usd;
    if (answer->rows >= 0)
        s->rows = answer->rows;
    s->code = answer->kind.length > 0 ? arena_cstr(session->arena, answer->kind) : "SELECT";
}

rc sql_engine_execute(struct session *session, struct arena *arena, struct str sql,
                      struct duck_rows *ret_rows, struct engine_failure *ret_failure,
                      struct err *err)
{
    struct engine_answer answer;
    struct engine *engine = sql_engine_of(session);
    if (ret_rows != NULL)
        TRY(engine_query(engine, arena, sql, ret_rows, &answer, ret_failure, err));
    else
        TRY(engine_run(engine, arena, sql, NULL, &answer, ret_failure, err));
    count(session, &answer);
    return RC_OK;
}

void sql_engine_split(struct arena *arena, struct str sql, str_vec *ret_statements)
{
    str_vec statements = {0};
    size_t start = 0;
    for (size_t at = 0; at <= sql.length;) {
        const size_t quoted = at < sql.length ? cte_skip_quoted(sql, at) : 0;
        if (quoted > 0) {
            at += quoted;
            continue;
        }
        if (at == sql.length || sql.bytes[at] == ';') {
            const struct str part = str_trim(str_slice(sql, start, at - start));
            if (part.length > 0)
                *vec_push(arena, &statements) = part;
            start = at + 1;
        }
        at++;
    }
    *ret_statements = statements;
}

rc sql_engine_query(struct session *session, struct arena *arena, struct str sql,
                    struct duck_rows *ret_rows, struct err *err)
{
    str_vec statements;
    sql_engine_split(arena, sql, &statements);
    if (ret_rows != NULL)
        *ret_rows = (struct duck_rows){0};
    for (size_t i = 0; i < statements.count; i++) {
        const bool is_last = i + 1 == statements.count;
        TRY(sql_engine_execute(session, arena, statements.items[i], is_last ? ret_rows : NULL, NULL,
                               err));
    }
    return RC_OK;
}

rc sql_engine_say(struct session *session, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct str sql = arena_vprintf(session->arena, format, args);
    va_end(args);
    return sql_engine_execute(session, session->arena, sql, NULL, NULL, err);
}

// ---- columns

// The answer to a query that finds nothing has the columns all the same.
rc sql_engine_describe(struct session *session, struct arena *arena, struct str from,
                       struct duck_rows *ret_rows, struct err *err)
{
    struct duck_rows rows;
    TRY(sql_engine_execute(
        session, arena,
        arena_printf(arena, "SELECT * FROM %.*s AS moulin_q WHERE false LIMIT 0", STR_ARGS(from)),
        &rows, NULL, err));
    static const struct duck_column columns[] = {{.name = STR_INIT("column_name")},
                                                 {.name = STR_INIT("column_type")}};
    struct duck_value *values = ARENA_ARRAY(arena, struct duck_value, 2 * rows.column_count + 1);
    for (size_t i = 0; i < rows.column_count; i++) {
        values[2 * i] = duck_text(rows.columns[i].name);
        values[2 * i + 1] = duck_text(rows.columns[i].type);
    }
    *ret_rows = (struct duck_rows){
        .columns = columns, .column_count = 2, .values = values, .row_count = rows.column_count};
    return RC_OK;
}

struct str sql_engine_stored_type(struct arena *arena, struct str type)
{
    const struct str lower = str_lower(arena, type);
    const size_t open = str_find_byte(lower, '(');
    const struct str base = str_trim(str_slice(lower, 0, open));
    const bool has_zone = str_has_suffix(lower, STR("with time zone"));
    if (str_has_prefix(lower, STR("timestamp")))
        return has_zone ? STR("timestamp(6) with time zone") : STR("timestamp(6)");
    if (str_is(base, "varchar") || str_is(base, "char") || str_is(base, "string"))
        return STR("varchar");
    if (str_is(base, "time"))
        return STR("time(6)");
    if (str_is(base, "tinyint") || str_is(base, "smallint") || str_is(base, "int"))
        return STR("integer");
    if (str_is(base, "float"))
        return STR("real");
    if (str_is(base, "binary"))
        return STR("varbinary");
    return str_replace(arena, str_replace(arena, lower, STR(", "), STR(",")), STR(" ,"), STR(","));
}

struct str sql_engine_location(const struct transform *t, struct arena *arena, struct str schema)
{
    if (!t->profile.is_moulin)
        return STR("");
    const struct project_environment *environment = t->options->project->environment;
    for (size_t i = 0; i < environment->namespace_count; i++)
        if (str_equal(transform_schema(t, environment->namespaces[i].name), schema))
            return environment->namespaces[i].location;
    return arena_printf(arena, "%.*s/%.*s", STR_ARGS(environment->warehouse), STR_ARGS(schema));
}
