/// @file frame.h
/// The inside of an execution: what its states share. Layer: flow, internal to execution.c,
/// state_io.c, state_task.c, state_group.c and handlers.c.
/// A function that returns RC_FAILED has put the state's error into frame->failure; every other
/// code ends the whole execution.

#ifndef FLOW_FRAME_H
#define FLOW_FRAME_H

#include <pthread.h>

#include "flow/execution.h"
#include "flow/path.h"

struct run {
    const struct flow_options *options;
    struct flow_clock clock;
    int64_t next_event_id;
    int64_t start_us;
    int64_t deadline_us;  // of the machine's TimeoutSeconds; INT64_MAX = none
    struct json context;  // $$.Execution and $$.StateMachine
    pthread_mutex_t lock; // events, and the jitter
    int64_t random;       // state of the jitter
};

struct flow_failure {
    struct str error, cause; // bytes NULL = absent
};

/// One line of states: the machine itself, a branch, or an iteration.
struct frame {
    struct run *run;
    struct arena *arena;
    int64_t previous_id;
    bool is_silent;  // children of a distributed map write no events
    bool is_in_pool; // runs in a thread of the pool
    struct flow_variables variables;
    const struct json *map_item; // {"Index":, "Value":} or NULL
    struct flow_failure failure;
    int depth;
};

/// One visit of a state.
struct visit {
    struct frame *frame;
    struct str name;
    const struct json *state; // its definition
    const char *type;         // "Task"
    const struct json *input; // raw
    struct json effective;    // after InputPath
    struct json result;       // before ResultPath: what Assign sees as $
    struct json output;
    struct str next; // "" = the end
    int64_t entered_id, entered_us;
    int64_t retry_count;
    struct str token;
    struct json context;       // $$
    const struct json *assign; // of the state or of the rule or catcher that was taken
};

// execution.c
CHECK rc frame_event(struct frame *frame, const char *type, const char *details_name,
                     struct json *details, struct str state, int64_t *ret_id, struct err *err);
/// As frame_event, but leaves previous_id as it was.
CHECK rc frame_side_event(struct frame *frame, const char *type, const char *details_name,
                          struct json *details, struct str state, int64_t *ret_id, struct err *err);
rc frame_fail(struct frame *frame, struct str error, struct str cause);
/// Waits, at most until the machine's own time is over, which is then the failure States.Timeout.
rc frame_wait(struct frame *frame, int64_t until_us, struct err *err);
/// States.Runtime: "An error occurred while executing the state 'X' (entered at the event id #2)."
rc visit_runtime_error(struct visit *visit, const char *format, ...) PRINTF_LIKE(2, 3);
CHECK rc frame_run_machine(struct frame *frame, const struct json *machine,
                           const struct json *input, struct json *ret_output, struct err *err);
void visit_update_context(struct visit *visit);
struct flow_scope visit_scope(const struct visit *visit, const struct json *input);
/// {"truncated": false}, the companion of every input and output in events.
void put_details(struct arena *arena, struct json *details, const char *name,
                 const struct json *value);
void put_text(struct arena *arena, struct json *details, const char *name, struct str text);

// state_io.c
CHECK rc visit_take_input(struct visit *visit, struct err *err);
/// `field`: "Parameters", "ResultSelector", "ItemSelector"; absent gives the input itself.
CHECK rc visit_template(struct visit *visit, const char *field, const struct json *input,
                        struct json *ret_value, struct err *err);
CHECK rc visit_evaluate(struct visit *visit, const struct json *template, const struct json *input,
                        struct json *ret_value, struct err *err);
/// ResultPath on the raw input, then OutputPath.
CHECK rc visit_put_result(struct visit *visit, const struct json *owner, struct err *err);
CHECK rc visit_put_output(struct visit *visit, const struct json *value, struct err *err);
/// A path of a field; visit_runtime_error when it names nothing.
CHECK rc visit_path(struct visit *visit, struct str path, const struct json *input,
                    struct json *ret_value, struct err *err);
/// Computes the variables; they hold from the next state on.
CHECK rc visit_assign(struct visit *visit, struct json *ret_assigned, struct err *err);

// handlers.c
typedef rc (*attempt_function)(struct visit *visit, struct err *err);
/// Runs attempts until one succeeds, retriers give up, or a catcher takes the error.
/// @param ret_is_caught  the catcher has set output and next
CHECK rc visit_attempts(struct visit *visit, attempt_function attempt, bool *ret_is_caught,
                        struct err *err);

// state_task.c, state_group.c
CHECK rc state_task(struct visit *visit, struct err *err);
CHECK rc state_parallel(struct visit *visit, struct err *err);
CHECK rc state_map(struct visit *visit, struct err *err);

#endif
