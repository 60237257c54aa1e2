/// @file undefined.c
/// Undefined values and their words. Layer: jinja. Source: jinja2.runtime.Undefined.

#include <stdio.h>

#include "jinja/render.h"
#include "jinja/throw.h"

struct value undefined_name(struct render *r, struct str name)
{
    return value_undefined(r->arena, r->undefined, name);
}

struct value render_undefined(struct render *render, struct str name)
{
    return undefined_name(render, name);
}

const char *owner_words(struct render *r, struct value value)
{
    if (value.kind == VALUE_NONE)
        return "None";
    return arena_printf(r->arena, "%s object", value_type_name(value)).bytes;
}

struct value undefined_attribute(struct render *r, struct value owner, struct str name)
{
    struct value value = value_undefined(r->arena, r->undefined, name);
    struct undefined_info *info = ARENA_NEW(r->arena, struct undefined_info);
    *info = *value.undefined;
    info->is_attribute = true;
    info->owner_type = owner.kind == VALUE_NONE ? "None" : value_type_name(owner);
    value.undefined = info;
    return value;
}

struct value undefined_hint(struct render *r, struct str name, const char *format, ...)
{
    struct undefined_info *info = ARENA_NEW(r->arena, struct undefined_info);
    va_list args;
    va_start(args, format);
    *info = (struct undefined_info){
        .kind = r->undefined, .name = name, .hint = arena_vprintf(r->arena, format, args)};
    va_end(args);
    return (struct value){.kind = VALUE_UNDEFINED, .undefined = info};
}

void undefined_message(const struct undefined_info *info, char *to, size_t to_bytes)
{
    if (info->hint.length > 0)
        snprintf(to, to_bytes, "%.*s", STR_ARGS(info->hint));
    else if (info->is_attribute)
        snprintf(to, to_bytes, "'%s%s' has no attribute '%.*s'", info->owner_type,
                 strcmp(info->owner_type, "None") == 0 ? "" : " object", STR_ARGS(info->name));
    else
        snprintf(to, to_bytes, "'%.*s' is undefined", STR_ARGS(info->name));
}

rc undefined_fail(struct value value, struct err *err)
{
    char words[400];
    undefined_message(value.undefined, words, sizeof words);
    return throw_error(err, "UndefinedError", "%s", words);
}
