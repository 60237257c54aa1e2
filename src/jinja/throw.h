/// @file throw.h
/// How the language's own functions fail: RC_FAILED with an exception's name inside the message.
/// Layer: jinja, private. The name travels between two EXCEPTION_MARK bytes at the front of
/// err.message; whoever ends a render takes it out again (throw_take).

#ifndef JINJA_THROW_H
#define JINJA_THROW_H

#include "base/err.h"
#include "base/str.h"

#define EXCEPTION_MARK '\x01'

/// throw(err, "TypeError", "'%s' object is not iterable", name)
rc throw_error(struct err *err, const char *exception, const char *format, ...) PRINTF_LIKE(3, 4);
rc throw_error_v(struct err *err, const char *exception, const char *format, va_list args)
    PRINTF_LIKE(3, 0);

/// Splits the name off. @return it (copied to `to`), or "" when the error is no exception
const char *throw_take(struct err *err, char *to, size_t to_bytes);

/// True when the error carries this exception.
bool throw_is(const struct err *err, const char *exception);

#endif
