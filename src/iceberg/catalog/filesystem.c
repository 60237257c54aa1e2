/// Filesystem catalog: a table is a folder <warehouse>/<namespace>/<table> with
/// metadata/v<N>.metadata.json; version-hint.text says which N is current, at least. A commit is
/// the creation of v<N+1>, which must not exist. Source: Iceberg spec "File System Tables", Java's
/// HadoopTableOperations.

#include "base/log.h"
#include "iceberg/catalog/driver.h"
#include "store/store.h"

enum { HINT_MAX_BYTES = 64, MAX_PROBES = 100000 };

/// "a.b" is the folder a/b.
static struct str folder_of(const struct catalog *catalog, struct arena *arena,
                            struct str namespace_name, struct str name)
{
    const struct str path = str_replace(arena, namespace_name, STR("."), STR("/"));
    return name.length == 0
               ? arena_printf(arena, "%.*s/%.*s", STR_ARGS(catalog->warehouse), STR_ARGS(path))
               : arena_printf(arena, "%.*s/%.*s/%.*s", STR_ARGS(catalog->warehouse), STR_ARGS(path),
                              STR_ARGS(name));
}

static rc fs_open(struct catalog *catalog, const struct catalog_options *options, struct err *err)
{
    (void)options;
    if (catalog->warehouse.length == 0)
        return err_set(err, RC_CONFIG, "a filesystem catalog needs a warehouse");
    if (catalog->location_count > 0) {
        err_set(err, RC_CONFIG,
                "a filesystem catalog cannot give the namespace \"%.*s\" a location of its own: a "
                "table is its folder below the warehouse",
                STR_ARGS(catalog->locations[0].namespace_name));
        return err_hint(err, "remove the location, or use a sql or glue catalog");
    }
    if (!store_driver_of(catalog->store)->has_must_be_new)
        return err_set(err, RC_CONFIG,
                       "this storage cannot hold a filesystem catalog: it cannot "
                       "refuse to replace a file");
    return RC_OK;
}

// Versions

static struct str fs_metadata_name(struct arena *arena, int64_t version)
{
    return arena_printf(arena, "v%lld.metadata.json", (long long)version);
}

static rc read_hint(struct store *store, struct arena *arena, struct str folder, int64_t *ret_hint,
                    struct err *err)
{
    struct str text;
    const struct str uri = arena_printf(arena, "%.*s/metadata/version-hint.text", STR_ARGS(folder));
    *ret_hint = 0;
    const rc code = store_get(store, arena, uri, HINT_MAX_BYTES, &text, err);
    if (code == RC_NOT_FOUND)
        return RC_OK;
    TRY(code);
    // a damaged hint is no hint: probing starts at the first version
    if (!str_to_int64(str_trim(text), ret_hint) || *ret_hint < 0)
        *ret_hint = 0;
    return RC_OK;
}

static rc version_exists(struct store *store, struct arena *arena, struct str folder,
                         int64_t version, struct str *ret_location, struct err *err)
{
    static const char *const forms[] = {"%.*s/metadata/v%lld.metadata.json",
                                        "%.*s/metadata/v%lld.gz.metadata.json"};
    for (size_t i = 0; i < 2; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        const struct str uri =
            arena_printf(arena, forms[i], (int)folder.length, folder.bytes, (long long)version);
#pragma GCC diagnostic pop
        struct store_object object;
        const rc code = store_head(store, uri, &object, err);
        if (code == RC_OK)
            *ret_location = uri;
        if (code != RC_NOT_FOUND)
            return code;
    }
    return RC_NOT_FOUND;
}

rc filesystem_current_metadata(struct store *store, struct arena *arena, struct str folder,
                               struct str *ret_location, struct err *err)
{
    int64_t version;
    struct str location = {0};
    TRY(read_hint(store, arena, folder, &version, err));
    rc code = version_exists(store, arena, folder, version, &location, err);
    // the hint may point to a version that was cleaned up, or be missing: begin at the beginning
    if (code == RC_NOT_FOUND && version != 0) {
        version = 0;
        code = version_exists(store, arena, folder, version, &location, err);
    }
    if (code == RC_NOT_FOUND) {
        version = 1;
        code = version_exists(store, arena, folder, version, &location, err);
    }
    // the hint is written after the version: newer ones may exist
    for (int probes = 0; code == RC_OK && probes < MAX_PROBES; probes++)
        code = version_exists(store, arena, folder, ++version, &location, err);
    if (code != RC_OK && code != RC_NOT_FOUND)
        return code;
    *ret_location = location;
    return RC_OK;
}

static rc fs_locate(struct catalog *catalog, struct arena *arena, struct str namespace_name,
                    struct str name, struct str *ret_location, struct err *err)
{
    return filesystem_current_metadata(
        catalog->store, arena, folder_of(catalog, arena, namespace_name, name), ret_location, err);
}

// Listing: whoever has metadata/ below is a table; the folders above it are namespaces

struct listing {
    struct arena *arena;
    struct str prefix;  // with the slash behind it
    struct map *tables; // "a/b/table" -> itself
};

static rc note_object(void *context, const struct store_object *object, struct err *err)
{
    (void)err;
    struct listing *listing = context;
    const struct str rest = str_slice(object->uri, listing->prefix.length, SIZE_MAX);
    const size_t at = str_find(rest, STR("/metadata/"));
    const bool is_metadata = at != SIZE_MAX && str_has_suffix(rest, STR(".metadata.json"));
    if (is_metadata && !map_has(listing->tables, str_slice(rest, 0, at)))
        map_set(listing->tables, arena_str(listing->arena, str_slice(rest, 0, at)), listing);
    return RC_OK;
}

static rc list_all_tables(struct catalog *catalog, struct arena *arena, struct map *tables,
                          struct err *err)
{
    map_init(tables, arena);
    struct listing listing = {arena, arena_printf(arena, "%.*s/", STR_ARGS(catalog->warehouse)),
                              tables};
    return store_list(catalog->store, listing.prefix, note_object, &listing, err);
}

static rc note_namespace(void *context, const struct store_object *object, struct err *err)
{
    (void)err;
    struct listing *listing = context;
    const struct str rest = str_slice(object->uri, listing->prefix.length, SIZE_MAX);
    if (str_has_suffix(rest, STR("/.namespace")))
        map_set(listing->tables,
                arena_str(listing->arena, str_slice(rest, 0, rest.length - strlen("/.namespace"))),
                listing);
    return RC_OK;
}

static void add_sorted(struct arena *arena, str_vec *names, struct str name)
{
    size_t at = 0;
    while (at < names->count && str_compare(names->items[at], name) < 0)
        at++;
    if (at < names->count && str_equal(names->items[at], name))
        return;
    (void)vec_push(arena, names);
    memmove(&names->items[at + 1], &names->items[at], (names->count - 1 - at) * sizeof name);
    names->items[at] = name;
}

static rc fs_list_namespaces(struct catalog *catalog, struct arena *arena, str_vec *ret_names,
                             struct err *err)
{
    struct map tables, marked;
    str_vec names = {0};
    TRY(list_all_tables(catalog, arena, &tables, err));
    map_init(&marked, arena);
    struct listing listing = {arena, arena_printf(arena, "%.*s/", STR_ARGS(catalog->warehouse)),
                              &marked};
    TRY(store_list(catalog->store, listing.prefix, note_namespace, &listing, err));
    for (size_t i = 0; i < tables.count; i++) {
        const size_t slash = str_find_last_byte(tables.entries[i].key, '/');
        if (slash != SIZE_MAX)
            add_sorted(
                arena, &names,
                str_replace(arena, str_slice(tables.entries[i].key, 0, slash), STR("/"), STR(".")));
    }
    for (size_t i = 0; i < marked.count; i++)
        add_sorted(arena, &names, str_replace(arena, marked.entries[i].key, STR("/"), STR(".")));
    *ret_names = names;
    return RC_OK;
}

static rc fs_list_tables(struct catalog *catalog, struct arena *arena, struct str namespace_name,
                         str_vec *ret_names, struct err *err)
{
    struct map tables;
    str_vec names = {0};
    TRY(list_all_tables(catalog, arena, &tables, err));
    const struct str path = str_replace(arena, namespace_name, STR("."), STR("/"));
    for (size_t i = 0; i < tables.count; i++) {
        const struct str key = tables.entries[i].key;
        const size_t slash = str_find_last_byte(key, '/');
        if (slash != SIZE_MAX && str_equal(str_slice(key, 0, slash), path))
            add_sorted(arena, &names, str_slice(key, slash + 1, SIZE_MAX));
    }
    *ret_names = names;
    return RC_OK;
}

// Namespaces: a folder exists when something is in it, so an empty namespace is a small file

static struct str marker_of(const struct catalog *catalog, struct arena *arena, struct str name)
{
    const struct str folder = folder_of(catalog, arena, name, (struct str){0});
    return str_concat(arena, folder, STR("/.namespace"));
}

static rc fs_namespace_properties(struct catalog *catalog, struct arena *arena, struct str name,
                                  struct properties *ret_properties, struct err *err)
{
    struct str text;
    const rc code =
        store_get(catalog->store, arena, marker_of(catalog, arena, name), 1 << 20, &text, err);
    struct properties found = {0};
    if (code == RC_OK) {
        struct json *json = ARENA_NEW(arena, struct json);
        TRY(json_parse(arena, text, ".namespace", json, err));
        TRY(properties_parse(arena, json, &found, err));
    } else if (code == RC_NOT_FOUND) {
        str_vec tables = {0};
        TRY(fs_list_tables(catalog, arena, name, &tables, err));
        if (tables.count == 0)
            return err_set(err, RC_NOT_FOUND, "there is no namespace \"%.*s\"", STR_ARGS(name));
    } else {
        return code;
    }
    *ret_properties = found;
    return RC_OK;
}

static rc fs_create_namespace(struct catalog *catalog, struct str name,
                              const struct properties *properties, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct properties existing;
    rc code = fs_namespace_properties(catalog, scratch, name, &existing, err);
    if (code == RC_OK) {
        code = err_set(err, RC_EXISTS, "the namespace \"%.*s\" exists already", STR_ARGS(name));
    } else if (code == RC_NOT_FOUND) {
        struct buf buf;
        buf_init(&buf, 1 << 20);
        struct json_writer writer;
        json_writer_init(&writer, &buf, JSON_COMPACT);
        const struct properties none = {0};
        properties_write(&writer, properties != NULL ? properties : &none);
        code = store_put(catalog->store, marker_of(catalog, scratch, name), buf_str(&buf),
                         (struct store_put_options){.must_be_new = true}, err);
        buf_done(&buf);
    }
    arena_close(scratch);
    return code;
}

static rc fs_drop_namespace(struct catalog *catalog, struct str name, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct properties existing;
    str_vec tables = {0};
    rc code = fs_namespace_properties(catalog, scratch, name, &existing, err);
    if (code == RC_OK)
        code = fs_list_tables(catalog, scratch, name, &tables, err);
    if (code == RC_OK && tables.count > 0)
        code = err_set(err, RC_REFUSED, "the namespace \"%.*s\" is not empty", STR_ARGS(name));
    if (code == RC_OK)
        code = store_remove(catalog->store, marker_of(catalog, scratch, name), err);
    arena_close(scratch);
    return code;
}

// Tables

static rc remove_metadata(void *context, const struct store_object *object, struct err *err)
{
    struct listing *listing = context;
    (void)err;
    map_set(listing->tables, arena_str(listing->arena, object->uri), listing);
    return RC_OK;
}

/// The table is gone with its metadata files; data files stay, as in the other catalogs.
static rc fs_drop_table(struct catalog *catalog, struct str namespace_name, struct str name,
                        struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    const struct str folder = folder_of(catalog, scratch, namespace_name, name);
    struct map found;
    struct str location = {0};
    map_init(&found, scratch);
    struct listing listing = {scratch, {0}, &found};
    rc code = filesystem_current_metadata(catalog->store, scratch, folder, &location, err);
    if (code == RC_OK && location.length == 0)
        code = err_set(err, RC_NOT_FOUND, "there is no table \"%.*s.%.*s\"",
                       STR_ARGS(namespace_name), STR_ARGS(name));
    if (code == RC_OK)
        code = store_list(catalog->store, arena_printf(scratch, "%.*s/metadata/", STR_ARGS(folder)),
                          remove_metadata, &listing, err);
    for (size_t i = 0; i < found.count && code == RC_OK; i++) {
        const struct str uri = found.entries[i].key;
        if (str_has_suffix(uri, STR(".metadata.json")) ||
            str_has_suffix(uri, STR("/version-hint.text")))
            code = store_remove(catalog->store, uri, err);
    }
    arena_close(scratch);
    return code;
}

static rc fs_rename_table(struct catalog *catalog, struct str namespace_name, struct str name,
                          struct str new_namespace, struct str new_name, struct err *err)
{
    (void)catalog;
    (void)namespace_name;
    (void)new_namespace;
    (void)new_name;
    err_set(err, RC_UNSUPPORTED, "the table \"%.*s\" cannot be renamed: its name is its folder",
            STR_ARGS(name));
    return err_hint(err, "use a sql catalog, where names are independent of folders");
}

// Commit: the metadata file, which must be new, is the commit

static rc fs_begin(struct catalog *catalog, struct err *err)
{
    (void)catalog;
    (void)err;
    return RC_OK;
}

static rc fs_swap(struct catalog *catalog, const struct catalog_change *changes, size_t count,
                  struct err *err)
{
    (void)err;
    struct arena *scratch = arena_open(NULL);
    for (size_t i = 0; i < count; i++) {
        const struct str folder =
            folder_of(catalog, scratch, changes[i].namespace_name, changes[i].name);
        const struct str hint =
            arena_printf(scratch, "%.*s/metadata/version-hint.text", STR_ARGS(folder));
        const struct str base =
            str_slice(changes[i].new_location, str_find_last_byte(changes[i].new_location, '/') + 2,
                      SIZE_MAX);
        struct err ignored;
        // best effort: readers probe for newer versions
        if (store_put(catalog->store, hint, str_slice(base, 0, str_find_byte(base, '.')),
                      (struct store_put_options){0}, &ignored) != RC_OK)
            log_debug("version hint not written: %s", ignored.message);
    }
    arena_close(scratch);
    return RC_OK;
}

static void fs_cancel(struct catalog *catalog)
{
    (void)catalog;
}

const struct catalog_driver catalog_driver_filesystem = {
    .type = STR_INIT("filesystem"),
    .put_decides = true,
    .open = fs_open,
    .list_namespaces = fs_list_namespaces,
    .namespace_properties = fs_namespace_properties,
    .create_namespace = fs_create_namespace,
    .drop_namespace = fs_drop_namespace,
    .list_tables = fs_list_tables,
    .locate = fs_locate,
    .drop_table = fs_drop_table,
    .rename_table = fs_rename_table,
    .metadata_name = fs_metadata_name,
    .begin = fs_begin,
    .swap = fs_swap,
    .cancel = fs_cancel,
};
