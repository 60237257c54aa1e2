/// @file parser.c
/// The parser's token handling and the statements. Expressions are in parser_expression.c.
/// Layer: jinja. Source: the grammar of Jinja2 3.1.6, with typed macro parameters and the host's
/// block statements. Limit: PARSER_MAX_DEPTH levels of nesting.

#include "jinja/parser.h"

#include <stdio.h>

#include "jinja/throw.h"

// ---------------------------------------------------------------- tokens

void parser_init(struct parser *parser, struct environment *env, struct arena *arena,
                 struct template *template)
{
    *parser = (struct parser){.env = env, .arena = arena, .template = template};
    lexer_init(&parser->lexer, &env->options, arena, template->source, template->name);
}

rc parser_next(struct parser *parser, struct err *err)
{
    if (parser->has_ahead) {
        parser->current = parser->ahead;
        parser->has_ahead = false;
    } else {
        TRY(lexer_next(&parser->lexer, &parser->current, err));
    }
    if (parser->current.type == TOKEN_BLOCK_BEGIN)
        parser->tag_start = parser->current.start;
    return RC_OK;
}

rc parser_look(struct parser *parser, struct err *err)
{
    if (!parser->has_ahead)
        TRY(lexer_next(&parser->lexer, &parser->ahead, err));
    parser->has_ahead = true;
    return RC_OK;
}

static rc fail_with(struct parser *parser, const char *exception, int line, struct err *err,
                    const char *format, va_list args) PRINTF_LIKE(5, 0);
static rc fail_with(struct parser *parser, const char *exception, int line, struct err *err,
                    const char *format, va_list args)
{
    (void)throw_error_v(err, exception, format, args);
    if (err != NULL) {
        err->code = RC_INVALID;
        err->line = line != 0 ? line : parser->current.line;
        snprintf(err->place, sizeof err->place, "%.*s", STR_ARGS(parser->template->name));
    }
    return RC_INVALID;
}

rc parser_fail(struct parser *parser, int line, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const rc code = fail_with(parser, "TemplateSyntaxError", line, err, format, args);
    va_end(args);
    return code;
}

rc parser_fail_assertion(struct parser *parser, int line, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const rc code = fail_with(parser, "TemplateAssertionError", line, err, format, args);
    va_end(args);
    return code;
}

/// What a token is called in messages.
static struct str token_words(const struct token *token)
{
    return token->type == TOKEN_NAME ? token->text : str_of(token_type_words(token->type));
}

rc parser_expect(struct parser *parser, enum token_type type, struct token *ret_token,
                 struct err *err)
{
    if (parser->current.type != type) {
        if (parser->current.type == TOKEN_EOF)
            return parser_fail(parser, 0, err, "unexpected end of template, expected '%s'.",
                               token_type_words(type));
        return parser_fail(parser, 0, err, "expected token '%s', got '%.*s'",
                           token_type_words(type), STR_ARGS(token_words(&parser->current)));
    }
    if (ret_token != NULL)
        *ret_token = parser->current;
    return parser_next(parser, err);
}

bool parser_at_name(const struct parser *parser, const char *name)
{
    return parser->current.type == TOKEN_NAME && str_is(parser->current.text, name);
}

rc parser_expect_name(struct parser *parser, const char *name, struct err *err)
{
    if (parser_at_name(parser, name))
        return parser_next(parser, err);
    if (parser->current.type == TOKEN_EOF)
        return parser_fail(parser, 0, err, "unexpected end of template, expected '%s'.", name);
    return parser_fail(parser, 0, err, "expected token '%s', got '%.*s'", name,
                       STR_ARGS(token_words(&parser->current)));
}

rc parser_skip_if(struct parser *parser, enum token_type type, bool *ret_skipped, struct err *err)
{
    *ret_skipped = parser->current.type == type;
    return *ret_skipped ? parser_next(parser, err) : RC_OK;
}

rc parser_skip_name(struct parser *parser, const char *name, bool *ret_skipped, struct err *err)
{
    *ret_skipped = parser_at_name(parser, name);
    return *ret_skipped ? parser_next(parser, err) : RC_OK;
}

struct node *parser_node(struct parser *parser, enum node_type type, int line)
{
    struct node *node = ARENA_NEW(parser->arena, struct node);
    node->type = (uint8_t)type;
    node->line = line;
    return node;
}

rc parser_too_deep(struct parser *parser, struct err *err)
{
    char place[ERR_PLACE_BYTES];
    snprintf(place, sizeof place, "%.*s", STR_ARGS(parser->template->name));
    return err_set_at(err, RC_LIMIT, place, parser->current.line, 0,
                      "the template nests over %d levels deep", PARSER_MAX_DEPTH);
}

rc parser_enter(struct parser *parser, struct err *err)
{
    if (parser->depth >= PARSER_MAX_DEPTH)
        return parser_too_deep(parser, err);
    parser->depth++;
    return RC_OK;
}

// ---------------------------------------------------------------- bodies

/// The tags that end a body, NULL-terminated.
typedef const char *const *tag_list;

static bool at_any(const struct parser *parser, tag_list tags)
{
    for (; *tags != NULL; tags++)
        if (parser_at_name(parser, *tags))
            return true;
    return false;
}

/// Says which tag is missing or wrong.
static rc fail_tag(struct parser *parser, const struct token *unknown, struct err *err)
{
    char expected[256] = "", message[700];
    size_t length = 0;
    bool is_known = false;
    const tag_list innermost = parser->awaited != NULL ? parser->awaited->tags : NULL;
    for (tag_list tag = innermost; tag != NULL && *tag != NULL; tag++) {
        const int n = snprintf(expected + length, sizeof expected - length, "%s'%s'",
                               length > 0 ? " or " : "", *tag);
        length += n > 0 && (size_t)n < sizeof expected - length ? (size_t)n : 0;
    }
    for (const struct awaited_tags *a = parser->awaited; unknown != NULL && a != NULL; a = a->outer)
        for (tag_list tag = a->tags; *tag != NULL; tag++)
            is_known = is_known || str_is(unknown->text, *tag);
    int n = unknown == NULL
                ? snprintf(message, sizeof message, "Unexpected end of template.")
                : snprintf(message, sizeof message, "Encountered unknown tag '%.*s'.",
                           (int)(unknown->text.length > 100 ? 100 : unknown->text.length),
                           unknown->text.bytes);
    if (length > 0)
        n += snprintf(message + n, sizeof message - (size_t)n,
                      unknown != NULL && is_known
                          ? " You probably made a nesting mistake. Jinja is expecting this tag, "
                            "but currently looking for %s."
                          : " Jinja was looking for the following tags: %s.",
                      expected);
    if (parser->innermost_tag.length > 0 && (size_t)n < sizeof message)
        snprintf(message + n, sizeof message - (size_t)n,
                 " The innermost block that needs to be closed is '%.*s'.",
                 STR_ARGS(parser->innermost_tag));
    return parser_fail(parser, unknown != NULL ? unknown->line : 0, err, "%s", message);
}

static rc parse_statement(struct parser *parser, struct node **ret_node, struct err *err);

/// Collects data and prints into one output node.
struct body_builder {
    struct node *first, **end;
    struct node *output, **output_end;
};

static void add_statement(struct body_builder *body, struct node *node)
{
    body->output = NULL;
    *body->end = node;
    while (node->next != NULL)
        node = node->next;
    body->end = &node->next;
}

static void add_output(struct parser *parser, struct body_builder *body, struct node *item)
{
    if (body->output == NULL) {
        struct node *output = parser_node(parser, NODE_OUTPUT, item->line);
        add_statement(body, output);
        body->output = output;
        body->output_end = &output->list.items;
    }
    *body->output_end = item;
    body->output_end = &item->next;
    body->output->list.count++;
}

/// Reads up to one of the end tags (their name is then the current token) or the end.
static rc parse_body_items(struct parser *parser, tag_list ends, struct node **ret_body,
                           struct err *err)
{
    struct body_builder body = {.end = &body.first};
    struct node *node;
    while (parser->current.type != TOKEN_EOF) {
        switch (parser->current.type) {
        case TOKEN_DATA:
            node = parser_node(parser, NODE_TEXT, parser->current.line);
            node->text = parser->current.text;
            add_output(parser, &body, node);
            TRY(parser_next(parser, err));
            break;
        case TOKEN_VARIABLE_BEGIN:
            TRY(parser_next(parser, err));
            TRY(parse_tuple(parser, &(struct tuple_options){0}, &node, err));
            add_output(parser, &body, node);
            TRY(parser_expect(parser, TOKEN_VARIABLE_END, NULL, err));
            break;
        default: // TOKEN_BLOCK_BEGIN
            body.output = NULL;
            TRY(parser_next(parser, err));
            if (ends != NULL && at_any(parser, ends)) {
                *ret_body = body.first;
                return RC_OK;
            }
            TRY(parse_statement(parser, &node, err));
            if (node != NULL)
                add_statement(&body, node);
            TRY(parser_expect(parser, TOKEN_BLOCK_END, NULL, err));
            break;
        }
    }
    *ret_body = body.first;
    return RC_OK;
}

/// A statement's body: `: %} ... {% END`. With drops_end the end tag's name is read too.
static rc parse_body(struct parser *parser, tag_list ends, bool drops_end, struct node **ret_body,
                     struct err *err)
{
    bool skipped;
    TRY(parser_skip_if(parser, TOKEN_COLON, &skipped, err));
    TRY(parser_expect(parser, TOKEN_BLOCK_END, NULL, err));
    TRY(parser_enter(parser, err));
    const struct awaited_tags awaited = {ends, parser->awaited};
    parser->awaited = &awaited;
    TRY(parse_body_items(parser, ends, ret_body, err));
    if (parser->current.type == TOKEN_EOF)
        return fail_tag(parser, NULL, err);
    parser->awaited = awaited.outer;
    parser->depth--;
    return drops_end ? parser_next(parser, err) : RC_OK;
}

// ---------------------------------------------------------------- statements

#define TAGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static rc parse_set(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_SET, parser->current.line), *target;
    bool skipped;
    TRY(parser_next(parser, err));
    TRY(parse_target(parser, NULL, true, &target, err));
    TRY(parser_skip_if(parser, TOKEN_ASSIGN, &skipped, err));
    *ret_node = node;
    node->set.target = target;
    if (skipped)
        return parse_tuple(parser, &(struct tuple_options){0}, &node->set.value, err);
    node->type = NODE_SET_BLOCK;
    TRY(parse_filters(parser, NULL, false, &node->set_block.filter, err));
    return parse_body(parser, TAGS("endset"), true, &node->set_block.body, err);
}

static rc parse_for(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_FOR, parser->current.line);
    struct for_node *loop = ARENA_NEW(parser->arena, struct for_node);
    bool skipped;
    node->loop = loop;
    *ret_node = node;
    TRY(parser_next(parser, err));
    TRY(parse_target(parser, "in", false, &loop->target, err));
    TRY(parser_expect_name(parser, "in", err));
    const struct tuple_options options = {.has_no_condition = true, .end_name = "recursive"};
    TRY(parse_tuple(parser, &options, &loop->iterable, err));
    TRY(parser_skip_name(parser, "if", &skipped, err));
    if (skipped)
        TRY(parse_expression(parser, true, &loop->test, err));
    TRY(parser_skip_name(parser, "recursive", &loop->is_recursive, err));
    struct mention mention = {.outer = parser->mention};
    parser->mention = &mention;
    TRY(parse_body(parser, TAGS("endfor", "else"), false, &loop->body, err));
    parser->mention = mention.outer;
    loop->has_loop_object = loop->is_recursive || (mention.loaded & MENTIONS_LOOP) != 0;
    loop->has_otherwise = parser_at_name(parser, "else");
    TRY(parser_next(parser, err));
    if (loop->has_otherwise)
        TRY(parse_body(parser, TAGS("endfor"), true, &loop->otherwise, err));
    return RC_OK;
}

static rc parse_if(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_IF, parser->current.line);
    struct if_node **end = &node->branch, *first = NULL;
    *ret_node = node;
    for (;;) {
        struct if_node *branch = ARENA_NEW(parser->arena, struct if_node);
        *end = branch;
        end = &branch->elif;
        first = first != NULL ? first : branch;
        const struct tuple_options options = {.has_no_condition = true};
        TRY(parser_next(parser, err)); // if, elif
        TRY(parse_tuple(parser, &options, &branch->test, err));
        TRY(parse_body(parser, TAGS("elif", "else", "endif"), false, &branch->body, err));
        if (parser_at_name(parser, "elif"))
            continue;
        first->has_otherwise = parser_at_name(parser, "else");
        TRY(parser_next(parser, err));
        if (first->has_otherwise)
            TRY(parse_body(parser, TAGS("endif"), true, &first->otherwise, err));
        return RC_OK;
    }
}

static rc parse_with(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_WITH, parser->current.line);
    struct node **target_end = &node->with.targets, **value_end = &node->with.values;
    *ret_node = node;
    TRY(parser_next(parser, err));
    while (parser->current.type != TOKEN_BLOCK_END) {
        if (node->with.targets != NULL)
            TRY(parser_expect(parser, TOKEN_COMMA, NULL, err));
        TRY(parse_target(parser, NULL, false, target_end, err));
        TRY(parser_expect(parser, TOKEN_ASSIGN, NULL, err));
        TRY(parse_expression(parser, true, value_end, err));
        target_end = &(*target_end)->next;
        value_end = &(*value_end)->next;
    }
    return parse_body(parser, TAGS("endwith"), true, &node->with.body, err);
}

static rc parse_autoescape(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_AUTOESCAPE, parser->current.line);
    *ret_node = node;
    TRY(parser_next(parser, err));
    TRY(parse_expression(parser, true, &node->region.filter, err));
    return parse_body(parser, TAGS("endautoescape"), true, &node->region.body, err);
}

static rc register_block(struct parser *parser, struct block_node *block, int line, struct err *err)
{
    for (size_t i = 0; i < parser->blocks.count; i++)
        if (str_equal(parser->blocks.items[i]->name, block->name))
            return parser_fail_assertion(parser, line, err, "block '%.*s' defined twice",
                                         STR_ARGS(block->name));
    *vec_push(parser->arena, &parser->blocks) = block;
    return RC_OK;
}

static bool is_blank_body(const struct node *body)
{
    for (; body != NULL; body = body->next) {
        if (body->type != NODE_OUTPUT)
            return false;
        for (const struct node *item = body->list.items; item != NULL; item = item->next)
            if (item->type != NODE_TEXT || str_trim(item->text).length > 0)
                return false;
    }
    return true;
}

static rc parse_block(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_BLOCK, parser->current.line);
    struct block_node *block = ARENA_NEW(parser->arena, struct block_node);
    struct token name;
    *ret_node = node;
    node->block = block;
    block->template = parser->template;
    TRY(parser_next(parser, err));
    TRY(parser_expect(parser, TOKEN_NAME, &name, err));
    block->name = name.text;
    TRY(parser_skip_name(parser, "scoped", &block->is_scoped, err));
    TRY(parser_skip_name(parser, "required", &block->is_required, err));
    if (parser->current.type == TOKEN_SUB)
        return parser_fail(parser, 0, err,
                           "Block names in Jinja have to be valid Python identifiers and may not "
                           "contain hyphens, use an underscore instead.");
    struct mention mention = {.outer = NULL}; // what a block mentions is its own
    struct mention *outer = parser->mention;
    parser->mention = &mention;
    TRY(parse_body(parser, TAGS("endblock"), true, &block->body, err));
    parser->mention = outer;
    if (block->is_scoped) // a scoped block sees the loop around it
        for (; outer != NULL; outer = outer->outer)
            outer->loaded |= MENTIONS_LOOP;
    block->self_slot = (mention.loaded & MENTIONS_SELF) != 0 ? 0 : UINT16_MAX;
    block->super_slot = (mention.loaded & MENTIONS_SUPER) != 0 ? 0 : UINT16_MAX;
    if (block->is_required && !is_blank_body(block->body))
        return parser_fail(parser, 0, err,
                           "Required blocks can only contain comments or whitespace");
    TRY(register_block(parser, block, node->line, err));
    if (parser->current.type == TOKEN_NAME && str_equal(parser->current.text, block->name))
        return parser_next(parser, err);
    return RC_OK;
}

static rc parse_extends(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_EXTENDS, parser->current.line);
    *ret_node = node;
    parser->template->has_extends = true;
    TRY(parser_next(parser, err));
    return parse_expression(parser, true, &node->pair.left, err);
}

/// `with context` / `without context`.
static rc parse_import_context(struct parser *parser, bool *has_context, bool *ret_found,
                               struct err *err)
{
    const bool is_with = parser_at_name(parser, "with");
    *ret_found = false;
    if (!is_with && !parser_at_name(parser, "without"))
        return RC_OK;
    TRY(parser_look(parser, err));
    if (parser->ahead.type != TOKEN_NAME || !str_is(parser->ahead.text, "context"))
        return RC_OK;
    TRY(parser_next(parser, err));
    TRY(parser_next(parser, err));
    *has_context = is_with;
    *ret_found = true;
    return RC_OK;
}

static rc begin_import(struct parser *parser, enum node_type type, struct node **ret_node,
                       struct err *err)
{
    struct node *node = parser_node(parser, type, parser->current.line);
    node->import = ARENA_NEW(parser->arena, struct import_node);
    node->import->has_context = type == NODE_INCLUDE;
    *ret_node = node;
    TRY(parser_next(parser, err));
    return parse_expression(parser, true, &node->import->template, err);
}

static rc parse_include(struct parser *parser, struct node **ret_node, struct err *err)
{
    bool found;
    TRY(begin_import(parser, NODE_INCLUDE, ret_node, err));
    struct import_node *import = (*ret_node)->import;
    if (parser_at_name(parser, "ignore")) {
        TRY(parser_look(parser, err));
        if (parser->ahead.type == TOKEN_NAME && str_is(parser->ahead.text, "missing")) {
            TRY(parser_next(parser, err));
            TRY(parser_next(parser, err));
            import->ignores_missing = true;
        }
    }
    return parse_import_context(parser, &import->has_context, &found, err);
}

static rc parse_import(struct parser *parser, struct node **ret_node, struct err *err)
{
    bool found;
    TRY(begin_import(parser, NODE_IMPORT, ret_node, err));
    TRY(parser_expect_name(parser, "as", err));
    TRY(parse_name_target(parser, &(*ret_node)->import->target, err));
    return parse_import_context(parser, &(*ret_node)->import->has_context, &found, err);
}

static rc parse_from(struct parser *parser, struct node **ret_node, struct err *err)
{
    TRY(begin_import(parser, NODE_FROM_IMPORT, ret_node, err));
    TRY(parser_expect_name(parser, "import", err));
    struct import_node *import = (*ret_node)->import;
    VEC(struct import_name) names = {0};
    bool found = false, skipped;
    for (;;) {
        if (names.count > 0)
            TRY(parser_expect(parser, TOKEN_COMMA, NULL, err));
        TRY(parse_import_context(parser, &import->has_context, &found, err));
        if (found)
            break;
        struct node *target;
        TRY(parse_name_target(parser, &target, err));
        if (target->name.text.bytes[0] == '_')
            return parser_fail(parser, target->line, err,
                               "names starting with an underline can not be imported");
        const struct str name = target->name.text;
        TRY(parser_skip_name(parser, "as", &skipped, err));
        if (skipped)
            TRY(parse_name_target(parser, &target, err));
        *vec_push(parser->arena, &names) = (struct import_name){name, target};
        TRY(parse_import_context(parser, &import->has_context, &found, err));
        if (found || parser->current.type != TOKEN_COMMA)
            break;
    }
    import->names = names.items;
    import->name_count = (uint32_t)names.count;
    return RC_OK;
}

/// dbt's type of a macro parameter: skipped, its text kept.
static rc parse_annotation(struct parser *parser, struct str *ret_text, struct err *err)
{
    const size_t start = parser->current.start;
    size_t end = start, open = 0;
    while (parser->current.type != TOKEN_EOF) {
        const enum token_type type = parser->current.type;
        if (open == 0 && (type == TOKEN_COMMA || type == TOKEN_ASSIGN || type == TOKEN_RPAREN))
            break;
        open += type == TOKEN_LBRACKET;
        open -= type == TOKEN_RBRACKET && open > 0;
        end = parser->current.end;
        TRY(parser_next(parser, err));
    }
    *ret_text = str_slice(parser->lexer.source, start, end - start);
    return RC_OK;
}

static rc parse_signature(struct parser *parser, struct macro_node *macro, struct err *err)
{
    VEC(struct macro_parameter) parameters = {0};
    struct node **name_end = &macro->parameters, **default_end = &macro->defaults;
    bool skipped;
    TRY(parser_expect(parser, TOKEN_LPAREN, NULL, err));
    while (parser->current.type != TOKEN_RPAREN) {
        if (parameters.count > 0) {
            TRY(parser_expect(parser, TOKEN_COMMA, NULL, err));
            if (parser->env->options.has_typed_macros && parser->current.type == TOKEN_RPAREN)
                break;
        }
        struct node *name;
        TRY(parse_name_target(parser, &name, err));
        name->op = NAME_PARAMETER;
        *name_end = name;
        name_end = &name->next;
        struct macro_parameter *parameter = vec_push(parser->arena, &parameters);
        parameter->name = name->name.text;
        if (parser->env->options.has_typed_macros && parser->current.type == TOKEN_COLON) {
            TRY(parser_next(parser, err));
            TRY(parse_annotation(parser, &parameter->type, err));
        }
        TRY(parser_skip_if(parser, TOKEN_ASSIGN, &skipped, err));
        if (skipped) {
            parameter->has_default = true;
            TRY(parse_expression(parser, true, default_end, err));
            default_end = &(*default_end)->next;
            macro->default_count++;
        } else if (macro->default_count > 0) {
            return parser_fail(parser, 0, err, "non-default argument follows default argument");
        }
    }
    macro->info.parameters = parameters.items;
    macro->info.parameter_count = parameters.count;
    return parser_expect(parser, TOKEN_RPAREN, NULL, err);
}

static struct macro_node *new_macro(struct parser *parser, enum node_type type,
                                    struct node **ret_node)
{
    struct node *node = parser_node(parser, type, parser->current.line);
    struct macro_node *macro = ARENA_NEW(parser->arena, struct macro_node);
    node->macro = macro;
    macro->template = parser->template;
    macro->info.template = parser->template;
    macro->info.macro = (const struct macro *)macro;
    macro->info.line = node->line;
    macro->caller_slot = macro->kwargs_slot = macro->varargs_slot = UINT16_MAX;
    *ret_node = node;
    return macro;
}

static bool has_parameter(const struct macro_node *macro, const char *name, bool *ret_has_default)
{
    for (size_t i = 0; i < macro->info.parameter_count; i++)
        if (str_is(macro->info.parameters[i].name, name)) {
            *ret_has_default = macro->info.parameters[i].has_default;
            return true;
        }
    return false;
}

/// A macro's body, and which of caller, varargs and kwargs it wants. Slots are given later.
static rc parse_macro_body(struct parser *parser, struct macro_node *macro, const char *end_tag,
                           struct err *err)
{
    struct mention mention = {.outer = parser->mention};
    const int line = parser->current.line;
    bool has_default = false;
    parser->mention = &mention;
    const size_t start = parser->current.end;
    TRY(parse_body(parser, TAGS(end_tag), true, &macro->body, err));
    parser->mention = mention.outer;
    macro->info.body = str_slice(parser->lexer.source, start, parser->tag_start - start);
    if ((mention.loaded & MENTIONS_CALLER) != 0) {
        macro->info.uses_caller = true;
        if (!has_parameter(macro, "caller", &has_default))
            macro->caller_slot = 0;
        else if (!has_default)
            return parser_fail(parser, line, err,
                               "When defining macros or call blocks the special \"caller\" "
                               "argument must be omitted or be given a default.");
    }
    if ((mention.loaded & MENTIONS_KWARGS) != 0 && !has_parameter(macro, "kwargs", &has_default)) {
        macro->info.uses_kwargs = true;
        macro->kwargs_slot = 0;
    }
    if ((mention.loaded & MENTIONS_VARARGS) != 0 &&
        !has_parameter(macro, "varargs", &has_default)) {
        macro->info.uses_varargs = true;
        macro->varargs_slot = 0;
    }
    return RC_OK;
}

static rc parse_macro(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct macro_node *macro = new_macro(parser, NODE_MACRO, ret_node);
    TRY(parser_next(parser, err));
    TRY(parse_name_target(parser, &macro->target, err));
    macro->info.name = macro->target->name.text;
    TRY(parse_signature(parser, macro, err));
    return parse_macro_body(parser, macro, "endmacro", err);
}

static rc parse_call_block(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct macro_node *macro = new_macro(parser, NODE_CALL_BLOCK, ret_node);
    const int line = parser->current.line;
    macro->info.name = STR("None");
    TRY(parser_next(parser, err));
    if (parser->current.type == TOKEN_LPAREN)
        TRY(parse_signature(parser, macro, err));
    TRY(parse_expression(parser, true, &macro->call, err));
    if (macro->call->type != NODE_CALL)
        return parser_fail(parser, line, err, "expected call");
    return parse_macro_body(parser, macro, "endcall", err);
}

static rc parse_filter_block(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_FILTER_BLOCK, parser->current.line);
    *ret_node = node;
    TRY(parser_next(parser, err));
    TRY(parse_filters(parser, NULL, true, &node->region.filter, err));
    return parse_body(parser, TAGS("endfilter"), true, &node->region.body, err);
}

static rc parse_print(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_OUTPUT, parser->current.line);
    struct node **end = &node->list.items;
    *ret_node = node;
    TRY(parser_next(parser, err));
    while (parser->current.type != TOKEN_BLOCK_END) {
        if (node->list.count > 0)
            TRY(parser_expect(parser, TOKEN_COMMA, NULL, err));
        TRY(parse_expression(parser, true, end, err));
        end = &(*end)->next;
        node->list.count++;
    }
    return RC_OK;
}

static rc parse_do(struct parser *parser, struct node **ret_node, struct err *err)
{
    struct node *node = parser_node(parser, NODE_DO, parser->current.line);
    *ret_node = node;
    TRY(parser_next(parser, err));
    return parse_tuple(parser, &(struct tuple_options){0}, &node->pair.left, err);
}

static rc parse_loop_control(struct parser *parser, struct node **ret_node, struct err *err)
{
    *ret_node = parser_node(parser, parser_at_name(parser, "break") ? NODE_BREAK : NODE_CONTINUE,
                            parser->current.line);
    return parser_next(parser, err);
}

/// `, key=value` of a host's statement; the values are evaluated when the template is done.
static rc parse_options(struct parser *parser, struct macro_node *macro, struct err *err)
{
    VEC(struct keyword_argument) options = {0};
    bool skipped;
    for (;;) {
        TRY(parser_skip_if(parser, TOKEN_COMMA, &skipped, err));
        if (!skipped)
            break;
        struct token name;
        struct node *value;
        TRY(parser_expect(parser, TOKEN_NAME, &name, err));
        struct keyword_argument *option = vec_push(parser->arena, &options);
        *option = (struct keyword_argument){name.text, value_bool(true)};
        TRY(parser_skip_if(parser, TOKEN_ASSIGN, &skipped, err));
        if (!skipped)
            continue;
        TRY(parse_expression(parser, true, &value, err));
        if (value->type == NODE_CONSTANT) {
            option->value = value->constant;
        } else if (value->type == NODE_LIST || value->type == NODE_TUPLE) {
            option->value = value_list_new(parser->arena, value->list.count);
            for (const struct node *item = value->list.items; item != NULL; item = item->next)
                if (item->type == NODE_CONSTANT)
                    list_push(option->value, item->constant);
        } else {
            return parser_fail(parser, name.line, err, "option '%.*s' must be a constant",
                               STR_ARGS(name.text));
        }
    }
    macro->info.options = options.items;
    macro->info.option_count = options.count;
    return RC_OK;
}

static rc parse_host_statement(struct parser *parser, const struct statement_class *class,
                               struct node **ret_node, struct err *err)
{
    struct macro_node *macro = new_macro(parser, NODE_MACRO, ret_node);
    macro->info.statement = class;
    TRY(parser_next(parser, err));
    TRY(parse_name_target(parser, &macro->target, err));
    macro->info.name = macro->target->name.text;
    if (class->header == HEADER_SIGNATURE)
        TRY(parse_signature(parser, macro, err));
    if (class->header == HEADER_OPTIONS)
        TRY(parse_options(parser, macro, err));
    return parse_macro_body(parser, macro, class->end_name, err);
}

typedef rc (*statement_parser)(struct parser *parser, struct node **ret_node, struct err *err);

static const struct {
    const char *name;
    statement_parser parse;
} statements[] = {
    {"set", parse_set},         {"if", parse_if},
    {"for", parse_for},         {"macro", parse_macro},
    {"call", parse_call_block}, {"with", parse_with},
    {"block", parse_block},     {"extends", parse_extends},
    {"include", parse_include}, {"import", parse_import},
    {"from", parse_from},       {"filter", parse_filter_block},
    {"print", parse_print},     {"autoescape", parse_autoescape},
};

static statement_parser find_statement(const struct parser *parser, struct str name)
{
    const struct environment_options *o = &parser->env->options;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        if (str_is(name, statements[i].name))
            return statements[i].parse;
    if (o->has_do && str_is(name, "do"))
        return parse_do;
    if (o->has_loop_controls && (str_is(name, "break") || str_is(name, "continue")))
        return parse_loop_control;
    return NULL;
}

static rc parse_statement(struct parser *parser, struct node **ret_node, struct err *err)
{
    const struct token token = parser->current;
    if (token.type != TOKEN_NAME)
        return parser_fail(parser, token.line, err, "tag name expected");
    const struct str outer = parser->innermost_tag;
    const statement_parser parse = find_statement(parser, token.text);
    const struct environment_options *o = &parser->env->options;
    const struct statement_class *class = NULL;
    for (size_t i = 0; parse == NULL && i < o->statement_count; i++)
        if (str_is(token.text, o->statements[i].name))
            class = &o->statements[i];
    if (parse == NULL && class == NULL)
        return fail_tag(parser, &token, err);
    parser->innermost_tag = token.text;
    TRY(class != NULL ? parse_host_statement(parser, class, ret_node, err)
                      : parse(parser, ret_node, err));
    parser->innermost_tag = outer;
    return RC_OK;
}

rc parse_template(struct parser *parser, struct err *err)
{
    struct mention mention = {0};
    parser->mention = &mention;
    TRY(parser_next(parser, err));
    TRY(parse_body_items(parser, NULL, &parser->template->body, err));
    parser->mention = NULL;
    parser->template->self_slot = (mention.loaded & MENTIONS_SELF) != 0 ? 0 : UINT16_MAX;
    parser->template->blocks = parser->blocks.items;
    parser->template->block_count = (uint32_t)parser->blocks.count;
    return scope_resolve(parser, err);
}
