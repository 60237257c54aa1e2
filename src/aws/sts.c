// Security Token Service. Layer: aws. Threads: as aws_call. Source: botocore's model of STS.

#include "aws/sts.h"

#include "aws/client.h"
#include "aws/session.intern.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/xml.h"
#include "net/url.h"

// Roles are taken with STS of the region at hand; without any, with that of us-east-1.
static rc sts_region(struct aws_session *session, struct arena *arena, struct str wanted,
                     struct str *ret_region, struct err *err)
{
    struct str region = wanted;
    if (region.length == 0)
        TRY(aws_session_configured_region(session, arena, &region, err));
    *ret_region = region.length > 0 ? region : STR("us-east-1");
    return RC_OK;
}

static struct str add_parameter(struct arena *arena, struct str body, const char *name,
                                struct str value)
{
    if (value.length == 0)
        return body;
    const struct str encoded = url_encode(arena, value, STR(""));
    return arena_printf(arena, "%.*s%s%s=%.*s", STR_ARGS(body), body.length > 0 ? "&" : "", name,
                        STR_ARGS(encoded));
}

static struct str role_body(struct arena *arena, const struct sts_role *role)
{
    struct str body = add_parameter(arena, STR(""), "RoleArn", role->role_arn);
    body = add_parameter(arena, body, "RoleSessionName",
                         role->session_name.length > 0 ? role->session_name : STR("moulin"));
    body = add_parameter(arena, body, "ExternalId", role->external_id);
    if (role->duration_s > 0)
        body = add_parameter(arena, body, "DurationSeconds",
                             arena_printf(arena, "%lld", (long long)role->duration_s));
    return body;
}

// "arn:aws:sts::123456789012:assumed-role/..." belongs to 123456789012.
static struct str account_of_arn(struct str arn)
{
    struct str part = STR("");
    for (int i = 0; i < 5; i++)
        if (!str_split_next(&arn, ':', &part))
            return STR("");
    return part;
}

static void wipe(struct str text)
{
    secret_wipe((char *)(uintptr_t)text.bytes, text.length);
}

static rc read_credentials(struct arena *arena, const struct xml *result, const char *what,
                           struct aws_credentials *ret_credentials, struct err *err)
{
    const struct xml *keys = xml_get(result, "Credentials");
    struct aws_credentials found = {
        .access_key_id = xml_text(keys, "AccessKeyId"),
        .secret_access_key = xml_text(keys, "SecretAccessKey"),
        .session_token = xml_text(keys, "SessionToken"),
        .account_id = account_of_arn(xml_text(xml_get(result, "AssumedRoleUser"), "Arn")),
        .source = "assumed role",
    };
    if (found.access_key_id.length == 0 || found.secret_access_key.length == 0)
        return err_set(err, RC_INVALID, "the answer of sts:%s holds no credentials", what);
    TRY_CONTEXT(time_parse_rfc3339(xml_text(keys, "Expiration"), &found.expires_us, err), err,
                "the answer of sts:%s", what);
    *ret_credentials = aws_credentials_copy(arena, &found);
    wipe(found.secret_access_key);
    wipe(found.session_token);
    return RC_OK;
}

static rc assume(struct aws_session *session, struct arena *arena, const struct aws_call *call,
                 const char *result_name, struct aws_credentials *ret_credentials, struct err *err)
{
    struct aws_client *client;
    struct http_response response;
    const struct xml *root;
    struct arena *scratch = arena_open(NULL);
    rc code = aws_client_open(scratch, session, &aws_sts, &client, err);
    if (code == RC_OK)
        code = aws_call(client, scratch, call, &response, NULL, err);
    if (code == RC_OK) {
        code = xml_parse(scratch, response.body, call->action, &root, err);
        wipe(response.body);
    }
    if (code == RC_OK)
        code =
            read_credentials(arena, xml_get(root, result_name), call->action, ret_credentials, err);
    arena_close(scratch);
    return code;
}

rc sts_assume_role(struct aws_session *session, struct arena *arena,
                   const struct aws_credentials *base, const struct sts_role *role,
                   struct aws_credentials *ret_credentials, struct err *err)
{
    struct aws_call call = {.action = "AssumeRole",
                            .resource = arena_printf(arena, "role %.*s", STR_ARGS(role->role_arn)),
                            .body = role_body(arena, role),
                            .credentials = base};
    TRY(sts_region(session, arena, role->region, &call.region, err));
    return assume(session, arena, &call, "AssumeRoleResult", ret_credentials, err);
}

rc sts_assume_role_with_web_identity(struct aws_session *session, struct arena *arena,
                                     struct str token, const struct sts_role *role,
                                     struct aws_credentials *ret_credentials, struct err *err)
{
    struct aws_call call = {
        .action = "AssumeRoleWithWebIdentity",
        .resource = arena_printf(arena, "role %.*s", STR_ARGS(role->role_arn)),
        .body = add_parameter(arena, role_body(arena, role), "WebIdentityToken", token),
        .is_unsigned = true};
    TRY(sts_region(session, arena, role->region, &call.region, err));
    const rc code =
        assume(session, arena, &call, "AssumeRoleWithWebIdentityResult", ret_credentials, err);
    wipe(call.body);
    return code;
}

rc sts_caller_identity(struct aws_session *session, struct arena *arena,
                       struct sts_identity *ret_identity, struct err *err)
{
    struct aws_client *client;
    struct http_response response;
    const struct xml *root;
    struct aws_call call = {.action = "GetCallerIdentity"};
    TRY(sts_region(session, arena, STR(""), &call.region, err));
    TRY(aws_client_open(arena, session, &aws_sts, &client, err));
    TRY(aws_call(client, arena, &call, &response, NULL, err));
    TRY(xml_parse(arena, response.body, "the answer of sts:GetCallerIdentity", &root, err));
    const struct xml *result = xml_get(root, "GetCallerIdentityResult");
    *ret_identity = (struct sts_identity){xml_text(result, "Account"), xml_text(result, "Arn"),
                                          xml_text(result, "UserId")};
    return RC_OK;
}
