/// @file transform.h
/// `moulin transform`: a dbt project parsed, compiled and built. Layer: transform.
/// Source: behaviour of dbt-core 1.12. What a caller needs is here; the parts are in the headers
/// beside it (manifest.h first).

#ifndef TRANSFORM_TRANSFORM_H
#define TRANSFORM_TRANSFORM_H

#include "transform/manifest.h"

struct project;

enum transform_verb {
    VERB_PARSE,
    VERB_COMPILE,
    VERB_LIST,
    VERB_RUN,
    VERB_TEST,
    VERB_SEED,
    VERB_BUILD,
    VERB_SHOW,
};

struct transform_options {
    struct str project_folder;  // "" = "."
    struct str profiles_folder; // "" = DBT_PROFILES_DIR, the project's folder, ~/.dbt
    struct str profile, target; // "" = as the files say
    struct str vars;            // YAML or JSON mapping; "" = none
    const struct str *select;   // union of words; none = all
    size_t select_count;
    const struct str *exclude;
    size_t exclude_count;
    const struct str *resource_types; // --resource-type
    size_t resource_type_count;
    int64_t threads; // 0 = as the profile says
    bool full_refresh, fail_fast, empty;
    struct str inline_sql; // compile, show
    int64_t limit;         // show: rows; < 0 = all
    struct str target_path;
    struct str namespace_prefix; // throw-away schemas: built into "<prefix><schema>"; "" = none
    int64_t now_us;              // --now; 0 = the clock
    struct project *project;     // of moulin.yml; NULL = a folder with dbt's files alone
    /// Progress lines, as dbt words them; NULL = none.
    void (*progress)(void *context, struct str line);
    void *progress_context;
};

/// Reads the project and parses all of it: afterwards the graph is known.
/// @param ret_transform  lives in `arena`
/// @return RC_OK | RC_CONFIG | RC_INVALID (err has file:line:column) | RC_NOT_FOUND
CHECK rc transform_open(struct arena *arena, struct transform_options *options,
                        struct transform **ret_transform, struct err *err);

enum run_status {
    STATUS_SUCCESS,
    STATUS_PASS,
    STATUS_WARN,
    STATUS_FAIL,
    STATUS_ERROR,
    STATUS_SKIPPED,
    STATUS_COUNT,
};
extern const char *const run_status_names[STATUS_COUNT]; // as run_results.json writes them

struct run_result {
    struct node *node;
    enum run_status status;
    struct str message; // "" = none
    int64_t failures;   // of tests; -1 = none
    int64_t compile_start_us, compile_end_us, execute_start_us, execute_end_us;
    struct value response; // adapter_response
};
VEC_TYPE(run_result_vec, struct run_result);

struct run_summary {
    run_result_vec results;
    size_t counts[STATUS_COUNT];
    int64_t elapsed_us;
};

/// Chooses nodes by --select and --exclude, in the order of the graph.
CHECK rc transform_select(struct transform *t, enum transform_verb verb, node_vec *ret_nodes,
                          struct err *err);

/// With throw-away schemas: what `nodes` read, is not selected, and does not exist there, is read
/// from the environment's own schemas. Nothing without a prefix; transform_run calls it.
CHECK rc transform_defer(struct transform *t, const node_vec *nodes, struct err *err);
/// A node's schema without the prefix of throw-away schemas.
struct str transform_own_schema(const struct transform *t, const struct node *node);

/// Does a verb's work over the selected nodes and writes target/.
/// @return RC_OK also when nodes failed: see the counts
CHECK rc transform_run(struct transform *t, enum transform_verb verb,
                       struct run_summary *ret_summary, struct err *err);

/// Path of a file that is written: below the project's folder, or below --target-path when that is
/// absolute. "..", as in fs_join, is refused.
CHECK rc transform_path(const struct transform *t, struct arena *arena, struct str name,
                        struct str *ret_path, struct err *err);

/// "Done. PASS=5 WARN=0 ERROR=0 SKIP=0 TOTAL=5"
struct str transform_summary_line(struct arena *arena, const struct run_summary *summary);

/// Renders one node as SQL that can be sent (ephemeral parents injected).
CHECK rc transform_compile_node(struct transform *t, struct node *node, struct err *err);

/// target/manifest.json; target/run_results.json.
CHECK rc transform_write_manifest(struct transform *t, struct err *err);
CHECK rc transform_write_results(struct transform *t, enum transform_verb verb,
                                 const struct run_summary *summary, struct err *err);
CHECK rc transform_manifest_json(struct transform *t, struct arena *arena, struct json *ret_json,
                                 struct err *err);

/// Adds a node for SQL given on the command line.
CHECK rc transform_add_inline(struct transform *t, struct str sql, struct node **ret_node,
                              struct err *err);

/// Ends connections. Called by the arena's end too.
void transform_close(struct transform *t);

#endif
