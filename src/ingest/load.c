/// @file load.c
/// See load.h. Layer: ingest.

#include "ingest/load.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"
#include "base/runtime.h"
#include "base/time.h"
#include "ingest/lease.h"
#include "store/store.h"

enum { STATE_INLINE_BYTES = 32 << 10, STATE_MAX_BYTES = 64 << 20, RUN_TAG_BYTES = 8 };

static const struct str state_key = STR_INIT("moulin.state");
static const struct str load_id_key = STR_INIT("moulin.load-id");
static const struct str run_id_key = STR_INIT("moulin.run-id");
static const struct str complete_key = STR_INIT("moulin.complete");

/// A resource that takes part in the run.
struct load_resource {
    const struct resource *resource;
    struct normal_table *normal;
    struct landing_table *table;
    struct merge_rule rule;
    struct json state; // newest; valid when has_state
    bool has_state, has_base_state;
    struct str base_state;     // text of the resource's state at the start; "" = none
    bool has_open_unit;        // records since the last unit_end
    int64_t read, read_before; // in the run; of these before the last commit
};

struct load {
    struct arena *arena;
    const struct load_options *options;
    struct load_settings settings;
    struct normalizer *normalizer;
    struct landing *landing;
    struct lease *lease;
    struct load_resource *resources; // by resource->index
    size_t resource_count;
    struct str run_id, run_tag, load_id;
    int64_t now_us, last_commit_us, bytes_since_commit;
    int64_t load_number;
    struct load_report report;
    bool is_outcome_unknown;
    const struct resource *shown; // whose name the progress line shows
};

const char *load_status_name(enum load_status status)
{
    static const char *const names[] = {"loaded", "nothing new", "dry run", "was loaded before"};
    return names[status];
}

// ---------------------------------------------------------------- state

/// State texts that are too long for a summary lie in a file of their own.
static rc state_store(struct load *load, struct str text, struct str *ret_text, struct err *err)
{
    if (text.length <= STATE_INLINE_BYTES) {
        *ret_text = text;
        return RC_OK;
    }
    struct arena *arena = load->arena;
    const struct str name = arena_printf(arena, "_moulin/state/%.*s.json",
                                         STR_ARGS(hash_hex(arena, hash_of(HASH_SHA256, text))));
    struct str uri;
    TRY(store_join(arena, load->options->warehouse, name, &uri, err));
    TRY(store_put(load->options->store, uri, text, (struct store_put_options){0}, err));
    struct json reference = {.kind = JSON_OBJECT};
    *json_object_set(arena, &reference, STR("$ref")) = json_of_str(name);
    *ret_text = json_print(arena, &reference, JSON_COMPACT);
    return RC_OK;
}

static rc state_parse(struct load *load, struct str text, const char *place, struct json *ret_state,
                      struct err *err)
{
    struct json state;
    TRY_CONTEXT(json_parse(load->arena, text, place, &state, err), err, "the stored state");
    const struct json *reference = json_get(&state, STR("$ref"));
    if (reference == NULL) {
        *ret_state = state;
        return RC_OK;
    }
    struct str uri, long_text;
    TRY(store_join(load->arena, load->options->warehouse, json_str(reference, STR("")), &uri, err));
    TRY_CONTEXT(store_get(load->options->store, load->arena, uri, STATE_MAX_BYTES, &long_text, err),
                err, "the stored state");
    return json_parse(load->arena, long_text, place, ret_state, err);
}

static struct str property_name(const struct load *load, const struct resource *resource)
{
    return arena_printf(load->arena, "moulin.state.%.*s.%.*s", STR_ARGS(load->options->source_name),
                        STR_ARGS(resource->name));
}

/// The state kept as a property, for tables whose snapshots with state have expired.
static rc state_of_property(struct load *load, struct load_resource *r, struct err *err)
{
    const struct table_metadata *metadata = r->table->table.metadata;
    const struct str name = property_name(load, r->resource);
    const struct str text = properties_get(&metadata->properties, name, STR(""));
    if (text.length == 0)
        return RC_OK;
    struct json copy;
    TRY(state_parse(load, text, "table property", &copy, err));
    const struct str load_id = json_str(json_get(&copy, STR("load_id")), STR(""));
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        const struct snapshot *snapshot = &metadata->snapshots[i];
        if (!str_equal(properties_get(&snapshot->summary, load_id_key, STR("")), load_id) ||
            metadata_is_ancestor(metadata, snapshot->snapshot_id, metadata->current_snapshot_id))
            continue;
        err_set(err, RC_REFUSED,
                "table %.*s was rolled back to before every snapshot that carries the cursor of "
                "resource %.*s",
                STR_ARGS(r->table->name), STR_ARGS(r->resource->name));
        return err_hint(err,
                        "to load everything again: ingest --full-refresh; to keep the cursor: roll "
                        "forward to snapshot %lld",
                        (long long)snapshot->snapshot_id);
    }
    const struct json *state = json_get(&copy, STR("state"));
    if (state != NULL) {
        r->state = *state;
        r->has_state = true;
    }
    return RC_OK;
}

static rc read_state(struct load *load, struct load_resource *r, struct err *err)
{
    if (!r->table->exists)
        return RC_OK;
    const struct str text = table_summary_value(&r->table->table, state_key);
    if (text.length > 0) {
        struct json all;
        TRY_CONTEXT(state_parse(load, text, "snapshot summary", &all, err), err, "table %.*s",
                    STR_ARGS(r->table->name));
        const struct json *state = json_get(&all, r->resource->name);
        if (state != NULL) {
            r->state = *state;
            r->has_state = true;
        }
    } else if (!load->options->is_full_refresh) {
        TRY(state_of_property(load, r, err));
    }
    if (r->has_state)
        r->base_state = json_print(load->arena, &r->state, JSON_COMPACT);
    if (load->options->is_full_refresh)
        r->has_state = false;
    return RC_OK;
}

static bool state_has_changed(const struct load *load, const struct load_resource *r)
{
    if (!r->has_state)
        return false;
    return !str_equal(json_print(load->arena, &r->state, JSON_COMPACT), r->base_state);
}

/// The whole `moulin.state` of a root table: what it had, with the resources of this run.
static rc state_text(struct load *load, const struct landing_table *table, struct str *ret_text,
                     struct err *err)
{
    struct json all = {.kind = JSON_OBJECT};
    if (table->exists) {
        const struct str old = table_summary_value(&table->table, state_key);
        if (old.length > 0)
            TRY(state_parse(load, old, "snapshot summary", &all, err));
    }
    for (size_t i = 0; i < load->resource_count; i++) {
        const struct load_resource *r = &load->resources[i];
        if (r->table == table && r->has_state)
            *json_object_set(load->arena, &all, r->resource->name) = r->state;
    }
    *ret_text = STR("");
    return all.count == 0
               ? RC_OK
               : state_store(load, json_print(load->arena, &all, JSON_COMPACT), ret_text, err);
}

// ---------------------------------------------------------------- commit

static struct str number_text(struct load *load, int64_t number)
{
    return arena_printf(load->arena, "%lld", (long long)number);
}

/// What the run has to say about one table, in its snapshot summary.
static rc describe_load(struct load *load, struct landing_table *table, bool is_complete,
                        struct err *err)
{
    struct transaction *tx = table->tx;
    TRY(transaction_set_summary(tx, load_id_key, load->load_id, err));
    TRY(transaction_set_summary(tx, run_id_key, load->run_id, err));
    TRY(transaction_set_summary(tx, STR("moulin.source"), load->options->source_name, err));
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
    return transaction_set_summary(tx, complete_key, is_complete ? STR("true") : STR("false"), err);
}

/// Requires that nobody landed in this table since the run looked at it, and writes the new state.
static rc guard_state(struct load *load, struct landing_table *table, struct err *err)
{
    struct transaction *tx = table->tx;
    const struct str none = {NULL, 0};
    struct str old_state = none, old_load = none, text;
    if (table->exists) {
        old_state = table_summary_value(&table->table, state_key);
        old_load = table_summary_value(&table->table, load_id_key);
        TRY(transaction_require_summary(tx, state_key, old_state.length > 0 ? old_state : none,
                                        err));
        TRY(transaction_require_summary(tx, load_id_key, old_load.length > 0 ? old_load : none,
                                        err));
    }
    TRY(state_text(load, table, &text, err));
    if (text.length == 0)
        return RC_OK;
    TRY(transaction_set_summary(tx, state_key, text, err));
    for (size_t i = 0; i < load->resource_count; i++) {
        const struct load_resource *r = &load->resources[i];
        if (r->table != table || !r->has_state)
            continue;
        struct json copy = {.kind = JSON_OBJECT};
        *json_object_set(load->arena, &copy, STR("load_id")) = json_of_str(load->load_id);
        *json_object_set(load->arena, &copy, STR("state")) = r->state;
        struct str stored;
        TRY(state_store(load, json_print(load->arena, &copy, JSON_COMPACT), &stored, err));
        TRY(transaction_set_property(tx, property_name(load, r->resource), stored, err));
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
    buf_init(&text, STATE_MAX_BYTES);
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
static rc add_loads_row(struct load *load, struct landing_table **ret_table, struct err *err)
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

static bool must_wait(const struct load_resource *r, bool is_final)
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
            has_new_state = has_new_state || state_has_changed(load, &load->resources[i]);
    if (!is_changed && has_new_state && r->table->exists) {
        TRY(landing_prepare(landing, r->table, err));
        transaction_force_snapshot(r->table->tx);
        is_changed = true;
    }
    for (size_t i = 0; i < landing->table_count; i++) {
        struct landing_table *table = landing->tables[i];
        if (table->normal == NULL || table->normal->root != r->normal || table->tx == NULL)
            continue;
        if (is_changed)
            table->is_committing = true;
        else
            landing_forget_transaction(landing, table);
    }
    return RC_OK;
}

static rc explain_conflict(struct load *load, struct err *err)
{
    err_context(err, "another run of %.*s landed first, so this one was given up and left nothing",
                STR_ARGS(load->options->source_name));
    return err_hint(err, "run the command again: it goes on from what the other run has landed");
}

/// One commit over all tables with changes: `_dlt_loads`, then children, then parents, last so that
/// catalogs which commit one table after another write the state last.
static rc commit_tables(struct load *load, bool is_final, struct err *err)
{
    struct landing *landing = load->landing;
    struct landing_table *loads;
    TRY(add_loads_row(load, &loads, err));
    loads->is_committing = true;
    struct transaction **txs =
        ARENA_ARRAY(load->arena, struct transaction *, landing->table_count + 1);
    size_t count = 0;
    for (int pass = 0; pass < 3; pass++)
        for (size_t i = 0; i < landing->table_count; i++) {
            struct landing_table *table = landing->tables[i];
            const int rank = table == loads ? 0 : table->is_child ? 1 : 2;
            if (rank != pass || !table->is_committing)
                continue;
            if (rank == 2)
                TRY(guard_state(load, table, err));
            TRY(describe_load(load, table, is_final, err));
            txs[count++] = table->tx;
        }
    const rc code = catalog_commit(load->options->catalog, txs, count, err);
    if (code == RC_UNKNOWN)
        load->is_outcome_unknown = true;
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
    return landing_committed(landing, err);
}

static void new_load_id(struct load *load)
{
    const int64_t us = load->now_us + load->load_number++;
    load->load_id = arena_printf(load->arena, "%lld.%06lld", (long long)(us / TIME_US_PER_SECOND),
                                 (long long)(us % TIME_US_PER_SECOND));
    load->normalizer->options.load_id = load->load_id;
}

/// Commits what is complete: all tables of the resources that need not wait, if any has changed.
/// @param is_final  false: a checkpoint of a run that goes on, as the next load
static rc commit(struct load *load, bool is_final, struct err *err)
{
    bool has_changes = false;
    if (load->settings.keep_null_columns)
        keep_null_columns(load);
    for (size_t i = 0; i < load->resource_count; i++) {
        struct load_resource *r = &load->resources[i];
        if (r->table == NULL || must_wait(r, is_final))
            continue;
        bool is_first = true; // several resources may share a table
        for (size_t j = 0; j < i; j++)
            is_first = is_first && load->resources[j].table != r->table;
        if (is_first)
            TRY(settle_resource(load, r, err));
    }
    for (size_t i = 0; i < load->landing->table_count; i++)
        has_changes = has_changes || load->landing->tables[i]->is_committing;
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
        new_load_id(load);
    load->last_commit_us = time_monotonic_us();
    load->bytes_since_commit = 0;
    return RC_OK;
}

// ---------------------------------------------------------------- the sink

// @param bytes  that the record takes as columns
static void show_progress(struct load *load, const struct resource *resource, int64_t bytes)
{
    struct progress *progress = load->options->progress;
    if (progress == NULL)
        return;
    if (resource != load->shown)
        progress_set_label(progress, resource->name);
    progress_add(progress, 1, bytes);
    load->shown = resource;
}

/// The source hands over a record: it is normalized, and tables that grew too large are written
/// out.
static rc on_record(void *context, const struct resource *resource, const struct json *record,
                    struct err *err)
{
    struct load *load = context;
    struct load_resource *r = &load->resources[resource->index];
    r->read++;
    r->has_open_unit = true;
    const size_t before = load->normalizer->bytes;
    TRY_CONTEXT(normalize_record(load->normalizer, r->normal, record, err), err, "resource %.*s",
                STR_ARGS(resource->name));
    const size_t after = load->normalizer->bytes;
    const int64_t grown = after > before ? (int64_t)(after - before) : 0;
    load->bytes_since_commit += grown;
    show_progress(load, resource, grown);
    if (after != before) {
        TRY(runtime_check(err));
        return landing_relieve(load->landing, err);
    }
    return RC_OK;
}

static bool is_checkpoint_due(const struct load *load)
{
    const struct load_settings *settings = &load->settings;
    for (size_t i = 0; i < load->resource_count; i++)
        if (load->resources[i].has_open_unit)
            return false; // rows without their cursor would be read again
    return (settings->checkpoint_us > 0 &&
            time_monotonic_us() - load->last_commit_us >= settings->checkpoint_us) ||
           (settings->checkpoint_bytes > 0 &&
            load->bytes_since_commit >= settings->checkpoint_bytes);
}

/// The records of a resource so far and `state` belong together: they may be committed.
static rc on_unit_end(void *context, const struct resource *resource, const struct json *state,
                      struct err *err)
{
    struct load *load = context;
    struct load_resource *r = &load->resources[resource->index];
    r->has_open_unit = false;
    if (state != NULL) {
        r->state = json_copy(load->arena, state);
        r->has_state = true;
    }
    TRY(runtime_check(err));
    if (!load->options->is_dry_run && is_checkpoint_due(load))
        return commit(load, false, err);
    return RC_OK;
}

// ---------------------------------------------------------------- the run

static rc on_location(void *context, struct str table, struct str location, struct err *err)
{
    struct load *load = context;
    return load->lease == NULL ? RC_OK : lease_add_location(load->lease, table, location, err);
}

static rc hint_json_columns(struct load *load, struct load_resource *r, struct err *err)
{
    for (size_t i = 0; i < load->settings.json_columns.count; i++) {
        struct str name = load->settings.json_columns.items[i];
        const size_t dot = str_find_byte(name, '.');
        if (dot != SIZE_MAX) {
            if (!str_equal(str_slice(name, 0, dot), r->resource->name))
                continue;
            name = str_slice(name, dot + 1, name.length);
        }
        TRY(naming_path(&load->settings.naming, load->arena, name, &name, err));
        struct normal_column *column = normal_table_column(load->normalizer, r->normal, name);
        if (column->type == DATA_NONE)
            column->type = DATA_JSON;
    }
    return RC_OK;
}

static rc open_resources(struct load *load, struct err *err)
{
    const struct source *source = load->options->source;
    load->resource_count = source_resource_count(source);
    load->resources = ARENA_ARRAY(load->arena, struct load_resource, load->resource_count + 1);
    for (size_t i = 0; i < load->resource_count; i++) {
        struct load_resource *r = &load->resources[i];
        r->resource = source_resource(source, i);
        if (!r->resource->is_selected || r->resource->write_disposition == WRITE_SKIP)
            continue;
        TRY(merge_rule_of(r->resource, load->now_us, &r->rule, err));
        TRY(normalizer_add_table(load->normalizer, r->resource, &r->normal, err));
        merge_declare(load->normalizer, r->normal, &r->rule);
        TRY(hint_json_columns(load, r, err));
        TRY(landing_load_existing(load->landing, r->normal, err));
        TRY(landing_table_of(load->landing, r->normal, &r->table, err));
        TRY_CONTEXT(read_state(load, r, err), err, "resource %.*s", STR_ARGS(r->resource->name));
        if (load->options->is_full_refresh && r->rule.disposition == WRITE_APPEND)
            r->rule.disposition = WRITE_REPLACE;
    }
    return RC_OK;
}

/// Looks for the run and for its load id in the history of `_dlt_loads`.
static rc look_for_run(struct load *load, bool *ret_was_done, struct err *err)
{
    struct normal_table *normal = normalizer_table(load->normalizer, STR("_dlt_loads"), NULL);
    struct landing_table *table;
    TRY(landing_table_of(load->landing, normal, &table, err));
    if (!table->exists)
        return RC_OK;
    const struct table_metadata *metadata = table->table.metadata;
    const struct snapshot *at = metadata_current_snapshot(metadata);
    for (; at != NULL; at = metadata_parent(metadata, at)) {
        const struct properties *summary = &at->summary;
        if (load->options->run_id.length > 0 &&
            str_equal(properties_get(summary, run_id_key, STR("")), load->run_id) &&
            str_equal(properties_get(summary, STR("moulin.source"), STR("")),
                      load->options->source_name) &&
            str_is(properties_get(summary, complete_key, STR("")), "true")) {
            *ret_was_done = true;
            load->load_id = properties_get(summary, load_id_key, STR(""));
            return RC_OK;
        }
        // With --now two runs may begin at the same moment.
        if (str_equal(properties_get(summary, load_id_key, STR("")), load->load_id)) {
            new_load_id(load);
            at = metadata_current_snapshot(metadata);
        }
    }
    return RC_OK;
}

static rc read_source(struct load *load, struct err *err)
{
    const struct json **states =
        ARENA_ARRAY(load->arena, const struct json *, load->resource_count + 1);
    for (size_t i = 0; i < load->resource_count; i++) {
        struct load_resource *r = &load->resources[i];
        if (r->has_state) {
            struct json *state = ARENA_NEW(load->arena, struct json);
            *state = json_copy(load->arena, &r->state);
            states[i] = state;
        }
    }
    const struct source_run run = {.states = states,
                                   .now_us = load->now_us,
                                   .run_id = load->run_id,
                                   .max_pages = load->options->max_pages};
    const struct record_sink sink = {.ctx = load, .record = on_record, .unit_end = on_unit_end};
    return source_run(load->options->source, &run, &sink, &load->report.source, err);
}

static void fill_report(struct load *load)
{
    struct load_report *report = &load->report;
    const struct landing *landing = load->landing;
    report->run_id = load->run_id;
    report->load_id = load->load_id;
    report->name_clashes = load->normalizer->name_clashes;
    report->tables = ARENA_ARRAY(load->arena, struct load_table_report, landing->table_count + 1);
    for (size_t i = 0; i < landing->table_count; i++) {
        const struct landing_table *table = landing->tables[i];
        if (table->normal == NULL || str_is(table->name, "_dlt_loads"))
            continue;
        if (table->is_child && table->normal->total_rows == 0 && table->committed_files == 0 &&
            table->deleted_rows == 0)
            continue;
        struct load_table_report *line = &report->tables[report->table_count++];
        *line = (struct load_table_report){
            .table = table->name,
            .read = table->normal->total_rows + table->normal->discarded_rows,
            .inserted = table->inserted_rows,
            .updated = table->updated_rows,
            .deleted = table->deleted_rows,
            .rejected = table->normal->discarded_rows,
            .files = table->committed_files,
            .snapshot_id = table->snapshot_id > 0 ? table->snapshot_id : SNAPSHOT_NONE,
            .schema_changes = table->schema_changes};
    }
    if (report->status == LOAD_DONE && report->commits == 0)
        report->status = LOAD_NOTHING_NEW;
}

/// The run from its first look at what was landed to its last commit.
static rc run(struct load *load, struct err *err)
{
    bool was_done = false;
    TRY(look_for_run(load, &was_done, err));
    if (was_done) {
        load->report.status = LOAD_WAS_DONE;
        return RC_OK;
    }
    TRY(open_resources(load, err));
    TRY(read_source(load, err));
    if (load->options->is_dry_run) {
        load->report.status = LOAD_DRY_RUN;
        landing_discard_all(load->landing);
        return RC_OK;
    }
    return commit(load, true, err);
}

static rc open_load(struct load *load, struct err *err)
{
    const struct load_options *options = load->options;
    TRY(load_settings_parse(load->arena, options->settings, &load->settings, err));
    load->now_us = options->now_us != 0 ? options->now_us : time_now_us();
    unsigned char random[RUN_TAG_BYTES];
    random_bytes(random, sizeof random);
    load->run_tag = hex_encode(load->arena, random, sizeof random);
    load->run_id = options->run_id.length > 0 ? options->run_id : load->run_tag;
    load->last_commit_us = time_monotonic_us();
    const struct normalizer_options normalizer_options = {.naming = load->settings.naming,
                                                          .detectors = load->settings.detectors,
                                                          .type_change = load->settings.type_change,
                                                          .contract = load->settings.contract,
                                                          .now_us = load->now_us};
    TRY(normalizer_open(load->arena, &normalizer_options, &load->normalizer, err));
    new_load_id(load);
    const struct landing_options landing_options = {.catalog = options->catalog,
                                                    .store = options->store,
                                                    .duck = options->duck,
                                                    .namespace_name = options->namespace_name,
                                                    .source = options->source_name,
                                                    .run_tag = load->run_tag,
                                                    .budget_bytes = load->settings.budget_bytes,
                                                    .format_version = options->format_version,
                                                    .schema_files = options->schema_files,
                                                    .schema_file_count = options->schema_file_count,
                                                    .on_location = on_location,
                                                    .on_location_context = load};
    TRY(landing_open(load->arena, &landing_options, load->normalizer, &load->landing, err));
    if (options->is_dry_run)
        return RC_OK;
    const struct lease_options lease = {.catalog = options->catalog,
                                        .store = options->store,
                                        .warehouse = options->warehouse,
                                        .namespace_name = options->namespace_name,
                                        .run_tag = load->run_tag,
                                        .source = options->source_name};
    return lease_open(load->arena, &lease, &load->lease, &load->report.reaped_files, err);
}

rc load_run(struct arena *arena, const struct load_options *options, struct load_report *ret_report,
            struct err *err)
{
    struct load load = {.arena = arena, .options = options};
    TRY(open_load(&load, err));
    const rc code = run(&load, err);
    if (load.is_outcome_unknown) {
        lease_abandon(load.lease);
        return code;
    }
    if (code != RC_OK)
        landing_discard_all(load.landing);
    lease_release(load.lease);
    if (code != RC_OK)
        return code;
    fill_report(&load);
    *ret_report = load.report;
    return RC_OK;
}
