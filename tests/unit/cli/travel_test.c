#include "unit_test.h"

#include "cli/travel.h"

static void test_what_the_engine_cannot_parse_becomes_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *expected; // NULL = unchanged
    } cases[] = {
        {"SELECT * FROM n.t", NULL},
        {"SELECT * FROM n.t FOR VERSION AS OF 42", "SELECT * FROM \"n\".\"t@version=42\" AS \"t\""},
        {"select * from n.t for version as of 42 x where x.a = 1",
         "select * from \"n\".\"t@version=42\" x where x.a = 1"},
        {"SELECT * FROM n.t VERSION AS OF 'main' WHERE a = 1",
         "SELECT * FROM \"n\".\"t@version=main\" AS \"t\" WHERE a = 1"},
        {"SELECT * FROM t FOR SYSTEM_TIME AS OF TIMESTAMP '2020-01-01' AS old",
         "SELECT * FROM \"t@timestamp=2020-01-01\" AS old"},
        {"FROM n.t AT (VERSION => 42) JOIN n.u AT (TIMESTAMP => '2020') USING (id)",
         "FROM \"n\".\"t@version=42\" AS \"t\" JOIN \"n\".\"u@timestamp=2020\" AS \"u\" USING "
         "(id)"},
        {"SELECT * FROM a, n.t FOR VERSION AS OF 1, b",
         "SELECT * FROM a, \"n\".\"t@version=1\" AS \"t\", b"},
        {"SELECT * FROM \"my ns\".\"a\"\"b\" FOR VERSION AS OF 1",
         "SELECT * FROM \"my ns\".\"a\"\"b@version=1\" AS \"a\"\"b\""},
        {"SELECT * FROM n.t.snapshots", "SELECT * FROM \"n\".\"t$snapshots\" AS \"snapshots\""},
        {"SELECT * FROM n.t.files FOR VERSION AS OF 7 f",
         "SELECT * FROM \"n\".\"t$files@version=7\" f"},
        {"SELECT n.t.files FROM n.t", NULL},                      // a column
        {"SELECT a, n.t.files FROM n.t", NULL},                   // also behind a comma
        {"SELECT * FROM n.t version", NULL},                      // an alias
        {"SELECT 'FROM t FOR VERSION AS OF 1' FROM t", NULL},     // in a text
        {"SELECT 1 -- FROM t FOR VERSION AS OF 1\nFROM t", NULL}, // in a comment
        {"SELECT /* FROM t FOR VERSION AS OF 1 */ 1 FROM t", NULL},
        {"SELECT $$ FROM t FOR VERSION AS OF 1 $$ FROM t", NULL},
        {"SELECT * FROM t WHERE a IN (SELECT b FROM u FOR VERSION AS OF 3)",
         "SELECT * FROM t WHERE a IN (SELECT b FROM \"u@version=3\" AS \"u\")"},
        {"", NULL},
        {"SELECT * FROM", NULL},
        {"SELECT * FROM 'unclosed", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena = arena_open(NULL);
        struct str sql;
        struct err err;
        assert_int_equal(travel_rewrite(arena, str_of(cases[i].sql), &sql, &err), RC_OK);
        assert_string_equal(arena_cstr(arena, sql),
                            cases[i].expected != NULL ? cases[i].expected : cases[i].sql);
        arena_close(arena);
    }
}

static void test_a_broken_clause_is_named(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "SELECT * FROM t FOR VERSION AS OF now()", "SELECT * FROM t FOR VERSION 3",
        "SELECT * FROM t AT (VERSION 3)",          "SELECT * FROM t AT (VERSION => 3",
        "SELECT * FROM t FOR TIMESTAMP AS OF",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena = arena_open(NULL);
        struct str sql;
        struct err err;
        assert_int_equal(travel_rewrite(arena, str_of(cases[i]), &sql, &err), RC_INVALID);
        assert_true(err.hint[0] != '\0');
        arena_close(arena);
    }
}

static void test_names_are_taken_apart_again(void **state)
{
    (void)state;
    static const struct {
        const char *name, *table, *metadata, *at;
        enum travel_kind kind;
    } cases[] = {
        {"games", "games", "", "", TRAVEL_NONE},
        {"games@version=42", "games", "", "42", TRAVEL_VERSION},
        {"games@timestamp=2020-01-01", "games", "", "2020-01-01", TRAVEL_TIMESTAMP},
        {"games$files@version=main", "games", "files", "main", TRAVEL_VERSION},
        {"games$snapshots", "games", "snapshots", "", TRAVEL_NONE},
        {"a$b", "a$b", "", "", TRAVEL_NONE},
        {"a@b", "a@b", "", "", TRAVEL_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct travel_name name = travel_split(str_of(cases[i].name));
        assert_true(str_is(name.table, cases[i].table));
        assert_true(str_is(name.metadata, cases[i].metadata));
        assert_true(str_is(name.at, cases[i].at));
        assert_int_equal(name.kind, cases[i].kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_engine_cannot_parse_becomes_a_name),
        cmocka_unit_test(test_a_broken_clause_is_named),
        cmocka_unit_test(test_names_are_taken_apart_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
