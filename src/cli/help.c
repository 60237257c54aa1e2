#include "cli/help.h"

#include "base/buf.h"

enum { HELP_MAX_BYTES = 1 << 20, HELP_NAME_WIDTH = 26 };

static void put_line(struct buf *to, const char *name, const char *help)
{
    buf_printf(to, "  %-*s %s\n", HELP_NAME_WIDTH, name, help);
}

static const struct command_spec *first_spec(const struct command_table *table, const char *name)
{
    for (size_t i = 0; i < table->spec_count; i++)
        if (strcmp(table->specs[i].name, name) == 0)
            return &table->specs[i];
    return NULL;
}

/// "-s, --select SELECTOR..." with help, choices, default and environment variable behind it.
static void put_option(struct buf *to, struct arena *arena, const struct option_spec *option)
{
    const char *ending = option->kind == OPTION_WORDS ? "..." : "";
    const struct str letter =
        option->letter != 0 ? arena_printf(arena, "-%c, ", option->letter) : STR("    ");
    const struct str name =
        arena_printf(arena, "%.*s--%s%s%s%s", STR_ARGS(letter), option->name,
                     option->value_name[0] != '\0' ? " " : "", option->value_name, ending);
    if (name.length > HELP_NAME_WIDTH)
        buf_printf(to, "  %.*s\n  %-*s %s", STR_ARGS(name), HELP_NAME_WIDTH, "", option->help);
    else
        buf_printf(to, "  %-*.*s %s", HELP_NAME_WIDTH, STR_ARGS(name), option->help);
    if (option->kind == OPTION_LIST || option->kind == OPTION_KEY_VALUE)
        buf_append_cstr(to, "; may be given more than once");
    if (option->kind == OPTION_CHOICE) {
        buf_append_cstr(to, ": ");
        for (size_t i = 0; option->choices[i] != NULL; i++)
            buf_printf(to, "%s%s", i > 0 ? ", " : "", option->choices[i]);
    }
    if (option->fallback[0] != '\0')
        buf_printf(to, " [%s]", option->fallback);
    if (option->env[0] != '\0')
        buf_printf(to, " [$%s]", option->env);
    buf_append_byte(to, '\n');
}

static void put_globals(struct buf *to, struct arena *arena, const struct command_table *table)
{
    buf_append_cstr(to, "\nGlobal options:\n");
    for (size_t i = 0; i < table->global_count; i++)
        put_option(to, arena, &table->global_options[i]);
}

static void put_program(struct buf *to, struct arena *arena, const struct command_table *table)
{
    buf_append_cstr(to, "moulin: extract, load into Apache Iceberg, transform, orchestrate\n\n"
                        "Usage: moulin COMMAND [options]\n\nCommands:\n");
    for (size_t i = 0; i < table->group_count; i++)
        put_line(to, table->groups[i].name, table->groups[i].help);
    put_globals(to, arena, table);
    buf_append_cstr(to, "\nExit codes:\n");
    for (size_t i = 0; i < table->exit_code_count; i++)
        buf_printf(to, "  %-4d %s\n", table->exit_codes[i].code, table->exit_codes[i].help);
    buf_append_cstr(to, "\nExample:\n  moulin init chess_platform && cd chess_platform && "
                        "moulin check\n\nmoulin COMMAND --help tells more.\n");
}

static void put_group(struct buf *to, struct arena *arena, const struct command_table *table,
                      const struct command_group *group)
{
    buf_printf(to, "moulin %s: %s\n\nUsage: moulin %s COMMAND [options]\n\n", group->name,
               group->help, group->name);
    if (group->text[0] != '\0')
        buf_printf(to, "%s\n", group->text);
    buf_append_cstr(to, "Commands:\n");
    const struct command_spec *first = first_spec(table, group->name);
    for (const struct command_spec *spec = first; spec < table->specs + table->spec_count; spec++)
        if (strcmp(spec->name, group->name) == 0)
            put_line(to, spec->verb, spec->help);
    if (first != NULL)
        buf_printf(to, "\nExample:\n  %s\n", first->examples[0].text);
    put_globals(to, arena, table);
}

static void put_command(struct buf *to, struct arena *arena, const struct command_table *table,
                        const struct command_spec *spec)
{
    const struct str usage = arguments_usage(arena, spec);
    buf_printf(to, "moulin %s%s%s: %s\n\nUsage: %.*s\n", spec->name,
               spec->verb[0] != '\0' ? " " : "", spec->verb, spec->help, STR_ARGS(usage));
    if (spec->text[0] != '\0')
        buf_printf(to, "\n%s", spec->text);
    buf_append_cstr(to, "\nExamples:\n");
    for (size_t i = 0; i < spec->example_count; i++)
        buf_printf(to, "  # %s\n  %s\n", spec->examples[i].help, spec->examples[i].text);
    if (spec->option_count > 0)
        buf_append_cstr(to, "\nOptions:\n");
    for (size_t i = 0; i < spec->option_count; i++)
        put_option(to, arena, &spec->options[i]);
    put_globals(to, arena, table);
}

struct str help_text(struct arena *arena, const struct command_line *arguments)
{
    struct buf to;
    buf_init(&to, HELP_MAX_BYTES);
    if (arguments->spec != NULL)
        put_command(&to, arena, arguments->table, arguments->spec);
    else if (arguments->group != NULL)
        put_group(&to, arena, arguments->table, arguments->group);
    else
        put_program(&to, arena, arguments->table);
    const struct str text = arena_str(arena, buf_str(&to));
    buf_done(&to);
    return text;
}
