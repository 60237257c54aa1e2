/// @file scan_filter.h
/// From the WHERE clause of a query to a predicate of the scan. Layer: iceberg. Pure.

#ifndef ICEBERG_SCAN_FILTER_H
#define ICEBERG_SCAN_FILTER_H

#include "duck/duck.h"
#include "iceberg/scan.h"

/// Conditions whose column or value is not understood are left out, so the predicate is never
/// narrower than the filter. Zone-less times count as UTC.
/// @param schema  that the scan reads with
struct predicate scan_filter_predicate(struct arena *arena, const struct schema *schema,
                                       const struct duck_filter *filter);

#endif
