/// @file yaml.h
/// Reading YAML 1.1 into a tree whose every node knows its file, line and column.
/// Layer: base. Source: YAML 1.1, resolved and constructed exactly as PyYAML's safe_load does
/// (yes/no/on/off are booleans, 012 is octal, 1:30:00 counts in sixties, 1e3 is text, `<<` merges,
/// dates become dates, the last of equal keys wins). Scanner: libyaml, so what PyYAML reads with
/// its C loader (which dbt uses) is read here; its Python scanner differs in odd places (a tab
/// before a value). Threads: pure functions; a tree is read-only after loading and lives in its
/// arena. Limits: text size, depth, and nodes after alias expansion (RC_LIMIT). An alias inside the
/// node that it names is refused. Aliased nodes are shared, never copied.

#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum {
    YAML_MAX_DEPTH = 200,
    YAML_MAX_NODES = 2000000,       // an alias counts as all that it stands for
    YAML_MAX_BYTES = 64 << 20,      // of the text
    YAML_MAX_INTEGER_DIGITS = 4300, // as Python's int() reads at most
};

enum yaml_kind {
    YAML_NULL,
    YAML_BOOL,      // .boolean
    YAML_INT,       // .text is the decimal number ("-10", "685230"), of any size
    YAML_FLOAT,     // .number; .source is what was written
    YAML_STR,       // .text
    YAML_TIMESTAMP, // .time_us, .has_offset, .offset_seconds
    YAML_DATE,      // .time_us of its midnight
    YAML_BINARY,    // .text are the decoded bytes
    YAML_SEQ,       // .items
    YAML_MAP,       // .members in the order of first appearance, merged ones first
    YAML_SET,       // .members with NULL-kind values
    YAML_OMAP,      // .members, also with equal keys; `!!pairs` is YAML_PAIRS
    YAML_PAIRS,
    YAML_KIND_COUNT,
};

struct yaml;

struct yaml_member {
    const struct yaml *key; // mostly YAML_STR; any scalar may be a key
    const struct yaml *value;
};

struct yaml {
    enum yaml_kind kind;
    const char *place; // the file, as given to yaml_parse; borrowed
    int line, column;  // of the first character, from 1; columns count code points
    bool boolean;
    bool is_quoted;     // a scalar in quotes or a block scalar
    bool has_offset;    // TIMESTAMP: `Z` or +hh:mm was written
    int offset_seconds; // TIMESTAMP: east of UTC
    double number;      // FLOAT, INT too (nearest)
    int64_t time_us;    // TIMESTAMP: since 1970 UTC (without offset: as if it were UTC); DATE
    struct str text;    // see yaml_kind
    struct str source;  // scalars: the characters that were resolved
    size_t count;       // of items or members
    union {
        const struct yaml **items;
        struct yaml_member *members;
    };
    struct map *index; // large maps: text key -> member; NULL otherwise
};

/// Reads one document. An empty text is YAML_NULL, a second document is an error.
/// @param text   UTF-8 (UTF-16 with a byte order mark too); not needed after the call
/// @param place  named in errors and in every node: a file; must live as long as the tree
/// @return RC_OK | RC_INVALID (err has place, line, column) | RC_LIMIT
CHECK rc yaml_parse(struct arena *arena, struct str text, const char *place,
                    const struct yaml **ret_root, struct err *err);

/// Reads the file and parses it. @return also RC_NOT_FOUND, RC_DENIED, RC_IO
CHECK rc yaml_load(struct arena *arena, struct str path, const struct yaml **ret_root,
                   struct err *err);

/// "a string", "an integer", "a list", "a mapping": for messages.
const char *yaml_kind_name(enum yaml_kind kind);
/// What a node is, with its value where it is short: `integer 3`, `string 'abc'`, `a list`.
struct str yaml_describe(struct arena *arena, const struct yaml *node);

/// @return the value of a text key, or NULL when `map` is NULL, no mapping, or has no such key
const struct yaml *yaml_get(const struct yaml *map, struct str key);
/// The member with its key node (whose mark says where the key stands), or NULL.
const struct yaml_member *yaml_member_of(const struct yaml *map, struct str key);
/// As yaml_get with a chain: yaml_path(v, "a", "b") is v["a"]["b"].
#define yaml_path(value, ...) yaml_path_of((value), (const char *const[]){__VA_ARGS__, NULL})
const struct yaml *yaml_path_of(const struct yaml *value, const char *const *keys);

static inline bool yaml_is_null(const struct yaml *node)
{
    return node == NULL || node->kind == YAML_NULL;
}

/// Typed reads that take what is absent, null or of another kind for the fallback.
struct str yaml_str(const struct yaml *node, struct str fallback);
int64_t yaml_int64(const struct yaml *node, int64_t fallback);
bool yaml_bool(const struct yaml *node, bool fallback);

/// Typed reads that complain with the node's place: "expected an integer for 'threads', found
/// string 'four'". `what` names the setting. Absent or null nodes are errors too: look first.
/// yaml_to_text also takes numbers, booleans and dates, as they were written.
/// @return RC_OK | RC_CONFIG
CHECK rc yaml_to_str(const struct yaml *node, const char *what, struct str *ret, struct err *err);
CHECK rc yaml_to_text(const struct yaml *node, const char *what, struct str *ret, struct err *err);
CHECK rc yaml_to_int64(const struct yaml *node, const char *what, int64_t *ret, struct err *err);
CHECK rc yaml_to_bool(const struct yaml *node, const char *what, bool *ret, struct err *err);
CHECK rc yaml_to_seq(const struct yaml *node, const char *what, const struct yaml **ret,
                     struct err *err);
CHECK rc yaml_to_map(const struct yaml *node, const char *what, const struct yaml **ret,
                     struct err *err);
/// The value of a key that must be there and not null. @return RC_OK | RC_CONFIG
CHECK rc yaml_require(const struct yaml *map, const char *key, const struct yaml **ret,
                      struct err *err);
/// Every key of `map` is one of `keys`, else the first unknown one is an error with a suggestion.
CHECK rc yaml_check_keys(const struct yaml *map, const struct str *keys, size_t key_count,
                         struct err *err);
/// err_set_at with the node's place. `node` may be NULL (then the message has no place).
rc yaml_error(struct err *err, const struct yaml *node, rc code, const char *format, ...)
    PRINTF_LIKE(4, 5);

/// Rebuilds a tree; `change` is called for each string value (never for keys) and may set
/// `*ret_node` to another node (see yaml_new); left NULL, the node stays. Unchanged subtrees are
/// shared with the old tree.
CHECK rc yaml_rewrite(struct arena *arena, const struct yaml *root,
                      rc (*change)(void *context, const struct yaml *string,
                                   const struct yaml **ret_node, struct err *err),
                      void *context, const struct yaml **ret_root, struct err *err);
/// A node with the place of `at` (may be NULL) and the value of a plain scalar as YAML reads it.
const struct yaml *yaml_new_str(struct arena *arena, const struct yaml *at, struct str text);
const struct yaml *yaml_new_int64(struct arena *arena, const struct yaml *at, int64_t number);
/// What YAML makes of an unquoted scalar: "3" is an integer, "yes" a boolean, "x" text.
CHECK rc yaml_new_plain(struct arena *arena, const struct yaml *at, struct str text,
                        const struct yaml **ret_node, struct err *err);

/// As Python's json.dumps would give it after safe_load: dates and timestamps as isoformat text,
/// keys as text, binary as base64, sets as arrays, !!omap and !!pairs as arrays of pairs; .inf and
/// .nan, which JSON lacks, as the texts "inf", "-inf", "nan".
struct json yaml_to_json(struct arena *arena, const struct yaml *node);
/// A JSON value as a YAML tree without lines. `place` as in yaml_parse.
const struct yaml *yaml_of_json(struct arena *arena, const struct json *value, const char *place);
/// Same kind and value (numbers by value, maps in any order). Places do not count.
bool yaml_equal(const struct yaml *a, const struct yaml *b);

#endif
