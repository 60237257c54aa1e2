#include "transform/cte.h"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static size_t skip_until(struct str sql, size_t at, struct str end)
{
    const size_t hit = str_find(str_slice(sql, at, SIZE_MAX), end);
    return hit == SIZE_MAX ? sql.length : at + hit + end.length;
}

size_t cte_skip_quoted(struct str sql, size_t at)
{
    const char c = sql.bytes[at];
    const char next = at + 1 < sql.length ? sql.bytes[at + 1] : 0;
    if (c == '-' && next == '-')
        return skip_until(sql, at + 2, STR("\n")) - at;
    if (c == '/' && next == '*')
        return skip_until(sql, at + 2, STR("*/")) - at;
    if (c != '\'' && c != '"' && c != '`')
        return 0;
    // A doubled quote stands for itself; it is read as two strings side by side, to the same end.
    return skip_until(sql, at + 1, (struct str){&sql.bytes[at], 1}) - at;
}

struct layout {
    size_t first;       // offset of the first token
    size_t behind_with; // offset of the first token behind WITH [RECURSIVE]; SIZE_MAX without
    size_t end;         // of the first statement, its trailing white space included
    bool has_token;
};

static size_t skip_space(struct str sql, size_t at)
{
    while (at < sql.length && is_space(sql.bytes[at]))
        at++;
    return at;
}

static struct str word_at(struct str sql, size_t at)
{
    size_t end = at;
    while (end < sql.length && is_word(sql.bytes[end]))
        end++;
    return str_slice(sql, at, end - at);
}

// "timestamp with time zone", "with ordinality" and "fetch ... with ties" open no CTE list.
static bool opens_list(struct str sql, size_t behind_with)
{
    static const char *const others[] = {"time", "local", "ordinality", "ties", "no", "data"};
    const size_t at = skip_space(sql, behind_with);
    if (at < sql.length && sql.bytes[at] == '(')
        return false;
    const struct str next = word_at(sql, at);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (str_equal_ignore_case(next, str_of(others[i])))
            return false;
    return true;
}

static struct layout lay_out(struct str sql)
{
    struct layout layout = {.behind_with = SIZE_MAX, .end = sql.length};
    layout.first = skip_space(sql, 0);
    layout.has_token = layout.first < sql.length;
    int depth = 0;
    for (size_t at = layout.first; at < sql.length;) {
        const size_t quoted = cte_skip_quoted(sql, at);
        const struct str word = quoted == 0 ? word_at(sql, at) : (struct str){0};
        if (quoted > 0) {
            at += quoted;
        } else if (word.length > 0) {
            at += word.length;
            if (depth == 0 && layout.behind_with == SIZE_MAX &&
                str_equal_ignore_case(word, STR("with")) && opens_list(sql, at)) {
                const size_t next = skip_space(sql, at);
                const struct str recursive = word_at(sql, next);
                const bool is_recursive = str_equal_ignore_case(recursive, STR("recursive"));
                layout.behind_with = is_recursive ? skip_space(sql, next + recursive.length) : next;
            }
        } else {
            const char c = sql.bytes[at++];
            depth += (c == '(') - (c == ')');
            if (c == ';' && depth <= 0) {
                layout.end = skip_space(sql, at);
                break;
            }
        }
    }
    return layout;
}

rc cte_inject(struct arena *arena, struct str sql, const struct str *ctes, size_t count,
              struct str *ret_sql, struct err *err)
{
    if (count == 0) {
        *ret_sql = sql;
        return RC_OK;
    }
    const struct layout layout = lay_out(sql);
    if (!layout.has_token)
        return err_set(err, RC_INVALID,
                       "there is no SQL statement to put the CTEs of ephemeral "
                       "models in front of");
    const struct str list = str_join(arena, ctes, count, STR(", "));
    const bool has_with = layout.behind_with != SIZE_MAX;
    const size_t at = has_with ? layout.behind_with : layout.first;
    const struct str parts[] = {
        str_slice(sql, 0, at),           has_with ? STR("") : STR("with"),    list,
        has_with ? STR(", ") : STR(" "), str_slice(sql, at, layout.end - at),
    };
    *ret_sql = str_join(arena, parts, sizeof parts / sizeof *parts, STR(""));
    return RC_OK;
}
