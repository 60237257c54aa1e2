// The dbt project for `moulin check`, in a program without the transform command: its main file.

#include "base/fs.h"
#include "base/yaml.h"
#include "cli/check.h"

/// The project file must be there and be YAML; its content is read by `moulin transform parse`.
rc check_transform(struct check *c, struct err *err)
{
    static const char place[] = "pipelines/transform/dbt_project.yml";
    struct str path, text;
    const struct yaml *root;
    TRY(project_path(c->project, c->arena, str_of(place), &path, err));
    if (!fs_exists(path))
        return RC_OK;
    c->file_count++;
    TRY(fs_read(c->arena, path, PROJECT_MAX_FILE_BYTES, &text, err));
    if (yaml_parse(c->arena, text, place, &root, err) != RC_OK)
        check_add_err(c, place, err);
    return RC_OK;
}
