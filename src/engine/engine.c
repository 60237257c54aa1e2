// What all SQL engines have in common. Layer: engine. See engine.h.

#include "base/log.h"
#include "base/retry.h"
#include "base/runtime.h"
#include "engine/engine.intern.h"

enum { MAX_COMMIT_ATTEMPTS = 4 };

static const struct engine_class *const classes[] = {&engine_class_trino, &engine_class_athena};

struct str engine_setting(const struct json *settings, const char *key)
{
    const struct json *value = json_get(settings, str_of(key));
    if (value == NULL)
        return STR("");
    if (value->kind == JSON_BOOL)
        return value->boolean ? STR("true") : STR("false");
    return value->kind == JSON_STRING || value->kind == JSON_NUMBER ? value->text : STR("");
}

// Keys that moulin.yml and dbt have for every engine, or for tools beside it.
static const char *const common_keys[] = {"type",     "threads", "memory_limit", "schema",
                                          "database", "catalog", "retries",      "keyfile",
                                          "priority", NULL};

static bool is_key(const char *const *keys, struct str key)
{
    for (; *keys != NULL; keys++)
        if (str_is(key, *keys))
            return true;
    return false;
}

static rc check_keys(struct engine *engine, struct err *err)
{
    const struct json *settings = &engine->options.settings;
    for (size_t i = 0; settings->kind == JSON_OBJECT && i < settings->count; i++) {
        const struct str key = settings->members[i].key;
        if (is_key(common_keys, key) || is_key(engine->class->keys, key))
            continue;
        err_set(err, RC_CONFIG, "%s: an engine of type %s has no setting '%.*s'",
                engine->options.place, engine->class->name, STR_ARGS(key));
        str_vec names = {0};
        for (const char *const *known = engine->class->keys; *known != NULL; known++)
            *vec_push(engine->arena, &names) = str_of(*known);
        const struct str list = str_join(engine->arena, names.items, names.count, STR(", "));
        return err_hint(err, "its settings: %.*s", STR_ARGS(list));
    }
    return RC_OK;
}

rc engine_open(struct arena *arena, const struct engine_options *options,
               struct engine **ret_engine, struct err *err)
{
    struct engine *engine = ARENA_NEW(arena, struct engine);
    engine->arena = arena;
    engine->options = *options;
    if (engine->options.place == NULL)
        engine->options.place = "engine";
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (str_is(options->type, classes[i]->name))
            engine->class = classes[i];
    if (engine->class == NULL)
        return err_set(err, RC_CONFIG, "there is no SQL engine of type '%.*s'",
                       STR_ARGS(options->type));
    TRY(check_keys(engine, err));
    TRY(engine->class->open(engine, err));
    *ret_engine = engine;
    return RC_OK;
}

const char *engine_name(const struct engine *engine)
{
    return engine->class->name;
}

size_t engine_statement_bytes(const struct engine *engine)
{
    return engine->class->max_statement_bytes;
}

rc engine_wait(struct engine *engine, int64_t delay_us, struct err *err)
{
    TRY(runtime_check(err));
    if (engine->options.wait != NULL)
        return engine->options.wait(engine->options.wait_context, delay_us, err);
    return retry_sleep(delay_us, err);
}

// ---- errors

// Names are Trino's; Athena, which is built on it, puts the same ones in front of its messages.
static const struct {
    const char *name;
    rc code;
    const char *hint;
} errors[] = {
    {"SYNTAX_ERROR", RC_INVALID, ""},
    {"TYPE_MISMATCH", RC_INVALID, ""},
    {"FUNCTION_NOT_FOUND", RC_INVALID,
     "moulin check --engine athena names what other engines spell differently"},
    {"INVALID_CAST_ARGUMENT", RC_INVALID, ""},
    {"NUMERIC_VALUE_OUT_OF_RANGE", RC_INVALID, ""},
    {"DIVISION_BY_ZERO", RC_INVALID, ""},
    {"TABLE_NOT_FOUND", RC_NOT_FOUND, ""},
    {"SCHEMA_NOT_FOUND", RC_NOT_FOUND, ""},
    {"CATALOG_NOT_FOUND", RC_NOT_FOUND, "the key catalog names the engine's catalog"},
    {"COLUMN_NOT_FOUND", RC_NOT_FOUND, ""},
    {"MISSING_SCHEMA_NAME", RC_NOT_FOUND, ""},
    {"MISSING_CATALOG_NAME", RC_NOT_FOUND, ""},
    {"TABLE_ALREADY_EXISTS", RC_EXISTS, ""},
    {"ALREADY_EXISTS", RC_EXISTS, ""},
    {"PERMISSION_DENIED", RC_DENIED, ""},
    {"ICEBERG_COMMIT_ERROR", RC_CONFLICT, "somebody else writes to the table: run it again"},
    {"TRANSACTION_CONFLICT", RC_CONFLICT, "somebody else writes to the table: run it again"},
    {"ICEBERG_TOO_MANY_OPEN_PARTITIONS", RC_LIMIT,
     "a statement writes at most 100 partitions at once: coarser partitions, or less per run"},
    {"MERGE_TARGET_ROW_MULTIPLE_MATCHES", RC_FAILED,
     "unique_key is not unique in the model's rows: several of them want to change one row"},
    {"EXCEEDED_TIME_LIMIT", RC_TIMEOUT, ""},
    {"QUERY_TEXT_TOO_LARGE", RC_LIMIT, ""},
    {"NOT_SUPPORTED", RC_UNSUPPORTED, ""},
};

rc engine_error(struct engine *engine, struct str name, struct str message, struct str query_id,
                struct engine_failure *failure, struct err *err)
{
    rc code = RC_FAILED;
    const char *hint = "";
    const size_t length =
        name.length < sizeof failure->name - 1 ? name.length : sizeof failure->name - 1;
    memcpy(failure->name, name.bytes, length);
    failure->name[length] = '\0';
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (str_is(name, errors[i].name)) {
            code = errors[i].code;
            hint = errors[i].hint;
        }
    // A commit whose outcome nobody knows must not be repeated: its rows may be there.
    const bool is_unknown = str_contains(message, STR("CommitStateUnknown")) ||
                            str_contains(message, STR("commit state is unknown")) ||
                            str_contains(message, STR("Cannot determine whether the commit"));
    failure->is_repeatable = code == RC_CONFLICT && !is_unknown;
    if (code == RC_CONFLICT && is_unknown) {
        code = RC_UNKNOWN;
        hint = "look whether the rows are in the table before it is run again";
    }
    failure->is_too_many_partitions = str_is(name, "ICEBERG_TOO_MANY_OPEN_PARTITIONS") ||
                                      str_contains(message, STR("TOO_MANY_OPEN_PARTITIONS")) ||
                                      str_contains(message, STR("open writers for partitions"));
    const struct str shown = str_contains(message, name) ? STR("") : name; // also when it is ""
    const bool has_both = shown.length > 0 && query_id.length > 0;
    err_set(err, code, "%s: %.*s (%.*s%s%s%.*s)", engine->class->name, STR_ARGS(message),
            STR_ARGS(shown), has_both ? ", " : "", query_id.length > 0 ? "query " : "",
            STR_ARGS(query_id));
    return hint[0] != '\0' ? err_hint(err, "%s", hint) : code;
}

// ---- running

static struct str without_semicolon(struct str sql)
{
    sql = str_trim(sql);
    while (sql.length > 0 && sql.bytes[sql.length - 1] == ';')
        sql = str_trim(str_slice(sql, 0, sql.length - 1));
    return sql;
}

static rc check_size(const struct engine *engine, struct str sql, struct err *err)
{
    if (sql.length == 0)
        return err_set(err, RC_INVALID, "%s: the statement is empty", engine->class->name);
    if (sql.length <= engine->class->max_statement_bytes)
        return RC_OK;
    err_set(err, RC_LIMIT, "the statement has %zu bytes; %s takes at most %zu", sql.length,
            engine->class->name, engine->class->max_statement_bytes);
    return err_hint(err, "split the model, or keep long lists of values in a seed");
}

rc engine_run(struct engine *engine, struct arena *arena, struct str sql,
              const struct engine_sink *sink, struct engine_answer *ret_answer,
              struct engine_failure *ret_failure, struct err *err)
{
    static const struct engine_sink none = {NULL, NULL, NULL};
    struct err local = {0};
    struct err *failed = err != NULL ? err : &local;
    sql = without_semicolon(sql);
    TRY(check_size(engine, sql, err));
    log_debug("%s: %.*s", engine->class->name, STR_ARGS(sql));
    struct retry retry;
    retry_init(&retry, (struct retry_policy){.max_attempts = MAX_COMMIT_ATTEMPTS,
                                             .first_delay_us = 1000000,
                                             .max_delay_us = 30000000,
                                             .what = engine->class->name,
                                             .wait = engine->options.wait,
                                             .context = engine->options.wait_context});
    for (int attempts = 1;; attempts++) {
        struct engine_answer answer = {.query_id = STR(""),
                                       .kind = STR(""),
                                       .rows = -1,
                                       .scanned_bytes = -1,
                                       .cost_usd = -1,
                                       .elapsed_ms = -1};
        struct engine_failure failure = {.name = ""};
        const rc code = engine->class->run(engine, arena, sql, sink != NULL ? sink : &none, &answer,
                                           &failure, failed);
        answer.attempts = attempts;
        if (code == RC_OK) {
            if (ret_answer != NULL)
                *ret_answer = answer;
            return RC_OK;
        }
        if (ret_failure != NULL)
            *ret_failure = failure;
        failed->is_retryable = failure.is_repeatable;
        if (!failure.is_repeatable || !retry_again(&retry, failed))
            return failed->code;
        log_info("%s: a commit met another one, trying again", engine->class->name);
        *failed = (struct err){0};
    }
}

// ---- all rows

struct collect {
    struct arena *arena;
    const struct duck_column *columns;
    size_t column_count, row_count, capacity;
    struct duck_value *values;
};

static rc keep_columns(void *context, const struct duck_column *columns, size_t count,
                       struct err *err)
{
    struct collect *c = context;
    (void)err;
    struct duck_column *copy = ARENA_ARRAY(c->arena, struct duck_column, count);
    for (size_t i = 0; i < count; i++)
        copy[i] = (struct duck_column){.name = arena_str(c->arena, columns[i].name),
                                       .kind = columns[i].kind,
                                       .type = arena_str(c->arena, columns[i].type)};
    c->columns = copy;
    c->column_count = count;
    c->row_count = 0;
    return RC_OK;
}

static rc keep_rows(void *context, const struct duck_rows *rows, struct err *err)
{
    struct collect *c = context;
    if (c->row_count + rows->row_count > DUCK_MAX_ROWS)
        return err_set(err, RC_LIMIT, "the answer has more than %d rows", DUCK_MAX_ROWS);
    if (c->row_count + rows->row_count > c->capacity) {
        const size_t capacity = 2 * (c->row_count + rows->row_count);
        struct duck_value *values =
            ARENA_ARRAY(c->arena, struct duck_value, capacity * c->column_count);
        if (c->row_count > 0)
            memcpy(values, c->values, c->row_count * c->column_count * sizeof *values);
        c->values = values;
        c->capacity = capacity;
    }
    for (size_t i = 0; i < rows->row_count * c->column_count; i++) {
        struct duck_value *value = &c->values[c->row_count * c->column_count + i];
        *value = rows->values[i];
        value->text = arena_str(c->arena, value->text);
    }
    c->row_count += rows->row_count;
    return RC_OK;
}

rc engine_query(struct engine *engine, struct arena *arena, struct str sql,
                struct duck_rows *ret_rows, struct engine_answer *ret_answer,
                struct engine_failure *ret_failure, struct err *err)
{
    struct collect collect = {.arena = arena};
    const struct engine_sink sink = {keep_columns, keep_rows, &collect};
    TRY(engine_run(engine, arena, sql, &sink, ret_answer, ret_failure, err));
    *ret_rows = (struct duck_rows){.columns = collect.columns,
                                   .column_count = collect.column_count,
                                   .values = collect.values,
                                   .row_count = collect.row_count};
    return RC_OK;
}
