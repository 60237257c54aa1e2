// Checksums of S3: which are sent, and whether an answer keeps its word. Layer: aws.
// Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3"; the CRC catalogue of
// reveng (CRC-64/NVME, CRC-32C: reflected, all bits inverted before and after).

#include "aws/s3.intern.h"

static const uint64_t CRC64_NVME = 0x9A6C9329AC4BC9B5; // reflected
static const uint32_t CRC32C = 0x82F63B78;             // reflected

static uint64_t crc64_table[8][256]; // eight bytes at a time
static uint32_t crc32c_table[256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint64_t wide = i;
        uint32_t narrow = i;
        for (int bit = 0; bit < 8; bit++) {
            wide = wide & 1 ? wide >> 1 ^ CRC64_NVME : wide >> 1;
            narrow = narrow & 1 ? narrow >> 1 ^ CRC32C : narrow >> 1;
        }
        crc64_table[0][i] = wide;
        crc32c_table[i] = narrow;
    }
    for (int slice = 1; slice < 8; slice++)
        for (uint32_t i = 0; i < 256; i++)
            crc64_table[slice][i] =
                crc64_table[0][crc64_table[slice - 1][i] & 255] ^ crc64_table[slice - 1][i] >> 8;
}

uint64_t s3_crc64(uint64_t crc, const void *bytes, size_t length)
{
    pthread_once(&tables_once, make_tables);
    const unsigned char *at = bytes;
    crc = ~crc;
    for (; length >= 8; length -= 8, at += 8) {
        uint64_t block;
        memcpy(&block, at, sizeof block); // little-endian hosts only: meson.build checks it
        crc ^= block;
        uint64_t next = 0;
        for (int i = 0; i < 8; i++)
            next ^= crc64_table[7 - i][crc >> (8 * i) & 255];
        crc = next;
    }
    for (; length > 0; length--)
        crc = crc64_table[0][(crc ^ *at++) & 255] ^ crc >> 8;
    return ~crc;
}

uint32_t s3_crc32c(uint32_t crc, const void *bytes, size_t length)
{
    pthread_once(&tables_once, make_tables);
    const unsigned char *at = bytes;
    crc = ~crc;
    for (; length > 0; length--)
        crc = crc32c_table[(crc ^ *at++) & 255] ^ crc >> 8;
    return ~crc;
}

static struct str big_endian(struct arena *arena, uint64_t value, size_t length)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)(value >> (8 * (length - 1 - i)));
    return base64_encode(arena, bytes, length, BASE64_STANDARD);
}

struct str s3_crc32_text(struct arena *arena, uint32_t crc)
{
    return big_endian(arena, crc, 4);
}

rc s3_sends_checksums(struct s3_client *client, bool *ret_sends, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    struct str setting;
    const rc code =
        aws_session_setting(client->session, scratch, "AWS_REQUEST_CHECKSUM_CALCULATION",
                            "request_checksum_calculation", &setting, err);
    if (code == RC_OK)
        *ret_sends = !str_equal_ignore_case(setting, STR("when_required"));
    arena_close(scratch);
    return code;
}

// --- what an answer says -----------------------------------------------------------------------

static struct str of_crc32(struct arena *arena, struct str body)
{
    return big_endian(arena, hash_crc32(0, body.bytes, body.length), 4);
}

static struct str of_crc32c(struct arena *arena, struct str body)
{
    return big_endian(arena, s3_crc32c(0, body.bytes, body.length), 4);
}

static struct str of_crc64(struct arena *arena, struct str body)
{
    return big_endian(arena, s3_crc64(0, body.bytes, body.length), 8);
}

static struct str of_sha1(struct arena *arena, struct str body)
{
    const struct hash hash = hash_of(HASH_SHA1, body);
    return base64_encode(arena, hash.bytes, hash.length, BASE64_STANDARD);
}

static struct str of_sha256(struct arena *arena, struct str body)
{
    const struct hash hash = hash_of(HASH_SHA256, body);
    return base64_encode(arena, hash.bytes, hash.length, BASE64_STANDARD);
}

static const struct {
    const char *header;
    struct str (*compute)(struct arena *arena, struct str body);
} algorithms[] = {
    {"x-amz-checksum-crc64nvme", of_crc64}, {"x-amz-checksum-crc32", of_crc32},
    {"x-amz-checksum-crc32c", of_crc32c},   {"x-amz-checksum-sha256", of_sha256},
    {"x-amz-checksum-sha1", of_sha1},
};

rc s3_verify(struct arena *arena, const struct http_response *response, struct err *err)
{
    const struct str type = http_header_get(&response->headers, STR("x-amz-checksum-type"));
    if (response->status != 200 || str_equal_ignore_case(type, STR("COMPOSITE")))
        return RC_OK; // of a range, or of parts: says nothing of these bytes
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        const struct str said = http_header_get(&response->headers, str_of(algorithms[i].header));
        if (said.length == 0 || str_contains(said, STR("-"))) // "<checksum>-<parts>"
            continue;
        const struct str body = response->body.bytes != NULL ? response->body : STR("");
        const struct str found = algorithms[i].compute(arena, body);
        if (str_equal(said, found))
            return RC_OK;
        return err_set(err, RC_CORRUPT,
                       "%.*s: the answer says %s %.*s, but its %zu bytes give %.*s",
                       STR_ARGS(response->url), algorithms[i].header, STR_ARGS(said), body.length,
                       STR_ARGS(found));
    }
    return RC_OK;
}
