// One request to S3: addressed, signed, sent, tried again. Layer: aws.
// Threads: any; each call takes a connection of the session's. Source: see s3.h.

#include "aws/s3.intern.h"

#include <stdio.h>

#include "aws/sign.h"
#include "base/log.h"
#include "net/url.h"

enum { MAX_REDIRECTS = 3, MAX_HEADERS = 24, MAX_UNEXPLAINED = 4 };

static void release_client(void *object)
{
    struct s3_client *client = object;
    arena_close(client->pool_arena); // joins the threads
    pthread_cond_destroy(&client->has_room);
    pthread_mutex_destroy(&client->lock);
    arena_close(client->arena);
}

rc s3_client_open(struct arena *arena, struct aws_session *session, struct s3_client **ret_client,
                  struct err *err)
{
    (void)err;
    // An arena of its own: whichever thread holds the lock may add to it.
    struct arena *own = arena_open(NULL);
    struct s3_client *client = ARENA_NEW(own, struct s3_client);
    *client = (struct s3_client){.session = session, .arena = own};
    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->has_room, NULL);
    map_init(&client->buckets, own);
    arena_defer(arena, release_client, client);
    *ret_client = client;
    return RC_OK;
}

// --- names -------------------------------------------------------------------------------------

static const char *const schemes[] = {"s3://", "s3a://", "s3n://"};

bool s3_is_uri(struct str uri)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (str_has_prefix(uri, str_of(schemes[i])))
            return true;
    return false;
}

rc s3_name_parse(struct str uri, struct s3_name *ret_name, struct err *err)
{
    enum { BUCKET_MAX_BYTES = 255, KEY_MAX_BYTES = 1024 };
    if (!s3_is_uri(uri)) {
        err_set(err, RC_INVALID, "\"%.*s\" is no name in S3", STR_ARGS(uri));
        return err_hint(err, "write s3://bucket/prefix");
    }
    const struct str rest = str_slice(uri, str_find(uri, STR("://")) + 3, SIZE_MAX);
    const size_t slash = str_find_byte(rest, '/');
    const struct s3_name name = {str_slice(rest, 0, slash),
                                 slash == SIZE_MAX ? STR("")
                                                   : str_slice(rest, slash + 1, SIZE_MAX)};
    if (name.bucket.length == 0 || name.bucket.length > BUCKET_MAX_BYTES)
        return err_set(err, RC_INVALID, "\"%.*s\" names no bucket: s3://bucket/prefix",
                       STR_ARGS(uri));
    for (size_t i = 0; i < name.bucket.length; i++)
        if (strchr("?#@:%\\ \t\r\n", name.bucket.bytes[i]) != NULL)
            return err_set(err, RC_INVALID, "\"%.*s\": a bucket's name may not hold '%c'",
                           STR_ARGS(uri), name.bucket.bytes[i]);
    if (name.key.length > KEY_MAX_BYTES)
        return err_set(err, RC_LIMIT, "a key of S3 has at most %d bytes, this one %zu",
                       KEY_MAX_BYTES, name.key.length);
    *ret_name = name;
    return RC_OK;
}

struct str s3_uri_of(struct arena *arena, struct s3_name name)
{
    return arena_printf(arena, "s3://%.*s%s%.*s", STR_ARGS(name.bucket),
                        name.key.length > 0 ? "/" : "", STR_ARGS(name.key));
}

// --- one attempt -------------------------------------------------------------------------------

/// Over TLS the body is not hashed: the transport guards it, and a checksum goes along.
static bool hashes_body(const struct s3_call *call, const struct s3_address *address)
{
    enum { SMALL_BODY_BYTES = 64 << 10 };
    return address->is_plain_http || call->body.length <= SMALL_BODY_BYTES;
}

/// @param ret_region  that was signed for
static rc send_once(struct s3_client *client, struct arena *arena, const struct s3_call *call,
                    struct str *ret_region, struct http_response *ret_response, struct err *err)
{
    struct s3_address address;
    struct aws_credentials credentials;
    TRY(s3_address_of(client, arena, call->name.bucket, &address, err));
    *ret_region = address.region;
    TRY(aws_session_credentials(client->session, arena, &credentials, err));
    const struct str key = url_encode(arena, call->name.key, STR("/"));
    const struct str path = arena_printf(arena, "%.*s/%.*s", STR_ARGS(address.root), STR_ARGS(key));
    const struct aws_signing signing = {
        .credentials = &credentials,
        .region = address.region,
        .service = STR("s3"),
        .now_us = aws_session_now_us(client->session),
        .path_style = AWS_PATH_AS_IS,
        .payload = hashes_body(call, &address) ? AWS_PAYLOAD_HASHED : AWS_PAYLOAD_UNSIGNED,
        .sends_payload_hash = true,
    };
    const struct aws_request request = {
        .method = str_of(call->method),
        .host = address.host,
        .path = path,
        .query = call->query,
        .headers = call->headers,
        .header_count = call->header_count,
        .body = call->body,
    };
    struct aws_signature signature;
    aws_sign(arena, &signing, &request, &signature);
    struct http_header headers[MAX_HEADERS];
    size_t count = 0;
    for (size_t i = 0; i < call->header_count; i++)
        headers[count++] = call->headers[i];
    for (size_t i = 0; i < signature.header_count; i++)
        headers[count++] = signature.headers[i];
    const struct http_request http = {
        .method = str_of(call->method),
        .url = arena_printf(arena, "%.*s%.*s%s%.*s", STR_ARGS(address.origin), STR_ARGS(path),
                            call->query.length > 0 ? "?" : "", STR_ARGS(call->query)),
        .headers = headers,
        .header_count = count,
        .body = call->body,
        .must_not_redirect = true,
        .must_not_retry = true,
        .is_verbatim = true,
        .ignores_stop = call->ignores_stop,
        .max_body_bytes =
            call->max_body_bytes > S3_ANSWER_MAX_BYTES ? call->max_body_bytes : S3_ANSWER_MAX_BYTES,
    };
    return aws_session_send(client->session, arena, &http, ret_response, err);
}

// --- what came back ----------------------------------------------------------------------------

static bool is_error_body(struct arena *arena, const struct http_response *response)
{
    const struct xml *root;
    return xml_parse(arena, response->body, "answer", &root, NULL) != RC_OK ||
           str_is(root->name, "Error");
}

/// Codes of S3 that ask for patience and are not in the common list.
static bool is_transient(const struct aws_failure *failure)
{
    static const char *const codes[] = {
        "ConditionalRequestConflict", // two conditional writes at once: one of them will be told
        "OperationAborted",
        "RequestTimeout",
        "BadDigest",
        "IncompleteBody",
        "XAmzContentChecksumMismatch",
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (aws_failure_is(failure, codes[i]))
            return true;
    return false;
}

/// A HEAD that is refused says nothing but its status: a 400 may be a time-out, a token that has
/// expired, or final. So it is asked again, but not for long.
static bool is_unexplained(const struct s3_call *call, const struct http_response *response)
{
    return strcmp(call->method, "HEAD") == 0 && response->status == 400;
}

/// What to do about the most common mistakes, where the common hints do not know S3.
static rc explain(const struct s3_call *call, const struct aws_failure *failure, struct str region,
                  struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    char permission[80];
    static const struct {
        const char *action, *permission;
    } others[] = {
        {"HeadObject", "s3:GetObject"},       {"ListObjectsV2", "s3:ListBucket"},
        {"DeleteObjects", "s3:DeleteObject"}, {"CreateMultipartUpload", "s3:PutObject"},
        {"UploadPart", "s3:PutObject"},       {"CompleteMultipartUpload", "s3:PutObject"},
    };
    snprintf(permission, sizeof permission, "s3:%s", call->action);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i].action, call->action) == 0)
            snprintf(permission, sizeof permission, "%s", others[i].permission);
    const struct aws_asked asked = {.service = "s3",
                                    .action = call->action,
                                    .permission = permission,
                                    .resource = s3_uri_of(scratch, call->name),
                                    .region = region};
    rc code = aws_failure_error(failure, &asked, err);
    if (aws_failure_is(failure, "NoSuchBucket")) {
        if (err != NULL)
            err->code = RC_CONFIG;
        code = err_hint(err, "create the bucket %.*s, or correct its name in moulin.yml",
                        STR_ARGS(call->name.bucket));
        code = RC_CONFIG;
    }
    arena_close(scratch);
    return code;
}

/// Sets clock or credentials right. @return true: ask again at once
static bool is_mended(struct s3_client *client, const struct aws_failure *failure,
                      const struct s3_call *call, const struct http_response *response,
                      bool *is_clock_set, bool *is_refreshed)
{
    if ((failure->remedy == AWS_REMEDY_REFRESH || is_unexplained(call, response)) &&
        !*is_refreshed) {
        *is_refreshed = true;
        aws_session_expire(client->session);
        return true;
    }
    if (*is_clock_set || (failure->remedy != AWS_REMEDY_CLOCK && failure->status != 403))
        return false;
    *is_clock_set = aws_session_corrects_clock(client->session, response);
    return *is_clock_set;
}

/// Judges one answer. @return RC_OK: it is the result; else the failure, with err
static rc judge(struct arena *arena, const struct s3_call *call,
                const struct http_response *response, struct str region, struct s3_outcome *outcome,
                struct err *err)
{
    const bool is_bad_200 =
        response->status == 200 && call->can_fail_in_200 && is_error_body(arena, response);
    if (response->status < 300 && !is_bad_200) {
        const rc code = call->has_object ? s3_verify(arena, response, err) : RC_OK;
        if (code != RC_OK && err != NULL) // the wire or a proxy may have done it: once more
            err->is_retryable = true;
        return code;
    }
    aws_failure_read(AWS_REST_XML, response, &outcome->failure);
    outcome->is_unknown = outcome->failure.is_unknown || is_bad_200;
    const rc code = explain(call, &outcome->failure, region, err);
    if (err != NULL)
        err->is_retryable = outcome->failure.remedy == AWS_REMEDY_WAIT ||
                            outcome->failure.remedy == AWS_REMEDY_SLOW || is_bad_200 ||
                            is_transient(&outcome->failure);
    return code;
}

rc s3_send(struct s3_client *client, struct arena *arena, const struct s3_call *call,
           struct http_response *ret_response, struct s3_outcome *ret_outcome, struct err *err)
{
    struct err local = {0};
    struct err *failure = err != NULL ? err : &local;
    struct s3_outcome outcome = {0};
    struct retry retry;
    retry_init(&retry, aws_session_retry_policy(client->session, call->action));
    bool is_clock_set = false, is_refreshed = false;
    int unexplained = 0;
    rc code;
    for (int redirects = 0;;) {
        struct arena *attempt = arena_open(arena); // stays only when it holds the result
        struct http_response response = {0};
        struct str region = STR("");
        outcome.was_unknown |= outcome.is_unknown;
        outcome.is_unknown = false;
        outcome.failure = (struct aws_failure){0};
        code = send_once(client, attempt, call, &region, &response, failure);
        const bool is_answer = code == RC_OK;
        if (is_answer) {
            code = judge(attempt, call, &response, region, &outcome, failure);
        } else {
            aws_failure_of_error(failure, &outcome.failure);
            outcome.is_unknown = true;
            err_context(failure, "s3:%s, %.*s", call->action,
                        STR_ARGS(s3_uri_of(attempt, call->name)));
        }
        if (code == RC_OK) {
            retry_succeeded(&retry);
            *ret_response = response;
            break;
        }
        const bool is_moved = is_answer && redirects < MAX_REDIRECTS &&
                              s3_learn_region(client, call->name.bucket, &response, region);
        const bool again_at_once =
            is_moved || (is_answer && is_mended(client, &outcome.failure, call, &response,
                                                &is_clock_set, &is_refreshed));
        if (is_answer && is_unexplained(call, &response) && ++unexplained < MAX_UNEXPLAINED)
            failure->is_retryable = true;
        redirects += is_moved;
        arena_close(attempt);
        if (!again_at_once && !retry_again(&retry, failure)) {
            code = failure->code;
            break;
        }
        *failure = (struct err){0};
    }
    if (ret_outcome != NULL)
        *ret_outcome = outcome;
    return code;
}
