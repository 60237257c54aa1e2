// The shared files of AWS's tools. Layer: aws. Threads: pure functions.
// Sources: AWS SDKs and Tools Reference Guide; Python's configparser (what an indented line is).

#include "aws/config.h"

#include "base/log.h"

struct reader {
    struct arena *arena;
    struct aws_config *config;
    enum aws_config_kind kind;
    struct str place;
    int line;
    bool has_section; // a header was read, also one that is passed over
    size_t section;   // index; SIZE_MAX = passed over
    size_t property;  // of the section; SIZE_MAX = none yet
    size_t indent;    // of the line that the property began on
    bool opens_block; // the property has no value of its own: nested keys may follow
    struct err *err;
};

static rc wrong(const struct reader *r, const char *what, struct str found)
{
    char *place = arena_cstr(r->arena, r->place);
    err_set_at(r->err, RC_CONFIG, place, r->line, 1, "%s, found '%.*s'", what,
               (int)(found.length < 80 ? found.length : 80), found.bytes);
    return err_hint(r->err, "mend the line: the sections of this file begin with [default], "
                            "[profile NAME] ([NAME] in the credentials file), its keys read "
                            "name = value");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// Without a comment behind white space: "eu-west-1 # mine" is "eu-west-1", "a#b" stays.
static struct str without_comment(struct str text)
{
    for (size_t i = 1; i < text.length; i++)
        if ((text.bytes[i] == '#' || text.bytes[i] == ';') && is_blank(text.bytes[i - 1]))
            return str_trim(str_slice(text, 0, i));
    return str_trim(text);
}

// --- sections ----------------------------------------------------------------------------------

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.length; i++) {
        const char c = name.bytes[i];
        const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || strchr("_-/.%@:+", c) != NULL ||
                             (unsigned char)c >= 0x80;
        if (!is_word || c == '\0')
            return false;
    }
    return name.length > 0;
}

// "profile x" is the profile x; a header of one word is a profile where the file allows it.
static bool read_header(const struct reader *r, struct str text, struct aws_section *to)
{
    static const struct {
        const char *word;
        enum aws_section_kind kind;
    } kinds[] = {{"profile", AWS_SECTION_PROFILE},
                 {"sso-session", AWS_SECTION_SSO_SESSION},
                 {"services", AWS_SECTION_SERVICES}};
    text = str_trim(text);
    size_t end = 0;
    while (end < text.length && !is_blank(text.bytes[end]))
        end++;
    const struct str word = str_slice(text, 0, end);
    struct str name = str_trim(str_slice(text, end, text.length));
    const bool is_quoted = name.length > 2 && strchr("\"'", name.bytes[0]) != NULL &&
                           name.bytes[name.length - 1] == name.bytes[0];
    if (is_quoted) // then it may hold anything
        name = str_slice(name, 1, name.length - 2);
    if (name.length == 0) {
        *to = (struct aws_section){.kind = AWS_SECTION_PROFILE, .name = word};
        return (r->kind == AWS_CREDENTIALS_FILE || str_is(word, "default")) && is_name(word);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_is(word, kinds[i].word)) {
            *to = (struct aws_section){.kind = kinds[i].kind, .name = name, .is_prefixed = true};
            return r->kind == AWS_CONFIG_FILE && (is_quoted || is_name(name));
        }
    return false;
}

static rc open_section(struct reader *r, struct str line)
{
    const size_t close = str_find_byte(line, ']');
    if (close == SIZE_MAX)
        return wrong(r, "expected a section that ends with ]", line);
    const struct str behind = str_trim(str_slice(line, close + 1, line.length));
    if (behind.length > 0 && behind.bytes[0] != '#' && behind.bytes[0] != ';')
        return wrong(r, "expected nothing behind the ] of a section", behind);
    struct aws_section header;
    r->has_section = true;
    r->section = r->property = SIZE_MAX;
    if (!read_header(r, str_slice(line, 1, close - 1), &header)) {
        log_debug("%.*s:%d: section %.*s is none that is used", STR_ARGS(r->place), r->line,
                  STR_ARGS(line));
        return RC_OK;
    }
    aws_section_vec *sections = &r->config->sections;
    for (size_t i = 0; i < sections->count; i++) {
        struct aws_section *old = &sections->items[i];
        if (old->kind != header.kind || !str_equal(old->name, header.name))
            continue;
        // [profile default] replaces [default] of the same file, and is not added to by it.
        const bool is_config = r->kind == AWS_CONFIG_FILE && header.kind == AWS_SECTION_PROFILE;
        if (is_config && old->is_prefixed && !header.is_prefixed)
            return RC_OK;
        if (is_config && !old->is_prefixed && header.is_prefixed)
            old->properties.count = 0;
        old->is_prefixed |= header.is_prefixed;
        r->section = i;
        return RC_OK;
    }
    header.name = arena_str(r->arena, header.name);
    *vec_push(r->arena, sections) = header;
    r->section = sections->count - 1;
    return RC_OK;
}

// --- properties --------------------------------------------------------------------------------

static size_t set_property(struct reader *r, struct str key, struct str value)
{
    aws_property_vec *properties = &r->config->sections.items[r->section].properties;
    size_t i = 0;
    while (i < properties->count && !str_equal(properties->items[i].key, key))
        i++;
    if (i == properties->count)
        (void)vec_push(r->arena, properties);
    properties->items[i] = (struct aws_property){arena_str(r->arena, key),
                                                 arena_str(r->arena, value), r->place, r->line};
    return i;
}

static rc split_property(const struct reader *r, struct str line, struct str *ret_key,
                         struct str *ret_value)
{
    const size_t equals = str_find_byte(line, '=');
    if (equals == SIZE_MAX)
        return wrong(r, "expected name = value", line);
    const struct str key = str_trim(str_slice(line, 0, equals));
    if (key.length == 0)
        return wrong(r, "expected a name before =", line);
    *ret_key = str_lower(r->arena, key);
    *ret_value = without_comment(str_slice(line, equals + 1, line.length));
    return RC_OK;
}

static rc read_property(struct reader *r, struct str line, size_t indent)
{
    struct str key, value;
    if (!r->has_section)
        return wrong(r, "expected a section before the first key", line);
    TRY(split_property(r, line, &key, &value));
    r->indent = indent;
    r->opens_block = value.length == 0;
    // The place is kept also in a section that is passed over: its lines must not end up elsewhere.
    r->property = r->section == SIZE_MAX ? 0 : set_property(r, key, value);
    return RC_OK;
}

static rc read_continuation(struct reader *r, struct str line)
{
    if (r->section == SIZE_MAX)
        return RC_OK;
    struct aws_property *property =
        &r->config->sections.items[r->section].properties.items[r->property];
    if (!r->opens_block) {
        property->value = arena_printf(r->arena, "%.*s\n%.*s", STR_ARGS(property->value),
                                       STR_ARGS(str_trim(line)));
        return RC_OK;
    }
    struct str key, value;
    TRY(split_property(r, line, &key, &value));
    (void)set_property(
        r, arena_printf(r->arena, "%.*s.%.*s", STR_ARGS(property->key), STR_ARGS(key)), value);
    return RC_OK;
}

static rc read_line(struct reader *r, struct str line)
{
    const struct str text = str_trim(line);
    if (text.length == 0 || text.bytes[0] == '#' || text.bytes[0] == ';')
        return RC_OK;
    const size_t indent = (size_t)(text.bytes - line.bytes);
    if (r->property != SIZE_MAX && indent > r->indent)
        return read_continuation(r, line);
    if (text.bytes[0] == '[')
        return open_section(r, text);
    return read_property(r, text, indent);
}

rc aws_config_parse(struct arena *arena, struct str text, enum aws_config_kind kind,
                    struct str place, struct aws_config *config, struct err *err)
{
    struct reader r = {.arena = arena,
                       .config = config,
                       .kind = kind,
                       .place = place,
                       .section = SIZE_MAX,
                       .property = SIZE_MAX,
                       .err = err};
    if (str_has_prefix(text, STR("\xef\xbb\xbf")))
        text = str_slice(text, 3, text.length);
    // What the config file said of a profile does not shield it from the credentials file.
    for (size_t i = 0; i < config->sections.count; i++)
        config->sections.items[i].is_prefixed = false;
    struct str line;
    while (str_split_next(&text, '\n', &line)) {
        r.line++;
        TRY(read_line(&r, line));
    }
    return RC_OK;
}

// --- looking up --------------------------------------------------------------------------------

const struct aws_section *aws_config_section(const struct aws_config *config,
                                             enum aws_section_kind kind, struct str name)
{
    for (size_t i = 0; i < config->sections.count; i++)
        if (config->sections.items[i].kind == kind &&
            str_equal(config->sections.items[i].name, name))
            return &config->sections.items[i];
    return NULL;
}

const struct aws_property *aws_section_property(const struct aws_section *section, struct str key)
{
    if (section == NULL)
        return NULL;
    for (size_t i = 0; i < section->properties.count; i++)
        if (str_equal(section->properties.items[i].key, key))
            return &section->properties.items[i];
    return NULL;
}

struct str aws_section_get(const struct aws_section *section, const char *key)
{
    const struct aws_property *property = aws_section_property(section, str_of(key));
    return property != NULL ? property->value : STR("");
}
