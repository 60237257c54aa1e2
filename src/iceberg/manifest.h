/// @file manifest.h
/// Manifests and manifest lists: which files make up a snapshot.
/// Layer: iceberg. Threads: a reader or writer belongs to one thread.
/// Source: Iceberg spec "Manifests", "Manifest Lists", "Sequence Number Inheritance".
/// Reading resolves fields by id, so any writer's names and order will do.
/// Limits: MANIFEST_MAX_BYTES per file (RC_LIMIT).

#ifndef ICEBERG_MANIFEST_H
#define ICEBERG_MANIFEST_H

#include "iceberg/metadata.h"

struct store;

enum { MANIFEST_MAX_BYTES = 1 << 30 };

enum file_content { CONTENT_DATA = 0, CONTENT_POSITION_DELETES = 1, CONTENT_EQUALITY_DELETES = 2 };
enum entry_status { ENTRY_EXISTING = 0, ENTRY_ADDED = 1, ENTRY_DELETED = 2 };

struct column_count {
    int32_t field_id;
    int64_t count;
};
struct column_counts {
    const struct column_count *items;
    size_t count;
    bool is_set; // false: the manifest says nothing (not the same as no columns)
};
struct column_bound {
    int32_t field_id;
    struct str bytes; // single-value binary
};
struct column_bounds {
    const struct column_bound *items;
    size_t count;
    bool is_set;
};

/// A data or delete file with its metrics. Zero-initialise, then fill.
struct data_file {
    enum file_content content;
    struct str path;               // absolute location, used as it is
    struct str file_format;        // "PARQUET"; empty = PARQUET
    int32_t spec_id;               // of the partition tuple
    const struct value *partition; // one per field of the spec, in its order
    size_t partition_count;
    int64_t record_count;
    int64_t file_size_bytes;
    struct column_counts column_sizes, value_counts, null_value_counts, nan_value_counts;
    struct column_bounds lower_bounds, upper_bounds;
    struct str key_metadata;      // empty = none
    const int64_t *split_offsets; // row group starts, ascending
    size_t split_offset_count;
    const int32_t *equality_ids; // CONTENT_EQUALITY_DELETES
    size_t equality_id_count;
    bool has_sort_order_id;
    int32_t sort_order_id;
    bool has_first_row_id;
    int64_t first_row_id;
    struct str referenced_data_file; // empty = none
    bool has_content_range;          // deletion vectors
    int64_t content_offset, content_size_bytes;
};

/// A line of a manifest. Sequence numbers and snapshot id are inherited already.
struct manifest_entry {
    enum entry_status status;
    int64_t snapshot_id;
    int64_t sequence_number;      // data sequence number; -1 = not assigned yet (writing: inherit)
    int64_t file_sequence_number; // -1 likewise
    struct data_file file;
};

/// Range of one partition field over a manifest.
struct field_summary {
    bool contains_null;
    bool has_contains_nan, contains_nan;
    bool has_lower, has_upper;
    struct str lower_bound, upper_bound; // single-value binary
};

/// A line of a manifest list.
struct manifest_file {
    struct str path;
    int64_t length_bytes;
    int32_t spec_id;
    bool is_deletes;                              // content: false data, true deletes
    int64_t sequence_number, min_sequence_number; // -1 = assign on commit
    int64_t added_snapshot_id;
    int64_t added_files_count, existing_files_count, deleted_files_count; // -1 = not said (v1)
    int64_t added_rows_count, existing_rows_count, deleted_rows_count;    // -1 = not said (v1)
    const struct field_summary *partitions;
    size_t partition_count;
    struct str key_metadata;
    bool has_first_row_id;
    int64_t first_row_id;
};

/// Reads the manifest list of a snapshot (also v1 snapshots that list manifests inline).
/// @param ret_files  array in `arena`
/// @return RC_OK | RC_CORRUPT | RC_NOT_FOUND | RC_IO | RC_LIMIT
CHECK rc manifest_list_read(struct store *store, struct arena *arena,
                            const struct snapshot *snapshot, struct manifest_file **ret_files,
                            size_t *ret_count, struct err *err);
/// The same from bytes. @param place  named in errors
CHECK rc manifest_list_decode(struct arena *arena, struct str bytes, const char *place,
                              struct manifest_file **ret_files, size_t *ret_count, struct err *err);

/// Encodes a manifest list of format v2 (or 1).
/// Manifests with sequence_number -1 get `sequence_number`.
struct manifest_list_options {
    int format_version;
    int64_t snapshot_id, parent_id, sequence_number;
};
CHECK rc manifest_list_encode(struct buf *to, struct manifest_list_options options,
                              const struct manifest_file *files, size_t count, struct err *err);

/// Gives every data manifest without one its first row id (format version 3).
/// @return the table's next row id afterwards
/// @source Iceberg spec "First Row ID Assignment"
int64_t manifest_list_assign_row_ids(struct manifest_file *files, size_t count,
                                     int64_t next_row_id);

/// What of an entry is wanted: what is not asked for is skipped without cost.
enum manifest_columns {
    MANIFEST_COLUMN_SIZES = 1 << 0,
    MANIFEST_COUNTS = 1 << 1, // value, null and nan counts
    MANIFEST_BOUNDS = 1 << 2,
    MANIFEST_OFFSETS = 1 << 3,
    MANIFEST_ALL = 15,
};
struct manifest_read_options {
    unsigned columns;     // enum manifest_columns; paths, partition, counts of rows always come
    bool include_deleted; // also ENTRY_DELETED
};

struct manifest_reader;

/// Opens a manifest and reads it whole.
/// @param file    its line in the manifest list: sequence numbers are inherited from it
/// @param specs   metadata with the spec of the manifest, or NULL: then the manifest's own is used
CHECK rc manifest_reader_open(struct store *store, struct arena *arena,
                              const struct manifest_file *file,
                              const struct table_metadata *metadata,
                              struct manifest_read_options options,
                              struct manifest_reader **ret_reader, struct err *err);
/// The same from bytes, which are borrowed.
CHECK rc manifest_reader_open_bytes(struct arena *arena, struct str bytes,
                                    const struct manifest_file *file,
                                    const struct table_metadata *metadata,
                                    struct manifest_read_options options,
                                    struct manifest_reader **ret_reader, struct err *err);
/// Reads the next entry.
/// @param ret_entry  filled on RC_OK; its texts and arrays live until the next call
/// @return RC_OK | RC_EOF | RC_CORRUPT (names file, block, field) | RC_LIMIT
CHECK rc manifest_next(struct manifest_reader *reader, struct manifest_entry *ret_entry,
                       struct err *err);
const struct partition_spec *manifest_reader_spec(const struct manifest_reader *reader);

/// The row id that a live data file inherits when it has none of its own (format version 3).
/// @param next_row_id  of the manifest; moved on by the file's rows when it was used
void data_file_inherit_row_id(struct data_file *file, int64_t *next_row_id);

/// Deep copy, so that an entry outlives the reader's next step.
struct data_file data_file_copy(struct arena *arena, const struct data_file *file);

struct manifest_writer;

struct manifest_write_options {
    int format_version; // 1 or 2
    const struct schema *schema;
    const struct partition_spec *spec;
    bool is_deletes;
    int64_t snapshot_id; // of the commit
};
CHECK rc manifest_writer_open(struct arena *arena, struct manifest_write_options options,
                              struct manifest_writer **ret_writer, struct err *err);
CHECK rc manifest_write_entry(struct manifest_writer *writer, const struct manifest_entry *entry,
                              struct err *err);
/// Bytes written so far, about: for rolling to the next manifest.
size_t manifest_writer_bytes(const struct manifest_writer *writer);
/// Ends the file.
/// @param to        receives the whole file
/// @param ret_file  counts, partition summaries; path, length by the caller
CHECK rc manifest_writer_finish(struct manifest_writer *writer, struct buf *to,
                                struct manifest_file *ret_file, struct err *err);

#endif
