/// @file sign.h
/// Signature Version 4: in headers, or in the query of a URL. Layer: aws. Threads: pure functions.
/// Sources: AWS "Signature Version 4 signing process"; the suite of aws-c-auth; botocore where a
/// choice is free (which headers are signed).
///
/// What is signed must be what is sent: path, query and Host exactly as the request has them
/// (struct http_request.is_verbatim).

#ifndef AWS_SIGN_H
#define AWS_SIGN_H

#include "aws/session.h"
#include "net/http.h"

enum aws_path_style {
    AWS_PATH_NORMALISED, // dot segments and double slashes resolved, then encoded (again): default
    AWS_PATH_ENCODED,    // encoded (again), nothing resolved
    AWS_PATH_AS_IS,      // S3: the path is encoded once already and stands as it is
};

enum aws_payload {
    AWS_PAYLOAD_HASHED,   // SHA-256 of the body
    AWS_PAYLOAD_UNSIGNED, // "UNSIGNED-PAYLOAD"; S3 takes it, over TLS also without a checksum
    AWS_PAYLOAD_GIVEN,    // .payload_hash: 64 hex digits or one of S3's STREAMING-... words
};

/// With which key, where and when. Zero = the comment's default.
struct aws_signing {
    const struct aws_credentials *credentials;
    struct str region, service; // "eu-west-1", the signing name "s3"
    int64_t now_us;             // aws_session_now_us()
    enum aws_path_style path_style;
    enum aws_payload payload;
    struct str payload_hash;
    bool sends_payload_hash; // adds x-amz-content-sha256, which S3 demands
    bool leaves_token_out;   // of the signature; it is sent all the same
    int64_t expires_s;       // of a signed query; 0 = 3600, at most 7 days
};

/// What is signed. All headers are signed but authorization, connection, expect,
/// transfer-encoding, user-agent and x-amzn-trace-id. "host" is among them or in `host`.
struct aws_request {
    struct str method; // "GET"
    struct str host;   // "bucket.s3.eu-west-1.amazonaws.com", with the port when it is unusual
    struct str path;   // percent-encoded, as sent; "" = "/"
    struct str query;  // as sent, without "?"
    const struct http_header *headers;
    size_t header_count;
    struct str body;
};

enum { AWS_SIGNATURE_MAX_HEADERS = 4 };

/// Everything lives in the arena of the call.
struct aws_signature {
    /// To be sent beside the request's own: X-Amz-Security-Token, X-Amz-Date,
    /// x-amz-content-sha256, Authorization.
    struct http_header headers[AWS_SIGNATURE_MAX_HEADERS];
    size_t header_count;
    struct str query; // of aws_sign_query: the request's, then X-Amz-...; else the request's
    struct str signature;
    struct str canonical_request, string_to_sign; // for tests and for "signature does not match"
};

/// Signs in headers.
void aws_sign(struct arena *arena, const struct aws_signing *signing,
              const struct aws_request *request, struct aws_signature *ret_signature);

/// Signs in the query: for a URL that somebody else opens (presigned).
void aws_sign_query(struct arena *arena, const struct aws_signing *signing,
                    const struct aws_request *request, struct aws_signature *ret_signature);

#endif
