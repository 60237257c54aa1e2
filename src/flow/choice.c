#include "flow/choice.h"

#include <stdio.h>

#include "base/time.h"

enum operand_type { OPERAND_STRING, OPERAND_NUMBER, OPERAND_BOOL, OPERAND_TIMESTAMP };
enum relation { EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, MATCHES };

/// One comparison; `is_test` ones ask about the variable itself (IsNull: true).
struct comparison {
    const char *name; // without "Path"
    enum operand_type type;
    enum relation relation;
};

static const struct comparison comparisons[] = {
    {"StringEquals", OPERAND_STRING, EQUAL},
    {"StringLessThan", OPERAND_STRING, LESS},
    {"StringGreaterThan", OPERAND_STRING, GREATER},
    {"StringLessThanEquals", OPERAND_STRING, LESS_EQUAL},
    {"StringGreaterThanEquals", OPERAND_STRING, GREATER_EQUAL},
    {"StringMatches", OPERAND_STRING, MATCHES},
    {"NumericEquals", OPERAND_NUMBER, EQUAL},
    {"NumericLessThan", OPERAND_NUMBER, LESS},
    {"NumericGreaterThan", OPERAND_NUMBER, GREATER},
    {"NumericLessThanEquals", OPERAND_NUMBER, LESS_EQUAL},
    {"NumericGreaterThanEquals", OPERAND_NUMBER, GREATER_EQUAL},
    {"BooleanEquals", OPERAND_BOOL, EQUAL},
    {"TimestampEquals", OPERAND_TIMESTAMP, EQUAL},
    {"TimestampLessThan", OPERAND_TIMESTAMP, LESS},
    {"TimestampGreaterThan", OPERAND_TIMESTAMP, GREATER},
    {"TimestampLessThanEquals", OPERAND_TIMESTAMP, LESS_EQUAL},
    {"TimestampGreaterThanEquals", OPERAND_TIMESTAMP, GREATER_EQUAL},
};

static bool is_null(const struct json *v)
{
    return v->kind == JSON_NULL;
}
static bool is_string(const struct json *v)
{
    return v->kind == JSON_STRING;
}
static bool is_numeric(const struct json *v)
{
    return v->kind == JSON_NUMBER;
}
static bool is_boolean(const struct json *v)
{
    return v->kind == JSON_BOOL;
}
static bool is_timestamp(const struct json *v)
{
    return v->kind == JSON_STRING && choice_is_timestamp(v->text);
}

static const struct {
    const char *name;
    bool (*holds)(const struct json *value);
} tests[] = {{"IsNull", is_null},
             {"IsString", is_string},
             {"IsNumeric", is_numeric},
             {"IsBoolean", is_boolean},
             {"IsTimestamp", is_timestamp}};

bool choice_is_timestamp(struct str text)
{
    struct err ignored;
    int64_t us;
    return text.length >= 20 && text.bytes[10] == 'T' && str_find_byte(text, 'z') == SIZE_MAX &&
           time_parse_rfc3339(text, &us, &ignored) == RC_OK;
}

/// The comparison of a key, and whether its value is a path.
static const struct comparison *comparison_of(struct str key, bool *ret_is_path)
{
    *ret_is_path = str_has_suffix(key, STR("Path"));
    if (*ret_is_path)
        key.length -= 4;
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++)
        if (str_is(key, comparisons[i].name))
            return *ret_is_path && comparisons[i].relation == MATCHES ? NULL : &comparisons[i];
    return NULL;
}

static bool is_test(struct str key)
{
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        if (str_is(key, tests[i].name))
            return true;
    return str_is(key, "IsPresent");
}

static bool is_plain_key(struct str key)
{
    static const char *const keys[] = {"Variable", "Next", "Comment", "Assign"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (str_is(key, keys[i]))
            return true;
    return false;
}

typedef void (*report_function)(void *context, const char *message);

static void report_key(report_function report, void *context, struct str key, const char *what)
{
    char message[200];
    snprintf(message, sizeof message, "%.*s %s", (int)(key.length > 80 ? 80 : key.length),
             key.bytes, what);
    report(context, message);
}

static void check_rule(const struct json *rule, bool is_top, int depth, report_function report,
                       void *context);

static void check_list(const struct json *list, int depth, report_function report, void *context)
{
    if (list->kind != JSON_ARRAY || list->count == 0) {
        report(context, "And and Or need a list of rules that is not empty: non-empty required");
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        check_rule(&list->items[i], false, depth, report, context);
}

static void check_operand(struct str key, const struct json *value, report_function report,
                          void *context)
{
    static const enum json_kind kinds[] = {JSON_STRING, JSON_NUMBER, JSON_BOOL, JSON_STRING};
    struct err err;
    bool is_path;
    const struct comparison *comparison = comparison_of(key, &is_path);
    if (is_test(key)) {
        if (value->kind != JSON_BOOL)
            report_key(report, context, key, "must be true or false");
        return;
    }
    if (!is_path) {
        if (value->kind != kinds[comparison->type])
            report_key(report, context, key, "is compared with a value of the wrong type");
        return;
    }
    struct arena *scratch = arena_open(NULL);
    const struct path *path;
    if (value->kind != JSON_STRING || path_parse(scratch, value->text, &path, &err) != RC_OK)
        report_key(report, context, key, "must be a path");
    arena_close(scratch);
}

/// @return true for keys that are a condition
static bool check_key(const struct json_member *member, int depth, report_function report,
                      void *context)
{
    bool is_path;
    if (is_plain_key(member->key))
        return false;
    if (str_is(member->key, "And") || str_is(member->key, "Or"))
        check_list(&member->value, depth + 1, report, context);
    else if (str_is(member->key, "Not"))
        check_rule(&member->value, false, depth + 1, report, context);
    else if (is_test(member->key) || comparison_of(member->key, &is_path) != NULL)
        check_operand(member->key, &member->value, report, context);
    else
        report_key(report, context, member->key, "is no comparison of a Choice");
    return true;
}

static void check_variable(const struct json *rule, report_function report, void *context)
{
    struct err err;
    const struct json *variable = json_get(rule, STR("Variable"));
    const bool needs_variable = json_get(rule, STR("And")) == NULL &&
                                json_get(rule, STR("Or")) == NULL &&
                                json_get(rule, STR("Not")) == NULL;
    if (variable == NULL) {
        if (needs_variable)
            report(context, "a rule with a comparison needs the field \"Variable\"");
        return;
    }
    struct arena *scratch = arena_open(NULL);
    const struct path *path;
    if (path_parse(scratch, json_str(variable, STR("")), &path, &err) != RC_OK)
        report(context, "\"Variable\" must be a path");
    arena_close(scratch);
}

static void check_rule(const struct json *rule, bool is_top, int depth, report_function report,
                       void *context)
{
    if (rule->kind != JSON_OBJECT || depth > CHOICE_MAX_DEPTH) {
        report(context, "a rule of a Choice must be an object, not nested too deep");
        return;
    }
    size_t conditions = 0;
    for (size_t i = 0; i < rule->count; i++)
        conditions += check_key(&rule->members[i], depth, report, context);
    const bool has_next = json_get(rule, STR("Next")) != NULL;
    if (is_top && !has_next)
        report(context, "a rule of a Choice needs the field \"Next\"");
    if (!is_top && has_next)
        report(context, "a rule inside And, Or or Not must not have the field \"Next\"");
    if (json_get(rule, STR("Condition")) != NULL)
        return; // JSONata: reported as an unknown comparison
    if (conditions != 1)
        report(context, conditions == 0 ? "a rule of a Choice needs a comparison"
                                        : "a rule of a Choice may have only one comparison");
    check_variable(rule, report, context);
}

void choice_check(const struct json *rule, bool is_top, report_function report, void *context)
{
    check_rule(rule, is_top, 0, report, context);
}

/// "*" stands for any characters; \* and \\ are the characters themselves.
static bool matches(struct str text, struct str pattern)
{
    size_t t = 0, p = 0, star = SIZE_MAX, star_t = 0;
    while (t < text.length) {
        const bool is_star = p < pattern.length && pattern.bytes[p] == '*';
        const bool is_escaped = p + 1 < pattern.length && pattern.bytes[p] == '\\' &&
                                (pattern.bytes[p + 1] == '*' || pattern.bytes[p + 1] == '\\');
        const size_t at = p + is_escaped;
        if (is_star) {
            star = p++;
            star_t = t;
        } else if (at < pattern.length && pattern.bytes[at] == text.bytes[t]) {
            p = at + 1;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_t;
        } else {
            return false;
        }
    }
    while (p < pattern.length && pattern.bytes[p] == '*')
        p++;
    return p == pattern.length;
}

static bool holds_order(enum relation relation, int order)
{
    switch (relation) {
    case EQUAL:
        return order == 0;
    case LESS:
        return order < 0;
    case LESS_EQUAL:
        return order <= 0;
    case GREATER:
        return order > 0;
    case GREATER_EQUAL:
        return order >= 0;
    case MATCHES:
        break;
    }
    return false;
}

static bool compare_values(const struct comparison *comparison, const struct json *a,
                           const struct json *b)
{
    struct err ignored;
    double x, y;
    int64_t at, bt;
    switch (comparison->type) {
    case OPERAND_STRING:
        if (a->kind != JSON_STRING || b->kind != JSON_STRING)
            return false;
        return comparison->relation == MATCHES
                   ? matches(a->text, b->text)
                   : holds_order(comparison->relation, str_compare(a->text, b->text));
    case OPERAND_NUMBER:
        if (a->kind != JSON_NUMBER || b->kind != JSON_NUMBER || !json_to_double(a, &x) ||
            !json_to_double(b, &y))
            return false;
        return holds_order(comparison->relation, x < y ? -1 : x > y);
    case OPERAND_BOOL:
        return a->kind == JSON_BOOL && b->kind == JSON_BOOL && a->boolean == b->boolean;
    case OPERAND_TIMESTAMP:
        if (!is_timestamp(a) || !is_timestamp(b) ||
            time_parse_rfc3339(a->text, &at, &ignored) != RC_OK ||
            time_parse_rfc3339(b->text, &bt, &ignored) != RC_OK)
            return false;
        return holds_order(comparison->relation, at < bt ? -1 : at > bt);
    }
    return false;
}

/// IsPresent, IsNull, ...: whether the variable is so, compared with the wanted answer.
static rc eval_test(struct arena *arena, struct str key, const struct json *wanted,
                    struct str variable, const struct flow_scope *scope, bool *ret_holds,
                    struct err *err)
{
    struct json value;
    const rc code = path_eval(arena, variable, scope, &value, err);
    if (code != RC_OK && code != RC_NOT_FOUND)
        return code;
    if (str_is(key, "IsPresent")) {
        *ret_holds = (code == RC_OK) == wanted->boolean;
        return RC_OK;
    }
    TRY(code);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        if (str_is(key, tests[i].name))
            *ret_holds = tests[i].holds(&value) == wanted->boolean;
    return RC_OK;
}

static rc eval_comparison(struct arena *arena, const struct json_member *member,
                          struct str variable, const struct flow_scope *scope, bool *ret_holds,
                          struct err *err)
{
    bool is_path;
    if (is_test(member->key))
        return eval_test(arena, member->key, &member->value, variable, scope, ret_holds, err);
    const struct comparison *comparison = comparison_of(member->key, &is_path);
    struct json a, b = member->value;
    if (comparison == NULL)
        return err_set(err, RC_INVALID, "there is no comparison %.*s", STR_ARGS(member->key));
    TRY(path_eval(arena, variable, scope, &a, err));
    if (is_path)
        TRY(path_eval(arena, json_str(&member->value, STR("")), scope, &b, err));
    *ret_holds = compare_values(comparison, &a, &b);
    return RC_OK;
}

static rc eval_list(struct arena *arena, const struct json *list, bool is_and,
                    const struct flow_scope *scope, bool *ret_holds, struct err *err)
{
    *ret_holds = is_and;
    for (size_t i = 0; i < list->count && *ret_holds == is_and; i++)
        TRY(choice_eval(arena, &list->items[i], scope, ret_holds, err));
    return RC_OK;
}

rc choice_eval(struct arena *arena, const struct json *rule, const struct flow_scope *scope,
               bool *ret_holds, struct err *err)
{
    const struct str variable = json_str(json_get(rule, STR("Variable")), STR(""));
    for (size_t i = 0; i < rule->count; i++) {
        const struct json_member *member = &rule->members[i];
        if (is_plain_key(member->key))
            continue;
        if (str_is(member->key, "And") || str_is(member->key, "Or"))
            return eval_list(arena, &member->value, str_is(member->key, "And"), scope, ret_holds,
                             err);
        if (!str_is(member->key, "Not"))
            return eval_comparison(arena, member, variable, scope, ret_holds, err);
        TRY(choice_eval(arena, &member->value, scope, ret_holds, err));
        *ret_holds = !*ret_holds;
        return RC_OK;
    }
    return err_set(err, RC_INVALID, "a rule of the Choice has no comparison");
}
