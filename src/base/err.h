/// @file err.h
/// How a call says that it failed: a return code for the program, an error object for the person.
/// Layer: base. Threads: an err belongs to one thread. Source of the codes: spec/errors.yaml.

#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.gen.h" // enum rc, made from spec/errors.yaml

/// The caller must look at the result.
#define CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/// Returns from the calling function when `call` fails; results of the caller are then untouched.
#define TRY(call)                                                                                  \
    do {                                                                                           \
        const rc try_rc = (call);                                                                  \
        if (try_rc != RC_OK)                                                                       \
            return try_rc;                                                                         \
    } while (0)

/// As TRY, with context for the person: TRY_CONTEXT(parse(text, err), err, "file %s", path).
#define TRY_CONTEXT(call, err, ...)                                                                \
    do {                                                                                           \
        const rc try_rc = (call);                                                                  \
        if (try_rc != RC_OK) {                                                                     \
            err_context((err), __VA_ARGS__);                                                       \
            return try_rc;                                                                         \
        }                                                                                          \
    } while (0)

enum { ERR_MESSAGE_BYTES = 1024, ERR_HINT_BYTES = 400, ERR_PLACE_BYTES = 256 };

/// What went wrong, for a person. Filled by the function that noticed it; callers may put context
/// before it. A zeroed err is empty. Copy it by assignment.
struct err {
    rc code;
    int http_status;                 // of the answer that caused it; 0 = none
    int64_t retry_after_ms;          // what the server asked for; 0 = nothing
    bool is_retryable;               // set with the code's default, callers may change it
    bool is_unsent;                  // nobody was reached, so nothing can have been carried out
    int line, column;                // of the input text, from 1; 0 = unknown
    char place[ERR_PLACE_BYTES];     // input file, URL or table; "" = none
    char message[ERR_MESSAGE_BYTES]; // UTF-8, lower case, no full stop; always terminated
    char hint[ERR_HINT_BYTES];       // what to do about it; "" = the hint of the code
};

/// Fills `err` (may be NULL) and returns `code`, so that a failure is one statement.
rc err_set(struct err *err, rc code, const char *format, ...) PRINTF_LIKE(3, 4);
rc err_set_v(struct err *err, rc code, const char *format, va_list args) PRINTF_LIKE(3, 0);

/// As err_set with the position in an input text: printed as "file:line:column: message".
rc err_set_at(struct err *err, rc code, const char *place, int line, int column, const char *format,
              ...) PRINTF_LIKE(6, 7);

/// Puts "context: " before the message and returns its code: "partition field 3: bucket width is
/// 0". `err` may be NULL; then RC_INTERNAL is returned, so keep the code of the failed call.
rc err_context(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/// Says what to do about it. Returns the code, so that it can end a chain.
rc err_hint(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/// As err_set for a failed system call: picks the class from `error_number` (ENOENT -> not_found,
/// EACCES/EPERM/EROFS -> denied, ENOSPC/EDQUOT -> no_space, EEXIST -> exists, else io) and ends the
/// message with the system's words.
rc err_system(struct err *err, int error_number, const char *format, ...) PRINTF_LIKE(3, 4);

/// The message as it is shown: "place:line:column: message". @return `to`, always terminated
const char *err_text(const struct err *err, char *to, size_t to_bytes);

/// What spec/errors.yaml says of a code.
struct rc_class {
    const char *name; // "not_found"
    const char *text; // "it does not exist"
    const char *hint; // "" = none
    int exit_code;
    bool is_retryable;
};
extern const struct rc_class rc_classes[RC_COUNT];
const struct rc_class *rc_class_of(rc code);

#endif
