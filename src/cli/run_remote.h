/// @file run_remote.h
/// Workflows of an environment in AWS: `moulin run` starts the state machine there and follows it.
/// Layer: cli. Threads: the main thread.
///
/// An environment runs its workflows in AWS when moulin.yml says so (workflows: {type:
/// step_functions}) or, without a word, when its catalog is Glue's: then its functions and tasks
/// are in that account too. --local and --remote decide for one call.

#ifndef CLI_RUN_REMOTE_H
#define CLI_RUN_REMOTE_H

#include "cli/command.h"

bool run_is_remote(const struct command_context *context, const struct project *project);

/// Starts an execution and shows what happens until it ends. An interruption ends the watching, not
/// the execution.
/// @return RC_OK | RC_FAILED (the execution failed) | RC_INTERRUPTED | RC_NOT_FOUND (not deployed)
///         | as aws_call
CHECK rc run_remote_workflow(struct command_context *context, struct project *project,
                             struct err *err);
CHECK rc run_remote_list(struct command_context *context, struct project *project, struct err *err);
CHECK rc run_remote_show(struct command_context *context, struct project *project, struct err *err);
CHECK rc run_remote_stop(struct command_context *context, struct project *project, struct err *err);

#endif
