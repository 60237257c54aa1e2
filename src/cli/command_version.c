// moulin version: what this program is. Loads nothing: the library's version is doctor's business.

#include "base/json.h"
#include "cli/command.h"
#include "cli/commands.gen.h"
#include "cli/version.gen.h"

rc command_version(struct command_context *context, struct err *err)
{
    if (output_format_of(context->output) == OUTPUT_TEXT)
        return output_text(context->output, err, "moulin %s\n", MOULIN_VERSION);
    struct json answer = {.kind = JSON_OBJECT};
    *json_object_set(context->arena, &answer, STR("name")) = json_of_str(STR("moulin"));
    *json_object_set(context->arena, &answer, STR("version")) = json_of_str(STR(MOULIN_VERSION));
    *json_object_set(context->arena, &answer, STR("compiler")) = json_of_str(STR(__VERSION__));
    return output_json(context->output, &answer, err);
}
