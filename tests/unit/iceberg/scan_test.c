#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/hash.h"
#include "iceberg/catalog.h"
#include "iceberg/data_writer.h"
#include "iceberg/deletion_vector.h"
#include "iceberg/predicate.h"
#include "iceberg/scan_sql.h"
#include "test_place.h"

/// A table "n.t" in a catalog of its own, and an engine to write and read it.
struct fixture {
    struct arena *arena;
    struct str folder, root; // root: URI of the warehouse
    struct store *store;
    struct catalog *catalog;
    struct duck_connection *connection;
    struct table table;
    struct err err;
};

static void need(struct fixture *f, rc code)
{
    if (code != RC_OK)
        fail_msg("%s", f->err.message);
}

static int set_up(void **state)
{
    char folder[] = "/tmp/moulin-scan-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct arena *arena = arena_open(NULL);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    f->arena = arena;
    f->folder = arena_str(arena, str_of(folder));
    f->store = place_open(arena, folder, &f->root);
    const struct catalog_options options = {
        .type = STR("sql"),
        .uri = arena_printf(arena, "sqlite:///%s/catalog.db", folder),
        .warehouse = f->root,
        .store = f->store};
    need(f, catalog_open(&options, &f->catalog, &f->err));
    need(f, catalog_ensure_namespace(f->catalog, STR("n"), &f->err));
    struct duck *duck;
    const struct duck_options engine = place_duck_options(f->store, 1);
    need(f, duck_open(arena, &engine, &duck, &f->err));
    need(f, duck_connect(duck, arena, &f->connection, &f->err));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    catalog_close(f->catalog);
    assert_int_equal(fs_remove_tree(f->folder, NULL), RC_OK);
    arena_close(f->arena);
    return 0;
}

/// @param columns  "id long, name string, who struct<a: int>": split at blanks is enough here
static void create(struct fixture *f, const char *const (*columns)[2], size_t count,
                   const char *partition)
{
    struct field *fields = ARENA_ARRAY(f->arena, struct field, count);
    for (size_t i = 0; i < count; i++) {
        fields[i].name = str_of(columns[i][0]);
        fields[i].id = (int32_t)(i + 1) * 100;
        need(f, type_parse_text(f->arena, str_of(columns[i][1]), &fields[i].type, &f->err));
    }
    struct table_definition definition = {.schema.root = type_struct(fields, count)};
    int32_t last;
    definition.schema = schema_assign_ids(f->arena, &definition.schema, 0, &last);
    const struct str call = str_of(partition);
    need(f, partition_spec_of_calls(f->arena, &definition.schema, &call, call.length > 0,
                                    &definition.spec, &f->err));
    need(f, catalog_create_table(f->catalog, STR("n"), STR("t"), &definition, f->arena, &f->table,
                                 &f->err));
}

static void reload(struct fixture *f)
{
    need(f, catalog_load_table(f->catalog, STR("n"), STR("t"), f->arena, &f->table, &f->err));
}

static void append(struct fixture *f, const char *sql, struct data_file **ret_files)
{
    struct data_file *files;
    size_t count;
    struct transaction *tx;
    need(f, data_writer_copy(f->connection, f->store, f->table.metadata, str_of(sql), NULL,
                             f->arena, &files, &count, &f->err));
    need(f, transaction_open(f->arena, &f->table, &tx, &f->err));
    need(f, transaction_append(tx, files, count, &f->err));
    need(f, catalog_commit(f->catalog, &tx, 1, &f->err));
    reload(f);
    if (ret_files != NULL)
        *ret_files = files;
}

/// Writes a Parquet file by SQL and commits it as a delete file.
static void commit_delete(struct fixture *f, const char *name, const char *sql,
                          struct data_file file)
{
    struct transaction *tx;
    const struct str path = arena_printf(f->arena, "%.*s/%s", STR_ARGS(f->folder), name);
    need(f, duck_execute(
                f->connection,
                arena_printf(
                    f->arena, "COPY (%s) TO '%.*s' (FORMAT parquet%s)", sql, STR_ARGS(path),
                    file.content == CONTENT_EQUALITY_DELETES ? ", FIELD_IDS {'name': 2}" : ""),
                NULL, NULL, &f->err));
    file.path = arena_printf(f->arena, "%.*s/%s", STR_ARGS(f->root), name);
    if (place_is_remote()) {
        struct str bytes;
        need(f, fs_read(f->arena, path, 1 << 20, &bytes, &f->err));
        need(f, store_put(f->store, file.path, bytes, (struct store_put_options){0}, &f->err));
    }
    file.file_format = STR("PARQUET");
    file.record_count = 1;
    file.file_size_bytes = 1;
    need(f, transaction_open(f->arena, &f->table, &tx, &f->err));
    need(f, transaction_row_delta(tx, NULL, 0, &file, 1, NULL, 0, &f->err));
    need(f, catalog_commit(f->catalog, &tx, 1, &f->err));
    reload(f);
}

static const char *read_table(struct fixture *f, int64_t snapshot_id, const char *select)
{
    struct str scan;
    struct duck_rows rows;
    need(f,
         scan_sql(&f->table, f->arena, &(struct scan_sql_options){.scan.snapshot_id = snapshot_id},
                  &scan, NULL, &f->err));
    const struct str sql =
        arena_printf(f->arena, "SELECT %s FROM (%.*s) AS t", select, STR_ARGS(scan));
    need(f, duck_query(f->connection, f->arena, sql, NULL, &rows, &f->err));
    return duck_cell(&rows, 0, 0)->is_null ? "NULL"
                                           : arena_cstr(f->arena, duck_cell(&rows, 0, 0)->text);
}

#define IDS "string_agg(id::VARCHAR, ' ' ORDER BY id)"
static const char *const plain[][2] = {{"id", "long"}, {"name", "string"}};

static void test_position_deletes_apply_to_the_named_file_up_to_their_commit(void **state)
{
    struct fixture *f = *state;
    struct data_file *files;
    create(f, plain, 2, "");
    append(f, "SELECT i AS id, 'n' AS name FROM range(5) r(i)", &files);
    append(f, "SELECT i AS id, 'n' AS name FROM range(10, 13) r(i)", NULL);
    const struct str sql =
        arena_printf(f->arena, "SELECT '%.*s' AS file_path, unnest([1, 3])::BIGINT AS pos",
                     STR_ARGS(files[0].path));
    commit_delete(f, "pos.parquet", sql.bytes,
                  (struct data_file){.content = CONTENT_POSITION_DELETES});
    assert_string_equal(read_table(f, 0, IDS), "0 2 4 10 11 12");
    assert_int_equal(scan_row_count(&f->table, 0, &(int64_t){0}, &f->err), RC_UNSUPPORTED);
    // The snapshot before the delete still has all rows.
    const int64_t before =
        metadata_parent(f->table.metadata, metadata_current_snapshot(f->table.metadata))
            ->snapshot_id;
    assert_string_equal(read_table(f, before, IDS), "0 1 2 3 4 10 11 12");
    int64_t rows;
    assert_int_equal(scan_row_count(&f->table, before, &rows, &f->err), RC_OK);
    assert_int_equal(rows, 8);
}

static void test_equality_deletes_spare_what_was_written_with_or_after_them(void **state)
{
    struct fixture *f = *state;
    static const int32_t name_id = 2;
    create(f, plain, 2, "");
    append(f, "SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, NULL)) AS v(id, name)", NULL);
    commit_delete(f, "eq.parquet", "SELECT unnest(['a', NULL]) AS name",
                  (struct data_file){.content = CONTENT_EQUALITY_DELETES,
                                     .equality_ids = &name_id,
                                     .equality_id_count = 1});
    append(f, "SELECT * FROM (VALUES (4, 'a'), (5, NULL)) AS v(id, name)", NULL);
    assert_string_equal(read_table(f, 0, IDS), "2 4 5"); // NULL equals NULL
}

static void test_old_files_are_read_in_the_schema_of_today(void **state)
{
    struct fixture *f = *state;
    static const char *const columns[][2] = {{"id", "int"},
                                             {"who", "struct<a: int, b: string>"},
                                             {"many", "list<struct<x: int>>"},
                                             {"lookup", "map<string, struct<x: int>>"},
                                             {"price", "decimal(4, 2)"}};
    create(f, columns, 5, "");
    append(f,
           "SELECT 7 AS id, {'a': 1, 'b': 'q'} AS who, [{'x': 5}, NULL] AS many, "
           "MAP {'k': {'x': 6}} AS lookup, 1.25 AS price UNION ALL "
           "SELECT 8, NULL, NULL, NULL, NULL",
           NULL);
    struct schema_update *update = schema_update_open(f->arena, metadata_schema(f->table.metadata),
                                                      f->table.metadata->last_column_id, 2);
    const struct schema_add_options none = {0};
    need(f, schema_update_rename(update, STR("who.a"), STR("alpha"), &f->err));
    need(f,
         schema_update_add(update, STR("who"), STR("fresh"), type_of(TYPE_STRING), none, &f->err));
    need(f, schema_update_rename(update, STR("many.element.x"), STR("y"), &f->err));
    need(f, schema_update_rename(update, STR("lookup.value.x"), STR("z"), &f->err));
    need(f, schema_update_widen(update, STR("id"), type_of(TYPE_LONG), &f->err));
    need(f, schema_update_widen(update, STR("price"), type_decimal(9, 2), &f->err));
    need(f, schema_update_rename(update, STR("id"), STR("key"), &f->err));
    need(f, schema_update_add(update, STR(""), STR("id"), type_of(TYPE_STRING), none, &f->err));
    struct schema schema;
    int32_t last;
    struct transaction *tx;
    need(f, schema_update_finish(update, &schema, &last, &f->err));
    need(f, transaction_open(f->arena, &f->table, &tx, &f->err));
    need(f, transaction_update_schema(tx, &schema, last, &f->err));
    need(f, catalog_commit(f->catalog, &tx, 1, &f->err));
    reload(f);
    // A new column of an old name is not the old column.
    append(f, "SELECT 9 AS key, 'new' AS id", NULL);
    assert_string_equal(
        read_table(f, 0, "string_agg(key::VARCHAR || coalesce(id, '-'), ' ' ORDER BY key)"),
        "7- 8- 9new");
    assert_string_equal(
        read_table(f, 0,
                   "string_agg(coalesce(who::VARCHAR, 'null') || coalesce(many::VARCHAR, 'null') "
                   "|| coalesce(lookup::VARCHAR, 'null'), ' / ' ORDER BY key)"),
        "{'alpha': 1, 'b': q, 'fresh': NULL}[{'y': 5}, NULL]{k={'z': 6}} / nullnullnull / "
        "nullnullnull");
    assert_string_equal(read_table(f, 0, "any_value(typeof(price) || typeof(key))"),
                        "DECIMAL(9,2)BIGINT");
    // An old snapshot is read with its own schema.
    assert_string_equal(
        read_table(f,
                   metadata_parent(f->table.metadata, metadata_current_snapshot(f->table.metadata))
                       ->snapshot_id,
                   "any_value(typeof(who))"),
        "STRUCT(a INTEGER, b VARCHAR)");
}

static void test_an_empty_table_has_its_columns_and_no_row(void **state)
{
    struct fixture *f = *state;
    create(f, plain, 2, "");
    assert_string_equal(read_table(f, 0, "count(*) || '' || count(id) || count(name)"), "000");
    struct scan_sql_options options = {.columns = &STR("nope"), .column_count = 1};
    struct str sql;
    assert_int_equal(scan_sql(&f->table, f->arena, &options, &sql, NULL, &f->err), RC_NOT_FOUND);
}

static size_t planned_files(struct fixture *f, enum predicate_kind kind, const char *column,
                            struct value value)
{
    const struct predicate predicate = {
        .kind = kind,
        .field_id = schema_field_by_name(metadata_schema(f->table.metadata), str_of(column))->id,
        .values = &value,
        .value_count = 1};
    struct scan_plan plan;
    need(f, scan_plan(&f->table, f->arena, &(struct scan_options){.predicate = &predicate}, &plan,
                      &f->err));
    return plan.file_count;
}

static void test_files_that_cannot_match_are_left_out(void **state)
{
    struct fixture *f = *state;
    static const char *const columns[][2] = {
        {"id", "long"}, {"at", "timestamptz"}, {"real", "double"}};
    create(f, columns, 3, "month(at)");
    append(f,
           "SELECT i AS id, TIMESTAMPTZ '2020-01-10 00:00:00+00' + to_months(i::INTEGER) AS at, "
           "i::DOUBLE AS real FROM range(6) r(i)",
           NULL);
    append(f, "SELECT 100 AS id, NULL AS at, 'nan'::DOUBLE AS real", NULL);
    const struct value march =
        value_int(TYPE_TIMESTAMPTZ, INT64_C(1583798400) * 1000000); // 2020-03-10
    static const struct {
        enum predicate_kind kind;
        size_t by_time, by_id; // files left, of 7; ids 0 to 5 and 100 are asked for 2
    } cases[] = {{PREDICATE_EQUAL, 1, 1},
                 {PREDICATE_LESS, 2, 2},
                 {PREDICATE_LESS_OR_EQUAL, 3, 3},
                 {PREDICATE_GREATER, 4, 4},
                 {PREDICATE_GREATER_OR_EQUAL, 4, 5},
                 {PREDICATE_NOT_EQUAL, 6, 7}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t by_time = planned_files(f, cases[i].kind, "at", march);
        const size_t by_id = planned_files(f, cases[i].kind, "id", value_int(TYPE_LONG, 2));
        // Open ends may keep the file that holds the end itself; never fewer than match.
        assert_in_range(by_time, cases[i].by_time, cases[i].by_time + 1);
        assert_in_range(by_id, cases[i].by_id, cases[i].by_id + 1);
    }
    assert_int_equal(planned_files(f, PREDICATE_IS_NULL, "at", march), 1);
    // NaN is above every number to the engine, and no bound tells of it.
    const struct value many = {.type = TYPE_DOUBLE, .real = 50};
    assert_true(planned_files(f, PREDICATE_GREATER, "real", many) >= 1);
}

static void test_a_file_that_is_gone_is_explained(void **state)
{
    struct fixture *f = *state;
    struct data_file *files;
    struct str sql;
    create(f, plain, 2, "");
    append(f, "SELECT 1 AS id, 'a' AS name", &files);
    assert_int_equal(store_remove(f->store, files[0].path, &f->err), RC_OK);
    assert_int_equal(scan_sql(&f->table, f->arena, NULL, &sql, NULL, &f->err), RC_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "table n.t"));
    assert_non_null(strstr(f->err.hint, "roll back"));
    assert_int_equal(scan_plan(&f->table, f->arena, &(struct scan_options){.snapshot_id = 17},
                               &(struct scan_plan){0}, &f->err),
                     RC_NOT_FOUND);
}

static void put_little(unsigned char *to, uint64_t number, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = (unsigned char)(number >> (8 * i));
}

static void test_deletion_vectors_are_decoded_and_damage_is_seen(void **state)
{
    struct fixture *f = *state;
    // One bitmap below position 2^33 with an array container: positions 1, 5 and 2^32 + 65536 + 7.
    static const unsigned char vector[] = {
        2,  0, 0, 0, 0,    0,    0, 0,                         // two bitmaps
        0,  0, 0, 0, 0x3a, 0x30, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, // key 0: 1 container, 2 values
        16, 0, 0, 0, 1,    0,    5, 0,                         // offset, values
        1,  0, 0, 0, 0x3b, 0x30, 0, 0, 1, 1, 0, 0, 0, 1, 0, 7, 0, 0, 0}; // key 1: a run
    unsigned char blob[sizeof vector + 12] = {0, 0, 0, 0, 0xD1, 0xD3, 0x39, 0x64};
    blob[3] = sizeof vector + 4;
    memcpy(blob + 8, vector, sizeof vector);
    const uint32_t crc = hash_crc32(0, blob + 4, sizeof vector + 4);
    put_little(blob + 8 + sizeof vector, __builtin_bswap32(crc), 4);
    int64_t *positions;
    size_t count;
    const struct str whole = {(const char *)blob, sizeof blob};
    need(f, deletion_vector_decode(f->arena, whole, "x", &positions, &count, &f->err));
    assert_int_equal(count, 3);
    assert_int_equal(positions[0], 1);
    assert_int_equal(positions[1], 5);
    assert_true(positions[2] == INT64_C(4294967296) + 65536 + 7);
    for (size_t i = 0; i < sizeof blob; i++) { // every damaged byte and every cut is noticed
        unsigned char bad[sizeof blob];
        memcpy(bad, blob, sizeof blob);
        bad[i] ^= 0x40;
        assert_int_equal(deletion_vector_decode(f->arena,
                                                (struct str){(const char *)bad, sizeof bad}, "x",
                                                &positions, &count, &f->err),
                         RC_CORRUPT);
        assert_int_equal(deletion_vector_decode(f->arena, str_slice(whole, 0, i), "x", &positions,
                                                &count, &f->err),
                         RC_CORRUPT);
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_position_deletes_apply_to_the_named_file_up_to_their_commit),
        CASE(test_equality_deletes_spare_what_was_written_with_or_after_them),
        CASE(test_old_files_are_read_in_the_schema_of_today),
        CASE(test_an_empty_table_has_its_columns_and_no_row),
        CASE(test_files_that_cannot_match_are_left_out),
        CASE(test_a_file_that_is_gone_is_explained),
        CASE(test_deletion_vectors_are_decoded_and_damage_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
