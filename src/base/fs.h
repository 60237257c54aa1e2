/// @file fs.h
/// Local files and folders for configuration and state (bulk data goes through store/).
/// Layer: base. Writes are atomic and durable: temp file in the same folder, fsync, rename, fsync
/// of the folder.

#ifndef BASE_FS_H
#define BASE_FS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

/// The one place that joins paths: `name` may hold slashes but no "..", no NUL, and is not
/// absolute.
/// @return RC_OK | RC_INVALID
CHECK rc fs_join(struct arena *arena, struct str folder, struct str name, struct str *ret_path,
                 struct err *err);

/// @param max_bytes  RC_LIMIT above it
/// @param ret_text   in the arena, NUL behind it
CHECK rc fs_read(struct arena *arena, struct str path, size_t max_bytes, struct str *ret_text,
                 struct err *err);

struct fs_write_options {
    bool is_secret;   // mode 0600 instead of 0644 (both less the umask)
    bool must_be_new; // RC_EXISTS instead of replacing
};
CHECK rc fs_write(struct str path, struct str text, struct fs_write_options options,
                  struct err *err);

CHECK rc fs_make_folders(struct str path, struct err *err); // like mkdir -p
bool fs_exists(struct str path);
bool fs_is_folder(struct str path);
/// Names in a folder, sorted by bytes, without "." and "..".
CHECK rc fs_list(struct arena *arena, struct str folder, str_vec *ret_names, struct err *err);
CHECK rc fs_remove(struct str path, struct err *err); // a file; absent is RC_OK
/// Removes a folder with all it holds. Follows no symbolic links.
CHECK rc fs_remove_tree(struct str path, struct err *err);
/// Absolute, without "." "..", symbolic links resolved as far as the path exists.
CHECK rc fs_absolute(struct arena *arena, struct str path, struct str *ret_path, struct err *err);
struct str fs_parent(struct str path); // "a/b" -> "a", "a" -> ".", "/a" -> "/"
struct str fs_base_name(struct str path);

#endif
