/// Schemas: reading, lookup, comparison, fresh ids, name mapping. Evolution: schema_update.c.

#include "iceberg/schema.h"

#include "base/map.h"
#include "base/vec.h"

VEC_TYPE(id_vec, int32_t);

// Reading and writing

static rc parse_identifiers(struct arena *arena, const struct json *json, struct schema *schema,
                            struct err *err)
{
    if (json == NULL || json->kind == JSON_NULL)
        return RC_OK;
    if (json->kind != JSON_ARRAY || json->count > TYPE_MAX_FIELDS)
        return err_set(err, RC_INVALID, "expected an array for \"identifier-field-ids\"");
    int32_t *ids = ARENA_ARRAY(arena, int32_t, json->count);
    for (size_t i = 0; i < json->count; i++) {
        int64_t id;
        if (!json_to_int64(&json->items[i], &id) || id < 0 || id > INT32_MAX)
            return err_set(err, RC_INVALID, "expected field ids in \"identifier-field-ids\"");
        ids[i] = (int32_t)id;
    }
    schema->identifier_ids = ids;
    schema->identifier_count = json->count;
    return RC_OK;
}

/// Collects ids; says when one comes twice. `depth` is bounded by the parser.
static rc collect_ids(struct arena *arena, struct map *seen, const struct type *type,
                      struct err *err)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        const struct str key = {arena_copy(arena, &field->id, sizeof field->id), sizeof field->id};
        if (map_has(seen, key))
            return err_set(err, RC_INVALID, "two fields have the id %d", field->id);
        map_set(seen, key, seen);
        TRY(collect_ids(arena, seen, &field->type, err));
    }
    return RC_OK;
}

static rc check_unique_ids(const struct schema *schema, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct map seen;
    map_init(&seen, scratch);
    const rc code = collect_ids(scratch, &seen, &schema->root, err);
    arena_close(scratch);
    return code;
}

rc schema_parse(struct arena *arena, const struct json *json, struct schema *ret_schema,
                struct err *err)
{
    if (json == NULL || json->kind != JSON_OBJECT)
        return err_set(err, RC_INVALID, "expected an object for a schema");
    struct schema schema = {.schema_id = (int32_t)json_int64(json_get(json, STR("schema-id")), 0)};
    TRY(type_parse(arena, json, &schema.root, err));
    if (schema.root.id != TYPE_STRUCT)
        return err_set(err, RC_INVALID, "a schema must be a struct, found %s",
                       type_name(schema.root.id));
    TRY(parse_identifiers(arena, json_get(json, STR("identifier-field-ids")), &schema, err));
    TRY_CONTEXT(check_unique_ids(&schema, err), err, "schema %d", schema.schema_id);
    *ret_schema = schema;
    return RC_OK;
}

void schema_write(struct json_writer *w, const struct schema *schema)
{
    json_begin_object(w);
    json_field_str(w, "type", STR("struct"));
    json_field_int64(w, "schema-id", schema->schema_id);
    if (schema->identifier_count > 0) {
        json_key(w, STR("identifier-field-ids"));
        json_begin_array(w);
        for (size_t i = 0; i < schema->identifier_count; i++)
            json_put_int64(w, schema->identifier_ids[i]);
        json_end_array(w);
    }
    type_write_fields(w, &schema->root);
    json_end_object(w);
}

struct str schema_print(struct arena *arena, const struct schema *schema)
{
    struct buf buf;
    buf_init(&buf, SIZE_MAX / 2);
    struct json_writer writer;
    json_writer_init(&writer, &buf, JSON_COMPACT);
    schema_write(&writer, schema);
    const struct str text = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return text;
}

// Lookup

static const struct field *find_by_id(const struct type *type, int32_t id)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        if (field->id == id)
            return field;
        const struct field *inner =
            type_is_nested(field->type.id) ? find_by_id(&field->type, id) : NULL;
        if (inner != NULL)
            return inner;
    }
    return NULL;
}

const struct field *schema_field_by_id(const struct schema *schema, int32_t id)
{
    return find_by_id(&schema->root, id);
}

typedef bool (*same_name)(struct str a, struct str b);

static const struct field *find_by_path(const struct type *type, struct str path, same_name same)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (same(type->fields[i].name, path))
            return &type->fields[i];
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        const size_t length = field->name.length;
        if (!type_is_nested(field->type.id) || path.length <= length + 1 ||
            path.bytes[length] != '.' || !same(field->name, str_slice(path, 0, length)))
            continue;
        const struct field *inner =
            find_by_path(&field->type, str_slice(path, length + 1, SIZE_MAX), same);
        if (inner != NULL)
            return inner;
    }
    // "items.price" for "items.element.price": a list's elements and a map's values may be skipped
    if (type->id == TYPE_LIST || type->id == TYPE_MAP) {
        const struct type *inner = &type->fields[type->field_count - 1].type;
        if (inner->id == TYPE_STRUCT)
            return find_by_path(inner, path, same);
    }
    return NULL;
}

const struct field *schema_field_by_name(const struct schema *schema, struct str path)
{
    return find_by_path(&schema->root, path, str_equal);
}

const struct field *schema_field_by_name_ignore_case(const struct schema *schema, struct str path)
{
    return find_by_path(&schema->root, path, str_equal_ignore_case);
}

static bool path_of(struct arena *arena, const struct type *type, int32_t id, struct str *ret_path)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        struct str inner;
        if (field->id == id) {
            *ret_path = field->name;
            return true;
        }
        if (type_is_nested(field->type.id) && path_of(arena, &field->type, id, &inner)) {
            *ret_path = arena_printf(arena, "%.*s.%.*s", STR_ARGS(field->name), STR_ARGS(inner));
            return true;
        }
    }
    return false;
}

struct str schema_path_of(struct arena *arena, const struct schema *schema, int32_t id)
{
    struct str path = {0};
    path_of(arena, &schema->root, id, &path);
    return path;
}

static int32_t max_id(const struct type *type)
{
    int32_t max = 0;
    for (size_t i = 0; i < type->field_count; i++) {
        const int32_t inner = max_id(&type->fields[i].type);
        max = type->fields[i].id > max ? type->fields[i].id : max;
        max = inner > max ? inner : max;
    }
    return max;
}

int32_t schema_max_field_id(const struct schema *schema)
{
    return max_id(&schema->root);
}

bool schema_is_identifier(const struct schema *schema, int32_t id)
{
    for (size_t i = 0; i < schema->identifier_count; i++)
        if (schema->identifier_ids[i] == id)
            return true;
    return false;
}

bool schema_equal(const struct schema *a, const struct schema *b)
{
    if (!type_equal(&a->root, &b->root) || a->identifier_count != b->identifier_count)
        return false;
    for (size_t i = 0; i < a->identifier_count; i++)
        if (!schema_is_identifier(b, a->identifier_ids[i]))
            return false;
    return true;
}

// Fresh ids: a struct's fields first, then what is inside them, as the reference implementations
// number new tables

struct id_translation {
    struct arena *arena;
    const struct schema *old;
    id_vec identifiers;
    int32_t last;
};

static struct type assign_ids(struct id_translation *t, const struct type *type)
{
    struct type fresh = *type;
    struct field *fields = ARENA_ARRAY(t->arena, struct field, type->field_count);
    for (size_t i = 0; i < type->field_count; i++) {
        fields[i] = type->fields[i];
        fields[i].id = ++t->last;
        if (t->old != NULL && schema_is_identifier(t->old, type->fields[i].id))
            *vec_push(t->arena, &t->identifiers) = fields[i].id;
    }
    for (size_t i = 0; i < type->field_count; i++)
        if (type_is_nested(fields[i].type.id))
            fields[i].type = assign_ids(t, &fields[i].type);
    fresh.fields = fields;
    return fresh;
}

struct schema schema_assign_ids(struct arena *arena, const struct schema *schema,
                                int32_t last_column_id, int32_t *ret_last_column_id)
{
    struct id_translation translation = {.arena = arena, .old = schema, .last = last_column_id};
    struct schema fresh = *schema;
    fresh.root = type_copy(arena, &schema->root);
    fresh.root = assign_ids(&translation, &fresh.root);
    fresh.identifier_ids = translation.identifiers.items;
    fresh.identifier_count = translation.identifiers.count;
    if (ret_last_column_id != NULL)
        *ret_last_column_id = translation.last;
    return fresh;
}

struct type schema_assign_type_ids(struct arena *arena, const struct type *type,
                                   int32_t *last_column_id)
{
    struct id_translation translation = {.arena = arena, .last = *last_column_id};
    const struct type copy = type_copy(arena, type);
    const struct type fresh = assign_ids(&translation, &copy);
    *last_column_id = translation.last;
    return fresh;
}

// Validation

static int first_version_of(enum type_id id)
{
    const bool is_new = id == TYPE_TIMESTAMP_NS || id == TYPE_TIMESTAMPTZ_NS ||
                        id == TYPE_UNKNOWN || id == TYPE_VARIANT || id == TYPE_GEOMETRY ||
                        id == TYPE_GEOGRAPHY;
    return is_new ? 3 : 1;
}

static rc validate_type(struct arena *arena, const struct type *type, int format_version,
                        struct err *err)
{
    struct map seen;
    map_init(&seen, arena);
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        if (field->name.length == 0)
            return err_set(err, RC_INVALID, "a field has no name");
        if (map_has(&seen, field->name))
            return err_set(err, RC_INVALID, "two fields have the name \"%.*s\"",
                           STR_ARGS(field->name));
        map_set(&seen, field->name, arena);
        if (format_version < first_version_of(field->type.id))
            return err_set(err, RC_UNSUPPORTED,
                           "field \"%.*s\": type %s needs format version %d, the table has %d",
                           STR_ARGS(field->name), type_name(field->type.id),
                           first_version_of(field->type.id), format_version);
        if (format_version < 3 && field->initial_default != NULL)
            return err_set(err, RC_UNSUPPORTED,
                           "field \"%.*s\": defaults need format version 3, the table has %d",
                           STR_ARGS(field->name), format_version);
        TRY_CONTEXT(validate_type(arena, &field->type, format_version, err), err, "\"%.*s\"",
                    STR_ARGS(field->name));
    }
    return RC_OK;
}

/// Whether the field can identify rows where it stands: no list, map or optional struct around it.
static bool is_reachable_identifier(const struct type *type, int32_t id)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        if (field->id == id)
            return true;
        if (field->type.id == TYPE_STRUCT && field->is_required &&
            is_reachable_identifier(&field->type, id))
            return true;
    }
    return false;
}

static rc validate_identifier(const struct schema *schema, int32_t id, struct err *err)
{
    const struct field *field = schema_field_by_id(schema, id);
    if (field == NULL)
        return err_set(err, RC_INVALID, "identifier field id %d is not in the schema", id);
    const char *reason = NULL;
    if (type_is_nested(field->type.id) || field->type.id == TYPE_VARIANT)
        reason = "is no primitive";
    else if (field->type.id == TYPE_FLOAT || field->type.id == TYPE_DOUBLE)
        reason = "is a floating point number";
    else if (!field->is_required)
        reason = "is optional";
    else if (!is_reachable_identifier(&schema->root, id))
        reason = "is inside a list, a map or an optional struct";
    if (reason == NULL)
        return RC_OK;
    return err_set(err, RC_INVALID, "\"%.*s\" cannot be an identifier field: it %s",
                   STR_ARGS(field->name), reason);
}

rc schema_validate(const struct schema *schema, int format_version, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    rc code = validate_type(scratch, &schema->root, format_version, err);
    arena_close(scratch);
    TRY(code);
    TRY(check_unique_ids(schema, err));
    for (size_t i = 0; i < schema->identifier_count; i++)
        TRY(validate_identifier(schema, schema->identifier_ids[i], err));
    return RC_OK;
}
