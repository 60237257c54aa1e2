/// @file config.h
/// Node configuration: defaults, dbt_project.yml, properties and config() put together.
/// Layer: transform. Source: dbt-core 1.12 (order and merge rules; reference of dbt "configs").

#ifndef TRANSFORM_CONFIG_H
#define TRANSFORM_CONFIG_H

#include "transform/manifest.h"

/// Default values of a type's configuration, in the order in which the manifest shows them.
struct value config_defaults(struct arena *arena, enum node_type type);

/// Merges one setting into a configuration: tags, hooks and packages are appended, meta, docs,
/// quoting, column_types and contract updated, grants extended, everything else replaced.
CHECK rc config_merge(struct arena *arena, struct value config, struct str key, struct value value,
                      struct err *err);
CHECK rc config_merge_dict(struct arena *arena, struct value config, struct value from,
                           struct err *err);

/// The whole configuration of a node in node->config; later ones win: defaults, the node's own
/// project, its properties (`patch_config`, may be MISSING), its config() calls, the root project.
CHECK rc config_resolve(struct transform *t, struct node *node, struct value patch_config,
                        struct err *err);

/// Refuses or warns of options that are known to dbt and do nothing here.
/// @return RC_OK | RC_UNSUPPORTED
CHECK rc config_check(struct transform *t, const struct node *node, struct err *err);

#endif
