// Where a bucket answers: endpoint, virtual host or path style, region. Layer: aws.
// Source: Amazon S3 User Guide, "Virtual hosting of buckets", "Request routing"; botocore utils.py
// (S3RegionRedirectorv2: where answers tell the region).

#include "aws/s3.intern.h"
#include "net/url.h"

struct s3_bucket *s3_bucket_of(struct s3_client *client, struct str name)
{
    struct s3_bucket *bucket = map_get(&client->buckets, name);
    if (bucket == NULL) {
        bucket = ARENA_NEW(client->arena, struct s3_bucket);
        bucket->name = arena_str(client->arena, name);
        map_set(&client->buckets, bucket->name, bucket);
    }
    return bucket;
}

static struct str known_region(struct s3_client *client, struct arena *arena, struct str bucket)
{
    pthread_mutex_lock(&client->lock);
    const struct str region = arena_str(arena, s3_bucket_of(client, bucket)->region);
    pthread_mutex_unlock(&client->lock);
    return region;
}

/// A name that can stand before ".s3.": a certificate for *.s3.region covers no further dot.
static bool can_be_host(struct str bucket)
{
    if (bucket.length < 3 || bucket.length > 63)
        return false;
    for (size_t i = 0; i < bucket.length; i++) {
        const char byte = bucket.bytes[i];
        const bool is_inner = i > 0 && i + 1 < bucket.length && byte == '-';
        if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && !is_inner)
            return false;
    }
    return true;
}

/// Custom endpoints get the bucket in the path, AWS in the host, unless the profile says otherwise.
static rc choose_style(struct s3_client *client, struct arena *arena, struct str bucket,
                       bool is_custom, bool *ret_is_path, struct err *err)
{
    struct str style;
    TRY(aws_session_setting(client->session, arena, "AWS_S3_ADDRESSING_STYLE",
                            "s3.addressing_style", &style, err));
    *ret_is_path =
        !can_be_host(bucket) || str_is(style, "path") || (is_custom && !str_is(style, "virtual"));
    return RC_OK;
}

rc s3_address_of(struct s3_client *client, struct arena *arena, struct str bucket,
                 struct s3_address *ret_address, struct err *err)
{
    const struct str region = known_region(client, arena, bucket);
    struct aws_endpoint endpoint;
    TRY(aws_session_endpoint(client->session, arena, &aws_s3, region, &endpoint, err));
    struct url url;
    TRY_CONTEXT(url_parse(endpoint.url, &url, err), err, "the endpoint of S3");
    struct s3_address address = {
        .region = region.length > 0 ? region : endpoint.signing_region,
        .is_plain_http = str_equal_ignore_case(url.scheme, STR("http")),
    };
    const size_t scheme_length = url.scheme.length + 3;
    const struct str rest = str_slice(endpoint.url, scheme_length, SIZE_MAX);
    const size_t slash = str_find_byte(rest, '/');
    struct str base = slash == SIZE_MAX ? STR("") : str_slice(rest, slash, SIZE_MAX);
    while (str_has_suffix(base, STR("/")))
        base.length--;
    address.server = str_slice(rest, 0, slash);
    TRY(choose_style(client, arena, bucket, endpoint.is_custom, &address.is_path_style, err));
    const struct str encoded = url_encode(arena, bucket, STR(""));
    if (address.is_path_style) {
        address.host = address.server;
        address.root = arena_printf(arena, "%.*s/%.*s", STR_ARGS(base), STR_ARGS(encoded));
    } else {
        address.host =
            arena_printf(arena, "%.*s.%.*s", STR_ARGS(encoded), STR_ARGS(address.server));
        address.root = base;
    }
    address.origin =
        arena_printf(arena, "%.*s://%.*s", STR_ARGS(url.scheme), STR_ARGS(address.host));
    *ret_address = address;
    return RC_OK;
}

/// Where answers name the region: a header, also of a HEAD; else <Region> of the error.
static struct str region_in(struct arena *arena, const struct http_response *response)
{
    const struct str header = http_header_get(&response->headers, STR("x-amz-bucket-region"));
    if (header.length > 0)
        return header;
    const struct xml *root;
    if (response->body.length == 0 ||
        xml_parse(arena, response->body, "answer", &root, NULL) != RC_OK)
        return STR("");
    return xml_text(root, "Region");
}

static bool is_region_name(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        const char byte = text.bytes[i];
        if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && byte != '-')
            return false; // it becomes part of a host name
    }
    return text.length > 0 && text.length < 40;
}

bool s3_learn_region(struct s3_client *client, struct str bucket,
                     const struct http_response *response, struct str asked_region)
{
    if (response->status != 301 && response->status != 307 && response->status != 400)
        return false;
    struct arena *scratch = arena_open(NULL);
    const struct str region = region_in(scratch, response);
    const bool is_news = is_region_name(region) && !str_equal(region, asked_region);
    if (is_news) {
        pthread_mutex_lock(&client->lock);
        s3_bucket_of(client, bucket)->region = arena_str(client->arena, region);
        client->generation++;
        pthread_mutex_unlock(&client->lock);
    }
    arena_close(scratch);
    return is_news;
}
