// Choosing values of a JSON document by a path. Layer: ingest. The language is base/jsonpath's; the
// common case, one field of the record, goes past it. Threads: a compiled selector is read-only.

#include "ingest/source/select.h"

#include "base/jsonpath.h"

struct selector {
    const struct jsonpath *path;
    struct str field; // .bytes NULL: not one plain field
};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '@' || (unsigned char)c >= 0x80;
}

bool selector_is_field(struct str path)
{
    for (size_t i = 0; i < path.length; i++)
        if (!is_word(path.bytes[i]))
            return false;
    return path.length > 0;
}

rc selector_compile(struct arena *arena, struct str path, const struct selector **ret,
                    struct err *err)
{
    struct selector *selector = ARENA_NEW(arena, struct selector);
    const rc code = jsonpath_compile(arena, path, &selector->path, err);
    if (code != RC_OK) {
        if (err != NULL && code == RC_INVALID)
            err->code = RC_CONFIG;
        return code == RC_INVALID ? RC_CONFIG : code;
    }
    if (!jsonpath_is_field(selector->path, &selector->field))
        selector->field = (struct str){0};
    *ret = selector;
    return RC_OK;
}

struct str selector_text(const struct selector *selector)
{
    return jsonpath_text(selector->path);
}

rc selector_all(const struct selector *selector, struct arena *arena, const struct json *value,
                json_ref_vec *ret_values, struct err *err)
{
    json_match_vec matches = {0};
    TRY(jsonpath_find(selector->path, arena, value, &matches, err));
    *ret_values = (json_ref_vec){matches.items, matches.count, matches.capacity};
    return RC_OK;
}

const struct json *selector_first(const struct selector *selector, const struct json *value)
{
    if (selector->field.bytes != NULL)
        return json_get(value, selector->field);
    const struct json *match = NULL;
    struct arena *scratch = arena_open(NULL);
    if (jsonpath_first(selector->path, scratch, value, &match, NULL) != RC_OK)
        match = NULL; // too many matches to look at: none is the first
    arena_close(scratch);
    return match;
}
