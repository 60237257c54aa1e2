// Credentials of an API. Layer: ingest. Source: dlt's REST client; RFC 6749 4.4 for OAuth 2.
// Threads: an auth belongs to one source run.

#include "ingest/source/auth.h"

#include "base/time.h"
#include "ingest/source/placeholder.h"
#include "net/recording.h"
#include "net/url.h"

struct auth_class;

struct auth {
    const struct auth_class *class;
    struct arena *arena;
    struct str name;   // api_key: of the header or parameter
    struct str secret; // token, key, password, client secret
    struct str user;   // user name, client id
    bool is_parameter; // api_key: in the URL
    struct str token_url;
    const struct json *token_data;
    int64_t default_expiration_s;
    struct str token;
    int64_t token_until_us; // monotonic
};

struct auth_call {
    struct arena *arena;
    struct http_client *http;
    struct recording *recording;
    struct http_request *request;
    http_header_vec *headers;
};

struct auth_class {
    const char *name;
    const char *const *arguments; // beside "type"; those before the first "" are required
    rc (*open)(struct auth *auth, const struct json *config, struct err *err);
    rc (*apply)(struct auth *auth, const struct auth_call *call, struct err *err);
};

static struct str text_of(const struct json *config, const char *name)
{
    const struct json *value = json_get(config, str_of(name));
    if (value != NULL && value->kind == JSON_NUMBER)
        return value->text;
    return json_str(value, STR(""));
}

// Headers of the same name are replaced, so that credentials win over plain headers.
static void set_header(const struct auth_call *call, struct str name, struct str value)
{
    for (size_t i = 0; i < call->headers->count; i++) {
        if (str_equal_ignore_case(call->headers->items[i].name, name)) {
            call->headers->items[i].value = value;
            return;
        }
    }
    *vec_push(call->arena, call->headers) = (struct http_header){name, value};
}

static rc set_bearer(const struct auth_call *call, struct str token)
{
    set_header(call, STR("Authorization"),
               arena_printf(call->arena, "Bearer %.*s", STR_ARGS(token)));
    return RC_OK;
}

static rc bearer_open(struct auth *auth, const struct json *config, struct err *err)
{
    (void)err;
    auth->secret = text_of(config, "token");
    return RC_OK;
}

static rc bearer_apply(struct auth *auth, const struct auth_call *call, struct err *err)
{
    (void)err;
    return set_bearer(call, auth->secret);
}

static rc api_key_open(struct auth *auth, const struct json *config, struct err *err)
{
    auth->secret = text_of(config, "api_key");
    auth->name = text_of(config, "name");
    if (auth->name.length == 0)
        auth->name = STR("Authorization");
    const struct str location = text_of(config, "location");
    auth->is_parameter = str_is(location, "query") || str_is(location, "param");
    if (auth->is_parameter || location.length == 0 || str_is(location, "header"))
        return RC_OK;
    err_set(err, RC_CONFIG, "auth api_key: location '%.*s' is not one of header, query, param",
            STR_ARGS(location));
    if (str_is(location, "cookie"))
        return err_hint(err, "a cookie is a header: name: Cookie, api_key: \"name=value\"");
    return RC_CONFIG;
}

static bool has_parameter(struct arena *arena, struct str url, struct str name)
{
    struct url parts;
    if (url_parse(url, &parts, NULL) != RC_OK || !parts.has_query)
        return false;
    struct str rest = parts.query, part;
    while (str_split_next(&rest, '&', &part)) {
        const size_t equals = str_find_byte(part, '=');
        const struct str key = str_slice(part, 0, equals == SIZE_MAX ? part.length : equals);
        if (str_equal(url_decode(arena, key, true), name))
            return true;
    }
    return false;
}

static rc api_key_apply(struct auth *auth, const struct auth_call *call, struct err *err)
{
    (void)err;
    struct http_request *request = call->request;
    if (!auth->is_parameter) {
        set_header(call, auth->name, auth->secret);
        request->secret_headers = &auth->name;
        request->secret_header_count = 1;
        return RC_OK;
    }
    // A link to the next page often carries the key already.
    if (!has_parameter(call->arena, request->url, auth->name))
        request->url = url_add_parameter(call->arena, request->url, auth->name, auth->secret);
    request->secret_parameters = &auth->name;
    request->secret_parameter_count = 1;
    return RC_OK;
}

static rc basic_open(struct auth *auth, const struct json *config, struct err *err)
{
    (void)err;
    auth->user = text_of(config, "username");
    auth->secret = text_of(config, "password");
    return RC_OK;
}

static rc basic_apply(struct auth *auth, const struct auth_call *call, struct err *err)
{
    (void)err;
    set_header(call, STR("Authorization"), http_basic(call->arena, auth->user, auth->secret));
    return RC_OK;
}

static rc oauth2_open(struct auth *auth, const struct json *config, struct err *err)
{
    auth->token_url = text_of(config, "access_token_url");
    auth->user = text_of(config, "client_id");
    auth->secret = text_of(config, "client_secret");
    auth->token_data = json_get(config, STR("access_token_request_data"));
    auth->default_expiration_s =
        json_int64(json_get(config, STR("default_token_expiration")), 3600);
    struct url checked;
    TRY_CONTEXT(url_parse(auth->token_url, &checked, err), err,
                "auth oauth2_client_credentials: access_token_url");
    return RC_OK;
}

static struct str token_form(struct auth *auth, struct arena *arena)
{
    struct json form = {.kind = JSON_OBJECT};
    *json_object_set(arena, &form, STR("client_id")) = json_of_str(auth->user);
    *json_object_set(arena, &form, STR("client_secret")) = json_of_str(auth->secret);
    *json_object_set(arena, &form, STR("grant_type")) = json_of_str(STR("client_credentials"));
    const struct json *extra = auth->token_data;
    for (size_t i = 0; extra != NULL && extra->kind == JSON_OBJECT && i < extra->count; i++)
        *json_object_set(arena, &form, extra->members[i].key) = extra->members[i].value;
    str_vec parts = {0};
    for (size_t i = 0; i < form.count; i++) {
        const struct str name = url_encode_form(arena, form.members[i].key);
        const struct str value =
            url_encode_form(arena, placeholder_text_of(arena, &form.members[i].value));
        *vec_push(arena, &parts) =
            arena_printf(arena, "%.*s=%.*s", STR_ARGS(name), STR_ARGS(value));
    }
    return str_join(arena, parts.items, parts.count, STR("&"));
}

static rc fetch_token(struct auth *auth, const struct auth_call *call, struct err *err)
{
    struct arena *arena = call->arena;
    const struct http_header header = {STR("Content-Type"),
                                       STR("application/x-www-form-urlencoded")};
    const struct http_request request = {
        .method = STR("POST"),
        .url = auth->token_url,
        .headers = &header,
        .header_count = 1,
        .body = token_form(auth, arena),
        .has_secret_bodies = true,
    };
    struct http_response response;
    struct json answer;
    TRY(http_send(call->http, arena, &request, &response, err));
    TRY(http_check(&response, err));
    TRY(http_json(&response, arena, &answer, err));
    const struct str token = json_str(json_get(&answer, STR("access_token")), STR(""));
    if (token.length == 0)
        return err_set(err, RC_HTTP, "%.*s answered without an access_token",
                       STR_ARGS(url_redact(arena, auth->token_url)));
    double seconds = (double)auth->default_expiration_s;
    const struct json *expires = json_get(&answer, STR("expires_in"));
    if (expires != NULL && expires->kind == JSON_STRING)
        (void)str_to_double(expires->text, &seconds);
    else if (expires != NULL)
        (void)json_to_double(expires, &seconds);
    auth->token = arena_str(auth->arena, token);
    // A little early, so that it does not run out on the way.
    const double margin = seconds > 120 ? 30 : seconds / 10;
    auth->token_until_us = time_monotonic_us() + (int64_t)((seconds - margin) * 1e6);
    if (call->recording != NULL)
        recording_add_secret(call->recording, auth->token);
    return RC_OK;
}

static rc oauth2_apply(struct auth *auth, const struct auth_call *call, struct err *err)
{
    if (auth->token.length == 0 || time_monotonic_us() >= auth->token_until_us)
        TRY_CONTEXT(fetch_token(auth, call, err), err, "cannot get an access token");
    return set_bearer(call, auth->token);
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__})

static const struct auth_class classes[] = {
    {"bearer", ARGUMENTS("token", NULL), bearer_open, bearer_apply},
    {"api_key", ARGUMENTS("api_key", "", "name", "location", NULL), api_key_open, api_key_apply},
    {"http_basic", ARGUMENTS("username", "password", NULL), basic_open, basic_apply},
    {"oauth2_client_credentials",
     ARGUMENTS("access_token_url", "client_id", "client_secret", "", "access_token_request_data",
               "default_token_expiration", NULL),
     oauth2_open, oauth2_apply},
};
enum { CLASS_COUNT = sizeof classes / sizeof *classes };

static rc check_arguments(const struct auth_class *class, const struct json *config,
                          struct err *err)
{
    bool is_required = true;
    for (size_t k = 0; class->arguments[k] != NULL; k++) {
        is_required &= class->arguments[k][0] != '\0';
        if (is_required && text_of(config, class->arguments[k]).length == 0)
            return err_set(err, RC_CONFIG, "auth %s wants %s", class->name, class->arguments[k]);
    }
    for (size_t i = 0; i < config->count; i++) {
        const struct str key = config->members[i].key;
        bool is_known = str_is(key, "type");
        for (size_t k = 0; class->arguments[k] != NULL; k++)
            is_known |= str_is(key, class->arguments[k]);
        if (!is_known)
            return err_set(err, RC_CONFIG, "auth %s takes no '%.*s'", class->name, STR_ARGS(key));
    }
    return RC_OK;
}

rc auth_open(struct arena *arena, const struct json *config, struct auth **ret_auth,
             struct err *err)
{
    *ret_auth = NULL;
    if (config == NULL || config->kind == JSON_NULL)
        return RC_OK;
    if (config->kind != JSON_OBJECT)
        return err_set(err, RC_CONFIG, "auth wants a mapping: {type: bearer, token: ...}");
    const struct str type = json_str(json_get(config, STR("type")), STR("bearer"));
    struct str names[CLASS_COUNT];
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        names[i] = str_of(classes[i].name);
        if (!str_equal(type, names[i]))
            continue;
        TRY(check_arguments(&classes[i], config, err));
        struct auth *auth = ARENA_NEW(arena, struct auth);
        auth->class = &classes[i];
        auth->arena = arena;
        TRY(classes[i].open(auth, config, err));
        *ret_auth = auth;
        return RC_OK;
    }
    const size_t nearest = str_nearest(type, names, CLASS_COUNT);
    err_set(err, RC_CONFIG, "there is no auth type '%.*s'", STR_ARGS(type));
    if (nearest != SIZE_MAX)
        return err_hint(err, "did you mean %s?", classes[nearest].name);
    return err_hint(err, "there are bearer, api_key, http_basic and oauth2_client_credentials");
}

rc auth_apply(struct auth *auth, struct arena *arena, struct http_client *http,
              struct recording *recording, struct http_request *request, http_header_vec *headers,
              struct err *err)
{
    if (auth == NULL)
        return RC_OK;
    const struct auth_call call = {arena, http, recording, request, headers};
    return auth->class->apply(auth, &call, err);
}

void auth_secrets(const struct auth *auth, void (*hide)(void *ctx, struct str secret), void *ctx)
{
    if (auth == NULL)
        return;
    hide(ctx, auth->secret);
    if (auth->token_url.length > 0)
        hide(ctx, auth->user); // a client id is half of the credentials
}
