// moulin table VERB: looking at Iceberg tables and maintaining them.

#include "base/time.h"
#include "cli/commands.gen.h"
#include "cli/inspect.h"
#include "cli/query.h"
#include "cli/table_change.h"
#include "duck/duck.h"

static struct output_cell text_cell(struct str text)
{
    return (struct output_cell){.text = text};
}

static struct output_cell number_cell(struct arena *arena, int64_t number)
{
    return text_cell(arena_printf(arena, "%lld", (long long)number));
}

static struct output_cell summary_cell(const struct snapshot *snapshot, struct str key)
{
    const struct str text =
        snapshot != NULL ? properties_get(&snapshot->summary, key, (struct str){"", 0}) : STR("0");
    return text.length > 0 ? text_cell(text) : (struct output_cell){.is_null = true};
}

static rc list_tables(struct command_context *context, struct err *err)
{
    static const struct output_column columns[] = {
        {STR_INIT("namespace"), OUTPUT_STRING}, {STR_INIT("table"), OUTPUT_STRING},
        {STR_INIT("rows"), OUTPUT_NUMBER},      {STR_INIT("files"), OUTPUT_NUMBER},
        {STR_INIT("bytes"), OUTPUT_NUMBER},     {STR_INIT("snapshots"), OUTPUT_NUMBER},
        {STR_INIT("updated_at"), OUTPUT_STRING}};
    struct project *project;
    struct catalog *catalog;
    table_names names;
    TRY(command_project(context, &project, err));
    TRY(project_catalog(project, &catalog, err));
    TRY(table_names_list(catalog, context->arena, &names, err));
    const struct str wanted = context->argument_count > 0 ? context->arguments[0] : STR("");
    const struct str prefixed = project_namespace_of(project, context->arena, wanted);
    TRY(output_table_begin(context->output, columns, 7, "no tables yet: moulin ingest makes them",
                           err));
    for (size_t i = 0; i < names.count; i++) {
        const struct table_name *name = &names.items[i];
        if (wanted.length > 0 && !str_equal(name->namespace_name, wanted) &&
            !str_equal(name->namespace_name, prefixed))
            continue;
        struct arena *scratch = arena_open(context->arena);
        struct table table;
        TRY(catalog_load_table(catalog, name->namespace_name, name->name, scratch, &table, err));
        const struct snapshot *snapshot = metadata_current_snapshot(table.metadata);
        const struct output_cell cells[] = {
            text_cell(name->namespace_name),
            text_cell(name->name),
            summary_cell(snapshot, STR("total-records")),
            summary_cell(snapshot, STR("total-data-files")),
            summary_cell(snapshot, STR("total-files-size")),
            number_cell(scratch, (int64_t)table.metadata->snapshot_count),
            text_cell(time_format(scratch, table.metadata->last_updated_ms * 1000, TIME_ISO_Z))};
        TRY(output_row(context->output, cells, err));
        arena_close(scratch);
    }
    return output_table_end(context->output, err);
}

static struct str spec_text(struct arena *arena, const struct table_metadata *metadata)
{
    const struct partition_spec *spec = metadata_spec(metadata);
    struct str text = STR("");
    for (size_t i = 0; i < spec->field_count; i++)
        text = arena_printf(
            arena, "%.*s%s%.*s(%.*s)", STR_ARGS(text), i > 0 ? ", " : "",
            STR_ARGS(transform_print(arena, spec->fields[i].transform)),
            STR_ARGS(schema_path_of(arena, metadata_schema(metadata), spec->fields[i].source_id)));
    return text.length > 0 ? text : STR("none");
}

static struct str order_text(struct arena *arena, const struct table_metadata *metadata)
{
    const struct sort_order *order = metadata_sort_order(metadata);
    struct str text = STR("");
    for (size_t i = 0; i < order->field_count; i++)
        text = arena_printf(
            arena, "%.*s%s%.*s(%.*s)%s", STR_ARGS(text), i > 0 ? ", " : "",
            STR_ARGS(transform_print(arena, order->fields[i].transform)),
            STR_ARGS(schema_path_of(arena, metadata_schema(metadata), order->fields[i].source_id)),
            order->fields[i].is_descending ? " desc" : "");
    return text.length > 0 ? text : STR("none");
}

static rc show_pair(struct command_context *context, const char *key, struct str value,
                    struct err *err)
{
    const struct output_cell cells[] = {text_cell(str_of(key)), text_cell(value)};
    return output_row(context->output, cells, err);
}

static rc show_table(struct command_context *context, struct err *err)
{
    static const struct output_column columns[] = {{STR_INIT("key"), OUTPUT_STRING},
                                                   {STR_INIT("value"), OUTPUT_STRING}};
    struct arena *arena = context->arena;
    struct table table;
    TRY(table_name_load(context, context->arguments[0], &table, err));
    const struct table_metadata *metadata = table.metadata;
    const struct snapshot *snapshot = metadata_current_snapshot(metadata);
    const struct {
        const char *key;
        struct str value;
    } pairs[] = {
        {"table", table_full_name(arena, &table)},
        {"location", metadata->location},
        {"metadata", table.metadata_location},
        {"format version", arena_printf(arena, "%d", metadata->format_version)},
        {"uuid", metadata->table_uuid},
        {"partitioned by", spec_text(arena, metadata)},
        {"sorted by", order_text(arena, metadata)},
        {"columns", arena_printf(arena, "%zu", metadata_schema(metadata)->root.field_count)},
        {"snapshots", arena_printf(arena, "%zu", metadata->snapshot_count)},
        {"current snapshot", snapshot != NULL
                                 ? arena_printf(arena, "%lld", (long long)snapshot->snapshot_id)
                                 : STR("none")},
        {"rows", summary_cell(snapshot, STR("total-records")).text},
        {"files", summary_cell(snapshot, STR("total-data-files")).text},
        {"bytes", summary_cell(snapshot, STR("total-files-size")).text},
        {"updated at", time_format(arena, metadata->last_updated_ms * 1000, TIME_ISO_Z)},
    };
    TRY(output_table_begin(context->output, columns, 2, NULL, err));
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        TRY(show_pair(context, pairs[i].key, pairs[i].value, err));
    for (size_t i = 0; i < metadata->properties.count; i++)
        TRY(show_pair(context, arena_cstr(arena, metadata->properties.items[i].key),
                      metadata->properties.items[i].value, err));
    return output_table_end(context->output, err);
}

static rc print_field(struct command_context *context, const struct schema *schema,
                      const struct field *field, struct str path, struct err *err)
{
    const struct output_cell cells[] = {
        number_cell(context->arena, field->id),
        text_cell(path),
        text_cell(type_print(context->arena, &field->type)),
        text_cell(field->is_required ? STR("true") : STR("false")),
        text_cell(schema_is_identifier(schema, field->id) ? STR("true") : STR("false")),
        field->doc.length > 0 ? text_cell(field->doc) : (struct output_cell){.is_null = true}};
    return output_row(context->output, cells, err);
}

static rc print_fields(struct command_context *context, const struct schema *schema,
                       const struct type *type, struct str prefix, int depth, struct err *err)
{
    if (depth > TYPE_MAX_DEPTH)
        return err_set(err, RC_LIMIT, "columns are nested too deep");
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        const struct str path = arena_printf(context->arena, "%.*s%s%.*s", STR_ARGS(prefix),
                                             prefix.length > 0 ? "." : "", STR_ARGS(field->name));
        TRY(print_field(context, schema, field, path, err));
        TRY(print_fields(context, schema, &field->type, path, depth + 1, err));
    }
    return RC_OK;
}

static rc show_schema(struct command_context *context, struct err *err)
{
    static const struct output_column columns[] = {
        {STR_INIT("id"), OUTPUT_NUMBER},       {STR_INIT("column"), OUTPUT_STRING},
        {STR_INIT("type"), OUTPUT_STRING},     {STR_INIT("required"), OUTPUT_BOOL},
        {STR_INIT("identifier"), OUTPUT_BOOL}, {STR_INIT("doc"), OUTPUT_STRING}};
    struct table table;
    TRY(table_name_load(context, context->arguments[0], &table, err));
    const struct schema *schema = metadata_schema(table.metadata);
    if (command_has(context, "schema-id")) {
        const int32_t id = (int32_t)command_int(context, "schema-id");
        schema = metadata_schema_by_id(table.metadata, id);
        if (schema == NULL)
            return err_set(err, RC_NOT_FOUND, "the table has no schema %d", id);
    }
    TRY(output_table_begin(context->output, columns, 6, NULL, err));
    TRY(print_fields(context, schema, &schema->root, STR(""), 0, err));
    return output_table_end(context->output, err);
}

static rc inspect(struct command_context *context, struct err *err)
{
    struct table table;
    const struct snapshot *snapshot = NULL;
    struct inspect_rows rows;
    TRY(table_name_load(context, context->arguments[0], &table, err));
    const bool has_snapshot = str_is(str_of(context->verb), "files") ||
                              str_is(str_of(context->verb), "manifests") ||
                              str_is(str_of(context->verb), "partitions");
    if (has_snapshot && command_has(context, "snapshot"))
        TRY(table_snapshot_find(&table, command_text(context, "snapshot"), &snapshot, err));
    TRY(inspect_table(&table, str_of(context->verb), snapshot, context->arena, &rows, err));
    return inspect_print(context->output, &rows, "none", err);
}

static struct str column_list(struct arena *arena, struct str names)
{
    struct str rest = names, part, list = STR("");
    while (names.length > 0 && str_split_next(&rest, ',', &part))
        list = arena_printf(arena, "%.*s%s%.*s", STR_ARGS(list), list.length > 0 ? ", " : "",
                            STR_ARGS(duck_quote_identifier(arena, str_trim(part))));
    return list.length > 0 ? list : STR("*");
}

static rc scan(struct command_context *context, struct err *err)
{
    struct arena *arena = context->arena;
    struct table table;
    TRY(table_name_load(context, context->arguments[0], &table, err));
    struct str from = arena_printf(arena, "%.*s.%.*s",
                                   STR_ARGS(duck_quote_identifier(arena, table.namespace_name)),
                                   STR_ARGS(duck_quote_identifier(arena, table.name)));
    // A namespace of several levels is several names to SQL.
    if (str_contains(table.namespace_name, STR(".")))
        from = arena_printf(
            arena, "%.*s.%.*s",
            STR_ARGS(str_replace(arena, duck_quote_identifier(arena, table.namespace_name),
                                 STR("."), STR("\".\""))),
            STR_ARGS(duck_quote_identifier(arena, table.name)));
    const struct str where = command_text(context, "where");
    const struct str sql =
        arena_printf(arena, "SELECT %.*s FROM %.*s%s%.*s%s LIMIT %lld",
                     STR_ARGS(column_list(arena, command_text(context, "columns"))), STR_ARGS(from),
                     where.length > 0 ? " WHERE (" : "", STR_ARGS(where),
                     where.length > 0 ? "\n)" : "", (long long)command_int(context, "limit"));
    struct query_options options = {.limit = -1};
    if (command_has(context, "as-of"))
        TRY(table_time_parse(command_text(context, "as-of"), &options.as_of_ms, err));
    struct str snapshot;
    if (command_has(context, "snapshot")) {
        snapshot = arena_printf(arena, "%.*s=%.*s", STR_ARGS(table.name),
                                STR_ARGS(command_text(context, "snapshot")));
        options.snapshots = &snapshot;
        options.snapshot_count = 1;
    }
    if (command_flag(context, "csv"))
        output_set_format(context->output, OUTPUT_CSV);
    return query_run(context, sql, &options, err);
}

static const struct {
    const char *name;
    rc (*run)(struct command_context *context, struct err *err);
} verbs[] = {
    {"ls", list_tables},          {"show", show_table},          {"schema", show_schema},
    {"snapshots", inspect},       {"history", inspect},          {"files", inspect},
    {"manifests", inspect},       {"partitions", inspect},       {"scan", scan},
    {"rollback", table_rollback}, {"expire", table_expire_verb}, {"orphans", table_orphans_verb},
    {"drop", table_drop},
};

rc command_table(struct command_context *context, struct err *err)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (str_is(str_of(verbs[i].name), context->verb))
            return verbs[i].run(context, err);
    return err_set(err, RC_INTERNAL, "table %s has no code", context->verb);
}
