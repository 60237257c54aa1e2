/// @file normalize.intern.h
/// What the files of the normalizer share: the names of a table's rows, and the row at hand.
/// normalize_table.c has tables, columns and hints; normalize.c walks a record and collects its
/// rows; normalize_row.c types, checks and appends a collected row. Layer: ingest. Internal to
/// normalize*.c.

#ifndef INGEST_NORMALIZE_INTERN_H
#define INGEST_NORMALIZE_INTERN_H

#include "ingest/normalize.h"

enum {
    NORMAL_MAX_COLUMNS = 20000,    // of one table
    NORMAL_DECIMAL_PRECISION = 38, // of decimals and wei without a hint
    NORMAL_DECIMAL_SCALE = 9,
};

/// A name in a table's rows, whether or not it has become a column.
struct name_slot {
    struct str name;
    struct normal_column *column;                // NULL: never hinted nor typed
    enum contract_mode filter;                   // not EVOLVE: left out from now on
    struct name_slot *variants[DATA_TYPE_COUNT]; // by the type that did not fit
    // of the row at hand:
    uint64_t row;             // number of the row that touched it last
    const struct json *value; // NULL when `cell` is given
    struct cell cell;
    bool has_cell;           // `cell` is to be appended
    enum data_type new_type; // the column that this row would add, DATA_NONE = none
    bool is_new_variant;
    bool was_null; // in some row
};

/// A list that was found in a row: its rows follow when that row is complete.
struct pending_list {
    struct list_shape *list;
    const struct json *items;
};
VEC_TYPE(pending_lists, struct pending_list);

/// The row at hand: its values stand in the slots that it touched.
struct row {
    struct normal_table *table;
    uint64_t number; // distinguishes this row's values from older ones in the slots
    pending_lists lists;
};

/// The slot of a name, made at the first call.
struct name_slot *normal_table_slot(struct normalizer *normalizer, struct normal_table *table,
                                    struct str name);
struct normal_column *normal_table_add_column(struct normalizer *normalizer,
                                              struct normal_table *table, struct name_slot *slot);
/// Gives a column its type and what follows from type and name: precision, keys, NOT NULL.
void normal_column_complete(struct normal_table *table, struct normal_column *column,
                            enum data_type type);

/// Makes the slot one of the row's; the value is for the caller to set.
static inline void normal_row_touch(struct normalizer *normalizer, struct row *row,
                                    struct name_slot *slot)
{
    struct normal_table *table = row->table;
    if (slot->row == row->number) {
        normalizer->name_clashes++;
        return;
    }
    slot->row = row->number;
    vec_grow(normalizer->arena, (void **)&table->touched, table->touched_count,
             &table->touched_capacity, sizeof(struct name_slot *));
    table->touched[table->touched_count++] = slot;
}

/// Types, checks and appends what was collected.
/// @param ret_kept  false: the contract leaves the row out, nothing of it was appended
/// @return RC_OK | RC_INVALID (contract freeze, NULL in a required column, a value that fits
///   nowhere) | RC_LIMIT
CHECK rc normal_row_finish(struct normalizer *normalizer, struct row *row, bool *ret_kept,
                           struct err *err);

#endif
