/// @file views.h
/// The views of the embedded engine's models: SQL texts, kept beside the tables, since neither
/// PyIceberg's SQL catalog nor Glue has a place for them that other clients would understand.
/// Layer: transform. Threads: one.
///
/// They lie in <warehouse>/_moulin/views/<environment>/v<N>.json: whoever opens the warehouse, a
/// task in the cloud or a laptop, has the same ones. A change writes version N+1, which must be
/// new; who loses that race reads again and repeats his change, so that no change is lost on any
/// store. Projects of before have .moulin/views/<environment>.json, which is read until the first
/// change. Limits: VIEWS_MAX_BYTES for all of an environment.

#ifndef TRANSFORM_VIEWS_H
#define TRANSFORM_VIEWS_H

#include "base/vec.h"
#include "project/project.h"

enum { VIEWS_MAX_BYTES = 64 << 20 };

struct view_entry {
    struct str schema, name, sql;
};
VEC_TYPE(view_vec, struct view_entry);

struct views;

/// Reads them. @param ret_views  in `arena`
CHECK rc views_open(struct arena *arena, struct project *project, struct views **ret_views,
                    struct err *err);
/// As last read or written; borrowed until the next change.
const view_vec *views_list(const struct views *views);
/// NULL when there is none. Case does not matter.
const struct view_entry *views_find(const struct views *views, struct str schema, struct str name);

/// Each of these is written before it returns; nothing is written when nothing changes.
/// @return RC_OK | RC_LIMIT | RC_CONFLICT (others change them without end) | as store_put
CHECK rc views_set(struct views *views, struct str schema, struct str name, struct str sql,
                   struct err *err);
CHECK rc views_remove(struct views *views, struct str schema, struct str name, struct err *err);
/// Forgets the views of every schema whose name starts so. @param ret_count  how many there were
CHECK rc views_remove_prefix(struct views *views, struct str prefix, size_t *ret_count,
                             struct err *err);

#endif
