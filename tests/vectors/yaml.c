// yaml-scalars and yaml-documents: what PyYAML's safe_load makes of a text, as value, type, str()
// and repr(). The last two are printed here as Python prints them.

#include <math.h>

#include "base/hash.h"
#include "base/time.h"
#include "base/yaml.h"
#include "vectors.h"

static const char *const python_types[YAML_KIND_COUNT] = {
    [YAML_NULL] = "NoneType", [YAML_BOOL] = "bool",    [YAML_INT] = "int",
    [YAML_FLOAT] = "float",   [YAML_STR] = "str",      [YAML_TIMESTAMP] = "datetime",
    [YAML_DATE] = "date",     [YAML_BINARY] = "bytes", [YAML_SEQ] = "list",
    [YAML_MAP] = "dict",      [YAML_SET] = "set",      [YAML_OMAP] = "list",
    [YAML_PAIRS] = "list",
};

static void repr(struct vectors *v, struct buf *to, const struct yaml *node);

static void repr_text(struct buf *to, struct str text)
{
    const char quote =
        str_find_byte(text, '\'') != SIZE_MAX && str_find_byte(text, '"') == SIZE_MAX ? '"' : '\'';
    buf_append_byte(to, quote);
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        if (c == '\n' || c == '\t' || c == '\r')
            buf_printf(to, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else if (c == '\\' || c == quote)
            buf_printf(to, "\\%c", c);
        else
            buf_append_byte(to, c);
    }
    buf_append_byte(to, quote);
}

static void repr_members(struct vectors *v, struct buf *to, const struct yaml *node)
{
    buf_append_cstr(to, "{");
    for (size_t i = 0; i < node->count; i++) {
        buf_append_cstr(to, i > 0 ? ", " : "");
        repr(v, to, node->members[i].key);
        if (node->kind == YAML_SET)
            continue;
        buf_append_cstr(to, ": ");
        repr(v, to, node->members[i].value);
    }
    buf_append_cstr(to, "}");
}

static void repr(struct vectors *v, struct buf *to, const struct yaml *node)
{
    switch (node->kind) {
    case YAML_NULL:
        buf_append_cstr(to, "None");
        break;
    case YAML_BOOL:
        buf_append_cstr(to, node->boolean ? "True" : "False");
        break;
    case YAML_STR:
        repr_text(to, node->text);
        break;
    case YAML_SEQ:
        buf_append_cstr(to, "[");
        for (size_t i = 0; i < node->count; i++) {
            buf_append_cstr(to, i > 0 ? ", " : "");
            repr(v, to, node->items[i]);
        }
        buf_append_cstr(to, "]");
        break;
    case YAML_MAP:
    case YAML_SET:
        repr_members(v, to, node);
        break;
    default:
        buf_append_str(to, yaml_to_json(v->scratch, node).text);
    }
}

// str() of a value: as repr, but text is itself and a timestamp has a blank instead of the T.
static struct str python_str(struct vectors *v, const struct yaml *node)
{
    if (node->kind == YAML_STR)
        return node->text;
    struct buf text;
    buf_init(&text, 1 << 20);
    repr(v, &text, node);
    struct str result = arena_str(v->scratch, buf_str(&text));
    buf_done(&text);
    return node->kind == YAML_TIMESTAMP ? str_replace(v->scratch, result, STR("T"), STR(" "))
                                        : result;
}

static bool values_equal(const struct json *a, const struct json *b)
{
    double number_a, number_b;
    if (json_equal(a, b))
        return true;
    return json_to_double(a, &number_a) && json_to_double(b, &number_b) && number_a == number_b;
}

// Checks one field of the case if it has it. @return false after vectors_fail
static bool check(struct vectors *v, const struct json *line, const char *field, struct str found)
{
    const struct json *wanted = json_get(line, str_of(field));
    if (wanted == NULL || str_equal(wanted->text, found))
        return true;
    vectors_fail(v, "%s: expected %.*s, found %.*s", field, STR_ARGS(wanted->text),
                 STR_ARGS(found));
    return false;
}

static void run_case(struct vectors *v, const struct json *line, bool is_scalar)
{
    const struct str text = json_str(json_get(line, STR("yaml")), STR(""));
    const struct yaml *node = NULL;
    struct err err;
    const rc code = yaml_parse(v->scratch, text, "case", &node, &err);
    const struct json *wanted_error = json_get(line, STR("error"));
    if (wanted_error != NULL) {
        if (code == RC_OK)
            vectors_fail(v, "expected %.*s, found a value", STR_ARGS(wanted_error->text));
        else if (err.line < 1 || err.column < 1)
            vectors_fail(v, "the error has no place: %s", err.message);
        else
            vectors_pass(v);
        return;
    }
    if (code != RC_OK) {
        vectors_fail(v, "%d:%d: %s", err.line, err.column, err.message);
        return;
    }
    if (is_scalar)
        node = yaml_get(node, STR("k"));
    const struct json *wanted = json_get(line, STR("value"));
    const struct json found = yaml_to_json(v->scratch, node);
    if (wanted != NULL && !values_equal(wanted, &found)) {
        vectors_fail(v, "value: expected %.*s, found %.*s",
                     STR_ARGS(json_print(v->scratch, wanted, JSON_COMPACT)),
                     STR_ARGS(json_print(v->scratch, &found, JSON_COMPACT)));
        return;
    }
    struct buf text_of_value;
    buf_init(&text_of_value, 1 << 20);
    repr(v, &text_of_value, node);
    if (check(v, line, "type", str_of(python_types[node->kind])) &&
        check(v, line, "str", python_str(v, node)) &&
        // A set has no order of its own in Python.
        (json_get(line, STR("value")) == NULL || check(v, line, "repr", buf_str(&text_of_value))))
        vectors_pass(v);
    buf_done(&text_of_value);
}

static void run_scalar(struct vectors *v, const struct json *line)
{
    run_case(v, line, true);
}

static void run_document(struct vectors *v, const struct json *line)
{
    run_case(v, line, false);
}

static void run_scalars(struct vectors *v)
{
    vectors_each_line(v, "yaml_scalars_pyyaml_safe_load.jsonl", run_scalar);
}

static void run_documents(struct vectors *v)
{
    vectors_each_line(v, "yaml_documents_pyyaml_safe_load.jsonl", run_document);
}

int main(int argc, char **argv)
{
    static const struct vectors_suite suites[] = {
        {"yaml-scalars", run_scalars},
        {"yaml-documents", run_documents},
        {NULL, NULL},
    };
    return vectors_main(argc, argv, suites);
}
