// What iceberg/transaction.h, catalog.h and maintenance.h promise beyond faults
// (commit_fault_test): conflicts, requirements, refs, summaries, schema changes, expiry.

#include "unit_test.h"

#include <stdlib.h>

#include "base/fs.h"
#include "iceberg/maintenance.h"
#include "test_place.h"

struct fixture {
    struct arena *arena;
    struct str folder, root; // root: URI of the warehouse
    struct store *store;
    struct catalog *catalog;
    struct err err;
};

static void assert_ok(struct fixture *f, rc code)
{
    if (code != RC_OK)
        fail_msg("%s: %s", rc_class_of(code)->name, f->err.message);
}

static struct table_definition definition_of(struct fixture *f)
{
    struct field *fields = ARENA_ARRAY(f->arena, struct field, 2);
    fields[0] = (struct field){.id = 1, .name = STR("id"), .type = type_of(TYPE_INT)};
    fields[1] = (struct field){.id = 2, .name = STR("name"), .type = type_of(TYPE_STRING)};
    return (struct table_definition){.schema.root = type_struct(fields, 2)};
}

static int set_up(void **state)
{
    char folder[] = "/tmp/moulin-tx-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct arena *arena = arena_open(NULL);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    f->arena = arena;
    f->folder = arena_str(arena, str_of(folder));
    f->root = STR("memory://warehouse");
    f->store = place_is_remote() ? place_open(arena, "", &f->root) : store_open_memory(arena);
    const struct catalog_options options = {
        .type = STR("sql"),
        .uri = arena_printf(arena, "sqlite:///%s/catalog.db", folder),
        .warehouse = f->root,
        .store = f->store};
    assert_ok(f, catalog_open(&options, &f->catalog, &f->err));
    assert_ok(f, catalog_create_namespace(f->catalog, STR("ns"), NULL, &f->err));
    const struct table_definition definition = definition_of(f);
    struct table table;
    assert_ok(f, catalog_create_table(f->catalog, STR("ns"), STR("t"), &definition, arena, &table,
                                      &f->err));
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

static struct table load(struct fixture *f)
{
    struct table table;
    assert_ok(f, catalog_load_table(f->catalog, STR("ns"), STR("t"), f->arena, &table, &f->err));
    return table;
}

static struct transaction *begin(struct fixture *f)
{
    const struct table table = load(f);
    struct transaction *tx;
    assert_ok(f, transaction_open(f->arena, &table, &tx, &f->err));
    return tx;
}

static rc commit(struct fixture *f, struct transaction *tx)
{
    return catalog_commit(f->catalog, &tx, 1, &f->err);
}

static struct data_file file_named(struct fixture *f, const char *name, int64_t rows)
{
    const struct str path = arena_printf(f->arena, "%.*s/ns/t/data/%s", STR_ARGS(f->root), name);
    assert_ok(f, store_put(f->store, path, STR("x"), (struct store_put_options){0}, &f->err));
    return (struct data_file){.path = path, .record_count = rows, .file_size_bytes = 1};
}

static int64_t append(struct fixture *f, const char *name)
{
    struct transaction *tx = begin(f);
    const struct data_file file = file_named(f, name, 10);
    assert_ok(f, transaction_append(tx, &file, 1, &f->err));
    assert_ok(f, commit(f, tx));
    return transaction_snapshot_id(tx);
}

static int64_t total(const struct table *table, const char *key)
{
    return properties_int64(&metadata_current_snapshot(table->metadata)->summary, str_of(key), -1);
}

static void test_appends_over_each_other_all_land(void **state)
{
    struct fixture *f = *state;
    struct transaction *first = begin(f), *second = begin(f);
    const struct data_file a = file_named(f, "a", 10), b = file_named(f, "b", 5);
    assert_ok(f, transaction_append(first, &a, 1, &f->err));
    assert_ok(f, transaction_append(second, &b, 1, &f->err));
    assert_ok(f, commit(f, first));
    assert_ok(f, commit(f, second));
    const struct table table = load(f);
    assert_int_equal(total(&table, "total-records"), 15);
    assert_int_equal(total(&table, "total-data-files"), 2);
    assert_int_equal(table.metadata->last_sequence_number, 2);
    assert_int_equal(table.metadata->snapshot_log_count, 2);
    assert_int_equal(table.metadata->metadata_log_count, 2);
    assert_int_equal(metadata_current_snapshot(table.metadata)->parent_id,
                     transaction_snapshot_id(first));
    assert_true(str_equal(transaction_table(second)->metadata_location, table.metadata_location));
}

static void test_a_requirement_is_checked_at_every_attempt(void **state)
{
    struct fixture *f = *state;
    const struct str key = STR("moulin.state");
    struct transaction *tx = begin(f);
    assert_ok(f, transaction_require_summary(tx, key, (struct str){0}, &f->err));
    assert_ok(f, transaction_set_summary(tx, key, STR("1"), &f->err));
    transaction_force_snapshot(tx);
    struct transaction *rival = begin(f);
    assert_ok(f, transaction_require_summary(rival, key, (struct str){0}, &f->err));
    assert_ok(f, transaction_set_summary(rival, key, STR("2"), &f->err));
    transaction_force_snapshot(rival);
    assert_ok(f, commit(f, tx));
    assert_int_equal(commit(f, rival), RC_CONFLICT);
    assert_false(f->err.is_retryable);
    // somebody who leaves the state alone is no conflict
    struct transaction *next = begin(f);
    assert_ok(f, transaction_require_summary(next, key, STR("1"), &f->err));
    assert_ok(f, transaction_set_summary(next, key, STR("3"), &f->err));
    transaction_force_snapshot(next);
    append(f, "other");
    assert_ok(f, commit(f, next));
    const struct table table = load(f);
    assert_true(str_is(table_summary_value(&table, key), "3"));
    assert_int_equal(table.metadata->snapshot_count, 3);
}

static void test_a_rollback_takes_the_state_back(void **state)
{
    struct fixture *f = *state;
    const struct str key = STR("moulin.state");
    const int64_t first = append(f, "a");
    struct transaction *tx = begin(f);
    assert_ok(f, transaction_set_summary(tx, key, STR("1"), &f->err));
    transaction_force_snapshot(tx);
    assert_ok(f, commit(f, tx));
    tx = begin(f);
    assert_ok(f, transaction_set_ref(tx, STR(REF_MAIN), first,
                                     (struct transaction_ref_options){.must_be_ancestor = true},
                                     &f->err));
    assert_ok(f, commit(f, tx));
    const struct table table = load(f);
    assert_int_equal(table.metadata->current_snapshot_id, first);
    assert_int_equal(table_summary_value(&table, key).length, 0);
    assert_int_equal(table.metadata->snapshot_log_count, 3);
    tx = begin(f);
    assert_ok(f, transaction_set_ref(tx, STR(REF_MAIN), 12345, (struct transaction_ref_options){0},
                                     &f->err));
    assert_int_equal(commit(f, tx), RC_NOT_FOUND);
}

static void test_files_that_are_gone_are_a_conflict(void **state)
{
    struct fixture *f = *state;
    append(f, "a");
    const struct str path = str_concat(f->arena, f->root, STR("/ns/t/data/a"));
    struct transaction *first = begin(f), *second = begin(f);
    const struct data_file b = file_named(f, "b", 4);
    assert_ok(f, transaction_overwrite(first, &path, 1, &b, 1, &f->err));
    assert_ok(f, transaction_overwrite(second, &path, 1, NULL, 0, &f->err));
    assert_ok(f, commit(f, first));
    assert_int_equal(commit(f, second), RC_CONFLICT);
    assert_false(f->err.is_retryable);
    const struct table table = load(f);
    assert_int_equal(total(&table, "total-records"), 4);
    assert_true(str_is(metadata_current_snapshot(table.metadata)->operation, "overwrite"));
}

static void test_a_rewrite_of_the_whole_table_refuses_new_data(void **state)
{
    struct fixture *f = *state;
    append(f, "a");
    struct transaction *tx = begin(f);
    const struct data_file b = file_named(f, "b", 10);
    assert_ok(f, transaction_replace_all(tx, &b, 1, &f->err));
    transaction_require_no_new_data(tx);
    append(f, "c");
    assert_int_equal(commit(f, tx), RC_CONFLICT);
    tx = begin(f);
    assert_ok(f, transaction_replace_all(tx, &b, 1, &f->err));
    append(f, "d");
    assert_ok(f, commit(f, tx)); // without the requirement: what is there at the commit goes
    const struct table table = load(f);
    assert_int_equal(total(&table, "total-data-files"), 1);
}

static void test_position_deletes_make_a_row_delta(void **state)
{
    struct fixture *f = *state;
    append(f, "a");
    const struct str path = str_concat(f->arena, f->root, STR("/ns/t/data/a"));
    struct data_file deletes = file_named(f, "deletes", 2);
    deletes.content = CONTENT_POSITION_DELETES;
    deletes.referenced_data_file = path;
    struct transaction *tx = begin(f);
    assert_ok(f, transaction_row_delta(tx, NULL, 0, &deletes, 1, &path, 1, &f->err));
    struct transaction *late = begin(f);
    assert_ok(f, transaction_row_delta(late, NULL, 0, &deletes, 1, &path, 1, &f->err));
    assert_ok(f, commit(f, tx));
    struct table table = load(f);
    assert_true(str_is(metadata_current_snapshot(table.metadata)->operation, "delete"));
    assert_int_equal(total(&table, "total-position-deletes"), 2);
    // the data file goes, and the deletes that refer to it go along
    tx = begin(f);
    assert_ok(f, transaction_overwrite(tx, &path, 1, NULL, 0, &f->err));
    assert_ok(f, commit(f, tx));
    table = load(f);
    assert_int_equal(total(&table, "total-delete-files"), 0);
    assert_int_equal(total(&table, "total-data-files"), 0);
    assert_int_equal(commit(f, late), RC_CONFLICT); // refers to a file that is gone
}

static void test_schema_changes_go_with_the_data_and_collide_with_others(void **state)
{
    struct fixture *f = *state;
    struct transaction *tx[2];
    for (int i = 0; i < 2; i++) {
        struct schema schema;
        int32_t last;
        tx[i] = begin(f);
        const struct table_metadata *m = transaction_table(tx[i])->metadata;
        struct schema_update *u =
            schema_update_open(f->arena, metadata_schema(m), m->last_column_id, 2);
        assert_ok(f,
                  schema_update_add(u, STR(""), i == 0 ? STR("x") : STR("y"), type_of(TYPE_DOUBLE),
                                    (struct schema_add_options){0}, &f->err));
        assert_ok(f, schema_update_widen(u, STR("id"), type_of(TYPE_LONG), &f->err));
        assert_ok(f, schema_update_finish(u, &schema, &last, &f->err));
        assert_ok(f, transaction_update_schema(tx[i], &schema, last, &f->err));
        const struct data_file file = file_named(f, i == 0 ? "a" : "b", 1);
        assert_ok(f, transaction_append(tx[i], &file, 1, &f->err));
    }
    assert_ok(f, commit(f, tx[0]));
    assert_int_equal(commit(f, tx[1]), RC_CONFLICT);
    const struct table table = load(f);
    assert_int_equal(table.metadata->schema_count, 2);
    assert_int_equal(table.metadata->current_schema_id, 1);
    assert_int_equal(table.metadata->last_column_id, 3);
    assert_int_equal(metadata_current_snapshot(table.metadata)->schema_id, 1);
    assert_int_equal(schema_field_by_name(metadata_schema(table.metadata), STR("x"))->id, 3);
}

static void test_specs_keep_the_ids_of_equal_fields(void **state)
{
    struct fixture *f = *state;
    static const char *const specs[][2] = {
        {"bucket(4, id)", NULL}, {"name", NULL}, {"name", "bucket(4, id)"}};
    static const int32_t first_ids[] = {1000, 1001, 1001};
    for (size_t i = 0; i < 3; i++) {
        struct transaction *tx = begin(f);
        struct partition_spec spec;
        struct str calls[2] = {str_of(specs[i][0]), str_of(specs[i][1])};
        assert_ok(
            f, partition_spec_of_calls(f->arena, metadata_schema(transaction_table(tx)->metadata),
                                       calls, calls[1].bytes != NULL ? 2 : 1, &spec, &f->err));
        assert_ok(f, transaction_update_spec(tx, &spec, &f->err));
        assert_ok(f, commit(f, tx));
        const struct table table = load(f);
        assert_int_equal(metadata_spec(table.metadata)->fields[0].field_id, first_ids[i]);
        assert_int_equal(table.metadata->default_spec_id, (int)i + 1);
    }
    const struct table table = load(f);
    assert_int_equal(metadata_spec(table.metadata)->fields[1].field_id, 1000);
    assert_int_equal(table.metadata->last_partition_id, 1001);
}

static void test_branches_do_not_move_main(void **state)
{
    struct fixture *f = *state;
    const int64_t first = append(f, "a");
    struct transaction *tx = begin(f);
    const struct data_file b = file_named(f, "b", 1);
    assert_ok(f, transaction_set_branch(tx, STR("audit"), &f->err));
    assert_ok(f, transaction_append(tx, &b, 1, &f->err));
    assert_ok(f, commit(f, tx));
    const int64_t second = transaction_snapshot_id(tx);
    struct table table = load(f);
    assert_int_equal(table.metadata->current_snapshot_id, first);
    assert_int_equal(metadata_ref(table.metadata, STR("audit"))->snapshot_id, second);
    assert_int_equal(table.metadata->snapshot_log_count, 1);
    // published by moving main forward
    tx = begin(f);
    assert_ok(f, transaction_set_ref(tx, STR(REF_MAIN), second, (struct transaction_ref_options){0},
                                     &f->err));
    assert_ok(f, transaction_remove_ref(tx, STR("audit"), &f->err));
    assert_ok(f, commit(f, tx));
    table = load(f);
    assert_int_equal(table.metadata->current_snapshot_id, second);
    assert_null(metadata_ref(table.metadata, STR("audit")));
}

static void test_a_table_is_made_once_and_a_dropped_one_is_not_committed_to(void **state)
{
    struct fixture *f = *state;
    const struct table_definition definition = definition_of(f);
    struct transaction *tx;
    assert_ok(f, transaction_create_table(f->arena, f->catalog, STR("ns"), STR("t"), &definition,
                                          &tx, &f->err));
    assert_int_equal(commit(f, tx), RC_EXISTS);
    assert_int_equal(transaction_create_table(f->arena, f->catalog, STR("nope"), STR("t"),
                                              &definition, &tx, &f->err),
                     RC_NOT_FOUND);
    struct transaction *late = begin(f);
    const struct data_file a = file_named(f, "a", 1);
    assert_ok(f, transaction_append(late, &a, 1, &f->err));
    assert_ok(f, catalog_drop_table(f->catalog, STR("ns"), STR("t"),
                                    (struct catalog_drop_options){0}, &f->err));
    assert_int_equal(commit(f, late), RC_NOT_FOUND);
    struct table table;
    assert_ok(f, catalog_create_table(f->catalog, STR("ns"), STR("t"), &definition, f->arena,
                                      &table, &f->err));
    assert_int_equal(commit(f, late), RC_CONFLICT); // another table of the same name
    assert_int_equal(catalog_drop_namespace(f->catalog, STR("ns"), &f->err), RC_REFUSED);
    assert_int_equal(
        catalog_load_table(f->catalog, STR("ns"), STR("tt"), f->arena, &table, &f->err),
        RC_NOT_FOUND);
    assert_string_equal(f->err.hint, "did you mean \"ns.t\"?");
}

static void test_expiry_keeps_what_is_referenced(void **state)
{
    struct fixture *f = *state;
    int64_t ids[5];
    for (int i = 0; i < 5; i++) {
        const struct data_file file =
            file_named(f, arena_cstr(f->arena, arena_printf(f->arena, "f%d", i)), 1);
        struct transaction *tx = begin(f);
        assert_ok(f, transaction_replace_all(tx, &file, 1, &f->err));
        assert_ok(f, commit(f, tx));
        ids[i] = transaction_snapshot_id(tx);
    }
    struct transaction *tx = begin(f);
    assert_ok(f, transaction_set_ref(tx, STR("keep"), ids[1],
                                     (struct transaction_ref_options){.is_tag = true}, &f->err));
    assert_ok(f, commit(f, tx));
    struct table table = load(f);
    struct expire_result result;
    const struct expire_options options = {
        .now_ms = INT64_MAX / 2, .older_than_ms = INT64_MAX / 2, .min_snapshots = 2};
    assert_ok(f, table_expire(f->catalog, &table, f->arena, options, &result, &f->err));
    assert_int_equal(result.snapshot_count, 2); // the tag, the newest and its parent stay
    table = load(f);
    assert_int_equal(table.metadata->snapshot_count, 3);
    assert_non_null(metadata_snapshot_by_id(table.metadata, ids[1]));
    static const rc present[] = {RC_NOT_FOUND, RC_OK, RC_NOT_FOUND, RC_OK, RC_OK};
    for (int i = 0; i < 5; i++) {
        struct store_object object;
        const struct str path = arena_printf(f->arena, "%.*s/ns/t/data/f%d", STR_ARGS(f->root), i);
        assert_int_equal(store_head(f->store, path, &object, &f->err), present[i]);
    }
    struct expire_options wrong = options;
    wrong.snapshot_ids = &ids[1];
    wrong.snapshot_id_count = 1;
    assert_int_equal(table_expire(f->catalog, &table, f->arena, wrong, &result, &f->err),
                     RC_REFUSED);
}

static void test_other_format_versions_are_not_changed(void **state)
{
    struct fixture *f = *state;
    struct table table = load(f);
    struct table_metadata metadata = *table.metadata;
    struct transaction *tx;
    metadata.format_version = 1;
    table.metadata = &metadata;
    assert_int_equal(transaction_open(f->arena, &table, &tx, &f->err), RC_UNSUPPORTED);
    struct table_definition definition = definition_of(f);
    definition.format_version = 3;
    assert_int_equal(transaction_create_table(f->arena, f->catalog, STR("ns"), STR("v3"),
                                              &definition, &tx, &f->err),
                     RC_UNSUPPORTED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_appends_over_each_other_all_land),
        TEST(test_a_requirement_is_checked_at_every_attempt),
        TEST(test_a_rollback_takes_the_state_back),
        TEST(test_files_that_are_gone_are_a_conflict),
        TEST(test_a_rewrite_of_the_whole_table_refuses_new_data),
        TEST(test_position_deletes_make_a_row_delta),
        TEST(test_schema_changes_go_with_the_data_and_collide_with_others),
        TEST(test_specs_keep_the_ids_of_equal_fields),
        TEST(test_branches_do_not_move_main),
        TEST(test_a_table_is_made_once_and_a_dropped_one_is_not_committed_to),
        TEST(test_expiry_keeps_what_is_referenced),
        TEST(test_other_format_versions_are_not_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
