/// @file contract.h
/// Schema contracts: what happens when data brings a table, a column or a type that is new.
/// Layer: ingest. Source: dlt's schema contracts (tables, columns, data_type).

#ifndef INGEST_CONTRACT_H
#define INGEST_CONTRACT_H

#include "base/err.h"
#include "base/json.h"

enum contract_mode {
    CONTRACT_EVOLVE,        // the schema follows the data
    CONTRACT_FREEZE,        // the load fails
    CONTRACT_DISCARD_ROW,   // the row is left out, nested rows too
    CONTRACT_DISCARD_VALUE, // the value is left out (a table: all its rows)
};

struct contract {
    enum contract_mode tables, columns, data_type;
};

/// @param json  a mode for all three, or an object with some of them; NULL = `fallback`
/// @return RC_OK | RC_CONFIG
CHECK rc contract_parse(const struct json *json, struct contract fallback,
                        struct contract *ret_contract, struct err *err);

#endif
