/// @file command.h
/// What a command sees of its call. Layer: cli. Threads: the main thread.
/// Source of truth for names, options, help and examples: spec/commands.yaml.
///
/// A command is one file command_<name>.c with `rc command_<name>(struct command_context *context,
/// struct err *err)`, its entry in spec/commands.yaml and its name in src/cli/meson.build. A
/// command with verbs ("table ls") is one file; context->verb says which was called. It prints its
/// answer through context->output, logs with log_info, and returns an error to be printed by main:
/// it never prints errors itself and never calls exit().

#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/output.h"
#include "project/project.h"

enum option_kind {
    OPTION_FLAG,     // present or not
    OPTION_TEXT,     // any text
    OPTION_INT,      // 64-bit integer, checked against min and max
    OPTION_LIST,     // may be given more than once
    OPTION_WORDS,    // takes all words up to the next option, may be given more than once
    OPTION_CHOICE,   // one of `choices`
    OPTION_TIME,     // checked when it is read: ISO 8601 date or time stamp
    OPTION_KEY_VALUE // name=value, may be given more than once
};

/// Made from spec/commands.yaml.
struct option_spec {
    const char *name; // "start-month", without the dashes
    char letter;      // 's' for -s; 0 = none
    enum option_kind kind;
    const char *value_name; // "MONTH" in the help
    const char *fallback;   // default, "" = none
    const char *env;        // environment variable that gives it, "" = none
    const char *help;
    const char *const *choices; // NULL-terminated; NULL = any
    int64_t min, max;           // OPTION_INT
};

struct command_example {
    const char *text; // "moulin ingest chess --resource players"
    const char *help; // what it does
};

struct command_context;
typedef rc (*command_function)(struct command_context *context, struct err *err);

struct command_spec {
    const char *name;                 // "ingest"
    const char *verb;                 // "plan" of `schema plan`; "" = the command has no verbs
    const char *arguments;            // "SOURCE", "[SOURCE]", "SQL": shown in the usage line
    int min_arguments, max_arguments; // max -1 = any number
    const char *help;                 // one line
    const char *text;                 // paragraphs behind it, "" = none
    const struct option_spec *options;
    size_t option_count;
    const struct command_example *examples;
    size_t example_count;
    command_function function;
};

struct command_line; // internal: cli/arguments.h

struct command_context {
    struct arena *arena;             // of the whole command
    const struct command_spec *spec; // what was called
    const char *verb;                // spec->verb
    const struct str *arguments;     // the words that are no options; NUL-terminated
    size_t argument_count;           // within spec's limits
    struct output *output;           // stdout
    struct str program;              // absolute path of this executable, for child processes
    struct str project_folder;       // --project-dir as it was given; "." = default
    struct str environment;          // --env or ENVIRONMENT; "" = the project's default
    struct str namespace_prefix;     // --namespace-prefix: throw-away namespaces; "" = none
    bool has_terminal;               // stderr is a terminal
    const struct command_line *call; // internal: the parsed command line
    struct project *project;         // internal: see command_project()
};

/// The options by their name in spec/commands.yaml. A name that the spec does not have ends the
/// program with a message: it is a mistake in the command's code.
bool command_flag(const struct command_context *context, const char *option);
/// Text, choice or time; the fallback of the spec when it was not given; "" when there is none.
struct str command_text(const struct command_context *context, const char *option);
bool command_has(const struct command_context *context, const char *option); // given or from env
int64_t command_int(const struct command_context *context, const char *option);
/// @return number of values; *ret_items lives with the context. OPTION_KEY_VALUE gives
/// "name=value".
size_t command_list(const struct command_context *context, const char *option,
                    const struct str **ret_items);

/// The project of --project-dir, opened at the first call.
/// @return RC_OK | RC_CONFIG (also when there is no moulin.yml)
CHECK rc command_project(struct command_context *context, struct project **ret_project,
                         struct err *err);

/// Whether --namespace-prefix has the form of a throw-away one, and the command heeds it: those
/// that write into the environment's own tables refuse it.
CHECK rc command_check_prefix(const struct command_context *context, struct err *err);

/// RC_USAGE with the command's usage as the hint.
rc command_usage_error(const struct command_context *context, struct err *err, const char *format,
                       ...) PRINTF_LIKE(3, 4);

#endif
