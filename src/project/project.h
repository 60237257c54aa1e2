/// @file project.h
/// A project folder: moulin.yml with its environments, secrets, and where everything lies.
/// Layer: project. Threads: open it in one thread; reading it is free for all afterwards.
/// Source of truth: docs/schema/moulin.schema.json. No network and no heavy library is touched by
/// project_open(); project_catalog() and project_store() connect.

#ifndef PROJECT_PROJECT_H
#define PROJECT_PROJECT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "base/str.h"

struct aws_session;
struct catalog;
struct duck_options;
struct store;
struct yaml;

enum { PROJECT_MAX_FILE_BYTES = 4 << 20 };

/// Where the tables of a namespace lie when not below the warehouse.
struct project_namespace {
    struct str name;     // as project files name it: "analytics"
    struct str location; // URI
};

/// A `local:` stub: what a resource of a state machine answers on this machine.
struct project_local {
    struct str resource; // "arn:aws:states:::sns:publish"
    struct json result;  // its answer, null = the input
};

struct project_environment {
    struct str name;
    struct str region;                          // "" = none
    struct str profile, endpoint_url, role_arn; // of AWS calls; "" = what the process's say
    struct str warehouse; // absolute URI without a slash at the end: file:///... or s3://...
    struct {
        struct str type;        // sql, filesystem, glue; rest may be written, but has no driver
        struct str uri;         // sqlite:////absolute/path, https://...; "" = none
        struct str name;        // the catalog_name column; "default"
        struct str id;          // glue: account whose catalog it is, "" = the caller's
        struct json properties; // every key of `catalog:` as an object (rendered)
    } catalog;
    struct {
        struct str type;        // embedded, duckdb, athena, trino
        int64_t threads;        // 0 = the machine's
        int64_t memory_bytes;   // 0 = the engine's default
        struct json properties; // every key of `engine:`
    } engine;
    struct {
        struct str type;          // local, step_functions
        struct str state_machine; // "dev-{workflow}_pipeline"
    } workflows;
    struct {
        struct str type;   // secretsmanager, ssm; "" = none
        struct str prefix; // "dev-"
    } secrets;
    struct {
        struct str replay; // absolute path of a recording, file or folder; "" = the network
    } http;
    struct str namespace_prefix; // "" = none
    struct project_namespace *namespaces;
    size_t namespace_count;
    struct json names; // `names:`: values for ${name} in state machines, an object
};

struct project {
    struct arena *arena;
    struct str folder;       // absolute path
    struct str file;         // path of moulin.yml as it is shown in messages
    struct str state_folder; // folder/.moulin; use project_state_folder()
    struct str name;
    const struct project_environment *environment; // the chosen one
    struct project_environment *environments;
    size_t environment_count;
    struct {
        struct str namespace_name; // with the environment's prefix
        int format_version;        // 2 or 3
    } landing;
    struct project_local *locals;
    size_t local_count;
    struct json vars; // `vars:` of moulin.yml with those of the command line over them
    struct project_secrets *secrets; // internal
    struct aws_session *aws;         // internal: project_aws()
    struct store *store;             // internal: project_store()
    struct catalog *catalog;         // internal: project_catalog()
};

struct project_options {
    struct str folder;      // "" = "."
    struct str environment; // "" = default_environment of moulin.yml
    struct str_pair {
        struct str name, value;
    } const *vars; // --var name=value
    size_t var_count;
};

/// Reads moulin.yml, checks it against its schema, renders its values, resolves paths.
/// @param ret_project  lives in `arena`
/// @return RC_OK | RC_NOT_FOUND (no moulin.yml in the folder) | RC_CONFIG (file:line:column)
CHECK rc project_open(struct arena *arena, struct project_options options,
                      struct project **ret_project, struct err *err);

/// Path of a file of the project: `name` is relative to the project's folder.
CHECK rc project_path(const struct project *project, struct arena *arena, struct str name,
                      struct str *ret_path, struct err *err);

/// Where this machine's notes about the project lie (history of runs): .moulin in its folder, or,
/// where that cannot be written, a folder of this user's below TMPDIR. It is made.
CHECK rc project_state_folder(const struct project *project, struct arena *arena,
                              struct str *ret_folder, struct err *err);
/// Whether files can be made in the project's folder.
bool project_is_writable(const struct project *project);

/// The value of {{ secret('a/b') }}: the environment variable MOULIN_SECRET_A_B (other characters
/// than letters and digits become _), else the key a: {b: ...} or "a/b" of secrets.yml, else what
/// the environment's `secrets:` names: the JSON key "b" of the secret <prefix>a in Secrets Manager
/// (all of its text for a name without a slash), or the SSM parameter /<prefix>/a/b. What comes
/// from AWS is asked for once in the life of the project.
/// @return RC_OK | RC_NOT_FOUND (names the places) | RC_CONFIG (secrets.yml is broken, the secret
///         is no JSON object) | as aws_call
CHECK rc project_secret(const struct project *project, struct arena *arena, struct str name,
                        struct str *ret_secret, struct err *err);

/// Namespace as the catalog has it: with the environment's prefix.
struct str project_namespace_of(const struct project *project, struct arena *arena,
                                struct str name);

/// The session of all AWS calls of the environment: its `region`, `profile`, `endpoint_url` and
/// `role_arn` over what the process's environment and the shared files say. Opened at the first
/// call, closed with the project's arena. No network.
CHECK rc project_aws(struct project *project, struct aws_session **ret_session, struct err *err);

/// The environment's catalog and the store of its warehouse, opened at the first call and closed
/// with the project's arena.
CHECK rc project_catalog(struct project *project, struct catalog **ret_catalog, struct err *err);
CHECK rc project_store(struct project *project, struct store **ret_store, struct err *err);

/// The engine's threads and memory limit, and the buckets of the project's store; everything else
/// is the default.
CHECK rc project_duck_options(struct project *project, struct duck_options *ret_options,
                              struct err *err);

/// Renders one YAML tree: every text with {{ env_var('X'[, 'default']) }}, {{ var('x'[, default])
/// }} or {{ secret('a/b') }} is replaced; a text that is nothing but one such call takes the type
/// that dbt's native rendering gives it ("3" -> 3, "true" -> true; a secret stays text). Nodes keep
/// their places.
/// @param placeholder_keys  NULL-terminated, may be NULL: below these keys other double braces are
///                          text (dlt's escapes in GraphQL bodies); elsewhere they are an error
/// @return RC_OK | RC_CONFIG (with file:line:column) | RC_NOT_FOUND (a variable or secret)
CHECK rc project_render(const struct project *project, struct arena *arena, const struct yaml *root,
                        const char *const *placeholder_keys, const struct yaml **ret_root,
                        struct err *err);

#endif
