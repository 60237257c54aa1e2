#include "base/hash.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

// --- Not cryptographic ---------------------------------------------------------------------------

static uint32_t rotate_left(uint32_t x, unsigned n)
{
    return (x << n) | (x >> (32 - n));
}

static uint32_t murmur3_scramble(uint32_t block)
{
    return rotate_left(block * 0xcc9e2d51u, 15) * 0x1b873593u;
}

uint32_t hash_murmur3_32(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint32_t hash = 0;
    size_t left = length;
    for (; left >= 4; left -= 4, at += 4) {
        uint32_t block;
        memcpy(&block, at, sizeof block); // little-endian hosts only: meson.build checks it
        hash = rotate_left(hash ^ murmur3_scramble(block), 13) * 5 + 0xe6546b64u;
    }
    uint32_t tail = 0;
    for (; left > 0; left--)
        tail = tail << 8 | at[left - 1];
    hash ^= murmur3_scramble(tail) ^ (uint32_t)length;
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

uint32_t hash_crc32(uint32_t crc, const void *bytes, size_t length)
{
    return (uint32_t)crc32_z(crc, bytes, length);
}

// --- OpenSSL's -----------------------------------------------------------------------------------

static const struct {
    const char *name;
    size_t length;
} algorithms[HASH_ALGORITHM_COUNT] = {
    [HASH_MD5] = {"MD5", 16},       [HASH_SHA1] = {"SHA1", 20},
    [HASH_SHA256] = {"SHA256", 32}, [HASH_SHA384] = {"SHA384", 48},
    [HASH_SHA512] = {"SHA512", 64}, [HASH_SHA3_256] = {"SHA3-256", 32},
};
enum { SHAKE128 = HASH_ALGORITHM_COUNT };

static EVP_MD *fetched[HASH_ALGORITHM_COUNT + 1];
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static void fetch_all(void)
{
    for (int i = 0; i < HASH_ALGORITHM_COUNT; i++)
        fetched[i] = EVP_MD_fetch(NULL, algorithms[i].name, NULL);
    fetched[SHAKE128] = EVP_MD_fetch(NULL, "SHAKE128", NULL);
}

// A failure inside OpenSSL here means no memory or a broken installation: nobody can go on.
static void require(bool is_fine, const char *what)
{
    if (!is_fine) {
        fprintf(stderr, "error: OpenSSL cannot compute %s\n", what);
        abort();
    }
}

static const EVP_MD *digest_of(int algorithm)
{
    pthread_once(&fetch_once, fetch_all);
    require(fetched[algorithm] != NULL,
            algorithm == SHAKE128 ? "SHAKE128" : algorithms[algorithm].name);
    return fetched[algorithm];
}

struct hash_stream {
    EVP_MD_CTX *context;
    enum hash_algorithm algorithm;
};

static EVP_MD_CTX *context_open(int algorithm)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    require(context != NULL && EVP_DigestInit_ex2(context, digest_of(algorithm), NULL) == 1,
            "a hash");
    return context;
}

static struct hash context_finish(EVP_MD_CTX *context, enum hash_algorithm algorithm)
{
    struct hash hash = {.length = algorithms[algorithm].length};
    require(EVP_DigestFinal_ex(context, hash.bytes, NULL) == 1, algorithms[algorithm].name);
    return hash;
}

struct hash hash_of(enum hash_algorithm algorithm, struct str text)
{
    EVP_MD_CTX *context = context_open((int)algorithm);
    require(EVP_DigestUpdate(context, text.bytes, text.length) == 1, "a hash");
    const struct hash hash = context_finish(context, algorithm);
    EVP_MD_CTX_free(context);
    return hash;
}

struct hash hash_hmac(enum hash_algorithm algorithm, struct str key, struct str text)
{
    struct hash hash = {.length = algorithms[algorithm].length};
    size_t length = 0;
    require(EVP_Q_mac(NULL, "HMAC", NULL, algorithms[algorithm].name, NULL,
                      key.length > 0 ? key.bytes : "", key.length,
                      (const unsigned char *)(text.length > 0 ? text.bytes : ""), text.length,
                      hash.bytes, sizeof hash.bytes, &length) != NULL,
            "HMAC");
    return hash;
}

void hash_shake128(struct str text, unsigned char *ret_bytes, size_t length)
{
    EVP_MD_CTX *context = context_open(SHAKE128);
    require(EVP_DigestUpdate(context, text.bytes, text.length) == 1 &&
                EVP_DigestFinalXOF(context, ret_bytes, length) == 1,
            "SHAKE128");
    EVP_MD_CTX_free(context);
}

static void stream_close(void *object)
{
    struct hash_stream *stream = object;
    EVP_MD_CTX_free(stream->context);
    stream->context = NULL;
}

struct hash_stream *hash_stream_open(struct arena *arena, enum hash_algorithm algorithm)
{
    struct hash_stream *stream = ARENA_NEW(arena, struct hash_stream);
    stream->algorithm = algorithm;
    stream->context = context_open((int)algorithm);
    arena_defer(arena, stream_close, stream);
    return stream;
}

void hash_stream_add(struct hash_stream *stream, const void *bytes, size_t length)
{
    require(EVP_DigestUpdate(stream->context, bytes, length) == 1, "a hash");
}

struct hash hash_stream_finish(struct hash_stream *stream)
{
    const struct hash hash = context_finish(stream->context, stream->algorithm);
    stream_close(stream);
    return hash;
}

// --- Codings -------------------------------------------------------------------------------------

struct str hex_encode(struct arena *arena, const void *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = bytes;
    char *to = arena_alloc(arena, length * 2 + 1);
    for (size_t i = 0; i < length; i++) {
        to[2 * i] = digits[at[i] >> 4];
        to[2 * i + 1] = digits[at[i] & 15];
    }
    return (struct str){to, length * 2};
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

rc hex_decode(struct arena *arena, struct str text, struct str *ret_bytes, struct err *err)
{
    if (text.length % 2 != 0)
        return err_set(err, RC_INVALID, "hexadecimal text has an odd length of %zu", text.length);
    char *to = arena_alloc(arena, text.length / 2 + 1);
    for (size_t i = 0; i < text.length; i++) {
        const int value = hex_value(text.bytes[i]);
        if (value < 0)
            return err_set(err, RC_INVALID, "character %zu is no hexadecimal digit", i + 1);
        to[i / 2] = (char)((unsigned char)to[i / 2] << 4 | value);
    }
    *ret_bytes = (struct str){to, text.length / 2};
    return RC_OK;
}

static const char base64_digits[2][65] = {
    [BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

struct str base64_encode(struct arena *arena, const void *bytes, size_t length,
                         enum base64_style style)
{
    const unsigned char *at = bytes;
    const char *digits = base64_digits[style];
    char *to = arena_alloc(arena, length / 3 * 4 + 5);
    size_t written = 0;
    for (size_t i = 0; i < length; i += 3) {
        const size_t taken = length - i < 3 ? length - i : 3;
        const uint32_t group = (uint32_t)at[i] << 16 | (taken > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
                               (taken > 2 ? at[i + 2] : 0);
        for (size_t d = 0; d <= taken; d++)
            to[written++] = digits[group >> (18 - 6 * d) & 63];
        for (size_t d = taken; d < 3 && style == BASE64_STANDARD; d++)
            to[written++] = '=';
    }
    return (struct str){to, written};
}

rc base64_decode(struct arena *arena, struct str text, enum base64_style style,
                 struct str *ret_bytes, struct err *err)
{
    char *to = arena_alloc(arena, text.length / 4 * 3 + 4);
    size_t written = 0, digits = 0, padding = 0;
    uint32_t group = 0;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        if (c == ' ' || (c >= '\t' && c <= '\r'))
            continue;
        if (c == '=') {
            padding++;
            continue;
        }
        const char *digit = c != '\0' ? strchr(base64_digits[style], c) : NULL;
        if (digit == NULL || padding > 0)
            return err_set(err, RC_INVALID, "character %zu is no base64", i + 1);
        group = group << 6 | (uint32_t)(digit - base64_digits[style]);
        if (++digits % 4 != 0)
            continue;
        to[written++] = (char)(group >> 16 & 255);
        to[written++] = (char)(group >> 8 & 255);
        to[written++] = (char)(group & 255);
        group = 0;
    }
    const size_t rest = digits % 4;
    if (rest == 1 || padding > 2 || (padding > 0 && (rest + padding) % 4 != 0))
        return err_set(err, RC_INVALID, "base64 text is cut off after %zu digits", digits);
    if (rest >= 2)
        to[written++] = (char)(group >> (rest == 2 ? 4 : 10) & 255);
    if (rest == 3)
        to[written++] = (char)(group >> 2 & 255);
    *ret_bytes = (struct str){to, written};
    return RC_OK;
}
