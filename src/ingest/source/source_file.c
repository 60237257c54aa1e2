// source.yml of a project: found, read, rendered, checked. Layer: ingest.
// Source of truth: docs/schema/source.schema.json, which is built into the program.

#include "ingest/source/source_file.h"

#include "base/fs.h"
#include "base/yaml.h"
#include "ingest/source_schema.gen.h"
#include "net/recording.h"

static const struct str folder = STR_INIT("pipelines/ingest");
static const struct str suffix = STR_INIT("-ingestion");

// Below these keys braces are placeholders and text for the API.
static const char *const placeholder_keys[] = {"path",    "params", "json", "data",
                                               "headers", "value",  NULL};

rc source_file_names(const struct project *project, struct arena *arena, str_vec *ret_names,
                     struct err *err)
{
    struct str path;
    str_vec entries = {0}, names = {0};
    TRY(project_path(project, arena, folder, &path, err));
    if (fs_is_folder(path))
        TRY(fs_list(arena, path, &entries, err));
    for (size_t i = 0; i < entries.count; i++) {
        const struct str entry = entries.items[i];
        if (!str_has_suffix(entry, suffix) || entry.length == suffix.length)
            continue;
        const struct str file =
            arena_printf(arena, "%.*s/%.*s/source.yml", STR_ARGS(path), STR_ARGS(entry));
        if (fs_exists(file))
            *vec_push(arena, &names) = str_slice(entry, 0, entry.length - suffix.length);
    }
    *ret_names = names;
    return RC_OK;
}

rc source_file_path(const struct project *project, struct arena *arena, struct str name,
                    struct str *ret_path, struct err *err)
{
    struct str path;
    const struct str relative = arena_printf(arena, "%.*s/%.*s%.*s/source.yml", STR_ARGS(folder),
                                             STR_ARGS(name), STR_ARGS(suffix));
    TRY(project_path(project, arena, relative, &path, err));
    if (fs_exists(path)) {
        *ret_path = path;
        return RC_OK;
    }
    str_vec names = {0};
    TRY(source_file_names(project, arena, &names, err));
    err_set(err, RC_NOT_FOUND, "there is no source '%.*s': no %.*s", STR_ARGS(name),
            STR_ARGS(relative));
    const size_t nearest = str_nearest(name, names.items, names.count);
    if (nearest != SIZE_MAX)
        return err_hint(err, "did you mean %.*s?", STR_ARGS(names.items[nearest]));
    if (names.count > 0)
        return err_hint(err, "there are: %.*s",
                        STR_ARGS(str_join(arena, names.items, names.count, STR(", "))));
    return err_hint(err, "write one with moulin new source NAME");
}

static rc load_schema(struct arena *arena, const struct jsonschema **ret_schema, struct err *err)
{
    const struct str text = {source_schema, source_schema_length};
    return jsonschema_compile(arena, text, "source.schema.json", ret_schema, err);
}

static rc load_tree(struct arena *arena, struct str path, const struct yaml **ret_tree,
                    struct err *err)
{
    struct str text;
    TRY(fs_read(arena, path, SOURCE_FILE_MAX_BYTES, &text, err));
    const rc code = yaml_parse(arena, text, arena_cstr(arena, path), ret_tree, err);
    if (code != RC_INVALID)
        return code;
    if (err != NULL)
        err->code = RC_CONFIG;
    return RC_CONFIG;
}

rc source_file_problems(const struct project *project, struct arena *arena, struct str name,
                        jsonschema_problem_vec *ret_problems, struct err *err)
{
    struct str path;
    const struct yaml *tree;
    const struct jsonschema *schema;
    TRY(source_file_path(project, arena, name, &path, err));
    TRY(load_tree(arena, path, &tree, err));
    TRY(load_schema(arena, &schema, err));
    return jsonschema_validate(schema, arena, tree,
                               (struct jsonschema_options){.accepts_templates = true}, ret_problems,
                               err);
}

// --- secrets -----------------------------------------------------------------------------------

struct hiding {
    const struct project *project;
    struct arena *arena;
    struct source *source;
    struct recording *recording;
};

// Every {{ secret('name') }} of a text: its value must not get into a recording or an error.
static rc hide_secrets(void *context, const struct yaml *string, const struct yaml **ret_node,
                       struct err *err)
{
    const struct hiding *hiding = context;
    (void)ret_node;
    struct str rest = string->text;
    for (;;) {
        const size_t call = str_find(rest, STR("secret("));
        if (call == SIZE_MAX)
            return RC_OK;
        rest = str_trim(str_slice(rest, call + 7, rest.length));
        const char quote = rest.length > 0 ? rest.bytes[0] : '\0';
        const struct str behind = str_slice(rest, 1, rest.length);
        const size_t end = str_find_byte(behind, quote);
        if ((quote != '\'' && quote != '"') || end == SIZE_MAX)
            continue;
        struct str value;
        TRY(project_secret(hiding->project, hiding->arena, str_slice(behind, 0, end), &value, err));
        source_hide(hiding->source, value);
        if (hiding->recording != NULL)
            recording_add_secret(hiding->recording, value);
    }
}

static rc hide_all(const struct project *project, struct arena *arena,
                   const struct source_options *options, struct source *source,
                   const struct yaml *tree, struct err *err)
{
    struct hiding hiding = {project, arena, source, options->recording};
    const struct yaml *same;
    const rc code = yaml_rewrite(arena, tree, hide_secrets, &hiding, &same, err);
    if (code != RC_OK)
        source_close(source);
    return code;
}

rc source_file_open(const struct project *project, struct arena *arena,
                    const struct source_options *options, struct source_file *ret_file,
                    struct err *err)
{
    struct source_file file = {0};
    const struct yaml *tree, *rendered;
    const struct jsonschema *schema;
    TRY(source_file_path(project, arena, options->name, &file.path, err));
    TRY(load_tree(arena, file.path, &tree, err));
    TRY(load_schema(arena, &schema, err));
    // Before rendering, so that a mistyped key is told even where a variable is missing.
    TRY(jsonschema_check(schema, tree, (struct jsonschema_options){.accepts_templates = true},
                         err));
    TRY(project_render(project, arena, tree, placeholder_keys, &rendered, err));
    TRY(jsonschema_check(schema, rendered, (struct jsonschema_options){0}, err));
    struct json *config = ARENA_NEW(arena, struct json);
    *config = yaml_to_json(arena, rendered);
    struct source_options with_tree = *options;
    with_tree.tree = rendered;
    const rc code = source_open_json(config, &with_tree, &file.source, err);
    if (code != RC_OK) {
        if (err != NULL && err->place[0] == '\0') {
            const struct str place = str_slice(file.path, 0, sizeof err->place - 1);
            memcpy(err->place, place.bytes, place.length);
            err->place[place.length] = '\0';
        }
        return code;
    }
    TRY(hide_all(project, arena, options, file.source, tree, err));
    file.config = config;
    *ret_file = file;
    return RC_OK;
}
