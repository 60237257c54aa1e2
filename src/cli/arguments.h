/// @file arguments.h
/// From argv to a chosen command with its options and words. Layer: cli. Pure: reads argv and the
/// environment, prints nothing. Source of truth: spec/commands.yaml through commands.gen.c.

#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include "base/vec.h"
#include "cli/command.h"

enum { ARGUMENTS_MAX_WORDS = 10000, ARGUMENTS_MAX_OPTIONS = 64 };

struct command_group {
    const char *name; // "table"
    const char *help;
    const char *text;
};

struct exit_code_spec {
    int code;
    const char *help;
};

struct command_table {
    const struct command_spec *specs; // verbs of one command stand together
    size_t spec_count;
    const struct command_group *groups;
    size_t group_count;
    const struct option_spec *global_options;
    size_t global_count;
    const struct exit_code_spec *exit_codes;
    size_t exit_code_count;
};

/// One option of the call: those of the command first, then the global ones.
struct option_value {
    const struct option_spec *spec;
    bool is_given; // on the command line or by its environment variable
    str_vec values;
    int64_t number; // OPTION_INT
};

struct command_line {
    const struct command_table *table;
    const struct command_group *group; // NULL when no command was named
    const struct command_spec *spec;   // NULL when help was asked for a group or the program
    bool wants_help;
    struct option_value *values;
    size_t value_count;
    str_vec words;
};

/// @param argv      NUL-terminated words, without the program's name; borrowed
/// @param getenv_of looks up environment variables; NULL = none are read
/// @return RC_OK | RC_USAGE (with a suggestion) | RC_LIMIT
CHECK rc arguments_parse(struct arena *arena, const struct command_table *table,
                         const char *const *argv, size_t argc,
                         const char *(*getenv_of)(const char *name),
                         struct command_line *ret_arguments, struct err *err);

/// The option by its name, NULL when the call has none of that name.
const struct option_value *arguments_option(const struct command_line *arguments, const char *name);

/// "moulin table ls [NAMESPACE] [options]"
struct str arguments_usage(struct arena *arena, const struct command_spec *spec);

#endif
