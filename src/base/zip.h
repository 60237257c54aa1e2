/// @file zip.h
/// ZIP archives, written so that the same content is the same bytes: no times, no owners, entries
/// in the order of the calls. Layer: base. Source: PKWARE's APPNOTE, 4.3 to 4.5 (version 2.0: no
/// ZIP64, no encryption). Threads: a writer belongs to one thread.
/// Limits: the cap of the archive that its owner names, ZIP_MAX_ENTRIES entries, 4 GiB per entry.

#ifndef BASE_ZIP_H
#define BASE_ZIP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { ZIP_MAX_ENTRIES = 65000, ZIP_MAX_NAME_BYTES = 1000 };

struct zip_writer;

/// @param max_bytes  of the archive; RC_LIMIT above it
/// @return never NULL; closed with the arena
struct zip_writer *zip_writer_open(struct arena *arena, size_t max_bytes);

/// Adds a file, deflated unless that makes it longer.
/// @param name  UTF-8, parts separated by '/', relative, without ".."
/// @return RC_OK | RC_INVALID (name) | RC_LIMIT
CHECK rc zip_add(struct zip_writer *zip, struct str name, struct str content, bool is_executable,
                 struct err *err);

/// Ends the archive. @param ret_bytes  valid until the arena is closed
CHECK rc zip_finish(struct zip_writer *zip, struct str *ret_bytes, struct err *err);

#endif
