/// @file normalize.c
/// See normalize.h. A record is walked along "shapes": what the normalizer learned about each place
/// in a document (which name, which column, which child table), so that a key is normalized once
/// and then found by comparing it with the key that stood there last time.
/// A row is collected here (the last value of a name wins) and finished by normalize_row.c; then
/// come the rows of its lists. Layer: ingest.

#include "ingest/normalize.intern.h"

enum {
    MAX_TABLES = 5000,
    BYTES_CHECK_RECORDS = 32,
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

struct pending_object {
    struct shape *shape;
    const struct json *object;
};
VEC_TYPE(pending_objects, struct pending_object);

static const struct str value_name = STR_INIT("value");
static const struct str empty_name = STR_INIT("_empty");

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
    if (shape->field_count >= NORMAL_MAX_COLUMNS)
        return err_set(err, RC_LIMIT, "table %.*s has more than %d different keys",
                       STR_ARGS(shape->table->name), NORMAL_MAX_COLUMNS);
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
    field->slot = normal_table_slot(normalizer, shape->table, name);
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
    list->value = normal_table_slot(normalizer, list->table, value_name);
    field->list = list;
    return RC_OK;
}

// ---------------------------------------------------------------- collecting a row

static void put_json(struct normalizer *normalizer, struct row *row, struct name_slot *slot,
                     const struct json *value)
{
    normal_row_touch(normalizer, row, slot);
    slot->value = value;
}

static void put_text(struct normalizer *normalizer, struct row *row, struct name_slot *slot,
                     struct str text)
{
    normal_row_touch(normalizer, row, slot);
    slot->value = NULL;
    slot->cell = (struct cell){.type = DATA_TEXT, .text = text};
}

static void put_number(struct normalizer *normalizer, struct row *row, struct name_slot *slot,
                       int64_t number)
{
    normal_row_touch(normalizer, row, slot);
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

// ---------------------------------------------------------------- rows

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
    TRY(normal_row_finish(normalizer, row, &is_kept, err));
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
