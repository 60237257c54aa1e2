/// @file schema_file.c
/// Reading schema files, and patching them with what ingestion evolved. Layer: ingest.

#include <stdlib.h>

#include "base/fs.h"
#include "base/map.h"
#include "ingest/schema.h"

enum { SCHEMA_FILE_MAX_BYTES = 4 << 20, MAX_COLUMNS = 20000 };

static rc read_column(struct arena *arena, const struct yaml *node, struct field *field,
                      struct str *renamed_from, struct err *err)
{
    static const struct str keys[] = {STR_INIT("name"), STR_INIT("type"), STR_INIT("required"),
                                      STR_INIT("doc"), STR_INIT("renamed_from")};
    const struct yaml *map, *value;
    TRY(yaml_to_map(node, "a column", &map, err));
    TRY(yaml_check_keys(map, keys, sizeof keys / sizeof keys[0], err));
    TRY(yaml_require(map, "name", &value, err));
    TRY(yaml_to_text(value, "name", &field->name, err));
    if (field->name.length == 0)
        return yaml_error(err, value, RC_CONFIG, "the name of a column is empty");
    TRY(yaml_require(map, "type", &value, err));
    struct str type;
    TRY(yaml_to_str(value, "type", &type, err));
    if (type_parse_text(arena, type, &field->type, err) != RC_OK) {
        struct err inner = err != NULL ? *err : (struct err){0};
        yaml_error(err, value, RC_CONFIG, "column %.*s: %.300s", STR_ARGS(field->name),
                   inner.message);
        return err_hint(err, "types: boolean, int, long, float, double, decimal(p, s), date, time, "
                             "timestamp, timestamptz, string, uuid, fixed(n), binary, list<...>, "
                             "map<..., ...>, struct<name: ...>");
    }
    if ((value = yaml_get(map, STR("required"))) != NULL)
        TRY(yaml_to_bool(value, "required", &field->is_required, err));
    if ((value = yaml_get(map, STR("doc"))) != NULL)
        TRY(yaml_to_text(value, "doc", &field->doc, err));
    if ((value = yaml_get(map, STR("renamed_from"))) != NULL)
        TRY(yaml_to_text(value, "renamed_from", renamed_from, err));
    return RC_OK;
}

static rc read_columns(struct arena *arena, const struct yaml *columns,
                       struct landing_schema_file *file, struct err *err)
{
    if (columns->count > MAX_COLUMNS)
        return yaml_error(err, columns, RC_LIMIT, "more than %d columns", MAX_COLUMNS);
    struct field *fields = ARENA_ARRAY(arena, struct field, columns->count + 1);
    struct str *renamed = ARENA_ARRAY(arena, struct str, columns->count + 1);
    struct map seen;
    map_init(&seen, arena);
    for (size_t i = 0; i < columns->count; i++) {
        fields[i].id = (int32_t)i + 1;
        TRY(read_column(arena, columns->items[i], &fields[i], &renamed[i], err));
        if (map_has(&seen, fields[i].name))
            return yaml_error(err, columns->items[i], RC_CONFIG, "column %.*s is named twice",
                              STR_ARGS(fields[i].name));
        map_set(&seen, fields[i].name, &fields[i]);
    }
    file->definition.schema.root = type_struct(fields, columns->count);
    file->renamed_from = renamed;
    file->column_count = columns->count;
    return RC_OK;
}

static bool is_open(struct str text)
{
    int depth = 0;
    for (size_t i = 0; i < text.length; i++)
        depth += text.bytes[i] == '(' ? 1 : text.bytes[i] == ')' ? -1 : 0;
    return depth > 0;
}

/// A list of texts, or one text. YAML cuts [bucket(4, url)] at the comma: what belongs into one
/// pair of parentheses is put together again.
static rc read_texts(struct arena *arena, const struct yaml *node, const char *what,
                     str_vec *ret_texts, struct err *err)
{
    struct str text;
    if (node->kind != YAML_SEQ) {
        TRY(yaml_to_text(node, what, &text, err));
        *vec_push(arena, ret_texts) = text;
        return RC_OK;
    }
    for (size_t i = 0; i < node->count; i++) {
        TRY(yaml_to_text(node->items[i], what, &text, err));
        struct str *last = ret_texts->count > 0 ? &ret_texts->items[ret_texts->count - 1] : NULL;
        if (last != NULL && is_open(*last))
            *last = arena_printf(arena, "%.*s, %.*s", STR_ARGS(*last), STR_ARGS(text));
        else
            *vec_push(arena, ret_texts) = text;
    }
    return RC_OK;
}

/// Errors of the Iceberg layer get the place in the file.
static rc placed(rc code, const struct yaml *node, const char *what, struct err *err)
{
    if (code == RC_OK || err == NULL)
        return code;
    const struct err inner = *err;
    return yaml_error(err, node, RC_CONFIG, "%s: %.700s", what, inner.message);
}

static rc read_identifiers(struct arena *arena, const struct yaml *node,
                           struct landing_schema_file *file, struct err *err)
{
    str_vec names = {0};
    struct schema *schema = &file->definition.schema;
    TRY(read_texts(arena, node, "identifier_fields", &names, err));
    int32_t *ids = ARENA_ARRAY(arena, int32_t, names.count + 1);
    for (size_t i = 0; i < names.count; i++) {
        const struct field *field = schema_field_by_name(schema, names.items[i]);
        if (field == NULL)
            return yaml_error(err, node, RC_CONFIG, "identifier_fields: there is no column %.*s",
                              STR_ARGS(names.items[i]));
        ids[i] = field->id;
    }
    schema->identifier_ids = ids;
    schema->identifier_count = names.count;
    return RC_OK;
}

static rc read_properties(struct arena *arena, const struct yaml *node,
                          struct landing_schema_file *file, struct err *err)
{
    const struct yaml *map;
    TRY(yaml_to_map(node, "properties", &map, err));
    for (size_t i = 0; i < map->count; i++) {
        struct str key, value;
        TRY(yaml_to_text(map->members[i].key, "a property's name", &key, err));
        TRY(yaml_to_text(map->members[i].value, "a property's value", &value, err));
        properties_set(arena, &file->definition.properties, key, value);
    }
    return RC_OK;
}

static rc read_document(struct arena *arena, const struct yaml *root,
                        struct landing_schema_file *file, struct err *err)
{
    static const struct str keys[] = {
        STR_INIT("table"),        STR_INIT("columns"), STR_INIT("identifier_fields"),
        STR_INIT("partition_by"), STR_INIT("sort_by"), STR_INIT("properties"),
        STR_INIT("doc")};
    const struct yaml *map, *node;
    TRY(yaml_to_map(root, "a schema file", &map, err));
    TRY(yaml_check_keys(map, keys, sizeof keys / sizeof keys[0], err));
    TRY(yaml_require(map, "table", &node, err));
    TRY(yaml_to_text(node, "table", &file->table, err));
    TRY(yaml_require(map, "columns", &node, err));
    TRY(yaml_to_seq(node, "columns", &node, err));
    TRY(read_columns(arena, node, file, err));
    if ((node = yaml_get(map, STR("identifier_fields"))) != NULL) {
        file->has_identifiers = true;
        TRY(read_identifiers(arena, node, file, err));
    }
    str_vec calls = {0};
    if ((node = yaml_get(map, STR("partition_by"))) != NULL) {
        file->has_partition = true;
        TRY(read_texts(arena, node, "partition_by", &calls, err));
        TRY(placed(partition_spec_of_calls(arena, &file->definition.schema, calls.items,
                                           calls.count, &file->definition.spec, err),
                   node, "partition_by", err));
    }
    calls = (str_vec){0};
    if ((node = yaml_get(map, STR("sort_by"))) != NULL) {
        file->has_sort = true;
        TRY(read_texts(arena, node, "sort_by", &calls, err));
        TRY(placed(sort_order_of_calls(arena, &file->definition.schema, calls.items, calls.count,
                                       &file->definition.order, err),
                   node, "sort_by", err));
    }
    if ((node = yaml_get(map, STR("properties"))) != NULL)
        TRY(read_properties(arena, node, file, err));
    return RC_OK;
}

rc schema_file_read(struct arena *arena, struct str path, struct landing_schema_file *ret_file,
                    struct err *err)
{
    struct landing_schema_file file = {.path = arena_str(arena, path)};
    TRY(fs_read(arena, path, SCHEMA_FILE_MAX_BYTES, &file.text, err));
    rc code = yaml_parse(arena, file.text, file.path.bytes, &file.yaml, err);
    if (code == RC_INVALID)
        code = RC_CONFIG;
    if (code != RC_OK) {
        if (err != NULL)
            err->code = code;
        return code;
    }
    TRY(read_document(arena, file.yaml, &file, err));
    *ret_file = file;
    return RC_OK;
}

rc schema_folder_read(struct arena *arena, struct str folder, landing_schema_files *ret_files,
                      struct err *err)
{
    str_vec names = {0};
    if (!fs_is_folder(folder))
        return RC_OK;
    TRY(fs_list(arena, folder, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        if (!str_has_suffix(names.items[i], STR(".yml")) &&
            !str_has_suffix(names.items[i], STR(".yaml")))
            continue;
        struct str path;
        TRY(fs_join(arena, folder, names.items[i], &path, err));
        struct landing_schema_file *file = ARENA_NEW(arena, struct landing_schema_file);
        TRY(schema_file_read(arena, path, file, err));
        for (size_t j = 0; j < ret_files->count; j++)
            if (str_equal(ret_files->items[j]->table, file->table)) {
                err_set(err, RC_CONFIG, "%.*s and %.*s both describe table %.*s",
                        STR_ARGS(ret_files->items[j]->path), STR_ARGS(file->path),
                        STR_ARGS(file->table));
                return err_hint(err, "keep one file per table");
            }
        *vec_push(arena, ret_files) = file;
    }
    return RC_OK;
}

// ---------------------------------------------------------------- pull

/// A text as YAML wants it: quoted when it could be read as something else.
static struct str yaml_scalar(struct arena *arena, struct str text)
{
    bool is_plain = text.length > 0;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        is_plain = is_plain && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                                (i > 0 && ((c >= '0' && c <= '9') || c == '.')));
    }
    static const char *const words[] = {"yes",  "no", "on", "off", "true", "false",
                                        "null", "y",  "n",  "nan", "inf"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_equal_ignore_case(text, str_of(words[i])))
            is_plain = false;
    return is_plain
               ? text
               : json_print(arena, &(struct json){.kind = JSON_STRING, .text = text}, JSON_COMPACT);
}

static struct str column_line(struct arena *arena, const struct field *field, int indent)
{
    const struct str type = type_print(arena, &field->type);
    const bool needs_quotes =
        type_is_nested(field->type.id) || str_find_byte(type, ',') != SIZE_MAX;
    struct str line =
        arena_printf(arena, "%*s- {name: %.*s, type: %s%.*s%s", indent, "",
                     STR_ARGS(yaml_scalar(arena, field->name)), needs_quotes ? "\"" : "",
                     STR_ARGS(type), needs_quotes ? "\"" : "");
    if (field->is_required)
        line = str_concat(arena, line, STR(", required: true"));
    if (field->doc.length > 0)
        line = arena_printf(
            arena, "%.*s, doc: %.*s", STR_ARGS(line),
            STR_ARGS(json_print(arena, &(struct json){.kind = JSON_STRING, .text = field->doc},
                                JSON_COMPACT)));
    return str_concat(arena, line, STR("}\n"));
}

/// Offset of the first byte of a line (from 1).
static size_t line_offset(struct str text, int line)
{
    size_t at = 0;
    for (int i = 1; i < line && at < text.length; i++) {
        const size_t end = str_find_byte(str_slice(text, at, text.length), '\n');
        if (end == SIZE_MAX)
            return text.length;
        at += end + 1;
    }
    return at;
}

/// Where a new item of the list of columns goes: behind the last line of the last item.
static size_t insertion_offset(const struct landing_schema_file *file, const struct yaml *columns)
{
    const struct yaml *last = columns->items[columns->count - 1];
    const int indent = last->column;
    size_t at = line_offset(file->text, last->line + 1);
    while (at < file->text.length) {
        struct str rest = str_slice(file->text, at, file->text.length);
        const size_t end = str_find_byte(rest, '\n');
        const struct str line = str_slice(rest, 0, end);
        size_t blanks = 0;
        while (blanks < line.length && line.bytes[blanks] == ' ')
            blanks++;
        // A block item goes on as long as its lines are indented at least as its first key is.
        if (blanks == line.length || (int)blanks + 1 < indent || line.bytes[blanks] == '#')
            break;
        at += end == SIZE_MAX ? line.length : end + 1;
    }
    return at;
}

rc schema_file_pull(struct arena *arena, const struct landing_schema_file *file,
                    const struct table_metadata *metadata, struct str *ret_text, size_t *ret_added,
                    struct err *err)
{
    const struct yaml *columns = yaml_get(file->yaml, STR("columns"));
    const struct schema *schema = metadata_schema(metadata);
    if (columns == NULL || columns->count == 0)
        return yaml_error(err, file->yaml, RC_CONFIG, "the list of columns is empty");
    const struct yaml *last = columns->items[columns->count - 1];
    // A flow item stands behind "- "; its mark is the brace, a block item's the first key.
    const int indent = last->column > 3 ? last->column - 3 : 0;
    struct str added = STR("");
    size_t count = 0;
    for (size_t i = 0; i < schema->root.field_count; i++) {
        const struct field *field = &schema->root.fields[i];
        bool is_known = schema_field_by_name(&file->definition.schema, field->name) != NULL ||
                        str_has_prefix(field->name, STR("_dlt"));
        for (size_t c = 0; c < file->column_count; c++)
            is_known = is_known || str_equal(file->renamed_from[c], field->name);
        if (is_known)
            continue;
        added = str_concat(arena, added, column_line(arena, field, indent));
        count++;
    }
    *ret_added = count;
    *ret_text = file->text;
    if (count == 0)
        return RC_OK;
    size_t at = insertion_offset(file, columns);
    if (at > 0 && file->text.bytes[at - 1] != '\n')
        added = str_concat(arena, STR("\n"), added);
    const struct str parts[] = {str_slice(file->text, 0, at), added,
                                str_slice(file->text, at, file->text.length)};
    *ret_text = str_join(arena, parts, 3, STR(""));
    const struct yaml *check;
    TRY_CONTEXT(yaml_parse(arena, *ret_text, file->path.bytes, &check, err), err,
                "the patched file would not be readable; write `columns` as a block list");
    return RC_OK;
}

struct str schema_file_of_table(struct arena *arena, struct str table,
                                const struct table_metadata *metadata)
{
    const struct schema *schema = metadata_schema(metadata);
    struct str text =
        arena_printf(arena, "table: %.*s\ncolumns:\n", STR_ARGS(yaml_scalar(arena, table)));
    for (size_t i = 0; i < schema->root.field_count; i++)
        if (!str_has_prefix(schema->root.fields[i].name, STR("_dlt")))
            text = str_concat(arena, text, column_line(arena, &schema->root.fields[i], 2));
    if (schema->identifier_count > 0) {
        str_vec names = {0};
        for (size_t i = 0; i < schema->identifier_count; i++)
            *vec_push(arena, &names) =
                yaml_scalar(arena, schema_path_of(arena, schema, schema->identifier_ids[i]));
        text = arena_printf(arena, "%.*sidentifier_fields: [%.*s]\n", STR_ARGS(text),
                            STR_ARGS(str_join(arena, names.items, names.count, STR(", "))));
    }
    return text;
}
