#include "iceberg/data_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/runtime.h"
#include "iceberg/data_file_metrics.h"
#include "iceberg/data_upload.h"
#include "iceberg/data_writer_sql.h"
#include "iceberg/footer_read.h"

enum { ROW_GROUP_BYTES = 16 << 20, PARTITIONS_MAX = 10000, MAX_WAITING_BYTES = 256 << 20 };
static const int64_t TARGET_FILE_BYTES = (int64_t)512 << 20;

VEC_TYPE(file_vec, struct data_file);

/// One call of data_writer_copy.
struct writer {
    struct duck_connection *connection;
    struct store *store;
    const struct table_metadata *metadata;
    const struct schema *schema;
    const struct partition_spec *spec;
    struct data_writer_options options;
    struct arena *arena;        // of the caller: results
    struct arena *scratch;      // of this call
    struct str folder;          // URI of the data folder, no slash at the end
    struct str prefix;          // of the file names: run id and a random part
    struct str local_folder;    // where DuckDB writes
    struct data_upload *upload; // from there, when the store is not on this machine; else NULL
    struct str field_ids, order_by;
    bool is_sorted;
    size_t copy_count; // COPY statements so far: part of the names
    file_vec files;
};

static struct str data_folder(struct arena *arena, const struct table_metadata *metadata)
{
    const struct str set =
        properties_get(&metadata->properties, STR("write.data.path"), (struct str){"", 0});
    const struct str folder =
        set.length > 0 ? set : arena_printf(arena, "%.*s/data", STR_ARGS(metadata->location));
    return str_has_suffix(folder, STR("/")) ? str_slice(folder, 0, folder.length - 1) : folder;
}

/// Run ids come from outside (executions of state machines): only letters, digits and -_ stay.
static struct str safe_prefix(struct arena *arena, struct str run_id)
{
    enum { RUN_ID_MAX_BYTES = 100 };
    char text[RUN_ID_MAX_BYTES];
    size_t length = 0;
    for (size_t i = 0; i < run_id.length && length < sizeof text; i++) {
        const char byte = run_id.bytes[i];
        const bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                              (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
        text[length++] = is_plain ? byte : '_';
    }
    unsigned char noise[8];
    random_bytes(noise, sizeof noise);
    const struct str unique = hex_encode(arena, noise, sizeof noise);
    return length == 0 ? unique
                       : arena_printf(arena, "%.*s-%.*s", (int)length, text, STR_ARGS(unique));
}

static rc choose_folder(struct writer *w, struct err *err)
{
    if (store_driver_of(w->store)->is_local) {
        const struct str inside = arena_printf(w->scratch, "%.*s/x", STR_ARGS(w->folder));
        TRY(store_make_folder_of(w->store, inside, err));
        return store_local_path(w->store, w->scratch, w->folder, &w->local_folder, err);
    }
    const struct data_upload_options options = {.store = w->store,
                                                .connection = w->connection,
                                                .uri_folder = w->folder,
                                                .name = w->prefix,
                                                .max_waiting_bytes = MAX_WAITING_BYTES};
    TRY(data_upload_open(w->scratch, &options, &w->upload, err));
    w->local_folder = data_upload_folder(w->upload);
    return RC_OK;
}

static rc query_columns(struct writer *w, struct str sql, str_vec *ret_names, struct err *err)
{
    struct duck_rows rows;
    const struct str describe =
        arena_printf(w->scratch, "DESCRIBE SELECT * FROM (%.*s) AS q", STR_ARGS(sql));
    TRY(duck_query(w->connection, w->scratch, describe, NULL, &rows, err));
    str_vec names = {0};
    for (size_t i = 0; i < rows.row_count; i++)
        *vec_push(w->scratch, &names) = duck_cell(&rows, i, 0)->text;
    *ret_names = names;
    return RC_OK;
}

static rc choose_order(struct writer *w, struct err *err)
{
    const struct sort_order *order = metadata_sort_order(w->metadata);
    w->order_by = STR("");
    if (w->options.skip_sort || order->field_count == 0)
        return RC_OK;
    struct str list = STR("");
    for (size_t i = 0; i < order->field_count; i++) {
        const struct sort_field *field = &order->fields[i];
        const struct field *source = schema_field_by_id(w->schema, field->source_id);
        const struct str column = writer_column(w->scratch, w->schema, field->source_id);
        if (source == NULL || column.length == 0)
            return err_set(err, RC_INVALID, "the table's sort order names a column %d that is gone",
                           field->source_id);
        struct str sql;
        TRY(writer_transform(w->scratch, field->transform, source, column, &sql, err));
        list = arena_printf(w->scratch, "%.*s%s%.*s %s NULLS %s", STR_ARGS(list), i > 0 ? ", " : "",
                            STR_ARGS(sql), field->is_descending ? "DESC" : "ASC",
                            field->is_nulls_last ? "LAST" : "FIRST");
    }
    w->order_by = arena_printf(w->scratch, " ORDER BY %.*s", STR_ARGS(list));
    w->is_sorted = true;
    return RC_OK;
}

/// DuckDB refuses row groups by size when it has to keep the order of the input.
static rc row_group_option(struct writer *w, struct str *ret_option, struct err *err)
{
    struct duck_rows rows;
    TRY(duck_query(w->connection, w->scratch,
                   STR("SELECT current_setting('preserve_insertion_order')"), NULL, &rows, err));
    const int64_t bytes =
        w->options.row_group_bytes > 0 ? w->options.row_group_bytes : ROW_GROUP_BYTES;
    *ret_option =
        duck_cell(&rows, 0, 0)->boolean
            ? STR("")
            : arena_printf(w->scratch, ", ROW_GROUP_SIZE_BYTES '%lldB'", (long long)bytes);
    return RC_OK;
}

static int64_t target_bytes(const struct writer *w)
{
    if (w->options.target_file_bytes > 0)
        return w->options.target_file_bytes;
    const int64_t set = properties_int64(&w->metadata->properties,
                                         STR("write.target-file-size-bytes"), TARGET_FILE_BYTES);
    return set > 0 ? set : TARGET_FILE_BYTES;
}

/// Of one COPY. In a temp folder several files lie at once: the one that is written and those that
/// wait, so a small /tmp (Lambda) means smaller files.
static int64_t file_bytes(const struct writer *w)
{
    enum { SHARES = 4 };
    const int64_t wanted = target_bytes(w);
    if (w->upload == NULL)
        return wanted;
    const int64_t room = data_upload_room(w->upload) / SHARES;
    return room < wanted ? (room > ROW_GROUP_BYTES ? room : ROW_GROUP_BYTES) : wanted;
}

/// Runs the COPY. What interrupted it may be an upload that failed: that is then the error.
static rc copy_query(struct writer *w, struct str sql, struct duck_rows *ret_rows, struct err *err)
{
    const rc result = duck_query(w->connection, w->scratch, sql, NULL, ret_rows, err);
    if (result == RC_INTERRUPTED && w->upload != NULL && !runtime_is_stopping())
        TRY(data_upload_failure(w->upload, err));
    return result;
}

/// The rows in their order, held up while too many files wait for the network. A sort has seen all
/// rows before it gives the first, so the condition stands behind it.
static struct str paced(const struct writer *w, struct str select)
{
    const struct str sorted = str_concat(w->scratch, select, w->order_by);
    if (w->upload == NULL)
        return sorted;
    return arena_printf(w->scratch, "SELECT * FROM (%.*s) AS paced WHERE %.*s", STR_ARGS(sorted),
                        STR_ARGS(data_upload_pace_sql(w->upload, w->scratch)));
}

/// @param select       gives exactly the table's columns
/// @param ret_folder   below the data folder: "" or "day=2020-01-01/"
static rc run_copy(struct writer *w, struct str select, struct str subfolder, str_vec *ret_names,
                   struct err *err)
{
    struct str row_groups;
    TRY(row_group_option(w, &row_groups, err));
    const struct str folder =
        subfolder.length == 0
            ? w->local_folder
            : arena_printf(w->scratch, "%.*s/%.*s", STR_ARGS(w->local_folder), STR_ARGS(subfolder));
    if (w->upload != NULL)
        TRY(data_upload_watch(w->upload, subfolder, err));
    else
        TRY(fs_make_folders(folder, err));
    const struct str pattern =
        arena_printf(w->scratch, "%.*s-%zu-{i}", STR_ARGS(w->prefix), w->copy_count++);
    const struct str sql =
        arena_printf(w->scratch,
                     "COPY (%.*s) TO %.*s (FORMAT parquet, COMPRESSION zstd, FIELD_IDS %.*s%.*s, "
                     "FILE_SIZE_BYTES '%lldB', FILENAME_PATTERN %.*s, OVERWRITE_OR_IGNORE true, "
                     "WRITE_EMPTY_FILE false, RETURN_FILES true)",
                     STR_ARGS(paced(w, select)), STR_ARGS(duck_quote_literal(w->scratch, folder)),
                     STR_ARGS(w->field_ids), STR_ARGS(row_groups), (long long)file_bytes(w),
                     STR_ARGS(duck_quote_literal(w->scratch, pattern)));
    struct duck_rows rows;
    TRY(copy_query(w, sql, &rows, err));
    struct json files;
    TRY(json_parse(w->scratch, duck_cell(&rows, 0, 1)->text, "the written files", &files, err));
    str_vec names = {0};
    for (size_t i = 0; i < files.count; i++)
        *vec_push(w->scratch, &names) = fs_base_name(json_str(&files.items[i], STR("")));
    *ret_names = names;
    return RC_OK;
}

/// Required columns must have a value in every row. The footer's counts tell, without another pass.
static rc check_required(const struct writer *w, const struct data_file *file, struct err *err)
{
    for (size_t i = 0; i < file->null_value_counts.count; i++) {
        const struct column_count *nulls = &file->null_value_counts.items[i];
        if (nulls->count == 0)
            continue;
        for (size_t j = 0; j < w->schema->root.field_count; j++) {
            const struct field *field = &w->schema->root.fields[j];
            if (field->id != nulls->field_id || !field->is_required)
                continue;
            err_set(err, RC_INVALID, "column %.*s is required, but %lld of %lld rows have no value",
                    STR_ARGS(field->name), (long long)nulls->count, (long long)file->record_count);
            return err_hint(err, "give every row a value, or make the column optional");
        }
    }
    return RC_OK;
}

/// Makes the file durable where it belongs, and tells its size and footer.
static rc settle_file(struct writer *w, struct str name, struct data_file *file,
                      struct parquet_footer *ret_footer, struct err *err)
{
    if (w->upload != NULL) {
        const struct uploaded_file *uploaded;
        TRY(data_upload_wait(w->upload, name, &uploaded, err));
        file->file_size_bytes = uploaded->size_bytes;
        *ret_footer = uploaded->footer;
        return RC_OK;
    }
    struct store_object object;
    TRY(store_sync_local(w->store, file->path, err));
    TRY(store_head(w->store, file->path, &object, err));
    file->file_size_bytes = object.size_bytes;
    return footer_read(w->store, w->scratch, file->path, ret_footer, err);
}

static rc finish_file(struct writer *w, struct str subfolder, struct str name,
                      const struct value *partition, struct err *err)
{
    const struct str uri = arena_printf(w->arena, "%.*s/%.*s%.*s", STR_ARGS(w->folder),
                                        STR_ARGS(subfolder), STR_ARGS(name));
    struct data_file *file = vec_push(w->scratch, &w->files); // from here on it is cleaned up
    *file = (struct data_file){.content = CONTENT_DATA,
                               .path = uri,
                               .file_format = STR("PARQUET"),
                               .spec_id = w->spec->spec_id,
                               .partition = partition,
                               .partition_count = w->spec->field_count,
                               .has_sort_order_id = w->is_sorted,
                               .sort_order_id =
                                   w->is_sorted ? metadata_sort_order(w->metadata)->order_id : 0};
    struct parquet_footer footer;
    TRY(settle_file(w, str_concat(w->scratch, subfolder, name), file, &footer, err));
    TRY(data_file_metrics(w->arena, w->schema, NULL, &footer, file, err));
    return check_required(w, file, err);
}

static rc write_files(struct writer *w, struct str select, struct str subfolder,
                      const struct value *partition, struct err *err)
{
    str_vec names;
    TRY(run_copy(w, select, subfolder, &names, err));
    for (size_t i = 0; i < names.count; i++)
        TRY(finish_file(w, subfolder, names.items[i], partition, err));
    return RC_OK;
}

static rc partition_value(struct arena *arena, const struct type *type,
                          const struct duck_value *cell, struct value *ret_value, struct err *err)
{
    struct value value = {.type = type->id,
                          .is_null = cell->is_null,
                          .precision = type->precision,
                          .scale = type->scale};
    if (cell->is_null) {
        *ret_value = value;
        return RC_OK;
    }
    switch (cell->kind) {
    case DUCK_BOOL:
        value.boolean = cell->boolean;
        break;
    case DUCK_INT:
    case DUCK_DATE:
    case DUCK_TIME:
    case DUCK_TIMESTAMP:
    case DUCK_TIMESTAMPTZ:
        value.integer = cell->integer;
        break;
    case DUCK_TEXT:
    case DUCK_BLOB:
        value.bytes = arena_str(arena, cell->text);
        break;
    default:
        TRY(value_parse_text(arena, type, cell->text, &value, err));
        break;
    }
    *ret_value = value;
    return RC_OK;
}

/// Rows go into a temp table first (it spills to disk), since which partitions there are is known
/// only when all have been seen, and a feed can be read only once.
static rc stage_rows(struct writer *w, struct str select, struct str table, struct err *err)
{
    struct str list = STR("");
    for (size_t i = 0; i < w->spec->field_count; i++) {
        const struct partition_field *field = &w->spec->fields[i];
        const struct field *source = schema_field_by_id(w->schema, field->source_id);
        struct str sql = STR("NULL");
        if (field->transform.kind != TRANSFORM_VOID) {
            if (source == NULL)
                return err_set(err, RC_INVALID, "partition field %.*s: its column is gone",
                               STR_ARGS(field->name));
            TRY_CONTEXT(writer_transform(w->scratch, field->transform, source,
                                         writer_column(w->scratch, w->schema, field->source_id),
                                         &sql, err),
                        err, "partition field %.*s", STR_ARGS(field->name));
        }
        list = arena_printf(w->scratch, "%.*s, %.*s AS moulin_partition_%zu", STR_ARGS(list),
                            STR_ARGS(sql), i);
    }
    const struct str create =
        arena_printf(w->scratch, "CREATE TEMP TABLE %.*s AS SELECT *%.*s FROM (%.*s)",
                     STR_ARGS(table), STR_ARGS(list), STR_ARGS(select));
    return duck_execute(w->connection, create, NULL, NULL, err);
}

static rc list_partitions(struct writer *w, struct str table, struct duck_rows *ret_rows,
                          struct err *err)
{
    struct str list = STR("");
    for (size_t i = 0; i < w->spec->field_count; i++)
        list = arena_printf(w->scratch, "%.*s%smoulin_partition_%zu", STR_ARGS(list),
                            i > 0 ? ", " : "", i);
    const struct str sql = arena_printf(w->scratch, "SELECT DISTINCT %.*s FROM %.*s ORDER BY ALL",
                                        STR_ARGS(list), STR_ARGS(table));
    TRY(duck_query(w->connection, w->scratch, sql, NULL, ret_rows, err));
    if (ret_rows->row_count > PARTITIONS_MAX)
        return err_set(err, RC_LIMIT, "the rows fall into %zu partitions, more than %d",
                       ret_rows->row_count, PARTITIONS_MAX);
    return RC_OK;
}

static rc write_partition(struct writer *w, struct str table, const struct duck_rows *partitions,
                          size_t row, const struct type *types, struct err *err)
{
    struct value *values = ARENA_ARRAY(w->arena, struct value, w->spec->field_count);
    struct str where = STR("");
    for (size_t i = 0; i < w->spec->field_count; i++) {
        const struct duck_value *cell = duck_cell(partitions, row, i);
        TRY(partition_value(w->arena, &types[i], cell, &values[i], err));
        const struct str literal = value_sql(w->scratch, values[i]);
        where = arena_printf(w->scratch, "%.*s%smoulin_partition_%zu IS NOT DISTINCT FROM %.*s",
                             STR_ARGS(where), i > 0 ? " AND " : "", i, STR_ARGS(literal));
    }
    struct str columns = STR("");
    for (size_t i = 0; i < w->schema->root.field_count; i++)
        columns = arena_printf(
            w->scratch, "%.*s%s%.*s", STR_ARGS(columns), i > 0 ? ", " : "",
            STR_ARGS(duck_quote_identifier(w->scratch, w->schema->root.fields[i].name)));
    const struct str select = arena_printf(w->scratch, "SELECT %.*s FROM %.*s WHERE %.*s",
                                           STR_ARGS(columns), STR_ARGS(table), STR_ARGS(where));
    const struct str path = partition_path(w->scratch, w->spec, values);
    return write_files(w, select, arena_printf(w->scratch, "%.*s/", STR_ARGS(path)), values, err);
}

static rc write_partitioned(struct writer *w, struct str select, struct err *err)
{
    const struct str table = duck_quote_identifier(
        w->scratch, arena_printf(w->scratch, "moulin_staged_%.*s", STR_ARGS(w->prefix)));
    TRY(stage_rows(w, select, table, err));
    const struct type *types = partition_spec_types(w->scratch, w->spec, w->schema);
    struct duck_rows partitions;
    rc result = list_partitions(w, table, &partitions, err);
    for (size_t i = 0; result == RC_OK && i < partitions.row_count; i++)
        result = write_partition(w, table, &partitions, i, types, err);
    struct err ignored;
    const rc dropped =
        duck_execute(w->connection, arena_printf(w->scratch, "DROP TABLE %.*s", STR_ARGS(table)),
                     NULL, NULL, &ignored);
    (void)dropped; // it ends with the connection at the latest
    return result;
}

static rc write_rows(struct writer *w, struct str sql, struct err *err)
{
    str_vec available;
    struct str columns;
    TRY(query_columns(w, sql, &available, err));
    TRY(writer_select_list(w->scratch, w->schema, &available, &columns, err));
    TRY(writer_field_ids(w->scratch, w->schema, &w->field_ids, err));
    TRY(choose_order(w, err));
    TRY(choose_folder(w, err));
    const struct str select =
        arena_printf(w->scratch, "SELECT %.*s FROM (%.*s) AS q", STR_ARGS(columns), STR_ARGS(sql));
    if (!partition_spec_is_unpartitioned(w->spec))
        return write_partitioned(w, select, err);
    struct value *values = NULL;
    if (w->spec->field_count > 0) { // only void fields: all null
        values = ARENA_ARRAY(w->arena, struct value, w->spec->field_count);
        for (size_t i = 0; i < w->spec->field_count; i++)
            values[i] = value_null(&(struct type){.id = TYPE_INT});
    }
    return write_files(w, select, STR(""), values, err);
}

static rc remove_listed(void *context, const struct store_object *object, struct err *err)
{
    (void)err;
    struct writer *w = context;
    if (!str_contains(object->uri, w->prefix))
        return RC_OK;
    const rc removed = store_remove(w->store, object->uri, NULL);
    (void)removed; // the others are still to be tried
    return RC_OK;
}

/// Takes away what a failed call wrote: known files, and parts that DuckDB left.
static void clean_up(struct writer *w, bool is_failed)
{
    if (w->upload != NULL) {
        if (is_failed)
            data_upload_discard(w->upload);
        data_upload_close(w->upload);
        return;
    }
    if (is_failed && w->local_folder.length > 0) {
        const struct str prefix = arena_printf(w->scratch, "%.*s/", STR_ARGS(w->folder));
        const rc listed = store_list(w->store, prefix, remove_listed, w, NULL);
        (void)listed; // what stays is found by `table orphans`: its name carries the run id
    }
}

rc data_writer_copy(struct duck_connection *connection, struct store *store,
                    const struct table_metadata *metadata, struct str sql,
                    const struct data_writer_options *options, struct arena *arena,
                    struct data_file **ret_files, size_t *ret_count, struct err *err)
{
    static const struct data_writer_options defaults;
    struct arena *scratch = arena_open(NULL);
    struct writer writer = {
        .connection = connection,
        .store = store,
        .metadata = metadata,
        .schema = metadata_schema(metadata),
        .spec = metadata_spec(metadata),
        .options = options != NULL ? *options : defaults,
        .arena = arena,
        .scratch = scratch,
        .folder = data_folder(scratch, metadata),
    };
    writer.prefix = safe_prefix(scratch, writer.options.run_id);
    rc result = write_rows(&writer, sql, err);
    if (result == RC_OK)
        result = runtime_check(err);
    clean_up(&writer, result != RC_OK);
    if (result == RC_OK) {
        struct data_file *files = ARENA_ARRAY(arena, struct data_file, writer.files.count);
        for (size_t i = 0; i < writer.files.count; i++)
            files[i] = writer.files.items[i];
        *ret_files = files;
        *ret_count = writer.files.count;
    }
    arena_close(scratch);
    return result;
}

void data_writer_discard(struct store *store, const struct data_file *files, size_t count)
{
    struct arena *scratch = arena_open(NULL);
    struct str *paths = ARENA_ARRAY(scratch, struct str, count);
    for (size_t i = 0; i < count; i++)
        paths[i] = files[i].path;
    const rc removed = store_remove_many(store, paths, count, NULL);
    (void)removed; // `table orphans` finds what stays
    arena_close(scratch);
}
