/// Avro schemas: JSON to a tree. Named types that come again are the same node.

#include "base/map.h"
#include "format/avro.h"

struct schema_reader {
    struct arena *arena;
    struct map named; // full name -> type; its place while the type is still open
    size_t type_count;
    struct err *err;
};

static const struct {
    struct str name;
    struct avro_type type;
} primitives[] = {
    {STR_INIT("null"), {.kind = AVRO_NULL}},     {STR_INIT("boolean"), {.kind = AVRO_BOOLEAN}},
    {STR_INIT("int"), {.kind = AVRO_INT}},       {STR_INIT("long"), {.kind = AVRO_LONG}},
    {STR_INIT("float"), {.kind = AVRO_FLOAT}},   {STR_INIT("double"), {.kind = AVRO_DOUBLE}},
    {STR_INIT("bytes"), {.kind = AVRO_BYTES}},   {STR_INIT("string"), {.kind = AVRO_STRING}},
    {STR_INIT("fixed"), {.kind = AVRO_FIXED}},   {STR_INIT("enum"), {.kind = AVRO_ENUM}},
    {STR_INIT("record"), {.kind = AVRO_RECORD}}, {STR_INIT("error"), {.kind = AVRO_RECORD}},
    {STR_INIT("array"), {.kind = AVRO_ARRAY}},   {STR_INIT("map"), {.kind = AVRO_MAP}},
};
enum {
    PRIMITIVE_COUNT = 8,
    KIND_COUNT = sizeof primitives / sizeof primitives[0],
    MAX_FIXED_BYTES = 1 << 20,
};

static rc read_type(struct schema_reader *r, const struct json *json, int depth,
                    const struct avro_type **ret_type);

static rc read_name(struct schema_reader *r, struct str name, const struct avro_type **ret_type)
{
    for (size_t i = 0; i < PRIMITIVE_COUNT; i++) {
        if (str_equal(name, primitives[i].name)) {
            *ret_type = &primitives[i].type;
            return RC_OK;
        }
    }
    const struct avro_type *const named = map_get(&r->named, name);
    if (named != NULL) {
        *ret_type = named;
        return RC_OK;
    }
    return map_has(&r->named, name)
               ? err_set(r->err, RC_UNSUPPORTED, "the Avro type \"%.*s\" contains itself",
                         STR_ARGS(name))
               : err_set(r->err, RC_CORRUPT, "unknown Avro type \"%.*s\"", STR_ARGS(name));
}

static rc read_branches(struct schema_reader *r, const struct json *items, size_t count, int depth,
                        struct avro_type *type)
{
    const struct avro_type **branches =
        (const struct avro_type **)arena_alloc_array(r->arena, count, sizeof *branches);
    for (size_t i = 0; i < count; i++)
        TRY(read_type(r, &items[i], depth + 1, &branches[i]));
    type->branches = branches;
    type->branch_count = count;
    return RC_OK;
}

static rc read_fields(struct schema_reader *r, const struct json *json, int depth,
                      struct avro_type *type)
{
    const struct json *list = json_get(json, STR("fields"));
    if (list == NULL || list->kind != JSON_ARRAY || list->count > AVRO_MAX_TYPES)
        return err_set(r->err, RC_CORRUPT, "the Avro record \"%.*s\" has no fields",
                       STR_ARGS(type->name));
    struct avro_field *fields = ARENA_ARRAY(r->arena, struct avro_field, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const struct json *field = &list->items[i];
        fields[i].name = json_str(json_get(field, STR("name")), (struct str){0});
        fields[i].field_id = (int32_t)json_int64(json_get(field, STR("field-id")), -1);
        TRY_CONTEXT(read_type(r, json_get(field, STR("type")), depth + 1, &fields[i].type), r->err,
                    "field \"%.*s\"", STR_ARGS(fields[i].name));
    }
    type->fields = fields;
    type->field_count = list->count;
    return RC_OK;
}

static rc read_named(struct schema_reader *r, const struct json *json, int depth,
                     struct avro_type *type)
{
    type->name = json_str(json_get(json, STR("name")), (struct str){0});
    map_set(&r->named, type->name, NULL);
    if (type->kind == AVRO_RECORD)
        TRY(read_fields(r, json, depth, type));
    if (type->kind == AVRO_FIXED) {
        const int64_t size = json_int64(json_get(json, STR("size")), -1);
        if (size < 0 || size > MAX_FIXED_BYTES)
            return err_set(r->err, RC_CORRUPT, "the Avro type \"%.*s\" has no valid size",
                           STR_ARGS(type->name));
        type->size = (size_t)size;
    }
    map_set(&r->named, type->name, type);
    return RC_OK;
}

static rc read_object(struct schema_reader *r, const struct json *json, int depth,
                      const struct avro_type **ret_type)
{
    const struct json *inner = json_get(json, STR("type"));
    if (inner != NULL && inner->kind != JSON_STRING)
        return read_type(r, inner, depth + 1, ret_type); // {"type": {"type": ...}}
    const struct str name = json_str(inner, (struct str){0});
    size_t i = 0;
    while (i < KIND_COUNT && !str_equal(name, primitives[i].name))
        i++;
    if (i == KIND_COUNT)
        return read_name(r, name, ret_type);

    struct avro_type *type = ARENA_NEW(r->arena, struct avro_type);
    *type = primitives[i].type;
    type->logical = json_str(json_get(json, STR("logicalType")), (struct str){0});
    type->precision = (int)json_int64(json_get(json, STR("precision")), 0);
    type->scale = (int)json_int64(json_get(json, STR("scale")), 0);
    type->adjust_to_utc = json_bool(json_get(json, STR("adjust-to-utc")), false);
    if (type->kind == AVRO_RECORD || type->kind == AVRO_FIXED || type->kind == AVRO_ENUM)
        TRY(read_named(r, json, depth, type));
    if (type->kind == AVRO_ARRAY || type->kind == AVRO_MAP) {
        const struct json *items =
            json_get(json, type->kind == AVRO_ARRAY ? STR("items") : STR("values"));
        TRY(read_branches(r, items, 1, depth, type));
    }
    *ret_type = type;
    return RC_OK;
}

static rc read_type(struct schema_reader *r, const struct json *json, int depth,
                    const struct avro_type **ret_type)
{
    if (depth > AVRO_MAX_DEPTH || ++r->type_count > AVRO_MAX_TYPES)
        return err_set(r->err, RC_LIMIT, "the Avro schema is too large or too deep");
    if (json == NULL)
        return err_set(r->err, RC_CORRUPT, "an Avro type is missing");
    if (json->kind == JSON_STRING)
        return read_name(r, json->text, ret_type);
    if (json->kind == JSON_OBJECT)
        return read_object(r, json, depth, ret_type);
    if (json->kind != JSON_ARRAY || json->count == 0)
        return err_set(r->err, RC_CORRUPT, "an Avro type is neither text, object nor union");
    struct avro_type *type = ARENA_NEW(r->arena, struct avro_type);
    type->kind = AVRO_UNION;
    *ret_type = type;
    return read_branches(r, json->items, json->count, depth, type);
}

rc avro_schema_parse(struct arena *arena, const struct json *json,
                     const struct avro_type **ret_type, struct err *err)
{
    struct schema_reader reader = {.arena = arena, .err = err};
    const struct avro_type *type;
    map_init(&reader.named, arena);
    TRY(read_type(&reader, json, 0, &type));
    *ret_type = type;
    return RC_OK;
}
