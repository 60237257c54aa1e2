/// @file jsonpath.intern.h
/// The compiled form of a JSONPath, between its parser and its evaluator. Layer: base.

#ifndef BASE_JSONPATH_INTERN_H
#define BASE_JSONPATH_INTERN_H

#include "base/jsonpath.h"
#include "base/regex.h"

enum step_kind {
    STEP_ROOT,
    STEP_THIS,
    STEP_PARENT,
    STEP_FIELDS,   // .names
    STEP_WILDCARD, // every member or item
    STEP_INDEX,    // .indexes
    STEP_SLICE,    // .slice
    STEP_CHILD,    // left . right
    STEP_DESCENDANTS,
    STEP_UNION,
    STEP_WHERE,
    STEP_WHERE_NOT,
    STEP_FILTER, // .condition
};

VEC_TYPE(index_vec, int64_t);

struct slice {
    int64_t start, end, step;
    bool has_start, has_end, has_step;
};

enum test_kind {
    TEST_EXISTS,
    TEST_NOT, // of a path: nothing is found
    TEST_COMPARE,
    TEST_MATCHES, // =~
    TEST_AND,
    TEST_OR,
};

enum compare_op { OP_EQUAL, OP_NOT_EQUAL, OP_LESS, OP_LESS_EQUAL, OP_GREATER, OP_GREATER_EQUAL };

struct step;

struct condition {
    enum test_kind kind;
    const struct step *path;      // what is looked at
    enum compare_op op;           // COMPARE
    const struct step *other;     // COMPARE with a path; NULL: with .literal
    struct json literal;          // COMPARE
    const struct regex *pattern;  // MATCHES
    const struct condition *left; // AND, OR
    const struct condition *right;
};

struct step {
    enum step_kind kind;
    str_vec names;
    index_vec indexes;
    struct slice slice;
    const struct step *left, *right;
    const struct condition *condition;
};

struct jsonpath {
    struct str text;
    const struct step *step;
};

#endif
