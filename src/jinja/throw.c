/// @file throw.c
/// Exceptions as error messages with a marked name. Layer: jinja. Pure functions.

#include "jinja/throw.h"

#include <stdio.h>

rc throw_error_v(struct err *err, const char *exception, const char *format, va_list args)
{
    char words[ERR_MESSAGE_BYTES];
    vsnprintf(words, sizeof words, format, args);
    return err_set(err, RC_FAILED, "%c%s%c%s", EXCEPTION_MARK, exception, EXCEPTION_MARK, words);
}

rc throw_error(struct err *err, const char *exception, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const rc code = throw_error_v(err, exception, format, args);
    va_end(args);
    return code;
}

static bool find_name(const struct err *err, struct str *ret_before, struct str *ret_name,
                      struct str *ret_after)
{
    const struct str message = str_of(err->message);
    const size_t open = str_find_byte(message, EXCEPTION_MARK);
    if (open == SIZE_MAX)
        return false;
    const struct str rest = str_slice(message, open + 1, SIZE_MAX);
    const size_t close = str_find_byte(rest, EXCEPTION_MARK);
    if (close == SIZE_MAX)
        return false;
    *ret_before = str_slice(message, 0, open);
    *ret_name = str_slice(rest, 0, close);
    *ret_after = str_slice(rest, close + 1, SIZE_MAX);
    return true;
}

const char *throw_take(struct err *err, char *to, size_t to_bytes)
{
    struct str before, name, after;
    to[0] = '\0';
    if (!find_name(err, &before, &name, &after))
        return to;
    snprintf(to, to_bytes, "%.*s", STR_ARGS(name));
    char words[ERR_MESSAGE_BYTES];
    const size_t length = before.length + after.length;
    memcpy(words, before.bytes, before.length);
    memcpy(words + before.length, after.bytes, after.length);
    memcpy(err->message, words, length);
    err->message[length] = '\0';
    return to;
}

bool throw_is(const struct err *err, const char *exception)
{
    struct str before, name, after;
    return err != NULL && find_name(err, &before, &name, &after) && str_is(name, exception);
}
