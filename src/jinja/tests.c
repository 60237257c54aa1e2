/// @file tests.c
/// The tests behind `is`. Layer: jinja. Source: Jinja2 3.1.6.

#include "base/utf8.h"
#include "jinja/filters.h"
#include "jinja/throw.h"

/// A question about one value.
#define QUESTION(name, words, condition)                                                           \
    FILTER(name)                                                                                   \
    {                                                                                              \
        BIND(v, words, 1, "value");                                                                \
        (void)r;                                                                                   \
        *ret_value = value_bool(condition);                                                        \
        return RC_OK;                                                                              \
    }

static bool is_mapping(struct value value)
{
    return value.kind == VALUE_DICT ||
           (value.kind == VALUE_OBJECT && value.object->class->is_mapping);
}

static bool is_sequence(struct value value)
{
    switch ((enum value_kind)value.kind) {
    case VALUE_UNDEFINED:
    case VALUE_STR:
    case VALUE_BYTES:
    case VALUE_LIST:
    case VALUE_TUPLE:
    case VALUE_DICT: // len() and [] are all that is asked for
    case VALUE_RANGE:
        return true;
    case VALUE_OBJECT:
        return value.object->class->is_sequence ||
               (value.object->class->length != NULL && value.object->class->get_item != NULL);
    default:
        return false;
    }
}

static bool is_iterable(struct value value)
{
    switch ((enum value_kind)value.kind) {
    case VALUE_UNDEFINED:
        return value.undefined->kind != UNDEFINED_STRICT;
    case VALUE_STR:
    case VALUE_BYTES:
    case VALUE_LIST:
    case VALUE_TUPLE:
    case VALUE_DICT:
    case VALUE_SET:
    case VALUE_RANGE:
        return true;
    case VALUE_OBJECT:
        return value.object->class->iterate != NULL;
    default:
        return false;
    }
}

QUESTION(test_defined, "test_defined", v[0].kind != VALUE_UNDEFINED)
QUESTION(test_undefined, "test_undefined", v[0].kind == VALUE_UNDEFINED)
QUESTION(test_none, "test_none", v[0].kind == VALUE_NONE)
QUESTION(test_boolean, "test_boolean", v[0].kind == VALUE_BOOL)
QUESTION(test_true, "test_true", v[0].kind == VALUE_BOOL && v[0].integer != 0)
QUESTION(test_false, "test_false", v[0].kind == VALUE_BOOL && v[0].integer == 0)
QUESTION(test_integer, "test_integer", v[0].kind == VALUE_INT || v[0].kind == VALUE_BIG_INT)
QUESTION(test_float, "test_float", v[0].kind == VALUE_FLOAT)
QUESTION(test_number, "test_number", value_is_number(v[0]))
QUESTION(test_string, "test_string", v[0].kind == VALUE_STR)
QUESTION(test_mapping, "test_mapping", is_mapping(v[0]))
QUESTION(test_sequence, "test_sequence", is_sequence(v[0]))
QUESTION(test_iterable, "test_iterable", is_iterable(v[0]))
QUESTION(test_callable, "callable", value_is_callable(v[0]) || v[0].kind == VALUE_UNDEFINED)
QUESTION(test_escaped, "test_escaped", (v[0].flags & VALUE_FLAG_MARKUP) != 0)

static rc case_question(struct render *r, struct value value, const char *method,
                        struct value *ret_value, struct err *err)
{
    static const struct arguments none = {0};
    TRY(soft_str(r, value, &value, err));
    return call_method(r, value, method_number(str_of(method)), &none, ret_value, err);
}

FILTER(test_lower)
{
    BIND(v, "test_lower", 1, "value");
    return case_question(r, v[0], "islower", ret_value, err);
}

FILTER(test_upper)
{
    BIND(v, "test_upper", 1, "value");
    return case_question(r, v[0], "isupper", ret_value, err);
}

static rc remainder_is(struct render *r, struct value value, struct value divisor, int64_t wanted,
                       struct value *ret_value, struct err *err)
{
    struct value rest;
    TRY(binary_operation(r, OP_MODULO, value, divisor, &rest, err));
    *ret_value = value_bool(value_equal(rest, value_int(wanted)));
    return RC_OK;
}

FILTER(test_even)
{
    BIND(v, "test_even", 1, "value");
    return remainder_is(r, v[0], value_int(2), 0, ret_value, err);
}

FILTER(test_odd)
{
    BIND(v, "test_odd", 1, "value");
    return remainder_is(r, v[0], value_int(2), 1, ret_value, err);
}

FILTER(test_divisibleby)
{
    BIND(v, "test_divisibleby", 2, "value", "num");
    return remainder_is(r, v[0], v[1], 0, ret_value, err);
}

FILTER(test_sameas)
{
    BIND(v, "test_sameas", 2, "value", "other");
    (void)r;
    bool is_same = v[0].kind == v[1].kind;
    if (is_same && (v[0].kind == VALUE_LIST || v[0].kind == VALUE_TUPLE))
        is_same = v[0].list == v[1].list;
    else if (is_same && (v[0].kind == VALUE_DICT || v[0].kind == VALUE_SET))
        is_same = v[0].dict == v[1].dict;
    else if (is_same && v[0].kind == VALUE_OBJECT)
        is_same = v[0].object == v[1].object;
    else if (is_same)
        is_same = value_equal(v[0], v[1]);
    *ret_value = value_bool(is_same);
    return RC_OK;
}

FILTER(test_filter)
{
    BIND(v, "test_filter", 1, "value");
    *ret_value = value_bool(v[0].kind == VALUE_STR && map_has(&r->env->filters, value_text(v[0])));
    return RC_OK;
}

FILTER(test_test)
{
    BIND(v, "test_test", 1, "value");
    *ret_value = value_bool(v[0].kind == VALUE_STR && map_has(&r->env->tests, value_text(v[0])));
    return RC_OK;
}

/// An operator as a test.
#define OPERATOR(name, op)                                                                         \
    FILTER(name)                                                                                   \
    {                                                                                              \
        BIND(v, #name, 2, "a", "b");                                                               \
        bool result = false;                                                                       \
        TRY(compare_operation(r, op, v[0], v[1], &result, err));                                   \
        *ret_value = value_bool(result);                                                           \
        return RC_OK;                                                                              \
    }
OPERATOR(test_eq, COMPARE_EQ)
OPERATOR(test_ne, COMPARE_NE)
OPERATOR(test_lt, COMPARE_LT)
OPERATOR(test_le, COMPARE_LE)
OPERATOR(test_gt, COMPARE_GT)
OPERATOR(test_ge, COMPARE_GE)
OPERATOR(test_in, COMPARE_IN)

static const struct builtin tests[] = {{"odd", test_odd, false},
                                       {"even", test_even, false},
                                       {"divisibleby", test_divisibleby, false},
                                       {"defined", test_defined, false},
                                       {"undefined", test_undefined, false},
                                       {"filter", test_filter, true},
                                       {"test", test_test, true},
                                       {"none", test_none, false},
                                       {"boolean", test_boolean, false},
                                       {"false", test_false, false},
                                       {"true", test_true, false},
                                       {"integer", test_integer, false},
                                       {"float", test_float, false},
                                       {"lower", test_lower, false},
                                       {"upper", test_upper, false},
                                       {"string", test_string, false},
                                       {"mapping", test_mapping, false},
                                       {"number", test_number, false},
                                       {"sequence", test_sequence, false},
                                       {"iterable", test_iterable, false},
                                       {"callable", test_callable, false},
                                       {"sameas", test_sameas, false},
                                       {"escaped", test_escaped, false},
                                       {"in", test_in, false},
                                       {"==", test_eq, false},
                                       {"eq", test_eq, false},
                                       {"equalto", test_eq, false},
                                       {"!=", test_ne, false},
                                       {"ne", test_ne, false},
                                       {">", test_gt, false},
                                       {"gt", test_gt, false},
                                       {"greaterthan", test_gt, false},
                                       {">=", test_ge, false},
                                       {"ge", test_ge, false},
                                       {"<", test_lt, false},
                                       {"lt", test_lt, false},
                                       {"lessthan", test_lt, false},
                                       {"<=", test_le, false},
                                       {"le", test_le, false},
                                       {NULL, NULL, false}};

void environment_add_tests(struct environment *env)
{
    for (const struct builtin *test = tests; test->name != NULL; test++) {
        struct filter_entry *entry = ARENA_NEW(env->arena, struct filter_entry);
        *entry = (struct filter_entry){str_of(test->name), test->function, NULL, test->is_volatile};
        map_set(&env->tests, entry->name, entry);
    }
}
