/// @file normalize.c
/// See normalize.h. A record is walked along "shapes": what the normalizer learned about each place
/// in a document (which name, which column, which child table), so that a key is normalized once
/// and then found by comparing it with the key that stood there last time.
/// A row is first collected (last value of a name wins), then typed, then checked against the
/// contract, and only then appended: a discarded row leaves no trace. Layer: ingest.

#include "ingest/normalize.h"

#include <math.h>
#include <stdlib.h>

#include "base/log.h"

enum {
    DEFAULT_MAX_NESTING = 1000,
    MAX_COLUMNS = 20000, // of one table
    MAX_TABLES = 5000,
    BYTES_CHECK_RECORDS = 32,
    DECIMAL_PRECISION = 38,
    DECIMAL_SCALE = 9,
};

/// A name in a table's rows, whether or not it has become a column.
struct name_slot {
    struct str name;
    struct normal_column *column;                // NULL: never hinted nor typed
    enum contract_mode filter;                   // not EVOLVE: left out from now on
    struct name_slot *variants[DATA_TYPE_COUNT]; // by the type that did not fit
    // of the row at hand:
    uint64_t row;             // number of the row that touched it last
    const struct json *value; // NULL when `cell` is given
    struct cell cell;
    bool has_cell;           // `cell` is to be appended
    enum data_type new_type; // the column that this row would add, DATA_NONE = none
    bool is_new_variant;
    bool was_null; // in some row
};

/// A key of an object, as seen at one place.
struct shape_field {
    struct str key;
    struct name_slot *slot;
    struct shape *object;    // made when an object was seen there
    struct list_shape *list; // made when a list was seen there
};

/// An object at one place: the row itself, or an object inside it.
struct shape {
    struct normal_table *table;
    const struct str *table_path; // parts that make the table's name
    size_t table_path_count;
    const struct str *path; // from the row to this object
    size_t path_count;
    int level; // how many levels may still be unpacked; at 0 everything nested is JSON
    struct shape_field **fields;
    size_t field_count, field_capacity;
    struct map by_key;
    int row_level; // level of the row that this object belongs to
};

/// A list at one place: a child table.
struct list_shape {
    struct normal_table *table;
    struct shape *row;       // objects in it
    struct shape *nested;    // {"list": [...]}: lists in it
    struct name_slot *value; // scalars in it
};

struct pending_list {
    struct list_shape *list;
    const struct json *items;
};
VEC_TYPE(pending_lists, struct pending_list);

struct pending_object {
    struct shape *shape;
    const struct json *object;
};
VEC_TYPE(pending_objects, struct pending_object);

static const struct str load_id_name = STR_INIT("_dlt_load_id");
static const struct str row_id_name = STR_INIT("_dlt_id");
static const struct str parent_id_name = STR_INIT("_dlt_parent_id");
static const struct str list_index_name = STR_INIT("_dlt_list_idx");
static const struct str root_id_name = STR_INIT("_dlt_root_id");
static const struct str value_name = STR_INIT("value");
static const struct str empty_name = STR_INIT("_empty");

// ---------------------------------------------------------------- tables and columns

static void free_columns(void *object)
{
    struct normal_table *table = object;
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i]->has_values)
            column_values_done(&table->columns[i]->values);
}

static struct name_slot *slot_of(struct normalizer *normalizer, struct normal_table *table,
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

static struct normal_column *add_column(struct normalizer *normalizer, struct normal_table *table,
                                        struct name_slot *slot)
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
    struct name_slot *slot = slot_of(normalizer, table, name);
    return slot->column != NULL ? slot->column : add_column(normalizer, table, slot);
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
    table->load_id = slot_of(normalizer, table, load_id_name);
    table->row_id = slot_of(normalizer, table, row_id_name);
    table->parent_id = slot_of(normalizer, table, parent_id_name);
    table->list_index = slot_of(normalizer, table, list_index_name);
    table->root_id = slot_of(normalizer, table, root_id_name);
    arena_defer(arena, free_columns, table);
    map_set(&normalizer->by_name, table->name, table);
    *vec_push(arena, &normalizer->tables) = table;
    return table;
}

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

rc normalizer_open(struct arena *arena, const struct normalizer_options *options,
                   struct normalizer **ret_normalizer, struct err *err)
{
    (void)err;
    struct normalizer *normalizer = ARENA_NEW(arena, struct normalizer);
    normalizer->arena = arena;
    normalizer->scratch = arena_open(arena);
    normalizer->options = *options;
    if (normalizer->options.detectors == 0)
        normalizer->options.detectors = DETECT_ISO_TIMESTAMP;
    map_init(&normalizer->by_name, arena);
    *ret_normalizer = normalizer;
    return RC_OK;
}

// ---------------------------------------------------------------- shapes

static const struct str *path_append(struct arena *arena, const struct str *path, size_t count,
                                     const struct str *more, size_t more_count)
{
    struct str *joined = ARENA_ARRAY(arena, struct str, count + more_count + 1);
    for (size_t i = 0; i < count; i++)
        joined[i] = path[i];
    for (size_t i = 0; i < more_count; i++)
        joined[count + i] = more[i];
    return joined;
}

static struct shape *shape_new(struct normalizer *normalizer, struct normal_table *table,
                               const struct str *table_path, size_t table_path_count, int level)
{
    struct shape *shape = ARENA_NEW(normalizer->arena, struct shape);
    *shape = (struct shape){.table = table,
                            .table_path = table_path,
                            .table_path_count = table_path_count,
                            .level = level,
                            .row_level = level};
    map_init(&shape->by_key, normalizer->arena);
    return shape;
}

static rc make_field(struct normalizer *normalizer, struct shape *shape, struct str key,
                     struct shape_field **ret_field, struct err *err)
{
    struct arena *arena = normalizer->arena;
    if (shape->field_count >= MAX_COLUMNS)
        return err_set(err, RC_LIMIT, "table %.*s has more than %d different keys",
                       STR_ARGS(shape->table->name), MAX_COLUMNS);
    struct str name = empty_name;
    if (!naming_is_blank(key))
        TRY_CONTEXT(naming_path(&normalizer->options.naming, arena, key, &name, err), err,
                    "key '%.*s' of %.*s", STR_ARGS(key), STR_ARGS(shape->table->name));
    if (name.length == 0)
        name = empty_name;
    if (shape->path_count > 0) {
        const struct str *parts = path_append(arena, shape->path, shape->path_count, &name, 1);
        name = naming_join(&normalizer->options.naming, arena, parts, shape->path_count + 1);
    }
    struct shape_field *field = ARENA_NEW(arena, struct shape_field);
    field->key = arena_str(arena, key);
    field->slot = slot_of(normalizer, shape->table, name);
    vec_grow(arena, (void **)&shape->fields, shape->field_count, &shape->field_capacity,
             sizeof(struct shape_field *));
    shape->fields[shape->field_count++] = field;
    map_set(&shape->by_key, field->key, field);
    *ret_field = field;
    return RC_OK;
}

/// The field of a key. Documents of one kind mostly have their keys in one order, so the position
/// is tried first.
static rc field_of(struct normalizer *normalizer, struct shape *shape, struct str key,
                   size_t *expected, struct shape_field **ret_field, struct err *err)
{
    for (size_t i = *expected; i < shape->field_count && i < *expected + 3; i++)
        if (str_equal(shape->fields[i]->key, key)) {
            *expected = i + 1;
            *ret_field = shape->fields[i];
            return RC_OK;
        }
    struct shape_field *field = map_get(&shape->by_key, key);
    if (field == NULL)
        TRY(make_field(normalizer, shape, key, &field, err));
    *ret_field = field;
    return RC_OK;
}

/// The parts of a key's own name, for paths below it.
static rc own_name(struct normalizer *normalizer, struct str key, bool is_table,
                   struct str *ret_name, struct err *err)
{
    struct str name = STR("");
    if (!naming_is_blank(key)) {
        if (is_table)
            TRY(naming_tables_path(&normalizer->options.naming, normalizer->arena, key, &name,
                                   err));
        else
            TRY(naming_path(&normalizer->options.naming, normalizer->arena, key, &name, err));
    }
    *ret_name = name.length > 0 ? name : empty_name;
    return RC_OK;
}

static rc object_shape(struct normalizer *normalizer, struct shape *shape,
                       struct shape_field *field, struct err *err)
{
    struct str name;
    TRY(own_name(normalizer, field->key, false, &name, err));
    field->object = shape_new(normalizer, shape->table, shape->table_path, shape->table_path_count,
                              shape->level - 1);
    field->object->row_level = shape->row_level;
    field->object->path = path_append(normalizer->arena, shape->path, shape->path_count, &name, 1);
    field->object->path_count = shape->path_count + 1;
    return RC_OK;
}

static rc list_shape_new(struct normalizer *normalizer, struct shape *shape,
                         struct shape_field *field, struct err *err)
{
    struct arena *arena = normalizer->arena;
    struct str name;
    TRY(own_name(normalizer, field->key, true, &name, err));
    const struct str *below = path_append(arena, shape->path, shape->path_count, &name, 1);
    const size_t count = shape->table_path_count + shape->path_count + 1;
    const struct str *path = path_append(arena, shape->table_path, shape->table_path_count, below,
                                         shape->path_count + 1);
    const struct str table_name = naming_join(&normalizer->options.naming, arena, path, count);
    if (normalizer->tables.count >= MAX_TABLES)
        return err_set(err, RC_LIMIT, "the records need more than %d tables", MAX_TABLES);
    struct list_shape *list = ARENA_NEW(arena, struct list_shape);
    list->table = normalizer_table(normalizer, table_name, shape->table);
    const int level = shape->row_level - 1;
    list->row = shape_new(normalizer, list->table, path, count, level);
    list->nested = shape_new(normalizer, list->table, path, count, level - 1);
    list->value = slot_of(normalizer, list->table, value_name);
    field->list = list;
    return RC_OK;
}

// ---------------------------------------------------------------- collecting a row

struct row {
    struct normal_table *table;
    uint64_t number; // distinguishes this row's values from older ones in the slots
    pending_lists lists;
};

static void touch(struct normalizer *normalizer, struct row *row, struct name_slot *slot)
{
    struct normal_table *table = row->table;
    if (slot->row == row->number) {
        normalizer->name_clashes++;
        return;
    }
    slot->row = row->number;
    vec_grow(normalizer->arena, (void **)&table->touched, table->touched_count,
             &table->touched_capacity, sizeof(struct name_slot *));
    table->touched[table->touched_count++] = slot;
}

static void put_json(struct normalizer *normalizer, struct row *row, struct name_slot *slot,
                     const struct json *value)
{
    touch(normalizer, row, slot);
    slot->value = value;
}

static void put_text(struct normalizer *normalizer, struct row *row, struct name_slot *slot,
                     struct str text)
{
    touch(normalizer, row, slot);
    slot->value = NULL;
    slot->cell = (struct cell){.type = DATA_TEXT, .text = text};
}

static void put_number(struct normalizer *normalizer, struct row *row, struct name_slot *slot,
                       int64_t number)
{
    touch(normalizer, row, slot);
    slot->value = NULL;
    slot->cell = (struct cell){.type = DATA_BIGINT, .number = number};
}

static bool stays_json(const struct shape *shape, const struct shape_field *field)
{
    return shape->level <= 0 ||
           (field->slot->column != NULL && field->slot->column->type == DATA_JSON);
}

static rc put_list(struct normalizer *normalizer, struct row *row, struct shape *shape,
                   struct shape_field *field, const struct json *items, struct err *err)
{
    if (field->list == NULL)
        TRY(list_shape_new(normalizer, shape, field, err));
    for (size_t i = 0; i < row->lists.count && i < 64; i++)
        if (row->lists.items[i].list->table == field->list->table) {
            row->lists.items[i] = (struct pending_list){field->list, items};
            return RC_OK;
        }
    *vec_push(normalizer->scratch, &row->lists) = (struct pending_list){field->list, items};
    return RC_OK;
}

/// Collects the values of an object and of the objects in it. Inner objects come after the plain
/// values of the outer one, the last one first, as dlt does it (it decides who wins a clash).
static rc flatten(struct normalizer *normalizer, struct row *row, struct shape *row_shape,
                  const struct json *object, struct err *err)
{
    pending_objects stack = {0};
    struct pending_object at = {row_shape, object};
    while (true) {
        size_t expected = 0;
        for (size_t i = 0; i < at.object->count; i++) {
            const struct json_member *member = &at.object->members[i];
            struct shape_field *field;
            TRY(field_of(normalizer, at.shape, member->key, &expected, &field, err));
            const enum json_kind kind = member->value.kind;
            if (kind < JSON_ARRAY || stays_json(at.shape, field)) {
                put_json(normalizer, row, field->slot, &member->value);
            } else if (kind == JSON_OBJECT) {
                if (field->object == NULL)
                    TRY(object_shape(normalizer, at.shape, field, err));
                *vec_push(normalizer->scratch, &stack) =
                    (struct pending_object){field->object, &member->value};
            } else {
                TRY(put_list(normalizer, row, at.shape, field, &member->value, err));
            }
        }
        if (stack.count == 0)
            return RC_OK;
        at = stack.items[--stack.count];
    }
}

// ---------------------------------------------------------------- typing a row

static enum data_type infer_type(const struct normalizer *normalizer, const struct cell *cell)
{
    const unsigned detectors = normalizer->options.detectors;
    const int64_t now_us = normalizer->options.now_us;
    enum data_type type = DATA_NONE;
    if (cell->type == DATA_TEXT) {
        type = detect_text(cell->text, detectors);
    } else if (cell->type == DATA_BIGINT && cell->is_big) {
        // Larger than any column of integers: wei if it fits 38 digits.
        const bool is_negative = cell->text.length > 0 && cell->text.bytes[0] == '-';
        type = cell->text.length - is_negative <= DECIMAL_PRECISION ? DATA_WEI : DATA_TEXT;
    } else if (cell->type == DATA_BIGINT && (detectors & DETECT_TIMESTAMP)) {
        type = detect_integer(arena_printf(normalizer->scratch, "%lld", (long long)cell->number),
                              detectors, now_us);
    } else if (cell->type == DATA_DOUBLE) {
        type = detect_double(cell->real, detectors, now_us);
    }
    return type == DATA_NONE ? cell->type : type;
}

/// As coerce(), but a decimal takes the digits that were sent instead of the nearest double, and an
/// integer must fit its 64 bits.
static bool fit(struct normalizer *normalizer, const struct name_slot *slot,
                const struct cell *from, enum data_type type, struct cell *ret_cell)
{
    if (from->type == DATA_DOUBLE && (type == DATA_DECIMAL || type == DATA_WEI) &&
        slot->value != NULL && slot->value->kind == JSON_NUMBER) {
        *ret_cell = (struct cell){.type = type};
        return decimal_text_normalize(normalizer->scratch, slot->value->text, &ret_cell->text);
    }
    struct cell cell;
    if (!coerce(normalizer->scratch, from, type, &cell))
        return false;
    if (type == DATA_BIGINT && cell.is_big)
        return false;
    if ((type == DATA_DECIMAL || type == DATA_WEI) && cell.text.length > 0 &&
        (str_contains(cell.text, STR("N")) || str_contains(cell.text, STR("I"))))
        return false; // NaN and infinities exist in no decimal column
    *ret_cell = cell;
    return true;
}

static struct name_slot *variant_slot(struct normalizer *normalizer, struct normal_table *table,
                                      struct name_slot *slot, enum data_type type)
{
    if (slot->variants[type] == NULL) {
        const struct str suffix = str_concat(normalizer->scratch, STR("v_"), data_type_name(type));
        const struct str parts[] = {slot->name, suffix};
        slot->variants[type] =
            slot_of(normalizer, table,
                    naming_join(&normalizer->options.naming, normalizer->scratch, parts, 2));
    }
    return slot->variants[type];
}

/// Always an error, so that callers can return it.
static rc coercion_error(const struct normal_table *table, const struct name_slot *slot,
                         const struct cell *cell, struct err *err)
{
    const struct str text = slot->value != NULL && slot->value->kind <= JSON_STRING
                                ? slot->value->text
                                : STR("(nested)");
    return err_set(
        err, RC_INVALID, "column %.*s of table %.*s is %.*s and cannot take the %.*s value '%.*s'",
        STR_ARGS(slot->name), STR_ARGS(table->name), STR_ARGS(data_type_name(slot->column->type)),
        STR_ARGS(data_type_name(cell->type)), STR_ARGS(str_slice(text, 0, 200)));
}

/// Puts a value that its column cannot take into the variant column of its type.
static rc type_variant(struct normalizer *normalizer, struct row *row, struct name_slot *slot,
                       const struct cell *cell, struct err *err)
{
    if (normalizer->options.type_change == TYPE_CHANGE_FAIL) {
        coercion_error(row->table, slot, cell, err);
        return err_hint(err, "on_type_change: variant keeps such values in a column of their own");
    }
    struct name_slot *variant = variant_slot(normalizer, row->table, slot, cell->type);
    touch(normalizer, row, variant);
    variant->value = NULL;
    variant->has_cell = true;
    variant->new_type = DATA_NONE;
    variant->cell = *cell;
    if (variant->column != NULL && variant->column->type != DATA_NONE) {
        variant->value = slot->value;
        if (!fit(normalizer, variant, cell, variant->column->type, &variant->cell))
            return coercion_error(row->table, variant, cell, err);
        return RC_OK;
    }
    variant->new_type = infer_type(normalizer, cell);
    variant->is_new_variant = true;
    variant->value = slot->value;
    return fit(normalizer, variant, cell, variant->new_type, &variant->cell)
               ? RC_OK
               : coercion_error(row->table, slot, cell, err);
}

/// Nothing of this run was written out yet.
static bool holds_all_rows(const struct normal_table *table)
{
    return table->total_rows == (int64_t)table->row_count;
}

/// Tries to give the column itself a wider type, as the option on_type_change asks; possible as
/// long as nothing of it was written.
static bool change_type(struct normalizer *normalizer, struct normal_table *table,
                        struct name_slot *slot, const struct cell *cell, struct err *err)
{
    struct normal_column *column = slot->column;
    const enum type_change mode = normalizer->options.type_change;
    if (mode == TYPE_CHANGE_VARIANT || mode == TYPE_CHANGE_FAIL || column->is_landed ||
        column->is_hinted || !holds_all_rows(table))
        return false;
    const bool is_widening = column->type == DATA_BIGINT && cell->type == DATA_DOUBLE;
    if (mode == TYPE_CHANGE_WIDEN && !is_widening)
        return false;
    if (mode == TYPE_CHANGE_TEXT && column->type != DATA_BIGINT && column->type != DATA_DOUBLE &&
        column->type != DATA_BOOL)
        return false;
    const enum data_type type = mode == TYPE_CHANGE_WIDEN ? DATA_DOUBLE : DATA_TEXT;
    struct column_values old = column->values, changed;
    column_values_init(&changed, type, 0, 0);
    for (size_t i = 0; i < old.count; i++) {
        if (column_values_is_null(&old, i))
            continue;
        struct cell from = {.type = old.type}, to;
        if (old.type == DATA_BOOL)
            from.boolean = column_values_bool(&old, i);
        else if (old.type == DATA_DOUBLE)
            from.real = column_values_double(&old, i);
        else
            from.number = column_values_number(&old, i);
        if (!coerce(normalizer->scratch, &from, type, &to) ||
            column_values_append(&changed, i, &to, err) != RC_OK) {
            column_values_done(&changed);
            return false;
        }
    }
    column_values_done(&old);
    column->values = changed;
    column->type = type;
    return true;
}

static rc type_value(struct normalizer *normalizer, struct row *row, struct name_slot *slot,
                     struct err *err)
{
    struct normal_column *column = slot->column;
    const struct cell cell = slot->value != NULL ? cell_of_json(slot->value) : slot->cell;
    slot->has_cell = true;
    slot->new_type = DATA_NONE;
    if (column != NULL && column->type != DATA_NONE) {
        if (column->type == cell.type && !cell.is_big) {
            slot->cell = cell;
            return RC_OK;
        }
        if (fit(normalizer, slot, &cell, column->type, &slot->cell))
            return RC_OK;
        if (change_type(normalizer, row->table, slot, &cell, err) &&
            fit(normalizer, slot, &cell, column->type, &slot->cell))
            return RC_OK;
        slot->has_cell = false;
        return type_variant(normalizer, row, slot, &cell, err);
    }
    slot->is_new_variant = false;
    slot->new_type = infer_type(normalizer, &cell);
    if (fit(normalizer, slot, &cell, slot->new_type, &slot->cell))
        return RC_OK;
    slot->has_cell = false;
    slot->new_type = DATA_NONE;
    return type_variant(normalizer, row, slot, &cell, err);
}

static rc check_null(const struct normal_table *table, struct name_slot *slot, struct err *err)
{
    slot->has_cell = false;
    slot->new_type = DATA_NONE;
    slot->was_null = true;
    if (slot->column == NULL || !slot->column->is_required)
        return RC_OK;
    return err_set(err, RC_INVALID,
                   "column %.*s of table %.*s must not be null, but a record has "
                   "null there",
                   STR_ARGS(slot->name), STR_ARGS(table->name));
}

// ---------------------------------------------------------------- contracts

static bool is_system_name(struct str name)
{
    return str_has_prefix(name, STR("_dlt"));
}

static bool is_new_table(const struct normal_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i]->type != DATA_NONE)
            return false;
    return true;
}

static rc frozen(const struct normal_table *table, const struct name_slot *slot, const char *entity,
                 struct err *err)
{
    if (slot == NULL)
        err_set(err, RC_INVALID, "the data has a new table %.*s, but the contract freezes tables",
                STR_ARGS(table->name));
    else if (slot->value != NULL && slot->value->kind != JSON_NULL &&
             slot->value->kind <= JSON_STRING)
        err_set(err, RC_INVALID,
                "the data has a new column %.*s (%.*s, value '%.*s') in table %.*s, but the "
                "contract freezes %s",
                STR_ARGS(slot->name), STR_ARGS(data_type_name(slot->new_type)),
                STR_ARGS(str_slice(slot->value->text, 0, 100)), STR_ARGS(table->name), entity);
    else
        err_set(err, RC_INVALID,
                "the data has a new column %.*s (%.*s) in table %.*s, but the contract freezes %s",
                STR_ARGS(slot->name), STR_ARGS(data_type_name(slot->new_type)),
                STR_ARGS(table->name), entity);
    return err_hint(err, "let the contract evolve, or discard what is new with discard_value or "
                         "discard_row");
}

/// Decides about the columns that a row would add.
/// @param ret_keep  false: the row is left out
static rc apply_contract(struct row *row, bool *ret_keep, struct err *err)
{
    struct normal_table *table = row->table;
    const struct contract contract = table->contract;
    const bool is_new = is_new_table(table);
    *ret_keep = true;
    if (is_new && contract.tables != CONTRACT_EVOLVE) {
        if (contract.tables == CONTRACT_FREEZE)
            return frozen(table, NULL, "tables", err);
        table->is_filtered = true;
        *ret_keep = false;
        return RC_OK;
    }
    if (is_new && table->parent == NULL)
        table->evolves_once = true;
    const enum contract_mode columns =
        is_new || table->evolves_once ? CONTRACT_EVOLVE : contract.columns;
    for (size_t i = 0; i < table->touched_count; i++) {
        struct name_slot *slot = table->touched[i];
        if (!slot->has_cell || slot->new_type == DATA_NONE)
            continue;
        const enum contract_mode mode = is_system_name(slot->name) ? CONTRACT_EVOLVE
                                        : slot->is_new_variant     ? contract.data_type
                                                                   : columns;
        if (mode == CONTRACT_FREEZE)
            return frozen(table, slot, slot->is_new_variant ? "data types" : "columns", err);
        if (mode == CONTRACT_EVOLVE)
            continue;
        slot->filter = mode;
        slot->has_cell = false;
        if (mode == CONTRACT_DISCARD_ROW)
            *ret_keep = false;
    }
    return RC_OK;
}

/// False for a row with a column for which the contract has discarded a row before.
static bool passes_filters(struct normal_table *table)
{
    for (size_t i = 0; i < table->touched_count; i++) {
        if (table->touched[i]->filter == CONTRACT_DISCARD_ROW)
            return false;
    }
    return true;
}

// ---------------------------------------------------------------- rows

static void complete_column(struct normal_table *table, struct normal_column *column,
                            enum data_type type)
{
    column->type = type;
    if (type == DATA_DECIMAL && !column->has_precision) {
        column->precision = DECIMAL_PRECISION;
        column->scale = DECIMAL_SCALE;
    } else if (type == DATA_WEI && !column->has_precision) {
        column->precision = DECIMAL_PRECISION;
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

static rc append_row(struct normalizer *normalizer, struct normal_table *table, struct err *err)
{
    for (size_t i = 0; i < table->touched_count; i++) {
        struct name_slot *slot = table->touched[i];
        if (!slot->has_cell)
            continue;
        struct normal_column *column = slot->column;
        if (column == NULL) {
            if (table->column_count >= MAX_COLUMNS)
                return err_set(err, RC_LIMIT, "table %.*s needs more than %d columns",
                               STR_ARGS(table->name), MAX_COLUMNS);
            column = add_column(normalizer, table, slot);
            column->is_variant = slot->is_new_variant;
        }
        if (slot->new_type != DATA_NONE)
            complete_column(table, column, slot->new_type);
        if (!column->has_values) {
            complete_column(table, column, column->type);
            column_values_init(&column->values, column->type, column->precision, column->scale);
            column->has_values = true;
        }
        TRY_CONTEXT(column_values_append(&column->values, table->row_count, &slot->cell, err), err,
                    "column %.*s of table %.*s", STR_ARGS(slot->name), STR_ARGS(table->name));
    }
    table->row_count++;
    table->total_rows++;
    return RC_OK;
}

/// Types, checks and appends what was collected.
static rc finish_row(struct normalizer *normalizer, struct row *row, bool *ret_kept,
                     struct err *err)
{
    struct normal_table *table = row->table;
    *ret_kept = false;
    if (table->is_filtered || !passes_filters(table)) {
        table->discarded_rows++;
        return RC_OK;
    }
    bool has_new = false;
    const size_t count = table->touched_count; // variants are added behind
    for (size_t i = 0; i < count; i++) {
        struct name_slot *slot = table->touched[i];
        if (slot->filter == CONTRACT_DISCARD_VALUE) {
            slot->has_cell = false;
            continue;
        }
        if (slot->value != NULL && slot->value->kind == JSON_NULL)
            TRY(check_null(table, slot, err));
        else
            TRY(type_value(normalizer, row, slot, err));
    }
    for (size_t i = 0; i < table->touched_count; i++)
        has_new =
            has_new || (table->touched[i]->has_cell && table->touched[i]->new_type != DATA_NONE);
    bool is_kept = true;
    if (has_new)
        TRY(apply_contract(row, &is_kept, err));
    if (!is_kept) {
        table->discarded_rows++;
        return RC_OK;
    }
    TRY(append_row(normalizer, table, err));
    *ret_kept = true;
    return RC_OK;
}

/// Where a row hangs: NULL ids for roots.
struct position {
    struct str parent_id, root_id;
    size_t index;
    bool is_root;
};

static struct row begin_row(struct normalizer *normalizer, struct normal_table *table)
{
    table->touched_count = 0;
    return (struct row){.table = table, .number = ++normalizer->row_number};
}

static rc key_hash(struct normalizer *normalizer, const struct row *row, char id[ROW_ID_LENGTH],
                   struct err *err)
{
    const struct normal_table *table = row->table;
    struct row_member *members =
        ARENA_ARRAY(normalizer->scratch, struct row_member, table->column_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct normal_column *column = table->columns[i];
        if (!column->is_primary_key)
            continue;
        const struct name_slot *slot = map_get(&table->slots, column->name);
        if (slot->row != row->number)
            return err_set(err, RC_INVALID,
                           "a record of table %.*s has no %.*s, which is part of "
                           "its primary key",
                           STR_ARGS(table->name), STR_ARGS(column->name));
        members[count++] = (struct row_member){slot->name, slot->value};
    }
    if (count == 0) {
        err_set(err, RC_CONFIG,
                "table %.*s is merged by upsert or insert-only, but has no "
                "primary key",
                STR_ARGS(table->name));
        return err_hint(err, "give the resource a primary_key");
    }
    ids_row(normalizer->scratch, members, count, id);
    return RC_OK;
}

/// The id of the row: the record's own `_dlt_id`, or one by the table's rule.
static rc give_row_id(struct normalizer *normalizer, struct row *row, const struct json *object,
                      const struct position *position, struct str *ret_id, struct err *err)
{
    struct normal_table *table = row->table;
    struct name_slot *slot = table->row_id;
    if (slot->row == row->number && slot->value != NULL && slot->value->kind == JSON_STRING &&
        slot->value->text.length > 0) {
        *ret_id = slot->value->text;
        return RC_OK;
    }
    char *id = arena_alloc(normalizer->scratch, ROW_ID_LENGTH);
    struct str text = {id, ROW_ID_LENGTH};
    if (!position->is_root) {
        ids_nested_row(position->parent_id, table->name, position->index, id);
        put_text(normalizer, row, table->parent_id, position->parent_id);
        put_number(normalizer, row, table->list_index, (int64_t)position->index);
    } else if (table->row_id_kind == ROW_ID_KEY) {
        TRY(key_hash(normalizer, row, id, err));
    } else if (table->row_id_kind == ROW_ID_HASH) {
        ids_row_of_object(normalizer->scratch, object, id);
    } else if (normalizer->options.root_id != NULL) {
        text = normalizer->options.root_id(normalizer->options.root_id_context, object);
    } else {
        ids_random(&normalizer->ids, id);
    }
    put_text(normalizer, row, slot, text);
    *ret_id = text;
    return RC_OK;
}

static rc normalize_list(struct normalizer *normalizer, const struct pending_list *pending,
                         struct str parent_id, struct str root_id, struct err *err);

/// Completes a row whose values were collected, then goes down into its lists.
static rc complete_row(struct normalizer *normalizer, struct row *row, const struct json *object,
                       const struct position *position, struct err *err)
{
    struct normal_table *table = row->table;
    if (position->is_root)
        put_text(normalizer, row, table->load_id, normalizer->options.load_id);
    else if (table->root->has_root_id)
        put_text(normalizer, row, table->root_id, position->root_id);
    struct str id;
    bool is_kept;
    TRY(give_row_id(normalizer, row, object, position, &id, err));
    TRY(finish_row(normalizer, row, &is_kept, err));
    if (!is_kept)
        return RC_OK;
    for (size_t i = 0; i < row->lists.count; i++)
        TRY(normalize_list(normalizer, &row->lists.items[i], id,
                           position->is_root ? id : position->root_id, err));
    return RC_OK;
}

static rc normalize_object(struct normalizer *normalizer, struct shape *shape,
                           const struct json *object, const struct position *position,
                           struct err *err)
{
    struct row row = begin_row(normalizer, shape->table);
    TRY(flatten(normalizer, &row, shape, object, err));
    return complete_row(normalizer, &row, object, position, err);
}

/// An object with one member, for values that stand in lists without a name.
static struct json wrap(struct normalizer *normalizer, struct str key, const struct json *value)
{
    struct json_member *member = ARENA_NEW(normalizer->scratch, struct json_member);
    *member = (struct json_member){key, *value};
    return (struct json){.kind = JSON_OBJECT, .count = 1, .members = member};
}

static rc normalize_list(struct normalizer *normalizer, const struct pending_list *pending,
                         struct str parent_id, struct str root_id, struct err *err)
{
    const struct list_shape *list = pending->list;
    if (list->table->is_filtered)
        return RC_OK;
    for (size_t i = 0; i < pending->items->count; i++) {
        const struct json *item = &pending->items->items[i];
        const struct position position = {parent_id, root_id, i, false};
        if (item->kind == JSON_OBJECT) {
            TRY(normalize_object(normalizer, list->row, item, &position, err));
        } else if (item->kind == JSON_ARRAY) {
            const struct json object = wrap(normalizer, STR("list"), item);
            TRY(normalize_object(normalizer, list->nested, &object, &position, err));
        } else {
            struct row row = begin_row(normalizer, list->table);
            put_json(normalizer, &row, list->value, item);
            TRY(complete_row(normalizer, &row, item, &position, err));
        }
    }
    return RC_OK;
}

rc normalize_record(struct normalizer *normalizer, struct normal_table *table,
                    const struct json *record, struct err *err)
{
    if (table->is_filtered) {
        table->discarded_rows++;
        return RC_OK;
    }
    if (table->shape == NULL) {
        struct str *path = ARENA_NEW(normalizer->arena, struct str);
        *path = table->name;
        table->shape = shape_new(normalizer, table, path, 1, table->max_nesting);
    }
    arena_reset(normalizer->scratch);
    const struct position position = {.is_root = true};
    struct json wrapped;
    if (record->kind != JSON_OBJECT) {
        wrapped = wrap(normalizer, value_name, record);
        record = &wrapped;
    }
    TRY(normalize_object(normalizer, table->shape, record, &position, err));
    if (table->total_rows % BYTES_CHECK_RECORDS == 0) {
        normalizer->bytes = 0;
        for (size_t i = 0; i < normalizer->tables.count; i++)
            normalizer->bytes += normal_table_bytes(normalizer->tables.items[i]);
    }
    return RC_OK;
}

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
            add_column(normalizer, table, slot);
        if (slot->column->type == DATA_NONE)
            complete_column(table, slot->column, DATA_TEXT);
    }
}
