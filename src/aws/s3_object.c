// Whole objects: reading, writing, removing one. Layer: aws. Source: see s3.h.

#include "aws/s3.intern.h"

#include "base/random.h"
#include "base/time.h"

#define MARK_HEADER "x-amz-meta-moulin-write"

static struct s3_object object_of(struct arena *arena, const struct http_response *response)
{
    struct s3_object object = {0};
    const struct str length = http_header_get(&response->headers, STR("content-length"));
    const struct str range = http_header_get(&response->headers, STR("content-range"));
    const struct str modified = http_header_get(&response->headers, STR("last-modified"));
    object.etag = arena_str(arena, http_header_get(&response->headers, STR("etag")));
    int64_t number;
    if (str_to_int64(length, &number) && number >= 0)
        object.size_bytes = number;
    const size_t slash = range.length > 0 ? str_find_byte(range, '/') : SIZE_MAX;
    if (slash != SIZE_MAX && str_to_int64(str_slice(range, slash + 1, SIZE_MAX), &number))
        object.size_bytes = number;
    if (time_parse_http_date(modified, &number, NULL) == RC_OK)
        object.modified_us = number;
    return object;
}

rc s3_head(struct s3_client *client, struct arena *arena, struct s3_name name,
           struct s3_object *ret_object, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct http_response response;
    const struct s3_call call = {
        .action = "HeadObject", .method = "HEAD", .name = name, .ignores_stop = true};
    const rc code = s3_send(client, scratch, &call, &response, NULL, err);
    if (code == RC_OK)
        *ret_object = object_of(arena, &response);
    arena_close(scratch);
    return code;
}

// --- reading -----------------------------------------------------------------------------------

static struct str range_text(struct arena *arena, const struct s3_get_options *options)
{
    if (options->offset >= 0)
        return arena_printf(arena, "bytes=%lld-%lld", (long long)options->offset,
                            (long long)options->offset + (long long)options->max_bytes - 1);
    return arena_printf(arena, "bytes=%lld", (long long)options->offset);
}

/// The part of the body that was asked for, also where a server does not know ranges.
static struct str cut(struct str body, int status, const struct s3_get_options *options)
{
    if (options->is_range && status != 206) {
        const int64_t size = (int64_t)body.length;
        int64_t from = options->offset < 0 ? size + options->offset : options->offset;
        if (from < 0)
            from = 0;
        body = from < size ? str_slice(body, (size_t)from, SIZE_MAX) : STR("");
    }
    return str_slice(body, 0, options->max_bytes);
}

static rc get_bytes(struct s3_client *client, struct arena *scratch, struct s3_name name,
                    const struct s3_get_options *options, struct http_response *ret_response,
                    struct s3_outcome *ret_outcome, struct err *err)
{
    struct http_header headers[3];
    size_t count = 0;
    struct str validation;
    TRY(aws_session_setting(client->session, scratch, "AWS_RESPONSE_CHECKSUM_VALIDATION",
                            "response_checksum_validation", &validation, err));
    if (!str_equal_ignore_case(validation, STR("when_required")))
        headers[count++] = (struct http_header){STR("x-amz-checksum-mode"), STR("ENABLED")};
    if (options->is_range)
        headers[count++] = (struct http_header){STR("Range"), range_text(scratch, options)};
    if (options->if_match.length > 0)
        headers[count++] = (struct http_header){STR("If-Match"), options->if_match};
    const struct s3_call call = {.action = "GetObject",
                                 .method = "GET",
                                 .name = name,
                                 .headers = headers,
                                 .header_count = count,
                                 .max_body_bytes = options->max_bytes,
                                 .has_object = true};
    return s3_send(client, scratch, &call, ret_response, ret_outcome, err);
}

static rc too_large(struct arena *scratch, struct s3_name name, size_t max_bytes, struct err *err)
{
    return err_set(err, RC_LIMIT, "%.*s has more than the %zu bytes allowed here",
                   STR_ARGS(s3_uri_of(scratch, name)), max_bytes);
}

rc s3_get(struct s3_client *client, struct arena *arena, struct s3_name name,
          const struct s3_get_options *options, struct str *ret_bytes, struct s3_object *ret_object,
          struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct http_response response = {0};
    struct s3_outcome outcome = {0};
    struct s3_object object = {0};
    struct str bytes = STR("");
    rc code;
    if (options->is_range && options->max_bytes == 0) {
        code = s3_head(client, scratch, name, &object, err);
    } else {
        code = get_bytes(client, scratch, name, options, &response, &outcome, err);
        if (code == RC_OK) {
            object = object_of(scratch, &response);
            bytes = response.body.bytes != NULL ? response.body : STR("");
        } else if (options->is_range && outcome.failure.status == 416) {
            if (err != NULL)
                *err = (struct err){0};
            code = RC_OK; // behind the end: nothing, as files have it
        } else if (code == RC_LIMIT) {
            code = too_large(scratch, name, options->max_bytes, err);
        }
    }
    if (code == RC_OK && !options->is_range && bytes.length > options->max_bytes)
        code = too_large(scratch, name, options->max_bytes, err);
    if (code == RC_OK) {
        *ret_bytes = arena_str(arena, cut(bytes, response.status, options));
        object.etag = arena_str(arena, object.etag);
        if (ret_object != NULL)
            *ret_object = object;
    }
    arena_close(scratch);
    return code;
}

// --- writing -----------------------------------------------------------------------------------

void s3_new_mark(char mark[S3_MARK_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[S3_MARK_BYTES / 2];
    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        mark[2 * i] = digits[bytes[i] >> 4];
        mark[2 * i + 1] = digits[bytes[i] & 15];
    }
    mark[S3_MARK_BYTES] = '\0';
}

rc s3_is_mine(struct s3_client *client, struct s3_name name, const char *mark, bool *ret_is_mine,
              struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct http_response response;
    struct s3_outcome outcome;
    const struct s3_call call = {
        .action = "HeadObject", .method = "HEAD", .name = name, .ignores_stop = true};
    rc code = s3_send(client, scratch, &call, &response, &outcome, err);
    if (code == RC_OK) {
        *ret_is_mine = str_is(http_header_get(&response.headers, STR(MARK_HEADER)), mark);
    } else if (outcome.failure.status == 404) {
        *ret_is_mine = false;
        code = RC_OK;
    }
    arena_close(scratch);
    return code;
}

static bool is_refused(const struct aws_failure *failure)
{
    return failure->status == 412 || aws_failure_is(failure, "PreconditionFailed");
}

rc s3_settle(struct s3_client *client, struct s3_name name, const char *mark, bool must_be_new,
             const struct s3_outcome *outcome, rc code, struct err *err)
{
    struct err failed = {0};
    bool is_mine = false;
    if ((outcome->was_unknown || outcome->is_unknown) &&
        s3_is_mine(client, name, mark, &is_mine, &failed) == RC_OK && is_mine) {
        if (err != NULL)
            *err = (struct err){0};
        return RC_OK; // it was carried out; only the answer was lost
    }
    if (!must_be_new || !is_refused(&outcome->failure))
        return code;
    struct arena *scratch = arena_open(NULL);
    err_set(err, RC_EXISTS, "%.*s exists already", STR_ARGS(s3_uri_of(scratch, name)));
    arena_close(scratch);
    return RC_EXISTS;
}

rc s3_put(struct s3_client *client, struct s3_name name, struct str bytes, bool must_be_new,
          struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct http_header headers[6];
    size_t count = 0;
    bool sends_checksum = false;
    char mark[S3_MARK_BYTES + 1];
    s3_new_mark(mark);
    if (bytes.bytes == NULL)
        bytes = STR("");
    rc code = s3_sends_checksums(client, &sends_checksum, err);
    headers[count++] = (struct http_header){STR("Content-Type"), STR("application/octet-stream")};
    if (sends_checksum)
        headers[count++] =
            (struct http_header){STR("x-amz-checksum-crc32"),
                                 s3_crc32_text(scratch, hash_crc32(0, bytes.bytes, bytes.length))};
    if (must_be_new) {
        headers[count++] = (struct http_header){STR("If-None-Match"), STR("*")};
        headers[count++] = (struct http_header){STR(MARK_HEADER), str_of(mark)};
    }
    const struct s3_call call = {.action = "PutObject",
                                 .method = "PUT",
                                 .name = name,
                                 .headers = headers,
                                 .header_count = count,
                                 .body = bytes,
                                 .ignores_stop = true}; // small: it ends rather than stays unknown
    struct http_response response;
    struct s3_outcome outcome = {0};
    if (code == RC_OK)
        code = s3_send(client, scratch, &call, &response, &outcome, err);
    if (code != RC_OK && must_be_new)
        code = s3_settle(client, name, mark, true, &outcome, code, err);
    arena_close(scratch);
    return code;
}

rc s3_delete(struct s3_client *client, struct s3_name name, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct http_response response;
    struct s3_outcome outcome;
    const struct s3_call call = {
        .action = "DeleteObject", .method = "DELETE", .name = name, .ignores_stop = true};
    rc code = s3_send(client, scratch, &call, &response, &outcome, err);
    if (code != RC_OK && outcome.failure.status == 404 &&
        !aws_failure_is(&outcome.failure, "NoSuchBucket")) {
        if (err != NULL)
            *err = (struct err){0};
        code = RC_OK; // gone is gone
    }
    arena_close(scratch);
    return code;
}
