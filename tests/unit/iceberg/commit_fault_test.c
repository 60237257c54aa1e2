// Commits while storage or the catalog fails: at each operation once, for ever, or with the
// operation carried out and reported as failed. Whatever happens, the table is readable, holds the
// files of before or of after the commit and nothing in between, tells which, and owns every file.

#include "unit_test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "db/sqlite.h"
#include "iceberg/maintenance.h"
#include "test_place.h"

enum { MAX_OPERATIONS = 200, TABLES = 3 };

struct fixture {
    struct arena *arena;
    struct str folder;    // of the catalog file
    struct str uri, root; // root: of the warehouse
    struct store *inner, *faulty;
    struct store_fault fault;
    enum store_operation failed_operation;
    bool has_failed;
    struct catalog *catalog;
    struct err err;
};

static void note_failure(void *context, enum store_operation operation, struct str uri, rc result)
{
    (void)uri;
    struct fixture *f = context;
    // reading what is not there is no failure
    if (result == RC_OK || result == RC_NOT_FOUND || result == RC_EXISTS || f->has_failed)
        return;
    f->has_failed = true;
    f->failed_operation = operation;
}

static void assert_ok(struct fixture *f, rc code)
{
    if (code != RC_OK)
        fail_msg("%s: %s", rc_class_of(code)->name, f->err.message);
}

static void open_catalog(struct fixture *f, const char *type)
{
    const struct catalog_options options = {.type = str_of(type),
                                            .uri = f->uri,
                                            .warehouse = f->root,
                                            .store = f->faulty,
                                            .busy_timeout_ms = 50};
    assert_ok(f, catalog_open(&options, &f->catalog, &f->err));
}

static struct str path_named(struct fixture *f, const char *name)
{
    return arena_printf(f->arena, "%.*s/files/%s.parquet", STR_ARGS(f->root), name);
}

static struct data_file file_named(struct fixture *f, const char *name)
{
    const struct str path = path_named(f, name);
    assert_ok(f, store_put(f->inner, path, STR("rows"), (struct store_put_options){0}, &f->err));
    return (struct data_file){
        .path = path, .file_format = STR("PARQUET"), .record_count = 10, .file_size_bytes = 4};
}

static struct table_definition definition_of(struct fixture *f)
{
    struct field *field = ARENA_NEW(f->arena, struct field);
    *field = (struct field){.id = 1, .name = STR("id"), .type = type_of(TYPE_LONG)};
    struct table_definition definition = {.schema.root = type_struct(field, 1)};
    properties_set(f->arena, &definition.properties, STR("commit.manifest.min-count-to-merge"),
                   STR("3"));
    return definition;
}

static const char *const table_names[TABLES] = {"a", "b", "new"};

static struct table load(struct fixture *f, const char *name)
{
    struct table table;
    assert_ok(f,
              catalog_load_table(f->catalog, STR("ns"), str_of(name), f->arena, &table, &f->err));
    return table;
}

static void append_one(struct fixture *f, const char *table_name, const char *name)
{
    const struct table table = load(f, table_name);
    const struct data_file file = file_named(f, name);
    struct transaction *tx;
    assert_ok(f, transaction_open(f->arena, &table, &tx, &f->err));
    assert_ok(f, transaction_append(tx, &file, 1, &f->err));
    assert_ok(f, catalog_commit(f->catalog, &tx, 1, &f->err));
}

/// Two tables "a" and "b", each with files 1 and 2 in two manifests; no faults yet.
enum place { IN_MEMORY, ON_DISK };

static struct fixture *open_fixture(const char *type, enum place place)
{
    // hundreds of catalogs with their fsyncs: where there is a memory disk, on it
    char disk[] = "/tmp/moulin-commit-XXXXXX", memory[] = "/dev/shm/moulin-commit-XXXXXX";
    char *folder = access("/dev/shm", W_OK) == 0 ? memory : disk;
    assert_non_null(mkdtemp(folder));
    struct arena *arena = arena_open(NULL);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    f->arena = arena;
    f->folder = arena_str(arena, str_of(folder));
    f->uri = arena_printf(arena, "sqlite:///%s/catalog.db", folder);
    f->root = STR("memory://warehouse");
    f->inner = place == IN_MEMORY && !place_is_remote()
                   ? store_open_memory(arena)
                   : place_open(arena, arena_printf(arena, "%s/warehouse", folder).bytes, &f->root);
    f->faulty = store_open_fault(arena, f->inner, &f->fault);
    f->fault.context = f;
    f->fault.after = note_failure;
    open_catalog(f, type);
    assert_ok(f, catalog_create_namespace(f->catalog, STR("ns"), NULL, &f->err));
    for (int i = 0; i < 2; i++) {
        const struct table_definition definition = definition_of(f);
        struct table table;
        assert_ok(f, catalog_create_table(f->catalog, STR("ns"), str_of(table_names[i]),
                                          &definition, f->arena, &table, &f->err));
        append_one(f, table_names[i],
                   arena_cstr(f->arena, arena_printf(arena, "%s1", table_names[i])));
        append_one(f, table_names[i],
                   arena_cstr(f->arena, arena_printf(arena, "%s2", table_names[i])));
    }
    return f;
}

static void close_fixture(struct fixture *f)
{
    catalog_close(f->catalog);
    assert_int_equal(fs_remove_tree(f->folder, &f->err), RC_OK);
    arena_close(f->arena);
}

// What a commit can be; each returns what catalog_commit or a step before it said

static rc commit_append(struct fixture *f)
{
    struct table table;
    struct transaction *tx;
    const struct data_file file = file_named(f, "a3");
    TRY(catalog_load_table(f->catalog, STR("ns"), STR("a"), f->arena, &table, &f->err));
    TRY(transaction_open(f->arena, &table, &tx, &f->err));
    TRY(transaction_append(tx, &file, 1, &f->err));
    return catalog_commit(f->catalog, &tx, 1, &f->err);
}

static rc commit_overwrite(struct fixture *f)
{
    struct table table;
    struct transaction *tx;
    const struct str old = path_named(f, "a1");
    const struct data_file file = file_named(f, "a3");
    TRY(catalog_load_table(f->catalog, STR("ns"), STR("a"), f->arena, &table, &f->err));
    TRY(transaction_open(f->arena, &table, &tx, &f->err));
    TRY(transaction_overwrite(tx, &old, 1, &file, 1, &f->err));
    return catalog_commit(f->catalog, &tx, 1, &f->err);
}

static rc commit_replace(struct fixture *f)
{
    struct table table;
    struct transaction *tx;
    const struct data_file file = file_named(f, "a3");
    TRY(catalog_load_table(f->catalog, STR("ns"), STR("a"), f->arena, &table, &f->err));
    TRY(transaction_open(f->arena, &table, &tx, &f->err));
    TRY(transaction_replace_all(tx, &file, 1, &f->err));
    return catalog_commit(f->catalog, &tx, 1, &f->err);
}

/// Three tables at once, one of them new.
static rc commit_many(struct fixture *f)
{
    struct table a, b;
    struct transaction *tx[TABLES];
    const struct data_file files[TABLES] = {file_named(f, "a3"), file_named(f, "b3"),
                                            file_named(f, "new1")};
    const struct table_definition definition = definition_of(f);
    TRY(catalog_load_table(f->catalog, STR("ns"), STR("a"), f->arena, &a, &f->err));
    TRY(catalog_load_table(f->catalog, STR("ns"), STR("b"), f->arena, &b, &f->err));
    TRY(transaction_open(f->arena, &a, &tx[0], &f->err));
    TRY(transaction_open(f->arena, &b, &tx[1], &f->err));
    TRY(transaction_create_table(f->arena, f->catalog, STR("ns"), STR("new"), &definition, &tx[2],
                                 &f->err));
    for (int i = 0; i < TABLES; i++)
        TRY(transaction_append(tx[i], &files[i], 1, &f->err));
    return catalog_commit(f->catalog, tx, TABLES, &f->err);
}

static const struct scenario {
    const char *name;
    const char *catalog_type;
    rc (*commit)(struct fixture *f);
    const char *before[TABLES], *after[TABLES]; // live files per table; NULL = no such table
} scenarios[] = {
    {"append", "sql", commit_append, {"a1 a2", "b1 b2"}, {"a1 a2 a3", "b1 b2"}},
    {"overwrite", "sql", commit_overwrite, {"a1 a2", "b1 b2"}, {"a2 a3", "b1 b2"}},
    {"replace", "sql", commit_replace, {"a1 a2", "b1 b2"}, {"a3", "b1 b2"}},
    {"many", "sql", commit_many, {"a1 a2", "b1 b2"}, {"a1 a2 a3", "b1 b2 b3", "new1"}},
    {"append in folders", "filesystem", commit_append, {"a1 a2", "b1 b2"}, {"a1 a2 a3", "b1 b2"}},
    {"replace in folders", "filesystem", commit_replace, {"a1 a2", "b1 b2"}, {"a3", "b1 b2"}},
};

// Looking at the result

static rc note_file(void *context, const struct manifest_entry *entry, struct err *err)
{
    (void)err;
    str_vec *names = ((void **)context)[0];
    struct arena *arena = ((void **)context)[1];
    const struct str path = entry->file.path;
    const size_t slash = str_find_last_byte(path, '/');
    const struct str name =
        arena_str(arena, str_slice(path, slash + 1, path.length - slash - 1 - strlen(".parquet")));
    size_t at = names->count;
    (void)vec_push(arena, names);
    for (; at > 0 && str_compare(names->items[at - 1], name) > 0; at--)
        names->items[at] = names->items[at - 1];
    names->items[at] = name;
    return RC_OK;
}

/// "a1 a2": the live files, sorted; NULL when there is no such table.
static const char *live_files(struct fixture *f, const char *table_name)
{
    bool exists;
    str_vec names = {0};
    void *context[] = {&names, f->arena};
    assert_ok(f, catalog_table_exists(f->catalog, STR("ns"), str_of(table_name), &exists, &f->err));
    if (!exists)
        return NULL;
    const struct table table = load(f, table_name);
    assert_ok(f, table_visit_files(&table, metadata_current_snapshot(table.metadata),
                                   (struct manifest_read_options){.columns = MANIFEST_ALL},
                                   note_file, context, &f->err));
    return arena_cstr(f->arena, str_join(f->arena, names.items, names.count, STR(" ")));
}

static bool holds(struct fixture *f, const char *const *expected)
{
    for (int i = 0; i < TABLES; i++) {
        const char *found = live_files(f, table_names[i]);
        if ((found == NULL) != (expected[i] == NULL) ||
            (found != NULL && strcmp(found, expected[i]) != 0))
            return false;
    }
    return true;
}

static rc note_candidate(void *context, const struct store_object *object, struct err *err)
{
    (void)err;
    void **parts = context;
    str_vec *uris = parts[0];
    *vec_push((struct arena *)parts[1], uris) = arena_str(parts[1], object->uri);
    return RC_OK;
}

/// Metadata files below the tables' folders that nobody refers to.
static str_vec list_unowned(struct fixture *f)
{
    str_vec unowned = {0};
    for (int i = 0; i < TABLES; i++) {
        str_vec uris = {0}, orphans = {0};
        void *context[] = {&uris, f->arena};
        const struct str folder =
            arena_printf(f->arena, "%.*s/ns/%s/", STR_ARGS(f->root), table_names[i]);
        assert_ok(f, store_list(f->inner, folder, note_candidate, context, &f->err));
        bool exists;
        assert_ok(f, catalog_table_exists(f->catalog, STR("ns"), str_of(table_names[i]), &exists,
                                          &f->err));
        if (!exists) {
            for (size_t k = 0; k < uris.count; k++)
                *vec_push(f->arena, &unowned) = uris.items[k];
            continue;
        }
        struct orphan_candidate *candidates =
            ARENA_ARRAY(f->arena, struct orphan_candidate, uris.count);
        for (size_t k = 0; k < uris.count; k++)
            candidates[k] = (struct orphan_candidate){uris.items[k], 0};
        const struct table table = load(f, table_names[i]);
        assert_ok(f, table_orphans(&table, f->arena, candidates, uris.count,
                                   (struct orphan_options){0}, &orphans, &f->err));
        for (size_t k = 0; k < orphans.count; k++)
            *vec_push(f->arena, &unowned) = orphans.items[k];
    }
    return unowned;
}

static size_t unowned_files(struct fixture *f)
{
    return list_unowned(f).count;
}

enum mode { FAILS_ONCE, FAILS_FOR_EVER, DONE_BUT_FAILS, MODE_COUNT };

/// @return whether the fault was reached: beyond the last operation there is nothing to fail
static bool run_with_fault(const struct scenario *scenario, enum mode mode, int64_t fail_at)
{
    struct fixture *f = open_fixture(scenario->catalog_type, IN_MEMORY);
    assert_true(holds(f, scenario->before));
    f->fault.operation_count = 0;
    f->fault.fail_at = fail_at;
    f->fault.is_for_ever = mode == FAILS_FOR_EVER;
    f->fault.is_done_first = mode == DONE_BUT_FAILS;
    const rc code = scenario->commit(f);
    const bool was_reached = f->fault.operation_count >= fail_at;
    f->fault.fail_at = 0;

    const bool is_before = holds(f, scenario->before), is_after = holds(f, scenario->after);
    if (!(code == RC_OK ? is_after : code == RC_UNKNOWN ? is_before || is_after : is_before))
        fail_msg("%s, mode %d, operation %lld: said %s, but the tables are %s", scenario->name,
                 (int)mode, (long long)fail_at, rc_class_of(code)->name,
                 is_before  ? "unchanged"
                 : is_after ? "changed"
                            : "neither old nor new");
    // when removing fails too, or nobody knows the outcome, a file may stay for the clean-up
    const bool may_leave = mode == FAILS_FOR_EVER || code == RC_UNKNOWN ||
                           (f->has_failed && f->failed_operation == STORE_REMOVE);
    const size_t unowned = unowned_files(f);
    if (unowned > 0 && !may_leave)
        fail_msg("%s, mode %d, operation %lld (%s): %zu files are left", scenario->name, (int)mode,
                 (long long)fail_at, store_operation_names[f->failed_operation], unowned);

    // the next one works
    append_one(f, "a", "a9");
    close_fixture(f);
    return was_reached;
}

static void test_each_storage_fault_leaves_the_tables_whole(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof scenarios / sizeof scenarios[0]; s++)
        for (int mode = 0; mode < MODE_COUNT; mode++) {
            int64_t at = 1;
            while (at < MAX_OPERATIONS && run_with_fault(&scenarios[s], (enum mode)mode, at))
                at++;
            assert_true(at > 5 && at < MAX_OPERATIONS);
        }
}

// Kills: a process that ends in the middle of a commit, at every storage operation

static rc end_at(void *context, enum store_operation operation, struct str uri, struct err *err)
{
    (void)operation;
    (void)uri;
    (void)err;
    int64_t *left = context;
    if (--*left == 0)
        _exit(9);
    return RC_OK;
}

/// In the child: commits with a store that ends the process. Never returns.
static void commit_and_die(struct fixture *f, const struct scenario *scenario, int64_t at)
{
    f->fault = (struct store_fault){.before = end_at, .context = &at};
    open_catalog(f, scenario->catalog_type);
    const rc code = scenario->commit(f);
    _exit(code == RC_OK ? 0 : 1);
}

enum ending { KILLED_BEFORE, KILLED_AFTER, DONE };

/// What became of a commit that was killed at that operation. The fixture is as before afterwards,
/// unless the commit happened.
static enum ending run_with_kill(struct fixture *f, const struct scenario *scenario, int64_t at)
{
    int status;
    catalog_close(f->catalog); // a SQLite connection must not cross a fork
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        commit_and_die(f, scenario, at);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
    const bool was_killed = WEXITSTATUS(status) == 9;

    open_catalog(f, scenario->catalog_type);
    const bool is_before = holds(f, scenario->before), is_after = holds(f, scenario->after);
    if (was_killed ? !is_before && !is_after : !is_after)
        fail_msg("%s, killed at operation %lld: the tables are neither old nor new", scenario->name,
                 (long long)at);
    // what the dead process left is found, and nothing else is
    const str_vec unowned = list_unowned(f);
    for (size_t i = 0; i < unowned.count; i++)
        assert_ok(f, store_remove(f->inner, unowned.items[i], &f->err));
    assert_int_equal(unowned_files(f), 0);
    assert_true(is_after ? holds(f, scenario->after) : holds(f, scenario->before));
    return !was_killed ? DONE : is_after ? KILLED_AFTER : KILLED_BEFORE;
}

static void test_a_kill_at_each_step_leaves_the_tables_whole(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof scenarios / sizeof scenarios[0]; s++) {
        struct fixture *f = open_fixture(scenarios[s].catalog_type, ON_DISK);
        enum ending ending;
        int64_t at = 0;
        while ((ending = run_with_kill(f, &scenarios[s], ++at)) != DONE) {
            assert_true(at < MAX_OPERATIONS);
            if (ending == KILLED_BEFORE)
                continue;
            append_one(f, "a", "a9"); // the next one works
            close_fixture(f);
            f = open_fixture(scenarios[s].catalog_type, ON_DISK);
        }
        assert_true(at > 3);
        append_one(f, "a", "a9");
        close_fixture(f);
    }
}

// The catalog file

static struct sqlite *other_connection(struct fixture *f)
{
    struct sqlite *db;
    assert_ok(f, sqlite_open(f->arena, str_concat(f->arena, f->folder, STR("/catalog.db")),
                             (struct sqlite_options){0}, &db, &f->err));
    return db;
}

static void test_each_catalog_fault_leaves_the_tables_whole(void **state)
{
    (void)state;
    static const char *const faults[] = {
        // the first statement, a later one, and the end of the transaction
        "CREATE TRIGGER fault BEFORE UPDATE ON iceberg_tables BEGIN SELECT RAISE(ABORT, 'x'); END",
        "CREATE TRIGGER fault BEFORE INSERT ON iceberg_tables BEGIN SELECT RAISE(ABORT, 'x'); END",
        "CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (id INTEGER REFERENCES "
        "parent (id) DEFERRABLE INITIALLY DEFERRED); CREATE TRIGGER fault AFTER UPDATE ON "
        "iceberg_tables BEGIN INSERT INTO child VALUES (1); END",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct fixture *f = open_fixture("sql", IN_MEMORY);
        struct sqlite *db = other_connection(f);
        assert_ok(f, sqlite_exec(db, faults[i], &f->err));
        assert_int_not_equal(commit_many(f), RC_OK);
        assert_true(holds(f, scenarios[3].before));
        assert_int_equal(unowned_files(f), 0);
        assert_ok(f, sqlite_exec(db, "DROP TRIGGER fault", &f->err));
        assert_ok(f, commit_many(f));
        assert_true(holds(f, scenarios[3].after));
        close_fixture(f);
    }
}

static void test_a_locked_catalog_is_busy_after_a_bounded_wait(void **state)
{
    (void)state;
    struct fixture *f = open_fixture("sql", IN_MEMORY);
    struct sqlite *db = other_connection(f);
    assert_ok(f, sqlite_begin_immediate(db, &f->err));
    assert_int_equal(commit_append(f), RC_BUSY);
    assert_non_null(strstr(f->err.message, "is locked by another process"));
    sqlite_rollback(db);
    assert_int_equal(unowned_files(f), 0);
    assert_ok(f, commit_append(f));
    assert_true(holds(f, scenarios[0].after));
    close_fixture(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_storage_fault_leaves_the_tables_whole),
        cmocka_unit_test(test_a_kill_at_each_step_leaves_the_tables_whole),
        cmocka_unit_test(test_each_catalog_fault_leaves_the_tables_whole),
        cmocka_unit_test(test_a_locked_catalog_is_busy_after_a_bounded_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
