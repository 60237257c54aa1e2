#include "iceberg/scan_project.h"

#include "base/buf.h"
#include "base/map.h"
#include "duck/duck.h"
#include "iceberg/data_writer.h"

enum { EXPRESSION_MAX_BYTES = 64 << 20 };

static const struct parquet_element *element_of(const struct physical *physical, int32_t at)
{
    return &physical->footer->elements[at];
}

/// DuckDB tells columns apart without case: of "a" and "A" the second is called "A_1".
static void name_columns(struct physical *physical)
{
    struct arena *arena = physical->arena;
    struct map seen;
    map_init(&seen, arena);
    for (int32_t at = physical->first_child[0]; at >= 0; at = physical->next_sibling[at]) {
        const struct str name = element_of(physical, at)->name;
        struct str given = name;
        for (int number = 1; map_has(&seen, str_lower(arena, given)); number++)
            given = arena_printf(arena, "%.*s_%d", STR_ARGS(name), number);
        map_set(&seen, str_lower(arena, given), physical);
        physical->column_names[at] = given;
    }
}

rc physical_init(struct physical *physical, struct arena *arena,
                 const struct parquet_footer *footer, const struct name_mapping *mapping,
                 const struct data_file *file, const struct partition_spec *spec, struct err *err)
{
    const size_t count = footer->element_count;
    *physical = (struct physical){.arena = arena,
                                  .footer = footer,
                                  .mapping = mapping,
                                  .spec = spec,
                                  .partition = file->partition,
                                  .place = arena_cstr(arena, file->path)};
    if (count == 0 || (spec != NULL && file->partition_count < spec->field_count))
        return err_set(err, RC_CORRUPT, "%s: its description is incomplete", physical->place);
    physical->first_child = ARENA_ARRAY(arena, int32_t, count);
    physical->next_sibling = ARENA_ARRAY(arena, int32_t, count);
    physical->column_names = ARENA_ARRAY(arena, struct str, count);
    for (size_t i = 0; i < count; i++)
        physical->first_child[i] = physical->next_sibling[i] = -1;
    for (size_t i = count; i-- > 1;) { // backwards, so that lists come out in order
        const int32_t parent = footer->elements[i].parent;
        if (parent < 0 || (size_t)parent >= i)
            return err_set(err, RC_CORRUPT, "%s: its schema is no tree", physical->place);
        physical->next_sibling[i] = physical->first_child[parent];
        physical->first_child[parent] = (int32_t)i;
    }
    name_columns(physical);
    return RC_OK;
}

struct str physical_signature(const struct physical *physical, const struct schema *schema)
{
    struct buf text;
    buf_init(&text, EXPRESSION_MAX_BYTES);
    for (size_t i = 1; i < physical->footer->element_count; i++) {
        const struct parquet_element *element = &physical->footer->elements[i];
        buf_printf(&text, "%zu:%.*s,%d,%d,%d,%d,%d,%d;", element->name.length,
                   STR_ARGS(element->name), element->parent, (int)element->type,
                   element->repetition == PARQUET_REPEATED, element->field_id,
                   (int)element->logical, element->is_utc);
    }
    // Partition values take part only where they stand in for a column.
    for (size_t i = 0; physical->spec != NULL && i < physical->spec->field_count; i++) {
        const struct partition_field *field = &physical->spec->fields[i];
        bool is_in_file = false;
        for (size_t j = 1; j < physical->footer->element_count && !is_in_file; j++)
            is_in_file = physical->footer->elements[j].field_id == field->source_id;
        if (field->transform.kind == TRANSFORM_IDENTITY && !is_in_file &&
            schema_field_by_id(schema, field->source_id) != NULL)
            buf_printf(&text, "%d=%.*s;", field->source_id,
                       STR_ARGS(value_sql(physical->arena, physical->partition[i])));
    }
    const struct str signature = arena_str(physical->arena, buf_str(&text));
    buf_done(&text);
    return signature;
}

/// The names that the mapping gives to one level of a file.
struct mapping_level {
    bool is_used;
    const struct name_mapping_entry *entries;
    size_t count;
};

static struct mapping_level top_level(const struct physical *physical)
{
    if (physical->footer->has_field_ids || physical->mapping == NULL)
        return (struct mapping_level){0};
    return (struct mapping_level){true, physical->mapping->entries, physical->mapping->count};
}

static struct mapping_level level_below(struct mapping_level level, struct str name)
{
    const struct name_mapping_entry *entry =
        level.is_used ? name_mapping_find(level.entries, level.count, name) : NULL;
    struct mapping_level below = {.is_used = level.is_used};
    if (entry != NULL) {
        below.entries = entry->children;
        below.count = entry->child_count;
    }
    return below;
}

static bool is_match(const struct physical *physical, const struct parquet_element *element,
                     const struct field *field, struct mapping_level level)
{
    if (physical->footer->has_field_ids)
        return element->field_id == field->id;
    if (!level.is_used)
        return str_equal(element->name, field->name);
    const struct name_mapping_entry *entry =
        name_mapping_find(level.entries, level.count, element->name);
    return entry != NULL && entry->field_id == field->id;
}

/// @return -1 when the file has no such column
static int32_t find_child(const struct physical *physical, int32_t parent,
                          const struct field *field, struct mapping_level level)
{
    for (int32_t at = physical->first_child[parent]; at >= 0; at = physical->next_sibling[at])
        if (is_match(physical, element_of(physical, at), field, level))
            return at;
    return -1;
}

/// The element of a list: below the repeated group, or the repeated node itself in old files.
static int32_t list_element(const struct physical *physical, int32_t list)
{
    const int32_t repeated = physical->first_child[list];
    if (repeated < 0)
        return -1;
    const struct parquet_element *node = element_of(physical, repeated);
    const struct str old =
        arena_printf(physical->arena, "%.*s_tuple", STR_ARGS(element_of(physical, list)->name));
    const bool is_wrapper = node->repetition == PARQUET_REPEATED && node->child_count == 1 &&
                            !str_equal(node->name, STR("array")) && !str_equal(node->name, old);
    return is_wrapper ? physical->first_child[repeated] : repeated;
}

static int32_t map_side(const struct physical *physical, int32_t map, int side)
{
    const int32_t entries = physical->first_child[map];
    if (entries < 0)
        return -1;
    const int32_t key = physical->first_child[entries];
    return side == 0 || key < 0 ? key : physical->next_sibling[key];
}

static bool is_text(const struct parquet_element *element)
{
    return element->logical == PARQUET_LOGICAL_STRING || element->logical == PARQUET_LOGICAL_ENUM ||
           element->logical == PARQUET_LOGICAL_JSON;
}

/// How a primitive becomes the table's type. @return NULL when a plain CAST does
static const char *conversion(const struct type *type, const struct parquet_element *element)
{
    const bool is_timestamp = element->logical == PARQUET_LOGICAL_TIMESTAMP;
    switch (type->id) {
    case TYPE_STRING:
        return element->type == PARQUET_BYTE_ARRAY && element->logical == PARQUET_LOGICAL_NONE
                   ? "decode(%.*s)"
                   : NULL;
    case TYPE_BINARY:
    case TYPE_FIXED:
        return is_text(element) ? "encode(%.*s)"
               : element->logical == PARQUET_LOGICAL_UUID
                   ? "unhex(replace(CAST(%.*s AS VARCHAR), '-', ''))"
                   : NULL;
    case TYPE_UUID:
        return element->logical == PARQUET_LOGICAL_UUID || is_text(element) ? NULL : "hex(%.*s)";
    case TYPE_TIMESTAMPTZ:
        return is_timestamp && !element->is_utc ? "CAST(%.*s AS TIMESTAMP) AT TIME ZONE 'UTC'"
                                                : NULL;
    case TYPE_TIMESTAMP:
        return is_timestamp && element->is_utc ? "CAST(%.*s AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
                                               : NULL;
    default:
        return NULL;
    }
}

/// Whether a plain CAST of the whole column gives the field: same names, same order, nothing new.
static bool is_plain(const struct physical *physical, const struct field *field, int32_t at,
                     struct mapping_level level)
{
    const struct parquet_element *element = element_of(physical, at);
    const struct type *type = &field->type;
    if (!type_is_nested(type->id))
        return conversion(type, element) == NULL;
    if (type->id == TYPE_STRUCT) {
        int32_t child = physical->first_child[at];
        for (size_t i = 0; i < type->field_count; i++) {
            if (child < 0)
                return false;
            const struct parquet_element *node = element_of(physical, child);
            if (!is_match(physical, node, &type->fields[i], level) ||
                !str_equal(node->name, type->fields[i].name) ||
                !is_plain(physical, &type->fields[i], child, level_below(level, node->name)))
                return false;
            child = physical->next_sibling[child];
        }
        return child < 0;
    }
    for (size_t i = 0; i < type->field_count; i++) {
        const int32_t side =
            type->id == TYPE_LIST ? list_element(physical, at) : map_side(physical, at, (int)i);
        const struct str word = type->id == TYPE_LIST ? STR("element")
                                : i == 0              ? STR("key")
                                                      : STR("value");
        if (side < 0 || !is_plain(physical, &type->fields[i], side, level_below(level, word)))
            return false;
    }
    return true;
}

static struct str cast(struct arena *arena, struct str sql, const struct type *type)
{
    return arena_printf(arena, "CAST(%.*s AS %.*s)", STR_ARGS(sql),
                        STR_ARGS(data_writer_sql_type(arena, type)));
}

static rc default_of(const struct physical *physical, const struct field *field,
                     struct str *ret_sql, struct err *err)
{
    struct arena *arena = physical->arena;
    if (field->initial_default == NULL || field->initial_default->kind == JSON_NULL) {
        *ret_sql = cast(arena, STR("NULL"), &field->type);
        return RC_OK;
    }
    if (field->type.id == TYPE_STRUCT) { // its default is {}: each member has its own
        struct str list = STR("");
        for (size_t i = 0; i < field->type.field_count; i++) {
            struct str member;
            TRY(default_of(physical, &field->type.fields[i], &member, err));
            list = arena_printf(arena, "%.*s%s%.*s := %.*s", STR_ARGS(list), i > 0 ? ", " : "",
                                STR_ARGS(duck_quote_identifier(arena, field->type.fields[i].name)),
                                STR_ARGS(member));
        }
        *ret_sql = arena_printf(arena, "struct_pack(%.*s)", STR_ARGS(list));
        return RC_OK;
    }
    if (type_is_nested(field->type.id))
        return err_set(err, RC_UNSUPPORTED, "column %.*s: a default of type %s cannot be read",
                       STR_ARGS(field->name), type_name(field->type.id));
    struct value value;
    TRY_CONTEXT(value_parse(arena, &field->type, field->initial_default, &value, err), err,
                "default of column %.*s", STR_ARGS(field->name));
    *ret_sql = cast(arena, value_sql(arena, value), &field->type);
    return RC_OK;
}

/// Value of a field that the file does not hold: identity partition value, else default, else NULL.
static rc missing(const struct physical *physical, const struct field *field, struct str *ret_sql,
                  struct err *err)
{
    for (size_t i = 0; physical->spec != NULL && i < physical->spec->field_count; i++) {
        const struct partition_field *partition = &physical->spec->fields[i];
        if (partition->source_id != field->id || partition->transform.kind != TRANSFORM_IDENTITY)
            continue;
        *ret_sql =
            cast(physical->arena, value_sql(physical->arena, physical->partition[i]), &field->type);
        return RC_OK;
    }
    return default_of(physical, field, ret_sql, err);
}

static rc project(const struct physical *physical, const struct field *field, int32_t at,
                  struct str source, struct mapping_level level, int depth, struct str *ret_sql,
                  struct err *err);

static rc project_struct(const struct physical *physical, const struct field *field, int32_t at,
                         struct str source, struct mapping_level level, int depth,
                         struct str *ret_sql, struct err *err)
{
    struct arena *arena = physical->arena;
    struct str list = STR("");
    for (size_t i = 0; i < field->type.field_count; i++) {
        const struct field *member = &field->type.fields[i];
        const int32_t child = find_child(physical, at, member, level);
        struct str sql;
        if (child < 0) {
            TRY(missing(physical, member, &sql, err));
        } else {
            const struct str name = element_of(physical, child)->name;
            const struct str inner =
                arena_printf(arena, "struct_extract(%.*s, %.*s)", STR_ARGS(source),
                             STR_ARGS(duck_quote_literal(arena, name)));
            TRY(project(physical, member, child, inner, level_below(level, name), depth, &sql,
                        err));
        }
        list = arena_printf(arena, "%.*s%s%.*s := %.*s", STR_ARGS(list), i > 0 ? ", " : "",
                            STR_ARGS(duck_quote_identifier(arena, member->name)), STR_ARGS(sql));
    }
    *ret_sql = arena_printf(arena, "CASE WHEN %.*s IS NULL THEN NULL ELSE struct_pack(%.*s) END",
                            STR_ARGS(source), STR_ARGS(list));
    return RC_OK;
}

static rc project_list(const struct physical *physical, const struct field *field, int32_t at,
                       struct str source, struct mapping_level level, int depth,
                       struct str *ret_sql, struct err *err)
{
    struct arena *arena = physical->arena;
    const int32_t element = list_element(physical, at);
    if (element < 0)
        return err_set(err, RC_CORRUPT, "%s: column %.*s is no list", physical->place,
                       STR_ARGS(field->name));
    const struct str item = arena_printf(arena, "x%d", depth);
    struct str sql;
    TRY(project(physical, &field->type.fields[0], element, item, level_below(level, STR("element")),
                depth + 1, &sql, err));
    *ret_sql = arena_printf(arena, "list_transform(%.*s, lambda %.*s: %.*s)", STR_ARGS(source),
                            STR_ARGS(item), STR_ARGS(sql));
    return RC_OK;
}

static rc project_map(const struct physical *physical, const struct field *field, int32_t at,
                      struct str source, struct mapping_level level, int depth, struct str *ret_sql,
                      struct err *err)
{
    struct arena *arena = physical->arena;
    struct str sides[2];
    for (int i = 0; i < 2; i++) {
        const int32_t side = map_side(physical, at, i);
        if (side < 0)
            return err_set(err, RC_CORRUPT, "%s: column %.*s is no map", physical->place,
                           STR_ARGS(field->name));
        const struct str source_side =
            arena_printf(arena, "struct_extract(x%d, '%s')", depth, i == 0 ? "key" : "value");
        TRY(project(physical, &field->type.fields[i], side, source_side,
                    level_below(level, i == 0 ? STR("key") : STR("value")), depth + 1, &sides[i],
                    err));
    }
    *ret_sql = arena_printf(arena,
                            "CASE WHEN %.*s IS NULL THEN NULL ELSE "
                            "map_from_entries(list_transform(map_entries(%.*s), lambda x%d: "
                            "struct_pack(key := %.*s, value := %.*s))) END",
                            STR_ARGS(source), STR_ARGS(source), depth, STR_ARGS(sides[0]),
                            STR_ARGS(sides[1]));
    return RC_OK;
}

static rc project(const struct physical *physical, const struct field *field, int32_t at,
                  struct str source, struct mapping_level level, int depth, struct str *ret_sql,
                  struct err *err)
{
    struct arena *arena = physical->arena;
    const struct type *type = &field->type;
    if (depth > TYPE_MAX_DEPTH)
        return err_set(err, RC_LIMIT, "%s: nested deeper than %d levels", physical->place,
                       TYPE_MAX_DEPTH);
    struct str sql = source;
    if (is_plain(physical, field, at, level)) {
        *ret_sql = cast(arena, source, type);
        return RC_OK;
    }
    if (!type_is_nested(type->id)) {
        const char *format = conversion(type, element_of(physical, at));
        const struct str before = str_slice(str_of(format), 0, str_find(str_of(format), STR("%")));
        const struct str after = str_slice(str_of(format), before.length + 4, SIZE_MAX); // %.*s
        sql = str_concat(arena, str_concat(arena, before, source), after);
    } else if (type->id == TYPE_STRUCT) {
        TRY(project_struct(physical, field, at, source, level, depth, &sql, err));
    } else if (type->id == TYPE_LIST) {
        TRY(project_list(physical, field, at, source, level, depth, &sql, err));
    } else {
        TRY(project_map(physical, field, at, source, level, depth, &sql, err));
    }
    *ret_sql = cast(arena, sql, type);
    return RC_OK;
}

rc project_field(const struct physical *physical, const struct field *field, struct str alias,
                 struct str *ret_sql, struct err *err)
{
    const struct mapping_level level = top_level(physical);
    const int32_t at = find_child(physical, 0, field, level);
    if (at < 0)
        return missing(physical, field, ret_sql, err);
    const struct str column = duck_quote_identifier(physical->arena, physical->column_names[at]);
    const struct str source =
        arena_printf(physical->arena, "%.*s.%.*s", STR_ARGS(alias), STR_ARGS(column));
    return project(physical, field, at, source, level_below(level, element_of(physical, at)->name),
                   0, ret_sql, err);
}

/// The chain of structs from the top down to a field.
static bool find_chain(const struct type *type, int32_t field_id, const struct field **chain,
                       size_t *count)
{
    if (type->id != TYPE_STRUCT || *count >= TYPE_MAX_DEPTH)
        return false;
    for (size_t i = 0; i < type->field_count; i++) {
        chain[(*count)++] = &type->fields[i];
        if (type->fields[i].id == field_id ||
            find_chain(&type->fields[i].type, field_id, chain, count))
            return true;
        (*count)--;
    }
    return false;
}

rc physical_path_sql(const struct physical *physical, const struct schema *schema, int32_t field_id,
                     struct str alias, struct str *ret_sql, struct err *err)
{
    const struct field *chain[TYPE_MAX_DEPTH];
    size_t count = 0;
    if (!find_chain(&schema->root, field_id, chain, &count))
        return err_set(err, RC_CORRUPT, "no column has the id %d that deletes refer to", field_id);
    struct str sql;
    TRY(project_field(physical, chain[0], alias, &sql, err));
    for (size_t i = 1; i < count; i++)
        sql = arena_printf(physical->arena, "struct_extract(%.*s, %.*s)", STR_ARGS(sql),
                           STR_ARGS(duck_quote_literal(physical->arena, chain[i]->name)));
    *ret_sql = sql;
    return RC_OK;
}
