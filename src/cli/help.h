/// @file help.h
/// The help texts, made from the tables of spec/commands.yaml. Layer: cli.

#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/arguments.h"

/// The program's help, a command's, or a verb's: whatever the call named.
struct str help_text(struct arena *arena, const struct command_line *arguments);

#endif
