#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "iceberg/data_writer.h"
#include "iceberg/footer_read.h"
#include "iceberg/scan_sql.h"
#include "test_place.h"

struct fixture {
    struct arena *arena;
    struct str folder, root; // root: URI of the tables
    struct store *store;
    struct duck_connection *connection;
    struct table_metadata metadata;
    struct data_file *files;
    size_t file_count;
    struct err err;
};

static void fail_with(const struct err *err)
{
    fail_msg("%s", err->message);
}

static int set_up(void **state)
{
    char folder[] = "/tmp/moulin-writer-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct arena *arena = arena_open(NULL);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    f->arena = arena;
    f->folder = arena_str(arena, str_of(folder));
    f->store = place_open(arena, folder, &f->root);
    const struct duck_options options = place_duck_options(f->store, 2);
    struct duck *duck;
    if (duck_open(arena, &options, &duck, &f->err) != RC_OK ||
        duck_connect(duck, arena, &f->connection, &f->err) != RC_OK)
        fail_with(&f->err);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fs_remove_tree(f->folder, NULL), RC_OK);
    arena_close(f->arena);
    return 0;
}

/// A table of (id long required, name string, at timestamptz, tags list<string>, who struct<a:
/// int>).
static void make_table(struct fixture *f, const char *const *partitions, size_t partition_count,
                       const char *sort)
{
    static const char *const types[][2] = {{"id", "long"},
                                           {"name", "string"},
                                           {"at", "timestamptz"},
                                           {"tags", "list<string>"},
                                           {"who", "struct<a: int, b: string>"},
                                           {"price", "decimal(9, 2)"}};
    struct field *fields = ARENA_ARRAY(f->arena, struct field, 6);
    for (size_t i = 0; i < 6; i++) {
        fields[i].name = str_of(types[i][0]);
        fields[i].id = (int32_t)(i + 1) * 100;
        fields[i].is_required = i == 0;
        assert_int_equal(type_parse_text(f->arena, str_of(types[i][1]), &fields[i].type, &f->err),
                         RC_OK);
    }
    struct table_definition definition = {.schema.root = type_struct(fields, 6)};
    int32_t last;
    definition.schema = schema_assign_ids(f->arena, &definition.schema, 0, &last);
    struct str calls[8];
    for (size_t i = 0; i < partition_count; i++)
        calls[i] = str_of(partitions[i]);
    assert_int_equal(partition_spec_of_calls(f->arena, &definition.schema, calls, partition_count,
                                             &definition.spec, &f->err),
                     RC_OK);
    const struct str order = str_of(sort);
    assert_int_equal(sort_order_of_calls(f->arena, &definition.schema, &order, order.length > 0,
                                         &definition.order, &f->err),
                     RC_OK);
    const struct str location = arena_printf(f->arena, "%.*s/t", STR_ARGS(f->root));
    if (metadata_create(f->arena, &definition, location,
                        STR("11111111-2222-4333-8444-555555555555"), 1000, &f->metadata,
                        &f->err) != RC_OK)
        fail_with(&f->err);
}

static rc copy(struct fixture *f, const char *sql, struct data_writer_options options)
{
    return data_writer_copy(f->connection, f->store, &f->metadata, str_of(sql), &options, f->arena,
                            &f->files, &f->file_count, &f->err);
}

/// Reads the written files back through the scan and evaluates a query over them as `t`.
static const char *read_back(struct fixture *f, const char *query)
{
    struct scan_file *files = ARENA_ARRAY(f->arena, struct scan_file, f->file_count);
    for (size_t i = 0; i < f->file_count; i++)
        files[i].file = f->files[i];
    const struct scan_plan plan = {.metadata = &f->metadata,
                                   .schema = metadata_schema(&f->metadata),
                                   .files = files,
                                   .file_count = f->file_count};
    const struct table table = {
        .store = f->store, .arena = f->arena, .name = STR("t"), .metadata = &f->metadata};
    struct str scan;
    if (scan_sql_of_plan(&table, f->arena, &plan, NULL, 0, &scan, &f->err) != RC_OK)
        fail_with(&f->err);
    struct duck_rows rows;
    const struct str sql = arena_printf(f->arena, "WITH t AS (%.*s) %s", STR_ARGS(scan), query);
    if (duck_query(f->connection, f->arena, sql, NULL, &rows, &f->err) != RC_OK)
        fail_with(&f->err);
    return arena_cstr(f->arena, duck_cell(&rows, 0, 0)->text);
}

#define ROWS                                                                                       \
    "SELECT i AS id, 'n' || i AS NAME, TIMESTAMPTZ '2020-01-15 00:00:00+00' + INTERVAL (i) DAY "   \
    "AS at, [i::VARCHAR, NULL] AS tags, {'a': i, 'b': 'x'} AS who, i / 4 AS price "

static void test_a_file_carries_ids_metrics_and_the_run(void **state)
{
    struct fixture *f = *state;
    make_table(f, NULL, 0, "");
    if (copy(f, ROWS "FROM range(1000) r(i)",
             (struct data_writer_options){.run_id = STR("exec/17:a")}) != RC_OK)
        fail_with(&f->err);
    assert_int_equal(f->file_count, 1);
    const struct data_file *file = &f->files[0];
    assert_int_equal(file->record_count, 1000);
    assert_true(str_contains(file->path, STR("/t/data/exec_17_a-")));
    assert_true(str_has_prefix(file->path, f->root));
    assert_int_equal(file->null_value_counts.count > 0, true);

    struct store_object object;
    assert_int_equal(store_head(f->store, file->path, &object, &f->err), RC_OK);
    assert_int_equal(object.size_bytes, file->file_size_bytes);
    struct parquet_footer footer;
    assert_int_equal(footer_read(f->store, f->arena, file->path, &footer, &f->err), RC_OK);
    assert_int_equal(footer.row_count, 1000);
    for (size_t i = 1; i < footer.element_count; i++) // the repeated node of a list has no id
        assert_true(footer.elements[i].field_id > 0 ||
                    footer.elements[i].repetition == PARQUET_REPEATED);

    struct value lower, upper;
    const struct type type = type_of(TYPE_LONG);
    assert_int_equal(value_decode(&type, file->lower_bounds.items[0].bytes, &lower, NULL), RC_OK);
    assert_int_equal(value_decode(&type, file->upper_bounds.items[0].bytes, &upper, NULL), RC_OK);
    assert_int_equal(lower.integer, 0);
    assert_int_equal(upper.integer, 999);
    assert_string_equal(
        read_back(f, "SELECT count(*) || ' ' || sum(id) || ' ' || sum(who.a) || ' ' || max(name) "
                     "|| ' ' || max(price) FROM t"),
        "1000 499500 499500 n999 249.75");
}

static void test_no_rows_give_no_file(void **state)
{
    struct fixture *f = *state;
    make_table(f, NULL, 0, "");
    f->file_count = 99;
    assert_int_equal(copy(f, ROWS "FROM range(0) r(i)", (struct data_writer_options){0}), RC_OK);
    assert_int_equal(f->file_count, 0);
    assert_string_equal(read_back(f, "SELECT count(*) FROM t"), "0");
}

static void test_columns_that_the_query_lacks_are_null_and_unknown_ones_refused(void **state)
{
    struct fixture *f = *state;
    make_table(f, NULL, 0, "");
    assert_int_equal(copy(f, "SELECT 7 AS id", (struct data_writer_options){0}), RC_OK);
    assert_string_equal(read_back(f, "SELECT id || coalesce(name, '-') FROM t"), "7-");
    assert_int_equal(copy(f, "SELECT 7 AS id, 1 AS colour", (struct data_writer_options){0}),
                     RC_INVALID);
    assert_non_null(strstr(f->err.message, "colour"));
}

static rc count_one(void *context, const struct store_object *object, struct err *err)
{
    (void)object, (void)err;
    ++*(size_t *)context;
    return RC_OK;
}

static size_t count_files(struct fixture *f)
{
    size_t count = 0;
    const struct str prefix = arena_printf(f->arena, "%.*s/t/data/", STR_ARGS(f->root));
    assert_int_equal(store_list(f->store, prefix, count_one, &count, &f->err), RC_OK);
    return count;
}

static void test_a_required_column_with_nulls_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    make_table(f, NULL, 0, "");
    assert_int_equal(
        copy(f, "SELECT nullif(i, 3) AS id FROM range(10) r(i)", (struct data_writer_options){0}),
        RC_INVALID);
    assert_string_equal(f->err.message, "column id is required, but 1 of 10 rows have no value");
    assert_int_equal(count_files(f), 0);
}

static void test_a_query_that_fails_half_way_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    make_table(f, NULL, 0, "");
    assert_int_equal(copy(f,
                          "SELECT CASE WHEN i = 900000 THEN error('broken row') ELSE i END AS id "
                          "FROM range(1000000) r(i)",
                          (struct data_writer_options){0}),
                     RC_INVALID);
    assert_non_null(strstr(f->err.message, "broken row"));
    assert_int_equal(count_files(f), 0);
}

static void test_partitions_get_their_own_files_with_exact_tuples(void **state)
{
    struct fixture *f = *state;
    static const char *const partitions[] = {"month(at)", "bucket(4, id)", "truncate(2, name)"};
    make_table(f, partitions, 3, "");
    if (copy(f, ROWS "FROM range(100) r(i) UNION ALL SELECT 1000, NULL, NULL, NULL, NULL, NULL",
             (struct data_writer_options){.run_id = STR("r")}) != RC_OK)
        fail_with(&f->err);
    assert_true(f->file_count > 10);
    int64_t rows = 0;
    size_t with_null = 0;
    for (size_t i = 0; i < f->file_count; i++) {
        const struct data_file *file = &f->files[i];
        assert_int_equal(file->partition_count, 3);
        rows += file->record_count;
        with_null += file->partition[0].is_null && file->partition[2].is_null;
        assert_false(file->partition[1].is_null);
        // The library's own transform is the judge: every row of the file falls into its tuple.
        struct value id, bucket;
        const struct type type = type_of(TYPE_LONG);
        assert_int_equal(value_decode(&type, file->lower_bounds.items[0].bytes, &id, NULL), RC_OK);
        assert_int_equal(
            transform_apply((struct transform){TRANSFORM_BUCKET, 4, {0}}, id, &bucket, &f->err),
            RC_OK);
        assert_true(value_same(bucket, file->partition[1]));
        if (!file->partition[0].is_null)
            assert_true(file->partition[0].integer >= 600 && file->partition[0].integer <= 604);
    }
    assert_int_equal(rows, 101);
    assert_int_equal(with_null, 1);
    assert_string_equal(read_back(f, "SELECT count(*) || ' ' || sum(id) FROM t"), "101 5950");
}

static void test_rows_lie_in_the_tables_order(void **state)
{
    struct fixture *f = *state;
    make_table(f, NULL, 0, "id desc nulls last");
    assert_int_equal(copy(f, ROWS "FROM range(50000) r(i)", (struct data_writer_options){0}),
                     RC_OK);
    assert_true(f->files[0].has_sort_order_id);
    assert_int_equal(f->files[0].sort_order_id, 1);
    struct duck_rows rows;
    struct str path;
    assert_int_equal(store_reader_path(f->store, f->arena, f->files[0].path, &path, NULL), RC_OK);
    const struct str sql =
        arena_printf(f->arena,
                     "SELECT bool_and(id = 49999 - file_row_number) FROM read_parquet('%.*s', "
                     "file_row_number = true)",
                     STR_ARGS(path));
    assert_int_equal(duck_query(f->connection, f->arena, sql, NULL, &rows, &f->err), RC_OK);
    assert_true(duck_cell(&rows, 0, 0)->boolean);
}

static void test_large_results_roll_into_several_files(void **state)
{
    struct fixture *f = *state;
    make_table(f, NULL, 0, "");
    assert_int_equal(copy(f, "SELECT i AS id, md5(i::VARCHAR) AS name FROM range(300000) r(i)",
                          (struct data_writer_options){.target_file_bytes = 1 << 20,
                                                       .row_group_bytes = 1 << 20}),
                     RC_OK);
    assert_true(f->file_count > 2);
    assert_string_equal(read_back(f, "SELECT count(*) || ' ' || sum(id) FROM t"),
                        "300000 44999850000");
    data_writer_discard(f->store, f->files, f->file_count);
    assert_int_equal(count_files(f), 0);
}

static void test_other_storage_gets_the_files_uploaded(void **state)
{
    struct fixture *f = *state;
    make_table(f, NULL, 0, "");
    f->store = store_open_memory(f->arena);
    assert_int_equal(copy(f, ROWS "FROM range(10) r(i)", (struct data_writer_options){0}), RC_OK);
    struct parquet_footer footer;
    assert_int_equal(footer_read(f->store, f->arena, f->files[0].path, &footer, &f->err), RC_OK);
    assert_int_equal(footer.row_count, 10);
    assert_int_equal(f->files[0].record_count, 10);
}

static void test_a_failing_storage_is_reported(void **state)
{
    struct fixture *f = *state;
    make_table(f, NULL, 0, "");
    struct store_fault fault = {.fail_at = 1, .is_for_ever = true, .code = RC_NO_SPACE};
    f->store = store_open_fault(f->arena, store_open_memory(f->arena), &fault);
    assert_int_equal(copy(f, ROWS "FROM range(10) r(i)", (struct data_writer_options){0}),
                     RC_NO_SPACE);
}

/// The query is stopped, but what people are told is why; nothing stays, and the connection goes
/// on.
static void test_an_upload_that_fails_ends_the_query(void **state)
{
    struct fixture *f = *state;
    make_table(f, NULL, 0, "");
    struct store *memory = store_open_memory(f->arena);
    struct store_fault fault = {
        .fail_at = 4, .is_for_ever = true, .is_writing_only = true, .code = RC_NO_SPACE};
    f->store = store_open_fault(f->arena, memory, &fault);
    assert_int_equal(copy(f, "SELECT i AS id, md5(i::VARCHAR) AS name FROM range(3000000) r(i)",
                          (struct data_writer_options){.target_file_bytes = 1 << 20,
                                                       .row_group_bytes = 1 << 20}),
                     RC_NO_SPACE);
    fault = (struct store_fault){0};
    f->store = memory;
    assert_int_equal(copy(f, ROWS "FROM range(10) r(i)", (struct data_writer_options){0}), RC_OK);
    assert_int_equal(f->files[0].record_count, 10);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_file_carries_ids_metrics_and_the_run),
        CASE(test_no_rows_give_no_file),
        CASE(test_columns_that_the_query_lacks_are_null_and_unknown_ones_refused),
        CASE(test_a_required_column_with_nulls_leaves_nothing_behind),
        CASE(test_a_query_that_fails_half_way_leaves_nothing_behind),
        CASE(test_partitions_get_their_own_files_with_exact_tuples),
        CASE(test_rows_lie_in_the_tables_order),
        CASE(test_large_results_roll_into_several_files),
        CASE(test_other_storage_gets_the_files_uploaded),
        CASE(test_a_failing_storage_is_reported),
        CASE(test_an_upload_that_fails_ends_the_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
