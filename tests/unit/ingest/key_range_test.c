// What ingest/key_range.h promises: a file is left out only when its bounds show that it holds none
// of the keys.

#include "unit_test.h"

#include "iceberg/predicate.h"
#include "ingest/key_range.h"

enum { ID = 1, NAME = 2, AT = 3, RATIO = 4, DAY = 5 };

struct fixture {
    struct arena *arena;
    struct duck_connection *connection;
    struct schema schema;
    struct err err;
};

static int set_up(void **state)
{
    struct arena *arena = arena_open(NULL);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    static const struct {
        const char *name;
        enum type_id type;
    } columns[] = {{"id", TYPE_LONG},
                   {"name", TYPE_STRING},
                   {"at", TYPE_TIMESTAMPTZ},
                   {"ratio", TYPE_DOUBLE},
                   {"day", TYPE_DATE}};
    enum { COUNT = sizeof columns / sizeof columns[0] };
    struct field *fields = ARENA_ARRAY(arena, struct field, COUNT);
    for (int i = 0; i < COUNT; i++)
        fields[i] = (struct field){
            .id = i + 1, .name = str_of(columns[i].name), .type = type_of(columns[i].type)};
    f->arena = arena;
    f->schema.root = type_struct(fields, COUNT);
    struct duck *duck;
    assert_int_equal(duck_open(arena, &(struct duck_options){.threads = 1}, &duck, &f->err), RC_OK);
    assert_int_equal(duck_connect(duck, arena, &f->connection, &f->err), RC_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    arena_close(((struct fixture *)*state)->arena);
    return 0;
}

/// Bounds of one column as a manifest has them; NULL = none.
struct bounds {
    int32_t field_id;
    const char *lower, *upper; // as a person writes them
};

static struct column_bound bound_of(struct fixture *f, int32_t field_id, const char *text)
{
    const struct type *type = &f->schema.root.fields[field_id - 1].type;
    struct value value;
    assert_int_equal(value_parse_text(f->arena, type, str_of(text), &value, &f->err), RC_OK);
    return (struct column_bound){field_id, value_encode(f->arena, value)};
}

/// Whether a file with these bounds is read for the keys in `rows`, as VALUES lists them.
static bool is_read(struct fixture *f, const char *rows, const char *const *names,
                    size_t name_count, const struct bounds *bounds, size_t bound_count,
                    bool is_null)
{
    struct data_file file = {.record_count = 10};
    struct column_bound lower[4], upper[4];
    for (size_t i = 0; i < bound_count; i++) {
        if (bounds[i].lower != NULL)
            lower[file.lower_bounds.count++] = bound_of(f, bounds[i].field_id, bounds[i].lower);
        if (bounds[i].upper != NULL)
            upper[file.upper_bounds.count++] = bound_of(f, bounds[i].field_id, bounds[i].upper);
    }
    file.lower_bounds.items = lower;
    file.upper_bounds.items = upper;
    file.lower_bounds.is_set = file.upper_bounds.is_set = true;
    const struct column_count tens[] = {{ID, 10}, {NAME, 10}};
    if (is_null) // ten values, ten of them NULL
        file.value_counts = file.null_value_counts = (struct column_counts){tens, 2, true};
    struct str columns[2], quoted[2];
    for (size_t i = 0; i < name_count; i++) {
        columns[i] = str_of(names[i]);
        quoted[i] = duck_quote_identifier(f->arena, columns[i]);
    }
    const struct str list = str_join(f->arena, quoted, name_count, STR(", "));
    const struct str view = arena_printf(
        f->arena, "CREATE OR REPLACE TEMP VIEW keys AS SELECT * FROM (VALUES %s) AS t(%.*s) %s",
        rows[0] != '\0' ? rows : "(1)", STR_ARGS(list), rows[0] != '\0' ? "" : "WHERE false");
    assert_int_equal(duck_execute(f->connection, view, NULL, NULL, &f->err), RC_OK);
    struct predicate predicate;
    assert_int_equal(key_range_of(f->connection, f->arena, &f->schema, STR("keys"), columns,
                                  name_count, &predicate, &f->err),
                     RC_OK);
    return predicate_may_match_metrics(&predicate, &f->schema, &file);
}

#define FROM_10_TO_20 "(20::BIGINT), (10), (15)"
#define FROM_B_TO_D "('b'), ('d')"
#define PAIRS "(10::BIGINT, 'b'), (20, 'd')"

static void test_a_file_is_left_out_only_when_its_bounds_show_that_it_has_no_key(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *what, *rows, *names[2];
        struct bounds bounds[2];
        bool is_null, is_read;
    } cases[] = {
        {"below the keys", FROM_10_TO_20, {"id"}, {{ID, "-5", "9"}}, false, false},
        {"above the keys", FROM_10_TO_20, {"id"}, {{ID, "21", "99"}}, false, false},
        {"touching the smallest", FROM_10_TO_20, {"id"}, {{ID, "-5", "10"}}, false, true},
        {"touching the largest", FROM_10_TO_20, {"id"}, {{ID, "20", "99"}}, false, true},
        {"around all keys", FROM_10_TO_20, {"id"}, {{ID, "1", "99"}}, false, true},
        {"between the keys", FROM_10_TO_20, {"id"}, {{ID, "12", "13"}}, false, true},
        {"no bounds", FROM_10_TO_20, {"id"}, {{0}}, false, true},
        {"only a lower bound, too high", FROM_10_TO_20, {"id"}, {{ID, "21", NULL}}, false, false},
        {"only a lower bound", FROM_10_TO_20, {"id"}, {{ID, "3", NULL}}, false, true},
        {"only an upper bound, too low", FROM_10_TO_20, {"id"}, {{ID, NULL, "9"}}, false, false},
        {"only NULLs", FROM_10_TO_20, {"id"}, {{0}}, true, false},
        {"texts below", FROM_B_TO_D, {"name"}, {{NAME, "a", "azz"}}, false, false},
        {"bytes, not a language's order", FROM_B_TO_D, {"name"}, {{NAME, "B", "D"}}, false, false},
        {"beyond ASCII is above",
         FROM_B_TO_D,
         {"name"},
         {{NAME, "\xC3\xA4", "\xC3\xBC"}},
         false,
         false},
        {"a cut lower bound",
         "('https://www.chess.com/1')",
         {"name"},
         {{NAME, "https://www.ches", "https://www.chet"}},
         false,
         true},
        {"a cut upper bound below",
         "('https://www.chet/1')",
         {"name"},
         {{NAME, "https://www.ches", "https://www.chet"}},
         false,
         false},
        {"a key equal to a cut upper bound",
         "('https://www.chet')",
         {"name"},
         {{NAME, "https://www.ches", "https://www.chet"}},
         false,
         true},
        {"both columns overlap",
         PAIRS,
         {"id", "name"},
         {{ID, "1", "10"}, {NAME, "d", "z"}},
         false,
         true},
        {"one column is apart",
         PAIRS,
         {"id", "name"},
         {{ID, "1", "10"}, {NAME, "e", "z"}},
         false,
         false},
        {"one column has no bounds", PAIRS, {"id", "name"}, {{ID, "1", "10"}}, false, true},
        {"one without bounds, one apart", PAIRS, {"id", "name"}, {{NAME, "e", "z"}}, false, false},
        {"NULL among the keys", "(10::BIGINT), (NULL)", {"id"}, {{ID, "11", "20"}}, false, false},
        {"nothing but NULL keys", "(NULL::BIGINT)", {"id"}, {{ID, "1", "2"}}, false, true},
        {"no keys at all", "", {"id"}, {{ID, "1", "2"}}, false, false},
        {"times apart",
         "(TIMESTAMPTZ '2024-05-01 12:00:00Z')",
         {"at"},
         {{AT, "2024-05-01T12:00:00.000001+00:00", "2024-06-01T00:00:00+00:00"}},
         false,
         false},
        {"times that touch",
         "(TIMESTAMPTZ '2024-05-01 12:00:00Z')",
         {"at"},
         {{AT, "2024-05-01T12:00:00+00:00", "2024-06-01T00:00:00+00:00"}},
         false,
         true},
        {"days apart",
         "(DATE '2024-05-01')",
         {"day"},
         {{DAY, "2024-05-02", "2024-06-01"}},
         false,
         false},
        {"floating point is not ordered here",
         "(0.0::DOUBLE)",
         {"ratio"},
         {{RATIO, "-2.0", "-1.0"}},
         false,
         true},
        {"keys of another type than the column", "('7')", {"id"}, {{ID, "10", "20"}}, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t names = cases[i].names[1] != NULL ? 2 : 1;
        size_t bounds = 0;
        while (bounds < 2 && cases[i].bounds[bounds].field_id != 0)
            bounds++;
        if (is_read(f, cases[i].rows, cases[i].names, names, cases[i].bounds, bounds,
                    cases[i].is_null) != cases[i].is_read)
            fail_msg("%s: expected %s", cases[i].what, cases[i].is_read ? "read" : "left out");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_file_is_left_out_only_when_its_bounds_show_that_it_has_no_key, set_up,
            tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
