// The requests of a rest_api resource: placeholders filled in, parameters and bodies encoded,
// headers and credentials added. Layer: ingest. Source: dlt and the requests library for the
// spelling of parameters (True/False, repeated lists, null left out).

#include "ingest/source/placeholder.h"
#include "ingest/source/rest.intern.h"
#include "net/url.h"

const struct json *rest_parent_value(const struct rest_binding *binding, const struct json *record)
{
    // A list of plain texts has records that are texts: they answer to "value" (the column that
    // such a record gets) and to "$".
    if (record->kind != JSON_OBJECT && str_is(binding->field, "value"))
        return record;
    return selector_first(binding->selector, record);
}

static rc no_such_field(const struct rest_call *call, const struct rest_binding *binding,
                        struct err *err)
{
    const struct json *record = call->parent_record;
    struct buf fields;
    buf_init(&fields, ERR_HINT_BYTES - 64);
    for (size_t i = 0; record->kind == JSON_OBJECT && i < record->count; i++) {
        if (fields.length + record->members[i].key.length + 2 > fields.max_bytes)
            break;
        buf_printf(&fields, "%s%.*s", i > 0 ? ", " : "", STR_ARGS(record->members[i].key));
    }
    err_set(err, RC_INVALID, "a record of '%.*s' has no '%.*s', which the requests of '%.*s' need",
            STR_ARGS(call->resource->parent->resource->name), STR_ARGS(binding->field),
            STR_ARGS(call->resource->resource->name));
    if (fields.length > 0)
        err_hint(err, "its fields are %.*s", STR_ARGS(buf_str(&fields)));
    buf_done(&fields);
    return RC_INVALID;
}

static rc lookup(void *ctx, struct str name, const struct json **ret_value, struct err *err)
{
    const struct rest_call *call = ctx;
    if (str_has_prefix(name, STR("incremental.")) && call->cursor != NULL) {
        *ret_value = incremental_value(call->cursor, str_slice(name, 12, name.length));
        return RC_OK;
    }
    for (size_t i = 0; i < call->resource->bindings.count; i++) {
        const struct rest_binding *binding = &call->resource->bindings.items[i];
        if (!str_equal(binding->name, name))
            continue;
        if (binding->selector == NULL) {
            *ret_value = binding->constant;
            return RC_OK;
        }
        *ret_value = rest_parent_value(binding, call->parent_record);
        return *ret_value != NULL ? RC_OK : no_such_field(call, binding, err);
    }
    return err_set(err, RC_INTERNAL, "the placeholder {%.*s} was never bound", STR_ARGS(name));
}

static struct placeholder_options options_of(const struct rest_call *call, bool keeps_type)
{
    // The lookup reads the call only; the interface is not const because others change theirs.
    union {
        const struct rest_call *in;
        void *out;
    } pun = {.in = call};
    return (struct placeholder_options){.lookup = lookup, .ctx = pun.out, .keeps_type = keeps_type};
}

rc rest_expand_text(const struct rest_call *call, struct arena *arena, struct str text,
                    struct str *ret_text, struct err *err)
{
    const struct placeholder_options options = options_of(call, false);
    return placeholder_expand_text(arena, text, &options, ret_text, err);
}

// The parameters with their placeholders, the cursor's limits among them.
static rc build_params(const struct rest_call *call, struct arena *arena, struct json *ret_params,
                       struct err *err)
{
    const struct rest_resource *resource = call->resource;
    const struct placeholder_options options = options_of(call, false);
    struct json params = {.kind = JSON_OBJECT};
    for (size_t i = 0; resource->params != NULL && i < resource->params->count; i++) {
        const struct json_member *member = &resource->params->members[i];
        struct json value = {.kind = JSON_NULL};
        // The cursor's own parameter is a mapping that configures it.
        if (!(resource->has_incremental && str_equal(member->key, resource->start_param)))
            TRY(placeholder_expand(arena, &member->value, &options, &value, err));
        *json_object_set(arena, &params, member->key) = value;
    }
    if (call->cursor != NULL) {
        const struct str names[] = {resource->start_param, resource->end_param};
        static const struct str values[] = {STR_INIT("start_value"), STR_INIT("end_value")};
        for (size_t i = 0; i < 2; i++) {
            const struct json *value = incremental_value(call->cursor, values[i]);
            if (names[i].length > 0)
                *json_object_set(arena, &params, names[i]) =
                    value != NULL ? *value : (struct json){.kind = JSON_NULL};
        }
    }
    *ret_params = params;
    return RC_OK;
}

rc rest_request_build(const struct rest_call *call, struct arena *arena,
                      struct page_request *ret_request, struct err *err)
{
    const struct rest_resource *resource = call->resource;
    struct page_request request = {.params = {.kind = JSON_OBJECT}};
    struct str path;
    TRY(rest_expand_text(call, arena, resource->path, &path, err));
    request.url = url_requote(arena, url_join(arena, call->rest->base_url, path));
    TRY(build_params(call, arena, &request.params, err));
    if (resource->json != NULL) {
        const struct placeholder_options options = options_of(call, true);
        TRY(placeholder_expand(arena, resource->json, &options, &request.body, err));
    }
    *ret_request = request;
    return RC_OK;
}

// "a=1&l=1&l=2": null is left out, a list repeats its name.
static struct str encode_form(struct arena *arena, const struct json *params)
{
    str_vec parts = {0};
    for (size_t i = 0; i < params->count; i++) {
        const struct json *value = &params->members[i].value;
        const struct json *items = value->kind == JSON_ARRAY ? value->items : value;
        const size_t count = value->kind == JSON_ARRAY ? value->count : 1;
        const struct str name = url_encode_form(arena, params->members[i].key);
        for (size_t k = 0; k < count; k++) {
            if (items[k].kind == JSON_NULL)
                continue;
            const struct str text = url_encode_form(arena, placeholder_text_of(arena, &items[k]));
            *vec_push(arena, &parts) =
                arena_printf(arena, "%.*s=%.*s", STR_ARGS(name), STR_ARGS(text));
        }
    }
    return str_join(arena, parts.items, parts.count, STR("&"));
}

static void set_header(struct arena *arena, http_header_vec *headers, struct str name,
                       struct str value)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (str_equal_ignore_case(headers->items[i].name, name)) {
            headers->items[i].value = value;
            return;
        }
    }
    *vec_push(arena, headers) = (struct http_header){name, value};
}

static void add_headers(struct arena *arena, http_header_vec *headers, const struct json *config)
{
    for (size_t i = 0; config != NULL && config->kind == JSON_OBJECT && i < config->count; i++)
        if (config->members[i].value.kind != JSON_NULL)
            set_header(arena, headers, config->members[i].key,
                       placeholder_text_of(arena, &config->members[i].value));
}

static rc add_body(const struct rest_call *call, struct arena *arena,
                   const struct page_request *page, struct http_request *request,
                   http_header_vec *headers, struct err *err)
{
    struct str type = STR("");
    if (page->body.kind != JSON_NULL) {
        request->body = json_print(arena, &page->body, JSON_COMPACT);
        type = STR("application/json");
    } else if (call->resource->data != NULL) {
        const struct placeholder_options options = options_of(call, false);
        struct json data;
        TRY(placeholder_expand(arena, call->resource->data, &options, &data, err));
        request->body = data.kind == JSON_OBJECT ? encode_form(arena, &data)
                                                 : placeholder_text_of(arena, &data);
        type = data.kind == JSON_OBJECT ? STR("application/x-www-form-urlencoded") : type;
    }
    if (type.length > 0 && http_header_get(headers, STR("content-type")).bytes == NULL)
        *vec_push(arena, headers) = (struct http_header){STR("Content-Type"), type};
    return RC_OK;
}

// Credentials stay with the host that the configuration names: a link to the next page may lead
// elsewhere, or from https to http.
static bool may_have_credentials(struct str first_url, struct str url)
{
    struct url first, now;
    if (url_parse(first_url, &first, NULL) != RC_OK || url_parse(url, &now, NULL) != RC_OK)
        return false;
    const bool is_downgrade = str_equal_ignore_case(first.scheme, STR("https")) &&
                              !str_equal_ignore_case(now.scheme, STR("https"));
    return str_equal_ignore_case(first.host, now.host) && !is_downgrade;
}

static bool action_fits(const struct rest_action *action, const struct http_response *response)
{
    return (!action->has_status || action->status == response->status) &&
           (action->content.bytes == NULL || str_contains(response->body, action->content));
}

static bool is_ignored(void *ctx, const struct http_response *response)
{
    const struct rest_resource *resource = ctx;
    for (size_t i = 0; i < resource->actions.count; i++)
        if (action_fits(&resource->actions.items[i], response))
            return true;
    return false;
}

rc rest_request_send(const struct rest_call *call, struct arena *arena,
                     const struct page_request *page, struct str first_url,
                     struct http_response *ret_response, bool *ret_is_ignored, struct err *err)
{
    struct rest_resource *resource = call->resource;
    const struct placeholder_options options = options_of(call, false);
    http_header_vec headers = {0};
    add_headers(arena, &headers, call->rest->headers);
    if (resource->headers != NULL) {
        struct json expanded;
        TRY(placeholder_expand(arena, resource->headers, &options, &expanded, err));
        add_headers(arena, &headers, &expanded);
    }
    struct http_request request = {
        .method = resource->method,
        .url = url_add_query(arena, page->url, encode_form(arena, &page->params)),
        .is_accepted = is_ignored,
        .accept_ctx = resource,
    };
    TRY(add_body(call, arena, page, &request, &headers, err));
    if (may_have_credentials(first_url, page->url))
        TRY(auth_apply(resource->auth, arena, call->rest->http, call->rest->recording, &request,
                       &headers, err));
    request.headers = headers.items;
    request.header_count = headers.count;
    TRY(http_send(call->rest->http, arena, &request, ret_response, err));
    *ret_is_ignored = is_ignored(resource, ret_response);
    return *ret_is_ignored ? RC_OK : http_check(ret_response, err);
}
