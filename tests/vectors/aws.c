// Runner of the AWS suites: aws-sigv4 (aws-c-auth's requests, signed in headers and in the query)
// and aws-credentials (an environment, files, recorded answers: which credentials, or which error).

#include <stdio.h>
#include <stdlib.h>

#include "aws/sign.h"
#include "base/fs.h"
#include "base/time.h"
#include "net/http.h"
#include "vectors.h"

static struct str folder_file(struct vectors *v, struct arena *arena, struct str folder,
                              const char *name)
{
    struct str path, text;
    struct err err = {0};
    if (fs_join(arena, v->dir, folder, &path, &err) != RC_OK ||
        fs_join(arena, path, str_of(name), &path, &err) != RC_OK ||
        fs_read(arena, path, 1 << 20, &text, &err) != RC_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(2);
    }
    return text;
}

// --- aws-sigv4 ---------------------------------------------------------------------------------

// An HTTP request as text: request line, headers (folded lines go on with a blank), body.
static struct aws_request read_request(struct arena *arena, struct str text)
{
    struct aws_request request = {0};
    http_header_vec headers = {0};
    text = str_replace(arena, text, STR("\r\n"), STR("\n"));
    const size_t end = str_find(text, STR("\n\n"));
    struct str head = str_slice(text, 0, end), line;
    if (end != SIZE_MAX)
        request.body = str_slice(text, end + 2, text.length);
    str_split_next(&head, '\n', &line);
    // The target may hold blanks: it is all between the first and the last one.
    const size_t first = str_find_byte(line, ' '), last = str_find_last_byte(line, ' ');
    request.method = str_slice(line, 0, first);
    const struct str target = str_slice(line, first + 1, last - first - 1);
    const size_t mark = str_find_byte(target, '?');
    request.path = str_slice(target, 0, mark);
    if (mark != SIZE_MAX)
        request.query = str_slice(target, mark + 1, target.length);
    while (str_split_next(&head, '\n', &line)) {
        if (line.length > 0 && line.bytes[0] == ' ' && headers.count > 0) {
            struct str *value = &headers.items[headers.count - 1].value;
            *value = arena_printf(arena, "%.*s\n%.*s", STR_ARGS(*value), STR_ARGS(line));
            continue;
        }
        const size_t colon = str_find_byte(line, ':');
        if (colon != SIZE_MAX)
            *vec_push(arena, &headers) = (struct http_header){
                str_slice(line, 0, colon), str_slice(line, colon + 1, line.length)};
    }
    request.headers = headers.items;
    request.header_count = headers.count;
    return request;
}

// The signed request as the suite writes it: the request's lines, then the signature's.
static struct str write_request(struct arena *arena, const struct aws_request *request,
                                const struct aws_signature *signature)
{
    struct str text = arena_printf(arena, "%.*s %.*s%s%.*s HTTP/1.1\n", STR_ARGS(request->method),
                                   STR_ARGS(request->path), signature->query.length > 0 ? "?" : "",
                                   STR_ARGS(signature->query));
    for (size_t i = 0; i < request->header_count + signature->header_count; i++) {
        const struct http_header *header = i < request->header_count
                                               ? &request->headers[i]
                                               : &signature->headers[i - request->header_count];
        text = arena_printf(arena, "%.*s%.*s:%.*s\n", STR_ARGS(text), STR_ARGS(header->name),
                            STR_ARGS(header->value));
    }
    return arena_printf(arena, "%.*s\n%.*s", STR_ARGS(text), STR_ARGS(request->body));
}

static bool same(struct vectors *v, struct arena *arena, struct str folder, const char *kind,
                 const char *file, struct str found)
{
    const struct str name = arena_printf(arena, "%s-%s", kind, file);
    const struct str wanted = str_trim(folder_file(v, arena, folder, name.bytes));
    if (str_equal(wanted, str_trim(found)))
        return true;
    vectors_fail(v, "%s: expected\n%.*s\nfound\n%.*s", file, STR_ARGS(wanted), STR_ARGS(found));
    return false;
}

static void sign_case(struct vectors *v, struct arena *arena, struct str folder, const char *kind)
{
    const struct str text = folder_file(v, arena, folder, "context.json");
    struct json context;
    if (json_parse(arena, text, "context.json", &context, NULL) != RC_OK) {
        vectors_fail(v, "context.json is broken");
        return;
    }
    const struct json *keys = json_get(&context, STR("credentials"));
    const struct aws_credentials credentials = {
        .access_key_id = json_str(json_path(keys, "access_key_id"), STR("")),
        .secret_access_key = json_str(json_path(keys, "secret_access_key"), STR("")),
        .session_token = json_str(json_path(keys, "token"), STR("")),
    };
    struct aws_signing signing = {
        .credentials = &credentials,
        .region = json_str(json_path(&context, "region"), STR("")),
        .service = json_str(json_path(&context, "service"), STR("")),
        .path_style = json_bool(json_path(&context, "normalize"), false) ? AWS_PATH_NORMALISED
                                                                         : AWS_PATH_ENCODED,
        .sends_payload_hash = json_bool(json_path(&context, "sign_body"), false),
        .leaves_token_out = json_bool(json_path(&context, "omit_session_token"), false),
        .expires_s = json_int64(json_path(&context, "expiration_in_seconds"), 0),
    };
    if (time_parse_rfc3339(json_str(json_path(&context, "timestamp"), STR("")), &signing.now_us,
                           NULL) != RC_OK) {
        vectors_fail(v, "the timestamp of context.json is broken");
        return;
    }
    const struct aws_request request =
        read_request(arena, folder_file(v, arena, folder, "request.txt"));
    struct aws_signature signature;
    if (strcmp(kind, "query") == 0)
        aws_sign_query(arena, &signing, &request, &signature);
    else
        aws_sign(arena, &signing, &request, &signature);
    if (same(v, arena, folder, kind, "canonical-request.txt", signature.canonical_request) &&
        same(v, arena, folder, kind, "string-to-sign.txt", signature.string_to_sign) &&
        same(v, arena, folder, kind, "signature.txt", signature.signature) &&
        same(v, arena, folder, kind, "signed-request.txt",
             write_request(arena, &request, &signature)))
        vectors_pass(v);
}

static void run_sigv4(struct vectors *v)
{
    static const char *const kinds[] = {"header", "query"};
    str_vec folders;
    struct err err = {0};
    if (fs_list(v->arena, v->dir, &folders, &err) != RC_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(2);
    }
    for (size_t i = 0; i < folders.count; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            struct arena *arena = arena_open(v->arena);
            v->case_name =
                arena_printf(v->arena, "%.*s (%s)", STR_ARGS(folders.items[i]), kinds[k]);
            sign_case(v, arena, folders.items[i], kinds[k]);
            arena_close(arena);
        }
}

// --- aws-credentials ---------------------------------------------------------------------------

struct exchange {
    struct str method, url;
    http_header_vec headers; // of the answer
    struct str body;
    int status;
};
VEC_TYPE(exchange_vec, struct exchange);

struct traffic {
    struct arena *arena;
    struct json environment;
    exchange_vec exchanges;
    size_t asked;
};

static const char *variable(void *context, const char *name)
{
    const struct traffic *traffic = context;
    const struct json *value = json_get(&traffic->environment, str_of(name));
    return value != NULL ? arena_cstr(traffic->arena, value->text) : NULL;
}

static int64_t long_ago(void *context)
{
    (void)context;
    return INT64_C(1627776000) * TIME_US_PER_SECOND; // 2021-08-01, before the recordings
}

static rc wait_not(void *context, int64_t us, struct err *err)
{
    (void)context, (void)us, (void)err;
    return RC_OK;
}

static rc answer(void *context, struct arena *arena, const struct http_request *request,
                 struct http_response *ret_response, struct err *err)
{
    struct traffic *traffic = context;
    const struct str method = request->method.length > 0 ? request->method : STR("GET");
    if (traffic->asked == traffic->exchanges.count)
        return err_set(err, RC_INTERNAL, "not recorded: %.*s %.*s", STR_ARGS(method),
                       STR_ARGS(request->url));
    const struct exchange *next = &traffic->exchanges.items[traffic->asked++];
    if (!str_equal(next->method, method) || !str_equal(next->url, request->url))
        return err_set(err, RC_INTERNAL, "asked %.*s %.*s, recorded %.*s %.*s", STR_ARGS(method),
                       STR_ARGS(request->url), STR_ARGS(next->method), STR_ARGS(next->url));
    *ret_response = (struct http_response){.status = next->status,
                                           .url = next->url,
                                           .body = arena_str(arena, next->body),
                                           .headers = next->headers,
                                           .attempts = 1};
    return RC_OK;
}

// Events: Request, Data of the request, Response, Data of the response.
static void read_traffic(struct traffic *traffic, const struct json *recorded)
{
    const struct json *events = json_get(recorded, STR("events"));
    for (size_t i = 0; events != NULL && i < events->count; i++) {
        const struct json *action = json_get(&events->items[i], STR("action"));
        const struct json *request = json_path(action, "Request", "request");
        const struct json *response = json_path(action, "Response", "response", "Ok");
        const struct json *data = json_get(action, STR("Data"));
        if (request != NULL)
            *vec_push(traffic->arena, &traffic->exchanges) =
                (struct exchange){.method = json_str(json_get(request, STR("method")), STR("")),
                                  .url = json_str(json_get(request, STR("uri")), STR("")),
                                  .body = STR("")};
        struct exchange *last = &traffic->exchanges.items[traffic->exchanges.count - 1];
        if (response != NULL) {
            const struct json *headers = json_get(response, STR("headers"));
            last->status = (int)json_int64(json_get(response, STR("status")), 0);
            for (size_t h = 0; headers != NULL && h < headers->count; h++)
                *vec_push(traffic->arena, &last->headers) = (struct http_header){
                    headers->members[h].key, headers->members[h].value.items[0].text};
        }
        if (data != NULL && str_is(json_str(json_get(data, STR("direction")), STR("")), "Response"))
            last->body = json_str(json_path(data, "data", "Utf8"), STR(""));
    }
}

static bool same_text(struct vectors *v, const struct json *wanted, const char *key,
                      struct str found)
{
    const struct str text = json_str(json_get(wanted, str_of(key)), STR(""));
    if (str_equal(text, found) || (json_get(wanted, str_of(key)) == NULL && found.length > 0 &&
                                   strcmp(key, "account_id") == 0)) // known to us, not asked for
        return true;
    vectors_fail(v, "%s: expected '%.*s', found '%.*s'", key, STR_ARGS(text), STR_ARGS(found));
    return false;
}

static void judge_error(struct vectors *v, const struct json *wanted, const struct err *err)
{
    struct str text = json_str(json_get(wanted, STR("ErrorContains")), STR(""));
    text = str_slice(text, 0, str_find(text, STR(" (os error "))); // the recorder's own words
    if (text.length > 0 && str_contains(str_of(err->message), text))
        vectors_pass(v);
    else
        vectors_fail(v, "expected '%.*s', found '%s'", STR_ARGS(text), err->message);
}

static void judge_credentials(struct vectors *v, const struct json *wanted,
                              const struct aws_credentials *found)
{
    if (wanted == NULL) {
        vectors_fail(v, "expected an error, found credentials of %s", found->source);
        return;
    }
    const int64_t expiry = json_int64(json_get(wanted, STR("expiry")), 0);
    if (found->expires_us != expiry * TIME_US_PER_SECOND)
        vectors_fail(v, "expiry: expected %lld s, found %lld us", (long long)expiry,
                     (long long)found->expires_us);
    else if (same_text(v, wanted, "access_key_id", found->access_key_id) &&
             same_text(v, wanted, "secret_access_key", found->secret_access_key) &&
             same_text(v, wanted, "session_token", found->session_token) &&
             same_text(v, wanted, "account_id", found->account_id))
        vectors_pass(v);
}

static struct json case_json(struct vectors *v, struct arena *arena, struct str folder,
                             const char *name)
{
    struct json value;
    struct err err = {0};
    if (json_parse(arena, folder_file(v, arena, folder, name), name, &value, &err) != RC_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(2);
    }
    return value;
}

static void chain_case(struct vectors *v, struct arena *arena, struct str folder)
{
    struct traffic traffic = {.arena = arena};
    struct aws_session *session;
    struct aws_credentials found;
    struct err err = {0};
    struct str home;
    traffic.environment = case_json(v, arena, folder, "env.json");
    const struct json recorded = case_json(v, arena, folder, "http-traffic.json");
    const struct json test = case_json(v, arena, folder, "test-case.json");
    read_traffic(&traffic, &recorded);
    if (fs_join(arena, v->dir, folder, &home, &err) != RC_OK) {
        vectors_fail(v, "%s", err.message);
        return;
    }
    const struct aws_options options = {
        .environment = variable,
        .environment_context = &traffic,
        .root = str_concat(arena, home, STR("/fs")),
        .now_us = long_ago,
        .wait = wait_not,
        .send = answer,
        .send_context = &traffic,
    };
    rc code = aws_session_open(arena, &options, &session, &err);
    if (code == RC_OK)
        code = aws_session_credentials(session, arena, &found, &err);
    const struct json *wanted = json_get(&test, STR("result"));
    if (code != RC_OK)
        judge_error(v, wanted, &err);
    else if (traffic.asked != traffic.exchanges.count)
        vectors_fail(v, "asked %zu of %zu", traffic.asked, traffic.exchanges.count);
    else
        judge_credentials(v, json_get(wanted, STR("Ok")), &found);
}

static void run_credentials(struct vectors *v)
{
    str_vec folders;
    struct err err = {0};
    if (fs_list(v->arena, v->dir, &folders, &err) != RC_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(2);
    }
    for (size_t i = 0; i < folders.count; i++) {
        struct arena *arena = arena_open(v->arena);
        v->case_name = folders.items[i];
        chain_case(v, arena, folders.items[i]);
        arena_close(arena);
    }
}

int main(int argc, char **argv)
{
    static const struct vectors_suite suites[] = {
        {"aws-sigv4", run_sigv4}, {"aws-credentials", run_credentials}, {NULL, NULL}};
    return vectors_main(argc, argv, suites);
}
