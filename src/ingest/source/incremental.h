/// @file incremental.h
/// The cursor of an incremental resource: which records are new, and from where the next run goes
/// on. Layer: ingest. Source: dlt's incremental (arguments, defaults, boundary deduplication and
/// the shape of the state are its own). Threads: an incremental belongs to one thread. Limits:
/// INCREMENTAL_MAX_HASHES records that share the last cursor value.

#ifndef INGEST_SOURCE_INCREMENTAL_H
#define INGEST_SOURCE_INCREMENTAL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "base/vec.h"

enum { INCREMENTAL_MAX_HASHES = 100000 };

enum row_order { ROW_ORDER_UNKNOWN, ROW_ORDER_ASC, ROW_ORDER_DESC };
enum cursor_missing { CURSOR_MISSING_RAISE, CURSOR_MISSING_INCLUDE, CURSOR_MISSING_EXCLUDE };

struct selector;

struct incremental_config {
    struct str cursor_path;           // as written: the key of the state
    const struct selector *selector;  // NULL = cursor_path is a field's name
    const struct json *initial_value; // NULL = none
    const struct json *end_value;     // NULL = none; else the run is a window without state
    bool is_min;                      // last_value_func: min
    enum row_order row_order;
    enum cursor_missing on_missing;
    double lag;         // seconds for times, days for dates, else the number's unit; 0 = none
    bool is_start_open; // records equal to the start value are left out
    bool is_end_closed; // records equal to the end value are kept
    bool has_key;       // false: the whole record tells records of one cursor value apart
    str_vec key;        // fields; empty with has_key: no deduplication
};

/// Reads dlt's arguments. @param config       object with cursor_path, initial_value, ...
/// @param primary_key  the resource's, used when `config` has no primary_key
/// @return RC_OK | RC_CONFIG
CHECK rc incremental_config_read(struct arena *arena, const struct json *config,
                                 const str_vec *primary_key, struct incremental_config *ret_config,
                                 struct err *err);

struct incremental;

/// @param state  of this cursor as the last run left it; NULL = first run
/// @return RC_OK | RC_INVALID (lag on a text that is no date, broken state)
CHECK rc incremental_open(struct arena *arena, const struct incremental_config *config,
                          const struct json *state, struct incremental **ret_incremental,
                          struct err *err);

/// "start_value" (with lag), "initial_value", "last_value", "end_value".
/// @return NULL when there is none (also for other names)
const struct json *incremental_value(const struct incremental *incremental, struct str name);

/// Before the first record of a request chain: forgets that records ran out of range.
void incremental_begin_chain(struct incremental *incremental);

/// Decides on one record. `record` must live until incremental_end_page().
/// @return RC_OK | RC_INVALID (no cursor value, or one of another type than before)
CHECK rc incremental_filter(struct incremental *incremental, const struct json *record,
                            bool *ret_keeps, struct err *err);

/// After the records of a page. @return RC_OK | RC_INVALID (a record lacks the key) | RC_LIMIT
CHECK rc incremental_end_page(struct incremental *incremental, struct err *err);

/// With a declared record order: no further record can be in range.
bool incremental_can_stop(const struct incremental *incremental);

/// False for a window with end_value: nothing is remembered.
bool incremental_has_state(const struct incremental *incremental);
/// {"initial_value", "last_value", "unique_hashes", "start_value"}
struct json incremental_state(const struct incremental *incremental, struct arena *arena);

/// The start value of a run: `last_value` moved back by `lag`, never beyond `initial_value`.
/// @return RC_OK | RC_INVALID (a text that is neither date nor time)
CHECK rc incremental_apply_lag(struct arena *arena, double lag, bool is_min,
                               const struct json *initial_value, const struct json *last_value,
                               struct json *ret_value, struct err *err);

/// <0, 0, >0. Numbers by value (integers exactly), texts by code point.
/// @return RC_OK | RC_INVALID (kinds differ or have no order)
CHECK rc incremental_compare(const struct json *a, const struct json *b, int *ret_order,
                             struct err *err);

#endif
