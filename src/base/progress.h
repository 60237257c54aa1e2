/// @file progress.h
/// How far the work is: one live line on a terminal, a plain log line now and then elsewhere.
/// Layer: base. Threads: progress_add from any; open, close and the label from the owner.
/// One progress is shown at a time per process (it uses the hooks of log.h).

#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include "base/arena.h"
#include "base/str.h"

struct progress;

struct progress_options {
    const char *what;    // "chess": the start of the line
    int fd;              // 0 = stderr
    bool is_silent;      // count only
    bool is_terminal;    // the line is drawn over itself; see progress_is_terminal
    int64_t interval_us; // between two drawings; 0 = 0.1 s on a terminal, 10 s elsewhere
};

/// True when the file descriptor is a terminal that understands \r and clearing a line.
bool progress_is_terminal(int fd);
struct progress *progress_open(struct arena *arena, struct progress_options options);
/// Counts, and draws when it is time to. Negative numbers take back.
void progress_add(struct progress *progress, int64_t rows, int64_t bytes);
/// What all of it will be, for the remaining time; 0 = unknown.
void progress_set_total(struct progress *progress, int64_t rows, int64_t bytes);
/// What is done just now: "games of erik, 2009/10".
void progress_set_label(struct progress *progress, struct str label);
int64_t progress_rows(const struct progress *progress);
int64_t progress_bytes(const struct progress *progress);
/// Wipes the line. Also done by the arena.
void progress_close(struct progress *progress);

/// The line for given numbers: "chess: 12,345 rows, 4.2 MB, 1,200 rows/s, 2 min 05 s left".
struct progress_numbers {
    int64_t rows, bytes, total_rows, total_bytes, elapsed_us;
};
struct str progress_line(struct arena *arena, const char *what, struct str label,
                         struct progress_numbers numbers);
/// 1234567 -> "1,234,567".
struct str progress_count(struct arena *arena, int64_t number);
/// 4300000 -> "4.3 MB" (powers of 1000).
struct str progress_size(struct arena *arena, int64_t bytes);

#endif
