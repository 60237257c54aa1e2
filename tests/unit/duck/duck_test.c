#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "duck/duck.h"

struct fixture {
    struct arena *arena;
    struct duck *duck;
    struct duck_connection *connection;
    struct err err;
};

static struct fixture *open_fixture(const struct duck_options *options)
{
    struct arena *arena = arena_open(NULL);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    f->arena = arena;
    const rc result = duck_open(arena, options, &f->duck, &f->err);
    if (result != RC_OK)
        fail_msg("%s", f->err.message);
    assert_int_equal(duck_connect(f->duck, arena, &f->connection, &f->err), RC_OK);
    return f;
}

static int set_up(void **state)
{
    *state = open_fixture(&(struct duck_options){.memory_bytes = 256 << 20, .threads = 2});
    return 0;
}

static int tear_down(void **state)
{
    arena_close(((struct fixture *)*state)->arena);
    return 0;
}

static struct duck_rows query(struct fixture *f, const char *sql)
{
    struct duck_rows rows = {0};
    if (duck_query(f->connection, f->arena, str_of(sql), NULL, &rows, &f->err) != RC_OK)
        fail_msg("%s: %s", sql, f->err.message);
    return rows;
}

static void test_values_have_the_text_that_duckdb_prints(void **state)
{
    struct fixture *f = *state;
    // The engine's own cast is the judge.
    static const char *const expressions[] = {
        "true",
        "127::TINYINT",
        "(-32768)::SMALLINT",
        "2147483647",
        "(-9223372036854775808)::BIGINT",
        "255::UTINYINT",
        "4294967295::UINTEGER",
        "18446744073709551615::UBIGINT",
        "170141183460469231731687303715884105727::HUGEINT",
        "(-170141183460469231731687303715884105727)::HUGEINT",
        "1.10::DECIMAL(4,2)",
        "(-0.05)::DECIMAL(9,2)",
        "0::DECIMAL(18,3)",
        "(-12345678901234567890.123456789)::DECIMAL(38,9)",
        "0.1::FLOAT",
        "1::DOUBLE",
        "0.1::DOUBLE + 0.2::DOUBLE",
        "-1e300::DOUBLE",
        "1e-7::DOUBLE",
        "DATE '2017-12-01'",
        "DATE '1969-12-31'",
        "DATE '0001-01-01'",
        "DATE '9999-12-31'",
        "DATE '0044-03-15 (BC)'",
        "TIME '22:31:08.5'",
        "TIMESTAMP '2017-12-01 10:00:00'",
        "TIMESTAMP '1969-12-31 23:59:59.000001'",
        "TIMESTAMPTZ '2017-12-01 10:00:00.25+02'",
        "TIMESTAMP_NS '2017-12-01 10:00:00.123456789'",
        "TIMESTAMP_MS '2017-12-01 10:00:00.120'",
        "TIMESTAMP_S '2017-12-01 10:00:00'",
        "'na\xc3\xafve, longer than twelve bytes'",
        "''",
        "UUID 'f79c3e09-677c-4bbd-a479-3f349cb785e7'",
        "UUID '00000000-0000-0000-0000-000000000000'",
        "INTERVAL '14 months 3 days'",
        "INTERVAL '-1 day 04:05:06.7'",
        "INTERVAL '0 days'",
        "'b'::ENUM('a', 'b')",
    };
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        const struct str sql = arena_printf(f->arena, "SELECT %s AS v, CAST(%s AS VARCHAR) AS t",
                                            expressions[i], expressions[i]);
        const struct duck_rows rows = query(f, sql.bytes);
        assert_int_equal(rows.row_count, 1);
        assert_string_equal(arena_cstr(f->arena, duck_cell(&rows, 0, 0)->text),
                            arena_cstr(f->arena, duck_cell(&rows, 0, 1)->text));
    }
}

static void test_nested_values_are_json(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sql, *expected, *type;
    } cases[] = {
        {"[1, NULL, 3]", "[1,null,3]", "INTEGER[]"},
        {"[1, 2]::INTEGER[2]", "[1,2]", "INTEGER[2]"},
        {"{'a': 1, 'b \"c': 'x\ny'}", "{\"a\":1,\"b \\\"c\":\"x\\ny\"}",
         "STRUCT(\"a\" INTEGER, \"b \"\"c\" VARCHAR)"},
        {"MAP {'k': [DATE '2020-01-02']}", "{\"k\":[\"2020-01-02\"]}", "MAP(VARCHAR, DATE[])"},
        {"MAP {1: 'x'}", "[{\"key\":1,\"value\":\"x\"}]", "MAP(INTEGER, VARCHAR)"},
        {"[{'x': 1.50::DECIMAL(4,2)}, NULL]", "[{\"x\":1.50},null]", NULL},
        {"['nan'::DOUBLE, 1.5::DOUBLE]", "[\"nan\",1.5]", NULL},
        {"['\\x00\\xFF'::BLOB]", "[\"\\\\x00\\\\xFF\"]", NULL},
        {"[]::INTEGER[]", "[]", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct duck_rows rows =
            query(f, arena_printf(f->arena, "SELECT %s", cases[i].sql).bytes);
        assert_int_equal(rows.columns[0].kind, DUCK_NESTED);
        assert_string_equal(arena_cstr(f->arena, duck_cell(&rows, 0, 0)->text), cases[i].expected);
        if (cases[i].type != NULL)
            assert_string_equal(arena_cstr(f->arena, rows.columns[0].type), cases[i].type);
    }
}

static void test_rows_of_all_chunks_come_in_order_with_nulls(void **state)
{
    struct fixture *f = *state;
    const struct duck_rows rows =
        query(f, "SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE 'v' || i END AS t, [i, i] AS l "
                 "FROM range(5000) r(i) ORDER BY i");
    assert_int_equal(rows.row_count, 5000);
    for (size_t row = 0; row < rows.row_count; row++) {
        assert_int_equal(duck_cell(&rows, row, 0)->integer, row);
        assert_int_equal(duck_cell(&rows, row, 1)->is_null, row % 3 == 0);
        const struct str list = arena_printf(f->arena, "[%zu,%zu]", row, row);
        assert_true(str_equal(duck_cell(&rows, row, 2)->text, list));
    }
}

static void test_streams_give_every_row_and_end(void **state)
{
    struct fixture *f = *state;
    struct duck_stream *stream;
    assert_int_equal(duck_stream_open(f->connection, f->arena, STR("FROM range(100000) r(i)"), NULL,
                                      &stream, &f->err),
                     RC_OK);
    size_t columns;
    assert_true(str_is(duck_stream_columns(stream, &columns)[0].name, "i"));
    assert_int_equal(columns, 1);
    struct duck_rows rows;
    int64_t sum = 0;
    rc result;
    while ((result = duck_stream_next(stream, &rows, &f->err)) == RC_OK)
        for (size_t i = 0; i < rows.row_count; i++)
            sum += duck_cell(&rows, i, 0)->integer;
    assert_int_equal(result, RC_EOF);
    assert_true(sum == 4999950000);
    duck_stream_close(stream);
}

static void test_parameters_are_bound_by_kind(void **state)
{
    struct fixture *f = *state;
    const struct duck_value values[] = {
        {.kind = DUCK_BOOL, .boolean = true},       duck_int(INT64_MIN),
        {.kind = DUCK_DOUBLE, .real = 0.1},         {.kind = DUCK_DATE, .integer = 17501},
        {.kind = DUCK_TIMESTAMPTZ, .integer = -1},  duck_text((struct str){"it's \0 NUL", 10}),
        {.kind = DUCK_BLOB, .text = {"\0\xff", 2}}, {.kind = DUCK_TEXT, .is_null = true},
    };
    struct duck_rows rows;
    assert_int_equal(duck_query(f->connection, f->arena, STR("SELECT ?, ?, ?, ?, ?, ?, ?, ?"),
                                &(struct duck_params){values, 8}, &rows, &f->err),
                     RC_OK);
    static const char *const expected[] = {"true", "-9223372036854775808", "0.1", "2017-12-01",
                                           "1969-12-31 23:59:59.999999+00"};
    for (size_t i = 0; i < 5; i++)
        assert_true(str_is(duck_cell(&rows, 0, i)->text, expected[i]));
    assert_true(str_equal(duck_cell(&rows, 0, 5)->text, values[5].text));
    assert_true(str_equal(duck_cell(&rows, 0, 6)->text, values[6].text));
    assert_true(duck_cell(&rows, 0, 7)->is_null);

    assert_int_equal(duck_query(f->connection, f->arena, STR("SELECT ?"), NULL, &rows, &f->err),
                     RC_INVALID);
}

static void test_errors_have_their_class_and_duckdbs_words(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sql;
        rc code;
        const char *words;
    } cases[] = {
        {"SELEC 1", RC_INVALID, "syntax error at or near \"SELEC\""},
        {"SELECT nope FROM range(3)", RC_INVALID, "nope"},
        {"SELECT * FROM nowhere", RC_NOT_FOUND, "nowhere does not exist"},
        {"SELECT CAST('x' AS INTEGER)", RC_INVALID, "'x'"},
        {"SELECT * FROM read_parquet('/none/x.parquet')", RC_NOT_FOUND, "/none/x.parquet"},
        {"SELECT 1; SELECT 2", RC_INVALID, "multiple"},
        {"SET threads=1", RC_INVALID, "locked"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct duck_rows rows;
        assert_int_equal(
            duck_query(f->connection, f->arena, str_of(cases[i].sql), NULL, &rows, &f->err),
            cases[i].code);
        assert_non_null(strstr(f->err.message, cases[i].words));
    }
    struct duck_rows rows;
    assert_int_equal(
        duck_query(f->connection, f->arena, STR("SELECT 1,\n  nope"), NULL, &rows, &f->err),
        RC_INVALID);
    assert_non_null(strstr(f->err.message, "LINE 2:   nope\n"));
    assert_non_null(strstr(f->err.message, "^"));
}

static void test_too_little_memory_is_a_limit(void **state)
{
    (void)state;
    struct fixture *f = open_fixture(&(struct duck_options){
        .memory_bytes = 33 << 20, .threads = 1, .temp_folder = STR("/proc")});
    struct duck_rows rows;
    assert_int_equal(duck_query(f->connection, f->arena,
                                STR("SELECT len(list(i)) FROM range(20000000) r(i)"), NULL, &rows,
                                &f->err),
                     RC_LIMIT);
    arena_close(f->arena);
}

static void test_a_closed_database_reads_only_what_is_allowed(void **state)
{
    (void)state;
    char folder[] = "/tmp/moulin-duck-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct arena *arena = arena_open(NULL);
    str_vec allowed = {0};
    static const char *const names[] = {"yes.csv", "no.csv"};
    for (size_t i = 0; i < 2; i++) {
        const struct str path = arena_printf(arena, "%s/%s", folder, names[i]);
        assert_int_equal(fs_write(path, STR("a\n1\n"), (struct fs_write_options){0}, NULL), RC_OK);
        if (i == 0)
            *vec_push(arena, &allowed) = path;
    }
    struct fixture *f =
        open_fixture(&(struct duck_options){.is_closed = true, .allowed_paths = &allowed});
    query(f, arena_printf(arena, "SELECT * FROM read_csv('%s/yes.csv')", folder).bytes);
    struct duck_rows rows;
    const struct str denied = arena_printf(arena, "SELECT * FROM read_csv('%s/no.csv')", folder);
    assert_int_equal(duck_query(f->connection, arena, denied, NULL, &rows, &f->err), RC_DENIED);
    assert_int_equal(duck_query(f->connection, arena, STR("SET enable_external_access=true"), NULL,
                                &rows, &f->err),
                     RC_INVALID);
    arena_close(f->arena);
    assert_int_equal(fs_remove_tree(str_of(folder), NULL), RC_OK);
    arena_close(arena);
}

static void test_statements_are_told_apart_without_running_them(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sql;
        rc code;
        enum duck_statement kind;
    } cases[] = {
        {"SELECT * FROM not_there", RC_OK, DUCK_STATEMENT_SELECT},
        {"  with x as (select 1) from x;", RC_OK, DUCK_STATEMENT_SELECT},
        {"VALUES (1)", RC_OK, DUCK_STATEMENT_SELECT},
        {"DESCRIBE not_there", RC_OK, DUCK_STATEMENT_SELECT},
        {"EXPLAIN SELECT 1", RC_OK, DUCK_STATEMENT_EXPLAIN},
        {"explain (format json) select 1", RC_OK, DUCK_STATEMENT_EXPLAIN},
        {"EXPLAIN ANALYZE DELETE FROM t", RC_OK, DUCK_STATEMENT_OTHER},
        {"EXPLAIN ANALYZE COPY (SELECT 1) TO 'x'", RC_OK, DUCK_STATEMENT_OTHER},
        {"INSERT INTO t VALUES (1)", RC_OK, DUCK_STATEMENT_OTHER},
        {"DROP TABLE t", RC_OK, DUCK_STATEMENT_OTHER},
        {"COPY t TO 'x'", RC_OK, DUCK_STATEMENT_OTHER},
        {"SET threads=1", RC_OK, DUCK_STATEMENT_OTHER},
        {"ATTACH 'x'", RC_OK, DUCK_STATEMENT_OTHER},
        {"SELECT 1; DROP TABLE t", RC_INVALID, 0},
        {"", RC_INVALID, 0},
        {"-- nothing", RC_INVALID, 0},
        {"SELECT FROM WHERE", RC_INVALID, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum duck_statement kind = DUCK_STATEMENT_OTHER;
        assert_int_equal(duck_statement_kind(f->connection, str_of(cases[i].sql), &kind, &f->err),
                         cases[i].code);
        if (cases[i].code == RC_OK)
            assert_int_equal(kind, cases[i].kind);
    }
}

static void test_tables_are_named_with_their_parts(void **state)
{
    struct fixture *f = *state;
    duck_table_names names;
    assert_int_equal(
        duck_tables_of(f->connection, f->arena,
                       STR("WITH c AS (SELECT * FROM landing.games) SELECT * FROM c JOIN "
                           "\"a.b\".\"q\"\"r\" ON true WHERE x IN (SELECT 1 FROM plain)"),
                       &names, &f->err),
        RC_OK);
    assert_int_equal(names.count, 3);
    size_t found = 0;
    for (size_t i = 0; i < names.count; i++) {
        const struct duck_table_name *name = &names.items[i];
        found += str_is(name->schema, "landing") && str_is(name->name, "games");
        found += str_is(name->schema, "a.b") && str_is(name->name, "q\"r");
        found += name->schema.length == 0 && str_is(name->name, "plain");
    }
    assert_int_equal(found, 3);
}

static void test_names_and_texts_survive_quoting(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"a", "it's", "say \"hi\"", "a;b--c", "", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct str text = str_of(texts[i]);
        const struct str alias = text.length > 0 ? text : STR("x");
        const struct str sql = arena_printf(f->arena, "SELECT %.*s AS %.*s",
                                            STR_ARGS(duck_quote_literal(f->arena, text)),
                                            STR_ARGS(duck_quote_identifier(f->arena, alias)));
        const struct duck_rows rows = query(f, sql.bytes);
        assert_true(str_equal(duck_cell(&rows, 0, 0)->text, text));
        assert_true(str_equal(rows.columns[0].name, alias));
    }
}

static void test_the_bucket_hash_is_that_of_the_format(void **state)
{
    struct fixture *f = *state;
    // Iceberg spec, appendix B.
    const struct duck_rows rows =
        query(f, "SELECT murmur3_32_long(34), murmur3_32_text('iceberg'), "
                 "murmur3_32_huge(1420), murmur3_32_long(17486), "
                 "murmur3_32_blob('\\x00\\x01\\x02\\x03'::BLOB), murmur3_32_text(NULL), "
                 "murmur3_32_blob(unhex('f79c3e09677c4bbda4793f349cb785e7'))");
    static const int64_t expected[] = {2017239379, 1210000089, -500754589, -653330422, -188683207};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(duck_cell(&rows, 0, i)->integer, expected[i]);
    assert_true(duck_cell(&rows, 0, 5)->is_null);
    assert_int_equal(duck_cell(&rows, 0, 6)->integer, 1488055340);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_values_have_the_text_that_duckdb_prints),
        CASE(test_nested_values_are_json),
        CASE(test_rows_of_all_chunks_come_in_order_with_nulls),
        CASE(test_streams_give_every_row_and_end),
        CASE(test_parameters_are_bound_by_kind),
        CASE(test_errors_have_their_class_and_duckdbs_words),
        CASE(test_statements_are_told_apart_without_running_them),
        CASE(test_tables_are_named_with_their_parts),
        CASE(test_names_and_texts_survive_quoting),
        CASE(test_the_bucket_hash_is_that_of_the_format),
        cmocka_unit_test(test_too_little_memory_is_a_limit),
        cmocka_unit_test(test_a_closed_database_reads_only_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
