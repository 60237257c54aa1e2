/// @file regex.h
/// Regular expressions in Python's habit, over PCRE2 with limits on work and depth, so that a
/// hostile pattern ends with RC_LIMIT. Layer: base. Threads: a compiled regex is read-only and may
/// be shared. Differences of the languages that are translated: `\Z` (end of text), `\uXXXX`,
/// `\UXXXXXXXX`; \w \d \s and letters without case follow Unicode.

#ifndef BASE_REGEX_H
#define BASE_REGEX_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

enum {
    REGEX_MAX_PATTERN_BYTES = 64 << 10,
    REGEX_MAX_GROUPS = 64,
    REGEX_MATCH_LIMIT = 1000000,
    REGEX_DEPTH_LIMIT = 10000,
    REGEX_HEAP_LIMIT_KIB = 20000,
};

struct regex_options {
    bool ignores_case; // re.I
    bool is_multiline; // re.M
    bool dot_is_all;   // re.S
    bool is_verbose;   // re.X
    bool is_ascii;     // re.A
};

struct regex;

/// @param place  unused names may be ""; errors say the offset in the pattern
/// @return RC_OK | RC_INVALID | RC_LIMIT
CHECK rc regex_compile(struct arena *arena, struct str pattern, struct regex_options options,
                       const struct regex **ret_regex, struct err *err);

struct regex_match {
    size_t start, end;                   // byte offsets of the whole match
    size_t count;                        // groups, the whole match (0) included
    struct str groups[REGEX_MAX_GROUPS]; // .bytes NULL = the group took no part
};

/// The number of a named group, or SIZE_MAX.
size_t regex_group_of(const struct regex *regex, struct str name);

/// First match at or after byte offset `start` (re.search), exactly at it (re.match), or over the
/// whole text (re.fullmatch).
/// @param ret_is_match  false: nothing found, which is RC_OK
/// @param ret_match     may be NULL; groups are slices of `text`
/// @return RC_OK | RC_INVALID (the text is no valid UTF-8) | RC_LIMIT
CHECK rc regex_search(const struct regex *regex, struct str text, size_t start, bool *ret_is_match,
                      struct regex_match *ret_match, struct err *err);
CHECK rc regex_match(const struct regex *regex, struct str text, size_t start, bool *ret_is_match,
                     struct regex_match *ret_match, struct err *err);
CHECK rc regex_fullmatch(const struct regex *regex, struct str text, bool *ret_is_match,
                         struct regex_match *ret_match, struct err *err);

VEC_TYPE(regex_match_vec, struct regex_match);
/// Every match, left to right, empty ones as Python 3.7+ counts them. At most `max_count`.
CHECK rc regex_find_all(struct arena *arena, const struct regex *regex, struct str text,
                        size_t max_count, regex_match_vec *ret_matches, struct err *err);
/// re.sub: `replacement` may hold \1, \g<1>, \g<name>, \\ and \n. At most `max_count` (0 = all).
CHECK rc regex_sub(struct arena *arena, const struct regex *regex, struct str replacement,
                   struct str text, size_t max_count, struct str *ret_text, struct err *err);
/// re.split with at most `max_count` splits (0 = all); groups are put between the parts, those that
/// took no part as .bytes NULL.
CHECK rc regex_split(struct arena *arena, const struct regex *regex, struct str text,
                     size_t max_count, str_vec *ret_parts, struct err *err);
/// The text with every special character escaped (re.escape).
struct str regex_escape(struct arena *arena, struct str text);

#endif
