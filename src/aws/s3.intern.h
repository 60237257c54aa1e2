/// @file s3.intern.h
/// What the files of the S3 client share. Layer: aws, internal to s3*.c.

#ifndef AWS_S3_INTERN_H
#define AWS_S3_INTERN_H

#include <pthread.h>

#include "aws/client.h"
#include "aws/s3.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/xml.h"

enum {
    S3_ANSWER_MAX_BYTES = 16 << 20, // listings, errors, completions
    S3_MARK_BYTES = 32,             // of x-amz-meta-moulin-write, hexadecimal
};

/// A bucket that was used. Lives as long as the client; the region changes under its lock.
struct s3_bucket {
    struct str name;
    struct str region; // that S3 told us; "" = the session's
    bool is_read_by_engine;
};

struct s3_client {
    struct aws_session *session;
    pthread_mutex_t lock; // of all below
    struct arena *arena;
    struct map buckets; // name -> struct s3_bucket
    int64_t generation; // changes with what the engine has to know
    // Parts on their way.
    struct pool *pool; // opened by the first large upload
    struct arena *pool_arena;
    int parts_in_flight;
    pthread_cond_t has_room;
};

// --- where a bucket is (s3_address.c) -----------------------------------------------------------

struct s3_address {
    struct str origin; // "https://bucket.s3.eu-west-1.amazonaws.com"
    struct str host;   // as the Host header has it
    struct str root;   // of every path: "" or "/bucket", encoded
    struct str region; // to sign for
    struct str server; // host without the bucket, and with the port
    bool is_path_style, is_plain_http;
};
CHECK rc s3_address_of(struct s3_client *client, struct arena *arena, struct str bucket,
                       struct s3_address *ret_address, struct err *err);
/// What an answer that refuses says of the bucket's region. @return true: it is news, ask again
bool s3_learn_region(struct s3_client *client, struct str bucket,
                     const struct http_response *response, struct str asked_region);
/// The bucket's entry, made when there is none. The lock must be held.
struct s3_bucket *s3_bucket_of(struct s3_client *client, struct str name);

// --- one request (s3.c) -------------------------------------------------------------------------

struct s3_call {
    const char *action; // "GetObject"
    const char *method;
    struct s3_name name;
    struct str query; // encoded, sorted or not; "" = none
    const struct http_header *headers;
    size_t header_count;
    struct str body; // sent when .bytes is not NULL
    size_t max_body_bytes;
    bool ignores_stop;
    bool can_fail_in_200; // the body of a 200 may be an <Error>
    bool has_object;      // the body is an object: its checksum is verified
};

struct s3_outcome {
    struct aws_failure failure; // when the result is not RC_OK and a server answered
    bool was_unknown;           // an attempt before the last may have been carried out
    bool is_unknown;            // so may the last
};

/// Sends, again and again as far as that may help; follows regions.
/// @param ret_outcome  may be NULL; filled in any case
/// @return RC_OK for a status below 300 | the failure's class, with its error
CHECK rc s3_send(struct s3_client *client, struct arena *arena, const struct s3_call *call,
                 struct http_response *ret_response, struct s3_outcome *ret_outcome,
                 struct err *err);

/// "s3://bucket/key" for messages.
struct str s3_uri_of(struct arena *arena, struct s3_name name);

// --- checksums (s3_checksum.c) ------------------------------------------------------------------

/// Whether requests carry checksums that no API demands: request_checksum_calculation is not
/// when_required.
CHECK rc s3_sends_checksums(struct s3_client *client, bool *ret_sends, struct err *err);
struct str s3_crc32_text(struct arena *arena, uint32_t crc);
/// Compares what the answer says of the whole object with its body.
/// @return RC_OK (also when it says nothing that is known here) | RC_CORRUPT
CHECK rc s3_verify(struct arena *arena, const struct http_response *response, struct err *err);
/// CRC-64/NVME as S3 computes it. Start with 0; feed the result back to continue.
uint64_t s3_crc64(uint64_t crc, const void *bytes, size_t length);
uint32_t s3_crc32c(uint32_t crc, const void *bytes, size_t length);

// --- conditional writes (s3_object.c) -----------------------------------------------------------

void s3_new_mark(char mark[S3_MARK_BYTES + 1]);
/// Reads back whether the object is the one that carries this mark.
CHECK rc s3_is_mine(struct s3_client *client, struct s3_name name, const char *mark,
                    bool *ret_is_mine, struct err *err);
/// After a failed conditional write: RC_OK when it was carried out all the same, RC_EXISTS when
/// somebody else was first, else the failure.
CHECK rc s3_settle(struct s3_client *client, struct s3_name name, const char *mark,
                   bool must_be_new, const struct s3_outcome *outcome, rc code, struct err *err);

#endif
