// moulin init: writes the template, which is embedded in the program, into a folder.

#include "base/fs.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/commands.gen.h"
#include "cli/template.gen.h"

/// A project's name from the folder's: letters, digits and _; it starts with a letter.
static struct str name_of_folder(struct arena *arena, struct str folder)
{
    const struct str base = fs_base_name(folder);
    char *name = arena_cstr(arena, base);
    for (size_t i = 0; i < base.length; i++) {
        const char c = name[i];
        const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!is_word)
            name[i] = '_';
    }
    const bool starts_right = base.length > 0 && ((name[0] >= 'a' && name[0] <= 'z') ||
                                                  (name[0] >= 'A' && name[0] <= 'Z'));
    return starts_right ? str_of(name) : str_concat(arena, STR("project_"), str_of(name));
}

static rc check_name(const struct command_context *context, struct str name, struct err *err)
{
    for (size_t i = 0; i < name.length; i++) {
        const char c = name.bytes[i];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && (i == 0 || ((c < '0' || c > '9') && c != '_' && c != '-')))
            return command_usage_error(context, err,
                                       "the name %.*s must start with a letter and hold letters, "
                                       "digits, _ and - only",
                                       STR_ARGS(name));
    }
    return RC_OK;
}

static rc check_folder(struct command_context *context, struct str folder, struct err *err)
{
    str_vec names = {0};
    if (!fs_exists(folder))
        return RC_OK;
    if (!fs_is_folder(folder))
        return err_set(err, RC_EXISTS, "%.*s is a file", STR_ARGS(folder));
    TRY(fs_list(context->arena, folder, &names, err));
    if (names.count == 0 || command_flag(context, "force"))
        return RC_OK;
    err_set(err, RC_REFUSED, "the folder %.*s is not empty: it holds %.*s%s", STR_ARGS(folder),
            STR_ARGS(names.items[0]), names.count > 1 ? " and more" : "");
    return err_hint(err, "take another folder, or write into it with --force (files of the same "
                         "name are replaced)");
}

/// The file's text; moulin.yml gets the project's name.
static struct str file_text(struct arena *arena, const struct embedded_file *file, struct str name)
{
    const struct str text = {file->bytes, file->length};
    if (strcmp(file->path, "moulin.yml") != 0)
        return text;
    return str_replace(arena, text, STR("\nname: chess_platform\n"),
                       arena_printf(arena, "\nname: %.*s\n", STR_ARGS(name)));
}

static rc write_files(struct command_context *context, struct str folder, struct str name,
                      struct err *err)
{
    for (size_t i = 0; i < template_count; i++) {
        struct str path;
        TRY(fs_join(context->arena, folder, str_of(template[i].path), &path, err));
        TRY(fs_make_folders(fs_parent(path), err));
        TRY(fs_write(path, file_text(context->arena, &template[i], name),
                     (struct fs_write_options){0}, err));
    }
    return RC_OK;
}

static rc print_answer(struct command_context *context, struct str folder, struct str name,
                       struct err *err)
{
    struct arena *arena = context->arena;
    struct json answer = {.kind = JSON_OBJECT}, files = {.kind = JSON_ARRAY};
    if (output_format_of(context->output) == OUTPUT_TEXT)
        return output_text(context->output, err,
                           "Wrote the project %.*s: %zu files in %.*s\n\nNext:\n"
                           "  cd %.*s\n"
                           "  moulin check          # is every file right?\n"
                           "  moulin run chess      # extract, load, transform\n",
                           STR_ARGS(name), template_count, STR_ARGS(folder), STR_ARGS(folder));
    *json_object_set(arena, &answer, STR("name")) = json_of_str(name);
    *json_object_set(arena, &answer, STR("folder")) = json_of_str(folder);
    for (size_t i = 0; i < template_count; i++)
        *json_array_push(arena, &files) = json_of_str(str_of(template[i].path));
    *json_object_set(arena, &answer, STR("files")) = files;
    return output_json(context->output, &answer, err);
}

rc command_init(struct command_context *context, struct err *err)
{
    const struct str folder = context->arguments[0];
    struct str name = command_text(context, "name"), absolute;
    TRY(fs_absolute(context->arena, folder, &absolute, err));
    if (name.length == 0)
        name = name_of_folder(context->arena, absolute);
    TRY(check_name(context, name, err));
    TRY(check_folder(context, folder, err));
    TRY(write_files(context, folder, name, err));
    return print_answer(context, folder, name, err);
}
