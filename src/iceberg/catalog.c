/// Catalogs: opening, namespaces, tables. Commits: catalog_commit.c.

#include "base/fs.h"
#include "iceberg/catalog/driver.h"
#include "iceberg/maintenance.h"
#include "store/store.h"

static const int64_t DEFAULT_BUSY_TIMEOUT_MS = 30000;
enum { MAX_NAME_BYTES = 255 };

static const struct catalog_driver *const drivers[] = {
    &catalog_driver_sql, &catalog_driver_filesystem, &catalog_driver_glue};
enum { DRIVER_COUNT = sizeof drivers / sizeof drivers[0] };

/// "file:///abs" of a path, URIs as they are, no slash behind.
static rc uri_of_warehouse(struct arena *arena, struct str warehouse, struct str *ret_uri,
                           struct err *err)
{
    struct str uri = warehouse;
    if (warehouse.length > 0 && !str_contains(warehouse, STR("://")) &&
        !str_has_prefix(warehouse, STR("file:"))) {
        struct str absolute;
        TRY(fs_absolute(arena, warehouse, &absolute, err));
        uri = arena_printf(arena, "file://%.*s", STR_ARGS(absolute));
    }
    uri = arena_str(arena, uri);
    while (uri.length > 1 && str_has_suffix(uri, STR("/")))
        uri.length--;
    *ret_uri = uri;
    return RC_OK;
}

/// Copies the namespaces' own locations.
static rc take_locations(struct catalog *catalog, const struct catalog_options *options,
                         struct err *err)
{
    struct arena *arena = catalog->arena;
    struct catalog_location *locations =
        ARENA_ARRAY(arena, struct catalog_location, options->location_count);
    for (size_t i = 0; i < options->location_count; i++) {
        locations[i].namespace_name = arena_str(arena, options->locations[i].namespace_name);
        TRY(uri_of_warehouse(arena, options->locations[i].location, &locations[i].location, err));
    }
    catalog->locations = locations;
    catalog->location_count = options->location_count;
    return RC_OK;
}

/// The location that the options give a namespace; empty when none.
static struct str location_of_options(const struct catalog *catalog, struct str namespace_name)
{
    for (size_t i = 0; i < catalog->location_count; i++)
        if (str_equal(catalog->locations[i].namespace_name, namespace_name))
            return catalog->locations[i].location;
    return (struct str){0};
}

static rc open_driver(struct catalog *catalog, const struct catalog_options *options,
                      struct err *err)
{
    for (size_t i = 0; i < DRIVER_COUNT; i++) {
        if (!str_equal(drivers[i]->type, options->type))
            continue;
        catalog->driver = drivers[i];
        return drivers[i]->open(catalog, options, err);
    }
    err_set(err, RC_CONFIG, "unknown catalog type \"%.*s\"", STR_ARGS(options->type));
    return err_hint(err, "types: sql, filesystem, glue");
}

rc catalog_open(const struct catalog_options *options, struct catalog **ret_catalog,
                struct err *err)
{
    struct arena *arena = arena_open(NULL);
    struct catalog *catalog = ARENA_NEW(arena, struct catalog);
    catalog->arena = arena;
    catalog->store = options->store;
    catalog->name = options->name.length > 0 ? arena_str(arena, options->name) : STR("default");
    catalog->is_read_only = options->is_read_only;
    catalog->busy_timeout_ms =
        options->busy_timeout_ms > 0 ? options->busy_timeout_ms : DEFAULT_BUSY_TIMEOUT_MS;
    rc code = uri_of_warehouse(arena, options->warehouse, &catalog->warehouse, err);
    if (code == RC_OK)
        code = take_locations(catalog, options, err);
    if (code == RC_OK)
        code = open_driver(catalog, options, err);
    if (code != RC_OK) {
        arena_close(arena);
        return code;
    }
    *ret_catalog = catalog;
    return RC_OK;
}

void catalog_close(struct catalog *catalog)
{
    if (catalog != NULL)
        arena_close(catalog->arena);
}

bool catalog_commits_many(const struct catalog *catalog)
{
    return catalog->driver->can_commit_many;
}

struct store *catalog_store(const struct catalog *catalog)
{
    return catalog->store;
}

struct str catalog_warehouse(const struct catalog *catalog)
{
    return catalog->warehouse;
}

/// Names become folders and keys: nothing that could leave its place.
static rc check_name(struct str name, const char *what, struct err *err)
{
    const bool has_bad = str_find_byte(name, '/') != SIZE_MAX ||
                         str_find_byte(name, '\0') != SIZE_MAX || str_contains(name, STR("..")) ||
                         str_has_prefix(name, STR("."));
    if (name.length > 0 && name.length <= MAX_NAME_BYTES && !has_bad)
        return RC_OK;
    return err_set(err, RC_INVALID,
                   "\"%.*s\" is no name for a %s: 1 to %d bytes, no slash, no dot in front, no two "
                   "dots",
                   STR_ARGS(name), what, MAX_NAME_BYTES);
}

static rc check_writable(const struct catalog *catalog, struct err *err)
{
    return catalog->is_read_only ? err_set(err, RC_DENIED, "the catalog was opened for reading")
                                 : RC_OK;
}

// Namespaces

rc catalog_list_namespaces(struct catalog *catalog, struct arena *arena, str_vec *ret_names,
                           struct err *err)
{
    return catalog->driver->list_namespaces(catalog, arena, ret_names, err);
}

rc catalog_namespace_properties(struct catalog *catalog, struct arena *arena,
                                struct str namespace_name, struct properties *ret_properties,
                                struct err *err)
{
    return catalog->driver->namespace_properties(catalog, arena, namespace_name, ret_properties,
                                                 err);
}

rc catalog_create_namespace(struct catalog *catalog, struct str namespace_name,
                            const struct properties *properties, struct err *err)
{
    TRY(check_writable(catalog, err));
    TRY(check_name(namespace_name, "namespace", err));
    const struct str location = location_of_options(catalog, namespace_name);
    if (location.length == 0 || (properties != NULL && properties_has(properties, STR("location"))))
        return catalog->driver->create_namespace(catalog, namespace_name, properties, err);
    struct arena *scratch = arena_open(NULL);
    struct properties located = {0};
    if (properties != NULL)
        located = properties_copy(scratch, properties);
    properties_set(scratch, &located, STR("location"), location);
    const rc code = catalog->driver->create_namespace(catalog, namespace_name, &located, err);
    arena_close(scratch);
    return code;
}

rc catalog_ensure_namespace(struct catalog *catalog, struct str namespace_name, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct properties ignored;
    rc code = catalog_namespace_properties(catalog, scratch, namespace_name, &ignored, err);
    arena_close(scratch);
    if (code == RC_NOT_FOUND)
        code = catalog_create_namespace(catalog, namespace_name, NULL, err);
    return code == RC_EXISTS ? RC_OK : code;
}

rc catalog_drop_namespace(struct catalog *catalog, struct str namespace_name, struct err *err)
{
    TRY(check_writable(catalog, err));
    return catalog->driver->drop_namespace(catalog, namespace_name, err);
}

// Tables

rc catalog_list_tables(struct catalog *catalog, struct arena *arena, struct str namespace_name,
                       str_vec *ret_names, struct err *err)
{
    return catalog->driver->list_tables(catalog, arena, namespace_name, ret_names, err);
}

static rc no_such_table(struct catalog *catalog, struct str namespace_name, struct str name,
                        struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    str_vec names = {0};
    const rc listed = catalog_list_tables(catalog, scratch, namespace_name, &names, NULL);
    err_set(err, RC_NOT_FOUND, "there is no table \"%.*s.%.*s\"", STR_ARGS(namespace_name),
            STR_ARGS(name));
    const size_t nearest = listed == RC_OK ? str_nearest(name, names.items, names.count) : SIZE_MAX;
    if (nearest != SIZE_MAX)
        err_hint(err, "did you mean \"%.*s.%.*s\"?", STR_ARGS(namespace_name),
                 STR_ARGS(names.items[nearest]));
    arena_close(scratch);
    return RC_NOT_FOUND;
}

rc catalog_load_table(struct catalog *catalog, struct str namespace_name, struct str name,
                      struct arena *arena, struct table *ret_table, struct err *err)
{
    struct str location;
    TRY(catalog->driver->locate(catalog, arena, namespace_name, name, &location, err));
    if (location.length == 0)
        return no_such_table(catalog, namespace_name, name, err);
    struct table_metadata *metadata = ARENA_NEW(arena, struct table_metadata);
    rc code = table_read_metadata(catalog->store, arena, location, metadata, err);
    if (code != RC_OK) {
        err_context(err, "table \"%.*s.%.*s\"", STR_ARGS(namespace_name), STR_ARGS(name));
        if (code == RC_NOT_FOUND) {
            // the catalog names a file that is not there: the folder was moved or files were
            // removed
            if (err != NULL)
                err->code = RC_CORRUPT;
            err_hint(err, "was the warehouse moved? run moulin doctor");
            code = RC_CORRUPT;
        }
        return code;
    }
    *ret_table = (struct table){.catalog = catalog,
                                .store = catalog->store,
                                .arena = arena,
                                .namespace_name = arena_str(arena, namespace_name),
                                .name = arena_str(arena, name),
                                .metadata_location = location,
                                .metadata = metadata};
    return RC_OK;
}

rc catalog_table_exists(struct catalog *catalog, struct str namespace_name, struct str name,
                        bool *ret_exists, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct str location;
    const rc code = catalog->driver->locate(catalog, scratch, namespace_name, name, &location, err);
    if (code == RC_OK)
        *ret_exists = location.length > 0;
    arena_close(scratch);
    return code;
}

rc catalog_table_location(struct catalog *catalog, struct arena *arena, struct str namespace_name,
                          struct str name, struct str *ret_location, struct err *err)
{
    TRY(check_name(namespace_name, "namespace", err));
    TRY(check_name(name, "table", err));
    struct properties properties;
    TRY(catalog_namespace_properties(catalog, arena, namespace_name, &properties, err));
    struct str folder =
        properties_get(&properties, STR("location"), location_of_options(catalog, namespace_name));
    if (folder.length == 0 || catalog->driver->put_decides) {
        if (catalog->warehouse.length == 0)
            return err_set(err, RC_CONFIG, "the catalog has no warehouse to put a table into");
        // a filesystem catalog has a folder per level; elsewhere the folder is PyIceberg's
        const struct str path = catalog->driver->put_decides
                                    ? str_replace(arena, namespace_name, STR("."), STR("/"))
                                    : namespace_name;
        folder = arena_printf(arena, "%.*s/%.*s", STR_ARGS(catalog->warehouse), STR_ARGS(path));
    }
    while (folder.length > 1 && str_has_suffix(folder, STR("/")))
        folder.length--;
    *ret_location = arena_printf(arena, "%.*s/%.*s", STR_ARGS(folder), STR_ARGS(name));
    return RC_OK;
}

rc catalog_create_table(struct catalog *catalog, struct str namespace_name, struct str name,
                        const struct table_definition *definition, struct arena *arena,
                        struct table *ret_table, struct err *err)
{
    struct transaction *tx;
    TRY(transaction_create_table(arena, catalog, namespace_name, name, definition, &tx, err));
    TRY(catalog_commit(catalog, &tx, 1, err));
    *ret_table = *transaction_table(tx);
    return RC_OK;
}

/// Deletes every file below the table's folder that the table needed.
static rc purge(struct catalog *catalog, struct arena *scratch, const struct table *table,
                struct err *err)
{
    struct map reachable;
    if (!properties_bool(&table->metadata->properties, STR("gc.enabled"), true))
        return err_set(err, RC_REFUSED,
                       "gc.enabled is false: the files of \"%.*s\" may belong to "
                       "other tables",
                       STR_ARGS(table->name));
    TRY(table_reachable_files(table, scratch, &reachable, err));
    TRY(catalog->driver->drop_table(catalog, table->namespace_name, table->name, err));
    struct str *files = ARENA_ARRAY(scratch, struct str, reachable.count);
    for (size_t i = 0; i < reachable.count; i++)
        files[i] = reachable.entries[i].key;
    return store_remove_many(catalog->store, files, reachable.count, err);
}

rc catalog_drop_table(struct catalog *catalog, struct str namespace_name, struct str name,
                      struct catalog_drop_options options, struct err *err)
{
    TRY(check_writable(catalog, err));
    if (!options.purge)
        return catalog->driver->drop_table(catalog, namespace_name, name, err);
    struct arena *scratch = arena_open(NULL);
    struct table table;
    rc code = catalog_load_table(catalog, namespace_name, name, scratch, &table, err);
    if (code == RC_OK)
        code = purge(catalog, scratch, &table, err);
    arena_close(scratch);
    return code;
}

rc catalog_rename_table(struct catalog *catalog, struct str namespace_name, struct str name,
                        struct str new_namespace, struct str new_name, struct err *err)
{
    TRY(check_writable(catalog, err));
    TRY(check_name(new_name, "table", err));
    struct arena *scratch = arena_open(NULL);
    struct properties ignored;
    rc code = catalog_namespace_properties(catalog, scratch, new_namespace, &ignored, err);
    arena_close(scratch);
    TRY(code);
    return catalog->driver->rename_table(catalog, namespace_name, name, new_namespace, new_name,
                                         err);
}

rc catalog_register_table(struct catalog *catalog, struct str namespace_name, struct str name,
                          struct str metadata_location, struct err *err)
{
    TRY(check_writable(catalog, err));
    TRY(check_name(name, "table", err));
    if (catalog->driver->put_decides)
        return err_set(err, RC_UNSUPPORTED,
                       "a %.*s catalog cannot register tables: a table is its folder",
                       STR_ARGS(catalog->driver->type));
    struct arena *scratch = arena_open(NULL);
    struct table_metadata metadata;
    struct properties ignored;
    rc code = catalog_namespace_properties(catalog, scratch, namespace_name, &ignored, err);
    if (code == RC_OK)
        code = table_read_metadata(catalog->store, scratch, metadata_location, &metadata, err);
    if (code == RC_OK)
        code = catalog->driver->begin(catalog, err);
    if (code == RC_OK) {
        const struct catalog_change change = {.namespace_name = namespace_name,
                                              .name = name,
                                              .new_location = metadata_location,
                                              .metadata = &metadata};
        code = catalog->driver->swap(catalog, &change, 1, err);
    }
    arena_close(scratch);
    return code;
}
