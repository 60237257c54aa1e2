/// @file hash.h
/// Hashes and binary-to-text codings. Layer: base. Pure functions, callable from any thread.
/// Sources: MurmurHash3 x86 32 (Iceberg spec, appendix B), RFC 1321, FIPS 180-4, FIPS 202,
/// RFC 2104, RFC 4648. The cryptographic ones are OpenSSL's; linking it costs 0.6 ms of start-up.

#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/// MurmurHash3 x86 32 bit, seed 0.
uint32_t hash_murmur3_32(const void *bytes, size_t length);
/// CRC-32 as gzip and zip have it. Start with 0; feed the result back to continue.
uint32_t hash_crc32(uint32_t crc, const void *bytes, size_t length);

enum hash_algorithm {
    HASH_MD5,
    HASH_SHA1,
    HASH_SHA256,
    HASH_SHA384,
    HASH_SHA512,
    HASH_SHA3_256,
    HASH_ALGORITHM_COUNT,
};
enum { HASH_MAX_BYTES = 64 };

struct hash {
    unsigned char bytes[HASH_MAX_BYTES];
    size_t length; // 16, 20, 32, 48 or 64
};

struct hash hash_of(enum hash_algorithm algorithm, struct str text);
struct hash hash_hmac(enum hash_algorithm algorithm, struct str key, struct str text);
/// SHAKE128 with any length of output.
void hash_shake128(struct str text, unsigned char *ret_bytes, size_t length);

/// For texts that come in pieces.
struct hash_stream;
struct hash_stream *hash_stream_open(struct arena *arena, enum hash_algorithm algorithm);
void hash_stream_add(struct hash_stream *stream, const void *bytes, size_t length);
/// Ends the stream; it must not be used again.
struct hash hash_stream_finish(struct hash_stream *stream);

/// Lower-case hexadecimal.
struct str hex_encode(struct arena *arena, const void *bytes, size_t length);
/// @return RC_OK | RC_INVALID (odd length or another character)
CHECK rc hex_decode(struct arena *arena, struct str text, struct str *ret_bytes, struct err *err);
static inline struct str hash_hex(struct arena *arena, struct hash hash)
{
    return hex_encode(arena, hash.bytes, hash.length);
}

enum base64_style {
    BASE64_STANDARD, // + / and =
    BASE64_URL,      // - _ and no =
};
struct str base64_encode(struct arena *arena, const void *bytes, size_t length,
                         enum base64_style style);
/// White space is skipped, the = at the end may be missing; the rest is strict.
/// @return RC_OK | RC_INVALID
CHECK rc base64_decode(struct arena *arena, struct str text, enum base64_style style,
                       struct str *ret_bytes, struct err *err);

#endif
