/// @file normalize_row.c
/// A collected row on its way into the columns: every value is typed, the contract decides about
/// what is new, and only then the row is appended, so that a discarded one leaves no trace. See
/// normalize.intern.h. Layer: ingest.

#include "ingest/normalize.intern.h"

// ---------------------------------------------------------------- typing a row

static enum data_type infer_type(const struct normalizer *normalizer, const struct cell *cell)
{
    const unsigned detectors = normalizer->options.detectors;
    const int64_t now_us = normalizer->options.now_us;
    enum data_type type = DATA_NONE;
    if (cell->type == DATA_TEXT) {
        type = detect_text(cell->text, detectors);
    } else if (cell->type == DATA_BIGINT && cell->is_big) {
        // Larger than any column of integers: wei if it fits 38 digits.
        const bool is_negative = cell->text.length > 0 && cell->text.bytes[0] == '-';
        type = cell->text.length - is_negative <= NORMAL_DECIMAL_PRECISION ? DATA_WEI : DATA_TEXT;
    } else if (cell->type == DATA_BIGINT && (detectors & DETECT_TIMESTAMP)) {
        type = detect_integer(arena_printf(normalizer->scratch, "%lld", (long long)cell->number),
                              detectors, now_us);
    } else if (cell->type == DATA_DOUBLE) {
        type = detect_double(cell->real, detectors, now_us);
    }
    return type == DATA_NONE ? cell->type : type;
}

/// As coerce(), but a decimal takes the digits that were sent instead of the nearest double, and an
/// integer must fit its 64 bits.
static bool fit(struct normalizer *normalizer, const struct name_slot *slot,
                const struct cell *from, enum data_type type, struct cell *ret_cell)
{
    if (from->type == DATA_DOUBLE && (type == DATA_DECIMAL || type == DATA_WEI) &&
        slot->value != NULL && slot->value->kind == JSON_NUMBER) {
        *ret_cell = (struct cell){.type = type};
        return decimal_text_normalize(normalizer->scratch, slot->value->text, &ret_cell->text);
    }
    struct cell cell;
    if (!coerce(normalizer->scratch, from, type, &cell))
        return false;
    if (type == DATA_BIGINT && cell.is_big)
        return false;
    if ((type == DATA_DECIMAL || type == DATA_WEI) && cell.text.length > 0 &&
        (str_contains(cell.text, STR("N")) || str_contains(cell.text, STR("I"))))
        return false; // NaN and infinities exist in no decimal column
    *ret_cell = cell;
    return true;
}

static struct name_slot *variant_slot(struct normalizer *normalizer, struct normal_table *table,
                                      struct name_slot *slot, enum data_type type)
{
    if (slot->variants[type] == NULL) {
        const struct str suffix = str_concat(normalizer->scratch, STR("v_"), data_type_name(type));
        const struct str parts[] = {slot->name, suffix};
        slot->variants[type] = normal_table_slot(
            normalizer, table,
            naming_join(&normalizer->options.naming, normalizer->scratch, parts, 2));
    }
    return slot->variants[type];
}

/// Always an error, so that callers can return it.
static rc coercion_error(const struct normal_table *table, const struct name_slot *slot,
                         const struct cell *cell, struct err *err)
{
    const struct str text = slot->value != NULL && slot->value->kind <= JSON_STRING
                                ? slot->value->text
                                : STR("(nested)");
    return err_set(
        err, RC_INVALID, "column %.*s of table %.*s is %.*s and cannot take the %.*s value '%.*s'",
        STR_ARGS(slot->name), STR_ARGS(table->name), STR_ARGS(data_type_name(slot->column->type)),
        STR_ARGS(data_type_name(cell->type)), STR_ARGS(str_slice(text, 0, 200)));
}

/// Puts a value that its column cannot take into the variant column of its type.
static rc type_variant(struct normalizer *normalizer, struct row *row, struct name_slot *slot,
                       const struct cell *cell, struct err *err)
{
    if (normalizer->options.type_change == TYPE_CHANGE_FAIL) {
        coercion_error(row->table, slot, cell, err);
        return err_hint(err, "on_type_change: variant keeps such values in a column of their own");
    }
    struct name_slot *variant = variant_slot(normalizer, row->table, slot, cell->type);
    normal_row_touch(normalizer, row, variant);
    variant->value = NULL;
    variant->has_cell = true;
    variant->new_type = DATA_NONE;
    variant->cell = *cell;
    if (variant->column != NULL && variant->column->type != DATA_NONE) {
        variant->value = slot->value;
        if (!fit(normalizer, variant, cell, variant->column->type, &variant->cell))
            return coercion_error(row->table, variant, cell, err);
        return RC_OK;
    }
    variant->new_type = infer_type(normalizer, cell);
    variant->is_new_variant = true;
    variant->value = slot->value;
    return fit(normalizer, variant, cell, variant->new_type, &variant->cell)
               ? RC_OK
               : coercion_error(row->table, slot, cell, err);
}

/// Nothing of this run was written out yet.
static bool holds_all_rows(const struct normal_table *table)
{
    return table->total_rows == (int64_t)table->row_count;
}

/// Tries to give the column itself a wider type, as the option on_type_change asks; possible as
/// long as nothing of it was written.
static bool change_type(struct normalizer *normalizer, struct normal_table *table,
                        struct name_slot *slot, const struct cell *cell, struct err *err)
{
    struct normal_column *column = slot->column;
    const enum type_change mode = normalizer->options.type_change;
    if (mode == TYPE_CHANGE_VARIANT || mode == TYPE_CHANGE_FAIL || column->is_landed ||
        column->is_hinted || !holds_all_rows(table))
        return false;
    const bool is_widening = column->type == DATA_BIGINT && cell->type == DATA_DOUBLE;
    if (mode == TYPE_CHANGE_WIDEN && !is_widening)
        return false;
    if (mode == TYPE_CHANGE_TEXT && column->type != DATA_BIGINT && column->type != DATA_DOUBLE &&
        column->type != DATA_BOOL)
        return false;
    const enum data_type type = mode == TYPE_CHANGE_WIDEN ? DATA_DOUBLE : DATA_TEXT;
    struct column_values old = column->values, changed;
    column_values_init(&changed, type, 0, 0);
    for (size_t i = 0; i < old.count; i++) {
        if (column_values_is_null(&old, i))
            continue;
        struct cell from = {.type = old.type}, to;
        if (old.type == DATA_BOOL)
            from.boolean = column_values_bool(&old, i);
        else if (old.type == DATA_DOUBLE)
            from.real = column_values_double(&old, i);
        else
            from.number = column_values_number(&old, i);
        if (!coerce(normalizer->scratch, &from, type, &to) ||
            column_values_append(&changed, i, &to, err) != RC_OK) {
            column_values_done(&changed);
            return false;
        }
    }
    column_values_done(&old);
    column->values = changed;
    column->type = type;
    return true;
}

static rc type_value(struct normalizer *normalizer, struct row *row, struct name_slot *slot,
                     struct err *err)
{
    struct normal_column *column = slot->column;
    const struct cell cell = slot->value != NULL ? cell_of_json(slot->value) : slot->cell;
    slot->has_cell = true;
    slot->new_type = DATA_NONE;
    if (column != NULL && column->type != DATA_NONE) {
        if (column->type == cell.type && !cell.is_big) {
            slot->cell = cell;
            return RC_OK;
        }
        if (fit(normalizer, slot, &cell, column->type, &slot->cell))
            return RC_OK;
        if (change_type(normalizer, row->table, slot, &cell, err) &&
            fit(normalizer, slot, &cell, column->type, &slot->cell))
            return RC_OK;
        slot->has_cell = false;
        return type_variant(normalizer, row, slot, &cell, err);
    }
    slot->is_new_variant = false;
    slot->new_type = infer_type(normalizer, &cell);
    if (fit(normalizer, slot, &cell, slot->new_type, &slot->cell))
        return RC_OK;
    slot->has_cell = false;
    slot->new_type = DATA_NONE;
    return type_variant(normalizer, row, slot, &cell, err);
}

static rc check_null(const struct normal_table *table, struct name_slot *slot, struct err *err)
{
    slot->has_cell = false;
    slot->new_type = DATA_NONE;
    slot->was_null = true;
    if (slot->column == NULL || !slot->column->is_required)
        return RC_OK;
    return err_set(err, RC_INVALID,
                   "column %.*s of table %.*s must not be null, but a record has "
                   "null there",
                   STR_ARGS(slot->name), STR_ARGS(table->name));
}

// ---------------------------------------------------------------- contracts

static bool is_system_name(struct str name)
{
    return str_has_prefix(name, STR("_dlt"));
}

static bool is_new_table(const struct normal_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i]->type != DATA_NONE)
            return false;
    return true;
}

static rc frozen(const struct normal_table *table, const struct name_slot *slot, const char *entity,
                 struct err *err)
{
    if (slot == NULL)
        err_set(err, RC_INVALID, "the data has a new table %.*s, but the contract freezes tables",
                STR_ARGS(table->name));
    else if (slot->value != NULL && slot->value->kind != JSON_NULL &&
             slot->value->kind <= JSON_STRING)
        err_set(err, RC_INVALID,
                "the data has a new column %.*s (%.*s, value '%.*s') in table %.*s, but the "
                "contract freezes %s",
                STR_ARGS(slot->name), STR_ARGS(data_type_name(slot->new_type)),
                STR_ARGS(str_slice(slot->value->text, 0, 100)), STR_ARGS(table->name), entity);
    else
        err_set(err, RC_INVALID,
                "the data has a new column %.*s (%.*s) in table %.*s, but the contract freezes %s",
                STR_ARGS(slot->name), STR_ARGS(data_type_name(slot->new_type)),
                STR_ARGS(table->name), entity);
    return err_hint(err, "let the contract evolve, or discard what is new with discard_value or "
                         "discard_row");
}

/// Decides about the columns that a row would add.
/// @param ret_keep  false: the row is left out
static rc apply_contract(struct row *row, bool *ret_keep, struct err *err)
{
    struct normal_table *table = row->table;
    const struct contract contract = table->contract;
    const bool is_new = is_new_table(table);
    *ret_keep = true;
    if (is_new && contract.tables != CONTRACT_EVOLVE) {
        if (contract.tables == CONTRACT_FREEZE)
            return frozen(table, NULL, "tables", err);
        table->is_filtered = true;
        *ret_keep = false;
        return RC_OK;
    }
    if (is_new && table->parent == NULL)
        table->evolves_once = true;
    const enum contract_mode columns =
        is_new || table->evolves_once ? CONTRACT_EVOLVE : contract.columns;
    for (size_t i = 0; i < table->touched_count; i++) {
        struct name_slot *slot = table->touched[i];
        if (!slot->has_cell || slot->new_type == DATA_NONE)
            continue;
        const enum contract_mode mode = is_system_name(slot->name) ? CONTRACT_EVOLVE
                                        : slot->is_new_variant     ? contract.data_type
                                                                   : columns;
        if (mode == CONTRACT_FREEZE)
            return frozen(table, slot, slot->is_new_variant ? "data types" : "columns", err);
        if (mode == CONTRACT_EVOLVE)
            continue;
        slot->filter = mode;
        slot->has_cell = false;
        if (mode == CONTRACT_DISCARD_ROW)
            *ret_keep = false;
    }
    return RC_OK;
}

/// False for a row with a column for which the contract has discarded a row before.
static bool passes_filters(struct normal_table *table)
{
    for (size_t i = 0; i < table->touched_count; i++) {
        if (table->touched[i]->filter == CONTRACT_DISCARD_ROW)
            return false;
    }
    return true;
}

// ---------------------------------------------------------------- appending

static rc append_row(struct normalizer *normalizer, struct normal_table *table, struct err *err)
{
    for (size_t i = 0; i < table->touched_count; i++) {
        struct name_slot *slot = table->touched[i];
        if (!slot->has_cell)
            continue;
        struct normal_column *column = slot->column;
        if (column == NULL) {
            if (table->column_count >= NORMAL_MAX_COLUMNS)
                return err_set(err, RC_LIMIT, "table %.*s needs more than %d columns",
                               STR_ARGS(table->name), NORMAL_MAX_COLUMNS);
            column = normal_table_add_column(normalizer, table, slot);
            column->is_variant = slot->is_new_variant;
        }
        if (slot->new_type != DATA_NONE)
            normal_column_complete(table, column, slot->new_type);
        if (!column->has_values) {
            normal_column_complete(table, column, column->type);
            column_values_init(&column->values, column->type, column->precision, column->scale);
            column->has_values = true;
        }
        TRY_CONTEXT(column_values_append(&column->values, table->row_count, &slot->cell, err), err,
                    "column %.*s of table %.*s", STR_ARGS(slot->name), STR_ARGS(table->name));
    }
    table->row_count++;
    table->total_rows++;
    return RC_OK;
}

rc normal_row_finish(struct normalizer *normalizer, struct row *row, bool *ret_kept,
                     struct err *err)
{
    struct normal_table *table = row->table;
    *ret_kept = false;
    if (table->is_filtered || !passes_filters(table)) {
        table->discarded_rows++;
        return RC_OK;
    }
    bool has_new = false;
    const size_t count = table->touched_count; // variants are added behind
    for (size_t i = 0; i < count; i++) {
        struct name_slot *slot = table->touched[i];
        if (slot->filter == CONTRACT_DISCARD_VALUE) {
            slot->has_cell = false;
            continue;
        }
        if (slot->value != NULL && slot->value->kind == JSON_NULL)
            TRY(check_null(table, slot, err));
        else
            TRY(type_value(normalizer, row, slot, err));
    }
    for (size_t i = 0; i < table->touched_count; i++)
        has_new =
            has_new || (table->touched[i]->has_cell && table->touched[i]->new_type != DATA_NONE);
    bool is_kept = true;
    if (has_new)
        TRY(apply_contract(row, &is_kept, err));
    if (!is_kept) {
        table->discarded_rows++;
        return RC_OK;
    }
    TRY(append_row(normalizer, table, err));
    *ret_kept = true;
    return RC_OK;
}
