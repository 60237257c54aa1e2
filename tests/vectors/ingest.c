/// @file ingest.c
/// Runs the suites of names, ids, types and rows: ingest-naming, -ids, -detections, -coercion,
/// -normalizer. What they expect was computed by dlt.

#include <math.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "base/hash.h"
#include "base/time.h"
#include "ingest/normalize.h"
#include "vectors.h"

static struct str text_of(const struct json *object, const char *key)
{
    return json_str(json_get(object, str_of(key)), STR(""));
}

// ---------------------------------------------------------------- naming

typedef rc (*naming_function)(const struct naming *naming, struct arena *arena, struct str name,
                              struct str *ret_name, struct err *err);

static void naming_line(struct vectors *v, const struct json *line)
{
    static const struct {
        const char *key;
        naming_function function;
    } checks[] = {{"identifier", naming_identifier},
                  {"table_identifier", naming_table_identifier},
                  {"path", naming_path},
                  {"tables_path", naming_tables_path}};
    struct err err = {0};
    struct naming naming;
    if (naming_of(text_of(line, "conv"), &naming, &err) != RC_OK) {
        vectors_fail(v, "%s", err.message);
        return;
    }
    naming.max_length = (size_t)json_int64(json_get(line, STR("max_length")), 0);
    const struct json *fragments = json_get(line, STR("fragments"));
    if (fragments != NULL) {
        struct str *parts = ARENA_ARRAY(v->scratch, struct str, fragments->count + 1);
        for (size_t i = 0; i < fragments->count; i++)
            parts[i] = fragments->items[i].text;
        const struct str joined = naming_join(&naming, v->scratch, parts, fragments->count);
        const struct str wanted = text_of(line, "shorten_fragments");
        if (str_equal(joined, wanted))
            vectors_pass(v);
        else
            vectors_fail(v, "shorten_fragments: expected %.*s, found %.*s", STR_ARGS(wanted),
                         STR_ARGS(joined));
        return;
    }
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        const struct json *wanted = json_get(line, str_of(checks[i].key));
        if (wanted == NULL)
            continue;
        struct str found = STR("(error)");
        const rc code = checks[i].function(&naming, v->scratch, text_of(line, "in"), &found, &err);
        const bool is_error = wanted->kind != JSON_STRING;
        if (is_error ? code == RC_OK : code != RC_OK || !str_equal(found, wanted->text)) {
            vectors_fail(v, "%s: expected %.*s, found %.*s", checks[i].key,
                         STR_ARGS(json_print(v->scratch, wanted, JSON_COMPACT)), STR_ARGS(found));
            return;
        }
    }
    vectors_pass(v);
}

static void run_naming(struct vectors *v)
{
    vectors_each_line(v, "naming.jsonl", naming_line);
}

// ---------------------------------------------------------------- ids

static struct str row_hash(struct vectors *v, const struct json *line)
{
    char *id = arena_alloc(v->scratch, ROW_ID_LENGTH);
    const struct json *row = json_get(line, STR("row")), *subset = json_get(line, STR("subset"));
    if (subset == NULL) {
        ids_row_of_object(v->scratch, row, id);
    } else {
        struct row_member *members = ARENA_ARRAY(v->scratch, struct row_member, subset->count + 1);
        for (size_t i = 0; i < subset->count; i++)
            members[i] =
                (struct row_member){subset->items[i].text, json_get(row, subset->items[i].text)};
        ids_row(v->scratch, members, subset->count, id);
    }
    return (struct str){id, ROW_ID_LENGTH};
}

static void ids_line(struct vectors *v, const struct json *line)
{
    const struct str function = text_of(line, "fn"), wanted = text_of(line, "out");
    struct str found = STR("(unknown function)");
    char id[ROW_ID_LENGTH];
    if (str_is(function, "nested_row_hash")) {
        ids_nested_row(text_of(line, "parent_id"), text_of(line, "table"),
                       (size_t)json_int64(json_get(line, STR("idx")), 0), id);
        found = (struct str){id, sizeof id};
    } else if (str_is(function, "row_hash")) {
        found = row_hash(v, line);
    } else if (str_is(function, "digest128")) {
        found = ids_digest(v->scratch, text_of(line, "in"), 15);
    } else if (str_is(function, "compute_tag")) {
        double probability = 0.001;
        if (!json_to_double(json_get(line, STR("collision_prob")), &probability))
            probability = 0.001;
        found = naming_tag(v->scratch, text_of(line, "in"), probability);
    }
    if (str_equal(found, wanted))
        vectors_pass(v);
    else
        vectors_fail(v, "%.*s: expected %.*s, found %.*s", STR_ARGS(function), STR_ARGS(wanted),
                     STR_ARGS(found));
}

static void run_ids(struct vectors *v)
{
    vectors_each_line(v, "ids.jsonl", ids_line);
}

// ---------------------------------------------------------------- detections

static bool check_type(struct vectors *v, const struct json *line, const char *key,
                       enum data_type found)
{
    const struct json *wanted = json_get(line, str_of(key));
    if (wanted == NULL)
        return true;
    const struct str name = json_str(wanted, STR(""));
    if (str_equal(name, data_type_name(found)))
        return true;
    vectors_fail(v, "%s: expected '%.*s', found '%.*s'", key, STR_ARGS(name),
                 STR_ARGS(data_type_name(found)));
    return false;
}

static void detection_line(struct vectors *v, const struct json *line)
{
    const struct str text = text_of(line, "in"), digits = text_of(line, "in_int");
    if (json_get(line, STR("in_int")) != NULL) {
        if (check_type(v, line, "large_integer", detect_integer(digits, DETECT_LARGE_INTEGER, 0)))
            vectors_pass(v);
        return;
    }
    if (check_type(v, line, "iso_timestamp", detect_text(text, DETECT_ISO_TIMESTAMP)) &&
        check_type(v, line, "iso_date", detect_text(text, DETECT_ISO_DATE)) &&
        check_type(v, line, "default", detect_text(text, DETECT_ISO_TIMESTAMP)))
        vectors_pass(v);
}

static void run_detections(struct vectors *v)
{
    vectors_each_line(v, "detections.jsonl", detection_line);
}

// ---------------------------------------------------------------- coercion

/// What a value of the given Python type becomes.
static struct cell coercion_input(struct vectors *v, const struct json *in)
{
    const struct str type = text_of(in, "t");
    const struct json *value = json_get(in, STR("v"));
    struct json *number = ARENA_NEW(v->scratch, struct json);
    *number = (struct json){.kind = JSON_NUMBER, .text = json_str(value, STR(""))};
    if (str_is(type, "int"))
        return cell_of_json(number);
    if (str_is(type, "float")) {
        struct cell text = {.type = DATA_TEXT, .text = number->text}, cell = {.type = DATA_DOUBLE};
        if (!coerce(v->scratch, &text, DATA_DOUBLE, &cell))
            cell.real = NAN;
        return cell;
    }
    return cell_of_json(value);
}

static struct json tagged(struct arena *arena, const char *type, struct str text)
{
    struct json object = {.kind = JSON_OBJECT};
    *json_object_set(arena, &object, STR("t")) = json_of_str(str_of(type));
    *json_object_set(arena, &object, STR("v")) = json_of_str(text);
    return object;
}

/// A JSON value as the vectors tag Python values.
static struct json tagged_json(struct arena *arena, const struct json *value)
{
    const struct cell cell = cell_of_json(value);
    struct json object = {.kind = JSON_OBJECT};
    switch (value->kind) {
    case JSON_NUMBER:
        return cell.type == DATA_DOUBLE ? tagged(arena, "float", double_text(arena, cell.real))
                                        : tagged(arena, "int", value->text);
    case JSON_STRING:
        if (str_is(value->text, "NaN"))
            return tagged(arena, "float", STR("nan"));
        return tagged(arena, "text", value->text);
    default:
        *json_object_set(arena, &object, STR("t")) =
            json_of_str(value->kind == JSON_BOOL   ? STR("bool")
                        : value->kind == JSON_NULL ? STR("null")
                                                   : STR("json"));
        *json_object_set(arena, &object, STR("v")) = *value;
        return object;
    }
}

/// isoformat() of the moment in the zone it was written in.
static struct json tagged_timestamp(struct arena *arena, const struct cell *cell)
{
    const int64_t local = cell->number + cell->offset_seconds * TIME_US_PER_SECOND;
    struct str text = time_format(arena, local, TIME_ISO_NAIVE);
    const int minutes = abs(cell->offset_seconds) / 60;
    if (cell->has_zone)
        text = arena_printf(arena, "%.*s%c%02d:%02d", STR_ARGS(text),
                            cell->offset_seconds < 0 ? '-' : '+', minutes / 60, minutes % 60);
    struct json object = tagged(arena, "datetime", text);
    *json_object_set(arena, &object, STR("tz")) = json_of_bool(cell->has_zone);
    return object;
}

static struct json coercion_output(struct vectors *v, const struct cell *cell)
{
    struct arena *arena = v->scratch;
    struct json object = {.kind = JSON_OBJECT};
    switch (cell->type) {
    case DATA_TEXT:
        return tagged(arena, "text", cell->text);
    case DATA_BIGINT:
        return tagged(arena, "int",
                      cell->is_big ? cell->text
                                   : arena_printf(arena, "%lld", (long long)cell->number));
    case DATA_DOUBLE:
        return tagged(arena, "float", double_text(arena, cell->real));
    case DATA_BOOL:
        *json_object_set(arena, &object, STR("t")) = json_of_str(STR("bool"));
        *json_object_set(arena, &object, STR("v")) = json_of_bool(cell->boolean);
        return object;
    case DATA_BINARY:
        return tagged(arena, "binary",
                      base64_encode(arena, cell->text.bytes, cell->text.length, BASE64_STANDARD));
    case DATA_DECIMAL:
    case DATA_WEI:
        return tagged(arena, "decimal", cell->text);
    case DATA_DATE:
        return tagged(arena, "date", time_format_date(arena, cell->number));
    case DATA_TIME: {
        const struct str text = time_format(arena, cell->number, TIME_ISO_NAIVE);
        return tagged(arena, "time", str_slice(text, 11, text.length));
    }
    case DATA_TIMESTAMP:
        return tagged_timestamp(arena, cell);
    default:
        return tagged_json(arena, cell->json);
    }
}

static void coercion_line(struct vectors *v, const struct json *line)
{
    const struct cell from = coercion_input(v, json_get(line, STR("in")));
    const struct json *wanted = json_get(line, STR("out"));
    struct cell to;
    const bool is_ok = coerce(v->scratch, &from, data_type_of(text_of(line, "to")), &to);
    if (!is_ok || wanted == NULL) {
        if (is_ok == (wanted != NULL))
            vectors_pass(v);
        else
            vectors_fail(v, "expected %s",
                         wanted == NULL ? "an error, found a value" : "a value, found an error");
        return;
    }
    const struct json found = coercion_output(v, &to);
    if (json_equal(&found, wanted))
        vectors_pass(v);
    else
        vectors_fail(v, "expected %.*s, found %.*s",
                     STR_ARGS(json_print(v->scratch, wanted, JSON_COMPACT)),
                     STR_ARGS(json_print(v->scratch, &found, JSON_COMPACT)));
}

static void run_coercion(struct vectors *v)
{
    vectors_each_line(v, "coercion.jsonl", coercion_line);
}

// ---------------------------------------------------------------- normalizer

static struct str known_id(void *context, const struct json *record)
{
    // The suite's random ids: the row of the expected ones that has the same first value.
    const struct json *rows = context;
    for (size_t i = 0; rows != NULL && i < rows->count; i++) {
        for (size_t m = 0; m < record->count; m++) {
            const struct json *value = json_get(&rows->items[i], record->members[m].key);
            const bool is_key =
                str_is(record->members[m].key, "id") || str_is(record->members[m].key, "idx");
            if (is_key && value != NULL) {
                struct json a = record->members[m].value;
                a.kind = JSON_NUMBER; // "2" and 2
                struct json b = *value;
                b.kind = JSON_NUMBER;
                if (json_equal(&a, &b))
                    return text_of(&rows->items[i], "_dlt_id");
            }
        }
    }
    if (rows != NULL && rows->count == 1)
        return text_of(&rows->items[0], "_dlt_id");
    return STR("no such row");
}

static void put_flag(struct arena *arena, struct json *object, const char *name, bool flag)
{
    if (flag)
        *json_object_set(arena, object, str_of(name)) = json_of_bool(true);
}

static struct json describe_column(struct arena *arena, const struct normal_column *column)
{
    struct json object = {.kind = JSON_OBJECT};
    *json_object_set(arena, &object, STR("name")) = json_of_str(column->name);
    *json_object_set(arena, &object, STR("data_type")) = json_of_str(data_type_name(column->type));
    if (!column->is_hinted || column->has_nullable)
        *json_object_set(arena, &object, STR("nullable")) = json_of_bool(!column->is_required);
    if (column->is_hinted && column->has_precision)
        *json_object_set(arena, &object, STR("precision")) =
            json_of_int64(arena, column->precision);
    if (column->is_hinted && column->has_scale)
        *json_object_set(arena, &object, STR("scale")) = json_of_int64(arena, column->scale);
    if (column->has_timezone)
        *json_object_set(arena, &object, STR("timezone")) = json_of_bool(!column->has_no_timezone);
    put_flag(arena, &object, "primary_key", column->is_primary_key);
    put_flag(arena, &object, "unique", column->is_unique);
    put_flag(arena, &object, "row_key", column->is_row_key);
    put_flag(arena, &object, "parent_key", column->is_parent_key);
    put_flag(arena, &object, "root_key", column->is_root_key);
    put_flag(arena, &object, "variant", column->is_variant);
    return object;
}

/// Borrows from the column.
static struct json cell_json(struct arena *arena, const struct normal_column *column, size_t row)
{
    const struct column_values *values = &column->values;
    struct json parsed;
    switch (column->type) {
    case DATA_BIGINT:
        return json_of_int64(arena, column_values_number(values, row));
    case DATA_DOUBLE:
        return json_of_double(arena, column_values_double(values, row));
    case DATA_BOOL:
        return json_of_bool(column_values_bool(values, row));
    case DATA_JSON:
        if (json_parse(arena, column_values_text(values, row), "json column", &parsed, NULL) ==
            RC_OK)
            return parsed;
        return json_of_str(STR("(broken JSON)"));
    case DATA_TIMESTAMP:
        return json_of_str(time_format(arena, column_values_number(values, row),
                                       column->has_no_timezone ? TIME_ISO_NAIVE : TIME_ISO_PYTHON));
    case DATA_DATE:
        return json_of_str(time_format_date(arena, column_values_number(values, row)));
    case DATA_TIME: {
        const struct str text =
            time_format(arena, column_values_number(values, row), TIME_ISO_NAIVE);
        return json_of_str(str_slice(text, 11, text.length));
    }
    case DATA_DECIMAL:
    case DATA_WEI: {
        const struct decimal decimal = {column_values_decimal(values, row), values->scale};
        return json_of_str(decimal_print(arena, decimal));
    }
    case DATA_BINARY: {
        const struct str text = column_values_text(values, row);
        return json_of_str(base64_encode(arena, text.bytes, text.length, BASE64_STANDARD));
    }
    default:
        return json_of_str(column_values_text(values, row));
    }
}

struct normalizer_result {
    struct json schema, rows;
};

static void collect_rows(struct arena *arena, struct normalizer *normalizer, struct json *rows)
{
    for (size_t t = 0; t < normalizer->tables.count; t++) {
        struct normal_table *table = normalizer->tables.items[t];
        if (table->row_count == 0)
            continue;
        struct json *list = json_object_set(arena, rows, table->name);
        if (list->kind != JSON_ARRAY)
            *list = (struct json){.kind = JSON_ARRAY};
        for (size_t row = 0; row < table->row_count; row++) {
            struct json *object = json_array_push(arena, list);
            *object = (struct json){.kind = JSON_OBJECT};
            for (size_t c = 0; c < table->column_count; c++) {
                const struct normal_column *column = table->columns[c];
                if (!column->has_values || column_values_is_null(&column->values, row))
                    continue;
                const struct json cell = cell_json(arena, column, row);
                *json_object_set(arena, object, column->name) = json_copy(arena, &cell);
            }
        }
    }
}

static struct json describe_tables(struct arena *arena, const struct normalizer *normalizer)
{
    struct json schema = {.kind = JSON_OBJECT};
    for (size_t t = 0; t < normalizer->tables.count; t++) {
        const struct normal_table *table = normalizer->tables.items[t];
        if (table->total_rows == 0)
            continue;
        struct json *columns = json_object_set(arena, &schema, table->name);
        *columns = (struct json){.kind = JSON_ARRAY};
        for (size_t c = 0; c < table->column_count; c++)
            if (table->columns[c]->type != DATA_NONE)
                *json_array_push(arena, columns) = describe_column(arena, table->columns[c]);
    }
    return schema;
}

static void take_names(struct arena *arena, const struct json *value, str_vec *ret_names)
{
    if (value != NULL && value->kind == JSON_STRING)
        *vec_push(arena, ret_names) = value->text;
    for (size_t i = 0; value != NULL && value->kind == JSON_ARRAY && i < value->count; i++)
        *vec_push(arena, ret_names) = value->items[i].text;
}

static struct resource resource_of(struct arena *arena, const struct json *c)
{
    const struct json *settings = json_get(c, STR("settings"));
    struct resource resource = {.name = text_of(c, "table"),
                                .table_name = text_of(c, "table"),
                                .max_table_nesting = -1,
                                .is_selected = true};
    resource.columns = json_get(settings, STR("columns"));
    resource.schema_contract = json_get(settings, STR("schema_contract"));
    resource.max_table_nesting = (int)json_int64(json_get(settings, STR("max_table_nesting")), -1);
    take_names(arena, json_get(settings, STR("primary_key")), &resource.primary_key);
    return resource;
}

/// One load on a copy of what stands so far is not needed: a load that fails ends its case's rows.
static bool run_load(struct normalizer *normalizer, const struct resource *resource,
                     const struct json *load, struct err *err)
{
    struct normal_table *table;
    if (normalizer_add_table(normalizer, resource, &table, err) != RC_OK)
        return false;
    for (size_t i = 0; i < load->count; i++)
        if (normalize_record(normalizer, table, &load->items[i], err) != RC_OK)
            return false;
    for (size_t t = 0; t < normalizer->tables.count; t++)
        if (normal_table_fill(normalizer->tables.items[t], err) != RC_OK)
            return false;
    return true;
}

static struct normalizer_result run_loads(struct vectors *v, const struct json *c, bool *ret_ok,
                                          struct err *err)
{
    struct arena *arena = v->arena;
    struct normalizer_options options = {.root_id = known_id, .root_id_context = NULL};
    const struct json *expected = json_get(json_get(c, STR("rows")), text_of(c, "table"));
    union {
        const struct json *from;
        void *to;
    } context = {expected};
    options.root_id_context = context.to;
    struct normalizer *normalizer;
    struct normalizer_result result = {.rows = {.kind = JSON_OBJECT}};
    struct resource *resource = ARENA_NEW(arena, struct resource);
    *resource = resource_of(arena, c);
    *ret_ok = normalizer_open(arena, &options, &normalizer, err) == RC_OK;
    const struct json *loads = json_get(c, STR("loads"));
    const struct json *errors = json_get(c, STR("load_errors"));
    result.schema = (struct json){.kind = JSON_OBJECT};
    for (size_t i = 0; *ret_ok && i < loads->count; i++) {
        normalizer->options.load_id = arena_printf(arena, "LOAD%zu", i + 1);
        for (size_t t = 0; t < normalizer->tables.count; t++) {
            normal_table_clear(normalizer, normalizer->tables.items[t]);
            normalizer->tables.items[t]->evolves_once = false;
        }
        const bool is_loaded = run_load(normalizer, resource, &loads->items[i], err);
        if (is_loaded != (errors->items[i].kind == JSON_NULL))
            *ret_ok = false;
        if (!is_loaded)
            break; // dlt keeps the schema and rows of before
        collect_rows(arena, normalizer, &result.rows);
        result.schema = describe_tables(arena, normalizer);
    }
    return result;
}

static void run_normalizer(struct vectors *v)
{
    const struct json cases = vectors_json(v, "normalizer_cases.json");
    for (size_t i = 0; i < cases.count; i++) {
        const struct json *c = &cases.items[i];
        struct err err = {0};
        bool is_ok = false;
        v->case_name = text_of(c, "case");
        const struct normalizer_result result = run_loads(v, c, &is_ok, &err);
        if (!is_ok) {
            vectors_fail(v, "a load should have %s: %s", err.code == RC_OK ? "failed" : "worked",
                         err.message);
            continue;
        }
        const struct json *wanted_rows = json_get(c, STR("rows"));
        const struct json *wanted_schema = json_get(c, STR("schema"));
        struct json wanted_columns = {.kind = JSON_OBJECT};
        for (size_t t = 0; t < wanted_schema->count; t++)
            *json_object_set(v->arena, &wanted_columns, wanted_schema->members[t].key) =
                *json_get(&wanted_schema->members[t].value, STR("columns"));
        if (!json_equal(&wanted_columns, &result.schema))
            vectors_fail(v, "schema: expected %.*s, found %.*s",
                         STR_ARGS(json_print(v->arena, &wanted_columns, JSON_COMPACT)),
                         STR_ARGS(json_print(v->arena, &result.schema, JSON_COMPACT)));
        else if (!json_equal(wanted_rows, &result.rows))
            vectors_fail(v, "rows: expected %.*s, found %.*s",
                         STR_ARGS(json_print(v->arena, wanted_rows, JSON_COMPACT)),
                         STR_ARGS(json_print(v->arena, &result.rows, JSON_COMPACT)));
        else
            vectors_pass(v);
    }
}

int main(int argc, char **argv)
{
    static const struct vectors_suite suites[] = {
        {"ingest-naming", run_naming},         {"ingest-ids", run_ids},
        {"ingest-detections", run_detections}, {"ingest-coercion", run_coercion},
        {"ingest-normalizer", run_normalizer}, {NULL, NULL}};
    return vectors_main(argc, argv, suites);
}
