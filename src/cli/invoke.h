/// @file invoke.h
/// Runs a command from its words: what main() does once, and the Lambda loop once per invocation.
/// Layer: cli. Threads: the main thread.

#ifndef CLI_INVOKE_H
#define CLI_INVOKE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct invocation {
    const char *const *words; // without the program's name, NUL-terminated
    size_t word_count;
    const char *program; // argv[0], for when the system does not tell
    struct buf *output;  // takes the answer instead of stdout; NULL = stdout
};

/// Parses the words, sets up the log, runs the command, writes its answer out.
/// @return RC_OK | RC_EOF (the reader of stdout went away) | RC_USAGE | what the command returned
CHECK rc invoke(struct arena *arena, const struct invocation *invocation, struct err *err);

#endif
