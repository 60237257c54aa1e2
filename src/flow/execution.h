/// @file execution.h
/// Runs a state machine: states, input and output processing, retries, catchers, maps, parallels.
/// Layer: flow. Source: Amazon States Language; events have the shapes and the order of Step
/// Functions' GetExecutionHistory. What a task does is the executor's business.
/// Threads: with a pool, the branches of a Parallel and the iterations of a Map run at the same
/// time (those inside of a branch one after another), else all runs in the caller's thread. The
/// sink is called by one thread at a time; the executor must take calls from several. When a branch
/// fails, the others are waited for, not cut off. Memory: one arena per execution and one per
/// branch.

#ifndef FLOW_EXECUTION_H
#define FLOW_EXECUTION_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

enum {
    EXECUTION_MAX_EVENTS = 25000,          // as Step Functions
    EXECUTION_MAX_DATA_BYTES = 256 * 1024, // of one input or output
    EXECUTION_MAX_CONCURRENCY = 40,
};

/// What happened. Strings and values live until the sink returns.
struct flow_event {
    int64_t id, previous_id; // from 1; 0 = nothing before
    int64_t time_us;
    const char *type;         // "TaskStateEntered"
    const char *details_name; // "stateEnteredEventDetails"; NULL = no details
    struct json details;      // object
    struct str state;         // the state that it belongs to; "" = the execution
};

struct flow_task {
    struct str execution_name;
    struct str state;
    struct str resource;           // as written: "arn:aws:states:::lambda:invoke"
    struct json parameters;        // after Parameters
    const struct json *definition; // of the state
    int64_t attempt;               // 0 = the first
    int64_t timeout_seconds;       // 0 = none
    int64_t heartbeat_seconds;     // 0 = none
    int64_t left_us;               // until the machine's own TimeoutSeconds; 0 = for ever
    struct str token;              // $$.Task.Token
};

/// How a task ended. Texts and values live in the arena that the executor was given.
struct flow_outcome {
    bool is_success;
    bool is_timeout;    // States.Timeout
    bool has_submitted; // .sync and .waitForTaskToken: the first answer of the service
    struct json submitted;
    struct json output; // on success
    struct str error;   // else; bytes NULL = none
    struct str cause;
};

struct flow_executor {
    /// @return RC_OK (the outcome says whether the task succeeded) | RC_INTERRUPTED | RC_INTERNAL
    rc (*run)(void *context, const struct flow_task *task, struct arena *arena,
              struct flow_outcome *ret_outcome, struct err *err);
    void *context;
};

struct pool;

/// Time, so that tests need not wait.
struct flow_clock {
    int64_t (*now_us)(void *context);
    /// @return RC_OK | RC_INTERRUPTED
    rc (*wait_until)(void *context, int64_t time_us, struct err *err);
    void *context;
};
/// The real one; waiting ends with RC_INTERRUPTED when the process is asked to stop.
struct flow_clock flow_system_clock(void);

struct flow_sink {
    rc (*event)(void *context, const struct flow_event *event, struct err *err);
    void *context;
};

struct flow_options {
    const struct json *definition; // checked by machine_check
    const struct json *input;
    struct str name; // of the execution
    struct str id;   // ARN or the same as name
    struct str machine_name, machine_id;
    struct str role;
    struct str region; // in TaskScheduled events
    struct flow_executor executor;
    struct flow_clock clock; // zero = the system's
    struct flow_sink sink;
    struct pool *pool; // NULL = one after another
};

enum flow_status { FLOW_SUCCEEDED, FLOW_FAILED, FLOW_TIMED_OUT, FLOW_ABORTED };

struct flow_result {
    enum flow_status status;
    struct json output; // when it succeeded
    struct str error;   // when it failed; bytes NULL = none
    struct str cause;
};

/// @param ret_result  lives in `arena`
/// @return RC_OK (also when the execution failed: see the status) | RC_INTERRUPTED (the result is
///   FLOW_ABORTED, and the last event has been written) | the sink's errors
CHECK rc flow_execute(struct arena *arena, const struct flow_options *options,
                      struct flow_result *ret_result, struct err *err);

const char *flow_status_name(enum flow_status status); // "SUCCEEDED"

#endif
