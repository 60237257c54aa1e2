/// @file parser.h
/// Tokens to tree. Layer: jinja, private.

#ifndef JINJA_PARSER_H
#define JINJA_PARSER_H

#include "jinja/ast.h"
#include "jinja/environment.h"
#include "jinja/lexer.h"

/// Names with a meaning that depends on whether a body mentions them.
enum {
    MENTIONS_CALLER = 1,
    MENTIONS_KWARGS = 2,
    MENTIONS_VARARGS = 4,
    MENTIONS_LOOP = 8,
    MENTIONS_SELF = 16,
    MENTIONS_SUPER = 32,
};

/// Notes which of those a body loads before it stores them.
struct mention {
    unsigned loaded, stored;
    struct mention *outer;
};

/// The tags that end a body, and those of the body around it.
struct awaited_tags {
    const char *const *tags; // NULL-terminated
    const struct awaited_tags *outer;
};

enum { PARSER_MAX_DEPTH = 200 };

struct parser {
    struct environment *env;
    struct arena *arena;
    struct template *template;
    struct lexer lexer;
    struct token current, ahead;
    bool has_ahead;
    struct mention *mention;
    unsigned depth;
    size_t tag_start; // offset of the `{%` that was read last
    struct str innermost_tag;
    const struct awaited_tags *awaited; // what the bodies around wait for
    VEC(struct block_node *) blocks;
};

void parser_init(struct parser *parser, struct environment *env, struct arena *arena,
                 struct template *template);
CHECK rc parser_next(struct parser *parser, struct err *err);
CHECK rc parser_look(struct parser *parser, struct err *err); // fills parser->ahead
CHECK rc parser_expect(struct parser *parser, enum token_type type, struct token *ret_token,
                       struct err *err);
CHECK rc parser_expect_name(struct parser *parser, const char *name, struct err *err);
CHECK rc parser_skip_if(struct parser *parser, enum token_type type, bool *ret_skipped,
                        struct err *err);
CHECK rc parser_skip_name(struct parser *parser, const char *name, bool *ret_skipped,
                          struct err *err);
bool parser_at_name(const struct parser *parser, const char *name);
rc parser_fail(struct parser *parser, int line, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5);
rc parser_fail_assertion(struct parser *parser, int line, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5); // TemplateAssertionError
struct node *parser_node(struct parser *parser, enum node_type type, int line);
/// One level deeper; RC_LIMIT when it is too deep. Pair with parser->depth--.
/// Says so: RC_LIMIT.
rc parser_too_deep(struct parser *parser, struct err *err);
CHECK rc parser_enter(struct parser *parser, struct err *err);

struct tuple_options {
    bool has_no_condition; // no `x if y` inside
    bool is_target;        // only names and literals; names are stored
    bool is_parenthesised; // may be empty
    bool allows_namespace; // ns.name
    const char *end_name;  // this name ends it too
};
CHECK rc parse_expression(struct parser *parser, bool with_condition, struct node **ret_node,
                          struct err *err);
CHECK rc parse_tuple(struct parser *parser, const struct tuple_options *options,
                     struct node **ret_node, struct err *err);
CHECK rc parse_target(struct parser *parser, const char *end_name, bool allows_namespace,
                      struct node **ret_node, struct err *err);
CHECK rc parse_name_target(struct parser *parser, struct node **ret_node, struct err *err);
CHECK rc parse_filters(struct parser *parser, struct node *input, bool starts_inline,
                       struct node **ret_node, struct err *err);

/// The whole template body.
CHECK rc parse_template(struct parser *parser, struct err *err);

/// scope.h: gives every name its place. @return RC_OK | RC_INVALID (unknown filter, loop variable)
CHECK rc scope_resolve(struct parser *parser, struct err *err);

#endif
