#include "transform/lake.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "iceberg/catalog.h"
#include "iceberg/data_writer.h"
#include "iceberg/scan_sql.h"
#include "transform/lake_types.h"
#include "transform/views.h"

struct lake {
    struct arena *arena;
    struct project *project;
    struct catalog *catalog;
    struct store *store;
    struct str database;
    struct map mounted; // schema -> itself
    struct views *views;
};

static struct str namespace_of(const struct lake *lake, struct arena *arena, struct str schema)
{
    return project_namespace_of(lake->project, arena, schema);
}

static struct str sql_name(const struct lake *lake, struct arena *arena, struct str schema,
                           struct str name)
{
    const struct str database = duck_quote_identifier(arena, lake->database);
    const struct str quoted = duck_quote_identifier(arena, schema);
    const struct str table = duck_quote_identifier(arena, name);
    return arena_printf(arena, "%.*s.%.*s.%.*s", STR_ARGS(database), STR_ARGS(quoted),
                        STR_ARGS(table));
}

// ---- mounting

rc lake_open(struct arena *arena, struct project *project, struct duck *duck, struct str database,
             struct lake **ret_lake, struct err *err)
{
    struct lake *lake = ARENA_NEW(arena, struct lake);
    lake->arena = arena;
    lake->project = project;
    lake->database = database;
    map_init(&lake->mounted, arena);
    TRY(project_catalog(project, &lake->catalog, err));
    TRY(project_store(project, &lake->store, err));
    TRY(views_open(arena, project, &lake->views, err));
    struct duck_connection *connection;
    TRY(duck_connect(duck, arena, &connection, err));
    const struct str name = duck_quote_identifier(arena, database);
    const rc result =
        duck_execute(connection, arena_printf(arena, "ATTACH ':memory:' AS %.*s", STR_ARGS(name)),
                     NULL, NULL, err);
    duck_disconnect(connection);
    if (result == RC_OK)
        *ret_lake = lake;
    return result;
}

static rc make_view(struct lake *lake, struct duck_connection *connection, struct arena *arena,
                    struct str schema, struct str name, struct str sql, struct err *err)
{
    const struct str full = sql_name(lake, arena, schema, name);
    return duck_execute(
        connection,
        arena_printf(arena, "CREATE OR REPLACE VIEW %.*s AS %.*s", STR_ARGS(full), STR_ARGS(sql)),
        NULL, NULL, err);
}

// The view of a table shows one snapshot until the next refresh.
static rc show_table(struct lake *lake, struct duck_connection *connection, struct str schema,
                     const struct table *table, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct str sql;
    const struct scan_sql_options options = {0};
    rc result = scan_sql(table, scratch, &options, &sql, NULL, err);
    if (result == RC_OK)
        result = make_view(lake, connection, scratch, schema, table->name, sql, err);
    arena_close(scratch);
    return result;
}

static rc mount_table(struct lake *lake, struct duck_connection *connection, struct str schema,
                      struct str name, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct table table;
    rc result = catalog_load_table(lake->catalog, namespace_of(lake, scratch, schema), name,
                                   scratch, &table, err);
    if (result == RC_OK)
        result = show_table(lake, connection, schema, &table, err);
    if (result != RC_OK)
        err_context(err, "table %.*s.%.*s", STR_ARGS(schema), STR_ARGS(name));
    arena_close(scratch);
    return result;
}

static rc list_tables(struct lake *lake, struct arena *arena, struct str schema, str_vec *ret_names,
                      struct err *err)
{
    struct err ignored = {0};
    str_vec names = {0};
    const rc result = catalog_list_tables(lake->catalog, arena, namespace_of(lake, arena, schema),
                                          &names, &ignored);
    if (result != RC_OK && result != RC_NOT_FOUND) {
        if (err != NULL)
            *err = ignored;
        return result;
    }
    *ret_names = names;
    return RC_OK;
}

/// A namespace may be shared: a table that cannot be read stops only those who name it.
static bool is_of_one_table(rc code)
{
    return code == RC_NOT_FOUND || code == RC_CORRUPT || code == RC_UNSUPPORTED ||
           code == RC_INVALID;
}

rc lake_mount(struct lake *lake, struct duck_connection *connection, struct str schema,
              struct err *err)
{
    if (schema.length == 0 || map_has(&lake->mounted, schema))
        return RC_OK;
    struct arena *arena = lake->arena;
    const struct str database = duck_quote_identifier(arena, lake->database);
    const struct str quoted = duck_quote_identifier(arena, schema);
    TRY(duck_execute(connection,
                     arena_printf(arena, "CREATE SCHEMA IF NOT EXISTS %.*s.%.*s",
                                  STR_ARGS(database), STR_ARGS(quoted)),
                     NULL, NULL, err));
    str_vec names = {0};
    TRY(list_tables(lake, arena, schema, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        struct err failure = {0};
        const rc result = mount_table(lake, connection, schema, names.items[i], &failure);
        if (result != RC_OK && !is_of_one_table(result)) {
            if (err != NULL)
                *err = failure;
            return result;
        }
        if (result == RC_NOT_FOUND)
            log_debug("%s", failure.message); // dropped since it was listed
        else if (result != RC_OK)
            log_warn("models cannot read it: %s", failure.message);
    }
    map_set(&lake->mounted, arena_str(arena, schema), lake);
    return RC_OK;
}

// Views may stand on views: try again as long as a round brings something.
rc lake_mount_views(struct lake *lake, struct duck_connection *connection, struct err *err)
{
    (void)err;
    struct arena *scratch = arena_open(NULL);
    const view_vec *views = views_list(lake->views);
    bool *done = ARENA_ARRAY(scratch, bool, views->count);
    for (bool has_progress = true; has_progress;) {
        has_progress = false;
        for (size_t i = 0; i < views->count; i++) {
            const struct view_entry *view = &views->items[i];
            struct err failure = {0};
            if (done[i] || !map_has(&lake->mounted, view->schema))
                continue;
            done[i] = make_view(lake, connection, scratch, view->schema, view->name, view->sql,
                                &failure) == RC_OK;
            has_progress |= done[i];
        }
    }
    for (size_t i = 0; i < views->count; i++)
        if (!done[i])
            log_debug("view %.*s.%.*s does not bind now", STR_ARGS(views->items[i].schema),
                      STR_ARGS(views->items[i].name));
    arena_close(scratch);
    return RC_OK;
}

rc lake_find(struct lake *lake, struct str schema, struct str name, enum lake_kind *ret_kind,
             struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    bool exists = false;
    rc result = catalog_table_exists(lake->catalog, namespace_of(lake, scratch, schema), name,
                                     &exists, err);
    arena_close(scratch);
    if (result == RC_NOT_FOUND)
        result = RC_OK;
    if (result == RC_OK)
        *ret_kind = exists                                          ? LAKE_TABLE
                    : views_find(lake->views, schema, name) != NULL ? LAKE_VIEW
                                                                    : LAKE_NOTHING;
    return result;
}

rc lake_list(struct lake *lake, struct arena *arena, struct str schema, lake_entry_vec *ret_entries,
             struct err *err)
{
    str_vec names = {0};
    const view_vec *views = views_list(lake->views);
    lake_entry_vec entries = {0};
    TRY(list_tables(lake, arena, schema, &names, err));
    for (size_t i = 0; i < names.count; i++)
        *vec_push(arena, &entries) = (struct lake_entry){names.items[i], LAKE_TABLE};
    for (size_t i = 0; i < views->count; i++)
        if (str_equal(views->items[i].schema, schema))
            *vec_push(arena, &entries) = (struct lake_entry){views->items[i].name, LAKE_VIEW};
    *ret_entries = entries;
    return RC_OK;
}

rc lake_create_namespace(struct lake *lake, struct duck_connection *connection, struct str schema,
                         struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    const rc result =
        catalog_ensure_namespace(lake->catalog, namespace_of(lake, scratch, schema), err);
    arena_close(scratch);
    return result == RC_OK ? lake_mount(lake, connection, schema, err) : result;
}

rc lake_create_view(struct lake *lake, struct duck_connection *connection, struct str schema,
                    struct str name, struct str sql, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    const rc result = make_view(lake, connection, scratch, schema, name, sql, err);
    arena_close(scratch);
    if (result != RC_OK)
        return result;
    return views_set(lake->views, schema, name, sql, err);
}

rc lake_drop(struct lake *lake, struct duck_connection *connection, struct str schema,
             struct str name, struct err *err)
{
    enum lake_kind kind;
    TRY(lake_find(lake, schema, name, &kind, err));
    if (kind == LAKE_NOTHING)
        return RC_OK;
    struct arena *scratch = arena_open(NULL);
    rc result = RC_OK;
    if (kind == LAKE_TABLE)
        result = catalog_drop_table(lake->catalog, namespace_of(lake, scratch, schema), name,
                                    (struct catalog_drop_options){0}, err);
    if (result == RC_OK)
        result = views_remove(lake->views, schema, name, err);
    const struct str full = sql_name(lake, scratch, schema, name);
    if (result == RC_OK)
        result = duck_execute(connection,
                              arena_printf(scratch, "DROP VIEW IF EXISTS %.*s", STR_ARGS(full)),
                              NULL, NULL, err);
    arena_close(scratch);
    return result;
}

rc lake_rename(struct lake *lake, struct duck_connection *connection, struct str schema,
               struct str name, struct str new_name, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    const struct str namespace = namespace_of(lake, scratch, schema);
    rc result = catalog_rename_table(lake->catalog, namespace, name, namespace, new_name, err);
    const struct str full = sql_name(lake, scratch, schema, name);
    if (result == RC_OK)
        result = duck_execute(connection,
                              arena_printf(scratch, "DROP VIEW IF EXISTS %.*s", STR_ARGS(full)),
                              NULL, NULL, err);
    arena_close(scratch);
    return result == RC_OK ? mount_table(lake, connection, schema, new_name, err) : result;
}

// ---- schemas of writes

VEC_TYPE(field_vec, struct field);

static const struct field *field_named(const struct field *fields, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal_ignore_case(fields[i].name, name))
            return &fields[i];
    return NULL;
}

static rc query_fields(struct arena *arena, const struct lake_write *write, field_vec *ret_fields,
                       struct err *err)
{
    field_vec fields = {0};
    for (size_t i = 0; i < write->columns->row_count; i++) {
        struct field field = {.name = duck_cell(write->columns, i, 0)->text};
        TRY_CONTEXT(lake_type(arena, duck_cell(write->columns, i, 1)->text, &field.type, err), err,
                    "column %.*s", STR_ARGS(field.name));
        if (field_named(fields.items, fields.count, field.name) != NULL)
            return err_set(err, RC_INVALID, "two columns are called '%.*s'", STR_ARGS(field.name));
        *vec_push(arena, &fields) = field;
    }
    *ret_fields = fields;
    return RC_OK;
}

// The schema of the table after the write: fields that stay keep their ids, so that history can
// still be read; a changed type is a new field.
static rc next_schema(struct arena *arena, const struct table_metadata *metadata,
                      const struct lake_write *write, const field_vec *query,
                      struct schema *ret_schema, int32_t *ret_last_id, struct err *err)
{
    const struct schema *current = metadata_schema(metadata);
    const bool replaces = write->mode == LAKE_REPLACE;
    int32_t last_id = metadata->last_column_id;
    field_vec fields = {0};
    for (size_t i = 0; i < current->root.field_count && !replaces; i++) {
        const struct field *old = &current->root.fields[i];
        const struct field *new = field_named(query->items, query->count, old->name);
        if (new == NULL && write->syncs_columns)
            continue;
        struct field field = *old;
        if (new != NULL && write->syncs_columns && !type_equal_but_ids(&new->type, &old->type)) {
            field = *new;
            field.id = type_can_promote(&old->type, &new->type, metadata->format_version)
                           ? old->id
                           : ++last_id;
        }
        *vec_push(arena, &fields) = field;
    }
    for (size_t i = 0; i < query->count; i++) {
        const struct field *new = &query->items[i];
        const struct field *old =
            field_named(current->root.fields, current->root.field_count, new->name);
        if (!replaces && (old != NULL || !(write->adds_columns || write->syncs_columns)))
            continue;
        struct field field = *new;
        if (old != NULL && type_equal_but_ids(&old->type, &new->type)) {
            field = *old;
            field.name = new->name;
            field.is_required = false;
        } else {
            field.id = ++last_id;
            field.type = schema_assign_type_ids(arena, &field.type, &last_id);
        }
        *vec_push(arena, &fields) = field;
    }
    if (fields.count == 0)
        return err_set(err, RC_INVALID, "the query gives no column");
    *ret_schema = (struct schema){.root = type_struct(fields.items, fields.count)};
    *ret_last_id = last_id;
    return RC_OK;
}

// ---- the commit

struct commit {
    struct lake *lake;
    struct duck_connection *connection;
    const struct lake_write *write;
    struct arena *arena;
    field_vec query;
    struct table table; // as it was; .catalog NULL: it is new
    bool is_new;
    struct transaction *transaction;
};

static rc begin_new(struct commit *c, struct err *err)
{
    const struct table_definition definition = {
        .schema = {.root = type_struct(c->query.items, c->query.count)}};
    const struct str namespace = namespace_of(c->lake, c->arena, c->write->schema);
    TRY(catalog_ensure_namespace(c->lake->catalog, namespace, err));
    c->is_new = true;
    return transaction_create_table(c->arena, c->lake->catalog, namespace, c->write->name,
                                    &definition, &c->transaction, err);
}

static rc begin(struct commit *c, struct err *err)
{
    TRY(query_fields(c->arena, c->write, &c->query, err));
    const struct str namespace = namespace_of(c->lake, c->arena, c->write->schema);
    enum lake_kind kind;
    TRY(lake_find(c->lake, c->write->schema, c->write->name, &kind, err));
    if (kind != LAKE_TABLE)
        return begin_new(c, err);
    TRY(catalog_load_table(c->lake->catalog, namespace, c->write->name, c->arena, &c->table, err));
    TRY(transaction_open(c->arena, &c->table, &c->transaction, err));
    struct schema schema;
    int32_t last_id;
    TRY(next_schema(c->arena, c->table.metadata, c->write, &c->query, &schema, &last_id, err));
    if (schema_equal(&schema, metadata_schema(c->table.metadata)))
        return RC_OK;
    return transaction_update_schema(c->transaction, &schema, last_id, err);
}

static const struct table_metadata *target(const struct commit *c)
{
    return transaction_table(c->transaction)->metadata;
}

static rc write_files(struct commit *c, struct str sql, struct data_file **ret_files,
                      size_t *ret_count, struct err *err)
{
    const struct data_writer_options options = {.run_id = c->write->run_id};
    return data_writer_copy(c->connection, c->lake->store, target(c), sql, &options, c->arena,
                            ret_files, ret_count, err);
}

static int64_t rows_of(const struct data_file *files, size_t count)
{
    int64_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += files[i].record_count;
    return rows;
}

// What the query gives, without columns that the table has not.
static struct str known_columns(const struct commit *c, struct str from, const char *alias)
{
    const struct schema *schema = metadata_schema(target(c));
    str_vec parts = {0};
    for (size_t i = 0; i < schema->root.field_count; i++) {
        const struct str name = schema->root.fields[i].name;
        if (field_named(c->query.items, c->query.count, name) == NULL)
            continue;
        const struct str quoted = duck_quote_identifier(c->arena, name);
        *vec_push(c->arena, &parts) = arena_printf(c->arena, "%s.%.*s", alias, STR_ARGS(quoted));
    }
    const struct str list = str_join(c->arena, parts.items, parts.count, STR(", "));
    return arena_printf(c->arena, "SELECT %.*s FROM %.*s AS %s", STR_ARGS(list), STR_ARGS(from),
                        alias);
}

static rc commit_rows(struct commit *c, int64_t *ret_rows, struct err *err)
{
    struct data_file *files = NULL;
    size_t count = 0;
    struct str sql = c->write->sql;
    if (!c->is_new && c->write->mode != LAKE_REPLACE)
        sql = known_columns(c, arena_printf(c->arena, "(%.*s\n)", STR_ARGS(sql)), "dbt_new");
    TRY(write_files(c, sql, &files, &count, err));
    *ret_rows = rows_of(files, count);
    const bool replaces = !c->is_new && c->write->mode == LAKE_REPLACE;
    rc result = replaces ? transaction_replace_all(c->transaction, files, count, err)
                         : transaction_append(c->transaction, files, count, err);
    if (result == RC_OK)
        result = catalog_commit(c->lake->catalog, &c->transaction, 1, err);
    if (result != RC_OK && result != RC_UNKNOWN)
        data_writer_discard(c->lake->store, files, count);
    return result;
}

// ---- rewriting only the files that hold matching rows

// One value per column of the table: from the old row, the new row, or NULL.
static struct str row_values(const struct commit *c, bool is_new_row, bool is_update)
{
    const struct schema *schema = metadata_schema(target(c));
    const struct schema *before = metadata_schema(c->table.metadata);
    str_vec parts = {0};
    for (size_t i = 0; i < schema->root.field_count; i++) {
        const struct str name = schema->root.fields[i].name;
        const bool in_new = field_named(c->query.items, c->query.count, name) != NULL;
        const bool in_old =
            field_named(before->root.fields, before->root.field_count, name) != NULL;
        bool is_wanted = c->write->updates == NULL;
        for (size_t u = 0; u < c->write->update_count && !is_wanted; u++)
            is_wanted = str_equal_ignore_case(c->write->updates[u], name);
        const bool takes_new = in_new && (is_new_row || (is_update && is_wanted));
        const bool takes_old = !takes_new && in_old && !is_new_row;
        const struct str quoted = duck_quote_identifier(c->arena, name);
        *vec_push(c->arena, &parts) =
            takes_new
                ? arena_printf(c->arena, "dbt_new.%.*s AS %.*s", STR_ARGS(quoted), STR_ARGS(quoted))
            : takes_old
                ? arena_printf(c->arena, "dbt_old.%.*s AS %.*s", STR_ARGS(quoted), STR_ARGS(quoted))
                : arena_printf(c->arena, "NULL AS %.*s", STR_ARGS(quoted));
    }
    return str_join(c->arena, parts.items, parts.count, STR(", "));
}

static rc ask_bool(struct commit *c, struct str sql, bool *ret_answer, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct duck_rows rows;
    const rc result = duck_query(c->connection, scratch, sql, NULL, &rows, err);
    if (result == RC_OK)
        *ret_answer = rows.row_count > 0;
    arena_close(scratch);
    return result;
}

// Keeps in `plan` the files that hold at least one matching row.
static rc keep_matching_files(struct commit *c, struct scan_plan *plan, struct err *err)
{
    struct scan_file *kept = ARENA_ARRAY(c->arena, struct scan_file, plan->file_count);
    size_t count = 0;
    for (size_t i = 0; i < plan->file_count; i++) {
        struct scan_plan one = *plan;
        one.files = &plan->files[i];
        one.file_count = 1;
        struct str sql;
        bool has_match;
        TRY(scan_sql_of_plan(&c->table, c->arena, &one, NULL, 0, &sql, err));
        TRY(ask_bool(c,
                     arena_printf(c->arena,
                                  "SELECT 1 FROM (%.*s) AS dbt_old WHERE EXISTS (SELECT 1 FROM "
                                  "temp.dbt_new AS dbt_new WHERE %.*s) LIMIT 1",
                                  STR_ARGS(sql), STR_ARGS(c->write->condition)),
                     &has_match, err));
        if (has_match)
            kept[count++] = plan->files[i];
    }
    plan->files = kept;
    plan->file_count = count;
    return RC_OK;
}

static rc check_duplicates(struct commit *c, struct str old, struct err *err)
{
    bool has_duplicates;
    TRY(ask_bool(c,
                 arena_printf(c->arena,
                              "SELECT 1 FROM (SELECT row_number() OVER () AS dbt_row, * FROM (%.*s)"
                              ") AS dbt_old JOIN temp.dbt_new AS dbt_new ON (%.*s) "
                              "GROUP BY dbt_row HAVING count(*) > 1 LIMIT 1",
                              STR_ARGS(old), STR_ARGS(c->write->condition)),
                 &has_duplicates, err));
    if (!has_duplicates)
        return RC_OK;
    err_set(err, RC_INVALID, "merge: several new rows have the key of one old row");
    return err_hint(err, "make the unique_key unique in the model, or use delete+insert");
}

static struct str rewrite_sql(struct commit *c, struct str old)
{
    const struct str kept = row_values(c, false, false), updated = row_values(c, false, true),
                     inserted = row_values(c, true, false);
    const struct lake_write *w = c->write;
    if (!w->is_merge)
        return arena_printf(c->arena,
                            "SELECT %.*s FROM (%.*s) AS dbt_old WHERE NOT EXISTS (SELECT 1 FROM "
                            "temp.dbt_new AS dbt_new WHERE %.*s)\nUNION ALL\nSELECT %.*s FROM "
                            "temp.dbt_new AS dbt_new",
                            STR_ARGS(kept), STR_ARGS(old), STR_ARGS(w->condition),
                            STR_ARGS(inserted));
    return arena_printf(c->arena,
                        "SELECT %.*s FROM (%.*s) AS dbt_old WHERE NOT EXISTS (SELECT 1 FROM "
                        "temp.dbt_new AS dbt_new WHERE %.*s)\nUNION ALL\nSELECT %.*s FROM (%.*s) "
                        "AS dbt_old JOIN temp.dbt_new AS dbt_new ON (%.*s)\nUNION ALL\nSELECT %.*s "
                        "FROM temp.dbt_new AS dbt_new WHERE NOT EXISTS (SELECT 1 FROM (%.*s) AS "
                        "dbt_old WHERE %.*s)",
                        STR_ARGS(kept), STR_ARGS(old), STR_ARGS(w->condition), STR_ARGS(updated),
                        STR_ARGS(old), STR_ARGS(w->condition), STR_ARGS(inserted), STR_ARGS(old),
                        STR_ARGS(w->condition));
}

static rc count_new(struct commit *c, int64_t *ret_rows, struct err *err)
{
    struct duck_rows rows;
    TRY(duck_query(c->connection, c->arena, STR("SELECT count(*) FROM temp.dbt_new"), NULL, &rows,
                   err));
    *ret_rows = duck_cell(&rows, 0, 0)->integer;
    return RC_OK;
}

static rc commit_rewrite(struct commit *c, int64_t *ret_rows, struct err *err)
{
    TRY(count_new(c, ret_rows, err));
    if (*ret_rows == 0)
        return RC_OK; // nothing new: no snapshot
    struct scan_plan plan;
    const struct scan_options scan = {.snapshot_id = 0};
    TRY(scan_plan(&c->table, c->arena, &scan, &plan, err));
    TRY(keep_matching_files(c, &plan, err));
    struct data_file *files = NULL;
    size_t count = 0;
    struct str *gone = ARENA_ARRAY(c->arena, struct str, plan.file_count);
    if (plan.file_count == 0) {
        TRY(write_files(c, known_columns(c, STR("temp.dbt_new"), "dbt_new"), &files, &count, err));
    } else {
        struct str old;
        TRY(scan_sql_of_plan(&c->table, c->arena, &plan, NULL, 0, &old, err));
        if (c->write->is_merge)
            TRY(check_duplicates(c, old, err));
        TRY(write_files(c, rewrite_sql(c, old), &files, &count, err));
        for (size_t i = 0; i < plan.file_count; i++)
            gone[i] = plan.files[i].file.path;
    }
    rc result = transaction_overwrite(c->transaction, gone, plan.file_count, files, count, err);
    // Rows that somebody adds meanwhile could match too.
    transaction_require_no_new_data(c->transaction);
    if (result == RC_OK)
        result = catalog_commit(c->lake->catalog, &c->transaction, 1, err);
    if (result != RC_OK && result != RC_UNKNOWN)
        data_writer_discard(c->lake->store, files, count);
    return result;
}

rc lake_commit(struct lake *lake, struct duck_connection *connection,
               const struct lake_write *write, int64_t *ret_rows, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct commit commit = {
        .lake = lake, .connection = connection, .write = write, .arena = scratch};
    rc result = begin(&commit, err);
    if (result == RC_OK)
        result = write->mode == LAKE_REWRITE && !commit.is_new
                     ? commit_rewrite(&commit, ret_rows, err)
                     : commit_rows(&commit, ret_rows, err);
    arena_close(scratch);
    if (result == RC_OK)
        result = views_remove(lake->views, write->schema, write->name, err);
    return result == RC_OK ? mount_table(lake, connection, write->schema, write->name, err)
                           : result;
}

// ---- descriptions

static rc document_columns(struct transaction *transaction, struct arena *arena,
                           const struct table_metadata *metadata, const struct str *names,
                           const struct str *docs, size_t count, bool *ret_changed, struct err *err)
{
    const struct schema *current = metadata_schema(metadata);
    const size_t field_count = current->root.field_count;
    struct field *fields = ARENA_ARRAY(arena, struct field, field_count);
    bool is_changed = false;
    for (size_t i = 0; i < field_count; i++) {
        fields[i] = current->root.fields[i];
        for (size_t k = 0; k < count; k++)
            if (str_equal_ignore_case(fields[i].name, names[k]) &&
                !str_equal(fields[i].doc, docs[k])) {
                fields[i].doc = docs[k];
                is_changed = true;
            }
    }
    if (!is_changed)
        return RC_OK;
    *ret_changed = true;
    struct schema schema = *current;
    schema.root = type_struct(fields, field_count);
    return transaction_update_schema(transaction, &schema, metadata->last_column_id, err);
}

static rc document_table(struct lake *lake, struct arena *arena, const struct table *table,
                         struct str comment, const struct str *names, const struct str *docs,
                         size_t count, struct err *err)
{
    struct transaction *transaction;
    TRY(transaction_open(arena, table, &transaction, err));
    bool is_changed = false;
    const struct str old = properties_get(&table->metadata->properties, STR("comment"), STR(""));
    if (comment.length > 0 && !str_equal(old, comment)) {
        is_changed = true;
        TRY(transaction_set_property(transaction, STR("comment"), comment, err));
    }
    TRY(document_columns(transaction, arena, table->metadata, names, docs, count, &is_changed,
                         err));
    return is_changed ? catalog_commit(lake->catalog, &transaction, 1, err) : RC_OK;
}

rc lake_document(struct lake *lake, struct str schema, struct str name, struct str comment,
                 const struct str *names, const struct str *docs, size_t count, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct table table;
    rc result = catalog_load_table(lake->catalog, namespace_of(lake, scratch, schema), name,
                                   scratch, &table, err);
    if (result == RC_OK)
        result = document_table(lake, scratch, &table, comment, names, docs, count, err);
    arena_close(scratch);
    return result;
}
