/// @file local_tasks.h
/// The tasks of a state machine on this machine: what Lambda and ECS would start is started here as
/// a child process of the same program, and answers in the same shape. Layer: flow.
///   lambda:invoke of a name that moulin.yml maps to {ingest: SOURCE} (or <env>-SOURCE-ingestion):
///     `moulin ingest SOURCE`, options from the payload; its JSON answer is the Payload
///   ecs:runTask[.sync] of a task definition mapped to {transform: FOLDER} (or <env>-dbt):
///     `moulin transform ...` with the container's command
///   a resource that moulin.yml lists under local: answers what stands there
/// Everything else is refused when the machine is checked. Threads: the executor may be called from
/// several at once; on_log is then called from them too.

#ifndef FLOW_LOCAL_TASKS_H
#define FLOW_LOCAL_TASKS_H

#include "flow/execution.h"
#include "project/project.h"

struct local_tasks;

struct local_tasks_options {
    const struct project *project;
    struct str program; // this executable
    /// A line of a child's log, without the line end; level as the child said ("info").
    void (*on_log)(void *context, struct str state, struct str level, struct str message);
    void *context;
};

struct local_tasks *local_tasks_open(struct arena *arena, struct local_tasks_options options);
struct flow_executor local_tasks_executor(struct local_tasks *tasks);

/// For machine_check: whether a task state's resource can be run here.
CHECK rc local_tasks_check(void *context, struct str state, const struct json *task,
                           struct err *err);

/// ${name} -> text, for machine_substitute: mapped names become the function's or task's name.
struct json local_tasks_names(struct arena *arena, const struct project *project);

#endif
