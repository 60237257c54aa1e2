/// @file detector.h
/// Guessing where an answer holds its records and how it leads to the next page. Layer: ingest.
/// Source: dlt's detector (its key lists and order, quirks included). Threads: pure functions.

#ifndef INGEST_SOURCE_DETECTOR_H
#define INGEST_SOURCE_DETECTOR_H

#include "base/arena.h"
#include "base/json.h"
#include "base/vec.h"

/// Keys from the top of the document to a value.
struct detected {
    str_vec path;             // empty = the document itself ("$")
    const struct json *value; // NULL = nothing was found
};

/// The list that looks like the page's records; the document itself when there is none.
struct detected detect_records(struct arena *arena, const struct json *document);
/// A key that starts with "next" (or its href/url).
struct detected detect_next_page(struct arena *arena, const struct json *document);
/// total_pages, pages, totalpages.
struct detected detect_total_pages(struct arena *arena, const struct json *document);
/// True when the last segment of a path holds a placeholder: "users/{id}" gives one entity.
bool detect_single_entity(struct str path);
/// "a.b.c", or "$" for an empty path.
struct str detected_path_text(struct arena *arena, const struct detected *detected);

#endif
