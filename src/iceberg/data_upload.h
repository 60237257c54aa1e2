/// @file data_upload.h
/// Takes files that DuckDB writes to a temp folder to a store that is not on this machine, each as
/// soon as it is closed, while the next one is written. Layer: iceberg.
/// Threads: one of its own (base/pool); the calls below belong to the thread that writes.
/// Source: inotify(7). Limits: the temp folder holds `max_waiting_bytes` and the file that is being
/// written: the query waits when the network is slower than the disk.

#ifndef ICEBERG_DATA_UPLOAD_H
#define ICEBERG_DATA_UPLOAD_H

#include "duck/duck.h"
#include "format/parquet_footer.h"
#include "store/store.h"

struct data_upload;

struct data_upload_options {
    struct store *store;
    struct duck_connection *connection; // interrupted when an upload fails; may be NULL
    struct str uri_folder;              // no slash at the end
    struct str name;                    // unique; of the temp folder
    int64_t max_waiting_bytes;
};

/// What is known of a file that arrived.
struct uploaded_file {
    int64_t size_bytes;
    struct parquet_footer footer;
};

/// Makes a temp folder below TMPDIR (and removes those of dead processes), starts the thread.
/// @param ret_upload  ended, and the folder removed, by data_upload_close or with `arena`
CHECK rc data_upload_open(struct arena *arena, const struct data_upload_options *options,
                          struct data_upload **ret_upload, struct err *err);
void data_upload_close(struct data_upload *upload);

struct str data_upload_folder(const struct data_upload *upload); // absolute path
/// Bytes that are free where the folder is.
int64_t data_upload_room(const struct data_upload *upload);

/// Makes `subfolder` ("" or "day=2020-01-01/") and takes from there what gets closed.
CHECK rc data_upload_watch(struct data_upload *upload, struct str subfolder, struct err *err);

/// SQL of a condition that holds the query up while too much waits for the network.
struct str data_upload_pace_sql(const struct data_upload *upload, struct arena *arena);

/// Waits until a file, named as below the folder, has arrived.
/// @param ret_file  lives as long as the upload
/// @return RC_OK | what the upload of this or an earlier file failed with
CHECK rc data_upload_wait(struct data_upload *upload, struct str name,
                          const struct uploaded_file **ret_file, struct err *err);
/// The failure that interrupted the query; RC_OK when there was none.
CHECK rc data_upload_failure(struct data_upload *upload, struct err *err);

/// Ends, then removes from the store whatever was sent. Best effort.
void data_upload_discard(struct data_upload *upload);

#endif
