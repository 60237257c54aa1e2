/// @file package.h
/// What `moulin package` puts together: the program with everything that it needs on a bare Linux,
/// and the project's files of one source. Layer: cli. Source of truth for the layout:
/// docs/package.md. Threads: one.
/// Limits: PACKAGE_MAX_FILES files, PACKAGE_MAX_UNPACKED_BYTES unpacked, which is also Lambda's.

#ifndef CLI_PACKAGE_H
#define CLI_PACKAGE_H

#include "base/vec.h"
#include "cli/command.h"

enum {
    PACKAGE_MAX_FILES = 20000,
    PACKAGE_MAX_FILE_BYTES = 200 << 20,
    PACKAGE_MAX_ZIP_BYTES = 50 << 20,       // what Lambda takes in one call
    PACKAGE_MAX_UNPACKED_BYTES = 250 << 20, // what Lambda unpacks
};

/// One file of a package: its bytes lie at `path`, or are `text`.
struct package_file {
    struct str name; // in the package: "lib/libduckdb.so"
    struct str path; // "" = text
    struct str text;
    bool is_executable;
};
VEC_TYPE(package_files, struct package_file);

struct package_options {
    struct str source;  // "chess"; "transform" = the dbt project
    struct str arch;    // x86_64 or arm64
    struct str runtime; // folder of an unpacked package whose program and libraries to take; ""
};

/// The architecture of this program.
struct str package_arch(void);

/// Finds all files, sorted by name. Nothing is read but what names them.
/// @return RC_OK | RC_NOT_FOUND (the source, or a part of the runtime) | RC_UNSUPPORTED (another
///   architecture without its files) | RC_LIMIT | RC_CONFIG | RC_DENIED | RC_IO
CHECK rc package_collect(struct arena *arena, const struct project *project,
                         const struct package_options *options, package_files *ret_files,
                         struct err *err);

/// The program, its loader and libraries, authorities and time zones.
CHECK rc package_runtime(struct arena *arena, const struct package_options *options,
                         package_files *files, struct err *err);

/// The content of a file. @param ret_text  in `arena`
CHECK rc package_read(struct arena *arena, const struct package_file *file, struct str *ret_text,
                      struct err *err);

/// What a walk over a folder leaves out. @param depth  0 = directly in the folder
typedef bool (*package_skips)(struct str name, int depth);
/// Adds every file below `folder` under `prefix`. Symbolic links are followed when `follows_links`,
/// else they must lead to somewhere below `folder`.
CHECK rc package_add_folder(struct arena *arena, struct str folder, struct str prefix,
                            package_skips skips, bool follows_links, package_files *files,
                            struct err *err);
void package_add(struct arena *arena, package_files *files, struct str name, struct str path,
                 bool is_executable);

#endif
