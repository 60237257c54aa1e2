/// @file normalize_table.c
/// The normalizer's tables: their columns, the hints of their resource, the rows they hold. See
/// normalize.h. Layer: ingest.

#include "ingest/normalize.intern.h"

enum { DEFAULT_MAX_NESTING = 1000 };

static const struct str load_id_name = STR_INIT("_dlt_load_id");
static const struct str row_id_name = STR_INIT("_dlt_id");
static const struct str parent_id_name = STR_INIT("_dlt_parent_id");
static const struct str list_index_name = STR_INIT("_dlt_list_idx");
static const struct str root_id_name = STR_INIT("_dlt_root_id");

// ---------------------------------------------------------------- tables and columns

static void free_columns(void *object)
{
    struct normal_table *table = object;
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i]->has_values)
            column_values_done(&table->columns[i]->values);
}

struct name_slot *normal_table_slot(struct normalizer *normalizer, struct normal_table *table,
                                    struct str name)
{
    struct name_slot *slot = map_get(&table->slots, name);
    if (slot != NULL)
        return slot;
    slot = ARENA_NEW(normalizer->arena, struct name_slot);
    slot->name = arena_str(normalizer->arena, name);
    map_set(&table->slots, slot->name, slot);
    return slot;
}

struct normal_column *normal_table_add_column(struct normalizer *normalizer,
                                              struct normal_table *table, struct name_slot *slot)
{
    struct normal_column *column = ARENA_NEW(normalizer->arena, struct normal_column);
    column->name = slot->name;
    vec_grow(normalizer->arena, (void **)&table->columns, table->column_count,
             &table->column_capacity, sizeof(struct normal_column *));
    table->columns[table->column_count++] = column;
    slot->column = column;
    return column;
}

struct normal_column *normal_table_find(const struct normal_table *table, struct str name)
{
    const struct name_slot *slot = map_get(&table->slots, name);
    return slot != NULL ? slot->column : NULL;
}

struct normal_column *normal_table_column(struct normalizer *normalizer, struct normal_table *table,
                                          struct str name)
{
    struct name_slot *slot = normal_table_slot(normalizer, table, name);
    return slot->column != NULL ? slot->column : normal_table_add_column(normalizer, table, slot);
}

struct normal_table *normalizer_find(const struct normalizer *normalizer, struct str name)
{
    return map_get(&normalizer->by_name, name);
}

struct normal_table *normalizer_table(struct normalizer *normalizer, struct str name,
                                      struct normal_table *parent)
{
    struct normal_table *table = normalizer_find(normalizer, name);
    if (table != NULL)
        return table;
    struct arena *arena = normalizer->arena;
    table = ARENA_NEW(arena, struct normal_table);
    table->name = arena_str(arena, name);
    table->parent = parent;
    table->root = parent != NULL ? parent->root : table;
    table->resource = table->root->resource;
    table->contract = parent != NULL ? parent->root->contract : normalizer->options.contract;
    table->has_root_id = table->root->has_root_id;
    table->max_nesting = DEFAULT_MAX_NESTING;
    map_init(&table->slots, arena);
    table->load_id = normal_table_slot(normalizer, table, load_id_name);
    table->row_id = normal_table_slot(normalizer, table, row_id_name);
    table->parent_id = normal_table_slot(normalizer, table, parent_id_name);
    table->list_index = normal_table_slot(normalizer, table, list_index_name);
    table->root_id = normal_table_slot(normalizer, table, root_id_name);
    arena_defer(arena, free_columns, table);
    map_set(&normalizer->by_name, table->name, table);
    *vec_push(arena, &normalizer->tables) = table;
    return table;
}

void normal_column_complete(struct normal_table *table, struct normal_column *column,
                            enum data_type type)
{
    column->type = type;
    if (type == DATA_DECIMAL && !column->has_precision) {
        column->precision = NORMAL_DECIMAL_PRECISION;
        column->scale = NORMAL_DECIMAL_SCALE;
    } else if (type == DATA_WEI && !column->has_precision) {
        column->precision = NORMAL_DECIMAL_PRECISION;
        column->scale = 0;
    }
    if (str_equal(column->name, row_id_name)) {
        column->is_row_key = column->is_unique = true;
        column->is_required = true;
    } else if (str_equal(column->name, parent_id_name)) {
        column->is_parent_key = column->is_required = true;
    } else if (str_equal(column->name, root_id_name)) {
        column->is_root_key = column->is_required = true;
    } else if (str_equal(column->name, list_index_name) ||
               (table->parent == NULL && str_equal(column->name, load_id_name))) {
        column->is_required = true;
    }
}

// ---------------------------------------------------------------- hints

static void apply_flag(const struct json *hint, const char *name, bool *flag)
{
    const struct json *value = json_get(hint, str_of(name));
    if (value != NULL && value->kind == JSON_BOOL)
        *flag = value->boolean;
}

/// One column's hints, in dlt's words.
static rc apply_hint(struct normalizer *normalizer, struct normal_table *table, struct str key,
                     const struct json *hint, struct err *err)
{
    const struct json *given = json_get(hint, STR("name"));
    struct str name = json_str(given, key);
    TRY_CONTEXT(naming_path(&normalizer->options.naming, normalizer->scratch, name, &name, err),
                err, "a column hint of %.*s", STR_ARGS(table->name));
    struct normal_column *column = normal_table_column(normalizer, table, name);
    column->is_hinted = true;
    const struct json *type = json_get(hint, STR("data_type"));
    if (type != NULL && type->kind != JSON_NULL) {
        const enum data_type wanted = data_type_of(json_str(type, STR("")));
        if (wanted == DATA_NONE) {
            err_set(err, RC_CONFIG, "column %.*s of %.*s: unknown data_type '%.*s'", STR_ARGS(name),
                    STR_ARGS(table->name), STR_ARGS(json_str(type, STR(""))));
            return err_hint(err, "use text, bigint, double, bool, timestamp, date, time, decimal, "
                                 "wei, binary or json");
        }
        if (column->type == DATA_NONE)
            column->type = wanted;
    }
    int64_t number;
    if (json_to_int64(json_get(hint, STR("precision")), &number)) {
        column->precision = (int)number;
        column->has_precision = true;
    }
    if (json_to_int64(json_get(hint, STR("scale")), &number)) {
        column->scale = (int)number;
        column->has_scale = true;
    }
    const struct json *zone = json_get(hint, STR("timezone"));
    if (zone != NULL && zone->kind == JSON_BOOL) {
        column->has_timezone = true;
        column->has_no_timezone = !zone->boolean;
    }
    const struct json *nullable = json_get(hint, STR("nullable"));
    if (nullable != NULL && nullable->kind == JSON_BOOL) {
        column->has_nullable = true;
        column->is_required = !nullable->boolean;
    }
    apply_flag(hint, "primary_key", &column->is_primary_key);
    apply_flag(hint, "merge_key", &column->is_merge_key);
    apply_flag(hint, "hard_delete", &column->is_hard_delete);
    apply_flag(hint, "unique", &column->is_unique);
    const struct str sort = json_str(json_get(hint, STR("dedup_sort")), STR(""));
    if (str_is(sort, "asc"))
        column->dedup_sort = DEDUP_SORT_ASC;
    else if (str_is(sort, "desc"))
        column->dedup_sort = DEDUP_SORT_DESC;
    return RC_OK;
}

static rc apply_keys(struct normalizer *normalizer, struct normal_table *table,
                     const str_vec *names, bool is_primary, struct err *err)
{
    for (size_t i = 0; i < names->count; i++) {
        struct str name;
        TRY_CONTEXT(naming_path(&normalizer->options.naming, normalizer->scratch, names->items[i],
                                &name, err),
                    err, "a key of %.*s", STR_ARGS(table->name));
        struct normal_column *column = normal_table_column(normalizer, table, name);
        column->is_hinted = column->is_required = column->has_nullable = true;
        if (is_primary)
            column->is_primary_key = true;
        else
            column->is_merge_key = true;
    }
    return RC_OK;
}

static rc apply_resource(struct normalizer *normalizer, struct normal_table *table,
                         const struct resource *resource, struct err *err)
{
    const struct json *hints = resource->columns;
    for (size_t i = 0; hints != NULL && i < hints->count; i++) {
        if (hints->kind == JSON_ARRAY)
            TRY(apply_hint(normalizer, table, STR(""), &hints->items[i], err));
        else if (hints->kind == JSON_OBJECT)
            TRY(apply_hint(normalizer, table, hints->members[i].key, &hints->members[i].value,
                           err));
    }
    TRY(apply_keys(normalizer, table, &resource->primary_key, true, err));
    TRY(apply_keys(normalizer, table, &resource->merge_key, false, err));
    TRY_CONTEXT(contract_parse(resource->schema_contract, normalizer->options.contract,
                               &table->contract, err),
                err, "resource %.*s", STR_ARGS(resource->name));
    if (resource->max_table_nesting >= 0)
        table->max_nesting = resource->max_table_nesting;
    const bool is_merge = resource->write_disposition == WRITE_MERGE;
    table->has_root_id = is_merge;
    if (is_merge &&
        (resource->merge_strategy == MERGE_UPSERT || resource->merge_strategy == MERGE_INSERT_ONLY))
        table->row_id_kind = ROW_ID_KEY;
    else if (is_merge && resource->merge_strategy == MERGE_SCD2)
        table->row_id_kind = ROW_ID_HASH;
    return RC_OK;
}

rc normalizer_add_table(struct normalizer *normalizer, const struct resource *resource,
                        struct normal_table **ret_table, struct err *err)
{
    struct str name;
    TRY_CONTEXT(naming_tables_path(&normalizer->options.naming, normalizer->scratch,
                                   resource->table_name, &name, err),
                err, "resource %.*s", STR_ARGS(resource->name));
    struct normal_table *table = normalizer_find(normalizer, name);
    if (table == NULL)
        table = normalizer_table(normalizer, name, NULL);
    if (table->resource == NULL) {
        table->resource = resource;
        TRY(apply_resource(normalizer, table, resource, err));
    }
    *ret_table = table;
    return RC_OK;
}

// ---------------------------------------------------------------- the rows of a table

size_t normal_table_bytes(const struct normal_table *table)
{
    size_t bytes = 0;
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i]->has_values)
            bytes += column_values_bytes(&table->columns[i]->values);
    return bytes;
}

rc normal_table_fill(struct normal_table *table, struct err *err)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i]->has_values)
            TRY(column_values_fill(&table->columns[i]->values, table->row_count, err));
    return RC_OK;
}

void normal_table_clear(struct normalizer *normalizer, struct normal_table *table)
{
    const size_t bytes = normal_table_bytes(table);
    normalizer->bytes -= bytes < normalizer->bytes ? bytes : normalizer->bytes;
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i]->has_values)
            column_values_clear(&table->columns[i]->values);
    table->row_count = 0;
}

void normalizer_keep_nulls(struct normalizer *normalizer, struct normal_table *table)
{
    for (size_t i = 0; i < table->slots.count; i++) {
        struct name_slot *slot = table->slots.entries[i].value;
        if (!slot->was_null || slot->filter != CONTRACT_EVOLVE)
            continue;
        if (slot->column == NULL)
            normal_table_add_column(normalizer, table, slot);
        if (slot->column->type == DATA_NONE)
            normal_column_complete(table, slot->column, DATA_TEXT);
    }
}
