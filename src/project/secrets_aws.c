// Secrets of an environment in AWS: Secrets Manager or SSM parameters, asked for once. Layer:
// project. Threads: behind the lock of the secrets. Limits: MAX_SECRETS different ones.

#include "aws/secret_value.h"
#include "base/json.h"
#include "project/secrets.h"

enum { MAX_SECRETS = 1000 };

// "dev-" and "chess/api_key": the secret dev-chess, its key api_key.
struct address {
    struct str id;
    struct str key; // "" = all of its text
    bool is_parameter;
};

static struct address address_of(struct arena *arena, const struct project_environment *environment,
                                 struct str name)
{
    struct address address = {.is_parameter = str_is(environment->secrets.type, "ssm")};
    struct str prefix = environment->secrets.prefix;
    if (address.is_parameter) {
        while (str_has_suffix(prefix, STR("-")) || str_has_suffix(prefix, STR("/")))
            prefix.length--;
        address.id = arena_printf(arena, "%s%.*s/%.*s",
                                  prefix.length > 0 && prefix.bytes[0] == '/' ? ""
                                  : prefix.length > 0                         ? "/"
                                                                              : "",
                                  STR_ARGS(prefix), STR_ARGS(name));
        return address;
    }
    const size_t slash = str_find_byte(name, '/');
    address.id = str_concat(arena, prefix, str_slice(name, 0, slash));
    if (slash != SIZE_MAX)
        address.key = str_slice(name, slash + 1, name.length);
    return address;
}

// With the lock held. The session and what is kept live as long as the project.
static rc ask(struct project_secrets *secrets, const struct address *address,
              struct secret **ret_secret, struct err *err)
{
    struct aws_session *session;
    struct secret *found = map_get(&secrets->asked, address->id);
    if (found != NULL) {
        *ret_secret = found;
        return RC_OK;
    }
    if (secrets->asked.count == MAX_SECRETS)
        return err_set(err, RC_LIMIT, "more than %d secrets are asked for", (int)MAX_SECRETS);
    TRY(project_aws(secrets->project, &session, err));
    TRY(aws_secret_value(session, secrets->arena,
                         address->is_parameter ? AWS_KEEPER_SSM : AWS_KEEPER_SECRETS_MANAGER,
                         address->id, &found, err));
    map_set(&secrets->asked, arena_str(secrets->arena, address->id), found);
    *ret_secret = found;
    return RC_OK;
}

// The key as it stands, else its parts as keys inside each other.
static const struct json *find_key(const struct json *object, struct str key)
{
    const struct json *value = json_get(object, key);
    struct str rest = key, part;
    if (value != NULL)
        return value;
    value = object;
    while (value != NULL && str_split_next(&rest, '/', &part))
        value = json_get(value, part);
    return value;
}

static rc refuse_text(const struct address *address, struct err *err)
{
    err_set(err, RC_CONFIG,
            "the secret %.*s of Secrets Manager is no JSON object, so it has no key %.*s",
            STR_ARGS(address->id), STR_ARGS(address->key));
    return err_hint(err, "its text reads {\"%.*s\": \"...\"}", STR_ARGS(address->key));
}

// `text` is what is kept: a value may be a piece of it, or a copy of its own, which is overwritten.
static rc take_value(struct arena *arena, const struct address *address, struct str text,
                     const struct json *value, struct str *ret_secret, struct err *err)
{
    if (value == NULL || value->kind == JSON_NULL) {
        err_set(err, RC_NOT_FOUND, "the secret %.*s of Secrets Manager has no key %.*s",
                STR_ARGS(address->id), STR_ARGS(address->key));
        return err_hint(err, "add it with aws secretsmanager put-secret-value, beside the keys "
                             "that are there");
    }
    if (value->kind == JSON_ARRAY || value->kind == JSON_OBJECT)
        return err_set(err, RC_CONFIG, "the key %.*s of the secret %.*s must be a single value",
                       STR_ARGS(address->key), STR_ARGS(address->id));
    if (value->kind == JSON_BOOL) {
        *ret_secret = value->boolean ? STR("true") : STR("false");
        return RC_OK;
    }
    const char *bytes = value->text.bytes;
    *ret_secret = secret_reveal(secret_new(arena, value->text));
    if (bytes < text.bytes || bytes >= text.bytes + text.length)
        secret_wipe((char *)(uintptr_t)bytes, value->text.length);
    return RC_OK;
}

static rc take_key(struct arena *arena, const struct address *address, struct str text,
                   struct str *ret_secret, struct err *err)
{
    struct json object;
    struct arena *scratch = arena_open(NULL);
    const bool is_object =
        json_parse(scratch, text, "secret", &object, NULL) == RC_OK && object.kind == JSON_OBJECT;
    const rc code = is_object ? take_value(arena, address, text, find_key(&object, address->key),
                                           ret_secret, err)
                              : refuse_text(address, err);
    arena_close(scratch);
    return code;
}

rc secrets_ask_aws(struct project_secrets *secrets, struct arena *arena, struct str name,
                   struct str *ret_secret, struct err *err)
{
    const struct project_environment *environment = secrets->project->environment;
    const struct address address = address_of(arena, environment, name);
    struct secret *found;
    pthread_mutex_lock(&secrets->lock);
    rc code = ask(secrets, &address, &found, err);
    pthread_mutex_unlock(&secrets->lock);
    if (code == RC_NOT_FOUND) {
        err_context(err, "there is no secret '%.*s'", STR_ARGS(name));
        err_hint(err,
                 "set %.*s, put it into secrets.yml, or store it in AWS (region and account "
                 "of the environment %.*s)",
                 STR_ARGS(secrets_variable_name(arena, name)), STR_ARGS(environment->name));
    }
    if (code != RC_OK)
        return code;
    if (address.key.length > 0)
        return take_key(arena, &address, secret_reveal(found), ret_secret, err);
    *ret_secret = secret_reveal(secret_new(arena, secret_reveal(found)));
    return RC_OK;
}
