// IAM Identity Center: the token that `aws sso login` left, exchanged for a role's credentials.
// Layer: aws. Threads: called with the session's lock held. Sources: AWS SDKs and Tools Reference
// Guide ("IAM Identity Center credential provider"); botocore tokens.py for refreshing.

#include "aws/client.h"
#include "aws/credentials.intern.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/time.h"
#include "net/url.h"

enum { MAX_CACHE_BYTES = 1 << 20 };

// A token is refreshed so long before it expires.
#define REFRESH_BEFORE_US (INT64_C(15) * 60 * TIME_US_PER_SECOND)

struct sso {
    struct aws_session *session;
    struct arena *arena;
    struct str profile;
    struct str session_name; // "" = the older form without sso-session
    struct str start_url, region, account_id, role_name;
    struct str path; // of the cached token
};

// --- settings ----------------------------------------------------------------------------------

static rc need(const struct sso *sso, const struct aws_section *section, const char *key,
               struct str *ret_value, struct err *err)
{
    *ret_value = aws_section_get(section, key);
    if (ret_value->length > 0)
        return RC_OK;
    err_set(err, RC_CONFIG, "profile '%.*s' uses IAM Identity Center and %s is not set",
            STR_ARGS(sso->profile), key);
    return err_hint(err, "run aws configure sso");
}

static rc read_settings(struct sso *sso, const struct aws_config *config,
                        const struct aws_section *profile, struct err *err)
{
    const struct aws_section *from = profile;
    sso->session_name = aws_section_get(profile, "sso_session");
    if (sso->session_name.length > 0) {
        from = aws_config_section(config, AWS_SECTION_SSO_SESSION, sso->session_name);
        if (from == NULL)
            return err_set(err, RC_CONFIG, "there is no [sso-session %.*s]: %s",
                           STR_ARGS(sso->session_name),
                           aws_place_of(sso->arena, profile, "sso_session").bytes);
    }
    TRY(need(sso, from, "sso_start_url", &sso->start_url, err));
    TRY(need(sso, from, "sso_region", &sso->region, err));
    TRY(need(sso, profile, "sso_account_id", &sso->account_id, err));
    TRY(need(sso, profile, "sso_role_name", &sso->role_name, err));
    const struct str key = sso->session_name.length > 0 ? sso->session_name : sso->start_url;
    const struct str hash = hash_hex(sso->arena, hash_of(HASH_SHA1, key));
    sso->path = arena_printf(sso->arena, "~/.aws/sso/cache/%.*s.json", STR_ARGS(hash));
    return RC_OK;
}

// --- token -------------------------------------------------------------------------------------

static rc hint_login(const struct sso *sso, struct err *err)
{
    if (sso->session_name.length > 0)
        return err_hint(err, "run: aws sso login --sso-session %.*s", STR_ARGS(sso->session_name));
    return err_hint(err, "run: aws sso login --profile %.*s", STR_ARGS(sso->profile));
}

static rc read_token(const struct sso *sso, struct json *ret_token, struct err *err)
{
    const struct str path = aws_session_expand(sso->session, sso->arena, sso->path);
    struct str text;
    struct err why = {0};
    rc code =
        aws_session_read_file(sso->session, sso->arena, sso->path, MAX_CACHE_BYTES, &text, &why);
    if (code != RC_OK) {
        const char *reason = code == RC_NOT_FOUND ? "No such file or directory" : why.message;
        err_set(err, RC_DENIED, "profile '%.*s' is not logged in: failed to read `%.*s`: %s",
                STR_ARGS(sso->profile), STR_ARGS(path), reason);
        return hint_login(sso, err);
    }
    if (json_parse(sso->arena, text, "token", ret_token, NULL) != RC_OK ||
        json_str(json_get(ret_token, STR("accessToken")), STR("")).length == 0) {
        err_set(err, RC_DENIED, "`%.*s` holds no token", STR_ARGS(path));
        return hint_login(sso, err);
    }
    return RC_OK;
}

static int64_t time_in(const struct json *token, const char *key)
{
    int64_t us;
    const struct str text = json_str(json_get(token, str_of(key)), STR(""));
    return time_parse_rfc3339(text, &us, NULL) == RC_OK ? us : 0;
}

static void set_text(struct arena *arena, struct json *object, const char *key, struct str text)
{
    *json_object_set(arena, object, str_of(key)) = json_of_str(text);
}

// Writes the refreshed token back, for AWS's tools as well. That this fails is no reason to fail.
static void keep_token(const struct sso *sso, const struct json *token)
{
    struct err why = {0};
    const struct str path = str_concat(sso->arena, sso->session->options.root,
                                       aws_session_expand(sso->session, sso->arena, sso->path));
    const struct str text = json_print(sso->arena, token, JSON_COMPACT);
    if (fs_write(path, text, (struct fs_write_options){.is_secret = true}, &why) != RC_OK)
        log_debug("the refreshed token was not kept: %s", why.message);
    secret_wipe((char *)(uintptr_t)text.bytes, text.length);
}

// @return RC_OK with a changed token | RC_EOF (it cannot be refreshed)
static rc refresh_token(const struct sso *sso, struct json *token, struct err *err)
{
    const int64_t now_us = aws_session_now_us(sso->session);
    struct arena *arena = sso->arena;
    static const char *const members[][2] = {{"clientId", "clientId"},
                                             {"clientSecret", "clientSecret"},
                                             {"refreshToken", "refreshToken"}};
    struct json body = {.kind = JSON_OBJECT};
    set_text(arena, &body, "grantType", STR("refresh_token"));
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const struct str value = json_str(json_get(token, str_of(members[i][0])), STR(""));
        if (value.length == 0)
            return RC_EOF;
        set_text(arena, &body, members[i][1], value);
    }
    if (time_in(token, "registrationExpiresAt") <= now_us)
        return RC_EOF;
    const struct http_header type = {STR("Content-Type"), STR("application/json")};
    const struct aws_call call = {.action = "CreateToken",
                                  .method = STR("POST"),
                                  .path = STR("/token"),
                                  .headers = &type,
                                  .header_count = 1,
                                  .body = json_print(arena, &body, JSON_COMPACT),
                                  .is_unsigned = true,
                                  .region = sso->region};
    struct aws_client *client;
    struct json answer;
    TRY(aws_client_open(arena, sso->session, &aws_sso_oidc, &client, err));
    TRY(aws_call_json(client, arena, &call, &answer, NULL, err));
    const struct str access = json_str(json_get(&answer, STR("accessToken")), STR(""));
    if (access.length == 0)
        return err_set(err, RC_INVALID, "the answer of sso-oidc:CreateToken holds no token");
    const int64_t expires_us =
        now_us + json_int64(json_get(&answer, STR("expiresIn")), 0) * TIME_US_PER_SECOND;
    set_text(arena, token, "accessToken", access);
    set_text(arena, token, "expiresAt", time_format(arena, expires_us, TIME_ISO_Z));
    const struct str next = json_str(json_get(&answer, STR("refreshToken")), STR(""));
    if (next.length > 0)
        set_text(arena, token, "refreshToken", next);
    keep_token(sso, token);
    return RC_OK;
}

static rc fresh_token(const struct sso *sso, struct str *ret_access, struct err *err)
{
    struct json token;
    struct err why = {0};
    TRY(read_token(sso, &token, err));
    const int64_t left_us = time_in(&token, "expiresAt") - aws_session_now_us(sso->session);
    if (left_us < REFRESH_BEFORE_US && sso->session_name.length > 0) {
        const rc code = refresh_token(sso, &token, &why);
        if (code != RC_OK && code != RC_EOF)
            log_debug("the IAM Identity Center token was not refreshed: %s", why.message);
    }
    if (time_in(&token, "expiresAt") <= aws_session_now_us(sso->session)) {
        err_set(err, RC_DENIED, "the login of profile '%.*s' at %.*s has expired%s%s",
                STR_ARGS(sso->profile), STR_ARGS(sso->start_url),
                why.message[0] != '\0' ? ", and refreshing it failed: " : "", why.message);
        return hint_login(sso, err);
    }
    *ret_access = json_str(json_get(&token, STR("accessToken")), STR(""));
    return RC_OK;
}

// --- credentials -------------------------------------------------------------------------------

static rc read_credentials(const struct sso *sso, const struct json *answer,
                           struct aws_credentials *ret_credentials, struct err *err)
{
    const struct json *keys = json_get(answer, STR("roleCredentials"));
    const struct aws_credentials found = {
        .access_key_id = json_str(json_get(keys, STR("accessKeyId")), STR("")),
        .secret_access_key = json_str(json_get(keys, STR("secretAccessKey")), STR("")),
        .session_token = json_str(json_get(keys, STR("sessionToken")), STR("")),
        .account_id = sso->account_id,
        .expires_us = json_int64(json_get(keys, STR("expiration")), 0) * 1000,
        .source = "IAM Identity Center",
    };
    if (found.access_key_id.length == 0 || found.secret_access_key.length == 0)
        return err_set(err, RC_INVALID, "the answer of sso:GetRoleCredentials holds none");
    *ret_credentials = aws_credentials_copy(sso->arena, &found);
    return RC_OK;
}

static rc role_credentials(const struct sso *sso, struct str token,
                           struct aws_credentials *ret_credentials, struct err *err)
{
    struct arena *arena = sso->arena;
    const struct str account = url_encode(arena, sso->account_id, STR(""));
    const struct str role = url_encode(arena, sso->role_name, STR(""));
    const struct http_header header = {STR("x-amz-sso_bearer_token"), token};
    const struct aws_call call = {.action = "GetRoleCredentials",
                                  .resource = arena_printf(arena, "role %.*s of account %.*s",
                                                           STR_ARGS(sso->role_name),
                                                           STR_ARGS(sso->account_id)),
                                  .path = STR("/federation/credentials"),
                                  .query = arena_printf(arena, "account_id=%.*s&role_name=%.*s",
                                                        STR_ARGS(account), STR_ARGS(role)),
                                  .headers = &header,
                                  .header_count = 1,
                                  .is_unsigned = true,
                                  .region = sso->region};
    struct aws_client *client;
    struct aws_failure failure;
    struct json answer;
    TRY(aws_client_open(arena, sso->session, &aws_sso, &client, err));
    const rc code = aws_call_json(client, arena, &call, &answer, &failure, err);
    if (code == RC_DENIED && failure.status == 401)
        return hint_login(sso, err);
    if (code != RC_OK)
        return code;
    return read_credentials(sso, &answer, ret_credentials, err);
}

rc aws_credentials_sso(struct aws_session *session, struct arena *arena,
                       const struct aws_config *config, const struct aws_section *profile,
                       struct aws_credentials *ret_credentials, struct err *err)
{
    struct sso sso = {.session = session, .arena = arena, .profile = profile->name};
    struct str token;
    TRY(read_settings(&sso, config, profile, err));
    TRY(fresh_token(&sso, &token, err));
    return role_credentials(&sso, token, ret_credentials, err);
}
