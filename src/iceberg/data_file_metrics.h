/// @file data_file_metrics.h
/// From a Parquet footer to the metrics of an Iceberg data file.
/// Layer: iceberg. Source: Iceberg spec "Data File Fields", table properties
/// write.metadata.metrics. Bounds: truncate(16) for text and bytes, full for the rest; none inside
/// lists and maps.

#ifndef ICEBERG_DATA_FILE_METRICS_H
#define ICEBERG_DATA_FILE_METRICS_H

#include "format/parquet_footer.h"
#include "iceberg/manifest.h"

/// Fills record_count, column_sizes, value/null counts, bounds and split_offsets of `file`; the
/// rest stays as it is. Columns are matched by field id, or by name through `mapping` when the file
/// has no ids.
/// @param mapping  may be NULL
/// @return RC_OK | RC_CORRUPT (footer and schema contradict each other)
CHECK rc data_file_metrics(struct arena *arena, const struct schema *schema,
                           const struct name_mapping *mapping, const struct parquet_footer *footer,
                           struct data_file *file, struct err *err);

#endif
