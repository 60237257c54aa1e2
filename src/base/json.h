/// @file json.h
/// JSON values: reading, looking up, writing. Layer: base. Source: RFC 8259.
/// Numbers keep their text, so 9007199254740993, 1.10 and 1e400 survive unchanged.
/// Strict: no comments, no trailing commas, no NaN, valid UTF-8 only, `\u0000` is kept.
/// Duplicate keys: the last one wins in lookups (as in Python), at the place of the first.
/// Limits: depth JSON_MAX_DEPTH; the size of the text is capped by whoever fetched it.

#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { JSON_MAX_DEPTH = 256 };

enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER, // .text is the number as it was written
    JSON_STRING, // .text is the decoded string
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_member;

struct json {
    enum json_kind kind;
    bool boolean;
    struct str text; // numbers and strings
    size_t count;    // of items or members
    union {
        struct json *items;
        struct json_member *members;
    };
};

struct json_member {
    struct str key;
    struct json value;
};

/// Parses one document; white space around it is allowed, anything else behind it is an error.
/// @param text       UTF-8, borrowed: strings without escapes and numbers point into it, so it must
///                   live as long as the value
/// @param place      named in errors: file or URL
/// @param ret_value  the value; its arrays live in `arena`
/// @return RC_OK | RC_INVALID (err has line and column) | RC_LIMIT (depth)
CHECK rc json_parse(struct arena *arena, struct str text, const char *place, struct json *ret_value,
                    struct err *err);

/// Reads documents one after another from a text (JSON Lines, or concatenated).
struct json_reader {
    struct str text;
    size_t at; // offset of the next byte
    const char *place;
};
/// @return RC_OK | RC_EOF (only white space is left) | RC_INVALID | RC_LIMIT
CHECK rc json_next(struct json_reader *reader, struct arena *arena, struct json *ret_value,
                   struct err *err);

/// @return the member's value, or NULL when `value` is no object or has no such key
const struct json *json_get(const struct json *value, struct str key);
/// As json_get with a chain: json_path(v, "a", "b") is v["a"]["b"].
#define json_path(value, ...) json_path_of((value), (const char *const[]){__VA_ARGS__, NULL})
const struct json *json_path_of(const struct json *value, const char *const *keys);

/// Typed reads; NULL or another kind gives the fallback.
struct str json_str(const struct json *value, struct str fallback);
int64_t json_int64(const struct json *value, int64_t fallback); // also "3.0"? no: integers only
bool json_bool(const struct json *value, bool fallback);
/// An integer number without fraction or exponent that fits. @return false otherwise
bool json_to_int64(const struct json *value, int64_t *ret_number);
bool json_to_double(const struct json *value, double *ret_number);
bool json_equal(const struct json *a, const struct json *b); // objects: any order; numbers by text

/// Building.
struct json json_of_str(struct str text);
struct json json_of_int64(struct arena *arena, int64_t number);
struct json json_of_double(struct arena *arena, double number); // shortest text that reads back
struct json json_of_bool(bool boolean);
struct json *json_array_push(struct arena *arena, struct json *array);
/// Adds or replaces. @return the member's value to fill
struct json *json_object_set(struct arena *arena, struct json *object, struct str key);
/// Deep copy, all text included, so that nothing borrows any more.
struct json json_copy(struct arena *arena, const struct json *value);

/// Writing. Compact = no white space; pretty = two blanks per level, "key": value.
/// Escapes " \ and control characters; everything else stays UTF-8.
enum json_style { JSON_COMPACT, JSON_PRETTY };
void json_write(struct buf *to, const struct json *value, enum json_style style);
void json_write_string(struct buf *to, struct str text);
struct str json_print(struct arena *arena, const struct json *value, enum json_style style);

/// Streaming writer for documents that are not worth a tree.
struct json_writer {
    struct buf *to;
    enum json_style style;
    int depth;
    bool is_first[JSON_MAX_DEPTH]; // nothing written yet on this level
    bool has_key;
};
void json_writer_init(struct json_writer *w, struct buf *to, enum json_style style);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, struct str key);
void json_put_str(struct json_writer *w, struct str text);
void json_put_int64(struct json_writer *w, int64_t number);
void json_put_bool(struct json_writer *w, bool boolean);
void json_put_null(struct json_writer *w);
void json_put(struct json_writer *w, const struct json *value);
/// A value that is JSON text already.
void json_put_raw(struct json_writer *w, struct str text);
/// "key": value in one call.
void json_field_str(struct json_writer *w, const char *key, struct str text);
void json_field_int64(struct json_writer *w, const char *key, int64_t number);
void json_field_bool(struct json_writer *w, const char *key, bool boolean);

#endif
