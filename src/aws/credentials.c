// Where credentials come from: the chain, and what a profile says. Layer: aws.
// Threads: called with the session's lock held. Sources: AWS SDKs and Tools Reference Guide
// ("Standardized credential providers"); botocore for the order and for chains of source_profile.
// Limits: MAX_ROLES roles on top of each other.

#include "aws/client.h"
#include "aws/credentials.intern.h"
#include "aws/sts.h"
#include "base/secret.h"
#include "base/time.h"

enum { MAX_ROLES = 16, MAX_TOKEN_BYTES = 64 << 10 };

struct chain {
    struct aws_session *session;
    struct arena *arena;
    const struct aws_config *config;
    const struct aws_section *visited[MAX_ROLES]; // profiles on the way to the source
    size_t visited_count;
    struct str tried; // what was looked at in vain, for the person
};

static void note(struct chain *chain, const char *what, const char *why)
{
    chain->tried = arena_printf(chain->arena, "%.*s%s%s (%s)", STR_ARGS(chain->tried),
                                chain->tried.length > 0 ? ", " : "", what, why);
}

struct str aws_place_of(struct arena *arena, const struct aws_section *profile, const char *key)
{
    const struct aws_property *property = aws_section_property(profile, str_of(key));
    if (property == NULL)
        return arena_printf(arena, "profile '%.*s'", STR_ARGS(profile->name));
    return arena_printf(arena, "profile '%.*s' (%s of %.*s:%d)", STR_ARGS(profile->name), key,
                        STR_ARGS(property->place), property->line);
}

// --- environment -------------------------------------------------------------------------------

static rc from_environment(struct chain *chain, bool *ret_is_found,
                           struct aws_credentials *ret_credentials, struct err *err)
{
    const struct aws_session *session = chain->session;
    const struct str key = str_trim(aws_session_variable(session, "AWS_ACCESS_KEY_ID"));
    const struct str secret = str_trim(aws_session_variable(session, "AWS_SECRET_ACCESS_KEY"));
    *ret_is_found = false;
    if (key.length == 0) {
        note(chain, "environment", "AWS_ACCESS_KEY_ID is not set");
        return RC_OK;
    }
    if (secret.length == 0) {
        err_set(err, RC_CONFIG, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not");
        return err_hint(err, "export both, or neither");
    }
    struct aws_credentials found = {
        .access_key_id = key,
        .secret_access_key = secret,
        .session_token = str_trim(aws_session_variable(session, "AWS_SESSION_TOKEN")),
        .account_id = str_trim(aws_session_variable(session, "AWS_ACCOUNT_ID")),
        .source = "environment",
    };
    const struct str expires = aws_session_variable(session, "AWS_CREDENTIAL_EXPIRATION");
    if (expires.length > 0)
        TRY_CONTEXT(time_parse_rfc3339(expires, &found.expires_us, err), err,
                    "AWS_CREDENTIAL_EXPIRATION");
    *ret_is_found = true;
    *ret_credentials = found;
    return RC_OK;
}

// --- roles -------------------------------------------------------------------------------------

static rc read_role(struct chain *chain, const struct aws_section *profile,
                    struct sts_role *ret_role, struct err *err)
{
    struct sts_role role = {
        .role_arn = aws_section_get(profile, "role_arn"),
        .session_name = aws_section_get(profile, "role_session_name"),
        .external_id = aws_section_get(profile, "external_id"),
    };
    const struct str duration = aws_section_get(profile, "duration_seconds");
    if (duration.length > 0 && (!str_to_int64(duration, &role.duration_s) || role.duration_s <= 0))
        return err_set(err, RC_CONFIG, "'%.*s' is no number of seconds: %s", STR_ARGS(duration),
                       aws_place_of(chain->arena, profile, "duration_seconds").bytes);
    *ret_role = role;
    return RC_OK;
}

static rc with_web_identity(struct chain *chain, struct str token_file, const struct sts_role *role,
                            struct aws_credentials *ret_credentials, struct err *err)
{
    struct str token;
    TRY_CONTEXT(aws_session_read_file(chain->session, chain->arena, token_file, MAX_TOKEN_BYTES,
                                      &token, err),
                err, "the web identity token of role %.*s", STR_ARGS(role->role_arn));
    const rc code = sts_assume_role_with_web_identity(chain->session, chain->arena, str_trim(token),
                                                      role, ret_credentials, err);
    secret_wipe((char *)(uintptr_t)token.bytes, token.length);
    return code;
}

static rc of_profile(struct chain *chain, const struct aws_section *profile,
                     struct aws_credentials *ret_credentials, struct err *err);

static rc of_source(struct chain *chain, const struct aws_section *profile, struct str source,
                    struct aws_credentials *ret_credentials, struct err *err)
{
    bool is_found = true;
    const struct str place = aws_place_of(chain->arena, profile, "credential_source");
    rc code = RC_OK;
    if (str_is(source, "Environment")) {
        code = from_environment(chain, &is_found, ret_credentials, err);
        if (code == RC_OK && !is_found)
            code = err_set(err, RC_DENIED, "AWS_ACCESS_KEY_ID is not set");
    } else if (str_is(source, "EcsContainer")) {
        code = aws_credentials_container(chain->session, chain->arena, ret_credentials, err);
    } else if (str_is(source, "Ec2InstanceMetadata")) {
        code = aws_credentials_instance(chain->session, chain->arena, ret_credentials, err);
        if (code == RC_NOT_FOUND && err != NULL)
            code = err->code = RC_DENIED;
    } else {
        err_set(err, RC_CONFIG, "credential_source '%.*s' is unknown: %.*s", STR_ARGS(source),
                STR_ARGS(place));
        return err_hint(err, "it is Environment, Ec2InstanceMetadata or EcsContainer");
    }
    if (code != RC_OK)
        err_context(err, "%.*s", STR_ARGS(place));
    return code;
}

static rc static_keys(struct chain *chain, const struct aws_section *profile,
                      struct aws_credentials *ret_credentials, struct err *err)
{
    const struct aws_credentials found = {
        .access_key_id = aws_section_get(profile, "aws_access_key_id"),
        .secret_access_key = aws_section_get(profile, "aws_secret_access_key"),
        .session_token = aws_section_get(profile, "aws_session_token"),
        .account_id = aws_section_get(profile, "aws_account_id"),
        .source = "shared files",
    };
    if (found.access_key_id.length == 0 || found.secret_access_key.length == 0) {
        const char *there =
            found.access_key_id.length > 0 ? "aws_access_key_id" : "aws_secret_access_key";
        err_set(err, RC_CONFIG, "%s has only one half of a key",
                aws_place_of(chain->arena, profile, there).bytes);
        return err_hint(err, "set aws_access_key_id and aws_secret_access_key");
    }
    *ret_credentials = found;
    return RC_OK;
}

static bool has_static_keys(const struct aws_section *profile)
{
    return aws_section_property(profile, STR("aws_access_key_id")) != NULL ||
           aws_section_property(profile, STR("aws_secret_access_key")) != NULL;
}

// The credentials that a role is assumed with, of another profile (or of itself: its keys).
static rc of_source_profile(struct chain *chain, const struct aws_section *profile,
                            struct str source, struct aws_credentials *ret_credentials,
                            struct err *err)
{
    const struct str place = aws_place_of(chain->arena, profile, "source_profile");
    const struct aws_section *from = aws_config_section(chain->config, AWS_SECTION_PROFILE, source);
    if (from == NULL)
        return err_set(err, RC_CONFIG, "there is no profile '%.*s': %.*s", STR_ARGS(source),
                       STR_ARGS(place));
    if (from == profile && has_static_keys(profile))
        return static_keys(chain, profile, ret_credentials, err);
    for (size_t i = 0; i < chain->visited_count; i++)
        if (chain->visited[i] == from)
            return err_set(err, RC_CONFIG, "the source profiles run in a circle: %.*s",
                           STR_ARGS(place));
    if (has_static_keys(from)) // before a role of the same profile, as AWS's own tools do
        return static_keys(chain, from, ret_credentials, err);
    return of_profile(chain, from, ret_credentials, err);
}

static rc assume_profile_role(struct chain *chain, const struct aws_section *profile,
                              struct aws_credentials *ret_credentials, struct err *err)
{
    struct sts_role role;
    struct aws_credentials base;
    const struct str source = aws_section_get(profile, "source_profile");
    const struct str named = aws_section_get(profile, "credential_source");
    const struct str place = aws_place_of(chain->arena, profile, "role_arn");
    TRY(read_role(chain, profile, &role, err));
    if (source.length > 0 && named.length > 0)
        return err_set(err, RC_CONFIG,
                       "source_profile and credential_source exclude each other: "
                       "%.*s",
                       STR_ARGS(place));
    if (source.length == 0 && named.length == 0)
        return err_set(err, RC_CONFIG,
                       "the role needs a source_profile or a credential_source: "
                       "%.*s",
                       STR_ARGS(place));
    if (aws_section_get(profile, "mfa_serial").length > 0) {
        err_set(err, RC_DENIED, "the role asks for an MFA code, which is not asked for here: %.*s",
                STR_ARGS(place));
        return err_hint(err,
                        "take the role before: aws configure export-credentials --profile "
                        "%.*s --format env",
                        STR_ARGS(profile->name));
    }
    if (named.length > 0)
        TRY(of_source(chain, profile, named, &base, err));
    else
        TRY(of_source_profile(chain, profile, source, &base, err));
    TRY_CONTEXT(sts_assume_role(chain->session, chain->arena, &base, &role, ret_credentials, err),
                err, "%.*s", STR_ARGS(place));
    return RC_OK;
}

// --- a profile ---------------------------------------------------------------------------------

static rc refuse_login(const struct aws_section *profile, struct err *err)
{
    err_set(err, RC_UNSUPPORTED,
            "profile '%.*s' is signed in by aws login, whose tokens only "
            "AWS's tools read",
            STR_ARGS(profile->name));
    return err_hint(err,
                    "add to another profile: credential_process = aws configure "
                    "export-credentials --profile %.*s --format process",
                    STR_ARGS(profile->name));
}

// RC_EOF: it says nothing about credentials.
static rc of_profile(struct chain *chain, const struct aws_section *profile,
                     struct aws_credentials *ret_credentials, struct err *err)
{
    if (chain->visited_count == MAX_ROLES)
        return err_set(err, RC_LIMIT, "more than %d roles are assumed one with the other",
                       (int)MAX_ROLES);
    chain->visited[chain->visited_count++] = profile;
    const struct str token_file = aws_section_get(profile, "web_identity_token_file");
    const bool has_role = aws_section_get(profile, "role_arn").length > 0;
    if (token_file.length > 0 && !has_role) {
        err_set(err, RC_CONFIG,
                "`web_identity_token_file` was specified but `role_arn` was "
                "missing: %s",
                aws_place_of(chain->arena, profile, "web_identity_token_file").bytes);
        return err_hint(err, "set role_arn in the same profile");
    }
    if (token_file.length > 0) {
        struct sts_role role;
        TRY(read_role(chain, profile, &role, err));
        return with_web_identity(chain, token_file, &role, ret_credentials, err);
    }
    if (has_role)
        return assume_profile_role(chain, profile, ret_credentials, err);
    if (aws_section_property(profile, STR("sso_session")) != NULL ||
        aws_section_property(profile, STR("sso_start_url")) != NULL)
        return aws_credentials_sso(chain->session, chain->arena, chain->config, profile,
                                   ret_credentials, err);
    if (has_static_keys(profile))
        return static_keys(chain, profile, ret_credentials, err);
    if (aws_section_get(profile, "credential_process").length > 0)
        return aws_credentials_process(chain->session, chain->arena, profile, ret_credentials, err);
    if (aws_section_property(profile, STR("login_session")) != NULL)
        return refuse_login(profile, err);
    if (chain->visited_count > 1)
        return err_set(err, RC_CONFIG, "profile '%.*s' is a source_profile and has no credentials",
                       STR_ARGS(profile->name));
    return RC_EOF;
}

static rc no_such_profile(struct chain *chain, struct str name, struct err *err)
{
    str_vec names = {0};
    for (size_t i = 0; i < chain->config->sections.count; i++)
        if (chain->config->sections.items[i].kind == AWS_SECTION_PROFILE)
            *vec_push(chain->arena, &names) = chain->config->sections.items[i].name;
    err_set(err, RC_CONFIG,
            "there is no profile '%.*s' in the files ~/.aws/config and "
            "~/.aws/credentials (or those that AWS_CONFIG_FILE and "
            "AWS_SHARED_CREDENTIALS_FILE name)",
            STR_ARGS(name));
    const size_t near = str_nearest(name, names.items, names.count);
    if (near != SIZE_MAX)
        return err_hint(err, "did you mean '%.*s'?", STR_ARGS(names.items[near]));
    const struct str list = str_join(chain->arena, names.items, names.count, STR(", "));
    return err_hint(err, "profiles: %.*s", STR_ARGS(names.count > 0 ? list : STR("none")));
}

// RC_EOF: nothing to be had there.
static rc from_profile(struct chain *chain, struct str name, bool is_named,
                       struct aws_credentials *ret_credentials, struct err *err)
{
    const struct aws_section *profile =
        aws_config_section(chain->config, AWS_SECTION_PROFILE, name);
    if (profile == NULL && is_named)
        return no_such_profile(chain, name, err);
    const rc code = profile == NULL ? RC_EOF : of_profile(chain, profile, ret_credentials, err);
    if (code == RC_EOF)
        note(chain, arena_printf(chain->arena, "profile '%.*s'", STR_ARGS(name)).bytes,
             profile == NULL ? "the shared files do not have it" : "it has no credentials");
    return code;
}

// --- the chain ---------------------------------------------------------------------------------

// RC_EOF: the environment names no token.
static rc from_web_identity(struct chain *chain, struct aws_credentials *ret_credentials,
                            struct err *err)
{
    const struct aws_session *session = chain->session;
    const struct str file = aws_session_variable(session, "AWS_WEB_IDENTITY_TOKEN_FILE");
    const struct sts_role role = {
        .role_arn = aws_session_variable(session, "AWS_ROLE_ARN"),
        .session_name = aws_session_variable(session, "AWS_ROLE_SESSION_NAME"),
    };
    if (file.length == 0) {
        note(chain, "web identity", "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
        return RC_EOF;
    }
    if (role.role_arn.length == 0)
        return err_set(err, RC_CONFIG,
                       "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not");
    return with_web_identity(chain, file, &role, ret_credentials, err);
}

static rc from_machine(struct chain *chain, struct aws_credentials *ret_credentials,
                       struct err *err)
{
    if (aws_container_is_set(chain->session))
        return aws_credentials_container(chain->session, chain->arena, ret_credentials, err);
    note(chain, "container", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set");
    struct err why = {0};
    const rc code = aws_credentials_instance(chain->session, chain->arena, ret_credentials, &why);
    if (code == RC_OK)
        return RC_OK;
    if (code == RC_INTERRUPTED) {
        if (err != NULL)
            *err = why;
        return code;
    }
    note(chain, "instance metadata", why.message);
    err_set(err, RC_DENIED, "no AWS credentials: looked at %.*s", STR_ARGS(chain->tried));
    return err_hint(err, "export AWS_PROFILE or run aws sso login; in AWS give the function, task "
                         "or machine a role");
}

// RC_EOF: it has none.
static rc from_environment_if(struct chain *chain, bool is_asked,
                              struct aws_credentials *ret_credentials, struct err *err)
{
    bool is_found = false;
    if (is_asked)
        TRY(from_environment(chain, &is_found, ret_credentials, err));
    return is_found ? RC_OK : RC_EOF;
}

static rc find(struct chain *chain, struct aws_credentials *ret_credentials, struct err *err)
{
    bool is_named;
    const struct str name = aws_session_profile_name(chain->session, &is_named);
    // A profile of moulin.yml comes first where this machine has it.
    const bool is_first = chain->session->options.profile.length > 0 &&
                          aws_config_section(chain->config, AWS_SECTION_PROFILE, name) != NULL;
    rc code = from_environment_if(chain, !is_first, ret_credentials, err);
    if (code == RC_EOF && is_named)
        code = from_profile(chain, name, true, ret_credentials, err);
    if (code == RC_EOF)
        code = from_environment_if(chain, is_first, ret_credentials, err);
    if (code == RC_EOF)
        code = from_web_identity(chain, ret_credentials, err);
    if (code == RC_EOF && !is_named)
        code = from_profile(chain, name, false, ret_credentials, err);
    return code == RC_EOF ? from_machine(chain, ret_credentials, err) : code;
}

rc aws_credentials_find(struct aws_session *session, struct arena *arena,
                        struct aws_credentials *ret_credentials, struct err *err)
{
    struct chain chain = {.session = session, .arena = arena, .tried = STR("")};
    struct aws_credentials found;
    TRY(aws_session_config(session, &chain.config, err));
    TRY(find(&chain, &found, err));
    const struct aws_options *options = &session->options;
    if (options->role_arn.length > 0) {
        const struct aws_credentials base = found;
        const struct sts_role role = {
            .role_arn = options->role_arn,
            .session_name = options->role_session_name,
            .external_id = options->role_external_id,
            .duration_s = options->role_duration_s,
        };
        TRY(sts_assume_role(session, arena, &base, &role, &found, err));
    }
    *ret_credentials = found;
    return RC_OK;
}

// --- answers of providers ----------------------------------------------------------------------

rc aws_credentials_of_json(struct arena *arena, struct str text, const char *what,
                           const struct aws_credentials_keys *keys,
                           struct aws_credentials *ret_credentials, struct err *err)
{
    struct json body;
    rc code = json_parse(arena, text, what, &body, NULL); // its message could show the secret
    struct aws_credentials found = {0};
    if (code != RC_OK || body.kind != JSON_OBJECT) {
        code = err_set(err, RC_INVALID, "%s is no JSON object", what);
    } else {
        found = (struct aws_credentials){
            .access_key_id = json_str(json_get(&body, str_of(keys->key_id)), STR("")),
            .secret_access_key = json_str(json_get(&body, str_of(keys->secret)), STR("")),
            .session_token = json_str(json_get(&body, str_of(keys->token)), STR("")),
            .account_id = json_str(json_get(&body, str_of(keys->account_id)), STR("")),
        };
        const struct str expires = json_str(json_get(&body, str_of(keys->expiration)), STR(""));
        if (found.access_key_id.length == 0 || found.secret_access_key.length == 0)
            code =
                err_set(err, RC_INVALID, "%s has no %s or no %s", what, keys->key_id, keys->secret);
        else if (expires.length > 0 &&
                 time_parse_rfc3339(expires, &found.expires_us, NULL) != RC_OK)
            code = err_set(err, RC_INVALID, "%s: %s '%.*s' is no time", what, keys->expiration,
                           STR_ARGS(expires));
        else
            *ret_credentials = aws_credentials_copy(arena, &found);
    }
    secret_wipe((char *)(uintptr_t)text.bytes, text.length);
    return code;
}
