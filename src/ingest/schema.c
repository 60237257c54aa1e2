/// @file schema.c
/// See schema.h: the plan that brings a table to what its file says. Layer: ingest.

#include "ingest/schema.h"

const char *schema_change_name(enum schema_change_kind kind)
{
    static const char *const names[] = {"create",        "add",    "rename",   "widen",
                                        "make optional", "doc",    "move",     "identifier fields",
                                        "partition",     "sort",   "property", "drop",
                                        "drift",         "refused"};
    return names[kind];
}

bool schema_change_is_effective(enum schema_change_kind kind)
{
    return kind != SCHEMA_DRIFT && kind != SCHEMA_REFUSED;
}

/// A plan while it is made.
struct planner {
    struct arena *arena;
    const struct landing_schema_file *file;
    const struct table_metadata *metadata;
    const struct schema *schema; // of the table
    struct schema_plan *plan;
    struct schema_update *update;
    bool allow_drop;
};

static void note(struct planner *planner, enum schema_change_kind kind, struct str column,
                 const char *format, ...) PRINTF_LIKE(4, 5);
static void note(struct planner *planner, enum schema_change_kind kind, struct str column,
                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct str text = arena_vprintf(planner->arena, format, args);
    va_end(args);
    *vec_push(planner->arena, &planner->plan->changes) = (struct schema_change){kind, column, text};
}

static struct str type_text(const struct planner *planner, const struct type *type)
{
    return type_print(planner->arena, type);
}

/// The table's column that a column of the file stands for; `*ret_renamed` when its name changes.
static const struct field *counterpart(const struct planner *planner, size_t index,
                                       bool *ret_renamed)
{
    const struct field *wanted = &planner->file->definition.schema.root.fields[index];
    const struct str old_name = planner->file->renamed_from[index];
    const struct field *field = NULL;
    *ret_renamed = false;
    for (size_t i = 0; i < planner->schema->root.field_count; i++)
        if (str_equal(planner->schema->root.fields[i].name, wanted->name))
            field = &planner->schema->root.fields[i];
    if (field != NULL || old_name.length == 0)
        return field;
    for (size_t i = 0; i < planner->schema->root.field_count; i++)
        if (str_equal(planner->schema->root.fields[i].name, old_name))
            field = &planner->schema->root.fields[i];
    *ret_renamed = field != NULL;
    return field;
}

static rc plan_type(struct planner *planner, const struct field *have, const struct field *wanted,
                    struct err *err)
{
    if (type_equal_but_ids(&have->type, &wanted->type))
        return RC_OK;
    if (!type_can_promote(&have->type, &wanted->type, planner->metadata->format_version)) {
        note(planner, SCHEMA_REFUSED, wanted->name,
             "Iceberg cannot turn %.*s into %.*s: add a column of another name, or write %.*s in "
             "the file",
             STR_ARGS(type_text(planner, &have->type)), STR_ARGS(type_text(planner, &wanted->type)),
             STR_ARGS(type_text(planner, &have->type)));
        return RC_OK;
    }
    note(planner, SCHEMA_WIDEN, wanted->name, "%.*s -> %.*s",
         STR_ARGS(type_text(planner, &have->type)), STR_ARGS(type_text(planner, &wanted->type)));
    return schema_update_widen(planner->update, wanted->name, wanted->type, err);
}

static rc plan_existing(struct planner *planner, const struct field *have,
                        const struct field *wanted, bool is_renamed, struct err *err)
{
    if (is_renamed) {
        note(planner, SCHEMA_RENAME, wanted->name, "from %.*s", STR_ARGS(have->name));
        TRY(schema_update_rename(planner->update, have->name, wanted->name, err));
    }
    TRY(plan_type(planner, have, wanted, err));
    if (have->is_required && !wanted->is_required) {
        note(planner, SCHEMA_OPTIONAL, wanted->name, "required -> optional");
        TRY(schema_update_make_optional(planner->update, wanted->name, err));
    } else if (!have->is_required && wanted->is_required) {
        note(planner, SCHEMA_REFUSED, wanted->name,
             "an optional column cannot become required: rows that are there may have no value");
    }
    if (!str_equal(have->doc, wanted->doc)) {
        note(planner, SCHEMA_DOC, wanted->name, "'%.*s'", STR_ARGS(wanted->doc));
        TRY(schema_update_set_doc(planner->update, wanted->name, wanted->doc, err));
    }
    return RC_OK;
}

static rc plan_new(struct planner *planner, const struct field *wanted, struct err *err)
{
    if (wanted->is_required) {
        note(planner, SCHEMA_REFUSED, wanted->name,
             "a new column of a table that exists cannot be required: rows that are there have no "
             "value");
        return RC_OK;
    }
    note(planner, SCHEMA_ADD, wanted->name, "%.*s", STR_ARGS(type_text(planner, &wanted->type)));
    return schema_update_add(planner->update, STR(""), wanted->name, wanted->type,
                             (struct schema_add_options){.doc = wanted->doc}, err);
}

static bool is_in_file(const struct planner *planner, const struct field *field)
{
    for (size_t i = 0; i < planner->file->column_count; i++) {
        bool is_renamed;
        if (counterpart(planner, i, &is_renamed) == field)
            return true;
    }
    return false;
}

static rc plan_drift(struct planner *planner, struct err *err)
{
    for (size_t i = 0; i < planner->schema->root.field_count; i++) {
        const struct field *field = &planner->schema->root.fields[i];
        // dlt's own columns come and go with ingestion; files need not name them.
        if (is_in_file(planner, field) || str_has_prefix(field->name, STR("_dlt")))
            continue;
        if (!planner->allow_drop) {
            note(planner, SCHEMA_DRIFT, field->name, "%.*s is in the table, but not in the file",
                 STR_ARGS(type_text(planner, &field->type)));
            continue;
        }
        note(planner, SCHEMA_DROP, field->name, "%.*s", STR_ARGS(type_text(planner, &field->type)));
        TRY(schema_update_drop(planner->update, field->name, err));
    }
    return RC_OK;
}

/// Brings the columns of the file into its order; columns that no file names stay behind them.
static rc plan_order(struct planner *planner, struct err *err)
{
    const struct landing_schema_file *file = planner->file;
    str_vec order = {0}; // names as they will be, in the table's order
    for (size_t i = 0; i < planner->schema->root.field_count; i++) {
        const struct field *field = &planner->schema->root.fields[i];
        for (size_t c = 0; c < file->column_count; c++) {
            bool is_renamed;
            if (counterpart(planner, c, &is_renamed) == field)
                *vec_push(planner->arena, &order) = file->definition.schema.root.fields[c].name;
        }
    }
    for (size_t c = 0; c < file->column_count; c++) {
        bool is_renamed;
        if (counterpart(planner, c, &is_renamed) == NULL &&
            !file->definition.schema.root.fields[c].is_required)
            *vec_push(planner->arena, &order) = file->definition.schema.root.fields[c].name;
    }
    size_t position = 0;
    struct str after = STR("");
    for (size_t c = 0; c < file->column_count && position < order.count; c++) {
        const struct str name = file->definition.schema.root.fields[c].name;
        size_t at = position;
        while (at < order.count && !str_equal(order.items[at], name))
            at++;
        if (at == order.count)
            continue; // a refused one
        if (at != position) {
            if (after.length == 0)
                note(planner, SCHEMA_MOVE, name, "to the front");
            else
                note(planner, SCHEMA_MOVE, name, "behind %.*s", STR_ARGS(after));
            TRY(schema_update_move(planner->update, name, after, err));
            for (size_t i = at; i > position; i--)
                order.items[i] = order.items[i - 1];
            order.items[position] = name;
        }
        after = name;
        position++;
    }
    return RC_OK;
}

static rc plan_identifiers(struct planner *planner, struct err *err)
{
    const struct schema *wanted = &planner->file->definition.schema;
    if (!planner->file->has_identifiers)
        return RC_OK;
    str_vec names = {0};
    bool is_same = wanted->identifier_count == planner->schema->identifier_count;
    for (size_t i = 0; i < wanted->identifier_count; i++) {
        const struct str name = schema_path_of(planner->arena, wanted, wanted->identifier_ids[i]);
        const struct field *have = schema_field_by_name(planner->schema, name);
        *vec_push(planner->arena, &names) = name;
        if (have == NULL || !have->is_required) {
            note(planner, SCHEMA_REFUSED, name,
                 "an identifier field must be required, and this column is not");
            return RC_OK;
        }
        is_same = is_same && schema_is_identifier(planner->schema, have->id);
    }
    if (is_same)
        return RC_OK;
    note(planner, SCHEMA_IDENTIFIERS, STR(""), "%.*s",
         STR_ARGS(str_join(planner->arena, names.items, names.count, STR(", "))));
    return schema_update_set_identifiers(planner->update, names.items, names.count, err);
}

static rc plan_columns(struct planner *planner, struct err *err)
{
    const struct type *root = &planner->file->definition.schema.root;
    for (size_t i = 0; i < root->field_count; i++) {
        bool is_renamed;
        const struct field *have = counterpart(planner, i, &is_renamed);
        if (have == NULL)
            TRY(plan_new(planner, &root->fields[i], err));
        else
            TRY(plan_existing(planner, have, &root->fields[i], is_renamed, err));
    }
    TRY(plan_drift(planner, err));
    TRY(plan_order(planner, err));
    TRY(plan_identifiers(planner, err));
    if (!schema_update_has_changes(planner->update))
        return RC_OK;
    struct schema changed;
    int32_t last_column_id;
    TRY(schema_update_finish(planner->update, &changed, &last_column_id, err));
    return transaction_update_schema(planner->plan->tx, &changed, last_column_id, err);
}

/// Same fields over columns of the same names.
static bool specs_agree(struct planner *planner, const struct partition_spec *wanted,
                        const struct schema *wanted_schema, const struct partition_spec *have,
                        const struct schema *have_schema)
{
    size_t count = 0;
    for (size_t i = 0; i < have->field_count; i++) {
        if (have->fields[i].transform.kind == TRANSFORM_VOID)
            continue;
        if (count >= wanted->field_count)
            return false;
        const struct partition_field *w = &wanted->fields[count++], *h = &have->fields[i];
        if (!transform_equal(w->transform, h->transform) ||
            !str_equal(schema_path_of(planner->arena, wanted_schema, w->source_id),
                       schema_path_of(planner->arena, have_schema, h->source_id)))
            return false;
    }
    return count == wanted->field_count;
}

static rc plan_partition(struct planner *planner, struct err *err)
{
    if (!planner->file->has_partition)
        return RC_OK;
    const struct table_metadata *metadata = transaction_table(planner->plan->tx)->metadata;
    const struct schema *schema = metadata_schema(metadata);
    const struct partition_spec *wanted = &planner->file->definition.spec;
    if (specs_agree(planner, wanted, &planner->file->definition.schema, metadata_spec(metadata),
                    schema))
        return RC_OK;
    struct partition_field *fields =
        ARENA_ARRAY(planner->arena, struct partition_field, wanted->field_count + 1);
    str_vec names = {0};
    for (size_t i = 0; i < wanted->field_count; i++) {
        const struct str column = schema_path_of(planner->arena, &planner->file->definition.schema,
                                                 wanted->fields[i].source_id);
        const struct field *field = schema_field_by_name(schema, column);
        if (field == NULL) {
            note(planner, SCHEMA_REFUSED, column,
                 "partition_by names a column that the table "
                 "cannot have");
            return RC_OK;
        }
        fields[i] = wanted->fields[i];
        fields[i].source_id = field->id;
        fields[i].field_id = 0;
        *vec_push(planner->arena, &names) = arena_printf(
            planner->arena, "%.*s(%.*s)",
            STR_ARGS(transform_print(planner->arena, fields[i].transform)), STR_ARGS(column));
    }
    note(planner, SCHEMA_PARTITION, STR(""), "[%.*s], for files to come",
         STR_ARGS(str_join(planner->arena, names.items, names.count, STR(", "))));
    const struct partition_spec spec = {.fields = fields, .field_count = wanted->field_count};
    return transaction_update_spec(planner->plan->tx, &spec, err);
}

static rc plan_sort(struct planner *planner, struct err *err)
{
    if (!planner->file->has_sort)
        return RC_OK;
    const struct table_metadata *metadata = transaction_table(planner->plan->tx)->metadata;
    const struct schema *schema = metadata_schema(metadata);
    const struct sort_order *wanted = &planner->file->definition.order;
    struct sort_field *fields =
        ARENA_ARRAY(planner->arena, struct sort_field, wanted->field_count + 1);
    for (size_t i = 0; i < wanted->field_count; i++) {
        const struct str column = schema_path_of(planner->arena, &planner->file->definition.schema,
                                                 wanted->fields[i].source_id);
        const struct field *field = schema_field_by_name(schema, column);
        if (field == NULL) {
            note(planner, SCHEMA_REFUSED, column,
                 "sort_by names a column that the table cannot "
                 "have");
            return RC_OK;
        }
        fields[i] = wanted->fields[i];
        fields[i].source_id = field->id;
    }
    const struct sort_order order = {.fields = fields, .field_count = wanted->field_count};
    if (sort_order_equal(&order, metadata_sort_order(metadata)))
        return RC_OK;
    struct str text;
    TRY(sort_order_sql(planner->arena, &order, schema, &text, err));
    note(planner, SCHEMA_SORT, STR(""), "[%.*s], for files to come", STR_ARGS(text));
    return transaction_update_sort(planner->plan->tx, &order, err);
}

static rc plan_properties(struct planner *planner, struct err *err)
{
    const struct properties *wanted = &planner->file->definition.properties;
    for (size_t i = 0; i < wanted->count; i++) {
        const struct str key = wanted->items[i].key, value = wanted->items[i].value;
        if (properties_has(&planner->metadata->properties, key) &&
            str_equal(properties_get(&planner->metadata->properties, key, STR("")), value))
            continue;
        note(planner, SCHEMA_PROPERTY, key, "%.*s", STR_ARGS(value));
        TRY(transaction_set_property(planner->plan->tx, key, value, err));
    }
    return RC_OK;
}

static rc plan_create(struct planner *planner, const struct schema_plan_options *options,
                      struct err *err)
{
    struct table_definition definition = planner->file->definition;
    definition.format_version = options->format_version;
    note(planner, SCHEMA_CREATE, STR(""), "%zu columns", planner->file->column_count);
    struct err absent = {0};
    const rc code =
        transaction_create_table(planner->arena, options->catalog, options->namespace_name,
                                 planner->file->table, &definition, &planner->plan->tx, &absent);
    if (code == RC_NOT_FOUND) // the namespace: whoever applies the plan makes it first
        return RC_OK;
    if (code != RC_OK && err != NULL)
        *err = absent;
    return code;
}

static rc make(struct planner *planner, const struct schema_plan_options *options, struct err *err)
{
    struct table *table = ARENA_NEW(planner->arena, struct table);
    TRY(catalog_table_exists(options->catalog, options->namespace_name, planner->file->table,
                             &planner->plan->exists, err));
    if (!planner->plan->exists)
        return plan_create(planner, options, err);
    TRY(catalog_load_table(options->catalog, options->namespace_name, planner->file->table,
                           planner->arena, table, err));
    TRY(transaction_open(planner->arena, table, &planner->plan->tx, err));
    planner->metadata = table->metadata;
    planner->schema = metadata_schema(table->metadata);
    planner->update =
        schema_update_open(planner->arena, planner->schema, table->metadata->last_column_id,
                           table->metadata->format_version);
    TRY(plan_columns(planner, err));
    TRY(plan_partition(planner, err));
    TRY(plan_sort(planner, err));
    return plan_properties(planner, err);
}

rc schema_plan_make(struct arena *arena, const struct schema_plan_options *options,
                    const struct landing_schema_file *file, struct schema_plan *ret_plan,
                    struct err *err)
{
    struct schema_plan plan = {.table = file->table, .file = file};
    struct planner planner = {
        .arena = arena, .file = file, .plan = &plan, .allow_drop = options->allow_drop};
    TRY_CONTEXT(make(&planner, options, err), err, "table %.*s", STR_ARGS(file->table));
    bool has_changes = false;
    for (size_t i = 0; i < plan.changes.count; i++)
        has_changes = has_changes || schema_change_is_effective(plan.changes.items[i].kind);
    if (!has_changes)
        plan.tx = NULL;
    *ret_plan = plan;
    return RC_OK;
}

rc schema_plan_apply(const struct schema_plan *plan, struct catalog *catalog, struct err *err)
{
    for (size_t i = 0; i < plan->changes.count; i++) {
        const struct schema_change *change = &plan->changes.items[i];
        if (change->kind == SCHEMA_REFUSED)
            return err_set(err, RC_REFUSED, "table %.*s, column %.*s: %.*s", STR_ARGS(plan->table),
                           STR_ARGS(change->column), STR_ARGS(change->text));
    }
    if (plan->tx == NULL)
        return RC_OK;
    struct transaction *tx = plan->tx;
    TRY_CONTEXT(catalog_commit(catalog, &tx, 1, err), err, "table %.*s", STR_ARGS(plan->table));
    return RC_OK;
}
