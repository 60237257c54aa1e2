/// @file columns.c
/// See columns.h. Layer: ingest.

#include "ingest/columns.h"

#include "base/decimal.h"

static bool has_heap(enum data_type type)
{
    return type == DATA_TEXT || type == DATA_BINARY || type == DATA_JSON;
}

static size_t value_bytes(enum data_type type)
{
    switch (type) {
    case DATA_BOOL:
        return 1;
    case DATA_DECIMAL:
    case DATA_WEI:
        return sizeof(__int128);
    default:
        return sizeof(int64_t);
    }
}

void column_values_init(struct column_values *values, enum data_type type, int precision, int scale)
{
    *values = (struct column_values){.type = type, .precision = precision, .scale = scale};
    buf_init(&values->values, COLUMN_MAX_BYTES);
    buf_init(&values->valid, COLUMN_MAX_BYTES);
    buf_init(&values->heap, COLUMN_MAX_BYTES);
}

void column_values_done(struct column_values *values)
{
    buf_done(&values->values);
    buf_done(&values->valid);
    buf_done(&values->heap);
    values->count = values->null_count = 0;
}

void column_values_clear(struct column_values *values)
{
    buf_clear(&values->values);
    buf_clear(&values->valid);
    buf_clear(&values->heap);
    values->count = values->null_count = 0;
}

size_t column_values_bytes(const struct column_values *values)
{
    return values->values.length + values->valid.length + values->heap.length;
}

rc column_values_fill(struct column_values *values, size_t rows, struct err *err)
{
    if (rows <= values->count)
        return RC_OK;
    const size_t missing = rows - values->count;
    char *valid = buf_extend(&values->valid, missing);
    char *to = buf_extend(&values->values, missing * value_bytes(values->type));
    if (valid == NULL || to == NULL)
        return buf_check(&values->values, err, "a column");
    memset(valid, 0, missing);
    if (has_heap(values->type)) {
        const uint64_t end = values->heap.length;
        for (size_t i = 0; i < missing; i++)
            memcpy(to + i * sizeof end, &end, sizeof end);
    } else {
        memset(to, 0, missing * value_bytes(values->type));
    }
    values->count = rows;
    values->null_count += missing;
    return RC_OK;
}

static rc append_fixed(struct column_values *values, size_t row, const void *value, size_t bytes,
                       struct err *err)
{
    TRY(column_values_fill(values, row, err));
    buf_append(&values->values, value, bytes);
    buf_append_byte(&values->valid, 1);
    values->count = row + 1;
    return values->values.is_over_limit ? buf_check(&values->values, err, "a column") : RC_OK;
}

rc column_values_append_text(struct column_values *values, size_t row, struct str text,
                             struct err *err)
{
    TRY(column_values_fill(values, row, err));
    buf_append_str(&values->heap, text);
    if (values->heap.is_over_limit)
        return buf_check(&values->heap, err, "the texts of a column");
    const uint64_t end = values->heap.length;
    return append_fixed(values, row, &end, sizeof end, err);
}

rc column_values_append_number(struct column_values *values, size_t row, int64_t number,
                               struct err *err)
{
    return append_fixed(values, row, &number, sizeof number, err);
}

static rc append_decimal(struct column_values *values, size_t row, struct str text, struct err *err)
{
    struct decimal decimal;
    TRY_CONTEXT(decimal_parse(text, &decimal, err), err, "the value %.*s", STR_ARGS(text));
    TRY(decimal_rescale(decimal, values->scale, (struct decimal_rescale_options){.may_round = true},
                        &decimal, err));
    if (!decimal_fits(decimal, values->precision, values->scale))
        return err_set(err, RC_LIMIT, "the value %.*s does not fit decimal(%d, %d)", STR_ARGS(text),
                       values->precision, values->scale);
    return append_fixed(values, row, &decimal.unscaled, sizeof decimal.unscaled, err);
}

rc column_values_append(struct column_values *values, size_t row, const struct cell *cell,
                        struct err *err)
{
    switch (values->type) {
    case DATA_TEXT:
    case DATA_BINARY:
        return column_values_append_text(values, row, cell->text, err);
    case DATA_JSON: {
        TRY(column_values_fill(values, row, err));
        json_write(&values->heap, cell->json, JSON_COMPACT);
        return column_values_append_text(values, row, (struct str){NULL, 0}, err);
    }
    case DATA_DOUBLE:
        return append_fixed(values, row, &cell->real, sizeof cell->real, err);
    case DATA_BOOL:
        return append_fixed(values, row, &cell->boolean, 1, err);
    case DATA_DECIMAL:
    case DATA_WEI:
        return append_decimal(values, row, cell->text, err);
    default:
        return append_fixed(values, row, &cell->number, sizeof cell->number, err);
    }
}

struct str column_values_text(const struct column_values *values, size_t row)
{
    uint64_t start = 0, end;
    memcpy(&end, values->values.bytes + row * sizeof end, sizeof end);
    if (row > 0)
        memcpy(&start, values->values.bytes + (row - 1) * sizeof start, sizeof start);
    return (struct str){values->heap.bytes + start, end - start};
}

int64_t column_values_number(const struct column_values *values, size_t row)
{
    int64_t number;
    memcpy(&number, values->values.bytes + row * sizeof number, sizeof number);
    return number;
}

double column_values_double(const struct column_values *values, size_t row)
{
    double number;
    memcpy(&number, values->values.bytes + row * sizeof number, sizeof number);
    return number;
}

__int128 column_values_decimal(const struct column_values *values, size_t row)
{
    __int128 number;
    memcpy(&number, values->values.bytes + row * sizeof number, sizeof number);
    return number;
}

bool column_values_bool(const struct column_values *values, size_t row)
{
    return values->values.bytes[row] != 0;
}
