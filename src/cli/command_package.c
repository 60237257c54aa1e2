// moulin package SOURCE: what Lambda and ECS run, as a zip or as the context of a container image.

#include <errno.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/zip.h"
#include "cli/commands.gen.h"
#include "cli/package.h"

struct packing {
    struct command_context *context;
    struct arena *arena;
    struct package_options options;
    package_files files;
    struct str folder; // where the result goes
    struct str path;   // the result
    int64_t bytes, unpacked_bytes;
    struct str sha256; // of the zip, in base64 as Terraform's source_code_hash has it; "" = image
};

// ---- zip ----------------------------------------------------------------------------------------

static rc check_sizes(const struct packing *p, struct err *err)
{
    if (p->unpacked_bytes > PACKAGE_MAX_UNPACKED_BYTES) {
        err_set(err, RC_LIMIT, "the package has %lld MB unpacked, Lambda takes %d MB",
                (long long)(p->unpacked_bytes >> 20), PACKAGE_MAX_UNPACKED_BYTES >> 20);
        return err_hint(err, "use --image, or take large files out of the source's folder");
    }
    return RC_OK;
}

static rc add_to_zip(struct packing *p, struct zip_writer *zip, const struct package_file *file,
                     struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct str text = {0};
    rc code = package_read(scratch, file, &text, err);
    if (code == RC_OK)
        code = zip_add(zip, file->name, text, file->is_executable, err);
    p->unpacked_bytes += (int64_t)text.length;
    arena_close(scratch);
    return code;
}

static rc write_zip(struct packing *p, struct err *err)
{
    struct zip_writer *zip = zip_writer_open(p->arena, PACKAGE_MAX_ZIP_BYTES);
    struct str bytes;
    p->path = arena_printf(p->arena, "%.*s/%.*s-%.*s.zip", STR_ARGS(p->folder),
                           STR_ARGS(p->options.source), STR_ARGS(p->options.arch));
    for (size_t i = 0; i < p->files.count; i++) {
        const rc code = add_to_zip(p, zip, &p->files.items[i], err);
        if (code == RC_LIMIT)
            err_hint(err, "Lambda takes zips of 50 MB: use --image, or take large files out of the "
                          "source's folder");
        TRY(code);
    }
    TRY(check_sizes(p, err));
    TRY(zip_finish(zip, &bytes, err));
    p->bytes = (int64_t)bytes.length;
    const struct hash hash = hash_of(HASH_SHA256, bytes);
    p->sha256 = base64_encode(p->arena, hash.bytes, hash.length, BASE64_STANDARD);
    return fs_write(p->path, bytes, (struct fs_write_options){0}, err);
}

// ---- image --------------------------------------------------------------------------------------

/// Whatever else lies in a folder of that name is not ours to remove.
static rc empty_folder(struct packing *p, struct err *err)
{
    const struct str mark =
        arena_printf(p->arena, "%.*s/root/var/task/package.json", STR_ARGS(p->path));
    if (fs_exists(p->path) && !fs_exists(mark)) {
        err_set(err, RC_EXISTS, "%.*s exists and was not made by moulin package",
                STR_ARGS(p->path));
        return err_hint(err, "remove it, or give another folder with --to");
    }
    return fs_remove_tree(p->path, err);
}

static rc write_file(struct packing *p, struct str name, struct str text, bool is_executable,
                     struct err *err)
{
    struct str path;
    TRY(fs_join(p->arena, p->path, name, &path, err));
    TRY(fs_make_folders(fs_parent(path), err));
    TRY(fs_write(path, text, (struct fs_write_options){0}, err));
    if (is_executable && chmod(arena_cstr(p->arena, path), 0755) != 0)
        return err_system(err, errno, "cannot make %.*s executable", STR_ARGS(path));
    return RC_OK;
}

static rc write_dockerfile(struct packing *p, struct err *err)
{
    // Nothing of a distribution is needed: libraries, authorities and time zones are in the
    // package.
    const struct str text =
        arena_printf(p->arena,
                     "# Made by `moulin package %.*s --image`. One image for Lambda and for ECS: "
                     "the launcher runs "
                     "Lambda's loop\n"
                     "# when Lambda starts it, else it is the command line (without words: %s).\n"
                     "# docker build --platform linux/%s .\n"
                     "FROM scratch\n"
                     "COPY root/ /\n"
                     "WORKDIR /var/task/project\n"
                     "USER 65532:65532\n"
                     "ENTRYPOINT [\"/var/task/bootstrap\"]\n",
                     STR_ARGS(p->options.source),
                     str_is(p->options.source, "transform") ? "transform build" : "ingest",
                     str_is(p->options.arch, "x86_64") ? "amd64" : "arm64");
    return write_file(p, STR("Dockerfile"), text, false, err);
}

static rc write_image(struct packing *p, struct err *err)
{
    p->path =
        arena_printf(p->arena, "%.*s/%.*s-image", STR_ARGS(p->folder), STR_ARGS(p->options.source));
    TRY(empty_folder(p, err));
    for (size_t i = 0; i < p->files.count; i++) {
        const struct package_file *file = &p->files.items[i];
        struct arena *scratch = arena_open(NULL);
        struct str text;
        rc code = package_read(scratch, file, &text, err);
        if (code == RC_OK) {
            p->unpacked_bytes += (int64_t)text.length;
            code = write_file(p, str_concat(p->arena, STR("root/var/task/"), file->name), text,
                              file->is_executable, err);
        }
        arena_close(scratch);
        TRY(code);
    }
    // Both places start the image with a file system of its own: /tmp has to be there.
    TRY(write_file(p, STR("root/tmp/.keep"), STR(""), false, err));
    const struct str tmp = arena_printf(p->arena, "%.*s/root/tmp", STR_ARGS(p->path));
    if (chmod(arena_cstr(p->arena, tmp), 01777) != 0)
        return err_system(err, errno, "cannot open %.*s to everybody", STR_ARGS(tmp));
    return write_dockerfile(p, err);
}

// ---- the command --------------------------------------------------------------------------------

static rc say(struct packing *p, struct err *err)
{
    struct output *output = p->context->output;
    struct arena *arena = p->arena;
    if (output_format_of(output) == OUTPUT_TEXT)
        return p->sha256.length > 0
                   ? output_text(output, err, "%.*s: %.1f MB, %zu files, %.1f MB unpacked\n",
                                 STR_ARGS(p->path), (double)p->bytes / 1e6, p->files.count,
                                 (double)p->unpacked_bytes / 1e6)
                   : output_text(output, err, "%.*s: %zu files, %.1f MB\n", STR_ARGS(p->path),
                                 p->files.count, (double)p->unpacked_bytes / 1e6);
    struct json answer = {.kind = JSON_OBJECT};
    *json_object_set(arena, &answer, STR("source")) = json_of_str(p->options.source);
    *json_object_set(arena, &answer, STR("arch")) = json_of_str(p->options.arch);
    *json_object_set(arena, &answer, STR("path")) = json_of_str(p->path);
    *json_object_set(arena, &answer, STR("files")) = json_of_int64(arena, (int64_t)p->files.count);
    *json_object_set(arena, &answer, STR("unpacked_bytes")) =
        json_of_int64(arena, p->unpacked_bytes);
    if (p->sha256.length > 0) {
        *json_object_set(arena, &answer, STR("bytes")) = json_of_int64(arena, p->bytes);
        *json_object_set(arena, &answer, STR("sha256_base64")) = json_of_str(p->sha256);
    }
    return output_json(output, &answer, err);
}

rc command_package(struct command_context *context, struct err *err)
{
    struct packing p = {.context = context, .arena = context->arena};
    struct project *project;
    TRY(command_project(context, &project, err));
    const struct str arch = command_text(context, "arch"), to = command_text(context, "to");
    p.options.source = context->arguments[0];
    p.options.arch = arch.length > 0 ? arch : package_arch();
    p.options.runtime = command_text(context, "runtime");
    if (to.length > 0)
        TRY(fs_absolute(p.arena, to, &p.folder, err));
    else
        TRY(project_path(project, p.arena, STR("dist"), &p.folder, err));
    TRY(package_collect(p.arena, project, &p.options, &p.files, err));
    TRY(fs_make_folders(p.folder, err));
    TRY(command_flag(context, "image") ? write_image(&p, err) : write_zip(&p, err));
    return say(&p, err);
}
