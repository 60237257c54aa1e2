// What iceberg/catalog.h promises of every kind of catalog: namespaces, tables, names, folders.

#include "unit_test.h"

#include <stdlib.h>

#include "base/fs.h"
#include "fake_glue.h"
#include "iceberg/catalog.h"
#include "test_place.h"

struct fixture {
    struct arena *arena;
    struct str folder, root; // root: URI of the warehouse
    struct store *store;
    struct catalog_options options;
    struct catalog *catalog;
    struct fake_glue glue;
    struct err err;
};

static void assert_ok(struct fixture *f, rc code)
{
    if (code != RC_OK)
        fail_msg("%s: %s", rc_class_of(code)->name, f->err.message);
}

static struct fixture *open_fixture(const char *type)
{
    char folder[] = "/tmp/moulin-catalog-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct arena *arena = arena_open(NULL);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    f->arena = arena;
    f->folder = arena_str(arena, str_of(folder));
    f->store = place_open(arena, folder, &f->root);
    f->options =
        (struct catalog_options){.type = str_of(type),
                                 .uri = arena_printf(arena, "sqlite:///%s/catalog.db", folder),
                                 .warehouse = f->root,
                                 .store = f->store};
    if (strcmp(type, "glue") == 0)
        f->options.session = fake_glue_open(arena, &f->glue);
    assert_ok(f, catalog_open(&f->options, &f->catalog, &f->err));
    return f;
}

static void close_fixture(struct fixture *f)
{
    catalog_close(f->catalog);
    assert_int_equal(fs_remove_tree(f->folder, NULL), RC_OK);
    arena_close(f->arena);
}

static struct table create(struct fixture *f, const char *namespace_name, const char *name)
{
    struct field *field = ARENA_NEW(f->arena, struct field);
    *field = (struct field){.id = 1, .name = STR("id"), .type = type_of(TYPE_LONG)};
    const struct table_definition definition = {.schema.root = type_struct(field, 1)};
    struct table table;
    assert_ok(f, catalog_create_table(f->catalog, str_of(namespace_name), str_of(name), &definition,
                                      f->arena, &table, &f->err));
    return table;
}

static const char *joined(struct fixture *f, str_vec names)
{
    return arena_cstr(f->arena, str_join(f->arena, names.items, names.count, STR(" ")));
}

static const char *const types[] = {"sql", "filesystem", "glue"};
enum { TYPES = sizeof types / sizeof types[0] };

static void test_namespaces_and_tables_are_listed_made_and_dropped(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        struct fixture *f = open_fixture(types[i]);
        str_vec names = {0};
        bool exists;
        // Glue has no namespaces in namespaces
        const char *inner = strcmp(types[i], "glue") == 0 ? "a_inner" : "a.inner";
        assert_ok(f, catalog_create_namespace(f->catalog, STR("b"), NULL, &f->err));
        assert_ok(f, catalog_create_namespace(f->catalog, str_of(inner), NULL, &f->err));
        assert_int_equal(catalog_create_namespace(f->catalog, STR("b"), NULL, &f->err), RC_EXISTS);
        assert_ok(f, catalog_ensure_namespace(f->catalog, STR("b"), &f->err));
        assert_ok(f, catalog_list_namespaces(f->catalog, f->arena, &names, &f->err));
        assert_string_equal(joined(f, names), arena_printf(f->arena, "%s b", inner).bytes);
        create(f, inner, "two");
        create(f, inner, "one");
        assert_ok(f, catalog_list_tables(f->catalog, f->arena, str_of(inner), &names, &f->err));
        assert_string_equal(joined(f, names), "one two");
        assert_int_equal(catalog_drop_namespace(f->catalog, str_of(inner), &f->err), RC_REFUSED);
        assert_ok(f, catalog_drop_table(f->catalog, str_of(inner), STR("one"),
                                        (struct catalog_drop_options){0}, &f->err));
        assert_ok(f, catalog_table_exists(f->catalog, str_of(inner), STR("one"), &exists, &f->err));
        assert_false(exists);
        assert_int_equal(catalog_drop_table(f->catalog, str_of(inner), STR("one"),
                                            (struct catalog_drop_options){0}, &f->err),
                         RC_NOT_FOUND);
        assert_ok(f, catalog_drop_namespace(f->catalog, STR("b"), &f->err));
        assert_int_equal(catalog_drop_namespace(f->catalog, STR("b"), &f->err), RC_NOT_FOUND);
        close_fixture(f);
    }
}

static rc count_object(void *context, const struct store_object *object, struct err *err)
{
    (void)object;
    (void)err;
    ++*(int *)context;
    return RC_OK;
}

static void test_a_purged_table_leaves_no_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        struct fixture *f = open_fixture(types[i]);
        int count = 0;
        assert_ok(f, catalog_create_namespace(f->catalog, STR("ns"), NULL, &f->err));
        const struct table table = create(f, "ns", "t");
        struct transaction *tx;
        const struct data_file file = {.path = arena_printf(f->arena, "%.*s/data/f.parquet",
                                                            STR_ARGS(table.metadata->location)),
                                       .record_count = 1,
                                       .file_size_bytes = 1};
        assert_ok(f,
                  store_put(f->store, file.path, STR("x"), (struct store_put_options){0}, &f->err));
        assert_ok(f, transaction_open(f->arena, &table, &tx, &f->err));
        assert_ok(f, transaction_append(tx, &file, 1, &f->err));
        assert_ok(f, catalog_commit(f->catalog, &tx, 1, &f->err));
        assert_ok(f, catalog_drop_table(f->catalog, STR("ns"), STR("t"),
                                        (struct catalog_drop_options){.purge = true}, &f->err));
        const struct str prefix =
            arena_printf(f->arena, "%.*s/", STR_ARGS(table.metadata->location));
        assert_ok(f, store_list(f->store, prefix, count_object, &count, &f->err));
        assert_int_equal(count, 0);
        close_fixture(f);
    }
}

static void test_a_namespace_may_have_a_location_of_its_own(void **state)
{
    (void)state;
    struct fixture *f = open_fixture("sql");
    const struct str elsewhere = arena_printf(f->arena, "%.*s-b", STR_ARGS(f->root));
    const struct catalog_location locations[] = {{STR("own"), elsewhere}, {STR("old"), elsewhere}};
    struct properties given = {0};
    struct catalog *catalog;
    struct str location;
    assert_ok(f, catalog_create_namespace(f->catalog, STR("old"), NULL, &f->err));
    f->options.locations = locations;
    f->options.location_count = 2;
    assert_ok(f, catalog_open(&f->options, &catalog, &f->err));
    assert_ok(f, catalog_ensure_namespace(catalog, STR("own"), &f->err));
    // other clients find it in the namespace's properties
    assert_ok(
        f, catalog_table_location(f->catalog, f->arena, STR("own"), STR("t"), &location, &f->err));
    assert_string_equal(arena_cstr(f->arena, location),
                        arena_printf(f->arena, "%.*s/t", STR_ARGS(elsewhere)).bytes);
    assert_ok(f,
              catalog_table_location(catalog, f->arena, STR("old"), STR("t"), &location, &f->err));
    assert_string_equal(arena_cstr(f->arena, location),
                        arena_printf(f->arena, "%.*s/t", STR_ARGS(elsewhere)).bytes);
    // what was said on creation stands
    properties_set(f->arena, &given, STR("location"), STR("file:///given"));
    assert_ok(f, catalog_drop_namespace(catalog, STR("own"), &f->err));
    assert_ok(f, catalog_create_namespace(catalog, STR("own"), &given, &f->err));
    assert_ok(f,
              catalog_table_location(catalog, f->arena, STR("own"), STR("t"), &location, &f->err));
    assert_string_equal(arena_cstr(f->arena, location), "file:///given/t");
    catalog_close(catalog);
    f->options.type = STR("filesystem");
    assert_int_equal(catalog_open(&f->options, &catalog, &f->err), RC_CONFIG);
    close_fixture(f);
}

static void rename_and_register(const char *type)
{
    struct fixture *f = open_fixture(type);
    struct table table, opened;
    assert_ok(f, catalog_create_namespace(f->catalog, STR("ns"), NULL, &f->err));
    create(f, "ns", "t");
    create(f, "ns", "other");
    assert_ok(f,
              catalog_rename_table(f->catalog, STR("ns"), STR("t"), STR("ns"), STR("u"), &f->err));
    assert_int_equal(
        catalog_rename_table(f->catalog, STR("ns"), STR("u"), STR("ns"), STR("other"), &f->err),
        RC_EXISTS);
    assert_int_equal(
        catalog_rename_table(f->catalog, STR("ns"), STR("u"), STR("no"), STR("x"), &f->err),
        RC_NOT_FOUND);
    assert_ok(f, catalog_load_table(f->catalog, STR("ns"), STR("u"), f->arena, &table, &f->err));
    assert_ok(f, catalog_register_table(f->catalog, STR("ns"), STR("again"),
                                        table.metadata_location, &f->err));
    assert_int_equal(catalog_register_table(f->catalog, STR("ns"), STR("again"),
                                            table.metadata_location, &f->err),
                     RC_EXISTS);
    assert_ok(f, table_open(f->store, f->arena, table.metadata_location, &opened, &f->err));
    assert_true(str_equal(opened.metadata->table_uuid, table.metadata->table_uuid));
    close_fixture(f);
}

static void test_tables_are_renamed_and_registered_where_names_are_free(void **state)
{
    (void)state;
    rename_and_register("sql");
    rename_and_register("glue");
}

static void test_a_table_folder_is_opened_by_its_newest_version(void **state)
{
    (void)state;
    struct fixture *f = open_fixture("filesystem");
    struct table table;
    assert_ok(f, catalog_create_namespace(f->catalog, STR("ns"), NULL, &f->err));
    const struct table created = create(f, "ns", "t");
    struct transaction *tx;
    assert_ok(f, transaction_open(f->arena, &created, &tx, &f->err));
    assert_ok(f, transaction_set_property(tx, STR("k"), STR("v"), &f->err));
    assert_ok(f, catalog_commit(f->catalog, &tx, 1, &f->err));
    // a hint that is old, damaged or missing does not matter
    static const char *const hints[] = {"1", "77", "x", NULL};
    for (size_t i = 0; i < 4; i++) {
        const struct str hint = arena_printf(f->arena, "%.*s/metadata/version-hint.text",
                                             STR_ARGS(created.metadata->location));
        if (hints[i] != NULL)
            assert_ok(f, store_put(f->store, hint, str_of(hints[i]), (struct store_put_options){0},
                                   &f->err));
        else
            assert_ok(f, store_remove(f->store, hint, &f->err));
        assert_ok(f, table_open(f->store, f->arena, created.metadata->location, &table, &f->err));
        assert_true(str_is(properties_get(&table.metadata->properties, STR("k"), STR("")), "v"));
    }
    assert_int_equal(table_open(f->store, f->arena, f->root, &table, &f->err), RC_NOT_FOUND);
    close_fixture(f);
}

static void test_names_that_leave_their_folder_are_refused(void **state)
{
    (void)state;
    struct fixture *f = open_fixture("sql");
    static const char *const wrong[] = {"", "../x", "a/b", ".hidden", "a..b"};
    assert_ok(f, catalog_create_namespace(f->catalog, STR("ns"), NULL, &f->err));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct str location;
        assert_int_equal(catalog_create_namespace(f->catalog, str_of(wrong[i]), NULL, &f->err),
                         RC_INVALID);
        assert_int_equal(catalog_table_location(f->catalog, f->arena, STR("ns"), str_of(wrong[i]),
                                                &location, &f->err),
                         RC_INVALID);
    }
    close_fixture(f);
}

static void test_a_catalog_for_reading_changes_nothing(void **state)
{
    (void)state;
    struct fixture *f = open_fixture("sql");
    struct catalog *reader;
    struct table table;
    assert_ok(f, catalog_create_namespace(f->catalog, STR("ns"), NULL, &f->err));
    create(f, "ns", "t");
    f->options.is_read_only = true;
    assert_ok(f, catalog_open(&f->options, &reader, &f->err));
    assert_ok(f, catalog_load_table(reader, STR("ns"), STR("t"), f->arena, &table, &f->err));
    struct transaction *tx;
    assert_ok(f, transaction_open(f->arena, &table, &tx, &f->err));
    assert_ok(f, transaction_set_property(tx, STR("k"), STR("v"), &f->err));
    assert_int_equal(catalog_commit(reader, &tx, 1, &f->err), RC_DENIED);
    assert_int_equal(catalog_create_namespace(reader, STR("x"), NULL, &f->err), RC_DENIED);
    catalog_close(reader);
    f->options.uri = arena_printf(f->arena, "sqlite:///%.*s/none.db", STR_ARGS(f->folder));
    assert_int_equal(catalog_open(&f->options, &reader, &f->err), RC_NOT_FOUND);
    close_fixture(f);
}

static void test_wrong_options_are_refused_with_a_hint(void **state)
{
    (void)state;
    struct fixture *f = open_fixture("sql");
    struct catalog *catalog;
    f->options.uri = STR("postgresql://x");
    assert_int_equal(catalog_open(&f->options, &catalog, &f->err), RC_CONFIG);
    assert_true(f->err.hint[0] != '\0');
    f->options.type = STR("hive");
    assert_int_equal(catalog_open(&f->options, &catalog, &f->err), RC_CONFIG);
    assert_string_equal(f->err.hint, "types: sql, filesystem, glue");
    close_fixture(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_namespaces_and_tables_are_listed_made_and_dropped),
        cmocka_unit_test(test_a_purged_table_leaves_no_file),
        cmocka_unit_test(test_a_namespace_may_have_a_location_of_its_own),
        cmocka_unit_test(test_tables_are_renamed_and_registered_where_names_are_free),
        cmocka_unit_test(test_a_table_folder_is_opened_by_its_newest_version),
        cmocka_unit_test(test_names_that_leave_their_folder_are_refused),
        cmocka_unit_test(test_a_catalog_for_reading_changes_nothing),
        cmocka_unit_test(test_wrong_options_are_refused_with_a_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
