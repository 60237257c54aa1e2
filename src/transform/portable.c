// What of DuckDB's SQL does not carry over to Trino and Athena. Layer: transform. See portable.h.
// Source: DuckDB 1.5's and Trino 476's documentation of functions and statements.

#include "transform/portable.h"

#include "base/buf.h"
#include "transform/cte.h"

enum { MAX_TOKENS_BACK = 3 };

// A word that is followed by "(".
static const struct {
    const char *name, *instead;
} functions[] = {
    {"age", "date_diff(unit, a, b)"},
    {"arg_max", "max_by(x, y)"},
    {"arg_min", "min_by(x, y)"},
    {"array_length", "cardinality(x)"},
    {"array_slice", "slice(x, start, length)"},
    {"date_part", "extract(unit from x)"},
    {"date_sub", "date_diff(unit, a, b)"},
    {"datepart", "extract(unit from x)"},
    {"datediff", "date_diff('unit', a, b), or {{ dbt.datediff(...) }}"},
    {"ends_with", "x like '%' || part"},
    {"epoch", "to_unixtime(x)"},
    {"epoch_ms", "to_unixtime(x) * 1000"},
    {"first", "arbitrary(x), or min_by(x, order)"},
    {"gen_random_uuid", "uuid()"},
    {"generate_series", "unnest(sequence(a, b)), or {{ dbt.generate_series(...) }}"},
    {"group_concat", "array_join(array_agg(x), ','), or {{ dbt.listagg(...) }}"},
    {"hash", "xxhash64(to_utf8(x)), or {{ dbt.hash(...) }}"},
    {"ifnull", "coalesce(x, y)"},
    {"instr", "strpos(text, part)"},
    {"isfinite", "is_finite(x)"},
    {"json_extract_string", "json_extract_scalar(x, path)"},
    {"last", "max_by(x, order)"},
    {"left", "substr(x, 1, n)"},
    {"len", "length(x)"},
    {"list", "array_agg(x)"},
    {"list_aggregate", "reduce(x, ...)"},
    {"list_append", "x || element, or {{ dbt.array_append(...) }}"},
    {"list_concat", "concat(a, b), or {{ dbt.array_concat(...) }}"},
    {"list_contains", "contains(x, element)"},
    {"list_distinct", "array_distinct(x)"},
    {"list_filter", "filter(x, e -> ...)"},
    {"list_slice", "slice(x, start, length)"},
    {"list_sort", "array_sort(x)"},
    {"list_sum", "reduce(x, 0, (s, e) -> s + e, s -> s)"},
    {"list_transform", "transform(x, e -> ...)"},
    {"list_unique", "cardinality(array_distinct(x))"},
    {"list_value", "array[a, b]"},
    {"make_date", "date '...', or {{ dbt.date(...) }}"},
    {"make_timestamp", "timestamp '...'"},
    {"md5", "lower(to_hex(md5(to_utf8(x)))), or {{ dbt.hash(...) }}"},
    {"median", "approx_percentile(x, 0.5)"},
    {"mode", "the first of count(*) in order"},
    {"parquet_scan", "a source(): files are no tables there"},
    {"quantile", "approx_percentile(x, p)"},
    {"quantile_cont", "approx_percentile(x, p)"},
    {"read_csv", "a seed or a source(): files are no tables there"},
    {"read_csv_auto", "a seed or a source(): files are no tables there"},
    {"read_json", "a source(): files are no tables there"},
    {"read_json_auto", "a source(): files are no tables there"},
    {"read_parquet", "a source(): files are no tables there"},
    {"regexp_full_match", "regexp_like(x, '^...$')"},
    {"regexp_matches", "regexp_like(x, pattern)"},
    {"right", "{{ dbt.right(x, n) }}"},
    {"str_split", "split(x, separator)"},
    {"strftime", "date_format(x, format)"},
    {"string_agg", "array_join(array_agg(x), ','), or {{ dbt.listagg(...) }}"},
    {"string_split", "split(x, separator)"},
    {"strptime", "date_parse(x, format)"},
    {"struct_extract", "x.field"},
    {"struct_pack", "cast(row(...) as row(name type))"},
    {"to_days", "interval 'n' day"},
    {"to_json", "json_format(cast(x as json))"},
    {"to_timestamp", "from_unixtime(x)"},
    {"today", "current_date"},
    {"trunc", "truncate(x)"},
    {"try_strptime", "try(date_parse(x, format))"},
};

// Words in a row; "(" and so on stand for themselves, # for a number.
static const struct {
    const char *words[MAX_TOKENS_BACK];
    const char *what, *instead;
} sequences[] = {
    {{"::"}, "the cast ::", "cast(x as type)"},
    {{"=="}, "the comparison ==", "="},
    {{"/", "/"}, "the integer division //", "a / b of integers, or floor(a / b)"},
    {{"-", ">>"}, "the JSON arrow ->>", "json_extract_scalar(x, path)"},
    {{"!", "~"}, "the pattern !~", "not regexp_like(x, pattern)"},
    {{"~"}, "the pattern ~", "regexp_like(x, pattern)"},
    {{"qualify"}, "QUALIFY", "row_number() in a subquery and WHERE around it"},
    {{"ilike"}, "ILIKE", "lower(x) like lower(pattern)"},
    {{"pivot"}, "PIVOT", "sum(case when ... end) per column"},
    {{"unpivot"}, "UNPIVOT", "cross join unnest(array[...], array[...])"},
    {{"asof"}, "ASOF JOIN", "a join with row_number() over what came before"},
    {{"semi", "join"}, "SEMI JOIN", "where exists (...)"},
    {{"anti", "join"}, "ANTI JOIN", "where not exists (...)"},
    {{"positional", "join"}, "POSITIONAL JOIN", "a join by row_number()"},
    {{"union", "by", "name"}, "UNION BY NAME", "the columns by name in both queries"},
    {{"all", "by", "name"}, "UNION BY NAME", "the columns by name in both queries"},
    {{"*", "exclude"}, "* EXCLUDE", "the columns by name, or {{ dbt_utils.star(...) }}"},
    {{"*", "replace"}, "* REPLACE", "the columns by name"},
    {{"by", "all"}, "GROUP BY ALL or ORDER BY ALL", "the columns by name or number"},
    {{"using", "sample"}, "USING SAMPLE", "TABLESAMPLE BERNOULLI (n)"},
    {{"limit", "#", "offset"}, "LIMIT before OFFSET", "OFFSET m LIMIT n"},
    {{"interval", "#"}, "an interval without quotes", "interval '1' day"},
    {{"interval", "("}, "a computed interval", "date_add('day', n, x), or {{ dbt.dateadd(...) }}"},
    {{"as", "text", ")"}, "the type text", "varchar, or {{ dbt.type_string() }}"},
    {{"as", "string", ")"}, "the type string", "varchar, or {{ dbt.type_string() }}"},
    {{"as", "float", ")"}, "the type float", "real or double, or {{ dbt.type_float() }}"},
    {{"as", "int8", ")"}, "the type int8", "bigint"},
    {{"as", "int4", ")"}, "the type int4", "integer"},
    {{"as", "hugeint", ")"}, "the type hugeint", "decimal(38, 0)"},
    {{"as", "ubigint", ")"}, "the type ubigint", "decimal(20, 0)"},
    {{"as", "uinteger", ")"}, "the type uinteger", "bigint"},
    {{"as", "datetime", ")"}, "the type datetime", "timestamp(6)"},
    {{"as", "timestamptz", ")"}, "the type timestamptz", "timestamp(6) with time zone"},
    {{"as", "blob", ")"}, "the type blob", "varbinary"},
    {{"as", "bytea", ")"}, "the type bytea", "varbinary"},
};

// Words that a list literal may stand behind; behind any other one "[" takes an element.
static const char *const before_list[] = {"select", "in",    "then",   "else",   "and",
                                          "or",     "on",    "when",   "values", "by",
                                          "as",     "where", "unnest", NULL};

struct token {
    struct str text; // lower case
    size_t at;
    bool is_word, is_number;
};

struct scan {
    struct arena *arena;
    struct str text;
    struct token last[MAX_TOKENS_BACK]; // the newest at the end
    portable_problem_vec *problems;
};

// ---- Jinja out of the way

static size_t end_of(struct str text, size_t at, const char *mark)
{
    const size_t found = str_find(str_slice(text, at, SIZE_MAX), str_of(mark));
    return found == SIZE_MAX ? text.length : at + found + strlen(mark);
}

static bool starts_duckdb_macro(struct str tag)
{
    struct str rest = str_trim(str_slice(tag, 2, tag.length - 4));
    while (rest.length > 0 && (rest.bytes[0] == '-' || rest.bytes[0] == '+'))
        rest = str_trim(str_slice(rest, 1, SIZE_MAX));
    if (!str_has_prefix(rest, STR("macro ")))
        return false;
    return str_has_prefix(str_trim(str_slice(rest, 6, SIZE_MAX)), STR("duckdb__"));
}

// The text with Jinja as underscores (an expression is like a word) and tags as blanks; lines stay.
static struct str without_jinja(struct arena *arena, struct str text)
{
    char *out = arena_copy(arena, text.bytes, text.length);
    for (size_t at = 0; at + 1 < text.length;) {
        const char second = text.bytes[at + 1];
        const bool is_mark =
            text.bytes[at] == '{' && (second == '{' || second == '%' || second == '#');
        if (!is_mark) {
            at++;
            continue;
        }
        size_t end = end_of(text, at + 2, second == '{' ? "}}" : second == '%' ? "%}" : "#}");
        if (second == '%' && starts_duckdb_macro(str_slice(text, at, end - at)))
            end = end_of(text, end_of(text, end, "endmacro"), "%}");
        for (; at < end; at++)
            if (out[at] != '\n')
                out[at] = second == '{' ? '_' : ' ';
    }
    return (struct str){out, text.length};
}

// ---- words

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void report(struct scan *s, size_t at, struct str what, const char *instead)
{
    int line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column = s->text.bytes[i] == '\n' ? 1 : column + 1;
        line += s->text.bytes[i] == '\n';
    }
    *vec_push(s->arena, s->problems) =
        (struct portable_problem){line, column, what, str_of(instead)};
}

static bool is_like(const struct token *token, const char *word)
{
    return str_is(STR("#"), word) ? token->is_number : str_is(token->text, word);
}

static void match_sequences(struct scan *s)
{
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        size_t count = 0;
        while (count < MAX_TOKENS_BACK && sequences[i].words[count] != NULL)
            count++;
        const struct token *first = &s->last[MAX_TOKENS_BACK - count];
        bool is_match = true;
        for (size_t k = 0; k < count && is_match; k++)
            is_match = is_like(&first[k], sequences[i].words[k]);
        // Two signs of one operator stand side by side.
        if (is_match && count == 2 && !first[0].is_word && !first[1].is_word)
            is_match = first[1].at == first[0].at + first[0].text.length;
        if (is_match)
            report(s, first->at, str_of(sequences[i].what), sequences[i].instead);
    }
}

static void match_function(struct scan *s)
{
    const struct token *name = &s->last[MAX_TOKENS_BACK - 2], *open = name + 1, *before = name - 1;
    if (!name->is_word || !str_is(open->text, "(") || str_is(before->text, "."))
        return;
    // What takes bytes there is right when bytes are what it is given.
    const struct str argument = str_trim(str_slice(s->text, open->at + 1, SIZE_MAX));
    if (str_has_prefix(argument, STR("to_utf8")))
        return;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (str_is(name->text, functions[i].name))
            report(s, name->at, arena_printf(s->arena, "the function %.*s", STR_ARGS(name->text)),
                   functions[i].instead);
}

static void match_literal(struct scan *s)
{
    const struct token *open = &s->last[MAX_TOKENS_BACK - 1], *before = open - 1;
    if (str_is(open->text, "{")) {
        report(s, open->at, STR("a struct literal {...}"), "cast(row(...) as row(name type))");
        return;
    }
    if (!str_is(open->text, "["))
        return;
    bool is_element = before->is_word || str_is(before->text, ")") || str_is(before->text, "]") ||
                      str_is(before->text, "\"");
    for (const char *const *word = before_list; *word != NULL; word++)
        is_element = is_element && !str_is(before->text, *word);
    if (!is_element)
        report(s, open->at, STR("a list literal [...]"),
               "array[...], or {{ dbt.array_construct(...) }}");
}

static void take(struct scan *s, size_t at, size_t length, bool is_word)
{
    for (size_t i = 0; i + 1 < MAX_TOKENS_BACK; i++)
        s->last[i] = s->last[i + 1];
    const struct str text = str_slice(s->text, at, length);
    const bool is_number = is_word && text.bytes[0] >= '0' && text.bytes[0] <= '9';
    s->last[MAX_TOKENS_BACK - 1] =
        (struct token){str_lower(s->arena, text), at, is_word && !is_number, is_number};
    match_sequences(s);
    match_function(s);
    match_literal(s);
}

static size_t sign_length(struct str text, size_t at)
{
    static const char *const signs[] = {"::", "==", ">>", "||", "<=", ">=", "<>", "!="};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (str_has_prefix(str_slice(text, at, 2), str_of(signs[i])))
            return 2;
    return 1;
}

void portable_find(struct arena *arena, struct str text, portable_problem_vec *problems)
{
    struct scan scan = {.arena = arena, .text = without_jinja(arena, text), .problems = problems};
    for (size_t at = 0; at < scan.text.length;) {
        const char c = scan.text.bytes[at];
        const size_t quoted = cte_skip_quoted(scan.text, at);
        if (quoted > 0) {
            if (c == '"' || c == '\'')
                take(&scan, at, 1, false);
            at += quoted;
        } else if (is_word_byte(c)) {
            size_t end = at;
            while (end < scan.text.length && is_word_byte(scan.text.bytes[end]))
                end++;
            take(&scan, at, end - at, true);
            at = end;
        } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
            at++;
        } else {
            const size_t length = sign_length(scan.text, at);
            take(&scan, at, length, false);
            at += length;
        }
    }
}
