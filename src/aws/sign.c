// Signature Version 4. Layer: aws. Threads: pure functions.
// Sources: AWS "Signature Version 4 signing process"; aws-c-auth's suite; botocore's auth.py for
// the headers that are not signed. Limits: the request's own sizes.

#include "aws/sign.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/secret.h"
#include "base/time.h"
#include "net/url.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { MAX_CANONICAL_BYTES = 16 << 20, MAX_EXPIRES_S = 7 * 24 * 3600 };

// --- path --------------------------------------------------------------------------------------

// RFC 3986 5.2.4 and no empty segments: "/a/./b//../c/" is "/a/c/".
static struct str normalise_path(struct arena *arena, struct str path)
{
    str_vec segments = {0};
    struct str rest = path, segment;
    while (str_split_next(&rest, '/', &segment)) {
        if (str_is(segment, "..")) {
            if (segments.count > 0)
                segments.count--;
        } else if (segment.length > 0 && !str_is(segment, ".")) {
            *vec_push(arena, &segments) = segment;
        }
    }
    const struct str joined = str_join(arena, segments.items, segments.count, STR("/"));
    return arena_printf(arena, "/%.*s%s", STR_ARGS(joined),
                        segments.count > 0 && str_has_suffix(path, STR("/")) ? "/" : "");
}

static struct str canonical_path(struct arena *arena, const struct aws_signing *signing,
                                 struct str path)
{
    if (path.length == 0)
        return STR("/");
    if (signing->path_style == AWS_PATH_AS_IS)
        return path;
    if (signing->path_style == AWS_PATH_NORMALISED)
        path = normalise_path(arena, path);
    return url_encode(arena, path, STR("/"));
}

// --- query -------------------------------------------------------------------------------------

static int by_name_then_value(const void *a, const void *b)
{
    const struct http_header *x = a, *y = b;
    const int order = str_compare(x->name, y->name);
    return order != 0 ? order : str_compare(x->value, y->value);
}

// Encodes a part of the query anew, so that "ሴ" and "%E1%88%B4" are the same.
static struct str recode(struct arena *arena, struct str text)
{
    return url_encode(arena, url_decode(arena, text, false), STR(""));
}

static struct str canonical_query(struct arena *arena, struct str query)
{
    http_header_vec parameters = {0};
    struct str part;
    while (str_split_next(&query, '&', &part)) {
        if (part.length == 0)
            continue;
        const size_t equals = str_find_byte(part, '=');
        const struct str value =
            equals == SIZE_MAX ? STR("") : str_slice(part, equals + 1, part.length);
        *vec_push(arena, &parameters) =
            (struct http_header){recode(arena, str_slice(part, 0, equals)), recode(arena, value)};
    }
    if (parameters.count > 1)
        qsort(parameters.items, parameters.count, sizeof *parameters.items, by_name_then_value);
    str_vec parts = {0};
    for (size_t i = 0; i < parameters.count; i++)
        *vec_push(arena, &parts) =
            arena_printf(arena, "%.*s=%.*s", STR_ARGS(parameters.items[i].name),
                         STR_ARGS(parameters.items[i].value));
    return str_join(arena, parts.items, parts.count, STR("&"));
}

// --- headers -----------------------------------------------------------------------------------

// Proxies and clients change these on the way.
static bool is_unsigned_header(struct str name)
{
    static const char *const names[] = {"authorization",     "connection", "expect",
                                        "transfer-encoding", "user-agent", "x-amzn-trace-id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_equal_ignore_case(name, str_of(names[i])))
            return true;
    return false;
}

// Trimmed, white space inside (also of folded lines) collapsed to one blank.
static struct str canonical_value(struct arena *arena, struct str value)
{
    value = str_trim(value);
    char *out = arena_alloc(arena, value.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < value.length; i++) {
        const bool is_blank = strchr(" \t\r\n\v\f", value.bytes[i]) != NULL;
        if (!is_blank)
            out[length++] = value.bytes[i];
        else if (length > 0 && out[length - 1] != ' ')
            out[length++] = ' ';
    }
    return (struct str){out, length};
}

struct indexed_header {
    struct http_header header;
    size_t index; // keeps the order of equal names
};

static int by_name_then_index(const void *a, const void *b)
{
    const struct indexed_header *x = a, *y = b;
    const int order = str_compare(x->header.name, y->header.name);
    return order != 0 ? order : x->index < y->index ? -1 : 1;
}

struct canonical_headers {
    struct str lines; // "host:h\nx-amz-date:...\n"
    struct str names; // "host;x-amz-date"
};

static struct canonical_headers canonical_headers(struct arena *arena,
                                                  const struct http_header *headers, size_t count)
{
    struct indexed_header *sorted = ARENA_ARRAY(arena, struct indexed_header, count + 1);
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_unsigned_header(headers[i].name)) {
            sorted[used] = (struct indexed_header){{str_lower(arena, str_trim(headers[i].name)),
                                                    canonical_value(arena, headers[i].value)},
                                                   used};
            used++;
        }
    qsort(sorted, used, sizeof *sorted, by_name_then_index);
    struct buf lines, names;
    buf_init(&lines, MAX_CANONICAL_BYTES);
    buf_init(&names, MAX_CANONICAL_BYTES);
    for (size_t i = 0; i < used; i++) {
        const struct http_header *header = &sorted[i].header;
        const bool is_repeated = i > 0 && str_equal(header->name, sorted[i - 1].header.name);
        if (is_repeated) {
            buf_truncate(&lines, lines.length - 1); // the line end
            buf_printf(&lines, ",%.*s\n", STR_ARGS(header->value));
            continue;
        }
        buf_printf(&lines, "%.*s:%.*s\n", STR_ARGS(header->name), STR_ARGS(header->value));
        buf_printf(&names, "%s%.*s", i > 0 ? ";" : "", STR_ARGS(header->name));
    }
    const struct canonical_headers result = {arena_str(arena, buf_str(&lines)),
                                             arena_str(arena, buf_str(&names))};
    buf_done(&lines);
    buf_done(&names);
    return result;
}

// --- the signature -----------------------------------------------------------------------------

static struct str payload_hash(struct arena *arena, const struct aws_signing *signing,
                               struct str body)
{
    switch (signing->payload) {
    case AWS_PAYLOAD_UNSIGNED:
        return STR("UNSIGNED-PAYLOAD");
    case AWS_PAYLOAD_GIVEN:
        return signing->payload_hash;
    case AWS_PAYLOAD_HASHED:
        break;
    }
    return hash_hex(arena, hash_of(HASH_SHA256, body));
}

static struct str scope_of(struct arena *arena, const struct aws_signing *signing, struct str date)
{
    return arena_printf(arena, "%.8s/%.*s/%.*s/aws4_request", date.bytes, STR_ARGS(signing->region),
                        STR_ARGS(signing->service));
}

static struct str hash_text(const struct hash *hash)
{
    return (struct str){(const char *)hash->bytes, hash->length};
}

static struct str sign_text(struct arena *arena, const struct aws_signing *signing, struct str date,
                            struct str text)
{
    const struct str secret =
        arena_printf(arena, "AWS4%.*s", STR_ARGS(signing->credentials->secret_access_key));
    struct hash key = hash_hmac(HASH_SHA256, secret, str_slice(date, 0, 8));
    key = hash_hmac(HASH_SHA256, hash_text(&key), signing->region);
    key = hash_hmac(HASH_SHA256, hash_text(&key), signing->service);
    key = hash_hmac(HASH_SHA256, hash_text(&key), STR("aws4_request"));
    const struct hash signature = hash_hmac(HASH_SHA256, hash_text(&key), text);
    secret_wipe((char *)(uintptr_t)secret.bytes, secret.length);
    secret_wipe(&key, sizeof key);
    return hash_hex(arena, signature);
}

static void finish(struct arena *arena, const struct aws_signing *signing,
                   const struct aws_request *request, struct str date, struct str query,
                   const struct canonical_headers *headers, struct str payload,
                   struct aws_signature *to)
{
    const struct str path = canonical_path(arena, signing, request->path);
    const struct str parameters = canonical_query(arena, query);
    to->canonical_request =
        arena_printf(arena, "%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s", STR_ARGS(request->method),
                     STR_ARGS(path), STR_ARGS(parameters), STR_ARGS(headers->lines),
                     STR_ARGS(headers->names), STR_ARGS(payload));
    const struct str hash = hash_hex(arena, hash_of(HASH_SHA256, to->canonical_request));
    const struct str scope = scope_of(arena, signing, date);
    to->string_to_sign = arena_printf(arena, ALGORITHM "\n%.*s\n%.*s\n%.*s", STR_ARGS(date),
                                      STR_ARGS(scope), STR_ARGS(hash));
    to->signature = sign_text(arena, signing, date, to->string_to_sign);
}

// The request's headers and its host, with room for those of the signature.
static struct http_header *own_headers(struct arena *arena, const struct aws_request *request,
                                       size_t *ret_count)
{
    struct http_header *headers = ARENA_ARRAY(
        arena, struct http_header, request->header_count + 1 + AWS_SIGNATURE_MAX_HEADERS);
    size_t count = 0;
    bool has_host = false;
    for (size_t i = 0; i < request->header_count; i++) {
        has_host |= str_equal_ignore_case(request->headers[i].name, STR("host"));
        headers[count++] = request->headers[i];
    }
    if (!has_host)
        headers[count++] = (struct http_header){STR("Host"), request->host};
    *ret_count = count;
    return headers;
}

void aws_sign(struct arena *arena, const struct aws_signing *signing,
              const struct aws_request *request, struct aws_signature *ret_signature)
{
    struct aws_signature signature = {.query = request->query};
    const struct str date = time_format(arena, signing->now_us, TIME_COMPACT);
    const struct str payload = payload_hash(arena, signing, request->body);
    const struct str token = signing->credentials->session_token;
    size_t count;
    struct http_header *headers = own_headers(arena, request, &count);
    if (token.length > 0) {
        const struct http_header header = {STR("X-Amz-Security-Token"), token};
        signature.headers[signature.header_count++] = header;
        if (!signing->leaves_token_out)
            headers[count++] = header;
    }
    headers[count++] = signature.headers[signature.header_count++] =
        (struct http_header){STR("X-Amz-Date"), date};
    if (signing->sends_payload_hash)
        headers[count++] = signature.headers[signature.header_count++] =
            (struct http_header){STR("x-amz-content-sha256"), payload};
    const struct canonical_headers canonical = canonical_headers(arena, headers, count);
    finish(arena, signing, request, date, request->query, &canonical, payload, &signature);
    const struct str scope = scope_of(arena, signing, date);
    const struct str authorization =
        arena_printf(arena, ALGORITHM " Credential=%.*s/%.*s, SignedHeaders=%.*s, Signature=%.*s",
                     STR_ARGS(signing->credentials->access_key_id), STR_ARGS(scope),
                     STR_ARGS(canonical.names), STR_ARGS(signature.signature));
    signature.headers[signature.header_count++] =
        (struct http_header){STR("Authorization"), authorization};
    *ret_signature = signature;
}

void aws_sign_query(struct arena *arena, const struct aws_signing *signing,
                    const struct aws_request *request, struct aws_signature *ret_signature)
{
    struct aws_signature signature = {0};
    const struct aws_credentials *credentials = signing->credentials;
    const struct str date = time_format(arena, signing->now_us, TIME_COMPACT);
    const struct str payload = payload_hash(arena, signing, request->body);
    size_t count;
    const struct http_header *headers = own_headers(arena, request, &count);
    const struct canonical_headers canonical = canonical_headers(arena, headers, count);
    const struct str scope = scope_of(arena, signing, date);
    const struct str key =
        arena_printf(arena, "%.*s/%.*s", STR_ARGS(credentials->access_key_id), STR_ARGS(scope));
    const int64_t expires_s = signing->expires_s > 0 ? signing->expires_s : 3600;
    const struct str encoded_key = url_encode(arena, key, STR(""));
    const struct str encoded_names = url_encode(arena, canonical.names, STR(""));
    struct str query = arena_printf(
        arena,
        "%.*s%sX-Amz-Algorithm=" ALGORITHM
        "&X-Amz-Credential=%.*s&X-Amz-Date=%.*s&X-Amz-SignedHeaders=%.*s&X-Amz-Expires=%lld",
        STR_ARGS(request->query), request->query.length > 0 ? "&" : "", STR_ARGS(encoded_key),
        STR_ARGS(date), STR_ARGS(encoded_names),
        (long long)(expires_s < MAX_EXPIRES_S ? expires_s : MAX_EXPIRES_S));
    const struct str token = url_encode(arena, credentials->session_token, STR(""));
    const struct str with_token = token.length > 0
                                      ? arena_printf(arena, "%.*s&X-Amz-Security-Token=%.*s",
                                                     STR_ARGS(query), STR_ARGS(token))
                                      : query;
    finish(arena, signing, request, date, signing->leaves_token_out ? query : with_token,
           &canonical, payload, &signature);
    signature.query = arena_printf(arena, "%.*s&X-Amz-Signature=%.*s", STR_ARGS(with_token),
                                   STR_ARGS(signature.signature));
    *ret_signature = signature;
}
