/// @file ast.h
/// The tree that a template becomes. Layer: jinja, private.
/// Nodes live in the template's arena and never change after parsing; lists are chained by `next`.
/// Names are resolved while parsing (scope.h): `depth` functions up, `slot` of that frame.

#ifndef JINJA_AST_H
#define JINJA_AST_H

#include "jinja/jinja.h"
#include "jinja/number.h"

enum node_type {
    NODE_CONSTANT,
    NODE_NAME,
    NODE_GET_ATTRIBUTE,
    NODE_GET_ITEM,
    NODE_SLICE,
    NODE_CALL,
    NODE_FILTER,
    NODE_TEST,
    NODE_LIST,
    NODE_TUPLE,
    NODE_DICT,
    NODE_CONDITION,
    NODE_AND,
    NODE_OR,
    NODE_NOT,
    NODE_NEGATE,
    NODE_POSITIVE,
    NODE_BINARY,
    NODE_CONCAT,
    NODE_COMPARE,
    NODE_OPERAND,
    NODE_NAMESPACE_REF,
    NODE_TEXT, // template data
    NODE_OUTPUT,
    NODE_SET,
    NODE_SET_BLOCK,
    NODE_FOR,
    NODE_IF,
    NODE_WITH,
    NODE_MACRO,
    NODE_CALL_BLOCK,
    NODE_FILTER_BLOCK,
    NODE_DO,
    NODE_BREAK,
    NODE_CONTINUE,
    NODE_AUTOESCAPE,
    NODE_BLOCK,
    NODE_EXTENDS,
    NODE_INCLUDE,
    NODE_IMPORT,
    NODE_FROM_IMPORT,
    NODE_TYPE_COUNT,
};

enum name_context { NAME_LOAD, NAME_STORE, NAME_PARAMETER };

enum compare_operator {
    COMPARE_EQ,
    COMPARE_NE,
    COMPARE_LT,
    COMPARE_LE,
    COMPARE_GT,
    COMPARE_GE,
    COMPARE_IN,
    COMPARE_NOT_IN,
};

/// Where a name lives at run time.
struct name_place {
    uint16_t depth; // functions up
    uint16_t slot;
    bool is_lazy; // looked up in the context at the first use
};

/// What happens to a name when its scope is entered.
enum load_kind { LOAD_PARAMETER, LOAD_RESOLVE, LOAD_ALIAS, LOAD_UNDEFINED };
struct scope_load {
    enum load_kind kind;
    uint16_t slot;
    struct name_place outer; // of LOAD_ALIAS
    struct str name;
};

/// A name with its place: to hand the local variables on to an include.
struct local_name {
    struct str name;
    struct name_place place;
};

struct scope_info {
    struct scope_load *loads;
    uint32_t load_count;
    struct local_name *locals; // every name stored here or further out
    uint32_t local_count;
};

/// A piece of code with its own frame: template body, macro, block, recursive loop.
struct function_info {
    uint16_t slot_count;
    bool has_inner; // other functions may keep its frame
};

struct node_keyword {
    struct str name;
    struct node *value;
};

struct node_arguments {
    struct node *items; // positional
    uint32_t count;
    uint32_t keyword_count;
    struct node_keyword *keywords;
    struct node *star, *double_star;
};

struct filter_entry { // of the environment
    struct str name;
    native_function function;
    void *self;
    bool is_volatile; // depends on more than its arguments, or gives a marker: never a constant
};

struct for_node;
struct if_node;
struct macro_node;
struct block_node;
struct import_node;

struct node {
    uint8_t type;    // enum node_type
    uint8_t op;      // binary_operator, compare_operator, name_context; flags of others
    uint16_t method; // attribute: number of the built-in method of this name, 0 = none
    int32_t line;
    struct node *next;
    union {
        struct value constant;
        struct str text;
        struct {
            struct str text;
            struct node *next_name; // while the scope is analysed
            struct name_place place;
        } name;
        struct {
            struct str variable, attribute;
            struct node *name; // a NODE_NAME that loads the variable
        } reference;           // namespace.attribute as a target
        struct {
            struct node *object;
            struct str name;
        } attribute;
        struct {
            struct node *left, *right;
        } pair; // binary, and, or, get_item; unary ones use left
        struct {
            struct node *start, *stop, *step;
        } slice;
        struct {
            struct node *callee;
            struct node_arguments *arguments;
        } call;
        struct {
            struct node *input;
            struct node_arguments *arguments; // NULL = none
            const struct filter_entry *entry; // NULL: unknown, an error when it is reached
            struct str name;
        } filter; // and test
        struct {
            struct node *items; // a dict's items are keys and values in turn
            uint32_t count;
        } list; // list, tuple, dict, concat, compare (first, then operands), output
        struct {
            struct node *test, *then, *otherwise;
        } condition;
        struct {
            struct node *target, *value;
        } set; // set, import targets
        struct {
            struct node *target, *filter, *body;
            struct scope_info *scope;
        } set_block;
        struct {
            struct node *targets, *values, *body;
            struct scope_info *scope;
        } with;
        struct {
            struct node *filter, *body; // filter block, autoescape (filter = the option)
            struct scope_info *scope;
        } region;
        struct for_node *loop;
        struct if_node *branch;
        struct macro_node *macro;
        struct block_node *block;
        struct import_node *import;
    };
};

struct if_node {
    struct node *test, *body;
    struct if_node *elif; // next branch
    struct node *otherwise;
    bool has_otherwise;
};

struct for_node {
    struct node *target, *iterable, *test, *body, *otherwise;
    struct scope_info *scope, *test_scope, *else_scope;
    struct function_info function; // of a recursive loop
    uint16_t loop_slot;
    bool is_recursive, has_loop_object, has_otherwise;
};

struct macro_node {
    struct macro_info info;
    struct node *parameters, *defaults; // names; expressions for the last ones
    uint32_t default_count;
    struct node *body;
    struct node *call;   // of a call block
    struct node *target; // NODE_NAME that is stored; NULL for call blocks
    struct scope_info *scope;
    struct function_info function;
    const struct template *template;
    uint16_t caller_slot, kwargs_slot, varargs_slot; // UINT16_MAX = not used
    bool is_top_level;
};

struct block_node {
    struct str name;
    struct node *body;
    struct scope_info *scope, *outer; // outer: for `scoped`, the names around it
    struct function_info function;
    const struct template *template;
    uint16_t self_slot, super_slot;
    bool is_scoped, is_required, is_top_level;
};

struct import_name {
    struct str name;
    struct node *target;
};

struct import_node { // include, import, from import
    struct node *template;
    struct node *target;
    struct import_name *names;
    uint32_t name_count;
    bool ignores_missing, has_context, is_top_level;
    struct scope_info *scope;
};

struct template
{
    struct environment *env;
    struct str name, source;
    struct node *body;
    struct scope_info *scope;
    struct function_info function;
    uint16_t self_slot;
    struct block_node **blocks;
    uint32_t block_count;
    struct macro_info *macros; // made when parsing ends
    size_t macro_count;
    bool has_extends;
    bool has_blocks_or_imports; // somebody may read the context's variables by name
};

#endif
