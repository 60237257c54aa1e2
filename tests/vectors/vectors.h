/// @file vectors.h
/// What a runner of acceptance suites needs: the suite's files, and a place to say how a case
/// ended. A runner is one program for a family of suites: a table of suites and main() that calls
/// vectors_main(). tools/vectors starts it as `RUNNER SUITE DIR`, reads its lines and counts.
///
///     static void run_line(struct vectors *v, const struct json *c) {
///         ... vectors_pass(v) or vectors_fail(v, "expected %d, found %d", 1, 2) once per case ...
///     }
///     static void run_ids(struct vectors *v) { vectors_each_line(v, "ids.jsonl", run_line); }
///     int main(int argc, char **argv) {
///         static const struct vectors_suite suites[] = {{"ingest-ids", run_ids}, {NULL, NULL}};
///         return vectors_main(argc, argv, suites);
///     }

#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

struct vectors {
    struct arena *arena;   // for the whole suite
    struct arena *scratch; // emptied before each line of vectors_each_line
    struct str dir;        // the folder with the suite's files
    struct str case_name;  // of the current case: "ids.jsonl:3"; set it for suites of other shapes
    void *context;         // the runner's own
};

struct vectors_suite {
    const char *name; // NULL ends the table
    void (*run)(struct vectors *v);
};

int vectors_main(int argc, char **argv, const struct vectors_suite *suites);

/// How the current case ended; exactly one call per case.
void vectors_pass(struct vectors *v);
void vectors_fail(struct vectors *v, const char *format, ...) PRINTF_LIKE(2, 3);

/// The text of a file of the suite; `name.gz` is taken when there is no `name`. Ends the program
/// when there is neither.
struct str vectors_file(struct vectors *v, const char *name);
struct json vectors_json(struct vectors *v, const char *name);
/// Calls `run` for each line of a JSON Lines file; case_name is "name:line".
void vectors_each_line(struct vectors *v, const char *name,
                       void (*run)(struct vectors *v, const struct json *line));
/// fs_join of the suite's folder and `name`.
struct str vectors_path(struct vectors *v, const char *name);

#endif
