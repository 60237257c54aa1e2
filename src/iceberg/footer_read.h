/// @file footer_read.h
/// Reads the footer of a stored Parquet file with one ranged read where it is small.
/// Layer: iceberg. Threads: any.

#ifndef ICEBERG_FOOTER_READ_H
#define ICEBERG_FOOTER_READ_H

#include "format/parquet_footer.h"
#include "store/store.h"

/// @param ret_footer  lives in `arena`
/// @return RC_OK | RC_NOT_FOUND | RC_CORRUPT | RC_UNSUPPORTED | RC_LIMIT | RC_IO
CHECK rc footer_read(struct store *store, struct arena *arena, struct str uri,
                     struct parquet_footer *ret_footer, struct err *err);

#endif
