// What a run promises that must stop before it has read everything (ingest/load_partial.c): what
// its cursors pass over is committed, nothing else is, and with the runs that go on every row is
// there once. A source is a script of records and ends of units; each row of `scripts` is a run
// that stops, what is then landed, and what the next run was given.

#include "unit_test.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/runtime.h"
#include "iceberg/scan_sql.h"
#include "ingest/load.h"
#include "store/store.h"

enum { PARENT, CHILD, RESOURCES };

/// One call of the sink: a record {"id": id}, or the end of a unit.
struct step {
    int resource;
    int id;            // of the record; 0 = the unit ends
    const char *state; // with which it ends; NULL = none
    int copies; // of the record, with growing ids and much text, so that files are written; 0 = 1
};
enum { MAX_STEPS = 12 };

struct house {
    struct arena *arena;
    struct str folder;
    struct store *store;
    struct catalog *catalog;
    struct duck *duck;
    struct duck_connection *connection;
    struct source source;
    struct resource resources[RESOURCES];
    const struct step *steps;
    bool stops; // the time is over at the end of the script
    bool is_asked_to_stop;
    struct str seen[RESOURCES];
};

static rc give_records(struct house *house, const struct step *step, const struct record_sink *sink,
                       struct err *err)
{
    for (int i = 0; i < (step->copies > 0 ? step->copies : 1); i++) {
        struct arena *arena = arena_open(NULL);
        struct json record;
        char *padding = arena_alloc(arena, 2000);
        memset(padding, 'x', step->copies > 0 ? 1999 : 1);
        const struct str text =
            arena_printf(arena, "{\"id\":%d,\"kids\":[{\"of\":%d}],\"text\":\"%s\"}", step->id + i,
                         step->id + i, padding);
        rc code = json_parse(arena, text, "record", &record, err);
        if (code == RC_OK)
            code = sink->record(sink->ctx, &house->resources[step->resource], &record, err);
        arena_close(arena);
        TRY(code);
    }
    return RC_OK;
}

static rc run_script(struct source *source, const struct source_run *run,
                     const struct record_sink *sink, struct source_report *report, struct err *err)
{
    struct house *house = source->driver_data;
    for (int i = 0; i < RESOURCES; i++)
        house->seen[i] = run->states[i] != NULL
                             ? json_print(house->arena, run->states[i], JSON_COMPACT)
                             : STR("none");
    for (const struct step *step = house->steps; step->id != 0 || step->state != NULL; step++) {
        const struct resource *resource = &house->resources[step->resource];
        struct json state;
        if (step->id != 0) {
            TRY(give_records(house, step, sink, err));
            continue;
        }
        const bool has_state = step->state[0] == '{';
        if (has_state)
            TRY(json_parse(house->arena, str_of(step->state), "state", &state, err));
        TRY(sink->unit_end(sink->ctx, resource, has_state ? &state : NULL, err));
    }
    report->is_partial = house->stops;
    if (house->is_asked_to_stop) {
        runtime_request_stop();
        return runtime_check(err);
    }
    return RC_OK;
}

static void close_nothing(struct source *source)
{
    (void)source;
}

static const struct source_driver driver = {
    .type = "script", .run = run_script, .close = close_nothing};

static void open_house(struct house *house)
{
    char template[] = "/tmp/moulin-partial-XXXXXX";
    struct err err = {0};
    assert_non_null(mkdtemp(template));
    *house = (struct house){.arena = arena_open(NULL)};
    house->folder = arena_str(house->arena, str_of(template));
    house->store = store_open_posix(house->arena);
    const struct catalog_options options = {
        .type = STR("sql"),
        .uri = arena_printf(house->arena, "sqlite:///%.*s/catalog.db", STR_ARGS(house->folder)),
        .warehouse = arena_printf(house->arena, "file://%.*s", STR_ARGS(house->folder)),
        .store = house->store};
    assert_int_equal(catalog_open(&options, &house->catalog, &err), RC_OK);
    const struct duck_options duck = {.memory_bytes = 256 << 20, .threads = 2};
    assert_int_equal(duck_open(house->arena, &duck, &house->duck, &err), RC_OK);
    assert_int_equal(duck_connect(house->duck, house->arena, &house->connection, &err), RC_OK);
    for (int i = 0; i < RESOURCES; i++)
        house->resources[i] =
            (struct resource){.index = (size_t)i,
                              .name = i == PARENT ? STR("parents") : STR("children"),
                              .table_name = i == PARENT ? STR("parents") : STR("children"),
                              .write_disposition = WRITE_APPEND,
                              .max_table_nesting = -1,
                              .is_selected = true,
                              .keeps_state = true};
    house->resources[CHILD].parent = &house->resources[PARENT];
    house->source = (struct source){.driver = &driver,
                                    .arena = house->arena,
                                    .resources = house->resources,
                                    .resource_count = RESOURCES,
                                    .driver_data = house};
}

static void close_house(struct house *house)
{
    struct err err = {0};
    catalog_close(house->catalog);
    assert_int_equal(fs_remove_tree(house->folder, &err), RC_OK);
    arena_close(house->arena);
}

static rc load(struct house *house, const struct step *steps, bool stops, bool is_full_refresh,
               struct load_report *report, struct err *err)
{
    const struct load_options options = {
        .catalog = house->catalog,
        .store = house->store,
        .duck = house->duck,
        .warehouse = arena_printf(house->arena, "file://%.*s", STR_ARGS(house->folder)),
        .namespace_name = STR("landing"),
        .source_name = STR("s"),
        .source = &house->source,
        .stop_at_us = INT64_MAX, // the script says when
        .commits_when_stopped = true,
        .is_full_refresh = is_full_refresh};
    house->steps = steps;
    house->stops = stops;
    return load_run(house->arena, &options, report, err);
}

/// Number of rows, number of different ids, highest id; "" = there is no table.
static struct str landed(struct house *house, const char *name)
{
    struct err err = {0};
    struct table table;
    struct str sql;
    struct duck_rows rows;
    if (catalog_load_table(house->catalog, STR("landing"), str_of(name), house->arena, &table,
                           &err) != RC_OK)
        return STR("");
    assert_int_equal(
        scan_sql(&table, house->arena, &(struct scan_sql_options){0}, &sql, NULL, &err), RC_OK);
    const char *column = strstr(name, "__") != NULL ? "\"of\"" : "id";
    sql = arena_printf(house->arena,
                       "SELECT count(*) || '/' || count(DISTINCT %s) || '/' || "
                       "coalesce(max(%s), 0) FROM (%.*s)",
                       column, column, STR_ARGS(sql));
    if (duck_query(house->connection, house->arena, sql, NULL, &rows, &err) != RC_OK)
        fail_msg("%s", err.message);
    return duck_cell(&rows, 0, 0)->text;
}

static void assert_text(const char *what, struct str text, const char *expected)
{
    if (!str_is(text, expected))
        fail_msg("%s: expected '%s', found '%.*s'", what, expected, STR_ARGS(text));
}

static size_t parquet_files(struct house *house)
{
    struct err err = {0};
    const struct str out = arena_printf(house->arena, "%.*s/landing", STR_ARGS(house->folder));
    struct duck_rows rows;
    const struct str sql =
        arena_printf(house->arena, "SELECT count(*) FROM glob('%.*s/**/*.parquet')", STR_ARGS(out));
    assert_int_equal(duck_query(house->connection, house->arena, sql, NULL, &rows, &err), RC_OK);
    int64_t count = 0;
    assert_true(str_to_int64(duck_cell(&rows, 0, 0)->text, &count));
    return (size_t)count;
}

// Ends of units without a state are written "-".
static const struct {
    const char *name;
    bool has_stateless_child, has_stateless_parent, is_replaced;
    struct step steps[MAX_STEPS];
    rc code;
    const char *parents, *children; // landed: rows/ids/highest
    const char *parent_state, *child_state;
} scripts[] = {
    {.name = "a unit at hand is let go",
     .steps = {{PARENT, 1},
               {PARENT, 0, "{\"at\":1}"},
               {PARENT, 2},
               {PARENT, 0, "{\"at\":2}"},
               {PARENT, 3}},
     .parents = "2/2/2",
     .children = "",
     .parent_state = "{\"at\":2}",
     .child_state = "none"},
    {.name = "also when its rows are written to files with those of complete units",
     .steps = {{PARENT, 1, NULL, 900}, {PARENT, 0, "{\"at\":1}"}, {PARENT, 2000, NULL, 30000}},
     .parents = "900/900/900",
     .children = "",
     .parent_state = "{\"at\":1}",
     .child_state = "none"},
    {.name = "and when it fills many files after others were complete",
     .steps = {{PARENT, 1, NULL, 12000},
               {PARENT, 0, "{\"at\":1}"},
               {PARENT, 20000, NULL, 300},
               {PARENT, 0, "{\"at\":2}"},
               {PARENT, 40000, NULL, 17000}},
     .parents = "12300/12300/20299",
     .children = "",
     .parent_state = "{\"at\":2}",
     .child_state = "none"},
    {.name = "children without a cursor of their own go with their parents",
     .has_stateless_child = true,
     .steps = {{PARENT, 1},
               {CHILD, 11},
               {CHILD, 0, "-"},
               {PARENT, 0, "{\"at\":1}"},
               {PARENT, 2},
               {CHILD, 12},
               {CHILD, 0, "-"},
               {PARENT, 3},
               {CHILD, 13}},
     .parents = "1/1/1",
     .children = "1/1/11",
     .parent_state = "{\"at\":1}",
     .child_state = "none"},
    {.name = "children with a cursor are kept where their parents are not",
     .steps = {{PARENT, 1}, {CHILD, 11}, {CHILD, 0, "{\"at\":11}"}, {PARENT, 2}, {CHILD, 12}},
     .parents = "",
     .children = "1/1/11",
     .parent_state = "none",
     .child_state = "{\"at\":11}"},
    {.name = "a parent's cursor does not pass over children with a unit at hand",
     .steps = {{PARENT, 1},
               {CHILD, 11},
               {PARENT, 0, "{\"at\":1}"},
               {PARENT, 2},
               {CHILD, 12},
               {PARENT, 0, "{\"at\":2}"}},
     .code = RC_TIMEOUT,
     .parents = "",
     .children = "",
     .parent_state = "none",
     .child_state = "none"},
    {.name = "but it stays where it passed over whole ones",
     .steps = {{PARENT, 1},
               {PARENT, 0, "{\"at\":1}"},
               {PARENT, 2},
               {CHILD, 12},
               {PARENT, 0, "{\"at\":2}"}},
     .parents = "1/1/1",
     .children = "",
     .parent_state = "{\"at\":1}",
     .child_state = "none"},
    {.name = "what has no cursor waits for a whole run",
     .has_stateless_parent = true,
     .has_stateless_child = true,
     .steps = {{PARENT, 1}, {CHILD, 11}, {CHILD, 0, "-"}, {PARENT, 0, "-"}},
     .code = RC_TIMEOUT,
     .parents = "",
     .children = "",
     .parent_state = "none",
     .child_state = "none"},
    {.name = "what is replaced as a whole waits too, with its children",
     .has_stateless_child = true,
     .is_replaced = true,
     .steps = {{PARENT, 1}, {CHILD, 11}, {CHILD, 0, "-"}, {PARENT, 0, "{\"at\":1}"}},
     .code = RC_TIMEOUT,
     .parents = "",
     .children = "",
     .parent_state = "none",
     .child_state = "none"},
};

static void stop_at_the_end_of(size_t number, bool by_request)
{
    static const struct step nothing[] = {{0}};
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house);
    house.resources[PARENT].keeps_state = !scripts[number].has_stateless_parent;
    house.resources[CHILD].keeps_state = !scripts[number].has_stateless_child;
    if (scripts[number].is_replaced)
        house.resources[PARENT].write_disposition = WRITE_REPLACE;
    house.is_asked_to_stop = by_request;
    const rc code = load(&house, scripts[number].steps, !by_request, false, &report, &err);
    house.is_asked_to_stop = false;
    runtime_reset();
    assert_int_equal(code, by_request ? RC_INTERRUPTED : scripts[number].code);
    if (code == RC_OK)
        assert_int_equal(report.status, LOAD_PARTIAL);
    const char *name = scripts[number].name;
    assert_text(name, landed(&house, "s_parents"), scripts[number].parents);
    assert_text(name, landed(&house, "s_parents__kids"), scripts[number].parents);
    assert_text(name, landed(&house, "s_children"), scripts[number].children);
    // Nothing is left that no snapshot knows: one more run would remove what a dead one left.
    assert_int_equal(load(&house, nothing, false, false, &report, &err), RC_OK);
    assert_int_equal(report.reaped_files, 0);
    if (scripts[number].code != RC_OK)
        assert_int_equal(parquet_files(&house), 0);
    assert_text(name, house.seen[PARENT], scripts[number].parent_state);
    assert_text(name, house.seen[CHILD], scripts[number].child_state);
    close_house(&house);
}

static void a_run_out_of_time_commits_what_its_cursors_pass_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
        stop_at_the_end_of(i, false);
}

static void a_request_to_stop_commits_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
        stop_at_the_end_of(i, true);
}

static void the_next_run_goes_on_and_no_row_is_there_twice(void **state)
{
    (void)state;
    static const struct step first[] = {{PARENT, 1}, {PARENT, 0, "{\"at\":1}"}, {PARENT, 2}, {0}};
    static const struct step second[] = {
        {PARENT, 2}, {PARENT, 0, "{\"at\":2}"}, {PARENT, 3}, {PARENT, 0, "{\"at\":3}"}, {0}};
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house);
    assert_int_equal(load(&house, first, true, false, &report, &err), RC_OK);
    assert_int_equal(report.tables[0].read, 1); // the record at hand is not counted
    assert_int_equal(report.tables[0].inserted, 1);
    const struct str load_id = report.load_id;
    assert_int_equal(load(&house, second, false, false, &report, &err), RC_OK);
    assert_int_equal(report.status, LOAD_DONE);
    assert_false(str_equal(report.load_id, load_id));
    assert_text("both runs", landed(&house, "s_parents"), "3/3/3");
    assert_text("their children", landed(&house, "s_parents__kids"), "3/3/3");
    close_house(&house);
}

static void half_a_full_refresh_is_never_committed(void **state)
{
    (void)state;
    static const struct step steps[] = {{PARENT, 1}, {PARENT, 0, "{\"at\":1}"}, {0}};
    static const struct step again[] = {{PARENT, 5}, {PARENT, 0, "{\"at\":5}"}, {PARENT, 6}, {0}};
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house);
    // A merge needs no whole table, so only the rule itself stands in its way.
    house.resources[PARENT].write_disposition = WRITE_MERGE;
    *vec_push(house.arena, &house.resources[PARENT].primary_key) = STR("id");
    assert_int_equal(load(&house, steps, false, false, &report, &err), RC_OK);
    assert_int_equal(load(&house, again, true, true, &report, &err), RC_LIMIT);
    assert_text("the rows before", landed(&house, "s_parents"), "1/1/1");
    assert_int_equal(parquet_files(&house), 3); // of the first run: parents, kids, _dlt_loads
    close_house(&house);
}

static void two_resources_in_one_table_wait_for_a_whole_run(void **state)
{
    (void)state;
    static const struct step steps[] = {{PARENT, 1}, {PARENT, 0, "{\"at\":1}"},
                                        {CHILD, 2},  {CHILD, 0, "{\"at\":2}"},
                                        {CHILD, 3},  {0}};
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house);
    house.resources[CHILD].parent = NULL;
    house.resources[CHILD].table_name = STR("parents");
    assert_int_equal(load(&house, steps, true, false, &report, &err), RC_TIMEOUT);
    assert_int_equal(parquet_files(&house), 0);
    close_house(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_out_of_time_commits_what_its_cursors_pass_over),
        cmocka_unit_test(a_request_to_stop_commits_the_same),
        cmocka_unit_test(the_next_run_goes_on_and_no_row_is_there_twice),
        cmocka_unit_test(half_a_full_refresh_is_never_committed),
        cmocka_unit_test(two_resources_in_one_table_wait_for_a_whole_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
