/// @file jinja.h
/// Jinja2 templates: parse once, render often. Layer: jinja.
/// Source: Jinja2 3.1.6 (behaviour), with the additions that dbt makes (typed macro parameters,
/// block statements, return()). Threads: an environment is set up by one thread and read-only
/// after; templates are read-only; a render belongs to one thread. So many threads may render one
/// template at once, each with its own arena and context.
/// Limits: struct render_limits; over them RC_LIMIT. Nesting of the source: 200 levels.
///
///     struct environment *env = environment_new(arena, &(struct environment_options){0});
///     TRY(template_parse(env, arena, text, "models/a.sql", &template, err));
///     TRY(template_render(template, &(struct render_options){.arena = scratch, .context =
///     &context},
///                         &out, err));

#ifndef JINJA_JINJA_H
#define JINJA_JINJA_H

#include "jinja/value.h"

struct environment;
struct template;
struct macro;

// ---------------------------------------------------------------- environment

enum native_mode {
    NATIVE_OFF,   // text
    NATIVE_JINJA, // jinja2.nativetypes: one node keeps its type, text is read as a Python literal
    NATIVE_DBT,   // dbt's YAML rendering: text stays text unless as_bool, as_number or as_native
};

/// A block statement that the host adds: `{% name HEADER %} body {% end_name %}`.
/// At the top level of a template it becomes a macro, listed by template_macros().
enum statement_header {
    HEADER_SIGNATURE, // name(parameter=default, ...)           dbt's test, data_test
    HEADER_OPTIONS,   // name, key='value', key=[...], flag      dbt's materialization
    HEADER_NAME,      // name                                    dbt's docs, snapshot
};
struct statement_class {
    const char *name;     // "materialization"
    const char *end_name; // "endmaterialization"
    enum statement_header header;
};

/// Gives the source of another template, for include, import and extends.
/// @return RC_OK | RC_NOT_FOUND | other
typedef rc (*template_loader)(void *host, struct arena *arena, struct str name,
                              struct str *ret_source, struct err *err);

/// Zero is Jinja's default everywhere.
struct environment_options {
    bool trim_blocks, lstrip_blocks, keep_trailing_newline;
    bool has_do, has_loop_controls; // extensions
    bool autoescape;
    bool is_sandboxed;     // SandboxedEnvironment: names with _ are undefined, range() is limited
    bool is_immutable;     // ImmutableSandboxedEnvironment: lists, dicts, sets do not change
    bool has_typed_macros; // dbt: macro m(a: str, b: list[int] = [])
    bool has_dbt_filters;  // as_text, as_bool, as_number, as_native, is_list
    enum native_mode native;
    enum undefined_kind undefined;
    struct str block_start, block_end, variable_start, variable_end, comment_start, comment_end;
    struct str line_statement_prefix, line_comment_prefix;
    const struct statement_class *statements; // borrowed
    size_t statement_count;
    template_loader loader; // called while rendering: then one render at a time
    void *loader_host;
};

/// @param arena    holds the environment and templates that its loader brings
/// @param options  copied; its texts and statements are borrowed
struct environment *environment_new(struct arena *arena, const struct environment_options *options);
void environment_set_global(struct environment *env, struct str name, struct value value);
/// A filter gets the value as the first argument; so does a test, which returns a bool.
void environment_set_filter(struct environment *env, struct str name, native_function function,
                            void *self);
void environment_set_test(struct environment *env, struct str name, native_function function,
                          void *self);

// ---------------------------------------------------------------- templates

/// @param arena  holds the template
/// @param text   borrowed: must live as long as the template
/// @param name   file name for messages; borrowed
/// @return RC_OK | RC_INVALID (TemplateSyntaxError: err has place and line) | RC_LIMIT
CHECK rc template_parse(struct environment *env, struct arena *arena, struct str text,
                        struct str name, struct template **ret_template, struct err *err);

/// Where names that a template does not set come from: `values` first, then `lookup`, then
/// `parent`, then the environment's globals.
struct context {
    struct value values; // VALUE_DICT, or VALUE_MISSING
    /// @return RC_OK, *ret_value left VALUE_MISSING when the host does not know the name
    rc (*lookup)(struct render *render, void *host, struct str name, struct value *ret_value,
                 struct err *err);
    void *host;
    const struct context *parent; // or NULL
};

struct render_limits {
    uint64_t fuel;       // steps: nodes evaluated, items iterated, bytes made / 64; 0 = 1e9
    size_t output_bytes; // of one render; 0 = 256 MiB
    size_t memory_bytes; // of values made by one render; 0 = 1 GiB
    uint32_t call_depth; // macros, includes, recursive loops; 0 = 500
};

/// The exception that ended a render.
struct render_failure {
    char exception[48];              // "UndefinedError", "TypeError", or what the host threw
    char message[ERR_MESSAGE_BYTES]; // without place and call stack
    char template_name[ERR_PLACE_BYTES];
    int line;
};

struct render_options {
    struct arena *arena;           // values made by the render live here
    const struct context *context; // NULL = empty
    struct render_limits limits;
    enum undefined_kind undefined; // with has_undefined, instead of the environment's
    bool has_undefined;
    void *host;                         // for host functions: render_host()
    struct render_failure *ret_failure; // NULL = not wanted
};

/// Appends the text. @return RC_OK | RC_FAILED (err: place, line, the exception's words, then the
/// call stack of macros) | RC_LIMIT | what a host function returned
CHECK rc template_render(const struct template *template, const struct render_options *options,
                         struct buf *to, struct err *err);
/// The typed result: what a native environment gives (environment_options.native).
CHECK rc template_render_native(const struct template *template,
                                const struct render_options *options, struct value *ret_value,
                                struct err *err);
/// Parses and evaluates one expression without braces: "a + 1".
CHECK rc expression_evaluate(struct environment *env, struct str expression,
                             const struct render_options *options, struct value *ret_value,
                             struct err *err);

// ---------------------------------------------------------------- macros

struct macro_parameter {
    struct str name;
    bool has_default;
    struct str type; // source text of the annotation (dbt); empty = none
};

/// A macro, or a host's block statement, at the top level of a template.
struct macro_info {
    const struct statement_class *statement; // NULL: an ordinary macro
    struct str name;
    const struct macro_parameter *parameters;
    size_t parameter_count;
    bool uses_varargs, uses_kwargs, uses_caller;
    const struct keyword_argument *options; // HEADER_OPTIONS: constants; a bare flag is true
    size_t option_count;
    struct str body; // source between the tags (docs and snapshot take it as it stands)
    int line;
    const struct macro *macro; // to call it
    const struct template *template;
};
/// @return number of them; *ret_macros is an array that lives with the template
size_t template_macros(const struct template *template, const struct macro_info **ret_macros);

/// A callable value for a macro of another template, bound to a context: what a host's lookup
/// gives for a macro's name. Every call runs in the macro's own template with that context.
/// @param context  borrowed: must live as long as the value
/// @param is_return_boundary  `return(x)` inside it ends this macro and gives x (dbt's macros)
struct value value_macro(struct arena *arena, const struct macro_info *macro,
                         const struct context *context, bool is_return_boundary);

/// Calls any callable value. Inside host functions use the render that was passed in.
CHECK rc render_call(struct render *render, struct value callable,
                     const struct arguments *arguments, struct value *ret_value, struct err *err);
/// Calls a macro from outside of any render (as dbt runs generate_schema_name or an operation).
CHECK rc macro_call(struct environment *env, const struct macro_info *macro,
                    const struct render_options *options, const struct arguments *arguments,
                    struct value *ret_value, struct err *err);

/// The function `return`: ends the nearest macro that is a return boundary with a value.
struct value value_return_function(struct arena *arena);

/// Every call with a constant callee path in a template, statically: `f(...)`, `pkg.f(...)`,
/// `adapter.dispatch('f', 'ns')(...)`. Used for depends_on.macros and ref/source lists.
struct call_site {
    struct str path[4]; // "adapter", "dispatch"
    size_t path_length;
    const struct keyword_argument *arguments; // constants; VALUE_MISSING where not constant;
    size_t argument_count;                    // positional ones have an empty name
    const struct macro_info *macro;           // the one it stands in; NULL: template body
    int line;
};
typedef void (*call_visitor)(void *host, const struct call_site *site);
void template_visit_calls(const struct template *template, struct arena *arena,
                          call_visitor visitor, void *host);

// ---------------------------------------------------------------- for host functions

struct arena *render_arena(struct render *render);
void *render_host(struct render *render);
struct environment *render_environment(struct render *render);
/// Names of the macros being run, outermost first, for `context_macro_stack`.
size_t render_macro_stack(struct render *render, struct str *ret_names, size_t max_names);
/// Fails with a named exception: return render_throw(render, err, "CompilationError", "...").
rc render_throw(struct render *render, struct err *err, const char *exception, const char *format,
                ...) PRINTF_LIKE(4, 5);
/// Makes the undefined value of this render.
struct value render_undefined(struct render *render, struct str name);

/// Puts arguments into named slots: names[0..count), the first `required` must be given. Slots that
/// were not given become VALUE_MISSING. @return RC_OK | RC_FAILED (TypeError, as Python words it)
CHECK rc arguments_bind(struct render *render, const char *function,
                        const struct arguments *arguments, const char *const *names,
                        size_t required, size_t count, struct value *ret_values, struct err *err);
/// getattr(value, name) and value[key] with Jinja's rules (attribute first, or item first).
CHECK rc render_get_attribute(struct render *render, struct value value, struct str name,
                              struct value *ret_value, struct err *err);
CHECK rc render_get_item(struct render *render, struct value value, struct value key,
                         struct value *ret_value, struct err *err);

#endif
