/// Partition specs: JSON, comparison, paths, texts of schema files.

#include "iceberg/partition_spec.h"

rc partition_spec_parse_fields(struct arena *arena, const struct json *fields,
                               struct partition_spec *ret_spec, struct err *err)
{
    if (fields == NULL || fields->kind != JSON_ARRAY)
        return err_set(err, RC_INVALID, "expected an array of partition fields");
    if (fields->count > PARTITION_MAX_FIELDS)
        return err_set(err, RC_LIMIT, "a partition spec has %zu fields, at most %d are read",
                       fields->count, PARTITION_MAX_FIELDS);
    struct partition_field *list = ARENA_ARRAY(arena, struct partition_field, fields->count);
    for (size_t i = 0; i < fields->count; i++) {
        const struct json *json = &fields->items[i];
        // a transform of several columns (v3) cannot be applied; its first column stands for it
        const struct json *source = json_get(json, STR("source-id"));
        const struct json *sources = json_get(json, STR("source-ids"));
        if (source == NULL && sources != NULL && sources->kind == JSON_ARRAY && sources->count > 0)
            source = &sources->items[0];
        int64_t source_id;
        if (!json_to_int64(source, &source_id) || source_id < 0 || source_id > INT32_MAX)
            return err_set(err, RC_INVALID,
                           "partition field %zu: expected a field id for "
                           "\"source-id\"",
                           i + 1);
        const struct json *name = json_get(json, STR("name"));
        const struct json *transform = json_get(json, STR("transform"));
        if (name == NULL || name->kind != JSON_STRING || transform == NULL ||
            transform->kind != JSON_STRING)
            return err_set(err, RC_INVALID,
                           "partition field %zu: expected texts for \"name\" and \"transform\"",
                           i + 1);
        // v1 may leave the id out: then fields count from 1000
        const int64_t id =
            json_int64(json_get(json, STR("field-id")), PARTITION_FIELD_FIRST_ID + (int64_t)i);
        list[i] = (struct partition_field){
            .source_id = (int32_t)source_id, .field_id = (int32_t)id, .name = name->text};
        TRY_CONTEXT(transform_parse(transform->text, &list[i].transform, err), err,
                    "partition field \"%.*s\"", STR_ARGS(name->text));
    }
    *ret_spec = (struct partition_spec){.fields = list, .field_count = fields->count};
    return RC_OK;
}

rc partition_spec_parse(struct arena *arena, const struct json *json,
                        struct partition_spec *ret_spec, struct err *err)
{
    int64_t id;
    struct partition_spec spec;
    if (!json_to_int64(json_get(json, STR("spec-id")), &id) || id < 0 || id > INT32_MAX)
        return err_set(err, RC_INVALID, "expected a number for \"spec-id\"");
    TRY_CONTEXT(partition_spec_parse_fields(arena, json_get(json, STR("fields")), &spec, err), err,
                "partition spec %lld", (long long)id);
    spec.spec_id = (int32_t)id;
    *ret_spec = spec;
    return RC_OK;
}

void partition_spec_write_fields(struct json_writer *w, const struct partition_spec *spec)
{
    struct arena *scratch = arena_open(NULL);
    json_begin_array(w);
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct partition_field *field = &spec->fields[i];
        json_begin_object(w);
        json_field_int64(w, "source-id", field->source_id);
        json_field_int64(w, "field-id", field->field_id);
        json_field_str(w, "transform", transform_print(scratch, field->transform));
        json_field_str(w, "name", field->name);
        json_end_object(w);
    }
    json_end_array(w);
    arena_close(scratch);
}

void partition_spec_write(struct json_writer *w, const struct partition_spec *spec)
{
    json_begin_object(w);
    json_field_int64(w, "spec-id", spec->spec_id);
    json_key(w, STR("fields"));
    partition_spec_write_fields(w, spec);
    json_end_object(w);
}

bool partition_spec_equal(const struct partition_spec *a, const struct partition_spec *b)
{
    if (a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++) {
        const struct partition_field *x = &a->fields[i], *y = &b->fields[i];
        if (x->source_id != y->source_id || !str_equal(x->name, y->name) ||
            !transform_equal(x->transform, y->transform))
            return false;
    }
    return true;
}

struct type *partition_spec_types(struct arena *arena, const struct partition_spec *spec,
                                  const struct schema *schema)
{
    struct type *types = ARENA_ARRAY(arena, struct type, spec->field_count);
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct field *source =
            schema != NULL ? schema_field_by_id(schema, spec->fields[i].source_id) : NULL;
        if (source == NULL || transform_result_type(spec->fields[i].transform, &source->type,
                                                    &types[i], NULL) != RC_OK)
            types[i] = type_of(TYPE_UNKNOWN);
    }
    return types;
}

/// Java's URLEncoder: letters, digits and .-*_ stay, a blank becomes +.
static void append_encoded(struct buf *to, struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        const unsigned char c = (unsigned char)text.bytes[i];
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '*' ||
                              c == '_';
        if (is_plain)
            buf_append_byte(to, (char)c);
        else if (c == ' ')
            buf_append_byte(to, '+');
        else
            buf_printf(to, "%%%02X", c);
    }
}

struct str partition_path(struct arena *arena, const struct partition_spec *spec,
                          const struct value *values)
{
    struct buf buf;
    buf_init(&buf, SIZE_MAX / 2);
    for (size_t i = 0; i < spec->field_count; i++) {
        if (i > 0)
            buf_append_byte(&buf, '/');
        append_encoded(&buf, spec->fields[i].name);
        buf_append_byte(&buf, '=');
        append_encoded(&buf, transform_print_value(arena, spec->fields[i].transform, values[i]));
    }
    const struct str path = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return path;
}

rc partition_spec_of_calls(struct arena *arena, const struct schema *schema,
                           const struct str *calls, size_t count, struct partition_spec *ret_spec,
                           struct err *err)
{
    if (count > PARTITION_MAX_FIELDS)
        return err_set(err, RC_LIMIT, "more than %d partition fields", PARTITION_MAX_FIELDS);
    struct partition_field *fields = ARENA_ARRAY(arena, struct partition_field, count);
    for (size_t i = 0; i < count; i++) {
        struct str column;
        struct type result;
        TRY(transform_parse_call(calls[i], &fields[i].transform, &column, err));
        const struct field *source = schema_field_by_name(schema, column);
        if (source == NULL)
            return err_set(err, RC_INVALID,
                           "cannot partition by \"%.*s\": there is no column "
                           "\"%.*s\"",
                           STR_ARGS(calls[i]), STR_ARGS(column));
        TRY_CONTEXT(transform_result_type(fields[i].transform, &source->type, &result, err), err,
                    "cannot partition by \"%.*s\"", STR_ARGS(calls[i]));
        fields[i].source_id = source->id;
        fields[i].name = transform_field_name(arena, fields[i].transform, column);
        for (size_t before = 0; before < i; before++)
            if (str_equal(fields[before].name, fields[i].name))
                return err_set(err, RC_INVALID, "partition field \"%.*s\" is named twice",
                               STR_ARGS(fields[i].name));
    }
    *ret_spec = (struct partition_spec){.fields = fields, .field_count = count};
    return RC_OK;
}
