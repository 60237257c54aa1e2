/// @file naming.c
/// See naming.h. Every step works on code points: lengths are counted in them, and `\d` of the
/// original's patterns means any decimal digit of Unicode. Layer: ingest.

#include "ingest/naming.h"

#include <math.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "base/vec.h"

enum { S3_TABLES_MAX_LENGTH = 255, TAG_MAX_BYTES = 64 };

static const struct {
    struct str name;
    enum naming_convention convention;
} conventions[] = {
    {STR_INIT("snake_case"), NAMING_SNAKE_CASE}, {STR_INIT("sql_cs_v1"), NAMING_SQL_CS_V1},
    {STR_INIT("sql_ci_v1"), NAMING_SQL_CI_V1},   {STR_INIT("duck_case"), NAMING_DUCK_CASE},
    {STR_INIT("direct"), NAMING_DIRECT},         {STR_INIT("s3_tables"), NAMING_S3_TABLES},
};
enum { CONVENTION_COUNT = sizeof conventions / sizeof conventions[0] };

static bool is_ascii_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// The code point at `*at`, which moves behind it. Not for the end of the text.
static uint32_t code_point_next(struct str text, size_t *at)
{
    struct str rest = str_slice(text, *at, text.length);
    uint32_t code_point = 0;
    if (!utf8_next(&rest, &code_point))
        rest.length = 0;
    *at = text.length - rest.length;
    return code_point;
}

bool naming_is_blank(struct str text)
{
    for (size_t at = 0; at < text.length;)
        if (!utf8_is_space(code_point_next(text, &at)))
            return false;
    return true;
}

static struct str trim(struct str text)
{
    size_t start = 0, end = 0;
    bool has_started = false;
    for (size_t at = 0; at < text.length;) {
        const size_t here = at;
        if (utf8_is_space(code_point_next(text, &at)))
            continue;
        if (!has_started)
            start = here;
        has_started = true;
        end = at;
    }
    return str_slice(text, start, end - start);
}

rc naming_of(struct str name, struct naming *ret_naming, struct err *err)
{
    struct str names[CONVENTION_COUNT];
    for (size_t i = 0; i < CONVENTION_COUNT; i++) {
        names[i] = conventions[i].name;
        if (!str_equal(name, conventions[i].name))
            continue;
        *ret_naming = (struct naming){.convention = conventions[i].convention};
        return RC_OK;
    }
    err_set(err, RC_CONFIG, "unknown naming convention '%.*s'", STR_ARGS(name));
    const size_t nearest = str_nearest(name, names, CONVENTION_COUNT);
    return err_hint(err,
                    "use one of snake_case, sql_cs_v1, sql_ci_v1, duck_case, direct, s3_tables%s%s",
                    nearest == SIZE_MAX ? "" : "; did you mean ",
                    nearest == SIZE_MAX ? "" : names[nearest].bytes);
}

struct str naming_separator(const struct naming *naming)
{
    return naming->convention == NAMING_DIRECT ? STR("\xe2\x96\xb6") : STR("__");
}

struct str naming_tag(struct arena *arena, struct str original, double collision_probability)
{
    // Case is lost in base64 once lowered, hence 3 bits of hash for 2 of resistance.
    const double bits = 3 * log2(1 / collision_probability);
    unsigned char digest[TAG_MAX_BYTES];
    size_t bytes = (size_t)(bits / 8) + 1;
    if (bytes > sizeof digest)
        bytes = sizeof digest;
    hash_shake128(original, digest, bytes);
    struct str tag = base64_encode(arena, digest, bytes, BASE64_STANDARD);
    while (tag.length > 0 && tag.bytes[tag.length - 1] == '=')
        tag.length--;
    tag = str_replace(arena, tag, STR("/"), STR("a"));
    return str_lower(arena, str_replace(arena, tag, STR("+"), STR("b")));
}

/// Cuts the middle out of a name that is too long and puts the tag of the original there.
static struct str shorten(const struct naming *naming, struct arena *arena, struct str name,
                          struct str original)
{
    size_t max_length = naming->max_length;
    if (max_length == 0 && naming->convention == NAMING_S3_TABLES)
        max_length = S3_TABLES_MAX_LENGTH;
    const size_t length = utf8_count(name);
    if (max_length == 0 || length <= max_length)
        return name;
    const struct str tag = naming_tag(arena, original, 0.001);
    const size_t rest = max_length > tag.length ? max_length - tag.length : 0;
    const size_t head = utf8_offset(name, rest - rest / 2);
    const size_t tail = utf8_offset(name, length - rest / 2);
    const struct str parts[] = {str_slice(name, 0, head), tag, str_slice(name, tail, name.length)};
    return str_join(arena, parts, 3, STR(""));
}

/// A name while it is rewritten: a growing text in an arena of known upper bound.
struct draft {
    char *bytes;
    size_t length;
};

static void put(struct draft *draft, struct str text)
{
    memcpy(draft->bytes + draft->length, text.bytes, text.length);
    draft->length += text.length;
}

static void put_byte(struct draft *draft, char byte)
{
    draft->bytes[draft->length++] = byte;
}

/// Letters, digits and underscores stay; each run of anything else becomes one underscore.
/// @param has_alphabet  first replace + - * @ | as snake_case does
static struct str reduce_alphabet(struct arena *arena, struct str name, bool has_alphabet)
{
    struct draft out = {arena_alloc(arena, name.length + 1), 0};
    bool in_run = false;
    for (size_t at = 0; at < name.length;) {
        const size_t start = at;
        uint32_t c = code_point_next(name, &at);
        if (has_alphabet && c < 0x80) {
            static const char from[] = "+-*@|", to[] = "x_xal";
            const char *hit = c == 0 ? NULL : strchr(from, (int)c);
            if (hit != NULL) {
                put_byte(&out, to[hit - from]);
                in_run = false;
                continue;
            }
        }
        if (is_ascii_letter(c) || c == '_' || utf8_is_digit(c)) {
            put(&out, str_slice(name, start, at - start));
            in_run = false;
        } else if (!in_run) {
            put_byte(&out, '_');
            in_run = true;
        }
    }
    return (struct str){out.bytes, out.length};
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/// ([^_])([A-Z][a-z]+) -> \1_\2, scanned left to right without overlap.
static struct str break_words(struct arena *arena, struct str name)
{
    struct draft out = {arena_alloc(arena, name.length * 2 + 1), 0};
    size_t at = 0;
    while (at < name.length) {
        const size_t start = at;
        const uint32_t c = code_point_next(name, &at);
        put(&out, str_slice(name, start, at - start));
        if (c == '_' || at + 1 >= name.length || !is_upper(name.bytes[at]) ||
            !is_lower(name.bytes[at + 1]))
            continue;
        put_byte(&out, '_');
        put_byte(&out, name.bytes[at++]);
        while (at < name.length && is_lower(name.bytes[at]))
            put_byte(&out, name.bytes[at++]);
    }
    return (struct str){out.bytes, out.length};
}

/// ([a-z0-9])([A-Z]) -> \1_\2, then lower case.
static struct str break_capitals(struct arena *arena, struct str name)
{
    struct draft out = {arena_alloc(arena, name.length * 2 + 1), 0};
    for (size_t i = 0; i < name.length; i++) {
        const char c = name.bytes[i];
        put_byte(&out, is_upper(c) ? (char)(c + ('a' - 'A')) : c);
        const bool can_break = is_lower(c) || (c >= '0' && c <= '9');
        if (!can_break || i + 1 >= name.length || !is_upper(name.bytes[i + 1]))
            continue;
        put_byte(&out, '_');
        put_byte(&out, (char)(name.bytes[++i] + ('a' - 'A')));
    }
    return (struct str){out.bytes, out.length};
}

static bool starts_with_digit(struct str name)
{
    size_t at = 0;
    return name.length > 0 && utf8_is_digit(code_point_next(name, &at));
}

/// __+ -> _
static struct str contract_underscores(struct arena *arena, struct str name)
{
    struct draft out = {arena_alloc(arena, name.length + 1), 0};
    for (size_t i = 0; i < name.length; i++)
        if (name.bytes[i] != '_' || i == 0 || name.bytes[i - 1] != '_')
            put_byte(&out, name.bytes[i]);
    return (struct str){out.bytes, out.length};
}

static struct str to_snake_case(struct arena *arena, struct str name)
{
    name = break_capitals(arena, break_words(arena, reduce_alphabet(arena, name, true)));
    if (starts_with_digit(name))
        name = str_concat(arena, STR("_"), name);
    char *bytes = arena_copy(arena, name.bytes, name.length + 0);
    for (size_t i = name.length; i > 0 && bytes[i - 1] == '_'; i--)
        bytes[i - 1] = 'x';
    return contract_underscores(arena, (struct str){bytes, name.length});
}

static struct str to_sql_case(struct arena *arena, struct str name)
{
    name = reduce_alphabet(arena, name, false);
    if (starts_with_digit(name))
        name = str_concat(arena, STR("_"), name);
    if (!str_is(name, "_"))
        while (name.length > 0 && name.bytes[name.length - 1] == '_')
            name.length--;
    return contract_underscores(arena, name);
}

/// Replaces line ends and quotes (and, for `direct`, its separator) by underscores.
static struct str clean(const struct naming *naming, struct arena *arena, struct str name)
{
    const bool is_direct = naming->convention == NAMING_DIRECT;
    struct draft out = {arena_alloc(arena, name.length + 1), 0};
    for (size_t at = 0; at < name.length;) {
        const size_t start = at;
        const uint32_t c = code_point_next(name, &at);
        if (c == '\n' || c == '\r' || c == '"' || (is_direct && (c == '\'' || c == 0x25b6)))
            put_byte(&out, '_');
        else
            put(&out, str_slice(name, start, at - start));
    }
    return (struct str){out.bytes, out.length};
}

rc naming_identifier(const struct naming *naming, struct arena *arena, struct str name,
                     struct str *ret_name, struct err *err)
{
    const struct str original = trim(name);
    if (original.length == 0)
        return err_set(err, RC_INVALID, "a name is empty");
    struct str result = original;
    switch (naming->convention) {
    case NAMING_SNAKE_CASE:
    case NAMING_S3_TABLES:
        result = to_snake_case(arena, original);
        break;
    case NAMING_SQL_CS_V1:
    case NAMING_SQL_CI_V1:
        result = to_sql_case(arena, original);
        break;
    case NAMING_DUCK_CASE:
        result = contract_underscores(arena, clean(naming, arena, original));
        break;
    case NAMING_DIRECT:
        result = clean(naming, arena, original);
        break;
    }
    result = shorten(naming, arena, result, original);
    if (naming->convention == NAMING_SQL_CI_V1)
        result = str_lower(arena, result);
    *ret_name = result;
    return RC_OK;
}

rc naming_table_identifier(const struct naming *naming, struct arena *arena, struct str name,
                           struct str *ret_name, struct err *err)
{
    struct str result;
    TRY(naming_identifier(naming, arena, name, &result, err));
    if (naming->convention == NAMING_S3_TABLES)
        while (result.length > 0 && result.bytes[0] == '_')
            result = str_slice(result, 1, result.length);
    *ret_name = result;
    return RC_OK;
}

static struct str join(const struct naming *naming, struct arena *arena, const struct str *parts,
                       size_t count)
{
    str_vec kept = {0};
    for (size_t i = 0; i < count; i++)
        if (!naming_is_blank(parts[i]))
            *vec_push(arena, &kept) = parts[i];
    return str_join(arena, kept.items, kept.count, naming_separator(naming));
}

struct str naming_join(const struct naming *naming, struct arena *arena, const struct str *parts,
                       size_t count)
{
    const struct str path = join(naming, arena, parts, count);
    return shorten(naming, arena, path, path);
}

typedef rc (*normalize_part)(const struct naming *naming, struct arena *arena, struct str name,
                             struct str *ret_name, struct err *err);

static rc normalize_path(const struct naming *naming, struct arena *arena, struct str path,
                         normalize_part normalize, struct str *ret_path, struct err *err)
{
    const struct str separator = naming_separator(naming);
    str_vec parts = {0};
    struct str rest = path;
    while (true) {
        const size_t at = str_find(rest, separator);
        const struct str part = str_slice(rest, 0, at);
        if (!naming_is_blank(part)) {
            struct str name;
            TRY(normalize(naming, arena, part, &name, err));
            *vec_push(arena, &parts) = name;
        }
        if (at == SIZE_MAX)
            break;
        rest = str_slice(rest, at + separator.length, rest.length);
    }
    *ret_path = shorten(naming, arena, join(naming, arena, parts.items, parts.count), path);
    return RC_OK;
}

rc naming_path(const struct naming *naming, struct arena *arena, struct str path,
               struct str *ret_path, struct err *err)
{
    return normalize_path(naming, arena, path, naming_identifier, ret_path, err);
}

rc naming_tables_path(const struct naming *naming, struct arena *arena, struct str path,
                      struct str *ret_path, struct err *err)
{
    return normalize_path(naming, arena, path, naming_table_identifier, ret_path, err);
}
