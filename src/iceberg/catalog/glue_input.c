/// See glue_input.h.

#include "iceberg/catalog/glue_input.h"

#include "base/map.h"
#include "base/utf8.h"

/// How much of the columns is told, from all to little.
enum detail { DETAIL_ALL, DETAIL_CURRENT, DETAIL_NO_COMMENTS, DETAIL_NAMES, DETAIL_COUNT };
enum { MAX_BYTES = 8 << 20 };

// Types

static const char *primitive_name(enum type_id id)
{
    switch (id) {
    case TYPE_BOOLEAN:
        return "boolean";
    case TYPE_INT:
        return "int";
    case TYPE_LONG:
        return "bigint";
    case TYPE_FLOAT:
        return "float";
    case TYPE_DOUBLE:
        return "double";
    case TYPE_DATE:
        return "date";
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_TIMESTAMP_NS:
    case TYPE_TIMESTAMPTZ_NS:
        return "timestamp";
    case TYPE_FIXED:
    case TYPE_BINARY:
    case TYPE_GEOMETRY:
    case TYPE_GEOGRAPHY:
        return "binary";
    default:
        return "string"; // time, uuid and what Hive has no word for
    }
}

// Depth: TYPE_MAX_DEPTH, checked when the type was read.
static void print_type(struct buf *to, const struct type *type)
{
    static const char *const words[] = {
        [TYPE_STRUCT] = "struct<", [TYPE_LIST] = "array<", [TYPE_MAP] = "map<"};
    if (type->id == TYPE_DECIMAL) {
        buf_printf(to, "decimal(%d,%d)", type->precision, type->scale);
    } else if (type_is_nested(type->id)) {
        buf_append_cstr(to, words[type->id]);
        for (size_t i = 0; i < type->field_count; i++) {
            if (i > 0)
                buf_append_byte(to, ',');
            if (type->id == TYPE_STRUCT)
                buf_printf(to, "%.*s:", STR_ARGS(type->fields[i].name));
            print_type(to, &type->fields[i].type);
        }
        buf_append_byte(to, '>');
    } else {
        buf_append_cstr(to, primitive_name(type->id));
    }
}

struct str glue_type_print(struct arena *arena, const struct type *type)
{
    struct buf buf;
    buf_init(&buf, GLUE_MAX_TYPE_BYTES);
    print_type(&buf, type);
    // longer than Glue takes: a type is not cut, but named as what its text would be
    const struct str text = buf.is_over_limit ? STR("string") : arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return text;
}

// Texts

/// Glue takes one line without control characters, of so many bytes.
static struct str one_line(struct arena *arena, struct str text, size_t max_bytes)
{
    size_t length = text.length < max_bytes ? text.length : max_bytes;
    while (length < text.length && length > 0 && ((unsigned char)text.bytes[length] & 0xC0) == 0x80)
        length--; // not in the middle of a character
    char *line = arena_cstr(arena, str_slice(text, 0, length));
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    return (struct str){line, length};
}

// Columns

struct columns {
    struct arena *arena;
    struct json_writer *writer;
    enum detail detail;
    struct map names; // that are written already
};

static void write_column(struct columns *c, const struct field *field, bool is_current)
{
    struct json_writer *w = c->writer;
    if (map_has(&c->names, field->name) || field->name.length > GLUE_MAX_COLUMN_NAME_BYTES)
        return;
    map_set(&c->names, field->name, c);
    const bool is_shallow = c->detail == DETAIL_NAMES && type_is_nested(field->type.id);
    json_begin_object(w);
    json_key(w, STR("Name"));
    json_put_str(w, one_line(c->arena, field->name, GLUE_MAX_COLUMN_NAME_BYTES));
    json_key(w, STR("Type"));
    json_put_str(w, is_shallow ? STR("string") : glue_type_print(c->arena, &field->type));
    if (field->doc.length > 0 && c->detail < DETAIL_NO_COMMENTS) {
        json_key(w, STR("Comment"));
        json_put_str(w, one_line(c->arena, field->doc, GLUE_MAX_COMMENT_BYTES));
    }
    json_key(w, STR("Parameters"));
    json_begin_object(w);
    json_key(w, STR("iceberg.field.id"));
    json_put_str(w, arena_printf(c->arena, "%d", field->id));
    json_field_str(w, "iceberg.field.optional", field->is_required ? STR("false") : STR("true"));
    json_field_str(w, "iceberg.field.current", is_current ? STR("true") : STR("false"));
    json_end_object(w);
    json_end_object(w);
}

/// The columns of now, then those of the past whose names are free.
static void write_columns(struct arena *arena, struct json_writer *w,
                          const struct table_metadata *m, enum detail detail)
{
    struct columns columns = {.arena = arena, .writer = w, .detail = detail};
    const struct schema *current = metadata_schema(m);
    map_init(&columns.names, arena);
    json_begin_array(w);
    for (size_t i = 0; i < current->root.field_count; i++)
        write_column(&columns, &current->root.fields[i], true);
    for (size_t s = 0; s < m->schema_count && detail == DETAIL_ALL; s++)
        for (size_t i = 0; i < m->schemas[s].root.field_count; i++)
            write_column(&columns, &m->schemas[s].root.fields[i], false);
    json_end_array(w);
}

// The input

static bool is_among(struct str key, const char *const *names)
{
    for (; *names != NULL; names++)
        if (str_is(key, *names))
            return true;
    return false;
}

/// Copies the members of an object that are in (or not in) a list, without null ones.
static void copy_members(struct json_writer *w, const struct json *object, const char *const *names,
                         bool are_wanted)
{
    for (size_t i = 0; object != NULL && object->kind == JSON_OBJECT && i < object->count; i++) {
        const struct json_member *member = &object->members[i];
        if (member->value.kind == JSON_NULL || is_among(member->key, names) != are_wanted)
            continue;
        json_key(w, member->key);
        json_put(w, &member->value);
    }
}

static void write_parameters(struct json_writer *w, const struct glue_input *input)
{
    static const char *const ours[] = {"table_type", "metadata_location",
                                       "previous_metadata_location", NULL};
    static const char *const none[] = {NULL};
    const bool is_kept = input->metadata_location.length == 0;
    const struct json *old = json_get(input->table, STR("Parameters"));
    json_key(w, STR("Parameters"));
    json_begin_object(w);
    copy_members(w, old, is_kept ? none : ours, false);
    if (!is_kept) {
        json_field_str(w, "table_type", STR("ICEBERG"));
        json_field_str(w, "metadata_location", input->metadata_location);
        if (input->previous_location.length > 0)
            json_field_str(w, "previous_metadata_location", input->previous_location);
    }
    json_end_object(w);
}

static void write_storage(struct arena *arena, struct json_writer *w,
                          const struct glue_input *input, enum detail detail)
{
    static const char *const ours[] = {"Columns", "Location", NULL};
    static const char *const none[] = {NULL};
    const struct json *old = json_get(input->table, STR("StorageDescriptor"));
    json_key(w, STR("StorageDescriptor"));
    json_begin_object(w);
    copy_members(w, old, input->metadata != NULL ? ours : none, false);
    if (input->metadata != NULL) {
        json_key(w, STR("Columns"));
        write_columns(arena, w, input->metadata, detail);
        json_field_str(w, "Location", input->metadata->location);
    }
    json_end_object(w);
}

/// The table's comment; else what stands there already.
static void write_description(struct arena *arena, struct json_writer *w,
                              const struct glue_input *input)
{
    struct str text = json_str(json_get(input->table, STR("Description")), STR(""));
    if (input->metadata != NULL)
        text = properties_get(&input->metadata->properties, STR("comment"), text);
    if (text.length == 0)
        return;
    json_key(w, STR("Description"));
    json_put_str(w, one_line(arena, text, GLUE_MAX_DESCRIPTION_BYTES));
}

static void write_input(struct arena *arena, struct buf *to, const struct glue_input *input,
                        enum detail detail)
{
    // the members of Table that TableInput has too; Glue refuses an empty Owner
    static const char *const kept[] = {
        "Retention",        "LastAccessTime",   "LastAnalyzedTime", "PartitionKeys",
        "ViewOriginalText", "ViewExpandedText", "TargetTable",      NULL};
    struct json_writer *w = ARENA_NEW(arena, struct json_writer);
    json_writer_init(w, to, JSON_COMPACT);
    json_begin_object(w);
    json_field_str(w, "Name", input->name);
    json_field_str(w, "TableType", STR("EXTERNAL_TABLE"));
    copy_members(w, input->table, kept, true);
    const struct str owner = json_str(json_get(input->table, STR("Owner")), STR(""));
    if (owner.length > 0)
        json_field_str(w, "Owner", owner);
    write_description(arena, w, input);
    write_parameters(w, input);
    write_storage(arena, w, input, detail);
    json_end_object(w);
}

rc glue_input_print(struct arena *arena, const struct glue_input *input, struct str *ret_text,
                    struct err *err)
{
    struct buf buf;
    buf_init(&buf, MAX_BYTES);
    for (int detail = DETAIL_ALL; detail < DETAIL_COUNT; detail++) {
        struct arena *scratch = arena_open(arena);
        buf_clear(&buf);
        write_input(scratch, &buf, input, (enum detail)detail);
        arena_close(scratch);
        if (!buf.is_over_limit && buf.length <= GLUE_INPUT_BUDGET_BYTES)
            break;
    }
    // above the budget with nothing left to leave out: let Glue decide
    const rc code = buf_check(&buf, err, "what Glue is told of the table");
    if (code == RC_OK)
        *ret_text = arena_str(arena, buf_str(&buf));
    buf_done(&buf);
    return code;
}
