/// @file scope.h
/// What a template sees while it is rendered: macros first, then dbt's functions and variables.
/// Layer: transform. Source: dbt's contexts (base, target, provider; parse and run time).
/// Threads: a scope belongs to one thread and dies with its arena.

#ifndef TRANSFORM_SCOPE_H
#define TRANSFORM_SCOPE_H

#include "transform/manifest.h"

enum scope_phase {
    PHASE_YAML,  // dbt_project.yml, profiles.yml, properties: no macros, no nodes
    PHASE_PARSE, // execute is false; ref(), source() and config() are written down
    PHASE_RUN,   // execute is true
};
enum { IN_YAML = 1 << PHASE_YAML, IN_PARSE = 1 << PHASE_PARSE, IN_RUN = 1 << PHASE_RUN };

struct session;

struct scope {
    struct context context; // .values: names that the engine adds (sql, pre_hooks, ...)
    struct transform *t;
    struct arena *arena;
    enum scope_phase phase;
    struct node *node;       // that is rendered; NULL = none
    struct package *package; // whose macros are looked up first
    struct map cache;        // name -> struct value: what a lookup gave
    struct value results;    // dict: store_result() by name
    struct session *session; // database connection; NULL before it is needed
    str_vec *dependencies;   // ids of nodes that ref() found, NULL = not wanted
    node_vec ephemerals;     // referenced ones, for CTEs
    size_t macro_depth;      // macros that are being called
};

/// @param node  NULL for YAML, hooks have their own
void scope_init(struct scope *scope, struct transform *t, struct arena *arena,
                enum scope_phase phase, struct node *node);
/// Adds a name that hides all others.
void scope_set(struct scope *scope, const char *name, struct value value);

/// Text; a string without template marks is returned as it is.
CHECK rc scope_render_text(struct scope *scope, struct str text, struct str name,
                           struct str *ret_text, struct err *err);
CHECK rc scope_render_template(struct scope *scope, const struct template *template,
                               struct str *ret_text, struct err *err);
/// A YAML string: typed as dbt's native rendering types it.
CHECK rc scope_render_native(struct scope *scope, struct str text, struct str name,
                             struct value *ret_value, struct err *err);
bool has_template_marks(struct str text);

/// Finds a macro as an unqualified name. @param package  whose own macros come first; NULL = root
struct macro_entry *scope_find_macro(const struct transform *t, const struct package *package,
                                     struct str name);
/// Calls a macro by entry.
CHECK rc scope_call(struct scope *scope, struct macro_entry *macro,
                    const struct arguments *arguments, struct value *ret_value, struct err *err);

/// One dbt function or variable. `make` gives variables, `function` functions.
struct scope_name {
    const char *name;
    native_function function; // self = the scope
    struct value (*make)(struct scope *scope);
    unsigned phases;
};
extern const struct scope_name scope_base_names[];    // context_base.c
extern const struct scope_name scope_node_names[];    // context_node.c
extern const struct scope_name scope_adapter_names[]; // context_adapter.c

// ---- objects shared by the context files

enum relation_type {
    RELATION_UNKNOWN,
    RELATION_TABLE,
    RELATION_VIEW,
    RELATION_CTE,
    RELATION_OTHER
};

struct relation {
    struct object object;
    struct str database, schema, identifier;
    enum relation_type type;
    bool quotes_database, quotes_schema, quotes_identifier;
    bool hides_database, hides_schema, hides_identifier; // include(...)
    bool is_empty; // --empty: renders as a subquery without rows
    struct str alias;
};
extern const struct object_class relation_class;
struct relation *relation_new(struct arena *arena, struct str database, struct str schema,
                              struct str identifier, enum relation_type type);
struct relation *relation_of_node(struct arena *arena, const struct node *node);
struct relation *relation_of_value(struct value value); // NULL when it is none
struct str relation_render(struct arena *arena, const struct relation *relation);
struct value relation_api(struct arena *arena); // api.Relation
struct value relation_value(struct relation *relation);

struct column_object {
    struct object object;
    struct str name;
    struct str dtype;                    // as DuckDB spells it: "DECIMAL(10,2)"
    struct str base;                     // without arguments: "DECIMAL"
    int64_t char_size, precision, scale; // -1 = none
};
struct value column_value(struct arena *arena, struct str name, struct str type);
struct value column_api(struct arena *arena, struct transform *t); // api.Column

/// agate.Table over a result: names, types and rows of values.
struct table_object {
    struct object object;
    struct value *names; // str
    size_t column_count, row_count;
    struct value *cells; // row by row
};
struct table_object *table_object_new(struct arena *arena, size_t columns, size_t rows);
struct table_object *table_object_of(struct value value);

struct value modules_value(struct arena *arena);
struct value graph_value(struct transform *t);
/// An attribute that is a function of an object: self = object.
struct value bound(struct arena *arena, const char *name, native_function function, void *self);
struct value empty_table(struct arena *arena);

#endif
