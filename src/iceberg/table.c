/// Tables: opening from files, names and folders, walking over live files.

#include "iceberg/table.h"

#include "base/compress.h"
#include "base/hash.h"
#include "iceberg/catalog/driver.h"
#include "store/store.h"

rc table_read_metadata(struct store *store, struct arena *arena, struct str location,
                       struct table_metadata *ret_metadata, struct err *err)
{
    struct str text;
    TRY_CONTEXT(store_get(store, arena, location, METADATA_MAX_BYTES, &text, err), err,
                "table metadata");
    // the name says that it is compressed; some writers put .gz at the end instead
    const bool is_packed =
        str_has_suffix(location, STR(".gz.metadata.json")) || str_has_suffix(location, STR(".gz"));
    const char *place = arena_cstr(arena, location);
    if (is_packed)
        TRY(compress_expand(arena, COMPRESS_GZIP, text, METADATA_MAX_BYTES, place, &text, err));
    return metadata_parse(arena, text, place, ret_metadata, err);
}

rc table_open(struct store *store, struct arena *arena, struct str location,
              struct table *ret_table, struct err *err)
{
    struct str file = arena_str(arena, location);
    if (!str_has_suffix(file, STR(".metadata.json")) &&
        !str_has_suffix(file, STR(".metadata.json.gz"))) {
        while (file.length > 1 && str_has_suffix(file, STR("/")))
            file.length--;
        struct str found;
        TRY(filesystem_current_metadata(store, arena, file, &found, err));
        if (found.length == 0) {
            err_set(err, RC_NOT_FOUND, "%.*s holds no Iceberg table", STR_ARGS(file));
            return err_hint(err,
                            "name the metadata file, or a folder with metadata/v1.metadata.json");
        }
        file = found;
    }
    struct table_metadata *metadata = ARENA_NEW(arena, struct table_metadata);
    TRY(table_read_metadata(store, arena, file, metadata, err));
    *ret_table = (struct table){
        .store = store, .arena = arena, .metadata_location = file, .metadata = metadata};
    const size_t slash = str_find_last_byte(metadata->location, '/');
    ret_table->name =
        slash == SIZE_MAX ? metadata->location : str_slice(metadata->location, slash + 1, SIZE_MAX);
    return RC_OK;
}

struct str table_full_name(struct arena *arena, const struct table *table)
{
    return table->namespace_name.length == 0
               ? table->name
               : arena_printf(arena, "%.*s.%.*s", STR_ARGS(table->namespace_name),
                              STR_ARGS(table->name));
}

static struct str folder_property(struct arena *arena, const struct table_metadata *metadata,
                                  const char *property, const char *fallback)
{
    struct str folder = properties_get(&metadata->properties, str_of(property), (struct str){0});
    if (folder.length == 0)
        return arena_printf(arena, "%.*s/%s", STR_ARGS(metadata->location), fallback);
    while (folder.length > 1 && str_has_suffix(folder, STR("/")))
        folder.length--;
    return folder;
}

struct str table_data_location(struct arena *arena, const struct table_metadata *metadata)
{
    return folder_property(arena, metadata, "write.data.path", "data");
}

struct str table_metadata_folder(struct arena *arena, const struct table_metadata *metadata)
{
    return folder_property(arena, metadata, "write.metadata.path", "metadata");
}

/// 20 bits of the name's hash as folders: "0101/0110/1001/10110010".
static struct str hash_folders(struct arena *arena, struct str name)
{
    enum { BITS = 20, FOLDER_BITS = 4, FOLDERS = 3 };
    const uint32_t hash = hash_murmur3_32(name.bytes, name.length);
    char text[BITS + FOLDERS];
    size_t at = 0;
    for (int bit = 0; bit < BITS; bit++) {
        if (bit > 0 && bit % FOLDER_BITS == 0 && bit <= FOLDERS * FOLDER_BITS)
            text[at++] = '/';
        text[at++] = hash >> (BITS - 1 - bit) & 1 ? '1' : '0';
    }
    return arena_str(arena, (struct str){text, at});
}

struct str table_data_file_location(struct arena *arena, const struct table_metadata *metadata,
                                    struct str partition, struct str name)
{
    const struct str folder = table_data_location(arena, metadata);
    if (partition.length > 0)
        name = arena_printf(arena, "%.*s/%.*s", STR_ARGS(partition), STR_ARGS(name));
    if (!properties_bool(&metadata->properties, STR("write.object-storage.enabled"), false))
        return arena_printf(arena, "%.*s/%.*s", STR_ARGS(folder), STR_ARGS(name));
    const struct str hash = hash_folders(arena, name);
    return arena_printf(arena, "%.*s/%.*s/%.*s", STR_ARGS(folder), STR_ARGS(hash), STR_ARGS(name));
}

static rc visit_manifest(const struct table *table, struct arena *scratch,
                         const struct manifest_file *file, struct manifest_read_options options,
                         rc (*visit)(void *context, const struct manifest_entry *entry,
                                     struct err *err),
                         void *context, struct err *err)
{
    struct manifest_reader *reader;
    struct manifest_entry entry;
    TRY(manifest_reader_open(table->store, scratch, file, table->metadata, options, &reader, err));
    rc code;
    while ((code = manifest_next(reader, &entry, err)) == RC_OK)
        TRY(visit(context, &entry, err));
    return code == RC_EOF ? RC_OK : code;
}

rc table_visit_files(const struct table *table, const struct snapshot *snapshot,
                     struct manifest_read_options options,
                     rc (*visit)(void *context, const struct manifest_entry *entry,
                                 struct err *err),
                     void *context, struct err *err)
{
    if (snapshot == NULL)
        return RC_OK;
    struct arena *lists = arena_open(NULL), *scratch = arena_open(NULL);
    struct manifest_file *files;
    size_t count = 0;
    rc code = manifest_list_read(table->store, lists, snapshot, &files, &count, err);
    for (size_t i = 0; i < count && code == RC_OK; i++) {
        arena_reset(scratch);
        code = visit_manifest(table, scratch, &files[i], options, visit, context, err);
    }
    arena_close(scratch);
    arena_close(lists);
    return code;
}
