#include "cli/invoke.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/runtime.h"
#include "cli/arguments.h"
#include "cli/commands.gen.h"
#include "cli/help.h"

static const char *environment_variable(const char *name)
{
    return getenv(name);
}

static struct str option_text(const struct command_line *call, const char *name)
{
    const struct option_value *value = arguments_option(call, name);
    return value->is_given ? value->values.items[0] : str_of(value->spec->fallback);
}

/// Position of a choice in its list; the parser has checked that it is there.
static int option_choice(const struct command_line *call, const char *name)
{
    const struct option_value *value = arguments_option(call, name);
    const struct str text = option_text(call, name);
    for (int i = 0; value->spec->choices[i] != NULL; i++)
        if (str_is(text, value->spec->choices[i]))
            return i;
    return 0;
}

static bool wants_color(const struct command_line *call, int fd)
{
    const struct str when = option_text(call, "color");
    if (!str_is(when, "auto"))
        return str_is(when, "always");
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(fd) != 0 && (no_color == NULL || no_color[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

static void configure_log(const struct command_line *call)
{
    // The choices in spec/commands.yaml stand in the order of the enums.
    log_configure((struct log_options){.level = (enum log_level)option_choice(call, "log-level"),
                                       .format = (enum log_format)option_choice(call, "log-format"),
                                       .has_color = wants_color(call, STDERR_FILENO)});
}

static int terminal_width(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) == 0)
        return 0;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static struct output *open_output(struct arena *arena, const struct command_line *call,
                                  struct buf *to)
{
    const bool is_json = str_is(option_text(call, "output"), "json");
    return output_open(arena,
                       (struct output_options){.to = to,
                                               .format = is_json ? OUTPUT_JSON : OUTPUT_TEXT,
                                               .width = terminal_width(),
                                               .has_color = wants_color(call, STDOUT_FILENO)});
}

/// Absolute path of this program, so that children run the same one: of a package, its launcher.
static struct str program_path(struct arena *arena, const char *argv0)
{
    char path[4096];
    const char *package = runtime_package_folder();
    if (package != NULL)
        return arena_printf(arena, "%s/bootstrap", package);
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length > 0 && (size_t)length < sizeof path)
        return arena_str(arena, (struct str){path, (size_t)length});
    return str_of(argv0);
}

static rc run_command(struct arena *arena, const struct command_line *call,
                      const struct invocation *invocation, struct err *err)
{
    struct output *output = open_output(arena, call, invocation->output);
    if (call->wants_help) {
        TRY(output_str(output, help_text(arena, call), err));
        return output_flush(output, err);
    }
    struct command_context context = {.arena = arena,
                                      .spec = call->spec,
                                      .verb = call->spec->verb,
                                      .arguments = call->words.items,
                                      .argument_count = call->words.count,
                                      .output = output,
                                      .program = program_path(arena, invocation->program),
                                      .project_folder = option_text(call, "project-dir"),
                                      .environment = option_text(call, "env"),
                                      .namespace_prefix = option_text(call, "namespace-prefix"),
                                      .has_terminal = isatty(STDERR_FILENO) != 0,
                                      .call = call};
    TRY(command_check_prefix(&context, err));
    const rc code = call->spec->function(&context, err);
    // What a failing command has answered so far is part of its answer.
    struct err flush_err;
    const rc flushed = output_flush(output, &flush_err);
    if (code == RC_OK && flushed != RC_OK)
        *err = flush_err;
    return code != RC_OK ? code : flushed;
}

/// The log of a call that cannot be parsed still takes the form that it asks for, when it does.
static enum log_format log_format_of_words(const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], "--log-format=json") == 0 ||
            (strcmp(words[i], "--log-format") == 0 && i + 1 < count &&
             strcmp(words[i + 1], "json") == 0))
            return LOG_FORMAT_JSON;
    return LOG_FORMAT_TEXT;
}

rc invoke(struct arena *arena, const struct invocation *invocation, struct err *err)
{
    struct command_line call;
    log_configure((struct log_options){
        .level = LOG_LEVEL_INFO,
        .format = log_format_of_words(invocation->words, invocation->word_count)});
    TRY(arguments_parse(arena, &all_commands, invocation->words, invocation->word_count,
                        environment_variable, &call, err));
    configure_log(&call);
    return run_command(arena, &call, invocation, err);
}
