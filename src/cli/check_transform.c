// The dbt project for `moulin check`: parsed as `moulin transform parse` does, but nothing is
// written.

#include <stdio.h>

#include "base/fs.h"
#include "cli/check.h"
#include "transform/transform.h"

/// Files that a parse reads: for the count only.
static int64_t count_files(struct check *c, struct str folder, int depth)
{
    static const char *const endings[] = {".sql", ".yml", ".yaml", ".csv"};
    str_vec names = {0};
    struct err ignored;
    int64_t count = 0;
    if (depth > 10 || fs_list(c->arena, folder, &names, &ignored) != RC_OK)
        return 0;
    for (size_t i = 0; i < names.count; i++) {
        struct str path;
        const bool is_output =
            depth == 0 && (str_is(names.items[i], "target") || str_is(names.items[i], "logs"));
        if (is_output || fs_join(c->arena, folder, names.items[i], &path, &ignored) != RC_OK)
            continue;
        if (fs_is_folder(path))
            count += count_files(c, path, depth + 1);
        for (size_t k = 0; k < sizeof endings / sizeof endings[0]; k++)
            count += str_has_suffix(names.items[i], str_of(endings[k]));
    }
    return count;
}

rc check_transform(struct check *c, struct err *err)
{
    static const char place[] = "pipelines/transform";
    struct str folder, file;
    struct transform *transform;
    TRY(project_path(c->project, c->arena, str_of(place), &folder, err));
    TRY(project_path(c->project, c->arena, STR("pipelines/transform/dbt_project.yml"), &file, err));
    if (!fs_exists(file))
        return RC_OK;
    c->file_count += count_files(c, folder, 0);
    struct transform_options options = {
        .project_folder = folder, .target = c->project->environment->name, .project = c->project};
    if (transform_open(c->arena, &options, &transform, err) == RC_OK) {
        if (c->engine.length > 0)
            check_engine(c, transform, place, c->engine);
        transform_close(transform);
        return RC_OK;
    }
    // dbt names files from its project's folder, we from the platform's.
    struct err shown = *err;
    if (err->place[0] != '\0' && err->place[0] != '/' &&
        !str_has_prefix(str_of(err->place), str_of(place)))
        snprintf(shown.place, sizeof shown.place, "%s/%.200s", place, err->place);
    check_add_err(c, place, &shown);
    return RC_OK;
}
