// The files of a package: those of the project, and the order of all. The program's own parts are
// found by package_runtime.c.

#include "cli/package.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "cli/version.gen.h"

enum { MAX_DEPTH = 30 };

void package_add(struct arena *arena, package_files *files, struct str name, struct str path,
                 bool is_executable)
{
    *vec_push(arena, files) =
        (struct package_file){.name = name, .path = path, .is_executable = is_executable};
}

// ---- folders ------------------------------------------------------------------------------------

struct walk {
    struct arena *arena;
    struct str root; // resolved
    package_skips skips;
    bool follows_links;
    package_files *files;
};

/// A link of a project must not bring in what lies elsewhere on this machine.
static rc check_link(const struct walk *walk, struct str path, struct err *err)
{
    struct str target;
    struct stat status;
    if (walk->follows_links || lstat(path.bytes, &status) != 0 || !S_ISLNK(status.st_mode))
        return RC_OK;
    TRY(fs_absolute(walk->arena, path, &target, err));
    if (str_has_prefix(target, walk->root) && target.length > walk->root.length &&
        target.bytes[walk->root.length] == '/')
        return RC_OK;
    err_set(err, RC_CONFIG, "%.*s is a symbolic link to %.*s, which is not in the package",
            STR_ARGS(path), STR_ARGS(target));
    return err_hint(err, "put the file itself there");
}

// Bounded by MAX_DEPTH.
static rc walk_folder(struct walk *walk, struct str folder, struct str prefix, int depth,
                      struct err *err)
{
    struct arena *arena = walk->arena;
    str_vec names = {0};
    if (depth > MAX_DEPTH)
        return err_set(err, RC_LIMIT, "%.*s: more than %d folders inside each other",
                       STR_ARGS(folder), MAX_DEPTH);
    TRY(fs_list(arena, folder, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        const struct str base = names.items[i];
        if (walk->skips != NULL && walk->skips(base, depth))
            continue;
        const struct str path = arena_printf(arena, "%.*s/%.*s", STR_ARGS(folder), STR_ARGS(base));
        const struct str name = arena_printf(arena, "%.*s/%.*s", STR_ARGS(prefix), STR_ARGS(base));
        struct stat status;
        TRY(check_link(walk, path, err));
        if (stat(path.bytes, &status) != 0)
            return err_system(err, errno, "cannot read %.*s", STR_ARGS(path));
        if (S_ISDIR(status.st_mode))
            TRY(walk_folder(walk, path, name, depth + 1, err));
        else if (S_ISREG(status.st_mode))
            package_add(arena, walk->files, name, path, (status.st_mode & 0100) != 0);
        if (walk->files->count > PACKAGE_MAX_FILES)
            return err_set(err, RC_LIMIT, "a package of more than %d files (at %.*s)",
                           PACKAGE_MAX_FILES, STR_ARGS(path));
    }
    return RC_OK;
}

rc package_add_folder(struct arena *arena, struct str folder, struct str prefix,
                      package_skips skips, bool follows_links, package_files *files,
                      struct err *err)
{
    struct walk walk = {
        .arena = arena, .skips = skips, .follows_links = follows_links, .files = files};
    TRY(fs_absolute(arena, folder, &walk.root, err));
    return walk_folder(&walk, walk.root, prefix, 0, err);
}

// ---- the project's files ------------------------------------------------------------------------

/// Hidden files, what people read, what builds the package, and whatever holds secrets.
static bool is_left_out(struct str name, int depth)
{
    static const char *const names[] = {"README.md", "Dockerfile",   "Makefile", "__pycache__",
                                        "dist",      "node_modules", "venv"};
    (void)depth;
    if (name.bytes[0] == '.' || str_has_prefix(name, STR("secrets.")) ||
        str_has_suffix(name, STR("~")))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(name, names[i]))
            return true;
    return false;
}

static bool is_left_out_of_dbt(struct str name, int depth)
{
    const bool is_made = str_is(name, "target") || str_is(name, "logs");
    return is_left_out(name, depth) || (depth == 0 && is_made);
}

static rc add_project_folder(struct arena *arena, const struct project *project, struct str folder,
                             package_skips skips, package_files *files, struct err *err)
{
    struct str path;
    TRY(project_path(project, arena, folder, &path, err));
    return package_add_folder(arena, path, arena_printf(arena, "project/%.*s", STR_ARGS(folder)),
                              skips, false, files, err);
}

static rc add_source(struct arena *arena, const struct project *project, struct str source,
                     package_files *files, struct err *err)
{
    const struct str folder = arena_printf(arena, "pipelines/ingest/%.*s", STR_ARGS(source));
    const struct str schema = arena_printf(arena, "%.*s-schema", STR_ARGS(folder));
    struct str file, path;
    TRY(project_path(project, arena,
                     arena_printf(arena, "%.*s-ingestion/source.yml", STR_ARGS(folder)), &file,
                     err));
    if (!fs_exists(file)) {
        err_set(err, RC_NOT_FOUND, "there is no source %.*s: %.*s does not exist", STR_ARGS(source),
                STR_ARGS(file));
        return err_hint(err,
                        "moulin new source %.*s makes it; the dbt project is packaged by its "
                        "name, transform",
                        STR_ARGS(source));
    }
    TRY(add_project_folder(arena, project, arena_printf(arena, "%.*s-ingestion", STR_ARGS(folder)),
                           is_left_out, files, err));
    TRY(project_path(project, arena, schema, &path, err));
    return fs_is_folder(path) ? add_project_folder(arena, project, schema, is_left_out, files, err)
                              : RC_OK;
}

static rc add_transform(struct arena *arena, const struct project *project, package_files *files,
                        struct err *err)
{
    struct str file;
    TRY(project_path(project, arena, STR("pipelines/transform/dbt_project.yml"), &file, err));
    if (!fs_exists(file))
        return err_set(err, RC_NOT_FOUND, "there is no dbt project: %.*s does not exist",
                       STR_ARGS(file));
    return add_project_folder(arena, project, STR("pipelines/transform"), is_left_out_of_dbt, files,
                              err);
}

static struct str description(struct arena *arena, const struct package_options *options)
{
    struct json object = {.kind = JSON_OBJECT};
    *json_object_set(arena, &object, STR("source")) = json_of_str(options->source);
    *json_object_set(arena, &object, STR("version")) = json_of_str(STR(MOULIN_VERSION));
    *json_object_set(arena, &object, STR("arch")) = json_of_str(options->arch);
    return str_concat(arena, json_print(arena, &object, JSON_PRETTY), STR("\n"));
}

static int compare_files(const void *a, const void *b)
{
    const struct package_file *left = a, *right = b;
    return str_compare(left->name, right->name);
}

rc package_collect(struct arena *arena, const struct project *project,
                   const struct package_options *options, package_files *ret_files, struct err *err)
{
    package_files files = {0};
    package_add(arena, &files, STR("project/moulin.yml"), project->file, false);
    if (str_is(options->source, "transform"))
        TRY(add_transform(arena, project, &files, err));
    else
        TRY(add_source(arena, project, options->source, &files, err));
    TRY(package_runtime(arena, options, &files, err));
    package_add(arena, &files, STR("package.json"), STR(""), false);
    files.items[files.count - 1].text = description(arena, options);
    qsort(files.items, files.count, sizeof *files.items, compare_files);
    *ret_files = files;
    return RC_OK;
}

rc package_read(struct arena *arena, const struct package_file *file, struct str *ret_text,
                struct err *err)
{
    if (file->path.length > 0)
        return fs_read(arena, file->path, PACKAGE_MAX_FILE_BYTES, ret_text, err);
    *ret_text = file->text;
    return RC_OK;
}
