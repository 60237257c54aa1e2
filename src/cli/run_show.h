/// @file run_show.h
/// What `moulin run` shows of an execution, wherever it runs: a line per state while it goes, its
/// result, lists and histories. Layer: cli. Threads: the main thread, but run_show_event, which one
/// thread calls at a time.

#ifndef CLI_RUN_SHOW_H
#define CLI_RUN_SHOW_H

#include "cli/command.h"
#include "flow/history.h"

/// --input and --name of a command line, the same for here and for AWS.
struct run_start {
    struct json input;
    struct str name;
};
/// @param now_us  of the name that is made up: "chess-20200531-235959-1f2e"
/// @return RC_OK | RC_USAGE | RC_LIMIT | as fs_read
CHECK rc run_read_start(struct command_context *context, struct str workflow, int64_t now_us,
                        struct run_start *ret_start, struct err *err);

/// The lines of one execution.
struct run_lines {
    struct arena *arena;
    struct map entered; // state -> int64_t *: when it was entered
};
void run_lines_init(struct run_lines *lines, struct arena *arena);
/// One line per state that a person wants to see; the rest is in the history.
void run_show_event(struct run_lines *lines, const struct flow_event *event);

/// Prints the result; a failed execution is RC_FAILED with its cause.
/// @param show  how to see more: "moulin run --show x"
CHECK rc run_show_end(struct command_context *context, struct str name,
                      const struct flow_result *result, struct str show, struct err *err);

CHECK rc run_show_list(struct command_context *context, const history_execution_vec *executions,
                       struct err *err);
CHECK rc run_show_history(struct command_context *context, const struct history_execution *e,
                          const history_event_vec *events, struct err *err);

#endif
