#include "cli/travel.h"

#include "base/buf.h"
#include "base/vec.h"
#include "cli/inspect.h"
#include "duck/duck.h"

enum token_kind { TOKEN_WORD, TOKEN_QUOTED, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_MARK };

struct token {
    enum token_kind kind;
    struct str text;   // as written
    size_t start, end; // offsets
};
VEC_TYPE(token_vec, struct token);

static bool is_word_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '$' || (byte & 0x80) != 0;
}

/// End of a text in quotes, the doubled quote stays inside.
static size_t quoted_end(struct str sql, size_t at)
{
    const char mark = sql.bytes[at];
    for (at++; at < sql.length; at++) {
        if (sql.bytes[at] != mark)
            continue;
        if (at + 1 < sql.length && sql.bytes[at + 1] == mark)
            at++;
        else
            return at + 1;
    }
    return sql.length;
}

static size_t comment_end(struct str sql, size_t at)
{
    const struct str rest = str_slice(sql, at, SIZE_MAX);
    if (str_has_prefix(rest, STR("--"))) {
        const size_t end = str_find_byte(rest, '\n');
        return end == SIZE_MAX ? sql.length : at + end + 1;
    }
    const size_t end = str_find(rest, STR("*/"));
    return end == SIZE_MAX ? sql.length : at + end + 2;
}

/// $$text$$ or $tag$text$tag$. @return `at` when it is none
static size_t dollar_end(struct str sql, size_t at)
{
    size_t end = at + 1;
    while (end < sql.length && sql.bytes[end] != '$' && is_word_byte(sql.bytes[end]))
        end++;
    if (end >= sql.length || sql.bytes[end] != '$')
        return at;
    const struct str tag = str_slice(sql, at, end + 1 - at);
    const size_t close = str_find(str_slice(sql, end + 1, SIZE_MAX), tag);
    return close == SIZE_MAX ? sql.length : end + 1 + close + tag.length;
}

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static token_vec tokenize(struct arena *arena, struct str sql)
{
    token_vec tokens = {0};
    for (size_t at = 0; at < sql.length;) {
        const char byte = sql.bytes[at];
        const struct str two = str_slice(sql, at, 2);
        size_t end = at + 1;
        enum token_kind kind = TOKEN_MARK;
        if (is_blank(byte)) {
            at++;
            continue;
        }
        if (str_equal(two, STR("--")) || str_equal(two, STR("/*"))) {
            at = comment_end(sql, at);
            continue;
        }
        if (byte == '"' || byte == '\'') {
            kind = byte == '"' ? TOKEN_QUOTED : TOKEN_TEXT;
            end = quoted_end(sql, at);
        } else if (byte == '$' && dollar_end(sql, at) > at) {
            kind = TOKEN_TEXT;
            end = dollar_end(sql, at);
        } else if (is_word_byte(byte)) {
            kind = byte >= '0' && byte <= '9' ? TOKEN_NUMBER : TOKEN_WORD;
            while (end < sql.length && is_word_byte(sql.bytes[end]))
                end++;
        } else if (str_equal(two, STR("=>"))) {
            end = at + 2;
        }
        *vec_push(arena, &tokens) = (struct token){kind, str_slice(sql, at, end - at), at, end};
        at = end;
    }
    return tokens;
}

static bool is_word(const token_vec *tokens, size_t at, const char *word)
{
    return at < tokens->count && tokens->items[at].kind == TOKEN_WORD &&
           str_equal_ignore_case(tokens->items[at].text, str_of(word));
}

static bool is_mark(const token_vec *tokens, size_t at, const char *mark)
{
    return at < tokens->count && tokens->items[at].kind == TOKEN_MARK &&
           str_is(tokens->items[at].text, mark);
}

static bool is_name(const token_vec *tokens, size_t at)
{
    return at < tokens->count &&
           (tokens->items[at].kind == TOKEN_WORD || tokens->items[at].kind == TOKEN_QUOTED);
}

static struct str unquote(struct arena *arena, struct token token)
{
    if (token.kind != TOKEN_QUOTED && token.kind != TOKEN_TEXT)
        return token.text;
    const struct str inner =
        str_slice(token.text, 1, token.text.length >= 2 ? token.text.length - 2 : 0);
    return token.kind == TOKEN_QUOTED ? str_replace(arena, inner, STR("\"\""), STR("\""))
                                      : str_replace(arena, inner, STR("''"), STR("'"));
}

/// Words behind a table that are no alias.
static bool is_clause_word(struct str word)
{
    static const char *const words[] = {
        "where",      "group",     "order",  "limit",       "join",    "left",  "right",
        "inner",      "full",      "cross",  "natural",     "on",      "using", "union",
        "except",     "intersect", "having", "window",      "qualify", "asof",  "semi",
        "anti",       "offset",    "fetch",  "tablesample", "sample",  "pivot", "unpivot",
        "positional", "select",    "for",    "at",          "lateral"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_equal_ignore_case(word, str_of(words[i])))
            return true;
    return false;
}

static bool has_alias(const token_vec *tokens, size_t at)
{
    if (is_word(tokens, at, "as"))
        return true;
    return is_name(tokens, at) &&
           !(tokens->items[at].kind == TOKEN_WORD && is_clause_word(tokens->items[at].text));
}

/// What stands behind a table's name.
struct clause {
    enum travel_kind kind;
    struct str at;
    size_t end; // token behind it
};

static rc not_understood(const token_vec *tokens, size_t at, struct str sql, struct err *err)
{
    const size_t start = at < tokens->count ? tokens->items[at].start : sql.length;
    err_set(err, RC_INVALID, "the time travel clause is not understood near \"%.*s\"",
            STR_ARGS(str_slice(sql, start, 40)));
    return err_hint(err,
                    "write FOR VERSION AS OF 4213 or FOR TIMESTAMP AS OF '2020-05-31T00:00:00Z'");
}

static bool is_version(const token_vec *tokens, size_t at)
{
    return is_word(tokens, at, "version") || is_word(tokens, at, "system_version");
}

static bool is_timestamp(const token_vec *tokens, size_t at)
{
    return is_word(tokens, at, "timestamp") || is_word(tokens, at, "system_time");
}

/// FOR VERSION AS OF x | VERSION AS OF x | AT (VERSION => x). kind NONE when there is none.
static rc read_clause(struct arena *arena, const token_vec *tokens, size_t at, struct str sql,
                      struct clause *ret_clause, struct err *err)
{
    *ret_clause = (struct clause){.end = at};
    bool is_at = false;
    if (is_word(tokens, at, "at") && is_mark(tokens, at + 1, "(")) {
        is_at = true;
        at += 2;
    } else if (is_word(tokens, at, "for") &&
               (is_version(tokens, at + 1) || is_timestamp(tokens, at + 1))) {
        at++;
    }
    if (!is_version(tokens, at) && !is_timestamp(tokens, at))
        return RC_OK;
    const enum travel_kind kind = is_version(tokens, at) ? TRAVEL_VERSION : TRAVEL_TIMESTAMP;
    at++;
    if (is_at ? is_mark(tokens, at, "=>")
              : is_word(tokens, at, "as") && is_word(tokens, at + 1, "of"))
        at += is_at ? 1 : 2;
    else if (is_at || is_word(tokens, at - 2, "for"))
        return not_understood(tokens, at, sql, err);
    else
        return RC_OK; // a table with the alias "version"
    if (kind == TRAVEL_TIMESTAMP && is_timestamp(tokens, at))
        at++; // TIMESTAMP '2020-05-31'
    if (at >= tokens->count ||
        (tokens->items[at].kind != TOKEN_TEXT && tokens->items[at].kind != TOKEN_NUMBER))
        return not_understood(tokens, at, sql, err);
    const struct str value = unquote(arena, tokens->items[at++]);
    if (is_at && !is_mark(tokens, at++, ")"))
        return not_understood(tokens, at - 1, sql, err);
    *ret_clause = (struct clause){kind, value, at};
    return RC_OK;
}

/// A chain of names "a.b.c". @return token behind it
static size_t read_chain(struct arena *arena, const token_vec *tokens, size_t at, str_vec *parts)
{
    *vec_push(arena, parts) = unquote(arena, tokens->items[at++]);
    while (is_mark(tokens, at, ".") && is_name(tokens, at + 1)) {
        *vec_push(arena, parts) = unquote(arena, tokens->items[at + 1]);
        at += 2;
    }
    return at;
}

static void append_name(struct buf *to, struct arena *arena, const str_vec *parts, bool is_metadata,
                        const struct clause *clause)
{
    const size_t last = parts->count - (is_metadata ? 2 : 1);
    for (size_t i = 0; i < last; i++) {
        buf_append_str(to, duck_quote_identifier(arena, parts->items[i]));
        buf_append_byte(to, '.');
    }
    struct str name = parts->items[last];
    if (is_metadata)
        name = arena_printf(arena, "%.*s$%.*s", STR_ARGS(name),
                            STR_ARGS(parts->items[parts->count - 1]));
    if (clause->kind != TRAVEL_NONE)
        name = arena_printf(arena, "%.*s@%s=%.*s", STR_ARGS(name),
                            clause->kind == TRAVEL_VERSION ? "version" : "timestamp",
                            STR_ARGS(clause->at));
    buf_append_str(to, duck_quote_identifier(arena, name));
}

rc travel_rewrite(struct arena *arena, struct str sql, struct str *ret_sql, struct err *err)
{
    if (sql.length > TRAVEL_MAX_SQL_BYTES)
        return err_set(err, RC_LIMIT, "the query has more than %d bytes", TRAVEL_MAX_SQL_BYTES);
    const token_vec tokens = tokenize(arena, sql);
    struct buf to;
    buf_init(&to, TRAVEL_MAX_SQL_BYTES * 2);
    size_t copied = 0;
    rc result = RC_OK;
    for (size_t at = 0; at < tokens.count && result == RC_OK;) {
        const bool is_table = is_word(&tokens, at, "from") || is_word(&tokens, at, "join") ||
                              is_mark(&tokens, at, ",");
        const bool is_list = is_mark(&tokens, at, ",");
        at++;
        if (!is_table || !is_name(&tokens, at))
            continue;
        str_vec parts = {0};
        const size_t start = tokens.items[at].start;
        const size_t behind = read_chain(arena, &tokens, at, &parts);
        struct clause clause;
        result = read_clause(arena, &tokens, behind, sql, &clause, err);
        // Behind a comma a chain of three may be a column, so only FROM and JOIN begin one.
        const bool is_metadata =
            !is_list && parts.count >= 3 && inspect_has(parts.items[parts.count - 1]);
        if (result != RC_OK || (clause.kind == TRAVEL_NONE && !is_metadata))
            continue;
        buf_append_str(&to, str_slice(sql, copied, start - copied));
        append_name(&to, arena, &parts, is_metadata, &clause);
        if (!has_alias(&tokens, clause.end))
            buf_printf(&to, " AS %.*s",
                       STR_ARGS(duck_quote_identifier(arena, parts.items[parts.count - 1])));
        copied = tokens.items[clause.end - 1].end;
        at = clause.end;
    }
    buf_append_str(&to, str_slice(sql, copied, SIZE_MAX));
    if (result == RC_OK)
        result = buf_check(&to, err, "the query");
    if (result == RC_OK)
        *ret_sql = arena_str(arena, buf_str(&to));
    buf_done(&to);
    return result;
}

struct travel_name travel_split(struct str name)
{
    struct travel_name parts = {.table = name, .metadata = STR("")};
    const size_t version = str_find(name, STR("@version="));
    const size_t timestamp = str_find(name, STR("@timestamp="));
    const size_t at = version != SIZE_MAX ? version : timestamp;
    if (at != SIZE_MAX) {
        parts.kind = version != SIZE_MAX ? TRAVEL_VERSION : TRAVEL_TIMESTAMP;
        parts.at = str_slice(name, at + (version != SIZE_MAX ? 9 : 11), SIZE_MAX);
        parts.table = str_slice(name, 0, at);
    }
    const size_t dollar = str_find_last_byte(parts.table, '$');
    if (dollar != SIZE_MAX && inspect_has(str_slice(parts.table, dollar + 1, SIZE_MAX))) {
        parts.metadata = str_slice(parts.table, dollar + 1, SIZE_MAX);
        parts.table = str_slice(parts.table, 0, dollar);
    }
    return parts;
}
