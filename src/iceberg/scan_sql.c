#include "iceberg/scan_sql.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/runtime.h"
#include "duck/duck.h"
#include "iceberg/data_writer.h"
#include "iceberg/deletion_vector.h"
#include "iceberg/footer_read.h"
#include "iceberg/scan_project.h"

enum { SQL_MAX_BYTES = 512 << 20, VECTOR_MAX_BYTES = 256 << 20, FOOTER_THREADS = 8 };

/// Files that one SELECT can read.
struct group {
    struct physical physical;
    str_vec paths;                // as DuckDB opens them
    const struct scan_file *file; // with deletes: the only one
    struct str uri;
};

struct builder {
    const struct table *table;
    const struct scan_plan *plan;
    struct arena *arena, *scratch;
    const struct name_mapping *mapping;
    struct parquet_footer *footers; // of the plan's files, read beforehand; NULL = one by one
    const struct field **columns;   // wanted, in order
    size_t column_count;
    VEC(struct group *) groups;
    struct map by_signature;
    struct buf sql;
};

/// A file that metadata names is not there: when the whole table is not, its folder was moved.
static rc explain_missing(const struct builder *b, struct err *err)
{
    struct store *store = b->table->store;
    struct str folder;
    if (store_local_path(store, b->scratch, b->table->metadata->location, &folder, NULL) == RC_OK &&
        !fs_is_folder(folder))
        err_hint(err,
                 "the table says that it lies in %.*s, which does not exist: was the project "
                 "moved? run moulin doctor",
                 STR_ARGS(folder));
    else
        err_hint(err, "somebody removed a file that the table needs: roll back to an older "
                      "snapshot, or restore the file");
    return RC_NOT_FOUND;
}

static rc load_physical(struct builder *b, const struct data_file *file,
                        const struct partition_spec *spec, struct physical *ret_physical,
                        struct err *err)
{
    struct parquet_footer *footer = ARENA_NEW(b->scratch, struct parquet_footer);
    const rc result = footer_read(b->table->store, b->scratch, file->path, footer, err);
    if (result == RC_NOT_FOUND)
        return explain_missing(b, err);
    TRY(result);
    return physical_init(ret_physical, b->scratch, footer, b->mapping, file, spec, err);
}

/// Footers of a store behind a network are read several at once: each is a round trip.
struct footer_reader {
    struct store *store;
    const struct scan_file *files;
    struct arena **arenas; // one per file: an arena belongs to one thread at a time
    struct parquet_footer *footers;
};

static rc read_one_footer(void *context, size_t index, struct err *err)
{
    const struct footer_reader *reader = context;
    TRY(runtime_check(err));
    return footer_read(reader->store, reader->arenas[index], reader->files[index].file.path,
                       &reader->footers[index], err);
}

static rc read_footers(struct builder *b, struct err *err)
{
    const size_t count = b->plan->file_count;
    if (count < 2 || store_driver_of(b->table->store)->is_local)
        return RC_OK;
    struct footer_reader reader = {
        .store = b->table->store,
        .files = b->plan->files,
        .arenas = (struct arena **)arena_alloc_array(b->scratch, count, sizeof(struct arena *)),
        .footers = ARENA_ARRAY(b->scratch, struct parquet_footer, count)};
    for (size_t i = 0; i < count; i++)
        reader.arenas[i] = arena_open(b->scratch);
    struct arena *threads = arena_open(NULL);
    const int thread_count = count < FOOTER_THREADS ? (int)count : FOOTER_THREADS;
    const rc result =
        pool_each(pool_open(threads, thread_count), count, read_one_footer, &reader, err);
    arena_close(threads);
    if (result == RC_NOT_FOUND)
        return explain_missing(b, err);
    TRY(result);
    b->footers = reader.footers;
    return RC_OK;
}

static rc add_file(struct builder *b, size_t index, struct err *err)
{
    TRY(runtime_check(err));
    const struct scan_file *file = &b->plan->files[index];
    const struct partition_spec *spec = metadata_spec_by_id(b->plan->metadata, file->file.spec_id);
    struct physical physical;
    if (b->footers != NULL)
        TRY(physical_init(&physical, b->scratch, &b->footers[index], b->mapping, &file->file, spec,
                          err));
    else
        TRY(load_physical(b, &file->file, spec, &physical, err));
    struct str path;
    TRY(store_reader_path(b->table->store, b->scratch, file->file.path, &path, err));
    const struct str signature = physical_signature(&physical, b->plan->schema);
    struct group *group = file->delete_count == 0 ? map_get(&b->by_signature, signature) : NULL;
    if (group == NULL) {
        group = ARENA_NEW(b->scratch, struct group);
        group->physical = physical;
        group->file = file->delete_count > 0 ? file : NULL;
        *vec_push(b->scratch, &b->groups) = group;
        if (file->delete_count == 0)
            map_set(&b->by_signature, signature, group);
    }
    *vec_push(b->scratch, &group->paths) = path;
    return RC_OK;
}

static void append_paths(struct buf *sql, struct arena *arena, const str_vec *paths)
{
    buf_append_byte(sql, '[');
    for (size_t i = 0; i < paths->count; i++) {
        if (i > 0)
            buf_append_cstr(sql, ", ");
        buf_append_str(sql, duck_quote_literal(arena, paths->items[i]));
    }
    buf_append_byte(sql, ']');
}

static rc append_position_deletes(struct builder *b, const struct group *group, struct err *err)
{
    str_vec paths = {0};
    for (size_t i = 0; i < group->file->delete_count; i++) {
        const struct data_file *file = &group->file->deletes[i]->file;
        struct str path;
        if (file->content != CONTENT_POSITION_DELETES ||
            str_equal_ignore_case(file->file_format, STR("PUFFIN")))
            continue;
        TRY(store_reader_path(b->table->store, b->scratch, file->path, &path, err));
        *vec_push(b->scratch, &paths) = path;
    }
    if (paths.count == 0)
        return RC_OK;
    buf_append_cstr(&b->sql, " AND NOT EXISTS (SELECT 1 FROM read_parquet(");
    append_paths(&b->sql, b->scratch, &paths);
    buf_printf(&b->sql,
               ", hive_partitioning = false) AS p WHERE p.file_path = %.*s AND p.pos = "
               "d.file_row_number)",
               STR_ARGS(duck_quote_literal(b->scratch, group->file->file.path)));
    return RC_OK;
}

static rc append_vector(struct builder *b, const struct data_file *file, struct err *err)
{
    const char *place = arena_cstr(b->scratch, file->path);
    if (!file->has_content_range || file->content_size_bytes < 0 ||
        file->content_size_bytes > VECTOR_MAX_BYTES)
        return err_set(err, RC_CORRUPT, "%s: the manifest does not say where its deletes are",
                       place);
    struct str blob;
    const rc read = store_get_range(b->table->store, b->scratch, file->path, file->content_offset,
                                    (size_t)file->content_size_bytes, &blob, err);
    if (read == RC_NOT_FOUND)
        return explain_missing(b, err);
    TRY(read);
    int64_t *positions;
    size_t count;
    TRY(deletion_vector_decode(b->scratch, blob, place, &positions, &count, err));
    if (count == 0)
        return RC_OK;
    buf_append_cstr(&b->sql, " AND NOT EXISTS (SELECT 1 FROM (SELECT unnest([");
    for (size_t i = 0; i < count; i++)
        buf_printf(&b->sql, "%s%lld", i > 0 ? "," : "", (long long)positions[i]);
    buf_append_cstr(&b->sql, "]) AS pos) AS v WHERE v.pos = d.file_row_number)");
    return RC_OK;
}

/// A schema of the table that has the field: deletes may name columns that were dropped since.
static const struct schema *schema_with(const struct builder *b, int32_t field_id)
{
    if (schema_field_by_id(b->plan->schema, field_id) != NULL)
        return b->plan->schema;
    const struct table_metadata *metadata = b->plan->metadata;
    for (size_t i = metadata->schema_count; i-- > 0;)
        if (schema_field_by_id(&metadata->schemas[i], field_id) != NULL)
            return &metadata->schemas[i];
    return b->plan->schema;
}

/// Rows that equal a row of the delete file in the named columns; NULL equals NULL.
static rc append_equality(struct builder *b, const struct group *group,
                          const struct data_file *file, struct err *err)
{
    struct physical deleted;
    struct str path;
    TRY(load_physical(b, file, NULL, &deleted, err));
    TRY(store_reader_path(b->table->store, b->scratch, file->path, &path, err));
    buf_printf(&b->sql,
               " AND NOT EXISTS (SELECT 1 FROM read_parquet([%.*s], hive_partitioning = false) "
               "AS e WHERE ",
               STR_ARGS(duck_quote_literal(b->scratch, path)));
    if (file->equality_id_count == 0)
        return err_set(err, RC_CORRUPT, "%s: equality deletes name no column", deleted.place);
    for (size_t i = 0; i < file->equality_id_count; i++) {
        const int32_t id = file->equality_ids[i];
        const struct schema *schema = schema_with(b, id);
        struct str left, right;
        TRY(physical_path_sql(&group->physical, schema, id, STR("d"), &left, err));
        TRY(physical_path_sql(&deleted, schema, id, STR("e"), &right, err));
        buf_printf(&b->sql, "%s%.*s IS NOT DISTINCT FROM %.*s", i > 0 ? " AND " : "",
                   STR_ARGS(left), STR_ARGS(right));
    }
    buf_append_byte(&b->sql, ')');
    return RC_OK;
}

static rc append_deletes(struct builder *b, const struct group *group, struct err *err)
{
    buf_append_cstr(&b->sql, " WHERE true");
    TRY(append_position_deletes(b, group, err));
    for (size_t i = 0; i < group->file->delete_count; i++) {
        const struct data_file *file = &group->file->deletes[i]->file;
        if (file->content == CONTENT_EQUALITY_DELETES)
            TRY(append_equality(b, group, file, err));
        else if (str_equal_ignore_case(file->file_format, STR("PUFFIN")))
            TRY(append_vector(b, file, err));
    }
    return RC_OK;
}

static rc append_group(struct builder *b, const struct group *group, struct err *err)
{
    buf_append_cstr(&b->sql, "SELECT ");
    for (size_t i = 0; i < b->column_count; i++) {
        struct str sql;
        TRY(project_field(&group->physical, b->columns[i], STR("d"), &sql, err));
        buf_printf(&b->sql, "%s%.*s AS %.*s", i > 0 ? ", " : "", STR_ARGS(sql),
                   STR_ARGS(duck_quote_identifier(b->scratch, b->columns[i]->name)));
    }
    buf_append_cstr(&b->sql, " FROM read_parquet(");
    append_paths(&b->sql, b->scratch, &group->paths);
    buf_append_cstr(&b->sql, ", hive_partitioning = false");
    if (group->file != NULL)
        buf_append_cstr(&b->sql, ", file_row_number = true");
    buf_append_cstr(&b->sql, ") AS d");
    return group->file != NULL ? append_deletes(b, group, err) : RC_OK;
}

static void append_nothing(struct builder *b)
{
    buf_append_cstr(&b->sql, "SELECT ");
    for (size_t i = 0; i < b->column_count; i++)
        buf_printf(&b->sql, "%sCAST(NULL AS %.*s) AS %.*s", i > 0 ? ", " : "",
                   STR_ARGS(data_writer_sql_type(b->scratch, &b->columns[i]->type)),
                   STR_ARGS(duck_quote_identifier(b->scratch, b->columns[i]->name)));
    buf_append_cstr(&b->sql, " WHERE false");
}

static rc choose_columns(struct builder *b, const struct str *names, size_t count, struct err *err)
{
    const struct type *root = &b->plan->schema->root;
    b->column_count = names != NULL ? count : root->field_count;
    b->columns =
        (const struct field **)arena_alloc_array(b->scratch, b->column_count, sizeof *b->columns);
    for (size_t i = 0; i < b->column_count; i++) {
        if (names == NULL) {
            b->columns[i] = &root->fields[i];
            continue;
        }
        for (size_t j = 0; j < root->field_count && b->columns[i] == NULL; j++)
            if (str_equal(root->fields[j].name, names[i]))
                b->columns[i] = &root->fields[j];
        if (b->columns[i] == NULL)
            return err_set(err, RC_NOT_FOUND, "table %.*s has no column %.*s",
                           STR_ARGS(b->table->name), STR_ARGS(names[i]));
    }
    if (b->column_count == 0)
        return err_set(err, RC_INVALID, "table %.*s has no columns", STR_ARGS(b->table->name));
    return RC_OK;
}

static rc load_mapping(struct builder *b, struct err *err)
{
    const struct str text =
        properties_get(&b->plan->metadata->properties, STR("schema.name-mapping.default"), STR(""));
    if (text.length == 0)
        return RC_OK;
    struct name_mapping *mapping = ARENA_NEW(b->scratch, struct name_mapping);
    TRY_CONTEXT(name_mapping_parse(b->scratch, text, mapping, err), err,
                "property schema.name-mapping.default");
    b->mapping = mapping;
    return RC_OK;
}

static rc build(struct builder *b, const struct str *columns, size_t column_count, struct err *err)
{
    TRY(choose_columns(b, columns, column_count, err));
    TRY(load_mapping(b, err));
    TRY(read_footers(b, err));
    for (size_t i = 0; i < b->plan->file_count; i++)
        TRY(add_file(b, i, err));
    for (size_t i = 0; i < b->groups.count; i++) {
        if (i > 0)
            buf_append_cstr(&b->sql, " UNION ALL ");
        TRY(append_group(b, b->groups.items[i], err));
    }
    if (b->groups.count == 0)
        append_nothing(b);
    return buf_check(&b->sql, err, "the query over the table's files");
}

rc scan_sql_of_plan(const struct table *table, struct arena *arena, const struct scan_plan *plan,
                    const struct str *columns, size_t column_count, struct str *ret_sql,
                    struct err *err)
{
    struct builder builder = {
        .table = table, .plan = plan, .arena = arena, .scratch = arena_open(NULL)};
    map_init(&builder.by_signature, builder.scratch);
    buf_init(&builder.sql, SQL_MAX_BYTES);
    const rc result = build(&builder, columns, column_count, err);
    if (result == RC_OK)
        *ret_sql = arena_str(arena, buf_str(&builder.sql));
    buf_done(&builder.sql);
    arena_close(builder.scratch);
    if (result != RC_OK)
        err_context(err, "table %.*s%s%.*s", STR_ARGS(table->namespace_name),
                    table->namespace_name.length > 0 ? "." : "", STR_ARGS(table->name));
    return result;
}

rc scan_sql(const struct table *table, struct arena *arena, const struct scan_sql_options *options,
            struct str *ret_sql, struct scan_plan *ret_plan, struct err *err)
{
    static const struct scan_sql_options defaults;
    if (options == NULL)
        options = &defaults;
    struct arena *scratch = ret_plan != NULL ? arena : arena_open(NULL);
    struct scan_plan plan;
    rc result = scan_plan(table, scratch, &options->scan, &plan, err);
    if (result == RC_OK)
        result = scan_sql_of_plan(table, arena, &plan, options->columns, options->column_count,
                                  ret_sql, err);
    if (ret_plan == NULL)
        arena_close(scratch);
    else if (result == RC_OK)
        *ret_plan = plan;
    return result;
}

rc scan_row_count(const struct table *table, int64_t snapshot_id, int64_t *ret_rows,
                  struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct scan_plan plan;
    rc result =
        scan_plan(table, scratch, &(struct scan_options){.snapshot_id = snapshot_id}, &plan, err);
    if (result == RC_OK && plan.has_deletes)
        result = err_set(err, RC_UNSUPPORTED, "deletes apply: the rows have to be counted");
    if (result == RC_OK)
        *ret_rows = plan.record_count;
    arena_close(scratch);
    return result;
}
