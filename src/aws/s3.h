/// @file s3.h
/// Objects in S3 and in servers that speak its protocol: reading by range, conditional writing,
/// uploads in parts, listing, removing, and the store that is made of it.
/// Layer: aws (store, net and base below). Threads: a client may be used by many threads at once;
/// an upload by one.
/// Source: Amazon S3 API Reference, "Checking object integrity", "Conditional writes"; botocore
/// where it is silent. Limits: S3_* below.
///
/// Every request is signed again for every attempt. 500, 503 SlowDown, RequestTimeout, cut answers
/// and lost connections are tried again; a bucket of another region is found by what S3 answers and
/// remembered. A conditional write whose answer was lost is read back before it is called a
/// conflict: each carries a mark of its own (x-amz-meta-moulin-write).

#ifndef AWS_S3_H
#define AWS_S3_H

#include "aws/session.h"
#include "store/store.h"

enum {
    S3_PART_BYTES = 8 << 20, // of the first 1,000 parts of an upload; then twice as much, ...
    S3_MAX_PARTS = 10000,
    S3_MAX_PARTS_IN_FLIGHT = 4, // of one client, over all its uploads
    S3_DELETE_MAX_KEYS = 1000,
};

struct s3_client;

/// Opens without a word to anybody. Released with `arena`.
CHECK rc s3_client_open(struct arena *arena, struct aws_session *session,
                        struct s3_client **ret_client, struct err *err);

/// "s3://bucket/key"; s3a and s3n are read as s3. The key is literal: nothing is decoded.
struct s3_name {
    struct str bucket, key; // borrowed from the URI; the key may be empty
};
/// @return RC_OK | RC_INVALID (another scheme, no bucket, a name that S3 does not allow)
CHECK rc s3_name_parse(struct str uri, struct s3_name *ret_name, struct err *err);

struct s3_object {
    struct str etag; // with its quotes
    int64_t size_bytes, modified_us;
};

/// @return RC_OK | RC_NOT_FOUND (key or bucket) | RC_DENIED | RC_HTTP | RC_NETWORK | RC_TIMEOUT
CHECK rc s3_head(struct s3_client *client, struct arena *arena, struct s3_name name,
                 struct s3_object *ret_object, struct err *err);

struct s3_get_options {
    bool is_range;
    int64_t offset;      // is_range: negative = from the end
    size_t max_bytes;    // of the object (RC_LIMIT above it), is_range: length
    struct str if_match; // ETag; RC_CONFLICT when the object is another one by now
};
/// What the server says about checksums of the whole object is verified (RC_CORRUPT).
/// @param ret_object  may be NULL
CHECK rc s3_get(struct s3_client *client, struct arena *arena, struct s3_name name,
                const struct s3_get_options *options, struct str *ret_bytes,
                struct s3_object *ret_object, struct err *err);

/// @param must_be_new  If-None-Match: *; RC_EXISTS when somebody else was first
CHECK rc s3_put(struct s3_client *client, struct s3_name name, struct str bytes, bool must_be_new,
                struct err *err);

CHECK rc s3_delete(struct s3_client *client, struct s3_name name, struct err *err);
/// Removes keys of one bucket, up to S3_DELETE_MAX_KEYS per request, all that can be removed.
/// @return RC_OK, or the first failure with the number of keys that stayed
CHECK rc s3_delete_many(struct s3_client *client, struct str bucket, const struct str *keys,
                        size_t count, struct err *err);

/// Calls back for every key that starts with `prefix`, in the order of their bytes.
typedef rc (*s3_list_callback)(void *context, struct str key, const struct s3_object *object,
                               struct err *err);
CHECK rc s3_list(struct s3_client *client, struct str bucket, struct str prefix,
                 s3_list_callback callback, void *context, struct err *err);

/// An object that is written piece by piece. Up to S3_PART_BYTES it is one PUT, above it parts that
/// are sent in the background. Nothing is visible before the end; what was sent is given up when
/// the upload fails.
struct s3_upload;
CHECK rc s3_upload_open(struct s3_client *client, struct s3_name name, bool must_be_new,
                        struct s3_upload **ret_upload, struct err *err);
/// Copies the bytes; waits while S3_MAX_PARTS_IN_FLIGHT parts are on their way.
CHECK rc s3_upload_write(struct s3_upload *upload, struct str bytes, struct err *err);
CHECK rc s3_upload_finish(struct s3_upload *upload, struct err *err); // releases it in any case
void s3_upload_abort(struct s3_upload *upload);                       // releases it

/// The store of all buckets: names "s3://bucket/key".
CHECK rc store_open_s3(struct arena *arena, struct aws_session *session, struct store **ret_store,
                       struct err *err);
/// True for "s3://...", "s3a://...", "s3n://...".
bool s3_is_uri(struct str uri);

/// What DuckDB needs to read the buckets of which store_reader_path was asked; all zero for another
/// kind of store.
struct duck_remotes;
void s3_duck_remotes(struct store *store, struct duck_remotes *ret_remotes);

#endif
