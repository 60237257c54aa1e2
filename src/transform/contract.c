#include "transform/contract.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { MAX_COLUMN_WIDTH = 50, MAX_TABLE_BYTES = 760 };

enum constraint_type {
    CONSTRAINT_NOT_NULL,
    CONSTRAINT_CHECK,
    CONSTRAINT_UNIQUE,
    CONSTRAINT_PRIMARY_KEY,
    CONSTRAINT_FOREIGN_KEY,
    CONSTRAINT_CUSTOM,
    CONSTRAINT_TYPE_COUNT,
};
static const char *const constraint_names[CONSTRAINT_TYPE_COUNT] = {
    "not_null", "check", "unique", "primary_key", "foreign_key", "custom"};

static struct value item_of(struct value dict, const char *key)
{
    return dict.kind == VALUE_DICT ? dict_get_str(dict, str_of(key)) : value_missing();
}

static struct str text_in(struct value dict, const char *key)
{
    const struct value value = item_of(dict, key);
    return value.kind == VALUE_STR ? value_text(value) : STR("");
}

static bool is_enforced(const struct node *node)
{
    const struct value enforced = item_of(dict_get_str(node->config, STR("contract")), "enforced");
    return enforced.kind == VALUE_BOOL && value_is_true(enforced);
}

static bool is_stored(const struct node *node)
{
    const struct str materialized = node_materialized(node);
    return !str_is(materialized, "view") && !str_is(materialized, "ephemeral");
}

// ---- constraints

// Calls `visit` for every constraint of the model and of its columns.
struct visit {
    rc (*one)(struct visit *visit, struct str column, struct value constraint, struct err *err);
    const struct node *node;
    struct transform *t;
    struct arena *arena;
    str_vec conditions;
    bool stores;
    size_t count;
};

static rc visit_list(struct visit *visit, struct str column, struct value list, struct err *err)
{
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.list->count; i++)
        TRY(visit->one(visit, column, list.list->items[i], err));
    return RC_OK;
}

static rc visit_constraints(struct visit *visit, struct err *err)
{
    size_t at = 0;
    struct dict_entry *entry;
    while (visit->node->columns.kind == VALUE_DICT && dict_next(visit->node->columns, &at, &entry))
        TRY(visit_list(visit, text_in(entry->value, "name"), item_of(entry->value, "constraints"),
                       err));
    return visit_list(visit, STR(""), visit->node->constraints, err);
}

static enum constraint_type type_of_constraint(struct value constraint)
{
    const struct str name = text_in(constraint, "type");
    int type = 0;
    while (type < CONSTRAINT_TYPE_COUNT && !str_is(name, constraint_names[type]))
        type++;
    return (enum constraint_type)type;
}

static rc check_constraint(struct visit *visit, struct str column, struct value constraint,
                           struct err *err)
{
    (void)column;
    visit->count++;
    const enum constraint_type type = type_of_constraint(constraint);
    const struct str name = text_in(constraint, "type");
    if (type == CONSTRAINT_TYPE_COUNT) {
        err_set(err, RC_CONFIG, "model '%.*s' has a constraint of type '%.*s'",
                STR_ARGS(visit->node->name), STR_ARGS(name));
        return err_hint(err, "types: not_null, check, unique, primary_key, foreign_key, custom");
    }
    if (type == CONSTRAINT_CHECK && text_in(constraint, "expression").length == 0)
        return err_set(err, RC_CONFIG, "a check constraint of model '%.*s' has no expression",
                       STR_ARGS(visit->node->name));
    return RC_OK;
}

// A condition that is true, or ends the query.
static void add_condition(struct visit *visit, struct str broken, struct str message)
{
    const struct str text = duck_quote_literal(visit->arena, message);
    *vec_push(visit->arena, &visit->conditions) =
        arena_printf(visit->arena,
                     visit->t->profile.class->sends_sql
                         ? "CASE WHEN %.*s THEN CAST(fail(%.*s) AS boolean) ELSE true END"
                         : "CASE WHEN %.*s THEN error(%.*s) ELSE true END",
                     STR_ARGS(broken), STR_ARGS(text));
}

static void require_value(struct visit *visit, struct str column)
{
    const struct str quoted = duck_quote_identifier(visit->arena, column);
    add_condition(visit, arena_printf(visit->arena, "%.*s IS NULL", STR_ARGS(quoted)),
                  arena_printf(visit->arena,
                               "constraint not_null of column %.*s: a row has no value",
                               STR_ARGS(column)));
}

static bool warns(struct value constraint)
{
    static const char *const keys[] = {"warn_unsupported", "warn_unenforced"};
    for (size_t i = 0; i < 2; i++) {
        const struct value value = item_of(constraint, keys[i]);
        if (value.kind == VALUE_BOOL && !value_is_true(value))
            return false;
    }
    return true;
}

static rc apply_constraint(struct visit *visit, struct str column, struct value constraint,
                           struct err *err)
{
    (void)err;
    const enum constraint_type type = type_of_constraint(constraint);
    const struct str expression = text_in(constraint, "expression");
    if (visit->stores && type == CONSTRAINT_CHECK) {
        add_condition(visit, arena_printf(visit->arena, "NOT (%.*s)", STR_ARGS(expression)),
                      arena_printf(visit->arena, "constraint check (%.*s): a row breaks it",
                                   STR_ARGS(expression)));
        return RC_OK;
    }
    if (visit->stores && type == CONSTRAINT_NOT_NULL) {
        if (column.length > 0)
            require_value(visit, column);
        const struct value columns = item_of(constraint, "columns");
        for (uint32_t i = 0; columns.kind == VALUE_LIST && i < columns.list->count; i++)
            if (columns.list->items[i].kind == VALUE_STR)
                require_value(visit, value_text(columns.list->items[i]));
        return RC_OK;
    }
    if (!warns(constraint))
        return RC_OK;
    visit->t->warning_count++;
    log_warn("model %.*s: the constraint %s%s%.*s is not enforced%s", STR_ARGS(visit->node->name),
             constraint_names[type], column.length > 0 ? " of column " : "", STR_ARGS(column),
             visit->stores ? "; a data test can prove it" : ": a view stores no rows");
    return RC_OK;
}

// ---- what needs no database

static rc check_columns(const struct node *node, struct err *err)
{
    struct arena *scratch = arena_open(NULL);
    str_vec missing = {0};
    size_t at = 0, count = 0;
    struct dict_entry *entry;
    while (node->columns.kind == VALUE_DICT && dict_next(node->columns, &at, &entry)) {
        count++;
        if (text_in(entry->value, "data_type").length == 0)
            *vec_push(scratch, &missing) = text_in(entry->value, "name");
    }
    rc result = RC_OK;
    if (count == 0) {
        result =
            err_set(err, RC_CONFIG,
                    "model '%.*s' has an enforced contract, and its properties have no columns",
                    STR_ARGS(node->name));
    } else if (missing.count > 0) {
        const struct str names = str_join(scratch, missing.items, missing.count, STR(", "));
        err_set(err, RC_CONFIG,
                "model '%.*s' has an enforced contract, which wants a data_type of every column; "
                "without one: %.*s",
                STR_ARGS(node->name), STR_ARGS(names));
        result = err_hint(err, "add data_type to the columns in %.*s", STR_ARGS(node->patch_path));
    }
    arena_close(scratch);
    return result;
}

static void warn_without_contract(struct transform *t, const struct node *node)
{
    t->warning_count++;
    log_warn(
        "%s:%d: the constraints of model %.*s have no effect without contract: {enforced: true}",
        node->patch != NULL ? node->patch->place : "", node->patch != NULL ? node->patch->line : 0,
        STR_ARGS(node->name));
}

rc contract_check(struct transform *t, const struct node *node, struct err *err)
{
    if (node->type != NODE_MODEL)
        return RC_OK;
    const struct value enforced = item_of(dict_get_str(node->config, STR("contract")), "enforced");
    if (enforced.kind != VALUE_BOOL && enforced.kind != VALUE_MISSING)
        return err_set(err, RC_CONFIG, "%.*s: contract.enforced is true or false",
                       STR_ARGS(node->original_path));
    struct visit visit = {.one = check_constraint, .node = node, .t = t, .arena = t->arena};
    TRY(visit_constraints(&visit, err));
    if (!is_enforced(node)) {
        if (visit.count > 0)
            warn_without_contract(t, node);
        return RC_OK;
    }
    TRY(check_columns(node, err));
    if (str_is(node_materialized(node), "ephemeral")) {
        t->warning_count++;
        log_warn("%.*s: the contract of an ephemeral model is not enforced: nothing is built",
                 STR_ARGS(node->original_path));
    }
    const struct str change = config_str(node, "on_schema_change");
    if (str_is(node_materialized(node), "incremental") && !str_is(change, "append_new_columns") &&
        !str_is(change, "fail")) {
        err_set(err, RC_CONFIG, "%.*s: on_schema_change is '%.*s'", STR_ARGS(node->original_path),
                STR_ARGS(change));
        return err_hint(err, "an incremental model with an enforced contract sets it to "
                             "append_new_columns or fail");
    }
    return RC_OK;
}

// ---- the comparison

struct mismatch {
    struct str cells[4]; // column, type in the definition, type in the contract, reason
};
VEC_TYPE(mismatch_vec, struct mismatch);

static const struct mismatch titles = {{STR_INIT("column_name"), STR_INIT("definition_type"),
                                        STR_INIT("contract_type"), STR_INIT("mismatch_reason")}};

static const struct duck_value *row_named(const struct duck_rows *rows, struct str name)
{
    for (size_t i = 0; i < rows->row_count; i++)
        if (str_equal(duck_cell(rows, i, 0)->text, name))
            return duck_cell(rows, i, 0);
    return NULL;
}

static int compare_mismatches(const void *a, const void *b)
{
    const struct mismatch *x = a, *y = b;
    return str_compare(x->cells[0], y->cells[0]);
}

static mismatch_vec find_mismatches(struct arena *arena, const struct duck_rows *definition,
                                    const struct duck_rows *contract)
{
    mismatch_vec found = {0};
    for (size_t i = 0; i < definition->row_count; i++) {
        const struct duck_value *have = duck_cell(definition, i, 0),
                                *want = row_named(contract, have->text);
        if (want == NULL)
            *vec_push(arena, &found) = (struct mismatch){
                {have[0].text, have[1].text, STR(""), STR("missing in contract")}};
        else if (!str_equal(have[1].text, want[1].text))
            *vec_push(arena, &found) = (struct mismatch){
                {have[0].text, have[1].text, want[1].text, STR("data type mismatch")}};
    }
    for (size_t i = 0; i < contract->row_count; i++) {
        const struct duck_value *want = duck_cell(contract, i, 0);
        if (row_named(definition, want->text) == NULL)
            *vec_push(arena, &found) = (struct mismatch){
                {want[0].text, STR(""), want[1].text, STR("missing in definition")}};
    }
    if (found.count > 1)
        qsort(found.items, found.count, sizeof *found.items, compare_mismatches);
    return found;
}

static void append_row(struct buf *out, const struct mismatch *row, const int *widths)
{
    for (size_t c = 0; c < 4; c++) {
        const struct str cell = str_slice(row->cells[c], 0, MAX_COLUMN_WIDTH);
        buf_printf(out, "%s %.*s%*s", c == 0 ? "|" : " |", STR_ARGS(cell),
                   widths[c] - (int)cell.length, "");
    }
    buf_append_cstr(out, " |\n");
}

static rc differ(struct scope *scope, const mismatch_vec *found, struct err *err)
{
    int widths[4] = {0};
    for (size_t i = 0; i <= found->count; i++)
        for (size_t c = 0; c < 4; c++) {
            const struct str cell = i == 0 ? titles.cells[c] : found->items[i - 1].cells[c];
            const int length = cell.length > MAX_COLUMN_WIDTH ? MAX_COLUMN_WIDTH : (int)cell.length;
            widths[c] = length > widths[c] ? length : widths[c];
        }
    struct buf table;
    buf_init(&table, ERR_MESSAGE_BYTES);
    append_row(&table, &titles, widths);
    size_t shown = 0;
    while (shown < found->count && buf_str(&table).length < MAX_TABLE_BYTES)
        append_row(&table, &found->items[shown++], widths);
    if (shown < found->count)
        buf_printf(&table, "... and %zu more\n", found->count - shown);
    const struct str text = str_trim(arena_str(scope->arena, buf_str(&table)));
    buf_done(&table);
    err_set(err, RC_INVALID,
            "the columns of the model's SQL are not those of its enforced contract:\n\n%.*s",
            STR_ARGS(text));
    return err_hint(err, "change the SQL, or name and data_type of the columns in %.*s",
                    STR_ARGS(scope->node->patch_path));
}

// A query without rows that has the columns of the contract; with them as a list.
static struct str contract_columns(struct scope *scope, struct str *ret_names)
{
    struct arena *arena = scope->arena;
    str_vec parts = {0}, names = {0};
    size_t at = 0;
    struct dict_entry *entry;
    while (dict_next(scope->node->columns, &at, &entry)) {
        const struct str name = duck_quote_identifier(arena, text_in(entry->value, "name")),
                         type = text_in(entry->value, "data_type");
        *vec_push(arena, &names) = name;
        *vec_push(arena, &parts) =
            arena_printf(arena, "CAST(NULL AS %.*s) AS %.*s", STR_ARGS(type), STR_ARGS(name));
    }
    const struct str list = str_join(arena, parts.items, parts.count, STR(", "));
    *ret_names = str_join(arena, names.items, names.count, STR(", "));
    return arena_printf(arena, "(SELECT %.*s)", STR_ARGS(list));
}

rc contract_apply(struct scope *scope, struct session *session, struct str sql, bool stores,
                  struct str *ret_sql, struct err *err)
{
    struct arena *arena = scope->arena;
    if (scope->node == NULL || scope->node->type != NODE_MODEL || !is_enforced(scope->node)) {
        *ret_sql = sql;
        return RC_OK;
    }
    struct duck_rows definition, contract;
    struct str names;
    const struct str promised = contract_columns(scope, &names);
    TRY(session_describe(session, arena, arena_printf(arena, "(%.*s\n)", STR_ARGS(sql)),
                         &definition, err));
    TRY_CONTEXT(session_describe(session, arena, promised, &contract, err), err,
                "the data types of the contract");
    const mismatch_vec found = find_mismatches(arena, &definition, &contract);
    if (found.count > 0)
        return differ(scope, &found, err);
    struct visit visit = {.one = apply_constraint,
                          .node = scope->node,
                          .t = scope->t,
                          .arena = arena,
                          .stores = stores && is_stored(scope->node)};
    TRY(visit_constraints(&visit, err));
    *ret_sql = sql;
    if (!stores)
        return RC_OK;
    const struct str conditions =
        str_join(arena, visit.conditions.items, visit.conditions.count, STR("\n  AND "));
    *ret_sql =
        arena_printf(arena, "SELECT %.*s\nFROM (\n%.*s\n) AS model_subq%s%.*s", STR_ARGS(names),
                     STR_ARGS(sql), conditions.length > 0 ? "\nWHERE " : "", STR_ARGS(conditions));
    return RC_OK;
}
