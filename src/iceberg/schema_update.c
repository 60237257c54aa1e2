/// Schema evolution on a tree of nodes, so that fields can be moved, added and taken out; the
/// result is built once, at the end.

#include "base/vec.h"
#include "iceberg/schema.h"

struct node {
    struct field field; // .type.fields is not used: see children
    struct node *parent;
    VEC(struct node *) children;
};
VEC_TYPE(node_vec, struct node *);

struct schema_update {
    struct arena *arena;
    const struct schema *base;
    struct node root;
    int32_t last_column_id;
    int format_version;
    VEC(int32_t) identifiers;
};

static void build_children(struct arena *arena, struct node *node, const struct type *type)
{
    for (size_t i = 0; i < type->field_count; i++) {
        struct node *child = ARENA_NEW(arena, struct node);
        child->field = type->fields[i];
        child->parent = node;
        *vec_push(arena, &node->children) = child;
        build_children(arena, child, &type->fields[i].type);
    }
}

struct schema_update *schema_update_open(struct arena *arena, const struct schema *base,
                                         int32_t last_column_id, int format_version)
{
    struct schema_update *update = ARENA_NEW(arena, struct schema_update);
    update->arena = arena;
    update->base = base;
    update->last_column_id = last_column_id;
    update->format_version = format_version;
    update->root.field.type = type_copy(arena, &base->root);
    build_children(arena, &update->root, &update->root.field.type);
    for (size_t i = 0; i < base->identifier_count; i++)
        *vec_push(arena, &update->identifiers) = base->identifier_ids[i];
    return update;
}

// Finding

static struct node *child_named(const struct node *node, struct str name)
{
    for (size_t i = 0; i < node->children.count; i++)
        if (str_equal(node->children.items[i]->field.name, name))
            return node->children.items[i];
    return NULL;
}

static struct node *find_node(struct node *node, struct str path)
{
    struct node *found = child_named(node, path);
    for (size_t i = 0; found == NULL && i < node->children.count; i++) {
        struct node *child = node->children.items[i];
        const size_t length = child->field.name.length;
        if (path.length > length + 1 && path.bytes[length] == '.' &&
            str_has_prefix(path, child->field.name))
            found = find_node(child, str_slice(path, length + 1, SIZE_MAX));
    }
    const enum type_id type = node->field.type.id;
    if (found == NULL && (type == TYPE_LIST || type == TYPE_MAP)) {
        struct node *inner = node->children.items[node->children.count - 1];
        if (inner->field.type.id == TYPE_STRUCT)
            found = find_node(inner, path);
    }
    return found;
}

static rc need_node(struct schema_update *update, struct str path, struct node **ret_node,
                    struct err *err)
{
    *ret_node = find_node(&update->root, path);
    if (*ret_node != NULL)
        return RC_OK;
    str_vec names = {0};
    for (size_t i = 0; i < update->root.children.count; i++)
        *vec_push(update->arena, &names) = update->root.children.items[i]->field.name;
    err_set(err, RC_NOT_FOUND, "there is no column \"%.*s\"", STR_ARGS(path));
    const size_t nearest = str_nearest(path, names.items, names.count);
    return nearest == SIZE_MAX
               ? RC_NOT_FOUND
               : err_hint(err, "did you mean \"%.*s\"?", STR_ARGS(names.items[nearest]));
}

/// The struct that a path of schema_update_add() means.
static rc need_struct(struct schema_update *update, struct str path, struct node **ret_node,
                      struct err *err)
{
    struct node *node = &update->root;
    if (path.length > 0)
        TRY(need_node(update, path, &node, err));
    if (node->field.type.id == TYPE_LIST || node->field.type.id == TYPE_MAP)
        node = node->children.items[node->children.count - 1];
    if (node->field.type.id != TYPE_STRUCT)
        return err_set(err, RC_INVALID, "\"%.*s\" is a %s: only structs can get fields",
                       STR_ARGS(path), type_name(node->field.type.id));
    *ret_node = node;
    return RC_OK;
}

static bool is_identifier(const struct schema_update *update, int32_t id)
{
    for (size_t i = 0; i < update->identifiers.count; i++)
        if (update->identifiers.items[i] == id)
            return true;
    return false;
}

// Steps

rc schema_update_add(struct schema_update *update, struct str parent, struct str name,
                     struct type type, struct schema_add_options options, struct err *err)
{
    struct node *at;
    TRY(need_struct(update, parent, &at, err));
    if (name.length == 0)
        return err_set(err, RC_INVALID, "a column needs a name");
    if (child_named(at, name) != NULL)
        return err_set(err, RC_EXISTS, "there is a column \"%.*s\" already", STR_ARGS(name));
    if (options.is_required && !options.can_break && options.initial_default == NULL) {
        err_set(err, RC_INVALID,
                "the new column \"%.*s\" cannot be required: rows that exist have no value for it",
                STR_ARGS(name));
        return err_hint(err, "make it optional");
    }
    struct node *node = ARENA_NEW(update->arena, struct node);
    const struct field field = {
        .id = ++update->last_column_id,
        .name = name,
        .is_required = options.is_required,
        .type = schema_assign_type_ids(update->arena, &type, &update->last_column_id),
        .doc = options.doc,
        .initial_default = options.initial_default,
        .write_default = options.write_default};
    node->field = field_copy(update->arena, &field);
    node->parent = at;
    build_children(update->arena, node, &node->field.type);
    *vec_push(update->arena, &at->children) = node;
    return RC_OK;
}

static rc need_struct_member(struct schema_update *update, struct str path, const char *verb,
                             struct node **ret_node, struct err *err)
{
    TRY(need_node(update, path, ret_node, err));
    const enum type_id parent = (*ret_node)->parent->field.type.id;
    if (parent != TYPE_STRUCT)
        return err_set(err, RC_INVALID, "\"%.*s\" belongs to a %s and cannot be %s", STR_ARGS(path),
                       type_name(parent), verb);
    return RC_OK;
}

static size_t position_of(const struct node *node)
{
    size_t at = 0;
    while (node->parent->children.items[at] != node)
        at++;
    return at;
}

static void take_out(struct node *node)
{
    struct node *parent = node->parent;
    const size_t at = position_of(node);
    memmove(&parent->children.items[at], &parent->children.items[at + 1],
            (parent->children.count - at - 1) * sizeof parent->children.items[0]);
    parent->children.count--;
}

static bool holds_identifier(const struct schema_update *update, const struct node *node)
{
    if (is_identifier(update, node->field.id))
        return true;
    for (size_t i = 0; i < node->children.count; i++)
        if (holds_identifier(update, node->children.items[i]))
            return true;
    return false;
}

rc schema_update_drop(struct schema_update *update, struct str path, struct err *err)
{
    struct node *node;
    TRY(need_struct_member(update, path, "dropped", &node, err));
    if (holds_identifier(update, node)) {
        err_set(err, RC_INVALID, "\"%.*s\" cannot be dropped: it identifies rows", STR_ARGS(path));
        return err_hint(err, "take it out of the identifier fields first");
    }
    take_out(node);
    return RC_OK;
}

rc schema_update_rename(struct schema_update *update, struct str path, struct str new_name,
                        struct err *err)
{
    struct node *node;
    TRY(need_struct_member(update, path, "renamed", &node, err));
    if (str_equal(node->field.name, new_name))
        return RC_OK;
    if (new_name.length == 0)
        return err_set(err, RC_INVALID, "a column needs a name");
    if (child_named(node->parent, new_name) != NULL)
        return err_set(err, RC_EXISTS, "\"%.*s\" cannot be renamed: there is a \"%.*s\" already",
                       STR_ARGS(path), STR_ARGS(new_name));
    node->field.name = arena_str(update->arena, new_name);
    return RC_OK;
}

rc schema_update_widen(struct schema_update *update, struct str path, struct type type,
                       struct err *err)
{
    struct node *node;
    TRY(need_node(update, path, &node, err));
    const struct type *old = &node->field.type;
    if (type_is_nested(old->id) || type_is_nested(type.id) ||
        !type_can_promote(old, &type, update->format_version)) {
        const struct str from = type_print(update->arena, old);
        const struct str to = type_print(update->arena, &type);
        err_set(err, RC_INVALID, "\"%.*s\" cannot change from %.*s to %.*s", STR_ARGS(path),
                STR_ARGS(from), STR_ARGS(to));
        return err_hint(err, "columns widen from int to long, float to double, and to a decimal of "
                             "more digits; for anything else add a new column");
    }
    // a map's keys decide where its entries belong, so they stay as they are
    if (node->parent->field.type.id == TYPE_MAP && str_is(node->field.name, "key") &&
        !type_equal(old, &type))
        return err_set(err, RC_INVALID, "\"%.*s\": the keys of a map cannot change",
                       STR_ARGS(path));
    node->field.type = type_copy(update->arena, &type);
    return RC_OK;
}

rc schema_update_make_optional(struct schema_update *update, struct str path, struct err *err)
{
    struct node *node;
    TRY(need_node(update, path, &node, err));
    if (is_identifier(update, node->field.id))
        return err_set(err, RC_INVALID, "\"%.*s\" cannot become optional: it identifies rows",
                       STR_ARGS(path));
    if (node->parent->field.type.id == TYPE_MAP && str_is(node->field.name, "key"))
        return err_set(err, RC_INVALID, "\"%.*s\": the keys of a map are required", STR_ARGS(path));
    node->field.is_required = false;
    return RC_OK;
}

rc schema_update_set_doc(struct schema_update *update, struct str path, struct str doc,
                         struct err *err)
{
    struct node *node;
    TRY(need_node(update, path, &node, err));
    node->field.doc = arena_str(update->arena, doc);
    return RC_OK;
}

rc schema_update_move(struct schema_update *update, struct str path, struct str after,
                      struct err *err)
{
    struct node *node;
    TRY(need_struct_member(update, path, "moved", &node, err));
    const struct node *sibling = NULL;
    if (after.length > 0) {
        sibling = child_named(node->parent, after);
        if (sibling == NULL)
            return err_set(err, RC_NOT_FOUND, "\"%.*s\" cannot be moved: \"%.*s\" is not beside it",
                           STR_ARGS(path), STR_ARGS(after));
        if (sibling == node)
            return err_set(err, RC_INVALID, "\"%.*s\" cannot be moved behind itself",
                           STR_ARGS(path));
    }
    take_out(node);
    struct node *parent = node->parent;
    const size_t at = sibling == NULL ? 0 : position_of(sibling) + 1;
    memmove(&parent->children.items[at + 1], &parent->children.items[at],
            (parent->children.count - at) * sizeof parent->children.items[0]);
    parent->children.items[at] = node;
    parent->children.count++;
    return RC_OK;
}

rc schema_update_set_identifiers(struct schema_update *update, const struct str *paths,
                                 size_t count, struct err *err)
{
    update->identifiers.count = 0;
    for (size_t i = 0; i < count; i++) {
        struct node *node;
        TRY_CONTEXT(need_node(update, paths[i], &node, err), err, "identifier fields");
        if (!is_identifier(update, node->field.id))
            *vec_push(update->arena, &update->identifiers) = node->field.id;
    }
    return RC_OK;
}

// Union by name

static rc union_struct(struct schema_update *update, struct str path, const struct type *wanted,
                       struct err *err);

static rc union_field(struct schema_update *update, struct str parent, const struct field *wanted,
                      struct err *err)
{
    struct arena *arena = update->arena;
    const struct str path = parent.length == 0 ? wanted->name
                                               : arena_printf(arena, "%.*s.%.*s", STR_ARGS(parent),
                                                              STR_ARGS(wanted->name));
    struct node *node = find_node(&update->root, path);
    if (node == NULL)
        return schema_update_add(update, parent, wanted->name, wanted->type,
                                 (struct schema_add_options){.doc = wanted->doc}, err);
    if (node->field.is_required && !wanted->is_required)
        TRY(schema_update_make_optional(update, path, err));
    if (type_is_nested(wanted->type.id) && wanted->type.id == node->field.type.id)
        return union_struct(update, path, &wanted->type, err);
    // narrower than the column: nothing to do
    if (type_can_promote(&wanted->type, &node->field.type, update->format_version))
        return RC_OK;
    return schema_update_widen(update, path, wanted->type, err);
}

static rc union_struct(struct schema_update *update, struct str path, const struct type *wanted,
                       struct err *err)
{
    for (size_t i = 0; i < wanted->field_count; i++)
        TRY(union_field(update, path, &wanted->fields[i], err));
    return RC_OK;
}

rc schema_update_union(struct schema_update *update, const struct schema *wanted, struct err *err)
{
    return union_struct(update, (struct str){0}, &wanted->root, err);
}

// Result

static struct type build_type(struct arena *arena, const struct node *node)
{
    struct type type = node->field.type;
    struct field *fields = ARENA_ARRAY(arena, struct field, node->children.count);
    for (size_t i = 0; i < node->children.count; i++) {
        const struct node *child = node->children.items[i];
        fields[i] = child->field;
        if (type_is_nested(child->field.type.id))
            fields[i].type = build_type(arena, child);
    }
    type.fields = fields;
    type.field_count = node->children.count;
    return type;
}

static struct schema build_schema(const struct schema_update *update)
{
    return (struct schema){.schema_id = update->base->schema_id,
                           .root = build_type(update->arena, &update->root),
                           .identifier_ids = update->identifiers.items,
                           .identifier_count = update->identifiers.count};
}

bool schema_update_has_changes(const struct schema_update *update)
{
    const struct schema schema = build_schema(update);
    return !schema_equal(&schema, update->base);
}

rc schema_update_finish(struct schema_update *update, struct schema *ret_schema,
                        int32_t *ret_last_column_id, struct err *err)
{
    const struct schema schema = build_schema(update);
    TRY(schema_validate(&schema, update->format_version, err));
    *ret_schema = schema;
    *ret_last_column_id = update->last_column_id;
    return RC_OK;
}
