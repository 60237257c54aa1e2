/// @file predicate.h
/// Whether a file or a manifest can hold rows that satisfy a condition: inclusive evaluation, which
/// may say "maybe" too often, but never "no" wrongly. Layer: iceberg, internal to scan.
/// Source: Iceberg spec "Scan Planning", Java's InclusiveMetricsEvaluator and Projections.

#ifndef ICEBERG_PREDICATE_H
#define ICEBERG_PREDICATE_H

#include "iceberg/scan.h"

bool predicate_may_match_metrics(const struct predicate *predicate, const struct schema *schema,
                                 const struct data_file *file);
bool predicate_may_match_partition(const struct predicate *predicate,
                                   const struct partition_spec *spec, const struct type *types,
                                   const struct data_file *file);
bool predicate_may_match_manifest(const struct predicate *predicate,
                                  const struct partition_spec *spec, const struct type *types,
                                  const struct manifest_file *manifest);

#endif
