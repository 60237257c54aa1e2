/// @file detector.h
/// Guessing where an answer holds its records and how it leads to the next page. Layer: ingest.
/// Source: dlt's detector (its key lists and order, quirks included). Threads: pure functions.
/// Not to be taken for ../detect.h, which guesses the types of values.

#ifndef INGEST_SOURCE_DETECTOR_H
#define INGEST_SOURCE_DETECTOR_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/vec.h"
#include "ingest/source/select.h"

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
/// "a.b.c", or "$" for an empty path; for people.
struct str detected_path_text(struct arena *arena, const struct detected *detected);
/// The path as a selector for the pages to come. @return RC_OK | RC_CONFIG (a key that no path can
/// name)
CHECK rc detected_selector(struct arena *arena, const struct detected *detected,
                           const struct selector **ret_selector, struct err *err);

#endif
