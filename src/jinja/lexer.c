/// @file lexer.c
/// Template source to tokens, one at a time and without copies where the source can be shown.
/// Layer: jinja. Source: Jinja2 3.1.6: the order of its rules, its white space control.

#include "jinja/lexer.h"

#include <stdio.h>

#include "jinja/number.h"
#include "jinja/throw.h"

enum delimiter_kind {
    DELIMITER_BLOCK,
    DELIMITER_VARIABLE,
    DELIMITER_COMMENT,
    DELIMITER_LINE_STATEMENT,
    DELIMITER_LINE_COMMENT,
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
           (unsigned char)c >= 0x80;
}

static rc fail(const struct lexer *lexer, struct err *err, const char *format, ...)
    PRINTF_LIKE(3, 4);
static rc fail(const struct lexer *lexer, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    rc code = throw_error_v(err, "TemplateSyntaxError", format, args);
    va_end(args);
    if (err != NULL) {
        err->code = code = RC_INVALID;
        err->line = lexer->line;
        snprintf(err->place, sizeof err->place, "%.*s", STR_ARGS(lexer->name));
    }
    return RC_INVALID;
}

// ---------------------------------------------------------------- set-up

static void add_delimiter(struct lexer *lexer, struct str text, int kind)
{
    // longest first; among equals the later kind name of Jinja's sort: variable, line*, comment,
    // block
    static const int rank[] = {[DELIMITER_BLOCK] = 0,
                               [DELIMITER_COMMENT] = 1,
                               [DELIMITER_LINE_COMMENT] = 2,
                               [DELIMITER_LINE_STATEMENT] = 3,
                               [DELIMITER_VARIABLE] = 4};
    size_t at = lexer->delimiter_count++;
    for (; at > 0; at--) {
        const struct delimiter *before = &lexer->delimiters[at - 1];
        if (before->text.length > text.length ||
            (before->text.length == text.length && rank[before->kind] > rank[kind]))
            break;
        lexer->delimiters[at] = *before;
    }
    lexer->delimiters[at] = (struct delimiter){text, kind};
    lexer->first_bytes[(unsigned char)text.bytes[0]] = true;
}

/// \r\n and \r become \n. Copies only when there is one.
static struct str normalize_newlines(struct arena *arena, struct str text)
{
    if (str_find_byte(text, '\r') == SIZE_MAX)
        return text;
    char *copy = arena_alloc(arena, text.length + 1);
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '\r') {
            copy[count++] = '\n';
            if (i + 1 < text.length && text.bytes[i + 1] == '\n')
                i++;
        } else {
            copy[count++] = text.bytes[i];
        }
    }
    return (struct str){copy, count};
}

void lexer_init(struct lexer *lexer, const struct environment_options *options, struct arena *arena,
                struct str source, struct str name)
{
    *lexer = (struct lexer){
        .options = options, .arena = arena, .name = name, .line = 1, .is_line_start = true};
    source = normalize_newlines(arena, source);
    if (!options->keep_trailing_newline && str_has_suffix(source, STR("\n")))
        source.length--;
    lexer->source = source;
    add_delimiter(lexer, options->comment_start, DELIMITER_COMMENT);
    add_delimiter(lexer, options->block_start, DELIMITER_BLOCK);
    add_delimiter(lexer, options->variable_start, DELIMITER_VARIABLE);
    if (options->line_statement_prefix.length > 0)
        add_delimiter(lexer, options->line_statement_prefix, DELIMITER_LINE_STATEMENT);
    if (options->line_comment_prefix.length > 0)
        add_delimiter(lexer, options->line_comment_prefix, DELIMITER_LINE_COMMENT);
}

void lexer_start_expression(struct lexer *lexer)
{
    lexer->state = LEXER_VARIABLE;
}

// ---------------------------------------------------------------- helpers over the source

static bool has_at(const struct lexer *lexer, size_t at, struct str text)
{
    return at <= lexer->source.length && text.length <= lexer->source.length - at &&
           memcmp(lexer->source.bytes + at, text.bytes, text.length) == 0;
}

static char byte_at(const struct lexer *lexer, size_t at)
{
    return at < lexer->source.length ? lexer->source.bytes[at] : '\0';
}

static size_t skip_space(const struct lexer *lexer, size_t at)
{
    while (at < lexer->source.length && is_space(lexer->source.bytes[at]))
        at++;
    return at;
}

/// Moves on and counts lines.
static void advance_to(struct lexer *lexer, size_t at)
{
    for (const char *p = lexer->source.bytes + lexer->at, *end = lexer->source.bytes + at;
         p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        lexer->line++;
    lexer->is_line_start =
        at > lexer->at ? lexer->source.bytes[at - 1] == '\n' : lexer->is_line_start;
    lexer->at = at;
}

/// Matches the end of a tag at `at`: optional sign, end text, white space that it swallows.
/// @return offset behind it, or 0 when there is none
static size_t match_end(const struct lexer *lexer, size_t at, struct str end, bool allows_plus,
                        bool trims)
{
    if (has_at(lexer, at, end)) {
        at += end.length;
        return trims && lexer->options->trim_blocks && byte_at(lexer, at) == '\n' ? at + 1 : at;
    }
    const char sign = byte_at(lexer, at);
    if (sign == '-' && has_at(lexer, at + 1, end))
        return skip_space(lexer, at + 1 + end.length);
    if (sign == '+' && allows_plus && has_at(lexer, at + 1, end))
        return at + 1 + end.length;
    return 0;
}

// ---------------------------------------------------------------- data

struct opening {
    int kind;
    bool is_raw;
    size_t start; // of the tag, with a line prefix's white space
    size_t end;   // behind its sign
    char sign;    // '-', '+' or 0
};

static bool is_line_begin(const struct lexer *lexer, size_t at)
{
    return at == 0 || lexer->source.bytes[at - 1] == '\n';
}

/// A line statement or comment whose prefix may stand behind white space that belongs to it.
static bool match_line_prefix(const struct lexer *lexer, size_t at, const struct delimiter *d,
                              size_t *ret_end)
{
    size_t behind = at;
    if (d->kind == DELIMITER_LINE_STATEMENT) {
        if (!is_line_begin(lexer, at))
            return false;
        while (byte_at(lexer, behind) == ' ' || byte_at(lexer, behind) == '\t' ||
               byte_at(lexer, behind) == '\v')
            behind++;
    } else {
        if (!is_line_begin(lexer, at) && is_space(lexer->source.bytes[at - 1]))
            return false;
        while (behind < lexer->source.length && is_space(lexer->source.bytes[behind]) &&
               lexer->source.bytes[behind] != '\n')
            behind++;
    }
    if (!has_at(lexer, behind, d->text))
        return false;
    *ret_end = behind + d->text.length;
    return true;
}

/// `{% raw %}`: sign, white space, the word, end of block.
static bool match_raw(const struct lexer *lexer, size_t at, struct opening *ret_opening)
{
    const struct environment_options *o = lexer->options;
    if (!has_at(lexer, at, o->block_start))
        return false;
    size_t behind = at + o->block_start.length;
    char sign = byte_at(lexer, behind);
    sign = sign == '-' || sign == '+' ? sign : 0;
    behind = skip_space(lexer, behind + (sign != 0));
    if (!has_at(lexer, behind, STR("raw")))
        return false;
    behind = skip_space(lexer, behind + 3);
    const size_t end = match_end(lexer, behind, o->block_end, false, false);
    if (end == 0)
        return false;
    *ret_opening = (struct opening){
        .kind = DELIMITER_BLOCK, .is_raw = true, .start = at, .end = end, .sign = sign};
    return true;
}

static bool match_opening(const struct lexer *lexer, size_t at, struct opening *ret_opening)
{
    if (match_raw(lexer, at, ret_opening))
        return true;
    for (size_t i = 0; i < lexer->delimiter_count; i++) {
        const struct delimiter *d = &lexer->delimiters[i];
        size_t end;
        if (d->kind >= DELIMITER_LINE_STATEMENT) {
            if (!match_line_prefix(lexer, at, d, &end))
                continue;
        } else {
            if (!has_at(lexer, at, d->text))
                continue;
            end = at + d->text.length;
        }
        const char sign = byte_at(lexer, end);
        const bool has_sign = sign == '-' || sign == '+';
        *ret_opening = (struct opening){
            .kind = d->kind, .start = at, .end = end + has_sign, .sign = has_sign ? sign : (char)0};
        return true;
    }
    return false;
}

static bool find_opening(const struct lexer *lexer, struct opening *ret_opening)
{
    const bool has_line_prefix = lexer->delimiter_count > 3;
    const bool is_all_braces = !has_line_prefix && lexer->options->block_start.bytes[0] == '{' &&
                               lexer->options->variable_start.bytes[0] == '{' &&
                               lexer->options->comment_start.bytes[0] == '{';
    for (size_t at = lexer->at; at < lexer->source.length; at++) {
        if (is_all_braces) {
            const char *hit = memchr(lexer->source.bytes + at, '{', lexer->source.length - at);
            if (hit == NULL)
                return false;
            at = (size_t)(hit - lexer->source.bytes);
        } else if (!has_line_prefix &&
                   !lexer->first_bytes[(unsigned char)lexer->source.bytes[at]]) {
            continue;
        }
        if (match_opening(lexer, at, ret_opening))
            return true;
    }
    return false;
}

/// Cuts white space off the data before a tag: all of it for "-", the line's for lstrip_blocks.
static struct str strip_before(const struct lexer *lexer, struct str data,
                               const struct opening *opening, bool was_line_start)
{
    if (opening->sign == '-') {
        while (data.length > 0 && is_space(data.bytes[data.length - 1]))
            data.length--;
        return data;
    }
    if (opening->sign == '+' || !lexer->options->lstrip_blocks ||
        opening->kind == DELIMITER_VARIABLE)
        return data;
    size_t line = data.length;
    while (line > 0 && data.bytes[line - 1] != '\n')
        line--;
    if (line == 0 && !was_line_start)
        return data;
    for (size_t i = line; i < data.length; i++)
        if (!is_space(data.bytes[i]))
            return data;
    if (line < data.length)
        data.length = line;
    return data;
}

static rc skip_comment(struct lexer *lexer, struct err *err)
{
    const struct str end = lexer->options->comment_end;
    for (size_t at = lexer->at; at < lexer->source.length; at++) {
        const size_t behind = match_end(lexer, at, end, true, true);
        if (behind != 0) {
            advance_to(lexer, behind);
            return RC_OK;
        }
    }
    return fail(lexer, err, "Missing end of comment tag");
}

static void skip_line_comment(struct lexer *lexer)
{
    size_t at = lexer->at;
    while (at < lexer->source.length && lexer->source.bytes[at] != '\n')
        at++;
    advance_to(lexer, at);
}

/// Everything up to `{% endraw %}`, as data.
static rc lex_raw(struct lexer *lexer, struct token *ret_token, struct err *err)
{
    const struct environment_options *o = lexer->options;
    for (size_t at = lexer->at; at < lexer->source.length; at++) {
        if (!has_at(lexer, at, o->block_start))
            continue;
        size_t behind = at + o->block_start.length;
        char sign = byte_at(lexer, behind);
        sign = sign == '-' || sign == '+' ? sign : 0;
        behind = skip_space(lexer, behind + (sign != 0));
        if (!has_at(lexer, behind, STR("endraw")))
            continue;
        behind = match_end(lexer, skip_space(lexer, behind + 6), o->block_end, true, true);
        if (behind == 0)
            continue;
        const struct opening end = {.kind = DELIMITER_BLOCK, .sign = sign};
        const struct str data = {lexer->source.bytes + lexer->at, at - lexer->at};
        *ret_token = (struct token){.type = TOKEN_DATA,
                                    .line = lexer->line,
                                    .text = strip_before(lexer, data, &end, lexer->is_line_start),
                                    .start = lexer->at,
                                    .end = at};
        advance_to(lexer, behind);
        lexer->state = LEXER_DATA;
        return RC_OK;
    }
    return fail(lexer, err, "Missing end of raw directive");
}

/// Enters the state that an opening leads to. @return false when it was a comment, already skipped
static rc enter(struct lexer *lexer, const struct opening *opening, bool *ret_has_token,
                struct token *ret_token, struct err *err)
{
    *ret_has_token = false;
    const int line = lexer->line;
    advance_to(lexer, opening->end);
    if (opening->is_raw) {
        lexer->state = LEXER_RAW;
        return RC_OK;
    }
    *ret_token = (struct token){
        .line = line, .start = opening->start, .end = opening->end, .type = TOKEN_BLOCK_BEGIN};
    switch (opening->kind) {
    case DELIMITER_COMMENT:
        return skip_comment(lexer, err);
    case DELIMITER_LINE_COMMENT:
        skip_line_comment(lexer);
        return RC_OK;
    case DELIMITER_VARIABLE:
        ret_token->type = TOKEN_VARIABLE_BEGIN;
        lexer->state = LEXER_VARIABLE;
        break;
    case DELIMITER_LINE_STATEMENT:
        lexer->state = LEXER_LINE_STATEMENT;
        break;
    default:
        lexer->state = LEXER_BLOCK;
        break;
    }
    lexer->bracket_count = 0;
    *ret_has_token = true;
    return RC_OK;
}

static rc lex_data(struct lexer *lexer, struct token *ret_token, bool *ret_has_token,
                   struct err *err)
{
    struct opening opening;
    *ret_has_token = true;
    if (lexer->at >= lexer->source.length) {
        *ret_token = (struct token){
            .type = TOKEN_EOF, .line = lexer->line, .start = lexer->at, .end = lexer->at};
        return RC_OK;
    }
    const int line = lexer->line;
    const size_t start = lexer->at;
    if (!find_opening(lexer, &opening)) {
        advance_to(lexer, lexer->source.length);
        *ret_token = (struct token){.type = TOKEN_DATA,
                                    .line = line,
                                    .text = str_slice(lexer->source, start, SIZE_MAX),
                                    .start = start,
                                    .end = lexer->at};
        return RC_OK;
    }
    if (opening.start > start) {
        // line_starting of Jinja is about the whole match (data and tag): data may be cut at its
        // own newline or where the previous match ended with one
        const struct str data =
            strip_before(lexer, str_slice(lexer->source, start, opening.start - start), &opening,
                         lexer->is_line_start);
        advance_to(lexer, opening.start);
        if (data.length > 0) {
            *ret_token = (struct token){
                .type = TOKEN_DATA, .line = line, .text = data, .start = start, .end = lexer->at};
            return RC_OK;
        }
    }
    return enter(lexer, &opening, ret_has_token, ret_token, err);
}

// ---------------------------------------------------------------- inside tags

static const struct {
    char text[3];
    enum token_type type;
} operators[] = {
    {"//", TOKEN_FLOOR_DIV}, {"**", TOKEN_POW},      {"==", TOKEN_EQ},    {"!=", TOKEN_NE},
    {">=", TOKEN_GE},        {"<=", TOKEN_LE},       {"+", TOKEN_ADD},    {"-", TOKEN_SUB},
    {"/", TOKEN_DIV},        {"*", TOKEN_MUL},       {"%", TOKEN_MOD},    {"~", TOKEN_TILDE},
    {"[", TOKEN_LBRACKET},   {"]", TOKEN_RBRACKET},  {"(", TOKEN_LPAREN}, {")", TOKEN_RPAREN},
    {"{", TOKEN_LBRACE},     {"}", TOKEN_RBRACE},    {">", TOKEN_GT},     {"<", TOKEN_LT},
    {"=", TOKEN_ASSIGN},     {".", TOKEN_DOT},       {":", TOKEN_COLON},  {"|", TOKEN_PIPE},
    {",", TOKEN_COMMA},      {";", TOKEN_SEMICOLON},
};

/// `(\d+_)*\d+`. @pre a digit is at `at`. @return offset behind it
static size_t skip_digits(const struct lexer *lexer, size_t at)
{
    while (is_digit(byte_at(lexer, at)) ||
           (byte_at(lexer, at) == '_' && is_digit(lexer->source.bytes[at - 1]) &&
            is_digit(byte_at(lexer, at + 1))))
        at++;
    return at;
}

static size_t match_float(const struct lexer *lexer)
{
    if (!is_digit(byte_at(lexer, lexer->at)) ||
        (lexer->at > 0 && lexer->source.bytes[lexer->at - 1] == '.'))
        return 0;
    size_t at = skip_digits(lexer, lexer->at);
    bool is_float = false;
    if (byte_at(lexer, at) == '.' && is_digit(byte_at(lexer, at + 1))) {
        at = skip_digits(lexer, at + 1);
        is_float = true;
    }
    if ((byte_at(lexer, at) | 0x20) == 'e') {
        size_t exponent = at + 1;
        if (byte_at(lexer, exponent) == '+' || byte_at(lexer, exponent) == '-')
            exponent++;
        if (is_digit(byte_at(lexer, exponent))) {
            at = skip_digits(lexer, exponent);
            is_float = true;
        }
    }
    return is_float ? at : 0;
}

static bool is_digit_of(char c, unsigned base)
{
    if (base == 16 && ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
        return true;
    return c >= '0' && c < (char)('0' + (base < 10 ? base : 10));
}

/// `(_?DIGIT)*`
static size_t skip_based_digits(const struct lexer *lexer, size_t at, unsigned base)
{
    for (;;) {
        const size_t digit = byte_at(lexer, at) == '_' ? at + 1 : at;
        if (!is_digit_of(byte_at(lexer, digit), base))
            return at;
        at = digit + 1;
    }
}

static size_t match_integer(const struct lexer *lexer)
{
    const char first = byte_at(lexer, lexer->at);
    if (!is_digit(first))
        return 0;
    if (first == '0') {
        const char letter = (char)(byte_at(lexer, lexer->at + 1) | 0x20);
        const unsigned base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
        if (base != 0) {
            const size_t end = skip_based_digits(lexer, lexer->at + 2, base);
            if (end > lexer->at + 2)
                return end;
        }
        size_t at = lexer->at + 1;
        for (;;) {
            const size_t digit = byte_at(lexer, at) == '_' ? at + 1 : at;
            if (byte_at(lexer, digit) != '0')
                return at;
            at = digit + 1;
        }
    }
    return skip_based_digits(lexer, lexer->at + 1, 10);
}

static size_t match_string(const struct lexer *lexer)
{
    const char quote = byte_at(lexer, lexer->at);
    if (quote != '\'' && quote != '"')
        return 0;
    for (size_t at = lexer->at + 1; at < lexer->source.length; at++) {
        if (lexer->source.bytes[at] == '\\')
            at++;
        else if (lexer->source.bytes[at] == quote)
            return at + 1;
    }
    return 0;
}

static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xC0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xE0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3F));
        to[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3F));
    to[2] = (char)(0x80 | (c >> 6 & 0x3F));
    to[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// `\xHH`, `\uHHHH`, `\UHHHHHHHH`. @return digits used, 0 when they are wrong
static size_t hex_escape(struct str raw, size_t at, size_t digits, uint32_t *ret_code)
{
    uint32_t code = 0;
    for (size_t i = 0; i < digits; i++) {
        const int value = at + i < raw.length ? hex_value(raw.bytes[at + i]) : -1;
        if (value < 0)
            return 0;
        code = code << 4 | (uint32_t)value;
    }
    if (code > 0x10FFFF)
        return 0;
    *ret_code = code >= 0xD800 && code < 0xE000 ? 0xFFFD : code; // no lone surrogates in UTF-8
    return digits;
}

/// Python's unicode-escape. Without a backslash the source itself is the text.
static rc decode_string(struct lexer *lexer, struct str raw, struct str *ret_text, struct err *err)
{
    if (str_find_byte(raw, '\\') == SIZE_MAX) {
        *ret_text = raw;
        return RC_OK;
    }
    static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
    char *text = arena_alloc(lexer->arena, raw.length + 1);
    size_t count = 0;
    for (size_t i = 0; i < raw.length; i++) {
        if (raw.bytes[i] != '\\' || i + 1 == raw.length) {
            text[count++] = raw.bytes[i];
            continue;
        }
        const char c = raw.bytes[++i];
        const char *simple = c != '\0' ? strchr(from, c) : NULL;
        const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        uint32_t code = 0;
        if (simple != NULL) {
            text[count++] = to[simple - from];
        } else if (c == '\n') {
            continue;
        } else if (digits > 0) {
            if (hex_escape(raw, i + 1, digits, &code) == 0)
                return fail(lexer, err, "truncated \\%cXX escape", c);
            count += put_utf8(text + count, code);
            i += digits;
        } else if (c >= '0' && c <= '7') {
            for (size_t n = 0;
                 n < 3 && i < raw.length && raw.bytes[i] >= '0' && raw.bytes[i] <= '7'; n++, i++)
                code = code * 8 + (uint32_t)(raw.bytes[i] - '0');
            i--;
            count += put_utf8(text + count, code);
        } else {
            text[count++] = '\\';
            text[count++] = c;
        }
    }
    *ret_text = (struct str){text, count};
    return RC_OK;
}

static struct str without_underscores(struct arena *arena, struct str text)
{
    return str_replace(arena, text, STR("_"), STR(""));
}

static rc balance(struct lexer *lexer, char c, struct err *err)
{
    if (c == '(' || c == '[' || c == '{') {
        if (lexer->bracket_count == LEXER_MAX_NESTING)
            return err_set_at(err, RC_LIMIT, "", lexer->line, 0, "brackets nest over %d deep",
                              LEXER_MAX_NESTING);
        lexer->brackets[lexer->bracket_count++] = c == '(' ? ')' : c == '[' ? ']' : '}';
        return RC_OK;
    }
    if (c != ')' && c != ']' && c != '}')
        return RC_OK;
    if (lexer->bracket_count == 0)
        return fail(lexer, err, "unexpected '%c'", c);
    const char expected = lexer->brackets[--lexer->bracket_count];
    return expected == c ? RC_OK : fail(lexer, err, "unexpected '%c', expected '%c'", c, expected);
}

static rc lex_operator(struct lexer *lexer, struct token *ret_token, struct err *err)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        const struct str text = str_of(operators[i].text);
        if (!has_at(lexer, lexer->at, text))
            continue;
        TRY(balance(lexer, operators[i].text[0], err));
        *ret_token = (struct token){.type = operators[i].type,
                                    .line = lexer->line,
                                    .text = text,
                                    .start = lexer->at,
                                    .end = lexer->at + text.length};
        advance_to(lexer, ret_token->end);
        return RC_OK;
    }
    size_t width = 1;
    while (width < 4 && (byte_at(lexer, lexer->at + width) & 0xC0) == 0x80)
        width++;
    const char quote = lexer->source.bytes[lexer->at] == '\'' ? '"' : '\'';
    return fail(lexer, err, "unexpected char %c%.*s%c at %zu", quote, (int)width,
                lexer->source.bytes + lexer->at, quote, lexer->at);
}

/// The end of the tag, when no bracket is open. @return offset behind it, or 0
static size_t match_tag_end(const struct lexer *lexer)
{
    switch (lexer->state) {
    case LEXER_BLOCK:
        return match_end(lexer, lexer->at, lexer->options->block_end, true, true);
    case LEXER_VARIABLE:
        return match_end(lexer, lexer->at, lexer->options->variable_end, false, false);
    default: {
        // white space up to and with the line's end
        size_t at = lexer->at;
        size_t behind = 0;
        while (at < lexer->source.length && is_space(lexer->source.bytes[at])) {
            if (lexer->source.bytes[at] == '\n')
                behind = at + 1;
            at++;
        }
        return at >= lexer->source.length ? at + (behind == 0 && at == lexer->at) : behind;
    }
    }
}

static rc lex_tag(struct lexer *lexer, struct token *ret_token, struct err *err)
{
    if (lexer->bracket_count == 0) {
        size_t end = match_tag_end(lexer);
        if (end != 0) {
            if (end > lexer->source.length)
                end = lexer->source.length;
            *ret_token = (struct token){.type = lexer->state == LEXER_VARIABLE ? TOKEN_VARIABLE_END
                                                                               : TOKEN_BLOCK_END,
                                        .line = lexer->line,
                                        .text = STR("end"),
                                        .start = lexer->at,
                                        .end = end};
            advance_to(lexer, end);
            lexer->state = LEXER_DATA;
            return RC_OK;
        }
    }
    const size_t start = lexer->at;
    const int line = lexer->line;
    size_t end;
    if (start >= lexer->source.length) {
        *ret_token = (struct token){.type = TOKEN_EOF, .line = line, .start = start, .end = start};
        return RC_OK;
    }
    if (is_space(lexer->source.bytes[start])) {
        advance_to(lexer,
                   lexer->state == LEXER_LINE_STATEMENT ? start + 1 : skip_space(lexer, start));
        return lex_tag(lexer, ret_token, err);
    }
    *ret_token = (struct token){.line = line, .start = start};
    struct str raw;
    if ((end = match_float(lexer)) != 0) {
        double number = 0;
        raw = without_underscores(lexer->arena, str_slice(lexer->source, start, end - start));
        ret_token->type = TOKEN_FLOAT;
        if (!number_parse_float(raw, &number))
            return fail(lexer, err, "number '%.*s' is too long", STR_ARGS(raw));
        ret_token->value = value_float(number);
    } else if ((end = match_integer(lexer)) != 0) {
        raw = str_slice(lexer->source, start, end - start);
        ret_token->type = TOKEN_INTEGER;
        if (!number_parse_int(lexer->arena, raw, 0, &ret_token->value))
            return fail(lexer, err, "number '%.*s' is too long", STR_ARGS(raw));
    } else if (is_name_byte(lexer->source.bytes[start])) {
        for (end = start + 1; end < lexer->source.length && is_name_byte(lexer->source.bytes[end]);)
            end++;
        raw = str_slice(lexer->source, start, end - start);
        ret_token->type = TOKEN_NAME;
    } else if ((end = match_string(lexer)) != 0) {
        TRY(decode_string(lexer, str_slice(lexer->source, start + 1, end - start - 2), &raw, err));
        ret_token->type = TOKEN_STRING;
    } else {
        return lex_operator(lexer, ret_token, err);
    }
    ret_token->text = raw;
    ret_token->end = end;
    advance_to(lexer, end);
    return RC_OK;
}

rc lexer_next(struct lexer *lexer, struct token *ret_token, struct err *err)
{
    for (;;) {
        if (lexer->state == LEXER_RAW) {
            TRY(lex_raw(lexer, ret_token, err));
            if (ret_token->text.length > 0)
                return RC_OK;
            continue;
        }
        if (lexer->state != LEXER_DATA)
            return lex_tag(lexer, ret_token, err);
        bool has_token;
        TRY(lex_data(lexer, ret_token, &has_token, err));
        if (has_token)
            return RC_OK;
    }
}

const char *token_type_words(enum token_type type)
{
    static const char *const words[] = {
        [TOKEN_EOF] = "end of template",
        [TOKEN_DATA] = "template data / text",
        [TOKEN_VARIABLE_BEGIN] = "begin of print statement",
        [TOKEN_VARIABLE_END] = "end of print statement",
        [TOKEN_BLOCK_BEGIN] = "begin of statement block",
        [TOKEN_BLOCK_END] = "end of statement block",
        [TOKEN_NAME] = "name",
        [TOKEN_STRING] = "string",
        [TOKEN_INTEGER] = "integer",
        [TOKEN_FLOAT] = "float",
    };
    if (type <= TOKEN_FLOAT)
        return words[type];
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (operators[i].type == type)
            return operators[i].text;
    return "?";
}
