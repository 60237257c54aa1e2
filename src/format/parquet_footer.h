/// @file parquet_footer.h
/// The footer of a Parquet file: schema with field ids, row groups, column statistics.
/// Layer: format. Threads: plain data in an arena.
/// Source: parquet-format parquet.thrift, Thrift compact protocol.
/// Limits: footer PARQUET_MAX_FOOTER_BYTES, schema elements, row groups and depth capped
/// (RC_LIMIT).

#ifndef FORMAT_PARQUET_FOOTER_H
#define FORMAT_PARQUET_FOOTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    PARQUET_MAX_FOOTER_BYTES = 256 << 20,
    PARQUET_MAX_ELEMENTS = 200000,
    PARQUET_TAIL_BYTES = 8, // footer length + magic at the end of a file
};

enum parquet_type {
    PARQUET_BOOLEAN,
    PARQUET_INT32,
    PARQUET_INT64,
    PARQUET_INT96,
    PARQUET_FLOAT,
    PARQUET_DOUBLE,
    PARQUET_BYTE_ARRAY,
    PARQUET_FIXED_LEN_BYTE_ARRAY,
    PARQUET_NO_TYPE = -1 // groups
};
enum parquet_repetition { PARQUET_REQUIRED, PARQUET_OPTIONAL, PARQUET_REPEATED };

/// What the bytes mean, from LogicalType or else ConvertedType.
enum parquet_logical {
    PARQUET_LOGICAL_NONE,
    PARQUET_LOGICAL_STRING,
    PARQUET_LOGICAL_MAP,
    PARQUET_LOGICAL_LIST,
    PARQUET_LOGICAL_ENUM,
    PARQUET_LOGICAL_DECIMAL,
    PARQUET_LOGICAL_DATE,
    PARQUET_LOGICAL_TIME,
    PARQUET_LOGICAL_TIMESTAMP,
    PARQUET_LOGICAL_INTEGER,
    PARQUET_LOGICAL_UNKNOWN,
    PARQUET_LOGICAL_JSON,
    PARQUET_LOGICAL_BSON,
    PARQUET_LOGICAL_UUID,
    PARQUET_LOGICAL_FLOAT16,
    PARQUET_LOGICAL_VARIANT,
    PARQUET_LOGICAL_GEOMETRY,
    PARQUET_LOGICAL_GEOGRAPHY,
    PARQUET_LOGICAL_INTERVAL,
};
enum parquet_unit { PARQUET_MILLIS, PARQUET_MICROS, PARQUET_NANOS };

/// A node of the schema tree. Elements lie in one array in depth-first order, the root first.
struct parquet_element {
    struct str name;
    enum parquet_type type; // PARQUET_NO_TYPE for groups
    int32_t type_length;    // fixed length arrays
    enum parquet_repetition repetition;
    int32_t field_id; // -1 = none
    enum parquet_logical logical;
    int precision, scale;   // decimal
    int bit_width;          // integer
    bool is_signed;         // integer
    bool is_utc;            // time, timestamp
    enum parquet_unit unit; // time, timestamp
    int32_t parent;         // index of the element; -1 = root
    int32_t child_count;    // 0 for leaves
    int32_t leaf;           // leaves: number of the column; groups: -1
};

/// One column of one row group.
struct parquet_column {
    int32_t element; // index of its leaf in `elements`
    int64_t compressed_bytes, uncompressed_bytes;
    int64_t value_count;                              // nulls and empty lists included
    int64_t data_page_offset, dictionary_page_offset; // -1 = none
    bool has_null_count, has_min, has_max;
    bool is_min_exact, is_max_exact; // false only when the file says that the value was cut
    int64_t null_count;
    struct str min, max; // plain encoding, as in the file (min_value/max_value, or the old fields
                         // where their order is defined)
};

struct parquet_row_group {
    int64_t row_count, total_bytes;
    int64_t file_offset; // where the group starts (smallest page offset when not said)
    const struct parquet_column *columns;
    size_t column_count;
};

struct parquet_key_value {
    struct str key, value;
};

struct parquet_footer {
    int32_t version;
    int64_t row_count;
    struct str created_by;
    const struct parquet_element *elements;
    size_t element_count;
    size_t leaf_count;
    const struct parquet_row_group *row_groups;
    size_t row_group_count;
    const struct parquet_key_value *metadata;
    size_t metadata_count;
    bool has_field_ids; // at least one element carries one
};

/// How many bytes before the 8-byte tail the footer takes.
/// @param tail  the last 8 bytes of the file
/// @return RC_OK | RC_CORRUPT (no Parquet file) | RC_UNSUPPORTED (encrypted footer) | RC_LIMIT
CHECK rc parquet_footer_length(struct str tail, const char *place, uint32_t *ret_length,
                               struct err *err);
/// Parses the footer.
/// @param bytes       the Thrift bytes, without the tail; borrowed by the result
/// @param ret_footer  lives in `arena`
CHECK rc parquet_footer_parse(struct arena *arena, struct str bytes, const char *place,
                              struct parquet_footer *ret_footer, struct err *err);
/// The same from the end of a file that holds footer and tail (RC_LIMIT-free way for small files).
CHECK rc parquet_footer_of_file(struct arena *arena, struct str file_end, const char *place,
                                struct parquet_footer *ret_footer, struct err *err);

/// "a.list.element" of an element, without the root.
struct str parquet_path(struct arena *arena, const struct parquet_footer *footer, int32_t element);

#endif
