// Opening the project of a call. Apart from command.c, so that a program whose commands need no
// project does not link what a project needs.

#include "cli/arguments.h"
#include "cli/command.h"

/// The --var options, when the command has them.
static void take_vars(const struct command_context *context, struct project_options *options)
{
    const struct option_value *value = arguments_option(context->call, "var");
    if (value == NULL || value->values.count == 0)
        return;
    struct str_pair *vars = ARENA_ARRAY(context->arena, struct str_pair, value->values.count);
    for (size_t i = 0; i < value->values.count; i++) {
        const struct str text = value->values.items[i];
        const size_t equals = str_find_byte(text, '=');
        vars[i].name = str_slice(text, 0, equals);
        vars[i].value = str_slice(text, equals + 1, SIZE_MAX);
    }
    options->vars = vars;
    options->var_count = value->values.count;
}

rc command_project(struct command_context *context, struct project **ret_project, struct err *err)
{
    if (context->project == NULL) {
        struct project_options options = {.folder = context->project_folder,
                                          .environment = context->environment};
        take_vars(context, &options);
        const rc code = project_open(context->arena, options, &context->project, err);
        // No project in this folder: the call is wrong, not the work.
        if (code == RC_NOT_FOUND && err != NULL)
            err->code = RC_CONFIG;
        TRY(code == RC_NOT_FOUND ? RC_CONFIG : code);
    }
    *ret_project = context->project;
    return RC_OK;
}
