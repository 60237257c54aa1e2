/// @file environment.h
/// What an environment holds. Layer: jinja, private.

#ifndef JINJA_ENVIRONMENT_H
#define JINJA_ENVIRONMENT_H

#include "base/map.h"
#include "jinja/ast.h"

struct environment {
    struct arena *arena;
    struct environment_options options; // delimiters filled in
    struct value globals;               // VALUE_DICT
    struct map filters, tests;          // struct filter_entry *
    struct map templates;               // by name, what the loader brought
};

/// Gives a template that the loader knows; parsed once.
CHECK rc environment_load(struct environment *env, struct str name, const struct template **ret,
                          struct err *err);

void environment_add_filters(struct environment *env);
void environment_add_tests(struct environment *env);
void environment_add_globals(struct environment *env);

/// One line of a table of built-in filters, tests or globals.
struct builtin {
    const char *name;
    native_function function;
    bool is_volatile;
};

/// Number of a built-in method's name, 0 = none. methods.c
uint16_t method_number(struct str name);

#endif
