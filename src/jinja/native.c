/// @file native.c
/// Typed results of templates: Jinja's native concatenation, dbt's quoted one, and reading of
/// Python literals. Layer: jinja. Sources: jinja2.nativetypes, ast.literal_eval; dbt's YAML
/// rendering by its recorded behaviour. Limit: literals nest to 100 levels.

#include "base/utf8.h"
#include "jinja/lexer.h"
#include "jinja/render.h"
#include "jinja/throw.h"

enum { LITERAL_DEPTH_MAX = 100 };

// ---------------------------------------------------------------- literals

struct literal_reader {
    struct arena *arena;
    struct lexer lexer; // its tokens are Python's, as far as literals go
    struct token token;
    int depth;
};

static bool read_value(struct literal_reader *reader, struct value *ret_value);

static bool advance(struct literal_reader *reader)
{
    return lexer_next(&reader->lexer, &reader->token, NULL) == RC_OK;
}

static bool read_string(struct literal_reader *reader, struct value *ret_value)
{
    struct str text = reader->token.text;
    if (!advance(reader))
        return false;
    while (reader->token.type == TOKEN_STRING) {
        text = str_concat(reader->arena, text, reader->token.text);
        if (!advance(reader))
            return false;
    }
    *ret_value = value_str(text);
    return true;
}

static bool read_items(struct literal_reader *reader, enum token_type end, struct value list,
                       bool *ret_has_comma)
{
    *ret_has_comma = false;
    while (reader->token.type != end) {
        struct value item;
        if (!read_value(reader, &item))
            return false;
        list_push(list, item);
        if (reader->token.type == end)
            break;
        if (reader->token.type != TOKEN_COMMA || !advance(reader))
            return false;
        *ret_has_comma = true;
    }
    return advance(reader);
}

static bool read_sequence(struct literal_reader *reader, struct value *ret_value)
{
    const bool is_list = reader->token.type == TOKEN_LBRACKET;
    bool has_comma;
    *ret_value = is_list ? value_list_new(reader->arena, 0) : value_tuple_new(reader->arena, 0);
    if (!advance(reader) ||
        !read_items(reader, is_list ? TOKEN_RBRACKET : TOKEN_RPAREN, *ret_value, &has_comma))
        return false;
    if (!is_list && ret_value->list->count == 1 && !has_comma)
        *ret_value = ret_value->list->items[0]; // brackets around one value
    return true;
}

static bool read_dict_or_set(struct literal_reader *reader, struct value *ret_value)
{
    *ret_value = value_dict_new(reader->arena);
    if (!advance(reader))
        return false;
    for (bool is_first = true; reader->token.type != TOKEN_RBRACE; is_first = false) {
        struct value key, value = value_none();
        if (!read_value(reader, &key))
            return false;
        const bool has_value = reader->token.type == TOKEN_COLON;
        if (is_first && !has_value)
            *ret_value = value_set_new(reader->arena);
        if (has_value != (ret_value->kind == VALUE_DICT))
            return false;
        if (has_value && (!advance(reader) || !read_value(reader, &value)))
            return false;
        if (dict_set(*ret_value, key, value, NULL) != RC_OK)
            return false;
        if (reader->token.type == TOKEN_RBRACE)
            break;
        if (reader->token.type != TOKEN_COMMA || !advance(reader))
            return false;
    }
    return advance(reader);
}

static bool read_signed(struct literal_reader *reader, struct value *ret_value)
{
    const bool is_negative = reader->token.type == TOKEN_SUB;
    if (!advance(reader) || !read_value(reader, ret_value))
        return false;
    if (ret_value->kind != VALUE_INT && ret_value->kind != VALUE_FLOAT &&
        ret_value->kind != VALUE_BIG_INT)
        return false;
    return !is_negative || number_negate(reader->arena, *ret_value, ret_value, NULL) == RC_OK;
}

static bool read_plain(struct literal_reader *reader, struct value *ret_value)
{
    switch (reader->token.type) {
    case TOKEN_STRING:
        return read_string(reader, ret_value);
    case TOKEN_INTEGER:
    case TOKEN_FLOAT:
        *ret_value = reader->token.value;
        return advance(reader);
    case TOKEN_ADD:
    case TOKEN_SUB:
        return read_signed(reader, ret_value);
    case TOKEN_LBRACKET:
    case TOKEN_LPAREN:
        return read_sequence(reader, ret_value);
    case TOKEN_LBRACE:
        return read_dict_or_set(reader, ret_value);
    case TOKEN_NAME:
        if (str_is(reader->token.text, "True") || str_is(reader->token.text, "False"))
            *ret_value = value_bool(str_is(reader->token.text, "True"));
        else if (str_is(reader->token.text, "None"))
            *ret_value = value_none();
        else
            return false;
        return advance(reader);
    default:
        return false;
    }
}

static bool read_value(struct literal_reader *reader, struct value *ret_value)
{
    if (++reader->depth > LITERAL_DEPTH_MAX)
        return false;
    const bool is_literal = read_plain(reader, ret_value);
    reader->depth--;
    return is_literal;
}

bool literal_eval(struct arena *arena, struct str text, struct value *ret_value)
{
    static const struct environment_options options = {.keep_trailing_newline = true,
                                                       .block_start = STR_INIT("\x01"),
                                                       .block_end = STR_INIT("\x01"),
                                                       .variable_start = STR_INIT("\x02"),
                                                       .variable_end = STR_INIT("\x02"),
                                                       .comment_start = STR_INIT("\x03"),
                                                       .comment_end = STR_INIT("\x03")};
    // no leading white space, as Python's parser; a first byte tells most texts at once
    if (text.length == 0 || text.length > UINT32_MAX / 4 ||
        strchr("0123456789'\"([{+-.TFN", text.bytes[0]) == NULL || text.bytes[0] == '\0')
        return false;
    struct literal_reader reader = {.arena = arena};
    lexer_init(&reader.lexer, &options, arena, text, STR(""));
    lexer_start_expression(&reader.lexer);
    struct value value;
    if (!advance(&reader) || !read_value(&reader, &value))
        return false;
    if (reader.token.type == TOKEN_COMMA) { // a tuple without brackets
        const struct value tuple = value_tuple_new(arena, 0);
        list_push(tuple, value);
        while (reader.token.type == TOKEN_COMMA) {
            if (!advance(&reader))
                return false;
            if (reader.token.type == TOKEN_EOF)
                break;
            if (!read_value(&reader, &value))
                return false;
            list_push(tuple, value);
        }
        value = tuple;
    }
    if (reader.token.type != TOKEN_EOF)
        return false;
    *ret_value = value;
    return true;
}

// ---------------------------------------------------------------- marks

static rc marked_print(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    return value_print(r, ((const struct marked_value *)object)->value, to, err);
}

static rc marked_repr(struct render *r, struct object *object, struct buf *to, struct err *err)
{
    return value_repr(r, ((const struct marked_value *)object)->value, to, err);
}

static bool marked_is_true(const struct object *object)
{
    return value_is_true(((const struct marked_value *)object)->value);
}

static const struct object_class marked_class = {
    .name = "str", .print = marked_print, .repr = marked_repr, .is_true = marked_is_true};

const struct marked_value *marked_value_of(struct value value)
{
    return value.kind == VALUE_OBJECT && value.object->class == &marked_class
               ? (const struct marked_value *)value.object
               : NULL;
}

/// A value that says how dbt's native rendering must read it.
struct value mark_value(struct arena *arena, struct value text, char mark)
{
    struct marked_value *marked = ARENA_NEW(arena, struct marked_value);
    *marked = (struct marked_value){{&marked_class}, text, mark};
    return value_object(&marked->object);
}

// ---------------------------------------------------------------- constants

static bool all_constant(const struct node *list)
{
    for (; list != NULL; list = list->next)
        if (!is_constant_expression(list))
            return false;
    return true;
}

static bool arguments_are_constant(const struct node_arguments *arguments)
{
    if (arguments == NULL)
        return true;
    for (uint32_t i = 0; i < arguments->keyword_count; i++)
        if (!is_constant_expression(arguments->keywords[i].value))
            return false;
    return all_constant(arguments->items) &&
           (arguments->star == NULL || is_constant_expression(arguments->star)) &&
           (arguments->double_star == NULL || is_constant_expression(arguments->double_star));
}

bool is_constant_expression(const struct node *node)
{
    switch ((enum node_type)node->type) {
    case NODE_CONSTANT:
        return true;
    case NODE_LIST:
    case NODE_TUPLE:
    case NODE_DICT:
    case NODE_CONCAT:
    case NODE_COMPARE:
        return all_constant(node->list.items);
    case NODE_FILTER:
    case NODE_TEST:
        return node->filter.entry != NULL && !node->filter.entry->is_volatile &&
               node->filter.input != NULL && is_constant_expression(node->filter.input) &&
               arguments_are_constant(node->filter.arguments);
    case NODE_GET_ATTRIBUTE:
        return is_constant_expression(node->attribute.object);
    case NODE_CONDITION:
        return node->condition.otherwise != NULL && is_constant_expression(node->condition.test) &&
               is_constant_expression(node->condition.then) &&
               is_constant_expression(node->condition.otherwise);
    case NODE_SLICE:
        return (node->slice.start == NULL || is_constant_expression(node->slice.start)) &&
               (node->slice.stop == NULL || is_constant_expression(node->slice.stop)) &&
               (node->slice.step == NULL || is_constant_expression(node->slice.step));
    case NODE_GET_ITEM:
    case NODE_AND:
    case NODE_OR:
    case NODE_NOT:
    case NODE_NEGATE:
    case NODE_POSITIVE:
    case NODE_BINARY:
    case NODE_OPERAND:
        return is_constant_expression(node->pair.left) &&
               (node->pair.right == NULL || is_constant_expression(node->pair.right));
    default:
        return false;
    }
}

bool has_safe_repr(struct value value)
{
    switch ((enum value_kind)value.kind) {
    case VALUE_NONE:
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_BIG_INT:
    case VALUE_FLOAT:
    case VALUE_STR:
    case VALUE_RANGE:
        return true;
    case VALUE_LIST:
    case VALUE_TUPLE:
        for (uint32_t i = 0; i < value.list->count; i++)
            if (!has_safe_repr(value.list->items[i]))
                return false;
        return true;
    case VALUE_DICT:
    case VALUE_SET: {
        struct dict_entry *entry;
        for (size_t at = 0; dict_next(value, &at, &entry);)
            if (!has_safe_repr(entry->key) || !has_safe_repr(entry->value))
                return false;
        return true;
    }
    default:
        return false;
    }
}

// ---------------------------------------------------------------- concatenation

static rc join_nodes(struct render *r, const struct value_list *nodes, struct value *ret_value,
                     struct err *err)
{
    struct buf buf;
    rc code = RC_OK;
    buf_init(&buf, UINT32_MAX / 4);
    for (uint32_t i = 0; i < nodes->count && code == RC_OK; i++)
        code = value_print(r, nodes->items[i], &buf, err);
    if (code == RC_OK)
        code = buf_check(&buf, err, "the text of a template");
    *ret_value = value_str(buf_take(r->arena, &buf));
    return code;
}

/// dbt: one marked value is read as a literal, several nodes are text.
static rc quoted_concat(struct render *r, const struct value_list *nodes, struct value *ret_value,
                        struct err *err)
{
    if (nodes->count == 0) {
        *ret_value = VALUE_STR_LITERAL("");
        return RC_OK;
    }
    if (nodes->count > 1)
        return join_nodes(r, nodes, ret_value, err);
    *ret_value = nodes->items[0];
    const struct marked_value *marked = marked_value_of(*ret_value);
    if (marked == NULL)
        return RC_OK;
    const struct value raw = marked->value;
    if (marked->mark == 't')
        return join_nodes(r, nodes, ret_value, err);
    *ret_value = raw;
    if (raw.kind == VALUE_STR) {
        struct value read;
        if (literal_eval(r->arena, value_text(raw), &read))
            *ret_value = read;
    }
    const bool is_wrong =
        (marked->mark == 'b' && ret_value->kind != VALUE_BOOL) ||
        (marked->mark == 'd' && (!value_is_number(*ret_value) || ret_value->kind == VALUE_BOOL));
    if (!is_wrong)
        return RC_OK;
    struct str text;
    TRY(value_to_str(r, r->arena, raw, &text, err));
    return throw_error(err, "JinjaRenderingError", "Could not convert value '%.*s' into type '%s'",
                       STR_ARGS(text), marked->mark == 'b' ? "bool" : "number");
}

rc native_concat(struct render *r, struct value nodes, struct value *ret_value, struct err *err)
{
    const struct value_list *list = nodes.list;
    if (r->env->options.native == NATIVE_DBT)
        return quoted_concat(r, list, ret_value, err);
    if (list->count == 0) {
        *ret_value = value_none();
        return RC_OK;
    }
    if (list->count == 1 && list->items[0].kind != VALUE_STR) {
        *ret_value = list->items[0];
        return RC_OK;
    }
    TRY(join_nodes(r, list, ret_value, err));
    struct value read;
    if (literal_eval(r->arena, value_text(*ret_value), &read))
        *ret_value = read;
    return RC_OK;
}
