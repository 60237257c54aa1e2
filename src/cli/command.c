#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/arguments.h"

enum { MAX_PREFIX_BYTES = 40 };

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

/// Commands that change the environment's own tables.
static const struct {
    const char *name, *verb;
} writers[] = {{"ingest", ""},        {"run", ""},         {"schema", "apply"},
               {"table", "rollback"}, {"table", "expire"}, {"table", "orphans"}};

static bool is_throw_away(struct str prefix)
{
    bool is_right = str_has_prefix(prefix, STR("ci_")) || str_has_prefix(prefix, STR("tmp_"));
    for (size_t i = 0; i < prefix.length; i++) {
        const char c = prefix.bytes[i];
        is_right = is_right && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
    }
    return is_right && str_has_suffix(prefix, STR("_")) && prefix.length > strlen("tmp_") &&
           prefix.length <= MAX_PREFIX_BYTES;
}

rc command_check_prefix(const struct command_context *context, struct err *err)
{
    const struct str prefix = context->namespace_prefix;
    if (prefix.length == 0)
        return RC_OK;
    if (!is_throw_away(prefix)) {
        err_set(err, RC_USAGE,
                "--namespace-prefix %.*s is not the prefix of a throw-away namespace",
                STR_ARGS(prefix));
        return err_hint(err,
                        "it starts with ci_ or tmp_, ends with _, and is made of at most %d "
                        "small letters, digits and _: ci_pr_12_",
                        MAX_PREFIX_BYTES);
    }
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++)
        if (strcmp(writers[i].name, context->spec->name) == 0 &&
            strcmp(writers[i].verb, context->verb) == 0) {
            err_set(err, RC_USAGE,
                    "%s%s%s changes the environment's own tables, not those of the throw-away "
                    "namespaces %.*s*",
                    context->spec->name, context->verb[0] != '\0' ? " " : "", context->verb,
                    STR_ARGS(prefix));
            return err_hint(err, "leave --namespace-prefix out, and MOULIN_NAMESPACE_PREFIX unset");
        }
    return RC_OK;
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
