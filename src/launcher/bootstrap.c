// The launcher of a package: finds the folder that it lies in, tells the program where its parts
// are, and becomes bin/moulin, started through the package's own loader with the package's own
// libraries. Lambda calls it by its name, containers have it as their entry point; both hand over
// arguments and environment unchanged. Layer: none (a program of its own, linked statically: it
// must run where there is no C library, no shell and no /proc). Source of truth for the layout:
// docs/package.md. Threads: one. Limits: PATH_MAX, MAX_WORDS.

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

enum { MAX_WORDS = 10000, OWN_WORDS = 6 };

static char root[PATH_MAX];

// Cuts the last part off; false when there is none.
static int keep_folder(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return 0;
    *slash = '\0';
    return 1;
}

static int has(const char *place)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", root, place);
    return access(path, R_OK) == 0;
}

static int has_program(void)
{
    return has("bin/moulin");
}

// /proc/self/exe is the truth; without /proc, the path by which the kernel was asked; then Lambda's
// word for it.
static int find_root(void)
{
    const ssize_t length = readlink("/proc/self/exe", root, sizeof root - 1);
    if (length > 0) {
        root[length] = '\0';
        if (keep_folder(root) && has_program())
            return 1;
    }
    const char *path = (const char *)getauxval(AT_EXECFN);
    if (path != NULL && realpath(path, root) != NULL && keep_folder(root) && has_program())
        return 1;
    const char *task = getenv("LAMBDA_TASK_ROOT");
    if (task == NULL || strlen(task) >= sizeof root)
        return 0;
    snprintf(root, sizeof root, "%s", task);
    return has_program();
}

// What somebody has set already stays.
static void set_default(const char *name, const char *place)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", root, place);
    const char *value = getenv(name);
    if (value == NULL || *value == '\0')
        setenv(name, path, 1);
}

int main(int argc, char **argv)
{
    static char loader[PATH_MAX + 16], libraries[PATH_MAX + 16], program[PATH_MAX + 16];
    static char option[] = "--library-path", name_option[] = "--argv0", name[] = "moulin";
    static char *words[MAX_WORDS + OWN_WORDS + 1];
    if (!find_root()) {
        fprintf(stderr,
                "bootstrap: bin/moulin is not beside this launcher: the package is not whole\n");
        return 2;
    }
    if (argc > MAX_WORDS) {
        fprintf(stderr, "bootstrap: more than %d words\n", MAX_WORDS);
        return 2;
    }
    setenv("MOULIN_HOME", root[0] != '\0' ? root : "/", 1); // /proc/self/exe will be the loader
    if (has("project")) { // a package of a source; an archive of the program alone has none
        setenv("DBT_TARGET_PATH", "/tmp/target", 0); // only /tmp can be written in Lambda
        set_default("MOULIN_PROJECT_DIR", "project");
    }
    set_default("TZDIR", "share/zoneinfo");
    set_default("SSL_CERT_FILE", "share/ca-certificates.crt");
    snprintf(loader, sizeof loader, "%s/lib/ld.so", root);
    snprintf(libraries, sizeof libraries, "%s/lib", root);
    snprintf(program, sizeof program, "%s/bin/moulin", root);
    char *const own[OWN_WORDS] = {loader, option, libraries, name_option, name, program};
    memcpy(words, own, sizeof own);
    for (int i = 1; i < argc; i++)
        words[OWN_WORDS + i - 1] = argv[i];
    execv(loader, words);
    fprintf(stderr, "bootstrap: cannot start %s: %s\n", loader, strerror(errno));
    return 2;
}
