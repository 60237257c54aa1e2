/// @file schema.h
/// A table's schema: fields by id and name, evolution, comparison.
/// Layer: iceberg. Threads: a built schema is read-only and may be shared.
/// Source: Iceberg spec "Schemas", "Schema Evolution", "Identifier Field IDs", "Column Projection".

#ifndef ICEBERG_SCHEMA_H
#define ICEBERG_SCHEMA_H

#include "iceberg/types.h"

struct schema {
    int32_t schema_id;
    struct type root;              // TYPE_STRUCT
    const int32_t *identifier_ids; // fields that identify a row, ascending
    size_t identifier_count;
};

/// Reads a schema object of table metadata.
/// @return RC_OK | RC_INVALID (two fields of one id or one name, ...) | RC_UNSUPPORTED | RC_LIMIT
CHECK rc schema_parse(struct arena *arena, const struct json *json, struct schema *ret_schema,
                      struct err *err);
void schema_write(struct json_writer *writer, const struct schema *schema);
/// The schema as compact JSON text (goes into manifests).
struct str schema_print(struct arena *arena, const struct schema *schema);

/// @return the field, at any depth, or NULL
const struct field *schema_field_by_id(const struct schema *schema, int32_t id);
/// By dotted path: "a", "address.city", "tags.element", "by_name.value". Names that hold dots are
/// found too: at each level the longest name that fits is tried first.
const struct field *schema_field_by_name(const struct schema *schema, struct str path);
/// ASCII letters' case does not matter.
const struct field *schema_field_by_name_ignore_case(const struct schema *schema, struct str path);
/// Dotted path of a field. @return empty when there is no such id
struct str schema_path_of(struct arena *arena, const struct schema *schema, int32_t id);
/// Largest id that is used, 0 when there is none.
int32_t schema_max_field_id(const struct schema *schema);
bool schema_is_identifier(const struct schema *schema, int32_t id);

/// Same fields in the same order with the same ids and identifier fields; schema_id does not count.
bool schema_equal(const struct schema *a, const struct schema *b);

/// Gives every field a new id, level by level from `last_column_id` + 1, as Java and PyIceberg do
/// for new tables; identifier ids are translated.
/// @param ret_last_column_id  may be NULL
struct schema schema_assign_ids(struct arena *arena, const struct schema *schema,
                                int32_t last_column_id, int32_t *ret_last_column_id);

/// The same for one type that joins a schema: ids from *last_column_id + 1, which is moved on.
struct type schema_assign_type_ids(struct arena *arena, const struct type *type,
                                   int32_t *last_column_id);

/// Checks what the format demands of a schema in a table of this version: unique names per struct,
/// unique ids, identifier fields required, primitive, not floating; v3 types only in v3.
CHECK rc schema_validate(const struct schema *schema, int format_version, struct err *err);

/// A change of a schema, step by step; nothing happens to `base`.
///
///     struct schema_update *update = schema_update_open(arena, base, last_column_id, 2);
///     TRY(schema_update_add(update, STR(""), STR("opening"), type_of(TYPE_STRING), options, err));
///     TRY(schema_update_finish(update, &schema, &last_column_id, err));
struct schema_update;

struct schema_update *schema_update_open(struct arena *arena, const struct schema *base,
                                         int32_t last_column_id, int format_version);

struct schema_add_options {
    bool is_required; // needs initial_default unless can_break
    bool can_break;   // allow a required field without a default
    struct str doc;
    const struct json *initial_default; // v3
    const struct json *write_default;   // v3
};
/// Adds a field at the end of a struct.
/// @param parent  dotted path of a struct, a list of structs ("items") or a map with struct values;
///                empty = the table itself
/// @param type    its ids do not count: fresh ones are given
CHECK rc schema_update_add(struct schema_update *update, struct str parent, struct str name,
                           struct type type, struct schema_add_options options, struct err *err);
CHECK rc schema_update_drop(struct schema_update *update, struct str path, struct err *err);
CHECK rc schema_update_rename(struct schema_update *update, struct str path, struct str new_name,
                              struct err *err);
/// Widens a primitive as type_can_promote allows; the same type is no change.
CHECK rc schema_update_widen(struct schema_update *update, struct str path, struct type type,
                             struct err *err);
CHECK rc schema_update_make_optional(struct schema_update *update, struct str path,
                                     struct err *err);
CHECK rc schema_update_set_doc(struct schema_update *update, struct str path, struct str doc,
                               struct err *err);
/// Moves a field within its struct.
/// @param after  name of the sibling to stand behind; empty = to the front
CHECK rc schema_update_move(struct schema_update *update, struct str path, struct str after,
                            struct err *err);
/// Replaces the identifier fields.
CHECK rc schema_update_set_identifiers(struct schema_update *update, const struct str *paths,
                                       size_t count, struct err *err);
bool schema_update_has_changes(const struct schema_update *update);
/// @param ret_schema  schema_id is that of the base; transaction_update_schema gives the real one
CHECK rc schema_update_finish(struct schema_update *update, struct schema *ret_schema,
                              int32_t *ret_last_column_id, struct err *err);

/// Brings `base` to hold all of `wanted` by name (PyIceberg's union_by_name): adds what is missing,
/// widens, makes optional what `wanted` has optional; never drops, renames or narrows.
/// @return RC_OK | RC_INVALID (types that cannot become one another)
CHECK rc schema_update_union(struct schema_update *update, const struct schema *wanted,
                             struct err *err);

/// Name mapping (table property schema.name-mapping.default): names of columns in files that carry
/// no field ids. Source: spec "Column Projection", "Name Mapping Serialization".
struct name_mapping_entry {
    int32_t field_id; // -1 = none
    const struct str *names;
    size_t name_count;
    const struct name_mapping_entry *children;
    size_t child_count;
};
struct name_mapping {
    const struct name_mapping_entry *entries;
    size_t count;
};
CHECK rc name_mapping_parse(struct arena *arena, struct str text, struct name_mapping *ret_mapping,
                            struct err *err);
struct str name_mapping_of_schema(struct arena *arena, const struct schema *schema);
/// The mapping after the schema changed: new fields and new names join, old names stay.
CHECK rc name_mapping_update(struct arena *arena, struct str text, const struct schema *schema,
                             struct str *ret_text, struct err *err);
/// @return the entry for `name` on one level, or NULL
const struct name_mapping_entry *name_mapping_find(const struct name_mapping_entry *entries,
                                                   size_t count, struct str name);

#endif
