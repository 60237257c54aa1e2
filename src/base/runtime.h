/// @file runtime.h
/// What a process has only once: the request to stop. Layer: base.
/// Threads: everything here may be called from any thread. Signals: SIGINT and SIGTERM set a mark
/// that long work asks for at its natural pauses; a second signal (not within the same 200 ms, as
/// timeout(1) sends it to process and group) ends the process at once.
/// SIGPIPE is ignored, so that a reader that went away is an error of the write.

#ifndef BASE_RUNTIME_H
#define BASE_RUNTIME_H

#include <stdbool.h>

#include "base/err.h"

/// The folder of the package (moulin package) that this process was started from, NULL = none. Its
/// launcher says so in MOULIN_HOME, because /proc/self/exe is then the package's loader.
const char *runtime_package_folder(void);

/// Once, at the start of the process: installs the signal handlers.
void runtime_start(void);

/// True after the first SIGINT or SIGTERM (or runtime_request_stop).
bool runtime_is_stopping(void);
/// True when the first signal was SIGINT: a person at a keyboard, not whoever takes a machine away.
bool runtime_is_stopped_by_hand(void);
/// RC_OK, or RC_INTERRUPTED with a message when somebody asked to stop. For loops:
/// TRY(runtime_check(err)).
CHECK rc runtime_check(struct err *err);
/// The same mark without a signal.
void runtime_request_stop(void);
/// Forgets the mark; for tests.
void runtime_reset(void);

/// A file descriptor that becomes readable, and stays so, when somebody asks to stop: for poll().
int runtime_stop_fd(void);

enum { RUNTIME_MAX_STOP_CALLS = 16 };
/// Calls `stop(object)` when somebody asks to stop, from the signal handler: it may only do what
/// is safe there (set an atomic, duckdb_interrupt, kill). Called at once when it was asked before.
/// @return a token for runtime_forget_stop; -1 when RUNTIME_MAX_STOP_CALLS are taken
int runtime_on_stop(void (*stop)(void *object), void *object);
void runtime_forget_stop(int token);

#endif
