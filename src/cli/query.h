/// @file query.h
/// Read-only SQL over a catalog's tables, by the environment's engine. Embedded: only the tables
/// that a query names are looked at; each becomes a view over the files of its snapshot. Layer:
/// cli. Threads: the main thread.

#ifndef CLI_QUERY_H
#define CLI_QUERY_H

#include "cli/command.h"
#include "cli/table_name.h"
#include "duck/duck.h"

struct query_options {
    const struct str *snapshots; // "TABLE=ID", of --snapshot
    size_t snapshot_count;
    int64_t as_of_ms; // for all tables; 0 = now
    int64_t limit;    // rows that are printed; -1 = all
};

/// Runs one SELECT and prints its rows through context->output, as they come.
/// @return RC_OK | RC_USAGE (no SELECT) | RC_NOT_FOUND (table, snapshot) | RC_INVALID (SQL) | ...
CHECK rc query_run(struct command_context *context, struct str sql,
                   const struct query_options *options, struct err *err);

/// The same where the environment's engine is sent SQL (trino, athena).
CHECK rc query_run_engine(struct command_context *context, struct project *project, struct str sql,
                          const struct query_options *options, struct err *err);

/// How values of a kind are printed, and some rows of them. @param left  rows that may still be
/// printed, counted down; -1 = all
enum output_kind query_output_kind(enum duck_kind kind);
CHECK rc query_print_rows(struct output *output, const struct duck_rows *rows,
                          struct arena *scratch, int64_t *left, struct err *err);

#endif
