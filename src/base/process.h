/// @file process.h
/// Child processes: started with a list of arguments (never a shell), in a process group of their
/// own that can be ended as a whole, read through pipes. Layer: base. Source: POSIX spawn.
/// Threads: a process belongs to one thread. A request to stop (runtime.h) ends the group: SIGTERM,
/// after a grace SIGKILL.
/// Limits: captured output has a cap (RC_LIMIT).

#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { PROCESS_MAX_ARGUMENTS = 1024, PROCESS_DEFAULT_OUTPUT_BYTES = 64 << 20 };

struct process_options {
    const struct str *arguments; // [0] is the program, searched in PATH when it has no slash
    size_t argument_count;
    const struct str *environment; // NAME=value, added to (or replacing) those of this process
    size_t environment_count;
    bool has_empty_environment; // only `environment`
    struct str folder;          // where it runs; empty = here
    struct str input;           // its stdin; empty = /dev/null
    bool inherits_input;        // our stdin instead
    bool captures_output;       // stdout into the result or on_line; else it is ours
    bool captures_errors;       // stderr likewise
    size_t max_output_bytes;    // per stream; 0 = PROCESS_DEFAULT_OUTPUT_BYTES
    int64_t timeout_us;         // 0 = none; then the group is ended: RC_TIMEOUT
    int64_t grace_us;           // between SIGTERM and SIGKILL; 0 = 5 s
    /// Gets each line of captured output (without the line end) as it comes, instead of the result.
    /// An error ends the group and is returned.
    rc (*on_line)(void *context, int fd, struct str line, struct err *err); // fd: 1 or 2
    void *context;
};

struct process_result {
    int exit_code;     // 128 + signal when a signal ended it, as shells count
    int signal;        // 0 = none
    struct str output; // captured stdout, in the arena
    struct str errors; // captured stderr
};

/// Starts it, feeds it, reads it, waits for it. A non-zero exit code is RC_OK: look at the result.
/// @return RC_OK | RC_NOT_FOUND (no such program or folder) | RC_DENIED | RC_TIMEOUT |
///         RC_INTERRUPTED | RC_LIMIT | RC_IO | what on_line returned
CHECK rc process_run(struct arena *arena, const struct process_options *options,
                     struct process_result *ret_result, struct err *err);

#endif
