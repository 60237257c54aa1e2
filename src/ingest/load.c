/// @file load.c
/// See load.h. Layer: ingest.

#include "ingest/load.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"
#include "base/runtime.h"
#include "base/time.h"
#include "ingest/load.intern.h"

enum { RUN_TAG_BYTES = 8 };

const char *load_status_name(enum load_status status)
{
    static const char *const names[] = {"complete", "nothing_new", "dry_run", "complete",
                                        "partial"};
    return names[status];
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
    if (r->is_landed)
        return RC_OK;
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
    if (state != NULL && !r->is_landed) {
        r->state = json_copy(load->arena, state);
        r->has_state = true;
    }
    TRY(load_unit_ended(load, r, err));
    TRY(runtime_check(err));
    if (!load->options->is_dry_run && is_checkpoint_due(load))
        return load_commit(load, false, err);
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
    const bool is_repaired =
        !catalog_commits_many(load->options->catalog) && !load->options->is_dry_run;
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
        if (is_repaired)
            TRY_CONTEXT(load_repair_children(load, r, err), err, "resource %.*s",
                        STR_ARGS(r->resource->name));
        r->is_landed = is_repaired && load_was_landed(load, r->table);
        TRY_CONTEXT(load_read_state(load, r, err), err, "resource %.*s",
                    STR_ARGS(r->resource->name));
        if (load->options->is_full_refresh && r->rule.disposition == WRITE_APPEND)
            r->rule.disposition = WRITE_REPLACE;
    }
    return is_repaired ? load_record_missing(load, err) : RC_OK;
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
            str_equal(properties_get(summary, load_run_id_key, STR("")), load->run_id) &&
            str_equal(properties_get(summary, load_source_key, STR("")),
                      load->options->source_name) &&
            str_is(properties_get(summary, load_complete_key, STR("")), "true")) {
            *ret_was_done = true;
            load->load_id = properties_get(summary, load_id_key, STR(""));
            return RC_OK;
        }
        // With --now two runs may begin at the same moment.
        if (str_equal(properties_get(summary, load_id_key, STR("")), load->load_id)) {
            load_new_id(load);
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
                                   .stop_at_us = load->options->stop_at_us,
                                   .max_pages = load->options->max_pages};
    const struct record_sink sink = {.ctx = load, .record = on_record, .unit_end = on_unit_end};
    return source_run(load->options->source, &run, &sink, &load->report.source, err);
}

static void fill_report(struct load *load)
{
    struct load_report *report = &load->report;
    const struct landing *landing = load->landing;
    report->run_id = load->run_id;
    report->load_id = load->committed_load_id.length > 0 ? load->committed_load_id : load->load_id;
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

/// Whoever takes the machine away has asked before: there is time for one commit. A second request
/// ends that too.
static rc stop_early(struct load *load, struct err *err)
{
    runtime_reset();
    const rc code = load_commit_partial(load, err);
    if (code == RC_INTERRUPTED)
        return code;
    runtime_request_stop();
    if (code != RC_OK && code != RC_TIMEOUT && code != RC_LIMIT)
        return code;
    return err_set(err, RC_INTERRUPTED, "interrupted; %s",
                   code == RC_OK ? "what was complete is committed, the next run goes on from there"
                                 : "nothing was complete, so nothing was committed");
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
    const rc code = read_source(load, err);
    if (code == RC_INTERRUPTED && load->options->commits_when_stopped && !load->is_committing &&
        !runtime_is_stopped_by_hand())
        return stop_early(load, err);
    TRY(code);
    if (load->report.source.is_partial && !load->options->is_dry_run)
        return load_commit_partial(load, err);
    if (load->options->is_dry_run) {
        load->report.status = LOAD_DRY_RUN;
        landing_discard_all(load->landing);
        return RC_OK;
    }
    return load_commit(load, true, err);
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
    load_new_id(load);
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
                                                    .keeps_units_apart = load_may_stop_early(load),
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
