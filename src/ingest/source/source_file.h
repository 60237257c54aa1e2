/// @file source_file.h
/// The source of a project: pipelines/ingest/<name>-ingestion/source.yml. Layer: ingest.
/// Source of truth for its keys: docs/schema/source.schema.json. Threads: one.

#ifndef INGEST_SOURCE_SOURCE_FILE_H
#define INGEST_SOURCE_SOURCE_FILE_H

#include "base/jsonschema.h"
#include "ingest/source/source.h"
#include "project/project.h"

enum { SOURCE_FILE_MAX_BYTES = 4 << 20 };

/// Names of the project's sources: the folders pipelines/ingest/<name>-ingestion with a source.yml.
CHECK rc source_file_names(const struct project *project, struct arena *arena, str_vec *ret_names,
                           struct err *err);

/// Path of the file. @return RC_OK | RC_NOT_FOUND (with the name that was probably meant)
CHECK rc source_file_path(const struct project *project, struct arena *arena, struct str name,
                          struct str *ret_path, struct err *err);

/// Every problem of the file that the schema finds; templates ({{ ... }}) are not filled in.
/// @return RC_OK (also with problems) | RC_INVALID (no YAML) | RC_NOT_FOUND
CHECK rc source_file_problems(const struct project *project, struct arena *arena, struct str name,
                              jsonschema_problem_vec *ret_problems, struct err *err);

/// A source that was read from its file.
struct source_file {
    struct source *source;     // close it with source_close()
    const struct json *config; // rendered; lives in the arena
    struct str path;
};
/// Reads, renders, checks and opens. No network.
/// @param options  name and selected resources; `tree` is filled in here
/// @return RC_OK | RC_NOT_FOUND | RC_CONFIG (file:line:column) | RC_USAGE
CHECK rc source_file_open(const struct project *project, struct arena *arena,
                          const struct source_options *options, struct source_file *ret_file,
                          struct err *err);

#endif
