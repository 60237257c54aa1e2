/// @file workflow.h
/// The state machines of a project: pipelines/orchestrate/<name>.asl.json, with ${name} filled in,
/// parsed and checked. Layer: flow.

#ifndef FLOW_WORKFLOW_H
#define FLOW_WORKFLOW_H

#include "flow/local_tasks.h"
#include "flow/machine.h"

struct workflow {
    struct str name;  // "chess"
    struct str place; // path as it is shown
    struct json definition;
};

struct workflow_problem {
    int line, column; // 0 = unknown
    struct str message, hint;
};
VEC_TYPE(workflow_problem_vec, struct workflow_problem);

/// Names of all workflows of the project, sorted.
CHECK rc workflow_list(const struct project *project, struct arena *arena, str_vec *ret_names,
                       struct err *err);

/// Reads one and finds all its problems.
/// @param ret_problems  empty: it can be run
/// @return RC_OK | RC_NOT_FOUND (hint: the nearest) | RC_CONFIG (no JSON, a ${name} without value)
CHECK rc workflow_load(const struct project *project, struct local_tasks *tasks,
                       struct arena *arena, struct str name, struct workflow *ret_workflow,
                       workflow_problem_vec *ret_problems, struct err *err);

#endif
