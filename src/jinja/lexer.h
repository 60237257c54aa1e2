/// @file lexer.h
/// Cuts a template's source into tokens. Layer: jinja, private. Source: Jinja2 3.1.6's lexer rules.

#ifndef JINJA_LEXER_H
#define JINJA_LEXER_H

#include "jinja/jinja.h"

enum token_type {
    TOKEN_EOF,
    TOKEN_DATA,
    TOKEN_VARIABLE_BEGIN,
    TOKEN_VARIABLE_END,
    TOKEN_BLOCK_BEGIN,
    TOKEN_BLOCK_END,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_INTEGER,
    TOKEN_FLOAT,
    // operators
    TOKEN_ADD,
    TOKEN_SUB,
    TOKEN_DIV,
    TOKEN_FLOOR_DIV,
    TOKEN_MUL,
    TOKEN_MOD,
    TOKEN_POW,
    TOKEN_TILDE,
    TOKEN_LBRACKET,
    TOKEN_RBRACKET,
    TOKEN_LPAREN,
    TOKEN_RPAREN,
    TOKEN_LBRACE,
    TOKEN_RBRACE,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_ASSIGN,
    TOKEN_DOT,
    TOKEN_COLON,
    TOKEN_PIPE,
    TOKEN_COMMA,
    TOKEN_SEMICOLON,
};

struct token {
    enum token_type type;
    int line;
    struct str text;    // name, decoded string, template data, or as it stands in the source
    size_t start, end;  // in the source
    struct value value; // of numbers
};

enum lexer_state { LEXER_DATA, LEXER_VARIABLE, LEXER_BLOCK, LEXER_LINE_STATEMENT, LEXER_RAW };

struct delimiter {
    struct str text;
    int kind; // lexer.c
};

enum { LEXER_MAX_NESTING = 200 };

struct lexer {
    const struct environment_options *options;
    struct arena *arena;
    struct str source; // newlines normalized
    struct str name;
    size_t at;
    int line;
    enum lexer_state state;
    bool is_line_start;             // the last match ended in a newline, or nothing was matched yet
    bool trims_start;               // a tag with "-" came before: strip white space of the data
    struct delimiter delimiters[5]; // in order of preference
    size_t delimiter_count;
    bool first_bytes[256]; // that a delimiter may begin with
    char brackets[LEXER_MAX_NESTING];
    size_t bracket_count;
};

void lexer_init(struct lexer *lexer, const struct environment_options *options, struct arena *arena,
                struct str source, struct str name);
/// Starts inside an expression: for expression_evaluate().
void lexer_start_expression(struct lexer *lexer);
CHECK rc lexer_next(struct lexer *lexer, struct token *ret_token, struct err *err);
/// "end of statement block", "name", "'+'" ... as messages name it.
const char *token_type_words(enum token_type type);

#endif
