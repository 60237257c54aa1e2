// PCRE2 with Python's words. The pattern is rewritten where the two languages spell a thing
// differently; everything else is left to PCRE2, which knows (?P<name>...) and look-around.

#include "base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/buf.h"
#include "base/utf8.h"

struct regex {
    pcre2_code *code;
    pcre2_match_context *limits;
    uint32_t group_count; // without group 0
};

// --- Compiling -----------------------------------------------------------------------------------

static bool is_hex(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (memchr("0123456789abcdefABCDEF", text.bytes[i], 22) == NULL)
            return false;
    return true;
}

// The escape at `at` ("\Z", "\u20ac"): writes PCRE2's word for it.
// @return bytes taken, 0 when both languages agree
static size_t translate_escape(struct str pattern, size_t at, struct buf *to)
{
    const struct str rest = str_slice(pattern, at, SIZE_MAX);
    if (rest.length < 2)
        return 0;
    if (rest.bytes[1] == 'Z') {
        buf_append_cstr(to, "\\z");
        return 2;
    }
    const size_t digits = rest.bytes[1] == 'u' ? 4 : rest.bytes[1] == 'U' ? 8 : 0;
    if (digits == 0 || rest.length < 2 + digits || !is_hex(str_slice(rest, 2, digits)))
        return 0;
    buf_printf(to, "\\x{%.*s}", (int)digits, rest.bytes + 2);
    return 2 + digits;
}

static void translate(struct str pattern, struct buf *to)
{
    for (size_t at = 0; at < pattern.length;) {
        const size_t taken = pattern.bytes[at] == '\\' ? translate_escape(pattern, at, to) : 0;
        if (taken > 0) {
            at += taken;
            continue;
        }
        const size_t length = pattern.bytes[at] == '\\' && at + 1 < pattern.length ? 2 : 1;
        buf_append(to, pattern.bytes + at, length);
        at += length;
    }
}

static void regex_free(void *object)
{
    struct regex *regex = object;
    pcre2_code_free(regex->code);
    pcre2_match_context_free(regex->limits);
}

static rc compile_error(int code, size_t offset, struct str pattern, struct err *err)
{
    char message[256];
    pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
    return err_set(err, RC_INVALID, "the pattern '%.*s' is wrong at character %zu: %s",
                   pattern.length > 100 ? 100 : (int)pattern.length, pattern.bytes, offset + 1,
                   message);
}

static uint32_t flags_of(struct regex_options options)
{
    return PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | (options.is_ascii ? 0 : PCRE2_UCP) |
           (options.ignores_case ? PCRE2_CASELESS : 0) |
           (options.is_multiline ? PCRE2_MULTILINE : 0) | (options.dot_is_all ? PCRE2_DOTALL : 0) |
           (options.is_verbose ? PCRE2_EXTENDED : 0);
}

rc regex_compile(struct arena *arena, struct str pattern, struct regex_options options,
                 const struct regex **ret_regex, struct err *err)
{
    if (pattern.length > REGEX_MAX_PATTERN_BYTES)
        return err_set(err, RC_LIMIT, "a pattern of %zu bytes is over the limit of %d",
                       pattern.length, REGEX_MAX_PATTERN_BYTES);
    struct buf translated;
    buf_init(&translated, REGEX_MAX_PATTERN_BYTES * 3);
    translate(pattern, &translated);
    int code;
    size_t offset;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)(translated.bytes != NULL ? translated.bytes : ""),
                      translated.length, flags_of(options), &code, &offset, NULL);
    buf_done(&translated);
    if (compiled == NULL)
        return compile_error(code, offset, pattern, err);

    struct regex *regex = ARENA_NEW(arena, struct regex);
    regex->code = compiled;
    regex->limits = pcre2_match_context_create(NULL);
    arena_defer(arena, regex_free, regex);
    if (regex->limits == NULL)
        return err_set(err, RC_LIMIT, "no memory for a pattern");
    pcre2_set_match_limit(regex->limits, REGEX_MATCH_LIMIT);
    pcre2_set_depth_limit(regex->limits, REGEX_DEPTH_LIMIT);
    pcre2_set_heap_limit(regex->limits, REGEX_HEAP_LIMIT_KIB);
    pcre2_pattern_info(compiled, PCRE2_INFO_CAPTURECOUNT, &regex->group_count);
    if (regex->group_count >= REGEX_MAX_GROUPS)
        return err_set(err, RC_LIMIT, "%u groups in a pattern are over the limit of %d",
                       regex->group_count, REGEX_MAX_GROUPS - 1);
    *ret_regex = regex;
    return RC_OK;
}

size_t regex_group_of(const struct regex *regex, struct str name)
{
    char terminated[64];
    if (name.length >= sizeof terminated)
        return SIZE_MAX;
    memcpy(terminated, name.bytes, name.length);
    terminated[name.length] = '\0';
    const int number = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)terminated);
    return number > 0 ? (size_t)number : SIZE_MAX;
}

// --- Matching ------------------------------------------------------------------------------------

static rc match_error(int code, struct err *err)
{
    char message[256];
    pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
    const bool is_limit = code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_DEPTHLIMIT ||
                          code == PCRE2_ERROR_HEAPLIMIT || code == PCRE2_ERROR_NOMEMORY;
    return err_set(err, is_limit ? RC_LIMIT : RC_INVALID, "matching a pattern failed: %s", message);
}

static void fill_match(struct regex_match *match, const size_t *offsets, size_t count,
                       struct str text)
{
    match->start = offsets[0];
    match->end = offsets[1];
    match->count = count;
    for (size_t i = 0; i < count; i++)
        match->groups[i] =
            offsets[2 * i] == PCRE2_UNSET
                ? (struct str){NULL, 0}
                : (struct str){text.bytes + offsets[2 * i], offsets[2 * i + 1] - offsets[2 * i]};
}

static rc run(const struct regex *regex, struct str text, size_t start, uint32_t flags,
              bool *ret_is_match, struct regex_match *ret_match, struct err *err)
{
    if (text.bytes == NULL)
        text.bytes = "";
    pcre2_match_data *data = pcre2_match_data_create(regex->group_count + 1, NULL);
    if (data == NULL)
        return err_set(err, RC_LIMIT, "no memory for matching a pattern");
    const int code = pcre2_match(regex->code, (PCRE2_SPTR)text.bytes, text.length, start, flags,
                                 data, regex->limits);
    rc result = RC_OK;
    if (code >= 0) {
        *ret_is_match = true;
        const size_t *offsets = pcre2_get_ovector_pointer(data);
        // \K in a look-ahead can put the start behind the end; such a match is none.
        if (offsets[0] > offsets[1])
            *ret_is_match = false;
        else if (ret_match != NULL)
            fill_match(ret_match, offsets, regex->group_count + 1, text);
    } else if (code == PCRE2_ERROR_NOMATCH) {
        *ret_is_match = false;
    } else {
        result = match_error(code, err);
    }
    pcre2_match_data_free(data);
    return result;
}

rc regex_search(const struct regex *regex, struct str text, size_t start, bool *ret_is_match,
                struct regex_match *ret_match, struct err *err)
{
    return run(regex, text, start, 0, ret_is_match, ret_match, err);
}

rc regex_match(const struct regex *regex, struct str text, size_t start, bool *ret_is_match,
               struct regex_match *ret_match, struct err *err)
{
    return run(regex, text, start, PCRE2_ANCHORED, ret_is_match, ret_match, err);
}

rc regex_fullmatch(const struct regex *regex, struct str text, bool *ret_is_match,
                   struct regex_match *ret_match, struct err *err)
{
    return run(regex, text, 0, PCRE2_ANCHORED | PCRE2_ENDANCHORED, ret_is_match, ret_match, err);
}

// Walks over all matches; an empty one is allowed right behind another, but not twice at a place.
struct walk {
    const struct regex *regex;
    struct str text;
    size_t at;
    bool was_empty;  // the last match was empty and ended at `at`
    bool is_checked; // the text was found to be valid UTF-8
};

static rc walk_next(struct walk *w, bool *ret_is_match, struct regex_match *ret_match,
                    struct err *err)
{
    *ret_is_match = false;
    while (w->at <= w->text.length) {
        const uint32_t flags = (w->was_empty ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0) |
                               (w->is_checked ? PCRE2_NO_UTF_CHECK : 0);
        TRY(run(w->regex, w->text, w->at, flags, ret_is_match, ret_match, err));
        w->is_checked = true;
        if (*ret_is_match) {
            w->at = ret_match->end;
            w->was_empty = ret_match->start == ret_match->end;
            return RC_OK;
        }
        if (!w->was_empty)
            return RC_OK;
        // Nothing but the empty match starts here: go on behind the next character.
        w->was_empty = false;
        w->at += w->at < w->text.length ? utf8_offset(str_slice(w->text, w->at, SIZE_MAX), 1) : 1;
    }
    return RC_OK;
}

rc regex_find_all(struct arena *arena, const struct regex *regex, struct str text, size_t max_count,
                  regex_match_vec *ret_matches, struct err *err)
{
    struct walk w = {.regex = regex, .text = text};
    regex_match_vec matches = {0};
    struct regex_match match;
    bool is_match;
    while (true) {
        TRY(walk_next(&w, &is_match, &match, err));
        if (!is_match)
            break;
        if (matches.count == max_count)
            return err_set(err, RC_LIMIT, "a pattern matches more than %zu times", max_count);
        *vec_push(arena, &matches) = match;
    }
    *ret_matches = matches;
    return RC_OK;
}

// --- Replacing and splitting ---------------------------------------------------------------------

// The group that "\1" or "\g<name>" at `at` names. @return bytes taken, 0 when it is none
static size_t group_reference(const struct regex *regex, struct str text, size_t at,
                              size_t *ret_group)
{
    const struct str rest = str_slice(text, at, SIZE_MAX);
    if (rest.length >= 2 && rest.bytes[1] >= '1' && rest.bytes[1] <= '9') {
        *ret_group = (size_t)(rest.bytes[1] - '0');
        if (rest.length == 2 || rest.bytes[2] < '0' || rest.bytes[2] > '9')
            return 2;
        *ret_group = *ret_group * 10 + (size_t)(rest.bytes[2] - '0');
        return 3;
    }
    const size_t end = str_find_byte(rest, '>');
    if (!str_has_prefix(rest, STR("\\g<")) || end == SIZE_MAX)
        return 0;
    const struct str name = str_slice(rest, 3, end - 3);
    int64_t number;
    if (str_to_int64(name, &number) && number >= 0)
        *ret_group = (size_t)number;
    else
        *ret_group = regex_group_of(regex, name);
    return end + 1;
}

static rc append_replacement(const struct regex *regex, struct str replacement,
                             const struct regex_match *match, struct buf *to, struct err *err)
{
    for (size_t at = 0; at < replacement.length;) {
        size_t group = 0;
        const char c = replacement.bytes[at];
        const size_t taken = c == '\\' ? group_reference(regex, replacement, at, &group) : 0;
        if (taken > 0) {
            if (group >= match->count)
                return err_set(err, RC_INVALID, "the replacement '%.*s' names an unknown group",
                               STR_ARGS(replacement));
            buf_append_str(to, match->groups[group]);
            at += taken;
            continue;
        }
        const char next = at + 1 < replacement.length ? replacement.bytes[at + 1] : '\0';
        static const char names[] = "nrt\\", values[] = "\n\r\t\\";
        const char *known = c == '\\' && next != '\0' ? strchr(names, next) : NULL;
        buf_append_byte(to, known != NULL ? values[known - names] : c);
        at += known != NULL ? 2 : 1;
    }
    return RC_OK;
}

enum { SUB_MAX_BYTES = 256 << 20 };

static rc sub_all(const struct regex *regex, struct str replacement, struct str text,
                  size_t max_count, struct buf *to, struct err *err)
{
    struct walk w = {.regex = regex, .text = text};
    size_t kept = 0;
    for (size_t count = 0; max_count == 0 || count < max_count; count++) {
        struct regex_match match;
        bool is_match;
        TRY(walk_next(&w, &is_match, &match, err));
        if (!is_match)
            break;
        buf_append(to, text.bytes + kept, match.start - kept);
        TRY(append_replacement(regex, replacement, &match, to, err));
        kept = match.end;
    }
    buf_append_str(to, str_slice(text, kept, SIZE_MAX));
    return buf_check(to, err, "the text after replacing");
}

rc regex_sub(struct arena *arena, const struct regex *regex, struct str replacement,
             struct str text, size_t max_count, struct str *ret_text, struct err *err)
{
    struct buf to;
    buf_init(&to, SUB_MAX_BYTES);
    const rc code = sub_all(regex, replacement, text, max_count, &to, err);
    if (code == RC_OK)
        *ret_text = arena_str(arena, buf_str(&to));
    buf_done(&to);
    return code;
}

rc regex_split(struct arena *arena, const struct regex *regex, struct str text, size_t max_count,
               str_vec *ret_parts, struct err *err)
{
    struct walk w = {.regex = regex, .text = text};
    str_vec parts = {0};
    size_t kept = 0;
    for (size_t count = 0; max_count == 0 || count < max_count; count++) {
        struct regex_match match;
        bool is_match;
        TRY(walk_next(&w, &is_match, &match, err));
        if (!is_match)
            break;
        *vec_push(arena, &parts) = str_slice(text, kept, match.start - kept);
        for (size_t group = 1; group < match.count; group++)
            *vec_push(arena, &parts) = match.groups[group];
        kept = match.end;
    }
    *vec_push(arena, &parts) = str_slice(text, kept, SIZE_MAX);
    *ret_parts = parts;
    return RC_OK;
}

struct str regex_escape(struct arena *arena, struct str text)
{
    char *to = arena_alloc(arena, text.length * 2 + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        if (c != '\0' && strchr("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", c) != NULL)
            to[length++] = '\\';
        to[length++] = c;
    }
    return (struct str){to, length};
}
