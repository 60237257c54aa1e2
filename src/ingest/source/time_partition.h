/// @file time_partition.h
/// Requests that each read one span of time (a month of games, a day of events): which spans are
/// still open, which are closed and need no second request. Layer: ingest.
///
/// A partition is named by a text of the parent record, e.g. ".../games/2009/10" with the format
/// "%Y/%m": its finest field is its length (%Y year, %m month, %d day, %H hour). It is closed when
/// its end, in the named time zone, lies `lag` seconds before now. A closed partition that was read
/// after it closed is remembered and not requested again; an open one is requested in every run;
/// one that has not begun is not requested at all.
/// State: {"<key>": ["2007-07/2009-12", "2020-05"]}: ranges of closed partitions, both ends
/// included, per parent.

#ifndef INGEST_SOURCE_TIME_PARTITION_H
#define INGEST_SOURCE_TIME_PARTITION_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"

struct time_zone;

enum time_unit { TIME_UNIT_YEAR, TIME_UNIT_MONTH, TIME_UNIT_DAY, TIME_UNIT_HOUR };

struct time_partition_config {
    struct str value;  // with placeholders of the parent
    struct str format; // "%Y/%m"
    enum time_unit unit;
    const struct time_zone *zone;
    int64_t lag_us;
    bool has_start, has_end;
    int64_t start, end; // numbers of the first and the last partition that are wanted
};

/// @return RC_OK | RC_CONFIG
CHECK rc time_partition_config_read(struct arena *arena, const struct json *config,
                                    struct time_partition_config *ret_config, struct err *err);

/// What a text names.
struct time_partition {
    int64_t number;  // counts the units from 1970 on: neighbours differ by 1
    struct str rest; // the text before the match: names what the partition belongs to
};
/// The last place of `text` that fits the format. @return RC_OK | RC_INVALID
CHECK rc time_partition_find(const struct time_partition_config *config, struct str text,
                             struct time_partition *ret_partition, struct err *err);

int64_t time_partition_start_us(const struct time_partition_config *config, int64_t number);
bool time_partition_is_wanted(const struct time_partition_config *config, int64_t number,
                              int64_t now_us);
bool time_partition_is_closed(const struct time_partition_config *config, int64_t number,
                              int64_t now_us);
/// "2009-10"
struct str time_partition_name(struct arena *arena, enum time_unit unit, int64_t number);

/// The closed partitions that need no request, per key.
struct time_partition_set {
    struct arena *arena;
    enum time_unit unit;
    struct map ranges; // key -> sorted ranges
};
CHECK rc time_partition_set_read(struct time_partition_set *set, struct arena *arena,
                                 enum time_unit unit, const struct json *state, struct err *err);
bool time_partition_set_has(const struct time_partition_set *set, struct str key, int64_t number);
void time_partition_set_add(struct time_partition_set *set, struct str key, int64_t number);
struct json time_partition_set_state(const struct time_partition_set *set, struct arena *arena);

#endif
