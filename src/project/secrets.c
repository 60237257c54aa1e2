#include "project/secrets.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/yaml.h"

static void close_secrets(void *object)
{
    struct project_secrets *secrets = object;
    arena_close(secrets->arena);
    pthread_mutex_destroy(&secrets->lock);
}

rc secrets_load(struct arena *arena, struct str folder, struct project_secrets **ret_secrets,
                struct err *err)
{
    struct project_secrets *secrets = ARENA_NEW(arena, struct project_secrets);
    struct stat status;
    secrets->arena = arena_open(NULL);
    pthread_mutex_init(&secrets->lock, NULL);
    map_init(&secrets->asked, secrets->arena);
    arena_defer(arena, close_secrets, secrets);
    TRY(fs_join(arena, folder, STR("secrets.yml"), &secrets->path, err));
    if (stat(arena_cstr(arena, secrets->path), &status) == 0) {
        secrets->is_readable_by_others = (status.st_mode & 077) != 0;
        const rc code = yaml_load(arena, secrets->path, &secrets->root, err);
        if (code == RC_INVALID)
            err->code = RC_CONFIG;
        TRY(code == RC_INVALID ? RC_CONFIG : code);
        if (!yaml_is_null(secrets->root) && secrets->root->kind != YAML_MAP)
            return yaml_error(err, secrets->root, RC_CONFIG,
                              "secrets.yml must be a mapping of names to values");
    }
    *ret_secrets = secrets;
    return RC_OK;
}

struct str secrets_variable_name(struct arena *arena, struct str name)
{
    const struct str prefix = STR("MOULIN_SECRET_");
    char *to = arena_alloc(arena, prefix.length + name.length + 1);
    memcpy(to, prefix.bytes, prefix.length);
    for (size_t i = 0; i < name.length; i++) {
        const char c = name.bytes[i];
        const bool is_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
        to[prefix.length + i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : is_word ? c : '_';
    }
    return (struct str){to, prefix.length + name.length};
}

/// The whole name as one key, else its parts as keys inside each other.
static const struct yaml *find(const struct yaml *root, struct str name)
{
    const struct yaml *node = yaml_get(root, name);
    if (node != NULL)
        return node;
    struct str rest = name, part;
    node = root;
    while (node != NULL && str_split_next(&rest, '/', &part))
        node = yaml_get(node, part);
    return node;
}

rc project_secret(const struct project *project, struct arena *arena, struct str name,
                  struct str *ret_secret, struct err *err)
{
    const struct str variable = secrets_variable_name(arena, name);
    const char *value = getenv(variable.bytes);
    if (value != NULL) {
        *ret_secret = arena_str(arena, str_of(value));
        return RC_OK;
    }
    const struct yaml *node = name.length > 0 ? find(project->secrets->root, name) : NULL;
    if (node == NULL || yaml_is_null(node)) {
        const struct project_environment *environment = project->environment;
        if (environment != NULL && environment->secrets.type.length > 0 && name.length > 0)
            return secrets_ask_aws(project->secrets, arena, name, ret_secret, err);
        err_set(err, RC_NOT_FOUND, "there is no secret '%.*s'", STR_ARGS(name));
        return err_hint(err, "set %.*s, or put it into %.*s", STR_ARGS(variable),
                        STR_ARGS(project->secrets->path));
    }
    struct str text;
    // The error must not quote the value, hence no yaml_to_text message with it.
    if (node->kind >= YAML_SEQ || yaml_to_text(node, "secret", &text, err) != RC_OK)
        return yaml_error(err, node, RC_CONFIG, "the secret '%.*s' must be a single value",
                          STR_ARGS(name));
    *ret_secret = text;
    return RC_OK;
}
