// Where this machine's own notes about a project lie: beside it, or, where the project cannot be
// written (an image, a function's package), below the folder for temporary files.

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "project/project.h"

bool project_is_writable(const struct project *project)
{
    struct arena *scratch = arena_open(NULL);
    const bool has_folder = fs_is_folder(project->state_folder);
    const struct str folder = has_folder ? project->state_folder : project->folder;
    const bool is_writable = access(arena_cstr(scratch, folder), W_OK | X_OK) == 0;
    arena_close(scratch);
    return is_writable;
}

/// Makes a folder for this user alone, in a place where others may make folders too.
static rc make_private(struct arena *arena, struct str folder, struct err *err)
{
    const char *path = arena_cstr(arena, folder);
    struct stat found;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_system(err, errno, "cannot make the folder %s", path);
    if (lstat(path, &found) != 0)
        return err_system(err, errno, "cannot use the folder %s", path);
    if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & 022) != 0) {
        err_set(err, RC_DENIED, "%s belongs to somebody else, or others may write it", path);
        return err_hint(err, "remove it, or set TMPDIR to a folder of your own");
    }
    return RC_OK;
}

/// One per project: <temp>/moulin-<user>/<hash of the project's path>.
static rc temp_state_folder(const struct project *project, struct arena *arena,
                            struct str *ret_folder, struct err *err)
{
    const char *temp = getenv("TMPDIR");
    const struct str base =
        arena_printf(arena, "%s/moulin-%lld", temp != NULL && *temp != '\0' ? temp : "/tmp",
                     (long long)geteuid());
    const struct str hash = hash_hex(arena, hash_of(HASH_SHA256, project->folder));
    const struct str folder =
        arena_printf(arena, "%.*s/%.*s", STR_ARGS(base), STR_ARGS(str_slice(hash, 0, 16)));
    TRY(make_private(arena, base, err));
    TRY(make_private(arena, folder, err));
    *ret_folder = folder;
    return RC_OK;
}

rc project_state_folder(const struct project *project, struct arena *arena, struct str *ret_folder,
                        struct err *err)
{
    if (!project_is_writable(project))
        return temp_state_folder(project, arena, ret_folder, err);
    TRY(fs_make_folders(project->state_folder, err));
    *ret_folder = project->state_folder;
    return RC_OK;
}
