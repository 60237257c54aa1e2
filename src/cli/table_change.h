/// @file table_change.h
/// The verbs of `moulin table` that change something. Layer: cli.

#ifndef CLI_TABLE_CHANGE_H
#define CLI_TABLE_CHANGE_H

#include "cli/command.h"

CHECK rc table_rollback(struct command_context *context, struct err *err);
CHECK rc table_expire_verb(struct command_context *context, struct err *err);
CHECK rc table_orphans_verb(struct command_context *context, struct err *err);
CHECK rc table_drop(struct command_context *context, struct err *err);
/// The namespaces of --namespace-prefix with all that is in them (table_drop_throw_away.c).
CHECK rc table_drop_throw_away(struct command_context *context, struct err *err);

#endif
