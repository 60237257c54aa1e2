// Writes one large object through the store: `s3_upload s3://bucket/key MIB`. Prints seconds and
// the most memory that it held, in MiB.

#include <stdio.h>

#include "aws/s3.h"
#include "base/hash.h"
#include "base/time.h"
#include "store/store.h"

enum { PIECE_BYTES = 1 << 20 };

static rc upload(struct arena *arena, struct str uri, int64_t pieces, struct err *err)
{
    struct aws_session *session;
    struct store *store;
    struct store_writer *writer;
    const struct aws_options options = {0};
    TRY(aws_session_open(arena, &options, &session, err));
    TRY(store_open_s3(arena, session, &store, err));
    TRY(store_writer_open(store, arena, uri, (struct store_put_options){0}, &writer, err));
    unsigned char *piece = arena_alloc(arena, PIECE_BYTES);
    hash_shake128(uri, piece, PIECE_BYTES);
    for (int64_t i = 0; i < pieces; i++) {
        memcpy(piece, &i, sizeof i); // no two pieces are the same
        TRY(store_write(writer, piece, PIECE_BYTES, err));
    }
    return store_writer_finish(writer, err);
}

/// Of this program: what getrusage tells includes the one that started it.
static int64_t most_memory_kib(void)
{
    char line[256];
    int64_t kib = -1;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const struct str text = str_trim(str_of(line));
        if (str_has_prefix(text, STR("VmHWM:")) && str_has_suffix(text, STR("kB")) &&
            !str_to_int64(str_trim(str_slice(text, 6, text.length - 8)), &kib))
            kib = -1;
    }
    if (file != NULL)
        fclose(file);
    return kib;
}

int main(int argc, char **argv)
{
    int64_t pieces = 0;
    struct err err = {0};
    char text[2048];
    if (argc != 3 || !str_to_int64(str_of(argv[2]), &pieces)) {
        fprintf(stderr, "usage: s3_upload s3://bucket/key MIB\n");
        return 2;
    }
    struct arena *arena = arena_open(NULL);
    const int64_t started_us = time_monotonic_us();
    const rc code = upload(arena, str_of(argv[1]), pieces, &err);
    if (code != RC_OK)
        fprintf(stderr, "error: %s\n", err_text(&err, text, sizeof text));
    printf("%.2f %lld\n", (double)(time_monotonic_us() - started_us) / 1e6,
           (long long)most_memory_kib() >> 10);
    arena_close(arena);
    return code == RC_OK ? 0 : 1;
}
