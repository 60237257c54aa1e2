/// @file table_change.h
/// The verbs of `moulin table` that change something. Layer: cli.

#ifndef CLI_TABLE_CHANGE_H
#define CLI_TABLE_CHANGE_H

#include "cli/command.h"

CHECK rc table_rollback(struct command_context *context, struct err *err);
CHECK rc table_expire_verb(struct command_context *context, struct err *err);
CHECK rc table_orphans_verb(struct command_context *context, struct err *err);
CHECK rc table_drop(struct command_context *context, struct err *err);

#endif
