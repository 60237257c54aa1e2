/// @file load_commit.c
/// Settling what each table changes, and the commit over all of them. Layer: ingest.

#include "base/hash.h"
#include "base/time.h"
#include "ingest/load.intern.h"

enum { SCHEMA_TEXT_MAX_BYTES = 64 << 20 };

static struct str number_text(struct load *load, int64_t number)
{
    return arena_printf(load->arena, "%lld", (long long)number);
}

/// What the run has to say about one table, in its snapshot summary.
rc load_describe(struct load *load, struct landing_table *table, bool is_complete, struct err *err)
{
    struct transaction *tx = table->tx;
    TRY(transaction_set_summary(tx, load_id_key, load->load_id, err));
    TRY(transaction_set_summary(tx, load_run_id_key, load->run_id, err));
    TRY(transaction_set_summary(tx, load_lease_key, load->run_tag, err));
    TRY(transaction_set_summary(tx, load_source_key, load->options->source_name, err));
    int64_t read = 0;
    for (size_t i = 0; i < load->resource_count; i++)
        if (load->resources[i].table == table)
            read += load->resources[i].read - load->resources[i].read_before;
    TRY(transaction_set_summary(tx, STR("moulin.rows-read"), number_text(load, read), err));
    TRY(transaction_set_summary(
        tx, STR("moulin.rows-written"),
        number_text(load, table->inserted_rows + table->updated_rows - table->written_before),
        err));
    if (table->normal != NULL)
        TRY(transaction_set_summary(tx, STR("moulin.rows-rejected"),
                                    number_text(load, table->normal->discarded_rows), err));
    return transaction_set_summary(tx, load_complete_key, is_complete ? STR("true") : STR("false"),
                                   err);
}

static rc require_same(const struct landing_table *table, struct str key, struct err *err)
{
    const struct str none = {NULL, 0};
    const struct str old = table_summary_value(&table->table, key);
    return transaction_require_summary(table->tx, key, old.length > 0 ? old : none, err);
}

/// Requires that nobody landed in this table since the run looked at it, and writes the new state.
static rc guard_state(struct load *load, struct landing_table *table, struct err *err)
{
    struct transaction *tx = table->tx;
    struct str text;
    if (table->exists)
        TRY(require_same(table, load_id_key, err));
    if (table->is_child)
        return RC_OK; // the root keeps the state
    if (table->exists)
        TRY(require_same(table, load_state_key, err));
    TRY(load_state_text(load, table, &text, err));
    if (text.length == 0)
        return RC_OK;
    TRY(transaction_set_summary(tx, load_state_key, text, err));
    for (size_t i = 0; i < load->resource_count; i++) {
        const struct load_resource *r = &load->resources[i];
        if (r->table != table || !r->has_state)
            continue;
        struct json copy = {.kind = JSON_OBJECT};
        *json_object_set(load->arena, &copy, STR("load_id")) = json_of_str(load->load_id);
        *json_object_set(load->arena, &copy, STR("state")) = r->state;
        struct str stored;
        TRY(load_store_state(load, json_print(load->arena, &copy, JSON_COMPACT), &stored, err));
        TRY(transaction_set_property(tx, load_state_property(load, r->resource), stored, err));
    }
    return RC_OK;
}

static rc append_text(struct load *load, struct normal_table *table, const char *name,
                      struct str text, struct err *err)
{
    struct normal_column *column = normal_table_column(load->normalizer, table, str_of(name));
    if (column->type == DATA_NONE)
        column->type = DATA_TEXT;
    if (!column->has_values) {
        column_values_init(&column->values, DATA_TEXT, 0, 0);
        column->has_values = true;
    }
    return column_values_append_text(&column->values, table->row_count, text, err);
}

static rc append_number(struct load *load, struct normal_table *table, const char *name,
                        enum data_type type, int64_t number, struct err *err)
{
    struct normal_column *column = normal_table_column(load->normalizer, table, str_of(name));
    if (column->type == DATA_NONE)
        column->type = type;
    if (!column->has_values) {
        column_values_init(&column->values, type, 0, 0);
        column->has_values = true;
    }
    return column_values_append_number(&column->values, table->row_count, number, err);
}

/// A hash of all names and types that the run knows, as dlt's `version_hash` is one.
static struct str schema_hash(struct load *load)
{
    struct buf text;
    buf_init(&text, SCHEMA_TEXT_MAX_BYTES);
    for (size_t t = 0; t < load->normalizer->tables.count; t++) {
        const struct normal_table *table = load->normalizer->tables.items[t];
        buf_printf(&text, "%.*s(", STR_ARGS(table->name));
        for (size_t c = 0; c < table->column_count; c++)
            buf_printf(&text, "%.*s %.*s,", STR_ARGS(table->columns[c]->name),
                       STR_ARGS(data_type_name(table->columns[c]->type)));
        buf_append_cstr(&text, ")");
    }
    const struct hash hash = hash_of(HASH_SHA3_256, buf_str(&text));
    buf_done(&text);
    return base64_encode(load->arena, hash.bytes, hash.length, BASE64_STANDARD);
}

/// dlt's table of loads is shared by all sources of a namespace. It is made by a commit of its own,
/// so that two sources that run for the first time at once do not fail over it.
static rc make_loads_table(struct load *load, struct landing_table *table, struct err *err)
{
    static const struct {
        const char *name;
        enum type_id type;
    } columns[] = {{"load_id", TYPE_STRING},
                   {"schema_name", TYPE_STRING},
                   {"status", TYPE_LONG},
                   {"inserted_at", TYPE_TIMESTAMPTZ},
                   {"schema_version_hash", TYPE_STRING}};
    enum { COUNT = sizeof columns / sizeof columns[0] };
    if (table->exists)
        return RC_OK;
    struct field fields[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++)
        fields[i] = (struct field){.id = (int32_t)i + 1,
                                   .name = str_of(columns[i].name),
                                   .type = type_of(columns[i].type)};
    const struct load_options *options = load->options;
    const struct table_definition definition = {.schema = {.root = type_struct(fields, COUNT)},
                                                .format_version = options->format_version};
    struct table created;
    struct err exists = {0};
    TRY(catalog_ensure_namespace(options->catalog, options->namespace_name, err));
    const rc code = catalog_create_table(options->catalog, options->namespace_name, table->name,
                                         &definition, load->arena, &created, &exists);
    if (code != RC_OK && code != RC_EXISTS) {
        if (err != NULL)
            *err = exists;
        return code;
    }
    return landing_reload(load->landing, table, err);
}

/// The line of this load in dlt's own table of loads.
rc load_add_row(struct load *load, struct landing_table **ret_table, struct err *err)
{
    struct normal_table *normal = normalizer_table(load->normalizer, STR("_dlt_loads"), NULL);
    TRY(landing_table_of(load->landing, normal, ret_table, err));
    TRY(make_loads_table(load, *ret_table, err));
    TRY(append_text(load, normal, "load_id", load->load_id, err));
    TRY(append_text(load, normal, "schema_name", load->options->source_name, err));
    TRY(append_number(load, normal, "status", DATA_BIGINT, 0, err));
    TRY(append_number(load, normal, "inserted_at", DATA_TIMESTAMP, load->now_us, err));
    TRY(append_text(load, normal, "schema_version_hash", schema_hash(load), err));
    normal->row_count++;
    normal->total_rows++;
    TRY(landing_flush(load->landing, *ret_table, err));
    struct landing_table *table = *ret_table;
    return transaction_append(table->tx, table->files.items, table->files.count, err);
}

/// Columns that had nothing but null, when the source wants them.
static void keep_null_columns(struct load *load)
{
    for (size_t t = 0; t < load->normalizer->tables.count; t++) {
        struct normal_table *table = load->normalizer->tables.items[t];
        if (table->total_rows > 0)
            normalizer_keep_nulls(load->normalizer, table);
    }
}

bool load_must_wait(const struct load_resource *r, bool is_final)
{
    const bool is_whole = r->rule.disposition == WRITE_REPLACE ||
                          (r->rule.disposition == WRITE_MERGE && r->rule.strategy == MERGE_SCD2);
    return is_whole && !is_final; // a part of a replacement must not be seen
}

/// Works out what each table of a resource changes: its rows are staged, the write disposition is
/// applied, and the tables with something to commit are marked (`is_committing`).
static rc settle_resource(struct load *load, struct load_resource *r, struct err *err)
{
    struct landing *landing = load->landing;
    for (size_t i = 0; i < load->normalizer->tables.count; i++) {
        struct landing_table *table;
        if (load->normalizer->tables.items[i]->root != r->normal)
            continue;
        TRY(landing_table_of(landing, load->normalizer->tables.items[i], &table, err));
        TRY(landing_flush(landing, table, err));
    }
    bool is_changed = false;
    TRY_CONTEXT(merge_apply(landing, r->table, &r->rule, &is_changed, err), err, "resource %.*s",
                STR_ARGS(r->resource->name));
    bool has_new_state = false;
    for (size_t i = 0; i < load->resource_count; i++)
        if (load->resources[i].table == r->table)
            has_new_state = has_new_state || load_has_new_state(load, &load->resources[i]);
    if (!is_changed && has_new_state && r->table->exists) {
        TRY(landing_prepare(landing, r->table, err));
        transaction_force_snapshot(r->table->tx);
        is_changed = true;
    }
    bool has_children = false; // that commit
    for (size_t i = 0; i < landing->table_count; i++) {
        struct landing_table *table = landing->tables[i];
        if (table->normal == NULL || table->normal->root != r->normal || table->tx == NULL)
            continue;
        has_children = has_children || table->is_child;
        if (is_changed)
            table->is_committing = true;
        else
            landing_forget_transaction(landing, table);
    }
    if (!is_changed || !has_children)
        return RC_OK;
    // a child's load counts when its id is in the history of the root
    TRY(landing_prepare(landing, r->table, err));
    transaction_force_snapshot(r->table->tx);
    r->table->is_committing = true;
    return RC_OK;
}

static rc explain_conflict(struct load *load, struct err *err)
{
    err_context(err, "another run of %.*s landed first, so this one was given up and left nothing",
                STR_ARGS(load->options->source_name));
    return err_hint(err, "run the command again: it goes on from what the other run has landed");
}

/// The tables that commit, in an order in which catalogs that commit one table after another leave
/// only what can be repaired: each root behind its children, since its load id and state make them
/// true, and `_dlt_loads`, which says that a load is whole, last.
static size_t commit_order(const struct landing *landing, struct landing_table *loads,
                           struct landing_table **ret_tables)
{
    size_t count = 0;
    for (size_t i = 0; i < landing->table_count; i++) {
        struct landing_table *root = landing->tables[i];
        if (root == loads || root->is_child || !root->is_committing)
            continue;
        for (size_t c = 0; c < landing->table_count; c++) {
            struct landing_table *child = landing->tables[c];
            if (child->is_committing && child->is_child && child->normal->root == root->normal)
                ret_tables[count++] = child;
        }
        ret_tables[count++] = root;
    }
    ret_tables[count++] = loads;
    return count;
}

/// One commit over all tables with changes.
static rc commit_tables(struct load *load, bool is_final, struct err *err)
{
    struct landing *landing = load->landing;
    struct landing_table *loads;
    TRY(load_add_row(load, &loads, err));
    loads->is_committing = true;
    struct landing_table **tables =
        ARENA_ARRAY(load->arena, struct landing_table *, landing->table_count + 1);
    struct transaction **txs =
        ARENA_ARRAY(load->arena, struct transaction *, landing->table_count + 1);
    const size_t count = commit_order(landing, loads, tables);
    for (size_t i = 0; i < count; i++) {
        if (tables[i] != loads)
            TRY(guard_state(load, tables[i], err));
        TRY(load_describe(load, tables[i], is_final, err));
        txs[i] = tables[i]->tx;
    }
    TRY(lease_confirm(load->lease, err)); // the files that are to be named are still there
    const rc code = catalog_commit(load->options->catalog, txs, count, err);
    if (code == RC_UNKNOWN)
        load->is_outcome_unknown = true;
    else if (code != RC_OK)
        load_undo_half_commit(load);
    if (code == RC_CONFLICT || code == RC_EXISTS) {
        explain_conflict(load, err);
        return RC_CONFLICT;
    }
    if (code != RC_OK)
        return code;
    for (size_t i = 0; i < landing->table_count; i++)
        if (landing->tables[i]->is_committing)
            landing->tables[i]->snapshot_id = transaction_snapshot_id(landing->tables[i]->tx);
    load->report.commits++;
    load->committed_load_id = load->load_id;
    return landing_committed(landing, err);
}

void load_new_id(struct load *load)
{
    const int64_t us = load->now_us + load->load_number++;
    load->load_id = arena_printf(load->arena, "%lld.%06lld", (long long)(us / TIME_US_PER_SECOND),
                                 (long long)(us % TIME_US_PER_SECOND));
    load->normalizer->options.load_id = load->load_id;
}

/// Commits what is complete: all tables of the resources that need not wait, if any has changed.
/// @param is_final  false: a checkpoint of a run that goes on, as the next load
rc load_commit(struct load *load, bool is_final, struct err *err)
{
    bool has_changes = false;
    load->is_committing = true; // until it has gone well
    if (load->settings.keep_null_columns)
        keep_null_columns(load);
    for (size_t i = 0; i < load->resource_count; i++) {
        struct load_resource *r = &load->resources[i];
        if (r->table == NULL || r->is_landed || load_must_wait(r, is_final))
            continue;
        bool is_first = true; // several resources may share a table
        for (size_t j = 0; j < i; j++)
            is_first = is_first && load->resources[j].table != r->table;
        if (is_first)
            TRY(settle_resource(load, r, err));
    }
    for (size_t i = 0; i < load->landing->table_count; i++)
        has_changes = has_changes || load->landing->tables[i]->is_committing;
    load->is_committing = has_changes;
    if (!has_changes)
        return RC_OK;
    TRY(commit_tables(load, is_final, err));
    for (size_t i = 0; i < load->resource_count; i++) {
        struct load_resource *r = &load->resources[i];
        r->read_before = r->read;
        if (r->has_state)
            r->base_state = json_print(load->arena, &r->state, JSON_COMPACT);
    }
    if (!is_final)
        load_new_id(load);
    load->is_committing = false;
    load->last_commit_us = time_monotonic_us();
    load->bytes_since_commit = 0;
    return RC_OK;
}
