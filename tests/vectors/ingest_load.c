/// @file ingest_load.c
/// Runs the suite of write dispositions, ingest-merge: each load of a case is a whole run (source,
/// normalizer, files, commit) into a warehouse of its own; the tables are then read back.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "iceberg/scan_sql.h"
#include "ingest/load.h"
#include "store/store.h"
#include "vectors.h"

/// A source that hands over the rows of one load.
struct fake {
    struct source source;
    struct resource resource;
    const struct json *rows;
};

static rc fake_run(struct source *source, const struct source_run *run,
                   const struct record_sink *sink, struct source_report *report, struct err *err)
{
    const struct fake *fake = source->driver_data;
    (void)run;
    for (size_t i = 0; i < fake->rows->count; i++) {
        report->records++;
        TRY(sink->record(sink->ctx, &fake->resource, &fake->rows->items[i], err));
    }
    return sink->unit_end(sink->ctx, &fake->resource, NULL, err);
}

static void fake_close(struct source *source)
{
    (void)source;
}

static const struct source_driver fake_driver = {
    .type = "fake", .run = fake_run, .close = fake_close};

/// A warehouse of one case.
struct house {
    struct arena *arena;
    struct str folder;
    struct store *store;
    struct catalog *catalog;
    struct duck *duck;
    struct duck_connection *connection;
};

static struct str text_of(const struct json *object, const char *key)
{
    return json_str(json_get(object, str_of(key)), STR(""));
}

static void take_names(struct arena *arena, const struct json *value, str_vec *ret_names)
{
    if (value != NULL && value->kind == JSON_STRING)
        *vec_push(arena, ret_names) = value->text;
    for (size_t i = 0; value != NULL && value->kind == JSON_ARRAY && i < value->count; i++)
        *vec_push(arena, ret_names) = value->items[i].text;
}

static void set_disposition(struct resource *resource, const struct json *value)
{
    static const struct {
        const char *name;
        enum merge_strategy strategy;
    } strategies[] = {{"delete-insert", MERGE_DELETE_INSERT},
                      {"upsert", MERGE_UPSERT},
                      {"insert-only", MERGE_INSERT_ONLY},
                      {"scd2", MERGE_SCD2}};
    const struct str name =
        value->kind == JSON_OBJECT ? text_of(value, "disposition") : value->text;
    resource->write_disposition = str_is(name, "replace") ? WRITE_REPLACE
                                  : str_is(name, "merge") ? WRITE_MERGE
                                                          : WRITE_APPEND;
    for (size_t i = 0; i < 4; i++)
        if (value->kind == JSON_OBJECT && str_is(text_of(value, "strategy"), strategies[i].name))
            resource->merge_strategy = strategies[i].strategy;
}

static struct resource resource_of(struct arena *arena, const struct json *c, size_t load)
{
    const struct json *settings = json_get(c, STR("settings"));
    struct resource resource = {.name = text_of(c, "table"),
                                .table_name = text_of(c, "table"),
                                .max_table_nesting = -1,
                                .is_selected = true,
                                .columns = json_get(settings, STR("columns"))};
    take_names(arena, json_get(settings, STR("primary_key")), &resource.primary_key);
    take_names(arena, json_get(settings, STR("merge_key")), &resource.merge_key);
    set_disposition(&resource, json_get(settings, STR("write_disposition")));
    struct json *config = ARENA_NEW(arena, struct json);
    *config = json_copy(arena, settings);
    const struct json *times = json_get(c, STR("boundary_timestamps"));
    struct json *disposition = json_object_set(arena, config, STR("write_disposition"));
    if (times != NULL && disposition->kind == JSON_OBJECT)
        *json_object_set(arena, disposition, STR("boundary_timestamp")) = times->items[load];
    resource.config = config;
    return resource;
}

static rc open_house(struct arena *arena, struct house *house, struct err *err)
{
    char template[] = "/tmp/moulin-vectors-XXXXXX";
    if (mkdtemp(template) == NULL)
        return err_set(err, RC_IO, "no temporary folder");
    house->arena = arena;
    house->folder = arena_str(arena, str_of(template));
    house->store = store_open_posix(arena);
    const struct catalog_options options = {
        .type = STR("sql"),
        .uri = arena_printf(arena, "sqlite:///%s/catalog.db", template),
        .warehouse = arena_printf(arena, "file://%s", template),
        .store = house->store};
    TRY(catalog_open(&options, &house->catalog, err));
    const struct duck_options duck = {.memory_bytes = 256 << 20, .threads = 1};
    TRY(duck_open(arena, &duck, &house->duck, err));
    return duck_connect(house->duck, arena, &house->connection, err);
}

static rc run_load(struct house *house, const struct json *c, size_t load, struct str *ret_load_id,
                   struct err *err)
{
    struct fake fake = {.resource = resource_of(house->arena, c, load),
                        .rows = &json_get(c, STR("loads"))->items[load]};
    fake.source = (struct source){.driver = &fake_driver,
                                  .arena = house->arena,
                                  .resources = &fake.resource,
                                  .resource_count = 1,
                                  .driver_data = &fake};
    struct load_report report;
    const struct load_options options = {
        .catalog = house->catalog,
        .store = house->store,
        .duck = house->duck,
        .warehouse = arena_printf(house->arena, "file://%.*s", STR_ARGS(house->folder)),
        .namespace_name = STR("landing"),
        .source = &fake.source};
    TRY(load_run(house->arena, &options, &report, err));
    *ret_load_id = report.load_id;
    return RC_OK;
}

/// Rows of a table with load ids numbered and times as Python prints them.
static rc read_rows(struct house *house, struct str name, const struct str *load_ids,
                    size_t load_count, struct json *ret_rows, struct err *err)
{
    struct arena *arena = house->arena;
    struct json rows = {.kind = JSON_ARRAY};
    struct table table;
    bool exists;
    TRY(catalog_table_exists(house->catalog, STR("landing"), name, &exists, err));
    *ret_rows = rows;
    if (!exists)
        return RC_OK;
    TRY(catalog_load_table(house->catalog, STR("landing"), name, arena, &table, err));
    struct str sql;
    TRY(scan_sql(&table, arena, &(struct scan_sql_options){0}, &sql, NULL, err));
    sql = arena_printf(arena, "SELECT to_json(t)::VARCHAR FROM (%.*s) t", STR_ARGS(sql));
    struct duck_rows answer;
    TRY(duck_query(house->connection, arena, sql, NULL, &answer, err));
    for (size_t i = 0; i < answer.row_count; i++) {
        struct json row;
        TRY(json_parse(arena, duck_cell(&answer, i, 0)->text, "a row", &row, err));
        for (size_t m = 0; m < row.count; m++) {
            struct json *value = &row.members[m].value;
            for (size_t l = 0; value->kind == JSON_STRING && l < load_count; l++)
                if (str_equal(value->text, load_ids[l]))
                    value->text = arena_printf(arena, "LOAD%zu", l + 1);
            if (value->kind == JSON_STRING && str_has_suffix(value->text, STR("+00")))
                value->text = str_replace(arena, str_concat(arena, value->text, STR(":00")),
                                          STR(" "), STR("T"));
        }
        *json_array_push(arena, &rows) = row;
    }
    *ret_rows = rows;
    return RC_OK;
}

/// Every value that is expected is there, and no other; random ids do not count.
static bool row_matches(const struct json *wanted, const struct json *found, bool has_random_ids)
{
    for (size_t m = 0; m < found->count; m++) {
        const struct str key = found->members[m].key;
        const struct json *value = json_get(wanted, key);
        const bool is_null = found->members[m].value.kind == JSON_NULL;
        if (has_random_ids && str_has_suffix(key, STR("_id")) && !str_is(key, "_dlt_load_id"))
            continue;
        if (value == NULL ? !is_null : !json_equal(value, &found->members[m].value))
            return false;
    }
    for (size_t m = 0; m < wanted->count; m++)
        if (wanted->members[m].value.kind != JSON_NULL &&
            json_get(found, wanted->members[m].key) == NULL)
            return false;
    return true;
}

static bool rows_match(struct arena *arena, const struct json *wanted, const struct json *found,
                       bool has_random_ids)
{
    if (wanted->count != found->count)
        return false;
    bool *used = ARENA_ARRAY(arena, bool, found->count + 1);
    for (size_t i = 0; i < wanted->count; i++) {
        size_t j = 0;
        while (j < found->count &&
               (used[j] || !row_matches(&wanted->items[i], &found->items[j], has_random_ids)))
            j++;
        if (j == found->count)
            return false;
        used[j] = true;
    }
    return true;
}

static bool check_tables(struct vectors *v, struct house *house, const struct json *wanted,
                         const struct str *load_ids, size_t load, bool has_random_ids)
{
    for (size_t t = 0; t < wanted->count; t++) {
        struct json found;
        struct err err = {0};
        if (read_rows(house, wanted->members[t].key, load_ids, load + 1, &found, &err) != RC_OK) {
            vectors_fail(v, "load %zu: %s", load + 1, err.message);
            return false;
        }
        if (rows_match(house->arena, &wanted->members[t].value, &found, has_random_ids))
            continue;
        vectors_fail(v, "load %zu, table %.*s: expected %.*s, found %.*s", load + 1,
                     STR_ARGS(wanted->members[t].key),
                     STR_ARGS(json_print(house->arena, &wanted->members[t].value, JSON_COMPACT)),
                     STR_ARGS(json_print(house->arena, &found, JSON_COMPACT)));
        return false;
    }
    return true;
}

static bool run_case(struct vectors *v, const struct json *c, struct house *house)
{
    struct err err = {0};
    struct str load_ids[64] = {{0}};
    const struct json *loads = json_get(c, STR("loads"));
    const struct json *wanted = json_get(c, STR("after_each_load"));
    const struct json *errors = json_get(c, STR("errors"));
    const struct resource resource = resource_of(house->arena, c, 0);
    const bool has_random_ids =
        resource.write_disposition != WRITE_MERGE || resource.merge_strategy == MERGE_DELETE_INSERT;
    for (size_t i = 0; i < loads->count && i < 64; i++) {
        err = (struct err){0};
        const rc code = run_load(house, c, i, &load_ids[i], &err);
        const bool is_error = errors->items[i].kind != JSON_NULL;
        if ((code != RC_OK) != is_error) {
            vectors_fail(v, "load %zu: expected %s, found %s", i + 1,
                         is_error ? errors->items[i].text.bytes : "no error",
                         code == RC_OK ? "none" : err.message);
            return false;
        }
        if (!check_tables(v, house, &wanted->items[i], load_ids, i, has_random_ids))
            return false;
    }
    return true;
}

static void run_merge(struct vectors *v)
{
    const struct json cases = vectors_json(v, "merge_cases.json");
    for (size_t i = 0; i < cases.count; i++) {
        struct arena *arena = arena_open(v->arena);
        struct house house = {0};
        struct err err = {0};
        v->case_name = text_of(&cases.items[i], "case");
        if (open_house(arena, &house, &err) != RC_OK)
            vectors_fail(v, "%s", err.message);
        else if (run_case(v, &cases.items[i], &house))
            vectors_pass(v);
        catalog_close(house.catalog);
        if (fs_remove_tree(house.folder, &err) != RC_OK)
            vectors_fail(v, "the folder stays: %s", err.message);
        arena_close(arena);
    }
}

int main(int argc, char **argv)
{
    static const struct vectors_suite suites[] = {{"ingest-merge", run_merge}, {NULL, NULL}};
    return vectors_main(argc, argv, suites);
}
