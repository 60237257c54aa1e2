#include "cli/table_name.h"

#include "base/time.h"

rc table_names_list(struct catalog *catalog, struct arena *arena, table_names *ret_names,
                    struct err *err)
{
    str_vec namespaces;
    table_names names = {0};
    TRY(catalog_list_namespaces(catalog, arena, &namespaces, err));
    for (size_t i = 0; i < namespaces.count; i++) {
        str_vec tables;
        TRY(catalog_list_tables(catalog, arena, namespaces.items[i], &tables, err));
        for (size_t j = 0; j < tables.count; j++)
            *vec_push(arena, &names) = (struct table_name){namespaces.items[i], tables.items[j]};
    }
    *ret_names = names;
    return RC_OK;
}

static struct str full_name(struct arena *arena, struct table_name name)
{
    return arena_printf(arena, "%.*s.%.*s", STR_ARGS(name.namespace_name), STR_ARGS(name.name));
}

static rc not_found(const table_names *names, struct arena *arena, struct str wanted,
                    struct str short_name, struct err *err)
{
    err_set(err, RC_NOT_FOUND, "there is no table %.*s", STR_ARGS(wanted));
    struct str *candidates = ARENA_ARRAY(arena, struct str, names->count * 2 + 1);
    for (size_t i = 0; i < names->count; i++) {
        candidates[i] = full_name(arena, names->items[i]);
        candidates[names->count + i] = names->items[i].name;
    }
    size_t nearest = str_nearest(wanted, candidates, names->count);
    if (nearest == SIZE_MAX) // the right table in another namespace
        for (size_t i = 0; i < names->count && nearest == SIZE_MAX; i++)
            nearest = str_equal_ignore_case(names->items[i].name, short_name) ? i : SIZE_MAX;
    if (nearest == SIZE_MAX) {
        nearest = str_nearest(short_name, candidates + names->count, names->count);
    }
    if (nearest != SIZE_MAX)
        return err_hint(err, "did you mean %.*s?", STR_ARGS(candidates[nearest]));
    return err_hint(err, names->count == 0 ? "the catalog is empty: run moulin ingest first"
                                           : "moulin table ls lists the tables");
}

static bool is_namespace(const struct project *project, struct arena *arena, struct str actual,
                         struct str wanted)
{
    return str_equal(actual, wanted) ||
           (project != NULL && str_equal(actual, project_namespace_of(project, arena, wanted)));
}

rc table_name_find(const struct project *project, struct catalog *catalog, struct arena *arena,
                   struct str namespace_name, struct str name, struct table_name *ret_name,
                   struct err *err)
{
    table_names names;
    TRY(table_names_list(catalog, arena, &names, err));
    const struct str wanted = namespace_name.length > 0
                                  ? full_name(arena, (struct table_name){namespace_name, name})
                                  : name;
    // Exactly as written first, then without regard to case, as SQL has it.
    for (int pass = 0; pass < 2; pass++) {
        const struct table_name *found = NULL;
        for (size_t i = 0; i < names.count; i++) {
            const struct table_name *candidate = &names.items[i];
            const bool is_name = pass == 0 ? str_equal(candidate->name, name)
                                           : str_equal_ignore_case(candidate->name, name);
            if (!is_name ||
                (namespace_name.length > 0 &&
                 !is_namespace(project, arena, candidate->namespace_name, namespace_name)))
                continue;
            if (found != NULL) {
                err_set(err, RC_INVALID, "%.*s is the name of more than one table: %.*s and %.*s",
                        STR_ARGS(wanted), STR_ARGS(full_name(arena, *found)),
                        STR_ARGS(full_name(arena, *candidate)));
                return err_hint(err, "name it with its namespace");
            }
            found = candidate;
        }
        if (found != NULL) {
            *ret_name = *found;
            return RC_OK;
        }
    }
    return not_found(&names, arena, wanted, name, err);
}

rc table_name_load(struct command_context *context, struct str text, struct table *ret_table,
                   struct err *err)
{
    struct project *project;
    struct catalog *catalog;
    TRY(command_project(context, &project, err));
    TRY(project_catalog(project, &catalog, err));
    const size_t dot = str_find_last_byte(text, '.');
    const struct str namespace_name =
        dot == SIZE_MAX ? (struct str){"", 0} : str_slice(text, 0, dot);
    const struct str name = dot == SIZE_MAX ? text : str_slice(text, dot + 1, SIZE_MAX);
    struct table_name found;
    TRY(table_name_find(project, catalog, context->arena, namespace_name, name, &found, err));
    return catalog_load_table(catalog, found.namespace_name, found.name, context->arena, ret_table,
                              err);
}

rc table_snapshot_find(const struct table *table, struct str text,
                       const struct snapshot **ret_snapshot, struct err *err)
{
    const struct table_metadata *metadata = table->metadata;
    text = str_trim(text); // lines of CSV end with \r
    const struct snapshot_ref *ref = metadata_ref(metadata, text);
    int64_t id = 0;
    const struct snapshot *snapshot = NULL;
    if (ref != NULL)
        snapshot = metadata_snapshot_by_id(metadata, ref->snapshot_id);
    else if (str_to_int64(text, &id))
        snapshot = metadata_snapshot_by_id(metadata, id);
    if (snapshot == NULL) {
        err_set(err, RC_NOT_FOUND, "table %.*s.%.*s has no snapshot, branch or tag %.*s",
                STR_ARGS(table->namespace_name), STR_ARGS(table->name), STR_ARGS(text));
        return err_hint(err, "moulin table snapshots %.*s.%.*s lists them",
                        STR_ARGS(table->namespace_name), STR_ARGS(table->name));
    }
    *ret_snapshot = snapshot;
    return RC_OK;
}

rc table_time_parse(struct str text, int64_t *ret_ms, struct err *err)
{
    struct time_text time;
    TRY(time_parse_iso(text, &time, err));
    if (time.is_time_only)
        return err_set(err, RC_INVALID, "\"%.*s\" has no date", STR_ARGS(text));
    *ret_ms = time.us / 1000;
    return RC_OK;
}
