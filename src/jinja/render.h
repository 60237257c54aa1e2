/// @file render.h
/// The state of one render and the parts of the evaluator. Layer: jinja, private.

#ifndef JINJA_RENDER_H
#define JINJA_RENDER_H

#include "jinja/ast.h"
#include "jinja/environment.h"

enum {
    DEFAULT_CALL_DEPTH = 500,
    STACK_BYTES_MAX = 3 * 1024 * 1024, // of the C stack, whatever the nesting is made of
    RANGE_MAX = 100000,                // of the sandbox
    ITEMS_MAX = 10000000,              // of a list that one operation makes
};

/// A body of a block and the one that it overrides.
struct block_chain {
    struct str name;
    const struct block_node *block;
    struct block_chain *parent; // the same block of the template that is extended
    struct block_chain *next;   // another name
};

/// jinja's Context: the names that one template works with.
struct variables {
    const struct template *template;
    const struct context *host;    // of the caller; NULL: only what is inside
    const struct variables *outer; // of an include or a scoped block; NULL = none
    struct value locals;           // VALUE_DICT handed in by an include, else VALUE_MISSING
    struct value assigned;         // VALUE_DICT of top-level assignments, made at the first one
    struct value exported;         // VALUE_DICT: what an import may take
    struct block_chain *blocks;
    const struct template *parent; // that this template extends
    bool keeps_assigned;
};

/// The variables of one function call.
struct frame {
    struct frame *outer; // lexically
    struct value *slots;
    struct variables *variables;
    struct frame *next_free;
    bool asks_context; // around a macro that the host bound: its template's body never ran
};

/// A macro that is running, for messages and the recursion limit.
struct call_record {
    struct str name;
    const struct call_record *outer;
};

enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE };

enum { FRAME_CLASSES = 5 };

struct render {
    struct environment *env;
    struct arena *arena;
    const struct render_options *options;
    struct frame *frame;
    struct buf *out;
    struct value nodes; // native: VALUE_LIST that collects, else VALUE_MISSING
    uint64_t fuel;
    size_t memory_max; // the arena's size at which the render ends
    uint32_t depth, depth_max;
    const char *stack_start;
    const struct call_record *calls;
    enum flow flow;
    bool is_returning; // with RC_FAILED: a return() is on its way
    bool autoescape;
    bool is_muted; // an extends was seen: what the child writes outside of blocks is dropped
    enum undefined_kind undefined;
    struct value returned;
    struct frame *free_frames[FRAME_CLASSES];
};

// ---------------------------------------------------------------- eval.c

CHECK rc eval(struct render *r, const struct node *node, struct value *ret_value, struct err *err);
CHECK rc eval_filter(struct render *r, const struct node *node, const struct value *input,
                     struct value *ret_value, struct err *err);
CHECK rc assign(struct render *r, const struct node *target, struct value value, struct err *err);
/// The value of a place, looked up in the context when it is lazy; VALUE_MISSING when unknown.
CHECK rc load_place(struct render *r, struct name_place place, struct str name,
                    struct value *ret_value, struct err *err);
CHECK rc resolve_name(struct render *r, struct variables *variables, struct str name,
                      struct value *ret_value, struct err *err);
CHECK rc eval_call(struct render *r, const struct node *node, const struct value *caller,
                   struct value *ret_value, struct err *err);

// ---------------------------------------------------------------- operators.c

CHECK rc binary_operation(struct render *r, enum binary_operator op, struct value a, struct value b,
                          struct value *ret_value, struct err *err);
CHECK rc compare_operation(struct render *r, enum compare_operator op, struct value a,
                           struct value b, bool *ret_result, struct err *err);
CHECK rc value_contains(struct render *r, struct value container, struct value item,
                        bool *ret_result, struct err *err);
CHECK rc value_slice(struct render *r, struct value value, struct value start, struct value stop,
                     struct value step, struct value *ret_value, struct err *err);
/// value[key] as Python does it. *ret_value stays VALUE_MISSING when there is no such item.
CHECK rc value_get_item(struct render *r, struct value value, struct value key,
                        struct value *ret_value, struct err *err);

// ---------------------------------------------------------------- exec.c

CHECK rc exec_body(struct render *r, const struct node *body, struct err *err);
CHECK rc enter_scope(struct render *r, const struct scope_info *scope, struct err *err);
struct frame *frame_new(struct render *r, const struct function_info *function, struct frame *outer,
                        struct variables *variables);
void frame_free(struct render *r, const struct function_info *function, struct frame *frame);

/// Collects what is written until capture_end(), which gives it as a value.
struct capture {
    size_t mark;
    struct value nodes;
};
void capture_begin(struct render *r, struct capture *capture);
CHECK rc capture_end(struct render *r, const struct capture *capture, struct value *ret_value,
                     struct err *err);
/// Gives up what was written since.
void capture_drop(struct render *r, const struct capture *capture);
CHECK rc emit_value(struct render *r, struct value value, struct err *err);
CHECK rc emit_text(struct render *r, struct str text, struct err *err);

// ---------------------------------------------------------------- call.c

/// A macro with the frame it was defined in.
struct macro_object {
    struct object object;
    const struct macro_node *node;
    struct frame *closure; // NULL: the host bound it to `context`
    const struct context *context;
    bool is_return_boundary;
    bool autoescape;
};
extern const struct object_class macro_class;
struct value macro_value(struct render *r, const struct macro_node *node);
bool value_is_callable(struct value value);

/// A method bound to its receiver.
struct value bound_method(struct render *r, struct value self, uint16_t method);
CHECK rc call_method(struct render *r, struct value self, uint16_t method,
                     const struct arguments *arguments, struct value *ret_value, struct err *err);
/// True when values of this kind have the method.
bool has_method(struct value self, uint16_t method);
const char *method_name(uint16_t method);
/// Attributes that are no methods: dates, ranges, exceptions. VALUE_MISSING when there is none.
struct value builtin_attribute(struct render *r, struct value value, struct str name);

CHECK rc enter_call(struct render *r, struct err *err);
void leave_call(struct render *r);
CHECK rc spend(struct render *r, uint64_t fuel, struct err *err);

// ---------------------------------------------------------------- loop.c

struct loop_object;
CHECK rc exec_for(struct render *r, const struct node *node, struct err *err);

// ---------------------------------------------------------------- inherit.c

CHECK rc exec_block(struct render *r, const struct node *node, struct err *err);
CHECK rc exec_extends(struct render *r, const struct node *node, struct err *err);
CHECK rc exec_include(struct render *r, const struct node *node, struct err *err);
CHECK rc exec_import(struct render *r, const struct node *node, struct err *err);
void set_variable(struct render *r, struct str name, struct value value);
/// Runs a template's body with its variables, then what it extends.
CHECK rc run_template(struct render *r, const struct template *template,
                      struct variables *variables, struct err *err);
struct value self_object(struct render *r);
struct value super_object(struct render *r, const struct block_node *block);

// ---------------------------------------------------------------- undefined.c

/// Undefined for a variable, an attribute, or with words of its own.
struct value undefined_name(struct render *r, struct str name);
struct value undefined_attribute(struct render *r, struct value owner, struct str name);
struct value undefined_hint(struct render *r, struct str name, const char *format, ...)
    PRINTF_LIKE(3, 4);
/// UndefinedError with its words.
rc undefined_fail(struct value value, struct err *err);
/// "None", "dict object", "Relation object"
const char *owner_words(struct render *r, struct value value);
void undefined_message(const struct undefined_info *info, char *to, size_t to_bytes);

// ---------------------------------------------------------------- objects.c

/// A one-shot iterator that holds its items: what map() or select() give.
struct value generator_value(struct arena *arena, const char *type, struct value list);
/// dict.keys(), .values(), .items(): shows the dict as it is.
enum view_kind { VIEW_KEYS, VIEW_VALUES, VIEW_ITEMS };
struct value view_value(struct arena *arena, enum view_kind kind, struct value dict);
bool value_is_generator(struct value value);
/// next(): VALUE_MISSING at the end.
struct value generator_next(struct value generator);
struct value namespace_value(struct arena *arena, struct value dict);
bool value_is_namespace(struct value value);
struct value type_value(struct arena *arena, const char *name);

// ---------------------------------------------------------------- html.c, format.c

/// Builds text in the arena: begin, append to the buf, end.
struct str buf_take(struct arena *arena, struct buf *buf);
void html_escape(struct str text, struct buf *to);
struct value markup_value(struct str text);
/// str(value) escaped unless it is Markup: as Markup.
CHECK rc escape_value(struct render *r, struct value value, struct value *ret_value,
                      struct err *err);
/// str.format, str.format_map and the % operator.
CHECK rc format_braces(struct render *r, struct value text, const struct arguments *arguments,
                       const struct value *mapping, struct value *ret_value, struct err *err);
CHECK rc format_percent(struct render *r, struct value text, struct value argument,
                        struct value *ret_value, struct err *err);
/// format(value, spec).
CHECK rc format_spec(struct render *r, struct value value, struct str spec, struct buf *to,
                     struct err *err);

// ---------------------------------------------------------------- native.c

/// Python's ast.literal_eval; false when the text is no literal.
bool literal_eval(struct arena *arena, struct str text, struct value *ret_value);
CHECK rc native_concat(struct render *r, struct value nodes, struct value *ret_value,
                       struct err *err);
bool is_constant_expression(const struct node *node);
bool has_safe_repr(struct value value);
/// dbt's as_text, as_bool ...: VALUE_STR or another value with a mark.
struct marked_value {
    struct object object;
    struct value value; // a str
    char mark;          // 't'ext, 'n'ative, 'b'ool, 'd' number
};
const struct marked_value *marked_value_of(struct value value);
struct value mark_value(struct arena *arena, struct value text, char mark);

#endif
