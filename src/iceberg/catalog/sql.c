/// SQL catalog in a SQLite file: the tables and statements of PyIceberg's SqlCatalog, so that both
/// can use one file. Rollback journal and synchronous=FULL; writers queue at BEGIN IMMEDIATE.
/// Source: PyIceberg 0.12 catalog/sql.py. Schema version V1 has the column iceberg_type; a V0 file
/// stays V0.

#include "base/fs.h"
#include "base/random.h"
#include "db/sqlite.h"
#include "iceberg/catalog/driver.h"

struct sql_catalog {
    struct sqlite *db;
    bool has_type; // V1
    struct str path;
};

static struct sql_catalog *self_of(struct catalog *catalog)
{
    return catalog->self;
}

// Opening

static const char ddl[] = "CREATE TABLE IF NOT EXISTS iceberg_tables (\n"
                          "\tcatalog_name VARCHAR(255) NOT NULL, \n"
                          "\ttable_namespace VARCHAR(255) NOT NULL, \n"
                          "\ttable_name VARCHAR(255) NOT NULL, \n"
                          "\tmetadata_location VARCHAR(1000), \n"
                          "\tprevious_metadata_location VARCHAR(1000), \n"
                          "\ticeberg_type VARCHAR(5), \n"
                          "\tPRIMARY KEY (catalog_name, table_namespace, table_name)\n"
                          ");"
                          "CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (\n"
                          "\tcatalog_name VARCHAR(255) NOT NULL, \n"
                          "\tnamespace VARCHAR(255) NOT NULL, \n"
                          "\tproperty_key VARCHAR(255) NOT NULL, \n"
                          "\tproperty_value VARCHAR(1000) NOT NULL, \n"
                          "\tPRIMARY KEY (catalog_name, namespace, property_key)\n"
                          ");";

static rc path_of_uri(struct str uri, struct str *ret_path, struct err *err)
{
    static const struct str prefixes[] = {STR_INIT("sqlite:///"), STR_INIT("sqlite+pysqlite:///")};
    for (size_t i = 0; i < 2; i++) {
        if (str_has_prefix(uri, prefixes[i]) && uri.length > prefixes[i].length) {
            *ret_path = str_slice(uri, prefixes[i].length, SIZE_MAX);
            return RC_OK;
        }
    }
    err_set(err, RC_CONFIG, "the catalog's uri \"%.*s\" is no SQLite file", STR_ARGS(uri));
    return err_hint(err, "write sqlite:///relative/path.db or sqlite:////absolute/path.db");
}

static rc has_column(struct sqlite *db, const char *table, const char *column, bool *ret_has,
                     struct err *err)
{
    struct sqlite_statement *statement;
    TRY(sqlite_prepare(db, STR("SELECT count(*) FROM pragma_table_info(?) WHERE name = ?"),
                       &statement, err));
    sqlite_bind_text(statement, 1, str_of(table));
    sqlite_bind_text(statement, 2, str_of(column));
    const rc code = sqlite_step(statement, err);
    if (code == RC_OK)
        *ret_has = sqlite_column_int64(statement, 0) > 0;
    sqlite_finalize(statement);
    return code;
}

static rc make_tables(struct catalog *catalog, struct err *err)
{
    struct sql_catalog *sql = self_of(catalog);
    bool has_tables, has_namespaces;
    TRY(has_column(sql->db, "iceberg_tables", "table_name", &has_tables, err));
    TRY(has_column(sql->db, "iceberg_namespace_properties", "namespace", &has_namespaces, err));
    if (!has_tables && catalog->is_read_only)
        return err_set(err, RC_NOT_FOUND, "it holds no Iceberg catalog");
    if ((!has_tables || !has_namespaces) && !catalog->is_read_only) {
        TRY(sqlite_begin_immediate(sql->db, err));
        rc code = sqlite_exec(sql->db, ddl, err);
        if (code == RC_OK)
            code = sqlite_commit(sql->db, err);
        if (code != RC_OK) {
            sqlite_rollback(sql->db);
            return code;
        }
    }
    return has_column(sql->db, "iceberg_tables", "iceberg_type", &sql->has_type, err);
}

static rc sql_open(struct catalog *catalog, const struct catalog_options *options, struct err *err)
{
    struct sql_catalog *sql = ARENA_NEW(catalog->arena, struct sql_catalog);
    struct str path;
    TRY(path_of_uri(options->uri, &path, err));
    sql->path = arena_str(catalog->arena, path);
    catalog->self = sql;
    const struct sqlite_options sqlite = {.is_read_only = catalog->is_read_only,
                                          .busy_timeout_ms = catalog->busy_timeout_ms};
    // A new project has no warehouse folder yet; without write access its absence is told below.
    if (!sqlite.is_read_only && !str_is(path, ":memory:"))
        TRY_CONTEXT(fs_make_folders(fs_parent(path), err), err, "catalog");
    TRY_CONTEXT(sqlite_open(catalog->arena, path, sqlite, &sql->db, err), err, "catalog");
    TRY_CONTEXT(make_tables(catalog, err), err, "catalog %.*s", STR_ARGS(path));
    return RC_OK;
}

// Statements. `%type` stands for the condition that leaves views out, on V1 files only.

static rc prepare(struct catalog *catalog, const char *text,
                  struct sqlite_statement **ret_statement, struct err *err)
{
    struct sql_catalog *sql = self_of(catalog);
    struct arena *scratch = arena_open(NULL);
    const struct str condition =
        sql->has_type ? STR(" AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)") : STR("");
    const struct str full = str_replace(scratch, str_of(text), STR("%type"), condition);
    const rc code = sqlite_prepare(sql->db, full, ret_statement, err);
    arena_close(scratch);
    return code;
}

/// Prepares and binds the catalog's name and further texts, in order.
static rc prepare_bound(struct catalog *catalog, const char *text, const struct str *values,
                        size_t count, struct sqlite_statement **ret_statement, struct err *err)
{
    TRY(prepare(catalog, text, ret_statement, err));
    sqlite_bind_text(*ret_statement, 1, catalog->name);
    for (size_t i = 0; i < count; i++)
        sqlite_bind_text(*ret_statement, (int)i + 2, values[i]);
    return RC_OK;
}

static rc run(struct catalog *catalog, const char *text, const struct str *values, size_t count,
              int64_t *ret_changes, struct err *err)
{
    struct sqlite_statement *statement;
    TRY(prepare_bound(catalog, text, values, count, &statement, err));
    const rc code = sqlite_run(statement, ret_changes, err);
    sqlite_finalize(statement);
    return code;
}

static rc read_names(struct catalog *catalog, struct arena *arena, const char *text,
                     const struct str *values, size_t count, str_vec *ret_names, struct err *err)
{
    struct sqlite_statement *statement;
    str_vec names = {0};
    TRY(prepare_bound(catalog, text, values, count, &statement, err));
    rc code;
    while ((code = sqlite_step(statement, err)) == RC_OK)
        *vec_push(arena, &names) = arena_str(arena, sqlite_column_text(statement, 0));
    sqlite_finalize(statement);
    if (code != RC_EOF)
        return code;
    *ret_names = names;
    return RC_OK;
}

// Namespaces

static rc sql_list_namespaces(struct catalog *catalog, struct arena *arena, str_vec *ret_names,
                              struct err *err)
{
    const struct str values[] = {catalog->name};
    return read_names(catalog, arena,
                      "SELECT table_namespace FROM iceberg_tables WHERE catalog_name = ? UNION "
                      "SELECT namespace FROM iceberg_namespace_properties WHERE catalog_name = ? "
                      "ORDER BY 1",
                      values, 1, ret_names, err);
}

static rc namespace_has_tables(struct catalog *catalog, struct str name, bool *ret_has,
                               struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    str_vec names = {0};
    const rc code = read_names(catalog, scratch,
                               "SELECT table_name FROM iceberg_tables WHERE catalog_name = ? AND "
                               "table_namespace = ? LIMIT 1",
                               &name, 1, &names, err);
    if (code == RC_OK)
        *ret_has = names.count > 0;
    arena_close(scratch);
    return code;
}

static rc sql_namespace_properties(struct catalog *catalog, struct arena *arena, struct str name,
                                   struct properties *ret_properties, struct err *err)
{
    struct sqlite_statement *statement;
    struct properties found = {0};
    TRY(prepare_bound(catalog,
                      "SELECT property_key, property_value FROM iceberg_namespace_properties "
                      "WHERE catalog_name = ? AND namespace = ? ORDER BY property_key",
                      &name, 1, &statement, err));
    rc code;
    while ((code = sqlite_step(statement, err)) == RC_OK)
        properties_set(arena, &found, sqlite_column_text(statement, 0),
                       sqlite_column_text(statement, 1));
    sqlite_finalize(statement);
    if (code != RC_EOF)
        return code;
    bool has_tables = false;
    if (found.count == 0)
        TRY(namespace_has_tables(catalog, name, &has_tables, err));
    if (found.count == 0 && !has_tables)
        return err_set(err, RC_NOT_FOUND, "there is no namespace \"%.*s\"", STR_ARGS(name));
    *ret_properties = found;
    return RC_OK;
}

/// Commits the open write transaction when its work went well, else rolls it back.
/// @param code  of the work; returned when it is a failure
static rc end_transaction(struct catalog *catalog, rc code, struct err *err)
{
    struct sql_catalog *sql = self_of(catalog);
    if (code == RC_OK)
        code = sqlite_commit(sql->db, err);
    if (code != RC_OK)
        sqlite_rollback(sql->db);
    return code;
}

static rc insert_property(struct catalog *catalog, struct str name, struct str key,
                          struct str value, struct err *err)
{
    const struct str values[] = {name, key, value};
    return run(catalog,
               "INSERT INTO iceberg_namespace_properties (catalog_name, namespace, property_key, "
               "property_value) VALUES (?, ?, ?, ?)",
               values, 3, NULL, err);
}

static rc sql_create_namespace(struct catalog *catalog, struct str name,
                               const struct properties *properties, struct err *err)
{
    struct sql_catalog *sql = self_of(catalog);
    struct arena *scratch = arena_open(NULL);
    struct properties existing;
    rc code = sqlite_begin_immediate(sql->db, err);
    if (code == RC_OK) {
        code = sql_namespace_properties(catalog, scratch, name, &existing, NULL);
        if (code == RC_OK)
            code = err_set(err, RC_EXISTS, "the namespace \"%.*s\" exists already", STR_ARGS(name));
        else if (code == RC_NOT_FOUND) {
            // the row that says that the namespace exists, also without properties
            code = insert_property(catalog, name, STR("exists"), STR("true"), err);
            for (size_t i = 0; properties != NULL && i < properties->count && code == RC_OK; i++)
                if (!str_is(properties->items[i].key, "exists"))
                    code = insert_property(catalog, name, properties->items[i].key,
                                           properties->items[i].value, err);
        } else {
            code = err_set(err, code, "the namespace \"%.*s\" cannot be read", STR_ARGS(name));
        }
        code = end_transaction(catalog, code, err);
    }
    arena_close(scratch);
    return code;
}

static rc sql_drop_namespace(struct catalog *catalog, struct str name, struct err *err)
{
    struct sql_catalog *sql = self_of(catalog);
    bool has_tables = false;
    int64_t changes = 0;
    TRY(sqlite_begin_immediate(sql->db, err));
    rc code = namespace_has_tables(catalog, name, &has_tables, err);
    if (code == RC_OK && has_tables)
        code = err_set(err, RC_REFUSED, "the namespace \"%.*s\" is not empty", STR_ARGS(name));
    if (code == RC_OK)
        code = run(catalog,
                   "DELETE FROM iceberg_namespace_properties WHERE catalog_name = ? AND namespace "
                   "= ?",
                   &name, 1, &changes, err);
    if (code == RC_OK && changes == 0)
        code = err_set(err, RC_NOT_FOUND, "there is no namespace \"%.*s\"", STR_ARGS(name));
    return end_transaction(catalog, code, err);
}

// Tables

static rc sql_list_tables(struct catalog *catalog, struct arena *arena, struct str namespace_name,
                          str_vec *ret_names, struct err *err)
{
    return read_names(catalog, arena,
                      "SELECT table_name FROM iceberg_tables WHERE catalog_name = ? AND "
                      "table_namespace = ?%type ORDER BY table_name",
                      &namespace_name, 1, ret_names, err);
}

static rc sql_locate(struct catalog *catalog, struct arena *arena, struct str namespace_name,
                     struct str name, struct str *ret_location, struct err *err)
{
    const struct str values[] = {namespace_name, name};
    str_vec found = {0};
    TRY(read_names(
        catalog, arena,
        "SELECT coalesce(metadata_location, '') FROM iceberg_tables WHERE catalog_name = "
        "? AND table_namespace = ? AND table_name = ?%type",
        values, 2, &found, err));
    *ret_location = found.count > 0 ? found.items[0] : (struct str){0};
    return RC_OK;
}

static rc sql_drop_table(struct catalog *catalog, struct str namespace_name, struct str name,
                         struct err *err)
{
    const struct str values[] = {namespace_name, name};
    int64_t changes = 0;
    TRY(run(catalog,
            "DELETE FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND "
            "table_name = ?%type",
            values, 2, &changes, err));
    if (changes == 0)
        return err_set(err, RC_NOT_FOUND, "there is no table \"%.*s.%.*s\"",
                       STR_ARGS(namespace_name), STR_ARGS(name));
    return RC_OK;
}

static rc sql_rename_table(struct catalog *catalog, struct str namespace_name, struct str name,
                           struct str new_namespace, struct str new_name, struct err *err)
{
    struct sqlite_statement *statement;
    int64_t changes = 0;
    TRY(prepare(catalog,
                "UPDATE iceberg_tables SET table_namespace = ?, table_name = ? WHERE catalog_name "
                "= ? AND table_namespace = ? AND table_name = ?%type",
                &statement, err));
    const struct str values[] = {new_namespace, new_name, catalog->name, namespace_name, name};
    for (int i = 0; i < 5; i++)
        sqlite_bind_text(statement, i + 1, values[i]);
    const rc code = sqlite_run(statement, &changes, err);
    sqlite_finalize(statement);
    if (code == RC_EXISTS)
        return err_set(err, RC_EXISTS, "the table \"%.*s.%.*s\" exists already",
                       STR_ARGS(new_namespace), STR_ARGS(new_name));
    TRY(code);
    if (changes == 0)
        return err_set(err, RC_NOT_FOUND, "there is no table \"%.*s.%.*s\"",
                       STR_ARGS(namespace_name), STR_ARGS(name));
    return RC_OK;
}

static struct str sql_metadata_name(struct arena *arena, int64_t version)
{
    return arena_printf(arena, "%05lld-%s.metadata.json", (long long)version,
                        random_uuid(arena).bytes);
}

// Commit

static rc sql_begin(struct catalog *catalog, struct err *err)
{
    struct sql_catalog *sql = self_of(catalog);
    const rc code = sqlite_begin_immediate(sql->db, err);
    if (code == RC_BUSY) {
        err_set(err, RC_BUSY, "the catalog %.*s is locked by another process", STR_ARGS(sql->path));
        return err_hint(err,
                        "waited %lld s; wait for the other process to finish, then run the "
                        "command again",
                        (long long)(catalog->busy_timeout_ms / 1000));
    }
    return code;
}

static rc insert_table(struct catalog *catalog, const struct catalog_change *change,
                       struct err *err)
{
    const bool has_type = self_of(catalog)->has_type;
    const struct str values[] = {change->namespace_name, change->name, change->new_location};
    const rc code = run(
        catalog,
        has_type
            ? "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, "
              "metadata_location, previous_metadata_location, iceberg_type) VALUES (?, ?, ?, ?, "
              "NULL, 'TABLE')"
            : "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, "
              "metadata_location, previous_metadata_location) VALUES (?, ?, ?, ?, NULL)",
        values, 3, NULL, err);
    if (code == RC_EXISTS)
        return err_set(err, RC_EXISTS, "the table \"%.*s.%.*s\" exists already",
                       STR_ARGS(change->namespace_name), STR_ARGS(change->name));
    return code;
}

static rc update_table(struct catalog *catalog, const struct catalog_change *change,
                       struct err *err)
{
    struct sqlite_statement *statement;
    int64_t changes = 0;
    TRY(prepare(catalog,
                "UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ? "
                "WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND "
                "metadata_location = ?%type",
                &statement, err));
    const struct str values[] = {change->new_location, change->old_location,
                                 catalog->name,        change->namespace_name,
                                 change->name,         change->old_location};
    for (int i = 0; i < 6; i++)
        sqlite_bind_text(statement, i + 1, values[i]);
    const rc code = sqlite_run(statement, &changes, err);
    sqlite_finalize(statement);
    TRY(code);
    if (changes != 1)
        return err_set(err, RC_CONFLICT, "the table \"%.*s.%.*s\" was changed at the same time",
                       STR_ARGS(change->namespace_name), STR_ARGS(change->name));
    return RC_OK;
}

static rc sql_swap(struct catalog *catalog, const struct catalog_change *changes, size_t count,
                   struct err *err)
{
    rc code = RC_OK;
    for (size_t i = 0; i < count && code == RC_OK; i++)
        code = changes[i].old_location.length == 0 ? insert_table(catalog, &changes[i], err)
                                                   : update_table(catalog, &changes[i], err);
    return end_transaction(catalog, code, err);
}

static void sql_cancel(struct catalog *catalog)
{
    sqlite_rollback(self_of(catalog)->db);
}

const struct catalog_driver catalog_driver_sql = {
    .type = STR_INIT("sql"),
    .can_commit_many = true,
    .open = sql_open,
    .list_namespaces = sql_list_namespaces,
    .namespace_properties = sql_namespace_properties,
    .create_namespace = sql_create_namespace,
    .drop_namespace = sql_drop_namespace,
    .list_tables = sql_list_tables,
    .locate = sql_locate,
    .drop_table = sql_drop_table,
    .rename_table = sql_rename_table,
    .metadata_name = sql_metadata_name,
    .begin = sql_begin,
    .swap = sql_swap,
    .cancel = sql_cancel,
};
