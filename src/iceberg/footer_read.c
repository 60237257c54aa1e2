#include "iceberg/footer_read.h"

enum { FIRST_READ_BYTES = 64 << 10 }; // most footers are smaller: one read instead of two

rc footer_read(struct store *store, struct arena *arena, struct str uri,
               struct parquet_footer *ret_footer, struct err *err)
{
    const char *place = arena_cstr(arena, uri);
    struct str end;
    TRY(store_get_range(store, arena, uri, -FIRST_READ_BYTES, FIRST_READ_BYTES, &end, err));
    if (end.length < PARQUET_TAIL_BYTES)
        return err_set(err, RC_CORRUPT, "%s is no Parquet file: it has %zu bytes", place,
                       end.length);
    const struct str tail = str_slice(end, end.length - PARQUET_TAIL_BYTES, PARQUET_TAIL_BYTES);
    uint32_t length;
    TRY(parquet_footer_length(tail, place, &length, err));
    const size_t needed = (size_t)length + PARQUET_TAIL_BYTES;
    if (needed > end.length) {
        TRY(store_get_range(store, arena, uri, -(int64_t)needed, needed, &end, err));
        if (end.length < needed)
            return err_set(err, RC_CORRUPT, "%s is damaged: its footer is longer than the file",
                           place);
    }
    return parquet_footer_parse(arena, str_slice(end, end.length - needed, length), place,
                                ret_footer, err);
}
