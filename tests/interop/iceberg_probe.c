// A small client of the Iceberg library for the interop scripts: one catalog operation per call.
//
//     iceberg_probe CATALOG.db WAREHOUSE create NS.TABLE COLUMNS [PARTITION]...
//     iceberg_probe CATALOG.db WAREHOUSE append|replace NS.TABLE SQL [COUNT]
//     iceberg_probe CATALOG.db WAREHOUSE delete-files NS.TABLE PATH...
//     iceberg_probe CATALOG.db WAREHOUSE add-column NS.TABLE NAME TYPE
//     iceberg_probe CATALOG.db WAREHOUSE rows NS.TABLE      one line per row, columns in order,
//     sorted iceberg_probe CATALOG.db WAREHOUSE expire NS.TABLE
//
//     iceberg_probe CATALOG.db WAREHOUSE rename NS.TABLE NS.NEW
//     iceberg_probe CATALOG.db WAREHOUSE drop|drop-column|comment NS.TABLE [COLUMN]|[TEXT]
//
// CATALOG.db may be - (a filesystem catalog) or glue[:CATALOG_ID] (with AWS's environment
// variables), WAREHOUSE may be s3://... . COLUMNS is "id: long, name: string" as struct<> has them.
// Each call is a process of its own, so that scripts can start many at once and kill them.

#include <stdio.h>

#include "aws/s3.h"
#include "aws/session.h"
#include "base/time.h"
#include "iceberg/data_writer.h"
#include "iceberg/maintenance.h"
#include "iceberg/scan_sql.h"
#include "store/store.h"

struct probe {
    struct arena *arena;
    struct catalog *catalog;
    struct duck_connection *duck;
    struct str namespace_name, table;
    char **arguments; // behind the table
    int argument_count;
    struct err err;
};

static rc open_duck(struct probe *p)
{
    struct duck *duck;
    struct duck_options options = {.threads = 1, .memory_bytes = 256 << 20};
    s3_duck_remotes(catalog_store(p->catalog), &options.remotes);
    TRY(duck_open(p->arena, &options, &duck, &p->err));
    return duck_connect(duck, p->arena, &p->duck, &p->err);
}

static rc create(struct probe *p)
{
    const struct str text = arena_printf(p->arena, "struct<%s>", p->arguments[0]);
    struct table_definition definition = {0};
    struct transaction *tx;
    TRY(type_parse_text(p->arena, text, &definition.schema.root, &p->err));
    definition.schema = schema_assign_ids(p->arena, &definition.schema, 0, NULL);
    str_vec calls = {0};
    for (int i = 1; i < p->argument_count; i++)
        *vec_push(p->arena, &calls) = str_of(p->arguments[i]);
    TRY(partition_spec_of_calls(p->arena, &definition.schema, calls.items, calls.count,
                                &definition.spec, &p->err));
    TRY(catalog_ensure_namespace(p->catalog, p->namespace_name, &p->err));
    TRY(transaction_create_table(p->arena, p->catalog, p->namespace_name, p->table, &definition,
                                 &tx, &p->err));
    return catalog_commit(p->catalog, &tx, 1, &p->err);
}

static rc write_once(struct probe *p, bool replaces)
{
    struct table table;
    struct transaction *tx;
    struct data_file *files;
    size_t count;
    const struct data_writer_options options = {.run_id = STR("probe")};
    TRY(catalog_load_table(p->catalog, p->namespace_name, p->table, p->arena, &table, &p->err));
    TRY(data_writer_copy(p->duck, table.store, table.metadata, str_of(p->arguments[0]), &options,
                         p->arena, &files, &count, &p->err));
    TRY(transaction_open(p->arena, &table, &tx, &p->err));
    TRY(transaction_set_summary(tx, STR("probe"), STR("yes"), &p->err));
    if (replaces)
        TRY(transaction_replace_all(tx, files, count, &p->err));
    else
        TRY(transaction_append(tx, files, count, &p->err));
    return catalog_commit(p->catalog, &tx, 1, &p->err);
}

static rc append(struct probe *p)
{
    TRY(open_duck(p));
    int64_t times = 1;
    if (p->argument_count > 1)
        (void)str_to_int64(str_of(p->arguments[1]), &times);
    for (int64_t i = 0; i < times; i++)
        TRY(write_once(p, false));
    return RC_OK;
}

static rc replace(struct probe *p)
{
    TRY(open_duck(p));
    return write_once(p, true);
}

static rc delete_files(struct probe *p)
{
    struct table table;
    struct transaction *tx;
    str_vec paths = {0};
    for (int i = 0; i < p->argument_count; i++)
        *vec_push(p->arena, &paths) = str_of(p->arguments[i]);
    TRY(catalog_load_table(p->catalog, p->namespace_name, p->table, p->arena, &table, &p->err));
    TRY(transaction_open(p->arena, &table, &tx, &p->err));
    TRY(transaction_overwrite(tx, paths.items, paths.count, NULL, 0, &p->err));
    return catalog_commit(p->catalog, &tx, 1, &p->err);
}

static rc add_column(struct probe *p)
{
    struct table table;
    struct transaction *tx;
    struct type type;
    struct schema schema;
    int32_t last;
    TRY(type_parse_text(p->arena, str_of(p->arguments[1]), &type, &p->err));
    TRY(catalog_load_table(p->catalog, p->namespace_name, p->table, p->arena, &table, &p->err));
    struct schema_update *update =
        schema_update_open(p->arena, metadata_schema(table.metadata),
                           table.metadata->last_column_id, table.metadata->format_version);
    TRY(schema_update_add(update, STR(""), str_of(p->arguments[0]), type,
                          (struct schema_add_options){0}, &p->err));
    TRY(schema_update_finish(update, &schema, &last, &p->err));
    TRY(transaction_open(p->arena, &table, &tx, &p->err));
    TRY(transaction_update_schema(tx, &schema, last, &p->err));
    return catalog_commit(p->catalog, &tx, 1, &p->err);
}

static rc drop_column(struct probe *p)
{
    struct table table;
    struct transaction *tx;
    struct schema schema;
    int32_t last;
    TRY(catalog_load_table(p->catalog, p->namespace_name, p->table, p->arena, &table, &p->err));
    struct schema_update *update =
        schema_update_open(p->arena, metadata_schema(table.metadata),
                           table.metadata->last_column_id, table.metadata->format_version);
    TRY(schema_update_drop(update, str_of(p->arguments[0]), &p->err));
    TRY(schema_update_finish(update, &schema, &last, &p->err));
    TRY(transaction_open(p->arena, &table, &tx, &p->err));
    TRY(transaction_update_schema(tx, &schema, last, &p->err));
    return catalog_commit(p->catalog, &tx, 1, &p->err);
}

static rc comment(struct probe *p)
{
    struct table table;
    struct transaction *tx;
    TRY(catalog_load_table(p->catalog, p->namespace_name, p->table, p->arena, &table, &p->err));
    TRY(transaction_open(p->arena, &table, &tx, &p->err));
    TRY(transaction_set_property(tx, STR("comment"), str_of(p->arguments[0]), &p->err));
    return catalog_commit(p->catalog, &tx, 1, &p->err);
}

static rc rename_to(struct probe *p)
{
    const struct str to = str_of(p->arguments[0]);
    const size_t dot = str_find_last_byte(to, '.');
    return catalog_rename_table(p->catalog, p->namespace_name, p->table, str_slice(to, 0, dot),
                                str_slice(to, dot + 1, SIZE_MAX), &p->err);
}

static rc drop(struct probe *p)
{
    return catalog_drop_table(p->catalog, p->namespace_name, p->table,
                              (struct catalog_drop_options){0}, &p->err);
}

static rc rows(struct probe *p)
{
    struct table table;
    struct str sql;
    struct duck_rows found;
    TRY(open_duck(p));
    TRY(catalog_load_table(p->catalog, p->namespace_name, p->table, p->arena, &table, &p->err));
    TRY(scan_sql(&table, p->arena, &(struct scan_sql_options){0}, &sql, NULL, &p->err));
    TRY(duck_query(p->duck, p->arena,
                   arena_printf(p->arena, "SELECT * FROM (%.*s) ORDER BY ALL", STR_ARGS(sql)), NULL,
                   &found, &p->err));
    for (size_t r = 0; r < found.row_count; r++) {
        for (size_t c = 0; c < found.column_count; c++) {
            const struct duck_value *value = duck_cell(&found, r, c);
            printf("%s%.*s", c > 0 ? "|" : "",
                   STR_ARGS(value->is_null ? STR("NULL") : value->text));
        }
        printf("\n");
    }
    return RC_OK;
}

static rc expire(struct probe *p)
{
    struct table table;
    struct expire_result result;
    const int64_t now_ms = time_now_us() / 1000;
    TRY(catalog_load_table(p->catalog, p->namespace_name, p->table, p->arena, &table, &p->err));
    TRY(table_expire(p->catalog, &table, p->arena,
                     (struct expire_options){.now_ms = now_ms, .older_than_ms = now_ms + 1},
                     &result, &p->err));
    printf("%zu snapshots %zu files\n", result.snapshot_count, result.files.count);
    return RC_OK;
}

static const struct {
    const char *name;
    int min_arguments;
    rc (*run)(struct probe *p);
} commands[] = {
    {"create", 1, create},
    {"append", 1, append},
    {"replace", 1, replace},
    {"delete-files", 1, delete_files},
    {"add-column", 2, add_column},
    {"rows", 0, rows},
    {"expire", 0, expire},
    {"drop-column", 1, drop_column},
    {"comment", 1, comment},
    {"rename", 1, rename_to},
    {"drop", 0, drop},
};

static rc run(struct probe *p, const char *command, struct catalog_options *options)
{
    const struct aws_options aws = {0};
    TRY(aws_session_open(p->arena, &aws, &options->session, &p->err));
    if (s3_is_uri(options->warehouse))
        TRY(store_open_s3(p->arena, options->session, &options->store, &p->err));
    else
        TRY(store_open(p->arena, STR("file:///"), &options->store, &p->err));
    TRY(catalog_open(options, &p->catalog, &p->err));
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, command) == 0 &&
            p->argument_count >= commands[i].min_arguments)
            return commands[i].run(p);
    return err_set(&p->err, RC_USAGE, "unknown command %s, or too few arguments", command);
}

int main(int argc, char **argv)
{
    struct probe probe = {.arena = arena_open(NULL)};
    if (argc < 5)
        return 2;
    const struct str table = str_of(argv[4]);
    const size_t dot = str_find_last_byte(table, '.');
    probe.namespace_name = str_slice(table, 0, dot);
    probe.table = str_slice(table, dot + 1, SIZE_MAX);
    probe.arguments = argv + 5;
    probe.argument_count = argc - 5;
    const bool is_glue = str_has_prefix(str_of(argv[1]), STR("glue"));
    const char *type = is_glue ? "glue" : str_is(str_of(argv[1]), "-") ? "filesystem" : "sql";
    struct catalog_options options = {
        .type = str_of(type),
        .uri = arena_printf(probe.arena, "sqlite:///%s", argv[1]),
        .catalog_id = is_glue ? str_slice(str_of(argv[1]), strlen("glue:"), SIZE_MAX) : STR(""),
        .warehouse = str_of(argv[2])};
    const rc code = run(&probe, argv[3], &options);
    if (code != RC_OK)
        fprintf(stderr, "%s: %s\n", rc_class_of(code)->name, probe.err.message);
    catalog_close(probe.catalog);
    arena_close(probe.arena);
    return code == RC_OK ? 0 : 1;
}
