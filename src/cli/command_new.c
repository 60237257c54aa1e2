// moulin new source: a source folder with a source.yml to fill in, and its schema folder.

#include "base/fs.h"
#include "cli/command.h"
#include "cli/commands.gen.h"

static const char source_text[] =
    "# One API, one or more resources. `moulin check` checks it, `moulin ingest NAME` runs it.\n"
    "type: rest_api\n"
    "client:\n"
    "  base_url: https://api.example.com/\n"
    "resource_defaults:\n"
    "  write_disposition: append\n"
    "resources:\n"
    "  - name: items\n"
    "    endpoint:\n"
    "      path: items\n";

static const char readme_text[] =
    "# The source NAME\n\n"
    "`source.yml` says which API calls fill which tables. They land as `NAME_<resource>`.\n\n"
    "```\nmoulin ingest NAME\n```\n\n"
    "Landing tables whose schema is to be fixed by hand have a file each in `../NAME-schema/`.\n";

static rc check_name(const struct command_context *context, struct str name, struct err *err)
{
    for (size_t i = 0; i < name.length; i++) {
        const char c = name.bytes[i];
        const bool is_right = (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9' && i > 0);
        if (!is_right)
            return command_usage_error(context, err,
                                       "the name of a source is made of small letters, digits and "
                                       "_, and starts with a letter: %.*s is not",
                                       STR_ARGS(name));
    }
    return name.length > 0 ? RC_OK : command_usage_error(context, err, "the name is empty");
}

static rc write_one(struct command_context *context, const struct project *project, struct str file,
                    struct str text, struct err *err)
{
    struct str path;
    TRY(project_path(project, context->arena, file, &path, err));
    TRY(fs_make_folders(fs_parent(path), err));
    return fs_write(path, text, (struct fs_write_options){.must_be_new = true}, err);
}

rc command_new(struct command_context *context, struct err *err)
{
    struct project *project;
    struct arena *arena = context->arena;
    const struct str name = context->arguments[0];
    TRY(check_name(context, name, err));
    TRY(command_project(context, &project, err));
    const struct str folder =
        arena_printf(arena, "pipelines/ingest/%.*s-ingestion", STR_ARGS(name));
    const struct str source = str_concat(arena, folder, STR("/source.yml"));
    const struct str schema = arena_printf(arena, "pipelines/ingest/%.*s-schema", STR_ARGS(name));
    struct str path;
    TRY(project_path(project, arena, source, &path, err));
    if (fs_exists(path))
        return err_set(err, RC_REFUSED, "the source %.*s is there already: %.*s", STR_ARGS(name),
                       STR_ARGS(source));
    TRY(write_one(context, project, source, str_replace(arena, STR(source_text), STR("NAME"), name),
                  err));
    TRY(write_one(context, project, str_concat(arena, folder, STR("/README.md")),
                  str_replace(arena, STR(readme_text), STR("NAME"), name), err));
    TRY(project_path(project, arena, schema, &path, err));
    TRY(fs_make_folders(path, err));
    if (output_format_of(context->output) == OUTPUT_TEXT)
        return output_text(context->output, err,
                           "Wrote %.*s\n\nNext: fill it in, then\n  moulin check\n  moulin ingest "
                           "%.*s\n",
                           STR_ARGS(source), STR_ARGS(name));
    struct json answer = {.kind = JSON_OBJECT};
    *json_object_set(arena, &answer, STR("source")) = json_of_str(source);
    *json_object_set(arena, &answer, STR("schema_folder")) = json_of_str(schema);
    return output_json(context->output, &answer, err);
}
