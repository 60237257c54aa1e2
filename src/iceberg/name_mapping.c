/// Name mappings (table property schema.name-mapping.default): which column a name in a file means.

#include "base/json.h"
#include "iceberg/schema.h"

static rc parse_mapping_entries(struct arena *arena, const struct json *json, int depth,
                                const struct name_mapping_entry **ret_entries, size_t *ret_count,
                                struct err *err);

static rc parse_mapping_entry(struct arena *arena, const struct json *json, int depth,
                              struct name_mapping_entry *entry, struct err *err)
{
    const struct json *names = json_get(json, STR("names"));
    if (names == NULL || names->kind != JSON_ARRAY)
        return err_set(err, RC_INVALID, "name mapping: expected an array for \"names\"");
    struct str *texts = ARENA_ARRAY(arena, struct str, names->count);
    for (size_t i = 0; i < names->count; i++) {
        if (names->items[i].kind != JSON_STRING)
            return err_set(err, RC_INVALID, "name mapping: expected texts in \"names\"");
        texts[i] = names->items[i].text;
    }
    entry->field_id = (int32_t)json_int64(json_get(json, STR("field-id")), -1);
    entry->names = texts;
    entry->name_count = names->count;
    const struct json *children = json_get(json, STR("fields"));
    return children == NULL ? RC_OK
                            : parse_mapping_entries(arena, children, depth + 1, &entry->children,
                                                    &entry->child_count, err);
}

static rc parse_mapping_entries(struct arena *arena, const struct json *json, int depth,
                                const struct name_mapping_entry **ret_entries, size_t *ret_count,
                                struct err *err)
{
    if (json->kind != JSON_ARRAY || depth > TYPE_MAX_DEPTH)
        return err_set(err, RC_INVALID, "name mapping: expected an array of fields");
    struct name_mapping_entry *entries = ARENA_ARRAY(arena, struct name_mapping_entry, json->count);
    for (size_t i = 0; i < json->count; i++)
        TRY(parse_mapping_entry(arena, &json->items[i], depth, &entries[i], err));
    *ret_entries = entries;
    *ret_count = json->count;
    return RC_OK;
}

rc name_mapping_parse(struct arena *arena, struct str text, struct name_mapping *ret_mapping,
                      struct err *err)
{
    struct json json;
    struct name_mapping mapping;
    TRY(json_parse(arena, arena_str(arena, text), "schema.name-mapping.default", &json, err));
    TRY(parse_mapping_entries(arena, &json, 0, &mapping.entries, &mapping.count, err));
    *ret_mapping = mapping;
    return RC_OK;
}

static const struct name_mapping_entry *entry_of_id(const struct name_mapping_entry *entries,
                                                    size_t count, int32_t id)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i].field_id == id)
            return &entries[i];
    return NULL;
}

/// The names that a field had stay, so that old files are still understood.
static void write_names(struct json_writer *w, struct str name,
                        const struct name_mapping_entry *old)
{
    bool has_name = false;
    json_key(w, STR("names"));
    json_begin_array(w);
    for (size_t i = 0; old != NULL && i < old->name_count; i++) {
        json_put_str(w, old->names[i]);
        has_name = has_name || str_equal(old->names[i], name);
    }
    if (!has_name)
        json_put_str(w, name);
    json_end_array(w);
}

static void write_mapping(struct json_writer *w, const struct type *type,
                          const struct name_mapping_entry *old, size_t old_count)
{
    json_begin_array(w);
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        const struct name_mapping_entry *entry = entry_of_id(old, old_count, field->id);
        json_begin_object(w);
        json_field_int64(w, "field-id", field->id);
        write_names(w, field->name, entry);
        if (type_is_nested(field->type.id)) {
            json_key(w, STR("fields"));
            write_mapping(w, &field->type, entry != NULL ? entry->children : NULL,
                          entry != NULL ? entry->child_count : 0);
        }
        json_end_object(w);
    }
    json_end_array(w);
}

static struct str print_mapping(struct arena *arena, const struct schema *schema,
                                struct name_mapping old)
{
    struct buf buf;
    buf_init(&buf, SIZE_MAX / 2);
    struct json_writer writer;
    json_writer_init(&writer, &buf, JSON_COMPACT);
    write_mapping(&writer, &schema->root, old.entries, old.count);
    const struct str text = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return text;
}

struct str name_mapping_of_schema(struct arena *arena, const struct schema *schema)
{
    return print_mapping(arena, schema, (struct name_mapping){0});
}

rc name_mapping_update(struct arena *arena, struct str text, const struct schema *schema,
                       struct str *ret_text, struct err *err)
{
    struct name_mapping old;
    TRY(name_mapping_parse(arena, text, &old, err));
    *ret_text = print_mapping(arena, schema, old);
    return RC_OK;
}

const struct name_mapping_entry *name_mapping_find(const struct name_mapping_entry *entries,
                                                   size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        for (size_t n = 0; n < entries[i].name_count; n++)
            if (str_equal(entries[i].names[n], name))
                return &entries[i];
    return NULL;
}
