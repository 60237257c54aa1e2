/// @file parse.h
/// From files to the manifest: macros, properties, models, seeds, tests, sources; then the edges.
/// Layer: transform. Source: dbt-core 1.12's parsers.

#ifndef TRANSFORM_PARSE_H
#define TRANSFORM_PARSE_H

#include "transform/manifest.h"
#include "transform/scope.h"

/// A file found below one of a package's folders.
struct source_file {
    struct package *package;
    struct str path;     // below its resource folder: "staging/a.sql"
    struct str original; // below the package's folder: "models/staging/a.sql"
    struct str full;     // to open it
};
VEC_TYPE(source_file_vec, struct source_file);

/// Files below `folders` of a package whose names end so, sorted by path. Missing folders are none.
CHECK rc parse_find_files(struct transform *t, struct package *package, const str_vec *folders,
                          struct str ending, source_file_vec *files, struct err *err);

/// Everything. Afterwards t->manifest is complete with edges.
CHECK rc parse_project(struct transform *t, struct err *err);

/// Macros of a text: the built-in packages use it as well.
CHECK rc parse_macros(struct transform *t, struct package *package, struct str text,
                      struct str path, struct err *err);

/// A node of SQL with what its text says: refs, sources, config. The names are resolved.
CHECK rc parse_sql_node(struct transform *t, struct node *node, struct value patch_config,
                        struct err *err);
struct node *parse_new_node(struct transform *t, enum node_type type,
                            const struct source_file *file, struct str name);
/// database, schema, alias by generate_*_name, and the relation's name.
CHECK rc parse_names(struct transform *t, struct node *node, struct err *err);
/// Finds parents by refs and sources. @return RC_CONFIG when one does not exist
CHECK rc parse_edges(struct transform *t, struct node *node, struct err *err);

// ---- properties.c
struct patch {
    struct package *package;
    const struct yaml *node;
    struct str path; // of the file
    bool is_used;
};
struct properties {
    struct map patches; // "models.package.name" -> struct patch
    VEC(struct patch) sources;
};
/// Reads all property files: patches and source tables; macros' and docs' texts.
CHECK rc properties_read(struct transform *t, struct properties *properties, struct err *err);
struct patch *properties_find(const struct properties *properties, const char *kind,
                              const struct node *node);
/// Rendered `config:` of a patch (and the old top-level spellings of it).
CHECK rc properties_config(struct transform *t, const struct yaml *patch, struct value *ret_config,
                           struct err *err);
/// Description, columns, meta of a node.
CHECK rc properties_apply(struct transform *t, struct node *node, const struct patch *patch,
                          struct err *err);
/// Source tables as nodes, with their tests.
CHECK rc properties_sources(struct transform *t, struct properties *properties, struct err *err);
/// The generic tests of a patch: of the resource and of its columns.
CHECK rc generic_tests_of(struct transform *t, struct node *target, const struct patch *patch,
                          const char *kind, struct err *err);
/// Puts the rendered arguments of a generic test where its text looks for them.
CHECK rc generic_test_bind(struct scope *scope, const struct node *node, struct err *err);
CHECK rc properties_render_doc(struct transform *t, struct package *package,
                               const struct yaml *node, struct str *ret_text, struct err *err);

#endif
