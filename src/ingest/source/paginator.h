/// @file paginator.h
/// How an API is read page by page: json_link, header_link, header_cursor, cursor, offset,
/// page_number, single_page, auto. Layer: ingest. Source: dlt's REST client (names, arguments,
/// defaults, stop rules). A new paginator is a row in the table of paginator.c.
/// Threads: a paginator belongs to one request chain.

#ifndef INGEST_SOURCE_PAGINATOR_H
#define INGEST_SOURCE_PAGINATOR_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "net/http.h"

/// The request of a chain, changed from page to page. Its values live in the chain's arena.
struct page_request {
    struct str url;     // absolute, without the parameters
    struct json params; // object
    struct json body;   // JSON body; JSON_NULL = none
};

/// What an answer offers.
struct page_answer {
    const struct http_response *response;
    const struct json *json; // its body
    size_t record_count;     // found by the data selector, before any filter
};

struct paginator;

/// Checks a configuration: a name, an object with "type", or NULL/null for auto.
/// @return RC_OK | RC_CONFIG (unknown name, missing or contradicting arguments)
CHECK rc paginator_check(const struct json *config, struct err *err);

/// Starts a chain. @param arena  of the chain; @param config as in paginator_check
CHECK rc paginator_open(struct arena *arena, const struct json *config,
                        struct paginator **ret_paginator, struct err *err);
/// Sets what the first request needs (page=1, offset=0&limit=100).
CHECK rc paginator_start(struct paginator *paginator, struct page_request *request,
                         struct err *err);
/// Looks at an answer and prepares the next request.
/// @param ret_has_next  false: that was the last page
/// @return RC_OK | RC_INVALID (the answer lacks what the paginator needs)
CHECK rc paginator_next(struct paginator *paginator, const struct page_answer *answer,
                        struct page_request *request, bool *ret_has_next, struct err *err);
/// "page_number (page)" for messages; of auto: the detected one.
struct str paginator_describe(const struct paginator *paginator, struct arena *arena);
/// True once auto has looked at its first answer.
bool paginator_was_detected(const struct paginator *paginator);

#endif
