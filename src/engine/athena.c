// Athena: start, ask until it ended, read the pages. Layer: engine. Source: Athena API reference
// 2017-05-18; settings as dbt-athena's profile. Threads: one at a time.
// Limits: statements of 262,144 bytes; waits 0.2 to 2 s between questions. Answers of more than a
// page of 1,000 rows are read from the result file, by ranges of 8 MiB.

#include "aws/athena.h"

#include "aws/s3.h"

#include "base/log.h"
#include "base/random.h"
#include "base/retry.h"
#include "base/runtime.h"
#include "engine/athena_csv.h"
#include "engine/engine.intern.h"

enum {
    FIRST_POLL_US = 200000,
    LAST_POLL_US = 2000000,
    MAX_START_ATTEMPTS = 8, // when the account's queue is full, beside the retries of each call
    MAX_REUSE_MINUTES = 10080,
    CSV_RANGE_BYTES = 8 << 20,
};

// Settings of dbt-athena's profile and of `engine:`; those of the session are read by whoever
// opens it.
static const char *const keys[] = {"work_group",
                                   "s3_staging_dir",
                                   "s3_data_dir",
                                   "s3_data_naming",
                                   "s3_tmp_table_dir",
                                   "poll_interval",
                                   "usd_per_tb",
                                   "result_reuse_minutes",
                                   "num_retries",
                                   "num_boto3_retries",
                                   "num_iceberg_retries",
                                   "region_name",
                                   "endpoint_url",
                                   "aws_profile_name",
                                   "aws_access_key_id",
                                   "aws_secret_access_key",
                                   "aws_session_token",
                                   "assume_role_arn",
                                   "assume_role_external_id",
                                   "assume_role_session_name",
                                   "assume_role_duration_seconds",
                                   "skip_workgroup_check",
                                   "debug_query_state",
                                   "connection_manager",
                                   "on_table_exists",
                                   "incremental_strategy",
                                   NULL};

struct athena {
    struct aws_client *client;
    double usd_per_tb;
    int64_t last_poll_us, reuse_minutes;
};

static struct str setting(const struct engine *engine, const char *key)
{
    return engine_setting(&engine->options.settings, key);
}

static rc number_of(const struct engine *engine, const char *key, double fallback, double least,
                    double most, double *ret_number, struct err *err)
{
    const struct str text = setting(engine, key);
    *ret_number = fallback;
    if (text.length == 0)
        return RC_OK;
    if (str_to_double(text, ret_number) && *ret_number >= least && *ret_number <= most)
        return RC_OK;
    return err_set(err, RC_CONFIG, "%s: %s is a number from %g to %g, found '%.*s'",
                   engine->options.place, key, least, most, STR_ARGS(text));
}

static rc check_uri(const struct engine *engine, const char *key, struct err *err)
{
    const struct str text = setting(engine, key);
    if (text.length == 0 || str_has_prefix(text, STR("s3://")))
        return RC_OK;
    return err_set(err, RC_CONFIG, "%s: %s is an s3:// address, found '%.*s'",
                   engine->options.place, key, STR_ARGS(text));
}

static rc open_athena(struct engine *engine, struct err *err)
{
    struct athena *athena = ARENA_NEW(engine->arena, struct athena);
    engine->state = athena;
    engine->catalog =
        engine->options.catalog.length > 0 ? engine->options.catalog : STR("awsdatacatalog");
    if (engine->options.aws == NULL)
        return err_set(err, RC_INTERNAL, "Athena was opened without a session");
    static const char *const uris[] = {"s3_staging_dir", "s3_data_dir", "s3_tmp_table_dir"};
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++)
        TRY(check_uri(engine, uris[i], err));
    double seconds, minutes;
    TRY(number_of(engine, "usd_per_tb", 5, 0, 1000, &athena->usd_per_tb, err));
    TRY(number_of(engine, "poll_interval", LAST_POLL_US / 1e6, 0.01, 60, &seconds, err));
    TRY(number_of(engine, "result_reuse_minutes", 0, 0, MAX_REUSE_MINUTES, &minutes, err));
    athena->last_poll_us = (int64_t)(seconds * 1e6);
    athena->reuse_minutes = (int64_t)minutes;
    return aws_client_open(engine->arena, engine->options.aws, &aws_athena, &athena->client, err);
}

// ---- start and wait

static bool is_full(const struct aws_failure *failure)
{
    return str_is(str_of(failure->code), "TooManyRequestsException") ||
           str_is(str_of(failure->code), "ThrottlingException");
}

// The queue of an account is short: a full one empties itself, so waiting is worth it.
static rc start(struct engine *engine, struct arena *arena, struct str sql, struct str *ret_id,
                struct engine_failure *failure, struct err *err)
{
    const struct athena *athena = engine->state;
    const struct athena_statement statement = {.sql = sql,
                                               .catalog = engine->catalog,
                                               .database = engine->options.schema,
                                               .work_group = setting(engine, "work_group"),
                                               .output_location = setting(engine, "s3_staging_dir"),
                                               .token = random_uuid(arena),
                                               .reuse_minutes = athena->reuse_minutes};
    struct retry retry;
    retry_init(&retry, (struct retry_policy){.max_attempts = MAX_START_ATTEMPTS,
                                             .first_delay_us = 2000000,
                                             .what = "athena:StartQueryExecution",
                                             .wait = engine->options.wait,
                                             .context = engine->options.wait_context});
    for (;;) {
        struct aws_failure aws = {0};
        const rc code = athena_start(athena->client, arena, &statement, ret_id, &aws, err);
        if (code == RC_OK)
            return RC_OK;
        const size_t length = strlen(aws.code);
        const size_t kept = length < sizeof failure->name ? length : sizeof failure->name - 1;
        memcpy(failure->name, aws.code, kept);
        failure->name[kept] = '\0';
        err->is_retryable = is_full(&aws);
        if (!is_full(&aws) || !retry_again(&retry, err))
            return err->code;
        *err = (struct err){0};
    }
}

static void stop(struct engine *engine, struct str id)
{
    const struct athena *athena = engine->state;
    struct arena *scratch = arena_open(NULL);
    struct err failed = {0};
    if (athena_stop(athena->client, scratch, id, &failed) == RC_OK)
        log_info("athena: query %.*s was stopped", STR_ARGS(id));
    else
        log_warn("athena: query %.*s may still run: %s", STR_ARGS(id), failed.message);
    arena_close(scratch);
}

static rc wait_for(struct engine *engine, struct arena *arena, struct str id,
                   struct athena_execution *ret_execution, struct err *err)
{
    const struct athena *athena = engine->state;
    struct arena *asked = arena_open(arena); // one answer; a query may take hours
    int64_t delay_us = FIRST_POLL_US < athena->last_poll_us ? FIRST_POLL_US : athena->last_poll_us;
    for (;;) {
        arena_reset(asked);
        TRY(athena_execution(athena->client, asked, id, ret_execution, err));
        if (ret_execution->state >= ATHENA_SUCCEEDED)
            return RC_OK;
        TRY(engine_wait(engine, delay_us, err));
        delay_us = delay_us + delay_us / 2;
        if (delay_us > athena->last_poll_us)
            delay_us = athena->last_poll_us;
    }
}

// "ICEBERG_COMMIT_ERROR: Failed to commit ..." or "line 1:8: TABLE_NOT_FOUND: ..."
static struct str name_in(struct str reason)
{
    struct str rest = reason, part;
    while (str_split_next(&rest, ':', &part)) {
        part = str_trim(part);
        size_t i = 0;
        bool has_letter = false;
        for (; i < part.length; i++) {
            const char c = part.bytes[i];
            has_letter |= c >= 'A' && c <= 'Z';
            if (!(c >= 'A' && c <= 'Z') && c != '_' && !(c >= '0' && c <= '9'))
                break;
        }
        if (i == part.length && has_letter && i > 3)
            return part;
        if (i < part.length && !str_has_prefix(part, STR("line")) && has_letter)
            return STR("");
    }
    return STR("");
}

static rc ended_badly(struct engine *engine, struct str id, const struct athena_execution *e,
                      struct engine_failure *failure, struct err *err)
{
    const struct str reason = e->reason.length > 0 ? e->reason : STR("no reason was given");
    if (e->state == ATHENA_CANCELLED)
        return err_set(err, RC_FAILED, "athena: query %.*s was cancelled: %.*s", STR_ARGS(id),
                       STR_ARGS(reason));
    const rc code = engine_error(engine, name_in(reason), reason, id, failure, err);
    // Athena's own troubles (category 1) that it calls worth another try left nothing behind.
    if (e->error_category == 1 && e->is_retryable && code == RC_FAILED)
        failure->is_repeatable = true;
    return code;
}

// ---- rows

struct reader {
    struct engine *engine;
    const struct engine_sink *sink;
    const struct duck_column *columns;
    size_t column_count;
    bool has_header;     // the first row repeats the names of the columns
    struct str location; // of the result file
};

static void read_columns(struct reader *r, struct arena *arena, const struct json *answer)
{
    const struct json *list = json_path(answer, "ResultSet", "ResultSetMetadata", "ColumnInfo");
    const size_t count = list != NULL && list->kind == JSON_ARRAY ? list->count : 0;
    struct duck_column *columns = ARENA_ARRAY(arena, struct duck_column, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct json *info = &list->items[i];
        struct str type = json_str(json_get(info, STR("Type")), STR("varchar"));
        const int64_t precision = json_int64(json_get(info, STR("Precision")), 0),
                      scale = json_int64(json_get(info, STR("Scale")), 0);
        if (str_is(type, "decimal") && precision > 0)
            type =
                arena_printf(arena, "decimal(%lld,%lld)", (long long)precision, (long long)scale);
        columns[i] = (struct duck_column){
            .name = arena_str(arena, json_str(json_get(info, STR("Name")), STR(""))),
            .type = arena_str(arena, type)};
        // Nested values and bytes come as Athena's own text.
        const enum duck_kind kind = engine_kind(type);
        columns[i].kind = kind == DUCK_NESTED || kind == DUCK_BLOB ? DUCK_OTHER : kind;
    }
    r->columns = columns;
    r->column_count = count;
}

// A SELECT's first row is its header; SHOW and DESCRIBE have none.
static bool is_header(const struct reader *r, const struct json *row)
{
    const struct json *data = json_get(row, STR("Data"));
    if (data == NULL || data->count != r->column_count || r->column_count == 0)
        return false;
    for (size_t i = 0; i < r->column_count; i++)
        if (!str_equal(json_str(json_get(&data->items[i], STR("VarCharValue")), STR("\n")),
                       r->columns[i].name))
            return false;
    return true;
}

static rc tell_page(struct reader *r, struct arena *arena, const struct json *answer, bool is_first,
                    struct err *err)
{
    const struct json *list = json_path(answer, "ResultSet", "Rows");
    size_t row_count = list != NULL && list->kind == JSON_ARRAY ? list->count : 0;
    const size_t skipped =
        is_first && row_count > 0 && r->has_header && is_header(r, &list->items[0]);
    if (r->sink->on_rows == NULL || row_count == skipped)
        return RC_OK;
    row_count -= skipped;
    struct duck_value *values =
        ARENA_ARRAY(arena, struct duck_value, row_count * r->column_count + 1);
    for (size_t i = 0; i < row_count; i++) {
        const struct json *data = json_get(&list->items[i + skipped], STR("Data"));
        for (size_t c = 0; c < r->column_count; c++) {
            const struct json *value = data != NULL && c < data->count
                                           ? json_get(&data->items[c], STR("VarCharValue"))
                                           : NULL; // a missing value is NULL
            TRY(engine_value(arena, r->columns[c].type, r->columns[c].kind, value,
                             &values[i * r->column_count + c], err));
        }
    }
    const struct duck_rows rows = {.columns = r->columns,
                                   .column_count = r->column_count,
                                   .values = values,
                                   .row_count = row_count};
    return r->sink->on_rows(r->sink->context, &rows, err);
}

// ---- large answers: the result file

static rc tell_csv_rows(void *context, const struct str *fields, size_t row_count, struct err *err)
{
    struct reader *r = context;
    struct arena *scratch = arena_open(NULL);
    struct duck_value *values =
        ARENA_ARRAY(scratch, struct duck_value, row_count * r->column_count + 1);
    rc code = RC_OK;
    for (size_t i = 0; code == RC_OK && i < row_count * r->column_count; i++) {
        const struct duck_column *column = &r->columns[i % r->column_count];
        const struct json text = json_of_str(fields[i]);
        code = engine_value(scratch, column->type, column->kind,
                            fields[i].bytes != NULL ? &text : NULL, &values[i], err);
    }
    const struct duck_rows rows = {.columns = r->columns,
                                   .column_count = r->column_count,
                                   .values = values,
                                   .row_count = row_count};
    if (code == RC_OK)
        code = r->sink->on_rows(r->sink->context, &rows, err);
    arena_close(scratch);
    return code;
}

static rc read_file(struct reader *r, struct s3_client *s3, struct s3_name name, int64_t size_bytes,
                    struct err *err)
{
    struct athena_csv csv;
    struct arena *range = arena_open(NULL);
    rc code = RC_OK;
    athena_csv_init(&csv, r->column_count, tell_csv_rows, r);
    for (int64_t at = 0; code == RC_OK && at < size_bytes; at += CSV_RANGE_BYTES) {
        const int64_t left = size_bytes - at;
        const struct s3_get_options options = {
            .is_range = true,
            .offset = at,
            .max_bytes = left < CSV_RANGE_BYTES ? (size_t)left : (size_t)CSV_RANGE_BYTES};
        struct str bytes;
        arena_reset(range);
        code = runtime_check(err);
        if (code == RC_OK)
            code = s3_get(s3, range, name, &options, &bytes, NULL, err);
        if (code == RC_OK)
            code = athena_csv_feed(&csv, bytes, left <= CSV_RANGE_BYTES, err);
    }
    athena_csv_done(&csv);
    arena_close(range);
    return code;
}

// Reads all rows from the file. @param ret_is_read  false = it cannot be looked at: ask for pages
static rc read_result_file(struct reader *r, struct arena *arena, struct str location,
                           bool *ret_is_read, struct err *err)
{
    struct s3_client *s3;
    struct s3_name name;
    struct s3_object object;
    struct err ignored = {0};
    *ret_is_read = false;
    if (!str_has_suffix(location, STR(".csv")) || r->sink->on_rows == NULL ||
        s3_name_parse(location, &name, &ignored) != RC_OK ||
        s3_client_open(arena, r->engine->options.aws, &s3, &ignored) != RC_OK)
        return RC_OK;
    if (s3_head(s3, arena, name, &object, &ignored) != RC_OK) {
        log_debug("athena: the result file cannot be read, rows come by pages: %s",
                  ignored.message);
        return RC_OK;
    }
    *ret_is_read = true;
    return read_file(r, s3, name, object.size_bytes, err);
}

static rc read_results(struct reader *r, struct arena *arena, struct str id,
                       struct engine_answer *answer, struct err *err)
{
    const struct athena *athena = r->engine->state;
    struct arena *page = arena_open(NULL), *kept = arena_open(NULL);
    struct str token = STR("");
    rc code = RC_OK;
    for (bool is_first = true; code == RC_OK; is_first = false) {
        struct json json;
        struct str next;
        arena_reset(page);
        code = runtime_check(err);
        if (code == RC_OK)
            code = athena_results(athena->client, page, id, token, &json, &next, err);
        if (code != RC_OK)
            break;
        if (is_first) {
            read_columns(r, arena, &json);
            answer->rows = json_int64(json_get(&json, STR("UpdateCount")), answer->rows);
            if (r->sink->on_columns != NULL)
                code = r->sink->on_columns(r->sink->context, r->columns, r->column_count, err);
        }
        bool is_read = false;
        if (code == RC_OK && is_first && next.length > 0)
            code = read_result_file(r, kept, r->location, &is_read, err);
        if (is_read)
            break;
        if (code == RC_OK)
            code = tell_page(r, page, &json, is_first, err);
        arena_reset(kept);
        token = arena_str(kept, next);
        if (token.length == 0)
            break;
    }
    arena_close(page);
    arena_close(kept);
    return code == RC_EOF ? RC_OK : code;
}

// ---- one statement

// OPTIMIZE and VACUUM take no double quotes.
static struct str spelled(struct arena *arena, struct str sql)
{
    static const char *const words[] = {"OPTIMIZE", "VACUUM"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_equal_ignore_case(str_slice(sql, 0, strlen(words[i])), str_of(words[i])))
            return str_replace(arena, sql, STR("\""), STR(""));
    return sql;
}

static rc run(struct engine *engine, struct arena *arena, struct str sql,
              const struct engine_sink *sink, struct engine_answer *answer,
              struct engine_failure *failure, struct err *err)
{
    const struct athena *athena = engine->state;
    struct arena *scratch = arena_open(NULL);
    struct athena_execution e = {0};
    struct str id;
    rc code = runtime_check(err);
    if (code == RC_OK)
        code = start(engine, scratch, spelled(scratch, sql), &id, failure, err);
    if (code != RC_OK) {
        arena_close(scratch);
        return code;
    }
    answer->query_id = arena_str(arena, id);
    code = wait_for(engine, scratch, id, &e, err);
    if (code != RC_OK)
        stop(engine, id);
    else if (e.state != ATHENA_SUCCEEDED)
        code = ended_badly(engine, answer->query_id, &e, failure, err);
    if (code == RC_OK) {
        answer->scanned_bytes = e.scanned_bytes;
        answer->elapsed_ms = e.elapsed_ms;
        answer->cost_usd =
            athena->usd_per_tb * (double)athena_billed_bytes(&e) / (double)(INT64_C(1) << 40);
        answer->kind = arena_str(arena, e.subkind.length > 0 ? e.subkind : e.kind);
        struct reader reader = {.location = e.output_location,
                                .engine = engine,
                                .sink = sink,
                                .has_header = !str_is(e.kind, "DDL") && !str_is(e.kind, "UTILITY")};
        // The rows of statements that nobody reads are not fetched, but for the count of changes.
        if (sink->on_rows != NULL || sink->on_columns != NULL || str_is(e.kind, "DML"))
            code = read_results(&reader, arena, answer->query_id, answer, err);
    }
    arena_close(scratch);
    return code;
}

const struct engine_class engine_class_athena = {
    .name = "athena",
    .max_statement_bytes = ATHENA_MAX_STATEMENT_BYTES,
    .keys = keys,
    .open = open_athena,
    .run = run,
};
