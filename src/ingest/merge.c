/// @file merge.c
/// See merge.h. Names of temporary relations: m_new_<i> staged and m_old_<i> landed rows of table
/// i of the family (0 = root); m_keep: staged root rows to be inserted or whose key is to be
/// deleted; m_gone: landed root rows that go. Layer: ingest.

#include "ingest/merge.h"

#include "base/log.h"
#include "base/time.h"
#include "iceberg/scan_sql.h"
#include "ingest/key_range.h"

enum { MAX_SQL_BYTES = 64 << 20 };

/// A root table with its children while they are merged.
struct family {
    struct landing *landing;
    struct arena *arena; // of this merge
    struct landing_table **tables;
    size_t count;
    const struct merge_rule *rule;
    struct str primary_match, merge_match; // "k.a = o.a AND ..."; empty = no such key
    struct str primary_list, merge_list;   // quoted columns
    str_vec primary_names, merge_names;    // the columns as they are called
};

static struct str quoted(const struct family *family, struct str name)
{
    return duck_quote_identifier(family->arena, name);
}

static rc run_sql(const struct family *family, struct err *err, const char *format, ...)
    PRINTF_LIKE(3, 4);
static rc run_sql(const struct family *family, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct str sql = arena_vprintf(family->arena, format, args);
    va_end(args);
    return duck_execute(family->landing->connection, sql, NULL, NULL, err);
}

static rc count_sql(const struct family *family, int64_t *ret_number, struct err *err,
                    const char *format, ...) PRINTF_LIKE(4, 5);
static rc count_sql(const struct family *family, int64_t *ret_number, struct err *err,
                    const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct str sql = arena_vprintf(family->arena, format, args);
    va_end(args);
    struct duck_rows rows;
    TRY(duck_query(family->landing->connection, family->arena, sql, NULL, &rows, err));
    *ret_number = 0;
    if (rows.row_count == 1 && !duck_cell(&rows, 0, 0)->is_null &&
        !str_to_int64(duck_cell(&rows, 0, 0)->text, ret_number))
        return err_set(err, RC_INTERNAL, "a count is no number");
    return RC_OK;
}

rc merge_rule_of(const struct resource *resource, int64_t now_us, struct merge_rule *ret_rule,
                 struct err *err)
{
    struct merge_rule rule = {.disposition = resource->write_disposition,
                              .strategy = resource->merge_strategy,
                              .boundary_us = now_us};
    const struct json *config =
        resource->config != NULL ? json_get(resource->config, STR("write_disposition")) : NULL;
    const struct json *names = json_get(config, STR("validity_column_names"));
    if (names != NULL && names->kind == JSON_ARRAY && names->count == 2) {
        rule.valid_from = names->items[0].text;
        rule.valid_to = names->items[1].text;
    }
    struct time_text time;
    const struct json *active = json_get(config, STR("active_record_timestamp"));
    if (active != NULL && active->kind == JSON_STRING) {
        TRY_CONTEXT(time_parse_iso(active->text, &time, err), err, "active_record_timestamp");
        rule.has_active_us = true;
        rule.active_us = time.us;
    }
    const struct json *boundary = json_get(config, STR("boundary_timestamp"));
    if (boundary != NULL && boundary->kind == JSON_STRING) {
        TRY_CONTEXT(time_parse_iso(boundary->text, &time, err), err, "boundary_timestamp");
        rule.boundary_us = time.us;
    }
    if (rule.valid_from.length == 0) {
        rule.valid_from = STR("_dlt_valid_from");
        rule.valid_to = STR("_dlt_valid_to");
    }
    *ret_rule = rule;
    return RC_OK;
}

void merge_declare(struct normalizer *normalizer, struct normal_table *root,
                   const struct merge_rule *rule)
{
    if (rule->disposition != WRITE_MERGE || rule->strategy != MERGE_SCD2)
        return;
    normal_table_column(normalizer, root, rule->valid_from)->type = DATA_TIMESTAMP;
    normal_table_column(normalizer, root, rule->valid_to)->type = DATA_TIMESTAMP;
}

// ---------------------------------------------------------------- the family

static bool is_landed(const struct landing_table *table)
{
    return table->exists && metadata_current_snapshot(table->table.metadata) != NULL;
}

static rc collect_family(struct family *family, struct landing_table *root, struct err *err)
{
    struct landing *landing = family->landing;
    family->tables =
        ARENA_ARRAY(family->arena, struct landing_table *, landing->normalizer->tables.count + 1);
    family->tables[family->count++] = root;
    for (size_t i = 0; i < landing->normalizer->tables.count; i++) {
        struct normal_table *normal = landing->normalizer->tables.items[i];
        if (normal == root->normal || normal->root != root->normal)
            continue;
        struct landing_table *table;
        TRY(landing_table_of(landing, normal, &table, err));
        if (table->files.count > 0 || is_landed(table))
            family->tables[family->count++] = table;
    }
    return RC_OK;
}

/// "k.a = o.a AND k.b = o.b" over the columns of a key, and their list.
static void key_texts(struct family *family, bool is_primary, struct str *ret_match,
                      struct str *ret_list, str_vec *ret_columns)
{
    const struct normal_table *normal = family->tables[0]->normal;
    str_vec matches = {0}, names = {0};
    for (size_t i = 0; i < normal->column_count; i++) {
        const struct normal_column *column = normal->columns[i];
        if (!(is_primary ? column->is_primary_key : column->is_merge_key))
            continue;
        const struct str name = quoted(family, column->name);
        *vec_push(family->arena, ret_columns) = column->name;
        *vec_push(family->arena, &names) = name;
        *vec_push(family->arena, &matches) =
            arena_printf(family->arena, "k.%.*s = o.%.*s", STR_ARGS(name), STR_ARGS(name));
    }
    *ret_match = str_join(family->arena, matches.items, matches.count, STR(" AND "));
    *ret_list = str_join(family->arena, names.items, names.count, STR(", "));
}

/// The columns whose content counts: all but dlt's own.
static struct str content_list(const struct family *family, const struct landing_table *table,
                               const struct merge_rule *rule)
{
    const struct schema *schema = metadata_schema(landing_metadata(table));
    str_vec names = {0};
    for (size_t i = 0; i < schema->root.field_count; i++) {
        const struct str name = schema->root.fields[i].name;
        const bool is_system = str_has_prefix(name, STR("_dlt")) && !str_is(name, "_dlt_list_idx");
        if (!is_system && !str_equal(name, rule->valid_from) && !str_equal(name, rule->valid_to))
            *vec_push(family->arena, &names) = quoted(family, name);
    }
    if (names.count == 0)
        return STR("0");
    return str_join(family->arena, names.items, names.count, STR(", "));
}

/// A view of the landed rows as the table's new schema has them.
/// @param predicate  files without rows that fulfil it are left out; NULL = all files
static rc view_old(const struct family *family, size_t index, const struct predicate *predicate,
                   struct err *err)
{
    const struct landing_table *table = family->tables[index];
    struct scan_sql_options options = {.scan.schema = metadata_schema(landing_metadata(table)),
                                       .scan.predicate = predicate};
    struct str sql;
    TRY(scan_sql(&table->table, family->arena, &options, &sql, NULL, err));
    return run_sql(family, err, "CREATE OR REPLACE TEMP VIEW m_old_%zu AS %.*s", index,
                   STR_ARGS(sql));
}

/// A view of the staged rows with all columns of the schema.
static rc view_new(const struct family *family, size_t index, struct err *err)
{
    const struct landing_table *table = family->tables[index];
    const struct str sql = landing_staged_sql(family->landing, family->arena, table, err);
    TRY(run_sql(family, err, "CREATE OR REPLACE TEMP VIEW m_new_%zu AS %.*s", index,
                STR_ARGS(sql)));
    struct duck_rows columns;
    TRY(duck_query(family->landing->connection, family->arena,
                   arena_printf(family->arena, "SELECT * FROM m_new_%zu LIMIT 0", index), NULL,
                   &columns, err));
    const struct schema *schema = metadata_schema(landing_metadata(table));
    str_vec missing = {0};
    for (size_t f = 0; f < schema->root.field_count; f++) {
        const struct field *field = &schema->root.fields[f];
        bool is_there = false;
        for (size_t c = 0; c < columns.column_count; c++)
            is_there = is_there || str_equal(columns.columns[c].name, field->name);
        if (!is_there)
            *vec_push(family->arena, &missing) =
                arena_printf(family->arena, ", CAST(NULL AS %.*s) AS %.*s",
                             STR_ARGS(data_writer_sql_type(family->arena, &field->type)),
                             STR_ARGS(quoted(family, field->name)));
    }
    if (missing.count == 0)
        return RC_OK;
    const struct str more = str_join(family->arena, missing.items, missing.count, STR(""));
    return run_sql(family, err, "CREATE OR REPLACE TEMP VIEW m_new_%zu AS SELECT *%.*s FROM (%.*s)",
                   index, STR_ARGS(more), STR_ARGS(sql));
}

static rc open_views(struct family *family, struct err *err)
{
    for (size_t i = 0; i < family->count; i++) {
        struct landing_table *table = family->tables[i];
        TRY(landing_prepare(family->landing, table, err));
        if (table->files.count > 0)
            TRY(view_new(family, i, err));
        if (is_landed(table))
            TRY(view_old(family, i, NULL, err));
    }
    return RC_OK;
}

static void close_views(const struct family *family)
{
    struct err ignored = {0};
    for (size_t i = 0; i < family->count; i++) {
        if (run_sql(family, &ignored, "DROP VIEW IF EXISTS m_new_%zu", i) != RC_OK ||
            run_sql(family, &ignored, "DROP VIEW IF EXISTS m_old_%zu", i) != RC_OK)
            log_debug("a temporary view stays: %s", ignored.message);
    }
    if (run_sql(family, &ignored, "DROP TABLE IF EXISTS m_keep") != RC_OK ||
        run_sql(family, &ignored, "DROP TABLE IF EXISTS m_gone") != RC_OK ||
        run_sql(family, &ignored, "DROP TABLE IF EXISTS m_same") != RC_OK ||
        run_sql(family, &ignored, "DROP TABLE IF EXISTS m_merge_keys") != RC_OK)
        log_debug("a temporary table stays: %s", ignored.message);
}

// ---------------------------------------------------------------- changing landed files

/// What happens to the landed files of one table.
struct file_change {
    str_vec deleted;     // locations
    landing_files added; // rewritten and new ones
    int64_t gone_rows;
};

/// Finds the landed files that hold rows for which `match` is true (o = the row) and writes them
/// anew with `select`, an expression list over o, for the rows that stay.
/// @param predicate  fulfilled by all rows that match; NULL = nothing is known of them
static rc rewrite_landed(const struct family *family, struct landing_table *table,
                         const struct predicate *predicate, struct str match, struct str select,
                         bool drops_rows, struct file_change *change, struct err *err)
{
    struct scan_options options = {.schema = metadata_schema(landing_metadata(table)),
                                   .predicate = predicate};
    struct scan_plan plan;
    TRY(scan_plan(&table->table, family->arena, &options, &plan, err));
    struct scan_file *hit = ARENA_ARRAY(family->arena, struct scan_file, plan.file_count + 1);
    size_t hit_count = 0, whole_count = 0;
    for (size_t i = 0; i < plan.file_count; i++) {
        struct scan_plan one = plan;
        one.files = &plan.files[i];
        one.file_count = 1;
        struct str sql;
        TRY(scan_sql_of_plan(&table->table, family->arena, &one, NULL, 0, &sql, err));
        int64_t rows = 0;
        TRY(count_sql(family, &rows, err, "SELECT count(*) FROM (%.*s) o WHERE %.*s", STR_ARGS(sql),
                      STR_ARGS(match)));
        if (rows == 0)
            continue;
        change->gone_rows += rows;
        *vec_push(family->arena, &change->deleted) = plan.files[i].file.path;
        if (drops_rows && rows == plan.files[i].file.record_count)
            whole_count++;
        else
            hit[hit_count++] = plan.files[i];
    }
    log_debug("%.*s: %zu of %zu files change, %zu were looked into", STR_ARGS(table->name),
              hit_count + whole_count, plan.file_count + plan.skipped_file_count, plan.file_count);
    if (hit_count == 0)
        return RC_OK;
    plan.files = hit;
    plan.file_count = hit_count;
    struct str sql;
    TRY(scan_sql_of_plan(&table->table, family->arena, &plan, NULL, 0, &sql, err));
    sql = drops_rows ? arena_printf(family->arena, "SELECT %.*s FROM (%.*s) o WHERE NOT (%.*s)",
                                    STR_ARGS(select), STR_ARGS(sql), STR_ARGS(match))
                     : arena_printf(family->arena, "SELECT %.*s FROM (%.*s) o", STR_ARGS(select),
                                    STR_ARGS(sql));
    return landing_write_sql(family->landing, table, sql, &change->added, NULL, err);
}

static void add_all(struct arena *arena, landing_files *to, const landing_files *from)
{
    for (size_t i = 0; i < from->count; i++)
        *vec_push(arena, to) = from->items[i];
}

/// Replaces the staged files of a table by those rows of them that `filter` keeps (n = the row).
static rc filter_staged(const struct family *family, size_t index, struct str filter,
                        struct str select, struct err *err)
{
    struct landing_table *table = family->tables[index];
    landing_files kept = {0};
    int64_t rows = 0;
    const struct str sql =
        arena_printf(family->arena,
                     "SELECT %.*s FROM (SELECT * EXCLUDE (filename) FROM m_new_%zu) n "
                     "WHERE %.*s",
                     STR_ARGS(select), index, STR_ARGS(filter));
    TRY(landing_write_sql(family->landing, table, sql, &kept, &rows, err));
    landing_discard(family->landing, &table->files);
    table->files = kept;
    table->staged_rows = rows;
    return RC_OK;
}

/// Puts staged and rewritten files into the table's transaction.
static rc commit_change(const struct family *family, size_t index, struct file_change *change,
                        struct err *err)
{
    struct landing_table *table = family->tables[index];
    landing_files added = change->added;
    add_all(table->arena, &added, &table->files);
    table->deleted_rows += change->gone_rows;
    table->inserted_rows += table->staged_rows;
    table->committed_files += (int64_t)added.count;
    // Rewritten files are staged too: a failed commit removes them.
    table->files = added;
    // Rows of the same keys that somebody else lands meanwhile were not seen here.
    if (family->rule->disposition == WRITE_MERGE && table->exists)
        transaction_require_no_new_data(table->tx);
    if (change->deleted.count > 0) {
        return transaction_overwrite(table->tx, change->deleted.items, change->deleted.count,
                                     added.items, added.count, err);
    }
    return added.count > 0 ? transaction_append(table->tx, added.items, added.count, err) : RC_OK;
}

// ---------------------------------------------------------------- append, replace

static rc apply_append(struct family *family, bool *ret_changed, struct err *err)
{
    for (size_t i = 0; i < family->count; i++) {
        struct file_change nothing = {0};
        *ret_changed = *ret_changed || family->tables[i]->files.count > 0;
        if (family->tables[i]->files.count > 0)
            TRY(commit_change(family, i, &nothing, err));
    }
    return RC_OK;
}

/// Rows and a sum of hashes of their content: equal for the same rows in any order.
static rc fingerprint(const struct family *family, size_t index, const char *which, bool is_there,
                      struct str *ret_text, struct err *err)
{
    if (!is_there) {
        *ret_text = STR("0 0");
        return RC_OK;
    }
    struct duck_rows rows;
    const struct str columns = content_list(family, family->tables[index], family->rule);
    TRY(duck_query(family->landing->connection, family->arena,
                   arena_printf(family->arena,
                                "SELECT count(*) || ' ' || coalesce(sum(hash(%.*s)::HUGEINT), 0) "
                                "FROM m_%s_%zu",
                                STR_ARGS(columns), which, index),
                   NULL, &rows, err));
    *ret_text = duck_cell(&rows, 0, 0)->text;
    return RC_OK;
}

static rc apply_replace(struct family *family, bool *ret_changed, struct err *err)
{
    bool is_same = true;
    for (size_t i = 0; i < family->count && is_same; i++) {
        struct str old_print, new_print;
        const struct landing_table *table = family->tables[i];
        TRY(fingerprint(family, i, "new", table->files.count > 0, &new_print, err));
        TRY(fingerprint(family, i, "old", is_landed(table), &old_print, err));
        is_same = str_equal(old_print, new_print);
    }
    for (size_t i = 0; i < family->count; i++) {
        struct landing_table *table = family->tables[i];
        if (is_same) {
            landing_discard(family->landing, &table->files);
            continue;
        }
        table->inserted_rows += table->staged_rows;
        table->committed_files += (int64_t)table->files.count;
        TRY(transaction_replace_all(table->tx, table->files.items, table->files.count, err));
    }
    *ret_changed = !is_same;
    return RC_OK;
}

// ---------------------------------------------------------------- merge by key

/// By what the rows of one key are put in order, and how; the winner comes first. Without a hint
/// the row that came last wins.
static struct str dedup_column(const struct family *family, const char **ret_order)
{
    const struct normal_table *normal = family->tables[0]->normal;
    for (size_t i = 0; i < normal->column_count; i++) {
        const struct normal_column *column = normal->columns[i];
        if (column->dedup_sort == DEDUP_SORT_NONE || column->type == DATA_NONE)
            continue;
        *ret_order =
            column->dedup_sort == DEDUP_SORT_ASC ? "m_sort ASC, " : "m_sort DESC NULLS LAST, ";
        return quoted(family, column->name);
    }
    *ret_order = "";
    return STR("0");
}

/// "is this row a deletion" over a staged row.
static struct str deletion_flag(const struct family *family)
{
    const struct normal_table *normal = family->tables[0]->normal;
    for (size_t i = 0; i < normal->column_count; i++) {
        const struct normal_column *column = normal->columns[i];
        if (!column->is_hard_delete || column->type == DATA_NONE)
            continue;
        return arena_printf(family->arena, "%.*s IS %s", STR_ARGS(quoted(family, column->name)),
                            column->type == DATA_BOOL ? "TRUE" : "NOT NULL");
    }
    return STR("FALSE");
}

static rc check_keys(const struct family *family, struct err *err)
{
    const struct normal_table *normal = family->tables[0]->normal;
    for (size_t i = 0; i < normal->column_count; i++) {
        const struct normal_column *column = normal->columns[i];
        if (!column->is_primary_key && !column->is_merge_key)
            continue;
        int64_t nulls = 0;
        if (column->type != DATA_NONE)
            TRY(count_sql(family, &nulls, err, "SELECT count(*) FROM m_new_0 WHERE %.*s IS NULL",
                          STR_ARGS(quoted(family, column->name))));
        else
            nulls = family->tables[0]->staged_rows;
        if (nulls > 0) {
            err_set(err, RC_INVALID,
                    "table %.*s: %lld records have no %.*s, which is part of the %s key",
                    STR_ARGS(family->tables[0]->name), (long long)nulls, STR_ARGS(column->name),
                    column->is_primary_key ? "primary" : "merge");
            return err_hint(err, "choose a key that every record has");
        }
    }
    return RC_OK;
}

/// The content of rows is hashed below the window, which would otherwise hold whole rows in memory.
/// Ids are kept for the sake of children only.
static rc make_keep(const struct family *family, struct err *err)
{
    const bool has_primary = family->primary_list.length > 0;
    const bool needs_content = has_primary && is_landed(family->tables[0]);
    const char *order = "";
    const struct str sort = dedup_column(family, &order);
    const struct str content =
        needs_content
            ? arena_printf(family->arena, "hash(%.*s)",
                           STR_ARGS(content_list(family, family->tables[0], family->rule)))
            : STR("0");
    const struct str dedup =
        !has_primary ? STR("")
                     : arena_printf(family->arena,
                                    "QUALIFY row_number() OVER (PARTITION BY %.*s ORDER BY "
                                    "%sm_file_no DESC, m_row_no DESC) = 1",
                                    STR_ARGS(family->primary_list), order);
    return run_sql(family, err,
                   "CREATE OR REPLACE TEMP TABLE m_keep AS SELECT * EXCLUDE (m_sort) FROM (SELECT "
                   "m_file_no, file_row_number AS m_row_no, %s AS m_id, %.*s AS "
                   "m_content, %.*s AS m_is_deletion, %.*s AS m_sort%s%.*s FROM m_new_0) %.*s",
                   family->count > 1 ? "\"_dlt_id\"" : "NULL::VARCHAR", STR_ARGS(content),
                   STR_ARGS(deletion_flag(family)), STR_ARGS(sort), has_primary ? ", " : "",
                   STR_ARGS(family->primary_list), STR_ARGS(dedup));
}

/// Takes rows out of m_keep that are landed with the same content, children included. Staged rows
/// are told by their place in m_keep, which is short; ids are looked up where there are children.
static rc drop_unchanged(const struct family *family, struct err *err)
{
    TRY(run_sql(
        family, err,
        "CREATE OR REPLACE TEMP TABLE m_same AS SELECT k.rowid AS place, %s AS old_id FROM m_keep "
        "k JOIN m_old_0 o ON %.*s WHERE NOT k.m_is_deletion AND k.m_content = hash(%.*s)",
        family->count > 1 ? "o.\"_dlt_id\"" : "NULL::VARCHAR", STR_ARGS(family->primary_match),
        STR_ARGS(str_replace(family->arena,
                             str_concat(family->arena, STR("o."),
                                        content_list(family, family->tables[0], family->rule)),
                             STR(", \""), STR(", o.\"")))));
    for (size_t i = 1; i < family->count; i++) {
        const struct landing_table *table = family->tables[i];
        const struct str columns = content_list(family, table, family->rule);
        const char *nothing = "SELECT NULL::VARCHAR AS r, 0::BIGINT AS c, 0::HUGEINT AS h LIMIT 0";
        struct str sides[2];
        for (int side = 0; side < 2; side++) {
            const bool is_there = side == 0 ? table->files.count > 0 : is_landed(table);
            if (!is_there) {
                sides[side] = str_of(nothing);
                continue;
            }
            sides[side] = arena_printf(
                family->arena,
                "SELECT \"_dlt_root_id\" AS r, count(*) AS c, sum(hash(%.*s)::HUGEINT) AS h FROM "
                "m_%s_%zu GROUP BY 1",
                STR_ARGS(columns), side == 0 ? "new" : "old", i);
        }
        TRY(run_sql(
            family, err,
            "DELETE FROM m_same WHERE place IN (SELECT s.place FROM m_same s JOIN m_keep k ON "
            "k.rowid = s.place LEFT JOIN (%.*s) a ON a.r = k.m_id LEFT JOIN (%.*s) b ON b.r = "
            "s.old_id WHERE a.c IS "
            "DISTINCT FROM b.c OR a.h IS DISTINCT FROM b.h)",
            STR_ARGS(sides[0]), STR_ARGS(sides[1])));
    }
    // Deleted rows would stay in memory while files are written.
    TRY(run_sql(family, err,
                "CREATE OR REPLACE TEMP TABLE m_keep AS SELECT k.* FROM m_keep k WHERE (k.rowid IN "
                "(SELECT s.place FROM m_same s)) IS NOT TRUE"));
    return run_sql(family, err, "DROP TABLE m_same");
}

/// "the row `alias` has its `names` in `rows`", never NULL. A correlated EXISTS would say the same,
/// but the engine may then hold all rows it is asked about in memory, and not only the keys.
static struct str member_match(const struct family *family, const char *alias, const str_vec *names,
                               const char *rows)
{
    str_vec left = {0}, right = {0};
    for (size_t i = 0; i < names->count; i++) {
        const struct str name = quoted(family, names->items[i]);
        *vec_push(family->arena, &left) =
            arena_printf(family->arena, "%s.%.*s", alias, STR_ARGS(name));
        *vec_push(family->arena, &right) = arena_printf(family->arena, "k.%.*s", STR_ARGS(name));
    }
    const char *row = names->count > 1 ? "ROW" : "";
    const struct str lefts = str_join(family->arena, left.items, left.count, STR(", "));
    const struct str rights = str_join(family->arena, right.items, right.count, STR(", "));
    return arena_printf(family->arena, "(%s(%.*s) IN (SELECT %s(%.*s) FROM %s k)) IS TRUE", row,
                        STR_ARGS(lefts), row, STR_ARGS(rights), rows);
}

/// The condition that a landed root row (o) is deleted.
static struct str gone_match(const struct family *family)
{
    str_vec parts = {0};
    if (family->primary_names.count > 0)
        *vec_push(family->arena, &parts) =
            member_match(family, "o", &family->primary_names, "m_keep");
    if (family->merge_names.count > 0)
        *vec_push(family->arena, &parts) =
            member_match(family, "o", &family->merge_names, "m_merge_keys");
    return str_join(family->arena, parts.items, parts.count, STR(" OR "));
}

/// What every landed root row fulfils that has a key of m_keep or m_merge_keys; m_old_0 is left
/// with the files where such rows can be.
static rc narrow_old(const struct family *family, struct predicate *ret_predicate, struct err *err)
{
    const struct schema *schema = metadata_schema(landing_metadata(family->tables[0]));
    struct predicate *sets = ARENA_ARRAY(family->arena, struct predicate, 2);
    size_t count = 0;
    if (family->primary_names.count > 0)
        TRY(key_range_of(family->landing->connection, family->arena, schema, STR("m_keep"),
                         family->primary_names.items, family->primary_names.count, &sets[count++],
                         err));
    if (family->merge_names.count > 0)
        TRY(key_range_of(family->landing->connection, family->arena, schema, STR("m_merge_keys"),
                         family->merge_names.items, family->merge_names.count, &sets[count++],
                         err));
    const struct predicate any = {.kind = PREDICATE_OR, .children = sets, .child_count = count};
    TRY(view_old(family, 0, &any, err));
    *ret_predicate = any;
    return RC_OK;
}

/// Leaves those staged rows that m_keep keeps; files that lose nothing stay as they are.
static rc filter_family(struct family *family, struct err *err)
{
    static const char *const root_filter =
        "(ROW(n.m_file_no, n.file_row_number) IN (SELECT ROW(k.m_file_no, k.m_row_no) FROM m_keep "
        "k WHERE NOT k.m_is_deletion)) IS TRUE";
    static const char *const child_filter =
        "(n.\"_dlt_root_id\" IN (SELECT k.m_id FROM m_keep k WHERE NOT k.m_is_deletion)) IS TRUE";
    const bool has_keyed_ids =
        family->rule->strategy == MERGE_UPSERT || family->rule->strategy == MERGE_INSERT_ONLY;
    for (size_t i = 0; i < family->count; i++) {
        struct landing_table *table = family->tables[i];
        if (table->files.count == 0)
            continue;
        struct str filter = str_of(i == 0 ? root_filter : child_filter);
        if (i > 0 && has_keyed_ids) // two records of one key give children of the same ids
            filter = arena_printf(family->arena,
                                  "%.*s QUALIFY row_number() OVER (PARTITION BY n.\"_dlt_id\" "
                                  "ORDER BY n.m_file_no DESC, n.file_row_number DESC) = 1",
                                  STR_ARGS(filter));
        int64_t kept = 0;
        TRY(count_sql(family, &kept, err,
                      "SELECT count(*) FROM (SELECT n.\"_dlt_id\", n.m_file_no, n.file_row_number "
                      "FROM m_new_%zu n WHERE %.*s)",
                      i, STR_ARGS(filter)));
        if (kept == table->staged_rows)
            continue;
        TRY(filter_staged(family, i, filter, STR("n.* EXCLUDE (m_file_no, file_row_number)"), err));
    }
    return RC_OK;
}

/// Collects the landed rows that go, by their ids and keys, in m_gone.
static rc find_gone(const struct family *family, struct str match, int64_t *ret_gone,
                    struct err *err)
{
    TRY(run_sql(family, err,
                "CREATE OR REPLACE TEMP TABLE m_gone AS SELECT o.\"_dlt_id\" AS m_id%s%.*s FROM "
                "m_old_0 o WHERE %.*s",
                family->primary_list.length > 0 ? ", " : "", STR_ARGS(family->primary_list),
                STR_ARGS(match)));
    return count_sql(family, ret_gone, err, "SELECT count(*) FROM m_gone");
}

/// How many of the kept rows have the primary key of a row that goes: they update it.
static rc count_updated(const struct family *family, int64_t *ret_updated, struct err *err)
{
    if (family->primary_match.length == 0)
        return RC_OK;
    return count_sql(family, ret_updated, err,
                     "SELECT count(*) FROM m_keep k WHERE NOT k.m_is_deletion AND EXISTS (SELECT 1 "
                     "FROM m_gone o WHERE %.*s)",
                     STR_ARGS(family->primary_match));
}

/// Writes landed files without the rows that go, and puts the kept staged rows beside them.
static rc replace_rows(struct family *family, bool has_gone, struct str match,
                       const struct predicate *predicate, struct err *err)
{
    TRY(filter_family(family, err));
    for (size_t i = 0; i < family->count; i++) {
        struct file_change change = {0};
        struct landing_table *table = family->tables[i];
        const struct str child_match =
            STR("(o.\"_dlt_root_id\" IN (SELECT k.m_id FROM m_gone k)) IS TRUE");
        if (has_gone && is_landed(table))
            TRY(rewrite_landed(family, table, i == 0 ? predicate : NULL,
                               i == 0 ? match : child_match, STR("o.*"), true, &change, err));
        TRY(commit_change(family, i, &change, err));
    }
    return RC_OK;
}

static rc apply_keyed(struct family *family, bool *ret_changed, struct err *err)
{
    struct landing_table *root = family->tables[0];
    if (root->files.count == 0)
        return RC_OK;
    if (family->primary_list.length == 0 && family->merge_list.length == 0)
        return apply_append(family, ret_changed, err);
    TRY(check_keys(family, err));
    TRY(make_keep(family, err));
    TRY(run_sql(family, err,
                "CREATE OR REPLACE TEMP TABLE m_merge_keys AS SELECT DISTINCT %.*s "
                "FROM m_new_0",
                STR_ARGS(family->merge_list.length > 0 ? family->merge_list : STR("0 AS none"))));
    const bool has_old = is_landed(root);
    const bool inserts_only = family->rule->strategy == MERGE_INSERT_ONLY;
    struct predicate predicate = {.kind = PREDICATE_TRUE};
    if (has_old)
        TRY(narrow_old(family, &predicate, err));
    if (inserts_only && has_old)
        TRY(run_sql(family, err,
                    "DELETE FROM m_keep k WHERE k.m_is_deletion OR EXISTS (SELECT 1 FROM m_old_0 o "
                    "WHERE %.*s)",
                    STR_ARGS(family->primary_match)));
    else if (has_old && family->merge_list.length == 0) {
        TRY(drop_unchanged(family, err));
        TRY(narrow_old(family, &predicate, err));
    }
    struct str match = STR("FALSE");
    if (has_old && !inserts_only)
        match = gone_match(family);
    int64_t gone = 0, kept = 0, updated = 0;
    TRY(count_sql(family, &kept, err, "SELECT count(*) FROM m_keep WHERE NOT m_is_deletion"));
    if (has_old)
        TRY(find_gone(family, match, &gone, err));
    if (kept == 0 && gone == 0) {
        for (size_t i = 0; i < family->count; i++)
            landing_discard(family->landing, &family->tables[i]->files);
        return RC_OK;
    }
    if (gone > 0)
        TRY(count_updated(family, &updated, err));
    TRY(replace_rows(family, gone > 0, match, &predicate, err));
    root->updated_rows += updated;
    root->inserted_rows -= updated;
    root->deleted_rows -= updated;
    *ret_changed = true;
    return RC_OK;
}

// ---------------------------------------------------------------- scd2

static struct str timestamp_sql(struct arena *arena, bool is_null, int64_t us)
{
    if (is_null)
        return STR("CAST(NULL AS TIMESTAMPTZ)");
    const struct str text = time_format(arena, us, TIME_ISO_MICROS);
    return arena_printf(arena, "CAST('%.*s' AS TIMESTAMPTZ)", STR_ARGS(text));
}

/// The columns and times of slowly changing rows, as SQL.
struct versions {
    struct str from, to;  // columns
    struct str boundary;  // where old versions end and new ones begin
    struct str active;    // stands in `to` of a version in force
    struct str is_active; // condition on a landed row "o"
};

static struct versions versions_of(const struct family *family)
{
    const struct merge_rule *rule = family->rule;
    struct arena *arena = family->arena;
    struct versions v = {
        .from = quoted(family, rule->valid_from),
        .to = quoted(family, rule->valid_to),
        .boundary = timestamp_sql(arena, false, rule->boundary_us),
        .active = timestamp_sql(arena, !rule->has_active_us, rule->active_us),
    };
    v.is_active =
        arena_printf(arena, "o.%.*s IS NOT DISTINCT FROM %.*s", STR_ARGS(v.to), STR_ARGS(v.active));
    return v;
}

/// Ends the landed versions in force that m_keep lacks, and takes those that it has out of it.
static rc retire_versions(const struct family *family, const struct versions *v,
                          struct file_change *change, struct err *err)
{
    struct str match = arena_printf(
        family->arena, "%.*s AND NOT EXISTS (SELECT 1 FROM m_keep k WHERE k.m_id = o.\"_dlt_id\")",
        STR_ARGS(v->is_active));
    if (family->merge_match.length > 0)
        match = arena_printf(family->arena, "%.*s AND EXISTS (SELECT 1 FROM m_keep k WHERE %.*s)",
                             STR_ARGS(match), STR_ARGS(family->merge_match));
    const struct str select = arena_printf(
        family->arena, "o.* REPLACE (CASE WHEN %.*s THEN %.*s ELSE o.%.*s END AS %.*s)",
        STR_ARGS(match), STR_ARGS(v->boundary), STR_ARGS(v->to), STR_ARGS(v->to));
    TRY(rewrite_landed(family, family->tables[0], NULL, match, select, false, change, err));
    return run_sql(family, err,
                   "DELETE FROM m_keep k WHERE EXISTS (SELECT 1 FROM m_old_0 o WHERE o.\"_dlt_id\" "
                   "= k.m_id AND %.*s)",
                   STR_ARGS(v->is_active));
}

/// Leaves of the staged rows the new versions, those of m_keep, and puts them in force.
static rc begin_versions(const struct family *family, const struct versions *v, struct err *err)
{
    const struct str select = arena_printf(
        family->arena,
        "n.* EXCLUDE (m_file_no, file_row_number) REPLACE (%.*s AS %.*s, %.*s AS %.*s)",
        STR_ARGS(v->boundary), STR_ARGS(v->from), STR_ARGS(v->active), STR_ARGS(v->to));
    return filter_staged(family, 0,
                         STR("EXISTS (SELECT 1 FROM m_keep k WHERE k.m_id = n.\"_dlt_id\")"),
                         select, err);
}

static rc apply_scd2(struct family *family, bool *ret_changed, struct err *err)
{
    struct landing_table *root = family->tables[0];
    if (root->files.count == 0 && !is_landed(root))
        return RC_OK;
    const struct versions versions = versions_of(family);
    const bool has_new = root->files.count > 0, has_old = is_landed(root);
    TRY(run_sql(family, err,
                has_new
                    ? "CREATE OR REPLACE TEMP TABLE m_keep AS SELECT DISTINCT \"_dlt_id\" AS "
                      "m_id%s%.*s FROM m_new_0"
                    : "CREATE OR REPLACE TEMP TABLE m_keep AS SELECT NULL::VARCHAR AS m_id%s%.*s "
                      "LIMIT 0",
                has_new && family->merge_list.length > 0 ? ", " : "",
                STR_ARGS(has_new ? family->merge_list : STR(""))));
    struct file_change change = {0};
    if (has_old && (has_new || family->merge_list.length == 0))
        TRY(retire_versions(family, &versions, &change, err));
    if (has_new)
        TRY(begin_versions(family, &versions, err));
    for (size_t i = 1; i < family->count; i++)
        if (family->tables[i]->files.count > 0)
            TRY(filter_staged(
                family, i, STR("EXISTS (SELECT 1 FROM m_keep k WHERE k.m_id = n.\"_dlt_root_id\")"),
                STR("n.* EXCLUDE (m_file_no, file_row_number)"), err));
    const int64_t retired = change.gone_rows;
    change.gone_rows = 0;
    *ret_changed = change.deleted.count > 0 || root->files.count > 0;
    TRY(commit_change(family, 0, &change, err));
    root->updated_rows += retired;
    for (size_t i = 1; i < family->count; i++) {
        struct file_change nothing = {0};
        TRY(commit_change(family, i, &nothing, err));
    }
    return RC_OK;
}

rc merge_apply(struct landing *landing, struct landing_table *root, const struct merge_rule *rule,
               bool *ret_changed, struct err *err)
{
    struct arena *arena = arena_open(landing->arena);
    struct family family = {.landing = landing, .arena = arena, .rule = rule};
    bool is_changed = false;
    rc code = collect_family(&family, root, err);
    bool has_files = false;
    for (size_t i = 0; i < family.count; i++)
        has_files = has_files || family.tables[i]->files.count > 0;
    const bool can_empty = rule->disposition == WRITE_REPLACE ||
                           (rule->disposition == WRITE_MERGE && rule->strategy == MERGE_SCD2);
    if (code == RC_OK && (has_files || (can_empty && is_landed(root)))) {
        key_texts(&family, true, &family.primary_match, &family.primary_list,
                  &family.primary_names);
        key_texts(&family, false, &family.merge_match, &family.merge_list, &family.merge_names);
        const bool needs_views =
            rule->disposition == WRITE_REPLACE || rule->disposition == WRITE_MERGE;
        if (needs_views)
            code = open_views(&family, err);
        if (code == RC_OK && rule->disposition == WRITE_REPLACE)
            code = apply_replace(&family, &is_changed, err);
        else if (code == RC_OK && rule->disposition == WRITE_MERGE)
            code = rule->strategy == MERGE_SCD2 ? apply_scd2(&family, &is_changed, err)
                                                : apply_keyed(&family, &is_changed, err);
        else if (code == RC_OK && rule->disposition == WRITE_APPEND)
            code = apply_append(&family, &is_changed, err);
        if (needs_views)
            close_views(&family);
    }
    arena_close(arena);
    if (code == RC_OK)
        *ret_changed = is_changed;
    return code;
}
