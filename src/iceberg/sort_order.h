/// @file sort_order.h
/// In which order rows should lie in files. Layer: iceberg. Source: Iceberg spec "Sorting".

#ifndef ICEBERG_SORT_ORDER_H
#define ICEBERG_SORT_ORDER_H

#include "iceberg/schema.h"
#include "iceberg/transform.h"

struct sort_field {
    int32_t source_id;
    struct transform transform;
    bool is_descending;
    bool is_nulls_last;
};

struct sort_order {
    int32_t order_id; // 0 = unsorted
    const struct sort_field *fields;
    size_t field_count;
};

CHECK rc sort_order_parse(struct arena *arena, const struct json *json,
                          struct sort_order *ret_order, struct err *err);
void sort_order_write(struct json_writer *writer, const struct sort_order *order);
bool sort_order_equal(const struct sort_order *a, const struct sort_order *b); // id does not count

/// Builds an order from texts: "end_time", "end_time desc", "bucket(4, id) asc nulls last".
CHECK rc sort_order_of_calls(struct arena *arena, const struct schema *schema,
                             const struct str *calls, size_t count, struct sort_order *ret_order,
                             struct err *err);
/// ORDER BY list of DuckDB, "" when unsorted. Columns are quoted by this function.
CHECK rc sort_order_sql(struct arena *arena, const struct sort_order *order,
                        const struct schema *schema, struct str *ret_sql, struct err *err);

#endif
