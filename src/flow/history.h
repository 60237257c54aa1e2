/// @file history.h
/// What ran, when, and how it ended: .moulin/history.db. Layer: flow. SQLite (WAL), a file of ours
/// alone. Threads: one. A run that was killed stays RUNNING in the file; reading tells it from a
/// living one by its process.

#ifndef FLOW_HISTORY_H
#define FLOW_HISTORY_H

#include "base/vec.h"
#include "flow/execution.h"

struct history;

/// @param path  of the database; its folder must exist
/// @return RC_OK | RC_DENIED | RC_CORRUPT | RC_BUSY | RC_IO
CHECK rc history_open(struct arena *arena, struct str path, struct history **ret_history,
                      struct err *err);

struct history_execution {
    struct str id, workflow, environment;
    struct str status; // RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED; DIED = its process is gone
    struct str input;  // JSON text
    struct str output; // JSON text; bytes NULL = none
    struct str error, cause;
    int64_t started_us, ended_us; // ended 0 = not yet
};

/// @return RC_OK | RC_EXISTS (the name is taken)
CHECK rc history_start(struct history *history, const struct history_execution *execution,
                       struct err *err);
CHECK rc history_add_event(struct history *history, struct str execution_id,
                           const struct flow_event *event, struct err *err);
CHECK rc history_finish(struct history *history, struct str execution_id,
                        const struct flow_result *result, int64_t ended_us, struct err *err);

VEC_TYPE(history_execution_vec, struct history_execution);
/// The latest first.
CHECK rc history_list(struct history *history, struct arena *arena, int64_t limit,
                      history_execution_vec *ret_executions, struct err *err);
/// @param id  the whole id, or its beginning when that is unique
/// @return RC_OK | RC_NOT_FOUND (hint: the nearest) | RC_USAGE (more than one begins so)
CHECK rc history_find(struct history *history, struct arena *arena, struct str id,
                      struct history_execution *ret_execution, struct err *err);

struct history_event {
    int64_t id, previous_id, time_us;
    struct str type, state, details; // details: JSON text of the event's details, "" = none
};
VEC_TYPE(history_event_vec, struct history_event);
CHECK rc history_events(struct history *history, struct arena *arena, struct str execution_id,
                        history_event_vec *ret_events, struct err *err);

#endif
