// moulin doctor: does this machine have what a run needs, and can it reach what moulin.yml names?

#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/random.h"
#include "base/time.h"
#include "cli/commands.gen.h"
#include "cli/doctor.h"
#include "cli/version.gen.h"
#include "duck/duck.h"
#include "iceberg/catalog.h"
#include "store/store.h"

enum { LOW_DISK_MIB = 1024 };

static const char *const verdict_names[] = {"ok", "warning", "failed"};

rc doctor_say(struct doctor *d, struct str what, enum doctor_verdict verdict, struct str text,
              struct err *err)
{
    const struct output_cell cells[] = {
        {.text = what}, {.text = str_of(verdict_names[verdict])}, {.text = text}};
    d->failures += verdict == DOCTOR_FAIL;
    return output_row(d->context->output, cells, err);
}

rc doctor_say_err(struct doctor *d, struct str what, enum doctor_verdict verdict,
                  const struct err *problem, const char *todo, struct err *err)
{
    char text[ERR_MESSAGE_BYTES + ERR_PLACE_BYTES + 32];
    const char *hint = todo[0] != '\0'            ? todo
                       : problem->hint[0] != '\0' ? problem->hint
                                                  : rc_class_of(problem->code)->hint;
    return doctor_say(d, what, verdict,
                      arena_printf(d->arena, "%s%s%s%s", err_text(problem, text, sizeof text),
                                   hint[0] != '\0' ? " (" : "", hint, hint[0] != '\0' ? ")" : ""),
                      err);
}

static rc say(struct doctor *d, const char *what, enum doctor_verdict verdict, struct str text,
              struct err *err)
{
    return doctor_say(d, str_of(what), verdict, text, err);
}

static rc say_err(struct doctor *d, const char *what, const struct err *problem, struct err *err)
{
    return doctor_say_err(d, str_of(what), DOCTOR_FAIL, problem, "", err);
}

static rc check_library(struct doctor *d, struct err *err)
{
    struct str version, path;
    struct err problem;
    if (duck_library_version(&version, &path, &problem) != RC_OK)
        return say_err(d, "DuckDB library", &problem, err);
    return say(d, "DuckDB library", DOCTOR_OK,
               arena_printf(d->arena, "%.*s, %.*s", STR_ARGS(version), STR_ARGS(path)), err);
}

static rc check_time_zones(struct doctor *d, struct err *err)
{
    const struct time_zone *zone;
    struct err problem;
    if (time_zone_load(STR("America/Los_Angeles"), &zone, &problem) != RC_OK) {
        err_hint(&problem, "install the package tzdata, or set TZDIR");
        return say_err(d, "time zones", &problem, err);
    }
    return say(d, "time zones", DOCTOR_OK, STR("America/Los_Angeles is known"), err);
}

static rc open_project(struct doctor *d, struct err *err)
{
    struct err problem;
    if (command_project(d->context, &d->project, &problem) != RC_OK) {
        d->project = NULL;
        return say_err(d, "project", &problem, err);
    }
    // Opening it has rendered everything of the environment: variables and secrets are there.
    return say(d, "project", DOCTOR_OK,
               arena_printf(d->arena, "%.*s, environment %.*s, variables and secrets resolve",
                            STR_ARGS(d->project->name), STR_ARGS(d->project->environment->name)),
               err);
}

static rc check_warehouse(struct doctor *d, struct err *err)
{
    struct store *store;
    struct err problem;
    if (d->is_cut_off || d->has_no_bucket)
        return RC_OK;
    const struct str warehouse = d->project->environment->warehouse;
    const struct str uri = arena_printf(d->arena, "%.*s/.moulin-doctor-%.*s", STR_ARGS(warehouse),
                                        STR_ARGS(random_uuid(d->arena)));
    rc code = project_store(d->project, &store, &problem);
    if (code == RC_OK)
        code = store_put(store, uri, STR("moulin doctor was here"), (struct store_put_options){0},
                         &problem);
    if (code == RC_OK)
        code = store_remove(store, uri, &problem);
    if (code != RC_OK)
        return say_err(d, "warehouse", &problem, err);
    return say(d, "warehouse", DOCTOR_OK,
               arena_printf(d->arena, "%.*s takes files", STR_ARGS(warehouse)), err);
}

/// The file of an SQL catalog on this machine, or "".
static struct str catalog_file(const struct doctor *d)
{
    const struct str prefix = STR("sqlite:///");
    const struct str uri = d->project->environment->catalog.uri;
    return str_has_prefix(uri, prefix) ? str_slice(uri, prefix.length, SIZE_MAX) : STR("");
}

static rc check_catalog(struct doctor *d, struct err *err)
{
    struct err problem;
    if (d->is_cut_off)
        return RC_OK;
    const struct str file = catalog_file(d);
    if (file.length > 0 && !fs_exists(file))
        return say(
            d, "catalog", DOCTOR_OK,
            arena_printf(d->arena, "%.*s is not there yet: the first run makes it", STR_ARGS(file)),
            err);
    if (file.length > 0 && access(arena_cstr(d->arena, file), R_OK | W_OK) != 0)
        return say(d, "catalog", DOCTOR_FAIL,
                   arena_printf(d->arena, "%.*s may not be written by this user", STR_ARGS(file)),
                   err);
    if (project_catalog(d->project, &d->catalog, &problem) != RC_OK) {
        d->catalog = NULL;
        return say_err(d, "catalog", &problem, err);
    }
    return say(d, "catalog", DOCTOR_OK,
               file.length > 0 ? file : d->project->environment->catalog.type, err);
}

/// A table whose metadata cannot be found was most likely moved with its project.
static rc check_table(struct doctor *d, struct str namespace_name, struct str name,
                      size_t *ret_tables, bool *ret_is_broken, struct err *err)
{
    struct table table;
    struct err problem;
    struct arena *scratch = arena_open(d->arena);
    const rc code = catalog_load_table(d->catalog, namespace_name, name, scratch, &table, &problem);
    rc said = RC_OK;
    ++*ret_tables;
    if (code != RC_OK) {
        *ret_is_broken = true;
        err_hint(&problem, "was the project moved? Table metadata holds absolute locations: move "
                           "it back to where it was, or load it anew into an empty warehouse");
        said = say_err(
            d,
            arena_printf(d->arena, "table %.*s.%.*s", STR_ARGS(namespace_name), STR_ARGS(name))
                .bytes,
            &problem, err);
    }
    arena_close(scratch);
    return said;
}

static rc check_tables(struct doctor *d, struct err *err)
{
    str_vec namespaces = {0};
    struct err problem;
    size_t tables = 0;
    bool is_broken = false;
    if (d->catalog == NULL)
        return RC_OK;
    if (catalog_list_namespaces(d->catalog, d->arena, &namespaces, &problem) != RC_OK)
        return say_err(d, "tables", &problem, err);
    for (size_t i = 0; i < namespaces.count; i++) {
        str_vec names = {0};
        if (catalog_list_tables(d->catalog, d->arena, namespaces.items[i], &names, &problem) !=
            RC_OK)
            return say_err(d, "tables", &problem, err);
        for (size_t k = 0; k < names.count; k++)
            TRY(check_table(d, namespaces.items[i], names.items[k], &tables, &is_broken, err));
    }
    if (is_broken)
        return RC_OK;
    return say(
        d, "tables", DOCTOR_OK,
        arena_printf(d->arena, "%zu, the metadata of each is where the catalog says", tables), err);
}

static rc check_disk(struct doctor *d, struct err *err)
{
    struct statvfs status;
    const struct str prefix = STR("file://");
    const struct str warehouse = d->project->environment->warehouse;
    struct str folder = str_has_prefix(warehouse, prefix)
                            ? str_slice(warehouse, prefix.length, SIZE_MAX)
                            : d->project->folder;
    if (!fs_exists(folder))
        folder = d->project->folder;
    if (statvfs(arena_cstr(d->arena, folder), &status) != 0)
        return say(d, "disk", DOCTOR_WARN, STR("the free space cannot be told"), err);
    const uint64_t free_mib = (uint64_t)status.f_bavail * status.f_frsize >> 20;
    return say(
        d, "disk", free_mib < LOW_DISK_MIB ? DOCTOR_WARN : DOCTOR_OK,
        arena_printf(d->arena, "%.1f GiB free in %.*s", (double)free_mib / 1024, STR_ARGS(folder)),
        err);
}

rc command_doctor(struct command_context *context, struct err *err)
{
    static const struct output_column columns[] = {{STR_INIT("what"), OUTPUT_STRING},
                                                   {STR_INIT("verdict"), OUTPUT_STRING},
                                                   {STR_INIT("found"), OUTPUT_STRING}};
    static rc (*const machine_checks[])(struct doctor * d, struct err * err) = {
        check_library, check_time_zones, open_project};
    static rc (*const project_checks[])(struct doctor * d, struct err * err) = {
        doctor_check_account, check_warehouse,       check_catalog,
        check_tables,         doctor_check_deployed, check_disk};
    struct doctor d = {.context = context, .arena = context->arena};
    TRY(output_table_begin(context->output, columns, 3, NULL, err));
    TRY(say(&d, "moulin", DOCTOR_OK, STR(MOULIN_VERSION), err));
    for (size_t i = 0; i < sizeof machine_checks / sizeof machine_checks[0]; i++)
        TRY(machine_checks[i](&d, err));
    for (size_t i = 0; d.project != NULL && i < sizeof project_checks / sizeof project_checks[0];
         i++)
        TRY(project_checks[i](&d, err));
    TRY(output_table_end(context->output, err));
    if (d.failures == 0)
        return RC_OK;
    err_set(err, RC_FAILED, "%zu of the checks failed", d.failures);
    return err_hint(err, "see the lines marked failed");
}
