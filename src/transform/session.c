#include "transform/session.h"

#include <stdlib.h>

#include "base/log.h"
#include "transform/transform.h"

const char *const commit_mode_names[COMMIT_MODE_COUNT] = {"replace", "append", "merge",
                                                          "delete+insert"};

rc adapter_open(struct transform *t, struct err *err)
{
    if (t->adapter != NULL)
        return RC_OK;
    struct adapter *adapter = ARENA_NEW(t->arena, struct adapter);
    adapter->class = t->profile.class;
    adapter->t = t;
    adapter->arena = t->arena;
    TRY(adapter->class->open(adapter, err));
    t->adapter = adapter;
    return RC_OK;
}

const struct adapter_class *adapter_class_of(struct str type)
{
    static const struct adapter_class *const classes[] = {&adapter_embedded, &adapter_duckdb,
                                                          &adapter_trino, &adapter_athena};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (str_is(type, classes[i]->name))
            return classes[i];
    return NULL;
}

rc session_open(struct transform *t, struct arena *arena, struct session **ret_session,
                struct err *err)
{
    TRY(adapter_open(t, err));
    struct session *session = ARENA_NEW(arena, struct session);
    session->adapter = t->adapter;
    session->arena = arena;
    session->statistics = (struct session_statistics){
        .scanned_bytes = -1, .cost_usd = -1, .rows = -1, .query_id = STR("")};
    TRY(t->adapter->class->connect(session, err));
    *ret_session = session;
    return RC_OK;
}

void session_close(struct session *session)
{
    if (session != NULL)
        session->adapter->class->disconnect(session);
}

rc session_of(struct scope *scope, struct session **ret_session, struct err *err)
{
    if (scope->session == NULL)
        TRY(session_open(scope->t, scope->arena, &scope->session, err));
    *ret_session = scope->session;
    return RC_OK;
}

static struct value decimal_of(struct arena *arena, struct str text)
{
    __int128 unscaled = 0;
    int32_t scale = 0;
    bool is_negative = false, has_point = false;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        if (c == '-')
            is_negative = true;
        else if (c == '.')
            has_point = true;
        else if (c >= '0' && c <= '9') {
            unscaled = unscaled * 10 + (c - '0');
            scale += has_point;
        }
    }
    if (!has_point)
        return value_int_of_digits(arena, text);
    return value_decimal(arena, is_negative ? -unscaled : unscaled, scale);
}

static struct value moment_of(struct arena *arena, const struct duck_value *value)
{
    const bool is_date = value->kind == DUCK_DATE;
    int year, month, day, at = 0;
    // The texts are DuckDB's own: 2017-12-01[ 10:00:00[.5][+00]].
    const char *text = arena_cstr(arena, value->text);
    char *end;
    year = (int)strtol(text, &end, 10);
    month = *end == '-' ? (int)strtol(end + 1, &end, 10) : 0;
    day = *end == '-' ? (int)strtol(end + 1, &end, 10) : 0;
    if (month < 1 || month > 12 || day < 1)
        return value_str(value->text); // infinity, years before Christ
    if (is_date)
        return value_date(arena, year, month, day);
    struct date_value date = {.year = year,
                              .month = (uint8_t)month,
                              .day = (uint8_t)day,
                              .has_offset = value->kind == DUCK_TIMESTAMPTZ,
                              .tzinfo = value_none()};
    const int64_t us = value->integer, in_day = ((us % 86400000000) + 86400000000) % 86400000000;
    date.hour = (uint8_t)(in_day / 3600000000);
    date.minute = (uint8_t)(in_day / 60000000 % 60);
    date.second = (uint8_t)(in_day / 1000000 % 60);
    date.microsecond = (uint32_t)(in_day % 1000000);
    (void)at;
    return value_datetime(arena, &date);
}

struct value session_value(struct arena *arena, const struct duck_value *value)
{
    if (value->is_null)
        return value_none();
    switch (value->kind) {
    case DUCK_BOOL:
        return value_bool(value->boolean);
    case DUCK_INT:
        return value_int(value->integer);
    case DUCK_DOUBLE:
        return value_float(value->real);
    case DUCK_DECIMAL:
        return decimal_of(arena, value->text);
    case DUCK_DATE:
    case DUCK_TIMESTAMP:
    case DUCK_TIMESTAMPTZ:
        return moment_of(arena, value);
    default:
        return value_copy_str(arena, value->text);
    }
}

static struct table_object *table_of(struct arena *arena, const struct duck_rows *rows)
{
    struct table_object *table = table_object_new(arena, rows->column_count, rows->row_count);
    for (size_t c = 0; c < rows->column_count; c++)
        table->names[c] = value_copy_str(arena, rows->columns[c].name);
    for (size_t i = 0; i < rows->row_count * rows->column_count; i++)
        table->cells[i] = session_value(arena, &rows->values[i]);
    return table;
}

// What the last statement said, and what all of the session's cost.
void session_respond(const struct session *session, struct arena *arena, struct value response)
{
    const struct session_statistics *s = &session->statistics;
    if (s->query_id.length > 0)
        dict_set_str(response, STR("query_id"), value_copy_str(arena, s->query_id));
    if (s->code != NULL && *s->code != '\0')
        dict_set_str(response, STR("code"), value_copy_str(arena, str_of(s->code)));
    if (s->rows >= 0) {
        dict_set_str(response, STR("_message"),
                     value_str(arena_printf(arena, "%lld rows", (long long)s->rows)));
        dict_set_str(response, STR("rows_affected"), value_int(s->rows));
    }
    session_total(session, response);
}

void session_total(const struct session *session, struct value response)
{
    const struct session_statistics *s = &session->statistics;
    if (s->scanned_bytes >= 0)
        dict_set_str(response, STR("data_scanned_in_bytes"), value_int(s->scanned_bytes));
    if (s->cost_usd >= 0)
        dict_set_str(response, STR("cost_usd"), value_float(s->cost_usd));
    if (s->statements > 0)
        dict_set_str(response, STR("statements"), value_int(s->statements));
}

rc session_query(struct session *session, struct arena *arena, struct str sql,
                 struct table_object **ret_table, struct value *ret_response, struct err *err)
{
    log_debug("sql: %.*s", STR_ARGS(sql));
    const struct value response = value_dict_new(arena);
    dict_set_str(response, STR("_message"), VALUE_STR_LITERAL("OK"));
    struct duck_rows rows;
    TRY(session->adapter->class->query(session, arena, sql, ret_table != NULL ? &rows : NULL, err));
    if (ret_table != NULL)
        *ret_table = table_of(arena, &rows);
    session_respond(session, arena, response);
    *ret_response = response;
    return RC_OK;
}

rc session_describe(struct session *session, struct arena *arena, struct str from,
                    struct duck_rows *ret_rows, struct err *err)
{
    return session->adapter->class->describe(session, arena, from, ret_rows, err);
}

rc session_rows(struct session *session, struct arena *arena, struct str sql,
                struct duck_rows *ret_rows, struct err *err)
{
    return session->adapter->class->query(session, arena, sql, ret_rows, err);
}

static const struct duck_value *find_row(const struct duck_rows *rows, struct str name)
{
    for (size_t i = 0; i < rows->row_count; i++)
        if (str_equal_ignore_case(duck_cell(rows, i, 0)->text, name))
            return duck_cell(rows, i, 0);
    return NULL;
}

rc session_changes(struct session *session, struct arena *arena, struct str query,
                   const struct relation *relation, column_change_vec *ret_changes, struct err *err)
{
    struct duck_rows new, old;
    TRY(session_describe(session, arena, arena_printf(arena, "(%.*s\n)", STR_ARGS(query)), &new,
                         err));
    TRY(session_describe(session, arena, relation_render(arena, relation), &old, err));
    column_change_vec changes = {0};
    for (size_t i = 0; i < new.row_count; i++) {
        const struct duck_value *cell = duck_cell(&new, i, 0), *before = find_row(&old, cell->text);
        if (before == NULL)
            *vec_push(arena, &changes) =
                (struct column_change){cell[0].text, cell[1].text, COLUMN_ADDED};
        else if (!str_equal(before[1].text, cell[1].text))
            *vec_push(arena, &changes) =
                (struct column_change){cell[0].text, cell[1].text, COLUMN_RETYPED};
    }
    for (size_t i = 0; i < old.row_count; i++) {
        const struct duck_value *cell = duck_cell(&old, i, 0);
        if (find_row(&new, cell->text) == NULL)
            *vec_push(arena, &changes) =
                (struct column_change){cell[0].text, cell[1].text, COLUMN_REMOVED};
    }
    *ret_changes = changes;
    return RC_OK;
}
