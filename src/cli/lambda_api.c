#include "cli/lambda_api.h"

#include "base/json.h"
#include "cli/lambda.h"
#include "net/http.h"

#define API_VERSION "2018-06-01"

struct lambda_api {
    struct arena *arena;
    struct str base; // http://host:port/2018-06-01/runtime
    struct http_client *http;
};

static void close_http(void *http)
{
    http_close(http);
}

rc lambda_api_open(struct arena *arena, struct str address, struct lambda_api **ret_api,
                   struct err *err)
{
    struct lambda_api *api = ARENA_NEW(arena, struct lambda_api);
    // The frozen time between two events must not count as a time-out.
    const struct http_options options = {.has_no_timeout = true,
                                         .max_body_bytes = LAMBDA_MAX_PAYLOAD_BYTES + (1 << 20)};
    api->arena = arena;
    api->base = arena_printf(arena, "http://%.*s/" API_VERSION "/runtime", STR_ARGS(address));
    TRY(http_open(&options, &api->http, err));
    arena_defer(arena, close_http, api->http);
    *ret_api = api;
    return RC_OK;
}

/// A text that becomes part of a path.
static rc check_request_id(struct str id, struct err *err)
{
    bool is_good = id.length > 0 && id.length <= 200;
    for (size_t i = 0; i < id.length && is_good; i++)
        is_good = (id.bytes[i] >= '0' && id.bytes[i] <= '9') ||
                  (id.bytes[i] >= 'a' && id.bytes[i] <= 'z') ||
                  (id.bytes[i] >= 'A' && id.bytes[i] <= 'Z') || id.bytes[i] == '-' ||
                  id.bytes[i] == '_';
    return is_good ? RC_OK
                   : err_set(err, RC_INVALID, "the runtime API named no request id ('%.*s')",
                             STR_ARGS(str_slice(id, 0, 100)));
}

rc lambda_api_next(struct lambda_api *api, struct arena *arena, struct lambda_event *ret_event,
                   struct err *err)
{
    struct http_response response;
    const struct http_request request = {
        .url = arena_printf(arena, "%.*s/invocation/next", STR_ARGS(api->base)),
        .must_not_retry = true,
        .must_not_proxy = true};
    TRY_CONTEXT(http_send(api->http, arena, &request, &response, err), err,
                "asking Lambda for an event");
    if (response.status != 200)
        return err_set(err, RC_FAILED, "asking Lambda for an event: HTTP %d", response.status);
    struct lambda_event event = {
        .request_id = http_header_get(&response.headers, STR("lambda-runtime-aws-request-id")),
        .trace_id = http_header_get(&response.headers, STR("lambda-runtime-trace-id")),
        .function_arn =
            http_header_get(&response.headers, STR("lambda-runtime-invoked-function-arn")),
        .body = response.body};
    const struct str deadline =
        http_header_get(&response.headers, STR("lambda-runtime-deadline-ms"));
    if (!str_to_int64(deadline, &event.deadline_ms))
        event.deadline_ms = 0;
    TRY(check_request_id(event.request_id, err));
    *ret_event = event;
    return RC_OK;
}

static rc post(struct lambda_api *api, struct arena *arena, struct str url, struct str body,
               struct str error_type, struct err *err)
{
    const struct http_header headers[] = {{STR("Content-Type"), STR("application/json")},
                                          {STR("Lambda-Runtime-Function-Error-Type"), error_type}};
    const struct http_request request = {.method = STR("POST"),
                                         .url = url,
                                         .headers = headers,
                                         .header_count = error_type.length > 0 ? 2 : 1,
                                         .body = body,
                                         .must_not_retry = true,
                                         .must_not_proxy = true,
                                         .ignores_stop = true};
    struct http_response response;
    TRY_CONTEXT(http_send(api->http, arena, &request, &response, err), err, "answering Lambda");
    if (response.status >= 200 && response.status < 300)
        return RC_OK;
    const rc code = response.status == 413 ? RC_LIMIT : RC_FAILED;
    return err_set(err, code, "answering Lambda: HTTP %d: %.*s", response.status,
                   STR_ARGS(str_slice(response.body, 0, 300)));
}

rc lambda_api_respond(struct lambda_api *api, struct str request_id, struct str body,
                      struct err *err)
{
    if (body.length > LAMBDA_MAX_PAYLOAD_BYTES)
        return err_set(err, RC_LIMIT, "the answer has %zu bytes, Lambda takes %d", body.length,
                       LAMBDA_MAX_PAYLOAD_BYTES);
    struct arena *scratch = arena_open(NULL);
    const struct str url = arena_printf(scratch, "%.*s/invocation/%.*s/response",
                                        STR_ARGS(api->base), STR_ARGS(request_id));
    const rc code = post(api, scratch, url, body, STR(""), err);
    arena_close(scratch);
    return code;
}

rc lambda_api_fail(struct lambda_api *api, struct str request_id, struct str error_type,
                   struct str message, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct json body = {.kind = JSON_OBJECT};
    *json_object_set(scratch, &body, STR("errorMessage")) = json_of_str(message);
    *json_object_set(scratch, &body, STR("errorType")) = json_of_str(error_type);
    *json_object_set(scratch, &body, STR("stackTrace")) = (struct json){.kind = JSON_ARRAY};
    const struct str url = request_id.length > 0
                               ? arena_printf(scratch, "%.*s/invocation/%.*s/error",
                                              STR_ARGS(api->base), STR_ARGS(request_id))
                               : arena_printf(scratch, "%.*s/init/error", STR_ARGS(api->base));
    const rc code =
        post(api, scratch, url, json_print(scratch, &body, JSON_COMPACT), error_type, err);
    arena_close(scratch);
    return code;
}
