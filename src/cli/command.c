#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/arguments.h"

static const struct option_value *option_of(const struct command_context *context, const char *name)
{
    const struct option_value *value = arguments_option(context->call, name);
    if (value != NULL)
        return value;
    // The code asks for what the spec does not have: no input can cause or mend that.
    fprintf(stderr,
            "moulin: command %s %s asks for the option %s, which spec/commands.yaml lacks\n",
            context->spec->name, context->spec->verb, name);
    abort();
}

bool command_flag(const struct command_context *context, const char *option)
{
    return option_of(context, option)->is_given;
}

bool command_has(const struct command_context *context, const char *option)
{
    return option_of(context, option)->is_given;
}

struct str command_text(const struct command_context *context, const char *option)
{
    const struct option_value *value = option_of(context, option);
    return value->is_given ? value->values.items[0] : str_of(value->spec->fallback);
}

int64_t command_int(const struct command_context *context, const char *option)
{
    const struct option_value *value = option_of(context, option);
    int64_t number = 0;
    if (value->is_given)
        return value->number;
    return str_to_int64(str_of(value->spec->fallback), &number) ? number : 0;
}

size_t command_list(const struct command_context *context, const char *option,
                    const struct str **ret_items)
{
    const struct option_value *value = option_of(context, option);
    *ret_items = value->values.items;
    return value->values.count;
}

rc command_usage_error(const struct command_context *context, struct err *err, const char *format,
                       ...)
{
    va_list args;
    va_start(args, format);
    err_set_v(err, RC_USAGE, format, args);
    va_end(args);
    const struct str usage = arguments_usage(context->arena, context->spec);
    return err_hint(err, "usage: %.*s", STR_ARGS(usage));
}
