/// @file library.c
/// Finds and opens libduckdb. 70 MB and 14 ms of loading are nothing that `moulin version` should
/// pay for, so it is not linked.

#include "duck/library.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fs.h"
#include "base/runtime.h"
#include "duck/duck.h"

#define LIBRARY_NAME "libduckdb.so"

const struct duck_library *duck_library;

static struct {
    pthread_mutex_t lock;
    struct duck_library functions;
    char path[PATH_MAX]; // "" = not loaded
    bool is_loaded;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/// Folder of the program, or of the package that it was started from.
static bool program_folder(char *to, size_t to_bytes)
{
    const char *package = runtime_package_folder();
    if (package != NULL) {
        snprintf(to, to_bytes, "%s", package);
        return true;
    }
    const ssize_t length = readlink("/proc/self/exe", to, to_bytes - 1);
    if (length <= 0)
        return false;
    to[length] = '\0';
    char *slash = strrchr(to, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

static bool find_by_environment(char *to, size_t to_bytes)
{
    const char *named = getenv("MOULIN_DUCKDB");
    if (named == NULL || *named == '\0')
        return false;
    struct stat status;
    if (stat(named, &status) == 0 && S_ISDIR(status.st_mode))
        snprintf(to, to_bytes, "%s/" LIBRARY_NAME, named);
    else
        snprintf(to, to_bytes, "%s", named);
    return true; // named, so it must work
}

static bool find_beside_program(char *to, size_t to_bytes)
{
    // Installed: bin/ and lib/. Built: build/ and build/lib, tests in build/tests.
    static const char *const places[] = {"lib",
                                         "../lib",
                                         "../lib/moulin",
                                         ".",
                                         "../.cache/duckdb",
                                         "../../.cache/duckdb",
                                         "../../../.cache/duckdb"};
    char folder[PATH_MAX - 64];
    if (!program_folder(folder, sizeof folder))
        return false;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(to, to_bytes, "%s/%s/" LIBRARY_NAME, folder, places[i]);
        if (is_file(to))
            return true;
    }
    return false;
}

static void find(char *to, size_t to_bytes)
{
    if (!find_by_environment(to, to_bytes) && !find_beside_program(to, to_bytes))
        snprintf(to, to_bytes, LIBRARY_NAME); // the system's search path
}

static rc resolve(void *handle, const char *path, struct err *err)
{
    struct duck_library *functions = &state.functions;
#define DUCK_RESOLVE(name)                                                                         \
    functions->name = (__typeof__(&duckdb_##name))dlsym(handle, "duckdb_" #name);                  \
    if (functions->name == NULL)                                                                   \
        return err_set(err, RC_UNSUPPORTED, "%s has no function duckdb_" #name, path);
    DUCK_FUNCTIONS(DUCK_RESOLVE)
#undef DUCK_RESOLVE
    return RC_OK;
}

static rc check_version(const char *path, struct err *err)
{
    const char *version = state.functions.library_version();
    if (strcmp(version, DUCK_VERSION) == 0)
        return RC_OK;
    err_set(err, RC_UNSUPPORTED, "%s is DuckDB %s, but %s is needed", path, version, DUCK_VERSION);
    return err_hint(err, "run tools/setup, or let MOULIN_DUCKDB name a " LIBRARY_NAME
                         " of that version");
}

static rc load(struct err *err)
{
    char path[PATH_MAX];
    find(path, sizeof path);
    void *handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (handle == NULL) {
        err_set(err, RC_NOT_FOUND, "cannot load DuckDB: %s", dlerror());
        return err_hint(err,
                        "run tools/setup, or let MOULIN_DUCKDB name the folder of " LIBRARY_NAME
                        " " DUCK_VERSION);
    }
    rc result = resolve(handle, path, err);
    if (result == RC_OK)
        result = check_version(path, err);
    if (result != RC_OK) {
        dlclose(handle);
        return result;
    }
    memcpy(state.path, path, sizeof path);
    duck_library = &state.functions;
    state.is_loaded = true;
    return RC_OK;
}

rc duck_library_load(struct str *ret_path, struct err *err)
{
    pthread_mutex_lock(&state.lock);
    const rc result = state.is_loaded ? RC_OK : load(err);
    pthread_mutex_unlock(&state.lock);
    if (result == RC_OK && ret_path != NULL)
        *ret_path = str_of(state.path);
    return result;
}

rc duck_library_version(struct str *ret_version, struct str *ret_path, struct err *err)
{
    TRY(duck_library_load(ret_path, err));
    *ret_version = str_of(duck_library->library_version());
    return RC_OK;
}
