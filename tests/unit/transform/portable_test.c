// What transform/portable.h promises: DuckDB's own SQL is named where it stands, the rest is left
// in peace.

#include "unit_test.h"

#include "base/arena.h"
#include "transform/portable.h"

static portable_problem_vec found_in(struct arena *arena, const char *sql)
{
    portable_problem_vec found = {0};
    portable_find(arena, str_of(sql), &found);
    return found;
}

static void test_sql_of_duckdb_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *what;
    } cases[] = {
        {"select a::int", "the cast ::"},
        {"select {{ x }}::int", "the cast ::"},
        {"select STRING_AGG (a, ',')", "the function string_agg"},
        {"select * exclude (a) from t", "* EXCLUDE"},
        {"select a from t qualify row_number() over () = 1", "QUALIFY"},
        {"select a, count(*) from t group by all", "GROUP BY ALL or ORDER BY ALL"},
        {"select 1 union all by name select 2", "UNION BY NAME"},
        {"select [1, 2]", "a list literal [...]"},
        {"select f([1])", "a list literal [...]"},
        {"select {'a': 1}", "a struct literal {...}"},
        {"select 1 limit 2 offset 3", "LIMIT before OFFSET"},
        {"select now() - interval 3 day", "an interval without quotes"},
        {"select cast(a as text)", "the type text"},
        {"select a // b", "the integer division //"},
        {"select a ->> '$.b'", "the JSON arrow ->>"},
        {"select md5(a)", "the function md5"},
        {"{% macro m() %}len(x){% endmacro %}", "the function len"},
        {"from t semi join u on true", "SEMI JOIN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = arena_open(NULL);
        const portable_problem_vec found = found_in(arena, cases[i].sql);
        assert_int_equal(found.count, 1);
        assert_string_equal(arena_cstr(arena, found.items[0].what), cases[i].what);
        assert_true(found.items[0].instead.length > 0);
        arena_close(arena);
    }
}

static void test_sql_that_carries_over_is_left_in_peace(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "select a[1], m['k'], f(x)[2], array[1, 2], {{ x }}[1] from t",
        "-- string_agg(x)\nselect 'len(x)', \"left\" /* list(x) */",
        "select t.first, len from t order by name, by_name",
        "select interval '1' day, date_add('day', 1, d)",
        "select x -> x + 1, a / b, a - b > c, a || b, a >= b",
        "select lower(to_hex(md5(to_utf8(a))))",
        "{{ config(tags=['a', 'b'], meta={'k': 1}) }} select {{ [1, 2] | join(',') }}",
        "{% set l = [1] %}{# list(x) #} select 1 offset 3 limit 2",
        ("{% macro duckdb__m(x) %} string_agg(x) {% endmacro %}{%- macro default__m(x) -%} 1 {%- "
         "endmacro -%}"),
        "select cast(a as varchar), a as text from t",
        "select * from {{ ref('a') }} replace",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = arena_open(NULL);
        const portable_problem_vec found = found_in(arena, cases[i]);
        if (found.count > 0)
            print_message("%s: %.*s\n", cases[i], STR_ARGS(found.items[0].what));
        assert_int_equal(found.count, 0);
        arena_close(arena);
    }
}

static void test_places_are_those_of_the_file(void **state)
{
    (void)state;
    struct arena *arena = arena_open(NULL);
    const portable_problem_vec found =
        found_in(arena, "{{ config(\n  a=1\n) }}\nselect 'x\ny',\n  len(a)");
    assert_int_equal(found.count, 1);
    assert_int_equal(found.items[0].line, 6);
    assert_int_equal(found.items[0].column, 3);
    arena_close(arena);
}

static void test_broken_text_ends(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",     "{{",  "{% macro duckdb__x",    "'",    "\"", "/*", "{%", "{", "[", "::",
        "a ::", "{#x", "{% macro duckdb__x %}", "len(", "-"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = arena_open(NULL);
        (void)found_in(arena, cases[i]);
        arena_close(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sql_of_duckdb_is_named),
        cmocka_unit_test(test_sql_that_carries_over_is_left_in_peace),
        cmocka_unit_test(test_places_are_those_of_the_file),
        cmocka_unit_test(test_broken_text_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
