// Objects that are written piece by piece: one PUT while they are small, else parts that a pool of
// threads sends. Layer: aws. Source: Amazon S3 API Reference, CreateMultipartUpload, UploadPart,
// CompleteMultipartUpload; "Multipart upload limits".
// Memory: per open upload one part, and S3_MAX_PARTS_IN_FLIGHT parts per client.

#include "aws/s3.intern.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/vec.h"
#include "net/url.h"

enum { ROOM_FROM_BYTES = 1 << 20, ETAG_BYTES = 200, PARTS_PER_SIZE = 1000, MAX_DOUBLINGS = 9 };

/// A part that was sent.
struct part {
    char etag[ETAG_BYTES];
    uint32_t crc;
};

struct s3_upload {
    struct arena *arena; // of the thread that writes
    struct s3_client *client;
    struct s3_name name;
    bool must_be_new, has_checksums;
    char mark[S3_MARK_BYTES + 1];
    struct str id; // of the upload in parts; "" = not begun
    struct buf buffer;
    uint32_t crc; // of all that was written
    int64_t size_bytes;
    int part_count; // begun
    VEC(struct part *) parts;
    // Under the client's lock:
    int in_flight;
    bool is_failed;
    struct err failure;
};

struct job {
    struct s3_upload *upload;
    struct buf body;
    struct part *part;
    int number;
};

static size_t part_bytes(int number)
{
    const int doublings = (number - 1) / PARTS_PER_SIZE;
    return (size_t)S3_PART_BYTES << (doublings < MAX_DOUBLINGS ? doublings : MAX_DOUBLINGS);
}

rc s3_upload_open(struct s3_client *client, struct s3_name name, bool must_be_new,
                  struct s3_upload **ret_upload, struct err *err)
{
    struct arena *arena = arena_open(NULL);
    struct s3_upload *upload = ARENA_NEW(arena, struct s3_upload);
    *upload = (struct s3_upload){
        .arena = arena,
        .client = client,
        .name = {arena_str(arena, name.bucket), arena_str(arena, name.key)},
        .must_be_new = must_be_new,
    };
    s3_new_mark(upload->mark);
    buf_init(&upload->buffer, part_bytes(1));
    const rc code = s3_sends_checksums(client, &upload->has_checksums, err);
    if (code != RC_OK)
        arena_close(arena);
    else
        *ret_upload = upload;
    return code;
}

// --- parts, in the threads of the pool ---------------------------------------------------------

static rc send_part(const struct job *job, struct arena *arena, struct err *err)
{
    const struct s3_upload *upload = job->upload;
    struct http_header headers[2] = {{STR("Content-Type"), STR("application/octet-stream")}};
    size_t count = 1;
    job->part->crc = hash_crc32(0, job->body.bytes, job->body.length);
    if (upload->has_checksums)
        headers[count++] =
            (struct http_header){STR("x-amz-checksum-crc32"), s3_crc32_text(arena, job->part->crc)};
    const struct s3_call call = {
        .action = "UploadPart",
        .method = "PUT",
        .name = upload->name,
        .query = arena_printf(arena, "partNumber=%d&uploadId=%.*s", job->number,
                              STR_ARGS(url_encode(arena, upload->id, STR("")))),
        .headers = headers,
        .header_count = count,
        .body = buf_str(&job->body),
    };
    struct http_response response;
    TRY(s3_send(upload->client, arena, &call, &response, NULL, err));
    const struct str etag = http_header_get(&response.headers, STR("etag"));
    if (etag.length == 0 || etag.length >= ETAG_BYTES)
        return err_set(err, RC_HTTP, "s3:UploadPart, %.*s: the answer has no ETag",
                       STR_ARGS(s3_uri_of(arena, upload->name)));
    memcpy(job->part->etag, etag.bytes, etag.length);
    return RC_OK;
}

static void run_job(void *object)
{
    struct job *job = object;
    struct s3_upload *upload = job->upload;
    struct s3_client *client = upload->client;
    struct arena *arena = arena_open(NULL);
    struct err err = {0};
    pthread_mutex_lock(&client->lock);
    const bool is_needed = !upload->is_failed;
    pthread_mutex_unlock(&client->lock);
    const rc code = is_needed ? send_part(job, arena, &err) : RC_OK;
    buf_done(&job->body);
    arena_close(arena);
    pthread_mutex_lock(&client->lock);
    if (code != RC_OK && !upload->is_failed) {
        upload->is_failed = true;
        upload->failure = err;
        upload->failure.code = code;
    }
    upload->in_flight--;
    client->parts_in_flight--;
    pthread_cond_broadcast(&client->has_room);
    pthread_mutex_unlock(&client->lock);
}

/// Waits for room, then hands the buffer to the pool.
static rc start_part(struct s3_upload *upload, struct err *err)
{
    struct s3_client *client = upload->client;
    if (upload->part_count >= S3_MAX_PARTS)
        return err_set(err, RC_LIMIT, "%.*s is too large for S3: more than %d parts",
                       STR_ARGS(s3_uri_of(upload->arena, upload->name)), S3_MAX_PARTS);
    struct job *job = ARENA_NEW(upload->arena, struct job);
    struct part *part = ARENA_NEW(upload->arena, struct part);
    pthread_mutex_lock(&client->lock);
    while (client->parts_in_flight >= S3_MAX_PARTS_IN_FLIGHT && !upload->is_failed)
        pthread_cond_wait(&client->has_room, &client->lock);
    const bool is_failed = upload->is_failed;
    if (!is_failed) {
        client->parts_in_flight++;
        upload->in_flight++;
        if (client->pool == NULL) {
            client->pool_arena = arena_open(NULL);
            client->pool = pool_open(client->pool_arena, S3_MAX_PARTS_IN_FLIGHT);
        }
    }
    pthread_mutex_unlock(&client->lock);
    if (is_failed) {
        if (err != NULL)
            *err = upload->failure;
        return upload->failure.code;
    }
    *job = (struct job){upload, upload->buffer, part, ++upload->part_count};
    *vec_push(upload->arena, &upload->parts) = part;
    buf_init(&upload->buffer, part_bytes(upload->part_count + 1));
    pool_submit(client->pool, run_job, job);
    return RC_OK;
}

static void wait_for_parts(struct s3_upload *upload)
{
    pthread_mutex_lock(&upload->client->lock);
    while (upload->in_flight > 0)
        pthread_cond_wait(&upload->client->has_room, &upload->client->lock);
    pthread_mutex_unlock(&upload->client->lock);
}

// --- begin, end, give up -----------------------------------------------------------------------

static rc begin(struct s3_upload *upload, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct http_header headers[5] = {
        {STR("Content-Type"), STR("application/octet-stream")},
        {STR("x-amz-meta-moulin-write"), str_of(upload->mark)},
    };
    size_t count = 2;
    if (upload->has_checksums) {
        headers[count++] = (struct http_header){STR("x-amz-checksum-algorithm"), STR("CRC32")};
        headers[count++] = (struct http_header){STR("x-amz-checksum-type"), STR("FULL_OBJECT")};
    }
    const struct s3_call call = {.action = "CreateMultipartUpload",
                                 .method = "POST",
                                 .name = upload->name,
                                 .query = STR("uploads="),
                                 .headers = headers,
                                 .header_count = count,
                                 .body = STR(""),
                                 .can_fail_in_200 = true};
    struct http_response response;
    const struct xml *root;
    rc code = s3_send(upload->client, scratch, &call, &response, NULL, err);
    if (code == RC_OK)
        code =
            xml_parse(scratch, response.body, "the answer of s3:CreateMultipartUpload", &root, err);
    if (code == RC_OK)
        upload->id = arena_str(upload->arena, xml_text(root, "UploadId"));
    if (code == RC_OK && upload->id.length == 0)
        code = err_set(err, RC_HTTP, "s3:CreateMultipartUpload, %.*s: the answer has no UploadId",
                       STR_ARGS(s3_uri_of(scratch, upload->name)));
    arena_close(scratch);
    return code;
}

static struct str completion_body(struct s3_upload *upload, struct arena *arena)
{
    struct buf body;
    buf_init(&body, 16 << 20);
    buf_append_cstr(&body,
                    "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < upload->parts.count; i++) {
        const struct part *part = upload->parts.items[i];
        buf_append_cstr(&body, "<Part>");
        if (upload->has_checksums)
            buf_printf(&body, "<ChecksumCRC32>%.*s</ChecksumCRC32>",
                       STR_ARGS(s3_crc32_text(arena, part->crc)));
        buf_printf(&body, "<ETag>%.*s</ETag><PartNumber>%zu</PartNumber></Part>",
                   STR_ARGS(xml_escape(arena, str_of(part->etag))), i + 1);
    }
    buf_append_cstr(&body, "</CompleteMultipartUpload>");
    const struct str text = arena_str(arena, buf_str(&body));
    buf_done(&body);
    return text;
}

static rc complete(struct s3_upload *upload, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct http_header headers[6] = {{STR("Content-Type"), STR("application/xml")}};
    size_t count = 1;
    if (upload->has_checksums) {
        headers[count++] =
            (struct http_header){STR("x-amz-checksum-crc32"), s3_crc32_text(scratch, upload->crc)};
        headers[count++] = (struct http_header){STR("x-amz-checksum-type"), STR("FULL_OBJECT")};
        headers[count++] =
            (struct http_header){STR("x-amz-mp-object-size"),
                                 arena_printf(scratch, "%lld", (long long)upload->size_bytes)};
    }
    if (upload->must_be_new)
        headers[count++] = (struct http_header){STR("If-None-Match"), STR("*")};
    const struct s3_call call = {
        .action = "CompleteMultipartUpload",
        .method = "POST",
        .name = upload->name,
        .query = arena_printf(scratch, "uploadId=%.*s",
                              STR_ARGS(url_encode(scratch, upload->id, STR("")))),
        .headers = headers,
        .header_count = count,
        .body = completion_body(upload, scratch),
        .ignores_stop = true,
        .can_fail_in_200 = true};
    struct http_response response;
    struct s3_outcome outcome;
    rc code = s3_send(upload->client, scratch, &call, &response, &outcome, err);
    if (code != RC_OK)
        code = s3_settle(upload->client, upload->name, upload->mark, upload->must_be_new, &outcome,
                         code, err);
    arena_close(scratch);
    return code;
}

/// What was sent costs money until it is given up.
static void give_up(struct s3_upload *upload)
{
    struct arena *scratch = arena_open(NULL);
    struct http_response response;
    struct err err = {0};
    const struct s3_call call = {
        .action = "AbortMultipartUpload",
        .method = "DELETE",
        .name = upload->name,
        .query = arena_printf(scratch, "uploadId=%.*s",
                              STR_ARGS(url_encode(scratch, upload->id, STR("")))),
        .ignores_stop = true};
    if (upload->id.length > 0 &&
        s3_send(upload->client, scratch, &call, &response, NULL, &err) != RC_OK)
        log_debug("an upload in parts was not given up, the bucket's lifecycle rule will: %s",
                  err.message);
    arena_close(scratch);
}

static void release(struct s3_upload *upload)
{
    buf_done(&upload->buffer);
    arena_close(upload->arena);
}

rc s3_upload_write(struct s3_upload *upload, struct str bytes, struct err *err)
{
    upload->crc = hash_crc32(upload->crc, bytes.bytes, bytes.length);
    upload->size_bytes += (int64_t)bytes.length;
    while (bytes.length > 0) {
        // A full buffer is sent only when more comes: so the last part is never empty.
        if (upload->buffer.length == upload->buffer.max_bytes) {
            if (upload->id.length == 0)
                TRY(begin(upload, err));
            TRY(start_part(upload, err));
        }
        // Doubling would hold a second copy of the part for a moment, and litter the heap.
        struct buf *buffer = &upload->buffer;
        const size_t old_length = buffer->length;
        if (buffer->length >= ROOM_FROM_BYTES && buffer->capacity < buffer->max_bytes &&
            buf_extend(buffer, buffer->max_bytes - buffer->length) != NULL)
            buf_truncate(buffer, old_length);
        const size_t room = upload->buffer.max_bytes - upload->buffer.length;
        const struct str piece = str_slice(bytes, 0, room);
        buf_append_str(&upload->buffer, piece);
        bytes = str_slice(bytes, piece.length, SIZE_MAX);
    }
    return RC_OK;
}

static rc finish_parts(struct s3_upload *upload, struct err *err)
{
    rc code = start_part(upload, err);
    wait_for_parts(upload);
    if (code == RC_OK && upload->is_failed) {
        if (err != NULL)
            *err = upload->failure;
        code = upload->failure.code;
    }
    if (code == RC_OK)
        code = complete(upload, err);
    if (code != RC_OK)
        give_up(upload);
    return code;
}

rc s3_upload_finish(struct s3_upload *upload, struct err *err)
{
    const rc code = upload->id.length > 0
                        ? finish_parts(upload, err)
                        : s3_put(upload->client, upload->name, buf_str(&upload->buffer),
                                 upload->must_be_new, err);
    release(upload);
    return code;
}

void s3_upload_abort(struct s3_upload *upload)
{
    if (upload == NULL)
        return;
    pthread_mutex_lock(&upload->client->lock);
    upload->is_failed = true; // parts that wait are not sent any more
    pthread_mutex_unlock(&upload->client->lock);
    wait_for_parts(upload);
    give_up(upload);
    release(upload);
}
