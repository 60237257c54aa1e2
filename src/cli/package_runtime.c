// The part of a package that is the same for every project: the launcher, the program, the loader,
// the C library and every shared library that this very process has loaded, authorities and time
// zones. Taking what runs here means that what is shipped has been run.

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/runtime.h"
#include "cli/package.h"
#include "duck/duck.h"

#if defined(__x86_64__)
#define OWN_ARCH "x86_64"
#elif defined(__aarch64__)
#define OWN_ARCH "arm64"
#else
#error "no package is known for this architecture"
#endif

struct str package_arch(void)
{
    return STR(OWN_ARCH);
}

struct collector {
    struct arena *arena;
    package_files *files;
    struct str program, folder; // bin/moulin of this process, and where it lies
};

/// The real program file: /proc/self/exe is the loader when it was started from a package.
static rc find_program(struct collector *c, struct err *err)
{
    char path[PATH_MAX];
    const char *package = runtime_package_folder();
    if (package != NULL) {
        c->program = arena_printf(c->arena, "%s/bin/moulin", package);
        c->folder = str_of(package);
        return RC_OK;
    }
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0 || (size_t)length >= sizeof path)
        return err_system(err, errno, "cannot tell where this program lies");
    c->program = arena_str(c->arena, (struct str){path, (size_t)length});
    c->folder = fs_parent(c->program);
    return RC_OK;
}

/// Looks for a part where a build, an installation or a package has it.
static rc find_part(struct collector *c, const char *name, struct str *ret_path, struct err *err)
{
    static const char *const places[] = {"lib/package",       "../lib/moulin/package", ".", "lib",
                                         "../.cache/package", "../../.cache/package"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        *ret_path = arena_printf(c->arena, "%.*s/%s/%s", STR_ARGS(c->folder), places[i], name);
        if (fs_exists(*ret_path))
            return RC_OK;
    }
    err_set(err, RC_NOT_FOUND, "%s, which packages carry, is not beside %.*s", name,
            STR_ARGS(c->program));
    return err_hint(err, "where moulin is built: make package-files, then make install again");
}

// ---- shared libraries ---------------------------------------------------------------------------

static bool has_library(const struct collector *c, struct str name)
{
    for (size_t i = 0; i < c->files->count; i++)
        if (str_equal(c->files->items[i].name, name))
            return true;
    return false;
}

/// Called for every object that is loaded: the program itself has no name, the kernel's no path.
static int take_library(struct dl_phdr_info *info, size_t size, void *context)
{
    struct collector *c = context;
    (void)size;
    if (info->dlpi_name == NULL || info->dlpi_name[0] != '/')
        return 0;
    const struct str path = arena_str(c->arena, str_of(info->dlpi_name));
    const struct str base = fs_base_name(path);
    const bool is_loader = str_has_prefix(base, STR("ld-linux")) || str_is(base, "ld.so");
    const struct str name = is_loader ? STR("lib/ld.so") : str_concat(c->arena, STR("lib/"), base);
    if (!has_library(c, name))
        package_add(c->arena, c->files, name, path, is_loader);
    return 0;
}

/// Loads what the program opens on first use, so that what these need is loaded too.
static rc load_all(struct collector *c, struct err *err)
{
    struct str version, duckdb, curl;
    TRY(duck_library_version(&version, &duckdb, err));
    const struct str extension =
        arena_printf(c->arena, "%.*s/httpfs.duckdb_extension", STR_ARGS(fs_parent(duckdb)));
    if (fs_exists(extension))
        package_add(c->arena, c->files, STR("lib/httpfs.duckdb_extension"), extension, false);
    TRY(find_part(c, "libcurl.so.4", &curl, err));
    if (dlopen(curl.bytes, RTLD_LAZY | RTLD_LOCAL) == NULL)
        return err_set(err, RC_UNSUPPORTED, "cannot load %.*s: %s", STR_ARGS(curl), dlerror());
    return RC_OK;
}

// ---- data ---------------------------------------------------------------------------------------

static rc add_authorities(struct collector *c, struct err *err)
{
    static const char *const places[] = {"/etc/ssl/certs/ca-certificates.crt",
                                         "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};
    const char *named = getenv("SSL_CERT_FILE");
    if (named != NULL && *named != '\0') {
        package_add(c->arena, c->files, STR("share/ca-certificates.crt"), str_of(named), false);
        return RC_OK;
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (fs_exists(str_of(places[i]))) {
            package_add(c->arena, c->files, STR("share/ca-certificates.crt"), str_of(places[i]),
                        false);
            return RC_OK;
        }
    err_set(err, RC_NOT_FOUND, "there is no file of certificate authorities on this machine");
    return err_hint(err, "install the package ca-certificates, or let SSL_CERT_FILE name one");
}

/// Other spellings of the same zones, and what is no zone. (leapseconds, tzdata.zi, *.tab)
static bool is_no_zone(struct str name, int depth)
{
    static const char *const folders[] = {"posix", "right"};
    if (depth > 0)
        return false;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (str_is(name, folders[i]))
            return true;
    return str_is(name, "localtime") || str_is(name, "leapseconds") ||
           str_find_byte(name, '.') != SIZE_MAX;
}

static rc add_time_zones(struct collector *c, struct err *err)
{
    const char *named = getenv("TZDIR");
    const struct str folder =
        str_of(named != NULL && *named != '\0' ? named : "/usr/share/zoneinfo");
    if (!fs_exists(arena_printf(c->arena, "%.*s/Europe/Zurich", STR_ARGS(folder)))) {
        err_set(err, RC_NOT_FOUND, "there are no time zones in %.*s", STR_ARGS(folder));
        return err_hint(err, "install the package tzdata, or let TZDIR name their folder");
    }
    return package_add_folder(c->arena, folder, STR("share/zoneinfo"), is_no_zone, true, c->files,
                              err);
}

// ---- another architecture -----------------------------------------------------------------------

static bool is_project_part(struct str name, int depth)
{
    return depth == 0 && (str_is(name, "project") || str_is(name, "package.json") ||
                          str_is(name, "moulin") || str_is(name, "LICENSE")); // of make archive
}

/// Byte 18 of an ELF file names the machine.
static rc check_machine(struct arena *arena, struct str path, struct str arch, struct err *err)
{
    static const struct {
        const char *arch;
        unsigned char machine;
    } machines[] = {{"x86_64", EM_X86_64}, {"arm64", EM_AARCH64}};
    struct str text;
    TRY(fs_read(arena, path, PACKAGE_MAX_FILE_BYTES, &text, err));
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
        if (str_is(arch, machines[i].arch) && text.length > 20 &&
            (unsigned char)text.bytes[18] == machines[i].machine)
            return RC_OK;
    return err_set(err, RC_INVALID, "%.*s is no program for %.*s", STR_ARGS(path), STR_ARGS(arch));
}

static rc take_unpacked(struct arena *arena, struct str folder, struct str arch,
                        package_files *files, struct err *err)
{
    package_files found = {0};
    const struct str program = arena_printf(arena, "%.*s/bin/moulin", STR_ARGS(folder));
    if (!fs_exists(program)) {
        err_set(err, RC_NOT_FOUND, "%.*s is no unpacked package: it has no bin/moulin",
                STR_ARGS(folder));
        return err_hint(err, "unpack a zip that moulin package has written on %.*s there",
                        STR_ARGS(arch));
    }
    TRY(check_machine(arena, program, arch, err));
    TRY(package_add_folder(arena, folder, STR("."), is_project_part, false, &found, err));
    for (size_t i = 0; i < found.count; i++) {
        struct package_file *file = &found.items[i];
        file->name = str_slice(file->name, 2, SIZE_MAX); // without "./"
        *vec_push(arena, files) = *file;
    }
    return RC_OK;
}

rc package_runtime(struct arena *arena, const struct package_options *options, package_files *files,
                   struct err *err)
{
    struct collector c = {.arena = arena, .files = files};
    struct str launcher;
    if (options->runtime.length > 0)
        return take_unpacked(arena, options->runtime, options->arch, files, err);
    if (!str_equal(options->arch, package_arch())) {
        err_set(err, RC_UNSUPPORTED, "this is a program for " OWN_ARCH ": it has no files for %.*s",
                STR_ARGS(options->arch));
        return err_hint(err,
                        "run it on %.*s (a CI runner of that kind), or give --runtime DIR with an "
                        "unpacked package from there",
                        STR_ARGS(options->arch));
    }
    TRY(find_program(&c, err));
    TRY(find_part(&c, "bootstrap", &launcher, err));
    package_add(arena, files, STR("bootstrap"), launcher, true);
    package_add(arena, files, STR("bin/moulin"), c.program, true);
    TRY(load_all(&c, err));
    dl_iterate_phdr(take_library, &c);
    TRY(add_authorities(&c, err));
    return add_time_zones(&c, err);
}
