/// Sort orders: JSON, texts of schema files, SQL.

#include "iceberg/sort_order.h"

#include "base/buf.h"

enum { SORT_MAX_FIELDS = 1000 };

static rc parse_field(const struct json *json, struct sort_field *field, struct err *err)
{
    int64_t source_id;
    const struct json *source = json_get(json, STR("source-id"));
    const struct json *sources = json_get(json, STR("source-ids"));
    if (source == NULL && sources != NULL && sources->kind == JSON_ARRAY && sources->count > 0)
        source = &sources->items[0];
    if (!json_to_int64(source, &source_id) || source_id < 0 || source_id > INT32_MAX)
        return err_set(err, RC_INVALID, "expected a field id for \"source-id\"");
    field->source_id = (int32_t)source_id;
    TRY(transform_parse(json_str(json_get(json, STR("transform")), STR("")), &field->transform,
                        err));
    const struct str direction = json_str(json_get(json, STR("direction")), STR(""));
    const struct str nulls = json_str(json_get(json, STR("null-order")), STR(""));
    field->is_descending = str_is(direction, "desc");
    field->is_nulls_last = str_is(nulls, "nulls-last");
    if ((!field->is_descending && !str_is(direction, "asc")) ||
        (!field->is_nulls_last && !str_is(nulls, "nulls-first")))
        return err_set(err, RC_INVALID,
                       "expected a direction (asc, desc) and a null order "
                       "(nulls-first, nulls-last)");
    return RC_OK;
}

rc sort_order_parse(struct arena *arena, const struct json *json, struct sort_order *ret_order,
                    struct err *err)
{
    int64_t id;
    const struct json *fields = json_get(json, STR("fields"));
    if (!json_to_int64(json_get(json, STR("order-id")), &id) || id < 0 || id > INT32_MAX)
        return err_set(err, RC_INVALID, "expected a number for \"order-id\"");
    if (fields == NULL || fields->kind != JSON_ARRAY || fields->count > SORT_MAX_FIELDS)
        return err_set(err, RC_INVALID, "sort order %lld: expected an array for \"fields\"",
                       (long long)id);
    struct sort_field *list = ARENA_ARRAY(arena, struct sort_field, fields->count);
    for (size_t i = 0; i < fields->count; i++)
        TRY_CONTEXT(parse_field(&fields->items[i], &list[i], err), err,
                    "sort order %lld, field %zu", (long long)id, i + 1);
    *ret_order = (struct sort_order){(int32_t)id, list, fields->count};
    return RC_OK;
}

void sort_order_write(struct json_writer *w, const struct sort_order *order)
{
    struct arena *scratch = arena_open(NULL);
    json_begin_object(w);
    json_field_int64(w, "order-id", order->order_id);
    json_key(w, STR("fields"));
    json_begin_array(w);
    for (size_t i = 0; i < order->field_count; i++) {
        const struct sort_field *field = &order->fields[i];
        json_begin_object(w);
        json_field_str(w, "transform", transform_print(scratch, field->transform));
        json_field_int64(w, "source-id", field->source_id);
        json_field_str(w, "direction", field->is_descending ? STR("desc") : STR("asc"));
        json_field_str(w, "null-order",
                       field->is_nulls_last ? STR("nulls-last") : STR("nulls-first"));
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
    arena_close(scratch);
}

bool sort_order_equal(const struct sort_order *a, const struct sort_order *b)
{
    if (a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++) {
        const struct sort_field *x = &a->fields[i], *y = &b->fields[i];
        if (x->source_id != y->source_id || x->is_descending != y->is_descending ||
            x->is_nulls_last != y->is_nulls_last || !transform_equal(x->transform, y->transform))
            return false;
    }
    return true;
}

/// Takes `word` off the end of the text, in any case.
static bool take_suffix(struct str *text, const char *word)
{
    const size_t length = strlen(word);
    if (text->length <= length ||
        !str_equal_ignore_case(str_slice(*text, text->length - length, length), str_of(word)))
        return false;
    *text = str_trim(str_slice(*text, 0, text->length - length));
    return true;
}

rc sort_order_of_calls(struct arena *arena, const struct schema *schema, const struct str *calls,
                       size_t count, struct sort_order *ret_order, struct err *err)
{
    if (count > SORT_MAX_FIELDS)
        return err_set(err, RC_LIMIT, "more than %d sort fields", SORT_MAX_FIELDS);
    struct sort_field *fields = ARENA_ARRAY(arena, struct sort_field, count);
    for (size_t i = 0; i < count; i++) {
        struct str text = str_trim(calls[i]), column;
        struct sort_field *field = &fields[i];
        const bool is_last = take_suffix(&text, " nulls last");
        const bool is_first = !is_last && take_suffix(&text, " nulls first");
        field->is_descending = take_suffix(&text, " desc");
        if (!field->is_descending)
            (void)take_suffix(&text, " asc");
        field->is_nulls_last = is_last || (field->is_descending && !is_first);
        TRY(transform_parse_call(text, &field->transform, &column, err));
        const struct field *source = schema_field_by_name(schema, column);
        struct type result;
        if (source == NULL)
            return err_set(err, RC_INVALID, "cannot sort by \"%.*s\": there is no column \"%.*s\"",
                           STR_ARGS(calls[i]), STR_ARGS(column));
        TRY_CONTEXT(transform_result_type(field->transform, &source->type, &result, err), err,
                    "cannot sort by \"%.*s\"", STR_ARGS(calls[i]));
        field->source_id = source->id;
    }
    *ret_order =
        (struct sort_order){.order_id = count > 0 ? 1 : 0, .fields = fields, .field_count = count};
    return RC_OK;
}

rc sort_order_sql(struct arena *arena, const struct sort_order *order, const struct schema *schema,
                  struct str *ret_sql, struct err *err)
{
    struct str *parts = ARENA_ARRAY(arena, struct str, order->field_count);
    for (size_t i = 0; i < order->field_count; i++) {
        const struct sort_field *field = &order->fields[i];
        const struct field *source = schema_field_by_id(schema, field->source_id);
        if (source == NULL)
            return err_set(err, RC_INVALID, "sort field %zu: no column has the id %d", i + 1,
                           field->source_id);
        // nested columns: every step of the path is quoted
        const struct str path = schema_path_of(arena, schema, field->source_id);
        const struct str doubled = str_replace(arena, path, STR("\""), STR("\"\""));
        const struct str dotted = str_replace(arena, doubled, STR("."), STR("\".\""));
        const struct str column = arena_printf(arena, "\"%.*s\"", STR_ARGS(dotted));
        struct str sql;
        TRY(transform_sql(arena, field->transform, &source->type, column, &sql, err));
        parts[i] = arena_printf(arena, "%.*s %s NULLS %s", STR_ARGS(sql),
                                field->is_descending ? "DESC" : "ASC",
                                field->is_nulls_last ? "LAST" : "FIRST");
    }
    *ret_sql = str_join(arena, parts, order->field_count, STR(", "));
    return RC_OK;
}
