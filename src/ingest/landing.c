/// @file landing.c
/// See landing.h. Layer: ingest.

#include "ingest/landing.h"

#include "base/log.h"
#include "ingest/schema.h"
#include "store/store.h"

// Growing buffers hold up to twice what is in them; the larger part of the budget
// is what the engine needs to write a file.
enum { RELIEF_DIVISOR = 5, MIN_RELIEF_BYTES = 1 << 20 };

static const struct str types_property = STR_INIT("moulin.column-types");

rc landing_open(struct arena *arena, const struct landing_options *options,
                struct normalizer *normalizer, struct landing **ret_landing, struct err *err)
{
    struct landing *landing = ARENA_NEW(arena, struct landing);
    landing->arena = arena;
    landing->options = *options;
    landing->normalizer = normalizer;
    if (landing->options.budget_bytes == 0)
        landing->options.budget_bytes = LANDING_BUDGET_BYTES;
    TRY(duck_connect(options->duck, arena, &landing->connection, err));
    *ret_landing = landing;
    return RC_OK;
}

struct str landing_table_name(const struct landing *landing, struct arena *arena, struct str table)
{
    if (str_has_prefix(table, STR("_dlt")) || landing->options.source.length == 0)
        return arena_str(arena, table);
    return arena_printf(arena, "%.*s_%.*s", STR_ARGS(landing->options.source), STR_ARGS(table));
}

const struct table_metadata *landing_metadata(const struct landing_table *table)
{
    if (table->tx != NULL)
        return transaction_table(table->tx)->metadata;
    return table->exists ? table->table.metadata : NULL;
}

// ---------------------------------------------------------------- types

struct type landing_type(const struct normal_column *column)
{
    switch (column->type) {
    case DATA_DOUBLE:
        return type_of(TYPE_DOUBLE);
    case DATA_BOOL:
        return type_of(TYPE_BOOLEAN);
    case DATA_TIMESTAMP:
        return type_of(column->has_no_timezone ? TYPE_TIMESTAMP : TYPE_TIMESTAMPTZ);
    case DATA_BIGINT:
        return type_of(TYPE_LONG);
    case DATA_BINARY:
        return type_of(TYPE_BINARY);
    case DATA_DECIMAL:
        return column->precision > 0 ? type_decimal(column->precision, column->scale)
                                     : type_decimal(38, 9);
    case DATA_WEI:
        return column->precision > 0 ? type_decimal(column->precision, column->scale)
                                     : type_decimal(38, 0);
    case DATA_DATE:
        return type_of(TYPE_DATE);
    case DATA_TIME:
        return type_of(TYPE_TIME);
    default:
        return type_of(TYPE_STRING);
    }
}

static enum data_type data_type_of_field(const struct type *type)
{
    switch (type->id) {
    case TYPE_BOOLEAN:
        return DATA_BOOL;
    case TYPE_INT:
    case TYPE_LONG:
        return DATA_BIGINT;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return DATA_DOUBLE;
    case TYPE_DECIMAL:
        return DATA_DECIMAL;
    case TYPE_DATE:
        return DATA_DATE;
    case TYPE_TIME:
        return DATA_TIME;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_TIMESTAMP_NS:
    case TYPE_TIMESTAMPTZ_NS:
        return DATA_TIMESTAMP;
    case TYPE_STRING:
    case TYPE_UUID:
        return DATA_TEXT;
    case TYPE_FIXED:
    case TYPE_BINARY:
        return DATA_BINARY;
    default:
        return DATA_NONE; // nested types: no data of ours goes there
    }
}

/// Tells the normalizer the columns of a table, so that values are fitted to them.
/// @param types  the table property that keeps what Iceberg's types do not say; may be empty
static void register_columns(struct landing *landing, struct normal_table *normal,
                             const struct schema *schema, struct str types)
{
    struct arena *arena = landing->arena;
    struct json known = {.kind = JSON_OBJECT};
    if (types.length > 0 && json_parse(arena, types, "moulin.column-types", &known, NULL) != RC_OK)
        known = (struct json){.kind = JSON_OBJECT};
    for (size_t i = 0; i < schema->root.field_count; i++) {
        const struct field *field = &schema->root.fields[i];
        struct normal_column *column =
            normal_table_column(landing->normalizer, normal, field->name);
        const enum data_type said = data_type_of(json_str(json_get(&known, field->name), STR("")));
        column->type = said != DATA_NONE ? said : data_type_of_field(&field->type);
        column->is_landed = true;
        column->is_required = field->is_required;
        if (field->type.id == TYPE_DECIMAL) {
            column->precision = field->type.precision;
            column->scale = field->type.scale;
            column->has_precision = column->has_scale = true;
        }
        if (field->type.id == TYPE_TIMESTAMP || field->type.id == TYPE_TIMESTAMP_NS)
            column->has_no_timezone = true;
        column->is_variant = str_contains(field->name, STR("__v_"));
    }
}

// ---------------------------------------------------------------- tables

static struct landing_table *add_table(struct landing *landing, struct str name)
{
    struct landing_table *table = ARENA_NEW(landing->arena, struct landing_table);
    table->name = arena_str(landing->arena, name);
    vec_grow(landing->arena, (void **)&landing->tables, landing->table_count,
             &landing->table_capacity, sizeof(struct landing_table *));
    landing->tables[landing->table_count++] = table;
    return table;
}

/// A project that was copied or moved names its old folder in every table: writing there would
/// change somebody else's files.
static rc check_location(struct landing *landing, const struct landing_table *table,
                         struct err *err)
{
    const struct landing_options *options = &landing->options;
    struct str expected;
    if (!store_driver_of(options->store)->is_local)
        return RC_OK;
    TRY(catalog_table_location(options->catalog, landing->arena, options->namespace_name,
                               table->name, &expected, err));
    const struct str location = table->table.metadata->location;
    const struct str end = arena_printf(landing->arena, "/%.*s/%.*s",
                                        STR_ARGS(options->namespace_name), STR_ARGS(table->name));
    const struct str folder = catalog_warehouse(options->catalog);
    if (str_equal(location, expected) || str_has_prefix(location, folder) ||
        !str_has_suffix(location, end))
        return RC_OK;
    err_set(err, RC_REFUSED, "table %.*s lies in %.*s, which is not below the warehouse %.*s",
            STR_ARGS(table->name), STR_ARGS(location), STR_ARGS(folder));
    return err_hint(err, "the project was moved or copied: move it back, or run moulin doctor");
}

static rc load_table(struct landing *landing, struct landing_table *table, struct err *err)
{
    bool exists = false;
    TRY(catalog_table_exists(landing->options.catalog, landing->options.namespace_name, table->name,
                             &exists, err));
    table->exists = false;
    if (!exists)
        return RC_OK;
    TRY(catalog_load_table(landing->options.catalog, landing->options.namespace_name, table->name,
                           landing->arena, &table->table, err));
    TRY(check_location(landing, table, err));
    table->exists = true;
    return RC_OK;
}

rc landing_reload(struct landing *landing, struct landing_table *table, struct err *err)
{
    return load_table(landing, table, err);
}

static const struct landing_schema_file *schema_file_of(const struct landing *landing,
                                                        struct str name)
{
    for (size_t i = 0; i < landing->options.schema_file_count; i++)
        if (str_equal(landing->options.schema_files[i]->table, name))
            return landing->options.schema_files[i];
    return NULL;
}

rc landing_table_of(struct landing *landing, struct normal_table *normal,
                    struct landing_table **ret_table, struct err *err)
{
    for (size_t i = 0; i < landing->table_count; i++)
        if (landing->tables[i]->normal == normal) {
            *ret_table = landing->tables[i];
            return RC_OK;
        }
    struct landing_table *table =
        add_table(landing, landing_table_name(landing, landing->arena, normal->name));
    table->normal = normal;
    table->is_child = normal->parent != NULL;
    TRY(load_table(landing, table, err));
    if (table->exists) {
        const struct str types =
            properties_get(&table->table.metadata->properties, types_property, STR(""));
        register_columns(landing, normal, metadata_schema(table->table.metadata), types);
    } else {
        const struct landing_schema_file *file = schema_file_of(landing, table->name);
        if (file != NULL)
            register_columns(landing, normal, &file->definition.schema, STR(""));
    }
    *ret_table = table;
    return RC_OK;
}

/// The name without the source's prefix, when the table is a child of `root`.
static bool is_child_of(struct str name, struct str root, struct str *ret_suffix)
{
    const size_t length = root.length;
    if (name.length < length + 3 || !str_has_prefix(name, root) || name.bytes[length] != '_' ||
        name.bytes[length + 1] != '_')
        return false;
    *ret_suffix = str_slice(name, length, name.length);
    return true;
}

/// The nearest table that a child's name says it hangs below.
static struct normal_table *parent_by_name(struct landing *landing, struct normal_table *root,
                                           struct str name)
{
    struct normal_table *best = root;
    for (size_t i = 0; i < landing->normalizer->tables.count; i++) {
        struct normal_table *other = landing->normalizer->tables.items[i];
        struct str suffix;
        if (other->root == root && other->name.length > best->name.length &&
            is_child_of(name, other->name, &suffix))
            best = other;
    }
    return best;
}

rc landing_load_existing(struct landing *landing, struct normal_table *root, struct err *err)
{
    struct landing_table *table;
    TRY(landing_table_of(landing, root, &table, err));
    str_vec names = {0};
    struct err absent = {0};
    const rc code = catalog_list_tables(landing->options.catalog, landing->arena,
                                        landing->options.namespace_name, &names, &absent);
    if (code == RC_NOT_FOUND)
        return RC_OK; // the namespace comes with the first table
    if (code != RC_OK) {
        if (err != NULL)
            *err = absent;
        return code;
    }
    for (size_t i = 0; i < names.count; i++) {
        struct str suffix;
        if (!is_child_of(names.items[i], table->name, &suffix))
            continue;
        const struct str child = str_concat(landing->arena, root->name, suffix);
        struct normal_table *parent = parent_by_name(landing, root, child);
        struct normal_table *normal = normalizer_table(landing->normalizer, child, parent);
        struct landing_table *ignored;
        TRY(landing_table_of(landing, normal, &ignored, err));
    }
    return RC_OK;
}

// ---------------------------------------------------------------- schema

static struct schema empty_schema(void)
{
    return (struct schema){.root = type_struct(NULL, 0)};
}

static rc open_transaction(struct landing *landing, struct landing_table *table, struct err *err)
{
    struct arena *arena = table->arena;
    if (table->exists)
        return transaction_open(arena, &table->table, &table->tx, err);
    TRY(catalog_ensure_namespace(landing->options.catalog, landing->options.namespace_name, err));
    struct table_definition definition = {.schema = empty_schema(),
                                          .format_version = landing->options.format_version};
    const struct landing_schema_file *file = schema_file_of(landing, table->name);
    if (file != NULL) {
        definition = file->definition;
        definition.format_version = landing->options.format_version;
    } else {
        // All columns known so far, so that their ids follow their order.
        const struct normal_table *normal = table->normal;
        struct field *fields = ARENA_ARRAY(arena, struct field, normal->column_count + 1);
        size_t count = 0;
        for (size_t i = 0; i < normal->column_count; i++)
            if (normal->columns[i]->type != DATA_NONE) {
                fields[count] = (struct field){.id = (int32_t)count + 1,
                                               .name = normal->columns[i]->name,
                                               .type = landing_type(normal->columns[i])};
                count++;
            }
        definition.schema.root = type_struct(fields, count);
    }
    TRY(transaction_create_table(arena, landing->options.catalog, landing->options.namespace_name,
                                 table->name, &definition, &table->tx, err));
    *vec_push(landing->arena, &table->schema_changes) = STR("create");
    return RC_OK;
}

/// Adds the columns that the table lacks.
static rc add_columns(struct landing *landing, struct landing_table *table, struct err *err)
{
    const struct table_metadata *metadata = landing_metadata(table);
    const struct schema *schema = metadata_schema(metadata);
    struct schema_update *update = NULL;
    const struct normal_table *normal = table->normal;
    for (size_t i = 0; i < normal->column_count; i++) {
        const struct normal_column *column = normal->columns[i];
        if (column->type == DATA_NONE || schema_field_by_name(schema, column->name) != NULL)
            continue;
        if (update == NULL)
            update = schema_update_open(table->arena, schema, metadata->last_column_id,
                                        metadata->format_version);
        const struct type type = landing_type(column);
        TRY_CONTEXT(schema_update_add(update, STR(""), column->name, type,
                                      (struct schema_add_options){0}, err),
                    err, "table %.*s", STR_ARGS(table->name));
        *vec_push(landing->arena, &table->schema_changes) =
            arena_printf(landing->arena, "add %.*s %.*s", STR_ARGS(column->name),
                         STR_ARGS(type_print(landing->arena, &type)));
    }
    if (update == NULL)
        return RC_OK;
    struct schema changed;
    int32_t last_column_id;
    TRY(schema_update_finish(update, &changed, &last_column_id, err));
    return transaction_update_schema(table->tx, &changed, last_column_id, err);
}

/// Keeps what Iceberg's types do not say: which texts are JSON, which decimals are wei.
static rc keep_types(struct landing_table *table, struct err *err)
{
    struct arena *arena = table->arena;
    struct json types = {.kind = JSON_OBJECT};
    for (size_t i = 0; i < table->normal->column_count; i++) {
        const struct normal_column *column = table->normal->columns[i];
        if (column->type == DATA_JSON || column->type == DATA_WEI)
            *json_object_set(arena, &types, column->name) =
                json_of_str(data_type_name(column->type));
    }
    const struct str text = types.count > 0 ? json_print(arena, &types, JSON_COMPACT) : STR("");
    const struct str now =
        properties_get(&landing_metadata(table)->properties, types_property, STR(""));
    return str_equal(text, now) || text.length == 0
               ? RC_OK
               : transaction_set_property(table->tx, types_property, text, err);
}

rc landing_prepare(struct landing *landing, struct landing_table *table, struct err *err)
{
    if (table->tx == NULL) {
        if (table->arena == NULL)
            table->arena = arena_open(landing->arena);
        TRY_CONTEXT(open_transaction(landing, table, err), err, "table %.*s",
                    STR_ARGS(table->name));
        if (landing->options.on_location != NULL)
            TRY(landing->options.on_location(landing->options.on_location_context, table->name,
                                             landing_metadata(table)->location, err));
    }
    if (table->normal == NULL)
        return RC_OK;
    TRY(add_columns(landing, table, err));
    return keep_types(table, err);
}

// ---------------------------------------------------------------- writing out

/// What a table hands to the engine, chunk by chunk.
struct table_feed {
    const struct normal_column **columns;
    size_t column_count;
    size_t row, row_count;
};

static void feed_column(const struct normal_column *column, struct feed_chunk *chunk, size_t index,
                        size_t start, size_t count)
{
    const struct column_values *values = &column->values;
    for (size_t i = 0; i < count; i++) {
        const size_t row = start + i;
        if (!values->valid.bytes[row]) {
            feed_set_null(chunk, index, i);
            continue;
        }
        switch (column->type) {
        case DATA_BOOL:
            feed_set_bool(chunk, index, i, column_values_bool(values, row));
            break;
        case DATA_DOUBLE:
            feed_set_double(chunk, index, i, column_values_double(values, row));
            break;
        case DATA_DATE:
            feed_set_int(chunk, index, i, (int32_t)column_values_number(values, row));
            break;
        case DATA_DECIMAL:
        case DATA_WEI:
            feed_set_decimal(chunk, index, i, column_values_decimal(values, row));
            break;
        case DATA_BIGINT:
        case DATA_TIMESTAMP:
        case DATA_TIME:
            feed_set_long(chunk, index, i, column_values_number(values, row));
            break;
        default:
            feed_set_text(chunk, index, i, column_values_text(values, row));
            break;
        }
    }
}

static rc feed_next(void *context, struct feed_chunk *chunk, struct err *err)
{
    struct table_feed *feed = context;
    (void)err;
    size_t count = feed->row_count - feed->row;
    if (count > FEED_CHUNK_ROWS)
        count = FEED_CHUNK_ROWS;
    for (size_t i = 0; i < feed->column_count; i++)
        feed_column(feed->columns[i], chunk, i, feed->row, count);
    feed->row += count;
    chunk->row_count = count;
    return RC_OK;
}

static enum feed_type feed_type_of(const struct normal_column *column)
{
    switch (column->type) {
    case DATA_DOUBLE:
        return FEED_DOUBLE;
    case DATA_BOOL:
        return FEED_BOOL;
    case DATA_TIMESTAMP:
        return column->has_no_timezone ? FEED_TIMESTAMP : FEED_TIMESTAMPTZ;
    case DATA_BIGINT:
        return FEED_LONG;
    case DATA_BINARY:
        return FEED_BLOB;
    case DATA_DECIMAL:
    case DATA_WEI:
        return FEED_DECIMAL;
    case DATA_DATE:
        return FEED_DATE;
    case DATA_TIME:
        return FEED_TIME;
    default:
        return FEED_TEXT;
    }
}

static void add_files(struct arena *arena, landing_files *to, const struct data_file *files,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        *vec_push(arena, to) = files[i];
}

rc landing_write_sql(struct landing *landing, struct landing_table *table, struct str sql,
                     landing_files *ret_files, int64_t *ret_rows, struct err *err)
{
    const struct data_writer_options options = {.run_id = landing->options.run_tag};
    struct data_file *files = NULL;
    size_t count = 0;
    TRY_CONTEXT(data_writer_copy(landing->connection, landing->options.store,
                                 landing_metadata(table), sql, &options, table->arena, &files,
                                 &count, err),
                err, "table %.*s", STR_ARGS(table->name));
    add_files(table->arena, ret_files, files, count);
    for (size_t i = 0; ret_rows != NULL && i < count; i++)
        *ret_rows += files[i].record_count;
    return RC_OK;
}

/// Streams collected rows, from `first` to before `end`, through a feed into files.
static rc write_rows(struct landing *landing, struct landing_table *table, size_t first, size_t end,
                     struct err *err)
{
    struct arena *scratch = arena_open(landing->arena);
    const struct normal_table *normal = table->normal;
    struct feed_column *columns =
        ARENA_ARRAY(scratch, struct feed_column, normal->column_count + 1);
    struct table_feed feed = {
        .columns = ARENA_ARRAY(scratch, const struct normal_column *, normal->column_count + 1),
        .row = first,
        .row_count = end};
    for (size_t i = 0; i < normal->column_count; i++) {
        const struct normal_column *column = normal->columns[i];
        if (!column->has_values)
            continue;
        columns[feed.column_count] = (struct feed_column){.name = column->name,
                                                          .type = feed_type_of(column),
                                                          .precision = column->values.precision,
                                                          .scale = column->values.scale};
        feed.columns[feed.column_count++] = column;
    }
    const struct feed_source source = {
        .columns = columns, .column_count = feed.column_count, .next = feed_next, .context = &feed};
    const struct str name =
        arena_printf(scratch, "landing_%lld", (long long)landing->feed_number++);
    rc code = duck_feed_register(landing->options.duck, name, &source, err);
    if (code == RC_OK) {
        const struct str sql = arena_printf(scratch, "SELECT * FROM feed(%.*s)",
                                            STR_ARGS(duck_quote_literal(scratch, name)));
        code = landing_write_sql(landing, table, sql, &table->files, &table->staged_rows, err);
        duck_feed_forget(landing->options.duck, name);
    }
    arena_close(scratch);
    return code;
}

rc landing_flush(struct landing *landing, struct landing_table *table, struct err *err)
{
    if (table->normal == NULL || table->normal->row_count == 0)
        return RC_OK;
    const size_t rows = table->normal->row_count;
    size_t marked = landing->options.keeps_units_apart ? table->marked_rows : 0;
    TRY(normal_table_fill(table->normal, err));
    TRY(landing_prepare(landing, table, err));
    if (marked > 0) {
        TRY(write_rows(landing, table, 0, marked, err));
        table->marked_files = table->files.count;
    }
    rc code = RC_OK;
    if (marked < rows)
        code = write_rows(landing, table, marked, rows, err);
    // Also when that failed: a run that stops early must not write the marked rows twice.
    normal_table_clear(landing->normalizer, table->normal);
    table->marked_rows = 0;
    if (code == RC_OK)
        log_debug("wrote %zu rows of %.*s", rows, STR_ARGS(table->name));
    return code;
}

void landing_mark(struct landing_table *table)
{
    table->marked_rows = table->normal->row_count;
    table->marked_files = table->files.count;
    table->marked_total_rows = table->normal->total_rows;
    table->marked_discarded_rows = table->normal->discarded_rows;
}

rc landing_keep_marked(struct landing *landing, struct landing_table *table, struct err *err)
{
    struct normal_table *normal = table->normal;
    // Marked rows in memory come behind marked files: nothing else has been staged since.
    if (table->marked_rows < normal->row_count) {
        if (table->marked_rows > 0) {
            TRY(normal_table_fill(normal, err));
            TRY(landing_prepare(landing, table, err));
            TRY(write_rows(landing, table, 0, table->marked_rows, err));
            table->marked_files = table->files.count;
        }
        normal_table_clear(landing->normalizer, normal);
        table->marked_rows = 0;
    }
    for (size_t i = table->marked_files; i < table->files.count; i++)
        table->staged_rows -= table->files.items[i].record_count;
    data_writer_discard(landing->options.store, table->files.items + table->marked_files,
                        table->files.count - table->marked_files);
    table->files.count = table->marked_files;
    normal->total_rows = table->marked_total_rows;
    normal->discarded_rows = table->marked_discarded_rows;
    return RC_OK;
}

rc landing_relieve(struct landing *landing, struct err *err)
{
    const size_t budget = (size_t)landing->options.budget_bytes / RELIEF_DIVISOR;
    while (landing->normalizer->bytes > budget) {
        struct normal_table *largest = NULL;
        size_t largest_bytes = 0;
        for (size_t i = 0; i < landing->normalizer->tables.count; i++) {
            struct normal_table *normal = landing->normalizer->tables.items[i];
            const size_t bytes = normal_table_bytes(normal);
            if (bytes > largest_bytes) {
                largest = normal;
                largest_bytes = bytes;
            }
        }
        if (largest == NULL || largest_bytes < MIN_RELIEF_BYTES)
            return RC_OK;
        struct landing_table *table;
        TRY(landing_table_of(landing, largest, &table, err));
        TRY(landing_flush(landing, table, err));
    }
    return RC_OK;
}

void landing_discard(struct landing *landing, landing_files *files)
{
    data_writer_discard(landing->options.store, files->items, files->count);
    *files = (landing_files){0};
}

void landing_discard_all(struct landing *landing)
{
    for (size_t i = 0; i < landing->table_count; i++)
        landing_discard(landing, &landing->tables[i]->files);
}

struct str landing_staged_sql(const struct landing *landing, struct arena *arena,
                              const struct landing_table *table, struct err *err)
{
    struct buf sql;
    buf_init(&sql, 64 << 20);
    struct buf list;
    buf_init(&list, 64 << 20);
    for (size_t i = 0; i < table->files.count; i++) {
        struct str path = table->files.items[i].path;
        if (store_reader_path(landing->options.store, arena, path, &path, err) != RC_OK)
            path = table->files.items[i].path; // the engine will say what it is
        buf_printf(&list, "%s%.*s", i > 0 ? ", " : "", STR_ARGS(duck_quote_literal(arena, path)));
    }
    const struct str paths = buf_str(&list);
    buf_printf(&sql,
               "SELECT *, list_position([%.*s], filename) AS m_file_no FROM read_parquet([%.*s], "
               "union_by_name = true, filename = true, file_row_number = true)",
               STR_ARGS(paths), STR_ARGS(paths));
    const struct str text = arena_str(arena, buf_str(&sql));
    buf_done(&sql);
    buf_done(&list);
    return text;
}

rc landing_committed(struct landing *landing, struct err *err)
{
    // first of all: whatever fails from here on, these files are not to be discarded any more
    for (size_t i = 0; i < landing->table_count; i++)
        if (landing->tables[i]->is_committing)
            landing->tables[i]->files = (landing_files){0};
    for (size_t i = 0; i < landing->table_count; i++) {
        struct landing_table *table = landing->tables[i];
        if (!table->is_committing)
            continue;
        table->staged_rows = 0;
        table->marked_files = 0;
        table->is_committing = false;
        table->written_before = table->inserted_rows + table->updated_rows;
        table->tx = NULL;
        arena_close(table->arena);
        table->arena = NULL;
        TRY(load_table(landing, table, err));
    }
    return RC_OK;
}

void landing_forget_transaction(struct landing *landing, struct landing_table *table)
{
    landing_discard(landing, &table->files);
    table->staged_rows = 0;
    table->marked_files = 0;
    table->tx = NULL;
    table->schema_changes.count = 0;
    arena_close(table->arena);
    table->arena = NULL;
}
