#include "cli/query.h"

#include "base/log.h"
#include "base/time.h"
#include "cli/inspect.h"
#include "cli/travel.h"
#include "duck/duck.h"
#include "iceberg/scan_filter.h"
#include "iceberg/scan_sql.h"
#include "store/store.h"
#include "transform/views.h"

struct query {
    struct command_context *context;
    const struct query_options *options;
    struct arena *arena;
    struct project *project;
    struct catalog *catalog;
    struct duck_connection *connection;
    struct str sql;      // as it is run
    str_vec paths;       // files that the views read
    struct views *views; // of models: SQL kept by the embedded engine
    int view_depth;      // of the view that is being made
    bool has_model_views;
};

enum { QUERY_MAX_VIEW_DEPTH = 50 };

static rc open_engine(struct query *q, struct err *err)
{
    struct duck_options options;
    TRY(project_duck_options(q->project, &options, err));
    options.keep_order = true;
    options.is_unlocked = true;
    struct duck *duck;
    TRY(duck_open(q->arena, &options, &duck, err));
    return duck_connect(duck, q->arena, &q->connection, err);
}

static rc check_is_reading(struct query *q, struct str sql, struct err *err)
{
    enum duck_statement kind;
    TRY(duck_statement_kind(q->connection, sql, &kind, err));
    if (kind != DUCK_STATEMENT_OTHER)
        return RC_OK;
    err_set(err, RC_USAGE, "query only reads: SELECT, WITH, FROM, VALUES, DESCRIBE, EXPLAIN");
    return err_hint(err, "tables are written by moulin ingest and moulin transform");
}

/// Which snapshot a table is read at. 0 = the current one.
static rc choose_snapshot(struct query *q, const struct table *table,
                          const struct travel_name *name, int64_t *ret_id, struct err *err)
{
    const struct snapshot *snapshot = NULL;
    struct str version = name->kind == TRAVEL_VERSION ? name->at : (struct str){"", 0};
    const struct str full = table_full_name(q->arena, table);
    for (size_t i = 0; version.length == 0 && i < q->options->snapshot_count; i++) {
        const struct str option = q->options->snapshots[i];
        const size_t equals = str_find_byte(option, '=');
        const struct str named = str_slice(option, 0, equals);
        if (str_equal(named, full) || str_equal(named, table->name))
            version = str_slice(option, equals + 1, SIZE_MAX);
    }
    if (version.length > 0) {
        TRY(table_snapshot_find(table, version, &snapshot, err));
        *ret_id = snapshot->snapshot_id;
        return RC_OK;
    }
    int64_t as_of_ms = q->options->as_of_ms;
    if (name->kind == TRAVEL_TIMESTAMP)
        TRY(table_time_parse(name->at, &as_of_ms, err));
    *ret_id = 0;
    return as_of_ms != 0 ? scan_snapshot_as_of(table, as_of_ms, ret_id, err) : RC_OK;
}

static rc allow_files(struct query *q, const struct table *table, const struct scan_plan *plan,
                      struct err *err)
{
    for (size_t i = 0; i < plan->file_count; i++) {
        const struct scan_file *file = &plan->files[i];
        TRY(store_reader_path(table->store, q->arena, file->file.path,
                              vec_push(q->arena, &q->paths), err));
        for (size_t j = 0; j < file->delete_count; j++)
            TRY(store_reader_path(table->store, q->arena, file->deletes[j]->file.path,
                                  vec_push(q->arena, &q->paths), err));
    }
    return RC_OK;
}

/// What the query's WHERE clause asks of a table that it names only once.
static rc predicate_of(struct query *q, const struct table *table,
                       const struct duck_table_name *view, int64_t snapshot_id,
                       struct predicate *ret_predicate, struct err *err)
{
    const struct table_metadata *metadata = table->metadata;
    struct duck_filter filter;
    *ret_predicate = (struct predicate){.kind = PREDICATE_TRUE};
    if (q->has_model_views) // the table may be read below one of them, without the condition
        return RC_OK;
    TRY(duck_filter_of(q->connection, q->arena, q->sql, view, &filter, err));
    const struct schema *schema =
        snapshot_id == 0
            ? metadata_schema(metadata)
            : metadata_schema_of_snapshot(metadata, metadata_snapshot_by_id(metadata, snapshot_id));
    *ret_predicate = scan_filter_predicate(q->arena, schema, &filter);
    return RC_OK;
}

/// The SELECT behind the view of a table, or of one of its metadata tables.
static rc view_body(struct query *q, const struct table *table, const struct duck_table_name *view,
                    const struct travel_name *name, struct str *ret_sql, struct err *err)
{
    int64_t snapshot_id;
    TRY(choose_snapshot(q, table, name, &snapshot_id, err));
    if (name->metadata.length > 0) {
        struct inspect_rows rows;
        TRY(inspect_table(table, name->metadata,
                          snapshot_id != 0 ? metadata_snapshot_by_id(table->metadata, snapshot_id)
                                           : NULL,
                          q->arena, &rows, err));
        *ret_sql = inspect_sql(q->arena, &rows);
        return RC_OK;
    }
    struct predicate predicate;
    struct scan_plan plan;
    TRY(predicate_of(q, table, view, snapshot_id, &predicate, err));
    const struct scan_options scan = {.snapshot_id = snapshot_id, .predicate = &predicate};
    TRY(scan_sql(table, q->arena, &(struct scan_sql_options){.scan = scan}, ret_sql, &plan, err));
    log_debug("%.*s: %zu files (%zu left out), %lld rows before deletes",
              STR_ARGS(table_full_name(q->arena, table)), plan.file_count, plan.skipped_file_count,
              (long long)plan.record_count);
    return allow_files(q, table, &plan, err);
}

static struct str view_name(struct arena *arena, const struct duck_table_name *name)
{
    struct str text = duck_quote_identifier(arena, name->name);
    if (name->schema.length > 0)
        text = arena_printf(arena, "%.*s.%.*s",
                            STR_ARGS(duck_quote_identifier(arena, name->schema)), STR_ARGS(text));
    if (name->catalog.length > 0)
        text = arena_printf(arena, "%.*s.%.*s",
                            STR_ARGS(duck_quote_identifier(arena, name->catalog)), STR_ARGS(text));
    return text;
}

static rc make_schema(struct query *q, const struct duck_table_name *name, struct err *err)
{
    if (name->schema.length == 0)
        return RC_OK;
    struct str schema = duck_quote_identifier(q->arena, name->schema);
    if (name->catalog.length > 0) { // a namespace of two levels
        const struct str catalog = duck_quote_identifier(q->arena, name->catalog);
        TRY(duck_execute(
            q->connection,
            arena_printf(q->arena, "ATTACH IF NOT EXISTS ':memory:' AS %.*s", STR_ARGS(catalog)),
            NULL, NULL, err));
        schema = arena_printf(q->arena, "%.*s.%.*s", STR_ARGS(catalog), STR_ARGS(schema));
    }
    return duck_execute(
        q->connection, arena_printf(q->arena, "CREATE SCHEMA IF NOT EXISTS %.*s", STR_ARGS(schema)),
        NULL, NULL, err);
}

/// Names of the engine itself, which are no tables of the catalog.
static bool is_builtin(const struct duck_table_name *name)
{
    return str_equal_ignore_case(name->schema, STR("information_schema")) ||
           str_equal_ignore_case(name->schema, STR("pg_catalog")) ||
           (name->schema.length == 0 && (str_has_prefix(name->name, STR("duckdb_")) ||
                                         str_has_prefix(name->name, STR("pragma_")) ||
                                         str_has_prefix(name->name, STR("sqlite_"))));
}

static bool is_file(const struct duck_table_name *name)
{
    return name->schema.length == 0 &&
           (str_contains(name->name, STR("/")) || str_has_suffix(name->name, STR(".parquet")) ||
            str_has_suffix(name->name, STR(".csv")) || str_has_suffix(name->name, STR(".json")));
}

static rc prepare_tables(struct query *q, struct str sql, struct err *err);

static const struct view_entry *find_view(const struct query *q, const struct duck_table_name *name)
{
    const view_vec *views = views_list(q->views);
    for (size_t i = 0; name->catalog.length == 0 && i < views->count; i++)
        if (str_equal_ignore_case(views->items[i].name, name->name) &&
            (name->schema.length == 0 ||
             str_equal_ignore_case(views->items[i].schema, name->schema)))
            return &views->items[i];
    return NULL;
}

/// A view of a model stands on tables and other views: those first.
static rc make_model_view(struct query *q, const struct duck_table_name *name,
                          const struct view_entry *view, struct err *err)
{
    if (q->view_depth >= QUERY_MAX_VIEW_DEPTH)
        return err_set(err, RC_LIMIT, "views stand on views more than %d deep",
                       QUERY_MAX_VIEW_DEPTH);
    q->view_depth++;
    TRY_CONTEXT(prepare_tables(q, view->sql, err), err, "view %.*s.%.*s", STR_ARGS(view->schema),
                STR_ARGS(view->name));
    q->view_depth--;
    TRY(make_schema(q, name, err));
    return duck_execute(q->connection,
                        arena_printf(q->arena, "CREATE OR REPLACE VIEW %.*s AS %.*s",
                                     STR_ARGS(view_name(q->arena, name)), STR_ARGS(view->sql)),
                        NULL, NULL, err);
}

static rc make_view(struct query *q, const struct duck_table_name *name, struct err *err)
{
    if (is_builtin(name))
        return RC_OK;
    const struct view_entry *view = find_view(q, name);
    if (view != NULL)
        return make_model_view(q, name, view, err);
    if (is_file(name)) {
        err_set(err, RC_USAGE, "query reads the catalog's tables, not files: \"%.*s\"",
                STR_ARGS(name->name));
        return err_hint(err, "moulin table ls lists the tables");
    }
    const struct travel_name travel = travel_split(name->name);
    const struct str namespace_name =
        name->catalog.length > 0
            ? arena_printf(q->arena, "%.*s.%.*s", STR_ARGS(name->catalog), STR_ARGS(name->schema))
            : name->schema;
    struct table_name found;
    TRY(table_name_find(q->project, q->catalog, q->arena, namespace_name, travel.table, &found,
                        err));
    struct table table;
    TRY(catalog_load_table(q->catalog, found.namespace_name, found.name, q->arena, &table, err));
    struct str body;
    TRY(view_body(q, &table, name, &travel, &body, err));
    TRY(make_schema(q, name, err));
    const struct str sql = arena_printf(q->arena, "CREATE OR REPLACE VIEW %.*s AS %.*s",
                                        STR_ARGS(view_name(q->arena, name)), STR_ARGS(body));
    TRY_CONTEXT(duck_execute(q->connection, sql, NULL, NULL, err), err, "table %.*s",
                STR_ARGS(table_full_name(q->arena, &table)));
    return RC_OK;
}

enum output_kind query_output_kind(enum duck_kind kind)
{
    switch (kind) {
    case DUCK_BOOL:
        return OUTPUT_BOOL;
    case DUCK_INT:
    case DUCK_DOUBLE:
    case DUCK_DECIMAL:
        return OUTPUT_NUMBER;
    case DUCK_NESTED:
        return OUTPUT_VALUE;
    default:
        return OUTPUT_STRING;
    }
}

/// Bytes are shown as hexadecimal: they are no text.
static struct str shown(struct arena *arena, const struct duck_value *value)
{
    if (value->kind != DUCK_BLOB)
        return value->text;
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(arena, value->text.length * 2 + 1);
    for (size_t i = 0; i < value->text.length; i++) {
        text[2 * i] = digits[(unsigned char)value->text.bytes[i] >> 4];
        text[2 * i + 1] = digits[value->text.bytes[i] & 15];
    }
    return (struct str){text, value->text.length * 2};
}

rc query_print_rows(struct output *output, const struct duck_rows *rows, struct arena *scratch,
                    int64_t *left, struct err *err)
{
    struct output_cell *cells = ARENA_ARRAY(scratch, struct output_cell, rows->column_count);
    for (size_t row = 0; row < rows->row_count && *left != 0; row++) {
        for (size_t i = 0; i < rows->column_count; i++) {
            const struct duck_value *value = duck_cell(rows, row, i);
            cells[i] = (struct output_cell){.is_null = value->is_null};
            if (!value->is_null)
                cells[i].text = shown(scratch, value);
        }
        TRY(output_row(output, cells, err));
        *left -= *left > 0;
    }
    return RC_OK;
}

static rc print_stream(struct query *q, struct duck_stream *stream, struct err *err)
{
    size_t count;
    const struct duck_column *columns = duck_stream_columns(stream, &count);
    struct output_column *shown_columns = ARENA_ARRAY(q->arena, struct output_column, count);
    for (size_t i = 0; i < count; i++)
        shown_columns[i] =
            (struct output_column){columns[i].name, query_output_kind(columns[i].kind)};
    TRY(output_table_begin(q->context->output, shown_columns, count, NULL, err));
    int64_t left = q->options->limit;
    struct arena *scratch = arena_open(q->arena);
    while (left != 0) {
        struct duck_rows rows;
        const rc result = duck_stream_next(stream, &rows, err);
        if (result == RC_EOF)
            break;
        TRY(result);
        arena_reset(scratch);
        TRY(query_print_rows(q->context->output, &rows, scratch, &left, err));
    }
    return output_table_end(q->context->output, err);
}

static rc prepare_tables(struct query *q, struct str sql, struct err *err)
{
    duck_table_names names;
    TRY(duck_tables_of(q->connection, q->arena, sql, &names, err));
    for (size_t i = 0; i < names.count; i++)
        q->has_model_views = q->has_model_views || find_view(q, &names.items[i]) != NULL;
    for (size_t i = 0; i < names.count; i++)
        TRY(make_view(q, &names.items[i], err));
    return RC_OK;
}

static rc prepare_views(struct query *q, struct str sql, struct err *err)
{
    TRY(views_open(q->arena, q->project, &q->views, err));
    TRY(prepare_tables(q, sql, err));
    return duck_restrict(q->connection, &q->paths, err);
}

rc query_run(struct command_context *context, struct str sql, const struct query_options *options,
             struct err *err)
{
    struct query q = {.context = context, .options = options, .arena = context->arena};
    TRY(command_project(context, &q.project, err));
    if (!str_is(q.project->environment->engine.type, "embedded"))
        return query_run_engine(context, q.project, sql, options, err);
    TRY(project_catalog(q.project, &q.catalog, err));
    TRY(open_engine(&q, err));
    TRY(travel_rewrite(q.arena, sql, &sql, err));
    q.sql = sql;
    TRY(check_is_reading(&q, sql, err));
    TRY(prepare_views(&q, sql, err));
    struct duck_stream *stream;
    TRY(duck_stream_open(q.connection, q.arena, sql, NULL, &stream, err));
    const rc result = print_stream(&q, stream, err);
    duck_stream_close(stream);
    return result;
}
