/// @file detect.h
/// What a text or number looks like: ISO 8601 dates and times, integers too large for 64 bits.
/// Layer: ingest. Source: dlt's detectors and pendulum's ISO parser, which they call; equal in what
/// they accept, quirks included ("75" is no time, "202401" is 20:24:01). Pure functions.

#ifndef INGEST_DETECT_H
#define INGEST_DETECT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/// dlt's data types, in the order in which it lists them.
enum data_type {
    DATA_NONE, // not known yet
    DATA_TEXT,
    DATA_DOUBLE,
    DATA_BOOL,
    DATA_TIMESTAMP,
    DATA_BIGINT,
    DATA_BINARY,
    DATA_JSON,
    DATA_DECIMAL,
    DATA_WEI,
    DATA_DATE,
    DATA_TIME,
    DATA_TYPE_COUNT,
};
/// "text", "bigint", ...; "" for DATA_NONE.
struct str data_type_name(enum data_type type);
/// @return DATA_NONE when there is none of that name
enum data_type data_type_of(struct str name);

enum iso_kind {
    ISO_NONE, // something else (also durations and intervals)
    ISO_DATE,
    ISO_TIME,
    ISO_DATETIME,
};
struct iso_moment {
    int64_t us;         // as if UTC when there is no offset; a time: within 1970-01-01;
                        // a date: its midnight. The offset is already taken off.
    int offset_seconds; // east of UTC
    bool has_offset;
};
enum iso_kind detect_iso(struct str text, struct iso_moment *ret_moment);

/// dlt's detectors, as bits of a set.
enum detector {
    DETECT_ISO_TIMESTAMP = 1 << 0, // on by default
    DETECT_ISO_DATE = 1 << 1,
    DETECT_TIMESTAMP = 1 << 2, // numbers within five years of now
    DETECT_LARGE_INTEGER = 1 << 3,
    // Of Python types that JSON does not have: taken, without effect.
    DETECT_HEXBYTES_TO_TEXT = 1 << 4,
    DETECT_WEI_TO_DOUBLE = 1 << 5,
};
/// @return 0 when there is none of that name
unsigned detector_of(struct str name);

/// @return the detected type of a text, DATA_NONE = text
enum data_type detect_text(struct str text, unsigned detectors);
/// An integer of any size: wei above 2^63-1, text above 578960446186580977117854925043439539266.
/// @param digits  as JSON has it: optional minus, digits
enum data_type detect_integer(struct str digits, unsigned detectors, int64_t now_us);
enum data_type detect_double(double number, unsigned detectors, int64_t now_us);

#endif
