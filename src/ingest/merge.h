/// @file merge.h
/// Write dispositions: how the staged rows of a root table and its children change what is landed.
/// Everything is computed by the engine over staged and landed files; landed files that lose rows
/// are written anew (copy-on-write). Layer: ingest. Threads: one.
/// Source: dlt's merge strategies. Better than dlt: rows that are landed already with the same
/// content are left alone, so a run that brings nothing new changes nothing.

#ifndef INGEST_MERGE_H
#define INGEST_MERGE_H

#include "ingest/landing.h"

struct merge_rule {
    enum write_disposition disposition;
    enum merge_strategy strategy;
    // scd2:
    struct str valid_from, valid_to; // empty = _dlt_valid_from, _dlt_valid_to
    bool has_active_us;              // rows in force have this time in valid_to, not NULL
    int64_t active_us;
    int64_t boundary_us; // when the new versions begin
};

/// The rule of a resource. @return RC_OK | RC_CONFIG
CHECK rc merge_rule_of(const struct resource *resource, int64_t now_us, struct merge_rule *ret_rule,
                       struct err *err);
/// Gives a table the columns that the rule needs. Before its first row.
void merge_declare(struct normalizer *normalizer, struct normal_table *root,
                   const struct merge_rule *rule);

/// Puts the changes of a root table and its children into their transactions. All rows must have
/// been flushed.
/// @param ret_changed  whether there is anything to commit
/// @return RC_OK | RC_INVALID (NULL in a key) | RC_CONFIG (no key) | as the engine
CHECK rc merge_apply(struct landing *landing, struct landing_table *root,
                     const struct merge_rule *rule, bool *ret_changed, struct err *err);

#endif
