// What ingest/load.h promises: rows and state in one commit, nothing visible and nothing left of a
// run that failed at any of its writes, state that follows a rollback, one load per run id. With
// the sql catalog, and with the filesystem catalog, which commits one table after another.

#include "unit_test.h"

#include <stdlib.h>

#include "base/fs.h"
#include "iceberg/maintenance.h"
#include "iceberg/scan_sql.h"
#include "ingest/load.h"
#include "store/store.h"

static const char *catalog_type = "sql"; // of the houses that are opened
struct house;

/// A source whose records and state a test sets.
struct fake {
    struct source source;
    struct resource resource;
    const char *records;   // JSON array
    const char *state;     // JSON object, NULL = keeps none
    struct str seen_state; // what the run was given
    struct house *rival;   // loads something while this source is read
    struct arena *arena;
};

struct house {
    struct arena *arena;
    struct str folder;
    struct store_fault fault;
    struct store *store;
    struct catalog *catalog;
    struct duck *duck;
    struct duck_connection *connection;
    struct fake fake;
    struct json settings;
};

static rc run_rival(struct house *rival, struct err *err);

static rc fake_run(struct source *source, const struct source_run *run,
                   const struct record_sink *sink, struct source_report *report, struct err *err)
{
    struct fake *fake = source->driver_data;
    struct json records, state;
    const struct json *old = run->states[0];
    fake->seen_state = old != NULL ? json_print(fake->arena, old, JSON_COMPACT) : STR("none");
    if (fake->rival != NULL)
        TRY(run_rival(fake->rival, err));
    TRY(json_parse(fake->arena, str_of(fake->records), "records", &records, err));
    for (size_t i = 0; i < records.count; i++) {
        report->records++;
        TRY(sink->record(sink->ctx, &fake->resource, &records.items[i], err));
    }
    if (fake->state == NULL)
        return sink->unit_end(sink->ctx, &fake->resource, NULL, err);
    TRY(json_parse(fake->arena, str_of(fake->state), "state", &state, err));
    return sink->unit_end(sink->ctx, &fake->resource, &state, err);
}

static void fake_close(struct source *source)
{
    (void)source;
}

static const struct source_driver fake_driver = {
    .type = "fake", .run = fake_run, .close = fake_close};

static void open_catalog(struct house *house)
{
    struct err err = {0};
    const struct catalog_options options = {
        .type = str_of(catalog_type),
        .uri = arena_printf(house->arena, "sqlite:///%.*s/catalog.db", STR_ARGS(house->folder)),
        .warehouse = arena_printf(house->arena, "file://%.*s", STR_ARGS(house->folder)),
        .store = house->store};
    assert_int_equal(catalog_open(&options, &house->catalog, &err), RC_OK);
}

static void open_house(struct house *house, enum write_disposition disposition)
{
    char template[] = "/tmp/moulin-load-XXXXXX";
    struct err err = {0};
    assert_non_null(mkdtemp(template));
    *house = (struct house){.arena = arena_open(NULL)};
    house->folder = arena_str(house->arena, str_of(template));
    house->store = store_open_fault(house->arena, store_open_posix(house->arena), &house->fault);
    open_catalog(house);
    const struct duck_options duck = {.memory_bytes = 256 << 20, .threads = 1};
    assert_int_equal(duck_open(house->arena, &duck, &house->duck, &err), RC_OK);
    assert_int_equal(duck_connect(house->duck, house->arena, &house->connection, &err), RC_OK);
    struct fake *fake = &house->fake;
    fake->arena = house->arena;
    fake->resource = (struct resource){.name = STR("games"),
                                       .table_name = STR("games"),
                                       .write_disposition = disposition,
                                       .max_table_nesting = -1,
                                       .is_selected = true};
    if (disposition == WRITE_MERGE)
        *vec_push(house->arena, &fake->resource.primary_key) = STR("id");
    fake->source = (struct source){.driver = &fake_driver,
                                   .arena = house->arena,
                                   .resources = &fake->resource,
                                   .resource_count = 1,
                                   .driver_data = fake};
}

static void close_house(struct house *house)
{
    struct err err = {0};
    catalog_close(house->catalog);
    assert_int_equal(fs_remove_tree(house->folder, &err), RC_OK);
    arena_close(house->arena);
}

static struct load_options options_of(struct house *house)
{
    return (struct load_options){
        .catalog = house->catalog,
        .store = house->store,
        .duck = house->duck,
        .warehouse = arena_printf(house->arena, "file://%.*s", STR_ARGS(house->folder)),
        .namespace_name = STR("landing"),
        .source_name = STR("chess"),
        .source = &house->fake.source,
        .settings = house->settings.kind == JSON_OBJECT ? &house->settings : NULL};
}

static rc load(struct house *house, const char *records, const char *state,
               struct load_report *report, struct err *err)
{
    house->fake.records = records;
    house->fake.state = state;
    const struct load_options options = options_of(house);
    return load_run(house->arena, &options, report, err);
}

static rc run_rival(struct house *rival, struct err *err)
{
    struct load_report report;
    return load(rival, "[{\"id\":9}]", "{\"at\":9}", &report, err);
}

/// Answer of a query with T for the SELECT over a table, as text.
static struct str ask(struct house *house, const char *table_name, const char *question)
{
    struct err err = {0};
    struct table table;
    struct str sql;
    struct duck_rows rows;
    assert_int_equal(catalog_load_table(house->catalog, STR("landing"), str_of(table_name),
                                        house->arena, &table, &err),
                     RC_OK);
    assert_int_equal(
        scan_sql(&table, house->arena, &(struct scan_sql_options){0}, &sql, NULL, &err), RC_OK);
    const struct str from = arena_printf(house->arena, "FROM (%.*s)", STR_ARGS(sql));
    sql = str_replace(house->arena, str_of(question), STR("FROM T"), from);
    if (duck_query(house->connection, house->arena, sql, NULL, &rows, &err) != RC_OK)
        fail_msg("%s", err.message);
    return rows.row_count == 0 || duck_cell(&rows, 0, 0)->is_null ? STR("")
                                                                  : duck_cell(&rows, 0, 0)->text;
}

static const char *const ids = "SELECT string_agg(id::VARCHAR, ',' ORDER BY id) FROM T";

struct count_context {
    size_t files;
};

static rc count_file(void *context, const struct store_object *object, struct err *err)
{
    struct count_context *count = context;
    (void)err;
    count->files += str_has_suffix(object->uri, STR(".parquet"));
    return RC_OK;
}

static size_t data_files(struct house *house)
{
    struct count_context context = {0};
    struct err err = {0};
    const struct str prefix =
        arena_printf(house->arena, "file://%.*s/landing/", STR_ARGS(house->folder));
    house->fault = (struct store_fault){0};
    assert_int_equal(store_list(house->store, prefix, count_file, &context, &err), RC_OK);
    return context.files;
}

static void assert_text(struct str text, const char *expected)
{
    if (!str_is(text, expected))
        fail_msg("expected '%s', found '%.*s'", expected, STR_ARGS(text));
}

static void test_rows_children_and_state_are_landed_together(void **state)
{
    (void)state;
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_MERGE);
    assert_int_equal(load(&house, "[{\"id\":1,\"k\":[{\"v\":1},{\"v\":2}]},{\"id\":2}]",
                          "{\"at\":1}", &report, &err),
                     RC_OK);
    assert_int_equal(report.status, LOAD_DONE);
    assert_text(house.fake.seen_state, "none");
    assert_text(ask(&house, "chess_games", ids), "1,2");
    assert_text(
        ask(&house, "chess_games__k", "SELECT string_agg(v::VARCHAR, ',' ORDER BY v) FROM T"),
        "1,2");
    assert_text(ask(&house, "_dlt_loads", "SELECT count(*) FROM T WHERE status = 0"), "1");
    assert_int_equal(load(&house, "[{\"id\":1,\"k\":[{\"v\":1},{\"v\":2}]},{\"id\":2}]",
                          "{\"at\":1}", &report, &err),
                     RC_OK);
    assert_text(house.fake.seen_state, "{\"at\":1}");
    assert_int_equal(report.status, LOAD_NOTHING_NEW);
    assert_text(ask(&house, "_dlt_loads", "SELECT count(*) FROM T"), "1");
    assert_int_equal(load(&house, "[{\"id\":1,\"k\":[{\"v\":9}]}]", "{\"at\":2}", &report, &err),
                     RC_OK);
    assert_text(ask(&house, "chess_games", ids), "1,2");
    assert_text(
        ask(&house, "chess_games__k", "SELECT string_agg(v::VARCHAR, ',' ORDER BY v) FROM T"), "9");
    close_house(&house);
}

static void test_a_rollback_takes_the_state_back(void **state)
{
    (void)state;
    struct house house;
    struct err err = {0};
    struct load_report report = {0}, first = {0};
    struct table table;
    struct transaction *tx;
    open_house(&house, WRITE_APPEND);
    assert_int_equal(load(&house, "[{\"id\":1}]", "{\"at\":1}", &first, &err), RC_OK);
    assert_int_equal(load(&house, "[{\"id\":2}]", "{\"at\":2}", &report, &err), RC_OK);
    assert_int_equal(catalog_load_table(house.catalog, STR("landing"), STR("chess_games"),
                                        house.arena, &table, &err),
                     RC_OK);
    assert_int_equal(transaction_open(house.arena, &table, &tx, &err), RC_OK);
    assert_int_equal(transaction_set_ref(tx, STR("main"), first.tables[0].snapshot_id,
                                         (struct transaction_ref_options){.must_be_ancestor = true},
                                         &err),
                     RC_OK);
    assert_int_equal(catalog_commit(house.catalog, &tx, 1, &err), RC_OK);
    assert_int_equal(load(&house, "[{\"id\":3}]", "{\"at\":3}", &report, &err), RC_OK);
    assert_text(house.fake.seen_state, "{\"at\":1}");
    assert_text(ask(&house, "chess_games", ids), "1,3");
    close_house(&house);
}

/// A run whose write number `fail_at` fails. @return false when it has fewer writes
static bool run_with_fault(int64_t fail_at, bool is_for_ever)
{
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_MERGE);
    assert_int_equal(load(&house, "[{\"id\":1,\"k\":[1]},{\"id\":2}]", "{\"at\":1}", &report, &err),
                     RC_OK);
    const size_t files = data_files(&house);
    house.fault = (struct store_fault){.fail_at = fail_at,
                                       .is_for_ever = is_for_ever,
                                       .is_writing_only = true,
                                       .code = RC_NO_SPACE};
    const char *second = "[{\"id\":2,\"k\":[5]},{\"id\":3,\"new\":\"x\"}]";
    const rc code = load(&house, second, "{\"at\":2}", &report, &err);
    const bool was_hit = house.fault.operation_count >= fail_at;
    house.fault = (struct store_fault){0};
    if (code != RC_OK) {
        assert_text(ask(&house, "chess_games", ids), "1,2");
        assert_text(ask(&house, "_dlt_loads", "SELECT count(*) FROM T"), "1");
        if (!is_for_ever) // else the clean-up failed too, and the next run does it
            assert_int_equal(data_files(&house), files);
        assert_int_equal(load(&house, second, "{\"at\":2}", &report, &err), RC_OK);
        assert_text(house.fake.seen_state, "{\"at\":1}");
    }
    assert_text(ask(&house, "chess_games", ids), "1,2,3");
    assert_text(ask(&house, "chess_games__k",
                    "SELECT string_agg(value::VARCHAR, ',' ORDER BY value) FROM T"),
                "1,5");
    close_house(&house);
    return was_hit;
}

static void test_a_failure_of_any_write_leaves_nothing_behind(void **state)
{
    (void)state;
    int64_t writes = 1;
    while (writes < 100 && run_with_fault(writes, false))
        writes++;
    assert_in_range(writes, 5, 99);
}

static void test_a_disk_that_stays_full_leaves_the_tables_as_they_were(void **state)
{
    (void)state;
    for (int64_t fail_at = 1; fail_at < 100 && run_with_fault(fail_at, true); fail_at += 3)
        ;
}

static void test_a_run_id_is_loaded_once(void **state)
{
    (void)state;
    struct house house;
    struct err err = {0};
    struct load_report first = {0}, again = {0};
    open_house(&house, WRITE_APPEND);
    house.fake.records = "[{\"id\":1}]";
    struct load_options options = options_of(&house);
    options.run_id = STR("run-1");
    assert_int_equal(load_run(house.arena, &options, &first, &err), RC_OK);
    assert_int_equal(load_run(house.arena, &options, &again, &err), RC_OK);
    assert_int_equal(again.status, LOAD_WAS_DONE);
    assert_true(str_equal(first.load_id, again.load_id));
    assert_text(ask(&house, "chess_games", ids), "1");
    close_house(&house);
}

static void test_a_long_state_is_kept_beside_the_tables(void **state)
{
    (void)state;
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_MERGE);
    const struct str text = arena_printf(house.arena, "{\"at\":\"%050000d\"}", 7);
    assert_int_equal(load(&house, "[{\"id\":1}]", text.bytes, &report, &err), RC_OK);
    assert_int_equal(load(&house, "[{\"id\":1}]", text.bytes, &report, &err), RC_OK);
    assert_int_equal(report.status, LOAD_NOTHING_NEW);
    assert_true(str_equal(house.fake.seen_state, text));
    struct table table;
    assert_int_equal(catalog_load_table(house.catalog, STR("landing"), STR("chess_games"),
                                        house.arena, &table, &err),
                     RC_OK);
    assert_true(table_summary_value(&table, STR("moulin.state")).length < 200);
    close_house(&house);
}

static void test_a_full_refresh_forgets_the_state_and_replaces_what_was_appended(void **state)
{
    (void)state;
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_APPEND);
    assert_int_equal(load(&house, "[{\"id\":1}]", "{\"at\":1}", &report, &err), RC_OK);
    house.fake.records = "[{\"id\":1},{\"id\":2}]";
    struct load_options options = options_of(&house);
    options.is_full_refresh = true;
    assert_int_equal(load_run(house.arena, &options, &report, &err), RC_OK);
    assert_text(house.fake.seen_state, "none");
    assert_text(ask(&house, "chess_games", ids), "1,2");
    assert_int_equal(load(&house, "[]", "{\"at\":1}", &report, &err), RC_OK);
    assert_text(house.fake.seen_state, "{\"at\":1}");
    close_house(&house);
}

static void test_of_two_runs_from_one_state_only_one_lands(void **state)
{
    (void)state;
    struct house house, other;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_APPEND);
    assert_int_equal(load(&house, "[{\"id\":1}]", "{\"at\":1}", &report, &err), RC_OK);
    // The other run begins and ends while this one reads its source.
    other = house;
    open_catalog(&other);
    other.fake.source.driver_data = &other.fake;
    other.fake.source.resources = &other.fake.resource;
    house.fake.rival = &other;
    assert_int_equal(load(&house, "[{\"id\":2}]", "{\"at\":2}", &report, &err), RC_CONFLICT);
    assert_non_null(strstr(err.message, "landed first"));
    house.fake.rival = NULL;
    assert_text(ask(&house, "chess_games", ids), "1,9");
    assert_int_equal(load(&house, "[{\"id\":2}]", "{\"at\":3}", &report, &err), RC_OK);
    assert_text(house.fake.seen_state, "{\"at\":9}");
    assert_text(ask(&house, "chess_games", ids), "1,2,9");
    catalog_close(other.catalog);
    close_house(&house);
}

static void test_small_memory_gives_more_files_and_the_same_rows(void **state)
{
    (void)state;
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_APPEND);
    struct buf text;
    buf_init(&text, 64 << 20);
    buf_append_byte(&text, '[');
    for (int i = 0; i < 4000; i++)
        buf_printf(&text, "%s{\"id\": %d, \"text\": \"%01500d\"%s}", i > 0 ? "," : "", i, i,
                   i > 3000 ? ", \"late\": 1.5" : "");
    buf_append(&text, "]", 2);
    assert_int_equal(json_parse(house.arena, STR("{\"memory_bytes\": 8000000}"), "settings",
                                &house.settings, &err),
                     RC_OK);
    assert_int_equal(load(&house, text.bytes, NULL, &report, &err), RC_OK);
    assert_in_range(report.tables[0].files, 2, 20);
    assert_text(
        ask(&house, "chess_games", "SELECT count(DISTINCT id) || ' ' || count(late) FROM T"),
        "4000 999");
    buf_done(&text);
    close_house(&house);
}

static void test_an_empty_replace_empties_the_table_and_its_children(void **state)
{
    (void)state;
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_REPLACE);
    assert_int_equal(load(&house, "[{\"id\":1,\"k\":[1,2]}]", NULL, &report, &err), RC_OK);
    assert_int_equal(load(&house, "[{\"id\":1,\"k\":[1,2]}]", NULL, &report, &err), RC_OK);
    assert_int_equal(report.status, LOAD_NOTHING_NEW);
    assert_int_equal(load(&house, "[]", NULL, &report, &err), RC_OK);
    assert_text(ask(&house, "chess_games", "SELECT count(*) FROM T"), "0");
    assert_text(ask(&house, "chess_games__k", "SELECT count(*) FROM T"), "0");
    close_house(&house);
}

static void test_a_merge_by_several_columns_changes_only_the_files_that_hold_the_keys(void **state)
{
    (void)state;
    static const char *const all =
        "SELECT string_agg(id || kind || v, ' ' ORDER BY id, kind) FROM T";
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_MERGE);
    *vec_push(house.arena, &house.fake.resource.primary_key) = STR("kind");
    assert_int_equal(load(&house,
                          "[{\"id\":1,\"kind\":\"a\",\"v\":1,\"k\":[1]},"
                          "{\"id\":1,\"kind\":\"b\",\"v\":1,\"k\":[2]}]",
                          NULL, &report, &err),
                     RC_OK);
    assert_int_equal(
        load(&house, "[{\"id\":8,\"kind\":\"a\",\"v\":1,\"k\":[3]}]", NULL, &report, &err), RC_OK);
    const size_t before = data_files(&house);
    assert_int_equal(load(&house,
                          "[{\"id\":1,\"kind\":\"b\",\"v\":2,\"k\":[4]},"
                          "{\"id\":1,\"kind\":\"a\",\"v\":1,\"k\":[1]},"
                          "{\"id\":2,\"kind\":\"b\",\"v\":2}]",
                          NULL, &report, &err),
                     RC_OK);
    assert_text(ask(&house, "chess_games", all), "1a1 1b2 2b2 8a1");
    assert_text(
        ask(&house, "chess_games__k", "SELECT string_agg(value, ' ' ORDER BY value) FROM T"),
        "1 3 4");
    assert_int_equal(report.tables[0].updated, 1);
    assert_int_equal(report.tables[0].inserted, 1);
    // Of both tables the first file anew and a new one; and one of the table of loads.
    assert_int_equal(data_files(&house) - before, 5);
    close_house(&house);
}

static void test_a_missing_key_is_refused_with_its_name(void **state)
{
    (void)state;
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_MERGE);
    assert_int_equal(load(&house, "[{\"id\":1},{\"no\":2}]", NULL, &report, &err), RC_INVALID);
    assert_non_null(strstr(err.message, "id"));
    assert_int_equal(data_files(&house), 0);
    close_house(&house);
}

// ---- one table after another

static const char *const values = "SELECT string_agg(value::VARCHAR, ',' ORDER BY value) FROM T";

/// Data files of a table that no snapshot names.
static size_t unowned_files(struct house *house, const char *table_name)
{
    struct table table;
    struct map owned;
    struct err err = {0};
    assert_int_equal(catalog_load_table(house->catalog, STR("landing"), str_of(table_name),
                                        house->arena, &table, &err),
                     RC_OK);
    assert_int_equal(table_reachable_files(&table, house->arena, &owned, &err), RC_OK);
    size_t named = 0;
    for (size_t i = 0; i < owned.count; i++)
        named += str_has_suffix(owned.entries[i].key, STR(".parquet"));
    struct count_context all = {0};
    const struct str prefix =
        arena_printf(house->arena, "%.*s/data/", STR_ARGS(table.metadata->location));
    assert_int_equal(store_list(house->store, prefix, count_file, &all, &err), RC_OK);
    return all.files - named;
}

/// As if the process had been killed: the write fails and so does all behind it.
static struct store_fault death_at(int64_t fail_at)
{
    return (struct store_fault){
        .fail_at = fail_at, .is_for_ever = true, .is_writing_only = true, .code = RC_NO_SPACE};
}

static bool table_is_there(struct house *house, const char *name)
{
    bool exists = false;
    struct err err = {0};
    assert_int_equal(
        catalog_table_exists(house->catalog, STR("landing"), str_of(name), &exists, &err), RC_OK);
    return exists;
}

static void assert_every_load_is_recorded(struct house *house)
{
    assert_text(ask(house, "_dlt_loads", "SELECT count(*) - count(DISTINCT load_id) FROM T"), "0");
    const struct str loads = ask(house, "_dlt_loads", "SELECT string_agg(load_id, ' ') FROM T");
    const struct str used = ask(house, "chess_games", "SELECT max(_dlt_load_id) FROM T");
    assert_true(str_contains(loads, used));
}

/// A foreign commit to a table, which adds no row.
static void commit_by_others(struct house *house, const char *name)
{
    struct table table;
    struct transaction *tx;
    struct err err = {0};
    assert_int_equal(catalog_load_table(house->catalog, STR("landing"), str_of(name), house->arena,
                                        &table, &err),
                     RC_OK);
    assert_int_equal(transaction_open(house->arena, &table, &tx, &err), RC_OK);
    transaction_force_snapshot(tx);
    assert_int_equal(catalog_commit(house->catalog, &tx, 1, &err), RC_OK);
}

/// The second load dies at write number `fail_at`, then a third one runs.
/// @param has_others  somebody else commits to the child table before the third
/// @return false when the second has fewer writes
static bool run_after_death(int64_t fail_at, bool has_others)
{
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_MERGE);
    assert_int_equal(load(&house, "[{\"id\":1,\"k\":[1]},{\"id\":2}]", "{\"at\":1}", &report, &err),
                     RC_OK);
    house.fault = death_at(fail_at);
    const char *second = "[{\"id\":1,\"k\":[5]},{\"id\":3,\"k\":[7],\"new\":\"x\"}]";
    const rc code = load(&house, second, "{\"at\":2}", &report, &err);
    const bool was_hit = house.fault.operation_count >= fail_at;
    house.fault = (struct store_fault){0};
    const bool has_landed = str_is(ask(&house, "chess_games", ids), "1,2,3");
    assert_true(has_landed || code != RC_OK);
    if (has_others)
        commit_by_others(&house, "chess_games__k");
    const char *third = has_landed ? "[{\"id\":4}]" : second;
    if (load(&house, third, "{\"at\":3}", &report, &err) != RC_OK)
        fail_msg("after write %lld: %s", (long long)fail_at, err.message);
    assert_text(house.fake.seen_state, has_landed ? "{\"at\":2}" : "{\"at\":1}");
    assert_text(ask(&house, "chess_games", ids), has_landed ? "1,2,3,4" : "1,2,3");
    assert_text(ask(&house, "chess_games__k", values), "5,7");
    assert_every_load_is_recorded(&house);
    close_house(&house);
    return was_hit;
}

static void test_a_death_between_the_commits_is_mended_by_the_next_run(void **state)
{
    (void)state;
    for (int has_others = 0; has_others < 2; has_others++) {
        int64_t writes = 1;
        while (writes < 100 && run_after_death(writes, has_others))
            writes++;
        assert_in_range(writes, 10, 99);
    }
}

static bool run_first_after_death(int64_t fail_at)
{
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    const char *records = "[{\"id\":1,\"k\":[1,2]}]";
    open_house(&house, WRITE_APPEND);
    house.fake.records = records;
    struct load_options options = options_of(&house);
    options.run_id = STR("run-1");
    house.fault = death_at(fail_at);
    const rc died = load_run(house.arena, &options, &report, &err);
    const bool was_hit = house.fault.operation_count >= fail_at;
    house.fault = (struct store_fault){0};
    assert_true(died != RC_OK || !was_hit || table_is_there(&house, "_dlt_loads"));
    for (int i = 0; i < 2; i++)
        if (load_run(house.arena, &options, &report, &err) != RC_OK)
            fail_msg("after write %lld: %s", (long long)fail_at, err.message);
    // it has no cursor: only the run id says that the rows are there
    assert_text(ask(&house, "chess_games", ids), "1");
    assert_text(ask(&house, "chess_games__k", values), "1,2");
    assert_every_load_is_recorded(&house);
    assert_true(table_is_there(&house, "_dlt_loads"));
    close_house(&house);
    return was_hit;
}

static void test_a_run_that_is_tried_again_after_its_death_lands_once(void **state)
{
    (void)state;
    int64_t writes = 1;
    while (writes < 100 && run_first_after_death(writes))
        writes++;
    assert_in_range(writes, 10, 99);
}

static bool table_state_is(struct house *house, const char *expected)
{
    struct table table;
    struct err err = {0};
    assert_int_equal(catalog_load_table(house->catalog, STR("landing"), STR("chess_games"),
                                        house->arena, &table, &err),
                     RC_OK);
    return str_is(table_summary_value(&table, STR("moulin.state")), expected);
}

static bool run_with_a_failure(int64_t fail_at)
{
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_MERGE);
    assert_int_equal(load(&house, "[{\"id\":1,\"k\":[1]}]", "{\"at\":1}", &report, &err), RC_OK);
    house.fault =
        (struct store_fault){.fail_at = fail_at, .is_writing_only = true, .code = RC_NO_SPACE};
    const rc code = load(&house, "[{\"id\":1,\"k\":[5]}]", "{\"at\":2}", &report, &err);
    const bool was_hit = house.fault.operation_count >= fail_at;
    house.fault = (struct store_fault){0};
    // the run itself has taken back what it put beside a root that it could not commit
    const bool has_landed = table_state_is(&house, "{\"games\":{\"at\":2}}");
    assert_text(ask(&house, "chess_games__k", values), has_landed ? "5" : "1");
    assert_true(has_landed || code != RC_OK);
    assert_int_equal(unowned_files(&house, "chess_games__k"), 0);
    assert_int_equal(unowned_files(&house, "chess_games"), 0);
    close_house(&house);
    return was_hit;
}

static void test_a_run_that_fails_between_the_commits_takes_its_rows_back(void **state)
{
    (void)state;
    int64_t writes = 1;
    while (writes < 100 && run_with_a_failure(writes))
        writes++;
    assert_in_range(writes, 10, 99);
}

/// Any operation fails once, reads too: before, during or after the commit.
static bool run_with_any_failure(int64_t fail_at)
{
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_MERGE);
    assert_int_equal(load(&house, "[{\"id\":1,\"k\":[1]},{\"id\":2}]", "{\"at\":1}", &report, &err),
                     RC_OK);
    house.fault = (struct store_fault){.fail_at = fail_at};
    const char *second = "[{\"id\":2,\"k\":[5]},{\"id\":3}]";
    const rc code = load(&house, second, "{\"at\":2}", &report, &err);
    const bool was_hit = house.fault.operation_count >= fail_at;
    house.fault = (struct store_fault){0};
    const struct str found = ask(&house, "chess_games", ids); // reads every file
    assert_true(str_is(found, "1,2,3") || (code != RC_OK && str_is(found, "1,2")));
    if (load(&house, second, "{\"at\":2}", &report, &err) != RC_OK)
        fail_msg("after operation %lld: %s", (long long)fail_at, err.message);
    assert_text(ask(&house, "chess_games", ids), "1,2,3");
    assert_text(ask(&house, "chess_games__k", values), "1,5");
    close_house(&house);
    return was_hit;
}

static void test_a_failure_at_any_operation_loses_no_file(void **state)
{
    (void)state;
    int64_t operations = 1;
    while (operations < 300 && run_with_any_failure(operations))
        operations += 3; // with both catalogs that is enough
    assert_in_range(operations, 20, 299);
}

static void test_the_loser_of_a_race_for_the_root_takes_its_children_back(void **state)
{
    (void)state;
    struct house house, other;
    struct err err = {0};
    struct load_report report = {0};
    open_house(&house, WRITE_APPEND);
    assert_int_equal(load(&house, "[{\"id\":1,\"k\":[1]}]", "{\"at\":1}", &report, &err), RC_OK);
    other = house;
    open_catalog(&other);
    other.fake.source.driver_data = &other.fake;
    other.fake.source.resources = &other.fake.resource;
    house.fake.rival = &other; // has no children, so the child table has no conflict
    assert_int_equal(load(&house, "[{\"id\":2,\"k\":[2]}]", "{\"at\":2}", &report, &err),
                     RC_CONFLICT);
    house.fake.rival = NULL;
    assert_text(ask(&house, "chess_games", ids), "1,9");
    assert_text(ask(&house, "chess_games__k", values), "1");
    assert_int_equal(load(&house, "[{\"id\":2,\"k\":[2]}]", "{\"at\":3}", &report, &err), RC_OK);
    assert_text(ask(&house, "chess_games__k", values), "1,2");
    catalog_close(other.catalog);
    close_house(&house);
}

/// main of the root goes back to its first snapshot: the rows of later loads are gone there.
static void test_children_follow_a_root_that_was_rolled_back(void **state)
{
    (void)state;
    struct house house;
    struct err err = {0};
    struct load_report report = {0};
    struct table table;
    struct transaction *tx;
    open_house(&house, WRITE_APPEND);
    for (int i = 1; i <= 3; i++) {
        const char *records = arena_printf(house.arena, "[{\"id\":%d,\"k\":[%d]}]", i, i).bytes;
        assert_int_equal(
            load(&house, records, arena_printf(house.arena, "{\"at\":%d}", i).bytes, &report, &err),
            RC_OK);
    }
    assert_int_equal(catalog_load_table(house.catalog, STR("landing"), STR("chess_games"),
                                        house.arena, &table, &err),
                     RC_OK);
    assert_int_equal(transaction_open(house.arena, &table, &tx, &err), RC_OK);
    assert_int_equal(transaction_set_ref(tx, STR("main"), table.metadata->snapshots[0].snapshot_id,
                                         (struct transaction_ref_options){.must_be_ancestor = true},
                                         &err),
                     RC_OK);
    assert_int_equal(catalog_commit(house.catalog, &tx, 1, &err), RC_OK);
    assert_int_equal(load(&house, "[{\"id\":8,\"k\":[8]}]", "{\"at\":8}", &report, &err), RC_OK);
    assert_text(ask(&house, "chess_games", ids), "1,8");
    assert_text(ask(&house, "chess_games__k", values), "1,8");
    close_house(&house);
}

int main(void)
{
    const struct CMUnitTest one_by_one[] = {
        cmocka_unit_test(test_rows_children_and_state_are_landed_together),
        cmocka_unit_test(test_a_rollback_takes_the_state_back),
        cmocka_unit_test(test_a_run_id_is_loaded_once),
        cmocka_unit_test(test_of_two_runs_from_one_state_only_one_lands),
        cmocka_unit_test(test_an_empty_replace_empties_the_table_and_its_children),
        cmocka_unit_test(test_a_merge_by_several_columns_changes_only_the_files_that_hold_the_keys),
        cmocka_unit_test(test_a_death_between_the_commits_is_mended_by_the_next_run),
        cmocka_unit_test(test_a_run_that_is_tried_again_after_its_death_lands_once),
        cmocka_unit_test(test_a_run_that_fails_between_the_commits_takes_its_rows_back),
        cmocka_unit_test(test_a_failure_at_any_operation_loses_no_file),
        cmocka_unit_test(test_the_loser_of_a_race_for_the_root_takes_its_children_back),
        cmocka_unit_test(test_children_follow_a_root_that_was_rolled_back),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_children_and_state_are_landed_together),
        cmocka_unit_test(test_a_rollback_takes_the_state_back),
        cmocka_unit_test(test_a_failure_of_any_write_leaves_nothing_behind),
        cmocka_unit_test(test_a_disk_that_stays_full_leaves_the_tables_as_they_were),
        cmocka_unit_test(test_a_failure_at_any_operation_loses_no_file),
        cmocka_unit_test(test_a_run_id_is_loaded_once),
        cmocka_unit_test(test_a_long_state_is_kept_beside_the_tables),
        cmocka_unit_test(test_a_full_refresh_forgets_the_state_and_replaces_what_was_appended),
        cmocka_unit_test(test_of_two_runs_from_one_state_only_one_lands),
        cmocka_unit_test(test_small_memory_gives_more_files_and_the_same_rows),
        cmocka_unit_test(test_an_empty_replace_empties_the_table_and_its_children),
        cmocka_unit_test(test_a_merge_by_several_columns_changes_only_the_files_that_hold_the_keys),
        cmocka_unit_test(test_a_missing_key_is_refused_with_its_name),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    catalog_type = "filesystem";
    return failed + cmocka_run_group_tests(one_by_one, NULL, NULL);
}
