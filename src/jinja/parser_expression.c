/// @file parser_expression.c
/// Expressions, by recursive descent in Jinja's order of precedence: condition, or, and, not,
/// comparison, + -, ~, * / // %, **, sign, primary with postfixes, filters and tests.
/// Layer: jinja. Source: the grammar of Jinja2 3.1.6.

#include "jinja/parser.h"

#include "jinja/throw.h"

static rc parse_unary(struct parser *parser, bool with_filter, struct node **ret_node,
                      struct err *err);

// ---------------------------------------------------------------- names and targets

static void mention_name(struct parser *parser, struct str name, bool is_load)
{
    static const struct {
        const char *name;
        unsigned bit;
    } special[] = {
        {"caller", MENTIONS_CALLER}, {"kwargs", MENTIONS_KWARGS}, {"varargs", MENTIONS_VARARGS},
        {"loop", MENTIONS_LOOP},     {"self", MENTIONS_SELF},     {"super", MENTIONS_SUPER},
    };
    if (name.length < 4 || name.length > 7)
        return;
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (!str_is(name, special[i].name))
            continue;
        for (struct mention *m = parser->mention; m != NULL; m = m->outer) {
            if (!is_load)
                m->stored |= special[i].bit;
            else if ((m->stored & special[i].bit) == 0)
                m->loaded |= special[i].bit;
        }
        return;
    }
}

static struct node *name_node(struct parser *parser, struct str name, int line,
                              enum name_context context)
{
    struct node *node = parser_node(parser, NODE_NAME, line);
    node->op = (uint8_t)context;
    node->name.text = name;
    mention_name(parser, name, context == NAME_LOAD);
    return node;
}

rc parse_name_target(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct token token;
    TRY(parser_expect(parser, TOKEN_NAME, &token, err));
    static const char *const constants[] = {"true", "True", "false", "False", "none", "None"};
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        if (str_is(token.text, constants[i]))
            return parser_fail(parser, token.line, err, "can't assign to 'name'");
    *ret_node = name_node(parser, token.text, token.line, NAME_STORE);
    return RC_OK;
}

static rc check_target(struct parser *parser, const struct node *node, struct err *err)
{
    static const char *const words[NODE_TYPE_COUNT] = {
        [NODE_CONSTANT] = "const", [NODE_LIST] = "list", [NODE_DICT] = "dict"};
    if (node->type == NODE_NAME || node->type == NODE_NAMESPACE_REF)
        return RC_OK;
    if (node->type != NODE_TUPLE)
        return parser_fail(parser, node->line, err, "can't assign to '%s'",
                           words[node->type] != NULL ? words[node->type] : "expression");
    for (const struct node *item = node->list.items; item != NULL; item = item->next)
        TRY(check_target(parser, item, err));
    return RC_OK;
}

rc parse_target(struct parser *parser, const char *end_name, bool allows_namespace,
                struct node **ret_node, struct err *err)
{
    const struct tuple_options options = {
        .is_target = true, .allows_namespace = allows_namespace, .end_name = end_name};
    TRY(parse_tuple(parser, &options, ret_node, err));
    return check_target(parser, *ret_node, err);
}

// ---------------------------------------------------------------- primaries

static rc parse_list(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_LIST, parser->current.line);
    struct node **end = &node->list.items;
    TRY(parser_next(parser, err));
    while (parser->current.type != TOKEN_RBRACKET) {
        if (node->list.count > 0)
            TRY(parser_expect(parser, TOKEN_COMMA, NULL, err));
        if (parser->current.type == TOKEN_RBRACKET)
            break;
        TRY(parse_expression(parser, true, end, err));
        end = &(*end)->next;
        node->list.count++;
    }
    *ret_node = node;
    return parser_expect(parser, TOKEN_RBRACKET, NULL, err);
}

static rc parse_dict(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_DICT, parser->current.line);
    struct node **end = &node->list.items;
    TRY(parser_next(parser, err));
    while (parser->current.type != TOKEN_RBRACE) {
        if (node->list.count > 0)
            TRY(parser_expect(parser, TOKEN_COMMA, NULL, err));
        if (parser->current.type == TOKEN_RBRACE)
            break;
        TRY(parse_expression(parser, true, end, err));
        end = &(*end)->next;
        TRY(parser_expect(parser, TOKEN_COLON, NULL, err));
        TRY(parse_expression(parser, true, end, err));
        end = &(*end)->next;
        node->list.count++;
    }
    *ret_node = node;
    return parser_expect(parser, TOKEN_RBRACE, NULL, err);
}

static rc parse_name(struct parser *parser, const struct tuple_options *options,
                     struct node **ret_node, struct err *err)
{
    static const struct {
        const char *name;
        uint8_t kind;
        bool boolean;
    } constants[] = {{"true", VALUE_BOOL, true},   {"True", VALUE_BOOL, true},
                     {"false", VALUE_BOOL, false}, {"False", VALUE_BOOL, false},
                     {"none", VALUE_NONE, false},  {"None", VALUE_NONE, false}};
    const struct token token = parser->current;
    TRY(parser_next(parser, err));
    if (token.text.length == 4 || token.text.length == 5) {
        for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
            if (!str_is(token.text, constants[i].name))
                continue;
            *ret_node = parser_node(parser, NODE_CONSTANT, token.line);
            (*ret_node)->constant =
                constants[i].kind == VALUE_NONE ? value_none() : value_bool(constants[i].boolean);
            return RC_OK;
        }
    }
    if (options->allows_namespace && parser->current.type == TOKEN_DOT) {
        struct token attribute;
        TRY(parser_next(parser, err));
        TRY(parser_expect(parser, TOKEN_NAME, &attribute, err));
        struct node *node = parser_node(parser, NODE_NAMESPACE_REF, token.line);
        node->reference.variable = token.text;
        node->reference.attribute = attribute.text;
        node->reference.name = name_node(parser, token.text, token.line, NAME_LOAD);
        *ret_node = node;
        return RC_OK;
    }
    *ret_node =
        name_node(parser, token.text, token.line, options->is_target ? NAME_STORE : NAME_LOAD);
    return RC_OK;
}

static rc parse_string(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_CONSTANT, parser->current.line);
    struct str text = parser->current.text;
    TRY(parser_next(parser, err));
    while (parser->current.type == TOKEN_STRING) {
        text = str_concat(parser->arena, text, parser->current.text);
        TRY(parser_next(parser, err));
    }
    node->constant = value_str(text);
    *ret_node = node;
    return RC_OK;
}

static rc parse_primary(struct parser *parser, const struct tuple_options *options,
                        struct node **ret_node, struct err *err)
{
    const struct token token = parser->current;
    switch (token.type) {
    case TOKEN_NAME:
        return parse_name(parser, options, ret_node, err);
    case TOKEN_STRING:
        return parse_string(parser, ret_node, err);
    case TOKEN_INTEGER:
    case TOKEN_FLOAT:
        *ret_node = parser_node(parser, NODE_CONSTANT, token.line);
        (*ret_node)->constant = token.value;
        return parser_next(parser, err);
    case TOKEN_LPAREN: {
        const struct tuple_options inner = {.is_parenthesised = true,
                                            .is_target = options->is_target};
        TRY(parser_next(parser, err));
        TRY(parse_tuple(parser, &inner, ret_node, err));
        return parser_expect(parser, TOKEN_RPAREN, NULL, err);
    }
    case TOKEN_LBRACKET:
        return parse_list(parser, ret_node, err);
    case TOKEN_LBRACE:
        return parse_dict(parser, ret_node, err);
    default:
        return parser_fail(parser, token.line, err, "unexpected '%s'",
                           token_type_words(token.type));
    }
}

static bool at_tuple_end(const struct parser *parser, const struct tuple_options *options)
{
    return parser->current.type == TOKEN_VARIABLE_END || parser->current.type == TOKEN_BLOCK_END ||
           parser->current.type == TOKEN_RPAREN ||
           (options->end_name != NULL && parser_at_name(parser, options->end_name));
}

rc parse_tuple(struct parser *parser, const struct tuple_options *options, struct node **ret_node,
               struct err *err)
{
    const int line = parser->current.line;
    struct node *items = NULL, **end = &items;
    uint32_t count = 0;
    bool is_tuple = false;
    TRY(parser_enter(parser, err));
    for (;;) {
        if (count > 0)
            TRY(parser_expect(parser, TOKEN_COMMA, NULL, err));
        if (at_tuple_end(parser, options))
            break;
        TRY(options->is_target ? parse_primary(parser, options, end, err)
                               : parse_expression(parser, !options->has_no_condition, end, err));
        end = &(*end)->next;
        count++;
        if (parser->current.type != TOKEN_COMMA)
            break;
        is_tuple = true;
    }
    parser->depth--;
    if (!is_tuple && count > 0) {
        *ret_node = items;
        return RC_OK;
    }
    if (!is_tuple && !options->is_parenthesised) {
        const struct token *t = &parser->current;
        return parser_fail(parser, 0, err, "Expected an expression, got '%s'",
                           t->type == TOKEN_NAME ? "name" : token_type_words(t->type));
    }
    *ret_node = parser_node(parser, NODE_TUPLE, line);
    (*ret_node)->list.items = items;
    (*ret_node)->list.count = count;
    return RC_OK;
}

// ---------------------------------------------------------------- postfixes

/// start:stop:step, each optional, inside brackets.
static rc parse_subscribed(struct parser *parser, struct node **ret_node, struct err *err)
{
    const int line = parser->current.line;
    struct node *start = NULL;
    if (parser->current.type != TOKEN_COLON) {
        TRY(parse_expression(parser, true, &start, err));
        if (parser->current.type != TOKEN_COLON) {
            *ret_node = start;
            return RC_OK;
        }
    }
    struct node *slice = parser_node(parser, NODE_SLICE, line);
    slice->slice.start = start;
    TRY(parser_next(parser, err));
    if (parser->current.type != TOKEN_COLON && parser->current.type != TOKEN_RBRACKET &&
        parser->current.type != TOKEN_COMMA)
        TRY(parse_expression(parser, true, &slice->slice.stop, err));
    if (parser->current.type == TOKEN_COLON) {
        TRY(parser_next(parser, err));
        if (parser->current.type != TOKEN_RBRACKET && parser->current.type != TOKEN_COMMA)
            TRY(parse_expression(parser, true, &slice->slice.step, err));
    }
    *ret_node = slice;
    return RC_OK;
}

static rc parse_subscript(struct parser *parser, struct node *object, struct node **ret_node,
                          struct err *err)
{
    const struct token token = parser->current;
    TRY(parser_next(parser, err));
    struct node *node = parser_node(parser, NODE_GET_ITEM, token.line);
    *ret_node = node;
    if (token.type == TOKEN_DOT) {
        const struct token name = parser->current;
        if (name.type == TOKEN_NAME) {
            node->type = NODE_GET_ATTRIBUTE;
            node->attribute.object = object;
            node->attribute.name = name.text;
            node->method = method_number(name.text);
            return parser_next(parser, err);
        }
        TRY(parser_next(parser, err));
        if (name.type != TOKEN_INTEGER)
            return parser_fail(parser, name.line, err, "expected name or number");
        node->pair.left = object;
        node->pair.right = parser_node(parser, NODE_CONSTANT, name.line);
        node->pair.right->constant = name.value;
        return RC_OK;
    }
    struct node *items = NULL, **end = &items;
    uint32_t count = 0;
    while (parser->current.type != TOKEN_RBRACKET) {
        if (count > 0)
            TRY(parser_expect(parser, TOKEN_COMMA, NULL, err));
        TRY(parse_subscribed(parser, end, err));
        end = &(*end)->next;
        count++;
    }
    node->pair.left = object;
    node->pair.right = items;
    if (count != 1) {
        node->pair.right = parser_node(parser, NODE_TUPLE, token.line);
        node->pair.right->list.items = items;
        node->pair.right->list.count = count;
    }
    return parser_expect(parser, TOKEN_RBRACKET, NULL, err);
}

/// Reads one argument of a call; `keywords` collects the named ones.
struct call_builder {
    struct node_arguments *arguments;
    struct node **end;
    VEC(struct node_keyword) keywords;
    int line;
};

static rc parse_argument(struct parser *parser, struct call_builder *call, struct err *err)
{
    struct node_arguments *arguments = call->arguments;
    const enum token_type type = parser->current.type;
    bool is_valid = arguments->double_star == NULL;
    bool is_keyword = false;
    if (type == TOKEN_NAME) {
        TRY(parser_look(parser, err));
        is_keyword = parser->ahead.type == TOKEN_ASSIGN;
    }
    if (type == TOKEN_MUL)
        is_valid = is_valid && arguments->star == NULL;
    else if (type != TOKEN_POW && !is_keyword)
        is_valid = is_valid && arguments->star == NULL && call->keywords.count == 0;
    if (!is_valid)
        return parser_fail(parser, call->line, err, "invalid syntax for function call expression");
    if (type == TOKEN_MUL || type == TOKEN_POW) {
        TRY(parser_next(parser, err));
        return parse_expression(
            parser, true, type == TOKEN_MUL ? &arguments->star : &arguments->double_star, err);
    }
    if (is_keyword) {
        struct node_keyword *keyword = vec_push(parser->arena, &call->keywords);
        const size_t at = call->keywords.count - 1;
        keyword->name = parser->current.text;
        TRY(parser_next(parser, err));
        TRY(parser_next(parser, err));
        struct node *value;
        TRY(parse_expression(parser, true, &value, err));
        call->keywords.items[at].value = value;
        return RC_OK;
    }
    TRY(parse_expression(parser, true, call->end, err));
    call->end = &(*call->end)->next;
    arguments->count++;
    return RC_OK;
}

static rc parse_arguments(struct parser *parser, struct node_arguments **ret_arguments,
                          struct err *err)
{
    struct call_builder call = {.arguments = ARENA_NEW(parser->arena, struct node_arguments),
                                .line = parser->current.line};
    call.end = &call.arguments->items;
    bool needs_comma = false;
    TRY(parser_expect(parser, TOKEN_LPAREN, NULL, err));
    while (parser->current.type != TOKEN_RPAREN) {
        if (needs_comma) {
            TRY(parser_expect(parser, TOKEN_COMMA, NULL, err));
            if (parser->current.type == TOKEN_RPAREN)
                break;
        }
        TRY(parse_argument(parser, &call, err));
        needs_comma = true;
    }
    call.arguments->keywords = call.keywords.items;
    call.arguments->keyword_count = (uint32_t)call.keywords.count;
    *ret_arguments = call.arguments;
    return parser_expect(parser, TOKEN_RPAREN, NULL, err);
}

static rc parse_call(struct parser *parser, struct node *callee, struct node **ret_node,
                     struct err *err)
{
    struct node *node = parser_node(parser, NODE_CALL, parser->current.line);
    node->call.callee = callee;
    TRY(parse_arguments(parser, &node->call.arguments, err));
    *ret_node = node;
    return RC_OK;
}

static rc parse_postfix(struct parser *parser, struct node **node, struct err *err)
{
    for (;;) {
        const enum token_type type = parser->current.type;
        if (type == TOKEN_DOT || type == TOKEN_LBRACKET)
            TRY(parse_subscript(parser, *node, node, err));
        else if (type == TOKEN_LPAREN)
            TRY(parse_call(parser, *node, node, err));
        else
            return RC_OK;
    }
}

/// A filter's or test's name may have dots.
static rc parse_dotted_name(struct parser *parser, struct str *ret_name, struct err *err)
{
    struct token token;
    TRY(parser_expect(parser, TOKEN_NAME, &token, err));
    *ret_name = token.text;
    while (parser->current.type == TOKEN_DOT) {
        TRY(parser_next(parser, err));
        TRY(parser_expect(parser, TOKEN_NAME, &token, err));
        *ret_name =
            arena_printf(parser->arena, "%.*s.%.*s", STR_ARGS(*ret_name), STR_ARGS(token.text));
    }
    return RC_OK;
}

rc parse_filters(struct parser *parser, struct node *input, bool starts_inline,
                 struct node **ret_node, struct err *err)
{
    while (parser->current.type == TOKEN_PIPE || starts_inline) {
        if (!starts_inline)
            TRY(parser_next(parser, err));
        starts_inline = false;
        struct node *node = parser_node(parser, NODE_FILTER, parser->current.line);
        node->filter.input = input;
        TRY(parse_dotted_name(parser, &node->filter.name, err));
        if (parser->current.type == TOKEN_LPAREN)
            TRY(parse_arguments(parser, &node->filter.arguments, err));
        input = node;
    }
    *ret_node = input;
    return RC_OK;
}

static bool starts_test_argument(const struct parser *parser)
{
    switch (parser->current.type) {
    case TOKEN_NAME:
        return !parser_at_name(parser, "else") && !parser_at_name(parser, "or") &&
               !parser_at_name(parser, "and");
    case TOKEN_STRING:
    case TOKEN_INTEGER:
    case TOKEN_FLOAT:
    case TOKEN_LBRACKET:
    case TOKEN_LBRACE:
        return true;
    default:
        return false;
    }
}

static rc parse_test(struct parser *parser, struct node *input, struct node **ret_node,
                     struct err *err)
{
    struct node *node = parser_node(parser, NODE_TEST, parser->current.line);
    bool is_negated;
    TRY(parser_next(parser, err));
    TRY(parser_skip_name(parser, "not", &is_negated, err));
    node->filter.input = input;
    TRY(parse_dotted_name(parser, &node->filter.name, err));
    if (parser->current.type == TOKEN_LPAREN) {
        TRY(parse_arguments(parser, &node->filter.arguments, err));
    } else if (starts_test_argument(parser)) {
        if (parser_at_name(parser, "is"))
            return parser_fail(parser, 0, err, "You cannot chain multiple tests with is");
        struct node *argument;
        TRY(parse_primary(parser, &(struct tuple_options){0}, &argument, err));
        TRY(parse_postfix(parser, &argument, err));
        node->filter.arguments = ARENA_NEW(parser->arena, struct node_arguments);
        node->filter.arguments->items = argument;
        node->filter.arguments->count = 1;
    }
    *ret_node = node;
    if (is_negated) {
        *ret_node = parser_node(parser, NODE_NOT, node->line);
        (*ret_node)->pair.left = node;
    }
    return RC_OK;
}

static rc parse_filter_expression(struct parser *parser, struct node **node, struct err *err)
{
    for (;;) {
        if (parser->current.type == TOKEN_PIPE)
            TRY(parse_filters(parser, *node, false, node, err));
        else if (parser_at_name(parser, "is"))
            TRY(parse_test(parser, *node, node, err));
        else if (parser->current.type == TOKEN_LPAREN)
            TRY(parse_call(parser, *node, node, err));
        else
            return RC_OK;
    }
}

// ---------------------------------------------------------------- operators

static rc parse_unary(struct parser *parser, bool with_filter, struct node **ret_node,
                      struct err *err)
{
    const enum token_type type = parser->current.type;
    TRY(parser_enter(parser, err));
    if (type == TOKEN_SUB || type == TOKEN_ADD) {
        struct node *node = parser_node(parser, type == TOKEN_SUB ? NODE_NEGATE : NODE_POSITIVE,
                                        parser->current.line);
        TRY(parser_next(parser, err));
        TRY(parse_unary(parser, false, &node->pair.left, err));
        *ret_node = node;
    } else {
        TRY(parse_primary(parser, &(struct tuple_options){0}, ret_node, err));
    }
    TRY(parse_postfix(parser, ret_node, err));
    if (with_filter)
        TRY(parse_filter_expression(parser, ret_node, err));
    parser->depth--;
    return RC_OK;
}

static struct node *binary_node(struct parser *parser, enum node_type type, int op, int line,
                                struct node *left)
{
    struct node *node = parser_node(parser, type, line);
    node->op = (uint8_t)op;
    node->pair.left = left;
    return node;
}

static rc parse_power(struct parser *parser, struct node **ret_node, struct err *err)
{
    TRY(parse_unary(parser, true, ret_node, err));
    while (parser->current.type == TOKEN_POW) {
        struct node *node =
            binary_node(parser, NODE_BINARY, OP_POWER, parser->current.line, *ret_node);
        TRY(parser_next(parser, err));
        TRY(parse_unary(parser, true, &node->pair.right, err));
        *ret_node = node;
    }
    return RC_OK;
}

static rc parse_product(struct parser *parser, struct node **ret_node, struct err *err)
{
    TRY(parse_power(parser, ret_node, err));
    for (;;) {
        int op;
        switch (parser->current.type) {
        case TOKEN_MUL:
            op = OP_MULTIPLY;
            break;
        case TOKEN_DIV:
            op = OP_DIVIDE;
            break;
        case TOKEN_FLOOR_DIV:
            op = OP_FLOOR_DIVIDE;
            break;
        case TOKEN_MOD:
            op = OP_MODULO;
            break;
        default:
            return RC_OK;
        }
        struct node *node = binary_node(parser, NODE_BINARY, op, parser->current.line, *ret_node);
        TRY(parser_next(parser, err));
        TRY(parse_power(parser, &node->pair.right, err));
        *ret_node = node;
    }
}

static rc parse_concat(struct parser *parser, struct node **ret_node, struct err *err)
{
    TRY(parse_product(parser, ret_node, err));
    if (parser->current.type != TOKEN_TILDE)
        return RC_OK;
    struct node *concat = parser_node(parser, NODE_CONCAT, (*ret_node)->line);
    struct node **end = &(*ret_node)->next;
    concat->list.items = *ret_node;
    concat->list.count = 1;
    while (parser->current.type == TOKEN_TILDE) {
        TRY(parser_next(parser, err));
        TRY(parse_product(parser, end, err));
        end = &(*end)->next;
        concat->list.count++;
    }
    *ret_node = concat;
    return RC_OK;
}

static rc parse_sum(struct parser *parser, struct node **ret_node, struct err *err)
{
    TRY(parse_concat(parser, ret_node, err));
    while (parser->current.type == TOKEN_ADD || parser->current.type == TOKEN_SUB) {
        const int op = parser->current.type == TOKEN_ADD ? OP_ADD : OP_SUBTRACT;
        struct node *node = binary_node(parser, NODE_BINARY, op, parser->current.line, *ret_node);
        TRY(parser_next(parser, err));
        TRY(parse_concat(parser, &node->pair.right, err));
        *ret_node = node;
    }
    return RC_OK;
}

/// Reads a comparison's operator. *ret_op is -1 when there is none.
static rc parse_compare_operator(struct parser *parser, int *ret_op, struct err *err)
{
    static const int operators[] = {
        [TOKEN_EQ] = COMPARE_EQ + 1, [TOKEN_NE] = COMPARE_NE + 1, [TOKEN_GT] = COMPARE_GT + 1,
        [TOKEN_GE] = COMPARE_GE + 1, [TOKEN_LT] = COMPARE_LT + 1, [TOKEN_LE] = COMPARE_LE + 1,
        [TOKEN_SEMICOLON] = 0};
    *ret_op = -1;
    if (parser->current.type != TOKEN_NAME) {
        *ret_op = operators[parser->current.type] - 1;
    } else if (parser_at_name(parser, "in")) {
        *ret_op = COMPARE_IN;
    } else if (parser_at_name(parser, "not")) {
        TRY(parser_look(parser, err));
        if (parser->ahead.type != TOKEN_NAME || !str_is(parser->ahead.text, "in"))
            return RC_OK;
        *ret_op = COMPARE_NOT_IN;
        TRY(parser_next(parser, err));
    }
    return *ret_op >= 0 ? parser_next(parser, err) : RC_OK;
}

static rc parse_compare(struct parser *parser, struct node **ret_node, struct err *err)
{
    TRY(parse_sum(parser, ret_node, err));
    struct node *compare = NULL, **end = NULL;
    for (;;) {
        int op;
        const int line = parser->current.line;
        TRY(parse_compare_operator(parser, &op, err));
        if (op < 0)
            return RC_OK;
        if (compare == NULL) {
            compare = parser_node(parser, NODE_COMPARE, line);
            compare->list.items = *ret_node;
            end = &(*ret_node)->next;
            *ret_node = compare;
        }
        struct node *operand = binary_node(parser, NODE_OPERAND, op, line, NULL);
        TRY(parse_sum(parser, &operand->pair.left, err));
        *end = operand;
        end = &operand->next;
    }
}

static rc parse_not(struct parser *parser, struct node **ret_node, struct err *err)
{
    if (!parser_at_name(parser, "not"))
        return parse_compare(parser, ret_node, err);
    struct node *node = parser_node(parser, NODE_NOT, parser->current.line);
    TRY(parser_enter(parser, err));
    TRY(parser_next(parser, err));
    TRY(parse_not(parser, &node->pair.left, err));
    parser->depth--;
    *ret_node = node;
    return RC_OK;
}

static rc parse_and(struct parser *parser, struct node **ret_node, struct err *err)
{
    TRY(parse_not(parser, ret_node, err));
    while (parser_at_name(parser, "and")) {
        struct node *node = binary_node(parser, NODE_AND, 0, parser->current.line, *ret_node);
        TRY(parser_next(parser, err));
        TRY(parse_not(parser, &node->pair.right, err));
        *ret_node = node;
    }
    return RC_OK;
}

static rc parse_or(struct parser *parser, struct node **ret_node, struct err *err)
{
    TRY(parse_and(parser, ret_node, err));
    while (parser_at_name(parser, "or")) {
        struct node *node = binary_node(parser, NODE_OR, 0, parser->current.line, *ret_node);
        TRY(parser_next(parser, err));
        TRY(parse_and(parser, &node->pair.right, err));
        *ret_node = node;
    }
    return RC_OK;
}

rc parse_expression(struct parser *parser, bool with_condition, struct node **ret_node,
                    struct err *err)
{
    bool skipped;
    TRY(parser_enter(parser, err));
    TRY(parse_or(parser, ret_node, err));
    while (with_condition && parser_at_name(parser, "if")) {
        struct node *node = parser_node(parser, NODE_CONDITION, parser->current.line);
        node->condition.then = *ret_node;
        TRY(parser_next(parser, err));
        TRY(parse_or(parser, &node->condition.test, err));
        TRY(parser_skip_name(parser, "else", &skipped, err));
        if (skipped)
            TRY(parse_expression(parser, true, &node->condition.otherwise, err));
        *ret_node = node;
    }
    parser->depth--;
    return RC_OK;
}
