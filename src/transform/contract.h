/// @file contract.h
/// `contract: {enforced: true}`: the columns that properties promise are compared with those of the
/// model's SQL before anything is built. Layer: transform. Source: dbt-core 1.12 and dbt-adapters;
/// constraints: not_null and check stop the build at the first row that breaks them, the others are
/// warned of by name. Threads: as the scope's.

#ifndef TRANSFORM_CONTRACT_H
#define TRANSFORM_CONTRACT_H

#include "transform/session.h"

/// What can be told without a database: columns and types are given, constraints have known types.
/// @return RC_OK | RC_CONFIG
CHECK rc contract_check(struct transform *t, const struct node *node, struct err *err);

/// Compares names and types of the scope's model with its contract.
/// @param stores   a table: its columns come in the order of the contract, and rows are checked
/// @param ret_sql  the query to build from; `sql` itself without a contract
/// @return RC_OK | RC_INVALID (they differ: the message is a table of the differences) | what the
///         engine says
CHECK rc contract_apply(struct scope *scope, struct session *session, struct str sql, bool stores,
                        struct str *ret_sql, struct err *err);

#endif
