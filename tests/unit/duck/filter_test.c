#include "unit_test.h"

#include <stdio.h>

#include "base/buf.h"
#include "duck/duck.h"

struct fixture {
    struct arena *arena;
    struct duck_connection *connection;
    struct err err;
};

static int set_up(void **state)
{
    struct arena *arena = arena_open(NULL);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    struct duck *duck;
    f->arena = arena;
    assert_int_equal(duck_open(arena, NULL, &duck, &f->err), RC_OK);
    assert_int_equal(duck_connect(duck, arena, &f->connection, &f->err), RC_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    arena_close(((struct fixture *)*state)->arena);
    return 0;
}

static void print(struct buf *to, const struct duck_filter *filter)
{
    static const char *const words[] = {
        "any", "and", "or", "=", "<>", "<", "<=", ">", ">=", "in", "starts", "null", "not null"};
    if (filter->column.length > 0)
        buf_printf(to, "%.*s ", STR_ARGS(filter->column));
    buf_append_cstr(to, words[filter->kind]);
    for (size_t i = 0; i < filter->value_count; i++)
        buf_printf(to, " %.*s", STR_ARGS(filter->values[i].text));
    for (size_t i = 0; i < filter->child_count; i++) {
        buf_append_cstr(to, i == 0 ? "(" : ", ");
        print(to, &filter->children[i]);
    }
    if (filter->child_count > 0)
        buf_append_byte(to, ')');
}

static void test_clauses_are_read_and_widened_where_not_understood(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *where, *expected;
    } cases[] = {
        {"a = 1", "a = 1"},
        {"5 < a", "a > 5"},
        {"t.a <> 'x'", "a <> x"},
        {"a BETWEEN 1 AND -2", "and(a >= 1, a <= -2)"},
        {"a IN (1, 2)", "a in 1 2"},
        {"a IS NULL OR a IS NOT NULL", "or(a null, a not null)"},
        {"a >= DATE '2020-01-01' AND b < 1.25", "and(a >= 2020-01-01, b < 1.25)"},
        {"a = true", "a = true"},
        {"a LIKE 'ab%c'", "a starts ab"},
        {"starts_with(a, 'q')", "a starts q"},
        {"a = 1 AND f(b) = 2", "and(a = 1)"}, // what is not understood is left out of AND
        {"a = 1 OR f(b) = 2", "any"},         // and makes all of OR unknown
        {"NOT (a = 1 AND b = 2)", "any"},
        {"a = b", "any"},
        {"a + 1 = 2", "any"},
        {"s.a = 1", "any"}, // a member of a struct
        {"a = NULL", "any"},
        {"a IN (1, b)", "any"},
        {"CAST(a AS INTEGER) = 1", "any"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct str sql = arena_printf(f->arena, "SELECT * FROM n.t WHERE %s", cases[i].where);
        const struct duck_table_name table = {.schema = STR("n"), .name = STR("t")};
        struct duck_filter filter;
        assert_int_equal(duck_filter_of(f->connection, f->arena, sql, &table, &filter, &f->err),
                         RC_OK);
        struct buf text;
        buf_init(&text, 10000);
        print(&text, &filter);
        assert_string_equal(arena_cstr(f->arena, buf_str(&text)), cases[i].expected);
        buf_done(&text);
    }
}

static void test_only_a_table_that_is_read_once_and_alone_is_filtered(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sql;
        bool is_filtered;
    } cases[] = {
        {"SELECT * FROM t WHERE a = 1", true},
        {"SELECT * FROM t x WHERE x.a = 1", true},
        {"SELECT count(*) FROM (SELECT * FROM t WHERE a = 1) q", true},
        {"WITH q AS (SELECT * FROM t WHERE a = 1) SELECT * FROM q", true},
        {"EXPLAIN SELECT * FROM t WHERE a = 1", false},
        {"SELECT * FROM t x WHERE t.a = 1", false},
        {"SELECT * FROM t WHERE a = 1 UNION ALL SELECT * FROM t", false},
        {"SELECT * FROM t WHERE a = 1 AND b IN (SELECT b FROM t)", false},
        {"SELECT * FROM t WHERE a = 1 UNION ALL SELECT * FROM T", false}, // names have no case
        {"SELECT * FROM t, u WHERE a = 1", false},
        {"SELECT * FROM t LEFT JOIN u USING (b) WHERE a = 1", false},
        {"SELECT * FROM u WHERE a = 1", false},
        {"SELECT * FROM t", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct duck_table_name table = {.name = STR("t")};
        struct duck_filter filter;
        assert_int_equal(
            duck_filter_of(f->connection, f->arena, str_of(cases[i].sql), &table, &filter, &f->err),
            RC_OK);
        assert_int_equal(filter.kind != DUCK_FILTER_ANY, cases[i].is_filtered);
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_clauses_are_read_and_widened_where_not_understood),
        CASE(test_only_a_table_that_is_read_once_and_alone_is_filtered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
