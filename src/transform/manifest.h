/// @file manifest.h
/// The parsed project: packages, macros, nodes (models, seeds, tests, sources ...) and what each
/// one depends on. Layer: transform. Source: dbt's manifest v12 (dbt-core 1.12), whose words are
/// kept. Threads: built by one thread; while nodes run, only the node's own worker writes to it.

#ifndef TRANSFORM_MANIFEST_H
#define TRANSFORM_MANIFEST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/yaml.h"
#include "jinja/jinja.h"

enum {
    TRANSFORM_MAX_FILE_BYTES = 16 << 20,
    TRANSFORM_MAX_NODES = 1000000,
    TRANSFORM_MAX_FOLDER_DEPTH = 64,
};

enum node_type {
    NODE_MODEL,
    NODE_SEED,
    NODE_TEST,
    NODE_ANALYSIS,
    NODE_SOURCE,
    NODE_OPERATION,     // a hook of the project
    NODE_SQL_OPERATION, // text given on the command line
    NODE_TYPE_COUNT,
};
extern const char *const node_type_names[NODE_TYPE_COUNT];

/// One dbt project: the root or an installed package.
struct package {
    struct str name;
    struct str folder; // as given: "." or "dbt_packages/dbt_utils"
    bool is_root, is_builtin;
    struct str version, profile_name;
    str_vec model_paths, seed_paths, test_paths, analysis_paths, macro_paths;
    str_vec clean_targets;
    struct str target_path, packages_path;
    struct value configs[NODE_TYPE_COUNT]; // trees of dbt_project.yml, dicts or MISSING
    struct value vars;                     // dict, strings not rendered
    struct value quoting;                  // dict
    struct value dispatch;                 // list
    str_vec on_run_start, on_run_end;
    struct map macros; // name -> struct macro_entry
};
VEC_TYPE(package_vec, struct package *);

struct adapter_class;

/// The chosen output of profiles.yml.
struct profile {
    struct str name, target_name;
    struct str type; // what macros and packages see: "duckdb"
    struct str database, schema;
    int64_t threads;
    bool is_moulin; // `type: moulin`: the engine of moulin.yml's environment
    const struct adapter_class *class;
    struct str place;      // where its output is written, for messages
    struct str path;       // database file; "" or ":memory:"
    struct value settings; // all keys of the output, rendered
};

struct macro_entry {
    struct str name; // with prefix: "test_unique", "materialization_table_default"
    struct str unique_id;
    struct package *package;
    struct str path; // relative to the package's folder
    struct str sql;  // the whole block
    struct str description;
    const struct macro_info *info;
    struct macro_entry **calls; // macros it calls, found in its text
    size_t call_count;
    bool has_calls; // .calls is filled
};

struct doc_entry {
    struct str name, unique_id, path;
    struct package *package;
    struct str contents;
};

struct node_ref {
    struct str package; // "" = any
    struct str name;
    struct str version; // "" = latest
};
VEC_TYPE(node_ref_vec, struct node_ref);

struct source_ref {
    struct str source, table;
};
VEC_TYPE(source_ref_vec, struct source_ref);

struct node;
VEC_TYPE(node_vec, struct node *);
VEC_TYPE(value_vec, struct value);

struct node {
    enum node_type type;
    struct package *package;
    struct str unique_id, name;
    struct str path;          // relative to its resource folder
    struct str original_path; // relative to the project's folder
    struct str raw_code;
    struct str checksum;
    str_vec fqn;
    struct str database, schema, alias;
    struct str relation_name; // rendered; "" = none
    bool hides_database;      // embedded engine: names are schema.table, as in `moulin query`
    struct value config;      // dict, all keys of its type
    struct value unrendered_config;
    value_vec config_calls; // dicts of config(...) in the file
    const struct yaml *patch;
    struct str patch_path; // "package://models/schema.yml"; "" = none
    struct str description;
    struct value columns, meta, docs; // dicts
    struct value constraints;         // of the model as a whole: list or MISSING
    str_vec tags;
    struct str group;
    bool is_enabled;
    node_ref_vec refs;
    source_ref_vec sources;
    node_vec parents; // what it depends on, in the order of use
    node_vec children;
    struct map macro_names; // unique ids of macros called at the top level of its text
    const struct template *template;

    // tests
    bool is_generic;
    struct str test_name, test_namespace; // "unique"
    struct value test_kwargs;             // dict, not rendered
    struct str column_name, file_key_name;
    struct node *attached;

    // sources
    struct str source_name, source_description, loader, identifier;
    struct value source_meta, external;
    struct value quoting; // dict: database, schema, identifier
    const struct yaml *source_yaml;

    // compilation
    bool is_compiled;
    struct str rendered_code; // without CTEs
    struct str compiled_code; // with CTEs
    struct str build_path, compiled_path;
    str_vec cte_ids; // of ephemeral models, dependencies first
    str_vec cte_sqls;
    size_t number; // in the manifest
    size_t level;  // topological; SIZE_MAX = not known
    uint32_t mark; // of graph walks
    bool is_selected;
    bool is_failed;       // or skipped: what depends on it is skipped
    bool is_gated;        // a test of what it depends on failed
    struct value as_dict; // cache for `model` and `graph`
};

struct manifest {
    node_vec nodes;     // all enabled ones, sources included, in parse order
    struct map by_id;   // unique id -> struct node
    struct map by_name; // refable name -> node_vec (models, seeds)
    struct map sources; // "source.table" -> struct node
    struct map disabled;
    struct map docs;   // "package.name" -> struct doc_entry
    struct map macros; // unique id -> struct macro_entry
};

struct adapter;

enum transform_flag_state { FLAG_DEFAULT, FLAG_OFF, FLAG_ON };

/// One call of `moulin transform`.
struct transform {
    struct arena *arena;
    struct transform_options *options;
    struct str folder;    // of the root project
    package_vec packages; // root first, then in the order of their names
    struct package *root;
    struct package *builtin, *builtin_adapter; // `dbt` and `dbt_duckdb`
    struct profile profile;
    struct value cli_vars; // dict
    struct manifest manifest;
    struct environment *env;    // text
    struct environment *native; // typed: for YAML
    struct adapter *adapter;    // NULL until something must be executed
    struct str invocation_id;
    int64_t started_us;
    struct value graph;     // cache
    struct value target;    // dict
    struct map scope_names; // what templates may use -> struct scope_name
    const char *which;      // the verb, for flags.WHICH
    node_vec selected;
    bool is_full_refresh, is_empty;
    size_t warning_count;
};

/// A schema as the engine has it: an engine that is sent SQL sees the environment's namespaces with
/// their prefix.
struct str transform_schema(const struct transform *t, struct str schema);
/// Looks a node up for ref(). @return NULL when there is none
struct node *manifest_ref(const struct transform *t, const struct package *from, struct str package,
                          struct str name, struct str version);
struct node *manifest_source(const struct transform *t, struct str source, struct str table);
struct package *transform_package(const struct transform *t, struct str name);

/// Adds a node under its unique id. @return RC_OK | RC_CONFIG (two files define one thing)
CHECK rc manifest_add(struct transform *t, struct node *node, struct err *err);

/// The node as templates and manifest.json see it.
struct value node_as_dict(struct transform *t, struct arena *arena, struct node *node);

bool node_is_refable(const struct node *node);
struct str config_str(const struct node *node, const char *key); // "" when absent or none
struct str node_materialized(const struct node *node);

#endif
