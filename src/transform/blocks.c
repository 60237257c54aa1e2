#include "transform/blocks.h"

enum { CONTROL_DEPTH_MAX = 256 };

struct tag {
    struct str type; // word behind {%
    struct str name; // second word, "" when none
    size_t start, end;
};

struct scanner {
    struct str text;
    const char *place;
    size_t at;
    size_t floor; // white space before it belongs to the tag before
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool looks_at(const struct scanner *s, size_t at, const char *word)
{
    const size_t length = strlen(word);
    return s->text.length - at >= length && memcmp(s->text.bytes + at, word, length) == 0;
}

static int line_of(struct str text, size_t at, int *ret_column)
{
    int line = 1, column = 1;
    for (size_t i = 0; i < at && i < text.length; i++) {
        column = text.bytes[i] == '\n' ? 1 : column + 1;
        line += text.bytes[i] == '\n';
    }
    *ret_column = column;
    return line;
}

static rc fail_at(const struct scanner *s, size_t at, struct err *err, const char *what,
                  struct str name)
{
    int column;
    const int line = line_of(s->text, at, &column);
    return err_set_at(err, RC_INVALID, s->place, line, column, "%s%.*s", what, STR_ARGS(name));
}

// Behind a tag's or expression's opening: finds `close`, stepping over quoted strings.
static rc skip_to(struct scanner *s, const char *close, size_t opened_at, struct err *err)
{
    char quote = 0;
    for (size_t i = s->at; i < s->text.length; i++) {
        const char c = s->text.bytes[i];
        if (quote != 0) {
            if (c == '\\')
                i++;
            else if (c == quote)
                quote = 0;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (looks_at(s, i, close)) {
            s->at = i + strlen(close);
            return RC_OK;
        }
    }
    return fail_at(s, opened_at, err, "no end found: wanted ", str_of(close));
}

static struct str take_word(struct scanner *s)
{
    while (s->at < s->text.length && is_space(s->text.bytes[s->at]))
        s->at++;
    const size_t start = s->at;
    while (s->at < s->text.length && is_word(s->text.bytes[s->at]))
        s->at++;
    if (start < s->text.length && s->text.bytes[start] >= '0' && s->text.bytes[start] <= '9')
        s->at = start; // a number is no name
    return str_slice(s->text, start, s->at - start);
}

// A '-' at a tag's edge takes the white space on that side into the tag.
static void widen(struct scanner *s, struct tag *tag)
{
    if (looks_at(s, tag->start, "{%-"))
        while (tag->start > s->floor && is_space(s->text.bytes[tag->start - 1]))
            tag->start--;
    if (tag->end >= 3 && s->text.bytes[tag->end - 3] == '-')
        while (tag->end < s->text.length && is_space(s->text.bytes[tag->end]))
            tag->end++;
}

static rc skip_raw(struct scanner *s, size_t opened_at, struct err *err)
{
    for (size_t i = s->at; i < s->text.length; i++) {
        if (!looks_at(s, i, "{%"))
            continue;
        struct scanner probe = *s;
        probe.at = i + 2;
        if (probe.at < s->text.length &&
            (s->text.bytes[probe.at] == '-' || s->text.bytes[probe.at] == '+'))
            probe.at++;
        if (str_is(take_word(&probe), "endraw")) {
            s->at = probe.at;
            return skip_to(s, "%}", opened_at, err);
        }
    }
    return fail_at(s, opened_at, err, "no end found: wanted ", STR("{% endraw %}"));
}

static rc read_tag(struct scanner *s, size_t start, struct tag *ret_tag, struct err *err)
{
    struct tag tag = {.start = start};
    s->at = start + 2;
    if (s->at < s->text.length && (s->text.bytes[s->at] == '-' || s->text.bytes[s->at] == '+'))
        s->at++;
    tag.type = take_word(s);
    const size_t behind_type = s->at;
    tag.name = take_word(s);
    s->at = behind_type;
    TRY(skip_to(s, "%}", start, err));
    if (str_is(tag.type, "raw"))
        TRY(skip_raw(s, start, err));
    tag.end = s->at;
    widen(s, &tag);
    s->at = s->floor = tag.end;
    *ret_tag = tag;
    return RC_OK;
}

// @return RC_EOF when no tag is left
static rc next_tag(struct scanner *s, struct tag *ret_tag, struct err *err)
{
    while (s->at < s->text.length) {
        const size_t hit = str_find_byte(str_slice(s->text, s->at, SIZE_MAX), '{');
        if (hit == SIZE_MAX || s->at + hit + 1 >= s->text.length)
            break;
        const size_t start = s->at + hit;
        const char kind = s->text.bytes[start + 1];
        if (kind == '%')
            return read_tag(s, start, ret_tag, err);
        s->at = start + 2;
        if (kind == '#') {
            const size_t end = str_find(str_slice(s->text, s->at, SIZE_MAX), STR("#}"));
            if (end == SIZE_MAX)
                return fail_at(s, start, err, "no end found: wanted ", STR("#}"));
            s->at += end + 2;
        } else if (kind == '{') {
            TRY(skip_to(s, "}}", start, err));
        } else {
            s->at = start + 1;
        }
    }
    s->at = s->text.length;
    return RC_EOF;
}

static bool is_allowed(struct str type, const char *const *allowed)
{
    for (; *allowed != NULL; allowed++)
        if (str_is(type, *allowed))
            return true;
    return false;
}

static bool ends(struct tag tag, struct tag current)
{
    return str_has_prefix(tag.type, STR("end")) &&
           str_equal(str_slice(tag.type, 3, SIZE_MAX), current.type);
}

static void push_data(struct arena *arena, block_vec *blocks, struct str text, size_t from,
                      size_t to, int line)
{
    if (from >= to)
        return;
    const struct str data = str_slice(text, from, to - from);
    *vec_push(arena, blocks) = (struct block){.contents = data, .full = data, .line = line};
}

struct control {
    struct str types[CONTROL_DEPTH_MAX];
    size_t depth;
};

static rc track_control(struct scanner *s, struct control *control, struct tag tag, struct err *err)
{
    if (str_is(tag.type, "if") || str_is(tag.type, "for")) {
        if (control->depth == CONTROL_DEPTH_MAX)
            return err_set(err, RC_LIMIT, "%s: more than %d nested if and for tags", s->place,
                           CONTROL_DEPTH_MAX);
        control->types[control->depth++] = tag.type;
    } else if (str_is(tag.type, "endif") || str_is(tag.type, "endfor")) {
        if (control->depth == 0 ||
            !str_equal(control->types[control->depth - 1], str_slice(tag.type, 3, SIZE_MAX)))
            return fail_at(s, tag.start, err, "no open tag for ", tag.type);
        control->depth--;
    }
    return RC_OK;
}

rc blocks_extract(struct arena *arena, struct str text, const char *place,
                  const char *const *allowed, block_vec *ret_blocks, struct err *err)
{
    struct scanner scanner = {.text = text, .place = place};
    struct control control = {.depth = 0};
    block_vec blocks = {0};
    struct tag current = {0}, tag;
    bool is_open = false;
    size_t done = 0;
    rc result;
    while ((result = next_tag(&scanner, &tag, err)) == RC_OK) {
        if (is_open && ends(tag, current)) {
            int column;
            const int line = line_of(text, current.start, &column);
            push_data(arena, &blocks, text, done, current.start, line);
            *vec_push(arena, &blocks) =
                (struct block){.type = current.type,
                               .name = current.name,
                               .contents = str_slice(text, current.end, tag.start - current.end),
                               .full = str_slice(text, current.start, tag.end - current.start),
                               .line = line};
            done = tag.end;
            is_open = false;
        } else if (is_allowed(tag.type, allowed)) {
            if (is_open)
                return fail_at(&scanner, tag.start, err,
                               "a block cannot stand inside another block: ", tag.name);
            if (control.depth > 0)
                return fail_at(&scanner, tag.start, err,
                               "a block cannot stand inside an if or a for: ", tag.name);
            current = tag;
            is_open = true;
        } else {
            TRY(track_control(&scanner, &control, tag, err));
        }
        if (blocks.count > BLOCKS_MAX)
            return err_set(err, RC_LIMIT, "%s: more than %d blocks", place, BLOCKS_MAX);
    }
    if (result != RC_EOF)
        return result;
    if (is_open)
        return fail_at(&scanner, current.start, err, "no end found: wanted end", current.type);
    push_data(arena, &blocks, text, done, text.length, 1);
    *ret_blocks = blocks;
    return RC_OK;
}
