// Many keys at once: listing and removing. Layer: aws.
// Source: Amazon S3 API Reference, ListObjectsV2 and DeleteObjects.

#include "aws/s3.intern.h"
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/time.h"
#include "net/url.h"

// --- listing -----------------------------------------------------------------------------------

/// Keys come percent-encoded (encoding-type=url), since XML cannot carry every byte.
static struct str plain_key(struct arena *arena, struct str text, bool is_encoded)
{
    return is_encoded ? url_decode(arena, text, true) : text;
}

static rc hand_over(struct arena *arena, const struct xml *root, s3_list_callback callback,
                    void *context, struct err *err)
{
    const bool is_encoded = str_is(xml_text(root, "EncodingType"), "url");
    for (const struct xml *item = xml_get(root, "Contents"); item != NULL; item = xml_again(item)) {
        struct s3_object object = {.etag = xml_text(item, "ETag")};
        struct time_text modified = {0};
        if (!str_to_int64(xml_text(item, "Size"), &object.size_bytes) || object.size_bytes < 0)
            return err_set(err, RC_INVALID, "a listing of S3 gives no size for %.*s",
                           STR_ARGS(xml_text(item, "Key")));
        if (time_parse_iso(xml_text(item, "LastModified"), &modified, NULL) == RC_OK)
            object.modified_us = modified.us;
        TRY(callback(context, plain_key(arena, xml_text(item, "Key"), is_encoded), &object, err));
    }
    return RC_OK;
}

/// @param token  from the page before; replaced, "" = that was the last
static rc list_page(struct s3_client *client, struct arena *arena, struct s3_name bucket,
                    struct str prefix, struct str *token, const struct xml **ret_root,
                    struct err *err)
{
    struct str query = arena_printf(arena, "encoding-type=url&list-type=2&prefix=%.*s",
                                    STR_ARGS(url_encode(arena, prefix, STR(""))));
    if (token->length > 0)
        query = arena_printf(arena, "continuation-token=%.*s&%.*s",
                             STR_ARGS(url_encode(arena, *token, STR(""))), STR_ARGS(query));
    const struct s3_call call = {.action = "ListObjectsV2",
                                 .method = "GET",
                                 .name = bucket,
                                 .query = query,
                                 .ignores_stop = true};
    struct http_response response;
    TRY(s3_send(client, arena, &call, &response, NULL, err));
    TRY_CONTEXT(xml_parse(arena, response.body, arena_cstr(arena, response.url), ret_root, err),
                err, "s3:ListObjectsV2");
    if (!str_is((*ret_root)->name, "ListBucketResult"))
        return err_set(err, RC_HTTP, "s3:ListObjectsV2, s3://%.*s: the answer is a <%.*s>",
                       STR_ARGS(bucket.bucket), STR_ARGS((*ret_root)->name));
    const bool has_more = str_is(xml_text(*ret_root, "IsTruncated"), "true");
    const struct str next = xml_text(*ret_root, "NextContinuationToken");
    if (has_more && (next.length == 0 || str_equal(next, *token)))
        return err_set(err, RC_HTTP,
                       "s3:ListObjectsV2, s3://%.*s: there are more keys, but the answer does not "
                       "say how to go on",
                       STR_ARGS(bucket.bucket));
    *token = has_more ? next : STR("");
    return RC_OK;
}

rc s3_list(struct s3_client *client, struct str bucket, struct str prefix,
           s3_list_callback callback, void *context, struct err *err)
{
    // Two arenas in turn: the token of one page is read while the next is made.
    struct arena *pages[2] = {arena_open(NULL), arena_open(NULL)};
    struct str token = STR("");
    rc code = RC_OK;
    for (size_t page = 0; code == RC_OK && (page == 0 || token.length > 0); page++) {
        struct arena *arena = pages[page % 2];
        const struct xml *root;
        arena_reset(arena);
        code =
            list_page(client, arena, (struct s3_name){bucket, STR("")}, prefix, &token, &root, err);
        if (code == RC_OK)
            code = hand_over(arena, root, callback, context, err);
    }
    arena_close(pages[0]);
    arena_close(pages[1]);
    return code;
}

// --- removing ----------------------------------------------------------------------------------

enum { DELETE_MAX_BYTES = 8 << 20, DELETE_MAX_ROUNDS = 4 };

/// Keys that are still to be removed, and the first one that cannot be.
struct removal {
    struct s3_client *client;
    struct str bucket;
    const struct str *keys;
    size_t count;
    bool *is_again; // per key of the batch: the server asks for patience
    size_t failed;
    rc code;
    struct err err;
};

static void note_failure(struct removal *removal, rc code, const struct err *err)
{
    if (removal->failed++ > 0)
        return;
    removal->code = code;
    removal->err = *err;
}

static struct str batch_body(struct arena *arena, const struct str *keys, size_t count)
{
    struct buf body;
    buf_init(&body, DELETE_MAX_BYTES);
    buf_append_cstr(&body, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < count; i++)
        buf_printf(&body, "<Object><Key>%.*s</Key></Object>", STR_ARGS(xml_escape(arena, keys[i])));
    buf_append_cstr(&body, "<Quiet>true</Quiet></Delete>");
    const struct str text = arena_str(arena, buf_str(&body));
    buf_done(&body);
    return text;
}

/// An <Error> inside of the 200: one key stayed.
static void judge_key(struct removal *removal, struct arena *arena, const struct xml *error,
                      const struct str *keys, size_t count)
{
    const struct str key = xml_text(error, "Key"), said = xml_text(error, "Code");
    static const char *const transient[] = {"InternalError", "SlowDown", "ServiceUnavailable",
                                            "RequestTimeout", "OperationAborted"};
    if (str_is(said, "NoSuchKey"))
        return;
    for (size_t i = 0; i < sizeof transient / sizeof *transient; i++)
        for (size_t k = 0; str_is(said, transient[i]) && k < count; k++)
            if (str_equal(keys[k], key)) {
                removal->is_again[k] = true;
                return;
            }
    struct aws_failure failure = {.status = 200};
    snprintf(failure.code, sizeof failure.code, "%.*s", STR_ARGS(str_slice(said, 0, 90)));
    snprintf(failure.message, sizeof failure.message, "%.*s",
             STR_ARGS(str_slice(xml_text(error, "Message"), 0, 500)));
    const struct aws_asked asked = {.service = "s3",
                                    .action = "DeleteObjects",
                                    .permission = "s3:DeleteObject",
                                    .resource =
                                        s3_uri_of(arena, (struct s3_name){removal->bucket, key})};
    struct err err = {0};
    note_failure(removal, aws_failure_error(&failure, &asked, &err), &err);
}

static rc delete_batch(struct removal *removal, struct arena *arena, const struct str *keys,
                       size_t count, struct s3_outcome *ret_outcome, struct err *err)
{
    const struct str body = batch_body(arena, keys, count);
    bool sends_checksum;
    TRY(s3_sends_checksums(removal->client, &sends_checksum, err));
    // One of the two is demanded; older servers know only MD5.
    const struct hash md5 = hash_of(HASH_MD5, body);
    const struct http_header headers[] = {
        {STR("Content-Type"), STR("application/xml")},
        sends_checksum
            ? (struct http_header){STR("x-amz-checksum-crc32"),
                                   s3_crc32_text(arena, hash_crc32(0, body.bytes, body.length))}
            : (struct http_header){STR("Content-MD5"),
                                   base64_encode(arena, md5.bytes, md5.length, BASE64_STANDARD)},
    };
    const struct s3_call call = {.action = "DeleteObjects",
                                 .method = "POST",
                                 .name = {removal->bucket, STR("")},
                                 .query = STR("delete="),
                                 .headers = headers,
                                 .header_count = 2,
                                 .body = body,
                                 .ignores_stop = true,
                                 .can_fail_in_200 = true};
    struct http_response response;
    TRY(s3_send(removal->client, arena, &call, &response, ret_outcome, err));
    const struct xml *root;
    TRY(xml_parse(arena, response.body, "the answer of s3:DeleteObjects", &root, err));
    for (const struct xml *e = xml_get(root, "Error"); e != NULL; e = xml_again(e))
        judge_key(removal, arena, e, keys, count);
    return RC_OK;
}

static void delete_singly(struct removal *removal, const struct str *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct err err = {0};
        const rc code =
            s3_delete(removal->client, (struct s3_name){removal->bucket, keys[i]}, &err);
        if (code != RC_OK)
            note_failure(removal, code, &err);
    }
}

/// Removes up to S3_DELETE_MAX_KEYS; keys that ask for patience are tried again in a next round.
static void remove_batch(struct removal *removal, const struct str *keys, size_t count)
{
    struct arena *arena = arena_open(NULL);
    struct str *left = ARENA_ARRAY(arena, struct str, count);
    memcpy(left, keys, count * sizeof *keys);
    removal->is_again = ARENA_ARRAY(arena, bool, count);
    for (int round = 0; count > 0; round++) {
        struct err err = {0};
        struct s3_outcome outcome = {0};
        memset(removal->is_again, 0, count * sizeof *removal->is_again);
        const rc code = delete_batch(removal, arena, left, count, &outcome, &err);
        if (code != RC_OK && (outcome.failure.status == 501 || outcome.failure.status == 405)) {
            delete_singly(removal, left, count); // a server without this call
            break;
        }
        if (code != RC_OK) {
            note_failure(removal, code, &err);
            removal->failed += count - 1;
            break;
        }
        size_t kept = 0;
        for (size_t i = 0; i < count; i++)
            if (removal->is_again[i])
                left[kept++] = left[i];
        count = kept;
        if (round + 1 == DELETE_MAX_ROUNDS) {
            delete_singly(removal, left, count); // each with its own patience
            break;
        }
    }
    arena_close(arena);
}

rc s3_delete_many(struct s3_client *client, struct str bucket, const struct str *keys, size_t count,
                  struct err *err)
{
    struct removal removal = {.client = client, .bucket = bucket};
    for (size_t at = 0; at < count; at += S3_DELETE_MAX_KEYS) {
        const size_t left = count - at;
        remove_batch(&removal, keys + at, left < S3_DELETE_MAX_KEYS ? left : S3_DELETE_MAX_KEYS);
    }
    if (removal.failed == 0)
        return RC_OK;
    if (err != NULL)
        *err = removal.err;
    if (removal.failed > 1)
        err_context(err, "%zu of %zu objects were not removed, the first", removal.failed, count);
    return removal.code;
}
