#include "cli/package_words.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/vec.h"
#include "cli/arguments.h"
#include "cli/commands.gen.h"

enum { MAX_DESCRIPTION_BYTES = 64 << 10 };

rc package_source(struct arena *arena, const char *folder, struct str *ret_source, struct err *err)
{
    const char *named = getenv("MOULIN_SOURCE");
    const struct str path = arena_printf(arena, "%s/package.json", folder);
    struct str text;
    struct json description;
    if (named != NULL && *named != '\0') {
        *ret_source = str_of(named);
        return RC_OK;
    }
    TRY(fs_read(arena, path, MAX_DESCRIPTION_BYTES, &text, err));
    TRY(json_parse(arena, text, path.bytes, &description, err));
    *ret_source = json_str(json_get(&description, STR("source")), STR(""));
    if (ret_source->length > 0)
        return RC_OK;
    err_set(err, RC_CONFIG, "%.*s names no source", STR_ARGS(path));
    return err_hint(err, "make the package anew with moulin package, or set MOULIN_SOURCE");
}

static bool is_transform_verb(struct str word)
{
    for (size_t i = 0; i < all_commands.spec_count; i++)
        if (strcmp(all_commands.specs[i].name, "transform") == 0 &&
            str_is(word, all_commands.specs[i].verb))
            return true;
    return false;
}

/// An archive of the program (make archive): it knows no project and no source.
static bool is_program_alone(struct arena *arena, const char *folder)
{
    return !fs_exists(arena_printf(arena, "%s/package.json", folder)) &&
           !fs_exists(arena_printf(arena, "%s/project", folder));
}

typedef VEC(const char *) word_vec;

rc package_words(struct arena *arena, const char *folder, struct invocation *invocation,
                 struct err *err)
{
    const char *const *words = invocation->words;
    size_t count = invocation->word_count;
    struct str source;
    word_vec all = {0};
    if (is_program_alone(arena, folder))
        return RC_OK;
    if (count > 0 && strcmp(words[0], "moulin") == 0)
        words++, count--;
    TRY(package_source(arena, folder, &source, err));
    if (str_is(source, "transform")) {
        size_t skipped = 0;
        if (count > skipped && strcmp(words[skipped], "dbt") == 0)
            skipped++;
        if (count > skipped && strcmp(words[skipped], "transform") == 0)
            skipped++;
        if (count == skipped || is_transform_verb(str_of(words[skipped])) ||
            words[skipped][0] == '-') {
            words += skipped, count -= skipped;
            *vec_push(arena, &all) = "transform";
            if (count == 0 || words[0][0] == '-')
                *vec_push(arena, &all) = "build";
        }
    } else if (count == 0 || words[0][0] == '-') {
        *vec_push(arena, &all) = "ingest";
        *vec_push(arena, &all) = arena_cstr(arena, source);
    }
    for (size_t i = 0; i < count; i++)
        *vec_push(arena, &all) = words[i];
    invocation->words = all.items;
    invocation->word_count = all.count;
    return RC_OK;
}
