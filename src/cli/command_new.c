// moulin new source: everything that a source needs. Its Terraform, state machine and Makefile are
// those of the template's chess source with another name, so there is one text for both; what is a
// person's to fill in (requests, columns, README) has texts of its own here. Layer: cli.
// Nothing is overwritten: all names are looked at before the first file is written, and files that
// exist already (moulin.yml, schedule.yml, README.md) only get lines added.

#include "base/fs.h"
#include "base/yaml.h"
#include "cli/command.h"
#include "cli/commands.gen.h"
#include "cli/template.gen.h"
#include "cli/yaml_patch.h"

enum { MAX_NAME_BYTES = 30, MAX_FILE_BYTES = 4 << 20 };

#define MODEL "chess" // the source of the template that others are made after

static const char source_text[] =
    "# Which calls fill which tables. The keys are those of dlt's declarative REST source.\n"
    "# `moulin check` checks this file, `moulin ingest NAME` runs it.\n"
    "type: rest_api\n"
    "\n"
    "client:\n"
    "  base_url: https://api.example.com/\n"
    "  # An API that wants a key:\n"
    "  # auth: {type: bearer, token: \"{{ secret('NAME/api_key') }}\"}\n"
    "\n"
    "resource_defaults:\n"
    "  write_disposition: append\n"
    "\n"
    "resources:\n"
    "  # Landing table NAME_items.\n"
    "  - name: items\n"
    "    endpoint:\n"
    "      path: items\n"
    "    # Only what is new, and each record once:\n"
    "    # primary_key: id\n"
    "    # write_disposition: merge\n"
    "    # endpoint:\n"
    "    #   path: items\n"
    "    #   incremental: {cursor_path: updated_at, start_param: since}\n";

static const char readme_text[] =
    "# NAME-ingestion\n\n"
    "Loads ... into the landing tables `NAME_<resource>`.\n\n"
    "| file | what it is |\n"
    "| --- | --- |\n"
    "| `source.yml` | what is requested, and how it lands |\n"
    "| `recordings/*.har` | recorded answers of the API, for tests |\n"
    "| `../NAME-schema/` | landing tables whose columns are fixed by hand |\n"
    "| `../../NAME_*.tf` | its function, secret, state machine and schedule in AWS |\n"
    "| `../../orchestrate/NAME.asl.json` | its state machine |\n\n"
    "## Run it\n\n"
    "```sh\n"
    "moulin ingest NAME --limit 1 --dry-run      # request one page, write nothing\n"
    "moulin ingest NAME                          # everything that is new\n"
    "moulin run NAME                             # ... and then build the models on it\n"
    "```\n\n"
    "## Without the network\n\n"
    "```sh\n"
    "moulin ingest NAME --record recordings/first.har\n"
    "moulin ingest NAME --replay recordings/first.har\n"
    "```\n\n"
    "Credentials are taken out of recordings. On this machine `{{ secret('NAME/api_key') }}` is "
    "the "
    "environment variable\n"
    "`MOULIN_SECRET_VARIABLE_API_KEY`, or the key `NAME: {api_key: ...}` of `secrets.yml`; in AWS "
    "it "
    "is the key `api_key` of the\n"
    "secret `<environment>-NAME`, whose value nobody but you writes:\n\n"
    "```sh\n"
    "aws secretsmanager put-secret-value --secret-id dev-NAME --secret-string '{\"api_key\": "
    "\"...\"}'\n"
    "```\n";

static const char schema_text[] = "# Landing table of the resource `items`. Columns that are not "
                                  "named here are added by what the "
                                  "API sends;\n"
                                  "# `moulin schema pull NAME` writes them into this file. Without "
                                  "this file the table is made by "
                                  "the first load.\n"
                                  "table: NAME_items\n"
                                  "columns:\n"
                                  "  - {name: id, type: string, doc: \"key of the record\"}\n";

static const char dbt_source_text[] = "version: 2\n"
                                      "\n"
                                      "sources:\n"
                                      "  - name: NAME\n"
                                      "    description: What `moulin ingest NAME` lands.\n"
                                      "    schema: landing\n"
                                      "    tables:\n"
                                      "      - name: NAME_items\n";

/// Files with a text of their own.
static const struct {
    const char *path, *text;
} own_files[] = {
    {"pipelines/ingest/NAME-ingestion/source.yml", source_text},
    {"pipelines/ingest/NAME-ingestion/README.md", readme_text},
    {"pipelines/ingest/NAME-ingestion/recordings/.gitkeep", ""},
    {"pipelines/ingest/NAME-schema/NAME_items.yml", schema_text},
    {"pipelines/transform/sources/NAME.yml", dbt_source_text},
};

/// Files of the template that serve every source. A path that ends in _ stands for all below it.
static const char *const model_files[] = {
    "pipelines/" MODEL "_",
    "pipelines/ingest/" MODEL "-ingestion/Makefile",
    "pipelines/ingest/" MODEL "-ingestion/Dockerfile",
    "pipelines/ingest/" MODEL "-schema/Makefile",
    "pipelines/orchestrate/" MODEL ".asl.json",
};

struct planned_file {
    struct str path, text; // relative to the project
    bool is_patch;         // it is there; else it must not be
};

struct new_source {
    struct command_context *context;
    struct arena *arena;
    struct project *project;
    struct str name;
    VEC(struct planned_file) files;
};

// ---- the name

/// As names of files, functions, repositories, databases and Terraform's blocks allow; a double _
/// would look like dlt's child tables.
static bool is_good_name(struct str name)
{
    bool is_right = name.length > 0 && name.length <= MAX_NAME_BYTES;
    for (size_t i = 0; is_right && i < name.length; i++) {
        const char c = name.bytes[i];
        const bool is_letter = c >= 'a' && c <= 'z', is_digit = c >= '0' && c <= '9';
        is_right =
            is_letter ||
            (i > 0 && (is_digit || (c == '_' && name.bytes[i - 1] != '_' && i + 1 < name.length)));
    }
    return is_right;
}

static rc check_name(const struct command_context *context, struct str name, struct err *err)
{
    if (is_good_name(name))
        return RC_OK;
    return command_usage_error(context, err,
                               "the name of a source is made of at most %d small letters, digits "
                               "and single _ between them, and starts with a letter: '%.*s' is not",
                               MAX_NAME_BYTES, STR_ARGS(name));
}

/// Terraform knows no folders for names: a source called dbt would be two modules dbt_ecr.
static rc check_terraform_file(struct new_source *n, struct str file, struct err *err)
{
    struct str path, text;
    struct arena *arena = n->arena;
    TRY(project_path(n->project, arena, str_concat(arena, STR("pipelines/"), file), &path, err));
    TRY(fs_read(arena, path, MAX_FILE_BYTES, &text, err));
    const struct str labels[] = {
        arena_printf(arena, "variable \"%.*s\"", STR_ARGS(n->name)),
        arena_printf(arena, "variable \"%.*s_pipeline\"", STR_ARGS(n->name)),
        arena_printf(arena, "module \"%.*s_ecr\"", STR_ARGS(n->name)),
        arena_printf(arena, "module \"%.*s_secrets\"", STR_ARGS(n->name)),
        arena_printf(arena, "module \"%.*s_pipeline\"", STR_ARGS(n->name)),
        arena_printf(arena, "module \"%.*s_lambda_function\"", STR_ARGS(n->name)),
    };
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (str_contains(text, labels[i])) {
            err_set(err, RC_REFUSED, "a source cannot be called %.*s: pipelines/%.*s has a %.*s",
                    STR_ARGS(n->name), STR_ARGS(file), STR_ARGS(labels[i]));
            return err_hint(err, "take another name");
        }
    return RC_OK;
}

static rc check_terraform(struct new_source *n, struct err *err)
{
    struct str folder;
    str_vec files = {0};
    TRY(project_path(n->project, n->arena, STR("pipelines"), &folder, err));
    if (!fs_is_folder(folder))
        return RC_OK;
    TRY(fs_list(n->arena, folder, &files, err));
    for (size_t i = 0; i < files.count; i++)
        if (str_has_suffix(files.items[i], STR(".tf")))
            TRY(check_terraform_file(n, files.items[i], err));
    return RC_OK;
}

// ---- what is to be written

static rc exists_already(const struct new_source *n, struct str file, struct err *err)
{
    err_set(err, RC_REFUSED, "the source %.*s is there already: %.*s", STR_ARGS(n->name),
            STR_ARGS(file));
    return err_hint(err, "take another name, or remove its files first");
}

static rc plan_new(struct new_source *n, struct str file, struct str text, struct err *err)
{
    struct str path;
    TRY(project_path(n->project, n->arena, file, &path, err));
    if (fs_exists(path))
        return exists_already(n, file, err);
    *vec_push(n->arena, &n->files) = (struct planned_file){file, text, false};
    return RC_OK;
}

static struct str upper(struct arena *arena, struct str name)
{
    char *text = arena_cstr(arena, name);
    for (size_t i = 0; i < name.length; i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] = (char)(text[i] - 'a' + 'A');
    return str_of(text);
}

static rc plan_own_files(struct new_source *n, struct err *err)
{
    for (size_t i = 0; i < sizeof own_files / sizeof own_files[0]; i++) {
        const struct str path =
            str_replace(n->arena, str_of(own_files[i].path), STR("NAME"), n->name);
        struct str text =
            str_replace(n->arena, str_of(own_files[i].text), STR("SECRET_VARIABLE"),
                        str_concat(n->arena, STR("SECRET_"), upper(n->arena, n->name)));
        text = str_replace(n->arena, text, STR("NAME"), n->name);
        TRY(plan_new(n, path, text, err));
    }
    return RC_OK;
}

/// The model's text for this source. Its state machine builds what hangs on the source alone.
static struct str text_of_model(struct new_source *n, const struct embedded_file *file)
{
    struct str text = {file->bytes, file->length};
    text = str_replace(n->arena, text, STR("Chess.com"), n->name);
    text = str_replace(n->arena, text, STR(MODEL), n->name);
    if (!str_has_suffix(str_of(file->path), STR(".asl.json")))
        return text;
    text = str_replace(n->arena, text, STR("then build the dbt project"),
                       STR("then build the models on it"));
    return str_replace(n->arena, text, STR("\"Command\": [\"build\"]"),
                       arena_printf(n->arena,
                                    "\"Command\": [\"build\", \"--select\", \"source:%.*s+\"]",
                                    STR_ARGS(n->name)));
}

static bool is_model(const char *path)
{
    for (size_t i = 0; i < sizeof model_files / sizeof model_files[0]; i++) {
        const struct str pattern = str_of(model_files[i]);
        if (str_is(pattern, path) ||
            (str_has_suffix(pattern, STR("_")) && str_has_prefix(str_of(path), pattern)))
            return true;
    }
    return false;
}

static rc plan_model_files(struct new_source *n, struct err *err)
{
    for (size_t i = 0; i < template_count; i++)
        if (is_model(template[i].path))
            TRY(plan_new(n, str_replace(n->arena, str_of(template[i].path), STR(MODEL), n->name),
                         text_of_model(n, &template[i]), err));
    return RC_OK;
}

static rc read_project_file(struct new_source *n, const char *file, struct str *ret_text,
                            const struct yaml **ret_root, struct err *err)
{
    struct str path;
    TRY(project_path(n->project, n->arena, str_of(file), &path, err));
    TRY(fs_read(n->arena, path, MAX_FILE_BYTES, ret_text, err));
    rc code = ret_root == NULL ? RC_OK : yaml_parse(n->arena, *ret_text, file, ret_root, err);
    if (code == RC_INVALID)
        err->code = code = RC_CONFIG;
    return code;
}

static bool is_there(const struct new_source *n, const char *file)
{
    struct str path;
    struct err ignored;
    return project_path(n->project, n->arena, str_of(file), &path, &ignored) == RC_OK &&
           fs_exists(path);
}

static void plan_patch(struct new_source *n, const char *file, struct str text)
{
    *vec_push(n->arena, &n->files) = (struct planned_file){str_of(file), text, true};
}

/// names: of moulin.yml, so that `moulin run` knows the function of the state machine.
static rc patch_moulin_yml(struct new_source *n, struct err *err)
{
    struct str text;
    const struct yaml *root;
    TRY(read_project_file(n, "moulin.yml", &text, &root, err));
    const struct str key = arena_printf(n->arena, "%.*s_ingestion_function", STR_ARGS(n->name));
    const struct str line =
        arena_printf(n->arena, "%.*s: {ingest: %.*s}", STR_ARGS(key), STR_ARGS(n->name));
    const struct yaml *names = yaml_get(root, STR("names"));
    if (yaml_get(names, key) != NULL)
        return RC_OK;
    if (yaml_is_null(names) && yaml_member_of(root, STR("names")) == NULL) {
        const bool ends_open = text.length > 0 && text.bytes[text.length - 1] != '\n';
        plan_patch(n, "moulin.yml",
                   arena_printf(n->arena, "%.*s%s\nnames:\n  %.*s\n", STR_ARGS(text),
                                ends_open ? "\n" : "", STR_ARGS(line)));
        return RC_OK;
    }
    TRY(yaml_patch_append(n->arena, text, "moulin.yml", names != NULL ? names : root, &line, 1,
                          &text, err));
    plan_patch(n, "moulin.yml", text);
    return RC_OK;
}

static rc patch_schedule(struct new_source *n, struct err *err)
{
    static const char file[] = "pipelines/orchestrate/schedule.yml";
    struct str text;
    const struct yaml *root;
    const struct str lines[] = {
        arena_printf(n->arena, "- name: %.*s_daily", STR_ARGS(n->name)),
        arena_printf(n->arena, "  workflow: %.*s", STR_ARGS(n->name)),
        STR("  expression: cron(0 6 * * ? *)"),
        STR("  timezone: UTC"),
    };
    if (!is_there(n, file))
        return plan_new(n, str_of(file),
                        arena_printf(n->arena, "schedules:\n  %.*s\n",
                                     STR_ARGS(str_join(n->arena, lines, 4, STR("\n  ")))),
                        err);
    TRY(read_project_file(n, file, &text, &root, err));
    const struct yaml *schedules = yaml_get(root, STR("schedules"));
    TRY(yaml_patch_append(n->arena, text, file, schedules != NULL ? schedules : root, lines, 4,
                          &text, err));
    plan_patch(n, file, text);
    return RC_OK;
}

/// A row behind that of the other sources, when the README has such a table.
static rc patch_readme(struct new_source *n, struct err *err)
{
    struct str text;
    const struct str row = arena_printf(
        n->arena,
        "| `pipelines/ingest/%.*s-ingestion/`, `%.*s-schema/` | the source %.*s: which "
        "API calls, which cursor, which tables |",
        STR_ARGS(n->name), STR_ARGS(n->name), STR_ARGS(n->name));
    if (!is_there(n, "README.md"))
        return RC_OK;
    TRY(read_project_file(n, "README.md", &text, NULL, err));
    if (text_insert_behind(n->arena, text, STR("| `pipelines/ingest/"), row, &text))
        plan_patch(n, "README.md", text);
    return RC_OK;
}

// ---- writing

static rc write_files(struct new_source *n, struct err *err)
{
    for (size_t i = 0; i < n->files.count; i++) {
        const struct planned_file *file = &n->files.items[i];
        struct str path;
        TRY(project_path(n->project, n->arena, file->path, &path, err));
        TRY(fs_make_folders(fs_parent(path), err));
        TRY(fs_write(path, file->text, (struct fs_write_options){.must_be_new = !file->is_patch},
                     err));
    }
    return RC_OK;
}

static rc print_answer(struct new_source *n, struct err *err)
{
    struct output *output = n->context->output;
    struct json answer = {.kind = JSON_OBJECT}, written = {.kind = JSON_ARRAY},
                changed = {.kind = JSON_ARRAY};
    const bool is_text = output_format_of(output) == OUTPUT_TEXT;
    for (size_t i = 0; i < n->files.count; i++) {
        const struct planned_file *file = &n->files.items[i];
        *json_array_push(n->arena, file->is_patch ? &changed : &written) = json_of_str(file->path);
        if (is_text)
            TRY(output_text(output, err, "%s %.*s\n", file->is_patch ? "changed" : "wrote  ",
                            STR_ARGS(file->path)));
    }
    if (is_text)
        return output_text(
            output, err,
            "\nNext: say in pipelines/ingest/%.*s-ingestion/source.yml what to load, "
            "then\n  moulin check\n  moulin ingest %.*s --limit 1 --dry-run\n"
            "  moulin run %.*s\n",
            STR_ARGS(n->name), STR_ARGS(n->name), STR_ARGS(n->name));
    *json_object_set(n->arena, &answer, STR("name")) = json_of_str(n->name);
    *json_object_set(n->arena, &answer, STR("written")) = written;
    *json_object_set(n->arena, &answer, STR("changed")) = changed;
    return output_json(output, &answer, err);
}

rc command_new(struct command_context *context, struct err *err)
{
    struct new_source n = {
        .context = context, .arena = context->arena, .name = context->arguments[0]};
    TRY(check_name(context, n.name, err));
    TRY(command_project(context, &n.project, err));
    TRY(plan_own_files(&n, err));
    TRY(plan_model_files(&n, err));
    TRY(check_terraform(&n, err));
    TRY(patch_moulin_yml(&n, err));
    TRY(patch_schedule(&n, err));
    TRY(patch_readme(&n, err));
    TRY(write_files(&n, err));
    return print_answer(&n, err);
}
